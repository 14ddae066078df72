
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Owns a request's stay before its content: the name, the body, and the wait
 * for a slot.  Whatever it holds is in its context, which is given back by a
 * cleanup of the request's pool; the context is found again there after an
 * internal redirect has cleared it, as ngx_http_realip_module.c does.
 *
 * Enters with main->count = n and leaves with it; the waits hold none.
 */


#include "ngx_http_faas_request.h"
#include "ngx_http_faas_balancer.h"
#include "ngx_http_faas_command.h"
#include "ngx_http_faas_envelope.h"
#include "ngx_http_faas_start.h"


#define NGX_HTTP_FAAS_REQUEST_INVOKE  5000      /* ms, the default */


static ngx_int_t ngx_http_faas_request_enter(ngx_http_request_t *r,
    ngx_http_faas_ctx_t *ctx, ngx_http_faas_loc_conf_t *flcf);
static ngx_uint_t ngx_http_faas_request_here(ngx_http_request_t *r);
static ngx_uint_t ngx_http_faas_request_late(ngx_http_request_t *r);
static ngx_int_t ngx_http_faas_request_body(ngx_http_request_t *r,
    ngx_http_faas_ctx_t *ctx);
static void ngx_http_faas_request_body_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_faas_request_wait(ngx_http_request_t *r,
    ngx_http_faas_ctx_t *ctx);
static ngx_int_t ngx_http_faas_request_expire(ngx_http_request_t *r,
    ngx_http_faas_ctx_t *ctx);
static ngx_int_t ngx_http_faas_request_refuse(ngx_http_request_t *r,
    ngx_http_faas_ctx_t *ctx);
static ngx_int_t ngx_http_faas_request_answer(ngx_http_request_t *r,
    ngx_int_t rc);
static void ngx_http_faas_request_news(ngx_http_faas_admission_t *adm);
static void ngx_http_faas_request_deadline_handler(ngx_event_t *ev);
static void ngx_http_faas_request_cleanup(void *data);


typedef struct {
    ngx_str_t                        code;
    ngx_str_t                        message;
} ngx_http_faas_request_reason_t;


static ngx_http_faas_request_reason_t  ngx_http_faas_request_reasons[] = {

    { ngx_string("function_not_found"),
      ngx_string("there is no function of this name") },

    { ngx_string("backend_unavailable"),
      ngx_string("functions cannot be started now") },

    { ngx_string("image_not_available"),
      ngx_string("the image of this function's runtime is missing") },

    { ngx_string("no_capacity"),
      ngx_string("there is no room for another request") },

    { ngx_null_string, ngx_null_string }
};


ngx_int_t
ngx_http_faas_request_handler(ngx_http_request_t *r)
{
    ngx_int_t                  rc;
    ngx_http_faas_ctx_t       *ctx;
    ngx_http_faas_loc_conf_t  *flcf;

    flcf = ngx_http_faas_get_loc_conf(r);

    if (flcf->function == NULL) {
        return NGX_DECLINED;
    }

    ctx = ngx_http_get_module_ctx(r, ngx_http_faas_module);

    if (ctx == NULL) {
        ctx = ngx_http_faas_request_ctx(r);
        if (ctx == NULL) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        /* anew, perhaps after an error_page: what was held is not needed */

        ngx_http_faas_request_undeadline(ctx);
        ngx_http_faas_admission_release(&ctx->adm);
        ngx_http_faas_envelope_cleanup(ctx);
        ctx->deadline.handler = ngx_http_faas_request_deadline_handler;
        ctx->adm.background = 0;
        ctx->balancer = NULL;
        ctx->command = NULL;
        ctx->entered = 0;
        ctx->code.len = 0;
        ctx->late = 0;
        ctx->served = 0;
        ctx->failed = 0;

        if (ctx->envelope == NULL) {
            ctx->timedout = 0;
            ctx->timed = 0;
        }
    }

    if (ctx->command) {
        return NGX_DECLINED;
    }

    if (ctx->timedout) {
        return ngx_http_faas_request_expire(r, ctx);
    }

    if (!ctx->entered) {
        rc = ngx_http_faas_request_enter(r, ctx, flcf);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    return ngx_http_faas_request_wait(r, ctx);
}


ngx_http_faas_ctx_t *
ngx_http_faas_request_find(ngx_http_request_t *r)
{
    ngx_pool_cleanup_t   *cln;
    ngx_http_faas_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_faas_module);

    if (ctx || (!r->internal && !r->filter_finalize)) {
        return ctx;
    }

    for (cln = r->pool->cleanup; cln; cln = cln->next) {

        if (cln->handler == ngx_http_faas_request_cleanup) {
            ctx = cln->data;

            if (ctx->request == r) {
                return ctx;
            }
        }
    }

    return NULL;
}


ngx_http_faas_ctx_t *
ngx_http_faas_request_ctx(ngx_http_request_t *r)
{
    ngx_pool_cleanup_t   *cln;
    ngx_http_faas_ctx_t  *ctx;

    ctx = ngx_http_faas_request_find(r);

    if (ctx == NULL) {

        /* the cleanup comes first: nothing is held that it would not free */

        cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_http_faas_ctx_t));
        if (cln == NULL) {
            return NULL;
        }

        ctx = cln->data;
        ngx_memzero(ctx, sizeof(ngx_http_faas_ctx_t));

        ctx->request = r;
        ctx->adm.fp = ngx_http_faas_get_pool(r);
        ctx->adm.request = r;
        ctx->adm.handler = ngx_http_faas_request_news;

        ctx->deadline.handler = ngx_http_faas_request_deadline_handler;
        ctx->deadline.data = r->connection;
        ctx->deadline.log = r->connection->log;

        cln->handler = ngx_http_faas_request_cleanup;
    }

    ngx_http_set_ctx(r, ctx, ngx_http_faas_module);

    return ctx;
}


static ngx_int_t
ngx_http_faas_request_enter(ngx_http_request_t *r, ngx_http_faas_ctx_t *ctx,
    ngx_http_faas_loc_conf_t *flcf)
{
    if (ngx_http_complex_value(r, flcf->function, &ctx->adm.name) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->entered = 1;

    if (ngx_http_faas_name_check(&ctx->adm.name) != NGX_OK) {
        ngx_str_set(&ctx->code, "invalid_name");
        ngx_str_set(&ctx->message, "the function's name is not valid");
        return NGX_HTTP_BAD_REQUEST;
    }

    ctx->command = ngx_http_faas_command_find(r, &ctx->adm.name);

    if (ctx->command) {

        /* in place of proxy_pass, which is for those that are files */

        r->content_handler = ngx_http_faas_command_handler;
        return NGX_DECLINED;
    }

    if (ctx->envelope == NULL && ngx_http_faas_request_late(r)) {
        ctx->late = 1;
        return NGX_DECLINED;
    }

    if (r != r->main || r->request_body || ngx_http_faas_request_here(r)) {
        return NGX_OK;
    }

    return ngx_http_faas_request_body(r, ctx);
}


/*
 * Without a body, or with one that came along with the header, there is nothing
 * to wait for, and no need of the way through
 * ngx_http_read_client_request_body(), which runs the phases from here on anew;
 * proxy takes it, too.  HTTP/2 may send a body of which no header tells.
 */

static ngx_uint_t
ngx_http_faas_request_here(ngx_http_request_t *r)
{
    if (r->headers_in.chunked) {
        return 0;
    }

#if (NGX_HTTP_V2)

    if (r->stream) {
        return r->headers_in.content_length_n <= 0 && r->stream->in_closed;
    }

#endif

    return r->headers_in.content_length_n
           <= r->header_in->last - r->header_in->pos;
}


/*
 * Where nginx may have the answer in its cache nobody is to be woken before
 * that was looked at, and where the body is not to be read first it cannot be
 * waited for here: the upstream waits then, with less choice of what to answer
 * when there is nothing to wait for.
 *
 * The configuration of the proxy module begins with that of its upstream, as
 * every module's that has one.
 */

static ngx_uint_t
ngx_http_faas_request_late(ngx_http_request_t *r)
{
    ngx_http_upstream_conf_t  *conf;

    conf = ngx_http_get_module_loc_conf(r, ngx_http_proxy_module);

#if (NGX_HTTP_CACHE)

    if (conf->cache) {
        return 1;
    }

#endif

    return !conf->request_buffering;
}


ngx_http_faas_ctx_t *
ngx_http_faas_request_clone(ngx_http_request_t *r)
{
    ngx_http_faas_ctx_t       *ctx;
    ngx_http_faas_loc_conf_t  *flcf;

    flcf = ngx_http_faas_get_loc_conf(r);

    if (flcf->function == NULL) {
        return NULL;
    }

    ctx = ngx_http_faas_request_ctx(r);

    if (ctx == NULL
        || ngx_http_complex_value(r, flcf->function, &ctx->adm.name)
           != NGX_OK
        || ngx_http_faas_name_check(&ctx->adm.name) != NGX_OK)
    {
        return NULL;
    }

    ctx->entered = 1;
    ctx->late = 1;

    return ctx;
}


/* the body is read before a slot is taken, while an instance starts */

static ngx_int_t
ngx_http_faas_request_body(ngx_http_request_t *r, ngx_http_faas_ctx_t *ctx)
{
    ngx_int_t  rc;

    if (r->headers_in.content_length_n > 0 || r->headers_in.chunked) {
        rc = ngx_http_faas_admission_warm(&ctx->adm);

        if (rc == NGX_DECLINED) {
            return ngx_http_faas_request_refuse(r, ctx);
        }

        if (rc != NGX_OK) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }
    }

    rc = ngx_http_read_client_request_body(r,
                                          ngx_http_faas_request_body_handler);
    if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
        return rc;
    }

    ngx_http_finalize_request(r, NGX_DONE);

    return NGX_DONE;
}


static void
ngx_http_faas_request_body_handler(ngx_http_request_t *r)
{
    r->write_event_handler = ngx_http_core_run_phases;
    ngx_http_core_run_phases(r);
}


static ngx_int_t
ngx_http_faas_request_wait(ngx_http_request_t *r, ngx_http_faas_ctx_t *ctx)
{
    ngx_int_t          rc;
    ngx_msec_t         wait;
    ngx_connection_t  *c;

    rc = ngx_http_faas_admission(&ctx->adm);

    if (!ctx->timed) {
        ngx_http_faas_request_time(r, ctx);
    }

    switch (rc) {

    case NGX_OK:
        ctx->served = 1;

        /* a start that it carries goes on without it */

        (void) ngx_http_faas_start_detach(ctx->adm.fp, r);
        ngx_http_faas_request_undeadline(ctx);

        if (ctx->expires) {
            ngx_http_faas_request_deadline(ctx,
                                      ngx_http_faas_request_remaining(ctx));
        }

        if (r == r->main) {
            r->read_event_handler = ngx_http_block_reading;
        }

        return NGX_DECLINED;

    case NGX_DECLINED:
        return ngx_http_faas_request_refuse(r, ctx);

    case NGX_AGAIN:
        break;

    default:
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    /* a worker that exits gracefully waits for whoever has a timer */

    if (!ctx->deadline.timer_set) {
        wait = ctx->adm.scale.queue_timeout;

        if (ctx->expires) {
            wait = ngx_min(wait, ngx_http_faas_request_remaining(ctx));
        }

        ngx_http_faas_request_deadline(ctx, wait);
    }

    if (r != r->main) {
        return NGX_AGAIN;
    }

    /* see a client that goes away; it may be gone already */

    c = r->connection;
    r->read_event_handler = ngx_http_test_reading;

    if (c->read->ready) {
        ngx_post_event(c->read, &ngx_posted_events);

    } else if (ngx_handle_read_event(c->read, 0) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return NGX_AGAIN;
}


/* one deadline for all of it: the queue, a start, and the function's work */

void
ngx_http_faas_request_time(ngx_http_request_t *r, ngx_http_faas_ctx_t *ctx)
{
    ngx_msec_t                 timeout;
    ngx_http_faas_loc_conf_t  *flcf;

    flcf = ngx_http_faas_get_loc_conf(r);

    timeout = ctx->timeout ? ctx->timeout : ctx->adm.scale.timeout;

    if (timeout == 0) {
        timeout = ctx->envelope ? NGX_HTTP_FAAS_REQUEST_INVOKE
                                : flcf->timeout;
    }

    ctx->timed = 1;
    ctx->expires = 0;

    if (timeout) {
        ctx->expires = ngx_current_msec + timeout;

        if (ctx->expires == 0) {
            ctx->expires = 1;           /* 0 is none */
        }
    }
}


ngx_msec_t
ngx_http_faas_request_remaining(ngx_http_faas_ctx_t *ctx)
{
    ngx_msec_int_t  left;

    left = (ngx_msec_int_t) (ctx->expires - ngx_current_msec);

    return (left > 0) ? (ngx_msec_t) left : 1;
}


/* the deadline passed before an instance was reached */

static ngx_int_t
ngx_http_faas_request_expire(ngx_http_request_t *r, ngx_http_faas_ctx_t *ctx)
{
    ngx_str_t  status, message;

    if (ngx_http_faas_start_detach(ctx->adm.fp, r) == NGX_AGAIN) {
        return NGX_AGAIN;
    }

    ngx_http_faas_admission_expire(&ctx->adm);

    if (ctx->expires == 0
        || (ngx_msec_int_t) (ctx->expires - ngx_current_msec) > 0)
    {
        /* it was the queue's time, and not the call's */

        ctx->adm.status = NGX_HTTP_SERVICE_UNAVAILABLE;
        ngx_str_set(&ctx->adm.reason, "no_capacity");

        return ngx_http_faas_request_refuse(r, ctx);
    }

    if (ctx->envelope) {
        ngx_str_set(&status, "timeout");
        ngx_str_set(&message, "the function was not ready in time");

        return ngx_http_faas_request_answer(r,
                   ngx_http_faas_envelope_refuse(r, ctx, &status, &message));
    }

    return NGX_HTTP_GATEWAY_TIME_OUT;
}


static ngx_int_t
ngx_http_faas_request_refuse(ngx_http_request_t *r, ngx_http_faas_ctx_t *ctx)
{
    ngx_str_t                   status;
    ngx_http_faas_admission_t  *adm;

    adm = &ctx->adm;

    (void) ngx_http_faas_start_detach(adm->fp, r);
    ngx_http_faas_request_undeadline(ctx);

    if (adm->status == 0 && ctx->envelope) {
        ngx_str_set(&status, "failed");

        return ngx_http_faas_request_answer(r,
                   ngx_http_faas_envelope_refuse(r, ctx, &status,
                                                 &adm->reason));
    }

    /*
     * From here on it is our answer, not a result of the function, and goes
     * by way of nginx's own errors: there may be an error_page.
     */

    ngx_http_faas_envelope_cleanup(ctx);
    ctx->envelope = NULL;

    return ngx_http_faas_request_reason(ctx);
}


ngx_uint_t
ngx_http_faas_request_reason(ngx_http_faas_ctx_t *ctx)
{
    ngx_http_faas_admission_t       *adm;
    ngx_http_faas_request_reason_t  *reason;

    adm = &ctx->adm;

    if (adm->status == 0) {
        ngx_str_set(&ctx->code, "function_failed");
        ngx_str_set(&ctx->message, "the function did not start");
        return NGX_HTTP_BAD_GATEWAY;
    }

    for (reason = ngx_http_faas_request_reasons; reason->code.len; reason++) {

        if (reason->code.len == adm->reason.len
            && ngx_strncmp(reason->code.data, adm->reason.data,
                           adm->reason.len)
               == 0)
        {
            ctx->code = reason->code;
            ctx->message = reason->message;
            break;
        }
    }

    return adm->status;
}


/* a phase handler that has answered itself */

static ngx_int_t
ngx_http_faas_request_answer(ngx_http_request_t *r, ngx_int_t rc)
{
    if (rc == NGX_ERROR || rc >= NGX_HTTP_SPECIAL_RESPONSE) {
        return rc;
    }

    if (r == r->main && ngx_http_discard_request_body(r) != NGX_OK) {
        r->keepalive = 0;
    }

    ngx_http_finalize_request(r, rc);

    return NGX_DONE;
}


void
ngx_http_faas_request_resume(ngx_http_request_t *r)
{
    ngx_connection_t  *c;

    c = r->connection;

    ngx_http_set_log_request(c->log, r);

    r->write_event_handler(r);

    ngx_http_run_posted_requests(c);
}


static void
ngx_http_faas_request_news(ngx_http_faas_admission_t *adm)
{
    ngx_http_faas_ctx_t  *ctx;

    ctx = ngx_queue_data(adm, ngx_http_faas_ctx_t, adm);

    if (ctx->served) {
        ngx_http_set_log_request(adm->request->connection->log, adm->request);
        ngx_http_faas_balancer_news(ctx);
        return;
    }

    ngx_http_faas_request_resume(adm->request);
}


void
ngx_http_faas_request_deadline(ngx_http_faas_ctx_t *ctx, ngx_msec_t timeout)
{
    ngx_add_timer(&ctx->deadline, timeout);
}


void
ngx_http_faas_request_undeadline(ngx_http_faas_ctx_t *ctx)
{
    if (ctx->deadline.timer_set) {
        ngx_del_timer(&ctx->deadline);
    }
}


static void
ngx_http_faas_request_deadline_handler(ngx_event_t *ev)
{
    ngx_connection_t     *pc;
    ngx_http_request_t   *r;
    ngx_http_faas_ctx_t  *ctx;

    ctx = ngx_queue_data(ev, ngx_http_faas_ctx_t, deadline);
    r = ctx->request;

    ctx->timedout = 1;

    ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                  "faas: deadline of function \"%V\" passed",
                  &ctx->adm.name);

    if (!ctx->served) {

        if (ngx_http_faas_start_detach(ctx->adm.fp, r) != NGX_AGAIN) {
            ngx_http_faas_request_resume(r);
        }

        return;
    }

    /* the work ends with the call */

    (void) ngx_http_faas_admission_condemn(&ctx->adm, NULL, NULL);

    pc = r->upstream ? r->upstream->peer.connection : NULL;

    if (pc) {
        pc->read->delayed = 0;
        pc->read->timedout = 1;
        ngx_post_event(pc->read, &ngx_posted_events);
    }
}


static void
ngx_http_faas_request_cleanup(void *data)
{
    ngx_http_faas_ctx_t  *ctx = data;

    ngx_http_faas_request_undeadline(ctx);
    ngx_http_faas_admission_release(&ctx->adm);
    ngx_http_faas_envelope_cleanup(ctx);
}
