
/*
 * Copyright (C) the ngx_http_faas_module authors
 */


#ifndef _NGX_HTTP_FAAS_ENVELOPE_H_INCLUDED_
#define _NGX_HTTP_FAAS_ENVELOPE_H_INCLUDED_


#include "ngx_http_faas_http.h"


/* a RunResult begins: made for an invocation of that function */
ngx_int_t ngx_http_faas_envelope_create(ngx_http_faas_ctx_t *ctx,
    ngx_str_t *function);

/*
 * Answers with a RunResult without output, "status" being "failed" or
 * "timeout"; returns what is to be passed to ngx_http_finalize_request().
 */
ngx_int_t ngx_http_faas_envelope_refuse(ngx_http_request_t *r,
    ngx_http_faas_ctx_t *ctx, ngx_str_t *status, ngx_str_t *message);

/* the function has given its whole answer, the client may take its time */
void ngx_http_faas_envelope_stop(ngx_http_faas_ctx_t *ctx);

/* the instance failed the request: it goes, and why is found out */
void ngx_http_faas_envelope_condemn(ngx_http_faas_ctx_t *ctx);

/* the request is about to go */
void ngx_http_faas_envelope_cleanup(ngx_http_faas_ctx_t *ctx);

/* for the filter unit: the function's answer on its way out */
ngx_int_t ngx_http_faas_envelope_header(ngx_http_request_t *r,
    ngx_http_faas_ctx_t *ctx);
ngx_int_t ngx_http_faas_envelope_body(ngx_http_request_t *r,
    ngx_http_faas_ctx_t *ctx, ngx_chain_t *in);


#endif /* _NGX_HTTP_FAAS_ENVELOPE_H_INCLUDED_ */
