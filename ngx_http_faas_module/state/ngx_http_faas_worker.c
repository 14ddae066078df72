
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Owns the register of worker processes in the zone and the bell of each, an
 * eventfd that the master makes before it forks.  Nobody reads it, where every
 * write is an edge (epoll): in the old and in the new process of a slot, and
 * each looks at its own list of news.  With poll and select it is read, and the
 * other process looks a second later.
 */


#include "ngx_http_faas_worker.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>


#define NGX_HTTP_FAAS_WORKER_FREE  32       /* leases that it keeps */


ngx_int_t
ngx_http_faas_worker_init_module(ngx_cycle_t *cycle,
    ngx_http_faas_zone_t *zone, ngx_http_faas_zone_t *old)
{
    int              *fd, *ofd;
    ngx_int_t         i, n, kept;
    ngx_core_conf_t  *ccf;

    ccf = (ngx_core_conf_t *) ngx_get_conf(cycle->conf_ctx, ngx_core_module);

    kept = old && old->efds ? (ngx_int_t) old->efds->nelts : 0;
    ofd = kept ? old->efds->elts : NULL;

    n = ngx_max(ngx_max(ccf->worker_processes, 1), kept);

    zone->efds = ngx_array_create(cycle->pool, n, sizeof(int));
    if (zone->efds == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < n; i++) {

        fd = ngx_array_push(zone->efds);
        if (fd == NULL) {
            return NGX_ERROR;
        }

        if (i < kept) {
            *fd = ofd[i];
            continue;
        }

        *fd = eventfd(0, EFD_NONBLOCK|EFD_CLOEXEC);

        if (*fd == -1) {
            ngx_log_error(NGX_LOG_EMERG, cycle->log, ngx_errno,
                          "faas: eventfd() failed");
            zone->efds->nelts--;
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


int
ngx_http_faas_worker_eventfd(ngx_http_faas_zone_t *zone)
{
    int  *fd;

    if (zone->efds == NULL || ngx_worker >= zone->efds->nelts) {
        return -1;
    }

    fd = zone->efds->elts;

    return fd[ngx_worker];
}


ngx_http_faas_worker_t *
ngx_http_faas_worker_self(ngx_http_faas_zone_t *zone)
{
    ngx_http_faas_worker_t  *worker;

    if (zone->worker) {
        return zone->worker;
    }

    worker = ngx_http_faas_zone_alloc(zone, sizeof(ngx_http_faas_worker_t));
    if (worker == NULL) {
        return NULL;
    }

    ngx_queue_init(&worker->leases);
    ngx_queue_init(&worker->wakes);
    worker->pid = ngx_pid;
    worker->slot = (uint32_t) ngx_worker;

    ngx_http_faas_zone_append(&zone->sh->workers, &worker->queue);
    zone->worker = worker;

    return worker;
}


void
ngx_http_faas_worker_exit(ngx_http_faas_zone_t *zone)
{
    if (zone->worker == NULL) {
        return;
    }

    ngx_http_faas_zone_lock(zone);

    /* what was cut off in flight is for whoever reaps the dead */

    if (ngx_queue_empty(&zone->worker->leases)) {
        ngx_http_faas_worker_free(zone, zone->worker);
    }

    ngx_http_faas_zone_unlock(zone);

    zone->worker = NULL;
}


void
ngx_http_faas_worker_free(ngx_http_faas_zone_t *zone,
    ngx_http_faas_worker_t *worker)
{
    ngx_http_faas_lease_t  *lease, *next;

    /* out of the list before what it refers to goes: see the repair */

    ngx_queue_remove(&worker->queue);

    for (lease = worker->free; lease; lease = next) {
        next = lease->next;
        ngx_slab_free_locked(zone->shpool, lease);
    }

    ngx_slab_free_locked(zone->shpool, worker);
}


/*
 * The last lease to go is the next one to come: it is still in the cache of
 * this processor, and the books of the slab are not needed, which are in that
 * of another.  Whoever is killed at this loses one lease.  Those that are kept
 * are given up when the zone is full, whoever's they are.
 */

ngx_http_faas_lease_t *
ngx_http_faas_worker_alloc(ngx_http_faas_zone_t *zone,
    ngx_http_faas_worker_t *worker)
{
    ngx_http_faas_lease_t  *lease;

    lease = worker->free;

    if (lease == NULL) {
        return ngx_http_faas_zone_alloc(zone, sizeof(ngx_http_faas_lease_t));
    }

    worker->free = lease->next;
    ngx_memory_barrier();
    ngx_memzero(lease, sizeof(ngx_http_faas_lease_t));

    return lease;
}


void
ngx_http_faas_worker_recycle(ngx_http_faas_zone_t *zone,
    ngx_http_faas_lease_t *lease)
{
    ngx_http_faas_worker_t  *worker;

    worker = lease->worker;

    lease->next = worker->free;
    lease->nfree = lease->next ? lease->next->nfree + 1 : 1;

    if (worker != zone->worker || lease->nfree > NGX_HTTP_FAAS_WORKER_FREE) {
        ngx_slab_free_locked(zone->shpool, lease);
        return;
    }

    ngx_memory_barrier();
    worker->free = lease;
}


void
ngx_http_faas_worker_notify(ngx_http_faas_zone_t *zone,
    ngx_http_faas_lease_t *lease)
{
    if (lease->notified) {
        return;
    }

    lease->notified = 1;
    ngx_queue_insert_tail(&lease->worker->wakes, &lease->wake);

    ngx_http_faas_zone_ring(zone, lease->worker->slot);
}


void
ngx_http_faas_worker_wake(ngx_http_faas_zone_t *zone, ngx_pid_t pid)
{
    ngx_queue_t             *q;
    ngx_http_faas_worker_t  *worker;

    for (q = ngx_queue_head(&zone->sh->workers);
         q != ngx_queue_sentinel(&zone->sh->workers);
         q = ngx_queue_next(q))
    {
        worker = ngx_queue_data(q, ngx_http_faas_worker_t, queue);

        if (worker->pid == pid) {
            ngx_http_faas_zone_ring(zone, worker->slot);
            return;
        }
    }
}


ngx_http_faas_lease_t *
ngx_http_faas_worker_next(ngx_http_faas_zone_t *zone)
{
    ngx_queue_t            *q;
    ngx_http_faas_lease_t  *lease;

    if (zone->worker == NULL) {
        return NULL;
    }

    lease = NULL;

    ngx_http_faas_zone_lock(zone);

    if (!ngx_queue_empty(&zone->worker->wakes)) {
        q = ngx_queue_head(&zone->worker->wakes);
        lease = ngx_queue_data(q, ngx_http_faas_lease_t, wake);

        ngx_queue_remove(q);
        lease->notified = 0;
    }

    ngx_http_faas_zone_unlock(zone);

    return lease;
}


ngx_uint_t
ngx_http_faas_worker_ended(ngx_pid_t pid)
{
#ifdef SYS_pidfd_open
    struct pollfd  pfd;

    pfd.fd = (int) syscall(SYS_pidfd_open, pid, 0);

    if (pfd.fd != -1) {
        pfd.events = POLLIN;
        pfd.revents = 0;

        (void) poll(&pfd, 1, 0);
        (void) close(pfd.fd);

        return (pfd.revents & POLLIN) != 0;
    }

    /* no such process, no such call, or no descriptor left */
#endif

    return kill(pid, 0) == -1 && ngx_errno == NGX_ESRCH;
}
