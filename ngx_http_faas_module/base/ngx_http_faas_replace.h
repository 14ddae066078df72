
/*
 * Copyright (C) the ngx_http_faas_module authors
 */


#ifndef _NGX_HTTP_FAAS_REPLACE_H_INCLUDED_
#define _NGX_HTTP_FAAS_REPLACE_H_INCLUDED_


#include "ngx_http_faas.h"


/*
 * Puts "with" in the place of each "what", which is not empty, from left to
 * right; "text" is made anew in the pool if there is any, and else is left
 * as it is.
 */
ngx_int_t ngx_http_faas_replace(ngx_pool_t *pool, ngx_str_t *text,
    ngx_str_t *what, ngx_str_t *with);


#endif /* _NGX_HTTP_FAAS_REPLACE_H_INCLUDED_ */
