
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Owns what a runtime is: the languages with a loader, and the limits of
 * their containers.  The loader travels as an argument of the command, so
 * any image with the interpreter in it will do.
 */


#include "ngx_http_faas_runtime.h"

#include "ngx_http_faas_loaders.h"          /* generated: see "config" */


#define NGX_HTTP_FAAS_PYTHON  0
#define NGX_HTTP_FAAS_DENO    1

/* where the loader of deno puts a source, and how deno speaks of it */
#define NGX_HTTP_FAAS_RUNTIME_FILE      "/tmp/function.ts"
#define NGX_HTTP_FAAS_RUNTIME_URL       "file://" NGX_HTTP_FAAS_RUNTIME_FILE

#define NGX_HTTP_FAAS_RUNTIME_IDLE      600000  /* ms */
#define NGX_HTTP_FAAS_RUNTIME_PAUSE     5000    /* ms */
#define NGX_HTTP_FAAS_RUNTIME_FAILURES  7       /* doubled so often: 11 min */


static void ngx_http_faas_runtime_kind(ngx_http_faas_runtime_t *rt);
static ngx_int_t ngx_http_faas_runtime_set(ngx_http_faas_runtime_t *rt,
    ngx_str_t *value);
static ngx_int_t ngx_http_faas_runtime_ext(ngx_str_t *value,
    ngx_str_t *ext);
static ngx_int_t ngx_http_faas_runtime_number(ngx_str_t *value,
    ngx_int_t min, ngx_int_t max, ngx_int_t *number);
static ngx_int_t ngx_http_faas_runtime_size(ngx_str_t *value, off_t min,
    off_t *size);
static ngx_int_t ngx_http_faas_runtime_deno(ngx_pool_t *pool,
    ngx_array_t *argv);
static ngx_int_t ngx_http_faas_runtime_push(ngx_array_t *argv, char *arg);


static ngx_http_faas_runtime_t  ngx_http_faas_runtime_known[] = {

    { ngx_string("python"), ngx_string(".py"), ngx_string("faas-python"),
      1, 2, 128 * 1024 * 1024, 64 * 1024 * 1024, 1000000000, 64, 3000,
      NGX_HTTP_FAAS_RUNTIME_IDLE, NGX_HTTP_FAAS_PYTHON, 0, 0, 0 },

    { ngx_string("deno"), ngx_string(".ts"), ngx_string("faas-deno"),
      64, 1, 256 * 1024 * 1024, 64 * 1024 * 1024, 1000000000, 64, 3000,
      NGX_HTTP_FAAS_RUNTIME_IDLE, NGX_HTTP_FAAS_DENO, 0, 0, 0 }
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

        if (ngx_http_faas_runtime_set(rt, &value[i]) != NGX_OK) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\"", &value[i]);
            return NGX_CONF_ERROR;
        }
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
    limits[4] = rt->concurrency;

    ngx_crc32_init(rt->kind);
    ngx_crc32_update(&rt->kind, rt->name.data, rt->name.len);
    ngx_crc32_update(&rt->kind, rt->image.data, rt->image.len);
    ngx_crc32_update(&rt->kind, (u_char *) limits, sizeof(limits));
    ngx_crc32_final(rt->kind);
}


static ngx_int_t
ngx_http_faas_runtime_set(ngx_http_faas_runtime_t *rt, ngx_str_t *value)
{
    ngx_int_t  n;
    ngx_str_t  v;

#define ngx_http_faas_runtime_is(key)                                        \
    (value->len > sizeof(key) - 1                                            \
     && ngx_strncmp(value->data, key, sizeof(key) - 1) == 0                  \
     && (v.data = value->data + sizeof(key) - 1,                             \
         v.len = value->len - (sizeof(key) - 1), 1))

    if (ngx_http_faas_runtime_is("ext=")) {

        return ngx_http_faas_runtime_ext(&v, &rt->ext);
    }

    if (ngx_http_faas_runtime_is("image=")) {
        rt->image = v;
        return NGX_OK;
    }

    if (ngx_http_faas_runtime_is("concurrency=")) {

        if (ngx_http_faas_runtime_number(&v, 1, 65535, &n) != NGX_OK) {
            return NGX_ERROR;
        }

        rt->concurrency = n;
        return NGX_OK;
    }

    if (ngx_http_faas_runtime_is("prewarm=")) {

        if (ngx_http_faas_runtime_number(&v, 0, 256, &n) != NGX_OK) {
            return NGX_ERROR;
        }

        rt->prewarm = n;
        return NGX_OK;
    }

    if (ngx_http_faas_runtime_is("pids=")) {
        return ngx_http_faas_runtime_number(&v, 8, 32768, &rt->pids);
    }

    if (ngx_http_faas_runtime_is("memory=")) {
        return ngx_http_faas_runtime_size(&v, 8 * 1024 * 1024, &rt->memory);
    }

    if (ngx_http_faas_runtime_is("tmpfs=")) {
        return ngx_http_faas_runtime_size(&v, 64 * 1024, &rt->tmpfs);
    }

    if (ngx_http_faas_runtime_is("cpus=")) {

        /* as the engine's command line has it: 0.5 is half a processor */

        n = ngx_atofp(v.data, v.len, 2);

        if (n < 1 || n > 100 * 1024) {
            return NGX_ERROR;
        }

        rt->nano_cpus = (int64_t) n * 10000000;
        return NGX_OK;
    }

    if (ngx_http_faas_runtime_is("start_timeout=")) {
        n = ngx_parse_time(&v, 0);

        if (n == NGX_ERROR || n == 0) {
            return NGX_ERROR;
        }

        rt->start = (ngx_msec_t) n;
        return NGX_OK;
    }

    if (ngx_http_faas_runtime_is("idle=")) {

        if (v.len == 3 && ngx_strncmp(v.data, "off", 3) == 0) {
            rt->idle = 0;
            return NGX_OK;
        }

        n = ngx_parse_time(&v, 0);

        if (n == NGX_ERROR || n == 0) {
            return NGX_ERROR;
        }

        rt->idle = (ngx_msec_t) n;
        return NGX_OK;
    }

    return NGX_ERROR;
}


/* a dot, and at most seven letters and digits */

static ngx_int_t
ngx_http_faas_runtime_ext(ngx_str_t *value, ngx_str_t *ext)
{
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

    *ext = *value;

    return NGX_OK;
}


static ngx_int_t
ngx_http_faas_runtime_number(ngx_str_t *value, ngx_int_t min, ngx_int_t max,
    ngx_int_t *number)
{
    ngx_int_t  n;

    n = ngx_atoi(value->data, value->len);

    if (n == NGX_ERROR || n < min || n > max) {
        return NGX_ERROR;
    }

    *number = n;

    return NGX_OK;
}


static ngx_int_t
ngx_http_faas_runtime_size(ngx_str_t *value, off_t min, off_t *size)
{
    off_t  n;

    n = ngx_parse_offset(value);

    if (n == (off_t) NGX_ERROR || n < min) {
        return NGX_ERROR;
    }

    *size = n;

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
    u_char      *p, *d, *last;
    size_t       len;
    ngx_uint_t   n;

    len = sizeof(NGX_HTTP_FAAS_RUNTIME_URL) - 1;
    last = text->data + text->len;
    n = 0;

    for (p = text->data; p + len <= last; p++) {
        n += (ngx_memcmp(p, NGX_HTTP_FAAS_RUNTIME_URL, len) == 0);
    }

    if (n == 0) {
        return NGX_OK;
    }

    d = ngx_pnalloc(pool, text->len + n * file->len);
    if (d == NULL) {
        return NGX_ERROR;
    }

    p = text->data;
    text->data = d;

    while (p < last) {

        if (p + len <= last
            && ngx_memcmp(p, NGX_HTTP_FAAS_RUNTIME_URL, len) == 0)
        {
            d = ngx_cpymem(d, file->data, file->len);
            p += len;

        } else {
            *d++ = *p++;
        }
    }

    text->len = d - text->data;

    return NGX_OK;
}
