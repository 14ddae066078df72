
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * What runs functions: the zone, the engine and the runtimes of a cycle.
 */


#ifndef _NGX_HTTP_FAAS_POOL_H_INCLUDED_
#define _NGX_HTTP_FAAS_POOL_H_INCLUDED_


#include "ngx_http_faas_lease.h"
#include "ngx_http_faas_call.h"


#define NGX_HTTP_FAAS_POOL_PEER                                               \
    (NGX_INET_ADDRSTRLEN + sizeof(":65535") - 1)


/* what a runtime's functions run in, as "faas_runtime" set it */

typedef struct {
    ngx_str_t                        name;      /* "python" or "deno" */
    ngx_str_t                        ext;       /* ".py" */
    ngx_str_t                        image;
    ngx_str_t                        seccomp;   /* a profile, in JSON; empty:
                                                   the engine's own */
    ngx_http_faas_scale_t            scale;
    ngx_uint_t                       prewarm;
    off_t                            memory;    /* bytes */
    off_t                            tmpfs;     /* bytes */
    int64_t                          nano_cpus;
    ngx_int_t                        pids;
    ngx_msec_t                       start;     /* to listen, from the frame */
    ngx_uint_t                       loader;    /* which one */
    uint32_t                         kind;      /* of all that a container
                                                   cannot change any more */
    ngx_msec_t                       patience;  /* no spare before this */
    ngx_uint_t                       failures;  /* of spares, in a row */
} ngx_http_faas_runtime_t;


/* who else hears the bell of this process, at every ring and tick */

typedef struct {
    ngx_queue_t                      queue;     /* fp->listeners, for good */
    void                           (*handler)(void *data);
    void                            *data;
} ngx_http_faas_listener_t;


/* one a cycle; the queues and timers belong to each process */

typedef struct {
    ngx_http_faas_zone_t             zone;
    ngx_http_faas_engine_t           engine;
    ngx_array_t                     *runtimes;  /* of runtime_t */
    ngx_http_faas_runtime_t          limits;    /* to what functions ask */
    uint32_t                         policy;    /* of these two */
    ngx_str_t                        root;      /* ends with a slash */
    ngx_str_t                        prefix;    /* of this nginx */

    ngx_queue_t                      starts;    /* under way here */
    ngx_queue_t                      titles;
    ngx_queue_t                      removals;
    ngx_queue_t                      listeners;
    ngx_uint_t                       removing;  /* how many of these */
    ngx_uint_t                       reports;   /* that only look */
    ngx_connection_t                *bell;
    ngx_connection_t                *knock;     /* listens, or NULL */
    ngx_event_t                      keeper;
    ngx_connection_t                 dummy;     /* of the keeper's event */
    ngx_uint_t                       cursor;    /* of the keeper's round */
    ngx_http_faas_call_t            *events;    /* the stream, or NULL */
    void                            *sweeping;  /* a reconciliation, or NULL */
    ngx_msec_t                       sweep;     /* no list before this */
    ngx_msec_t                       round;     /* the list was due */
    unsigned                         scanned:1; /* for min_instances */
    unsigned                         exits:1;   /* faas_exit remove */
} ngx_http_faas_pool_t;


/*
 * Sends a call to the engine: as a subrequest of "r", or in the background
 * when that is NULL.  See the two transports for what the handler may do.
 */
ngx_int_t ngx_http_faas_pool_call(ngx_http_faas_pool_t *fp,
    ngx_http_request_t *r, ngx_http_faas_call_t *call);

/* takes over the engine's newest API version, from the answer to a ping */
ngx_int_t ngx_http_faas_pool_negotiate(ngx_http_faas_pool_t *fp,
    ngx_str_t *max);

/* the API version to speak, as negotiated with the engine */
void ngx_http_faas_pool_api(ngx_http_faas_pool_t *fp, ngx_str_t *version);

/*
 * Whether the engine did not answer a moment ago; what can wait does.  The
 * other two tell how a call of the keeper's ended, and write it in the log
 * once.
 */
ngx_uint_t ngx_http_faas_pool_away(ngx_http_faas_pool_t *fp);
void ngx_http_faas_pool_lost(ngx_http_faas_pool_t *fp);
void ngx_http_faas_pool_back(ngx_http_faas_pool_t *fp);

/*
 * Whether the engine has let the time of a start's call pass a moment ago: it
 * hangs, and who comes next would only wait as long.  The other one tells how
 * such a call ended.  An engine that is not there refuses at once, and is none
 * of these.
 */
ngx_uint_t ngx_http_faas_pool_stalled(ngx_http_faas_pool_t *fp);
void ngx_http_faas_pool_stall(ngx_http_faas_pool_t *fp, ngx_uint_t stalled);

/* an array of one ngx_str_t, the label that all containers of a zone have */
ngx_array_t *ngx_http_faas_pool_label(ngx_http_faas_pool_t *fp,
    ngx_pool_t *pool);

/* has the keeper's tick run with the next turn of the event loop */
void ngx_http_faas_pool_wake(ngx_http_faas_pool_t *fp);

/* the address of a slot, in host byte order */
in_addr_t ngx_http_faas_pool_address(ngx_http_faas_pool_t *fp,
    ngx_uint_t slot);

/*
 * Writes "ADDRESS:PORT" of an instance, as ngx_sock_ntop() would, and gives
 * its length: NGX_HTTP_FAAS_POOL_PEER at the most, without a NUL.  The address
 * is in host byte order.
 */
size_t ngx_http_faas_pool_peer(in_addr_t address, u_char *text);

/*
 * Finds the file of a function: NAME with a runtime's extension, in the
 * order of configuration, or NAME itself when it has one.  The path is made
 * in the pool.  NGX_OK, NGX_DECLINED when there is none, or NGX_ERROR.
 */
ngx_int_t ngx_http_faas_pool_find(ngx_http_faas_pool_t *fp,
    ngx_pool_t *pool, ngx_log_t *log, ngx_str_t *name, ngx_str_t *path,
    ngx_http_faas_runtime_t **runtime, ngx_http_faas_identity_t *identity);

/* the path of NAME for that runtime, NUL-terminated; no look at the disk */
ngx_int_t ngx_http_faas_pool_path(ngx_http_faas_pool_t *fp,
    ngx_pool_t *pool, ngx_str_t *name, ngx_http_faas_runtime_t *runtime,
    ngx_str_t *path);

/* whether a name ends with the extension of a runtime, and has more */
ngx_uint_t ngx_http_faas_pool_has_ext(ngx_str_t *name,
    ngx_http_faas_runtime_t *runtime);

/* whether a file of that time may change without its time changing */
ngx_uint_t ngx_http_faas_pool_racy(ngx_http_faas_identity_t *identity);


#endif /* _NGX_HTTP_FAAS_POOL_H_INCLUDED_ */
