
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Names of functions.  Each is checked in a block of just its length, so that
 * ASan sees a byte too much.
 */


#include "ngx_http_faas.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "ngx_http_faas_name.h"


/* a literal with its length, since there may be NUL in it */
#define ngx_http_faas_test_text(s)  { sizeof(s) - 1, (u_char *) s }


int ngx_http_faas_test_name(void);

static ngx_int_t ngx_http_faas_test_name_check(u_char *data, size_t len);
static void ngx_http_faas_test_name_table(ngx_str_t *name, ngx_int_t rc);
static void ngx_http_faas_test_name_good_ascii(void **state);
static void ngx_http_faas_test_name_bad_ascii(void **state);
static void ngx_http_faas_test_name_bytes(void **state);
static void ngx_http_faas_test_name_good_letters(void **state);
static void ngx_http_faas_test_name_bad_letters(void **state);
static void ngx_http_faas_test_name_marks(void **state);
static void ngx_http_faas_test_name_invisible(void **state);
static void ngx_http_faas_test_name_encoding(void **state);
static void ngx_http_faas_test_name_length(void **state);
static ngx_int_t ngx_http_faas_test_name_repeat(char *text, ngx_uint_t n);


int
ngx_http_faas_test_name(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(ngx_http_faas_test_name_good_ascii),
        cmocka_unit_test(ngx_http_faas_test_name_bad_ascii),
        cmocka_unit_test(ngx_http_faas_test_name_bytes),
        cmocka_unit_test(ngx_http_faas_test_name_good_letters),
        cmocka_unit_test(ngx_http_faas_test_name_bad_letters),
        cmocka_unit_test(ngx_http_faas_test_name_marks),
        cmocka_unit_test(ngx_http_faas_test_name_invisible),
        cmocka_unit_test(ngx_http_faas_test_name_encoding),
        cmocka_unit_test(ngx_http_faas_test_name_length)
    };

    return cmocka_run_group_tests_name("name", tests, NULL, NULL);
}


static ngx_int_t
ngx_http_faas_test_name_check(u_char *data, size_t len)
{
    ngx_int_t  rc;
    ngx_str_t  name;

    name.len = len;
    name.data = ngx_alloc(len, ngx_cycle->log);
    assert_non_null(name.data);

    ngx_memcpy(name.data, data, len);

    rc = ngx_http_faas_name_check(&name);

    ngx_free(name.data);

    return rc;
}


static void
ngx_http_faas_test_name_table(ngx_str_t *name, ngx_int_t rc)
{
    for ( /* void */ ; name->data; name++) {

        if (ngx_http_faas_test_name_check(name->data, name->len) != rc) {
            fail_msg("\"%.*s\" is %s", (int) name->len, name->data,
                     rc == NGX_OK ? "refused" : "accepted");
        }
    }
}


static void
ngx_http_faas_test_name_good_ascii(void **state)
{
    static ngx_str_t  names[] = {
        ngx_http_faas_test_text("a"),
        ngx_http_faas_test_text("Z"),
        ngx_http_faas_test_text("0"),
        ngx_http_faas_test_text("_"),
        ngx_http_faas_test_text("greet"),
        ngx_http_faas_test_text("Greet"),
        ngx_http_faas_test_text("GREET"),
        ngx_http_faas_test_text("my-function_2.v1"),
        ngx_http_faas_test_text("a-"),
        ngx_http_faas_test_text("a--b"),
        ngx_http_faas_test_text("_.-"),
        ngx_http_faas_test_text("a.b.c"),
        ngx_http_faas_test_text("a.-b"),
        ngx_http_faas_test_text("a."),
        ngx_http_faas_test_text("greet.py"),
        ngx_http_faas_test_text("invoke"),
        ngx_null_string
    };

    ngx_http_faas_test_name_table(names, NGX_OK);
}


static void
ngx_http_faas_test_name_bad_ascii(void **state)
{
    static ngx_str_t  names[] = {
        ngx_http_faas_test_text(""),
        ngx_http_faas_test_text("."),
        ngx_http_faas_test_text(".."),
        ngx_http_faas_test_text("..."),
        ngx_http_faas_test_text("-"),
        ngx_http_faas_test_text("--help"),
        ngx_http_faas_test_text("-a"),
        ngx_http_faas_test_text(".a"),
        ngx_http_faas_test_text(".greet.py"),
        ngx_http_faas_test_text("a..b"),
        ngx_http_faas_test_text("a.."),
        ngx_http_faas_test_text("a/b"),
        ngx_http_faas_test_text("/a"),
        ngx_http_faas_test_text("a/"),
        ngx_http_faas_test_text("../../etc/passwd"),
        ngx_http_faas_test_text("a\\b"),
        ngx_http_faas_test_text("%2e%2e"),
        ngx_http_faas_test_text("a%2fb"),
        ngx_http_faas_test_text("@x"),
        ngx_http_faas_test_text("a@b"),
        ngx_http_faas_test_text("a b"),
        ngx_http_faas_test_text(" a"),
        ngx_http_faas_test_text("a "),
        ngx_http_faas_test_text("a\n"),
        ngx_http_faas_test_text("a\r\nX: y"),
        ngx_http_faas_test_text("a\tb"),
        ngx_http_faas_test_text("a\0b"),
        ngx_http_faas_test_text("a\0"),
        ngx_http_faas_test_text("\0"),
        ngx_http_faas_test_text("a:b"),
        ngx_http_faas_test_text("a*"),
        ngx_http_faas_test_text("a?b"),
        ngx_http_faas_test_text("a#b"),
        ngx_http_faas_test_text("a\"b"),
        ngx_http_faas_test_text("a'b"),
        ngx_http_faas_test_text("a;b"),
        ngx_http_faas_test_text("$(a)"),
        ngx_http_faas_test_text("a\x7f"),
        ngx_null_string
    };

    ngx_http_faas_test_name_table(names, NGX_ERROR);
}


/* each byte alone, within and at the end */

static void
ngx_http_faas_test_name_bytes(void **state)
{
    u_char     text[3];
    ngx_int_t  rc;
    ngx_int_t  i;

    for (i = 0; i < 256; i++) {

        rc = ((i >= 'a' && i <= 'z') || (i >= 'A' && i <= 'Z')
              || (i >= '0' && i <= '9') || i == '_') ? NGX_OK : NGX_ERROR;

        text[0] = (u_char) i;

        assert_int_equal(ngx_http_faas_test_name_check(text, 1), rc);

        if (i == '-' || i == '.') {
            rc = NGX_OK;
        }

        text[0] = 'x';
        text[1] = (u_char) i;
        text[2] = 'x';

        assert_int_equal(ngx_http_faas_test_name_check(text, 2), rc);
        assert_int_equal(ngx_http_faas_test_name_check(text, 3), rc);
    }
}


static void
ngx_http_faas_test_name_good_letters(void **state)
{
    static ngx_str_t  names[] = {

        /* Latin, Greek, Cyrillic */
        ngx_http_faas_test_text("caf\xc3\xa9"),
        ngx_http_faas_test_text("\xc3\xbc" "bersicht"),
        ngx_http_faas_test_text("stra\xc3\x9f" "e-2.v1"),
        ngx_http_faas_test_text("\xce\xb1\xce\xb2\xce\xb3"),
        ngx_http_faas_test_text("\xd0\xbf\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5"
                                "\xd1\x82_1"),

        /* Hebrew, Arabic */
        ngx_http_faas_test_text("\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d"),
        ngx_http_faas_test_text("\xd9\x85\xd8\xb1\xd8\xad\xd8\xa8\xd8\xa7"),

        /* Chinese, Japanese with its long sound, Korean, beyond the BMP */
        ngx_http_faas_test_text("\xe4\xbd\xa0\xe5\xa5\xbd"),
        ngx_http_faas_test_text("\xe3\x82\xb5\xe3\x83\xbc\xe3\x83\x90"),
        ngx_http_faas_test_text("\xed\x95\x9c\xea\xb8\x80"),
        ngx_http_faas_test_text("\xf0\xa0\x80\x80"),
        ngx_http_faas_test_text("\xf0\x90\x90\x80"),

        /* dots and dashes between them */
        ngx_http_faas_test_text("\xc3\xa9.\xc3\xa9-\xc3\xa9_"),

        ngx_null_string
    };

    ngx_http_faas_test_name_table(names, NGX_OK);
}


static void
ngx_http_faas_test_name_bad_letters(void **state)
{
    static ngx_str_t  names[] = {

        /* emoji, a euro, a multiplication sign, a superscript, a section */
        ngx_http_faas_test_text("\xf0\x9f\x98\x80"),
        ngx_http_faas_test_text("a\xe2\x82\xac"),
        ngx_http_faas_test_text("a\xc3\x97"),
        ngx_http_faas_test_text("a\xc2\xb2"),
        ngx_http_faas_test_text("\xc2\xa7" "1"),

        /* slashes and dots that look like ours: fraction, full width, one */
        ngx_http_faas_test_text("a\xe2\x81\x84" "b"),
        ngx_http_faas_test_text("a\xef\xbc\x8f" "b"),
        ngx_http_faas_test_text("a\xef\xbc\x8e" "b"),
        ngx_http_faas_test_text("a\xe2\x80\xa4" "b"),

        /* blanks: no-break, ideographic, line separator; next line, APC */
        ngx_http_faas_test_text("a\xc2\xa0" "b"),
        ngx_http_faas_test_text("a\xe3\x80\x80" "b"),
        ngx_http_faas_test_text("a\xe2\x80\xa8" "b"),
        ngx_http_faas_test_text("a\xc2\x85" "b"),
        ngx_http_faas_test_text("a\xc2\x9f" "b"),

        /* private use, unassigned, no characters, the replacement */
        ngx_http_faas_test_text("\xee\x80\x80"),
        ngx_http_faas_test_text("\xf4\x8f\xbf\xbf"),
        ngx_http_faas_test_text("\xcd\xb8"),
        ngx_http_faas_test_text("a\xef\xb7\x90"),
        ngx_http_faas_test_text("a\xef\xbf\xbf"),
        ngx_http_faas_test_text("a\xef\xbf\xbd"),

        /* the rules for ASCII hold beside them */
        ngx_http_faas_test_text(".\xc3\xa9"),
        ngx_http_faas_test_text("-\xc3\xa9"),
        ngx_http_faas_test_text("\xc3\xa9..\xc3\xa9"),
        ngx_http_faas_test_text("\xc3\xa9/\xc3\xa9"),
        ngx_http_faas_test_text("\xc3\xa9\0"),
        ngx_http_faas_test_text("\xc3\xa9 "),

        ngx_null_string
    };

    ngx_http_faas_test_name_table(names, NGX_ERROR);
}


static void
ngx_http_faas_test_name_marks(void **state)
{
    static ngx_str_t  good[] = {

        /* decomposed, as from macOS: an accent, two, a Japanese one, Hangul */
        ngx_http_faas_test_text("cafe\xcc\x81"),
        ngx_http_faas_test_text("a\xcc\x81\xcc\xa3z"),
        ngx_http_faas_test_text("\xe3\x81\x8b\xe3\x82\x99"),
        ngx_http_faas_test_text("\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab"),

        /* Hindi with vowel signs and virama, Tamil, Thai with a tone */
        ngx_http_faas_test_text("\xe0\xa4\xb9\xe0\xa4\xbf\xe0\xa4\xa8\xe0\xa5"
                                "\x8d\xe0\xa4\xa6\xe0\xa5\x80"),
        ngx_http_faas_test_text("\xe0\xae\xa4\xe0\xae\xae\xe0\xae\xbf\xe0\xae"
                                "\xb4\xe0\xaf\x8d"),
        ngx_http_faas_test_text("\xe0\xb8\x97\xe0\xb8\xb5\xe0\xb9\x88"),

        /* Arabic and Hebrew with vowels */
        ngx_http_faas_test_text("\xd9\x85\xd9\x8e\xd8\xb1\xd9\x92"),
        ngx_http_faas_test_text("\xd7\xa9\xd6\xb8\xd7\x81"),

        ngx_null_string
    };

    /* nothing to stand on */

    static ngx_str_t  bad[] = {
        ngx_http_faas_test_text("\xcc\x81"),
        ngx_http_faas_test_text("\xcc\x81" "a"),
        ngx_http_faas_test_text("a_\xcc\x81"),
        ngx_http_faas_test_text("a.\xcc\x81"),
        ngx_http_faas_test_text("1\xcc\x81"),
        ngx_http_faas_test_text("\xe0\xa5\x8d"),
        ngx_http_faas_test_text("\xe3\x82\x99"),
        ngx_null_string
    };

    ngx_http_faas_test_name_table(good, NGX_OK);
    ngx_http_faas_test_name_table(bad, NGX_ERROR);
}


/* two names that look the same would not be the same */

static void
ngx_http_faas_test_name_invisible(void **state)
{
    static ngx_str_t  names[] = {
        ngx_http_faas_test_text("a\xc2\xad" "b"),         /* soft hyphen */
        ngx_http_faas_test_text("a\xcd\x8f" "b"),         /* U+034F */
        ngx_http_faas_test_text("a\xd8\x9c" "b"),         /* U+061C */
        ngx_http_faas_test_text("\xe1\x85\x9f"),          /* U+115F */
        ngx_http_faas_test_text("a\xe1\x85\xa0"),         /* U+1160 */
        ngx_http_faas_test_text("a\xe1\xa0\x8e" "b"),     /* U+180E */
        ngx_http_faas_test_text("a\xe2\x80\x8b" "b"),     /* U+200B */
        ngx_http_faas_test_text("a\xe2\x80\x8d" "b"),     /* joiner */
        ngx_http_faas_test_text("a\xe2\x80\xae" "yp.b"),  /* from the right */
        ngx_http_faas_test_text("a\xe2\x81\xa0" "b"),     /* U+2060 */
        ngx_http_faas_test_text("a\xe2\x81\xa6" "b"),     /* U+2066 */
        ngx_http_faas_test_text("\xe3\x85\xa4"),          /* U+3164 */
        ngx_http_faas_test_text("a\xef\xb8\x8f"),         /* U+FE0F */
        ngx_http_faas_test_text("\xef\xbb\xbf" "a"),      /* BOM */
        ngx_http_faas_test_text("a\xef\xbe\xa0"),         /* U+FFA0 */
        ngx_http_faas_test_text("a\xf3\xa0\x81\xa1"),     /* a tag */
        ngx_http_faas_test_text("a\xf3\xa0\x84\x80"),     /* U+E0100 */
        ngx_null_string
    };

    ngx_http_faas_test_name_table(names, NGX_ERROR);
}


static void
ngx_http_faas_test_name_encoding(void **state)
{
    static ngx_str_t  names[] = {
        ngx_http_faas_test_text("caf\xe9"),               /* Latin-1 */
        ngx_http_faas_test_text("\xe9t\xe9"),
        ngx_http_faas_test_text("\xc3"),                  /* cut */
        ngx_http_faas_test_text("a\xe4\xbd"),
        ngx_http_faas_test_text("\xf0\xa0\x80"),
        ngx_http_faas_test_text("\xa9"),
        ngx_http_faas_test_text("\xc3\xa9\xa9"),
        ngx_http_faas_test_text("\xc0\xae\xc0\xae"),      /* overlong .. */
        ngx_http_faas_test_text("a\xc0\xaf" "b"),         /* overlong / */
        ngx_http_faas_test_text("a\xe0\x80\xaf" "b"),
        ngx_http_faas_test_text("\xc1\xa1"),              /* overlong a */
        ngx_http_faas_test_text("\xed\xa0\x80"),          /* a surrogate */
        ngx_http_faas_test_text("\xf4\x90\x80\x80"),
        ngx_http_faas_test_text("a\xff"),
        ngx_null_string
    };

    ngx_http_faas_test_name_table(names, NGX_ERROR);
}


/* 64 characters, and not more bytes than a file's name may have */

static void
ngx_http_faas_test_name_length(void **state)
{
    assert_int_equal(ngx_http_faas_test_name_repeat("a", 64), NGX_OK);
    assert_int_equal(ngx_http_faas_test_name_repeat("a", 65), NGX_ERROR);
    assert_int_equal(ngx_http_faas_test_name_repeat("a", 100000), NGX_ERROR);

    assert_int_equal(ngx_http_faas_test_name_repeat("\xc3\xa9", 64), NGX_OK);
    assert_int_equal(ngx_http_faas_test_name_repeat("\xc3\xa9", 65),
                     NGX_ERROR);

    assert_int_equal(ngx_http_faas_test_name_repeat("\xe4\xbd\xa0", 64),
                     NGX_OK);
    assert_int_equal(ngx_http_faas_test_name_repeat("\xe4\xbd\xa0", 65),
                     NGX_ERROR);

    assert_int_equal(ngx_http_faas_test_name_repeat("\xf0\xa0\x80\x80", 61),
                     NGX_OK);
    assert_int_equal(ngx_http_faas_test_name_repeat("\xf0\xa0\x80\x80", 62),
                     NGX_ERROR);

    /* a mark is a character too */

    assert_int_equal(ngx_http_faas_test_name_repeat("a\xcc\x81", 32), NGX_OK);
    assert_int_equal(ngx_http_faas_test_name_repeat("a\xcc\x81", 33),
                     NGX_ERROR);
}


static ngx_int_t
ngx_http_faas_test_name_repeat(char *text, ngx_uint_t n)
{
    size_t       len;
    u_char      *p, *data;
    ngx_int_t    rc;
    ngx_uint_t   i;

    len = ngx_strlen(text);

    data = ngx_alloc(n * len, ngx_cycle->log);
    assert_non_null(data);

    p = data;

    for (i = 0; i < n; i++) {
        p = ngx_cpymem(p, text, len);
    }

    rc = ngx_http_faas_test_name_check(data, n * len);

    ngx_free(data);

    return rc;
}
