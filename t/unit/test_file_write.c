
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Writes into the functions directory, at the same time too.  No temporary
 * file may be left in it, however a write ends.
 */


#include "ngx_http_faas.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <sys/resource.h>

#include "ngx_http_faas_unit_file.h"


#define ngx_http_faas_test_case(name)                                        \
    cmocka_unit_test_setup_teardown(ngx_http_faas_test_file_write_##name,    \
                                    ngx_http_faas_unit_file_setup,           \
                                    ngx_http_faas_unit_file_teardown)


int ngx_http_faas_test_file_write(void);

static void ngx_http_faas_test_file_write_create(void **state);
static void ngx_http_faas_test_file_write_create_race(void **state);
static void ngx_http_faas_test_file_write_replace(void **state);
static void ngx_http_faas_test_file_write_replace_race(void **state);
static void ngx_http_faas_test_file_write_full(void **state);
static void ngx_http_faas_test_file_write_lock(void **state);
static void ngx_http_faas_test_file_write_lock_race(void **state);


int
ngx_http_faas_test_file_write(void)
{
    const struct CMUnitTest  tests[] = {
        ngx_http_faas_test_case(create),
        ngx_http_faas_test_case(create_race),
        ngx_http_faas_test_case(replace),
        ngx_http_faas_test_case(replace_race),
        ngx_http_faas_test_case(full),
        ngx_http_faas_test_case(lock),
        ngx_http_faas_test_case(lock_race)
    };

    return cmocka_run_group_tests_name("file_write", tests, NULL, NULL);
}


/* only where nothing is */

static void
ngx_http_faas_test_file_write_create(void **state)
{
    struct stat                 st;
    ngx_http_faas_unit_file_t  *tf = *state;

    assert_int_equal(ngx_http_faas_unit_file_write(tf, &tf->path, "one", 1),
                     NGX_OK);
    ngx_http_faas_unit_file_equal(tf, &tf->path, "one");

    assert_int_equal(stat((char *) tf->path.data, &st), 0);
    assert_int_equal(st.st_nlink, 1);

    assert_int_equal(ngx_http_faas_unit_file_write(tf, &tf->path, "two", 1),
                     NGX_BUSY);
    ngx_http_faas_unit_file_equal(tf, &tf->path, "one");

    ngx_http_faas_unit_file_logged(tf, 0);
    assert_int_equal(ngx_http_faas_unit_file_entries(tf, 0), 1);
}


/* of several at the same time one wins, and its bytes are there */

static void
ngx_http_faas_test_file_write_create_race(void **state)
{
    int                         status, fd[2];
    char                        text[2], byte;
    ngx_int_t                   rc;
    ngx_pid_t                   pid[6];
    ngx_uint_t                  i, winner, round;
    ngx_http_faas_unit_file_t  *tf = *state;

    for (round = 0; round < 10; round++) {

        assert_int_equal(pipe(fd), 0);

        for (i = 0; i < 6; i++) {
            pid[i] = fork();
            assert_int_not_equal(pid[i], -1);

            if (pid[i] == 0) {
                ngx_pid = getpid();
                text[0] = (char) ('0' + i);
                text[1] = '\0';

                /* all wait for the same end of file */

                (void) close(fd[1]);
                (void) (read(fd[0], &byte, 1) + 1);

                rc = ngx_http_faas_unit_file_write(tf, &tf->path, text, 1);

                _exit(rc == NGX_OK ? 0 : rc == NGX_BUSY ? 1 : 2);
            }
        }

        (void) close(fd[0]);
        (void) close(fd[1]);

        winner = 6;

        for (i = 0; i < 6; i++) {
            assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
            assert_true(WIFEXITED(status));
            assert_in_range(WEXITSTATUS(status), 0, 1);

            if (WEXITSTATUS(status) == 0) {
                assert_int_equal(winner, 6);
                winner = i;
            }
        }

        assert_int_not_equal(winner, 6);

        text[0] = (char) ('0' + winner);
        text[1] = '\0';
        ngx_http_faas_unit_file_equal(tf, &tf->path, text);

        assert_int_equal(ngx_http_faas_unit_file_entries(tf, 0), 1);
        assert_int_equal(ngx_http_faas_file_delete(tf->pool, &tf->path,
                                                   &tf->log),
                         NGX_OK);
    }
}


/* whoever has the old one open reads it to its end */

static void
ngx_http_faas_test_file_write_replace(void **state)
{
    char                        text[16];
    ngx_fd_t                    fd;
    ngx_http_faas_unit_file_t  *tf = *state;

    assert_int_equal(ngx_http_faas_unit_file_write(tf, &tf->path,
                                                   "the old one", 0),
                     NGX_OK);

    fd = open((char *) tf->path.data, O_RDONLY);
    assert_int_not_equal(fd, -1);

    assert_int_equal(ngx_http_faas_unit_file_write(tf, &tf->path, "new", 0),
                     NGX_OK);
    ngx_http_faas_unit_file_equal(tf, &tf->path, "new");

    assert_int_equal(read(fd, text, sizeof(text)), 11);
    assert_memory_equal(text, "the old one", 11);
    (void) close(fd);

    assert_int_equal(ngx_http_faas_unit_file_entries(tf, 0), 1);
}


/* a reader sees one or the other, and never a part of either */

static void
ngx_http_faas_test_file_write_replace_race(void **state)
{
    int                         status;
    size_t                      i;
    ngx_str_t                   bytes;
    ngx_pid_t                   pid;
    ngx_uint_t                  n, seen, round;
    ngx_pool_t                 *pool;
    ngx_http_faas_unit_file_t  *tf = *state;

    static u_char  page[100000];

    assert_int_equal(ngx_http_faas_unit_file_write(tf, &tf->path, "first", 0),
                     NGX_OK);

    pid = fork();
    assert_int_not_equal(pid, -1);

    if (pid == 0) {
        ngx_pid = getpid();

        for (round = 0; round < 50; round++) {
            bytes.data = page;
            bytes.len = 1000 + round * 1900;
            ngx_memset(page, 'a' + round % 26, bytes.len);

            if (ngx_http_faas_file_write(tf->pool, &tf->path, &bytes, 0,
                                         &tf->log)
                != NGX_OK)
            {
                _exit(1);
            }
        }

        _exit(0);
    }

    pool = tf->pool;

    for (n = 0, seen = 0; ; n++) {
        tf->pool = ngx_create_pool(4096, ngx_cycle->log);
        assert_non_null(tf->pool);

        assert_int_equal(ngx_http_faas_unit_file_read(tf, &tf->path, 200000),
                         NGX_OK);
        assert_int_equal(tf->bytes.len, tf->identity.size);

        if (tf->bytes.len != 5) {
            assert_int_equal((tf->bytes.len - 1000) % 1900, 0);
            round = (tf->bytes.len - 1000) / 1900;
            assert_true(round >= seen);
            seen = round;

            for (i = 0; i < tf->bytes.len; i++) {
                if (tf->bytes.data[i] != 'a' + round % 26) {
                    fail_msg("a mixture was read");
                }
            }
        }

        ngx_destroy_pool(tf->pool);

        if (waitpid(pid, &status, WNOHANG) == pid) {
            break;
        }
    }

    tf->pool = pool;

    assert_int_equal(status, 0);
    assert_int_equal(ngx_http_faas_unit_file_entries(tf, 0), 1);
}


/* no room for all of it: the old one stays */

static void
ngx_http_faas_test_file_write_full(void **state)
{
    ngx_int_t                   rc[2];
    ngx_str_t                   bytes;
    ngx_uint_t                  create;
    struct rlimit               rlmt, saved;
    ngx_http_faas_unit_file_t  *tf = *state;

    static u_char  page[10000];

    assert_int_equal(ngx_http_faas_unit_file_write(tf, &tf->path, "old", 0),
                     NGX_OK);

    bytes.data = page;
    bytes.len = sizeof(page);

    assert_ptr_not_equal(signal(SIGXFSZ, SIG_IGN), SIG_ERR);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &saved), 0);

    /* a part of it can be written */

    rlmt = saved;
    rlmt.rlim_cur = 6000;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &rlmt), 0);

    for (create = 0; create < 2; create++) {
        rc[create] = ngx_http_faas_file_write(tf->pool, &tf->path, &bytes,
                                              create, &tf->log);
    }

    assert_int_equal(setrlimit(RLIMIT_FSIZE, &saved), 0);
    assert_ptr_not_equal(signal(SIGXFSZ, SIG_DFL), SIG_ERR);

    assert_int_equal(rc[0], NGX_ERROR);
    assert_int_equal(rc[1], NGX_ERROR);
    assert_int_equal(tf->logged, 2);
    assert_int_equal(tf->level, NGX_LOG_CRIT);

    assert_int_equal(ngx_http_faas_unit_file_entries(tf, 0), 1);
    ngx_http_faas_unit_file_equal(tf, &tf->path, "old");
}


/* a file of it is written to all the same, and who has to wait is told so */

static void
ngx_http_faas_test_file_write_lock(void **state)
{
    ngx_fd_t                    fd, other;
    ngx_str_t                   dir, none;
    ngx_uint_t                  i;
    ngx_http_faas_unit_file_t  *tf = *state;

    dir.data = (u_char *) tf->dir;
    dir.len = ngx_strlen(tf->dir);

    for (i = 0; i < 3; i++) {
        fd = ngx_http_faas_file_lock(&dir, &tf->log);
        assert_int_not_equal(fd, NGX_INVALID_FILE);
        assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
        ngx_http_faas_unit_file_logged(tf, 0);

        assert_int_equal(ngx_http_faas_unit_file_write(tf, &tf->path, "x",
                                                       0),
                         NGX_OK);

        other = ngx_http_faas_file_lock(&dir, &tf->log);
        assert_int_equal(other, NGX_INVALID_FILE);
        assert_int_equal(ngx_errno, NGX_EAGAIN);
        ngx_http_faas_unit_file_logged(tf, 0);

        (void) close(fd);
    }

    none = ngx_http_faas_unit_file_path(tf, "none");

    assert_int_equal(ngx_http_faas_file_lock(&none, &tf->log),
                     NGX_INVALID_FILE);
    ngx_http_faas_unit_file_logged(tf, NGX_LOG_ERR);
}


/* each adds one to what the last one wrote; one dies with the lock */

static void
ngx_http_faas_test_file_write_lock_race(void **state)
{
    int                         status;
    char                        text[2];
    ngx_fd_t                    fd;
    ngx_str_t                   dir;
    ngx_pid_t                   pid[4];
    ngx_uint_t                  i, round;
    ngx_http_faas_unit_file_t  *tf = *state;

    dir.data = (u_char *) tf->dir;
    dir.len = ngx_strlen(tf->dir);

    text[0] = '!';
    text[1] = '\0';

    assert_int_equal(ngx_http_faas_unit_file_write(tf, &tf->path, text, 0),
                     NGX_OK);

    for (i = 0; i < 4; i++) {
        pid[i] = fork();
        assert_int_not_equal(pid[i], -1);

        if (pid[i]) {
            continue;
        }

        ngx_pid = getpid();

        for (round = 0; round < 10; round++) {

            do {
                fd = ngx_http_faas_file_lock(&dir, &tf->log);
            } while (fd == NGX_INVALID_FILE);

            if (ngx_http_faas_unit_file_read(tf, &tf->path, 1) != NGX_OK) {
                _exit(1);
            }

            text[0] = (char) (tf->bytes.data[0] + 1);

            if (ngx_http_faas_unit_file_write(tf, &tf->path, text, 0)
                != NGX_OK)
            {
                _exit(1);
            }

            if (i == 3 && round == 4) {
                (void) raise(SIGKILL);
            }

            (void) close(fd);
        }

        _exit(0);
    }

    for (i = 0; i < 4; i++) {
        assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
        assert_true(i == 3 ? WIFSIGNALED(status) : status == 0);
    }

    text[0] = '!' + 35;
    ngx_http_faas_unit_file_equal(tf, &tf->path, text);
    assert_int_equal(ngx_http_faas_unit_file_entries(tf, 0), 1);
}
