
/*
 * Copyright (C) the ngx_http_faas_module authors
 */


#ifndef _NGX_HTTP_FAAS_JSON_H_INCLUDED_
#define _NGX_HTTP_FAAS_JSON_H_INCLUDED_


#include "ngx_http_faas.h"
#include "ngx_http_faas_json_scan.h"


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
