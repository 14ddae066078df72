
/*
 * Copyright (C) the ngx_http_faas_module authors
 */


#include "ngx_http_faas_replace.h"


ngx_int_t
ngx_http_faas_replace(ngx_pool_t *pool, ngx_str_t *text, ngx_str_t *what,
    ngx_str_t *with)
{
    u_char      *p, *d, *last;
    ngx_uint_t   n;

    last = text->data + text->len;
    n = 0;

    for (p = text->data; p + what->len <= last; p++) {
        n += (ngx_memcmp(p, what->data, what->len) == 0);
    }

    if (n == 0) {
        return NGX_OK;
    }

    d = ngx_pnalloc(pool, text->len + n * with->len);
    if (d == NULL) {
        return NGX_ERROR;
    }

    p = text->data;
    text->data = d;

    while (p < last) {

        if (p + what->len <= last
            && ngx_memcmp(p, what->data, what->len) == 0)
        {
            d = ngx_cpymem(d, with->data, with->len);
            p += what->len;

        } else {
            *d++ = *p++;
        }
    }

    text->len = d - text->data;

    return NGX_OK;
}
