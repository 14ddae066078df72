
/*
 * Copyright (C) the ngx_http_faas_module authors
 */


#ifndef _NGX_HTTP_FAAS_COMMAND_ENV_H_INCLUDED_
#define _NGX_HTTP_FAAS_COMMAND_ENV_H_INCLUDED_


#include "ngx_http_faas_command_conf.h"


/*
 * The environment of a command: the request as CGI/1.1 has it (RFC 3875), and
 * what is configured.  "length" is that of the body, or -1 when it is not
 * known.  NULL: no memory.
 */
char **ngx_http_faas_command_environment(ngx_http_request_t *r,
    ngx_http_faas_command_t *command, off_t length);


#endif /* _NGX_HTTP_FAAS_COMMAND_ENV_H_INCLUDED_ */
