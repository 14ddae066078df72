
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * What a function may say of itself, and how much of it.
 */


#include "ngx_http_faas.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "ngx_http_faas_json.h"
#include "ngx_http_faas_runtime.h"
#include "ngx_http_faas_settings.h"


int ngx_http_faas_test_settings(void);

static void ngx_http_faas_test_settings_all(void **state);
static void ngx_http_faas_test_settings_none(void **state);
static void ngx_http_faas_test_settings_invalid(void **state);
static void ngx_http_faas_test_settings_bounds(void **state);
static void ngx_http_faas_test_settings_env(void **state);
static void ngx_http_faas_test_settings_write(void **state);

static int ngx_http_faas_test_settings_setup(void **state);
static int ngx_http_faas_test_settings_teardown(void **state);
static ngx_int_t ngx_http_faas_test_settings_parse(void **state, char *json,
    ngx_http_faas_settings_t *settings);


/* what all cases have: python as it is by default, and some limits */

typedef struct {
    ngx_pool_t                      *pool;
    ngx_http_faas_pool_t             fp;
    ngx_http_faas_runtime_t         *runtime;
} ngx_http_faas_test_settings_t;


int
ngx_http_faas_test_settings(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(ngx_http_faas_test_settings_all),
        cmocka_unit_test(ngx_http_faas_test_settings_none),
        cmocka_unit_test(ngx_http_faas_test_settings_invalid),
        cmocka_unit_test(ngx_http_faas_test_settings_bounds),
        cmocka_unit_test(ngx_http_faas_test_settings_env),
        cmocka_unit_test(ngx_http_faas_test_settings_write)
    };

    return cmocka_run_group_tests_name("settings", tests,
                                       ngx_http_faas_test_settings_setup,
                                       ngx_http_faas_test_settings_teardown);
}


static int
ngx_http_faas_test_settings_setup(void **state)
{
    ngx_conf_t                      cf;
    ngx_pool_t                     *pool;
    ngx_http_faas_test_settings_t  *ts;

    pool = ngx_create_pool(16384, ngx_cycle->log);
    if (pool == NULL) {
        return -1;
    }

    ts = ngx_pcalloc(pool, sizeof(ngx_http_faas_test_settings_t));
    if (ts == NULL) {
        return -1;
    }

    ngx_memzero(&cf, sizeof(ngx_conf_t));

    ts->pool = pool;
    ts->fp.runtimes = ngx_array_create(pool, 2,
                                       sizeof(ngx_http_faas_runtime_t));

    if (ts->fp.runtimes == NULL
        || ngx_http_faas_runtime_defaults(&cf, ts->fp.runtimes) != NGX_OK)
    {
        return -1;
    }

    ts->runtime = ts->fp.runtimes->elts;

    ts->fp.limits.memory = 512 * 1024 * 1024;
    ts->fp.limits.scale.max_instances = 8;
    ts->fp.limits.scale.min_instances = 8;
    ts->fp.limits.scale.concurrency = 100;
    ts->fp.limits.scale.timeout = 60000;
    ts->fp.limits.scale.idle = 1;

    *state = ts;

    return 0;
}


static int
ngx_http_faas_test_settings_teardown(void **state)
{
    ngx_http_faas_test_settings_t  *ts = *state;

    ngx_destroy_pool(ts->pool);

    return 0;
}


static ngx_int_t
ngx_http_faas_test_settings_parse(void **state, char *json,
    ngx_http_faas_settings_t *settings)
{
    ngx_http_faas_test_settings_t  *ts = *state;

    ngx_str_t  text;

    text.data = (u_char *) json;
    text.len = ngx_strlen(json);

    return ngx_http_faas_settings(&ts->fp, ts->pool, &text, ts->runtime,
                                  settings);
}


static void
ngx_http_faas_test_settings_all(void **state)
{
    ngx_http_faas_scale_t     *scale;
    ngx_http_faas_settings_t   settings;

    assert_int_equal(ngx_http_faas_test_settings_parse(state,

                         "{\"memory\":\"64m\",\"cpus\":0.5,\"pids\":32,"
                         "\"concurrency\":100,\"min_instances\":2,"
                         "\"max_instances\":8,\"timeout_ms\":60000,"
                         "\"idle\":\"90s\",\"queue\":0,"
                         "\"queue_timeout\":\"500ms\",\"env\":{}}",
                         &settings),
                     NGX_OK);

    assert_int_equal(settings.runtime.memory, 64 * 1024 * 1024);
    assert_int_equal(settings.runtime.nano_cpus, 500000000);
    assert_int_equal(settings.runtime.pids, 32);

    scale = &settings.runtime.scale;

    assert_int_equal(scale->concurrency, 100);
    assert_int_equal(scale->min_instances, 2);
    assert_int_equal(scale->max_instances, 8);
    assert_int_equal(scale->timeout, 60000);
    assert_int_equal(scale->idle, 90000);
    assert_int_equal(scale->queue, 0);
    assert_int_equal(scale->queue_timeout, 500);

    /* numbers are bytes and seconds */

    assert_int_equal(ngx_http_faas_test_settings_parse(state,

                         "{\"memory\":67108864,\"idle\":90}", &settings),
                     NGX_OK);
    assert_int_equal(settings.runtime.memory, 64 * 1024 * 1024);
    assert_int_equal(settings.runtime.scale.idle, 90000);
}


static void
ngx_http_faas_test_settings_none(void **state)
{
    ngx_http_faas_test_settings_t  *ts = *state;

    ngx_http_faas_settings_t  settings;

    assert_int_equal(ngx_http_faas_test_settings_parse(state, " {} \n",
                                                       &settings),
                     NGX_OK);
    assert_memory_equal(&settings.runtime, ts->runtime,
                        sizeof(ngx_http_faas_runtime_t));
    assert_null(settings.env);
    assert_int_equal(settings.error.len, 0);
}


static void
ngx_http_faas_test_settings_invalid(void **state)
{
    ngx_uint_t                i;
    ngx_http_faas_settings_t  settings;

    static char  *bad[] = {
        "", "[]", "1", "null", "{", "{}x", "{\"memory\"}", "{\"memory\":}",
        "{\"Memory\":\"64m\"}", "{\"image\":\"x\"}", "{\"ext\":\".x\"}",
        "{\"prewarm\":1}", "{\"tmpfs\":\"1m\"}", "{\"start_timeout\":1}",
        "{\"timeout\":\"1s\"}", "{\"\":1}",
        "{\"memory\":\"64m\",\"memory\":\"64m\"}",
        "{\"memory\":null}", "{\"memory\":true}", "{\"memory\":[64]}",
        "{\"memory\":{}}", "{\"memory\":\"\"}", "{\"memory\":\"64x\"}",
        "{\"memory\":-1}", "{\"memory\":6.4e7}", "{\"memory\":\"1m\"}",
        "{\"cpus\":0}", "{\"cpus\":0.001}", "{\"cpus\":\"half\"}",
        "{\"pids\":1}", "{\"pids\":8.5}", "{\"concurrency\":0}",
        "{\"max_instances\":0}", "{\"min_instances\":-1}",
        "{\"min_instances\":2,\"max_instances\":1}",
        "{\"timeout_ms\":0}", "{\"timeout_ms\":-1}", "{\"timeout_ms\":1.5}",
        "{\"timeout_ms\":\"1s\"}", "{\"idle\":0}", "{\"idle\":\"\"}",
        "{\"queue\":-1}", "{\"queue\":\"many\"}", "{\"queue_timeout\":0}",
        "{\"memory\":\"\\ud800\"}"
    };

    for (i = 0; i < sizeof(bad) / sizeof(char *); i++) {
        assert_int_equal(ngx_http_faas_test_settings_parse(state, bad[i],
                                                           &settings),
                         NGX_DECLINED);
        assert_int_not_equal(settings.error.len, 0);
    }
}


/* as much as the runtime has, or the limits allow, whatever is more */

static void
ngx_http_faas_test_settings_bounds(void **state)
{
    ngx_uint_t                i;
    ngx_http_faas_settings_t  settings;

    static char  *good[] = {
        "{\"memory\":\"512m\"}", "{\"memory\":\"8m\"}", "{\"cpus\":1}",
        "{\"pids\":64}", "{\"concurrency\":100}", "{\"max_instances\":8}",
        "{\"timeout_ms\":60000}", "{\"idle\":\"10m\"}", "{\"queue\":1000}",
        "{\"queue_timeout\":\"60s\"}"
    };

    static char  *bad[] = {
        "{\"memory\":536870913}", "{\"memory\":\"1g\"}", "{\"cpus\":1.01}",
        "{\"pids\":65}", "{\"concurrency\":101}", "{\"max_instances\":9}",
        "{\"min_instances\":9}", "{\"timeout_ms\":60001}",
        "{\"idle\":\"601s\"}", "{\"idle\":\"off\"}", "{\"queue\":1001}",
        "{\"queue_timeout\":\"61s\"}"
    };

    for (i = 0; i < sizeof(good) / sizeof(char *); i++) {
        assert_int_equal(ngx_http_faas_test_settings_parse(state, good[i],
                                                           &settings),
                         NGX_OK);
    }

    for (i = 0; i < sizeof(bad) / sizeof(char *); i++) {
        assert_int_equal(ngx_http_faas_test_settings_parse(state, bad[i],
                                                           &settings),
                         NGX_DECLINED);
        assert_non_null(ngx_strnstr(settings.error.data, "allowed",
                                    settings.error.len));
    }
}


static void
ngx_http_faas_test_settings_env(void **state)
{
    ngx_uint_t                 i;
    ngx_keyval_t              *kv;
    ngx_http_faas_settings_t   settings;

    static char  *bad[] = {
        "{\"env\":null}", "{\"env\":[]}", "{\"env\":\"A=b\"}",
        "{\"env\":{\"A\":1}}", "{\"env\":{\"A\":null}}",
        "{\"env\":{\"\":\"b\"}}", "{\"env\":{\"A=\":\"b\"}}",
        "{\"env\":{\"A\":\"a\\u0000b\"}}", "{\"env\":{\"A\\u0000\":\"b\"}}",
        "{\"env\":{\"PORT\":\"1\"}}", "{\"env\":{\"K_SERVICE\":\"x\"}}",
        "{\"env\":{\"FAAS_TOKEN\":\"x\"}}", "{\"env\":{\"A\":\"\\udc00\"}}"
    };

    assert_int_equal(ngx_http_faas_test_settings_parse(state,

                         "{\"env\":{\"A\":\"b c\",\"\\u00e9\":\"\"}}",
                         &settings),
                     NGX_OK);
    assert_int_equal(settings.env->nelts, 2);

    kv = settings.env->elts;

    /* with the NUL that the loader's frame needs */

    assert_string_equal((char *) kv[0].key.data, "A");
    assert_string_equal((char *) kv[0].value.data, "b c");
    assert_string_equal((char *) kv[1].key.data, "\xc3\xa9");
    assert_string_equal((char *) kv[1].value.data, "");

    for (i = 0; i < sizeof(bad) / sizeof(char *); i++) {
        assert_int_equal(ngx_http_faas_test_settings_parse(state, bad[i],
                                                           &settings),
                         NGX_DECLINED);
        assert_int_not_equal(settings.error.len, 0);
    }
}


/* what is written can be read, and is the same */

static void
ngx_http_faas_test_settings_write(void **state)
{
    ngx_http_faas_test_settings_t  *ts = *state;

    ngx_str_t                  json;
    ngx_uint_t                 i;
    ngx_http_faas_settings_t   settings, again;

    static char  *good[] = {
        "{}",
        "{\"env\":{\"A\":\"b\\\"c\\n\",\"B\":\"\"},\"memory\":\"100m\"}",
        "{\"cpus\":0.25,\"pids\":8,\"timeout_ms\":1,\"idle\":\"1500ms\"}",
        "{\"min_instances\":1,\"max_instances\":2,\"queue\":7}"
    };

    for (i = 0; i < sizeof(good) / sizeof(char *); i++) {
        assert_int_equal(ngx_http_faas_test_settings_parse(state, good[i],
                                                           &settings),
                         NGX_OK);
        assert_int_equal(ngx_http_faas_settings_write(ts->pool, &settings,
                                                      &json),
                         NGX_OK);

        /* members, each with a comma before it */

        json.data[0] = '{';

        json.data[json.len] = '}';
        json.len++;

        assert_int_equal(ngx_http_faas_settings(&ts->fp, ts->pool, &json,
                                                ts->runtime, &again),
                         NGX_OK);
        assert_memory_equal(&settings.runtime, &again.runtime,
                            sizeof(ngx_http_faas_runtime_t));
        assert_int_equal(again.env->nelts,
                         settings.env ? settings.env->nelts : 0);
    }
}
