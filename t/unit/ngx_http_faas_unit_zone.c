
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Makes a zone the way nginx does: added by the configuration, mapped,
 * formatted as a slab, initialized.
 */


#include "ngx_http_faas.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <sys/mman.h>
#include <sys/prctl.h>

#include "ngx_http_faas_unit_zone.h"


ngx_http_faas_unit_zone_t *
ngx_http_faas_unit_zone_cycle(void)
{
    ngx_pool_t                 *pool;
    ngx_http_faas_unit_zone_t  *t;

    /* of a test that failed, perhaps */

    ngx_pid = getpid();
    ngx_worker = 0;

    pool = ngx_create_pool(16384, ngx_cycle->log);
    assert_non_null(pool);

    t = ngx_pcalloc(pool, sizeof(ngx_http_faas_unit_zone_t));
    assert_non_null(t);

    t->pool = pool;

    t->ccf.worker_processes = NGX_HTTP_FAAS_UNIT_WORKERS;

    t->cycle.pool = pool;
    t->cycle.log = &t->log;
    ngx_str_set(&t->cycle.prefix, "/etc/nginx/");

    t->cycle.conf_ctx = ngx_pcalloc(pool, (ngx_core_module.index + 1)
                                          * sizeof(void *));
    assert_non_null(t->cycle.conf_ctx);

    t->cycle.conf_ctx[ngx_core_module.index] = (void ***) &t->ccf;

    assert_int_equal(ngx_list_init(&t->cycle.shared_memory, pool, 1,
                                   sizeof(ngx_shm_zone_t)),
                     NGX_OK);

    t->cf.cycle = &t->cycle;
    t->cf.pool = pool;
    t->cf.log = &t->log;

    ngx_str_set(&t->zone.name, "functions");

    return t;
}


ngx_http_faas_unit_zone_t *
ngx_http_faas_unit_zone_create(size_t size)
{
    ngx_uint_t                  i;
    ngx_http_faas_unit_zone_t  *t;

    t = ngx_http_faas_unit_zone_cycle();

    assert_ptr_equal(ngx_http_faas_zone_add(&t->cf, &t->zone, size,
                                            &ngx_core_module),
                     NGX_CONF_OK);

    assert_int_equal(ngx_http_faas_unit_zone_map(t), NGX_OK);

    assert_int_equal(ngx_http_faas_worker_init_module(&t->cycle, &t->zone,
                                                      NULL),
                     NGX_OK);

    t->pfree = t->zone.shpool->pfree;

    t->zone.starts = 2;
    t->zone.keep = 1;
    t->zone.sh->settled = 1;

    for (i = 0; i < NGX_HTTP_FAAS_UNIT_WORKERS; i++) {
        t->workers[i].slot = i;
        ngx_http_faas_unit_zone_respawn(t, i);
    }

    return t;
}


ngx_int_t
ngx_http_faas_unit_zone_map(ngx_http_faas_unit_zone_t *t)
{
    u_char           *addr;
    ngx_shm_zone_t   *shm_zone;
    ngx_slab_pool_t  *sp;

    assert_int_equal(t->cycle.shared_memory.part.nelts, 1);

    shm_zone = t->cycle.shared_memory.part.elts;
    t->shm_zone = shm_zone;

    addr = mmap(NULL, shm_zone->shm.size, PROT_READ|PROT_WRITE,
                MAP_ANON|MAP_SHARED, -1, 0);
    assert_ptr_not_equal(addr, MAP_FAILED);

    shm_zone->shm.addr = addr;
    shm_zone->shm.log = &t->log;

    /* as ngx_init_zone_pool() */

    sp = (ngx_slab_pool_t *) addr;
    sp->end = addr + shm_zone->shm.size;
    sp->min_shift = 3;
    sp->addr = addr;

    assert_int_equal(ngx_shmtx_create(&sp->mutex, &sp->lock, NULL), NGX_OK);

    ngx_slab_init(sp);

    return shm_zone->init(shm_zone, NULL);
}


void
ngx_http_faas_unit_zone_destroy(ngx_http_faas_unit_zone_t *t)
{
    int              *fd;
    ngx_uint_t        i;
    ngx_slab_pool_t  *sp;

    for (i = 0; i < NGX_HTTP_FAAS_UNIT_WORKERS; i++) {

        if (t->workers[i].pid) {
            ngx_http_faas_worker_exit(ngx_http_faas_unit_zone_as(t, i));
            ngx_http_faas_unit_zone_kill(t, i);
        }
    }

    ngx_pid = getpid();
    ngx_worker = 0;

    ngx_http_faas_unit_zone_check(t);

    sp = t->zone.shpool;

    assert_ptr_equal(t->zone.sh->functions.root,
                     t->zone.sh->functions.sentinel);
    assert_true(ngx_queue_empty(&t->zone.sh->workers));
    assert_true(ngx_queue_empty(&t->zone.sh->dead));
    assert_true(ngx_queue_empty(&t->zone.sh->spares));
    assert_true(ngx_queue_empty(&t->zone.sh->turns));
    assert_int_equal(t->zone.sh->starting, 0);
    assert_int_equal(sp->pfree, t->pfree);

    fd = t->zone.efds->elts;

    for (i = 0; i < t->zone.efds->nelts; i++) {
        (void) close(fd[i]);
    }

    ngx_shmtx_destroy(&sp->mutex);
    (void) munmap(sp->addr, sp->end - (u_char *) sp->addr);

    ngx_destroy_pool(t->pool);
}


void
ngx_http_faas_unit_zone_set(ngx_http_faas_unit_zone_t *t, ngx_uint_t starts,
    ngx_uint_t keep)
{
    ngx_uint_t  i;

    t->zone.starts = starts;
    t->zone.keep = keep;

    for (i = 0; i < NGX_HTTP_FAAS_UNIT_WORKERS; i++) {
        t->workers[i].zone.starts = starts;
        t->workers[i].zone.keep = keep;
    }
}


ngx_http_faas_zone_t *
ngx_http_faas_unit_zone_as(ngx_http_faas_unit_zone_t *t, ngx_uint_t n)
{
    ngx_pid = t->workers[n].pid;
    ngx_worker = t->workers[n].slot;

    return &t->workers[n].zone;
}


void
ngx_http_faas_unit_zone_kill(ngx_http_faas_unit_zone_t *t, ngx_uint_t n)
{
    ngx_pid_t  pid;

    pid = t->workers[n].pid;

    assert_true(pid > 0);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);

    t->workers[n].pid = 0;
}


void
ngx_http_faas_unit_zone_respawn(ngx_http_faas_unit_zone_t *t, ngx_uint_t n)
{
    ngx_pid_t  pid, parent;

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

    t->workers[n].pid = pid;
    t->workers[n].zone = t->zone;
}


ngx_uint_t
ngx_http_faas_unit_zone_rung(ngx_http_faas_unit_zone_t *t, ngx_uint_t n)
{
    int       *fd;
    uint64_t   count;

    fd = t->zone.efds->elts;

    return read(fd[t->workers[n].slot], &count, sizeof(count))
           == sizeof(count);
}


ngx_http_faas_want_t *
ngx_http_faas_unit_zone_want(char *name, ngx_uint_t identity,
    u_char revision)
{
    static u_char                bytes[NGX_HTTP_FAAS_REVISION_LEN];
    static ngx_http_faas_want_t  want;

    ngx_memzero(&want, sizeof(ngx_http_faas_want_t));

    want.name.data = (u_char *) name;
    want.name.len = ngx_strlen(name);

    want.kind = NGX_HTTP_FAAS_UNIT_KIND;
    want.looked = 1;

    want.scale.concurrency = 1;
    want.scale.max_instances = 1;
    want.scale.queue = 1000;

    want.identity.uniq = identity;
    want.identity.size = 100;
    want.identity.sec = 1000;
    want.identity.nsec = 5;

    if (revision) {
        ngx_memset(bytes, revision, sizeof(bytes));
        want.revision = bytes;
    }

    return &want;
}


ngx_int_t
ngx_http_faas_unit_zone_loading(ngx_http_faas_zone_t *zone,
    ngx_http_faas_instance_t *inst, ngx_http_faas_want_t *want,
    ngx_uint_t concurrency)
{
    want->scale.concurrency = concurrency;

    return ngx_http_faas_instance_loading(zone, inst, want);
}


ngx_http_faas_function_t *
ngx_http_faas_unit_zone_get(ngx_http_faas_zone_t *zone, char *name)
{
    ngx_str_t                  s;
    ngx_http_faas_function_t  *fn;

    s.data = (u_char *) name;
    s.len = ngx_strlen(name);

    ngx_http_faas_zone_lock(zone);
    fn = ngx_http_faas_function_get(zone, &s);
    ngx_http_faas_zone_unlock(zone);

    assert_non_null(fn);

    return fn;
}


ngx_http_faas_function_t *
ngx_http_faas_unit_zone_find(ngx_http_faas_zone_t *zone, char *name)
{
    ngx_str_t                  s;
    ngx_http_faas_function_t  *fn;

    s.data = (u_char *) name;
    s.len = ngx_strlen(name);

    ngx_http_faas_zone_lock(zone);
    fn = ngx_http_faas_function_find(zone, &s);
    ngx_http_faas_zone_unlock(zone);

    return fn;
}


void
ngx_http_faas_unit_zone_release(ngx_http_faas_zone_t *zone,
    ngx_http_faas_function_t *fn)
{
    ngx_http_faas_zone_lock(zone);
    ngx_http_faas_function_release(zone, fn);
    ngx_http_faas_zone_unlock(zone);
}


ngx_http_faas_instance_t *
ngx_http_faas_unit_zone_take(ngx_http_faas_zone_t *zone,
    ngx_http_faas_function_t *fn)
{
    ngx_http_faas_instance_t  *inst;

    ngx_http_faas_zone_lock(zone);
    inst = ngx_http_faas_instance_take(zone, fn, NGX_HTTP_FAAS_UNIT_KIND);
    ngx_http_faas_zone_unlock(zone);

    return inst;
}


/* dead, removed, and the engine says so */

void
ngx_http_faas_unit_zone_remove(ngx_http_faas_zone_t *zone,
    ngx_http_faas_instance_t *inst)
{
    ngx_http_faas_zone_lock(zone);

    ngx_http_faas_instance_set(zone, inst, NGX_HTTP_FAAS_DEAD);
    ngx_http_faas_instance_set(zone, inst, NGX_HTTP_FAAS_REMOVING);

    ngx_http_faas_zone_unlock(zone);

    ngx_http_faas_instance_removed(zone, inst, 1);
}


void
ngx_http_faas_unit_zone_check(ngx_http_faas_unit_zone_t *t)
{
    char  *text;

    text = ngx_http_faas_unit_zone_broken(&t->zone);

    if (text) {
        fail_msg("%s", text);
    }
}
