
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * What becomes of those who wait when the engine or nginx is to blame for a
 * start that failed, and not the function.
 */


#include "ngx_http_faas.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "ngx_http_faas_unit_lease.h"


int ngx_http_faas_test_platform(void);

static void ngx_http_faas_test_platform_keep(void **state);
static void ngx_http_faas_test_platform_other(void **state);
static void ngx_http_faas_test_platform_fail(void **state);


int
ngx_http_faas_test_platform(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(ngx_http_faas_test_platform_keep),
        cmocka_unit_test(ngx_http_faas_test_platform_other),
        cmocka_unit_test(ngx_http_faas_test_platform_fail)
    };

    return cmocka_run_group_tests_name("platform", tests, NULL, NULL);
}


/* keep: the platform is to blame: served on the old one, and tried again */

static void
ngx_http_faas_test_platform_keep(void **state)
{
    ngx_http_faas_lease_t       *lease;
    ngx_http_faas_instance_t    *inst;
    ngx_http_faas_unit_lease_t   tl;

    inst = ngx_http_faas_unit_lease_begin_old(&tl, 2);

    assert_int_equal(ngx_http_faas_unit_lease_ask(&tl, 1, "greet", 'B'),
                     NGX_DONE);
    lease = tl.lease;

    assert_true(ngx_http_faas_unit_lease_fail(&tl, tl.inst, 503));

    ngx_http_faas_unit_inst(inst, READY);
    ngx_http_faas_unit_state(lease, HELD);
    assert_ptr_equal(lease->instance, inst);
    assert_int_equal(inst->function->failed, 0);

    assert_int_equal(ngx_http_faas_unit_lease_ask(&tl, 2, "greet", 0),
                     NGX_DONE);

    ngx_http_faas_unit_lease_end(&tl);
}


/* another one is on its way, and may well serve who waits */

static void
ngx_http_faas_test_platform_other(void **state)
{
    ngx_http_faas_want_t        *want;
    ngx_http_faas_lease_t       *first, *second;
    ngx_http_faas_instance_t    *inst, *next;
    ngx_http_faas_unit_lease_t   tl;

    ngx_http_faas_unit_lease_begin(&tl);

    want = ngx_http_faas_unit_zone_want("greet", 'A', 'A');
    want->scale.max_instances = 2;

    assert_int_equal(ngx_http_faas_unit_lease_acquire(&tl, 1, want), NGX_DONE);
    first = tl.lease;
    inst = tl.inst;

    assert_int_equal(ngx_http_faas_unit_lease_acquire(&tl, 2, want), NGX_DONE);
    second = tl.lease;
    next = tl.inst;

    assert_false(ngx_http_faas_unit_lease_fail(&tl, next, 503));
    ngx_http_faas_unit_state(first, WAITING);
    ngx_http_faas_unit_state(second, WAITING);

    /* and that one tells all */

    assert_false(ngx_http_faas_unit_lease_fail(&tl, inst, 503));
    ngx_http_faas_unit_state(first, FAILED);
    ngx_http_faas_unit_state(second, FAILED);
    assert_int_equal(second->report->status, 503);
    ngx_http_faas_unit_lease_news(&tl, 1, first);
    ngx_http_faas_unit_lease_news(&tl, 2, second);

    ngx_http_faas_unit_lease_end(&tl);
}


/* fail: who waits is told, but the old one is not to blame, either */

static void
ngx_http_faas_test_platform_fail(void **state)
{
    ngx_http_faas_lease_t       *lease;
    ngx_http_faas_instance_t    *inst;
    ngx_http_faas_unit_lease_t   tl;

    inst = ngx_http_faas_unit_lease_begin_old(&tl, 2);
    ngx_http_faas_unit_zone_set(tl.t, 2, 0);

    assert_int_equal(ngx_http_faas_unit_lease_ask(&tl, 1, "greet", 'B'),
                     NGX_DONE);
    lease = tl.lease;

    assert_false(ngx_http_faas_unit_lease_fail(&tl, tl.inst, 503));

    ngx_http_faas_unit_state(lease, FAILED);
    assert_int_equal(lease->report->status, 503);
    ngx_http_faas_unit_inst(inst, READY);
    assert_int_equal(inst->active, 1);

    assert_int_equal(ngx_http_faas_unit_lease_ask(&tl, 2, "greet", 0),
                     NGX_DONE);

    ngx_http_faas_unit_lease_end(&tl);
}
