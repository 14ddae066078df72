
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Writes the JSON of a RunResult around the output, in the order that the
 * interface fixes: run_id, status, http_status_code, http_headers, output,
 * error_message, duration_ms, function_id.
 */


#include "ngx_http_faas_result.h"
#include "ngx_http_faas_hop.h"
#include "ngx_http_faas_json.h"

#include <sys/random.h>


#define NGX_HTTP_FAAS_RESULT_ID  16             /* random bytes */


/* copied, where ngx_sprintf() would look at each byte for a format */
#define ngx_http_faas_result_text(p, text)                                    \
    ngx_cpymem(p, text, sizeof(text) - 1)


static ngx_uint_t ngx_http_faas_result_same(ngx_table_elt_t *a,
    ngx_table_elt_t *b);
static ngx_table_elt_t **ngx_http_faas_result_list(ngx_pool_t *pool,
    ngx_http_upstream_t *u, ngx_uint_t *n);
static u_char *ngx_http_faas_result_value(u_char *p, ngx_table_elt_t **h,
    ngx_uint_t i, ngx_uint_t n);
static u_char *ngx_http_faas_result_end(ngx_http_faas_result_t *result,
    u_char *p, ngx_str_t *message);
static size_t ngx_http_faas_result_end_len(ngx_http_faas_result_t *result,
    ngx_str_t *message);


ngx_int_t
ngx_http_faas_result_init(ngx_http_faas_result_t *result,
    ngx_http_request_t *r, ngx_str_t *function)
{
    ngx_http_faas_random_t     *random;
    ngx_http_faas_main_conf_t  *fmcf;

    fmcf = ngx_http_get_module_main_conf(r, ngx_http_faas_module);
    random = &fmcf->random;

    if (random->left < NGX_HTTP_FAAS_RESULT_ID) {

        if (getrandom(random->bytes, sizeof(random->bytes), 0)
            != (ssize_t) sizeof(random->bytes))
        {
            ngx_log_error(NGX_LOG_ALERT, r->connection->log, ngx_errno,
                          "faas: getrandom() failed");
            return NGX_ERROR;
        }

        random->left = sizeof(random->bytes);
    }

    result->pool = r->pool;
    result->function = *function;
    result->start = ngx_current_msec;

    result->id.len = 2 * NGX_HTTP_FAAS_RESULT_ID;

    result->id.data = ngx_pnalloc(r->pool, result->id.len);
    if (result->id.data == NULL) {
        return NGX_ERROR;
    }

    random->left -= NGX_HTTP_FAAS_RESULT_ID;

    ngx_hex_dump(result->id.data, random->bytes + random->left,
                 NGX_HTTP_FAAS_RESULT_ID);

    return NGX_OK;
}


ngx_int_t
ngx_http_faas_result_answer(ngx_http_faas_result_t *result,
    ngx_http_upstream_t *u)
{
    u_char            *p;
    size_t             len;
    ngx_uint_t         i, j, n;
    ngx_table_elt_t  **h;

    result->code = u->headers_in.status_n;

    h = ngx_http_faas_result_list(result->pool, u, &n);
    if (h == NULL) {
        return NGX_ERROR;
    }

    len = sizeof("{}");

    for (i = 0; i < n; i++) {

        if (ngx_http_faas_utf8_sanitize(result->pool, &h[i]->value) != NGX_OK
            || ngx_http_faas_utf8_sanitize(result->pool, &h[i]->key)
               != NGX_OK)
        {
            return NGX_ERROR;
        }

        len += ngx_http_faas_json_quote_len(&h[i]->key)
               + ngx_http_faas_json_quote_len(&h[i]->value) + sizeof(":[],");
    }

    p = ngx_pnalloc(result->pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    result->headers.data = p;
    *p++ = '{';

    for (i = 0; i < n; i++) {

        for (j = 0; j < i; j++) {
            if (ngx_http_faas_result_same(h[i], h[j])) {
                break;
            }
        }

        if (j < i) {
            continue;                   /* went with the first of its name */
        }

        if (p[-1] != '{') {
            *p++ = ',';
        }

        p = ngx_http_faas_json_quote(p, &h[i]->key);
        *p++ = ':';
        p = ngx_http_faas_result_value(p, h, i, n);
    }

    *p++ = '}';
    result->headers.len = p - result->headers.data;

    return NGX_OK;
}


ngx_int_t
ngx_http_faas_result_command(ngx_http_faas_result_t *result,
    ngx_http_request_t *r)
{
    u_char     *p;
    ngx_str_t   type;

    type = r->headers_out.content_type;

    if (ngx_http_faas_utf8_sanitize(result->pool, &type) != NGX_OK) {
        return NGX_ERROR;
    }

    p = ngx_pnalloc(result->pool, sizeof("{\"Content-Type\":}")
                                  + ngx_http_faas_json_quote_len(&type));
    if (p == NULL) {
        return NGX_ERROR;
    }

    result->code = r->headers_out.status;
    result->headers.data = p;

    p = ngx_sprintf(p, "{\"Content-Type\":");
    p = ngx_http_faas_json_quote(p, &type);
    *p++ = '}';

    result->headers.len = p - result->headers.data;

    return NGX_OK;
}


/* a string, or an array when there are more of this name */

static u_char *
ngx_http_faas_result_value(u_char *p, ngx_table_elt_t **h, ngx_uint_t i,
    ngx_uint_t n)
{
    u_char      *start;
    ngx_uint_t   j, repeated;

    start = p;
    repeated = 0;

    *p++ = '[';
    p = ngx_http_faas_json_quote(p, &h[i]->value);

    for (j = i + 1; j < n; j++) {

        if (ngx_http_faas_result_same(h[i], h[j])) {
            repeated = 1;
            *p++ = ',';
            p = ngx_http_faas_json_quote(p, &h[j]->value);
        }
    }

    if (repeated) {
        *p++ = ']';
        return p;
    }

    ngx_memmove(start, start + 1, p - start - 1);

    return p - 1;
}


static ngx_table_elt_t **
ngx_http_faas_result_list(ngx_pool_t *pool, ngx_http_upstream_t *u,
    ngx_uint_t *n)
{
    ngx_uint_t         i;
    ngx_array_t        a;
    ngx_list_part_t   *part;
    ngx_table_elt_t   *h, *copy, **p;

    if (ngx_array_init(&a, pool, 16, sizeof(ngx_table_elt_t *)) != NGX_OK) {
        return NULL;
    }

    part = &u->headers_in.headers.part;
    h = part->elts;

    for (i = 0; /* void */ ; i++) {

        if (i >= part->nelts) {
            if (part->next == NULL) {
                break;
            }

            part = part->next;
            h = part->elts;
            i = 0;
        }

        /* proxy itself adds a "Server" and a "Date" without a value */

        if (h[i].value.data == NULL || ngx_http_faas_hop(u, &h[i].key)) {
            continue;
        }

        copy = ngx_palloc(pool, sizeof(ngx_table_elt_t));
        if (copy == NULL) {
            return NULL;
        }

        *copy = h[i];

        p = ngx_array_push(&a);
        if (p == NULL) {
            return NULL;
        }

        *p = copy;
    }

    *n = a.nelts;

    return a.elts;
}


static ngx_uint_t
ngx_http_faas_result_same(ngx_table_elt_t *a, ngx_table_elt_t *b)
{
    return a->key.len == b->key.len
           && ngx_strncasecmp(a->key.data, b->key.data, a->key.len) == 0;
}


ngx_int_t
ngx_http_faas_result_head(ngx_http_faas_result_t *result, ngx_uint_t quoted,
    ngx_str_t *head)
{
    u_char  *p;

    p = ngx_pnalloc(result->pool,
                    sizeof("{\"run_id\":\"\",\"status\":\"success\","
                           "\"http_status_code\":,\"http_headers\":,"
                           "\"output\":\"")
                    + result->id.len + NGX_INT_T_LEN + result->headers.len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    head->data = p;

    p = ngx_http_faas_result_text(p, "{\"run_id\":\"");
    p = ngx_cpymem(p, result->id.data, result->id.len);
    p = ngx_http_faas_result_text(p, "\",\"status\":\"success\","
                                     "\"http_status_code\":");
    p = ngx_sprintf(p, "%ui", result->code);
    p = ngx_http_faas_result_text(p, ",\"http_headers\":");
    p = ngx_cpymem(p, result->headers.data, result->headers.len);
    p = ngx_http_faas_result_text(p, ",\"output\":");

    if (quoted) {
        *p++ = '"';
    }

    head->len = p - head->data;

    return NGX_OK;
}


ngx_int_t
ngx_http_faas_result_foot(ngx_http_faas_result_t *result, ngx_uint_t quoted,
    ngx_str_t *foot)
{
    u_char  *p;

    p = ngx_pnalloc(result->pool,
                    sizeof("\",\"output_encoding\":\"base64\"")
                    + ngx_http_faas_result_end_len(result, NULL));
    if (p == NULL) {
        return NGX_ERROR;
    }

    foot->data = p;

    if (quoted) {
        *p++ = '"';
    }

    if (result->base64) {
        p = ngx_http_faas_result_text(p, ",\"output_encoding\":\"base64\"");
    }

    p = ngx_http_faas_result_end(result, p, NULL);
    foot->len = p - foot->data;

    return NGX_OK;
}


ngx_int_t
ngx_http_faas_result_failure(ngx_http_faas_result_t *result,
    ngx_str_t *status, ngx_str_t *message, ngx_str_t *body)
{
    u_char     *p;
    ngx_str_t   text;

    text = *message;

    if (ngx_http_faas_utf8_sanitize(result->pool, &text) != NGX_OK) {
        return NGX_ERROR;
    }

    p = ngx_pnalloc(result->pool,
                    sizeof("{\"run_id\":\"\",\"status\":\"\","
                           "\"http_status_code\":null,\"http_headers\":{},"
                           "\"output\":null")
                    + result->id.len + status->len
                    + ngx_http_faas_result_end_len(result, &text));
    if (p == NULL) {
        return NGX_ERROR;
    }

    body->data = p;

    p = ngx_sprintf(p, "{\"run_id\":\"%V\",\"status\":\"%V\","
                    "\"http_status_code\":null,\"http_headers\":{},"
                    "\"output\":null", &result->id, status);

    p = ngx_http_faas_result_end(result, p, &text);
    body->len = p - body->data;

    return NGX_OK;
}


static size_t
ngx_http_faas_result_end_len(ngx_http_faas_result_t *result,
    ngx_str_t *message)
{
    return sizeof(",\"error_message\":null,\"duration_ms\":,"
                  "\"function_id\":}\n")
           + NGX_INT_T_LEN
           + (message ? ngx_http_faas_json_quote_len(message) : 0)
           + ngx_http_faas_json_quote_len(&result->function);
}


static u_char *
ngx_http_faas_result_end(ngx_http_faas_result_t *result, u_char *p,
    ngx_str_t *message)
{
    p = ngx_http_faas_result_text(p, ",\"error_message\":");

    p = message ? ngx_http_faas_json_quote(p, message)
                : ngx_http_faas_result_text(p, "null");

    p = ngx_http_faas_result_text(p, ",\"duration_ms\":");
    p = ngx_sprintf(p, "%M", (result->end ? result->end : ngx_current_msec)
                             - result->start);
    p = ngx_http_faas_result_text(p, ",\"function_id\":");
    p = ngx_http_faas_json_quote(p, &result->function);

    return ngx_http_faas_result_text(p, "}\n");
}
