/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * A network that takes and gives a byte at a time: preloaded, it cuts what a
 * process reads from sockets and writes to them.  Past the first bytes of a
 * connection nothing new would be seen, and large bodies would last for ever.
 */


#define _GNU_SOURCE

#include <dlfcn.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>


#define BYTES_FDS    1024
#define BYTES_CALLS  4096               /* of a connection, each way */


static atomic_uint  bytes_read[BYTES_FDS], bytes_written[BYTES_FDS];


static size_t
bytes_of(int fd, atomic_uint *calls, size_t n)
{
    struct stat  st;

    if (n < 2 || fd < 0 || fd >= BYTES_FDS) {
        return n;
    }

    if (atomic_fetch_add(&calls[fd], 1) >= BYTES_CALLS) {
        return n;
    }

    return (fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode)) ? 1 : n;
}


/* the first byte that there is, of whatever piece */

static struct iovec
bytes_first(const struct iovec *iov, int n)
{
    struct iovec  one;

    while (n > 1 && iov->iov_len == 0) {
        iov++;
        n--;
    }

    one = *iov;
    one.iov_len = one.iov_len ? 1 : 0;

    return one;
}


ssize_t
recv(int fd, void *buf, size_t n, int flags)
{
    static ssize_t  (*real)(int, void *, size_t, int);

    if (real == NULL) {
        real = dlsym(RTLD_NEXT, "recv");
    }

    return real(fd, buf, (flags & MSG_PEEK) ? n : bytes_of(fd, bytes_read, n),
                flags);
}


ssize_t
send(int fd, const void *buf, size_t n, int flags)
{
    static ssize_t  (*real)(int, const void *, size_t, int);

    if (real == NULL) {
        real = dlsym(RTLD_NEXT, "send");
    }

    /* nginx sends that at once, or gives up: ngx_http_test_expect() */

    if (n > 13 && memcmp(buf, "HTTP/1.1 100 ", 13) == 0) {
        return real(fd, buf, n, flags);
    }

    return real(fd, buf, bytes_of(fd, bytes_written, n), flags);
}


ssize_t
readv(int fd, const struct iovec *iov, int n)
{
    struct iovec    one;
    static ssize_t  (*real)(int, const struct iovec *, int);

    if (real == NULL) {
        real = dlsym(RTLD_NEXT, "readv");
    }

    if (n > 0 && bytes_of(fd, bytes_read, 2) == 1) {
        one = bytes_first(iov, n);
        return real(fd, &one, 1);
    }

    return real(fd, iov, n);
}


ssize_t
writev(int fd, const struct iovec *iov, int n)
{
    struct iovec    one;
    static ssize_t  (*real)(int, const struct iovec *, int);

    if (real == NULL) {
        real = dlsym(RTLD_NEXT, "writev");
    }

    if (n > 0 && bytes_of(fd, bytes_written, 2) == 1) {
        one = bytes_first(iov, n);
        return real(fd, &one, 1);
    }

    return real(fd, iov, n);
}


int
close(int fd)
{
    static int  (*real)(int);

    if (real == NULL) {
        real = dlsym(RTLD_NEXT, "close");
    }

    if (fd >= 0 && fd < BYTES_FDS) {
        atomic_store(&bytes_read[fd], 0);
        atomic_store(&bytes_written[fd], 0);
    }

    return real(fd);
}
