
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * What the units that see requests share: configuration and context.
 */


#ifndef _NGX_HTTP_FAAS_HTTP_H_INCLUDED_
#define _NGX_HTTP_FAAS_HTTP_H_INCLUDED_


#include "ngx_http_faas_admission.h"
#include "ngx_http_faas_child.h"
#include "ngx_http_faas_name.h"
#include "ngx_http_faas_reply.h"


typedef struct ngx_http_faas_envelope_s  ngx_http_faas_envelope_t;
typedef struct ngx_http_faas_guard_s     ngx_http_faas_guard_t;
typedef struct ngx_http_faas_command_s   ngx_http_faas_command_t;


/* what a worker has ahead; so many bytes come at once or not: getrandom(2) */

typedef struct {
    u_char                           bytes[256];
    size_t                           left;
} ngx_http_faas_random_t;


typedef struct {
    ngx_http_faas_pool_t             pool;
    ngx_str_t                        root;      /* as configured */
    ngx_int_t                        starts;    /* "docker_concurrency" */
    ngx_uint_t                       exits;     /* 1: "remove" */
    ngx_uint_t                       on_error;  /* 1: "keep" */
    ngx_http_faas_children_t         children;
    ngx_http_faas_random_t           random;    /* for ids of invocations */
    unsigned                         limits:1;  /* "faas_limits" is there */
    unsigned                         commands:1;    /* "faas_command" is */
} ngx_http_faas_main_conf_t;


typedef struct {
    ngx_array_t                     *commands;  /* command_t *, or NULL */
    unsigned                         balancer:1;    /* an upstream's, "faas" */
} ngx_http_faas_srv_conf_t;


typedef struct {
    ngx_http_complex_value_t        *function;  /* "faas" */
    ngx_str_t                        api;       /* "faas_api": raw prefix */
    size_t                           buffer_size;
    ngx_msec_t                       timeout;   /* of a raw call, or 0 */
    ngx_uint_t                       abort;     /* client_abort, below */
    ngx_flag_t                       buffering; /* of a command's request */
    unsigned                         adapted:1; /* the proxying, to functions */
} ngx_http_faas_loc_conf_t;


/* what becomes of a call whose client goes away */

#define NGX_HTTP_FAAS_ABORT_CANCEL  0
#define NGX_HTTP_FAAS_ABORT_FINISH  1
#define NGX_HTTP_FAAS_ABORT_KILL    2


/* of a main request; survives internal redirects, see the request unit */

typedef struct {
    ngx_http_faas_admission_t        adm;
    ngx_http_request_t              *request;
    ngx_http_faas_envelope_t        *envelope;  /* NULL: raw */
    void                            *balancer;  /* while proxied */
    ngx_http_faas_guard_t           *guard;
    ngx_http_faas_command_t         *command;   /* NULL: an instance */
    void                            *run;       /* of a command */
    ngx_event_t                      deadline;
    ngx_msec_t                       timeout;   /* as asked for, or 0 */
    ngx_msec_t                       expires;   /* 0: never */
    ngx_str_t                        code;      /* of the error, if known */
    ngx_str_t                        message;
    ngx_str_t                        error;     /* body in place of nginx's */
    unsigned                         entered:1; /* the name is known */
    unsigned                         late:1;    /* the upstream will wait */
    unsigned                         served:1;  /* an instance was reached */
    unsigned                         failed:1;  /* and gave no answer */
    unsigned                         timedout:1;
    unsigned                         timed:1;   /* "expires" is known */
    unsigned                         replaced:1;
    unsigned                         consumed:1;    /* the body, or a part */
} ngx_http_faas_ctx_t;


extern ngx_module_t  ngx_http_faas_module;
extern ngx_module_t  ngx_http_proxy_module;     /* nginx's */


#define ngx_http_faas_get_pool(r)                                            \
    (&((ngx_http_faas_main_conf_t *)                                         \
       ngx_http_get_module_main_conf(r, ngx_http_faas_module))->pool)

#define ngx_http_faas_get_loc_conf(r)                                        \
    ((ngx_http_faas_loc_conf_t *)                                            \
     ngx_http_get_module_loc_conf(r, ngx_http_faas_module))


#endif /* _NGX_HTTP_FAAS_HTTP_H_INCLUDED_ */
