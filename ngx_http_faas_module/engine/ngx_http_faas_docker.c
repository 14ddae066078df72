
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Builds the requests of the Docker Engine API.  No I/O.  What is built is of
 * the pool; the bodies are the business of the body unit.
 */


#include "ngx_http_faas_docker.h"
#include "ngx_http_faas_docker_body.h"


static char *ngx_http_faas_docker_escape(ngx_pool_t *pool, char *before,
    ngx_str_t *filters);
static ngx_int_t ngx_http_faas_docker_path(ngx_pool_t *pool,
    ngx_str_t *version, char *before, ngx_str_t *id, char *after,
    ngx_str_t *path);
static ngx_int_t ngx_http_faas_docker_check_id(ngx_str_t *id);
static ngx_int_t ngx_http_faas_docker_check_since(ngx_str_t *since);


ngx_int_t
ngx_http_faas_docker_ping(ngx_pool_t *pool,
    ngx_http_faas_docker_request_t *req)
{
    ngx_str_set(&req->method, "GET");
    ngx_str_set(&req->path, "/_ping");
    ngx_str_null(&req->body);

    return NGX_OK;
}


ngx_int_t
ngx_http_faas_docker_network_create(ngx_pool_t *pool, ngx_str_t *version,
    ngx_http_faas_docker_network_spec_t *spec,
    ngx_http_faas_docker_request_t *req)
{
    ngx_int_t  rc;

    ngx_str_set(&req->method, "POST");

    if (ngx_http_faas_docker_check_id(&spec->name) != NGX_OK) {
        return NGX_ERROR;
    }

    rc = ngx_http_faas_docker_path(pool, version, "/networks/create", NULL,
                                   "", &req->path);
    if (rc != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_faas_docker_body_network(pool, spec, &req->body);
}


ngx_int_t
ngx_http_faas_docker_network_inspect(ngx_pool_t *pool, ngx_str_t *version,
    ngx_str_t *name, ngx_http_faas_docker_request_t *req)
{
    ngx_str_set(&req->method, "GET");
    ngx_str_null(&req->body);

    return ngx_http_faas_docker_path(pool, version, "/networks/", name, "",
                                     &req->path);
}


ngx_int_t
ngx_http_faas_docker_network_remove(ngx_pool_t *pool, ngx_str_t *version,
    ngx_str_t *name, ngx_http_faas_docker_request_t *req)
{
    ngx_str_set(&req->method, "DELETE");
    ngx_str_null(&req->body);

    return ngx_http_faas_docker_path(pool, version, "/networks/", name, "",
                                     &req->path);
}


ngx_int_t
ngx_http_faas_docker_create(ngx_pool_t *pool, ngx_str_t *version,
    ngx_http_faas_docker_spec_t *spec, ngx_http_faas_docker_request_t *req)
{
    ngx_int_t  rc;

    ngx_str_set(&req->method, "POST");

    if (ngx_http_faas_docker_check_id(&spec->network) != NGX_OK) {
        return NGX_ERROR;
    }

    rc = ngx_http_faas_docker_path(pool, version, "/containers/create?name=",
                                   &spec->name, "", &req->path);
    if (rc != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_faas_docker_body_create(pool, spec, &req->body);
}


ngx_int_t
ngx_http_faas_docker_start(ngx_pool_t *pool, ngx_str_t *version,
    ngx_str_t *id, ngx_http_faas_docker_request_t *req)
{
    ngx_str_set(&req->method, "POST");
    ngx_str_null(&req->body);

    return ngx_http_faas_docker_path(pool, version, "/containers/", id,
                                     "/start", &req->path);
}


ngx_int_t
ngx_http_faas_docker_remove(ngx_pool_t *pool, ngx_str_t *version,
    ngx_str_t *id, ngx_http_faas_docker_request_t *req)
{
    ngx_str_set(&req->method, "DELETE");
    ngx_str_null(&req->body);

    return ngx_http_faas_docker_path(pool, version, "/containers/", id,
                                     "?force=1&v=1", &req->path);
}


ngx_int_t
ngx_http_faas_docker_inspect(ngx_pool_t *pool, ngx_str_t *version,
    ngx_str_t *id, ngx_http_faas_docker_request_t *req)
{
    ngx_str_set(&req->method, "GET");
    ngx_str_null(&req->body);

    return ngx_http_faas_docker_path(pool, version, "/containers/", id,
                                     "/json", &req->path);
}


ngx_int_t
ngx_http_faas_docker_rename(ngx_pool_t *pool, ngx_str_t *version,
    ngx_str_t *id, ngx_str_t *name, ngx_http_faas_docker_request_t *req)
{
    u_char  *args;

    ngx_str_set(&req->method, "POST");
    ngx_str_null(&req->body);

    if (ngx_http_faas_docker_check_id(name) != NGX_OK) {
        return NGX_ERROR;
    }

    args = ngx_pnalloc(pool, sizeof("/rename?name=") + name->len);
    if (args == NULL) {
        return NGX_ERROR;
    }

    *ngx_sprintf(args, "/rename?name=%V", name) = '\0';

    return ngx_http_faas_docker_path(pool, version, "/containers/", id,
                                     (char *) args, &req->path);
}


ngx_int_t
ngx_http_faas_docker_update(ngx_pool_t *pool, ngx_str_t *version,
    ngx_str_t *id, ngx_http_faas_docker_limits_t *limits,
    ngx_http_faas_docker_request_t *req)
{
    ngx_int_t  rc;

    ngx_str_set(&req->method, "POST");

    rc = ngx_http_faas_docker_path(pool, version, "/containers/", id,
                                   "/update", &req->path);
    if (rc != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_faas_docker_body_update(pool, limits, &req->body);
}


ngx_int_t
ngx_http_faas_docker_logs(ngx_pool_t *pool, ngx_str_t *version,
    ngx_str_t *id, ngx_uint_t streams, ngx_uint_t tail, time_t since,
    ngx_msec_t since_msec, ngx_http_faas_docker_request_t *req)
{
    u_char  *p;
    u_char   args[sizeof("/logs?stdout=1&stderr=1&tail=&since=.000")
                  + NGX_INT_T_LEN + NGX_TIME_T_LEN];

    ngx_str_set(&req->method, "GET");
    ngx_str_null(&req->body);

    p = ngx_sprintf(args, "/logs?stdout=%d&stderr=%d&tail=%ui",
                    (streams & NGX_HTTP_FAAS_DOCKER_STDOUT) ? 1 : 0,
                    (streams & NGX_HTTP_FAAS_DOCKER_STDERR) ? 1 : 0, tail);

    if (since > 0) {
        p = ngx_sprintf(p, "&since=%T.%03M", since, since_msec % 1000);
    }

    *p = '\0';

    return ngx_http_faas_docker_path(pool, version, "/containers/", id,
                                     (char *) args, &req->path);
}


ngx_int_t
ngx_http_faas_docker_list(ngx_pool_t *pool, ngx_str_t *version,
    ngx_array_t *labels, ngx_uint_t limit, ngx_str_t *before,
    ngx_http_faas_docker_request_t *req)
{
    char       *args;
    u_char      first[sizeof("?all=1&limit=&filters=") + NGX_INT_T_LEN];
    ngx_str_t   filters;

    ngx_str_set(&req->method, "GET");
    ngx_str_null(&req->body);

    if (before && before->len
        && ngx_http_faas_docker_check_id(before) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_http_faas_docker_body_filters(pool, labels, before, &filters)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (limit) {
        *ngx_sprintf(first, "?all=1&limit=%ui&filters=", limit) = '\0';

    } else {
        *ngx_sprintf(first, "?all=1&filters=") = '\0';
    }

    args = ngx_http_faas_docker_escape(pool, (char *) first, &filters);
    if (args == NULL) {
        return NGX_ERROR;
    }

    return ngx_http_faas_docker_path(pool, version, "/containers/json", NULL,
                                     args, &req->path);
}


ngx_int_t
ngx_http_faas_docker_events(ngx_pool_t *pool, ngx_str_t *version,
    ngx_array_t *labels, ngx_str_t *since,
    ngx_http_faas_docker_request_t *req)
{
    char       *args;
    u_char      before[sizeof("?since=.&filters=") + NGX_TIME_T_LEN + 9];
    ngx_str_t   filters;

    ngx_str_set(&req->method, "GET");
    ngx_str_null(&req->body);

    if (since && since->len) {
        if (ngx_http_faas_docker_check_since(since) != NGX_OK) {
            return NGX_ERROR;
        }

        *ngx_sprintf(before, "?since=%V&filters=", since) = '\0';

    } else {
        ngx_memcpy(before, "?filters=", sizeof("?filters="));
    }

    if (ngx_http_faas_docker_body_events(pool, labels, &filters) != NGX_OK) {
        return NGX_ERROR;
    }

    args = ngx_http_faas_docker_escape(pool, (char *) before, &filters);
    if (args == NULL) {
        return NGX_ERROR;
    }

    return ngx_http_faas_docker_path(pool, version, "/events", NULL, args,
                                     &req->path);
}


ngx_int_t
ngx_http_faas_docker_serialize(ngx_pool_t *pool,
    ngx_http_faas_docker_request_t *req, ngx_str_t *out)
{
    u_char  *p;
    size_t   len;

    static char  fixed[] = " HTTP/1.1" CRLF
                           "Host: docker" CRLF
                           "User-Agent: ngx_http_faas_module" CRLF
                           "Accept: application/json" CRLF
                           "Connection: close" CRLF;

    static char  type[] = "Content-Type: application/json" CRLF;

    len = req->method.len + 1 + req->path.len + sizeof(fixed) - 1
          + sizeof(type) - 1
          + sizeof("Content-Length: " CRLF) - 1 + NGX_SIZE_T_LEN
          + sizeof(CRLF) - 1 + req->body.len;

    p = ngx_pnalloc(pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    out->data = p;

    p = ngx_sprintf(p, "%V %V%s", &req->method, &req->path, fixed);

    if (req->body.len) {
        p = ngx_cpymem(p, type, sizeof(type) - 1);
    }

    if (req->body.len
        || (req->method.len == 4
            && ngx_strncmp(req->method.data, "POST", 4) == 0))
    {
        p = ngx_sprintf(p, "Content-Length: %uz" CRLF, req->body.len);
    }

    *p++ = CR; *p++ = LF;

    if (req->body.len) {
        p = ngx_cpymem(p, req->body.data, req->body.len);
    }

    out->len = p - out->data;

    return NGX_OK;
}


static char *
ngx_http_faas_docker_escape(ngx_pool_t *pool, char *before,
    ngx_str_t *filters)
{
    u_char     *args, *p;
    size_t      len;
    uintptr_t   n;

    len = ngx_strlen(before);

    n = ngx_escape_uri(NULL, filters->data, filters->len,
                       NGX_ESCAPE_URI_COMPONENT);

    args = ngx_pnalloc(pool, len + filters->len + 2 * n + 1);
    if (args == NULL) {
        return NULL;
    }

    p = ngx_cpymem(args, before, len);
    p = (u_char *) ngx_escape_uri(p, filters->data, filters->len,
                                  NGX_ESCAPE_URI_COMPONENT);
    *p = '\0';

    return (char *) args;
}


static ngx_int_t
ngx_http_faas_docker_path(ngx_pool_t *pool, ngx_str_t *version, char *before,
    ngx_str_t *id, char *after, ngx_str_t *path)
{
    u_char     *p;
    size_t      len;
    ngx_str_t   none;

    if (id) {
        if (ngx_http_faas_docker_check_id(id) != NGX_OK) {
            return NGX_ERROR;
        }

    } else {
        ngx_str_set(&none, "");
        id = &none;
    }

    len = sizeof("/v") - 1 + version->len + ngx_strlen(before) + id->len
          + ngx_strlen(after);

    p = ngx_pnalloc(pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    path->data = p;
    path->len = ngx_sprintf(p, "/v%V%s%V%s", version, before, id, after) - p;

    return NGX_OK;
}


/* the engine's own rule; with it nothing in a path needs escaping */

static ngx_int_t
ngx_http_faas_docker_check_id(ngx_str_t *id)
{
    u_char      c, ch;
    ngx_uint_t  i;

    if (id->len == 0) {
        return NGX_ERROR;
    }

    for (i = 0; i < id->len; i++) {
        ch = id->data[i];
        c = (u_char) (ch | 0x20);

        if ((c >= 'a' && c <= 'z') || (ch >= '0' && ch <= '9')) {
            continue;
        }

        if (i > 0 && (ch == '_' || ch == '.' || ch == '-')) {
            continue;
        }

        return NGX_ERROR;
    }

    return NGX_OK;
}


/* seconds, and a fraction of nanoseconds or none */

static ngx_int_t
ngx_http_faas_docker_check_since(ngx_str_t *since)
{
    u_char  *dot, *last;
    size_t   len;

    last = since->data + since->len;

    dot = ngx_strlchr(since->data, last, '.');

    if (dot) {
        len = last - dot - 1;

        if (len > 9 || ngx_atoof(dot + 1, len) == NGX_ERROR) {
            return NGX_ERROR;
        }

        last = dot;
    }

    len = last - since->data;

    if (len > NGX_TIME_T_LEN || ngx_atoof(since->data, len) == NGX_ERROR) {
        return NGX_ERROR;
    }

    return NGX_OK;
}
