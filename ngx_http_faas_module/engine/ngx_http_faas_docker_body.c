
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * The JSON that the engine is sent.  The body of create is a fixed, hardened
 * template with a few values of ours put in by cJSON, which escapes them:
 * nothing that a user says adds a field.  cJSON's trees live no longer than
 * a call.
 */


#include "ngx_http_faas_docker_body.h"


static ngx_int_t ngx_http_faas_docker_filters(ngx_pool_t *pool,
    char *template, ngx_array_t *labels, ngx_str_t *filters);
static ngx_int_t ngx_http_faas_docker_check_spec(
    ngx_http_faas_docker_spec_t *spec);
static ngx_int_t ngx_http_faas_docker_create_fill(ngx_pool_t *pool,
    cJSON *root, ngx_http_faas_docker_spec_t *spec);
static ngx_int_t ngx_http_faas_docker_endpoint(ngx_pool_t *pool,
    cJSON *root, ngx_http_faas_docker_spec_t *spec);
static ngx_int_t ngx_http_faas_docker_network_fill(ngx_pool_t *pool,
    cJSON *root, ngx_http_faas_docker_network_spec_t *spec);
static ngx_int_t ngx_http_faas_docker_ipam(ngx_pool_t *pool, cJSON *root,
    ngx_http_faas_docker_network_spec_t *spec);
static ngx_int_t ngx_http_faas_docker_add_strings(ngx_pool_t *pool,
    cJSON *object, char *name, ngx_array_t *values);
static ngx_int_t ngx_http_faas_docker_add_labels(ngx_pool_t *pool,
    cJSON *object, ngx_array_t *labels);
static ngx_int_t ngx_http_faas_docker_print(ngx_pool_t *pool, cJSON *root,
    ngx_str_t *out);


static char  ngx_http_faas_docker_create_template[] =
    "{"
        "\"User\":\"65534:65534\","
        "\"WorkingDir\":\"/tmp\","
        "\"Cmd\":[],"
        "\"StopSignal\":\"SIGTERM\","
        "\"StopTimeout\":1,"
        "\"OpenStdin\":false,"
        "\"Tty\":false,"
        "\"AttachStdin\":false,"
        "\"AttachStdout\":false,"
        "\"AttachStderr\":false,"
        "\"HostConfig\":{"
            "\"CapDrop\":[\"ALL\"],"
            "\"SecurityOpt\":[\"no-new-privileges:true\"],"
            "\"ReadonlyRootfs\":true,"
            "\"OomScoreAdj\":500,"
            "\"IpcMode\":\"private\","
            "\"ShmSize\":16777216,"
            "\"CgroupnsMode\":\"private\","
            "\"Init\":true,"
            "\"DnsOptions\":[\"timeout:1\",\"attempts:1\"],"
            "\"LogConfig\":{"
                "\"Type\":\"json-file\","
                "\"Config\":{\"max-size\":\"1m\",\"max-file\":\"2\"}"
            "},"
            "\"RestartPolicy\":{\"Name\":\"no\"},"
            "\"AutoRemove\":false,"
            "\"Privileged\":false,"
            "\"PublishAllPorts\":false"
        "}"
    "}";


static char  ngx_http_faas_docker_network_template[] =
    "{"
        "\"Driver\":\"bridge\","
        "\"Internal\":true,"
        "\"CheckDuplicate\":true,"
        "\"Options\":{"
            "\"com.docker.network.bridge.enable_icc\":\"false\""
        "}"
    "}";


static char  ngx_http_faas_docker_events_template[] =
    "{"
        "\"type\":[\"container\"],"
        "\"event\":[\"die\",\"oom\",\"pause\",\"destroy\"]"
    "}";


ngx_int_t
ngx_http_faas_docker_body_network(ngx_pool_t *pool,
    ngx_http_faas_docker_network_spec_t *spec, ngx_str_t *body)
{
    cJSON      *root;
    ngx_int_t   rc;

    root = cJSON_Parse(ngx_http_faas_docker_network_template);
    if (root == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_http_faas_docker_network_fill(pool, root, spec);

    if (rc == NGX_OK) {
        rc = ngx_http_faas_docker_print(pool, root, body);
    }

    cJSON_Delete(root);

    return rc;
}


ngx_int_t
ngx_http_faas_docker_body_create(ngx_pool_t *pool,
    ngx_http_faas_docker_spec_t *spec, ngx_str_t *body)
{
    cJSON      *root;
    ngx_int_t   rc;

    if (ngx_http_faas_docker_check_spec(spec) != NGX_OK) {
        return NGX_ERROR;
    }

    root = cJSON_Parse(ngx_http_faas_docker_create_template);
    if (root == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_http_faas_docker_create_fill(pool, root, spec);

    if (rc == NGX_OK) {
        rc = ngx_http_faas_docker_print(pool, root, body);
    }

    cJSON_Delete(root);

    return rc;
}


ngx_int_t
ngx_http_faas_docker_body_update(ngx_pool_t *pool,
    ngx_http_faas_docker_limits_t *limits, ngx_str_t *body)
{
    cJSON      *root;
    ngx_int_t   rc;

    root = cJSON_CreateObject();
    if (root == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_http_faas_docker_limits(root, limits);

    if (rc == NGX_OK) {
        rc = ngx_http_faas_docker_print(pool, root, body);
    }

    cJSON_Delete(root);

    return rc;
}


ngx_int_t
ngx_http_faas_docker_body_filters(ngx_pool_t *pool, ngx_array_t *labels,
    ngx_str_t *before, ngx_str_t *filters)
{
    u_char  template[sizeof("{\"before\":[\"\"]}") + NGX_HTTP_FAAS_ID_LEN];

    if (before == NULL || before->len == 0) {
        return ngx_http_faas_docker_filters(pool, "{}", labels, filters);
    }

    if (before->len > NGX_HTTP_FAAS_ID_LEN) {
        return NGX_ERROR;
    }

    *ngx_sprintf(template, "{\"before\":[\"%V\"]}", before) = '\0';

    return ngx_http_faas_docker_filters(pool, (char *) template, labels,
                                        filters);
}


ngx_int_t
ngx_http_faas_docker_body_events(ngx_pool_t *pool, ngx_array_t *labels,
    ngx_str_t *filters)
{
    return ngx_http_faas_docker_filters(pool,
                                        ngx_http_faas_docker_events_template,
                                        labels, filters);
}


static ngx_int_t
ngx_http_faas_docker_filters(ngx_pool_t *pool, char *template,
    ngx_array_t *labels, ngx_str_t *filters)
{
    cJSON      *root;
    ngx_int_t   rc;

    root = cJSON_Parse(template);
    if (root == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_http_faas_docker_add_strings(pool, root, "label", labels);

    if (rc == NGX_OK) {
        rc = ngx_http_faas_docker_print(pool, root, filters);
    }

    cJSON_Delete(root);

    return rc;
}


/*
 * What is not set would be generous: without an entrypoint the image's own
 * runs, a limit of 0 is none, and no network is the default bridge.
 */

static ngx_int_t
ngx_http_faas_docker_check_spec(ngx_http_faas_docker_spec_t *spec)
{
    if (spec->entrypoint == NULL || spec->entrypoint->nelts == 0) {
        return NGX_ERROR;
    }

    if (spec->tmpfs <= 0 || spec->nofile <= 0) {
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_faas_docker_create_fill(ngx_pool_t *pool, cJSON *root,
    ngx_http_faas_docker_spec_t *spec)
{
    cJSON      *host;
    ngx_int_t   rc;

    rc = ngx_http_faas_docker_add_string(pool, root, "Image", &spec->image);
    if (rc != NGX_OK) {
        return NGX_ERROR;
    }

    rc = ngx_http_faas_docker_add_strings(pool, root, "Entrypoint",
                                          spec->entrypoint);
    if (rc != NGX_OK) {
        return NGX_ERROR;
    }

    rc = ngx_http_faas_docker_add_strings(pool, root, "Env", spec->env);
    if (rc != NGX_OK) {
        return NGX_ERROR;
    }

    rc = ngx_http_faas_docker_add_labels(pool, root, spec->labels);
    if (rc != NGX_OK) {
        return NGX_ERROR;
    }

    host = cJSON_GetObjectItemCaseSensitive(root, "HostConfig");

    rc = ngx_http_faas_docker_host_config(pool, host, spec);
    if (rc != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_faas_docker_endpoint(pool, root, spec);
}


static ngx_int_t
ngx_http_faas_docker_endpoint(ngx_pool_t *pool, cJSON *root,
    ngx_http_faas_docker_spec_t *spec)
{
    char   *network;
    cJSON  *item;

    network = ngx_http_faas_docker_cstring(pool, &spec->network);
    if (network == NULL) {
        return NGX_ERROR;
    }

    item = cJSON_AddObjectToObject(root, "NetworkingConfig");
    if (item == NULL) {
        return NGX_ERROR;
    }

    item = cJSON_AddObjectToObject(item, "EndpointsConfig");
    if (item == NULL) {
        return NGX_ERROR;
    }

    item = cJSON_AddObjectToObject(item, network);
    if (item == NULL) {
        return NGX_ERROR;
    }

    if (spec->address.len == 0) {
        return NGX_OK;
    }

    item = cJSON_AddObjectToObject(item, "IPAMConfig");
    if (item == NULL) {
        return NGX_ERROR;
    }

    return ngx_http_faas_docker_add_string(pool, item, "IPv4Address",
                                           &spec->address);
}


static ngx_int_t
ngx_http_faas_docker_network_fill(ngx_pool_t *pool, cJSON *root,
    ngx_http_faas_docker_network_spec_t *spec)
{
    cJSON      *options;
    ngx_int_t   rc;

    rc = ngx_http_faas_docker_add_string(pool, root, "Name", &spec->name);
    if (rc != NGX_OK) {
        return NGX_ERROR;
    }

    rc = ngx_http_faas_docker_add_labels(pool, root, spec->labels);
    if (rc != NGX_OK) {
        return NGX_ERROR;
    }

    if (spec->bridge.len) {
        options = cJSON_GetObjectItemCaseSensitive(root, "Options");

        rc = ngx_http_faas_docker_add_string(pool, options,
                                             "com.docker.network.bridge.name",
                                             &spec->bridge);
        if (rc != NGX_OK) {
            return NGX_ERROR;
        }
    }

    if (spec->subnet.len) {
        return ngx_http_faas_docker_ipam(pool, root, spec);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_faas_docker_ipam(ngx_pool_t *pool, cJSON *root,
    ngx_http_faas_docker_network_spec_t *spec)
{
    cJSON  *item, *subnet;

    item = cJSON_AddObjectToObject(root, "IPAM");
    if (item == NULL) {
        return NGX_ERROR;
    }

    item = cJSON_AddArrayToObject(item, "Config");
    if (item == NULL) {
        return NGX_ERROR;
    }

    subnet = cJSON_CreateObject();
    if (subnet == NULL) {
        return NGX_ERROR;
    }

    cJSON_AddItemToArray(item, subnet);

    if (ngx_http_faas_docker_add_string(pool, subnet, "Subnet", &spec->subnet)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (spec->gateway.len == 0) {
        return NGX_OK;
    }

    return ngx_http_faas_docker_add_string(pool, subnet, "Gateway",
                                           &spec->gateway);
}


/* cJSON prints a double, and one of 1e15 and more as "1e+15" */

ngx_int_t
ngx_http_faas_docker_add_integer(cJSON *object, char *name, int64_t n)
{
    u_char  text[NGX_INT64_LEN + 1];

    *ngx_sprintf(text, "%L", n) = '\0';

    if (cJSON_AddRawToObject(object, name, (char *) text) == NULL) {
        return NGX_ERROR;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_faas_docker_add_string(ngx_pool_t *pool, cJSON *object, char *name,
    ngx_str_t *value)
{
    char  *p;

    p = ngx_http_faas_docker_cstring(pool, value);
    if (p == NULL) {
        return NGX_ERROR;
    }

    if (cJSON_AddStringToObject(object, name, p) == NULL) {
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_faas_docker_add_strings(ngx_pool_t *pool, cJSON *object, char *name,
    ngx_array_t *values)
{
    char        *p;
    cJSON       *array, *item;
    ngx_str_t   *value;
    ngx_uint_t   i;

    array = cJSON_AddArrayToObject(object, name);
    if (array == NULL) {
        return NGX_ERROR;
    }

    if (values == NULL) {
        return NGX_OK;
    }

    value = values->elts;

    for (i = 0; i < values->nelts; i++) {
        p = ngx_http_faas_docker_cstring(pool, &value[i]);
        if (p == NULL) {
            return NGX_ERROR;
        }

        item = cJSON_CreateString(p);
        if (item == NULL) {
            return NGX_ERROR;
        }

        cJSON_AddItemToArray(array, item);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_faas_docker_add_labels(ngx_pool_t *pool, cJSON *object,
    ngx_array_t *labels)
{
    char          *key;
    cJSON         *item;
    ngx_uint_t     i;
    ngx_keyval_t  *label;

    item = cJSON_AddObjectToObject(object, "Labels");
    if (item == NULL) {
        return NGX_ERROR;
    }

    if (labels == NULL) {
        return NGX_OK;
    }

    label = labels->elts;

    for (i = 0; i < labels->nelts; i++) {
        key = ngx_http_faas_docker_cstring(pool, &label[i].key);
        if (key == NULL) {
            return NGX_ERROR;
        }

        if (ngx_http_faas_docker_add_string(pool, item, key, &label[i].value)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


char *
ngx_http_faas_docker_cstring(ngx_pool_t *pool, ngx_str_t *value)
{
    u_char  *p, *last;

    last = value->data + value->len;

    if (ngx_strlchr(value->data, last, '\0') != NULL) {
        return NULL;
    }

    p = ngx_pnalloc(pool, value->len + 1);
    if (p == NULL) {
        return NULL;
    }

    if (value->len) {
        ngx_memcpy(p, value->data, value->len);
    }

    p[value->len] = '\0';

    return (char *) p;
}


static ngx_int_t
ngx_http_faas_docker_print(ngx_pool_t *pool, cJSON *root, ngx_str_t *out)
{
    char  *p;

    p = cJSON_PrintUnformatted(root);
    if (p == NULL) {
        return NGX_ERROR;
    }

    out->len = ngx_strlen(p);
    out->data = ngx_pnalloc(pool, out->len);

    if (out->data) {
        ngx_memcpy(out->data, p, out->len);
    }

    cJSON_free(p);

    return out->data ? NGX_OK : NGX_ERROR;
}
