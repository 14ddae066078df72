
/*
 * Copyright (C) the ngx_http_faas_module authors
 */


#ifndef _NGX_HTTP_FAAS_RUN_H_INCLUDED_
#define _NGX_HTTP_FAAS_RUN_H_INCLUDED_


#include "ngx_http_faas_command_conf.h"


/* one run of a command for a request, in its pool */

typedef struct {
    ngx_queue_t                      queue;     /* command->waiting */
    ngx_http_request_t              *request;
    ngx_http_faas_ctx_t             *ctx;
    ngx_http_faas_command_t         *command;
    ngx_http_faas_ticket_t          *ticket;    /* while it waits */
    ngx_http_faas_child_t           *child;     /* while it is there */
    ngx_event_t                      deadline;
    ngx_connection_t                 dummy;

    ngx_connection_t                *in;
    ngx_chain_t                     *body;      /* to be written */

    ngx_connection_t                *out;
    ngx_buf_t                       *buf;       /* being filled */
    ngx_chain_t                     *ready;     /* to be sent */
    ngx_chain_t                    **last;
    ngx_chain_t                     *busy;
    ngx_chain_t                     *free;
    ngx_uint_t                       nbufs;
    off_t                            received;
    off_t                            rest;      /* in the pipe, once known */

    ngx_connection_t                *err;
    ngx_buf_t                       *text;      /* from there */

    int                              status;
    unsigned                         exited:1;
    unsigned                         streaming:1;
    unsigned                         sent:1;    /* the header */
    unsigned                         unheard:1; /* the client has gone */
    unsigned                         reading:1; /* the body has not ended */
} ngx_http_faas_run_t;


/*
 * Runs it with the request's body, as far as it has been read.  What is
 * returned is for ngx_http_finalize_request(); NGX_AGAIN: not yet, it will
 * be finalized.
 */
ngx_int_t ngx_http_faas_run(ngx_http_faas_run_t *run);

/* ends whatever there is; safe at any time and more than once */
void ngx_http_faas_run_end(ngx_http_faas_run_t *run);

/* ends it and gives the request its last answer */
void ngx_http_faas_run_finalize(ngx_http_faas_run_t *run, ngx_int_t rc);

/* the answer when there is no result: a RunResult, or an error */
ngx_int_t ngx_http_faas_run_failed(ngx_http_faas_run_t *run,
    ngx_uint_t status, char *code, char *message);


#endif /* _NGX_HTTP_FAAS_RUN_H_INCLUDED_ */
