
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * What becomes of those who wait when a new version does not start.
 */


#include "ngx_http_faas.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "ngx_http_faas_unit_lease.h"


int ngx_http_faas_test_verdict(void);

static void ngx_http_faas_test_verdict_keep(void **state);
static void ngx_http_faas_test_verdict_keep_full(void **state);
static void ngx_http_faas_test_verdict_keep_many(void **state);
static void ngx_http_faas_test_verdict_keep_again(void **state);
static void ngx_http_faas_test_verdict_fail(void **state);
static void ngx_http_faas_test_verdict_nothing(void **state);
static void ngx_http_faas_test_verdict_changed(void **state);
static void ngx_http_faas_test_verdict_changed_served(void **state);
static void ngx_http_faas_test_verdict_given_up(void **state);
static void ngx_http_faas_test_verdict_spare(void **state);
static void ngx_http_faas_test_verdict_abandon(void **state);
static void ngx_http_faas_test_verdict_late(void **state);
static void ngx_http_faas_test_verdict_forgotten(void **state);

static ngx_http_faas_lease_t *ngx_http_faas_test_verdict_new(
    ngx_http_faas_unit_lease_t *tl, ngx_uint_t n, u_char revision);


int
ngx_http_faas_test_verdict(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(ngx_http_faas_test_verdict_keep),
        cmocka_unit_test(ngx_http_faas_test_verdict_keep_full),
        cmocka_unit_test(ngx_http_faas_test_verdict_keep_many),
        cmocka_unit_test(ngx_http_faas_test_verdict_keep_again),
        cmocka_unit_test(ngx_http_faas_test_verdict_fail),
        cmocka_unit_test(ngx_http_faas_test_verdict_nothing),
        cmocka_unit_test(ngx_http_faas_test_verdict_changed),
        cmocka_unit_test(ngx_http_faas_test_verdict_changed_served),
        cmocka_unit_test(ngx_http_faas_test_verdict_given_up),
        cmocka_unit_test(ngx_http_faas_test_verdict_spare),
        cmocka_unit_test(ngx_http_faas_test_verdict_abandon),
        cmocka_unit_test(ngx_http_faas_test_verdict_late),
        cmocka_unit_test(ngx_http_faas_test_verdict_forgotten)
    };

    return cmocka_run_group_tests_name("verdict", tests, NULL, NULL);
}


/* worker "n" is the first to ask for that revision, which is read, too */

static ngx_http_faas_lease_t *
ngx_http_faas_test_verdict_new(ngx_http_faas_unit_lease_t *tl, ngx_uint_t n,
    u_char revision)
{
    ngx_http_faas_lease_t     *lease;
    ngx_http_faas_instance_t  *inst;

    assert_int_equal(ngx_http_faas_unit_lease_ask(tl, n, "greet", revision),
                     NGX_DONE);

    lease = tl->lease;
    inst = tl->inst;

    ngx_http_faas_unit_lease_loading(tl, inst, revision, 2);
    tl->inst = inst;

    return lease;
}


/* keep: who waits for the new version gets the old one, if there is room */

static void
ngx_http_faas_test_verdict_keep(void **state)
{
    ngx_http_faas_lease_t       *lease;
    ngx_http_faas_instance_t    *inst, *next;
    ngx_http_faas_unit_lease_t   tl;

    inst = ngx_http_faas_unit_lease_begin_old(&tl, 2);
    lease = ngx_http_faas_test_verdict_new(&tl, 1, 'B');
    next = tl.inst;

    assert_true(ngx_http_faas_unit_lease_fail(&tl, next, 0));

    ngx_http_faas_unit_inst(inst, READY);
    ngx_http_faas_unit_state(lease, HELD);
    assert_ptr_equal(lease->instance, inst);
    assert_null(lease->report);
    ngx_http_faas_unit_lease_news(&tl, 1, lease);
    ngx_http_faas_unit_lease_no_news(&tl);

    assert_int_equal(inst->function->failed, 2);
    ngx_http_faas_unit_lease_release(&tl, 1, lease);

    /* it is not tried again, with or without a look at the file */

    assert_int_equal(ngx_http_faas_unit_lease_ask(&tl, 1, "greet", 0),
                     NGX_OK);
    assert_ptr_equal(tl.lease->instance, inst);
    ngx_http_faas_unit_lease_release(&tl, 1, tl.lease);

    assert_int_equal(ngx_http_faas_unit_lease_ask(&tl, 2, "greet", 'B'),
                     NGX_OK);
    assert_ptr_equal(tl.lease->instance, inst);

    assert_int_equal(ngx_http_faas_unit_lease_ask(&tl, 2, "greet", 'B'),
                     NGX_AGAIN);
    assert_int_equal(tl.lease->version, 1);

    /* another revision is */

    assert_int_equal(ngx_http_faas_unit_lease_ask(&tl, 2, "greet", 'C'),
                     NGX_DONE);
    ngx_http_faas_unit_lease_ready(&tl, tl.inst, 'C', 4);
    ngx_http_faas_unit_inst(inst, DRAINING);

    ngx_http_faas_unit_lease_end(&tl);
}


/* keep: else he waits for room there */

static void
ngx_http_faas_test_verdict_keep_full(void **state)
{
    ngx_http_faas_lease_t       *first, *second, *third;
    ngx_http_faas_instance_t    *inst, *next;
    ngx_http_faas_unit_lease_t   tl;

    inst = ngx_http_faas_unit_lease_begin_old(&tl, 1);
    first = tl.lease;

    second = ngx_http_faas_unit_lease_ok(&tl, 2, NGX_AGAIN);
    third = ngx_http_faas_test_verdict_new(&tl, 1, 'B');
    next = tl.inst;

    assert_int_equal(second->version, 1);
    assert_int_equal(third->version, 2);

    assert_true(ngx_http_faas_unit_lease_fail(&tl, next, 0));

    ngx_http_faas_unit_inst(inst, READY);
    ngx_http_faas_unit_state(second, WAITING);
    ngx_http_faas_unit_state(third, WAITING);
    assert_int_equal(third->version, 1);
    ngx_http_faas_unit_lease_no_news(&tl);

    ngx_http_faas_unit_lease_release(&tl, 0, first);
    ngx_http_faas_unit_state(second, HELD);
    ngx_http_faas_unit_lease_release(&tl, 2, second);
    ngx_http_faas_unit_state(third, HELD);
    ngx_http_faas_unit_lease_news(&tl, 1, third);
    ngx_http_faas_unit_lease_release(&tl, 1, third);

    ngx_http_faas_unit_lease_end(&tl);
}


/* keep: the queue stays in its order */

static void
ngx_http_faas_test_verdict_keep_many(void **state)
{
    ngx_uint_t                   i;
    ngx_http_faas_lease_t       *lease[8];
    ngx_http_faas_instance_t    *inst, *next;
    ngx_http_faas_unit_lease_t   tl;

    inst = ngx_http_faas_unit_lease_begin_old(&tl, 3);

    lease[0] = ngx_http_faas_test_verdict_new(&tl, 1, 'B');
    next = tl.inst;

    for (i = 1; i < 8; i++) {
        assert_int_equal(ngx_http_faas_unit_lease_ask(&tl, i % 3, "greet", 0),
                         NGX_AGAIN);
        lease[i] = tl.lease;
    }

    assert_true(ngx_http_faas_unit_lease_fail(&tl, next, 0));

    assert_int_equal(inst->active, 3);

    for (i = 0; i < 8; i++) {
        assert_int_equal(lease[i]->state,

              i < 2 ? NGX_HTTP_FAAS_LEASE_HELD : NGX_HTTP_FAAS_LEASE_WAITING);
    }

    /* one more comes, and is the last */

    assert_int_equal(ngx_http_faas_unit_lease_ask(&tl, 0, "greet", 0),
                     NGX_AGAIN);

    for (i = 0; i < 6; i++) {
        ngx_http_faas_unit_lease_release(&tl, i ? i % 3 : 1, lease[i]);
        ngx_http_faas_unit_state(lease[i + 2], HELD);
        assert_int_equal(inst->active, 3);
    }

    ngx_http_faas_unit_state(tl.lease, WAITING);

    ngx_http_faas_unit_lease_end(&tl);
}


/* saved again, or with nothing left to serve, it is tried again */

static void
ngx_http_faas_test_verdict_keep_again(void **state)
{
    ngx_http_faas_want_t        *want;
    ngx_http_faas_lease_t       *first, *second;
    ngx_http_faas_instance_t    *inst;
    ngx_http_faas_unit_lease_t   tl;

    inst = ngx_http_faas_unit_lease_begin_old(&tl, 1);
    first = tl.lease;

    second = ngx_http_faas_test_verdict_new(&tl, 1, 'B');
    assert_true(ngx_http_faas_unit_lease_fail(&tl, tl.inst, 0));
    ngx_http_faas_unit_lease_release(&tl, 1, second);

    want = ngx_http_faas_unit_zone_want("greet", 1000, 'B');

    assert_int_equal(ngx_http_faas_unit_lease_acquire(&tl, 1, want),
                     NGX_DONE);
    second = tl.lease;
    assert_int_equal(second->version, 2);

    assert_true(ngx_http_faas_unit_lease_fail(&tl, tl.inst, 0));
    assert_int_equal(ngx_http_faas_unit_lease_ask(&tl, 2, "greet", 0),
                     NGX_AGAIN);

    /* the old one goes: both who wait for it have to ask again */

    ngx_http_faas_lease_condemn(ngx_http_faas_unit_zone_as(tl.t, 0), first);
    ngx_http_faas_unit_zone_check(tl.t);

    ngx_http_faas_unit_state(second, RETRY);
    ngx_http_faas_unit_state(tl.lease, RETRY);
    ngx_http_faas_unit_inst(inst, REMOVING);

    assert_int_equal(ngx_http_faas_unit_lease_ask(&tl, 1, "greet", 'B'),
                     NGX_DONE);

    ngx_http_faas_unit_lease_end(&tl);
}


/* fail: who waits is told, the old one ends in peace */

static void
ngx_http_faas_test_verdict_fail(void **state)
{
    ngx_http_faas_lease_t       *first, *second, *third;
    ngx_http_faas_instance_t    *inst, *next;
    ngx_http_faas_unit_lease_t   tl;

    inst = ngx_http_faas_unit_lease_begin_old(&tl, 1);
    first = tl.lease;
    ngx_http_faas_unit_zone_set(tl.t, 2, 0);

    second = ngx_http_faas_unit_lease_ok(&tl, 2, NGX_AGAIN);
    third = ngx_http_faas_test_verdict_new(&tl, 1, 'B');
    next = tl.inst;

    assert_false(ngx_http_faas_unit_lease_fail(&tl, next, 0));

    ngx_http_faas_unit_state(second, FAILED);
    ngx_http_faas_unit_state(third, FAILED);
    assert_ptr_equal(second->report, third->report);
    assert_int_equal(third->report->status, 0);
    assert_int_equal(third->report->refs, 2);
    assert_memory_equal(third->report->data, "SyntaxError", 11);
    ngx_http_faas_unit_lease_news(&tl, 1, third);
    ngx_http_faas_unit_lease_news(&tl, 2, second);

    ngx_http_faas_unit_inst(inst, DRAINING);
    ngx_http_faas_unit_state(first, HELD);

    /* and it is tried again each time */

    assert_int_equal(ngx_http_faas_unit_lease_ask(&tl, 2, "greet", 0),
                     NGX_DONE);
    ngx_http_faas_unit_lease_loading(&tl, tl.inst, 'B', 1);
    assert_false(ngx_http_faas_unit_lease_fail(&tl, tl.inst, 0));

    ngx_http_faas_unit_lease_release(&tl, 0, first);
    ngx_http_faas_unit_inst(inst, DEAD);

    /* an idle one dies at once */

    ngx_http_faas_unit_lease_end(&tl);

    inst = ngx_http_faas_unit_lease_begin_old(&tl, 1);
    ngx_http_faas_unit_zone_set(tl.t, 2, 0);
    ngx_http_faas_unit_lease_release(&tl, 0, tl.lease);

    (void) ngx_http_faas_test_verdict_new(&tl, 1, 'B');
    assert_false(ngx_http_faas_unit_lease_fail(&tl, tl.inst, 0));
    ngx_http_faas_unit_inst(inst, DEAD);

    ngx_http_faas_unit_lease_end(&tl);
}


/* nothing serves: who waits is told, whatever faas_on_error says */

static void
ngx_http_faas_test_verdict_nothing(void **state)
{
    ngx_uint_t                   keep, draining;
    ngx_http_faas_lease_t       *lease, *other;
    ngx_http_faas_instance_t    *inst;
    ngx_http_faas_unit_lease_t   tl;

    for (keep = 0; keep < 2; keep++) {
        for (draining = 0; draining < 2; draining++) {

            inst = ngx_http_faas_unit_lease_begin_old(&tl, 2);
            ngx_http_faas_unit_zone_set(tl.t, 2, keep);

            /* one that drains serves nobody else */

            other = tl.lease;
            assert_int_equal(ngx_http_faas_unit_lease_ask(&tl, 0, "greet", 0),
                             NGX_OK);
            ngx_http_faas_lease_condemn(ngx_http_faas_unit_zone_as(tl.t, 0),
                                        tl.lease);
            ngx_http_faas_unit_inst(inst, DRAINING);

            if (!draining) {
                ngx_http_faas_unit_lease_release(&tl, 0, other);
                ngx_http_faas_unit_inst(inst, DEAD);
            }

            lease = ngx_http_faas_test_verdict_new(&tl, 1, 'B');
            assert_false(ngx_http_faas_unit_lease_fail(&tl, tl.inst, 0));

            ngx_http_faas_unit_state(lease, FAILED);
            assert_int_equal(lease->report->status, 0);

            assert_int_equal(ngx_http_faas_unit_lease_ask(&tl, 2, "greet",
                                                          'B'),
                             NGX_DONE);

            ngx_http_faas_unit_lease_end(&tl);
        }
    }
}


/* the source changed meanwhile: what failed is nobody's any more */

static void
ngx_http_faas_test_verdict_changed(void **state)
{
    ngx_http_faas_lease_t       *first, *second;
    ngx_http_faas_instance_t    *inst, *next;
    ngx_http_faas_unit_lease_t   tl;

    ngx_http_faas_unit_lease_begin(&tl);

    first = ngx_http_faas_test_verdict_new(&tl, 1, 'A');
    inst = tl.inst;

    assert_int_equal(ngx_http_faas_unit_lease_ask(&tl, 2, "greet", 'B'),
                     NGX_DONE);
    second = tl.lease;
    next = tl.inst;

    /* the other start serves both */

    assert_false(ngx_http_faas_unit_lease_fail(&tl, inst, 0));
    ngx_http_faas_unit_state(first, WAITING);
    ngx_http_faas_unit_state(second, WAITING);
    assert_int_equal(next->function->failed, 0);

    ngx_http_faas_unit_lease_ready(&tl, next, 'B', 2);
    ngx_http_faas_unit_state(first, HELD);
    ngx_http_faas_unit_state(second, HELD);
    ngx_http_faas_unit_lease_end(&tl);

    /* or there is none */

    ngx_http_faas_unit_lease_begin(&tl);

    first = ngx_http_faas_test_verdict_new(&tl, 1, 'A');
    inst = tl.inst;
    second = ngx_http_faas_test_verdict_new(&tl, 2, 'B');
    next = tl.inst;

    ngx_http_faas_verdict_abandon(ngx_http_faas_unit_lease_owner(&tl, next),
                                  next);
    ngx_http_faas_unit_zone_check(tl.t);
    ngx_http_faas_unit_state(first, WAITING);
    ngx_http_faas_unit_state(second, RETRY);

    assert_false(ngx_http_faas_unit_lease_fail(&tl, inst, 0));
    ngx_http_faas_unit_state(first, RETRY);
    assert_null(first->report);
    ngx_http_faas_unit_lease_news(&tl, 1, first);
    ngx_http_faas_unit_lease_news(&tl, 2, second);

    ngx_http_faas_unit_lease_end(&tl);
}


/* changed back: nobody hears of a version that is of no use any more */

static void
ngx_http_faas_test_verdict_changed_served(void **state)
{
    ngx_http_faas_lease_t       *first, *second;
    ngx_http_faas_instance_t    *inst, *next;
    ngx_http_faas_unit_lease_t   tl;

    inst = ngx_http_faas_unit_lease_begin_old(&tl, 1);
    first = tl.lease;

    second = ngx_http_faas_test_verdict_new(&tl, 1, 'B');
    next = tl.inst;

    assert_int_equal(ngx_http_faas_unit_lease_ask(&tl, 2, "greet", 'A'),
                     NGX_AGAIN);
    assert_int_equal(inst->version, 3);

    assert_false(ngx_http_faas_unit_lease_fail(&tl, next, 0));
    ngx_http_faas_unit_state(second, WAITING);
    ngx_http_faas_unit_state(tl.lease, WAITING);
    assert_int_equal(inst->function->failed, 0);

    ngx_http_faas_unit_lease_release(&tl, 0, first);
    ngx_http_faas_unit_state(second, HELD);
    ngx_http_faas_unit_lease_release(&tl, 1, second);
    ngx_http_faas_unit_state(tl.lease, HELD);

    ngx_http_faas_unit_lease_end(&tl);
}


/* given up meanwhile: nobody is there to be told, and nothing is to blame */

static void
ngx_http_faas_test_verdict_given_up(void **state)
{
    ngx_http_faas_lease_t       *lease;
    ngx_http_faas_instance_t    *inst, *next;
    ngx_http_faas_unit_lease_t   tl;

    inst = ngx_http_faas_unit_lease_begin_old(&tl, 1);
    lease = ngx_http_faas_test_verdict_new(&tl, 1, 'B');
    next = tl.inst;

    ngx_http_faas_lease_expire(ngx_http_faas_unit_zone_as(tl.t, 1), lease);
    ngx_http_faas_unit_zone_check(tl.t);
    ngx_http_faas_unit_inst(next, DEAD);

    assert_false(ngx_http_faas_unit_lease_fail(&tl, next, 0));
    assert_int_equal(inst->function->failed, 0);
    ngx_http_faas_unit_inst(inst, READY);
    ngx_http_faas_unit_lease_no_news(&tl);

    assert_int_equal(ngx_http_faas_unit_lease_ask(&tl, 1, "greet", 'B'),
                     NGX_DONE);

    ngx_http_faas_unit_lease_end(&tl);
}


/* a spare that does not start is nobody's */

static void
ngx_http_faas_test_verdict_spare(void **state)
{
    ngx_http_faas_instance_t    *inst;
    ngx_http_faas_unit_lease_t   tl;

    ngx_http_faas_unit_lease_begin(&tl);

    inst = ngx_http_faas_unit_lease_begin_spare(&tl, 1, 5);
    assert_int_equal(ngx_http_faas_unit_lease_turn(&tl, inst), NGX_OK);
    assert_false(ngx_http_faas_unit_lease_fail(&tl, inst, 503));
    assert_int_equal(tl.t->zone.sh->starting, 0);

    inst = ngx_http_faas_unit_lease_begin_spare(&tl, 1, 5);
    ngx_http_faas_verdict_abandon(ngx_http_faas_unit_zone_as(tl.t, 1), inst);
    ngx_http_faas_unit_zone_check(tl.t);
    ngx_http_faas_unit_inst(inst, REMOVING);

    ngx_http_faas_unit_lease_end(&tl);
}


/* nobody is to blame: those who waited ask again, those served are served */

static void
ngx_http_faas_test_verdict_abandon(void **state)
{
    ngx_http_faas_lease_t       *second, *third;
    ngx_http_faas_instance_t    *inst, *next;
    ngx_http_faas_unit_lease_t   tl;

    inst = ngx_http_faas_unit_lease_begin_old(&tl, 1);
    second = ngx_http_faas_unit_lease_ok(&tl, 2, NGX_AGAIN);
    third = ngx_http_faas_test_verdict_new(&tl, 1, 'B');
    next = tl.inst;

    ngx_http_faas_verdict_abandon(ngx_http_faas_unit_lease_owner(&tl, next),
                                  next);
    ngx_http_faas_unit_zone_check(tl.t);

    ngx_http_faas_unit_inst(next, REMOVING);
    ngx_http_faas_unit_inst(inst, READY);
    ngx_http_faas_unit_state(second, WAITING);
    ngx_http_faas_unit_state(third, RETRY);
    ngx_http_faas_unit_lease_news(&tl, 1, third);
    ngx_http_faas_unit_lease_no_news(&tl);

    assert_int_equal(inst->function->failed, 0);

    ngx_http_faas_unit_lease_end(&tl);
}


/* a verdict of something that is ready, or gone, changes nothing */

static void
ngx_http_faas_test_verdict_late(void **state)
{
    ngx_http_faas_instance_t    *inst, *next;
    ngx_http_faas_unit_lease_t   tl;

    inst = ngx_http_faas_unit_lease_begin_old(&tl, 1);
    ngx_http_faas_verdict_ready(ngx_http_faas_unit_zone_as(tl.t, 0), inst);
    ngx_http_faas_unit_zone_check(tl.t);
    ngx_http_faas_unit_inst(inst, READY);

    (void) ngx_http_faas_test_verdict_new(&tl, 1, 'B');
    next = tl.inst;
    ngx_http_faas_lease_expire(ngx_http_faas_unit_zone_as(tl.t, 1), tl.lease);
    ngx_http_faas_unit_inst(next, DEAD);

    ngx_http_faas_unit_lease_verdict(&tl, next);
    ngx_http_faas_unit_inst(next, DEAD);
    assert_int_equal(next->owner, 0);
    ngx_http_faas_unit_inst(inst, READY);

    ngx_http_faas_unit_lease_end(&tl);
}


/* deleted while a new version starts beside an old one */

static void
ngx_http_faas_test_verdict_forgotten(void **state)
{
    ngx_str_t                    name;
    ngx_http_faas_lease_t       *first, *second;
    ngx_http_faas_instance_t    *inst, *next;
    ngx_http_faas_unit_lease_t   tl;

    inst = ngx_http_faas_unit_lease_begin_old(&tl, 1);
    first = tl.lease;
    second = ngx_http_faas_test_verdict_new(&tl, 1, 'B');
    next = tl.inst;

    ngx_str_set(&name, "greet");
    ngx_http_faas_verdict_forget(ngx_http_faas_unit_zone_as(tl.t, 2), &name);
    ngx_http_faas_unit_zone_check(tl.t);

    ngx_http_faas_unit_inst(inst, DRAINING);
    ngx_http_faas_unit_inst(next, DEAD);
    ngx_http_faas_unit_state(first, HELD);
    ngx_http_faas_unit_state(second, FAILED);
    assert_int_equal(second->report->status, 404);

    /* made anew with the bytes of the old one */

    assert_int_equal(ngx_http_faas_unit_lease_ask(&tl, 2, "greet", 0),
                     NGX_DECLINED);
    assert_int_equal(ngx_http_faas_unit_lease_ask(&tl, 2, "greet", 'A'),
                     NGX_DONE);

    ngx_http_faas_unit_lease_end(&tl);
}
