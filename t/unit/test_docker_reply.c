
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * What is read out of answers of the Docker Engine API, whole and cut off.
 */


#include "ngx_http_faas.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "ngx_http_faas_unit_docker.h"


int ngx_http_faas_test_docker_reply(void);

static ngx_str_t *ngx_http_faas_test_docker_reply_frames(ngx_pool_t *pool,
    ngx_uint_t n);
static void ngx_http_faas_test_docker_reply_parse_create(void **state);
static void ngx_http_faas_test_docker_reply_parse_network(void **state);
static void ngx_http_faas_test_docker_reply_parse_inspect(void **state);
static void ngx_http_faas_test_docker_reply_parse_time(void **state);
static void ngx_http_faas_test_docker_reply_parse_list(void **state);
static void ngx_http_faas_test_docker_reply_parse_logs(void **state);
static void ngx_http_faas_test_docker_reply_cut_logs(void **state);
static void ngx_http_faas_test_docker_reply_cut_json(void **state);


int
ngx_http_faas_test_docker_reply(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(ngx_http_faas_test_docker_reply_parse_create),
        cmocka_unit_test(ngx_http_faas_test_docker_reply_parse_network),
        cmocka_unit_test(ngx_http_faas_test_docker_reply_parse_inspect),
        cmocka_unit_test(ngx_http_faas_test_docker_reply_parse_time),
        cmocka_unit_test(ngx_http_faas_test_docker_reply_parse_list),
        cmocka_unit_test(ngx_http_faas_test_docker_reply_parse_logs),
        cmocka_unit_test(ngx_http_faas_test_docker_reply_cut_logs),
        cmocka_unit_test(ngx_http_faas_test_docker_reply_cut_json)
    };

    return cmocka_run_group_tests_name("docker_reply", tests,
                                       ngx_http_faas_unit_text_setup,
                                       ngx_http_faas_unit_text_teardown);
}


static void
ngx_http_faas_test_docker_reply_parse_create(void **state)
{
    ngx_str_t     id;
    ngx_uint_t    i;
    ngx_pool_t   *pool;

    static char  *bad[] = {
        "",
        "null",
        "{}",
        "[]",
        "{\"Id\":1}",
        "{\"Id\":\"\"}",
        "{\"id\":\"" NGX_HTTP_FAAS_UNIT_ID "\"}",
        "{\"Id\":\"" NGX_HTTP_FAAS_UNIT_ID "0\"}",
        "{\"Id\":\"" NGX_HTTP_FAAS_UNIT_ID "\"",
        "{\"Id\":\"" NGX_HTTP_FAAS_UNIT_ID "\"}x",
        "{\"Id\":\"" NGX_HTTP_FAAS_UNIT_ID "\",",
        "{\"Id\":\"0123456789ABCDEF0123456789abcdef"
        "0123456789abcdef0123456789abcdef\"}",
        "{\"Id\":\"../3456789abcdef0123456789abcdef0"
        "0123456789abcdef0123456789abcdef\"}"
    };

    pool = *state;

    assert_int_equal(ngx_http_faas_docker_parse_create(pool,
                         ngx_http_faas_unit_text_str(pool,
                             "{\"Id\":\"" NGX_HTTP_FAAS_UNIT_ID "\","
                             "\"Warnings\":[]}\n"),
                         &id),
                     NGX_OK);
    ngx_http_faas_unit_text_is(&id, NGX_HTTP_FAAS_UNIT_ID);

    for (i = 0; i < sizeof(bad) / sizeof(char *); i++) {
        assert_int_equal(ngx_http_faas_docker_parse_create(pool,
                             ngx_http_faas_unit_text_str(pool, bad[i]),
                             &id),
                         NGX_ERROR);
    }
}


static void
ngx_http_faas_test_docker_reply_parse_network(void **state)
{
    ngx_int_t                        rc;
    ngx_pool_t                      *pool;
    ngx_http_faas_docker_network_t   net;

    pool = *state;

    rc = ngx_http_faas_docker_parse_network(pool,
             ngx_http_faas_unit_text_str(pool,
                 "{\"Name\":\"faasnet\",\"Id\":\"" NGX_HTTP_FAAS_UNIT_ID "\","
                 "\"IPAM\":{\"Driver\":\"default\",\"Config\":["
                 "{\"Subnet\":\"fd00::/64\"},"
                 "{\"Subnet\":\"10.111.0.0/16\",\"Gateway\":\"10.111.0.1\"}"
                 "]},\"Internal\":true,\"Options\":{"
                 "\"com.docker.network.bridge.enable_icc\":\"false\"},"
                 "\"Labels\":{\"faas.owner\":\"me\"}}"),
             &net);

    assert_int_equal(rc, NGX_OK);
    ngx_http_faas_unit_text_is(&net.id, NGX_HTTP_FAAS_UNIT_ID);
    ngx_http_faas_unit_text_is(&net.subnet, "10.111.0.0/16");
    ngx_http_faas_unit_text_is(&net.gateway, "10.111.0.1");
    ngx_http_faas_unit_text_is(&net.owner, "me");
    assert_true(net.internal && net.isolated);

    rc = ngx_http_faas_docker_parse_network(pool,
             ngx_http_faas_unit_text_str(pool,
                 "{\"Id\":\"" NGX_HTTP_FAAS_UNIT_ID "\",\"IPAM\":null,"
                 "\"Internal\":\"true\",\"Options\":[1],\"Labels\":null}"),
             &net);

    assert_int_equal(rc, NGX_OK);
    assert_int_equal(net.subnet.len, 0);
    assert_int_equal(net.owner.len, 0);
    assert_false(net.internal || net.isolated);

    rc = ngx_http_faas_docker_parse_network(pool,
             ngx_http_faas_unit_text_str(pool, "{}"), &net);
    assert_int_equal(rc, NGX_ERROR);
}


static void
ngx_http_faas_test_docker_reply_parse_inspect(void **state)
{
    ngx_int_t                      rc;
    ngx_uint_t                     i;
    ngx_pool_t                    *pool;
    ngx_http_faas_docker_state_t   s;

    static char  *bad[] = {
        "",
        "{}",
        "[]",
        "{\"State\":{}}",
        "{\"State\":[]}",
        "{\"State\":{\"Running\":1}}",
        "{\"State\":{\"Running\":true,\"Pid\":\"1\"}}",
        "{\"State\":{\"Running\":true,\"Pid\":1e300}}",
        "{\"State\":{\"Running\":true,\"StartedAt\":\"yesterday\"}}"
    };

    pool = *state;

    rc = ngx_http_faas_docker_parse_inspect(pool,
             ngx_http_faas_unit_text_str(pool,
                 "{\"Id\":\"" NGX_HTTP_FAAS_UNIT_ID "\",\"Config\":{"
                 "\"Labels\":{\"faas.owner\":\"me\",\"faas.epoch\":\"e1\","
                 "\"faas.slot\":\"7\"}},"
                 "\"State\":{\"Status\":\"running\",\"Running\":true,"
                 "\"OOMKilled\":false,\"Pid\":4711,\"ExitCode\":0,"
                 "\"Error\":\"\","
                 "\"StartedAt\":\"2023-11-14T22:13:20.123456789Z\"},"
                 "\"NetworkSettings\":{\"Networks\":{\"faasnet\":{"
                 "\"IPAMConfig\":null,\"IPAddress\":\"10.111.0.9\"}}}}"),
             &s);

    assert_int_equal(rc, NGX_OK);
    assert_true(s.running);
    assert_false(s.oom_killed);
    assert_int_equal(s.pid, 4711);
    assert_int_equal(s.started, 1700000000);
    assert_int_equal(s.started_msec, 123);
    ngx_http_faas_unit_text_is(&s.status, "running");
    ngx_http_faas_unit_text_is(&s.address, "10.111.0.9");
    ngx_http_faas_unit_text_is(&s.id, NGX_HTTP_FAAS_UNIT_ID);
    ngx_http_faas_unit_text_is(&s.owner, "me");
    ngx_http_faas_unit_text_is(&s.epoch, "e1");

    rc = ngx_http_faas_docker_parse_inspect(pool,
             ngx_http_faas_unit_text_str(pool,
                 "{\"Id\":\"0123\",\"Config\":{\"Labels\":{"
                 "\"faas.owner\":1}},"
                 "\"State\":{\"Status\":\"exited\",\"Running\":false,"
                 "\"OOMKilled\":true,\"Pid\":0,\"ExitCode\":137,"
                 "\"Error\":\"OCI \\\"x\\\"\","
                 "\"StartedAt\":\"0001-01-01T00:00:00Z\"}}"),
             &s);

    assert_int_equal(rc, NGX_OK);
    assert_false(s.running);
    assert_true(s.oom_killed);
    assert_int_equal(s.exit_code, 137);
    assert_int_equal(s.started, 0);
    ngx_http_faas_unit_text_is(&s.error, "OCI \"x\"");
    assert_int_equal(s.address.len, 0);
    assert_int_equal(s.id.len, 0);
    assert_int_equal(s.owner.len, 0);
    assert_int_equal(s.epoch.len, 0);

    for (i = 0; i < sizeof(bad) / sizeof(char *); i++) {
        rc = ngx_http_faas_docker_parse_inspect(pool,
                 ngx_http_faas_unit_text_str(pool, bad[i]), &s);

        assert_int_equal(rc, NGX_ERROR);
    }
}


static void
ngx_http_faas_test_docker_reply_parse_time(void **state)
{
    ngx_int_t                      rc;
    ngx_uint_t                     i;
    ngx_pool_t                    *pool;
    ngx_http_faas_docker_state_t   s;
    char                           body[128];

    static struct {
        char        *text;
        ngx_int_t    rc;
        time_t       sec;
        ngx_msec_t   msec;
    } times[] = {
        { "1970-01-01T00:00:01Z", NGX_OK, 1, 0 },
        { "1970-01-01T00:00:00.999Z", NGX_OK, 0, 0 },
        { "2000-02-29T23:59:59.5Z", NGX_OK, 951868799, 500 },
        { "2023-11-14T22:13:20Z", NGX_OK, 1700000000, 0 },
        { "2023-11-14T22:13:20.Z", NGX_OK, 1700000000, 0 },
        { "2023-11-15T00:13:20.1+02:00", NGX_OK, 1700000000, 100 },
        { "2023-11-14T20:43:20-01:30", NGX_OK, 1700000000, 0 },
        { "2100-03-01T00:00:00Z", NGX_OK, 4107542400, 0 },
        { "2023-11-14T22:13:20", NGX_ERROR, 0, 0 },
        { "2023-11-14T22:13:20z", NGX_ERROR, 0, 0 },
        { "2023-11-14T22:13:20Z ", NGX_ERROR, 0, 0 },
        { "2023-11-14T22:13:20+0200", NGX_ERROR, 0, 0 },
        { "2023-11-14 22:13:20Z", NGX_ERROR, 0, 0 },
        { "2023-11-14T22:13", NGX_ERROR, 0, 0 },
        { "x", NGX_ERROR, 0, 0 }
    };

    pool = *state;

    for (i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        *ngx_sprintf((u_char *) body,
                     "{\"State\":{\"Running\":true,\"StartedAt\":\"%s\"}}",
                     times[i].text) = '\0';

        rc = ngx_http_faas_docker_parse_inspect(pool,
                 ngx_http_faas_unit_text_str(pool, body), &s);

        assert_int_equal(rc, times[i].rc);

        if (rc == NGX_OK) {
            assert_int_equal(s.started, times[i].sec);
            assert_int_equal(s.started_msec, times[i].msec);
        }
    }
}


static void
ngx_http_faas_test_docker_reply_parse_list(void **state)
{
    ngx_int_t                          rc;
    ngx_uint_t                         i;
    ngx_pool_t                        *pool;
    ngx_array_t                       *list;
    ngx_http_faas_docker_container_t  *c;

    static char  *bad[] = {
        "", "{}", "null", "[", "[{}", "[]]", "[{}]", "[7]", "[null]",
        "[[\"x\"]]", "[{\"Id\":\"short\",\"State\":\"running\"}]",
        "[{\"Id\":17,\"State\":\"running\"}]",
        "[{\"Id\":\"" NGX_HTTP_FAAS_UNIT_ID "\"}]",
        "[{\"Id\":\"" NGX_HTTP_FAAS_UNIT_ID "\",\"State\":{}}]",
        "[{\"Id\":\"" NGX_HTTP_FAAS_UNIT_ID "\",\"State\":\"running\","
        "\"Names\":7}]",
        "[{\"Id\":\"" NGX_HTTP_FAAS_UNIT_ID "\",\"State\":\"running\","
        "\"Names\":[7]}]"
    };

    pool = *state;

    rc = ngx_http_faas_docker_parse_list(pool,
             ngx_http_faas_unit_text_str(pool,
                 "[{\"Id\":\"" NGX_HTTP_FAAS_UNIT_ID "\","
                 "\"Names\":[\"/faas-e1-7\"],\"State\":\"running\","
                 "\"Labels\":{\"faas.owner\":\"me\",\"faas.epoch\":\"e1\","
                 "\"faas.slot\":\"7\",\"faas.kind\":\"0a1b2c3d\","
                 "\"faas.runtime\":\"h\\u00e9llo\","
                 "\"faas.prefix\":\"/f\"},"
                 "\"NetworkSettings\":{\"Networks\":{\"faasnet\":{"
                 "\"IPAMConfig\":{\"IPv4Address\":\"10.111.0.7\"},"
                 "\"IPAddress\":\"\"}}}},"
                 "{\"Id\":\"" NGX_HTTP_FAAS_UNIT_ID "\",\"Names\":null,"
                 "\"State\":\"removing\","
                 "\"Labels\":{\"faas.slot\":\"7x\",\"faas.owner\":1}}]"),
             &list);

    assert_int_equal(rc, NGX_OK);
    assert_int_equal(list->nelts, 2);

    c = list->elts;

    ngx_http_faas_unit_text_is(&c[0].id, NGX_HTTP_FAAS_UNIT_ID);
    ngx_http_faas_unit_text_is(&c[0].name, "faas-e1-7");
    ngx_http_faas_unit_text_is(&c[0].state, "running");
    ngx_http_faas_unit_text_is(&c[0].address, "10.111.0.7");
    ngx_http_faas_unit_text_is(&c[0].owner, "me");
    ngx_http_faas_unit_text_is(&c[0].epoch, "e1");
    ngx_http_faas_unit_text_is(&c[0].runtime, "h\303\251llo");
    ngx_http_faas_unit_text_is(&c[0].kind, "0a1b2c3d");
    ngx_http_faas_unit_text_is(&c[0].prefix, "/f");
    assert_int_equal(c[0].slot, 7);

    assert_int_equal(c[1].name.len, 0);
    assert_int_equal(c[1].owner.len, 0);
    assert_int_equal(c[1].slot, NGX_ERROR);

    rc = ngx_http_faas_docker_parse_list(pool,
             ngx_http_faas_unit_text_str(pool, "[]\n"), &list);
    assert_int_equal(rc, NGX_OK);
    assert_int_equal(list->nelts, 0);

    for (i = 0; i < sizeof(bad) / sizeof(char *); i++) {
        rc = ngx_http_faas_docker_parse_list(pool,
                 ngx_http_faas_unit_text_str(pool, bad[i]), &list);
        assert_int_equal(rc, NGX_ERROR);
    }
}


/* "n" frames "line 0\n", "line 1\n" and so on, of both streams */

static ngx_str_t *
ngx_http_faas_test_docker_reply_frames(ngx_pool_t *pool, ngx_uint_t n)
{
    u_char      *p;
    ngx_str_t   *body;
    ngx_uint_t   i;

    body = ngx_palloc(pool, sizeof(ngx_str_t));
    assert_non_null(body);

    body->len = n * 15;
    body->data = ngx_palloc(pool, body->len);
    assert_non_null(body->data);

    p = body->data;

    for (i = 0; i < n; i++) {
        p = ngx_cpymem(p, "\001\0\0\0\0\0\0\007", 8);
        p[-8] = (u_char) (1 + i % 2);
        p = ngx_sprintf(p, "line %ui\n", i % 10);
    }

    return body;
}


static void
ngx_http_faas_test_docker_reply_parse_logs(void **state)
{
    ngx_str_t    none, text, *body;
    ngx_uint_t   i;
    ngx_pool_t  *pool;

    static struct {
        char        *bytes;
        size_t       len;
        ngx_int_t    rc;
        char        *text;
    } frames[] = {
        { "\0\0\0\0\0\0\0\2in", 10, NGX_OK, "in" },
        { "\1\0\0\0\0\0\0\0\2\0\0\0\0\0\0\1x", 17, NGX_OK, "x" },
        { "\1\0\0\0\0\0\0\3\377\200\300", 11, NGX_OK, "\377\200\300" },
        { "\1\0\0\0\377\377\377\377abc", 11, NGX_OK, "abc" },
        { "\1\0\0\0\0\0\0\1a\3\0\0\0\0\0\0\5oops!", 22, NGX_OK, "a" },
        { "\1\0\0\0\0\0\0\1a\1\0\0", 12, NGX_OK, "a" },
        { "\4\0\0\0\0\0\0\1a", 9, NGX_ERROR, NULL },
        { "\1\0\0\1\0\0\0\1a", 9, NGX_ERROR, NULL },
        { "\1\0\0\0\0\0\0\1a{\"message\"", 20, NGX_ERROR, NULL },
        { "plain text, as of a tty", 23, NGX_ERROR, NULL }
    };

    pool = *state;

    ngx_str_null(&none);

    assert_int_equal(ngx_http_faas_docker_parse_logs(pool, &none, 9, &text),
                     NGX_OK);
    assert_int_equal(text.len, 0);

    for (i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
        body = ngx_http_faas_unit_text_bytes(pool, frames[i].bytes,
                                             frames[i].len);

        assert_int_equal(ngx_http_faas_docker_parse_logs(pool, body, 100,
                                                         &text),
                         frames[i].rc);

        if (frames[i].rc == NGX_OK) {
            ngx_http_faas_unit_text_is(&text, frames[i].text);
        }
    }

    /* the end is kept, and no half of a character at its beginning */

    body = ngx_http_faas_unit_text_bytes(pool,
                    "\1\0\0\0\0\0\0\3a\342\202\1\0\0\0\0\0\0\4\254bcd", 23);

    assert_int_equal(ngx_http_faas_docker_parse_logs(pool, body, 7, &text),
                     NGX_OK);
    ngx_http_faas_unit_text_is(&text, "a\342\202\254bcd");

    assert_int_equal(ngx_http_faas_docker_parse_logs(pool, body, 6, &text),
                     NGX_OK);
    ngx_http_faas_unit_text_is(&text, "\342\202\254bcd");

    assert_int_equal(ngx_http_faas_docker_parse_logs(pool, body, 5, &text),
                     NGX_OK);
    ngx_http_faas_unit_text_is(&text, "bcd");

    assert_int_equal(ngx_http_faas_docker_parse_logs(pool, body, 0, &text),
                     NGX_OK);
    assert_int_equal(text.len, 0);
}


/* cut at every byte and capped at every length: always the end of the text */

static void
ngx_http_faas_test_docker_reply_cut_logs(void **state)
{
    char         all[64];
    size_t       keep, len, max, n;
    ngx_str_t    text, *body;
    ngx_pool_t  *pool;

    static char  *lines = "line 0\nline 1\nline 2\nline 3\n";

    pool = *state;

    body = ngx_http_faas_test_docker_reply_frames(pool, 4);

    for (len = 0; len <= 60; len++) {

        n = len / 15 * 7 + (len % 15 > 8 ? len % 15 - 8 : 0);

        ngx_memcpy(all, lines, n);
        all[n] = '\0';

        for (max = 0; max <= 30; max++) {
            keep = ngx_min(n, max);

            assert_int_equal(ngx_http_faas_docker_parse_logs(pool,
                                 ngx_http_faas_unit_text_bytes(pool,
                                     (char *) body->data, len),
                                 max, &text),
                             NGX_OK);

            ngx_http_faas_unit_text_is(&text, all + n - keep);
        }
    }
}


/* a body of JSON that is cut is an error for every parser, wherever */

static void
ngx_http_faas_test_docker_reply_cut_json(void **state)
{
    size_t                           len;
    ngx_str_t                       *body, id;
    ngx_pool_t                      *pool;
    ngx_array_t                     *list;
    ngx_http_faas_docker_state_t     s;
    ngx_http_faas_docker_network_t   net;

    static char  text[] =
        "{\"Id\":\"" NGX_HTTP_FAAS_UNIT_ID "\",\"1\":1,\"x\":\"\\u00e9\\\\\","
        "\"State\":{\"Running\":true,\"Pid\":-1.5e+1},\"a\":[1,{},[]]}";

    pool = *state;

    for (len = 0; len < sizeof(text); len++) {
        body = ngx_http_faas_unit_text_bytes(pool, text, len);

        assert_int_equal(ngx_http_faas_docker_parse_create(pool, body, &id),
                         len == sizeof(text) - 1 ? NGX_OK : NGX_ERROR);
        assert_int_equal(ngx_http_faas_docker_parse_inspect(pool, body, &s),
                         len == sizeof(text) - 1 ? NGX_OK : NGX_ERROR);
        assert_int_equal(ngx_http_faas_docker_parse_network(pool, body, &net),
                         len == sizeof(text) - 1 ? NGX_OK : NGX_ERROR);
        assert_int_equal(ngx_http_faas_docker_parse_list(pool, body, &list),
                         NGX_ERROR);
    }
}
