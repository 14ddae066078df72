
/*
 * Copyright (C) the ngx_http_faas_module authors
 */


#ifndef _NGX_HTTP_FAAS_BODY_H_INCLUDED_
#define _NGX_HTTP_FAAS_BODY_H_INCLUDED_


#include "ngx_http_faas.h"


/*
 * The request's body, read before, as one piece in r->pool; what nginx has
 * put into a temporary file is read back.
 */
ngx_int_t ngx_http_faas_body_text(ngx_http_request_t *r, ngx_str_t *text);

/*
 * Makes a part of that text, or other bytes that live as long as the request,
 * its body, and JSON; the headers that told of the old one go.  What was in a
 * temporary file is in it again then, if no other request shares it, and the
 * text is freed.
 */
ngx_int_t ngx_http_faas_body_replace(ngx_http_request_t *r, ngx_str_t *text,
    ngx_str_t *part);


#endif /* _NGX_HTTP_FAAS_BODY_H_INCLUDED_ */
