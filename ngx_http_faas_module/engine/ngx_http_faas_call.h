
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * One call to the engine, as both transports take it: a subrequest of a
 * request that waits for it anyway, or libcurl where there is none.
 */


#ifndef _NGX_HTTP_FAAS_CALL_H_INCLUDED_
#define _NGX_HTTP_FAAS_CALL_H_INCLUDED_


#include "ngx_http_faas_docker.h"

#include <curl/curl.h>


#define NGX_HTTP_FAAS_CALL_LIMIT  (4 * 1024 * 1024)   /* bytes of a reply */


typedef struct ngx_http_faas_call_s  ngx_http_faas_call_t;

typedef void (*ngx_http_faas_call_handler_pt)(ngx_http_faas_call_t *call);
typedef void (*ngx_http_faas_call_stream_pt)(ngx_http_faas_call_t *call,
    u_char *p, size_t n);


/* where the engine listens: one a cycle, the transports hang off it */

typedef struct {
    ngx_str_t                        path;      /* of the socket, with NUL */
    ngx_str_t                        url;       /* "unix:PATH" */
    struct sockaddr                 *sockaddr;
    socklen_t                        socklen;

    CURLM                           *multi;     /* of this process */
    ngx_event_t                      timer;
    ngx_queue_t                      calls;     /* on their way */
    ngx_msec_t                       until;     /* of the master's */
    ngx_uint_t                       starved;   /* some lack a connection */
} ngx_http_faas_engine_t;


struct ngx_http_faas_call_s {
    ngx_pool_t                      *pool;      /* the caller's, outlives it */
    ngx_log_t                       *log;
    ngx_http_faas_docker_request_t   request;
    ngx_msec_t                       timeout;   /* 0: none */

    /* gets the body as it comes, of libcurl's calls only; else it is kept */
    ngx_http_faas_call_stream_pt     stream;

    /* runs once, when the reply is whole or will never be */
    ngx_http_faas_call_handler_pt    handler;
    void                            *data;

    /* the reply; status 0: there was none */
    ngx_uint_t                       status;
    ngx_str_t                        body;
    ngx_str_t                        api;       /* the Api-Version header */

    /* the request that carried it went away, the engine may still do it */
    unsigned                         interrupted:1;

    /* nobody keeps it: at exit its pool is freed in place of the handler */
    unsigned                         detached:1;

    unsigned                         quiet:1;   /* failure is no news */
    unsigned                         refused:1; /* nobody listens there */
    unsigned                         timedout:1;    /* "timeout" passed */

    void                            *transport; /* while under way */
};


#endif /* _NGX_HTTP_FAAS_CALL_H_INCLUDED_ */
