
/*
 * Copyright (C) the ngx_http_faas_module authors
 */


#ifndef _NGX_HTTP_FAAS_KIND_H_INCLUDED_
#define _NGX_HTTP_FAAS_KIND_H_INCLUDED_


#include "ngx_http_faas_json.h"


/* what a function's answer is: JSON, text, or, with neither bit, bytes */

typedef struct {
    ngx_http_faas_json_scan_t        scan;
    ngx_http_faas_utf8_t             utf8;
    unsigned                         json:1;
    unsigned                         text:1;
} ngx_http_faas_kind_t;


/* decides by the whole of it, or by how it begins */
void ngx_http_faas_kind_decide(ngx_http_faas_kind_t *kind, u_char *p,
    u_char *last, ngx_uint_t whole);

/* sees every byte, from the first on: NGX_OK as long as it is of its kind */
ngx_int_t ngx_http_faas_kind_check(ngx_http_faas_kind_t *kind, u_char *p,
    u_char *last, ngx_log_t *log);

/* NGX_OK if it may end here */
ngx_int_t ngx_http_faas_kind_end(ngx_http_faas_kind_t *kind, ngx_log_t *log);


#endif /* _NGX_HTTP_FAAS_KIND_H_INCLUDED_ */
