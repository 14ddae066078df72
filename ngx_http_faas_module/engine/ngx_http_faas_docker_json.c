
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Reads the engine's JSON, of which nothing is trusted.  Strings are copied
 * into the pool; a tree is of malloc() and belongs to the caller.
 */


#include "ngx_http_faas_docker_json.h"


/*
 * The copy with a final zero is for cJSON 1.7.15, which looks one byte behind
 * the end of an object that was cut (CVE-2023-53154); with the zero required,
 * garbage behind the value is an error.
 */

cJSON *
ngx_http_faas_docker_json(ngx_str_t *body)
{
    cJSON   *root;
    u_char  *p;

    if (body->len == 0) {
        return NULL;
    }

    p = ngx_alloc(body->len + 1, ngx_cycle->log);
    if (p == NULL) {
        return NULL;
    }

    *ngx_cpymem(p, body->data, body->len) = '\0';

    root = cJSON_ParseWithLengthOpts((char *) p, body->len + 1, NULL, 1);

    ngx_free(p);

    return root;
}


char *
ngx_http_faas_docker_json_id(cJSON *object, char *name)
{
    char        *id;
    ngx_uint_t   i;

    id = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));

    if (id == NULL) {
        return NULL;
    }

    for (i = 0; i < NGX_HTTP_FAAS_ID_LEN; i++) {
        if ((id[i] >= '0' && id[i] <= '9') || (id[i] >= 'a' && id[i] <= 'f')) {
            continue;
        }

        return NULL;
    }

    return id[i] == '\0' ? id : NULL;
}


ngx_int_t
ngx_http_faas_docker_json_string(ngx_pool_t *pool, cJSON *object, char *name,
    ngx_str_t *value)
{
    char  *text;

    text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object,
                                                                 name));

    if (text == NULL) {
        return NGX_OK;
    }

    return ngx_http_faas_docker_json_copy(pool, text, value);
}


ngx_int_t
ngx_http_faas_docker_json_integer(cJSON *object, char *name, ngx_int_t *value)
{
    cJSON  *item;

    item = cJSON_GetObjectItemCaseSensitive(object, name);

    *value = 0;

    if (item == NULL) {
        return NGX_OK;
    }

    if (!cJSON_IsNumber(item)
        || !(item->valuedouble >= INT32_MIN)
        || !(item->valuedouble <= INT32_MAX))
    {
        return NGX_ERROR;
    }

    *value = (ngx_int_t) item->valuedouble;

    return NGX_OK;
}


ngx_int_t
ngx_http_faas_docker_json_copy(ngx_pool_t *pool, char *text, ngx_str_t *value)
{
    size_t  len;

    len = ngx_strlen(text);

    value->data = ngx_pnalloc(pool, len + 1);
    if (value->data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(value->data, text, len);
    value->len = len;

    return NGX_OK;
}
