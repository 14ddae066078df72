
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Matches the zone with what the engine says there is.
 */


#ifndef _NGX_HTTP_FAAS_CENSUS_H_INCLUDED_
#define _NGX_HTTP_FAAS_CENSUS_H_INCLUDED_


#include "ngx_http_faas_instance.h"


/* what a container of an earlier zone was, by its name and labels */

typedef struct {
    ngx_str_t                        function;
    u_char                          *revision;
    u_char                          *id;
    uint32_t                         kind;
    ngx_uint_t                       slot;
    ngx_uint_t                       generation;
    ngx_uint_t                       concurrency;
    ngx_msec_t                       idle;
} ngx_http_faas_orphan_t;


/* all of these lock */

/* whether a container is that of an instance in the zone */
ngx_uint_t ngx_http_faas_census_known(ngx_http_faas_zone_t *zone,
    u_char *id, uint32_t epoch, ngx_uint_t slot, ngx_uint_t generation);

/*
 * Takes a running container over as a ready instance.  NGX_DECLINED: its
 * address is in use, or its function has enough; NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_faas_census_adopt(ngx_http_faas_zone_t *zone,
    ngx_http_faas_orphan_t *orphan);

/* keeps an empty slot empty: somebody else lives at its address */
void ngx_http_faas_census_reserve(ngx_http_faas_zone_t *zone,
    ngx_uint_t slot);

/*
 * Ends the instances that should have a container, have had it for all the
 * time since "before", and are not in "seen", one byte a slot; frees the
 * reserved slots that are not.  How many were ended.
 */
ngx_uint_t ngx_http_faas_census_missing(ngx_http_faas_zone_t *zone,
    u_char *seen, ngx_msec_t before);

/* it was tried to adopt what there is: who has waited for that goes on */
void ngx_http_faas_census_settle(ngx_http_faas_zone_t *zone);

/* spares that stand ready, and in "total" those on the way to it, too */
ngx_uint_t ngx_http_faas_census_spares(ngx_http_faas_zone_t *zone,
    uint32_t kind, ngx_uint_t *total);

/* ends the spares that are more than so many of their kind, or of no kind */
ngx_uint_t ngx_http_faas_census_trim(ngx_http_faas_zone_t *zone,
    uint32_t *kinds, ngx_uint_t n, ngx_uint_t *keep);


#endif /* _NGX_HTTP_FAAS_CENSUS_H_INCLUDED_ */
