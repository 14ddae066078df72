
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Owns how a JSON document is asked of a client: strict, with an error that
 * says what is wrong and where.
 */


#include "ngx_http_faas_document.h"
#include "ngx_http_faas_body.h"


static ngx_int_t ngx_http_faas_document_fields(ngx_http_request_t *r,
    ngx_http_faas_document_field_t *fields, ngx_http_faas_document_t *doc);
static ngx_int_t ngx_http_faas_document_invalid(ngx_http_request_t *r,
    size_t offset);
static ngx_int_t ngx_http_faas_document_field_error(ngx_http_request_t *r,
    char *code, ngx_str_t *name, char *what);


ngx_int_t
ngx_http_faas_document(ngx_http_request_t *r,
    ngx_http_faas_document_field_t *fields, ngx_http_faas_document_t *doc)
{
    size_t  offset;

    if (ngx_http_faas_body_text(r, &doc->text) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    doc->others = NULL;

    if (doc->text.len == 0) {
        return NGX_DECLINED;
    }

    switch (ngx_http_faas_json_object(r->pool, &doc->text, &doc->members,
                                      &offset))
    {

    case NGX_OK:
        return ngx_http_faas_document_fields(r, fields, doc);

    case NGX_DECLINED:
        return ngx_http_faas_reply_literal(r, NGX_HTTP_BAD_REQUEST,
                   "invalid_request", "the body must be a JSON object");

    case NGX_ERROR:
        return ngx_http_faas_document_invalid(r, offset);

    default:
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
}


static ngx_int_t
ngx_http_faas_document_fields(ngx_http_request_t *r,
    ngx_http_faas_document_field_t *fields, ngx_http_faas_document_t *doc)
{
    ngx_uint_t                       i;
    ngx_http_faas_json_member_t     *m, *other;
    ngx_http_faas_document_field_t  *field;

    doc->others = ngx_array_create(r->pool, 4,
                                   sizeof(ngx_http_faas_json_member_t));
    if (doc->others == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    m = doc->members->elts;

    for (i = 0; i < doc->members->nelts; i++) {

        for (field = fields; field->name.len; field++) {

            if (field->name.len == m[i].key.len
                && ngx_strncmp(field->name.data, m[i].key.data,
                               m[i].key.len)
                   == 0)
            {
                break;
            }
        }

        if (field->name.len == 0 && doc->other && doc->other(&m[i].key)) {

            other = ngx_array_push(doc->others);
            if (other == NULL) {
                return NGX_HTTP_INTERNAL_SERVER_ERROR;
            }

            *other = m[i];
            continue;
        }

        /* what the client wrote is not repeated: it may be anything */

        if (field->name.len == 0) {
            return ngx_http_faas_reply_literal(r, NGX_HTTP_BAD_REQUEST,
                       "unknown_field", "the body has an unknown member");
        }

        if (field->value) {
            return ngx_http_faas_document_field_error(r, "invalid_request",
                                                      &field->name,
                                                      "is there twice");
        }

        field->value = &m[i];
    }

    return NGX_DECLINED;
}


ngx_int_t
ngx_http_faas_document_string(ngx_http_request_t *r,
    ngx_http_faas_document_field_t *field, ngx_str_t *value)
{
    ngx_str_null(value);

    if (field->value == NULL) {
        return NGX_DECLINED;
    }

    if (field->value->type != NGX_HTTP_FAAS_JSON_STRING) {
        return ngx_http_faas_document_field_error(r, "invalid_request",
                                                  &field->name,
                                                  "must be a string");
    }

    switch (ngx_http_faas_json_string(r->pool, &field->value->value, value)) {

    case NGX_OK:
        return NGX_DECLINED;

    case NGX_DECLINED:
        return ngx_http_faas_document_field_error(r, "invalid_request",
                                          &field->name,
                                          "has half of a surrogate pair");

    default:
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
}


static ngx_int_t
ngx_http_faas_document_invalid(ngx_http_request_t *r, size_t offset)
{
    u_char     *p;
    ngx_str_t   code, message;

    message.data = ngx_pnalloc(r->pool, sizeof("not valid JSON at byte ")
                                        + NGX_SIZE_T_LEN);
    if (message.data == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    p = ngx_sprintf(message.data, "not valid JSON at byte %uz", offset);
    message.len = p - message.data;

    ngx_str_set(&code, "invalid_json");

    return ngx_http_faas_reply_error(r, NGX_HTTP_BAD_REQUEST, &code,
                                     &message);
}


static ngx_int_t
ngx_http_faas_document_field_error(ngx_http_request_t *r, char *code,
    ngx_str_t *name, char *what)
{
    u_char     *p;
    ngx_str_t   c, message;

    message.data = ngx_pnalloc(r->pool, name->len + 2 + ngx_strlen(what));
    if (message.data == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    p = ngx_sprintf(message.data, "%V %s", name, what);
    message.len = p - message.data;

    c.data = (u_char *) code;
    c.len = ngx_strlen(code);

    return ngx_http_faas_reply_error(r, NGX_HTTP_BAD_REQUEST, &c, &message);
}
