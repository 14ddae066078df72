
/*
 * Copyright (C) the ngx_http_faas_module authors
 */


#ifndef _NGX_HTTP_FAAS_EXIT_H_INCLUDED_
#define _NGX_HTTP_FAAS_EXIT_H_INCLUDED_


#include "ngx_http_faas_pool.h"


/*
 * In the master, after the last worker: removes the zone's containers, and
 * waits for it, for some seconds at the most.  What is left then, the next
 * start of this nginx removes.
 */
void ngx_http_faas_exit(ngx_http_faas_pool_t *fp, ngx_cycle_t *cycle);


#endif /* _NGX_HTTP_FAAS_EXIT_H_INCLUDED_ */
