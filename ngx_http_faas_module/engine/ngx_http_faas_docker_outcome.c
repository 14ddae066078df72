
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Judges the replies of the Docker Engine API: by the call and the status,
 * and by the words of the body only where these two do not tell.  The body
 * may be anything, and only its beginning is searched.
 */


#include "ngx_http_faas_docker.h"
#include "ngx_http_faas_docker_json.h"
#include "ngx_http_faas_utf8.h"


#define NGX_HTTP_FAAS_DOCKER_SEARCH_MAX   4096
#define NGX_HTTP_FAAS_DOCKER_MESSAGE_MAX  512

#define NGX_HTTP_FAAS_DOCKER_API_MINOR    41      /* the oldest we speak */


#define ngx_http_faas_docker_says(body, literal)                              \
    ngx_http_faas_docker_find(body, (u_char *) literal, sizeof(literal) - 1)


static ngx_http_faas_docker_outcome_e ngx_http_faas_docker_created(
    ngx_str_t *body);
static ngx_http_faas_docker_outcome_e ngx_http_faas_docker_not_found(
    ngx_http_faas_docker_call_e call, ngx_str_t *body);
static ngx_http_faas_docker_outcome_e ngx_http_faas_docker_conflict(
    ngx_http_faas_docker_call_e call, ngx_str_t *body);
static ngx_http_faas_docker_outcome_e ngx_http_faas_docker_forbidden(
    ngx_http_faas_docker_call_e call, ngx_str_t *body);
static ngx_uint_t ngx_http_faas_docker_find(ngx_str_t *body, u_char *text,
    size_t len);
static ngx_int_t ngx_http_faas_docker_parse_version(ngx_str_t *text,
    ngx_int_t *major, ngx_int_t *minor);


static ngx_str_t  ngx_http_faas_docker_versions[] = {
    ngx_string("1.41"),
    ngx_string("1.42"),
    ngx_string("1.43"),
    ngx_string("1.44")
};


/* in the order of ngx_http_faas_docker_outcome_e */

static ngx_str_t  ngx_http_faas_docker_outcomes[] = {
    ngx_string("ok"),
    ngx_string("gone"),
    ngx_string("name conflict"),
    ngx_string("no image"),
    ngx_string("no network"),
    ngx_string("address in use"),
    ngx_string("unsupported version"),
    ngx_string("invalid"),
    ngx_string("engine error")
};


ngx_http_faas_docker_outcome_e
ngx_http_faas_docker_outcome(ngx_http_faas_docker_call_e call,
    ngx_uint_t status, ngx_str_t *body)
{
    if (status >= 200 && status < 300) {
        return call == NGX_HTTP_FAAS_DOCKER_CREATE
               ? ngx_http_faas_docker_created(body)
               : NGX_HTTP_FAAS_DOCKER_OK;
    }

    switch (status) {

    case NGX_HTTP_NOT_MODIFIED:
        return call == NGX_HTTP_FAAS_DOCKER_START
               ? NGX_HTTP_FAAS_DOCKER_OK
               : NGX_HTTP_FAAS_DOCKER_ENGINE;

    case NGX_HTTP_BAD_REQUEST:
        if (ngx_http_faas_docker_says(body, "client version ")
            && (ngx_http_faas_docker_says(body, " is too new")
                || ngx_http_faas_docker_says(body, " is too old")))
        {
            return NGX_HTTP_FAAS_DOCKER_VERSION;
        }

        /* asked again, after an answer that was lost */

        if (call == NGX_HTTP_FAAS_DOCKER_RENAME
            && ngx_http_faas_docker_says(body, "same name as its current"))
        {
            return NGX_HTTP_FAAS_DOCKER_OK;
        }

        return NGX_HTTP_FAAS_DOCKER_INVALID;

    case NGX_HTTP_FORBIDDEN:
        return ngx_http_faas_docker_forbidden(call, body);

    case NGX_HTTP_NOT_FOUND:
        return ngx_http_faas_docker_not_found(call, body);

    case NGX_HTTP_CONFLICT:
        return ngx_http_faas_docker_conflict(call, body);

    case NGX_HTTP_INTERNAL_SERVER_ERROR:
        return (call == NGX_HTTP_FAAS_DOCKER_UPDATE
                && ngx_http_faas_docker_says(body, "marked for removal"))
               ? NGX_HTTP_FAAS_DOCKER_GONE
               : NGX_HTTP_FAAS_DOCKER_ENGINE;

    default:
        return NGX_HTTP_FAAS_DOCKER_ENGINE;
    }
}


ngx_str_t *
ngx_http_faas_docker_outcome_name(ngx_http_faas_docker_outcome_e outcome)
{
    if (outcome > NGX_HTTP_FAAS_DOCKER_ENGINE) {
        outcome = NGX_HTTP_FAAS_DOCKER_ENGINE;
    }

    return &ngx_http_faas_docker_outcomes[outcome];
}


ngx_int_t
ngx_http_faas_docker_message(ngx_pool_t *pool, ngx_str_t *body,
    ngx_str_t *message)
{
    cJSON      *root;
    ngx_int_t   rc;

    ngx_str_null(message);

    root = ngx_http_faas_docker_json(body);

    rc = ngx_http_faas_docker_json_string(pool, root, "message", message);

    cJSON_Delete(root);

    if (rc != NGX_OK) {
        return NGX_ERROR;
    }

    if (message->len == 0) {

        /* not JSON: "404 page not found" and such */

        message->len = ngx_min(body->len, NGX_HTTP_FAAS_DOCKER_MESSAGE_MAX);

        message->data = ngx_pnalloc(pool, message->len + 1);
        if (message->data == NULL) {
            return NGX_ERROR;
        }

        if (message->len) {
            ngx_memcpy(message->data, body->data, message->len);
        }
    }

    message->len = ngx_min(message->len, NGX_HTTP_FAAS_DOCKER_MESSAGE_MAX);

    ngx_http_faas_utf8_line(message->data, message->data + message->len);

    while (message->len && message->data[message->len - 1] == ' ') {
        message->len--;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_faas_docker_version(ngx_str_t *max, ngx_str_t *min,
    ngx_str_t *version)
{
    ngx_int_t   major, minor, oldest, newest;
    ngx_uint_t  n;

    n = sizeof(ngx_http_faas_docker_versions) / sizeof(ngx_str_t);

    oldest = NGX_HTTP_FAAS_DOCKER_API_MINOR;
    newest = oldest + (ngx_int_t) n - 1;

    if (ngx_http_faas_docker_parse_version(max, &major, &minor) != NGX_OK) {
        return NGX_ERROR;
    }

    if (major < 1 || (major == 1 && minor < oldest)) {
        return NGX_DECLINED;
    }

    if (major == 1 && minor < newest) {
        newest = minor;
    }

    if (min->len) {
        if (ngx_http_faas_docker_parse_version(min, &major, &minor)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        if (major > 1 || (major == 1 && minor > newest)) {
            return NGX_DECLINED;
        }
    }

    *version = ngx_http_faas_docker_versions[newest - oldest];

    return NGX_OK;
}


static ngx_http_faas_docker_outcome_e
ngx_http_faas_docker_created(ngx_str_t *body)
{
    cJSON                           *root;
    ngx_http_faas_docker_outcome_e   outcome;

    root = ngx_http_faas_docker_json(body);

    outcome = ngx_http_faas_docker_json_id(root, "Id")
              ? NGX_HTTP_FAAS_DOCKER_OK : NGX_HTTP_FAAS_DOCKER_ENGINE;

    cJSON_Delete(root);

    return outcome;
}


static ngx_http_faas_docker_outcome_e
ngx_http_faas_docker_not_found(ngx_http_faas_docker_call_e call,
    ngx_str_t *body)
{
    /* a route the engine does not know tells nothing of the thing asked for */

    if (ngx_http_faas_docker_says(body, "page not found")) {
        return NGX_HTTP_FAAS_DOCKER_ENGINE;
    }

    switch (call) {

    case NGX_HTTP_FAAS_DOCKER_CREATE:
        if (!ngx_http_faas_docker_says(body, "no such image")
            && ngx_http_faas_docker_says(body, "network ")
            && ngx_http_faas_docker_says(body, " not found"))
        {
            return NGX_HTTP_FAAS_DOCKER_NO_NETWORK;
        }

        return NGX_HTTP_FAAS_DOCKER_NO_IMAGE;

    case NGX_HTTP_FAAS_DOCKER_START:
        if (!ngx_http_faas_docker_says(body, "no such container")
            && ngx_http_faas_docker_says(body, "network ")
            && ngx_http_faas_docker_says(body, " not found"))
        {
            return NGX_HTTP_FAAS_DOCKER_NO_NETWORK;
        }

        return NGX_HTTP_FAAS_DOCKER_GONE;

    case NGX_HTTP_FAAS_DOCKER_REMOVE:
        return NGX_HTTP_FAAS_DOCKER_OK;

    case NGX_HTTP_FAAS_DOCKER_INSPECT:
    case NGX_HTTP_FAAS_DOCKER_LOGS:
    case NGX_HTTP_FAAS_DOCKER_RENAME:
    case NGX_HTTP_FAAS_DOCKER_UPDATE:
    case NGX_HTTP_FAAS_DOCKER_NETWORK_REMOVE:
        return NGX_HTTP_FAAS_DOCKER_GONE;

    case NGX_HTTP_FAAS_DOCKER_NETWORK_INSPECT:
        return NGX_HTTP_FAAS_DOCKER_NO_NETWORK;

    default:
        return NGX_HTTP_FAAS_DOCKER_ENGINE;
    }
}


static ngx_http_faas_docker_outcome_e
ngx_http_faas_docker_conflict(ngx_http_faas_docker_call_e call,
    ngx_str_t *body)
{
    switch (call) {

    case NGX_HTTP_FAAS_DOCKER_CREATE:
    case NGX_HTTP_FAAS_DOCKER_NETWORK_CREATE:
    case NGX_HTTP_FAAS_DOCKER_NETWORK_REMOVE:
    case NGX_HTTP_FAAS_DOCKER_RENAME:
        return NGX_HTTP_FAAS_DOCKER_CONFLICT;

    case NGX_HTTP_FAAS_DOCKER_UPDATE:
        return NGX_HTTP_FAAS_DOCKER_GONE;

    case NGX_HTTP_FAAS_DOCKER_REMOVE:
        return ngx_http_faas_docker_says(body, "already in progress")
               ? NGX_HTTP_FAAS_DOCKER_OK
               : NGX_HTTP_FAAS_DOCKER_ENGINE;

    case NGX_HTTP_FAAS_DOCKER_START:
        return ngx_http_faas_docker_says(body, "marked for removal")
               ? NGX_HTTP_FAAS_DOCKER_GONE
               : NGX_HTTP_FAAS_DOCKER_ENGINE;

    default:
        return NGX_HTTP_FAAS_DOCKER_ENGINE;
    }
}


static ngx_http_faas_docker_outcome_e
ngx_http_faas_docker_forbidden(ngx_http_faas_docker_call_e call,
    ngx_str_t *body)
{
    switch (call) {

    case NGX_HTTP_FAAS_DOCKER_NETWORK_CREATE:

        /* another subnet would not help these two */

        if (ngx_http_faas_docker_says(body, "same bridge name")
            || ngx_http_faas_docker_says(body, "predefined "))
        {
            return NGX_HTTP_FAAS_DOCKER_INVALID;
        }

        /* fall through */

    case NGX_HTTP_FAAS_DOCKER_CREATE:
    case NGX_HTTP_FAAS_DOCKER_START:
        return NGX_HTTP_FAAS_DOCKER_ADDRESS;

    case NGX_HTTP_FAAS_DOCKER_NETWORK_REMOVE:
        return NGX_HTTP_FAAS_DOCKER_CONFLICT;

    default:
        return NGX_HTTP_FAAS_DOCKER_ENGINE;
    }
}


static ngx_uint_t
ngx_http_faas_docker_find(ngx_str_t *body, u_char *text, size_t len)
{
    size_t  n;

    n = ngx_min(body->len, NGX_HTTP_FAAS_DOCKER_SEARCH_MAX);

    if (n < len) {
        return 0;
    }

    return ngx_strlcasestrn(body->data, body->data + n, text, len - 1)
           != NULL;
}


static ngx_int_t
ngx_http_faas_docker_parse_version(ngx_str_t *text, ngx_int_t *major,
    ngx_int_t *minor)
{
    u_char  *dot, *last;

    if (text->len == 0 || text->len > sizeof("999.999") - 1) {
        return NGX_ERROR;
    }

    last = text->data + text->len;

    dot = ngx_strlchr(text->data, last, '.');
    if (dot == NULL) {
        return NGX_ERROR;
    }

    *major = ngx_atoi(text->data, dot - text->data);
    *minor = ngx_atoi(dot + 1, last - dot - 1);

    if (*major == NGX_ERROR || *minor == NGX_ERROR) {
        return NGX_ERROR;
    }

    return NGX_OK;
}
