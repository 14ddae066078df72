
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


static char *ngx_http_faas_unit_zone_broken_instance(
    ngx_http_faas_zone_t *zone, ngx_http_faas_instance_t *inst);
static char *ngx_http_faas_unit_zone_broken_functions(
    ngx_http_faas_zone_t *zone, ngx_rbtree_node_t *node);
static char *ngx_http_faas_unit_zone_broken_function(
    ngx_http_faas_function_t *fn);
static char *ngx_http_faas_unit_zone_broken_leases(
    ngx_http_faas_worker_t *worker);
static ngx_uint_t ngx_http_faas_unit_zone_listed(ngx_queue_t *list,
    ngx_queue_t *item);


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
    assert_int_equal(sp->pfree, t->pfree);

    fd = t->zone.efds->elts;

    for (i = 0; i < t->zone.efds->nelts; i++) {
        (void) close(fd[i]);
    }

    ngx_shmtx_destroy(&sp->mutex);
    (void) munmap(sp->addr, sp->end - (u_char *) sp->addr);

    ngx_destroy_pool(t->pool);
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
    ngx_pid_t  pid;

    pid = fork();
    assert_int_not_equal(pid, -1);

    if (pid == 0) {
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);

        for ( ;; ) {
            (void) pause();
        }
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


void
ngx_http_faas_unit_zone_check(ngx_http_faas_unit_zone_t *t)
{
    char  *text;

    text = ngx_http_faas_unit_zone_broken(&t->zone);

    if (text) {
        fail_msg("%s", text);
    }
}


char *
ngx_http_faas_unit_zone_broken(ngx_http_faas_zone_t *zone)
{
    char                      *text;
    ngx_uint_t                 i;
    ngx_queue_t               *q;
    ngx_http_faas_sh_t        *sh;
    ngx_http_faas_worker_t    *worker;
    ngx_http_faas_instance_t  *inst;

    sh = zone->sh;

    ngx_http_faas_zone_lock(zone);

    text = ngx_http_faas_unit_zone_broken_functions(zone, sh->functions.root);

    for (i = 0; text == NULL && i < sh->ninstances; i++) {
        inst = &sh->instances[i];

        text = (inst->slot == i)
               ? ngx_http_faas_unit_zone_broken_instance(zone, inst)
               : "an instance has got another slot";
    }

    for (q = ngx_queue_head(&sh->workers);
         text == NULL && q != ngx_queue_sentinel(&sh->workers);
         q = ngx_queue_next(q))
    {
        worker = ngx_queue_data(q, ngx_http_faas_worker_t, queue);
        text = ngx_http_faas_unit_zone_broken_leases(worker);
    }

    ngx_http_faas_zone_unlock(zone);

    return text;
}


/* it is in the list of its state, and has as many leases as it says */

static char *
ngx_http_faas_unit_zone_broken_instance(ngx_http_faas_zone_t *zone,
    ngx_http_faas_instance_t *inst)
{
    ngx_uint_t                 n;
    ngx_queue_t               *q, *list;
    ngx_http_faas_sh_t        *sh;
    ngx_http_faas_lease_t     *lease;
    ngx_http_faas_function_t  *fn;

    sh = zone->sh;
    fn = inst->function;
    n = 0;

    for (q = ngx_queue_head(&inst->leases);
         q != ngx_queue_sentinel(&inst->leases);
         q = ngx_queue_next(q))
    {
        lease = ngx_queue_data(q, ngx_http_faas_lease_t, queue);
        n++;

        if (lease->state != NGX_HTTP_FAAS_LEASE_HELD
            || lease->instance != inst)
        {
            return "a lease of an instance is not HELD there";
        }
    }

    if (n != inst->active) {
        return "the number of active leases is wrong";
    }

    if (n > inst->concurrency) {
        return "an instance has more leases than it may";
    }

    switch (inst->state) {

    case NGX_HTTP_FAAS_EMPTY:
        list = &sh->empty;
        break;

    case NGX_HTTP_FAAS_DEAD:
    case NGX_HTTP_FAAS_REMOVING:
        list = &sh->dead;
        break;

    default:
        list = fn ? &fn->instances : &sh->empty;
    }

    if (!ngx_http_faas_unit_zone_listed(list, &inst->queue)) {
        return "an instance is not in the list of its state";
    }

    switch (inst->state) {

    case NGX_HTTP_FAAS_EMPTY:
    case NGX_HTTP_FAAS_DEAD:
    case NGX_HTTP_FAAS_REMOVING:

        if (fn || n) {
            return "an instance without life has a function or leases";
        }

        if (inst->state == NGX_HTTP_FAAS_EMPTY && inst->owner) {
            return "an empty instance has an owner";
        }

        if (inst->state == NGX_HTTP_FAAS_REMOVING && inst->owner == 0) {
            return "nobody removes an instance that is REMOVING";
        }

        break;

    case NGX_HTTP_FAAS_CREATING:
    case NGX_HTTP_FAAS_LOADING:

        if (inst->owner == 0) {
            return "nobody drives a start";
        }

        if (n) {
            return "an instance has leases before it is ready";
        }

        break;

    case NGX_HTTP_FAAS_READY:

        if (inst->owner) {
            return "somebody drives an instance that is READY";
        }

        if (fn->known
            && ngx_memcmp(inst->revision, fn->revision,
                          NGX_HTTP_FAAS_REVISION_LEN)
               != 0)
        {
            return "an instance of an old revision is READY";
        }

        if (n < inst->concurrency && !ngx_queue_empty(&fn->waiting)) {
            return "a lease waits while there is room";
        }

        break;

    case NGX_HTTP_FAAS_DRAINING:

        if (n == 0) {
            return "an instance is DRAINING, and no lease is left";
        }

        break;

    default:
        return "an instance is in no state";
    }

    return NULL;
}


static char *
ngx_http_faas_unit_zone_broken_functions(ngx_http_faas_zone_t *zone,
    ngx_rbtree_node_t *node)
{
    char                      *text;
    ngx_str_t                  name;
    ngx_http_faas_function_t  *fn;

    if (node == zone->sh->functions.sentinel) {
        return NULL;
    }

    fn = (ngx_http_faas_function_t *) node;
    name.len = fn->len;
    name.data = fn->name;

    if (ngx_http_faas_function_find(zone, &name) != fn) {
        return "a function is not found by its name";
    }

    text = ngx_http_faas_unit_zone_broken_function(fn);

    if (text == NULL) {
        text = ngx_http_faas_unit_zone_broken_functions(zone, node->left);
    }

    if (text == NULL) {
        text = ngx_http_faas_unit_zone_broken_functions(zone, node->right);
    }

    return text;
}


static char *
ngx_http_faas_unit_zone_broken_function(ngx_http_faas_function_t *fn)
{
    ngx_queue_t               *q;
    ngx_http_faas_lease_t     *lease;
    ngx_http_faas_instance_t  *inst;

    if (fn->pinned) {
        return "a function is pinned for ever";
    }

    if (ngx_queue_empty(&fn->waiting)) {

        if (ngx_queue_empty(&fn->instances)) {
            return "a function is there without reason";
        }

    } else if (!ngx_http_faas_function_served(fn)) {
        return "leases wait for nobody";
    }

    for (q = ngx_queue_head(&fn->waiting);
         q != ngx_queue_sentinel(&fn->waiting);
         q = ngx_queue_next(q))
    {
        lease = ngx_queue_data(q, ngx_http_faas_lease_t, queue);

        if (lease->state != NGX_HTTP_FAAS_LEASE_WAITING
            || lease->function != fn)
        {
            return "a lease in a queue is not WAITING for its function";
        }
    }

    for (q = ngx_queue_head(&fn->instances);
         q != ngx_queue_sentinel(&fn->instances);
         q = ngx_queue_next(q))
    {
        inst = ngx_queue_data(q, ngx_http_faas_instance_t, queue);

        if (inst->function != fn) {
            return "an instance is in the list of another function";
        }
    }

    return NULL;
}


static char *
ngx_http_faas_unit_zone_broken_leases(ngx_http_faas_worker_t *worker)
{
    ngx_queue_t               *q, *list;
    ngx_http_faas_lease_t     *lease;

    for (q = ngx_queue_head(&worker->wakes);
         q != ngx_queue_sentinel(&worker->wakes);
         q = ngx_queue_next(q))
    {
        lease = ngx_queue_data(q, ngx_http_faas_lease_t, wake);

        if (!lease->notified || lease->worker != worker) {
            return "news is of a lease that has none";
        }
    }

    for (q = ngx_queue_head(&worker->leases);
         q != ngx_queue_sentinel(&worker->leases);
         q = ngx_queue_next(q))
    {
        lease = ngx_queue_data(q, ngx_http_faas_lease_t, all);

        if (lease->worker != worker) {
            return "a lease is in the list of another worker";
        }

        if (lease->notified
            && !ngx_http_faas_unit_zone_listed(&worker->wakes, &lease->wake))
        {
            return "a lease that has news is not in the list of news";
        }

        switch (lease->state) {

        case NGX_HTTP_FAAS_LEASE_WAITING:
            list = lease->function ? &lease->function->waiting : NULL;
            break;

        case NGX_HTTP_FAAS_LEASE_HELD:
            list = lease->instance ? &lease->instance->leases : NULL;
            break;

        default:
            if (lease->function || lease->instance) {
                return "a lease that is nowhere has a place";
            }

            continue;
        }

        if (list == NULL
            || !ngx_http_faas_unit_zone_listed(list, &lease->queue))
        {
            return "a lease is not in the list of its state";
        }
    }

    return NULL;
}


static ngx_uint_t
ngx_http_faas_unit_zone_listed(ngx_queue_t *list, ngx_queue_t *item)
{
    ngx_queue_t  *q;

    for (q = ngx_queue_head(list);
         q != ngx_queue_sentinel(list);
         q = ngx_queue_next(q))
    {
        if (q == item) {
            return 1;
        }
    }

    return 0;
}
