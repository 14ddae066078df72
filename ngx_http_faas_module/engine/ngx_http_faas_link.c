
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Talks to a loader on a plain non-blocking connection.  A first SYN may be
 * lost while the interface comes up, so an attempt lasts 50 ms, and refusal
 * only means that the loader has not booted yet.
 */


#include "ngx_http_faas_link.h"

#include <cjson/cJSON.h>


#define NGX_HTTP_FAAS_LINK_ATTEMPT  50          /* ms, one connect() */
#define NGX_HTTP_FAAS_LINK_PAUSE    20          /* ms, between two at most */
#define NGX_HTTP_FAAS_LINK_PATIENCE 250         /* ms, before the port */
#define NGX_HTTP_FAAS_LINK_REPLY    16384       /* bytes of a verdict */


static ngx_connection_t *ngx_http_faas_link_open(ngx_http_faas_link_t *link,
    in_port_t port, ngx_event_handler_pt handler);
static void ngx_http_faas_link_attempt(ngx_http_faas_link_t *link);
static void ngx_http_faas_link_again(ngx_http_faas_link_t *link);
static void ngx_http_faas_link_control_handler(ngx_event_t *ev);
static void ngx_http_faas_link_probe_handler(ngx_event_t *ev);
static void ngx_http_faas_link_retry_handler(ngx_event_t *ev);
static void ngx_http_faas_link_deadline_handler(ngx_event_t *ev);
static void ngx_http_faas_link_write(ngx_http_faas_link_t *link);
static void ngx_http_faas_link_read(ngx_http_faas_link_t *link);
static ngx_int_t ngx_http_faas_link_verdict(ngx_http_faas_link_t *link);
static void ngx_http_faas_link_result(ngx_http_faas_link_t *link,
    ngx_uint_t result);
static void ngx_http_faas_link_drop(ngx_connection_t **c);


void
ngx_http_faas_link_connect(ngx_http_faas_link_t *link, ngx_msec_t timeout)
{
    link->dummy.fd = (ngx_socket_t) -1;

    link->retry.handler = ngx_http_faas_link_retry_handler;
    link->retry.data = &link->dummy;
    link->retry.log = link->log;

    link->deadline.handler = ngx_http_faas_link_deadline_handler;
    link->deadline.data = &link->dummy;
    link->deadline.log = link->log;

    link->pause = 1;

    ngx_add_timer(&link->deadline, timeout);
    ngx_http_faas_link_attempt(link);
}


void
ngx_http_faas_link_send(ngx_http_faas_link_t *link, ngx_str_t *frame,
    ngx_msec_t timeout)
{
    link->out = ngx_calloc_buf(link->pool);
    if (link->out == NULL) {
        ngx_http_faas_link_result(link, NGX_HTTP_FAAS_LINK_TIMEOUT);
        return;
    }

    link->in = ngx_create_temp_buf(link->pool, NGX_HTTP_FAAS_LINK_REPLY);
    if (link->in == NULL) {
        ngx_http_faas_link_result(link, NGX_HTTP_FAAS_LINK_TIMEOUT);
        return;
    }

    link->out->pos = frame->data;
    link->out->last = frame->data + frame->len;

    if (link->deadline.timer_set) {
        ngx_del_timer(&link->deadline);
    }

    ngx_add_timer(&link->deadline, timeout);
    ngx_add_timer(&link->retry, NGX_HTTP_FAAS_LINK_PATIENCE);

    ngx_http_faas_link_write(link);
}


void
ngx_http_faas_link_watch(ngx_http_faas_link_t *link)
{
    if (!link->retry.timer_set) {
        ngx_add_timer(&link->retry, 1);
    }
}


void
ngx_http_faas_link_close(ngx_http_faas_link_t *link)
{
    ngx_http_faas_link_drop(&link->control);
    ngx_http_faas_link_drop(&link->probe);

    if (link->retry.timer_set) {
        ngx_del_timer(&link->retry);
    }

    if (link->deadline.timer_set) {
        ngx_del_timer(&link->deadline);
    }
}


static ngx_connection_t *
ngx_http_faas_link_open(ngx_http_faas_link_t *link, in_port_t port,
    ngx_event_handler_pt handler)
{
    ngx_int_t               rc;
    ngx_str_t               name;
    ngx_connection_t       *c;
    struct sockaddr_in      sin;
    ngx_peer_connection_t   pc;

    ngx_memzero(&pc, sizeof(ngx_peer_connection_t));
    ngx_memzero(&sin, sizeof(struct sockaddr_in));

    sin.sin_family = AF_INET;
    sin.sin_addr.s_addr = htonl(link->address);
    sin.sin_port = htons(port);

    ngx_str_set(&name, "function instance");

    pc.sockaddr = (struct sockaddr *) &sin;
    pc.socklen = sizeof(struct sockaddr_in);
    pc.name = &name;
    pc.get = ngx_event_get_peer;
    pc.log = link->log;
    pc.log_error = NGX_ERROR_INFO;

    rc = ngx_event_connect_peer(&pc);

    if (rc != NGX_OK && rc != NGX_AGAIN) {

        if (pc.connection) {
            ngx_close_connection(pc.connection);
        }

        return NULL;
    }

    c = pc.connection;
    c->data = link;
    c->read->handler = handler;
    c->write->handler = handler;
    c->log = link->log;
    c->read->log = link->log;
    c->write->log = link->log;

    if (rc == NGX_OK) {
        ngx_post_event(c->write, &ngx_posted_events);
    }

    return c;
}


static void
ngx_http_faas_link_attempt(ngx_http_faas_link_t *link)
{
    link->control = ngx_http_faas_link_open(link,
                                          NGX_HTTP_FAAS_CONTROL_PORT,
                                          ngx_http_faas_link_control_handler);

    if (link->control == NULL) {
        ngx_http_faas_link_again(link);
        return;
    }

    ngx_add_timer(&link->retry, NGX_HTTP_FAAS_LINK_ATTEMPT);
}


/* the attempt failed, the next one follows in a moment */

static void
ngx_http_faas_link_again(ngx_http_faas_link_t *link)
{
    ngx_http_faas_link_drop(&link->control);

    if (link->retry.timer_set) {
        ngx_del_timer(&link->retry);
    }

    link->pause = ngx_min(2 * link->pause, NGX_HTTP_FAAS_LINK_PAUSE);
    ngx_add_timer(&link->retry, link->pause);
}


static void
ngx_http_faas_link_control_handler(ngx_event_t *ev)
{
    int                    err;
    socklen_t              len;
    ngx_connection_t      *c;
    ngx_http_faas_link_t  *link;

    c = ev->data;
    link = c->data;

    if (link->connected) {

        if (ev->write) {
            ngx_http_faas_link_write(link);

        } else {
            ngx_http_faas_link_read(link);
        }

        return;
    }

    err = 0;
    len = sizeof(int);

    if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, (void *) &err, &len) == -1) {
        err = ngx_errno;
    }

    if (err == NGX_ECONNREFUSED && link->once) {
        ngx_http_faas_link_result(link, NGX_HTTP_FAAS_LINK_TIMEOUT);
        return;
    }

    if (err || c->close || c->read->pending_eof) {
        ngx_http_faas_link_again(link);
        return;
    }

    if (!ev->write) {
        return;
    }

    link->connected = 1;

    if (link->retry.timer_set) {
        ngx_del_timer(&link->retry);
    }

    ngx_http_faas_link_result(link, NGX_HTTP_FAAS_LINK_CONNECTED);
}


static void
ngx_http_faas_link_retry_handler(ngx_event_t *ev)
{
    ngx_http_faas_link_t  *link;

    link = ngx_queue_data(ev, ngx_http_faas_link_t, retry);

    if (!link->connected) {

        if (link->control) {
            ngx_http_faas_link_drop(&link->control);
        }

        ngx_http_faas_link_attempt(link);
        return;
    }

    /* servers that listen in C, or after exec(), give no verdict */

    ngx_http_faas_link_drop(&link->probe);

    link->probe = ngx_http_faas_link_open(link, NGX_HTTP_FAAS_PORT,
                                          ngx_http_faas_link_probe_handler);

    ngx_add_timer(&link->retry, NGX_HTTP_FAAS_LINK_ATTEMPT);
}


static void
ngx_http_faas_link_probe_handler(ngx_event_t *ev)
{
    int                    err;
    socklen_t              len;
    ngx_connection_t      *c;
    ngx_http_faas_link_t  *link;

    c = ev->data;
    link = c->data;

    err = 0;
    len = sizeof(int);

    if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, (void *) &err, &len) == -1) {
        err = ngx_errno;
    }

    if (err || c->close) {
        ngx_http_faas_link_drop(&link->probe);
        return;
    }

    if (ev->write) {
        ngx_http_faas_link_result(link, NGX_HTTP_FAAS_LINK_READY);
    }
}


static void
ngx_http_faas_link_deadline_handler(ngx_event_t *ev)
{
    ngx_http_faas_link_t  *link;

    link = ngx_queue_data(ev, ngx_http_faas_link_t, deadline);

    ngx_http_faas_link_result(link, NGX_HTTP_FAAS_LINK_TIMEOUT);
}


static void
ngx_http_faas_link_write(ngx_http_faas_link_t *link)
{
    ssize_t            n;
    ngx_buf_t         *b;
    ngx_connection_t  *c;

    c = link->control;
    b = link->out;

    if (b == NULL) {
        return;
    }

    while (b->pos < b->last) {

        n = c->send(c, b->pos, b->last - b->pos);

        if (n == NGX_AGAIN) {

            if (ngx_handle_write_event(c->write, 0) != NGX_OK) {
                ngx_http_faas_link_result(link, NGX_HTTP_FAAS_LINK_CLOSED);
            }

            return;
        }

        if (n <= 0) {
            ngx_http_faas_link_result(link, NGX_HTTP_FAAS_LINK_CLOSED);
            return;
        }

        b->pos += n;
    }

    ngx_http_faas_link_read(link);
}


static void
ngx_http_faas_link_read(ngx_http_faas_link_t *link)
{
    ssize_t            n;
    ngx_int_t          rc;
    ngx_buf_t         *b;
    ngx_connection_t  *c;

    c = link->control;
    b = link->in;

    if (b == NULL) {
        return;
    }

    for ( ;; ) {

        if (b->last == b->end) {
            ngx_http_faas_link_result(link, NGX_HTTP_FAAS_LINK_CLOSED);
            return;
        }

        n = c->recv(c, b->last, b->end - b->last);

        if (n == NGX_AGAIN) {

            if (ngx_handle_read_event(c->read, 0) != NGX_OK) {
                ngx_http_faas_link_result(link, NGX_HTTP_FAAS_LINK_CLOSED);
            }

            return;
        }

        if (n <= 0) {
            ngx_http_faas_link_result(link, NGX_HTTP_FAAS_LINK_CLOSED);
            return;
        }

        b->last += n;

        rc = ngx_http_faas_link_verdict(link);

        if (rc != NGX_AGAIN) {
            ngx_http_faas_link_result(link, (ngx_uint_t) rc);
            return;
        }
    }
}


/* NGX_AGAIN, or a result */

static ngx_int_t
ngx_http_faas_link_verdict(ngx_http_faas_link_t *link)
{
    u_char     *p, *lf;
    ngx_int_t   size;
    ngx_buf_t  *b;

    b = link->in;
    p = b->pos;

    lf = ngx_strlchr(p, b->last, LF);
    if (lf == NULL) {
        return NGX_AGAIN;
    }

    if (lf - p == 5 && ngx_strncmp(p, "READY", 5) == 0) {
        return NGX_HTTP_FAAS_LINK_READY;
    }

    if (lf - p < 8 || ngx_strncmp(p, "FAILED ", 7) != 0) {
        return NGX_HTTP_FAAS_LINK_CLOSED;
    }

    size = ngx_atoi(p + 7, lf - p - 7);

    if (size == NGX_ERROR || size > b->end - lf - 1) {
        return NGX_HTTP_FAAS_LINK_CLOSED;
    }

    if (b->last - lf - 1 < size) {
        return NGX_AGAIN;
    }

    link->text.data = lf + 1;
    link->text.len = size;

    return NGX_HTTP_FAAS_LINK_FAILED;
}


static void
ngx_http_faas_link_result(ngx_http_faas_link_t *link, ngx_uint_t result)
{
    link->result = result;

    if (result == NGX_HTTP_FAAS_LINK_CLOSED) {

        /* the deadline goes on: the caller may want to watch the port */

        ngx_http_faas_link_drop(&link->control);
        ngx_http_faas_link_drop(&link->probe);

        if (link->retry.timer_set) {
            ngx_del_timer(&link->retry);
        }

    } else if (result != NGX_HTTP_FAAS_LINK_CONNECTED) {
        ngx_http_faas_link_close(link);
    }

    link->handler(link);
}


static void
ngx_http_faas_link_drop(ngx_connection_t **c)
{
    if (*c) {
        ngx_close_connection(*c);
        *c = NULL;
    }
}


ngx_int_t
ngx_http_faas_link_frame(ngx_pool_t *pool, ngx_str_t *token,
    ngx_str_t *name, ngx_array_t *env, ngx_str_t *source, ngx_str_t *frame)
{
    char          *text;
    size_t         len;
    u_char        *p;
    cJSON         *head, *vars;
    ngx_uint_t     i;
    ngx_keyval_t  *kv;

    /* the strings are ours, NUL-terminated, and without a NUL inside */

    head = cJSON_CreateObject();
    vars = cJSON_AddObjectToObject(head, "env");
    kv = env->elts;

    for (i = 0; vars && i < env->nelts; i++) {

        if (cJSON_AddStringToObject(vars, (char *) kv[i].key.data,
                                    (char *) kv[i].value.data)
            == NULL)
        {
            vars = NULL;
        }
    }

    text = NULL;

    if (vars
        && cJSON_AddStringToObject(head, "token", (char *) token->data)
        && cJSON_AddStringToObject(head, "name", (char *) name->data)
        && cJSON_AddNumberToObject(head, "size", (double) source->len))
    {
        text = cJSON_PrintUnformatted(head);
    }

    cJSON_Delete(head);

    if (text == NULL) {
        return NGX_ERROR;
    }

    len = ngx_strlen(text);

    frame->len = len + 1 + source->len;
    frame->data = ngx_pnalloc(pool, frame->len);

    if (frame->data == NULL) {
        cJSON_free(text);
        return NGX_ERROR;
    }

    p = ngx_cpymem(frame->data, text, len);
    *p++ = LF;
    ngx_memcpy(p, source->data, source->len);

    cJSON_free(text);

    return NGX_OK;
}
