
/*
 * Copyright (C) the ngx_http_faas_module authors
 */


#ifndef _NGX_HTTP_FAAS_ROUTE_H_INCLUDED_
#define _NGX_HTTP_FAAS_ROUTE_H_INCLUDED_


#include "ngx_http_faas.h"


/*
 * The name of an interface of this host, other than "mine", whose network
 * overlaps with addr/mask (host byte order), in a buffer of IF_NAMESIZE;
 * NGX_DECLINED when there is none, or nobody can tell.
 */
ngx_int_t ngx_http_faas_route_taken(in_addr_t addr, in_addr_t mask,
    u_char *mine, u_char *name);


#endif /* _NGX_HTTP_FAAS_ROUTE_H_INCLUDED_ */
