
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Keeps house: of all workers the one whose pid and heartbeat stand in the
 * zone, and another as soon as that one is gone.  Once a second it takes back
 * what dead processes held, removes dead instances, ends those that nobody
 * has used for long or whose source is gone, has as many spares as there
 * should be, and sees that somebody listens to the engine.
 */


#include "ngx_http_faas_keeper.h"
#include "ngx_http_faas_minimum.h"
#include "ngx_http_faas_admission.h"
#include "ngx_http_faas_census.h"
#include "ngx_http_faas_events.h"
#include "ngx_http_faas_knock.h"
#include "ngx_http_faas_reconcile.h"
#include "ngx_http_faas_remove.h"
#include "ngx_http_faas_start.h"
#include "ngx_http_faas_verdict.h"


#define NGX_HTTP_FAAS_KEEPER_TICK      1000     /* ms */
#define NGX_HTTP_FAAS_KEEPER_LEASE     2500     /* ms without a heartbeat */
#define NGX_HTTP_FAAS_KEEPER_ROUND     60000    /* ms, to look at all of it */
#define NGX_HTTP_FAAS_KEEPER_BATCH     64       /* files looked at a tick */
#define NGX_HTTP_FAAS_KEEPER_RUNTIMES  8        /* there are two */

/* a start takes the processors from whom the last spare was just given to */
#define NGX_HTTP_FAAS_KEEPER_QUIET     200      /* ms, after a claim */
#define NGX_HTTP_FAAS_KEEPER_DRY       20       /* the same, none is left */


static void ngx_http_faas_keeper_handler(ngx_event_t *ev);
static ngx_uint_t ngx_http_faas_keeper_elect(ngx_http_faas_pool_t *fp);
static void ngx_http_faas_keeper_resign(ngx_http_faas_pool_t *fp);
static void ngx_http_faas_keeper_files(ngx_http_faas_pool_t *fp);
static ngx_uint_t ngx_http_faas_keeper_names(ngx_http_faas_pool_t *fp,
    ngx_pool_t *pool, ngx_str_t *names, u_char *minimum);
static void ngx_http_faas_keeper_trim(ngx_http_faas_pool_t *fp);
static ngx_msec_t ngx_http_faas_keeper_spares(ngx_http_faas_pool_t *fp);
static ngx_int_t ngx_http_faas_keeper_spare(ngx_http_faas_pool_t *fp,
    ngx_http_faas_runtime_t *rt);


void
ngx_http_faas_keeper_init_process(ngx_http_faas_pool_t *fp,
    ngx_cycle_t *cycle)
{
    fp->dummy.fd = (ngx_socket_t) -1;

    fp->keeper.handler = ngx_http_faas_keeper_handler;
    fp->keeper.data = &fp->dummy;
    fp->keeper.log = cycle->log;
    fp->keeper.cancelable = 1;

    /* not all workers at once, but the first of them soon */

    ngx_add_timer(&fp->keeper, 1 + 20 * (ngx_worker % 16));
}


void
ngx_http_faas_keeper_exit_process(ngx_http_faas_pool_t *fp)
{
    ngx_http_faas_keeper_resign(fp);
}


void
ngx_http_faas_keeper_recall(ngx_http_faas_pool_t *fp)
{
    fp->zone.sh->swept = 0;
    fp->zone.sh->patience = ngx_current_msec;
}


void
ngx_http_faas_keeper_poll(ngx_http_faas_pool_t *fp)
{
    if (fp->zone.sh->topup && fp->zone.sh->keeper == ngx_pid) {
        ngx_http_faas_pool_wake(fp);
    }
}


static void
ngx_http_faas_keeper_handler(ngx_event_t *ev)
{
    ngx_msec_t             wait;
    ngx_http_faas_pool_t  *fp;

    fp = ngx_queue_data(ev, ngx_http_faas_pool_t, keeper);

    if (ngx_exiting || ngx_terminate || ngx_quit) {
        ngx_http_faas_keeper_resign(fp);
    }

    ngx_add_timer(ev, NGX_HTTP_FAAS_KEEPER_TICK);

    /* an old worker may lack the bell of one that came with a reload */

    ngx_http_faas_admission_poll(fp);

    if (ngx_exiting || ngx_terminate || ngx_quit
        || !ngx_http_faas_keeper_elect(fp))
    {
        return;
    }

    ngx_http_faas_lease_reap(&fp->zone);
    ngx_http_faas_keeper_files(fp);

    if ((ngx_msec_int_t) (ngx_current_msec - fp->round)
        > NGX_HTTP_FAAS_KEEPER_ROUND)
    {
        fp->round = ngx_current_msec;
        fp->scanned = 0;
        fp->zone.sh->swept = 0;
    }

    ngx_http_faas_events_open(fp);
    ngx_http_faas_reconcile(fp);

    if (ngx_http_faas_pool_away(fp)) {

        /* what could not be replaced is not given up */

        fp->zone.sh->topup = 0;
        return;
    }

    if (fp->zone.sh->settled && !fp->scanned) {
        fp->scanned = 1;
        ngx_http_faas_minimum_scan(fp);
    }

    (void) ngx_http_faas_instance_retire(&fp->zone);
    ngx_http_faas_keeper_trim(fp);
    ngx_http_faas_remove_dead(fp, NULL);

    wait = ngx_http_faas_keeper_spares(fp);

    if (wait < NGX_HTTP_FAAS_KEEPER_TICK) {
        ngx_del_timer(ev);
        ngx_add_timer(ev, wait);
    }
}


static ngx_uint_t
ngx_http_faas_keeper_elect(ngx_http_faas_pool_t *fp)
{
    ngx_uint_t             elected;
    ngx_http_faas_sh_t    *sh;

    sh = fp->zone.sh;

    ngx_http_faas_zone_lock(&fp->zone);

    elected = (sh->keeper == 0
               || sh->keeper == ngx_pid
               || ngx_http_faas_worker_ended(sh->keeper)
               || (ngx_msec_int_t) (ngx_current_msec - sh->keeper_beat)
                  > NGX_HTTP_FAAS_KEEPER_LEASE);

    if (elected && sh->keeper != ngx_pid) {

        /* the last one may have been killed in the middle of it */

        sh->swept = 0;
    }

    if (elected) {
        sh->keeper = ngx_pid;
        sh->keeper_beat = ngx_current_msec;

        /* so that others can ring */

        (void) ngx_http_faas_worker_self(&fp->zone);
    }

    ngx_http_faas_zone_unlock(&fp->zone);

    if (!elected) {
        ngx_http_faas_events_close(fp);
        ngx_http_faas_knock_close(fp);
    }

    return elected;
}


static void
ngx_http_faas_keeper_resign(ngx_http_faas_pool_t *fp)
{
    ngx_http_faas_events_close(fp);
    ngx_http_faas_knock_close(fp);

    ngx_http_faas_zone_lock(&fp->zone);

    if (fp->zone.sh->keeper == ngx_pid) {
        fp->zone.sh->keeper = 0;
    }

    ngx_http_faas_zone_unlock(&fp->zone);
}


/* a source removed by hand takes its instances along */

static void
ngx_http_faas_keeper_files(ngx_http_faas_pool_t *fp)
{
    u_char                     minimum[NGX_HTTP_FAAS_KEEPER_BATCH];
    ngx_int_t                  rc;
    ngx_str_t                  path, names[NGX_HTTP_FAAS_KEEPER_BATCH];
    ngx_uint_t                 i, n;
    ngx_pool_t                *pool;
    ngx_http_faas_runtime_t   *runtime;
    ngx_http_faas_identity_t   identity;

    if (fp->zone.sh->functions.root == fp->zone.sh->functions.sentinel) {
        return;
    }

    pool = ngx_create_pool(4096, ngx_cycle->log);
    if (pool == NULL) {
        return;
    }

    n = ngx_http_faas_keeper_names(fp, pool, names, minimum);

    for (i = 0; i < n; i++) {

        rc = minimum[i] ? ngx_http_faas_minimum(fp, pool, ngx_cycle->log,
                                                &names[i])
                        : ngx_http_faas_pool_find(fp, pool, ngx_cycle->log,
                                                  &names[i], &path, &runtime,
                                                  &identity);
        if (rc == NGX_DECLINED) {
            ngx_http_faas_verdict_forget(&fp->zone, &names[i]);
        }
    }

    ngx_destroy_pool(pool);
}


static ngx_uint_t
ngx_http_faas_keeper_names(ngx_http_faas_pool_t *fp, ngx_pool_t *pool,
    ngx_str_t *names, u_char *minimum)
{
    ngx_uint_t                 i, n;
    ngx_rbtree_t              *tree;
    ngx_rbtree_node_t         *node;
    ngx_http_faas_function_t  *fn;

    tree = &fp->zone.sh->functions;
    n = 0;
    i = 0;
    node = NULL;

    ngx_http_faas_zone_lock(&fp->zone);

    if (tree->root != tree->sentinel) {
        node = ngx_rbtree_min(tree->root, tree->sentinel);
    }

    for ( /* void */ ;
         node && n < NGX_HTTP_FAAS_KEEPER_BATCH;
         node = ngx_rbtree_next(tree, node))
    {
        if (i++ < fp->cursor) {
            continue;
        }

        fn = (ngx_http_faas_function_t *) node;

        names[n].len = fn->len;
        names[n].data = ngx_pnalloc(pool, fn->len);

        if (names[n].data == NULL) {
            break;
        }

        ngx_memcpy(names[n].data, fn->name, fn->len);
        minimum[n] = (fn->known && fn->scale.min_instances);
        n++;
    }

    ngx_http_faas_zone_unlock(&fp->zone);

    fp->cursor = (node == NULL) ? 0 : i;

    return n;
}


/* a reload may want fewer spares, or others */

static void
ngx_http_faas_keeper_trim(ngx_http_faas_pool_t *fp)
{
    uint32_t                  kinds[NGX_HTTP_FAAS_KEEPER_RUNTIMES];
    ngx_uint_t                i, n, keep[NGX_HTTP_FAAS_KEEPER_RUNTIMES];
    ngx_http_faas_runtime_t  *rt;

    rt = fp->runtimes->elts;
    n = ngx_min(fp->runtimes->nelts, NGX_HTTP_FAAS_KEEPER_RUNTIMES);

    for (i = 0; i < n; i++) {
        kinds[i] = rt[i].kind;
        keep[i] = rt[i].prewarm;
    }

    (void) ngx_http_faas_census_trim(&fp->zone, kinds, n, keep);
}


/* starts what is missing; how long to wait until looking again */

static ngx_msec_t
ngx_http_faas_keeper_spares(ngx_http_faas_pool_t *fp)
{
    ngx_uint_t                i, ready, total;
    ngx_msec_t                wait, quiet, past;
    ngx_http_faas_runtime_t  *rt;

    rt = fp->runtimes->elts;
    wait = NGX_HTTP_FAAS_KEEPER_TICK;
    past = ngx_current_msec - fp->zone.sh->claimed;

    fp->zone.sh->topup = 0;

    for (i = 0; i < fp->runtimes->nelts; i++) {

        ready = ngx_http_faas_census_spares(&fp->zone, rt[i].kind, &total);

        if (total >= rt[i].prewarm
            || (ngx_msec_int_t) (rt[i].patience - ngx_current_msec) > 0)
        {
            continue;
        }

        quiet = ready ? NGX_HTTP_FAAS_KEEPER_QUIET
                      : NGX_HTTP_FAAS_KEEPER_DRY;

        if ((ngx_msec_int_t) past >= 0 && past < quiet) {
            wait = ngx_min(wait, quiet - past);
            continue;
        }

        while (total < rt[i].prewarm
               && ngx_http_faas_keeper_spare(fp, &rt[i]) == NGX_OK)
        {
            total++;
        }
    }

    return wait;
}


/* whoever waits for a start of his own comes first */

static ngx_int_t
ngx_http_faas_keeper_spare(ngx_http_faas_pool_t *fp,
    ngx_http_faas_runtime_t *rt)
{
    ngx_http_faas_sh_t        *sh;
    ngx_http_faas_instance_t  *inst;

    sh = fp->zone.sh;
    inst = NULL;

    /* it would be refused, and the next one later for that */

    if (ngx_http_faas_pool_stalled(fp)) {
        return NGX_DECLINED;
    }

    ngx_http_faas_zone_lock(&fp->zone);

    if (sh->settled
        && sh->starting < fp->zone.starts
        && ngx_queue_empty(&sh->turns))
    {
        inst = ngx_http_faas_instance_take(&fp->zone, NULL, rt->kind);
    }

    ngx_http_faas_zone_unlock(&fp->zone);

    if (inst == NULL) {
        return NGX_DECLINED;
    }

    ngx_http_faas_start_spare(fp, inst, rt);

    return NGX_OK;
}
