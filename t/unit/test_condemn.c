
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * What becomes of an instance that is not to be trusted any more, or is lost.
 */


#include "ngx_http_faas.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "ngx_http_faas_unit_lease.h"


int ngx_http_faas_test_condemn(void);

static void ngx_http_faas_test_condemn_one(void **state);
static void ngx_http_faas_test_condemn_many(void **state);
static void ngx_http_faas_test_condemn_waiters(void **state);
static void ngx_http_faas_test_condemn_other(void **state);
static void ngx_http_faas_test_condemn_lost(void **state);


int
ngx_http_faas_test_condemn(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(ngx_http_faas_test_condemn_one),
        cmocka_unit_test(ngx_http_faas_test_condemn_many),
        cmocka_unit_test(ngx_http_faas_test_condemn_waiters),
        cmocka_unit_test(ngx_http_faas_test_condemn_other),
        cmocka_unit_test(ngx_http_faas_test_condemn_lost)
    };

    return cmocka_run_group_tests_name("condemn", tests, NULL, NULL);
}


/* one request at a time: it dies with its lease, and is the caller's */

static void
ngx_http_faas_test_condemn_one(void **state)
{
    ngx_http_faas_zone_t        *zone;
    ngx_http_faas_lease_t       *lease;
    ngx_http_faas_instance_t    *inst;
    ngx_http_faas_unit_lease_t   tl;

    ngx_http_faas_unit_lease_begin(&tl);

    lease = ngx_http_faas_unit_lease_ok(&tl, 0, NGX_DONE);
    inst = tl.inst;
    ngx_http_faas_unit_lease_ready(&tl, inst, 'A', 1);

    zone = ngx_http_faas_unit_zone_as(tl.t, 0);

    assert_ptr_equal(ngx_http_faas_lease_condemn(zone, lease), inst);
    ngx_http_faas_unit_zone_check(tl.t);

    ngx_http_faas_unit_inst(inst, REMOVING);
    assert_int_equal(inst->owner, tl.t->workers[0].pid);
    assert_int_equal(ngx_http_faas_unit_lease_functions(&tl), 0);
    assert_null(ngx_http_faas_instance_claim(zone));

    /* the next request gets another */

    lease = ngx_http_faas_unit_lease_ok(&tl, 1, NGX_DONE);
    assert_ptr_not_equal(tl.inst, inst);

    ngx_http_faas_instance_removed(zone, inst, 1);
    ngx_http_faas_unit_zone_check(tl.t);

    ngx_http_faas_unit_lease_release(&tl, 1, lease);
    ngx_http_faas_unit_lease_end(&tl);
}


/* several: nobody else gets in, and the last one ends it */

static void
ngx_http_faas_test_condemn_many(void **state)
{
    ngx_http_faas_zone_t        *zone;
    ngx_http_faas_lease_t       *first, *second, *third;
    ngx_http_faas_instance_t    *inst;
    ngx_http_faas_unit_lease_t   tl;

    ngx_http_faas_unit_lease_begin(&tl);

    first = ngx_http_faas_unit_lease_ok(&tl, 0, NGX_DONE);
    inst = tl.inst;
    ngx_http_faas_unit_lease_ready(&tl, inst, 'A', 2);
    second = ngx_http_faas_unit_lease_ok(&tl, 1, NGX_OK);

    zone = ngx_http_faas_unit_zone_as(tl.t, 0);

    assert_null(ngx_http_faas_lease_condemn(zone, first));
    ngx_http_faas_unit_zone_check(tl.t);

    ngx_http_faas_unit_inst(inst, DRAINING);
    ngx_http_faas_unit_state(second, HELD);
    assert_null(ngx_http_faas_instance_claim(zone));

    /* room it has, but not for this one */

    third = ngx_http_faas_unit_lease_ok(&tl, 2, NGX_DONE);
    assert_ptr_not_equal(tl.inst, inst);

    /* condemned again, by the other one */

    zone = ngx_http_faas_unit_zone_as(tl.t, 1);

    assert_ptr_equal(ngx_http_faas_lease_condemn(zone, second), inst);
    ngx_http_faas_unit_zone_check(tl.t);

    ngx_http_faas_unit_inst(inst, REMOVING);
    assert_int_equal(inst->owner, tl.t->workers[1].pid);

    ngx_http_faas_instance_removed(zone, inst, 1);

    /* or let go by the other one: then it is anybody's */

    inst = tl.inst;
    ngx_http_faas_unit_lease_ready(&tl, inst, 'A', 2);
    second = ngx_http_faas_unit_lease_ok(&tl, 1, NGX_OK);

    zone = ngx_http_faas_unit_zone_as(tl.t, 2);
    assert_null(ngx_http_faas_lease_condemn(zone, third));

    ngx_http_faas_unit_lease_release(&tl, 1, second);

    ngx_http_faas_unit_inst(inst, DEAD);
    assert_int_equal(inst->owner, 0);
    assert_ptr_equal(ngx_http_faas_instance_claim(zone), inst);

    ngx_http_faas_unit_lease_end(&tl);
}


/* who waited behind a condemned instance asks again, in the old order */

static void
ngx_http_faas_test_condemn_waiters(void **state)
{
    ngx_uint_t                   concurrency;
    ngx_http_faas_zone_t        *zone;
    ngx_http_faas_lease_t       *first, *second, *third, *fourth;
    ngx_http_faas_instance_t    *inst;
    ngx_http_faas_unit_lease_t   tl;

    for (concurrency = 1; concurrency <= 2; concurrency++) {

        ngx_http_faas_unit_lease_begin(&tl);

        first = ngx_http_faas_unit_lease_ok(&tl, 0, NGX_DONE);
        inst = tl.inst;
        ngx_http_faas_unit_lease_ready(&tl, inst, 'A', concurrency);
        ngx_http_faas_unit_lease_news(&tl, 0, first);

        second = (concurrency == 2)
                 ? ngx_http_faas_unit_lease_ok(&tl, 1, NGX_OK) : NULL;

        third = ngx_http_faas_unit_lease_ok(&tl, 1, NGX_AGAIN);
        fourth = ngx_http_faas_unit_lease_ok(&tl, 1, NGX_AGAIN);

        zone = ngx_http_faas_unit_zone_as(tl.t, 0);
        assert_ptr_equal(ngx_http_faas_lease_condemn(zone, first),
                         concurrency == 1 ? inst : NULL);
        ngx_http_faas_unit_zone_check(tl.t);

        ngx_http_faas_unit_state(third, RETRY);
        ngx_http_faas_unit_state(fourth, RETRY);
        ngx_http_faas_unit_lease_news(&tl, 1, third);
        ngx_http_faas_unit_lease_news(&tl, 1, fourth);
        ngx_http_faas_unit_lease_no_news(&tl);

        ngx_http_faas_unit_lease_release(&tl, 1, third);
        (void) ngx_http_faas_unit_lease_ok(&tl, 1, NGX_DONE);
        ngx_http_faas_unit_lease_release(&tl, 1, fourth);
        (void) ngx_http_faas_unit_lease_ok(&tl, 1, NGX_AGAIN);

        if (second) {
            ngx_http_faas_unit_inst(inst, DRAINING);
            ngx_http_faas_unit_lease_release(&tl, 1, second);
            ngx_http_faas_unit_inst(inst, DEAD);
        }

        ngx_http_faas_unit_lease_end(&tl);
    }
}


/* a lease that holds nothing condemns nothing */

static void
ngx_http_faas_test_condemn_other(void **state)
{
    ngx_http_faas_zone_t        *zone;
    ngx_http_faas_lease_t       *first, *second;
    ngx_http_faas_instance_t    *inst;
    ngx_http_faas_unit_lease_t   tl;

    ngx_http_faas_unit_lease_begin(&tl);

    first = ngx_http_faas_unit_lease_ok(&tl, 0, NGX_DONE);
    inst = tl.inst;
    ngx_http_faas_unit_lease_ready(&tl, inst, 'A', 1);
    second = ngx_http_faas_unit_lease_ok(&tl, 1, NGX_AGAIN);

    zone = ngx_http_faas_unit_zone_as(tl.t, 1);

    assert_null(ngx_http_faas_lease_condemn(zone, second));
    ngx_http_faas_unit_zone_check(tl.t);

    ngx_http_faas_unit_inst(inst, READY);
    ngx_http_faas_unit_state(first, HELD);

    /* LOST */

    ngx_http_faas_zone_lock(zone);
    ngx_http_faas_instance_set(zone, inst, NGX_HTTP_FAAS_DEAD);
    ngx_http_faas_zone_unlock(zone);

    ngx_http_faas_unit_state(first, LOST);

    zone = ngx_http_faas_unit_zone_as(tl.t, 0);

    assert_null(ngx_http_faas_lease_condemn(zone, first));
    ngx_http_faas_unit_zone_check(tl.t);

    ngx_http_faas_unit_inst(inst, DEAD);
    assert_ptr_equal(ngx_http_faas_instance_claim(zone), inst);

    ngx_http_faas_unit_lease_end(&tl);
}


/* what is released after its instance died is released once */

static void
ngx_http_faas_test_condemn_lost(void **state)
{
    ngx_http_faas_zone_t        *zone;
    ngx_http_faas_lease_t       *first, *second, *third;
    ngx_http_faas_instance_t    *inst;
    ngx_http_faas_unit_lease_t   tl;

    ngx_http_faas_unit_lease_begin(&tl);

    first = ngx_http_faas_unit_lease_ok(&tl, 0, NGX_DONE);
    inst = tl.inst;
    ngx_http_faas_unit_lease_ready(&tl, inst, 'A', 2);
    ngx_http_faas_unit_lease_news(&tl, 0, first);
    second = ngx_http_faas_unit_lease_ok(&tl, 1, NGX_OK);
    third = ngx_http_faas_unit_lease_ok(&tl, 2, NGX_AGAIN);

    zone = ngx_http_faas_unit_zone_as(tl.t, 0);

    ngx_http_faas_zone_lock(zone);
    ngx_http_faas_instance_set(zone, inst, NGX_HTTP_FAAS_DEAD);
    ngx_http_faas_zone_unlock(zone);

    ngx_http_faas_unit_zone_check(tl.t);

    ngx_http_faas_unit_state(first, LOST);
    ngx_http_faas_unit_state(second, LOST);
    assert_null(first->instance);
    assert_int_equal(inst->active, 0);

    ngx_http_faas_unit_state(third, RETRY);
    ngx_http_faas_unit_lease_news(&tl, 2, third);
    ngx_http_faas_unit_lease_release(&tl, 2, third);

    /* the slot has another life meanwhile */

    assert_ptr_equal(ngx_http_faas_instance_claim(zone), inst);
    ngx_http_faas_instance_removed(zone, inst, 1);

    while (ngx_http_faas_unit_lease_ok(&tl, 0, NGX_DONE), tl.inst != inst) {
        ngx_http_faas_unit_lease_drop(&tl, "greet");
    }

    ngx_http_faas_unit_lease_ready(&tl, inst, 'A', 2);
    assert_int_equal(inst->active, 1);
    assert_int_equal(inst->generation, 2);

    ngx_http_faas_unit_lease_release(&tl, 0, first);
    ngx_http_faas_unit_lease_release(&tl, 1, second);

    assert_int_equal(inst->active, 1);
    ngx_http_faas_unit_inst(inst, READY);

    ngx_http_faas_unit_lease_end(&tl);
}
