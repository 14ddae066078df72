
/*
 * Copyright (C) the ngx_http_faas_module authors
 */


#ifndef _NGX_HTTP_FAAS_CONF_H_INCLUDED_
#define _NGX_HTTP_FAAS_CONF_H_INCLUDED_


#include "ngx_http_faas_http.h"


/* for the module's context, see ngx_http_module_t */

void *ngx_http_faas_conf_create_main_conf(ngx_conf_t *cf);
char *ngx_http_faas_conf_init_main_conf(ngx_conf_t *cf, void *conf);
void *ngx_http_faas_conf_create_srv_conf(ngx_conf_t *cf);
char *ngx_http_faas_conf_merge_srv_conf(ngx_conf_t *cf, void *parent,
    void *child);
void *ngx_http_faas_conf_create_loc_conf(ngx_conf_t *cf);
char *ngx_http_faas_conf_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child);


#endif /* _NGX_HTTP_FAAS_CONF_H_INCLUDED_ */
