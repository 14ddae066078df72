
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * What a function says of itself in NAME.json, after the runtime's number.
 */


#include "ngx_http_faas_fuzz.h"
#include "ngx_http_faas_runtime.h"
#include "ngx_http_faas_settings.h"


static void ngx_http_faas_fuzz_settings_limits(ngx_http_faas_pool_t *fp,
    ngx_http_faas_runtime_t *rt, ngx_http_faas_settings_t *settings);
static void ngx_http_faas_fuzz_settings_env(ngx_array_t *env);
static void ngx_http_faas_fuzz_settings_again(ngx_pool_t *pool,
    ngx_http_faas_pool_t *fp, ngx_http_faas_runtime_t *rt,
    ngx_http_faas_settings_t *settings);


void
ngx_http_faas_fuzz_settings_target(ngx_pool_t *pool,
    ngx_http_faas_fuzz_input_t *in)
{
    ngx_int_t                   rc;
    ngx_str_t                   text;
    ngx_uint_t                  i;
    ngx_http_faas_runtime_t    *rt;
    ngx_http_faas_settings_t    settings;
    ngx_http_faas_main_conf_t  *fmcf;

    fmcf = ngx_http_cycle_get_module_main_conf(ngx_cycle,
                                               ngx_http_faas_module);

    rt = fmcf->pool.runtimes->elts;
    rt += ngx_http_faas_fuzz_byte(in) % fmcf->pool.runtimes->nelts;

    ngx_http_faas_fuzz_bytes(pool, in, in->last - in->pos, &text);

    rc = ngx_http_faas_settings(&fmcf->pool, pool, &text, rt, &settings);

    if (rc != NGX_OK) {
        ngx_http_faas_fuzz_check(rc == NGX_DECLINED && settings.error.len);

        for (i = 0; i < settings.error.len; i++) {
            ngx_http_faas_fuzz_check(isprint(settings.error.data[i]));
        }

        return;
    }

    ngx_http_faas_fuzz_check(ngx_http_faas_fuzz_json(&text));
    ngx_http_faas_fuzz_check(settings.error.len == 0);

    ngx_http_faas_fuzz_settings_limits(&fmcf->pool, rt, &settings);
    ngx_http_faas_fuzz_settings_env(settings.env);
    ngx_http_faas_fuzz_settings_again(pool, &fmcf->pool, rt, &settings);
}


static void
ngx_http_faas_fuzz_settings_limits(ngx_http_faas_pool_t *fp,
    ngx_http_faas_runtime_t *rt, ngx_http_faas_settings_t *settings)
{
    ngx_http_faas_scale_t    *scale, *limits;
    ngx_http_faas_runtime_t  *own;

    own = &settings->runtime;
    scale = &own->scale;
    limits = &fp->limits.scale;

#define ngx_http_faas_fuzz_most(field, min)                                  \
    ngx_http_faas_fuzz_check(own->field >= min                               \
                             && (own->field <= rt->field                     \
                                 || own->field <= fp->limits.field))

    ngx_http_faas_fuzz_most(memory, 8 * 1024 * 1024);
    ngx_http_faas_fuzz_most(nano_cpus, 1);
    ngx_http_faas_fuzz_most(pids, 8);
    ngx_http_faas_fuzz_most(scale.concurrency, 1);
    ngx_http_faas_fuzz_most(scale.max_instances, 1);
    ngx_http_faas_fuzz_most(scale.min_instances, 0);
    ngx_http_faas_fuzz_most(scale.queue, 0);
    ngx_http_faas_fuzz_most(scale.queue_timeout, 1);
    ngx_http_faas_fuzz_most(scale.timeout, 0);

    /* an idle time of 0 is one without an end */

    ngx_http_faas_fuzz_check(scale->idle == rt->scale.idle
                             || (scale->idle && (scale->idle <= limits->idle
                                       || scale->idle <= rt->scale.idle)));
    ngx_http_faas_fuzz_check(scale->min_instances <= scale->max_instances);

    /* and what is not its own to say */

    ngx_http_faas_fuzz_check(own->tmpfs == rt->tmpfs
                             && own->prewarm == rt->prewarm
                             && own->image.data == rt->image.data);
}


static void
ngx_http_faas_fuzz_settings_env(ngx_array_t *env)
{
    ngx_uint_t     i;
    ngx_keyval_t  *kv;

    for (i = 0; env && i < env->nelts; i++) {
        kv = (ngx_keyval_t *) env->elts + i;

        ngx_http_faas_fuzz_check(strlen((char *) kv->key.data) == kv->key.len
                                 && kv->key.len
                                 && strchr((char *) kv->key.data, '=')
                                    == NULL);
        ngx_http_faas_fuzz_check(strlen((char *) kv->value.data)
                                 == kv->value.len);
        ngx_http_faas_fuzz_check(ngx_http_faas_fuzz_utf8(&kv->key)
                                 && ngx_http_faas_fuzz_utf8(&kv->value));
    }
}


/* what the API tells of them is JSON, and the same settings again */

static void
ngx_http_faas_fuzz_settings_again(ngx_pool_t *pool, ngx_http_faas_pool_t *fp,
    ngx_http_faas_runtime_t *rt, ngx_http_faas_settings_t *settings)
{
    ngx_int_t                 rc;
    ngx_str_t                 json, text;
    ngx_http_faas_settings_t  again;

    rc = ngx_http_faas_settings_write(pool, settings, &json);

    ngx_http_faas_fuzz_check(rc == NGX_OK && json.data[0] == ',');

    text.data = ngx_pnalloc(pool, json.len + 1);
    ngx_http_faas_fuzz_check(text.data);

    text.len = ngx_sprintf(text.data, "{%*s}", json.len - 1, json.data + 1)
               - text.data;

    ngx_http_faas_fuzz_check(ngx_http_faas_fuzz_json(&text));

    if (settings->env == NULL) {
        settings->env = ngx_array_create(pool, 1, sizeof(ngx_keyval_t));
    }

    rc = ngx_http_faas_settings(fp, pool, &text, rt, &again);

    ngx_http_faas_fuzz_check(rc == NGX_OK);
    ngx_http_faas_fuzz_check(again.env->nelts == settings->env->nelts);
    ngx_http_faas_fuzz_check(memcmp(&again.runtime, &settings->runtime,
                                    sizeof(ngx_http_faas_runtime_t))
                             == 0);
}
