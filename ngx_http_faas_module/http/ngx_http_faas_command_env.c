
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Tells a command of its request in the words of CGI/1.1 (RFC 3875).
 */


#include "ngx_http_faas_command_env.h"


/* nothing is inherited, but a script wants to find its interpreter */
#define NGX_HTTP_FAAS_COMMAND_PATH  "/usr/local/bin:/usr/bin:/bin"

/* more headers than that are an attack */
#define NGX_HTTP_FAAS_COMMAND_VARS  256


typedef struct {
    ngx_http_request_t              *request;
    ngx_array_t                      vars;      /* char * */
    ngx_int_t                        rc;
} ngx_http_faas_command_envp_t;


static ngx_uint_t ngx_http_faas_command_known(ngx_http_faas_command_envp_t *e,
    ngx_str_t *name);
static void ngx_http_faas_command_set(ngx_http_faas_command_envp_t *e,
    ngx_str_t *name, ngx_str_t *value);
static void ngx_http_faas_command_put(ngx_http_faas_command_envp_t *e,
    char *name, ngx_str_t *value);
static void ngx_http_faas_command_server(ngx_http_faas_command_envp_t *e);
static void ngx_http_faas_command_path(ngx_http_faas_command_envp_t *e);
static void ngx_http_faas_command_headers(ngx_http_faas_command_envp_t *e);
static ngx_uint_t ngx_http_faas_command_private(ngx_str_t *key);
static ngx_int_t ngx_http_faas_command_header(ngx_http_request_t *r,
    ngx_str_t *key, ngx_str_t *value);


char **
ngx_http_faas_command_environment(ngx_http_request_t *r,
    ngx_http_faas_command_t *command, off_t length)
{
    char                          **p;
    u_char                          buf[NGX_OFF_T_LEN];
    ngx_str_t                       value;
    ngx_uint_t                      i;
    ngx_http_faas_command_env_t    *env;
    ngx_http_faas_command_envp_t    e;

    e.request = r;
    e.rc = NGX_OK;

    if (ngx_array_init(&e.vars, r->pool, 48, sizeof(char *)) != NGX_OK) {
        return NULL;
    }

    /* of two of a name the first counts */

    env = command->env->elts;

    for (i = 0; i < command->env->nelts; i++) {

        if (ngx_http_complex_value(r, &env[i].value, &value) != NGX_OK) {
            return NULL;
        }

        ngx_http_faas_command_set(&e, &env[i].name, &value);
    }

    ngx_http_faas_command_server(&e);
    ngx_http_faas_command_path(&e);

    if (length > 0 || (length == 0 && r->headers_in.content_length)) {
        value.data = buf;
        value.len = ngx_sprintf(buf, "%O", length) - buf;
        ngx_http_faas_command_put(&e, "CONTENT_LENGTH", &value);
    }

    if (r->headers_in.content_type) {
        ngx_http_faas_command_put(&e, "CONTENT_TYPE",
                                  &r->headers_in.content_type->value);
    }

    ngx_http_faas_command_headers(&e);

    p = ngx_array_push(&e.vars);

    if (p == NULL || e.rc != NGX_OK) {
        return NULL;
    }

    *p = NULL;

    return e.vars.elts;
}


static ngx_uint_t
ngx_http_faas_command_known(ngx_http_faas_command_envp_t *e, ngx_str_t *name)
{
    char        **var;
    ngx_uint_t    i;

    var = e->vars.elts;

    for (i = 0; i < e->vars.nelts; i++) {

        if (ngx_strncmp(var[i], name->data, name->len) == 0
            && var[i][name->len] == '=')
        {
            return 1;
        }
    }

    return 0;
}


static void
ngx_http_faas_command_set(ngx_http_faas_command_envp_t *e, ngx_str_t *name,
    ngx_str_t *value)
{
    char    **var;
    u_char   *p;

    if (ngx_http_faas_command_known(e, name)) {
        return;
    }

    p = ngx_pnalloc(e->request->pool, name->len + value->len + 2);
    if (p == NULL) {
        e->rc = NGX_ERROR;
        return;
    }

    var = ngx_array_push(&e->vars);
    if (var == NULL) {
        e->rc = NGX_ERROR;
        return;
    }

    *var = (char *) p;

    ngx_sprintf(p, "%V=%V%Z", name, value);
}


static void
ngx_http_faas_command_put(ngx_http_faas_command_envp_t *e, char *name,
    ngx_str_t *value)
{
    ngx_str_t  s;

    s.data = (u_char *) name;
    s.len = ngx_strlen(name);

    ngx_http_faas_command_set(e, &s, value);
}


static void
ngx_http_faas_command_server(ngx_http_faas_command_envp_t *e)
{
    u_char                     buf[NGX_INT_T_LEN];
    ngx_str_t                  value;
    ngx_connection_t          *c;
    ngx_http_request_t        *r;
    ngx_http_core_srv_conf_t  *cscf;

    r = e->request;
    c = r->connection;

    ngx_str_set(&value, NGX_HTTP_FAAS_COMMAND_PATH);
    ngx_http_faas_command_put(e, "PATH", &value);

    ngx_str_set(&value, "CGI/1.1");
    ngx_http_faas_command_put(e, "GATEWAY_INTERFACE", &value);

    ngx_str_set(&value, NGINX_VER);
    ngx_http_faas_command_put(e, "SERVER_SOFTWARE", &value);

    cscf = ngx_http_get_module_srv_conf(r, ngx_http_core_module);

    value = r->headers_in.server.len ? r->headers_in.server
                                     : cscf->server_name;
    ngx_http_faas_command_put(e, "SERVER_NAME", &value);

    ngx_http_faas_command_put(e, "SERVER_PROTOCOL", &r->http_protocol);
    ngx_http_faas_command_put(e, "REQUEST_METHOD", &r->method_name);
    ngx_http_faas_command_put(e, "QUERY_STRING", &r->args);
    ngx_http_faas_command_put(e, "REMOTE_ADDR", &c->addr_text);

    value.data = buf;

    if (ngx_connection_local_sockaddr(c, NULL, 0) == NGX_OK) {
        value.len = ngx_sprintf(buf, "%ui",
                                (ngx_uint_t) ngx_inet_get_port(
                                                       c->local_sockaddr))
                    - buf;
        ngx_http_faas_command_put(e, "SERVER_PORT", &value);
    }

    value.len = ngx_sprintf(buf, "%ui",
                            (ngx_uint_t) ngx_inet_get_port(c->sockaddr))
                - buf;
    ngx_http_faas_command_put(e, "REMOTE_PORT", &value);

#if (NGX_HTTP_SSL)

    if (c->ssl) {
        ngx_str_set(&value, "on");
        ngx_http_faas_command_put(e, "HTTPS", &value);
    }

#endif
}


/*
 * A location may have taken the name off the URI: what is left is PATH_INFO
 * then, and the rest of what the client sent is SCRIPT_NAME.
 */

static void
ngx_http_faas_command_path(ngx_http_faas_command_envp_t *e)
{
    u_char              *src, *dst, *p;
    size_t               len;
    ngx_str_t            sent, name, info;
    ngx_http_request_t  *r;

    r = e->request;

    ngx_http_faas_command_put(e, "REQUEST_URI", &r->unparsed_uri);

    p = ngx_strlchr(r->unparsed_uri.data,
                    r->unparsed_uri.data + r->unparsed_uri.len, '?');
    len = p ? (size_t) (p - r->unparsed_uri.data) : r->unparsed_uri.len;

    sent.data = ngx_pnalloc(r->pool, len + 1);
    if (sent.data == NULL) {
        e->rc = NGX_ERROR;
        return;
    }

    src = r->unparsed_uri.data;
    dst = sent.data;

    ngx_unescape_uri(&dst, &src, len, 0);
    sent.len = dst - sent.data;

    name = sent;
    ngx_str_null(&info);

    if (r->uri.len < sent.len
        && ngx_memcmp(sent.data + sent.len - r->uri.len, r->uri.data,
                      r->uri.len)
           == 0)
    {
        name.len -= r->uri.len;
        info = r->uri;
    }

    ngx_http_faas_command_put(e, "SCRIPT_NAME", &name);
    ngx_http_faas_command_put(e, "PATH_INFO", &info);
}


static void
ngx_http_faas_command_headers(ngx_http_faas_command_envp_t *e)
{
    u_char              *p;
    ngx_str_t            name, value;
    ngx_uint_t           i, n;
    ngx_list_part_t     *part;
    ngx_table_elt_t     *h;
    ngx_http_request_t  *r;

    r = e->request;
    part = &r->headers_in.headers.part;
    h = part->elts;

    for (i = 0; e->vars.nelts < NGX_HTTP_FAAS_COMMAND_VARS; i++) {

        if (i >= part->nelts) {
            if (part->next == NULL) {
                return;
            }

            part = part->next;
            h = part->elts;
            i = 0;
        }

        if (ngx_http_faas_command_private(&h[i].key)) {
            continue;
        }

        name.len = sizeof("HTTP_") - 1 + h[i].key.len;

        name.data = ngx_pnalloc(r->pool, name.len);
        if (name.data == NULL) {
            e->rc = NGX_ERROR;
            return;
        }

        p = ngx_cpymem(name.data, "HTTP_", sizeof("HTTP_") - 1);

        for (n = 0; n < h[i].key.len; n++) {
            *p = ngx_toupper(h[i].key.data[n]);

            if ((*p < 'A' || *p > 'Z') && (*p < '0' || *p > '9')) {
                *p = '_';
            }

            p++;
        }

        if (ngx_http_faas_command_known(e, &name)) {
            continue;                   /* went with the first of its name */
        }

        if (ngx_http_faas_command_header(r, &h[i].key, &value) != NGX_OK) {
            e->rc = NGX_ERROR;
            return;
        }

        ngx_http_faas_command_set(e, &name, &value);
    }

    ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                  "faas: a command does not get all of the headers");
}


/* the values of all headers of a name */

static ngx_int_t
ngx_http_faas_command_header(ngx_http_request_t *r, ngx_str_t *key,
    ngx_str_t *value)
{
    u_char           *p;
    size_t            len;
    ngx_uint_t        i, n, cookie;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    cookie = (key->len == sizeof("Cookie") - 1
              && ngx_strncasecmp(key->data, (u_char *) "Cookie", key->len)
                 == 0);

    p = NULL;

    for (n = 0; n < 2; n++) {

        len = 0;
        part = &r->headers_in.headers.part;
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

            if (h[i].key.len != key->len
                || ngx_strncasecmp(h[i].key.data, key->data, key->len) != 0)
            {
                continue;
            }

            if (p && len) {
                p = ngx_cpymem(p, cookie ? "; " : ", ", 2);
            }

            if (p) {
                p = ngx_cpymem(p, h[i].value.data, h[i].value.len);
            }

            len += (len ? 2 : 0) + h[i].value.len;
        }

        if (p == NULL) {
            p = ngx_pnalloc(r->pool, len + 1);
            if (p == NULL) {
                return NGX_ERROR;
            }

            value->data = p;
            value->len = len;
        }
    }

    return NGX_OK;
}


/*
 * What has a variable of its own, is of the connection, or is for nginx only;
 * HTTP_PROXY would be taken for the address of one.
 */

static ngx_uint_t
ngx_http_faas_command_private(ngx_str_t *key)
{
    ngx_str_t  *name;

    static ngx_str_t  names[] = {
        ngx_string("Authorization"), ngx_string("Connection"),
        ngx_string("Content-Length"), ngx_string("Content-Type"),
        ngx_string("Expect"), ngx_string("Keep-Alive"),
        ngx_string("Proxy"), ngx_string("Proxy-Authorization"),
        ngx_string("TE"), ngx_string("Trailer"),
        ngx_string("Transfer-Encoding"), ngx_string("Upgrade"),
        ngx_null_string
    };

    for (name = names; name->len; name++) {

        if (key->len == name->len
            && ngx_strncasecmp(key->data, name->data, key->len) == 0)
        {
            return 1;
        }
    }

    return 0;
}
