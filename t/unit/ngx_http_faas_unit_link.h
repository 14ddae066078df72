
/*
 * Copyright (C) the ngx_http_faas_module authors
 */


#ifndef _NGX_HTTP_FAAS_UNIT_LINK_H_INCLUDED_
#define _NGX_HTTP_FAAS_UNIT_LINK_H_INCLUDED_


#include "ngx_http_faas_link.h"
#include "ngx_http_faas_unit_text.h"


#define NGX_HTTP_FAAS_UNIT_NONE   99     /* no result yet */
#define NGX_HTTP_FAAS_UNIT_REPLY  16384  /* what a verdict may take */


typedef struct {
    ngx_pool_t             *pool;
    ngx_log_t               log;         /* keeps silent */
    ngx_http_faas_link_t    link;
    char                   *script;      /* of connect(), see there */
    in_port_t               port;        /* of the last one */
    ngx_uint_t              connects;
    ngx_connection_t       *open[2];     /* control and probe */
    ngx_str_t               reply;       /* that is still to come */
    size_t                  step;        /* in pieces of that size */
    ngx_uint_t              pause;       /* nothing is there just now */
    ngx_int_t               end;         /* what recv() gives then */
    ngx_str_t               sent;
    size_t                  room;        /* what send() takes at once */
    ngx_uint_t              results;
    ngx_uint_t              result;
} ngx_http_faas_unit_link_t;


/* the connection stands: the frame may be sent */
ngx_http_faas_unit_link_t *ngx_http_faas_unit_link_begin(void);

/* connecting, for half a second */
ngx_http_faas_unit_link_t *ngx_http_faas_unit_link_script(char *script);

void ngx_http_faas_unit_link_end(ngx_http_faas_unit_link_t *tl);

/* time goes by */
void ngx_http_faas_unit_link_wait(ngx_http_faas_unit_link_t *tl,
    ngx_msec_t msec);

void ngx_http_faas_unit_link_event(ngx_connection_t *c, ngx_uint_t write);


#endif /* _NGX_HTTP_FAAS_UNIT_LINK_H_INCLUDED_ */
