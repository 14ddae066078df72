
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * The engine starts few containers at a time: who is the next.
 */


#include "ngx_http_faas.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "ngx_http_faas_unit_lease.h"


int ngx_http_faas_test_turn(void);

static void ngx_http_faas_test_turn_alone(void **state);
static void ngx_http_faas_test_turn_slow(void **state);
static void ngx_http_faas_test_turn_order(void **state);
static void ngx_http_faas_test_turn_passes(void **state);
static void ngx_http_faas_test_turn_leaves(void **state);
static void ngx_http_faas_test_turn_reaped(void **state);
static void ngx_http_faas_test_turn_killed_waiting(void **state);
static void ngx_http_faas_test_turn_memory(void **state);

static ngx_http_faas_instance_t *ngx_http_faas_test_turn_begin(
    ngx_http_faas_unit_lease_t *tl, ngx_uint_t n, char *name);


int
ngx_http_faas_test_turn(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(ngx_http_faas_test_turn_alone),
        cmocka_unit_test(ngx_http_faas_test_turn_slow),
        cmocka_unit_test(ngx_http_faas_test_turn_order),
        cmocka_unit_test(ngx_http_faas_test_turn_passes),
        cmocka_unit_test(ngx_http_faas_test_turn_leaves),
        cmocka_unit_test(ngx_http_faas_test_turn_reaped),
        cmocka_unit_test(ngx_http_faas_test_turn_killed_waiting),
        cmocka_unit_test(ngx_http_faas_test_turn_memory)
    };

    return cmocka_run_group_tests_name("turn", tests, NULL, NULL);
}


/* worker "n" begins to start that function */

static ngx_http_faas_instance_t *
ngx_http_faas_test_turn_begin(ngx_http_faas_unit_lease_t *tl, ngx_uint_t n,
    char *name)
{
    assert_int_equal(ngx_http_faas_unit_lease_ask(tl, n, name, 'A'),
                     NGX_DONE);

    return tl->inst;
}


/* there is room: it may be started at once, however often it asks */

static void
ngx_http_faas_test_turn_alone(void **state)
{
    ngx_uint_t                   i;
    ngx_http_faas_instance_t    *inst;
    ngx_http_faas_unit_lease_t   tl;

    ngx_http_faas_unit_lease_begin(&tl);

    inst = ngx_http_faas_test_turn_begin(&tl, 0, "a");
    assert_int_equal(tl.t->zone.sh->starting, 0);

    for (i = 0; i < 3; i++) {
        assert_int_equal(ngx_http_faas_unit_lease_turn(&tl, inst), NGX_OK);
        assert_int_equal(tl.t->zone.sh->starting, 1);
    }

    ngx_http_faas_unit_lease_ready(&tl, inst, 'A', 1);
    assert_int_equal(tl.t->zone.sh->starting, 0);

    assert_int_equal(ngx_http_faas_turn(&tl.t->zone, inst),
                     NGX_DECLINED);
    ngx_http_faas_unit_zone_check(tl.t);

    ngx_http_faas_unit_lease_end(&tl);
}


/* one that takes too long is nobody's hindrance, and counts no second time */

static void
ngx_http_faas_test_turn_slow(void **state)
{
    ngx_http_faas_instance_t    *slow, *next;
    ngx_http_faas_unit_lease_t   tl;

    ngx_http_faas_unit_lease_begin(&tl);
    ngx_http_faas_unit_zone_set(tl.t, 1, 1);

    slow = ngx_http_faas_test_turn_begin(&tl, 0, "slow");
    next = ngx_http_faas_test_turn_begin(&tl, 1, "next");

    assert_int_equal(ngx_http_faas_unit_lease_turn(&tl, slow), NGX_OK);
    assert_int_equal(ngx_http_faas_unit_lease_turn(&tl, next), NGX_AGAIN);

    (void) ngx_http_faas_unit_zone_as(tl.t, 0);
    ngx_http_faas_turn_leave(&tl.t->zone, slow);

    assert_int_equal(ngx_http_faas_unit_lease_turn(&tl, next), NGX_OK);
    assert_int_equal(tl.t->zone.sh->starting, 1);

    ngx_http_faas_unit_lease_ready(&tl, slow, 'A', 1);
    assert_int_equal(tl.t->zone.sh->starting, 1);
    ngx_http_faas_unit_zone_check(tl.t);

    ngx_http_faas_unit_lease_end(&tl);
}


/* first come, first served, over all workers, and spares are no exception */

static void
ngx_http_faas_test_turn_order(void **state)
{
    u_char                       name[8];
    ngx_uint_t                   i, j, starts;
    ngx_http_faas_instance_t    *inst[9];
    ngx_http_faas_unit_lease_t   tl;

    for (starts = 1; starts <= 4; starts++) {

        ngx_http_faas_unit_lease_begin(&tl);
        ngx_http_faas_unit_zone_set(tl.t, starts, 1);

        for (i = 0; i < 9; i++) {
            *ngx_sprintf(name, "f%ui", i) = '\0';

            inst[i] = (i % 4 == 3) ? ngx_http_faas_unit_lease_begin_spare(&tl,

                                                                        i % 3,

               99) : ngx_http_faas_test_turn_begin(&tl, i % 3, (char *) name);

            assert_int_equal(ngx_http_faas_unit_lease_turn(&tl, inst[i]),
                             i < starts ? NGX_OK : NGX_AGAIN);
        }

        assert_int_equal(tl.t->zone.sh->starting, starts);

        for (i = 0; i < 9; i++) {

            for (j = i; j < 9; j++) {
                assert_int_equal(inst[j]->starting, j < i + starts);
                assert_int_equal(ngx_http_faas_unit_lease_turn(&tl, inst[j]),
                                 j < i + starts ? NGX_OK : NGX_AGAIN);
            }

            for (j = 0; j < 3; j++) {
                (void) ngx_http_faas_unit_zone_rung(tl.t, j);
            }

            if (inst[i]->function) {
                ngx_http_faas_unit_lease_loading(&tl, inst[i], 'A', 1);

            } else {
                ngx_http_faas_unit_lease_booted(&tl, inst[i], 't');
            }

            /* the bell of the next one's owner */

            if (i + starts < 9) {
                assert_true(ngx_http_faas_unit_zone_rung(tl.t,
                                                         (i + starts) % 3));
            }
        }

        assert_int_equal(tl.t->zone.sh->starting, 0);

        ngx_http_faas_unit_lease_end(&tl);
    }
}


/* however it ends: loading, booted, failed, abandoned, deleted, given up */

static void
ngx_http_faas_test_turn_passes(void **state)
{
    ngx_str_t                    name;
    ngx_uint_t                   i;
    ngx_http_faas_instance_t    *first, *second;
    ngx_http_faas_unit_lease_t   tl;

    ngx_str_set(&name, "a");

    for (i = 0; i < 6; i++) {

        ngx_http_faas_unit_lease_begin(&tl);
        ngx_http_faas_unit_zone_set(tl.t, 1, 1);

        first = (i == 1) ? ngx_http_faas_unit_lease_begin_spare(&tl, 0,

                             99) : ngx_http_faas_test_turn_begin(&tl, 0, "a");
        assert_int_equal(ngx_http_faas_unit_lease_turn(&tl, first), NGX_OK);

        second = ngx_http_faas_test_turn_begin(&tl, 1, "b");
        assert_int_equal(ngx_http_faas_unit_lease_turn(&tl, second),
                         NGX_AGAIN);
        assert_false(ngx_http_faas_unit_zone_rung(tl.t, 1));

        switch (i) {

        case 0:
            ngx_http_faas_unit_lease_loading(&tl, first, 'A', 1);
            break;

        case 1:
            ngx_http_faas_unit_lease_booted(&tl, first, 't');
            break;

        case 2:
            (void) ngx_http_faas_unit_lease_fail(&tl, first, 503);
            break;

        case 3:
            ngx_http_faas_verdict_abandon(ngx_http_faas_unit_zone_as(tl.t, 0),
                                          first);
            break;

        case 4:
            ngx_http_faas_verdict_forget(ngx_http_faas_unit_zone_as(tl.t, 2),
                                         &name);
            ngx_http_faas_unit_inst(first, DEAD);
            break;

        default:
            ngx_http_faas_lease_expire(ngx_http_faas_unit_zone_as(tl.t, 0),
                                       ngx_queue_data(ngx_queue_head(
                                                   &first->function->waiting),
                                                      ngx_http_faas_lease_t,
                                                      queue));
            ngx_http_faas_unit_inst(first, DEAD);
        }

        ngx_http_faas_unit_zone_check(tl.t);
        assert_false(first->starting);
        assert_true(second->starting);
        assert_true(ngx_http_faas_unit_zone_rung(tl.t, 1));
        assert_int_equal(ngx_http_faas_unit_lease_turn(&tl, second), NGX_OK);

        ngx_http_faas_unit_lease_end(&tl);
    }
}


/* one that waits is given up: the others move on */

static void
ngx_http_faas_test_turn_leaves(void **state)
{
    ngx_str_t                    name;
    ngx_http_faas_zone_t        *zone;
    ngx_http_faas_instance_t    *first, *second, *third;
    ngx_http_faas_unit_lease_t   tl;

    ngx_http_faas_unit_lease_begin(&tl);
    ngx_http_faas_unit_zone_set(tl.t, 1, 1);

    first = ngx_http_faas_test_turn_begin(&tl, 0, "a");
    assert_int_equal(ngx_http_faas_unit_lease_turn(&tl, first), NGX_OK);
    second = ngx_http_faas_test_turn_begin(&tl, 1, "b");
    assert_int_equal(ngx_http_faas_unit_lease_turn(&tl, second), NGX_AGAIN);
    third = ngx_http_faas_test_turn_begin(&tl, 2, "c");
    assert_int_equal(ngx_http_faas_unit_lease_turn(&tl, third), NGX_AGAIN);

    ngx_str_set(&name, "b");
    ngx_http_faas_verdict_forget(ngx_http_faas_unit_zone_as(tl.t, 0), &name);
    ngx_http_faas_unit_zone_check(tl.t);

    ngx_http_faas_unit_inst(second, DEAD);
    assert_false(second->turning);
    assert_true(third->turning);
    assert_true(ngx_http_faas_unit_zone_rung(tl.t, 1));

    zone = ngx_http_faas_unit_lease_owner(&tl, second);
    assert_int_equal(ngx_http_faas_turn(zone, second), NGX_DECLINED);

    ngx_http_faas_unit_lease_loading(&tl, first, 'A', 1);
    assert_true(third->starting);

    ngx_http_faas_unit_lease_end(&tl);
}


/* whoever has it dies */

static void
ngx_http_faas_test_turn_reaped(void **state)
{
    ngx_http_faas_instance_t    *first, *second, *third;
    ngx_http_faas_unit_lease_t   tl;

    ngx_http_faas_unit_lease_begin(&tl);
    ngx_http_faas_unit_zone_set(tl.t, 1, 1);

    first = ngx_http_faas_test_turn_begin(&tl, 1, "a");
    assert_int_equal(ngx_http_faas_unit_lease_turn(&tl, first), NGX_OK);
    second = ngx_http_faas_test_turn_begin(&tl, 1, "b");
    assert_int_equal(ngx_http_faas_unit_lease_turn(&tl, second), NGX_AGAIN);
    third = ngx_http_faas_test_turn_begin(&tl, 2, "c");
    assert_int_equal(ngx_http_faas_unit_lease_turn(&tl, third), NGX_AGAIN);

    ngx_http_faas_unit_zone_kill(tl.t, 1);
    ngx_http_faas_lease_reap(ngx_http_faas_unit_zone_as(tl.t, 0));
    ngx_http_faas_unit_zone_check(tl.t);

    ngx_http_faas_unit_inst(first, DEAD);
    ngx_http_faas_unit_inst(second, DEAD);
    assert_true(third->starting);
    assert_int_equal(tl.t->zone.sh->starting, 1);
    assert_true(ngx_http_faas_unit_zone_rung(tl.t, 2));
    assert_int_equal(ngx_http_faas_unit_lease_turn(&tl, third), NGX_OK);

    ngx_http_faas_unit_lease_end(&tl);
}


/* whoever would be the next dies before its turn comes */

static void
ngx_http_faas_test_turn_killed_waiting(void **state)
{
    ngx_http_faas_instance_t    *first, *second, *third;
    ngx_http_faas_unit_lease_t   tl;

    ngx_http_faas_unit_lease_begin(&tl);
    ngx_http_faas_unit_zone_set(tl.t, 1, 1);

    first = ngx_http_faas_test_turn_begin(&tl, 0, "a");
    assert_int_equal(ngx_http_faas_unit_lease_turn(&tl, first), NGX_OK);
    second = ngx_http_faas_test_turn_begin(&tl, 1, "b");
    assert_int_equal(ngx_http_faas_unit_lease_turn(&tl, second), NGX_AGAIN);
    third = ngx_http_faas_test_turn_begin(&tl, 2, "c");
    assert_int_equal(ngx_http_faas_unit_lease_turn(&tl, third), NGX_AGAIN);

    ngx_http_faas_unit_zone_kill(tl.t, 1);

    ngx_http_faas_unit_lease_loading(&tl, first, 'A', 1);
    assert_true(second->starting);
    assert_true(third->turning);

    ngx_http_faas_lease_reap(ngx_http_faas_unit_zone_as(tl.t, 0));
    ngx_http_faas_unit_zone_check(tl.t);

    ngx_http_faas_unit_inst(second, DEAD);
    assert_true(third->starting);

    ngx_http_faas_unit_lease_end(&tl);
}


/* without an entry of its own a worker cannot be told: it does not wait */

static void
ngx_http_faas_test_turn_memory(void **state)
{
    ngx_uint_t                   n;
    ngx_http_faas_instance_t    *first, *second;
    ngx_http_faas_unit_lease_t   tl;

    static  void  *block[4096];

    ngx_http_faas_unit_lease_begin(&tl);
    ngx_http_faas_unit_zone_set(tl.t, 1, 1);

    first = ngx_http_faas_test_turn_begin(&tl, 0, "a");
    assert_int_equal(ngx_http_faas_unit_lease_turn(&tl, first), NGX_OK);
    second = ngx_http_faas_unit_lease_begin_spare(&tl, 1, 5);

    for (n = 0; n < 4096; n++) {
        block[n] = ngx_slab_alloc(tl.t->zone.shpool,
                                  sizeof(ngx_http_faas_worker_t));

        if (block[n] == NULL) {
            break;
        }
    }

    assert_in_range(n, 1, 4095);
    assert_int_equal(ngx_http_faas_unit_lease_turn(&tl, second), NGX_ERROR);

    while (n) {
        ngx_slab_free(tl.t->zone.shpool, block[--n]);
    }

    assert_int_equal(ngx_http_faas_unit_lease_turn(&tl, second), NGX_AGAIN);

    ngx_http_faas_unit_lease_end(&tl);
}
