
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Owns min_instances: the instances that are there though nobody calls.
 */


#include "ngx_http_faas_minimum.h"
#include "ngx_http_faas_name.h"
#include "ngx_http_faas_source.h"
#include "ngx_http_faas_start.h"


#define NGX_HTTP_FAAS_MINIMUM_READS  8          /* of a changing source */
#define NGX_HTTP_FAAS_MINIMUM_STARTS 8          /* the rest a second later */


static ngx_int_t ngx_http_faas_minimum_take(ngx_http_faas_pool_t *fp,
    ngx_pool_t *pool, ngx_log_t *log, ngx_str_t *path,
    ngx_http_faas_runtime_t *runtime, ngx_http_faas_want_t *want,
    ngx_http_faas_instance_t **inst);


ngx_int_t
ngx_http_faas_minimum(ngx_http_faas_pool_t *fp, ngx_pool_t *pool,
    ngx_log_t *log, ngx_str_t *name)
{
    ngx_int_t                  rc;
    ngx_str_t                  path;
    ngx_uint_t                 i;
    ngx_http_faas_want_t       want;
    ngx_http_faas_runtime_t   *runtime;
    ngx_http_faas_instance_t  *inst;

    ngx_memzero(&want, sizeof(ngx_http_faas_want_t));

    rc = ngx_http_faas_pool_find(fp, pool, log, name, &path, &runtime,
                                 &want.identity);
    if (rc != NGX_OK) {
        return rc;
    }

    if (ngx_http_faas_pool_stalled(fp)) {
        return NGX_OK;
    }

    if (ngx_http_faas_source_look(pool, log, &path, runtime, &want.sidecar)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    want.name = *name;
    want.kind = runtime->kind;
    want.policy = fp->policy;
    want.looked = 1;

    /* a start may fail at once, and then there is still one to be started */

    for (i = 0; i < NGX_HTTP_FAAS_MINIMUM_STARTS; i++) {

        rc = ngx_http_faas_minimum_take(fp, pool, log, &path, runtime, &want,
                                        &inst);

        if (rc != NGX_DONE) {
            return rc;
        }

        ngx_http_faas_start(fp, NULL, inst, runtime, name, &path);
    }

    return NGX_OK;
}


/* NGX_DONE: one is to be started; NGX_OK: there are enough, or no room */

static ngx_int_t
ngx_http_faas_minimum_take(ngx_http_faas_pool_t *fp, ngx_pool_t *pool,
    ngx_log_t *log, ngx_str_t *path, ngx_http_faas_runtime_t *runtime,
    ngx_http_faas_want_t *want, ngx_http_faas_instance_t **inst)
{
    ngx_int_t                rc;
    ngx_uint_t               i;
    ngx_pool_t              *temp;
    ngx_http_faas_source_t   source;

    want->revision = NULL;

    rc = ngx_http_faas_lease_minimum(&fp->zone, want, inst);

    for (i = 0; rc == NGX_DECLINED && i < NGX_HTTP_FAAS_MINIMUM_READS; i++) {

        temp = ngx_create_pool(1024, log);
        if (temp == NULL) {
            return NGX_ERROR;
        }

        rc = ngx_http_faas_source_read(fp, temp, log, path, runtime,
                                       &source);
        ngx_destroy_pool(temp);

        if (rc != NGX_OK) {
            return rc;
        }

        ngx_http_faas_source_want(&source, fp, want);

        rc = ngx_http_faas_lease_minimum(&fp->zone, want, inst);
    }

    return (rc == NGX_DECLINED) ? NGX_ERROR : rc;
}


void
ngx_http_faas_minimum_scan(ngx_http_faas_pool_t *fp)
{
    u_char      *name;
    size_t       len;
    ngx_dir_t    dir;
    ngx_str_t    root, function;
    ngx_pool_t  *pool;

    pool = ngx_create_pool(4096, ngx_cycle->log);
    if (pool == NULL) {
        return;
    }

    root = fp->root;

    if (ngx_open_dir(&root, &dir) == NGX_ERROR) {
        ngx_destroy_pool(pool);
        return;
    }

    while (ngx_read_dir(&dir) == NGX_OK) {

        name = ngx_de_name(&dir);
        len = ngx_de_namelen(&dir);

        if (len <= sizeof(".json") - 1
            || name[0] == '.'
            || ngx_strncmp(name + len - (sizeof(".json") - 1), ".json",
                           sizeof(".json") - 1)
               != 0)
        {
            continue;
        }

        function.len = len - (sizeof(".json") - 1);
        function.data = ngx_pnalloc(pool, function.len);

        if (function.data == NULL) {
            break;
        }

        ngx_memcpy(function.data, name, function.len);

        if (ngx_http_faas_name_check(&function) == NGX_OK) {
            (void) ngx_http_faas_minimum(fp, pool, ngx_cycle->log,
                                         &function);
        }
    }

    if (ngx_close_dir(&dir) == NGX_ERROR) {
        ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, ngx_errno,
                      ngx_close_dir_n " \"%V\" failed", &fp->root);
    }

    ngx_destroy_pool(pool);
}
