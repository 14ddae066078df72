
/*
 * Copyright (C) the ngx_http_faas_module authors
 */


#ifndef _NGX_HTTP_FAAS_INVOKE_H_INCLUDED_
#define _NGX_HTTP_FAAS_INVOKE_H_INCLUDED_


#include "ngx_http_faas_http.h"


/*
 * POST NAME/invoke: the body has been read.  Turns the request into one for
 * the raw location with an envelope around its answer, and ends with
 * ngx_http_finalize_request().
 */
void ngx_http_faas_invoke(ngx_http_request_t *r, ngx_str_t *name);


#endif /* _NGX_HTTP_FAAS_INVOKE_H_INCLUDED_ */
