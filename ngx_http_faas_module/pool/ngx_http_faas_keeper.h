
/*
 * Copyright (C) the ngx_http_faas_module authors
 */


#ifndef _NGX_HTTP_FAAS_KEEPER_H_INCLUDED_
#define _NGX_HTTP_FAAS_KEEPER_H_INCLUDED_


#include "ngx_http_faas_pool.h"


/* in a worker: the one that is elected keeps house */
void ngx_http_faas_keeper_init_process(ngx_http_faas_pool_t *fp,
    ngx_cycle_t *cycle);

/* another one may keep house at once */
void ngx_http_faas_keeper_exit_process(ngx_http_faas_pool_t *fp);

/* the bell rang: perhaps for the keeper */
void ngx_http_faas_keeper_poll(ngx_http_faas_pool_t *fp);

/* has the strays looked for again, with the next tick of whoever keeps house */
void ngx_http_faas_keeper_recall(ngx_http_faas_pool_t *fp);


#endif /* _NGX_HTTP_FAAS_KEEPER_H_INCLUDED_ */
