
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Owns one start, from an empty slot to a function that listens.  Every step
 * may be repeated: the container's name is of slot and generation, so what
 * an answer got lost of is found again as a conflict.  The memory is a pool
 * of the start's own, which lives until the loader's verdict.
 *
 *   PING -> NETWORK_CREATE [-> NETWORK_INSPECT]    once for a zone
 *        -> CREATE -> START -> link: frame, verdict
 */


#include "ngx_http_faas_start.h"
#include "ngx_http_faas_keeper.h"
#include "ngx_http_faas_launch.h"
#include "ngx_http_faas_link.h"
#include "ngx_http_faas_remove.h"
#include "ngx_http_faas_subrequest.h"


#define NGX_HTTP_FAAS_START_BOOT    2000        /* ms, a loader to listen */
#define NGX_HTTP_FAAS_START_BOOTS   8           /* so often, while it runs */
#define NGX_HTTP_FAAS_START_PAUSE   100         /* ms, between two tries */
#define NGX_HTTP_FAAS_START_TRIES   30


typedef struct {
    ngx_queue_t                      queue;     /* fp->starts */
    ngx_http_faas_launch_t           launch;    /* what is to be started */
    ngx_http_faas_instance_t        *inst;
    ngx_http_request_t              *request;   /* carries calls, or NULL */
    ngx_http_faas_call_t             call;
    ngx_uint_t                       step;      /* of docker_call_e */
    ngx_uint_t                       tries;
    ngx_uint_t                       boots;
    ngx_http_faas_link_t             link;
    ngx_connection_t                 dummy;     /* of the timer */
    ngx_event_t                      timer;
    ngx_http_faas_remove_t          *report;
    uint64_t                         sent;      /* the frame, ms of epoch */
    unsigned                         made:1;    /* there is a container */
    unsigned                         doubt:1;   /* or there will be one */
    unsigned                         renewed:1; /* asked the engine anew */
} ngx_http_faas_start_t;


static void ngx_http_faas_start_step(ngx_http_faas_start_t *start);
static void ngx_http_faas_start_handler(ngx_http_faas_call_t *call);
static void ngx_http_faas_start_answer(ngx_http_faas_start_t *start,
    ngx_uint_t outcome);
static void ngx_http_faas_start_network(ngx_http_faas_start_t *start,
    ngx_uint_t outcome);
static void ngx_http_faas_start_container(ngx_http_faas_start_t *start,
    ngx_uint_t outcome);
static void ngx_http_faas_start_renew(ngx_http_faas_start_t *start,
    ngx_uint_t outcome);
static void ngx_http_faas_start_retry(ngx_http_faas_start_t *start,
    ngx_uint_t outcome);
static void ngx_http_faas_start_timer_handler(ngx_event_t *ev);
static void ngx_http_faas_start_connect(ngx_http_faas_start_t *start);
static void ngx_http_faas_start_link_handler(ngx_http_faas_link_t *link);
static void ngx_http_faas_start_load(ngx_http_faas_start_t *start);
static void ngx_http_faas_start_explain(ngx_http_faas_start_t *start);
static void ngx_http_faas_start_report(void *data, ngx_uint_t running,
    ngx_str_t *text);
static void ngx_http_faas_start_unbooted(ngx_http_faas_start_t *start,
    ngx_uint_t running, ngx_str_t *text);
static void ngx_http_faas_start_refuse(ngx_http_faas_start_t *start,
    ngx_uint_t outcome);
static void ngx_http_faas_start_fail(ngx_http_faas_start_t *start,
    ngx_uint_t status, ngx_str_t *text);
static void ngx_http_faas_start_end(ngx_http_faas_start_t *start);


void
ngx_http_faas_start(ngx_http_faas_pool_t *fp, ngx_http_request_t *r,
    ngx_http_faas_instance_t *inst, ngx_http_faas_runtime_t *runtime,
    ngx_str_t *name, ngx_str_t *path)
{
    ngx_str_t               text;
    ngx_pool_t             *pool;
    ngx_http_faas_start_t  *start;

    start = NULL;

    pool = ngx_create_pool(4096, ngx_cycle->log);

    if (pool) {
        start = ngx_pcalloc(pool, sizeof(ngx_http_faas_start_t));
    }

    if (start == NULL
        || ngx_http_faas_launch_init(&start->launch, fp, pool, inst, runtime,
                                     name, path)
           != NGX_OK)
    {
        ngx_str_set(&text, "unavailable");
        ngx_http_faas_lease_fail(&fp->zone, inst,
                                 NGX_HTTP_SERVICE_UNAVAILABLE, &text);
        ngx_http_faas_instance_removed(&fp->zone, inst, 1);

        if (pool) {
            ngx_destroy_pool(pool);
        }

        return;
    }

    start->inst = inst;
    start->request = r;

    start->dummy.fd = (ngx_socket_t) -1;
    start->timer.handler = ngx_http_faas_start_timer_handler;
    start->timer.data = &start->dummy;
    start->timer.log = pool->log;

    start->step = fp->zone.sh->engine_ready ? NGX_HTTP_FAAS_DOCKER_CREATE
                                            : NGX_HTTP_FAAS_DOCKER_PING;
    ngx_queue_insert_tail(&fp->starts, &start->queue);
    ngx_http_faas_start_step(start);
}


/* sends the call of the present step */

static void
ngx_http_faas_start_step(ngx_http_faas_start_t *start)
{
    ngx_int_t              rc;
    ngx_http_request_t    *r;
    ngx_http_faas_call_t  *call;
    ngx_http_faas_pool_t  *fp;

    fp = start->launch.fp;

    if (ngx_http_faas_instance_wanted(&fp->zone, start->inst) != NGX_OK) {
        ngx_http_faas_start_fail(start, 0, NULL);
        return;
    }

    call = &start->call;
    ngx_memzero(call, sizeof(ngx_http_faas_call_t));

    call->pool = start->launch.pool;
    call->log = start->launch.pool->log;
    call->handler = ngx_http_faas_start_handler;
    call->data = start;

    if (ngx_http_faas_launch_request(&start->launch, start->step, call)
        != NGX_OK)
    {
        ngx_http_faas_start_refuse(start, NGX_HTTP_FAAS_DOCKER_INVALID);
        return;
    }

    r = start->request;
    rc = NGX_ERROR;

    if (r) {
        rc = ngx_http_faas_pool_call(fp, r, call);
    }

    if (rc != NGX_OK) {
        start->request = NULL;
        rc = ngx_http_faas_pool_call(fp, NULL, call);
    }

    if (rc != NGX_OK) {
        ngx_http_faas_start_refuse(start, NGX_HTTP_FAAS_DOCKER_ENGINE);
    }
}


static void
ngx_http_faas_start_handler(ngx_http_faas_call_t *call)
{
    ngx_http_faas_start_t  *start;

    start = call->data;

    if (call->interrupted) {

        /* the request is gone, the engine may have done it all the same */

        start->request = NULL;
        start->doubt |= (start->step == NGX_HTTP_FAAS_DOCKER_CREATE);

        ngx_http_faas_start_step(start);
        return;
    }

    if (call->status == 0) {
        start->doubt |= (start->step == NGX_HTTP_FAAS_DOCKER_CREATE);
        ngx_http_faas_start_refuse(start, NGX_HTTP_FAAS_DOCKER_ENGINE);
        return;
    }

    ngx_http_faas_start_answer(start,
                               ngx_http_faas_docker_outcome(start->step,
                                                            call->status,
                                                            &call->body));
}


static void
ngx_http_faas_start_answer(ngx_http_faas_start_t *start, ngx_uint_t outcome)
{
    switch (start->step) {

    case NGX_HTTP_FAAS_DOCKER_PING:

        if (outcome != NGX_HTTP_FAAS_DOCKER_OK
            || ngx_http_faas_pool_negotiate(start->launch.fp,
                                            &start->call.api)
               != NGX_OK)
        {
            ngx_http_faas_start_refuse(start, NGX_HTTP_FAAS_DOCKER_VERSION);
            return;
        }

        start->step = NGX_HTTP_FAAS_DOCKER_NETWORK_CREATE;
        ngx_http_faas_start_step(start);
        break;

    case NGX_HTTP_FAAS_DOCKER_NETWORK_CREATE:
    case NGX_HTTP_FAAS_DOCKER_NETWORK_INSPECT:
        ngx_http_faas_start_network(start, outcome);
        break;

    default:
        ngx_http_faas_start_container(start, outcome);
    }
}


static void
ngx_http_faas_start_network(ngx_http_faas_start_t *start, ngx_uint_t outcome)
{
    if (start->step == NGX_HTTP_FAAS_DOCKER_NETWORK_CREATE) {

        if (outcome == NGX_HTTP_FAAS_DOCKER_ADDRESS
            && ngx_http_faas_launch_next_subnet(&start->launch) == NGX_OK)
        {
            ngx_http_faas_start_step(start);
            return;
        }

        if (outcome != NGX_HTTP_FAAS_DOCKER_OK
            && outcome != NGX_HTTP_FAAS_DOCKER_CONFLICT
            && outcome != NGX_HTTP_FAAS_DOCKER_INVALID)
        {
            ngx_http_faas_start_refuse(start, outcome);
            return;
        }

        /*
         * Made now or found: take what it is, not what was asked for.  Who
         * makes it at the same time is told of an interface that is there.
         */

        start->step = NGX_HTTP_FAAS_DOCKER_NETWORK_INSPECT;
        ngx_http_faas_start_step(start);
        return;
    }

    if (outcome == NGX_HTTP_FAAS_DOCKER_NO_NETWORK
        || outcome == NGX_HTTP_FAAS_DOCKER_GONE)
    {
        ngx_http_faas_start_retry(start, outcome);
        return;
    }

    if (outcome != NGX_HTTP_FAAS_DOCKER_OK
        || ngx_http_faas_launch_network(&start->launch, &start->call.body)
           != NGX_OK)
    {
        ngx_http_faas_start_refuse(start, outcome);
        return;
    }

    start->step = NGX_HTTP_FAAS_DOCKER_CREATE;
    ngx_http_faas_start_step(start);
}


static void
ngx_http_faas_start_container(ngx_http_faas_start_t *start,
    ngx_uint_t outcome)
{
    if (start->step == NGX_HTTP_FAAS_DOCKER_CREATE) {

        switch (outcome) {

        case NGX_HTTP_FAAS_DOCKER_OK:
        case NGX_HTTP_FAAS_DOCKER_CONFLICT:
            start->made = 1;
            start->step = NGX_HTTP_FAAS_DOCKER_START;
            ngx_http_faas_start_step(start);
            return;

        case NGX_HTTP_FAAS_DOCKER_VERSION:
            ngx_http_faas_start_renew(start, outcome);
            return;

        default:
            ngx_http_faas_start_refuse(start, outcome);
            return;
        }
    }

    switch (outcome) {

    case NGX_HTTP_FAAS_DOCKER_OK:
        start->doubt = 0;
        ngx_http_faas_start_connect(start);
        return;

    case NGX_HTTP_FAAS_DOCKER_ADDRESS:  /* a stray has it */
        ngx_http_faas_keeper_recall(start->launch.fp);
        /* fall through */

    case NGX_HTTP_FAAS_DOCKER_GONE:     /* an interrupted create goes on */
        ngx_http_faas_start_retry(start, outcome);
        return;

    case NGX_HTTP_FAAS_DOCKER_VERSION:
    case NGX_HTTP_FAAS_DOCKER_NO_NETWORK:
        ngx_http_faas_start_renew(start, outcome);
        return;

    default:
        ngx_http_faas_start_refuse(start, outcome);
        return;
    }
}


/* another engine answers, or somebody took our network away */

static void
ngx_http_faas_start_renew(ngx_http_faas_start_t *start, ngx_uint_t outcome)
{
    if (start->renewed) {
        ngx_http_faas_start_refuse(start, outcome);
        return;
    }

    start->renewed = 1;
    start->launch.fp->zone.sh->engine_ready = 0;
    start->step = NGX_HTTP_FAAS_DOCKER_PING;

    ngx_http_faas_start_step(start);
}


static void
ngx_http_faas_start_retry(ngx_http_faas_start_t *start, ngx_uint_t outcome)
{
    if (++start->tries > NGX_HTTP_FAAS_START_TRIES) {
        ngx_http_faas_start_refuse(start, outcome);
        return;
    }

    /* while no call is under way nothing tells that the request is gone */

    start->request = NULL;
    ngx_add_timer(&start->timer, NGX_HTTP_FAAS_START_PAUSE);
}


static void
ngx_http_faas_start_timer_handler(ngx_event_t *ev)
{
    ngx_http_faas_start_t  *start;

    start = ngx_queue_data(ev, ngx_http_faas_start_t, timer);

    ngx_http_faas_start_step(start);
}


static void
ngx_http_faas_start_connect(ngx_http_faas_start_t *start)
{
    ngx_http_faas_link_t  *link;

    link = &start->link;
    start->request = NULL;
    link->pool = start->launch.pool;
    link->log = start->launch.pool->log;
    link->address = ngx_http_faas_pool_address(start->launch.fp,
                                               start->inst->slot);
    link->handler = ngx_http_faas_start_link_handler;
    link->data = start;

    ngx_http_faas_link_connect(link, NGX_HTTP_FAAS_START_BOOT);
}


static void
ngx_http_faas_start_link_handler(ngx_http_faas_link_t *link)
{
    ngx_http_faas_start_t  *start;

    start = link->data;

    switch (link->result) {

    case NGX_HTTP_FAAS_LINK_CONNECTED:
        ngx_http_faas_start_load(start);
        return;

    case NGX_HTTP_FAAS_LINK_READY:
        ngx_log_error(NGX_LOG_NOTICE, link->log, 0,
                      "faas: function \"%V\" is ready in \"%V\"",
                      &start->launch.name, &start->launch.container);

        ngx_http_faas_lease_ready(&start->launch.fp->zone, start->inst);
        ngx_http_faas_start_end(start);
        return;

    case NGX_HTTP_FAAS_LINK_FAILED:
        ngx_http_faas_start_fail(start, 0, &link->text);
        return;

    default: /* CLOSED, TIMEOUT */
        ngx_http_faas_start_explain(start);
        return;
    }
}


/* the loader listens: give it the source as it is now */

static void
ngx_http_faas_start_load(ngx_http_faas_start_t *start)
{
    ngx_int_t             rc;
    ngx_str_t             frame, text;
    ngx_http_faas_want_t  want;

    rc = ngx_http_faas_launch_frame(&start->launch, &want, &frame);

    if (rc == NGX_DECLINED) {
        ngx_str_set(&text, "function_not_found");
        ngx_http_faas_start_fail(start, NGX_HTTP_NOT_FOUND, &text);
        return;
    }

    if (rc != NGX_OK) {
        ngx_http_faas_start_refuse(start, NGX_HTTP_FAAS_DOCKER_INVALID);
        return;
    }

    if (ngx_http_faas_instance_loading(&start->launch.fp->zone, start->inst,
                                       &want,
                                       start->launch.runtime->concurrency)
        != NGX_OK)
    {
        ngx_http_faas_start_fail(start, 0, NULL);
        return;
    }

    start->sent = (uint64_t) ngx_cached_time->sec * 1000
                  + ngx_cached_time->msec;

    ngx_http_faas_link_send(&start->link, &frame,
                            start->launch.runtime->start);
}


/* no verdict: does it still run, and what did it say? */

static void
ngx_http_faas_start_explain(ngx_http_faas_start_t *start)
{
    ngx_str_t  text;

    if (start->report) {
        return;                         /* closed, and now its time is up */
    }

    start->report = ngx_http_faas_remove(start->launch.fp, NULL,
                                         &start->launch.container,
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

    full.data = ngx_pnalloc(start->launch.pool, text->len + 128);
    if (full.data == NULL) {
        ngx_http_faas_start_fail(start, 0, text);
        return;
    }

    p = ngx_sprintf(full.data,
                    "the function did not listen on port %d",
                    NGX_HTTP_FAAS_PORT);

    if (start->link.result == NGX_HTTP_FAAS_LINK_TIMEOUT) {
        p = ngx_sprintf(p, " within %M ms", start->launch.runtime->start);
    }

    p = ngx_sprintf(p, ": %V", text);
    full.len = p - full.data;

    ngx_http_faas_start_fail(start, 0, &full);
}


/* the loader does not listen: the machine is slow, or the image is wrong */

static void
ngx_http_faas_start_unbooted(ngx_http_faas_start_t *start,
    ngx_uint_t running, ngx_str_t *text)
{
    ngx_str_t  code;

    if (running && ++start->boots < NGX_HTTP_FAAS_START_BOOTS) {
        ngx_http_faas_link_connect(&start->link, NGX_HTTP_FAAS_START_BOOT);
        return;
    }

    ngx_log_error(NGX_LOG_ERR, start->launch.pool->log, 0,
                  "faas: the loader of runtime \"%V\" does not listen in "
                  "\"%V\": %V", &start->launch.runtime->name,
                  &start->launch.container, text);

    ngx_str_set(&code, "backend_unavailable");
    ngx_http_faas_start_fail(start, NGX_HTTP_SERVICE_UNAVAILABLE, &code);
}


/* the platform is to blame */

static void
ngx_http_faas_start_refuse(ngx_http_faas_start_t *start, ngx_uint_t outcome)
{
    ngx_str_t  text, message;

    ngx_str_null(&message);

    if (start->call.body.len
        && ngx_http_faas_docker_message(start->launch.pool,
                                        &start->call.body, &message)
           != NGX_OK)
    {
        ngx_str_null(&message);
    }

    ngx_log_error(NGX_LOG_ERR, start->launch.pool->log, 0,
                  "faas: start of \"%V\" failed: %V, status %ui, \"%V\"",
                  &start->launch.name,
                  ngx_http_faas_docker_outcome_name(outcome),
                  start->call.status, &message);

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
    ngx_str_t              none;
    ngx_http_faas_pool_t  *fp;

    fp = start->launch.fp;
    ngx_str_set(&none, "the start was given up");

    if (text == NULL) {
        text = &none;
    }

    if (status == 0) {
        ngx_log_error(NGX_LOG_NOTICE, start->launch.pool->log, 0,
                      "faas: function \"%V\" did not start in \"%V\"",
                      &start->launch.name, &start->launch.container);
    }

    ngx_http_faas_lease_fail(&fp->zone, start->inst, status, text);

    if (!start->made && !start->doubt) {
        ngx_http_faas_instance_removed(&fp->zone, start->inst, 1);

    } else if (ngx_http_faas_remove_start(fp, start->inst, start->doubt)
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

    if (start->timer.timer_set) {
        ngx_del_timer(&start->timer);
    }

    if (start->report) {
        ngx_http_faas_remove_forget(start->report);
    }

    ngx_queue_remove(&start->queue);
    ngx_destroy_pool(start->launch.pool);
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

        if (start->request == r && start->call.transport) {
            ngx_http_faas_subrequest_interrupt(&start->call);
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

        if (start->call.transport == NULL
            && ngx_http_faas_instance_wanted(&fp->zone, start->inst)
               != NGX_OK)
        {
            ngx_http_faas_start_fail(start, 0, NULL);
        }
    }
}
