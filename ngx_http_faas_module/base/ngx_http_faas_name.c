
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * What may be a function's name.  What a letter is beyond ASCII, the C
 * library says, in its own C.UTF-8 and not in the locale of the process.
 */


#include "ngx_http_faas_name.h"
#include "ngx_http_faas_utf8.h"

#include <locale.h>
#include <wctype.h>


/* with an extension it is still a file name, NAME_MAX */
#define NGX_HTTP_FAAS_NAME_MAX  (255 - 8)


static ngx_int_t ngx_http_faas_name_letters(u_char *p, u_char *last);
static ngx_uint_t ngx_http_faas_name_mark(uint32_t ch);


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
    locale_t   locale;
    uint32_t   ch;
    ngx_int_t  rc;

    locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t) 0);

    if (locale == (locale_t) 0) {
        return NGX_ERROR;
    }

    rc = NGX_OK;

    while (p < last) {

        if (*p < 0x80) {
            p++;
            continue;
        }

        ch = ngx_utf8_decode(&p, last - p);

        if (ch > 0x10ffff
            || (!iswalpha_l((wint_t) ch, locale)
                && !ngx_http_faas_name_mark(ch)))
        {
            rc = NGX_ERROR;
            break;
        }
    }

    freelocale(locale);

    return rc;
}


/* accents as characters of their own: decomposed names, as from macOS */

static ngx_uint_t
ngx_http_faas_name_mark(uint32_t ch)
{
    return ch >= 0x0300 && ch <= 0x036f;
}
