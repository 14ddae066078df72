
/*
 * Copyright (C) the ngx_http_faas_module authors
 */


#ifndef _NGX_HTTP_FAAS_EVENTS_H_INCLUDED_
#define _NGX_HTTP_FAAS_EVENTS_H_INCLUDED_


#include "ngx_http_faas_pool.h"


/*
 * Listens to what the engine tells of our containers, unless it does already;
 * each time anew the engine's list is due, too.
 */
void ngx_http_faas_events_open(ngx_http_faas_pool_t *fp);

/* somebody else listens, or this process ends */
void ngx_http_faas_events_close(ngx_http_faas_pool_t *fp);


#endif /* _NGX_HTTP_FAAS_EVENTS_H_INCLUDED_ */
