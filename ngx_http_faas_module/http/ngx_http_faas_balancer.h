
/*
 * Copyright (C) the ngx_http_faas_module authors
 */


#ifndef _NGX_HTTP_FAAS_BALANCER_H_INCLUDED_
#define _NGX_HTTP_FAAS_BALANCER_H_INCLUDED_


#include "ngx_http_faas_http.h"


/* "faas" in an upstream block: its peer is the leased instance */
char *ngx_http_faas_balancer(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/* of a location with "faas": what a function must not tell proxy */
void ngx_http_faas_balancer_distrust(ngx_conf_t *cf);

/* the zone has news of a request that is proxied, or waits for an instance */
void ngx_http_faas_balancer_news(ngx_http_faas_ctx_t *ctx);


#endif /* _NGX_HTTP_FAAS_BALANCER_H_INCLUDED_ */
