
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
 * Takes an empty slot for a function, or with NULL for a spare loader, to be
 * started by this process: it is CREATING, with us as owner.  NULL when none
 * is left.
 */
ngx_http_faas_instance_t *ngx_http_faas_instance_take(
    ngx_http_faas_zone_t *zone, ngx_http_faas_function_t *fn, uint32_t kind);

/* the same with a spare of that runtime, which stands ready; or NULL */
ngx_http_faas_instance_t *ngx_http_faas_instance_spare(
    ngx_http_faas_zone_t *zone, ngx_http_faas_function_t *fn, uint32_t kind);

/* whether enough slots are empty for a function to have one more */
ngx_uint_t ngx_http_faas_instance_affordable(ngx_http_faas_zone_t *zone);

/* its process is gone: it serves no more, and dies with its last lease */
void ngx_http_faas_instance_end(ngx_http_faas_zone_t *zone,
    ngx_http_faas_instance_t *inst);

/* takes no more requests, and dies when the last one has ended */
void ngx_http_faas_instance_drain(ngx_http_faas_zone_t *zone,
    ngx_http_faas_instance_t *inst);

/* when there is no instance left to wait for, tells all waiters to ask again */
void ngx_http_faas_instance_orphans(ngx_http_faas_zone_t *zone,
    ngx_http_faas_function_t *fn);

/* locking: */

/* keeps the id of its container, NGX_HTTP_FAAS_ID_LEN hex digits */
void ngx_http_faas_instance_identify(ngx_http_faas_zone_t *zone,
    ngx_http_faas_instance_t *inst, ngx_str_t *id);

/*
 * Its loader listens, and has no function: it is a SPARE that takes a frame
 * with this token.  NGX_DECLINED when it was given up meanwhile.
 */
ngx_int_t ngx_http_faas_instance_booted(ngx_http_faas_zone_t *zone,
    ngx_http_faas_instance_t *inst, ngx_str_t *token);

/* to be called before the source is read; NGX_DECLINED: given up */
ngx_int_t ngx_http_faas_instance_refresh(ngx_http_faas_zone_t *zone,
    ngx_http_faas_instance_t *inst);

/*
 * The source that was read is on its way into the instance.  NGX_DECLINED when
 * it was given up meanwhile; NGX_AGAIN when it has to be refreshed, and the
 * source read, again.
 */
ngx_int_t ngx_http_faas_instance_loading(ngx_http_faas_zone_t *zone,
    ngx_http_faas_instance_t *inst, ngx_http_faas_want_t *want);

/* whether it is READY, and has the container of that id */
ngx_uint_t ngx_http_faas_instance_serves(ngx_http_faas_zone_t *zone,
    ngx_http_faas_instance_t *inst, u_char *id);

/* NGX_DECLINED: the start is not wanted any more; NGX_ABORT: it ended */
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

/*
 * The container with this id has ended, or else is not to be trusted any more.
 * Whether it was one of ours that served.
 */
ngx_uint_t ngx_http_faas_instance_lost(ngx_http_faas_zone_t *zone,
    ngx_uint_t slot, u_char *id, ngx_uint_t ended);

/*
 * The container with this id stands still: a function that is being loaded into
 * it would be blamed for that, so who loads it is to start another.
 */
void ngx_http_faas_instance_paused(ngx_http_faas_zone_t *zone,
    ngx_uint_t slot, u_char *id);

/* ends what nobody has used for too long; how many */
ngx_uint_t ngx_http_faas_instance_retire(ngx_http_faas_zone_t *zone);


#endif /* _NGX_HTTP_FAAS_INSTANCE_H_INCLUDED_ */
