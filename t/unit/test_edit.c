
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * The source changes: whom the old version serves, and when the new one does.
 */


#include "ngx_http_faas.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "ngx_http_faas_unit_lease.h"


int ngx_http_faas_test_edit(void);

static void ngx_http_faas_test_edit_idle(void **state);
static void ngx_http_faas_test_edit_busy(void **state);
static void ngx_http_faas_test_edit_queue(void **state);
static void ngx_http_faas_test_edit_starting(void **state);
static void ngx_http_faas_test_edit_loaded(void **state);
static void ngx_http_faas_test_edit_order(void **state);
static void ngx_http_faas_test_edit_back(void **state);
static void ngx_http_faas_test_edit_back_loading(void **state);
static void ngx_http_faas_test_edit_late(void **state);
static void ngx_http_faas_test_edit_refused(void **state);
static void ngx_http_faas_test_edit_language(void **state);
static void ngx_http_faas_test_edit_stale(void **state);


int
ngx_http_faas_test_edit(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(ngx_http_faas_test_edit_idle),
        cmocka_unit_test(ngx_http_faas_test_edit_busy),
        cmocka_unit_test(ngx_http_faas_test_edit_queue),
        cmocka_unit_test(ngx_http_faas_test_edit_starting),
        cmocka_unit_test(ngx_http_faas_test_edit_loaded),
        cmocka_unit_test(ngx_http_faas_test_edit_order),
        cmocka_unit_test(ngx_http_faas_test_edit_back),
        cmocka_unit_test(ngx_http_faas_test_edit_back_loading),
        cmocka_unit_test(ngx_http_faas_test_edit_late),
        cmocka_unit_test(ngx_http_faas_test_edit_refused),
        cmocka_unit_test(ngx_http_faas_test_edit_language),
        cmocka_unit_test(ngx_http_faas_test_edit_stale)
    };

    return cmocka_run_group_tests_name("edit", tests, NULL, NULL);
}


/* an idle instance of the old version dies when the new one is ready */

static void
ngx_http_faas_test_edit_idle(void **state)
{
    ngx_http_faas_want_t        *want;
    ngx_http_faas_lease_t       *lease;
    ngx_http_faas_instance_t    *inst, *next;
    ngx_http_faas_unit_lease_t   tl;

    ngx_http_faas_unit_lease_begin(&tl);

    lease = ngx_http_faas_unit_lease_ok(&tl, 0, NGX_DONE);
    inst = tl.inst;
    ngx_http_faas_unit_lease_ready(&tl, inst, 'A', 4);
    ngx_http_faas_unit_lease_release(&tl, 0, lease);

    /* another file with the same bytes: it goes on serving */

    want = ngx_http_faas_unit_zone_want("greet", 2, 0);
    assert_int_equal(ngx_http_faas_unit_lease_acquire(&tl, 0, want),
                     NGX_DECLINED);

    want = ngx_http_faas_unit_zone_want("greet", 2, 'A');
    assert_int_equal(ngx_http_faas_unit_lease_acquire(&tl, 0, want), NGX_OK);
    assert_ptr_equal(tl.lease->instance, inst);
    assert_int_equal(inst->version, 1);
    ngx_http_faas_unit_lease_release(&tl, 0, tl.lease);

    /* a young file: read again and again, until it is old */

    want = ngx_http_faas_unit_zone_want("greet", 2, 'A');
    want->racy = 1;
    assert_int_equal(ngx_http_faas_unit_lease_acquire(&tl, 0, want), NGX_OK);
    ngx_http_faas_unit_lease_release(&tl, 0, tl.lease);

    want = ngx_http_faas_unit_zone_want("greet", 2, 0);
    assert_int_equal(ngx_http_faas_unit_lease_acquire(&tl, 0, want),
                     NGX_DECLINED);

    /* other bytes: no new request gets to the old ones */

    assert_int_equal(ngx_http_faas_unit_lease_ask(&tl, 0, "greet", 'B'),
                     NGX_DONE);
    lease = tl.lease;
    next = tl.inst;

    assert_ptr_not_equal(next, inst);
    ngx_http_faas_unit_inst(inst, READY);
    ngx_http_faas_unit_state(lease, WAITING);
    assert_int_equal(lease->version, 2);

    ngx_http_faas_unit_lease_loading(&tl, next, 'B', 4);
    ngx_http_faas_unit_inst(inst, READY);
    assert_int_equal(next->version, 2);
    assert_int_equal(inst->version, 1);

    ngx_http_faas_unit_lease_verdict(&tl, next);
    ngx_http_faas_unit_inst(inst, DEAD);
    assert_int_equal(inst->owner, 0);
    ngx_http_faas_unit_state(lease, HELD);
    assert_ptr_equal(lease->instance, next);
    ngx_http_faas_unit_lease_news(&tl, 0, lease);

    ngx_http_faas_unit_lease_release(&tl, 0, lease);
    ngx_http_faas_unit_lease_no_news(&tl);
    ngx_http_faas_unit_lease_end(&tl);
}


/* requests in flight finish on the old one, the next runs the new one */

static void
ngx_http_faas_test_edit_busy(void **state)
{
    ngx_http_faas_lease_t       *first, *second, *third, *fourth;
    ngx_http_faas_instance_t    *inst, *next;
    ngx_http_faas_unit_lease_t   tl;

    ngx_http_faas_unit_lease_begin(&tl);

    first = ngx_http_faas_unit_lease_ok(&tl, 0, NGX_DONE);
    inst = tl.inst;
    ngx_http_faas_unit_lease_ready(&tl, inst, 'A', 1);
    ngx_http_faas_unit_lease_news(&tl, 0, first);
    second = ngx_http_faas_unit_lease_ok(&tl, 1, NGX_AGAIN);

    assert_int_equal(ngx_http_faas_unit_lease_ask(&tl, 2, "greet", 'B'),
                     NGX_DONE);
    third = tl.lease;
    next = tl.inst;

    ngx_http_faas_unit_inst(inst, READY);
    ngx_http_faas_unit_state(first, HELD);

    /* who came before the change is served on as before; not the others */

    ngx_http_faas_unit_lease_release(&tl, 0, first);
    ngx_http_faas_unit_state(second, HELD);
    assert_ptr_equal(second->instance, inst);
    ngx_http_faas_unit_lease_news(&tl, 1, second);
    ngx_http_faas_unit_state(third, WAITING);

    ngx_http_faas_unit_lease_ready(&tl, next, 'B', 2);
    ngx_http_faas_unit_inst(inst, DRAINING);
    ngx_http_faas_unit_state(second, HELD);
    ngx_http_faas_unit_state(third, HELD);
    assert_ptr_equal(third->instance, next);

    /* who comes now with B known gets in as well */

    assert_int_equal(ngx_http_faas_unit_lease_ask(&tl, 0, "greet", 0),
                     NGX_OK);
    fourth = tl.lease;
    assert_ptr_equal(fourth->instance, next);

    ngx_http_faas_unit_lease_release(&tl, 1, second);
    ngx_http_faas_unit_inst(inst, DEAD);

    ngx_http_faas_unit_lease_release(&tl, 0, fourth);
    ngx_http_faas_unit_lease_release(&tl, 2, third);
    ngx_http_faas_unit_lease_end(&tl);
}


/* the new one lets in who waited for the old one, and only then drains it */

static void
ngx_http_faas_test_edit_queue(void **state)
{
    ngx_uint_t                   i;
    ngx_http_faas_lease_t       *lease[5];
    ngx_http_faas_instance_t    *inst, *next;
    ngx_http_faas_unit_lease_t   tl;

    ngx_http_faas_unit_lease_begin(&tl);

    lease[0] = ngx_http_faas_unit_lease_ok(&tl, 0, NGX_DONE);
    inst = tl.inst;
    ngx_http_faas_unit_lease_ready(&tl, inst, 'A', 1);
    ngx_http_faas_unit_lease_news(&tl, 0, lease[0]);
    lease[1] = ngx_http_faas_unit_lease_ok(&tl, 1, NGX_AGAIN);
    lease[2] = ngx_http_faas_unit_lease_ok(&tl, 2, NGX_AGAIN);

    assert_int_equal(ngx_http_faas_unit_lease_ask(&tl, 2, "greet", 'B'),
                     NGX_DONE);
    lease[3] = tl.lease;
    next = tl.inst;

    assert_int_equal(ngx_http_faas_unit_lease_ask(&tl, 0, "greet", 0),
                     NGX_AGAIN);
    lease[4] = tl.lease;
    assert_null(tl.inst);

    assert_int_equal(lease[1]->version, 1);
    assert_int_equal(lease[3]->version, 2);
    assert_int_equal(lease[4]->version, 2);

    ngx_http_faas_unit_lease_ready(&tl, next, 'B', 3);

    for (i = 1; i < 4; i++) {
        ngx_http_faas_unit_state(lease[i], HELD);
        assert_ptr_equal(lease[i]->instance, next);
    }

    ngx_http_faas_unit_lease_news(&tl, 1, lease[1]);
    ngx_http_faas_unit_lease_news(&tl, 2, lease[2]);
    ngx_http_faas_unit_lease_news(&tl, 2, lease[3]);
    ngx_http_faas_unit_lease_no_news(&tl);

    ngx_http_faas_unit_state(lease[4], WAITING);
    ngx_http_faas_unit_state(lease[0], HELD);
    ngx_http_faas_unit_inst(inst, DRAINING);

    /* room on the old one is for nobody */

    ngx_http_faas_unit_lease_release(&tl, 0, lease[0]);
    ngx_http_faas_unit_inst(inst, DEAD);
    ngx_http_faas_unit_state(lease[4], WAITING);

    ngx_http_faas_unit_lease_release(&tl, 2, lease[2]);
    ngx_http_faas_unit_state(lease[4], HELD);

    ngx_http_faas_unit_lease_end(&tl);
}


/* the file changes before the driver has read it: he reads the new one */

static void
ngx_http_faas_test_edit_starting(void **state)
{
    ngx_http_faas_lease_t       *first, *second;
    ngx_http_faas_instance_t    *inst;
    ngx_http_faas_unit_lease_t   tl;

    ngx_http_faas_unit_lease_begin(&tl);

    first = ngx_http_faas_unit_lease_ok(&tl, 0, NGX_DONE);
    inst = tl.inst;

    assert_int_equal(ngx_http_faas_unit_lease_ask(&tl, 1, "greet", 'B'),
                     NGX_AGAIN);
    second = tl.lease;

    ngx_http_faas_unit_lease_ready(&tl, inst, 'B', 2);
    assert_int_equal(inst->version, 2);

    ngx_http_faas_unit_inst(inst, READY);
    ngx_http_faas_unit_state(first, HELD);
    ngx_http_faas_unit_state(second, HELD);

    ngx_http_faas_unit_lease_release(&tl, 0, first);
    ngx_http_faas_unit_lease_release(&tl, 1, second);
    ngx_http_faas_unit_lease_end(&tl);
}


/* and after that: another one is started for it */

static void
ngx_http_faas_test_edit_loaded(void **state)
{
    ngx_http_faas_lease_t       *first, *second;
    ngx_http_faas_instance_t    *inst, *next;
    ngx_http_faas_unit_lease_t   tl;

    ngx_http_faas_unit_lease_begin(&tl);

    first = ngx_http_faas_unit_lease_ok(&tl, 0, NGX_DONE);
    inst = tl.inst;
    ngx_http_faas_unit_lease_loading(&tl, inst, 'A', 2);

    assert_int_equal(ngx_http_faas_unit_lease_ask(&tl, 1, "greet", 'B'),
                     NGX_DONE);
    second = tl.lease;
    next = tl.inst;

    ngx_http_faas_unit_lease_verdict(&tl, inst);

    ngx_http_faas_unit_inst(inst, READY);
    ngx_http_faas_unit_state(first, HELD);
    assert_ptr_equal(first->instance, inst);
    ngx_http_faas_unit_state(second, WAITING);

    ngx_http_faas_unit_lease_ready(&tl, next, 'B', 2);

    ngx_http_faas_unit_inst(inst, DRAINING);
    ngx_http_faas_unit_state(second, HELD);
    assert_ptr_equal(second->instance, next);

    ngx_http_faas_unit_lease_release(&tl, 0, first);
    ngx_http_faas_unit_inst(inst, DEAD);
    ngx_http_faas_unit_lease_release(&tl, 1, second);
    ngx_http_faas_unit_lease_end(&tl);
}


/* the new one is ready before the old one is: that comes too late */

static void
ngx_http_faas_test_edit_order(void **state)
{
    ngx_http_faas_lease_t       *first, *second;
    ngx_http_faas_instance_t    *inst, *next;
    ngx_http_faas_unit_lease_t   tl;

    ngx_http_faas_unit_lease_begin(&tl);

    first = ngx_http_faas_unit_lease_ok(&tl, 0, NGX_DONE);
    inst = tl.inst;
    ngx_http_faas_unit_lease_loading(&tl, inst, 'A', 2);

    assert_int_equal(ngx_http_faas_unit_lease_ask(&tl, 1, "greet", 'B'),
                     NGX_DONE);
    second = tl.lease;
    next = tl.inst;

    ngx_http_faas_unit_lease_ready(&tl, next, 'B', 2);
    ngx_http_faas_unit_inst(inst, LOADING);
    ngx_http_faas_unit_state(first, HELD);
    ngx_http_faas_unit_state(second, HELD);
    assert_ptr_equal(first->instance, next);
    assert_ptr_equal(second->instance, next);

    ngx_http_faas_unit_lease_verdict(&tl, inst);
    ngx_http_faas_unit_inst(inst, DEAD);
    ngx_http_faas_unit_inst(next, READY);
    assert_int_equal(next->active, 2);

    ngx_http_faas_unit_lease_release(&tl, 0, first);
    ngx_http_faas_unit_lease_release(&tl, 1, second);
    ngx_http_faas_unit_lease_end(&tl);
}


/* changed back while the new one starts: the old one is the newest */

static void
ngx_http_faas_test_edit_back(void **state)
{
    ngx_uint_t                   loading;
    ngx_http_faas_lease_t       *first, *second, *third;
    ngx_http_faas_instance_t    *inst, *next;
    ngx_http_faas_unit_lease_t   tl;

    for (loading = 0; loading < 2; loading++) {

        ngx_http_faas_unit_lease_begin(&tl);

        first = ngx_http_faas_unit_lease_ok(&tl, 0, NGX_DONE);
        inst = tl.inst;
        ngx_http_faas_unit_lease_ready(&tl, inst, 'A', 3);
        ngx_http_faas_unit_lease_news(&tl, 0, first);

        assert_int_equal(ngx_http_faas_unit_lease_ask(&tl, 1, "greet", 'B'),
                         NGX_DONE);
        second = tl.lease;
        next = tl.inst;

        if (loading) {
            ngx_http_faas_unit_lease_loading(&tl, next, 'B', 3);
        }

        assert_int_equal(ngx_http_faas_unit_lease_ask(&tl, 2, "greet", 'A'),
                         NGX_OK);
        third = tl.lease;

        assert_ptr_equal(third->instance, inst);
        assert_int_equal(inst->version, 3);
        ngx_http_faas_unit_state(second, HELD);
        assert_ptr_equal(second->instance, inst);
        ngx_http_faas_unit_lease_news(&tl, 1, second);

        if (loading) {

            /* nobody has any use for it */

            ngx_http_faas_unit_lease_verdict(&tl, next);
            ngx_http_faas_unit_inst(next, DEAD);

        } else {
            ngx_http_faas_unit_lease_ready(&tl, next, 'A', 3);
            ngx_http_faas_unit_inst(next, READY);
            assert_int_equal(next->version, 3);
        }

        ngx_http_faas_unit_inst(inst, READY);
        assert_int_equal(inst->active, 3);
        ngx_http_faas_unit_lease_no_news(&tl);

        ngx_http_faas_unit_lease_release(&tl, 0, first);
        ngx_http_faas_unit_lease_release(&tl, 1, second);
        ngx_http_faas_unit_lease_release(&tl, 2, third);
        ngx_http_faas_unit_lease_end(&tl);
    }
}


/* the same, and nobody has seen that but the driver of the start */

static void
ngx_http_faas_test_edit_back_loading(void **state)
{
    ngx_http_faas_lease_t       *first, *second;
    ngx_http_faas_instance_t    *inst, *next;
    ngx_http_faas_unit_lease_t   tl;

    ngx_http_faas_unit_lease_begin(&tl);

    first = ngx_http_faas_unit_lease_ok(&tl, 0, NGX_DONE);
    inst = tl.inst;
    ngx_http_faas_unit_lease_ready(&tl, inst, 'A', 2);
    ngx_http_faas_unit_lease_release(&tl, 0, first);

    assert_int_equal(ngx_http_faas_unit_lease_ask(&tl, 1, "greet", 'B'),
                     NGX_DONE);
    second = tl.lease;
    next = tl.inst;

    ngx_http_faas_unit_lease_loading(&tl, next, 'A', 2);

    assert_int_equal(next->version, 3);
    assert_int_equal(inst->version, 3);
    ngx_http_faas_unit_state(second, HELD);
    assert_ptr_equal(second->instance, inst);
    ngx_http_faas_unit_lease_news(&tl, 1, second);

    ngx_http_faas_unit_lease_end(&tl);
}


/* it was read before the change, and told of after it: read it again */

static void
ngx_http_faas_test_edit_late(void **state)
{
    ngx_http_faas_want_t        *want;
    ngx_http_faas_zone_t        *zone;
    ngx_http_faas_lease_t       *first, *second;
    ngx_http_faas_instance_t    *inst;
    ngx_http_faas_unit_lease_t   tl;

    ngx_http_faas_unit_lease_begin(&tl);

    first = ngx_http_faas_unit_lease_ok(&tl, 0, NGX_DONE);
    inst = tl.inst;

    zone = ngx_http_faas_unit_lease_owner(&tl, inst);
    assert_int_equal(ngx_http_faas_instance_refresh(zone, inst), NGX_OK);
    assert_int_equal(inst->version, 1);

    assert_int_equal(ngx_http_faas_unit_lease_ask(&tl, 1, "greet", 'B'),
                     NGX_AGAIN);
    second = tl.lease;

    zone = ngx_http_faas_unit_lease_owner(&tl, inst);
    want = ngx_http_faas_unit_zone_want("", 'A', 'A');
    assert_int_equal(ngx_http_faas_unit_zone_loading(zone, inst, want, 2),
                     NGX_AGAIN);
    ngx_http_faas_unit_zone_check(tl.t);
    ngx_http_faas_unit_inst(inst, CREATING);

    /* unless it is what is wanted by now, once more */

    assert_int_equal(ngx_http_faas_instance_refresh(zone, inst), NGX_OK);
    assert_int_equal(ngx_http_faas_unit_lease_ask(&tl, 2, "greet", 'A'),
                     NGX_AGAIN);
    ngx_http_faas_unit_lease_release(&tl, 2, tl.lease);

    zone = ngx_http_faas_unit_lease_owner(&tl, inst);
    want = ngx_http_faas_unit_zone_want("", 'A', 'A');
    assert_int_equal(ngx_http_faas_unit_zone_loading(zone, inst, want, 2),
                     NGX_OK);
    ngx_http_faas_unit_zone_check(tl.t);
    assert_int_equal(inst->version, 3);

    ngx_http_faas_unit_lease_verdict(&tl, inst);
    ngx_http_faas_unit_state(first, HELD);
    ngx_http_faas_unit_state(second, HELD);

    /* given up meanwhile: neither is of any use */

    ngx_http_faas_unit_lease_release(&tl, 0, first);
    ngx_http_faas_unit_lease_release(&tl, 1, second);
    ngx_http_faas_unit_lease_drop(&tl, "greet");

    first = ngx_http_faas_unit_lease_ok(&tl, 0, NGX_DONE);
    inst = tl.inst;
    ngx_http_faas_unit_lease_owner(&tl, inst);
    ngx_http_faas_lease_expire(&tl.t->workers[0].zone, first);

    zone = ngx_http_faas_unit_lease_owner(&tl, inst);
    assert_int_equal(ngx_http_faas_instance_refresh(zone, inst),
                     NGX_DECLINED);
    want = ngx_http_faas_unit_zone_want("", 'A', 'A');
    assert_int_equal(ngx_http_faas_unit_zone_loading(zone, inst, want, 2),
                     NGX_DECLINED);
    ngx_http_faas_unit_inst(inst, DEAD);

    ngx_http_faas_unit_lease_end(&tl);
}


/* a new version for which there is no slot: the old one serves its waiters */

static void
ngx_http_faas_test_edit_refused(void **state)
{
    ngx_http_faas_lease_t       *first, *second;
    ngx_http_faas_instance_t    *inst;
    ngx_http_faas_unit_lease_t   tl;

    ngx_http_faas_unit_lease_begin(&tl);

    first = ngx_http_faas_unit_lease_ok(&tl, 0, NGX_DONE);
    inst = tl.inst;
    ngx_http_faas_unit_lease_ready(&tl, inst, 'A', 1);
    ngx_http_faas_unit_lease_news(&tl, 0, first);
    second = ngx_http_faas_unit_lease_ok(&tl, 1, NGX_AGAIN);

    ngx_http_faas_unit_lease_fill(&tl);

    assert_int_equal(ngx_http_faas_unit_lease_ask(&tl, 2, "greet", 'B'),
                     NGX_BUSY);
    assert_null(tl.lease);

    ngx_http_faas_unit_inst(inst, READY);
    ngx_http_faas_unit_state(second, WAITING);
    ngx_http_faas_unit_lease_no_news(&tl);

    ngx_http_faas_unit_lease_release(&tl, 0, first);
    ngx_http_faas_unit_state(second, HELD);
    ngx_http_faas_unit_lease_news(&tl, 1, second);
    ngx_http_faas_unit_lease_release(&tl, 1, second);

    ngx_http_faas_unit_lease_end(&tl);
}


/* the same name and the same bytes in another language */

static void
ngx_http_faas_test_edit_language(void **state)
{
    ngx_http_faas_zone_t        *zone;
    ngx_http_faas_want_t         want;
    ngx_http_faas_lease_t       *first, *second, *third;
    ngx_http_faas_instance_t    *inst, *next;
    ngx_http_faas_unit_lease_t   tl;

    ngx_http_faas_unit_lease_begin(&tl);

    first = ngx_http_faas_unit_lease_ok(&tl, 0, NGX_DONE);
    inst = tl.inst;
    assert_int_equal(inst->kind, NGX_HTTP_FAAS_UNIT_KIND);

    /* what is started already cannot become that */

    want = *ngx_http_faas_unit_zone_want("greet", 'A', 0);
    want.kind++;

    assert_int_equal(ngx_http_faas_unit_lease_acquire(&tl, 1, &want),
                     NGX_DECLINED);

    want = *ngx_http_faas_unit_zone_want("greet", 'A', 'A');
    want.kind++;

    assert_int_equal(ngx_http_faas_unit_lease_acquire(&tl, 1, &want),
                     NGX_DONE);
    second = tl.lease;
    next = tl.inst;

    assert_ptr_not_equal(next, inst);
    assert_int_equal(next->kind, NGX_HTTP_FAAS_UNIT_KIND + 1);
    assert_int_equal(second->version, 2);

    /* whoever drives the first one finds that out, and gives it up */

    zone = ngx_http_faas_unit_lease_owner(&tl, inst);
    assert_int_equal(ngx_http_faas_instance_refresh(zone, inst), NGX_OK);
    assert_int_equal(ngx_http_faas_unit_zone_loading(zone, inst,

                                   ngx_http_faas_unit_zone_want("", 'A', 'A'), 1),
                     NGX_DECLINED);

    ngx_http_faas_verdict_abandon(zone, inst);
    ngx_http_faas_unit_zone_check(tl.t);
    ngx_http_faas_unit_inst(inst, REMOVING);
    ngx_http_faas_unit_state(first, WAITING);

    zone = ngx_http_faas_unit_lease_owner(&tl, next);
    assert_int_equal(ngx_http_faas_instance_refresh(zone, next), NGX_OK);
    assert_int_equal(ngx_http_faas_unit_zone_loading(zone, next, &want, 3),
                     NGX_OK);
    ngx_http_faas_unit_lease_verdict(&tl, next);

    ngx_http_faas_unit_state(first, HELD);
    ngx_http_faas_unit_state(second, HELD);

    /* and back: each is of its own kind, though the bytes are the same */

    third = ngx_http_faas_unit_lease_ok(&tl, 2, NGX_DONE);
    assert_int_equal(tl.inst->kind, NGX_HTTP_FAAS_UNIT_KIND);
    ngx_http_faas_unit_lease_ready(&tl, tl.inst, 'A', 1);
    ngx_http_faas_unit_state(third, HELD);
    ngx_http_faas_unit_inst(next, DRAINING);

    ngx_http_faas_unit_lease_end(&tl);
}


/* read before somebody else told of a change: it is looked at again */

static void
ngx_http_faas_test_edit_stale(void **state)
{
    ngx_http_faas_zone_t        *zone;
    ngx_http_faas_want_t         want;
    ngx_http_faas_lease_t       *first, *second;
    ngx_http_faas_instance_t    *inst, *none;
    ngx_http_faas_unit_lease_t   tl;

    ngx_http_faas_unit_lease_begin(&tl);

    /* nobody knows the function yet */

    zone = ngx_http_faas_unit_zone_as(tl.t, 1);
    want = *ngx_http_faas_unit_zone_want("greet", 'A', 0);
    want.version = 77;

    assert_int_equal(ngx_http_faas_lease_acquire(zone, &want, NULL, &second,
                                                 &none),
                     NGX_DECLINED);
    assert_int_equal(want.version, 0);

    first = ngx_http_faas_unit_lease_ok(&tl, 0, NGX_DONE);
    inst = tl.inst;
    ngx_http_faas_unit_lease_ready(&tl, inst, 'A', 4);

    /* worker 1 reads A, the file changes, worker 0 tells of B */

    zone = ngx_http_faas_unit_zone_as(tl.t, 1);
    want = *ngx_http_faas_unit_zone_want("greet", 'X', 0);
    assert_int_equal(ngx_http_faas_lease_acquire(zone, &want, NULL, &second,
                                                 &none),
                     NGX_DECLINED);
    assert_int_equal(want.version, 1);

    assert_int_equal(ngx_http_faas_unit_lease_ask(&tl, 0, "greet", 'B'),
                     NGX_DONE);

    zone = ngx_http_faas_unit_zone_as(tl.t, 1);
    want = *ngx_http_faas_unit_zone_want("greet", 'A', 'A');
    want.version = 1;
    assert_int_equal(ngx_http_faas_lease_acquire(zone, &want, NULL, &second,
                                                 &none),
                     NGX_DECLINED);
    ngx_http_faas_unit_zone_check(tl.t);

    assert_null(second);
    assert_int_equal(want.version, 2);
    assert_int_equal(inst->version, 1);
    assert_int_equal(inst->function->version, 2);

    /* unless it is what is known, by its looks */

    want = *ngx_http_faas_unit_zone_want("greet", 'B', 'B');
    want.version = 1;
    assert_int_equal(ngx_http_faas_lease_acquire(zone, &want, NULL, &second,
                                                 &none),
                     NGX_AGAIN);
    assert_int_equal(second->version, 2);

    ngx_http_faas_unit_lease_release(&tl, 0, first);
    ngx_http_faas_unit_lease_end(&tl);
}
