
/*
 * Copyright (C) the ngx_http_faas_module authors
 */


#ifndef _NGX_HTTP_FAAS_LISTING_H_INCLUDED_
#define _NGX_HTTP_FAAS_LISTING_H_INCLUDED_


#include "ngx_http_faas_http.h"


typedef struct {
    ngx_str_t                        name;
    ngx_str_t                        path;
    ngx_http_faas_runtime_t         *runtime;
    ngx_http_faas_identity_t         identity;
} ngx_http_faas_listing_item_t;


/*
 * The JSON of a Function: id, name, language, source_code, created_at, and
 * the members of "more", each with a comma before it.  A source that is not
 * UTF-8 goes as base64, with "source_encoding".
 */
ngx_int_t ngx_http_faas_listing_function(ngx_pool_t *pool,
    ngx_http_faas_listing_item_t *item, ngx_str_t *source, ngx_str_t *more,
    ngx_str_t *body);

/* the JSON array of all functions in the directory, by name, no sources */
ngx_int_t ngx_http_faas_listing_directory(ngx_http_faas_pool_t *fp,
    ngx_pool_t *pool, ngx_log_t *log, ngx_str_t *body);


#endif /* _NGX_HTTP_FAAS_LISTING_H_INCLUDED_ */
