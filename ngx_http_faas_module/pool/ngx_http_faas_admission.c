
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Owns the way of a request to a slot, in its own worker: finds the file,
 * asks the zone, starts an instance when it is the first, and is woken by
 * the worker's bell.
 */


#include "ngx_http_faas_admission.h"
#include "ngx_http_faas_container.h"
#include "ngx_http_faas_keeper.h"
#include "ngx_http_faas_source.h"
#include "ngx_http_faas_start.h"
#include "ngx_http_faas_verdict.h"


#define NGX_HTTP_FAAS_ADMISSION_READS    8    /* of a source that changes */
#define NGX_HTTP_FAAS_ADMISSION_REPORTS  8    /* at a time, of a worker */


static ngx_int_t ngx_http_faas_admission_ask(ngx_http_faas_admission_t *adm,
    ngx_http_request_t *r);
static ngx_int_t ngx_http_faas_admission_acquire(
    ngx_http_faas_admission_t *adm, ngx_http_faas_want_t *want,
    ngx_http_faas_instance_t **inst);
static ngx_int_t ngx_http_faas_admission_sidecar(
    ngx_http_faas_admission_t *adm, ngx_http_faas_want_t *want);
static ngx_int_t ngx_http_faas_admission_read(ngx_http_faas_admission_t *adm,
    ngx_http_faas_want_t *want, u_char *revision);
static ngx_int_t ngx_http_faas_admission_look(
    ngx_http_faas_admission_t *adm);
static ngx_int_t ngx_http_faas_admission_admitted(
    ngx_http_faas_admission_t *adm);
static ngx_int_t ngx_http_faas_admission_refuse(
    ngx_http_faas_admission_t *adm, ngx_uint_t status, char *code);
static void ngx_http_faas_admission_bell_handler(ngx_event_t *ev);


ngx_int_t
ngx_http_faas_admission(ngx_http_faas_admission_t *adm)
{
    if (adm->lease) {
        return ngx_http_faas_admission_look(adm);
    }

    return ngx_http_faas_admission_ask(adm, adm->request);
}


ngx_int_t
ngx_http_faas_admission_warm(ngx_http_faas_admission_t *adm)
{
    ngx_int_t  rc;

    rc = ngx_http_faas_admission_ask(adm, NULL);

    ngx_http_faas_admission_release(adm);

    return (rc == NGX_AGAIN) ? NGX_OK : rc;
}


static ngx_int_t
ngx_http_faas_admission_ask(ngx_http_faas_admission_t *adm,
    ngx_http_request_t *r)
{
    ngx_int_t                  rc;
    ngx_http_faas_want_t       want;
    ngx_http_faas_instance_t  *inst;

    rc = ngx_http_faas_pool_find(adm->fp, adm->request->pool,
                                 adm->request->connection->log, &adm->name,
                                 &adm->path, &adm->runtime, &want.identity);
    if (rc == NGX_DECLINED) {

        /* it may have been there a moment ago */

        ngx_http_faas_verdict_forget(&adm->fp->zone, &adm->name);
        ngx_http_faas_remove_dead(adm->fp, NULL);

        return ngx_http_faas_admission_refuse(adm, NGX_HTTP_NOT_FOUND,
                                              "function_not_found");
    }

    if (rc != NGX_OK) {
        return NGX_ERROR;
    }

    want.name = adm->name;
    want.kind = adm->runtime->kind;
    want.policy = adm->fp->policy;

    rc = ngx_http_faas_admission_acquire(adm, &want, &inst);

    if (rc == NGX_OK || rc == NGX_DONE || rc == NGX_AGAIN) {
        adm->scale = want.scale;
    }

    /* a new revision may have ended instances of the old one */

    ngx_http_faas_remove_dead(adm->fp, NULL);

    switch (rc) {

    case NGX_OK:
        adm->seat = want.seat;
        return ngx_http_faas_admission_admitted(adm);

    case NGX_DONE:
        ngx_http_faas_start(adm->fp, adm->background ? NULL : r, inst,
                            adm->runtime, &adm->name, &adm->path);
        return NGX_AGAIN;

    case NGX_AGAIN:
        return NGX_AGAIN;

    case NGX_BUSY:
        ngx_log_error(NGX_LOG_ERR, adm->request->connection->log, 0,
                      "faas: no instance is left in the zone");
        return ngx_http_faas_admission_refuse(adm,
                                              NGX_HTTP_SERVICE_UNAVAILABLE,
                                              "no_capacity");

    case NGX_DECLINED:
        return ngx_http_faas_admission_refuse(adm, NGX_HTTP_NOT_FOUND,
                                              "function_not_found");

    case NGX_ABORT:
        ngx_log_error(NGX_LOG_WARN, adm->request->connection->log, 0,
                      "faas: the queue of function \"%V\" is full",
                      &adm->name);
        return ngx_http_faas_admission_refuse(adm,
                                              NGX_HTTP_SERVICE_UNAVAILABLE,
                                              "no_capacity");

    case NGX_HTTP_INTERNAL_SERVER_ERROR: /* an unreadable source, logged */
        return ngx_http_faas_admission_refuse(adm,
                                              NGX_HTTP_INTERNAL_SERVER_ERROR,
                                              "internal_error");

    default:
        ngx_log_error(NGX_LOG_ERR, adm->request->connection->log, 0,
                      "faas: no memory in the zone");
        return ngx_http_faas_admission_refuse(adm,
                                              NGX_HTTP_SERVICE_UNAVAILABLE,
                                              "no_capacity");
    }
}


static ngx_int_t
ngx_http_faas_admission_acquire(ngx_http_faas_admission_t *adm,
    ngx_http_faas_want_t *want, ngx_http_faas_instance_t **inst)
{
    u_char       revision[NGX_HTTP_FAAS_REVISION_LEN];
    ngx_int_t    rc;
    ngx_uint_t   i;

    want->revision = NULL;
    want->racy = 0;
    want->looked = 0;

    rc = ngx_http_faas_lease_acquire(&adm->fp->zone, want, adm, &adm->lease,
                                     inst);

    /* the files are not those that are known: what is in them now? */

    for (i = 0; rc == NGX_DECLINED && i < NGX_HTTP_FAAS_ADMISSION_READS; i++)
    {
        rc = want->looked ? ngx_http_faas_admission_read(adm, want, revision)
                          : ngx_http_faas_admission_sidecar(adm, want);

        if (rc != NGX_OK) {
            return rc;
        }

        rc = ngx_http_faas_lease_acquire(&adm->fp->zone, want, adm,
                                         &adm->lease, inst);
    }

    return (rc == NGX_DECLINED) ? NGX_ERROR : rc;
}


static ngx_int_t
ngx_http_faas_admission_sidecar(ngx_http_faas_admission_t *adm,
    ngx_http_faas_want_t *want)
{
    want->looked = 1;

    return ngx_http_faas_source_look(adm->request->pool,
                                     adm->request->connection->log,
                                     &adm->path, adm->runtime,
                                     &want->sidecar);
}


static ngx_int_t
ngx_http_faas_admission_read(ngx_http_faas_admission_t *adm,
    ngx_http_faas_want_t *want, u_char *revision)
{
    ngx_int_t                rc;
    ngx_pool_t              *pool;
    ngx_http_faas_source_t   source;

    pool = ngx_create_pool(1024, adm->request->connection->log);
    if (pool == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_http_faas_source_read(adm->fp, pool,
                                   adm->request->connection->log, &adm->path,
                                   adm->runtime, &source);

    ngx_destroy_pool(pool);

    if (rc != NGX_OK) {
        return (rc == NGX_DECLINED) ? NGX_DECLINED
                                    : NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_http_faas_source_want(&source, adm->fp, want);

    ngx_memcpy(revision, source.revision, NGX_HTTP_FAAS_REVISION_LEN);
    want->revision = revision;

    return NGX_OK;
}


/* how the lease stands; another process may be changing it right now */

static ngx_int_t
ngx_http_faas_admission_look(ngx_http_faas_admission_t *adm)
{
    ngx_uint_t               state;
    ngx_http_faas_report_t  *report;

    ngx_http_faas_zone_lock(&adm->fp->zone);

    state = adm->lease->state;
    report = adm->lease->report;

    if (state == NGX_HTTP_FAAS_LEASE_HELD && !adm->admitted) {

        if (adm->lease->instance->gone) {
            state = NGX_HTTP_FAAS_LEASE_RETRY;

        } else {
            ngx_http_faas_lease_seat(adm->lease, &adm->seat);
        }
    }

    ngx_http_faas_zone_unlock(&adm->fp->zone);

    switch (state) {

    case NGX_HTTP_FAAS_LEASE_WAITING:
        return NGX_AGAIN;

    case NGX_HTTP_FAAS_LEASE_HELD:
        return adm->admitted ? NGX_OK
                             : ngx_http_faas_admission_admitted(adm);

    case NGX_HTTP_FAAS_LEASE_FAILED:
        break;

    default: /* RETRY, LOST before it was used, or its process ended */
        ngx_http_faas_admission_release(adm);
        return ngx_http_faas_admission_ask(adm, adm->request);
    }

    /* the report is ours to read as long as we hold the lease */

    if (report == NULL) {
        ngx_http_faas_admission_release(adm);
        return ngx_http_faas_admission_refuse(adm,
                                              NGX_HTTP_SERVICE_UNAVAILABLE,
                                              "no_capacity");
    }

    adm->status = report->status;
    adm->reason.len = report->len;

    adm->reason.data = ngx_pnalloc(adm->request->pool, report->len + 1);

    if (adm->reason.data) {
        ngx_memcpy(adm->reason.data, report->data, report->len);
    }

    ngx_http_faas_admission_release(adm);

    return adm->reason.data ? NGX_DECLINED : NGX_ERROR;
}


/* all that is needed was copied when the slot was looked at: no lock */

static ngx_int_t
ngx_http_faas_admission_admitted(ngx_http_faas_admission_t *adm)
{
    in_addr_t  address;

    address = ngx_http_faas_pool_address(adm->fp, adm->seat.slot);

    adm->single = (adm->seat.concurrency == 1);

    adm->container.len = NGX_HTTP_FAAS_ID_LEN;
    adm->container.data = adm->seat.id;

    adm->sockaddr.sin_family = AF_INET;
    adm->sockaddr.sin_port = htons(NGX_HTTP_FAAS_PORT);
    adm->sockaddr.sin_addr.s_addr = htonl(address);

    adm->peer.data = adm->text;
    adm->peer.len = ngx_http_faas_pool_peer(address, adm->text);

    adm->since = (uint64_t) ngx_cached_time->sec * 1000
                 + ngx_cached_time->msec;
    adm->admitted = 1;

    return NGX_OK;
}


static ngx_int_t
ngx_http_faas_admission_refuse(ngx_http_faas_admission_t *adm,
    ngx_uint_t status, char *code)
{
    adm->status = status;
    adm->reason.data = (u_char *) code;
    adm->reason.len = ngx_strlen(code);

    return NGX_DECLINED;
}


void
ngx_http_faas_admission_release(ngx_http_faas_admission_t *adm)
{
    ngx_http_faas_lease_t  *lease;

    lease = adm->lease;
    adm->lease = NULL;
    adm->admitted = 0;

    if (lease == NULL) {
        return;
    }

    ngx_http_faas_lease_release(&adm->fp->zone, lease);
    ngx_http_faas_remove_dead(adm->fp, NULL);
}


void
ngx_http_faas_admission_expire(ngx_http_faas_admission_t *adm)
{
    ngx_http_faas_lease_t  *lease;

    lease = adm->lease;
    adm->lease = NULL;
    adm->admitted = 0;

    if (lease == NULL) {
        return;
    }

    ngx_http_faas_lease_expire(&adm->fp->zone, lease);
    ngx_http_faas_remove_dead(adm->fp, NULL);
}


ngx_http_faas_remove_t *
ngx_http_faas_admission_condemn(ngx_http_faas_admission_t *adm,
    ngx_http_faas_remove_report_pt report, void *data)
{
    ngx_http_faas_lease_t     *lease;
    ngx_http_faas_remove_t    *job;
    ngx_http_faas_instance_t  *inst;

    lease = adm->lease;
    adm->lease = NULL;
    adm->admitted = 0;

    if (lease == NULL) {
        return NULL;
    }

    inst = ngx_http_faas_lease_condemn(&adm->fp->zone, lease);

    /* of one that dies with many calls not each asks the engine why */

    if (inst == NULL
        && (report == NULL
            || adm->fp->reports >= NGX_HTTP_FAAS_ADMISSION_REPORTS))
    {
        return NULL;
    }

    job = ngx_http_faas_remove(adm->fp, inst, &adm->container, report, data,
                               adm->since);

    if (job == NULL && inst) {
        ngx_http_faas_instance_removed(&adm->fp->zone, inst, 0);
    }

    return job;
}


ngx_int_t
ngx_http_faas_admission_init_process(ngx_http_faas_pool_t *fp,
    ngx_cycle_t *cycle)
{
    int                fd;
    ngx_connection_t  *c;

    fd = ngx_http_faas_worker_eventfd(&fp->zone);

    if (fd == -1) {
        return NGX_DECLINED;
    }

    c = ngx_get_connection(fd, cycle->log);
    if (c == NULL) {
        return NGX_ERROR;
    }

    c->data = fp;
    c->log = cycle->log;
    c->read->log = cycle->log;
    c->read->handler = ngx_http_faas_admission_bell_handler;

    /* not read, where each write is an edge */

    if (ngx_add_event(c->read, NGX_READ_EVENT, NGX_CLEAR_EVENT) != NGX_OK) {
        ngx_free_connection(c);
        return NGX_ERROR;
    }

    fp->bell = c;

    return NGX_OK;
}


void
ngx_http_faas_admission_exit_process(ngx_http_faas_pool_t *fp)
{
    if (fp->bell) {
        ngx_close_connection(fp->bell);
        fp->bell = NULL;
    }
}


static void
ngx_http_faas_admission_bell_handler(ngx_event_t *ev)
{
    uint64_t           n;
    ngx_connection_t  *c;

    c = ev->data;
    ev->ready = 0;

    if (!(ngx_event_flags & NGX_USE_CLEAR_EVENT)
        && read(c->fd, &n, sizeof(uint64_t)) == -1
        && ngx_errno != NGX_EAGAIN)
    {
        ngx_log_error(NGX_LOG_ALERT, ev->log, ngx_errno,
                      "faas: read() of eventfd failed");
    }

    /* a shutdown calls every connection, to which we have nothing to add */

    ngx_http_faas_admission_poll(c->data);
    ngx_http_faas_keeper_poll(c->data);
}


void
ngx_http_faas_admission_poll(ngx_http_faas_pool_t *fp)
{
    ngx_queue_t                *q;
    ngx_http_faas_lease_t      *lease;
    ngx_http_faas_listener_t   *listener;
    ngx_http_faas_admission_t  *adm;

    ngx_http_faas_start_check(fp);

    for ( ;; ) {
        lease = ngx_http_faas_worker_next(&fp->zone);

        if (lease == NULL) {
            break;
        }

        adm = lease->data;
        adm->handler(adm);
    }

    for (q = ngx_queue_head(&fp->listeners);
         q != ngx_queue_sentinel(&fp->listeners);
         q = ngx_queue_next(q))
    {
        listener = ngx_queue_data(q, ngx_http_faas_listener_t, queue);
        listener->handler(listener->data);
    }
}
