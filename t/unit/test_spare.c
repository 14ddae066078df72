
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Loaders that stand ready: who makes them, who gets them, and how many are.
 */


#include "ngx_http_faas.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "ngx_http_faas_census.h"
#include "ngx_http_faas_unit_lease.h"


int ngx_http_faas_test_spare(void);

static void ngx_http_faas_test_spare_boot(void **state);
static void ngx_http_faas_test_spare_given_up(void **state);
static void ngx_http_faas_test_spare_kind(void **state);
static void ngx_http_faas_test_spare_order(void **state);
static void ngx_http_faas_test_spare_claim(void **state);
static void ngx_http_faas_test_spare_served(void **state);
static void ngx_http_faas_test_spare_edit(void **state);
static void ngx_http_faas_test_spare_relieve(void **state);
static void ngx_http_faas_test_spare_relieve_next(void **state);
static void ngx_http_faas_test_spare_relieve_not(void **state);
static void ngx_http_faas_test_spare_dead(void **state);
static void ngx_http_faas_test_spare_count(void **state);
static void ngx_http_faas_test_spare_trim(void **state);

static ngx_http_faas_instance_t *ngx_http_faas_test_spare_make(
    ngx_http_faas_unit_lease_t *tl, uint32_t kind, u_char token);


int
ngx_http_faas_test_spare(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(ngx_http_faas_test_spare_boot),
        cmocka_unit_test(ngx_http_faas_test_spare_given_up),
        cmocka_unit_test(ngx_http_faas_test_spare_kind),
        cmocka_unit_test(ngx_http_faas_test_spare_order),
        cmocka_unit_test(ngx_http_faas_test_spare_claim),
        cmocka_unit_test(ngx_http_faas_test_spare_served),
        cmocka_unit_test(ngx_http_faas_test_spare_edit),
        cmocka_unit_test(ngx_http_faas_test_spare_relieve),
        cmocka_unit_test(ngx_http_faas_test_spare_relieve_next),
        cmocka_unit_test(ngx_http_faas_test_spare_relieve_not),
        cmocka_unit_test(ngx_http_faas_test_spare_dead),
        cmocka_unit_test(ngx_http_faas_test_spare_count),
        cmocka_unit_test(ngx_http_faas_test_spare_trim)
    };

    return cmocka_run_group_tests_name("spare", tests, NULL, NULL);
}


/* a spare of that kind, made by worker 0 */

static ngx_http_faas_instance_t *
ngx_http_faas_test_spare_make(ngx_http_faas_unit_lease_t *tl, uint32_t kind,
    u_char token)
{
    ngx_http_faas_instance_t  *inst;

    inst = ngx_http_faas_unit_lease_begin_spare(tl, 0, kind);
    assert_int_equal(ngx_http_faas_unit_lease_turn(tl, inst), NGX_OK);
    ngx_http_faas_unit_lease_identify(tl, inst, token);
    ngx_http_faas_unit_lease_booted(tl, inst, token);

    return inst;
}


/* from an empty slot to one that nobody drives */

static void
ngx_http_faas_test_spare_boot(void **state)
{
    ngx_http_faas_instance_t    *inst;
    ngx_http_faas_unit_lease_t   tl;

    ngx_http_faas_unit_lease_begin(&tl);

    inst = ngx_http_faas_unit_lease_begin_spare(&tl, 1, 5);

    ngx_http_faas_unit_inst(inst, CREATING);
    assert_null(inst->function);
    assert_int_equal(inst->owner, tl.t->workers[1].pid);
    assert_int_equal(inst->kind, 5);
    assert_int_equal(inst->generation, 1);
    assert_int_equal(inst->epoch, tl.t->zone.sh->epoch);
    assert_false(inst->warm);

    assert_int_equal(ngx_http_faas_instance_wanted(&tl.t->zone, inst),
                     NGX_OK);
    assert_int_equal(ngx_http_faas_unit_lease_turn(&tl, inst), NGX_OK);
    assert_int_equal(tl.t->zone.sh->starting, 1);

    ngx_http_faas_unit_lease_booted(&tl, inst, 't');

    assert_int_equal(inst->owner, 0);
    assert_int_equal(tl.t->zone.sh->starting, 0);
    assert_int_equal(inst->token[0], 't');
    assert_int_equal(inst->token[NGX_HTTP_FAAS_TOKEN_LEN - 1], 't');

    /* nobody removes it as long as it lives */

    assert_null(ngx_http_faas_instance_claim(ngx_http_faas_unit_zone_as(tl.t,
                                                                        2)));
    ngx_http_faas_lease_reap(ngx_http_faas_unit_zone_as(tl.t, 2));
    ngx_http_faas_unit_zone_check(tl.t);
    ngx_http_faas_unit_inst(inst, SPARE);

    ngx_http_faas_unit_lease_end(&tl);
}


static void
ngx_http_faas_test_spare_given_up(void **state)
{
    ngx_str_t                    s;
    ngx_http_faas_zone_t        *zone;
    ngx_http_faas_instance_t    *inst;
    ngx_http_faas_unit_lease_t   tl;

    ngx_http_faas_unit_lease_begin(&tl);

    inst = ngx_http_faas_unit_lease_begin_spare(&tl, 0, 5);
    zone = ngx_http_faas_unit_zone_as(tl.t, 0);

    ngx_http_faas_zone_lock(zone);
    ngx_http_faas_instance_set(zone, inst, NGX_HTTP_FAAS_DEAD);
    ngx_http_faas_zone_unlock(zone);

    ngx_str_set(&s, "0123456789abcdef0123456789abcdef");
    assert_int_equal(ngx_http_faas_instance_booted(zone, inst, &s),
                     NGX_DECLINED);
    ngx_http_faas_unit_zone_check(tl.t);
    ngx_http_faas_unit_inst(inst, DEAD);
    assert_int_equal(inst->owner, tl.t->workers[0].pid);

    ngx_http_faas_verdict_abandon(zone, inst);
    ngx_http_faas_unit_lease_removed(&tl, inst);

    ngx_http_faas_unit_lease_end(&tl);
}


/* one of another runtime, or that is not there yet, is of no use */

static void
ngx_http_faas_test_spare_kind(void **state)
{
    ngx_http_faas_instance_t    *other, *booting;
    ngx_http_faas_unit_lease_t   tl;

    ngx_http_faas_unit_lease_begin(&tl);

    other = ngx_http_faas_test_spare_make(&tl, NGX_HTTP_FAAS_UNIT_KIND + 1,
                                          'o');
    booting = ngx_http_faas_unit_lease_begin_spare(&tl, 0,
                                                   NGX_HTTP_FAAS_UNIT_KIND);

    (void) ngx_http_faas_unit_lease_ok(&tl, 1, NGX_DONE);

    assert_ptr_not_equal(tl.inst, other);
    assert_ptr_not_equal(tl.inst, booting);
    assert_false(tl.inst->warm);
    ngx_http_faas_unit_inst(other, SPARE);
    ngx_http_faas_unit_inst(booting, CREATING);
    assert_null(booting->function);

    ngx_http_faas_unit_lease_end(&tl);
}


/* the one that has stood for the longest first, and each once */

static void
ngx_http_faas_test_spare_order(void **state)
{
    ngx_uint_t                   i;
    ngx_http_faas_instance_t    *inst[3];
    ngx_http_faas_unit_lease_t   tl;

    static char  *names[] = { "a", "b", "c", "d" };

    ngx_http_faas_unit_lease_begin(&tl);

    for (i = 0; i < 3; i++) {
        inst[i] = ngx_http_faas_test_spare_make(&tl, NGX_HTTP_FAAS_UNIT_KIND,
                                                '0' + i);
    }

    for (i = 0; i < 4; i++) {
        assert_int_equal(ngx_http_faas_unit_lease_ask(&tl, i % 3, names[i],
                                                      'A'),
                         NGX_DONE);

        if (i < 3) {
            assert_ptr_equal(tl.inst, inst[i]);
            assert_int_equal(tl.inst->token[5], '0' + i);
        }

        assert_int_equal(tl.inst->warm, i < 3);
    }

    ngx_http_faas_unit_lease_end(&tl);
}


/* whoever gets it has only the source to send */

static void
ngx_http_faas_test_spare_claim(void **state)
{
    ngx_http_faas_zone_t        *zone;
    ngx_http_faas_lease_t       *lease;
    ngx_http_faas_instance_t    *inst;
    ngx_http_faas_unit_lease_t   tl;

    ngx_http_faas_unit_lease_begin(&tl);

    inst = ngx_http_faas_test_spare_make(&tl, NGX_HTTP_FAAS_UNIT_KIND, 't');

    /* the keeper hears of it */

    zone = ngx_http_faas_unit_zone_as(tl.t, 2);
    ngx_http_faas_zone_lock(zone);
    (void) ngx_http_faas_worker_self(zone);
    zone->sh->keeper = ngx_pid;
    zone->sh->topup = 0;
    ngx_http_faas_zone_unlock(zone);

    ngx_current_msec += 1000;
    (void) ngx_http_faas_unit_zone_rung(tl.t, 2);

    lease = ngx_http_faas_unit_lease_ok(&tl, 1, NGX_DONE);

    assert_ptr_equal(tl.inst, inst);
    ngx_http_faas_unit_inst(inst, CREATING);
    ngx_http_faas_unit_state(lease, WAITING);
    assert_true(inst->warm);
    assert_true(inst->identified);
    assert_int_equal(inst->generation, 1);
    assert_int_equal(inst->owner, tl.t->workers[1].pid);
    assert_int_equal(inst->token[0], 't');
    assert_int_equal(inst->id[0], 't');
    assert_int_equal(inst->concurrency, 1);

    assert_int_equal(zone->sh->claimed, ngx_current_msec);
    assert_true(zone->sh->topup);
    assert_true(ngx_http_faas_unit_zone_rung(tl.t, 2));

    /* it takes nobody's turn */

    assert_int_equal(zone->sh->starting, 0);

    ngx_http_faas_unit_lease_ready(&tl, inst, 'A', 3);
    ngx_http_faas_unit_state(lease, HELD);
    ngx_http_faas_unit_inst(inst, READY);
    assert_int_equal(inst->token[0], 't');

    /* the slot's next one begins anew */

    assert_ptr_equal(ngx_http_faas_lease_condemn(ngx_http_faas_unit_zone_as(
                                                                         tl.t,

                                                                           1),
                                                 lease),
                     inst);
    ngx_http_faas_unit_lease_removed(&tl, inst);

    while (ngx_http_faas_unit_lease_ok(&tl, 0, NGX_DONE), tl.inst != inst) {
        ngx_http_faas_unit_lease_drop(&tl, "greet");
    }

    assert_int_equal(inst->generation, 2);
    assert_false(inst->warm);
    assert_false(inst->identified);

    ngx_http_faas_unit_lease_end(&tl);
}


/* where a start is under way, or an instance has room, no spare is taken */

static void
ngx_http_faas_test_spare_served(void **state)
{
    ngx_http_faas_lease_t       *lease;
    ngx_http_faas_instance_t    *inst, *spare;
    ngx_http_faas_unit_lease_t   tl;

    ngx_http_faas_unit_lease_begin(&tl);

    lease = ngx_http_faas_unit_lease_ok(&tl, 0, NGX_DONE);
    inst = tl.inst;

    spare = ngx_http_faas_test_spare_make(&tl, NGX_HTTP_FAAS_UNIT_KIND, 't');

    (void) ngx_http_faas_unit_lease_ok(&tl, 1, NGX_AGAIN);
    ngx_http_faas_unit_inst(spare, SPARE);

    ngx_http_faas_unit_lease_ready(&tl, inst, 'A', 2);
    ngx_http_faas_unit_state(lease, HELD);

    (void) ngx_http_faas_unit_lease_ok(&tl, 2, NGX_AGAIN);
    ngx_http_faas_unit_inst(spare, SPARE);

    ngx_http_faas_unit_lease_end(&tl);
}


/* an edit takes one, too, and never for the old version */

static void
ngx_http_faas_test_spare_edit(void **state)
{
    ngx_http_faas_lease_t       *first, *second;
    ngx_http_faas_instance_t    *inst, *spare;
    ngx_http_faas_unit_lease_t   tl;

    ngx_http_faas_unit_lease_begin(&tl);

    first = ngx_http_faas_unit_lease_ok(&tl, 0, NGX_DONE);
    inst = tl.inst;
    ngx_http_faas_unit_lease_ready(&tl, inst, 'A', 1);
    spare = ngx_http_faas_test_spare_make(&tl, NGX_HTTP_FAAS_UNIT_KIND, 't');

    assert_int_equal(ngx_http_faas_unit_lease_ask(&tl, 1, "greet", 'B'),
                     NGX_DONE);
    second = tl.lease;

    assert_ptr_equal(tl.inst, spare);
    ngx_http_faas_unit_lease_ready(&tl, spare, 'B', 1);
    assert_int_equal(spare->version, 2);
    ngx_http_faas_unit_state(second, HELD);
    ngx_http_faas_unit_state(first, HELD);
    ngx_http_faas_unit_inst(inst, DRAINING);

    ngx_http_faas_unit_lease_end(&tl);
}


/* a start that waits for its turn need not, when a spare has booted */

static void
ngx_http_faas_test_spare_relieve(void **state)
{
    ngx_uint_t                   starts;
    ngx_http_faas_zone_t        *zone;
    ngx_http_faas_lease_t       *lease, *other;
    ngx_http_faas_instance_t    *parked, *spare, *busy;
    ngx_http_faas_unit_lease_t   tl;

    for (starts = 1; starts <= 2; starts++) {

        ngx_http_faas_unit_lease_begin(&tl);
        ngx_http_faas_unit_zone_set(tl.t, starts, 1);

        spare = ngx_http_faas_unit_lease_begin_spare(&tl, 0,
                                                     NGX_HTTP_FAAS_UNIT_KIND);
        assert_int_equal(ngx_http_faas_unit_lease_turn(&tl, spare), NGX_OK);

        busy = NULL;

        if (starts == 2) {
            busy = ngx_http_faas_unit_lease_begin_spare(&tl, 0, 99);
            assert_int_equal(ngx_http_faas_unit_lease_turn(&tl, busy),
                             NGX_OK);
        }

        lease = ngx_http_faas_unit_lease_ok(&tl, 1, NGX_DONE);
        parked = tl.inst;
        other = ngx_http_faas_unit_lease_ok(&tl, 2, NGX_AGAIN);
        assert_int_equal(ngx_http_faas_unit_lease_turn(&tl, parked),
                         NGX_AGAIN);
        (void) ngx_http_faas_unit_zone_rung(tl.t, 1);

        ngx_http_faas_unit_lease_booted(&tl, spare, 't');

        ngx_http_faas_unit_inst(parked, DEAD);
        assert_int_equal(ngx_http_faas_instance_wanted(&tl.t->zone, parked),
                         NGX_DECLINED);
        assert_int_equal(tl.t->zone.sh->starting, starts - 1);

        /* its owner hears of both: the end of the start, and the news */

        assert_true(ngx_http_faas_unit_zone_rung(tl.t, 1));
        tl.rung[1] = 1;
        ngx_http_faas_unit_state(lease, RETRY);
        ngx_http_faas_unit_state(other, RETRY);
        ngx_http_faas_unit_lease_news(&tl, 1, lease);
        ngx_http_faas_unit_lease_news(&tl, 2, other);

        zone = ngx_http_faas_unit_lease_owner(&tl, parked);
        assert_int_equal(ngx_http_faas_turn(zone, parked),
                         NGX_DECLINED);
        ngx_http_faas_verdict_abandon(zone, parked);
        ngx_http_faas_unit_lease_removed(&tl, parked);

        (void) ngx_http_faas_unit_lease_ok(&tl, 1, NGX_DONE);
        assert_ptr_equal(tl.inst, spare);
        assert_true(spare->warm);

        ngx_http_faas_unit_lease_end(&tl);
    }
}


/* of several it is the first one, and only one for each spare */

static void
ngx_http_faas_test_spare_relieve_next(void **state)
{
    ngx_uint_t                   i;
    ngx_http_faas_instance_t    *parked[3], *spare;
    ngx_http_faas_unit_lease_t   tl;

    static char  *names[] = { "a", "b", "c" };

    ngx_http_faas_unit_lease_begin(&tl);
    ngx_http_faas_unit_zone_set(tl.t, 1, 1);

    spare = ngx_http_faas_unit_lease_begin_spare(&tl, 0,
                                                 NGX_HTTP_FAAS_UNIT_KIND);
    assert_int_equal(ngx_http_faas_unit_lease_turn(&tl, spare), NGX_OK);

    for (i = 0; i < 3; i++) {
        assert_int_equal(ngx_http_faas_unit_lease_ask(&tl, i, names[i], 'A'),
                         NGX_DONE);
        parked[i] = tl.inst;
        assert_int_equal(ngx_http_faas_unit_lease_turn(&tl, parked[i]),
                         NGX_AGAIN);
    }

    ngx_http_faas_unit_lease_booted(&tl, spare, 't');

    ngx_http_faas_unit_inst(parked[0], DEAD);
    ngx_http_faas_unit_inst(parked[1], CREATING);
    ngx_http_faas_unit_inst(parked[2], CREATING);
    assert_true(parked[1]->starting);
    assert_true(parked[2]->turning);

    ngx_http_faas_unit_lease_end(&tl);
}


/* not one of another kind, nor a spare that is still to be started */

static void
ngx_http_faas_test_spare_relieve_not(void **state)
{
    ngx_http_faas_instance_t    *parked, *other, *spare;
    ngx_http_faas_unit_lease_t   tl;

    ngx_http_faas_unit_lease_begin(&tl);
    ngx_http_faas_unit_zone_set(tl.t, 1, 1);

    spare = ngx_http_faas_unit_lease_begin_spare(&tl, 0,
                                                 NGX_HTTP_FAAS_UNIT_KIND + 1);
    assert_int_equal(ngx_http_faas_unit_lease_turn(&tl, spare), NGX_OK);

    other = ngx_http_faas_unit_lease_begin_spare(&tl, 1,
                                                 NGX_HTTP_FAAS_UNIT_KIND + 1);
    assert_int_equal(ngx_http_faas_unit_lease_turn(&tl, other), NGX_AGAIN);

    (void) ngx_http_faas_unit_lease_ok(&tl, 1, NGX_DONE);
    parked = tl.inst;
    assert_int_equal(ngx_http_faas_unit_lease_turn(&tl, parked), NGX_AGAIN);

    ngx_http_faas_unit_lease_booted(&tl, spare, 't');

    ngx_http_faas_unit_inst(other, CREATING);
    assert_true(other->starting);
    ngx_http_faas_unit_inst(parked, CREATING);
    assert_true(parked->turning);

    ngx_http_faas_unit_lease_end(&tl);
}


/* one that has died in the hands of who claimed it */

static void
ngx_http_faas_test_spare_dead(void **state)
{
    u_char                       id[NGX_HTTP_FAAS_ID_LEN];
    ngx_http_faas_zone_t        *zone;
    ngx_http_faas_lease_t       *lease;
    ngx_http_faas_instance_t    *inst;
    ngx_http_faas_unit_lease_t   tl;

    ngx_http_faas_unit_lease_begin(&tl);

    inst = ngx_http_faas_test_spare_make(&tl, NGX_HTTP_FAAS_UNIT_KIND, 't');
    lease = ngx_http_faas_unit_lease_ok(&tl, 1, NGX_DONE);
    assert_ptr_equal(tl.inst, inst);
    (void) ngx_http_faas_unit_zone_rung(tl.t, 1);

    ngx_memset(id, 'x', sizeof(id));
    (void) ngx_http_faas_instance_lost(ngx_http_faas_unit_zone_as(tl.t, 0),
                                       inst->slot, id, 1);
    assert_int_equal(ngx_http_faas_instance_wanted(&tl.t->zone, inst),
                     NGX_OK);

    ngx_memset(id, 't', sizeof(id));
    (void) ngx_http_faas_instance_lost(ngx_http_faas_unit_zone_as(tl.t, 0),
                                       inst->slot, id, 1);
    ngx_http_faas_unit_zone_check(tl.t);

    assert_int_equal(ngx_http_faas_instance_wanted(&tl.t->zone, inst),
                     NGX_ABORT);
    assert_true(ngx_http_faas_unit_zone_rung(tl.t, 1));
    ngx_http_faas_unit_state(lease, WAITING);

    zone = ngx_http_faas_unit_lease_owner(&tl, inst);
    ngx_http_faas_verdict_abandon(zone, inst);
    ngx_http_faas_unit_zone_check(tl.t);
    ngx_http_faas_unit_state(lease, RETRY);

    (void) ngx_http_faas_unit_lease_ok(&tl, 1, NGX_DONE);
    assert_ptr_not_equal(tl.inst, inst);
    assert_int_equal(ngx_http_faas_instance_wanted(&tl.t->zone, tl.inst),
                     NGX_OK);

    ngx_http_faas_unit_lease_end(&tl);
}


/* those that stand ready, and those on the way to it */

static void
ngx_http_faas_test_spare_count(void **state)
{
    ngx_uint_t                   total;
    ngx_http_faas_instance_t    *inst;
    ngx_http_faas_unit_lease_t   tl;

    ngx_http_faas_unit_lease_begin(&tl);

    assert_int_equal(ngx_http_faas_census_spares(&tl.t->zone, 5, &total), 0);
    assert_int_equal(total, 0);

    (void) ngx_http_faas_test_spare_make(&tl, 5, 'a');
    (void) ngx_http_faas_test_spare_make(&tl, 6, 'b');
    (void) ngx_http_faas_unit_lease_begin_spare(&tl, 1, 5);
    inst = ngx_http_faas_test_spare_make(&tl, 5, 'c');

    assert_int_equal(ngx_http_faas_census_spares(&tl.t->zone, 5, &total), 2);
    assert_int_equal(total, 3);
    assert_int_equal(ngx_http_faas_census_spares(&tl.t->zone, 6, &total), 1);
    assert_int_equal(total, 1);
    assert_int_equal(ngx_http_faas_census_spares(&tl.t->zone, 7, &total), 0);
    assert_int_equal(total, 0);

    ngx_http_faas_zone_lock(&tl.t->zone);
    ngx_http_faas_instance_set(&tl.t->zone, inst, NGX_HTTP_FAAS_DEAD);
    ngx_http_faas_zone_unlock(&tl.t->zone);

    assert_int_equal(ngx_http_faas_census_spares(&tl.t->zone, 5, &total), 1);
    assert_int_equal(total, 2);

    ngx_http_faas_unit_lease_end(&tl);
}


/* so many of each kind, and none of a kind that is no runtime's any more */

static void
ngx_http_faas_test_spare_trim(void **state)
{
    uint32_t                     kinds[2];
    ngx_uint_t                   i, total, keep[2];
    ngx_http_faas_instance_t    *inst[6], *booting;
    ngx_http_faas_unit_lease_t   tl;

    ngx_http_faas_unit_lease_begin(&tl);

    for (i = 0; i < 6; i++) {
        inst[i] = ngx_http_faas_test_spare_make(&tl, 5 + i % 3, 'a');
    }

    booting = ngx_http_faas_unit_lease_begin_spare(&tl, 1, 7);

    kinds[0] = 5;
    kinds[1] = 6;
    keep[0] = 2;
    keep[1] = 1;

    assert_int_equal(ngx_http_faas_census_trim(&tl.t->zone, kinds, 2, keep),
                     3);
    ngx_http_faas_unit_zone_check(tl.t);

    /* those that are older stay; what boots is ended once it has */

    ngx_http_faas_unit_inst(inst[0], SPARE);
    ngx_http_faas_unit_inst(inst[1], SPARE);
    ngx_http_faas_unit_inst(inst[2], DEAD);
    ngx_http_faas_unit_inst(inst[3], SPARE);
    ngx_http_faas_unit_inst(inst[4], DEAD);
    ngx_http_faas_unit_inst(inst[5], DEAD);
    ngx_http_faas_unit_inst(booting, CREATING);

    keep[0] = 8;
    keep[1] = 0;

    assert_int_equal(ngx_http_faas_census_trim(&tl.t->zone, kinds, 2, keep),
                     1);
    assert_int_equal(ngx_http_faas_census_spares(&tl.t->zone, 5, &total), 2);
    assert_int_equal(ngx_http_faas_census_trim(&tl.t->zone, kinds, 0, keep),
                     2);
    assert_int_equal(ngx_http_faas_census_trim(&tl.t->zone, kinds, 0, keep),
                     0);
    ngx_http_faas_unit_zone_check(tl.t);

    ngx_http_faas_unit_lease_end(&tl);
}
