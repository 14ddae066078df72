
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * What may be a function's name.  What a letter is beyond ASCII, the C
 * library says, in its own C.UTF-8 and not in the locale of the process.
 */


#include "ngx_http_faas_name.h"
#include "ngx_http_faas_utf8.h"

#include <locale.h>
#include <wchar.h>
#include <wctype.h>


/* with an extension it is still a file name, NAME_MAX */
#define NGX_HTTP_FAAS_NAME_MAX  (255 - 8)


typedef struct {
    uint32_t  first;
    uint32_t  last;
} ngx_http_faas_name_range_t;


static ngx_int_t ngx_http_faas_name_letters(u_char *p, u_char *last);
static ngx_int_t ngx_http_faas_name_walk(u_char *p, u_char *last);
static ngx_uint_t ngx_http_faas_name_invisible(uint32_t ch);


/* letters and marks that nobody sees, and what controls the others */

static ngx_http_faas_name_range_t  ngx_http_faas_name_hidden[] = {
    { 0x00034f, 0x00034f },
    { 0x00061c, 0x00061c },
    { 0x00115f, 0x001160 },
    { 0x0017b4, 0x0017b5 },
    { 0x00180b, 0x00180f },
    { 0x002000, 0x00206f },
    { 0x003164, 0x003164 },
    { 0x00fe00, 0x00fe0f },
    { 0x00feff, 0x00feff },
    { 0x00ffa0, 0x00ffa0 },
    { 0x00fff0, 0x00ffff },
    { 0x013430, 0x01343f },
    { 0x01bca0, 0x01bca3 },
    { 0x01d173, 0x01d17a },
    { 0x0e0000, 0x0e0fff },
    { 0, 0 }
};


ngx_int_t
ngx_http_faas_name_check(ngx_str_t *name)
{
    u_char                *p, *last;
    ngx_uint_t             chars, foreign;
    ngx_http_faas_utf8_t   utf8;

    p = name->data;
    last = p + name->len;

    if (p == last
        || name->len > NGX_HTTP_FAAS_NAME_MAX
        || *p == '.'
        || *p == '-')
    {
        return NGX_ERROR;
    }

    chars = 0;
    foreign = 0;

    for ( /* void */ ; p < last; p++) {

        if (*p >= 0x80) {
            foreign = 1;
            chars += (*p >= 0xc0);
            continue;
        }

        chars++;

        if ((*p >= 'a' && *p <= 'z')
            || (*p >= 'A' && *p <= 'Z')
            || (*p >= '0' && *p <= '9')
            || *p == '_'
            || *p == '-')
        {
            continue;
        }

        if (*p != '.' || p[-1] == '.') {
            return NGX_ERROR;
        }
    }

    if (chars > NGX_HTTP_FAAS_NAME_LEN) {
        return NGX_ERROR;
    }

    if (!foreign) {
        return NGX_OK;
    }

    ngx_memzero(&utf8, sizeof(ngx_http_faas_utf8_t));

    if (ngx_http_faas_utf8_check(&utf8, name->data, last) != NGX_OK
        || ngx_http_faas_utf8_end(&utf8) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_faas_name_letters(name->data, last);
}


static ngx_int_t
ngx_http_faas_name_letters(u_char *p, u_char *last)
{
    locale_t   locale, saved;
    ngx_int_t  rc;

    locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t) 0);

    if (locale == (locale_t) 0) {
        return NGX_ERROR;
    }

    saved = uselocale(locale);              /* of this thread only */

    rc = ngx_http_faas_name_walk(p, last);

    (void) uselocale(saved);

    freelocale(locale);

    return rc;
}


/* the text is valid UTF-8, and the locale is set */

static ngx_int_t
ngx_http_faas_name_walk(u_char *p, u_char *last)
{
    uint32_t    ch;
    ngx_uint_t  letter;

    letter = 0;

    while (p < last) {

        if (*p < 0x80) {
            ch = *p++ | 0x20;
            letter = (ch >= 'a' && ch <= 'z');
            continue;
        }

        ch = ngx_utf8_decode(&p, last - p);

        if (ngx_http_faas_name_invisible(ch)) {
            return NGX_ERROR;
        }

        if (wcwidth((wchar_t) ch) == 0) {

            /*
             * A mark, which may not be a letter by itself: decomposed names,
             * as from macOS, and signs of many scripts.
             */

            if (!letter) {
                return NGX_ERROR;
            }

            continue;
        }

        if (!iswalpha((wint_t) ch)) {
            return NGX_ERROR;
        }

        letter = 1;
    }

    return NGX_OK;
}


static ngx_uint_t
ngx_http_faas_name_invisible(uint32_t ch)
{
    ngx_uint_t  i;

    for (i = 0; ngx_http_faas_name_hidden[i].last; i++) {

        if (ch >= ngx_http_faas_name_hidden[i].first
            && ch <= ngx_http_faas_name_hidden[i].last)
        {
            return 1;
        }
    }

    return 0;
}
