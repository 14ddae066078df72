
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * What the engine and the keeper do in the storm.
 */


#include "ngx_http_faas.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "ngx_http_faas_census.h"
#include "ngx_http_faas_unit_storm.h"


static char *ngx_http_faas_unit_storm_go(ngx_http_faas_unit_storm_t *storm,
    ngx_http_faas_unit_storm_job_t *job);
static char *ngx_http_faas_unit_storm_fail(ngx_http_faas_unit_storm_t *storm,
    ngx_http_faas_unit_storm_job_t *job);
static void ngx_http_faas_unit_storm_id(ngx_http_faas_unit_storm_t *storm,
    u_char *id);


/* one step on, to the verdict */

char *
ngx_http_faas_unit_storm_start(ngx_http_faas_unit_storm_t *storm)
{
    ngx_http_faas_unit_storm_job_t  *job;

    job = ngx_http_faas_unit_storm_pick(storm, &storm->starts);

    if (job == NULL || storm->removals.n == NGX_HTTP_FAAS_UNIT_STORM_JOBS) {
        return NULL;
    }

    if (ngx_http_faas_unit_storm_random(12) == 0
        || ngx_http_faas_instance_wanted(storm->zone, job->inst) != NGX_OK)
    {
        return ngx_http_faas_unit_storm_fail(storm, job);
    }

    return ngx_http_faas_unit_storm_go(storm, job);
}


static char *
ngx_http_faas_unit_storm_go(ngx_http_faas_unit_storm_t *storm,
    ngx_http_faas_unit_storm_job_t *job)
{
    u_char                     id[NGX_HTTP_FAAS_ID_LEN];
    ngx_int_t                  rc;
    ngx_str_t                  s;
    ngx_http_faas_want_t      *want;
    ngx_http_faas_instance_t  *inst;

    inst = job->inst;

    switch (job->state) {

    case 0: /* to its turn */

        if (!inst->warm) {
            rc = ngx_http_faas_turn(storm->zone, inst);

            if (rc == NGX_AGAIN) {
                return NULL;
            }

            if (rc != NGX_OK) {
                break;
            }

            ngx_http_faas_unit_storm_id(storm, id);
            s.len = NGX_HTTP_FAAS_ID_LEN;
            s.data = id;

            ngx_http_faas_instance_identify(storm->zone, inst, &s);
        }

        job->state = 1;
        return NULL;

    case 1: /* the loader listens, and the file is read */

        if (job->fn == NGX_HTTP_FAAS_UNIT_STORM_FUNCTIONS) {
            s.len = NGX_HTTP_FAAS_TOKEN_LEN;
            s.data = (u_char *) ngx_http_faas_unit_storm_names[4];

            if (ngx_http_faas_instance_booted(storm->zone, inst, &s)
                != NGX_OK)
            {
                break;
            }

            ngx_http_faas_unit_storm_delete(&storm->starts, job);
            return NULL;
        }

        if (ngx_http_faas_instance_refresh(storm->zone, inst) != NGX_OK) {
            break;
        }

        job->revision = storm->files[job->fn];
        job->state = 2;
        return NULL;

    case 2: /* and sent */

        want = ngx_http_faas_unit_zone_want("", job->revision,
                                            job->revision);

        want->scale.idle = 20 * ngx_http_faas_unit_storm_random(3);

        rc = ngx_http_faas_unit_zone_loading(storm->zone, inst, want,
                                     1 + ngx_http_faas_unit_storm_random(3));

        if (rc == NGX_AGAIN) {
            job->state = 1;
            return NULL;
        }

        if (rc != NGX_OK) {
            break;
        }

        job->state = 3;
        return NULL;

    default:
        ngx_http_faas_verdict_ready(storm->zone, inst);
        ngx_http_faas_unit_storm_delete(&storm->starts, job);
        return NULL;
    }

    if (storm->alone) {
        return "a start that is wanted cannot go on";
    }

    return ngx_http_faas_unit_storm_fail(storm, job);
}


static char *
ngx_http_faas_unit_storm_fail(ngx_http_faas_unit_storm_t *storm,
    ngx_http_faas_unit_storm_job_t *job)
{
    ngx_str_t                  text;
    ngx_http_faas_instance_t  *inst;

    inst = job->inst;

    text.len = ngx_http_faas_unit_storm_random(3000);
    text.data = (u_char *) storm;

    switch (ngx_http_faas_unit_storm_random(3)) {

    case 0:
        (void) ngx_http_faas_verdict_fail(storm->zone, inst, 0, &text);
        break;

    case 1:
        (void) ngx_http_faas_verdict_fail(storm->zone, inst, 503, &text);
        break;

    default:
        ngx_http_faas_verdict_abandon(storm->zone, inst);
    }

    ngx_http_faas_unit_storm_delete(&storm->starts, job);

    job = ngx_http_faas_unit_storm_add(&storm->removals, storm->worker);
    job->inst = inst;

    return NULL;
}


/* as the keeper does, but too many, and some that nobody wants */

char *
ngx_http_faas_unit_storm_spare(ngx_http_faas_unit_storm_t *storm)
{
    uint32_t                         kind;
    ngx_uint_t                       total;
    ngx_http_faas_sh_t              *sh;
    ngx_http_faas_instance_t        *inst;
    ngx_http_faas_unit_storm_job_t  *job;

    sh = storm->zone->sh;
    inst = NULL;

    kind = NGX_HTTP_FAAS_UNIT_KIND + !ngx_http_faas_unit_storm_random(6);

    if (ngx_http_faas_census_spares(storm->zone, kind, &total) > total) {
        return "more spares stand ready than there are";
    }

    if (total > 3 || storm->starts.n == NGX_HTTP_FAAS_UNIT_STORM_JOBS) {
        return NULL;
    }

    ngx_http_faas_zone_lock(storm->zone);

    if (sh->starting < storm->zone->starts && ngx_queue_empty(&sh->turns)) {
        inst = ngx_http_faas_instance_take(storm->zone, NULL, kind);
    }

    ngx_http_faas_zone_unlock(storm->zone);

    if (inst) {
        job = ngx_http_faas_unit_storm_add(&storm->starts, storm->worker);
        job->inst = inst;
        job->fn = NGX_HTTP_FAAS_UNIT_STORM_FUNCTIONS;
    }

    return NULL;
}


char *
ngx_http_faas_unit_storm_claim(ngx_http_faas_unit_storm_t *storm)
{
    ngx_http_faas_instance_t        *inst;
    ngx_http_faas_unit_storm_job_t  *job;

    if (storm->removals.n == NGX_HTTP_FAAS_UNIT_STORM_JOBS) {
        return NULL;
    }

    inst = ngx_http_faas_instance_claim(storm->zone);

    if (inst) {
        job = ngx_http_faas_unit_storm_add(&storm->removals, storm->worker);
        job->inst = inst;
    }

    return NULL;
}


char *
ngx_http_faas_unit_storm_remove(ngx_http_faas_unit_storm_t *storm)
{
    ngx_http_faas_unit_storm_job_t  *job;

    job = ngx_http_faas_unit_storm_pick(storm, &storm->removals);

    if (job) {

        if (job->inst->state != NGX_HTTP_FAAS_REMOVING
            || job->inst->owner != ngx_pid)
        {
            return "a removal was taken away";
        }

        ngx_http_faas_instance_removed(storm->zone, job->inst,
                                       ngx_http_faas_unit_storm_random(5));
        ngx_http_faas_unit_storm_delete(&storm->removals, job);
    }

    return NULL;
}


/* an event of some container: perhaps of this life of the slot */

char *
ngx_http_faas_unit_storm_lost(ngx_http_faas_unit_storm_t *storm)
{
    u_char                     id[NGX_HTTP_FAAS_ID_LEN];
    ngx_uint_t                 slot;
    ngx_http_faas_instance_t  *inst;

    slot = ngx_http_faas_unit_storm_random(storm->zone->sh->ninstances);
    inst = &storm->zone->sh->instances[slot];

    ngx_http_faas_zone_lock(storm->zone);
    ngx_memcpy(id, inst->id, sizeof(id));
    ngx_http_faas_zone_unlock(storm->zone);

    if (ngx_http_faas_unit_storm_random(4) == 0) {
        id[0]++;

        if (ngx_http_faas_instance_lost(storm->zone, slot, id, 1)) {
            return "the death of a stranger was believed";
        }

        return NULL;
    }

    (void) ngx_http_faas_instance_lost(storm->zone, slot, id,
                                       ngx_http_faas_unit_storm_random(3));

    return NULL;
}


char *
ngx_http_faas_unit_storm_reserve(ngx_http_faas_unit_storm_t *storm)
{
    ngx_http_faas_census_reserve(storm->zone,
              ngx_http_faas_unit_storm_random(storm->zone->sh->ninstances));

    return NULL;
}


/* the engine's list lacks one in eight */

char *
ngx_http_faas_unit_storm_missing(ngx_http_faas_unit_storm_t *storm)
{
    u_char      seen[1024];
    ngx_uint_t  i;

    for (i = 0; i < storm->zone->sh->ninstances; i++) {
        seen[i] = (ngx_http_faas_unit_storm_random(8) != 0);
    }

    (void) ngx_http_faas_census_missing(storm->zone, seen,
                                        ngx_current_msec);

    return NULL;
}


/* one of an earlier zone turns up, with the present code or another */

char *
ngx_http_faas_unit_storm_adopt(ngx_http_faas_unit_storm_t *storm)
{
    u_char                  id[NGX_HTTP_FAAS_ID_LEN];
    u_char                  revision[NGX_HTTP_FAAS_REVISION_LEN];
    ngx_uint_t              fn;
    ngx_http_faas_orphan_t  orphan;

    fn = ngx_http_faas_unit_storm_random(NGX_HTTP_FAAS_UNIT_STORM_FUNCTIONS);

    ngx_http_faas_unit_storm_id(storm, id);
    ngx_memset(revision, ngx_http_faas_unit_storm_random(4)
                         ? storm->files[fn] : 'A', sizeof(revision));

    orphan.function.data = (u_char *) ngx_http_faas_unit_storm_names[fn];
    orphan.function.len = ngx_strlen(orphan.function.data);
    orphan.revision = revision;
    orphan.id = id;
    orphan.kind = NGX_HTTP_FAAS_UNIT_KIND;
    orphan.slot = ngx_http_faas_unit_storm_random(
                                              storm->zone->sh->ninstances);
    orphan.generation = storm->sequence++;
    orphan.concurrency = 1 + ngx_http_faas_unit_storm_random(3);
    orphan.idle = 30;

    (void) ngx_http_faas_census_adopt(storm->zone, &orphan);

    return NULL;
}


char *
ngx_http_faas_unit_storm_trim(ngx_http_faas_unit_storm_t *storm)
{
    uint32_t    kind;
    ngx_uint_t  keep;

    kind = NGX_HTTP_FAAS_UNIT_KIND;
    keep = ngx_http_faas_unit_storm_random(4);

    (void) ngx_http_faas_census_trim(storm->zone, &kind, 1, &keep);

    return NULL;
}


/* one that no other container has had */

static void
ngx_http_faas_unit_storm_id(ngx_http_faas_unit_storm_t *storm, u_char *id)
{
    ngx_memset(id, '0', NGX_HTTP_FAAS_ID_LEN);

    (void) ngx_sprintf(id, "%016xi%016xi", (ngx_int_t) ngx_getpid(),
                       (ngx_int_t) storm->sequence++);
}
