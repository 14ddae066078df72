
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * JSON as bytes: values.  Every text is scanned whole, in two pieces cut
 * everywhere and byte by byte, each piece in a block of just its length, so
 * that ASan sees a byte too much.
 */


#include "ngx_http_faas.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "ngx_http_faas_unit_scan.h"


int ngx_http_faas_test_scan(void);

static void ngx_http_faas_test_scan_values(void **state);
static void ngx_http_faas_test_scan_numbers(void **state);
static void ngx_http_faas_test_scan_strings(void **state);
static void ngx_http_faas_test_scan_string_bytes(void **state);


int
ngx_http_faas_test_scan(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(ngx_http_faas_test_scan_values),
        cmocka_unit_test(ngx_http_faas_test_scan_numbers),
        cmocka_unit_test(ngx_http_faas_test_scan_strings),
        cmocka_unit_test(ngx_http_faas_test_scan_string_bytes)
    };

    return cmocka_run_group_tests_name("scan", tests,
                                       ngx_http_faas_unit_text_setup,
                                       ngx_http_faas_unit_text_teardown);
}


static void
ngx_http_faas_test_scan_values(void **state)
{
    static ngx_http_faas_unit_scan_case_t  cases[] = {
        ngx_http_faas_unit_good("null"),
        ngx_http_faas_unit_good("true"),
        ngx_http_faas_unit_good("false"),
        ngx_http_faas_unit_good("0"),
        ngx_http_faas_unit_good("\"\""),
        ngx_http_faas_unit_good("[]"),
        ngx_http_faas_unit_good("{}"),
        ngx_http_faas_unit_good(" \t\r\n null \n\r\t "),
        ngx_http_faas_unit_good("\n0\n"),

        ngx_http_faas_unit_cut(""),
        ngx_http_faas_unit_cut(" "),
        ngx_http_faas_unit_cut(" \t\r\n"),
        ngx_http_faas_unit_cut("n"),
        ngx_http_faas_unit_cut("nul"),
        ngx_http_faas_unit_cut("tru"),
        ngx_http_faas_unit_cut("fals"),

        /* literals */
        ngx_http_faas_unit_bad("nulL", 3),
        ngx_http_faas_unit_bad("nul ", 3),
        ngx_http_faas_unit_bad("nullx", 4),
        ngx_http_faas_unit_bad("null0", 4),
        ngx_http_faas_unit_bad("truefalse", 4),
        ngx_http_faas_unit_bad("True", 0),
        ngx_http_faas_unit_bad("NULL", 0),
        ngx_http_faas_unit_bad("nan", 1),
        ngx_http_faas_unit_bad("NaN", 0),
        ngx_http_faas_unit_bad("Infinity", 0),
        ngx_http_faas_unit_bad("-Infinity", 1),
        ngx_http_faas_unit_bad("undefined", 0),
        ngx_http_faas_unit_bad("nu\0l", 2),

        /* one value only, and nothing behind it */
        ngx_http_faas_unit_bad("1 2", 2),
        ngx_http_faas_unit_bad("{}{}", 2),
        ngx_http_faas_unit_bad("{} xyz", 3),
        ngx_http_faas_unit_bad("[],", 2),
        ngx_http_faas_unit_bad("[]]", 2),
        ngx_http_faas_unit_bad("\"a\"\"b\"", 3),
        ngx_http_faas_unit_bad("null\0", 4),
        ngx_http_faas_unit_bad("{}\0", 2),
        ngx_http_faas_unit_bad("{} ;", 3),

        /* what is not a blank, what is not JSON */
        ngx_http_faas_unit_bad("\v1", 0),
        ngx_http_faas_unit_bad("\f1", 0),
        ngx_http_faas_unit_bad("1\f", 1),
        ngx_http_faas_unit_bad("\0", 0),
        ngx_http_faas_unit_bad("\xc2\xa0" "1", 0),
        ngx_http_faas_unit_bad("\xef\xbb\xbf" "1", 0),
        ngx_http_faas_unit_bad("\xe2\x80\xa8" "1", 0),
        ngx_http_faas_unit_bad("\xff\xfe" "1\0", 0),
        ngx_http_faas_unit_bad("'a'", 0),
        ngx_http_faas_unit_bad("a", 0),
        ngx_http_faas_unit_bad("/* */ 1", 0),
        ngx_http_faas_unit_bad("1 /" "/", 2),
        ngx_http_faas_unit_bad("# 1", 0),
        ngx_http_faas_unit_bad("<a>", 0),
        ngx_http_faas_unit_bad("input=1", 0),
        ngx_http_faas_unit_bad("]", 0),
        ngx_http_faas_unit_bad("}", 0),
        ngx_http_faas_unit_bad(",", 0),
        ngx_http_faas_unit_bad(":", 0),
        ngx_http_faas_unit_bad("\\", 0),

        ngx_http_faas_unit_end
    };

    ngx_http_faas_unit_scan_table(cases);
}


static void
ngx_http_faas_test_scan_numbers(void **state)
{
    static ngx_http_faas_unit_scan_case_t  cases[] = {
        ngx_http_faas_unit_good("0"),
        ngx_http_faas_unit_good("-0"),
        ngx_http_faas_unit_good("-0.0"),
        ngx_http_faas_unit_good("7"),
        ngx_http_faas_unit_good("-7"),
        ngx_http_faas_unit_good("1234567890"),
        ngx_http_faas_unit_good("9007199254740993"),
        ngx_http_faas_unit_good("18446744073709551616"),
        ngx_http_faas_unit_good("100000000000000000000000000000000000000000"),
        ngx_http_faas_unit_good("0.1"),
        ngx_http_faas_unit_good("0.10000000000000000000000000000000000001"),
        ngx_http_faas_unit_good("-1.0"),
        ngx_http_faas_unit_good("10.01"),
        ngx_http_faas_unit_good("1e5"),
        ngx_http_faas_unit_good("1E5"),
        ngx_http_faas_unit_good("1e+5"),
        ngx_http_faas_unit_good("1e-5"),
        ngx_http_faas_unit_good("0e0"),
        ngx_http_faas_unit_good("0E+00"),
        ngx_http_faas_unit_good("-0e-0"),
        ngx_http_faas_unit_good("1.5e007"),
        ngx_http_faas_unit_good("1e999"),
        ngx_http_faas_unit_good("-1e-9999999999"),
        ngx_http_faas_unit_good(" 1 "),
        ngx_http_faas_unit_good("[1,2]"),
        ngx_http_faas_unit_good("[0,-0,0.5,1e2]"),
        ngx_http_faas_unit_good("{\"a\":1,\"b\":0}"),
        ngx_http_faas_unit_good("[1\n]"),

        ngx_http_faas_unit_cut("-"),
        ngx_http_faas_unit_cut("1."),
        ngx_http_faas_unit_cut("0."),
        ngx_http_faas_unit_cut("1e"),
        ngx_http_faas_unit_cut("1E+"),
        ngx_http_faas_unit_cut("1.5e-"),

        ngx_http_faas_unit_bad("+1", 0),
        ngx_http_faas_unit_bad(".5", 0),
        ngx_http_faas_unit_bad("-.5", 1),
        ngx_http_faas_unit_bad("--1", 1),
        ngx_http_faas_unit_bad("-a", 1),
        ngx_http_faas_unit_bad("- 1", 1),
        ngx_http_faas_unit_bad("00", 1),
        ngx_http_faas_unit_bad("01", 1),
        ngx_http_faas_unit_bad("-01", 2),
        ngx_http_faas_unit_bad("1.e5", 2),
        ngx_http_faas_unit_bad("1. ", 2),
        ngx_http_faas_unit_bad("1.-1", 2),
        ngx_http_faas_unit_bad("1.2.3", 3),
        ngx_http_faas_unit_bad("1e5.1", 3),
        ngx_http_faas_unit_bad("1e5e1", 3),
        ngx_http_faas_unit_bad("1e ", 2),
        ngx_http_faas_unit_bad("1e+-1", 3),
        ngx_http_faas_unit_bad("1e+ ", 3),
        ngx_http_faas_unit_bad("1ea", 2),
        ngx_http_faas_unit_bad("0x1f", 1),
        ngx_http_faas_unit_bad("0b1", 1),
        ngx_http_faas_unit_bad("1_000", 1),
        ngx_http_faas_unit_bad("1a", 1),
        ngx_http_faas_unit_bad("1\"\"", 1),
        ngx_http_faas_unit_bad("1[]", 1),
        ngx_http_faas_unit_bad("1-", 1),
        ngx_http_faas_unit_bad("1+1", 1),
        ngx_http_faas_unit_bad("1\0", 1),
        ngx_http_faas_unit_bad("1\xef\xbc\x91", 1),
        ngx_http_faas_unit_bad("[-]", 2),
        ngx_http_faas_unit_bad("[1.]", 3),
        ngx_http_faas_unit_bad("[1e]", 3),
        ngx_http_faas_unit_bad("[01]", 2),
        ngx_http_faas_unit_bad("[1:2]", 2),
        ngx_http_faas_unit_bad("{\"a\":1]", 6),

        ngx_http_faas_unit_end
    };

    ngx_http_faas_unit_scan_table(cases);
}


static void
ngx_http_faas_test_scan_strings(void **state)
{
    static ngx_http_faas_unit_scan_case_t  cases[] = {
        ngx_http_faas_unit_good("\"abc\""),
        ngx_http_faas_unit_good("\" \""),
        ngx_http_faas_unit_good("\"\x7f\""),
        ngx_http_faas_unit_good("\"'/*[{]},:\""),
        ngx_http_faas_unit_good("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""),
        ngx_http_faas_unit_good("\"\\\\\""),
        ngx_http_faas_unit_good("\"\\u0000\""),
        ngx_http_faas_unit_good("\"\\u00e9\\uABCD\\uefAB\""),
        ngx_http_faas_unit_good("\"\\ud83d\\ude00\""),

        /* half of a pair is grammar */
        ngx_http_faas_unit_good("\"\\ud83d\""),
        ngx_http_faas_unit_good("\"\\ude00\\ud83d\""),
        ngx_http_faas_unit_good("\"\\ud83d\\u0041\""),

        /* UTF-8 of each length, non-characters, U+2028, BOM within */
        ngx_http_faas_unit_good("\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\""),
        ngx_http_faas_unit_good("\"\xef\xbf\xbf\xf4\x8f\xbf\xbf\""),
        ngx_http_faas_unit_good("\"\xe2\x80\xa8\xef\xbb\xbf\""),
        ngx_http_faas_unit_good("{\"\xc3\xa9\":\"\xc3\xa9\"}"),

        ngx_http_faas_unit_cut("\""),
        ngx_http_faas_unit_cut("\"abc"),
        ngx_http_faas_unit_cut("\"\\"),
        ngx_http_faas_unit_cut("\"\\\""),
        ngx_http_faas_unit_cut("\"\\u"),
        ngx_http_faas_unit_cut("\"\\u00e"),
        ngx_http_faas_unit_cut("\"\xe2\x82"),
        ngx_http_faas_unit_cut("{\"a"),

        ngx_http_faas_unit_bad("\"a\nb\"", 2),
        ngx_http_faas_unit_bad("\"a\tb\"", 2),
        ngx_http_faas_unit_bad("\"a\0b\"", 2),
        ngx_http_faas_unit_bad("\"\x1f\"", 1),
        ngx_http_faas_unit_bad("\"\\x41\"", 2),
        ngx_http_faas_unit_bad("\"\\a\"", 2),
        ngx_http_faas_unit_bad("\"\\v\"", 2),
        ngx_http_faas_unit_bad("\"\\0\"", 2),
        ngx_http_faas_unit_bad("\"\\'\"", 2),
        ngx_http_faas_unit_bad("\"\\U0041\"", 2),
        ngx_http_faas_unit_bad("\"\\\n\"", 2),
        ngx_http_faas_unit_bad("\"\\\0\"", 2),
        ngx_http_faas_unit_bad("\"\\\xc3\xa9\"", 2),
        ngx_http_faas_unit_bad("\"\\u\"", 3),
        ngx_http_faas_unit_bad("\"\\u00e\"", 6),
        ngx_http_faas_unit_bad("\"\\u00g0\"", 5),
        ngx_http_faas_unit_bad("\"\\u{41}\"", 3),
        ngx_http_faas_unit_bad("\"\\u+041\"", 3),
        ngx_http_faas_unit_bad("\"\\u 041\"", 3),
        ngx_http_faas_unit_bad("\"\\u004\xef\xbc\x91\"", 6),

        /* not UTF-8: the byte that cannot be */
        ngx_http_faas_unit_bad("\"\x80\"", 1),
        ngx_http_faas_unit_bad("\"caf\xe9\"", 5),
        ngx_http_faas_unit_bad("\"\xc0\xaf\"", 1),
        ngx_http_faas_unit_bad("\"\xe0\x80\xaf\"", 2),
        ngx_http_faas_unit_bad("\"\xed\xa0\x80\"", 2),
        ngx_http_faas_unit_bad("\"\xf4\x90\x80\x80\"", 2),
        ngx_http_faas_unit_bad("\"\xf5\"", 1),
        ngx_http_faas_unit_bad("\"\xff\"", 1),
        ngx_http_faas_unit_bad("\"\xe2\x82\"", 3),
        ngx_http_faas_unit_bad("\"\xe2\x82\\n\"", 3),
        ngx_http_faas_unit_bad("\"\xe2\x82" "abc\"", 3),
        ngx_http_faas_unit_bad("\"\xc3" "a\xa9\"", 2),
        ngx_http_faas_unit_bad("\"\xc3\xc3\xa9\"", 2),
        ngx_http_faas_unit_bad("{\"\xff\":1}", 2),

        ngx_http_faas_unit_end
    };

    ngx_http_faas_unit_scan_table(cases);
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
            expected = NGX_HTTP_FAAS_UNIT_CUT;

        } else if (i == '"') {
            expected = 13;

        } else if (i < 0x20 || (i >= 0x80 && i < 0xc2) || i > 0xf4) {
            expected = 12;

        } else if (i >= 0x80) {
            expected = 13;              /* the end of the string is early */

        } else {
            expected = NGX_HTTP_FAAS_UNIT_GOOD;
        }

        verdict = ngx_http_faas_unit_scan_verdict(text, 14, 14, 14);
        assert_int_equal(verdict, expected);

        if (i == 'u') {
            continue;
        }

        text[11] = '\\';
        expected = (i && ngx_strchr("\"\\/bfnrt", (int) i))
                   ? NGX_HTTP_FAAS_UNIT_GOOD : 12;

        verdict = ngx_http_faas_unit_scan_verdict(text, 14, 14, 14);
        assert_int_equal(verdict, expected);
    }

    for (i = 0; i < 256; i++) {

        expected = (i && ngx_strchr("0123456789abcdefABCDEF", (int) i));

        for (n = 3; n < 7; n++) {
            ngx_memcpy(text, "\"\\u0aF9\"", 8);
            text[n] = (u_char) i;

            verdict = ngx_http_faas_unit_scan_verdict(text, 8, 8, 8);
            assert_int_equal(verdict,
                             expected ? NGX_HTTP_FAAS_UNIT_GOOD : n);
        }
    }
}
