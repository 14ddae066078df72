
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Owns what a function is on the disk: its source, and NAME.json beside it
 * with its settings.  A change of either makes a new revision.
 */


#include "ngx_http_faas_source.h"
#include "ngx_http_faas_file.h"

#include <ngx_sha1.h>




ngx_int_t
ngx_http_faas_source_read(ngx_http_faas_pool_t *fp, ngx_pool_t *pool,
    ngx_log_t *log, ngx_str_t *path, ngx_http_faas_runtime_t *runtime,
    ngx_http_faas_source_t *source)
{
    u_char      sum[NGX_HTTP_FAAS_REVISION_LEN];
    ngx_int_t   rc;
    ngx_str_t   sidecar, json;
    ngx_sha1_t  sha1;

    ngx_memzero(source, sizeof(ngx_http_faas_source_t));

    if (ngx_http_faas_source_sidecar(pool, path, runtime, &sidecar)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    rc = ngx_http_faas_file_read(pool, path, NGX_HTTP_FAAS_SOURCE_SIZE,
                                 &source->identity, &source->bytes,
                                 source->revision, log);
    if (rc != NGX_OK) {
        return rc;
    }

    source->racy = ngx_http_faas_pool_racy(&source->identity);
    source->settings.runtime = *runtime;

    rc = ngx_http_faas_file_read(pool, &sidecar,
                                 NGX_HTTP_FAAS_SOURCE_SIDECAR,
                                 &source->sidecar, &json, sum, log);

    if (rc == NGX_DECLINED) {
        return NGX_OK;
    }

    if (rc != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_http_faas_pool_racy(&source->sidecar)) {
        source->racy = 1;
    }

    ngx_sha1_init(&sha1);
    ngx_sha1_update(&sha1, source->revision, NGX_HTTP_FAAS_REVISION_LEN);
    ngx_sha1_update(&sha1, sum, NGX_HTTP_FAAS_REVISION_LEN);
    ngx_sha1_final(source->revision, &sha1);

    rc = ngx_http_faas_settings(fp, pool, &json, runtime, &source->settings);

    if (rc == NGX_DECLINED) {

        /* half of it would be nobody's wish */

        source->settings.runtime = *runtime;
        source->settings.env = NULL;
        rc = NGX_OK;
    }

    return rc;
}


void
ngx_http_faas_source_want(ngx_http_faas_source_t *source,
    ngx_http_faas_pool_t *fp, ngx_http_faas_want_t *want)
{
    want->identity = source->identity;
    want->sidecar = source->sidecar;
    want->kind = source->settings.runtime.kind;
    want->policy = fp->policy;
    want->scale = source->settings.runtime.scale;
    want->revision = source->revision;
    want->racy = source->racy;
    want->looked = 1;
}


ngx_int_t
ngx_http_faas_source_look(ngx_pool_t *pool, ngx_log_t *log, ngx_str_t *path,
    ngx_http_faas_runtime_t *runtime, ngx_http_faas_identity_t *identity)
{
    ngx_str_t  sidecar;

    ngx_memzero(identity, sizeof(ngx_http_faas_identity_t));

    if (ngx_http_faas_source_sidecar(pool, path, runtime, &sidecar)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return (ngx_http_faas_file_stat(&sidecar, identity, log) == NGX_ERROR)
           ? NGX_ERROR : NGX_OK;
}


ngx_int_t
ngx_http_faas_source_sidecar(ngx_pool_t *pool, ngx_str_t *path,
    ngx_http_faas_runtime_t *runtime, ngx_str_t *sidecar)
{
    u_char  *p;
    size_t   len;

    len = path->len - runtime->ext.len;

    p = ngx_pnalloc(pool, len + sizeof(".json"));
    if (p == NULL) {
        return NGX_ERROR;
    }

    sidecar->data = p;

    p = ngx_cpymem(p, path->data, len);
    p = ngx_cpymem(p, ".json", sizeof(".json"));

    sidecar->len = p - 1 - sidecar->data;

    return NGX_OK;
}
