
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Owns the tree of functions in the zone.  A function is there as long as an
 * instance or a waiting request is; the directory of sources, not the zone,
 * says which functions exist.
 */


#include "ngx_http_faas_function.h"
#include "ngx_http_faas_instance.h"


#define NGX_HTTP_FAAS_FUNCTION_LOOK  1000       /* ms, for its sidecar */


static ngx_int_t ngx_http_faas_function_cmp(ngx_http_faas_function_t *fn,
    ngx_str_t *name);
static ngx_uint_t ngx_http_faas_function_same(ngx_http_faas_identity_t *a,
    ngx_http_faas_identity_t *b);


static ngx_int_t
ngx_http_faas_function_cmp(ngx_http_faas_function_t *fn, ngx_str_t *name)
{
    return ngx_memn2cmp(name->data, fn->name, name->len, fn->len);
}


void
ngx_http_faas_function_insert(ngx_rbtree_node_t *temp,
    ngx_rbtree_node_t *node, ngx_rbtree_node_t *sentinel)
{
    ngx_str_t                   name;
    ngx_rbtree_node_t         **p;
    ngx_http_faas_function_t   *fn, *fnt;

    fn = (ngx_http_faas_function_t *) node;
    name.len = fn->len;
    name.data = fn->name;

    for ( ;; ) {

        if (node->key != temp->key) {
            p = (node->key < temp->key) ? &temp->left : &temp->right;

        } else {
            fnt = (ngx_http_faas_function_t *) temp;
            p = (ngx_http_faas_function_cmp(fnt, &name) < 0)
                ? &temp->left : &temp->right;
        }

        if (*p == sentinel) {
            break;
        }

        temp = *p;
    }

    *p = node;
    node->parent = temp;
    node->left = sentinel;
    node->right = sentinel;
    ngx_rbt_red(node);
}


ngx_http_faas_function_t *
ngx_http_faas_function_find(ngx_http_faas_zone_t *zone, ngx_str_t *name)
{
    ngx_int_t                  rc;
    ngx_rbtree_key_t           hash;
    ngx_rbtree_node_t         *node, *sentinel;
    ngx_http_faas_function_t  *fn;

    hash = ngx_crc32_short(name->data, name->len);

    node = zone->sh->functions.root;
    sentinel = zone->sh->functions.sentinel;

    while (node != sentinel) {

        if (hash != node->key) {
            node = (hash < node->key) ? node->left : node->right;
            continue;
        }

        fn = (ngx_http_faas_function_t *) node;
        rc = ngx_http_faas_function_cmp(fn, name);

        if (rc == 0) {
            return fn;
        }

        node = (rc < 0) ? node->left : node->right;
    }

    return NULL;
}


ngx_http_faas_function_t *
ngx_http_faas_function_get(ngx_http_faas_zone_t *zone, ngx_str_t *name)
{
    ngx_http_faas_function_t  *fn;

    fn = ngx_http_faas_function_find(zone, name);

    if (fn) {
        return fn;
    }

    fn = ngx_http_faas_zone_alloc(zone,
                                  offsetof(ngx_http_faas_function_t, name)
                                  + name->len);
    if (fn == NULL) {
        return NULL;
    }

    fn->node.key = ngx_crc32_short(name->data, name->len);
    fn->len = (u_short) name->len;
    ngx_memcpy(fn->name, name->data, name->len);

    ngx_queue_init(&fn->instances);
    ngx_queue_init(&fn->waiting);

    ngx_http_faas_zone_append(&zone->sh->all, &fn->all);
    ngx_rbtree_insert(&zone->sh->functions, &fn->node);

    return fn;
}


ngx_uint_t
ngx_http_faas_function_served(ngx_http_faas_function_t *fn,
    ngx_uint_t version)
{
    ngx_queue_t               *q;
    ngx_http_faas_instance_t  *inst;

    for (q = ngx_queue_head(&fn->instances);
         q != ngx_queue_sentinel(&fn->instances);
         q = ngx_queue_next(q))
    {
        inst = ngx_queue_data(q, ngx_http_faas_instance_t, queue);

        /* who has not read the source yet will read the newest */

        if ((inst->state == NGX_HTTP_FAAS_CREATING && inst->kind == fn->kind)
            || ((inst->state == NGX_HTTP_FAAS_LOADING
                 || inst->state == NGX_HTTP_FAAS_READY)
                && inst->version >= version))
        {
            return 1;
        }
    }

    return 0;
}


ngx_uint_t
ngx_http_faas_function_live(ngx_http_faas_function_t *fn, ngx_uint_t version,
    ngx_uint_t *coming)
{
    ngx_uint_t                 n;
    ngx_queue_t               *q;
    ngx_http_faas_instance_t  *inst;

    n = 0;
    *coming = 0;

    for (q = ngx_queue_head(&fn->instances);
         q != ngx_queue_sentinel(&fn->instances);
         q = ngx_queue_next(q))
    {
        inst = ngx_queue_data(q, ngx_http_faas_instance_t, queue);

        if ((inst->state == NGX_HTTP_FAAS_CREATING && inst->kind == fn->kind)
            || (inst->state == NGX_HTTP_FAAS_LOADING
                && inst->version >= version))
        {
            *coming += fn->scale.concurrency;
            n++;

        } else if (inst->state == NGX_HTTP_FAAS_READY
                   && inst->version >= version)
        {
            n++;
        }
    }

    return n;
}


ngx_uint_t
ngx_http_faas_function_started(ngx_http_faas_function_t *fn)
{
    ngx_uint_t                 n;
    ngx_queue_t               *q;
    ngx_http_faas_instance_t  *inst;

    n = 0;

    for (q = ngx_queue_head(&fn->instances);
         q != ngx_queue_sentinel(&fn->instances);
         q = ngx_queue_next(q))
    {
        inst = ngx_queue_data(q, ngx_http_faas_instance_t, queue);

        n += (inst->state == NGX_HTTP_FAAS_READY
              || inst->state == NGX_HTTP_FAAS_LOADING
              || (inst->state == NGX_HTTP_FAAS_CREATING && !inst->turning));
    }

    return n;
}


void
ngx_http_faas_function_stat(ngx_http_faas_zone_t *zone, ngx_str_t *name,
    ngx_http_faas_function_stat_t *stat)
{
    ngx_uint_t                 starting;
    ngx_queue_t               *q;
    ngx_http_faas_function_t  *fn;
    ngx_http_faas_instance_t  *inst;

    ngx_memzero(stat, sizeof(ngx_http_faas_function_stat_t));

    stat->state = "idle";
    starting = 0;

    ngx_http_faas_zone_lock(zone);

    fn = ngx_http_faas_function_find(zone, name);

    if (fn == NULL) {
        goto done;
    }

    for (q = ngx_queue_head(&fn->instances);
         q != ngx_queue_sentinel(&fn->instances);
         q = ngx_queue_next(q))
    {
        inst = ngx_queue_data(q, ngx_http_faas_instance_t, queue);

        if (inst->state == NGX_HTTP_FAAS_CREATING
            || inst->state == NGX_HTTP_FAAS_LOADING)
        {
            starting++;
            continue;
        }

        stat->instances++;
        stat->active += inst->active;
    }

    stat->waiting = fn->nwaiting;

    if (fn->known && fn->failed == fn->version) {
        stat->state = "failed";

    } else if (stat->instances) {
        stat->state = "ready";

    } else if (starting) {
        stat->state = "starting";
    }

done:

    ngx_http_faas_zone_unlock(zone);
}


ngx_http_faas_instance_t *
ngx_http_faas_function_newest(ngx_http_faas_function_t *fn)
{
    ngx_queue_t               *q;
    ngx_http_faas_instance_t  *inst, *newest;

    newest = NULL;

    for (q = ngx_queue_head(&fn->instances);
         q != ngx_queue_sentinel(&fn->instances);
         q = ngx_queue_next(q))
    {
        inst = ngx_queue_data(q, ngx_http_faas_instance_t, queue);

        if (inst->state == NGX_HTTP_FAAS_READY
            && (newest == NULL || inst->version > newest->version))
        {
            newest = inst;
        }
    }

    return newest;
}


ngx_uint_t
ngx_http_faas_function_current(ngx_http_faas_function_t *fn,
    ngx_http_faas_want_t *want)
{
    if (!fn->known
        || fn->racy
        || fn->kind != want->kind
        || fn->policy != want->policy
        || !ngx_http_faas_function_same(&fn->identity, &want->identity))
    {
        return 0;
    }

    /* one stat() of a sidecar in FUNCTION_LOOK is enough: most have none */

    if (!want->looked) {
        return ngx_current_msec - fn->looked < NGX_HTTP_FAAS_FUNCTION_LOOK;
    }

    if (!ngx_http_faas_function_same(&fn->sidecar, &want->sidecar)) {
        return 0;
    }

    fn->looked = ngx_current_msec;

    return 1;
}


static ngx_uint_t
ngx_http_faas_function_same(ngx_http_faas_identity_t *a,
    ngx_http_faas_identity_t *b)
{
    return a->uniq == b->uniq
           && a->size == b->size
           && a->sec == b->sec
           && a->nsec == b->nsec;
}


void
ngx_http_faas_function_update(ngx_http_faas_function_t *fn,
    ngx_http_faas_want_t *want)
{
    ngx_uint_t                 same;
    ngx_queue_t               *q;
    ngx_http_faas_instance_t  *inst;

    same = (fn->known
            && ngx_http_faas_function_same(&fn->identity, &want->identity)
            && ngx_http_faas_function_same(&fn->sidecar, &want->sidecar));

    fn->identity = want->identity;
    fn->sidecar = want->sidecar;
    fn->looked = ngx_current_msec;
    fn->policy = want->policy;
    fn->scale = want->scale;
    fn->racy = want->racy;

    if (fn->known
        && fn->kind == want->kind
        && ngx_memcmp(fn->revision, want->revision,
                      NGX_HTTP_FAAS_REVISION_LEN) == 0)
    {
        /* saved again as it was: somebody wants another try */

        if (!same) {
            fn->failed = 0;
        }

        return;
    }

    /* first, lest what is half written is taken for an earlier version's */

    fn->version++;
    ngx_memory_barrier();

    fn->known = 1;
    fn->kind = want->kind;
    ngx_memcpy(fn->revision, want->revision, NGX_HTTP_FAAS_REVISION_LEN);

    /* back to what still runs, or adopted with nothing known of its file */

    for (q = ngx_queue_head(&fn->instances);
         q != ngx_queue_sentinel(&fn->instances);
         q = ngx_queue_next(q))
    {
        inst = ngx_queue_data(q, ngx_http_faas_instance_t, queue);

        if (inst->state == NGX_HTTP_FAAS_READY
            && inst->kind == fn->kind
            && ngx_memcmp(inst->revision, fn->revision,
                          NGX_HTTP_FAAS_REVISION_LEN)
               == 0)
        {
            if (inst->version == 0) {

                /* of an adopted one only the runtime's were known */

                inst->concurrency = fn->scale.concurrency;
                inst->idle = fn->scale.idle;
            }

            inst->version = fn->version;
        }
    }
}


void
ngx_http_faas_function_outdate(ngx_http_faas_zone_t *zone,
    ngx_http_faas_function_t *fn, ngx_uint_t version)
{
    ngx_queue_t               *q, *next;
    ngx_http_faas_instance_t  *inst;

    for (q = ngx_queue_head(&fn->instances);
         q != ngx_queue_sentinel(&fn->instances);
         q = next)
    {
        next = ngx_queue_next(q);
        inst = ngx_queue_data(q, ngx_http_faas_instance_t, queue);

        if (inst->version < version) {
            ngx_http_faas_instance_drain(zone, inst);
        }
    }
}


void
ngx_http_faas_function_release(ngx_http_faas_zone_t *zone,
    ngx_http_faas_function_t *fn)
{
    if (fn->pinned
        || (fn->known && fn->scale.min_instances)
        || !ngx_queue_empty(&fn->instances)
        || !ngx_queue_empty(&fn->waiting))
    {
        return;
    }

    ngx_rbtree_delete(&zone->sh->functions, &fn->node);
    ngx_queue_remove(&fn->all);
    ngx_slab_free_locked(zone->shpool, fn);
}
