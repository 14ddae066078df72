
/*
 * Copyright (C) the ngx_http_faas_module authors
 */


#ifndef _NGX_HTTP_FAAS_UNIT_FILE_H_INCLUDED_
#define _NGX_HTTP_FAAS_UNIT_FILE_H_INCLUDED_


#include "ngx_http_faas_file.h"


typedef struct {
    ngx_pool_t                *pool;
    ngx_log_t                  log;      /* counts */
    ngx_uint_t                 logged;
    ngx_uint_t                 level;    /* of the last message */
    char                       dir[64];
    ngx_str_t                  path;     /* of "file" in it */
    ngx_str_t                  bytes;    /* as last read */
    ngx_http_faas_identity_t   identity;
    u_char                     revision[NGX_HTTP_FAAS_REVISION_LEN];
} ngx_http_faas_unit_file_t;


int ngx_http_faas_unit_file_setup(void **state);

int ngx_http_faas_unit_file_teardown(void **state);

ngx_str_t ngx_http_faas_unit_file_path(ngx_http_faas_unit_file_t *tf,
    char *name);

ngx_int_t ngx_http_faas_unit_file_read(ngx_http_faas_unit_file_t *tf,
    ngx_str_t *path, size_t max);

ngx_int_t ngx_http_faas_unit_file_write(ngx_http_faas_unit_file_t *tf,
    ngx_str_t *path, char *text, ngx_uint_t create);

void ngx_http_faas_unit_file_equal(ngx_http_faas_unit_file_t *tf,
    ngx_str_t *path, char *text);

/* one message of that level since the last look, or with 0 none */
void ngx_http_faas_unit_file_logged(ngx_http_faas_unit_file_t *tf,
    ngx_uint_t level);

/* how many there are, none of them a temporary one */
ngx_uint_t ngx_http_faas_unit_file_entries(ngx_http_faas_unit_file_t *tf,
    ngx_uint_t clear);


#endif /* _NGX_HTTP_FAAS_UNIT_FILE_H_INCLUDED_ */
