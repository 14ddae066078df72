
/*
 * Copyright (C) the ngx_http_faas_module authors
 */


#ifndef _NGX_HTTP_FAAS_SECCOMP_H_INCLUDED_
#define _NGX_HTTP_FAAS_SECCOMP_H_INCLUDED_


#include "ngx_http_faas.h"


/*
 * What the value of "seccomp=" names becomes the profile, of cf->pool: the
 * bytes of a file, or none for "engine".  NGX_ERROR, logged, for a file that
 * cannot be a profile.
 */
ngx_int_t ngx_http_faas_seccomp(ngx_conf_t *cf, ngx_str_t *value);


#endif /* _NGX_HTTP_FAAS_SECCOMP_H_INCLUDED_ */
