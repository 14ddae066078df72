
/*
 * Copyright (C) the ngx_http_faas_module authors
 */


#ifndef _NGX_HTTP_FAAS_JSON_H_INCLUDED_
#define _NGX_HTTP_FAAS_JSON_H_INCLUDED_


#include "ngx_http_faas.h"
#include "ngx_http_faas_utf8.h"


typedef enum {
    NGX_HTTP_FAAS_JSON_OBJECT = 0,
    NGX_HTTP_FAAS_JSON_ARRAY,
    NGX_HTTP_FAAS_JSON_STRING,
    NGX_HTTP_FAAS_JSON_NUMBER,
    NGX_HTTP_FAAS_JSON_BOOLEAN,
    NGX_HTTP_FAAS_JSON_NULL
} ngx_http_faas_json_type_e;


typedef struct {
    ngx_str_t                        key;       /* decoded */
    ngx_str_t                        value;     /* as it was written */
    ngx_uint_t                       type;
} ngx_http_faas_json_member_t;


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


/*
 * The members of an object, ngx_http_faas_json_member_t, whose values are
 * slices of the text; of a repeated key all of them.  NGX_DECLINED: valid,
 * but not an object of at most 256 members; NGX_ERROR: not valid at *offset;
 * NGX_ABORT: no memory.
 */
ngx_int_t ngx_http_faas_json_object(ngx_pool_t *pool, ngx_str_t *text,
    ngx_array_t **members, size_t *offset);

/*
 * Decodes a valid string with its quotes into bytes.  NGX_DECLINED: half of
 * a surrogate pair; NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_faas_json_string(ngx_pool_t *pool, ngx_str_t *raw,
    ngx_str_t *out);

/* a plain integer from 0 to max: no sign, fraction or exponent */
ngx_int_t ngx_http_faas_json_uint(ngx_str_t *raw, ngx_uint_t max,
    ngx_uint_t *value);

/* writes a string, which must be UTF-8, with its quotes */
u_char *ngx_http_faas_json_quote(u_char *p, ngx_str_t *s);
size_t ngx_http_faas_json_quote_len(ngx_str_t *s);


#endif /* _NGX_HTTP_FAAS_JSON_H_INCLUDED_ */
