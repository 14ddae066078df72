
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Owns the life of an instance in the zone.  A slot of the table is also an
 * address of our network: it becomes empty, and so free for another
 * function, only after the engine confirmed that the container is gone.
 */


#include "ngx_http_faas_instance.h"
#include "ngx_http_faas_function.h"
#include "ngx_http_faas_worker.h"


static void ngx_http_faas_instance_bury(ngx_http_faas_zone_t *zone,
    ngx_http_faas_instance_t *inst);


void
ngx_http_faas_instance_set(ngx_http_faas_zone_t *zone,
    ngx_http_faas_instance_t *inst, ngx_uint_t state)
{
    inst->since = ngx_current_msec;

    switch (state) {

    case NGX_HTTP_FAAS_EMPTY:
        ngx_queue_remove(&inst->queue);
        ngx_queue_insert_tail(&zone->sh->empty, &inst->queue);
        inst->owner = 0;
        break;

    case NGX_HTTP_FAAS_DEAD:
        if (inst->state != NGX_HTTP_FAAS_DEAD
            && inst->state != NGX_HTTP_FAAS_REMOVING)
        {
            ngx_queue_remove(&inst->queue);
            ngx_queue_insert_tail(&zone->sh->dead, &inst->queue);

            inst->state = state;
            ngx_http_faas_instance_bury(zone, inst);
        }

        break;

    case NGX_HTTP_FAAS_DRAINING:
        inst->state = state;
        ngx_http_faas_instance_orphans(zone, inst->function);
        break;

    default:
        break;
    }

    inst->state = state;
}


static void
ngx_http_faas_instance_bury(ngx_http_faas_zone_t *zone,
    ngx_http_faas_instance_t *inst)
{
    ngx_queue_t               *q;
    ngx_http_faas_lease_t     *lease;
    ngx_http_faas_function_t  *fn;

    while (!ngx_queue_empty(&inst->leases)) {
        q = ngx_queue_head(&inst->leases);
        ngx_queue_remove(q);

        lease = ngx_queue_data(q, ngx_http_faas_lease_t, queue);
        lease->instance = NULL;
        lease->state = NGX_HTTP_FAAS_LEASE_LOST;
    }

    inst->active = 0;

    fn = inst->function;
    inst->function = NULL;

    if (fn == NULL) {
        return;
    }

    ngx_http_faas_instance_orphans(zone, fn);
    ngx_http_faas_function_release(zone, fn);
}


/* the first that asks will start one */

void
ngx_http_faas_instance_orphans(ngx_http_faas_zone_t *zone,
    ngx_http_faas_function_t *fn)
{
    ngx_queue_t            *q;
    ngx_http_faas_lease_t  *lease;

    if (fn->pinned || ngx_http_faas_function_served(fn)) {
        return;
    }

    while (!ngx_queue_empty(&fn->waiting)) {
        q = ngx_queue_head(&fn->waiting);
        ngx_queue_remove(q);

        lease = ngx_queue_data(q, ngx_http_faas_lease_t, queue);
        lease->function = NULL;
        lease->state = NGX_HTTP_FAAS_LEASE_RETRY;

        ngx_http_faas_worker_notify(zone, lease);
    }
}


ngx_http_faas_instance_t *
ngx_http_faas_instance_take(ngx_http_faas_zone_t *zone,
    ngx_http_faas_function_t *fn)
{
    ngx_queue_t               *q;
    ngx_http_faas_instance_t  *inst;

    if (ngx_queue_empty(&zone->sh->empty)) {
        return NULL;
    }

    q = ngx_queue_head(&zone->sh->empty);
    ngx_queue_remove(q);

    inst = ngx_queue_data(q, ngx_http_faas_instance_t, queue);

    inst->generation++;
    inst->owner = ngx_pid;
    inst->function = fn;
    inst->active = 0;
    inst->concurrency = 1;
    ngx_memcpy(inst->revision, fn->revision, NGX_HTTP_FAAS_REVISION_LEN);
    ngx_queue_insert_tail(&fn->instances, &inst->queue);

    ngx_http_faas_instance_set(zone, inst, NGX_HTTP_FAAS_CREATING);

    return inst;
}


void
ngx_http_faas_instance_drain(ngx_http_faas_zone_t *zone,
    ngx_http_faas_instance_t *inst)
{
    if (inst->state != NGX_HTTP_FAAS_READY) {
        return;
    }

    ngx_http_faas_instance_set(zone, inst,
                               inst->active ? NGX_HTTP_FAAS_DRAINING
                                            : NGX_HTTP_FAAS_DEAD);
}


ngx_int_t
ngx_http_faas_instance_loading(ngx_http_faas_zone_t *zone,
    ngx_http_faas_instance_t *inst, ngx_http_faas_want_t *want,
    ngx_uint_t concurrency)
{
    ngx_int_t                  rc;
    ngx_http_faas_function_t  *fn;

    rc = NGX_DECLINED;

    ngx_http_faas_zone_lock(zone);

    if (inst->state == NGX_HTTP_FAAS_CREATING) {
        fn = inst->function;

        /* what others have seen since the start began is younger than this */

        if (ngx_memcmp(fn->revision, inst->revision,
                       NGX_HTTP_FAAS_REVISION_LEN)
            == 0)
        {
            ngx_http_faas_function_update(zone, fn, want);
        }

        ngx_memcpy(inst->revision, want->revision,
                   NGX_HTTP_FAAS_REVISION_LEN);
        inst->concurrency = concurrency;

        ngx_http_faas_instance_set(zone, inst, NGX_HTTP_FAAS_LOADING);
        rc = NGX_OK;
    }

    ngx_http_faas_zone_unlock(zone);

    return rc;
}


ngx_int_t
ngx_http_faas_instance_wanted(ngx_http_faas_zone_t *zone,
    ngx_http_faas_instance_t *inst)
{
    ngx_int_t  rc;

    ngx_http_faas_zone_lock(zone);

    rc = (inst->state == NGX_HTTP_FAAS_CREATING
          || inst->state == NGX_HTTP_FAAS_LOADING)
         ? NGX_OK : NGX_DECLINED;

    ngx_http_faas_zone_unlock(zone);

    return rc;
}


ngx_http_faas_instance_t *
ngx_http_faas_instance_claim(ngx_http_faas_zone_t *zone)
{
    ngx_queue_t               *q;
    ngx_http_faas_instance_t  *inst;

    ngx_http_faas_zone_lock(zone);

    for (q = ngx_queue_head(&zone->sh->dead);
         q != ngx_queue_sentinel(&zone->sh->dead);
         q = ngx_queue_next(q))
    {
        inst = ngx_queue_data(q, ngx_http_faas_instance_t, queue);

        if (inst->state == NGX_HTTP_FAAS_DEAD && inst->owner == 0) {
            inst->owner = ngx_pid;
            ngx_http_faas_instance_set(zone, inst, NGX_HTTP_FAAS_REMOVING);

            ngx_http_faas_zone_unlock(zone);

            return inst;
        }
    }

    ngx_http_faas_zone_unlock(zone);

    return NULL;
}


void
ngx_http_faas_instance_removed(ngx_http_faas_zone_t *zone,
    ngx_http_faas_instance_t *inst, ngx_uint_t confirmed)
{
    ngx_http_faas_zone_lock(zone);

    inst->owner = 0;
    ngx_http_faas_instance_set(zone, inst,
                               confirmed ? NGX_HTTP_FAAS_EMPTY
                                         : NGX_HTTP_FAAS_DEAD);

    ngx_http_faas_zone_unlock(zone);
}


ngx_uint_t
ngx_http_faas_instance_known(ngx_http_faas_zone_t *zone, uint32_t epoch,
    ngx_uint_t slot, ngx_uint_t generation)
{
    ngx_uint_t                 known;
    ngx_http_faas_instance_t  *inst;

    if (epoch != zone->sh->epoch || slot >= zone->sh->ninstances) {
        return 0;
    }

    ngx_http_faas_zone_lock(zone);

    inst = &zone->sh->instances[slot];
    known = (inst->state != NGX_HTTP_FAAS_EMPTY
             && inst->generation == generation);

    ngx_http_faas_zone_unlock(zone);

    return known;
}
