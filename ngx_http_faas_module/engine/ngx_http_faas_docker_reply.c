
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Parses the bodies of good replies of the Docker Engine API, which may be
 * cut or garbage all the same.  What is kept is copied into the pool; cJSON's
 * trees live no longer than a call.
 */


#include "ngx_http_faas_docker.h"
#include "ngx_http_faas_docker_json.h"


#define NGX_HTTP_FAAS_DOCKER_FRAME_LEN    8
#define NGX_HTTP_FAAS_DOCKER_FRAME_ERROR  3       /* Systemerr of stdcopy */


typedef struct {
    char    *label;
    size_t   offset;                     /* in a container_t */
} ngx_http_faas_docker_label_t;


static ngx_int_t ngx_http_faas_docker_network(ngx_pool_t *pool, cJSON *root,
    ngx_http_faas_docker_network_t *network);
static ngx_int_t ngx_http_faas_docker_subnet(ngx_pool_t *pool, cJSON *root,
    ngx_http_faas_docker_network_t *network);
static ngx_int_t ngx_http_faas_docker_state(ngx_pool_t *pool, cJSON *root,
    ngx_http_faas_docker_state_t *state);
static ngx_int_t ngx_http_faas_docker_whose(ngx_pool_t *pool, cJSON *root,
    ngx_http_faas_docker_state_t *state);
static ngx_int_t ngx_http_faas_docker_container(ngx_pool_t *pool,
    cJSON *item, ngx_array_t *containers);
static ngx_int_t ngx_http_faas_docker_labels(ngx_pool_t *pool, cJSON *labels,
    ngx_http_faas_docker_container_t *container);
static ngx_int_t ngx_http_faas_docker_address(ngx_pool_t *pool, cJSON *root,
    ngx_str_t *address);
static ngx_int_t ngx_http_faas_docker_time(ngx_str_t *text, time_t *sec,
    ngx_msec_t *msec);
static ngx_int_t ngx_http_faas_docker_offset(u_char *p, u_char *last,
    ngx_int_t *offset);
static ngx_int_t ngx_http_faas_docker_form(u_char *p, u_char *last,
    char *form);
static u_char *ngx_http_faas_docker_frame(u_char *p, u_char *last,
    u_char **end);


static ngx_http_faas_docker_label_t  ngx_http_faas_docker_label[] = {

    { NGX_HTTP_FAAS_DOCKER_LABEL_OWNER,
      offsetof(ngx_http_faas_docker_container_t, owner) },

    { NGX_HTTP_FAAS_DOCKER_LABEL_EPOCH,
      offsetof(ngx_http_faas_docker_container_t, epoch) },

    { NGX_HTTP_FAAS_DOCKER_LABEL_RUNTIME,
      offsetof(ngx_http_faas_docker_container_t, runtime) },

    { NGX_HTTP_FAAS_DOCKER_LABEL_KIND,
      offsetof(ngx_http_faas_docker_container_t, kind) },

    { NGX_HTTP_FAAS_DOCKER_LABEL_PREFIX,
      offsetof(ngx_http_faas_docker_container_t, prefix) },

    { NULL, 0 }
};


ngx_int_t
ngx_http_faas_docker_parse_create(ngx_pool_t *pool, ngx_str_t *body,
    ngx_str_t *id)
{
    char       *text;
    cJSON      *root;
    ngx_int_t   rc;

    root = ngx_http_faas_docker_json(body);

    text = ngx_http_faas_docker_json_id(root, "Id");

    rc = text ? ngx_http_faas_docker_json_copy(pool, text, id) : NGX_ERROR;

    cJSON_Delete(root);

    return rc;
}


ngx_int_t
ngx_http_faas_docker_parse_network(ngx_pool_t *pool, ngx_str_t *body,
    ngx_http_faas_docker_network_t *network)
{
    cJSON      *root;
    ngx_int_t   rc;

    ngx_memzero(network, sizeof(ngx_http_faas_docker_network_t));

    root = ngx_http_faas_docker_json(body);

    rc = ngx_http_faas_docker_network(pool, root, network);

    cJSON_Delete(root);

    return rc;
}


ngx_int_t
ngx_http_faas_docker_parse_inspect(ngx_pool_t *pool, ngx_str_t *body,
    ngx_http_faas_docker_state_t *state)
{
    cJSON      *root;
    ngx_int_t   rc;

    ngx_memzero(state, sizeof(ngx_http_faas_docker_state_t));

    root = ngx_http_faas_docker_json(body);

    rc = ngx_http_faas_docker_state(pool, root, state);

    cJSON_Delete(root);

    return rc;
}


ngx_int_t
ngx_http_faas_docker_parse_list(ngx_pool_t *pool, ngx_str_t *body,
    ngx_array_t **containers)
{
    cJSON      *item, *root;
    ngx_int_t   rc;

    *containers = ngx_array_create(pool, 8,
                                   sizeof(ngx_http_faas_docker_container_t));
    if (*containers == NULL) {
        return NGX_ERROR;
    }

    root = ngx_http_faas_docker_json(body);

    rc = cJSON_IsArray(root) ? NGX_OK : NGX_ERROR;

    if (rc == NGX_OK) {

        cJSON_ArrayForEach(item, root) {

            rc = ngx_http_faas_docker_container(pool, item, *containers);

            if (rc != NGX_OK) {
                break;
            }
        }
    }

    cJSON_Delete(root);

    return rc;
}


ngx_int_t
ngx_http_faas_docker_parse_logs(ngx_pool_t *pool, ngx_str_t *body, size_t max,
    ngx_str_t *text)
{
    u_char  *dst, *end, *last, *p, *payload;
    size_t   len, n, skip;

    ngx_str_null(text);

    len = 0;
    last = body->data + body->len;

    for (p = body->data; p < last; p = end) {
        payload = ngx_http_faas_docker_frame(p, last, &end);

        if (payload == NULL) {
            return NGX_ERROR;
        }

        len += end - payload;
    }

    skip = len > max ? len - max : 0;

    dst = ngx_pnalloc(pool, len - skip + 1);
    if (dst == NULL) {
        return NGX_ERROR;
    }

    text->data = dst;

    for (p = body->data; p < last; p = end) {
        payload = ngx_http_faas_docker_frame(p, last, &end);

        if (payload == NULL) {
            break;
        }

        n = ngx_min(skip, (size_t) (end - payload));
        skip -= n;

        dst = ngx_cpymem(dst, payload + n, end - payload - n);
    }

    text->len = dst - text->data;

    if (len <= max) {
        return NGX_OK;
    }

    /* the cut may be inside of a character */

    for (n = 0; n < 3 && text->len && (*text->data & 0xc0) == 0x80; n++) {
        text->data++;
        text->len--;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_faas_docker_network(ngx_pool_t *pool, cJSON *root,
    ngx_http_faas_docker_network_t *network)
{
    char   *id, *icc;
    cJSON  *labels, *options;

    id = ngx_http_faas_docker_json_id(root, "Id");
    if (id == NULL) {
        return NGX_ERROR;
    }

    if (ngx_http_faas_docker_json_copy(pool, id, &network->id) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_http_faas_docker_subnet(pool, root, network) != NGX_OK) {
        return NGX_ERROR;
    }

    labels = cJSON_GetObjectItemCaseSensitive(root, "Labels");

    if (ngx_http_faas_docker_json_string(pool, labels,
                                        NGX_HTTP_FAAS_DOCKER_LABEL_OWNER,
                                        &network->owner)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    network->internal =
        cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(root, "Internal"))
        ? 1 : 0;

    options = cJSON_GetObjectItemCaseSensitive(root, "Options");

    icc = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(options,
                                    "com.docker.network.bridge.enable_icc"));

    network->isolated = (icc && ngx_strcmp(icc, "false") == 0) ? 1 : 0;

    return NGX_OK;
}


static ngx_int_t
ngx_http_faas_docker_subnet(ngx_pool_t *pool, cJSON *root,
    ngx_http_faas_docker_network_t *network)
{
    char   *subnet;
    cJSON  *config, *item;

    item = cJSON_GetObjectItemCaseSensitive(root, "IPAM");
    config = cJSON_GetObjectItemCaseSensitive(item, "Config");

    if (!cJSON_IsArray(config)) {
        return NGX_OK;
    }

    cJSON_ArrayForEach(item, config) {

        subnet = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item,
                                                                  "Subnet"));

        if (subnet == NULL || ngx_strchr(subnet, '.') == NULL) {
            continue;
        }

        if (ngx_http_faas_docker_json_copy(pool, subnet, &network->subnet)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        return ngx_http_faas_docker_json_string(pool, item, "Gateway",
                                               &network->gateway);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_faas_docker_state(ngx_pool_t *pool, cJSON *root,
    ngx_http_faas_docker_state_t *state)
{
    cJSON      *item, *running;
    ngx_str_t   started;

    item = cJSON_GetObjectItemCaseSensitive(root, "State");
    running = cJSON_GetObjectItemCaseSensitive(item, "Running");

    if (!cJSON_IsBool(running)) {
        return NGX_ERROR;
    }

    state->running = cJSON_IsTrue(running) ? 1 : 0;
    state->oom_killed =
        cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(item, "OOMKilled"))
        ? 1 : 0;

    if (ngx_http_faas_docker_json_integer(item, "Pid", &state->pid) != NGX_OK
        || ngx_http_faas_docker_json_integer(item, "ExitCode",
                                            &state->exit_code)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_str_null(&started);

    if (ngx_http_faas_docker_json_string(pool, item, "Status", &state->status)
        != NGX_OK
        || ngx_http_faas_docker_json_string(pool, item, "Error", &state->error)
           != NGX_OK
        || ngx_http_faas_docker_json_string(pool, item, "StartedAt", &started)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (started.len
        && ngx_http_faas_docker_time(&started, &state->started,
                                     &state->started_msec)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_http_faas_docker_whose(pool, root, state) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_faas_docker_address(pool, root, &state->address);
}


static ngx_int_t
ngx_http_faas_docker_whose(ngx_pool_t *pool, cJSON *root,
    ngx_http_faas_docker_state_t *state)
{
    char   *id;
    cJSON  *item;

    id = ngx_http_faas_docker_json_id(root, "Id");

    if (id
        && ngx_http_faas_docker_json_copy(pool, id, &state->id) != NGX_OK)
    {
        return NGX_ERROR;
    }

    item = cJSON_GetObjectItemCaseSensitive(root, "Config");
    item = cJSON_GetObjectItemCaseSensitive(item, "Labels");

    if (ngx_http_faas_docker_json_string(pool, item,
                                         NGX_HTTP_FAAS_DOCKER_LABEL_OWNER,
                                         &state->owner)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_faas_docker_json_string(pool, item,
                                            NGX_HTTP_FAAS_DOCKER_LABEL_EPOCH,
                                            &state->epoch);
}


/*
 * What has no id is no container, and what it is in no list: whoever is not in
 * a list is taken for gone.  One that is about to go has an id and no name.
 */

static ngx_int_t
ngx_http_faas_docker_container(ngx_pool_t *pool, cJSON *item,
    ngx_array_t *containers)
{
    char                              *id, *name;
    cJSON                             *names;
    ngx_http_faas_docker_container_t  *container;

    id = ngx_http_faas_docker_json_id(item, "Id");
    if (id == NULL) {
        return NGX_ERROR;
    }

    names = cJSON_GetObjectItemCaseSensitive(item, "Names");

    if (names && !cJSON_IsArray(names) && !cJSON_IsNull(names)) {
        return NGX_ERROR;
    }

    container = ngx_array_push(containers);
    if (container == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(container, sizeof(ngx_http_faas_docker_container_t));

    if (ngx_http_faas_docker_json_copy(pool, id, &container->id) != NGX_OK) {
        return NGX_ERROR;
    }

    name = cJSON_GetStringValue(cJSON_GetArrayItem(names, 0));

    if (name == NULL && cJSON_GetArraySize(names)) {
        return NGX_ERROR;
    }

    if (name) {
        if (*name == '/') {
            name++;
        }

        if (ngx_http_faas_docker_json_copy(pool, name, &container->name)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    if (ngx_http_faas_docker_json_string(pool, item, "State",
                                        &container->state)
        != NGX_OK
        || container->state.len == 0)
    {
        return NGX_ERROR;
    }

    if (ngx_http_faas_docker_address(pool, item, &container->address)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_faas_docker_labels(pool,
                             cJSON_GetObjectItemCaseSensitive(item, "Labels"),
                             container);
}


static ngx_int_t
ngx_http_faas_docker_labels(ngx_pool_t *pool, cJSON *labels,
    ngx_http_faas_docker_container_t *container)
{
    char                          *slot;
    ngx_str_t                     *value;
    ngx_http_faas_docker_label_t  *l;

    for (l = ngx_http_faas_docker_label; l->label; l++) {
        value = (ngx_str_t *) ((u_char *) container + l->offset);

        if (ngx_http_faas_docker_json_string(pool, labels, l->label, value)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    slot = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(labels,
                                            NGX_HTTP_FAAS_DOCKER_LABEL_SLOT));

    container->slot = slot ? ngx_atoi((u_char *) slot, ngx_strlen(slot))
                           : NGX_ERROR;

    return NGX_OK;
}


/* of its first network: the one it asked for, or the one it has */

static ngx_int_t
ngx_http_faas_docker_address(ngx_pool_t *pool, cJSON *root,
    ngx_str_t *address)
{
    cJSON      *item, *ipam;
    ngx_int_t   rc;

    item = cJSON_GetObjectItemCaseSensitive(root, "NetworkSettings");
    item = cJSON_GetObjectItemCaseSensitive(item, "Networks");

    if (!cJSON_IsObject(item) || item->child == NULL) {
        return NGX_OK;
    }

    item = item->child;
    ipam = cJSON_GetObjectItemCaseSensitive(item, "IPAMConfig");

    rc = ngx_http_faas_docker_json_string(pool, ipam, "IPv4Address", address);

    if (rc != NGX_OK || address->len) {
        return rc;
    }

    return ngx_http_faas_docker_json_string(pool, item, "IPAddress", address);
}


/* RFC 3339 as Go prints it; what is older than 1970 is Go's zero time: 0 */

static ngx_int_t
ngx_http_faas_docker_time(ngx_str_t *text, time_t *sec, ngx_msec_t *msec)
{
    u_char      *p, *last;
    struct tm    tm;
    ngx_int_t    offset;
    ngx_uint_t   scale;

    static char  form[] = "0000-00-00T00:00:00";

    p = text->data;
    last = p + text->len;

    if (ngx_http_faas_docker_form(p, last, form) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_memzero(&tm, sizeof(struct tm));

    tm.tm_year = ngx_atoi(p, 4) - 1900;
    tm.tm_mon = ngx_atoi(p + 5, 2) - 1;
    tm.tm_mday = ngx_atoi(p + 8, 2);
    tm.tm_hour = ngx_atoi(p + 11, 2);
    tm.tm_min = ngx_atoi(p + 14, 2);
    tm.tm_sec = ngx_atoi(p + 17, 2);

    p += sizeof(form) - 1;

    *msec = 0;

    if (p < last && *p == '.') {
        scale = 100;

        for (p++; p < last && *p >= '0' && *p <= '9'; p++) {
            *msec += (*p - '0') * scale;
            scale /= 10;
        }
    }

    if (ngx_http_faas_docker_offset(p, last, &offset) != NGX_OK) {
        return NGX_ERROR;
    }

    *sec = timegm(&tm) - offset;

    if (*sec <= 0) {
        *sec = 0;
        *msec = 0;
    }

    return NGX_OK;
}


/* "Z", or "+01:30" in seconds */

static ngx_int_t
ngx_http_faas_docker_offset(u_char *p, u_char *last, ngx_int_t *offset)
{
    static char  form[] = "00:00";

    *offset = 0;

    if (last - p == 1 && *p == 'Z') {
        return NGX_OK;
    }

    if (last - p != sizeof(form)
        || (*p != '+' && *p != '-')
        || ngx_http_faas_docker_form(p + 1, last, form) != NGX_OK)
    {
        return NGX_ERROR;
    }

    *offset = ngx_atoi(p + 1, 2) * 3600 + ngx_atoi(p + 4, 2) * 60;

    if (*p == '-') {
        *offset = -*offset;
    }

    return NGX_OK;
}


/* begins with digits where "form" has "0", and else with what it has */

static ngx_int_t
ngx_http_faas_docker_form(u_char *p, u_char *last, char *form)
{
    for ( /* void */ ; *form; form++, p++) {

        if (p == last) {
            return NGX_ERROR;
        }

        if (*form == '0') {
            if (*p < '0' || *p > '9') {
                return NGX_ERROR;
            }

        } else if (*p != (u_char) *form) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/*
 * A frame of the log stream: type, three zero bytes, length in four bytes.
 * Returns its text up to "end", empty for a header that is cut; NULL for
 * what is no frame.
 */

static u_char *
ngx_http_faas_docker_frame(u_char *p, u_char *last, u_char **end)
{
    size_t  len;

    if (last - p < NGX_HTTP_FAAS_DOCKER_FRAME_LEN) {
        *end = last;
        return last;
    }

    if (p[0] > NGX_HTTP_FAAS_DOCKER_FRAME_ERROR || p[1] || p[2] || p[3]) {
        return NULL;
    }

    if (p[0] == NGX_HTTP_FAAS_DOCKER_FRAME_ERROR) {
        /* the engine's words, not the container's; and its last */
        *end = last;
        return last;
    }

    len = ((size_t) p[4] << 24) | (p[5] << 16) | (p[6] << 8) | p[7];

    p += NGX_HTTP_FAAS_DOCKER_FRAME_LEN;

    *end = p + ngx_min(len, (size_t) (last - p));

    return p;
}
