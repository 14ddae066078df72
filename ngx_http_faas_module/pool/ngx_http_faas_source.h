
/*
 * Copyright (C) the ngx_http_faas_module authors
 */


#ifndef _NGX_HTTP_FAAS_SOURCE_H_INCLUDED_
#define _NGX_HTTP_FAAS_SOURCE_H_INCLUDED_


#include "ngx_http_faas_settings.h"


#define NGX_HTTP_FAAS_SOURCE_SIDECAR  65536     /* bytes, at most */


/* a function as it is on the disk */

typedef struct {
    ngx_str_t                        bytes;
    ngx_http_faas_identity_t         identity;
    ngx_http_faas_identity_t         sidecar;   /* zeroes: it has none */
    ngx_http_faas_settings_t         settings;
    u_char                           revision[NGX_HTTP_FAAS_REVISION_LEN];
    unsigned                         racy:1;
} ngx_http_faas_source_t;


/*
 * Reads the source and what its sidecar says, into the pool: both make the
 * revision.  NGX_DECLINED when there is no source, NGX_ERROR, logged, when
 * one cannot be read.  Settings that are not valid are those of the runtime,
 * with an error in them.
 */
ngx_int_t ngx_http_faas_source_read(ngx_http_faas_pool_t *fp,
    ngx_pool_t *pool, ngx_log_t *log, ngx_str_t *path,
    ngx_http_faas_runtime_t *runtime, ngx_http_faas_source_t *source);

/* tells the zone what was read: all but the function's name */
void ngx_http_faas_source_want(ngx_http_faas_source_t *source,
    ngx_http_faas_pool_t *fp, ngx_http_faas_want_t *want);

/* which sidecar there is now: zeroes when there is none */
ngx_int_t ngx_http_faas_source_look(ngx_pool_t *pool, ngx_log_t *log,
    ngx_str_t *path, ngx_http_faas_runtime_t *runtime,
    ngx_http_faas_identity_t *identity);

/* the path of a source's sidecar, NUL-terminated: NAME.json beside it */
ngx_int_t ngx_http_faas_source_sidecar(ngx_pool_t *pool, ngx_str_t *path,
    ngx_http_faas_runtime_t *runtime, ngx_str_t *sidecar);


#endif /* _NGX_HTTP_FAAS_SOURCE_H_INCLUDED_ */
