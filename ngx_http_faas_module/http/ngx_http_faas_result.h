
/*
 * Copyright (C) the ngx_http_faas_module authors
 */


#ifndef _NGX_HTTP_FAAS_RESULT_H_INCLUDED_
#define _NGX_HTTP_FAAS_RESULT_H_INCLUDED_


#include "ngx_http_faas_http.h"


/* what a RunResult tells besides its output; all of it in the pool */

typedef struct {
    ngx_pool_t                      *pool;
    ngx_str_t                        id;
    ngx_str_t                        function;
    ngx_msec_t                       start;
    ngx_msec_t                       end;       /* 0: it is not over */
    ngx_uint_t                       code;      /* of the function */
    ngx_str_t                        headers;   /* JSON, of the function */
    ngx_str_t                        message;
    unsigned                         base64:1;
} ngx_http_faas_result_t;


/* gives it an id, of the worker's random bytes, and the present as its start */
ngx_int_t ngx_http_faas_result_init(ngx_http_faas_result_t *result,
    ngx_http_request_t *r, ngx_str_t *function);

/* takes the status and the headers of an answer */
ngx_int_t ngx_http_faas_result_answer(ngx_http_faas_result_t *result,
    ngx_http_upstream_t *u);

/* the same of a command: what nginx would send */
ngx_int_t ngx_http_faas_result_command(ngx_http_faas_result_t *result,
    ngx_http_request_t *r);

/* the JSON up to the output, and after it; "quoted" has its quotes, too */
ngx_int_t ngx_http_faas_result_head(ngx_http_faas_result_t *result,
    ngx_uint_t quoted, ngx_str_t *head);
ngx_int_t ngx_http_faas_result_foot(ngx_http_faas_result_t *result,
    ngx_uint_t quoted, ngx_str_t *foot);

/* the whole JSON of one that has no output */
ngx_int_t ngx_http_faas_result_failure(ngx_http_faas_result_t *result,
    ngx_str_t *status, ngx_str_t *message, ngx_str_t *body);


#endif /* _NGX_HTTP_FAAS_RESULT_H_INCLUDED_ */
