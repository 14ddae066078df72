
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * The world around a fuzzed unit: pools, requests and a client.  The rest of
 * it, configuration and functions of nginx, is real.
 */


#include "ngx_http_faas_fuzz.h"


ngx_http_faas_fuzz_client_t  ngx_http_faas_fuzz_client;


ngx_pool_t *
ngx_http_faas_fuzz_pool(void)
{
    ngx_pool_t  *pool;

    pool = ngx_create_pool(1024, ngx_cycle->log);

    ngx_http_faas_fuzz_check(pool);

    /* nothing is small any more: each block comes from malloc() */

    pool->max = 0;

    return pool;
}


ngx_uint_t
ngx_http_faas_fuzz_byte(ngx_http_faas_fuzz_input_t *in)
{
    return in->pos < in->last ? *in->pos++ : 0;
}


void
ngx_http_faas_fuzz_bytes(ngx_pool_t *pool, ngx_http_faas_fuzz_input_t *in,
    size_t n, ngx_str_t *s)
{
    s->len = ngx_min(n, (size_t) (in->last - in->pos));
    s->data = ngx_pnalloc(pool, s->len);

    ngx_http_faas_fuzz_check(s->data);

    memcpy(s->data, in->pos, s->len);
    in->pos += s->len;
}


void
ngx_http_faas_fuzz_line(ngx_pool_t *pool, ngx_http_faas_fuzz_input_t *in,
    ngx_str_t *s)
{
    u_char  *p;

    p = in->pos;

    while (p < in->last && *p != LF) {
        p++;
    }

    ngx_http_faas_fuzz_bytes(pool, in, p - in->pos, s);

    (void) ngx_http_faas_fuzz_byte(in);
}


ngx_uint_t
ngx_http_faas_fuzz_same(ngx_str_t *a, ngx_str_t *b)
{
    return a->len == b->len
           && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}


ngx_http_request_t *
ngx_http_faas_fuzz_request(ngx_pool_t *pool)
{
    ngx_connection_t            *c;
    ngx_http_request_t          *r;
    ngx_http_conf_ctx_t         *ctx;
    ngx_http_core_loc_conf_t    *clcf;
    ngx_http_core_srv_conf_t   **cscf;
    ngx_http_core_main_conf_t   *cmcf;

    static struct sockaddr_in    sin;

    cmcf = ngx_http_cycle_get_module_main_conf(ngx_cycle,
                                               ngx_http_core_module);
    cscf = cmcf->servers.elts;
    ctx = cscf[0]->ctx;

    /* there is one location */

    clcf = ctx->loc_conf[ngx_http_core_module.ctx_index];
    clcf = clcf->static_locations->inclusive;

    c = ngx_pcalloc(pool, sizeof(ngx_connection_t));
    r = ngx_pcalloc(pool, sizeof(ngx_http_request_t));

    ngx_http_faas_fuzz_check(c && r);

    sin.sin_family = AF_INET;
    sin.sin_addr.s_addr = htonl(0xc0000201);

    c->fd = (ngx_socket_t) -1;
    c->data = r;
    c->pool = pool;
    c->log = ngx_cycle->log;
    c->sockaddr = (struct sockaddr *) &sin;
    c->socklen = sizeof(struct sockaddr_in);
    c->local_sockaddr = (struct sockaddr *) &sin;
    c->local_socklen = sizeof(struct sockaddr_in);
    c->read = ngx_pcalloc(pool, sizeof(ngx_event_t));
    c->write = ngx_pcalloc(pool, sizeof(ngx_event_t));

    ngx_http_faas_fuzz_check(c->read && c->write);

    ngx_str_set(&c->addr_text, "192.0.2.1");

    c->read->data = c;
    c->read->log = c->log;
    c->write->data = c;
    c->write->log = c->log;
    c->write->write = 1;

    r->signature = NGX_HTTP_MODULE;
    r->connection = c;
    r->pool = pool;
    r->main = r;
    r->count = 1;
    r->http_version = NGX_HTTP_VERSION_11;
    r->method = NGX_HTTP_POST;
    r->headers_in.content_length_n = -1;
    r->headers_in.keep_alive_n = -1;
    r->headers_out.content_length_n = -1;
    r->headers_out.last_modified_time = -1;
    r->main_conf = ctx->main_conf;
    r->srv_conf = ctx->srv_conf;
    r->loc_conf = clcf->loc_conf;

    ngx_str_set(&r->method_name, "POST");
    ngx_str_set(&r->http_protocol, "HTTP/1.1");

    r->ctx = ngx_pcalloc(pool, sizeof(void *) * ngx_http_max_module);
    r->variables = ngx_pcalloc(pool, cmcf->variables.nelts
                                     * sizeof(ngx_http_variable_value_t));

    ngx_http_faas_fuzz_check(r->ctx && r->variables);

    if (ngx_list_init(&r->headers_in.headers, pool, 2,
                      sizeof(ngx_table_elt_t))
        != NGX_OK
        || ngx_list_init(&r->headers_out.headers, pool, 2,
                         sizeof(ngx_table_elt_t))
           != NGX_OK
        || ngx_list_init(&r->headers_out.trailers, pool, 2,
                         sizeof(ngx_table_elt_t))
           != NGX_OK)
    {
        abort();
    }

    return r;
}


void
ngx_http_faas_fuzz_body(ngx_http_request_t *r, ngx_str_t *body,
    ngx_uint_t pieces)
{
    size_t        n, size;
    ngx_buf_t    *b;
    ngx_str_t     rest;
    ngx_chain_t  *cl, **last;

    r->request_body = ngx_pcalloc(r->pool, sizeof(ngx_http_request_body_t));

    ngx_http_faas_fuzz_check(r->request_body);

    last = &r->request_body->bufs;
    rest = *body;
    size = rest.len / (pieces + 1) + 1;

    while (rest.len) {
        n = ngx_min(rest.len, size);

        b = ngx_create_temp_buf(r->pool, n);
        cl = ngx_alloc_chain_link(r->pool);

        ngx_http_faas_fuzz_check(b && cl);

        b->last = ngx_cpymem(b->pos, rest.data, n);
        cl->buf = b;
        cl->next = NULL;

        *last = cl;
        last = &cl->next;

        rest.data += n;
        rest.len -= n;
    }
}


ngx_int_t
ngx_http_faas_fuzz_uri(ngx_http_request_t *r, ngx_str_t *uri)
{
    u_char     *p;
    ngx_buf_t  *b;

    b = ngx_create_temp_buf(r->pool, uri->len + sizeof("POST  HTTP/1.1\r\n"));

    ngx_http_faas_fuzz_check(b);

    b->last = ngx_sprintf(b->last, "POST %V HTTP/1.1\r\n", uri);

    if (ngx_http_parse_request_line(r, b) != NGX_OK || r->http_minor != 1) {
        return NGX_ERROR;
    }

    /* as ngx_http_process_request_uri() does it */

    r->unparsed_uri.data = r->uri_start;
    r->unparsed_uri.len = r->uri_end - r->uri_start;

    r->uri.len = (r->args_start ? r->args_start - 1 : r->uri_end)
                 - r->uri_start;
    r->uri.data = r->uri_start;

    if (r->empty_path_in_uri) {
        r->uri.len++;
    }

    if (r->complex_uri || r->quoted_uri || r->empty_path_in_uri) {
        p = ngx_pnalloc(r->pool, r->uri.len);

        ngx_http_faas_fuzz_check(p);

        r->uri.data = p;

        if (ngx_http_parse_complex_uri(r, 1) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    if (r->args_start && r->uri_end > r->args_start) {
        r->args.data = r->args_start;
        r->args.len = r->uri_end - r->args_start;
    }

    return NGX_OK;
}


void
ngx_http_faas_fuzz_headers(ngx_pool_t *pool, ngx_http_faas_fuzz_input_t *in,
    ngx_list_t *headers)
{
    u_char     *p, *last;
    ngx_str_t   line, key, value;

    for ( ;; ) {
        ngx_http_faas_fuzz_line(pool, in, &line);

        if (line.len == 0) {
            return;
        }

        last = line.data + line.len;

        p = ngx_strlchr(line.data, last, ':');
        if (p == NULL) {
            p = last;
        }

        key.data = line.data;
        key.len = p - line.data;

        while (p < last && (*p == ':' || *p == ' ')) {
            p++;
        }

        value.data = p;
        value.len = last - p;

        ngx_http_faas_fuzz_header(headers, &key, &value);
    }
}


void
ngx_http_faas_fuzz_header(ngx_list_t *headers, ngx_str_t *key,
    ngx_str_t *value)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(headers);

    ngx_http_faas_fuzz_check(h);

    h->hash = 1;
    h->key = *key;
    h->value = *value;
    h->lowcase_key = ngx_pnalloc(headers->pool, key->len);
    ngx_http_faas_header_last(h);

    ngx_http_faas_fuzz_check(h->lowcase_key);

    ngx_strlow(h->lowcase_key, key->data, key->len);
}


void
ngx_http_faas_fuzz_connect(ngx_pool_t *pool, size_t room)
{
    ngx_memzero(&ngx_http_faas_fuzz_client,
                sizeof(ngx_http_faas_fuzz_client_t));

    ngx_http_faas_fuzz_client.pool = pool;
    ngx_http_faas_fuzz_client.room = room;
}


void
ngx_http_faas_fuzz_take(void)
{
    size_t                        n, room;
    u_char                       *p;
    ngx_buf_t                    *b;
    ngx_http_faas_fuzz_client_t  *client;

    client = &ngx_http_faas_fuzz_client;

    room = client->room ? client->room : NGX_MAX_SIZE_T_VALUE;

    while (client->busy && room) {
        b = client->busy->buf;

        ngx_http_faas_fuzz_check(!client->last);
        ngx_http_faas_fuzz_check(ngx_buf_size(b) || ngx_buf_special(b));

        n = ngx_buf_in_memory(b) ? ngx_min(room, (size_t) (b->last - b->pos))
                                 : 0;

        if (client->body.len + n > client->size) {
            client->size = 2 * (client->body.len + n);

            p = ngx_pnalloc(client->pool, client->size);
            ngx_http_faas_fuzz_check(p);

            if (client->body.len) {
                memcpy(p, client->body.data, client->body.len);
            }

            client->body.data = p;
        }

        if (n) {
            memcpy(client->body.data + client->body.len, b->pos, n);
            client->body.len += n;
        }

        b->pos += n;
        room -= n;

        if (ngx_buf_in_memory(b) && b->pos < b->last) {
            return;
        }

        client->last = b->last_buf;
        client->busy = client->busy->next;
    }

    ngx_http_faas_fuzz_check(!client->last
                             || client->length == -1
                             || client->length == (off_t) client->body.len);
}


void
ngx_http_faas_fuzz_answered(ngx_http_request_t *r, ngx_int_t rc)
{
    ngx_str_t                     text;
    ngx_http_faas_fuzz_client_t  *client;

    client = &ngx_http_faas_fuzz_client;

    ngx_http_faas_fuzz_check(rc == NGX_OK);
    ngx_http_faas_fuzz_check(client->header && client->last);
    ngx_http_faas_fuzz_check(ngx_http_faas_fuzz_json(&client->body));

    if (client->status >= NGX_HTTP_BAD_REQUEST) {
        text = ngx_http_faas_fuzz_json_member(r->pool, &client->body,
                                              "error");
        text = ngx_http_faas_fuzz_json_member(r->pool, &text, "code");

        ngx_http_faas_fuzz_check(text.len > 2);
    }
}
