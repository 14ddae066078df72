
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * What the tests of the Docker Engine API share.
 */


#include "ngx_http_faas.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "ngx_http_faas_unit_docker.h"


ngx_str_t  ngx_http_faas_unit_docker_v = ngx_string("1.41");


/* everything that could end a string, a line, or be cut from a path */

char  ngx_http_faas_unit_docker_evil[] =
    "\"}],\"HostConfig\":{\"Privileged\":true}\\\"\\u0000\\/'%00${x}\r\n\t\b"
    "\f\001\037\177 \303\251\342\202\254\360\237\222\251 \377\300&?#";


cJSON *
ngx_http_faas_unit_docker_get(cJSON *root, char *path)
{
    char   *end, name[64];
    cJSON  *item;

    item = root;

    while (*path) {
        end = path;

        while (*end && *end != '|') {
            end++;
        }

        ngx_memcpy(name, path, end - path);
        name[end - path] = '\0';

        item = cJSON_IsArray(item)
               ? cJSON_GetArrayItem(item, atoi(name))
               : cJSON_GetObjectItemCaseSensitive(item, name);

        if (item == NULL) {
            print_error("nothing at %s\n", path);
        }

        assert_non_null(item);

        path = *end ? end + 1 : end;
    }

    return item;
}


void
ngx_http_faas_unit_docker_text(cJSON *root, char *path, char *text)
{
    cJSON  *item;

    item = ngx_http_faas_unit_docker_get(root, path);

    assert_true(cJSON_IsString(item));
    assert_string_equal(item->valuestring, text);
}


void
ngx_http_faas_unit_docker_number(cJSON *root, char *path, double number)
{
    cJSON  *item;

    item = ngx_http_faas_unit_docker_get(root, path);

    assert_true(cJSON_IsNumber(item));
    assert_true(item->valuedouble == number);
}
