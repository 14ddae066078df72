
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * For the docker unit only.
 */


#ifndef _NGX_HTTP_FAAS_DOCKER_BODY_H_INCLUDED_
#define _NGX_HTTP_FAAS_DOCKER_BODY_H_INCLUDED_


#include "ngx_http_faas_docker.h"


/*
 * JSON made in the pool.  NGX_ERROR also for a string with a zero byte, and
 * for a container that would be less confined than ours must be.
 */

ngx_int_t ngx_http_faas_docker_body_create(ngx_pool_t *pool,
    ngx_http_faas_docker_spec_t *spec, ngx_str_t *body);
ngx_int_t ngx_http_faas_docker_body_network(ngx_pool_t *pool,
    ngx_http_faas_docker_network_spec_t *spec, ngx_str_t *body);

ngx_int_t ngx_http_faas_docker_body_update(ngx_pool_t *pool,
    ngx_http_faas_docker_limits_t *limits, ngx_str_t *body);

/* {"label":[...]} of ngx_str_t, and {"before":[...]} unless NULL or empty */
ngx_int_t ngx_http_faas_docker_body_filters(ngx_pool_t *pool,
    ngx_array_t *labels, ngx_str_t *before, ngx_str_t *filters);

/* the same, and the events that are ours to know */
ngx_int_t ngx_http_faas_docker_body_events(ngx_pool_t *pool,
    ngx_array_t *labels, ngx_str_t *filters);


#endif /* _NGX_HTTP_FAAS_DOCKER_BODY_H_INCLUDED_ */
