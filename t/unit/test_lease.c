
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Admission: who gets a slot, and who waits.
 */


#include "ngx_http_faas.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "ngx_http_faas_unit_lease.h"


int ngx_http_faas_test_lease(void);

static void ngx_http_faas_test_lease_read(void **state);
static void ngx_http_faas_test_lease_first(void **state);
static void ngx_http_faas_test_lease_order(void **state);
static void ngx_http_faas_test_lease_room(void **state);
static void ngx_http_faas_test_lease_data(void **state);
static void ngx_http_faas_test_lease_leave(void **state);
static void ngx_http_faas_test_lease_again(void **state);
static void ngx_http_faas_test_lease_no_slot(void **state);
static void ngx_http_faas_test_lease_no_memory(void **state);


int
ngx_http_faas_test_lease(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(ngx_http_faas_test_lease_read),
        cmocka_unit_test(ngx_http_faas_test_lease_first),
        cmocka_unit_test(ngx_http_faas_test_lease_order),
        cmocka_unit_test(ngx_http_faas_test_lease_room),
        cmocka_unit_test(ngx_http_faas_test_lease_data),
        cmocka_unit_test(ngx_http_faas_test_lease_leave),
        cmocka_unit_test(ngx_http_faas_test_lease_again),
        cmocka_unit_test(ngx_http_faas_test_lease_no_slot),
        cmocka_unit_test(ngx_http_faas_test_lease_no_memory)
    };

    return cmocka_run_group_tests_name("lease", tests, NULL, NULL);
}


/* the source has to be read before the first slot is given */

static void
ngx_http_faas_test_lease_read(void **state)
{
    ngx_http_faas_unit_lease_t  tl;

    ngx_http_faas_unit_lease_begin(&tl);

    assert_int_equal(ngx_http_faas_unit_lease_ask(&tl, 0, "greet", 0),
                     NGX_DECLINED);
    assert_null(tl.lease);
    assert_null(tl.inst);

    /* nothing remembers a function that nobody waits for */

    assert_int_equal(ngx_http_faas_unit_lease_functions(&tl), 0);

    assert_int_equal(ngx_http_faas_unit_lease_ask(&tl, 0, "greet", 'A'),
                     NGX_DONE);
    assert_int_equal(ngx_http_faas_unit_lease_functions(&tl), 1);

    ngx_http_faas_unit_lease_end(&tl);
}


/* one start for all who come meanwhile, from whichever worker */

static void
ngx_http_faas_test_lease_first(void **state)
{
    ngx_http_faas_lease_t       *first, *second;
    ngx_http_faas_instance_t    *inst;
    ngx_http_faas_unit_lease_t   tl;

    ngx_http_faas_unit_lease_begin(&tl);

    first = ngx_http_faas_unit_lease_ok(&tl, 0, NGX_DONE);
    inst = tl.inst;

    assert_non_null(inst);
    ngx_http_faas_unit_state(first, WAITING);
    ngx_http_faas_unit_inst(inst, CREATING);
    assert_int_equal(inst->owner, tl.t->workers[0].pid);
    assert_int_equal(inst->generation, 1);

    second = ngx_http_faas_unit_lease_ok(&tl, 1, NGX_AGAIN);

    assert_null(tl.inst);
    ngx_http_faas_unit_state(second, WAITING);

    ngx_http_faas_unit_lease_loading(&tl, inst, 'A', 1);
    ngx_http_faas_unit_inst(inst, LOADING);
    ngx_http_faas_unit_lease_no_news(&tl);

    ngx_http_faas_unit_lease_verdict(&tl, inst);

    ngx_http_faas_unit_inst(inst, READY);
    assert_int_equal(inst->owner, 0);

    ngx_http_faas_unit_state(first, HELD);
    assert_ptr_equal(first->instance, inst);
    ngx_http_faas_unit_state(second, WAITING);

    ngx_http_faas_unit_lease_news(&tl, 0, first);
    ngx_http_faas_unit_lease_no_news(&tl);

    ngx_http_faas_unit_lease_release(&tl, 0, first);

    ngx_http_faas_unit_state(second, HELD);
    ngx_http_faas_unit_lease_news(&tl, 1, second);
    ngx_http_faas_unit_lease_no_news(&tl);

    ngx_http_faas_unit_lease_release(&tl, 1, second);

    /* it stays, and the next one does not wait */

    ngx_http_faas_unit_inst(inst, READY);
    assert_int_equal(inst->active, 0);

    first = ngx_http_faas_unit_lease_ok(&tl, 2, NGX_OK);
    assert_ptr_equal(first->instance, inst);
    ngx_http_faas_unit_lease_no_news(&tl);

    ngx_http_faas_unit_lease_release(&tl, 2, first);

    /* of another function there is none */

    assert_int_equal(ngx_http_faas_unit_lease_ask(&tl, 2, "other", 'A'),
                     NGX_DONE);

    ngx_http_faas_unit_lease_end(&tl);
}


/* first come, first served, over all workers, and nobody overtakes */

static void
ngx_http_faas_test_lease_order(void **state)
{
    ngx_uint_t                   i, j, n;
    ngx_http_faas_lease_t       *lease[12];
    ngx_http_faas_instance_t    *inst;
    ngx_http_faas_unit_lease_t   tl;

    n = sizeof(lease) / sizeof(ngx_http_faas_lease_t *);

    ngx_http_faas_unit_lease_begin(&tl);

    lease[0] = ngx_http_faas_unit_lease_ok(&tl, 0, NGX_DONE);
    inst = tl.inst;

    for (i = 1; i < n; i++) {
        lease[i] = ngx_http_faas_unit_lease_ok(&tl, i % 3, NGX_AGAIN);
    }

    ngx_http_faas_unit_lease_ready(&tl, inst, 'A', 3);

    for (i = 0; i < n; i++) {

        for (j = i; j < n; j++) {
            assert_int_equal(lease[j]->state,
                             j < i + 3 ? NGX_HTTP_FAAS_LEASE_HELD
                                       : NGX_HTTP_FAAS_LEASE_WAITING);
        }

        assert_int_equal(inst->active, ngx_min(3, n - i));

        ngx_http_faas_unit_lease_release(&tl, i % 3, lease[i]);
    }

    assert_int_equal(inst->active, 0);

    ngx_http_faas_unit_lease_end(&tl);
}


/* so many at a time, and one more waits */

static void
ngx_http_faas_test_lease_room(void **state)
{
    ngx_uint_t                   i;
    ngx_http_faas_lease_t       *lease[65];
    ngx_http_faas_instance_t    *inst;
    ngx_http_faas_unit_lease_t   tl;

    ngx_http_faas_unit_lease_begin(&tl);

    lease[0] = ngx_http_faas_unit_lease_ok(&tl, 0, NGX_DONE);
    inst = tl.inst;
    ngx_http_faas_unit_lease_ready(&tl, inst, 'A', 64);

    for (i = 1; i < 64; i++) {
        lease[i] = ngx_http_faas_unit_lease_ok(&tl, i % 3, NGX_OK);
    }

    lease[64] = ngx_http_faas_unit_lease_ok(&tl, 1, NGX_AGAIN);
    assert_int_equal(inst->active, 64);

    ngx_http_faas_unit_lease_release(&tl, 30 % 3, lease[30]);

    assert_int_equal(inst->active, 64);
    ngx_http_faas_unit_state(lease[64], HELD);

    for (i = 0; i < 65; i++) {
        if (i != 30) {
            ngx_http_faas_unit_lease_release(&tl, i < 64 ? i % 3 : 1,
                                             lease[i]);
        }
    }

    ngx_http_faas_unit_lease_end(&tl);
}


/* a lease with several pieces of news is on the list once */

static void
ngx_http_faas_test_lease_data(void **state)
{
    int                          mark;
    ngx_http_faas_zone_t        *zone;
    ngx_http_faas_want_t        *want;
    ngx_http_faas_lease_t       *lease;
    ngx_http_faas_instance_t    *inst, *none;
    ngx_http_faas_unit_lease_t   tl;

    ngx_http_faas_unit_lease_begin(&tl);

    zone = ngx_http_faas_unit_zone_as(tl.t, 1);
    want = ngx_http_faas_unit_zone_want("greet", 'A', 'A');

    assert_int_equal(ngx_http_faas_lease_acquire(zone, want, &mark, &lease,
                                                 &inst),
                     NGX_DONE);
    assert_ptr_equal(lease->data, &mark);

    ngx_http_faas_unit_lease_ready(&tl, inst, 'A', 1);

    zone = ngx_http_faas_unit_zone_as(tl.t, 1);

    ngx_http_faas_zone_lock(zone);
    ngx_http_faas_worker_notify(zone, lease);
    ngx_http_faas_worker_notify(zone, lease);
    ngx_http_faas_zone_unlock(zone);
    ngx_http_faas_unit_zone_check(tl.t);

    assert_ptr_equal(ngx_http_faas_worker_next(zone), lease);
    assert_ptr_equal(lease->data, &mark);
    assert_null(ngx_http_faas_worker_next(zone));

    /* one that is gone brings no news */

    ngx_http_faas_zone_lock(zone);
    ngx_http_faas_worker_notify(zone, lease);
    ngx_http_faas_zone_unlock(zone);

    ngx_http_faas_unit_lease_release(&tl, 1, lease);
    assert_null(ngx_http_faas_worker_next(zone));

    want = ngx_http_faas_unit_zone_want("greet", 'A', 0);

    assert_int_equal(ngx_http_faas_lease_acquire(zone, want, &mark, &lease,
                                                 &none),
                     NGX_OK);
    ngx_http_faas_unit_lease_release(&tl, 1, lease);

    ngx_http_faas_unit_lease_end(&tl);
}


/* whoever leaves the queue does not stop the start for the others */

static void
ngx_http_faas_test_lease_leave(void **state)
{
    ngx_http_faas_lease_t       *first, *second, *third;
    ngx_http_faas_instance_t    *inst;
    ngx_http_faas_unit_lease_t   tl;

    ngx_http_faas_unit_lease_begin(&tl);

    first = ngx_http_faas_unit_lease_ok(&tl, 0, NGX_DONE);
    inst = tl.inst;
    second = ngx_http_faas_unit_lease_ok(&tl, 1, NGX_AGAIN);
    third = ngx_http_faas_unit_lease_ok(&tl, 2, NGX_AGAIN);

    ngx_http_faas_unit_lease_release(&tl, 0, first);
    ngx_http_faas_unit_lease_release(&tl, 1, second);

    ngx_http_faas_unit_lease_ready(&tl, inst, 'A', 1);
    ngx_http_faas_unit_state(third, HELD);
    ngx_http_faas_unit_lease_news(&tl, 2, third);

    ngx_http_faas_unit_lease_release(&tl, 2, third);

    /* nor does the last one: it is there for the next */

    ngx_http_faas_unit_lease_drop(&tl, "greet");

    first = ngx_http_faas_unit_lease_ok(&tl, 0, NGX_DONE);
    inst = tl.inst;
    ngx_http_faas_unit_lease_release(&tl, 0, first);

    ngx_http_faas_unit_inst(inst, CREATING);
    assert_int_equal(ngx_http_faas_instance_wanted(&tl.t->zone, inst),
                     NGX_OK);

    ngx_http_faas_unit_lease_ready(&tl, inst, 'A', 1);
    ngx_http_faas_unit_inst(inst, READY);

    ngx_http_faas_unit_lease_no_news(&tl);
    ngx_http_faas_unit_lease_end(&tl);
}


/* a lease's memory is the next one's of the same worker, 32 of them at most */

static void
ngx_http_faas_test_lease_again(void **state)
{
    ngx_uint_t                   i;
    ngx_http_faas_zone_t        *zone;
    ngx_http_faas_unit_lease_t   tl;
    ngx_http_faas_lease_t       *lease[40], *other;

    ngx_http_faas_unit_lease_begin(&tl);

    lease[0] = ngx_http_faas_unit_lease_ok(&tl, 0, NGX_DONE);
    ngx_http_faas_unit_lease_ready(&tl, tl.inst, 'A', 64);
    ngx_http_faas_unit_lease_release(&tl, 0, lease[0]);

    /* of another worker it is not */

    other = ngx_http_faas_unit_lease_ok(&tl, 1, NGX_OK);
    assert_ptr_not_equal(other, lease[0]);

    assert_ptr_equal(ngx_http_faas_unit_lease_ok(&tl, 0, NGX_OK), lease[0]);
    assert_int_equal(lease[0]->notified, 0);
    assert_null(lease[0]->next);

    for (i = 1; i < 40; i++) {
        lease[i] = ngx_http_faas_unit_lease_ok(&tl, 0, NGX_OK);
    }

    for (i = 0; i < 40; i++) {
        ngx_http_faas_unit_lease_release(&tl, 0, lease[i]);
    }

    zone = ngx_http_faas_unit_zone_as(tl.t, 0);
    assert_int_equal(zone->worker->free->nfree, 32);

    ngx_http_faas_unit_lease_release(&tl, 1, other);
    ngx_http_faas_unit_lease_end(&tl);
}


/* every slot in use: only a confirmed removal makes room */

static void
ngx_http_faas_test_lease_no_slot(void **state)
{
    ngx_str_t                    text;
    ngx_http_faas_zone_t        *zone;
    ngx_http_faas_instance_t    *inst;
    ngx_http_faas_unit_lease_t   tl;

    ngx_http_faas_unit_lease_begin(&tl);

    assert_int_equal(ngx_http_faas_unit_lease_ask(&tl, 0, "f3", 'A'),
                     NGX_DONE);
    inst = tl.inst;

    ngx_http_faas_unit_lease_fill(&tl);

    assert_int_equal(ngx_http_faas_unit_lease_ask(&tl, 0, "greet", 'A'),
                     NGX_BUSY);
    assert_null(tl.lease);
    assert_null(tl.inst);
    assert_int_equal(ngx_http_faas_unit_lease_functions(&tl), 2);

    /* who asks for one that is there still waits */

    assert_int_equal(ngx_http_faas_unit_lease_ask(&tl, 1, "f3", 'A'),
                     NGX_AGAIN);

    zone = ngx_http_faas_unit_zone_as(tl.t, 0);
    ngx_str_set(&text, "unavailable");

    (void) ngx_http_faas_verdict_fail(zone, inst, 503, &text);
    assert_int_equal(ngx_http_faas_unit_lease_ask(&tl, 0, "greet", 'A'),
                     NGX_BUSY);

    zone = ngx_http_faas_unit_zone_as(tl.t, 0);
    ngx_http_faas_instance_removed(zone, inst, 0);
    assert_int_equal(ngx_http_faas_unit_lease_ask(&tl, 0, "greet", 'A'),
                     NGX_BUSY);

    /* whom the engine could not remove is not asked for at once */

    zone = ngx_http_faas_unit_zone_as(tl.t, 0);
    assert_null(ngx_http_faas_instance_claim(zone));

    ngx_current_msec += 1000;
    assert_ptr_equal(ngx_http_faas_instance_claim(zone), inst);
    ngx_http_faas_instance_removed(zone, inst, 1);

    assert_int_equal(ngx_http_faas_unit_lease_ask(&tl, 0, "greet", 'A'),
                     NGX_DONE);
    assert_ptr_equal(tl.inst, inst);

    ngx_http_faas_unit_lease_end(&tl);
}


/* a full zone refuses, and forgets nothing that it had given */

static void
ngx_http_faas_test_lease_no_memory(void **state)
{
    u_char                       name[NGX_HTTP_FAAS_NAME_SIZE];
    ngx_int_t                    rc;
    ngx_uint_t                   i, n;
    ngx_http_faas_instance_t    *inst;
    ngx_http_faas_unit_lease_t   tl;

    static ngx_http_faas_lease_t  *lease[4096];

    ngx_http_faas_unit_lease_begin(&tl);
    ngx_http_faas_unit_lease_end(&tl);

    tl.t = ngx_http_faas_unit_zone_create(8 * 4096);

    lease[0] = ngx_http_faas_unit_lease_ok(&tl, 0, NGX_DONE);
    inst = tl.inst;
    ngx_http_faas_unit_lease_ready(&tl, inst, 'A', 1);

    for (n = 1; n < 4096; n++) {
        rc = ngx_http_faas_unit_lease_ask(&tl, 0, "greet", 0);

        if (rc == NGX_ERROR) {
            break;
        }

        assert_int_equal(rc, NGX_AGAIN);
        lease[n] = tl.lease;
    }

    assert_in_range(n, 32, 4095);
    assert_null(tl.lease);
    assert_null(tl.inst);

    /* a worker without an entry, a function without a node */

    assert_int_equal(ngx_http_faas_unit_lease_ask(&tl, 2, "greet", 0),
                     NGX_ERROR);

    for (i = 0; i < 200; i++) {
        ngx_memset(name, 'a' + i % 26, 200);
        name[200] = '\0';

        rc = ngx_http_faas_unit_lease_ask(&tl, 0, (char *) name, 'A');
        assert_int_equal(rc, NGX_ERROR);
    }

    for (i = 0; i < n; i++) {
        ngx_http_faas_unit_state(lease[i], HELD);
        ngx_http_faas_unit_lease_release(&tl, 0, lease[i]);
    }

    /* and then it takes as many again, of another worker */

    for (i = 0; i < n; i++) {
        rc = ngx_http_faas_unit_lease_ask(&tl, 1, "greet", 0);
        assert_int_equal(rc, i == 0 ? NGX_OK : NGX_AGAIN);
    }

    ngx_http_faas_unit_lease_end(&tl);
}
