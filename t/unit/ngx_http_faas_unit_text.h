
/*
 * Copyright (C) the ngx_http_faas_module authors
 */


#ifndef _NGX_HTTP_FAAS_UNIT_TEXT_H_INCLUDED_
#define _NGX_HTTP_FAAS_UNIT_TEXT_H_INCLUDED_


#include "ngx_http_faas.h"


/* a literal with its length, since there may be NUL in it */
#define ngx_http_faas_unit_text(s)  { sizeof(s) - 1, (u_char *) s }


/* for a group: its state is a pool */
int ngx_http_faas_unit_text_setup(void **state);
int ngx_http_faas_unit_text_teardown(void **state);

/* without a final zero, and at the end of its block when that is large */
ngx_str_t *ngx_http_faas_unit_text_bytes(ngx_pool_t *pool, char *text,
    size_t len);

ngx_str_t *ngx_http_faas_unit_text_str(ngx_pool_t *pool, char *text);

/* in a block of just its length; the last one is gone by then */
ngx_str_t *ngx_http_faas_unit_text_copy(ngx_str_t *s);

void ngx_http_faas_unit_text_equal(ngx_str_t *a, ngx_str_t *b);

void ngx_http_faas_unit_text_is(ngx_str_t *value, char *text);


#endif /* _NGX_HTTP_FAAS_UNIT_TEXT_H_INCLUDED_ */
