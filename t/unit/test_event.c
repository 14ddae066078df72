
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Events of the engine: what is asked for, lines that an engine has sent, and
 * lines that none should send.
 */


#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "ngx_http_faas_docker.h"

#include <cjson/cJSON.h>


#define NGX_HTTP_FAAS_TEST_ID                                                 \
    "5ee428013e525a74de7401b4367f981825f84826384f92d96a78f87ee53a6b0b"

#define NGX_HTTP_FAAS_TEST_ACTOR                                              \
    "\"Actor\":{\"ID\":\"" NGX_HTTP_FAAS_TEST_ID "\",\"Attributes\":{}}"

#define NGX_HTTP_FAAS_TEST_TIME  "\"timeNano\":1795398916680240880"


/* "faas.recipe" is a label of the image */

#define ngx_http_faas_test_line(action, code, nano)                           \
    "{\"status\":\"" action "\",\"id\":\"" NGX_HTTP_FAAS_TEST_ID "\","        \
    "\"from\":\"faas-python\",\"Type\":\"container\",\"Action\":\"" action    \
    "\",\"Actor\":{\"ID\":\"" NGX_HTTP_FAAS_TEST_ID "\",\"Attributes\":{"     \
    code "\"faas.epoch\":\"00000001\",\"faas.kind\":\"0a1b2c3d\","            \
    "\"faas.managed\":\"1\",\"faas.owner\":\"dddddddd\","                     \
    "\"faas.prefix\":\"/tmp/\303\251\\\"\\\\\","                              \
    "\"faas.recipe\":\"e6471657b92c3766\",\"faas.runtime\":\"python\","       \
    "\"faas.slot\":\"7\",\"faas.zone\":\"evt\",\"image\":\"faas-python\","    \
    "\"name\":\"faas-dddddddd-00000001-7-1\"}},\"scope\":\"local\","          \
    "\"time\":1795398916,\"timeNano\":" nano "}"


typedef struct {
    char                           *line;
    ngx_http_faas_docker_action_e   action;
    ngx_int_t                       exit_code;
    ngx_int_t                       slot;
    char                           *time;
} ngx_http_faas_test_event_line_t;


int ngx_http_faas_test_event(void);

static int ngx_http_faas_test_event_setup(void **state);
static int ngx_http_faas_test_event_teardown(void **state);
static ngx_int_t ngx_http_faas_test_event_parse(ngx_pool_t *pool,
    char *text, size_t len, ngx_http_faas_docker_event_t *event);
static void ngx_http_faas_test_event_equal(ngx_str_t *value, char *text);
static void ngx_http_faas_test_event_path(void **state);
static void ngx_http_faas_test_event_since(void **state);
static void ngx_http_faas_test_event_lines(void **state);
static void ngx_http_faas_test_event_bad(void **state);
static void ngx_http_faas_test_event_cut(void **state);
static void ngx_http_faas_test_event_changed(void **state);


static ngx_str_t  ngx_http_faas_test_event_v = ngx_string("1.41");


static char  ngx_http_faas_test_event_die[] =
    ngx_http_faas_test_line("die", "\"exitCode\":\"3\",",
                            "1795398916680240880");


static ngx_http_faas_test_event_line_t  ngx_http_faas_test_event_line[] = {

    { ngx_http_faas_test_event_die,
      NGX_HTTP_FAAS_DOCKER_DIE, 3, 7, "1795398916.680240880" },

    { ngx_http_faas_test_line("die", "\"exitCode\":\"137\",",
                              "1795398918675341414") "\n",
      NGX_HTTP_FAAS_DOCKER_DIE, 137, 7, "1795398918.675341414" },

    { ngx_http_faas_test_line("oom", "", "1795398874427437224") "\r\n",
      NGX_HTTP_FAAS_DOCKER_OOM, NGX_ERROR, 7, "1795398874.427437224" },

    { ngx_http_faas_test_line("pause", "", "1795398876794487483"),
      NGX_HTTP_FAAS_DOCKER_PAUSE, NGX_ERROR, 7, "1795398876.794487483" },

    { ngx_http_faas_test_line("destroy", "", "1795398877002358403"),
      NGX_HTTP_FAAS_DOCKER_DESTROY, NGX_ERROR, 7, "1795398877.002358403" },

    /* not asked for */

    { ngx_http_faas_test_line("exec_create: true ", "", "1795398877000000000"),
      NGX_HTTP_FAAS_DOCKER_OTHER, NGX_ERROR, 7, "1795398877.000000000" },

    { ngx_http_faas_test_line("health_status: healthy", "",
                              "1795398877000000001"),
      NGX_HTTP_FAAS_DOCKER_OTHER, NGX_ERROR, 7, "1795398877.000000001" },

    { ngx_http_faas_test_line("exec_die", "\"exitCode\":\"1\",",
                              "1795398877000000001"),
      NGX_HTTP_FAAS_DOCKER_OTHER, 1, 7, "1795398877.000000001" },

    { ngx_http_faas_test_line("DIE", "", "1795398877000000001"),
      NGX_HTTP_FAAS_DOCKER_OTHER, NGX_ERROR, 7, "1795398877.000000001" },

    { ngx_http_faas_test_line("", "", "1795398877000000001"),
      NGX_HTTP_FAAS_DOCKER_OTHER, NGX_ERROR, 7, "1795398877.000000001" },

    /* a label of the image goes before the engine's exitCode */

    { ngx_http_faas_test_line("die", "\"exitCode\":\"label\",",
                              "1795398874460765554"),
      NGX_HTTP_FAAS_DOCKER_DIE, NGX_ERROR, 7, "1795398874.460765554" },

    { ngx_http_faas_test_line("die", "\"exitCode\":\"\",",
                              "1795398874460765554"),
      NGX_HTTP_FAAS_DOCKER_DIE, NGX_ERROR, 7, "1795398874.460765554" },

    { ngx_http_faas_test_line("die",
                              "\"exitCode\":\"99999999999999999999\",",
                              "1795398874460765554"),
      NGX_HTTP_FAAS_DOCKER_DIE, NGX_ERROR, 7, "1795398874.460765554" },

    /* labels that look like the time */

    { ngx_http_faas_test_line("die", "\"timeNano\":\"1795398874460765553\",",
                              "1795398874460765554"),
      NGX_HTTP_FAAS_DOCKER_DIE, NGX_ERROR, 7, "1795398874.460765554" },

    { ngx_http_faas_test_line("die", "\"x\":\"\\\"timeNano\\\":"
                              "1795398874460765553\",",
                              "1795398874460765554"),
      NGX_HTTP_FAAS_DOCKER_DIE, NGX_ERROR, 7, "1795398874.460765554" },

    { ngx_http_faas_test_line("die", "\"timeNano\":1,",
                              "1795398874460765554"),
      NGX_HTTP_FAAS_DOCKER_DIE, NGX_ERROR, 7, "1795398874.460765554" },

    /* an engine without the names of old, and not one of ours */

    { "{\"Type\":\"container\",\"Action\":\"die\","
      NGX_HTTP_FAAS_TEST_ACTOR "," NGX_HTTP_FAAS_TEST_TIME "}",
      NGX_HTTP_FAAS_DOCKER_DIE, NGX_ERROR, NGX_ERROR,
      "1795398916.680240880" },

    { " {\"Type\":\"container\",\"timeNano\":1,\"Action\":\"die\","
      "\"Actor\":{\"ID\":\"" NGX_HTTP_FAAS_TEST_ID "\",\"Attributes\":{"
      "\"faas.slot\":\"-1\"}}} ",
      NGX_HTTP_FAAS_DOCKER_DIE, NGX_ERROR, NGX_ERROR, "0.000000001" },

    { "{\"Type\":\"container\",\"timeNano\":9223372036854775807,"
      "\"Action\":\"die\"," NGX_HTTP_FAAS_TEST_ACTOR "}",
      NGX_HTTP_FAAS_DOCKER_DIE, NGX_ERROR, NGX_ERROR,
      "9223372036.854775807" },

    { NULL, 0, 0, 0, NULL }
};


int
ngx_http_faas_test_event(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(ngx_http_faas_test_event_path),
        cmocka_unit_test(ngx_http_faas_test_event_since),
        cmocka_unit_test(ngx_http_faas_test_event_lines),
        cmocka_unit_test(ngx_http_faas_test_event_bad),
        cmocka_unit_test(ngx_http_faas_test_event_cut),
        cmocka_unit_test(ngx_http_faas_test_event_changed)
    };

    return cmocka_run_group_tests_name("event", tests,
                                       ngx_http_faas_test_event_setup,
                                       ngx_http_faas_test_event_teardown);
}


static int
ngx_http_faas_test_event_setup(void **state)
{
    *state = ngx_create_pool(4096, ngx_cycle->log);

    return *state ? 0 : -1;
}


static int
ngx_http_faas_test_event_teardown(void **state)
{
    ngx_destroy_pool(*state);

    return 0;
}


/* of a block of its own size: a byte too many is seen */

static ngx_int_t
ngx_http_faas_test_event_parse(ngx_pool_t *pool, char *text, size_t len,
    ngx_http_faas_docker_event_t *event)
{
    ngx_int_t  rc;
    ngx_str_t  line;

    line.len = len;
    line.data = malloc(len ? len : 1);
    assert_non_null(line.data);

    ngx_memcpy(line.data, text, len);

    rc = ngx_http_faas_docker_parse_event(pool, &line, event);

    free(line.data);

    return rc;
}


static void
ngx_http_faas_test_event_equal(ngx_str_t *value, char *text)
{
    assert_int_equal(value->len, ngx_strlen(text));
    assert_memory_equal(value->data, text, value->len);
}


/* the filters as the engine unescapes them, a label of any bytes among them */

static void
ngx_http_faas_test_event_path(void **state)
{
    cJSON                           *root, *want;
    u_char                          *dst, *src, *last;
    ngx_str_t                       *s, filters, since;
    ngx_pool_t                      *pool;
    ngx_array_t                     *labels;
    ngx_http_faas_docker_request_t   req;

    static char  prefix[] =
        "/v1.41/events?since=1795398918.675341414&filters=";

    pool = *state;

    labels = ngx_array_create(pool, 2, sizeof(ngx_str_t));
    assert_non_null(labels);

    s = ngx_array_push(labels);
    assert_non_null(s);
    ngx_str_set(s, "faas.owner=me");

    s = ngx_array_push(labels);
    assert_non_null(s);
    ngx_str_set(s, "x=\"]}&since=0#\\%00 \r\n\303\251");

    ngx_str_set(&since, "1795398918.675341414");

    assert_int_equal(ngx_http_faas_docker_events(pool,
                                                 &ngx_http_faas_test_event_v,
                                                 labels, &since, &req),
                     NGX_OK);

    ngx_http_faas_test_event_equal(&req.method, "GET");
    assert_int_equal(req.body.len, 0);

    assert_true(req.path.len > sizeof(prefix) - 1);
    assert_memory_equal(req.path.data, prefix, sizeof(prefix) - 1);

    src = req.path.data + sizeof(prefix) - 1;
    last = req.path.data + req.path.len;

    for (dst = src; dst < last; dst++) {
        assert_true(*dst > 0x20 && *dst < 0x7f && *dst != '&' && *dst != '#');
    }

    dst = ngx_pnalloc(pool, req.path.len);
    assert_non_null(dst);
    filters.data = dst;

    ngx_unescape_uri(&dst, &src, last - src, 0);
    filters.len = dst - filters.data;

    root = cJSON_ParseWithLength((char *) filters.data, filters.len);
    want = cJSON_Parse("{\"type\":[\"container\"],"
                       "\"event\":[\"die\",\"oom\",\"pause\",\"destroy\"],"
                       "\"label\":[\"faas.owner=me\","
                       "\"x=\\\"]}&since=0#\\\\%00 \\r\\n\303\251\"]}");

    assert_non_null(want);
    assert_true(cJSON_Compare(root, want, 1));

    cJSON_Delete(root);
    cJSON_Delete(want);

    s->data = (u_char *) "x\0y";
    s->len = 3;

    assert_int_equal(ngx_http_faas_docker_events(pool,
                                                 &ngx_http_faas_test_event_v,
                                                 labels, &since, &req),
                     NGX_ERROR);
}


static void
ngx_http_faas_test_event_since(void **state)
{
    ngx_str_t                       *v, none;
    ngx_uint_t                       i;
    ngx_pool_t                      *pool;
    ngx_http_faas_docker_request_t   req;

    static char  empty[] =
        "/v1.41/events?filters="
        "%7B%22type%22%3A%5B%22container%22%5D%2C%22event%22%3A%5B%22die%22"
        "%2C%22oom%22%2C%22pause%22%2C%22destroy%22%5D%2C%22label%22%3A%5B"
        "%5D%7D";

    static ngx_str_t  good[] = {
        ngx_string("0"),
        ngx_string("1795398918"),
        ngx_string("1795398918.0"),
        ngx_string("9223372036.854775807"),
        ngx_string("9223372036854775807.999999999")
    };

    static ngx_str_t  bad[] = {
        ngx_string("."),
        ngx_string(".5"),
        ngx_string("5."),
        ngx_string("-5"),
        ngx_string("+5"),
        ngx_string("10m"),
        ngx_string("1.2.3"),
        ngx_string("1.-2"),
        ngx_string("1.1234567890"),
        ngx_string("9223372036854775808"),
        ngx_string("000000000000000000001"),
        ngx_string("1&filters=x"),
        ngx_string("1\0"),
        ngx_string(" 1"),
        ngx_string("2026-11-23T00:00:00Z")
    };

    pool = *state;
    v = &ngx_http_faas_test_event_v;

    assert_int_equal(ngx_http_faas_docker_events(pool, v, NULL, NULL, &req),
                     NGX_OK);
    ngx_http_faas_test_event_equal(&req.path, empty);

    ngx_str_null(&none);

    assert_int_equal(ngx_http_faas_docker_events(pool, v, NULL, &none, &req),
                     NGX_OK);
    ngx_http_faas_test_event_equal(&req.path, empty);

    for (i = 0; i < sizeof(good) / sizeof(ngx_str_t); i++) {
        assert_int_equal(ngx_http_faas_docker_events(pool, v, NULL, &good[i],
                                                     &req),
                         NGX_OK);
        assert_memory_equal(req.path.data + sizeof("/v1.41/events?since=") - 1,
                            good[i].data, good[i].len);
    }

    for (i = 0; i < sizeof(bad) / sizeof(ngx_str_t); i++) {
        assert_int_equal(ngx_http_faas_docker_events(pool, v, NULL, &bad[i],
                                                     &req),
                         NGX_ERROR);
    }
}


static void
ngx_http_faas_test_event_lines(void **state)
{
    ngx_int_t                         rc;
    ngx_http_faas_docker_event_t      event;
    ngx_http_faas_docker_request_t    req;
    ngx_http_faas_test_event_line_t  *l;

    for (l = ngx_http_faas_test_event_line; l->line; l++) {

        rc = ngx_http_faas_test_event_parse(*state, l->line,
                                            ngx_strlen(l->line), &event);

        if (rc != NGX_OK) {
            print_error("not parsed: %s\n", l->line);
        }

        assert_int_equal(rc, NGX_OK);
        assert_int_equal(event.action, l->action);
        assert_int_equal(event.exit_code, l->exit_code);
        assert_int_equal(event.slot, l->slot);
        ngx_http_faas_test_event_equal(&event.id, NGX_HTTP_FAAS_TEST_ID);
        ngx_http_faas_test_event_equal(&event.time, l->time);

        /* what is said is what may be asked */

        assert_int_equal(ngx_http_faas_docker_events(*state,
                                                 &ngx_http_faas_test_event_v,
                                                 NULL, &event.time, &req),
                         NGX_OK);
    }
}


static void
ngx_http_faas_test_event_bad(void **state)
{
    char                          *deep;
    ngx_int_t                      rc;
    ngx_uint_t                     i;
    ngx_http_faas_docker_event_t   event;

    static char  *bad[] = {
        "", "\n", "null", "7", "\"die\"", "[]", "{}", "die", "{\"Type\":",

        /* two on a line; garbage behind */

        ngx_http_faas_test_line("die", "", "1") "{}",
        ngx_http_faas_test_line("die", "", "1") "x",

        /* an error in the stream */

        "{\"message\":\"context canceled\"}",

        /* not a container's */

        "{\"Type\":\"network\",\"Action\":\"destroy\","
        NGX_HTTP_FAAS_TEST_ACTOR "," NGX_HTTP_FAAS_TEST_TIME "}",

        "{\"Action\":\"destroy\","
        NGX_HTTP_FAAS_TEST_ACTOR "," NGX_HTTP_FAAS_TEST_TIME "}",

        "{\"Type\":[\"container\"],\"Action\":\"destroy\","
        NGX_HTTP_FAAS_TEST_ACTOR "," NGX_HTTP_FAAS_TEST_TIME "}",

        /* no action */

        "{\"Type\":\"container\","
        NGX_HTTP_FAAS_TEST_ACTOR "," NGX_HTTP_FAAS_TEST_TIME "}",

        "{\"Type\":\"container\",\"Action\":null,"
        NGX_HTTP_FAAS_TEST_ACTOR "," NGX_HTTP_FAAS_TEST_TIME "}",

        "{\"Type\":\"container\",\"Action\":1,"
        NGX_HTTP_FAAS_TEST_ACTOR "," NGX_HTTP_FAAS_TEST_TIME "}",

        /* no id, or not one */

        "{\"Type\":\"container\",\"Action\":\"die\","
        NGX_HTTP_FAAS_TEST_TIME "}",

        "{\"Type\":\"container\",\"Action\":\"die\",\"Actor\":[],"
        NGX_HTTP_FAAS_TEST_TIME "}",

        "{\"Type\":\"container\",\"Action\":\"die\",\"id\":\""
        NGX_HTTP_FAAS_TEST_ID "\",\"Actor\":{\"Attributes\":{}},"
        NGX_HTTP_FAAS_TEST_TIME "}",

        "{\"Type\":\"container\",\"Action\":\"die\","
        "\"Actor\":{\"ID\":7,\"Attributes\":{}}," NGX_HTTP_FAAS_TEST_TIME "}",

        "{\"Type\":\"container\",\"Action\":\"die\",\"Actor\":{\"ID\":\"0123"
        "\",\"Attributes\":{}}," NGX_HTTP_FAAS_TEST_TIME "}",

        "{\"Type\":\"container\",\"Action\":\"die\",\"Actor\":{\"ID\":\""
        NGX_HTTP_FAAS_TEST_ID "0\",\"Attributes\":{}},"
        NGX_HTTP_FAAS_TEST_TIME "}",

        "{\"Type\":\"container\",\"Action\":\"die\",\"Actor\":{\"ID\":"
        "\"5EE428013E525A74DE7401B4367F981825F84826384F92D96A78F87EE53A6B0B\""
        ",\"Attributes\":{}}," NGX_HTTP_FAAS_TEST_TIME "}",

        "{\"Type\":\"container\",\"Action\":\"die\",\"Actor\":{\"ID\":"
        "\"../428013e525a74de7401b4367f981825f84826384f92d96a78f87ee53a6b0b\""
        ",\"Attributes\":{}}," NGX_HTTP_FAAS_TEST_TIME "}",

        /* no attributes, or not of strings */

        "{\"Type\":\"container\",\"Action\":\"die\",\"Actor\":{\"ID\":\""
        NGX_HTTP_FAAS_TEST_ID "\"}," NGX_HTTP_FAAS_TEST_TIME "}",

        "{\"Type\":\"container\",\"Action\":\"die\",\"Actor\":{\"ID\":\""
        NGX_HTTP_FAAS_TEST_ID "\",\"Attributes\":[]},"
        NGX_HTTP_FAAS_TEST_TIME "}",

        ngx_http_faas_test_line("die", "\"exitCode\":3,", "1"),
        ngx_http_faas_test_line("die", "\"exitCode\":null,", "1"),
        ngx_http_faas_test_line("die", "\"faas.slot\":{},", "1"),

        /* no time, or not one */

        "{\"Type\":\"container\",\"Action\":\"die\","
        NGX_HTTP_FAAS_TEST_ACTOR "}",

        "{\"Type\":\"container\",\"Action\":\"die\","
        NGX_HTTP_FAAS_TEST_ACTOR ",\"time\":1795398916}",

        "{\"Type\":\"container\",\"Action\":\"die\",\"TIMENANO\":1,"
        NGX_HTTP_FAAS_TEST_ACTOR "}",

        "{\"Type\":\"container\",\"Action\":\"die\",\"timeNan\\u006f\":1,"
        NGX_HTTP_FAAS_TEST_ACTOR "}",

        ngx_http_faas_test_line("die", "", "\"1795398874460765554\""),
        ngx_http_faas_test_line("die", "", "null"),
        ngx_http_faas_test_line("die", "", "0"),
        ngx_http_faas_test_line("die", "", "-1"),
        ngx_http_faas_test_line("die", "", "1.5"),
        ngx_http_faas_test_line("die", "", "1.795398874460765554e18"),
        ngx_http_faas_test_line("die", "", "1e400"),
        ngx_http_faas_test_line("die", "", "9223372036854775808"),
        ngx_http_faas_test_line("die", "", "99999999999999999999999999")
    };

    for (i = 0; i < sizeof(bad) / sizeof(char *); i++) {
        rc = ngx_http_faas_test_event_parse(*state, bad[i],
                                            ngx_strlen(bad[i]), &event);

        if (rc != NGX_ERROR) {
            print_error("parsed: %s\n", bad[i]);
        }

        assert_int_equal(rc, NGX_ERROR);
    }

    /* a tree as deep as a line is long */

    deep = malloc(1024 * 1024);
    assert_non_null(deep);

    ngx_memset(deep, '[', 1024 * 1024);

    assert_int_equal(ngx_http_faas_test_event_parse(*state, deep, 1024 * 1024,
                                                    &event),
                     NGX_ERROR);

    free(deep);
}


static void
ngx_http_faas_test_event_cut(void **state)
{
    char                          *text;
    size_t                         i, len;
    ngx_http_faas_docker_event_t   event;

    text = ngx_http_faas_test_event_die;
    len = sizeof(ngx_http_faas_test_event_die) - 1;

    for (i = 0; i < len; i++) {
        assert_int_equal(ngx_http_faas_test_event_parse(*state, text, i,
                                                        &event),
                         NGX_ERROR);

        if (i) {
            assert_int_equal(ngx_http_faas_test_event_parse(*state, text + i,
                                                            len - i, &event),
                             NGX_ERROR);
        }
    }

    assert_int_equal(ngx_http_faas_test_event_parse(*state, text, len,
                                                    &event),
                     NGX_OK);
}


/* any byte another one: an error, or an event that keeps its promises */

static void
ngx_http_faas_test_event_changed(void **state)
{
    size_t                           i, n;
    ngx_str_t                       *v;
    ngx_uint_t                       c;
    ngx_pool_t                      *pool;
    ngx_http_faas_docker_event_t     event;
    ngx_http_faas_docker_request_t   req;

    static char  text[sizeof(ngx_http_faas_test_event_die)];
    static char  other[] = "\0\"\\{}[]:,0 \n\377\200eu";

    v = &ngx_http_faas_test_event_v;

    pool = ngx_create_pool(4096, ngx_cycle->log);
    assert_non_null(pool);

    ngx_memcpy(text, ngx_http_faas_test_event_die, sizeof(text));

    n = 0;

    for (i = 0; i < sizeof(text) - 1; i++) {
        for (c = 0; c < sizeof(other) - 1; c++) {
            text[i] = other[c];

            if (ngx_http_faas_test_event_parse(pool, text, sizeof(text) - 1,
                                               &event)
                == NGX_OK)
            {
                n++;

                assert_true(event.action <= NGX_HTTP_FAAS_DOCKER_OTHER);

                assert_int_equal(event.id.len, NGX_HTTP_FAAS_ID_LEN);
                assert_int_equal(ngx_http_faas_docker_inspect(pool, v,
                                                              &event.id,
                                                              &req),
                                 NGX_OK);

                assert_int_equal(ngx_http_faas_docker_events(pool, v, NULL,
                                                             &event.time,
                                                             &req),
                                 NGX_OK);
            }

            ngx_reset_pool(pool);
        }

        text[i] = ngx_http_faas_test_event_die[i];
    }

    assert_true(n > 0);

    ngx_destroy_pool(pool);
}
