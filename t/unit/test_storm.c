
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Random requests, starts, removals, edits and deaths.  First one process
 * plays all workers, so that every single step is checked; then there are
 * real ones, which are killed at work.  At the end the zone has to be as
 * empty as it was.
 */


#include "ngx_http_faas.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <sys/mman.h>
#include <sys/prctl.h>

#include "ngx_http_faas_unit_lease.h"


#define NGX_HTTP_FAAS_TEST_SIZE       (16 * 4096)
#define NGX_HTTP_FAAS_TEST_STEPS      10000
#define NGX_HTTP_FAAS_TEST_FUNCTIONS  5
#define NGX_HTTP_FAAS_TEST_JOBS       64
#define NGX_HTTP_FAAS_TEST_LIVES      16


/* a request, a start or a removal that is under way */

typedef struct {
    ngx_http_faas_lease_t      *lease;
    ngx_http_faas_instance_t   *inst;
    ngx_uint_t                  worker;
    ngx_uint_t                  fn;
    ngx_uint_t                  sequence;
    ngx_uint_t                  state;   /* of the lease, as last seen */
} ngx_http_faas_test_storm_job_t;


typedef struct {
    ngx_uint_t                      n;
    ngx_http_faas_test_storm_job_t  jobs[NGX_HTTP_FAAS_TEST_JOBS];
} ngx_http_faas_test_storm_list_t;


typedef struct {
    ngx_http_faas_unit_zone_t        *t;
    ngx_http_faas_zone_t             *zone;
    ngx_uint_t                        worker;  /* that does this step */
    ngx_uint_t                        alone;
    ngx_uint_t                        sequence;
    u_char                           *files;   /* revisions, in the memory */
    ngx_http_faas_test_storm_list_t   requests;
    ngx_http_faas_test_storm_list_t   starts;
    ngx_http_faas_test_storm_list_t   removals;
} ngx_http_faas_test_storm_t;


typedef char *(*ngx_http_faas_test_storm_pt)(
    ngx_http_faas_test_storm_t *storm);


typedef struct {
    ngx_uint_t                    weight;
    ngx_http_faas_test_storm_pt   step;
} ngx_http_faas_test_storm_step_t;


int ngx_http_faas_test_storm(void);

static void ngx_http_faas_test_storm_alone(void **state);
static void ngx_http_faas_test_storm_together(void **state);

static void ngx_http_faas_test_storm_kill(ngx_http_faas_test_storm_t *storm,
    ngx_uint_t n);
static ngx_pid_t ngx_http_faas_test_storm_spawn(
    ngx_http_faas_unit_zone_t *t, u_char *files, ngx_uint_t slot,
    ngx_uint_t life);
static void ngx_http_faas_test_storm_child(ngx_http_faas_unit_zone_t *t,
    u_char *files, ngx_uint_t slot, ngx_uint_t life);

static char *ngx_http_faas_test_storm_step(
    ngx_http_faas_test_storm_t *storm);
static char *ngx_http_faas_test_storm_request(
    ngx_http_faas_test_storm_t *storm);
static char *ngx_http_faas_test_storm_respond(
    ngx_http_faas_test_storm_t *storm);
static char *ngx_http_faas_test_storm_start(
    ngx_http_faas_test_storm_t *storm);
static char *ngx_http_faas_test_storm_claim(
    ngx_http_faas_test_storm_t *storm);
static char *ngx_http_faas_test_storm_remove(
    ngx_http_faas_test_storm_t *storm);
static char *ngx_http_faas_test_storm_listen(
    ngx_http_faas_test_storm_t *storm);
static char *ngx_http_faas_test_storm_edit(
    ngx_http_faas_test_storm_t *storm);
static char *ngx_http_faas_test_storm_forget(
    ngx_http_faas_test_storm_t *storm);
static char *ngx_http_faas_test_storm_reap(
    ngx_http_faas_test_storm_t *storm);
static char *ngx_http_faas_test_storm_look(
    ngx_http_faas_test_storm_t *storm);
static char *ngx_http_faas_test_storm_admitted(
    ngx_http_faas_test_storm_t *storm, ngx_http_faas_test_storm_job_t *job);

static ngx_http_faas_test_storm_job_t *ngx_http_faas_test_storm_add(
    ngx_http_faas_test_storm_list_t *list, ngx_uint_t worker);
static ngx_http_faas_test_storm_job_t *ngx_http_faas_test_storm_pick(
    ngx_http_faas_test_storm_t *storm,
    ngx_http_faas_test_storm_list_t *list);
static void ngx_http_faas_test_storm_delete(
    ngx_http_faas_test_storm_list_t *list,
    ngx_http_faas_test_storm_job_t *job);
static ngx_uint_t ngx_http_faas_test_storm_random(ngx_uint_t n);


static char  *ngx_http_faas_test_storm_names[] = {
    "a", "plumless", "buckeroo", "greet",
    "a-name-of-a-function-that-takes-another-size-class-of-the-slab-"
    "because-it-is-much-longer-than-the-others-are"
};


static ngx_http_faas_test_storm_step_t  ngx_http_faas_test_storm_steps[] = {
    { 30, ngx_http_faas_test_storm_request },
    { 30, ngx_http_faas_test_storm_respond },
    { 20, ngx_http_faas_test_storm_start },
    { 10, ngx_http_faas_test_storm_remove },
    {  6, ngx_http_faas_test_storm_claim },
    {  6, ngx_http_faas_test_storm_listen },
    {  3, ngx_http_faas_test_storm_edit },
    {  1, ngx_http_faas_test_storm_forget },
    {  1, ngx_http_faas_test_storm_reap },
    {  0, NULL }
};


int
ngx_http_faas_test_storm(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(ngx_http_faas_test_storm_alone),
        cmocka_unit_test(ngx_http_faas_test_storm_together)
    };

    return cmocka_run_group_tests_name("storm", tests, NULL, NULL);
}


static void
ngx_http_faas_test_storm_alone(void **state)
{
    char                        *text;
    u_char                       files[NGX_HTTP_FAAS_TEST_FUNCTIONS];
    ngx_uint_t                   i, n;
    ngx_http_faas_unit_lease_t   tl;
    ngx_http_faas_test_storm_t   storm;

    srandom(1);

    ngx_memzero(&storm, sizeof(ngx_http_faas_test_storm_t));
    ngx_memzero(&tl, sizeof(ngx_http_faas_unit_lease_t));
    ngx_memset(files, 'A', sizeof(files));

    tl.t = ngx_http_faas_unit_zone_create(NGX_HTTP_FAAS_TEST_SIZE);

    storm.t = tl.t;
    storm.files = files;
    storm.alone = 1;

    for (i = 0; i < NGX_HTTP_FAAS_TEST_STEPS; i++) {
        n = ngx_http_faas_test_storm_random(NGX_HTTP_FAAS_UNIT_WORKERS);

        if (ngx_http_faas_test_storm_random(100) == 0) {
            ngx_http_faas_test_storm_kill(&storm, n);
        }

        storm.worker = n;
        storm.zone = ngx_http_faas_unit_zone_as(storm.t, n);

        text = ngx_http_faas_test_storm_step(&storm);

        if (text == NULL) {
            text = ngx_http_faas_unit_zone_broken(&storm.t->zone);
        }

        if (text == NULL) {
            text = ngx_http_faas_test_storm_look(&storm);
        }

        if (text) {
            fail_msg("step %d: %s", (int) i, text);
        }
    }

    ngx_http_faas_lease_reap(ngx_http_faas_unit_zone_as(tl.t, 0));
    ngx_http_faas_unit_lease_end(&tl);
}


/* its work is nobody's any more, until it is reaped */

static void
ngx_http_faas_test_storm_kill(ngx_http_faas_test_storm_t *storm,
    ngx_uint_t n)
{
    ngx_uint_t                        i, j;
    ngx_http_faas_test_storm_list_t  *lists[3];

    lists[0] = &storm->requests;
    lists[1] = &storm->starts;
    lists[2] = &storm->removals;

    for (i = 0; i < 3; i++) {
        j = lists[i]->n;

        while (j--) {
            if (lists[i]->jobs[j].worker == n) {
                ngx_http_faas_test_storm_delete(lists[i],
                                                &lists[i]->jobs[j]);
            }
        }
    }

    ngx_http_faas_unit_zone_kill(storm->t, n);
    ngx_http_faas_unit_zone_respawn(storm->t, n);
}


/* three at a time, half of which are killed */

static void
ngx_http_faas_test_storm_together(void **state)
{
    int                          status;
    char                        *text;
    u_char                      *files;
    ngx_pid_t                    pid;
    ngx_uint_t                   i, life;
    ngx_http_faas_unit_lease_t   tl;
    ngx_pid_t                    pids[NGX_HTTP_FAAS_UNIT_WORKERS];

    ngx_memzero(&tl, sizeof(ngx_http_faas_unit_lease_t));
    tl.t = ngx_http_faas_unit_zone_create(NGX_HTTP_FAAS_TEST_SIZE);

    files = mmap(NULL, NGX_HTTP_FAAS_TEST_FUNCTIONS, PROT_READ|PROT_WRITE,
                 MAP_ANON|MAP_SHARED, -1, 0);
    assert_ptr_not_equal(files, MAP_FAILED);
    ngx_memset(files, 'A', NGX_HTTP_FAAS_TEST_FUNCTIONS);

    life = 0;

    for (i = 0; i < NGX_HTTP_FAAS_UNIT_WORKERS; i++) {
        pids[i] = ngx_http_faas_test_storm_spawn(tl.t, files, i, life++);
    }

    for ( ;; ) {

        for (i = 0; i < NGX_HTTP_FAAS_UNIT_WORKERS && pids[i] == 0; i++) {
            /* void */
        }

        if (i == NGX_HTTP_FAAS_UNIT_WORKERS) {
            break;
        }

        pid = waitpid(-1, &status, 0);
        assert_int_not_equal(pid, -1);

        for (i = 0; i < NGX_HTTP_FAAS_UNIT_WORKERS && pids[i] != pid; i++) {
            /* void */
        }

        assert_int_not_equal(i, NGX_HTTP_FAAS_UNIT_WORKERS);
        assert_true(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL
                                        : WEXITSTATUS(status) == 0);

        pids[i] = (life < NGX_HTTP_FAAS_TEST_LIVES)
                  ? ngx_http_faas_test_storm_spawn(tl.t, files, i, life++)
                  : 0;

        ngx_http_faas_lease_reap(&tl.t->zone);

        text = ngx_http_faas_unit_zone_broken(&tl.t->zone);

        if (text) {
            fail_msg("%s", text);
        }
    }

    assert_true(ngx_queue_empty(&tl.t->zone.sh->workers));

    (void) munmap(files, NGX_HTTP_FAAS_TEST_FUNCTIONS);

    ngx_http_faas_unit_lease_end(&tl);
}


static ngx_pid_t
ngx_http_faas_test_storm_spawn(ngx_http_faas_unit_zone_t *t, u_char *files,
    ngx_uint_t slot, ngx_uint_t life)
{
    ngx_pid_t  pid;

    pid = fork();
    assert_int_not_equal(pid, -1);

    if (pid == 0) {
        ngx_http_faas_test_storm_child(t, files, slot, life);
    }

    return pid;
}


static void
ngx_http_faas_test_storm_child(ngx_http_faas_unit_zone_t *t, u_char *files,
    ngx_uint_t slot, ngx_uint_t life)
{
    char                        *text;
    ngx_uint_t                   i, end;
    ngx_http_faas_test_storm_t   storm;

    (void) prctl(PR_SET_PDEATHSIG, SIGKILL);

    srandom((unsigned) life);

    ngx_pid = getpid();
    ngx_worker = slot;

    ngx_memzero(&storm, sizeof(ngx_http_faas_test_storm_t));

    storm.t = t;
    storm.zone = &t->zone;
    storm.worker = slot;
    storm.files = files;

    end = ngx_http_faas_test_storm_random(3000);

    for (i = 0; i < 3000; i++) {

        if (i == end && (life & 1)) {
            (void) raise(SIGKILL);
        }

        text = ngx_http_faas_test_storm_step(&storm);

        if (text == NULL && i % 20 == 0) {
            text = ngx_http_faas_unit_zone_broken(storm.zone);
        }

        if (text) {
            print_error("process %d, step %d: %s\n", (int) life, (int) i,
                        text);
            _exit(1);
        }
    }

    /* nothing is given back */

    ngx_http_faas_worker_exit(storm.zone);

    _exit(0);
}


static char *
ngx_http_faas_test_storm_step(ngx_http_faas_test_storm_t *storm)
{
    ngx_uint_t                        n, sum;
    ngx_http_faas_test_storm_step_t  *step;

    sum = 0;

    for (step = ngx_http_faas_test_storm_steps; step->step; step++) {
        sum += step->weight;
    }

    n = ngx_http_faas_test_storm_random(sum);

    for (step = ngx_http_faas_test_storm_steps;
         n >= step->weight;
         step++)
    {
        n -= step->weight;
    }

    return step->step(storm);
}


static char *
ngx_http_faas_test_storm_request(ngx_http_faas_test_storm_t *storm)
{
    char                            *name;
    u_char                           revision;
    ngx_int_t                        rc;
    ngx_uint_t                       fn;
    ngx_http_faas_lease_t           *lease;
    ngx_http_faas_instance_t        *inst;
    ngx_http_faas_test_storm_job_t  *job;

    if (storm->requests.n == NGX_HTTP_FAAS_TEST_JOBS
        || storm->starts.n == NGX_HTTP_FAAS_TEST_JOBS)
    {
        return NULL;
    }

    fn = ngx_http_faas_test_storm_random(NGX_HTTP_FAAS_TEST_FUNCTIONS);
    name = ngx_http_faas_test_storm_names[fn];
    revision = storm->files[fn];

    rc = ngx_http_faas_lease_acquire(storm->zone,
                          ngx_http_faas_unit_zone_want(name, revision, 0),
                          NULL, &lease, &inst);

    if (rc == NGX_DECLINED) {
        rc = ngx_http_faas_lease_acquire(storm->zone,
                          ngx_http_faas_unit_zone_want(name, revision,
                                                       revision),
                          NULL, &lease, &inst);

        if (rc == NGX_DECLINED) {
            return "the revision is known, and still asked for";
        }
    }

    if (rc == NGX_BUSY || rc == NGX_ERROR) {
        return (lease || inst) ? "refused, but there is a lease" : NULL;
    }

    if (lease == NULL || (inst != NULL) != (rc == NGX_DONE)) {
        return "the result and what came with it differ";
    }

    job = ngx_http_faas_test_storm_add(&storm->requests, storm->worker);
    job->lease = lease;
    job->fn = fn;
    job->sequence = storm->sequence++;
    job->state = NGX_HTTP_FAAS_LEASE_WAITING;

    if (rc == NGX_DONE) {
        job = ngx_http_faas_test_storm_add(&storm->starts, storm->worker);
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

    if (lease->instance->revision[0] != revision) {
        return "a request got to another revision";
    }

    return ngx_http_faas_test_storm_admitted(storm, job);
}


/* it ends, however it stands */

static char *
ngx_http_faas_test_storm_respond(ngx_http_faas_test_storm_t *storm)
{
    ngx_uint_t                       state;
    ngx_http_faas_lease_t           *lease;
    ngx_http_faas_instance_t        *inst;
    ngx_http_faas_test_storm_job_t  *job;

    job = ngx_http_faas_test_storm_pick(storm, &storm->requests);

    if (job == NULL || storm->removals.n == NGX_HTTP_FAAS_TEST_JOBS) {
        return NULL;
    }

    lease = job->lease;

    ngx_http_faas_zone_lock(storm->zone);
    state = lease->state;
    ngx_http_faas_zone_unlock(storm->zone);

    if (state == NGX_HTTP_FAAS_LEASE_WAITING
        && ngx_http_faas_test_storm_random(4))
    {
        return NULL;
    }

    ngx_http_faas_test_storm_delete(&storm->requests, job);

    switch (ngx_http_faas_test_storm_random(4)) {

    case 0:
        ngx_http_faas_lease_expire(storm->zone, lease);
        return NULL;

    case 1:
        inst = ngx_http_faas_lease_condemn(storm->zone, lease);

        if (inst) {
            job = ngx_http_faas_test_storm_add(&storm->removals,
                                               storm->worker);
            job->inst = inst;
        }

        return NULL;

    default:
        ngx_http_faas_lease_release(storm->zone, lease);
        return NULL;
    }
}


/* one step on, to the verdict */

static char *
ngx_http_faas_test_storm_start(ngx_http_faas_test_storm_t *storm)
{
    u_char                           revision;
    ngx_str_t                        text;
    ngx_http_faas_instance_t        *inst;
    ngx_http_faas_test_storm_job_t  *job;

    job = ngx_http_faas_test_storm_pick(storm, &storm->starts);

    if (job == NULL || storm->removals.n == NGX_HTTP_FAAS_TEST_JOBS) {
        return NULL;
    }

    inst = job->inst;

    if (ngx_http_faas_test_storm_random(8) == 0
        || ngx_http_faas_instance_wanted(storm->zone, inst) != NGX_OK)
    {
        goto failed;
    }

    if (job->state == 0) {
        revision = storm->files[job->fn];

        if (ngx_http_faas_instance_loading(storm->zone, inst,
                           ngx_http_faas_unit_zone_want("", revision,
                                                        revision),
                           1 + ngx_http_faas_test_storm_random(3))
            != NGX_OK)
        {
            if (storm->alone) {
                return "a start that is wanted cannot go on";
            }

            goto failed;
        }

        job->state = 1;
        return NULL;
    }

    ngx_http_faas_lease_ready(storm->zone, inst);
    ngx_http_faas_test_storm_delete(&storm->starts, job);

    return NULL;

failed:

    text.len = ngx_http_faas_test_storm_random(3000);
    text.data = (u_char *) storm;

    ngx_http_faas_lease_fail(storm->zone, inst, 0, &text);
    ngx_http_faas_test_storm_delete(&storm->starts, job);

    job = ngx_http_faas_test_storm_add(&storm->removals, storm->worker);
    job->inst = inst;

    return NULL;
}


static char *
ngx_http_faas_test_storm_claim(ngx_http_faas_test_storm_t *storm)
{
    ngx_http_faas_instance_t        *inst;
    ngx_http_faas_test_storm_job_t  *job;

    if (storm->removals.n == NGX_HTTP_FAAS_TEST_JOBS) {
        return NULL;
    }

    inst = ngx_http_faas_instance_claim(storm->zone);

    if (inst) {
        job = ngx_http_faas_test_storm_add(&storm->removals, storm->worker);
        job->inst = inst;
    }

    return NULL;
}


static char *
ngx_http_faas_test_storm_remove(ngx_http_faas_test_storm_t *storm)
{
    ngx_http_faas_test_storm_job_t  *job;

    job = ngx_http_faas_test_storm_pick(storm, &storm->removals);

    if (job) {

        if (job->inst->state != NGX_HTTP_FAAS_REMOVING
            || job->inst->owner != ngx_pid)
        {
            return "a removal was taken away";
        }

        ngx_http_faas_instance_removed(storm->zone, job->inst,
                                       ngx_http_faas_test_storm_random(5));
        ngx_http_faas_test_storm_delete(&storm->removals, job);
    }

    return NULL;
}


/* as the handler of the bell */

static char *
ngx_http_faas_test_storm_listen(ngx_http_faas_test_storm_t *storm)
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
ngx_http_faas_test_storm_edit(ngx_http_faas_test_storm_t *storm)
{
    ngx_uint_t  fn;

    fn = ngx_http_faas_test_storm_random(NGX_HTTP_FAAS_TEST_FUNCTIONS);
    storm->files[fn] = (u_char) ('A' + ngx_http_faas_test_storm_random(4));

    return NULL;
}


static char *
ngx_http_faas_test_storm_forget(ngx_http_faas_test_storm_t *storm)
{
    ngx_str_t   name;
    ngx_uint_t  fn;

    fn = ngx_http_faas_test_storm_random(NGX_HTTP_FAAS_TEST_FUNCTIONS);

    name.data = (u_char *) ngx_http_faas_test_storm_names[fn];
    name.len = ngx_strlen(name.data);

    ngx_http_faas_lease_forget(storm->zone, &name);

    return NULL;
}


static char *
ngx_http_faas_test_storm_reap(ngx_http_faas_test_storm_t *storm)
{
    ngx_http_faas_lease_reap(storm->zone);

    return NULL;
}


/* what the last step did to those who waited */

static char *
ngx_http_faas_test_storm_look(ngx_http_faas_test_storm_t *storm)
{
    char                            *text;
    ngx_uint_t                       i, old;
    ngx_http_faas_test_storm_job_t  *job;

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
            text = ngx_http_faas_test_storm_admitted(storm, job);

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
ngx_http_faas_test_storm_admitted(ngx_http_faas_test_storm_t *storm,
    ngx_http_faas_test_storm_job_t *job)
{
    ngx_uint_t                       i;
    ngx_http_faas_test_storm_job_t  *other;

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


static ngx_http_faas_test_storm_job_t *
ngx_http_faas_test_storm_add(ngx_http_faas_test_storm_list_t *list,
    ngx_uint_t worker)
{
    ngx_http_faas_test_storm_job_t  *job;

    job = &list->jobs[list->n++];

    ngx_memzero(job, sizeof(ngx_http_faas_test_storm_job_t));
    job->worker = worker;

    return job;
}


/* any one of this worker's, or NULL */

static ngx_http_faas_test_storm_job_t *
ngx_http_faas_test_storm_pick(ngx_http_faas_test_storm_t *storm,
    ngx_http_faas_test_storm_list_t *list)
{
    ngx_uint_t  i, first;

    if (list->n == 0) {
        return NULL;
    }

    first = ngx_http_faas_test_storm_random(list->n);

    for (i = first; i < first + list->n; i++) {
        if (list->jobs[i % list->n].worker == storm->worker) {
            return &list->jobs[i % list->n];
        }
    }

    return NULL;
}


static void
ngx_http_faas_test_storm_delete(ngx_http_faas_test_storm_list_t *list,
    ngx_http_faas_test_storm_job_t *job)
{
    *job = list->jobs[--list->n];
}


static ngx_uint_t
ngx_http_faas_test_storm_random(ngx_uint_t n)
{
    return (ngx_uint_t) random() % n;
}
