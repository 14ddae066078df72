
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Owns the shared zone: makes it once, and takes it over as it is on a
 * reload.  The pattern is that of ngx_http_limit_conn_module.c; the instance
 * table is made at once, so that running functions never lack a slot to a
 * full slab.
 */


#include "ngx_http_faas_zone.h"
#include "ngx_http_faas_function.h"
#include "ngx_http_faas_repair.h"

#include <sys/random.h>


/* a /22 behind one bridge: the kernel gives a bridge 1024 ports */
#define NGX_HTTP_FAAS_INSTANCES  1020


static ngx_int_t ngx_http_faas_zone_init(ngx_shm_zone_t *shm_zone,
    void *data);
static ngx_int_t ngx_http_faas_zone_make(ngx_http_faas_zone_t *zone,
    size_t size);


char *
ngx_http_faas_zone_add(ngx_conf_t *cf, ngx_http_faas_zone_t *zone,
    size_t size, void *tag)
{
    ngx_shm_zone_t  *shm_zone;

    if (size < 8 * ngx_pagesize) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "zone \"%V\" is too small",
                           &zone->name);
        return NGX_CONF_ERROR;
    }

    shm_zone = ngx_shared_memory_add(cf, &zone->name, size, tag);
    if (shm_zone == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_crc32_init(zone->owner);
    ngx_crc32_update(&zone->owner, cf->cycle->prefix.data,
                     cf->cycle->prefix.len);
    ngx_crc32_update(&zone->owner, zone->name.data, zone->name.len);
    ngx_crc32_final(zone->owner);

    shm_zone->init = ngx_http_faas_zone_init;
    shm_zone->data = zone;

    return NGX_CONF_OK;
}


/* runs in the master, while the workers of an old cycle use the zone */

static ngx_int_t
ngx_http_faas_zone_init(ngx_shm_zone_t *shm_zone, void *data)
{
    ngx_http_faas_zone_t  *ozone = data;

    ngx_http_faas_zone_t  *zone;

    zone = shm_zone->data;

    if (ozone) {
        zone->sh = ozone->sh;
        zone->shpool = ozone->shpool;

    } else {
        zone->shpool = (ngx_slab_pool_t *) shm_zone->shm.addr;
    }

    if (shm_zone->shm.exists) {
        zone->sh = zone->shpool->data;
    }

    if (zone->sh) {
        if (zone->sh->layout == NGX_HTTP_FAAS_LAYOUT) {
            return NGX_OK;
        }

        ngx_log_error(NGX_LOG_EMERG, shm_zone->shm.log, 0,
                      "faas: zone \"%V\" was made by another version of "
                      "the module: restart instead of reload",
                      &shm_zone->shm.name);
        return NGX_ERROR;
    }

    zone->shpool->log_ctx = (u_char *) " in faas zone";
    zone->shpool->log_nomem = 0;

    if (ngx_http_faas_zone_make(zone, shm_zone->shm.size) != NGX_OK) {
        ngx_log_error(NGX_LOG_EMERG, shm_zone->shm.log, 0,
                      "faas: zone \"%V\" is too small",
                      &shm_zone->shm.name);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_faas_zone_make(ngx_http_faas_zone_t *zone, size_t size)
{
    ngx_uint_t                 i, n;
    ngx_http_faas_sh_t        *sh;
    ngx_http_faas_instance_t  *inst;

    /* a quarter of the zone at the most: the rest is for requests */

    n = ngx_min(size / 4 / sizeof(ngx_http_faas_instance_t),
                NGX_HTTP_FAAS_INSTANCES);

    sh = ngx_slab_calloc(zone->shpool, sizeof(ngx_http_faas_sh_t));
    if (sh == NULL) {
        return NGX_ERROR;
    }

    inst = ngx_slab_calloc(zone->shpool,
                           n * sizeof(ngx_http_faas_instance_t));
    if (inst == NULL) {
        return NGX_ERROR;
    }

    ngx_rbtree_init(&sh->functions, &sh->sentinel,
                    ngx_http_faas_function_insert);
    ngx_queue_init(&sh->all);
    ngx_queue_init(&sh->workers);
    ngx_queue_init(&sh->empty);
    ngx_queue_init(&sh->dead);
    ngx_queue_init(&sh->spares);
    ngx_queue_init(&sh->turns);
    ngx_queue_init(&sh->crews);

    for (i = 0; i < n; i++) {
        inst[i].slot = i;
        ngx_queue_init(&inst[i].leases);
        ngx_queue_insert_tail(&sh->empty, &inst[i].queue);
    }

    if (getrandom(&sh->epoch, sizeof(sh->epoch), 0) != sizeof(sh->epoch)) {
        sh->epoch = (uint32_t) (ngx_time() ^ (ngx_pid << 16));
    }

    /* what happens until the engine's events are heard is told then */

    *ngx_snprintf(sh->events, sizeof(sh->events) - 1, "%T", ngx_time()) = '\0';

    sh->ninstances = n;
    sh->instances = inst;
    sh->layout = NGX_HTTP_FAAS_LAYOUT;

    zone->sh = sh;
    zone->shpool->data = sh;

    return NGX_OK;
}


void
ngx_http_faas_zone_lock(ngx_http_faas_zone_t *zone)
{
    ngx_http_faas_sh_t  *sh;

    sh = zone->sh;

    ngx_shmtx_lock(&zone->shpool->mutex);

    if (sh->holder) {

        /* of a lock that the master took from the dead */

        zone->killed = sh->holder;
        ngx_http_faas_repair(zone);
    }

    sh->holder = ngx_pid;
}


void *
ngx_http_faas_zone_alloc(ngx_http_faas_zone_t *zone, size_t size)
{
    void                    *p;
    ngx_queue_t             *q;
    ngx_http_faas_lease_t   *lease;
    ngx_http_faas_worker_t  *worker;

    p = ngx_slab_calloc_locked(zone->shpool, size);

    if (p) {
        return p;
    }

    for (q = ngx_queue_head(&zone->sh->workers);
         q != ngx_queue_sentinel(&zone->sh->workers);
         q = ngx_queue_next(q))
    {
        worker = ngx_queue_data(q, ngx_http_faas_worker_t, queue);

        while (worker->free) {
            lease = worker->free;
            worker->free = lease->next;
            ngx_memory_barrier();

            ngx_slab_free_locked(zone->shpool, lease);
        }
    }

    return ngx_slab_calloc_locked(zone->shpool, size);
}


void
ngx_http_faas_zone_ring(ngx_http_faas_zone_t *zone, ngx_uint_t slot)
{
    if (slot < NGX_MAX_PROCESSES) {
        zone->rings[slot / 64] |= (uint64_t) 1 << (slot % 64);
        zone->ringing = 1;
    }
}


void
ngx_http_faas_zone_unlock(ngx_http_faas_zone_t *zone)
{
    int         *fd;
    uint64_t     one;
    ngx_uint_t   slot;

    zone->sh->holder = 0;

    ngx_shmtx_unlock(&zone->shpool->mutex);

    if (zone->killed) {
        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "faas: worker process %P was killed while it changed "
                      "the zone, which was put right", zone->killed);

        zone->killed = 0;
    }

    if (!zone->ringing) {
        return;
    }

    one = 1;
    fd = zone->efds->elts;

    for (slot = 0; slot < zone->efds->nelts; slot++) {

        if (!(zone->rings[slot / 64] & ((uint64_t) 1 << (slot % 64)))) {
            continue;
        }

        if (write(fd[slot], &one, sizeof(one)) == -1) {
            ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, ngx_errno,
                          "faas: write() to eventfd failed");
        }
    }

    ngx_memzero(zone->rings, sizeof(zone->rings));
    zone->ringing = 0;
}
