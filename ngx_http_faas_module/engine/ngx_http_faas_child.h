
/*
 * Copyright (C) the ngx_http_faas_module authors
 */


#ifndef _NGX_HTTP_FAAS_CHILD_H_INCLUDED_
#define _NGX_HTTP_FAAS_CHILD_H_INCLUDED_


#include "ngx_http_faas.h"

#include <sys/resource.h>


#define NGX_HTTP_FAAS_CHILD_GRACE  1000         /* ms, SIGTERM to SIGKILL */


typedef struct {
    int                              resource;
    rlim_t                           value;
} ngx_http_faas_child_limit_t;


/* what is to be run; all of it NUL-terminated, and read during spawn only */

typedef struct {
    char                            *program;   /* absolute */
    char                           **argv;
    char                           **env;
    char                            *dir;
    ngx_http_faas_child_limit_t     *limits;
    ngx_uint_t                       nlimits;
    ngx_uint_t                       unix_sockets;  /* 1: allowed */
} ngx_http_faas_child_task_t;


typedef struct ngx_http_faas_child_s  ngx_http_faas_child_t;

typedef void (*ngx_http_faas_child_handler_pt)(ngx_http_faas_child_t *child);


/*
 * A process, from its start until it has been waited for; it frees itself
 * then.  The three pipes are the caller's, who closes them.
 */

struct ngx_http_faas_child_s {
    ngx_queue_t                      queue;
    ngx_pid_t                        pid;
    int                              status;    /* as of wait(2) */
    ngx_connection_t                *in;
    ngx_connection_t                *out;
    ngx_connection_t                *err;
    ngx_connection_t                *watch;     /* its pidfd */
    ngx_event_t                      grace;
    ngx_connection_t                 dummy;     /* of the timer */

    /* it has ended; NULL: nobody cares */
    ngx_http_faas_child_handler_pt   handler;
    void                            *data;

    /* always called, last, and once */
    void                           (*release)(void *data);
    void                            *held;
};


/* those of this process */

typedef struct {
    ngx_queue_t                      queue;
    sigset_t                         ignored;   /* signals, by the process */
} ngx_http_faas_children_t;


/* in a worker: from now on this process knows how its children end */
ngx_int_t ngx_http_faas_child_init_process(
    ngx_http_faas_children_t *children, ngx_log_t *log);

/* kills whatever is left */
void ngx_http_faas_child_exit_process(ngx_http_faas_children_t *children);

/*
 * Starts a process in a session of its own, with three non-blocking pipes.
 * NULL: *err is the error, and *denied is set when it is the program's or its
 * directory's.  The handlers and "release" are the caller's to set.
 */
ngx_http_faas_child_t *ngx_http_faas_child_spawn(
    ngx_http_faas_children_t *children, ngx_http_faas_child_task_t *task,
    ngx_log_t *log, ngx_err_t *err, ngx_uint_t *denied);

/* SIGTERM to its group, and SIGKILL when it is still there after a second */
void ngx_http_faas_child_stop(ngx_http_faas_child_t *child);

/* the number of bytes; 0: the end; NGX_AGAIN; NGX_ERROR, logged */
ssize_t ngx_http_faas_child_read(ngx_connection_t *c, u_char *buf,
    size_t size);

/*
 * Writes what is left of a buffer, from memory or a file, and moves its
 * start.  NGX_OK: all of it; NGX_AGAIN; NGX_DECLINED: nobody reads any more;
 * NGX_ERROR, logged.
 */
ngx_int_t ngx_http_faas_child_write(ngx_connection_t *c, ngx_buf_t *b);

/* closes a pipe, if it is open */
void ngx_http_faas_child_shut(ngx_connection_t **c);


#endif /* _NGX_HTTP_FAAS_CHILD_H_INCLUDED_ */
