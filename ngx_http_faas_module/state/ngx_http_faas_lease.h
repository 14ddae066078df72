
/*
 * Copyright (C) the ngx_http_faas_module authors
 */


#ifndef _NGX_HTTP_FAAS_LEASE_H_INCLUDED_
#define _NGX_HTTP_FAAS_LEASE_H_INCLUDED_


#include "ngx_http_faas_function.h"
#include "ngx_http_faas_instance.h"
#include "ngx_http_faas_worker.h"


/* all of these lock */

/*
 * Asks for a slot on an instance of the wanted function.  "data" comes back
 * with the lease from ngx_http_faas_worker_next().
 *
 *   NGX_OK        *lease is HELD, and want->seat is set
 *   NGX_AGAIN     *lease is WAITING: the worker's bell will ring
 *   NGX_DONE      the same, and the caller has to start *inst
 *   NGX_DECLINED  want->revision is needed, or too old, and want->version is
 *                 set: look at the source, read it, and ask again
 *   NGX_BUSY      every slot of the zone is in use
 *   NGX_ABORT     too many wait already
 *   NGX_ERROR     the zone is full
 */
ngx_int_t ngx_http_faas_lease_acquire(ngx_http_faas_zone_t *zone,
    ngx_http_faas_want_t *want, void *data, ngx_http_faas_lease_t **lease,
    ngx_http_faas_instance_t **inst);

/* under the lock: copies what is to be known of a HELD lease's instance */
void ngx_http_faas_lease_seat(ngx_http_faas_lease_t *lease,
    ngx_http_faas_seat_t *seat);

/* under the lock: takes a WAITING lease out of its function's queue */
void ngx_http_faas_lease_leave(ngx_http_faas_lease_t *lease);

/*
 * Without a lease: NGX_DONE when the function lacks an instance of its
 * min_instances, which is in *instp and the caller's to start; NGX_OK when it
 * does not, or there is no room; NGX_DECLINED as above.
 */
ngx_int_t ngx_http_faas_lease_minimum(ngx_http_faas_zone_t *zone,
    ngx_http_faas_want_t *want, ngx_http_faas_instance_t **instp);

/* gives the slot, or the place in the queue, back; frees the lease */
void ngx_http_faas_lease_release(ngx_http_faas_zone_t *zone,
    ngx_http_faas_lease_t *lease);

/*
 * Gives the slot back on an instance that is not to be trusted any more.  It
 * dies at once when it serves one request at a time, else when the others
 * have ended.  Returns the instance, claimed for removal by the caller, or
 * NULL when somebody else will see to it.
 */
ngx_http_faas_instance_t *ngx_http_faas_lease_condemn(
    ngx_http_faas_zone_t *zone, ngx_http_faas_lease_t *lease);

/*
 * Leaves the queue.  A start that nobody waits for any more is given up.
 */
void ngx_http_faas_lease_expire(ngx_http_faas_zone_t *zone,
    ngx_http_faas_lease_t *lease);

/* whether the instance's process has ended under a lease that was held */
ngx_uint_t ngx_http_faas_lease_gone(ngx_http_faas_zone_t *zone,
    ngx_http_faas_lease_t *lease);

/* under the lock: the instance has room, let in whoever waits */
void ngx_http_faas_lease_admit(ngx_http_faas_zone_t *zone,
    ngx_http_faas_instance_t *inst);

/* the same of all instances of a function, which must be pinned */
void ngx_http_faas_lease_serve(ngx_http_faas_zone_t *zone,
    ngx_http_faas_function_t *fn);

/*
 * Takes back what dead processes held: leases, waiters, and the instances
 * that they were driving.
 */
void ngx_http_faas_lease_reap(ngx_http_faas_zone_t *zone);


#endif /* _NGX_HTTP_FAAS_LEASE_H_INCLUDED_ */
