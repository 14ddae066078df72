
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * What the victim may be at: none of it may share anything with whatever looks
 * at the zone between two instructions.
 */


#include "ngx_http_faas.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "ngx_http_faas_census.h"
#include "ngx_http_faas_unit_repair.h"


#define ngx_http_faas_unit_repair_op(name)                                   \
    static void ngx_http_faas_unit_repair_##name(                            \
        ngx_http_faas_unit_repair_t *tr)


static ngx_int_t ngx_http_faas_unit_repair_acquire(
    ngx_http_faas_unit_repair_t *tr, char *name, u_char revision,
    ngx_uint_t max, ngx_uint_t queue, uint32_t kind);
static void ngx_http_faas_unit_repair_want(ngx_http_faas_want_t *want,
    char *name, u_char *revision);

ngx_http_faas_unit_repair_op(new);
ngx_http_faas_unit_repair_op(claimed);
ngx_http_faas_unit_repair_op(queued);
ngx_http_faas_unit_repair_op(granted);
ngx_http_faas_unit_repair_op(edited);
ngx_http_faas_unit_repair_op(rewritten);
ngx_http_faas_unit_repair_op(refused);
ngx_http_faas_unit_repair_op(minimum);
ngx_http_faas_unit_repair_op(released);
ngx_http_faas_unit_repair_op(left);
ngx_http_faas_unit_repair_op(told);
ngx_http_faas_unit_repair_op(condemned);
ngx_http_faas_unit_repair_op(condemned_single);
ngx_http_faas_unit_repair_op(expired);
ngx_http_faas_unit_repair_op(news);
ngx_http_faas_unit_repair_op(turn);
ngx_http_faas_unit_repair_op(identified);
ngx_http_faas_unit_repair_op(booted);
ngx_http_faas_unit_repair_op(loading);
ngx_http_faas_unit_repair_op(ready);
ngx_http_faas_unit_repair_op(ready_twin);
ngx_http_faas_unit_repair_op(failed);
ngx_http_faas_unit_repair_op(failed_twin);
ngx_http_faas_unit_repair_op(abandoned);
ngx_http_faas_unit_repair_op(forgotten);
ngx_http_faas_unit_repair_op(removal);
ngx_http_faas_unit_repair_op(removed);
ngx_http_faas_unit_repair_op(kept);
ngx_http_faas_unit_repair_op(ended);
ngx_http_faas_unit_repair_op(drained);
ngx_http_faas_unit_repair_op(retired);
ngx_http_faas_unit_repair_op(adopted);
ngx_http_faas_unit_repair_op(reserved);
ngx_http_faas_unit_repair_op(missing);
ngx_http_faas_unit_repair_op(settled);
ngx_http_faas_unit_repair_op(trimmed);
ngx_http_faas_unit_repair_op(crew);
ngx_http_faas_unit_repair_op(crew_left);
ngx_http_faas_unit_repair_op(crew_asked);
ngx_http_faas_unit_repair_op(worker);
ngx_http_faas_unit_repair_op(reaped);


ngx_http_faas_unit_repair_op_t  ngx_http_faas_unit_repair_ops[] = {
    { "new", ngx_http_faas_unit_repair_new },
    { "claimed", ngx_http_faas_unit_repair_claimed },
    { "queued", ngx_http_faas_unit_repair_queued },
    { "granted", ngx_http_faas_unit_repair_granted },
    { "edited", ngx_http_faas_unit_repair_edited },
    { "rewritten", ngx_http_faas_unit_repair_rewritten },
    { "refused", ngx_http_faas_unit_repair_refused },
    { "minimum", ngx_http_faas_unit_repair_minimum },
    { "released", ngx_http_faas_unit_repair_released },
    { "left", ngx_http_faas_unit_repair_left },
    { "told", ngx_http_faas_unit_repair_told },
    { "condemned", ngx_http_faas_unit_repair_condemned },
    { "condemned_single", ngx_http_faas_unit_repair_condemned_single },
    { "expired", ngx_http_faas_unit_repair_expired },
    { "news", ngx_http_faas_unit_repair_news },
    { "turn", ngx_http_faas_unit_repair_turn },
    { "identified", ngx_http_faas_unit_repair_identified },
    { "booted", ngx_http_faas_unit_repair_booted },
    { "loading", ngx_http_faas_unit_repair_loading },
    { "ready", ngx_http_faas_unit_repair_ready },
    { "ready_twin", ngx_http_faas_unit_repair_ready_twin },
    { "failed", ngx_http_faas_unit_repair_failed },
    { "failed_twin", ngx_http_faas_unit_repair_failed_twin },
    { "abandoned", ngx_http_faas_unit_repair_abandoned },
    { "forgotten", ngx_http_faas_unit_repair_forgotten },
    { "removal", ngx_http_faas_unit_repair_removal },
    { "removed", ngx_http_faas_unit_repair_removed },
    { "kept", ngx_http_faas_unit_repair_kept },
    { "ended", ngx_http_faas_unit_repair_ended },
    { "drained", ngx_http_faas_unit_repair_drained },
    { "retired", ngx_http_faas_unit_repair_retired },
    { "adopted", ngx_http_faas_unit_repair_adopted },
    { "reserved", ngx_http_faas_unit_repair_reserved },
    { "missing", ngx_http_faas_unit_repair_missing },
    { "settled", ngx_http_faas_unit_repair_settled },
    { "trimmed", ngx_http_faas_unit_repair_trimmed },
    { "crew", ngx_http_faas_unit_repair_crew },
    { "crew_left", ngx_http_faas_unit_repair_crew_left },
    { "crew_asked", ngx_http_faas_unit_repair_crew_asked },
    { "worker", ngx_http_faas_unit_repair_worker },
    { "reaped", ngx_http_faas_unit_repair_reaped },
    { NULL, NULL }
};


static void
ngx_http_faas_unit_repair_want(ngx_http_faas_want_t *want, char *name,
    u_char *revision)
{
    ngx_memzero(want, sizeof(ngx_http_faas_want_t));

    want->name.data = (u_char *) name;
    want->name.len = ngx_strlen(name);
    want->kind = NGX_HTTP_FAAS_UNIT_KIND;
    want->looked = 1;
    want->revision = revision;
    want->identity.uniq = revision[0];
    want->identity.size = 100;
    want->scale.concurrency = 1;
    want->scale.max_instances = 1;
    want->scale.queue = 100;
}


static ngx_int_t
ngx_http_faas_unit_repair_acquire(ngx_http_faas_unit_repair_t *tr, char *name,
    u_char revision, ngx_uint_t max, ngx_uint_t queue, uint32_t kind)
{
    u_char                     bytes[NGX_HTTP_FAAS_REVISION_LEN];
    ngx_int_t                  rc;
    ngx_http_faas_want_t       want;
    ngx_http_faas_lease_t     *lease;
    ngx_http_faas_instance_t  *inst;

    ngx_memset(bytes, revision, sizeof(bytes));
    ngx_http_faas_unit_repair_want(&want, name, bytes);

    want.scale.max_instances = max;
    want.scale.queue = queue;
    want.kind = kind;

    rc = ngx_http_faas_lease_acquire(tr->zone, &want, NULL, &lease, &inst);

    if (rc == NGX_DECLINED) {
        rc = ngx_http_faas_lease_acquire(tr->zone, &want, NULL, &lease,
                                         &inst);
    }

    return rc;
}


ngx_http_faas_unit_repair_op(new)
{
    tr->zone->worker = NULL;

    assert_int_equal(ngx_http_faas_unit_repair_acquire(tr, "new", 'A', 1, 100,
                                                  NGX_HTTP_FAAS_UNIT_KIND),
                     NGX_DONE);
}


ngx_http_faas_unit_repair_op(claimed)
{
    assert_int_equal(ngx_http_faas_unit_repair_acquire(tr, "rare", 'A', 1,
                                       100, NGX_HTTP_FAAS_UNIT_REPAIR_RARE),
                     NGX_DONE);
}


ngx_http_faas_unit_repair_op(queued)
{
    assert_int_equal(ngx_http_faas_unit_repair_acquire(tr, "greet", 'A', 1,
                                              100, NGX_HTTP_FAAS_UNIT_KIND),
                     NGX_AGAIN);
}


ngx_http_faas_unit_repair_op(granted)
{
    assert_int_equal(ngx_http_faas_unit_repair_acquire(tr, "quick", 'A', 1,
                                              100, NGX_HTTP_FAAS_UNIT_KIND),
                     NGX_OK);
}


ngx_http_faas_unit_repair_op(edited)
{
    assert_int_equal(ngx_http_faas_unit_repair_acquire(tr, "greet", 'B', 2,
                                              100, NGX_HTTP_FAAS_UNIT_KIND),
                     NGX_DONE);
}


/* in another language */

ngx_http_faas_unit_repair_op(rewritten)
{
    assert_int_equal(ngx_http_faas_unit_repair_acquire(tr, "greet", 'B', 2,
                                          100, NGX_HTTP_FAAS_UNIT_KIND + 2),
                     NGX_DONE);
}


ngx_http_faas_unit_repair_op(refused)
{
    assert_int_equal(ngx_http_faas_unit_repair_acquire(tr, "greet", 'A', 1, 0,
                                                  NGX_HTTP_FAAS_UNIT_KIND),
                     NGX_ABORT);
}


ngx_http_faas_unit_repair_op(minimum)
{
    u_char                     bytes[NGX_HTTP_FAAS_REVISION_LEN];
    ngx_http_faas_want_t       want;
    ngx_http_faas_instance_t  *inst;

    ngx_memset(bytes, 'A', sizeof(bytes));
    ngx_http_faas_unit_repair_want(&want, "quick", bytes);

    want.scale.min_instances = 2;
    want.scale.max_instances = 2;
    want.version = 1;

    assert_int_equal(ngx_http_faas_lease_minimum(tr->zone, &want, &inst),
                     NGX_DONE);
}


ngx_http_faas_unit_repair_op(released)
{
    ngx_http_faas_lease_release(tr->zone, tr->held);
}


ngx_http_faas_unit_repair_op(left)
{
    ngx_http_faas_lease_release(tr->zone, tr->waiting);
}


ngx_http_faas_unit_repair_op(told)
{
    ngx_http_faas_lease_release(tr->zone, tr->failed);
}


ngx_http_faas_unit_repair_op(condemned)
{
    (void) ngx_http_faas_lease_condemn(tr->zone, tr->held);
}


ngx_http_faas_unit_repair_op(condemned_single)
{
    assert_non_null(ngx_http_faas_lease_condemn(tr->zone, tr->single));
}


ngx_http_faas_unit_repair_op(expired)
{
    ngx_http_faas_lease_expire(tr->zone, tr->last);
    assert_int_equal(tr->slow->state, NGX_HTTP_FAAS_DEAD);
}


ngx_http_faas_unit_repair_op(news)
{
    assert_non_null(ngx_http_faas_worker_next(tr->zone));
}


ngx_http_faas_unit_repair_op(turn)
{
    assert_int_equal(ngx_http_faas_turn(tr->zone, tr->spare), NGX_AGAIN);
}


ngx_http_faas_unit_repair_op(identified)
{
    u_char     data[NGX_HTTP_FAAS_ID_LEN];
    ngx_str_t  id;

    ngx_memset(data, 'x', sizeof(data));

    id.data = data;
    id.len = sizeof(data);

    ngx_http_faas_instance_identify(tr->zone, tr->slow, &id);
}


ngx_http_faas_unit_repair_op(booted)
{
    u_char     data[NGX_HTTP_FAAS_TOKEN_LEN];
    ngx_str_t  token;

    ngx_memset(data, 't', sizeof(data));

    token.data = data;
    token.len = sizeof(data);

    assert_int_equal(ngx_http_faas_instance_booted(tr->zone, tr->spare,
                                                   &token),
                     NGX_OK);
}


ngx_http_faas_unit_repair_op(loading)
{
    u_char                bytes[NGX_HTTP_FAAS_REVISION_LEN];
    ngx_http_faas_want_t  want;

    ngx_memset(bytes, 'C', sizeof(bytes));
    ngx_http_faas_unit_repair_want(&want, "slow", bytes);

    assert_int_equal(ngx_http_faas_instance_refresh(tr->zone, tr->slow),
                     NGX_OK);
    assert_int_equal(ngx_http_faas_instance_loading(tr->zone, tr->slow,
                                                    &want),
                     NGX_OK);
}


ngx_http_faas_unit_repair_op(ready)
{
    ngx_http_faas_verdict_ready(tr->zone, tr->load);
}


ngx_http_faas_unit_repair_op(ready_twin)
{
    ngx_http_faas_verdict_ready(tr->zone, tr->twin);
}


ngx_http_faas_unit_repair_op(failed)
{
    ngx_str_t  text;

    ngx_str_set(&text, "SyntaxError");

    (void) ngx_http_faas_verdict_fail(tr->zone, tr->load, 0, &text);
}


ngx_http_faas_unit_repair_op(failed_twin)
{
    ngx_str_t  text;

    ngx_str_set(&text, "SyntaxError");

    assert_int_equal(ngx_http_faas_verdict_fail(tr->zone, tr->twin, 0, &text),
                     1);
}


ngx_http_faas_unit_repair_op(abandoned)
{
    ngx_http_faas_verdict_abandon(tr->zone, tr->load);
}


ngx_http_faas_unit_repair_op(forgotten)
{
    ngx_str_t  name;

    ngx_str_set(&name, "greet");
    ngx_http_faas_verdict_forget(tr->zone, &name);

    ngx_str_set(&name, "third");
    ngx_http_faas_verdict_forget(tr->zone, &name);
}


ngx_http_faas_unit_repair_op(removal)
{
    /* one that was tried in vain a moment ago */

    ngx_current_msec += 1000;
    assert_non_null(ngx_http_faas_instance_claim(tr->zone));
}


ngx_http_faas_unit_repair_op(removed)
{
    ngx_http_faas_instance_removed(tr->zone, tr->away, 1);
}


ngx_http_faas_unit_repair_op(kept)
{
    ngx_http_faas_instance_removed(tr->zone, tr->away, 0);
}


ngx_http_faas_unit_repair_op(ended)
{
    assert_int_equal(ngx_http_faas_instance_lost(tr->zone, tr->greet->slot,
                                                 tr->greet->id, 1),
                     1);
}


ngx_http_faas_unit_repair_op(drained)
{
    assert_int_equal(ngx_http_faas_instance_lost(tr->zone, tr->greet->slot,
                                                 tr->greet->id, 0),
                     1);
}


ngx_http_faas_unit_repair_op(retired)
{
    assert_int_equal(ngx_http_faas_instance_retire(tr->zone), 1);
}


ngx_http_faas_unit_repair_op(adopted)
{
    u_char                  id[NGX_HTTP_FAAS_ID_LEN];
    u_char                  revision[NGX_HTTP_FAAS_REVISION_LEN];
    ngx_http_faas_orphan_t  orphan;

    ngx_memset(id, 'f', sizeof(id));
    ngx_memset(revision, 'A', sizeof(revision));
    ngx_memzero(&orphan, sizeof(ngx_http_faas_orphan_t));

    ngx_str_set(&orphan.function, "found");
    orphan.revision = revision;
    orphan.id = id;
    orphan.kind = NGX_HTTP_FAAS_UNIT_KIND;
    orphan.slot = tr->zone->sh->ninstances - 1;
    orphan.concurrency = 2;

    assert_int_equal(ngx_http_faas_census_adopt(tr->zone, &orphan), NGX_OK);
}


ngx_http_faas_unit_repair_op(reserved)
{
    ngx_http_faas_census_reserve(tr->zone, tr->zone->sh->ninstances - 1);
    ngx_http_faas_census_reserve(tr->zone, tr->zone->sh->ninstances - 3);
}


/* none of the containers is there */

ngx_http_faas_unit_repair_op(missing)
{
    u_char  seen[NGX_HTTP_FAAS_UNIT_REPAIR_SIZE
                 / sizeof(ngx_http_faas_instance_t)];

    ngx_memzero(seen, sizeof(seen));

    assert_int_not_equal(ngx_http_faas_census_missing(tr->zone, seen,
                                                  ngx_current_msec + 1000),
                         0);
}


ngx_http_faas_unit_repair_op(settled)
{
    tr->zone->sh->settled = 0;
    ngx_http_faas_census_settle(tr->zone);
}


ngx_http_faas_unit_repair_op(trimmed)
{
    assert_int_equal(ngx_http_faas_census_trim(tr->zone, NULL, 0, NULL), 1);
}


ngx_http_faas_unit_repair_op(crew)
{
    ngx_http_faas_crew_t  *crew;

    crew = ngx_http_faas_crew(tr->zone, (u_char *) "a third of these");
    assert_non_null(crew);

    assert_int_equal(ngx_http_faas_crew_join(tr->zone, crew, 1, 1,
                                             &tr->ticket),
                     NGX_OK);
    assert_int_equal(ngx_http_faas_crew_join(tr->zone, crew, 1, 1,
                                             &tr->ticket),
                     NGX_AGAIN);
}


ngx_http_faas_unit_repair_op(crew_left)
{
    ngx_http_faas_crew_leave(tr->zone, tr->tickets[0][2]);
    ngx_http_faas_crew_leave(tr->zone, tr->tickets[1][2]);
}


/* there may be three now */

ngx_http_faas_unit_repair_op(crew_asked)
{
    assert_int_equal(ngx_http_faas_crew_ask(tr->zone, tr->tickets[0][2], 3),
                     NGX_OK);
}


/* one that comes, and goes */

ngx_http_faas_unit_repair_op(worker)
{
    tr->zone->worker = NULL;

    ngx_http_faas_zone_lock(tr->zone);
    assert_non_null(ngx_http_faas_worker_self(tr->zone));
    ngx_http_faas_zone_unlock(tr->zone);

    ngx_http_faas_worker_exit(tr->zone);
}


/* the victim's own death is another's work */

ngx_http_faas_unit_repair_op(reaped)
{
    ngx_pid = tr->stranger;
    tr->zone->worker = NULL;

    ngx_http_faas_lease_reap(tr->zone);
}


void
ngx_http_faas_unit_repair_lock(ngx_http_faas_unit_repair_t *tr)
{
    ngx_shmtx_t  *mtx;

    mtx = &tr->zone->shpool->mutex;
    ngx_pid = tr->stranger;

    (void) ngx_shmtx_force_unlock(mtx, (ngx_pid_t) *mtx->lock);

    ngx_http_faas_zone_lock(tr->zone);
    ngx_http_faas_zone_unlock(tr->zone);
}
