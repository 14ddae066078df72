
/*
 * Copyright (C) the ngx_http_faas_module authors
 */


#ifndef _NGX_HTTP_FAAS_HOP_H_INCLUDED_
#define _NGX_HTTP_FAAS_HOP_H_INCLUDED_


#include "ngx_http_faas_http.h"


/*
 * Whether a header of a function's answer ends here: it is about the
 * connection (RFC 9110, 7.6.1), named by its "Connection" header, or meant
 * for nginx ("X-Accel-").
 */
ngx_uint_t ngx_http_faas_hop(ngx_http_upstream_t *u, ngx_str_t *name);


#endif /* _NGX_HTTP_FAAS_HOP_H_INCLUDED_ */
