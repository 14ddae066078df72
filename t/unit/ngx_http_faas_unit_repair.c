
/*
 * Copyright (C) the ngx_http_faas_module authors
 */


#include "ngx_http_faas.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "ngx_http_faas_unit_repair.h"


static void ngx_http_faas_unit_repair_calls(ngx_http_faas_unit_repair_t *tr);
static void ngx_http_faas_unit_repair_starts(ngx_http_faas_unit_repair_t *tr);
static void ngx_http_faas_unit_repair_crews(ngx_http_faas_unit_repair_t *tr);
static ngx_http_faas_lease_t *ngx_http_faas_unit_repair_ask(
    ngx_http_faas_unit_repair_t *tr, ngx_uint_t n, char *name,
    u_char revision, ngx_int_t rc);
static ngx_pid_t ngx_http_faas_unit_repair_stranger(void);


void
ngx_http_faas_unit_repair_begin(ngx_http_faas_unit_repair_t *tr)
{
    ngx_memzero(tr, sizeof(ngx_http_faas_unit_repair_t));

    tr->tl.t = ngx_http_faas_unit_zone_create(NGX_HTTP_FAAS_UNIT_REPAIR_SIZE);

    ngx_http_faas_unit_repair_calls(tr);
    ngx_http_faas_unit_repair_starts(tr);
    ngx_http_faas_unit_repair_crews(tr);

    tr->zone = &tr->tl.t->workers[2].zone;
    tr->pid = tr->tl.t->workers[2].pid;
    tr->stranger = ngx_http_faas_unit_repair_stranger();

    ngx_http_faas_unit_zone_kill(tr->tl.t, 2);
    ngx_http_faas_unit_zone_check(tr->tl.t);
}


/* "greet" is full, "quick" is idle, "twin" serves one */

static void
ngx_http_faas_unit_repair_calls(ngx_http_faas_unit_repair_t *tr)
{
    ngx_http_faas_lease_t       *lease;
    ngx_http_faas_unit_lease_t  *tl;

    tl = &tr->tl;

    (void) ngx_http_faas_unit_repair_ask(tr, 0, "greet", 'A', NGX_DONE);
    tr->greet = tl->inst;
    ngx_http_faas_unit_lease_identify(tl, tr->greet, 'g');
    ngx_http_faas_unit_lease_ready(tl, tr->greet, 'A', 2);

    tr->held = ngx_http_faas_unit_repair_ask(tr, 2, "greet", 'A', NGX_OK);
    (void) ngx_http_faas_unit_repair_ask(tr, 1, "greet", 'A', NGX_AGAIN);
    tr->waiting = ngx_http_faas_unit_repair_ask(tr, 2, "greet", 'A',
                                                NGX_AGAIN);
    (void) ngx_http_faas_unit_repair_ask(tr, 0, "greet", 'A', NGX_AGAIN);

    lease = ngx_http_faas_unit_repair_ask(tr, 1, "quick", 'A', NGX_DONE);
    tr->quick = tl->inst;
    ngx_http_faas_unit_lease_identify(tl, tr->quick, 'q');
    ngx_http_faas_unit_lease_ready(tl, tr->quick, 'A', 2);
    ngx_http_faas_unit_lease_release(tl, 1, lease);
    tr->quick->idle = 1;
    tr->quick->used = ngx_current_msec - 1000;

    tr->single = ngx_http_faas_unit_repair_ask(tr, 2, "twin", 'A', NGX_DONE);
    ngx_http_faas_unit_lease_ready(tl, tl->inst, 'A', 1);
}


/* three starts by the victim, one each by the others; two are done for */

static void
ngx_http_faas_unit_repair_starts(ngx_http_faas_unit_repair_t *tr)
{
    ngx_http_faas_zone_t        *zone;
    ngx_http_faas_instance_t    *spare;
    ngx_http_faas_unit_lease_t  *tl;

    tl = &tr->tl;

    (void) ngx_http_faas_unit_repair_ask(tr, 2, "twin", 'B', NGX_DONE);
    tr->twin = tl->inst;
    ngx_http_faas_unit_lease_loading(tl, tr->twin, 'B', 1);
    (void) ngx_http_faas_unit_repair_ask(tr, 1, "twin", 'B', NGX_AGAIN);

    (void) ngx_http_faas_unit_repair_ask(tr, 2, "load", 'A', NGX_DONE);
    tr->load = tl->inst;
    ngx_http_faas_unit_lease_loading(tl, tr->load, 'A', 1);
    (void) ngx_http_faas_unit_repair_ask(tr, 1, "load", 'A', NGX_AGAIN);
    (void) ngx_http_faas_unit_repair_ask(tr, 0, "load", 'A', NGX_AGAIN);

    tr->last = ngx_http_faas_unit_repair_ask(tr, 2, "slow", 'A', NGX_DONE);
    tr->slow = tl->inst;
    assert_int_equal(ngx_http_faas_unit_lease_turn(tl, tr->slow), NGX_OK);

    spare = ngx_http_faas_unit_lease_begin_spare(tl, 0,
                                              NGX_HTTP_FAAS_UNIT_REPAIR_RARE);
    ngx_http_faas_unit_lease_booted(tl, spare, 's');
    tr->spare = ngx_http_faas_unit_lease_begin_spare(tl, 2,
                                                     NGX_HTTP_FAAS_UNIT_KIND);

    (void) ngx_http_faas_unit_repair_ask(tr, 0, "other", 'A', NGX_DONE);
    assert_int_equal(ngx_http_faas_unit_lease_turn(tl, tl->inst), NGX_OK);

    (void) ngx_http_faas_unit_repair_ask(tr, 1, "third", 'A', NGX_DONE);
    assert_int_equal(ngx_http_faas_unit_lease_turn(tl, tl->inst), NGX_AGAIN);
    (void) ngx_http_faas_unit_repair_ask(tr, 0, "third", 'A', NGX_AGAIN);

    /* two have one report */

    (void) ngx_http_faas_unit_repair_ask(tr, 2, "away", 'A', NGX_DONE);
    tr->away = tl->inst;
    (void) ngx_http_faas_unit_repair_ask(tr, 1, "away", 'A', NGX_AGAIN);
    (void) ngx_http_faas_unit_lease_fail(tl, tr->away, 503);

    tr->failed = ngx_http_faas_unit_repair_ask(tr, 2, "none", 'A', NGX_DONE);
    (void) ngx_http_faas_unit_lease_fail(tl, tl->inst, 503);

    /* nobody sees to its removal */

    (void) ngx_http_faas_unit_repair_ask(tr, 1, "dead", 'A', NGX_DONE);
    zone = ngx_http_faas_unit_lease_owner(tl, tl->inst);
    (void) ngx_http_faas_unit_lease_fail(tl, tl->inst, 503);
    ngx_http_faas_instance_removed(zone, tl->inst, 0);
}


/* of the first one the victim's waits, of the second one it runs */

static void
ngx_http_faas_unit_repair_crews(ngx_http_faas_unit_repair_t *tr)
{
    ngx_int_t              rc;
    ngx_uint_t             i, n, worker;
    ngx_http_faas_zone_t  *zone;

    static ngx_uint_t      order[2][3] = { { 0, 2, 1 }, { 2, 0, 1 } };

    for (i = 0; i < 2; i++) {
        zone = ngx_http_faas_unit_zone_as(tr->tl.t, 0);

        tr->crews[i] = ngx_http_faas_crew(zone, (u_char *)
                                          (i ? "0123456789abcdef"
                                             : "fedcba9876543210"));
        assert_non_null(tr->crews[i]);

        for (n = 0; n < 3; n++) {
            worker = order[i][n];
            zone = ngx_http_faas_unit_zone_as(tr->tl.t, worker);

            rc = ngx_http_faas_crew_join(zone, tr->crews[i], 1, 2,
                                         &tr->tickets[i][worker]);

            assert_int_equal(rc, n ? NGX_AGAIN : NGX_OK);
        }
    }
}


static ngx_http_faas_lease_t *
ngx_http_faas_unit_repair_ask(ngx_http_faas_unit_repair_t *tr, ngx_uint_t n,
    char *name, u_char revision, ngx_int_t rc)
{
    assert_int_equal(ngx_http_faas_unit_lease_ask(&tr->tl, n, name, revision),
                     rc);
    assert_non_null(tr->tl.lease);

    return tr->tl.lease;
}


static ngx_pid_t
ngx_http_faas_unit_repair_stranger(void)
{
    ngx_pid_t  pid;

    pid = fork();
    assert_int_not_equal(pid, -1);

    if (pid == 0) {
        _exit(0);
    }

    assert_int_equal(waitpid(pid, NULL, 0), pid);

    return pid;
}
