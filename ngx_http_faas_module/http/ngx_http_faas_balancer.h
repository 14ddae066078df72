
/*
 * Copyright (C) the ngx_http_faas_module authors
 */


#ifndef _NGX_HTTP_FAAS_BALANCER_H_INCLUDED_
#define _NGX_HTTP_FAAS_BALANCER_H_INCLUDED_


#include "ngx_http_faas_http.h"


/* "faas" in an upstream block: its peer is the leased instance */
char *ngx_http_faas_balancer(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/*
 * While the configuration is merged: changes what differs for functions from
 * the proxying that the location asks for, if it is known to go to them.
 */
void ngx_http_faas_balancer_merge(ngx_http_upstream_conf_t *conf,
    ngx_http_faas_loc_conf_t *flcf);

/* the zone has news of a request that is proxied, or waits for an instance */
void ngx_http_faas_balancer_news(ngx_http_faas_ctx_t *ctx);


#endif /* _NGX_HTTP_FAAS_BALANCER_H_INCLUDED_ */
