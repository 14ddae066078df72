
/*
 * Copyright (C) the ngx_http_faas_module authors
 */


#ifndef _NGX_HTTP_FAAS_MINIMUM_H_INCLUDED_
#define _NGX_HTTP_FAAS_MINIMUM_H_INCLUDED_


#include "ngx_http_faas_pool.h"


/*
 * Starts what a function lacks of its min_instances, in the background, with
 * its source as it is now.  NGX_DECLINED when there is no such function.
 */
ngx_int_t ngx_http_faas_minimum(ngx_http_faas_pool_t *fp, ngx_pool_t *pool,
    ngx_log_t *log, ngx_str_t *name);

/*
 * The same for all functions in the directory that have settings: those
 * with a minimum shall be up before the first call.
 */
void ngx_http_faas_minimum_scan(ngx_http_faas_pool_t *fp);


#endif /* _NGX_HTTP_FAAS_MINIMUM_H_INCLUDED_ */
