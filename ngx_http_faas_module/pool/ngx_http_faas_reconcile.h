
/*
 * Copyright (C) the ngx_http_faas_module authors
 */


#ifndef _NGX_HTTP_FAAS_RECONCILE_H_INCLUDED_
#define _NGX_HTTP_FAAS_RECONCILE_H_INCLUDED_


#include "ngx_http_faas_pool.h"


/*
 * When it is due: asks the engine for all containers that have our label,
 * adopts those of an earlier zone that serve a function as it is configured
 * now, removes the others, and ends the instances that have none any more.
 * For the worker that keeps house.
 */
void ngx_http_faas_reconcile(ngx_http_faas_pool_t *fp);

/* gives up one that waits for the engine, whose calls have been given up */
void ngx_http_faas_reconcile_exit_process(ngx_http_faas_pool_t *fp);


#endif /* _NGX_HTTP_FAAS_RECONCILE_H_INCLUDED_ */
