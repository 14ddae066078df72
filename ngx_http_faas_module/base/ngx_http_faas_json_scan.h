
/*
 * Copyright (C) the ngx_http_faas_module authors
 */


#ifndef _NGX_HTTP_FAAS_JSON_SCAN_H_INCLUDED_
#define _NGX_HTTP_FAAS_JSON_SCAN_H_INCLUDED_


#include "ngx_http_faas_utf8.h"


/* a text being checked; private but for the offset */

typedef struct {
    size_t                           offset;    /* of the offending byte */
    ngx_uint_t                       state;
    ngx_uint_t                       depth;
    char                            *literal;   /* what is left of it */
    ngx_http_faas_utf8_t             utf8;
    u_char                           stack[NGX_HTTP_FAAS_JSON_DEPTH / 8];
    unsigned                         key:1;
    unsigned                         failed:1;
} ngx_http_faas_json_scan_t;


/*
 * Strict JSON (RFC 8259) in UTF-8, in pieces of any size, nested no deeper
 * than NGX_HTTP_FAAS_JSON_DEPTH.  Nothing is converted.
 */

void ngx_http_faas_json_scan_init(ngx_http_faas_json_scan_t *scan);

/* NGX_OK: valid so far; NGX_ERROR, now and ever after */
ngx_int_t ngx_http_faas_json_scan(ngx_http_faas_json_scan_t *scan,
    u_char *p, u_char *last);

/* NGX_OK: what has been seen is one whole value */
ngx_int_t ngx_http_faas_json_scan_end(ngx_http_faas_json_scan_t *scan);


#endif /* _NGX_HTTP_FAAS_JSON_SCAN_H_INCLUDED_ */
