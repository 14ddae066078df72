
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * What requests and starts do in a zone, as one of its workers.  After every
 * step the whole zone is checked.
 */


#include "ngx_http_faas.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "ngx_http_faas_unit_lease.h"


void
ngx_http_faas_unit_lease_begin(ngx_http_faas_unit_lease_t *tl)
{
    ngx_memzero(tl, sizeof(ngx_http_faas_unit_lease_t));

    tl->t = ngx_http_faas_unit_zone_create(NGX_HTTP_FAAS_UNIT_SIZE);
}


ngx_http_faas_instance_t *
ngx_http_faas_unit_lease_begin_old(ngx_http_faas_unit_lease_t *tl,
    ngx_uint_t concurrency)
{
    ngx_http_faas_lease_t     *lease;
    ngx_http_faas_instance_t  *inst;

    ngx_http_faas_unit_lease_begin(tl);

    lease = ngx_http_faas_unit_lease_ok(tl, 0, NGX_DONE);
    inst = tl->inst;
    ngx_http_faas_unit_lease_ready(tl, inst, 'A', concurrency);
    ngx_http_faas_unit_lease_news(tl, 0, lease);

    return inst;
}


ngx_int_t
ngx_http_faas_unit_lease_ask(ngx_http_faas_unit_lease_t *tl, ngx_uint_t n,
    char *name, u_char revision)
{
    ngx_uint_t                 identity;
    ngx_http_faas_function_t  *fn;

    /* a file for each revision; 0: it looks like the one that is known */

    identity = revision;

    if (revision == 0) {
        fn = ngx_http_faas_unit_zone_find(&tl->t->zone, name);
        identity = fn ? fn->identity.uniq : 1;
    }

    return ngx_http_faas_unit_lease_acquire(tl, n,
                   ngx_http_faas_unit_zone_want(name, identity, revision));
}


ngx_int_t
ngx_http_faas_unit_lease_acquire(ngx_http_faas_unit_lease_t *tl,
    ngx_uint_t n, ngx_http_faas_want_t *want)
{
    ngx_int_t                  rc;
    ngx_http_faas_zone_t      *zone;
    ngx_http_faas_function_t  *fn;

    zone = ngx_http_faas_unit_zone_as(tl->t, n);

    ngx_http_faas_zone_lock(zone);
    fn = ngx_http_faas_function_find(zone, &want->name);
    want->version = fn ? fn->version : 0;
    ngx_http_faas_zone_unlock(zone);

    rc = ngx_http_faas_lease_acquire(zone, want, NULL, &tl->lease, &tl->inst);

    ngx_http_faas_unit_zone_check(tl->t);

    return rc;
}


ngx_http_faas_lease_t *
ngx_http_faas_unit_lease_ok(ngx_http_faas_unit_lease_t *tl, ngx_uint_t n,
    ngx_int_t rc)
{
    assert_int_equal(ngx_http_faas_unit_lease_ask(tl, n, "greet", 'A'), rc);
    assert_non_null(tl->lease);

    return tl->lease;
}


ngx_http_faas_zone_t *
ngx_http_faas_unit_lease_owner(ngx_http_faas_unit_lease_t *tl,
    ngx_http_faas_instance_t *inst)
{
    ngx_uint_t  n;

    for (n = 0; tl->t->workers[n].pid != inst->owner; n++) {
        assert_int_not_equal(n, NGX_HTTP_FAAS_UNIT_WORKERS - 1);
    }

    return ngx_http_faas_unit_zone_as(tl->t, n);
}


ngx_int_t
ngx_http_faas_unit_lease_turn(ngx_http_faas_unit_lease_t *tl,
    ngx_http_faas_instance_t *inst)
{
    ngx_int_t  rc;

    rc = ngx_http_faas_turn(ngx_http_faas_unit_lease_owner(tl, inst),
                                     inst);

    ngx_http_faas_unit_zone_check(tl->t);

    return rc;
}


void
ngx_http_faas_unit_lease_loading(ngx_http_faas_unit_lease_t *tl,
    ngx_http_faas_instance_t *inst, u_char revision, ngx_uint_t concurrency)
{
    ngx_http_faas_want_t  *want;
    ngx_http_faas_zone_t  *zone;

    zone = ngx_http_faas_unit_lease_owner(tl, inst);
    want = ngx_http_faas_unit_zone_want("", revision, revision);

    assert_int_equal(ngx_http_faas_instance_wanted(zone, inst), NGX_OK);
    assert_int_equal(ngx_http_faas_instance_refresh(zone, inst), NGX_OK);
    assert_int_equal(ngx_http_faas_unit_zone_loading(zone, inst, want, concurrency),
                     NGX_OK);

    ngx_http_faas_unit_zone_check(tl->t);

    assert_int_equal(inst->concurrency, concurrency);
}


void
ngx_http_faas_unit_lease_ready(ngx_http_faas_unit_lease_t *tl,
    ngx_http_faas_instance_t *inst, u_char revision, ngx_uint_t concurrency)
{
    ngx_http_faas_unit_lease_loading(tl, inst, revision, concurrency);

    ngx_http_faas_unit_lease_verdict(tl, inst);
}


void
ngx_http_faas_unit_lease_verdict(ngx_http_faas_unit_lease_t *tl,
    ngx_http_faas_instance_t *inst)
{
    ngx_http_faas_verdict_ready(ngx_http_faas_unit_lease_owner(tl, inst),
                                inst);

    ngx_http_faas_unit_zone_check(tl->t);
}


ngx_uint_t
ngx_http_faas_unit_lease_fail(ngx_http_faas_unit_lease_t *tl,
    ngx_http_faas_instance_t *inst, ngx_uint_t status)
{
    ngx_str_t              text;
    ngx_uint_t             kept;
    ngx_http_faas_zone_t  *zone;

    ngx_str_set(&text, "SyntaxError");

    zone = ngx_http_faas_unit_lease_owner(tl, inst);
    kept = ngx_http_faas_verdict_fail(zone, inst, status, &text);

    ngx_http_faas_unit_zone_check(tl->t);

    ngx_http_faas_unit_inst(inst, REMOVING);
    assert_int_equal(inst->owner, ngx_pid);

    return kept;
}


void
ngx_http_faas_unit_lease_removed(ngx_http_faas_unit_lease_t *tl,
    ngx_http_faas_instance_t *inst)
{
    ngx_http_faas_unit_inst(inst, REMOVING);

    ngx_http_faas_instance_removed(ngx_http_faas_unit_lease_owner(tl, inst),
                                   inst, 1);

    ngx_http_faas_unit_zone_check(tl->t);
    ngx_http_faas_unit_inst(inst, EMPTY);
}


ngx_http_faas_instance_t *
ngx_http_faas_unit_lease_begin_spare(ngx_http_faas_unit_lease_t *tl,
    ngx_uint_t n, uint32_t kind)
{
    ngx_http_faas_zone_t      *zone;
    ngx_http_faas_instance_t  *inst;

    zone = ngx_http_faas_unit_zone_as(tl->t, n);

    ngx_http_faas_zone_lock(zone);
    inst = ngx_http_faas_instance_take(zone, NULL, kind);
    ngx_http_faas_zone_unlock(zone);

    assert_non_null(inst);
    ngx_http_faas_unit_zone_check(tl->t);

    return inst;
}


void
ngx_http_faas_unit_lease_booted(ngx_http_faas_unit_lease_t *tl,
    ngx_http_faas_instance_t *inst, u_char token)
{
    ngx_str_t  s;
    u_char     data[NGX_HTTP_FAAS_TOKEN_LEN];

    ngx_memset(data, token, sizeof(data));

    s.data = data;
    s.len = sizeof(data);

    assert_int_equal(ngx_http_faas_instance_booted(
                              ngx_http_faas_unit_lease_owner(tl, inst), inst,
                              &s),
                     NGX_OK);

    ngx_http_faas_unit_zone_check(tl->t);
    ngx_http_faas_unit_inst(inst, SPARE);
}


void
ngx_http_faas_unit_lease_identify(ngx_http_faas_unit_lease_t *tl,
    ngx_http_faas_instance_t *inst, u_char id)
{
    ngx_str_t  s;
    u_char     data[NGX_HTTP_FAAS_ID_LEN];

    ngx_memset(data, id, sizeof(data));

    s.data = data;
    s.len = sizeof(data);

    ngx_http_faas_instance_identify(&tl->t->zone, inst, &s);
}


void
ngx_http_faas_unit_lease_release(ngx_http_faas_unit_lease_t *tl,
    ngx_uint_t n, ngx_http_faas_lease_t *lease)
{
    ngx_http_faas_lease_release(ngx_http_faas_unit_zone_as(tl->t, n), lease);

    ngx_http_faas_unit_zone_check(tl->t);
}


void
ngx_http_faas_unit_lease_news(ngx_http_faas_unit_lease_t *tl, ngx_uint_t n,
    ngx_http_faas_lease_t *lease)
{
    ngx_http_faas_zone_t  *zone;

    zone = ngx_http_faas_unit_zone_as(tl->t, n);

    /* once may be for several that are on the list */

    tl->rung[n] |= ngx_http_faas_unit_zone_rung(tl->t, n);
    assert_true(tl->rung[n]);

    assert_ptr_equal(ngx_http_faas_worker_next(zone), lease);

    if (ngx_queue_empty(&zone->worker->wakes)) {
        tl->rung[n] = 0;
    }

    ngx_http_faas_unit_zone_check(tl->t);
}


void
ngx_http_faas_unit_lease_no_news(ngx_http_faas_unit_lease_t *tl)
{
    ngx_uint_t             n;
    ngx_http_faas_zone_t  *zone;

    for (n = 0; n < NGX_HTTP_FAAS_UNIT_WORKERS; n++) {

        if (tl->t->workers[n].pid) {
            zone = ngx_http_faas_unit_zone_as(tl->t, n);
            assert_null(ngx_http_faas_worker_next(zone));
        }
    }
}


void
ngx_http_faas_unit_lease_fill(ngx_http_faas_unit_lease_t *tl)
{
    ngx_str_t                  name;
    ngx_http_faas_zone_t      *zone;
    ngx_http_faas_function_t  *fn;

    ngx_str_set(&name, "many");
    zone = ngx_http_faas_unit_zone_as(tl->t, 0);

    ngx_http_faas_zone_lock(zone);

    fn = ngx_http_faas_function_get(zone, &name);
    assert_non_null(fn);

    while (ngx_http_faas_instance_take(zone, fn, fn->kind)) { /* void */ }

    ngx_http_faas_zone_unlock(zone);

    ngx_http_faas_unit_zone_check(tl->t);
}


ngx_uint_t
ngx_http_faas_unit_lease_functions(ngx_http_faas_unit_lease_t *tl)
{
    ngx_uint_t          n;
    ngx_rbtree_t       *tree;
    ngx_rbtree_node_t  *node;

    tree = &tl->t->zone.sh->functions;

    if (tree->root == tree->sentinel) {
        return 0;
    }

    n = 0;

    for (node = ngx_rbtree_min(tree->root, tree->sentinel);
         node;
         node = ngx_rbtree_next(tree, node))
    {
        n++;
    }

    return n;
}


void
ngx_http_faas_unit_lease_drop(ngx_http_faas_unit_lease_t *tl, char *name)
{
    ngx_str_t                  s;
    ngx_http_faas_zone_t      *zone;
    ngx_http_faas_instance_t  *inst;

    s.data = (u_char *) name;
    s.len = ngx_strlen(name);

    zone = ngx_http_faas_unit_zone_as(tl->t, 0);
    ngx_http_faas_verdict_forget(zone, &s);

    for ( ;; ) {
        inst = ngx_http_faas_instance_claim(zone);
        if (inst == NULL) {
            break;
        }

        ngx_http_faas_instance_removed(zone, inst, 1);
    }

    ngx_http_faas_unit_zone_check(tl->t);
}


void
ngx_http_faas_unit_lease_end(ngx_http_faas_unit_lease_t *tl)
{
    ngx_str_t                  text;
    ngx_uint_t                 i, n;
    ngx_queue_t               *q;
    ngx_http_faas_zone_t      *zone;
    ngx_http_faas_lease_t     *lease;
    ngx_http_faas_instance_t  *inst;

    ngx_str_set(&text, "the end");

    for (n = 0; n < NGX_HTTP_FAAS_UNIT_WORKERS; n++) {

        if (tl->t->workers[n].pid == 0) {
            continue;
        }

        zone = ngx_http_faas_unit_zone_as(tl->t, n);

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

        while (zone->worker && !ngx_queue_empty(&zone->worker->leases)) {
            q = ngx_queue_head(&zone->worker->leases);
            lease = ngx_queue_data(q, ngx_http_faas_lease_t, all);

            ngx_http_faas_lease_release(zone, lease);
        }
    }

    ngx_http_faas_unit_zone_check(tl->t);

    zone = ngx_http_faas_unit_zone_as(tl->t, 0);

    for (i = 0; i < zone->sh->ninstances; i++) {
        inst = &zone->sh->instances[i];

        if (inst->state == NGX_HTTP_FAAS_EMPTY) {
            continue;
        }

        if (inst->state != NGX_HTTP_FAAS_FOREIGN) {
            ngx_http_faas_zone_lock(zone);
            ngx_http_faas_instance_set(zone, inst, NGX_HTTP_FAAS_DEAD);
            ngx_http_faas_zone_unlock(zone);
        }

        ngx_http_faas_instance_removed(zone, inst, 1);
    }

    ngx_http_faas_unit_zone_destroy(tl->t);
}
