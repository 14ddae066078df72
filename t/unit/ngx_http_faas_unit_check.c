
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * What has to be true of a zone whenever nobody has its lock.
 */


#include "ngx_http_faas_unit_zone.h"
#include "ngx_http_faas_crew.h"


static char *ngx_http_faas_unit_check_instance(ngx_http_faas_zone_t *zone,
    ngx_http_faas_instance_t *inst);
static ngx_queue_t *ngx_http_faas_unit_check_list(ngx_http_faas_sh_t *sh,
    ngx_http_faas_instance_t *inst);
static char *ngx_http_faas_unit_check_state(ngx_http_faas_instance_t *inst);
static char *ngx_http_faas_unit_check_ready(ngx_http_faas_instance_t *inst);
static char *ngx_http_faas_unit_check_turns(ngx_http_faas_zone_t *zone);
static char *ngx_http_faas_unit_check_functions(ngx_http_faas_zone_t *zone,
    ngx_rbtree_node_t *node);
static char *ngx_http_faas_unit_check_function(ngx_http_faas_zone_t *zone,
    ngx_http_faas_function_t *fn);
static char *ngx_http_faas_unit_check_waiting(ngx_http_faas_zone_t *zone,
    ngx_http_faas_function_t *fn);
static char *ngx_http_faas_unit_check_leases(ngx_http_faas_worker_t *worker);
static char *ngx_http_faas_unit_check_all(ngx_http_faas_zone_t *zone);
static char *ngx_http_faas_unit_check_crew(ngx_http_faas_crew_t *crew);
static char *ngx_http_faas_unit_check_tickets(ngx_http_faas_crew_t *crew,
    ngx_queue_t *tickets, ngx_uint_t running, ngx_uint_t n);
static ngx_uint_t ngx_http_faas_unit_check_listed(ngx_queue_t *list,
    ngx_queue_t *item);


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

    text = ngx_http_faas_unit_check_functions(zone, sh->functions.root);

    for (i = 0; text == NULL && i < sh->ninstances; i++) {
        inst = &sh->instances[i];

        text = (inst->slot == i)
               ? ngx_http_faas_unit_check_instance(zone, inst)
               : "an instance has got another slot";
    }

    if (text == NULL) {
        text = ngx_http_faas_unit_check_all(zone);
    }

    if (text == NULL) {
        text = ngx_http_faas_unit_check_turns(zone);
    }

    for (q = ngx_queue_head(&sh->workers);
         text == NULL && q != ngx_queue_sentinel(&sh->workers);
         q = ngx_queue_next(q))
    {
        worker = ngx_queue_data(q, ngx_http_faas_worker_t, queue);
        text = ngx_http_faas_unit_check_leases(worker);
    }

    for (q = ngx_queue_head(&sh->crews);
         text == NULL && q != ngx_queue_sentinel(&sh->crews);
         q = ngx_queue_next(q))
    {
        text = ngx_http_faas_unit_check_crew(
                              ngx_queue_data(q, ngx_http_faas_crew_t, queue));
    }

    ngx_http_faas_zone_unlock(zone);

    return text;
}


/* it is in the list of its state, and has as many leases as it says */

static char *
ngx_http_faas_unit_check_instance(ngx_http_faas_zone_t *zone,
    ngx_http_faas_instance_t *inst)
{
    ngx_uint_t              n;
    ngx_queue_t            *q;
    ngx_http_faas_lease_t  *lease;

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

    if (inst->state == NGX_HTTP_FAAS_FOREIGN) {

        if (!ngx_queue_empty(&inst->queue)) {
            return "an instance that is FOREIGN is in a list";
        }

    } else if (!ngx_http_faas_unit_check_listed(
                              ngx_http_faas_unit_check_list(zone->sh, inst),
                              &inst->queue))
    {
        return "an instance is not in the list of its state";
    }

    if (inst->turning || inst->starting) {

        if (inst->state != NGX_HTTP_FAAS_CREATING) {
            return "an instance is to be started, and is not CREATING";
        }

        if (inst->turning && inst->starting) {
            return "an instance that is started waits for it";
        }
    }

    return ngx_http_faas_unit_check_state(inst);
}


static ngx_queue_t *
ngx_http_faas_unit_check_list(ngx_http_faas_sh_t *sh,
    ngx_http_faas_instance_t *inst)
{
    switch (inst->state) {

    case NGX_HTTP_FAAS_EMPTY:
        return &sh->empty;

    case NGX_HTTP_FAAS_SPARE:
        return &sh->spares;

    case NGX_HTTP_FAAS_DEAD:
    case NGX_HTTP_FAAS_REMOVING:
        return &sh->dead;

    default:
        return inst->function ? &inst->function->instances : &sh->spares;
    }
}


static char *
ngx_http_faas_unit_check_state(ngx_http_faas_instance_t *inst)
{
    ngx_uint_t  bare, driven;

    bare = 0;
    driven = 0;

    switch (inst->state) {

    case NGX_HTTP_FAAS_EMPTY:
    case NGX_HTTP_FAAS_FOREIGN:
    case NGX_HTTP_FAAS_SPARE:
        bare = 1;
        break;

    case NGX_HTTP_FAAS_REMOVING:
        bare = 1;
        driven = 1;
        break;

    case NGX_HTTP_FAAS_DEAD:
        return inst->function || inst->active
               ? "an instance that is DEAD has a function or leases" : NULL;

    case NGX_HTTP_FAAS_CREATING:
    case NGX_HTTP_FAAS_LOADING:
        driven = 1;

        if (inst->active) {
            return "an instance has leases before it is ready";
        }

        if (inst->function == NULL
            && (inst->warm || inst->state == NGX_HTTP_FAAS_LOADING))
        {
            return "an instance loads nothing";
        }

        break;

    case NGX_HTTP_FAAS_READY:
    case NGX_HTTP_FAAS_DRAINING:
        break;

    default:
        return "an instance is in no state";
    }

    if (bare && (inst->function || inst->active)) {
        return "an instance that does not serve has a function or leases";
    }

    if (driven != (inst->owner != 0)) {
        return driven ? "nobody drives an instance that has to be"
                      : "somebody drives an instance that is not to be";
    }

    if (inst->gone && inst->state == NGX_HTTP_FAAS_READY) {
        return "an instance is READY whose process has ended";
    }

    if (inst->state == NGX_HTTP_FAAS_DRAINING && inst->active == 0) {
        return "an instance is DRAINING, and no lease is left";
    }

    if (inst->function && inst->version > inst->function->version) {
        return "an instance is of a version that is yet to come";
    }

    return (inst->state == NGX_HTTP_FAAS_READY)
           ? ngx_http_faas_unit_check_ready(inst) : NULL;
}


static char *
ngx_http_faas_unit_check_ready(ngx_http_faas_instance_t *inst)
{
    ngx_queue_t               *q;
    ngx_http_faas_lease_t     *lease;
    ngx_http_faas_function_t  *fn;

    fn = inst->function;

    if (ngx_http_faas_function_newest(fn)->version != inst->version) {
        return "an instance is READY, and so is one of a later version";
    }

    if (inst->version == fn->version
        && fn->known
        && (inst->kind != fn->kind
            || ngx_memcmp(inst->revision, fn->revision,
                          NGX_HTTP_FAAS_REVISION_LEN)
               != 0))
    {
        return "an instance says to be of a version that it is not";
    }

    if (inst->active < inst->concurrency && !ngx_queue_empty(&fn->waiting)) {
        q = ngx_queue_head(&fn->waiting);
        lease = ngx_queue_data(q, ngx_http_faas_lease_t, queue);

        if (lease->version <= inst->version) {
            return "a lease waits while there is room";
        }
    }

    return NULL;
}


/* so many are started as may be, and nobody is forgotten */

static char *
ngx_http_faas_unit_check_turns(ngx_http_faas_zone_t *zone)
{
    ngx_uint_t                 i, turning, starting;
    ngx_queue_t               *q;
    ngx_http_faas_sh_t        *sh;
    ngx_http_faas_instance_t  *inst;

    sh = zone->sh;
    turning = 0;
    starting = 0;

    for (i = 0; i < sh->ninstances; i++) {
        turning += sh->instances[i].turning;
        starting += sh->instances[i].starting;
    }

    if (starting != sh->starting || starting > zone->starts) {
        return "the number of starts is wrong";
    }

    for (q = ngx_queue_head(&sh->turns);
         q != ngx_queue_sentinel(&sh->turns);
         q = ngx_queue_next(q))
    {
        inst = ngx_queue_data(q, ngx_http_faas_instance_t, turn);
        turning--;

        if (!inst->turning) {
            return "an instance waits for a turn without knowing it";
        }
    }

    if (turning) {
        return "an instance that waits for a turn is not in the queue";
    }

    if (starting < zone->starts && !ngx_queue_empty(&sh->turns)) {
        return "an instance waits for its turn, and nobody has it";
    }

    return NULL;
}


static char *
ngx_http_faas_unit_check_functions(ngx_http_faas_zone_t *zone,
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

    text = ngx_http_faas_unit_check_function(zone, fn);

    if (text == NULL) {
        text = ngx_http_faas_unit_check_functions(zone, node->left);
    }

    if (text == NULL) {
        text = ngx_http_faas_unit_check_functions(zone, node->right);
    }

    return text;
}


static char *
ngx_http_faas_unit_check_function(ngx_http_faas_zone_t *zone,
    ngx_http_faas_function_t *fn)
{
    ngx_queue_t               *q;
    ngx_http_faas_instance_t  *inst;

    if (fn->pinned) {
        return "a function is pinned for ever";
    }

    if (ngx_queue_empty(&fn->waiting) && ngx_queue_empty(&fn->instances)) {
        return "a function is there without reason";
    }

    if (fn->failed > fn->version) {
        return "a version has failed that is yet to come";
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

    return ngx_http_faas_unit_check_waiting(zone, fn);
}


/* each for somebody, and nobody behind one who wants a later version */

static char *
ngx_http_faas_unit_check_waiting(ngx_http_faas_zone_t *zone,
    ngx_http_faas_function_t *fn)
{
    ngx_uint_t              version;
    ngx_queue_t            *q;
    ngx_http_faas_lease_t  *lease;

    version = 0;

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

        if (lease->version < version) {
            return "a lease waits behind one for a later version";
        }

        version = lease->version;

        if (zone->sh->settled
            && !ngx_http_faas_function_served(fn, version))
        {
            return "a lease waits for nobody";
        }
    }

    return NULL;
}


static char *
ngx_http_faas_unit_check_leases(ngx_http_faas_worker_t *worker)
{
    ngx_queue_t            *q, *list;
    ngx_http_faas_lease_t  *lease;

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

        if (lease->report && lease->report->refs == 0) {
            return "a report is of nobody";
        }

        if (lease->notified
            && !ngx_http_faas_unit_check_listed(&worker->wakes,
                                                &lease->wake))
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
            || !ngx_http_faas_unit_check_listed(list, &lease->queue))
        {
            return "a lease is not in the list of its state";
        }
    }

    return NULL;
}


/* the list of functions has those of the tree, and no others */

static char *
ngx_http_faas_unit_check_all(ngx_http_faas_zone_t *zone)
{
    ngx_int_t                  n;
    ngx_str_t                  name;
    ngx_queue_t               *q;
    ngx_rbtree_t              *tree;
    ngx_rbtree_node_t         *node;
    ngx_http_faas_function_t  *fn;

    n = 0;
    tree = &zone->sh->functions;

    for (q = ngx_queue_head(&zone->sh->all);
         q != ngx_queue_sentinel(&zone->sh->all);
         q = ngx_queue_next(q))
    {
        fn = ngx_queue_data(q, ngx_http_faas_function_t, all);
        n++;

        name.len = fn->len;
        name.data = fn->name;

        if (ngx_http_faas_function_find(zone, &name) != fn) {
            return "a function of the list is not in the tree";
        }
    }

    node = (tree->root != tree->sentinel)
           ? ngx_rbtree_min(tree->root, tree->sentinel) : NULL;

    for ( /* void */ ; node; node = ngx_rbtree_next(tree, node)) {
        n--;
    }

    return n ? "a function of the tree is not in the list" : NULL;
}


static char *
ngx_http_faas_unit_check_crew(ngx_http_faas_crew_t *crew)
{
    char  *text;

    text = ngx_http_faas_unit_check_tickets(crew, &crew->running, 1,
                                            crew->nrunning);

    return text ? text
                : ngx_http_faas_unit_check_tickets(crew, &crew->waiting, 0,
                                                   crew->nwaiting);
}


static char *
ngx_http_faas_unit_check_tickets(ngx_http_faas_crew_t *crew,
    ngx_queue_t *tickets, ngx_uint_t running, ngx_uint_t n)
{
    ngx_queue_t             *q;
    ngx_http_faas_ticket_t  *ticket;

    for (q = ngx_queue_head(tickets);
         q != ngx_queue_sentinel(tickets);
         q = ngx_queue_next(q))
    {
        ticket = ngx_queue_data(q, ngx_http_faas_ticket_t, queue);

        if (ticket->crew != crew || ticket->running != running) {
            return "a ticket is in the list of others";
        }

        if (n-- == 0) {
            break;
        }
    }

    return n ? "the number of tickets is wrong" : NULL;
}


static ngx_uint_t
ngx_http_faas_unit_check_listed(ngx_queue_t *list, ngx_queue_t *item)
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
