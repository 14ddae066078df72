
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Owns the files of the functions directory.  Reading and writing blocks, as
 * everywhere in nginx; the files are small and local.
 */


#include "ngx_http_faas_file.h"

#include <ngx_sha1.h>

#include <sys/file.h>


static void ngx_http_faas_file_identity(struct stat *st,
    ngx_http_faas_identity_t *identity);
static ngx_int_t ngx_http_faas_file_load(ngx_pool_t *pool, ngx_fd_t fd,
    ngx_str_t *path, size_t max, ngx_str_t *bytes,
    ngx_http_faas_identity_t *identity, ngx_log_t *log);
static ngx_int_t ngx_http_faas_file_temp(ngx_pool_t *pool, ngx_str_t *path,
    ngx_str_t *temp);
static ngx_int_t ngx_http_faas_file_store(ngx_str_t *temp, ngx_str_t *bytes,
    ngx_log_t *log);
static ngx_int_t ngx_http_faas_file_sync_dir(ngx_pool_t *pool,
    ngx_str_t *path, ngx_log_t *log);


static void
ngx_http_faas_file_identity(struct stat *st,
    ngx_http_faas_identity_t *identity)
{
    identity->uniq = st->st_ino;
    identity->size = st->st_size;
    identity->sec = st->st_mtim.tv_sec;
    identity->nsec = st->st_mtim.tv_nsec;
}


ngx_int_t
ngx_http_faas_file_stat(ngx_str_t *path, ngx_http_faas_identity_t *identity,
    ngx_log_t *log)
{
    ngx_err_t    err;
    struct stat  st;

    if (lstat((char *) path->data, &st) == -1) {
        err = ngx_errno;

        if (err == NGX_ENOENT || err == NGX_ENOTDIR
            || err == NGX_ENAMETOOLONG)
        {
            return NGX_DECLINED;
        }

        ngx_log_error(NGX_LOG_ERR, log, err, "faas: lstat(\"%s\") failed",
                      path->data);
        return NGX_ERROR;
    }

    if (!S_ISREG(st.st_mode)) {
        return NGX_DECLINED;
    }

    ngx_http_faas_file_identity(&st, identity);

    return NGX_OK;
}


ngx_int_t
ngx_http_faas_file_read(ngx_pool_t *pool, ngx_str_t *path, size_t max,
    ngx_http_faas_identity_t *identity, ngx_str_t *bytes, u_char *revision,
    ngx_log_t *log)
{
    ngx_fd_t    fd;
    ngx_int_t   rc;
    ngx_err_t   err;
    ngx_sha1_t  sha1;

    fd = open((char *) path->data,
              O_RDONLY|O_NOFOLLOW|O_NONBLOCK|O_CLOEXEC);

    if (fd == NGX_INVALID_FILE) {
        err = ngx_errno;

        if (err == NGX_ENOENT) {
            return NGX_DECLINED;
        }

        ngx_log_error(NGX_LOG_ERR, log, err, "faas: open(\"%s\") failed",
                      path->data);
        return NGX_ERROR;
    }

    rc = ngx_http_faas_file_load(pool, fd, path, max, bytes, identity, log);

    if (ngx_close_file(fd) == NGX_FILE_ERROR) {
        ngx_log_error(NGX_LOG_ALERT, log, ngx_errno,
                      "faas: close(\"%s\") failed", path->data);
    }

    if (rc != NGX_OK) {
        return rc;
    }

    ngx_sha1_init(&sha1);
    ngx_sha1_update(&sha1, bytes->data, bytes->len);
    ngx_sha1_final(revision, &sha1);

    return NGX_OK;
}


static ngx_int_t
ngx_http_faas_file_load(ngx_pool_t *pool, ngx_fd_t fd, ngx_str_t *path,
    size_t max, ngx_str_t *bytes, ngx_http_faas_identity_t *identity,
    ngx_log_t *log)
{
    ssize_t      n;
    size_t       size;
    struct stat  st;

    if (fstat(fd, &st) == -1) {
        ngx_log_error(NGX_LOG_ERR, log, ngx_errno,
                      "faas: fstat(\"%s\") failed", path->data);
        return NGX_ERROR;
    }

    if (!S_ISREG(st.st_mode)) {
        return NGX_DECLINED;
    }

    if (st.st_size > (off_t) max) {
        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "faas: \"%s\" is larger than %uz bytes",
                      path->data, max);
        return NGX_ERROR;
    }

    size = (size_t) st.st_size;

    bytes->len = 0;
    bytes->data = ngx_pnalloc(pool, size + 1);
    if (bytes->data == NULL) {
        return NGX_ERROR;
    }

    while (bytes->len < size) {
        n = read(fd, bytes->data + bytes->len, size - bytes->len);

        if (n == -1 && ngx_errno == NGX_EINTR) {
            continue;
        }

        if (n == -1) {
            ngx_log_error(NGX_LOG_ERR, log, ngx_errno,
                          "faas: read(\"%s\") failed", path->data);
            return NGX_ERROR;
        }

        if (n == 0) {
            break;
        }

        bytes->len += n;
    }

    /*
     * A file that was written to meanwhile has got another time, and so
     * another identity at the next look, or is young enough to be read again.
     */

    ngx_http_faas_file_identity(&st, identity);

    return NGX_OK;
}


ngx_int_t
ngx_http_faas_file_write(ngx_pool_t *pool, ngx_str_t *path, ngx_str_t *bytes,
    ngx_uint_t create, ngx_log_t *log)
{
    int        n;
    ngx_err_t  err;
    ngx_str_t  temp;

    if (ngx_http_faas_file_temp(pool, path, &temp) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_http_faas_file_store(&temp, bytes, log) != NGX_OK) {
        goto failed;
    }

    /* link() fails where rename() would replace */

    n = create ? link((char *) temp.data, (char *) path->data)
               : rename((char *) temp.data, (char *) path->data);

    if (n == -1) {
        err = ngx_errno;

        if ((create && err == NGX_EEXIST) || err == NGX_EISDIR) {
            (void) ngx_delete_file(temp.data);
            return NGX_BUSY;
        }

        ngx_log_error(NGX_LOG_CRIT, log, err, "faas: %s(\"%s\") failed",
                      create ? "link" : "rename", path->data);
        goto failed;
    }

    if (create && ngx_delete_file(temp.data) == NGX_FILE_ERROR) {
        ngx_log_error(NGX_LOG_CRIT, log, ngx_errno,
                      ngx_delete_file_n " \"%s\" failed", temp.data);
    }

    return ngx_http_faas_file_sync_dir(pool, path, log);

failed:

    (void) ngx_delete_file(temp.data);

    return NGX_ERROR;
}


/* beside the file; no function has a name with a leading dot */

static ngx_int_t
ngx_http_faas_file_temp(ngx_pool_t *pool, ngx_str_t *path, ngx_str_t *temp)
{
    u_char  *p, *base;

    temp->data = ngx_pnalloc(pool, path->len + sizeof("...tmp")
                                   + NGX_INT64_LEN + 8);
    if (temp->data == NULL) {
        return NGX_ERROR;
    }

    for (base = path->data + path->len; base > path->data; base--) {
        if (base[-1] == '/') {
            break;
        }
    }

    p = ngx_cpymem(temp->data, path->data, base - path->data);
    p = ngx_sprintf(p, ".%P.%08xD.tmp", ngx_pid, (uint32_t) ngx_random());

    *p = '\0';
    temp->len = p - temp->data;

    return NGX_OK;
}


static ngx_int_t
ngx_http_faas_file_store(ngx_str_t *temp, ngx_str_t *bytes, ngx_log_t *log)
{
    size_t     done;
    ssize_t    n;
    ngx_fd_t   fd;

    fd = open((char *) temp->data, O_WRONLY|O_CREAT|O_EXCL|O_CLOEXEC, 0644);

    if (fd == NGX_INVALID_FILE) {
        ngx_log_error(NGX_LOG_CRIT, log, ngx_errno,
                      "faas: open(\"%s\") failed", temp->data);
        return NGX_ERROR;
    }

    for (done = 0; done < bytes->len; done += n) {
        n = write(fd, bytes->data + done, bytes->len - done);

        if (n == -1 && ngx_errno == NGX_EINTR) {
            n = 0;
            continue;
        }

        if (n == -1) {
            ngx_log_error(NGX_LOG_CRIT, log, ngx_errno,
                          "faas: write(\"%s\") failed", temp->data);
            goto failed;
        }
    }

    if (fsync(fd) == -1) {
        ngx_log_error(NGX_LOG_CRIT, log, ngx_errno,
                      "faas: fsync(\"%s\") failed", temp->data);
        goto failed;
    }

    if (ngx_close_file(fd) == NGX_FILE_ERROR) {
        ngx_log_error(NGX_LOG_CRIT, log, ngx_errno,
                      "faas: close(\"%s\") failed", temp->data);
        return NGX_ERROR;
    }

    return NGX_OK;

failed:

    (void) ngx_close_file(fd);

    return NGX_ERROR;
}


static ngx_int_t
ngx_http_faas_file_sync_dir(ngx_pool_t *pool, ngx_str_t *path,
    ngx_log_t *log)
{
    u_char    *dir, *p;
    ngx_fd_t   fd;
    ngx_int_t  rc;

    dir = ngx_pnalloc(pool, path->len + 1);
    if (dir == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(dir, path->data, path->len);

    for (p = dir + path->len; p > dir && p[-1] != '/'; p--) { /* void */ }

    *p = '\0';
    rc = NGX_OK;

    fd = open((char *) dir, O_RDONLY|O_DIRECTORY|O_CLOEXEC);

    if (fd == NGX_INVALID_FILE) {
        ngx_log_error(NGX_LOG_CRIT, log, ngx_errno,
                      "faas: open(\"%s\") failed", dir);
        return NGX_ERROR;
    }

    if (fsync(fd) == -1) {
        ngx_log_error(NGX_LOG_CRIT, log, ngx_errno,
                      "faas: fsync(\"%s\") failed", dir);
        rc = NGX_ERROR;
    }

    (void) ngx_close_file(fd);

    return rc;
}


ngx_fd_t
ngx_http_faas_file_lock(ngx_str_t *dir, ngx_log_t *log)
{
    ngx_fd_t   fd;
    ngx_err_t  err;

    fd = open((char *) dir->data, O_RDONLY|O_DIRECTORY|O_CLOEXEC);

    if (fd == NGX_INVALID_FILE) {
        err = ngx_errno;

        ngx_log_error(NGX_LOG_ERR, log, err, "faas: open(\"%s\") failed",
                      dir->data);
        ngx_set_errno(err);
        return NGX_INVALID_FILE;
    }

    if (flock(fd, LOCK_EX|LOCK_NB) == 0) {
        return fd;
    }

    err = ngx_errno;

    if (err != NGX_EAGAIN) {
        ngx_log_error(NGX_LOG_ERR, log, err, "faas: flock(\"%s\") failed",
                      dir->data);
    }

    (void) ngx_close_file(fd);
    ngx_set_errno(err);

    return NGX_INVALID_FILE;
}


ngx_int_t
ngx_http_faas_file_delete(ngx_pool_t *pool, ngx_str_t *path, ngx_log_t *log)
{
    ngx_err_t  err;

    if (ngx_delete_file(path->data) == NGX_FILE_ERROR) {
        err = ngx_errno;

        if (err == NGX_ENOENT) {
            return NGX_DECLINED;
        }

        ngx_log_error(NGX_LOG_CRIT, log, err,
                      ngx_delete_file_n " \"%s\" failed", path->data);
        return NGX_ERROR;
    }

    return ngx_http_faas_file_sync_dir(pool, path, log);
}
