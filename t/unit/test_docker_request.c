
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Requests to the Docker Engine API: paths, filters, and the bytes sent.
 */


#include "ngx_http_faas.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "ngx_http_faas_unit_docker.h"


int ngx_http_faas_test_docker_request(void);

static void ngx_http_faas_test_docker_request_paths(void **state);
static void ngx_http_faas_test_docker_request_list(void **state);
static void ngx_http_faas_test_docker_request_list_page(void **state);
static void ngx_http_faas_test_docker_request_serialize(void **state);


int
ngx_http_faas_test_docker_request(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(ngx_http_faas_test_docker_request_paths),
        cmocka_unit_test(ngx_http_faas_test_docker_request_list),
        cmocka_unit_test(ngx_http_faas_test_docker_request_list_page),
        cmocka_unit_test(ngx_http_faas_test_docker_request_serialize)
    };

    return cmocka_run_group_tests_name("docker_request", tests,
                                       ngx_http_faas_unit_text_setup,
                                       ngx_http_faas_unit_text_teardown);
}


static void
ngx_http_faas_test_docker_request_paths(void **state)
{
    ngx_str_t                        id, *v;
    ngx_uint_t                       i;
    ngx_pool_t                      *pool;
    ngx_http_faas_docker_request_t   req;

    static ngx_str_t  bad[] = {
        ngx_string(""),
        ngx_string("."),
        ngx_string(".."),
        ngx_string("-x"),
        ngx_string("a/b"),
        ngx_string("a?force=0"),
        ngx_string("a b"),
        ngx_string("a%2fb"),
        ngx_string("a\r\nHost: x"),
        ngx_string("a\0b"),
        ngx_string("\303\251")
    };

    pool = *state;
    v = &ngx_http_faas_unit_docker_v;

    ngx_str_set(&id, "faas-E1_x.7");

    assert_int_equal(ngx_http_faas_docker_ping(pool, &req), NGX_OK);
    ngx_http_faas_unit_text_is(&req.method, "GET");
    ngx_http_faas_unit_text_is(&req.path, "/_ping");
    assert_int_equal(req.body.len, 0);

    assert_int_equal(ngx_http_faas_docker_start(pool, v, &id, &req), NGX_OK);
    ngx_http_faas_unit_text_is(&req.method, "POST");
    ngx_http_faas_unit_text_is(&req.path,
                               "/v1.41/containers/faas-E1_x.7/start");
    assert_int_equal(req.body.len, 0);

    assert_int_equal(ngx_http_faas_docker_remove(pool, v, &id, &req), NGX_OK);
    ngx_http_faas_unit_text_is(&req.method, "DELETE");
    ngx_http_faas_unit_text_is(&req.path,
                               "/v1.41/containers/faas-E1_x.7?force=1&v=1");

    assert_int_equal(ngx_http_faas_docker_inspect(pool, v, &id, &req),
                     NGX_OK);
    ngx_http_faas_unit_text_is(&req.method, "GET");
    ngx_http_faas_unit_text_is(&req.path,
                               "/v1.41/containers/faas-E1_x.7/json");

    assert_int_equal(ngx_http_faas_docker_network_inspect(pool, v, &id, &req),
                     NGX_OK);
    ngx_http_faas_unit_text_is(&req.path,
                               "/v1.41/networks/faas-E1_x.7");

    assert_int_equal(ngx_http_faas_docker_logs(pool, v, &id,
                                               NGX_HTTP_FAAS_DOCKER_STDOUT
                                               |NGX_HTTP_FAAS_DOCKER_STDERR,
                                               100, 1700000000, 7, &req),
                     NGX_OK);
    ngx_http_faas_unit_text_is(&req.path,
                               "/v1.41/containers/faas-E1_x.7/logs"
                               "?stdout=1&stderr=1&tail=100"
                               "&since=1700000000.007");

    assert_int_equal(ngx_http_faas_docker_logs(pool, v, &id,
                                               NGX_HTTP_FAAS_DOCKER_STDERR,
                                               NGX_MAX_INT_T_VALUE, 0, 0,
                                               &req),
                     NGX_OK);
    ngx_http_faas_unit_text_is(&req.path,
                               "/v1.41/containers/faas-E1_x.7/logs"
                               "?stdout=0&stderr=1"
                               "&tail=9223372036854775807");

    for (i = 0; i < sizeof(bad) / sizeof(ngx_str_t); i++) {
        assert_int_equal(ngx_http_faas_docker_start(pool, v, &bad[i], &req),
                         NGX_ERROR);
        assert_int_equal(ngx_http_faas_docker_remove(pool, v, &bad[i], &req),
                         NGX_ERROR);
    }
}


static void
ngx_http_faas_test_docker_request_list(void **state)
{
    cJSON                           *root;
    u_char                          *dst, *src;
    ngx_int_t                        rc;
    ngx_str_t                       *s;
    ngx_pool_t                      *pool;
    ngx_array_t                     *labels;
    ngx_http_faas_docker_request_t   req;

    static char  prefix[] = "/v1.41/containers/json?all=1&filters=";

    pool = *state;

    labels = ngx_array_create(pool, 2, sizeof(ngx_str_t));
    s = ngx_array_push(labels);
    ngx_str_set(s, "faas.owner=me");

    rc = ngx_http_faas_docker_list(pool, &ngx_http_faas_unit_docker_v, labels,
                                   0, NULL, &req);
    assert_int_equal(rc, NGX_OK);
    ngx_http_faas_unit_text_is(&req.method, "GET");
    ngx_http_faas_unit_text_is(&req.path,
                 "/v1.41/containers/json?all=1&filters="
                 "%7B%22label%22%3A%5B%22faas.owner%3Dme%22%5D%7D");

    s = ngx_array_push(labels);
    s->data = (u_char *) ngx_http_faas_unit_docker_evil;
    s->len = ngx_strlen(s->data);

    rc = ngx_http_faas_docker_list(pool, &ngx_http_faas_unit_docker_v, labels,
                                   0, NULL, &req);
    assert_int_equal(rc, NGX_OK);

    src = req.path.data + sizeof(prefix) - 1;

    for (dst = src; dst < req.path.data + req.path.len; dst++) {
        assert_true(*dst > 0x20 && *dst < 0x7f && *dst != '&' && *dst != '#');
    }

    dst = ngx_pcalloc(pool, req.path.len);
    s = ngx_palloc(pool, sizeof(ngx_str_t));
    s->data = dst;

    ngx_unescape_uri(&dst, &src, req.path.len - (sizeof(prefix) - 1), 0);
    s->len = dst - s->data;

    root = cJSON_ParseWithLength((char *) s->data, s->len);
    ngx_http_faas_unit_docker_text(root, "label|0", "faas.owner=me");
    ngx_http_faas_unit_docker_text(root, "label|1",
                                   ngx_http_faas_unit_docker_evil);
    cJSON_Delete(root);
}


static void
ngx_http_faas_test_docker_request_list_page(void **state)
{
    ngx_int_t                        rc;
    ngx_str_t                        before, *v;
    ngx_uint_t                       i;
    ngx_pool_t                      *pool;
    ngx_http_faas_docker_request_t   req;

    static ngx_str_t  bad[] = {
        ngx_string("-x"),
        ngx_string("x\"],\"y\":[\""),
        ngx_string("a\0b"),
        ngx_string(NGX_HTTP_FAAS_UNIT_ID "0")
    };

    pool = *state;
    v = &ngx_http_faas_unit_docker_v;

    ngx_str_null(&before);

    rc = ngx_http_faas_docker_list(pool, v, NULL, NGX_MAX_INT_T_VALUE,
                                   &before, &req);
    assert_int_equal(rc, NGX_OK);
    ngx_http_faas_unit_text_is(&req.path,
                 "/v1.41/containers/json?all=1&limit=9223372036854775807"
                 "&filters=%7B%22label%22%3A%5B%5D%7D");

    ngx_str_set(&before, NGX_HTTP_FAAS_UNIT_ID);

    rc = ngx_http_faas_docker_list(pool, v, NULL, 100, &before, &req);
    assert_int_equal(rc, NGX_OK);
    ngx_http_faas_unit_text_is(&req.path,
                 "/v1.41/containers/json?all=1&limit=100"
                 "&filters=%7B%22before%22%3A%5B%22" NGX_HTTP_FAAS_UNIT_ID
                 "%22%5D%2C%22label%22%3A%5B%5D%7D");

    for (i = 0; i < sizeof(bad) / sizeof(ngx_str_t); i++) {
        rc = ngx_http_faas_docker_list(pool, v, NULL, 100, &bad[i], &req);
        assert_int_equal(rc, NGX_ERROR);
    }
}


static void
ngx_http_faas_test_docker_request_serialize(void **state)
{
    ngx_str_t                        out;
    ngx_http_faas_docker_request_t   req;

    ngx_str_set(&req.method, "GET");
    ngx_str_set(&req.path, "/_ping");
    ngx_str_null(&req.body);

    assert_int_equal(ngx_http_faas_docker_serialize(*state, &req, &out),
                     NGX_OK);
    ngx_http_faas_unit_text_is(&out,
                             "GET /_ping HTTP/1.1\r\n"
                             "Host: docker\r\n"
                             "User-Agent: ngx_http_faas_module\r\n"
                             "Accept: application/json\r\n"
                             "Connection: close\r\n\r\n");

    ngx_str_set(&req.method, "POST");

    assert_int_equal(ngx_http_faas_docker_serialize(*state, &req, &out),
                     NGX_OK);
    ngx_http_faas_unit_text_is(&out,
                             "POST /_ping HTTP/1.1\r\n"
                             "Host: docker\r\n"
                             "User-Agent: ngx_http_faas_module\r\n"
                             "Accept: application/json\r\n"
                             "Connection: close\r\n"
                             "Content-Length: 0\r\n\r\n");

    ngx_str_set(&req.body, "{\"a\":1}");

    assert_int_equal(ngx_http_faas_docker_serialize(*state, &req, &out),
                     NGX_OK);
    ngx_http_faas_unit_text_is(&out,
                             "POST /_ping HTTP/1.1\r\n"
                             "Host: docker\r\n"
                             "User-Agent: ngx_http_faas_module\r\n"
                             "Accept: application/json\r\n"
                             "Connection: close\r\n"
                             "Content-Type: application/json\r\n"
                             "Content-Length: 7\r\n\r\n{\"a\":1}");
}
