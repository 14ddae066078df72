
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * The loader's protocol: the verdict, which arrives in pieces of every size,
 * or never.
 */


#include "ngx_http_faas.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "ngx_http_faas_unit_link.h"


typedef struct {
    ngx_str_t    reply;
    ngx_uint_t   result;
    char        *text;
} ngx_http_faas_test_link_verdict_case_t;


int ngx_http_faas_test_link_verdict(void);

static void ngx_http_faas_test_link_verdict_verdict(void **state);
static void ngx_http_faas_test_link_verdict_length(void **state);
static void ngx_http_faas_test_link_verdict_flood(void **state);
static void ngx_http_faas_test_link_verdict_deadline(void **state);
static void ngx_http_faas_test_link_verdict_port(void **state);
static void ngx_http_faas_test_link_verdict_watch(void **state);
static void ngx_http_faas_test_link_verdict_close(void **state);
static void ngx_http_faas_test_link_verdict_run(ngx_http_faas_unit_link_t *tl,
    ngx_str_t *reply, size_t step, ngx_int_t end);


static ngx_http_faas_test_link_verdict_case_t
    ngx_http_faas_test_link_verdict_table[] =
{

    { ngx_http_faas_unit_text("READY\n"), NGX_HTTP_FAAS_LINK_READY, NULL },

    /* whatever the function writes after it is not for us */

    { ngx_http_faas_unit_text("READY\nFAILED 3\nabc"),
      NGX_HTTP_FAAS_LINK_READY, NULL },

    { ngx_http_faas_unit_text("FAILED 3\nabc"),
      NGX_HTTP_FAAS_LINK_FAILED, "abc" },
    { ngx_http_faas_unit_text("FAILED 0\n"),
      NGX_HTTP_FAAS_LINK_FAILED, "" },
    { ngx_http_faas_unit_text("FAILED 003\nabc"),
      NGX_HTTP_FAAS_LINK_FAILED, "abc" },
    { ngx_http_faas_unit_text("FAILED 5\na\nb\nc"),
      NGX_HTTP_FAAS_LINK_FAILED, "a\nb\nc" },
    { ngx_http_faas_unit_text("FAILED 6\nREADY\n"),
      NGX_HTTP_FAAS_LINK_FAILED, "READY\n" },
    { ngx_http_faas_unit_text("FAILED 3\nabcdef\n"),
      NGX_HTTP_FAAS_LINK_FAILED, "abc" },

    /* cut */

    { ngx_http_faas_unit_text(""), NGX_HTTP_FAAS_LINK_CLOSED, NULL },
    { ngx_http_faas_unit_text("READY"), NGX_HTTP_FAAS_LINK_CLOSED, NULL },
    { ngx_http_faas_unit_text("FAILED 3"), NGX_HTTP_FAAS_LINK_CLOSED, NULL },
    { ngx_http_faas_unit_text("FAILED 3\nab"),
      NGX_HTTP_FAAS_LINK_CLOSED, NULL },

    /* no verdict */

    { ngx_http_faas_unit_text("\n"), NGX_HTTP_FAAS_LINK_CLOSED, NULL },
    { ngx_http_faas_unit_text("ready\n"), NGX_HTTP_FAAS_LINK_CLOSED, NULL },
    { ngx_http_faas_unit_text("READ\n"), NGX_HTTP_FAAS_LINK_CLOSED, NULL },
    { ngx_http_faas_unit_text("READY!\n"), NGX_HTTP_FAAS_LINK_CLOSED, NULL },
    { ngx_http_faas_unit_text("READY\r\n"),
      NGX_HTTP_FAAS_LINK_CLOSED, NULL },
    { ngx_http_faas_unit_text(" READY\n"), NGX_HTTP_FAAS_LINK_CLOSED, NULL },
    { ngx_http_faas_unit_text("\0READY\n"), NGX_HTTP_FAAS_LINK_CLOSED, NULL },
    { ngx_http_faas_unit_text("READ\0\n"), NGX_HTTP_FAAS_LINK_CLOSED, NULL },
    { ngx_http_faas_unit_text("HTTP/1.1 200 OK\r\n\r\n"),
      NGX_HTTP_FAAS_LINK_CLOSED, NULL },

    { ngx_http_faas_unit_text("FAILED\n"), NGX_HTTP_FAAS_LINK_CLOSED, NULL },
    { ngx_http_faas_unit_text("FAILED \n"), NGX_HTTP_FAAS_LINK_CLOSED, NULL },
    { ngx_http_faas_unit_text("FAILED3\nabc"),
      NGX_HTTP_FAAS_LINK_CLOSED, NULL },
    { ngx_http_faas_unit_text("FAILED -1\nabc"),
      NGX_HTTP_FAAS_LINK_CLOSED, NULL },
    { ngx_http_faas_unit_text("FAILED +3\nabc"),
      NGX_HTTP_FAAS_LINK_CLOSED, NULL },
    { ngx_http_faas_unit_text("FAILED  3\nabc"),
      NGX_HTTP_FAAS_LINK_CLOSED, NULL },
    { ngx_http_faas_unit_text("FAILED 3 \nabc"),
      NGX_HTTP_FAAS_LINK_CLOSED, NULL },
    { ngx_http_faas_unit_text("FAILED 3\r\nabc"),
      NGX_HTTP_FAAS_LINK_CLOSED, NULL },
    { ngx_http_faas_unit_text("FAILED 0x3\nabc"),
      NGX_HTTP_FAAS_LINK_CLOSED, NULL },
    { ngx_http_faas_unit_text("FAILED 20000\nabc"),
      NGX_HTTP_FAAS_LINK_CLOSED, NULL },
    { ngx_http_faas_unit_text("FAILED 2147483648\nabc"),
      NGX_HTTP_FAAS_LINK_CLOSED, NULL },
    { ngx_http_faas_unit_text("FAILED 9223372036854775807\nabc"),
      NGX_HTTP_FAAS_LINK_CLOSED, NULL },
    { ngx_http_faas_unit_text("FAILED 18446744073709551617\nabc"),
      NGX_HTTP_FAAS_LINK_CLOSED, NULL },

    { ngx_null_string, 0, NULL }
};


int
ngx_http_faas_test_link_verdict(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(ngx_http_faas_test_link_verdict_verdict),
        cmocka_unit_test(ngx_http_faas_test_link_verdict_length),
        cmocka_unit_test(ngx_http_faas_test_link_verdict_flood),
        cmocka_unit_test(ngx_http_faas_test_link_verdict_deadline),
        cmocka_unit_test(ngx_http_faas_test_link_verdict_port),
        cmocka_unit_test(ngx_http_faas_test_link_verdict_watch),
        cmocka_unit_test(ngx_http_faas_test_link_verdict_close)
    };

    return cmocka_run_group_tests_name("link_verdict", tests, NULL, NULL);
}


/* as a whole and in pieces, and with a reset instead of an end */

static void
ngx_http_faas_test_link_verdict_verdict(void **state)
{
    size_t                           step;
    ngx_uint_t                       end;
    ngx_http_faas_unit_link_t       *tl;
    ngx_http_faas_test_link_verdict_case_t  *tc;

    for (tc = ngx_http_faas_test_link_verdict_table; tc->reply.data; tc++) {

        for (step = 1; step <= tc->reply.len + 1; step++) {

            for (end = 0; end < 2; end++) {
                tl = ngx_http_faas_unit_link_begin();

                ngx_http_faas_test_link_verdict_run(tl, &tc->reply, step,
                                                    end ? NGX_ERROR : 0);

                assert_int_equal(tl->results, 1);
                assert_int_equal(tl->result, tc->result);

                if (tc->text) {
                    assert_int_equal(tl->link.text.len,
                                     ngx_strlen(tc->text));
                    assert_memory_equal(tl->link.text.data, tc->text,
                                        tl->link.text.len);
                }

                ngx_http_faas_unit_link_end(tl);
            }
        }
    }
}


/* the longest text that there is room for, and one byte more */

static void
ngx_http_faas_test_link_verdict_length(void **state)
{
    u_char                     *p;
    size_t                      step, size;
    ngx_str_t                   reply;
    ngx_uint_t                  i;
    ngx_http_faas_unit_link_t  *tl;

    static u_char  page[NGX_HTTP_FAAS_UNIT_REPLY + 100];

    static size_t  steps[] = { 1, 7, 4096, sizeof(page) };

    for (i = 0; i < 4; i++) {
        step = steps[i];

        for (size = NGX_HTTP_FAAS_UNIT_REPLY - sizeof("FAILED 16000");
             size <= NGX_HTTP_FAAS_UNIT_REPLY - sizeof("FAILED 16000") + 1;
             size++)
        {
            ngx_memset(page, 'x', sizeof(page));
            p = ngx_sprintf(page, "FAILED %uz\n", size);

            reply.data = page;
            reply.len = p - page + size;

            tl = ngx_http_faas_unit_link_begin();
            ngx_http_faas_test_link_verdict_run(tl, &reply, step, 0);

            assert_int_equal(tl->results, 1);

            if (reply.len <= NGX_HTTP_FAAS_UNIT_REPLY) {
                assert_int_equal(tl->result, NGX_HTTP_FAAS_LINK_FAILED);
                assert_int_equal(tl->link.text.len, size);
                assert_memory_equal(tl->link.text.data, p, size);

            } else {
                assert_int_equal(tl->result, NGX_HTTP_FAAS_LINK_CLOSED);
            }

            ngx_http_faas_unit_link_end(tl);
        }
    }
}


/* it may write for ever: it is not read for ever */

static void
ngx_http_faas_test_link_verdict_flood(void **state)
{
    size_t                      step;
    ngx_str_t                   reply;
    ngx_http_faas_unit_link_t  *tl;

    static u_char  page[10 * NGX_HTTP_FAAS_UNIT_REPLY];

    ngx_memset(page, 'R', sizeof(page));

    for (step = 1000; step <= 100000; step *= 10) {
        reply.data = page;
        reply.len = sizeof(page);

        tl = ngx_http_faas_unit_link_begin();
        ngx_http_faas_test_link_verdict_run(tl, &reply, step, 0);

        assert_int_equal(tl->results, 1);
        assert_int_equal(tl->result, NGX_HTTP_FAAS_LINK_CLOSED);
        assert_int_equal(sizeof(page) - tl->reply.len,
                         NGX_HTTP_FAAS_UNIT_REPLY);

        ngx_http_faas_unit_link_end(tl);
    }
}


/* no verdict in time, and no port */

static void
ngx_http_faas_test_link_verdict_deadline(void **state)
{
    ngx_str_t                   none;
    ngx_http_faas_unit_link_t  *tl;

    tl = ngx_http_faas_unit_link_begin();

    ngx_str_null(&none);
    tl->pause = 1;
    tl->script = "r";
    ngx_http_faas_test_link_verdict_run(tl, &none, 1, 0);

    ngx_http_faas_unit_link_wait(tl, 3999);
    assert_int_equal(tl->results, 0);

    ngx_http_faas_unit_link_wait(tl, 1);
    assert_int_equal(tl->results, 1);
    assert_int_equal(tl->result, NGX_HTTP_FAAS_LINK_TIMEOUT);

    ngx_http_faas_unit_link_end(tl);
}


/* some give no verdict, and serve: after 250 ms their port is tried */

static void
ngx_http_faas_test_link_verdict_port(void **state)
{
    ngx_str_t                   none, ready;
    ngx_uint_t                  verdict;
    ngx_http_faas_unit_link_t  *tl;

    ngx_str_null(&none);
    ngx_str_set(&ready, "READY\n");

    for (verdict = 0; verdict < 2; verdict++) {
        tl = ngx_http_faas_unit_link_begin();

        tl->pause = 1;
        tl->connects = 0;
        tl->script = "rfwwww";
        ngx_http_faas_test_link_verdict_run(tl, &none, 6, 0);

        ngx_http_faas_unit_link_wait(tl, 249);
        assert_int_equal(tl->connects, 0);

        ngx_http_faas_unit_link_wait(tl, 1);
        assert_int_equal(tl->connects, 1);
        assert_int_equal(tl->port, NGX_HTTP_FAAS_PORT);
        assert_null(tl->link.probe);

        ngx_http_faas_unit_link_wait(tl, 50);
        assert_int_equal(tl->connects, 2);
        ngx_http_faas_unit_link_event(tl->open[1], 1);
        assert_null(tl->link.probe);
        assert_int_equal(tl->results, 0);

        /* lost, and sent again */

        ngx_http_faas_unit_link_wait(tl, 100);
        assert_int_equal(tl->connects, 4);
        assert_int_equal(tl->results, 0);

        if (verdict) {
            tl->reply = ready;
            ngx_http_faas_unit_link_event(tl->open[0], 0);

        } else {
            ngx_http_faas_unit_link_event(tl->open[1], 0);
            assert_int_equal(tl->results, 0);
            ngx_http_faas_unit_link_event(tl->open[1], 1);
        }

        assert_int_equal(tl->results, 1);
        assert_int_equal(tl->result, NGX_HTTP_FAAS_LINK_READY);
        assert_null(tl->link.control);
        assert_null(tl->link.probe);

        ngx_http_faas_unit_link_wait(tl, 10000);
        assert_int_equal(tl->results, 1);

        ngx_http_faas_unit_link_end(tl);
    }
}


/* after CLOSED the time goes on, and the port is tried */

static void
ngx_http_faas_test_link_verdict_watch(void **state)
{
    ngx_str_t                   none;
    ngx_uint_t                  ready;
    ngx_http_faas_unit_link_t  *tl;

    ngx_str_null(&none);

    for (ready = 0; ready < 2; ready++) {
        tl = ngx_http_faas_unit_link_begin();

        tl->script = "w";
        ngx_http_faas_test_link_verdict_run(tl, &none, 1, 0);

        assert_int_equal(tl->results, 1);
        assert_int_equal(tl->result, NGX_HTTP_FAAS_LINK_CLOSED);
        assert_null(tl->link.control);

        /* only when the caller wants it */

        tl->connects = 0;
        ngx_http_faas_unit_link_wait(tl, 1000);
        assert_int_equal(tl->connects, 0);

        ngx_http_faas_link_watch(&tl->link);
        ngx_http_faas_link_watch(&tl->link);

        ngx_http_faas_unit_link_wait(tl, 1);
        assert_int_equal(tl->connects, 1);
        assert_int_equal(tl->port, NGX_HTTP_FAAS_PORT);

        if (ready) {
            ngx_http_faas_unit_link_event(tl->open[1], 1);
            assert_int_equal(tl->result, NGX_HTTP_FAAS_LINK_READY);

        } else {
            ngx_http_faas_unit_link_wait(tl, 2998);
            assert_int_equal(tl->results, 1);
            ngx_http_faas_unit_link_wait(tl, 1);
            assert_int_equal(tl->result, NGX_HTTP_FAAS_LINK_TIMEOUT);
        }

        assert_int_equal(tl->results, 2);
        ngx_http_faas_unit_link_end(tl);
    }
}


/* at any time, and more than once, and nothing comes after it */

static void
ngx_http_faas_test_link_verdict_close(void **state)
{
    ngx_str_t                   none;
    ngx_uint_t                  i;
    ngx_http_faas_link_t        unused;
    ngx_http_faas_unit_link_t  *tl;

    ngx_memzero(&unused, sizeof(ngx_http_faas_link_t));
    ngx_http_faas_link_close(&unused);

    for (i = 0; i < 3; i++) {
        tl = ngx_http_faas_unit_link_begin();

        if (i) {
            ngx_str_null(&none);
            tl->pause = i - 1;
            ngx_http_faas_test_link_verdict_run(tl, &none, 1, 0);
        }

        tl->results = 0;

        ngx_http_faas_link_close(&tl->link);
        ngx_http_faas_link_close(&tl->link);

        assert_null(tl->link.control);
        assert_null(tl->link.probe);
        assert_false(tl->link.retry.timer_set);
        assert_false(tl->link.deadline.timer_set);

        ngx_http_faas_unit_link_wait(tl, 10000);
        assert_int_equal(tl->results, 0);

        ngx_http_faas_unit_link_end(tl);
    }
}


/* sends a frame, and reads what comes, until a result or a pause */

static void
ngx_http_faas_test_link_verdict_run(ngx_http_faas_unit_link_t *tl,
    ngx_str_t *reply, size_t step, ngx_int_t end)
{
    ngx_str_t  frame;

    ngx_str_set(&frame, "{}\nsource");

    tl->reply = *reply;
    tl->step = step;
    tl->end = end;

    ngx_http_faas_link_send(&tl->link, &frame, 4000);

    assert_int_equal(tl->sent.len, frame.len);
}
