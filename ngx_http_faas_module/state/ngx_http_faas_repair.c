
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Puts the zone right after a process was killed while it changed it, at
 * whatever instruction.  Believed are the state of each instance and lease,
 * what it points to, and the lists that ngx_http_faas_zone_append() makes, of
 * functions, workers, their leases, crews and their tickets; of these only
 * "prev", which ngx_queue_remove() never breaks, either.  All else is made
 * anew of that.  A repair may be cut short itself, and is begun again then.
 *
 * The slab is nginx's, which has no repair: who is killed inside of it may
 * leave it broken.  What was allocated, and not yet in a list, is lost.
 */


#include "ngx_http_faas_repair.h"
#include "ngx_http_faas_crew.h"
#include "ngx_http_faas_function.h"
#include "ngx_http_faas_instance.h"
#include "ngx_http_faas_turn.h"
#include "ngx_http_faas_worker.h"


static void ngx_http_faas_repair_list(ngx_queue_t *list);
static void ngx_http_faas_repair_workers(ngx_http_faas_zone_t *zone);
static void ngx_http_faas_repair_crews(ngx_http_faas_sh_t *sh);
static ngx_uint_t ngx_http_faas_repair_tickets(ngx_queue_t *tickets,
    ngx_uint_t running);
static void ngx_http_faas_repair_functions(ngx_http_faas_sh_t *sh);
static void ngx_http_faas_repair_instances(ngx_http_faas_sh_t *sh);
static void ngx_http_faas_repair_state(ngx_http_faas_instance_t *inst);
static ngx_queue_t *ngx_http_faas_repair_place(ngx_http_faas_sh_t *sh,
    ngx_http_faas_instance_t *inst);
static void ngx_http_faas_repair_leases(ngx_http_faas_zone_t *zone,
    ngx_http_faas_worker_t *worker);
static void ngx_http_faas_repair_lease(ngx_http_faas_lease_t *lease);
static void ngx_http_faas_repair_settle(ngx_http_faas_zone_t *zone);


void
ngx_http_faas_repair(ngx_http_faas_zone_t *zone)
{
    ngx_queue_t             *q;
    ngx_http_faas_sh_t      *sh;
    ngx_http_faas_worker_t  *worker;

    sh = zone->sh;

    ngx_http_faas_repair_workers(zone);
    ngx_http_faas_repair_crews(sh);
    ngx_http_faas_repair_functions(sh);
    ngx_http_faas_repair_instances(sh);

    for (q = ngx_queue_head(&sh->workers);
         q != ngx_queue_sentinel(&sh->workers);
         q = ngx_queue_next(q))
    {
        worker = ngx_queue_data(q, ngx_http_faas_worker_t, queue);
        ngx_http_faas_repair_leases(zone, worker);
    }

    /* nothing is broken any more, but something may have been left undone */

    ngx_http_faas_repair_settle(zone);

    /* nor is it known what the engine was about to be asked for */

    sh->swept = 0;
}


static void
ngx_http_faas_repair_list(ngx_queue_t *list)
{
    ngx_queue_t  *q, *prev;

    q = list;

    do {
        prev = ngx_queue_prev(q);
        prev->next = q;
        q = prev;

    } while (q != list);
}


/* also whoever waits for a turn, or for room in a crew, has to ask again */

static void
ngx_http_faas_repair_workers(ngx_http_faas_zone_t *zone)
{
    ngx_queue_t             *q, *ql;
    ngx_http_faas_lease_t   *lease;
    ngx_http_faas_worker_t  *worker;

    ngx_http_faas_repair_list(&zone->sh->workers);

    for (q = ngx_queue_head(&zone->sh->workers);
         q != ngx_queue_sentinel(&zone->sh->workers);
         q = ngx_queue_next(q))
    {
        worker = ngx_queue_data(q, ngx_http_faas_worker_t, queue);

        ngx_http_faas_repair_list(&worker->leases);
        ngx_queue_init(&worker->wakes);
        ngx_http_faas_zone_ring(zone, worker->slot);

        for (ql = ngx_queue_head(&worker->leases);
             ql != ngx_queue_sentinel(&worker->leases);
             ql = ngx_queue_next(ql))
        {
            lease = ngx_queue_data(ql, ngx_http_faas_lease_t, all);

            if (lease->report) {
                lease->report->refs = 0;
            }
        }
    }
}


static void
ngx_http_faas_repair_crews(ngx_http_faas_sh_t *sh)
{
    ngx_queue_t           *q;
    ngx_http_faas_crew_t  *crew;

    ngx_http_faas_repair_list(&sh->crews);

    for (q = ngx_queue_head(&sh->crews);
         q != ngx_queue_sentinel(&sh->crews);
         q = ngx_queue_next(q))
    {
        crew = ngx_queue_data(q, ngx_http_faas_crew_t, queue);

        crew->nrunning = ngx_http_faas_repair_tickets(&crew->running, 1);
        crew->nwaiting = ngx_http_faas_repair_tickets(&crew->waiting, 0);
    }
}


static ngx_uint_t
ngx_http_faas_repair_tickets(ngx_queue_t *tickets, ngx_uint_t running)
{
    ngx_uint_t               n;
    ngx_queue_t             *q;
    ngx_http_faas_ticket_t  *ticket;

    n = 0;

    ngx_http_faas_repair_list(tickets);

    for (q = ngx_queue_head(tickets);
         q != ngx_queue_sentinel(tickets);
         q = ngx_queue_next(q))
    {
        ticket = ngx_queue_data(q, ngx_http_faas_ticket_t, queue);
        ticket->running = running;
        n++;
    }

    return n;
}


static void
ngx_http_faas_repair_functions(ngx_http_faas_sh_t *sh)
{
    ngx_queue_t               *q;
    ngx_http_faas_function_t  *fn;

    ngx_http_faas_repair_list(&sh->all);

    ngx_rbtree_init(&sh->functions, &sh->sentinel,
                    ngx_http_faas_function_insert);

    for (q = ngx_queue_head(&sh->all);
         q != ngx_queue_sentinel(&sh->all);
         q = ngx_queue_next(q))
    {
        fn = ngx_queue_data(q, ngx_http_faas_function_t, all);

        ngx_queue_init(&fn->instances);
        ngx_queue_init(&fn->waiting);
        fn->nwaiting = 0;

        /* what is known may be half of it: the next call reads the source */

        fn->racy = 1;

        ngx_rbtree_insert(&sh->functions, &fn->node);
    }
}


static void
ngx_http_faas_repair_instances(ngx_http_faas_sh_t *sh)
{
    ngx_uint_t                 i;
    ngx_queue_t               *list;
    ngx_http_faas_instance_t  *inst;

    ngx_queue_init(&sh->empty);
    ngx_queue_init(&sh->dead);
    ngx_queue_init(&sh->spares);
    ngx_queue_init(&sh->turns);
    sh->starting = 0;

    for (i = 0; i < sh->ninstances; i++) {
        inst = &sh->instances[i];

        ngx_queue_init(&inst->leases);
        inst->active = 0;

        ngx_http_faas_repair_state(inst);

        list = ngx_http_faas_repair_place(sh, inst);

        if (list) {
            ngx_queue_insert_tail(list, &inst->queue);

        } else {
            ngx_queue_init(&inst->queue);
        }

        /* a turn ends before the state does */

        sh->starting += inst->starting;

        if (inst->turning) {
            ngx_queue_insert_tail(&sh->turns, &inst->turn);
        }
    }
}


static void
ngx_http_faas_repair_state(ngx_http_faas_instance_t *inst)
{
    switch (inst->state) {

    case NGX_HTTP_FAAS_EMPTY:
    case NGX_HTTP_FAAS_SPARE:
    case NGX_HTTP_FAAS_FOREIGN:

        /* somebody was about to take it */

        inst->function = NULL;
        inst->owner = 0;
        break;

    case NGX_HTTP_FAAS_CREATING:
        break;

    case NGX_HTTP_FAAS_DEAD:
    case NGX_HTTP_FAAS_REMOVING:
        inst->function = NULL;
        break;

    default: /* LOADING, READY, DRAINING */

        /* lest the compiler had the function go before the state */

        if (inst->function == NULL) {
            inst->state = NGX_HTTP_FAAS_DEAD;
        }
    }
}


static ngx_queue_t *
ngx_http_faas_repair_place(ngx_http_faas_sh_t *sh,
    ngx_http_faas_instance_t *inst)
{
    switch (inst->state) {

    case NGX_HTTP_FAAS_EMPTY:
        return &sh->empty;

    case NGX_HTTP_FAAS_DEAD:
    case NGX_HTTP_FAAS_REMOVING:
        return &sh->dead;

    case NGX_HTTP_FAAS_FOREIGN:
        return NULL;

    default:
        return inst->function ? &inst->function->instances : &sh->spares;
    }
}


/* all have news, for whoever changed one may not have come to tell */

static void
ngx_http_faas_repair_leases(ngx_http_faas_zone_t *zone,
    ngx_http_faas_worker_t *worker)
{
    ngx_queue_t            *q;
    ngx_http_faas_lease_t  *lease;

    for (q = ngx_queue_head(&worker->leases);
         q != ngx_queue_sentinel(&worker->leases);
         q = ngx_queue_next(q))
    {
        lease = ngx_queue_data(q, ngx_http_faas_lease_t, all);

        ngx_http_faas_repair_lease(lease);

        if (lease->report) {
            lease->report->refs++;
        }

        lease->notified = 0;
        ngx_http_faas_worker_notify(zone, lease);
    }
}


static void
ngx_http_faas_repair_lease(ngx_http_faas_lease_t *lease)
{
    ngx_http_faas_instance_t  *inst;

    inst = lease->instance;
    lease->function = NULL;

    switch (lease->state) {

    case NGX_HTTP_FAAS_LEASE_HELD:

        if (inst
            && (inst->state == NGX_HTTP_FAAS_READY
                || inst->state == NGX_HTTP_FAAS_DRAINING))
        {
            ngx_queue_insert_tail(&inst->leases, &lease->queue);
            inst->active++;
            return;
        }

        lease->state = NGX_HTTP_FAAS_LEASE_LOST;
        break;

    case NGX_HTTP_FAAS_LEASE_WAITING:

        /* its place is not known, nor whether somebody still comes for it */

        lease->state = NGX_HTTP_FAAS_LEASE_RETRY;
        break;

    default:
        break;
    }

    lease->instance = NULL;
}


static void
ngx_http_faas_repair_settle(ngx_http_faas_zone_t *zone)
{
    ngx_uint_t                 i;
    ngx_queue_t               *q, *next;
    ngx_http_faas_function_t  *fn;
    ngx_http_faas_instance_t  *inst;

    for (i = 0; i < zone->sh->ninstances; i++) {
        inst = &zone->sh->instances[i];

        if (inst->owner == 0
            && (inst->state == NGX_HTTP_FAAS_CREATING
                || inst->state == NGX_HTTP_FAAS_LOADING
                || inst->state == NGX_HTTP_FAAS_REMOVING))
        {
            ngx_http_faas_instance_set(zone, inst, NGX_HTTP_FAAS_DEAD);

        } else if ((inst->state == NGX_HTTP_FAAS_READY && inst->gone)
                   || (inst->state == NGX_HTTP_FAAS_DRAINING
                       && inst->active == 0))
        {
            ngx_http_faas_instance_end(zone, inst);
        }
    }

    for (q = ngx_queue_head(&zone->sh->all);
         q != ngx_queue_sentinel(&zone->sh->all);
         q = next)
    {
        next = ngx_queue_next(q);
        fn = ngx_queue_data(q, ngx_http_faas_function_t, all);
        inst = ngx_http_faas_function_newest(fn);

        fn->pinned = 1;

        if (inst) {
            ngx_http_faas_function_outdate(zone, fn, inst->version);
        }

        fn->pinned = 0;
        ngx_http_faas_function_release(zone, fn);
    }

    ngx_http_faas_turn_next(zone);
}
