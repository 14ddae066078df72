
/*
 * Copyright (C) the ngx_http_faas_module authors
 */


#ifndef _NGX_HTTP_FAAS_RUN_IO_H_INCLUDED_
#define _NGX_HTTP_FAAS_RUN_IO_H_INCLUDED_


#include "ngx_http_faas_run.h"


/* the pipes are there; what is returned is as of ngx_http_faas_run() */
ngx_int_t ngx_http_faas_run_io_start(ngx_http_faas_run_t *run);

/*
 * Takes in what there is, and sends it once it streams.  NGX_OK: as much as
 * the client takes; NGX_DONE: there is no need for more; else it is for
 * ngx_http_finalize_request().
 */
ngx_int_t ngx_http_faas_run_io_read(ngx_http_faas_run_t *run);

/* the process has ended: what is in its pipes now is all that there will be */
void ngx_http_faas_run_io_exited(ngx_http_faas_run_t *run);

/* what was read last is ready to be sent: run->ready; NGX_ERROR: no memory */
ngx_int_t ngx_http_faas_run_io_take(ngx_http_faas_run_t *run);


/* of the run unit: */

/* goes on after an event; NGX_AGAIN, or it is for finalize_request() */
ngx_int_t ngx_http_faas_run_progress(ngx_http_faas_run_t *run);

/* sends the header */
ngx_int_t ngx_http_faas_run_header(ngx_http_faas_run_t *run,
    ngx_uint_t status, off_t length);

/*
 * The output cannot be sent.  1: the command goes on all the same, as it was
 * told to, and nobody hears what it says.
 */
ngx_uint_t ngx_http_faas_run_unheard(ngx_http_faas_run_t *run);


#endif /* _NGX_HTTP_FAAS_RUN_IO_H_INCLUDED_ */
