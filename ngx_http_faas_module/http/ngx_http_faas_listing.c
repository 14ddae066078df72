
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Writes functions as JSON: one, or what is in the directory.
 */


#include "ngx_http_faas_listing.h"
#include "ngx_http_faas_json.h"


/* an item without its strings */
#define NGX_HTTP_FAAS_LISTING_ITEM                                           \
    sizeof("{\"id\":,\"name\":,\"language\":\"\",\"source_code\":,"          \
           "\"source_encoding\":\"base64\","                                 \
           "\"created_at\":\"1970-01-01T00:00:00Z\"}\n,")


static ngx_int_t ngx_http_faas_listing_read(ngx_http_faas_pool_t *fp,
    ngx_pool_t *pool, ngx_log_t *log, ngx_array_t *items);
static ngx_int_t ngx_http_faas_listing_entry(ngx_http_faas_pool_t *fp,
    ngx_pool_t *pool, ngx_log_t *log, ngx_str_t *file, ngx_array_t *items);
static int ngx_libc_cdecl ngx_http_faas_listing_cmp(const void *one,
    const void *two);
static u_char *ngx_http_faas_listing_head(u_char *p,
    ngx_http_faas_listing_item_t *item);
static u_char *ngx_http_faas_listing_tail(u_char *p,
    ngx_http_faas_listing_item_t *item);


ngx_int_t
ngx_http_faas_listing_function(ngx_pool_t *pool,
    ngx_http_faas_listing_item_t *item, ngx_str_t *source, ngx_str_t *more,
    ngx_str_t *body)
{
    u_char                *p;
    ngx_str_t              encoded;
    ngx_uint_t             text;
    ngx_http_faas_utf8_t   utf8;

    ngx_memzero(&utf8, sizeof(ngx_http_faas_utf8_t));

    text = (ngx_http_faas_utf8_check(&utf8, source->data,
                                     source->data + source->len)
            == NGX_OK
            && ngx_http_faas_utf8_end(&utf8) == NGX_OK);

    p = ngx_pnalloc(pool, NGX_HTTP_FAAS_LISTING_ITEM
                          + 2 * ngx_http_faas_json_quote_len(&item->name)
                          + item->runtime->name.len + more->len
                          + (text ? ngx_http_faas_json_quote_len(source)
                                  : ngx_base64_encoded_length(source->len)));
    if (p == NULL) {
        return NGX_ERROR;
    }

    body->data = p;

    p = ngx_http_faas_listing_head(p, item);
    p = ngx_sprintf(p, ",\"source_code\":");

    if (text) {
        p = ngx_http_faas_json_quote(p, source);

    } else {
        *p++ = '"';
        encoded.data = p;
        ngx_encode_base64(&encoded, source);
        p += encoded.len;
        p = ngx_sprintf(p, "\",\"source_encoding\":\"base64\"");
    }

    p = ngx_http_faas_listing_tail(p, item) - 1;
    p = ngx_cpymem(p, more->data, more->len);
    *p++ = '}';
    *p++ = LF;

    body->len = p - body->data;

    return NGX_OK;
}


static u_char *
ngx_http_faas_listing_head(u_char *p, ngx_http_faas_listing_item_t *item)
{
    p = ngx_sprintf(p, "{\"id\":");
    p = ngx_http_faas_json_quote(p, &item->name);
    p = ngx_sprintf(p, ",\"name\":");
    p = ngx_http_faas_json_quote(p, &item->name);

    return ngx_sprintf(p, ",\"language\":\"%V\"", &item->runtime->name);
}


/* the file's time, RFC 3339 */

static u_char *
ngx_http_faas_listing_tail(u_char *p, ngx_http_faas_listing_item_t *item)
{
    ngx_tm_t  tm;

    ngx_gmtime(item->identity.sec, &tm);

    return ngx_sprintf(p, ",\"created_at\":\"%4d-%02d-%02dT%02d:%02d:%02dZ\"}",
                       tm.ngx_tm_year, tm.ngx_tm_mon, tm.ngx_tm_mday,
                       tm.ngx_tm_hour, tm.ngx_tm_min, tm.ngx_tm_sec);
}


ngx_int_t
ngx_http_faas_listing_directory(ngx_http_faas_pool_t *fp, ngx_pool_t *pool,
    ngx_log_t *log, ngx_str_t *body)
{
    u_char                        *p;
    size_t                         len;
    ngx_uint_t                     i;
    ngx_array_t                    items;
    ngx_http_faas_listing_item_t  *item;

    if (ngx_array_init(&items, pool, 32,
                       sizeof(ngx_http_faas_listing_item_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_http_faas_listing_read(fp, pool, log, &items) != NGX_OK) {
        return NGX_ERROR;
    }

    item = items.elts;
    len = sizeof("[]\n");

    ngx_qsort(item, items.nelts, sizeof(ngx_http_faas_listing_item_t),
              ngx_http_faas_listing_cmp);

    for (i = 0; i < items.nelts; i++) {
        len += NGX_HTTP_FAAS_LISTING_ITEM + item[i].runtime->name.len
               + 2 * ngx_http_faas_json_quote_len(&item[i].name);
    }

    p = ngx_pnalloc(pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    body->data = p;
    *p++ = '[';

    for (i = 0; i < items.nelts; i++) {

        if (i) {
            *p++ = ',';
            *p++ = LF;
        }

        p = ngx_http_faas_listing_head(p, &item[i]);
        p = ngx_http_faas_listing_tail(p, &item[i]);
    }

    *p++ = ']';
    *p++ = LF;

    body->len = p - body->data;

    return NGX_OK;
}


static ngx_int_t
ngx_http_faas_listing_read(ngx_http_faas_pool_t *fp, ngx_pool_t *pool,
    ngx_log_t *log, ngx_array_t *items)
{
    ngx_dir_t  dir;
    ngx_int_t  rc;
    ngx_str_t  file;

    /* fp->root is NUL-terminated */

    if (ngx_open_dir(&fp->root, &dir) == NGX_ERROR) {

        if (ngx_errno == NGX_ENOENT) {
            return NGX_OK;
        }

        ngx_log_error(NGX_LOG_CRIT, log, ngx_errno,
                      ngx_open_dir_n " \"%V\" failed", &fp->root);
        return NGX_ERROR;
    }

    rc = NGX_OK;

    for ( ;; ) {
        ngx_set_errno(0);

        if (ngx_read_dir(&dir) == NGX_ERROR) {

            if (ngx_errno != NGX_ENOMOREFILES) {
                ngx_log_error(NGX_LOG_CRIT, log, ngx_errno,
                              ngx_read_dir_n " \"%V\" failed", &fp->root);
                rc = NGX_ERROR;
            }

            break;
        }

        file.len = ngx_de_namelen(&dir);
        file.data = ngx_de_name(&dir);

        if (ngx_http_faas_listing_entry(fp, pool, log, &file, items)
            != NGX_OK)
        {
            rc = NGX_ERROR;
            break;
        }
    }

    if (ngx_close_dir(&dir) == NGX_ERROR) {
        ngx_log_error(NGX_LOG_ALERT, log, ngx_errno,
                      ngx_close_dir_n " \"%V\" failed", &fp->root);
    }

    return rc;
}


static ngx_int_t
ngx_http_faas_listing_entry(ngx_http_faas_pool_t *fp, ngx_pool_t *pool,
    ngx_log_t *log, ngx_str_t *file, ngx_array_t *items)
{
    ngx_int_t                      rc;
    ngx_str_t                      name;
    ngx_uint_t                     i;
    ngx_http_faas_runtime_t       *rt;
    ngx_http_faas_listing_item_t  *item, found;

    rt = fp->runtimes->elts;

    for (i = 0; i < fp->runtimes->nelts; i++) {
        if (ngx_http_faas_pool_has_ext(file, &rt[i])) {
            break;
        }
    }

    if (i == fp->runtimes->nelts) {
        return NGX_OK;
    }

    name.len = file->len;

    name.data = ngx_pstrdup(pool, file);
    if (name.data == NULL) {
        return NGX_ERROR;
    }

    /* NAME, unless that is another file: then NAME with its extension */

    name.len -= rt[i].ext.len;

    if (ngx_http_faas_name_check(&name) != NGX_OK) {
        return NGX_OK;
    }

    rc = ngx_http_faas_pool_find(fp, pool, log, &name, &found.path,
                                 &found.runtime, &found.identity);

    if (rc == NGX_OK && found.runtime != &rt[i]) {
        name.len = file->len;

        if (ngx_http_faas_name_check(&name) != NGX_OK) {
            return NGX_OK;
        }

        rc = ngx_http_faas_pool_find(fp, pool, log, &name, &found.path,
                                     &found.runtime, &found.identity);
    }

    if (rc != NGX_OK) {
        return (rc == NGX_DECLINED) ? NGX_OK : NGX_ERROR;
    }

    item = ngx_array_push(items);
    if (item == NULL) {
        return NGX_ERROR;
    }

    *item = found;
    item->name = name;

    return NGX_OK;
}


static int ngx_libc_cdecl
ngx_http_faas_listing_cmp(const void *one, const void *two)
{
    ngx_http_faas_listing_item_t  *first, *second;

    first = (ngx_http_faas_listing_item_t *) one;
    second = (ngx_http_faas_listing_item_t *) two;

    return (int) ngx_memn2cmp(first->name.data, second->name.data,
                              first->name.len, second->name.len);
}
