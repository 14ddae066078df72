
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Who may run a command, in which worker, and whose bell rings.
 */


#include "ngx_http_faas.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "ngx_http_faas_crew.h"
#include "ngx_http_faas_unit_zone.h"


#define NGX_HTTP_FAAS_TEST_CREW_SIZE  (64 * 4096)


int ngx_http_faas_test_crew(void);

static void ngx_http_faas_test_crew_keys(void **state);
static void ngx_http_faas_test_crew_order(void **state);
static void ngx_http_faas_test_crew_full(void **state);
static void ngx_http_faas_test_crew_gone(void **state);
static void ngx_http_faas_test_crew_more(void **state);
static void ngx_http_faas_test_crew_killed(void **state);
static void ngx_http_faas_test_crew_memory(void **state);

static ngx_http_faas_crew_t *ngx_http_faas_test_crew_begin(
    ngx_http_faas_unit_zone_t **t);
static void ngx_http_faas_test_crew_end(ngx_http_faas_unit_zone_t *t);
static ngx_http_faas_ticket_t *ngx_http_faas_test_crew_join(
    ngx_http_faas_unit_zone_t *t, ngx_uint_t n, ngx_http_faas_crew_t *crew,
    ngx_uint_t max, ngx_int_t rc);
static void ngx_http_faas_test_crew_ask(ngx_http_faas_unit_zone_t *t,
    ngx_uint_t n, ngx_http_faas_ticket_t *ticket, ngx_uint_t max,
    ngx_int_t rc);
static void ngx_http_faas_test_crew_leave(ngx_http_faas_unit_zone_t *t,
    ngx_uint_t n, ngx_http_faas_ticket_t *ticket);
static void ngx_http_faas_test_crew_rung(ngx_http_faas_unit_zone_t *t,
    ngx_uint_t first, ngx_uint_t second, ngx_uint_t third);


int
ngx_http_faas_test_crew(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(ngx_http_faas_test_crew_keys),
        cmocka_unit_test(ngx_http_faas_test_crew_order),
        cmocka_unit_test(ngx_http_faas_test_crew_full),
        cmocka_unit_test(ngx_http_faas_test_crew_gone),
        cmocka_unit_test(ngx_http_faas_test_crew_more),
        cmocka_unit_test(ngx_http_faas_test_crew_killed),
        cmocka_unit_test(ngx_http_faas_test_crew_memory)
    };

    return cmocka_run_group_tests_name("crew", tests, NULL, NULL);
}


static ngx_http_faas_crew_t *
ngx_http_faas_test_crew_begin(ngx_http_faas_unit_zone_t **t)
{
    ngx_http_faas_crew_t  *crew;

    *t = ngx_http_faas_unit_zone_create(NGX_HTTP_FAAS_TEST_CREW_SIZE);

    crew = ngx_http_faas_crew(ngx_http_faas_unit_zone_as(*t, 0),
                              (u_char *) "0123456789abcdef");
    assert_non_null(crew);

    return crew;
}


/* crews stay for good, and would look like a leak */

static void
ngx_http_faas_test_crew_end(ngx_http_faas_unit_zone_t *t)
{
    ngx_queue_t           *q;
    ngx_http_faas_crew_t  *crew;
    ngx_http_faas_zone_t  *zone;

    zone = ngx_http_faas_unit_zone_as(t, 2);

    ngx_http_faas_lease_reap(zone);
    ngx_http_faas_zone_lock(zone);

    while (!ngx_queue_empty(&zone->sh->crews)) {
        q = ngx_queue_head(&zone->sh->crews);
        crew = ngx_queue_data(q, ngx_http_faas_crew_t, queue);

        assert_int_equal(crew->nrunning, 0);
        assert_int_equal(crew->nwaiting, 0);
        assert_true(ngx_queue_empty(&crew->running));
        assert_true(ngx_queue_empty(&crew->waiting));

        ngx_queue_remove(q);
        ngx_slab_free_locked(zone->shpool, crew);
    }

    ngx_http_faas_zone_unlock(zone);
    ngx_http_faas_unit_zone_destroy(t);
}


/* worker "n" wants to run it, and has room for two who wait */

static ngx_http_faas_ticket_t *
ngx_http_faas_test_crew_join(ngx_http_faas_unit_zone_t *t, ngx_uint_t n,
    ngx_http_faas_crew_t *crew, ngx_uint_t max, ngx_int_t rc)
{
    ngx_http_faas_ticket_t  *ticket;

    ticket = NULL;

    assert_int_equal(ngx_http_faas_crew_join(ngx_http_faas_unit_zone_as(t, n),
                                             crew, max, 2, &ticket), rc);

    return ticket;
}


static void
ngx_http_faas_test_crew_ask(ngx_http_faas_unit_zone_t *t, ngx_uint_t n,
    ngx_http_faas_ticket_t *ticket, ngx_uint_t max, ngx_int_t rc)
{
    assert_int_equal(ngx_http_faas_crew_ask(ngx_http_faas_unit_zone_as(t, n),
                                            ticket, max), rc);
}


static void
ngx_http_faas_test_crew_leave(ngx_http_faas_unit_zone_t *t, ngx_uint_t n,
    ngx_http_faas_ticket_t *ticket)
{
    ngx_http_faas_crew_leave(ngx_http_faas_unit_zone_as(t, n), ticket);
}


/* these bells, and no other ones, since the last look */

static void
ngx_http_faas_test_crew_rung(ngx_http_faas_unit_zone_t *t,
    ngx_uint_t first, ngx_uint_t second, ngx_uint_t third)
{
    assert_int_equal(ngx_http_faas_unit_zone_rung(t, 0), first);
    assert_int_equal(ngx_http_faas_unit_zone_rung(t, 1), second);
    assert_int_equal(ngx_http_faas_unit_zone_rung(t, 2), third);
}


/* one for each key, the same in all processes */

static void
ngx_http_faas_test_crew_keys(void **state)
{
    ngx_http_faas_crew_t       *crew, *other;
    ngx_http_faas_unit_zone_t  *t;

    crew = ngx_http_faas_test_crew_begin(&t);

    other = ngx_http_faas_crew(ngx_http_faas_unit_zone_as(t, 1),
                               (u_char *) "0123456789abcdeF");
    assert_non_null(other);
    assert_ptr_not_equal(other, crew);

    assert_ptr_equal(ngx_http_faas_crew(ngx_http_faas_unit_zone_as(t, 2),
                                        (u_char *) "0123456789abcdef"),
                     crew);

    ngx_http_faas_test_crew_end(t);
}


/* first come, first served, over all workers, each told when it is its turn */

static void
ngx_http_faas_test_crew_order(void **state)
{
    ngx_http_faas_crew_t       *crew;
    ngx_http_faas_ticket_t     *a, *b, *c, *d;
    ngx_http_faas_unit_zone_t  *t;

    crew = ngx_http_faas_test_crew_begin(&t);

    a = ngx_http_faas_test_crew_join(t, 0, crew, 1, NGX_OK);
    b = ngx_http_faas_test_crew_join(t, 1, crew, 1, NGX_AGAIN);
    c = ngx_http_faas_test_crew_join(t, 2, crew, 1, NGX_AGAIN);
    ngx_http_faas_test_crew_rung(t, 0, 0, 0);

    ngx_http_faas_test_crew_ask(t, 1, b, 1, NGX_AGAIN);

    ngx_http_faas_test_crew_leave(t, 0, a);
    ngx_http_faas_test_crew_rung(t, 0, 1, 0);

    /* nobody goes before who was told */

    d = ngx_http_faas_test_crew_join(t, 0, crew, 1, NGX_AGAIN);
    ngx_http_faas_test_crew_ask(t, 2, c, 1, NGX_AGAIN);
    ngx_http_faas_test_crew_ask(t, 0, d, 1, NGX_AGAIN);

    ngx_http_faas_test_crew_ask(t, 1, b, 1, NGX_OK);
    ngx_http_faas_test_crew_rung(t, 0, 0, 0);

    ngx_http_faas_test_crew_leave(t, 1, b);
    ngx_http_faas_test_crew_rung(t, 0, 0, 1);
    ngx_http_faas_test_crew_ask(t, 2, c, 1, NGX_OK);

    ngx_http_faas_test_crew_leave(t, 2, c);
    ngx_http_faas_test_crew_rung(t, 1, 0, 0);
    ngx_http_faas_test_crew_ask(t, 0, d, 1, NGX_OK);

    ngx_http_faas_test_crew_leave(t, 0, d);
    ngx_http_faas_test_crew_rung(t, 0, 0, 0);

    ngx_http_faas_test_crew_end(t);
}


static void
ngx_http_faas_test_crew_full(void **state)
{
    ngx_http_faas_crew_t       *crew;
    ngx_http_faas_ticket_t     *a, *b, *c;
    ngx_http_faas_unit_zone_t  *t;

    crew = ngx_http_faas_test_crew_begin(&t);

    a = ngx_http_faas_test_crew_join(t, 0, crew, 1, NGX_OK);
    b = ngx_http_faas_test_crew_join(t, 0, crew, 1, NGX_AGAIN);
    c = ngx_http_faas_test_crew_join(t, 1, crew, 1, NGX_AGAIN);

    (void) ngx_http_faas_test_crew_join(t, 2, crew, 1, NGX_BUSY);
    assert_int_equal(crew->nwaiting, 2);

    ngx_http_faas_test_crew_leave(t, 1, c);
    c = ngx_http_faas_test_crew_join(t, 2, crew, 1, NGX_AGAIN);

    ngx_http_faas_test_crew_leave(t, 0, a);
    ngx_http_faas_test_crew_leave(t, 0, b);
    ngx_http_faas_test_crew_leave(t, 2, c);

    ngx_http_faas_test_crew_end(t);
}


/* who was told, and leaves, has the next one told */

static void
ngx_http_faas_test_crew_gone(void **state)
{
    ngx_http_faas_crew_t       *crew;
    ngx_http_faas_ticket_t     *a, *b, *c;
    ngx_http_faas_unit_zone_t  *t;

    crew = ngx_http_faas_test_crew_begin(&t);

    a = ngx_http_faas_test_crew_join(t, 0, crew, 1, NGX_OK);
    b = ngx_http_faas_test_crew_join(t, 1, crew, 1, NGX_AGAIN);
    c = ngx_http_faas_test_crew_join(t, 2, crew, 1, NGX_AGAIN);

    ngx_http_faas_test_crew_leave(t, 0, a);
    ngx_http_faas_test_crew_rung(t, 0, 1, 0);

    ngx_http_faas_test_crew_leave(t, 1, b);
    ngx_http_faas_test_crew_rung(t, 0, 0, 1);

    ngx_http_faas_test_crew_ask(t, 2, c, 1, NGX_OK);
    ngx_http_faas_test_crew_leave(t, 2, c);

    ngx_http_faas_test_crew_end(t);
}


/* a reload allows more of them: each who starts has the next one told */

static void
ngx_http_faas_test_crew_more(void **state)
{
    ngx_http_faas_crew_t       *crew;
    ngx_http_faas_ticket_t     *a, *b, *c;
    ngx_http_faas_unit_zone_t  *t;

    crew = ngx_http_faas_test_crew_begin(&t);

    a = ngx_http_faas_test_crew_join(t, 0, crew, 1, NGX_OK);
    b = ngx_http_faas_test_crew_join(t, 1, crew, 1, NGX_AGAIN);
    c = ngx_http_faas_test_crew_join(t, 2, crew, 1, NGX_AGAIN);

    ngx_http_faas_test_crew_ask(t, 1, b, 3, NGX_OK);
    ngx_http_faas_test_crew_rung(t, 0, 0, 1);

    ngx_http_faas_test_crew_ask(t, 2, c, 3, NGX_OK);
    ngx_http_faas_test_crew_rung(t, 0, 0, 0);
    assert_int_equal(crew->nrunning, 3);

    ngx_http_faas_test_crew_leave(t, 0, a);
    ngx_http_faas_test_crew_leave(t, 1, b);
    ngx_http_faas_test_crew_leave(t, 2, c);

    ngx_http_faas_test_crew_end(t);
}


/* a worker that was killed neither runs anything nor waits */

static void
ngx_http_faas_test_crew_killed(void **state)
{
    ngx_http_faas_crew_t       *crew;
    ngx_http_faas_ticket_t     *b, *c;
    ngx_http_faas_unit_zone_t  *t;

    crew = ngx_http_faas_test_crew_begin(&t);

    (void) ngx_http_faas_test_crew_join(t, 0, crew, 2, NGX_OK);
    b = ngx_http_faas_test_crew_join(t, 1, crew, 2, NGX_OK);
    (void) ngx_http_faas_test_crew_join(t, 0, crew, 2, NGX_AGAIN);
    c = ngx_http_faas_test_crew_join(t, 2, crew, 2, NGX_AGAIN);

    ngx_http_faas_unit_zone_kill(t, 0);

    ngx_current_msec += 1000;
    ngx_http_faas_test_crew_ask(t, 2, c, 2, NGX_OK);
    assert_int_equal(crew->nrunning, 2);
    assert_int_equal(crew->nwaiting, 0);

    ngx_http_faas_test_crew_leave(t, 1, b);
    ngx_http_faas_test_crew_leave(t, 2, c);

    ngx_http_faas_test_crew_end(t);
}


/* a zone that is full refuses, and loses nothing */

static void
ngx_http_faas_test_crew_memory(void **state)
{
    ngx_uint_t                  n;
    ngx_queue_t                *q;
    ngx_http_faas_crew_t       *crew;
    ngx_http_faas_zone_t       *zone;
    ngx_http_faas_ticket_t     *ticket;
    ngx_http_faas_unit_zone_t  *t;

    crew = ngx_http_faas_test_crew_begin(&t);
    zone = ngx_http_faas_unit_zone_as(t, 0);

    for (n = 0; n < 100000; n++) {
        if (ngx_http_faas_crew_join(zone, crew, 100000, 0, &ticket)
            != NGX_OK)
        {
            break;
        }
    }

    assert_in_range(n, 100, 99999);
    assert_int_equal(crew->nrunning, n);

    assert_int_equal(ngx_http_faas_crew_join(zone, crew, 100000, 0, &ticket),
                     NGX_ERROR);

    while (!ngx_queue_empty(&crew->running)) {
        q = ngx_queue_head(&crew->running);
        ngx_http_faas_crew_leave(zone,
                                 ngx_queue_data(q, ngx_http_faas_ticket_t,
                                                queue));
    }

    assert_int_equal(crew->nrunning, 0);
    assert_int_equal(ngx_http_faas_crew_join(zone, crew, 1, 0, &ticket),
                     NGX_OK);
    ngx_http_faas_crew_leave(zone, ticket);

    ngx_http_faas_test_crew_end(t);
}
