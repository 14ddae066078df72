
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * The load balancer of "upstream { faas; }": one peer, the instance that the
 * request holds a slot on.  It is also where nginx's proxying is made fit for
 * answers that are not trusted, and where the slot is given back.
 */


#include "ngx_http_faas_balancer.h"
#include "ngx_http_faas_envelope.h"
#include "ngx_http_faas_request.h"
#include "ngx_http_faas_retry.h"


#define NGX_HTTP_FAAS_BALANCER_CONNECT  2000    /* ms, a lost SYN included */
#define NGX_HTTP_FAAS_BALANCER_WAIT     60000   /* ms, for another instance */


typedef ngx_int_t (*ngx_http_faas_balancer_header_pt)(ngx_http_request_t *r);


typedef struct {
    ngx_http_request_t                *request;
    ngx_http_faas_ctx_t               *ctx;
    ngx_http_faas_balancer_header_pt   process_header;
    ngx_int_t                        (*reinit_request)(ngx_http_request_t *r);
    ngx_int_t                        (*input_filter_init)(void *data);
    ngx_int_t                        (*input_filter)(void *data,
                                                     ssize_t bytes);
    ngx_event_pipe_input_filter_pt     pipe_filter;
    unsigned                           tried:1;     /* on an idle connection */
    unsigned                           moved:1;     /* to another instance */
    unsigned                           waiting:1;   /* for that one */
} ngx_http_faas_balancer_t;


extern ngx_module_t  ngx_http_proxy_module;


static ngx_int_t ngx_http_faas_balancer_init(ngx_conf_t *cf,
    ngx_http_upstream_srv_conf_t *us);
static ngx_int_t ngx_http_faas_balancer_init_peer(ngx_http_request_t *r,
    ngx_http_upstream_srv_conf_t *us);
static ngx_int_t ngx_http_faas_balancer_get(ngx_peer_connection_t *pc,
    void *data);
static ngx_int_t ngx_http_faas_balancer_move(ngx_peer_connection_t *pc,
    ngx_http_faas_balancer_t *bd);
static void ngx_http_faas_balancer_free(ngx_peer_connection_t *pc,
    void *data, ngx_uint_t state);
static void ngx_http_faas_balancer_failed(ngx_peer_connection_t *pc,
    ngx_http_faas_balancer_t *bd);
static ngx_int_t ngx_http_faas_balancer_reinit_request(ngx_http_request_t *r);
static ngx_int_t ngx_http_faas_balancer_process_header(
    ngx_http_request_t *r);
static ngx_int_t ngx_http_faas_balancer_valid(ngx_http_request_t *r);
static ngx_uint_t ngx_http_faas_balancer_upgrade(ngx_http_upstream_t *u);
static ngx_int_t ngx_http_faas_balancer_input_filter_init(void *data);
static ngx_int_t ngx_http_faas_balancer_input_filter(void *data,
    ssize_t bytes);
static ngx_int_t ngx_http_faas_balancer_pipe_filter(ngx_event_pipe_t *p,
    ngx_buf_t *buf);
static ngx_uint_t ngx_http_faas_balancer_broken(ngx_http_request_t *r,
    ngx_peer_connection_t *pc);


char *
ngx_http_faas_balancer(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_upstream_server_t    *us;
    ngx_http_upstream_srv_conf_t  *uscf;

    uscf = ngx_http_conf_get_module_srv_conf(cf, ngx_http_upstream_module);

    if (uscf->peer.init_upstream) {
        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           "load balancing method redefined");
    }

    uscf->peer.init_upstream = ngx_http_faas_balancer_init;
    uscf->flags = NGX_HTTP_UPSTREAM_CREATE;

    /* "no servers are inside upstream" is not for us */

    us = ngx_array_push(uscf->servers);
    if (us == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memzero(us, sizeof(ngx_http_upstream_server_t));
    ngx_str_set(&us->name, "faas");
    us->down = 1;

    return NGX_CONF_OK;
}


/*
 * A function is not trusted: nginx must not do what it says, nor what a cached
 * answer says, which is sent without a peer.  Proxy's configuration begins with
 * that of an upstream, and is merged by now.
 */

void
ngx_http_faas_balancer_distrust(ngx_conf_t *cf)
{
    ngx_http_upstream_conf_t  *conf;

    conf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_proxy_module);

    conf->ignore_headers |= NGX_CONF_BITMASK_SET
                            |NGX_HTTP_UPSTREAM_IGN_XA_REDIRECT
                            |NGX_HTTP_UPSTREAM_IGN_XA_EXPIRES
                            |NGX_HTTP_UPSTREAM_IGN_XA_LIMIT_RATE
                            |NGX_HTTP_UPSTREAM_IGN_XA_BUFFERING
                            |NGX_HTTP_UPSTREAM_IGN_XA_CHARSET;
}


static ngx_int_t
ngx_http_faas_balancer_init(ngx_conf_t *cf, ngx_http_upstream_srv_conf_t *us)
{
    us->peer.init = ngx_http_faas_balancer_init_peer;

    if (us->servers->nelts > 1) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "upstream \"%V\" has \"faas\", and so no \"server\"",
                      &us->host);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_faas_balancer_init_peer(ngx_http_request_t *r,
    ngx_http_upstream_srv_conf_t *us)
{
    ngx_http_upstream_t       *u;
    ngx_http_faas_ctx_t       *ctx;
    ngx_http_faas_balancer_t  *bd;
    ngx_http_upstream_conf_t  *conf;

    u = r->upstream;
    ctx = ngx_http_get_module_ctx(r, ngx_http_faas_module);

    if (ctx == NULL || !ctx->adm.admitted) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "faas: no function to proxy to, is there a \"faas\" "
                      "directive in this location?");
        return NGX_ERROR;
    }

    bd = ngx_pcalloc(r->pool, sizeof(ngx_http_faas_balancer_t));
    if (bd == NULL) {
        return NGX_ERROR;
    }

    conf = ngx_palloc(r->pool, sizeof(ngx_http_upstream_conf_t));
    if (conf == NULL) {
        return NGX_ERROR;
    }

    *conf = *u->conf;

    /* a bridge of this machine: who does not answer there is gone */

    conf->connect_timeout = ngx_min(conf->connect_timeout,
                                    NGX_HTTP_FAAS_BALANCER_CONNECT);

    /* where to go on without an instance is for us to say, see below */

    conf->next_upstream |= NGX_HTTP_UPSTREAM_FT_ERROR
                           |NGX_HTTP_UPSTREAM_FT_TIMEOUT;
    conf->next_upstream_timeout = 0;

    if (ctx->envelope) {

        /* its own deadline ends it */

        conf->read_timeout = NGX_MAX_INT32_VALUE;
        conf->send_timeout = NGX_MAX_INT32_VALUE;
    }

    u->conf = conf;

    bd->request = r;
    bd->ctx = ctx;
    ctx->balancer = bd;
    bd->process_header = u->process_header;
    bd->reinit_request = u->reinit_request;
    bd->input_filter_init = u->input_filter_init;

    u->reinit_request = ngx_http_faas_balancer_reinit_request;
    u->process_header = ngx_http_faas_balancer_process_header;
    u->input_filter_init = ngx_http_faas_balancer_input_filter_init;

    u->peer.data = bd;
    u->peer.get = ngx_http_faas_balancer_get;
    u->peer.free = ngx_http_faas_balancer_free;
    u->peer.tries = 1;

    return NGX_OK;
}


static ngx_int_t
ngx_http_faas_balancer_get(ngx_peer_connection_t *pc, void *data)
{
    ngx_http_faas_balancer_t  *bd = data;

    ngx_int_t                   rc;
    ngx_http_faas_admission_t  *adm;

    adm = &bd->ctx->adm;

    pc->cached = 0;
    pc->connection = NULL;

    pc->sockaddr = (struct sockaddr *) &adm->sockaddr;
    pc->socklen = sizeof(struct sockaddr_in);
    pc->name = &adm->peer;

    if (!adm->admitted) {

        rc = ngx_http_faas_balancer_move(pc, bd);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    bd->ctx->failed = 0;
    bd->request->upstream->conf->connect_timeout =
                   ngx_min(bd->request->upstream->conf->connect_timeout,
                           NGX_HTTP_FAAS_BALANCER_CONNECT);

    return NGX_OK;
}


/*
 * The instance was not reached, so it has none of the request: once, another
 * one may be, even if it has to be started.
 */

static ngx_int_t
ngx_http_faas_balancer_move(ngx_peer_connection_t *pc,
    ngx_http_faas_balancer_t *bd)
{
    ngx_int_t             rc;
    ngx_http_faas_ctx_t  *ctx;

    ctx = bd->ctx;

    if (!bd->moved || ctx->timedout) {
        return NGX_BUSY;
    }

    /* the request has an upstream now, and carries no subrequests */

    ctx->adm.background = 1;

    rc = ngx_http_faas_admission(&ctx->adm);

    if (rc == NGX_OK) {
        return NGX_OK;
    }

    if (rc != NGX_AGAIN) {
        ngx_http_faas_admission_release(&ctx->adm);
        return NGX_BUSY;
    }

    bd->waiting = 1;
    bd->request->upstream->conf->connect_timeout =
                                               NGX_HTTP_FAAS_BALANCER_WAIT;

    return ngx_http_faas_retry_hold(pc);
}


void
ngx_http_faas_balancer_news(ngx_http_faas_ctx_t *ctx)
{
    ngx_int_t                  rc;
    ngx_http_request_t        *r;
    ngx_http_upstream_t       *u;
    ngx_http_faas_balancer_t  *bd;

    r = ctx->request;
    u = r->upstream;
    bd = ctx->balancer;

    if (bd == NULL || u == NULL || u->peer.connection == NULL
        || ctx->adm.lease == NULL)
    {
        return;
    }

    if (!bd->waiting) {

        if (!u->request_sent
            && ngx_http_faas_lease_gone(&ctx->adm.fp->zone, ctx->adm.lease))
        {
            ngx_http_faas_retry_fail(r);
        }

        return;
    }

    rc = ngx_http_faas_admission(&ctx->adm);

    if (rc == NGX_AGAIN) {
        return;
    }

    if (rc == NGX_OK) {
        bd->waiting = 0;
        ctx->failed = 0;
        ngx_http_faas_retry_connect(r, NGX_HTTP_FAAS_BALANCER_CONNECT);

    } else {
        ngx_http_faas_retry_fail(r);
    }
}


/* the upstream is done with: the slot is free as of now */

static void
ngx_http_faas_balancer_free(ngx_peer_connection_t *pc, void *data,
    ngx_uint_t state)
{
    ngx_http_faas_balancer_t  *bd = data;

    ngx_http_faas_ctx_t  *ctx;

    ctx = bd->ctx;
    pc->tries = 0;

    if ((state & NGX_PEER_FAILED)
        || ngx_http_faas_balancer_broken(bd->request, pc))
    {
        ngx_http_faas_balancer_failed(pc, bd);
        return;
    }

    ngx_http_faas_request_undeadline(ctx);

    if (ctx->timedout) {
        ctx->failed = 1;
        return;
    }

    ngx_http_faas_envelope_stop(ctx);
    ngx_http_faas_admission_release(&ctx->adm);
}


static void
ngx_http_faas_balancer_failed(ngx_peer_connection_t *pc,
    ngx_http_faas_balancer_t *bd)
{
    ngx_connection_t     *c;
    ngx_http_faas_ctx_t  *ctx;
    ngx_http_upstream_t  *u;

    ctx = bd->ctx;
    u = bd->request->upstream;
    c = pc->connection;

    ctx->failed = 1;

    if (ctx->timedout) {
        ngx_http_faas_request_undeadline(ctx);
        return;
    }

    if (pc->cached
        && u->headers_in.status_n == 0
        && c && !c->read->timedout && !c->write->timedout)
    {
        /*
         * It closed an idle connection, as it may; nginx tries once more if
         * the request allows it, and we still have our slot.
         */

        bd->tried = 1;
        return;
    }

    if (!u->request_sent && !bd->moved && !bd->tried) {
        bd->moved = 1;
        pc->tries = 1;

        (void) ngx_http_faas_admission_condemn(&ctx->adm, NULL, NULL);
        return;
    }

    ngx_http_faas_request_undeadline(ctx);

    if (bd->waiting) {
        bd->waiting = 0;
        ngx_http_faas_admission_expire(&ctx->adm);
        return;
    }

    ngx_http_faas_envelope_condemn(ctx);
}


/* proxy begins anew with its own handlers */

static ngx_int_t
ngx_http_faas_balancer_reinit_request(ngx_http_request_t *r)
{
    ngx_int_t                  rc;
    ngx_http_upstream_t       *u;
    ngx_http_faas_ctx_t       *ctx;
    ngx_http_faas_balancer_t  *bd;

    u = r->upstream;
    ctx = ngx_http_get_module_ctx(r, ngx_http_faas_module);
    bd = ctx->balancer;

    rc = bd->reinit_request(r);

    bd->process_header = u->process_header;
    u->process_header = ngx_http_faas_balancer_process_header;

    return rc;
}


static ngx_int_t
ngx_http_faas_balancer_process_header(ngx_http_request_t *r)
{
    ngx_int_t                  rc;
    ngx_uint_t                 version;
    ngx_http_upstream_t       *u;
    ngx_http_faas_ctx_t       *ctx;
    ngx_http_faas_balancer_t  *bd;

    u = r->upstream;
    ctx = ngx_http_get_module_ctx(r, ngx_http_faas_module);
    bd = ctx->balancer;
    version = r->http_version;

    rc = bd->process_header(r);

    if (u->process_header != ngx_http_faas_balancer_process_header) {

        /* the status line is done, the headers follow */

        bd->process_header = u->process_header;
        u->process_header = ngx_http_faas_balancer_process_header;
    }

    if (r->http_version != version) {

        /* garbage instead of a status line is HTTP/0.9 to nginx */

        r->http_version = version;
        return NGX_HTTP_UPSTREAM_INVALID_HEADER;
    }

    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_http_faas_balancer_valid(r) != NGX_OK) {
        return NGX_HTTP_UPSTREAM_INVALID_HEADER;
    }

    if (ctx->adm.runtime->concurrency == 1) {

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
ngx_http_faas_balancer_valid(ngx_http_request_t *r)
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
                || !ngx_http_faas_balancer_upgrade(u))))
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

        if (h[i].key.len != sizeof("Content-Length") - 1
            || ngx_strncasecmp(h[i].key.data, (u_char *) "Content-Length",
                               sizeof("Content-Length") - 1)
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
ngx_http_faas_balancer_upgrade(ngx_http_upstream_t *u)
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
ngx_http_faas_balancer_input_filter_init(void *data)
{
    ngx_http_request_t  *r = data;

    ngx_int_t                  rc;
    ngx_http_upstream_t       *u;
    ngx_http_faas_ctx_t       *ctx;
    ngx_http_faas_balancer_t  *bd;

    u = r->upstream;
    ctx = ngx_http_get_module_ctx(r, ngx_http_faas_module);
    bd = ctx->balancer;

    rc = bd->input_filter_init(data);

    bd->input_filter = u->input_filter;
    u->input_filter = ngx_http_faas_balancer_input_filter;

    if (u->buffering) {
        bd->pipe_filter = u->pipe->input_filter;
        u->pipe->input_filter = ngx_http_faas_balancer_pipe_filter;
    }

    return rc;
}


static ngx_int_t
ngx_http_faas_balancer_input_filter(void *data, ssize_t bytes)
{
    ngx_http_request_t  *r = data;

    ngx_http_upstream_t       *u;
    ngx_http_faas_ctx_t       *ctx;
    ngx_http_faas_balancer_t  *bd;

    u = r->upstream;
    ctx = ngx_http_get_module_ctx(r, ngx_http_faas_module);
    bd = ctx->balancer;

    if (bd->input_filter(data, bytes) != NGX_ERROR) {
        return NGX_OK;
    }

    u->length = 1;
    u->peer.connection->read->ready = 0;
    u->peer.connection->read->error = 1;

    return NGX_OK;
}


static ngx_int_t
ngx_http_faas_balancer_pipe_filter(ngx_event_pipe_t *p, ngx_buf_t *buf)
{
    ngx_http_request_t        *r;
    ngx_http_faas_ctx_t       *ctx;
    ngx_http_faas_balancer_t  *bd;

    r = p->input_ctx;
    ctx = ngx_http_get_module_ctx(r, ngx_http_faas_module);
    bd = ctx->balancer;

    if (bd->pipe_filter(p, buf) == NGX_ERROR) {
        p->upstream_error = 1;
    }

    return NGX_OK;
}


/* whether the answer was cut off after its header, and not by us */

static ngx_uint_t
ngx_http_faas_balancer_broken(ngx_http_request_t *r,
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
