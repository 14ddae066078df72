
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Owns the limits of a container that has become a function's, and that the
 * function wants others than those of its runtime.
 */


#include "ngx_http_faas_resize.h"


#define NGX_HTTP_FAAS_RESIZE_TIMEOUT  10000     /* ms */


static void ngx_http_faas_resize_handler(ngx_http_faas_call_t *call);


void
ngx_http_faas_resize(ngx_http_faas_pool_t *fp, ngx_str_t *id,
    ngx_http_faas_runtime_t *then, ngx_http_faas_runtime_t *now)
{
    ngx_str_t                       api, ref;
    ngx_pool_t                     *pool;
    ngx_http_faas_call_t           *call;
    ngx_http_faas_docker_limits_t   limits;

    if (now->memory == then->memory
        && now->nano_cpus == then->nano_cpus
        && now->pids == then->pids)
    {
        return;
    }

    pool = ngx_create_pool(2048, ngx_cycle->log);
    if (pool == NULL) {
        return;
    }

    call = ngx_pcalloc(pool, sizeof(ngx_http_faas_call_t));
    if (call == NULL) {
        ngx_destroy_pool(pool);
        return;
    }

    call->pool = pool;
    call->log = ngx_cycle->log;
    call->timeout = NGX_HTTP_FAAS_RESIZE_TIMEOUT;
    call->handler = ngx_http_faas_resize_handler;
    call->detached = 1;

    limits.memory = now->memory;
    limits.nano_cpus = ngx_min(now->nano_cpus,
                               (int64_t) ngx_ncpu * 1000000000);
    limits.pids = now->pids;

    ngx_http_faas_pool_api(fp, &api);

    ref.len = id->len;
    ref.data = ngx_pstrdup(pool, id);

    if (ref.data == NULL
        || ngx_http_faas_docker_update(pool, &api, &ref, &limits,
                                       &call->request)
           != NGX_OK
        || ngx_http_faas_pool_call(fp, NULL, call) != NGX_OK)
    {
        ngx_destroy_pool(pool);
    }
}


static void
ngx_http_faas_resize_handler(ngx_http_faas_call_t *call)
{
    ngx_str_t  message;

    if (call->status != NGX_HTTP_OK && call->status != NGX_HTTP_NOT_FOUND) {

        if (ngx_http_faas_docker_message(call->pool, &call->body, &message)
            != NGX_OK)
        {
            ngx_str_null(&message);
        }

        ngx_log_error(NGX_LOG_ERR, call->log, 0,
                      "faas: a container keeps the limits of its runtime, "
                      "status %ui, \"%V\"", call->status, &message);
    }

    ngx_destroy_pool(call->pool);
}
