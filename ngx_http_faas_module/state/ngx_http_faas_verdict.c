
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Owns what a start, or the loss of a source, means to those who wait for the
 * function: whom it lets in, whom it sends away, and which version serves.
 */


#include "ngx_http_faas_verdict.h"


static void ngx_http_faas_verdict_report(ngx_http_faas_zone_t *zone,
    ngx_http_faas_function_t *fn, ngx_uint_t status, ngx_str_t *text);
static void ngx_http_faas_verdict_fallback(ngx_http_faas_zone_t *zone,
    ngx_http_faas_function_t *fn, ngx_http_faas_instance_t *old);


void
ngx_http_faas_verdict_ready(ngx_http_faas_zone_t *zone,
    ngx_http_faas_instance_t *inst)
{
    ngx_http_faas_function_t  *fn;

    ngx_http_faas_zone_lock(zone);

    inst->owner = 0;

    if (inst->state == NGX_HTTP_FAAS_LOADING) {
        ngx_http_faas_instance_set(zone, inst, NGX_HTTP_FAAS_READY);

        fn = inst->function;
        fn->pinned = 1;

        /* first the waiters, for one that is outdated may have been for them */

        ngx_http_faas_lease_serve(zone, fn);
        ngx_http_faas_function_outdate(zone, fn,
                              ngx_http_faas_function_newest(fn)->version);

        fn->pinned = 0;
        ngx_http_faas_instance_orphans(zone, fn);
        ngx_http_faas_function_release(zone, fn);
    }

    ngx_http_faas_zone_unlock(zone);
}


static void
ngx_http_faas_verdict_report(ngx_http_faas_zone_t *zone,
    ngx_http_faas_function_t *fn, ngx_uint_t status, ngx_str_t *text)
{
    ngx_queue_t             *q;
    ngx_http_faas_lease_t   *lease;
    ngx_http_faas_report_t  *report;

    report = NULL;

    while (!ngx_queue_empty(&fn->waiting)) {
        q = ngx_queue_head(&fn->waiting);
        lease = ngx_queue_data(q, ngx_http_faas_lease_t, queue);

        ngx_http_faas_lease_leave(lease);

        if (report == NULL) {
            report = ngx_http_faas_zone_alloc(zone,
                                     offsetof(ngx_http_faas_report_t, data)
                                     + text->len);

            if (report) {
                report->refs = 0;
                report->status = status;
                report->len = text->len;
                ngx_memcpy(report->data, text->data, text->len);
            }
        }

        if (report) {
            report->refs++;
        }

        lease->report = report;
        lease->state = NGX_HTTP_FAAS_LEASE_FAILED;

        ngx_http_faas_worker_notify(zone, lease);
    }
}


ngx_uint_t
ngx_http_faas_verdict_fail(ngx_http_faas_zone_t *zone,
    ngx_http_faas_instance_t *inst, ngx_uint_t status, ngx_str_t *text)
{
    ngx_uint_t                 kept, coming;
    ngx_http_faas_function_t  *fn;
    ngx_http_faas_instance_t  *old;

    kept = 0;

    ngx_http_faas_zone_lock(zone);

    fn = inst->function;

    if (fn == NULL) {
        goto done;
    }

    fn->pinned = 1;

    if (status == 0
        && inst->state == NGX_HTTP_FAAS_LOADING
        && inst->version != fn->version)
    {
        /* the source changed meanwhile: who waits is to ask again */

        ngx_http_faas_lease_serve(zone, fn);
        fn->pinned = 0;
        goto done;
    }

    old = ngx_http_faas_function_newest(fn);

    if (old && old->version == fn->version) {

        /* it was only to be one more: the others go on */

        fn->pinned = 0;
        goto done;
    }

    (void) ngx_http_faas_function_live(fn, fn->version, &coming);

    if (status && coming > fn->scale.concurrency) {

        /* nor is it the source: who waits may be served by another one */

        fn->pinned = 0;
        goto done;
    }

    if (status == 0) {
        fn->failed = fn->version;
    }

    if (old && zone->keep) {
        kept = 1;
        ngx_http_faas_verdict_fallback(zone, fn, old);

    } else {
        ngx_http_faas_verdict_report(zone, fn, status, text);

        if (status == 0) {
            ngx_http_faas_function_outdate(zone, fn, fn->version);
        }
    }

    fn->pinned = 0;

done:

    /* the function goes with it if nothing else is left of that */

    ngx_http_faas_instance_set(zone, inst, NGX_HTTP_FAAS_DEAD);
    ngx_http_faas_instance_set(zone, inst, NGX_HTTP_FAAS_REMOVING);

    ngx_http_faas_zone_unlock(zone);

    return kept;
}


/* the new version does not start: the old one is good enough for all */

static void
ngx_http_faas_verdict_fallback(ngx_http_faas_zone_t *zone,
    ngx_http_faas_function_t *fn, ngx_http_faas_instance_t *old)
{
    ngx_queue_t            *q;
    ngx_http_faas_lease_t  *lease;

    for (q = ngx_queue_head(&fn->waiting);
         q != ngx_queue_sentinel(&fn->waiting);
         q = ngx_queue_next(q))
    {
        lease = ngx_queue_data(q, ngx_http_faas_lease_t, queue);
        lease->version = ngx_min(lease->version, old->version);
    }

    ngx_http_faas_lease_serve(zone, fn);
}


void
ngx_http_faas_verdict_abandon(ngx_http_faas_zone_t *zone,
    ngx_http_faas_instance_t *inst)
{
    ngx_http_faas_zone_lock(zone);

    ngx_http_faas_instance_set(zone, inst, NGX_HTTP_FAAS_DEAD);
    ngx_http_faas_instance_set(zone, inst, NGX_HTTP_FAAS_REMOVING);

    ngx_http_faas_zone_unlock(zone);
}


void
ngx_http_faas_verdict_forget(ngx_http_faas_zone_t *zone, ngx_str_t *name)
{
    ngx_str_t                  text;
    ngx_queue_t               *q, *next;
    ngx_http_faas_function_t  *fn;
    ngx_http_faas_instance_t  *inst;

    ngx_http_faas_zone_lock(zone);

    fn = ngx_http_faas_function_find(zone, name);

    if (fn == NULL) {
        ngx_http_faas_zone_unlock(zone);
        return;
    }

    fn->pinned = 1;
    fn->known = 0;
    fn->failed = 0;

    ngx_str_set(&text, "function_not_found");
    ngx_http_faas_verdict_report(zone, fn, NGX_HTTP_NOT_FOUND, &text);

    for (q = ngx_queue_head(&fn->instances);
         q != ngx_queue_sentinel(&fn->instances);
         q = next)
    {
        next = ngx_queue_next(q);
        inst = ngx_queue_data(q, ngx_http_faas_instance_t, queue);

        if (inst->state == NGX_HTTP_FAAS_CREATING
            || inst->state == NGX_HTTP_FAAS_LOADING)
        {
            ngx_http_faas_instance_set(zone, inst, NGX_HTTP_FAAS_DEAD);
            ngx_http_faas_worker_wake(zone, inst->owner);
            continue;
        }

        ngx_http_faas_instance_drain(zone, inst);
    }

    fn->pinned = 0;
    ngx_http_faas_function_release(zone, fn);

    ngx_http_faas_zone_unlock(zone);
}
