
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * A worker is killed between any two instructions: each operation of the zone
 * is run step by step, as a process that is dead already, and however the
 * memory is then, the next one has to find a zone that is whole, and whoever
 * waits has to be told.  Steps inside of the slab, which has no repair, are
 * left out.
 */


#include "ngx_http_faas.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "ngx_http_faas_census.h"
#include "ngx_http_faas_unit_repair.h"
#include "ngx_http_faas_unit_step.h"


#define tt  (&ngx_http_faas_test_repair_ctx)


typedef struct {
    ngx_http_faas_unit_repair_t      scene;
    ngx_http_faas_unit_repair_op_t  *op;
    ngx_http_faas_unit_step_t        step;

    u_char                          *addr;
    size_t                           size;
    u_char                          *first;     /* all memory, as it was */
    u_char                          *now;       /* as this step left it */
    u_char                          *kept;      /* of a step under the lock */
    ngx_uint_t                       keep;      /* about this state */
    ngx_uint_t                       states;    /* that differ, so far */

    ngx_pid_t                        killed;    /* in the middle of it, or 0 */
    ngx_uint_t                       repairs;   /* that the log has told of */
    ngx_uint_t                       alerts;    /* of the slab */
    ngx_uint_t                       failed;    /* in this state */
    char                            *text;      /* why, or NULL */
} ngx_http_faas_test_repair_t;


int ngx_http_faas_test_repair(void);

static void ngx_http_faas_test_repair_killed(void **state);
static void ngx_http_faas_test_repair_twice(void **state);

static int ngx_http_faas_test_repair_setup(void **state);
static int ngx_http_faas_test_repair_teardown(void **state);
static void ngx_http_faas_test_repair_writer(ngx_log_t *log,
    ngx_uint_t level, u_char *buf, size_t len);
static void ngx_http_faas_test_repair_steps(
    ngx_http_faas_unit_repair_op_t *op, u_char *memory);
static void ngx_http_faas_test_repair_as(ngx_uint_t n);
static void ngx_http_faas_test_repair_run(void *data);
static void ngx_http_faas_test_repair_look(void *data);
static char *ngx_http_faas_test_repair_check(void);
static char *ngx_http_faas_test_repair_told(void);
static char *ngx_http_faas_test_repair_known(void);
static char *ngx_http_faas_test_repair_serve(char *name);
static char *ngx_http_faas_test_repair_join(ngx_uint_t i);
static void ngx_http_faas_test_repair_leave(ngx_uint_t n);
static char *ngx_http_faas_test_repair_empty(void);


static ngx_log_t                      ngx_http_faas_test_repair_log;
static ngx_log_t                     *ngx_http_faas_test_repair_saved;
static ngx_http_faas_test_repair_t    ngx_http_faas_test_repair_ctx;
static ngx_http_faas_unit_worker_t
               ngx_http_faas_test_repair_workers[NGX_HTTP_FAAS_UNIT_WORKERS];


int
ngx_http_faas_test_repair(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(ngx_http_faas_test_repair_killed),
        cmocka_unit_test(ngx_http_faas_test_repair_twice)
    };

    return cmocka_run_group_tests_name("repair", tests,
                                       ngx_http_faas_test_repair_setup,
                                       ngx_http_faas_test_repair_teardown);
}


static void
ngx_http_faas_test_repair_killed(void **state)
{
    ngx_uint_t                       n, steps, states, slab;
    ngx_http_faas_unit_repair_op_t  *op;

    steps = 0;
    states = 0;
    slab = 0;

    for (op = ngx_http_faas_unit_repair_ops; op->name; op++) {

        /* once as a whole, for what it expects */

        ngx_http_faas_test_repair_as(2);
        op->run(&tt->scene);
        ngx_http_faas_test_repair_steps(op, tt->first);

        steps += tt->step.steps;
        slab += tt->step.slab;
        n = tt->states;
        states += n;

        /* it takes the lock, changes something, and lets go of the lock */

        assert_true(n > 4);
    }

    print_message("%d states of the zone in %d steps, and %d of the slab\n",
                  (int) states, (int) (steps - slab), (int) slab);
}


/* the one who repairs is killed, too */

static void
ngx_http_faas_test_repair_twice(void **state)
{
    ngx_uint_t                       i, steps, states;
    ngx_http_faas_unit_repair_op_t  *op;

    static ngx_http_faas_unit_repair_op_t  lock = {
        "lock", ngx_http_faas_unit_repair_lock
    };

    steps = 0;
    states = 0;
    i = 0;

    for (op = ngx_http_faas_unit_repair_ops; op->name; op++) {

        if (i++ % 5) {
            continue;
        }

        tt->keep = (ngx_uint_t) -1;
        ngx_http_faas_test_repair_steps(op, tt->first);

        tt->keep = tt->states / 2;
        ngx_http_faas_test_repair_steps(op, tt->first);

        tt->keep = 0;
        ngx_http_faas_test_repair_steps(&lock, tt->kept);

        assert_true(tt->states > 50);

        steps += tt->step.steps;
        states += tt->states;
    }

    print_message("%d states of the zone in %d steps\n", (int) states,
                  (int) steps);
}


static int
ngx_http_faas_test_repair_setup(void **state)
{
    ngx_slab_pool_t            *sp;
    ngx_http_faas_unit_zone_t  *t;

    ngx_http_faas_unit_repair_begin(&tt->scene);

    t = tt->scene.tl.t;
    sp = t->zone.shpool;

    tt->addr = sp->addr;
    tt->size = sp->end - tt->addr;

    tt->first = ngx_palloc(t->pool, tt->size);
    tt->now = ngx_palloc(t->pool, tt->size);
    tt->kept = ngx_palloc(t->pool, tt->size);

    if (tt->first == NULL || tt->now == NULL || tt->kept == NULL) {
        return 1;
    }

    ngx_memcpy(tt->first, tt->addr, tt->size);
    ngx_memcpy(ngx_http_faas_test_repair_workers, t->workers,
               sizeof(ngx_http_faas_test_repair_workers));

    ngx_http_faas_test_repair_log = *ngx_cycle->log;
    ngx_http_faas_test_repair_log.log_level = NGX_LOG_WARN;
    ngx_http_faas_test_repair_log.next = NULL;
    ngx_http_faas_test_repair_log.writer = ngx_http_faas_test_repair_writer;

    ngx_http_faas_test_repair_saved = ngx_cycle->log;
    ngx_cycle->log = &ngx_http_faas_test_repair_log;
    ngx_use_stderr = 0;

    return 0;
}


static int
ngx_http_faas_test_repair_teardown(void **state)
{
    ngx_uint_t  n;

    ngx_cycle->log = ngx_http_faas_test_repair_saved;
    ngx_use_stderr = 1;

    for (n = 0; n < NGX_HTTP_FAAS_UNIT_LIVING; n++) {
        ngx_http_faas_unit_zone_kill(tt->scene.tl.t, n);
    }

    return 0;
}


static void
ngx_http_faas_test_repair_writer(ngx_log_t *log, ngx_uint_t level,
    u_char *buf, size_t len)
{
    u_char  *p, *last, text[32];

    last = ngx_snprintf(text, sizeof(text), "process %P was killed",
                        tt->killed);
    *last = '\0';

    p = ngx_strnstr(buf, (char *) text, len);

    if (level == NGX_LOG_WARN && p) {
        tt->repairs++;

    } else if (level < NGX_LOG_WARN) {
        tt->alerts++;
    }
}


static void
ngx_http_faas_test_repair_steps(ngx_http_faas_unit_repair_op_t *op,
    u_char *memory)
{
    ngx_int_t  rc;

    ngx_memcpy(tt->addr, memory, tt->size);
    ngx_memcpy(tt->now, memory, tt->size);
    ngx_memcpy(tt->scene.tl.t->workers, ngx_http_faas_test_repair_workers,
               sizeof(ngx_http_faas_test_repair_workers));

    tt->op = op;
    tt->states = 0;
    tt->text = NULL;

    tt->step.run = ngx_http_faas_test_repair_run;
    tt->step.look = ngx_http_faas_test_repair_look;

    ngx_http_faas_test_repair_as(2);
    rc = ngx_http_faas_unit_step(&tt->step);
    ngx_http_faas_test_repair_as(2);

    ngx_memcpy(tt->addr, tt->first, tt->size);
    ngx_memcpy(tt->scene.tl.t->workers, ngx_http_faas_test_repair_workers,
               sizeof(ngx_http_faas_test_repair_workers));

    if (rc == NGX_DECLINED) {
        print_message("this machine does not run single instructions\n");
        skip();
    }

    assert_int_equal(rc, NGX_OK);

    if (tt->text) {
        fail_msg("killed at \"%s\", state %d: %s", op->name,
                 (int) tt->failed, tt->text);
    }
}


static void
ngx_http_faas_test_repair_as(ngx_uint_t n)
{
    (void) ngx_http_faas_unit_zone_as(tt->scene.tl.t, n);

    if (n == 2) {
        ngx_pid = tt->scene.pid;
    }
}


static void
ngx_http_faas_test_repair_run(void *data)
{
    tt->op->run(&tt->scene);
}


/* everything is as before when it returns */

static void
ngx_http_faas_test_repair_look(void *data)
{
    char                         *text;
    ngx_pid_t                     pid;
    ngx_uint_t                    worker;
    ngx_http_faas_unit_worker_t  *workers;
    ngx_http_faas_unit_worker_t   saved[NGX_HTTP_FAAS_UNIT_WORKERS];

    if (tt->text || ngx_memcmp(tt->addr, tt->now, tt->size) == 0) {
        return;
    }

    tt->states++;
    ngx_memcpy(tt->now, tt->addr, tt->size);

    if (tt->keep) {

        if (tt->states <= tt->keep && tt->scene.zone->sh->holder) {
            ngx_memcpy(tt->kept, tt->addr, tt->size);
        }

        return;
    }

    pid = ngx_pid;
    worker = ngx_worker;
    workers = tt->scene.tl.t->workers;
    ngx_memcpy(saved, workers, sizeof(saved));

    text = ngx_http_faas_test_repair_check();

    if (text) {
        tt->text = text;
        tt->failed = tt->states;
    }

    ngx_memcpy(tt->addr, tt->now, tt->size);
    ngx_memcpy(workers, saved, sizeof(saved));
    ngx_pid = pid;
    ngx_worker = worker;
}


/* the master has seen the death */

static char *
ngx_http_faas_test_repair_check(void)
{
    char                         *text;
    ngx_uint_t                    n;
    ngx_slab_pool_t              *sp;
    ngx_http_faas_unit_zone_t    *t;

    t = tt->scene.tl.t;
    sp = t->zone.shpool;

    if (*sp->mutex.lock) {
        (void) ngx_shmtx_force_unlock(&sp->mutex, (ngx_pid_t) *sp->mutex.lock);
    }

    tt->killed = t->zone.sh->holder;
    tt->repairs = 0;
    tt->alerts = 0;
    (void) ngx_http_faas_unit_zone_rung(t, 1);

    text = ngx_http_faas_unit_zone_broken(ngx_http_faas_unit_zone_as(t, 0));

    if (text == NULL && tt->repairs != (tt->killed ? 1 : 0)) {
        text = "the log does not tell of a repair";
    }

    if (text == NULL && tt->killed && !ngx_http_faas_unit_zone_rung(t, 1)) {
        text = "nobody rings";
    }

    if (text == NULL) {
        text = ngx_http_faas_test_repair_told();
    }

    if (text == NULL) {
        ngx_http_faas_lease_reap(ngx_http_faas_unit_zone_as(t, 1));
        text = ngx_http_faas_unit_zone_broken(&t->zone);
    }

    if (!t->zone.sh->settled) {
        ngx_http_faas_census_settle(&t->zone);
    }

    if (text == NULL && tt->killed) {
        text = ngx_http_faas_test_repair_known();
    }

    if (text == NULL) {
        text = ngx_http_faas_test_repair_serve("greet");
    }

    if (text == NULL) {
        text = ngx_http_faas_test_repair_serve("another");
    }

    for (n = 0; text == NULL && n < 2; n++) {
        text = ngx_http_faas_test_repair_join(n);
    }

    if (text) {
        return text;
    }

    for (n = 0; n < NGX_HTTP_FAAS_UNIT_LIVING; n++) {
        ngx_http_faas_test_repair_leave(n);
    }

    text = ngx_http_faas_unit_zone_broken(&t->zone);

    if (text == NULL) {
        text = ngx_http_faas_test_repair_empty();
    }

    return (text == NULL && tt->alerts) ? "something is freed twice" : text;
}


/* no request of the living is lost, and whoever has waited waits, or hears */

static char *
ngx_http_faas_test_repair_told(void)
{
    ngx_uint_t               n, m;
    ngx_queue_t             *q, *list;
    ngx_http_faas_lease_t   *lease, *before;
    ngx_http_faas_worker_t  *worker;

    for (n = 0; n < NGX_HTTP_FAAS_UNIT_LIVING; n++) {
        worker = tt->scene.tl.t->workers[n].zone.worker;
        list = &worker->leases;
        m = 0;

        for (q = ngx_queue_head(list);
             q != ngx_queue_sentinel(list);
             q = ngx_queue_next(q))
        {
            lease = ngx_queue_data(q, ngx_http_faas_lease_t, all);
            before = (ngx_http_faas_lease_t *)
                         (tt->first + ((u_char *) lease - tt->addr));
            m++;

            if (before->worker != worker) {
                return "a lease came out of nowhere";
            }

            if (before->state != lease->state && !lease->notified) {
                return "nobody tells whoever waits";
            }
        }

        /* as many as there were */

        for (q = ((ngx_http_faas_worker_t *)
                      (tt->first + ((u_char *) worker - tt->addr)))
                     ->leases.next;
             q != list;
             q = ((ngx_queue_t *) (tt->first + ((u_char *) q - tt->addr)))
                     ->next)
        {
            m--;
        }

        if (m) {
            return "a lease is lost";
        }
    }

    return NULL;
}


/* which file was read last may be known better than what was in it */

static char *
ngx_http_faas_test_repair_known(void)
{
    ngx_queue_t               *q;
    ngx_http_faas_want_t       want;
    ngx_http_faas_zone_t      *zone;
    ngx_http_faas_function_t  *fn;

    zone = ngx_http_faas_unit_zone_as(tt->scene.tl.t, 0);

    for (q = zone->sh->all.next; q != &zone->sh->all; q = q->next) {
        fn = ngx_queue_data(q, ngx_http_faas_function_t, all);

        want.identity = fn->identity;
        want.sidecar = fn->sidecar;
        want.kind = fn->kind;
        want.policy = fn->policy;
        want.looked = 1;

        if (ngx_http_faas_function_current(fn, &want)) {
            return "a source is taken for known";
        }
    }

    return NULL;
}


static char *
ngx_http_faas_test_repair_serve(char *name)
{
    u_char                     revision[NGX_HTTP_FAAS_REVISION_LEN];
    ngx_int_t                  rc;
    ngx_http_faas_zone_t      *zone;
    ngx_http_faas_want_t       want;
    ngx_http_faas_lease_t     *lease;
    ngx_http_faas_instance_t  *inst;

    ngx_memzero(&want, sizeof(ngx_http_faas_want_t));
    ngx_memset(revision, 'D', sizeof(revision));

    want.name.data = (u_char *) name;
    want.name.len = ngx_strlen(name);
    want.kind = NGX_HTTP_FAAS_UNIT_KIND;
    want.looked = 1;
    want.identity.uniq = 'D';
    want.scale.concurrency = 1;
    want.scale.max_instances = 2;
    want.scale.queue = 100;

    zone = ngx_http_faas_unit_zone_as(tt->scene.tl.t, 0);

    rc = ngx_http_faas_lease_acquire(zone, &want, NULL, &lease, &inst);

    if (rc != NGX_DECLINED) {
        return "a source is not read";
    }

    want.revision = revision;

    rc = ngx_http_faas_lease_acquire(zone, &want, NULL, &lease, &inst);

    if (rc != NGX_DONE) {
        return "a function can not be started";
    }

    if (ngx_http_faas_instance_refresh(zone, inst) != NGX_OK
        || ngx_http_faas_instance_loading(zone, inst, &want) != NGX_OK)
    {
        return "a start is given up";
    }

    ngx_http_faas_verdict_ready(zone, inst);

    if (inst->active == 0) {
        return "nobody is served";
    }

    ngx_http_faas_lease_release(zone, lease);

    return ngx_http_faas_unit_zone_broken(zone);
}


/* the dead make room for the living */

static char *
ngx_http_faas_test_repair_join(ngx_uint_t i)
{
    ngx_uint_t               n;
    ngx_http_faas_zone_t    *zone;
    ngx_http_faas_crew_t    *crew;
    ngx_http_faas_ticket_t  *ticket;

    crew = tt->scene.crews[i];

    for (n = 0; n < NGX_HTTP_FAAS_UNIT_LIVING; n++) {
        zone = ngx_http_faas_unit_zone_as(tt->scene.tl.t, n);
        ngx_http_faas_crew_leave(zone, tt->scene.tickets[i][n]);
    }

    crew->reaped = ngx_current_msec - 1000;
    zone = ngx_http_faas_unit_zone_as(tt->scene.tl.t, 0);

    if (ngx_http_faas_crew_join(zone, crew, 1, 1, &ticket) != NGX_OK) {
        return "a crew has no room";
    }

    ngx_http_faas_crew_leave(zone, ticket);

    return (crew->nrunning || crew->nwaiting) ? "a crew is not empty" : NULL;
}


static void
ngx_http_faas_test_repair_leave(ngx_uint_t n)
{
    ngx_str_t                  text;
    ngx_uint_t                 i;
    ngx_queue_t               *q;
    ngx_http_faas_zone_t      *zone;
    ngx_http_faas_lease_t     *lease;
    ngx_http_faas_instance_t  *inst;

    ngx_str_set(&text, "the end");

    zone = ngx_http_faas_unit_zone_as(tt->scene.tl.t, n);

    for (i = 0; i < zone->sh->ninstances; i++) {
        inst = &zone->sh->instances[i];

        if (inst->owner != ngx_pid) {
            continue;
        }

        if (inst->state != NGX_HTTP_FAAS_REMOVING) {
            (void) ngx_http_faas_verdict_fail(zone, inst, 503, &text);
        }

        ngx_http_faas_instance_removed(zone, inst, 1);
    }

    while (!ngx_queue_empty(&zone->worker->leases)) {
        q = ngx_queue_head(&zone->worker->leases);
        lease = ngx_queue_data(q, ngx_http_faas_lease_t, all);

        ngx_http_faas_lease_release(zone, lease);
    }
}


/* nothing is left of anybody */

static char *
ngx_http_faas_test_repair_empty(void)
{
    ngx_str_t                  name;
    ngx_uint_t                 i;
    ngx_queue_t               *q, *next;
    ngx_http_faas_sh_t        *sh;
    ngx_http_faas_zone_t      *zone;
    ngx_http_faas_function_t  *fn;
    ngx_http_faas_instance_t  *inst;

    zone = ngx_http_faas_unit_zone_as(tt->scene.tl.t, 0);
    sh = zone->sh;

    for (q = ngx_queue_head(&sh->all);
         q != ngx_queue_sentinel(&sh->all);
         q = next)
    {
        next = ngx_queue_next(q);
        fn = ngx_queue_data(q, ngx_http_faas_function_t, all);

        name.data = fn->name;
        name.len = fn->len;

        ngx_http_faas_verdict_forget(zone, &name);
    }

    for (i = 0; i < sh->ninstances; i++) {
        inst = &sh->instances[i];

        if (inst->state == NGX_HTTP_FAAS_SPARE) {
            ngx_http_faas_zone_lock(zone);
            ngx_http_faas_instance_set(zone, inst, NGX_HTTP_FAAS_DEAD);
            ngx_http_faas_zone_unlock(zone);
        }

        if (inst->state == NGX_HTTP_FAAS_DEAD
            || inst->state == NGX_HTTP_FAAS_FOREIGN)
        {
            ngx_http_faas_instance_removed(zone, inst, 1);
        }

        if (inst->state != NGX_HTTP_FAAS_EMPTY) {
            return "an instance is left";
        }
    }

    if (!ngx_queue_empty(&sh->all)) {
        return "a function is left";
    }

    for (i = 0, q = sh->workers.next; q != &sh->workers; q = q->next) {
        i++;
    }

    if (i != NGX_HTTP_FAAS_UNIT_LIVING) {
        return "a worker is left that is dead, or one is lost";
    }

    return ngx_http_faas_unit_zone_broken(zone);
}
