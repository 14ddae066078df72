
/*
 * Copyright (C) the ngx_http_faas_module authors
 */


#ifndef _NGX_HTTP_FAAS_COMMAND_CONF_H_INCLUDED_
#define _NGX_HTTP_FAAS_COMMAND_CONF_H_INCLUDED_


#include "ngx_http_faas_http.h"
#include "ngx_http_faas_crew.h"


typedef struct {
    ngx_str_t                        name;
    ngx_http_complex_value_t         value;
} ngx_http_faas_command_env_t;


struct ngx_http_faas_command_s {
    ngx_str_t                        name;
    ngx_http_faas_child_task_t       task;      /* without its environment */
    ngx_array_t                     *env;       /* command_env_t */
    ngx_str_t                        content_type;
    ngx_str_t                        allow;     /* its methods, for "Allow" */
    ngx_uint_t                       methods;
    ngx_msec_t                       timeout;
    ngx_uint_t                       max;
    ngx_uint_t                       queue;
    off_t                            output;    /* at the most */
    u_char                           key[NGX_HTTP_FAAS_CREW_KEY];

    /* of the process: */

    ngx_http_faas_zone_t            *zone;
    ngx_http_faas_children_t        *children;
    ngx_http_faas_crew_t            *crew;
    ngx_queue_t                      waiting;   /* requests */
    ngx_http_faas_listener_t         listener;
};


/* faas_command NAME PROGRAM [ARGUMENT ...] [PARAMETER ...] */
char *ngx_http_faas_command_add(ngx_conf_t *cf, ngx_array_t **commands);

/* those of an outer level whose names an inner one does not have */
char *ngx_http_faas_command_merge(ngx_conf_t *cf, ngx_array_t **commands,
    ngx_array_t *outer);

/* the command of that name in the request's server, or NULL */
ngx_http_faas_command_t *ngx_http_faas_command_find(ngx_http_request_t *r,
    ngx_str_t *name);


#endif /* _NGX_HTTP_FAAS_COMMAND_CONF_H_INCLUDED_ */
