
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Whether anybody still has a zone.  A zone's number, its epoch, is in the
 * names of its containers, and each process that has the zone holds a socket
 * with that number as its abstract name (unix(7)); the kernel takes the name
 * back with the last of them, however that ends.
 */


#ifndef _NGX_HTTP_FAAS_EPOCH_H_INCLUDED_
#define _NGX_HTTP_FAAS_EPOCH_H_INCLUDED_


#include "ngx_http_faas_zone.h"


/* in the master: makes the socket, or takes over that of the same zone */
void ngx_http_faas_epoch_init_module(ngx_cycle_t *cycle,
    ngx_http_faas_zone_t *zone, ngx_http_faas_zone_t *old);

/* whether a process has that zone; 1 when in doubt */
ngx_uint_t ngx_http_faas_epoch_alive(ngx_http_faas_zone_t *zone,
    uint32_t epoch);


#endif /* _NGX_HTTP_FAAS_EPOCH_H_INCLUDED_ */
