
/*
 * Copyright (C) the ngx_http_faas_module authors
 */


#ifndef _NGX_HTTP_FAAS_CURL_H_INCLUDED_
#define _NGX_HTTP_FAAS_CURL_H_INCLUDED_


#include "ngx_http_faas_call.h"


/* in a worker, after the fork; what fails here shows at the first call */
void ngx_http_faas_curl_init_process(ngx_cycle_t *cycle,
    ngx_http_faas_engine_t *engine);

/*
 * In the master, at its end: the same without an event loop, and for so many
 * milliseconds.  Calls get no further than ngx_http_faas_curl_run() takes them,
 * which returns when all have ended or the time is over.
 */
ngx_int_t ngx_http_faas_curl_init_master(ngx_cycle_t *cycle,
    ngx_http_faas_engine_t *engine, ngx_msec_t time);
void ngx_http_faas_curl_run(ngx_http_faas_engine_t *engine);

/* drops what is under way; no handler runs */
void ngx_http_faas_curl_exit_process(ngx_http_faas_engine_t *engine);

/*
 * Sends the call in the background of this worker.  The handler runs from
 * the event loop, never before this returns; on NGX_ERROR it does not run.
 */
ngx_int_t ngx_http_faas_curl(ngx_http_faas_engine_t *engine,
    ngx_http_faas_call_t *call);

/* ends a call that is under way; its handler does not run */
void ngx_http_faas_curl_cancel(ngx_http_faas_call_t *call);


#endif /* _NGX_HTTP_FAAS_CURL_H_INCLUDED_ */
