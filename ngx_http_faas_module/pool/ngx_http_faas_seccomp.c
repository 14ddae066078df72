
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Profiles of system calls that the configuration names.  Whether one is
 * right is the engine's to say; here it is told what cannot be one.
 */


#include "ngx_http_faas_seccomp.h"
#include "ngx_http_faas_file.h"

#include <cjson/cJSON.h>


#define NGX_HTTP_FAAS_SECCOMP_MAX  (256 * 1024)


static ngx_uint_t ngx_http_faas_seccomp_valid(ngx_str_t *profile);


ngx_int_t
ngx_http_faas_seccomp(ngx_conf_t *cf, ngx_str_t *value)
{
    u_char                     revision[NGX_HTTP_FAAS_REVISION_LEN];
    ngx_int_t                  rc;
    ngx_str_t                  path;
    ngx_http_faas_identity_t   identity;

    if (value->len == sizeof("engine") - 1
        && ngx_strncmp(value->data, "engine", value->len) == 0)
    {
        ngx_str_null(value);
        return NGX_OK;
    }

    path = *value;

    if (ngx_conf_full_name(cf->cycle, &path, 1) != NGX_OK) {
        return NGX_ERROR;
    }

    rc = ngx_http_faas_file_read(cf->pool, &path, NGX_HTTP_FAAS_SECCOMP_MAX,
                                 &identity, value, revision, cf->log);

    if (rc != NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "profile \"%V\" cannot be read", &path);
        return NGX_ERROR;
    }

    if (!ngx_http_faas_seccomp_valid(value)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" is not a seccomp profile", &path);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_uint_t
ngx_http_faas_seccomp_valid(ngx_str_t *profile)
{
    cJSON       *root;
    ngx_uint_t   valid;

    if (profile->len == 0
        || ngx_strlchr(profile->data, profile->data + profile->len, '\0'))
    {
        return 0;
    }

    root = cJSON_ParseWithLength((char *) profile->data, profile->len);
    if (root == NULL) {
        return 0;
    }

    valid = cJSON_IsString(cJSON_GetObjectItemCaseSensitive(root,
                                                            "defaultAction"));

    cJSON_Delete(root);

    return valid;
}
