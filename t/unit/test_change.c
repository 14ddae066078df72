
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * The calls that change what is there: rename, update and the removal of a
 * network.
 */


#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "ngx_http_faas_docker.h"


#define NGX_HTTP_FAAS_TEST_ID                                                 \
    "5ee428013e525a74de7401b4367f981825f84826384f92d96a78f87ee53a6b0b"


int ngx_http_faas_test_change(void);

static int ngx_http_faas_test_change_setup(void **state);
static int ngx_http_faas_test_change_teardown(void **state);
static void ngx_http_faas_test_change_equal(ngx_str_t *value, char *text);
static void ngx_http_faas_test_change_rename(void **state);
static void ngx_http_faas_test_change_update(void **state);
static void ngx_http_faas_test_change_network(void **state);


static ngx_str_t  ngx_http_faas_test_change_v = ngx_string("1.41");


int
ngx_http_faas_test_change(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(ngx_http_faas_test_change_rename),
        cmocka_unit_test(ngx_http_faas_test_change_update),
        cmocka_unit_test(ngx_http_faas_test_change_network)
    };

    return cmocka_run_group_tests_name("change", tests,
                                       ngx_http_faas_test_change_setup,
                                       ngx_http_faas_test_change_teardown);
}


static int
ngx_http_faas_test_change_setup(void **state)
{
    *state = ngx_create_pool(4096, ngx_cycle->log);

    return *state ? 0 : -1;
}


static int
ngx_http_faas_test_change_teardown(void **state)
{
    ngx_destroy_pool(*state);

    return 0;
}


static void
ngx_http_faas_test_change_equal(ngx_str_t *value, char *text)
{
    assert_int_equal(value->len, ngx_strlen(text));
    assert_memory_equal(value->data, text, value->len);
}


static void
ngx_http_faas_test_change_rename(void **state)
{
    ngx_str_t                        id, name, *v;
    ngx_uint_t                       i;
    ngx_pool_t                      *pool;
    ngx_http_faas_docker_request_t   req;

    static ngx_str_t  bad[] = {
        ngx_string(""),
        ngx_string(".x"),
        ngx_string("-x"),
        ngx_string("_x"),
        ngx_string("a/b"),
        ngx_string("a&name=b"),
        ngx_string("a b"),
        ngx_string("a%62"),
        ngx_string("a\r\nHost: x"),
        ngx_string("a\0b"),
        ngx_string("\303\251")
    };

    pool = *state;
    v = &ngx_http_faas_test_change_v;

    ngx_str_set(&id, NGX_HTTP_FAAS_TEST_ID);
    ngx_str_set(&name, "faas-a-b-7-1.0a1b2c3d.h_C3_A9llo");

    assert_int_equal(ngx_http_faas_docker_rename(pool, v, &id, &name, &req),
                     NGX_OK);

    ngx_http_faas_test_change_equal(&req.method, "POST");
    ngx_http_faas_test_change_equal(&req.path,
                              "/v1.41/containers/" NGX_HTTP_FAAS_TEST_ID
                              "/rename?name=faas-a-b-7-1.0a1b2c3d.h_C3_A9llo");
    assert_int_equal(req.body.len, 0);

    for (i = 0; i < sizeof(bad) / sizeof(ngx_str_t); i++) {
        assert_int_equal(ngx_http_faas_docker_rename(pool, v, &id, &bad[i],
                                                     &req),
                         NGX_ERROR);
        assert_int_equal(ngx_http_faas_docker_rename(pool, v, &bad[i], &name,
                                                     &req),
                         NGX_ERROR);
    }
}


static void
ngx_http_faas_test_change_update(void **state)
{
    ngx_str_t                        id, *v;
    ngx_uint_t                       i;
    ngx_pool_t                      *pool;
    ngx_http_faas_docker_limits_t    limits;
    ngx_http_faas_docker_request_t   req;

    static ngx_http_faas_docker_limits_t  bad[] = {
        { 0, 1, 1 }, { 1, 0, 1 }, { 1, 1, 0 },
        { -1, 1, 1 }, { 1, -1, 1 }, { 1, 1, -1 }
    };

    pool = *state;
    v = &ngx_http_faas_test_change_v;

    ngx_str_set(&id, NGX_HTTP_FAAS_TEST_ID);

    limits.memory = 1125899906842624;
    limits.nano_cpus = 1500000000;
    limits.pids = 64;

    assert_int_equal(ngx_http_faas_docker_update(pool, v, &id, &limits, &req),
                     NGX_OK);

    ngx_http_faas_test_change_equal(&req.method, "POST");
    ngx_http_faas_test_change_equal(&req.path,
                       "/v1.41/containers/" NGX_HTTP_FAAS_TEST_ID "/update");
    ngx_http_faas_test_change_equal(&req.body,
                       "{\"Memory\":1125899906842624,"
                       "\"MemorySwap\":1125899906842624,"
                       "\"NanoCpus\":1500000000,\"PidsLimit\":64}");

    for (i = 0; i < sizeof(bad) / sizeof(ngx_http_faas_docker_limits_t); i++) {
        assert_int_equal(ngx_http_faas_docker_update(pool, v, &id, &bad[i],
                                                     &req),
                         NGX_ERROR);
    }

    ngx_str_set(&id, "../x");

    assert_int_equal(ngx_http_faas_docker_update(pool, v, &id, &limits, &req),
                     NGX_ERROR);
}


static void
ngx_http_faas_test_change_network(void **state)
{
    ngx_str_t                        name, *v;
    ngx_http_faas_docker_request_t   req;

    v = &ngx_http_faas_test_change_v;

    ngx_str_set(&name, "faas-0a1b2c3d");

    assert_int_equal(ngx_http_faas_docker_network_remove(*state, v, &name,
                                                         &req),
                     NGX_OK);

    ngx_http_faas_test_change_equal(&req.method, "DELETE");
    ngx_http_faas_test_change_equal(&req.path,
                                    "/v1.41/networks/faas-0a1b2c3d");
    assert_int_equal(req.body.len, 0);

    ngx_str_set(&name, "");

    assert_int_equal(ngx_http_faas_docker_network_remove(*state, v, &name,
                                                         &req),
                     NGX_ERROR);

    ngx_str_set(&name, "../containers/x");

    assert_int_equal(ngx_http_faas_docker_network_remove(*state, v, &name,
                                                         &req),
                     NGX_ERROR);
}
