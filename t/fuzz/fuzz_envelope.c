
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * A function's answer in its envelope: the status, the size of its pieces,
 * what the client takes at a time, whether the body is repeated, headers, and
 * the body.  The client gets strict JSON, and in it each byte and each header; or
 * an answer that is cut, when it outgrew the buffer and became something else.
 */


#include "ngx_http_faas_fuzz.h"
#include "ngx_http_faas_envelope.h"
#include "ngx_http_faas_hop.h"
#include "ngx_http_faas_request.h"


static ngx_int_t ngx_http_faas_fuzz_envelope_send(ngx_http_request_t *r,
    ngx_http_faas_ctx_t *ctx, ngx_str_t *body, size_t step);
static void ngx_http_faas_fuzz_envelope_output(ngx_pool_t *pool,
    ngx_str_t *json, ngx_str_t *body);
static void ngx_http_faas_fuzz_envelope_headers(ngx_pool_t *pool,
    ngx_str_t *json, ngx_http_upstream_t *u);
static ngx_uint_t ngx_http_faas_fuzz_envelope_has(ngx_pool_t *pool,
    ngx_str_t *object, ngx_table_elt_t *h);


void
ngx_http_faas_fuzz_envelope_target(ngx_pool_t *pool,
    ngx_http_faas_fuzz_input_t *in)
{
    size_t                step, room;
    ngx_int_t             rc;
    ngx_str_t             name, body, whole, *json, value;
    ngx_uint_t            i, status, times;
    ngx_http_request_t   *r;
    ngx_http_faas_ctx_t  *ctx;

    r = ngx_http_faas_fuzz_request(pool);
    ctx = ngx_http_faas_request_ctx(r);

    r->upstream = ngx_pcalloc(pool, sizeof(ngx_http_upstream_t));
    ngx_http_faas_fuzz_check(ctx && r->upstream);

    ngx_http_faas_fuzz_check(ngx_list_init(&r->upstream->headers_in.headers,
                                       pool, 2, sizeof(ngx_table_elt_t))
                             == NGX_OK);

    status = 200 + ngx_http_faas_fuzz_byte(in);
    step = 1 + ngx_http_faas_fuzz_byte(in);
    room = ngx_http_faas_fuzz_byte(in) * 7;
    times = ngx_http_faas_fuzz_byte(in);

    ngx_http_faas_fuzz_headers(pool, in, &r->upstream->headers_in.headers);
    ngx_http_faas_fuzz_bytes(pool, in, in->last - in->pos, &body);

    /* past the buffers that the envelope has, now and then */

    if (times == 0xa5 && body.len) {
        times = 1 + 300000 / body.len;
        step *= 512;
        room *= 512;

    } else {
        times = 1;
    }

    whole.len = body.len * times;
    whole.data = ngx_pnalloc(pool, whole.len);
    ngx_http_faas_fuzz_check(whole.data);

    for (i = 0; body.len && i < times; i++) {
        memcpy(whole.data + i * body.len, body.data, body.len);
    }

    ngx_str_set(&name, "fuzz");
    ngx_http_faas_fuzz_check(ngx_http_faas_envelope_create(ctx, &name)
                             == NGX_OK);

    r->upstream->headers_in.status_n = status;
    ctx->served = 1;

    ngx_http_faas_fuzz_connect(pool, room);

    rc = ngx_http_faas_fuzz_envelope_send(r, ctx, &whole, step);

    if (rc != NGX_OK) {
        ngx_http_faas_fuzz_check(whole.len > 64);
        return;
    }

    ngx_http_faas_fuzz_answered(r, rc);

    json = &ngx_http_faas_fuzz_client.body;

    value = ngx_http_faas_fuzz_json_member(pool, json, "http_status_code");
    ngx_http_faas_fuzz_check(ngx_atoi(value.data, value.len)
                             == (ngx_int_t) status);

    value = ngx_http_faas_fuzz_json_member(pool, json, "http_headers");
    ngx_http_faas_fuzz_envelope_headers(pool, &value, r->upstream);

    ngx_http_faas_fuzz_envelope_output(pool, json, &whole);
}


static ngx_int_t
ngx_http_faas_fuzz_envelope_send(ngx_http_request_t *r,
    ngx_http_faas_ctx_t *ctx, ngx_str_t *body, size_t step)
{
    size_t        n;
    u_char       *p, *last;
    ngx_buf_t    *b;
    ngx_chain_t   cl;

    ngx_http_faas_fuzz_check(ngx_http_faas_envelope_header(r, ctx)
                             == NGX_OK);

    cl.next = NULL;
    last = body->data + body->len;

    for (p = body->data; p < last; p += n) {
        n = ngx_min(step, (size_t) (last - p));

        b = ngx_create_temp_buf(r->pool, n);
        ngx_http_faas_fuzz_check(b);

        b->last = ngx_cpymem(b->pos, p, n);
        b->flush = (n % 3 == 0);
        cl.buf = b;

        if (ngx_http_faas_envelope_body(r, ctx, &cl) == NGX_ERROR) {
            return NGX_ERROR;
        }

        ngx_http_faas_fuzz_take();
    }

    b = ngx_calloc_buf(r->pool);
    ngx_http_faas_fuzz_check(b);

    b->last_buf = 1;
    cl.buf = b;

    if (ngx_http_faas_envelope_body(r, ctx, &cl) == NGX_ERROR) {
        return NGX_ERROR;
    }

    while (!ngx_http_faas_fuzz_client.last) {
        ngx_http_faas_fuzz_take();

        /* it goes on as long as there is something to send */

        if (ngx_http_faas_envelope_body(r, ctx, NULL) == NGX_ERROR) {
            return NGX_ERROR;
        }

        ngx_http_faas_fuzz_check(ngx_http_faas_fuzz_client.busy
                                 || ngx_http_faas_fuzz_client.last);
    }

    ngx_http_faas_fuzz_check(r->connection->buffered == 0);

    return NGX_OK;
}


static void
ngx_http_faas_fuzz_envelope_output(ngx_pool_t *pool, ngx_str_t *json,
    ngx_str_t *body)
{
    u_char     *p;
    ngx_str_t   key, value, output, got;
    ngx_uint_t  n, base64;

    static char  *names[] = {
        "run_id", "status", "http_status_code", "http_headers", "output",
        "output_encoding", "error_message", "duration_ms", "function_id"
    };

    p = json->data;
    base64 = 0;
    ngx_str_null(&output);

    for (n = 0; ngx_http_faas_fuzz_json_next(pool, &p, &key, &value)
                == NGX_OK; n++)
    {
        if (n == 5 && key.data[0] == 'e') {
            n++;                        /* the encoding is left out */
        }

        ngx_http_faas_fuzz_check(n < 9 && key.len == strlen(names[n])
                                 && memcmp(key.data, names[n], key.len) == 0);

        if (n == 4) {
            output = value;
        }

        if (n == 5) {
            base64 = 1;
        }
    }

    ngx_http_faas_fuzz_check(n == 9);

    if (ngx_http_faas_fuzz_json(body)) {

        /* as it is, white space around it included */

        ngx_http_faas_fuzz_check(!base64
                                 && memmem(json->data, json->len, body->data,
                                           body->len));
        return;
    }

    got = ngx_http_faas_fuzz_json_text(pool, &output);

    if (base64) {
        value.data = ngx_pnalloc(pool, ngx_base64_decoded_length(got.len));
        ngx_http_faas_fuzz_check(value.data);
        ngx_http_faas_fuzz_check(ngx_decode_base64(&value, &got) == NGX_OK);
        got = value;
    }

    ngx_http_faas_fuzz_check(!base64 || !ngx_http_faas_fuzz_utf8(body)
                             || body->len > 64);
    ngx_http_faas_fuzz_check(ngx_http_faas_fuzz_same(&got, body));
}


/* each header is there, but for those of the hop */

static void
ngx_http_faas_fuzz_envelope_headers(ngx_pool_t *pool, ngx_str_t *json,
    ngx_http_upstream_t *u)
{
    ngx_uint_t        i;
    ngx_table_elt_t  *h;
    ngx_list_part_t  *part;

    for (part = &u->headers_in.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (ngx_http_faas_fuzz_utf8(&h[i].key)
                && ngx_http_faas_fuzz_utf8(&h[i].value))
            {
                ngx_http_faas_fuzz_check(!!ngx_http_faas_hop(u, &h[i].key)
                              != ngx_http_faas_fuzz_envelope_has(pool, json,
                                                                 &h[i]));
            }
        }
    }
}


static ngx_uint_t
ngx_http_faas_fuzz_envelope_has(ngx_pool_t *pool, ngx_str_t *object,
    ngx_table_elt_t *h)
{
    u_char     *p, *q, *last;
    ngx_str_t   key, value;

    p = object->data;

    while (ngx_http_faas_fuzz_json_next(pool, &p, &key, &value) == NGX_OK) {

        if (key.len != h->key.len
            || strncasecmp((char *) key.data, (char *) h->key.data, key.len)
               != 0)
        {
            continue;
        }

        /* a string, or an array of them */

        last = value.data + value.len;
        q = value.data + (*value.data == '[');

        while (q < last) {
            value.data = q;
            q = ngx_http_faas_fuzz_json_value(q, last, 1);
            value.len = q - value.data;

            key = ngx_http_faas_fuzz_json_text(pool, &value);

            if (ngx_http_faas_fuzz_same(&key, &h->value)) {
                return 1;
            }

            q++;                        /* a comma, or the end */
        }
    }

    return 0;
}
