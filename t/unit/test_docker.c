
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * The Docker Engine API: what is sent, compared after parsing it back, and
 * what is made of every answer in the table of answers seen.
 */


#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "ngx_http_faas_docker.h"

#include <cjson/cJSON.h>


#define NGX_HTTP_FAAS_TEST_ID                                                 \
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"


typedef struct {
    ngx_http_faas_docker_call_e      call;
    ngx_uint_t                       status;
    char                            *body;
    ngx_http_faas_docker_outcome_e   outcome;
} ngx_http_faas_test_outcome_t;


typedef struct {
    char                            *max;
    char                            *min;
    ngx_int_t                        rc;
    char                            *version;
} ngx_http_faas_test_version_t;


int ngx_http_faas_test_docker(void);

static int ngx_http_faas_test_docker_setup(void **state);
static int ngx_http_faas_test_docker_teardown(void **state);
static ngx_str_t *ngx_http_faas_test_docker_str(ngx_pool_t *pool, char *text);
static ngx_str_t *ngx_http_faas_test_docker_bytes(ngx_pool_t *pool,
    char *text, size_t len);
static void ngx_http_faas_test_docker_equal(ngx_str_t *value, char *text);
static cJSON *ngx_http_faas_test_docker_get(cJSON *root, char *path);
static void ngx_http_faas_test_docker_text(cJSON *root, char *path,
    char *text);
static void ngx_http_faas_test_docker_number(cJSON *root, char *path,
    double number);
static void ngx_http_faas_test_docker_spec(ngx_pool_t *pool,
    ngx_http_faas_docker_spec_t *spec);
static ngx_str_t *ngx_http_faas_test_docker_frames(ngx_pool_t *pool,
    ngx_uint_t n);
static void ngx_http_faas_test_docker_create(void **state);
static void ngx_http_faas_test_docker_hostile(void **state);
static void ngx_http_faas_test_docker_generous(void **state);
static void ngx_http_faas_test_docker_paths(void **state);
static void ngx_http_faas_test_docker_network(void **state);
static void ngx_http_faas_test_docker_list(void **state);
static void ngx_http_faas_test_docker_list_page(void **state);
static void ngx_http_faas_test_docker_serialize(void **state);
static void ngx_http_faas_test_docker_outcomes(void **state);
static void ngx_http_faas_test_docker_bodies(void **state);
static void ngx_http_faas_test_docker_message(void **state);
static void ngx_http_faas_test_docker_versions(void **state);
static void ngx_http_faas_test_docker_parse_create(void **state);
static void ngx_http_faas_test_docker_parse_network(void **state);
static void ngx_http_faas_test_docker_parse_inspect(void **state);
static void ngx_http_faas_test_docker_parse_time(void **state);
static void ngx_http_faas_test_docker_parse_list(void **state);
static void ngx_http_faas_test_docker_parse_logs(void **state);
static void ngx_http_faas_test_docker_cut_logs(void **state);
static void ngx_http_faas_test_docker_cut_json(void **state);


static ngx_str_t  ngx_http_faas_test_docker_v = ngx_string("1.41");


/* everything that could end a string, a line, or be cut from a path */

static char  ngx_http_faas_test_docker_evil[] =
    "\"}],\"HostConfig\":{\"Privileged\":true}\\\"\\u0000\\/'%00${x}\r\n\t\b"
    "\f\001\037\177 \303\251\342\202\254\360\237\222\251 \377\300&?#";


static ngx_http_faas_test_outcome_t  ngx_http_faas_test_outcome[] = {

    /* ping */

    { NGX_HTTP_FAAS_DOCKER_PING, 200, "OK", NGX_HTTP_FAAS_DOCKER_OK },

    { NGX_HTTP_FAAS_DOCKER_PING, 400, "400 Bad Request: malformed Host header",
      NGX_HTTP_FAAS_DOCKER_INVALID },

    { NGX_HTTP_FAAS_DOCKER_PING, 500, "", NGX_HTTP_FAAS_DOCKER_ENGINE },

    /* network create */

    { NGX_HTTP_FAAS_DOCKER_NETWORK_CREATE, 201, "{\"Id\":\"x\"}",
      NGX_HTTP_FAAS_DOCKER_OK },

    { NGX_HTTP_FAAS_DOCKER_NETWORK_CREATE, 409,
      "{\"message\":\"network with name faasnet already exists\"}",
      NGX_HTTP_FAAS_DOCKER_CONFLICT },

    { NGX_HTTP_FAAS_DOCKER_NETWORK_CREATE, 403,
      "{\"message\":\"Pool overlaps with other one on this address space\"}",
      NGX_HTTP_FAAS_DOCKER_ADDRESS },

    { NGX_HTTP_FAAS_DOCKER_NETWORK_CREATE, 403,
      "{\"message\":\"cannot create network a (faasbr0): conflicts with "
      "network b (faasbr0): networks have same bridge name\"}",
      NGX_HTTP_FAAS_DOCKER_INVALID },

    { NGX_HTTP_FAAS_DOCKER_NETWORK_CREATE, 403,
      "{\"message\":\"operation is not permitted on predefined host "
      "network\"}",
      NGX_HTTP_FAAS_DOCKER_INVALID },

    { NGX_HTTP_FAAS_DOCKER_NETWORK_CREATE, 404,
      "{\"message\":\"plugin \\\"x\\\" not found\"}",
      NGX_HTTP_FAAS_DOCKER_ENGINE },

    /* network inspect */

    { NGX_HTTP_FAAS_DOCKER_NETWORK_INSPECT, 200, "{}",
      NGX_HTTP_FAAS_DOCKER_OK },

    { NGX_HTTP_FAAS_DOCKER_NETWORK_INSPECT, 404,
      "{\"message\":\"network faasnet not found\"}",
      NGX_HTTP_FAAS_DOCKER_NO_NETWORK },

    { NGX_HTTP_FAAS_DOCKER_NETWORK_INSPECT, 404, "404 page not found\n",
      NGX_HTTP_FAAS_DOCKER_ENGINE },

    /* create */

    { NGX_HTTP_FAAS_DOCKER_CREATE, 201,
      "{\"Id\":\"" NGX_HTTP_FAAS_TEST_ID "\",\"Warnings\":[]}\n",
      NGX_HTTP_FAAS_DOCKER_OK },

    { NGX_HTTP_FAAS_DOCKER_CREATE, 201, "", NGX_HTTP_FAAS_DOCKER_ENGINE },

    { NGX_HTTP_FAAS_DOCKER_CREATE, 201, "{\"Id\":\"0123\"}",
      NGX_HTTP_FAAS_DOCKER_ENGINE },

    { NGX_HTTP_FAAS_DOCKER_CREATE, 200, "<html>",
      NGX_HTTP_FAAS_DOCKER_ENGINE },

    { NGX_HTTP_FAAS_DOCKER_CREATE, 404,
      "{\"message\":\"No such image: faas-python:latest\"}",
      NGX_HTTP_FAAS_DOCKER_NO_IMAGE },

    { NGX_HTTP_FAAS_DOCKER_CREATE, 404,
      "{\"message\":\"No such image: network x not found:latest\"}",
      NGX_HTTP_FAAS_DOCKER_NO_IMAGE },

    { NGX_HTTP_FAAS_DOCKER_CREATE, 404,
      "{\"message\":\"network faasnet not found\"}",
      NGX_HTTP_FAAS_DOCKER_NO_NETWORK },

    { NGX_HTTP_FAAS_DOCKER_CREATE, 404, "404 page not found\n",
      NGX_HTTP_FAAS_DOCKER_ENGINE },

    { NGX_HTTP_FAAS_DOCKER_CREATE, 400,
      "{\"message\":\"invalid reference format\"}",
      NGX_HTTP_FAAS_DOCKER_INVALID },

    { NGX_HTTP_FAAS_DOCKER_CREATE, 400,
      "{\"message\":\"Invalid container name (..), only "
      "[a-zA-Z0-9][a-zA-Z0-9_.-] are allowed\"}",
      NGX_HTTP_FAAS_DOCKER_INVALID },

    { NGX_HTTP_FAAS_DOCKER_CREATE, 409,
      "{\"message\":\"Conflict. The container name \\\"/x\\\" is already in "
      "use by container \\\"" NGX_HTTP_FAAS_TEST_ID "\\\".\"}",
      NGX_HTTP_FAAS_DOCKER_CONFLICT },

    { NGX_HTTP_FAAS_DOCKER_CREATE, 500,
      "{\"message\":\"invalid character 'x' looking for beginning of "
      "value\"}",
      NGX_HTTP_FAAS_DOCKER_ENGINE },

    { NGX_HTTP_FAAS_DOCKER_CREATE, 500, "{\"message\":\"EOF\"}",
      NGX_HTTP_FAAS_DOCKER_ENGINE },

    { NGX_HTTP_FAAS_DOCKER_CREATE, 500,
      "{\"message\":\"json: cannot unmarshal string into Go struct\"}",
      NGX_HTTP_FAAS_DOCKER_ENGINE },

    { NGX_HTTP_FAAS_DOCKER_CREATE, 400,
      "{\"message\":\"Content-Type specified () must be "
      "'application/json'\"}",
      NGX_HTTP_FAAS_DOCKER_INVALID },

    { NGX_HTTP_FAAS_DOCKER_CREATE, 400,
      "{\"message\":\"No command specified\"}",
      NGX_HTTP_FAAS_DOCKER_INVALID },

    { NGX_HTTP_FAAS_DOCKER_CREATE, 400,
      "{\"message\":\"unknown or invalid runtime name: runsc\"}",
      NGX_HTTP_FAAS_DOCKER_INVALID },

    { NGX_HTTP_FAAS_DOCKER_CREATE, 400,
      "{\"message\":\"Minimum memory limit allowed is 6MB\"}",
      NGX_HTTP_FAAS_DOCKER_INVALID },

    { NGX_HTTP_FAAS_DOCKER_CREATE, 403,
      "{\"message\":\"Address already in use\"}",
      NGX_HTTP_FAAS_DOCKER_ADDRESS },

    { NGX_HTTP_FAAS_DOCKER_CREATE, 304, "", NGX_HTTP_FAAS_DOCKER_ENGINE },

    /* start */

    { NGX_HTTP_FAAS_DOCKER_START, 204, "", NGX_HTTP_FAAS_DOCKER_OK },

    { NGX_HTTP_FAAS_DOCKER_START, 304, "", NGX_HTTP_FAAS_DOCKER_OK },

    { NGX_HTTP_FAAS_DOCKER_START, 404,
      "{\"message\":\"network faasnet not found\"}",
      NGX_HTTP_FAAS_DOCKER_NO_NETWORK },

    { NGX_HTTP_FAAS_DOCKER_START, 404,
      "{\"message\":\"failed to set up container networking: network x not "
      "found\"}",
      NGX_HTTP_FAAS_DOCKER_NO_NETWORK },

    { NGX_HTTP_FAAS_DOCKER_START, 404,
      "{\"message\":\"No such container: x\"}",
      NGX_HTTP_FAAS_DOCKER_GONE },

    { NGX_HTTP_FAAS_DOCKER_START, 404, "", NGX_HTTP_FAAS_DOCKER_GONE },

    { NGX_HTTP_FAAS_DOCKER_START, 403,
      "{\"message\":\"Address already in use\"}",
      NGX_HTTP_FAAS_DOCKER_ADDRESS },

    { NGX_HTTP_FAAS_DOCKER_START, 400,
      "{\"message\":\"OCI runtime create failed: container_linux.go:380: "
      "exec: \\\"nope\\\": executable file not found in $PATH\"}",
      NGX_HTTP_FAAS_DOCKER_INVALID },

    { NGX_HTTP_FAAS_DOCKER_START, 500,
      "{\"message\":\"error setting rlimit type 7: operation not "
      "permitted\"}",
      NGX_HTTP_FAAS_DOCKER_ENGINE },

    { NGX_HTTP_FAAS_DOCKER_START, 500,
      "{\"message\":\"unable to find user nope: no matching entries\"}",
      NGX_HTTP_FAAS_DOCKER_ENGINE },

    { NGX_HTTP_FAAS_DOCKER_START, 409,
      "{\"message\":\"container is marked for removal and cannot be "
      "started\"}",
      NGX_HTTP_FAAS_DOCKER_GONE },

    { NGX_HTTP_FAAS_DOCKER_START, 409,
      "{\"message\":\"cannot start a paused container\"}",
      NGX_HTTP_FAAS_DOCKER_ENGINE },

    /* remove */

    { NGX_HTTP_FAAS_DOCKER_REMOVE, 204, "", NGX_HTTP_FAAS_DOCKER_OK },

    { NGX_HTTP_FAAS_DOCKER_REMOVE, 404,
      "{\"message\":\"No such container: x\"}", NGX_HTTP_FAAS_DOCKER_OK },

    { NGX_HTTP_FAAS_DOCKER_REMOVE, 409,
      "{\"message\":\"removal of container x is already in progress\"}",
      NGX_HTTP_FAAS_DOCKER_OK },

    { NGX_HTTP_FAAS_DOCKER_REMOVE, 409,
      "{\"message\":\"You cannot remove a running container x. Stop the "
      "container before attempting removal or force remove\"}",
      NGX_HTTP_FAAS_DOCKER_ENGINE },

    { NGX_HTTP_FAAS_DOCKER_REMOVE, 404, "404 page not found\n",
      NGX_HTTP_FAAS_DOCKER_ENGINE },

    { NGX_HTTP_FAAS_DOCKER_REMOVE, 301, "", NGX_HTTP_FAAS_DOCKER_ENGINE },

    { NGX_HTTP_FAAS_DOCKER_REMOVE, 304, "", NGX_HTTP_FAAS_DOCKER_ENGINE },

    { NGX_HTTP_FAAS_DOCKER_REMOVE, 500,
      "{\"message\":\"driver \\\"overlay2\\\" failed to remove root "
      "filesystem\"}",
      NGX_HTTP_FAAS_DOCKER_ENGINE },

    /* inspect, logs, list */

    { NGX_HTTP_FAAS_DOCKER_INSPECT, 200, "{}", NGX_HTTP_FAAS_DOCKER_OK },

    { NGX_HTTP_FAAS_DOCKER_INSPECT, 404,
      "{\"message\":\"No such container: x\"}", NGX_HTTP_FAAS_DOCKER_GONE },

    { NGX_HTTP_FAAS_DOCKER_INSPECT, 403, "", NGX_HTTP_FAAS_DOCKER_ENGINE },

    { NGX_HTTP_FAAS_DOCKER_LOGS, 200, "", NGX_HTTP_FAAS_DOCKER_OK },

    { NGX_HTTP_FAAS_DOCKER_LOGS, 404,
      "{\"message\":\"No such container: x\"}", NGX_HTTP_FAAS_DOCKER_GONE },

    { NGX_HTTP_FAAS_DOCKER_LOGS, 501,
      "{\"message\":\"configured logging driver does not support reading\"}",
      NGX_HTTP_FAAS_DOCKER_ENGINE },

    { NGX_HTTP_FAAS_DOCKER_LOGS, 409, "", NGX_HTTP_FAAS_DOCKER_ENGINE },

    { NGX_HTTP_FAAS_DOCKER_LIST, 200, "[]", NGX_HTTP_FAAS_DOCKER_OK },

    { NGX_HTTP_FAAS_DOCKER_LIST, 500,
      "{\"message\":\"invalid character 'x'\"}",
      NGX_HTTP_FAAS_DOCKER_ENGINE },

    { NGX_HTTP_FAAS_DOCKER_LIST, 404, "404 page not found\n",
      NGX_HTTP_FAAS_DOCKER_ENGINE },

    /* rename */

    { NGX_HTTP_FAAS_DOCKER_RENAME, 204, "", NGX_HTTP_FAAS_DOCKER_OK },

    { NGX_HTTP_FAAS_DOCKER_RENAME, 400,
      "{\"message\":\"Renaming a container with the same name as its "
      "current name\"}",
      NGX_HTTP_FAAS_DOCKER_OK },

    { NGX_HTTP_FAAS_DOCKER_CREATE, 400,
      "{\"message\":\"Renaming a container with the same name as its "
      "current name\"}",
      NGX_HTTP_FAAS_DOCKER_INVALID },

    { NGX_HTTP_FAAS_DOCKER_RENAME, 400,
      "{\"message\":\"Error when allocating new name: Invalid container "
      "name (/-x), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed\"}",
      NGX_HTTP_FAAS_DOCKER_INVALID },

    { NGX_HTTP_FAAS_DOCKER_RENAME, 404,
      "{\"message\":\"No such container: x\"}", NGX_HTTP_FAAS_DOCKER_GONE },

    { NGX_HTTP_FAAS_DOCKER_RENAME, 404, "404 page not found\n",
      NGX_HTTP_FAAS_DOCKER_ENGINE },

    { NGX_HTTP_FAAS_DOCKER_RENAME, 409,
      "{\"message\":\"Error when allocating new name: Conflict. The "
      "container name \\\"/x\\\" is already in use by container y.\"}",
      NGX_HTTP_FAAS_DOCKER_CONFLICT },

    { NGX_HTTP_FAAS_DOCKER_RENAME, 403, "", NGX_HTTP_FAAS_DOCKER_ENGINE },

    { NGX_HTTP_FAAS_DOCKER_RENAME, 500,
      "{\"message\":\"container is marked for removal\"}",
      NGX_HTTP_FAAS_DOCKER_ENGINE },

    /* update */

    { NGX_HTTP_FAAS_DOCKER_UPDATE, 200, "{\"Warnings\":null}\n",
      NGX_HTTP_FAAS_DOCKER_OK },

    { NGX_HTTP_FAAS_DOCKER_UPDATE, 400,
      "{\"message\":\"Minimum memory limit allowed is 6MB\"}",
      NGX_HTTP_FAAS_DOCKER_INVALID },

    { NGX_HTTP_FAAS_DOCKER_UPDATE, 404,
      "{\"message\":\"No such container: x\"}", NGX_HTTP_FAAS_DOCKER_GONE },

    { NGX_HTTP_FAAS_DOCKER_UPDATE, 409,
      "{\"message\":\"container x is not running\"}",
      NGX_HTTP_FAAS_DOCKER_GONE },

    { NGX_HTTP_FAAS_DOCKER_UPDATE, 500,
      "{\"message\":\"Cannot update container x: container is marked for "
      "removal and cannot be \\\"update\\\"\"}",
      NGX_HTTP_FAAS_DOCKER_GONE },

    { NGX_HTTP_FAAS_DOCKER_UPDATE, 500,
      "{\"message\":\"Cannot update container x: runc did not terminate "
      "successfully: exit status 1: unable to set memory limit to 8000000 "
      "(current usage: 33210368, peak usage: 42704896)\\n: unknown\"}",
      NGX_HTTP_FAAS_DOCKER_ENGINE },

    { NGX_HTTP_FAAS_DOCKER_UPDATE, 500, "", NGX_HTTP_FAAS_DOCKER_ENGINE },

    /* events */

    { NGX_HTTP_FAAS_DOCKER_EVENTS, 200, "", NGX_HTTP_FAAS_DOCKER_OK },

    { NGX_HTTP_FAAS_DOCKER_EVENTS, 400,
      "{\"message\":\"Invalid filter 'x'\"}",
      NGX_HTTP_FAAS_DOCKER_INVALID },

    { NGX_HTTP_FAAS_DOCKER_EVENTS, 404, "404 page not found\n",
      NGX_HTTP_FAAS_DOCKER_ENGINE },

    { NGX_HTTP_FAAS_DOCKER_EVENTS, 409, "", NGX_HTTP_FAAS_DOCKER_ENGINE },

    { NGX_HTTP_FAAS_DOCKER_EVENTS, 500,
      "{\"message\":\"strconv.ParseInt: parsing \\\"x\\\": invalid "
      "syntax\"}",
      NGX_HTTP_FAAS_DOCKER_ENGINE },

    /* network remove */

    { NGX_HTTP_FAAS_DOCKER_NETWORK_REMOVE, 204, "",
      NGX_HTTP_FAAS_DOCKER_OK },

    { NGX_HTTP_FAAS_DOCKER_NETWORK_REMOVE, 403,
      "{\"message\":\"error while removing network: network faasnet id x has "
      "active endpoints\"}",
      NGX_HTTP_FAAS_DOCKER_CONFLICT },

    { NGX_HTTP_FAAS_DOCKER_NETWORK_REMOVE, 409, "",
      NGX_HTTP_FAAS_DOCKER_CONFLICT },

    { NGX_HTTP_FAAS_DOCKER_NETWORK_REMOVE, 404,
      "{\"message\":\"network faasnet not found\"}",
      NGX_HTTP_FAAS_DOCKER_GONE },

    { NGX_HTTP_FAAS_DOCKER_NETWORK_REMOVE, 404, "404 page not found\n",
      NGX_HTTP_FAAS_DOCKER_ENGINE },

    /* versions, as JSON and as text */

    { NGX_HTTP_FAAS_DOCKER_CREATE, 400,
      "{\"message\":\"client version 1.44 is too new. Maximum supported API "
      "version is 1.41\"}",
      NGX_HTTP_FAAS_DOCKER_VERSION },

    { NGX_HTTP_FAAS_DOCKER_LIST, 400,
      "client version 1.1 is too old. Minimum supported API version is 1.12, "
      "please upgrade your client to a newer version",
      NGX_HTTP_FAAS_DOCKER_VERSION },

    { NGX_HTTP_FAAS_DOCKER_START, 400,
      "{\"message\":\"client version 1.41 is too old. Minimum supported API "
      "version is 1.44\"}",
      NGX_HTTP_FAAS_DOCKER_VERSION },

    /* nothing an engine says */

    { NGX_HTTP_FAAS_DOCKER_START, 0, "", NGX_HTTP_FAAS_DOCKER_ENGINE },

    { NGX_HTTP_FAAS_DOCKER_START, 100, "", NGX_HTTP_FAAS_DOCKER_ENGINE },

    { NGX_HTTP_FAAS_DOCKER_START, 418, "", NGX_HTTP_FAAS_DOCKER_ENGINE },

    { NGX_HTTP_FAAS_DOCKER_START, 503, "", NGX_HTTP_FAAS_DOCKER_ENGINE },

    { 0, 0, NULL, 0 }
};


static ngx_http_faas_test_version_t  ngx_http_faas_test_version[] = {

    { "1.41", "", NGX_OK, "1.41" },
    { "1.42", "", NGX_OK, "1.42" },
    { "1.43", "1.24", NGX_OK, "1.43" },
    { "1.44", "1.24", NGX_OK, "1.44" },
    { "1.45", "1.24", NGX_OK, "1.44" },
    { "1.52", "1.44", NGX_OK, "1.44" },
    { "2.0", "", NGX_OK, "1.44" },
    { "1.041", "", NGX_OK, "1.41" },

    { "1.40", "", NGX_DECLINED, NULL },
    { "1.9", "", NGX_DECLINED, NULL },
    { "1.4", "", NGX_DECLINED, NULL },
    { "0.99", "", NGX_DECLINED, NULL },
    { "1.60", "1.45", NGX_DECLINED, NULL },
    { "1.41", "1.42", NGX_DECLINED, NULL },
    { "2.1", "2.0", NGX_DECLINED, NULL },

    { "", "", NGX_ERROR, NULL },
    { "1", "", NGX_ERROR, NULL },
    { "1.", "", NGX_ERROR, NULL },
    { ".41", "", NGX_ERROR, NULL },
    { "1.41.0", "", NGX_ERROR, NULL },
    { "v1.41", "", NGX_ERROR, NULL },
    { "1.-41", "", NGX_ERROR, NULL },
    { "1.4x", "", NGX_ERROR, NULL },
    { "1.41 ", "", NGX_ERROR, NULL },
    { "1.41/../../x", "", NGX_ERROR, NULL },
    { "1.99999999999999999999", "", NGX_ERROR, NULL },
    { "1.44", "x", NGX_ERROR, NULL },

    { NULL, NULL, 0, NULL }
};


int
ngx_http_faas_test_docker(void)
{
    static const struct CMUnitTest  tests[] = {
        cmocka_unit_test(ngx_http_faas_test_docker_create),
        cmocka_unit_test(ngx_http_faas_test_docker_hostile),
        cmocka_unit_test(ngx_http_faas_test_docker_generous),
        cmocka_unit_test(ngx_http_faas_test_docker_paths),
        cmocka_unit_test(ngx_http_faas_test_docker_network),
        cmocka_unit_test(ngx_http_faas_test_docker_list),
        cmocka_unit_test(ngx_http_faas_test_docker_list_page),
        cmocka_unit_test(ngx_http_faas_test_docker_serialize),
        cmocka_unit_test(ngx_http_faas_test_docker_outcomes),
        cmocka_unit_test(ngx_http_faas_test_docker_bodies),
        cmocka_unit_test(ngx_http_faas_test_docker_message),
        cmocka_unit_test(ngx_http_faas_test_docker_versions),
        cmocka_unit_test(ngx_http_faas_test_docker_parse_create),
        cmocka_unit_test(ngx_http_faas_test_docker_parse_network),
        cmocka_unit_test(ngx_http_faas_test_docker_parse_inspect),
        cmocka_unit_test(ngx_http_faas_test_docker_parse_time),
        cmocka_unit_test(ngx_http_faas_test_docker_parse_list),
        cmocka_unit_test(ngx_http_faas_test_docker_parse_logs),
        cmocka_unit_test(ngx_http_faas_test_docker_cut_logs),
        cmocka_unit_test(ngx_http_faas_test_docker_cut_json)
    };

    return cmocka_run_group_tests_name("docker", tests,
                                       ngx_http_faas_test_docker_setup,
                                       ngx_http_faas_test_docker_teardown);
}


static int
ngx_http_faas_test_docker_setup(void **state)
{
    *state = ngx_create_pool(4096, ngx_cycle->log);

    return *state ? 0 : -1;
}


static int
ngx_http_faas_test_docker_teardown(void **state)
{
    ngx_destroy_pool(*state);

    return 0;
}


static ngx_str_t *
ngx_http_faas_test_docker_str(ngx_pool_t *pool, char *text)
{
    return ngx_http_faas_test_docker_bytes(pool, text, ngx_strlen(text));
}


/* without a final zero, and at the end of its block when that is large */

static ngx_str_t *
ngx_http_faas_test_docker_bytes(ngx_pool_t *pool, char *text, size_t len)
{
    ngx_str_t  *s;

    s = ngx_palloc(pool, sizeof(ngx_str_t));
    assert_non_null(s);

    s->len = len;
    s->data = ngx_pnalloc(pool, len);
    assert_non_null(s->data);

    ngx_memcpy(s->data, text, len);

    return s;
}


static void
ngx_http_faas_test_docker_equal(ngx_str_t *value, char *text)
{
    assert_int_equal(value->len, ngx_strlen(text));

    if (value->len) {
        assert_memory_equal(value->data, text, value->len);
    }
}


/* "a|b|0": members, and items by number of arrays */

static cJSON *
ngx_http_faas_test_docker_get(cJSON *root, char *path)
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


static void
ngx_http_faas_test_docker_text(cJSON *root, char *path, char *text)
{
    cJSON  *item;

    item = ngx_http_faas_test_docker_get(root, path);

    assert_true(cJSON_IsString(item));
    assert_string_equal(item->valuestring, text);
}


static void
ngx_http_faas_test_docker_number(cJSON *root, char *path, double number)
{
    cJSON  *item;

    item = ngx_http_faas_test_docker_get(root, path);

    assert_true(cJSON_IsNumber(item));
    assert_true(item->valuedouble == number);
}


static void
ngx_http_faas_test_docker_spec(ngx_pool_t *pool,
    ngx_http_faas_docker_spec_t *spec)
{
    ngx_str_t     *s;
    ngx_keyval_t  *kv;

    ngx_memzero(spec, sizeof(ngx_http_faas_docker_spec_t));

    ngx_str_set(&spec->name, "faas-e1-7");
    ngx_str_set(&spec->image, "python:3.12-slim");
    ngx_str_set(&spec->network, "faasnet");
    ngx_str_set(&spec->address, "10.111.0.7");

    spec->entrypoint = ngx_array_create(pool, 2, sizeof(ngx_str_t));
    spec->env = ngx_array_create(pool, 2, sizeof(ngx_str_t));
    spec->labels = ngx_array_create(pool, 2, sizeof(ngx_keyval_t));

    s = ngx_array_push(spec->entrypoint);
    ngx_str_set(s, "python3");
    s = ngx_array_push(spec->entrypoint);
    ngx_str_set(s, "-c");

    s = ngx_array_push(spec->env);
    ngx_str_set(s, "PORT=8080");

    kv = ngx_array_push(spec->labels);
    ngx_str_set(&kv->key, "faas.owner");
    ngx_str_set(&kv->value, "me");

    spec->memory = 134217728;
    spec->tmpfs = 67108864;
    spec->nano_cpus = 1000000000;
    spec->pids = 64;
    spec->nofile = 1024;
}


/* the whole body, as it must be */

static void
ngx_http_faas_test_docker_create(void **state)
{
    char                            *copy;
    cJSON                           *root, *want;
    ngx_int_t                        rc;
    ngx_pool_t                      *pool;
    ngx_http_faas_docker_spec_t      spec;
    ngx_http_faas_docker_request_t   req;

    static char  body[] =
        "{\"Image\":\"python:3.12-slim\",\"Entrypoint\":[\"python3\",\"-c\"],"
        "\"Cmd\":[],\"User\":\"65534:65534\",\"WorkingDir\":\"/tmp\","
        "\"Env\":[\"PORT=8080\"],\"StopSignal\":\"SIGTERM\",\"StopTimeout\":1,"
        "\"OpenStdin\":false,\"Tty\":false,\"AttachStdin\":false,"
        "\"AttachStdout\":false,\"AttachStderr\":false,"
        "\"Labels\":{\"faas.owner\":\"me\"},\"HostConfig\":{"
        "\"NetworkMode\":\"faasnet\",\"CapDrop\":[\"ALL\"],"
        "\"SecurityOpt\":[\"no-new-privileges:true\"],"
        "\"ReadonlyRootfs\":true,\"Tmpfs\":{"
        "\"/tmp\":\"rw,nosuid,nodev,noexec,mode=1777,size=67108864\"},"
        "\"Memory\":134217728,\"MemorySwap\":134217728,"
        "\"NanoCpus\":1000000000,\"PidsLimit\":64,\"OomScoreAdj\":500,"
        "\"Ulimits\":[{\"Name\":\"nofile\",\"Soft\":1024,\"Hard\":1024},"
        "{\"Name\":\"core\",\"Soft\":0,\"Hard\":0}],"
        "\"IpcMode\":\"private\",\"ShmSize\":16777216,"
        "\"CgroupnsMode\":\"private\",\"Init\":true,"
        "\"DnsOptions\":[\"timeout:1\",\"attempts:1\"],"
        "\"LogConfig\":{\"Type\":\"json-file\","
        "\"Config\":{\"max-size\":\"1m\",\"max-file\":\"2\"}},"
        "\"RestartPolicy\":{\"Name\":\"no\"},\"AutoRemove\":false,"
        "\"Privileged\":false,\"PublishAllPorts\":false},"
        "\"NetworkingConfig\":{\"EndpointsConfig\":{\"faasnet\":{"
        "\"IPAMConfig\":{\"IPv4Address\":\"10.111.0.7\"}}}}}";

    pool = *state;

    ngx_http_faas_test_docker_spec(pool, &spec);

    rc = ngx_http_faas_docker_create(pool, &ngx_http_faas_test_docker_v,
                                     &spec, &req);
    assert_int_equal(rc, NGX_OK);

    ngx_http_faas_test_docker_equal(&req.method, "POST");
    ngx_http_faas_test_docker_equal(&req.path,
                                "/v1.41/containers/create?name=faas-e1-7");

    root = cJSON_ParseWithLength((char *) req.body.data, req.body.len);
    want = cJSON_Parse(body);

    assert_non_null(want);
    assert_true(cJSON_Compare(root, want, 1));

    cJSON_Delete(root);

    /* a profile is an option more, and nothing else */

    ngx_str_set(&spec.seccomp, "{\"defaultAction\":\"SCMP_ACT_ERRNO\"}");

    rc = ngx_http_faas_docker_create(pool, &ngx_http_faas_test_docker_v,
                                     &spec, &req);
    assert_int_equal(rc, NGX_OK);

    cJSON_AddItemToArray(
        ngx_http_faas_test_docker_get(want, "HostConfig|SecurityOpt"),
        cJSON_CreateString("seccomp={\"defaultAction\":\"SCMP_ACT_ERRNO\"}"));

    root = cJSON_ParseWithLength((char *) req.body.data, req.body.len);
    assert_true(cJSON_Compare(root, want, 1));
    cJSON_Delete(root);

    ngx_str_null(&spec.seccomp);

    /* integers that a double would print as 1e+15, and no address */

    spec.memory = 1000000000000000;
    spec.nano_cpus = 9007199254740991;
    ngx_str_null(&spec.address);
    spec.env = NULL;
    spec.labels = NULL;

    rc = ngx_http_faas_docker_create(pool, &ngx_http_faas_test_docker_v,
                                     &spec, &req);
    assert_int_equal(rc, NGX_OK);

    copy = ngx_pcalloc(pool, req.body.len + 1);
    ngx_memcpy(copy, req.body.data, req.body.len);

    assert_non_null(ngx_strstr(copy, "\"Memory\":1000000000000000,"));
    assert_non_null(ngx_strstr(copy, "\"NanoCpus\":9007199254740991,"));
    assert_non_null(ngx_strstr(copy, "\"EndpointsConfig\":{\"faasnet\":{}}"));
    assert_non_null(ngx_strstr(copy, "\"Env\":[]"));
    assert_non_null(ngx_strstr(copy, "\"Labels\":{}"));

    cJSON_Delete(want);
}


/* hostile text stays text: same members, same values */

static void
ngx_http_faas_test_docker_hostile(void **state)
{
    char                            *evil;
    cJSON                           *root;
    ngx_int_t                        rc;
    ngx_str_t                        text;
    ngx_pool_t                      *pool;
    ngx_uint_t                       i;
    ngx_keyval_t                    *kv;
    ngx_http_faas_docker_spec_t      spec;
    ngx_http_faas_docker_request_t   req;

    pool = *state;
    evil = ngx_http_faas_test_docker_evil;

    text.data = (u_char *) evil;
    text.len = ngx_strlen(evil);

    ngx_http_faas_test_docker_spec(pool, &spec);

    spec.image = text;
    spec.seccomp = text;
    spec.address = text;
    *(ngx_str_t *) ngx_array_push(spec.entrypoint) = text;
    *(ngx_str_t *) ngx_array_push(spec.env) = text;

    kv = ngx_array_push(spec.labels);
    kv->key = text;
    kv->value = text;

    rc = ngx_http_faas_docker_create(pool, &ngx_http_faas_test_docker_v,
                                     &spec, &req);
    assert_int_equal(rc, NGX_OK);

    for (i = 0; i < req.body.len; i++) {
        assert_true(req.body.data[i] >= 0x20);
    }

    root = cJSON_ParseWithLength((char *) req.body.data, req.body.len);
    assert_non_null(root);

    assert_int_equal(cJSON_GetArraySize(root), 16);
    assert_int_equal(cJSON_GetArraySize(
                         ngx_http_faas_test_docker_get(root, "HostConfig")),
                     21);

    ngx_http_faas_test_docker_text(root, "Image", evil);
    ngx_http_faas_test_docker_text(root, "HostConfig|SecurityOpt|0",
                                   "no-new-privileges:true");
    assert_int_equal(cJSON_GetArraySize(ngx_http_faas_test_docker_get(root,
                                            "HostConfig|SecurityOpt")), 2);
    ngx_http_faas_test_docker_text(root, "Entrypoint|2", evil);
    ngx_http_faas_test_docker_text(root, "Env|1", evil);
    ngx_http_faas_test_docker_text(root, "NetworkingConfig|EndpointsConfig"
                                   "|faasnet|IPAMConfig|IPv4Address", evil);
    ngx_http_faas_test_docker_number(root, "HostConfig|Ulimits|0|Hard", 1024);

    assert_true(cJSON_IsFalse(
               ngx_http_faas_test_docker_get(root, "HostConfig|Privileged")));

    assert_string_equal(
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(
                   ngx_http_faas_test_docker_get(root, "Labels"), evil)),
        evil);

    cJSON_Delete(root);

    /* a name goes into the path: refused */

    spec.name = text;

    rc = ngx_http_faas_docker_create(pool, &ngx_http_faas_test_docker_v,
                                     &spec, &req);
    assert_int_equal(rc, NGX_ERROR);

    /* a zero byte would end the string: refused, wherever */

    ngx_str_set(&text, "a\0b");

    ngx_http_faas_test_docker_spec(pool, &spec);
    spec.seccomp = text;
    rc = ngx_http_faas_docker_create(pool, &ngx_http_faas_test_docker_v,
                                     &spec, &req);
    assert_int_equal(rc, NGX_ERROR);

    ngx_http_faas_test_docker_spec(pool, &spec);
    spec.image = text;
    rc = ngx_http_faas_docker_create(pool, &ngx_http_faas_test_docker_v,
                                     &spec, &req);
    assert_int_equal(rc, NGX_ERROR);

    ngx_http_faas_test_docker_spec(pool, &spec);
    *(ngx_str_t *) ngx_array_push(spec.env) = text;
    rc = ngx_http_faas_docker_create(pool, &ngx_http_faas_test_docker_v,
                                     &spec, &req);
    assert_int_equal(rc, NGX_ERROR);

    ngx_http_faas_test_docker_spec(pool, &spec);
    kv = spec.labels->elts;
    kv->key = text;
    rc = ngx_http_faas_docker_create(pool, &ngx_http_faas_test_docker_v,
                                     &spec, &req);
    assert_int_equal(rc, NGX_ERROR);
}


/* nothing left out makes a container less confined */

static void
ngx_http_faas_test_docker_generous(void **state)
{
    ngx_int_t                        rc;
    ngx_uint_t                       i;
    ngx_http_faas_docker_spec_t      spec;
    ngx_http_faas_docker_request_t   req;

    for (i = 0; i < 8; i++) {
        ngx_http_faas_test_docker_spec(*state, &spec);

        switch (i) {

        case 0:
            spec.memory = 0;
            break;

        case 1:
            spec.tmpfs = 0;
            break;

        case 2:
            spec.nano_cpus = 0;
            break;

        case 3:
            spec.pids = -1;
            break;

        case 4:
            spec.nofile = 0;
            break;

        case 5:
            spec.entrypoint->nelts = 0;
            break;

        case 6:
            spec.entrypoint = NULL;
            break;

        default:
            ngx_str_null(&spec.network);
            break;
        }

        rc = ngx_http_faas_docker_create(*state, &ngx_http_faas_test_docker_v,
                                         &spec, &req);
        assert_int_equal(rc, NGX_ERROR);
    }
}


static void
ngx_http_faas_test_docker_paths(void **state)
{
    ngx_str_t                        id, *v;
    ngx_uint_t                       i;
    ngx_pool_t                      *pool;
    ngx_http_faas_docker_request_t   req;

    static ngx_str_t  bad[] = {
        ngx_string(""),
        ngx_string("."),
        ngx_string(".."),
        ngx_string("-x"),
        ngx_string("a/b"),
        ngx_string("a?force=0"),
        ngx_string("a b"),
        ngx_string("a%2fb"),
        ngx_string("a\r\nHost: x"),
        ngx_string("a\0b"),
        ngx_string("\303\251")
    };

    pool = *state;
    v = &ngx_http_faas_test_docker_v;

    ngx_str_set(&id, "faas-E1_x.7");

    assert_int_equal(ngx_http_faas_docker_ping(pool, &req), NGX_OK);
    ngx_http_faas_test_docker_equal(&req.method, "GET");
    ngx_http_faas_test_docker_equal(&req.path, "/_ping");
    assert_int_equal(req.body.len, 0);

    assert_int_equal(ngx_http_faas_docker_start(pool, v, &id, &req), NGX_OK);
    ngx_http_faas_test_docker_equal(&req.method, "POST");
    ngx_http_faas_test_docker_equal(&req.path,
                                    "/v1.41/containers/faas-E1_x.7/start");
    assert_int_equal(req.body.len, 0);

    assert_int_equal(ngx_http_faas_docker_remove(pool, v, &id, &req), NGX_OK);
    ngx_http_faas_test_docker_equal(&req.method, "DELETE");
    ngx_http_faas_test_docker_equal(&req.path,
                              "/v1.41/containers/faas-E1_x.7?force=1&v=1");

    assert_int_equal(ngx_http_faas_docker_inspect(pool, v, &id, &req),
                     NGX_OK);
    ngx_http_faas_test_docker_equal(&req.method, "GET");
    ngx_http_faas_test_docker_equal(&req.path,
                                    "/v1.41/containers/faas-E1_x.7/json");

    assert_int_equal(ngx_http_faas_docker_network_inspect(pool, v, &id, &req),
                     NGX_OK);
    ngx_http_faas_test_docker_equal(&req.path,
                                    "/v1.41/networks/faas-E1_x.7");

    assert_int_equal(ngx_http_faas_docker_logs(pool, v, &id,
                                               NGX_HTTP_FAAS_DOCKER_STDOUT
                                               |NGX_HTTP_FAAS_DOCKER_STDERR,
                                               100, 1700000000, 7, &req),
                     NGX_OK);
    ngx_http_faas_test_docker_equal(&req.path,
                                    "/v1.41/containers/faas-E1_x.7/logs"
                                    "?stdout=1&stderr=1&tail=100"
                                    "&since=1700000000.007");

    assert_int_equal(ngx_http_faas_docker_logs(pool, v, &id,
                                               NGX_HTTP_FAAS_DOCKER_STDERR,
                                               NGX_MAX_INT_T_VALUE, 0, 0,
                                               &req),
                     NGX_OK);
    ngx_http_faas_test_docker_equal(&req.path,
                                    "/v1.41/containers/faas-E1_x.7/logs"
                                    "?stdout=0&stderr=1"
                                    "&tail=9223372036854775807");

    for (i = 0; i < sizeof(bad) / sizeof(ngx_str_t); i++) {
        assert_int_equal(ngx_http_faas_docker_start(pool, v, &bad[i], &req),
                         NGX_ERROR);
        assert_int_equal(ngx_http_faas_docker_remove(pool, v, &bad[i], &req),
                         NGX_ERROR);
    }
}


static void
ngx_http_faas_test_docker_network(void **state)
{
    cJSON                                *root, *want;
    ngx_int_t                             rc;
    ngx_pool_t                           *pool;
    ngx_keyval_t                         *kv;
    ngx_http_faas_docker_request_t        req;
    ngx_http_faas_docker_network_spec_t   spec;

    pool = *state;

    ngx_memzero(&spec, sizeof(ngx_http_faas_docker_network_spec_t));

    ngx_str_set(&spec.name, "faasnet");
    ngx_str_set(&spec.bridge, "faasbr0");
    ngx_str_set(&spec.subnet, "10.111.0.0/16");
    ngx_str_set(&spec.gateway, "10.111.0.1");

    spec.labels = ngx_array_create(pool, 1, sizeof(ngx_keyval_t));
    kv = ngx_array_push(spec.labels);
    ngx_str_set(&kv->key, "faas.owner");
    ngx_str_set(&kv->value, "m\"e");

    rc = ngx_http_faas_docker_network_create(pool,
                                             &ngx_http_faas_test_docker_v,
                                             &spec, &req);
    assert_int_equal(rc, NGX_OK);

    ngx_http_faas_test_docker_equal(&req.method, "POST");
    ngx_http_faas_test_docker_equal(&req.path, "/v1.41/networks/create");

    root = cJSON_ParseWithLength((char *) req.body.data, req.body.len);
    want = cJSON_Parse("{\"Name\":\"faasnet\",\"Driver\":\"bridge\","
        "\"Internal\":true,\"CheckDuplicate\":true,\"Options\":{"
        "\"com.docker.network.bridge.enable_icc\":\"false\","
        "\"com.docker.network.bridge.name\":\"faasbr0\"},"
        "\"Labels\":{\"faas.owner\":\"m\\\"e\"},"
        "\"IPAM\":{\"Config\":[{\"Subnet\":\"10.111.0.0/16\","
        "\"Gateway\":\"10.111.0.1\"}]}}");

    assert_non_null(want);
    assert_true(cJSON_Compare(root, want, 1));

    cJSON_Delete(root);
    cJSON_Delete(want);

    ngx_str_null(&spec.bridge);
    ngx_str_null(&spec.subnet);
    spec.labels = NULL;

    rc = ngx_http_faas_docker_network_create(pool,
                                             &ngx_http_faas_test_docker_v,
                                             &spec, &req);
    assert_int_equal(rc, NGX_OK);

    root = cJSON_ParseWithLength((char *) req.body.data, req.body.len);
    assert_null(cJSON_GetObjectItemCaseSensitive(root, "IPAM"));
    assert_int_equal(cJSON_GetArraySize(
                         ngx_http_faas_test_docker_get(root, "Options")), 1);
    cJSON_Delete(root);

    ngx_str_set(&spec.name, "../x");

    rc = ngx_http_faas_docker_network_create(pool,
                                             &ngx_http_faas_test_docker_v,
                                             &spec, &req);
    assert_int_equal(rc, NGX_ERROR);
}


static void
ngx_http_faas_test_docker_list(void **state)
{
    cJSON                           *root;
    u_char                          *dst, *src;
    ngx_int_t                        rc;
    ngx_str_t                       *s;
    ngx_pool_t                      *pool;
    ngx_array_t                     *labels;
    ngx_http_faas_docker_request_t   req;

    static char  prefix[] = "/v1.41/containers/json?all=1&filters=";

    pool = *state;

    labels = ngx_array_create(pool, 2, sizeof(ngx_str_t));
    s = ngx_array_push(labels);
    ngx_str_set(s, "faas.owner=me");

    rc = ngx_http_faas_docker_list(pool, &ngx_http_faas_test_docker_v, labels,
                                   0, NULL, &req);
    assert_int_equal(rc, NGX_OK);
    ngx_http_faas_test_docker_equal(&req.method, "GET");
    ngx_http_faas_test_docker_equal(&req.path,
                 "/v1.41/containers/json?all=1&filters="
                 "%7B%22label%22%3A%5B%22faas.owner%3Dme%22%5D%7D");

    s = ngx_array_push(labels);
    s->data = (u_char *) ngx_http_faas_test_docker_evil;
    s->len = ngx_strlen(s->data);

    rc = ngx_http_faas_docker_list(pool, &ngx_http_faas_test_docker_v, labels,
                                   0, NULL, &req);
    assert_int_equal(rc, NGX_OK);

    src = req.path.data + sizeof(prefix) - 1;

    for (dst = src; dst < req.path.data + req.path.len; dst++) {
        assert_true(*dst > 0x20 && *dst < 0x7f && *dst != '&' && *dst != '#');
    }

    dst = ngx_pcalloc(pool, req.path.len);
    s = ngx_palloc(pool, sizeof(ngx_str_t));
    s->data = dst;

    ngx_unescape_uri(&dst, &src, req.path.len - (sizeof(prefix) - 1), 0);
    s->len = dst - s->data;

    root = cJSON_ParseWithLength((char *) s->data, s->len);
    ngx_http_faas_test_docker_text(root, "label|0", "faas.owner=me");
    ngx_http_faas_test_docker_text(root, "label|1",
                                   ngx_http_faas_test_docker_evil);
    cJSON_Delete(root);
}


static void
ngx_http_faas_test_docker_list_page(void **state)
{
    ngx_int_t                        rc;
    ngx_str_t                        before, *v;
    ngx_uint_t                       i;
    ngx_pool_t                      *pool;
    ngx_http_faas_docker_request_t   req;

    static ngx_str_t  bad[] = {
        ngx_string("-x"),
        ngx_string("x\"],\"y\":[\""),
        ngx_string("a\0b"),
        ngx_string(NGX_HTTP_FAAS_TEST_ID "0")
    };

    pool = *state;
    v = &ngx_http_faas_test_docker_v;

    ngx_str_null(&before);

    rc = ngx_http_faas_docker_list(pool, v, NULL, NGX_MAX_INT_T_VALUE,
                                   &before, &req);
    assert_int_equal(rc, NGX_OK);
    ngx_http_faas_test_docker_equal(&req.path,
                 "/v1.41/containers/json?all=1&limit=9223372036854775807"
                 "&filters=%7B%22label%22%3A%5B%5D%7D");

    ngx_str_set(&before, NGX_HTTP_FAAS_TEST_ID);

    rc = ngx_http_faas_docker_list(pool, v, NULL, 100, &before, &req);
    assert_int_equal(rc, NGX_OK);
    ngx_http_faas_test_docker_equal(&req.path,
                 "/v1.41/containers/json?all=1&limit=100"
                 "&filters=%7B%22before%22%3A%5B%22" NGX_HTTP_FAAS_TEST_ID
                 "%22%5D%2C%22label%22%3A%5B%5D%7D");

    for (i = 0; i < sizeof(bad) / sizeof(ngx_str_t); i++) {
        rc = ngx_http_faas_docker_list(pool, v, NULL, 100, &bad[i], &req);
        assert_int_equal(rc, NGX_ERROR);
    }
}


static void
ngx_http_faas_test_docker_serialize(void **state)
{
    ngx_str_t                        out;
    ngx_http_faas_docker_request_t   req;

    ngx_str_set(&req.method, "GET");
    ngx_str_set(&req.path, "/_ping");
    ngx_str_null(&req.body);

    assert_int_equal(ngx_http_faas_docker_serialize(*state, &req, &out),
                     NGX_OK);
    ngx_http_faas_test_docker_equal(&out,
                             "GET /_ping HTTP/1.1\r\n"
                             "Host: docker\r\n"
                             "User-Agent: ngx_http_faas_module\r\n"
                             "Accept: application/json\r\n"
                             "Connection: close\r\n\r\n");

    ngx_str_set(&req.method, "POST");

    assert_int_equal(ngx_http_faas_docker_serialize(*state, &req, &out),
                     NGX_OK);
    ngx_http_faas_test_docker_equal(&out,
                             "POST /_ping HTTP/1.1\r\n"
                             "Host: docker\r\n"
                             "User-Agent: ngx_http_faas_module\r\n"
                             "Accept: application/json\r\n"
                             "Connection: close\r\n"
                             "Content-Length: 0\r\n\r\n");

    ngx_str_set(&req.body, "{\"a\":1}");

    assert_int_equal(ngx_http_faas_docker_serialize(*state, &req, &out),
                     NGX_OK);
    ngx_http_faas_test_docker_equal(&out,
                             "POST /_ping HTTP/1.1\r\n"
                             "Host: docker\r\n"
                             "User-Agent: ngx_http_faas_module\r\n"
                             "Accept: application/json\r\n"
                             "Connection: close\r\n"
                             "Content-Type: application/json\r\n"
                             "Content-Length: 7\r\n\r\n{\"a\":1}");
}


static void
ngx_http_faas_test_docker_outcomes(void **state)
{
    ngx_str_t                       *body;
    ngx_pool_t                      *pool;
    ngx_http_faas_test_outcome_t    *o;
    ngx_http_faas_docker_outcome_e   outcome;

    pool = *state;

    for (o = ngx_http_faas_test_outcome; o->body; o++) {
        body = ngx_http_faas_test_docker_str(pool, o->body);

        outcome = ngx_http_faas_docker_outcome(o->call, o->status, body);

        if (outcome != o->outcome) {
            print_error("call %d, %lu: %s\n", o->call,
                        (unsigned long) o->status, o->body);
        }

        assert_int_equal(outcome, o->outcome);
        assert_true(ngx_http_faas_docker_outcome_name(outcome)->len > 0);
    }
}


/* any body with any status: a result; words far behind do not count */

static void
ngx_http_faas_test_docker_bodies(void **state)
{
    size_t                           len;
    ngx_str_t                       *body, huge, none;
    ngx_uint_t                       call, status;
    ngx_pool_t                      *pool;
    ngx_http_faas_test_outcome_t    *o;
    ngx_http_faas_docker_outcome_e   outcome;

    pool = *state;

    ngx_str_null(&none);

    for (call = 0; call <= NGX_HTTP_FAAS_DOCKER_NETWORK_REMOVE; call++) {
        for (status = 0; status < 1000; status++) {
            outcome = ngx_http_faas_docker_outcome(call, status, &none);

            assert_true(outcome <= NGX_HTTP_FAAS_DOCKER_ENGINE);

            if (status < 200 || status >= 500) {
                assert_int_equal(outcome, NGX_HTTP_FAAS_DOCKER_ENGINE);
            }
        }
    }

    for (o = ngx_http_faas_test_outcome; o->body; o++) {
        for (len = 0; len < ngx_strlen(o->body); len++) {
            body = ngx_http_faas_test_docker_bytes(pool, o->body, len);

            (void) ngx_http_faas_docker_outcome(o->call, o->status, body);
        }
    }

    huge.len = 1024 * 1024;
    huge.data = ngx_palloc(pool, huge.len);
    assert_non_null(huge.data);

    ngx_memset(huge.data, '[', huge.len);
    ngx_memcpy(huge.data + huge.len - 19, "already in progress", 19);

    assert_int_equal(
        ngx_http_faas_docker_outcome(NGX_HTTP_FAAS_DOCKER_REMOVE, 409, &huge),
        NGX_HTTP_FAAS_DOCKER_ENGINE);
    assert_int_equal(
        ngx_http_faas_docker_outcome(NGX_HTTP_FAAS_DOCKER_CREATE, 201, &huge),
        NGX_HTTP_FAAS_DOCKER_ENGINE);
}


static void
ngx_http_faas_test_docker_message(void **state)
{
    ngx_str_t    message, none;
    ngx_pool_t  *pool;
    char         text[600];

    pool = *state;

    assert_int_equal(ngx_http_faas_docker_message(pool,
                         ngx_http_faas_test_docker_str(pool,
                             "{\"message\":\"two\\nlines\\u001b[0m\"}\n"),
                         &message),
                     NGX_OK);
    ngx_http_faas_test_docker_equal(&message, "two lines [0m");

    assert_int_equal(ngx_http_faas_docker_message(pool,
                         ngx_http_faas_test_docker_str(pool,
                             "404 page not found\n"),
                         &message),
                     NGX_OK);
    ngx_http_faas_test_docker_equal(&message, "404 page not found");

    assert_int_equal(ngx_http_faas_docker_message(pool,
                         ngx_http_faas_test_docker_str(pool,
                             "{\"message\":[1]}"),
                         &message),
                     NGX_OK);
    ngx_http_faas_test_docker_equal(&message, "{\"message\":[1]}");

    ngx_memset(text, 'x', sizeof(text));

    assert_int_equal(ngx_http_faas_docker_message(pool,
                         ngx_http_faas_test_docker_bytes(pool, text,
                                                         sizeof(text)),
                         &message),
                     NGX_OK);
    assert_int_equal(message.len, 512);

    ngx_str_null(&none);

    assert_int_equal(ngx_http_faas_docker_message(pool, &none, &message),
                     NGX_OK);
    assert_int_equal(message.len, 0);
}


static void
ngx_http_faas_test_docker_versions(void **state)
{
    ngx_int_t                      rc;
    ngx_str_t                      version;
    ngx_pool_t                    *pool;
    ngx_http_faas_test_version_t  *v;

    pool = *state;

    for (v = ngx_http_faas_test_version; v->max; v++) {
        rc = ngx_http_faas_docker_version(
                 ngx_http_faas_test_docker_str(pool, v->max),
                 ngx_http_faas_test_docker_str(pool, v->min), &version);

        if (rc != v->rc) {
            print_error("max %s, min %s\n", v->max, v->min);
        }

        assert_int_equal(rc, v->rc);

        if (rc == NGX_OK) {
            ngx_http_faas_test_docker_equal(&version, v->version);
        }
    }
}


static void
ngx_http_faas_test_docker_parse_create(void **state)
{
    ngx_str_t     id;
    ngx_uint_t    i;
    ngx_pool_t   *pool;

    static char  *bad[] = {
        "",
        "null",
        "{}",
        "[]",
        "{\"Id\":1}",
        "{\"Id\":\"\"}",
        "{\"id\":\"" NGX_HTTP_FAAS_TEST_ID "\"}",
        "{\"Id\":\"" NGX_HTTP_FAAS_TEST_ID "0\"}",
        "{\"Id\":\"" NGX_HTTP_FAAS_TEST_ID "\"",
        "{\"Id\":\"" NGX_HTTP_FAAS_TEST_ID "\"}x",
        "{\"Id\":\"" NGX_HTTP_FAAS_TEST_ID "\",",
        "{\"Id\":\"0123456789ABCDEF0123456789abcdef"
        "0123456789abcdef0123456789abcdef\"}",
        "{\"Id\":\"../3456789abcdef0123456789abcdef0"
        "0123456789abcdef0123456789abcdef\"}"
    };

    pool = *state;

    assert_int_equal(ngx_http_faas_docker_parse_create(pool,
                         ngx_http_faas_test_docker_str(pool,
                             "{\"Id\":\"" NGX_HTTP_FAAS_TEST_ID "\","
                             "\"Warnings\":[]}\n"),
                         &id),
                     NGX_OK);
    ngx_http_faas_test_docker_equal(&id, NGX_HTTP_FAAS_TEST_ID);

    for (i = 0; i < sizeof(bad) / sizeof(char *); i++) {
        assert_int_equal(ngx_http_faas_docker_parse_create(pool,
                             ngx_http_faas_test_docker_str(pool, bad[i]),
                             &id),
                         NGX_ERROR);
    }
}


static void
ngx_http_faas_test_docker_parse_network(void **state)
{
    ngx_int_t                        rc;
    ngx_pool_t                      *pool;
    ngx_http_faas_docker_network_t   net;

    pool = *state;

    rc = ngx_http_faas_docker_parse_network(pool,
             ngx_http_faas_test_docker_str(pool,
                 "{\"Name\":\"faasnet\",\"Id\":\"" NGX_HTTP_FAAS_TEST_ID "\","
                 "\"IPAM\":{\"Driver\":\"default\",\"Config\":["
                 "{\"Subnet\":\"fd00::/64\"},"
                 "{\"Subnet\":\"10.111.0.0/16\",\"Gateway\":\"10.111.0.1\"}"
                 "]},\"Internal\":true,\"Options\":{"
                 "\"com.docker.network.bridge.enable_icc\":\"false\"},"
                 "\"Labels\":{\"faas.owner\":\"me\"}}"),
             &net);

    assert_int_equal(rc, NGX_OK);
    ngx_http_faas_test_docker_equal(&net.id, NGX_HTTP_FAAS_TEST_ID);
    ngx_http_faas_test_docker_equal(&net.subnet, "10.111.0.0/16");
    ngx_http_faas_test_docker_equal(&net.gateway, "10.111.0.1");
    ngx_http_faas_test_docker_equal(&net.owner, "me");
    assert_true(net.internal && net.isolated);

    rc = ngx_http_faas_docker_parse_network(pool,
             ngx_http_faas_test_docker_str(pool,
                 "{\"Id\":\"" NGX_HTTP_FAAS_TEST_ID "\",\"IPAM\":null,"
                 "\"Internal\":\"true\",\"Options\":[1],\"Labels\":null}"),
             &net);

    assert_int_equal(rc, NGX_OK);
    assert_int_equal(net.subnet.len, 0);
    assert_int_equal(net.owner.len, 0);
    assert_false(net.internal || net.isolated);

    rc = ngx_http_faas_docker_parse_network(pool,
             ngx_http_faas_test_docker_str(pool, "{}"), &net);
    assert_int_equal(rc, NGX_ERROR);
}


static void
ngx_http_faas_test_docker_parse_inspect(void **state)
{
    ngx_int_t                      rc;
    ngx_uint_t                     i;
    ngx_pool_t                    *pool;
    ngx_http_faas_docker_state_t   s;

    static char  *bad[] = {
        "",
        "{}",
        "[]",
        "{\"State\":{}}",
        "{\"State\":[]}",
        "{\"State\":{\"Running\":1}}",
        "{\"State\":{\"Running\":true,\"Pid\":\"1\"}}",
        "{\"State\":{\"Running\":true,\"Pid\":1e300}}",
        "{\"State\":{\"Running\":true,\"StartedAt\":\"yesterday\"}}"
    };

    pool = *state;

    rc = ngx_http_faas_docker_parse_inspect(pool,
             ngx_http_faas_test_docker_str(pool,
                 "{\"Id\":\"" NGX_HTTP_FAAS_TEST_ID "\",\"Config\":{"
                 "\"Labels\":{\"faas.owner\":\"me\",\"faas.epoch\":\"e1\","
                 "\"faas.slot\":\"7\"}},"
                 "\"State\":{\"Status\":\"running\",\"Running\":true,"
                 "\"OOMKilled\":false,\"Pid\":4711,\"ExitCode\":0,"
                 "\"Error\":\"\","
                 "\"StartedAt\":\"2023-11-14T22:13:20.123456789Z\"},"
                 "\"NetworkSettings\":{\"Networks\":{\"faasnet\":{"
                 "\"IPAMConfig\":null,\"IPAddress\":\"10.111.0.9\"}}}}"),
             &s);

    assert_int_equal(rc, NGX_OK);
    assert_true(s.running);
    assert_false(s.oom_killed);
    assert_int_equal(s.pid, 4711);
    assert_int_equal(s.started, 1700000000);
    assert_int_equal(s.started_msec, 123);
    ngx_http_faas_test_docker_equal(&s.status, "running");
    ngx_http_faas_test_docker_equal(&s.address, "10.111.0.9");
    ngx_http_faas_test_docker_equal(&s.id, NGX_HTTP_FAAS_TEST_ID);
    ngx_http_faas_test_docker_equal(&s.owner, "me");
    ngx_http_faas_test_docker_equal(&s.epoch, "e1");

    rc = ngx_http_faas_docker_parse_inspect(pool,
             ngx_http_faas_test_docker_str(pool,
                 "{\"Id\":\"0123\",\"Config\":{\"Labels\":{"
                 "\"faas.owner\":1}},"
                 "\"State\":{\"Status\":\"exited\",\"Running\":false,"
                 "\"OOMKilled\":true,\"Pid\":0,\"ExitCode\":137,"
                 "\"Error\":\"OCI \\\"x\\\"\","
                 "\"StartedAt\":\"0001-01-01T00:00:00Z\"}}"),
             &s);

    assert_int_equal(rc, NGX_OK);
    assert_false(s.running);
    assert_true(s.oom_killed);
    assert_int_equal(s.exit_code, 137);
    assert_int_equal(s.started, 0);
    ngx_http_faas_test_docker_equal(&s.error, "OCI \"x\"");
    assert_int_equal(s.address.len, 0);
    assert_int_equal(s.id.len, 0);
    assert_int_equal(s.owner.len, 0);
    assert_int_equal(s.epoch.len, 0);

    for (i = 0; i < sizeof(bad) / sizeof(char *); i++) {
        rc = ngx_http_faas_docker_parse_inspect(pool,
                 ngx_http_faas_test_docker_str(pool, bad[i]), &s);

        assert_int_equal(rc, NGX_ERROR);
    }
}


static void
ngx_http_faas_test_docker_parse_time(void **state)
{
    ngx_int_t                      rc;
    ngx_uint_t                     i;
    ngx_pool_t                    *pool;
    ngx_http_faas_docker_state_t   s;
    char                           body[128];

    static struct {
        char        *text;
        ngx_int_t    rc;
        time_t       sec;
        ngx_msec_t   msec;
    } times[] = {
        { "1970-01-01T00:00:01Z", NGX_OK, 1, 0 },
        { "1970-01-01T00:00:00.999Z", NGX_OK, 0, 0 },
        { "2000-02-29T23:59:59.5Z", NGX_OK, 951868799, 500 },
        { "2023-11-14T22:13:20Z", NGX_OK, 1700000000, 0 },
        { "2023-11-14T22:13:20.Z", NGX_OK, 1700000000, 0 },
        { "2023-11-15T00:13:20.1+02:00", NGX_OK, 1700000000, 100 },
        { "2023-11-14T20:43:20-01:30", NGX_OK, 1700000000, 0 },
        { "2100-03-01T00:00:00Z", NGX_OK, 4107542400, 0 },
        { "2023-11-14T22:13:20", NGX_ERROR, 0, 0 },
        { "2023-11-14T22:13:20z", NGX_ERROR, 0, 0 },
        { "2023-11-14T22:13:20Z ", NGX_ERROR, 0, 0 },
        { "2023-11-14T22:13:20+0200", NGX_ERROR, 0, 0 },
        { "2023-11-14 22:13:20Z", NGX_ERROR, 0, 0 },
        { "2023-11-14T22:13", NGX_ERROR, 0, 0 },
        { "x", NGX_ERROR, 0, 0 }
    };

    pool = *state;

    for (i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        *ngx_sprintf((u_char *) body,
                     "{\"State\":{\"Running\":true,\"StartedAt\":\"%s\"}}",
                     times[i].text) = '\0';

        rc = ngx_http_faas_docker_parse_inspect(pool,
                 ngx_http_faas_test_docker_str(pool, body), &s);

        assert_int_equal(rc, times[i].rc);

        if (rc == NGX_OK) {
            assert_int_equal(s.started, times[i].sec);
            assert_int_equal(s.started_msec, times[i].msec);
        }
    }
}


static void
ngx_http_faas_test_docker_parse_list(void **state)
{
    ngx_int_t                          rc;
    ngx_uint_t                         i;
    ngx_pool_t                        *pool;
    ngx_array_t                       *list;
    ngx_http_faas_docker_container_t  *c;

    static char  *bad[] = { "", "{}", "null", "[", "[{}", "[]]" };

    pool = *state;

    rc = ngx_http_faas_docker_parse_list(pool,
             ngx_http_faas_test_docker_str(pool,
                 "[{\"Id\":\"" NGX_HTTP_FAAS_TEST_ID "\","
                 "\"Names\":[\"/faas-e1-7\"],\"State\":\"running\","
                 "\"Labels\":{\"faas.owner\":\"me\",\"faas.epoch\":\"e1\","
                 "\"faas.slot\":\"7\",\"faas.kind\":\"0a1b2c3d\","
                 "\"faas.runtime\":\"h\\u00e9llo\","
                 "\"faas.prefix\":\"/f\"},"
                 "\"NetworkSettings\":{\"Networks\":{\"faasnet\":{"
                 "\"IPAMConfig\":{\"IPv4Address\":\"10.111.0.7\"},"
                 "\"IPAddress\":\"\"}}}},"
                 "{\"Id\":\"short\"},7,null,[\"x\"],"
                 "{\"Id\":\"" NGX_HTTP_FAAS_TEST_ID "\",\"Names\":null,"
                 "\"Labels\":{\"faas.slot\":\"7x\",\"faas.owner\":1}}]"),
             &list);

    assert_int_equal(rc, NGX_OK);
    assert_int_equal(list->nelts, 2);

    c = list->elts;

    ngx_http_faas_test_docker_equal(&c[0].id, NGX_HTTP_FAAS_TEST_ID);
    ngx_http_faas_test_docker_equal(&c[0].name, "faas-e1-7");
    ngx_http_faas_test_docker_equal(&c[0].state, "running");
    ngx_http_faas_test_docker_equal(&c[0].address, "10.111.0.7");
    ngx_http_faas_test_docker_equal(&c[0].owner, "me");
    ngx_http_faas_test_docker_equal(&c[0].epoch, "e1");
    ngx_http_faas_test_docker_equal(&c[0].runtime, "h\303\251llo");
    ngx_http_faas_test_docker_equal(&c[0].kind, "0a1b2c3d");
    ngx_http_faas_test_docker_equal(&c[0].prefix, "/f");
    assert_int_equal(c[0].slot, 7);

    assert_int_equal(c[1].name.len, 0);
    assert_int_equal(c[1].owner.len, 0);
    assert_int_equal(c[1].slot, NGX_ERROR);

    rc = ngx_http_faas_docker_parse_list(pool,
             ngx_http_faas_test_docker_str(pool, "[]\n"), &list);
    assert_int_equal(rc, NGX_OK);
    assert_int_equal(list->nelts, 0);

    for (i = 0; i < sizeof(bad) / sizeof(char *); i++) {
        rc = ngx_http_faas_docker_parse_list(pool,
                 ngx_http_faas_test_docker_str(pool, bad[i]), &list);
        assert_int_equal(rc, NGX_ERROR);
    }
}


/* "n" frames "line 0\n", "line 1\n" and so on, of both streams */

static ngx_str_t *
ngx_http_faas_test_docker_frames(ngx_pool_t *pool, ngx_uint_t n)
{
    u_char      *p;
    ngx_str_t   *body;
    ngx_uint_t   i;

    body = ngx_palloc(pool, sizeof(ngx_str_t));
    assert_non_null(body);

    body->len = n * 15;
    body->data = ngx_palloc(pool, body->len);
    assert_non_null(body->data);

    p = body->data;

    for (i = 0; i < n; i++) {
        p = ngx_cpymem(p, "\001\0\0\0\0\0\0\007", 8);
        p[-8] = (u_char) (1 + i % 2);
        p = ngx_sprintf(p, "line %ui\n", i % 10);
    }

    return body;
}


static void
ngx_http_faas_test_docker_parse_logs(void **state)
{
    ngx_str_t    none, text, *body;
    ngx_uint_t   i;
    ngx_pool_t  *pool;

    static struct {
        char        *bytes;
        size_t       len;
        ngx_int_t    rc;
        char        *text;
    } frames[] = {
        { "\0\0\0\0\0\0\0\2in", 10, NGX_OK, "in" },
        { "\1\0\0\0\0\0\0\0\2\0\0\0\0\0\0\1x", 17, NGX_OK, "x" },
        { "\1\0\0\0\0\0\0\3\377\200\300", 11, NGX_OK, "\377\200\300" },
        { "\1\0\0\0\377\377\377\377abc", 11, NGX_OK, "abc" },
        { "\1\0\0\0\0\0\0\1a\3\0\0\0\0\0\0\5oops!", 22, NGX_OK, "a" },
        { "\1\0\0\0\0\0\0\1a\1\0\0", 12, NGX_OK, "a" },
        { "\4\0\0\0\0\0\0\1a", 9, NGX_ERROR, NULL },
        { "\1\0\0\1\0\0\0\1a", 9, NGX_ERROR, NULL },
        { "\1\0\0\0\0\0\0\1a{\"message\"", 20, NGX_ERROR, NULL },
        { "plain text, as of a tty", 23, NGX_ERROR, NULL }
    };

    pool = *state;

    ngx_str_null(&none);

    assert_int_equal(ngx_http_faas_docker_parse_logs(pool, &none, 9, &text),
                     NGX_OK);
    assert_int_equal(text.len, 0);

    for (i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
        body = ngx_http_faas_test_docker_bytes(pool, frames[i].bytes,
                                               frames[i].len);

        assert_int_equal(ngx_http_faas_docker_parse_logs(pool, body, 100,
                                                         &text),
                         frames[i].rc);

        if (frames[i].rc == NGX_OK) {
            ngx_http_faas_test_docker_equal(&text, frames[i].text);
        }
    }

    /* the end is kept, and no half of a character at its beginning */

    body = ngx_http_faas_test_docker_bytes(pool,
                    "\1\0\0\0\0\0\0\3a\342\202\1\0\0\0\0\0\0\4\254bcd", 23);

    assert_int_equal(ngx_http_faas_docker_parse_logs(pool, body, 7, &text),
                     NGX_OK);
    ngx_http_faas_test_docker_equal(&text, "a\342\202\254bcd");

    assert_int_equal(ngx_http_faas_docker_parse_logs(pool, body, 6, &text),
                     NGX_OK);
    ngx_http_faas_test_docker_equal(&text, "\342\202\254bcd");

    assert_int_equal(ngx_http_faas_docker_parse_logs(pool, body, 5, &text),
                     NGX_OK);
    ngx_http_faas_test_docker_equal(&text, "bcd");

    assert_int_equal(ngx_http_faas_docker_parse_logs(pool, body, 0, &text),
                     NGX_OK);
    assert_int_equal(text.len, 0);
}


/* cut at every byte and capped at every length: always the end of the text */

static void
ngx_http_faas_test_docker_cut_logs(void **state)
{
    char         all[64];
    size_t       keep, len, max, n;
    ngx_str_t    text, *body;
    ngx_pool_t  *pool;

    static char  *lines = "line 0\nline 1\nline 2\nline 3\n";

    pool = *state;

    body = ngx_http_faas_test_docker_frames(pool, 4);

    for (len = 0; len <= 60; len++) {

        n = len / 15 * 7 + (len % 15 > 8 ? len % 15 - 8 : 0);

        ngx_memcpy(all, lines, n);
        all[n] = '\0';

        for (max = 0; max <= 30; max++) {
            keep = ngx_min(n, max);

            assert_int_equal(ngx_http_faas_docker_parse_logs(pool,
                                 ngx_http_faas_test_docker_bytes(pool,
                                     (char *) body->data, len),
                                 max, &text),
                             NGX_OK);

            ngx_http_faas_test_docker_equal(&text, all + n - keep);
        }
    }
}


/* a body of JSON that is cut is an error for every parser, wherever */

static void
ngx_http_faas_test_docker_cut_json(void **state)
{
    size_t                           len;
    ngx_str_t                       *body, id;
    ngx_pool_t                      *pool;
    ngx_array_t                     *list;
    ngx_http_faas_docker_state_t     s;
    ngx_http_faas_docker_network_t   net;

    static char  text[] =
        "{\"Id\":\"" NGX_HTTP_FAAS_TEST_ID "\",\"1\":1,\"x\":\"\\u00e9\\\\\","
        "\"State\":{\"Running\":true,\"Pid\":-1.5e+1},\"a\":[1,{},[]]}";

    pool = *state;

    for (len = 0; len < sizeof(text); len++) {
        body = ngx_http_faas_test_docker_bytes(pool, text, len);

        assert_int_equal(ngx_http_faas_docker_parse_create(pool, body, &id),
                         len == sizeof(text) - 1 ? NGX_OK : NGX_ERROR);
        assert_int_equal(ngx_http_faas_docker_parse_inspect(pool, body, &s),
                         len == sizeof(text) - 1 ? NGX_OK : NGX_ERROR);
        assert_int_equal(ngx_http_faas_docker_parse_network(pool, body, &net),
                         len == sizeof(text) - 1 ? NGX_OK : NGX_ERROR);
        assert_int_equal(ngx_http_faas_docker_parse_list(pool, body, &list),
                         NGX_ERROR);
    }
}
