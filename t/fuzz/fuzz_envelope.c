
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
#include "ngx_http_faas_request.h"


static ngx_int_t ngx_http_faas_fuzz_envelope_send(ngx_http_request_t *r,
    ngx_http_faas_ctx_t *ctx, ngx_str_t *body, size_t step);
static void ngx_http_faas_fuzz_envelope_repeat(ngx_pool_t *pool,
    ngx_str_t *body, ngx_uint_t times);


void
ngx_http_faas_fuzz_envelope_target(ngx_pool_t *pool,
    ngx_http_faas_fuzz_input_t *in)
{
    size_t                step, room;
    ngx_int_t             rc;
    ngx_str_t             name, body, *json, value;
    ngx_uint_t            status, times;
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
        ngx_http_faas_fuzz_envelope_repeat(pool, &body,
                                           1 + 300000 / body.len);
        step *= 512;
        room *= 512;
    }

    ngx_str_set(&name, "fuzz");
    ngx_http_faas_fuzz_check(ngx_http_faas_envelope_create(ctx, &name)
                             == NGX_OK);

    /* it tells of its length, or does not, or is not as long as it tells */

    if (status & 1) {
        r->headers_out.content_length_n = (status & 2) ? body.len
                                                       : body.len / 2;
    }

    r->upstream->headers_in.status_n = status;
    ctx->served = 1;

    ngx_http_faas_fuzz_connect(pool, room);

    rc = ngx_http_faas_fuzz_envelope_send(r, ctx, &body, step);

    /* it outgrew faas_buffer_size, or what it said */

    if (rc != NGX_OK) {
        ngx_http_faas_fuzz_check(body.len > 64 || (status & 3) == 1);
        return;
    }

    ngx_http_faas_fuzz_answered(r, rc);

    json = &ngx_http_faas_fuzz_client.body;

    value = ngx_http_faas_fuzz_json_member(pool, json, "http_status_code");
    ngx_http_faas_fuzz_check(ngx_atoi(value.data, value.len)
                             == (ngx_int_t) status);

    ngx_http_faas_fuzz_result_output(pool, json, &body);
    ngx_http_faas_fuzz_result_headers(pool, json, r->upstream);
}


static void
ngx_http_faas_fuzz_envelope_repeat(ngx_pool_t *pool, ngx_str_t *body,
    ngx_uint_t times)
{
    u_char     *p;
    ngx_str_t   whole;

    whole.len = body->len * times;
    whole.data = ngx_pnalloc(pool, whole.len);
    ngx_http_faas_fuzz_check(whole.data);

    p = whole.data;

    while (times--) {
        p = ngx_cpymem(p, body->data, body->len);
    }

    *body = whole;
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
