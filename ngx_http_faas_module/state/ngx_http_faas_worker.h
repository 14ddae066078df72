
/*
 * Copyright (C) the ngx_http_faas_module authors
 */


#ifndef _NGX_HTTP_FAAS_WORKER_H_INCLUDED_
#define _NGX_HTTP_FAAS_WORKER_H_INCLUDED_


#include "ngx_http_faas_zone.h"


/*
 * In the master, for each cycle: an eventfd for each worker process, those
 * of the old cycle kept.  "old" may be NULL.
 */
ngx_int_t ngx_http_faas_worker_init_module(ngx_cycle_t *cycle,
    ngx_http_faas_zone_t *zone, ngx_http_faas_zone_t *old);

/*
 * The entry of this process in the zone, made at first use.  Called under
 * the lock; NULL when the zone is full.
 */
ngx_http_faas_worker_t *ngx_http_faas_worker_self(ngx_http_faas_zone_t *zone);

/* the entry goes when this process exits; its leases must be gone */
void ngx_http_faas_worker_exit(ngx_http_faas_zone_t *zone);

/* under the lock: the entry of a process that has no lease any more goes */
void ngx_http_faas_worker_free(ngx_http_faas_zone_t *zone,
    ngx_http_faas_worker_t *worker);

/*
 * Under the lock: memory of a lease, zeroed, or NULL when the zone is full; and
 * gives it back.
 */
ngx_http_faas_lease_t *ngx_http_faas_worker_alloc(ngx_http_faas_zone_t *zone,
    ngx_http_faas_worker_t *worker);
void ngx_http_faas_worker_recycle(ngx_http_faas_zone_t *zone,
    ngx_http_faas_lease_t *lease);

/* puts the lease on its worker's list of news; under the lock */
void ngx_http_faas_worker_notify(ngx_http_faas_zone_t *zone,
    ngx_http_faas_lease_t *lease);

/* rings the bell of the process "pid"; a stale or unknown one is no harm */
void ngx_http_faas_worker_wake(ngx_http_faas_zone_t *zone, ngx_pid_t pid);

/* takes the next lease with news for this process, or NULL; locks */
ngx_http_faas_lease_t *ngx_http_faas_worker_next(ngx_http_faas_zone_t *zone);

/*
 * True when the process "pid" has ended, be it a zombie: one whose master is
 * gone has init to wait for it, which may take its time or never do so.
 * pidfd_open(2) is in Linux since 5.3; before, a zombie is alive.
 */
ngx_uint_t ngx_http_faas_worker_ended(ngx_pid_t pid);

/* the eventfd of this process, or -1 */
int ngx_http_faas_worker_eventfd(ngx_http_faas_zone_t *zone);


#endif /* _NGX_HTTP_FAAS_WORKER_H_INCLUDED_ */
