
/*
 * Copyright (C) the ngx_http_faas_module authors
 */


#ifndef _NGX_HTTP_FAAS_UNIT_RUNTIME_H_INCLUDED_
#define _NGX_HTTP_FAAS_UNIT_RUNTIME_H_INCLUDED_


#include "ngx_http_faas_runtime.h"
#include "ngx_http_faas_unit_text.h"


ngx_array_t *ngx_http_faas_unit_runtime_array(ngx_pool_t *pool);

/* "faas_runtime LINE;" */
char *ngx_http_faas_unit_runtime_add(ngx_pool_t *pool, ngx_array_t *runtimes,
    char *line);

/* it has to be right */
ngx_http_faas_runtime_t *ngx_http_faas_unit_runtime_good(ngx_pool_t *pool,
    char *line);

ngx_uint_t ngx_http_faas_unit_runtime_refused(ngx_pool_t *pool, char *line);


#endif /* _NGX_HTTP_FAAS_UNIT_RUNTIME_H_INCLUDED_ */
