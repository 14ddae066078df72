
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * A directory of the test's own, and what is read from there and logged.
 */


#include "ngx_http_faas.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "ngx_http_faas_unit_file.h"


static void ngx_http_faas_unit_file_writer(ngx_log_t *log, ngx_uint_t level,
    u_char *buf, size_t len);


int
ngx_http_faas_unit_file_setup(void **state)
{
    ngx_pool_t                 *pool;
    ngx_http_faas_unit_file_t  *tf;

    pool = ngx_create_pool(4096, ngx_cycle->log);
    if (pool == NULL) {
        return -1;
    }

    tf = ngx_pcalloc(pool, sizeof(ngx_http_faas_unit_file_t));
    if (tf == NULL) {
        return -1;
    }

    tf->pool = pool;

    tf->log.log_level = NGX_LOG_INFO;
    tf->log.writer = ngx_http_faas_unit_file_writer;
    tf->log.wdata = tf;

    ngx_use_stderr = 0;

    strcpy(tf->dir, "/tmp/faas-unit.XXXXXX");

    if (mkdtemp(tf->dir) == NULL) {
        return -1;
    }

    tf->path = ngx_http_faas_unit_file_path(tf, "file");

    *state = tf;

    return 0;
}


int
ngx_http_faas_unit_file_teardown(void **state)
{
    ngx_http_faas_unit_file_t  *tf = *state;

    ngx_use_stderr = 1;

    (void) ngx_http_faas_unit_file_entries(tf, 1);
    (void) rmdir(tf->dir);

    ngx_destroy_pool(tf->pool);

    return 0;
}


ngx_str_t
ngx_http_faas_unit_file_path(ngx_http_faas_unit_file_t *tf, char *name)
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


ngx_int_t
ngx_http_faas_unit_file_read(ngx_http_faas_unit_file_t *tf, ngx_str_t *path,
    size_t max)
{
    ngx_memset(&tf->identity, 0xa5, sizeof(ngx_http_faas_identity_t));

    return ngx_http_faas_file_read(tf->pool, path, max, &tf->identity,
                                   &tf->bytes, tf->revision, &tf->log);
}


ngx_int_t
ngx_http_faas_unit_file_write(ngx_http_faas_unit_file_t *tf, ngx_str_t *path,
    char *text, ngx_uint_t create)
{
    ngx_str_t  bytes;

    bytes.data = (u_char *) text;
    bytes.len = ngx_strlen(text);

    return ngx_http_faas_file_write(tf->pool, path, &bytes, create,
                                    &tf->log);
}


void
ngx_http_faas_unit_file_equal(ngx_http_faas_unit_file_t *tf, ngx_str_t *path,
    char *text)
{
    assert_int_equal(ngx_http_faas_unit_file_read(tf, path, 1000), NGX_OK);
    assert_int_equal(tf->bytes.len, ngx_strlen(text));
    assert_memory_equal(tf->bytes.data, text, tf->bytes.len);
}


void
ngx_http_faas_unit_file_logged(ngx_http_faas_unit_file_t *tf,
    ngx_uint_t level)
{
    assert_int_equal(tf->logged, level ? 1 : 0);

    if (level) {
        assert_int_equal(tf->level, level);
    }

    tf->logged = 0;
}


ngx_uint_t
ngx_http_faas_unit_file_entries(ngx_http_faas_unit_file_t *tf,
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
ngx_http_faas_unit_file_writer(ngx_log_t *log, ngx_uint_t level, u_char *buf,
    size_t len)
{
    ngx_http_faas_unit_file_t  *tf = log->wdata;

    tf->logged++;
    tf->level = level;
}
