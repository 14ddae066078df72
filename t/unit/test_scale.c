
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * How many instances a function has, and how many may wait for them.
 */


#include "ngx_http_faas.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "ngx_http_faas_unit_lease.h"


int ngx_http_faas_test_scale(void);

static void ngx_http_faas_test_scale_out(void **state);
static void ngx_http_faas_test_scale_coming(void **state);
static void ngx_http_faas_test_scale_queue(void **state);
static void ngx_http_faas_test_scale_minimum(void **state);
static void ngx_http_faas_test_scale_look(void **state);
static void ngx_http_faas_test_scale_stat(void **state);

static ngx_int_t ngx_http_faas_test_scale_ask(ngx_http_faas_unit_lease_t *tl,
    ngx_uint_t n, ngx_uint_t max, ngx_uint_t concurrency, ngx_uint_t queue);


int
ngx_http_faas_test_scale(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(ngx_http_faas_test_scale_out),
        cmocka_unit_test(ngx_http_faas_test_scale_coming),
        cmocka_unit_test(ngx_http_faas_test_scale_queue),
        cmocka_unit_test(ngx_http_faas_test_scale_minimum),
        cmocka_unit_test(ngx_http_faas_test_scale_look),
        cmocka_unit_test(ngx_http_faas_test_scale_stat)
    };

    return cmocka_run_group_tests_name("scale", tests, NULL, NULL);
}


/* a call of revision A of "greet" */

static ngx_int_t
ngx_http_faas_test_scale_ask(ngx_http_faas_unit_lease_t *tl, ngx_uint_t n,
    ngx_uint_t max, ngx_uint_t concurrency, ngx_uint_t queue)
{
    ngx_http_faas_want_t  *want;

    want = ngx_http_faas_unit_zone_want("greet", 'A', 'A');

    want->scale.max_instances = max;
    want->scale.concurrency = concurrency;
    want->scale.queue = queue;

    return ngx_http_faas_unit_lease_acquire(tl, n, want);
}


/* one more for each call that has no place, up to the maximum */

static void
ngx_http_faas_test_scale_out(void **state)
{
    ngx_uint_t                   i;
    ngx_http_faas_lease_t       *leases[4];
    ngx_http_faas_instance_t    *insts[3];
    ngx_http_faas_unit_lease_t   tl;

    ngx_http_faas_unit_lease_begin(&tl);

    for (i = 0; i < 3; i++) {
        assert_int_equal(ngx_http_faas_test_scale_ask(&tl, 0, 3, 1, 10),
                         NGX_DONE);
        insts[i] = tl.inst;
        leases[i] = tl.lease;
    }

    assert_int_equal(ngx_http_faas_test_scale_ask(&tl, 1, 3, 1, 10),
                     NGX_AGAIN);
    leases[3] = tl.lease;

    /* whoever came first is served first, wherever */

    ngx_http_faas_unit_lease_ready(&tl, insts[1], 'A', 1);
    ngx_http_faas_unit_state(leases[0], HELD);
    assert_ptr_equal(leases[0]->instance, insts[1]);

    ngx_http_faas_unit_lease_ready(&tl, insts[0], 'A', 1);
    ngx_http_faas_unit_lease_ready(&tl, insts[2], 'A', 1);
    ngx_http_faas_unit_state(leases[1], HELD);
    ngx_http_faas_unit_state(leases[2], HELD);
    ngx_http_faas_unit_state(leases[3], WAITING);

    /* and a free place wakes who waits, in another worker */

    ngx_http_faas_unit_lease_release(&tl, 0, leases[0]);
    ngx_http_faas_unit_state(leases[3], HELD);
    assert_ptr_equal(leases[3]->instance, insts[1]);

    ngx_http_faas_unit_lease_end(&tl);
}


/* those that an instance on its way will take need none of their own */

static void
ngx_http_faas_test_scale_coming(void **state)
{
    ngx_uint_t                   i;
    ngx_http_faas_unit_lease_t   tl;

    ngx_http_faas_unit_lease_begin(&tl);

    assert_int_equal(ngx_http_faas_test_scale_ask(&tl, 0, 9, 4, 10),
                     NGX_DONE);

    for (i = 0; i < 3; i++) {
        assert_int_equal(ngx_http_faas_test_scale_ask(&tl, 0, 9, 4, 10),
                         NGX_AGAIN);
    }

    assert_int_equal(ngx_http_faas_test_scale_ask(&tl, 0, 9, 4, 10),
                     NGX_DONE);
    assert_int_equal(ngx_http_faas_test_scale_ask(&tl, 0, 9, 4, 10),
                     NGX_AGAIN);

    ngx_http_faas_unit_lease_end(&tl);
}


/* so many places beyond those on instances, and no more */

static void
ngx_http_faas_test_scale_queue(void **state)
{
    ngx_http_faas_lease_t       *first;
    ngx_http_faas_instance_t    *inst;
    ngx_http_faas_unit_lease_t   tl;

    ngx_http_faas_unit_lease_begin(&tl);

    assert_int_equal(ngx_http_faas_test_scale_ask(&tl, 0, 1, 1, 2),
                     NGX_DONE);
    inst = tl.inst;
    first = tl.lease;

    assert_int_equal(ngx_http_faas_test_scale_ask(&tl, 0, 1, 1, 2),
                     NGX_AGAIN);
    assert_int_equal(ngx_http_faas_test_scale_ask(&tl, 1, 1, 1, 2),
                     NGX_AGAIN);
    assert_int_equal(ngx_http_faas_test_scale_ask(&tl, 1, 1, 1, 2),
                     NGX_ABORT);
    assert_null(tl.lease);

    ngx_http_faas_unit_lease_ready(&tl, inst, 'A', 1);

    assert_int_equal(ngx_http_faas_test_scale_ask(&tl, 0, 1, 1, 2),
                     NGX_ABORT);

    /* one has gone, another one has his place */

    ngx_http_faas_unit_lease_release(&tl, 0, first);

    assert_int_equal(ngx_http_faas_test_scale_ask(&tl, 0, 1, 1, 2),
                     NGX_AGAIN);
    assert_int_equal(ngx_http_faas_test_scale_ask(&tl, 0, 1, 1, 2),
                     NGX_ABORT);

    ngx_http_faas_unit_lease_end(&tl);
}


/* without a call: as many as are missing, and the function stays known */

static void
ngx_http_faas_test_scale_minimum(void **state)
{
    ngx_http_faas_want_t        *want;
    ngx_http_faas_zone_t        *zone;
    ngx_http_faas_instance_t    *one, *two;
    ngx_http_faas_unit_lease_t   tl;

    ngx_http_faas_unit_lease_begin(&tl);
    zone = ngx_http_faas_unit_zone_as(tl.t, 0);

    want = ngx_http_faas_unit_zone_want("greet", 'A', 0);
    want->scale.max_instances = 3;

    assert_int_equal(ngx_http_faas_lease_minimum(zone, want, &one),
                     NGX_DECLINED);
    assert_int_equal(ngx_http_faas_unit_lease_functions(&tl), 0);

    want = ngx_http_faas_unit_zone_want("greet", 'A', 'A');
    want->scale.min_instances = 2;
    want->scale.max_instances = 3;

    assert_int_equal(ngx_http_faas_lease_minimum(zone, want, &one), NGX_DONE);

    want->revision = NULL;

    assert_int_equal(ngx_http_faas_lease_minimum(zone, want, &two), NGX_DONE);
    assert_ptr_not_equal(one, two);
    assert_int_equal(ngx_http_faas_lease_minimum(zone, want, &tl.inst),
                     NGX_OK);
    assert_null(tl.inst);
    ngx_http_faas_unit_zone_check(tl.t);

    ngx_http_faas_unit_lease_ready(&tl, one, 'A', 1);
    ngx_http_faas_unit_lease_ready(&tl, two, 'A', 1);

    assert_int_equal(ngx_http_faas_lease_minimum(zone, want, &tl.inst),
                     NGX_OK);

    ngx_http_faas_unit_lease_drop(&tl, "greet");
    assert_int_equal(ngx_http_faas_unit_lease_functions(&tl), 0);

    ngx_http_faas_unit_lease_end(&tl);
}


/* for the sidecar, once a second; a changed one makes a new version */

static void
ngx_http_faas_test_scale_look(void **state)
{
    ngx_uint_t                   version;
    ngx_http_faas_want_t        *want;
    ngx_http_faas_zone_t        *zone;
    ngx_http_faas_function_t    *fn;
    ngx_http_faas_unit_lease_t   tl;

    ngx_http_faas_unit_lease_begin(&tl);
    zone = ngx_http_faas_unit_zone_as(tl.t, 0);

    (void) ngx_http_faas_unit_lease_ok(&tl, 0, NGX_DONE);
    fn = tl.lease->function;
    version = fn->version;

    want = ngx_http_faas_unit_zone_want("greet", 'A', 0);
    want->looked = 0;

    ngx_http_faas_zone_lock(zone);

    assert_true(ngx_http_faas_function_current(fn, want));

    fn->looked = ngx_current_msec - 1000;
    assert_false(ngx_http_faas_function_current(fn, want));

    want->looked = 1;
    assert_true(ngx_http_faas_function_current(fn, want));
    assert_int_equal(fn->looked, ngx_current_msec);

    want->sidecar.uniq = 7;
    assert_false(ngx_http_faas_function_current(fn, want));

    want->sidecar.uniq = 0;
    want->policy = 1;
    assert_false(ngx_http_faas_function_current(fn, want));

    ngx_http_faas_zone_unlock(zone);

    want = ngx_http_faas_unit_zone_want("greet", 'A', 'B');
    want->sidecar.uniq = 7;
    want->scale.queue = 5;

    assert_int_equal(ngx_http_faas_unit_lease_acquire(&tl, 1, want),
                     NGX_AGAIN);
    assert_int_equal(fn->version, version + 1);
    assert_int_equal(fn->scale.queue, 5);

    ngx_http_faas_unit_lease_end(&tl);
}


static void
ngx_http_faas_test_scale_stat(void **state)
{
    ngx_str_t                       name;
    ngx_http_faas_zone_t           *zone;
    ngx_http_faas_instance_t       *inst;
    ngx_http_faas_unit_lease_t      tl;
    ngx_http_faas_function_stat_t   stat;

    ngx_http_faas_unit_lease_begin(&tl);
    zone = ngx_http_faas_unit_zone_as(tl.t, 0);

    ngx_str_set(&name, "greet");

    ngx_http_faas_function_stat(zone, &name, &stat);
    assert_string_equal(stat.state, "idle");

    assert_int_equal(ngx_http_faas_test_scale_ask(&tl, 0, 1, 1, 9),
                     NGX_DONE);
    inst = tl.inst;
    assert_int_equal(ngx_http_faas_test_scale_ask(&tl, 1, 1, 1, 9),
                     NGX_AGAIN);

    ngx_http_faas_function_stat(zone, &name, &stat);
    assert_string_equal(stat.state, "starting");
    assert_int_equal(stat.waiting, 2);
    assert_int_equal(stat.instances, 0);

    ngx_http_faas_unit_lease_ready(&tl, inst, 'A', 1);

    ngx_http_faas_function_stat(zone, &name, &stat);
    assert_string_equal(stat.state, "ready");
    assert_int_equal(stat.waiting, 1);
    assert_int_equal(stat.active, 1);
    assert_int_equal(stat.instances, 1);

    ngx_http_faas_unit_lease_end(&tl);
}
