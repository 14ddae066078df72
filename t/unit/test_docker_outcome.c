
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * What is made of every answer of the Docker Engine API in the table of
 * answers seen, and of the versions that it has.
 */


#include "ngx_http_faas.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "ngx_http_faas_unit_docker.h"


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


int ngx_http_faas_test_docker_outcome(void);

static void ngx_http_faas_test_docker_outcome_outcomes(void **state);
static void ngx_http_faas_test_docker_outcome_bodies(void **state);
static void ngx_http_faas_test_docker_outcome_message(void **state);
static void ngx_http_faas_test_docker_outcome_versions(void **state);


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
      "{\"Id\":\"" NGX_HTTP_FAAS_UNIT_ID "\",\"Warnings\":[]}\n",
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
      "use by container \\\"" NGX_HTTP_FAAS_UNIT_ID "\\\".\"}",
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
ngx_http_faas_test_docker_outcome(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(ngx_http_faas_test_docker_outcome_outcomes),
        cmocka_unit_test(ngx_http_faas_test_docker_outcome_bodies),
        cmocka_unit_test(ngx_http_faas_test_docker_outcome_message),
        cmocka_unit_test(ngx_http_faas_test_docker_outcome_versions)
    };

    return cmocka_run_group_tests_name("docker_outcome", tests,
                                       ngx_http_faas_unit_text_setup,
                                       ngx_http_faas_unit_text_teardown);
}


static void
ngx_http_faas_test_docker_outcome_outcomes(void **state)
{
    ngx_str_t                       *body;
    ngx_pool_t                      *pool;
    ngx_http_faas_test_outcome_t    *o;
    ngx_http_faas_docker_outcome_e   outcome;

    pool = *state;

    for (o = ngx_http_faas_test_outcome; o->body; o++) {
        body = ngx_http_faas_unit_text_str(pool, o->body);

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
ngx_http_faas_test_docker_outcome_bodies(void **state)
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
            body = ngx_http_faas_unit_text_bytes(pool, o->body, len);

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
ngx_http_faas_test_docker_outcome_message(void **state)
{
    ngx_str_t    message, none;
    ngx_pool_t  *pool;
    char         text[600];

    pool = *state;

    assert_int_equal(ngx_http_faas_docker_message(pool,
                         ngx_http_faas_unit_text_str(pool,
                             "{\"message\":\"two\\nlines\\u001b[0m\"}\n"),
                         &message),
                     NGX_OK);
    ngx_http_faas_unit_text_is(&message, "two lines [0m");

    assert_int_equal(ngx_http_faas_docker_message(pool,
                         ngx_http_faas_unit_text_str(pool,
                             "404 page not found\n"),
                         &message),
                     NGX_OK);
    ngx_http_faas_unit_text_is(&message, "404 page not found");

    assert_int_equal(ngx_http_faas_docker_message(pool,
                         ngx_http_faas_unit_text_str(pool,
                             "{\"message\":[1]}"),
                         &message),
                     NGX_OK);
    ngx_http_faas_unit_text_is(&message, "{\"message\":[1]}");

    ngx_memset(text, 'x', sizeof(text));

    assert_int_equal(ngx_http_faas_docker_message(pool,
                         ngx_http_faas_unit_text_bytes(pool, text,
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
ngx_http_faas_test_docker_outcome_versions(void **state)
{
    ngx_int_t                      rc;
    ngx_str_t                      version;
    ngx_pool_t                    *pool;
    ngx_http_faas_test_version_t  *v;

    pool = *state;

    for (v = ngx_http_faas_test_version; v->max; v++) {
        rc = ngx_http_faas_docker_version(
                 ngx_http_faas_unit_text_str(pool, v->max),
                 ngx_http_faas_unit_text_str(pool, v->min), &version);

        if (rc != v->rc) {
            print_error("max %s, min %s\n", v->max, v->min);
        }

        assert_int_equal(rc, v->rc);

        if (rc == NGX_OK) {
            ngx_http_faas_unit_text_is(&version, v->version);
        }
    }
}
