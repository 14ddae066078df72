
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * The names of things: a slot's address, a function's file, the API to speak.
 */


#include "ngx_http_faas_pool.h"
#include "ngx_http_faas_curl.h"
#include "ngx_http_faas_file.h"
#include "ngx_http_faas_subrequest.h"
#include "ngx_http_faas_utf8.h"


/*
 * Two writes within one tick of the kernel's clock leave the same time.  One of
 * the future is no write of now, but was set by somebody.
 */
#define NGX_HTTP_FAAS_POOL_RACY      2          /* seconds */

#define NGX_HTTP_FAAS_POOL_PORT      ngx_value(NGX_HTTP_FAAS_PORT)

#define NGX_HTTP_FAAS_POOL_PATIENCE  2000       /* ms, with the engine */


static ngx_uint_t ngx_http_faas_pool_before(ngx_msec_t time);


ngx_int_t
ngx_http_faas_pool_call(ngx_http_faas_pool_t *fp, ngx_http_request_t *r,
    ngx_http_faas_call_t *call)
{
    if (r) {
        return ngx_http_faas_subrequest(r, &fp->engine, call);
    }

    return ngx_http_faas_curl(&fp->engine, call);
}


ngx_int_t
ngx_http_faas_pool_negotiate(ngx_http_faas_pool_t *fp, ngx_str_t *max)
{
    ngx_str_t  min, version;

    ngx_str_null(&min);

    if (ngx_http_faas_docker_version(max, &min, &version) != NGX_OK
        || version.len >= sizeof(fp->zone.sh->api))
    {
        ngx_http_faas_utf8_line(max->data, max->data + max->len);

        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "faas: the engine's API version \"%V\" is not one "
                      "that this module speaks", max);
        return NGX_ERROR;
    }

    ngx_http_faas_zone_lock(&fp->zone);

    ngx_memzero(fp->zone.sh->api, sizeof(fp->zone.sh->api));
    ngx_memcpy(fp->zone.sh->api, version.data, version.len);

    ngx_http_faas_zone_unlock(&fp->zone);

    return NGX_OK;
}


void
ngx_http_faas_pool_api(ngx_http_faas_pool_t *fp, ngx_str_t *version)
{
    version->data = fp->zone.sh->api;
    version->len = ngx_strlen(version->data);
}


/* it is never further ahead: one of long ago is not to come when msec wraps */

static ngx_uint_t
ngx_http_faas_pool_before(ngx_msec_t time)
{
    return (ngx_msec_t) (time - ngx_current_msec - 1)
           < NGX_HTTP_FAAS_POOL_PATIENCE;
}


ngx_uint_t
ngx_http_faas_pool_away(ngx_http_faas_pool_t *fp)
{
    return ngx_http_faas_pool_before(fp->zone.sh->patience);
}


void
ngx_http_faas_pool_lost(ngx_http_faas_pool_t *fp)
{
    fp->zone.sh->patience = ngx_current_msec + NGX_HTTP_FAAS_POOL_PATIENCE;

    if (!fp->zone.sh->lost) {
        fp->zone.sh->lost = 1;

        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "faas: the engine at \"%V\" does not answer",
                      &fp->engine.url);
    }
}


void
ngx_http_faas_pool_back(ngx_http_faas_pool_t *fp)
{
    if (fp->zone.sh->lost) {
        fp->zone.sh->lost = 0;

        ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                      "faas: the engine at \"%V\" answers again",
                      &fp->engine.url);
    }
}


ngx_uint_t
ngx_http_faas_pool_stalled(ngx_http_faas_pool_t *fp)
{
    return ngx_http_faas_pool_before(fp->zone.sh->stalled);
}


void
ngx_http_faas_pool_stall(ngx_http_faas_pool_t *fp, ngx_uint_t stalled)
{
    if (stalled) {
        fp->zone.sh->stalled = ngx_current_msec + NGX_HTTP_FAAS_POOL_PATIENCE;

    } else if (ngx_http_faas_pool_stalled(fp)) {
        fp->zone.sh->stalled = ngx_current_msec;
    }
}


ngx_array_t *
ngx_http_faas_pool_label(ngx_http_faas_pool_t *fp, ngx_pool_t *pool)
{
    u_char       *p;
    ngx_str_t    *label;
    ngx_array_t  *labels;

    labels = ngx_array_create(pool, 1, sizeof(ngx_str_t));
    if (labels == NULL) {
        return NULL;
    }

    label = ngx_array_push(labels);
    if (label == NULL) {
        return NULL;
    }

    p = ngx_pnalloc(pool, sizeof(NGX_HTTP_FAAS_DOCKER_LABEL_OWNER)
                          + sizeof("01234567"));
    if (p == NULL) {
        return NULL;
    }

    label->data = p;
    p = ngx_sprintf(p, NGX_HTTP_FAAS_DOCKER_LABEL_OWNER "=%08xD",
                    fp->zone.owner);
    label->len = p - label->data;

    return labels;
}


void
ngx_http_faas_pool_wake(ngx_http_faas_pool_t *fp)
{
    if (fp->keeper.timer_set) {
        ngx_del_timer(&fp->keeper);
        ngx_add_timer(&fp->keeper, 1);
    }
}


in_addr_t
ngx_http_faas_pool_address(ngx_http_faas_pool_t *fp, ngx_uint_t slot)
{
    /* the network itself, then its gateway, then we */

    return fp->zone.sh->network + 2 + (in_addr_t) slot;
}


/*
 * ngx_sock_ntop() takes as many instructions as all of an admission, and each
 * call needs this one for the log.
 */

size_t
ngx_http_faas_pool_peer(in_addr_t address, u_char *text)
{
    u_char      *p;
    ngx_uint_t   n, shift;

    p = text;
    shift = 32;

    do {
        shift -= 8;
        n = (address >> shift) & 0xff;

        if (n > 99) {
            *p++ = (u_char) ('0' + n / 100);
        }

        if (n > 9) {
            *p++ = (u_char) ('0' + n / 10 % 10);
        }

        *p++ = (u_char) ('0' + n % 10);
        *p++ = shift ? '.' : ':';

    } while (shift);

    p = ngx_cpymem(p, NGX_HTTP_FAAS_POOL_PORT,
                   sizeof(NGX_HTTP_FAAS_POOL_PORT) - 1);

    return p - text;
}


ngx_uint_t
ngx_http_faas_pool_has_ext(ngx_str_t *name, ngx_http_faas_runtime_t *runtime)
{
    return name->len > runtime->ext.len
           && ngx_memcmp(name->data + name->len - runtime->ext.len,
                         runtime->ext.data, runtime->ext.len)
              == 0;
}


ngx_int_t
ngx_http_faas_pool_path(ngx_http_faas_pool_t *fp, ngx_pool_t *pool,
    ngx_str_t *name, ngx_http_faas_runtime_t *runtime, ngx_str_t *path)
{
    u_char  *p;

    path->len = fp->root.len + name->len + runtime->ext.len;

    path->data = ngx_pnalloc(pool, path->len + 1);
    if (path->data == NULL) {
        return NGX_ERROR;
    }

    p = ngx_cpymem(path->data, fp->root.data, fp->root.len);
    p = ngx_cpymem(p, name->data, name->len);

    if (ngx_http_faas_pool_has_ext(name, runtime)) {
        path->len -= runtime->ext.len;

    } else {
        p = ngx_cpymem(p, runtime->ext.data, runtime->ext.len);
    }

    *p = '\0';

    return NGX_OK;
}


ngx_int_t
ngx_http_faas_pool_find(ngx_http_faas_pool_t *fp, ngx_pool_t *pool,
    ngx_log_t *log, ngx_str_t *name, ngx_str_t *path,
    ngx_http_faas_runtime_t **runtime, ngx_http_faas_identity_t *identity)
{
    ngx_int_t                 rc;
    ngx_uint_t                i;
    ngx_http_faas_runtime_t  *rt;

    rt = fp->runtimes->elts;

    for (i = 0; i < fp->runtimes->nelts; i++) {

        if (ngx_http_faas_pool_path(fp, pool, name, &rt[i], path)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        rc = ngx_http_faas_file_stat(path, identity, log);

        if (rc != NGX_DECLINED) {
            *runtime = &rt[i];
            return rc;
        }
    }

    return NGX_DECLINED;
}


ngx_uint_t
ngx_http_faas_pool_racy(ngx_http_faas_identity_t *identity)
{
    time_t  age;

    age = ngx_time() - identity->sec;

    return age < NGX_HTTP_FAAS_POOL_RACY && age > -NGX_HTTP_FAAS_POOL_RACY;
}
