
/*
 * Copyright (C) the ngx_http_faas_module authors
 */


#ifndef _NGX_HTTP_FAAS_TURN_H_INCLUDED_
#define _NGX_HTTP_FAAS_TURN_H_INCLUDED_


#include "ngx_http_faas_instance.h"


/*
 * Asks to have it started by the engine, which starts few at a time.  NGX_OK:
 * it may be now, until it is something else than CREATING; NGX_AGAIN: the
 * bell will ring, ask again then; NGX_DECLINED: not wanted any more;
 * NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_faas_turn(ngx_http_faas_zone_t *zone,
    ngx_http_faas_instance_t *inst);

/* it takes longer than one should: the next one may be started, too */
void ngx_http_faas_turn_leave(ngx_http_faas_zone_t *zone,
    ngx_http_faas_instance_t *inst);

/* under the lock: */

/* it is started, or will not be: the next one may be */
void ngx_http_faas_turn_pass(ngx_http_faas_zone_t *zone,
    ngx_http_faas_instance_t *inst);

/* has as many started as may be, of those who wait for it */
void ngx_http_faas_turn_next(ngx_http_faas_zone_t *zone);

/* a spare of that kind is there: the first who waits is to take that */
void ngx_http_faas_turn_relieve(ngx_http_faas_zone_t *zone, uint32_t kind);


#endif /* _NGX_HTTP_FAAS_TURN_H_INCLUDED_ */
