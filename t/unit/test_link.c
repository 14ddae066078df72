
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * The loader's protocol: the connection, tried again and again, and the frame.
 */


#include "ngx_http_faas.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <cjson/cJSON.h>

#include "ngx_http_faas_unit_link.h"


int ngx_http_faas_test_link(void);

static void ngx_http_faas_test_link_refused(void **state);
static void ngx_http_faas_test_link_refused_later(void **state);
static void ngx_http_faas_test_link_lost(void **state);
static void ngx_http_faas_test_link_at_once(void **state);
static void ngx_http_faas_test_link_never(void **state);
static void ngx_http_faas_test_link_frame(void **state);
static void ngx_http_faas_test_link_frame_escaped(void **state);
static void ngx_http_faas_test_link_send(void **state);
static void ngx_http_faas_test_link_broken(void **state);
static cJSON *ngx_http_faas_test_link_head(ngx_str_t *frame,
    ngx_str_t *source);


int
ngx_http_faas_test_link(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(ngx_http_faas_test_link_refused),
        cmocka_unit_test(ngx_http_faas_test_link_refused_later),
        cmocka_unit_test(ngx_http_faas_test_link_lost),
        cmocka_unit_test(ngx_http_faas_test_link_at_once),
        cmocka_unit_test(ngx_http_faas_test_link_never),
        cmocka_unit_test(ngx_http_faas_test_link_frame),
        cmocka_unit_test(ngx_http_faas_test_link_frame_escaped),
        cmocka_unit_test(ngx_http_faas_test_link_send),
        cmocka_unit_test(ngx_http_faas_test_link_broken)
    };

    return cmocka_run_group_tests_name("link", tests, NULL, NULL);
}


/* the loader boots: not yet, not yet, now */

static void
ngx_http_faas_test_link_refused(void **state)
{
    ngx_http_faas_unit_link_t  *tl;

    tl = ngx_http_faas_unit_link_script("rrrrrrrw");

    assert_int_equal(tl->connects, 1);
    assert_int_equal(tl->port, NGX_HTTP_FAAS_CONTROL_PORT);

    /* in between not longer than 20 ms, and not without a pause */

    ngx_http_faas_unit_link_wait(tl, 1);
    assert_int_equal(tl->connects, 1);

    ngx_http_faas_unit_link_wait(tl, 20);
    assert_in_range(tl->connects, 3, 6);

    ngx_http_faas_unit_link_wait(tl, 100);
    assert_int_equal(tl->connects, 8);
    assert_int_equal(tl->results, 0);

    /* not readable, but writable */

    ngx_http_faas_unit_link_event(tl->open[0], 0);
    assert_int_equal(tl->results, 0);

    ngx_http_faas_unit_link_event(tl->open[0], 1);
    assert_int_equal(tl->results, 1);
    assert_int_equal(tl->result, NGX_HTTP_FAAS_LINK_CONNECTED);

    /* it waits for the frame now */

    ngx_http_faas_unit_link_event(tl->open[0], 1);
    ngx_http_faas_unit_link_event(tl->open[0], 0);
    ngx_http_faas_unit_link_wait(tl, 200);
    assert_int_equal(tl->connects, 8);
    assert_int_equal(tl->results, 1);

    ngx_http_faas_unit_link_end(tl);
}


/* the refusal comes as an event; so does a connection that closes at once */

static void
ngx_http_faas_test_link_refused_later(void **state)
{
    ngx_uint_t                  i;
    ngx_http_faas_unit_link_t  *tl;

    tl = ngx_http_faas_unit_link_script("ffwwww");

    for (i = 0; i < 2; i++) {
        ngx_http_faas_unit_link_event(tl->open[0], i);
        assert_null(tl->link.control);
        ngx_http_faas_unit_link_wait(tl, 20);
        assert_int_equal(tl->connects, i + 2);
    }

    tl->open[0]->read->pending_eof = 1;
    ngx_http_faas_unit_link_event(tl->open[0], 0);
    assert_null(tl->link.control);
    ngx_http_faas_unit_link_wait(tl, 20);
    assert_int_equal(tl->connects, 4);

    /* nginx shuts down, and closes what is idle */

    tl->open[0]->close = 1;
    ngx_http_faas_unit_link_event(tl->open[0], 0);
    assert_null(tl->link.control);
    ngx_http_faas_unit_link_wait(tl, 20);
    assert_int_equal(tl->connects, 5);

    ngx_http_faas_unit_link_event(tl->open[0], 1);
    assert_int_equal(tl->results, 1);
    assert_int_equal(tl->result, NGX_HTTP_FAAS_LINK_CONNECTED);

    ngx_http_faas_unit_link_end(tl);
}


/* the first packet may be lost: 50 ms are enough */

static void
ngx_http_faas_test_link_lost(void **state)
{
    ngx_http_faas_unit_link_t  *tl;

    tl = ngx_http_faas_unit_link_script("www");

    ngx_http_faas_unit_link_wait(tl, 49);
    assert_int_equal(tl->connects, 1);

    ngx_http_faas_unit_link_wait(tl, 1);
    assert_int_equal(tl->connects, 2);

    ngx_http_faas_unit_link_wait(tl, 50);
    assert_int_equal(tl->connects, 3);

    ngx_http_faas_unit_link_event(tl->open[0], 1);
    assert_int_equal(tl->results, 1);
    assert_int_equal(tl->result, NGX_HTTP_FAAS_LINK_CONNECTED);

    ngx_http_faas_unit_link_end(tl);
}


/* connected before it returns: the handler still runs later */

static void
ngx_http_faas_test_link_at_once(void **state)
{
    ngx_http_faas_unit_link_t  *tl;

    tl = ngx_http_faas_unit_link_script("o");
    assert_int_equal(tl->results, 0);

    ngx_event_process_posted((ngx_cycle_t *) ngx_cycle, &ngx_posted_events);

    assert_int_equal(tl->results, 1);
    assert_int_equal(tl->result, NGX_HTTP_FAAS_LINK_CONNECTED);

    ngx_http_faas_unit_link_end(tl);

    /* and not at all when it was closed meanwhile */

    tl = ngx_http_faas_unit_link_script("o");
    ngx_http_faas_link_close(&tl->link);

    ngx_event_process_posted((ngx_cycle_t *) ngx_cycle, &ngx_posted_events);
    assert_int_equal(tl->results, 0);

    ngx_http_faas_unit_link_end(tl);
}


/* it does not boot: one answer, and no attempt after it */

static void
ngx_http_faas_test_link_never(void **state)
{
    ngx_uint_t                  i, n;
    ngx_http_faas_unit_link_t  *tl;

    static char  *scripts[] = { "r", "w", "e" };

    for (i = 0; i < sizeof(scripts) / sizeof(char *); i++) {
        tl = ngx_http_faas_unit_link_script(scripts[i]);

        ngx_http_faas_unit_link_wait(tl, 499);
        assert_int_equal(tl->results, 0);
        assert_in_range(tl->connects, 10, 40);

        ngx_http_faas_unit_link_wait(tl, 1);
        assert_int_equal(tl->results, 1);
        assert_int_equal(tl->result, NGX_HTTP_FAAS_LINK_TIMEOUT);
        assert_null(tl->link.control);

        n = tl->connects;
        ngx_http_faas_unit_link_wait(tl, 10000);
        assert_int_equal(tl->connects, n);
        assert_int_equal(tl->results, 1);

        ngx_http_faas_unit_link_end(tl);
    }
}


/* the source follows its head as it is, whatever is in it */

static void
ngx_http_faas_test_link_frame(void **state)
{
    size_t         size;
    cJSON         *head;
    ngx_str_t      token, name, source, frame, rest;
    ngx_uint_t     i, j;
    ngx_pool_t    *pool;
    ngx_array_t   *env;
    ngx_keyval_t  *kv;

    static size_t  sizes[] = {
        0, 1, 100, 65536, NGX_HTTP_FAAS_SOURCE_SIZE
    };

    pool = ngx_create_pool(4096, ngx_cycle->log);
    assert_non_null(pool);

    env = ngx_array_create(pool, 2, sizeof(ngx_keyval_t));
    assert_non_null(env);

    ngx_str_set(&token, "0123456789abcdef0123456789abcdef");
    ngx_str_set(&name, "greet.py");

    for (i = 0; i < sizeof(sizes) / sizeof(size_t); i++) {
        size = sizes[i];

        source.len = size;
        source.data = ngx_palloc(pool, size + 1);
        assert_non_null(source.data);

        for (j = 0; j < size; j++) {
            source.data[j] = (u_char) (j * 7 + j / 256);
        }

        assert_int_equal(ngx_http_faas_link_frame(pool, &token, &name, env,
                                                  &source, &frame),
                         NGX_OK);

        head = ngx_http_faas_test_link_head(&frame, &rest);

        assert_int_equal(rest.len, size);
        assert_memory_equal(rest.data, source.data, size);

        assert_string_equal(cJSON_GetObjectItem(head, "token")->valuestring,
                            (char *) token.data);
        assert_string_equal(cJSON_GetObjectItem(head, "name")->valuestring,
                            "greet.py");
        assert_true(cJSON_GetObjectItem(head, "size")->valuedouble == size);

        assert_int_equal(cJSON_GetArraySize(head), 4);
        assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(head,
                                                                "env")),
                         (int) i);
        cJSON_Delete(head);

        kv = ngx_array_push(env);
        assert_non_null(kv);

        kv->key.data = (u_char *) "K";
        kv->key.len = 1;
        ngx_str_set(&kv->value, "V");
    }

    ngx_destroy_pool(pool);
}


/* nothing in a name or a variable ends the head, or adds to it */

static void
ngx_http_faas_test_link_frame_escaped(void **state)
{
    char          *p;
    cJSON         *head, *vars;
    ngx_str_t      token, name, source, frame, rest;
    ngx_uint_t     i;
    ngx_pool_t    *pool;
    ngx_array_t   *env;
    ngx_keyval_t  *kv;

    static char  *texts[] = {
        "", "\n", "\",\"token\":\"x", "\\", "a\\\"b", "\x01\x1f\x7f",
        "\xc3\xa9\xe4\xbd\xa0\xf0\x9f\x98\x80", "{}", "line 1\r\nline 2"
    };

    pool = ngx_create_pool(4096, ngx_cycle->log);
    assert_non_null(pool);

    env = ngx_array_create(pool, 2, sizeof(ngx_keyval_t));
    assert_non_null(env);

    ngx_str_set(&token, "0123456789abcdef0123456789abcdef");
    ngx_str_set(&source, "\n\n{");

    for (i = 0; i < sizeof(texts) / sizeof(char *); i++) {
        kv = ngx_array_push(env);
        assert_non_null(kv);

        p = ngx_palloc(pool, 16);
        assert_non_null(p);
        *ngx_sprintf((u_char *) p, "K_%ui\n\"", i) = '\0';

        kv->key.data = (u_char *) p;
        kv->key.len = ngx_strlen(p);
        kv->value.data = (u_char *) texts[i];
        kv->value.len = ngx_strlen(texts[i]);
    }

    for (i = 0; i < sizeof(texts) / sizeof(char *); i++) {
        name.data = (u_char *) texts[i];
        name.len = ngx_strlen(texts[i]);

        assert_int_equal(ngx_http_faas_link_frame(pool, &token, &name, env,
                                                  &source, &frame),
                         NGX_OK);

        head = ngx_http_faas_test_link_head(&frame, &rest);

        assert_int_equal(rest.len, source.len);
        assert_memory_equal(rest.data, source.data, source.len);

        assert_int_equal(cJSON_GetArraySize(head), 4);
        assert_string_equal(cJSON_GetObjectItem(head, "token")->valuestring,
                            (char *) token.data);
        assert_string_equal(cJSON_GetObjectItem(head, "name")->valuestring,
                            texts[i]);

        vars = cJSON_GetObjectItem(head, "env");
        assert_int_equal(cJSON_GetArraySize(vars), (int) env->nelts);

        kv = env->elts;
        assert_string_equal(cJSON_GetArrayItem(vars, (int) i)->string,
                            (char *) kv[i].key.data);
        assert_string_equal(cJSON_GetArrayItem(vars, (int) i)->valuestring,
                            texts[i]);

        cJSON_Delete(head);
    }

    ngx_destroy_pool(pool);
}


static cJSON *
ngx_http_faas_test_link_head(ngx_str_t *frame, ngx_str_t *source)
{
    cJSON   *head;
    u_char  *lf;

    lf = ngx_strlchr(frame->data, frame->data + frame->len, LF);
    assert_non_null(lf);

    head = cJSON_ParseWithLength((char *) frame->data, lf - frame->data);
    assert_non_null(head);

    source->data = lf + 1;
    source->len = frame->data + frame->len - source->data;

    return head;
}


/* a frame that goes out in pieces arrives whole */

static void
ngx_http_faas_test_link_send(void **state)
{
    size_t                      room;
    ngx_str_t                   frame, ready;
    ngx_uint_t                  i;
    ngx_http_faas_unit_link_t  *tl;

    static u_char  page[10000];

    for (i = 0; i < sizeof(page); i++) {
        page[i] = (u_char) (i * 3);
    }

    for (room = 1; room < 20000; room = room * 7 + 1) {
        tl = ngx_http_faas_unit_link_begin();

        tl->room = room;
        tl->step = 6;
        tl->pause = 1;

        frame.data = page;
        frame.len = sizeof(page);

        ngx_http_faas_link_send(&tl->link, &frame, 4000);

        while (tl->sent.len < sizeof(page)) {
            assert_int_equal(tl->results, 0);

            ngx_http_faas_unit_link_event(tl->open[0], 1);
            ngx_http_faas_unit_link_event(tl->open[0], 0);
        }

        assert_int_equal(tl->results, 0);
        assert_memory_equal(tl->sent.data, page, sizeof(page));

        ngx_str_set(&ready, "READY\n");
        tl->reply = ready;
        tl->pause = 0;

        ngx_http_faas_unit_link_event(tl->open[0], 0);

        assert_int_equal(tl->results, 1);
        assert_int_equal(tl->result, NGX_HTTP_FAAS_LINK_READY);
        assert_int_equal(tl->sent.len, sizeof(page));

        ngx_http_faas_unit_link_end(tl);
    }
}


/* the loader closes while the source is still on its way */

static void
ngx_http_faas_test_link_broken(void **state)
{
    ngx_str_t                   frame, failed;
    ngx_http_faas_unit_link_t  *tl;

    static u_char  page[10000];

    frame.data = page;
    frame.len = sizeof(page);

    tl = ngx_http_faas_unit_link_begin();
    tl->room = (size_t) -1;
    ngx_http_faas_link_send(&tl->link, &frame, 4000);

    assert_int_equal(tl->results, 1);
    assert_int_equal(tl->result, NGX_HTTP_FAAS_LINK_CLOSED);
    ngx_http_faas_unit_link_end(tl);

    /* or gives its verdict early */

    tl = ngx_http_faas_unit_link_begin();
    tl->room = 100;
    tl->step = 100;
    tl->pause = 1;
    ngx_http_faas_link_send(&tl->link, &frame, 4000);
    assert_int_equal(tl->results, 0);

    ngx_str_set(&failed, "FAILED 9\ntoo large");
    tl->reply = failed;
    tl->pause = 0;
    ngx_http_faas_unit_link_event(tl->open[0], 0);

    assert_int_equal(tl->results, 1);
    assert_int_equal(tl->result, NGX_HTTP_FAAS_LINK_FAILED);
    ngx_http_faas_unit_link_end(tl);
}
