
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * The versions of a function, and which of them its instances are.
 */


#include "ngx_http_faas.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "ngx_http_faas_unit_lease.h"


int ngx_http_faas_test_version(void);

static void ngx_http_faas_test_version_first(void **state);
static void ngx_http_faas_test_version_touch(void **state);
static void ngx_http_faas_test_version_other(void **state);
static void ngx_http_faas_test_version_kind(void **state);
static void ngx_http_faas_test_version_back(void **state);
static void ngx_http_faas_test_version_back_dead(void **state);
static void ngx_http_faas_test_version_served(void **state);
static void ngx_http_faas_test_version_newest(void **state);
static void ngx_http_faas_test_version_outdate(void **state);
static void ngx_http_faas_test_version_pinned(void **state);

static void ngx_http_faas_test_version_update(ngx_http_faas_function_t *fn,
    ngx_uint_t identity, u_char revision);
static ngx_http_faas_function_t *ngx_http_faas_test_version_instance(
    ngx_http_faas_unit_lease_t *tl, ngx_uint_t state,
    ngx_http_faas_instance_t **inst);


int
ngx_http_faas_test_version(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(ngx_http_faas_test_version_first),
        cmocka_unit_test(ngx_http_faas_test_version_touch),
        cmocka_unit_test(ngx_http_faas_test_version_other),
        cmocka_unit_test(ngx_http_faas_test_version_kind),
        cmocka_unit_test(ngx_http_faas_test_version_back),
        cmocka_unit_test(ngx_http_faas_test_version_back_dead),
        cmocka_unit_test(ngx_http_faas_test_version_served),
        cmocka_unit_test(ngx_http_faas_test_version_newest),
        cmocka_unit_test(ngx_http_faas_test_version_outdate),
        cmocka_unit_test(ngx_http_faas_test_version_pinned)
    };

    return cmocka_run_group_tests_name("version", tests, NULL, NULL);
}


/* somebody has read that revision in a file of that identity */

static void
ngx_http_faas_test_version_update(ngx_http_faas_function_t *fn,
    ngx_uint_t identity, u_char revision)
{
    ngx_http_faas_function_update(fn,
                                  ngx_http_faas_unit_zone_want("greet",
                                                               identity,
                                                               revision));
}


/* "greet" has an instance in that state, which serves revision A */

static ngx_http_faas_function_t *
ngx_http_faas_test_version_instance(ngx_http_faas_unit_lease_t *tl,
    ngx_uint_t state, ngx_http_faas_instance_t **inst)
{
    ngx_http_faas_lease_t  *lease;

    ngx_http_faas_unit_lease_begin(tl);

    lease = ngx_http_faas_unit_lease_ok(tl, 0, NGX_DONE);
    *inst = tl->inst;

    if (state == NGX_HTTP_FAAS_LOADING) {
        ngx_http_faas_unit_lease_loading(tl, *inst, 'A', 1);

    } else if (state != NGX_HTTP_FAAS_CREATING) {
        ngx_http_faas_unit_lease_ready(tl, *inst, 'A', 1);
    }

    if (state == NGX_HTTP_FAAS_DRAINING) {
        ngx_http_faas_zone_lock(&tl->t->zone);
        ngx_http_faas_instance_drain(&tl->t->zone, *inst);
        ngx_http_faas_zone_unlock(&tl->t->zone);

        assert_ptr_equal(lease->instance, *inst);
    }

    assert_int_equal((*inst)->state, state);

    return (*inst)->function;
}


static void
ngx_http_faas_test_version_first(void **state)
{
    ngx_http_faas_function_t   *fn;
    ngx_http_faas_unit_zone_t  *t;

    t = ngx_http_faas_unit_zone_create(64 * 4096);
    fn = ngx_http_faas_unit_zone_get(&t->zone, "greet");

    assert_int_equal(fn->version, 0);
    assert_false(fn->known);
    assert_int_equal(fn->failed, 0);

    ngx_http_faas_test_version_update(fn, 1, 'A');
    assert_int_equal(fn->version, 1);
    assert_true(fn->known);
    assert_int_equal(fn->kind, NGX_HTTP_FAAS_UNIT_KIND);
    assert_int_equal(fn->revision[19], 'A');
    assert_int_equal(fn->failed, 0);

    ngx_http_faas_test_version_update(fn, 1, 'A');
    assert_int_equal(fn->version, 1);

    ngx_http_faas_unit_zone_release(&t->zone, fn);
    ngx_http_faas_unit_zone_destroy(t);
}


/* saved again as it was: no new version, but a new try */

static void
ngx_http_faas_test_version_touch(void **state)
{
    ngx_uint_t                  i;
    ngx_http_faas_want_t        want;
    ngx_http_faas_function_t   *fn;
    ngx_http_faas_unit_zone_t  *t;

    t = ngx_http_faas_unit_zone_create(64 * 4096);
    fn = ngx_http_faas_unit_zone_get(&t->zone, "greet");

    ngx_http_faas_test_version_update(fn, 1, 'A');
    fn->failed = 1;

    /* looked at again, young or not: nobody has touched it */

    ngx_http_faas_test_version_update(fn, 1, 'A');
    want = *ngx_http_faas_unit_zone_want("greet", 1, 'A');
    want.racy = 1;
    ngx_http_faas_function_update(fn, &want);
    assert_true(fn->racy);
    ngx_http_faas_test_version_update(fn, 1, 'A');
    assert_false(fn->racy);
    assert_int_equal(fn->failed, 1);

    for (i = 0; i < 4; i++) {
        fn->failed = 1;

        want = *ngx_http_faas_unit_zone_want("greet", 1, 'A');
        want.identity.uniq += (i == 0);
        want.identity.size += (i == 1);
        want.identity.sec += (i == 2);
        want.identity.nsec += (i == 3);

        ngx_http_faas_function_update(fn, &want);
        assert_int_equal(fn->version, 1);
        assert_int_equal(fn->failed, 0);
        assert_true(ngx_http_faas_function_current(fn, &want));
    }

    ngx_http_faas_unit_zone_release(&t->zone, fn);
    ngx_http_faas_unit_zone_destroy(t);
}


/* another content is another version, also when its file looks the same */

static void
ngx_http_faas_test_version_other(void **state)
{
    ngx_http_faas_function_t   *fn;
    ngx_http_faas_unit_zone_t  *t;

    t = ngx_http_faas_unit_zone_create(64 * 4096);
    fn = ngx_http_faas_unit_zone_get(&t->zone, "greet");

    ngx_http_faas_test_version_update(fn, 1, 'A');
    ngx_http_faas_test_version_update(fn, 2, 'B');
    assert_int_equal(fn->version, 2);
    assert_int_equal(fn->revision[0], 'B');

    /* the failure of the last one is not that of this one */

    fn->failed = 2;
    ngx_http_faas_test_version_update(fn, 2, 'C');
    assert_int_equal(fn->version, 3);
    assert_int_equal(fn->failed, 2);

    ngx_http_faas_test_version_update(fn, 2, 'B');
    assert_int_equal(fn->version, 4);
    assert_int_equal(fn->failed, 2);

    ngx_http_faas_unit_zone_release(&t->zone, fn);
    ngx_http_faas_unit_zone_destroy(t);
}


/* and so is another runtime */

static void
ngx_http_faas_test_version_kind(void **state)
{
    ngx_http_faas_want_t        want;
    ngx_http_faas_function_t   *fn;
    ngx_http_faas_unit_zone_t  *t;

    t = ngx_http_faas_unit_zone_create(64 * 4096);
    fn = ngx_http_faas_unit_zone_get(&t->zone, "greet");

    ngx_http_faas_test_version_update(fn, 1, 'A');

    want = *ngx_http_faas_unit_zone_want("greet", 1, 'A');
    want.kind = 99;
    assert_false(ngx_http_faas_function_current(fn, &want));

    ngx_http_faas_function_update(fn, &want);
    assert_int_equal(fn->version, 2);
    assert_int_equal(fn->kind, 99);
    assert_true(ngx_http_faas_function_current(fn, &want));

    ngx_http_faas_unit_zone_release(&t->zone, fn);
    ngx_http_faas_unit_zone_destroy(t);
}


/* back to what still runs: that is of the newest version */

static void
ngx_http_faas_test_version_back(void **state)
{
    ngx_http_faas_want_t         want;
    ngx_http_faas_function_t    *fn;
    ngx_http_faas_instance_t    *inst;
    ngx_http_faas_unit_lease_t   tl;

    fn = ngx_http_faas_test_version_instance(&tl, NGX_HTTP_FAAS_READY, &inst);
    assert_int_equal(inst->version, 1);

    ngx_http_faas_test_version_update(fn, 2, 'B');
    assert_int_equal(inst->version, 1);
    fn->failed = 2;

    ngx_http_faas_test_version_update(fn, 3, 'A');
    assert_int_equal(fn->version, 3);
    assert_int_equal(inst->version, 3);

    /* in its own language only */

    want = *ngx_http_faas_unit_zone_want("greet", 3, 'A');
    want.kind++;
    ngx_http_faas_function_update(fn, &want);
    assert_int_equal(fn->version, 4);
    assert_int_equal(inst->version, 3);

    ngx_http_faas_test_version_update(fn, 3, 'A');
    assert_int_equal(fn->version, 5);
    assert_int_equal(inst->version, 5);

    ngx_http_faas_unit_lease_end(&tl);
}


/* what is on its way out does not come back, what loads is of its own */

static void
ngx_http_faas_test_version_back_dead(void **state)
{
    ngx_uint_t                   i;
    ngx_http_faas_function_t    *fn;
    ngx_http_faas_instance_t    *inst;
    ngx_http_faas_unit_lease_t   tl;

    static ngx_uint_t  states[] = {
        NGX_HTTP_FAAS_DRAINING, NGX_HTTP_FAAS_LOADING
    };

    for (i = 0; i < 2; i++) {
        fn = ngx_http_faas_test_version_instance(&tl, states[i], &inst);

        ngx_http_faas_zone_lock(&tl.t->zone);

        ngx_http_faas_test_version_update(fn, 2, 'B');
        ngx_http_faas_test_version_update(fn, 1, 'A');
        assert_int_equal(fn->version, 3);
        assert_int_equal(inst->version, 1);

        ngx_http_faas_instance_orphans(&tl.t->zone, fn);
        ngx_http_faas_zone_unlock(&tl.t->zone);

        ngx_http_faas_unit_lease_end(&tl);
    }
}


/* whether it pays to wait for that version */

static void
ngx_http_faas_test_version_served(void **state)
{
    ngx_http_faas_function_t    *fn;
    ngx_http_faas_instance_t    *inst;
    ngx_http_faas_unit_lease_t   tl;

    fn = ngx_http_faas_test_version_instance(&tl, NGX_HTTP_FAAS_CREATING,
                                             &inst);
    assert_true(ngx_http_faas_function_served(fn, 1));
    assert_true(ngx_http_faas_function_served(fn, 1000));
    ngx_http_faas_unit_lease_end(&tl);

    fn = ngx_http_faas_test_version_instance(&tl, NGX_HTTP_FAAS_LOADING,
                                             &inst);
    assert_true(ngx_http_faas_function_served(fn, 0));
    assert_true(ngx_http_faas_function_served(fn, 1));
    assert_false(ngx_http_faas_function_served(fn, 2));
    ngx_http_faas_unit_lease_end(&tl);

    fn = ngx_http_faas_test_version_instance(&tl, NGX_HTTP_FAAS_READY, &inst);
    assert_true(ngx_http_faas_function_served(fn, 1));
    assert_false(ngx_http_faas_function_served(fn, 2));
    ngx_http_faas_unit_lease_end(&tl);

    fn = ngx_http_faas_test_version_instance(&tl, NGX_HTTP_FAAS_DRAINING,
                                             &inst);
    assert_false(ngx_http_faas_function_served(fn, 0));
    assert_false(ngx_http_faas_function_served(fn, 1));
    ngx_http_faas_unit_lease_end(&tl);
}


/* of those that are ready */

static void
ngx_http_faas_test_version_newest(void **state)
{
    ngx_http_faas_function_t    *fn;
    ngx_http_faas_instance_t    *inst;
    ngx_http_faas_unit_lease_t   tl;

    fn = ngx_http_faas_test_version_instance(&tl, NGX_HTTP_FAAS_CREATING,
                                             &inst);
    assert_null(ngx_http_faas_function_newest(fn));
    ngx_http_faas_unit_lease_end(&tl);

    fn = ngx_http_faas_test_version_instance(&tl, NGX_HTTP_FAAS_LOADING,
                                             &inst);
    assert_null(ngx_http_faas_function_newest(fn));
    ngx_http_faas_unit_lease_end(&tl);

    fn = ngx_http_faas_test_version_instance(&tl, NGX_HTTP_FAAS_DRAINING,
                                             &inst);
    assert_null(ngx_http_faas_function_newest(fn));
    ngx_http_faas_unit_lease_end(&tl);

    fn = ngx_http_faas_test_version_instance(&tl, NGX_HTTP_FAAS_READY, &inst);
    assert_ptr_equal(ngx_http_faas_function_newest(fn), inst);

    assert_int_equal(ngx_http_faas_unit_lease_ask(&tl, 1, "greet", 'B'),
                     NGX_DONE);
    assert_ptr_equal(ngx_http_faas_function_newest(fn), inst);

    ngx_http_faas_unit_lease_ready(&tl, tl.inst, 'B', 1);
    assert_ptr_equal(ngx_http_faas_function_newest(fn), tl.inst);
    ngx_http_faas_unit_lease_end(&tl);
}


/* those that are older, and ready: one with a lease drains, the other dies */

static void
ngx_http_faas_test_version_outdate(void **state)
{
    ngx_http_faas_zone_t        *zone;
    ngx_http_faas_function_t    *fn;
    ngx_http_faas_instance_t    *inst;
    ngx_http_faas_unit_lease_t   tl;

    fn = ngx_http_faas_test_version_instance(&tl, NGX_HTTP_FAAS_READY, &inst);
    zone = &tl.t->zone;

    ngx_http_faas_zone_lock(zone);
    fn->pinned = 1;
    ngx_http_faas_function_outdate(zone, fn, 0);
    ngx_http_faas_function_outdate(zone, fn, 1);
    ngx_http_faas_unit_inst(inst, READY);

    ngx_http_faas_function_outdate(zone, fn, 2);
    ngx_http_faas_unit_inst(inst, DRAINING);
    ngx_http_faas_function_outdate(zone, fn, 2);
    fn->pinned = 0;
    ngx_http_faas_zone_unlock(zone);

    ngx_http_faas_unit_zone_check(tl.t);
    ngx_http_faas_unit_lease_end(&tl);

    fn = ngx_http_faas_test_version_instance(&tl, NGX_HTTP_FAAS_READY, &inst);
    zone = &tl.t->zone;
    ngx_http_faas_unit_lease_release(&tl, 0, tl.lease);

    ngx_http_faas_zone_lock(zone);
    fn->pinned = 1;
    ngx_http_faas_function_outdate(zone, fn, 2);
    ngx_http_faas_unit_inst(inst, DEAD);
    fn->pinned = 0;
    ngx_http_faas_function_release(zone, fn);
    ngx_http_faas_zone_unlock(zone);

    ngx_http_faas_unit_zone_check(tl.t);
    assert_int_equal(ngx_http_faas_unit_lease_functions(&tl), 0);
    ngx_http_faas_unit_lease_end(&tl);

    fn = ngx_http_faas_test_version_instance(&tl, NGX_HTTP_FAAS_LOADING,
                                             &inst);
    zone = &tl.t->zone;

    ngx_http_faas_zone_lock(zone);
    fn->pinned = 1;
    ngx_http_faas_function_outdate(zone, fn, 2);
    fn->pinned = 0;
    ngx_http_faas_zone_unlock(zone);

    ngx_http_faas_unit_inst(inst, LOADING);
    ngx_http_faas_unit_zone_check(tl.t);
    ngx_http_faas_unit_lease_end(&tl);
}


/* nobody takes it away from under who works on it */

static void
ngx_http_faas_test_version_pinned(void **state)
{
    ngx_http_faas_zone_t        *zone;
    ngx_http_faas_function_t    *fn;
    ngx_http_faas_instance_t    *inst;
    ngx_http_faas_unit_lease_t   tl;

    fn = ngx_http_faas_test_version_instance(&tl, NGX_HTTP_FAAS_READY, &inst);
    zone = &tl.t->zone;
    ngx_http_faas_unit_lease_release(&tl, 0, tl.lease);

    ngx_http_faas_zone_lock(zone);
    fn->pinned = 1;
    ngx_http_faas_instance_set(zone, inst, NGX_HTTP_FAAS_DEAD);
    ngx_http_faas_zone_unlock(zone);

    assert_ptr_equal(ngx_http_faas_unit_zone_find(zone, "greet"), fn);
    assert_int_equal(fn->version, 1);

    fn->pinned = 0;
    ngx_http_faas_unit_zone_release(zone, fn);
    assert_null(ngx_http_faas_unit_zone_find(zone, "greet"));
    ngx_http_faas_unit_zone_check(tl.t);

    ngx_http_faas_unit_lease_end(&tl);
}
