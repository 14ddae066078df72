
/*
 * Copyright (C) the ngx_http_faas_module authors
 */


#ifndef _NGX_HTTP_FAAS_BOOT_H_INCLUDED_
#define _NGX_HTTP_FAAS_BOOT_H_INCLUDED_


#include "ngx_http_faas_launch.h"


typedef struct ngx_http_faas_boot_s  ngx_http_faas_boot_t;

/*
 *   NGX_OK        the container runs
 *   NGX_DECLINED  nobody wants it any more
 *   NGX_AGAIN     not at this address: try with another slot
 *   NGX_ERROR     the engine refused, see outcome and call
 */
typedef void (*ngx_http_faas_boot_handler_pt)(ngx_http_faas_boot_t *boot,
    ngx_int_t rc);


/* zeroed, then the first block filled in */

struct ngx_http_faas_boot_s {
    ngx_http_faas_launch_t           launch;    /* what is to be started */
    ngx_http_faas_instance_t        *inst;
    ngx_http_request_t              *request;   /* carries calls, or NULL */
    ngx_http_faas_boot_handler_pt    handler;   /* once, perhaps at once */
    void                            *data;

    ngx_http_faas_call_t             call;
    ngx_uint_t                       outcome;
    ngx_uint_t                       step;      /* of docker_call_e */
    ngx_uint_t                       tries;
    ngx_connection_t                 dummy;     /* of the timer */
    ngx_event_t                      timer;
    unsigned                         parked:1;  /* until its turn comes */
    unsigned                         made:1;    /* there is a container */
    unsigned                         doubt:1;   /* or there will be one */
    unsigned                         renewed:1; /* asked the engine anew */
};


/* from a slot that this process has taken to a container that runs */
void ngx_http_faas_boot(ngx_http_faas_boot_t *boot);

/*
 * The bell rang: its turn may have come, or nobody wants it any more.  Not
 * while a call is under way.
 */
void ngx_http_faas_boot_check(ngx_http_faas_boot_t *boot);


#endif /* _NGX_HTTP_FAAS_BOOT_H_INCLUDED_ */
