
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Owns one start, from a slot to a function that listens, or to a spare loader
 * that waits for one.  The memory is a pool of the start's own, which lives
 * until the loader's verdict.
 *
 *   boot, unless a spare was claimed -> link: [frame, verdict]
 */


#include "ngx_http_faas_start.h"
#include "ngx_http_faas_boot.h"
#include "ngx_http_faas_link.h"
#include "ngx_http_faas_remove.h"
#include "ngx_http_faas_resize.h"
#include "ngx_http_faas_runtime.h"
#include "ngx_http_faas_subrequest.h"
#include "ngx_http_faas_title.h"
#include "ngx_http_faas_turn.h"
#include "ngx_http_faas_utf8.h"
#include "ngx_http_faas_verdict.h"


#define NGX_HTTP_FAAS_START_BOOT    2000        /* ms, a loader to listen */
#define NGX_HTTP_FAAS_START_BOOTS   8           /* so often, while it runs */
#define NGX_HTTP_FAAS_START_WARM    300         /* ms, to one that did */
#define NGX_HTTP_FAAS_START_READS   8           /* of a changing source */
#define NGX_HTTP_FAAS_START_LINE    512         /* bytes of it in the log */
#define NGX_HTTP_FAAS_START_TITLE   250         /* ms after it is ready */


typedef struct {
    ngx_queue_t                      queue;     /* fp->starts */
    ngx_http_faas_boot_t             boot;
    ngx_http_faas_launch_t          *launch;    /* of the boot */
    ngx_http_faas_instance_t        *inst;
    ngx_uint_t                       boots;
    ngx_http_faas_link_t             link;
    ngx_http_faas_remove_t          *report;
    uint64_t                         sent;      /* the frame, ms of epoch */
    unsigned                         warm:1;    /* it was a spare */
} ngx_http_faas_start_t;


static ngx_http_faas_start_t *ngx_http_faas_start_create(
    ngx_http_faas_pool_t *fp, ngx_http_faas_instance_t *inst,
    ngx_http_faas_runtime_t *runtime, ngx_str_t *name, ngx_str_t *path);
static void ngx_http_faas_start_boot_handler(ngx_http_faas_boot_t *boot,
    ngx_int_t rc);
static void ngx_http_faas_start_connect(ngx_http_faas_start_t *start,
    ngx_msec_t timeout);
static void ngx_http_faas_start_link_handler(ngx_http_faas_link_t *link);
static void ngx_http_faas_start_booted(ngx_http_faas_start_t *start);
static void ngx_http_faas_start_load(ngx_http_faas_start_t *start);
static void ngx_http_faas_start_unfit(ngx_http_faas_start_t *start);
static void ngx_http_faas_start_ready(ngx_http_faas_start_t *start);
static void ngx_http_faas_start_explain(ngx_http_faas_start_t *start);
static void ngx_http_faas_start_report(void *data, ngx_uint_t running,
    ngx_str_t *text);
static void ngx_http_faas_start_unbooted(ngx_http_faas_start_t *start,
    ngx_uint_t running, ngx_str_t *text);
static void ngx_http_faas_start_refuse(ngx_http_faas_start_t *start,
    ngx_uint_t outcome);
static void ngx_http_faas_start_fail(ngx_http_faas_start_t *start,
    ngx_uint_t status, ngx_str_t *text);
static u_char *ngx_http_faas_start_line(ngx_str_t *text, u_char *line);
static void ngx_http_faas_start_abandon(ngx_http_faas_start_t *start);
static void ngx_http_faas_start_drop(ngx_http_faas_start_t *start);
static void ngx_http_faas_start_end(ngx_http_faas_start_t *start);


void
ngx_http_faas_start(ngx_http_faas_pool_t *fp, ngx_http_request_t *r,
    ngx_http_faas_instance_t *inst, ngx_http_faas_runtime_t *runtime,
    ngx_str_t *name, ngx_str_t *path)
{
    ngx_http_faas_start_t  *start;

    start = ngx_http_faas_start_create(fp, inst, runtime, name, path);
    if (start == NULL) {
        return;
    }

    if (start->warm) {
        ngx_http_faas_start_connect(start, NGX_HTTP_FAAS_START_WARM);
        return;
    }

    start->boot.request = r;
    ngx_http_faas_boot(&start->boot);
}


void
ngx_http_faas_start_spare(ngx_http_faas_pool_t *fp,
    ngx_http_faas_instance_t *inst, ngx_http_faas_runtime_t *runtime)
{
    ngx_str_t               none;
    ngx_http_faas_start_t  *start;

    ngx_str_set(&none, "");

    start = ngx_http_faas_start_create(fp, inst, runtime, &none, &none);
    if (start == NULL) {
        return;
    }

    ngx_http_faas_boot(&start->boot);
}


static ngx_http_faas_start_t *
ngx_http_faas_start_create(ngx_http_faas_pool_t *fp,
    ngx_http_faas_instance_t *inst, ngx_http_faas_runtime_t *runtime,
    ngx_str_t *name, ngx_str_t *path)
{
    ngx_str_t               text;
    ngx_uint_t              warm;
    ngx_pool_t             *pool;
    ngx_http_faas_start_t  *start;

    start = NULL;
    warm = inst->warm;

    pool = ngx_create_pool(4096, ngx_cycle->log);

    if (pool) {
        start = ngx_pcalloc(pool, sizeof(ngx_http_faas_start_t));
    }

    if (start == NULL
        || ngx_http_faas_launch_init(&start->boot.launch, fp, pool, inst,
                                     runtime, name, path)
           != NGX_OK)
    {
        ngx_str_set(&text, "unavailable");
        (void) ngx_http_faas_verdict_fail(&fp->zone, inst,
                                          NGX_HTTP_SERVICE_UNAVAILABLE,
                                          &text);
        ngx_http_faas_instance_removed(&fp->zone, inst, !warm);

        if (pool) {
            ngx_destroy_pool(pool);
        }

        return NULL;
    }

    start->launch = &start->boot.launch;
    start->inst = inst;
    start->warm = warm;

    start->boot.inst = inst;
    start->boot.made = warm;
    start->boot.handler = ngx_http_faas_start_boot_handler;
    start->boot.data = start;

    ngx_queue_insert_tail(&fp->starts, &start->queue);

    return start;
}


static void
ngx_http_faas_start_boot_handler(ngx_http_faas_boot_t *boot, ngx_int_t rc)
{
    ngx_http_faas_start_t  *start;

    start = boot->data;

    switch (rc) {

    case NGX_OK:
        ngx_http_faas_start_connect(start, NGX_HTTP_FAAS_START_BOOT);
        return;

    case NGX_DECLINED:
    case NGX_AGAIN:
        ngx_http_faas_start_abandon(start);
        return;

    default:
        ngx_http_faas_start_refuse(start, boot->outcome);
        return;
    }
}


static void
ngx_http_faas_start_connect(ngx_http_faas_start_t *start, ngx_msec_t timeout)
{
    ngx_http_faas_link_t  *link;

    link = &start->link;
    link->pool = start->launch->pool;
    link->log = start->launch->pool->log;
    link->address = ngx_http_faas_pool_address(start->launch->fp,
                                               start->inst->slot);
    link->handler = ngx_http_faas_start_link_handler;
    link->data = start;
    link->once = start->warm;

    ngx_http_faas_link_connect(link, timeout);
}


static void
ngx_http_faas_start_link_handler(ngx_http_faas_link_t *link)
{
    ngx_http_faas_start_t  *start;

    start = link->data;

    switch (link->result) {

    case NGX_HTTP_FAAS_LINK_CONNECTED:

        if (start->launch->name.len == 0) {
            ngx_http_faas_start_booted(start);
            return;
        }

        ngx_http_faas_start_load(start);
        return;

    case NGX_HTTP_FAAS_LINK_READY:
        ngx_http_faas_start_ready(start);
        return;

    case NGX_HTTP_FAAS_LINK_FAILED:
        ngx_http_faas_start_fail(start, 0, &link->text);
        return;

    default: /* CLOSED, TIMEOUT */

        if (start->warm && !link->connected) {

            /* it has gone since: the next spare, or another start */

            ngx_http_faas_start_abandon(start);
            return;
        }

        ngx_http_faas_start_explain(start);
        return;
    }
}


static void
ngx_http_faas_start_booted(ngx_http_faas_start_t *start)
{
    ngx_http_faas_launch_t  *launch;

    launch = start->launch;

    if (ngx_http_faas_instance_booted(&launch->fp->zone, start->inst,
                                      &launch->token)
        != NGX_OK)
    {
        ngx_http_faas_start_abandon(start);
        return;
    }

    launch->runtime->failures = 0;

    ngx_log_error(NGX_LOG_INFO, launch->pool->log, 0,
                  "faas: a loader of runtime \"%V\" stands ready in \"%V\"",
                  &launch->runtime->name, &launch->container);

    ngx_http_faas_start_end(start);
}


/* the loader listens: give it the source as it is now */

static void
ngx_http_faas_start_load(ngx_http_faas_start_t *start)
{
    ngx_int_t                rc;
    ngx_str_t                frame;
    ngx_uint_t               i;
    ngx_http_faas_want_t     want;
    ngx_http_faas_launch_t  *launch;

    launch = start->launch;
    rc = NGX_AGAIN;

    for (i = 0; rc == NGX_AGAIN && i < NGX_HTTP_FAAS_START_READS; i++) {

        if (ngx_http_faas_instance_refresh(&launch->fp->zone, start->inst)
            != NGX_OK)
        {
            ngx_http_faas_start_abandon(start);
            return;
        }

        rc = ngx_http_faas_launch_frame(launch, &want, &frame);

        if (rc == NGX_DECLINED) {

            /* gone, or in another language now: who waits is to look */

            ngx_http_faas_start_abandon(start);
            return;
        }

        if (rc != NGX_OK) {
            ngx_http_faas_start_refuse(start, NGX_HTTP_FAAS_DOCKER_INVALID);
            return;
        }

        rc = ngx_http_faas_instance_loading(&launch->fp->zone, start->inst,
                                            &want);
    }

    if (rc != NGX_OK) {
        ngx_http_faas_start_abandon(start);
        return;
    }

    if (launch->source.settings.error.len) {
        ngx_http_faas_start_unfit(start);
        return;
    }

    start->sent = (uint64_t) ngx_cached_time->sec * 1000
                  + ngx_cached_time->msec;

    ngx_http_faas_resize(launch->fp, &launch->ref, launch->runtime,
                         &launch->source.settings.runtime);

    /* the verdict may come at once, and with it the end of this */

    ngx_http_faas_link_send(&start->link, &frame, launch->runtime->start);
}


/* what its sidecar says is not possible */

static void
ngx_http_faas_start_unfit(ngx_http_faas_start_t *start)
{
    u_char                  *p;
    ngx_str_t                text;
    ngx_http_faas_launch_t  *launch;

    launch = start->launch;

    text = launch->source.settings.error;

    p = ngx_pnalloc(launch->pool, launch->name.len + text.len
                                  + sizeof("the settings of : "));
    if (p) {
        text.data = p;
        text.len = ngx_sprintf(p, "the settings of %V: %V", &launch->name,
                               &launch->source.settings.error)
                   - p;
    }

    ngx_http_faas_start_fail(start, 0, &text);
}


static void
ngx_http_faas_start_ready(ngx_http_faas_start_t *start)
{
    ngx_http_faas_launch_t  *launch;

    launch = start->launch;

    ngx_log_error(NGX_LOG_NOTICE, launch->pool->log, 0,
                  "faas: function \"%V\" is ready in \"%V\"",
                  &launch->name, &launch->container);

    ngx_http_faas_verdict_ready(&launch->fp->zone, start->inst);

    ngx_http_faas_title(launch->fp, start->inst, &launch->ref,
                        &launch->container, launch->source.revision,
                        &launch->name, NGX_HTTP_FAAS_START_TITLE);

    ngx_http_faas_start_end(start);
}


/* no verdict: does it still run, and what did it say? */

static void
ngx_http_faas_start_explain(ngx_http_faas_start_t *start)
{
    ngx_str_t  text;

    if (start->report) {
        return;                         /* closed, and now its time is up */
    }

    start->report = ngx_http_faas_remove(start->launch->fp, NULL,
                                         &start->launch->ref,
                                         ngx_http_faas_start_report, start,
                                         start->sent);

    if (start->report == NULL) {
        ngx_str_set(&text, "nothing is known of its process");
        ngx_http_faas_start_report(start, 0, &text);
    }
}


static void
ngx_http_faas_start_report(void *data, ngx_uint_t running, ngx_str_t *text)
{
    ngx_http_faas_start_t  *start = data;

    u_char     *p;
    ngx_str_t   full;

    start->report = NULL;

    if (!start->link.connected) {
        ngx_http_faas_start_unbooted(start, running, text);
        return;
    }

    if (running && start->link.result == NGX_HTTP_FAAS_LINK_CLOSED) {

        /* after exec() the loader is gone and the server yet to come */

        ngx_http_faas_link_watch(&start->link);
        return;
    }

    full.data = ngx_pnalloc(start->launch->pool, text->len + 128);
    if (full.data == NULL) {
        ngx_http_faas_start_fail(start, 0, text);
        return;
    }

    p = ngx_sprintf(full.data,
                    "the function did not listen on port %d",
                    NGX_HTTP_FAAS_PORT);

    if (start->link.result == NGX_HTTP_FAAS_LINK_TIMEOUT) {
        p = ngx_sprintf(p, " within %M ms", start->launch->runtime->start);
    }

    p = ngx_sprintf(p, ": %V", text);
    full.len = p - full.data;

    (void) ngx_http_faas_runtime_rename(start->launch->pool,
                                        &start->launch->file, &full);

    ngx_http_faas_start_fail(start, 0, &full);
}


/* the loader does not listen: the machine is slow, or the image is wrong */

static void
ngx_http_faas_start_unbooted(ngx_http_faas_start_t *start,
    ngx_uint_t running, ngx_str_t *text)
{
    u_char     line[NGX_HTTP_FAAS_START_LINE];
    ngx_str_t  code;

    if (running && ++start->boots < NGX_HTTP_FAAS_START_BOOTS) {

        /* others need not wait for it, too */

        ngx_http_faas_turn_leave(&start->launch->fp->zone, start->inst);
        ngx_http_faas_link_connect(&start->link, NGX_HTTP_FAAS_START_BOOT);
        return;
    }

    ngx_log_error(NGX_LOG_ERR, start->launch->pool->log, 0,
                  "faas: the loader of runtime \"%V\" does not listen in "
                  "\"%V\": %*s", &start->launch->runtime->name,
                  &start->launch->container,
                  ngx_http_faas_start_line(text, line) - line, line);

    ngx_str_set(&code, "backend_unavailable");
    ngx_http_faas_start_fail(start, NGX_HTTP_SERVICE_UNAVAILABLE, &code);
}


/* the platform is to blame */

static void
ngx_http_faas_start_refuse(ngx_http_faas_start_t *start, ngx_uint_t outcome)
{
    ngx_str_t  text, message;

    ngx_str_null(&message);

    if (start->boot.call.body.len
        && ngx_http_faas_docker_message(start->launch->pool,
                                        &start->boot.call.body, &message)
           != NGX_OK)
    {
        ngx_str_null(&message);
    }

    ngx_log_error(NGX_LOG_ERR, start->launch->pool->log, 0,
                  "faas: start of \"%V\" failed: %V, status %ui, \"%V\"",
                  start->launch->name.len ? &start->launch->name
                                          : &start->launch->container,
                  ngx_http_faas_docker_outcome_name(outcome),
                  start->boot.call.status, &message);

    if (outcome == NGX_HTTP_FAAS_DOCKER_NO_IMAGE) {
        ngx_str_set(&text, "image_not_available");

    } else {
        ngx_str_set(&text, "backend_unavailable");
    }

    ngx_http_faas_start_fail(start, NGX_HTTP_SERVICE_UNAVAILABLE, &text);
}


static void
ngx_http_faas_start_fail(ngx_http_faas_start_t *start, ngx_uint_t status,
    ngx_str_t *text)
{
    u_char                   line[NGX_HTTP_FAAS_START_LINE];
    ngx_uint_t               kept;
    ngx_http_faas_launch_t  *launch;

    launch = start->launch;

    kept = ngx_http_faas_verdict_fail(&launch->fp->zone, start->inst, status,
                                      text);

    if (launch->name.len == 0) {

        ngx_http_faas_runtime_pause(launch->runtime);

    } else if (kept || status == 0) {
        ngx_log_error(NGX_LOG_ERR, launch->pool->log, 0,
                      "faas: %sfunction \"%V\" did not start in \"%V\"%s: "
                      "%*s", kept ? "the new revision of " : "",
                      &launch->name, &launch->container,
                      kept ? ", the old one serves on" : "",
                      ngx_http_faas_start_line(text, line) - line, line);
    }

    ngx_http_faas_start_drop(start);
}


/* what a function wrote, on one line of the log; the reason is at its end */

static u_char *
ngx_http_faas_start_line(ngx_str_t *text, u_char *line)
{
    u_char  *last;
    size_t   len;

    len = ngx_min(text->len, NGX_HTTP_FAAS_START_LINE);

    last = ngx_cpymem(line, text->data + text->len - len, len);

    ngx_http_faas_utf8_line(line, last);

    return last;
}


/* who waits for it is to try with another one */

static void
ngx_http_faas_start_abandon(ngx_http_faas_start_t *start)
{
    ngx_http_faas_verdict_abandon(&start->launch->fp->zone, start->inst);
    ngx_http_faas_start_drop(start);
}


/* the instance is claimed for removal, if there is anything to remove */

static void
ngx_http_faas_start_drop(ngx_http_faas_start_t *start)
{
    ngx_http_faas_pool_t  *fp;

    fp = start->launch->fp;

    if (!start->boot.made && !start->boot.doubt) {
        ngx_http_faas_instance_removed(&fp->zone, start->inst, 1);

    } else if (ngx_http_faas_remove_start(fp, start->inst, start->boot.doubt)
               != NGX_OK)
    {
        ngx_http_faas_instance_removed(&fp->zone, start->inst, 0);
    }

    ngx_http_faas_start_end(start);
}


static void
ngx_http_faas_start_end(ngx_http_faas_start_t *start)
{
    ngx_http_faas_link_close(&start->link);

    if (start->boot.timer.timer_set) {
        ngx_del_timer(&start->boot.timer);
    }

    if (start->report) {
        ngx_http_faas_remove_forget(start->report);
    }

    ngx_queue_remove(&start->queue);
    ngx_destroy_pool(start->launch->pool);
}


ngx_int_t
ngx_http_faas_start_detach(ngx_http_faas_pool_t *fp, ngx_http_request_t *r)
{
    ngx_int_t               rc;
    ngx_queue_t            *q, *next;
    ngx_http_faas_start_t  *start;

    rc = NGX_OK;

    for (q = ngx_queue_head(&fp->starts);
         q != ngx_queue_sentinel(&fp->starts);
         q = next)
    {
        next = ngx_queue_next(q);
        start = ngx_queue_data(q, ngx_http_faas_start_t, queue);

        if (start->boot.request == r && start->boot.call.transport) {
            ngx_http_faas_subrequest_interrupt(&start->boot.call);
            rc = NGX_AGAIN;
        }
    }

    return rc;
}


void
ngx_http_faas_start_check(ngx_http_faas_pool_t *fp)
{
    ngx_queue_t            *q, *next;
    ngx_http_faas_start_t  *start;

    for (q = ngx_queue_head(&fp->starts);
         q != ngx_queue_sentinel(&fp->starts);
         q = next)
    {
        next = ngx_queue_next(q);
        start = ngx_queue_data(q, ngx_http_faas_start_t, queue);

        /* a call under way ends by itself, and then looks */

        if (start->boot.call.transport) {
            continue;
        }

        if (start->link.handler == NULL) {
            ngx_http_faas_boot_check(&start->boot);

        } else if (ngx_http_faas_instance_wanted(&fp->zone, start->inst)
                   != NGX_OK)
        {
            ngx_http_faas_start_abandon(start);
        }
    }
}


void
ngx_http_faas_start_exit_process(ngx_http_faas_pool_t *fp)
{
    ngx_queue_t  *q;

    while (!ngx_queue_empty(&fp->starts)) {
        q = ngx_queue_head(&fp->starts);

        ngx_http_faas_start_end(ngx_queue_data(q, ngx_http_faas_start_t,
                                               queue));
    }
}
