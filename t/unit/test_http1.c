
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * The reader of HTTP responses.  Every response is fed whole, in pieces of
 * seven bytes and byte by byte, each piece in a block of its own that is
 * overwritten and freed at once: nothing may point into it.
 */


#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "ngx_http_faas_http1.h"


#define NGX_HTTP_FAAS_TEST_CAP  64


typedef struct {
    ngx_pool_t             *pool;
    ngx_log_t               log;
    ngx_connection_t        connection;
    ngx_http_request_t      request;
    ngx_http_faas_http1_t   http1;
} ngx_http_faas_test_http1_t;


typedef struct {
    char        *response;
    ngx_int_t    rc;                     /* of all bytes */
    ngx_int_t    eof;
    ngx_uint_t   status;
    char        *body;
    char        *api_version;
} ngx_http_faas_test_http1_case_t;


int ngx_http_faas_test_http1(void);

static int ngx_http_faas_test_http1_setup(void **state);
static int ngx_http_faas_test_http1_teardown(void **state);
static ngx_int_t ngx_http_faas_test_http1_feed(ngx_http_faas_test_http1_t *t,
    char *text, size_t len, size_t step);
static void ngx_http_faas_test_http1_case(ngx_http_faas_test_http1_t *t,
    ngx_http_faas_test_http1_case_t *tc, size_t step);
static void ngx_http_faas_test_http1_cases(void **state);
static void ngx_http_faas_test_http1_rest(void **state);
static void ngx_http_faas_test_http1_prefixes(void **state);
static void ngx_http_faas_test_http1_mutations(void **state);
static void ngx_http_faas_test_http1_large(void **state);
static void ngx_http_faas_test_http1_header(void **state);


static ngx_http_faas_test_http1_case_t  ngx_http_faas_test_http1_table[] = {

    /* by length */

    { "HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nContent-Length: 2\r\n\r\nOK",
      NGX_OK, NGX_OK, 200, "OK", "1.41" },

    { "HTTP/1.1 200 OK\r\napi-version:1.44 \r\nCONTENT-LENGTH: 2\r\n\r\nOK",
      NGX_OK, NGX_OK, 200, "OK", "1.44" },

    { "HTTP/1.1 201 Created\nContent-Length: 2\n\nOK",
      NGX_OK, NGX_OK, 201, "OK", "" },

    { "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
      NGX_OK, NGX_OK, 404, "", "" },

    { "HTTP/1.1 200\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nOK",
      NGX_OK, NGX_OK, 200, "OK", "" },

    { "HTTP/1.1 500 Oh\r\nContent-Length: 10\r\n\r\nhalf",
      NGX_AGAIN, NGX_ERROR, 500, "half", "" },

    /* at the cap and over it */

    { "HTTP/1.1 200 OK\r\nContent-Length: 64\r\n\r\n"
      "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
      NGX_OK, NGX_OK, 200,
      "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
      "" },

    { "HTTP/1.1 200 OK\r\nContent-Length: 65\r\n\r\n",
      NGX_ERROR, NGX_ERROR, 0, "", "" },

    { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
      "40\r\n"
      "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\r\n"
      "1\r\nx",
      NGX_ERROR, NGX_ERROR, 200, NULL, "" },

    { "HTTP/1.0 200 OK\r\n\r\n"
      "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
      "x",
      NGX_ERROR, NGX_ERROR, 200, NULL, "" },

    /* chunked */

    { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n",
      NGX_OK, NGX_OK, 200, "abc0123456789", "" },

    { "HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n"
      "1\r\na\r\n0\r\nTrailer: x\r\nContent-Length: 9\r\n\r\n",
      NGX_OK, NGX_OK, 200, "a", "" },

    { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      NGX_OK, NGX_OK, 200, "", "" },

    { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc",
      NGX_AGAIN, NGX_ERROR, 200, "abc", "" },

    { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
      NGX_AGAIN, NGX_ERROR, 200, "abc", "" },

    { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n",
      NGX_ERROR, NGX_ERROR, 200, "abc", "" },

    { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\nabc\r\n",
      NGX_ERROR, NGX_ERROR, 200, "", "" },

    { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
      "fffffffffffffffff\r\nabc\r\n",
      NGX_ERROR, NGX_ERROR, 200, "", "" },

    { "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
      NGX_ERROR, NGX_ERROR, 0, "", "" },

    { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
      "Transfer-Encoding: chunked\r\n\r\n",
      NGX_ERROR, NGX_ERROR, 0, "", "" },

    { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
      "Content-Length: 3\r\n\r\n",
      NGX_ERROR, NGX_ERROR, 0, "", "" },

    { "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
      NGX_ERROR, NGX_ERROR, 0, "", "" },

    /* up to the end of the connection */

    { "HTTP/1.0 200 OK\r\n\r\nabc",
      NGX_AGAIN, NGX_OK, 200, "abc", "" },

    { "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n",
      NGX_AGAIN, NGX_OK, 200, "", "" },

    { "HTTP/1.1 400 Bad Request: malformed Host header\r\n"
      "Content-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"
      "400 Bad Request: malformed Host header",
      NGX_AGAIN, NGX_OK, 400, "400 Bad Request: malformed Host header", "" },

    /* no body, whatever the header says */

    { "HTTP/1.1 204 No Content\r\nApi-Version: 1.41\r\n\r\n",
      NGX_OK, NGX_OK, 204, "", "1.41" },

    { "HTTP/1.1 304 Not Modified\r\nContent-Length: 999\r\n\r\n",
      NGX_OK, NGX_OK, 304, "", "" },

    { "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n",
      NGX_OK, NGX_OK, 204, "", "" },

    /* interim responses */

    { "HTTP/1.1 100 Continue\r\n\r\n"
      "HTTP/1.1 103 Early\r\nContent-Length: 5\r\nApi-Version: 9\r\n\r\n"
      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK",
      NGX_OK, NGX_OK, 200, "OK", "" },

    { "HTTP/1.1 100 Continue\r\n\r\n",
      NGX_AGAIN, NGX_ERROR, 0, "", "" },

    { "HTTP/1.1 101 UPGRADED\r\nUpgrade: tcp\r\n\r\n",
      NGX_ERROR, NGX_ERROR, 0, "", "" },

    /* garbage */

    { "", NGX_AGAIN, NGX_ERROR, 0, "", "" },

    { "H", NGX_AGAIN, NGX_ERROR, 0, "", "" },

    { "{\"message\":\"x\"}", NGX_ERROR, NGX_ERROR, 0, "", "" },

    { "HTTP/2.0 200 OK\r\n\r\n", NGX_ERROR, NGX_ERROR, 0, "", "" },

    { "HTTP/0.9 200 OK\r\n\r\n", NGX_ERROR, NGX_ERROR, 0, "", "" },

    { "HTTP/1.1 2x0 OK\r\n\r\n", NGX_ERROR, NGX_ERROR, 0, "", "" },

    { "HTTP/1.1 000 OK\r\n\r\n", NGX_ERROR, NGX_ERROR, 0, "", "" },

    { "HTTP/1.1 999 OK\r\n\r\n", NGX_ERROR, NGX_ERROR, 0, "", "" },

    { "HTTP/1.1 2000 OK\r\n\r\n", NGX_ERROR, NGX_ERROR, 0, "", "" },

    { "HTTP/1.1 200 OK\r\n: no name\r\n\r\n",
      NGX_ERROR, NGX_ERROR, 0, "", "" },

    { "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
      NGX_ERROR, NGX_ERROR, 0, "", "" },

    { "HTTP/1.1 200 OK\r\nContent-Length: 1x\r\n\r\n",
      NGX_ERROR, NGX_ERROR, 0, "", "" },

    { "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n",
      NGX_ERROR, NGX_ERROR, 0, "", "" },

    { "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
      NGX_ERROR, NGX_ERROR, 0, "", "" },

    { "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n",
      NGX_ERROR, NGX_ERROR, 0, "", "" },

    { NULL, 0, 0, 0, NULL, NULL }
};


int
ngx_http_faas_test_http1(void)
{
    static const struct CMUnitTest  tests[] = {
        cmocka_unit_test(ngx_http_faas_test_http1_cases),
        cmocka_unit_test(ngx_http_faas_test_http1_rest),
        cmocka_unit_test(ngx_http_faas_test_http1_prefixes),
        cmocka_unit_test(ngx_http_faas_test_http1_mutations),
        cmocka_unit_test(ngx_http_faas_test_http1_large),
        cmocka_unit_test(ngx_http_faas_test_http1_header)
    };

    return cmocka_run_group_tests_name("http1", tests,
                                       ngx_http_faas_test_http1_setup,
                                       ngx_http_faas_test_http1_teardown);
}


static int
ngx_http_faas_test_http1_setup(void **state)
{
    ngx_http_faas_test_http1_t  *t;

    t = ngx_calloc(sizeof(ngx_http_faas_test_http1_t), ngx_cycle->log);
    if (t == NULL) {
        return -1;
    }

    t->connection.log = &t->log;
    t->request.connection = &t->connection;

    *state = t;

    return 0;
}


static int
ngx_http_faas_test_http1_teardown(void **state)
{
    ngx_http_faas_test_http1_t  *t;

    t = *state;

    if (t->pool) {
        ngx_destroy_pool(t->pool);
    }

    ngx_free(t);

    return 0;
}


/* a new pool and a new reader, then all of "text" in pieces of "step" */

static ngx_int_t
ngx_http_faas_test_http1_feed(ngx_http_faas_test_http1_t *t, char *text,
    size_t len, size_t step)
{
    size_t      n;
    ngx_buf_t   b;
    ngx_int_t   rc;

    if (t->pool) {
        ngx_destroy_pool(t->pool);
    }

    t->pool = ngx_create_pool(1024, ngx_cycle->log);
    assert_non_null(t->pool);

    /* what the last user of the request left in it */
    t->request.state = 77;

    rc = ngx_http_faas_http1_init(&t->http1, &t->request, t->pool,
                                  NGX_HTTP_FAAS_TEST_CAP);
    assert_int_equal(rc, NGX_OK);

    rc = NGX_AGAIN;

    while (len && rc == NGX_AGAIN) {
        n = ngx_min(len, step);

        ngx_memzero(&b, sizeof(ngx_buf_t));

        b.start = ngx_alloc(n, ngx_cycle->log);
        assert_non_null(b.start);

        ngx_memcpy(b.start, text, n);
        b.pos = b.start;
        b.last = b.start + n;

        rc = ngx_http_faas_http1_parse(&t->http1, &b);

        if (rc == NGX_AGAIN) {
            assert_ptr_equal(b.pos, b.last);
        }

        ngx_memset(b.start, 0xff, n);
        ngx_free(b.start);

        text += n;
        len -= n;
    }

    return rc;
}


static void
ngx_http_faas_test_http1_case(ngx_http_faas_test_http1_t *t,
    ngx_http_faas_test_http1_case_t *tc, size_t step)
{
    ngx_int_t               rc;
    ngx_http_faas_http1_t  *h;

    h = &t->http1;

    rc = ngx_http_faas_test_http1_feed(t, tc->response,
                                       ngx_strlen(tc->response), step);

    if (rc != tc->rc) {
        print_error("step %lu: %s\n", (unsigned long) step, tc->response);
    }

    assert_int_equal(rc, tc->rc);

    if (tc->status != 200 || rc != NGX_ERROR) {
        assert_int_equal(h->status, tc->status);
    }

    if (rc != NGX_ERROR) {
        assert_int_equal(h->body.len, ngx_strlen(tc->body));
        assert_memory_equal(h->body.data ? (char *) h->body.data : "",
                            tc->body, h->body.len);
        assert_int_equal(h->api_version.len, ngx_strlen(tc->api_version));

        if (h->api_version.len) {
            assert_memory_equal(h->api_version.data, tc->api_version,
                                h->api_version.len);
        }
    }

    assert_int_equal(ngx_http_faas_http1_eof(h), tc->eof);
}


static void
ngx_http_faas_test_http1_cases(void **state)
{
    ngx_http_faas_test_http1_case_t  *tc;

    for (tc = ngx_http_faas_test_http1_table; tc->response; tc++) {
        ngx_http_faas_test_http1_case(*state, tc, 65536);
        ngx_http_faas_test_http1_case(*state, tc, 7);
        ngx_http_faas_test_http1_case(*state, tc, 1);
    }
}


/* what is behind the response stays in the buffer, an error stays an error */

static void
ngx_http_faas_test_http1_rest(void **state)
{
    ngx_buf_t                    b;
    ngx_int_t                    rc;
    ngx_http_faas_test_http1_t  *t;

    static u_char  two[] = "HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200";
    static u_char  length[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
                              "OKmore";

    t = *state;

    ngx_http_faas_test_http1_feed(t, "", 0, 1);

    ngx_memzero(&b, sizeof(ngx_buf_t));
    b.pos = two;
    b.last = two + sizeof(two) - 1;

    assert_int_equal(ngx_http_faas_http1_parse(&t->http1, &b), NGX_OK);
    assert_string_equal(b.pos, "HTTP/1.1 200");
    assert_int_equal(ngx_http_faas_http1_parse(&t->http1, &b), NGX_OK);
    assert_string_equal(b.pos, "HTTP/1.1 200");

    ngx_http_faas_test_http1_feed(t, "", 0, 1);

    b.pos = length;
    b.last = length + sizeof(length) - 1;

    assert_int_equal(ngx_http_faas_http1_parse(&t->http1, &b), NGX_OK);
    assert_string_equal(b.pos, "more");

    rc = ngx_http_faas_test_http1_feed(t, "?", 1, 1);
    assert_int_equal(rc, NGX_ERROR);

    b.pos = length;
    b.last = length + sizeof(length) - 1;

    assert_int_equal(ngx_http_faas_http1_parse(&t->http1, &b), NGX_ERROR);
}


/* a response with a known end is never taken for complete before it */

static void
ngx_http_faas_test_http1_prefixes(void **state)
{
    size_t                            len, n;
    ngx_int_t                         rc;
    ngx_http_faas_test_http1_t       *t;
    ngx_http_faas_test_http1_case_t  *tc;

    t = *state;

    for (tc = ngx_http_faas_test_http1_table; tc->response; tc++) {

        if (tc->rc != NGX_OK) {
            continue;
        }

        len = ngx_strlen(tc->response);

        for (n = 0; n < len; n++) {
            rc = ngx_http_faas_test_http1_feed(t, tc->response, n, 5);

            assert_int_equal(rc, NGX_AGAIN);
            assert_int_equal(ngx_http_faas_http1_eof(&t->http1), NGX_ERROR);
        }
    }
}


/* every byte of every response replaced: any result, within bounds */

static void
ngx_http_faas_test_http1_mutations(void **state)
{
    char                             *text;
    size_t                            i, j, len;
    ngx_http_faas_test_http1_t       *t;
    ngx_http_faas_test_http1_case_t  *tc;

    static char  bytes[] = { '\0', '\r', '\n', ' ', ':', '9', 'f', '\xff' };

    t = *state;

    for (tc = ngx_http_faas_test_http1_table; tc->response; tc++) {

        len = ngx_strlen(tc->response);

        text = ngx_alloc(len + 1, ngx_cycle->log);
        assert_non_null(text);

        for (i = 0; i < len; i++) {
            for (j = 0; j < sizeof(bytes); j++) {
                ngx_memcpy(text, tc->response, len);
                text[i] = bytes[j];

                (void) ngx_http_faas_test_http1_feed(t, text, len, 16);
                (void) ngx_http_faas_http1_eof(&t->http1);

                assert_true(t->http1.body.len <= NGX_HTTP_FAAS_TEST_CAP);
            }
        }

        ngx_free(text);
    }
}


/* the body grows over several blocks and keeps its bytes */

static void
ngx_http_faas_test_http1_large(void **state)
{
    u_char                       block[1000];
    ngx_buf_t                    b;
    ngx_int_t                    rc;
    ngx_uint_t                   i;
    ngx_http_faas_test_http1_t  *t;

    static u_char  head[] = "HTTP/1.1 200 OK\r\n\r\n";

    t = *state;

    ngx_http_faas_test_http1_feed(t, "", 0, 1);

    rc = ngx_http_faas_http1_init(&t->http1, &t->request, t->pool, 100000);
    assert_int_equal(rc, NGX_OK);

    ngx_memzero(&b, sizeof(ngx_buf_t));
    b.pos = head;
    b.last = head + sizeof(head) - 1;

    assert_int_equal(ngx_http_faas_http1_parse(&t->http1, &b), NGX_AGAIN);

    for (i = 0; i < 100; i++) {
        ngx_memset(block, (int) i, sizeof(block));
        b.pos = block;
        b.last = block + sizeof(block);

        assert_int_equal(ngx_http_faas_http1_parse(&t->http1, &b), NGX_AGAIN);
    }

    assert_int_equal(t->http1.body.len, 100000);

    for (i = 0; i < 100000; i++) {
        assert_int_equal(t->http1.body.data[i], i / 1000);
    }

    assert_int_equal(ngx_http_faas_http1_eof(&t->http1), NGX_OK);

    b.pos = block;

    assert_int_equal(ngx_http_faas_http1_parse(&t->http1, &b), NGX_OK);
}


/* a header without an end is given up */

static void
ngx_http_faas_test_http1_header(void **state)
{
    char                        *text;
    size_t                       len;
    ngx_int_t                    rc;
    ngx_http_faas_test_http1_t  *t;

    t = *state;
    len = 20000;

    text = ngx_alloc(len, ngx_cycle->log);
    assert_non_null(text);

    ngx_memset(text, 'a', len);
    ngx_memcpy(text, "HTTP/1.1 200 OK\r\nX: ", 20);

    rc = ngx_http_faas_test_http1_feed(t, text, len, 4096);
    assert_int_equal(rc, NGX_ERROR);

    rc = ngx_http_faas_test_http1_feed(t, text, len, len);
    assert_int_equal(rc, NGX_ERROR);

    ngx_memset(text, '1', len);

    rc = ngx_http_faas_test_http1_feed(t, text, len, 100);
    assert_int_equal(rc, NGX_ERROR);

    ngx_free(text);
}
