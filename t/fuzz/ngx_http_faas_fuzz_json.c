
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * A second opinion on JSON: recursive, from the grammar of RFC 8259, and
 * sharing nothing with what it judges.
 */


#include "ngx_http_faas_fuzz.h"


static u_char *ngx_http_faas_fuzz_json_space(u_char *p, u_char *last);
static u_char *ngx_http_faas_fuzz_json_list(u_char *p, u_char *last,
    ngx_uint_t depth, ngx_uint_t object);
static u_char *ngx_http_faas_fuzz_json_string(u_char *p, u_char *last);
static u_char *ngx_http_faas_fuzz_json_number(u_char *p, u_char *last);
static u_char *ngx_http_faas_fuzz_json_digits(u_char *p, u_char *last);
static u_char *ngx_http_faas_fuzz_json_word(u_char *p, u_char *last,
    char *word);
static u_char *ngx_http_faas_fuzz_character(u_char *p, u_char *last);
static uint32_t ngx_http_faas_fuzz_json_hex(u_char *p);
static u_char *ngx_http_faas_fuzz_json_put(u_char *dst, uint32_t ch);


ngx_uint_t
ngx_http_faas_fuzz_json(ngx_str_t *text)
{
    u_char  *p, *last;

    last = text->data + text->len;

    p = ngx_http_faas_fuzz_json_space(text->data, last);
    p = ngx_http_faas_fuzz_json_value(p, last, 0);

    return p && ngx_http_faas_fuzz_json_space(p, last) == last;
}


u_char *
ngx_http_faas_fuzz_json_value(u_char *p, u_char *last, ngx_uint_t depth)
{
    if (p == last) {
        return NULL;
    }

    switch (*p) {

    case '{':
    case '[':
        return depth < NGX_HTTP_FAAS_JSON_DEPTH
               ? ngx_http_faas_fuzz_json_list(p, last, depth + 1, *p == '{')
               : NULL;

    case '"':
        return ngx_http_faas_fuzz_json_string(p, last);

    case 't':
        return ngx_http_faas_fuzz_json_word(p, last, "true");

    case 'f':
        return ngx_http_faas_fuzz_json_word(p, last, "false");

    case 'n':
        return ngx_http_faas_fuzz_json_word(p, last, "null");

    default:
        return ngx_http_faas_fuzz_json_number(p, last);
    }
}


static u_char *
ngx_http_faas_fuzz_json_space(u_char *p, u_char *last)
{
    while (p < last && (*p == 0x20 || *p == 0x09 || *p == 0x0a || *p == 0x0d))
    {
        p++;
    }

    return p;
}


static u_char *
ngx_http_faas_fuzz_json_list(u_char *p, u_char *last, ngx_uint_t depth,
    ngx_uint_t object)
{
    u_char  end;

    end = object ? '}' : ']';

    p = ngx_http_faas_fuzz_json_space(p + 1, last);

    if (p < last && *p == end) {
        return p + 1;
    }

    for ( ;; ) {

        if (object) {
            p = ngx_http_faas_fuzz_json_string(p, last);

            if (p) {
                p = ngx_http_faas_fuzz_json_space(p, last);
            }

            if (p == NULL || p == last || *p != ':') {
                return NULL;
            }

            p = ngx_http_faas_fuzz_json_space(p + 1, last);
        }

        p = ngx_http_faas_fuzz_json_value(p, last, depth);

        if (p) {
            p = ngx_http_faas_fuzz_json_space(p, last);
        }

        if (p == NULL || p == last) {
            return NULL;
        }

        if (*p == end) {
            return p + 1;
        }

        if (*p != ',') {
            return NULL;
        }

        p = ngx_http_faas_fuzz_json_space(p + 1, last);
    }
}


static u_char *
ngx_http_faas_fuzz_json_string(u_char *p, u_char *last)
{
    ngx_uint_t  i;

    if (p == last || *p != '"') {
        return NULL;
    }

    p++;

    while (p && p < last && *p != '"') {

        if (*p != '\\') {
            p = (*p >= 0x20) ? ngx_http_faas_fuzz_character(p, last) : NULL;
            continue;
        }

        p++;

        if (p == last || *p == '\0' || strchr("\"\\/bfnrtu", *p) == NULL) {
            return NULL;
        }

        if (*p++ != 'u') {
            continue;
        }

        for (i = 0; i < 4; i++, p++) {
            if (p == last || !isxdigit(*p)) {
                return NULL;
            }
        }
    }

    return (p && p < last) ? p + 1 : NULL;
}


static u_char *
ngx_http_faas_fuzz_json_number(u_char *p, u_char *last)
{
    if (p < last && *p == '-') {
        p++;
    }

    if (p < last && *p == '0') {
        p++;

    } else {
        p = ngx_http_faas_fuzz_json_digits(p, last);
    }

    if (p && p < last && *p == '.') {
        p = ngx_http_faas_fuzz_json_digits(p + 1, last);
    }

    if (p && p < last && (*p == 'e' || *p == 'E')) {
        p++;

        if (p < last && (*p == '+' || *p == '-')) {
            p++;
        }

        p = ngx_http_faas_fuzz_json_digits(p, last);
    }

    return p;
}


static u_char *
ngx_http_faas_fuzz_json_digits(u_char *p, u_char *last)
{
    u_char  *start;

    start = p;

    while (p < last && *p >= '0' && *p <= '9') {
        p++;
    }

    return p > start ? p : NULL;
}


static u_char *
ngx_http_faas_fuzz_json_word(u_char *p, u_char *last, char *word)
{
    size_t  len;

    len = strlen(word);

    return ((size_t) (last - p) >= len && memcmp(p, word, len) == 0)
           ? p + len : NULL;
}


/* behind a character of UTF-8, or NULL */

static u_char *
ngx_http_faas_fuzz_character(u_char *p, u_char *last)
{
    size_t    n, i;
    uint32_t  ch;

    static uint32_t  least[] = { 0, 0, 0x80, 0x800, 0x10000 };

    if (*p < 0x80) {
        return p + 1;
    }

    n = (*p & 0xe0) == 0xc0 ? 2 : (*p & 0xf0) == 0xe0 ? 3
        : (*p & 0xf8) == 0xf0 ? 4 : 0;

    if (n == 0 || (size_t) (last - p) < n) {
        return NULL;
    }

    ch = *p & (0xff >> (n + 1));

    for (i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return NULL;
        }

        ch = (ch << 6) | (p[i] & 0x3f);
    }

    return (ch < least[n] || ch > 0x10ffff || (ch >= 0xd800 && ch <= 0xdfff))
           ? NULL : p + n;
}


ngx_uint_t
ngx_http_faas_fuzz_utf8(ngx_str_t *s)
{
    u_char  *p, *last;

    p = s->data;
    last = p + s->len;

    while (p && p < last) {
        p = ngx_http_faas_fuzz_character(p, last);
    }

    return p == last;
}


ngx_int_t
ngx_http_faas_fuzz_json_next(ngx_pool_t *pool, u_char **p, ngx_str_t *key,
    ngx_str_t *value)
{
    u_char     *last;
    ngx_str_t   raw;

    /* the text is valid, and so ends by itself */

    last = (u_char *) NGX_MAX_SIZE_T_VALUE;

    *p = ngx_http_faas_fuzz_json_space(*p, last);

    if (**p == '}') {
        return NGX_DONE;
    }

    *p = ngx_http_faas_fuzz_json_space(*p + 1, last);

    if (**p == '}') {
        return NGX_DONE;
    }

    raw.data = *p;
    *p = ngx_http_faas_fuzz_json_string(*p, last);
    raw.len = *p - raw.data;

    *key = ngx_http_faas_fuzz_json_text(pool, &raw);

    *p = ngx_http_faas_fuzz_json_space(*p, last);
    *p = ngx_http_faas_fuzz_json_space(*p + 1, last);

    value->data = *p;
    *p = ngx_http_faas_fuzz_json_value(*p, last, 1);
    value->len = *p - value->data;

    return NGX_OK;
}


ngx_str_t
ngx_http_faas_fuzz_json_member(ngx_pool_t *pool, ngx_str_t *object,
    char *name)
{
    u_char     *p;
    ngx_str_t   key, value;

    p = object->data;

    while (ngx_http_faas_fuzz_json_next(pool, &p, &key, &value) == NGX_OK) {

        if (key.len == strlen(name) && memcmp(key.data, name, key.len) == 0) {
            return value;
        }
    }

    ngx_http_faas_fuzz_failed(__FILE__, __LINE__, name);

    return *object;
}


ngx_str_t
ngx_http_faas_fuzz_json_text(ngx_pool_t *pool, ngx_str_t *raw)
{
    u_char     *p, *last, *dst;
    uint32_t    ch;
    ngx_str_t   out;

    static char  names[] = "bfnrt";
    static char  chars[] = "\b\f\n\r\t";

    ngx_http_faas_fuzz_check(raw->len >= 2 && raw->data[0] == '"');

    out.data = ngx_pnalloc(pool, raw->len);
    dst = out.data;

    last = raw->data + raw->len - 1;

    for (p = raw->data + 1; p < last; p++) {

        if (*p != '\\') {
            *dst++ = *p;
            continue;
        }

        p++;

        if (*p != 'u') {
            *dst++ = strchr(names, *p) ? chars[strchr(names, *p) - names]
                                       : *p;
            continue;
        }

        ch = ngx_http_faas_fuzz_json_hex(p + 1);
        p += 4;

        if ((ch & 0xfc00) == 0xd800 && last - p > 6 && p[1] == '\\'
            && p[2] == 'u'
            && (ngx_http_faas_fuzz_json_hex(p + 3) & 0xfc00) == 0xdc00)
        {
            ch = 0x10000 + ((ch & 0x3ff) << 10)
                 + (ngx_http_faas_fuzz_json_hex(p + 3) & 0x3ff);
            p += 6;
        }

        dst = ngx_http_faas_fuzz_json_put(dst, ch);
    }

    out.len = dst - out.data;

    return out;
}


static uint32_t
ngx_http_faas_fuzz_json_hex(u_char *p)
{
    char  text[5];

    memcpy(text, p, 4);
    text[4] = '\0';

    return strtoul(text, NULL, 16);
}


static u_char *
ngx_http_faas_fuzz_json_put(u_char *dst, uint32_t ch)
{
    ngx_uint_t  n;

    if (ch < 0x80) {
        *dst++ = (u_char) ch;
        return dst;
    }

    n = ch < 0x800 ? 1 : ch < 0x10000 ? 2 : 3;

    *dst++ = (u_char) ((0xff << (7 - n)) | (ch >> (6 * n)));

    while (n--) {
        *dst++ = (u_char) (0x80 | ((ch >> (6 * n)) & 0x3f));
    }

    return dst;
}
