
/*
 * Copyright (C) the ngx_http_faas_module authors
 */


#ifndef _NGX_HTTP_FAAS_CONFINE_H_INCLUDED_
#define _NGX_HTTP_FAAS_CONFINE_H_INCLUDED_


#include "ngx_http_faas.h"


/*
 * For this process, and whatever it will start: no look into another process
 * nor, where the kernel can do that, a signal to one; no io_uring, and unless
 * "unix_sockets" no socket of AF_UNIX, so that nobody reaches the engine.
 * System calls only; "no_new_privs" must be set.  NGX_OK, or NGX_ERROR and
 * errno.
 */
ngx_int_t ngx_http_faas_confine(ngx_uint_t unix_sockets);


#endif /* _NGX_HTTP_FAAS_CONFINE_H_INCLUDED_ */
