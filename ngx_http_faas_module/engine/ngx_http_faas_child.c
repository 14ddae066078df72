
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Owns child processes.  The start is that of vfork(): the child borrows the
 * memory, on a stack of its own, until it is another program, so that nothing
 * is copied however large the worker is.  Between there are system calls only.
 *
 * nginx waits for every child in its handler of SIGCHLD and forgets the status.
 * A worker has no use for that signal, so it is blocked, and the pidfd tells.
 */


#include "ngx_http_faas_child.h"
#include "ngx_http_faas_confine.h"

#include <sched.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/wait.h>


#define NGX_HTTP_FAAS_CHILD_STACK  (32 * 1024)

#ifndef CLONE_PIDFD
#define CLONE_PIDFD  0x00001000
#endif

/* glibc has it since 2.36 */
#define NGX_HTTP_FAAS_CHILD_P_PIDFD  3


/* what the two processes share while the child is on its way */

typedef struct {
    ngx_http_faas_child_task_t      *task;
    sigset_t                        *ignored;
    sigset_t                         mask;
    int                              fds[3];
    ngx_pid_t                        parent;
    ngx_err_t                        err;
    ngx_uint_t                       denied;
} ngx_http_faas_child_start_t;


static ngx_int_t ngx_http_faas_child_pipes(ngx_http_faas_child_t *child,
    int *theirs, ngx_log_t *log);
static ngx_connection_t *ngx_http_faas_child_connection(int fd,
    ngx_log_t *log);
static ngx_int_t ngx_http_faas_child_clone(ngx_http_faas_child_t *child,
    ngx_http_faas_child_start_t *start, int *pidfd);
static int ngx_http_faas_child_main(void *data);
static ngx_int_t ngx_http_faas_child_setup(
    ngx_http_faas_child_start_t *start);
static void ngx_http_faas_child_watch_handler(ngx_event_t *ev);
static void ngx_http_faas_child_grace_handler(ngx_event_t *ev);
static void ngx_http_faas_child_empty_handler(ngx_event_t *ev);
static ngx_int_t ngx_http_faas_child_wait(ngx_http_faas_child_t *child,
    int options);
static void ngx_http_faas_child_free(ngx_http_faas_child_t *child);


ngx_int_t
ngx_http_faas_child_init_process(ngx_http_faas_children_t *children,
    ngx_log_t *log)
{
    int               i;
    sigset_t          set;
    struct sigaction  sa;

    ngx_queue_init(&children->queue);

    /* 64 system calls, that each child would have to make */

    sigemptyset(&children->ignored);

    for (i = 1; i < NSIG; i++) {
        if (sigaction(i, NULL, &sa) == 0 && sa.sa_handler == SIG_IGN) {
            sigaddset(&children->ignored, i);
        }
    }

    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);

    if (sigprocmask(SIG_BLOCK, &set, NULL) == -1) {
        ngx_log_error(NGX_LOG_ALERT, log, ngx_errno,
                      "faas: sigprocmask() failed");
        return NGX_ERROR;
    }

    return NGX_OK;
}


void
ngx_http_faas_child_exit_process(ngx_http_faas_children_t *children)
{
    ngx_queue_t            *q;
    ngx_http_faas_child_t  *child;

    while (!ngx_queue_empty(&children->queue)) {
        q = ngx_queue_head(&children->queue);
        child = ngx_queue_data(q, ngx_http_faas_child_t, queue);

        (void) kill(-child->pid, SIGKILL);

        child->handler = NULL;
        ngx_http_faas_child_free(child);
    }
}


ngx_http_faas_child_t *
ngx_http_faas_child_spawn(ngx_http_faas_children_t *children,
    ngx_http_faas_child_task_t *task, ngx_log_t *log, ngx_err_t *err,
    ngx_uint_t *denied)
{
    int                           pidfd;
    ngx_int_t                     rc;
    ngx_uint_t                    i;
    ngx_http_faas_child_t        *child;
    ngx_http_faas_child_start_t   start;

    *err = NGX_ENOMEM;
    *denied = 0;

    child = ngx_calloc(sizeof(ngx_http_faas_child_t), log);
    if (child == NULL) {
        return NULL;
    }

    ngx_memzero(&start, sizeof(ngx_http_faas_child_start_t));

    start.task = task;
    start.ignored = &children->ignored;
    start.parent = ngx_pid;
    pidfd = -1;

    rc = ngx_http_faas_child_pipes(child, start.fds, log);

    if (rc == NGX_OK) {
        rc = ngx_http_faas_child_clone(child, &start, &pidfd);
    }

    *err = start.err ? start.err : ngx_errno;
    *denied = start.denied;

    for (i = 0; i < 3; i++) {
        if (start.fds[i] != -1) {
            (void) close(start.fds[i]);
        }
    }

    if (rc != NGX_OK) {
        goto failed;
    }

    child->watch = ngx_http_faas_child_connection(pidfd, ngx_cycle->log);

    if (child->watch) {
        child->watch->data = child;
        child->watch->read->handler = ngx_http_faas_child_watch_handler;

        if (ngx_handle_read_event(child->watch->read, 0) != NGX_OK) {
            ngx_http_faas_child_shut(&child->watch);
        }
    }

    if (child->watch == NULL) {
        (void) kill(-child->pid, SIGKILL);
        (void) ngx_http_faas_child_wait(child, 0);
        *err = NGX_ENOMEM;
        goto failed;
    }

    child->dummy.fd = (ngx_socket_t) -1;
    child->grace.handler = ngx_http_faas_child_grace_handler;
    child->grace.data = &child->dummy;
    child->grace.log = ngx_cycle->log;

    ngx_queue_insert_tail(&children->queue, &child->queue);

    return child;

failed:

    ngx_http_faas_child_shut(&child->in);
    ngx_http_faas_child_shut(&child->out);
    ngx_http_faas_child_shut(&child->err);

    ngx_free(child);

    return NULL;
}


/* "theirs" are the child's ends, or -1 */

static ngx_int_t
ngx_http_faas_child_pipes(ngx_http_faas_child_t *child, int *theirs,
    ngx_log_t *log)
{
    int                 fds[2], ours;
    ngx_uint_t          i;
    ngx_connection_t  **c[3];

    c[0] = &child->in;
    c[1] = &child->out;
    c[2] = &child->err;

    theirs[0] = theirs[1] = theirs[2] = -1;

    for (i = 0; i < 3; i++) {

        if (pipe2(fds, O_CLOEXEC) == -1) {
            ngx_log_error(NGX_LOG_CRIT, log, ngx_errno,
                          "faas: pipe2() failed");
            return NGX_ERROR;
        }

        theirs[i] = fds[i == 0 ? 0 : 1];
        ours = fds[i == 0 ? 1 : 0];

        if (ngx_nonblocking(ours) == -1) {
            ngx_log_error(NGX_LOG_ALERT, log, ngx_errno,
                          ngx_nonblocking_n " failed");
            (void) close(ours);
            return NGX_ERROR;
        }

        *c[i] = ngx_http_faas_child_connection(ours, log);

        if (*c[i] == NULL) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* closes what it cannot have */

static ngx_connection_t *
ngx_http_faas_child_connection(int fd, ngx_log_t *log)
{
    ngx_connection_t  *c;

    c = ngx_get_connection(fd, log);

    if (c == NULL) {
        (void) close(fd);
        return NULL;
    }

    c->read->log = log;
    c->write->log = log;
    c->read->handler = ngx_http_faas_child_empty_handler;
    c->write->handler = ngx_http_faas_child_empty_handler;

    return c;
}


static ngx_int_t
ngx_http_faas_child_clone(ngx_http_faas_child_t *child,
    ngx_http_faas_child_start_t *start, int *pidfd)
{
    int       pid;
    u_char    stack[NGX_HTTP_FAAS_CHILD_STACK] __attribute__((aligned(64)));
    sigset_t  all;

    /* no handler of nginx may run in the child */

    sigfillset(&all);

    if (sigprocmask(SIG_BLOCK, &all, &start->mask) == -1) {
        start->err = ngx_errno;
        return NGX_ERROR;
    }

    pid = clone(ngx_http_faas_child_main, stack + sizeof(stack),
                CLONE_VM|CLONE_VFORK|CLONE_PIDFD|SIGCHLD, start, pidfd);

    if (pid == -1) {
        start->err = ngx_errno;
    }

    (void) sigprocmask(SIG_SETMASK, &start->mask, NULL);

    if (pid == -1) {
        return NGX_ERROR;
    }

    child->pid = pid;

    if (start->err == 0) {
        return NGX_OK;
    }

    (void) ngx_http_faas_child_wait(child, 0);
    (void) close(*pidfd);

    return NGX_ERROR;
}


/* in the child, in the memory of the parent, which waits */

static int
ngx_http_faas_child_main(void *data)
{
    ngx_http_faas_child_start_t  *start = data;

    ngx_http_faas_child_task_t  *task;

    task = start->task;

    if (ngx_http_faas_child_setup(start) == NGX_OK) {

        start->denied = 1;

        if (chdir(task->dir) == 0) {
            (void) execve(task->program, task->argv, task->env);
        }
    }

    start->err = errno;

    _exit(127);
}


static ngx_int_t
ngx_http_faas_child_setup(ngx_http_faas_child_start_t *start)
{
    int                           i;
    sigset_t                      none;
    cpu_set_t                     cpus;
    struct rlimit                 rlmt;
    struct sigaction              sa;
    ngx_http_faas_child_task_t   *task;

    task = start->task;

    if (setsid() == -1) {
        return NGX_ERROR;
    }

    /* a handler does not outlive execve(), what is ignored does */

    ngx_memzero(&sa, sizeof(struct sigaction));
    sa.sa_handler = SIG_DFL;

    for (i = 1; i < NSIG; i++) {
        if (sigismember(start->ignored, i) == 1) {
            (void) sigaction(i, &sa, NULL);
        }
    }

    for (i = 0; i < 3; i++) {

        if (start->fds[i] < 3) {
            errno = EBADF;              /* an nginx without these three */
            return NGX_ERROR;
        }

        if (dup2(start->fds[i], i) == -1) {
            return NGX_ERROR;
        }
    }

    if (syscall(SYS_close_range, 3, ~0U, 0) == -1) {
        return NGX_ERROR;
    }

    (void) umask(022);

    memset(&cpus, 0xff, sizeof(cpu_set_t));
    (void) sched_setaffinity(0, sizeof(cpu_set_t), &cpus);

    for (i = 0; i < (int) task->nlimits; i++) {
        rlmt.rlim_cur = task->limits[i].value;
        rlmt.rlim_max = task->limits[i].value;

        if (setrlimit(task->limits[i].resource, &rlmt) == -1) {
            return NGX_ERROR;
        }
    }

    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == -1
        || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
    {
        return NGX_ERROR;
    }

    if (getppid() != start->parent) {
        errno = ESRCH;
        return NGX_ERROR;
    }

    if (ngx_http_faas_confine(task->unix_sockets) != NGX_OK) {
        return NGX_ERROR;
    }

    sigemptyset(&none);

    return sigprocmask(SIG_SETMASK, &none, NULL) == 0 ? NGX_OK : NGX_ERROR;
}


static void
ngx_http_faas_child_watch_handler(ngx_event_t *ev)
{
    ngx_connection_t       *c;
    ngx_http_faas_child_t  *child;

    c = ev->data;
    child = c->data;

    if (c->close) {

        /* worker_shutdown_timeout */

        (void) kill(-child->pid, SIGKILL);
        child->status = SIGKILL;
        ngx_http_faas_child_free(child);
        return;
    }

    /*
     * What it has started ends with it.  Until it is waited for, the number
     * is nobody else's.
     */

    (void) kill(-child->pid, SIGKILL);

    if (ngx_http_faas_child_wait(child, WNOHANG) == NGX_AGAIN) {
        return;
    }

    ngx_http_faas_child_free(child);
}


static ngx_int_t
ngx_http_faas_child_wait(ngx_http_faas_child_t *child, int options)
{
    int  rc;

    do {
        rc = waitpid(child->pid, &child->status, options|__WALL);
    } while (rc == -1 && ngx_errno == NGX_EINTR);

    if (rc == 0) {
        return NGX_AGAIN;
    }

    if (rc == -1) {

        /* some other module waits for all children */

        ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, ngx_errno,
                      "faas: waitpid(%P) failed", child->pid);
        child->status = SIGKILL;
    }

    return NGX_OK;
}


static void
ngx_http_faas_child_free(ngx_http_faas_child_t *child)
{
    void                            *held;
    void                           (*release)(void *data);
    ngx_http_faas_child_handler_pt   handler;

    if (child->grace.timer_set) {
        ngx_del_timer(&child->grace);
    }

    ngx_queue_remove(&child->queue);
    ngx_http_faas_child_shut(&child->watch);

    handler = child->handler;
    release = child->release;
    held = child->held;

    if (handler) {
        handler(child);
    }

    ngx_free(child);

    if (release) {
        release(held);
    }
}


void
ngx_http_faas_child_stop(ngx_http_faas_child_t *child)
{
    if (child->grace.timer_set) {
        return;
    }

    (void) kill(-child->pid, SIGTERM);
    (void) kill(-child->pid, SIGCONT);

    ngx_add_timer(&child->grace, NGX_HTTP_FAAS_CHILD_GRACE);
}


static void
ngx_http_faas_child_grace_handler(ngx_event_t *ev)
{
    ngx_http_faas_child_t  *child;

    child = ngx_queue_data(ev, ngx_http_faas_child_t, grace);

    (void) kill(-child->pid, SIGKILL);

    /* a worker that exits gracefully waits for whoever has a timer */

    ngx_add_timer(ev, NGX_HTTP_FAAS_CHILD_GRACE);
}


static void
ngx_http_faas_child_empty_handler(ngx_event_t *ev)
{
}


ssize_t
ngx_http_faas_child_read(ngx_connection_t *c, u_char *buf, size_t size)
{
    ssize_t    n;
    ngx_err_t  err;

    do {
        n = read(c->fd, buf, size);
        err = (n == -1) ? ngx_errno : 0;
    } while (err == NGX_EINTR);

    if (n >= 0) {
        return n;
    }

    c->read->ready = 0;

    if (err == NGX_EAGAIN) {
        return NGX_AGAIN;
    }

    ngx_log_error(NGX_LOG_ALERT, c->log, err, "faas: read() of pipe failed");

    return NGX_ERROR;
}


ngx_int_t
ngx_http_faas_child_write(ngx_connection_t *c, ngx_buf_t *b)
{
    off_t      offset;
    ssize_t    n;
    ngx_err_t  err;

    while (ngx_buf_size(b) > 0) {

        if (ngx_buf_in_memory(b)) {
            n = write(c->fd, b->pos, b->last - b->pos);

        } else {
            offset = b->file_pos;
            n = sendfile(c->fd, b->file->fd, &offset,
                         (size_t) ngx_min(b->file_last - b->file_pos,
                                          1024 * 1024));
        }

        err = (n == -1) ? ngx_errno : 0;

        if (n > 0) {

            if (ngx_buf_in_memory(b)) {
                b->pos += n;
            }

            if (b->in_file) {
                b->file_pos += n;
            }

            continue;
        }

        if (n == 0) {
            ngx_log_error(NGX_LOG_ALERT, c->log, 0,
                          "faas: \"%V\" was truncated", &b->file->name);
            return NGX_ERROR;
        }

        if (err == NGX_EINTR) {
            continue;
        }

        c->write->ready = 0;

        if (err == NGX_EAGAIN) {
            return NGX_AGAIN;
        }

        if (err == NGX_EPIPE) {
            return NGX_DECLINED;
        }

        ngx_log_error(NGX_LOG_ALERT, c->log, err,
                      "faas: write() to pipe failed");
        return NGX_ERROR;
    }

    return NGX_OK;
}


void
ngx_http_faas_child_shut(ngx_connection_t **c)
{
    if (*c) {
        ngx_close_connection(*c);
        *c = NULL;
    }
}
