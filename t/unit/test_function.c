
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * The functions of a zone: their tree, and what is known of each.
 */


#include "ngx_http_faas.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "ngx_http_faas_unit_zone.h"

#define NGX_HTTP_FAAS_TEST_SIZE  (64 * 4096)


int ngx_http_faas_test_function(void);

static void ngx_http_faas_test_function_names(void **state);
static void ngx_http_faas_test_function_tree(void **state);
static void ngx_http_faas_test_function_current(void **state);


int
ngx_http_faas_test_function(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(ngx_http_faas_test_function_names),
        cmocka_unit_test(ngx_http_faas_test_function_tree),
        cmocka_unit_test(ngx_http_faas_test_function_current)
    };

    return cmocka_run_group_tests_name("function", tests, NULL, NULL);
}


/* one name is the beginning of another, and two have the same CRC-32 */

static void
ngx_http_faas_test_function_names(void **state)
{
    ngx_uint_t                  i, j, n;
    ngx_http_faas_function_t   *fn[7];
    ngx_http_faas_unit_zone_t  *t;

    static char  *names[] = {
        "plumless", "buckeroo", "a", "ab", "abc", "b", "\xc3\xa9"
    };

    t = ngx_http_faas_unit_zone_create(NGX_HTTP_FAAS_TEST_SIZE);
    n = sizeof(names) / sizeof(char *);

    assert_int_equal(ngx_crc32_short((u_char *) names[0], 8),
                     ngx_crc32_short((u_char *) names[1], 8));

    /* added and deleted in every rotation */

    for (i = 0; i < n; i++) {

        for (j = 0; j < n; j++) {
            assert_null(ngx_http_faas_unit_zone_find(&t->zone,
                                                     names[(i + j) % n]));
            fn[(i + j) % n] = ngx_http_faas_unit_zone_get(&t->zone,
                                                          names[(i + j) % n]);
        }

        assert_null(ngx_http_faas_unit_zone_find(&t->zone, "abcd"));
        assert_null(ngx_http_faas_unit_zone_find(&t->zone, ""));

        for (j = 0; j < n; j++) {
            assert_ptr_equal(ngx_http_faas_unit_zone_find(&t->zone, names[j]),
                             fn[j]);
            assert_ptr_equal(ngx_http_faas_unit_zone_get(&t->zone, names[j]),
                             fn[j]);
            assert_int_equal(fn[j]->len, ngx_strlen(names[j]));
            assert_memory_equal(fn[j]->name, names[j], fn[j]->len);
        }

        for (j = 0; j < n; j++) {
            ngx_http_faas_unit_zone_release(&t->zone, fn[j]);
            assert_null(ngx_http_faas_unit_zone_find(&t->zone, names[j]));
        }
    }

    ngx_http_faas_unit_zone_destroy(t);
}


static void
ngx_http_faas_test_function_tree(void **state)
{
    u_char                      name[NGX_HTTP_FAAS_NAME_SIZE];
    ngx_uint_t                  i, j, round;
    ngx_http_faas_unit_zone_t  *t;

    static ngx_http_faas_function_t  *fn[500];

    t = ngx_http_faas_unit_zone_create(1024 * 1024);

    srandom(1);
    ngx_memzero(fn, sizeof(fn));

    for (round = 0; round < 5000; round++) {
        i = (ngx_uint_t) random() % 500;
        *ngx_sprintf(name, "function-%ui", i) = '\0';

        assert_ptr_equal(ngx_http_faas_unit_zone_find(&t->zone,
                                                      (char *) name),
                         fn[i]);

        if (fn[i]) {
            ngx_http_faas_unit_zone_release(&t->zone, fn[i]);
            fn[i] = NULL;

        } else {
            fn[i] = ngx_http_faas_unit_zone_get(&t->zone, (char *) name);
        }
    }

    for (i = 0, j = 0; i < 500; i++) {
        *ngx_sprintf(name, "function-%ui", i) = '\0';

        assert_ptr_equal(ngx_http_faas_unit_zone_find(&t->zone,
                                                      (char *) name),
                         fn[i]);

        if (fn[i]) {
            ngx_http_faas_unit_zone_release(&t->zone, fn[i]);
            j++;
        }
    }

    assert_in_range(j, 100, 400);

    ngx_http_faas_unit_zone_destroy(t);
}


/* every part of the identity counts, and a young file is looked at again */

static void
ngx_http_faas_test_function_current(void **state)
{
    ngx_http_faas_want_t        want, other;
    ngx_http_faas_zone_t       *zone;
    ngx_http_faas_function_t   *fn;
    ngx_http_faas_unit_zone_t  *t;

    t = ngx_http_faas_unit_zone_create(NGX_HTTP_FAAS_TEST_SIZE);
    zone = &t->zone;

    want = *ngx_http_faas_unit_zone_want("greet", 1, 'A');
    fn = ngx_http_faas_unit_zone_get(zone, "greet");

    ngx_http_faas_zone_lock(zone);
    fn->pinned = 1;

    assert_false(ngx_http_faas_function_current(fn, &want));

    ngx_http_faas_function_update(fn, &want);
    assert_true(ngx_http_faas_function_current(fn, &want));
    assert_memory_equal(fn->revision, "AAAAAAAAAAAAAAAAAAAA",
                        NGX_HTTP_FAAS_REVISION_LEN);

    other = want;
    other.identity.uniq++;
    assert_false(ngx_http_faas_function_current(fn, &other));

    other = want;
    other.identity.size++;
    assert_false(ngx_http_faas_function_current(fn, &other));

    other = want;
    other.identity.sec++;
    assert_false(ngx_http_faas_function_current(fn, &other));

    other = want;
    other.identity.nsec++;
    assert_false(ngx_http_faas_function_current(fn, &other));

    /* the same bytes in another file */

    ngx_http_faas_function_update(fn, &other);
    assert_true(ngx_http_faas_function_current(fn, &other));
    assert_false(ngx_http_faas_function_current(fn, &want));

    other.racy = 1;
    ngx_http_faas_function_update(fn, &other);
    assert_false(ngx_http_faas_function_current(fn, &other));

    other.racy = 0;
    ngx_http_faas_function_update(fn, &other);
    assert_true(ngx_http_faas_function_current(fn, &other));

    /* not while somebody sees to it */

    ngx_http_faas_function_release(zone, fn);
    ngx_http_faas_zone_unlock(zone);

    assert_ptr_equal(ngx_http_faas_unit_zone_find(zone, "greet"), fn);

    fn->pinned = 0;
    ngx_http_faas_unit_zone_release(zone, fn);

    assert_null(ngx_http_faas_unit_zone_find(zone, "greet"));

    ngx_http_faas_unit_zone_destroy(t);
}
