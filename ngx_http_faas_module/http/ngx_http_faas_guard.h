
/*
 * Copyright (C) the ngx_http_faas_module authors
 */


#ifndef _NGX_HTTP_FAAS_GUARD_H_INCLUDED_
#define _NGX_HTTP_FAAS_GUARD_H_INCLUDED_


#include "ngx_http_faas_http.h"


/* for peer.init: watches over what the upstream will read */
ngx_int_t ngx_http_faas_guard(ngx_http_request_t *r,
    ngx_http_faas_ctx_t *ctx);

/* for peer.free: whether the answer broke off after its header, not by us */
ngx_uint_t ngx_http_faas_guard_broken(ngx_http_request_t *r,
    ngx_peer_connection_t *pc);

/* the same: whether the client went away before the function had answered */
ngx_uint_t ngx_http_faas_guard_aborted(ngx_http_request_t *r);

/* whether what was sent is not to be sent again, ngx_http_upstream_next() */
ngx_uint_t ngx_http_faas_guard_final(ngx_http_request_t *r);


#endif /* _NGX_HTTP_FAAS_GUARD_H_INCLUDED_ */
