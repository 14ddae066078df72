
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * UTF-8 of strangers, checked in pieces: the table of RFC 3629, section 4.
 */


#include "ngx_http_faas_utf8.h"


#define NGX_HTTP_FAAS_UTF8_HIGH  0x8080808080808080     /* of 8 bytes */


ngx_int_t
ngx_http_faas_utf8_byte(ngx_http_faas_utf8_t *utf8, u_char ch)
{
    if (utf8->need) {

        if (ch < utf8->min || ch > utf8->max) {
            return NGX_ERROR;
        }

        utf8->need--;
        utf8->min = 0x80;
        utf8->max = 0xbf;

        return NGX_OK;
    }

    if (ch < 0x80) {
        return NGX_OK;
    }

    if (ch < 0xc2 || ch > 0xf4) {
        return NGX_ERROR;
    }

    utf8->need = (ch < 0xe0) ? 1 : (ch < 0xf0) ? 2 : 3;
    utf8->min = (ch == 0xe0) ? 0xa0 : (ch == 0xf0) ? 0x90 : 0x80;
    utf8->max = (ch == 0xed) ? 0x9f : (ch == 0xf4) ? 0x8f : 0xbf;

    return NGX_OK;
}


ngx_int_t
ngx_http_faas_utf8_check(ngx_http_faas_utf8_t *utf8, u_char *p, u_char *last)
{
    uint64_t  word;

    while (p < last) {

        if (utf8->need == 0 && *p < 0x80) {
            p++;

            /* of ASCII there is usually more */

            while (last - p >= (ssize_t) sizeof(uint64_t)) {
                ngx_memcpy(&word, p, sizeof(uint64_t));

                if (word & NGX_HTTP_FAAS_UTF8_HIGH) {
                    break;
                }

                p += sizeof(uint64_t);
            }

            continue;
        }

        if (ngx_http_faas_utf8_byte(utf8, *p++) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_faas_utf8_end(ngx_http_faas_utf8_t *utf8)
{
    return utf8->need ? NGX_ERROR : NGX_OK;
}


ngx_int_t
ngx_http_faas_utf8_sanitize(ngx_pool_t *pool, ngx_str_t *s)
{
    u_char                *p, *q, *dst, *last;
    ngx_http_faas_utf8_t   utf8;

    ngx_memzero(&utf8, sizeof(ngx_http_faas_utf8_t));

    last = s->data + s->len;

    if (ngx_http_faas_utf8_check(&utf8, s->data, last) == NGX_OK
        && ngx_http_faas_utf8_end(&utf8) == NGX_OK)
    {
        return NGX_OK;
    }

    dst = ngx_pnalloc(pool, 3 * s->len);
    if (dst == NULL) {
        return NGX_ERROR;
    }

    p = s->data;
    s->data = dst;

    while (p < last) {
        ngx_memzero(&utf8, sizeof(ngx_http_faas_utf8_t));

        /* one sequence, or the bytes that began like one */

        for (q = p; q < last; q++) {

            if (ngx_http_faas_utf8_byte(&utf8, *q) != NGX_OK) {
                break;
            }

            if (utf8.need == 0) {
                dst = ngx_cpymem(dst, p, q + 1 - p);
                p = q + 1;
                break;
            }
        }

        if (p > q || p == last) {
            continue;
        }

        dst = ngx_cpymem(dst, "\xef\xbf\xbd", 3);
        p = ngx_max(q, p + 1);
    }

    s->len = dst - s->data;

    return NGX_OK;
}


void
ngx_http_faas_utf8_line(u_char *p, u_char *last)
{
    u_char                *q;
    ngx_int_t              rc;
    ngx_http_faas_utf8_t   utf8;

    while (p < last) {

        if (*p < 0x80) {

            if (*p < 0x20 || *p == 0x7f) {
                *p = ' ';
            }

            p++;
            continue;
        }

        ngx_memzero(&utf8, sizeof(ngx_http_faas_utf8_t));
        q = p;

        do {
            rc = ngx_http_faas_utf8_byte(&utf8, *q++);
        } while (rc == NGX_OK && utf8.need && q < last);

        if (rc == NGX_OK && utf8.need == 0 && !(*p == 0xc2 && p[1] < 0xa0)) {
            p = q;
            continue;
        }

        *p++ = ' ';
    }
}
