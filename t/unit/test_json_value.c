
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Values of JSON: strings, integers, and what is quoted.
 */


#include "ngx_http_faas.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "ngx_http_faas_json.h"
#include "ngx_http_faas_unit_text.h"


typedef struct {
    ngx_str_t     raw;
    ngx_int_t     rc;
    ngx_str_t     out;
} ngx_http_faas_test_json_value_string_t;


typedef struct {
    ngx_str_t     raw;
    ngx_uint_t    max;
    ngx_int_t     rc;
    ngx_uint_t    value;
} ngx_http_faas_test_json_value_uint_t;


typedef struct {
    ngx_str_t     s;
    ngx_str_t     quoted;
} ngx_http_faas_test_json_value_quote_t;


int ngx_http_faas_test_json_value(void);

static void ngx_http_faas_test_json_value_string(void **state);
static void ngx_http_faas_test_json_value_code_points(void **state);
static void ngx_http_faas_test_json_value_uint(void **state);
static void ngx_http_faas_test_json_value_quote(void **state);
static void ngx_http_faas_test_json_value_round_trip(void **state);


int
ngx_http_faas_test_json_value(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(ngx_http_faas_test_json_value_string),
        cmocka_unit_test(ngx_http_faas_test_json_value_code_points),
        cmocka_unit_test(ngx_http_faas_test_json_value_uint),
        cmocka_unit_test(ngx_http_faas_test_json_value_quote),
        cmocka_unit_test(ngx_http_faas_test_json_value_round_trip)
    };

    return cmocka_run_group_tests_name("json_value", tests,
                                       ngx_http_faas_unit_text_setup,
                                       ngx_http_faas_unit_text_teardown);
}


static void
ngx_http_faas_test_json_value_string(void **state)
{
    ngx_str_t                         *raw, out;
    ngx_http_faas_test_json_value_string_t  *tc;

    static ngx_http_faas_test_json_value_string_t  strings[] = {
        { ngx_http_faas_unit_text("\"\""), NGX_OK,
          ngx_http_faas_unit_text("") },
        { ngx_http_faas_unit_text("\"abc\""), NGX_OK,
          ngx_http_faas_unit_text("abc") },
        { ngx_http_faas_unit_text("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""), NGX_OK,
          ngx_http_faas_unit_text("\"\\/\b\f\n\r\t") },
        { ngx_http_faas_unit_text("\"a\\\\\""), NGX_OK,
          ngx_http_faas_unit_text("a\\") },
        { ngx_http_faas_unit_text("\"\\\\u0041\""), NGX_OK,
          ngx_http_faas_unit_text("\\u0041") },
        { ngx_http_faas_unit_text("\"\\u0000\""), NGX_OK,
          ngx_http_faas_unit_text("\0") },
        { ngx_http_faas_unit_text("\"a\\u0000b\""), NGX_OK,
          ngx_http_faas_unit_text("a\0b") },
        { ngx_http_faas_unit_text("\"\\u00e9\\u00E9\xc3\xa9\""), NGX_OK,
          ngx_http_faas_unit_text("\xc3\xa9\xc3\xa9\xc3\xa9") },
        { ngx_http_faas_unit_text("\"\\u20ac\\uFFFF\""), NGX_OK,
          ngx_http_faas_unit_text("\xe2\x82\xac\xef\xbf\xbf") },

        /* pairs */
        { ngx_http_faas_unit_text("\"\\ud83d\\ude00\""), NGX_OK,
          ngx_http_faas_unit_text("\xf0\x9f\x98\x80") },
        { ngx_http_faas_unit_text("\"\\uD83D\\uDE00x\""), NGX_OK,
          ngx_http_faas_unit_text("\xf0\x9f\x98\x80x") },
        { ngx_http_faas_unit_text("\"\\ud800\\udc00\\udbff\\udfff\""), NGX_OK,
          ngx_http_faas_unit_text("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf") },

        /* halves */
        { ngx_http_faas_unit_text("\"\\ud83d\""), NGX_DECLINED,
          ngx_null_string },
        { ngx_http_faas_unit_text("\"\\ude00\""), NGX_DECLINED,
          ngx_null_string },
        { ngx_http_faas_unit_text("\"\\ude00\\ud83d\""), NGX_DECLINED,
          ngx_null_string },
        { ngx_http_faas_unit_text("\"\\ude00\\udc00\""), NGX_DECLINED,
          ngx_null_string },
        { ngx_http_faas_unit_text("\"\\ud83d\\ud83d\\ude00\""), NGX_DECLINED,
          ngx_null_string },
        { ngx_http_faas_unit_text("\"\\ud83dx\""), NGX_DECLINED,
          ngx_null_string },
        { ngx_http_faas_unit_text("\"\\ud83d\\n\""), NGX_DECLINED,
          ngx_null_string },
        { ngx_http_faas_unit_text("\"\\ud83d\\n1234\""), NGX_DECLINED,
          ngx_null_string },
        { ngx_http_faas_unit_text("\"\\ud83dude00\""), NGX_DECLINED,
          ngx_null_string },
        { ngx_http_faas_unit_text("\"\\ud83d\\u0041\""), NGX_DECLINED,
          ngx_null_string },
        { ngx_http_faas_unit_text("\"\\udbff\\ue000\""), NGX_DECLINED,
          ngx_null_string },

        { ngx_null_string, 0, ngx_null_string }
    };

    for (tc = strings; tc->raw.data; tc++) {
        raw = ngx_http_faas_unit_text_copy(&tc->raw);

        assert_int_equal(ngx_http_faas_json_string(*state, raw, &out),
                         tc->rc);

        if (tc->rc == NGX_OK) {
            ngx_http_faas_unit_text_equal(&out, &tc->out);
        }
    }
}


/* all that \u can say, once */

static void
ngx_http_faas_test_json_value_code_points(void **state)
{
    u_char       text[16], *p;
    uint32_t     ch, step;
    ngx_str_t    raw, out;
    ngx_pool_t  *pool;

    raw.data = text;

    for (ch = 0; ch <= 0x10ffff; ch += step) {

        step = (ch < 0x10000) ? 1 : 0xff;

        if (ch >= 0xd800 && ch <= 0xdfff) {
            continue;
        }

        if (ch < 0x10000) {
            p = ngx_sprintf(text, "\"\\u%04xD\"", ch);

        } else {
            p = ngx_sprintf(text, "\"\\u%04xD\\u%04xD\"",
                            0xd7c0 + (ch >> 10), 0xdc00 + (ch & 0x3ff));
        }

        raw.len = p - text;

        pool = ngx_create_pool(512, ngx_cycle->log);
        assert_non_null(pool);

        assert_int_equal(ngx_http_faas_json_string(pool, &raw, &out), NGX_OK);

        p = out.data;

        assert_int_equal(ch < 0x80 ? *p++ : ngx_utf8_decode(&p, out.len), ch);
        assert_ptr_equal(p, out.data + out.len);

        ngx_destroy_pool(pool);
    }
}


static void
ngx_http_faas_test_json_value_uint(void **state)
{
    ngx_int_t                        rc;
    ngx_str_t                       *raw;
    ngx_uint_t                       value;
    ngx_http_faas_test_json_value_uint_t  *tc;

    static ngx_http_faas_test_json_value_uint_t  numbers[] = {
        { ngx_http_faas_unit_text("0"), 10, NGX_OK, 0 },
        { ngx_http_faas_unit_text("7"), 10, NGX_OK, 7 },
        { ngx_http_faas_unit_text("10"), 10, NGX_OK, 10 },
        { ngx_http_faas_unit_text("11"), 10, NGX_ERROR, 0 },
        { ngx_http_faas_unit_text("0"), 0, NGX_OK, 0 },
        { ngx_http_faas_unit_text("1"), 0, NGX_ERROR, 0 },
        { ngx_http_faas_unit_text("5000"), 300000, NGX_OK, 5000 },
        { ngx_http_faas_unit_text("300001"), 300000, NGX_ERROR, 0 },
        { ngx_http_faas_unit_text("2147483647"), NGX_MAX_INT32_VALUE,
          NGX_OK, 2147483647 },
        { ngx_http_faas_unit_text("2147483648"), NGX_MAX_INT32_VALUE,
          NGX_ERROR, 0 },

        /* over what an integer holds */
        { ngx_http_faas_unit_text("9223372036854775808"),
          NGX_MAX_INT_T_VALUE, NGX_ERROR, 0 },
        { ngx_http_faas_unit_text("18446744073709551616"),
          NGX_MAX_INT_T_VALUE, NGX_ERROR, 0 },
        { ngx_http_faas_unit_text("18446744073709551621"),
          NGX_MAX_INT_T_VALUE, NGX_ERROR, 0 },
        { ngx_http_faas_unit_text("1000000000000000000000000000000000000000"),
          NGX_MAX_INT_T_VALUE, NGX_ERROR, 0 },

        /* not plain */
        { ngx_http_faas_unit_text(""), 10, NGX_ERROR, 0 },
        { ngx_http_faas_unit_text("-1"), 10, NGX_ERROR, 0 },
        { ngx_http_faas_unit_text("-0"), 10, NGX_ERROR, 0 },
        { ngx_http_faas_unit_text("+1"), 10, NGX_ERROR, 0 },
        { ngx_http_faas_unit_text("1.5"), 10, NGX_ERROR, 0 },
        { ngx_http_faas_unit_text("1.0"), 10, NGX_ERROR, 0 },
        { ngx_http_faas_unit_text("1e0"), 10, NGX_ERROR, 0 },
        { ngx_http_faas_unit_text("1E18"), 10, NGX_ERROR, 0 },
        { ngx_http_faas_unit_text("00"), 10, NGX_ERROR, 0 },
        { ngx_http_faas_unit_text("05"), 10, NGX_ERROR, 0 },
        { ngx_http_faas_unit_text("0x5"), 10, NGX_ERROR, 0 },
        { ngx_http_faas_unit_text(" 5"), 10, NGX_ERROR, 0 },
        { ngx_http_faas_unit_text("5 "), 10, NGX_ERROR, 0 },
        { ngx_http_faas_unit_text("5\0"), 10, NGX_ERROR, 0 },

        /* no number at all */
        { ngx_http_faas_unit_text("\"5\""), 10, NGX_ERROR, 0 },
        { ngx_http_faas_unit_text("null"), 10, NGX_ERROR, 0 },
        { ngx_http_faas_unit_text("true"), 10, NGX_ERROR, 0 },
        { ngx_http_faas_unit_text("[5]"), 10, NGX_ERROR, 0 },
        { ngx_http_faas_unit_text("{}"), 10, NGX_ERROR, 0 },

        { ngx_null_string, 0, 0, 0 }
    };

    for (tc = numbers; tc->raw.data; tc++) {
        raw = ngx_http_faas_unit_text_copy(&tc->raw);
        value = 12345;

        rc = ngx_http_faas_json_uint(raw, tc->max, &value);

        if (rc != tc->rc) {
            fail_msg("\"%.*s\" gives %i", (int) raw->len, raw->data, (int) rc);
        }

        /* untouched by an error */

        assert_int_equal(value, rc == NGX_OK ? tc->value : 12345);
    }
}


static void
ngx_http_faas_test_json_value_quote(void **state)
{
    u_char                            out[64];
    ngx_str_t                        *s, quoted;
    ngx_http_faas_test_json_value_quote_t  *tc;

    static ngx_http_faas_test_json_value_quote_t  strings[] = {
        { ngx_http_faas_unit_text(""),
          ngx_http_faas_unit_text("\"\"") },
        { ngx_http_faas_unit_text("a b"),
          ngx_http_faas_unit_text("\"a b\"") },
        { ngx_http_faas_unit_text("\"\\/"),
          ngx_http_faas_unit_text("\"\\\"\\\\/\"") },
        { ngx_http_faas_unit_text("\n\r\t\b\f"),
          ngx_http_faas_unit_text("\"\\n\\r\\t\\b\\f\"") },
        { ngx_http_faas_unit_text("a\0\x1f\x7f"),
          ngx_http_faas_unit_text("\"a\\u0000\\u001F\x7f\"") },
        { ngx_http_faas_unit_text("\xc3\xa9\xf0\x9f\x98\x80"),
          ngx_http_faas_unit_text("\"\xc3\xa9\xf0\x9f\x98\x80\"") },
        { ngx_null_string, ngx_null_string }
    };

    for (tc = strings; tc->s.data; tc++) {
        s = ngx_http_faas_unit_text_copy(&tc->s);

        quoted.data = out;
        quoted.len = ngx_http_faas_json_quote(out, s) - out;

        ngx_http_faas_unit_text_equal(&quoted, &tc->quoted);

        assert_int_equal(ngx_http_faas_json_quote_len(s), quoted.len);
    }

    ngx_str_null(&quoted);

    assert_int_equal(ngx_http_faas_json_quote_len(&quoted), 2);
    assert_int_equal(ngx_http_faas_json_quote(out, &quoted) - out, 2);
    assert_memory_equal(out, "\"\"", 2);
}


/* what is quoted is JSON, and decodes to what it was */

static void
ngx_http_faas_test_json_value_round_trip(void **state)
{
    u_char                     text[32], *last;
    ngx_str_t                  s, out, quoted;
    ngx_uint_t                 i, j;
    ngx_pool_t                *pool;
    ngx_http_faas_json_scan_t  scan;

    srandom(3);

    for (i = 0; i < 20000; i++) {

        s.len = (size_t) random() % sizeof(text);
        s.data = text;

        for (j = 0; j < s.len; j++) {
            text[j] = (u_char) (random() & (i & 1 ? 0x7f : 0x3f));

            if (j + 4 < s.len && random() % 5 == 0) {
                ngx_memcpy(text + j, "\xf0\x9f\x98\x80", 4);
                j += 3;
            }
        }

        pool = ngx_create_pool(1024, ngx_cycle->log);
        assert_non_null(pool);

        quoted.len = ngx_http_faas_json_quote_len(&s);
        quoted.data = ngx_pnalloc(pool, quoted.len);
        assert_non_null(quoted.data);

        last = ngx_http_faas_json_quote(quoted.data, &s);
        assert_ptr_equal(last, quoted.data + quoted.len);

        ngx_http_faas_json_scan_init(&scan);

        assert_int_equal(ngx_http_faas_json_scan(&scan, quoted.data, last),
                         NGX_OK);
        assert_int_equal(ngx_http_faas_json_scan_end(&scan), NGX_OK);

        assert_int_equal(ngx_http_faas_json_string(pool, &quoted, &out),
                         NGX_OK);
        ngx_http_faas_unit_text_equal(&out, &s);

        ngx_destroy_pool(pool);
    }
}
