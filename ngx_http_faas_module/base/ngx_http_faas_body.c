
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Owns the request body of our API, and its exchange for another one.
 */


#include "ngx_http_faas_body.h"


static ngx_temp_file_t *ngx_http_faas_body_own(ngx_http_request_t *r);
static ngx_int_t ngx_http_faas_body_file(ngx_temp_file_t *tf, ngx_buf_t *b,
    ngx_str_t *part);
static ngx_uint_t ngx_http_faas_body_header(ngx_table_elt_t *h);
static ngx_int_t ngx_http_faas_body_headers(ngx_http_request_t *r,
    size_t len);
static ngx_table_elt_t *ngx_http_faas_body_push(ngx_http_request_t *r,
    ngx_str_t *key, ngx_str_t *value);


ngx_int_t
ngx_http_faas_body_text(ngx_http_request_t *r, ngx_str_t *text)
{
    u_char       *p;
    off_t         len;
    ssize_t       n;
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    ngx_str_null(text);

    if (r->request_body == NULL) {
        return NGX_OK;
    }

    len = 0;

    for (cl = r->request_body->bufs; cl; cl = cl->next) {
        len += ngx_buf_size(cl->buf);
    }

    if (len == 0) {
        return NGX_OK;
    }

    p = ngx_pnalloc(r->pool, (size_t) len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    text->data = p;

    for (cl = r->request_body->bufs; cl; cl = cl->next) {
        b = cl->buf;

        if (ngx_buf_in_memory(b)) {
            p = ngx_cpymem(p, b->pos, b->last - b->pos);
            continue;
        }

        if (!b->in_file) {
            continue;
        }

        len = b->file_last - b->file_pos;
        n = ngx_read_file(b->file, p, (size_t) len, b->file_pos);

        if (n != (ssize_t) len) {
            return NGX_ERROR;
        }

        p += n;
    }

    text->len = p - text->data;

    return NGX_OK;
}


ngx_int_t
ngx_http_faas_body_replace(ngx_http_request_t *r, ngx_str_t *text,
    ngx_str_t *part)
{
    ngx_buf_t                *b;
    ngx_chain_t              *cl;
    ngx_temp_file_t          *tf;
    ngx_http_request_body_t  *rb;

    rb = ngx_pcalloc(r->pool, sizeof(ngx_http_request_body_t));
    if (rb == NULL) {
        return NGX_ERROR;
    }

    b = ngx_calloc_buf(r->pool);
    if (b == NULL) {
        return NGX_ERROR;
    }

    cl = ngx_alloc_chain_link(r->pool);
    if (cl == NULL) {
        return NGX_ERROR;
    }

    tf = ngx_http_faas_body_own(r);

    if (tf) {
        if (ngx_http_faas_body_file(tf, b, part) != NGX_OK) {
            return NGX_ERROR;
        }

        (void) ngx_pfree(r->pool, text->data);
        ngx_str_null(text);

    } else {
        b->pos = part->data;
        b->last = part->data + part->len;
        b->start = b->pos;
        b->end = b->last;
        b->memory = 1;

        rb->buf = b;
    }

    b->last_buf = 1;

    cl->buf = b;
    cl->next = NULL;

    /*
     * set by ngx_pcalloc():
     *
     *     rb->post_handler = NULL;
     */

    rb->temp_file = tf;
    rb->bufs = cl;
    rb->rest = 0;
    rb->received = part->len;

    r->request_body = rb;

    return ngx_http_faas_body_headers(r, part->len);
}


/* its file, unless others read it: a subrequest has the body of its parent */

static ngx_temp_file_t *
ngx_http_faas_body_own(ngx_http_request_t *r)
{
    if (r != r->main || r->preserve_body || r->request_body == NULL) {
        return NULL;
    }

    return r->request_body->temp_file;
}


/*
 * A call may wait for long, and many do.  The part is moved to the beginning
 * of the file, for there ngx_http_upstream_reinit() has the next try begin.
 */

static ngx_int_t
ngx_http_faas_body_file(ngx_temp_file_t *tf, ngx_buf_t *b, ngx_str_t *part)
{
    ssize_t  n;

    n = ngx_write_file(&tf->file, part->data, part->len, 0);

    if (n != (ssize_t) part->len) {
        return NGX_ERROR;
    }

    if (ftruncate(tf->file.fd, (off_t) part->len) == -1) {
        ngx_log_error(NGX_LOG_CRIT, tf->file.log, ngx_errno,
                      "faas: ftruncate() \"%V\" failed", &tf->file.name);
        return NGX_ERROR;
    }

    b->in_file = 1;
    b->file = &tf->file;
    b->file_last = (off_t) part->len;

    return NGX_OK;
}


static ngx_int_t
ngx_http_faas_body_headers(ngx_http_request_t *r, size_t len)
{
    u_char           *p;
    ngx_str_t         key, value;
    ngx_uint_t        i;
    ngx_list_t        old;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h, *copy;

    /* a list of its own: headers cannot be taken out of one */

    old = r->headers_in.headers;

    if (ngx_list_init(&r->headers_in.headers, r->pool, 20,
                      sizeof(ngx_table_elt_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    part = &old.part;
    h = part->elts;

    for (i = 0; /* void */ ; i++) {

        if (i >= part->nelts) {
            if (part->next == NULL) {
                break;
            }

            part = part->next;
            h = part->elts;
            i = 0;
        }

        if (ngx_http_faas_body_header(&h[i])) {
            continue;
        }

        copy = ngx_list_push(&r->headers_in.headers);
        if (copy == NULL) {
            return NGX_ERROR;
        }

        *copy = h[i];
    }

    ngx_str_set(&key, "Content-Type");
    ngx_str_set(&value, "application/json");

    r->headers_in.content_type = ngx_http_faas_body_push(r, &key, &value);
    if (r->headers_in.content_type == NULL) {
        return NGX_ERROR;
    }

    p = ngx_pnalloc(r->pool, NGX_OFF_T_LEN);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ngx_str_set(&key, "Content-Length");
    value.data = p;
    value.len = ngx_sprintf(p, "%uz", len) - p;

    r->headers_in.content_length = ngx_http_faas_body_push(r, &key, &value);
    if (r->headers_in.content_length == NULL) {
        return NGX_ERROR;
    }

    r->headers_in.content_length_n = (off_t) len;
    r->headers_in.chunked = 0;
    r->headers_in.transfer_encoding = NULL;
    r->headers_in.upgrade = NULL;
    r->headers_in.range = NULL;
    r->headers_in.if_range = NULL;
    r->headers_in.if_modified_since = NULL;
    r->headers_in.if_unmodified_since = NULL;
    r->headers_in.if_match = NULL;
    r->headers_in.if_none_match = NULL;

    return NGX_OK;
}


/* whether a header is about the body, its answer, or the connection */

static ngx_uint_t
ngx_http_faas_body_header(ngx_table_elt_t *h)
{
    ngx_str_t  *name;

    static ngx_str_t  names[] = {
        ngx_string("Accept-Encoding"), ngx_string("Content-Encoding"),
        ngx_string("Content-Length"), ngx_string("Content-Type"),
        ngx_string("Expect"), ngx_string("If-Match"),
        ngx_string("If-Modified-Since"), ngx_string("If-None-Match"),
        ngx_string("If-Range"), ngx_string("If-Unmodified-Since"),
        ngx_string("Range"), ngx_string("TE"),
        ngx_string("Transfer-Encoding"), ngx_string("Upgrade"),
        ngx_null_string
    };

    for (name = names; name->len; name++) {

        if (h->key.len == name->len
            && ngx_strncasecmp(h->key.data, name->data, name->len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


static ngx_table_elt_t *
ngx_http_faas_body_push(ngx_http_request_t *r, ngx_str_t *key,
    ngx_str_t *value)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_in.headers);
    if (h == NULL) {
        return NULL;
    }

    h->key = *key;
    h->value = *value;

    h->lowcase_key = ngx_pnalloc(r->pool, key->len);
    if (h->lowcase_key == NULL) {
        return NULL;
    }

    h->hash = ngx_hash_strlow(h->lowcase_key, key->data, key->len);
    ngx_http_faas_header_last(h);

    return h;
}
