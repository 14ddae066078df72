
/*
 * Copyright (C) the ngx_http_faas_module authors
 */


#ifndef _NGX_HTTP_FAAS_TITLE_H_INCLUDED_
#define _NGX_HTTP_FAAS_TITLE_H_INCLUDED_


#include "ngx_http_faas_pool.h"


/*
 * Has the engine rename the container of an instance after the function that
 * it has become, so that whoever comes after a crash can tell: "id" is the
 * container's, "base" its name at creation.  Copies what it is given.  It is
 * done when "delay" ms have passed, and no spare was claimed for a moment; a
 * worker that exits gracefully waits for it.
 */
void ngx_http_faas_title(ngx_http_faas_pool_t *fp,
    ngx_http_faas_instance_t *inst, ngx_str_t *id, ngx_str_t *base,
    u_char *revision, ngx_str_t *function, ngx_msec_t delay);

/*
 * In a worker that is told to end at once, and whose containers stay: does
 * what is left, in a second at the most, after curl's own exit.
 */
void ngx_http_faas_title_exit_process(ngx_http_faas_pool_t *fp,
    ngx_cycle_t *cycle);


#endif /* _NGX_HTTP_FAAS_TITLE_H_INCLUDED_ */
