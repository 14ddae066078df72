
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Owns the life of an instance in the zone.  A slot of the table is also an
 * address of our network: it becomes empty, and so free for another
 * function, only after the engine confirmed that the container is gone.
 */


#include "ngx_http_faas_instance.h"
#include "ngx_http_faas_function.h"
#include "ngx_http_faas_lease.h"
#include "ngx_http_faas_turn.h"
#include "ngx_http_faas_worker.h"


/* of the zone, kept for functions that have no instance yet */
#define NGX_HTTP_FAAS_INSTANCE_RESERVE  8       /* one in so many */

/* whom the engine could not remove is not asked for by each request */
#define NGX_HTTP_FAAS_INSTANCE_RETRY    1000    /* ms */


static void ngx_http_faas_instance_bury(ngx_http_faas_zone_t *zone,
    ngx_http_faas_instance_t *inst);
static void ngx_http_faas_instance_missing(ngx_http_faas_zone_t *zone);


void
ngx_http_faas_instance_set(ngx_http_faas_zone_t *zone,
    ngx_http_faas_instance_t *inst, ngx_uint_t state)
{
    inst->since = ngx_current_msec;

    if (state != NGX_HTTP_FAAS_CREATING) {
        ngx_http_faas_turn_pass(zone, inst);
    }

    switch (state) {

    case NGX_HTTP_FAAS_EMPTY:
        ngx_queue_remove(&inst->queue);
        ngx_queue_insert_tail(&zone->sh->empty, &inst->queue);
        inst->owner = 0;
        break;

    case NGX_HTTP_FAAS_CREATING:
        ngx_queue_remove(&inst->queue);
        ngx_queue_insert_tail(inst->function ? &inst->function->instances
                                             : &zone->sh->spares,
                              &inst->queue);
        break;

    case NGX_HTTP_FAAS_DEAD:
        if (inst->state != NGX_HTTP_FAAS_DEAD
            && inst->state != NGX_HTTP_FAAS_REMOVING)
        {
            ngx_queue_remove(&inst->queue);
            ngx_queue_insert_tail(&zone->sh->dead, &inst->queue);

            inst->state = state;
            ngx_http_faas_instance_bury(zone, inst);

        } else {

            /* tried in vain: others come first now */

            ngx_queue_remove(&inst->queue);
            ngx_queue_insert_tail(&zone->sh->dead, &inst->queue);
        }

        break;

    case NGX_HTTP_FAAS_FOREIGN:
        ngx_queue_remove(&inst->queue);
        ngx_queue_init(&inst->queue);
        break;

    case NGX_HTTP_FAAS_READY:
        inst->used = ngx_current_msec;
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

        ngx_http_faas_worker_notify(zone, lease);
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
    ngx_queue_t            *q, *next;
    ngx_http_faas_lease_t  *lease;

    if (fn->pinned || !zone->sh->settled) {
        return;
    }

    for (q = ngx_queue_head(&fn->waiting);
         q != ngx_queue_sentinel(&fn->waiting);
         q = next)
    {
        next = ngx_queue_next(q);
        lease = ngx_queue_data(q, ngx_http_faas_lease_t, queue);

        if (ngx_http_faas_function_served(fn, lease->version)) {
            continue;
        }

        ngx_http_faas_lease_leave(lease);
        lease->state = NGX_HTTP_FAAS_LEASE_RETRY;

        ngx_http_faas_worker_notify(zone, lease);
    }
}


ngx_http_faas_instance_t *
ngx_http_faas_instance_take(ngx_http_faas_zone_t *zone,
    ngx_http_faas_function_t *fn, uint32_t kind)
{
    ngx_queue_t               *q;
    ngx_http_faas_instance_t  *inst;

    if (ngx_queue_empty(&zone->sh->empty)) {
        return NULL;
    }

    q = ngx_queue_head(&zone->sh->empty);
    inst = ngx_queue_data(q, ngx_http_faas_instance_t, queue);

    inst->generation++;
    inst->epoch = zone->sh->epoch;
    inst->owner = ngx_pid;
    inst->function = fn;
    inst->kind = kind;
    inst->version = 0;
    inst->active = 0;
    inst->concurrency = 1;
    inst->identified = 0;
    inst->warm = 0;
    inst->gone = 0;
    inst->vain = 0;

    ngx_http_faas_instance_set(zone, inst, NGX_HTTP_FAAS_CREATING);

    return inst;
}


ngx_uint_t
ngx_http_faas_instance_affordable(ngx_http_faas_zone_t *zone)
{
    ngx_uint_t    n;
    ngx_queue_t  *q;

    n = 0;

    for (q = ngx_queue_head(&zone->sh->empty);
         q != ngx_queue_sentinel(&zone->sh->empty);
         q = ngx_queue_next(q))
    {
        if (++n > zone->sh->ninstances / NGX_HTTP_FAAS_INSTANCE_RESERVE) {
            return 1;
        }
    }

    return 0;
}


ngx_http_faas_instance_t *
ngx_http_faas_instance_spare(ngx_http_faas_zone_t *zone,
    ngx_http_faas_function_t *fn, uint32_t kind)
{
    ngx_queue_t               *q;
    ngx_http_faas_instance_t  *inst;

    for (q = ngx_queue_head(&zone->sh->spares);
         q != ngx_queue_sentinel(&zone->sh->spares);
         q = ngx_queue_next(q))
    {
        inst = ngx_queue_data(q, ngx_http_faas_instance_t, queue);

        if (inst->state != NGX_HTTP_FAAS_SPARE || inst->kind != kind) {
            continue;
        }

        inst->owner = ngx_pid;
        inst->function = fn;
        inst->warm = 1;

        ngx_http_faas_instance_set(zone, inst, NGX_HTTP_FAAS_CREATING);

        zone->sh->claimed = ngx_current_msec;
        ngx_http_faas_instance_missing(zone);

        return inst;
    }

    return NULL;
}


/* one less, or room to start one more: for the keeper to see */

static void
ngx_http_faas_instance_missing(ngx_http_faas_zone_t *zone)
{
    zone->sh->topup = 1;
    ngx_http_faas_worker_wake(zone, zone->sh->keeper);
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


void
ngx_http_faas_instance_identify(ngx_http_faas_zone_t *zone,
    ngx_http_faas_instance_t *inst, ngx_str_t *id)
{
    ngx_http_faas_zone_lock(zone);

    ngx_memcpy(inst->id, id->data, NGX_HTTP_FAAS_ID_LEN);
    inst->identified = 1;

    ngx_http_faas_zone_unlock(zone);
}


ngx_int_t
ngx_http_faas_instance_booted(ngx_http_faas_zone_t *zone,
    ngx_http_faas_instance_t *inst, ngx_str_t *token)
{
    ngx_int_t  rc;

    rc = NGX_DECLINED;

    ngx_http_faas_zone_lock(zone);

    if (inst->state == NGX_HTTP_FAAS_CREATING) {
        ngx_memcpy(inst->token, token->data, NGX_HTTP_FAAS_TOKEN_LEN);
        inst->owner = 0;

        /* before the turn passes on: the first of them is to have this one */

        ngx_http_faas_turn_relieve(zone, inst->kind);
        ngx_http_faas_instance_set(zone, inst, NGX_HTTP_FAAS_SPARE);
        ngx_http_faas_instance_missing(zone);
        rc = NGX_OK;
    }

    ngx_http_faas_zone_unlock(zone);

    return rc;
}


ngx_int_t
ngx_http_faas_instance_refresh(ngx_http_faas_zone_t *zone,
    ngx_http_faas_instance_t *inst)
{
    ngx_int_t  rc;

    rc = NGX_DECLINED;

    ngx_http_faas_zone_lock(zone);

    if (inst->state == NGX_HTTP_FAAS_CREATING && !inst->gone) {
        inst->version = inst->function->version;
        rc = NGX_OK;
    }

    ngx_http_faas_zone_unlock(zone);

    return rc;
}


ngx_int_t
ngx_http_faas_instance_loading(ngx_http_faas_zone_t *zone,
    ngx_http_faas_instance_t *inst, ngx_http_faas_want_t *want)
{
    ngx_int_t                  rc;
    ngx_uint_t                 same;
    ngx_http_faas_function_t  *fn;

    rc = NGX_DECLINED;

    ngx_http_faas_zone_lock(zone);

    if (inst->state != NGX_HTTP_FAAS_CREATING || inst->gone) {
        goto done;
    }

    fn = inst->function;

    same = (fn->known
            && fn->kind == want->kind
            && ngx_memcmp(fn->revision, want->revision,
                          NGX_HTTP_FAAS_REVISION_LEN)
               == 0);

    if (fn->known && fn->kind != want->kind) {

        /* it is another language's by now */

        goto done;
    }

    if (!same && fn->version != inst->version) {

        /* somebody else read another one meanwhile: which is the later? */

        rc = NGX_AGAIN;
        goto done;
    }

    if (!same) {
        ngx_http_faas_function_update(fn, want);
        ngx_http_faas_lease_serve(zone, fn);
    }

    inst->version = fn->version;
    inst->concurrency = want->scale.concurrency;
    inst->idle = want->scale.idle;
    ngx_memcpy(inst->revision, want->revision, NGX_HTTP_FAAS_REVISION_LEN);

    ngx_http_faas_instance_set(zone, inst, NGX_HTTP_FAAS_LOADING);
    rc = NGX_OK;

done:

    ngx_http_faas_zone_unlock(zone);

    return rc;
}


ngx_uint_t
ngx_http_faas_instance_serves(ngx_http_faas_zone_t *zone,
    ngx_http_faas_instance_t *inst, u_char *id)
{
    ngx_uint_t  serves;

    ngx_http_faas_zone_lock(zone);

    serves = (inst->state == NGX_HTTP_FAAS_READY
              && !inst->gone
              && inst->identified
              && ngx_memcmp(inst->id, id, NGX_HTTP_FAAS_ID_LEN) == 0);

    ngx_http_faas_zone_unlock(zone);

    return serves;
}


ngx_int_t
ngx_http_faas_instance_wanted(ngx_http_faas_zone_t *zone,
    ngx_http_faas_instance_t *inst)
{
    ngx_int_t  rc;

    ngx_http_faas_zone_lock(zone);

    if (inst->state == NGX_HTTP_FAAS_CREATING) {
        rc = inst->gone ? NGX_ABORT : NGX_OK;

    } else {
        rc = (inst->state == NGX_HTTP_FAAS_LOADING) ? NGX_OK : NGX_DECLINED;
    }

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

        if (inst->state == NGX_HTTP_FAAS_DEAD
            && inst->owner == 0
            && (!inst->vain
                || ngx_current_msec - inst->since
                   >= NGX_HTTP_FAAS_INSTANCE_RETRY))
        {
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
    inst->vain = !confirmed;
    ngx_http_faas_instance_set(zone, inst,
                               confirmed ? NGX_HTTP_FAAS_EMPTY
                                         : NGX_HTTP_FAAS_DEAD);

    ngx_http_faas_zone_unlock(zone);
}


ngx_uint_t
ngx_http_faas_instance_lost(ngx_http_faas_zone_t *zone, ngx_uint_t slot,
    u_char *id, ngx_uint_t ended)
{
    ngx_uint_t                 lost;
    ngx_http_faas_instance_t  *inst;

    if (slot >= zone->sh->ninstances) {
        return 0;
    }

    ngx_http_faas_zone_lock(zone);

    inst = &zone->sh->instances[slot];

    lost = (inst->identified
            && ngx_memcmp(inst->id, id, NGX_HTTP_FAAS_ID_LEN) == 0
            && (inst->state == NGX_HTTP_FAAS_SPARE
                || inst->state == NGX_HTTP_FAAS_READY
                || inst->state == NGX_HTTP_FAAS_DRAINING));

    if (ended
        && inst->warm
        && inst->identified
        && ngx_memcmp(inst->id, id, NGX_HTTP_FAAS_ID_LEN) == 0
        && inst->state == NGX_HTTP_FAAS_CREATING)
    {
        /* who is about to connect to it need not wait for an answer */

        inst->gone = 1;
        ngx_http_faas_worker_wake(zone, inst->owner);

    } else if (lost && ended) {
        ngx_http_faas_instance_end(zone, inst);

    } else if (lost && inst->state == NGX_HTTP_FAAS_SPARE) {
        ngx_http_faas_instance_set(zone, inst, NGX_HTTP_FAAS_DEAD);

    } else if (lost) {
        ngx_http_faas_instance_drain(zone, inst);
    }

    ngx_http_faas_zone_unlock(zone);

    return lost;
}


void
ngx_http_faas_instance_paused(ngx_http_faas_zone_t *zone, ngx_uint_t slot,
    u_char *id)
{
    ngx_http_faas_instance_t  *inst;

    if (slot >= zone->sh->ninstances) {
        return;
    }

    ngx_http_faas_zone_lock(zone);

    inst = &zone->sh->instances[slot];

    if (inst->state == NGX_HTTP_FAAS_LOADING
        && inst->identified
        && ngx_memcmp(inst->id, id, NGX_HTTP_FAAS_ID_LEN) == 0)
    {
        ngx_http_faas_instance_set(zone, inst, NGX_HTTP_FAAS_DEAD);
        ngx_http_faas_worker_wake(zone, inst->owner);
    }

    ngx_http_faas_zone_unlock(zone);
}


/*
 * Who holds it may still want to know how it ended, and ends it then; but who
 * has not even reached it is told at once.
 */

void
ngx_http_faas_instance_end(ngx_http_faas_zone_t *zone,
    ngx_http_faas_instance_t *inst)
{
    ngx_queue_t            *q;
    ngx_http_faas_lease_t  *lease;

    if (inst->active == 0) {
        ngx_http_faas_instance_set(zone, inst, NGX_HTTP_FAAS_DEAD);
        return;
    }

    inst->gone = 1;

    for (q = ngx_queue_head(&inst->leases);
         q != ngx_queue_sentinel(&inst->leases);
         q = ngx_queue_next(q))
    {
        lease = ngx_queue_data(q, ngx_http_faas_lease_t, queue);
        ngx_http_faas_worker_notify(zone, lease);
    }

    if (inst->state == NGX_HTTP_FAAS_READY) {
        ngx_http_faas_instance_set(zone, inst, NGX_HTTP_FAAS_DRAINING);
    }
}


ngx_uint_t
ngx_http_faas_instance_retire(ngx_http_faas_zone_t *zone)
{
    ngx_uint_t                 i, n;
    ngx_http_faas_instance_t  *inst;

    n = 0;

    ngx_http_faas_zone_lock(zone);

    for (i = 0; i < zone->sh->ninstances; i++) {
        inst = &zone->sh->instances[i];

        if (inst->state == NGX_HTTP_FAAS_READY
            && inst->active == 0
            && inst->idle
            && (ngx_msec_int_t) (ngx_current_msec - inst->used)
               >= (ngx_msec_int_t) inst->idle
            && ngx_http_faas_function_started(inst->function)
               > inst->function->scale.min_instances)
        {
            ngx_http_faas_instance_set(zone, inst, NGX_HTTP_FAAS_DEAD);
            n++;
        }
    }

    ngx_http_faas_zone_unlock(zone);

    return n;
}
