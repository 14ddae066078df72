
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Reads one HTTP/1.x response from a stream of bytes, into memory.  Uses
 * nginx's parsers, and so a request for their state: r->state and
 * r->header_* are this unit's from init to the end of the header.
 */


#ifndef _NGX_HTTP_FAAS_HTTP1_H_INCLUDED_
#define _NGX_HTTP_FAAS_HTTP1_H_INCLUDED_


#include "ngx_http_faas.h"


typedef struct {
    ngx_uint_t            status;         /* 0: header not complete */
    ngx_str_t             api_version;    /* header Api-Version, or empty */
    ngx_str_t             body;           /* so far */

    /* the rest is private */

    ngx_pool_t           *pool;
    ngx_http_request_t   *request;
    ngx_buf_t             header;
    ngx_http_status_t     line;
    ngx_http_chunked_t    chunks;
    off_t                 length;         /* Content-Length, or -1 */
    size_t                cap;
    size_t                size;           /* allocated at body.data */

    unsigned              line_done:1;
    unsigned              header_done:1;
    unsigned              chunked:1;
    unsigned              done:1;
    unsigned              failed:1;
} ngx_http_faas_http1_t;


/* "cap" bounds the body; r->connection->log must be there */
ngx_int_t ngx_http_faas_http1_init(ngx_http_faas_http1_t *h,
    ngx_http_request_t *r, ngx_pool_t *pool, size_t cap);

/*
 * Feeds b->pos..b->last, which may be reused at once, and moves b->pos.
 * NGX_OK: the response is complete, b->pos is behind it; NGX_AGAIN: feed
 * more; NGX_ERROR: garbage, over the cap, or no memory, now and ever after.
 */
ngx_int_t ngx_http_faas_http1_parse(ngx_http_faas_http1_t *h, ngx_buf_t *b);

/* the connection ended: NGX_OK if the response is complete, or NGX_ERROR */
ngx_int_t ngx_http_faas_http1_eof(ngx_http_faas_http1_t *h);


#endif /* _NGX_HTTP_FAAS_HTTP1_H_INCLUDED_ */
