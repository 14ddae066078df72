
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * The body of an invocation: pieces, the size of a step, and then JSON, or
 * what is not.  The verdict is that of a second opinion, for the whole and in
 * steps, and what is cut out is as it was written.
 */


#include "ngx_http_faas_fuzz.h"
#include "ngx_http_faas_body.h"
#include "ngx_http_faas_document.h"


static ngx_uint_t ngx_http_faas_fuzz_body_scan(ngx_str_t *text, size_t step,
    size_t *offset);
static void ngx_http_faas_fuzz_body_object(ngx_pool_t *pool,
    ngx_str_t *text);
static void ngx_http_faas_fuzz_body_invoke(ngx_pool_t *pool,
    ngx_str_t *text, ngx_uint_t pieces);


void
ngx_http_faas_fuzz_body_target(ngx_pool_t *pool,
    ngx_http_faas_fuzz_input_t *in)
{
    size_t      step, whole, stepped;
    ngx_str_t   text;
    ngx_uint_t  pieces, valid;

    pieces = ngx_http_faas_fuzz_byte(in) % 8;
    step = 1 + ngx_http_faas_fuzz_byte(in) % 16;

    ngx_http_faas_fuzz_bytes(pool, in, in->last - in->pos, &text);

    valid = ngx_http_faas_fuzz_json(&text);

    ngx_http_faas_fuzz_check(ngx_http_faas_fuzz_body_scan(&text, text.len + 1,
                                                          &whole)
                             == valid);
    ngx_http_faas_fuzz_check(ngx_http_faas_fuzz_body_scan(&text, step,
                                                          &stepped)
                             == valid);
    ngx_http_faas_fuzz_check(whole == stepped && whole <= text.len);

    if (valid) {
        ngx_http_faas_fuzz_body_object(pool, &text);
    }

    ngx_http_faas_fuzz_body_invoke(pool, &text, pieces);
}


static ngx_uint_t
ngx_http_faas_fuzz_body_scan(ngx_str_t *text, size_t step, size_t *offset)
{
    u_char                     *p, *last;
    ngx_http_faas_json_scan_t   scan;

    ngx_http_faas_json_scan_init(&scan);

    last = text->data + text->len;

    for (p = text->data; p < last; p += ngx_min(step, (size_t) (last - p))) {

        if (ngx_http_faas_json_scan(&scan, p, p + ngx_min(step,
                                                  (size_t) (last - p)))
            != NGX_OK)
        {
            break;
        }
    }

    *offset = scan.offset;

    return ngx_http_faas_json_scan_end(&scan) == NGX_OK;
}


/* each member is where and what the second opinion says */

static void
ngx_http_faas_fuzz_body_object(ngx_pool_t *pool, ngx_str_t *text)
{
    size_t                        offset;
    u_char                       *p;
    ngx_str_t                     key, value;
    ngx_int_t                     rc;
    ngx_uint_t                    i;
    ngx_array_t                  *members;
    ngx_http_faas_json_member_t  *m;

    rc = ngx_http_faas_json_object(pool, text, &members, &offset);

    ngx_http_faas_fuzz_check(rc == NGX_OK || rc == NGX_DECLINED);

    if (rc != NGX_OK) {
        ngx_http_faas_fuzz_check(members->nelts == 0 || members->nelts == 256);
        return;
    }

    m = members->elts;
    p = text->data;

    for (i = 0; i < members->nelts; i++) {
        rc = ngx_http_faas_fuzz_json_next(pool, &p, &key, &value);

        ngx_http_faas_fuzz_check(rc == NGX_OK);
        ngx_http_faas_fuzz_check(m[i].value.data == value.data);
        ngx_http_faas_fuzz_check(m[i].value.len == value.len);

        /* half of a surrogate pair leaves the key as it is */

        ngx_http_faas_fuzz_check(ngx_http_faas_fuzz_same(&m[i].key, &key)
                                 || !ngx_http_faas_fuzz_utf8(&key));
    }

    rc = ngx_http_faas_fuzz_json_next(pool, &p, &key, &value);

    ngx_http_faas_fuzz_check(rc == NGX_DONE);
}


/* as the API asks for it */

static void
ngx_http_faas_fuzz_body_invoke(ngx_pool_t *pool, ngx_str_t *text,
    ngx_uint_t pieces)
{
    ngx_int_t                        rc;
    ngx_str_t                        body;
    ngx_http_request_t              *r;
    ngx_http_faas_document_t         doc;
    ngx_http_faas_document_field_t   fields[3];

    ngx_memzero(fields, sizeof(fields));
    ngx_memzero(&doc, sizeof(ngx_http_faas_document_t));

    ngx_str_set(&fields[0].name, "input");
    ngx_str_set(&fields[1].name, "timeout_ms");

    r = ngx_http_faas_fuzz_request(pool);

    ngx_http_faas_fuzz_connect(pool, 0);
    ngx_http_faas_fuzz_body(r, text, pieces);

    rc = ngx_http_faas_document(r, fields, &doc);

    if (rc != NGX_DECLINED) {
        ngx_http_faas_fuzz_answered(r, rc);
        return;
    }

    if (fields[0].value == NULL) {
        return;
    }

    /* what the function is sent is what the client wrote */

    ngx_http_faas_fuzz_check(ngx_http_faas_body_replace(r, &doc.text,
                                                   &fields[0].value->value)
                             == NGX_OK);
    ngx_http_faas_fuzz_check(ngx_http_faas_body_text(r, &body) == NGX_OK);
    ngx_http_faas_fuzz_check(ngx_http_faas_fuzz_same(&body,
                                                  &fields[0].value->value));
    ngx_http_faas_fuzz_check(ngx_http_faas_fuzz_json(&body));
}
