
/*
 * Copyright (C) the ngx_http_faas_module authors
 */


#ifndef _NGX_HTTP_FAAS_NAME_H_INCLUDED_
#define _NGX_HTTP_FAAS_NAME_H_INCLUDED_


#include "ngx_http_faas.h"


/*
 * NGX_OK when it may be a function's name, and so a part of a file's name: 1
 * to 64 characters of A-Z a-z 0-9 _ - . and letters of any script with their
 * marks, in UTF-8; no leading "." or "-", and no "..".
 */
ngx_int_t ngx_http_faas_name_check(ngx_str_t *name);


#endif /* _NGX_HTTP_FAAS_NAME_H_INCLUDED_ */
