
/*
 * Copyright (C) the ngx_http_faas_module authors
 */


#ifndef _NGX_HTTP_FAAS_STORE_H_INCLUDED_
#define _NGX_HTTP_FAAS_STORE_H_INCLUDED_


#include "ngx_http_faas_http.h"


/*
 * The functions as resources.  Names have been checked, bodies been read;
 * each answers, and returns what is for ngx_http_finalize_request(), or
 * NGX_BUSY: somebody else writes now, and nothing was done yet.
 */

ngx_int_t ngx_http_faas_store_list(ngx_http_request_t *r);
ngx_int_t ngx_http_faas_store_get(ngx_http_request_t *r, ngx_str_t *name);
ngx_int_t ngx_http_faas_store_create(ngx_http_request_t *r);
ngx_int_t ngx_http_faas_store_replace(ngx_http_request_t *r,
    ngx_str_t *name);
ngx_int_t ngx_http_faas_store_delete(ngx_http_request_t *r,
    ngx_str_t *name);


#endif /* _NGX_HTTP_FAAS_STORE_H_INCLUDED_ */
