
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * JSON as bytes.  Every text is scanned whole, in two pieces cut everywhere
 * and byte by byte, each piece in a block of just its length, so that ASan
 * sees a byte too much.
 */


#include "ngx_http_faas.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "ngx_http_faas_json_scan.h"


/* a literal with its length, since there may be NUL in it */
#define ngx_http_faas_test_text(s)  { sizeof(s) - 1, (u_char *) s }

/* the verdicts that are not the offset of a bad byte */
#define NGX_HTTP_FAAS_TEST_GOOD     -1
#define NGX_HTTP_FAAS_TEST_CUT      -2

#define ngx_http_faas_test_good(s)                                            \
    { ngx_http_faas_test_text(s), NGX_HTTP_FAAS_TEST_GOOD }
#define ngx_http_faas_test_cut(s)                                             \
    { ngx_http_faas_test_text(s), NGX_HTTP_FAAS_TEST_CUT }
#define ngx_http_faas_test_bad(s, offset)                                     \
    { ngx_http_faas_test_text(s), offset }
#define ngx_http_faas_test_end                                                \
    { ngx_null_string, 0 }


typedef struct {
    ngx_str_t    text;
    ngx_int_t    verdict;
} ngx_http_faas_test_scan_case_t;


int ngx_http_faas_test_scan(void);

static int ngx_http_faas_test_scan_setup(void **state);
static int ngx_http_faas_test_scan_teardown(void **state);
static ngx_int_t ngx_http_faas_test_scan_piece(
    ngx_http_faas_json_scan_t *scan, u_char *p, size_t len);
static ngx_int_t ngx_http_faas_test_scan_verdict(u_char *p, size_t len,
    size_t first, size_t step);
static void ngx_http_faas_test_scan_table(ngx_http_faas_test_scan_case_t *tc);
static void ngx_http_faas_test_scan_values(void **state);
static void ngx_http_faas_test_scan_numbers(void **state);
static void ngx_http_faas_test_scan_strings(void **state);
static void ngx_http_faas_test_scan_string_bytes(void **state);
static void ngx_http_faas_test_scan_structure(void **state);
static void ngx_http_faas_test_scan_depth(void **state);
static void ngx_http_faas_test_scan_nested(u_char *open, size_t n,
    u_char *close);
static void ngx_http_faas_test_scan_prefixes(void **state);
static void ngx_http_faas_test_scan_random(void **state);
static u_char *ngx_http_faas_test_scan_random_value(u_char *p,
    ngx_uint_t depth);
static void ngx_http_faas_test_scan_after_error(void **state);


static char  ngx_http_faas_test_scan_document[] =
    " {\"a\" : [ 1 , -2.5e+3,\t\"x\\\"\\u00e9\xe2\x82\xac\", {} , [ ] ],\r\n"
    "\"b\":{\"c\":null,\"d\":true, \"\":false},\"e\":0.1,\"f\":[[[-0]]]} ";


int
ngx_http_faas_test_scan(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(ngx_http_faas_test_scan_values),
        cmocka_unit_test(ngx_http_faas_test_scan_numbers),
        cmocka_unit_test(ngx_http_faas_test_scan_strings),
        cmocka_unit_test(ngx_http_faas_test_scan_string_bytes),
        cmocka_unit_test(ngx_http_faas_test_scan_structure),
        cmocka_unit_test(ngx_http_faas_test_scan_depth),
        cmocka_unit_test(ngx_http_faas_test_scan_prefixes),
        cmocka_unit_test(ngx_http_faas_test_scan_random),
        cmocka_unit_test(ngx_http_faas_test_scan_after_error)
    };

    return cmocka_run_group_tests_name("scan", tests,
                                       ngx_http_faas_test_scan_setup,
                                       ngx_http_faas_test_scan_teardown);
}


static int
ngx_http_faas_test_scan_setup(void **state)
{
    *state = ngx_create_pool(4096, ngx_cycle->log);

    return *state ? 0 : -1;
}


static int
ngx_http_faas_test_scan_teardown(void **state)
{
    ngx_destroy_pool(*state);

    return 0;
}


static ngx_int_t
ngx_http_faas_test_scan_piece(ngx_http_faas_json_scan_t *scan, u_char *p,
    size_t len)
{
    u_char     *piece;
    ngx_int_t   rc;

    piece = ngx_alloc(len, ngx_cycle->log);
    assert_non_null(piece);

    ngx_memcpy(piece, p, len);

    rc = ngx_http_faas_json_scan(scan, piece, piece + len);

    ngx_memset(piece, '?', len);
    ngx_free(piece);

    return rc;
}


/* a first piece, and then others of the size of the step */

static ngx_int_t
ngx_http_faas_test_scan_verdict(u_char *p, size_t len, size_t first,
    size_t step)
{
    size_t                     n, done;
    ngx_http_faas_json_scan_t  scan;

    ngx_http_faas_json_scan_init(&scan);

    n = first;

    for (done = 0; done < len; done += n, n = step) {
        n = ngx_min(n, len - done);

        if (ngx_http_faas_test_scan_piece(&scan, p + done, n) != NGX_OK) {
            assert_int_equal(ngx_http_faas_json_scan_end(&scan), NGX_ERROR);
            return (ngx_int_t) scan.offset;
        }
    }

    assert_int_equal(scan.offset, len);

    return (ngx_http_faas_json_scan_end(&scan) == NGX_OK)
           ? NGX_HTTP_FAAS_TEST_GOOD : NGX_HTTP_FAAS_TEST_CUT;
}


static void
ngx_http_faas_test_scan_table(ngx_http_faas_test_scan_case_t *tc)
{
    size_t      len, cut;
    u_char     *p;
    ngx_int_t   verdict;

    for ( /* void */ ; tc->text.data; tc++) {
        p = tc->text.data;
        len = tc->text.len;

        verdict = ngx_http_faas_test_scan_verdict(p, len, len, len);

        if (verdict != tc->verdict) {
            fail_msg("'%.*s' gives %i, not %i", (int) len, p, (int) verdict,
                     (int) tc->verdict);
        }

        for (cut = 0; cut < len; cut++) {
            verdict = ngx_http_faas_test_scan_verdict(p, len, cut, len);
            assert_int_equal(verdict, tc->verdict);
        }

        verdict = ngx_http_faas_test_scan_verdict(p, len, 1, 1);
        assert_int_equal(verdict, tc->verdict);
    }
}


static void
ngx_http_faas_test_scan_values(void **state)
{
    static ngx_http_faas_test_scan_case_t  cases[] = {
        ngx_http_faas_test_good("null"),
        ngx_http_faas_test_good("true"),
        ngx_http_faas_test_good("false"),
        ngx_http_faas_test_good("0"),
        ngx_http_faas_test_good("\"\""),
        ngx_http_faas_test_good("[]"),
        ngx_http_faas_test_good("{}"),
        ngx_http_faas_test_good(" \t\r\n null \n\r\t "),
        ngx_http_faas_test_good("\n0\n"),

        ngx_http_faas_test_cut(""),
        ngx_http_faas_test_cut(" "),
        ngx_http_faas_test_cut(" \t\r\n"),
        ngx_http_faas_test_cut("n"),
        ngx_http_faas_test_cut("nul"),
        ngx_http_faas_test_cut("tru"),
        ngx_http_faas_test_cut("fals"),

        /* literals */
        ngx_http_faas_test_bad("nulL", 3),
        ngx_http_faas_test_bad("nul ", 3),
        ngx_http_faas_test_bad("nullx", 4),
        ngx_http_faas_test_bad("null0", 4),
        ngx_http_faas_test_bad("truefalse", 4),
        ngx_http_faas_test_bad("True", 0),
        ngx_http_faas_test_bad("NULL", 0),
        ngx_http_faas_test_bad("nan", 1),
        ngx_http_faas_test_bad("NaN", 0),
        ngx_http_faas_test_bad("Infinity", 0),
        ngx_http_faas_test_bad("-Infinity", 1),
        ngx_http_faas_test_bad("undefined", 0),
        ngx_http_faas_test_bad("nu\0l", 2),

        /* one value only, and nothing behind it */
        ngx_http_faas_test_bad("1 2", 2),
        ngx_http_faas_test_bad("{}{}", 2),
        ngx_http_faas_test_bad("{} xyz", 3),
        ngx_http_faas_test_bad("[],", 2),
        ngx_http_faas_test_bad("[]]", 2),
        ngx_http_faas_test_bad("\"a\"\"b\"", 3),
        ngx_http_faas_test_bad("null\0", 4),
        ngx_http_faas_test_bad("{}\0", 2),
        ngx_http_faas_test_bad("{} ;", 3),

        /* what is not a blank, what is not JSON */
        ngx_http_faas_test_bad("\v1", 0),
        ngx_http_faas_test_bad("\f1", 0),
        ngx_http_faas_test_bad("1\f", 1),
        ngx_http_faas_test_bad("\0", 0),
        ngx_http_faas_test_bad("\xc2\xa0" "1", 0),
        ngx_http_faas_test_bad("\xef\xbb\xbf" "1", 0),
        ngx_http_faas_test_bad("\xe2\x80\xa8" "1", 0),
        ngx_http_faas_test_bad("\xff\xfe" "1\0", 0),
        ngx_http_faas_test_bad("'a'", 0),
        ngx_http_faas_test_bad("a", 0),
        ngx_http_faas_test_bad("/* */ 1", 0),
        ngx_http_faas_test_bad("1 /" "/", 2),
        ngx_http_faas_test_bad("# 1", 0),
        ngx_http_faas_test_bad("<a>", 0),
        ngx_http_faas_test_bad("input=1", 0),
        ngx_http_faas_test_bad("]", 0),
        ngx_http_faas_test_bad("}", 0),
        ngx_http_faas_test_bad(",", 0),
        ngx_http_faas_test_bad(":", 0),
        ngx_http_faas_test_bad("\\", 0),

        ngx_http_faas_test_end
    };

    ngx_http_faas_test_scan_table(cases);
}


static void
ngx_http_faas_test_scan_numbers(void **state)
{
    static ngx_http_faas_test_scan_case_t  cases[] = {
        ngx_http_faas_test_good("0"),
        ngx_http_faas_test_good("-0"),
        ngx_http_faas_test_good("-0.0"),
        ngx_http_faas_test_good("7"),
        ngx_http_faas_test_good("-7"),
        ngx_http_faas_test_good("1234567890"),
        ngx_http_faas_test_good("9007199254740993"),
        ngx_http_faas_test_good("18446744073709551616"),
        ngx_http_faas_test_good("100000000000000000000000000000000000000000"),
        ngx_http_faas_test_good("0.1"),
        ngx_http_faas_test_good("0.10000000000000000000000000000000000001"),
        ngx_http_faas_test_good("-1.0"),
        ngx_http_faas_test_good("10.01"),
        ngx_http_faas_test_good("1e5"),
        ngx_http_faas_test_good("1E5"),
        ngx_http_faas_test_good("1e+5"),
        ngx_http_faas_test_good("1e-5"),
        ngx_http_faas_test_good("0e0"),
        ngx_http_faas_test_good("0E+00"),
        ngx_http_faas_test_good("-0e-0"),
        ngx_http_faas_test_good("1.5e007"),
        ngx_http_faas_test_good("1e999"),
        ngx_http_faas_test_good("-1e-9999999999"),
        ngx_http_faas_test_good(" 1 "),
        ngx_http_faas_test_good("[1,2]"),
        ngx_http_faas_test_good("[0,-0,0.5,1e2]"),
        ngx_http_faas_test_good("{\"a\":1,\"b\":0}"),
        ngx_http_faas_test_good("[1\n]"),

        ngx_http_faas_test_cut("-"),
        ngx_http_faas_test_cut("1."),
        ngx_http_faas_test_cut("0."),
        ngx_http_faas_test_cut("1e"),
        ngx_http_faas_test_cut("1E+"),
        ngx_http_faas_test_cut("1.5e-"),

        ngx_http_faas_test_bad("+1", 0),
        ngx_http_faas_test_bad(".5", 0),
        ngx_http_faas_test_bad("-.5", 1),
        ngx_http_faas_test_bad("--1", 1),
        ngx_http_faas_test_bad("-a", 1),
        ngx_http_faas_test_bad("- 1", 1),
        ngx_http_faas_test_bad("00", 1),
        ngx_http_faas_test_bad("01", 1),
        ngx_http_faas_test_bad("-01", 2),
        ngx_http_faas_test_bad("1.e5", 2),
        ngx_http_faas_test_bad("1. ", 2),
        ngx_http_faas_test_bad("1.-1", 2),
        ngx_http_faas_test_bad("1.2.3", 3),
        ngx_http_faas_test_bad("1e5.1", 3),
        ngx_http_faas_test_bad("1e5e1", 3),
        ngx_http_faas_test_bad("1e ", 2),
        ngx_http_faas_test_bad("1e+-1", 3),
        ngx_http_faas_test_bad("1e+ ", 3),
        ngx_http_faas_test_bad("1ea", 2),
        ngx_http_faas_test_bad("0x1f", 1),
        ngx_http_faas_test_bad("0b1", 1),
        ngx_http_faas_test_bad("1_000", 1),
        ngx_http_faas_test_bad("1a", 1),
        ngx_http_faas_test_bad("1\"\"", 1),
        ngx_http_faas_test_bad("1[]", 1),
        ngx_http_faas_test_bad("1-", 1),
        ngx_http_faas_test_bad("1+1", 1),
        ngx_http_faas_test_bad("1\0", 1),
        ngx_http_faas_test_bad("1\xef\xbc\x91", 1),
        ngx_http_faas_test_bad("[-]", 2),
        ngx_http_faas_test_bad("[1.]", 3),
        ngx_http_faas_test_bad("[1e]", 3),
        ngx_http_faas_test_bad("[01]", 2),
        ngx_http_faas_test_bad("[1:2]", 2),
        ngx_http_faas_test_bad("{\"a\":1]", 6),

        ngx_http_faas_test_end
    };

    ngx_http_faas_test_scan_table(cases);
}


static void
ngx_http_faas_test_scan_strings(void **state)
{
    static ngx_http_faas_test_scan_case_t  cases[] = {
        ngx_http_faas_test_good("\"abc\""),
        ngx_http_faas_test_good("\" \""),
        ngx_http_faas_test_good("\"\x7f\""),
        ngx_http_faas_test_good("\"'/*[{]},:\""),
        ngx_http_faas_test_good("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""),
        ngx_http_faas_test_good("\"\\\\\""),
        ngx_http_faas_test_good("\"\\u0000\""),
        ngx_http_faas_test_good("\"\\u00e9\\uABCD\\uefAB\""),
        ngx_http_faas_test_good("\"\\ud83d\\ude00\""),

        /* half of a pair is grammar */
        ngx_http_faas_test_good("\"\\ud83d\""),
        ngx_http_faas_test_good("\"\\ude00\\ud83d\""),
        ngx_http_faas_test_good("\"\\ud83d\\u0041\""),

        /* UTF-8 of each length, non-characters, U+2028, BOM within */
        ngx_http_faas_test_good("\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\""),
        ngx_http_faas_test_good("\"\xef\xbf\xbf\xf4\x8f\xbf\xbf\""),
        ngx_http_faas_test_good("\"\xe2\x80\xa8\xef\xbb\xbf\""),
        ngx_http_faas_test_good("{\"\xc3\xa9\":\"\xc3\xa9\"}"),

        ngx_http_faas_test_cut("\""),
        ngx_http_faas_test_cut("\"abc"),
        ngx_http_faas_test_cut("\"\\"),
        ngx_http_faas_test_cut("\"\\\""),
        ngx_http_faas_test_cut("\"\\u"),
        ngx_http_faas_test_cut("\"\\u00e"),
        ngx_http_faas_test_cut("\"\xe2\x82"),
        ngx_http_faas_test_cut("{\"a"),

        ngx_http_faas_test_bad("\"a\nb\"", 2),
        ngx_http_faas_test_bad("\"a\tb\"", 2),
        ngx_http_faas_test_bad("\"a\0b\"", 2),
        ngx_http_faas_test_bad("\"\x1f\"", 1),
        ngx_http_faas_test_bad("\"\\x41\"", 2),
        ngx_http_faas_test_bad("\"\\a\"", 2),
        ngx_http_faas_test_bad("\"\\v\"", 2),
        ngx_http_faas_test_bad("\"\\0\"", 2),
        ngx_http_faas_test_bad("\"\\'\"", 2),
        ngx_http_faas_test_bad("\"\\U0041\"", 2),
        ngx_http_faas_test_bad("\"\\\n\"", 2),
        ngx_http_faas_test_bad("\"\\\0\"", 2),
        ngx_http_faas_test_bad("\"\\\xc3\xa9\"", 2),
        ngx_http_faas_test_bad("\"\\u\"", 3),
        ngx_http_faas_test_bad("\"\\u00e\"", 6),
        ngx_http_faas_test_bad("\"\\u00g0\"", 5),
        ngx_http_faas_test_bad("\"\\u{41}\"", 3),
        ngx_http_faas_test_bad("\"\\u+041\"", 3),
        ngx_http_faas_test_bad("\"\\u 041\"", 3),
        ngx_http_faas_test_bad("\"\\u004\xef\xbc\x91\"", 6),

        /* not UTF-8: the byte that cannot be */
        ngx_http_faas_test_bad("\"\x80\"", 1),
        ngx_http_faas_test_bad("\"caf\xe9\"", 5),
        ngx_http_faas_test_bad("\"\xc0\xaf\"", 1),
        ngx_http_faas_test_bad("\"\xe0\x80\xaf\"", 2),
        ngx_http_faas_test_bad("\"\xed\xa0\x80\"", 2),
        ngx_http_faas_test_bad("\"\xf4\x90\x80\x80\"", 2),
        ngx_http_faas_test_bad("\"\xf5\"", 1),
        ngx_http_faas_test_bad("\"\xff\"", 1),
        ngx_http_faas_test_bad("\"\xe2\x82\"", 3),
        ngx_http_faas_test_bad("\"\xe2\x82\\n\"", 3),
        ngx_http_faas_test_bad("\"\xe2\x82" "abc\"", 3),
        ngx_http_faas_test_bad("\"\xc3" "a\xa9\"", 2),
        ngx_http_faas_test_bad("\"\xc3\xc3\xa9\"", 2),
        ngx_http_faas_test_bad("{\"\xff\":1}", 2),

        ngx_http_faas_test_end
    };

    ngx_http_faas_test_scan_table(cases);
}


/* each byte as it is, escaped, and as each digit of \u */

static void
ngx_http_faas_test_scan_string_bytes(void **state)
{
    u_char      text[16];
    ngx_int_t   i, n, verdict, expected;

    for (i = 0; i < 256; i++) {

        ngx_memcpy(text, "\"1234567890 ?\"", 14);
        text[12] = (u_char) i;

        if (i == '\\') {
            expected = NGX_HTTP_FAAS_TEST_CUT;

        } else if (i == '"') {
            expected = 13;

        } else if (i < 0x20 || (i >= 0x80 && i < 0xc2) || i > 0xf4) {
            expected = 12;

        } else if (i >= 0x80) {
            expected = 13;              /* the end of the string is early */

        } else {
            expected = NGX_HTTP_FAAS_TEST_GOOD;
        }

        verdict = ngx_http_faas_test_scan_verdict(text, 14, 14, 14);
        assert_int_equal(verdict, expected);

        if (i == 'u') {
            continue;
        }

        text[11] = '\\';
        expected = (i && ngx_strchr("\"\\/bfnrt", (int) i))
                   ? NGX_HTTP_FAAS_TEST_GOOD : 12;

        verdict = ngx_http_faas_test_scan_verdict(text, 14, 14, 14);
        assert_int_equal(verdict, expected);
    }

    for (i = 0; i < 256; i++) {

        expected = (i && ngx_strchr("0123456789abcdefABCDEF", (int) i));

        for (n = 3; n < 7; n++) {
            ngx_memcpy(text, "\"\\u0aF9\"", 8);
            text[n] = (u_char) i;

            verdict = ngx_http_faas_test_scan_verdict(text, 8, 8, 8);
            assert_int_equal(verdict,
                             expected ? NGX_HTTP_FAAS_TEST_GOOD : n);
        }
    }
}


static void
ngx_http_faas_test_scan_structure(void **state)
{
    static ngx_http_faas_test_scan_case_t  cases[] = {
        ngx_http_faas_test_good("[1]"),
        ngx_http_faas_test_good("[[]]"),
        ngx_http_faas_test_good("[[],[]]"),
        ngx_http_faas_test_good("[{},{}]"),
        ngx_http_faas_test_good("[ ]"),
        ngx_http_faas_test_good("{ }"),
        ngx_http_faas_test_good("[null,true,false,0,\"\",[],{}]"),
        ngx_http_faas_test_good("{\"\":0}"),
        ngx_http_faas_test_good("{\"a\":{\"a\":{\"a\":[{\"a\":1}]}}}"),
        ngx_http_faas_test_good("{\"a\":1,\"a\":2,\"\\u0061\":3}"),
        ngx_http_faas_test_good("{\"a\\u0000b\":null}"),
        ngx_http_faas_test_good(" { \"a\" : [ 1 , 2 ] , \"b\" : { } } "),
        ngx_http_faas_test_good("\r\n\t{\r\n\t\"a\"\r\n\t:\r\n\t1\r\n\t}\r\n"),

        ngx_http_faas_test_cut("["),
        ngx_http_faas_test_cut("[1"),
        ngx_http_faas_test_cut("[1,"),
        ngx_http_faas_test_cut("[[]"),
        ngx_http_faas_test_cut("{"),
        ngx_http_faas_test_cut("{\"a\""),
        ngx_http_faas_test_cut("{\"a\":"),
        ngx_http_faas_test_cut("{\"a\":1"),
        ngx_http_faas_test_cut("{\"a\":1,"),
        ngx_http_faas_test_cut("{\"a\":{}"),

        ngx_http_faas_test_bad("[,]", 1),
        ngx_http_faas_test_bad("[1,]", 3),
        ngx_http_faas_test_bad("[1, ]", 4),
        ngx_http_faas_test_bad("[,1]", 1),
        ngx_http_faas_test_bad("[1,,2]", 3),
        ngx_http_faas_test_bad("[1 2]", 3),
        ngx_http_faas_test_bad("[1;2]", 2),
        ngx_http_faas_test_bad("[\"a\":1]", 4),
        ngx_http_faas_test_bad("[\"a\" \"b\"]", 5),
        ngx_http_faas_test_bad("[[1]{}]", 4),
        ngx_http_faas_test_bad("[}", 1),
        ngx_http_faas_test_bad("[1}", 2),
        ngx_http_faas_test_bad("[...]", 1),
        ngx_http_faas_test_bad("[a]", 1),

        ngx_http_faas_test_bad("{,}", 1),
        ngx_http_faas_test_bad("{]", 1),
        ngx_http_faas_test_bad("{\"a\"]", 4),
        ngx_http_faas_test_bad("{\"a\"}", 4),
        ngx_http_faas_test_bad("{\"a\":}", 5),
        ngx_http_faas_test_bad("{\"a\",1}", 4),
        ngx_http_faas_test_bad("{\"a\" 1}", 5),
        ngx_http_faas_test_bad("{\"a\"::1}", 5),
        ngx_http_faas_test_bad("{\"a\":1,}", 7),
        ngx_http_faas_test_bad("{\"a\":1,,\"b\":1}", 7),
        ngx_http_faas_test_bad("{\"a\":1 \"b\":1}", 7),
        ngx_http_faas_test_bad("{\"a\":1:2}", 6),
        ngx_http_faas_test_bad("{\"a\":1,2}", 7),
        ngx_http_faas_test_bad("{\"a\":1]", 6),
        ngx_http_faas_test_bad("{\"a\":[1}", 7),
        ngx_http_faas_test_bad("{\"a\":[1}]", 7),
        ngx_http_faas_test_bad("{\"a\":1,]", 7),
        ngx_http_faas_test_bad("{a:1}", 1),
        ngx_http_faas_test_bad("{'a':1}", 1),
        ngx_http_faas_test_bad("{1:1}", 1),
        ngx_http_faas_test_bad("{null:1}", 1),
        ngx_http_faas_test_bad("{[]:1}", 1),
        ngx_http_faas_test_bad("{{}:1}", 1),
        ngx_http_faas_test_bad("{\"a\":1}}", 7),
        ngx_http_faas_test_bad("{\"a\":1}]", 7),
        ngx_http_faas_test_bad("{\"input\":1} xyz", 12),
        ngx_http_faas_test_bad("{\"a\":/" "* *" "/1}", 5),

        ngx_http_faas_test_end
    };

    ngx_http_faas_test_scan_table(cases);
}


static void
ngx_http_faas_test_scan_depth(void **state)
{
    u_char                     *text;
    ngx_uint_t                  i;
    ngx_http_faas_json_scan_t   scan;

    ngx_http_faas_test_scan_nested((u_char *) "[", 1, (u_char *) "]");
    ngx_http_faas_test_scan_nested((u_char *) "{\"a\":", 5, (u_char *) "}");

    /* far too deep, and never closed */

    text = ngx_alloc(100000, ngx_cycle->log);
    assert_non_null(text);

    ngx_memset(text, '[', 100000);

    assert_int_equal(ngx_http_faas_test_scan_verdict(text, 100000, 100000, 1),
                     NGX_HTTP_FAAS_JSON_DEPTH);

    for (i = 0; i + 5 <= 100000; i += 5) {
        ngx_memcpy(text + i, "{\"a\":", 5);
    }

    assert_int_equal(ngx_http_faas_test_scan_verdict(text, 100000, 100000, 1),
                     5 * NGX_HTTP_FAAS_JSON_DEPTH);

    /* wide is not deep */

    ngx_memset(text, ' ', 100000);
    text[0] = '[';

    for (i = 1; i + 3 <= 99999; i += 3) {
        ngx_memcpy(text + i, "[],", 3);
    }

    ngx_memcpy(text + i - 3, "{}]", 3);

    assert_int_equal(ngx_http_faas_test_scan_verdict(text, 100000, 100000, 1),
                     NGX_HTTP_FAAS_TEST_GOOD);

    /* each level remembers what it is: [{"a":[{"a":[ ... */

    ngx_http_faas_json_scan_init(&scan);

    for (i = 0; i < NGX_HTTP_FAAS_JSON_DEPTH / 2; i++) {
        assert_int_equal(ngx_http_faas_test_scan_piece(&scan,
                             (u_char *) "[{\"a\":", 6), NGX_OK);
    }

    assert_int_equal(ngx_http_faas_test_scan_piece(&scan, (u_char *) "0", 1),
                     NGX_OK);

    for (i = 0; i < NGX_HTTP_FAAS_JSON_DEPTH / 2; i++) {
        assert_int_equal(ngx_http_faas_json_scan_end(&scan), NGX_ERROR);
        assert_int_equal(ngx_http_faas_test_scan_piece(&scan, (u_char *) "}]",
                                                       2), NGX_OK);
    }

    assert_int_equal(ngx_http_faas_json_scan_end(&scan), NGX_OK);

    ngx_free(text);
}


static void
ngx_http_faas_test_scan_nested(u_char *open, size_t n, u_char *close)
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
                  : NGX_HTTP_FAAS_TEST_GOOD;

        assert_int_equal(ngx_http_faas_test_scan_verdict(text, len, len, 1),
                         verdict);
        assert_int_equal(ngx_http_faas_test_scan_verdict(text, len, 1, 1),
                         verdict);

        ngx_free(text);
    }
}


/* whatever a good text begins with is not wrong, but not all of it */

static void
ngx_http_faas_test_scan_prefixes(void **state)
{
    size_t      len, n;
    u_char     *text;
    ngx_int_t   verdict;

    text = (u_char *) ngx_http_faas_test_scan_document;
    len = sizeof(ngx_http_faas_test_scan_document) - 1;

    for (n = 0; n < len - 1; n++) {
        verdict = ngx_http_faas_test_scan_verdict(text, n, n, 1);
        assert_int_equal(verdict, NGX_HTTP_FAAS_TEST_CUT);
    }

    for (n = 1; n <= len; n++) {
        verdict = ngx_http_faas_test_scan_verdict(text, len, n, n);
        assert_int_equal(verdict, NGX_HTTP_FAAS_TEST_GOOD);
    }
}


/* good texts as they come, and the same with one byte gone or another */

static void
ngx_http_faas_test_scan_random(void **state)
{
    size_t       len, n;
    u_char      *text, *last;
    ngx_int_t    verdict;
    ngx_uint_t   i, j;

    text = ngx_palloc(*state, 1024 * 1024);
    assert_non_null(text);

    srandom(2);

    for (i = 0; i < 2000; i++) {
        last = ngx_http_faas_test_scan_random_value(text, 0);
        len = last - text;

        verdict = ngx_http_faas_test_scan_verdict(text, len, len, 1);

        if (verdict != NGX_HTTP_FAAS_TEST_GOOD) {
            fail_msg("'%.*s' gives %i", (int) len, text, (int) verdict);
        }

        for (j = 0; j < 10; j++) {
            text[(size_t) random() % len] =
                          (u_char) "\"\\{}[],:0e-. \n\x80\xc3"[random() % 16];

            verdict = ngx_http_faas_test_scan_verdict(text, len, len, 1);
            n = 1 + (size_t) random() % len;

            assert_int_equal(ngx_http_faas_test_scan_verdict(text, len, n,
                                 1 + (size_t) random() % 9), verdict);
        }
    }
}


static u_char *
ngx_http_faas_test_scan_random_value(u_char *p, ngx_uint_t depth)
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

        p = ngx_http_faas_test_scan_random_value(p, depth + 1);
    }

    *p++ = object ? '}' : ']';

    return p;
}


/* an error stays, and with it the offset */

static void
ngx_http_faas_test_scan_after_error(void **state)
{
    ngx_http_faas_json_scan_t  scan;

    ngx_http_faas_json_scan_init(&scan);

    assert_int_equal(ngx_http_faas_json_scan_end(&scan), NGX_ERROR);

    assert_int_equal(ngx_http_faas_test_scan_piece(&scan, (u_char *) "[1", 2),
                     NGX_OK);
    assert_int_equal(ngx_http_faas_test_scan_piece(&scan, (u_char *) "2;]", 3),
                     NGX_ERROR);
    assert_int_equal(scan.offset, 3);

    assert_int_equal(ngx_http_faas_test_scan_piece(&scan, (u_char *) "]", 1),
                     NGX_ERROR);
    assert_int_equal(ngx_http_faas_json_scan_end(&scan), NGX_ERROR);
    assert_int_equal(scan.offset, 3);

    /* and goes with a new text */

    ngx_http_faas_json_scan_init(&scan);

    assert_int_equal(ngx_http_faas_test_scan_piece(&scan, (u_char *) "[]", 2),
                     NGX_OK);
    assert_int_equal(ngx_http_faas_json_scan_end(&scan), NGX_OK);
    assert_int_equal(scan.offset, 2);
}
