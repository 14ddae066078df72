
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Owns what a client says of a function that it creates or replaces.
 */


#include "ngx_http_faas_spec.h"
#include "ngx_http_faas_command_conf.h"
#include "ngx_http_faas_document.h"
#include "ngx_http_faas_source.h"


static ngx_int_t ngx_http_faas_spec_name(ngx_http_request_t *r,
    ngx_str_t *name, ngx_http_faas_spec_t *spec);
static ngx_int_t ngx_http_faas_spec_language(ngx_http_request_t *r,
    ngx_str_t *language, ngx_http_faas_spec_t *spec);
static ngx_int_t ngx_http_faas_spec_sidecar(ngx_http_request_t *r,
    ngx_array_t *members, ngx_http_faas_spec_t *spec);


ngx_int_t
ngx_http_faas_spec(ngx_http_request_t *r, ngx_str_t *name,
    ngx_http_faas_spec_t *spec)
{
    ngx_int_t                        rc;
    ngx_str_t                        language;
    ngx_http_faas_document_t         json;
    ngx_http_faas_document_field_t   fields[4];

    ngx_memzero(spec, sizeof(ngx_http_faas_spec_t));
    ngx_memzero(fields, sizeof(fields));

    ngx_str_set(&fields[0].name, "name");
    ngx_str_set(&fields[1].name, "language");
    ngx_str_set(&fields[2].name, "source_code");

    json.other = ngx_http_faas_settings_known;

    rc = ngx_http_faas_document(r, fields, &json);

    if (rc == NGX_DECLINED) {
        rc = ngx_http_faas_document_string(r, &fields[0], &spec->name);
    }

    if (rc == NGX_DECLINED) {
        rc = ngx_http_faas_document_string(r, &fields[1], &language);
    }

    if (rc == NGX_DECLINED) {
        rc = ngx_http_faas_document_string(r, &fields[2], &spec->source);
    }

    if (rc == NGX_DECLINED) {
        rc = ngx_http_faas_spec_name(r, name, spec);
    }

    if (rc == NGX_DECLINED && fields[1].value) {
        rc = ngx_http_faas_spec_language(r, &language, spec);
    }

    if (rc != NGX_DECLINED) {
        return rc;
    }

    if (fields[2].value == NULL) {
        return ngx_http_faas_reply_literal(r, NGX_HTTP_BAD_REQUEST,
                   "invalid_request", "source_code is missing");
    }

    if (spec->source.len > NGX_HTTP_FAAS_SOURCE_SIZE) {
        return ngx_http_faas_reply_literal(r,
                   NGX_HTTP_REQUEST_ENTITY_TOO_LARGE, "too_large",
                   "the source is larger than 4194304 bytes");
    }

    return ngx_http_faas_spec_sidecar(r, json.others, spec);
}


/* the settings as they came: an object of their own, byte for byte */

static ngx_int_t
ngx_http_faas_spec_sidecar(ngx_http_request_t *r, ngx_array_t *members,
    ngx_http_faas_spec_t *spec)
{
    u_char                       *p;
    size_t                        len;
    ngx_uint_t                    i;
    ngx_http_faas_json_member_t  *m;

    if (members == NULL || members->nelts == 0) {
        return NGX_DECLINED;
    }

    m = members->elts;
    len = sizeof("{}" CRLF);

    for (i = 0; i < members->nelts; i++) {
        len += m[i].key.len + m[i].value.len + sizeof("\"\":,\n");
    }

    p = ngx_pnalloc(r->pool, len);
    if (p == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    spec->sidecar.data = p;

    for (i = 0; i < members->nelts; i++) {

        /* the names are known, and need no escaping */

        p = ngx_sprintf(p, "%s\"%V\":%V", i ? ",\n" : "{", &m[i].key,
                        &m[i].value);
    }

    p = ngx_sprintf(p, "}\n");
    spec->sidecar.len = p - spec->sidecar.data;

    if (spec->sidecar.len > NGX_HTTP_FAAS_SOURCE_SIDECAR) {
        return ngx_http_faas_reply_literal(r, NGX_HTTP_BAD_REQUEST,
                   "invalid_settings",
                   "the settings are larger than 65536 bytes");
    }

    return NGX_DECLINED;
}


ngx_int_t
ngx_http_faas_spec_settings(ngx_http_request_t *r,
    ngx_http_faas_spec_t *spec)
{
    ngx_str_t                  code;
    ngx_http_faas_settings_t   settings;

    if (spec->sidecar.len == 0) {
        return NGX_DECLINED;
    }

    switch (ngx_http_faas_settings(ngx_http_faas_get_pool(r), r->pool,
                                   &spec->sidecar, spec->runtime, &settings))
    {

    case NGX_OK:
        return NGX_DECLINED;

    case NGX_DECLINED:
        ngx_str_set(&code, "invalid_settings");
        return ngx_http_faas_reply_error(r, NGX_HTTP_BAD_REQUEST, &code,
                                         &settings.error);

    default:
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
}


static ngx_int_t
ngx_http_faas_spec_name(ngx_http_request_t *r, ngx_str_t *name,
    ngx_http_faas_spec_t *spec)
{
    if (name && spec->name.data == NULL) {
        spec->name = *name;
    }

    if (spec->name.data == NULL) {
        return ngx_http_faas_reply_literal(r, NGX_HTTP_BAD_REQUEST,
                   "invalid_name", "name is missing");
    }

    if (ngx_http_faas_name_check(&spec->name) != NGX_OK) {
        return ngx_http_faas_reply_literal(r, NGX_HTTP_BAD_REQUEST,
                   "invalid_name", "the function's name is not valid");
    }

    if (name
        && (name->len != spec->name.len
            || ngx_memcmp(name->data, spec->name.data, name->len) != 0))
    {
        return ngx_http_faas_reply_literal(r, NGX_HTTP_BAD_REQUEST,
                   "invalid_name", "name is not that of the URI");
    }

    if (ngx_http_faas_command_find(r, &spec->name)) {

        /* no call would ever reach it */

        return ngx_http_faas_reply_literal(r, NGX_HTTP_CONFLICT,
                   "already_exists", "there is a command of this name");
    }

    return NGX_DECLINED;
}


static ngx_int_t
ngx_http_faas_spec_language(ngx_http_request_t *r, ngx_str_t *language,
    ngx_http_faas_spec_t *spec)
{
    ngx_uint_t                i;
    ngx_array_t              *runtimes;
    ngx_http_faas_runtime_t  *rt;

    runtimes = ngx_http_faas_get_pool(r)->runtimes;
    rt = runtimes->elts;

    for (i = 0; i < runtimes->nelts; i++) {

        if (rt[i].name.len == language->len
            && ngx_strncmp(rt[i].name.data, language->data, language->len)
               == 0)
        {
            spec->runtime = &rt[i];
            return NGX_DECLINED;
        }
    }

    return ngx_http_faas_reply_literal(r, NGX_HTTP_BAD_REQUEST,
               "invalid_language", "there is no such language here");
}
