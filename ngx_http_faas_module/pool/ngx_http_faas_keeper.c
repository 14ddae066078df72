
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Keeps house: of all workers the one whose pid and heartbeat stand in the
 * zone, and another as soon as that one is gone.  Once a second it takes
 * back what dead processes held, removes dead instances, looks whether the
 * sources of running functions are still there, and, once for a zone, removes
 * the containers that an earlier run left behind.
 */


#include "ngx_http_faas_keeper.h"
#include "ngx_http_faas_admission.h"
#include "ngx_http_faas_remove.h"


#define NGX_HTTP_FAAS_KEEPER_TICK      1000     /* ms */
#define NGX_HTTP_FAAS_KEEPER_LEASE     2500     /* ms without a heartbeat */
#define NGX_HTTP_FAAS_KEEPER_BATCH     64       /* files looked at a tick */
#define NGX_HTTP_FAAS_KEEPER_STRAYS    8        /* removed a tick */
#define NGX_HTTP_FAAS_KEEPER_PATIENCE  10       /* ticks, no engine */
#define NGX_HTTP_FAAS_KEEPER_TIMEOUT   5000     /* ms, a call */


static void ngx_http_faas_keeper_handler(ngx_event_t *ev);
static ngx_uint_t ngx_http_faas_keeper_elect(ngx_http_faas_pool_t *fp);
static void ngx_http_faas_keeper_files(ngx_http_faas_pool_t *fp);
static ngx_uint_t ngx_http_faas_keeper_names(ngx_http_faas_pool_t *fp,
    ngx_pool_t *pool, ngx_str_t *names);
static void ngx_http_faas_keeper_sweep(ngx_http_faas_pool_t *fp);
static ngx_int_t ngx_http_faas_keeper_list(ngx_http_faas_pool_t *fp,
    ngx_http_faas_call_t *call, ngx_str_t *api);
static void ngx_http_faas_keeper_sweep_handler(ngx_http_faas_call_t *call);
static ngx_uint_t ngx_http_faas_keeper_strays(ngx_http_faas_pool_t *fp,
    ngx_http_faas_call_t *call);
static ngx_uint_t ngx_http_faas_keeper_stray(ngx_http_faas_pool_t *fp,
    ngx_str_t *name);


void
ngx_http_faas_keeper_init_process(ngx_http_faas_pool_t *fp,
    ngx_cycle_t *cycle)
{
    fp->dummy.fd = (ngx_socket_t) -1;

    fp->keeper.handler = ngx_http_faas_keeper_handler;
    fp->keeper.data = &fp->dummy;
    fp->keeper.log = cycle->log;
    fp->keeper.cancelable = 1;

    /* not all workers at once */

    ngx_add_timer(&fp->keeper, 1 + ngx_random() % 100);
}


void
ngx_http_faas_keeper_recall(ngx_http_faas_pool_t *fp)
{
    fp->zone.sh->swept = 0;
    fp->zone.sh->patience = 0;
}


static void
ngx_http_faas_keeper_handler(ngx_event_t *ev)
{
    ngx_http_faas_pool_t  *fp;

    fp = ngx_queue_data(ev, ngx_http_faas_pool_t, keeper);

    if (ngx_exiting || ngx_terminate || ngx_quit) {
        return;
    }

    ngx_add_timer(ev, NGX_HTTP_FAAS_KEEPER_TICK);

    /* an old worker may lack the bell of one that came with a reload */

    ngx_http_faas_admission_poll(fp);

    if (!ngx_http_faas_keeper_elect(fp)) {
        return;
    }

    ngx_http_faas_lease_reap(&fp->zone);
    ngx_http_faas_keeper_files(fp);
    ngx_http_faas_remove_dead(fp, NULL);

    if (!fp->zone.sh->swept) {
        ngx_http_faas_keeper_sweep(fp);
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
               || (kill(sh->keeper, 0) == -1 && ngx_errno == NGX_ESRCH)
               || (ngx_msec_int_t) (ngx_current_msec - sh->keeper_beat)
                  > NGX_HTTP_FAAS_KEEPER_LEASE);

    if (elected) {
        sh->keeper = ngx_pid;
        sh->keeper_beat = ngx_current_msec;
    }

    ngx_http_faas_zone_unlock(&fp->zone);

    return elected;
}


/* a source removed by hand takes its instances along */

static void
ngx_http_faas_keeper_files(ngx_http_faas_pool_t *fp)
{
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

    n = ngx_http_faas_keeper_names(fp, pool, names);

    for (i = 0; i < n; i++) {

        if (ngx_http_faas_pool_find(fp, pool, ngx_cycle->log, &names[i],
                                    &path, &runtime, &identity)
            == NGX_DECLINED)
        {
            ngx_http_faas_lease_forget(&fp->zone, &names[i]);
        }
    }

    ngx_destroy_pool(pool);
}


static ngx_uint_t
ngx_http_faas_keeper_names(ngx_http_faas_pool_t *fp, ngx_pool_t *pool,
    ngx_str_t *names)
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
        n++;
    }

    ngx_http_faas_zone_unlock(&fp->zone);

    fp->cursor = (node == NULL) ? 0 : i;

    return n;
}


/* asks the engine which API it speaks, and then for all that has our label */

static void
ngx_http_faas_keeper_sweep(ngx_http_faas_pool_t *fp)
{
    ngx_int_t              rc;
    ngx_str_t              api;
    ngx_pool_t            *pool;
    ngx_http_faas_call_t  *call;

    if (fp->sweeping) {
        return;
    }

    if (fp->zone.sh->patience) {
        fp->zone.sh->patience--;
        return;
    }

    pool = ngx_create_pool(4096, ngx_cycle->log);
    if (pool == NULL) {
        return;
    }

    call = ngx_pcalloc(pool, sizeof(ngx_http_faas_call_t));
    if (call == NULL) {
        ngx_destroy_pool(pool);
        return;
    }

    call->pool = pool;
    call->log = ngx_cycle->log;
    call->timeout = NGX_HTTP_FAAS_KEEPER_TIMEOUT;
    call->handler = ngx_http_faas_keeper_sweep_handler;
    call->data = fp;
    call->quiet = 1;

    ngx_http_faas_pool_api(fp, &api);

    rc = api.len ? ngx_http_faas_keeper_list(fp, call, &api)
                 : ngx_http_faas_docker_ping(pool, &call->request);

    if (rc != NGX_OK || ngx_http_faas_pool_call(fp, NULL, call) != NGX_OK) {
        ngx_destroy_pool(pool);
        return;
    }

    fp->sweeping = 1;
}


static ngx_int_t
ngx_http_faas_keeper_list(ngx_http_faas_pool_t *fp,
    ngx_http_faas_call_t *call, ngx_str_t *api)
{
    u_char       *p;
    ngx_str_t    *label;
    ngx_array_t  *labels;

    labels = ngx_array_create(call->pool, 1, sizeof(ngx_str_t));
    if (labels == NULL) {
        return NGX_ERROR;
    }

    label = ngx_array_push(labels);
    if (label == NULL) {
        return NGX_ERROR;
    }

    p = ngx_pnalloc(call->pool, sizeof(NGX_HTTP_FAAS_DOCKER_LABEL_OWNER)
                                + sizeof("01234567"));
    if (p == NULL) {
        return NGX_ERROR;
    }

    label->data = p;
    p = ngx_sprintf(p, NGX_HTTP_FAAS_DOCKER_LABEL_OWNER "=%08xD",
                    fp->zone.owner);
    label->len = p - label->data;

    return ngx_http_faas_docker_list(call->pool, api, labels,
                                     &call->request);
}


static void
ngx_http_faas_keeper_sweep_handler(ngx_http_faas_call_t *call)
{
    ngx_str_t              api;
    ngx_http_faas_pool_t  *fp;

    fp = call->data;
    fp->sweeping = 0;

    ngx_http_faas_pool_api(fp, &api);

    if (call->status != NGX_HTTP_OK) {

        /* not there, or another one than the last time */
        fp->zone.sh->patience = NGX_HTTP_FAAS_KEEPER_PATIENCE;

    } else if (call->api.len && api.len == 0) {
        (void) ngx_http_faas_pool_negotiate(fp, &call->api);

    } else if (ngx_http_faas_keeper_strays(fp, call) == 0) {
        fp->zone.sh->swept = 1;
    }

    ngx_destroy_pool(call->pool);
}


/* how many are left to go */

static ngx_uint_t
ngx_http_faas_keeper_strays(ngx_http_faas_pool_t *fp,
    ngx_http_faas_call_t *call)
{
    ngx_uint_t                         i, n;
    ngx_array_t                       *list;
    ngx_http_faas_docker_container_t  *c;

    if (ngx_http_faas_docker_parse_list(call->pool, &call->body, &list)
        != NGX_OK)
    {
        return 1;
    }

    n = 0;
    c = list->elts;

    for (i = 0; i < list->nelts && n < NGX_HTTP_FAAS_KEEPER_STRAYS; i++) {

        if (!ngx_http_faas_keeper_stray(fp, &c[i].name)) {
            continue;
        }

        n++;

        ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                      "faas: removing stray container \"%V\"", &c[i].name);

        (void) ngx_http_faas_remove(fp, NULL, &c[i].name, NULL, NULL, 0);
    }

    return n;
}


/* "faas-OWNER-EPOCH-SLOT-GENERATION", see ngx_http_faas_pool_container() */

static ngx_uint_t
ngx_http_faas_keeper_stray(ngx_http_faas_pool_t *fp, ngx_str_t *name)
{
    u_char     *p, *last, *dash;
    ngx_int_t   epoch, slot, generation;

    if (name->len < sizeof("faas-01234567-01234567-0-0") - 1) {
        return 1;
    }

    p = name->data + sizeof("faas-01234567-") - 1;
    last = name->data + name->len;

    epoch = ngx_hextoi(p, 8);
    p += 9;

    dash = ngx_strlchr(p, last, '-');
    if (dash == NULL) {
        return 1;
    }

    slot = ngx_atoi(p, dash - p);
    generation = ngx_atoi(dash + 1, last - dash - 1);

    if (epoch == NGX_ERROR || slot == NGX_ERROR || generation == NGX_ERROR) {
        return 1;
    }

    return !ngx_http_faas_instance_known(&fp->zone, (uint32_t) epoch,
                                         (ngx_uint_t) slot,
                                         (ngx_uint_t) generation);
}
