
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * What a machine can do at the most: two processes, each of which starts cat
 * with three pipes, gives it five bytes, reads what it has to say, and waits for
 * it, over and over.
 *
 *     spawn SECONDS
 *
 * It prints how many runs there were, and for how many microseconds.
 */


#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>


#define LOOPS  2


static void
fail(const char *what)
{
    fprintf(stderr, "spawn: %s: %s\n", what, strerror(errno));
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


/* until both are closed */

static void
drain(int out, int err)
{
    int            n;
    char           buf[4096];
    ssize_t        rc;
    size_t         got;
    struct pollfd  fds[2];

    got = 0;
    fds[0].fd = out;
    fds[1].fd = err;
    fds[0].events = fds[1].events = POLLIN;

    while (fds[0].fd != -1 || fds[1].fd != -1) {

        if (poll(fds, 2, -1) == -1) {
            fail("poll()");
        }

        for (n = 0; n < 2; n++) {

            if (fds[n].fd == -1 || !fds[n].revents) {
                continue;
            }

            rc = read(fds[n].fd, buf, sizeof(buf));

            if (rc == -1) {
                fail("read()");
            }

            if (rc == 0) {
                close(fds[n].fd);
                fds[n].fd = -1;
                continue;
            }

            got += n == 0 ? (size_t) rc : 0;
        }
    }

    if (got != 5) {
        errno = EIO;
        fail("cat");
    }
}


static void
run(void)
{
    int                          in[2], out[2], err[2], status;
    pid_t                        pid;
    char                        *argv[] = { "/bin/cat", NULL };
    char                        *envp[] = { NULL };
    posix_spawn_file_actions_t   actions;

    if (pipe2(in, O_CLOEXEC) == -1 || pipe2(out, O_CLOEXEC) == -1
        || pipe2(err, O_CLOEXEC) == -1)
    {
        fail("pipe2()");
    }

    if (posix_spawn_file_actions_init(&actions)
        || posix_spawn_file_actions_adddup2(&actions, in[0], 0)
        || posix_spawn_file_actions_adddup2(&actions, out[1], 1)
        || posix_spawn_file_actions_adddup2(&actions, err[1], 2)
        || posix_spawn(&pid, argv[0], &actions, NULL, argv, envp))
    {
        fail("posix_spawn()");
    }

    posix_spawn_file_actions_destroy(&actions);

    close(in[0]);
    close(out[1]);
    close(err[1]);

    if (write(in[1], "hello", 5) != 5) {
        fail("write()");
    }

    close(in[1]);
    drain(out[0], err[0]);

    if (waitpid(pid, &status, 0) != pid || status != 0) {
        fail("waitpid()");
    }
}


int
main(int argc, char **argv)
{
    int        i, fds[2];
    long       n, all;
    long long  start, end;

    if (argc != 2 || pipe(fds) == -1) {
        fprintf(stderr, "usage: spawn SECONDS\n");
        return 2;
    }

    start = now();
    end = start + (long long) (atof(argv[1]) * 1000000);

    for (i = 0; i < LOOPS; i++) {

        switch (fork()) {

        case -1:
            fail("fork()");
            break;

        case 0:
            for (n = 0; now() < end; n++) {
                run();
            }

            _exit(write(fds[1], &n, sizeof(n)) != sizeof(n));
        }
    }

    all = 0;

    for (i = 0; i < LOOPS; i++) {

        if (read(fds[0], &n, sizeof(n)) != sizeof(n)) {
            fail("read()");
        }

        all += n;
    }

    end = now();

    while (wait(NULL) != -1) { /* void */ }

    printf("%ld %lld\n", all, end - start);

    return 0;
}
