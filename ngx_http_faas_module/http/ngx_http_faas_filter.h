
/*
 * Copyright (C) the ngx_http_faas_module authors
 */


#ifndef _NGX_HTTP_FAAS_FILTER_H_INCLUDED_
#define _NGX_HTTP_FAAS_FILTER_H_INCLUDED_


#include "ngx_http_faas_http.h"


/* the rest of the chain, for the envelope */
ngx_int_t ngx_http_faas_filter_next_header(ngx_http_request_t *r);
ngx_int_t ngx_http_faas_filter_next_body(ngx_http_request_t *r,
    ngx_chain_t *in);


#endif /* _NGX_HTTP_FAAS_FILTER_H_INCLUDED_ */
