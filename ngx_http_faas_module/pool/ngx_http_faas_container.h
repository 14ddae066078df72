
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * The names of containers: all that is left of the zone after a crash.
 *
 *   faas-OWNER-EPOCH-SLOT-GENERATION                      at its creation
 *   faas-OWNER-EPOCH-SLOT-GENERATION.REVISION.FUNCTION    once that is ready
 *
 * OWNER and EPOCH are 8 hex digits, REVISION is 40 of them, and in FUNCTION
 * the bytes other than letters, digits and "-" are "_XX".  A label could not
 * say it, for a loader gets its function only after it was created.
 */


#ifndef _NGX_HTTP_FAAS_CONTAINER_H_INCLUDED_
#define _NGX_HTTP_FAAS_CONTAINER_H_INCLUDED_


#include "ngx_http_faas_pool.h"


typedef struct {
    uint32_t                         owner;
    uint32_t                         epoch;
    ngx_uint_t                       slot;
    ngx_uint_t                       generation;
    ngx_str_t                        function;  /* empty: it has none */
    u_char                           revision[NGX_HTTP_FAAS_REVISION_LEN];
} ngx_http_faas_container_t;


/* the name at creation, NUL-terminated */
ngx_int_t ngx_http_faas_container_name(ngx_http_faas_pool_t *fp,
    ngx_pool_t *pool, ngx_http_faas_instance_t *inst, ngx_str_t *name);

/* the name once it has a function, NUL-terminated; "base" is the first one */
ngx_int_t ngx_http_faas_container_title(ngx_pool_t *pool, ngx_str_t *base,
    u_char *revision, ngx_str_t *function, ngx_str_t *name);

/* what to call it towards the engine: its id, or its name as yet */
ngx_int_t ngx_http_faas_container_ref(ngx_http_faas_pool_t *fp,
    ngx_pool_t *pool, ngx_http_faas_instance_t *inst, ngx_str_t *ref);

/* the parts of a name; NGX_DECLINED if it is none of ours */
ngx_int_t ngx_http_faas_container_parse(ngx_pool_t *pool, ngx_str_t *name,
    ngx_http_faas_container_t *container);


#endif /* _NGX_HTTP_FAAS_CONTAINER_H_INCLUDED_ */
