
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * The bodies of what the Docker Engine API is asked to create, compared after
 * parsing them back.
 */


#include "ngx_http_faas.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <cjson/cJSON.h>

#include "ngx_http_faas_unit_docker.h"


int ngx_http_faas_test_docker(void);

static void ngx_http_faas_test_docker_spec(ngx_pool_t *pool,
    ngx_http_faas_docker_spec_t *spec);
static void ngx_http_faas_test_docker_create(void **state);
static void ngx_http_faas_test_docker_hostile(void **state);
static void ngx_http_faas_test_docker_refused(void **state);
static void ngx_http_faas_test_docker_generous(void **state);
static void ngx_http_faas_test_docker_network(void **state);


int
ngx_http_faas_test_docker(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(ngx_http_faas_test_docker_create),
        cmocka_unit_test(ngx_http_faas_test_docker_hostile),
        cmocka_unit_test(ngx_http_faas_test_docker_refused),
        cmocka_unit_test(ngx_http_faas_test_docker_generous),
        cmocka_unit_test(ngx_http_faas_test_docker_network)
    };

    return cmocka_run_group_tests_name("docker", tests,
                                       ngx_http_faas_unit_text_setup,
                                       ngx_http_faas_unit_text_teardown);
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

    rc = ngx_http_faas_docker_create(pool, &ngx_http_faas_unit_docker_v,
                                     &spec, &req);
    assert_int_equal(rc, NGX_OK);

    ngx_http_faas_unit_text_is(&req.method, "POST");
    ngx_http_faas_unit_text_is(&req.path,
                               "/v1.41/containers/create?name=faas-e1-7");

    root = cJSON_ParseWithLength((char *) req.body.data, req.body.len);
    want = cJSON_Parse(body);

    assert_non_null(want);
    assert_true(cJSON_Compare(root, want, 1));

    cJSON_Delete(root);

    /* a profile is an option more, and nothing else */

    ngx_str_set(&spec.seccomp, "{\"defaultAction\":\"SCMP_ACT_ERRNO\"}");

    rc = ngx_http_faas_docker_create(pool, &ngx_http_faas_unit_docker_v,
                                     &spec, &req);
    assert_int_equal(rc, NGX_OK);

    cJSON_AddItemToArray(
        ngx_http_faas_unit_docker_get(want, "HostConfig|SecurityOpt"),
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

    rc = ngx_http_faas_docker_create(pool, &ngx_http_faas_unit_docker_v,
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
    evil = ngx_http_faas_unit_docker_evil;

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

    rc = ngx_http_faas_docker_create(pool, &ngx_http_faas_unit_docker_v,
                                     &spec, &req);
    assert_int_equal(rc, NGX_OK);

    for (i = 0; i < req.body.len; i++) {
        assert_true(req.body.data[i] >= 0x20);
    }

    root = cJSON_ParseWithLength((char *) req.body.data, req.body.len);
    assert_non_null(root);

    assert_int_equal(cJSON_GetArraySize(root), 16);
    assert_int_equal(cJSON_GetArraySize(
                         ngx_http_faas_unit_docker_get(root, "HostConfig")),
                     21);

    ngx_http_faas_unit_docker_text(root, "Image", evil);
    ngx_http_faas_unit_docker_text(root, "HostConfig|SecurityOpt|0",
                                   "no-new-privileges:true");
    assert_int_equal(cJSON_GetArraySize(ngx_http_faas_unit_docker_get(root,
                                            "HostConfig|SecurityOpt")), 2);
    ngx_http_faas_unit_docker_text(root, "Entrypoint|2", evil);
    ngx_http_faas_unit_docker_text(root, "Env|1", evil);
    ngx_http_faas_unit_docker_text(root, "NetworkingConfig|EndpointsConfig"
                                   "|faasnet|IPAMConfig|IPv4Address", evil);
    ngx_http_faas_unit_docker_number(root, "HostConfig|Ulimits|0|Hard", 1024);

    assert_true(cJSON_IsFalse(
               ngx_http_faas_unit_docker_get(root, "HostConfig|Privileged")));

    assert_string_equal(
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(
                   ngx_http_faas_unit_docker_get(root, "Labels"), evil)),
        evil);

    cJSON_Delete(root);
}


static void
ngx_http_faas_test_docker_refused(void **state)
{
    ngx_int_t                        rc;
    ngx_str_t                        text;
    ngx_pool_t                      *pool;
    ngx_keyval_t                    *kv;
    ngx_http_faas_docker_spec_t      spec;
    ngx_http_faas_docker_request_t   req;

    pool = *state;

    /* a name goes into the path */

    ngx_http_faas_test_docker_spec(pool, &spec);

    spec.name.data = (u_char *) ngx_http_faas_unit_docker_evil;
    spec.name.len = ngx_strlen(ngx_http_faas_unit_docker_evil);

    rc = ngx_http_faas_docker_create(pool, &ngx_http_faas_unit_docker_v,
                                     &spec, &req);
    assert_int_equal(rc, NGX_ERROR);

    /* a zero byte would end the string, wherever */

    ngx_str_set(&text, "a\0b");

    ngx_http_faas_test_docker_spec(pool, &spec);
    spec.seccomp = text;
    rc = ngx_http_faas_docker_create(pool, &ngx_http_faas_unit_docker_v,
                                     &spec, &req);
    assert_int_equal(rc, NGX_ERROR);

    ngx_http_faas_test_docker_spec(pool, &spec);
    spec.image = text;
    rc = ngx_http_faas_docker_create(pool, &ngx_http_faas_unit_docker_v,
                                     &spec, &req);
    assert_int_equal(rc, NGX_ERROR);

    ngx_http_faas_test_docker_spec(pool, &spec);
    *(ngx_str_t *) ngx_array_push(spec.env) = text;
    rc = ngx_http_faas_docker_create(pool, &ngx_http_faas_unit_docker_v,
                                     &spec, &req);
    assert_int_equal(rc, NGX_ERROR);

    ngx_http_faas_test_docker_spec(pool, &spec);
    kv = spec.labels->elts;
    kv->key = text;
    rc = ngx_http_faas_docker_create(pool, &ngx_http_faas_unit_docker_v,
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

        rc = ngx_http_faas_docker_create(*state, &ngx_http_faas_unit_docker_v,
                                         &spec, &req);
        assert_int_equal(rc, NGX_ERROR);
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
                                             &ngx_http_faas_unit_docker_v,
                                             &spec, &req);
    assert_int_equal(rc, NGX_OK);

    ngx_http_faas_unit_text_is(&req.method, "POST");
    ngx_http_faas_unit_text_is(&req.path, "/v1.41/networks/create");

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
                                             &ngx_http_faas_unit_docker_v,
                                             &spec, &req);
    assert_int_equal(rc, NGX_OK);

    root = cJSON_ParseWithLength((char *) req.body.data, req.body.len);
    assert_null(cJSON_GetObjectItemCaseSensitive(root, "IPAM"));
    assert_int_equal(cJSON_GetArraySize(
                         ngx_http_faas_unit_docker_get(root, "Options")), 1);
    cJSON_Delete(root);

    ngx_str_set(&spec.name, "../x");

    rc = ngx_http_faas_docker_network_create(pool,
                                             &ngx_http_faas_unit_docker_v,
                                             &spec, &req);
    assert_int_equal(rc, NGX_ERROR);
}
