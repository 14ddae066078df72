
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Owns how many processes of a command there are.  Each has a ticket with the
 * worker's pid: of a worker that was killed they are taken back by whoever
 * finds the crew complete.
 */


#include "ngx_http_faas_crew.h"
#include "ngx_http_faas_worker.h"


#define NGX_HTTP_FAAS_CREW_REAP  250            /* ms */


static ngx_uint_t ngx_http_faas_crew_room(ngx_http_faas_zone_t *zone,
    ngx_http_faas_crew_t *crew, ngx_uint_t max);
static void ngx_http_faas_crew_reap(ngx_http_faas_zone_t *zone,
    ngx_http_faas_crew_t *crew);
static void ngx_http_faas_crew_bury(ngx_http_faas_zone_t *zone,
    ngx_queue_t *tickets);
static void ngx_http_faas_crew_start(ngx_http_faas_ticket_t *ticket);
static void ngx_http_faas_crew_next(ngx_http_faas_zone_t *zone,
    ngx_http_faas_crew_t *crew);
static void ngx_http_faas_crew_drop(ngx_http_faas_zone_t *zone,
    ngx_http_faas_ticket_t *ticket);


ngx_http_faas_crew_t *
ngx_http_faas_crew(ngx_http_faas_zone_t *zone, u_char *key)
{
    ngx_queue_t           *q;
    ngx_http_faas_crew_t  *crew;

    ngx_http_faas_zone_lock(zone);

    for (q = ngx_queue_head(&zone->sh->crews);
         q != ngx_queue_sentinel(&zone->sh->crews);
         q = ngx_queue_next(q))
    {
        crew = ngx_queue_data(q, ngx_http_faas_crew_t, queue);

        if (ngx_memcmp(crew->key, key, NGX_HTTP_FAAS_CREW_KEY) == 0) {
            ngx_http_faas_zone_unlock(zone);
            return crew;
        }
    }

    crew = ngx_http_faas_zone_alloc(zone, sizeof(ngx_http_faas_crew_t));

    if (crew) {
        ngx_queue_init(&crew->running);
        ngx_queue_init(&crew->waiting);
        ngx_memcpy(crew->key, key, NGX_HTTP_FAAS_CREW_KEY);

        ngx_http_faas_zone_append(&zone->sh->crews, &crew->queue);
    }

    ngx_http_faas_zone_unlock(zone);

    return crew;
}


ngx_int_t
ngx_http_faas_crew_join(ngx_http_faas_zone_t *zone,
    ngx_http_faas_crew_t *crew, ngx_uint_t max, ngx_uint_t queue,
    ngx_http_faas_ticket_t **ticket)
{
    ngx_int_t                rc;
    ngx_http_faas_ticket_t  *t;

    ngx_http_faas_zone_lock(zone);

    if (crew->nwaiting >= queue && !ngx_http_faas_crew_room(zone, crew, max))
    {
        rc = NGX_BUSY;
        goto done;
    }

    t = ngx_http_faas_zone_alloc(zone, sizeof(ngx_http_faas_ticket_t));

    if (t == NULL) {
        rc = NGX_ERROR;
        goto done;
    }

    t->crew = crew;
    t->pid = ngx_pid;
    *ticket = t;

    /* not before those who wait */

    rc = (crew->nwaiting == 0 && ngx_http_faas_crew_room(zone, crew, max))
         ? NGX_OK : NGX_AGAIN;

    ngx_http_faas_zone_append(&crew->waiting, &t->queue);
    crew->nwaiting++;

    if (rc == NGX_OK) {
        ngx_http_faas_crew_start(t);

    } else if (ngx_http_faas_worker_self(zone) == NULL) {

        /* nobody could wake it */

        ngx_http_faas_crew_drop(zone, t);
        rc = NGX_ERROR;
    }

done:

    ngx_http_faas_zone_unlock(zone);

    return rc;
}


ngx_int_t
ngx_http_faas_crew_ask(ngx_http_faas_zone_t *zone,
    ngx_http_faas_ticket_t *ticket, ngx_uint_t max)
{
    ngx_int_t              rc;
    ngx_http_faas_crew_t  *crew;

    rc = NGX_AGAIN;
    crew = ticket->crew;

    ngx_http_faas_zone_lock(zone);

    if (ngx_http_faas_crew_room(zone, crew, max)
        && ngx_queue_head(&crew->waiting) == &ticket->queue)
    {
        ngx_http_faas_crew_start(ticket);
        rc = NGX_OK;

        if (crew->nrunning < max) {
            ngx_http_faas_crew_next(zone, crew);
        }
    }

    ngx_http_faas_zone_unlock(zone);

    return rc;
}


void
ngx_http_faas_crew_leave(ngx_http_faas_zone_t *zone,
    ngx_http_faas_ticket_t *ticket)
{
    ngx_http_faas_zone_lock(zone);
    ngx_http_faas_crew_drop(zone, ticket);
    ngx_http_faas_zone_unlock(zone);
}


static ngx_uint_t
ngx_http_faas_crew_room(ngx_http_faas_zone_t *zone,
    ngx_http_faas_crew_t *crew, ngx_uint_t max)
{
    if (crew->nrunning >= max || crew->nwaiting) {
        ngx_http_faas_crew_reap(zone, crew);
    }

    return crew->nrunning < max;
}


static void
ngx_http_faas_crew_reap(ngx_http_faas_zone_t *zone,
    ngx_http_faas_crew_t *crew)
{
    if (ngx_current_msec - crew->reaped < NGX_HTTP_FAAS_CREW_REAP) {
        return;
    }

    crew->reaped = ngx_current_msec;

    ngx_http_faas_crew_bury(zone, &crew->running);
    ngx_http_faas_crew_bury(zone, &crew->waiting);
}


static void
ngx_http_faas_crew_bury(ngx_http_faas_zone_t *zone, ngx_queue_t *tickets)
{
    ngx_pid_t                alive;
    ngx_queue_t             *q, *next;
    ngx_http_faas_ticket_t  *ticket;

    alive = ngx_pid;

    for (q = ngx_queue_head(tickets);
         q != ngx_queue_sentinel(tickets);
         q = next)
    {
        next = ngx_queue_next(q);
        ticket = ngx_queue_data(q, ngx_http_faas_ticket_t, queue);

        if (ticket->pid == ngx_pid || ticket->pid == alive) {
            continue;
        }

        if (ngx_http_faas_worker_ended(ticket->pid)) {
            ngx_http_faas_crew_drop(zone, ticket);
            continue;
        }

        alive = ticket->pid;
    }
}


static void
ngx_http_faas_crew_start(ngx_http_faas_ticket_t *ticket)
{
    ngx_http_faas_crew_t  *crew;

    crew = ticket->crew;

    ngx_queue_remove(&ticket->queue);
    crew->nwaiting--;

    ngx_http_faas_zone_append(&crew->running, &ticket->queue);
    crew->nrunning++;

    ticket->running = 1;
}


/* there may be room for the first who waits, in whichever process */

static void
ngx_http_faas_crew_next(ngx_http_faas_zone_t *zone,
    ngx_http_faas_crew_t *crew)
{
    ngx_queue_t             *q;
    ngx_http_faas_ticket_t  *ticket;

    if (crew->nwaiting == 0) {
        return;
    }

    q = ngx_queue_head(&crew->waiting);
    ticket = ngx_queue_data(q, ngx_http_faas_ticket_t, queue);

    ngx_http_faas_worker_wake(zone, ticket->pid);
}


static void
ngx_http_faas_crew_drop(ngx_http_faas_zone_t *zone,
    ngx_http_faas_ticket_t *ticket)
{
    ngx_http_faas_crew_t  *crew;

    crew = ticket->crew;

    ngx_queue_remove(&ticket->queue);

    if (ticket->running) {
        crew->nrunning--;

    } else {
        crew->nwaiting--;
    }

    ngx_slab_free_locked(zone->shpool, ticket);

    ngx_http_faas_crew_next(zone, crew);
}
