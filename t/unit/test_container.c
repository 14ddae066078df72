
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * The names of containers: made, and taken apart again.
 */


#include "ngx_http_faas.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <ctype.h>
#include <stdlib.h>

#include "ngx_http_faas_container.h"
#include "ngx_http_faas_name.h"
#include "ngx_http_faas_unit_zone.h"


#define NGX_HTTP_FAAS_TEST_START     "faas-0a1b2c3d-f0000001-12-345"
#define NGX_HTTP_FAAS_TEST_NAME      "faas-0a1b2c3d-f0000001-1-2."
#define NGX_HTTP_FAAS_TEST_REVISION                                          \
    "000d1a2734414e5b6875828f9ca9b6c3d0ddeaf7"

#define NGX_HTTP_FAAS_TEST_TITLE                                             \
    NGX_HTTP_FAAS_TEST_NAME NGX_HTTP_FAAS_TEST_REVISION


int ngx_http_faas_test_container(void);

static void ngx_http_faas_test_container_name(void **state);
static void ngx_http_faas_test_container_title(void **state);
static void ngx_http_faas_test_container_ref(void **state);
static void ngx_http_faas_test_container_round(void **state);
static void ngx_http_faas_test_container_parts(void **state);
static void ngx_http_faas_test_container_cut(void **state);
static void ngx_http_faas_test_container_bytes(void **state);
static void ngx_http_faas_test_container_numbers(void **state);
static void ngx_http_faas_test_container_hex(void **state);
static void ngx_http_faas_test_container_strange(void **state);
static void ngx_http_faas_test_container_length(void **state);
static void ngx_http_faas_test_container_functions(void **state);
static void ngx_http_faas_test_container_zero(void **state);

static int ngx_http_faas_test_container_setup(void **state);
static int ngx_http_faas_test_container_teardown(void **state);
static ngx_int_t ngx_http_faas_test_container_parse(ngx_pool_t *pool,
    u_char *p, size_t len, ngx_http_faas_container_t *container);
static ngx_int_t ngx_http_faas_test_container_text(ngx_pool_t *pool,
    char *text, ngx_http_faas_container_t *container);
static void ngx_http_faas_test_container_make(ngx_pool_t *pool,
    ngx_str_t *function, ngx_str_t *name);
static void ngx_http_faas_test_container_equal(ngx_str_t *value, char *text);


int
ngx_http_faas_test_container(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(ngx_http_faas_test_container_name),
        cmocka_unit_test(ngx_http_faas_test_container_title),
        cmocka_unit_test(ngx_http_faas_test_container_ref),
        cmocka_unit_test(ngx_http_faas_test_container_round),
        cmocka_unit_test(ngx_http_faas_test_container_parts),
        cmocka_unit_test(ngx_http_faas_test_container_cut),
        cmocka_unit_test(ngx_http_faas_test_container_bytes),
        cmocka_unit_test(ngx_http_faas_test_container_numbers),
        cmocka_unit_test(ngx_http_faas_test_container_hex),
        cmocka_unit_test(ngx_http_faas_test_container_strange),
        cmocka_unit_test(ngx_http_faas_test_container_length),
        cmocka_unit_test(ngx_http_faas_test_container_functions),
        cmocka_unit_test(ngx_http_faas_test_container_zero)
    };

    return cmocka_run_group_tests_name("container", tests,
                                       ngx_http_faas_test_container_setup,
                                       ngx_http_faas_test_container_teardown);
}


static int
ngx_http_faas_test_container_setup(void **state)
{
    *state = ngx_create_pool(16384, ngx_cycle->log);

    return *state ? 0 : -1;
}


static int
ngx_http_faas_test_container_teardown(void **state)
{
    ngx_destroy_pool(*state);

    return 0;
}


/* the parts, of memory that ends where the name does */

static ngx_int_t
ngx_http_faas_test_container_parse(ngx_pool_t *pool, u_char *p, size_t len,
    ngx_http_faas_container_t *container)
{
    u_char     *data;
    ngx_int_t   rc;
    ngx_str_t   name;

    data = malloc(len + (len == 0));
    assert_non_null(data);
    ngx_memcpy(data, p, len);

    name.data = data;
    name.len = len;

    ngx_memset(container, 0xff, sizeof(ngx_http_faas_container_t));

    rc = ngx_http_faas_container_parse(pool, &name, container);
    assert_true(rc == NGX_OK || rc == NGX_DECLINED);

    free(data);

    return rc;
}


static ngx_int_t
ngx_http_faas_test_container_text(ngx_pool_t *pool, char *text,
    ngx_http_faas_container_t *container)
{
    size_t  len;

    len = ngx_strlen(text);

    return ngx_http_faas_test_container_parse(pool, (u_char *) text, len,
                                              container);
}


/* that of slot 12 in its 345th life, and of its function if there is one */

static void
ngx_http_faas_test_container_make(ngx_pool_t *pool, ngx_str_t *function,
    ngx_str_t *name)
{
    u_char                    revision[NGX_HTTP_FAAS_REVISION_LEN];
    ngx_str_t                 base;
    ngx_uint_t                i;
    ngx_http_faas_pool_t      fp;
    ngx_http_faas_instance_t  inst;

    ngx_memzero(&fp, sizeof(ngx_http_faas_pool_t));
    ngx_memzero(&inst, sizeof(ngx_http_faas_instance_t));

    fp.zone.owner = 0x0a1b2c3d;
    inst.epoch = 0xf0000001;
    inst.slot = 12;
    inst.generation = 345;

    assert_int_equal(ngx_http_faas_container_name(&fp, pool, &inst, name),
                     NGX_OK);
    assert_int_equal(name->data[name->len], '\0');

    if (function) {
        base = *name;

        for (i = 0; i < NGX_HTTP_FAAS_REVISION_LEN; i++) {
            revision[i] = (u_char) (i * 13);
        }

        assert_int_equal(ngx_http_faas_container_title(pool, &base, revision,
                                                       function, name),
                         NGX_OK);
        assert_int_equal(name->data[name->len], '\0');
    }
}


static void
ngx_http_faas_test_container_equal(ngx_str_t *value, char *text)
{
    assert_int_equal(value->len, ngx_strlen(text));
    assert_memory_equal(value->data, text, value->len);
}


static void
ngx_http_faas_test_container_name(void **state)
{
    ngx_str_t                 name;
    ngx_http_faas_pool_t      fp;
    ngx_http_faas_instance_t  inst;

    ngx_http_faas_test_container_make(*state, NULL, &name);
    ngx_http_faas_test_container_equal(&name, NGX_HTTP_FAAS_TEST_START);

    /* the shortest and the longest */

    ngx_memzero(&fp, sizeof(ngx_http_faas_pool_t));
    ngx_memzero(&inst, sizeof(ngx_http_faas_instance_t));
    assert_int_equal(ngx_http_faas_container_name(&fp, *state, &inst, &name),
                     NGX_OK);
    ngx_http_faas_test_container_equal(&name, "faas-00000000-00000000-0-0");

    fp.zone.owner = 0xffffffff;
    inst.epoch = 0xffffffff;
    inst.slot = (ngx_uint_t) -1;
    inst.generation = (ngx_uint_t) -1;
    assert_int_equal(ngx_http_faas_container_name(&fp, *state, &inst, &name),
                     NGX_OK);
    ngx_http_faas_test_container_equal(&name,

          "faas-ffffffff-ffffffff-18446744073709551615-18446744073709551615");
}


static void
ngx_http_faas_test_container_title(void **state)
{
    ngx_str_t  name, function;

    ngx_str_set(&function, "Gr\xc3\xbc\xc3\x9f-e_1.0z");
    ngx_http_faas_test_container_make(*state, &function, &name);
    ngx_http_faas_test_container_equal(&name, NGX_HTTP_FAAS_TEST_START "."
                                              NGX_HTTP_FAAS_TEST_REVISION
                                              ".Gr_c3_bc_c3_9f-e_5f1_2e0z");

    ngx_str_set(&function, "a");
    ngx_http_faas_test_container_make(*state, &function, &name);
    ngx_http_faas_test_container_equal(&name, NGX_HTTP_FAAS_TEST_START "."
                                              NGX_HTTP_FAAS_TEST_REVISION
                                              ".a");
}


/* towards the engine by its id, as soon as that is known */

static void
ngx_http_faas_test_container_ref(void **state)
{
    ngx_str_t                   ref;
    ngx_http_faas_pool_t        fp;
    ngx_http_faas_zone_t       *zone;
    ngx_http_faas_instance_t   *inst;
    ngx_http_faas_function_t   *fn;
    ngx_http_faas_unit_zone_t  *t;

    t = ngx_http_faas_unit_zone_create(64 * 4096);
    zone = ngx_http_faas_unit_zone_as(t, 0);
    fn = ngx_http_faas_unit_zone_get(zone, "greet");
    inst = ngx_http_faas_unit_zone_take(zone, fn);

    ngx_memzero(&fp, sizeof(ngx_http_faas_pool_t));
    fp.zone = *zone;
    fp.zone.owner = 0xabc;
    inst->epoch = 0xdef;

    assert_int_equal(ngx_http_faas_container_ref(&fp, *state, inst, &ref),
                     NGX_OK);
    ngx_http_faas_test_container_equal(&ref, "faas-00000abc-00000def-0-1");
    assert_int_equal(ref.data[ref.len], '\0');

    ngx_memset(inst->id, '7', NGX_HTTP_FAAS_ID_LEN);
    inst->identified = 1;

    assert_int_equal(ngx_http_faas_container_ref(&fp, *state, inst, &ref),
                     NGX_OK);
    assert_int_equal(ref.len, NGX_HTTP_FAAS_ID_LEN);
    assert_memory_equal(ref.data, inst->id, NGX_HTTP_FAAS_ID_LEN);
    assert_int_equal(ref.data[ref.len], '\0');

    ngx_http_faas_unit_zone_remove(zone, inst);
    ngx_http_faas_unit_zone_destroy(t);
}


/* what may be a function's name comes back as it was */

static void
ngx_http_faas_test_container_round(void **state)
{
    u_char                     data[NGX_HTTP_FAAS_NAME_SIZE], *p;
    ngx_str_t                  name, function;
    ngx_uint_t                 i, j, n;
    ngx_http_faas_container_t  c;

    static char  *names[] = {
        "a", "_", "a.b-c_d", "_61", "A_2f", "0", "greet",
        "\xc3\xa9", "\xc3\xbc\xc3\x9f", "\xd1\x8f", "e\xcc\x81",
        "\xe6\xbc\xa2\xe5\xad\x97", "\xf0\xa0\x80\x80"
    };

    /* characters of so many bytes, as many as may be */

    static char  *letters[] = {
        "a", "_", "\xc3\xa9", "\xe6\xbc\xa2", "\xf0\xa0\x80\x80"
    };

    static ngx_uint_t  counts[] = { 64, 64, 64, 64, 61 };

    n = sizeof(names) / sizeof(char *);

    for (i = 0; i < n + 5; i++) {

        if (i < n) {
            function.data = (u_char *) names[i];
            function.len = ngx_strlen(names[i]);

        } else {
            p = data;

            for (j = 0; j < counts[i - n]; j++) {
                p = ngx_cpymem(p, letters[i - n], ngx_strlen(letters[i - n]));
            }

            function.data = data;
            function.len = p - data;
        }

        assert_int_equal(ngx_http_faas_name_check(&function), NGX_OK);

        ngx_http_faas_test_container_make(*state, &function, &name);

        for (j = 0; j < name.len; j++) {
            assert_true(isalnum(name.data[j]) || (j && ngx_strchr("_.-",

                                                              name.data[j])));
        }

        assert_int_equal(ngx_http_faas_test_container_parse(*state, name.data,
                                                            name.len, &c),
                         NGX_OK);
        assert_int_equal(c.function.len, function.len);
        assert_memory_equal(c.function.data, function.data, function.len);
    }
}


static void
ngx_http_faas_test_container_parts(void **state)
{
    ngx_str_t                  name, function;
    ngx_uint_t                 i;
    ngx_http_faas_container_t  c;

    ngx_http_faas_test_container_make(*state, NULL, &name);
    assert_int_equal(ngx_http_faas_test_container_parse(*state, name.data,
                                                        name.len, &c),
                     NGX_OK);
    assert_int_equal(c.owner, 0x0a1b2c3d);
    assert_int_equal(c.epoch, 0xf0000001);
    assert_int_equal(c.slot, 12);
    assert_int_equal(c.generation, 345);
    assert_int_equal(c.function.len, 0);

    ngx_str_set(&function, "greet");
    ngx_http_faas_test_container_make(*state, &function, &name);
    assert_int_equal(ngx_http_faas_test_container_parse(*state, name.data,
                                                        name.len, &c),
                     NGX_OK);
    assert_int_equal(c.owner, 0x0a1b2c3d);
    assert_int_equal(c.epoch, 0xf0000001);
    assert_int_equal(c.slot, 12);
    assert_int_equal(c.generation, 345);
    ngx_http_faas_test_container_equal(&c.function, "greet");

    for (i = 0; i < NGX_HTTP_FAAS_REVISION_LEN; i++) {
        assert_int_equal(c.revision[i], (u_char) (i * 13));
    }
}


/* cut at every byte: none of ours, or less of the last part */

static void
ngx_http_faas_test_container_cut(void **state)
{
    size_t                     len, base, dot;
    ngx_int_t                  rc;
    ngx_str_t                  name, function;
    ngx_http_faas_container_t  c;

    ngx_http_faas_test_container_make(*state, NULL, &name);
    base = name.len;

    ngx_str_set(&function, "a\xc3\xbc" "b");
    ngx_http_faas_test_container_make(*state, &function, &name);
    dot = base + 1 + 40 + 1;

    for (len = 0; len <= name.len; len++) {
        rc = ngx_http_faas_test_container_parse(*state, name.data, len, &c);

        if (len < base - 2 || (len > base && len <= dot)) {
            assert_int_equal(rc, NGX_DECLINED);

        } else if (len <= base) {
            assert_int_equal(rc, NGX_OK);
            assert_int_equal(c.slot, 12);
            assert_int_equal(c.function.len, 0);

        } else if (len == dot + 1) {
            assert_int_equal(rc, NGX_OK);
            ngx_http_faas_test_container_equal(&c.function, "a");

        } else if (len < name.len) {

            /* within a character, or of one that has lost its second byte */

            assert_int_equal(rc, len == dot + 7 ? NGX_OK : NGX_DECLINED);

        } else {
            assert_int_equal(rc, NGX_OK);
        }
    }
}


/* any byte at any place: never more than a name of ours says */

static void
ngx_http_faas_test_container_bytes(void **state)
{
    u_char                     old;
    ngx_int_t                  rc;
    ngx_str_t                  name, function;
    ngx_uint_t                 i, ch;
    ngx_http_faas_container_t  c;

    ngx_str_set(&function, "gr\xc3\xbc" "n");
    ngx_http_faas_test_container_make(*state, &function, &name);

    for (i = 0; i < name.len; i++) {
        old = name.data[i];

        for (ch = 0; ch < 256; ch++) {
            name.data[i] = (u_char) ch;

            rc = ngx_http_faas_test_container_parse(*state, name.data,
                                                    name.len, &c);

            if (rc != NGX_OK) {
                assert_int_not_equal(ch, old);
                continue;
            }

            assert_true(i > 4 || ch == old);
            assert_true(c.slot <= 99);
            assert_true(c.generation <= 999);
            assert_int_equal(ngx_http_faas_name_check(&c.function), NGX_OK);

            if (i >= 5 && i < 13) {
                assert_int_equal(c.owner == 0x0a1b2c3d, tolower(ch) == old);
            }
        }

        name.data[i] = old;
    }
}


static void
ngx_http_faas_test_container_numbers(void **state)
{
    ngx_uint_t                 i;
    ngx_http_faas_container_t  c;

    static char  *bad[] = {
        "faas-0a1b2c3d-f0000001--345",
        "faas-0a1b2c3d-f0000001-12-",
        "faas-0a1b2c3d-f0000001-12",
        "faas-0a1b2c3d-f0000001-12-+3",
        "faas-0a1b2c3d-f0000001--1-3",
        "faas-0a1b2c3d-f0000001-1--3",
        "faas-0a1b2c3d-f0000001-0x1-3",
        "faas-0a1b2c3d-f0000001-1 -3",
        "faas-0a1b2c3d-f0000001-1-3 ",
        "faas-0a1b2c3d-f0000001-9223372036854775808-3",
        "faas-0a1b2c3d-f0000001-3-9223372036854775808",
        "faas-0a1b2c3d-f0000001-18446744073709551617-3",
        "faas-0a1b2c3d-f0000001-99999999999999999999999999999999999999-3"
    };

    for (i = 0; i < sizeof(bad) / sizeof(char *); i++) {
        assert_int_equal(ngx_http_faas_test_container_text(*state, bad[i],
                                                           &c),
                         NGX_DECLINED);
    }

    assert_int_equal(ngx_http_faas_test_container_text(*state,

                               "faas-0a1b2c3d-f0000001-0-9223372036854775807",
                                                       &c),
                     NGX_OK);
    assert_int_equal(c.slot, 0);
    assert_int_equal(c.generation, NGX_MAX_INT_T_VALUE);
}


static void
ngx_http_faas_test_container_hex(void **state)
{
    ngx_uint_t                 i;
    ngx_http_faas_container_t  c;

    static char  *bad[] = {
        "faas-0a1b2c3-f0000001-1-2",
        "faas-0a1b2c3d0-f0000001-1-2",
        "faas-0a1b2c3g-f0000001-1-2",
        "faas-0a1b2c3d-f000000-1-2",
        "faas-0a1b2c3d-f00000010-1-2",
        "faas--a1b2c3d-f0000001-1-2",
        "faas-0x1b2c3d-f0000001-1-2",
        "faas-0a1b2c3d-f0000001-1-2..a",
        "faas-0-0-1-2." NGX_HTTP_FAAS_TEST_REVISION ".a",
        NGX_HTTP_FAAS_TEST_NAME "x" NGX_HTTP_FAAS_TEST_REVISION ".a",
        NGX_HTTP_FAAS_TEST_TITLE "0.a",
        NGX_HTTP_FAAS_TEST_TITLE "-a",
        NGX_HTTP_FAAS_TEST_NAME "x00d1a2734414e5b6875828f9ca9b6c3d0ddeaf7.a",
        NGX_HTTP_FAAS_TEST_NAME "000d1a2734414e5b6875828f9ca9b6c3d0ddeafx.a",
        NGX_HTTP_FAAS_TEST_NAME "000d1a2734414e5b6875828f9ca9b6c3d0ddeaf.a"
    };

    for (i = 0; i < sizeof(bad) / sizeof(char *); i++) {
        assert_int_equal(ngx_http_faas_test_container_text(*state, bad[i],
                                                           &c),
                         NGX_DECLINED);
    }
}


/* of other programs */

static void
ngx_http_faas_test_container_strange(void **state)
{
    ngx_uint_t                 i;
    ngx_http_faas_container_t  c;

    static char  *bad[] = {
        "", "f", "faas", "faas-", "faas--", "faas---", "faas----",
        "/faas-0a1b2c3d-f0000001-1-2", "FAAS-0a1b2c3d-f0000001-1-2",
        "faas_0a1b2c3d_f0000001_1_2", " faas-0a1b2c3d-f0000001-1-2",
        "faas-0a1b2c3d-f0000001-1-2-3", "faas-0a1b2c3d-f0000001-1-2/x",
        "nginx", "faas-python", "zealous_ptolemy",
        "faas-0a1b2c3d", "faas-0a1b2c3d-f0000001"
    };

    for (i = 0; i < sizeof(bad) / sizeof(char *); i++) {
        assert_int_equal(ngx_http_faas_test_container_text(*state, bad[i],
                                                           &c),
                         NGX_DECLINED);
    }
}


/* longer than any function's name: refused, and not only past some limit */

static void
ngx_http_faas_test_container_length(void **state)
{
    u_char                     data[8192], *p;
    ngx_uint_t                 i, n;
    ngx_http_faas_container_t  c;

    static ngx_uint_t  counts[] = {
        65, 100, 256, 257, 300, 767, 768, 769, 1000, 8000
    };

    for (i = 0; i < sizeof(counts) / sizeof(ngx_uint_t); i++) {
        n = counts[i];

        p = ngx_sprintf(data, NGX_HTTP_FAAS_TEST_TITLE ".");
        ngx_memset(p, 'a', n);
        assert_int_equal(ngx_http_faas_test_container_parse(*state, data,
                                                            p + n - data, &c),
                         NGX_DECLINED);

        if (n < 2600) {
            while (n--) {
                p = ngx_cpymem(p, "_61", 3);
            }

            assert_int_equal(ngx_http_faas_test_container_parse(*state, data,
                                                                p - data, &c),
                             NGX_DECLINED);
        }
    }
}


/* names that no function has: nobody may make one by the engine */

static void
ngx_http_faas_test_container_functions(void **state)
{
    u_char                     data[512], *p;
    ngx_uint_t                 i;
    ngx_http_faas_container_t  c;

    static char  *bad[] = {
        "", "_", "_6", "a_", "a_6", "_6g", "_g6", "_-1", "_ 6", "__61",
        "_00", "a_00b", "_2f", "_2e_2e_2fpasswd", ".", "..", "a..b", ".a",
        "_2ea", "-a", "_2da", "a_0ab", "a_20b", "a b", "a/b", "_ff", "_c3",
        "_c3_28", "_e6_bc", "_ed_a0_80", "a_22", "_e2_80_8b"
    };

    for (i = 0; i < sizeof(bad) / sizeof(char *); i++) {
        p = ngx_sprintf(data, NGX_HTTP_FAAS_TEST_TITLE ".%s", bad[i]);

        assert_int_equal(ngx_http_faas_test_container_parse(*state, data,
                                                            p - data, &c),
                         NGX_DECLINED);
    }
}


/* a byte of zero ends nothing */

static void
ngx_http_faas_test_container_zero(void **state)
{
    ngx_http_faas_container_t  c;

    assert_int_equal(ngx_http_faas_test_container_parse(*state,

                                    (u_char *) "faas-0a1b2c3d-f0000001-1-2\0",
                                                        27, &c),
                     NGX_DECLINED);
    assert_int_equal(ngx_http_faas_test_container_parse(*state,

                                    (u_char *) "faas\0-0a1b2c3d-f0000001-1-2",
                                                        27, &c),
                     NGX_DECLINED);
    assert_int_equal(ngx_http_faas_test_container_parse(*state,

                                  (u_char *) "faas-0a1b2c3d-f0000001-1-2\0.x",
                                                        29, &c),
                     NGX_DECLINED);
}
