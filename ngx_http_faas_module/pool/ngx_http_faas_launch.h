
/*
 * Copyright (C) the ngx_http_faas_module authors
 */


#ifndef _NGX_HTTP_FAAS_LAUNCH_H_INCLUDED_
#define _NGX_HTTP_FAAS_LAUNCH_H_INCLUDED_


#include "ngx_http_faas_source.h"


/* what is to be started, for the calls and the frame */

typedef struct {
    ngx_http_faas_pool_t            *fp;
    ngx_pool_t                      *pool;      /* of the start */
    ngx_http_faas_runtime_t         *runtime;
    ngx_http_faas_instance_t        *inst;
    ngx_str_t                        name;      /* NUL-terminated, all */
    ngx_str_t                        path;
    ngx_str_t                        file;      /* the path's last part */
    ngx_str_t                        container; /* its name at creation */
    ngx_str_t                        ref;       /* its id, once known */
    ngx_str_t                        token;
    ngx_uint_t                       subnet;    /* the one to try */
    ngx_http_faas_source_t           source;    /* as the frame has it */
} ngx_http_faas_launch_t;


/*
 * Copies what it is given into "pool", which becomes the launch's.  The name
 * and path are empty for a spare.
 */
ngx_int_t ngx_http_faas_launch_init(ngx_http_faas_launch_t *launch,
    ngx_http_faas_pool_t *fp, ngx_pool_t *pool,
    ngx_http_faas_instance_t *inst, ngx_http_faas_runtime_t *runtime,
    ngx_str_t *name, ngx_str_t *path);

/* fills in the call of a step, of ngx_http_faas_docker_call_e */
ngx_int_t ngx_http_faas_launch_request(ngx_http_faas_launch_t *launch,
    ngx_uint_t step, ngx_http_faas_call_t *call);

/* takes the network as inspected into the zone: the engine is ready */
ngx_int_t ngx_http_faas_launch_network(ngx_http_faas_launch_t *launch,
    ngx_str_t *body);

/* the subnet overlaps with another: NGX_OK if there is one more to try */
ngx_int_t ngx_http_faas_launch_next_subnet(ngx_http_faas_launch_t *launch);

/*
 * Reads the source and makes the loader's frame of it; "want" says what was
 * read, and launch->source.  NGX_DECLINED when it is gone.
 */
ngx_int_t ngx_http_faas_launch_frame(ngx_http_faas_launch_t *launch,
    ngx_http_faas_want_t *want, ngx_str_t *frame);


#endif /* _NGX_HTTP_FAAS_LAUNCH_H_INCLUDED_ */
