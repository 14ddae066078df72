
/*
 * Copyright (C) the ngx_http_faas_module authors
 */


#ifndef _NGX_HTTP_FAAS_FILE_H_INCLUDED_
#define _NGX_HTTP_FAAS_FILE_H_INCLUDED_


#include "ngx_http_faas.h"


/* paths are NUL-terminated; none of these follows a symbolic link there */

/*
 * NGX_OK and the identity of a regular file; NGX_DECLINED when there is
 * none, NGX_ERROR, logged, when the system would not say.
 */
ngx_int_t ngx_http_faas_file_stat(ngx_str_t *path,
    ngx_http_faas_identity_t *identity, ngx_log_t *log);

/*
 * Reads a whole file of at most "max" bytes into the pool, and tells its
 * identity and the SHA-1 of its bytes (RFC 3174), 20 of them.  NGX_DECLINED
 * when it is not there, NGX_ERROR, logged, for all else.
 */
ngx_int_t ngx_http_faas_file_read(ngx_pool_t *pool, ngx_str_t *path,
    size_t max, ngx_http_faas_identity_t *identity, ngx_str_t *bytes,
    u_char *revision, ngx_log_t *log);

/*
 * Puts the bytes under that path, all or nothing: a file beside it, fsync,
 * rename, and fsync of the directory.  With "create" the path must be free,
 * else NGX_BUSY, whoever else does the same just now; NGX_BUSY also when a
 * directory is in the way.
 */
ngx_int_t ngx_http_faas_file_write(ngx_pool_t *pool, ngx_str_t *path,
    ngx_str_t *bytes, ngx_uint_t create, ngx_log_t *log);

/*
 * Locks a directory against all who write functions into it, for as long as
 * the descriptor is open.  NGX_INVALID_FILE with ngx_errno: NGX_EAGAIN when
 * somebody else has it, NGX_ENOENT when there is no directory; all but the
 * former are logged.
 */
ngx_fd_t ngx_http_faas_file_lock(ngx_str_t *dir, ngx_log_t *log);

/* NGX_DECLINED when there was none */
ngx_int_t ngx_http_faas_file_delete(ngx_pool_t *pool, ngx_str_t *path,
    ngx_log_t *log);


#endif /* _NGX_HTTP_FAAS_FILE_H_INCLUDED_ */
