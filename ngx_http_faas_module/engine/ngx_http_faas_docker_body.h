
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * For the docker unit only.
 */


#ifndef _NGX_HTTP_FAAS_DOCKER_BODY_H_INCLUDED_
#define _NGX_HTTP_FAAS_DOCKER_BODY_H_INCLUDED_


#include "ngx_http_faas_docker.h"

#include <cjson/cJSON.h>


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

/* adds to HostConfig what a container is limited to */
ngx_int_t ngx_http_faas_docker_host_config(ngx_pool_t *pool, cJSON *host,
    ngx_http_faas_docker_spec_t *spec);

/* NGX_ERROR also for one that is not above 0 */
ngx_int_t ngx_http_faas_docker_limits(cJSON *object,
    ngx_http_faas_docker_limits_t *limits);

/* made in the pool, and escaped when they are printed */
ngx_int_t ngx_http_faas_docker_add_string(ngx_pool_t *pool, cJSON *object,
    char *name, ngx_str_t *value);
ngx_int_t ngx_http_faas_docker_add_integer(cJSON *object, char *name,
    int64_t n);

/* NULL also for a zero byte inside: cutting there would say another thing */
char *ngx_http_faas_docker_cstring(ngx_pool_t *pool, ngx_str_t *value);


#endif /* _NGX_HTTP_FAAS_DOCKER_BODY_H_INCLUDED_ */
