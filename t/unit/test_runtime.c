
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * "faas_runtime": what it takes, and what two runtimes have in common.
 */


#include "ngx_http_faas.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "ngx_http_faas_unit_runtime.h"


int ngx_http_faas_test_runtime(void);

static void ngx_http_faas_test_runtime_defaults(void **state);
static void ngx_http_faas_test_runtime_idle(void **state);
static void ngx_http_faas_test_runtime_parameters(void **state);
static void ngx_http_faas_test_runtime_invalid(void **state);
static void ngx_http_faas_test_runtime_several(void **state);
static void ngx_http_faas_test_runtime_kind(void **state);
static void ngx_http_faas_test_runtime_kind_same(void **state);
static void ngx_http_faas_test_runtime_pause(void **state);


int
ngx_http_faas_test_runtime(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(ngx_http_faas_test_runtime_defaults),
        cmocka_unit_test(ngx_http_faas_test_runtime_idle),
        cmocka_unit_test(ngx_http_faas_test_runtime_parameters),
        cmocka_unit_test(ngx_http_faas_test_runtime_invalid),
        cmocka_unit_test(ngx_http_faas_test_runtime_several),
        cmocka_unit_test(ngx_http_faas_test_runtime_kind),
        cmocka_unit_test(ngx_http_faas_test_runtime_kind_same),
        cmocka_unit_test(ngx_http_faas_test_runtime_pause)
    };

    return cmocka_run_group_tests_name("runtime", tests,
                                       ngx_http_faas_unit_text_setup,
                                       ngx_http_faas_unit_text_teardown);
}


static void
ngx_http_faas_test_runtime_defaults(void **state)
{
    ngx_array_t              *runtimes;
    ngx_http_faas_runtime_t  *rt, *named;

    runtimes = ngx_http_faas_unit_runtime_array(*state);
    assert_int_equal(ngx_http_faas_runtime_defaults(NULL, runtimes), NGX_OK);
    assert_int_equal(runtimes->nelts, 2);
    rt = runtimes->elts;

    assert_int_equal(rt[0].scale.concurrency, 1);
    assert_int_equal(rt[1].scale.concurrency, 64);
    assert_int_equal(rt[0].scale.idle, 600000);
    assert_int_equal(rt[1].scale.idle, 600000);
    assert_int_equal(rt[0].prewarm, 2);
    assert_int_equal(rt[1].prewarm, 1);
    assert_int_equal(rt[0].start, 3000);
    assert_int_equal(rt[0].failures, 0);
    assert_int_not_equal(rt[0].kind, rt[1].kind);

    /* the same as the bare names */

    named = ngx_http_faas_unit_runtime_good(*state, "python");
    assert_memory_equal(named, &rt[0], sizeof(ngx_http_faas_runtime_t));
    named = ngx_http_faas_unit_runtime_good(*state, "deno");
    assert_memory_equal(named, &rt[1], sizeof(ngx_http_faas_runtime_t));
}


static void
ngx_http_faas_test_runtime_idle(void **state)
{
    ngx_uint_t                i;
    ngx_http_faas_runtime_t  *rt;

    static struct {
        char        *line;
        ngx_msec_t   idle;
    } good[] = {
        { "python idle=10m", 600000 },
        { "python idle=1", 1000 },
        { "python idle=1s", 1000 },
        { "python idle=1ms", 1 },
        { "python idle=90s", 90000 },
        { "python idle=1m30s", 90000 },
        { "python idle=2h", 7200000 },
        { "python idle=7d", 604800000 },
        { "python idle=off", 0 },
        { "python idle=5s idle=off", 0 },
        { "deno prewarm=3 idle=20s pids=50", 20000 }
    };

    static char  *bad[] = {
        "python idle=", "python idle=0", "python idle=0s", "python idle=-1",
        "python idle=on", "python idle=OFF", "python idle=offf",
        "python idle=of", "python idle=5x", "python idle=s",
        "python idle=1.5",
        "python idle=99999999999999999999", "python idle",
        "python idle=9223372036854775807d", "python Idle=5s"
    };

    for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        rt = ngx_http_faas_unit_runtime_good(*state, good[i].line);

        assert_int_equal(rt->scale.idle, good[i].idle);
    }

    for (i = 0; i < sizeof(bad) / sizeof(char *); i++) {
        assert_true(ngx_http_faas_unit_runtime_refused(*state, bad[i]));
    }
}


/* each to its limits */

static void
ngx_http_faas_test_runtime_parameters(void **state)
{
    ngx_http_faas_runtime_t  *rt;

    rt = ngx_http_faas_unit_runtime_good(*state,
                       "python ext=.p image=x concurrency=65535 prewarm=256 "
                       "pids=32768 memory=8m tmpfs=64k "
                       "cpus=0.01 start_timeout=1ms");
    assert_int_equal(rt->ext.len, 2);
    assert_int_equal(rt->image.len, 1);
    assert_int_equal(rt->scale.concurrency, 65535);
    assert_int_equal(rt->prewarm, 256);
    assert_int_equal(rt->pids, 32768);
    assert_int_equal(rt->memory, 8 * 1024 * 1024);
    assert_int_equal(rt->tmpfs, 64 * 1024);
    assert_int_equal(rt->nano_cpus, 10000000);
    assert_int_equal(rt->start, 1);

    rt = ngx_http_faas_unit_runtime_good(*state,
                       "deno ext=.tsx1234 image=a/b:c@d concurrency=1 "
                       "prewarm=0 pids=8 memory=2g tmpfs=1g "
                       "cpus=1024 start_timeout=1m");
    assert_int_equal(rt->ext.len, 8);
    assert_memory_equal(rt->image.data, "a/b:c@d", 7);
    assert_int_equal(rt->scale.concurrency, 1);
    assert_int_equal(rt->prewarm, 0);
    assert_int_equal(rt->pids, 8);
    assert_int_equal(rt->memory, (off_t) 2 * 1024 * 1024 * 1024);
    assert_int_equal(rt->nano_cpus, (int64_t) 1024 * 1000000000);
    assert_int_equal(rt->start, 60000);

    assert_int_equal(ngx_http_faas_unit_runtime_good(*state,

                                                "python cpus=0.5")->nano_cpus,
                     500000000);
    assert_int_equal(ngx_http_faas_unit_runtime_good(*state,

                                               "python cpus=1.25")->nano_cpus,
                     1250000000);
    assert_int_equal(ngx_http_faas_unit_runtime_good(*state,

                                                  "python cpus=2")->nano_cpus,
                     2000000000);
}


static void
ngx_http_faas_test_runtime_invalid(void **state)
{
    ngx_uint_t  i;

    static char  *bad[] = {
        "ruby", "", "pytho", "pythonn", "Python",
        "python x", "python =", "python x=1", "python idle5s",
        "python ext=", "python ext=.", "python ext=py",
        "python ext=.12345678",
        "python ext=.p/y", "python ext=..", "python ext=.p_y",
        "python image=",
        "python concurrency=", "python concurrency=0",
        "python concurrency=-1",
        "python concurrency=65536", "python concurrency=1x",
        "python prewarm=", "python prewarm=-1", "python prewarm=257",
        "python prewarm=off", "python prewarm=99999999999999999999",
        "python pids=7", "python pids=32769", "python pids=",
        "python memory=", "python memory=8191k", "python memory=x",
        "python memory=-1m", "python memory=99999999999999999999g",
        "python tmpfs=65535", "python tmpfs=",
        "python cpus=", "python cpus=0", "python cpus=0.001",
        "python cpus=-1", "python cpus=1024.01", "python cpus=x",
        "python cpus=99999999999999999999",
        "python start_timeout=", "python start_timeout=0",
        "python start_timeout=x", "python start_timeout=-1"
    };

    for (i = 0; i < sizeof(bad) / sizeof(char *); i++) {
        assert_true(ngx_http_faas_unit_runtime_refused(*state, bad[i]));
    }
}


/* one of each, and no extension twice */

static void
ngx_http_faas_test_runtime_several(void **state)
{
    char         *rv;
    ngx_array_t  *runtimes;

    runtimes = ngx_http_faas_unit_runtime_array(*state);
    assert_ptr_equal(ngx_http_faas_unit_runtime_add(*state, runtimes,
                                                    "python"),
                     NGX_CONF_OK);

    rv = ngx_http_faas_unit_runtime_add(*state, runtimes,
                                        "python image=other");
    assert_ptr_not_equal(rv, NGX_CONF_OK);
    assert_ptr_not_equal(rv, NGX_CONF_ERROR);
    assert_string_equal(rv, "is duplicate");

    assert_ptr_equal(ngx_http_faas_unit_runtime_add(*state, runtimes,
                                                    "deno ext=.py"),
                     NGX_CONF_ERROR);

    runtimes = ngx_http_faas_unit_runtime_array(*state);
    assert_ptr_equal(ngx_http_faas_unit_runtime_add(*state, runtimes,
                                                    "deno ext=.py"),
                     NGX_CONF_OK);
    assert_ptr_equal(ngx_http_faas_unit_runtime_add(*state, runtimes,
                                                    "python ext=.ts"),
                     NGX_CONF_OK);
    assert_int_equal(runtimes->nelts, 2);
}


/* all that a container cannot change any more makes another kind */

static void
ngx_http_faas_test_runtime_kind(void **state)
{
    uint32_t    kinds[20];
    ngx_uint_t  i, j, n;

    static char  *lines[] = {
        "python",
        "deno",
        "python image=faas-python:2",
        "python image=faas-pytho",
        "python memory=129m",
        "python memory=134217729",
        "python memory=5g",
        "python tmpfs=65m",
        "python tmpfs=128m memory=64m",
        "python cpus=0.99",
        "python cpus=2",
        "python pids=65",
        "python concurrency=2",
        "python concurrency=64",
        "python concurrency=2 pids=65"
    };

    n = sizeof(lines) / sizeof(char *);

    for (i = 0; i < n; i++) {
        kinds[i] = ngx_http_faas_unit_runtime_good(*state, lines[i])->kind;

        for (j = 0; j < i; j++) {
            assert_int_not_equal(kinds[i], kinds[j]);
        }
    }
}


/* a reload that changes the rest keeps the containers */

static void
ngx_http_faas_test_runtime_kind_same(void **state)
{
    uint32_t    kind;
    ngx_uint_t  i;

    static char  *lines[] = {
        "python ext=.py",
        "python ext=.foo",
        "python prewarm=7",
        "python start_timeout=9s",
        "python idle=off",
        "python idle=1s prewarm=0",
        "python image=faas-python memory=128m tmpfs=64m "
        "cpus=1 pids=64 concurrency=1",
        "python memory=131072k cpus=1.00"
    };

    kind = ngx_http_faas_unit_runtime_good(*state, "python")->kind;

    for (i = 0; i < sizeof(lines) / sizeof(char *); i++) {
        assert_int_equal(ngx_http_faas_unit_runtime_good(*state,
                                                         lines[i])->kind,
                         kind);
    }
}


/* a spare that fails is tried later each time, but never much too late */

static void
ngx_http_faas_test_runtime_pause(void **state)
{
    ngx_uint_t                i;
    ngx_msec_t                wait;
    ngx_http_faas_runtime_t  *rt;

    rt = ngx_http_faas_unit_runtime_good(*state, "python");
    ngx_current_msec = 1000;
    wait = 0;

    for (i = 0; i < 100; i++) {
        ngx_http_faas_runtime_pause(rt);

        assert_true(rt->patience - ngx_current_msec >= wait);
        wait = rt->patience - ngx_current_msec;

        assert_in_range(wait, 1000, 15 * 60 * 1000);

        if (i == 0) {
            assert_in_range(wait, 1000, 10000);
        }
    }

    assert_in_range(wait, 5 * 60 * 1000, 15 * 60 * 1000);

    ngx_current_msec = 0;
}
