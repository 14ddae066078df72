
/*
 * Copyright (C) the ngx_http_faas_module authors
 */


#ifndef _NGX_HTTP_FAAS_INSTANCE_H_INCLUDED_
#define _NGX_HTTP_FAAS_INSTANCE_H_INCLUDED_


#include "ngx_http_faas_zone.h"


/* under the lock: */

/*
 * The one place where the state of an instance changes, and that links and
 * unlinks it.  A dead one leaves its function and loses its leases.
 */
void ngx_http_faas_instance_set(ngx_http_faas_zone_t *zone,
    ngx_http_faas_instance_t *inst, ngx_uint_t state);

/*
 * Takes an empty slot for a function, to be started by this process: it is
 * CREATING, with us as owner.  NULL when none is left.
 */
ngx_http_faas_instance_t *ngx_http_faas_instance_take(
    ngx_http_faas_zone_t *zone, ngx_http_faas_function_t *fn);

/* takes no more requests, and dies when the last one has ended */
void ngx_http_faas_instance_drain(ngx_http_faas_zone_t *zone,
    ngx_http_faas_instance_t *inst);

/* when there is no instance left to wait for, tells all waiters to ask again */
void ngx_http_faas_instance_orphans(ngx_http_faas_zone_t *zone,
    ngx_http_faas_function_t *fn);

/* locking: */

/*
 * The source is on its way into the instance: what was read, and so many
 * requests at a time.  NGX_DECLINED when it was given up meanwhile.
 */
ngx_int_t ngx_http_faas_instance_loading(ngx_http_faas_zone_t *zone,
    ngx_http_faas_instance_t *inst, ngx_http_faas_want_t *want,
    ngx_uint_t concurrency);

/* whether the start is still wanted */
ngx_int_t ngx_http_faas_instance_wanted(ngx_http_faas_zone_t *zone,
    ngx_http_faas_instance_t *inst);

/*
 * Claims a dead instance that nobody drives for removal by this process;
 * NULL when there is none.
 */
ngx_http_faas_instance_t *ngx_http_faas_instance_claim(
    ngx_http_faas_zone_t *zone);

/* the removal ended: confirmed by the engine, or to be tried again */
void ngx_http_faas_instance_removed(ngx_http_faas_zone_t *zone,
    ngx_http_faas_instance_t *inst, ngx_uint_t confirmed);

/* whether a container of this epoch, slot and generation is ours */
ngx_uint_t ngx_http_faas_instance_known(ngx_http_faas_zone_t *zone,
    uint32_t epoch, ngx_uint_t slot, ngx_uint_t generation);


#endif /* _NGX_HTTP_FAAS_INSTANCE_H_INCLUDED_ */
