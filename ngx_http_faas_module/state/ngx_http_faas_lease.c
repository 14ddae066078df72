
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Owns admission in the zone: who holds a slot on which instance, and who
 * waits for one.  A lease is in exactly one of these places: the queue of
 * its function while WAITING, the list of its instance while HELD, nowhere
 * else; and always on the list of its worker, so that a dead worker's come
 * back.
 */


#include "ngx_http_faas_lease.h"


static ngx_http_faas_lease_t *ngx_http_faas_lease_create(
    ngx_http_faas_zone_t *zone, void *data);
static void ngx_http_faas_lease_free(ngx_http_faas_zone_t *zone,
    ngx_http_faas_lease_t *lease);
static void ngx_http_faas_lease_grant(ngx_http_faas_lease_t *lease,
    ngx_http_faas_instance_t *inst);
static ngx_int_t ngx_http_faas_lease_place(ngx_http_faas_zone_t *zone,
    ngx_http_faas_function_t *fn, ngx_http_faas_lease_t *lease,
    ngx_http_faas_instance_t **instp);
static ngx_http_faas_instance_t *ngx_http_faas_lease_vacant(
    ngx_http_faas_function_t *fn, ngx_uint_t version);
static ngx_http_faas_instance_t *ngx_http_faas_lease_starting(
    ngx_http_faas_function_t *fn);
static void ngx_http_faas_lease_vacate(ngx_http_faas_zone_t *zone,
    ngx_http_faas_lease_t *lease);
static void ngx_http_faas_lease_bereave(ngx_http_faas_zone_t *zone,
    ngx_http_faas_worker_t *worker);


ngx_int_t
ngx_http_faas_lease_acquire(ngx_http_faas_zone_t *zone,
    ngx_http_faas_want_t *want, void *data, ngx_http_faas_lease_t **leasep,
    ngx_http_faas_instance_t **instp)
{
    ngx_int_t                  rc;
    ngx_http_faas_lease_t     *lease;
    ngx_http_faas_function_t  *fn;

    rc = NGX_ERROR;
    *leasep = NULL;
    *instp = NULL;

    ngx_http_faas_zone_lock(zone);

    fn = ngx_http_faas_function_get(zone, &want->name);
    if (fn == NULL) {
        goto done;
    }

    fn->pinned = 1;

    if (want->revision && fn->version == want->version) {
        ngx_http_faas_function_update(fn, want);
        ngx_http_faas_lease_serve(zone, fn);

    } else if (!ngx_http_faas_function_current(fn, want)) {

        /* who has read it since somebody else did knows better */

        want->version = fn->version;
        rc = NGX_DECLINED;
        goto done;
    }

    lease = ngx_http_faas_lease_create(zone, data);
    if (lease == NULL) {
        goto done;
    }

    rc = ngx_http_faas_lease_place(zone, fn, lease, instp);

    want->scale = fn->scale;

    if (rc == NGX_OK) {
        ngx_http_faas_lease_seat(lease, &want->seat);
    }

    if (rc == NGX_BUSY || rc == NGX_ABORT) {
        ngx_http_faas_lease_free(zone, lease);

    } else {
        *leasep = lease;
    }

done:

    if (fn) {
        fn->pinned = 0;

        if (rc != NGX_DONE && rc != NGX_AGAIN) {

            /* an update may have left waiters with nobody to wait for */
            ngx_http_faas_instance_orphans(zone, fn);
        }

        ngx_http_faas_function_release(zone, fn);
    }

    ngx_http_faas_zone_unlock(zone);

    return rc;
}


ngx_int_t
ngx_http_faas_lease_minimum(ngx_http_faas_zone_t *zone,
    ngx_http_faas_want_t *want, ngx_http_faas_instance_t **instp)
{
    ngx_int_t                  rc;
    ngx_uint_t                 live, coming;
    ngx_http_faas_function_t  *fn;

    rc = NGX_ERROR;
    *instp = NULL;

    ngx_http_faas_zone_lock(zone);

    fn = ngx_http_faas_function_get(zone, &want->name);
    if (fn == NULL) {
        goto done;
    }

    fn->pinned = 1;

    if (want->revision && fn->version == want->version) {
        ngx_http_faas_function_update(fn, want);
        ngx_http_faas_lease_serve(zone, fn);

    } else if (!ngx_http_faas_function_current(fn, want)) {
        want->version = fn->version;
        rc = NGX_DECLINED;
        goto done;
    }

    rc = NGX_OK;
    live = ngx_http_faas_function_live(fn, fn->version, &coming);

    if (zone->sh->settled
        && fn->failed != fn->version
        && live < fn->scale.min_instances
        && (live == 0 || ngx_http_faas_instance_affordable(zone)))
    {
        *instp = ngx_http_faas_instance_spare(zone, fn, fn->kind);

        if (*instp == NULL) {
            *instp = ngx_http_faas_instance_take(zone, fn, fn->kind);
        }

        rc = *instp ? NGX_DONE : NGX_OK;
    }

done:

    if (fn) {
        fn->pinned = 0;
        ngx_http_faas_instance_orphans(zone, fn);
        ngx_http_faas_function_release(zone, fn);
    }

    ngx_http_faas_zone_unlock(zone);

    return rc;
}


/* on an instance, or into the queue */

static ngx_int_t
ngx_http_faas_lease_place(ngx_http_faas_zone_t *zone,
    ngx_http_faas_function_t *fn, ngx_http_faas_lease_t *lease,
    ngx_http_faas_instance_t **instp)
{
    ngx_uint_t                 live, coming;
    ngx_http_faas_lease_t     *last;
    ngx_http_faas_instance_t  *inst;

    lease->version = fn->version;

    if (fn->failed == fn->version && zone->keep) {
        inst = ngx_http_faas_function_newest(fn);

        if (inst) {
            lease->version = inst->version;
        }
    }

    /* nobody waits for less than whoever came before */

    if (fn->nwaiting) {
        last = ngx_queue_data(ngx_queue_last(&fn->waiting),
                              ngx_http_faas_lease_t, queue);
        lease->version = ngx_max(lease->version, last->version);
    }

    inst = ngx_http_faas_lease_vacant(fn, lease->version);

    if (inst && fn->nwaiting == 0) {
        ngx_http_faas_lease_grant(lease, inst);
        return NGX_OK;
    }

    live = ngx_http_faas_function_live(fn, lease->version, &coming);

    /* one more, unless those that are coming are enough for all who wait */

    if (zone->sh->settled
        && fn->nwaiting >= coming
        && (live == 0
            || (live < fn->scale.max_instances
                && ngx_http_faas_instance_affordable(zone))))
    {
        inst = ngx_http_faas_instance_spare(zone, fn, fn->kind);

        if (inst == NULL) {
            inst = ngx_http_faas_instance_take(zone, fn, fn->kind);
        }

        *instp = inst;
        coming += inst ? fn->scale.concurrency : 0;
    }

    if (*instp == NULL) {

        if (zone->sh->settled && live == 0) {
            return NGX_BUSY;
        }

        if (!zone->sh->settled && live < fn->scale.max_instances) {

            /* what may yet be adopted or started */

            coming += (fn->scale.max_instances - live)
                      * fn->scale.concurrency;
        }

        if (fn->nwaiting >= coming + fn->scale.queue) {
            return NGX_ABORT;
        }
    }

    lease->function = fn;
    ngx_queue_insert_tail(&fn->waiting, &lease->queue);
    fn->nwaiting++;

    return *instp ? NGX_DONE : NGX_AGAIN;
}


void
ngx_http_faas_lease_seat(ngx_http_faas_lease_t *lease,
    ngx_http_faas_seat_t *seat)
{
    ngx_http_faas_instance_t  *inst;

    inst = lease->instance;

    seat->slot = inst->slot;
    seat->concurrency = inst->concurrency;
    ngx_memcpy(seat->id, inst->id, NGX_HTTP_FAAS_ID_LEN);
}


void
ngx_http_faas_lease_leave(ngx_http_faas_lease_t *lease)
{
    ngx_queue_remove(&lease->queue);

    lease->function->nwaiting--;
    lease->function = NULL;
}


static ngx_http_faas_lease_t *
ngx_http_faas_lease_create(ngx_http_faas_zone_t *zone, void *data)
{
    ngx_http_faas_lease_t   *lease;
    ngx_http_faas_worker_t  *worker;

    worker = ngx_http_faas_worker_self(zone);
    if (worker == NULL) {
        return NULL;
    }

    lease = ngx_http_faas_worker_alloc(zone, worker);
    if (lease == NULL) {
        return NULL;
    }

    /*
     * set by ngx_http_faas_worker_alloc():
     *
     *     lease->state = NGX_HTTP_FAAS_LEASE_WAITING;
     */

    lease->data = data;
    lease->worker = worker;
    ngx_http_faas_zone_append(&worker->leases, &lease->all);

    return lease;
}


static void
ngx_http_faas_lease_free(ngx_http_faas_zone_t *zone,
    ngx_http_faas_lease_t *lease)
{
    if (lease->notified) {
        ngx_queue_remove(&lease->wake);
    }

    /* before what it refers to goes: a repair looks at all leases */

    ngx_queue_remove(&lease->all);

    if (lease->report && --lease->report->refs == 0) {
        ngx_slab_free_locked(zone->shpool, lease->report);
    }

    ngx_http_faas_worker_recycle(zone, lease);
}


static ngx_http_faas_instance_t *
ngx_http_faas_lease_vacant(ngx_http_faas_function_t *fn, ngx_uint_t version)
{
    ngx_queue_t               *q;
    ngx_http_faas_instance_t  *inst;

    for (q = ngx_queue_head(&fn->instances);
         q != ngx_queue_sentinel(&fn->instances);
         q = ngx_queue_next(q))
    {
        inst = ngx_queue_data(q, ngx_http_faas_instance_t, queue);

        if (inst->state == NGX_HTTP_FAAS_READY
            && !inst->gone
            && inst->version >= version
            && inst->active < inst->concurrency)
        {
            return inst;
        }
    }

    return NULL;
}


static void
ngx_http_faas_lease_grant(ngx_http_faas_lease_t *lease,
    ngx_http_faas_instance_t *inst)
{
    lease->state = NGX_HTTP_FAAS_LEASE_HELD;
    lease->instance = inst;

    inst->active++;
    ngx_queue_insert_tail(&inst->leases, &lease->queue);
}


/*
 * Lets in as many as there is room for.  Who came later wants a version that
 * is no older, so the first one whom the instance is too old for ends it.
 */

void
ngx_http_faas_lease_admit(ngx_http_faas_zone_t *zone,
    ngx_http_faas_instance_t *inst)
{
    ngx_queue_t               *q;
    ngx_http_faas_lease_t     *lease;
    ngx_http_faas_function_t  *fn;

    fn = inst->function;

    while (inst->state == NGX_HTTP_FAAS_READY
           && !inst->gone
           && inst->active < inst->concurrency
           && fn->nwaiting)
    {
        q = ngx_queue_head(&fn->waiting);
        lease = ngx_queue_data(q, ngx_http_faas_lease_t, queue);

        if (lease->version > inst->version) {
            break;
        }

        ngx_http_faas_lease_leave(lease);
        ngx_http_faas_lease_grant(lease, inst);
        ngx_http_faas_worker_notify(zone, lease);
    }
}


void
ngx_http_faas_lease_serve(ngx_http_faas_zone_t *zone,
    ngx_http_faas_function_t *fn)
{
    ngx_queue_t               *q;
    ngx_http_faas_instance_t  *inst;

    for (q = ngx_queue_head(&fn->instances);
         q != ngx_queue_sentinel(&fn->instances);
         q = ngx_queue_next(q))
    {
        inst = ngx_queue_data(q, ngx_http_faas_instance_t, queue);

        ngx_http_faas_lease_admit(zone, inst);
    }
}


/* takes the lease out of whatever it is in, and lets the next one in */

static void
ngx_http_faas_lease_vacate(ngx_http_faas_zone_t *zone,
    ngx_http_faas_lease_t *lease)
{
    ngx_http_faas_function_t  *fn;
    ngx_http_faas_instance_t  *inst;

    if (lease->state == NGX_HTTP_FAAS_LEASE_WAITING) {
        fn = lease->function;

        ngx_http_faas_lease_leave(lease);
        ngx_http_faas_function_release(zone, fn);

    } else if (lease->state == NGX_HTTP_FAAS_LEASE_HELD) {
        ngx_queue_remove(&lease->queue);

        inst = lease->instance;
        lease->instance = NULL;
        inst->active--;
        inst->used = ngx_current_msec;

        if (inst->state == NGX_HTTP_FAAS_DRAINING && inst->active == 0) {
            ngx_http_faas_instance_set(zone, inst, NGX_HTTP_FAAS_DEAD);

        } else {
            ngx_http_faas_lease_admit(zone, inst);
        }
    }

    lease->state = NGX_HTTP_FAAS_LEASE_LOST;
}


void
ngx_http_faas_lease_release(ngx_http_faas_zone_t *zone,
    ngx_http_faas_lease_t *lease)
{
    ngx_http_faas_zone_lock(zone);

    ngx_http_faas_lease_vacate(zone, lease);
    ngx_http_faas_lease_free(zone, lease);

    ngx_http_faas_zone_unlock(zone);
}


ngx_http_faas_instance_t *
ngx_http_faas_lease_condemn(ngx_http_faas_zone_t *zone,
    ngx_http_faas_lease_t *lease)
{
    ngx_http_faas_instance_t  *inst, *claimed;

    claimed = NULL;

    ngx_http_faas_zone_lock(zone);

    inst = (lease->state == NGX_HTTP_FAAS_LEASE_HELD) ? lease->instance
                                                      : NULL;

    if (inst && inst->state == NGX_HTTP_FAAS_READY) {
        ngx_http_faas_instance_set(zone, inst, NGX_HTTP_FAAS_DRAINING);
    }

    ngx_http_faas_lease_vacate(zone, lease);
    ngx_http_faas_lease_free(zone, lease);

    if (inst && inst->state == NGX_HTTP_FAAS_DEAD && inst->owner == 0) {
        inst->owner = ngx_pid;
        ngx_http_faas_instance_set(zone, inst, NGX_HTTP_FAAS_REMOVING);
        claimed = inst;
    }

    ngx_http_faas_zone_unlock(zone);

    return claimed;
}


void
ngx_http_faas_lease_expire(ngx_http_faas_zone_t *zone,
    ngx_http_faas_lease_t *lease)
{
    ngx_http_faas_function_t  *fn;
    ngx_http_faas_instance_t  *inst;

    ngx_http_faas_zone_lock(zone);

    fn = lease->function;

    if (lease->state == NGX_HTTP_FAAS_LEASE_WAITING
        && fn->nwaiting == 1)
    {
        /* the only one who waits */

        inst = ngx_http_faas_lease_starting(fn);

        if (inst) {

            /* leave first: whoever is in the queue has to ask again */

            ngx_http_faas_lease_leave(lease);
            lease->state = NGX_HTTP_FAAS_LEASE_LOST;

            ngx_http_faas_instance_set(zone, inst, NGX_HTTP_FAAS_DEAD);
            ngx_http_faas_worker_wake(zone, inst->owner);
        }
    }

    ngx_http_faas_lease_vacate(zone, lease);
    ngx_http_faas_lease_free(zone, lease);

    ngx_http_faas_zone_unlock(zone);
}


static ngx_http_faas_instance_t *
ngx_http_faas_lease_starting(ngx_http_faas_function_t *fn)
{
    ngx_queue_t               *q;
    ngx_http_faas_instance_t  *inst;

    for (q = ngx_queue_head(&fn->instances);
         q != ngx_queue_sentinel(&fn->instances);
         q = ngx_queue_next(q))
    {
        inst = ngx_queue_data(q, ngx_http_faas_instance_t, queue);

        if (inst->state == NGX_HTTP_FAAS_CREATING
            || inst->state == NGX_HTTP_FAAS_LOADING)
        {
            return inst;
        }
    }

    return NULL;
}


void
ngx_http_faas_lease_reap(ngx_http_faas_zone_t *zone)
{
    ngx_pid_t                  alive;
    ngx_uint_t                 i;
    ngx_queue_t               *q, *next;
    ngx_http_faas_worker_t    *worker;
    ngx_http_faas_instance_t  *inst;

    ngx_http_faas_zone_lock(zone);

    for (q = ngx_queue_head(&zone->sh->workers);
         q != ngx_queue_sentinel(&zone->sh->workers);
         q = next)
    {
        next = ngx_queue_next(q);
        worker = ngx_queue_data(q, ngx_http_faas_worker_t, queue);

        if (worker->pid != ngx_pid
            && ngx_http_faas_worker_ended(worker->pid))
        {
            ngx_http_faas_lease_bereave(zone, worker);
        }
    }

    alive = ngx_pid;

    for (i = 0; i < zone->sh->ninstances; i++) {
        inst = &zone->sh->instances[i];

        if (inst->owner == 0 || inst->owner == ngx_pid
            || inst->owner == alive)
        {
            continue;
        }

        if (!ngx_http_faas_worker_ended(inst->owner)) {
            alive = inst->owner;
            continue;
        }

        inst->owner = 0;
        ngx_http_faas_instance_set(zone, inst, NGX_HTTP_FAAS_DEAD);
    }

    ngx_http_faas_zone_unlock(zone);
}


ngx_uint_t
ngx_http_faas_lease_gone(ngx_http_faas_zone_t *zone,
    ngx_http_faas_lease_t *lease)
{
    ngx_uint_t  gone;

    ngx_http_faas_zone_lock(zone);

    gone = (lease->state == NGX_HTTP_FAAS_LEASE_LOST
            || (lease->state == NGX_HTTP_FAAS_LEASE_HELD
                && lease->instance->gone));

    ngx_http_faas_zone_unlock(zone);

    return gone;
}


static void
ngx_http_faas_lease_bereave(ngx_http_faas_zone_t *zone,
    ngx_http_faas_worker_t *worker)
{
    ngx_queue_t            *q;
    ngx_http_faas_lease_t  *lease;

    while (!ngx_queue_empty(&worker->leases)) {
        q = ngx_queue_head(&worker->leases);
        lease = ngx_queue_data(q, ngx_http_faas_lease_t, all);

        ngx_http_faas_lease_vacate(zone, lease);
        ngx_http_faas_lease_free(zone, lease);
    }

    ngx_http_faas_worker_free(zone, worker);
}
