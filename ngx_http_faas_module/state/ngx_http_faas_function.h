
/*
 * Copyright (C) the ngx_http_faas_module authors
 */


#ifndef _NGX_HTTP_FAAS_FUNCTION_H_INCLUDED_
#define _NGX_HTTP_FAAS_FUNCTION_H_INCLUDED_


#include "ngx_http_faas_zone.h"


/* orders the tree of functions: by hash, then by name */
void ngx_http_faas_function_insert(ngx_rbtree_node_t *temp,
    ngx_rbtree_node_t *node, ngx_rbtree_node_t *sentinel);

/* all of these are called under the lock */

/* the function of that name, or NULL */
ngx_http_faas_function_t *ngx_http_faas_function_find(
    ngx_http_faas_zone_t *zone, ngx_str_t *name);

/* the same, made when there is none; NULL when the zone is full */
ngx_http_faas_function_t *ngx_http_faas_function_get(
    ngx_http_faas_zone_t *zone, ngx_str_t *name);

/* whether an instance serves that version or a later one, or will soon */
ngx_uint_t ngx_http_faas_function_served(ngx_http_faas_function_t *fn,
    ngx_uint_t version);

/*
 * How many instances serve that version or a later one, or will soon; and how
 * many requests those that are still "coming" will have room for.
 */
ngx_uint_t ngx_http_faas_function_live(ngx_http_faas_function_t *fn,
    ngx_uint_t version, ngx_uint_t *coming);

/* how many serve, or are on the way to it and need not wait for a turn */
ngx_uint_t ngx_http_faas_function_started(ngx_http_faas_function_t *fn);

/* the ready instance of the latest version, or NULL */
ngx_http_faas_instance_t *ngx_http_faas_function_newest(
    ngx_http_faas_function_t *fn);

/* whether the function's revision is known to be that of the wanted file */
ngx_uint_t ngx_http_faas_function_current(ngx_http_faas_function_t *fn,
    ngx_http_faas_want_t *want);

/*
 * Takes over identity and revision of the wanted file, which was read just
 * now.  Another revision or runtime is another version; instances of the
 * earlier ones serve on until one of this is ready.
 */
void ngx_http_faas_function_update(ngx_http_faas_function_t *fn,
    ngx_http_faas_want_t *want);

/* drains the ready instances of versions before this; fn must be pinned */
void ngx_http_faas_function_outdate(ngx_http_faas_zone_t *zone,
    ngx_http_faas_function_t *fn, ngx_uint_t version);

/* frees the function if nothing is left that belongs to it */
void ngx_http_faas_function_release(ngx_http_faas_zone_t *zone,
    ngx_http_faas_function_t *fn);


/* how a function stands, by its name; the zone must not be locked */

typedef struct {
    char                            *state;     /* of all of it */
    ngx_uint_t                       instances; /* that run */
    ngx_uint_t                       active;    /* calls */
    ngx_uint_t                       waiting;   /* calls */
} ngx_http_faas_function_stat_t;

void ngx_http_faas_function_stat(ngx_http_faas_zone_t *zone, ngx_str_t *name,
    ngx_http_faas_function_stat_t *stat);


#endif /* _NGX_HTTP_FAAS_FUNCTION_H_INCLUDED_ */
