
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Owns the form of our own answers: JSON, and errors that name no path,
 * container or word of the engine.
 */


#include "ngx_http_faas_reply.h"


#define NGX_HTTP_FAAS_RETRY_AFTER  "1"         /* seconds */


typedef struct {
    ngx_uint_t                       status;
    ngx_str_t                        code;
    ngx_str_t                        message;
} ngx_http_faas_reply_status_t;


static ngx_http_faas_reply_status_t  ngx_http_faas_reply_statuses[] = {

    { NGX_HTTP_BAD_REQUEST, ngx_string("bad_request"),
      ngx_string("the request is malformed") },

    { NGX_HTTP_UNAUTHORIZED, ngx_string("unauthorized"),
      ngx_string("credentials are needed") },

    { NGX_HTTP_FORBIDDEN, ngx_string("forbidden"),
      ngx_string("access is denied") },

    { NGX_HTTP_NOT_FOUND, ngx_string("not_found"),
      ngx_string("there is no such resource") },

    { NGX_HTTP_NOT_ALLOWED, ngx_string("method_not_allowed"),
      ngx_string("the method is not allowed here") },

    { NGX_HTTP_REQUEST_TIME_OUT, ngx_string("request_timeout"),
      ngx_string("the request took too long to arrive") },

    { NGX_HTTP_REQUEST_ENTITY_TOO_LARGE, ngx_string("too_large"),
      ngx_string("the request body is too large") },

    { NGX_HTTP_UNSUPPORTED_MEDIA_TYPE, ngx_string("unsupported_media_type"),
      ngx_string("the request body has an unsupported encoding") },

    { NGX_HTTP_TOO_MANY_REQUESTS, ngx_string("too_many_requests"),
      ngx_string("too many requests") },

    { NGX_HTTP_INTERNAL_SERVER_ERROR, ngx_string("internal_error"),
      ngx_string("an internal error occurred") },

    { NGX_HTTP_BAD_GATEWAY, ngx_string("bad_gateway"),
      ngx_string("the function gave no valid answer") },

    { NGX_HTTP_SERVICE_UNAVAILABLE, ngx_string("unavailable"),
      ngx_string("the service is not available now") },

    { NGX_HTTP_GATEWAY_TIME_OUT, ngx_string("timeout"),
      ngx_string("the function did not answer in time") },

    { 507, ngx_string("insufficient_storage"),
      ngx_string("the function could not be stored") },

    { 0, ngx_string("error"), ngx_string("the request failed") }
};


void
ngx_http_faas_reply_status(ngx_uint_t status, ngx_str_t *code,
    ngx_str_t *message)
{
    ngx_http_faas_reply_status_t  *s;

    for (s = ngx_http_faas_reply_statuses; s->status; s++) {
        if (s->status == status) {
            break;
        }
    }

    *code = s->code;
    *message = s->message;
}


ngx_int_t
ngx_http_faas_reply_header(ngx_http_request_t *r, ngx_str_t *key,
    ngx_str_t *value)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    h->hash = 1;
    h->key = *key;
    h->value = *value;
    h->lowcase_key = NULL;
    ngx_http_faas_header_last(h);

    return NGX_OK;
}


ngx_int_t
ngx_http_faas_reply_headers(ngx_http_request_t *r, ngx_uint_t status,
    off_t length)
{
    ngx_str_t  key, value;

    /* it has no validators, and may tell of what was done */
    r->disable_not_modified = 1;

    r->headers_out.status = status;
    r->headers_out.status_line.len = 0;

    ngx_str_set(&r->headers_out.content_type, "application/json");
    r->headers_out.content_type_len = r->headers_out.content_type.len;
    r->headers_out.content_type_lowcase = NULL;
    r->headers_out.charset.len = 0;

    ngx_http_clear_content_length(r);
    ngx_http_clear_accept_ranges(r);
    ngx_http_clear_last_modified(r);
    ngx_http_clear_etag(r);

    r->headers_out.content_length_n = length;

    if (status != NGX_HTTP_SERVICE_UNAVAILABLE) {
        return NGX_OK;
    }

    ngx_str_set(&key, "Retry-After");
    ngx_str_set(&value, NGX_HTTP_FAAS_RETRY_AFTER);

    return ngx_http_faas_reply_header(r, &key, &value);
}


ngx_int_t
ngx_http_faas_reply_json(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *body)
{
    ngx_int_t     rc;
    ngx_buf_t    *b;
    ngx_chain_t   out;

    if (ngx_http_faas_reply_headers(r, status, body->len) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    b = ngx_calloc_buf(r->pool);
    if (b == NULL) {
        return NGX_ERROR;
    }

    b->pos = body->data;
    b->last = body->data + body->len;
    b->memory = body->len ? 1 : 0;
    b->sync = body->len ? 0 : 1;
    b->last_buf = (r == r->main) ? 1 : 0;
    b->last_in_chain = 1;

    out.buf = b;
    out.next = NULL;

    return ngx_http_output_filter(r, &out);
}


ngx_int_t
ngx_http_faas_reply_error_body(ngx_pool_t *pool, ngx_str_t *code,
    ngx_str_t *message, ngx_str_t *body)
{
    u_char  *p;

    body->len = sizeof("{\"error\":{\"code\":\"\",\"message\":\"\"}}\n") - 1
                + code->len + message->len;

    body->data = ngx_pnalloc(pool, body->len);
    if (body->data == NULL) {
        return NGX_ERROR;
    }

    p = ngx_sprintf(body->data,
                    "{\"error\":{\"code\":\"%V\",\"message\":\"%V\"}}\n",
                    code, message);

    body->len = p - body->data;

    return NGX_OK;
}


ngx_int_t
ngx_http_faas_reply_error(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *code, ngx_str_t *message)
{
    ngx_str_t  body;

    if (ngx_http_faas_reply_error_body(r->pool, code, message, &body)
        != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_faas_reply_json(r, status, &body);
}
