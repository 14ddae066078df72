
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * An invocation is a raw call in an envelope: the input becomes the body,
 * byte for byte, and an internal redirect leads to the raw location.
 */


#include "ngx_http_faas_invoke.h"
#include "ngx_http_faas_body.h"
#include "ngx_http_faas_document.h"
#include "ngx_http_faas_envelope.h"
#include "ngx_http_faas_request.h"


#define NGX_HTTP_FAAS_INVOKE_MAX      3600000   /* ms */


static ngx_int_t ngx_http_faas_invoke_parse(ngx_http_request_t *r,
    ngx_str_t *text, ngx_str_t *input, ngx_msec_t *timeout);
static ngx_int_t ngx_http_faas_invoke_redirect(ngx_http_request_t *r,
    ngx_str_t *name, ngx_str_t *text, ngx_str_t *input, ngx_msec_t timeout);


void
ngx_http_faas_invoke(ngx_http_request_t *r, ngx_str_t *name)
{
    ngx_int_t   rc;
    ngx_str_t   text, input;
    ngx_msec_t  timeout;

    rc = ngx_http_faas_invoke_parse(r, &text, &input, &timeout);

    if (rc == NGX_DECLINED) {
        rc = ngx_http_faas_invoke_redirect(r, name, &text, &input, timeout);
    }

    ngx_http_finalize_request(r, rc);
}


/* NGX_DECLINED: go on, the input is of the text; else it has been answered */

static ngx_int_t
ngx_http_faas_invoke_parse(ngx_http_request_t *r, ngx_str_t *text,
    ngx_str_t *input, ngx_msec_t *timeout)
{
    ngx_int_t                       rc;
    ngx_uint_t                      msec;
    ngx_http_faas_document_t        doc;
    ngx_http_faas_document_field_t  fields[3];

    ngx_memzero(fields, sizeof(fields));

    ngx_str_set(&fields[0].name, "input");
    ngx_str_set(&fields[1].name, "timeout_ms");

    ngx_str_set(input, "{}");
    *timeout = 0;

    doc.other = NULL;

    rc = ngx_http_faas_document(r, fields, &doc);

    if (rc != NGX_DECLINED) {
        return rc;
    }

    *text = doc.text;

    if (fields[0].value) {
        *input = fields[0].value->value;
    }

    if (fields[1].value == NULL) {
        return NGX_DECLINED;
    }

    if (ngx_http_faas_json_uint(&fields[1].value->value,
                                NGX_HTTP_FAAS_INVOKE_MAX, &msec)
        != NGX_OK
        || msec == 0)
    {
        return ngx_http_faas_reply_literal(r, NGX_HTTP_BAD_REQUEST,
                   "invalid_timeout",
                   "timeout_ms must be an integer from 1 to 3600000");
    }

    *timeout = (ngx_msec_t) msec;

    return NGX_DECLINED;
}


static ngx_int_t
ngx_http_faas_invoke_redirect(ngx_http_request_t *r, ngx_str_t *name,
    ngx_str_t *text, ngx_str_t *input, ngx_msec_t timeout)
{
    u_char                    *p;
    ngx_str_t                  uri, args;
    ngx_http_faas_ctx_t       *ctx;
    ngx_http_faas_loc_conf_t  *flcf;

    flcf = ngx_http_faas_get_loc_conf(r);

    uri.len = flcf->api.len + name->len;

    uri.data = ngx_pnalloc(r->pool, uri.len);
    if (uri.data == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    p = ngx_cpymem(uri.data, flcf->api.data, flcf->api.len);
    ngx_memcpy(p, name->data, name->len);

    ngx_str_null(&args);

    ctx = ngx_http_faas_request_ctx(r);

    if (ctx == NULL
        || ngx_http_faas_envelope_create(ctx, name) != NGX_OK
        || ngx_http_faas_body_replace(r, text, input) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->timeout = timeout;

    (void) ngx_http_internal_redirect(r, &uri, &args);

    return NGX_DONE;
}
