
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * What the engine says there is: known, reserved for others, or missing.
 */


#include "ngx_http_faas.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "ngx_http_faas_census.h"
#include "ngx_http_faas_unit_lease.h"


int ngx_http_faas_test_census(void);

static void ngx_http_faas_test_census_known(void **state);
static void ngx_http_faas_test_census_known_id(void **state);
static void ngx_http_faas_test_census_reserve(void **state);
static void ngx_http_faas_test_census_missing(void **state);
static void ngx_http_faas_test_census_missing_states(void **state);
static void ngx_http_faas_test_census_settle(void **state);
static void ngx_http_faas_test_census_unsettled(void **state);


int
ngx_http_faas_test_census(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(ngx_http_faas_test_census_known),
        cmocka_unit_test(ngx_http_faas_test_census_known_id),
        cmocka_unit_test(ngx_http_faas_test_census_reserve),
        cmocka_unit_test(ngx_http_faas_test_census_missing),
        cmocka_unit_test(ngx_http_faas_test_census_missing_states),
        cmocka_unit_test(ngx_http_faas_test_census_settle),
        cmocka_unit_test(ngx_http_faas_test_census_unsettled)
    };

    return cmocka_run_group_tests_name("census", tests, NULL, NULL);
}


/* a container is ours as long as its removal is not confirmed */

static void
ngx_http_faas_test_census_known(void **state)
{
    u_char                       id[NGX_HTTP_FAAS_ID_LEN];
    uint32_t                     epoch;
    ngx_uint_t                   slot, n;
    ngx_http_faas_zone_t        *zone;
    ngx_http_faas_instance_t    *inst;
    ngx_http_faas_unit_lease_t   tl;

    ngx_http_faas_unit_lease_begin(&tl);

    zone = ngx_http_faas_unit_zone_as(tl.t, 0);
    epoch = zone->sh->epoch;
    n = zone->sh->ninstances;
    ngx_memset(id, 'i', sizeof(id));

    assert_false(ngx_http_faas_census_known(zone, id, epoch, 0, 0));

    (void) ngx_http_faas_unit_lease_ok(&tl, 0, NGX_DONE);
    inst = tl.inst;
    slot = inst->slot;

    /* nobody knows its id yet: then by its name */

    assert_true(ngx_http_faas_census_known(zone, id, epoch, slot, 1));
    assert_false(ngx_http_faas_census_known(zone, id, epoch + 1, slot, 1));
    assert_false(ngx_http_faas_census_known(zone, id, epoch, slot, 0));
    assert_false(ngx_http_faas_census_known(zone, id, epoch, slot, 2));
    assert_false(ngx_http_faas_census_known(zone, id, epoch, slot + 1, 1));
    assert_false(ngx_http_faas_census_known(zone, id, epoch, n, 1));
    assert_false(ngx_http_faas_census_known(zone, id, epoch, (ngx_uint_t) -1,
                                            1));

    ngx_http_faas_zone_lock(zone);
    ngx_http_faas_instance_set(zone, inst, NGX_HTTP_FAAS_DEAD);
    ngx_http_faas_zone_unlock(zone);

    assert_true(ngx_http_faas_census_known(zone, id, epoch, slot, 1));

    ngx_http_faas_unit_zone_remove(zone, inst);
    assert_false(ngx_http_faas_census_known(zone, id, epoch, slot, 1));

    ngx_http_faas_unit_lease_end(&tl);
}


/* by its id, whatever its name says */

static void
ngx_http_faas_test_census_known_id(void **state)
{
    u_char                       id[NGX_HTTP_FAAS_ID_LEN];
    ngx_http_faas_zone_t        *zone;
    ngx_http_faas_instance_t    *inst;
    ngx_http_faas_unit_lease_t   tl;

    ngx_http_faas_unit_lease_begin(&tl);

    zone = ngx_http_faas_unit_zone_as(tl.t, 0);

    (void) ngx_http_faas_unit_lease_ok(&tl, 0, NGX_DONE);
    inst = tl.inst;
    ngx_http_faas_unit_lease_identify(&tl, inst, 'i');

    ngx_memset(id, 'i', sizeof(id));
    assert_true(ngx_http_faas_census_known(zone, id, inst->epoch, inst->slot,
                                           1));
    assert_true(ngx_http_faas_census_known(zone, id, 1, inst->slot, 99));
    assert_false(ngx_http_faas_census_known(zone, id, inst->epoch,
                                            inst->slot + 1, 1));

    id[NGX_HTTP_FAAS_ID_LEN - 1] = 'j';
    assert_false(ngx_http_faas_census_known(zone, id, inst->epoch, inst->slot,
                                            1));

    ngx_http_faas_unit_lease_end(&tl);
}


/* an address in use by another zone: kept until that is not seen any more */

static void
ngx_http_faas_test_census_reserve(void **state)
{
    u_char                       id[NGX_HTTP_FAAS_ID_LEN];
    u_char                       seen[1024];
    ngx_uint_t                   i;
    ngx_http_faas_zone_t        *zone;
    ngx_http_faas_instance_t    *inst;
    ngx_http_faas_unit_lease_t   tl;

    ngx_http_faas_unit_lease_begin(&tl);
    zone = ngx_http_faas_unit_zone_as(tl.t, 0);
    inst = zone->sh->instances;
    ngx_memset(id, 'o', sizeof(id));

    ngx_http_faas_census_reserve(zone, 0);
    ngx_http_faas_census_reserve(zone, 1);
    ngx_http_faas_census_reserve(zone, 1);
    ngx_http_faas_census_reserve(zone, zone->sh->ninstances);
    ngx_http_faas_census_reserve(zone, (ngx_uint_t) -1);
    ngx_http_faas_unit_zone_check(tl.t);

    ngx_http_faas_unit_inst(&inst[0], FOREIGN);
    ngx_http_faas_unit_inst(&inst[1], FOREIGN);
    assert_false(ngx_http_faas_census_known(zone, id, 0, 1, 0));

    /* not one that is ours */

    (void) ngx_http_faas_unit_lease_ok(&tl, 0, NGX_DONE);
    assert_int_equal(tl.inst->slot, 2);
    ngx_http_faas_census_reserve(zone, 2);
    ngx_http_faas_unit_zone_check(tl.t);
    ngx_http_faas_unit_inst(tl.inst, CREATING);

    ngx_memset(seen, 0, sizeof(seen));
    seen[1] = 1;

    assert_int_equal(ngx_http_faas_census_missing(zone, seen,
                                                  ngx_current_msec),
                     0);
    ngx_http_faas_unit_zone_check(tl.t);
    ngx_http_faas_unit_inst(&inst[0], EMPTY);
    ngx_http_faas_unit_inst(&inst[1], FOREIGN);

    /* it is the last of those that are empty */

    for (i = 0; i < zone->sh->ninstances - 2; i++) {
        assert_non_null(ngx_http_faas_unit_zone_take(zone,
                                                     tl.inst->function));
    }

    ngx_http_faas_unit_inst(&inst[0], CREATING);
    ngx_http_faas_unit_inst(&inst[1], FOREIGN);
    assert_int_equal(inst[0].generation, 1);
    assert_null(ngx_http_faas_unit_zone_take(zone, tl.inst->function));
    ngx_http_faas_unit_zone_check(tl.t);

    ngx_http_faas_unit_lease_end(&tl);
}


/* had it since before the list was asked for, and is not on it */

static void
ngx_http_faas_test_census_missing(void **state)
{
    u_char                       seen[1024];
    ngx_http_faas_zone_t        *zone;
    ngx_http_faas_lease_t       *lease;
    ngx_http_faas_instance_t    *inst, *other, *spare, *young;
    ngx_http_faas_unit_lease_t   tl;

    ngx_current_msec = 1000;
    ngx_memset(seen, 0, sizeof(seen));

    ngx_http_faas_unit_lease_begin(&tl);

    lease = ngx_http_faas_unit_lease_ok(&tl, 0, NGX_DONE);
    inst = tl.inst;
    ngx_http_faas_unit_lease_ready(&tl, inst, 'A', 1);
    ngx_http_faas_unit_lease_news(&tl, 0, lease);

    assert_int_equal(ngx_http_faas_unit_lease_ask(&tl, 1, "other", 'A'),
                     NGX_DONE);
    other = tl.inst;
    ngx_http_faas_unit_lease_ready(&tl, other, 'A', 1);
    ngx_http_faas_unit_lease_release(&tl, 1, tl.lease);

    spare = ngx_http_faas_unit_lease_begin_spare(&tl, 0, 5);
    ngx_http_faas_unit_lease_booted(&tl, spare, 't');

    ngx_current_msec = 2000;
    young = ngx_http_faas_unit_lease_begin_spare(&tl, 0, 5);
    ngx_http_faas_unit_lease_booted(&tl, young, 't');

    zone = ngx_http_faas_unit_zone_as(tl.t, 2);

    /* all are as old as the list, or younger; then all are on it */

    assert_int_equal(ngx_http_faas_census_missing(zone, seen, 1000), 0);
    ngx_memset(seen, 1, sizeof(seen));
    assert_int_equal(ngx_http_faas_census_missing(zone, seen, 2000), 0);

    seen[inst->slot] = 0;
    seen[other->slot] = 0;
    seen[spare->slot] = 0;
    seen[young->slot] = 0;
    assert_int_equal(ngx_http_faas_census_missing(zone, seen, 2000), 3);
    ngx_http_faas_unit_zone_check(tl.t);

    ngx_http_faas_unit_inst(inst, DRAINING);
    assert_true(ngx_http_faas_lease_gone(zone, lease));
    ngx_http_faas_unit_lease_news(&tl, 0, lease);
    ngx_http_faas_unit_inst(other, DEAD);
    ngx_http_faas_unit_inst(spare, DEAD);
    ngx_http_faas_unit_inst(young, SPARE);

    /* told once */

    ngx_current_msec = 4000;
    seen[young->slot] = 1;
    assert_int_equal(ngx_http_faas_census_missing(zone, seen, 4000), 0);
    ngx_http_faas_unit_lease_no_news(&tl);

    ngx_http_faas_unit_lease_release(&tl, 0, lease);
    ngx_http_faas_unit_inst(inst, DEAD);

    ngx_http_faas_unit_lease_end(&tl);
    ngx_current_msec = 0;
}


/* nor is it for the census to end a start, or a removal */

static void
ngx_http_faas_test_census_missing_states(void **state)
{
    u_char                       seen[1024];
    ngx_http_faas_zone_t        *zone;
    ngx_http_faas_instance_t    *creating, *loading, *removing;
    ngx_http_faas_unit_lease_t   tl;

    ngx_current_msec = 1000;
    ngx_memset(seen, 0, sizeof(seen));

    ngx_http_faas_unit_lease_begin(&tl);

    assert_int_equal(ngx_http_faas_unit_lease_ask(&tl, 0, "a", 'A'),
                     NGX_DONE);
    creating = tl.inst;
    assert_int_equal(ngx_http_faas_unit_lease_ask(&tl, 0, "b", 'A'),
                     NGX_DONE);
    loading = tl.inst;
    ngx_http_faas_unit_lease_loading(&tl, loading, 'A', 1);
    assert_int_equal(ngx_http_faas_unit_lease_ask(&tl, 0, "c", 'A'),
                     NGX_DONE);
    removing = tl.inst;
    (void) ngx_http_faas_unit_lease_fail(&tl, removing, 503);

    zone = ngx_http_faas_unit_zone_as(tl.t, 2);
    assert_int_equal(ngx_http_faas_census_missing(zone, seen, 100000), 0);
    ngx_http_faas_unit_zone_check(tl.t);

    ngx_http_faas_unit_inst(creating, CREATING);
    ngx_http_faas_unit_inst(loading, LOADING);
    ngx_http_faas_unit_inst(removing, REMOVING);

    ngx_http_faas_unit_lease_end(&tl);
    ngx_current_msec = 0;
}


/* before it nobody starts anything; then all who wait are told */

static void
ngx_http_faas_test_census_settle(void **state)
{
    ngx_uint_t                   i;
    ngx_http_faas_lease_t       *lease[6];
    ngx_http_faas_unit_lease_t   tl;

    static char  *names[] = { "a", "plumless", "buckeroo" };

    ngx_http_faas_unit_lease_begin(&tl);
    tl.t->zone.sh->settled = 0;

    for (i = 0; i < 6; i++) {
        assert_int_equal(ngx_http_faas_unit_lease_ask(&tl, i % 3,
                                                      names[i / 2], 'A'),
                         NGX_AGAIN);
        assert_null(tl.inst);
        lease[i] = tl.lease;
    }

    ngx_http_faas_unit_lease_no_news(&tl);
    assert_int_equal(ngx_http_faas_unit_lease_functions(&tl), 3);

    ngx_http_faas_census_settle(ngx_http_faas_unit_zone_as(tl.t, 0));
    ngx_http_faas_unit_zone_check(tl.t);

    assert_true(tl.t->zone.sh->settled);
    assert_int_equal(ngx_http_faas_unit_lease_functions(&tl), 0);

    for (i = 0; i < 6; i++) {
        ngx_http_faas_unit_state(lease[i], RETRY);
        assert_true(lease[i]->notified);
        assert_true(i > 2 || ngx_http_faas_unit_zone_rung(tl.t, i));
    }

    assert_int_equal(ngx_http_faas_unit_lease_ask(&tl, 1, "a", 'A'),
                     NGX_DONE);

    /* once more is no harm */

    ngx_http_faas_census_settle(ngx_http_faas_unit_zone_as(tl.t, 0));
    ngx_http_faas_unit_zone_check(tl.t);
    ngx_http_faas_unit_state(tl.lease, WAITING);

    ngx_http_faas_unit_lease_end(&tl);

    ngx_http_faas_unit_lease_begin(&tl);
    tl.t->zone.sh->settled = 0;
    ngx_http_faas_census_settle(ngx_http_faas_unit_zone_as(tl.t, 0));
    assert_true(tl.t->zone.sh->settled);
    ngx_http_faas_unit_lease_end(&tl);
}


/* who gives up, is cut off or told of a deletion before it leaves nothing */

static void
ngx_http_faas_test_census_unsettled(void **state)
{
    ngx_str_t                    name;
    ngx_http_faas_lease_t       *lease;
    ngx_http_faas_unit_lease_t   tl;

    ngx_http_faas_unit_lease_begin(&tl);
    tl.t->zone.sh->settled = 0;

    lease = ngx_http_faas_unit_lease_ok(&tl, 0, NGX_AGAIN);
    ngx_http_faas_lease_expire(ngx_http_faas_unit_zone_as(tl.t, 0), lease);
    ngx_http_faas_unit_zone_check(tl.t);
    assert_int_equal(ngx_http_faas_unit_lease_functions(&tl), 0);

    lease = ngx_http_faas_unit_lease_ok(&tl, 0, NGX_AGAIN);
    ngx_http_faas_unit_lease_release(&tl, 0, lease);
    assert_int_equal(ngx_http_faas_unit_lease_functions(&tl), 0);

    lease = ngx_http_faas_unit_lease_ok(&tl, 0, NGX_AGAIN);
    ngx_str_set(&name, "greet");
    ngx_http_faas_verdict_forget(ngx_http_faas_unit_zone_as(tl.t, 1), &name);
    ngx_http_faas_unit_zone_check(tl.t);
    ngx_http_faas_unit_state(lease, FAILED);
    assert_int_equal(ngx_http_faas_unit_lease_functions(&tl), 0);

    (void) ngx_http_faas_unit_lease_ok(&tl, 1, NGX_AGAIN);
    ngx_http_faas_unit_zone_kill(tl.t, 1);
    ngx_http_faas_lease_reap(ngx_http_faas_unit_zone_as(tl.t, 0));
    ngx_http_faas_unit_zone_check(tl.t);
    assert_int_equal(ngx_http_faas_unit_lease_functions(&tl), 0);

    ngx_http_faas_census_settle(ngx_http_faas_unit_zone_as(tl.t, 0));
    ngx_http_faas_unit_lease_end(&tl);
}
