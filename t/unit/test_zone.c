
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * The shared zone: its making and its reload, the register of workers and
 * their bells.
 */


#include "ngx_http_faas.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "ngx_http_faas_unit_zone.h"

#define NGX_HTTP_FAAS_TEST_SIZE  (64 * 4096)


typedef struct {
    size_t        size;
    ngx_uint_t    least;                 /* instances */
    ngx_uint_t    most;
} ngx_http_faas_test_zone_size_t;


int ngx_http_faas_test_zone(void);

static void ngx_http_faas_test_zone_sizes(void **state);
static void ngx_http_faas_test_zone_reload(void **state);
static void ngx_http_faas_test_zone_layout(void **state);
static void ngx_http_faas_test_zone_owner(void **state);
static void ngx_http_faas_test_zone_bells(void **state);
static void ngx_http_faas_test_zone_register(void **state);

static uint32_t ngx_http_faas_test_zone_id(char *prefix, char *name);


int
ngx_http_faas_test_zone(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(ngx_http_faas_test_zone_sizes),
        cmocka_unit_test(ngx_http_faas_test_zone_reload),
        cmocka_unit_test(ngx_http_faas_test_zone_layout),
        cmocka_unit_test(ngx_http_faas_test_zone_owner),
        cmocka_unit_test(ngx_http_faas_test_zone_bells),
        cmocka_unit_test(ngx_http_faas_test_zone_register)
    };

    return cmocka_run_group_tests_name("zone", tests, NULL, NULL);
}


/* every size that is taken has room for instances and for requests */

static void
ngx_http_faas_test_zone_sizes(void **state)
{
    char                            *rv;
    ngx_uint_t                       i, n;
    ngx_queue_t                     *q;
    ngx_http_faas_instance_t        *inst;
    ngx_http_faas_unit_zone_t       *t;
    ngx_http_faas_test_zone_size_t  *tc;

    static ngx_http_faas_test_zone_size_t  sizes[] = {
        { 0, 0, 0 },
        { 1, 0, 0 },
        { 4096, 0, 0 },
        { 8 * 4096 - 1, 0, 0 },
        { 8 * 4096, 16, 200 },
        { 64 * 4096, 128, 1020 },
        { 1024 * 1024, 512, 1020 },
        { 16 * 1024 * 1024, 1020, 1020 },
        { 0, 0, 0 }
    };

    for (tc = sizes, i = 0; i == 0 || tc->size; tc++, i++) {

        if (tc->most == 0) {
            t = ngx_http_faas_unit_zone_cycle();

            rv = ngx_http_faas_zone_add(&t->cf, &t->zone, tc->size,
                                        &ngx_core_module);

            assert_ptr_equal(rv, NGX_CONF_ERROR);
            assert_int_equal(t->cycle.shared_memory.part.nelts, 0);

            ngx_destroy_pool(t->pool);
            continue;
        }

        t = ngx_http_faas_unit_zone_create(tc->size);

        assert_int_equal(t->zone.sh->layout, NGX_HTTP_FAAS_LAYOUT);
        assert_in_range(t->zone.sh->ninstances, tc->least, tc->most);

        q = ngx_queue_head(&t->zone.sh->empty);

        for (n = 0; n < t->zone.sh->ninstances; n++) {
            inst = ngx_queue_data(q, ngx_http_faas_instance_t, queue);

            assert_int_equal(inst->slot, n);
            assert_int_equal(inst->state, NGX_HTTP_FAAS_EMPTY);
            assert_int_equal(inst->generation, 0);

            q = ngx_queue_next(q);
        }

        assert_ptr_equal(q, ngx_queue_sentinel(&t->zone.sh->empty));

        ngx_http_faas_unit_zone_destroy(t);
    }
}


/* the next cycle finds everything as it was, bells included */

static void
ngx_http_faas_test_zone_reload(void **state)
{
    ngx_shm_zone_t              next;
    ngx_http_faas_zone_t        zone;
    ngx_http_faas_function_t   *fn;
    ngx_http_faas_instance_t   *inst;
    ngx_http_faas_unit_zone_t  *t;

    t = ngx_http_faas_unit_zone_create(NGX_HTTP_FAAS_TEST_SIZE);

    fn = ngx_http_faas_unit_zone_get(&t->zone, "greet");
    inst = ngx_http_faas_unit_zone_take(
                                      ngx_http_faas_unit_zone_as(t, 0), fn);

    ngx_memzero(&zone, sizeof(ngx_http_faas_zone_t));

    next = *t->shm_zone;
    next.data = &zone;

    assert_int_equal(next.init(&next, &t->zone), NGX_OK);

    assert_ptr_equal(zone.sh, t->zone.sh);
    assert_ptr_equal(zone.shpool, t->zone.shpool);
    assert_ptr_equal(zone.worker, NULL);

    assert_ptr_equal(ngx_http_faas_unit_zone_find(&zone, "greet"), fn);
    assert_int_equal(inst->state, NGX_HTTP_FAAS_CREATING);
    assert_int_equal(inst->generation, 1);

    /* with a mapping that outlives the process, as on Windows */

    ngx_memzero(&zone, sizeof(ngx_http_faas_zone_t));
    next.shm.exists = 1;

    assert_int_equal(next.init(&next, NULL), NGX_OK);
    assert_ptr_equal(zone.sh, t->zone.sh);

    ngx_http_faas_unit_zone_remove(&t->zone, inst);

    ngx_http_faas_unit_zone_destroy(t);
}


static void
ngx_http_faas_test_zone_layout(void **state)
{
    ngx_shm_zone_t              next;
    ngx_http_faas_zone_t        zone;
    ngx_http_faas_unit_zone_t  *t;

    t = ngx_http_faas_unit_zone_create(NGX_HTTP_FAAS_TEST_SIZE);

    ngx_memzero(&zone, sizeof(ngx_http_faas_zone_t));

    next = *t->shm_zone;
    next.data = &zone;

    t->zone.sh->layout = NGX_HTTP_FAAS_LAYOUT + 1;

    assert_int_equal(next.init(&next, &t->zone), NGX_ERROR);

    t->zone.sh->layout = NGX_HTTP_FAAS_LAYOUT;

    assert_int_equal(next.init(&next, &t->zone), NGX_OK);

    ngx_http_faas_unit_zone_destroy(t);
}


/* whose containers are ours: by prefix and name of the zone */

static void
ngx_http_faas_test_zone_owner(void **state)
{
    uint32_t  id;

    id = ngx_http_faas_test_zone_id("/etc/nginx/", "functions");

    assert_int_equal(ngx_http_faas_test_zone_id("/etc/nginx/", "functions"),
                     id);
    assert_int_not_equal(ngx_http_faas_test_zone_id("/etc/nginx/", "others"),
                         id);
    assert_int_not_equal(ngx_http_faas_test_zone_id("/opt/nginx/",
                                                    "functions"),
                         id);
}


static uint32_t
ngx_http_faas_test_zone_id(char *prefix, char *name)
{
    uint32_t                    id;
    ngx_http_faas_unit_zone_t  *t;

    t = ngx_http_faas_unit_zone_cycle();

    t->cycle.prefix.data = (u_char *) prefix;
    t->cycle.prefix.len = ngx_strlen(prefix);
    t->zone.name.data = (u_char *) name;
    t->zone.name.len = ngx_strlen(name);

    assert_ptr_equal(ngx_http_faas_zone_add(&t->cf, &t->zone, 1024 * 1024,
                                            &ngx_core_module),
                     NGX_CONF_OK);

    id = t->zone.owner;

    ngx_destroy_pool(t->pool);

    return id;
}


/* a reload keeps those that there are, for the old workers listen to them */

static void
ngx_http_faas_test_zone_bells(void **state)
{
    int                        *fd, *ofd, flags;
    ngx_uint_t                  i;
    ngx_http_faas_zone_t        more, less;
    ngx_http_faas_unit_zone_t  *t;

    t = ngx_http_faas_unit_zone_create(NGX_HTTP_FAAS_TEST_SIZE);

    assert_int_equal(t->zone.efds->nelts, NGX_HTTP_FAAS_UNIT_WORKERS);
    ofd = t->zone.efds->elts;

    for (i = 0; i < NGX_HTTP_FAAS_UNIT_WORKERS; i++) {
        flags = fcntl(ofd[i], F_GETFD);
        assert_true(flags & FD_CLOEXEC);

        flags = fcntl(ofd[i], F_GETFL);
        assert_true(flags & O_NONBLOCK);

        ngx_worker = i;
        assert_int_equal(ngx_http_faas_worker_eventfd(&t->zone), ofd[i]);
    }

    ngx_worker = i;
    assert_int_equal(ngx_http_faas_worker_eventfd(&t->zone), -1);
    ngx_worker = 0;

    /* more workers */

    more = t->zone;
    t->ccf.worker_processes = NGX_HTTP_FAAS_UNIT_WORKERS + 2;

    assert_int_equal(ngx_http_faas_worker_init_module(&t->cycle, &more,
                                                      &t->zone),
                     NGX_OK);
    assert_int_equal(more.efds->nelts, NGX_HTTP_FAAS_UNIT_WORKERS + 2);
    fd = more.efds->elts;

    for (i = 0; i < NGX_HTTP_FAAS_UNIT_WORKERS; i++) {
        assert_int_equal(fd[i], ofd[i]);
    }

    /* and fewer: some of the old ones still run */

    less = t->zone;
    t->ccf.worker_processes = 1;

    assert_int_equal(ngx_http_faas_worker_init_module(&t->cycle, &less,
                                                      &more),
                     NGX_OK);
    assert_int_equal(less.efds->nelts, NGX_HTTP_FAAS_UNIT_WORKERS + 2);

    /* each bell for itself, and only once it is unlocked */

    ngx_http_faas_zone_lock(&less);

    ngx_http_faas_zone_ring(&less, 1);
    ngx_http_faas_zone_ring(&less, 1);
    ngx_http_faas_zone_ring(&less, NGX_HTTP_FAAS_UNIT_WORKERS + 2);
    ngx_http_faas_zone_ring(&less, NGX_MAX_PROCESSES);
    ngx_http_faas_zone_ring(&less, (ngx_uint_t) -1);

    assert_false(ngx_http_faas_unit_zone_rung(t, 1));

    ngx_http_faas_zone_unlock(&less);

    assert_false(ngx_http_faas_unit_zone_rung(t, 0));
    assert_true(ngx_http_faas_unit_zone_rung(t, 1));
    assert_false(ngx_http_faas_unit_zone_rung(t, 1));
    assert_false(ngx_http_faas_unit_zone_rung(t, 2));

    ngx_http_faas_zone_lock(&less);
    ngx_http_faas_zone_unlock(&less);

    assert_false(ngx_http_faas_unit_zone_rung(t, 1));

    (void) close(fd[NGX_HTTP_FAAS_UNIT_WORKERS]);
    (void) close(fd[NGX_HTTP_FAAS_UNIT_WORKERS + 1]);

    ngx_http_faas_unit_zone_destroy(t);
}


static void
ngx_http_faas_test_zone_register(void **state)
{
    ngx_http_faas_zone_t       *zone;
    ngx_http_faas_worker_t     *first, *second;
    ngx_http_faas_unit_zone_t  *t;

    t = ngx_http_faas_unit_zone_create(NGX_HTTP_FAAS_TEST_SIZE);

    /* without an entry */

    zone = ngx_http_faas_unit_zone_as(t, 0);
    assert_ptr_equal(ngx_http_faas_worker_next(zone), NULL);
    ngx_http_faas_worker_exit(zone);

    /* made at first use */

    ngx_http_faas_zone_lock(zone);
    first = ngx_http_faas_worker_self(zone);
    assert_ptr_equal(ngx_http_faas_worker_self(zone), first);
    ngx_http_faas_zone_unlock(zone);

    assert_non_null(first);
    assert_int_equal(first->pid, t->workers[0].pid);
    assert_int_equal(first->slot, 0);
    assert_ptr_equal(ngx_http_faas_worker_next(zone), NULL);

    zone = ngx_http_faas_unit_zone_as(t, 2);

    ngx_http_faas_zone_lock(zone);
    second = ngx_http_faas_worker_self(zone);
    ngx_http_faas_zone_unlock(zone);

    assert_ptr_not_equal(second, first);
    assert_int_equal(second->slot, 2);

    /* the bell of the one that is meant, if there is such a one */

    ngx_http_faas_zone_lock(zone);
    ngx_http_faas_worker_wake(zone, t->workers[0].pid);
    ngx_http_faas_worker_wake(zone, t->workers[1].pid);
    ngx_http_faas_worker_wake(zone, 0);
    ngx_http_faas_worker_wake(zone, -1);
    ngx_http_faas_zone_unlock(zone);

    assert_true(ngx_http_faas_unit_zone_rung(t, 0));
    assert_false(ngx_http_faas_unit_zone_rung(t, 1));
    assert_false(ngx_http_faas_unit_zone_rung(t, 2));

    zone = ngx_http_faas_unit_zone_as(t, 0);
    ngx_http_faas_worker_exit(zone);
    assert_ptr_equal(zone->worker, NULL);

    zone = ngx_http_faas_unit_zone_as(t, 2);

    ngx_http_faas_zone_lock(zone);
    ngx_http_faas_worker_wake(zone, t->workers[0].pid);
    ngx_http_faas_zone_unlock(zone);

    assert_false(ngx_http_faas_unit_zone_rung(t, 0));

    ngx_http_faas_unit_zone_destroy(t);
}
