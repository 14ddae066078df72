
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Reads the engine's JSON; for the files of ngx_http_faas_docker_* only.
 * NULL for an object or an item is as good as one that is empty.
 */


#ifndef _NGX_HTTP_FAAS_DOCKER_JSON_H_INCLUDED_
#define _NGX_HTTP_FAAS_DOCKER_JSON_H_INCLUDED_


#include "ngx_http_faas.h"

#include <cjson/cJSON.h>


/* NULL for what is not one JSON value; the caller deletes the tree */
cJSON *ngx_http_faas_docker_json(ngx_str_t *body);

/* the id of a container or a network, the tree's; or NULL when not an id */
char *ngx_http_faas_docker_json_id(cJSON *object, char *name);

/* what is not there or not a string leaves "value" as it is */
ngx_int_t ngx_http_faas_docker_json_string(ngx_pool_t *pool, cJSON *object,
    char *name, ngx_str_t *value);

/* what is not there is 0, what is not of 32 bits is NGX_ERROR */
ngx_int_t ngx_http_faas_docker_json_integer(cJSON *object, char *name,
    ngx_int_t *value);

ngx_int_t ngx_http_faas_docker_json_copy(ngx_pool_t *pool, char *text,
    ngx_str_t *value);


#endif /* _NGX_HTTP_FAAS_DOCKER_JSON_H_INCLUDED_ */
