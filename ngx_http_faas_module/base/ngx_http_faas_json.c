
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * JSON of strangers as bytes: it is checked and cut, never parsed into
 * numbers and printed again, which would change it.  Iterative, with a bit
 * for each level, so that depth costs no stack.
 */


#include "ngx_http_faas_json.h"


#define NGX_HTTP_FAAS_JSON_MEMBERS  256


typedef enum {
    sw_value = 0,
    sw_first_value,             /* or the end of an array */
    sw_first_key,               /* or the end of an object */
    sw_key,
    sw_colon,
    sw_next,                    /* a comma, or the end of what is open */
    sw_done,
    sw_string,
    sw_escape,
    sw_hex1,
    sw_hex2,
    sw_hex3,
    sw_hex4,
    sw_literal,
    sw_minus,
    sw_zero,
    sw_int,
    sw_dot,
    sw_fraction,
    sw_e,
    sw_sign,
    sw_exponent
} ngx_http_faas_json_state_e;


static ngx_int_t ngx_http_faas_json_value(ngx_http_faas_json_scan_t *scan,
    u_char ch);
static ngx_int_t ngx_http_faas_json_push(ngx_http_faas_json_scan_t *scan,
    ngx_uint_t object);
static ngx_int_t ngx_http_faas_json_structure(
    ngx_http_faas_json_scan_t *scan, u_char ch);
static ngx_int_t ngx_http_faas_json_text(ngx_http_faas_json_scan_t *scan,
    u_char ch);
static ngx_int_t ngx_http_faas_json_number(ngx_http_faas_json_scan_t *scan,
    u_char ch);
static void ngx_http_faas_json_after(ngx_http_faas_json_scan_t *scan);
static u_char *ngx_http_faas_json_space(u_char *p);
static u_char *ngx_http_faas_json_skip(u_char *p, u_char *last);
static u_char *ngx_http_faas_json_skip_string(u_char *p);
static ngx_uint_t ngx_http_faas_json_type(u_char ch);
static uint32_t ngx_http_faas_json_hex(u_char *p);
static u_char *ngx_http_faas_json_utf8(u_char *dst, uint32_t ch);


#define ngx_http_faas_json_is_space(ch)                                      \
    ((ch) == ' ' || (ch) == LF || (ch) == CR || (ch) == '\t')

#define ngx_http_faas_json_is_digit(ch)  ((ch) >= '0' && (ch) <= '9')


void
ngx_http_faas_json_scan_init(ngx_http_faas_json_scan_t *scan)
{
    ngx_memzero(scan, sizeof(ngx_http_faas_json_scan_t));
}


ngx_int_t
ngx_http_faas_json_scan(ngx_http_faas_json_scan_t *scan, u_char *p,
    u_char *last)
{
    u_char     *start;
    ngx_int_t   rc;

    if (scan->failed) {
        return NGX_ERROR;
    }

    start = p;

    while (p < last) {

        if (scan->state == sw_string && scan->utf8.need == 0) {

            /* most bytes are plain ones of a string */

            while (p < last
                   && *p >= ' ' && *p < 0x80 && *p != '"' && *p != '\\')
            {
                p++;
            }

            if (p == last) {
                break;
            }
        }

        rc = (scan->state >= sw_minus)
             ? ngx_http_faas_json_number(scan, *p)
             : (scan->state >= sw_string)
               ? ngx_http_faas_json_text(scan, *p)
               : ngx_http_faas_json_structure(scan, *p);

        if (rc == NGX_AGAIN) {
            continue;                   /* the byte ended a number */
        }

        if (rc != NGX_OK) {
            scan->failed = 1;
            scan->offset += p - start;
            return NGX_ERROR;
        }

        p++;
    }

    scan->offset += last - start;

    return NGX_OK;
}


ngx_int_t
ngx_http_faas_json_scan_end(ngx_http_faas_json_scan_t *scan)
{
    if (scan->failed || scan->depth) {
        return NGX_ERROR;
    }

    switch (scan->state) {

    case sw_done:
    case sw_zero:
    case sw_int:
    case sw_fraction:
    case sw_exponent:
        return NGX_OK;

    default:
        return NGX_ERROR;
    }
}


static void
ngx_http_faas_json_after(ngx_http_faas_json_scan_t *scan)
{
    scan->state = scan->depth ? sw_next : sw_done;
}


static ngx_int_t
ngx_http_faas_json_push(ngx_http_faas_json_scan_t *scan, ngx_uint_t object)
{
    u_char  bit;

    if (scan->depth == NGX_HTTP_FAAS_JSON_DEPTH) {
        return NGX_ERROR;
    }

    bit = (u_char) (1 << (scan->depth % 8));

    if (object) {
        scan->stack[scan->depth / 8] |= bit;

    } else {
        scan->stack[scan->depth / 8] &= (u_char) ~bit;
    }

    scan->depth++;
    scan->state = object ? sw_first_key : sw_first_value;

    return NGX_OK;
}


static ngx_int_t
ngx_http_faas_json_value(ngx_http_faas_json_scan_t *scan, u_char ch)
{
    switch (ch) {

    case '{':
        return ngx_http_faas_json_push(scan, 1);

    case '[':
        return ngx_http_faas_json_push(scan, 0);

    case '"':
        scan->key = 0;
        scan->state = sw_string;
        return NGX_OK;

    case 't':
        scan->literal = "rue";
        scan->state = sw_literal;
        return NGX_OK;

    case 'f':
        scan->literal = "alse";
        scan->state = sw_literal;
        return NGX_OK;

    case 'n':
        scan->literal = "ull";
        scan->state = sw_literal;
        return NGX_OK;

    case '-':
        scan->state = sw_minus;
        return NGX_OK;

    case '0':
        scan->state = sw_zero;
        return NGX_OK;

    default:

        if (!ngx_http_faas_json_is_digit(ch)) {
            return NGX_ERROR;
        }

        scan->state = sw_int;
        return NGX_OK;
    }
}


static ngx_int_t
ngx_http_faas_json_structure(ngx_http_faas_json_scan_t *scan, u_char ch)
{
    ngx_uint_t  object;

    if (ngx_http_faas_json_is_space(ch)) {
        return NGX_OK;
    }

    object = scan->depth
             && (scan->stack[(scan->depth - 1) / 8]
                 & (1 << ((scan->depth - 1) % 8)));

    switch (scan->state) {

    case sw_done:
        return NGX_ERROR;

    case sw_colon:

        if (ch != ':') {
            return NGX_ERROR;
        }

        scan->state = sw_value;
        return NGX_OK;

    case sw_next:

        if (ch == ',') {
            scan->state = object ? sw_key : sw_value;
            return NGX_OK;
        }

        break;

    case sw_first_key:
    case sw_key:

        if (ch == '"') {
            scan->key = 1;
            scan->state = sw_string;
            return NGX_OK;
        }

        if (scan->state == sw_key) {
            return NGX_ERROR;
        }

        break;

    case sw_first_value:

        if (ch != ']') {
            return ngx_http_faas_json_value(scan, ch);
        }

        break;

    default: /* sw_value */
        return ngx_http_faas_json_value(scan, ch);
    }

    if (ch != (object ? '}' : ']')) {
        return NGX_ERROR;
    }

    scan->depth--;
    ngx_http_faas_json_after(scan);

    return NGX_OK;
}


static ngx_int_t
ngx_http_faas_json_text(ngx_http_faas_json_scan_t *scan, u_char ch)
{
    switch (scan->state) {

    case sw_literal:

        if (ch != (u_char) *scan->literal) {
            return NGX_ERROR;
        }

        if (*++scan->literal == '\0') {
            ngx_http_faas_json_after(scan);
        }

        return NGX_OK;

    case sw_escape:

        if (ch == 'u') {
            scan->state = sw_hex1;
            return NGX_OK;
        }

        if (ch == '\0' || ngx_strchr("\"\\/bfnrt", ch) == NULL) {
            return NGX_ERROR;
        }

        scan->state = sw_string;
        return NGX_OK;

    case sw_string:
        break;

    default: /* sw_hex1 to sw_hex4 */

        if (!ngx_http_faas_json_is_digit(ch)
            && ((ch | 0x20) < 'a' || (ch | 0x20) > 'f'))
        {
            return NGX_ERROR;
        }

        scan->state = (scan->state == sw_hex4) ? (ngx_uint_t) sw_string
                                               : scan->state + 1;
        return NGX_OK;
    }

    if (scan->utf8.need || ch >= 0x80) {
        return ngx_http_faas_utf8_byte(&scan->utf8, ch);
    }

    if (ch < ' ') {
        return NGX_ERROR;
    }

    if (ch == '\\') {
        scan->state = sw_escape;

    } else if (ch == '"') {

        if (scan->key) {
            scan->state = sw_colon;

        } else {
            ngx_http_faas_json_after(scan);
        }
    }

    return NGX_OK;
}


/* NGX_AGAIN: the number ended before this byte */

static ngx_int_t
ngx_http_faas_json_number(ngx_http_faas_json_scan_t *scan, u_char ch)
{
    ngx_uint_t  digit;

    digit = ngx_http_faas_json_is_digit(ch);

    switch (scan->state) {

    case sw_minus:

        if (!digit) {
            return NGX_ERROR;
        }

        scan->state = (ch == '0') ? sw_zero : sw_int;
        return NGX_OK;

    case sw_dot:
    case sw_sign:

        if (!digit) {
            return NGX_ERROR;
        }

        scan->state = (scan->state == sw_dot) ? sw_fraction : sw_exponent;
        return NGX_OK;

    case sw_e:

        if (ch == '+' || ch == '-') {
            scan->state = sw_sign;
            return NGX_OK;
        }

        if (!digit) {
            return NGX_ERROR;
        }

        scan->state = sw_exponent;
        return NGX_OK;

    default:
        break;
    }

    if (digit && scan->state != sw_zero) {
        return NGX_OK;
    }

    if (ch == '.' && (scan->state == sw_zero || scan->state == sw_int)) {
        scan->state = sw_dot;
        return NGX_OK;
    }

    if ((ch == 'e' || ch == 'E') && scan->state != sw_exponent) {
        scan->state = sw_e;
        return NGX_OK;
    }

    ngx_http_faas_json_after(scan);

    return NGX_AGAIN;
}


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
