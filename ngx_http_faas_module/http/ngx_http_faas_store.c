
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * The functions directory as a collection of resources.  A write is
 * acknowledged once it is on the disk; a deletion once the engine has taken
 * the idle instances away, as far as it answers.
 */


#include "ngx_http_faas_store.h"
#include "ngx_http_faas_file.h"
#include "ngx_http_faas_function.h"
#include "ngx_http_faas_json.h"
#include "ngx_http_faas_listing.h"
#include "ngx_http_faas_minimum.h"
#include "ngx_http_faas_source.h"
#include "ngx_http_faas_spec.h"
#include "ngx_http_faas_verdict.h"


typedef ngx_int_t (*ngx_http_faas_store_pt)(ngx_http_request_t *r,
    ngx_str_t *name);


static ngx_int_t ngx_http_faas_store_write(ngx_http_request_t *r,
    ngx_http_faas_spec_t *spec, ngx_uint_t create);
static ngx_int_t ngx_http_faas_store_put_sidecar(ngx_http_request_t *r,
    ngx_str_t *path, ngx_str_t *json);
static void ngx_http_faas_store_begin(ngx_http_request_t *r,
    ngx_http_faas_spec_t *spec);
static ngx_int_t ngx_http_faas_store_locked(ngx_http_request_t *r,
    ngx_str_t *name, ngx_http_faas_store_pt write);
static ngx_int_t ngx_http_faas_store_post(ngx_http_request_t *r,
    ngx_str_t *name);
static ngx_int_t ngx_http_faas_store_add(ngx_http_request_t *r,
    ngx_http_faas_spec_t *spec);
static ngx_int_t ngx_http_faas_store_put(ngx_http_request_t *r,
    ngx_str_t *name);
static ngx_int_t ngx_http_faas_store_location(ngx_http_request_t *r,
    ngx_str_t *name);
static ngx_int_t ngx_http_faas_store_find(ngx_http_request_t *r,
    ngx_str_t *name, ngx_http_faas_listing_item_t *item);
static ngx_int_t ngx_http_faas_store_reply(ngx_http_request_t *r,
    ngx_uint_t status, ngx_str_t *name);
static ngx_int_t ngx_http_faas_store_state(ngx_http_request_t *r,
    ngx_http_faas_listing_item_t *item, ngx_http_faas_source_t *source,
    ngx_str_t *json);
static void ngx_http_faas_store_deleted(ngx_http_request_t *r);
static ngx_int_t ngx_http_faas_store_no_content(ngx_http_request_t *r);


ngx_int_t
ngx_http_faas_store_list(ngx_http_request_t *r)
{
    ngx_str_t  body;

    if (ngx_http_faas_listing_directory(ngx_http_faas_get_pool(r), r->pool,
                                        r->connection->log, &body)
        != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_faas_reply_json(r, NGX_HTTP_OK, &body);
}


ngx_int_t
ngx_http_faas_store_get(ngx_http_request_t *r, ngx_str_t *name)
{
    return ngx_http_faas_store_reply(r, NGX_HTTP_OK, name);
}


/* NGX_OK, or NGX_DECLINED: no such function, or NGX_ERROR */

static ngx_int_t
ngx_http_faas_store_find(ngx_http_request_t *r, ngx_str_t *name,
    ngx_http_faas_listing_item_t *item)
{
    ngx_memzero(item, sizeof(ngx_http_faas_listing_item_t));

    item->name = *name;

    return ngx_http_faas_pool_find(ngx_http_faas_get_pool(r), r->pool,
                                   r->connection->log, name, &item->path,
                                   &item->runtime, &item->identity);
}


static ngx_int_t
ngx_http_faas_store_reply(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *name)
{
    ngx_int_t                      rc;
    ngx_str_t                      more, body;
    ngx_http_faas_source_t         source;
    ngx_http_faas_listing_item_t   item;

    rc = ngx_http_faas_store_find(r, name, &item);

    if (rc == NGX_OK) {
        rc = ngx_http_faas_source_read(ngx_http_faas_get_pool(r), r->pool,
                                       r->connection->log, &item.path,
                                       item.runtime, &source);
        item.identity = source.identity;
    }

    if (rc == NGX_DECLINED) {
        return ngx_http_faas_reply_literal(r, NGX_HTTP_NOT_FOUND,
                   "function_not_found",
                   "there is no function of this name");
    }

    if (rc != NGX_OK
        || ngx_http_faas_store_state(r, &item, &source, &more) != NGX_OK
        || ngx_http_faas_listing_function(r->pool, &item, &source.bytes,
                                          &more, &body)
           != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_faas_reply_json(r, status, &body);
}


/* how it stands, and with which settings */

static ngx_int_t
ngx_http_faas_store_state(ngx_http_request_t *r,
    ngx_http_faas_listing_item_t *item, ngx_http_faas_source_t *source,
    ngx_str_t *json)
{
    u_char                         *p, hex[8];
    ngx_str_t                       settings, *error;
    ngx_http_faas_function_stat_t   stat;

    error = &source->settings.error;

    if (ngx_http_faas_settings_write(r->pool, &source->settings, &settings)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_http_faas_function_stat(&ngx_http_faas_get_pool(r)->zone,
                                &item->name, &stat);

    p = ngx_pnalloc(r->pool, sizeof(",\"revision\":\"12345678\",\"state\":"
                                    "\"starting\",\"instances\":,"
                                    "\"active\":,\"waiting\":,"
                                    "\"settings_error\":")
                             + 3 * NGX_INT_T_LEN + settings.len
                             + ngx_http_faas_json_quote_len(error));
    if (p == NULL) {
        return NGX_ERROR;
    }

    json->data = p;

    /* as much of it as $K_REVISION has */

    ngx_hex_dump(hex, source->revision, 4);

    p = ngx_sprintf(p, ",\"revision\":\"%*s\",\"state\":\"%s\""
                    ",\"instances\":%ui,\"active\":%ui,\"waiting\":%ui",
                    (size_t) 8, hex, stat.state, stat.instances, stat.active,
                    stat.waiting);

    if (error->len) {
        p = ngx_sprintf(p, ",\"settings_error\":");
        p = ngx_http_faas_json_quote(p, error);
    }

    p = ngx_cpymem(p, settings.data, settings.len);

    json->len = p - json->data;

    return NGX_OK;
}


/* a name is of one file, of whatever language: looks and writes at once */

static ngx_int_t
ngx_http_faas_store_locked(ngx_http_request_t *r, ngx_str_t *name,
    ngx_http_faas_store_pt write)
{
    ngx_fd_t   fd;
    ngx_int_t  rc;

    fd = ngx_http_faas_file_lock(&ngx_http_faas_get_pool(r)->root,
                                 r->connection->log);
    if (fd == NGX_INVALID_FILE) {
        return (ngx_errno == NGX_EAGAIN) ? NGX_BUSY
                                         : NGX_HTTP_SERVICE_UNAVAILABLE;
    }

    rc = write(r, name);

    (void) ngx_close_file(fd);

    return rc;
}


ngx_int_t
ngx_http_faas_store_create(ngx_http_request_t *r)
{
    return ngx_http_faas_store_locked(r, NULL, ngx_http_faas_store_post);
}


static ngx_int_t
ngx_http_faas_store_post(ngx_http_request_t *r, ngx_str_t *name)
{
    ngx_int_t             rc;
    ngx_http_faas_spec_t  spec;

    rc = ngx_http_faas_spec(r, name, &spec);
    if (rc != NGX_DECLINED) {
        return rc;
    }

    if (spec.runtime == NULL) {
        return ngx_http_faas_reply_literal(r, NGX_HTTP_BAD_REQUEST,
                   "invalid_language", "language is missing");
    }

    return ngx_http_faas_store_add(r, &spec);
}


static ngx_int_t
ngx_http_faas_store_add(ngx_http_request_t *r, ngx_http_faas_spec_t *spec)
{
    ngx_int_t                      rc;
    ngx_http_faas_listing_item_t   item;

    rc = ngx_http_faas_spec_settings(r, spec);
    if (rc != NGX_DECLINED) {
        return rc;
    }

    /* of any language: one name is one function */

    rc = ngx_http_faas_store_find(r, &spec->name, &item);

    if (rc == NGX_DECLINED) {

        rc = ngx_http_faas_store_write(r, spec, 1);

        if (rc == NGX_OK) {

            if (ngx_http_faas_store_location(r, &spec->name) != NGX_OK) {
                return NGX_HTTP_INTERNAL_SERVER_ERROR;
            }

            ngx_http_faas_store_begin(r, spec);

            return ngx_http_faas_store_reply(r, NGX_HTTP_CREATED, &spec->name);
        }

    } else if (rc == NGX_OK) {
        rc = NGX_BUSY;
    }

    if (rc == NGX_BUSY) {
        return ngx_http_faas_reply_literal(r, NGX_HTTP_CONFLICT,
                   "already_exists", "there is a function of this name");
    }

    return NGX_HTTP_INSUFFICIENT_STORAGE;
}


/*
 * The settings first, so that no source ever runs with those of another one;
 * when it cannot be written they are as they were.
 */

static ngx_int_t
ngx_http_faas_store_write(ngx_http_request_t *r,
    ngx_http_faas_spec_t *spec, ngx_uint_t create)
{
    u_char                    sum[NGX_HTTP_FAAS_REVISION_LEN];
    ngx_int_t                 rc;
    ngx_str_t                 path, sidecar, old;
    ngx_http_faas_identity_t  identity;

    if (ngx_http_faas_pool_path(ngx_http_faas_get_pool(r), r->pool,
                                &spec->name, spec->runtime, &path)
        != NGX_OK
        || ngx_http_faas_source_sidecar(r->pool, &path, spec->runtime,
                                        &sidecar)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    rc = ngx_http_faas_file_read(r->pool, &sidecar,
                                 NGX_HTTP_FAAS_SOURCE_SIZE, &identity, &old,
                                 sum, r->connection->log);

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (rc == NGX_DECLINED) {
        old.len = 0;
    }

    if (ngx_http_faas_store_put_sidecar(r, &sidecar, &spec->sidecar)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    rc = ngx_http_faas_file_write(r->pool, &path, &spec->source, create,
                                  r->connection->log);

    if (rc != NGX_OK) {
        (void) ngx_http_faas_store_put_sidecar(r, &sidecar, &old);
    }

    return rc;
}


static ngx_int_t
ngx_http_faas_store_put_sidecar(ngx_http_request_t *r, ngx_str_t *path,
    ngx_str_t *json)
{
    if (json->len) {
        return ngx_http_faas_file_write(r->pool, path, json, 0,
                                        r->connection->log);
    }

    return (ngx_http_faas_file_delete(r->pool, path, r->connection->log)
            == NGX_ERROR)
           ? NGX_ERROR : NGX_OK;
}


/* what is to run without a call need not wait for the keeper */

static void
ngx_http_faas_store_begin(ngx_http_request_t *r,
    ngx_http_faas_spec_t *spec)
{
    if (spec->sidecar.len || spec->runtime->scale.min_instances) {
        (void) ngx_http_faas_minimum(ngx_http_faas_get_pool(r), r->pool,
                                     r->connection->log, &spec->name);
    }
}


/* RFC 9110, 10.2.2: where the new resource is */

static ngx_int_t
ngx_http_faas_store_location(ngx_http_request_t *r, ngx_str_t *name)
{
    u_char                    *p;
    size_t                     len;
    uintptr_t                  escape;
    ngx_str_t                  key, value;
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    escape = 2 * ngx_escape_uri(NULL, name->data, name->len,
                                NGX_ESCAPE_URI_COMPONENT);
    len = clcf->name.len + 1 + name->len + escape;

    p = ngx_pnalloc(r->pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    value.data = p;
    p = ngx_cpymem(p, clcf->name.data, clcf->name.len);

    if (p[-1] != '/') {
        *p++ = '/';
    }

    p = (u_char *) ngx_escape_uri(p, name->data, name->len,
                                  NGX_ESCAPE_URI_COMPONENT);
    value.len = p - value.data;

    ngx_str_set(&key, "Location");

    return ngx_http_faas_reply_header(r, &key, &value);
}


ngx_int_t
ngx_http_faas_store_replace(ngx_http_request_t *r, ngx_str_t *name)
{
    return ngx_http_faas_store_locked(r, name, ngx_http_faas_store_put);
}


static ngx_int_t
ngx_http_faas_store_put(ngx_http_request_t *r, ngx_str_t *name)
{
    ngx_int_t                      rc;
    ngx_uint_t                     status;
    ngx_http_faas_spec_t           spec;
    ngx_http_faas_listing_item_t   item;

    rc = ngx_http_faas_spec(r, name, &spec);
    if (rc != NGX_DECLINED) {
        return rc;
    }

    name = &spec.name;

    rc = ngx_http_faas_store_find(r, name, &item);

    if (rc == NGX_ERROR) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    status = (rc == NGX_OK) ? NGX_HTTP_OK : NGX_HTTP_CREATED;

    if (spec.runtime == NULL) {

        if (rc != NGX_OK) {
            return ngx_http_faas_reply_literal(r, NGX_HTTP_BAD_REQUEST,
                       "invalid_language", "language is missing");
        }

        spec.runtime = item.runtime;
    }

    rc = ngx_http_faas_spec_settings(r, &spec);
    if (rc != NGX_DECLINED) {
        return rc;
    }

    rc = ngx_http_faas_store_write(r, &spec, 0);

    if (rc == NGX_BUSY) {
        return ngx_http_faas_reply_literal(r, NGX_HTTP_CONFLICT,
                   "already_exists", "something else has this name");
    }

    if (rc != NGX_OK) {
        return NGX_HTTP_INSUFFICIENT_STORAGE;
    }

    /* in another language it is another file */

    if (status == NGX_HTTP_OK
        && spec.runtime != item.runtime
        && ngx_http_faas_file_delete(r->pool, &item.path, r->connection->log)
           == NGX_ERROR)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (status == NGX_HTTP_CREATED
        && ngx_http_faas_store_location(r, name) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_http_faas_store_begin(r, &spec);

    return ngx_http_faas_store_reply(r, status, name);
}


ngx_int_t
ngx_http_faas_store_delete(ngx_http_request_t *r, ngx_str_t *name)
{
    ngx_fd_t                       fd;
    ngx_int_t                      rc;
    ngx_str_t                      sidecar;
    ngx_uint_t                     count;
    ngx_http_faas_pool_t          *fp;
    ngx_http_faas_listing_item_t   item;

    fp = ngx_http_faas_get_pool(r);

    rc = NGX_DECLINED;

    fd = ngx_http_faas_file_lock(&fp->root, r->connection->log);

    if (fd != NGX_INVALID_FILE) {
        rc = ngx_http_faas_store_find(r, name, &item);

        if (rc == NGX_OK) {
            rc = ngx_http_faas_file_delete(r->pool, &item.path,
                                           r->connection->log);
        }

        if (rc == NGX_OK
            && (ngx_http_faas_source_sidecar(r->pool, &item.path,
                                             item.runtime, &sidecar)
                != NGX_OK
                || ngx_http_faas_file_delete(r->pool, &sidecar,
                                             r->connection->log)
                   == NGX_ERROR))
        {
            rc = NGX_ERROR;
        }

        (void) ngx_close_file(fd);

    } else if (ngx_errno == NGX_EAGAIN) {
        return NGX_BUSY;

    } else if (ngx_errno != NGX_ENOENT) {
        return NGX_HTTP_SERVICE_UNAVAILABLE;
    }

    if (rc == NGX_ERROR) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (rc == NGX_DECLINED) {
        return ngx_http_faas_reply_literal(r, NGX_HTTP_NOT_FOUND,
                   "function_not_found",
                   "there is no function of this name");
    }

    count = r->main->count;

    ngx_http_faas_verdict_forget(&fp->zone, name);
    ngx_http_faas_remove_dead(fp, r);

    if (r->main->count == count) {
        return ngx_http_faas_store_no_content(r);
    }

    /*
     * Each removal is a subrequest with a count of its own, and runs our
     * write handler when it ends; this count is for the answer.
     */

    r->main->count++;
    r->write_event_handler = ngx_http_faas_store_deleted;

    return NGX_DONE;
}


static void
ngx_http_faas_store_deleted(ngx_http_request_t *r)
{
    if (r->main->count > 1) {
        return;
    }

    ngx_http_finalize_request(r, ngx_http_faas_store_no_content(r));
}


static ngx_int_t
ngx_http_faas_store_no_content(ngx_http_request_t *r)
{
    r->headers_out.status = NGX_HTTP_NO_CONTENT;
    r->header_only = 1;

    return ngx_http_send_header(r);
}
