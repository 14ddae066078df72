
/*
 * Copyright (C) the ngx_http_faas_module authors
 */


#ifndef _NGX_HTTP_FAAS_COMMAND_H_INCLUDED_
#define _NGX_HTTP_FAAS_COMMAND_H_INCLUDED_


#include "ngx_http_faas_command_conf.h"


/* the content of a request whose context has a command */
ngx_int_t ngx_http_faas_command_handler(ngx_http_request_t *r);


#endif /* _NGX_HTTP_FAAS_COMMAND_H_INCLUDED_ */
