
/*
 * Copyright (C) the ngx_http_faas_module authors
 */


#ifndef _NGX_HTTP_FAAS_REMOVE_H_INCLUDED_
#define _NGX_HTTP_FAAS_REMOVE_H_INCLUDED_


#include "ngx_http_faas_pool.h"


typedef struct ngx_http_faas_remove_s  ngx_http_faas_remove_t;

/*
 * "text" says how the process ended, or that it runs, and then what it
 * wrote; it is not kept.
 */
typedef void (*ngx_http_faas_remove_report_pt)(void *data,
    ngx_uint_t running, ngx_str_t *text);


/*
 * Removes a container by name or id, and gives the slot of "inst", claimed by
 * this process, back once the engine has confirmed it.  "inst" may be NULL:
 * then the container stays if "report" is set, else it is a stray.
 *
 * With "report" it is first asked how the function ended, and what it wrote
 * to stderr since then, in milliseconds of the epoch.  The handler runs once,
 * from the event loop, unless ngx_http_faas_remove_forget() was called.
 */
ngx_http_faas_remove_t *ngx_http_faas_remove(ngx_http_faas_pool_t *fp,
    ngx_http_faas_instance_t *inst, ngx_str_t *name,
    ngx_http_faas_remove_report_pt report, void *data, uint64_t since);

/* the one who wanted the report is gone */
void ngx_http_faas_remove_forget(ngx_http_faas_remove_t *job);

/*
 * Removes the container of a start that failed, "inst" being claimed by this
 * process.  With "doubt" its creation may still be under way in the engine,
 * so that its absence proves nothing yet.
 */
ngx_int_t ngx_http_faas_remove_start(ngx_http_faas_pool_t *fp,
    ngx_http_faas_instance_t *inst, ngx_uint_t doubt);

/*
 * Removes the dead instances that nobody sees to, some at a time.  With "r"
 * it is all of them, the calls are its subrequests, and it runs its phases
 * again after each.
 */
void ngx_http_faas_remove_dead(ngx_http_faas_pool_t *fp,
    ngx_http_request_t *r);

/* forgets those that are under way: whoever reaps the dead does them again */
void ngx_http_faas_remove_exit_process(ngx_http_faas_pool_t *fp);


#endif /* _NGX_HTTP_FAAS_REMOVE_H_INCLUDED_ */
