
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * JSON of strangers as bytes: it is checked and cut, never parsed into
 * numbers and printed again, which would change it.
 */


#include "ngx_http_faas_json.h"


#define NGX_HTTP_FAAS_JSON_MEMBERS  256


static u_char *ngx_http_faas_json_space(u_char *p);
static u_char *ngx_http_faas_json_skip(u_char *p, u_char *last);
static u_char *ngx_http_faas_json_skip_string(u_char *p);
static ngx_uint_t ngx_http_faas_json_type(u_char ch);
static uint32_t ngx_http_faas_json_hex(u_char *p);
static u_char *ngx_http_faas_json_utf8(u_char *dst, uint32_t ch);


#define ngx_http_faas_json_is_space(ch)                                      \
    ((ch) == ' ' || (ch) == LF || (ch) == CR || (ch) == '\t')


ngx_int_t
ngx_http_faas_json_object(ngx_pool_t *pool, ngx_str_t *text,
    ngx_array_t **members, size_t *offset)
{
    u_char                       *p, *last, *start;
    ngx_int_t                     rc;
    ngx_str_t                     raw;
    ngx_http_faas_json_scan_t     scan;
    ngx_http_faas_json_member_t  *m;

    p = text->data;
    last = p + text->len;

    ngx_http_faas_json_scan_init(&scan);

    if (ngx_http_faas_json_scan(&scan, p, last) != NGX_OK
        || ngx_http_faas_json_scan_end(&scan) != NGX_OK)
    {
        *offset = scan.offset;
        return NGX_ERROR;
    }

    *members = ngx_array_create(pool, 4, sizeof(ngx_http_faas_json_member_t));
    if (*members == NULL) {
        return NGX_ABORT;
    }

    /* from here on it is known to be valid */

    p = ngx_http_faas_json_space(p);

    if (*p != '{') {
        return NGX_DECLINED;
    }

    p = ngx_http_faas_json_space(p + 1);

    while (*p != '}') {

        if ((*members)->nelts == NGX_HTTP_FAAS_JSON_MEMBERS) {
            return NGX_DECLINED;
        }

        m = ngx_array_push(*members);
        if (m == NULL) {
            return NGX_ABORT;
        }

        start = p;
        p = ngx_http_faas_json_skip_string(p);

        raw.data = start;
        raw.len = p - start;

        rc = ngx_http_faas_json_string(pool, &raw, &m->key);

        if (rc == NGX_ERROR) {
            return NGX_ABORT;
        }

        if (rc == NGX_DECLINED) {
            m->key = raw;               /* nothing that anybody knows */
        }

        p = ngx_http_faas_json_space(p);            /* the colon */
        p = ngx_http_faas_json_space(p + 1);

        start = p;
        p = ngx_http_faas_json_skip(p, last);

        m->value.data = start;
        m->value.len = p - start;
        m->type = ngx_http_faas_json_type(*start);

        p = ngx_http_faas_json_space(p);

        if (*p == ',') {
            p = ngx_http_faas_json_space(p + 1);
        }
    }

    return NGX_OK;
}


static u_char *
ngx_http_faas_json_space(u_char *p)
{
    while (ngx_http_faas_json_is_space(*p)) {
        p++;
    }

    return p;
}


/* to the end of a value in a valid text */

static u_char *
ngx_http_faas_json_skip(u_char *p, u_char *last)
{
    ngx_uint_t  depth;

    depth = 0;

    while (p < last) {

        switch (*p) {

        case '"':
            p = ngx_http_faas_json_skip_string(p);

            if (depth == 0) {
                return p;
            }

            continue;

        case '{':
        case '[':
            depth++;
            break;

        case '}':
        case ']':

            if (depth == 0) {
                return p;               /* behind a number or a literal */
            }

            if (--depth == 0) {
                return p + 1;
            }

            break;

        case ',':
        case ' ':
        case '\t':
        case CR:
        case LF:

            if (depth == 0) {
                return p;
            }

            break;

        default:
            break;
        }

        p++;
    }

    return p;
}


static u_char *
ngx_http_faas_json_skip_string(u_char *p)
{
    for (p++; *p != '"'; p++) {
        if (*p == '\\') {
            p++;
        }
    }

    return p + 1;
}


static ngx_uint_t
ngx_http_faas_json_type(u_char ch)
{
    switch (ch) {

    case '{':
        return NGX_HTTP_FAAS_JSON_OBJECT;

    case '[':
        return NGX_HTTP_FAAS_JSON_ARRAY;

    case '"':
        return NGX_HTTP_FAAS_JSON_STRING;

    case 't':
    case 'f':
        return NGX_HTTP_FAAS_JSON_BOOLEAN;

    case 'n':
        return NGX_HTTP_FAAS_JSON_NULL;

    default:
        return NGX_HTTP_FAAS_JSON_NUMBER;
    }
}


ngx_int_t
ngx_http_faas_json_string(ngx_pool_t *pool, ngx_str_t *raw, ngx_str_t *out)
{
    u_char    *p, *last, *dst;
    uint32_t   ch, low;

    /* decoded it is never longer */

    dst = ngx_pnalloc(pool, raw->len);
    if (dst == NULL) {
        return NGX_ERROR;
    }

    out->data = dst;

    p = raw->data + 1;
    last = raw->data + raw->len - 1;

    while (p < last) {

        if (*p != '\\') {
            *dst++ = *p++;
            continue;
        }

        p++;

        switch (*p++) {

        case 'b':
            *dst++ = '\b';
            break;

        case 'f':
            *dst++ = '\f';
            break;

        case 'n':
            *dst++ = LF;
            break;

        case 'r':
            *dst++ = CR;
            break;

        case 't':
            *dst++ = '\t';
            break;

        case 'u':
            ch = ngx_http_faas_json_hex(p);
            p += 4;

            if (ch >= 0xd800 && ch <= 0xdfff) {

                if (ch > 0xdbff || last - p < 6 || p[0] != '\\'
                    || p[1] != 'u')
                {
                    return NGX_DECLINED;
                }

                low = ngx_http_faas_json_hex(p + 2);

                if (low < 0xdc00 || low > 0xdfff) {
                    return NGX_DECLINED;
                }

                ch = 0x10000 + ((ch - 0xd800) << 10) + (low - 0xdc00);
                p += 6;
            }

            dst = ngx_http_faas_json_utf8(dst, ch);
            break;

        default: /* quote, backslash, slash */
            *dst++ = p[-1];
            break;
        }
    }

    out->len = dst - out->data;

    return NGX_OK;
}


static uint32_t
ngx_http_faas_json_hex(u_char *p)
{
    return (uint32_t) ngx_hextoi(p, 4);
}


static u_char *
ngx_http_faas_json_utf8(u_char *dst, uint32_t ch)
{
    if (ch < 0x80) {
        *dst++ = (u_char) ch;
        return dst;
    }

    if (ch < 0x800) {
        *dst++ = (u_char) (0xc0 | ch >> 6);
        *dst++ = (u_char) (0x80 | (ch & 0x3f));
        return dst;
    }

    if (ch < 0x10000) {
        *dst++ = (u_char) (0xe0 | ch >> 12);
        *dst++ = (u_char) (0x80 | (ch >> 6 & 0x3f));
        *dst++ = (u_char) (0x80 | (ch & 0x3f));
        return dst;
    }

    *dst++ = (u_char) (0xf0 | ch >> 18);
    *dst++ = (u_char) (0x80 | (ch >> 12 & 0x3f));
    *dst++ = (u_char) (0x80 | (ch >> 6 & 0x3f));
    *dst++ = (u_char) (0x80 | (ch & 0x3f));

    return dst;
}


ngx_int_t
ngx_http_faas_json_uint(ngx_str_t *raw, ngx_uint_t max, ngx_uint_t *value)
{
    ngx_int_t  n;

    if (raw->len == 0 || (raw->len > 1 && raw->data[0] == '0')) {
        return NGX_ERROR;
    }

    n = ngx_atoi(raw->data, raw->len);

    if (n == NGX_ERROR || (ngx_uint_t) n > max) {
        return NGX_ERROR;
    }

    *value = (ngx_uint_t) n;

    return NGX_OK;
}


u_char *
ngx_http_faas_json_quote(u_char *p, ngx_str_t *s)
{
    *p++ = '"';
    p = (u_char *) ngx_escape_json(p, s->data, s->len);
    *p++ = '"';

    return p;
}


size_t
ngx_http_faas_json_quote_len(ngx_str_t *s)
{
    return s->len + ngx_escape_json(NULL, s->data, s->len) + 2;
}
