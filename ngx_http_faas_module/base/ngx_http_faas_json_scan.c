
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Checks JSON of strangers, in pieces.  Iterative, with a bit for each level,
 * so that depth costs no stack.
 */


#include "ngx_http_faas_json_scan.h"


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
