
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Members of an object as they were written, strings, integers.  A text lies
 * in a block of just its length, so that ASan sees a byte too much.
 */


#include "ngx_http_faas.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "ngx_http_faas_json.h"


/* a literal with its length, since there may be NUL in it */
#define ngx_http_faas_test_text(s)  { sizeof(s) - 1, (u_char *) s }


typedef struct {
    ngx_str_t     text;
    ngx_int_t     rc;
    size_t        offset;                /* if it is NGX_ERROR */
} ngx_http_faas_test_json_root_t;


typedef struct {
    ngx_str_t     raw;
    ngx_int_t     rc;
    ngx_str_t     out;
} ngx_http_faas_test_json_string_t;


typedef struct {
    ngx_str_t     raw;
    ngx_uint_t    max;
    ngx_int_t     rc;
    ngx_uint_t    value;
} ngx_http_faas_test_json_uint_t;


typedef struct {
    ngx_str_t     s;
    ngx_str_t     quoted;
} ngx_http_faas_test_json_quote_t;


int ngx_http_faas_test_json(void);

static int ngx_http_faas_test_json_setup(void **state);
static int ngx_http_faas_test_json_teardown(void **state);
static ngx_str_t *ngx_http_faas_test_json_copy(ngx_str_t *s);
static void ngx_http_faas_test_json_equal(ngx_str_t *a, ngx_str_t *b);
static ngx_array_t *ngx_http_faas_test_json_members(ngx_pool_t *pool,
    ngx_str_t *text);
static void ngx_http_faas_test_json_object(void **state);
static void ngx_http_faas_test_json_slices(void **state);
static void ngx_http_faas_test_json_types(void **state);
static void ngx_http_faas_test_json_repeated(void **state);
static void ngx_http_faas_test_json_keys(void **state);
static void ngx_http_faas_test_json_roots(void **state);
static void ngx_http_faas_test_json_limit(void **state);
static void ngx_http_faas_test_json_string(void **state);
static void ngx_http_faas_test_json_code_points(void **state);
static void ngx_http_faas_test_json_uint(void **state);
static void ngx_http_faas_test_json_quote(void **state);
static void ngx_http_faas_test_json_round_trip(void **state);


int
ngx_http_faas_test_json(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(ngx_http_faas_test_json_object),
        cmocka_unit_test(ngx_http_faas_test_json_slices),
        cmocka_unit_test(ngx_http_faas_test_json_types),
        cmocka_unit_test(ngx_http_faas_test_json_repeated),
        cmocka_unit_test(ngx_http_faas_test_json_keys),
        cmocka_unit_test(ngx_http_faas_test_json_roots),
        cmocka_unit_test(ngx_http_faas_test_json_limit),
        cmocka_unit_test(ngx_http_faas_test_json_string),
        cmocka_unit_test(ngx_http_faas_test_json_code_points),
        cmocka_unit_test(ngx_http_faas_test_json_uint),
        cmocka_unit_test(ngx_http_faas_test_json_quote),
        cmocka_unit_test(ngx_http_faas_test_json_round_trip)
    };

    return cmocka_run_group_tests_name("json", tests,
                                       ngx_http_faas_test_json_setup,
                                       ngx_http_faas_test_json_teardown);
}


static int
ngx_http_faas_test_json_setup(void **state)
{
    *state = ngx_create_pool(4096, ngx_cycle->log);

    return *state ? 0 : -1;
}


static int
ngx_http_faas_test_json_teardown(void **state)
{
    ngx_destroy_pool(*state);

    return 0;
}


/* one at a time: the last one's bytes are gone */

static ngx_str_t *
ngx_http_faas_test_json_copy(ngx_str_t *s)
{
    static ngx_str_t  copy;

    if (copy.data) {
        ngx_free(copy.data);
    }

    copy.len = s->len;
    copy.data = ngx_alloc(s->len, ngx_cycle->log);
    assert_non_null(copy.data);

    ngx_memcpy(copy.data, s->data, s->len);

    return &copy;
}


static void
ngx_http_faas_test_json_equal(ngx_str_t *a, ngx_str_t *b)
{
    assert_int_equal(a->len, b->len);
    assert_memory_equal(a->data, b->data, b->len);
}


static ngx_array_t *
ngx_http_faas_test_json_members(ngx_pool_t *pool, ngx_str_t *text)
{
    size_t        offset;
    ngx_array_t  *members;

    members = NULL;

    assert_int_equal(ngx_http_faas_json_object(pool, text, &members, &offset),
                     NGX_OK);
    assert_non_null(members);

    return members;
}


static void
ngx_http_faas_test_json_object(void **state)
{
    ngx_str_t                    *text;
    ngx_array_t                  *members;
    ngx_http_faas_json_member_t  *m;

    static ngx_str_t  object = ngx_http_faas_test_text(
        "{\"name\":\"greet\",\"timeout_ms\" : 5000 , \"input\":{\"a\":[1]}}");

    static ngx_str_t  empty[] = {
        ngx_http_faas_test_text("{}"),
        ngx_http_faas_test_text(" \r\n{\t} "),
    };

    text = ngx_http_faas_test_json_copy(&object);
    members = ngx_http_faas_test_json_members(*state, text);

    assert_int_equal(members->nelts, 3);
    m = members->elts;

    assert_int_equal(m[0].key.len, 4);
    assert_memory_equal(m[0].key.data, "name", 4);
    assert_int_equal(m[0].type, NGX_HTTP_FAAS_JSON_STRING);
    assert_int_equal(m[0].value.len, 7);
    assert_ptr_equal(m[0].value.data, text->data + 8);

    assert_int_equal(m[1].key.len, 10);
    assert_memory_equal(m[1].key.data, "timeout_ms", 10);
    assert_int_equal(m[1].type, NGX_HTTP_FAAS_JSON_NUMBER);
    assert_int_equal(m[1].value.len, 4);
    assert_memory_equal(m[1].value.data, "5000", 4);

    assert_int_equal(m[2].key.len, 5);
    assert_memory_equal(m[2].key.data, "input", 5);
    assert_int_equal(m[2].type, NGX_HTTP_FAAS_JSON_OBJECT);
    assert_int_equal(m[2].value.len, 9);
    assert_ptr_equal(m[2].value.data, text->data + text->len - 10);

    text = ngx_http_faas_test_json_copy(&empty[0]);
    members = ngx_http_faas_test_json_members(*state, text);
    assert_int_equal(members->nelts, 0);

    text = ngx_http_faas_test_json_copy(&empty[1]);
    members = ngx_http_faas_test_json_members(*state, text);
    assert_int_equal(members->nelts, 0);
}


/* a value comes out byte for byte, whatever blanks are around it */

static void
ngx_http_faas_test_json_slices(void **state)
{
    u_char                       *p;
    ngx_str_t                    *value, *text, object;
    ngx_uint_t                    i;
    ngx_array_t                  *members;
    ngx_http_faas_json_member_t  *m;

    static ngx_str_t  values[] = {
        ngx_http_faas_test_text("9007199254740993"),
        ngx_http_faas_test_text("18446744073709551616"),
        ngx_http_faas_test_text("-0"),
        ngx_http_faas_test_text("-0.0"),
        ngx_http_faas_test_text("1e999"),
        ngx_http_faas_test_text("1E+2"),
        ngx_http_faas_test_text("0.10000000000000000000000000000000000001"),
        ngx_http_faas_test_text("null"),
        ngx_http_faas_test_text("true"),
        ngx_http_faas_test_text("false"),
        ngx_http_faas_test_text("\"\""),
        ngx_http_faas_test_text("\"a\\u0000b\\/\\ud800\""),
        ngx_http_faas_test_text("\"},\\\"]\\\\\""),
        ngx_http_faas_test_text("\"\xf0\x9f\x98\x80\""),
        ngx_http_faas_test_text("[]"),
        ngx_http_faas_test_text("{}"),
        ngx_http_faas_test_text("[ [ ] , { } ]"),
        ngx_http_faas_test_text("{\"a\":1,\"a\":2}"),
        ngx_http_faas_test_text("{ \"}\" : \"{\" ,\r\n\t\"\\\"]\":[\"[\"] }"),
        ngx_http_faas_test_text("[1,[2,[3,{\"a\":[4]}]],\"\\\\\"]"),
        ngx_null_string
    };

    static char  *blanks[] = { "", " ", "\t", "\n", "\r", " \t\r\n " };

    for (value = values; value->data; value++) {

        for (i = 0; i < sizeof(blanks) / sizeof(char *); i++) {

            object.data = ngx_palloc(*state, 2 * value->len + 64);
            assert_non_null(object.data);

            p = ngx_sprintf(object.data, "%s{%s\"x\"%s:%s%V%s,%s\"y\":%V}%s",
                            blanks[i], blanks[i], blanks[i], blanks[i], value,
                            blanks[i], blanks[i], value, blanks[i]);
            object.len = p - object.data;

            text = ngx_http_faas_test_json_copy(&object);
            members = ngx_http_faas_test_json_members(*state, text);

            assert_int_equal(members->nelts, 2);
            m = members->elts;

            ngx_http_faas_test_json_equal(&m[0].value, value);
            ngx_http_faas_test_json_equal(&m[1].value, value);

            /* not a copy */

            assert_true(m[0].value.data > text->data);
            assert_true(m[1].value.data + m[1].value.len
                        < text->data + text->len);
        }
    }
}


static void
ngx_http_faas_test_json_types(void **state)
{
    ngx_str_t                    *text;
    ngx_uint_t                    i;
    ngx_array_t                  *members;
    ngx_http_faas_json_member_t  *m;

    static ngx_str_t  object = ngx_http_faas_test_text(
        "{\"0\":{},\"1\":[],\"2\":\"\",\"3\":0,\"3\":-1,\"3\":9e9,"
        "\"4\":true,\"4\":false,\"5\":null}");

    assert_int_equal(NGX_HTTP_FAAS_JSON_OBJECT, 0);
    assert_int_equal(NGX_HTTP_FAAS_JSON_ARRAY, 1);
    assert_int_equal(NGX_HTTP_FAAS_JSON_STRING, 2);
    assert_int_equal(NGX_HTTP_FAAS_JSON_NUMBER, 3);
    assert_int_equal(NGX_HTTP_FAAS_JSON_BOOLEAN, 4);
    assert_int_equal(NGX_HTTP_FAAS_JSON_NULL, 5);

    text = ngx_http_faas_test_json_copy(&object);
    members = ngx_http_faas_test_json_members(*state, text);

    assert_int_equal(members->nelts, 9);
    m = members->elts;

    for (i = 0; i < members->nelts; i++) {
        assert_int_equal(m[i].key.len, 1);
        assert_int_equal(m[i].type, m[i].key.data[0] - '0');
    }
}


/* all of them, in their order; who calls decides */

static void
ngx_http_faas_test_json_repeated(void **state)
{
    ngx_str_t                    *text;
    ngx_uint_t                    i;
    ngx_array_t                  *members;
    ngx_http_faas_json_member_t  *m;

    static ngx_str_t  object = ngx_http_faas_test_text(
        "{\"a\":0,\"\\u0061\":1,\"a\":2,\"A\":3,\"\":4,\"\":5}");

    text = ngx_http_faas_test_json_copy(&object);
    members = ngx_http_faas_test_json_members(*state, text);

    assert_int_equal(members->nelts, 6);
    m = members->elts;

    for (i = 0; i < 6; i++) {
        assert_int_equal(m[i].key.len, i < 4 ? 1 : 0);
        assert_int_equal(m[i].value.len, 1);
        assert_int_equal(m[i].value.data[0], '0' + i);
    }

    assert_int_equal(m[1].key.data[0], 'a');
    assert_int_equal(m[3].key.data[0], 'A');
}


/* one that cannot be decoded equals no key that is known */

static void
ngx_http_faas_test_json_keys(void **state)
{
    ngx_str_t                    *text;
    ngx_array_t                  *members;
    ngx_http_faas_json_member_t  *m;

    static ngx_str_t  object = ngx_http_faas_test_text(
        "{\"input\\u0000\":0,\"\\ud800\":1,\"i\\u006Eput\":2,\"\\\"\":3,"
        "\"\xc3\xa9\":4}");

    text = ngx_http_faas_test_json_copy(&object);
    members = ngx_http_faas_test_json_members(*state, text);

    assert_int_equal(members->nelts, 5);
    m = members->elts;

    assert_int_equal(m[0].key.len, 6);
    assert_memory_equal(m[0].key.data, "input\0", 6);

    assert_int_equal(m[1].key.len, 8);
    assert_memory_equal(m[1].key.data, "\"\\ud800\"", 8);

    assert_int_equal(m[2].key.len, 5);
    assert_memory_equal(m[2].key.data, "input", 5);

    assert_int_equal(m[3].key.len, 1);
    assert_memory_equal(m[3].key.data, "\"", 1);

    assert_int_equal(m[4].key.len, 2);
    assert_memory_equal(m[4].key.data, "\xc3\xa9", 2);
}


static void
ngx_http_faas_test_json_roots(void **state)
{
    size_t                           offset;
    ngx_str_t                       *text;
    ngx_array_t                     *members;
    ngx_http_faas_test_json_root_t  *tc;

    static ngx_http_faas_test_json_root_t  roots[] = {
        { ngx_http_faas_test_text("[]"), NGX_DECLINED, 0 },
        { ngx_http_faas_test_text(" [{\"a\":1}] "), NGX_DECLINED, 0 },
        { ngx_http_faas_test_text("\"{}\""), NGX_DECLINED, 0 },
        { ngx_http_faas_test_text("1"), NGX_DECLINED, 0 },
        { ngx_http_faas_test_text(" null"), NGX_DECLINED, 0 },
        { ngx_http_faas_test_text("\ttrue\n"), NGX_DECLINED, 0 },

        { ngx_http_faas_test_text(""), NGX_ERROR, 0 },
        { ngx_http_faas_test_text(" "), NGX_ERROR, 1 },
        { ngx_http_faas_test_text(" \r\n\t"), NGX_ERROR, 4 },
        { ngx_http_faas_test_text("{"), NGX_ERROR, 1 },
        { ngx_http_faas_test_text("{\"a\":"), NGX_ERROR, 5 },
        { ngx_http_faas_test_text("{\"a\":1"), NGX_ERROR, 6 },
        { ngx_http_faas_test_text("{\"a\":tru"), NGX_ERROR, 8 },
        { ngx_http_faas_test_text("{\"a\":1,}"), NGX_ERROR, 7 },
        { ngx_http_faas_test_text("{\"input\":1} xyz"), NGX_ERROR, 12 },
        { ngx_http_faas_test_text("{\"a\":\"\xff\"}"), NGX_ERROR, 6 },
        { ngx_http_faas_test_text("{\"a\":1}\0"), NGX_ERROR, 7 },
        { ngx_http_faas_test_text("{'a':1}"), NGX_ERROR, 1 },
        { ngx_http_faas_test_text("\xef\xbb\xbf{}"), NGX_ERROR, 0 },
        { ngx_http_faas_test_text("name=x"), NGX_ERROR, 1 },

        { ngx_null_string, 0, 0 }
    };

    for (tc = roots; tc->text.data; tc++) {
        text = ngx_http_faas_test_json_copy(&tc->text);
        offset = 12345;

        assert_int_equal(ngx_http_faas_json_object(*state, text, &members,
                                                   &offset), tc->rc);

        if (tc->rc == NGX_ERROR) {
            assert_int_equal(offset, tc->offset);
        }
    }
}


static void
ngx_http_faas_test_json_limit(void **state)
{
    size_t        offset;
    u_char       *p;
    ngx_int_t     rc;
    ngx_str_t     text;
    ngx_uint_t    i, n;
    ngx_array_t  *members;

    for (n = 255; n < 258; n++) {

        text.data = ngx_palloc(*state, 2 + n * sizeof("\"000\":{},"));
        assert_non_null(text.data);

        p = text.data;
        *p++ = '{';

        for (i = 0; i < n; i++) {
            p = ngx_sprintf(p, "%s\"%ui\":{}", i ? "," : "", i);
        }

        *p++ = '}';
        text.len = p - text.data;

        rc = ngx_http_faas_json_object(*state, &text, &members, &offset);

        assert_int_equal(rc, n > 256 ? NGX_DECLINED : NGX_OK);

        if (rc == NGX_OK) {
            assert_int_equal(members->nelts, n);
        }
    }
}


static void
ngx_http_faas_test_json_string(void **state)
{
    ngx_str_t                         *raw, out;
    ngx_http_faas_test_json_string_t  *tc;

    static ngx_http_faas_test_json_string_t  strings[] = {
        { ngx_http_faas_test_text("\"\""), NGX_OK,
          ngx_http_faas_test_text("") },
        { ngx_http_faas_test_text("\"abc\""), NGX_OK,
          ngx_http_faas_test_text("abc") },
        { ngx_http_faas_test_text("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""), NGX_OK,
          ngx_http_faas_test_text("\"\\/\b\f\n\r\t") },
        { ngx_http_faas_test_text("\"a\\\\\""), NGX_OK,
          ngx_http_faas_test_text("a\\") },
        { ngx_http_faas_test_text("\"\\\\u0041\""), NGX_OK,
          ngx_http_faas_test_text("\\u0041") },
        { ngx_http_faas_test_text("\"\\u0000\""), NGX_OK,
          ngx_http_faas_test_text("\0") },
        { ngx_http_faas_test_text("\"a\\u0000b\""), NGX_OK,
          ngx_http_faas_test_text("a\0b") },
        { ngx_http_faas_test_text("\"\\u00e9\\u00E9\xc3\xa9\""), NGX_OK,
          ngx_http_faas_test_text("\xc3\xa9\xc3\xa9\xc3\xa9") },
        { ngx_http_faas_test_text("\"\\u20ac\\uFFFF\""), NGX_OK,
          ngx_http_faas_test_text("\xe2\x82\xac\xef\xbf\xbf") },

        /* pairs */
        { ngx_http_faas_test_text("\"\\ud83d\\ude00\""), NGX_OK,
          ngx_http_faas_test_text("\xf0\x9f\x98\x80") },
        { ngx_http_faas_test_text("\"\\uD83D\\uDE00x\""), NGX_OK,
          ngx_http_faas_test_text("\xf0\x9f\x98\x80x") },
        { ngx_http_faas_test_text("\"\\ud800\\udc00\\udbff\\udfff\""), NGX_OK,
          ngx_http_faas_test_text("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf") },

        /* halves */
        { ngx_http_faas_test_text("\"\\ud83d\""), NGX_DECLINED,
          ngx_null_string },
        { ngx_http_faas_test_text("\"\\ude00\""), NGX_DECLINED,
          ngx_null_string },
        { ngx_http_faas_test_text("\"\\ude00\\ud83d\""), NGX_DECLINED,
          ngx_null_string },
        { ngx_http_faas_test_text("\"\\ude00\\udc00\""), NGX_DECLINED,
          ngx_null_string },
        { ngx_http_faas_test_text("\"\\ud83d\\ud83d\\ude00\""), NGX_DECLINED,
          ngx_null_string },
        { ngx_http_faas_test_text("\"\\ud83dx\""), NGX_DECLINED,
          ngx_null_string },
        { ngx_http_faas_test_text("\"\\ud83d\\n\""), NGX_DECLINED,
          ngx_null_string },
        { ngx_http_faas_test_text("\"\\ud83d\\n1234\""), NGX_DECLINED,
          ngx_null_string },
        { ngx_http_faas_test_text("\"\\ud83dude00\""), NGX_DECLINED,
          ngx_null_string },
        { ngx_http_faas_test_text("\"\\ud83d\\u0041\""), NGX_DECLINED,
          ngx_null_string },
        { ngx_http_faas_test_text("\"\\udbff\\ue000\""), NGX_DECLINED,
          ngx_null_string },

        { ngx_null_string, 0, ngx_null_string }
    };

    for (tc = strings; tc->raw.data; tc++) {
        raw = ngx_http_faas_test_json_copy(&tc->raw);

        assert_int_equal(ngx_http_faas_json_string(*state, raw, &out),
                         tc->rc);

        if (tc->rc == NGX_OK) {
            ngx_http_faas_test_json_equal(&out, &tc->out);
        }
    }
}


/* all that \u can say, once */

static void
ngx_http_faas_test_json_code_points(void **state)
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
ngx_http_faas_test_json_uint(void **state)
{
    ngx_int_t                        rc;
    ngx_str_t                       *raw;
    ngx_uint_t                       value;
    ngx_http_faas_test_json_uint_t  *tc;

    static ngx_http_faas_test_json_uint_t  numbers[] = {
        { ngx_http_faas_test_text("0"), 10, NGX_OK, 0 },
        { ngx_http_faas_test_text("7"), 10, NGX_OK, 7 },
        { ngx_http_faas_test_text("10"), 10, NGX_OK, 10 },
        { ngx_http_faas_test_text("11"), 10, NGX_ERROR, 0 },
        { ngx_http_faas_test_text("0"), 0, NGX_OK, 0 },
        { ngx_http_faas_test_text("1"), 0, NGX_ERROR, 0 },
        { ngx_http_faas_test_text("5000"), 300000, NGX_OK, 5000 },
        { ngx_http_faas_test_text("300001"), 300000, NGX_ERROR, 0 },
        { ngx_http_faas_test_text("2147483647"), NGX_MAX_INT32_VALUE,
          NGX_OK, 2147483647 },
        { ngx_http_faas_test_text("2147483648"), NGX_MAX_INT32_VALUE,
          NGX_ERROR, 0 },

        /* over what an integer holds */
        { ngx_http_faas_test_text("9223372036854775808"),
          NGX_MAX_INT_T_VALUE, NGX_ERROR, 0 },
        { ngx_http_faas_test_text("18446744073709551616"),
          NGX_MAX_INT_T_VALUE, NGX_ERROR, 0 },
        { ngx_http_faas_test_text("18446744073709551621"),
          NGX_MAX_INT_T_VALUE, NGX_ERROR, 0 },
        { ngx_http_faas_test_text("1000000000000000000000000000000000000000"),
          NGX_MAX_INT_T_VALUE, NGX_ERROR, 0 },

        /* not plain */
        { ngx_http_faas_test_text(""), 10, NGX_ERROR, 0 },
        { ngx_http_faas_test_text("-1"), 10, NGX_ERROR, 0 },
        { ngx_http_faas_test_text("-0"), 10, NGX_ERROR, 0 },
        { ngx_http_faas_test_text("+1"), 10, NGX_ERROR, 0 },
        { ngx_http_faas_test_text("1.5"), 10, NGX_ERROR, 0 },
        { ngx_http_faas_test_text("1.0"), 10, NGX_ERROR, 0 },
        { ngx_http_faas_test_text("1e0"), 10, NGX_ERROR, 0 },
        { ngx_http_faas_test_text("1E18"), 10, NGX_ERROR, 0 },
        { ngx_http_faas_test_text("00"), 10, NGX_ERROR, 0 },
        { ngx_http_faas_test_text("05"), 10, NGX_ERROR, 0 },
        { ngx_http_faas_test_text("0x5"), 10, NGX_ERROR, 0 },
        { ngx_http_faas_test_text(" 5"), 10, NGX_ERROR, 0 },
        { ngx_http_faas_test_text("5 "), 10, NGX_ERROR, 0 },
        { ngx_http_faas_test_text("5\0"), 10, NGX_ERROR, 0 },

        /* no number at all */
        { ngx_http_faas_test_text("\"5\""), 10, NGX_ERROR, 0 },
        { ngx_http_faas_test_text("null"), 10, NGX_ERROR, 0 },
        { ngx_http_faas_test_text("true"), 10, NGX_ERROR, 0 },
        { ngx_http_faas_test_text("[5]"), 10, NGX_ERROR, 0 },
        { ngx_http_faas_test_text("{}"), 10, NGX_ERROR, 0 },

        { ngx_null_string, 0, 0, 0 }
    };

    for (tc = numbers; tc->raw.data; tc++) {
        raw = ngx_http_faas_test_json_copy(&tc->raw);
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
ngx_http_faas_test_json_quote(void **state)
{
    u_char                            out[64];
    ngx_str_t                        *s, quoted;
    ngx_http_faas_test_json_quote_t  *tc;

    static ngx_http_faas_test_json_quote_t  strings[] = {
        { ngx_http_faas_test_text(""),
          ngx_http_faas_test_text("\"\"") },
        { ngx_http_faas_test_text("a b"),
          ngx_http_faas_test_text("\"a b\"") },
        { ngx_http_faas_test_text("\"\\/"),
          ngx_http_faas_test_text("\"\\\"\\\\/\"") },
        { ngx_http_faas_test_text("\n\r\t\b\f"),
          ngx_http_faas_test_text("\"\\n\\r\\t\\b\\f\"") },
        { ngx_http_faas_test_text("a\0\x1f\x7f"),
          ngx_http_faas_test_text("\"a\\u0000\\u001F\x7f\"") },
        { ngx_http_faas_test_text("\xc3\xa9\xf0\x9f\x98\x80"),
          ngx_http_faas_test_text("\"\xc3\xa9\xf0\x9f\x98\x80\"") },
        { ngx_null_string, ngx_null_string }
    };

    for (tc = strings; tc->s.data; tc++) {
        s = ngx_http_faas_test_json_copy(&tc->s);

        quoted.data = out;
        quoted.len = ngx_http_faas_json_quote(out, s) - out;

        ngx_http_faas_test_json_equal(&quoted, &tc->quoted);

        assert_int_equal(ngx_http_faas_json_quote_len(s), quoted.len);
    }

    ngx_str_null(&quoted);

    assert_int_equal(ngx_http_faas_json_quote_len(&quoted), 2);
    assert_int_equal(ngx_http_faas_json_quote(out, &quoted) - out, 2);
    assert_memory_equal(out, "\"\"", 2);
}


/* what is quoted is JSON, and decodes to what it was */

static void
ngx_http_faas_test_json_round_trip(void **state)
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
        ngx_http_faas_test_json_equal(&out, &s);

        ngx_destroy_pool(pool);
    }
}
