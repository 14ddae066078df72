
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Owns what a start says to the engine and to the loader: network and
 * container as we want them, token, labels, and the source.
 */


#include "ngx_http_faas_launch.h"
#include "ngx_http_faas_container.h"
#include "ngx_http_faas_file.h"
#include "ngx_http_faas_knock.h"
#include "ngx_http_faas_link.h"
#include "ngx_http_faas_route.h"
#include "ngx_http_faas_runtime.h"

#include <net/if.h>
#include <sys/random.h>


/*
 * 198.18.0.0/15, set aside for benchmarks between networks (RFC 2544), so in
 * nobody's way; a /22 of it for each zone, the first to try by its name.
 */
#define NGX_HTTP_FAAS_LAUNCH_RANGE    0xc6120000
#define NGX_HTTP_FAAS_LAUNCH_MASK     0xfffffc00
#define NGX_HTTP_FAAS_LAUNCH_SUBNETS  128

#define NGX_HTTP_FAAS_LAUNCH_NOFILE   1024


static ngx_int_t ngx_http_faas_launch_copy(ngx_pool_t *pool, ngx_str_t *dst,
    ngx_str_t *src);
static ngx_int_t ngx_http_faas_launch_token(ngx_http_faas_launch_t *launch);
static ngx_msec_t ngx_http_faas_launch_timeout(ngx_uint_t step);
static in_addr_t ngx_http_faas_launch_subnet(ngx_http_faas_launch_t *launch);
static u_char *ngx_http_faas_launch_text(u_char *p, in_addr_t addr);
static ngx_int_t ngx_http_faas_launch_network_create(
    ngx_http_faas_launch_t *launch, ngx_str_t *api, ngx_str_t *name,
    ngx_http_faas_docker_request_t *req);
static ngx_int_t ngx_http_faas_launch_create(ngx_http_faas_launch_t *launch,
    ngx_str_t *api, ngx_str_t *network, ngx_http_faas_docker_request_t *req);
static ngx_array_t *ngx_http_faas_launch_labels(
    ngx_http_faas_launch_t *launch, ngx_uint_t container);
static ngx_array_t *ngx_http_faas_launch_env(ngx_http_faas_launch_t *launch);
static ngx_array_t *ngx_http_faas_launch_vars(
    ngx_http_faas_launch_t *launch);
static ngx_int_t ngx_http_faas_launch_pair(ngx_array_t *pairs, char *key,
    ngx_str_t *value);
static ngx_int_t ngx_http_faas_launch_format(ngx_pool_t *pool,
    ngx_str_t *dst, const char *fmt, ngx_uint_t n);


ngx_int_t
ngx_http_faas_launch_init(ngx_http_faas_launch_t *launch,
    ngx_http_faas_pool_t *fp, ngx_pool_t *pool,
    ngx_http_faas_instance_t *inst, ngx_http_faas_runtime_t *runtime,
    ngx_str_t *name, ngx_str_t *path)
{
    launch->fp = fp;
    launch->pool = pool;
    launch->runtime = runtime;
    launch->inst = inst;

    if (ngx_http_faas_launch_copy(pool, &launch->name, name) != NGX_OK
        || ngx_http_faas_launch_copy(pool, &launch->path, path) != NGX_OK
        || ngx_http_faas_container_name(fp, pool, inst, &launch->container)
           != NGX_OK
        || ngx_http_faas_container_ref(fp, pool, inst, &launch->ref)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (path->len) {
        launch->file.data = launch->path.data + fp->root.len;
        launch->file.len = launch->path.len - fp->root.len;
    }

    return ngx_http_faas_launch_token(launch);
}


static ngx_int_t
ngx_http_faas_launch_copy(ngx_pool_t *pool, ngx_str_t *dst, ngx_str_t *src)
{
    dst->len = src->len;

    dst->data = ngx_pnalloc(pool, src->len + 1);
    if (dst->data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(dst->data, src->data, src->len);
    dst->data[src->len] = '\0';

    return NGX_OK;
}


static ngx_int_t
ngx_http_faas_launch_token(ngx_http_faas_launch_t *launch)
{
    u_char  *p, bytes[NGX_HTTP_FAAS_TOKEN_LEN / 2];

    launch->token.len = NGX_HTTP_FAAS_TOKEN_LEN;

    launch->token.data = ngx_pnalloc(launch->pool,
                                     NGX_HTTP_FAAS_TOKEN_LEN + 1);
    if (launch->token.data == NULL) {
        return NGX_ERROR;
    }

    if (launch->inst->warm) {

        /* it is ours alone by now, and its loader has been told */

        p = ngx_cpymem(launch->token.data, launch->inst->token,
                       NGX_HTTP_FAAS_TOKEN_LEN);
        *p = '\0';

        return NGX_OK;
    }

    if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t) sizeof(bytes)) {
        ngx_log_error(NGX_LOG_ALERT, launch->pool->log, ngx_errno,
                      "faas: getrandom() failed");
        return NGX_ERROR;
    }

    p = ngx_hex_dump(launch->token.data, bytes, sizeof(bytes));
    *p = '\0';

    return NGX_OK;
}


/* far above what they take, so that only a hanging engine is cut off */

static ngx_msec_t
ngx_http_faas_launch_timeout(ngx_uint_t step)
{
    switch (step) {

    case NGX_HTTP_FAAS_DOCKER_PING:
        return 2000;

    case NGX_HTTP_FAAS_DOCKER_START:
        return 10000;

    default:
        return 5000;
    }
}


ngx_int_t
ngx_http_faas_launch_request(ngx_http_faas_launch_t *launch, ngx_uint_t step,
    ngx_http_faas_call_t *call)
{
    ngx_str_t                        api, network;
    ngx_http_faas_docker_request_t  *req;

    req = &call->request;
    call->timeout = ngx_http_faas_launch_timeout(step);

    ngx_http_faas_pool_api(launch->fp, &api);

    if (ngx_http_faas_launch_format(launch->pool, &network, "faas-%08xi",
                                    launch->fp->zone.owner)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    switch (step) {

    case NGX_HTTP_FAAS_DOCKER_PING:
        return ngx_http_faas_docker_ping(launch->pool, req);

    case NGX_HTTP_FAAS_DOCKER_NETWORK_CREATE:
        return ngx_http_faas_launch_network_create(launch, &api, &network,
                                                   req);

    case NGX_HTTP_FAAS_DOCKER_NETWORK_INSPECT:
        return ngx_http_faas_docker_network_inspect(launch->pool, &api,
                                                    &network, req);

    case NGX_HTTP_FAAS_DOCKER_CREATE:
        return ngx_http_faas_launch_create(launch, &api, &network, req);

    case NGX_HTTP_FAAS_DOCKER_INSPECT:
        return ngx_http_faas_docker_inspect(launch->pool, &api, &launch->ref,
                                            req);

    default:
        return ngx_http_faas_docker_start(launch->pool, &api, &launch->ref,
                                          req);
    }
}


static in_addr_t
ngx_http_faas_launch_subnet(ngx_http_faas_launch_t *launch)
{
    ngx_uint_t  n;

    n = (launch->fp->zone.owner + launch->subnet)
        % NGX_HTTP_FAAS_LAUNCH_SUBNETS;

    return NGX_HTTP_FAAS_LAUNCH_RANGE + (in_addr_t) (n << 10);
}


static u_char *
ngx_http_faas_launch_text(u_char *p, in_addr_t addr)
{
    return ngx_sprintf(p, "%ui.%ui.%ui.%ui",
                       (ngx_uint_t) (addr >> 24),
                       (ngx_uint_t) (addr >> 16 & 0xff),
                       (ngx_uint_t) (addr >> 8 & 0xff),
                       (ngx_uint_t) (addr & 0xff));
}


ngx_int_t
ngx_http_faas_launch_next_subnet(ngx_http_faas_launch_t *launch)
{
    return ++launch->subnet < NGX_HTTP_FAAS_LAUNCH_SUBNETS ? NGX_OK
                                                           : NGX_DECLINED;
}


static ngx_int_t
ngx_http_faas_launch_network_create(ngx_http_faas_launch_t *launch,
    ngx_str_t *api, ngx_str_t *name, ngx_http_faas_docker_request_t *req)
{
    u_char                               *p;
    in_addr_t                             addr;
    u_char                                cidr[NGX_SOCKADDR_STRLEN];
    u_char                                gate[NGX_SOCKADDR_STRLEN];
    u_char                                other[IF_NAMESIZE];
    ngx_http_faas_docker_network_spec_t   spec;

    ngx_memzero(&spec, sizeof(ngx_http_faas_docker_network_spec_t));

    /* an interface name has 15 characters at the most */

    if (ngx_http_faas_launch_format(launch->pool, &spec.bridge, "faas%08xi",
                                    launch->fp->zone.owner)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    addr = ngx_http_faas_launch_subnet(launch);

    while (ngx_http_faas_route_taken(addr, NGX_HTTP_FAAS_LAUNCH_MASK,
                                     spec.bridge.data, other)
           == NGX_OK)
    {
        if (ngx_http_faas_launch_next_subnet(launch) != NGX_OK) {
            ngx_log_error(NGX_LOG_ERR, launch->pool->log, 0,
                          "faas: all of 198.18.0.0/15 is in use, at last by "
                          "interface \"%s\"", other);
            return NGX_ERROR;
        }

        addr = ngx_http_faas_launch_subnet(launch);
    }

    spec.name = *name;

    spec.subnet.data = cidr;
    p = ngx_http_faas_launch_text(cidr, addr);
    spec.subnet.len = ngx_cpymem(p, "/22", 3) - cidr;

    addr++;

    spec.gateway.data = gate;
    spec.gateway.len = ngx_http_faas_launch_text(gate, addr) - gate;

    spec.labels = ngx_http_faas_launch_labels(launch, 0);
    if (spec.labels == NULL) {
        return NGX_ERROR;
    }

    return ngx_http_faas_docker_network_create(launch->pool, api, &spec,
                                               req);
}


ngx_int_t
ngx_http_faas_launch_network(ngx_http_faas_launch_t *launch, ngx_str_t *body)
{
    u_char                           bridge[IF_NAMESIZE], other[IF_NAMESIZE];
    ngx_int_t                        rc;
    ngx_str_t                        owner;
    ngx_cidr_t                       cidr;
    ngx_http_faas_pool_t            *fp;
    ngx_http_faas_docker_network_t   network;

    fp = launch->fp;

    if (ngx_http_faas_docker_parse_network(launch->pool, body, &network)
        != NGX_OK
        || ngx_http_faas_launch_format(launch->pool, &owner, "%08xi",
                                       fp->zone.owner)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    rc = ngx_ptocidr(&network.subnet, &cidr);

    if (rc == NGX_ERROR
        || cidr.family != AF_INET
        || ntohl(cidr.u.in.mask) > NGX_HTTP_FAAS_LAUNCH_MASK
        || !network.internal
        || !network.isolated
        || network.owner.len != owner.len
        || ngx_strncmp(network.owner.data, owner.data, owner.len) != 0)
    {
        ngx_log_error(NGX_LOG_ERR, launch->pool->log, 0,
                      "faas: the network \"faas-%V\" is not as we made it, "
                      "remove it", &owner);
        return NGX_ERROR;
    }

    (void) ngx_sprintf(bridge, "faas%V%Z", &owner);

    if (ngx_http_faas_route_taken(ntohl(cidr.u.in.addr),
                                  ntohl(cidr.u.in.mask), bridge, other)
        == NGX_OK)
    {
        ngx_log_error(NGX_LOG_ERR, launch->pool->log, 0,
                      "faas: the network \"faas-%V\" %V is that of interface "
                      "\"%s\", too: its containers may not be reached",
                      &owner, &network.subnet, other);
    }

    ngx_http_faas_zone_lock(&fp->zone);

    fp->zone.sh->network = ntohl(cidr.u.in.addr);
    fp->zone.sh->engine_ready = 1;

    ngx_http_faas_zone_unlock(&fp->zone);

    return NGX_OK;
}


static ngx_int_t
ngx_http_faas_launch_create(ngx_http_faas_launch_t *launch, ngx_str_t *api,
    ngx_str_t *network, ngx_http_faas_docker_request_t *req)
{
    in_addr_t                     addr;
    u_char                        text[NGX_SOCKADDR_STRLEN];
    ngx_http_faas_runtime_t      *runtime;
    ngx_http_faas_docker_spec_t   spec;

    ngx_memzero(&spec, sizeof(ngx_http_faas_docker_spec_t));

    runtime = launch->runtime;
    addr = ngx_http_faas_pool_address(launch->fp, launch->inst->slot);

    spec.name = launch->container;
    spec.image = runtime->image;
    spec.seccomp = runtime->seccomp;
    spec.network = *network;
    spec.memory = runtime->memory;
    spec.tmpfs = runtime->tmpfs;
    spec.nano_cpus = ngx_min(runtime->nano_cpus,
                             (int64_t) ngx_ncpu * 1000000000);
    spec.pids = runtime->pids;
    spec.nofile = NGX_HTTP_FAAS_LAUNCH_NOFILE;

    spec.address.data = text;
    spec.address.len = ngx_http_faas_launch_text(text, addr) - text;

    spec.entrypoint = ngx_http_faas_runtime_entrypoint(launch->pool, runtime);
    spec.env = ngx_http_faas_launch_env(launch);
    spec.labels = ngx_http_faas_launch_labels(launch, 1);

    if (spec.entrypoint == NULL || spec.env == NULL || spec.labels == NULL) {
        return NGX_ERROR;
    }

    return ngx_http_faas_docker_create(launch->pool, api, &spec, req);
}


/* whose it is: of the network, or of a container */

static ngx_array_t *
ngx_http_faas_launch_labels(ngx_http_faas_launch_t *launch,
    ngx_uint_t container)
{
    ngx_str_t              one, owner, epoch, slot, kind;
    ngx_pool_t            *pool;
    ngx_array_t           *labels;
    ngx_http_faas_pool_t  *fp;

    fp = launch->fp;
    pool = launch->pool;

    labels = ngx_array_create(pool, 9, sizeof(ngx_keyval_t));
    if (labels == NULL) {
        return NULL;
    }

    ngx_str_set(&one, "1");

    if (ngx_http_faas_launch_format(pool, &owner, "%08xi", fp->zone.owner)
        != NGX_OK
        || ngx_http_faas_launch_format(pool, &epoch, "%08xi",
                                       fp->zone.sh->epoch)
           != NGX_OK
        || ngx_http_faas_launch_format(pool, &slot, "%ui", launch->inst->slot)
           != NGX_OK
        || ngx_http_faas_launch_pair(labels, "faas.managed", &one) != NGX_OK
        || ngx_http_faas_launch_pair(labels,
                                     NGX_HTTP_FAAS_DOCKER_LABEL_OWNER, &owner)
           != NGX_OK
        || ngx_http_faas_launch_pair(labels, "faas.zone", &fp->zone.name)
           != NGX_OK
        || ngx_http_faas_launch_pair(labels,
                                     NGX_HTTP_FAAS_DOCKER_LABEL_PREFIX,
                                     &fp->prefix)
           != NGX_OK)
    {
        return NULL;
    }

    if (!container) {
        return labels;
    }

    if (ngx_http_faas_launch_pair(labels, NGX_HTTP_FAAS_DOCKER_LABEL_EPOCH,
                                  &epoch)
        != NGX_OK
        || ngx_http_faas_launch_pair(labels,
                                     NGX_HTTP_FAAS_DOCKER_LABEL_SLOT, &slot)
           != NGX_OK
        || ngx_http_faas_launch_format(pool, &kind, "%08xi",
                                       launch->runtime->kind)
           != NGX_OK
        || ngx_http_faas_launch_pair(labels, NGX_HTTP_FAAS_DOCKER_LABEL_KIND,
                                     &kind)
           != NGX_OK
        || ngx_http_faas_launch_pair(labels,
                                     NGX_HTTP_FAAS_DOCKER_LABEL_RUNTIME,
                                     &launch->runtime->name)
           != NGX_OK)
    {
        return NULL;
    }

    return labels;
}


/* the loader's environment: it takes its own part out before the source */

static ngx_array_t *
ngx_http_faas_launch_env(ngx_http_faas_launch_t *launch)
{
    u_char       *p, text[NGX_HTTP_FAAS_KNOCK_LEN];
    ngx_str_t    *s;
    ngx_uint_t    i;
    ngx_array_t  *env;

    static char  *fixed[] = {
        "HOME=/tmp", "PYTHONDONTWRITEBYTECODE=1", "DENO_DIR=/tmp/.deno",
        "DENO_NO_UPDATE_CHECK=1", "NO_COLOR=1", NULL
    };

    env = ngx_array_create(launch->pool, 10, sizeof(ngx_str_t));
    if (env == NULL) {
        return NULL;
    }

    for (i = 0; fixed[i]; i++) {
        s = ngx_array_push(env);
        if (s == NULL) {
            return NULL;
        }

        s->data = (u_char *) fixed[i];
        s->len = ngx_strlen(fixed[i]);
    }

    s = ngx_array_push_n(env, 3);
    if (s == NULL) {
        return NULL;
    }

    if (ngx_http_faas_launch_format(launch->pool, &s[0], "PORT=%ui",
                                    NGX_HTTP_FAAS_PORT)
        != NGX_OK
        || ngx_http_faas_launch_format(launch->pool, &s[1],
                                       "FAAS_CONTROL_PORT=%ui",
                                       NGX_HTTP_FAAS_CONTROL_PORT)
           != NGX_OK)
    {
        return NULL;
    }

    p = ngx_pnalloc(launch->pool, sizeof("FAAS_TOKEN=") + launch->token.len);
    if (p == NULL) {
        return NULL;
    }

    s[2].data = p;
    p = ngx_sprintf(p, "FAAS_TOKEN=%V", &launch->token);
    s[2].len = p - s[2].data;

    if (launch->name.len) {
        return env;
    }

    /* a spare has the time to do beforehand what is slow at first */

    s = ngx_array_push(env);
    if (s == NULL) {
        return NULL;
    }

    ngx_str_set(s, "FAAS_REHEARSE=1");

    /* and to see what functions could reach */

    if (ngx_http_faas_knock(launch->fp, text) != NGX_OK) {
        return env;
    }

    p = ngx_pnalloc(launch->pool, sizeof("FAAS_KNOCK=") + sizeof(text));
    if (p == NULL) {
        return NULL;
    }

    s = ngx_array_push(env);
    if (s == NULL) {
        return NULL;
    }

    s->data = p;
    p = ngx_sprintf(p, "FAAS_KNOCK=%s", text);
    s->len = p - s->data;

    return env;
}


/* the function's environment: Knative's runtime contract */

static ngx_array_t *
ngx_http_faas_launch_vars(ngx_http_faas_launch_t *launch)
{
    u_char       *p;
    ngx_str_t     revision;
    ngx_uint_t    i;
    ngx_array_t  *vars, *own;

    own = launch->source.settings.env;

    vars = ngx_array_create(launch->pool, 3 + (own ? own->nelts : 0),
                            sizeof(ngx_keyval_t));
    if (vars == NULL) {
        return NULL;
    }

    for (i = 0; own && i < own->nelts; i++) {
        *(ngx_keyval_t *) ngx_array_push(vars) =
                                           ((ngx_keyval_t *) own->elts)[i];
    }

    revision.data = ngx_pnalloc(launch->pool, launch->name.len + 10);
    if (revision.data == NULL) {
        return NULL;
    }

    p = ngx_sprintf(revision.data, "%V-", &launch->name);
    p = ngx_hex_dump(p, launch->source.revision, 4);
    *p = '\0';
    revision.len = p - revision.data;

    if (ngx_http_faas_launch_pair(vars, "K_SERVICE", &launch->name) != NGX_OK
        || ngx_http_faas_launch_pair(vars, "K_CONFIGURATION", &launch->name)
           != NGX_OK
        || ngx_http_faas_launch_pair(vars, "K_REVISION", &revision)
           != NGX_OK)
    {
        return NULL;
    }

    return vars;
}


ngx_int_t
ngx_http_faas_launch_frame(ngx_http_faas_launch_t *launch,
    ngx_http_faas_want_t *want, ngx_str_t *frame)
{
    ngx_int_t     rc;
    ngx_array_t  *vars;

    rc = ngx_http_faas_source_read(launch->fp, launch->pool,
                                   launch->pool->log, &launch->path,
                                   launch->runtime, &launch->source);
    if (rc != NGX_OK) {
        return rc;
    }

    want->name = launch->name;
    ngx_http_faas_source_want(&launch->source, launch->fp, want);

    vars = ngx_http_faas_launch_vars(launch);
    if (vars == NULL) {
        return NGX_ERROR;
    }

    return ngx_http_faas_link_frame(launch->pool, &launch->token,
                                    &launch->file, vars,
                                    &launch->source.bytes, frame);
}


static ngx_int_t
ngx_http_faas_launch_pair(ngx_array_t *pairs, char *key, ngx_str_t *value)
{
    ngx_keyval_t  *kv;

    kv = ngx_array_push(pairs);
    if (kv == NULL) {
        return NGX_ERROR;
    }

    kv->key.data = (u_char *) key;
    kv->key.len = ngx_strlen(key);
    kv->value = *value;

    return NGX_OK;
}


static ngx_int_t
ngx_http_faas_launch_format(ngx_pool_t *pool, ngx_str_t *dst,
    const char *fmt, ngx_uint_t n)
{
    u_char  *p;

    dst->data = ngx_pnalloc(pool, ngx_strlen(fmt) + NGX_INT_T_LEN + 1);
    if (dst->data == NULL) {
        return NGX_ERROR;
    }

    p = ngx_sprintf(dst->data, fmt, n);
    *p = '\0';
    dst->len = p - dst->data;

    return NGX_OK;
}
