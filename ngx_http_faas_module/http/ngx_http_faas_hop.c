
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Which headers of a function are nobody's business but ours.
 */


#include "ngx_http_faas_hop.h"


static ngx_uint_t ngx_http_faas_hop_named(ngx_str_t *value, ngx_str_t *name);


ngx_uint_t
ngx_http_faas_hop(ngx_http_upstream_t *u, ngx_str_t *name)
{
    ngx_str_t        *s;
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    static ngx_str_t  names[] = {
        ngx_string("Connection"), ngx_string("Keep-Alive"),
        ngx_string("Proxy-Connection"), ngx_string("TE"),
        ngx_string("Trailer"), ngx_string("Transfer-Encoding"),
        ngx_string("Upgrade"), ngx_null_string
    };

    if (name->len > 8
        && ngx_strncasecmp(name->data, (u_char *) "X-Accel-", 8) == 0)
    {
        return 1;
    }

    for (s = names; s->len; s++) {

        if (name->len == s->len
            && ngx_strncasecmp(name->data, s->data, s->len) == 0)
        {
            return 1;
        }
    }

    part = &u->headers_in.headers.part;
    h = part->elts;

    for (i = 0; /* void */ ; i++) {

        if (i >= part->nelts) {
            if (part->next == NULL) {
                return 0;
            }

            part = part->next;
            h = part->elts;
            i = 0;
        }

        if (h[i].key.len == sizeof("Connection") - 1
            && ngx_strncasecmp(h[i].key.data, (u_char *) "Connection",
                               sizeof("Connection") - 1)
               == 0
            && ngx_http_faas_hop_named(&h[i].value, name))
        {
            return 1;
        }
    }
}


/* whether the name is in a list of tokens with commas */

static ngx_uint_t
ngx_http_faas_hop_named(ngx_str_t *value, ngx_str_t *name)
{
    u_char  *p, *last, *start;

    p = value->data;
    last = p + value->len;

    while (p < last) {

        while (p < last && (*p == ' ' || *p == '\t' || *p == ',')) {
            p++;
        }

        start = p;

        while (p < last && *p != ' ' && *p != '\t' && *p != ',') {
            p++;
        }

        if ((size_t) (p - start) == name->len
            && ngx_strncasecmp(start, name->data, name->len) == 0)
        {
            return 1;
        }
    }

    return 0;
}
