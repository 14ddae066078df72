
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Owns what a runtime is: the languages with a loader, and the limits of
 * their containers.  The loader travels as an argument of the command, so
 * any image with the interpreter in it will do.
 */


#include "ngx_http_faas_runtime.h"
#include "ngx_http_faas_replace.h"
#include "ngx_http_faas_seccomp.h"

#include "ngx_http_faas_loaders.h"          /* generated: see "config" */


#define NGX_HTTP_FAAS_PYTHON  0
#define NGX_HTTP_FAAS_DENO    1

#define NGX_HTTP_FAAS_RUNTIME_QUEUE     1000    /* requests */
#define NGX_HTTP_FAAS_RUNTIME_WAIT      60000   /* ms, in the queue */

/* where the loader of deno puts a source, and how deno speaks of it */
#define NGX_HTTP_FAAS_RUNTIME_FILE      "/tmp/function.ts"
#define NGX_HTTP_FAAS_RUNTIME_URL       "file://" NGX_HTTP_FAAS_RUNTIME_FILE

#define NGX_HTTP_FAAS_RUNTIME_IDLE      600000  /* ms */
#define NGX_HTTP_FAAS_RUNTIME_PAUSE     5000    /* ms */
#define NGX_HTTP_FAAS_RUNTIME_FAILURES  7       /* doubled so often: 11 min */


typedef struct ngx_http_faas_runtime_param_s  ngx_http_faas_runtime_param_t;

struct ngx_http_faas_runtime_param_s {
    ngx_str_t                        name;
    ngx_int_t                      (*parse)(ngx_str_t *value,
                                        ngx_http_faas_runtime_param_t *param,
                                        void *field);
    size_t                           offset;
    ngx_int_t                        min;
    ngx_int_t                        max;
    unsigned                         own:1;     /* a function may have one */
};


static void ngx_http_faas_runtime_kind(ngx_http_faas_runtime_t *rt);
static ngx_int_t ngx_http_faas_runtime_set(ngx_http_faas_runtime_t *rt,
    ngx_str_t *arg, ngx_uint_t own);
static ngx_http_faas_runtime_param_t *ngx_http_faas_runtime_find(
    ngx_str_t *name);
static int64_t ngx_http_faas_runtime_value(ngx_http_faas_runtime_t *rt,
    ngx_http_faas_runtime_param_t *param);
static ngx_int_t ngx_http_faas_runtime_ext(ngx_str_t *value,
    ngx_http_faas_runtime_param_t *param, void *field);
static ngx_int_t ngx_http_faas_runtime_string(ngx_str_t *value,
    ngx_http_faas_runtime_param_t *param, void *field);
static ngx_int_t ngx_http_faas_runtime_number(ngx_str_t *value,
    ngx_http_faas_runtime_param_t *param, void *field);
static ngx_int_t ngx_http_faas_runtime_size(ngx_str_t *value,
    ngx_http_faas_runtime_param_t *param, void *field);
static ngx_int_t ngx_http_faas_runtime_cpus(ngx_str_t *value,
    ngx_http_faas_runtime_param_t *param, void *field);
static ngx_int_t ngx_http_faas_runtime_time(ngx_str_t *value,
    ngx_http_faas_runtime_param_t *param, void *field);
static ngx_int_t ngx_http_faas_runtime_deno(ngx_pool_t *pool,
    ngx_array_t *argv);
static ngx_int_t ngx_http_faas_runtime_push(ngx_array_t *argv, char *arg);


#define ngx_http_faas_runtime_field(f)  offsetof(ngx_http_faas_runtime_t, f)


static ngx_http_faas_runtime_param_t  ngx_http_faas_runtime_params[] = {

    { ngx_string("ext"), ngx_http_faas_runtime_ext,
      ngx_http_faas_runtime_field(ext), 0, 0, 0 },

    { ngx_string("image"), ngx_http_faas_runtime_string,
      ngx_http_faas_runtime_field(image), 0, 0, 0 },

    { ngx_string("seccomp"), ngx_http_faas_runtime_string,
      ngx_http_faas_runtime_field(seccomp), 0, 0, 0 },

    { ngx_string("concurrency"), ngx_http_faas_runtime_number,
      ngx_http_faas_runtime_field(scale.concurrency), 1, 65535, 1 },

    { ngx_string("max_instances"), ngx_http_faas_runtime_number,
      ngx_http_faas_runtime_field(scale.max_instances), 1, 1000, 1 },

    { ngx_string("min_instances"), ngx_http_faas_runtime_number,
      ngx_http_faas_runtime_field(scale.min_instances), 0, 1000, 1 },

    { ngx_string("queue"), ngx_http_faas_runtime_number,
      ngx_http_faas_runtime_field(scale.queue), 0, 65535, 1 },

    { ngx_string("queue_timeout"), ngx_http_faas_runtime_time,
      ngx_http_faas_runtime_field(scale.queue_timeout), 1, 0, 1 },

    { ngx_string("idle"), ngx_http_faas_runtime_time,
      ngx_http_faas_runtime_field(scale.idle), 0, 0, 1 },

    { ngx_string("prewarm"), ngx_http_faas_runtime_number,
      ngx_http_faas_runtime_field(prewarm), 0, 256, 0 },

    { ngx_string("memory"), ngx_http_faas_runtime_size,
      ngx_http_faas_runtime_field(memory), 8 * 1024 * 1024, 0, 1 },

    { ngx_string("tmpfs"), ngx_http_faas_runtime_size,
      ngx_http_faas_runtime_field(tmpfs), 64 * 1024, 0, 0 },

    { ngx_string("cpus"), ngx_http_faas_runtime_cpus,
      ngx_http_faas_runtime_field(nano_cpus), 1, 100 * 1024, 1 },

    { ngx_string("pids"), ngx_http_faas_runtime_number,
      ngx_http_faas_runtime_field(pids), 8, 32768, 1 },

    { ngx_string("start_timeout"), ngx_http_faas_runtime_time,
      ngx_http_faas_runtime_field(start), 1, 0, 0 },

    { ngx_null_string, NULL, 0, 0, 0, 0 }
};


#define NGX_HTTP_FAAS_RUNTIME_SECCOMP                                        \
    { sizeof(ngx_http_faas_loader_seccomp) - 1,                              \
      (u_char *) ngx_http_faas_loader_seccomp }


static ngx_http_faas_runtime_t  ngx_http_faas_runtime_known[] = {

    { ngx_string("python"), ngx_string(".py"), ngx_string("faas-python"),
      NGX_HTTP_FAAS_RUNTIME_SECCOMP,
      { 1, 1, 0, NGX_HTTP_FAAS_RUNTIME_QUEUE, NGX_HTTP_FAAS_RUNTIME_WAIT,
        NGX_HTTP_FAAS_RUNTIME_IDLE, 0 }, 2,
      128 * 1024 * 1024, 64 * 1024 * 1024, 1000000000, 64, 3000,
      NGX_HTTP_FAAS_PYTHON, 0, 0, 0 },

    { ngx_string("deno"), ngx_string(".ts"), ngx_string("faas-deno"),
      NGX_HTTP_FAAS_RUNTIME_SECCOMP,
      { 64, 1, 0, NGX_HTTP_FAAS_RUNTIME_QUEUE, NGX_HTTP_FAAS_RUNTIME_WAIT,
        NGX_HTTP_FAAS_RUNTIME_IDLE, 0 }, 1,
      256 * 1024 * 1024, 64 * 1024 * 1024, 1000000000, 64, 3000,
      NGX_HTTP_FAAS_DENO, 0, 0, 0 }
};


#define NGX_HTTP_FAAS_RUNTIMES                                               \
    (sizeof(ngx_http_faas_runtime_known) / sizeof(ngx_http_faas_runtime_t))


ngx_int_t
ngx_http_faas_runtime_defaults(ngx_conf_t *cf, ngx_array_t *runtimes)
{
    ngx_uint_t                i;
    ngx_http_faas_runtime_t  *rt;

    for (i = 0; i < NGX_HTTP_FAAS_RUNTIMES; i++) {
        rt = ngx_array_push(runtimes);
        if (rt == NULL) {
            return NGX_ERROR;
        }

        *rt = ngx_http_faas_runtime_known[i];
        ngx_http_faas_runtime_kind(rt);
    }

    return NGX_OK;
}


char *
ngx_http_faas_runtime_add(ngx_conf_t *cf, ngx_array_t *runtimes)
{
    ngx_str_t                *value;
    ngx_uint_t                i;
    ngx_http_faas_runtime_t  *rt, *known;

    value = cf->args->elts;
    known = NULL;

    for (i = 0; i < NGX_HTTP_FAAS_RUNTIMES; i++) {
        rt = &ngx_http_faas_runtime_known[i];

        if (rt->name.len == value[1].len
            && ngx_strncmp(rt->name.data, value[1].data, value[1].len) == 0)
        {
            known = rt;
        }
    }

    if (known == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "unknown runtime \"%V\", there are \"python\" "
                           "and \"deno\"", &value[1]);
        return NGX_CONF_ERROR;
    }

    rt = runtimes->elts;

    for (i = 0; i < runtimes->nelts; i++) {
        if (rt[i].loader == known->loader) {
            return "is duplicate";
        }
    }

    rt = ngx_array_push(runtimes);
    if (rt == NULL) {
        return NGX_CONF_ERROR;
    }

    *rt = *known;

    for (i = 2; i < cf->args->nelts; i++) {

        if (ngx_http_faas_runtime_set(rt, &value[i], 0) != NGX_OK) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\"", &value[i]);
            return NGX_CONF_ERROR;
        }
    }

    if (rt->seccomp.data != known->seccomp.data
        && ngx_http_faas_seccomp(cf, &rt->seccomp) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    ngx_http_faas_runtime_kind(rt);

    known = runtimes->elts;

    for (i = 0; i < runtimes->nelts - 1; i++) {

        if (known[i].ext.len == rt->ext.len
            && ngx_strncmp(known[i].ext.data, rt->ext.data, rt->ext.len) == 0)
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "runtimes \"%V\" and \"%V\" have the same "
                               "extension", &known[i].name, &rt->name);
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


/* two runtimes of one kind take each other's containers for their own */

static void
ngx_http_faas_runtime_kind(ngx_http_faas_runtime_t *rt)
{
    int64_t  limits[5];

    limits[0] = rt->memory;
    limits[1] = rt->tmpfs;
    limits[2] = rt->nano_cpus;
    limits[3] = rt->pids;
    limits[4] = rt->scale.concurrency;

    ngx_crc32_init(rt->kind);
    ngx_crc32_update(&rt->kind, rt->name.data, rt->name.len);
    ngx_crc32_update(&rt->kind, rt->image.data, rt->image.len);
    ngx_crc32_update(&rt->kind, rt->seccomp.data, rt->seccomp.len);
    ngx_crc32_update(&rt->kind, (u_char *) limits, sizeof(limits));
    ngx_crc32_final(rt->kind);
}


char *
ngx_http_faas_runtime_limits(ngx_conf_t *cf, ngx_http_faas_runtime_t *limits)
{
    ngx_str_t   *value;
    ngx_uint_t   i;

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        if (ngx_http_faas_runtime_set(limits, &value[i], 1) != NGX_OK) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\"", &value[i]);
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_faas_runtime_set(ngx_http_faas_runtime_t *rt, ngx_str_t *arg,
    ngx_uint_t own)
{
    u_char                         *p;
    ngx_str_t                       name, value;
    ngx_http_faas_runtime_param_t  *param, timeout;

    p = ngx_strlchr(arg->data, arg->data + arg->len, '=');

    if (p == NULL) {
        return NGX_ERROR;
    }

    name.data = arg->data;
    name.len = p - arg->data;

    p++;

    value.data = p;
    value.len = arg->data + arg->len - p;

    if (value.len == 0) {
        return NGX_ERROR;
    }

    /* a runtime has none, but its functions may */

    if (own
        && name.len == sizeof("timeout") - 1
        && ngx_strncmp(name.data, "timeout", name.len) == 0)
    {
        timeout.min = 1;
        return ngx_http_faas_runtime_time(&value, &timeout,
                                          &rt->scale.timeout);
    }

    param = ngx_http_faas_runtime_find(&name);

    if (param == NULL || (own && !param->own)) {
        return NGX_ERROR;
    }

    return param->parse(&value, param, (u_char *) rt + param->offset);
}


ngx_int_t
ngx_http_faas_runtime_param(ngx_http_faas_runtime_t *rt, ngx_str_t *name,
    ngx_str_t *value)
{
    ngx_http_faas_runtime_param_t  *param;

    param = ngx_http_faas_runtime_find(name);

    if (param == NULL || !param->own || value->len == 0) {
        return NGX_ERROR;
    }

    return param->parse(value, param, (u_char *) rt + param->offset);
}


ngx_uint_t
ngx_http_faas_runtime_exceeds(ngx_http_faas_runtime_t *rt, ngx_str_t *name,
    ngx_http_faas_runtime_t *base, ngx_http_faas_runtime_t *limits)
{
    int64_t                         n;
    ngx_http_faas_runtime_param_t  *param;

    param = ngx_http_faas_runtime_find(name);

    if (param == NULL) {
        return 1;
    }

    n = ngx_http_faas_runtime_value(rt, param);

    return n > ngx_http_faas_runtime_value(base, param)
           && n > ngx_http_faas_runtime_value(limits, param);
}


static ngx_http_faas_runtime_param_t *
ngx_http_faas_runtime_find(ngx_str_t *name)
{
    ngx_http_faas_runtime_param_t  *param;

    for (param = ngx_http_faas_runtime_params; param->name.len; param++) {

        if (param->name.len == name->len
            && ngx_strncmp(param->name.data, name->data, name->len) == 0)
        {
            return param;
        }
    }

    return NULL;
}


/* of a parameter that a function may have */

static int64_t
ngx_http_faas_runtime_value(ngx_http_faas_runtime_t *rt,
    ngx_http_faas_runtime_param_t *param)
{
    void        *field;
    ngx_msec_t   msec;

    field = (u_char *) rt + param->offset;

    if (param->parse == ngx_http_faas_runtime_size) {
        return *(off_t *) field;
    }

    if (param->parse == ngx_http_faas_runtime_cpus) {
        return *(int64_t *) field;
    }

    if (param->parse == ngx_http_faas_runtime_time) {
        msec = *(ngx_msec_t *) field;

        return (msec || param->min) ? (int64_t) msec : NGX_MAX_INT_T_VALUE;
    }

    return *(ngx_int_t *) field;
}


/* a dot, and at most seven letters and digits */

static ngx_int_t
ngx_http_faas_runtime_ext(ngx_str_t *value,
    ngx_http_faas_runtime_param_t *param, void *field)
{
    ngx_str_t  *ext = field;

    u_char      ch;
    ngx_uint_t  i;

    if (value->len < 2 || value->len > 8 || value->data[0] != '.') {
        return NGX_ERROR;
    }

    for (i = 1; i < value->len; i++) {
        ch = value->data[i];

        if ((ch < '0' || ch > '9')
            && ((ch | 0x20) < 'a' || (ch | 0x20) > 'z'))
        {
            return NGX_ERROR;
        }
    }

    /* there the settings are */

    if (value->len == 5 && ngx_strncmp(value->data, ".json", 5) == 0) {
        return NGX_ERROR;
    }

    *ext = *value;

    return NGX_OK;
}


static ngx_int_t
ngx_http_faas_runtime_string(ngx_str_t *value,
    ngx_http_faas_runtime_param_t *param, void *field)
{
    *(ngx_str_t *) field = *value;

    return NGX_OK;
}


static ngx_int_t
ngx_http_faas_runtime_number(ngx_str_t *value,
    ngx_http_faas_runtime_param_t *param, void *field)
{
    ngx_int_t  n;

    n = ngx_atoi(value->data, value->len);

    if (n == NGX_ERROR || n < param->min || n > param->max) {
        return NGX_ERROR;
    }

    *(ngx_int_t *) field = n;

    return NGX_OK;
}


static ngx_int_t
ngx_http_faas_runtime_size(ngx_str_t *value,
    ngx_http_faas_runtime_param_t *param, void *field)
{
    off_t  n;

    n = ngx_parse_offset(value);

    if (n == (off_t) NGX_ERROR || n < param->min) {
        return NGX_ERROR;
    }

    *(off_t *) field = n;

    return NGX_OK;
}


/* as the engine's command line has it: 0.5 is half a processor */

static ngx_int_t
ngx_http_faas_runtime_cpus(ngx_str_t *value,
    ngx_http_faas_runtime_param_t *param, void *field)
{
    ngx_int_t  n;

    n = ngx_atofp(value->data, value->len, 2);

    if (n < param->min || n > param->max) {
        return NGX_ERROR;
    }

    *(int64_t *) field = (int64_t) n * 10000000;

    return NGX_OK;
}


/* where 0 is for ever, "off" says so */

static ngx_int_t
ngx_http_faas_runtime_time(ngx_str_t *value,
    ngx_http_faas_runtime_param_t *param, void *field)
{
    ngx_int_t    n;
    ngx_msec_t  *msec = field;

    if (param->min == 0
        && value->len == 3
        && ngx_strncmp(value->data, "off", 3) == 0)
    {
        *msec = 0;
        return NGX_OK;
    }

    n = ngx_parse_time(value, 0);

    if (n == NGX_ERROR || n == 0) {
        return NGX_ERROR;
    }

    *msec = (ngx_msec_t) n;

    return NGX_OK;
}


ngx_array_t *
ngx_http_faas_runtime_entrypoint(ngx_pool_t *pool,
    ngx_http_faas_runtime_t *runtime)
{
    ngx_array_t  *argv;

    argv = ngx_array_create(pool, 16, sizeof(ngx_str_t));
    if (argv == NULL) {
        return NULL;
    }

    if (runtime->loader == NGX_HTTP_FAAS_DENO) {

        if (ngx_http_faas_runtime_deno(pool, argv) != NGX_OK) {
            return NULL;
        }

        return argv;
    }

    if (ngx_http_faas_runtime_push(argv, "python3") != NGX_OK
        || ngx_http_faas_runtime_push(argv, "-u") != NGX_OK
        || ngx_http_faas_runtime_push(argv, "-c") != NGX_OK
        || ngx_http_faas_runtime_push(argv,
                                      (char *) ngx_http_faas_loader_python)
           != NGX_OK)
    {
        return NULL;
    }

    return argv;
}


static ngx_int_t
ngx_http_faas_runtime_deno(ngx_pool_t *pool, ngx_array_t *argv)
{
    char        **arg;
    u_char       *p;
    ngx_str_t     source, url;

    static char  *args[] = {
        "deno", "run", "--quiet", "--no-prompt", "--no-config", "--no-lock",
        "--no-remote", "--no-npm", "--allow-net", "--allow-env",
        "--allow-read=/tmp", "--allow-write=/tmp", "--preload", NULL
    };

    for (arg = args; *arg; arg++) {
        if (ngx_http_faas_runtime_push(argv, *arg) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    source.len = sizeof(ngx_http_faas_loader_deno) - 1;
    source.data = (u_char *) ngx_http_faas_loader_deno;

    p = ngx_pnalloc(pool, sizeof("data:application/javascript;base64,")
                          + ngx_base64_encoded_length(source.len));
    if (p == NULL) {
        return NGX_ERROR;
    }

    url.data = ngx_cpymem(p, "data:application/javascript;base64,",
                          sizeof("data:application/javascript;base64,") - 1);
    ngx_encode_base64(&url, &source);
    url.data[url.len] = '\0';

    if (ngx_http_faas_runtime_push(argv, (char *) p) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_faas_runtime_push(argv, NGX_HTTP_FAAS_RUNTIME_FILE);
}


static ngx_int_t
ngx_http_faas_runtime_push(ngx_array_t *argv, char *arg)
{
    ngx_str_t  *s;

    s = ngx_array_push(argv);
    if (s == NULL) {
        return NGX_ERROR;
    }

    s->data = (u_char *) arg;
    s->len = ngx_strlen(arg);

    return NGX_OK;
}


/* an image that is missing is so for long */

void
ngx_http_faas_runtime_pause(ngx_http_faas_runtime_t *runtime)
{
    runtime->patience = ngx_current_msec
                        + (NGX_HTTP_FAAS_RUNTIME_PAUSE << runtime->failures);

    if (runtime->failures < NGX_HTTP_FAAS_RUNTIME_FAILURES) {
        runtime->failures++;
    }
}


ngx_int_t
ngx_http_faas_runtime_rename(ngx_pool_t *pool, ngx_str_t *file,
    ngx_str_t *text)
{
    ngx_str_t  url;

    ngx_str_set(&url, NGX_HTTP_FAAS_RUNTIME_URL);

    return ngx_http_faas_replace(pool, text, &url, file);
}
