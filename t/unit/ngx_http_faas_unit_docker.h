
/*
 * Copyright (C) the ngx_http_faas_module authors
 */


#ifndef _NGX_HTTP_FAAS_UNIT_DOCKER_H_INCLUDED_
#define _NGX_HTTP_FAAS_UNIT_DOCKER_H_INCLUDED_


#include "ngx_http_faas_docker.h"
#include "ngx_http_faas_unit_text.h"

#include <cjson/cJSON.h>


#define NGX_HTTP_FAAS_UNIT_ID                                                 \
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"


extern ngx_str_t  ngx_http_faas_unit_docker_v;

extern char  ngx_http_faas_unit_docker_evil[];

/* "a|b|0": members, and items by number of arrays */
cJSON *ngx_http_faas_unit_docker_get(cJSON *root, char *path);

void ngx_http_faas_unit_docker_text(cJSON *root, char *path, char *text);

void ngx_http_faas_unit_docker_number(cJSON *root, char *path, double number);


#endif /* _NGX_HTTP_FAAS_UNIT_DOCKER_H_INCLUDED_ */
