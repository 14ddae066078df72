
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * The peer of a link: what connect(), send() and recv() give is written down
 * beforehand, and the clock is set by hand.
 */


#include "ngx_http_faas.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "ngx_http_faas_unit_link.h"


static ngx_int_t ngx_http_faas_unit_link_connect(ngx_peer_connection_t *pc);

/* the unit itself, so that it connects to nothing but this test */

#define ngx_event_connect_peer  ngx_http_faas_unit_link_connect
#include "../../ngx_http_faas_module/engine/ngx_http_faas_link.c"


static void ngx_http_faas_unit_link_handler(ngx_http_faas_link_t *link);
static ssize_t ngx_http_faas_unit_link_recv(ngx_connection_t *c, u_char *buf,
    size_t size);
static ssize_t ngx_http_faas_unit_link_send_some(ngx_connection_t *c,
    u_char *buf, size_t size);


static ngx_http_faas_unit_link_t  *ngx_http_faas_unit_link_now;


/*
 * The next character of the script, the last one for ever: refused, an error,
 * connected at once, later, or refused later.
 */

static ngx_int_t
ngx_http_faas_unit_link_connect(ngx_peer_connection_t *pc)
{
    char                        ch;
    ngx_uint_t                  n;
    ngx_connection_t           *c;
    struct sockaddr_in         *sin;
    ngx_http_faas_unit_link_t  *tl;

    tl = ngx_http_faas_unit_link_now;

    assert_int_equal(pc->get(pc, pc->data), NGX_OK);
    assert_int_equal(pc->socklen, sizeof(struct sockaddr_in));

    sin = (struct sockaddr_in *) pc->sockaddr;
    assert_int_equal(sin->sin_family, AF_INET);
    assert_int_equal(ntohl(sin->sin_addr.s_addr), tl->link.address);

    tl->port = ntohs(sin->sin_port);
    tl->connects++;

    ch = tl->script[0];

    if (tl->script[1]) {
        tl->script++;
    }

    pc->connection = NULL;

    if (ch == 'r') {
        return NGX_DECLINED;
    }

    if (ch == 'e') {
        return NGX_ERROR;
    }

    c = ngx_pcalloc(tl->pool, sizeof(ngx_connection_t));
    assert_non_null(c);

    c->read = ngx_pcalloc(tl->pool, sizeof(ngx_event_t));
    assert_non_null(c->read);

    c->write = ngx_pcalloc(tl->pool, sizeof(ngx_event_t));
    assert_non_null(c->write);

    /* of what is no socket getsockopt() knows an error only */

    c->fd = (ch == 'f') ? open("/dev/null", O_RDWR)
                        : socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_not_equal(c->fd, -1);

    c->recv = ngx_http_faas_unit_link_recv;
    c->send = ngx_http_faas_unit_link_send_some;
    c->read->data = c;
    c->write->data = c;
    c->write->write = 1;

    n = (tl->port == NGX_HTTP_FAAS_PORT);

    /* the one before it is gone */

    if (tl->open[n]) {
        assert_int_equal(tl->open[n]->fd, -1);
    }

    tl->open[n] = c;
    pc->connection = c;

    return (ch == 'o') ? NGX_OK : NGX_AGAIN;
}


ngx_http_faas_unit_link_t *
ngx_http_faas_unit_link_begin(void)
{
    ngx_http_faas_unit_link_t  *tl;

    tl = ngx_http_faas_unit_link_script("w");

    ngx_http_faas_unit_link_event(tl->open[0], 1);

    assert_int_equal(tl->results, 1);
    assert_int_equal(tl->result, NGX_HTTP_FAAS_LINK_CONNECTED);

    tl->results = 0;
    tl->result = NGX_HTTP_FAAS_UNIT_NONE;

    return tl;
}


ngx_http_faas_unit_link_t *
ngx_http_faas_unit_link_script(char *script)
{
    ngx_pool_t                 *pool;
    ngx_http_faas_unit_link_t  *tl;

    pool = ngx_create_pool(4096, ngx_cycle->log);
    assert_non_null(pool);

    tl = ngx_pcalloc(pool, sizeof(ngx_http_faas_unit_link_t));
    assert_non_null(tl);

    tl->pool = pool;
    tl->script = script;
    tl->room = NGX_MAX_SIZE_T_VALUE / 2;
    tl->result = NGX_HTTP_FAAS_UNIT_NONE;

    assert_int_equal(ngx_event_timer_init(&tl->log), NGX_OK);
    ngx_queue_init(&ngx_posted_events);

    tl->link.pool = pool;
    tl->link.log = &tl->log;
    tl->link.address = 0x0a010203;
    tl->link.handler = ngx_http_faas_unit_link_handler;
    tl->link.data = tl;

    ngx_http_faas_unit_link_now = tl;
    ngx_http_faas_link_connect(&tl->link, 500);

    return tl;
}


void
ngx_http_faas_unit_link_end(ngx_http_faas_unit_link_t *tl)
{
    ngx_uint_t  i;

    ngx_http_faas_link_close(&tl->link);

    assert_null(tl->link.control);
    assert_null(tl->link.probe);
    assert_true(ngx_queue_empty(&ngx_posted_events));
    assert_int_equal(ngx_event_no_timers_left(), NGX_OK);

    for (i = 0; i < 2; i++) {
        if (tl->open[i]) {
            assert_int_equal(tl->open[i]->fd, -1);
        }
    }

    ((ngx_cycle_t *) ngx_cycle)->free_connections = NULL;

    ngx_destroy_pool(tl->pool);
}


void
ngx_http_faas_unit_link_wait(ngx_http_faas_unit_link_t *tl, ngx_msec_t msec)
{
    while (msec--) {
        ngx_current_msec++;
        ngx_event_expire_timers();
    }
}


void
ngx_http_faas_unit_link_event(ngx_connection_t *c, ngx_uint_t write)
{
    ngx_event_t  *ev;

    assert_non_null(c);
    assert_int_not_equal(c->fd, -1);

    ev = write ? c->write : c->read;
    ev->handler(ev);
}


static void
ngx_http_faas_unit_link_handler(ngx_http_faas_link_t *link)
{
    ngx_http_faas_unit_link_t  *tl = link->data;

    tl->results++;
    tl->result = link->result;
}


static ssize_t
ngx_http_faas_unit_link_recv(ngx_connection_t *c, u_char *buf, size_t size)
{
    size_t                      n;
    ngx_http_faas_link_t       *link;
    ngx_http_faas_unit_link_t  *tl;

    link = c->data;
    tl = link->data;

    assert_int_not_equal(c->fd, -1);
    assert_true(size > 0);

    if (tl->reply.len == 0) {
        return tl->pause ? NGX_AGAIN : tl->end;
    }

    n = ngx_min(ngx_min(size, tl->step), tl->reply.len);

    ngx_memcpy(buf, tl->reply.data, n);
    tl->reply.data += n;
    tl->reply.len -= n;

    return n;
}


/* every other time there is no room */

static ssize_t
ngx_http_faas_unit_link_send_some(ngx_connection_t *c, u_char *buf,
    size_t size)
{
    ngx_http_faas_link_t       *link;
    ngx_http_faas_unit_link_t  *tl;

    link = c->data;
    tl = link->data;

    if (tl->room == (size_t) -1) {
        return NGX_ERROR;
    }

    size = ngx_min(size, tl->room);

    if (tl->sent.data == NULL) {
        tl->sent.data = ngx_palloc(tl->pool, 10000);
        assert_non_null(tl->sent.data);
    }

    c->sent++;

    if (c->sent % 2 == 0) {
        return NGX_AGAIN;
    }

    assert_true(tl->sent.len + size <= 10000);

    ngx_memcpy(tl->sent.data + tl->sent.len, buf, size);
    tl->sent.len += size;

    return size;
}
