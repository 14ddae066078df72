
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Calls at once: connects so many times to 127.0.0.1, and when the server has
 * accepted all of them, sends a GET on each and reads the answers to their end.
 *
 *     burst PORT PATH CALLS
 *
 * It prints the microseconds from the first request to the last answer, and
 * fails unless each answer is a 200 with the body "ok".
 */


#define _GNU_SOURCE

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>


#define TIMEOUT  60        /* seconds, for all */
#define SETTLE   100000    /* microseconds, until all are accepted */


typedef struct {
    size_t  len;
    char    data[2048];    /* an answer is shorter */
} answer_t;


static void
fail(const char *what)
{
    fprintf(stderr, "burst: %s: %s\n", what, strerror(errno));
    exit(1);
}


static long long
now(void)
{
    struct timespec  ts;

    if (clock_gettime(CLOCK_MONOTONIC, &ts) == -1) {
        fail("clock_gettime()");
    }

    return ts.tv_sec * 1000000LL + ts.tv_nsec / 1000;
}


static int
open_connection(int port)
{
    int                 fd;
    struct sockaddr_in  sin;

    memset(&sin, 0, sizeof(sin));
    sin.sin_family = AF_INET;
    sin.sin_port = htons(port);
    sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);

    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd == -1) {
        fail("socket()");
    }

    if (connect(fd, (struct sockaddr *) &sin, sizeof(sin)) == -1) {
        fail("connect()");
    }

    return fd;
}


/* 1 when the answer is complete */

static int
read_answer(int fd, answer_t *a)
{
    ssize_t  n;

    n = recv(fd, a->data + a->len, sizeof(a->data) - 1 - a->len, MSG_DONTWAIT);

    if (n == -1) {
        if (errno == EAGAIN || errno == EINTR) {
            return 0;
        }

        fail("recv()");
    }

    if (n > 0) {
        a->len += n;

        if (a->len == sizeof(a->data) - 1) {
            errno = EMSGSIZE;
            fail("an answer");
        }

        return 0;
    }

    a->data[a->len] = '\0';

    if (strncmp(a->data, "HTTP/1.1 200 ", 13) != 0
        || a->len < 6 || strcmp(a->data + a->len - 6, "\r\n\r\nok") != 0)
    {
        fprintf(stderr, "burst: an answer: %s\n", a->data);
        exit(1);
    }

    return 1;
}


static void
read_answers(struct pollfd *fds, answer_t *answers, int calls)
{
    int        i, left;
    long long  end;

    left = calls;
    end = now() + TIMEOUT * 1000000LL;

    while (left) {

        if (poll(fds, calls, 1000) == -1) {
            fail("poll()");
        }

        for (i = 0; i < calls; i++) {

            if (fds[i].fd == -1 || !fds[i].revents) {
                continue;
            }

            if (read_answer(fds[i].fd, &answers[i])) {
                close(fds[i].fd);
                fds[i].fd = -1;
                left--;
            }
        }

        if (left && now() > end) {
            errno = ETIMEDOUT;
            fail("the calls");
        }
    }
}


int
main(int argc, char **argv)
{
    int             i, len, port, calls;
    char            request[512];
    answer_t       *answers;
    long long       start;
    struct pollfd  *fds;

    port = argc == 4 ? atoi(argv[1]) : 0;
    calls = argc == 4 ? atoi(argv[3]) : 0;

    if (port < 1 || port > 65535 || calls < 1 || calls > 10000) {
        fprintf(stderr, "usage: burst PORT PATH CALLS\n");
        return 2;
    }

    len = snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\n"
                   "Host: localhost\r\nConnection: close\r\n\r\n", argv[2]);

    if (len < 0 || (size_t) len >= sizeof(request)) {
        errno = ENAMETOOLONG;
        fail(argv[2]);
    }

    fds = calloc(calls, sizeof(struct pollfd));
    answers = calloc(calls, sizeof(answer_t));

    if (fds == NULL || answers == NULL) {
        fail("calloc()");
    }

    for (i = 0; i < calls; i++) {
        fds[i].fd = open_connection(port);
        fds[i].events = POLLIN;
    }

    usleep(SETTLE);

    start = now();

    for (i = 0; i < calls; i++) {

        if (send(fds[i].fd, request, len, MSG_NOSIGNAL) != len) {
            fail("send()");
        }
    }

    read_answers(fds, answers, calls);

    printf("%lld\n", now() - start);

    free(answers);
    free(fds);

    return 0;
}
