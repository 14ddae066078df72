
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Owns what a configuration says of commands.  A program gets its arguments
 * as they are written; only at the end of the line there may be parameters.
 */


#include "ngx_http_faas_command_conf.h"

#include <ngx_md5.h>


#define NGX_HTTP_FAAS_COMMAND_TIMEOUT  60000    /* ms */
#define NGX_HTTP_FAAS_COMMAND_MAX      64
#define NGX_HTTP_FAAS_COMMAND_QUEUE    256
#define NGX_HTTP_FAAS_COMMAND_OUTPUT   (1024 * 1024 * 1024)
#define NGX_HTTP_FAAS_COMMAND_LIMITS   8


typedef struct {
    ngx_str_t                        name;      /* with its "=" */
    char                          *(*set)(ngx_conf_t *cf,
                                          ngx_http_faas_command_t *command,
                                          ngx_str_t *value,
                                          ngx_uint_t data);
    ngx_uint_t                       data;
} ngx_http_faas_command_param_t;


static ngx_http_faas_command_t *ngx_http_faas_command_create(ngx_conf_t *cf);
static ngx_int_t ngx_http_faas_command_argv(ngx_conf_t *cf,
    ngx_http_faas_command_t *command, ngx_uint_t *last);
static ngx_http_faas_command_param_t *ngx_http_faas_command_param(
    ngx_str_t *arg);
static char *ngx_http_faas_command_type(ngx_conf_t *cf,
    ngx_http_faas_command_t *command, ngx_str_t *value, ngx_uint_t data);
static char *ngx_http_faas_command_timeout(ngx_conf_t *cf,
    ngx_http_faas_command_t *command, ngx_str_t *value, ngx_uint_t data);
static char *ngx_http_faas_command_number(ngx_conf_t *cf,
    ngx_http_faas_command_t *command, ngx_str_t *value, ngx_uint_t data);
static char *ngx_http_faas_command_output(ngx_conf_t *cf,
    ngx_http_faas_command_t *command, ngx_str_t *value, ngx_uint_t data);
static char *ngx_http_faas_command_env(ngx_conf_t *cf,
    ngx_http_faas_command_t *command, ngx_str_t *value, ngx_uint_t data);
static char *ngx_http_faas_command_dir(ngx_conf_t *cf,
    ngx_http_faas_command_t *command, ngx_str_t *value, ngx_uint_t data);
static char *ngx_http_faas_command_limit(ngx_conf_t *cf,
    ngx_http_faas_command_t *command, ngx_str_t *value, ngx_uint_t data);
static char *ngx_http_faas_command_methods(ngx_conf_t *cf,
    ngx_http_faas_command_t *command, ngx_str_t *value, ngx_uint_t data);
static char *ngx_http_faas_command_sockets(ngx_conf_t *cf,
    ngx_http_faas_command_t *command, ngx_str_t *value, ngx_uint_t data);


static ngx_http_faas_command_param_t  ngx_http_faas_command_params[] = {
    { ngx_string("content_type="), ngx_http_faas_command_type, 0 },
    { ngx_string("timeout="), ngx_http_faas_command_timeout, 0 },
    { ngx_string("max="), ngx_http_faas_command_number,
      offsetof(ngx_http_faas_command_t, max) },
    { ngx_string("queue="), ngx_http_faas_command_number,
      offsetof(ngx_http_faas_command_t, queue) },
    { ngx_string("output="), ngx_http_faas_command_output, 0 },
    { ngx_string("env="), ngx_http_faas_command_env, 0 },
    { ngx_string("dir="), ngx_http_faas_command_dir, 0 },
    { ngx_string("methods="), ngx_http_faas_command_methods, 0 },
    { ngx_string("unix_sockets="), ngx_http_faas_command_sockets, 0 },
    { ngx_string("rlimit_as="), ngx_http_faas_command_limit, RLIMIT_AS },
    { ngx_string("rlimit_cpu="), ngx_http_faas_command_limit, RLIMIT_CPU },
    { ngx_string("rlimit_fsize="), ngx_http_faas_command_limit,
      RLIMIT_FSIZE },
    { ngx_string("rlimit_nofile="), ngx_http_faas_command_limit,
      RLIMIT_NOFILE },
    { ngx_string("rlimit_nproc="), ngx_http_faas_command_limit,
      RLIMIT_NPROC },
    { ngx_null_string, NULL, 0 }
};


static ngx_conf_bitmask_t  ngx_http_faas_command_method_names[] = {
    { ngx_string("GET"), NGX_HTTP_GET },
    { ngx_string("HEAD"), NGX_HTTP_HEAD },
    { ngx_string("POST"), NGX_HTTP_POST },
    { ngx_string("PUT"), NGX_HTTP_PUT },
    { ngx_string("DELETE"), NGX_HTTP_DELETE },
    { ngx_string("OPTIONS"), NGX_HTTP_OPTIONS },
    { ngx_string("PATCH"), NGX_HTTP_PATCH },
    { ngx_null_string, 0 }
};


char *
ngx_http_faas_command_add(ngx_conf_t *cf, ngx_array_t **commands)
{
    char                           *rv;
    ngx_str_t                      *value, s;
    ngx_uint_t                      i, last;
    ngx_http_faas_command_t        *command, **c;
    ngx_http_faas_command_param_t  *param;

    value = cf->args->elts;

    if (ngx_http_faas_name_check(&value[1]) != NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid name \"%V\"",
                           &value[1]);
        return NGX_CONF_ERROR;
    }

    if (value[2].data[0] != '/') {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the path of program \"%V\" must be absolute",
                           &value[2]);
        return NGX_CONF_ERROR;
    }

    if (*commands == NULL) {
        *commands = ngx_array_create(cf->pool, 4,
                                     sizeof(ngx_http_faas_command_t *));
        if (*commands == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    c = (*commands)->elts;

    for (i = 0; i < (*commands)->nelts; i++) {

        if (c[i]->name.len == value[1].len
            && ngx_strncmp(c[i]->name.data, value[1].data, value[1].len) == 0)
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "duplicate command \"%V\"", &value[1]);
            return NGX_CONF_ERROR;
        }
    }

    command = ngx_http_faas_command_create(cf);
    if (command == NULL) {
        return NGX_CONF_ERROR;
    }

    if (ngx_http_faas_command_argv(cf, command, &last) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    for (i = last; i < cf->args->nelts; i++) {
        param = ngx_http_faas_command_param(&value[i]);

        if (param == NULL) {
            continue;                   /* the "--" */
        }

        s.data = value[i].data + param->name.len;
        s.len = value[i].len - param->name.len;

        rv = s.len ? param->set(cf, command, &s, param->data)
                   : NGX_CONF_ERROR;

        if (rv != NGX_CONF_OK) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\"", &value[i]);
            return NGX_CONF_ERROR;
        }
    }

    c = ngx_array_push(*commands);
    if (c == NULL) {
        return NGX_CONF_ERROR;
    }

    *c = command;

    return NGX_CONF_OK;
}


static ngx_http_faas_command_t *
ngx_http_faas_command_create(ngx_conf_t *cf)
{
    ngx_str_t                *value;
    ngx_http_faas_command_t  *command;

    command = ngx_pcalloc(cf->pool, sizeof(ngx_http_faas_command_t));
    if (command == NULL) {
        return NULL;
    }

    value = cf->args->elts;

    command->name = value[1];
    command->task.program = (char *) value[2].data;
    command->task.dir = "/";
    command->timeout = NGX_HTTP_FAAS_COMMAND_TIMEOUT;
    command->max = NGX_HTTP_FAAS_COMMAND_MAX;
    command->queue = NGX_HTTP_FAAS_COMMAND_QUEUE;
    command->output = NGX_HTTP_FAAS_COMMAND_OUTPUT;
    command->methods = NGX_HTTP_POST;
    ngx_str_set(&command->allow, "POST");
    ngx_str_set(&command->content_type, "text/plain");

    command->task.limits = ngx_pcalloc(cf->pool,
                                       NGX_HTTP_FAAS_COMMAND_LIMITS
                                       * sizeof(ngx_http_faas_child_limit_t));
    if (command->task.limits == NULL) {
        return NULL;
    }

    command->task.limits[0].resource = RLIMIT_CORE;
    command->task.nlimits = 1;

    command->env = ngx_array_create(cf->pool, 1,
                                    sizeof(ngx_http_faas_command_env_t));
    if (command->env == NULL) {
        return NULL;
    }

    return command;
}


/* what the program gets; *last is where the parameters begin */

static ngx_int_t
ngx_http_faas_command_argv(ngx_conf_t *cf, ngx_http_faas_command_t *command,
    ngx_uint_t *last)
{
    ngx_str_t   *value;
    ngx_md5_t    md5;
    ngx_uint_t   i, n;

    value = cf->args->elts;
    n = cf->args->nelts;

    while (n > 3 && ngx_http_faas_command_param(&value[n - 1])) {
        n--;
    }

    *last = n;

    if (n > 3 && value[n - 1].len == 2
        && value[n - 1].data[0] == '-' && value[n - 1].data[1] == '-')
    {
        n--;
    }

    command->task.argv = ngx_pcalloc(cf->pool, (n - 1) * sizeof(char *));
    if (command->task.argv == NULL) {
        return NGX_ERROR;
    }

    ngx_md5_init(&md5);
    ngx_md5_update(&md5, value[1].data, value[1].len + 1);

    for (i = 2; i < n; i++) {
        command->task.argv[i - 2] = (char *) value[i].data;
        ngx_md5_update(&md5, value[i].data, value[i].len + 1);
    }

    ngx_md5_final(command->key, &md5);

    return NGX_OK;
}


static ngx_http_faas_command_param_t *
ngx_http_faas_command_param(ngx_str_t *arg)
{
    ngx_http_faas_command_param_t  *param;

    for (param = ngx_http_faas_command_params; param->name.len; param++) {

        if (arg->len >= param->name.len
            && ngx_strncmp(arg->data, param->name.data, param->name.len) == 0)
        {
            return param;
        }
    }

    return NULL;
}


static char *
ngx_http_faas_command_type(ngx_conf_t *cf, ngx_http_faas_command_t *command,
    ngx_str_t *value, ngx_uint_t data)
{
    command->content_type = *value;

    return NGX_CONF_OK;
}


static char *
ngx_http_faas_command_timeout(ngx_conf_t *cf,
    ngx_http_faas_command_t *command, ngx_str_t *value, ngx_uint_t data)
{
    ngx_int_t  msec;

    msec = ngx_parse_time(value, 0);

    if (msec == NGX_ERROR || msec == 0) {
        return NGX_CONF_ERROR;
    }

    command->timeout = (ngx_msec_t) msec;

    return NGX_CONF_OK;
}


static char *
ngx_http_faas_command_number(ngx_conf_t *cf, ngx_http_faas_command_t *command,
    ngx_str_t *value, ngx_uint_t data)
{
    ngx_int_t  n;

    n = ngx_atoi(value->data, value->len);

    if (n == NGX_ERROR
        || (n == 0 && data == offsetof(ngx_http_faas_command_t, max)))
    {
        return NGX_CONF_ERROR;
    }

    *(ngx_uint_t *) ((char *) command + data) = (ngx_uint_t) n;

    return NGX_CONF_OK;
}


static char *
ngx_http_faas_command_output(ngx_conf_t *cf, ngx_http_faas_command_t *command,
    ngx_str_t *value, ngx_uint_t data)
{
    command->output = ngx_parse_offset(value);

    return (command->output > 0) ? NGX_CONF_OK : NGX_CONF_ERROR;
}


/* NAME=VALUE; the value may have variables */

static char *
ngx_http_faas_command_env(ngx_conf_t *cf, ngx_http_faas_command_t *command,
    ngx_str_t *value, ngx_uint_t data)
{
    u_char                            *p;
    ngx_str_t                          s;
    ngx_http_faas_command_env_t       *env;
    ngx_http_compile_complex_value_t   ccv;

    p = ngx_strlchr(value->data, value->data + value->len, '=');

    if (p == NULL || p == value->data) {
        return NGX_CONF_ERROR;
    }

    env = ngx_array_push(command->env);
    if (env == NULL) {
        return NGX_CONF_ERROR;
    }

    env->name.data = value->data;
    env->name.len = p - value->data;

    s.data = p + 1;
    s.len = value->data + value->len - s.data;

    ngx_memzero(&ccv, sizeof(ngx_http_compile_complex_value_t));

    ccv.cf = cf;
    ccv.value = &s;
    ccv.complex_value = &env->value;

    return (ngx_http_compile_complex_value(&ccv) == NGX_OK) ? NGX_CONF_OK
                                                            : NGX_CONF_ERROR;
}


static char *
ngx_http_faas_command_dir(ngx_conf_t *cf, ngx_http_faas_command_t *command,
    ngx_str_t *value, ngx_uint_t data)
{
    if (value->data[0] != '/') {
        return NGX_CONF_ERROR;
    }

    command->task.dir = (char *) value->data;

    return NGX_CONF_OK;
}


static char *
ngx_http_faas_command_limit(ngx_conf_t *cf, ngx_http_faas_command_t *command,
    ngx_str_t *value, ngx_uint_t data)
{
    off_t                         n;
    ngx_uint_t                    i;
    ngx_http_faas_child_limit_t  *limits;

    n = (data == RLIMIT_AS || data == RLIMIT_FSIZE)
        ? ngx_parse_offset(value) : ngx_atoof(value->data, value->len);

    if (n == NGX_ERROR) {
        return NGX_CONF_ERROR;
    }

    limits = command->task.limits;

    for (i = 0; i < command->task.nlimits; i++) {
        if (limits[i].resource == (int) data) {
            return NGX_CONF_ERROR;
        }
    }

    limits[i].resource = (int) data;
    limits[i].value = (rlim_t) n;

    command->task.nlimits++;

    return NGX_CONF_OK;
}


/* METHOD[,METHOD ...] */

static char *
ngx_http_faas_command_methods(ngx_conf_t *cf,
    ngx_http_faas_command_t *command, ngx_str_t *value, ngx_uint_t data)
{
    u_char              *p, *last, *end;
    ngx_conf_bitmask_t  *m;

    command->methods = 0;

    end = value->data + value->len;

    for (p = value->data; p <= end; p = last + 1) {

        last = ngx_strlchr(p, end, ',');

        if (last == NULL) {
            last = end;
        }

        for (m = ngx_http_faas_command_method_names; m->name.len; m++) {

            if (m->name.len == (size_t) (last - p)
                && ngx_strncmp(m->name.data, p, m->name.len) == 0)
            {
                break;
            }
        }

        if (m->name.len == 0) {
            return NGX_CONF_ERROR;
        }

        command->methods |= m->mask;
    }

    /* as the header has it */

    command->allow.data = ngx_pnalloc(cf->pool, 2 * value->len);
    if (command->allow.data == NULL) {
        return NGX_CONF_ERROR;
    }

    last = command->allow.data;

    for (p = value->data; p < end; p++) {
        *last++ = *p;

        if (*p == ',') {
            *last++ = ' ';
        }
    }

    command->allow.len = last - command->allow.data;

    return NGX_CONF_OK;
}


static char *
ngx_http_faas_command_sockets(ngx_conf_t *cf,
    ngx_http_faas_command_t *command, ngx_str_t *value, ngx_uint_t data)
{
    if (ngx_strcmp(value->data, "on") == 0) {
        command->task.unix_sockets = 1;
        return NGX_CONF_OK;
    }

    return (ngx_strcmp(value->data, "off") == 0) ? NGX_CONF_OK
                                                 : NGX_CONF_ERROR;
}


char *
ngx_http_faas_command_merge(ngx_conf_t *cf, ngx_array_t **commands,
    ngx_array_t *outer)
{
    ngx_uint_t                 i, j, n;
    ngx_http_faas_command_t  **c, **o, **p;

    if (outer == NULL) {
        return NGX_CONF_OK;
    }

    if (*commands == NULL) {
        *commands = outer;
        return NGX_CONF_OK;
    }

    n = (*commands)->nelts;
    o = outer->elts;

    for (i = 0; i < outer->nelts; i++) {

        c = (*commands)->elts;

        for (j = 0; j < n; j++) {

            if (c[j]->name.len == o[i]->name.len
                && ngx_strncmp(c[j]->name.data, o[i]->name.data,
                               o[i]->name.len)
                   == 0)
            {
                break;
            }
        }

        if (j < n) {
            continue;
        }

        p = ngx_array_push(*commands);
        if (p == NULL) {
            return NGX_CONF_ERROR;
        }

        *p = o[i];
    }

    return NGX_CONF_OK;
}


ngx_http_faas_command_t *
ngx_http_faas_command_find(ngx_http_request_t *r, ngx_str_t *name)
{
    ngx_uint_t                  i;
    ngx_http_faas_command_t   **c;
    ngx_http_faas_srv_conf_t   *fscf;

    fscf = ngx_http_get_module_srv_conf(r, ngx_http_faas_module);

    if (fscf->commands == NULL) {
        return NULL;
    }

    c = fscf->commands->elts;

    for (i = 0; i < fscf->commands->nelts; i++) {

        if (c[i]->name.len == name->len
            && ngx_strncmp(c[i]->name.data, name->data, name->len) == 0)
        {
            return c[i];
        }
    }

    return NULL;
}
