
/*
 * Copyright (C) the ngx_http_faas_module authors
 */


#ifndef _NGX_HTTP_FAAS_REPAIR_H_INCLUDED_
#define _NGX_HTTP_FAAS_REPAIR_H_INCLUDED_


#include "ngx_http_faas_zone.h"


/*
 * Under the lock, after the process that held it was killed: whatever it has
 * left half done is done or undone, and all workers look at their news.
 */
void ngx_http_faas_repair(ngx_http_faas_zone_t *zone);


#endif /* _NGX_HTTP_FAAS_REPAIR_H_INCLUDED_ */
