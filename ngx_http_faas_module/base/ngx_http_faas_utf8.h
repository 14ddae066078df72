
/*
 * Copyright (C) the ngx_http_faas_module authors
 */


#ifndef _NGX_HTTP_FAAS_UTF8_H_INCLUDED_
#define _NGX_HTTP_FAAS_UTF8_H_INCLUDED_


#include "ngx_http_faas.h"


/* zeroed: at the beginning of a text */

typedef struct {
    u_char                           need;      /* bytes of the sequence */
    u_char                           min;       /* bounds of the next one */
    u_char                           max;
} ngx_http_faas_utf8_t;


/*
 * Strict UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing beyond
 * U+10FFFF.  The text may come in pieces.
 */
ngx_int_t ngx_http_faas_utf8_check(ngx_http_faas_utf8_t *utf8, u_char *p,
    u_char *last);

/* NGX_OK when the text does not end within a sequence */
ngx_int_t ngx_http_faas_utf8_end(ngx_http_faas_utf8_t *utf8);

/* one byte more: NGX_OK or NGX_ERROR */
ngx_int_t ngx_http_faas_utf8_byte(ngx_http_faas_utf8_t *utf8, u_char ch);

/* replaces what is not UTF-8 by U+FFFD, in a copy if need be */
ngx_int_t ngx_http_faas_utf8_sanitize(ngx_pool_t *pool, ngx_str_t *s);

/*
 * In place, for a line of the log: a space for each byte that a terminal might
 * obey, which are the controls of ISO 6429, C0, DEL and C1, these as UTF-8 or
 * as what is no UTF-8.
 */
void ngx_http_faas_utf8_line(u_char *p, u_char *last);


#endif /* _NGX_HTTP_FAAS_UTF8_H_INCLUDED_ */
