
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * The engine's replies: a call, the size of a step, a status, and the bytes
 * of an HTTP response, or only its body.  Each piece is gone before the next
 * one comes.
 */


#include "ngx_http_faas_fuzz.h"
#include "ngx_http_faas_docker.h"
#include "ngx_http_faas_http1.h"


#define NGX_HTTP_FAAS_FUZZ_REPLY_CAP  16384


static ngx_int_t ngx_http_faas_fuzz_reply_read(ngx_pool_t *pool,
    ngx_str_t *bytes, size_t step, ngx_http_faas_http1_t *h);
static void ngx_http_faas_fuzz_reply_parse(ngx_pool_t *pool, ngx_uint_t call,
    ngx_uint_t status, ngx_str_t *body);
static void ngx_http_faas_fuzz_reply_id(ngx_str_t *id);


void
ngx_http_faas_fuzz_reply_target(ngx_pool_t *pool,
    ngx_http_faas_fuzz_input_t *in)
{
    size_t                  step;
    ngx_int_t               rc;
    ngx_str_t               bytes, min, version;
    ngx_uint_t              call, status;
    ngx_http_faas_http1_t   whole, stepped;

    call = ngx_http_faas_fuzz_byte(in);
    step = 1 + ngx_http_faas_fuzz_byte(in) % 64;
    status = 200 + ngx_http_faas_fuzz_byte(in) * 2;

    ngx_http_faas_fuzz_bytes(pool, in, in->last - in->pos, &bytes);

    if (call & 0x80) {
        ngx_http_faas_fuzz_reply_parse(pool, call % 13, status, &bytes);
        return;
    }

    rc = ngx_http_faas_fuzz_reply_read(pool, &bytes, bytes.len + 1, &whole);

    ngx_http_faas_fuzz_check(rc == ngx_http_faas_fuzz_reply_read(pool, &bytes,
                                                            step, &stepped));

    if (rc != NGX_OK) {
        return;
    }

    ngx_http_faas_fuzz_check(whole.status == stepped.status);
    ngx_http_faas_fuzz_check(whole.status >= 200 && whole.status < 600);
    ngx_http_faas_fuzz_check(whole.body.len <= NGX_HTTP_FAAS_FUZZ_REPLY_CAP);
    ngx_http_faas_fuzz_check(ngx_http_faas_fuzz_same(&whole.body,
                                                     &stepped.body));
    ngx_http_faas_fuzz_check(ngx_http_faas_fuzz_same(&whole.api_version,
                                                     &stepped.api_version));

    ngx_str_null(&min);

    if (ngx_http_faas_docker_version(&whole.api_version, &min, &version)
        == NGX_OK)
    {
        ngx_http_faas_fuzz_check(version.len == sizeof("1.41") - 1);
    }

    ngx_http_faas_fuzz_reply_parse(pool, call % 13, whole.status,
                                   &whole.body);
}


static ngx_int_t
ngx_http_faas_fuzz_reply_read(ngx_pool_t *pool, ngx_str_t *bytes, size_t step,
    ngx_http_faas_http1_t *h)
{
    size_t               n;
    u_char              *p, *last;
    ngx_int_t            rc;
    ngx_buf_t           *b;
    ngx_http_request_t  *r;

    r = ngx_http_faas_fuzz_request(pool);

    rc = ngx_http_faas_http1_init(h, r, pool, NGX_HTTP_FAAS_FUZZ_REPLY_CAP);

    ngx_http_faas_fuzz_check(rc == NGX_OK);

    last = bytes->data + bytes->len;
    rc = NGX_AGAIN;

    for (p = bytes->data; p < last && rc == NGX_AGAIN; p += n) {
        n = ngx_min(step, (size_t) (last - p));

        b = ngx_create_temp_buf(pool, n);
        ngx_http_faas_fuzz_check(b);

        b->last = ngx_cpymem(b->pos, p, n);

        rc = ngx_http_faas_http1_parse(h, b);

        ngx_http_faas_fuzz_check(rc != NGX_AGAIN || b->pos == b->last);
        ngx_http_faas_fuzz_check(b->pos >= b->start && b->pos <= b->last);

        (void) ngx_pfree(pool, b->start);
    }

    return rc == NGX_AGAIN ? ngx_http_faas_http1_eof(h) : rc;
}


static void
ngx_http_faas_fuzz_reply_parse(ngx_pool_t *pool, ngx_uint_t call,
    ngx_uint_t status, ngx_str_t *body)
{
    ngx_str_t                          text;
    ngx_uint_t                         i, max;
    ngx_array_t                       *list;
    ngx_http_faas_docker_state_t       state;
    ngx_http_faas_docker_network_t     network;
    ngx_http_faas_docker_container_t  *container;

    (void) ngx_http_faas_docker_outcome_name(
               ngx_http_faas_docker_outcome(call, status, body));

    if (ngx_http_faas_docker_message(pool, body, &text) == NGX_OK) {
        ngx_http_faas_fuzz_check(text.len <= 512);

        for (i = 0; i < text.len; i++) {
            ngx_http_faas_fuzz_check(text.data[i] >= 0x20);
        }
    }

    if (ngx_http_faas_docker_parse_create(pool, body, &text) == NGX_OK) {
        ngx_http_faas_fuzz_reply_id(&text);
    }

    if (ngx_http_faas_docker_parse_network(pool, body, &network) == NGX_OK) {
        ngx_http_faas_fuzz_reply_id(&network.id);
    }

    if (ngx_http_faas_docker_parse_inspect(pool, body, &state) == NGX_OK) {
        ngx_http_faas_fuzz_check(state.started >= 0);
        ngx_http_faas_fuzz_check(state.started_msec < 1000);
    }

    if (ngx_http_faas_docker_parse_list(pool, body, &list) == NGX_OK) {
        container = list->elts;

        for (i = 0; i < list->nelts; i++) {
            ngx_http_faas_fuzz_reply_id(&container[i].id);
            ngx_http_faas_fuzz_check(container[i].slot >= NGX_ERROR);
        }
    }

    for (max = 0; max < 64; max += 9) {

        if (ngx_http_faas_docker_parse_logs(pool, body, max, &text) == NGX_OK)
        {
            ngx_http_faas_fuzz_check(text.len <= max);
        }
    }
}


static void
ngx_http_faas_fuzz_reply_id(ngx_str_t *id)
{
    ngx_uint_t  i;

    ngx_http_faas_fuzz_check(id->len == NGX_HTTP_FAAS_ID_LEN);

    for (i = 0; i < id->len; i++) {
        ngx_http_faas_fuzz_check(isxdigit(id->data[i]));
    }
}
