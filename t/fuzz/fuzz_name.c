
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * A URI as a client may write it, and the function's name in it: what is
 * answered, and from which file.
 */


#include "ngx_http_faas_fuzz.h"
#include "ngx_http_faas_api.h"


static void ngx_http_faas_fuzz_name_check(ngx_str_t *name);
static ngx_uint_t ngx_http_faas_fuzz_name_plain(ngx_str_t *name,
    ngx_uint_t *chars);
static void ngx_http_faas_fuzz_name_get(ngx_pool_t *pool, ngx_str_t *uri);
static void ngx_http_faas_fuzz_name_found(ngx_http_request_t *r);


void
ngx_http_faas_fuzz_name_target(ngx_pool_t *pool,
    ngx_http_faas_fuzz_input_t *in)
{
    ngx_str_t  text;

    ngx_http_faas_fuzz_bytes(pool, in, in->last - in->pos, &text);

    ngx_http_faas_fuzz_name_check(&text);
    ngx_http_faas_fuzz_name_get(pool, &text);
}


static void
ngx_http_faas_fuzz_name_check(ngx_str_t *name)
{
    ngx_int_t   rc;
    ngx_uint_t  plain, chars;

    rc = ngx_http_faas_name_check(name);

    plain = ngx_http_faas_fuzz_name_plain(name, &chars);

    if (rc == NGX_OK) {
        ngx_http_faas_fuzz_check(plain);
        return;
    }

    /* which letters there are beyond ASCII is for the C library to say */

    ngx_http_faas_fuzz_check(!plain || chars < name->len);
}


/* what may be in a file's name, if all beyond ASCII were letters */

static ngx_uint_t
ngx_http_faas_fuzz_name_plain(ngx_str_t *name, ngx_uint_t *chars)
{
    u_char      ch;
    ngx_uint_t  i;

    *chars = 0;

    for (i = 0; i < name->len; i++) {
        ch = name->data[i];

        if ((ch & 0xc0) != 0x80) {
            (*chars)++;
        }

        if (ch >= 0x80 || isalnum(ch) || ch == '_') {
            continue;
        }

        if ((ch != '.' && ch != '-')
            || i == 0
            || (ch == '.' && name->data[i - 1] == '.'))
        {
            return 0;
        }
    }

    return name->len > 0 && name->len < 248 && *chars <= 64
           && ngx_http_faas_fuzz_utf8(name);
}


static void
ngx_http_faas_fuzz_name_get(ngx_pool_t *pool, ngx_str_t *uri)
{
    ngx_int_t                  rc;
    ngx_http_request_t        *r;
    ngx_http_core_loc_conf_t  *clcf;

    r = ngx_http_faas_fuzz_request(pool);

    if (ngx_http_faas_fuzz_uri(r, uri) != NGX_OK) {
        return;
    }

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    if (r->uri.len < clcf->name.len
        || memcmp(r->uri.data, clcf->name.data, clcf->name.len) != 0)
    {
        return;                         /* another location's */
    }

    r->method = NGX_HTTP_GET;
    ngx_str_set(&r->method_name, "GET");

    ngx_http_faas_fuzz_connect(pool, 0);

    rc = ngx_http_faas_api_handler(r);

    if (rc == NGX_HTTP_NOT_FOUND && !ngx_http_faas_fuzz_client.header) {
        return;                         /* nginx has a page for it */
    }

    ngx_http_faas_fuzz_answered(r, rc);

    if (ngx_http_faas_fuzz_client.status == NGX_HTTP_OK
        && r->uri.len > clcf->name.len + 1)
    {
        ngx_http_faas_fuzz_name_found(r);
    }
}


/* t/fuzz/build put each function's name into its source, as a comment */

static void
ngx_http_faas_fuzz_name_found(ngx_http_request_t *r)
{
    ngx_str_t  *body, name, source;

    body = &ngx_http_faas_fuzz_client.body;

    name = ngx_http_faas_fuzz_json_member(r->pool, body, "name");
    name = ngx_http_faas_fuzz_json_text(r->pool, &name);

    ngx_http_faas_fuzz_check(name.len && name.len < r->uri.len);
    ngx_http_faas_fuzz_check(memcmp(r->uri.data + r->uri.len - name.len,
                                    name.data, name.len)
                             == 0);

    source = ngx_http_faas_fuzz_json_member(r->pool, body, "source_code");
    source = ngx_http_faas_fuzz_json_text(r->pool, &source);

    /* NAME.py is another name of it */

    ngx_http_faas_fuzz_check(source.len == 7
                             && memcmp(source.data, "# ", 2) == 0);
    ngx_http_faas_fuzz_check(memcmp(source.data + 2, name.data,
                                    ngx_min(name.len, 4))
                             == 0);
}
