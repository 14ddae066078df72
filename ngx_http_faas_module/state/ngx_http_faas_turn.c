
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Owns who is started next: the engine starts few containers at a time, and
 * each the slower the more one asks for at once.
 */


#include "ngx_http_faas_turn.h"
#include "ngx_http_faas_function.h"
#include "ngx_http_faas_worker.h"


static ngx_http_faas_instance_t *ngx_http_faas_turn_neediest(
    ngx_http_faas_zone_t *zone);


/* it is not started any more: the next one may be */

void
ngx_http_faas_turn_pass(ngx_http_faas_zone_t *zone,
    ngx_http_faas_instance_t *inst)
{
    if (inst->turning) {
        inst->turning = 0;
        ngx_queue_remove(&inst->turn);
    }

    if (inst->starting) {
        inst->starting = 0;
        zone->sh->starting--;

        ngx_http_faas_turn_next(zone);
    }
}


void
ngx_http_faas_turn_next(ngx_http_faas_zone_t *zone)
{
    ngx_http_faas_sh_t        *sh;
    ngx_http_faas_instance_t  *inst;

    sh = zone->sh;

    while (sh->starting < zone->starts && !ngx_queue_empty(&sh->turns)) {

        inst = ngx_http_faas_turn_neediest(zone);

        ngx_queue_remove(&inst->turn);
        inst->turning = 0;
        inst->starting = 1;
        sh->starting++;

        ngx_http_faas_worker_wake(zone, inst->owner);
    }
}


/*
 * Who has the fewest instances that are started or may be: a function with
 * many is not to hold up one that has none.  Among equals the first.
 */

static ngx_http_faas_instance_t *
ngx_http_faas_turn_neediest(ngx_http_faas_zone_t *zone)
{
    ngx_uint_t                 n, least;
    ngx_queue_t               *q;
    ngx_http_faas_instance_t  *inst, *neediest;

    least = (ngx_uint_t) -1;
    neediest = NULL;

    for (q = ngx_queue_head(&zone->sh->turns);
         q != ngx_queue_sentinel(&zone->sh->turns) && least;
         q = ngx_queue_next(q))
    {
        inst = ngx_queue_data(q, ngx_http_faas_instance_t, turn);

        n = inst->function ? ngx_http_faas_function_started(inst->function)
                           : 0;

        if (n < least) {
            least = n;
            neediest = inst;
        }
    }

    return neediest;
}


ngx_int_t
ngx_http_faas_turn(ngx_http_faas_zone_t *zone,
    ngx_http_faas_instance_t *inst)
{
    ngx_int_t            rc;
    ngx_http_faas_sh_t  *sh;

    sh = zone->sh;
    rc = NGX_DECLINED;

    ngx_http_faas_zone_lock(zone);

    if (inst->state == NGX_HTTP_FAAS_CREATING) {
        rc = NGX_OK;

        if (!inst->starting && !inst->turning) {
            ngx_queue_insert_tail(&sh->turns, &inst->turn);
            inst->turning = 1;

            /* whoever waits for the longest, which may be this one */

            ngx_http_faas_turn_next(zone);
        }

        if (!inst->starting) {
            rc = ngx_http_faas_worker_self(zone) ? NGX_AGAIN : NGX_ERROR;
        }
    }

    ngx_http_faas_zone_unlock(zone);

    return rc;
}


void
ngx_http_faas_turn_leave(ngx_http_faas_zone_t *zone,
    ngx_http_faas_instance_t *inst)
{
    ngx_http_faas_zone_lock(zone);
    ngx_http_faas_turn_pass(zone, inst);
    ngx_http_faas_zone_unlock(zone);
}


/* there is a spare: who still waits to be started need not be */

void
ngx_http_faas_turn_relieve(ngx_http_faas_zone_t *zone, uint32_t kind)
{
    ngx_queue_t               *q;
    ngx_http_faas_instance_t  *inst;

    for (q = ngx_queue_head(&zone->sh->turns);
         q != ngx_queue_sentinel(&zone->sh->turns);
         q = ngx_queue_next(q))
    {
        inst = ngx_queue_data(q, ngx_http_faas_instance_t, turn);

        if (inst->kind == kind && inst->function) {
            ngx_http_faas_worker_wake(zone, inst->owner);
            ngx_http_faas_instance_set(zone, inst, NGX_HTTP_FAAS_DEAD);
            return;
        }
    }
}
