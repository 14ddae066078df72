
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * The loader's protocol: the connection, tried again and again, the frame,
 * and the verdict, which arrives in pieces of every size, or never.  What
 * connect(), send() and recv() give is written down beforehand, and the clock
 * is set by hand.
 */


#include "ngx_http_faas.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>
#include <cjson/cJSON.h>

#include "ngx_http_faas_link.h"


static ngx_int_t ngx_http_faas_test_link_connect(ngx_peer_connection_t *pc);

/* the unit itself, so that it connects to nothing but this test */

#define ngx_event_connect_peer  ngx_http_faas_test_link_connect
#include "../../ngx_http_faas_module/engine/ngx_http_faas_link.c"


#define NGX_HTTP_FAAS_TEST_NONE   99     /* no result yet */
#define NGX_HTTP_FAAS_TEST_REPLY  16384  /* what a verdict may take */

/* a literal with its length, since there may be NUL in it */
#define ngx_http_faas_test_text(s)  { sizeof(s) - 1, (u_char *) s }


typedef struct {
    ngx_pool_t             *pool;
    ngx_log_t               log;         /* keeps silent */
    ngx_http_faas_link_t    link;
    char                   *script;      /* of connect(), see there */
    in_port_t               port;        /* of the last one */
    ngx_uint_t              connects;
    ngx_connection_t       *open[2];     /* control and probe */
    ngx_str_t               reply;       /* that is still to come */
    size_t                  step;        /* in pieces of that size */
    ngx_uint_t              pause;       /* nothing is there just now */
    ngx_int_t               end;         /* what recv() gives then */
    ngx_str_t               sent;
    size_t                  room;        /* what send() takes at once */
    ngx_uint_t              results;
    ngx_uint_t              result;
} ngx_http_faas_test_link_t;


typedef struct {
    ngx_str_t    reply;
    ngx_uint_t   result;
    char        *text;
} ngx_http_faas_test_link_case_t;


int ngx_http_faas_test_link(void);

static void ngx_http_faas_test_link_refused(void **state);
static void ngx_http_faas_test_link_refused_later(void **state);
static void ngx_http_faas_test_link_lost(void **state);
static void ngx_http_faas_test_link_at_once(void **state);
static void ngx_http_faas_test_link_never(void **state);
static void ngx_http_faas_test_link_frame(void **state);
static void ngx_http_faas_test_link_frame_escaped(void **state);
static void ngx_http_faas_test_link_verdict(void **state);
static void ngx_http_faas_test_link_length(void **state);
static void ngx_http_faas_test_link_flood(void **state);
static void ngx_http_faas_test_link_send(void **state);
static void ngx_http_faas_test_link_broken(void **state);
static void ngx_http_faas_test_link_deadline(void **state);
static void ngx_http_faas_test_link_port(void **state);
static void ngx_http_faas_test_link_watch(void **state);
static void ngx_http_faas_test_link_close(void **state);

static cJSON *ngx_http_faas_test_link_head(ngx_str_t *frame,
    ngx_str_t *source);
static ngx_http_faas_test_link_t *ngx_http_faas_test_link_begin(void);
static ngx_http_faas_test_link_t *ngx_http_faas_test_link_script(
    char *script);
static void ngx_http_faas_test_link_end(ngx_http_faas_test_link_t *tl);
static void ngx_http_faas_test_link_wait(ngx_http_faas_test_link_t *tl,
    ngx_msec_t msec);
static void ngx_http_faas_test_link_event(ngx_connection_t *c,
    ngx_uint_t write);
static void ngx_http_faas_test_link_run(ngx_http_faas_test_link_t *tl,
    ngx_str_t *reply, size_t step, ngx_int_t end);
static void ngx_http_faas_test_link_handler(ngx_http_faas_link_t *link);
static ssize_t ngx_http_faas_test_link_recv(ngx_connection_t *c, u_char *buf,
    size_t size);
static ssize_t ngx_http_faas_test_link_send_some(ngx_connection_t *c,
    u_char *buf, size_t size);


static ngx_http_faas_test_link_t  *ngx_http_faas_test_link_now;


static ngx_http_faas_test_link_case_t  ngx_http_faas_test_link_table[] = {

    { ngx_http_faas_test_text("READY\n"), NGX_HTTP_FAAS_LINK_READY, NULL },

    /* whatever the function writes after it is not for us */

    { ngx_http_faas_test_text("READY\nFAILED 3\nabc"),
      NGX_HTTP_FAAS_LINK_READY, NULL },

    { ngx_http_faas_test_text("FAILED 3\nabc"),
      NGX_HTTP_FAAS_LINK_FAILED, "abc" },
    { ngx_http_faas_test_text("FAILED 0\n"),
      NGX_HTTP_FAAS_LINK_FAILED, "" },
    { ngx_http_faas_test_text("FAILED 003\nabc"),
      NGX_HTTP_FAAS_LINK_FAILED, "abc" },
    { ngx_http_faas_test_text("FAILED 5\na\nb\nc"),
      NGX_HTTP_FAAS_LINK_FAILED, "a\nb\nc" },
    { ngx_http_faas_test_text("FAILED 6\nREADY\n"),
      NGX_HTTP_FAAS_LINK_FAILED, "READY\n" },
    { ngx_http_faas_test_text("FAILED 3\nabcdef\n"),
      NGX_HTTP_FAAS_LINK_FAILED, "abc" },

    /* cut */

    { ngx_http_faas_test_text(""), NGX_HTTP_FAAS_LINK_CLOSED, NULL },
    { ngx_http_faas_test_text("READY"), NGX_HTTP_FAAS_LINK_CLOSED, NULL },
    { ngx_http_faas_test_text("FAILED 3"), NGX_HTTP_FAAS_LINK_CLOSED, NULL },
    { ngx_http_faas_test_text("FAILED 3\nab"),
      NGX_HTTP_FAAS_LINK_CLOSED, NULL },

    /* no verdict */

    { ngx_http_faas_test_text("\n"), NGX_HTTP_FAAS_LINK_CLOSED, NULL },
    { ngx_http_faas_test_text("ready\n"), NGX_HTTP_FAAS_LINK_CLOSED, NULL },
    { ngx_http_faas_test_text("READ\n"), NGX_HTTP_FAAS_LINK_CLOSED, NULL },
    { ngx_http_faas_test_text("READY!\n"), NGX_HTTP_FAAS_LINK_CLOSED, NULL },
    { ngx_http_faas_test_text("READY\r\n"),
      NGX_HTTP_FAAS_LINK_CLOSED, NULL },
    { ngx_http_faas_test_text(" READY\n"), NGX_HTTP_FAAS_LINK_CLOSED, NULL },
    { ngx_http_faas_test_text("\0READY\n"), NGX_HTTP_FAAS_LINK_CLOSED, NULL },
    { ngx_http_faas_test_text("READ\0\n"), NGX_HTTP_FAAS_LINK_CLOSED, NULL },
    { ngx_http_faas_test_text("HTTP/1.1 200 OK\r\n\r\n"),
      NGX_HTTP_FAAS_LINK_CLOSED, NULL },

    { ngx_http_faas_test_text("FAILED\n"), NGX_HTTP_FAAS_LINK_CLOSED, NULL },
    { ngx_http_faas_test_text("FAILED \n"), NGX_HTTP_FAAS_LINK_CLOSED, NULL },
    { ngx_http_faas_test_text("FAILED3\nabc"),
      NGX_HTTP_FAAS_LINK_CLOSED, NULL },
    { ngx_http_faas_test_text("FAILED -1\nabc"),
      NGX_HTTP_FAAS_LINK_CLOSED, NULL },
    { ngx_http_faas_test_text("FAILED +3\nabc"),
      NGX_HTTP_FAAS_LINK_CLOSED, NULL },
    { ngx_http_faas_test_text("FAILED  3\nabc"),
      NGX_HTTP_FAAS_LINK_CLOSED, NULL },
    { ngx_http_faas_test_text("FAILED 3 \nabc"),
      NGX_HTTP_FAAS_LINK_CLOSED, NULL },
    { ngx_http_faas_test_text("FAILED 3\r\nabc"),
      NGX_HTTP_FAAS_LINK_CLOSED, NULL },
    { ngx_http_faas_test_text("FAILED 0x3\nabc"),
      NGX_HTTP_FAAS_LINK_CLOSED, NULL },
    { ngx_http_faas_test_text("FAILED 20000\nabc"),
      NGX_HTTP_FAAS_LINK_CLOSED, NULL },
    { ngx_http_faas_test_text("FAILED 2147483648\nabc"),
      NGX_HTTP_FAAS_LINK_CLOSED, NULL },
    { ngx_http_faas_test_text("FAILED 9223372036854775807\nabc"),
      NGX_HTTP_FAAS_LINK_CLOSED, NULL },
    { ngx_http_faas_test_text("FAILED 18446744073709551617\nabc"),
      NGX_HTTP_FAAS_LINK_CLOSED, NULL },

    { ngx_null_string, 0, NULL }
};


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
        cmocka_unit_test(ngx_http_faas_test_link_verdict),
        cmocka_unit_test(ngx_http_faas_test_link_length),
        cmocka_unit_test(ngx_http_faas_test_link_flood),
        cmocka_unit_test(ngx_http_faas_test_link_send),
        cmocka_unit_test(ngx_http_faas_test_link_broken),
        cmocka_unit_test(ngx_http_faas_test_link_deadline),
        cmocka_unit_test(ngx_http_faas_test_link_port),
        cmocka_unit_test(ngx_http_faas_test_link_watch),
        cmocka_unit_test(ngx_http_faas_test_link_close)
    };

    return cmocka_run_group_tests_name("link", tests, NULL, NULL);
}


/* the loader boots: not yet, not yet, now */

static void
ngx_http_faas_test_link_refused(void **state)
{
    ngx_http_faas_test_link_t  *tl;

    tl = ngx_http_faas_test_link_script("rrrrrrrw");

    assert_int_equal(tl->connects, 1);
    assert_int_equal(tl->port, NGX_HTTP_FAAS_CONTROL_PORT);

    /* in between not longer than 20 ms, and not without a pause */

    ngx_http_faas_test_link_wait(tl, 1);
    assert_int_equal(tl->connects, 1);

    ngx_http_faas_test_link_wait(tl, 20);
    assert_in_range(tl->connects, 3, 6);

    ngx_http_faas_test_link_wait(tl, 100);
    assert_int_equal(tl->connects, 8);
    assert_int_equal(tl->results, 0);

    /* not readable, but writable */

    ngx_http_faas_test_link_event(tl->open[0], 0);
    assert_int_equal(tl->results, 0);

    ngx_http_faas_test_link_event(tl->open[0], 1);
    assert_int_equal(tl->results, 1);
    assert_int_equal(tl->result, NGX_HTTP_FAAS_LINK_CONNECTED);

    /* it waits for the frame now */

    ngx_http_faas_test_link_event(tl->open[0], 1);
    ngx_http_faas_test_link_event(tl->open[0], 0);
    ngx_http_faas_test_link_wait(tl, 200);
    assert_int_equal(tl->connects, 8);
    assert_int_equal(tl->results, 1);

    ngx_http_faas_test_link_end(tl);
}


/* the refusal comes as an event; so does a connection that closes at once */

static void
ngx_http_faas_test_link_refused_later(void **state)
{
    ngx_uint_t                  i;
    ngx_http_faas_test_link_t  *tl;

    tl = ngx_http_faas_test_link_script("ffwwww");

    for (i = 0; i < 2; i++) {
        ngx_http_faas_test_link_event(tl->open[0], i);
        assert_null(tl->link.control);
        ngx_http_faas_test_link_wait(tl, 20);
        assert_int_equal(tl->connects, i + 2);
    }

    tl->open[0]->read->pending_eof = 1;
    ngx_http_faas_test_link_event(tl->open[0], 0);
    assert_null(tl->link.control);
    ngx_http_faas_test_link_wait(tl, 20);
    assert_int_equal(tl->connects, 4);

    /* nginx shuts down, and closes what is idle */

    tl->open[0]->close = 1;
    ngx_http_faas_test_link_event(tl->open[0], 0);
    assert_null(tl->link.control);
    ngx_http_faas_test_link_wait(tl, 20);
    assert_int_equal(tl->connects, 5);

    ngx_http_faas_test_link_event(tl->open[0], 1);
    assert_int_equal(tl->results, 1);
    assert_int_equal(tl->result, NGX_HTTP_FAAS_LINK_CONNECTED);

    ngx_http_faas_test_link_end(tl);
}


/* the first packet may be lost: 50 ms are enough */

static void
ngx_http_faas_test_link_lost(void **state)
{
    ngx_http_faas_test_link_t  *tl;

    tl = ngx_http_faas_test_link_script("www");

    ngx_http_faas_test_link_wait(tl, 49);
    assert_int_equal(tl->connects, 1);

    ngx_http_faas_test_link_wait(tl, 1);
    assert_int_equal(tl->connects, 2);

    ngx_http_faas_test_link_wait(tl, 50);
    assert_int_equal(tl->connects, 3);

    ngx_http_faas_test_link_event(tl->open[0], 1);
    assert_int_equal(tl->results, 1);
    assert_int_equal(tl->result, NGX_HTTP_FAAS_LINK_CONNECTED);

    ngx_http_faas_test_link_end(tl);
}


/* connected before it returns: the handler still runs later */

static void
ngx_http_faas_test_link_at_once(void **state)
{
    ngx_http_faas_test_link_t  *tl;

    tl = ngx_http_faas_test_link_script("o");
    assert_int_equal(tl->results, 0);

    ngx_event_process_posted((ngx_cycle_t *) ngx_cycle, &ngx_posted_events);

    assert_int_equal(tl->results, 1);
    assert_int_equal(tl->result, NGX_HTTP_FAAS_LINK_CONNECTED);

    ngx_http_faas_test_link_end(tl);

    /* and not at all when it was closed meanwhile */

    tl = ngx_http_faas_test_link_script("o");
    ngx_http_faas_link_close(&tl->link);

    ngx_event_process_posted((ngx_cycle_t *) ngx_cycle, &ngx_posted_events);
    assert_int_equal(tl->results, 0);

    ngx_http_faas_test_link_end(tl);
}


/* it does not boot: one answer, and no attempt after it */

static void
ngx_http_faas_test_link_never(void **state)
{
    ngx_uint_t                  i, n;
    ngx_http_faas_test_link_t  *tl;

    static char  *scripts[] = { "r", "w", "e" };

    for (i = 0; i < sizeof(scripts) / sizeof(char *); i++) {
        tl = ngx_http_faas_test_link_script(scripts[i]);

        ngx_http_faas_test_link_wait(tl, 499);
        assert_int_equal(tl->results, 0);
        assert_in_range(tl->connects, 10, 40);

        ngx_http_faas_test_link_wait(tl, 1);
        assert_int_equal(tl->results, 1);
        assert_int_equal(tl->result, NGX_HTTP_FAAS_LINK_TIMEOUT);
        assert_null(tl->link.control);

        n = tl->connects;
        ngx_http_faas_test_link_wait(tl, 10000);
        assert_int_equal(tl->connects, n);
        assert_int_equal(tl->results, 1);

        ngx_http_faas_test_link_end(tl);
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


/* as a whole and in pieces, and with a reset instead of an end */

static void
ngx_http_faas_test_link_verdict(void **state)
{
    size_t                           step;
    ngx_uint_t                       end;
    ngx_http_faas_test_link_t       *tl;
    ngx_http_faas_test_link_case_t  *tc;

    for (tc = ngx_http_faas_test_link_table; tc->reply.data; tc++) {

        for (step = 1; step <= tc->reply.len + 1; step++) {

            for (end = 0; end < 2; end++) {
                tl = ngx_http_faas_test_link_begin();

                ngx_http_faas_test_link_run(tl, &tc->reply, step,
                                            end ? NGX_ERROR : 0);

                assert_int_equal(tl->results, 1);
                assert_int_equal(tl->result, tc->result);

                if (tc->text) {
                    assert_int_equal(tl->link.text.len,
                                     ngx_strlen(tc->text));
                    assert_memory_equal(tl->link.text.data, tc->text,
                                        tl->link.text.len);
                }

                ngx_http_faas_test_link_end(tl);
            }
        }
    }
}


/* the longest text that there is room for, and one byte more */

static void
ngx_http_faas_test_link_length(void **state)
{
    u_char                     *p;
    size_t                      step, size;
    ngx_str_t                   reply;
    ngx_uint_t                  i;
    ngx_http_faas_test_link_t  *tl;

    static u_char  page[NGX_HTTP_FAAS_TEST_REPLY + 100];

    static size_t  steps[] = { 1, 7, 4096, sizeof(page) };

    for (i = 0; i < 4; i++) {
        step = steps[i];

        for (size = NGX_HTTP_FAAS_TEST_REPLY - sizeof("FAILED 16000");
             size <= NGX_HTTP_FAAS_TEST_REPLY - sizeof("FAILED 16000") + 1;
             size++)
        {
            ngx_memset(page, 'x', sizeof(page));
            p = ngx_sprintf(page, "FAILED %uz\n", size);

            reply.data = page;
            reply.len = p - page + size;

            tl = ngx_http_faas_test_link_begin();
            ngx_http_faas_test_link_run(tl, &reply, step, 0);

            assert_int_equal(tl->results, 1);

            if (reply.len <= NGX_HTTP_FAAS_TEST_REPLY) {
                assert_int_equal(tl->result, NGX_HTTP_FAAS_LINK_FAILED);
                assert_int_equal(tl->link.text.len, size);
                assert_memory_equal(tl->link.text.data, p, size);

            } else {
                assert_int_equal(tl->result, NGX_HTTP_FAAS_LINK_CLOSED);
            }

            ngx_http_faas_test_link_end(tl);
        }
    }
}


/* it may write for ever: it is not read for ever */

static void
ngx_http_faas_test_link_flood(void **state)
{
    size_t                      step;
    ngx_str_t                   reply;
    ngx_http_faas_test_link_t  *tl;

    static u_char  page[10 * NGX_HTTP_FAAS_TEST_REPLY];

    ngx_memset(page, 'R', sizeof(page));

    for (step = 1000; step <= 100000; step *= 10) {
        reply.data = page;
        reply.len = sizeof(page);

        tl = ngx_http_faas_test_link_begin();
        ngx_http_faas_test_link_run(tl, &reply, step, 0);

        assert_int_equal(tl->results, 1);
        assert_int_equal(tl->result, NGX_HTTP_FAAS_LINK_CLOSED);
        assert_int_equal(sizeof(page) - tl->reply.len,
                         NGX_HTTP_FAAS_TEST_REPLY);

        ngx_http_faas_test_link_end(tl);
    }
}


/* a frame that goes out in pieces arrives whole */

static void
ngx_http_faas_test_link_send(void **state)
{
    size_t                      room;
    ngx_str_t                   frame, ready;
    ngx_uint_t                  i;
    ngx_http_faas_test_link_t  *tl;

    static u_char  page[10000];

    for (i = 0; i < sizeof(page); i++) {
        page[i] = (u_char) (i * 3);
    }

    for (room = 1; room < 20000; room = room * 7 + 1) {
        tl = ngx_http_faas_test_link_begin();

        tl->room = room;
        tl->step = 6;
        tl->pause = 1;

        frame.data = page;
        frame.len = sizeof(page);

        ngx_http_faas_link_send(&tl->link, &frame, 4000);

        while (tl->sent.len < sizeof(page)) {
            assert_int_equal(tl->results, 0);

            ngx_http_faas_test_link_event(tl->open[0], 1);
            ngx_http_faas_test_link_event(tl->open[0], 0);
        }

        assert_int_equal(tl->results, 0);
        assert_memory_equal(tl->sent.data, page, sizeof(page));

        ngx_str_set(&ready, "READY\n");
        tl->reply = ready;
        tl->pause = 0;

        ngx_http_faas_test_link_event(tl->open[0], 0);

        assert_int_equal(tl->results, 1);
        assert_int_equal(tl->result, NGX_HTTP_FAAS_LINK_READY);
        assert_int_equal(tl->sent.len, sizeof(page));

        ngx_http_faas_test_link_end(tl);
    }
}


/* the loader closes while the source is still on its way */

static void
ngx_http_faas_test_link_broken(void **state)
{
    ngx_str_t                   frame, failed;
    ngx_http_faas_test_link_t  *tl;

    static u_char  page[10000];

    frame.data = page;
    frame.len = sizeof(page);

    tl = ngx_http_faas_test_link_begin();
    tl->room = (size_t) -1;
    ngx_http_faas_link_send(&tl->link, &frame, 4000);

    assert_int_equal(tl->results, 1);
    assert_int_equal(tl->result, NGX_HTTP_FAAS_LINK_CLOSED);
    ngx_http_faas_test_link_end(tl);

    /* or gives its verdict early */

    tl = ngx_http_faas_test_link_begin();
    tl->room = 100;
    tl->step = 100;
    tl->pause = 1;
    ngx_http_faas_link_send(&tl->link, &frame, 4000);
    assert_int_equal(tl->results, 0);

    ngx_str_set(&failed, "FAILED 9\ntoo large");
    tl->reply = failed;
    tl->pause = 0;
    ngx_http_faas_test_link_event(tl->open[0], 0);

    assert_int_equal(tl->results, 1);
    assert_int_equal(tl->result, NGX_HTTP_FAAS_LINK_FAILED);
    ngx_http_faas_test_link_end(tl);
}


/* no verdict in time, and no port */

static void
ngx_http_faas_test_link_deadline(void **state)
{
    ngx_str_t                   none;
    ngx_http_faas_test_link_t  *tl;

    tl = ngx_http_faas_test_link_begin();

    ngx_str_null(&none);
    tl->pause = 1;
    tl->script = "r";
    ngx_http_faas_test_link_run(tl, &none, 1, 0);

    ngx_http_faas_test_link_wait(tl, 3999);
    assert_int_equal(tl->results, 0);

    ngx_http_faas_test_link_wait(tl, 1);
    assert_int_equal(tl->results, 1);
    assert_int_equal(tl->result, NGX_HTTP_FAAS_LINK_TIMEOUT);

    ngx_http_faas_test_link_end(tl);
}


/* some give no verdict, and serve: after 250 ms their port is tried */

static void
ngx_http_faas_test_link_port(void **state)
{
    ngx_str_t                   none, ready;
    ngx_uint_t                  verdict;
    ngx_http_faas_test_link_t  *tl;

    ngx_str_null(&none);
    ngx_str_set(&ready, "READY\n");

    for (verdict = 0; verdict < 2; verdict++) {
        tl = ngx_http_faas_test_link_begin();

        tl->pause = 1;
        tl->connects = 0;
        tl->script = "rfwwww";
        ngx_http_faas_test_link_run(tl, &none, 6, 0);

        ngx_http_faas_test_link_wait(tl, 249);
        assert_int_equal(tl->connects, 0);

        ngx_http_faas_test_link_wait(tl, 1);
        assert_int_equal(tl->connects, 1);
        assert_int_equal(tl->port, NGX_HTTP_FAAS_PORT);
        assert_null(tl->link.probe);

        ngx_http_faas_test_link_wait(tl, 50);
        assert_int_equal(tl->connects, 2);
        ngx_http_faas_test_link_event(tl->open[1], 1);
        assert_null(tl->link.probe);
        assert_int_equal(tl->results, 0);

        /* lost, and sent again */

        ngx_http_faas_test_link_wait(tl, 100);
        assert_int_equal(tl->connects, 4);
        assert_int_equal(tl->results, 0);

        if (verdict) {
            tl->reply = ready;
            ngx_http_faas_test_link_event(tl->open[0], 0);

        } else {
            ngx_http_faas_test_link_event(tl->open[1], 0);
            assert_int_equal(tl->results, 0);
            ngx_http_faas_test_link_event(tl->open[1], 1);
        }

        assert_int_equal(tl->results, 1);
        assert_int_equal(tl->result, NGX_HTTP_FAAS_LINK_READY);
        assert_null(tl->link.control);
        assert_null(tl->link.probe);

        ngx_http_faas_test_link_wait(tl, 10000);
        assert_int_equal(tl->results, 1);

        ngx_http_faas_test_link_end(tl);
    }
}


/* after CLOSED the time goes on, and the port is tried */

static void
ngx_http_faas_test_link_watch(void **state)
{
    ngx_str_t                   none;
    ngx_uint_t                  ready;
    ngx_http_faas_test_link_t  *tl;

    ngx_str_null(&none);

    for (ready = 0; ready < 2; ready++) {
        tl = ngx_http_faas_test_link_begin();

        tl->script = "w";
        ngx_http_faas_test_link_run(tl, &none, 1, 0);

        assert_int_equal(tl->results, 1);
        assert_int_equal(tl->result, NGX_HTTP_FAAS_LINK_CLOSED);
        assert_null(tl->link.control);

        /* only when the caller wants it */

        tl->connects = 0;
        ngx_http_faas_test_link_wait(tl, 1000);
        assert_int_equal(tl->connects, 0);

        ngx_http_faas_link_watch(&tl->link);
        ngx_http_faas_link_watch(&tl->link);

        ngx_http_faas_test_link_wait(tl, 1);
        assert_int_equal(tl->connects, 1);
        assert_int_equal(tl->port, NGX_HTTP_FAAS_PORT);

        if (ready) {
            ngx_http_faas_test_link_event(tl->open[1], 1);
            assert_int_equal(tl->result, NGX_HTTP_FAAS_LINK_READY);

        } else {
            ngx_http_faas_test_link_wait(tl, 2998);
            assert_int_equal(tl->results, 1);
            ngx_http_faas_test_link_wait(tl, 1);
            assert_int_equal(tl->result, NGX_HTTP_FAAS_LINK_TIMEOUT);
        }

        assert_int_equal(tl->results, 2);
        ngx_http_faas_test_link_end(tl);
    }
}


/* at any time, and more than once, and nothing comes after it */

static void
ngx_http_faas_test_link_close(void **state)
{
    ngx_str_t                   none;
    ngx_uint_t                  i;
    ngx_http_faas_link_t        unused;
    ngx_http_faas_test_link_t  *tl;

    ngx_memzero(&unused, sizeof(ngx_http_faas_link_t));
    ngx_http_faas_link_close(&unused);

    for (i = 0; i < 3; i++) {
        tl = ngx_http_faas_test_link_begin();

        if (i) {
            ngx_str_null(&none);
            tl->pause = i - 1;
            ngx_http_faas_test_link_run(tl, &none, 1, 0);
        }

        tl->results = 0;

        ngx_http_faas_link_close(&tl->link);
        ngx_http_faas_link_close(&tl->link);

        assert_null(tl->link.control);
        assert_null(tl->link.probe);
        assert_false(tl->link.retry.timer_set);
        assert_false(tl->link.deadline.timer_set);

        ngx_http_faas_test_link_wait(tl, 10000);
        assert_int_equal(tl->results, 0);

        ngx_http_faas_test_link_end(tl);
    }
}


/* the connection stands: the frame may be sent */

static ngx_http_faas_test_link_t *
ngx_http_faas_test_link_begin(void)
{
    ngx_http_faas_test_link_t  *tl;

    tl = ngx_http_faas_test_link_script("w");

    ngx_http_faas_test_link_event(tl->open[0], 1);

    assert_int_equal(tl->results, 1);
    assert_int_equal(tl->result, NGX_HTTP_FAAS_LINK_CONNECTED);

    tl->results = 0;
    tl->result = NGX_HTTP_FAAS_TEST_NONE;

    return tl;
}


/* connecting, for half a second */

static ngx_http_faas_test_link_t *
ngx_http_faas_test_link_script(char *script)
{
    ngx_pool_t                 *pool;
    ngx_http_faas_test_link_t  *tl;

    pool = ngx_create_pool(4096, ngx_cycle->log);
    assert_non_null(pool);

    tl = ngx_pcalloc(pool, sizeof(ngx_http_faas_test_link_t));
    assert_non_null(tl);

    tl->pool = pool;
    tl->script = script;
    tl->room = NGX_MAX_SIZE_T_VALUE / 2;
    tl->result = NGX_HTTP_FAAS_TEST_NONE;

    assert_int_equal(ngx_event_timer_init(&tl->log), NGX_OK);
    ngx_queue_init(&ngx_posted_events);

    tl->link.pool = pool;
    tl->link.log = &tl->log;
    tl->link.address = 0x0a010203;
    tl->link.handler = ngx_http_faas_test_link_handler;
    tl->link.data = tl;

    ngx_http_faas_test_link_now = tl;
    ngx_http_faas_link_connect(&tl->link, 500);

    return tl;
}


static void
ngx_http_faas_test_link_end(ngx_http_faas_test_link_t *tl)
{
    ngx_uint_t  i;

    ngx_http_faas_link_close(&tl->link);

    assert_null(tl->link.control);
    assert_null(tl->link.probe);
    assert_true(ngx_queue_empty(&ngx_posted_events));
    assert_int_equal(ngx_event_no_timers_left(), NGX_OK);

    for (i = 0; i < 2; i++) {
        if (tl->open[i]) {
            assert_int_equal(tl->open[i]->fd, -1);
        }
    }

    ((ngx_cycle_t *) ngx_cycle)->free_connections = NULL;

    ngx_destroy_pool(tl->pool);
}


/* time goes by */

static void
ngx_http_faas_test_link_wait(ngx_http_faas_test_link_t *tl, ngx_msec_t msec)
{
    while (msec--) {
        ngx_current_msec++;
        ngx_event_expire_timers();
    }
}


static void
ngx_http_faas_test_link_event(ngx_connection_t *c, ngx_uint_t write)
{
    ngx_event_t  *ev;

    assert_non_null(c);
    assert_int_not_equal(c->fd, -1);

    ev = write ? c->write : c->read;
    ev->handler(ev);
}


/*
 * The next character of the script, the last one for ever: refused, an error,
 * connected at once, later, or refused later.
 */

static ngx_int_t
ngx_http_faas_test_link_connect(ngx_peer_connection_t *pc)
{
    char                        ch;
    ngx_uint_t                  n;
    ngx_connection_t           *c;
    struct sockaddr_in         *sin;
    ngx_http_faas_test_link_t  *tl;

    tl = ngx_http_faas_test_link_now;

    assert_int_equal(pc->get(pc, pc->data), NGX_OK);
    assert_int_equal(pc->socklen, sizeof(struct sockaddr_in));

    sin = (struct sockaddr_in *) pc->sockaddr;
    assert_int_equal(sin->sin_family, AF_INET);
    assert_int_equal(ntohl(sin->sin_addr.s_addr), tl->link.address);

    tl->port = ntohs(sin->sin_port);
    tl->connects++;

    ch = tl->script[0];

    if (tl->script[1]) {
        tl->script++;
    }

    pc->connection = NULL;

    if (ch == 'r') {
        return NGX_DECLINED;
    }

    if (ch == 'e') {
        return NGX_ERROR;
    }

    c = ngx_pcalloc(tl->pool, sizeof(ngx_connection_t));
    assert_non_null(c);

    c->read = ngx_pcalloc(tl->pool, sizeof(ngx_event_t));
    assert_non_null(c->read);

    c->write = ngx_pcalloc(tl->pool, sizeof(ngx_event_t));
    assert_non_null(c->write);

    /* of what is no socket getsockopt() knows an error only */

    c->fd = (ch == 'f') ? open("/dev/null", O_RDWR)
                        : socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_not_equal(c->fd, -1);

    c->recv = ngx_http_faas_test_link_recv;
    c->send = ngx_http_faas_test_link_send_some;
    c->read->data = c;
    c->write->data = c;
    c->write->write = 1;

    n = (tl->port == NGX_HTTP_FAAS_PORT);

    /* the one before it is gone */

    if (tl->open[n]) {
        assert_int_equal(tl->open[n]->fd, -1);
    }

    tl->open[n] = c;
    pc->connection = c;

    return (ch == 'o') ? NGX_OK : NGX_AGAIN;
}


/* sends a frame, and reads what comes, until a result or a pause */

static void
ngx_http_faas_test_link_run(ngx_http_faas_test_link_t *tl, ngx_str_t *reply,
    size_t step, ngx_int_t end)
{
    ngx_str_t  frame;

    ngx_str_set(&frame, "{}\nsource");

    tl->reply = *reply;
    tl->step = step;
    tl->end = end;

    ngx_http_faas_link_send(&tl->link, &frame, 4000);

    assert_int_equal(tl->sent.len, frame.len);
}


static void
ngx_http_faas_test_link_handler(ngx_http_faas_link_t *link)
{
    ngx_http_faas_test_link_t  *tl = link->data;

    tl->results++;
    tl->result = link->result;
}


static ssize_t
ngx_http_faas_test_link_recv(ngx_connection_t *c, u_char *buf, size_t size)
{
    size_t                      n;
    ngx_http_faas_link_t       *link;
    ngx_http_faas_test_link_t  *tl;

    link = c->data;
    tl = link->data;

    assert_int_not_equal(c->fd, -1);
    assert_true(size > 0);

    if (tl->reply.len == 0) {
        return tl->pause ? NGX_AGAIN : tl->end;
    }

    n = ngx_min(ngx_min(size, tl->step), tl->reply.len);

    ngx_memcpy(buf, tl->reply.data, n);
    tl->reply.data += n;
    tl->reply.len -= n;

    return n;
}


/* every other time there is no room */

static ssize_t
ngx_http_faas_test_link_send_some(ngx_connection_t *c, u_char *buf,
    size_t size)
{
    ngx_http_faas_link_t       *link;
    ngx_http_faas_test_link_t  *tl;

    link = c->data;
    tl = link->data;

    if (tl->room == (size_t) -1) {
        return NGX_ERROR;
    }

    size = ngx_min(size, tl->room);

    if (tl->sent.data == NULL) {
        tl->sent.data = ngx_palloc(tl->pool, 10000);
        assert_non_null(tl->sent.data);
    }

    c->sent++;

    if (c->sent % 2 == 0) {
        return NGX_AGAIN;
    }

    assert_true(tl->sent.len + size <= 10000);

    ngx_memcpy(tl->sent.data + tl->sent.len, buf, size);
    tl->sent.len += size;

    return size;
}
