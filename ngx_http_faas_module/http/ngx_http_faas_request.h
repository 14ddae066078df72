
/*
 * Copyright (C) the ngx_http_faas_module authors
 */


#ifndef _NGX_HTTP_FAAS_REQUEST_H_INCLUDED_
#define _NGX_HTTP_FAAS_REQUEST_H_INCLUDED_


#include "ngx_http_faas_http.h"


/* PRECONTENT: a location with "faas" gets a slot before its content */
ngx_int_t ngx_http_faas_request_handler(ngx_http_request_t *r);

/* the context of a request, also after an internal redirect, or NULL */
ngx_http_faas_ctx_t *ngx_http_faas_request_find(ngx_http_request_t *r);

/* the same, made when there is none; NULL: no memory */
ngx_http_faas_ctx_t *ngx_http_faas_request_ctx(ngx_http_request_t *r);

/* the call must end within so many milliseconds from now */
void ngx_http_faas_request_deadline(ngx_http_faas_ctx_t *ctx,
    ngx_msec_t timeout);

/* the function has done its part */
void ngx_http_faas_request_undeadline(ngx_http_faas_ctx_t *ctx);

/* goes on with a request from outside its own events, which may end it */
void ngx_http_faas_request_resume(ngx_http_request_t *r);


#endif /* _NGX_HTTP_FAAS_REQUEST_H_INCLUDED_ */
