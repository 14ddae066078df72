
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Members of an object as they were written.  A text lies in a block of just
 * its length, so that ASan sees a byte too much.
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
    ngx_str_t     text;
    ngx_int_t     rc;
    size_t        offset;                /* if it is NGX_ERROR */
} ngx_http_faas_test_json_root_t;


int ngx_http_faas_test_json(void);

static ngx_array_t *ngx_http_faas_test_json_members(ngx_pool_t *pool,
    ngx_str_t *text);
static void ngx_http_faas_test_json_object(void **state);
static void ngx_http_faas_test_json_slices(void **state);
static void ngx_http_faas_test_json_types(void **state);
static void ngx_http_faas_test_json_repeated(void **state);
static void ngx_http_faas_test_json_keys(void **state);
static void ngx_http_faas_test_json_roots(void **state);
static void ngx_http_faas_test_json_limit(void **state);


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
        cmocka_unit_test(ngx_http_faas_test_json_limit)
    };

    return cmocka_run_group_tests_name("json", tests,
                                       ngx_http_faas_unit_text_setup,
                                       ngx_http_faas_unit_text_teardown);
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

    static ngx_str_t  object = ngx_http_faas_unit_text(
        "{\"name\":\"greet\",\"timeout_ms\" : 5000 , \"input\":{\"a\":[1]}}");

    static ngx_str_t  empty[] = {
        ngx_http_faas_unit_text("{}"),
        ngx_http_faas_unit_text(" \r\n{\t} "),
    };

    text = ngx_http_faas_unit_text_copy(&object);
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

    text = ngx_http_faas_unit_text_copy(&empty[0]);
    members = ngx_http_faas_test_json_members(*state, text);
    assert_int_equal(members->nelts, 0);

    text = ngx_http_faas_unit_text_copy(&empty[1]);
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
        ngx_http_faas_unit_text("9007199254740993"),
        ngx_http_faas_unit_text("18446744073709551616"),
        ngx_http_faas_unit_text("-0"),
        ngx_http_faas_unit_text("-0.0"),
        ngx_http_faas_unit_text("1e999"),
        ngx_http_faas_unit_text("1E+2"),
        ngx_http_faas_unit_text("0.10000000000000000000000000000000000001"),
        ngx_http_faas_unit_text("null"),
        ngx_http_faas_unit_text("true"),
        ngx_http_faas_unit_text("false"),
        ngx_http_faas_unit_text("\"\""),
        ngx_http_faas_unit_text("\"a\\u0000b\\/\\ud800\""),
        ngx_http_faas_unit_text("\"},\\\"]\\\\\""),
        ngx_http_faas_unit_text("\"\xf0\x9f\x98\x80\""),
        ngx_http_faas_unit_text("[]"),
        ngx_http_faas_unit_text("{}"),
        ngx_http_faas_unit_text("[ [ ] , { } ]"),
        ngx_http_faas_unit_text("{\"a\":1,\"a\":2}"),
        ngx_http_faas_unit_text("{ \"}\" : \"{\" ,\r\n\t\"\\\"]\":[\"[\"] }"),
        ngx_http_faas_unit_text("[1,[2,[3,{\"a\":[4]}]],\"\\\\\"]"),
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

            text = ngx_http_faas_unit_text_copy(&object);
            members = ngx_http_faas_test_json_members(*state, text);

            assert_int_equal(members->nelts, 2);
            m = members->elts;

            ngx_http_faas_unit_text_equal(&m[0].value, value);
            ngx_http_faas_unit_text_equal(&m[1].value, value);

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

    static ngx_str_t  object = ngx_http_faas_unit_text(
        "{\"0\":{},\"1\":[],\"2\":\"\",\"3\":0,\"3\":-1,\"3\":9e9,"
        "\"4\":true,\"4\":false,\"5\":null}");

    assert_int_equal(NGX_HTTP_FAAS_JSON_OBJECT, 0);
    assert_int_equal(NGX_HTTP_FAAS_JSON_ARRAY, 1);
    assert_int_equal(NGX_HTTP_FAAS_JSON_STRING, 2);
    assert_int_equal(NGX_HTTP_FAAS_JSON_NUMBER, 3);
    assert_int_equal(NGX_HTTP_FAAS_JSON_BOOLEAN, 4);
    assert_int_equal(NGX_HTTP_FAAS_JSON_NULL, 5);

    text = ngx_http_faas_unit_text_copy(&object);
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

    static ngx_str_t  object = ngx_http_faas_unit_text(
        "{\"a\":0,\"\\u0061\":1,\"a\":2,\"A\":3,\"\":4,\"\":5}");

    text = ngx_http_faas_unit_text_copy(&object);
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

    static ngx_str_t  object = ngx_http_faas_unit_text(
        "{\"input\\u0000\":0,\"\\ud800\":1,\"i\\u006Eput\":2,\"\\\"\":3,"
        "\"\xc3\xa9\":4}");

    text = ngx_http_faas_unit_text_copy(&object);
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
        { ngx_http_faas_unit_text("[]"), NGX_DECLINED, 0 },
        { ngx_http_faas_unit_text(" [{\"a\":1}] "), NGX_DECLINED, 0 },
        { ngx_http_faas_unit_text("\"{}\""), NGX_DECLINED, 0 },
        { ngx_http_faas_unit_text("1"), NGX_DECLINED, 0 },
        { ngx_http_faas_unit_text(" null"), NGX_DECLINED, 0 },
        { ngx_http_faas_unit_text("\ttrue\n"), NGX_DECLINED, 0 },

        { ngx_http_faas_unit_text(""), NGX_ERROR, 0 },
        { ngx_http_faas_unit_text(" "), NGX_ERROR, 1 },
        { ngx_http_faas_unit_text(" \r\n\t"), NGX_ERROR, 4 },
        { ngx_http_faas_unit_text("{"), NGX_ERROR, 1 },
        { ngx_http_faas_unit_text("{\"a\":"), NGX_ERROR, 5 },
        { ngx_http_faas_unit_text("{\"a\":1"), NGX_ERROR, 6 },
        { ngx_http_faas_unit_text("{\"a\":tru"), NGX_ERROR, 8 },
        { ngx_http_faas_unit_text("{\"a\":1,}"), NGX_ERROR, 7 },
        { ngx_http_faas_unit_text("{\"input\":1} xyz"), NGX_ERROR, 12 },
        { ngx_http_faas_unit_text("{\"a\":\"\xff\"}"), NGX_ERROR, 6 },
        { ngx_http_faas_unit_text("{\"a\":1}\0"), NGX_ERROR, 7 },
        { ngx_http_faas_unit_text("{'a':1}"), NGX_ERROR, 1 },
        { ngx_http_faas_unit_text("\xef\xbb\xbf{}"), NGX_ERROR, 0 },
        { ngx_http_faas_unit_text("name=x"), NGX_ERROR, 1 },

        { ngx_null_string, 0, 0 }
    };

    for (tc = roots; tc->text.data; tc++) {
        text = ngx_http_faas_unit_text_copy(&tc->text);
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
