
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * The load balancer of "upstream { faas; }": one peer, the instance that the
 * request holds a slot on, or once another.  The slot is given back here, too.
 */


#include "ngx_http_faas_balancer.h"
#include "ngx_http_faas_envelope.h"
#include "ngx_http_faas_guard.h"
#include "ngx_http_faas_request.h"
#include "ngx_http_faas_retry.h"


#define NGX_HTTP_FAAS_BALANCER_CONNECT  2000    /* ms, a lost SYN included */


typedef struct {
    ngx_http_request_t                *request;
    ngx_http_faas_ctx_t               *ctx;
    ngx_http_faas_loc_conf_t          *flcf;
    unsigned                           tried:1;     /* on an idle connection */
    unsigned                           late:1;      /* to its first one */
    unsigned                           moved:1;     /* to another instance */
    unsigned                           waiting:1;   /* for that one */
    ngx_http_upstream_conf_t          *conf;        /* NULL: of the location */
    ngx_event_t                        refusal;     /* there will be none */
} ngx_http_faas_balancer_t;


static ngx_int_t ngx_http_faas_balancer_init(ngx_conf_t *cf,
    ngx_http_upstream_srv_conf_t *us);
static void ngx_http_faas_balancer_change(ngx_http_upstream_conf_t *conf,
    ngx_http_faas_loc_conf_t *flcf);
static ngx_int_t ngx_http_faas_balancer_init_peer(ngx_http_request_t *r,
    ngx_http_upstream_srv_conf_t *us);
static ngx_int_t ngx_http_faas_balancer_adapt(ngx_http_request_t *r,
    ngx_http_faas_balancer_t *bd);
static ngx_http_upstream_conf_t *ngx_http_faas_balancer_conf(
    ngx_http_faas_balancer_t *bd);
static ngx_int_t ngx_http_faas_balancer_get(ngx_peer_connection_t *pc,
    void *data);
static ngx_int_t ngx_http_faas_balancer_move(ngx_peer_connection_t *pc,
    ngx_http_faas_balancer_t *bd);
static void ngx_http_faas_balancer_refusal_handler(ngx_event_t *ev);
static void ngx_http_faas_balancer_refuse(ngx_http_faas_balancer_t *bd);
static ngx_uint_t ngx_http_faas_balancer_stale(ngx_http_request_t *r,
    ngx_int_t status);
static void ngx_http_faas_balancer_free(ngx_peer_connection_t *pc,
    void *data, ngx_uint_t state);
static void ngx_http_faas_balancer_failed(ngx_peer_connection_t *pc,
    ngx_http_faas_balancer_t *bd);


char *
ngx_http_faas_balancer(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_upstream_server_t    *us;
    ngx_http_faas_srv_conf_t      *fscf;
    ngx_http_upstream_srv_conf_t  *uscf;

    fscf = ngx_http_conf_get_module_srv_conf(cf, ngx_http_faas_module);
    fscf->balancer = 1;

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


void
ngx_http_faas_balancer_merge(ngx_http_upstream_conf_t *conf,
    ngx_http_faas_loc_conf_t *flcf)
{
    ngx_http_faas_srv_conf_t  *fscf;

    if (conf->upstream == NULL || conf->upstream->srv_conf == NULL) {
        return;
    }

    fscf = ngx_http_conf_upstream_srv_conf(conf->upstream,
                                           ngx_http_faas_module);

    if (fscf->balancer) {
        ngx_http_faas_balancer_change(conf, flcf);
        flcf->adapted = 1;
    }
}


static void
ngx_http_faas_balancer_change(ngx_http_upstream_conf_t *conf,
    ngx_http_faas_loc_conf_t *flcf)
{
    /* a bridge of this machine: who does not answer there is gone */

    conf->connect_timeout = ngx_min(conf->connect_timeout,
                                    NGX_HTTP_FAAS_BALANCER_CONNECT);

    /* where to go on without an instance is for us to say, see below */

    conf->next_upstream = NGX_HTTP_UPSTREAM_FT_ERROR
                          |NGX_HTTP_UPSTREAM_FT_TIMEOUT;
    conf->next_upstream_timeout = 0;

    if (flcf->abort == NGX_HTTP_FAAS_ABORT_FINISH) {
        conf->ignore_client_abort = 1;
    }
}


static ngx_int_t
ngx_http_faas_balancer_init_peer(ngx_http_request_t *r,
    ngx_http_upstream_srv_conf_t *us)
{
    ngx_http_upstream_t       *u;
    ngx_http_faas_ctx_t       *ctx;
    ngx_http_faas_balancer_t  *bd;

    u = r->upstream;
    ctx = ngx_http_get_module_ctx(r, ngx_http_faas_module);

    if (ctx == NULL) {
        ctx = ngx_http_faas_request_clone(r);
    }

    if (u->conf != ngx_http_get_module_loc_conf(r, ngx_http_proxy_module)) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "faas: nothing but \"proxy_pass\" leads to a function");
        return NGX_ERROR;
    }

    if (ctx == NULL || (!ctx->adm.admitted && !ctx->late)) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "faas: no function to proxy to, is there a \"faas\" "
                      "directive in this location?");
        return NGX_ERROR;
    }

    bd = ngx_pcalloc(r->pool, sizeof(ngx_http_faas_balancer_t));
    if (bd == NULL) {
        return NGX_ERROR;
    }

    if (ngx_http_faas_guard(r, ctx) != NGX_OK) {
        return NGX_ERROR;
    }

    bd->request = r;
    bd->ctx = ctx;
    bd->flcf = ngx_http_faas_get_loc_conf(r);
    bd->late = ctx->late;
    ctx->balancer = bd;

    if (ngx_http_faas_balancer_adapt(r, bd) != NGX_OK) {
        return NGX_ERROR;
    }

#if (NGX_HTTP_CACHE)

    /* by default, two parts that do not tell functions apart; see proxy */

    if (r->cache && u->cacheable && r->cache->keys.nelts > 1) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "faas: an answer is not cached without a "
                      "\"proxy_cache_key\"");
        u->cacheable = 0;
    }

#endif

    bd->refusal.handler = ngx_http_faas_balancer_refusal_handler;
    bd->refusal.data = r->connection;
    bd->refusal.log = r->connection->log;

    /* news and the deadline are for the upstream from now on */

    ctx->served = 1;

    u->peer.data = bd;
    u->peer.get = ngx_http_faas_balancer_get;
    u->peer.free = ngx_http_faas_balancer_free;
    u->peer.tries = 1;

    return NGX_OK;
}


/*
 * The configuration of the proxy module is as it has to be already, unless it
 * is variables that say where to.  What an invocation needs beyond that it gets
 * of its own.
 */

static ngx_int_t
ngx_http_faas_balancer_adapt(ngx_http_request_t *r,
    ngx_http_faas_balancer_t *bd)
{
    ngx_http_upstream_conf_t  *conf;

    conf = r->upstream->conf;

    if (!bd->flcf->adapted || bd->ctx->envelope) {
        conf = ngx_http_faas_balancer_conf(bd);
        if (conf == NULL) {
            return NGX_ERROR;
        }

        ngx_http_faas_balancer_change(conf, bd->flcf);
    }

    if (conf->ignore_client_abort) {

        /* whoever waited in another location before, or here, still looks */

        r->read_event_handler = ngx_http_block_reading;
        r->write_event_handler = ngx_http_request_empty_handler;
    }

    if (bd->ctx->envelope) {

        /* its own deadline ends it */

        conf->read_timeout = NGX_MAX_INT32_VALUE;
        conf->send_timeout = NGX_MAX_INT32_VALUE;

        /* and its result is of the function, whatever it answers */

        conf->intercept_errors = 0;
    }

    return NGX_OK;
}


/* the configuration of this request alone, to be changed */

static ngx_http_upstream_conf_t *
ngx_http_faas_balancer_conf(ngx_http_faas_balancer_t *bd)
{
    ngx_http_upstream_t  *u;

    if (bd->conf == NULL) {

        bd->conf = ngx_palloc(bd->request->pool,
                              sizeof(ngx_http_upstream_conf_t));
        if (bd->conf == NULL) {
            return NULL;
        }

        u = bd->request->upstream;

        *bd->conf = *u->conf;
        u->conf = bd->conf;
    }

    return bd->conf;
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

    if (bd->conf) {

        /* it was longer if there was a wait */

        bd->conf->connect_timeout = ngx_min(bd->conf->connect_timeout,
                                            NGX_HTTP_FAAS_BALANCER_CONNECT);
    }

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
    ngx_int_t                  rc;
    ngx_http_faas_ctx_t       *ctx;
    ngx_http_upstream_conf_t  *conf;

    ctx = bd->ctx;

    if ((!bd->late && !bd->moved) || ctx->timedout) {
        return NGX_BUSY;
    }

    /* the request has an upstream now, and carries no subrequests */

    ctx->adm.background = 1;

    rc = ngx_http_faas_admission(&ctx->adm);

    if (!ctx->timed) {
        ngx_http_faas_request_time(bd->request, ctx);

        if (ctx->expires) {
            ngx_http_faas_request_deadline(ctx,
                                      ngx_http_faas_request_remaining(ctx));
        }
    }

    if (rc == NGX_OK) {
        bd->late = 0;
        return NGX_OK;
    }

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    conf = ngx_http_faas_balancer_conf(bd);
    if (conf == NULL) {
        return NGX_ERROR;
    }

    conf->connect_timeout = NGX_MAX_INT32_VALUE;

    /* one that is refused is told so from outside of the upstream's calls */

    ngx_add_timer(&bd->refusal,
                  (rc == NGX_AGAIN) ? ctx->adm.scale.queue_timeout : 0);

    bd->waiting = 1;

    return ngx_http_faas_retry_hold(pc);
}


/* refused, or for as long in the queue as that lets it */

static void
ngx_http_faas_balancer_refusal_handler(ngx_event_t *ev)
{
    ngx_http_faas_ctx_t       *ctx;
    ngx_http_faas_balancer_t  *bd;

    bd = ngx_queue_data(ev, ngx_http_faas_balancer_t, refusal);
    ctx = bd->ctx;

    ngx_http_set_log_request(bd->request->connection->log, bd->request);

    if (ctx->adm.lease) {
        ngx_http_faas_admission_expire(&ctx->adm);

        ctx->adm.status = NGX_HTTP_SERVICE_UNAVAILABLE;
        ngx_str_set(&ctx->adm.reason, "no_capacity");
    }

    ngx_http_faas_balancer_refuse(bd);
}


/*
 * There is no instance: an old answer, if nginx has one and may give it, else
 * what is said before the content, too.  nginx itself would say 502 or 504 and
 * might keep that in its cache, so its upstream is given up first.
 */

static void
ngx_http_faas_balancer_refuse(ngx_http_faas_balancer_t *bd)
{
    ngx_int_t             status;
    ngx_connection_t     *c;
    ngx_http_request_t   *r;
    ngx_http_faas_ctx_t  *ctx;

    r = bd->request;
    c = r->connection;
    ctx = bd->ctx;

    bd->waiting = 0;
    ctx->failed = 1;

    ngx_http_faas_request_undeadline(ctx);
    ngx_http_faas_admission_release(&ctx->adm);

    if (ctx->envelope) {
        ngx_http_faas_retry_fail(r);
        return;
    }

    status = ngx_http_faas_request_reason(ctx);

    if (ngx_http_faas_balancer_stale(r, status)) {
        ngx_http_faas_retry_fail(r);
        return;
    }

    ctx->served = 0;

    r->main->count++;
    (*r->upstream->cleanup)(r);

    ngx_http_finalize_request(r, status);
    ngx_http_run_posted_requests(c);
}


/* whether nginx has an old answer that is better than this status */

static ngx_uint_t
ngx_http_faas_balancer_stale(ngx_http_request_t *r, ngx_int_t status)
{
#if (NGX_HTTP_CACHE)

    ngx_uint_t            mask;
    ngx_http_upstream_t  *u;

    u = r->upstream;

    if (u->cache_status != NGX_HTTP_CACHE_EXPIRED) {
        return 0;
    }

    switch (status) {

    case NGX_HTTP_NOT_FOUND:
        mask = NGX_HTTP_UPSTREAM_FT_HTTP_404;
        break;

    case NGX_HTTP_INTERNAL_SERVER_ERROR:
        mask = NGX_HTTP_UPSTREAM_FT_HTTP_500|NGX_HTTP_UPSTREAM_FT_ERROR;
        break;

    case NGX_HTTP_BAD_GATEWAY:
        mask = NGX_HTTP_UPSTREAM_FT_HTTP_502|NGX_HTTP_UPSTREAM_FT_ERROR;
        break;

    default: /* NGX_HTTP_SERVICE_UNAVAILABLE */
        mask = NGX_HTTP_UPSTREAM_FT_HTTP_503|NGX_HTTP_UPSTREAM_FT_ERROR;
        break;
    }

    if ((u->conf->cache_use_stale & mask) || r->cache->stale_error) {

        /* of this request, which waited: nginx will be told of a timeout */

        u->conf->cache_use_stale |= NGX_HTTP_UPSTREAM_FT_TIMEOUT;
        return 1;
    }

#endif

    return 0;
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

    ngx_del_timer(&bd->refusal);

    if (rc == NGX_OK) {
        bd->late = 0;
        bd->waiting = 0;
        ctx->failed = 0;
        ngx_http_faas_retry_connect(r, NGX_HTTP_FAAS_BALANCER_CONNECT);
        return;
    }

    if (rc == NGX_ERROR) {
        ctx->adm.status = NGX_HTTP_INTERNAL_SERVER_ERROR;
        ctx->adm.reason.len = 0;
    }

    ngx_http_faas_balancer_refuse(bd);
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

    if (bd->refusal.timer_set) {
        ngx_del_timer(&bd->refusal);
    }

    if ((state & NGX_PEER_FAILED)
        || ngx_http_faas_guard_broken(bd->request, pc))
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

    if (bd->flcf->abort == NGX_HTTP_FAAS_ABORT_KILL
        && ngx_http_faas_guard_aborted(bd->request))
    {
        (void) ngx_http_faas_admission_condemn(&ctx->adm, NULL, NULL);
        return;
    }

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
         * the request allows it, see ngx_http_upstream_next(), and we still
         * have our slot.
         */

        if (!ngx_http_faas_guard_final(bd->request)) {
            bd->tried = 1;
            return;
        }

        ngx_http_faas_request_undeadline(ctx);
        ngx_http_faas_envelope_stop(ctx);
        ngx_http_faas_admission_release(&ctx->adm);
        return;
    }

    if (!u->request_sent && ctx->adm.admitted && !bd->moved && !bd->tried) {
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
