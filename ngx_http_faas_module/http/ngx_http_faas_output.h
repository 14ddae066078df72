
/*
 * Copyright (C) the ngx_http_faas_module authors
 */


#ifndef _NGX_HTTP_FAAS_OUTPUT_H_INCLUDED_
#define _NGX_HTTP_FAAS_OUTPUT_H_INCLUDED_


#include "ngx_http_faas_http.h"


typedef enum {
    NGX_HTTP_FAAS_OUTPUT_RAW = 0,
    NGX_HTTP_FAAS_OUTPUT_STRING,        /* the inside of a JSON string */
    NGX_HTTP_FAAS_OUTPUT_BASE64
} ngx_http_faas_output_mode_e;


/* zeroed, and used from one request only */

typedef struct {
    ngx_chain_t                     *out;
    ngx_chain_t                     *tail;      /* its last link */
    ngx_chain_t                     *busy;
    ngx_chain_t                     *free;
    ngx_uint_t                       nbufs;
    size_t                           size;      /* of the first, or 0 */
    u_char                           carry[3];  /* an open base64 group */
    ngx_uint_t                       ncarry;
    unsigned                         full:1;    /* every buffer is in use */
} ngx_http_faas_output_t;


/*
 * Encodes as many of the bytes as there is room for, and moves *pos.
 * NGX_OK: all of them; NGX_AGAIN: ngx_http_faas_output_flush() first;
 * NGX_ERROR: no memory.
 */
ngx_int_t ngx_http_faas_output_write(ngx_http_request_t *r,
    ngx_http_faas_output_t *o, ngx_uint_t mode, u_char **pos, u_char *last);

/* ends the base64 text; NGX_AGAIN as above */
ngx_int_t ngx_http_faas_output_close(ngx_http_request_t *r,
    ngx_http_faas_output_t *o);

/* how much there is that has not been flushed */
size_t ngx_http_faas_output_size(ngx_http_faas_output_t *o);

/* marks the end, or a flush, of what has been written */
ngx_int_t ngx_http_faas_output_mark(ngx_http_request_t *r,
    ngx_http_faas_output_t *o, ngx_uint_t last);

/*
 * Passes on what has been written.  NGX_OK; NGX_AGAIN when the client is
 * slower than we and all buffers are on their way to it; NGX_ERROR.
 */
ngx_int_t ngx_http_faas_output_flush(ngx_http_request_t *r,
    ngx_http_faas_output_t *o);


#endif /* _NGX_HTTP_FAAS_OUTPUT_H_INCLUDED_ */
