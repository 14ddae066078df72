
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * What has to be true of a RunResult.
 */


#include "ngx_http_faas_fuzz.h"
#include "ngx_http_faas_hop.h"


static ngx_uint_t ngx_http_faas_fuzz_result_has(ngx_pool_t *pool,
    ngx_str_t *object, ngx_table_elt_t *h);


void
ngx_http_faas_fuzz_result_output(ngx_pool_t *pool, ngx_str_t *json,
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


void
ngx_http_faas_fuzz_result_headers(ngx_pool_t *pool, ngx_str_t *json,
    ngx_http_upstream_t *u)
{
    ngx_str_t         object;
    ngx_uint_t        i;
    ngx_table_elt_t  *h;
    ngx_list_part_t  *part;

    object = ngx_http_faas_fuzz_json_member(pool, json, "http_headers");

    for (part = &u->headers_in.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (ngx_http_faas_fuzz_utf8(&h[i].key)
                && ngx_http_faas_fuzz_utf8(&h[i].value))
            {
                ngx_http_faas_fuzz_check(!!ngx_http_faas_hop(u, &h[i].key)
                              != ngx_http_faas_fuzz_result_has(pool, &object,
                                                               &h[i]));
            }
        }
    }
}


static ngx_uint_t
ngx_http_faas_fuzz_result_has(ngx_pool_t *pool, ngx_str_t *object,
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
