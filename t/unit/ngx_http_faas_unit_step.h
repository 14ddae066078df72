
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Runs code one instruction at a time.
 */


#ifndef _NGX_HTTP_FAAS_UNIT_STEP_H_INCLUDED_
#define _NGX_HTTP_FAAS_UNIT_STEP_H_INCLUDED_


#include "ngx_http_faas.h"


typedef struct {
    void                   (*run)(void *data);
    void                   (*look)(void *data);  /* between any two */
    void                    *data;
    ngx_uint_t               steps;         /* instructions, so far */
    ngx_uint_t               slab;          /* those inside of the slab */
} ngx_http_faas_unit_step_t;


/*
 * Calls "run", and "look" before each of its instructions but those inside of
 * ngx_slab_..._locked().  NGX_DECLINED: this machine has no such steps.
 */
ngx_int_t ngx_http_faas_unit_step(ngx_http_faas_unit_step_t *step);


#endif /* _NGX_HTTP_FAAS_UNIT_STEP_H_INCLUDED_ */
