
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * The part of a container's body that confines it: HostConfig, beyond what
 * the template has.
 */


#include "ngx_http_faas_docker_body.h"


/* size=, the longest number, the zero */
#define NGX_HTTP_FAAS_DOCKER_TMPFS_LEN                                        \
    (sizeof("rw,nosuid,nodev,noexec,mode=1777,size=") + NGX_OFF_T_LEN)


static ngx_int_t ngx_http_faas_docker_seccomp(ngx_pool_t *pool, cJSON *host,
    ngx_str_t *profile);
static ngx_int_t ngx_http_faas_docker_ulimit(cJSON *ulimits, char *name,
    int64_t n);


ngx_int_t
ngx_http_faas_docker_host_config(ngx_pool_t *pool, cJSON *host,
    ngx_http_faas_docker_spec_t *spec)
{
    cJSON                          *tmpfs, *ulimits;
    u_char                          options[NGX_HTTP_FAAS_DOCKER_TMPFS_LEN];
    ngx_http_faas_docker_limits_t   limits;

    if (ngx_http_faas_docker_add_string(pool, host, "NetworkMode",
                                        &spec->network)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_http_faas_docker_seccomp(pool, host, &spec->seccomp) != NGX_OK) {
        return NGX_ERROR;
    }

    tmpfs = cJSON_AddObjectToObject(host, "Tmpfs");
    if (tmpfs == NULL) {
        return NGX_ERROR;
    }

    *ngx_sprintf(options, "rw,nosuid,nodev,noexec,mode=1777,size=%O",
                 spec->tmpfs) = '\0';

    if (cJSON_AddStringToObject(tmpfs, "/tmp", (char *) options) == NULL) {
        return NGX_ERROR;
    }

    limits.memory = spec->memory;
    limits.nano_cpus = spec->nano_cpus;
    limits.pids = spec->pids;

    if (ngx_http_faas_docker_limits(host, &limits) != NGX_OK) {
        return NGX_ERROR;
    }

    ulimits = cJSON_AddArrayToObject(host, "Ulimits");
    if (ulimits == NULL) {
        return NGX_ERROR;
    }

    if (ngx_http_faas_docker_ulimit(ulimits, "nofile", spec->nofile)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_faas_docker_ulimit(ulimits, "core", 0);
}


/* the profile itself: the engine reads no file for us */

static ngx_int_t
ngx_http_faas_docker_seccomp(ngx_pool_t *pool, cJSON *host,
    ngx_str_t *profile)
{
    char       *p;
    cJSON      *options, *item;
    ngx_str_t   option;

    if (profile->len == 0) {
        return NGX_OK;
    }

    option.len = sizeof("seccomp=") - 1 + profile->len;

    option.data = ngx_pnalloc(pool, option.len);
    if (option.data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(ngx_cpymem(option.data, "seccomp=", sizeof("seccomp=") - 1),
               profile->data, profile->len);

    p = ngx_http_faas_docker_cstring(pool, &option);
    if (p == NULL) {
        return NGX_ERROR;
    }

    item = cJSON_CreateString(p);
    if (item == NULL) {
        return NGX_ERROR;
    }

    options = cJSON_GetObjectItemCaseSensitive(host, "SecurityOpt");
    cJSON_AddItemToArray(options, item);

    return NGX_OK;
}


/* 0 would be no limit, and in an update the old one */

ngx_int_t
ngx_http_faas_docker_limits(cJSON *object,
    ngx_http_faas_docker_limits_t *limits)
{
    if (limits->memory <= 0 || limits->nano_cpus <= 0 || limits->pids <= 0) {
        return NGX_ERROR;
    }

    /* no swap: MemorySwap is the sum of memory and swap */

    if (ngx_http_faas_docker_add_integer(object, "Memory", limits->memory)
        != NGX_OK
        || ngx_http_faas_docker_add_integer(object, "MemorySwap",
                                            limits->memory)
           != NGX_OK
        || ngx_http_faas_docker_add_integer(object, "NanoCpus",
                                            limits->nano_cpus)
           != NGX_OK
        || ngx_http_faas_docker_add_integer(object, "PidsLimit", limits->pids)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_faas_docker_ulimit(cJSON *ulimits, char *name, int64_t n)
{
    cJSON  *limit;

    limit = cJSON_CreateObject();
    if (limit == NULL) {
        return NGX_ERROR;
    }

    /* fails for NULL only, and neither is */
    cJSON_AddItemToArray(ulimits, limit);

    if (cJSON_AddStringToObject(limit, "Name", name) == NULL) {
        return NGX_ERROR;
    }

    if (ngx_http_faas_docker_add_integer(limit, "Soft", n) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_faas_docker_add_integer(limit, "Hard", n);
}
