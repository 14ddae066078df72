
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * The header and body filter: answers of nginx itself become JSON in our
 * locations, and an invocation's answer goes through its envelope.  It runs
 * right after the copy filter, before gzip.
 */


#include "ngx_http_faas_filter.h"
#include "ngx_http_faas_envelope.h"
#include "ngx_http_faas_hop.h"
#include "ngx_http_faas_request.h"


static ngx_int_t ngx_http_faas_filter_header(ngx_http_request_t *r);
static ngx_int_t ngx_http_faas_filter_body(ngx_http_request_t *r,
    ngx_chain_t *in);
static ngx_uint_t ngx_http_faas_filter_cached(ngx_http_request_t *r);
static void ngx_http_faas_filter_hops(ngx_http_request_t *r);
static ngx_int_t ngx_http_faas_filter_replace(ngx_http_request_t *r);
static ngx_int_t ngx_http_faas_filter_init(ngx_conf_t *cf);


static ngx_http_module_t  ngx_http_faas_filter_module_ctx = {
    NULL,                                  /* preconfiguration */
    ngx_http_faas_filter_init,             /* postconfiguration */

    NULL,                                  /* create main configuration */
    NULL,                                  /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    NULL,                                  /* create location configuration */
    NULL                                   /* merge location configuration */
};


ngx_module_t  ngx_http_faas_filter_module = {
    NGX_MODULE_V1,
    &ngx_http_faas_filter_module_ctx,      /* module context */
    NULL,                                  /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    NULL,                                  /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    NULL,                                  /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


/* set once, while the configuration is read, as in every filter of nginx */

static ngx_http_output_header_filter_pt  ngx_http_next_header_filter;
static ngx_http_output_body_filter_pt    ngx_http_next_body_filter;


static ngx_int_t
ngx_http_faas_filter_init(ngx_conf_t *cf)
{
    ngx_http_next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = ngx_http_faas_filter_header;

    ngx_http_next_body_filter = ngx_http_top_body_filter;
    ngx_http_top_body_filter = ngx_http_faas_filter_body;

    return NGX_OK;
}


ngx_int_t
ngx_http_faas_filter_next_header(ngx_http_request_t *r)
{
    return ngx_http_next_header_filter(r);
}


ngx_int_t
ngx_http_faas_filter_next_body(ngx_http_request_t *r, ngx_chain_t *in)
{
    return ngx_http_next_body_filter(r, in);
}


static ngx_int_t
ngx_http_faas_filter_header(ngx_http_request_t *r)
{
    ngx_http_faas_ctx_t       *ctx;
    ngx_http_faas_loc_conf_t  *flcf;

    if (r != r->main) {
        return ngx_http_next_header_filter(r);
    }

    ctx = ngx_http_faas_request_find(r);

    if (ctx && ctx->envelope && ctx->served) {
        ngx_http_set_ctx(r, ctx, ngx_http_faas_module);
        return ngx_http_faas_envelope_header(r, ctx);
    }

    if (ctx && r->upstream
        && ((ctx->served && !ctx->failed) || ngx_http_faas_filter_cached(r)))
    {
        ngx_http_faas_filter_hops(r);
    }

    if (r->err_status < NGX_HTTP_BAD_REQUEST) {
        return ngx_http_next_header_filter(r);
    }

    flcf = ngx_http_faas_get_loc_conf(r);

    /* a page of nginx's own, neither a function's nor an error_page */

    if ((flcf->api.len || flcf->function)
        && (ctx == NULL || !ctx->served || ctx->failed
            || r->upstream == NULL
            || r->upstream->headers_in.status_n == 0))
    {
        return ngx_http_faas_filter_replace(r);
    }

    return ngx_http_next_header_filter(r);
}


/* a function's answer of some time ago */

static ngx_uint_t
ngx_http_faas_filter_cached(ngx_http_request_t *r)
{
#if (NGX_HTTP_CACHE)

    return r->cached;

#else

    return 0;

#endif
}


static void
ngx_http_faas_filter_hops(ngx_http_request_t *r)
{
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    if (r->headers_out.status == NGX_HTTP_SWITCHING_PROTOCOLS) {
        return;
    }

    part = &r->headers_out.headers.part;
    h = part->elts;

    for (i = 0; /* void */ ; i++) {

        if (i >= part->nelts) {
            if (part->next == NULL) {
                return;
            }

            part = part->next;
            h = part->elts;
            i = 0;
        }

        if (ngx_http_faas_hop(r->upstream, &h[i].key)) {
            h[i].hash = 0;
        }
    }
}


static ngx_int_t
ngx_http_faas_filter_replace(ngx_http_request_t *r)
{
    ngx_str_t             code, message;
    ngx_http_faas_ctx_t  *ctx;

    ctx = ngx_http_faas_request_ctx(r);
    if (ctx == NULL) {
        return NGX_ERROR;
    }

    ngx_http_faas_reply_status(r->err_status, &code, &message);

    if (ctx->code.len) {
        code = ctx->code;
        message = ctx->message;
    }

    if (ngx_http_faas_reply_error_body(r->pool, &code, &message, &ctx->error)
        != NGX_OK
        || ngx_http_faas_reply_headers(r, r->headers_out.status,
                                       ctx->error.len)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_next_header_filter(r);
}


static ngx_int_t
ngx_http_faas_filter_body(ngx_http_request_t *r, ngx_chain_t *in)
{
    ngx_buf_t            *b;
    ngx_chain_t          *cl, out;
    ngx_http_faas_ctx_t  *ctx;

    if (r != r->main) {
        return ngx_http_next_body_filter(r, in);
    }

    ctx = ngx_http_get_module_ctx(r, ngx_http_faas_module);

    if (ctx == NULL) {
        return ngx_http_next_body_filter(r, in);
    }

    if (ctx->envelope && ctx->served) {
        return ngx_http_faas_envelope_body(r, ctx, in);
    }

    if (ctx->error.len == 0 || in == NULL) {
        return ngx_http_next_body_filter(r, in);
    }

    for (cl = in; cl; cl = cl->next) {
        cl->buf->pos = cl->buf->last;
        cl->buf->file_pos = cl->buf->file_last;
    }

    if (ctx->replaced) {
        return NGX_OK;
    }

    ctx->replaced = 1;

    b = ngx_calloc_buf(r->pool);
    if (b == NULL) {
        return NGX_ERROR;
    }

    b->pos = ctx->error.data;
    b->last = ctx->error.data + ctx->error.len;
    b->memory = 1;
    b->last_buf = 1;
    b->last_in_chain = 1;

    out.buf = b;
    out.next = NULL;

    return ngx_http_next_body_filter(r, &out);
}
