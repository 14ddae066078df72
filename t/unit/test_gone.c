
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * An instance whose process has ended, that is not to be trusted, or unused.
 */


#include "ngx_http_faas.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "ngx_http_faas_unit_lease.h"


int ngx_http_faas_test_gone(void);

static void ngx_http_faas_test_gone_idle(void **state);
static void ngx_http_faas_test_gone_leases(void **state);
static void ngx_http_faas_test_gone_twice(void **state);
static void ngx_http_faas_test_gone_stranger(void **state);
static void ngx_http_faas_test_gone_states(void **state);
static void ngx_http_faas_test_gone_paused(void **state);
static void ngx_http_faas_test_gone_full(void **state);
static void ngx_http_faas_test_gone_untrusted(void **state);
static void ngx_http_faas_test_gone_untrusted_spare(void **state);
static void ngx_http_faas_test_gone_condemn(void **state);
static void ngx_http_faas_test_gone_retire(void **state);
static void ngx_http_faas_test_gone_retire_used(void **state);
static void ngx_http_faas_test_gone_retire_off(void **state);
static void ngx_http_faas_test_gone_clock(void **state);

static ngx_http_faas_instance_t *ngx_http_faas_test_gone_ready(
    ngx_http_faas_unit_lease_t *tl, ngx_uint_t concurrency);
static ngx_uint_t ngx_http_faas_test_gone_tell(
    ngx_http_faas_unit_lease_t *tl, ngx_http_faas_instance_t *inst,
    u_char id, ngx_uint_t ended);
static ngx_http_faas_instance_t *ngx_http_faas_test_gone_lazy(
    ngx_http_faas_unit_lease_t *tl, ngx_msec_t idle);


int
ngx_http_faas_test_gone(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(ngx_http_faas_test_gone_idle),
        cmocka_unit_test(ngx_http_faas_test_gone_leases),
        cmocka_unit_test(ngx_http_faas_test_gone_twice),
        cmocka_unit_test(ngx_http_faas_test_gone_stranger),
        cmocka_unit_test(ngx_http_faas_test_gone_states),
        cmocka_unit_test(ngx_http_faas_test_gone_paused),
        cmocka_unit_test(ngx_http_faas_test_gone_full),
        cmocka_unit_test(ngx_http_faas_test_gone_untrusted),
        cmocka_unit_test(ngx_http_faas_test_gone_untrusted_spare),
        cmocka_unit_test(ngx_http_faas_test_gone_condemn),
        cmocka_unit_test(ngx_http_faas_test_gone_retire),
        cmocka_unit_test(ngx_http_faas_test_gone_retire_used),
        cmocka_unit_test(ngx_http_faas_test_gone_retire_off),
        cmocka_unit_test(ngx_http_faas_test_gone_clock)
    };

    return cmocka_run_group_tests_name("gone", tests, NULL, NULL);
}


/* "greet" is READY, its container's id is iii..., worker 0 has a lease */

static ngx_http_faas_instance_t *
ngx_http_faas_test_gone_ready(ngx_http_faas_unit_lease_t *tl,
    ngx_uint_t concurrency)
{
    ngx_http_faas_lease_t     *lease;
    ngx_http_faas_instance_t  *inst;

    ngx_http_faas_unit_lease_begin(tl);

    lease = ngx_http_faas_unit_lease_ok(tl, 0, NGX_DONE);
    inst = tl->inst;
    ngx_http_faas_unit_lease_identify(tl, inst, 'i');
    ngx_http_faas_unit_lease_ready(tl, inst, 'A', concurrency);
    ngx_http_faas_unit_lease_news(tl, 0, lease);

    return inst;
}


/* worker 2 hears of the end of a container with such an id */

static ngx_uint_t
ngx_http_faas_test_gone_tell(ngx_http_faas_unit_lease_t *tl,
    ngx_http_faas_instance_t *inst, u_char id, ngx_uint_t ended)
{
    u_char      data[NGX_HTTP_FAAS_ID_LEN];
    ngx_uint_t  lost;

    ngx_memset(data, id, sizeof(data));

    lost = ngx_http_faas_instance_lost(ngx_http_faas_unit_zone_as(tl->t, 2),
                                       inst->slot, data, ended);
    ngx_http_faas_unit_zone_check(tl->t);

    return lost;
}


/* nobody uses it: it is dead at once, and to be removed by anybody */

static void
ngx_http_faas_test_gone_idle(void **state)
{
    ngx_http_faas_instance_t    *inst;
    ngx_http_faas_unit_lease_t   tl;

    inst = ngx_http_faas_test_gone_ready(&tl, 1);
    ngx_http_faas_unit_lease_release(&tl, 0, tl.lease);

    assert_true(ngx_http_faas_test_gone_tell(&tl, inst, 'i', 1));
    ngx_http_faas_unit_inst(inst, DEAD);
    assert_int_equal(ngx_http_faas_unit_lease_functions(&tl), 0);
    assert_ptr_equal(ngx_http_faas_instance_claim(ngx_http_faas_unit_zone_as(
                                                                         tl.t,

                                                                          1)),
                     inst);

    /* it was told before: now it is no news */

    assert_false(ngx_http_faas_test_gone_tell(&tl, inst, 'i', 1));

    ngx_http_faas_unit_lease_end(&tl);
}


/* whoever holds it may ask how it ended, and whoever waits asks again */

static void
ngx_http_faas_test_gone_leases(void **state)
{
    ngx_http_faas_zone_t        *zone;
    ngx_http_faas_lease_t       *first, *second, *third;
    ngx_http_faas_instance_t    *inst;
    ngx_http_faas_unit_lease_t   tl;

    inst = ngx_http_faas_test_gone_ready(&tl, 2);
    first = tl.lease;
    second = ngx_http_faas_unit_lease_ok(&tl, 1, NGX_OK);
    third = ngx_http_faas_unit_lease_ok(&tl, 1, NGX_AGAIN);

    zone = ngx_http_faas_unit_zone_as(tl.t, 0);
    assert_false(ngx_http_faas_lease_gone(zone, first));

    assert_true(ngx_http_faas_test_gone_tell(&tl, inst, 'i', 1));

    ngx_http_faas_unit_inst(inst, DRAINING);
    assert_int_equal(inst->active, 2);
    ngx_http_faas_unit_state(first, HELD);
    ngx_http_faas_unit_state(second, HELD);
    ngx_http_faas_unit_state(third, RETRY);

    assert_true(ngx_http_faas_lease_gone(zone, first));
    assert_true(ngx_http_faas_lease_gone(zone, second));
    assert_false(ngx_http_faas_lease_gone(zone, third));

    ngx_http_faas_unit_lease_news(&tl, 0, first);
    assert_true(ngx_http_faas_unit_zone_rung(tl.t, 1) || tl.rung[1]);
    tl.rung[1] = 1;
    ngx_http_faas_unit_lease_news(&tl, 1, second);
    ngx_http_faas_unit_lease_news(&tl, 1, third);
    ngx_http_faas_unit_lease_no_news(&tl);

    /* another one is started meanwhile */

    ngx_http_faas_unit_lease_release(&tl, 1, third);
    (void) ngx_http_faas_unit_lease_ok(&tl, 1, NGX_DONE);
    assert_ptr_not_equal(tl.inst, inst);

    ngx_http_faas_unit_lease_release(&tl, 0, first);
    ngx_http_faas_unit_inst(inst, DRAINING);
    ngx_http_faas_unit_lease_release(&tl, 1, second);
    ngx_http_faas_unit_inst(inst, DEAD);
    assert_int_equal(inst->owner, 0);

    ngx_http_faas_unit_lease_end(&tl);
}


/* "die" and then "destroy" */

static void
ngx_http_faas_test_gone_twice(void **state)
{
    ngx_http_faas_lease_t       *lease;
    ngx_http_faas_instance_t    *inst;
    ngx_http_faas_unit_lease_t   tl;

    inst = ngx_http_faas_test_gone_ready(&tl, 1);
    lease = tl.lease;

    assert_true(ngx_http_faas_test_gone_tell(&tl, inst, 'i', 1));
    (void) ngx_http_faas_test_gone_tell(&tl, inst, 'i', 1);

    ngx_http_faas_unit_inst(inst, DRAINING);
    ngx_http_faas_unit_state(lease, HELD);
    ngx_http_faas_unit_lease_news(&tl, 0, lease);
    ngx_http_faas_unit_lease_no_news(&tl);

    ngx_http_faas_unit_lease_release(&tl, 0, lease);
    ngx_http_faas_unit_inst(inst, DEAD);

    ngx_http_faas_unit_lease_end(&tl);
}


/* of the slot's last life, of no slot, or before anybody knows its id */

static void
ngx_http_faas_test_gone_stranger(void **state)
{
    u_char                       id[NGX_HTTP_FAAS_ID_LEN];
    ngx_http_faas_instance_t    *inst;
    ngx_http_faas_unit_lease_t   tl;

    inst = ngx_http_faas_test_gone_ready(&tl, 1);

    assert_false(ngx_http_faas_test_gone_tell(&tl, inst, 'j', 1));
    ngx_http_faas_unit_inst(inst, READY);

    ngx_memset(id, 'i', sizeof(id));
    id[NGX_HTTP_FAAS_ID_LEN - 1] = 'j';
    assert_false(ngx_http_faas_instance_lost(&tl.t->zone, inst->slot, id, 1));

    ngx_memset(id, 'i', sizeof(id));
    assert_false(ngx_http_faas_instance_lost(&tl.t->zone, inst->slot + 1, id,
                                             1));
    assert_false(ngx_http_faas_instance_lost(&tl.t->zone,
                                             tl.t->zone.sh->ninstances, id,
                                             1));
    assert_false(ngx_http_faas_instance_lost(&tl.t->zone, (ngx_uint_t) -1, id,
                                             1));

    ngx_http_faas_unit_inst(inst, READY);

    inst->identified = 0;
    assert_false(ngx_http_faas_test_gone_tell(&tl, inst, 'i', 1));
    ngx_http_faas_unit_inst(inst, READY);

    ngx_http_faas_unit_lease_end(&tl);
}


/* a start ends by its own connection, and a removal was to end it anyway */

static void
ngx_http_faas_test_gone_states(void **state)
{
    ngx_http_faas_lease_t       *lease;
    ngx_http_faas_instance_t    *inst;
    ngx_http_faas_unit_lease_t   tl;

    ngx_http_faas_unit_lease_begin(&tl);

    lease = ngx_http_faas_unit_lease_ok(&tl, 0, NGX_DONE);
    inst = tl.inst;
    ngx_http_faas_unit_lease_identify(&tl, inst, 'i');

    assert_false(ngx_http_faas_test_gone_tell(&tl, inst, 'i', 1));
    ngx_http_faas_unit_inst(inst, CREATING);
    assert_int_equal(ngx_http_faas_instance_wanted(&tl.t->zone, inst),
                     NGX_OK);

    ngx_http_faas_unit_lease_loading(&tl, inst, 'A', 1);
    assert_false(ngx_http_faas_test_gone_tell(&tl, inst, 'i', 1));
    ngx_http_faas_unit_inst(inst, LOADING);
    ngx_http_faas_unit_lease_verdict(&tl, inst);
    ngx_http_faas_unit_state(lease, HELD);

    assert_ptr_equal(ngx_http_faas_lease_condemn(ngx_http_faas_unit_zone_as(
                                                                         tl.t,

                                                                           0),
                                                 lease),
                     inst);
    assert_false(ngx_http_faas_test_gone_tell(&tl, inst, 'i', 1));
    ngx_http_faas_unit_inst(inst, REMOVING);

    ngx_http_faas_unit_lease_removed(&tl, inst);
    assert_false(ngx_http_faas_test_gone_tell(&tl, inst, 'i', 1));
    ngx_http_faas_unit_inst(inst, EMPTY);

    /* a spare that nobody has claimed */

    inst = ngx_http_faas_unit_lease_begin_spare(&tl, 1, 5);
    ngx_http_faas_unit_lease_identify(&tl, inst, 's');
    ngx_http_faas_unit_lease_booted(&tl, inst, 't');
    assert_true(ngx_http_faas_test_gone_tell(&tl, inst, 's', 1));
    ngx_http_faas_unit_inst(inst, DEAD);

    ngx_http_faas_unit_lease_end(&tl);
}


/* what stands still while it is loaded is given up by whoever loads it */

static void
ngx_http_faas_test_gone_paused(void **state)
{
    u_char                       id[NGX_HTTP_FAAS_ID_LEN];
    ngx_http_faas_zone_t        *zone;
    ngx_http_faas_lease_t       *lease;
    ngx_http_faas_instance_t    *inst;
    ngx_http_faas_unit_lease_t   tl;

    ngx_http_faas_unit_lease_begin(&tl);
    ngx_memset(id, 'i', sizeof(id));

    lease = ngx_http_faas_unit_lease_ok(&tl, 0, NGX_DONE);
    inst = tl.inst;
    ngx_http_faas_unit_lease_identify(&tl, inst, 'i');
    ngx_http_faas_unit_lease_loading(&tl, inst, 'A', 1);

    /* it is another, or no slot */

    zone = ngx_http_faas_unit_zone_as(tl.t, 2);
    id[0] = 'j';
    ngx_http_faas_instance_paused(zone, inst->slot, id);
    ngx_http_faas_unit_inst(inst, LOADING);
    id[0] = 'i';
    ngx_http_faas_instance_paused(zone, zone->sh->ninstances, id);
    ngx_http_faas_instance_paused(zone, (ngx_uint_t) -1, id);
    ngx_http_faas_unit_inst(inst, LOADING);

    ngx_http_faas_instance_paused(zone, inst->slot, id);
    ngx_http_faas_unit_inst(inst, DEAD);
    ngx_http_faas_unit_zone_check(tl.t);

    /* nobody else removes it, and who waits asks again */

    assert_null(ngx_http_faas_instance_claim(zone));
    assert_int_equal(ngx_http_faas_instance_wanted(zone, inst), NGX_DECLINED);
    ngx_http_faas_unit_state(lease, RETRY);
    ngx_http_faas_unit_lease_news(&tl, 0, lease);
    ngx_http_faas_unit_lease_release(&tl, 0, lease);
    (void) ngx_http_faas_unit_lease_ok(&tl, 0, NGX_DONE);
    assert_ptr_not_equal(tl.inst, inst);

    ngx_http_faas_verdict_abandon(ngx_http_faas_unit_zone_as(tl.t, 0), inst);
    ngx_http_faas_unit_inst(inst, REMOVING);
    ngx_http_faas_instance_paused(zone, inst->slot, id);
    ngx_http_faas_unit_inst(inst, REMOVING);
    ngx_http_faas_unit_lease_removed(&tl, inst);

    ngx_http_faas_unit_lease_end(&tl);
}


/* one that drains already, and all of whose slots are in use */

static void
ngx_http_faas_test_gone_full(void **state)
{
    ngx_http_faas_lease_t       *first, *second;
    ngx_http_faas_instance_t    *inst;
    ngx_http_faas_unit_lease_t   tl;

    inst = ngx_http_faas_test_gone_ready(&tl, 1);
    first = tl.lease;

    assert_int_equal(ngx_http_faas_unit_lease_ask(&tl, 1, "greet", 'B'),
                     NGX_DONE);
    second = tl.lease;
    ngx_http_faas_unit_lease_ready(&tl, tl.inst, 'B', 1);
    ngx_http_faas_unit_lease_news(&tl, 1, second);
    ngx_http_faas_unit_inst(inst, DRAINING);

    assert_true(ngx_http_faas_test_gone_tell(&tl, inst, 'i', 1));
    ngx_http_faas_unit_inst(inst, DRAINING);
    assert_true(ngx_http_faas_lease_gone(&tl.t->zone, first));
    assert_false(ngx_http_faas_lease_gone(&tl.t->zone, second));
    ngx_http_faas_unit_lease_news(&tl, 0, first);
    ngx_http_faas_unit_lease_no_news(&tl);

    ngx_http_faas_unit_lease_release(&tl, 0, first);
    ngx_http_faas_unit_inst(inst, DEAD);

    ngx_http_faas_unit_lease_end(&tl);
}


/* it ran out of memory: those on it may end, nobody else gets in */

static void
ngx_http_faas_test_gone_untrusted(void **state)
{
    ngx_http_faas_lease_t       *first, *second;
    ngx_http_faas_instance_t    *inst;
    ngx_http_faas_unit_lease_t   tl;

    inst = ngx_http_faas_test_gone_ready(&tl, 2);
    first = tl.lease;
    second = ngx_http_faas_unit_lease_ok(&tl, 1, NGX_OK);

    assert_true(ngx_http_faas_test_gone_tell(&tl, inst, 'i', 0));

    ngx_http_faas_unit_inst(inst, DRAINING);
    assert_false(ngx_http_faas_lease_gone(&tl.t->zone, first));
    ngx_http_faas_unit_lease_no_news(&tl);

    ngx_http_faas_unit_lease_release(&tl, 0, first);
    (void) ngx_http_faas_unit_lease_ok(&tl, 0, NGX_DONE);

    /* and then it ends after all */

    assert_true(ngx_http_faas_test_gone_tell(&tl, inst, 'i', 1));
    assert_true(ngx_http_faas_lease_gone(&tl.t->zone, second));
    ngx_http_faas_unit_lease_release(&tl, 1, second);
    ngx_http_faas_unit_inst(inst, DEAD);

    ngx_http_faas_unit_lease_end(&tl);
}


/* a spare that nobody should get */

static void
ngx_http_faas_test_gone_untrusted_spare(void **state)
{
    ngx_http_faas_instance_t    *inst;
    ngx_http_faas_unit_lease_t   tl;

    ngx_http_faas_unit_lease_begin(&tl);

    inst = ngx_http_faas_unit_lease_begin_spare(&tl, 1,
                                                NGX_HTTP_FAAS_UNIT_KIND);
    ngx_http_faas_unit_lease_identify(&tl, inst, 's');
    ngx_http_faas_unit_lease_booted(&tl, inst, 't');

    assert_true(ngx_http_faas_test_gone_tell(&tl, inst, 's', 0));
    ngx_http_faas_unit_inst(inst, DEAD);

    (void) ngx_http_faas_unit_lease_ok(&tl, 0, NGX_DONE);
    assert_ptr_not_equal(tl.inst, inst);

    ngx_http_faas_unit_lease_end(&tl);
}


/* the first to see it removes it, and the others find it gone */

static void
ngx_http_faas_test_gone_condemn(void **state)
{
    ngx_http_faas_lease_t       *first, *second;
    ngx_http_faas_instance_t    *inst;
    ngx_http_faas_unit_lease_t   tl;

    inst = ngx_http_faas_test_gone_ready(&tl, 2);
    first = tl.lease;
    second = ngx_http_faas_unit_lease_ok(&tl, 1, NGX_OK);

    assert_true(ngx_http_faas_test_gone_tell(&tl, inst, 'i', 1));

    assert_null(ngx_http_faas_lease_condemn(ngx_http_faas_unit_zone_as(tl.t,
                                                                       0),
                                            first));
    ngx_http_faas_unit_zone_check(tl.t);
    assert_true(ngx_http_faas_lease_gone(&tl.t->zone, second));
    assert_ptr_equal(ngx_http_faas_lease_condemn(ngx_http_faas_unit_zone_as(
                                                                         tl.t,

                                                                           1),
                                                 second),
                     inst);
    ngx_http_faas_unit_zone_check(tl.t);
    ngx_http_faas_unit_inst(inst, REMOVING);

    ngx_http_faas_unit_lease_end(&tl);
}


/* "greet" is READY, and may live unused for so long */

static ngx_http_faas_instance_t *
ngx_http_faas_test_gone_lazy(ngx_http_faas_unit_lease_t *tl, ngx_msec_t idle)
{
    ngx_http_faas_want_t      *want;
    ngx_http_faas_zone_t      *zone;
    ngx_http_faas_lease_t     *lease;
    ngx_http_faas_instance_t  *inst;

    ngx_http_faas_unit_lease_begin(tl);

    lease = ngx_http_faas_unit_lease_ok(tl, 0, NGX_DONE);
    inst = tl->inst;

    zone = ngx_http_faas_unit_lease_owner(tl, inst);
    assert_int_equal(ngx_http_faas_instance_refresh(zone, inst), NGX_OK);

    want = ngx_http_faas_unit_zone_want("", 'A', 'A');
    want->scale.idle = idle;

    assert_int_equal(ngx_http_faas_unit_zone_loading(zone, inst, want, 2),
                     NGX_OK);
    ngx_http_faas_unit_lease_verdict(tl, inst);
    assert_int_equal(inst->idle, idle);
    ngx_http_faas_unit_state(lease, HELD);

    return inst;
}


/* the time counts from the end of the last request, or from the start */

static void
ngx_http_faas_test_gone_retire(void **state)
{
    ngx_http_faas_instance_t    *inst;
    ngx_http_faas_unit_lease_t   tl;

    ngx_current_msec = 100000;

    inst = ngx_http_faas_test_gone_lazy(&tl, 500);

    ngx_current_msec += 499;
    ngx_http_faas_unit_lease_release(&tl, 0, tl.lease);
    ngx_current_msec += 499;
    assert_int_equal(ngx_http_faas_instance_retire(&tl.t->zone), 0);
    ngx_http_faas_unit_inst(inst, READY);

    ngx_current_msec += 1;
    assert_int_equal(ngx_http_faas_instance_retire(&tl.t->zone), 1);
    ngx_http_faas_unit_zone_check(tl.t);
    ngx_http_faas_unit_inst(inst, DEAD);
    assert_int_equal(inst->owner, 0);
    assert_int_equal(ngx_http_faas_unit_lease_functions(&tl), 0);
    assert_int_equal(ngx_http_faas_instance_retire(&tl.t->zone), 0);

    ngx_http_faas_unit_lease_end(&tl);
}


/* never under a request, and a new one begins the time anew */

static void
ngx_http_faas_test_gone_retire_used(void **state)
{
    ngx_http_faas_lease_t       *lease;
    ngx_http_faas_instance_t    *inst;
    ngx_http_faas_unit_lease_t   tl;

    ngx_current_msec = 100000;

    inst = ngx_http_faas_test_gone_lazy(&tl, 500);
    lease = tl.lease;

    ngx_current_msec += 10000;
    assert_int_equal(ngx_http_faas_instance_retire(&tl.t->zone), 0);

    ngx_http_faas_unit_lease_release(&tl, 0, lease);
    ngx_current_msec += 400;

    assert_int_equal(ngx_http_faas_unit_lease_ask(&tl, 1, "greet", 0),
                     NGX_OK);
    ngx_current_msec += 400;
    assert_int_equal(ngx_http_faas_instance_retire(&tl.t->zone), 0);
    ngx_http_faas_unit_lease_release(&tl, 1, tl.lease);

    ngx_current_msec += 400;
    assert_int_equal(ngx_http_faas_instance_retire(&tl.t->zone), 0);
    ngx_current_msec += 100;
    assert_int_equal(ngx_http_faas_instance_retire(&tl.t->zone), 1);
    ngx_http_faas_unit_inst(inst, DEAD);

    ngx_http_faas_unit_lease_end(&tl);
}


/* nor a spare, a start, or one that is to live for ever */

static void
ngx_http_faas_test_gone_retire_off(void **state)
{
    ngx_http_faas_instance_t    *inst, *spare, *start;
    ngx_http_faas_unit_lease_t   tl;

    ngx_current_msec = 100000;

    inst = ngx_http_faas_test_gone_lazy(&tl, 0);
    ngx_http_faas_unit_lease_release(&tl, 0, tl.lease);

    spare = ngx_http_faas_unit_lease_begin_spare(&tl, 1, 5);
    ngx_http_faas_unit_lease_booted(&tl, spare, 't');
    assert_int_equal(ngx_http_faas_unit_lease_ask(&tl, 1, "other", 'A'),
                     NGX_DONE);
    start = tl.inst;

    ngx_current_msec += 1000000000;
    assert_int_equal(ngx_http_faas_instance_retire(&tl.t->zone), 0);
    ngx_http_faas_unit_inst(inst, READY);
    ngx_http_faas_unit_inst(spare, SPARE);
    ngx_http_faas_unit_inst(start, CREATING);

    ngx_http_faas_unit_lease_end(&tl);
}


/* the clock of another process is a little ahead, or the counter wraps */

static void
ngx_http_faas_test_gone_clock(void **state)
{
    ngx_http_faas_instance_t    *inst;
    ngx_http_faas_unit_lease_t   tl;

    ngx_current_msec = 100000;

    inst = ngx_http_faas_test_gone_lazy(&tl, 500);
    ngx_http_faas_unit_lease_release(&tl, 0, tl.lease);
    ngx_current_msec -= 3;
    assert_int_equal(ngx_http_faas_instance_retire(&tl.t->zone), 0);
    ngx_http_faas_unit_inst(inst, READY);
    ngx_http_faas_unit_lease_end(&tl);

    ngx_current_msec = (ngx_msec_t) -100;

    inst = ngx_http_faas_test_gone_lazy(&tl, 500);
    ngx_http_faas_unit_lease_release(&tl, 0, tl.lease);
    ngx_current_msec += 499;
    assert_int_equal(ngx_http_faas_instance_retire(&tl.t->zone), 0);
    ngx_current_msec += 1;
    assert_int_equal(ngx_http_faas_instance_retire(&tl.t->zone), 1);
    ngx_http_faas_unit_lease_end(&tl);

    ngx_current_msec = 0;
}
