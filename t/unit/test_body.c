
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * The request's body, wherever nginx has put its pieces, and the headers
 * once it is another one.
 */


#include "ngx_http_faas.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "ngx_http_faas_body.h"


typedef struct {
    ngx_log_t                  log;      /* keeps silent */
    ngx_http_request_t         request;
    ngx_http_request_body_t    body;
    ngx_file_t                 file;
    ngx_chain_t              **last;
} ngx_http_faas_test_body_t;


int ngx_http_faas_test_body(void);

static int ngx_http_faas_test_body_setup(void **state);
static int ngx_http_faas_test_body_teardown(void **state);
static void ngx_http_faas_test_body_none(void **state);
static void ngx_http_faas_test_body_pieces(void **state);
static void ngx_http_faas_test_body_cut(void **state);
static void ngx_http_faas_test_body_replace(void **state);
static void ngx_http_faas_test_body_replace_file(void **state);
static void ngx_http_faas_test_body_headers(void **state);
static void ngx_http_faas_test_body_many(void **state);

static ngx_buf_t *ngx_http_faas_test_body_buf(ngx_http_faas_test_body_t *tb);
static void ngx_http_faas_test_body_memory(ngx_http_faas_test_body_t *tb,
    char *text);
static void ngx_http_faas_test_body_stored(ngx_http_faas_test_body_t *tb,
    off_t from, off_t to);
static void ngx_http_faas_test_body_equal(ngx_http_faas_test_body_t *tb,
    char *text);
static ngx_table_elt_t *ngx_http_faas_test_body_add(
    ngx_http_faas_test_body_t *tb, char *key, char *value);
static ngx_table_elt_t *ngx_http_faas_test_body_find(
    ngx_http_faas_test_body_t *tb, char *key, ngx_uint_t *n);


int
ngx_http_faas_test_body(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test_setup_teardown(ngx_http_faas_test_body_none,
                                        ngx_http_faas_test_body_setup,
                                        ngx_http_faas_test_body_teardown),
        cmocka_unit_test_setup_teardown(ngx_http_faas_test_body_pieces,
                                        ngx_http_faas_test_body_setup,
                                        ngx_http_faas_test_body_teardown),
        cmocka_unit_test_setup_teardown(ngx_http_faas_test_body_cut,
                                        ngx_http_faas_test_body_setup,
                                        ngx_http_faas_test_body_teardown),
        cmocka_unit_test_setup_teardown(ngx_http_faas_test_body_replace,
                                        ngx_http_faas_test_body_setup,
                                        ngx_http_faas_test_body_teardown),
        cmocka_unit_test_setup_teardown(ngx_http_faas_test_body_replace_file,
                                        ngx_http_faas_test_body_setup,
                                        ngx_http_faas_test_body_teardown),
        cmocka_unit_test_setup_teardown(ngx_http_faas_test_body_headers,
                                        ngx_http_faas_test_body_setup,
                                        ngx_http_faas_test_body_teardown),
        cmocka_unit_test_setup_teardown(ngx_http_faas_test_body_many,
                                        ngx_http_faas_test_body_setup,
                                        ngx_http_faas_test_body_teardown)
    };

    return cmocka_run_group_tests_name("body", tests, NULL, NULL);
}


static int
ngx_http_faas_test_body_setup(void **state)
{
    char                        path[] = "/tmp/faas-unit.XXXXXX";
    ngx_pool_t                 *pool;
    ngx_http_faas_test_body_t  *tb;

    pool = ngx_create_pool(4096, ngx_cycle->log);
    if (pool == NULL) {
        return -1;
    }

    tb = ngx_pcalloc(pool, sizeof(ngx_http_faas_test_body_t));
    if (tb == NULL) {
        return -1;
    }

    tb->request.pool = pool;
    tb->request.main = &tb->request;
    tb->request.request_body = &tb->body;
    tb->last = &tb->body.bufs;

    if (ngx_list_init(&tb->request.headers_in.headers, pool, 4,
                      sizeof(ngx_table_elt_t))
        != NGX_OK)
    {
        return -1;
    }

    tb->file.fd = mkstemp(path);
    tb->file.log = &tb->log;
    ngx_str_set(&tb->file.name, "a temporary file");

    if (tb->file.fd == -1) {
        return -1;
    }

    (void) unlink(path);

    *state = tb;

    return write(tb->file.fd, "0123456789", 10) == 10 ? 0 : -1;
}


static int
ngx_http_faas_test_body_teardown(void **state)
{
    ngx_http_faas_test_body_t  *tb = *state;

    (void) close(tb->file.fd);
    ngx_destroy_pool(tb->request.pool);

    return 0;
}


static void
ngx_http_faas_test_body_none(void **state)
{
    ngx_buf_t                  *b;
    ngx_http_faas_test_body_t  *tb = *state;

    ngx_http_faas_test_body_equal(tb, "");

    ngx_http_faas_test_body_memory(tb, "");
    ngx_http_faas_test_body_equal(tb, "");

    b = ngx_http_faas_test_body_buf(tb);
    b->last_buf = 1;
    ngx_http_faas_test_body_equal(tb, "");

    tb->request.request_body = NULL;
    ngx_http_faas_test_body_equal(tb, "");
}


/* in buffers, in a file, in both, and in a buffer that is also in the file */

static void
ngx_http_faas_test_body_pieces(void **state)
{
    ngx_buf_t                  *b;
    ngx_http_faas_test_body_t  *tb = *state;

    ngx_http_faas_test_body_memory(tb, "{\"a\":");
    ngx_http_faas_test_body_equal(tb, "{\"a\":");

    ngx_http_faas_test_body_memory(tb, "1}");
    ngx_http_faas_test_body_equal(tb, "{\"a\":1}");

    ngx_http_faas_test_body_stored(tb, 2, 5);
    ngx_http_faas_test_body_equal(tb, "{\"a\":1}234");

    ngx_http_faas_test_body_memory(tb, "");
    ngx_http_faas_test_body_stored(tb, 5, 5);
    ngx_http_faas_test_body_stored(tb, 0, 10);
    ngx_http_faas_test_body_memory(tb, "end");

    b = ngx_http_faas_test_body_buf(tb);
    b->last_buf = 1;

    ngx_http_faas_test_body_equal(tb, "{\"a\":1}2340123456789end");

    tb->last = &tb->body.bufs;
    ngx_http_faas_test_body_memory(tb, "in memory");
    tb->body.bufs->buf->in_file = 1;
    tb->body.bufs->buf->file = &tb->file;
    tb->body.bufs->buf->file_last = 9;

    ngx_http_faas_test_body_equal(tb, "in memory");
}


/* the file has less than nginx had put there */

static void
ngx_http_faas_test_body_cut(void **state)
{
    ngx_str_t                   text;
    ngx_http_faas_test_body_t  *tb = *state;

    ngx_http_faas_test_body_stored(tb, 5, 11);

    assert_int_equal(ngx_http_faas_body_text(&tb->request, &text), NGX_ERROR);
}


static void
ngx_http_faas_test_body_replace(void **state)
{
    ngx_str_t                   text;
    ngx_chain_t                *cl;
    ngx_http_faas_test_body_t  *tb = *state;

    ngx_http_faas_test_body_stored(tb, 0, 10);

    ngx_str_set(&text, "{\"name\":\"x\"}");

    assert_int_equal(ngx_http_faas_body_replace(&tb->request, &text, &text),
                     NGX_OK);

    cl = tb->request.request_body->bufs;

    assert_non_null(cl);
    assert_null(cl->next);
    assert_ptr_equal(cl->buf->pos, text.data);
    assert_true(ngx_buf_in_memory_only(cl->buf));
    assert_true(cl->buf->last_buf);
    assert_null(tb->request.request_body->temp_file);
    assert_int_equal(tb->request.request_body->rest, 0);

    ngx_http_faas_test_body_equal(tb, "{\"name\":\"x\"}");

    /* and again */

    ngx_str_set(&text, "{}");
    assert_int_equal(ngx_http_faas_body_replace(&tb->request, &text, &text),
                     NGX_OK);
    ngx_http_faas_test_body_equal(tb, "{}");
    assert_int_equal(tb->request.headers_in.content_length_n, 2);
}


/* a part of what nginx has put into a file takes its place there */

static void
ngx_http_faas_test_body_replace_file(void **state)
{
    ngx_buf_t                  *b;
    ngx_str_t                   text, part;
    ngx_temp_file_t             tf;
    ngx_http_faas_test_body_t  *tb = *state;

    ngx_memzero(&tf, sizeof(ngx_temp_file_t));

    tf.file = tb->file;
    tb->body.temp_file = &tf;
    ngx_http_faas_test_body_stored(tb, 0, 10);

    assert_int_equal(ngx_http_faas_body_text(&tb->request, &text), NGX_OK);

    part.data = text.data + 3;
    part.len = 4;

    assert_int_equal(ngx_http_faas_body_replace(&tb->request, &text, &part),
                     NGX_OK);

    assert_null(text.data);
    assert_ptr_equal(tb->request.request_body->temp_file, &tf);

    b = tb->request.request_body->bufs->buf;

    assert_false(ngx_buf_in_memory(b));
    assert_true(b->last_buf);

    /* see ngx_http_upstream_reinit() */
    assert_int_equal(b->file_pos, 0);

    ngx_http_faas_test_body_equal(tb, "3456");
    assert_int_equal(tb->request.headers_in.content_length_n, 4);

    /* but not while a mirror reads it */

    tb->request.preserve_body = 1;
    ngx_str_set(&part, "{}");

    assert_int_equal(ngx_http_faas_body_text(&tb->request, &text), NGX_OK);
    assert_int_equal(ngx_http_faas_body_replace(&tb->request, &text, &part),
                     NGX_OK);

    assert_int_equal(text.len, 4);
    assert_null(tb->request.request_body->temp_file);
    ngx_http_faas_test_body_equal(tb, "{}");
}


/* what told of the old body goes, in any case of letters */

static void
ngx_http_faas_test_body_headers(void **state)
{
    char                       **name;
    ngx_str_t                    text;
    ngx_uint_t                   n;
    ngx_table_elt_t             *h;
    ngx_http_headers_in_t       *in;
    ngx_http_faas_test_body_t   *tb = *state;

    static char  *gone[] = {
        "Accept-Encoding", "Content-Encoding", "Expect", "If-Match",
        "If-Modified-Since", "If-None-Match", "If-Range",
        "If-Unmodified-Since", "Range", "TE", "Transfer-Encoding", "Upgrade",
        "tE", "EXPECT", "transfer-encoding", "content-encoding", NULL
    };

    static char  *kept[] = {
        "Host", "User-Agent", "Accept", "Cookie", "Authorization", "X-Custom",
        "Expect-CT", "Rang", "X-Range", "Content", NULL
    };

    in = &tb->request.headers_in;

    for (name = gone; *name; name++) {
        (void) ngx_http_faas_test_body_add(tb, *name, "old");
    }

    for (name = kept; *name; name++) {
        (void) ngx_http_faas_test_body_add(tb, *name, *name);
    }

    in->content_type = ngx_http_faas_test_body_add(tb, "content-type", "old");
    in->content_length = ngx_http_faas_test_body_add(tb, "content-length",
                                                     "10");
    in->transfer_encoding = ngx_http_faas_test_body_find(tb, "TE", &n);
    in->range = in->transfer_encoding;
    in->upgrade = in->transfer_encoding;
    in->chunked = 1;
    in->content_length_n = -1;

    ngx_str_set(&text, "{\"a\":1}");

    assert_int_equal(ngx_http_faas_body_replace(&tb->request, &text, &text),
                     NGX_OK);

    for (name = gone; *name; name++) {
        assert_null(ngx_http_faas_test_body_find(tb, *name, &n));
    }

    for (name = kept; *name; name++) {
        h = ngx_http_faas_test_body_find(tb, *name, &n);

        assert_int_equal(n, 1);
        assert_int_equal(h->value.len, ngx_strlen(*name));
        assert_memory_equal(h->value.data, *name, h->value.len);
    }

    h = ngx_http_faas_test_body_find(tb, "Content-Type", &n);
    assert_int_equal(n, 1);
    assert_ptr_equal(h, in->content_type);
    assert_int_equal(h->value.len, 16);
    assert_memory_equal(h->value.data, "application/json", 16);
    assert_memory_equal(h->lowcase_key, "content-type", 12);
    assert_int_equal(h->hash, ngx_hash_key_lc((u_char *) "Content-Type", 12));

    h = ngx_http_faas_test_body_find(tb, "Content-Length", &n);
    assert_int_equal(n, 1);
    assert_ptr_equal(h, in->content_length);
    assert_int_equal(h->value.len, 1);
    assert_int_equal(h->value.data[0], '7');

    assert_int_equal(in->content_length_n, 7);
    assert_false(in->chunked);
    assert_null(in->transfer_encoding);
    assert_null(in->range);
    assert_null(in->upgrade);
}


/* the list of headers has parts */

static void
ngx_http_faas_test_body_many(void **state)
{
    char                        key[32];
    ngx_str_t                   text;
    ngx_uint_t                  i, n;
    ngx_table_elt_t            *h;
    ngx_http_faas_test_body_t  *tb = *state;

    for (i = 0; i < 100; i++) {
        *ngx_sprintf((u_char *) key, "X-Header-%ui", i) = '\0';
        (void) ngx_http_faas_test_body_add(tb, key, "value");

        if (i % 10 == 0) {
            (void) ngx_http_faas_test_body_add(tb, "Range", "bytes=0-0");
        }
    }

    ngx_str_set(&text, "{}");

    assert_int_equal(ngx_http_faas_body_replace(&tb->request, &text, &text),
                     NGX_OK);

    for (i = 0; i < 100; i++) {
        *ngx_sprintf((u_char *) key, "X-Header-%ui", i) = '\0';
        h = ngx_http_faas_test_body_find(tb, key, &n);

        assert_non_null(h);
        assert_int_equal(n, 1);
    }

    assert_null(ngx_http_faas_test_body_find(tb, "Range", &n));
}


static ngx_buf_t *
ngx_http_faas_test_body_buf(ngx_http_faas_test_body_t *tb)
{
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    b = ngx_calloc_buf(tb->request.pool);
    assert_non_null(b);

    cl = ngx_alloc_chain_link(tb->request.pool);
    assert_non_null(cl);

    cl->buf = b;
    cl->next = NULL;

    *tb->last = cl;
    tb->last = &cl->next;

    return b;
}


static void
ngx_http_faas_test_body_memory(ngx_http_faas_test_body_t *tb, char *text)
{
    ngx_buf_t  *b;

    b = ngx_http_faas_test_body_buf(tb);

    b->temporary = 1;
    b->pos = (u_char *) text;
    b->last = b->pos + ngx_strlen(text);
}


static void
ngx_http_faas_test_body_stored(ngx_http_faas_test_body_t *tb, off_t from,
    off_t to)
{
    ngx_buf_t  *b;

    b = ngx_http_faas_test_body_buf(tb);

    b->in_file = 1;
    b->file = &tb->file;
    b->file_pos = from;
    b->file_last = to;
}


static void
ngx_http_faas_test_body_equal(ngx_http_faas_test_body_t *tb, char *text)
{
    ngx_str_t  s;

    assert_int_equal(ngx_http_faas_body_text(&tb->request, &s), NGX_OK);
    assert_int_equal(s.len, ngx_strlen(text));

    if (s.len) {
        assert_memory_equal(s.data, text, s.len);
    }
}


static ngx_table_elt_t *
ngx_http_faas_test_body_add(ngx_http_faas_test_body_t *tb, char *key,
    char *value)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&tb->request.headers_in.headers);
    assert_non_null(h);

    ngx_memzero(h, sizeof(ngx_table_elt_t));

    h->hash = 1;
    h->key.len = ngx_strlen(key);
    h->key.data = ngx_palloc(tb->request.pool, h->key.len);
    assert_non_null(h->key.data);
    ngx_memcpy(h->key.data, key, h->key.len);

    h->value.len = ngx_strlen(value);
    h->value.data = (u_char *) value;

    return h;
}


/* the last one of that name, and how many there are */

static ngx_table_elt_t *
ngx_http_faas_test_body_find(ngx_http_faas_test_body_t *tb, char *key,
    ngx_uint_t *n)
{
    size_t            len;
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h, *found;

    *n = 0;
    found = NULL;
    len = ngx_strlen(key);

    for (part = &tb->request.headers_in.headers.part;
         part;
         part = part->next)
    {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (h[i].key.len == len
                && ngx_strncasecmp(h[i].key.data, (u_char *) key, len) == 0)
            {
                found = &h[i];
                (*n)++;
            }
        }
    }

    return found;
}
