
/*
 * Copyright (C) the ngx_http_faas_module authors
 */


#ifndef _NGX_HTTP_FAAS_REPLY_H_INCLUDED_
#define _NGX_HTTP_FAAS_REPLY_H_INCLUDED_


#include "ngx_http_faas.h"


/*
 * Sends a JSON body, which must live in r->pool, with the status.  Returns
 * what is to be passed to ngx_http_finalize_request().
 */
ngx_int_t ngx_http_faas_reply_json(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *body);

/*
 * Sends {"error":{"code","message"}}.  Both are plain ASCII without quotes
 * or backslashes.  A 503 gets "Retry-After".
 */
ngx_int_t ngx_http_faas_reply_error(ngx_http_request_t *r,
    ngx_uint_t status, ngx_str_t *code, ngx_str_t *message);

/* the body of such an error, made in the pool */
ngx_int_t ngx_http_faas_reply_error_body(ngx_pool_t *pool, ngx_str_t *code,
    ngx_str_t *message, ngx_str_t *body);

/* makes the headers those of a JSON body of that length */
ngx_int_t ngx_http_faas_reply_headers(ngx_http_request_t *r,
    ngx_uint_t status, off_t length);

/* adds a header to the answer; both strings are kept */
ngx_int_t ngx_http_faas_reply_header(ngx_http_request_t *r, ngx_str_t *key,
    ngx_str_t *value);

/* the code and message of an answer that nginx makes itself */
void ngx_http_faas_reply_status(ngx_uint_t status, ngx_str_t *code,
    ngx_str_t *message);


#define ngx_http_faas_reply_literal(r, status, c, m)                         \
    ngx_http_faas_reply_error(r, status, &(ngx_str_t) ngx_string(c),         \
                              &(ngx_str_t) ngx_string(m))


#endif /* _NGX_HTTP_FAAS_REPLY_H_INCLUDED_ */
