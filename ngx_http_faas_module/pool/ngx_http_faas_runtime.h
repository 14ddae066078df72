
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
 * "faas_runtime NAME [ext=] [image=] [concurrency=] [prewarm=] [memory=]
 * [cpus=] [pids=] [tmpfs=] [start_timeout=]": adds it, or says why not.
 */
char *ngx_http_faas_runtime_add(ngx_conf_t *cf, ngx_array_t *runtimes);

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
