
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Owns the end of a container: what it died of, when somebody asks, and its
 * removal.  A slot is given back to the zone as empty only once the engine
 * confirmed that the container is gone; else it stays dead, and the keeper
 * tries again.
 *
 *   [INSPECT -> LOGS -> report] -> [REMOVE]
 */


#include "ngx_http_faas_remove.h"
#include "ngx_http_faas_container.h"


#define NGX_HTTP_FAAS_REMOVE_TIMEOUT  10000     /* ms, each call */
#define NGX_HTTP_FAAS_REMOVE_LINES    50        /* of the log */
#define NGX_HTTP_FAAS_REMOVE_TEXT     4096      /* bytes of them */

/* the engine learns of an exit some time after the connection broke */
#define NGX_HTTP_FAAS_REMOVE_PAUSE    60        /* ms */
#define NGX_HTTP_FAAS_REMOVE_LOOKS    4

/* and an interrupted creation goes on, see the doubt below */
#define NGX_HTTP_FAAS_REMOVE_AGAIN    200       /* ms */
#define NGX_HTTP_FAAS_REMOVE_TRIES    10

/* or is known to nobody: its worker was killed */
#define NGX_HTTP_FAAS_REMOVE_RESWEEP  5000      /* ms */

/* of a worker; the engine does no more than 10 to 20 a second */
#define NGX_HTTP_FAAS_REMOVE_PARALLEL 8


struct ngx_http_faas_remove_s {
    ngx_queue_t                      queue;     /* fp->removals */
    ngx_http_faas_pool_t            *fp;
    ngx_pool_t                      *pool;
    ngx_http_faas_instance_t        *inst;      /* or NULL */
    ngx_http_request_t              *request;   /* carries calls, or NULL */
    ngx_str_t                        name;
    ngx_http_faas_remove_report_pt   report;    /* or NULL */
    void                            *data;
    uint64_t                         since;
    ngx_http_faas_docker_state_t     state;
    ngx_http_faas_call_t             call;
    ngx_uint_t                       step;
    ngx_uint_t                       looks;
    ngx_connection_t                 dummy;     /* of the timer */
    ngx_event_t                      timer;
    unsigned                         keep:1;    /* only the report */
    unsigned                         doubt:1;   /* it may yet be created */
    unsigned                         known:1;   /* the state */
};


static ngx_http_faas_remove_t *ngx_http_faas_remove_create(
    ngx_http_faas_pool_t *fp, ngx_http_faas_instance_t *inst,
    ngx_str_t *name);
static ngx_int_t ngx_http_faas_remove_step(ngx_http_faas_remove_t *job);
static ngx_int_t ngx_http_faas_remove_send(ngx_http_faas_remove_t *job);
static void ngx_http_faas_remove_handler(ngx_http_faas_call_t *call);
static void ngx_http_faas_remove_answer(ngx_http_faas_remove_t *job);
static void ngx_http_faas_remove_inspected(ngx_http_faas_remove_t *job,
    ngx_uint_t outcome);
static void ngx_http_faas_remove_timer_handler(ngx_event_t *ev);
static void ngx_http_faas_remove_proceed(ngx_http_faas_remove_t *job);
static void ngx_http_faas_remove_tell(ngx_http_faas_remove_t *job,
    ngx_str_t *log);
static u_char *ngx_http_faas_remove_verdict(ngx_http_faas_remove_t *job,
    u_char *p);
static void ngx_http_faas_remove_end(ngx_http_faas_remove_t *job,
    ngx_uint_t confirmed);
static void ngx_http_faas_remove_free(ngx_http_faas_remove_t *job);


ngx_http_faas_remove_t *
ngx_http_faas_remove(ngx_http_faas_pool_t *fp, ngx_http_faas_instance_t *inst,
    ngx_str_t *name, ngx_http_faas_remove_report_pt report, void *data,
    uint64_t since)
{
    ngx_http_faas_remove_t  *job;

    job = ngx_http_faas_remove_create(fp, inst, name);
    if (job == NULL) {
        return NULL;
    }

    job->report = report;
    job->data = data;
    job->since = since;
    job->keep = (report && inst == NULL);
    fp->reports += job->keep;
    job->step = report ? NGX_HTTP_FAAS_DOCKER_INSPECT
                       : NGX_HTTP_FAAS_DOCKER_REMOVE;

    /* in the background: no handler runs before this returns */

    if (ngx_http_faas_remove_send(job) != NGX_OK) {
        ngx_http_faas_remove_free(job);
        return NULL;
    }

    return job;
}


ngx_int_t
ngx_http_faas_remove_start(ngx_http_faas_pool_t *fp,
    ngx_http_faas_instance_t *inst, ngx_uint_t doubt)
{
    ngx_http_faas_remove_t  *job;

    job = ngx_http_faas_remove(fp, inst, NULL, NULL, NULL, 0);
    if (job == NULL) {
        return NGX_ERROR;
    }

    job->doubt = doubt;

    return NGX_OK;
}


void
ngx_http_faas_remove_forget(ngx_http_faas_remove_t *job)
{
    job->report = NULL;
    job->data = NULL;
}


void
ngx_http_faas_remove_dead(ngx_http_faas_pool_t *fp, ngx_http_request_t *r)
{
    ngx_http_faas_remove_t    *job;
    ngx_http_faas_instance_t  *inst;

    if (ngx_http_faas_pool_away(fp)) {
        return;
    }

    while (fp->removing < NGX_HTTP_FAAS_REMOVE_PARALLEL
           && !ngx_queue_empty(&fp->zone.sh->dead))
    {
        inst = ngx_http_faas_instance_claim(&fp->zone);
        if (inst == NULL) {
            return;
        }

        job = ngx_http_faas_remove_create(fp, inst, NULL);

        if (job == NULL) {
            ngx_http_faas_instance_removed(&fp->zone, inst, 0);
            return;
        }

        job->request = r;
        job->step = NGX_HTTP_FAAS_DOCKER_REMOVE;

        if (ngx_http_faas_remove_step(job) != NGX_OK) {
            return;
        }
    }
}


void
ngx_http_faas_remove_exit_process(ngx_http_faas_pool_t *fp)
{
    ngx_queue_t             *q;
    ngx_http_faas_remove_t  *job;

    while (!ngx_queue_empty(&fp->removals)) {
        q = ngx_queue_head(&fp->removals);
        job = ngx_queue_data(q, ngx_http_faas_remove_t, queue);

        if (job->timer.timer_set) {
            ngx_del_timer(&job->timer);
        }

        ngx_http_faas_remove_free(job);
    }
}


static ngx_http_faas_remove_t *
ngx_http_faas_remove_create(ngx_http_faas_pool_t *fp,
    ngx_http_faas_instance_t *inst, ngx_str_t *name)
{
    ngx_pool_t              *pool;
    ngx_http_faas_remove_t  *job;

    pool = ngx_create_pool(1024, ngx_cycle->log);
    if (pool == NULL) {
        return NULL;
    }

    job = ngx_pcalloc(pool, sizeof(ngx_http_faas_remove_t));
    if (job == NULL) {
        goto failed;
    }

    job->fp = fp;
    job->pool = pool;
    job->inst = inst;

    job->dummy.fd = (ngx_socket_t) -1;
    job->timer.handler = ngx_http_faas_remove_timer_handler;
    job->timer.data = &job->dummy;
    job->timer.log = pool->log;

    if (inst) {

        if (ngx_http_faas_container_ref(fp, pool, inst, &job->name)
            != NGX_OK)
        {
            goto failed;
        }

    } else {
        job->name.len = name->len;

        job->name.data = ngx_pstrdup(pool, name);
        if (job->name.data == NULL) {
            goto failed;
        }
    }

    ngx_queue_insert_tail(&fp->removals, &job->queue);
    fp->removing++;

    return job;

failed:

    ngx_destroy_pool(pool);

    return NULL;
}


static ngx_int_t
ngx_http_faas_remove_step(ngx_http_faas_remove_t *job)
{
    ngx_str_t  none;

    if (ngx_http_faas_remove_send(job) == NGX_OK) {
        return NGX_OK;
    }

    ngx_str_null(&none);

    ngx_http_faas_remove_tell(job, &none);
    ngx_http_faas_remove_end(job, 0);

    return NGX_ERROR;
}


static ngx_int_t
ngx_http_faas_remove_send(ngx_http_faas_remove_t *job)
{
    ngx_int_t              rc;
    ngx_str_t              api;
    ngx_http_faas_call_t  *call;

    ngx_http_faas_pool_api(job->fp, &api);

    if (api.len == 0) {
        return NGX_ERROR;
    }

    call = &job->call;
    ngx_memzero(call, sizeof(ngx_http_faas_call_t));

    call->pool = job->pool;
    call->log = job->pool->log;
    call->timeout = NGX_HTTP_FAAS_REMOVE_TIMEOUT;
    call->quiet = 1;
    call->handler = ngx_http_faas_remove_handler;
    call->data = job;

    switch (job->step) {

    case NGX_HTTP_FAAS_DOCKER_INSPECT:
        rc = ngx_http_faas_docker_inspect(job->pool, &api, &job->name,
                                          &call->request);
        break;

    case NGX_HTTP_FAAS_DOCKER_LOGS:
        rc = ngx_http_faas_docker_logs(job->pool, &api, &job->name,
                                       NGX_HTTP_FAAS_DOCKER_STDERR,
                                       NGX_HTTP_FAAS_REMOVE_LINES,
                                       (time_t) (job->since / 1000),
                                       (ngx_msec_t) (job->since % 1000),
                                       &call->request);
        break;

    default:
        rc = ngx_http_faas_docker_remove(job->pool, &api, &job->name,
                                         &call->request);
        break;
    }

    if (rc != NGX_OK) {
        return NGX_ERROR;
    }

    if (job->request
        && ngx_http_faas_pool_call(job->fp, job->request, call) == NGX_OK)
    {
        return NGX_OK;
    }

    job->request = NULL;

    return ngx_http_faas_pool_call(job->fp, NULL, call);
}


static void
ngx_http_faas_remove_handler(ngx_http_faas_call_t *call)
{
    ngx_http_faas_remove_t  *job;

    job = call->data;

    if (call->interrupted) {
        job->request = NULL;
        (void) ngx_http_faas_remove_step(job);
        return;
    }

    ngx_http_faas_remove_answer(job);
}


static void
ngx_http_faas_remove_answer(ngx_http_faas_remove_t *job)
{
    ngx_str_t              log;
    ngx_uint_t             under, outcome;
    ngx_http_faas_call_t  *call;

    call = &job->call;
    outcome = NGX_HTTP_FAAS_DOCKER_ENGINE;
    ngx_str_null(&log);

    if (call->status) {
        outcome = ngx_http_faas_docker_outcome(job->step, call->status,
                                               &call->body);
    }

    switch (job->step) {

    case NGX_HTTP_FAAS_DOCKER_INSPECT:
        ngx_http_faas_remove_inspected(job, outcome);
        return;

    case NGX_HTTP_FAAS_DOCKER_LOGS:

        if (outcome == NGX_HTTP_FAAS_DOCKER_OK) {
            (void) ngx_http_faas_docker_parse_logs(job->pool, &call->body,
                                                 NGX_HTTP_FAAS_REMOVE_TEXT,
                                                 &log);
        }

        ngx_http_faas_remove_tell(job, &log);
        break;

    default:

        /* a removal that is under way is none yet */

        under = (call->status == NGX_HTTP_CONFLICT
                 && outcome == NGX_HTTP_FAAS_DOCKER_OK);

        if ((under || (job->doubt && call->status == NGX_HTTP_NOT_FOUND))
            && ++job->looks < NGX_HTTP_FAAS_REMOVE_TRIES)
        {
            /* without a call nothing tells that the request is gone */

            job->request = NULL;
            ngx_add_timer(&job->timer, NGX_HTTP_FAAS_REMOVE_AGAIN);
            return;
        }

        if (under) {
            outcome = NGX_HTTP_FAAS_DOCKER_ENGINE;
        }

        if (call->refused) {
            ngx_http_faas_pool_lost(job->fp);

        } else if (outcome != NGX_HTTP_FAAS_DOCKER_OK) {
            ngx_log_error(NGX_LOG_WARN, job->pool->log, 0,
                          "faas: removal of \"%V\" failed: %V, status %ui",
                          &job->name,
                          ngx_http_faas_docker_outcome_name(outcome),
                          call->status);
        }

        if (call->status == NGX_HTTP_NOT_FOUND) {

            /* 0 is none */

            job->fp->zone.sh->resweep =
                         (ngx_current_msec + NGX_HTTP_FAAS_REMOVE_RESWEEP) | 1;
        }

        ngx_http_faas_remove_end(job, outcome == NGX_HTTP_FAAS_DOCKER_OK);
        return;
    }

    ngx_http_faas_remove_proceed(job);
}


static void
ngx_http_faas_remove_inspected(ngx_http_faas_remove_t *job,
    ngx_uint_t outcome)
{
    ngx_str_t   none;
    ngx_uint_t  early;

    job->known = (outcome == NGX_HTTP_FAAS_DOCKER_OK
                  && ngx_http_faas_docker_parse_inspect(job->pool,
                                                        &job->call.body,
                                                        &job->state)
                     == NGX_OK);

    if (!job->known) {
        ngx_str_null(&none);
        ngx_http_faas_remove_tell(job, &none);
        ngx_http_faas_remove_proceed(job);
        return;
    }

    /* of the end it learns late, and later still of its being for memory */

    early = job->state.running
            || (job->state.exit_code == 128 + SIGKILL
                && !job->state.oom_killed);

    if (early && ++job->looks < NGX_HTTP_FAAS_REMOVE_LOOKS) {
        ngx_add_timer(&job->timer, NGX_HTTP_FAAS_REMOVE_PAUSE);
        return;
    }

    job->step = NGX_HTTP_FAAS_DOCKER_LOGS;
    (void) ngx_http_faas_remove_step(job);
}


static void
ngx_http_faas_remove_timer_handler(ngx_event_t *ev)
{
    ngx_http_faas_remove_t  *job;

    job = ngx_queue_data(ev, ngx_http_faas_remove_t, timer);

    (void) ngx_http_faas_remove_step(job);
}


/* the report is made, or was not wanted */

static void
ngx_http_faas_remove_proceed(ngx_http_faas_remove_t *job)
{
    if (job->keep) {
        ngx_http_faas_remove_end(job, 0);
        return;
    }

    job->step = NGX_HTTP_FAAS_DOCKER_REMOVE;
    (void) ngx_http_faas_remove_step(job);
}


static void
ngx_http_faas_remove_tell(ngx_http_faas_remove_t *job, ngx_str_t *log)
{
    u_char                          *p;
    ngx_str_t                        text;
    ngx_http_faas_remove_report_pt   report;

    report = job->report;
    job->report = NULL;

    if (report == NULL) {
        return;
    }

    ngx_str_set(&text, "how its process ended is not known");

    p = ngx_pnalloc(job->pool, 128 + log->len);

    if (p) {
        text.data = p;
        p = ngx_http_faas_remove_verdict(job, p);

        while (log->len && log->data[log->len - 1] == LF) {
            log->len--;
        }

        if (log->len) {
            *p++ = LF;
            p = ngx_cpymem(p, log->data, log->len);
        }

        text.len = p - text.data;
    }

    report(job->data, job->known && job->state.running, &text);
}


static u_char *
ngx_http_faas_remove_verdict(ngx_http_faas_remove_t *job, u_char *p)
{
    if (!job->known) {
        return ngx_sprintf(p, "how its process ended is not known");
    }

    if (job->state.running) {
        return ngx_sprintf(p, "its process was still running");
    }

    if (job->state.exit_code == 128 + SIGKILL) {

        /*
         * The flag stays set after any process in the container was killed
         * for it, and is not set yet, or never, when the engine was told of
         * the exit before it was told of that.
         */

        return job->state.oom_killed
               ? ngx_sprintf(p, "its process ran out of memory")
               : ngx_sprintf(p, "its process was killed by signal %i, "
                                "perhaps out of memory",
                             (ngx_int_t) SIGKILL);
    }

    /* as a shell has it: 128 and the signal */

    if (job->state.exit_code > 128) {
        return ngx_sprintf(p, "its process was killed by signal %i",
                           job->state.exit_code - 128);
    }

    return ngx_sprintf(p, "its process exited with status %i",
                       job->state.exit_code);
}


static void
ngx_http_faas_remove_end(ngx_http_faas_remove_t *job, ngx_uint_t confirmed)
{
    ngx_uint_t             more;
    ngx_http_faas_pool_t  *fp;

    fp = job->fp;
    more = (job->inst && confirmed);

    if (job->inst) {
        ngx_http_faas_instance_removed(&fp->zone, job->inst, confirmed);
    }

    ngx_http_faas_remove_free(job);

    if (more) {
        ngx_http_faas_remove_dead(fp, NULL);
    }
}


static void
ngx_http_faas_remove_free(ngx_http_faas_remove_t *job)
{
    ngx_queue_remove(&job->queue);
    job->fp->removing--;
    job->fp->reports -= job->keep;

    ngx_destroy_pool(job->pool);
}
