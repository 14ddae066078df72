
/*
 * Copyright (C) the ngx_http_faas_module authors
 */


#ifndef _NGX_HTTP_FAAS_ADMISSION_H_INCLUDED_
#define _NGX_HTTP_FAAS_ADMISSION_H_INCLUDED_


#include "ngx_http_faas_remove.h"


typedef struct ngx_http_faas_admission_s  ngx_http_faas_admission_t;

typedef void (*ngx_http_faas_admission_handler_pt)(
    ngx_http_faas_admission_t *adm);


/* one request's way to a slot; zeroed, then the first block filled in */

struct ngx_http_faas_admission_s {
    ngx_http_faas_pool_t                *fp;
    ngx_http_request_t                  *request;
    ngx_str_t                            name;
    ngx_http_faas_admission_handler_pt   handler;   /* there is news */
    unsigned                             background:1;  /* no subrequests */

    ngx_str_t                            path;
    ngx_http_faas_runtime_t             *runtime;
    ngx_http_faas_lease_t               *lease;
    ngx_http_faas_scale_t                scale;     /* once asked */

    /* once admitted */
    ngx_http_faas_seat_t                 seat;
    ngx_str_t                            container; /* its id, in "seat" */
    ngx_str_t                            peer;      /* "address:port" */
    u_char                               text[NGX_HTTP_FAAS_POOL_PEER];
    struct sockaddr_in                   sockaddr;
    uint64_t                             since;     /* ms of the epoch */
    unsigned                             admitted:1;
    unsigned                             single:1;  /* one call at a time */

    /* once refused: an HTTP status and a code, or 0 and the reason */
    ngx_uint_t                           status;
    ngx_str_t                            reason;
};


/*
 * Asks for a slot, or how it stands.  NGX_OK: admitted; NGX_AGAIN: the
 * handler will run, from the event loop; NGX_DECLINED: refused, see status;
 * NGX_ERROR.
 */
ngx_int_t ngx_http_faas_admission(ngx_http_faas_admission_t *adm);

/* starts an instance when there is none, and holds nothing */
ngx_int_t ngx_http_faas_admission_warm(ngx_http_faas_admission_t *adm);

/* gives everything back; safe at any time and more than once */
void ngx_http_faas_admission_release(ngx_http_faas_admission_t *adm);

/* the deadline passed while waiting: leave, and give up a start */
void ngx_http_faas_admission_expire(ngx_http_faas_admission_t *adm);

/*
 * The instance failed this request, and serves no other.  With "report" its
 * end is looked into first; the job is returned, or NULL if that was not
 * possible.
 */
ngx_http_faas_remove_t *ngx_http_faas_admission_condemn(
    ngx_http_faas_admission_t *adm, ngx_http_faas_remove_report_pt report,
    void *data);

/* tells whom the zone has news for; the bell does, and the keeper's tick */
void ngx_http_faas_admission_poll(ngx_http_faas_pool_t *fp);

/* in a worker: listens to its bell */
ngx_int_t ngx_http_faas_admission_init_process(ngx_http_faas_pool_t *fp,
    ngx_cycle_t *cycle);
void ngx_http_faas_admission_exit_process(ngx_http_faas_pool_t *fp);


#endif /* _NGX_HTTP_FAAS_ADMISSION_H_INCLUDED_ */
