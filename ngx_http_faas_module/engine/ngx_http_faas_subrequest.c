
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * The engine as an upstream of a subrequest that matches no location: core's
 * handler and its location matching never run, so nothing in a user's
 * configuration can reach the engine, and no header of the client does.
 *
 * The reply is collected in process_header(), which never says NGX_OK: no
 * header is sent and no filter runs, not one byte can get to the client.
 *
 * Enters with main->count = n, and leaves with it; the subrequest holds one
 * count while it lives.
 */


#include "ngx_http_faas_subrequest.h"
#include "ngx_http_faas_http1.h"


#define NGX_HTTP_FAAS_SUBREQUEST_BUFFER  16384


typedef struct {
    ngx_http_request_t              *sr;
    ngx_http_faas_call_t            *call;      /* NULL once it is over */
    ngx_http_faas_engine_t          *engine;
    ngx_http_faas_http1_t            http1;
    ngx_http_upstream_conf_t         conf;
    unsigned                         complete:1;
} ngx_http_faas_subrequest_t;


static void ngx_http_faas_subrequest_handler(ngx_http_request_t *sr);
static ngx_int_t ngx_http_faas_subrequest_upstream(ngx_http_request_t *sr,
    ngx_http_faas_subrequest_t *sub);
static ngx_int_t ngx_http_faas_subrequest_create(ngx_http_request_t *sr);
static ngx_int_t ngx_http_faas_subrequest_reinit(ngx_http_request_t *sr);
static ngx_int_t ngx_http_faas_subrequest_process(ngx_http_request_t *sr);
static void ngx_http_faas_subrequest_abort(ngx_http_request_t *sr);
static void ngx_http_faas_subrequest_finalize(ngx_http_request_t *sr,
    ngx_int_t rc);
static ngx_int_t ngx_http_faas_subrequest_done(ngx_http_request_t *sr,
    void *data, ngx_int_t rc);
static void ngx_http_faas_subrequest_cleanup(void *data);
static void ngx_http_faas_subrequest_end(ngx_http_faas_subrequest_t *sub);


ngx_int_t
ngx_http_faas_subrequest(ngx_http_request_t *r,
    ngx_http_faas_engine_t *engine, ngx_http_faas_call_t *call)
{
    ngx_str_t                    uri;
    ngx_http_request_t          *sr;
    ngx_pool_cleanup_t          *cln;
    ngx_http_faas_subrequest_t  *sub;
    ngx_http_post_subrequest_t  *ps;

    sub = ngx_pcalloc(r->pool, sizeof(ngx_http_faas_subrequest_t));
    if (sub == NULL) {
        return NGX_ERROR;
    }

    ps = ngx_palloc(r->pool, sizeof(ngx_http_post_subrequest_t));
    if (ps == NULL) {
        return NGX_ERROR;
    }

    cln = ngx_pool_cleanup_add(r->pool, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    ps->handler = ngx_http_faas_subrequest_done;
    ps->data = sub;

    ngx_str_set(&uri, "/");

    if (ngx_http_subrequest(r, &uri, NULL, &sr, ps,
                            NGX_HTTP_SUBREQUEST_BACKGROUND)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    sr->write_event_handler = ngx_http_faas_subrequest_handler;
    sr->request_body = NULL;

    sub->sr = sr;
    sub->engine = engine;
    sub->call = call;

    call->status = 0;
    call->interrupted = 0;
    call->transport = sub;

    cln->handler = ngx_http_faas_subrequest_cleanup;
    cln->data = sub;

    return NGX_OK;
}


void
ngx_http_faas_subrequest_interrupt(ngx_http_faas_call_t *call)
{
    ngx_connection_t            *pc;
    ngx_http_request_t          *sr;
    ngx_http_faas_subrequest_t  *sub;

    sub = call->transport;
    sr = sub->sr;

    call->interrupted = 1;

    if (sr->upstream && sr->upstream->peer.connection) {

        /* as if it had timed out: nginx's own way to end an upstream */

        pc = sr->upstream->peer.connection;
        pc->read->delayed = 0;
        pc->read->timedout = 1;
        ngx_post_event(pc->read, &ngx_posted_events);
    }

    ngx_http_faas_subrequest_end(sub);
}


static void
ngx_http_faas_subrequest_handler(ngx_http_request_t *sr)
{
    ngx_http_faas_subrequest_t  *sub;

    sub = sr->post_subrequest->data;

    sr->write_event_handler = ngx_http_request_empty_handler;

    if (sub->call == NULL) {
        ngx_http_finalize_request(sr, NGX_ERROR);
        return;
    }

    if (ngx_http_faas_subrequest_upstream(sr, sub) != NGX_OK) {
        ngx_http_finalize_request(sr, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    ngx_http_upstream_init(sr);
}


static ngx_int_t
ngx_http_faas_subrequest_upstream(ngx_http_request_t *sr,
    ngx_http_faas_subrequest_t *sub)
{
    ngx_http_upstream_t  *u;

    if (ngx_http_upstream_create(sr) != NGX_OK) {
        return NGX_ERROR;
    }

    u = sr->upstream;

    u->resolved = ngx_pcalloc(sr->pool, sizeof(ngx_http_upstream_resolved_t));
    if (u->resolved == NULL) {
        return NGX_ERROR;
    }

    u->resolved->sockaddr = sub->engine->sockaddr;
    u->resolved->socklen = sub->engine->socklen;
    u->resolved->naddrs = 1;
    u->resolved->host = sub->engine->url;
    u->resolved->name = sub->engine->url;

    /*
     * set by ngx_pcalloc():
     *
     *     sub->conf.buffering = 0;
     *     sub->conf.next_upstream = 0;
     *     sub->conf.local = NULL;
     *     sub->conf.store = 0;
     */

    sub->conf.connect_timeout = ngx_min(sub->call->timeout, 1000);
    sub->conf.send_timeout = sub->call->timeout;
    sub->conf.read_timeout = sub->call->timeout;
    sub->conf.buffer_size = NGX_HTTP_FAAS_SUBREQUEST_BUFFER;
    sub->conf.ignore_client_abort = 1;
    ngx_str_set(&sub->conf.module, "faas");

    u->conf = &sub->conf;
    u->buffering = 0;
    u->output.tag = (ngx_buf_tag_t) ngx_http_faas_subrequest;

    u->create_request = ngx_http_faas_subrequest_create;
    u->reinit_request = ngx_http_faas_subrequest_reinit;
    u->process_header = ngx_http_faas_subrequest_process;
    u->abort_request = ngx_http_faas_subrequest_abort;
    u->finalize_request = ngx_http_faas_subrequest_finalize;

    return ngx_http_faas_http1_init(&sub->http1, sr, sub->call->pool,
                                    NGX_HTTP_FAAS_CALL_LIMIT);
}


static ngx_int_t
ngx_http_faas_subrequest_create(ngx_http_request_t *sr)
{
    ngx_buf_t                   *b;
    ngx_str_t                    bytes;
    ngx_chain_t                 *cl;
    ngx_http_faas_subrequest_t  *sub;

    sub = sr->post_subrequest->data;

    if (ngx_http_faas_docker_serialize(sr->pool, &sub->call->request, &bytes)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    b = ngx_calloc_buf(sr->pool);
    if (b == NULL) {
        return NGX_ERROR;
    }

    cl = ngx_alloc_chain_link(sr->pool);
    if (cl == NULL) {
        return NGX_ERROR;
    }

    b->pos = bytes.data;
    b->last = bytes.data + bytes.len;
    b->memory = 1;
    b->last_buf = 1;

    cl->buf = b;
    cl->next = NULL;

    sr->upstream->request_bufs = cl;

    return NGX_OK;
}


static ngx_int_t
ngx_http_faas_subrequest_reinit(ngx_http_request_t *sr)
{
    ngx_http_faas_subrequest_t  *sub;

    sub = sr->post_subrequest->data;

    if (sub->call == NULL) {
        return NGX_ERROR;
    }

    return ngx_http_faas_http1_init(&sub->http1, sr, sub->call->pool,
                                    NGX_HTTP_FAAS_CALL_LIMIT);
}


static ngx_int_t
ngx_http_faas_subrequest_process(ngx_http_request_t *sr)
{
    ngx_int_t                    rc;
    ngx_buf_t                   *b;
    ngx_http_faas_subrequest_t  *sub;

    sub = sr->post_subrequest->data;

    if (sub->call == NULL) {
        return NGX_ERROR;
    }

    b = &sr->upstream->buffer;

    rc = ngx_http_faas_http1_parse(&sub->http1, b);

    if (rc == NGX_AGAIN) {
        if (b->pos == b->last) {
            b->pos = b->start;
            b->last = b->start;
        }

        return NGX_AGAIN;
    }

    if (rc == NGX_OK) {
        sub->complete = 1;
    }

    /* complete or garbage: never NGX_OK, which would send a header */

    return NGX_ERROR;
}


static void
ngx_http_faas_subrequest_abort(ngx_http_request_t *sr)
{
    ngx_log_debug0(NGX_LOG_DEBUG_HTTP, sr->connection->log, 0,
                   "faas: abort engine subrequest");
}


static void
ngx_http_faas_subrequest_finalize(ngx_http_request_t *sr, ngx_int_t rc)
{
    ngx_http_faas_subrequest_t  *sub;

    sub = sr->post_subrequest->data;

    if (sub->call) {
        sub->call->timedout = (rc == NGX_HTTP_GATEWAY_TIME_OUT);
    }

    ngx_log_debug1(NGX_LOG_DEBUG_HTTP, sr->connection->log, 0,
                   "faas: finalize engine subrequest: %i", rc);
}


/* may run more than once, see ngx_http_finalize_request() */

static ngx_int_t
ngx_http_faas_subrequest_done(ngx_http_request_t *sr, void *data,
    ngx_int_t rc)
{
    ngx_http_faas_subrequest_t  *sub = data;

    ngx_http_request_t    *r;
    ngx_http_faas_call_t  *call;

    call = sub->call;

    if (call) {

        if (!sub->complete
            && ngx_http_faas_http1_eof(&sub->http1) == NGX_OK)
        {
            sub->complete = 1;
        }

        if (sub->complete) {
            call->status = sub->http1.status;
            call->body = sub->http1.body;
            call->api = sub->http1.api_version;
        }

        ngx_http_faas_subrequest_end(sub);
    }

    if (!sr->connection->error) {

        /* a background subrequest does not wake its parent */

        r = sr->parent->done ? sr->main : sr->parent;

        if (ngx_http_post_request(r, NULL) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* the client went away: the reply will never be seen here */

static void
ngx_http_faas_subrequest_cleanup(void *data)
{
    ngx_http_faas_subrequest_t  *sub = data;

    if (sub->call) {
        sub->call->interrupted = 1;
        ngx_http_faas_subrequest_end(sub);
    }
}


static void
ngx_http_faas_subrequest_end(ngx_http_faas_subrequest_t *sub)
{
    ngx_http_faas_call_t  *call;

    call = sub->call;
    sub->call = NULL;

    call->transport = NULL;
    call->handler(call);
}
