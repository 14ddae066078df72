
/*
 * Copyright (C) the ngx_http_faas_module authors
 */


#ifndef _NGX_HTTP_FAAS_SETTINGS_H_INCLUDED_
#define _NGX_HTTP_FAAS_SETTINGS_H_INCLUDED_


#include "ngx_http_faas_pool.h"


/* of a call, in ms, if nothing else limits it */
#define NGX_HTTP_FAAS_SETTINGS_TIMEOUT  3600000


/* a runtime as one function wants it */

typedef struct {
    ngx_http_faas_runtime_t          runtime;
    ngx_array_t                     *env;       /* ngx_keyval_t, NUL-
                                                   terminated; or NULL */
    ngx_str_t                        error;     /* why they are none */
} ngx_http_faas_settings_t;


/* whether a function may have a setting of that name */
ngx_uint_t ngx_http_faas_settings_known(ngx_str_t *name);

/*
 * Takes the settings of a function from JSON: an object with
 *
 *   env                            an object of strings
 *   timeout_ms                     an integer
 *   memory cpus pids concurrency   as in faas_runtime, a number or a string
 *   min_instances max_instances
 *   idle queue queue_timeout
 *
 * What is missing is the runtime's; nothing may be more than that, unless
 * faas_limits allows it.  NGX_OK; NGX_DECLINED, and settings->error says
 * what is wrong, in words of ours: the rest is the runtime's then; or
 * NGX_ERROR.  All is made in the pool.
 */
ngx_int_t ngx_http_faas_settings(ngx_http_faas_pool_t *fp, ngx_pool_t *pool,
    ngx_str_t *json, ngx_http_faas_runtime_t *runtime,
    ngx_http_faas_settings_t *settings);

/* writes them as the members of an object, each with a comma before it */
ngx_int_t ngx_http_faas_settings_write(ngx_pool_t *pool,
    ngx_http_faas_settings_t *settings, ngx_str_t *json);


#endif /* _NGX_HTTP_FAAS_SETTINGS_H_INCLUDED_ */
