
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Owns what a function may say of itself, in NAME.json beside its source or
 * in a request to the API: the names, their types and their bounds.
 */


#include "ngx_http_faas_settings.h"
#include "ngx_http_faas_json.h"
#include "ngx_http_faas_runtime.h"


#define NGX_HTTP_FAAS_SETTINGS_ENV  32768       /* bytes, all of it */


static ngx_int_t ngx_http_faas_settings_member(ngx_http_faas_pool_t *fp,
    ngx_pool_t *pool, ngx_http_faas_json_member_t *m,
    ngx_http_faas_runtime_t *runtime, ngx_http_faas_settings_t *settings);
static ngx_int_t ngx_http_faas_settings_timeout(ngx_http_faas_pool_t *fp,
    ngx_pool_t *pool, ngx_http_faas_json_member_t *m,
    ngx_http_faas_settings_t *settings);
static ngx_int_t ngx_http_faas_settings_env(ngx_pool_t *pool,
    ngx_http_faas_json_member_t *m, ngx_http_faas_settings_t *settings);
static ngx_int_t ngx_http_faas_settings_variable(ngx_pool_t *pool,
    ngx_http_faas_json_member_t *m, ngx_keyval_t *kv);
static ngx_int_t ngx_http_faas_settings_copy(ngx_pool_t *pool,
    ngx_str_t *dst, ngx_str_t *src);
static ngx_int_t ngx_http_faas_settings_invalid(ngx_pool_t *pool,
    ngx_http_faas_settings_t *settings, ngx_str_t *name, char *what);
static u_char *ngx_http_faas_settings_time(u_char *p, char *name,
    ngx_msec_t msec);


static ngx_str_t  ngx_http_faas_settings_names[] = {
    ngx_string("env"),
    ngx_string("timeout_ms"),
    ngx_string("memory"),
    ngx_string("cpus"),
    ngx_string("pids"),
    ngx_string("concurrency"),
    ngx_string("min_instances"),
    ngx_string("max_instances"),
    ngx_string("idle"),
    ngx_string("queue"),
    ngx_string("queue_timeout"),
    ngx_null_string
};


/* the contract's, and the loader's own */

static ngx_str_t  ngx_http_faas_settings_reserved[] = {
    ngx_string("PORT"),
    ngx_string("K_SERVICE"),
    ngx_string("K_REVISION"),
    ngx_string("K_CONFIGURATION"),
    ngx_string("FAAS_CONTROL_PORT"),
    ngx_string("FAAS_TOKEN"),
    ngx_string("FAAS_REHEARSE"),
    ngx_null_string
};


ngx_uint_t
ngx_http_faas_settings_known(ngx_str_t *name)
{
    ngx_str_t  *known;

    for (known = ngx_http_faas_settings_names; known->len; known++) {

        if (known->len == name->len
            && ngx_strncmp(known->data, name->data, name->len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


ngx_int_t
ngx_http_faas_settings(ngx_http_faas_pool_t *fp, ngx_pool_t *pool,
    ngx_str_t *json, ngx_http_faas_runtime_t *runtime,
    ngx_http_faas_settings_t *settings)
{
    size_t                        offset;
    ngx_int_t                     rc;
    ngx_str_t                     whole;
    ngx_uint_t                    i, j;
    ngx_array_t                  *members;
    ngx_http_faas_scale_t        *scale;
    ngx_http_faas_json_member_t  *m;

    ngx_memzero(settings, sizeof(ngx_http_faas_settings_t));

    settings->runtime = *runtime;

    ngx_str_set(&whole, "it");

    switch (ngx_http_faas_json_object(pool, json, &members, &offset)) {

    case NGX_OK:
        break;

    case NGX_DECLINED:
        return ngx_http_faas_settings_invalid(pool, settings, &whole,
                                              "must be a JSON object");

    case NGX_ERROR:
        return ngx_http_faas_settings_invalid(pool, settings, &whole,
                                              "is not valid JSON");

    default:
        return NGX_ERROR;
    }

    m = members->elts;
    rc = NGX_OK;

    for (i = 0; rc == NGX_OK && i < members->nelts; i++) {

        for (j = 0; j < i; j++) {
            if (m[j].key.len == m[i].key.len
                && ngx_memcmp(m[j].key.data, m[i].key.data, m[i].key.len)
                   == 0)
            {
                return ngx_http_faas_settings_invalid(pool, settings, &whole,
                                                "has a member twice");
            }
        }

        rc = ngx_http_faas_settings_member(fp, pool, &m[i], runtime,
                                           settings);
    }

    scale = &settings->runtime.scale;

    if (rc == NGX_OK && scale->min_instances > scale->max_instances) {
        return ngx_http_faas_settings_invalid(pool, settings,
                                    &ngx_http_faas_settings_names[6],
                                    "is more than max_instances");
    }

    return rc;
}


static ngx_int_t
ngx_http_faas_settings_member(ngx_http_faas_pool_t *fp, ngx_pool_t *pool,
    ngx_http_faas_json_member_t *m, ngx_http_faas_runtime_t *runtime,
    ngx_http_faas_settings_t *settings)
{
    ngx_int_t  rc;
    ngx_str_t  value, whole;

    if (!ngx_http_faas_settings_known(&m->key)) {
        ngx_str_set(&whole, "it");
        return ngx_http_faas_settings_invalid(pool, settings, &whole,
                                              "has an unknown member");
    }

    if (m->key.len == sizeof("env") - 1) {
        return ngx_http_faas_settings_env(pool, m, settings);
    }

    if (m->key.len == sizeof("timeout_ms") - 1
        && m->key.data[0] == 't')
    {
        return ngx_http_faas_settings_timeout(fp, pool, m, settings);
    }

    value = m->value;
    rc = NGX_OK;

    if (m->type == NGX_HTTP_FAAS_JSON_STRING) {
        rc = ngx_http_faas_json_string(pool, &m->value, &value);

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

    } else if (m->type != NGX_HTTP_FAAS_JSON_NUMBER) {
        rc = NGX_DECLINED;
    }

    if (rc != NGX_OK
        || ngx_http_faas_runtime_param(&settings->runtime, &m->key, &value)
           != NGX_OK)
    {
        return ngx_http_faas_settings_invalid(pool, settings, &m->key,
                                              "is not valid");
    }

    if (ngx_http_faas_runtime_exceeds(&settings->runtime, &m->key, runtime,
                                      &fp->limits))
    {
        return ngx_http_faas_settings_invalid(pool, settings, &m->key,
                                     "is more than is allowed");
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_faas_settings_timeout(ngx_http_faas_pool_t *fp, ngx_pool_t *pool,
    ngx_http_faas_json_member_t *m, ngx_http_faas_settings_t *settings)
{
    ngx_uint_t  msec, max;

    max = fp->limits.scale.timeout ? fp->limits.scale.timeout
                                   : NGX_HTTP_FAAS_SETTINGS_TIMEOUT;

    if (ngx_http_faas_json_uint(&m->value, NGX_MAX_INT_T_VALUE, &msec)
        != NGX_OK
        || msec == 0)
    {
        return ngx_http_faas_settings_invalid(pool, settings, &m->key,
                                              "is not valid");
    }

    if (msec > max) {
        return ngx_http_faas_settings_invalid(pool, settings, &m->key,
                                     "is more than is allowed");
    }

    settings->runtime.scale.timeout = (ngx_msec_t) msec;

    return NGX_OK;
}


static ngx_int_t
ngx_http_faas_settings_env(ngx_pool_t *pool, ngx_http_faas_json_member_t *m,
    ngx_http_faas_settings_t *settings)
{
    size_t         offset, size;
    ngx_int_t      rc;
    ngx_uint_t     i;
    ngx_array_t   *members;
    ngx_keyval_t  *kv;

    rc = NGX_DECLINED;

    if (m->type == NGX_HTTP_FAAS_JSON_OBJECT) {
        rc = ngx_http_faas_json_object(pool, &m->value, &members, &offset);
    }

    if (rc != NGX_OK) {
        return ngx_http_faas_settings_invalid(pool, settings, &m->key,
                                              "must be a small object");
    }

    settings->env = ngx_array_create(pool, members->nelts + 1,
                                     sizeof(ngx_keyval_t));
    if (settings->env == NULL) {
        return NGX_ERROR;
    }

    size = 0;

    for (i = 0; i < members->nelts; i++) {

        kv = ngx_array_push(settings->env);
        if (kv == NULL) {
            return NGX_ERROR;
        }

        rc = ngx_http_faas_settings_variable(pool,
                   (ngx_http_faas_json_member_t *) members->elts + i, kv);

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (rc != NGX_OK) {
            return ngx_http_faas_settings_invalid(pool, settings, &m->key,
                                     "has a bad name, or a value that is no "
                                     "string");
        }

        size += kv->key.len + kv->value.len;
    }

    if (size > NGX_HTTP_FAAS_SETTINGS_ENV) {
        return ngx_http_faas_settings_invalid(pool, settings, &m->key,
                                              "is larger than 32768 bytes");
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_faas_settings_variable(ngx_pool_t *pool,
    ngx_http_faas_json_member_t *m, ngx_keyval_t *kv)
{
    ngx_int_t   rc;
    ngx_str_t   value, *name;

    if (m->type != NGX_HTTP_FAAS_JSON_STRING
        || m->key.len == 0
        || ngx_strlchr(m->key.data, m->key.data + m->key.len, '=')
        || ngx_strlchr(m->key.data, m->key.data + m->key.len, '\0'))
    {
        return NGX_DECLINED;
    }

    for (name = ngx_http_faas_settings_reserved; name->len; name++) {

        if (name->len == m->key.len
            && ngx_strncmp(name->data, m->key.data, m->key.len) == 0)
        {
            return NGX_DECLINED;
        }
    }

    rc = ngx_http_faas_json_string(pool, &m->value, &value);

    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_strlchr(value.data, value.data + value.len, '\0')) {
        return NGX_DECLINED;
    }

    if (ngx_http_faas_settings_copy(pool, &kv->key, &m->key) != NGX_OK
        || ngx_http_faas_settings_copy(pool, &kv->value, &value) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* NUL-terminated, for the frame */

static ngx_int_t
ngx_http_faas_settings_copy(ngx_pool_t *pool, ngx_str_t *dst, ngx_str_t *src)
{
    u_char  *p;

    p = ngx_pnalloc(pool, src->len + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    dst->data = p;
    dst->len = src->len;

    p = ngx_cpymem(p, src->data, src->len);
    *p = '\0';

    return NGX_OK;
}


static ngx_int_t
ngx_http_faas_settings_invalid(ngx_pool_t *pool,
    ngx_http_faas_settings_t *settings, ngx_str_t *name, char *what)
{
    u_char  *p;

    p = ngx_pnalloc(pool, name->len + 2 + ngx_strlen(what));
    if (p == NULL) {
        return NGX_ERROR;
    }

    settings->error.data = p;
    settings->error.len = ngx_sprintf(p, "%V %s", name, what) - p;

    return NGX_DECLINED;
}


ngx_int_t
ngx_http_faas_settings_write(ngx_pool_t *pool,
    ngx_http_faas_settings_t *settings, ngx_str_t *json)
{
    u_char                   *p;
    size_t                    len;
    ngx_uint_t                i, n;
    ngx_keyval_t             *kv;
    ngx_http_faas_runtime_t  *rt;

    rt = &settings->runtime;
    kv = settings->env ? settings->env->elts : NULL;
    n = settings->env ? settings->env->nelts : 0;

    len = 512;

    for (i = 0; i < n; i++) {
        len += ngx_http_faas_json_quote_len(&kv[i].key)
               + ngx_http_faas_json_quote_len(&kv[i].value) + 2;
    }

    p = ngx_pnalloc(pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    json->data = p;

    p = ngx_sprintf(p, ",\"env\":{");

    for (i = 0; i < n; i++) {
        if (i) {
            *p++ = ',';
        }

        p = ngx_http_faas_json_quote(p, &kv[i].key);
        *p++ = ':';
        p = ngx_http_faas_json_quote(p, &kv[i].value);
    }

    p = ngx_sprintf(p, "},\"memory\":%O,\"cpus\":%L.%02L,\"pids\":%i",
                    rt->memory, rt->nano_cpus / 1000000000,
                    rt->nano_cpus / 10000000 % 100, rt->pids);

    p = ngx_sprintf(p, ",\"concurrency\":%ui,\"min_instances\":%ui"
                    ",\"max_instances\":%ui", rt->scale.concurrency,
                    rt->scale.min_instances, rt->scale.max_instances);

    if (rt->scale.timeout) {
        p = ngx_sprintf(p, ",\"timeout_ms\":%M", rt->scale.timeout);
    }

    p = ngx_http_faas_settings_time(p, "idle", rt->scale.idle);
    p = ngx_sprintf(p, ",\"queue\":%ui", rt->scale.queue);
    p = ngx_http_faas_settings_time(p, "queue_timeout",
                                    rt->scale.queue_timeout);

    json->len = p - json->data;

    return NGX_OK;
}


/* as it may be written: a number is seconds */

static u_char *
ngx_http_faas_settings_time(u_char *p, char *name, ngx_msec_t msec)
{
    p = ngx_sprintf(p, ",\"%s\":", name);

    if (msec == 0) {
        return ngx_sprintf(p, "\"off\"");
    }

    if (msec % 1000) {
        return ngx_sprintf(p, "\"%Mms\"", msec);
    }

    return ngx_sprintf(p, "%M", msec / 1000);
}
