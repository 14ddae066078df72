
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * The configurations: made, merged, and checked as a whole.  Nothing here
 * looks at the disk or talks to the engine.
 */


#include "ngx_http_faas_conf.h"
#include "ngx_http_faas_balancer.h"
#include "ngx_http_faas_command_conf.h"
#include "ngx_http_faas_runtime.h"


#define NGX_HTTP_FAAS_CONF_BUFFER  (64 * 1024)


static void ngx_http_faas_conf_proxy(ngx_conf_t *cf,
    ngx_http_faas_loc_conf_t *flcf);
static void ngx_http_faas_conf_policy(ngx_http_faas_pool_t *fp);
static char *ngx_http_faas_conf_root(ngx_conf_t *cf,
    ngx_http_faas_main_conf_t *fmcf);
static char *ngx_http_faas_conf_docker(ngx_conf_t *cf,
    ngx_http_faas_pool_t *fp);


void *
ngx_http_faas_conf_create_main_conf(ngx_conf_t *cf)
{
    ngx_http_faas_main_conf_t  *fmcf;

    fmcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_faas_main_conf_t));
    if (fmcf == NULL) {
        return NULL;
    }

    /*
     * set by ngx_pcalloc():
     *
     *     fmcf->root = { 0, NULL };
     *     fmcf->pool.zone.name = { 0, NULL };
     *     fmcf->pool.engine.url = { 0, NULL };
     */

    fmcf->starts = NGX_CONF_UNSET;
    fmcf->exits = NGX_CONF_UNSET_UINT;
    fmcf->on_error = NGX_CONF_UNSET_UINT;

    fmcf->pool.limits.scale.idle = 1;

    fmcf->pool.runtimes = ngx_array_create(cf->pool, 2,
                                           sizeof(ngx_http_faas_runtime_t));
    if (fmcf->pool.runtimes == NULL) {
        return NULL;
    }

    return fmcf;
}


char *
ngx_http_faas_conf_init_main_conf(ngx_conf_t *cf, void *conf)
{
    ngx_http_faas_main_conf_t  *fmcf = conf;

    char                  *rv;
    ngx_http_faas_pool_t  *fp;

    fp = &fmcf->pool;

    /* a processor each is what starts soonest, see README */

    ngx_conf_init_value(fmcf->starts, ngx_max(ngx_ncpu, 1));
    ngx_conf_init_uint_value(fmcf->exits, 1);
    ngx_conf_init_uint_value(fmcf->on_error, 1);

    if (fp->zone.name.data == NULL) {
        return NGX_CONF_OK;
    }

    fp->zone.starts = fmcf->starts;
    fp->zone.keep = fmcf->on_error;
    fp->exits = fmcf->exits;

    if (fp->runtimes->nelts == 0
        && ngx_http_faas_runtime_defaults(cf, fp->runtimes) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    ngx_http_faas_conf_policy(fp);

    rv = ngx_http_faas_conf_root(cf, fmcf);
    if (rv != NGX_CONF_OK) {
        return rv;
    }

    return ngx_http_faas_conf_docker(cf, fp);
}


/* with another one each function's settings have to be read again */

static void
ngx_http_faas_conf_policy(ngx_http_faas_pool_t *fp)
{
    ngx_uint_t                i;
    ngx_http_faas_runtime_t  *rt;

    ngx_crc32_init(fp->policy);

    rt = fp->runtimes->elts;

    for (i = 0; i < fp->runtimes->nelts; i++) {
        ngx_crc32_update(&fp->policy, (u_char *) &rt[i].kind,
                         sizeof(uint32_t));
        ngx_crc32_update(&fp->policy, (u_char *) &rt[i].scale,
                         sizeof(ngx_http_faas_scale_t));
    }

    rt = &fp->limits;

    ngx_crc32_update(&fp->policy, (u_char *) &rt->scale,
                     sizeof(ngx_http_faas_scale_t));
    ngx_crc32_update(&fp->policy, (u_char *) &rt->memory, sizeof(off_t));
    ngx_crc32_update(&fp->policy, (u_char *) &rt->nano_cpus,
                     sizeof(int64_t));
    ngx_crc32_update(&fp->policy, (u_char *) &rt->pids, sizeof(ngx_int_t));

    ngx_crc32_final(fp->policy);
}


static char *
ngx_http_faas_conf_root(ngx_conf_t *cf, ngx_http_faas_main_conf_t *fmcf)
{
    u_char                *p;
    ngx_str_t              root;
    ngx_http_faas_pool_t  *fp;

    fp = &fmcf->pool;

    if (fmcf->root.len == 0) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"faas_zone\" needs a \"faas_root\"");
        return NGX_CONF_ERROR;
    }

    root = fmcf->root;

    if (ngx_conf_full_name(cf->cycle, &root, 0) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    while (root.len && root.data[root.len - 1] == '/') {
        root.len--;
    }

    fp->root.data = ngx_pnalloc(cf->pool, root.len + 2);
    if (fp->root.data == NULL) {
        return NGX_CONF_ERROR;
    }

    p = ngx_cpymem(fp->root.data, root.data, root.len);
    *p++ = '/';
    *p = '\0';

    fp->root.len = root.len + 1;
    fp->prefix = cf->cycle->prefix;

    return NGX_CONF_OK;
}


static char *
ngx_http_faas_conf_docker(ngx_conf_t *cf, ngx_http_faas_pool_t *fp)
{
    ngx_url_t                u;
    ngx_http_faas_engine_t  *engine;

    engine = &fp->engine;

    if (engine->url.data == NULL) {
        ngx_str_set(&engine->url, "unix:/var/run/docker.sock");
    }

    ngx_memzero(&u, sizeof(ngx_url_t));

    u.url = engine->url;

    if (ngx_parse_url(cf->pool, &u) != NGX_OK) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "%s in \"faas_docker %V\"", u.err, &engine->url);
        return NGX_CONF_ERROR;
    }

    engine->sockaddr = u.addrs[0].sockaddr;
    engine->socklen = u.addrs[0].socklen;

    engine->path.data = engine->url.data + sizeof("unix:") - 1;
    engine->path.len = engine->url.len - (sizeof("unix:") - 1);

    return NGX_CONF_OK;
}


void *
ngx_http_faas_conf_create_srv_conf(ngx_conf_t *cf)
{
    return ngx_pcalloc(cf->pool, sizeof(ngx_http_faas_srv_conf_t));
}


char *
ngx_http_faas_conf_merge_srv_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_faas_srv_conf_t  *prev = parent;
    ngx_http_faas_srv_conf_t  *conf = child;

    return ngx_http_faas_command_merge(cf, &conf->commands, prev->commands);
}


void *
ngx_http_faas_conf_create_loc_conf(ngx_conf_t *cf)
{
    ngx_http_faas_loc_conf_t  *flcf;

    flcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_faas_loc_conf_t));
    if (flcf == NULL) {
        return NULL;
    }

    /*
     * set by ngx_pcalloc(), and like a content handler not inherited:
     *
     *     flcf->function = NULL;
     *     flcf->api = { 0, NULL };
     */

    flcf->buffer_size = NGX_CONF_UNSET_SIZE;
    flcf->timeout = NGX_CONF_UNSET_MSEC;
    flcf->abort = NGX_CONF_UNSET_UINT;
    flcf->buffering = NGX_CONF_UNSET;

    return flcf;
}


char *
ngx_http_faas_conf_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_faas_loc_conf_t  *prev = parent;
    ngx_http_faas_loc_conf_t  *conf = child;

    ngx_http_core_loc_conf_t   *clcf;
    ngx_http_faas_main_conf_t  *fmcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->noname && conf->function == NULL && conf->api.len == 0) {

        /* "if" and "limit_except" are part of their location */

        conf->function = prev->function;
        conf->api = prev->api;
    }

    ngx_conf_merge_size_value(conf->buffer_size, prev->buffer_size,
                              NGX_HTTP_FAAS_CONF_BUFFER);
    ngx_conf_merge_msec_value(conf->timeout, prev->timeout, 0);
    ngx_conf_merge_uint_value(conf->abort, prev->abort,
                              NGX_HTTP_FAAS_ABORT_CANCEL);
    ngx_conf_merge_value(conf->buffering, prev->buffering, 1);

    if (conf->function == NULL && conf->api.len == 0) {
        return NGX_CONF_OK;
    }

    fmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_faas_module);

    if (fmcf->pool.zone.name.data == NULL) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"%s\" needs a \"faas_zone\"",
                      conf->function ? "faas" : "faas_api");
        return NGX_CONF_ERROR;
    }

    if (conf->function) {
        ngx_http_faas_conf_proxy(cf, conf);
    }

    return NGX_CONF_OK;
}


/*
 * A function is not trusted: nginx must not do what its headers say, neither
 * now nor when they come out of the cache, which is asked before the balancer.
 * The configuration of the proxy module begins with that of its upstream, as
 * every module's that has one, and is merged by now.
 */

static void
ngx_http_faas_conf_proxy(ngx_conf_t *cf, ngx_http_faas_loc_conf_t *flcf)
{
    ngx_http_upstream_conf_t  *ucf;

    ucf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_proxy_module);

    ucf->ignore_headers |= NGX_CONF_BITMASK_SET
                           |NGX_HTTP_UPSTREAM_IGN_XA_REDIRECT
                           |NGX_HTTP_UPSTREAM_IGN_XA_EXPIRES
                           |NGX_HTTP_UPSTREAM_IGN_XA_LIMIT_RATE
                           |NGX_HTTP_UPSTREAM_IGN_XA_BUFFERING
                           |NGX_HTTP_UPSTREAM_IGN_XA_CHARSET;

    ngx_http_faas_balancer_merge(ucf, flcf);
}
