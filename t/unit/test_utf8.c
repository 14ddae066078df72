
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * UTF-8.  A walk over all sequences of four bytes shows that just the valid
 * ones are taken; the tables show what is made of the others.
 */


#include "ngx_http_faas.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "ngx_http_faas_utf8.h"


/* a literal with its length, since there may be NUL in it */
#define ngx_http_faas_test_text(s)  { sizeof(s) - 1, (u_char *) s }


typedef struct {
    ngx_str_t    text;
    ngx_int_t    check;
    ngx_int_t    end;                    /* if the check was NGX_OK */
} ngx_http_faas_test_utf8_check_t;


typedef struct {
    ngx_str_t    text;
    ngx_str_t    clean;
} ngx_http_faas_test_utf8_clean_t;


int ngx_http_faas_test_utf8(void);

static int ngx_http_faas_test_utf8_setup(void **state);
static int ngx_http_faas_test_utf8_teardown(void **state);
static void ngx_http_faas_test_utf8_cases(void **state);
static void ngx_http_faas_test_utf8_long(void **state);
static void ngx_http_faas_test_utf8_all(void **state);
static void ngx_http_faas_test_utf8_walk(ngx_http_faas_utf8_t *utf8,
    u_char *text, ngx_uint_t n, ngx_uint_t *found);
static uint32_t ngx_http_faas_test_utf8_decode(u_char *text, ngx_uint_t n);
static void ngx_http_faas_test_utf8_replaced(void **state);
static void ngx_http_faas_test_utf8_untouched(void **state);
static void ngx_http_faas_test_utf8_random(void **state);
static void ngx_http_faas_test_utf8_line(void **state);


static ngx_http_faas_test_utf8_check_t  ngx_http_faas_test_utf8_checks[] = {

    { ngx_http_faas_test_text(""), NGX_OK, NGX_OK },
    { ngx_http_faas_test_text("plain"), NGX_OK, NGX_OK },
    { ngx_http_faas_test_text("\0\x01\x7f"), NGX_OK, NGX_OK },
    { ngx_http_faas_test_text("a\xc3\xa9z"), NGX_OK, NGX_OK },
    { ngx_http_faas_test_text("\xe2\x82\xac"), NGX_OK, NGX_OK },
    { ngx_http_faas_test_text("\xf0\x9f\x98\x80!"), NGX_OK, NGX_OK },

    /* the first and the last of each length, and around the surrogates */

    { ngx_http_faas_test_text("\xc2\x80\xdf\xbf"), NGX_OK, NGX_OK },
    { ngx_http_faas_test_text("\xe0\xa0\x80\xef\xbf\xbf"), NGX_OK, NGX_OK },
    { ngx_http_faas_test_text("\xed\x9f\xbf\xee\x80\x80"), NGX_OK, NGX_OK },
    { ngx_http_faas_test_text("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"),
      NGX_OK, NGX_OK },
    { ngx_http_faas_test_text("\xef\xbb\xbf"), NGX_OK, NGX_OK },

    /* cut */

    { ngx_http_faas_test_text("\xc3"), NGX_OK, NGX_ERROR },
    { ngx_http_faas_test_text("ab\xe2"), NGX_OK, NGX_ERROR },
    { ngx_http_faas_test_text("ab\xe2\x82"), NGX_OK, NGX_ERROR },
    { ngx_http_faas_test_text("\xf0\x9f\x98"), NGX_OK, NGX_ERROR },

    /* no beginning, no end */

    { ngx_http_faas_test_text("\x80"), NGX_ERROR, 0 },
    { ngx_http_faas_test_text("a\xbf"), NGX_ERROR, 0 },
    { ngx_http_faas_test_text("\xc3\xa9\xa9"), NGX_ERROR, 0 },
    { ngx_http_faas_test_text("\xc3" "a"), NGX_ERROR, 0 },
    { ngx_http_faas_test_text("\xe2\x82\xc3\xa9"), NGX_ERROR, 0 },
    { ngx_http_faas_test_text("\xf0\x9f\x98" "a"), NGX_ERROR, 0 },
    { ngx_http_faas_test_text("\xe9"), NGX_OK, NGX_ERROR },
    { ngx_http_faas_test_text("caf\xe9 au lait"), NGX_ERROR, 0 },

    /* overlong */

    { ngx_http_faas_test_text("\xc0\x80"), NGX_ERROR, 0 },
    { ngx_http_faas_test_text("\xc0\xaf"), NGX_ERROR, 0 },
    { ngx_http_faas_test_text("\xc1\xbf"), NGX_ERROR, 0 },
    { ngx_http_faas_test_text("\xe0\x80\xaf"), NGX_ERROR, 0 },
    { ngx_http_faas_test_text("\xe0\x9f\xbf"), NGX_ERROR, 0 },
    { ngx_http_faas_test_text("\xf0\x80\x80\xaf"), NGX_ERROR, 0 },
    { ngx_http_faas_test_text("\xf0\x8f\xbf\xbf"), NGX_ERROR, 0 },

    /* surrogates, alone and as in CESU-8 */

    { ngx_http_faas_test_text("\xed\xa0\x80"), NGX_ERROR, 0 },
    { ngx_http_faas_test_text("\xed\xbf\xbf"), NGX_ERROR, 0 },
    { ngx_http_faas_test_text("\xed\xa0\xbd\xed\xb8\x80"), NGX_ERROR, 0 },

    /* beyond the last, and the bytes that never are */

    { ngx_http_faas_test_text("\xf4\x90\x80\x80"), NGX_ERROR, 0 },
    { ngx_http_faas_test_text("\xf5\x80\x80\x80"), NGX_ERROR, 0 },
    { ngx_http_faas_test_text("\xf8\x88\x80\x80\x80"), NGX_ERROR, 0 },
    { ngx_http_faas_test_text("\xfe"), NGX_ERROR, 0 },
    { ngx_http_faas_test_text("\xff"), NGX_ERROR, 0 },

    { ngx_null_string, 0, 0 }
};


/* each longest beginning of a character becomes one U+FFFD */

static ngx_http_faas_test_utf8_clean_t  ngx_http_faas_test_utf8_cleans[] = {

    { ngx_http_faas_test_text("\xff"),
      ngx_http_faas_test_text("\xef\xbf\xbd") },

    { ngx_http_faas_test_text("caf\xe9 au lait"),
      ngx_http_faas_test_text("caf\xef\xbf\xbd au lait") },

    { ngx_http_faas_test_text("caf\xe9"),
      ngx_http_faas_test_text("caf\xef\xbf\xbd") },

    { ngx_http_faas_test_text("\x80\x80" "a"),
      ngx_http_faas_test_text("\xef\xbf\xbd\xef\xbf\xbd" "a") },

    { ngx_http_faas_test_text("\xe2\x82"),
      ngx_http_faas_test_text("\xef\xbf\xbd") },

    { ngx_http_faas_test_text("\xe2\x82\xc3\xa9\xf0\x9f\x98"),
      ngx_http_faas_test_text("\xef\xbf\xbd\xc3\xa9\xef\xbf\xbd") },

    { ngx_http_faas_test_text("\xe2\xe2\x82\xac"),
      ngx_http_faas_test_text("\xef\xbf\xbd\xe2\x82\xac") },

    { ngx_http_faas_test_text("\xc0\xaf"),
      ngx_http_faas_test_text("\xef\xbf\xbd\xef\xbf\xbd") },

    { ngx_http_faas_test_text("\xed\xa0\x80"),
      ngx_http_faas_test_text("\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd") },

    { ngx_http_faas_test_text("\xf4\x90\x80\x80" "a"),
      ngx_http_faas_test_text("\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
                              "\xef\xbf\xbd" "a") },

    { ngx_http_faas_test_text("\0\xff\0"),
      ngx_http_faas_test_text("\0\xef\xbf\xbd\0") },

    { ngx_null_string, ngx_null_string }
};


int
ngx_http_faas_test_utf8(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(ngx_http_faas_test_utf8_cases),
        cmocka_unit_test(ngx_http_faas_test_utf8_long),
        cmocka_unit_test(ngx_http_faas_test_utf8_all),
        cmocka_unit_test(ngx_http_faas_test_utf8_replaced),
        cmocka_unit_test(ngx_http_faas_test_utf8_untouched),
        cmocka_unit_test(ngx_http_faas_test_utf8_random),
        cmocka_unit_test(ngx_http_faas_test_utf8_line)
    };

    return cmocka_run_group_tests_name("utf8", tests,
                                       ngx_http_faas_test_utf8_setup,
                                       ngx_http_faas_test_utf8_teardown);
}


static int
ngx_http_faas_test_utf8_setup(void **state)
{
    *state = ngx_create_pool(4096, ngx_cycle->log);

    return *state ? 0 : -1;
}


static int
ngx_http_faas_test_utf8_teardown(void **state)
{
    ngx_destroy_pool(*state);

    return 0;
}


/* in two pieces, cut everywhere */

static void
ngx_http_faas_test_utf8_cases(void **state)
{
    size_t                            cut;
    u_char                           *p, *last;
    ngx_int_t                         rc;
    ngx_http_faas_utf8_t              utf8;
    ngx_http_faas_test_utf8_check_t  *tc;

    for (tc = ngx_http_faas_test_utf8_checks; tc->text.data; tc++) {

        p = tc->text.data;
        last = p + tc->text.len;

        for (cut = 0; cut <= tc->text.len; cut++) {
            ngx_memzero(&utf8, sizeof(ngx_http_faas_utf8_t));

            rc = ngx_http_faas_utf8_check(&utf8, p, p + cut);

            if (rc == NGX_OK) {
                rc = ngx_http_faas_utf8_check(&utf8, p + cut, last);
            }

            assert_int_equal(rc, tc->check);

            if (rc == NGX_OK) {
                assert_int_equal(ngx_http_faas_utf8_end(&utf8), tc->end);
            }
        }
    }
}


/* wherever in a long text, the one bad byte is found */

static void
ngx_http_faas_test_utf8_long(void **state)
{
    u_char                text[100];
    ngx_uint_t            i, from;
    ngx_http_faas_utf8_t  utf8;

    ngx_memset(text, 'a', sizeof(text));

    for (i = 0; i < sizeof(text); i++) {
        text[i] = 0x80;

        for (from = 0; from < 10; from++) {
            ngx_memzero(&utf8, sizeof(ngx_http_faas_utf8_t));

            assert_int_equal(ngx_http_faas_utf8_check(&utf8, text + from,
                                                      text + sizeof(text)),
                             i < from ? NGX_OK : NGX_ERROR);
        }

        text[i] = 'a';
    }
}


static void
ngx_http_faas_test_utf8_all(void **state)
{
    u_char                text[4];
    ngx_uint_t            found[4];
    ngx_http_faas_utf8_t  utf8;

    ngx_memzero(found, sizeof(found));
    ngx_memzero(&utf8, sizeof(ngx_http_faas_utf8_t));

    ngx_http_faas_test_utf8_walk(&utf8, text, 0, found);

    assert_int_equal(found[0], 0x80);
    assert_int_equal(found[1], 0x800 - 0x80);
    assert_int_equal(found[2], 0x10000 - 0x800 - 0x800);
    assert_int_equal(found[3], 0x110000 - 0x10000);
}


static void
ngx_http_faas_test_utf8_walk(ngx_http_faas_utf8_t *utf8, u_char *text,
    ngx_uint_t n, ngx_uint_t *found)
{
    uint32_t              ch;
    ngx_uint_t            i;
    ngx_http_faas_utf8_t  next;

    static uint32_t  first[] = { 0, 0x80, 0x800, 0x10000 };

    assert_true(n < 4);

    for (i = 0; i < 256; i++) {
        text[n] = (u_char) i;
        next = *utf8;

        if (ngx_http_faas_utf8_byte(&next, text[n]) != NGX_OK) {
            continue;
        }

        if (ngx_http_faas_utf8_end(&next) != NGX_OK) {
            ngx_http_faas_test_utf8_walk(&next, text, n + 1, found);
            continue;
        }

        ch = ngx_http_faas_test_utf8_decode(text, n + 1);

        assert_true(ch >= first[n] && ch <= 0x10ffff);
        assert_true(ch < 0xd800 || ch > 0xdfff);

        found[n]++;
    }
}


static uint32_t
ngx_http_faas_test_utf8_decode(u_char *text, ngx_uint_t n)
{
    uint32_t    ch;
    ngx_uint_t  i;

    if (n == 1) {
        return text[0];
    }

    ch = text[0] & (0x7f >> n);

    for (i = 1; i < n; i++) {
        assert_int_equal(text[i] & 0xc0, 0x80);
        ch = ch << 6 | (text[i] & 0x3f);
    }

    return ch;
}


static void
ngx_http_faas_test_utf8_replaced(void **state)
{
    ngx_str_t                         s;
    ngx_http_faas_test_utf8_clean_t  *tc;

    for (tc = ngx_http_faas_test_utf8_cleans; tc->text.data; tc++) {
        s = tc->text;

        assert_int_equal(ngx_http_faas_utf8_sanitize(*state, &s), NGX_OK);

        assert_int_equal(s.len, tc->clean.len);
        assert_memory_equal(s.data, tc->clean.data, s.len);
    }
}


/* what is right is not even copied */

static void
ngx_http_faas_test_utf8_untouched(void **state)
{
    ngx_str_t                         s;
    ngx_http_faas_test_utf8_check_t  *tc;

    for (tc = ngx_http_faas_test_utf8_checks; tc->text.data; tc++) {

        if (tc->check != NGX_OK || tc->end != NGX_OK) {
            continue;
        }

        s = tc->text;

        assert_int_equal(ngx_http_faas_utf8_sanitize(*state, &s), NGX_OK);

        assert_int_equal(s.len, tc->text.len);
        assert_ptr_equal(s.data, tc->text.data);
    }

    ngx_str_null(&s);

    assert_int_equal(ngx_http_faas_utf8_sanitize(*state, &s), NGX_OK);
    assert_int_equal(s.len, 0);
}


/* whatever goes in, UTF-8 comes out */

static void
ngx_http_faas_test_utf8_random(void **state)
{
    u_char                text[24];
    ngx_str_t             s;
    ngx_uint_t            i, j;
    ngx_pool_t           *pool;
    ngx_http_faas_utf8_t  utf8;

    /* more of the bytes that matter */

    static u_char  bytes[] = { 'a', 0, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0,
                               0xbf, 0xc0, 0xc2, 0xdf, 0xe0, 0xe1, 0xed,
                               0xef, 0xf0, 0xf1, 0xf4, 0xf5, 0xff };

    srandom(1);

    for (i = 0; i < 20000; i++) {
        pool = ngx_create_pool(1024, ngx_cycle->log);
        assert_non_null(pool);

        s.len = (size_t) random() % sizeof(text);
        s.data = text;

        for (j = 0; j < s.len; j++) {
            text[j] = bytes[(size_t) random() % sizeof(bytes)];
        }

        assert_int_equal(ngx_http_faas_utf8_sanitize(pool, &s), NGX_OK);
        assert_true(s.len <= 3 * sizeof(text));

        ngx_memzero(&utf8, sizeof(ngx_http_faas_utf8_t));

        assert_int_equal(ngx_http_faas_utf8_check(&utf8, s.data,
                                                  s.data + s.len),
                         NGX_OK);
        assert_int_equal(ngx_http_faas_utf8_end(&utf8), NGX_OK);

        ngx_destroy_pool(pool);
    }
}


/* a line of the log: nothing that a terminal would obey, and all the rest */

static void
ngx_http_faas_test_utf8_line(void **state)
{
    ngx_str_t                         s;
    ngx_uint_t                        i;
    ngx_http_faas_test_utf8_clean_t  *tc;

    static ngx_http_faas_test_utf8_clean_t  lines[] = {
        { ngx_http_faas_test_text(""), ngx_http_faas_test_text("") },
        { ngx_http_faas_test_text("plain ~"),
          ngx_http_faas_test_text("plain ~") },
        { ngx_http_faas_test_text("a\r\nb\tc\0d\x1b[2J\x7f"),
          ngx_http_faas_test_text("a  b c d [2J ") },

        /* U+0080, U+009F, and their neighbours */

        { ngx_http_faas_test_text("\xc2\x80|\xc2\x9f|\xc2\xa0|\xc3\x80|\x7e"),
          ngx_http_faas_test_text("  |  |\xc2\xa0|\xc3\x80|\x7e") },
        { ngx_http_faas_test_text("\xe2\x82\xac\xf0\x9f\x98\x80"),
          ngx_http_faas_test_text("\xe2\x82\xac\xf0\x9f\x98\x80") },

        /* what is no UTF-8: raw, overlong, cut off, in the middle and at the end */

        { ngx_http_faas_test_text("a\x9b" "31m\x85\xff"),
          ngx_http_faas_test_text("a 31m  ") },
        { ngx_http_faas_test_text("\xc0\x9b\xc1\xbf"),
          ngx_http_faas_test_text("    ") },
        { ngx_http_faas_test_text("\xe2\x82z\xe2\x82\xac"),
          ngx_http_faas_test_text("  z\xe2\x82\xac") },
        { ngx_http_faas_test_text("\xe2\x1b\xc2\x9b"),
          ngx_http_faas_test_text("    ") },
        { ngx_http_faas_test_text("a\xc2"), ngx_http_faas_test_text("a ") },
        { ngx_http_faas_test_text("a\xf0\x9f\x98"),
          ngx_http_faas_test_text("a   ") }
    };

    for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        tc = &lines[i];

        s.len = tc->text.len;
        s.data = ngx_alloc(s.len + 1, ngx_cycle->log);
        assert_non_null(s.data);

        /* at the end of its block, so that ASan sees a byte too much */

        ngx_memcpy(s.data + 1, tc->text.data, s.len);
        ngx_http_faas_utf8_line(s.data + 1, s.data + 1 + s.len);

        assert_int_equal(s.len, tc->clean.len);
        assert_memory_equal(s.data + 1, tc->clean.data, s.len);

        ngx_free(s.data);
    }
}
