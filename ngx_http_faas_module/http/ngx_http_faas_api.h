
/*
 * Copyright (C) the ngx_http_faas_module authors
 */


#ifndef _NGX_HTTP_FAAS_API_H_INCLUDED_
#define _NGX_HTTP_FAAS_API_H_INCLUDED_


#include "ngx_http_faas_http.h"


/* the content handler of a location with "faas_api" */
ngx_int_t ngx_http_faas_api_handler(ngx_http_request_t *r);


#endif /* _NGX_HTTP_FAAS_API_H_INCLUDED_ */
