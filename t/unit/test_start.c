
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * How a start ends that nothing serves beside: failed, given up, deleted.
 */


#include "ngx_http_faas.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "ngx_http_faas_unit_lease.h"


int ngx_http_faas_test_start(void);

static void ngx_http_faas_test_start_fail(void **state);
static void ngx_http_faas_test_start_no_report(void **state);
static void ngx_http_faas_test_start_expire(void **state);
static void ngx_http_faas_test_start_expire_started(void **state);
static void ngx_http_faas_test_start_expire_old(void **state);
static void ngx_http_faas_test_start_forget(void **state);
static void ngx_http_faas_test_start_forget_starting(void **state);
static void ngx_http_faas_test_start_overtaken(void **state);


int
ngx_http_faas_test_start(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(ngx_http_faas_test_start_fail),
        cmocka_unit_test(ngx_http_faas_test_start_no_report),
        cmocka_unit_test(ngx_http_faas_test_start_expire),
        cmocka_unit_test(ngx_http_faas_test_start_expire_started),
        cmocka_unit_test(ngx_http_faas_test_start_expire_old),
        cmocka_unit_test(ngx_http_faas_test_start_forget),
        cmocka_unit_test(ngx_http_faas_test_start_forget_starting),
        cmocka_unit_test(ngx_http_faas_test_start_overtaken)
    };

    return cmocka_run_group_tests_name("start", tests, NULL, NULL);
}


/* all who waited are told the same, and keep it until they let go */

static void
ngx_http_faas_test_start_fail(void **state)
{
    ngx_str_t                    text;
    ngx_uint_t                   i, loading, pfree;
    ngx_http_faas_zone_t        *zone;
    ngx_http_faas_lease_t       *lease[6];
    ngx_http_faas_report_t      *report;
    ngx_http_faas_instance_t    *inst;
    ngx_http_faas_unit_lease_t   tl;

    static u_char  traceback[16384];

    ngx_memset(traceback, 'x', sizeof(traceback));

    for (loading = 0; loading < 2; loading++) {

        ngx_http_faas_unit_lease_begin(&tl);

        lease[0] = ngx_http_faas_unit_lease_ok(&tl, 0, NGX_DONE);
        inst = tl.inst;

        for (i = 1; i < 6; i++) {
            lease[i] = ngx_http_faas_unit_lease_ok(&tl, i % 3, NGX_AGAIN);
        }

        if (loading) {
            ngx_http_faas_unit_lease_loading(&tl, inst, 'A', 1);
        }

        pfree = tl.t->zone.shpool->pfree;

        text.data = traceback;
        text.len = sizeof(traceback);

        zone = ngx_http_faas_unit_zone_as(tl.t, 0);
        assert_false(ngx_http_faas_verdict_fail(zone, inst,
                                                loading ? 0 : 503, &text));
        ngx_http_faas_unit_zone_check(tl.t);

        ngx_http_faas_unit_inst(inst, REMOVING);
        assert_int_equal(inst->owner, tl.t->workers[0].pid);
        assert_int_equal(ngx_http_faas_unit_lease_functions(&tl), 0);

        report = lease[0]->report;
        assert_non_null(report);
        assert_int_equal(report->status, loading ? 0 : 503);
        assert_int_equal(report->refs, 6);
        assert_int_equal(report->len, sizeof(traceback));

        for (i = 0; i < 6; i++) {
            ngx_http_faas_unit_state(lease[i], FAILED);
            assert_ptr_equal(lease[i]->report, report);
        }

        for (i = 0; i < 6; i++) {
            ngx_http_faas_unit_lease_news(&tl, i % 3, lease[i]);
        }

        ngx_http_faas_unit_lease_no_news(&tl);
        assert_true(tl.t->zone.shpool->pfree < pfree);

        for (i = 0; i < 6; i++) {
            assert_int_equal(report->refs, 6 - i);
            assert_memory_equal(report->data, traceback, sizeof(traceback));
            ngx_http_faas_unit_lease_release(&tl, i % 3, lease[i]);
        }

        assert_true(tl.t->zone.shpool->pfree >= pfree);

        /* the next one starts anew */

        (void) ngx_http_faas_unit_lease_ok(&tl, 1, NGX_DONE);

        ngx_http_faas_unit_lease_end(&tl);
    }
}


/* no memory for the report: they are told all the same */

static void
ngx_http_faas_test_start_no_report(void **state)
{
    ngx_str_t                    text;
    ngx_uint_t                   n;
    ngx_http_faas_zone_t        *zone;
    ngx_http_faas_lease_t       *first, *second;
    ngx_http_faas_instance_t    *inst;
    ngx_http_faas_unit_lease_t   tl;

    static void  *block[1024];

    ngx_http_faas_unit_lease_begin(&tl);

    first = ngx_http_faas_unit_lease_ok(&tl, 0, NGX_DONE);
    inst = tl.inst;
    second = ngx_http_faas_unit_lease_ok(&tl, 1, NGX_AGAIN);

    zone = ngx_http_faas_unit_zone_as(tl.t, 0);

    for (n = 0; n < 1024; n++) {
        block[n] = ngx_slab_alloc(zone->shpool, 4096);

        if (block[n] == NULL) {
            break;
        }
    }

    text.len = 10000;
    text.data = (u_char *) block;

    (void) ngx_http_faas_verdict_fail(zone, inst, 0, &text);

    ngx_http_faas_unit_state(first, FAILED);
    ngx_http_faas_unit_state(second, FAILED);
    assert_null(first->report);
    assert_null(second->report);
    ngx_http_faas_unit_lease_news(&tl, 0, first);
    ngx_http_faas_unit_lease_news(&tl, 1, second);

    while (n) {
        ngx_slab_free(zone->shpool, block[--n]);
    }

    ngx_http_faas_unit_lease_release(&tl, 0, first);
    ngx_http_faas_unit_lease_release(&tl, 1, second);
    ngx_http_faas_unit_lease_end(&tl);
}


/* the only one who waited gives the start up; not the first of two */

static void
ngx_http_faas_test_start_expire(void **state)
{
    ngx_str_t                    text;
    ngx_uint_t                   loading;
    ngx_http_faas_zone_t        *zone;
    ngx_http_faas_lease_t       *first, *second;
    ngx_http_faas_instance_t    *inst;
    ngx_http_faas_unit_lease_t   tl;

    for (loading = 0; loading < 2; loading++) {

        ngx_http_faas_unit_lease_begin(&tl);

        first = ngx_http_faas_unit_lease_ok(&tl, 0, NGX_DONE);
        inst = tl.inst;
        second = ngx_http_faas_unit_lease_ok(&tl, 1, NGX_AGAIN);

        if (loading) {
            ngx_http_faas_unit_lease_loading(&tl, inst, 'A', 1);
        }

        zone = ngx_http_faas_unit_zone_as(tl.t, 0);
        ngx_http_faas_lease_expire(zone, first);
        ngx_http_faas_unit_zone_check(tl.t);

        assert_int_equal(ngx_http_faas_instance_wanted(zone, inst), NGX_OK);
        ngx_http_faas_unit_state(second, WAITING);
        assert_false(ngx_http_faas_unit_zone_rung(tl.t, 0));

        /* in another worker: the bell of the one who drives it rings */

        zone = ngx_http_faas_unit_zone_as(tl.t, 1);
        ngx_http_faas_lease_expire(zone, second);
        ngx_http_faas_unit_zone_check(tl.t);

        ngx_http_faas_unit_inst(inst, DEAD);
        assert_int_equal(ngx_http_faas_instance_wanted(zone, inst),
                         NGX_DECLINED);
        assert_true(ngx_http_faas_unit_zone_rung(tl.t, 0));

        /* it is still driven, and nobody takes it away */

        assert_int_equal(inst->owner, tl.t->workers[0].pid);
        assert_null(ngx_http_faas_instance_claim(zone));

        zone = ngx_http_faas_unit_zone_as(tl.t, 0);

        if (loading) {

            /* the verdict came all the same */

            ngx_http_faas_verdict_ready(zone, inst);
            ngx_http_faas_unit_zone_check(tl.t);
            ngx_http_faas_unit_inst(inst, DEAD);
            assert_ptr_equal(ngx_http_faas_instance_claim(zone), inst);

        } else {
            ngx_str_set(&text, "the start was given up");
            (void) ngx_http_faas_verdict_fail(zone, inst, 0, &text);
            ngx_http_faas_unit_zone_check(tl.t);
            ngx_http_faas_unit_inst(inst, REMOVING);
        }

        ngx_http_faas_unit_lease_no_news(&tl);
        ngx_http_faas_unit_lease_end(&tl);
    }
}


/* the only one who waits for a slot kills nobody */

static void
ngx_http_faas_test_start_expire_started(void **state)
{
    ngx_http_faas_zone_t        *zone;
    ngx_http_faas_lease_t       *first, *second;
    ngx_http_faas_instance_t    *inst;
    ngx_http_faas_unit_lease_t   tl;

    ngx_http_faas_unit_lease_begin(&tl);

    first = ngx_http_faas_unit_lease_ok(&tl, 0, NGX_DONE);
    inst = tl.inst;
    ngx_http_faas_unit_lease_ready(&tl, inst, 'A', 1);
    second = ngx_http_faas_unit_lease_ok(&tl, 0, NGX_AGAIN);

    zone = ngx_http_faas_unit_zone_as(tl.t, 0);
    ngx_http_faas_lease_expire(zone, second);
    ngx_http_faas_unit_zone_check(tl.t);

    ngx_http_faas_unit_inst(inst, READY);
    ngx_http_faas_unit_state(first, HELD);

    /* one that got its slot just now gives it back */

    second = ngx_http_faas_unit_lease_ok(&tl, 1, NGX_AGAIN);
    ngx_http_faas_unit_lease_release(&tl, 0, first);
    ngx_http_faas_unit_state(second, HELD);

    zone = ngx_http_faas_unit_zone_as(tl.t, 1);
    ngx_http_faas_lease_expire(zone, second);
    ngx_http_faas_unit_zone_check(tl.t);

    assert_int_equal(inst->active, 0);
    ngx_http_faas_unit_inst(inst, READY);
    assert_null(ngx_http_faas_worker_next(zone));

    ngx_http_faas_unit_lease_end(&tl);
}


/* the start is given up, not the old instance that serves */

static void
ngx_http_faas_test_start_expire_old(void **state)
{
    ngx_http_faas_zone_t        *zone;
    ngx_http_faas_lease_t       *first, *second;
    ngx_http_faas_instance_t    *inst, *next;
    ngx_http_faas_unit_lease_t   tl;

    ngx_http_faas_unit_lease_begin(&tl);

    first = ngx_http_faas_unit_lease_ok(&tl, 0, NGX_DONE);
    inst = tl.inst;
    ngx_http_faas_unit_lease_ready(&tl, inst, 'A', 1);

    assert_int_equal(ngx_http_faas_unit_lease_ask(&tl, 1, "greet", 'B'),
                     NGX_DONE);
    second = tl.lease;
    next = tl.inst;

    zone = ngx_http_faas_unit_zone_as(tl.t, 1);
    ngx_http_faas_lease_expire(zone, second);
    ngx_http_faas_unit_zone_check(tl.t);

    ngx_http_faas_unit_inst(next, DEAD);
    ngx_http_faas_unit_inst(inst, READY);
    ngx_http_faas_unit_state(first, HELD);

    /* but nobody else gets in: it is of an old version */

    ngx_http_faas_unit_lease_release(&tl, 0, first);
    assert_int_equal(ngx_http_faas_unit_lease_ask(&tl, 0, "greet", 0),
                     NGX_DONE);

    ngx_http_faas_unit_lease_end(&tl);
}


/* deleted: 404 for who waits, the others end in peace */

static void
ngx_http_faas_test_start_forget(void **state)
{
    ngx_str_t                    name;
    ngx_http_faas_zone_t        *zone;
    ngx_http_faas_lease_t       *first, *second, *third;
    ngx_http_faas_instance_t    *inst;
    ngx_http_faas_unit_lease_t   tl;

    ngx_http_faas_unit_lease_begin(&tl);

    ngx_str_set(&name, "greet");
    zone = ngx_http_faas_unit_zone_as(tl.t, 0);

    /* one that nobody knows */

    ngx_http_faas_verdict_forget(zone, &name);
    ngx_http_faas_unit_zone_check(tl.t);

    first = ngx_http_faas_unit_lease_ok(&tl, 0, NGX_DONE);
    inst = tl.inst;
    ngx_http_faas_unit_lease_ready(&tl, inst, 'A', 1);
    ngx_http_faas_unit_lease_news(&tl, 0, first);
    second = ngx_http_faas_unit_lease_ok(&tl, 1, NGX_AGAIN);

    ngx_http_faas_verdict_forget(ngx_http_faas_unit_zone_as(tl.t, 2), &name);
    ngx_http_faas_unit_zone_check(tl.t);

    ngx_http_faas_unit_state(first, HELD);
    ngx_http_faas_unit_inst(inst, DRAINING);

    ngx_http_faas_unit_state(second, FAILED);
    assert_int_equal(second->report->status, NGX_HTTP_NOT_FOUND);
    ngx_http_faas_unit_lease_news(&tl, 1, second);
    ngx_http_faas_unit_lease_no_news(&tl);
    ngx_http_faas_unit_lease_release(&tl, 1, second);

    /* made anew with the same bytes: not the old instance */

    assert_int_equal(ngx_http_faas_unit_lease_ask(&tl, 1, "greet", 0),
                     NGX_DECLINED);
    third = ngx_http_faas_unit_lease_ok(&tl, 1, NGX_DONE);
    assert_ptr_not_equal(tl.inst, inst);
    ngx_http_faas_unit_lease_ready(&tl, tl.inst, 'A', 1);
    ngx_http_faas_unit_state(third, HELD);
    ngx_http_faas_unit_lease_release(&tl, 1, third);

    ngx_http_faas_unit_lease_release(&tl, 0, first);
    ngx_http_faas_unit_inst(inst, DEAD);

    /* an idle one dies at once */

    inst = tl.inst;
    ngx_http_faas_verdict_forget(ngx_http_faas_unit_zone_as(tl.t, 2), &name);
    ngx_http_faas_unit_zone_check(tl.t);

    ngx_http_faas_unit_inst(inst, DEAD);
    assert_int_equal(ngx_http_faas_unit_lease_functions(&tl), 0);

    ngx_http_faas_unit_lease_end(&tl);
}


static void
ngx_http_faas_test_start_forget_starting(void **state)
{
    ngx_str_t                    name;
    ngx_uint_t                   loading;
    ngx_http_faas_lease_t       *lease;
    ngx_http_faas_instance_t    *inst;
    ngx_http_faas_unit_lease_t   tl;

    ngx_str_set(&name, "greet");

    for (loading = 0; loading < 2; loading++) {

        ngx_http_faas_unit_lease_begin(&tl);

        lease = ngx_http_faas_unit_lease_ok(&tl, 0, NGX_DONE);
        inst = tl.inst;

        if (loading) {
            ngx_http_faas_unit_lease_loading(&tl, inst, 'A', 1);
        }

        ngx_http_faas_verdict_forget(ngx_http_faas_unit_zone_as(tl.t, 1),
                                   &name);
        ngx_http_faas_unit_zone_check(tl.t);

        ngx_http_faas_unit_inst(inst, DEAD);
        assert_int_equal(inst->owner, tl.t->workers[0].pid);
        assert_int_equal(ngx_http_faas_instance_wanted(&tl.t->zone, inst),
                         NGX_DECLINED);

        ngx_http_faas_unit_state(lease, FAILED);
        assert_int_equal(lease->report->status, NGX_HTTP_NOT_FOUND);
        ngx_http_faas_unit_lease_news(&tl, 0, lease);

        assert_int_equal(ngx_http_faas_unit_lease_functions(&tl), 0);

        ngx_http_faas_unit_lease_release(&tl, 0, lease);
        ngx_http_faas_unit_lease_end(&tl);
    }
}


/* a new version has failed before the old one was ready */

static void
ngx_http_faas_test_start_overtaken(void **state)
{
    ngx_http_faas_zone_t        *zone;
    ngx_http_faas_lease_t       *first, *second;
    ngx_http_faas_instance_t    *inst, *next;
    ngx_http_faas_unit_lease_t   tl;

    ngx_http_faas_unit_lease_begin(&tl);

    (void) ngx_http_faas_unit_lease_ok(&tl, 0, NGX_DONE);
    inst = tl.inst;
    ngx_http_faas_unit_lease_loading(&tl, inst, 'A', 3);

    assert_int_equal(ngx_http_faas_unit_lease_ask(&tl, 1, "greet", 'B'),
                     NGX_DONE);
    next = tl.inst;
    ngx_http_faas_unit_lease_loading(&tl, next, 'B', 3);
    assert_false(ngx_http_faas_unit_lease_fail(&tl, next, 0));

    /* it is started once more, as there is nothing else as yet */

    assert_int_equal(ngx_http_faas_unit_lease_ask(&tl, 1, "greet", 0),
                     NGX_DONE);
    first = tl.lease;
    next = tl.inst;

    ngx_http_faas_unit_lease_verdict(&tl, inst);
    ngx_http_faas_unit_inst(inst, READY);

    assert_int_equal(ngx_http_faas_unit_lease_ask(&tl, 2, "greet", 0),
                     NGX_AGAIN);
    second = tl.lease;

    /* which of the two serves him does not matter, but one of them has to */

    zone = ngx_http_faas_unit_lease_owner(&tl, next);
    ngx_http_faas_verdict_abandon(zone, next);
    ngx_http_faas_unit_zone_check(tl.t);

    ngx_http_faas_unit_state(first, RETRY);
    assert_int_not_equal(second->state, NGX_HTTP_FAAS_LEASE_WAITING);

    assert_int_equal(ngx_http_faas_unit_lease_ask(&tl, 1, "greet", 0),
                     NGX_OK);
    assert_ptr_equal(tl.lease->instance, inst);

    ngx_http_faas_unit_lease_end(&tl);
}
