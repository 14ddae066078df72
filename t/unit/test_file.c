
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Files of the functions directory as they are read, in a directory of the
 * test's own.
 */


#include "ngx_http_faas.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <sys/un.h>

#include "ngx_http_faas_unit_file.h"


#define ngx_http_faas_test_case(name)                                        \
    cmocka_unit_test_setup_teardown(ngx_http_faas_test_file_##name,          \
                                    ngx_http_faas_unit_file_setup,           \
                                    ngx_http_faas_unit_file_teardown)


typedef struct {
    ngx_str_t    text;
    char        *sha1;
} ngx_http_faas_test_file_sha1_t;


int ngx_http_faas_test_file(void);

static void ngx_http_faas_test_file_round_trip(void **state);
static void ngx_http_faas_test_file_revision(void **state);
static void ngx_http_faas_test_file_identity(void **state);
static void ngx_http_faas_test_file_absent(void **state);
static void ngx_http_faas_test_file_no_directory(void **state);
static void ngx_http_faas_test_file_limit(void **state);
static void ngx_http_faas_test_file_symlink(void **state);
static void ngx_http_faas_test_file_directory(void **state);
static void ngx_http_faas_test_file_special(void **state);
static void ngx_http_faas_test_file_delete(void **state);
static ngx_int_t ngx_http_faas_test_file_stat(ngx_http_faas_unit_file_t *tf,
    ngx_str_t *path);


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
        ngx_http_faas_test_case(symlink),
        ngx_http_faas_test_case(directory),
        ngx_http_faas_test_case(special),
        ngx_http_faas_test_case(delete)
    };

    return cmocka_run_group_tests_name("file", tests, NULL, NULL);
}


/* any bytes of any size come back as they were */

static void
ngx_http_faas_test_file_round_trip(void **state)
{
    ngx_str_t                   bytes;
    ngx_uint_t                  i, j;
    struct stat                 st;
    ngx_http_faas_unit_file_t  *tf = *state;

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

        assert_int_equal(ngx_http_faas_unit_file_read(tf, &tf->path,
                                                  NGX_HTTP_FAAS_SOURCE_SIZE),
                         NGX_OK);

        assert_int_equal(tf->bytes.len, bytes.len);
        assert_memory_equal(tf->bytes.data, bytes.data, bytes.len);
        assert_int_equal(tf->identity.size, bytes.len);

        assert_int_equal(ngx_http_faas_unit_file_entries(tf, 0), 1);
    }

    /* it is the file of the user who wrote it, and readable */

    assert_int_equal(stat((char *) tf->path.data, &st), 0);
    assert_int_equal(st.st_nlink, 1);
    assert_int_equal(st.st_mode & (S_IFMT|0700), S_IFREG|0600);
    assert_int_equal(st.st_mode & 0022, 0);

    ngx_http_faas_unit_file_logged(tf, 0);
}


/* the test vectors of RFC 3174, and the empty text */

static void
ngx_http_faas_test_file_revision(void **state)
{
    char                            *million;
    u_char                           hex[2 * NGX_HTTP_FAAS_REVISION_LEN];
    ngx_str_t                        bytes;
    ngx_uint_t                       i;
    ngx_http_faas_unit_file_t       *tf = *state;
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
        assert_int_equal(ngx_http_faas_unit_file_read(tf, &tf->path, 1000000),
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
    ngx_http_faas_unit_file_t  *tf = *state;

    assert_int_equal(ngx_http_faas_unit_file_write(tf, &tf->path, "one", 0),
                     NGX_OK);

    assert_int_equal(ngx_http_faas_test_file_stat(tf, &tf->path), NGX_OK);
    first = tf->identity;

    assert_int_equal(stat((char *) tf->path.data, &st), 0);
    assert_int_equal(first.uniq, st.st_ino);
    assert_int_equal(first.size, 3);
    assert_int_equal(first.sec, st.st_mtim.tv_sec);
    assert_int_equal(first.nsec, st.st_mtim.tv_nsec);

    assert_int_equal(ngx_http_faas_unit_file_read(tf, &tf->path, 3), NGX_OK);
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

    assert_int_equal(ngx_http_faas_unit_file_write(tf, &tf->path, "two", 0),
                     NGX_OK);
    assert_int_equal(ngx_http_faas_test_file_stat(tf, &tf->path), NGX_OK);
    assert_int_not_equal(tf->identity.uniq, first.uniq);

    ngx_http_faas_unit_file_logged(tf, 0);
}


static void
ngx_http_faas_test_file_absent(void **state)
{
    char                        name[300];
    ngx_str_t                   path;
    ngx_http_faas_unit_file_t  *tf = *state;

    /* nothing is logged: anybody may ask for any name */

    assert_int_equal(ngx_http_faas_test_file_stat(tf, &tf->path),
                     NGX_DECLINED);
    assert_int_equal(ngx_http_faas_unit_file_read(tf, &tf->path, 100),
                     NGX_DECLINED);
    assert_int_equal(ngx_http_faas_file_delete(tf->pool, &tf->path,
                                               &tf->log),
                     NGX_DECLINED);

    ngx_memset(name, 'a', 299);
    name[299] = '\0';

    path = ngx_http_faas_unit_file_path(tf, name);
    assert_int_equal(ngx_http_faas_test_file_stat(tf, &path), NGX_DECLINED);

    path = ngx_http_faas_unit_file_path(tf, "none/file");
    assert_int_equal(ngx_http_faas_test_file_stat(tf, &path), NGX_DECLINED);

    assert_int_equal(ngx_http_faas_unit_file_write(tf, &tf->path, "", 0),
                     NGX_OK);

    path = ngx_http_faas_unit_file_path(tf, "file/file");
    assert_int_equal(ngx_http_faas_test_file_stat(tf, &path), NGX_DECLINED);

    ngx_http_faas_unit_file_logged(tf, 0);
}


static void
ngx_http_faas_test_file_no_directory(void **state)
{
    ngx_str_t                   path;
    ngx_http_faas_unit_file_t  *tf = *state;

    path = ngx_http_faas_unit_file_path(tf, "none/file");

    assert_int_equal(ngx_http_faas_unit_file_write(tf, &path, "x", 0),
                     NGX_ERROR);
    ngx_http_faas_unit_file_logged(tf, NGX_LOG_CRIT);

    assert_int_equal(ngx_http_faas_unit_file_write(tf, &path, "x", 1),
                     NGX_ERROR);
    ngx_http_faas_unit_file_logged(tf, NGX_LOG_CRIT);

    assert_int_equal(ngx_http_faas_unit_file_entries(tf, 0), 0);
}


static void
ngx_http_faas_test_file_limit(void **state)
{
    ngx_http_faas_unit_file_t  *tf = *state;

    assert_int_equal(ngx_http_faas_unit_file_write(tf, &tf->path,
                                                   "0123456789", 0),
                     NGX_OK);

    assert_int_equal(ngx_http_faas_unit_file_read(tf, &tf->path, 11), NGX_OK);
    assert_int_equal(ngx_http_faas_unit_file_read(tf, &tf->path, 10), NGX_OK);
    assert_int_equal(tf->bytes.len, 10);
    ngx_http_faas_unit_file_logged(tf, 0);

    assert_int_equal(ngx_http_faas_unit_file_read(tf, &tf->path, 9),
                     NGX_ERROR);
    ngx_http_faas_unit_file_logged(tf, NGX_LOG_ERR);

    /* a hole of more bytes than there is memory */

    assert_int_equal(truncate((char *) tf->path.data, (off_t) 1 << 40), 0);

    assert_int_equal(ngx_http_faas_unit_file_read(tf, &tf->path,
                                                  NGX_HTTP_FAAS_SOURCE_SIZE),
                     NGX_ERROR);
    ngx_http_faas_unit_file_logged(tf, NGX_LOG_ERR);

    assert_int_equal(ngx_http_faas_test_file_stat(tf, &tf->path), NGX_OK);
}


/* it is no function, whatever it points to, and is not written through */

static void
ngx_http_faas_test_file_symlink(void **state)
{
    ngx_uint_t                  i;
    ngx_str_t                   target, path;
    struct stat                 st;
    ngx_http_faas_unit_file_t  *tf = *state;

    static char  *targets[] = {
        "target", "none", "link", ".", "/etc/passwd", "/dev/zero"
    };

    target = ngx_http_faas_unit_file_path(tf, "target");
    path = ngx_http_faas_unit_file_path(tf, "link");

    assert_int_equal(ngx_http_faas_unit_file_write(tf, &target, "secret", 0),
                     NGX_OK);

    for (i = 0; i < sizeof(targets) / sizeof(char *); i++) {

        assert_int_equal(symlink(targets[i], (char *) path.data), 0);

        assert_int_equal(ngx_http_faas_test_file_stat(tf, &path),
                         NGX_DECLINED);
        ngx_http_faas_unit_file_logged(tf, 0);

        assert_int_equal(ngx_http_faas_unit_file_read(tf, &path, 100),
                         NGX_ERROR);
        ngx_http_faas_unit_file_logged(tf, NGX_LOG_ERR);

        assert_int_equal(ngx_http_faas_unit_file_write(tf, &path, "x", 1),
                         NGX_BUSY);
        assert_int_equal(lstat((char *) path.data, &st), 0);
        assert_true(S_ISLNK(st.st_mode));

        /* replaced itself, or deleted itself */

        if (i & 1) {
            assert_int_equal(ngx_http_faas_unit_file_write(tf, &path, "x",
                                                           0),
                             NGX_OK);
            assert_int_equal(lstat((char *) path.data, &st), 0);
            assert_true(S_ISREG(st.st_mode));
        }

        assert_int_equal(ngx_http_faas_file_delete(tf->pool, &path,
                                                   &tf->log),
                         NGX_OK);

        ngx_http_faas_unit_file_logged(tf, 0);
        ngx_http_faas_unit_file_equal(tf, &target, "secret");
        assert_int_equal(ngx_http_faas_unit_file_entries(tf, 0), 1);
    }

    /* a directory of the path may be one: that is for who configured it */

    assert_int_equal(symlink(".", (char *) path.data), 0);

    target = ngx_http_faas_unit_file_path(tf, "link/target");
    ngx_http_faas_unit_file_equal(tf, &target, "secret");
}


static void
ngx_http_faas_test_file_directory(void **state)
{
    ngx_http_faas_unit_file_t  *tf = *state;

    assert_int_equal(mkdir((char *) tf->path.data, 0700), 0);

    assert_int_equal(ngx_http_faas_test_file_stat(tf, &tf->path),
                     NGX_DECLINED);
    assert_int_equal(ngx_http_faas_unit_file_read(tf, &tf->path, 100),
                     NGX_DECLINED);
    assert_int_equal(ngx_http_faas_unit_file_write(tf, &tf->path, "x", 1),
                     NGX_BUSY);
    assert_int_equal(ngx_http_faas_unit_file_write(tf, &tf->path, "x", 0),
                     NGX_BUSY);
    ngx_http_faas_unit_file_logged(tf, 0);

    assert_int_equal(ngx_http_faas_file_delete(tf->pool, &tf->path,
                                               &tf->log),
                     NGX_ERROR);
    ngx_http_faas_unit_file_logged(tf, NGX_LOG_CRIT);

    assert_int_equal(ngx_http_faas_unit_file_entries(tf, 0), 1);
}


/* a pipe does not block, a device is not read, nor is a socket */

static void
ngx_http_faas_test_file_special(void **state)
{
    int                         s;
    ngx_str_t                   path;
    struct sockaddr_un          sun;
    ngx_http_faas_unit_file_t  *tf = *state;

    assert_int_equal(mkfifo((char *) tf->path.data, 0600), 0);

    assert_int_equal(ngx_http_faas_test_file_stat(tf, &tf->path),
                     NGX_DECLINED);
    assert_int_equal(ngx_http_faas_unit_file_read(tf, &tf->path, 100),
                     NGX_DECLINED);

    ngx_str_set(&path, "/dev/zero");

    assert_int_equal(ngx_http_faas_test_file_stat(tf, &path), NGX_DECLINED);
    assert_int_equal(ngx_http_faas_unit_file_read(tf, &path, 100),
                     NGX_DECLINED);

    ngx_http_faas_unit_file_logged(tf, 0);

    path = ngx_http_faas_unit_file_path(tf, "socket");

    ngx_memzero(&sun, sizeof(struct sockaddr_un));
    sun.sun_family = AF_UNIX;
    ngx_memcpy(sun.sun_path, path.data, path.len);

    s = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_not_equal(s, -1);
    assert_int_equal(bind(s, (struct sockaddr *) &sun, sizeof(sun)), 0);

    assert_int_equal(ngx_http_faas_test_file_stat(tf, &path), NGX_DECLINED);
    assert_int_not_equal(ngx_http_faas_unit_file_read(tf, &path, 100),
                         NGX_OK);

    (void) close(s);
}


static void
ngx_http_faas_test_file_delete(void **state)
{
    ngx_str_t                   other;
    ngx_http_faas_unit_file_t  *tf = *state;

    other = ngx_http_faas_unit_file_path(tf, "other");

    assert_int_equal(ngx_http_faas_unit_file_write(tf, &tf->path, "x", 0),
                     NGX_OK);
    assert_int_equal(ngx_http_faas_unit_file_write(tf, &other, "y", 0),
                     NGX_OK);

    assert_int_equal(ngx_http_faas_file_delete(tf->pool, &tf->path,
                                               &tf->log),
                     NGX_OK);
    assert_int_equal(ngx_http_faas_test_file_stat(tf, &tf->path),
                     NGX_DECLINED);
    assert_int_equal(ngx_http_faas_file_delete(tf->pool, &tf->path,
                                               &tf->log),
                     NGX_DECLINED);

    ngx_http_faas_unit_file_equal(tf, &other, "y");
    ngx_http_faas_unit_file_logged(tf, 0);

    assert_int_equal(ngx_http_faas_unit_file_write(tf, &tf->path, "x", 1),
                     NGX_OK);
    assert_int_equal(ngx_http_faas_unit_file_entries(tf, 0), 2);
}


static ngx_int_t
ngx_http_faas_test_file_stat(ngx_http_faas_unit_file_t *tf, ngx_str_t *path)
{
    ngx_memset(&tf->identity, 0xa5, sizeof(ngx_http_faas_identity_t));

    return ngx_http_faas_file_stat(path, &tf->identity, &tf->log);
}
