
/*
 * Copyright (C) the ngx_http_faas_module authors
 */


#ifndef _NGX_HTTP_FAAS_START_H_INCLUDED_
#define _NGX_HTTP_FAAS_START_H_INCLUDED_


#include "ngx_http_faas_pool.h"


/*
 * Starts an instance that this process has taken: engine, container, loader,
 * source; only the last two when it was a spare.  Whoever waits for it learns
 * of its end by the zone.  "r" is a request that waits anyway and so carries
 * the calls, or NULL; when it goes away the start goes on without it.
 */
void ngx_http_faas_start(ngx_http_faas_pool_t *fp, ngx_http_request_t *r,
    ngx_http_faas_instance_t *inst, ngx_http_faas_runtime_t *runtime,
    ngx_str_t *name, ngx_str_t *path);

/* the same of a loader that is to wait for a function */
void ngx_http_faas_start_spare(ngx_http_faas_pool_t *fp,
    ngx_http_faas_instance_t *inst, ngx_http_faas_runtime_t *runtime);

/*
 * Makes the starts go on without "r", which is about to be finalized.
 * NGX_AGAIN when a subrequest has still to end first: "r" will then run its
 * phases again.
 */
ngx_int_t ngx_http_faas_start_detach(ngx_http_faas_pool_t *fp,
    ngx_http_request_t *r);

/* ends the starts of this process that somebody gave up in the zone */
void ngx_http_faas_start_check(ngx_http_faas_pool_t *fp);

/*
 * Frees the starts of this process, which ends, after the engine's calls; the
 * zone has their instances until another one sees that their worker is gone.
 */
void ngx_http_faas_start_exit_process(ngx_http_faas_pool_t *fp);


#endif /* _NGX_HTTP_FAAS_START_H_INCLUDED_ */
