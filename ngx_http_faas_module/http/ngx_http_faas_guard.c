
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Makes nginx's proxying fit for answers that are not trusted: it wraps what
 * proxy does with a header and a body, and lets pass only what is one.
 *
 * A filter that finalizes a request, as image_filter does, takes the contexts
 * away: proxy has to expect that, and so have its wrappers.
 */


#include "ngx_http_faas_guard.h"
#include "ngx_http_faas_request.h"


struct ngx_http_faas_guard_s {
    ngx_int_t                        (*process_header)(ngx_http_request_t *r);
    ngx_int_t                        (*reinit_request)(ngx_http_request_t *r);
    ngx_int_t                        (*input_filter_init)(void *data);
    ngx_int_t                        (*input_filter)(void *data,
                                                     ssize_t bytes);
    ngx_event_pipe_input_filter_pt     pipe_filter;
};


static ngx_int_t ngx_http_faas_guard_reinit_request(ngx_http_request_t *r);
static ngx_int_t ngx_http_faas_guard_process_header(ngx_http_request_t *r);
static ngx_int_t ngx_http_faas_guard_valid(ngx_http_request_t *r);
static ngx_uint_t ngx_http_faas_guard_upgrade(ngx_http_upstream_t *u);
static ngx_int_t ngx_http_faas_guard_input_filter_init(void *data);
static ngx_int_t ngx_http_faas_guard_input_filter(void *data, ssize_t bytes);
static ngx_int_t ngx_http_faas_guard_pipe_filter(ngx_event_pipe_t *p,
    ngx_buf_t *buf);


ngx_int_t
ngx_http_faas_guard(ngx_http_request_t *r, ngx_http_faas_ctx_t *ctx)
{
    ngx_http_upstream_t    *u;
    ngx_http_faas_guard_t  *guard;

    guard = ngx_pcalloc(r->pool, sizeof(ngx_http_faas_guard_t));
    if (guard == NULL) {
        return NGX_ERROR;
    }

    u = r->upstream;
    ctx->guard = guard;

    guard->process_header = u->process_header;
    guard->reinit_request = u->reinit_request;
    guard->input_filter_init = u->input_filter_init;

    u->process_header = ngx_http_faas_guard_process_header;
    u->reinit_request = ngx_http_faas_guard_reinit_request;
    u->input_filter_init = ngx_http_faas_guard_input_filter_init;

    return NGX_OK;
}


/* proxy begins anew with its own handlers */

static ngx_int_t
ngx_http_faas_guard_reinit_request(ngx_http_request_t *r)
{
    ngx_int_t                  rc;
    ngx_http_upstream_t       *u;
    ngx_http_faas_ctx_t       *ctx;
    ngx_http_faas_guard_t     *guard;

    u = r->upstream;
    ctx = ngx_http_get_module_ctx(r, ngx_http_faas_module);

    if (ctx == NULL) {
        return NGX_OK;
    }

    guard = ctx->guard;

    rc = guard->reinit_request(r);

    guard->process_header = u->process_header;
    u->process_header = ngx_http_faas_guard_process_header;

    return rc;
}


static ngx_int_t
ngx_http_faas_guard_process_header(ngx_http_request_t *r)
{
    ngx_int_t                  rc;
    ngx_uint_t                 version;
    ngx_http_upstream_t       *u;
    ngx_http_faas_ctx_t       *ctx;
    ngx_http_faas_guard_t     *guard;

    u = r->upstream;
    ctx = ngx_http_get_module_ctx(r, ngx_http_faas_module);

    if (ctx == NULL) {
        return NGX_ERROR;
    }

    guard = ctx->guard;
    version = r->http_version;

    rc = guard->process_header(r);

    if (u->process_header != ngx_http_faas_guard_process_header) {

        /* the status line is done, the headers follow */

        guard->process_header = u->process_header;
        u->process_header = ngx_http_faas_guard_process_header;
    }

    if (r->http_version != version) {

        /* garbage instead of a status line is HTTP/0.9 to nginx */

        r->http_version = version;
        return NGX_HTTP_UPSTREAM_INVALID_HEADER;
    }

    if (rc == NGX_ERROR) {

        /* no memory: what there is of its headers is not all written */
        ctx->failed = 1;
    }

    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_http_faas_guard_valid(r) != NGX_OK) {
        return NGX_HTTP_UPSTREAM_INVALID_HEADER;
    }

    if (u->headers_in.status_n == NGX_HTTP_SWITCHING_PROTOCOLS) {

        /* a conversation has no deadline */
        ngx_http_faas_request_undeadline(ctx);
    }

    if (ctx->adm.single) {

        /*
         * An idle connection to a single thread would starve all others;
         * proxy's filters set u->keepalive again at the end of the body.
         */

        u->keepalive = 0;
        u->headers_in.connection_close = 1;
    }

    return NGX_OK;
}


/* what newer versions of nginx refuse themselves, and what no client asked */

static ngx_int_t
ngx_http_faas_guard_valid(ngx_http_request_t *r)
{
    ngx_uint_t            i, lengths, status;
    ngx_list_part_t      *part;
    ngx_table_elt_t      *h;
    ngx_http_upstream_t  *u;

    u = r->upstream;
    status = u->headers_in.status_n;

    if (status > 599
        || (status < 200
            && (status != NGX_HTTP_SWITCHING_PROTOCOLS
                || !ngx_http_faas_guard_upgrade(u))))
    {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "faas: function sent status %ui", status);
        return NGX_ERROR;
    }

    lengths = u->headers_in.chunked ? 1 : 0;

    part = &u->headers_in.headers.part;
    h = part->elts;

    for (i = 0; /* void */ ; i++) {

        if (i >= part->nelts) {
            if (part->next == NULL) {
                break;
            }

            part = part->next;
            h = part->elts;
            i = 0;
        }

        if (h[i].key.len != sizeof("content-length") - 1
            || ngx_memcmp(h[i].lowcase_key, "content-length",
                          sizeof("content-length") - 1)
               != 0)
        {
            continue;
        }

        if (++lengths > 1
            || ngx_atoof(h[i].value.data, h[i].value.len) == NGX_ERROR)
        {
            ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                          "faas: function sent an ambiguous length");
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* whether the location asked the function to switch protocols */

static ngx_uint_t
ngx_http_faas_guard_upgrade(ngx_http_upstream_t *u)
{
    u_char     *p;
    ngx_buf_t  *b;

    if (u->request_bufs == NULL) {
        return 0;
    }

    /* the first buffer has the whole header, sent by now */

    b = u->request_bufs->buf;

    for (p = b->start; p + sizeof(CRLF "Upgrade:") - 1 <= b->last; p++) {

        if (*p == CR
            && ngx_strncasecmp(p, (u_char *) CRLF "Upgrade:",
                               sizeof(CRLF "Upgrade:") - 1)
               == 0)
        {
            return 1;
        }
    }

    return 0;
}


/*
 * A body that is broken in its framing ends a request at once, with nothing
 * said to anybody.  We make it look like a broken connection, so that nginx
 * takes its way for these.  "data" is the request, as proxy has it.
 */

static ngx_int_t
ngx_http_faas_guard_input_filter_init(void *data)
{
    ngx_http_request_t  *r = data;

    ngx_int_t                  rc;
    ngx_http_upstream_t       *u;
    ngx_http_faas_ctx_t       *ctx;
    ngx_http_faas_guard_t     *guard;

    u = r->upstream;
    ctx = ngx_http_get_module_ctx(r, ngx_http_faas_module);

    if (ctx == NULL) {
        return NGX_ERROR;
    }

    guard = ctx->guard;

    rc = guard->input_filter_init(data);

    guard->input_filter = u->input_filter;
    u->input_filter = ngx_http_faas_guard_input_filter;

    if (u->buffering) {
        guard->pipe_filter = u->pipe->input_filter;
        u->pipe->input_filter = ngx_http_faas_guard_pipe_filter;
    }

    return rc;
}


static ngx_int_t
ngx_http_faas_guard_input_filter(void *data, ssize_t bytes)
{
    ngx_http_request_t  *r = data;

    ngx_http_upstream_t       *u;
    ngx_http_faas_ctx_t       *ctx;
    ngx_http_faas_guard_t     *guard;

    u = r->upstream;
    ctx = ngx_http_get_module_ctx(r, ngx_http_faas_module);

    if (ctx == NULL) {
        return NGX_ERROR;
    }

    guard = ctx->guard;

    if (guard->input_filter(data, bytes) != NGX_ERROR) {
        return NGX_OK;
    }

    u->length = 1;
    u->peer.connection->read->ready = 0;
    u->peer.connection->read->error = 1;

    return NGX_OK;
}


static ngx_int_t
ngx_http_faas_guard_pipe_filter(ngx_event_pipe_t *p, ngx_buf_t *buf)
{
    ngx_http_request_t        *r;
    ngx_http_faas_ctx_t       *ctx;
    ngx_http_faas_guard_t     *guard;

    r = p->input_ctx;
    ctx = ngx_http_get_module_ctx(r, ngx_http_faas_module);

    if (ctx == NULL) {
        return NGX_ERROR;
    }

    guard = ctx->guard;

    if (guard->pipe_filter(p, buf) == NGX_ERROR) {
        p->upstream_error = 1;
    }

    return NGX_OK;
}


ngx_uint_t
ngx_http_faas_guard_aborted(ngx_http_request_t *r)
{
    ngx_http_upstream_t  *u;

    u = r->upstream;

    if (!r->connection->error
        && !(u->pipe && u->pipe->downstream_error))
    {
        return 0;
    }

    if (!u->header_sent) {
        return 1;
    }

    if (u->upgrade || !u->buffering) {
        return u->length != 0;
    }

    return !u->pipe->upstream_done && !u->pipe->upstream_eof;
}


ngx_uint_t
ngx_http_faas_guard_final(ngx_http_request_t *r)
{
    return r->connection->error
           || (r->upstream->request_sent
               && (r->request_body_no_buffering
                   || (r->method & (NGX_HTTP_POST|NGX_HTTP_LOCK
                                    |NGX_HTTP_PATCH))));
}


/* whether the answer was cut off after its header, and not by us */

ngx_uint_t
ngx_http_faas_guard_broken(ngx_http_request_t *r,
    ngx_peer_connection_t *pc)
{
    ngx_event_t          *rev;
    ngx_event_pipe_t     *p;
    ngx_http_upstream_t  *u;

    u = r->upstream;

    if (!u->header_sent || u->upgrade || r->connection->error) {
        return 0;
    }

    if (u->buffering) {
        p = u->pipe;

        if (p->downstream_error
            || p->upstream_done
            || (p->upstream_eof && p->length == -1))
        {
            return 0;
        }

        return p->upstream_eof || p->upstream_error;
    }

    if (u->length == 0 || pc->connection == NULL) {
        return 0;
    }

    rev = pc->connection->read;

    return rev->timedout || rev->error || (rev->eof && u->length != -1);
}
