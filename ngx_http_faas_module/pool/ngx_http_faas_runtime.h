
/*
 * Copyright (C) the ngx_http_faas_module authors
 */


#ifndef _NGX_HTTP_FAAS_RUNTIME_H_INCLUDED_
#define _NGX_HTTP_FAAS_RUNTIME_H_INCLUDED_


#include "ngx_http_faas_pool.h"


/* the languages that there is a loader for, with their defaults */
ngx_int_t ngx_http_faas_runtime_defaults(ngx_conf_t *cf,
    ngx_array_t *runtimes);

/*
 * "faas_runtime NAME [ext=] [image=] [seccomp=] [prewarm=] [memory=] [cpus=]
 * [pids=] [tmpfs=] [start_timeout=] [concurrency=] [max_instances=]
 * [min_instances=] [idle=] [queue=] [queue_timeout=]": adds it, or says why
 * not.
 */
char *ngx_http_faas_runtime_add(ngx_conf_t *cf, ngx_array_t *runtimes);

/*
 * "faas_limits [memory=] [cpus=] [pids=] [concurrency=] [min_instances=]
 * [max_instances=] [idle=] [queue=] [queue_timeout=] [timeout=]": takes them
 * into limits, which begin as zeroes but for an idle time of 1 ms.
 */
char *ngx_http_faas_runtime_limits(ngx_conf_t *cf,
    ngx_http_faas_runtime_t *limits);

/*
 * One parameter that a function may have of its own, written as in the
 * configuration; and whether it exceeds both what its runtime has and the
 * limits.
 */
ngx_int_t ngx_http_faas_runtime_param(ngx_http_faas_runtime_t *rt,
    ngx_str_t *name, ngx_str_t *value);
ngx_uint_t ngx_http_faas_runtime_exceeds(ngx_http_faas_runtime_t *rt,
    ngx_str_t *name, ngx_http_faas_runtime_t *base,
    ngx_http_faas_runtime_t *limits);

/* the command of its loader, ngx_str_t, NUL-terminated */
ngx_array_t *ngx_http_faas_runtime_entrypoint(ngx_pool_t *pool,
    ngx_http_faas_runtime_t *runtime);

/*
 * What an interpreter wrote of the file that it found the source in, as if
 * that were "file", the function's own; "text" is made anew if need be.
 */
ngx_int_t ngx_http_faas_runtime_rename(ngx_pool_t *pool, ngx_str_t *file,
    ngx_str_t *text);

/* a spare could not be started: the next one is, later each time */
void ngx_http_faas_runtime_pause(ngx_http_faas_runtime_t *runtime);


#endif /* _NGX_HTTP_FAAS_RUNTIME_H_INCLUDED_ */
