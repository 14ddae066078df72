
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Owns the way from an empty slot to a running container.  Every step may be
 * repeated: the container's name is of slot and generation, so what an answer
 * got lost of is found again as a conflict.
 *
 *   PING -> NETWORK_CREATE -> NETWORK_INSPECT     once for a zone
 *        -> a turn, for the engine starts few at a time
 *        -> CREATE [-> INSPECT] -> START
 */


#include "ngx_http_faas_boot.h"
#include "ngx_http_faas_keeper.h"
#include "ngx_http_faas_turn.h"


#define NGX_HTTP_FAAS_BOOT_PAUSE      100       /* ms, between two tries */
#define NGX_HTTP_FAAS_BOOT_TRIES      30
#define NGX_HTTP_FAAS_BOOT_ADDRESS    3         /* for one that is in use */


static void ngx_http_faas_boot_step(ngx_http_faas_boot_t *boot);
static void ngx_http_faas_boot_handler(ngx_http_faas_call_t *call);
static void ngx_http_faas_boot_answer(ngx_http_faas_boot_t *boot,
    ngx_uint_t outcome);
static void ngx_http_faas_boot_network(ngx_http_faas_boot_t *boot,
    ngx_uint_t outcome);
static void ngx_http_faas_boot_created(ngx_http_faas_boot_t *boot,
    ngx_uint_t outcome);
static void ngx_http_faas_boot_inspected(ngx_http_faas_boot_t *boot,
    ngx_uint_t outcome);
static ngx_uint_t ngx_http_faas_boot_ours(ngx_http_faas_boot_t *boot,
    ngx_http_faas_docker_state_t *state);
static void ngx_http_faas_boot_started(ngx_http_faas_boot_t *boot,
    ngx_uint_t outcome);
static void ngx_http_faas_boot_renew(ngx_http_faas_boot_t *boot,
    ngx_uint_t outcome);
static void ngx_http_faas_boot_retry(ngx_http_faas_boot_t *boot,
    ngx_uint_t outcome);
static void ngx_http_faas_boot_timer_handler(ngx_event_t *ev);
static void ngx_http_faas_boot_refuse(ngx_http_faas_boot_t *boot,
    ngx_uint_t outcome);
static void ngx_http_faas_boot_end(ngx_http_faas_boot_t *boot, ngx_int_t rc);


void
ngx_http_faas_boot(ngx_http_faas_boot_t *boot)
{
    boot->dummy.fd = (ngx_socket_t) -1;
    boot->timer.handler = ngx_http_faas_boot_timer_handler;
    boot->timer.data = &boot->dummy;
    boot->timer.log = boot->launch.pool->log;

    boot->step = boot->launch.fp->zone.sh->engine_ready
                 ? NGX_HTTP_FAAS_DOCKER_CREATE
                 : NGX_HTTP_FAAS_DOCKER_PING;

    ngx_http_faas_boot_step(boot);
}


/* sends the call of the present step */

static void
ngx_http_faas_boot_step(ngx_http_faas_boot_t *boot)
{
    ngx_int_t              rc;
    ngx_http_faas_call_t  *call;
    ngx_http_faas_pool_t  *fp;

    fp = boot->launch.fp;
    boot->parked = 0;

    rc = (boot->step == NGX_HTTP_FAAS_DOCKER_CREATE)
         ? ngx_http_faas_turn(&fp->zone, boot->inst)
         : ngx_http_faas_instance_wanted(&fp->zone, boot->inst);

    if (rc == NGX_AGAIN) {

        /* while no call is under way nothing tells that a request is gone */

        boot->request = NULL;
        boot->parked = 1;
        return;
    }

    if (rc != NGX_OK) {
        ngx_http_faas_boot_end(boot, NGX_DECLINED);
        return;
    }

    call = &boot->call;
    ngx_memzero(call, sizeof(ngx_http_faas_call_t));

    if (ngx_http_faas_pool_stalled(fp)) {
        ngx_http_faas_boot_refuse(boot, NGX_HTTP_FAAS_DOCKER_ENGINE);
        return;
    }

    call->pool = boot->launch.pool;
    call->log = boot->launch.pool->log;
    call->handler = ngx_http_faas_boot_handler;
    call->data = boot;

    if (ngx_http_faas_launch_request(&boot->launch, boot->step, call)
        != NGX_OK)
    {
        ngx_http_faas_boot_refuse(boot, NGX_HTTP_FAAS_DOCKER_INVALID);
        return;
    }

    rc = NGX_ERROR;

    if (boot->request) {
        rc = ngx_http_faas_pool_call(fp, boot->request, call);
    }

    if (rc != NGX_OK) {
        boot->request = NULL;
        rc = ngx_http_faas_pool_call(fp, NULL, call);
    }

    if (rc != NGX_OK) {
        ngx_http_faas_boot_refuse(boot, NGX_HTTP_FAAS_DOCKER_ENGINE);
    }
}


static void
ngx_http_faas_boot_handler(ngx_http_faas_call_t *call)
{
    ngx_http_faas_boot_t  *boot;

    boot = call->data;

    if (call->interrupted) {

        /* the request is gone, the engine may have done it all the same */

        boot->request = NULL;
        boot->doubt |= (boot->step == NGX_HTTP_FAAS_DOCKER_CREATE);

        ngx_http_faas_boot_step(boot);
        return;
    }

    if (call->status || call->timedout) {
        ngx_http_faas_pool_stall(boot->launch.fp, call->timedout);
    }

    if (call->status == 0) {
        boot->doubt |= (boot->step == NGX_HTTP_FAAS_DOCKER_CREATE);
        ngx_http_faas_boot_refuse(boot, NGX_HTTP_FAAS_DOCKER_ENGINE);
        return;
    }

    ngx_http_faas_boot_answer(boot,
                              ngx_http_faas_docker_outcome(boot->step,
                                                           call->status,
                                                           &call->body));
}


static void
ngx_http_faas_boot_answer(ngx_http_faas_boot_t *boot, ngx_uint_t outcome)
{
    switch (boot->step) {

    case NGX_HTTP_FAAS_DOCKER_PING:

        if (outcome != NGX_HTTP_FAAS_DOCKER_OK
            || ngx_http_faas_pool_negotiate(boot->launch.fp, &boot->call.api)
               != NGX_OK)
        {
            ngx_http_faas_boot_refuse(boot, NGX_HTTP_FAAS_DOCKER_VERSION);
            return;
        }

        boot->step = NGX_HTTP_FAAS_DOCKER_NETWORK_CREATE;
        ngx_http_faas_boot_step(boot);
        return;

    case NGX_HTTP_FAAS_DOCKER_NETWORK_CREATE:
    case NGX_HTTP_FAAS_DOCKER_NETWORK_INSPECT:
        ngx_http_faas_boot_network(boot, outcome);
        return;

    case NGX_HTTP_FAAS_DOCKER_CREATE:
        ngx_http_faas_boot_created(boot, outcome);
        return;

    case NGX_HTTP_FAAS_DOCKER_INSPECT:
        ngx_http_faas_boot_inspected(boot, outcome);
        return;

    default:
        ngx_http_faas_boot_started(boot, outcome);
        return;
    }
}


static void
ngx_http_faas_boot_network(ngx_http_faas_boot_t *boot, ngx_uint_t outcome)
{
    if (boot->step == NGX_HTTP_FAAS_DOCKER_NETWORK_CREATE) {

        if (outcome == NGX_HTTP_FAAS_DOCKER_ADDRESS
            && ngx_http_faas_launch_next_subnet(&boot->launch) == NGX_OK)
        {
            ngx_http_faas_boot_step(boot);
            return;
        }

        if (outcome != NGX_HTTP_FAAS_DOCKER_OK
            && outcome != NGX_HTTP_FAAS_DOCKER_CONFLICT
            && outcome != NGX_HTTP_FAAS_DOCKER_INVALID)
        {
            ngx_http_faas_boot_refuse(boot, outcome);
            return;
        }

        /*
         * Made now or found: take what it is, not what was asked for.  Who
         * makes it at the same time is told of an interface that is there.
         */

        boot->step = NGX_HTTP_FAAS_DOCKER_NETWORK_INSPECT;
        ngx_http_faas_boot_step(boot);
        return;
    }

    if (outcome == NGX_HTTP_FAAS_DOCKER_NO_NETWORK
        || outcome == NGX_HTTP_FAAS_DOCKER_GONE)
    {
        ngx_http_faas_boot_retry(boot, outcome);
        return;
    }

    if (outcome != NGX_HTTP_FAAS_DOCKER_OK
        || ngx_http_faas_launch_network(&boot->launch, &boot->call.body)
           != NGX_OK)
    {
        ngx_http_faas_boot_refuse(boot, outcome);
        return;
    }

    boot->step = NGX_HTTP_FAAS_DOCKER_CREATE;
    ngx_http_faas_boot_step(boot);
}


static void
ngx_http_faas_boot_created(ngx_http_faas_boot_t *boot, ngx_uint_t outcome)
{
    ngx_str_t  id;

    switch (outcome) {

    case NGX_HTTP_FAAS_DOCKER_OK:
        boot->made = 1;
        boot->step = NGX_HTTP_FAAS_DOCKER_START;

        if (ngx_http_faas_docker_parse_create(boot->launch.pool,
                                              &boot->call.body, &id)
            != NGX_OK)
        {
            ngx_http_faas_boot_refuse(boot, NGX_HTTP_FAAS_DOCKER_ENGINE);
            return;
        }

        boot->launch.ref = id;
        ngx_http_faas_instance_identify(&boot->launch.fp->zone, boot->inst,
                                        &id);
        break;

    case NGX_HTTP_FAAS_DOCKER_CONFLICT:

        /* made before, but its answer did not reach us: which one is it? */

        boot->made = 1;
        boot->step = NGX_HTTP_FAAS_DOCKER_INSPECT;
        break;

    case NGX_HTTP_FAAS_DOCKER_VERSION:
    case NGX_HTTP_FAAS_DOCKER_NO_NETWORK:
        ngx_http_faas_boot_renew(boot, outcome);
        return;

    default:
        ngx_http_faas_boot_refuse(boot, outcome);
        return;
    }

    ngx_http_faas_boot_step(boot);
}


static void
ngx_http_faas_boot_inspected(ngx_http_faas_boot_t *boot, ngx_uint_t outcome)
{
    ngx_http_faas_docker_state_t  state;

    if (outcome == NGX_HTTP_FAAS_DOCKER_GONE) {

        /* the name is taken before the container is there */

        boot->step = NGX_HTTP_FAAS_DOCKER_CREATE;
        ngx_http_faas_boot_retry(boot, outcome);
        return;
    }

    if (outcome != NGX_HTTP_FAAS_DOCKER_OK
        || ngx_http_faas_docker_parse_inspect(boot->launch.pool,
                                              &boot->call.body, &state)
           != NGX_OK
        || state.id.len == 0)
    {
        ngx_http_faas_boot_refuse(boot, NGX_HTTP_FAAS_DOCKER_ENGINE);
        return;
    }

    if (!ngx_http_faas_boot_ours(boot, &state)) {

        /* whatever it is, it is not to be run: the name is given up */

        ngx_log_error(NGX_LOG_ERR, boot->launch.pool->log, 0,
                      "faas: container \"%V\" is not ours and has a name "
                      "of ours, removing it", &state.id);

        ngx_http_faas_boot_end(boot, NGX_AGAIN);
        return;
    }

    boot->launch.ref = state.id;
    ngx_http_faas_instance_identify(&boot->launch.fp->zone, boot->inst,
                                    &state.id);

    boot->step = NGX_HTTP_FAAS_DOCKER_START;
    ngx_http_faas_boot_step(boot);
}


/* by the labels that launch_create() gives, see there */

static ngx_uint_t
ngx_http_faas_boot_ours(ngx_http_faas_boot_t *boot,
    ngx_http_faas_docker_state_t *state)
{
    u_char                 owner[8], epoch[8];
    ngx_http_faas_zone_t  *zone;

    zone = &boot->launch.fp->zone;

    (void) ngx_sprintf(owner, "%08xD", zone->owner);
    (void) ngx_sprintf(epoch, "%08xD", zone->sh->epoch);

    return state->owner.len == sizeof(owner)
           && ngx_memcmp(state->owner.data, owner, sizeof(owner)) == 0
           && state->epoch.len == sizeof(epoch)
           && ngx_memcmp(state->epoch.data, epoch, sizeof(epoch)) == 0;
}


static void
ngx_http_faas_boot_started(ngx_http_faas_boot_t *boot, ngx_uint_t outcome)
{
    switch (outcome) {

    case NGX_HTTP_FAAS_DOCKER_OK:
        boot->doubt = 0;
        ngx_http_faas_boot_end(boot, NGX_OK);
        return;

    case NGX_HTTP_FAAS_DOCKER_ADDRESS:

        /* a stray has it, or another nginx that is about to be replaced */

        ngx_http_faas_keeper_recall(boot->launch.fp);

        if (boot->tries >= NGX_HTTP_FAAS_BOOT_ADDRESS) {
            ngx_http_faas_boot_end(boot, NGX_AGAIN);
            return;
        }

        /* fall through */

    case NGX_HTTP_FAAS_DOCKER_GONE:     /* an interrupted create goes on */
        ngx_http_faas_boot_retry(boot, outcome);
        return;

    case NGX_HTTP_FAAS_DOCKER_VERSION:
    case NGX_HTTP_FAAS_DOCKER_NO_NETWORK:
        ngx_http_faas_boot_renew(boot, outcome);
        return;

    default:
        ngx_http_faas_boot_refuse(boot, outcome);
        return;
    }
}


/* another engine answers, or somebody took our network away */

static void
ngx_http_faas_boot_renew(ngx_http_faas_boot_t *boot, ngx_uint_t outcome)
{
    if (boot->renewed) {
        ngx_http_faas_boot_refuse(boot, outcome);
        return;
    }

    boot->renewed = 1;
    boot->launch.fp->zone.sh->engine_ready = 0;
    boot->step = NGX_HTTP_FAAS_DOCKER_PING;

    ngx_http_faas_boot_step(boot);
}


static void
ngx_http_faas_boot_retry(ngx_http_faas_boot_t *boot, ngx_uint_t outcome)
{
    if (++boot->tries > NGX_HTTP_FAAS_BOOT_TRIES) {
        ngx_http_faas_boot_refuse(boot, outcome);
        return;
    }

    boot->request = NULL;
    ngx_add_timer(&boot->timer, NGX_HTTP_FAAS_BOOT_PAUSE);
}


static void
ngx_http_faas_boot_timer_handler(ngx_event_t *ev)
{
    ngx_http_faas_boot_t  *boot;

    boot = ngx_queue_data(ev, ngx_http_faas_boot_t, timer);

    ngx_http_faas_boot_step(boot);
}


void
ngx_http_faas_boot_check(ngx_http_faas_boot_t *boot)
{
    ngx_int_t  rc;

    rc = ngx_http_faas_instance_wanted(&boot->launch.fp->zone, boot->inst);

    if (rc != NGX_OK) {
        ngx_http_faas_boot_end(boot, NGX_DECLINED);

    } else if (boot->parked) {
        ngx_http_faas_boot_step(boot);
    }
}


static void
ngx_http_faas_boot_refuse(ngx_http_faas_boot_t *boot, ngx_uint_t outcome)
{
    boot->outcome = outcome;
    ngx_http_faas_boot_end(boot, NGX_ERROR);
}


static void
ngx_http_faas_boot_end(ngx_http_faas_boot_t *boot, ngx_int_t rc)
{
    boot->request = NULL;
    boot->parked = 0;

    if (boot->timer.timer_set) {
        ngx_del_timer(&boot->timer);
    }

    boot->handler(boot, rc);
}
