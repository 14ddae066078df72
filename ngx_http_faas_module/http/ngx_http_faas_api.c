
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Routes the requests of a "faas_api" location.  The directory of sources is
 * the truth: the API only reads and writes files there, and the next request
 * for a function sees what it finds.
 *
 *   /            GET, POST          the functions
 *   /NAME        GET, PUT, DELETE   a function
 *   /NAME/invoke POST               a call
 */


#include "ngx_http_faas_api.h"
#include "ngx_http_faas_invoke.h"
#include "ngx_http_faas_request.h"
#include "ngx_http_faas_store.h"


/* for another write to be on the disk */
#define NGX_HTTP_FAAS_API_RETRY  5              /* ms */
#define NGX_HTTP_FAAS_API_WAIT   5000


typedef enum {
    NGX_HTTP_FAAS_API_FUNCTIONS = 0,
    NGX_HTTP_FAAS_API_FUNCTION,
    NGX_HTTP_FAAS_API_INVOKE,
    NGX_HTTP_FAAS_API_NOTHING
} ngx_http_faas_api_resource_e;


static ngx_uint_t ngx_http_faas_api_route(ngx_http_request_t *r,
    ngx_str_t *name);
static ngx_int_t ngx_http_faas_api_allowed(ngx_http_request_t *r,
    ngx_uint_t resource);
static ngx_int_t ngx_http_faas_api_acceptable(ngx_http_request_t *r);
static ngx_uint_t ngx_http_faas_api_is(ngx_str_t *value, char *text);
static ngx_str_t *ngx_http_faas_api_header(ngx_http_request_t *r,
    ngx_str_t *name);
static ngx_int_t ngx_http_faas_api_read(ngx_http_request_t *r);
static ngx_int_t ngx_http_faas_api_write(ngx_http_request_t *r);
static void ngx_http_faas_api_body_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_faas_api_wait(ngx_http_request_t *r);
static void ngx_http_faas_api_wait_handler(ngx_event_t *ev);


ngx_int_t
ngx_http_faas_api_handler(ngx_http_request_t *r)
{
    ngx_int_t   rc;
    ngx_str_t   name;
    ngx_uint_t  resource;

    resource = ngx_http_faas_api_route(r, &name);

    if (resource == NGX_HTTP_FAAS_API_NOTHING) {
        return NGX_HTTP_NOT_FOUND;
    }

    rc = ngx_http_faas_api_allowed(r, resource);
    if (rc != NGX_DECLINED) {
        return rc;
    }

    if (resource != NGX_HTTP_FAAS_API_FUNCTIONS
        && ngx_http_faas_name_check(&name) != NGX_OK)
    {
        rc = ngx_http_discard_request_body(r);
        if (rc != NGX_OK) {
            return rc;
        }

        return ngx_http_faas_reply_literal(r, NGX_HTTP_BAD_REQUEST,
                   "invalid_name", "the function's name is not valid");
    }

    if (r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD)) {
        return ngx_http_faas_api_read(r);
    }

    return ngx_http_faas_api_write(r);
}


static ngx_uint_t
ngx_http_faas_api_route(ngx_http_request_t *r, ngx_str_t *name)
{
    u_char                    *p, *last, *verb;
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    p = r->uri.data + clcf->name.len;
    last = r->uri.data + r->uri.len;

    if (p > last) {
        return NGX_HTTP_FAAS_API_NOTHING;
    }

    /* the location may end with a slash or not */

    if (p > r->uri.data && p[-1] == '/') {
        p--;
    }

    if (p == last || p + 1 == last) {
        return (p == last || *p == '/') ? NGX_HTTP_FAAS_API_FUNCTIONS
                                        : NGX_HTTP_FAAS_API_NOTHING;
    }

    if (*p != '/') {
        return NGX_HTTP_FAAS_API_NOTHING;
    }

    p++;

    name->data = p;
    name->len = last - p;

    verb = ngx_strlchr(p, last, '/');

    if (verb
        && last - verb == sizeof("/invoke") - 1
        && ngx_strncmp(verb, "/invoke", sizeof("/invoke") - 1) == 0)
    {
        name->len = verb - p;
        return NGX_HTTP_FAAS_API_INVOKE;
    }

    return NGX_HTTP_FAAS_API_FUNCTION;
}


static ngx_int_t
ngx_http_faas_api_allowed(ngx_http_request_t *r, ngx_uint_t resource)
{
    ngx_int_t   rc;
    ngx_str_t   key;
    ngx_uint_t  methods;

    static ngx_uint_t  allowed[] = {
        NGX_HTTP_GET|NGX_HTTP_HEAD|NGX_HTTP_POST,
        NGX_HTTP_GET|NGX_HTTP_HEAD|NGX_HTTP_PUT|NGX_HTTP_DELETE,
        NGX_HTTP_POST
    };

    static ngx_str_t  names[] = {
        ngx_string("GET, HEAD, POST"),
        ngx_string("GET, HEAD, PUT, DELETE"),
        ngx_string("POST")
    };

    methods = allowed[resource];

    if (r->method & methods) {
        return NGX_DECLINED;
    }

    ngx_str_set(&key, "Allow");

    if (ngx_http_faas_reply_header(r, &key, &names[resource]) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    return ngx_http_faas_reply_literal(r, NGX_HTTP_NOT_ALLOWED,
               "method_not_allowed", "the method is not allowed here");
}


static ngx_int_t
ngx_http_faas_api_read(ngx_http_request_t *r)
{
    ngx_int_t  rc;
    ngx_str_t  name;

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_http_faas_api_route(r, &name) == NGX_HTTP_FAAS_API_FUNCTIONS) {
        return ngx_http_faas_store_list(r);
    }

    return ngx_http_faas_store_get(r, &name);
}


static ngx_int_t
ngx_http_faas_api_write(ngx_http_request_t *r)
{
    ngx_int_t  rc;

    rc = ngx_http_faas_api_acceptable(r);
    if (rc != NGX_DECLINED) {
        return rc;
    }

    r->request_body_in_single_buf = 1;

    rc = ngx_http_read_client_request_body(r, ngx_http_faas_api_body_handler);
    if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
        return rc;
    }

    return NGX_DONE;
}


/*
 * A page of another site may make a browser send a "simple" request here;
 * browsers tell so (Fetch Metadata, W3C).  "same-site" is another port or a
 * sibling of this host: where functions have theirs.
 */

static ngx_int_t
ngx_http_faas_api_acceptable(ngx_http_request_t *r)
{
    ngx_int_t   rc;
    ngx_str_t  *value, name;

    ngx_str_set(&name, "Sec-Fetch-Site");
    value = ngx_http_faas_api_header(r, &name);

    if (value
        && !ngx_http_faas_api_is(value, "same-origin")
        && !ngx_http_faas_api_is(value, "none"))
    {
        rc = ngx_http_discard_request_body(r);
        if (rc != NGX_OK) {
            return rc;
        }

        return ngx_http_faas_reply_literal(r, NGX_HTTP_FORBIDDEN,
                   "cross_site", "a page of another site may not do this");
    }

    ngx_str_set(&name, "Content-Encoding");
    value = ngx_http_faas_api_header(r, &name);

    if (value == NULL || ngx_http_faas_api_is(value, "identity")) {
        return NGX_DECLINED;
    }

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    return ngx_http_faas_reply_literal(r, NGX_HTTP_UNSUPPORTED_MEDIA_TYPE,
               "unsupported_encoding", "the body must not be compressed");
}


static ngx_uint_t
ngx_http_faas_api_is(ngx_str_t *value, char *text)
{
    return value->len == ngx_strlen(text)
           && ngx_strncasecmp(value->data, (u_char *) text, value->len) == 0;
}


static ngx_str_t *
ngx_http_faas_api_header(ngx_http_request_t *r, ngx_str_t *name)
{
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    part = &r->headers_in.headers.part;
    h = part->elts;

    for (i = 0; /* void */ ; i++) {

        if (i >= part->nelts) {
            if (part->next == NULL) {
                return NULL;
            }

            part = part->next;
            h = part->elts;
            i = 0;
        }

        if (h[i].key.len == name->len
            && ngx_strncasecmp(h[i].key.data, name->data, name->len) == 0)
        {
            return &h[i].value;
        }
    }
}


static void
ngx_http_faas_api_body_handler(ngx_http_request_t *r)
{
    ngx_int_t   rc;
    ngx_str_t   name;
    ngx_uint_t  resource;

    resource = ngx_http_faas_api_route(r, &name);

    if (resource == NGX_HTTP_FAAS_API_INVOKE) {
        ngx_http_faas_invoke(r, &name);
        return;
    }

    if (resource == NGX_HTTP_FAAS_API_FUNCTIONS) {
        rc = ngx_http_faas_store_create(r);

    } else if (r->method == NGX_HTTP_PUT) {
        rc = ngx_http_faas_store_replace(r, &name);

    } else {
        rc = ngx_http_faas_store_delete(r, &name);
    }

    if (rc == NGX_BUSY) {
        rc = ngx_http_faas_api_wait(r);

        if (rc == NGX_OK) {
            return;
        }
    }

    ngx_http_finalize_request(r, rc);
}


/*
 * Somebody else writes into the directory: a few milliseconds, or too long.
 * NGX_OK: the handler will be called again.
 */

static ngx_int_t
ngx_http_faas_api_wait(ngx_http_request_t *r)
{
    ngx_http_faas_ctx_t  *ctx;

    ctx = ngx_http_faas_request_ctx(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (!ctx->timed) {
        ctx->timed = 1;
        ctx->expires = ngx_current_msec + NGX_HTTP_FAAS_API_WAIT;
        ctx->deadline.handler = ngx_http_faas_api_wait_handler;
    }

    if ((ngx_msec_int_t) (ctx->expires - ngx_current_msec) <= 0) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "faas: the directory of functions is locked");
        return NGX_HTTP_SERVICE_UNAVAILABLE;
    }

    ngx_http_faas_request_deadline(ctx, NGX_HTTP_FAAS_API_RETRY);

    return NGX_OK;
}


static void
ngx_http_faas_api_wait_handler(ngx_event_t *ev)
{
    ngx_connection_t     *c;
    ngx_http_request_t   *r;
    ngx_http_faas_ctx_t  *ctx;

    ctx = ngx_queue_data(ev, ngx_http_faas_ctx_t, deadline);
    r = ctx->request;
    c = r->connection;

    ngx_http_set_log_request(c->log, r);

    ngx_http_faas_api_body_handler(r);

    ngx_http_run_posted_requests(c);
}
