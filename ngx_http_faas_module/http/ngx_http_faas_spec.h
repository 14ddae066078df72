
/*
 * Copyright (C) the ngx_http_faas_module authors
 */


#ifndef _NGX_HTTP_FAAS_SPEC_H_INCLUDED_
#define _NGX_HTTP_FAAS_SPEC_H_INCLUDED_


#include "ngx_http_faas_http.h"


/* a function as a client wants it */

typedef struct {
    ngx_str_t                        name;
    ngx_str_t                        source;
    ngx_str_t                        sidecar;   /* JSON, or empty */
    ngx_http_faas_runtime_t         *runtime;   /* NULL: not said */
} ngx_http_faas_spec_t;


/*
 * Takes it from the request's body, read before; "name" is that of the URI,
 * or NULL.  NGX_DECLINED: so it is; else it has been answered, and that is
 * the result for ngx_http_finalize_request().
 */
ngx_int_t ngx_http_faas_spec(ngx_http_request_t *r, ngx_str_t *name,
    ngx_http_faas_spec_t *spec);

/* whether its runtime, now known, allows its settings; the same results */
ngx_int_t ngx_http_faas_spec_settings(ngx_http_request_t *r,
    ngx_http_faas_spec_t *spec);


#endif /* _NGX_HTTP_FAAS_SPEC_H_INCLUDED_ */
