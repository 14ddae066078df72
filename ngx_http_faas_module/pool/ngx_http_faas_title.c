
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Owns the renaming of a container.  It is work for the engine that nobody
 * waits for, and on a small machine it would hold up first answers: those of
 * the function itself, and of others that are claimed meanwhile.
 */


#include "ngx_http_faas_title.h"
#include "ngx_http_faas_container.h"
#include "ngx_http_faas_curl.h"


#define NGX_HTTP_FAAS_TITLE_QUIET    200        /* ms, after a claim */
#define NGX_HTTP_FAAS_TITLE_DELAYS   10         /* so often, under load */
#define NGX_HTTP_FAAS_TITLE_TIMEOUT  5000       /* ms, the call */
#define NGX_HTTP_FAAS_TITLE_RETRY    1000       /* ms, no engine answers */
#define NGX_HTTP_FAAS_TITLE_RETRIES  600
#define NGX_HTTP_FAAS_TITLE_EXIT     1000       /* ms, all that are left */


typedef struct {
    ngx_queue_t                      queue;     /* fp->titles */
    ngx_http_faas_pool_t            *fp;
    ngx_http_faas_instance_t        *inst;
    ngx_event_t                      timer;
    ngx_http_faas_call_t             call;
    ngx_str_t                        id;
    ngx_str_t                        name;
    ngx_uint_t                       delays;
    ngx_uint_t                       retries;
} ngx_http_faas_title_t;


static void ngx_http_faas_title_timer(ngx_event_t *ev);
static void ngx_http_faas_title_send(ngx_http_faas_title_t *title);
static void ngx_http_faas_title_handler(ngx_http_faas_call_t *call);
static void ngx_http_faas_title_end(ngx_http_faas_title_t *title);


void
ngx_http_faas_title(ngx_http_faas_pool_t *fp, ngx_http_faas_instance_t *inst,
    ngx_str_t *id, ngx_str_t *base, u_char *revision, ngx_str_t *function,
    ngx_msec_t delay)
{
    ngx_pool_t             *pool;
    ngx_http_faas_title_t  *title;

    pool = ngx_create_pool(2048, ngx_cycle->log);
    if (pool == NULL) {
        return;
    }

    title = ngx_pcalloc(pool, sizeof(ngx_http_faas_title_t));
    if (title == NULL) {
        goto failed;
    }

    title->fp = fp;
    title->inst = inst;
    title->call.pool = pool;

    title->id.len = id->len;
    title->id.data = ngx_pstrdup(pool, id);

    if (title->id.data == NULL
        || ngx_http_faas_container_title(pool, base, revision, function,
                                         &title->name)
           != NGX_OK)
    {
        goto failed;
    }

    title->timer.handler = ngx_http_faas_title_timer;
    title->timer.data = title;
    title->timer.log = ngx_cycle->log;

    ngx_add_timer(&title->timer, delay);

    ngx_queue_insert_tail(&fp->titles, &title->queue);

    return;

failed:

    ngx_destroy_pool(pool);
}


static void
ngx_http_faas_title_timer(ngx_event_t *ev)
{
    ngx_http_faas_title_t  *title = ev->data;

    ngx_msec_t  past;

    past = ngx_current_msec - title->fp->zone.sh->claimed;

    if (past < NGX_HTTP_FAAS_TITLE_QUIET
        && title->delays++ < NGX_HTTP_FAAS_TITLE_DELAYS)
    {
        ngx_add_timer(ev, NGX_HTTP_FAAS_TITLE_QUIET - past);
        return;
    }

    ngx_http_faas_title_send(title);
}


static void
ngx_http_faas_title_send(ngx_http_faas_title_t *title)
{
    ngx_str_t              api;
    ngx_pool_t            *pool;
    ngx_http_faas_call_t  *call;

    /*
     * A container that is renamed while it is removed stays in the engine's
     * list for ever (seen with Docker 20.10).
     */

    if (!ngx_http_faas_instance_serves(&title->fp->zone, title->inst,
                                       title->id.data))
    {
        ngx_http_faas_title_end(title);
        return;
    }

    call = &title->call;
    pool = call->pool;

    ngx_memzero(call, sizeof(ngx_http_faas_call_t));

    call->pool = pool;
    call->log = ngx_cycle->log;
    call->timeout = NGX_HTTP_FAAS_TITLE_TIMEOUT;
    call->handler = ngx_http_faas_title_handler;
    call->data = title;
    call->quiet = 1;

    ngx_http_faas_pool_api(title->fp, &api);

    if (ngx_http_faas_docker_rename(call->pool, &api, &title->id,
                                    &title->name, &call->request)
        != NGX_OK
        || ngx_http_faas_pool_call(title->fp, NULL, call) != NGX_OK)
    {
        ngx_http_faas_title_end(title);
    }
}


static void
ngx_http_faas_title_handler(ngx_http_faas_call_t *call)
{
    ngx_http_faas_title_t  *title;

    title = call->data;

    if (call->status == 0 && title->retries++ < NGX_HTTP_FAAS_TITLE_RETRIES) {

        /* the engine may be restarted; nobody who exits waits for that */

        title->timer.cancelable = 1;
        ngx_add_timer(&title->timer, NGX_HTTP_FAAS_TITLE_RETRY);
        return;
    }

    /* what nobody can tell the function of is removed after a restart */

    if (call->status != NGX_HTTP_NO_CONTENT) {
        ngx_log_error(NGX_LOG_INFO, call->log, 0,
                      "faas: a container keeps its name, status %ui",
                      call->status);
    }

    ngx_http_faas_title_end(title);
}


static void
ngx_http_faas_title_end(ngx_http_faas_title_t *title)
{
    if (title->timer.timer_set) {
        ngx_del_timer(&title->timer);
    }

    ngx_queue_remove(&title->queue);
    ngx_destroy_pool(title->call.pool);
}


void
ngx_http_faas_title_exit_process(ngx_http_faas_pool_t *fp, ngx_cycle_t *cycle)
{
    ngx_queue_t            *q, *next;
    ngx_http_faas_title_t  *title;

    if (fp->exits
        || ngx_queue_empty(&fp->titles)
        || ngx_http_faas_curl_init_master(cycle, &fp->engine,
                                          NGX_HTTP_FAAS_TITLE_EXIT)
           != NGX_OK)
    {
        goto done;
    }

    for (q = ngx_queue_head(&fp->titles);
         q != ngx_queue_sentinel(&fp->titles);
         q = next)
    {
        next = ngx_queue_next(q);
        title = ngx_queue_data(q, ngx_http_faas_title_t, queue);

        ngx_http_faas_title_send(title);
    }

    ngx_http_faas_curl_run(&fp->engine);
    ngx_http_faas_curl_exit_process(&fp->engine);

done:

    while (!ngx_queue_empty(&fp->titles)) {
        q = ngx_queue_head(&fp->titles);
        title = ngx_queue_data(q, ngx_http_faas_title_t, queue);

        ngx_http_faas_title_end(title);
    }
}
