
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * The directives, the configurations and the hooks of the processes.  None of
 * them talks to the engine.
 */


#include "ngx_http_faas_api.h"
#include "ngx_http_faas_balancer.h"
#include "ngx_http_faas_command_conf.h"
#include "ngx_http_faas_conf.h"
#include "ngx_http_faas_curl.h"
#include "ngx_http_faas_epoch.h"
#include "ngx_http_faas_exit.h"
#include "ngx_http_faas_keeper.h"
#include "ngx_http_faas_reconcile.h"
#include "ngx_http_faas_remove.h"
#include "ngx_http_faas_request.h"
#include "ngx_http_faas_runtime.h"
#include "ngx_http_faas_start.h"
#include "ngx_http_faas_title.h"


#define NGX_HTTP_FAAS_ZONE_SIZE    (16 * 1024 * 1024)


static char *ngx_http_faas_zone(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_faas_docker(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_faas_limits(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_faas_runtime(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_faas_command(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_faas(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
static char *ngx_http_faas_api(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static ngx_int_t ngx_http_faas_init(ngx_conf_t *cf);
static ngx_int_t ngx_http_faas_init_module(ngx_cycle_t *cycle);
static ngx_int_t ngx_http_faas_init_process(ngx_cycle_t *cycle);
static void ngx_http_faas_exit_process(ngx_cycle_t *cycle);
static void ngx_http_faas_exit_master(ngx_cycle_t *cycle);


static ngx_conf_num_bounds_t  ngx_http_faas_starts_bounds = {
    ngx_conf_check_num_bounds, 1, 1024
};


static ngx_conf_enum_t  ngx_http_faas_exits[] = {
    { ngx_string("remove"), 1 },
    { ngx_string("keep"), 0 },
    { ngx_null_string, 0 }
};


static ngx_conf_enum_t  ngx_http_faas_on_error[] = {
    { ngx_string("keep"), 1 },
    { ngx_string("fail"), 0 },
    { ngx_null_string, 0 }
};


static ngx_conf_enum_t  ngx_http_faas_aborts[] = {
    { ngx_string("cancel"), NGX_HTTP_FAAS_ABORT_CANCEL },
    { ngx_string("finish"), NGX_HTTP_FAAS_ABORT_FINISH },
    { ngx_string("kill"), NGX_HTTP_FAAS_ABORT_KILL },
    { ngx_null_string, 0 }
};


static ngx_command_t  ngx_http_faas_commands[] = {

    { ngx_string("faas_zone"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_http_faas_zone,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("faas_root"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_http_faas_main_conf_t, root),
      NULL },

    { ngx_string("faas_docker"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_http_faas_docker,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("faas_docker_concurrency"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_num_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_http_faas_main_conf_t, starts),
      &ngx_http_faas_starts_bounds },

    { ngx_string("faas_exit"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_enum_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_http_faas_main_conf_t, exits),
      ngx_http_faas_exits },

    { ngx_string("faas_on_error"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_enum_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_http_faas_main_conf_t, on_error),
      ngx_http_faas_on_error },

    { ngx_string("faas_runtime"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_1MORE,
      ngx_http_faas_runtime,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("faas_limits"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_1MORE,
      ngx_http_faas_limits,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("faas_buffer_size"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_size_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_faas_loc_conf_t, buffer_size),
      NULL },

    { ngx_string("faas_timeout"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_faas_loc_conf_t, timeout),
      NULL },

    { ngx_string("faas_client_abort"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_enum_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_faas_loc_conf_t, abort),
      ngx_http_faas_aborts },

    { ngx_string("faas_command"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_CONF_2MORE,
      ngx_http_faas_command,
      NGX_HTTP_SRV_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("faas_request_buffering"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_faas_loc_conf_t, buffering),
      NULL },

    { ngx_string("faas"),
      NGX_HTTP_LOC_CONF|NGX_HTTP_LIF_CONF|NGX_CONF_TAKE1,
      ngx_http_faas,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("faas"),
      NGX_HTTP_UPS_CONF|NGX_CONF_NOARGS,
      ngx_http_faas_balancer,
      0,
      0,
      NULL },

    { ngx_string("faas_api"),
      NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_faas_api,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_faas_module_ctx = {
    NULL,                                  /* preconfiguration */
    ngx_http_faas_init,                    /* postconfiguration */

    ngx_http_faas_conf_create_main_conf,   /* create main configuration */
    ngx_http_faas_conf_init_main_conf,     /* init main configuration */

    ngx_http_faas_conf_create_srv_conf,    /* create server configuration */
    ngx_http_faas_conf_merge_srv_conf,     /* merge server configuration */

    ngx_http_faas_conf_create_loc_conf,    /* create location configuration */
    ngx_http_faas_conf_merge_loc_conf      /* merge location configuration */
};


ngx_module_t  ngx_http_faas_module = {
    NGX_MODULE_V1,
    &ngx_http_faas_module_ctx,             /* module context */
    ngx_http_faas_commands,                /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    ngx_http_faas_init_module,             /* init module */
    ngx_http_faas_init_process,            /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    ngx_http_faas_exit_process,            /* exit process */
    ngx_http_faas_exit_master,             /* exit master */
    NGX_MODULE_V1_PADDING
};


/* faas_zone NAME[:SIZE] */

static char *
ngx_http_faas_zone(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_faas_main_conf_t  *fmcf = conf;

    u_char                *p;
    ssize_t                size;
    ngx_str_t             *value, s;
    ngx_http_faas_zone_t  *zone;

    value = cf->args->elts;
    zone = &fmcf->pool.zone;
    size = NGX_HTTP_FAAS_ZONE_SIZE;

    if (zone->name.data) {
        return "is duplicate";
    }

    zone->name = value[1];

    p = (u_char *) ngx_strlchr(value[1].data, value[1].data + value[1].len,
                               ':');

    if (p) {
        zone->name.len = p - value[1].data;

        s.data = p + 1;
        s.len = value[1].data + value[1].len - s.data;

        size = ngx_parse_size(&s);
    }

    if (zone->name.len == 0 || size == NGX_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid zone \"%V\"",
                           &value[1]);
        return NGX_CONF_ERROR;
    }

    return ngx_http_faas_zone_add(cf, zone, size, &ngx_http_faas_module);
}


/* faas_docker unix:PATH */

static char *
ngx_http_faas_docker(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_faas_main_conf_t  *fmcf = conf;

    ngx_str_t               *value;
    ngx_http_faas_engine_t  *engine;

    value = cf->args->elts;
    engine = &fmcf->pool.engine;

    if (engine->url.data) {
        return "is duplicate";
    }

    if (value[1].len <= sizeof("unix:/") - 1
        || ngx_strncmp(value[1].data, "unix:/", sizeof("unix:/") - 1) != 0)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid engine \"%V\", it must be \"unix:\" and "
                           "an absolute path", &value[1]);
        return NGX_CONF_ERROR;
    }

    engine->url = value[1];

    return NGX_CONF_OK;
}


static char *
ngx_http_faas_runtime(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_faas_main_conf_t  *fmcf = conf;

    return ngx_http_faas_runtime_add(cf, fmcf->pool.runtimes);
}


static char *
ngx_http_faas_limits(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_faas_main_conf_t  *fmcf = conf;

    if (fmcf->limits) {
        return "is duplicate";
    }

    fmcf->limits = 1;

    return ngx_http_faas_runtime_limits(cf, &fmcf->pool.limits);
}


/* faas_command NAME PROGRAM [ARGUMENT ...] [PARAMETER ...] */

static char *
ngx_http_faas_command(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_faas_srv_conf_t  *fscf = conf;

    ngx_http_faas_main_conf_t  *fmcf;

    fmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_faas_module);
    fmcf->commands = 1;

    return ngx_http_faas_command_add(cf, &fscf->commands);
}


/* faas NAME; the name may have variables */

static char *
ngx_http_faas(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_faas_loc_conf_t  *flcf = conf;

    ngx_str_t                         *value;
    ngx_http_compile_complex_value_t   ccv;

    if (flcf->function) {
        return "is duplicate";
    }

    value = cf->args->elts;

    flcf->function = ngx_palloc(cf->pool, sizeof(ngx_http_complex_value_t));
    if (flcf->function == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memzero(&ccv, sizeof(ngx_http_compile_complex_value_t));

    ccv.cf = cf;
    ccv.value = &value[1];
    ccv.complex_value = flcf->function;

    if (ngx_http_compile_complex_value(&ccv) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/* faas_api PREFIX; of the location that serves functions raw */

static char *
ngx_http_faas_api(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_faas_loc_conf_t  *flcf = conf;

    ngx_str_t                 *value;
    ngx_http_core_loc_conf_t  *clcf;

    if (flcf->api.data) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (value[1].len < 2
        || value[1].data[0] != '/'
        || value[1].data[value[1].len - 1] != '/')
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid prefix \"%V\", it must begin and end "
                           "with a slash", &value[1]);
        return NGX_CONF_ERROR;
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->name.len == 0 || clcf->name.data[0] != '/'
#if (NGX_PCRE)
        || clcf->regex
#endif
       )
    {
        return "is allowed in a prefix location only";
    }

    flcf->api = value[1];
    clcf->handler = ngx_http_faas_api_handler;

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_faas_init(ngx_conf_t *cf)
{
    ngx_http_handler_pt        *h;
    ngx_http_core_main_conf_t  *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_PRECONTENT_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_http_faas_request_handler;

    return NGX_OK;
}


/* in the master, for each configuration; never fails because of the engine */

static ngx_int_t
ngx_http_faas_init_module(ngx_cycle_t *cycle)
{
    ngx_http_faas_main_conf_t  *fmcf, *old;

    fmcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_faas_module);

    if (fmcf == NULL || ngx_test_config) {
        return NGX_OK;
    }

    old = NULL;

    if (cycle->old_cycle && !ngx_is_init_cycle(cycle->old_cycle)) {
        old = ngx_http_cycle_get_module_main_conf(cycle->old_cycle,
                                                  ngx_http_faas_module);
    }

    if (fmcf->pool.zone.name.data == NULL && old == NULL) {
        return NGX_OK;
    }

    ngx_http_faas_epoch_init_module(cycle, &fmcf->pool.zone,
                                    old ? &old->pool.zone : NULL);

    return ngx_http_faas_worker_init_module(cycle, &fmcf->pool.zone,
                                            old ? &old->pool.zone : NULL);
}


/* what fails here must not end the worker: nginx would not start another */

static ngx_int_t
ngx_http_faas_init_process(ngx_cycle_t *cycle)
{
    ngx_http_faas_pool_t       *fp;
    ngx_http_faas_main_conf_t  *fmcf;

    if (ngx_process != NGX_PROCESS_WORKER
        && ngx_process != NGX_PROCESS_SINGLE)
    {
        return NGX_OK;
    }

    fmcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_faas_module);

    if (fmcf == NULL || fmcf->pool.zone.name.data == NULL) {
        return NGX_OK;
    }

    fp = &fmcf->pool;

    ngx_queue_init(&fp->starts);
    ngx_queue_init(&fp->titles);
    ngx_queue_init(&fp->removals);
    ngx_queue_init(&fp->listeners);

    ngx_http_faas_curl_init_process(cycle, &fp->engine);

    if (ngx_http_faas_admission_init_process(fp, cycle) != NGX_OK) {
        ngx_log_error(NGX_LOG_ALERT, cycle->log, 0,
                      "faas: this worker cannot be woken");
    }

    ngx_http_faas_keeper_init_process(fp, cycle);

    if (fmcf->commands) {
        (void) ngx_http_faas_child_init_process(&fmcf->children, cycle->log);
    }

    return NGX_OK;
}


static void
ngx_http_faas_exit_process(ngx_cycle_t *cycle)
{
    ngx_http_faas_main_conf_t  *fmcf;

    if (ngx_process != NGX_PROCESS_WORKER
        && ngx_process != NGX_PROCESS_SINGLE)
    {
        return;
    }

    fmcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_faas_module);

    if (fmcf == NULL || fmcf->pool.zone.name.data == NULL) {
        return;
    }

    if (fmcf->commands) {
        ngx_http_faas_child_exit_process(&fmcf->children);
    }

    ngx_http_faas_keeper_exit_process(&fmcf->pool);
    ngx_http_faas_curl_exit_process(&fmcf->pool.engine);
    ngx_http_faas_reconcile_exit_process(&fmcf->pool);
    ngx_http_faas_start_exit_process(&fmcf->pool);
    ngx_http_faas_remove_exit_process(&fmcf->pool);
    ngx_http_faas_title_exit_process(&fmcf->pool, cycle);
    ngx_http_faas_admission_exit_process(&fmcf->pool);
    ngx_http_faas_worker_exit(&fmcf->pool.zone);
}


/* all workers are gone; after an upgrade the new master goes on with it all */

static void
ngx_http_faas_exit_master(ngx_cycle_t *cycle)
{
    ngx_http_faas_main_conf_t  *fmcf;

    fmcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_faas_module);

    if (fmcf == NULL
        || fmcf->pool.zone.name.data == NULL
        || !fmcf->pool.exits
        || ngx_new_binary)
    {
        return;
    }

    /* the next nginx may start meanwhile */

    ngx_close_listening_sockets(cycle);

    ngx_http_faas_exit(&fmcf->pool, cycle);
}
