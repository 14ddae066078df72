
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Random requests, starts, spares, edits, events, deaths.  First one process
 * plays all workers, so that every single step is checked; then there are
 * real ones, which are killed at work.  At the end the zone has to be as
 * empty as it was.
 */


#include "ngx_http_faas.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <sys/mman.h>
#include <sys/prctl.h>

#include "ngx_http_faas_unit_storm.h"


#define NGX_HTTP_FAAS_TEST_SIZE   (16 * 4096)
#define NGX_HTTP_FAAS_TEST_STEPS  10000
#define NGX_HTTP_FAAS_TEST_SEEDS  4
#define NGX_HTTP_FAAS_TEST_LIVES  64


int ngx_http_faas_test_storm(void);

static void ngx_http_faas_test_storm_alone(void **state);
static void ngx_http_faas_test_storm_together(void **state);

static void ngx_http_faas_test_storm_run(unsigned seed, ngx_uint_t keep);
static ngx_pid_t ngx_http_faas_test_storm_spawn(
    ngx_http_faas_unit_zone_t *t, u_char *files, ngx_uint_t slot,
    ngx_uint_t life);
static void ngx_http_faas_test_storm_child(ngx_http_faas_unit_zone_t *t,
    u_char *files, ngx_pid_t parent, ngx_uint_t slot, ngx_uint_t life);


int
ngx_http_faas_test_storm(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(ngx_http_faas_test_storm_alone),
        cmocka_unit_test(ngx_http_faas_test_storm_together)
    };

    return cmocka_run_group_tests_name("storm", tests, NULL, NULL);
}


static void
ngx_http_faas_test_storm_alone(void **state)
{
    unsigned  seed;

    for (seed = 0; seed < NGX_HTTP_FAAS_TEST_SEEDS; seed++) {
        ngx_http_faas_test_storm_run(seed, 0);
        ngx_http_faas_test_storm_run(seed, 1);
    }
}


static void
ngx_http_faas_test_storm_run(unsigned seed, ngx_uint_t keep)
{
    char                        *text;
    u_char                       files[NGX_HTTP_FAAS_UNIT_STORM_FUNCTIONS];
    ngx_uint_t                   i, n;
    ngx_http_faas_unit_lease_t   tl;
    ngx_http_faas_unit_storm_t   storm;

    srandom(seed);

    ngx_memzero(&storm, sizeof(ngx_http_faas_unit_storm_t));
    ngx_memzero(&tl, sizeof(ngx_http_faas_unit_lease_t));
    ngx_memset(files, 'A', sizeof(files));

    tl.t = ngx_http_faas_unit_zone_create(NGX_HTTP_FAAS_TEST_SIZE);

    ngx_http_faas_unit_zone_set(tl.t, 2, keep);
    tl.t->zone.sh->settled = 0;

    storm.t = tl.t;
    storm.files = files;
    storm.alone = 1;

    for (i = 0; i < NGX_HTTP_FAAS_TEST_STEPS; i++) {
        n = ngx_http_faas_unit_storm_random(NGX_HTTP_FAAS_UNIT_WORKERS);

        if (ngx_http_faas_unit_storm_random(100) == 0) {
            ngx_http_faas_unit_storm_drop(&storm, n);

            ngx_http_faas_unit_zone_kill(storm.t, n);
            ngx_http_faas_unit_zone_respawn(storm.t, n);
        }

        storm.worker = n;
        storm.zone = ngx_http_faas_unit_zone_as(storm.t, n);

        text = ngx_http_faas_unit_storm_step(&storm);

        if (text == NULL) {
            text = ngx_http_faas_unit_zone_broken(&storm.t->zone);
        }

        if (text == NULL) {
            text = ngx_http_faas_unit_storm_look(&storm);
        }

        if (text) {
            fail_msg("seed %u, keep %d, step %d: %s", seed, (int) keep,
                     (int) i, text);
        }
    }

    ngx_http_faas_lease_reap(ngx_http_faas_unit_zone_as(tl.t, 0));
    ngx_http_faas_unit_lease_end(&tl);
}


/* three at a time, half of which are killed */

static void
ngx_http_faas_test_storm_together(void **state)
{
    int                          status;
    char                        *text;
    u_char                      *files;
    ngx_pid_t                    pid;
    ngx_uint_t                   i, life;
    ngx_http_faas_unit_lease_t   tl;
    ngx_pid_t                    pids[NGX_HTTP_FAAS_UNIT_WORKERS];

    ngx_memzero(&tl, sizeof(ngx_http_faas_unit_lease_t));
    tl.t = ngx_http_faas_unit_zone_create(NGX_HTTP_FAAS_TEST_SIZE);

    files = mmap(NULL, NGX_HTTP_FAAS_UNIT_STORM_FUNCTIONS,
                 PROT_READ|PROT_WRITE, MAP_ANON|MAP_SHARED, -1, 0);
    assert_ptr_not_equal(files, MAP_FAILED);
    ngx_memset(files, 'A', NGX_HTTP_FAAS_UNIT_STORM_FUNCTIONS);

    life = 0;

    for (i = 0; i < NGX_HTTP_FAAS_UNIT_WORKERS; i++) {
        pids[i] = ngx_http_faas_test_storm_spawn(tl.t, files, i, life++);
    }

    for ( ;; ) {

        for (i = 0; i < NGX_HTTP_FAAS_UNIT_WORKERS && pids[i] == 0; i++) {
            /* void */
        }

        if (i == NGX_HTTP_FAAS_UNIT_WORKERS) {
            break;
        }

        pid = waitpid(-1, &status, 0);
        assert_int_not_equal(pid, -1);

        for (i = 0; i < NGX_HTTP_FAAS_UNIT_WORKERS && pids[i] != pid; i++) {
            /* void */
        }

        assert_int_not_equal(i, NGX_HTTP_FAAS_UNIT_WORKERS);
        assert_true(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL
                                        : WEXITSTATUS(status) == 0);

        pids[i] = (life < NGX_HTTP_FAAS_TEST_LIVES)
                  ? ngx_http_faas_test_storm_spawn(tl.t, files, i, life++)
                  : 0;

        ngx_http_faas_lease_reap(&tl.t->zone);

        text = ngx_http_faas_unit_zone_broken(&tl.t->zone);

        if (text) {
            fail_msg("%s", text);
        }
    }

    assert_true(ngx_queue_empty(&tl.t->zone.sh->workers));

    (void) munmap(files, NGX_HTTP_FAAS_UNIT_STORM_FUNCTIONS);

    ngx_http_faas_unit_lease_end(&tl);
}


static ngx_pid_t
ngx_http_faas_test_storm_spawn(ngx_http_faas_unit_zone_t *t, u_char *files,
    ngx_uint_t slot, ngx_uint_t life)
{
    ngx_pid_t  pid, parent;

    parent = getpid();

    pid = fork();
    assert_int_not_equal(pid, -1);

    if (pid == 0) {
        ngx_http_faas_test_storm_child(t, files, parent, slot, life);
    }

    return pid;
}


static void
ngx_http_faas_test_storm_child(ngx_http_faas_unit_zone_t *t, u_char *files,
    ngx_pid_t parent, ngx_uint_t slot, ngx_uint_t life)
{
    char                        *text;
    ngx_uint_t                   i, end;
    ngx_http_faas_unit_storm_t   storm;

    (void) prctl(PR_SET_PDEATHSIG, SIGKILL);

    if (getppid() != parent) {
        _exit(1);
    }

    srandom((unsigned) life);

    ngx_pid = getpid();
    ngx_worker = slot;

    ngx_memzero(&storm, sizeof(ngx_http_faas_unit_storm_t));

    storm.t = t;
    storm.zone = &t->zone;
    storm.worker = slot;
    storm.files = files;

    end = ngx_http_faas_unit_storm_random(3000);

    for (i = 0; i < 3000; i++) {

        if (i == end && (life & 1)) {
            (void) raise(SIGKILL);
        }

        text = ngx_http_faas_unit_storm_step(&storm);

        if (text == NULL && i % 20 == 0) {
            text = ngx_http_faas_unit_zone_broken(storm.zone);
        }

        if (text) {
            print_error("process %d, step %d: %s\n", (int) life, (int) i,
                        text);
            _exit(1);
        }
    }

    /* nothing is given back */

    ngx_http_faas_worker_exit(storm.zone);

    _exit(0);
}
