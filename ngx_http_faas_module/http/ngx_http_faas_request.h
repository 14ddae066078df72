
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

/*
 * The context of a request that has not been through PRECONTENT, as one that
 * nginx has cloned to fill its cache; NULL when there is no "faas" here.
 */
ngx_http_faas_ctx_t *ngx_http_faas_request_clone(ngx_http_request_t *r);

/* when the call has to end, once its function is known: ctx->expires */
void ngx_http_faas_request_time(ngx_http_request_t *r,
    ngx_http_faas_ctx_t *ctx);

/* milliseconds until then, at least 1 */
ngx_msec_t ngx_http_faas_request_remaining(ngx_http_faas_ctx_t *ctx);

/* the HTTP status of a refused admission; sets ctx->code and message */
ngx_uint_t ngx_http_faas_request_reason(ngx_http_faas_ctx_t *ctx);

/* the call must end within so many milliseconds from now */
void ngx_http_faas_request_deadline(ngx_http_faas_ctx_t *ctx,
    ngx_msec_t timeout);

/* the function has done its part */
void ngx_http_faas_request_undeadline(ngx_http_faas_ctx_t *ctx);

/* goes on with a request from outside its own events, which may end it */
void ngx_http_faas_request_resume(ngx_http_request_t *r);


#endif /* _NGX_HTTP_FAAS_REQUEST_H_INCLUDED_ */
