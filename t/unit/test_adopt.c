
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Containers that an earlier zone left, which this one takes over.
 */


#include "ngx_http_faas.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "ngx_http_faas_census.h"
#include "ngx_http_faas_unit_lease.h"


int ngx_http_faas_test_adopt(void);

static void ngx_http_faas_test_adopt_all(void **state);
static void ngx_http_faas_test_adopt_taken(void **state);
static void ngx_http_faas_test_adopt_served(void **state);
static void ngx_http_faas_test_adopt_waiting(void **state);
static void ngx_http_faas_test_adopt_version(void **state);
static void ngx_http_faas_test_adopt_memory(void **state);
static void ngx_http_faas_test_adopt_slot(void **state);

static ngx_http_faas_orphan_t *ngx_http_faas_test_adopt_orphan(char *name,
    ngx_uint_t slot);


int
ngx_http_faas_test_adopt(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(ngx_http_faas_test_adopt_all),
        cmocka_unit_test(ngx_http_faas_test_adopt_taken),
        cmocka_unit_test(ngx_http_faas_test_adopt_served),
        cmocka_unit_test(ngx_http_faas_test_adopt_waiting),
        cmocka_unit_test(ngx_http_faas_test_adopt_version),
        cmocka_unit_test(ngx_http_faas_test_adopt_memory),
        cmocka_unit_test(ngx_http_faas_test_adopt_slot)
    };

    return cmocka_run_group_tests_name("adopt", tests, NULL, NULL);
}


/* a container of an earlier zone, which ran revision A of that function */

static ngx_http_faas_orphan_t *
ngx_http_faas_test_adopt_orphan(char *name, ngx_uint_t slot)
{
    static  u_char      id[NGX_HTTP_FAAS_ID_LEN];
    static  u_char      revision[NGX_HTTP_FAAS_REVISION_LEN];
    static  ngx_http_faas_orphan_t  orphan;

    ngx_memset(id, 'o', sizeof(id));
    ngx_memset(revision, 'A', sizeof(revision));

    orphan.function.data = (u_char *) name;
    orphan.function.len = ngx_strlen(name);
    orphan.revision = revision;
    orphan.id = id;
    orphan.kind = NGX_HTTP_FAAS_UNIT_KIND;
    orphan.slot = slot;
    orphan.generation = 17;
    orphan.concurrency = 2;
    orphan.idle = 1234;

    return &orphan;
}


/* it serves as if it had been started here */

static void
ngx_http_faas_test_adopt_all(void **state)
{
    ngx_http_faas_zone_t        *zone;
    ngx_http_faas_lease_t       *lease;
    ngx_http_faas_orphan_t      *orphan;
    ngx_http_faas_instance_t    *inst;
    ngx_http_faas_unit_lease_t   tl;

    ngx_http_faas_unit_lease_begin(&tl);
    zone = ngx_http_faas_unit_zone_as(tl.t, 2);
    ngx_current_msec = 5000;

    orphan = ngx_http_faas_test_adopt_orphan("greet", 3);
    assert_int_equal(ngx_http_faas_census_adopt(zone, orphan), NGX_OK);
    ngx_http_faas_unit_zone_check(tl.t);

    inst = &zone->sh->instances[3];

    ngx_http_faas_unit_inst(inst, READY);
    assert_int_equal(inst->owner, 0);
    assert_int_equal(inst->generation, 17);
    assert_int_equal(inst->kind, NGX_HTTP_FAAS_UNIT_KIND);
    assert_int_equal(inst->concurrency, 2);
    assert_int_equal(inst->idle, 1234);
    assert_int_equal(inst->used, 5000);
    assert_int_equal(inst->active, 0);
    assert_memory_equal(inst->id, orphan->id, NGX_HTTP_FAAS_ID_LEN);
    assert_memory_equal(inst->revision, orphan->revision,
                        NGX_HTTP_FAAS_REVISION_LEN);
    assert_ptr_equal(inst->function,
                     ngx_http_faas_unit_zone_find(zone, "greet"));
    assert_true(ngx_http_faas_census_known(zone, orphan->id, 1, 3, 1));

    /* a second time it is known, and takes no other slot's place */

    assert_int_equal(ngx_http_faas_census_adopt(zone, orphan), NGX_DECLINED);
    ngx_http_faas_unit_zone_check(tl.t);

    /* nothing is known of the file: it is read, and is the same */

    assert_int_equal(ngx_http_faas_unit_lease_ask(&tl, 0, "greet", 0),
                     NGX_DECLINED);
    lease = ngx_http_faas_unit_lease_ok(&tl, 0, NGX_OK);
    assert_ptr_equal(lease->instance, inst);
    assert_int_equal(inst->version, 1);

    ngx_http_faas_unit_lease_release(&tl, 0, lease);
    assert_int_equal(ngx_http_faas_unit_lease_ask(&tl, 0, "greet", 0),
                     NGX_OK);

    /* the slot's next life begins with a name that never was */

    ngx_http_faas_unit_lease_release(&tl, 0, tl.lease);
    ngx_http_faas_unit_lease_drop(&tl, "greet");
    ngx_http_faas_unit_inst(inst, EMPTY);

    while (ngx_http_faas_unit_lease_ok(&tl, 0, NGX_DONE), tl.inst != inst) {
        ngx_http_faas_unit_lease_drop(&tl, "greet");
    }

    assert_int_equal(inst->generation, 18);
    assert_int_equal(inst->epoch, zone->sh->epoch);

    ngx_http_faas_unit_lease_end(&tl);
}


/* its address is somebody else's by now, or there is no such one */

static void
ngx_http_faas_test_adopt_taken(void **state)
{
    ngx_uint_t                   slot;
    ngx_http_faas_zone_t        *zone;
    ngx_http_faas_instance_t    *inst;
    ngx_http_faas_unit_lease_t   tl;

    ngx_http_faas_unit_lease_begin(&tl);
    zone = ngx_http_faas_unit_zone_as(tl.t, 0);

    assert_int_equal(ngx_http_faas_unit_lease_ask(&tl, 0, "other", 'A'),
                     NGX_DONE);
    inst = tl.inst;
    slot = inst->slot;

    assert_int_equal(ngx_http_faas_census_adopt(zone,

                              ngx_http_faas_test_adopt_orphan("greet", slot)),
                     NGX_DECLINED);
    ngx_http_faas_unit_lease_ready(&tl, inst, 'A', 1);
    assert_int_equal(ngx_http_faas_census_adopt(zone,

                              ngx_http_faas_test_adopt_orphan("greet", slot)),
                     NGX_DECLINED);

    (void) ngx_http_faas_lease_condemn(ngx_http_faas_unit_zone_as(tl.t, 0),
                                       tl.lease);
    ngx_http_faas_unit_inst(inst, REMOVING);
    assert_int_equal(ngx_http_faas_census_adopt(zone,

                              ngx_http_faas_test_adopt_orphan("greet", slot)),
                     NGX_DECLINED);

    ngx_http_faas_instance_removed(zone, inst, 0);
    ngx_http_faas_unit_inst(inst, DEAD);
    assert_int_equal(ngx_http_faas_census_adopt(zone,

                              ngx_http_faas_test_adopt_orphan("greet", slot)),
                     NGX_DECLINED);

    assert_int_equal(ngx_http_faas_census_adopt(zone,

              ngx_http_faas_test_adopt_orphan("greet", zone->sh->ninstances)),
                     NGX_DECLINED);
    assert_int_equal(ngx_http_faas_census_adopt(zone,

                   ngx_http_faas_test_adopt_orphan("greet", (ngx_uint_t) -1)),
                     NGX_DECLINED);

    ngx_http_faas_unit_zone_check(tl.t);
    assert_int_equal(ngx_http_faas_unit_lease_functions(&tl), 0);

    /* it was kept for such a one */

    ngx_http_faas_census_reserve(zone, 9);
    assert_int_equal(ngx_http_faas_census_adopt(zone,

                                 ngx_http_faas_test_adopt_orphan("greet", 9)),
                     NGX_OK);
    ngx_http_faas_unit_zone_check(tl.t);
    ngx_http_faas_unit_inst(&zone->sh->instances[9], READY);

    ngx_http_faas_unit_lease_end(&tl);
}


/* the function has instances: no more than may be, and of one revision */

static void
ngx_http_faas_test_adopt_served(void **state)
{
    ngx_http_faas_zone_t        *zone;
    ngx_http_faas_orphan_t      *orphan;
    ngx_http_faas_instance_t    *inst;
    ngx_http_faas_unit_lease_t   tl;

    ngx_http_faas_unit_lease_begin(&tl);

    (void) ngx_http_faas_unit_lease_ok(&tl, 0, NGX_DONE);
    inst = tl.inst;
    zone = ngx_http_faas_unit_zone_as(tl.t, 1);

    assert_int_equal(ngx_http_faas_census_adopt(zone,

                                 ngx_http_faas_test_adopt_orphan("greet", 9)),
                     NGX_DECLINED);
    ngx_http_faas_unit_lease_ready(&tl, inst, 'A', 1);
    assert_int_equal(ngx_http_faas_census_adopt(zone,

                                 ngx_http_faas_test_adopt_orphan("greet", 9)),
                     NGX_DECLINED);
    ngx_http_faas_unit_zone_check(tl.t);
    ngx_http_faas_unit_inst(&zone->sh->instances[9], EMPTY);

    assert_int_equal(ngx_http_faas_census_adopt(zone,

                                 ngx_http_faas_test_adopt_orphan("other", 9)),
                     NGX_OK);
    assert_int_equal(ngx_http_faas_census_adopt(zone,

                                ngx_http_faas_test_adopt_orphan("other", 10)),
                     NGX_OK);
    ngx_http_faas_unit_zone_check(tl.t);

    orphan = ngx_http_faas_test_adopt_orphan("other", 11);
    orphan->kind++;
    assert_int_equal(ngx_http_faas_census_adopt(zone, orphan), NGX_DECLINED);
    ngx_http_faas_unit_zone_check(tl.t);

    ngx_http_faas_unit_lease_end(&tl);
}


/* who came before it was found gets in, as many as may */

static void
ngx_http_faas_test_adopt_waiting(void **state)
{
    ngx_http_faas_lease_t       *first, *second, *third;
    ngx_http_faas_unit_lease_t   tl;

    ngx_http_faas_unit_lease_begin(&tl);
    tl.t->zone.sh->settled = 0;

    first = ngx_http_faas_unit_lease_ok(&tl, 0, NGX_AGAIN);
    second = ngx_http_faas_unit_lease_ok(&tl, 1, NGX_AGAIN);
    third = ngx_http_faas_unit_lease_ok(&tl, 2, NGX_AGAIN);

    assert_int_equal(ngx_http_faas_census_adopt(ngx_http_faas_unit_zone_as(
                                                                         tl.t,
                                                                           2),

                                 ngx_http_faas_test_adopt_orphan("greet", 3)),
                     NGX_OK);
    ngx_http_faas_unit_zone_check(tl.t);

    ngx_http_faas_unit_state(first, HELD);
    ngx_http_faas_unit_state(second, HELD);
    ngx_http_faas_unit_state(third, WAITING);
    ngx_http_faas_unit_lease_news(&tl, 0, first);
    ngx_http_faas_unit_lease_news(&tl, 1, second);

    ngx_http_faas_census_settle(ngx_http_faas_unit_zone_as(tl.t, 2));
    ngx_http_faas_unit_zone_check(tl.t);
    ngx_http_faas_unit_state(third, WAITING);

    ngx_http_faas_unit_lease_release(&tl, 0, first);
    ngx_http_faas_unit_state(third, HELD);

    ngx_http_faas_unit_lease_end(&tl);
}


/* the file was edited while nobody looked */

static void
ngx_http_faas_test_adopt_version(void **state)
{
    ngx_http_faas_zone_t        *zone;
    ngx_http_faas_lease_t       *lease, *held;
    ngx_http_faas_orphan_t      *orphan;
    ngx_http_faas_instance_t    *inst, *other;
    ngx_http_faas_unit_lease_t   tl;

    ngx_http_faas_unit_lease_begin(&tl);
    zone = ngx_http_faas_unit_zone_as(tl.t, 0);
    tl.t->zone.sh->settled = 0;

    /* it was read before the old one was found */

    assert_int_equal(ngx_http_faas_unit_lease_ask(&tl, 0, "greet", 'B'),
                     NGX_AGAIN);
    lease = tl.lease;

    assert_int_equal(ngx_http_faas_census_adopt(zone,

                                 ngx_http_faas_test_adopt_orphan("greet", 3)),
                     NGX_OK);
    ngx_http_faas_unit_zone_check(tl.t);
    inst = &zone->sh->instances[3];

    ngx_http_faas_unit_inst(inst, READY);
    assert_int_equal(inst->version, 0);
    ngx_http_faas_unit_state(lease, WAITING);

    ngx_http_faas_census_settle(zone);
    ngx_http_faas_unit_zone_check(tl.t);
    ngx_http_faas_unit_state(lease, RETRY);

    assert_int_equal(ngx_http_faas_unit_lease_ask(&tl, 0, "greet", 'B'),
                     NGX_DONE);
    ngx_http_faas_unit_lease_ready(&tl, tl.inst, 'B', 1);
    ngx_http_faas_unit_inst(inst, DEAD);

    /* after it: the old one serves nobody, until the file is as it was */

    assert_int_equal(ngx_http_faas_census_adopt(zone,

                                 ngx_http_faas_test_adopt_orphan("other", 5)),
                     NGX_OK);
    inst = &zone->sh->instances[5];
    assert_int_equal(ngx_http_faas_unit_lease_ask(&tl, 1, "other", 'B'),
                     NGX_DONE);
    other = tl.inst;
    held = tl.lease;
    assert_int_equal(ngx_http_faas_unit_lease_ask(&tl, 2, "other", 'A'),
                     NGX_AGAIN);
    ngx_http_faas_unit_state(held, HELD);
    assert_int_equal(inst->concurrency, 1);
    assert_ptr_equal(held->instance, inst);
    (void) ngx_http_faas_unit_lease_fail(&tl, other, 503);

    /* another runtime has the same bytes */

    orphan = ngx_http_faas_test_adopt_orphan("third", 7);
    orphan->kind++;
    assert_int_equal(ngx_http_faas_census_adopt(zone, orphan), NGX_OK);
    assert_int_equal(ngx_http_faas_unit_lease_ask(&tl, 1, "third", 'A'),
                     NGX_DONE);

    ngx_http_faas_unit_lease_end(&tl);
}


static void
ngx_http_faas_test_adopt_memory(void **state)
{
    ngx_uint_t                   n;
    ngx_http_faas_zone_t        *zone;
    ngx_http_faas_unit_lease_t   tl;

    static  void  *block[4096];

    ngx_http_faas_unit_lease_begin(&tl);
    zone = ngx_http_faas_unit_zone_as(tl.t, 0);

    for (n = 0; n < 4096; n++) {
        block[n] = ngx_slab_alloc(zone->shpool,
                                  sizeof(ngx_http_faas_function_t) + 5);

        if (block[n] == NULL) {
            break;
        }
    }

    assert_int_equal(ngx_http_faas_census_adopt(zone,

                                 ngx_http_faas_test_adopt_orphan("greet", 3)),
                     NGX_ERROR);
    ngx_http_faas_unit_zone_check(tl.t);
    ngx_http_faas_unit_inst(&zone->sh->instances[3], EMPTY);

    while (n) {
        ngx_slab_free(zone->shpool, block[--n]);
    }

    assert_int_equal(ngx_http_faas_census_adopt(zone,

                                 ngx_http_faas_test_adopt_orphan("greet", 3)),
                     NGX_OK);
    ngx_http_faas_unit_lease_end(&tl);
}


/* every slot may be somebody's: then none is left to take */

static void
ngx_http_faas_test_adopt_slot(void **state)
{
    u_char                       name[16];
    ngx_uint_t                   i;
    ngx_http_faas_zone_t        *zone;
    ngx_http_faas_unit_lease_t   tl;

    ngx_http_faas_unit_lease_begin(&tl);
    zone = ngx_http_faas_unit_zone_as(tl.t, 0);

    for (i = 0; i < zone->sh->ninstances; i++) {
        *ngx_sprintf(name, "f%ui", i) = '\0';

        if (i & 1) {
            ngx_http_faas_census_reserve(zone, i);

        } else {
            assert_int_equal(ngx_http_faas_census_adopt(zone,

                           ngx_http_faas_test_adopt_orphan((char *) name, i)),
                             NGX_OK);
        }
    }

    ngx_http_faas_unit_zone_check(tl.t);
    assert_int_equal(ngx_http_faas_unit_lease_ask(&tl, 1, "greet", 'A'),
                     NGX_BUSY);
    assert_int_equal(ngx_http_faas_unit_lease_ask(&tl, 1, "f4", 'A'), NGX_OK);

    ngx_http_faas_unit_lease_end(&tl);
}
