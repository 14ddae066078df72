
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Owns the filter of system calls of a child, which inherits the worker's
 * group and with it the way to the engine.  The pattern is that of
 * Documentation/userspace-api/seccomp_filter.rst: the architecture first.
 *
 * A child is also of the worker's user, and so could look into it by /proc, or
 * kill it.  Landlock keeps it from the former since Linux 5.19, from both since
 * 6.12.
 */


#include "ngx_http_faas_confine.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>


#if defined(__x86_64__)
#define NGX_HTTP_FAAS_CONFINE_ARCH  AUDIT_ARCH_X86_64
#elif defined(__aarch64__) && !defined(__AARCH64EB__)
#define NGX_HTTP_FAAS_CONFINE_ARCH  AUDIT_ARCH_AARCH64
#endif

#ifndef SECCOMP_RET_KILL_PROCESS
#define SECCOMP_RET_KILL_PROCESS  0x80000000U
#endif

#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd  438
#endif

#ifndef SYS_clone3
#define SYS_clone3  435
#endif

#ifndef SYS_io_uring_setup
#define SYS_io_uring_setup  425
#endif

#define NGX_HTTP_FAAS_CONFINE_CREATE    444     /* landlock_create_ruleset */
#define NGX_HTTP_FAAS_CONFINE_ADD       445     /* landlock_add_rule */
#define NGX_HTTP_FAAS_CONFINE_RESTRICT  446     /* landlock_restrict_self */
#define NGX_HTTP_FAAS_CONFINE_SIGNAL    2       /* LANDLOCK_SCOPE_SIGNAL */
#define NGX_HTTP_FAAS_CONFINE_BENEATH   1       /* LANDLOCK_RULE_PATH_... */
#define NGX_HTTP_FAAS_CONFINE_REFER     0x2000  /* LANDLOCK_ACCESS_FS_REFER */

/* system calls of the x32 ABI have this bit */
#define NGX_HTTP_FAAS_CONFINE_X32  0x40000000U


/* struct landlock_ruleset_attr, which older headers lack a part of */

typedef struct {
    uint64_t                         handled_access_fs;
    uint64_t                         handled_access_net;
    uint64_t                         scoped;
} ngx_http_faas_confine_rules_t;


/* struct landlock_path_beneath_attr */

typedef struct {
    uint64_t                         allowed_access;
    int32_t                          parent_fd;
} __attribute__((packed)) ngx_http_faas_confine_beneath_t;


static ngx_int_t ngx_http_faas_confine_processes(void);
static int ngx_http_faas_confine_older(void);


#ifdef NGX_HTTP_FAAS_CONFINE_ARCH

#define ngx_http_faas_confine_load(field)                                    \
    BPF_STMT(BPF_LD|BPF_W|BPF_ABS,                                           \
             (uint32_t) offsetof(struct seccomp_data, field))

#define ngx_http_faas_confine_fail(err)                                      \
    BPF_STMT(BPF_RET|BPF_K, SECCOMP_RET_ERRNO|(err))

/* to the error that follows the list, "n" instructions further on */
#define ngx_http_faas_confine_deny(nr, n)                                    \
    BPF_JUMP(BPF_JMP|BPF_JEQ|BPF_K, (nr), (n), 0)


static const struct sock_filter  ngx_http_faas_confine_filter[] = {

    ngx_http_faas_confine_load(arch),
    BPF_JUMP(BPF_JMP|BPF_JEQ|BPF_K, NGX_HTTP_FAAS_CONFINE_ARCH, 1, 0),
    BPF_STMT(BPF_RET|BPF_K, SECCOMP_RET_KILL_PROCESS),

    ngx_http_faas_confine_load(nr),

    BPF_JUMP(BPF_JMP|BPF_JGE|BPF_K, NGX_HTTP_FAAS_CONFINE_X32, 5, 0),

    ngx_http_faas_confine_deny(SYS_io_uring_setup, 4),
    ngx_http_faas_confine_deny(SYS_ptrace, 3),
    ngx_http_faas_confine_deny(SYS_process_vm_readv, 2),
    ngx_http_faas_confine_deny(SYS_process_vm_writev, 1),
    BPF_JUMP(BPF_JMP|BPF_JEQ|BPF_K, SYS_pidfd_getfd, 0, 1),
    ngx_http_faas_confine_fail(EPERM),

    /* nobody's limits but its own: RLIMIT_CPU would end a worker */

    BPF_JUMP(BPF_JMP|BPF_JEQ|BPF_K, SYS_prlimit64, 0, 4),

    ngx_http_faas_confine_load(args[0]),
    BPF_JUMP(BPF_JMP|BPF_JEQ|BPF_K, 0, 0, 1),
    BPF_STMT(BPF_RET|BPF_K, SECCOMP_RET_ALLOW),
    ngx_http_faas_confine_fail(EPERM),

    /*
     * No child of the worker's, which nobody would wait for.  The flags of
     * clone3() cannot be seen; without it the C library takes clone().
     */

    BPF_JUMP(BPF_JMP|BPF_JEQ|BPF_K, SYS_clone3, 0, 1),
    ngx_http_faas_confine_fail(ENOSYS),

    BPF_JUMP(BPF_JMP|BPF_JEQ|BPF_K, SYS_clone, 0, 4),

    ngx_http_faas_confine_load(args[0]),
    BPF_JUMP(BPF_JMP|BPF_JSET|BPF_K, CLONE_PARENT, 1, 0),
    BPF_STMT(BPF_RET|BPF_K, SECCOMP_RET_ALLOW),
    ngx_http_faas_confine_fail(EPERM),

    /* the rest is left out where sockets of all kinds are allowed */

    /* a datagram socket reaches others, even if it was made as one of a pair */

    BPF_JUMP(BPF_JMP|BPF_JEQ|BPF_K, SYS_socketpair, 0, 6),

    ngx_http_faas_confine_load(args[1]),
    BPF_STMT(BPF_ALU|BPF_AND|BPF_K, 0xf),       /* SOCK_TYPE_MASK */
    BPF_JUMP(BPF_JMP|BPF_JEQ|BPF_K, SOCK_STREAM, 2, 0),
    BPF_JUMP(BPF_JMP|BPF_JEQ|BPF_K, SOCK_SEQPACKET, 1, 0),
    ngx_http_faas_confine_fail(EAFNOSUPPORT),
    BPF_STMT(BPF_RET|BPF_K, SECCOMP_RET_ALLOW),

    BPF_JUMP(BPF_JMP|BPF_JEQ|BPF_K, SYS_socket, 0, 3),

    /* the kernel takes an int: the low half, on a little-endian machine */

    ngx_http_faas_confine_load(args[0]),
    BPF_JUMP(BPF_JMP|BPF_JEQ|BPF_K, AF_UNIX, 0, 1),
    ngx_http_faas_confine_fail(EAFNOSUPPORT),

    BPF_STMT(BPF_RET|BPF_K, SECCOMP_RET_ALLOW)
};

#define NGX_HTTP_FAAS_CONFINE_SOCKETS  23       /* where that part begins */

#endif


ngx_int_t
ngx_http_faas_confine(ngx_uint_t unix_sockets)
{
#ifdef NGX_HTTP_FAAS_CONFINE_ARCH

    ngx_uint_t          n, i;
    struct sock_fprog   prog;
    struct sock_filter  filter[sizeof(ngx_http_faas_confine_filter)
                               / sizeof(struct sock_filter)];

    if (ngx_http_faas_confine_processes() != NGX_OK) {
        return NGX_ERROR;
    }

    n = 0;

    for (i = 0; i < sizeof(filter) / sizeof(filter[0]); i++) {

        if (unix_sockets && i >= NGX_HTTP_FAAS_CONFINE_SOCKETS
            && i + 1 < sizeof(filter) / sizeof(filter[0]))
        {
            continue;
        }

        filter[n++] = ngx_http_faas_confine_filter[i];
    }

    prog.len = n;
    prog.filter = filter;

    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                   SECCOMP_FILTER_FLAG_SPEC_ALLOW, &prog) == 0
           ? NGX_OK : NGX_ERROR;

#else

    /* the engine's socket may be one, and nobody keeps the child from it */

    if (!unix_sockets) {
        errno = ENOSYS;
        return NGX_ERROR;
    }

    return ngx_http_faas_confine_processes();

#endif
}


/* other processes are those that it has not started */

static ngx_int_t
ngx_http_faas_confine_processes(void)
{
    int                            fd, rc;
    ngx_http_faas_confine_rules_t  rules;

    ngx_memzero(&rules, sizeof(ngx_http_faas_confine_rules_t));

    rules.scoped = NGX_HTTP_FAAS_CONFINE_SIGNAL;

    fd = syscall(NGX_HTTP_FAAS_CONFINE_CREATE, &rules, sizeof(rules), 0);

    if (fd == -1) {
        fd = ngx_http_faas_confine_older();

        if (fd == -1) {
            return NGX_OK;              /* still older, or without it */
        }
    }

    rc = syscall(NGX_HTTP_FAAS_CONFINE_RESTRICT, fd, 0);

    (void) close(fd);

    return (rc == 0) ? NGX_OK : NGX_ERROR;
}


/*
 * Whoever has any rules cannot look into those who have not.  These are of
 * renaming across directories, and allow it.
 */

static int
ngx_http_faas_confine_older(void)
{
    int                              fd, rc;
    uint64_t                         handled;
    ngx_http_faas_confine_beneath_t  beneath;

    handled = NGX_HTTP_FAAS_CONFINE_REFER;

    fd = syscall(NGX_HTTP_FAAS_CONFINE_CREATE, &handled, sizeof(handled), 0);

    if (fd == -1) {
        return -1;
    }

    beneath.allowed_access = NGX_HTTP_FAAS_CONFINE_REFER;
    beneath.parent_fd = open("/", O_PATH|O_CLOEXEC);

    if (beneath.parent_fd == -1) {
        (void) close(fd);
        return -1;
    }

    rc = syscall(NGX_HTTP_FAAS_CONFINE_ADD, fd, NGX_HTTP_FAAS_CONFINE_BENEATH,
                 &beneath, 0);

    (void) close(beneath.parent_fd);

    if (rc == -1) {
        (void) close(fd);
        return -1;
    }

    return fd;
}
