
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * What dead workers held comes back.
 */


#include "ngx_http_faas.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "ngx_http_faas_unit_lease.h"


int ngx_http_faas_test_reap(void);

static void ngx_http_faas_test_reap_waiting(void **state);
static void ngx_http_faas_test_reap_held(void **state);
static void ngx_http_faas_test_reap_driver(void **state);
static void ngx_http_faas_test_reap_removal(void **state);
static void ngx_http_faas_test_reap_living(void **state);
static void ngx_http_faas_test_reap_zombie(void **state);
static void ngx_http_faas_test_reap_exit(void **state);


int
ngx_http_faas_test_reap(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(ngx_http_faas_test_reap_waiting),
        cmocka_unit_test(ngx_http_faas_test_reap_held),
        cmocka_unit_test(ngx_http_faas_test_reap_driver),
        cmocka_unit_test(ngx_http_faas_test_reap_removal),
        cmocka_unit_test(ngx_http_faas_test_reap_living),
        cmocka_unit_test(ngx_http_faas_test_reap_zombie),
        cmocka_unit_test(ngx_http_faas_test_reap_exit)
    };

    return cmocka_run_group_tests_name("reap", tests, NULL, NULL);
}


static void
ngx_http_faas_test_reap_waiting(void **state)
{
    ngx_http_faas_zone_t        *zone;
    ngx_http_faas_lease_t       *lease;
    ngx_http_faas_instance_t    *inst;
    ngx_http_faas_unit_lease_t   tl;

    ngx_http_faas_unit_lease_begin(&tl);

    /* worker 0 starts it, 1 waits, and dies */

    lease = ngx_http_faas_unit_lease_ok(&tl, 0, NGX_DONE);
    inst = tl.inst;
    (void) ngx_http_faas_unit_lease_ok(&tl, 1, NGX_AGAIN);
    ngx_http_faas_unit_lease_release(&tl, 0, lease);
    (void) ngx_http_faas_unit_lease_ok(&tl, 1, NGX_AGAIN);

    ngx_http_faas_unit_zone_kill(tl.t, 1);

    zone = ngx_http_faas_unit_zone_as(tl.t, 2);
    ngx_http_faas_lease_reap(zone);
    ngx_http_faas_unit_zone_check(tl.t);

    ngx_http_faas_unit_inst(inst, CREATING);
    ngx_http_faas_unit_lease_ready(&tl, inst, 'A', 1);

    assert_int_equal(inst->active, 0);

    /* another one takes the place, and its bell */

    ngx_http_faas_unit_zone_respawn(tl.t, 1);
    lease = ngx_http_faas_unit_lease_ok(&tl, 1, NGX_OK);
    ngx_http_faas_unit_lease_release(&tl, 1, lease);

    ngx_http_faas_unit_lease_end(&tl);
}


/* the slot of a dead worker goes to the next one who waits */

static void
ngx_http_faas_test_reap_held(void **state)
{
    ngx_http_faas_zone_t        *zone;
    ngx_http_faas_lease_t       *first, *second;
    ngx_http_faas_instance_t    *inst;
    ngx_http_faas_unit_lease_t   tl;

    ngx_http_faas_unit_lease_begin(&tl);

    (void) ngx_http_faas_unit_lease_ok(&tl, 1, NGX_DONE);
    inst = tl.inst;
    ngx_http_faas_unit_lease_ready(&tl, inst, 'A', 2);

    (void) ngx_http_faas_unit_lease_ok(&tl, 1, NGX_OK);
    (void) ngx_http_faas_unit_lease_ok(&tl, 1, NGX_AGAIN);
    first = ngx_http_faas_unit_lease_ok(&tl, 0, NGX_AGAIN);
    (void) ngx_http_faas_unit_lease_ok(&tl, 1, NGX_AGAIN);
    second = ngx_http_faas_unit_lease_ok(&tl, 2, NGX_AGAIN);

    ngx_http_faas_unit_zone_kill(tl.t, 1);

    zone = ngx_http_faas_unit_zone_as(tl.t, 0);
    ngx_http_faas_lease_reap(zone);
    ngx_http_faas_unit_zone_check(tl.t);

    ngx_http_faas_unit_inst(inst, READY);
    assert_int_equal(inst->active, 2);
    ngx_http_faas_unit_state(first, HELD);
    ngx_http_faas_unit_state(second, HELD);
    ngx_http_faas_unit_lease_news(&tl, 0, first);
    ngx_http_faas_unit_lease_news(&tl, 2, second);

    ngx_http_faas_unit_lease_release(&tl, 0, first);
    ngx_http_faas_unit_lease_release(&tl, 2, second);
    assert_int_equal(inst->active, 0);

    ngx_http_faas_unit_lease_end(&tl);
}


/* a start whose driver died is started anew by one who waits */

static void
ngx_http_faas_test_reap_driver(void **state)
{
    ngx_uint_t                   loading;
    ngx_http_faas_zone_t        *zone;
    ngx_http_faas_lease_t       *lease;
    ngx_http_faas_instance_t    *inst;
    ngx_http_faas_unit_lease_t   tl;

    for (loading = 0; loading < 2; loading++) {

        ngx_http_faas_unit_lease_begin(&tl);

        (void) ngx_http_faas_unit_lease_ok(&tl, 1, NGX_DONE);
        inst = tl.inst;
        lease = ngx_http_faas_unit_lease_ok(&tl, 0, NGX_AGAIN);

        if (loading) {
            ngx_http_faas_unit_lease_loading(&tl, inst, 'A', 1);
        }

        ngx_http_faas_unit_zone_kill(tl.t, 1);

        zone = ngx_http_faas_unit_zone_as(tl.t, 0);
        ngx_http_faas_lease_reap(zone);
        ngx_http_faas_unit_zone_check(tl.t);

        ngx_http_faas_unit_inst(inst, DEAD);
        assert_int_equal(inst->owner, 0);
        ngx_http_faas_unit_state(lease, RETRY);
        ngx_http_faas_unit_lease_news(&tl, 0, lease);
        ngx_http_faas_unit_lease_release(&tl, 0, lease);

        lease = ngx_http_faas_unit_lease_ok(&tl, 0, NGX_DONE);
        assert_ptr_not_equal(tl.inst, inst);
        assert_ptr_equal(ngx_http_faas_instance_claim(zone), inst);

        ngx_http_faas_unit_lease_release(&tl, 0, lease);
        ngx_http_faas_unit_lease_end(&tl);
    }

    /* and when nobody waits nothing stays but the removal */

    ngx_http_faas_unit_lease_begin(&tl);

    (void) ngx_http_faas_unit_lease_ok(&tl, 1, NGX_DONE);
    inst = tl.inst;

    ngx_http_faas_unit_zone_kill(tl.t, 1);

    zone = ngx_http_faas_unit_zone_as(tl.t, 0);
    ngx_http_faas_lease_reap(zone);
    ngx_http_faas_unit_zone_check(tl.t);

    assert_int_equal(ngx_http_faas_unit_lease_functions(&tl), 0);
    assert_ptr_equal(ngx_http_faas_instance_claim(zone), inst);

    ngx_http_faas_unit_lease_end(&tl);
}


/* of a removal nobody knows how far it got: it is done again */

static void
ngx_http_faas_test_reap_removal(void **state)
{
    ngx_uint_t                   i;
    ngx_http_faas_zone_t        *zone;
    ngx_http_faas_lease_t       *lease;
    ngx_http_faas_instance_t    *inst;
    ngx_http_faas_unit_lease_t   tl;

    ngx_http_faas_unit_lease_begin(&tl);

    lease = ngx_http_faas_unit_lease_ok(&tl, 1, NGX_DONE);
    inst = tl.inst;
    ngx_http_faas_unit_lease_ready(&tl, inst, 'A', 1);

    zone = ngx_http_faas_unit_zone_as(tl.t, 1);
    assert_ptr_equal(ngx_http_faas_lease_condemn(zone, lease), inst);
    ngx_http_faas_unit_inst(inst, REMOVING);

    ngx_http_faas_unit_zone_kill(tl.t, 1);

    zone = ngx_http_faas_unit_zone_as(tl.t, 0);

    for (i = 0; i < 2; i++) {
        ngx_http_faas_lease_reap(zone);
        ngx_http_faas_unit_zone_check(tl.t);

        ngx_http_faas_unit_inst(inst, DEAD);
        assert_int_equal(inst->owner, 0);
    }

    assert_ptr_equal(ngx_http_faas_instance_claim(zone), inst);

    ngx_http_faas_unit_lease_end(&tl);
}


/* nothing is taken from a process that is there, whoever owns it */

static void
ngx_http_faas_test_reap_living(void **state)
{
    ngx_http_faas_zone_t        *zone;
    ngx_http_faas_lease_t       *held, *waiting;
    ngx_http_faas_instance_t    *inst, *other;
    ngx_http_faas_unit_lease_t   tl;

    ngx_http_faas_unit_lease_begin(&tl);

    held = ngx_http_faas_unit_lease_ok(&tl, 0, NGX_DONE);
    inst = tl.inst;
    ngx_http_faas_unit_lease_ready(&tl, inst, 'A', 1);
    ngx_http_faas_unit_lease_news(&tl, 0, held);
    waiting = ngx_http_faas_unit_lease_ok(&tl, 1, NGX_AGAIN);

    assert_int_equal(ngx_http_faas_unit_lease_ask(&tl, 2, "other", 'A'),
                     NGX_DONE);
    other = tl.inst;

    zone = ngx_http_faas_unit_zone_as(tl.t, 2);
    ngx_http_faas_lease_reap(zone);
    ngx_http_faas_unit_zone_check(tl.t);

    ngx_http_faas_unit_state(held, HELD);
    ngx_http_faas_unit_state(waiting, WAITING);
    ngx_http_faas_unit_inst(inst, READY);
    ngx_http_faas_unit_inst(other, CREATING);
    ngx_http_faas_unit_lease_no_news(&tl);

    ngx_http_faas_unit_lease_release(&tl, 1, waiting);
    ngx_http_faas_unit_lease_release(&tl, 0, held);
    ngx_http_faas_unit_lease_end(&tl);
}


/* init may take its time to wait for a process whose master is gone */

static void
ngx_http_faas_test_reap_zombie(void **state)
{
    pid_t      pid;
    siginfo_t  info;

    assert_false(ngx_http_faas_worker_ended(getpid()));

    pid = fork();
    assert_int_not_equal(pid, -1);

    if (pid == 0) {
        _exit(0);
    }

    assert_int_equal(waitid(P_PID, pid, &info, WEXITED|WNOWAIT), 0);
    assert_int_equal(kill(pid, 0), 0);
    assert_true(ngx_http_faas_worker_ended(pid));

    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_true(ngx_http_faas_worker_ended(pid));
}


/* an orderly exit leaves nothing, one with requests leaves them to others */

static void
ngx_http_faas_test_reap_exit(void **state)
{
    ngx_http_faas_zone_t        *zone;
    ngx_http_faas_lease_t       *lease;
    ngx_http_faas_instance_t    *inst;
    ngx_http_faas_unit_lease_t   tl;

    ngx_http_faas_unit_lease_begin(&tl);

    lease = ngx_http_faas_unit_lease_ok(&tl, 1, NGX_DONE);
    inst = tl.inst;
    ngx_http_faas_unit_lease_ready(&tl, inst, 'A', 1);
    ngx_http_faas_unit_lease_release(&tl, 1, lease);

    zone = ngx_http_faas_unit_zone_as(tl.t, 1);
    ngx_http_faas_worker_exit(zone);
    assert_true(ngx_queue_empty(&zone->sh->workers));

    (void) ngx_http_faas_unit_lease_ok(&tl, 1, NGX_OK);
    ngx_http_faas_worker_exit(zone);

    assert_null(zone->worker);
    assert_false(ngx_queue_empty(&zone->sh->workers));
    ngx_http_faas_unit_zone_check(tl.t);
    assert_int_equal(inst->active, 1);

    ngx_http_faas_unit_zone_kill(tl.t, 1);

    zone = ngx_http_faas_unit_zone_as(tl.t, 0);
    ngx_http_faas_lease_reap(zone);
    ngx_http_faas_unit_zone_check(tl.t);

    assert_int_equal(inst->active, 0);
    assert_true(ngx_queue_empty(&zone->sh->workers));

    ngx_http_faas_unit_lease_end(&tl);
}
