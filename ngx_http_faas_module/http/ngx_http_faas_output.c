
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Encoded output through a fixed number of buffers: whatever the size of an
 * answer and the pace of its reader, it takes no more memory than these.
 * Back-pressure works as in ngx_http_gzip_filter_module.c.
 */


#include "ngx_http_faas_output.h"
#include "ngx_http_faas_filter.h"


#define NGX_HTTP_FAAS_OUTPUT_SIZE   32768
#define NGX_HTTP_FAAS_OUTPUT_BUFS   8

/* the most that one byte becomes: \u0000 */
#define NGX_HTTP_FAAS_OUTPUT_ESCAPE 6


static ngx_buf_t *ngx_http_faas_output_room(ngx_http_request_t *r,
    ngx_http_faas_output_t *o, size_t size, ngx_int_t *rc);
static u_char *ngx_http_faas_output_base64(ngx_http_faas_output_t *o,
    ngx_buf_t *b, u_char *p, u_char *last);
static void ngx_http_faas_output_group(ngx_buf_t *b, u_char *p, size_t n);


/* a buffer with room for "size" bytes at its end */

static ngx_buf_t *
ngx_http_faas_output_room(ngx_http_request_t *r, ngx_http_faas_output_t *o,
    size_t size, ngx_int_t *rc)
{
    size_t        len;
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    if (o->tail && (size_t) (o->tail->buf->end - o->tail->buf->last) >= size) {
        return o->tail->buf;
    }

    if (o->free) {
        cl = o->free;
        o->free = cl->next;

        b = cl->buf;
        b->pos = b->start;
        b->last = b->start;
        b->flush = 0;

    } else {

        if (o->nbufs == NGX_HTTP_FAAS_OUTPUT_BUFS) {
            o->full = 1;
            *rc = NGX_AGAIN;
            return NULL;
        }

        *rc = NGX_ERROR;

        cl = ngx_alloc_chain_link(r->pool);
        if (cl == NULL) {
            return NULL;
        }

        len = NGX_HTTP_FAAS_OUTPUT_SIZE;

        if (o->nbufs == 0 && o->size) {
            len = ngx_min(len, ngx_max(o->size, size));
        }

        b = ngx_create_temp_buf(r->pool, len);
        if (b == NULL) {
            return NULL;
        }

        b->tag = (ngx_buf_tag_t) ngx_http_faas_output_write;
        cl->buf = b;
        o->nbufs++;
    }

    cl->next = NULL;

    if (o->tail) {
        o->tail->next = cl;

    } else {
        o->out = cl;
    }

    o->tail = cl;

    return b;
}


ngx_int_t
ngx_http_faas_output_write(ngx_http_request_t *r, ngx_http_faas_output_t *o,
    ngx_uint_t mode, u_char **pos, u_char *last)
{
    size_t      n, room;
    u_char     *p;
    ngx_int_t   rc;
    ngx_buf_t  *b;

    p = *pos;

    while (p < last) {

        if (mode == NGX_HTTP_FAAS_OUTPUT_BASE64
            && o->ncarry + (size_t) (last - p) < 3)
        {
            /* no group yet, and so no buffer, which would go out empty */

            o->carry[o->ncarry++] = *p++;
            continue;
        }

        b = ngx_http_faas_output_room(r, o, NGX_HTTP_FAAS_OUTPUT_ESCAPE, &rc);

        if (b == NULL) {
            *pos = p;
            return rc;
        }

        room = b->end - b->last;
        n = last - p;

        switch (mode) {

        case NGX_HTTP_FAAS_OUTPUT_STRING:
            n = ngx_min(n, room / NGX_HTTP_FAAS_OUTPUT_ESCAPE);
            b->last = (u_char *) ngx_escape_json(b->last, p, n);
            p += n;
            break;

        case NGX_HTTP_FAAS_OUTPUT_BASE64:
            p = ngx_http_faas_output_base64(o, b, p, last);
            break;

        default:
            n = ngx_min(n, room);
            b->last = ngx_cpymem(b->last, p, n);
            p += n;
            break;
        }
    }

    *pos = p;

    return NGX_OK;
}


static u_char *
ngx_http_faas_output_base64(ngx_http_faas_output_t *o, ngx_buf_t *b,
    u_char *p, u_char *last)
{
    size_t  n;

    if (o->ncarry) {

        while (o->ncarry < 3 && p < last) {
            o->carry[o->ncarry++] = *p++;
        }

        ngx_http_faas_output_group(b, o->carry, 3);
        o->ncarry = 0;

        return p;
    }

    n = ngx_min((size_t) (last - p) / 3, (size_t) (b->end - b->last) / 4);

    ngx_http_faas_output_group(b, p, 3 * n);

    return p + 3 * n;
}


static void
ngx_http_faas_output_group(ngx_buf_t *b, u_char *p, size_t n)
{
    ngx_str_t  src, dst;

    src.len = n;
    src.data = p;
    dst.data = b->last;

    ngx_encode_base64(&dst, &src);

    b->last += dst.len;
}


ngx_int_t
ngx_http_faas_output_close(ngx_http_request_t *r, ngx_http_faas_output_t *o)
{
    ngx_int_t   rc;
    ngx_buf_t  *b;

    if (o->ncarry == 0) {
        return NGX_OK;
    }

    b = ngx_http_faas_output_room(r, o, 4, &rc);
    if (b == NULL) {
        return rc;
    }

    ngx_http_faas_output_group(b, o->carry, o->ncarry);
    o->ncarry = 0;

    return NGX_OK;
}


size_t
ngx_http_faas_output_size(ngx_http_faas_output_t *o)
{
    size_t        size;
    ngx_chain_t  *cl;

    size = 0;

    for (cl = o->out; cl; cl = cl->next) {
        size += cl->buf->last - cl->buf->pos;
    }

    return size;
}


ngx_int_t
ngx_http_faas_output_mark(ngx_http_request_t *r, ngx_http_faas_output_t *o,
    ngx_uint_t last)
{
    if (o->tail == NULL) {
        return NGX_DECLINED;
    }

    if (last) {
        o->tail->buf->last_buf = 1;
        o->tail->buf->last_in_chain = 1;

    } else {
        o->tail->buf->flush = 1;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_faas_output_flush(ngx_http_request_t *r, ngx_http_faas_output_t *o)
{
    ngx_int_t  rc;

    rc = ngx_http_faas_filter_next_body(r, o->out);

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    ngx_chain_update_chains(r->pool, &o->free, &o->busy, &o->out,
                            (ngx_buf_tag_t) ngx_http_faas_output_write);
    o->tail = NULL;

    if (o->full && o->free == NULL) {
        return NGX_AGAIN;
    }

    o->full = 0;

    return NGX_OK;
}
