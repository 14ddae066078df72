
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * The instances of a zone.
 */


#include "ngx_http_faas.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "ngx_http_faas_unit_zone.h"

#define NGX_HTTP_FAAS_TEST_SIZE  (64 * 4096)


int ngx_http_faas_test_instance(void);

static void ngx_http_faas_test_instance_take(void **state);
static void ngx_http_faas_test_instance_claim(void **state);


int
ngx_http_faas_test_instance(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(ngx_http_faas_test_instance_take),
        cmocka_unit_test(ngx_http_faas_test_instance_claim)
    };

    return cmocka_run_group_tests_name("instance", tests, NULL, NULL);
}


/* every slot once, then none; the longest empty one is taken first */

static void
ngx_http_faas_test_instance_take(void **state)
{
    ngx_uint_t                  i, n;
    ngx_http_faas_zone_t       *zone;
    ngx_http_faas_function_t   *fn;
    ngx_http_faas_instance_t   *inst;
    ngx_http_faas_unit_zone_t  *t;

    t = ngx_http_faas_unit_zone_create(NGX_HTTP_FAAS_TEST_SIZE);
    zone = ngx_http_faas_unit_zone_as(t, 1);

    fn = ngx_http_faas_unit_zone_get(zone, "greet");
    n = zone->sh->ninstances;

    for (i = 0; i < n; i++) {
        inst = ngx_http_faas_unit_zone_take(zone, fn);

        assert_non_null(inst);
        assert_int_equal(inst->slot, i);
        assert_int_equal(inst->generation, 1);
        assert_int_equal(inst->state, NGX_HTTP_FAAS_CREATING);
        assert_int_equal(inst->owner, t->workers[1].pid);
        assert_int_equal(ngx_http_faas_instance_wanted(zone, inst), NGX_OK);
    }

    assert_null(ngx_http_faas_unit_zone_take(zone, fn));
    ngx_http_faas_unit_zone_check(t);

    /* slots 5 and 3 become free, in this order */

    ngx_http_faas_unit_zone_remove(zone, &zone->sh->instances[5]);
    ngx_http_faas_unit_zone_remove(zone, &zone->sh->instances[3]);
    ngx_http_faas_unit_zone_check(t);

    inst = ngx_http_faas_unit_zone_take(zone, fn);
    assert_int_equal(inst->slot, 5);
    assert_int_equal(inst->generation, 2);

    inst = ngx_http_faas_unit_zone_take(zone, fn);
    assert_int_equal(inst->slot, 3);

    assert_null(ngx_http_faas_unit_zone_take(zone, fn));

    /* a dead one is no free one */

    ngx_http_faas_zone_lock(zone);
    ngx_http_faas_instance_set(zone, inst, NGX_HTTP_FAAS_DEAD);
    ngx_http_faas_zone_unlock(zone);

    assert_null(ngx_http_faas_unit_zone_take(zone, fn));
    assert_int_equal(ngx_http_faas_instance_wanted(zone, inst),
                     NGX_DECLINED);

    for (i = 0; i < n; i++) {
        ngx_http_faas_unit_zone_remove(zone, &zone->sh->instances[i]);
    }

    assert_null(ngx_http_faas_unit_zone_find(zone, "greet"));

    ngx_http_faas_unit_zone_destroy(t);
}


/* one at a time, and again when the engine did not confirm */

static void
ngx_http_faas_test_instance_claim(void **state)
{
    ngx_uint_t                  i;
    ngx_http_faas_zone_t       *zone;
    ngx_http_faas_function_t   *fn;
    ngx_http_faas_instance_t   *inst[3];
    ngx_http_faas_unit_zone_t  *t;

    t = ngx_http_faas_unit_zone_create(NGX_HTTP_FAAS_TEST_SIZE);
    zone = ngx_http_faas_unit_zone_as(t, 0);

    fn = ngx_http_faas_unit_zone_get(zone, "greet");

    assert_null(ngx_http_faas_instance_claim(zone));

    for (i = 0; i < 3; i++) {
        inst[i] = ngx_http_faas_unit_zone_take(zone, fn);
    }

    assert_null(ngx_http_faas_instance_claim(zone));

    ngx_http_faas_zone_lock(zone);
    ngx_http_faas_instance_set(zone, inst[1], NGX_HTTP_FAAS_DEAD);
    ngx_http_faas_instance_set(zone, inst[0], NGX_HTTP_FAAS_DEAD);
    ngx_http_faas_instance_set(zone, inst[2], NGX_HTTP_FAAS_DEAD);
    ngx_http_faas_zone_unlock(zone);

    ngx_http_faas_unit_zone_check(t);
    assert_null(ngx_http_faas_unit_zone_find(zone, "greet"));

    /* whoever drives them still does */

    zone = ngx_http_faas_unit_zone_as(t, 1);
    assert_null(ngx_http_faas_instance_claim(zone));

    inst[0]->owner = 0;
    inst[1]->owner = 0;

    assert_ptr_equal(ngx_http_faas_instance_claim(zone), inst[1]);
    assert_int_equal(inst[1]->state, NGX_HTTP_FAAS_REMOVING);
    assert_int_equal(inst[1]->owner, t->workers[1].pid);

    assert_ptr_equal(ngx_http_faas_instance_claim(zone), inst[0]);
    assert_null(ngx_http_faas_instance_claim(zone));

    ngx_http_faas_instance_removed(zone, inst[1], 0);
    assert_int_equal(inst[1]->state, NGX_HTTP_FAAS_DEAD);
    assert_int_equal(inst[1]->owner, 0);
    ngx_http_faas_unit_zone_check(t);

    /* a second later, and not at once */

    assert_null(ngx_http_faas_instance_claim(zone));
    ngx_current_msec += 1000;

    assert_ptr_equal(ngx_http_faas_instance_claim(zone), inst[1]);

    for (i = 0; i < 3; i++) {
        ngx_http_faas_instance_removed(zone, inst[i], 1);
        assert_int_equal(inst[i]->state, NGX_HTTP_FAAS_EMPTY);
        ngx_http_faas_unit_zone_check(t);
    }

    ngx_http_faas_unit_zone_destroy(t);
}
