
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Whether anybody still has a zone: the socket that says so.
 */


#include "ngx_http_faas.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <sys/prctl.h>

#include "ngx_http_faas_epoch.h"
#include "ngx_http_faas_unit_zone.h"


int ngx_http_faas_test_epoch(void);

static void ngx_http_faas_test_epoch_own(void **state);
static void ngx_http_faas_test_epoch_other(void **state);
static void ngx_http_faas_test_epoch_process(void **state);
static void ngx_http_faas_test_epoch_kept(void **state);
static void ngx_http_faas_test_epoch_again(void **state);
static void ngx_http_faas_test_epoch_taken(void **state);
static void ngx_http_faas_test_epoch_none(void **state);

static ngx_http_faas_unit_zone_t *ngx_http_faas_test_epoch_zone(void);
static void ngx_http_faas_test_epoch_close(ngx_http_faas_unit_zone_t *t);


int
ngx_http_faas_test_epoch(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(ngx_http_faas_test_epoch_own),
        cmocka_unit_test(ngx_http_faas_test_epoch_other),
        cmocka_unit_test(ngx_http_faas_test_epoch_process),
        cmocka_unit_test(ngx_http_faas_test_epoch_kept),
        cmocka_unit_test(ngx_http_faas_test_epoch_again),
        cmocka_unit_test(ngx_http_faas_test_epoch_taken),
        cmocka_unit_test(ngx_http_faas_test_epoch_none)
    };

    return cmocka_run_group_tests_name("epoch", tests, NULL, NULL);
}


/* nobody has such a zone on this machine, and it makes a socket, too */

static ngx_http_faas_unit_zone_t *
ngx_http_faas_test_epoch_zone(void)
{
    ngx_http_faas_unit_zone_t  *t;

    t = ngx_http_faas_unit_zone_create(64 * 4096);

    t->zone.owner = (uint32_t) getpid();

    assert_false(ngx_http_faas_epoch_alive(&t->zone, t->zone.sh->epoch));
    ngx_http_faas_epoch_init_module(&t->cycle, &t->zone, NULL);

    return t;
}


static void
ngx_http_faas_test_epoch_close(ngx_http_faas_unit_zone_t *t)
{
    assert_true(t->zone.beacon > 0);
    assert_int_equal(close(t->zone.beacon), 0);
    assert_false(ngx_http_faas_epoch_alive(&t->zone, t->zone.sh->epoch));

    ngx_http_faas_unit_zone_destroy(t);
}


static void
ngx_http_faas_test_epoch_own(void **state)
{
    int                         fd;
    ngx_http_faas_unit_zone_t  *t;

    t = ngx_http_faas_test_epoch_zone();

    assert_true(ngx_http_faas_epoch_alive(&t->zone, t->zone.sh->epoch));
    assert_true(fcntl(t->zone.beacon, F_GETFD) & FD_CLOEXEC);

    /* asking costs no descriptor, however often */

    fd = dup(t->zone.beacon);
    assert_int_not_equal(fd, -1);
    (void) close(fd);

    assert_true(ngx_http_faas_epoch_alive(&t->zone, t->zone.sh->epoch));
    assert_false(ngx_http_faas_epoch_alive(&t->zone, t->zone.sh->epoch + 1));
    assert_int_equal(dup(t->zone.beacon), fd);
    (void) close(fd);

    ngx_http_faas_test_epoch_close(t);
}


/* one that was never made, or is of another prefix or name of the zone */

static void
ngx_http_faas_test_epoch_other(void **state)
{
    ngx_http_faas_zone_t        zone;
    ngx_http_faas_unit_zone_t  *t;

    t = ngx_http_faas_test_epoch_zone();

    assert_false(ngx_http_faas_epoch_alive(&t->zone, t->zone.sh->epoch + 1));
    assert_false(ngx_http_faas_epoch_alive(&t->zone, ~t->zone.sh->epoch));

    zone = t->zone;
    zone.owner++;
    assert_false(ngx_http_faas_epoch_alive(&zone, t->zone.sh->epoch));

    ngx_http_faas_test_epoch_close(t);
}


/* it lives as long as any process that has it, however that ends */

static void
ngx_http_faas_test_epoch_process(void **state)
{
    ngx_pid_t                   pid, parent;
    ngx_http_faas_unit_zone_t  *t;

    t = ngx_http_faas_test_epoch_zone();

    parent = getpid();

    pid = fork();
    assert_int_not_equal(pid, -1);

    if (pid == 0) {
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);

        while (getppid() == parent) {
            (void) pause();
        }

        _exit(0);
    }

    assert_int_equal(close(t->zone.beacon), 0);
    assert_true(ngx_http_faas_epoch_alive(&t->zone, t->zone.sh->epoch));

    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_false(ngx_http_faas_epoch_alive(&t->zone, t->zone.sh->epoch));

    ngx_http_faas_unit_zone_destroy(t);
}


/* a reload hands it on, for the zone is the same */

static void
ngx_http_faas_test_epoch_kept(void **state)
{
    ngx_http_faas_zone_t        next;
    ngx_http_faas_unit_zone_t  *t;

    t = ngx_http_faas_test_epoch_zone();

    next = t->zone;
    next.beacon = 0;
    ngx_http_faas_epoch_init_module(&t->cycle, &next, &t->zone);

    assert_int_equal(next.beacon, t->zone.beacon);
    assert_true(ngx_http_faas_epoch_alive(&next, t->zone.sh->epoch));

    ngx_http_faas_test_epoch_close(t);
}


/* a reload with a zone of another size: the old workers have copies */

static void
ngx_http_faas_test_epoch_again(void **state)
{
    int                         fd;
    uint32_t                    epoch;
    ngx_http_faas_unit_zone_t  *t, *next;

    t = ngx_http_faas_test_epoch_zone();
    epoch = t->zone.sh->epoch;
    fd = dup(t->zone.beacon);
    assert_int_not_equal(fd, -1);

    next = ngx_http_faas_unit_zone_create(16 * 4096);
    next->zone.owner = t->zone.owner;
    assert_int_not_equal(next->zone.sh->epoch, epoch);

    ngx_http_faas_epoch_init_module(&next->cycle, &next->zone, &t->zone);

    assert_int_equal(t->zone.beacon, -1);
    assert_true(next->zone.beacon > 0);
    assert_true(ngx_http_faas_epoch_alive(&next->zone, epoch));
    assert_true(ngx_http_faas_epoch_alive(&next->zone, next->zone.sh->epoch));

    (void) close(fd);

    /* the processes of the next zone are copies of this one, too */

    ngx_http_faas_test_epoch_close(next);
    assert_false(ngx_http_faas_epoch_alive(&t->zone, epoch));
    ngx_http_faas_unit_zone_destroy(t);
}


/* the number is somebody's: nginx starts all the same */

static void
ngx_http_faas_test_epoch_taken(void **state)
{
    ngx_http_faas_zone_t        next;
    ngx_http_faas_unit_zone_t  *t;

    t = ngx_http_faas_test_epoch_zone();

    next = t->zone;
    next.beacon = 0;
    ngx_http_faas_epoch_init_module(&t->cycle, &next, NULL);

    assert_int_equal(next.beacon, 0);
    assert_true(ngx_http_faas_epoch_alive(&next, t->zone.sh->epoch));

    ngx_http_faas_test_epoch_close(t);
}


/* as at "nginx -t", which maps no zone */

static void
ngx_http_faas_test_epoch_none(void **state)
{
    ngx_http_faas_zone_t        next;
    ngx_http_faas_unit_zone_t  *t;

    t = ngx_http_faas_test_epoch_zone();

    next = t->zone;
    next.sh = NULL;
    next.beacon = 0;
    ngx_http_faas_epoch_init_module(&t->cycle, &next, NULL);
    assert_int_equal(next.beacon, 0);

    ngx_http_faas_test_epoch_close(t);
}
