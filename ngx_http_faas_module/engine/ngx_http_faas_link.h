
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * The loader's protocol.  A loader listens on its control port and takes one
 * frame: a line of JSON {"token","name","env","size"}, LF, and the source.
 * It answers "READY" LF once the function listens on its port, or "FAILED"
 * SP length LF and so many bytes of text.
 */


#ifndef _NGX_HTTP_FAAS_LINK_H_INCLUDED_
#define _NGX_HTTP_FAAS_LINK_H_INCLUDED_


#include "ngx_http_faas.h"

#include <ngx_event_connect.h>


typedef struct ngx_http_faas_link_s  ngx_http_faas_link_t;

typedef void (*ngx_http_faas_link_handler_pt)(ngx_http_faas_link_t *link);


typedef enum {
    NGX_HTTP_FAAS_LINK_CONNECTED = 0,   /* to the loader: send the frame */
    NGX_HTTP_FAAS_LINK_READY,           /* the function listens */
    NGX_HTTP_FAAS_LINK_FAILED,          /* link->text says why */
    NGX_HTTP_FAAS_LINK_CLOSED,          /* no verdict: does it live? */
    NGX_HTTP_FAAS_LINK_TIMEOUT
} ngx_http_faas_link_result_e;


struct ngx_http_faas_link_s {
    ngx_pool_t                      *pool;      /* the caller's */
    ngx_log_t                       *log;
    in_addr_t                        address;   /* host byte order */
    ngx_http_faas_link_handler_pt    handler;   /* for each result */
    void                            *data;

    unsigned                         once:1;    /* it listens, or is gone */

    ngx_uint_t                       result;
    ngx_str_t                        text;

    /* private */
    ngx_connection_t                *control;
    ngx_connection_t                *probe;
    ngx_connection_t                 dummy;     /* of the events */
    ngx_event_t                      retry;
    ngx_event_t                      deadline;
    ngx_msec_t                       pause;
    ngx_buf_t                       *out;
    ngx_buf_t                       *in;
    unsigned                         connected:1;
};


/*
 * Connects to the loader, again and again until it listens or "timeout"
 * milliseconds have passed: CONNECTED or TIMEOUT.
 */
void ngx_http_faas_link_connect(ngx_http_faas_link_t *link,
    ngx_msec_t timeout);

/*
 * Sends the frame: READY, FAILED, CLOSED or TIMEOUT.  Where no verdict comes
 * the function's own port is tried, too.
 */
void ngx_http_faas_link_send(ngx_http_faas_link_t *link, ngx_str_t *frame,
    ngx_msec_t timeout);

/* after CLOSED: goes on trying the port, READY or TIMEOUT */
void ngx_http_faas_link_watch(ngx_http_faas_link_t *link);

/* ends it; no handler runs.  Safe at any time and more than once */
void ngx_http_faas_link_close(ngx_http_faas_link_t *link);

/*
 * The frame's head line; the source follows it.  "env" is an array of
 * ngx_keyval_t.
 */
ngx_int_t ngx_http_faas_link_frame(ngx_pool_t *pool, ngx_str_t *token,
    ngx_str_t *name, ngx_array_t *env, ngx_str_t *source, ngx_str_t *frame);


#endif /* _NGX_HTTP_FAAS_LINK_H_INCLUDED_ */
