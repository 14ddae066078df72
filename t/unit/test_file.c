
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Files of the functions directory, in a directory of the test's own.  No
 * temporary file may be left in it, however a write ends.
 */


#include "ngx_http_faas.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <sys/resource.h>
#include <sys/un.h>

#include "ngx_http_faas_file.h"


#define ngx_http_faas_test_case(name)                                        \
    cmocka_unit_test_setup_teardown(ngx_http_faas_test_file_##name,          \
                                    ngx_http_faas_test_file_setup,           \
                                    ngx_http_faas_test_file_teardown)


typedef struct {
    ngx_pool_t                *pool;
    ngx_log_t                  log;      /* counts */
    ngx_uint_t                 logged;
    ngx_uint_t                 level;    /* of the last message */
    char                       dir[64];
    ngx_str_t                  path;     /* of "file" in it */
    ngx_str_t                  bytes;    /* as last read */
    ngx_http_faas_identity_t   identity;
    u_char                     revision[NGX_HTTP_FAAS_REVISION_LEN];
} ngx_http_faas_test_file_t;


typedef struct {
    ngx_str_t    text;
    char        *sha1;
} ngx_http_faas_test_file_sha1_t;


int ngx_http_faas_test_file(void);

static int ngx_http_faas_test_file_setup(void **state);
static int ngx_http_faas_test_file_teardown(void **state);

static void ngx_http_faas_test_file_round_trip(void **state);
static void ngx_http_faas_test_file_revision(void **state);
static void ngx_http_faas_test_file_identity(void **state);
static void ngx_http_faas_test_file_absent(void **state);
static void ngx_http_faas_test_file_no_directory(void **state);
static void ngx_http_faas_test_file_limit(void **state);
static void ngx_http_faas_test_file_create(void **state);
static void ngx_http_faas_test_file_create_race(void **state);
static void ngx_http_faas_test_file_replace(void **state);
static void ngx_http_faas_test_file_replace_race(void **state);
static void ngx_http_faas_test_file_full(void **state);
static void ngx_http_faas_test_file_symlink(void **state);
static void ngx_http_faas_test_file_directory(void **state);
static void ngx_http_faas_test_file_special(void **state);
static void ngx_http_faas_test_file_delete(void **state);
static void ngx_http_faas_test_file_lock(void **state);
static void ngx_http_faas_test_file_lock_race(void **state);

static ngx_str_t ngx_http_faas_test_file_path(ngx_http_faas_test_file_t *tf,
    char *name);
static ngx_int_t ngx_http_faas_test_file_stat(ngx_http_faas_test_file_t *tf,
    ngx_str_t *path);
static ngx_int_t ngx_http_faas_test_file_read(ngx_http_faas_test_file_t *tf,
    ngx_str_t *path, size_t max);
static ngx_int_t ngx_http_faas_test_file_write(ngx_http_faas_test_file_t *tf,
    ngx_str_t *path, char *text, ngx_uint_t create);
static void ngx_http_faas_test_file_equal(ngx_http_faas_test_file_t *tf,
    ngx_str_t *path, char *text);
static void ngx_http_faas_test_file_logged(ngx_http_faas_test_file_t *tf,
    ngx_uint_t level);
static ngx_uint_t ngx_http_faas_test_file_entries(
    ngx_http_faas_test_file_t *tf, ngx_uint_t clear);
static void ngx_http_faas_test_file_writer(ngx_log_t *log, ngx_uint_t level,
    u_char *buf, size_t len);


int
ngx_http_faas_test_file(void)
{
    const struct CMUnitTest  tests[] = {
        ngx_http_faas_test_case(round_trip),
        ngx_http_faas_test_case(revision),
        ngx_http_faas_test_case(identity),
        ngx_http_faas_test_case(absent),
        ngx_http_faas_test_case(no_directory),
        ngx_http_faas_test_case(limit),
        ngx_http_faas_test_case(create),
        ngx_http_faas_test_case(create_race),
        ngx_http_faas_test_case(replace),
        ngx_http_faas_test_case(replace_race),
        ngx_http_faas_test_case(full),
        ngx_http_faas_test_case(symlink),
        ngx_http_faas_test_case(directory),
        ngx_http_faas_test_case(special),
        ngx_http_faas_test_case(delete),
        ngx_http_faas_test_case(lock),
        ngx_http_faas_test_case(lock_race)
    };

    return cmocka_run_group_tests_name("file", tests, NULL, NULL);
}


static int
ngx_http_faas_test_file_setup(void **state)
{
    ngx_pool_t                 *pool;
    ngx_http_faas_test_file_t  *tf;

    pool = ngx_create_pool(4096, ngx_cycle->log);
    if (pool == NULL) {
        return -1;
    }

    tf = ngx_pcalloc(pool, sizeof(ngx_http_faas_test_file_t));
    if (tf == NULL) {
        return -1;
    }

    tf->pool = pool;

    tf->log.log_level = NGX_LOG_INFO;
    tf->log.writer = ngx_http_faas_test_file_writer;
    tf->log.wdata = tf;

    ngx_use_stderr = 0;

    strcpy(tf->dir, "/tmp/faas-unit.XXXXXX");

    if (mkdtemp(tf->dir) == NULL) {
        return -1;
    }

    tf->path = ngx_http_faas_test_file_path(tf, "file");

    *state = tf;

    return 0;
}


static int
ngx_http_faas_test_file_teardown(void **state)
{
    ngx_http_faas_test_file_t  *tf = *state;

    ngx_use_stderr = 1;

    (void) ngx_http_faas_test_file_entries(tf, 1);
    (void) rmdir(tf->dir);

    ngx_destroy_pool(tf->pool);

    return 0;
}


/* any bytes of any size come back as they were */

static void
ngx_http_faas_test_file_round_trip(void **state)
{
    ngx_str_t                   bytes;
    ngx_uint_t                  i, j;
    struct stat                 st;
    ngx_http_faas_test_file_t  *tf = *state;

    static size_t  sizes[] = {
        0, 1, 4095, 4096, 4097, 65536, 1000003, NGX_HTTP_FAAS_SOURCE_SIZE
    };

    for (i = 0; i < sizeof(sizes) / sizeof(size_t); i++) {

        bytes.len = sizes[i];
        bytes.data = ngx_palloc(tf->pool, bytes.len + 1);
        assert_non_null(bytes.data);

        for (j = 0; j < bytes.len; j++) {
            bytes.data[j] = (u_char) (j * 7 + j / 256 + i);
        }

        assert_int_equal(ngx_http_faas_file_write(tf->pool, &tf->path, &bytes,
                                                  0, &tf->log),
                         NGX_OK);

        assert_int_equal(ngx_http_faas_test_file_read(tf, &tf->path,
                                                  NGX_HTTP_FAAS_SOURCE_SIZE),
                         NGX_OK);

        assert_int_equal(tf->bytes.len, bytes.len);
        assert_memory_equal(tf->bytes.data, bytes.data, bytes.len);
        assert_int_equal(tf->identity.size, bytes.len);

        assert_int_equal(ngx_http_faas_test_file_entries(tf, 0), 1);
    }

    /* it is the file of the user who wrote it, and readable */

    assert_int_equal(stat((char *) tf->path.data, &st), 0);
    assert_int_equal(st.st_nlink, 1);
    assert_int_equal(st.st_mode & (S_IFMT|0700), S_IFREG|0600);
    assert_int_equal(st.st_mode & 0022, 0);

    ngx_http_faas_test_file_logged(tf, 0);
}


/* the test vectors of RFC 3174, and the empty text */

static void
ngx_http_faas_test_file_revision(void **state)
{
    char                            *million;
    u_char                           hex[2 * NGX_HTTP_FAAS_REVISION_LEN];
    ngx_str_t                        bytes;
    ngx_uint_t                       i;
    ngx_http_faas_test_file_t       *tf = *state;
    ngx_http_faas_test_file_sha1_t  *tc;

    static ngx_http_faas_test_file_sha1_t  texts[] = {
        { ngx_string(""), "da39a3ee5e6b4b0d3255bfef95601890afd80709" },
        { ngx_string("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d" },
        { ngx_string("abcdbcdecdefdefgefghfghighijhijkijkljklmklmn"
                     "lmnomnopnopq"),
          "84983e441c3bd26ebaae4aa1f95129e5e54670f1" },
        { ngx_null_string, "34aa973cd4c4daa4f61eeb2bdbad27316534016f" }
    };

    million = ngx_palloc(tf->pool, 1000000);
    assert_non_null(million);
    ngx_memset(million, 'a', 1000000);

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        tc = &texts[i];
        bytes = tc->text;

        if (bytes.data == NULL) {
            bytes.len = 1000000;
            bytes.data = (u_char *) million;
        }

        assert_int_equal(ngx_http_faas_file_write(tf->pool, &tf->path, &bytes,
                                                  0, &tf->log),
                         NGX_OK);
        assert_int_equal(ngx_http_faas_test_file_read(tf, &tf->path, 1000000),
                         NGX_OK);

        (void) ngx_hex_dump(hex, tf->revision, NGX_HTTP_FAAS_REVISION_LEN);
        assert_memory_equal(hex, tc->sha1, sizeof(hex));
    }
}


/* stat and read tell the same, and every write another one */

static void
ngx_http_faas_test_file_identity(void **state)
{
    struct stat                 st;
    struct timespec             times[2];
    ngx_http_faas_identity_t    first, second;
    ngx_http_faas_test_file_t  *tf = *state;

    assert_int_equal(ngx_http_faas_test_file_write(tf, &tf->path, "one", 0),
                     NGX_OK);

    assert_int_equal(ngx_http_faas_test_file_stat(tf, &tf->path), NGX_OK);
    first = tf->identity;

    assert_int_equal(stat((char *) tf->path.data, &st), 0);
    assert_int_equal(first.uniq, st.st_ino);
    assert_int_equal(first.size, 3);
    assert_int_equal(first.sec, st.st_mtim.tv_sec);
    assert_int_equal(first.nsec, st.st_mtim.tv_nsec);

    assert_int_equal(ngx_http_faas_test_file_read(tf, &tf->path, 3), NGX_OK);
    second = tf->identity;

    assert_int_equal(second.uniq, first.uniq);
    assert_int_equal(second.size, first.size);
    assert_int_equal(second.sec, first.sec);
    assert_int_equal(second.nsec, first.nsec);

    /* only the time */

    times[0].tv_sec = 0;
    times[0].tv_nsec = UTIME_OMIT;
    times[1].tv_sec = first.sec;
    times[1].tv_nsec = (first.nsec + 1) % 1000000000;

    assert_int_equal(utimensat(AT_FDCWD, (char *) tf->path.data, times, 0),
                     0);

    assert_int_equal(ngx_http_faas_test_file_stat(tf, &tf->path), NGX_OK);
    assert_int_equal(tf->identity.uniq, first.uniq);
    assert_int_equal(tf->identity.nsec, times[1].tv_nsec);

    /* the old one still exists while the new one is made */

    assert_int_equal(ngx_http_faas_test_file_write(tf, &tf->path, "two", 0),
                     NGX_OK);
    assert_int_equal(ngx_http_faas_test_file_stat(tf, &tf->path), NGX_OK);
    assert_int_not_equal(tf->identity.uniq, first.uniq);

    ngx_http_faas_test_file_logged(tf, 0);
}


static void
ngx_http_faas_test_file_absent(void **state)
{
    char                        name[300];
    ngx_str_t                   path;
    ngx_http_faas_test_file_t  *tf = *state;

    /* nothing is logged: anybody may ask for any name */

    assert_int_equal(ngx_http_faas_test_file_stat(tf, &tf->path),
                     NGX_DECLINED);
    assert_int_equal(ngx_http_faas_test_file_read(tf, &tf->path, 100),
                     NGX_DECLINED);
    assert_int_equal(ngx_http_faas_file_delete(tf->pool, &tf->path,
                                               &tf->log),
                     NGX_DECLINED);

    ngx_memset(name, 'a', 299);
    name[299] = '\0';

    path = ngx_http_faas_test_file_path(tf, name);
    assert_int_equal(ngx_http_faas_test_file_stat(tf, &path), NGX_DECLINED);

    path = ngx_http_faas_test_file_path(tf, "none/file");
    assert_int_equal(ngx_http_faas_test_file_stat(tf, &path), NGX_DECLINED);

    assert_int_equal(ngx_http_faas_test_file_write(tf, &tf->path, "", 0),
                     NGX_OK);

    path = ngx_http_faas_test_file_path(tf, "file/file");
    assert_int_equal(ngx_http_faas_test_file_stat(tf, &path), NGX_DECLINED);

    ngx_http_faas_test_file_logged(tf, 0);
}


static void
ngx_http_faas_test_file_no_directory(void **state)
{
    ngx_str_t                   path;
    ngx_http_faas_test_file_t  *tf = *state;

    path = ngx_http_faas_test_file_path(tf, "none/file");

    assert_int_equal(ngx_http_faas_test_file_write(tf, &path, "x", 0),
                     NGX_ERROR);
    ngx_http_faas_test_file_logged(tf, NGX_LOG_CRIT);

    assert_int_equal(ngx_http_faas_test_file_write(tf, &path, "x", 1),
                     NGX_ERROR);
    ngx_http_faas_test_file_logged(tf, NGX_LOG_CRIT);

    assert_int_equal(ngx_http_faas_test_file_entries(tf, 0), 0);
}


static void
ngx_http_faas_test_file_limit(void **state)
{
    ngx_http_faas_test_file_t  *tf = *state;

    assert_int_equal(ngx_http_faas_test_file_write(tf, &tf->path,
                                                   "0123456789", 0),
                     NGX_OK);

    assert_int_equal(ngx_http_faas_test_file_read(tf, &tf->path, 11), NGX_OK);
    assert_int_equal(ngx_http_faas_test_file_read(tf, &tf->path, 10), NGX_OK);
    assert_int_equal(tf->bytes.len, 10);
    ngx_http_faas_test_file_logged(tf, 0);

    assert_int_equal(ngx_http_faas_test_file_read(tf, &tf->path, 9),
                     NGX_ERROR);
    ngx_http_faas_test_file_logged(tf, NGX_LOG_ERR);

    /* a hole of more bytes than there is memory */

    assert_int_equal(truncate((char *) tf->path.data, (off_t) 1 << 40), 0);

    assert_int_equal(ngx_http_faas_test_file_read(tf, &tf->path,
                                                  NGX_HTTP_FAAS_SOURCE_SIZE),
                     NGX_ERROR);
    ngx_http_faas_test_file_logged(tf, NGX_LOG_ERR);

    assert_int_equal(ngx_http_faas_test_file_stat(tf, &tf->path), NGX_OK);
}


/* only where nothing is */

static void
ngx_http_faas_test_file_create(void **state)
{
    struct stat                 st;
    ngx_http_faas_test_file_t  *tf = *state;

    assert_int_equal(ngx_http_faas_test_file_write(tf, &tf->path, "one", 1),
                     NGX_OK);
    ngx_http_faas_test_file_equal(tf, &tf->path, "one");

    assert_int_equal(stat((char *) tf->path.data, &st), 0);
    assert_int_equal(st.st_nlink, 1);

    assert_int_equal(ngx_http_faas_test_file_write(tf, &tf->path, "two", 1),
                     NGX_BUSY);
    ngx_http_faas_test_file_equal(tf, &tf->path, "one");

    ngx_http_faas_test_file_logged(tf, 0);
    assert_int_equal(ngx_http_faas_test_file_entries(tf, 0), 1);
}


/* of several at the same time one wins, and its bytes are there */

static void
ngx_http_faas_test_file_create_race(void **state)
{
    int                         status, fd[2];
    char                        text[2], byte;
    ngx_int_t                   rc;
    ngx_pid_t                   pid[6];
    ngx_uint_t                  i, winner, round;
    ngx_http_faas_test_file_t  *tf = *state;

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

                rc = ngx_http_faas_test_file_write(tf, &tf->path, text, 1);

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
        ngx_http_faas_test_file_equal(tf, &tf->path, text);

        assert_int_equal(ngx_http_faas_test_file_entries(tf, 0), 1);
        assert_int_equal(ngx_http_faas_file_delete(tf->pool, &tf->path,
                                                   &tf->log),
                         NGX_OK);
    }
}


/* whoever has the old one open reads it to its end */

static void
ngx_http_faas_test_file_replace(void **state)
{
    char                        text[16];
    ngx_fd_t                    fd;
    ngx_http_faas_test_file_t  *tf = *state;

    assert_int_equal(ngx_http_faas_test_file_write(tf, &tf->path,
                                                   "the old one", 0),
                     NGX_OK);

    fd = open((char *) tf->path.data, O_RDONLY);
    assert_int_not_equal(fd, -1);

    assert_int_equal(ngx_http_faas_test_file_write(tf, &tf->path, "new", 0),
                     NGX_OK);
    ngx_http_faas_test_file_equal(tf, &tf->path, "new");

    assert_int_equal(read(fd, text, sizeof(text)), 11);
    assert_memory_equal(text, "the old one", 11);
    (void) close(fd);

    assert_int_equal(ngx_http_faas_test_file_entries(tf, 0), 1);
}


/* a reader sees one or the other, and never a part of either */

static void
ngx_http_faas_test_file_replace_race(void **state)
{
    int                         status;
    size_t                      i;
    ngx_str_t                   bytes;
    ngx_pid_t                   pid;
    ngx_uint_t                  n, seen, round;
    ngx_pool_t                 *pool;
    ngx_http_faas_test_file_t  *tf = *state;

    static u_char  page[100000];

    assert_int_equal(ngx_http_faas_test_file_write(tf, &tf->path, "first", 0),
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

        assert_int_equal(ngx_http_faas_test_file_read(tf, &tf->path, 200000),
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
    assert_int_equal(ngx_http_faas_test_file_entries(tf, 0), 1);
}


/* no room for all of it: the old one stays */

static void
ngx_http_faas_test_file_full(void **state)
{
    ngx_int_t                   rc[2];
    ngx_str_t                   bytes;
    ngx_uint_t                  create;
    struct rlimit               rlmt, saved;
    ngx_http_faas_test_file_t  *tf = *state;

    static u_char  page[10000];

    assert_int_equal(ngx_http_faas_test_file_write(tf, &tf->path, "old", 0),
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

    assert_int_equal(ngx_http_faas_test_file_entries(tf, 0), 1);
    ngx_http_faas_test_file_equal(tf, &tf->path, "old");
}


/* it is no function, whatever it points to, and is not written through */

static void
ngx_http_faas_test_file_symlink(void **state)
{
    ngx_uint_t                  i;
    ngx_str_t                   target, path;
    struct stat                 st;
    ngx_http_faas_test_file_t  *tf = *state;

    static char  *targets[] = {
        "target", "none", "link", ".", "/etc/passwd", "/dev/zero"
    };

    target = ngx_http_faas_test_file_path(tf, "target");
    path = ngx_http_faas_test_file_path(tf, "link");

    assert_int_equal(ngx_http_faas_test_file_write(tf, &target, "secret", 0),
                     NGX_OK);

    for (i = 0; i < sizeof(targets) / sizeof(char *); i++) {

        assert_int_equal(symlink(targets[i], (char *) path.data), 0);

        assert_int_equal(ngx_http_faas_test_file_stat(tf, &path),
                         NGX_DECLINED);
        ngx_http_faas_test_file_logged(tf, 0);

        assert_int_equal(ngx_http_faas_test_file_read(tf, &path, 100),
                         NGX_ERROR);
        ngx_http_faas_test_file_logged(tf, NGX_LOG_ERR);

        assert_int_equal(ngx_http_faas_test_file_write(tf, &path, "x", 1),
                         NGX_BUSY);
        assert_int_equal(lstat((char *) path.data, &st), 0);
        assert_true(S_ISLNK(st.st_mode));

        /* replaced itself, or deleted itself */

        if (i & 1) {
            assert_int_equal(ngx_http_faas_test_file_write(tf, &path, "x",
                                                           0),
                             NGX_OK);
            assert_int_equal(lstat((char *) path.data, &st), 0);
            assert_true(S_ISREG(st.st_mode));
        }

        assert_int_equal(ngx_http_faas_file_delete(tf->pool, &path,
                                                   &tf->log),
                         NGX_OK);

        ngx_http_faas_test_file_logged(tf, 0);
        ngx_http_faas_test_file_equal(tf, &target, "secret");
        assert_int_equal(ngx_http_faas_test_file_entries(tf, 0), 1);
    }

    /* a directory of the path may be one: that is for who configured it */

    assert_int_equal(symlink(".", (char *) path.data), 0);

    target = ngx_http_faas_test_file_path(tf, "link/target");
    ngx_http_faas_test_file_equal(tf, &target, "secret");
}


static void
ngx_http_faas_test_file_directory(void **state)
{
    ngx_http_faas_test_file_t  *tf = *state;

    assert_int_equal(mkdir((char *) tf->path.data, 0700), 0);

    assert_int_equal(ngx_http_faas_test_file_stat(tf, &tf->path),
                     NGX_DECLINED);
    assert_int_equal(ngx_http_faas_test_file_read(tf, &tf->path, 100),
                     NGX_DECLINED);
    assert_int_equal(ngx_http_faas_test_file_write(tf, &tf->path, "x", 1),
                     NGX_BUSY);
    assert_int_equal(ngx_http_faas_test_file_write(tf, &tf->path, "x", 0),
                     NGX_BUSY);
    ngx_http_faas_test_file_logged(tf, 0);

    assert_int_equal(ngx_http_faas_file_delete(tf->pool, &tf->path,
                                               &tf->log),
                     NGX_ERROR);
    ngx_http_faas_test_file_logged(tf, NGX_LOG_CRIT);

    assert_int_equal(ngx_http_faas_test_file_entries(tf, 0), 1);
}


/* a pipe does not block, a device is not read, nor is a socket */

static void
ngx_http_faas_test_file_special(void **state)
{
    int                         s;
    ngx_str_t                   path;
    struct sockaddr_un          sun;
    ngx_http_faas_test_file_t  *tf = *state;

    assert_int_equal(mkfifo((char *) tf->path.data, 0600), 0);

    assert_int_equal(ngx_http_faas_test_file_stat(tf, &tf->path),
                     NGX_DECLINED);
    assert_int_equal(ngx_http_faas_test_file_read(tf, &tf->path, 100),
                     NGX_DECLINED);

    ngx_str_set(&path, "/dev/zero");

    assert_int_equal(ngx_http_faas_test_file_stat(tf, &path), NGX_DECLINED);
    assert_int_equal(ngx_http_faas_test_file_read(tf, &path, 100),
                     NGX_DECLINED);

    ngx_http_faas_test_file_logged(tf, 0);

    path = ngx_http_faas_test_file_path(tf, "socket");

    ngx_memzero(&sun, sizeof(struct sockaddr_un));
    sun.sun_family = AF_UNIX;
    ngx_memcpy(sun.sun_path, path.data, path.len);

    s = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_not_equal(s, -1);
    assert_int_equal(bind(s, (struct sockaddr *) &sun, sizeof(sun)), 0);

    assert_int_equal(ngx_http_faas_test_file_stat(tf, &path), NGX_DECLINED);
    assert_int_not_equal(ngx_http_faas_test_file_read(tf, &path, 100),
                         NGX_OK);

    (void) close(s);
}


static void
ngx_http_faas_test_file_delete(void **state)
{
    ngx_str_t                   other;
    ngx_http_faas_test_file_t  *tf = *state;

    other = ngx_http_faas_test_file_path(tf, "other");

    assert_int_equal(ngx_http_faas_test_file_write(tf, &tf->path, "x", 0),
                     NGX_OK);
    assert_int_equal(ngx_http_faas_test_file_write(tf, &other, "y", 0),
                     NGX_OK);

    assert_int_equal(ngx_http_faas_file_delete(tf->pool, &tf->path,
                                               &tf->log),
                     NGX_OK);
    assert_int_equal(ngx_http_faas_test_file_stat(tf, &tf->path),
                     NGX_DECLINED);
    assert_int_equal(ngx_http_faas_file_delete(tf->pool, &tf->path,
                                               &tf->log),
                     NGX_DECLINED);

    ngx_http_faas_test_file_equal(tf, &other, "y");
    ngx_http_faas_test_file_logged(tf, 0);

    assert_int_equal(ngx_http_faas_test_file_write(tf, &tf->path, "x", 1),
                     NGX_OK);
    assert_int_equal(ngx_http_faas_test_file_entries(tf, 0), 2);
}


/* a file of it is written to all the same, and who has to wait is told so */

static void
ngx_http_faas_test_file_lock(void **state)
{
    ngx_fd_t                    fd, other;
    ngx_str_t                   dir, none;
    ngx_uint_t                  i;
    ngx_http_faas_test_file_t  *tf = *state;

    dir.data = (u_char *) tf->dir;
    dir.len = ngx_strlen(tf->dir);

    for (i = 0; i < 3; i++) {
        fd = ngx_http_faas_file_lock(&dir, &tf->log);
        assert_int_not_equal(fd, NGX_INVALID_FILE);
        assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
        ngx_http_faas_test_file_logged(tf, 0);

        assert_int_equal(ngx_http_faas_test_file_write(tf, &tf->path, "x",
                                                       0),
                         NGX_OK);

        other = ngx_http_faas_file_lock(&dir, &tf->log);
        assert_int_equal(other, NGX_INVALID_FILE);
        assert_int_equal(ngx_errno, NGX_EAGAIN);
        ngx_http_faas_test_file_logged(tf, 0);

        (void) close(fd);
    }

    none = ngx_http_faas_test_file_path(tf, "none");

    assert_int_equal(ngx_http_faas_file_lock(&none, &tf->log),
                     NGX_INVALID_FILE);
    ngx_http_faas_test_file_logged(tf, NGX_LOG_ERR);
}


/* each adds one to what the last one wrote; one dies with the lock */

static void
ngx_http_faas_test_file_lock_race(void **state)
{
    int                         status;
    char                        text[2];
    ngx_fd_t                    fd;
    ngx_str_t                   dir;
    ngx_pid_t                   pid[4];
    ngx_uint_t                  i, round;
    ngx_http_faas_test_file_t  *tf = *state;

    dir.data = (u_char *) tf->dir;
    dir.len = ngx_strlen(tf->dir);

    text[0] = '!';
    text[1] = '\0';

    assert_int_equal(ngx_http_faas_test_file_write(tf, &tf->path, text, 0),
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

            if (ngx_http_faas_test_file_read(tf, &tf->path, 1) != NGX_OK) {
                _exit(1);
            }

            text[0] = (char) (tf->bytes.data[0] + 1);

            if (ngx_http_faas_test_file_write(tf, &tf->path, text, 0)
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
    ngx_http_faas_test_file_equal(tf, &tf->path, text);
    assert_int_equal(ngx_http_faas_test_file_entries(tf, 0), 1);
}


static ngx_str_t
ngx_http_faas_test_file_path(ngx_http_faas_test_file_t *tf, char *name)
{
    u_char     *p;
    ngx_str_t   path;

    path.len = ngx_strlen(tf->dir) + 1 + ngx_strlen(name);
    path.data = ngx_palloc(tf->pool, path.len + 1);
    assert_non_null(path.data);

    p = ngx_sprintf(path.data, "%s/%s", tf->dir, name);
    *p = '\0';

    return path;
}


static ngx_int_t
ngx_http_faas_test_file_stat(ngx_http_faas_test_file_t *tf, ngx_str_t *path)
{
    ngx_memset(&tf->identity, 0xa5, sizeof(ngx_http_faas_identity_t));

    return ngx_http_faas_file_stat(path, &tf->identity, &tf->log);
}


static ngx_int_t
ngx_http_faas_test_file_read(ngx_http_faas_test_file_t *tf, ngx_str_t *path,
    size_t max)
{
    ngx_memset(&tf->identity, 0xa5, sizeof(ngx_http_faas_identity_t));

    return ngx_http_faas_file_read(tf->pool, path, max, &tf->identity,
                                   &tf->bytes, tf->revision, &tf->log);
}


static ngx_int_t
ngx_http_faas_test_file_write(ngx_http_faas_test_file_t *tf, ngx_str_t *path,
    char *text, ngx_uint_t create)
{
    ngx_str_t  bytes;

    bytes.data = (u_char *) text;
    bytes.len = ngx_strlen(text);

    return ngx_http_faas_file_write(tf->pool, path, &bytes, create,
                                    &tf->log);
}


static void
ngx_http_faas_test_file_equal(ngx_http_faas_test_file_t *tf, ngx_str_t *path,
    char *text)
{
    assert_int_equal(ngx_http_faas_test_file_read(tf, path, 1000), NGX_OK);
    assert_int_equal(tf->bytes.len, ngx_strlen(text));
    assert_memory_equal(tf->bytes.data, text, tf->bytes.len);
}


/* one message of that level since the last look, or with 0 none */

static void
ngx_http_faas_test_file_logged(ngx_http_faas_test_file_t *tf,
    ngx_uint_t level)
{
    assert_int_equal(tf->logged, level ? 1 : 0);

    if (level) {
        assert_int_equal(tf->level, level);
    }

    tf->logged = 0;
}


/* how many there are, none of them a temporary one */

static ngx_uint_t
ngx_http_faas_test_file_entries(ngx_http_faas_test_file_t *tf,
    ngx_uint_t clear)
{
    DIR            *dir;
    ngx_uint_t      n;
    struct dirent  *de;

    dir = opendir(tf->dir);
    assert_non_null(dir);

    n = 0;

    while ((de = readdir(dir)) != NULL) {

        if (ngx_strcmp(de->d_name, ".") == 0
            || ngx_strcmp(de->d_name, "..") == 0)
        {
            continue;
        }

        n++;

        if (!clear) {
            assert_int_not_equal(de->d_name[0], '.');

        } else if (unlinkat(dirfd(dir), de->d_name, 0) == -1) {
            (void) unlinkat(dirfd(dir), de->d_name, AT_REMOVEDIR);
        }
    }

    (void) closedir(dir);

    return n;
}


static void
ngx_http_faas_test_file_writer(ngx_log_t *log, ngx_uint_t level, u_char *buf,
    size_t len)
{
    ngx_http_faas_test_file_t  *tf = log->wdata;

    tf->logged++;
    tf->level = level;
}
