
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Owns the stream of the engine's events: an instance whose process has ended
 * gets no request any more.  How far it was read stands in the zone, so that
 * whoever takes it up misses nothing.
 */


#include "ngx_http_faas_events.h"
#include "ngx_http_faas_curl.h"
#include "ngx_http_faas_remove.h"


#define NGX_HTTP_FAAS_EVENTS_LINE  32768        /* bytes of one event */


typedef struct {
    ngx_http_faas_pool_t            *fp;
    ngx_http_faas_call_t             call;
    ngx_pool_t                      *pool;
    size_t                           len;       /* of what is in the line */
    unsigned                         skip:1;    /* it is too long */
    u_char                           line[NGX_HTTP_FAAS_EVENTS_LINE];
} ngx_http_faas_events_t;


static ngx_int_t ngx_http_faas_events_request(ngx_http_faas_events_t *ev);
static void ngx_http_faas_events_stream(ngx_http_faas_call_t *call,
    u_char *p, size_t n);
static void ngx_http_faas_events_line(ngx_http_faas_events_t *ev);
static void ngx_http_faas_events_handle(ngx_http_faas_pool_t *fp,
    ngx_http_faas_docker_event_t *event);
static void ngx_http_faas_events_handler(ngx_http_faas_call_t *call);


void
ngx_http_faas_events_open(ngx_http_faas_pool_t *fp)
{
    ngx_pool_t              *pool;
    ngx_http_faas_call_t    *call;
    ngx_http_faas_events_t  *ev;

    if (fp->events
        || fp->zone.sh->api[0] == '\0'
        || ngx_http_faas_pool_away(fp))
    {
        return;
    }

    pool = ngx_create_pool(4096, ngx_cycle->log);
    if (pool == NULL) {
        return;
    }

    ev = ngx_pcalloc(pool, sizeof(ngx_http_faas_events_t));
    if (ev == NULL) {
        ngx_destroy_pool(pool);
        return;
    }

    ev->fp = fp;
    ev->pool = pool;

    call = &ev->call;
    call->pool = pool;
    call->log = ngx_cycle->log;
    call->stream = ngx_http_faas_events_stream;
    call->handler = ngx_http_faas_events_handler;
    call->data = ev;
    call->quiet = 1;

    if (ngx_http_faas_events_request(ev) != NGX_OK
        || ngx_http_faas_pool_call(fp, NULL, call) != NGX_OK)
    {
        ngx_destroy_pool(pool);
        return;
    }

    fp->events = call;
    fp->zone.sh->swept = 0;
}


static ngx_int_t
ngx_http_faas_events_request(ngx_http_faas_events_t *ev)
{
    ngx_str_t     api, since;
    ngx_array_t  *labels;

    labels = ngx_http_faas_pool_label(ev->fp, ev->pool);
    if (labels == NULL) {
        return NGX_ERROR;
    }

    ngx_http_faas_pool_api(ev->fp, &api);

    since.data = ev->fp->zone.sh->events;
    since.len = ngx_strlen(since.data);

    return ngx_http_faas_docker_events(ev->pool, &api, labels, &since,
                                       &ev->call.request);
}


void
ngx_http_faas_events_close(ngx_http_faas_pool_t *fp)
{
    ngx_pool_t  *pool;

    if (fp->events) {
        pool = fp->events->pool;

        ngx_http_faas_curl_cancel(fp->events);
        fp->events = NULL;

        ngx_destroy_pool(pool);
    }
}


static void
ngx_http_faas_events_stream(ngx_http_faas_call_t *call, u_char *p, size_t n)
{
    u_char                  *last;
    ngx_http_faas_events_t  *ev;

    ev = call->data;

    for (last = p + n; p < last; p++) {

        if (*p == LF) {

            if (!ev->skip && ev->len) {
                ngx_http_faas_events_line(ev);
            }

            ev->len = 0;
            ev->skip = 0;

        } else if (ev->len == NGX_HTTP_FAAS_EVENTS_LINE) {
            ev->skip = 1;

        } else {
            ev->line[ev->len++] = *p;
        }
    }

    /* removals are calls, too, and libcurl is busy with this one now */

    ngx_http_faas_pool_wake(ev->fp);
}


static void
ngx_http_faas_events_line(ngx_http_faas_events_t *ev)
{
    ngx_str_t                      line;
    ngx_pool_t                    *pool;
    ngx_http_faas_docker_event_t   event;

    pool = ngx_create_pool(1024, ngx_cycle->log);
    if (pool == NULL) {
        return;
    }

    line.data = ev->line;
    line.len = ev->len;

    if (ngx_http_faas_docker_parse_event(pool, &line, &event) == NGX_OK) {
        ngx_http_faas_events_handle(ev->fp, &event);

    } else {
        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "faas: the engine told of an event that is none");
    }

    ngx_destroy_pool(pool);
}


static void
ngx_http_faas_events_handle(ngx_http_faas_pool_t *fp,
    ngx_http_faas_docker_event_t *event)
{
    ngx_uint_t           ended;
    ngx_http_faas_sh_t  *sh;

    sh = fp->zone.sh;

    if (event->time.len < sizeof(sh->events)) {
        ngx_http_faas_zone_lock(&fp->zone);

        ngx_memcpy(sh->events, event->time.data, event->time.len);
        sh->events[event->time.len] = '\0';

        ngx_http_faas_zone_unlock(&fp->zone);
    }

    if (event->action == NGX_HTTP_FAAS_DOCKER_OTHER
        || event->slot == NGX_ERROR)
    {
        return;
    }

    if (event->action == NGX_HTTP_FAAS_DOCKER_PAUSE) {
        ngx_http_faas_instance_paused(&fp->zone, (ngx_uint_t) event->slot,
                                      event->id.data);
    }

    /* out of memory may be a child: it serves on, but nobody knows how */

    ended = (event->action != NGX_HTTP_FAAS_DOCKER_OOM);

    if (ngx_http_faas_instance_lost(&fp->zone, (ngx_uint_t) event->slot,
                                    event->id.data, ended))
    {
        ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                      "faas: container \"%V\" %s", &event->id,
                      ended ? "has ended" : "ran out of memory");
    }
}


static void
ngx_http_faas_events_handler(ngx_http_faas_call_t *call)
{
    ngx_http_faas_events_t  *ev;

    ev = call->data;

    ngx_log_error(NGX_LOG_INFO, ngx_cycle->log, 0,
                  "faas: the engine's events ended, status %ui",
                  call->status);

    ev->fp->events = NULL;

    ev->fp->zone.sh->swept = 0;

    ngx_destroy_pool(ev->pool);
}
