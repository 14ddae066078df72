
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * JSON as bytes: arrays and objects, texts that are cut off, and made up ones.
 */


#include "ngx_http_faas.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "ngx_http_faas_unit_scan.h"


int ngx_http_faas_test_scan_structure(void);

static void ngx_http_faas_test_scan_structure_structure(void **state);
static void ngx_http_faas_test_scan_structure_depth(void **state);
static void ngx_http_faas_test_scan_structure_nested(u_char *open, size_t n,
    u_char *close);
static void ngx_http_faas_test_scan_structure_prefixes(void **state);
static void ngx_http_faas_test_scan_structure_random(void **state);
static u_char *ngx_http_faas_test_scan_structure_random_value(u_char *p,
    ngx_uint_t depth);
static void ngx_http_faas_test_scan_structure_after_error(void **state);


static char  ngx_http_faas_test_scan_structure_document[] =
    " {\"a\" : [ 1 , -2.5e+3,\t\"x\\\"\\u00e9\xe2\x82\xac\", {} , [ ] ],\r\n"
    "\"b\":{\"c\":null,\"d\":true, \"\":false},\"e\":0.1,\"f\":[[[-0]]]} ";


int
ngx_http_faas_test_scan_structure(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(ngx_http_faas_test_scan_structure_structure),
        cmocka_unit_test(ngx_http_faas_test_scan_structure_depth),
        cmocka_unit_test(ngx_http_faas_test_scan_structure_prefixes),
        cmocka_unit_test(ngx_http_faas_test_scan_structure_random),
        cmocka_unit_test(ngx_http_faas_test_scan_structure_after_error)
    };

    return cmocka_run_group_tests_name("scan_structure", tests,
                                       ngx_http_faas_unit_text_setup,
                                       ngx_http_faas_unit_text_teardown);
}


static void
ngx_http_faas_test_scan_structure_structure(void **state)
{
    static ngx_http_faas_unit_scan_case_t  cases[] = {
        ngx_http_faas_unit_good("[1]"),
        ngx_http_faas_unit_good("[[]]"),
        ngx_http_faas_unit_good("[[],[]]"),
        ngx_http_faas_unit_good("[{},{}]"),
        ngx_http_faas_unit_good("[ ]"),
        ngx_http_faas_unit_good("{ }"),
        ngx_http_faas_unit_good("[null,true,false,0,\"\",[],{}]"),
        ngx_http_faas_unit_good("{\"\":0}"),
        ngx_http_faas_unit_good("{\"a\":{\"a\":{\"a\":[{\"a\":1}]}}}"),
        ngx_http_faas_unit_good("{\"a\":1,\"a\":2,\"\\u0061\":3}"),
        ngx_http_faas_unit_good("{\"a\\u0000b\":null}"),
        ngx_http_faas_unit_good(" { \"a\" : [ 1 , 2 ] , \"b\" : { } } "),
        ngx_http_faas_unit_good("\r\n\t{\r\n\t\"a\"\r\n\t:\r\n\t1\r\n\t}\r\n"),

        ngx_http_faas_unit_cut("["),
        ngx_http_faas_unit_cut("[1"),
        ngx_http_faas_unit_cut("[1,"),
        ngx_http_faas_unit_cut("[[]"),
        ngx_http_faas_unit_cut("{"),
        ngx_http_faas_unit_cut("{\"a\""),
        ngx_http_faas_unit_cut("{\"a\":"),
        ngx_http_faas_unit_cut("{\"a\":1"),
        ngx_http_faas_unit_cut("{\"a\":1,"),
        ngx_http_faas_unit_cut("{\"a\":{}"),

        ngx_http_faas_unit_bad("[,]", 1),
        ngx_http_faas_unit_bad("[1,]", 3),
        ngx_http_faas_unit_bad("[1, ]", 4),
        ngx_http_faas_unit_bad("[,1]", 1),
        ngx_http_faas_unit_bad("[1,,2]", 3),
        ngx_http_faas_unit_bad("[1 2]", 3),
        ngx_http_faas_unit_bad("[1;2]", 2),
        ngx_http_faas_unit_bad("[\"a\":1]", 4),
        ngx_http_faas_unit_bad("[\"a\" \"b\"]", 5),
        ngx_http_faas_unit_bad("[[1]{}]", 4),
        ngx_http_faas_unit_bad("[}", 1),
        ngx_http_faas_unit_bad("[1}", 2),
        ngx_http_faas_unit_bad("[...]", 1),
        ngx_http_faas_unit_bad("[a]", 1),

        ngx_http_faas_unit_bad("{,}", 1),
        ngx_http_faas_unit_bad("{]", 1),
        ngx_http_faas_unit_bad("{\"a\"]", 4),
        ngx_http_faas_unit_bad("{\"a\"}", 4),
        ngx_http_faas_unit_bad("{\"a\":}", 5),
        ngx_http_faas_unit_bad("{\"a\",1}", 4),
        ngx_http_faas_unit_bad("{\"a\" 1}", 5),
        ngx_http_faas_unit_bad("{\"a\"::1}", 5),
        ngx_http_faas_unit_bad("{\"a\":1,}", 7),
        ngx_http_faas_unit_bad("{\"a\":1,,\"b\":1}", 7),
        ngx_http_faas_unit_bad("{\"a\":1 \"b\":1}", 7),
        ngx_http_faas_unit_bad("{\"a\":1:2}", 6),
        ngx_http_faas_unit_bad("{\"a\":1,2}", 7),
        ngx_http_faas_unit_bad("{\"a\":1]", 6),
        ngx_http_faas_unit_bad("{\"a\":[1}", 7),
        ngx_http_faas_unit_bad("{\"a\":[1}]", 7),
        ngx_http_faas_unit_bad("{\"a\":1,]", 7),
        ngx_http_faas_unit_bad("{a:1}", 1),
        ngx_http_faas_unit_bad("{'a':1}", 1),
        ngx_http_faas_unit_bad("{1:1}", 1),
        ngx_http_faas_unit_bad("{null:1}", 1),
        ngx_http_faas_unit_bad("{[]:1}", 1),
        ngx_http_faas_unit_bad("{{}:1}", 1),
        ngx_http_faas_unit_bad("{\"a\":1}}", 7),
        ngx_http_faas_unit_bad("{\"a\":1}]", 7),
        ngx_http_faas_unit_bad("{\"input\":1} xyz", 12),
        ngx_http_faas_unit_bad("{\"a\":/" "* *" "/1}", 5),

        ngx_http_faas_unit_end
    };

    ngx_http_faas_unit_scan_table(cases);
}


static void
ngx_http_faas_test_scan_structure_depth(void **state)
{
    u_char                     *text;
    ngx_uint_t                  i;
    ngx_http_faas_json_scan_t   scan;

    ngx_http_faas_test_scan_structure_nested((u_char *) "[", 1,
                                             (u_char *) "]");
    ngx_http_faas_test_scan_structure_nested((u_char *) "{\"a\":", 5,
                                             (u_char *) "}");

    /* far too deep, and never closed */

    text = ngx_alloc(100000, ngx_cycle->log);
    assert_non_null(text);

    ngx_memset(text, '[', 100000);

    assert_int_equal(ngx_http_faas_unit_scan_verdict(text, 100000, 100000, 1),
                     NGX_HTTP_FAAS_JSON_DEPTH);

    for (i = 0; i + 5 <= 100000; i += 5) {
        ngx_memcpy(text + i, "{\"a\":", 5);
    }

    assert_int_equal(ngx_http_faas_unit_scan_verdict(text, 100000, 100000, 1),
                     5 * NGX_HTTP_FAAS_JSON_DEPTH);

    /* wide is not deep */

    ngx_memset(text, ' ', 100000);
    text[0] = '[';

    for (i = 1; i + 3 <= 99999; i += 3) {
        ngx_memcpy(text + i, "[],", 3);
    }

    ngx_memcpy(text + i - 3, "{}]", 3);

    assert_int_equal(ngx_http_faas_unit_scan_verdict(text, 100000, 100000, 1),
                     NGX_HTTP_FAAS_UNIT_GOOD);

    /* each level remembers what it is: [{"a":[{"a":[ ... */

    ngx_http_faas_json_scan_init(&scan);

    for (i = 0; i < NGX_HTTP_FAAS_JSON_DEPTH / 2; i++) {
        assert_int_equal(ngx_http_faas_unit_scan_piece(&scan,
                             (u_char *) "[{\"a\":", 6), NGX_OK);
    }

    assert_int_equal(ngx_http_faas_unit_scan_piece(&scan, (u_char *) "0", 1),
                     NGX_OK);

    for (i = 0; i < NGX_HTTP_FAAS_JSON_DEPTH / 2; i++) {
        assert_int_equal(ngx_http_faas_json_scan_end(&scan), NGX_ERROR);
        assert_int_equal(ngx_http_faas_unit_scan_piece(&scan, (u_char *) "}]",
                                                       2), NGX_OK);
    }

    assert_int_equal(ngx_http_faas_json_scan_end(&scan), NGX_OK);

    ngx_free(text);
}


static void
ngx_http_faas_test_scan_structure_nested(u_char *open, size_t n, u_char *close)
{
    size_t       len;
    u_char      *text, *p;
    ngx_int_t    verdict;
    ngx_uint_t   i, depth;

    for (depth = NGX_HTTP_FAAS_JSON_DEPTH - 1;
         depth <= NGX_HTTP_FAAS_JSON_DEPTH + 1;
         depth++)
    {
        len = depth * (n + 1) + 2;

        text = ngx_alloc(len, ngx_cycle->log);
        assert_non_null(text);

        p = text;

        for (i = 0; i < depth; i++) {
            p = ngx_cpymem(p, open, n);
        }

        p = ngx_cpymem(p, "\"\"", 2);

        for (i = 0; i < depth; i++) {
            *p++ = *close;
        }

        verdict = (depth > NGX_HTTP_FAAS_JSON_DEPTH)
                  ? (ngx_int_t) (n * NGX_HTTP_FAAS_JSON_DEPTH)
                  : NGX_HTTP_FAAS_UNIT_GOOD;

        assert_int_equal(ngx_http_faas_unit_scan_verdict(text, len, len, 1),
                         verdict);
        assert_int_equal(ngx_http_faas_unit_scan_verdict(text, len, 1, 1),
                         verdict);

        ngx_free(text);
    }
}


/* whatever a good text begins with is not wrong, but not all of it */

static void
ngx_http_faas_test_scan_structure_prefixes(void **state)
{
    size_t      len, n;
    u_char     *text;
    ngx_int_t   verdict;

    text = (u_char *) ngx_http_faas_test_scan_structure_document;
    len = sizeof(ngx_http_faas_test_scan_structure_document) - 1;

    for (n = 0; n < len - 1; n++) {
        verdict = ngx_http_faas_unit_scan_verdict(text, n, n, 1);
        assert_int_equal(verdict, NGX_HTTP_FAAS_UNIT_CUT);
    }

    for (n = 1; n <= len; n++) {
        verdict = ngx_http_faas_unit_scan_verdict(text, len, n, n);
        assert_int_equal(verdict, NGX_HTTP_FAAS_UNIT_GOOD);
    }
}


/* good texts as they come, and the same with one byte gone or another */

static void
ngx_http_faas_test_scan_structure_random(void **state)
{
    size_t       len, n;
    u_char      *text, *last;
    ngx_int_t    verdict;
    ngx_uint_t   i, j;

    text = ngx_palloc(*state, 1024 * 1024);
    assert_non_null(text);

    srandom(2);

    for (i = 0; i < 2000; i++) {
        last = ngx_http_faas_test_scan_structure_random_value(text, 0);
        len = last - text;

        verdict = ngx_http_faas_unit_scan_verdict(text, len, len, 1);

        if (verdict != NGX_HTTP_FAAS_UNIT_GOOD) {
            fail_msg("'%.*s' gives %i", (int) len, text, (int) verdict);
        }

        for (j = 0; j < 10; j++) {
            text[(size_t) random() % len] =
                          (u_char) "\"\\{}[],:0e-. \n\x80\xc3"[random() % 16];

            verdict = ngx_http_faas_unit_scan_verdict(text, len, len, 1);
            n = 1 + (size_t) random() % len;

            assert_int_equal(ngx_http_faas_unit_scan_verdict(text, len, n,
                                 1 + (size_t) random() % 9), verdict);
        }
    }
}


static u_char *
ngx_http_faas_test_scan_structure_random_value(u_char *p, ngx_uint_t depth)
{
    ngx_uint_t  i, n, object;

    static char  *scalars[] = {
        "null", "true", "false", "0", "-0", "1e999", "-12.50E-07",
        "9007199254740993", "\"\"", "\"a\\\"]\"", "\"\\u0000\\ud800\"",
        "\"\xf0\x9f\x98\x80\"", "[]", "{}", " 1 ", "\t\"\x7f\"\n"
    };

    n = (ngx_uint_t) random() % 16;

    if (depth > 5 || (depth && n < 8)) {
        n = (ngx_uint_t) random() % 16;
        return ngx_cpymem(p, scalars[n], ngx_strlen(scalars[n]));
    }

    object = n & 1;

    *p++ = object ? '{' : '[';

    n = (ngx_uint_t) random() % 5;

    for (i = 0; i < n; i++) {

        if (i) {
            *p++ = ',';
        }

        if (object) {
            p = ngx_sprintf(p, "\"%*s\\u%04xi\" :", (size_t) random() % 3,
                            "ab", (ngx_int_t) random() % 0x10000);
        }

        p = ngx_http_faas_test_scan_structure_random_value(p, depth + 1);
    }

    *p++ = object ? '}' : ']';

    return p;
}


/* an error stays, and with it the offset */

static void
ngx_http_faas_test_scan_structure_after_error(void **state)
{
    ngx_http_faas_json_scan_t  scan;

    ngx_http_faas_json_scan_init(&scan);

    assert_int_equal(ngx_http_faas_json_scan_end(&scan), NGX_ERROR);

    assert_int_equal(ngx_http_faas_unit_scan_piece(&scan, (u_char *) "[1", 2),
                     NGX_OK);
    assert_int_equal(ngx_http_faas_unit_scan_piece(&scan, (u_char *) "2;]", 3),
                     NGX_ERROR);
    assert_int_equal(scan.offset, 3);

    assert_int_equal(ngx_http_faas_unit_scan_piece(&scan, (u_char *) "]", 1),
                     NGX_ERROR);
    assert_int_equal(ngx_http_faas_json_scan_end(&scan), NGX_ERROR);
    assert_int_equal(scan.offset, 3);

    /* and goes with a new text */

    ngx_http_faas_json_scan_init(&scan);

    assert_int_equal(ngx_http_faas_unit_scan_piece(&scan, (u_char *) "[]", 2),
                     NGX_OK);
    assert_int_equal(ngx_http_faas_json_scan_end(&scan), NGX_OK);
    assert_int_equal(scan.offset, 2);
}
