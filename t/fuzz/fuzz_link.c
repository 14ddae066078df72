
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * The loader's answer to a frame, after the size of a step and how much more
 * follows it.  What it means is told by a second opinion, that has it all at
 * once.
 */


#include "ngx_http_faas_fuzz.h"
#include "ngx_http_faas_link.h"


#define NGX_HTTP_FAAS_FUZZ_LINK_REPLY  16384


typedef struct {
    ngx_http_faas_link_t             link;
    ngx_connection_t                *connection;
    ngx_str_t                        reply;
    size_t                           step;
    ngx_uint_t                       results;
} ngx_http_faas_fuzz_link_t;


static ngx_uint_t ngx_http_faas_fuzz_link_expect(ngx_str_t *reply,
    ngx_str_t *text);
static void ngx_http_faas_fuzz_link_handler(ngx_http_faas_link_t *link);
static ssize_t ngx_http_faas_fuzz_link_recv(ngx_connection_t *c, u_char *buf,
    size_t size);
static ssize_t ngx_http_faas_fuzz_link_send(ngx_connection_t *c, u_char *buf,
    size_t size);

ngx_int_t __wrap_ngx_event_connect_peer(ngx_peer_connection_t *pc);


static ngx_http_faas_fuzz_link_t  *ngx_http_faas_fuzz_link;


void
ngx_http_faas_fuzz_link_target(ngx_pool_t *pool,
    ngx_http_faas_fuzz_input_t *in)
{
    size_t                      more;
    ngx_str_t                   frame, text;
    ngx_uint_t                  expected;
    ngx_event_t                *ev;
    ngx_http_faas_link_t       *link;
    ngx_http_faas_fuzz_link_t  *fl;

    fl = ngx_pcalloc(pool, sizeof(ngx_http_faas_fuzz_link_t));
    ngx_http_faas_fuzz_check(fl);

    ngx_http_faas_fuzz_link = fl;

    fl->step = 1 + ngx_http_faas_fuzz_byte(in);

    more = ngx_http_faas_fuzz_byte(in);

    /* to about as much as is read */

    fl->reply.len = in->last - in->pos;
    more = more ? NGX_HTTP_FAAS_FUZZ_LINK_REPLY - 64 + more : 0;

    fl->reply.data = ngx_pcalloc(pool, ngx_max(fl->reply.len, more));
    ngx_http_faas_fuzz_check(fl->reply.data);

    memcpy(fl->reply.data, in->pos, fl->reply.len);
    fl->reply.len = ngx_max(fl->reply.len, more);
    fl->step = more ? 64 * fl->step : fl->step;

    expected = ngx_http_faas_fuzz_link_expect(&fl->reply, &text);

    link = &fl->link;
    link->pool = pool;
    link->log = ngx_cycle->log;
    link->handler = ngx_http_faas_fuzz_link_handler;

    ngx_http_faas_link_connect(link, 500);

    ev = fl->connection->write;
    ev->handler(ev);

    ngx_http_faas_fuzz_check(fl->results == 1
                             && link->result
                                == NGX_HTTP_FAAS_LINK_CONNECTED);

    ngx_str_set(&frame, "{}\nsource");
    ngx_http_faas_link_send(link, &frame, 4000);

    while (fl->results == 1) {
        ev->handler(ev);
    }

    ngx_http_faas_fuzz_check(fl->results == 2 && link->result == expected);
    ngx_http_faas_fuzz_check(link->control == NULL && link->probe == NULL);

    if (expected == NGX_HTTP_FAAS_LINK_FAILED) {
        ngx_http_faas_fuzz_check(ngx_http_faas_fuzz_same(&link->text, &text));
    }

    ngx_http_faas_link_close(link);

    ((ngx_cycle_t *) ngx_cycle)->free_connections = NULL;
}


/* what ngx_http_faas_link.h says */

static ngx_uint_t
ngx_http_faas_fuzz_link_expect(ngx_str_t *reply, ngx_str_t *text)
{
    u_char     *p, *lf;
    ngx_int_t   n;

    p = reply->data;
    lf = memchr(p, LF, ngx_min(reply->len, NGX_HTTP_FAAS_FUZZ_LINK_REPLY));

    if (lf == NULL) {
        return NGX_HTTP_FAAS_LINK_CLOSED;
    }

    if (lf - p == 5 && memcmp(p, "READY", 5) == 0) {
        return NGX_HTTP_FAAS_LINK_READY;
    }

    if (lf - p < 8 || memcmp(p, "FAILED ", 7) != 0) {
        return NGX_HTTP_FAAS_LINK_CLOSED;
    }

    n = ngx_atoi(p + 7, lf - p - 7);

    if (n == NGX_ERROR
        || n > p + reply->len - lf - 1
        || n > p + NGX_HTTP_FAAS_FUZZ_LINK_REPLY - lf - 1)
    {
        return NGX_HTTP_FAAS_LINK_CLOSED;
    }

    text->data = lf + 1;
    text->len = n;

    return NGX_HTTP_FAAS_LINK_FAILED;
}


ngx_int_t
__wrap_ngx_event_connect_peer(ngx_peer_connection_t *pc)
{
    ngx_pool_t        *pool;
    ngx_connection_t  *c;

    pool = ngx_http_faas_fuzz_link->link.pool;

    c = ngx_pcalloc(pool, sizeof(ngx_connection_t));
    ngx_http_faas_fuzz_check(c);

    c->read = ngx_pcalloc(pool, sizeof(ngx_event_t));
    c->write = ngx_pcalloc(pool, sizeof(ngx_event_t));
    c->fd = socket(AF_UNIX, SOCK_STREAM, 0);

    ngx_http_faas_fuzz_check(c->read && c->write && c->fd != -1);

    c->recv = ngx_http_faas_fuzz_link_recv;
    c->send = ngx_http_faas_fuzz_link_send;
    c->read->data = c;
    c->write->data = c;
    c->write->write = 1;

    ngx_http_faas_fuzz_link->connection = c;
    pc->connection = c;

    return NGX_AGAIN;
}


static void
ngx_http_faas_fuzz_link_handler(ngx_http_faas_link_t *link)
{
    ngx_http_faas_fuzz_link->results++;
}


/* every other time there is nothing, and no room */

static ssize_t
ngx_http_faas_fuzz_link_recv(ngx_connection_t *c, u_char *buf, size_t size)
{
    size_t                      n;
    ngx_http_faas_fuzz_link_t  *fl;

    fl = ngx_http_faas_fuzz_link;

    ngx_http_faas_fuzz_check(c->fd != -1 && size);

    if (++c->requests % 2) {
        return NGX_AGAIN;
    }

    n = ngx_min(ngx_min(size, fl->step), fl->reply.len);

    memcpy(buf, fl->reply.data, n);
    fl->reply.data += n;
    fl->reply.len -= n;

    return n;
}


static ssize_t
ngx_http_faas_fuzz_link_send(ngx_connection_t *c, u_char *buf, size_t size)
{
    ngx_http_faas_fuzz_check(c->fd != -1 && size);

    if (++c->sent % 2) {
        return NGX_AGAIN;
    }

    return ngx_min(size, 5);
}
