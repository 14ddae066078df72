
/*
 * Copyright (C) the ngx_http_faas_module authors
 */


#ifndef _NGX_HTTP_FAAS_RESIZE_H_INCLUDED_
#define _NGX_HTTP_FAAS_RESIZE_H_INCLUDED_


#include "ngx_http_faas_pool.h"


/*
 * Has the engine give a running container the limits of "now" instead of
 * those of "then", if they differ, while its function starts: nobody waits
 * for it.  Copies what it needs.
 */
void ngx_http_faas_resize(ngx_http_faas_pool_t *fp, ngx_str_t *id,
    ngx_http_faas_runtime_t *then, ngx_http_faas_runtime_t *now);


#endif /* _NGX_HTTP_FAAS_RESIZE_H_INCLUDED_ */
