
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Owns the comparison of the zone with the engine's list, which is read in
 * pages: each container's entry has its whole command, and so the loader.
 *
 *   [PING -> NETWORK_INSPECT, once for a zone] -> LIST -> LIST ...
 */


#include "ngx_http_faas_reconcile.h"
#include "ngx_http_faas_census.h"
#include "ngx_http_faas_container.h"
#include "ngx_http_faas_epoch.h"
#include "ngx_http_faas_launch.h"
#include "ngx_http_faas_remove.h"
#include "ngx_http_faas_title.h"
#include "ngx_http_faas_utf8.h"


#define NGX_HTTP_FAAS_RECONCILE_PAGE      64
#define NGX_HTTP_FAAS_RECONCILE_STRAYS    32    /* removed at once */
#define NGX_HTTP_FAAS_RECONCILE_PAUSE     1000  /* ms, for removals */
#define NGX_HTTP_FAAS_RECONCILE_TIMEOUT   5000  /* ms, a call */


typedef struct {
    ngx_http_faas_pool_t            *fp;
    ngx_pool_t                      *pool;      /* each page has its own */
    ngx_http_faas_call_t             call;
    ngx_http_faas_launch_t           launch;    /* for the network */
    ngx_uint_t                       step;      /* of docker_call_e */
    ngx_msec_t                       began;
    ngx_str_t                        before;    /* the page's, an id */
    u_char                          *seen;      /* one byte a slot */
    ngx_array_t                     *strays;    /* ids, ngx_str_t */
    unsigned                         bare:1;    /* there is no network */
    unsigned                         moved:1;   /* "before" is gone */
} ngx_http_faas_reconcile_t;


static ngx_int_t ngx_http_faas_reconcile_send(ngx_http_faas_reconcile_t *rec);
static ngx_int_t ngx_http_faas_reconcile_list(ngx_http_faas_reconcile_t *rec,
    ngx_str_t *api, ngx_http_faas_call_t *call);
static void ngx_http_faas_reconcile_handler(ngx_http_faas_call_t *call);
static ngx_int_t ngx_http_faas_reconcile_page(ngx_http_faas_reconcile_t *rec,
    ngx_http_faas_call_t *call);
static void ngx_http_faas_reconcile_container(ngx_http_faas_reconcile_t *rec,
    ngx_http_faas_docker_container_t *c, ngx_pool_t *pool);
static ngx_int_t ngx_http_faas_reconcile_adopt(ngx_http_faas_pool_t *fp,
    ngx_http_faas_docker_container_t *c, ngx_http_faas_container_t *name,
    ngx_pool_t *pool);
static void ngx_http_faas_reconcile_end(ngx_http_faas_reconcile_t *rec,
    ngx_uint_t done);


void
ngx_http_faas_reconcile(ngx_http_faas_pool_t *fp)
{
    ngx_pool_t                 *pool;
    ngx_http_faas_sh_t         *sh;
    ngx_http_faas_reconcile_t  *rec;

    sh = fp->zone.sh;

    /* those of another zone are ours as soon as nobody has that any more */

    if (sh->foreign && !ngx_http_faas_epoch_alive(&fp->zone, sh->foreign)) {
        sh->foreign = 0;
        sh->swept = 0;
    }

    /* what was not there to be removed may have been created since */

    if (sh->resweep
        && (ngx_msec_int_t) (sh->resweep - ngx_current_msec) <= 0)
    {
        sh->resweep = 0;
        sh->swept = 0;
    }

    if (sh->swept
        || fp->sweeping
        || ngx_http_faas_pool_away(fp)
        || (ngx_msec_int_t) (fp->sweep - ngx_current_msec) > 0)
    {
        return;
    }

    pool = ngx_create_pool(4096, ngx_cycle->log);
    if (pool == NULL) {
        return;
    }

    rec = ngx_pcalloc(pool, sizeof(ngx_http_faas_reconcile_t));
    if (rec == NULL) {
        ngx_destroy_pool(pool);
        return;
    }

    rec->fp = fp;
    rec->pool = pool;
    rec->began = ngx_current_msec;
    rec->launch.fp = fp;
    rec->launch.pool = pool;

    rec->seen = ngx_pcalloc(pool, sh->ninstances);
    if (rec->seen == NULL) {
        ngx_destroy_pool(pool);
        return;
    }

    rec->strays = ngx_array_create(pool, 8, sizeof(ngx_str_t));
    if (rec->strays == NULL) {
        ngx_destroy_pool(pool);
        return;
    }

    if (ngx_http_faas_reconcile_send(rec) != NGX_OK) {
        ngx_destroy_pool(pool);
        return;
    }

    /* what is asked for from now on is for the next time */

    sh->swept = 1;
    fp->sweeping = rec;
}


void
ngx_http_faas_reconcile_exit_process(ngx_http_faas_pool_t *fp)
{
    ngx_http_faas_reconcile_t  *rec;

    rec = fp->sweeping;
    fp->sweeping = NULL;

    if (rec) {
        ngx_destroy_pool(rec->call.pool);
        ngx_destroy_pool(rec->pool);
    }
}


static ngx_int_t
ngx_http_faas_reconcile_send(ngx_http_faas_reconcile_t *rec)
{
    ngx_int_t              rc;
    ngx_str_t              api;
    ngx_pool_t            *pool;
    ngx_http_faas_call_t  *call;

    pool = ngx_create_pool(4096, ngx_cycle->log);
    if (pool == NULL) {
        return NGX_ERROR;
    }

    call = &rec->call;

    ngx_http_faas_pool_api(rec->fp, &api);

    if (api.len == 0) {
        rec->step = NGX_HTTP_FAAS_DOCKER_PING;

    } else if (!rec->fp->zone.sh->engine_ready && !rec->bare) {
        rec->step = NGX_HTTP_FAAS_DOCKER_NETWORK_INSPECT;

    } else {
        rec->step = NGX_HTTP_FAAS_DOCKER_LIST;
    }

    ngx_memzero(call, sizeof(ngx_http_faas_call_t));

    call->pool = pool;
    call->log = ngx_cycle->log;
    call->timeout = NGX_HTTP_FAAS_RECONCILE_TIMEOUT;
    call->handler = ngx_http_faas_reconcile_handler;
    call->data = rec;
    call->quiet = 1;

    rc = (rec->step == NGX_HTTP_FAAS_DOCKER_LIST)
         ? ngx_http_faas_reconcile_list(rec, &api, call)
         : ngx_http_faas_launch_request(&rec->launch, rec->step, call);

    if (rc != NGX_OK
        || ngx_http_faas_pool_call(rec->fp, NULL, call) != NGX_OK)
    {
        ngx_destroy_pool(pool);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_faas_reconcile_list(ngx_http_faas_reconcile_t *rec, ngx_str_t *api,
    ngx_http_faas_call_t *call)
{
    ngx_array_t  *labels;

    labels = ngx_http_faas_pool_label(rec->fp, call->pool);
    if (labels == NULL) {
        return NGX_ERROR;
    }

    return ngx_http_faas_docker_list(call->pool, api, labels,
                                     NGX_HTTP_FAAS_RECONCILE_PAGE,
                                     &rec->before, &call->request);
}


static void
ngx_http_faas_reconcile_handler(ngx_http_faas_call_t *call)
{
    ngx_int_t                   rc;
    ngx_uint_t                  outcome;
    ngx_http_faas_reconcile_t  *rec;

    rec = call->data;
    outcome = NGX_HTTP_FAAS_DOCKER_ENGINE;
    rc = NGX_ERROR;

    if (call->status) {
        outcome = ngx_http_faas_docker_outcome(rec->step, call->status,
                                               &call->body);
    }

    switch (rec->step) {

    case NGX_HTTP_FAAS_DOCKER_PING:

        if (outcome == NGX_HTTP_FAAS_DOCKER_OK
            && ngx_http_faas_pool_negotiate(rec->fp, &call->api) == NGX_OK)
        {
            rc = NGX_AGAIN;
        }

        break;

    case NGX_HTTP_FAAS_DOCKER_NETWORK_INSPECT:

        /* without it nothing can be there to adopt */

        if (outcome == NGX_HTTP_FAAS_DOCKER_NO_NETWORK
            || outcome == NGX_HTTP_FAAS_DOCKER_GONE)
        {
            rec->bare = 1;
            rc = NGX_AGAIN;

        } else if (outcome == NGX_HTTP_FAAS_DOCKER_OK
                   && ngx_http_faas_launch_network(&rec->launch, &call->body)
                      == NGX_OK)
        {
            rc = NGX_AGAIN;
        }

        break;

    default:

        if (outcome == NGX_HTTP_FAAS_DOCKER_OK) {
            rc = ngx_http_faas_reconcile_page(rec, call);
        }

        rec->moved = (rec->before.len && call->status == NGX_HTTP_NOT_FOUND);
    }

    ngx_destroy_pool(call->pool);

    if (rc == NGX_AGAIN && ngx_http_faas_reconcile_send(rec) == NGX_OK) {
        return;
    }

    ngx_http_faas_reconcile_end(rec, rc == NGX_OK);
}


/* NGX_AGAIN: there may be more */

static ngx_int_t
ngx_http_faas_reconcile_page(ngx_http_faas_reconcile_t *rec,
    ngx_http_faas_call_t *call)
{
    u_char                            *p;
    ngx_uint_t                         i;
    ngx_pool_t                        *pool;
    ngx_array_t                       *list;
    ngx_http_faas_docker_container_t  *c;

    pool = ngx_create_pool(4096, call->log);
    if (pool == NULL) {
        return NGX_ERROR;
    }

    if (ngx_http_faas_docker_parse_list(pool, &call->body, &list) != NGX_OK) {
        ngx_destroy_pool(pool);

        /* with the first of them the engine is lost, which is told, too */

        if (!rec->fp->zone.sh->lost) {
            ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                          "faas: the engine's list of containers is none");
        }

        return NGX_ERROR;
    }

    c = list->elts;

    for (i = 0; i < list->nelts; i++) {
        ngx_http_faas_reconcile_container(rec, &c[i], pool);
    }

    if (list->nelts < NGX_HTTP_FAAS_RECONCILE_PAGE) {
        ngx_destroy_pool(pool);
        return NGX_OK;
    }

    p = ngx_pnalloc(rec->pool, NGX_HTTP_FAAS_ID_LEN);

    if (p) {
        ngx_memcpy(p, c[i - 1].id.data, NGX_HTTP_FAAS_ID_LEN);
        rec->before.data = p;
        rec->before.len = NGX_HTTP_FAAS_ID_LEN;
    }

    ngx_destroy_pool(pool);

    return p ? NGX_AGAIN : NGX_ERROR;
}


static void
ngx_http_faas_reconcile_container(ngx_http_faas_reconcile_t *rec,
    ngx_http_faas_docker_container_t *c, ngx_pool_t *pool)
{
    ngx_str_t                  *id;
    ngx_uint_t                  running;
    ngx_http_faas_pool_t       *fp;
    ngx_http_faas_container_t   name;

    fp = rec->fp;

    if (c->name.len == 0) {

        /* it was removed, and is a ghost in the list, or is about to go */

        return;
    }

    running = (c->state.len == sizeof("running") - 1
               && ngx_strncmp(c->state.data, "running", c->state.len) == 0);

    if (ngx_http_faas_container_parse(pool, &c->name, &name) != NGX_OK
        || name.owner != fp->zone.owner
        || name.slot >= fp->zone.sh->ninstances)
    {
        goto stray;
    }

    if (ngx_http_faas_census_known(&fp->zone, c->id.data, name.epoch,
                                   name.slot, name.generation))
    {
        rec->seen[name.slot] |= (u_char) running;
        return;
    }

    if (name.epoch != fp->zone.sh->epoch) {

        if (ngx_http_faas_epoch_alive(&fp->zone, name.epoch)) {

            /* of the nginx that we are about to replace, or the other way */

            ngx_http_faas_census_reserve(&fp->zone, name.slot);
            rec->seen[name.slot] = 1;
            fp->zone.sh->foreign = name.epoch;
            return;
        }

        if (running
            && ngx_http_faas_reconcile_adopt(fp, c, &name, pool) == NGX_OK)
        {
            rec->seen[name.slot] = 1;
            return;
        }
    }

stray:

    ngx_http_faas_utf8_line(c->name.data, c->name.data + c->name.len);

    ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                  "faas: removing stray container \"%V\"", &c->name);

    /* later: the engine finds the next page by the last one of this */

    id = ngx_array_push(rec->strays);

    if (id) {
        id->len = c->id.len;
        id->data = ngx_pstrdup(rec->pool, &c->id);
    }
}


/* whether its source is still there, the first call will see */

static ngx_int_t
ngx_http_faas_reconcile_adopt(ngx_http_faas_pool_t *fp,
    ngx_http_faas_docker_container_t *c, ngx_http_faas_container_t *name,
    ngx_pool_t *pool)
{
    in_addr_t                  addr;
    ngx_int_t                  kind;
    ngx_str_t                  base;
    ngx_uint_t                 i;
    ngx_http_faas_orphan_t     orphan;
    ngx_http_faas_runtime_t   *rt;
    ngx_http_faas_instance_t  *inst;

    kind = ngx_hextoi(c->kind.data, c->kind.len);
    addr = ngx_inet_addr(c->address.data, c->address.len);

    if (name->function.len == 0
        || kind == NGX_ERROR
        || !fp->zone.sh->engine_ready
        || addr != htonl(ngx_http_faas_pool_address(fp, name->slot)))
    {
        return NGX_DECLINED;
    }

    rt = fp->runtimes->elts;

    for (i = 0; i < fp->runtimes->nelts && rt[i].kind != (uint32_t) kind; i++)
    {
        /* void */
    }

    if (i == fp->runtimes->nelts) {
        return NGX_DECLINED;
    }

    orphan.function = name->function;
    orphan.revision = name->revision;
    orphan.id = c->id.data;
    orphan.kind = rt[i].kind;
    orphan.slot = name->slot;
    orphan.generation = name->generation;
    orphan.concurrency = rt[i].scale.concurrency;
    orphan.idle = rt[i].scale.idle;

    if (ngx_http_faas_census_adopt(&fp->zone, &orphan) != NGX_OK) {
        return NGX_DECLINED;
    }

    /* its name is to say that it is this zone's now */

    inst = &fp->zone.sh->instances[name->slot];

    if (ngx_http_faas_container_name(fp, pool, inst, &base) == NGX_OK) {
        ngx_http_faas_title(fp, inst, &c->id, &base, name->revision,
                            &name->function, 0);
    }

    ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                  "faas: adopted \"%V\" of function \"%V\"", &c->name,
                  &name->function);

    return NGX_OK;
}


static void
ngx_http_faas_reconcile_end(ngx_http_faas_reconcile_t *rec, ngx_uint_t done)
{
    ngx_str_t             *id;
    ngx_uint_t             i, n;
    ngx_http_faas_pool_t  *fp;

    fp = rec->fp;
    fp->sweeping = NULL;

    id = rec->strays->elts;

    n = ngx_min(rec->strays->nelts, NGX_HTTP_FAAS_RECONCILE_STRAYS);

    for (i = 0; i < n; i++) {
        if (id[i].data) {
            (void) ngx_http_faas_remove(fp, NULL, &id[i], NULL, NULL, 0);
        }
    }

    if (rec->strays->nelts) {
        /* are they gone? */
        fp->zone.sh->swept = 0;
        fp->sweep = ngx_current_msec + NGX_HTTP_FAAS_RECONCILE_PAUSE;
    }

    if (done) {
        ngx_http_faas_pool_back(fp);

        (void) ngx_http_faas_census_missing(&fp->zone, rec->seen, rec->began);
        ngx_http_faas_remove_dead(fp, NULL);

    } else {
        fp->zone.sh->swept = 0;

        /* removed since the page before: it is to be asked for anew */

        if (!rec->moved) {
            ngx_http_faas_pool_lost(fp);
        }
    }

    ngx_http_faas_census_settle(&fp->zone);

    ngx_destroy_pool(rec->pool);
}
