
/*
 * Copyright (C) the ngx_http_faas_module authors
 */


#include "ngx_http_faas.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "ngx_http_faas_census.h"
#include "ngx_http_faas_unit_storm.h"


typedef char *(*ngx_http_faas_unit_storm_pt)(
    ngx_http_faas_unit_storm_t *storm);


typedef struct {
    ngx_uint_t                    weight;
    ngx_http_faas_unit_storm_pt   step;
} ngx_http_faas_unit_storm_step_t;


static char *ngx_http_faas_unit_storm_request(
    ngx_http_faas_unit_storm_t *storm);
static char *ngx_http_faas_unit_storm_respond(
    ngx_http_faas_unit_storm_t *storm);
static char *ngx_http_faas_unit_storm_listen(
    ngx_http_faas_unit_storm_t *storm);
static char *ngx_http_faas_unit_storm_edit(
    ngx_http_faas_unit_storm_t *storm);
static char *ngx_http_faas_unit_storm_forget(
    ngx_http_faas_unit_storm_t *storm);
static char *ngx_http_faas_unit_storm_retire(
    ngx_http_faas_unit_storm_t *storm);
static char *ngx_http_faas_unit_storm_settle(
    ngx_http_faas_unit_storm_t *storm);
static char *ngx_http_faas_unit_storm_reap(
    ngx_http_faas_unit_storm_t *storm);
static char *ngx_http_faas_unit_storm_admitted(
    ngx_http_faas_unit_storm_t *storm, ngx_http_faas_unit_storm_job_t *job);


char  *ngx_http_faas_unit_storm_names[] = {
    "a", "plumless", "buckeroo", "greet",
    "a-name-of-a-function-that-takes-another-size-class-of-the-slab-"
    "because-it-is-much-longer-than-the-others-are"
};


static ngx_http_faas_unit_storm_step_t  ngx_http_faas_unit_storm_steps[] = {
    { 60, ngx_http_faas_unit_storm_request },
    { 60, ngx_http_faas_unit_storm_respond },
    { 70, ngx_http_faas_unit_storm_start },
    { 12, ngx_http_faas_unit_storm_spare },
    { 12, ngx_http_faas_unit_storm_claim },
    { 20, ngx_http_faas_unit_storm_remove },
    { 12, ngx_http_faas_unit_storm_listen },
    {  6, ngx_http_faas_unit_storm_edit },
    {  2, ngx_http_faas_unit_storm_forget },
    {  3, ngx_http_faas_unit_storm_lost },
    {  3, ngx_http_faas_unit_storm_retire },
    {  1, ngx_http_faas_unit_storm_reserve },
    {  2, ngx_http_faas_unit_storm_missing },
    {  4, ngx_http_faas_unit_storm_adopt },
    {  1, ngx_http_faas_unit_storm_settle },
    {  1, ngx_http_faas_unit_storm_trim },
    {  3, ngx_http_faas_unit_storm_reap },
    {  0, NULL }
};


char *
ngx_http_faas_unit_storm_step(ngx_http_faas_unit_storm_t *storm)
{
    ngx_uint_t                        n, sum;
    ngx_http_faas_unit_storm_step_t  *step;

    sum = 0;

    for (step = ngx_http_faas_unit_storm_steps; step->step; step++) {
        sum += step->weight;
    }

    n = ngx_http_faas_unit_storm_random(sum);

    for (step = ngx_http_faas_unit_storm_steps;
         n >= step->weight;
         step++)
    {
        n -= step->weight;
    }

    return step->step(storm);
}


static char *
ngx_http_faas_unit_storm_request(ngx_http_faas_unit_storm_t *storm)
{
    char                            *name;
    u_char                           revision;
    ngx_int_t                        rc;
    ngx_uint_t                       fn, version;
    ngx_http_faas_want_t             want;
    ngx_http_faas_lease_t           *lease;
    ngx_http_faas_function_t        *known;
    ngx_http_faas_instance_t        *inst;
    ngx_http_faas_unit_storm_job_t  *job;

    if (storm->requests.n == NGX_HTTP_FAAS_UNIT_STORM_JOBS
        || storm->starts.n == NGX_HTTP_FAAS_UNIT_STORM_JOBS)
    {
        return NULL;
    }

    fn = ngx_http_faas_unit_storm_random(NGX_HTTP_FAAS_UNIT_STORM_FUNCTIONS);
    name = ngx_http_faas_unit_storm_names[fn];
    revision = storm->files[fn];

    want = *ngx_http_faas_unit_zone_want(name, revision, 0);

    rc = ngx_http_faas_lease_acquire(storm->zone, &want, NULL, &lease, &inst);

    if (rc == NGX_DECLINED) {
        version = want.version;

        if (!storm->alone) {
            revision = storm->files[fn];
        }

        want = *ngx_http_faas_unit_zone_want(name, revision, revision);
        want.version = version;

        rc = ngx_http_faas_lease_acquire(storm->zone, &want, NULL, &lease,
                                         &inst);

        if (rc == NGX_DECLINED) {
            return storm->alone ? "what was read is not enough" : NULL;
        }
    }

    if (rc == NGX_BUSY || rc == NGX_ERROR) {
        return (lease || inst) ? "refused, but there is a lease" : NULL;
    }

    if (lease == NULL || (inst != NULL) != (rc == NGX_DONE)) {
        return "the result and what came with it differ";
    }

    job = ngx_http_faas_unit_storm_add(&storm->requests, storm->worker);
    job->lease = lease;
    job->fn = fn;
    job->sequence = storm->sequence++;
    job->state = NGX_HTTP_FAAS_LEASE_WAITING;

    if (rc == NGX_DONE) {
        job = ngx_http_faas_unit_storm_add(&storm->starts, storm->worker);
        job->inst = inst;
        job->fn = fn;
        return NULL;
    }

    if (!storm->alone || rc != NGX_OK) {
        return NULL;
    }

    job->state = NGX_HTTP_FAAS_LEASE_HELD;

    if (lease->state != NGX_HTTP_FAAS_LEASE_HELD) {
        return "admitted, but not HELD";
    }

    known = lease->instance->function;

    if (lease->instance->revision[0] != revision
        && (known->failed != known->version || !storm->zone->keep))
    {
        return "a request got to another revision";
    }

    return ngx_http_faas_unit_storm_admitted(storm, job);
}


/* it ends, however it stands */

static char *
ngx_http_faas_unit_storm_respond(ngx_http_faas_unit_storm_t *storm)
{
    ngx_uint_t                       state;
    ngx_http_faas_lease_t           *lease;
    ngx_http_faas_instance_t        *inst;
    ngx_http_faas_unit_storm_job_t  *job;

    job = ngx_http_faas_unit_storm_pick(storm, &storm->requests);

    if (job == NULL || storm->removals.n == NGX_HTTP_FAAS_UNIT_STORM_JOBS) {
        return NULL;
    }

    lease = job->lease;

    ngx_http_faas_zone_lock(storm->zone);
    state = lease->state;
    ngx_http_faas_zone_unlock(storm->zone);

    if (state == NGX_HTTP_FAAS_LEASE_WAITING
        && ngx_http_faas_unit_storm_random(4))
    {
        return NULL;
    }

    ngx_http_faas_unit_storm_delete(&storm->requests, job);

    switch (ngx_http_faas_unit_storm_random(4)) {

    case 0:
        ngx_http_faas_lease_expire(storm->zone, lease);
        return NULL;

    case 1:
        inst = ngx_http_faas_lease_condemn(storm->zone, lease);

        if (inst) {
            job = ngx_http_faas_unit_storm_add(&storm->removals,
                                               storm->worker);
            job->inst = inst;
        }

        return NULL;

    default:
        ngx_http_faas_lease_release(storm->zone, lease);
        return NULL;
    }
}


/* as the handler of the bell */

static char *
ngx_http_faas_unit_storm_listen(ngx_http_faas_unit_storm_t *storm)
{
    ngx_uint_t              i;
    ngx_http_faas_lease_t  *lease;

    for ( ;; ) {
        lease = ngx_http_faas_worker_next(storm->zone);

        if (lease == NULL) {
            return NULL;
        }

        for (i = 0; i < storm->requests.n; i++) {
            if (storm->requests.jobs[i].lease == lease) {
                break;
            }
        }

        if (i == storm->requests.n
            || storm->requests.jobs[i].worker != storm->worker)
        {
            return "news of a lease that is not ours";
        }
    }
}


static char *
ngx_http_faas_unit_storm_edit(ngx_http_faas_unit_storm_t *storm)
{
    ngx_uint_t  fn;

    fn = ngx_http_faas_unit_storm_random(NGX_HTTP_FAAS_UNIT_STORM_FUNCTIONS);
    storm->files[fn] = (u_char) ('A' + ngx_http_faas_unit_storm_random(4));

    return NULL;
}


static char *
ngx_http_faas_unit_storm_forget(ngx_http_faas_unit_storm_t *storm)
{
    ngx_str_t   name;
    ngx_uint_t  fn;

    fn = ngx_http_faas_unit_storm_random(NGX_HTTP_FAAS_UNIT_STORM_FUNCTIONS);

    name.data = (u_char *) ngx_http_faas_unit_storm_names[fn];
    name.len = ngx_strlen(name.data);

    ngx_http_faas_verdict_forget(storm->zone, &name);

    return NULL;
}


static char *
ngx_http_faas_unit_storm_retire(ngx_http_faas_unit_storm_t *storm)
{
    ngx_current_msec += ngx_http_faas_unit_storm_random(30);

    (void) ngx_http_faas_instance_retire(storm->zone);

    return NULL;
}


static char *
ngx_http_faas_unit_storm_settle(ngx_http_faas_unit_storm_t *storm)
{
    ngx_http_faas_census_settle(storm->zone);

    return NULL;
}


static char *
ngx_http_faas_unit_storm_reap(ngx_http_faas_unit_storm_t *storm)
{
    ngx_http_faas_lease_reap(storm->zone);

    return NULL;
}


/* what the last step did to those who waited */

char *
ngx_http_faas_unit_storm_look(ngx_http_faas_unit_storm_t *storm)
{
    char                            *text;
    ngx_uint_t                       i, old;
    ngx_http_faas_unit_storm_job_t  *job;

    for (i = 0; i < storm->requests.n; i++) {
        job = &storm->requests.jobs[i];
        old = job->state;
        job->state = job->lease->state;

        if (old != NGX_HTTP_FAAS_LEASE_WAITING || job->state == old) {
            continue;
        }

        if (!job->lease->notified) {
            return "one who waited was not told";
        }

        if (job->state == NGX_HTTP_FAAS_LEASE_HELD) {
            text = ngx_http_faas_unit_storm_admitted(storm, job);

            if (text) {
                return text;
            }
        }
    }

    for (i = 0; i < NGX_HTTP_FAAS_UNIT_WORKERS; i++) {
        if (storm->t->workers[i].zone.ringing) {
            return "a bell that was to ring did not";
        }
    }

    return NULL;
}


static char *
ngx_http_faas_unit_storm_admitted(ngx_http_faas_unit_storm_t *storm,
    ngx_http_faas_unit_storm_job_t *job)
{
    ngx_uint_t                       i;
    ngx_http_faas_unit_storm_job_t  *other;

    for (i = 0; i < storm->requests.n; i++) {
        other = &storm->requests.jobs[i];

        if (other->fn == job->fn
            && other->sequence < job->sequence
            && other->lease->state == NGX_HTTP_FAAS_LEASE_WAITING)
        {
            return "one who came first still waits";
        }
    }

    return NULL;
}


void
ngx_http_faas_unit_storm_drop(ngx_http_faas_unit_storm_t *storm,
    ngx_uint_t n)
{
    ngx_uint_t                        i, j;
    ngx_http_faas_unit_storm_list_t  *lists[3];

    lists[0] = &storm->requests;
    lists[1] = &storm->starts;
    lists[2] = &storm->removals;

    for (i = 0; i < 3; i++) {
        j = lists[i]->n;

        while (j--) {
            if (lists[i]->jobs[j].worker == n) {
                ngx_http_faas_unit_storm_delete(lists[i],
                                                &lists[i]->jobs[j]);
            }
        }
    }
}


ngx_http_faas_unit_storm_job_t *
ngx_http_faas_unit_storm_add(ngx_http_faas_unit_storm_list_t *list,
    ngx_uint_t worker)
{
    ngx_http_faas_unit_storm_job_t  *job;

    job = &list->jobs[list->n++];

    ngx_memzero(job, sizeof(ngx_http_faas_unit_storm_job_t));
    job->worker = worker;

    return job;
}


/* any one of this worker's, or NULL */

ngx_http_faas_unit_storm_job_t *
ngx_http_faas_unit_storm_pick(ngx_http_faas_unit_storm_t *storm,
    ngx_http_faas_unit_storm_list_t *list)
{
    ngx_uint_t  i, first;

    if (list->n == 0) {
        return NULL;
    }

    first = ngx_http_faas_unit_storm_random(list->n);

    for (i = first; i < first + list->n; i++) {
        if (list->jobs[i % list->n].worker == storm->worker) {
            return &list->jobs[i % list->n];
        }
    }

    return NULL;
}


void
ngx_http_faas_unit_storm_delete(ngx_http_faas_unit_storm_list_t *list,
    ngx_http_faas_unit_storm_job_t *job)
{
    *job = list->jobs[--list->n];
}


ngx_uint_t
ngx_http_faas_unit_storm_random(ngx_uint_t n)
{
    return (ngx_uint_t) random() % n;
}
