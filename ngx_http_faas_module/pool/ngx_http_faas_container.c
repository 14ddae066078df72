
/*
 * Copyright (C) the ngx_http_faas_module authors
 */


#include "ngx_http_faas_container.h"
#include "ngx_http_faas_name.h"


static ngx_int_t ngx_http_faas_container_hex(u_char **p, u_char *last,
    uint32_t *value);
static ngx_int_t ngx_http_faas_container_number(u_char **p, u_char *last,
    ngx_uint_t *value);
static ngx_int_t ngx_http_faas_container_revision(u_char **p, u_char *last,
    u_char *revision);
static ngx_int_t ngx_http_faas_container_function(ngx_pool_t *pool,
    u_char *p, u_char *last, ngx_str_t *function);


ngx_int_t
ngx_http_faas_container_name(ngx_http_faas_pool_t *fp, ngx_pool_t *pool,
    ngx_http_faas_instance_t *inst, ngx_str_t *name)
{
    u_char  *last;

    name->data = ngx_pnalloc(pool, sizeof("faas----") + 8 + 8
                                   + 2 * NGX_INT_T_LEN);
    if (name->data == NULL) {
        return NGX_ERROR;
    }

    last = ngx_sprintf(name->data, "faas-%08xD-%08xD-%ui-%ui",
                       fp->zone.owner, inst->epoch, inst->slot,
                       inst->generation);

    name->len = last - name->data;
    *last = '\0';

    return NGX_OK;
}


ngx_int_t
ngx_http_faas_container_title(ngx_pool_t *pool, ngx_str_t *base,
    u_char *revision, ngx_str_t *function, ngx_str_t *name)
{
    u_char      *p, ch;
    ngx_uint_t   i;

    p = ngx_pnalloc(pool, base->len + 2 * NGX_HTTP_FAAS_REVISION_LEN
                          + 3 * function->len + sizeof(".."));
    if (p == NULL) {
        return NGX_ERROR;
    }

    name->data = p;

    p = ngx_cpymem(p, base->data, base->len);
    *p++ = '.';
    p = ngx_hex_dump(p, revision, NGX_HTTP_FAAS_REVISION_LEN);
    *p++ = '.';

    for (i = 0; i < function->len; i++) {
        ch = function->data[i];

        if ((ch >= '0' && ch <= '9')
            || ((ch | 0x20) >= 'a' && (ch | 0x20) <= 'z')
            || ch == '-')
        {
            *p++ = ch;

        } else {
            p = ngx_sprintf(p, "_%02xi", (ngx_int_t) ch);
        }
    }

    *p = '\0';
    name->len = p - name->data;

    return NGX_OK;
}


ngx_int_t
ngx_http_faas_container_ref(ngx_http_faas_pool_t *fp, ngx_pool_t *pool,
    ngx_http_faas_instance_t *inst, ngx_str_t *ref)
{
    ngx_int_t  rc;

    ref->len = NGX_HTTP_FAAS_ID_LEN;

    ref->data = ngx_pnalloc(pool, NGX_HTTP_FAAS_ID_LEN + 1);
    if (ref->data == NULL) {
        return NGX_ERROR;
    }

    rc = NGX_OK;

    ngx_http_faas_zone_lock(&fp->zone);

    if (inst->identified) {
        ngx_memcpy(ref->data, inst->id, NGX_HTTP_FAAS_ID_LEN);
        ref->data[NGX_HTTP_FAAS_ID_LEN] = '\0';

    } else {
        rc = ngx_http_faas_container_name(fp, pool, inst, ref);
    }

    ngx_http_faas_zone_unlock(&fp->zone);

    return rc;
}


ngx_int_t
ngx_http_faas_container_parse(ngx_pool_t *pool, ngx_str_t *name,
    ngx_http_faas_container_t *container)
{
    u_char  *p, *last;

    p = name->data;
    last = p + name->len;

    ngx_str_null(&container->function);

    if (name->len < sizeof("faas-") - 1
        || ngx_strncmp(p, "faas-", sizeof("faas-") - 1) != 0)
    {
        return NGX_DECLINED;
    }

    p += sizeof("faas-") - 1;

    if (ngx_http_faas_container_hex(&p, last, &container->owner) != NGX_OK
        || p == last || *p++ != '-'
        || ngx_http_faas_container_hex(&p, last, &container->epoch) != NGX_OK
        || p == last || *p++ != '-'
        || ngx_http_faas_container_number(&p, last, &container->slot)
           != NGX_OK
        || p == last || *p++ != '-'
        || ngx_http_faas_container_number(&p, last, &container->generation)
           != NGX_OK)
    {
        return NGX_DECLINED;
    }

    if (p == last) {
        return NGX_OK;
    }

    if (*p++ != '.'
        || ngx_http_faas_container_revision(&p, last, container->revision)
           != NGX_OK
        || p == last || *p++ != '.')
    {
        return NGX_DECLINED;
    }

    return ngx_http_faas_container_function(pool, p, last,
                                            &container->function);
}


static ngx_int_t
ngx_http_faas_container_hex(u_char **p, u_char *last, uint32_t *value)
{
    ngx_int_t  n;

    if (last - *p < 8) {
        return NGX_ERROR;
    }

    n = ngx_hextoi(*p, 8);
    if (n == NGX_ERROR) {
        return NGX_ERROR;
    }

    *p += 8;
    *value = (uint32_t) n;

    return NGX_OK;
}


static ngx_int_t
ngx_http_faas_container_number(u_char **p, u_char *last, ngx_uint_t *value)
{
    u_char     *start;
    ngx_int_t   n;

    for (start = *p; *p < last && **p >= '0' && **p <= '9'; (*p)++) {
        /* void */
    }

    n = ngx_atoi(start, *p - start);
    if (n == NGX_ERROR) {
        return NGX_ERROR;
    }

    *value = (ngx_uint_t) n;

    return NGX_OK;
}


static ngx_int_t
ngx_http_faas_container_revision(u_char **p, u_char *last, u_char *revision)
{
    ngx_int_t   n;
    ngx_uint_t  i;

    if (last - *p < 2 * NGX_HTTP_FAAS_REVISION_LEN) {
        return NGX_ERROR;
    }

    for (i = 0; i < NGX_HTTP_FAAS_REVISION_LEN; i++) {
        n = ngx_hextoi(*p, 2);
        if (n == NGX_ERROR) {
            return NGX_ERROR;
        }

        revision[i] = (u_char) n;
        *p += 2;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_faas_container_function(ngx_pool_t *pool, u_char *p, u_char *last,
    ngx_str_t *function)
{
    u_char     *d;
    ngx_int_t   n;

    if (p == last || last - p > 3 * NGX_HTTP_FAAS_NAME_SIZE) {
        return NGX_DECLINED;
    }

    d = ngx_pnalloc(pool, last - p);
    if (d == NULL) {
        return NGX_ERROR;
    }

    function->data = d;

    while (p < last) {

        if (*p != '_') {
            *d++ = *p++;
            continue;
        }

        if (last - p < 3) {
            return NGX_DECLINED;
        }

        n = ngx_hextoi(p + 1, 2);
        if (n == NGX_ERROR) {
            return NGX_DECLINED;
        }

        *d++ = (u_char) n;
        p += 3;
    }

    function->len = d - function->data;

    return (ngx_http_faas_name_check(function) == NGX_OK) ? NGX_OK
                                                          : NGX_DECLINED;
}
