
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * The form of our own answers.
 */


#include "ngx_http_faas.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>
#include <cjson/cJSON.h>

#include "ngx_http_faas_reply.h"


int ngx_http_faas_test_reply(void);

static void ngx_http_faas_test_reply_body(void **state);
static void ngx_http_faas_test_reply_statuses(void **state);
static void ngx_http_faas_test_reply_headers(void **state);


int
ngx_http_faas_test_reply(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(ngx_http_faas_test_reply_body),
        cmocka_unit_test(ngx_http_faas_test_reply_statuses),
        cmocka_unit_test(ngx_http_faas_test_reply_headers)
    };

    return cmocka_run_group_tests_name("reply", tests, NULL, NULL);
}


static void
ngx_http_faas_test_reply_body(void **state)
{
    ngx_str_t    code, message, body;
    ngx_pool_t  *pool;

    static u_char  text[] =
        "{\"error\":{\"code\":\"function_not_found\","
        "\"message\":\"there is no function of that name\"}}\n";

    pool = ngx_create_pool(1024, ngx_cycle->log);
    assert_non_null(pool);

    ngx_str_set(&code, "function_not_found");
    ngx_str_set(&message, "there is no function of that name");

    assert_int_equal(ngx_http_faas_reply_error_body(pool, &code, &message,
                                                    &body),
                     NGX_OK);

    assert_int_equal(body.len, sizeof(text) - 1);
    assert_memory_equal(body.data, text, body.len);

    ngx_destroy_pool(pool);
}


/* every status has a code and a message, and all of them make good JSON */

static void
ngx_http_faas_test_reply_statuses(void **state)
{
    char         name[64];
    cJSON       *root, *error, *item, *codes;
    ngx_str_t    code, message, body;
    ngx_uint_t   status, i, n;
    ngx_pool_t  *pool;

    static ngx_uint_t  known[] = {
        400, 401, 403, 404, 405, 408, 413, 415, 429, 500, 502, 503, 504, 507
    };

    pool = ngx_create_pool(4096, ngx_cycle->log);
    assert_non_null(pool);

    codes = cJSON_CreateObject();
    assert_non_null(codes);

    for (status = 300; status < 700; status++) {

        ngx_http_faas_reply_status(status, &code, &message);

        assert_in_range(code.len, 3, sizeof(name) - 1);
        assert_in_range(message.len, 3, 100);

        for (i = 0; i < code.len; i++) {
            assert_true((code.data[i] >= 'a' && code.data[i] <= 'z')
                        || code.data[i] == '_');
        }

        assert_int_equal(ngx_http_faas_reply_error_body(pool, &code,
                                                        &message, &body),
                         NGX_OK);

        root = cJSON_ParseWithLength((char *) body.data, body.len);
        assert_non_null(root);

        error = cJSON_GetObjectItem(root, "error");
        item = cJSON_GetObjectItem(error, "code");
        assert_int_equal(strlen(item->valuestring), code.len);
        item = cJSON_GetObjectItem(error, "message");
        assert_int_equal(strlen(item->valuestring), message.len);

        cJSON_Delete(root);

        /* one's own */

        ngx_memcpy(name, code.data, code.len);
        name[code.len] = '\0';

        for (i = 0; i < sizeof(known) / sizeof(ngx_uint_t); i++) {
            if (known[i] == status) {
                assert_null(cJSON_GetObjectItem(codes, name));
                assert_string_not_equal(name, "error");
            }
        }

        if (cJSON_GetObjectItem(codes, name) == NULL) {
            cJSON_AddNumberToObject(codes, name, (double) status);
        }
    }

    n = sizeof(known) / sizeof(ngx_uint_t);
    assert_true(cJSON_GetArraySize(codes) >= (int) n + 1);

    cJSON_Delete(codes);
    ngx_destroy_pool(pool);
}


/* nothing is left of what another module had prepared */

static void
ngx_http_faas_test_reply_headers(void **state)
{
    ngx_uint_t            status;
    ngx_pool_t           *pool;
    ngx_table_elt_t      *h, old[4];
    ngx_http_request_t    r;

    for (status = 404; status <= 504; status++) {

        pool = ngx_create_pool(4096, ngx_cycle->log);
        assert_non_null(pool);

        ngx_memzero(&r, sizeof(ngx_http_request_t));
        ngx_memzero(old, sizeof(old));

        r.pool = pool;
        assert_int_equal(ngx_list_init(&r.headers_out.headers, pool, 2,
                                       sizeof(ngx_table_elt_t)),
                         NGX_OK);

        old[0].hash = 1;
        old[1].hash = 1;
        old[2].hash = 1;
        old[3].hash = 1;

        r.headers_out.content_length = &old[0];
        r.headers_out.accept_ranges = &old[1];
        r.headers_out.last_modified = &old[2];
        r.headers_out.last_modified_time = 1000;
        r.headers_out.etag = &old[3];
        r.headers_out.status = 200;
        ngx_str_set(&r.headers_out.status_line, "200 Fine");
        ngx_str_set(&r.headers_out.charset, "koi8-r");
        ngx_str_set(&r.headers_out.content_type, "text/html");
        r.headers_out.content_type_len = 9;
        r.headers_out.content_type_lowcase = (u_char *) "text/html";

        assert_int_equal(ngx_http_faas_reply_headers(&r, status, 123),
                         NGX_OK);

        assert_int_equal(r.headers_out.status, status);
        assert_int_equal(r.headers_out.status_line.len, 0);
        assert_int_equal(r.headers_out.content_length_n, 123);
        assert_int_equal(r.headers_out.charset.len, 0);
        assert_int_equal(r.headers_out.content_type.len, 16);
        assert_int_equal(r.headers_out.content_type_len, 16);
        assert_memory_equal(r.headers_out.content_type.data,
                            "application/json", 16);
        assert_null(r.headers_out.content_type_lowcase);
        assert_null(r.headers_out.content_length);
        assert_null(r.headers_out.accept_ranges);
        assert_null(r.headers_out.last_modified);
        assert_null(r.headers_out.etag);
        assert_int_equal(r.headers_out.last_modified_time, -1);

        assert_int_equal(old[0].hash, 0);
        assert_int_equal(old[3].hash, 0);

        /* only who is told to come again is told when */

        h = r.headers_out.headers.part.elts;

        assert_int_equal(r.headers_out.headers.part.nelts,
                         status == NGX_HTTP_SERVICE_UNAVAILABLE ? 1 : 0);

        if (status == NGX_HTTP_SERVICE_UNAVAILABLE) {
            assert_int_equal(h->key.len, 11);
            assert_memory_equal(h->key.data, "Retry-After", 11);
            assert_int_equal(h->hash, 1);
            assert_true(ngx_atoi(h->value.data, h->value.len) > 0);
        }

        ngx_destroy_pool(pool);
    }
}
