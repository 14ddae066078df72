
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Reads one HTTP/1.x response into memory, with nginx's parsers of a status
 * line, header lines and chunks.  The header is copied into a buffer of its
 * own first: nginx's parsers keep pointers into what they read, and the
 * caller's buffer may be reused between calls.  All memory is of the pool.
 */


#include "ngx_http_faas_http1.h"


#define NGX_HTTP_FAAS_HTTP1_HEADER_SIZE  8192
#define NGX_HTTP_FAAS_HTTP1_BODY_SIZE    1024


#define ngx_http_faas_http1_is(name, literal)                                 \
    ((name)->len == sizeof(literal) - 1                                       \
     && ngx_strncasecmp((name)->data, (u_char *) literal,                     \
                        sizeof(literal) - 1)                                  \
        == 0)


static ngx_int_t ngx_http_faas_http1_response(ngx_http_faas_http1_t *h,
    ngx_buf_t *b);
static ngx_int_t ngx_http_faas_http1_head(ngx_http_faas_http1_t *h,
    ngx_buf_t *b);
static ngx_int_t ngx_http_faas_http1_lines(ngx_http_faas_http1_t *h);
static ngx_int_t ngx_http_faas_http1_status(ngx_http_faas_http1_t *h);
static ngx_int_t ngx_http_faas_http1_field(ngx_http_faas_http1_t *h);
static ngx_int_t ngx_http_faas_http1_head_done(ngx_http_faas_http1_t *h);
static ngx_int_t ngx_http_faas_http1_chunked(ngx_http_faas_http1_t *h,
    ngx_buf_t *b);
static ngx_int_t ngx_http_faas_http1_append(ngx_http_faas_http1_t *h,
    ngx_buf_t *b, off_t max);
static ngx_int_t ngx_http_faas_http1_reserve(ngx_http_faas_http1_t *h,
    size_t n);


ngx_int_t
ngx_http_faas_http1_init(ngx_http_faas_http1_t *h, ngx_http_request_t *r,
    ngx_pool_t *pool, size_t cap)
{
    u_char  *p;

    ngx_memzero(h, sizeof(ngx_http_faas_http1_t));

    p = ngx_pnalloc(pool, NGX_HTTP_FAAS_HTTP1_HEADER_SIZE);
    if (p == NULL) {
        h->failed = 1;
        return NGX_ERROR;
    }

    h->header.start = p;
    h->header.pos = p;
    h->header.last = p;
    h->header.end = p + NGX_HTTP_FAAS_HTTP1_HEADER_SIZE;

    h->pool = pool;
    h->request = r;
    h->length = -1;
    h->cap = cap;

    r->state = 0;

    return NGX_OK;
}


ngx_int_t
ngx_http_faas_http1_parse(ngx_http_faas_http1_t *h, ngx_buf_t *b)
{
    ngx_int_t  rc;

    if (h->failed) {
        return NGX_ERROR;
    }

    if (h->done) {
        return NGX_OK;
    }

    rc = ngx_http_faas_http1_response(h, b);

    if (rc == NGX_OK) {
        h->done = 1;

    } else if (rc == NGX_ERROR) {
        h->failed = 1;
    }

    return rc;
}


ngx_int_t
ngx_http_faas_http1_eof(ngx_http_faas_http1_t *h)
{
    if (h->failed) {
        return NGX_ERROR;
    }

    if (h->header_done && !h->chunked && h->length == -1) {
        h->done = 1;
    }

    return h->done ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_http_faas_http1_response(ngx_http_faas_http1_t *h, ngx_buf_t *b)
{
    ngx_int_t  rc;

    if (!h->header_done) {
        rc = ngx_http_faas_http1_head(h, b);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    if (h->chunked) {
        return ngx_http_faas_http1_chunked(h, b);
    }

    if (h->length == -1) {
        rc = ngx_http_faas_http1_append(h, b, b->last - b->pos);

        return rc == NGX_OK ? NGX_AGAIN : NGX_ERROR;
    }

    rc = ngx_http_faas_http1_append(h, b, h->length - (off_t) h->body.len);

    if (rc != NGX_OK) {
        return NGX_ERROR;
    }

    return (off_t) h->body.len == h->length ? NGX_OK : NGX_AGAIN;
}


static ngx_int_t
ngx_http_faas_http1_head(ngx_http_faas_http1_t *h, ngx_buf_t *b)
{
    size_t      n;
    ngx_int_t   rc;
    ngx_buf_t  *header;

    header = &h->header;

    n = ngx_min(b->last - b->pos, header->end - header->last);

    header->last = ngx_cpymem(header->last, b->pos, n);
    b->pos += n;

    rc = ngx_http_faas_http1_lines(h);

    if (rc == NGX_AGAIN) {
        return header->last == header->end ? NGX_ERROR : NGX_AGAIN;
    }

    if (rc == NGX_OK) {
        /* what is behind the header came with this very buffer */
        b->pos -= header->last - header->pos;
        header->last = header->pos;
    }

    return rc;
}


static ngx_int_t
ngx_http_faas_http1_lines(ngx_http_faas_http1_t *h)
{
    ngx_int_t  rc;

    for ( ;; ) {

        if (!h->line_done) {
            rc = ngx_http_faas_http1_status(h);

            if (rc != NGX_OK) {
                return rc;
            }
        }

        rc = ngx_http_parse_header_line(h->request, &h->header, 1);

        if (rc == NGX_OK) {

            if (ngx_http_faas_http1_field(h) != NGX_OK) {
                return NGX_ERROR;
            }

            continue;
        }

        if (rc == NGX_HTTP_PARSE_HEADER_DONE) {

            rc = ngx_http_faas_http1_head_done(h);

            if (rc == NGX_DECLINED) {
                continue;
            }

            return rc;
        }

        return rc == NGX_AGAIN ? NGX_AGAIN : NGX_ERROR;
    }
}


static ngx_int_t
ngx_http_faas_http1_status(ngx_http_faas_http1_t *h)
{
    ngx_int_t  rc;

    rc = ngx_http_parse_status_line(h->request, &h->header, &h->line);

    if (rc != NGX_OK) {
        return rc;
    }

    if (h->line.http_version / 1000 != 1
        || h->line.code < 100
        || h->line.code > 599)
    {
        return NGX_ERROR;
    }

    h->line_done = 1;

    return NGX_OK;
}


static ngx_int_t
ngx_http_faas_http1_field(ngx_http_faas_http1_t *h)
{
    off_t                length;
    ngx_str_t            name, value;
    ngx_http_request_t  *r;

    r = h->request;

    if (r->invalid_header) {
        return NGX_OK;
    }

    name.data = r->header_name_start;
    name.len = r->header_name_end - r->header_name_start;
    value.data = r->header_start;
    value.len = r->header_end - r->header_start;

    if (ngx_http_faas_http1_is(&name, "Content-Length")) {
        length = ngx_atoof(value.data, value.len);

        if (length == NGX_ERROR || (h->length != -1 && h->length != length)) {
            return NGX_ERROR;
        }

        h->length = length;

        return NGX_OK;
    }

    if (ngx_http_faas_http1_is(&name, "Transfer-Encoding")) {

        if (h->chunked || !ngx_http_faas_http1_is(&value, "chunked")) {
            return NGX_ERROR;
        }

        h->chunked = 1;

        return NGX_OK;
    }

    if (ngx_http_faas_http1_is(&name, "Api-Version")) {
        h->api_version = value;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_faas_http1_head_done(ngx_http_faas_http1_t *h)
{
    if (h->line.code == NGX_HTTP_SWITCHING_PROTOCOLS) {
        return NGX_ERROR;
    }

    if (h->line.code < NGX_HTTP_OK) {

        /* an interim response: the real one follows */

        ngx_memzero(&h->line, sizeof(ngx_http_status_t));
        ngx_str_null(&h->api_version);
        h->line_done = 0;
        h->chunked = 0;
        h->length = -1;

        return NGX_DECLINED;
    }

    if (h->line.code == NGX_HTTP_NO_CONTENT
        || h->line.code == NGX_HTTP_NOT_MODIFIED)
    {
        h->chunked = 0;
        h->length = 0;

    } else if (h->chunked
               && (h->length != -1 || h->line.http_version < 1001))
    {
        return NGX_ERROR;
    }

    if (h->length > (off_t) h->cap) {
        return NGX_ERROR;
    }

    h->status = h->line.code;
    h->header_done = 1;

    return NGX_OK;
}


static ngx_int_t
ngx_http_faas_http1_chunked(ngx_http_faas_http1_t *h, ngx_buf_t *b)
{
    size_t     n;
    ngx_int_t  rc;

    for ( ;; ) {

        /* the 4th argument, keep_trailers, came with nginx 1.27.2 */

#if (nginx_version >= 1027002)
        rc = ngx_http_parse_chunked(h->request, b, &h->chunks, 0);
#else
        rc = ngx_http_parse_chunked(h->request, b, &h->chunks);
#endif

        if (rc == NGX_AGAIN) {
            return NGX_AGAIN;
        }

        if (rc == NGX_DONE) {
            return NGX_OK;
        }

        if (rc != NGX_OK) {
            return NGX_ERROR;
        }

        /* rc == NGX_OK: data at b->pos */

        n = h->body.len;

        if (ngx_http_faas_http1_append(h, b, h->chunks.size) != NGX_OK) {
            return NGX_ERROR;
        }

        h->chunks.size -= h->body.len - n;
    }
}


static ngx_int_t
ngx_http_faas_http1_append(ngx_http_faas_http1_t *h, ngx_buf_t *b, off_t max)
{
    size_t  n;

    n = (size_t) ngx_min((off_t) (b->last - b->pos), max);

    if (n == 0) {
        return NGX_OK;
    }

    if (n > h->cap - h->body.len) {
        return NGX_ERROR;
    }

    if (ngx_http_faas_http1_reserve(h, n) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_memcpy(h->body.data + h->body.len, b->pos, n);
    h->body.len += n;
    b->pos += n;

    return NGX_OK;
}


static ngx_int_t
ngx_http_faas_http1_reserve(ngx_http_faas_http1_t *h, size_t n)
{
    u_char  *p;
    size_t   size;

    if (n <= h->size - h->body.len) {
        return NGX_OK;
    }

    /* body.len + n <= cap */

    size = ngx_max(h->size * 2, NGX_HTTP_FAAS_HTTP1_BODY_SIZE);

    if (h->length != -1) {
        size = (size_t) h->length;
    }

    size = ngx_max(ngx_min(size, h->cap), h->body.len + n);

    p = ngx_pnalloc(h->pool, size);
    if (p == NULL) {
        return NGX_ERROR;
    }

    if (h->body.len) {
        ngx_memcpy(p, h->body.data, h->body.len);

        /* a small one stays in the pool, which is well: NGX_DECLINED */
        (void) ngx_pfree(h->pool, h->body.data);
    }

    h->body.data = p;
    h->size = size;

    return NGX_OK;
}
