
/*
 * Copyright (C) the ngx_http_faas_module authors
 */


#ifndef _NGX_HTTP_FAAS_KNOCK_H_INCLUDED_
#define _NGX_HTTP_FAAS_KNOCK_H_INCLUDED_


#include "ngx_http_faas_pool.h"


/* "ADDRESS:PORT" and the zero */
#define NGX_HTTP_FAAS_KNOCK_LEN  sizeof("255.255.255.255:65535")


/*
 * Where a spare may try to connect to, as text with a zero at its end: at
 * the host, where this worker listens from now on.  NGX_DECLINED when there
 * is no need, or no way, to know.
 */
ngx_int_t ngx_http_faas_knock(ngx_http_faas_pool_t *fp, u_char *text);

void ngx_http_faas_knock_close(ngx_http_faas_pool_t *fp);


#endif /* _NGX_HTTP_FAAS_KNOCK_H_INCLUDED_ */
