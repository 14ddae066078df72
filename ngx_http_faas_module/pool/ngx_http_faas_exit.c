
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Owns the end: nobody is served any more, so this is the one place where
 * the engine is waited for.
 *
 *   [PING] -> LIST -> REMOVE, several at once -> LIST ... -> NETWORK_REMOVE
 */


#include "ngx_http_faas_exit.h"
#include "ngx_http_faas_census.h"
#include "ngx_http_faas_container.h"
#include "ngx_http_faas_curl.h"
#include "ngx_http_faas_epoch.h"


#define NGX_HTTP_FAAS_EXIT_TIME  10000          /* ms, for everything */
#define NGX_HTTP_FAAS_EXIT_LATE  3000           /* ms, what is being made */
#define NGX_HTTP_FAAS_EXIT_PAUSE 100            /* ms */
#define NGX_HTTP_FAAS_EXIT_PAGE  128            /* of the list */

/* removed at once */
#define NGX_HTTP_FAAS_EXIT_PARALLEL  16


typedef struct {
    ngx_http_faas_pool_t            *fp;
    ngx_pool_t                      *pool;
    ngx_log_t                       *log;
    u_char                          *seen;      /* one byte a slot */
    ngx_uint_t                       removed;
    ngx_uint_t                       failed;
} ngx_http_faas_exit_t;


static ngx_int_t ngx_http_faas_exit_call(ngx_http_faas_exit_t *ex,
    ngx_http_faas_call_t *call);
static ngx_int_t ngx_http_faas_exit_ping(ngx_http_faas_exit_t *ex);
static ngx_int_t ngx_http_faas_exit_page(ngx_http_faas_exit_t *ex);
static ngx_uint_t ngx_http_faas_exit_late(ngx_http_faas_exit_t *ex);
static ngx_uint_t ngx_http_faas_exit_ours(ngx_http_faas_exit_t *ex,
    ngx_http_faas_docker_container_t *c);
static void ngx_http_faas_exit_remove(ngx_http_faas_exit_t *ex,
    ngx_str_t *id);
static void ngx_http_faas_exit_removed(ngx_http_faas_call_t *call);
static void ngx_http_faas_exit_network(ngx_http_faas_exit_t *ex);
static void ngx_http_faas_exit_handler(ngx_http_faas_call_t *call);


void
ngx_http_faas_exit(ngx_http_faas_pool_t *fp, ngx_cycle_t *cycle)
{
    ngx_int_t             rc;
    ngx_uint_t            n, pauses;
    ngx_http_faas_exit_t  ex;

    if (fp->zone.sh == NULL) {
        return;
    }

    ngx_memzero(&ex, sizeof(ngx_http_faas_exit_t));

    ex.fp = fp;
    ex.log = cycle->log;

    ex.pool = ngx_create_pool(4096, cycle->log);
    if (ex.pool == NULL) {
        return;
    }

    ex.seen = ngx_pcalloc(ex.pool, fp->zone.sh->ninstances);
    if (ex.seen == NULL) {
        ngx_destroy_pool(ex.pool);
        return;
    }

    if (ngx_http_faas_curl_init_master(cycle, &fp->engine,
                                       NGX_HTTP_FAAS_EXIT_TIME)
        != NGX_OK)
    {
        ngx_destroy_pool(ex.pool);
        return;
    }

    rc = NGX_ERROR;

    if (ngx_http_faas_exit_ping(&ex) == NGX_OK) {

        pauses = NGX_HTTP_FAAS_EXIT_LATE / NGX_HTTP_FAAS_EXIT_PAUSE;

        for ( ;; ) {
            n = ex.removed;
            rc = ngx_http_faas_exit_page(&ex);

            if (rc == NGX_AGAIN && ex.removed > n) {
                continue;
            }

            if (rc != NGX_OK || !ngx_http_faas_exit_late(&ex)
                || pauses-- == 0)
            {
                break;
            }

            ngx_msleep(NGX_HTTP_FAAS_EXIT_PAUSE);
        }

        if (rc == NGX_OK) {
            ngx_http_faas_exit_network(&ex);
        }
    }

    if (rc != NGX_OK || ex.failed) {
        ngx_log_error(NGX_LOG_WARN, cycle->log, 0,
                      "faas: containers of zone \"%V\" may be left, %ui were "
                      "removed", &fp->zone.name, ex.removed);

    } else {
        ngx_log_error(NGX_LOG_NOTICE, cycle->log, 0,
                      "faas: removed %ui containers of zone \"%V\"",
                      ex.removed, &fp->zone.name);
    }

    ngx_http_faas_curl_exit_process(&fp->engine);

    ngx_destroy_pool(ex.pool);
}


/* sends it, and waits for the answer */

static ngx_int_t
ngx_http_faas_exit_call(ngx_http_faas_exit_t *ex, ngx_http_faas_call_t *call)
{
    call->pool = ex->pool;
    call->log = ex->log;
    call->timeout = NGX_HTTP_FAAS_EXIT_TIME;
    call->handler = ngx_http_faas_exit_handler;
    call->quiet = 1;

    if (ngx_http_faas_curl(&ex->fp->engine, call) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_http_faas_curl_run(&ex->fp->engine);

    /* the call may be its caller's, and the time over */

    ngx_http_faas_curl_cancel(call);

    return call->status ? NGX_OK : NGX_ERROR;
}


static void
ngx_http_faas_exit_handler(ngx_http_faas_call_t *call)
{
    /* void */
}


static ngx_int_t
ngx_http_faas_exit_ping(ngx_http_faas_exit_t *ex)
{
    ngx_http_faas_call_t  call;

    if (ex->fp->zone.sh->api[0]) {
        return NGX_OK;
    }

    ngx_memzero(&call, sizeof(ngx_http_faas_call_t));

    if (ngx_http_faas_docker_ping(ex->pool, &call.request) != NGX_OK
        || ngx_http_faas_exit_call(ex, &call) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_faas_pool_negotiate(ex->fp, &call.api);
}


/* NGX_OK: nothing is left */

static ngx_int_t
ngx_http_faas_exit_page(ngx_http_faas_exit_t *ex)
{
    ngx_str_t                          api;
    ngx_uint_t                         i, n;
    ngx_array_t                       *labels, *list;
    ngx_http_faas_call_t               call;
    ngx_http_faas_docker_container_t  *c;

    ngx_memzero(&call, sizeof(ngx_http_faas_call_t));

    ngx_http_faas_pool_api(ex->fp, &api);

    labels = ngx_http_faas_pool_label(ex->fp, ex->pool);

    if (labels == NULL
        || ngx_http_faas_docker_list(ex->pool, &api, labels,
                                     NGX_HTTP_FAAS_EXIT_PAGE, NULL,
                                     &call.request)
           != NGX_OK
        || ngx_http_faas_exit_call(ex, &call) != NGX_OK
        || call.status != NGX_HTTP_OK
        || ngx_http_faas_docker_parse_list(ex->pool, &call.body, &list)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    c = list->elts;

    n = 0;

    for (i = 0; i < list->nelts; i++) {
        if (ngx_http_faas_exit_ours(ex, &c[i])) {
            ngx_http_faas_exit_remove(ex, &c[i].id);

            if (++n % NGX_HTTP_FAAS_EXIT_PARALLEL == 0) {
                ngx_http_faas_curl_run(&ex->fp->engine);
            }
        }
    }

    ngx_http_faas_curl_run(&ex->fp->engine);

    return n ? NGX_AGAIN : NGX_OK;
}


/* a worker asked for it and has gone, and the engine goes on with it */

static ngx_uint_t
ngx_http_faas_exit_late(ngx_http_faas_exit_t *ex)
{
    ngx_uint_t                 i;
    ngx_http_faas_sh_t        *sh;
    ngx_http_faas_instance_t  *inst;

    sh = ex->fp->zone.sh;

    for (i = 0; i < sh->ninstances; i++) {
        inst = &sh->instances[i];

        if (inst->state == NGX_HTTP_FAAS_CREATING
            && inst->starting && !ex->seen[i])
        {
            return 1;
        }
    }

    return 0;
}


/* or of a zone that nobody has any more */

static ngx_uint_t
ngx_http_faas_exit_ours(ngx_http_faas_exit_t *ex,
    ngx_http_faas_docker_container_t *c)
{
    ngx_http_faas_zone_t       *zone;
    ngx_http_faas_container_t   name;

    zone = &ex->fp->zone;

    if (c->name.len == 0) {
        return 0;                       /* removed, but for the list */
    }

    if (ngx_http_faas_container_parse(ex->pool, &c->name, &name) != NGX_OK) {
        return 1;
    }

    if (name.epoch == zone->sh->epoch && name.slot < zone->sh->ninstances) {
        ex->seen[name.slot] = 1;
    }

    return name.epoch == zone->sh->epoch
           || ngx_http_faas_census_known(zone, c->id.data, name.epoch,
                                         name.slot, name.generation)
           || !ngx_http_faas_epoch_alive(zone, name.epoch);
}


static void
ngx_http_faas_exit_remove(ngx_http_faas_exit_t *ex, ngx_str_t *id)
{
    ngx_str_t              api;
    ngx_http_faas_call_t  *call;

    call = ngx_pcalloc(ex->pool, sizeof(ngx_http_faas_call_t));
    if (call == NULL) {
        ex->failed++;
        return;
    }

    ngx_http_faas_pool_api(ex->fp, &api);

    call->pool = ex->pool;
    call->log = ex->log;
    call->timeout = NGX_HTTP_FAAS_EXIT_TIME;
    call->handler = ngx_http_faas_exit_removed;
    call->data = ex;
    call->quiet = 1;

    if (ngx_http_faas_docker_remove(ex->pool, &api, id, &call->request)
        != NGX_OK
        || ngx_http_faas_curl(&ex->fp->engine, call) != NGX_OK)
    {
        ex->failed++;
    }
}


static void
ngx_http_faas_exit_removed(ngx_http_faas_call_t *call)
{
    ngx_http_faas_exit_t  *ex;

    ex = call->data;

    if (call->status
        && ngx_http_faas_docker_outcome(NGX_HTTP_FAAS_DOCKER_REMOVE,
                                        call->status, &call->body)
           == NGX_HTTP_FAAS_DOCKER_OK)
    {
        ex->removed++;

    } else {
        ex->failed++;
    }
}


/* it goes unless somebody else is on it */

static void
ngx_http_faas_exit_network(ngx_http_faas_exit_t *ex)
{
    u_char                *p, name[sizeof("faas-01234567")];
    ngx_str_t              api, network;
    ngx_http_faas_call_t   call;

    ngx_memzero(&call, sizeof(ngx_http_faas_call_t));

    ngx_http_faas_pool_api(ex->fp, &api);

    p = ngx_sprintf(name, "faas-%08xD", ex->fp->zone.owner);

    network.data = name;
    network.len = p - name;

    if (ngx_http_faas_docker_network_remove(ex->pool, &api, &network,
                                            &call.request)
        == NGX_OK)
    {
        (void) ngx_http_faas_exit_call(ex, &call);
    }
}
