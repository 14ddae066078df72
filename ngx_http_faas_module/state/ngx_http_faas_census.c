
/*
 * Copyright (C) the ngx_http_faas_module authors
 */


#include "ngx_http_faas_census.h"
#include "ngx_http_faas_function.h"
#include "ngx_http_faas_lease.h"


static ngx_uint_t ngx_http_faas_census_kin(ngx_http_faas_function_t *fn,
    ngx_http_faas_orphan_t *orphan);


ngx_uint_t
ngx_http_faas_census_known(ngx_http_faas_zone_t *zone, u_char *id,
    uint32_t epoch, ngx_uint_t slot, ngx_uint_t generation)
{
    ngx_uint_t                 known;
    ngx_http_faas_instance_t  *inst;

    if (slot >= zone->sh->ninstances) {
        return 0;
    }

    ngx_http_faas_zone_lock(zone);

    inst = &zone->sh->instances[slot];

    if (inst->state == NGX_HTTP_FAAS_EMPTY
        || inst->state == NGX_HTTP_FAAS_FOREIGN)
    {
        known = 0;

    } else if (inst->identified) {
        known = (ngx_memcmp(inst->id, id, NGX_HTTP_FAAS_ID_LEN) == 0);

    } else {
        known = (inst->epoch == epoch && inst->generation == generation);
    }

    ngx_http_faas_zone_unlock(zone);

    return known;
}


/* whether it may serve beside what the function has, and is not too much */

static ngx_uint_t
ngx_http_faas_census_kin(ngx_http_faas_function_t *fn,
    ngx_http_faas_orphan_t *orphan)
{
    ngx_uint_t                 coming;
    ngx_queue_t               *q;
    ngx_http_faas_instance_t  *inst;

    for (q = ngx_queue_head(&fn->instances);
         q != ngx_queue_sentinel(&fn->instances);
         q = ngx_queue_next(q))
    {
        inst = ngx_queue_data(q, ngx_http_faas_instance_t, queue);

        if (inst->state != NGX_HTTP_FAAS_READY
            || inst->kind != orphan->kind
            || ngx_memcmp(inst->revision, orphan->revision,
                          NGX_HTTP_FAAS_REVISION_LEN)
               != 0)
        {
            return 0;
        }
    }

    return !fn->known
           || ngx_http_faas_function_live(fn, 0, &coming)
              < fn->scale.max_instances;
}


ngx_int_t
ngx_http_faas_census_adopt(ngx_http_faas_zone_t *zone,
    ngx_http_faas_orphan_t *orphan)
{
    ngx_int_t                  rc;
    ngx_http_faas_function_t  *fn;
    ngx_http_faas_instance_t  *inst;

    if (orphan->slot >= zone->sh->ninstances) {
        return NGX_DECLINED;
    }

    rc = NGX_DECLINED;

    ngx_http_faas_zone_lock(zone);

    inst = &zone->sh->instances[orphan->slot];

    if (inst->state != NGX_HTTP_FAAS_EMPTY
        && inst->state != NGX_HTTP_FAAS_FOREIGN)
    {
        goto done;
    }

    fn = ngx_http_faas_function_get(zone, &orphan->function);
    if (fn == NULL) {
        rc = NGX_ERROR;
        goto done;
    }

    if (!ngx_http_faas_census_kin(fn, orphan)) {
        goto done;
    }

    inst->function = fn;
    inst->owner = 0;
    inst->epoch = zone->sh->epoch;
    inst->kind = orphan->kind;
    inst->generation = orphan->generation;
    inst->concurrency = orphan->concurrency;
    inst->idle = orphan->idle;
    inst->active = 0;
    inst->version = 0;
    inst->warm = 0;
    inst->gone = 0;
    inst->identified = 1;
    ngx_memcpy(inst->id, orphan->id, NGX_HTTP_FAAS_ID_LEN);
    ngx_memcpy(inst->revision, orphan->revision, NGX_HTTP_FAAS_REVISION_LEN);

    if (fn->known
        && fn->kind == inst->kind
        && ngx_memcmp(fn->revision, inst->revision,
                      NGX_HTTP_FAAS_REVISION_LEN)
           == 0)
    {
        inst->version = fn->version;
    }

    ngx_queue_remove(&inst->queue);
    ngx_queue_insert_tail(&fn->instances, &inst->queue);

    ngx_http_faas_instance_set(zone, inst, NGX_HTTP_FAAS_READY);
    ngx_http_faas_lease_admit(zone, inst);

    rc = NGX_OK;

done:

    ngx_http_faas_zone_unlock(zone);

    return rc;
}


void
ngx_http_faas_census_reserve(ngx_http_faas_zone_t *zone, ngx_uint_t slot)
{
    ngx_http_faas_instance_t  *inst;

    if (slot >= zone->sh->ninstances) {
        return;
    }

    ngx_http_faas_zone_lock(zone);

    inst = &zone->sh->instances[slot];

    if (inst->state == NGX_HTTP_FAAS_EMPTY) {
        ngx_http_faas_instance_set(zone, inst, NGX_HTTP_FAAS_FOREIGN);
    }

    ngx_http_faas_zone_unlock(zone);
}


ngx_uint_t
ngx_http_faas_census_missing(ngx_http_faas_zone_t *zone, u_char *seen,
    ngx_msec_t before)
{
    ngx_uint_t                 i, n;
    ngx_http_faas_instance_t  *inst;

    n = 0;

    ngx_http_faas_zone_lock(zone);

    for (i = 0; i < zone->sh->ninstances; i++) {
        inst = &zone->sh->instances[i];

        if (seen[i]) {
            continue;
        }

        if (inst->state == NGX_HTTP_FAAS_FOREIGN) {
            ngx_http_faas_instance_set(zone, inst, NGX_HTTP_FAAS_EMPTY);
            continue;
        }

        if ((inst->state == NGX_HTTP_FAAS_SPARE
             || inst->state == NGX_HTTP_FAAS_READY
             || inst->state == NGX_HTTP_FAAS_DRAINING)
            && (ngx_msec_int_t) (before - inst->since) > 0
            && !inst->gone)
        {
            ngx_http_faas_instance_end(zone, inst);
            n++;
        }
    }

    ngx_http_faas_zone_unlock(zone);

    return n;
}


void
ngx_http_faas_census_settle(ngx_http_faas_zone_t *zone)
{
    ngx_rbtree_t              *tree;
    ngx_rbtree_node_t         *node, *next;
    ngx_http_faas_function_t  *fn;

    tree = &zone->sh->functions;
    node = NULL;

    ngx_http_faas_zone_lock(zone);

    if (!zone->sh->settled && tree->root != tree->sentinel) {
        node = ngx_rbtree_min(tree->root, tree->sentinel);
    }

    zone->sh->settled = 1;

    for ( /* void */ ; node; node = next) {
        next = ngx_rbtree_next(tree, node);

        fn = (ngx_http_faas_function_t *) node;

        ngx_http_faas_instance_orphans(zone, fn);
        ngx_http_faas_function_release(zone, fn);
    }

    ngx_http_faas_zone_unlock(zone);
}


ngx_uint_t
ngx_http_faas_census_spares(ngx_http_faas_zone_t *zone, uint32_t kind,
    ngx_uint_t *total)
{
    ngx_uint_t                 ready;
    ngx_queue_t               *q;
    ngx_http_faas_instance_t  *inst;

    ready = 0;
    *total = 0;

    ngx_http_faas_zone_lock(zone);

    for (q = ngx_queue_head(&zone->sh->spares);
         q != ngx_queue_sentinel(&zone->sh->spares);
         q = ngx_queue_next(q))
    {
        inst = ngx_queue_data(q, ngx_http_faas_instance_t, queue);

        if (inst->kind == kind) {
            (*total)++;
            ready += (inst->state == NGX_HTTP_FAAS_SPARE);
        }
    }

    ngx_http_faas_zone_unlock(zone);

    return ready;
}


ngx_uint_t
ngx_http_faas_census_trim(ngx_http_faas_zone_t *zone, uint32_t *kinds,
    ngx_uint_t n, ngx_uint_t *keep)
{
    ngx_uint_t                 i, ended;
    ngx_queue_t               *q, *next;
    ngx_http_faas_instance_t  *inst;

    ended = 0;

    ngx_http_faas_zone_lock(zone);

    for (q = ngx_queue_head(&zone->sh->spares);
         q != ngx_queue_sentinel(&zone->sh->spares);
         q = next)
    {
        next = ngx_queue_next(q);
        inst = ngx_queue_data(q, ngx_http_faas_instance_t, queue);

        if (inst->state != NGX_HTTP_FAAS_SPARE) {
            continue;
        }

        for (i = 0; i < n && kinds[i] != inst->kind; i++) { /* void */ }

        if (i < n && keep[i]) {
            keep[i]--;
            continue;
        }

        ngx_http_faas_instance_set(zone, inst, NGX_HTTP_FAAS_DEAD);
        ended++;
    }

    ngx_http_faas_zone_unlock(zone);

    return ended;
}
