
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Owns a request for a command until it runs: its method, its body, the wait
 * for a place, and its deadline.
 */


#include "ngx_http_faas_command.h"
#include "ngx_http_faas_envelope.h"
#include "ngx_http_faas_run.h"


#define NGX_HTTP_FAAS_COMMAND_INVOKE  5000      /* ms, the default */


static void ngx_http_faas_command_body_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_faas_command_body(ngx_http_request_t *r);
static ngx_int_t ngx_http_faas_command_create(ngx_http_request_t *r,
    ngx_http_faas_run_t **run);
static ngx_int_t ngx_http_faas_command_join(ngx_http_faas_run_t *run);
static void ngx_http_faas_command_watch(ngx_http_request_t *r);
static ngx_int_t ngx_http_faas_command_start(ngx_http_faas_run_t *run);
static void ngx_http_faas_command_next(void *data);
static void ngx_http_faas_command_deadline_handler(ngx_event_t *ev);
static void ngx_http_faas_command_release(void *data);
static void ngx_http_faas_command_cleanup(void *data);


ngx_int_t
ngx_http_faas_command_handler(ngx_http_request_t *r)
{
    ngx_int_t                  rc;
    ngx_str_t                  key;
    ngx_http_faas_ctx_t       *ctx;
    ngx_http_faas_loc_conf_t  *flcf;

    ctx = ngx_http_get_module_ctx(r, ngx_http_faas_module);

    if (!(r->method & ctx->command->methods)) {
        ngx_str_set(&key, "Allow");

        if (ngx_http_faas_reply_header(r, &key, &ctx->command->allow)
            != NGX_OK)
        {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        return NGX_HTTP_NOT_ALLOWED;
    }

    flcf = ngx_http_faas_get_loc_conf(r);

    r->request_body_no_buffering = (r == r->main && !flcf->buffering);

    rc = ngx_http_read_client_request_body(r,
                                          ngx_http_faas_command_body_handler);

    return (rc >= NGX_HTTP_SPECIAL_RESPONSE) ? rc : NGX_DONE;
}


static void
ngx_http_faas_command_body_handler(ngx_http_request_t *r)
{
    ngx_int_t             rc;
    ngx_http_faas_run_t  *run;

    rc = ngx_http_faas_command_body(r);

    if (rc == NGX_OK) {
        rc = ngx_http_faas_command_create(r, &run);
    }

    if (rc != NGX_OK) {
        ngx_http_finalize_request(r, rc);
        return;
    }

    rc = ngx_http_faas_command_join(run);

    if (rc != NGX_AGAIN) {
        ngx_http_faas_run_finalize(run, rc);
    }
}


/* an error_page of a command that was not to wait for its body leads here */

static ngx_int_t
ngx_http_faas_command_body(ngx_http_request_t *r)
{
    ngx_http_faas_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_faas_module);

    if (ctx->consumed) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "faas: the body for command \"%V\" went to another one",
                      &ctx->command->name);

        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (r->reading_body) {
        r->request_body_no_buffering = 1;       /* nginx forgets it */
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_faas_command_create(ngx_http_request_t *r,
    ngx_http_faas_run_t **run)
{
    ngx_msec_t                   timeout, wanted;
    ngx_pool_cleanup_t          *cln;
    ngx_http_faas_run_t         *rn;
    ngx_http_faas_ctx_t         *ctx;
    ngx_http_faas_command_t     *command;
    ngx_http_faas_main_conf_t   *fmcf;

    ctx = ngx_http_get_module_ctx(r, ngx_http_faas_module);
    command = ctx->command;

    if (command->zone == NULL) {
        fmcf = ngx_http_get_module_main_conf(r, ngx_http_faas_module);

        command->zone = &fmcf->pool.zone;
        command->children = &fmcf->children;

        ngx_queue_init(&command->waiting);

        command->listener.handler = ngx_http_faas_command_next;
        command->listener.data = command;

        ngx_queue_insert_tail(&fmcf->pool.listeners,
                              &command->listener.queue);
    }

    if (command->crew == NULL) {
        command->crew = ngx_http_faas_crew(command->zone, command->key);

        if (command->crew == NULL) {
            ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                          "faas: no memory in the zone");

            ctx->envelope = NULL;
            ngx_str_set(&ctx->code, "no_capacity");
            ngx_str_set(&ctx->message, "there is no room for another request");

            return NGX_HTTP_SERVICE_UNAVAILABLE;
        }
    }

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_http_faas_run_t));
    if (cln == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rn = cln->data;
    ngx_memzero(rn, sizeof(ngx_http_faas_run_t));

    ctx->run = rn;

    rn->request = r;
    rn->ctx = ctx;
    rn->command = command;
    rn->rest = -1;
    rn->last = &rn->ready;

    rn->dummy.fd = (ngx_socket_t) -1;
    rn->deadline.handler = ngx_http_faas_command_deadline_handler;
    rn->deadline.data = &rn->dummy;
    rn->deadline.log = r->connection->log;

    cln->handler = ngx_http_faas_command_cleanup;

    timeout = command->timeout;

    if (ctx->envelope) {
        wanted = ctx->timeout ? ctx->timeout : NGX_HTTP_FAAS_COMMAND_INVOKE;
        timeout = ngx_min(timeout, wanted);
    }

    ngx_add_timer(&rn->deadline, timeout);

    *run = rn;

    return NGX_OK;
}


static ngx_int_t
ngx_http_faas_command_join(ngx_http_faas_run_t *run)
{
    ngx_int_t                 rc;
    ngx_http_request_t       *r;
    ngx_http_faas_command_t  *command;

    r = run->request;
    command = run->command;

    ngx_http_faas_command_watch(r);

    rc = ngx_http_faas_crew_join(command->zone, command->crew, command->max,
                                 command->queue, &run->ticket);

    if (rc == NGX_OK) {
        return ngx_http_faas_command_start(run);
    }

    if (rc == NGX_AGAIN) {
        run->ticket->data = command;

        ngx_queue_insert_tail(&command->waiting, &run->queue);

        return NGX_AGAIN;
    }

    run->ticket = NULL;

    ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                  "faas: too many requests for command \"%V\"",
                  &command->name);

    run->ctx->envelope = NULL;

    return ngx_http_faas_run_failed(run, NGX_HTTP_SERVICE_UNAVAILABLE,
                                    "no_capacity",
                                    "there is no room for another request");
}


/* see a client that goes away; it may be gone already */

static void
ngx_http_faas_command_watch(ngx_http_request_t *r)
{
    ngx_connection_t          *c;
    ngx_http_faas_loc_conf_t  *flcf;

    r->write_event_handler = ngx_http_request_empty_handler;

    if (r != r->main || r->reading_body) {
        return;
    }

    c = r->connection;
    flcf = ngx_http_faas_get_loc_conf(r);

    if (flcf->abort == NGX_HTTP_FAAS_ABORT_FINISH || r->post_action) {
        r->read_event_handler = ngx_http_block_reading;
        return;
    }

    r->read_event_handler = ngx_http_test_reading;

    if (c->read->ready) {
        ngx_post_event(c->read, &ngx_posted_events);

    } else if (ngx_handle_read_event(c->read, 0) != NGX_OK) {
        r->read_event_handler = ngx_http_block_reading;
    }
}


/* the ticket is the child's, once there is one */

static ngx_int_t
ngx_http_faas_command_start(ngx_http_faas_run_t *run)
{
    ngx_int_t                rc;
    ngx_http_faas_ticket_t  *ticket;

    ticket = run->ticket;
    ticket->data = run->command;

    rc = ngx_http_faas_run(run);

    if (run->child) {
        run->child->release = ngx_http_faas_command_release;
        run->child->held = ticket;
        run->ticket = NULL;
    }

    return rc;
}


/* the bell rang: perhaps for who waits in this process */

static void
ngx_http_faas_command_next(void *data)
{
    ngx_http_faas_command_t  *command = data;

    ngx_int_t             rc;
    ngx_queue_t          *q;
    ngx_connection_t     *c;
    ngx_http_request_t   *r;
    ngx_http_faas_run_t  *run;

    while (!ngx_queue_empty(&command->waiting)) {
        q = ngx_queue_head(&command->waiting);
        run = ngx_queue_data(q, ngx_http_faas_run_t, queue);

        if (ngx_http_faas_crew_ask(command->zone, run->ticket, command->max)
            != NGX_OK)
        {
            break;
        }

        ngx_queue_remove(q);
        q->next = NULL;

        r = run->request;
        c = r->connection;

        ngx_http_set_log_request(c->log, r);

        rc = ngx_http_faas_command_start(run);

        if (rc != NGX_AGAIN) {
            ngx_http_faas_run_finalize(run, rc);
        }

        ngx_http_run_posted_requests(c);
    }
}


static void
ngx_http_faas_command_deadline_handler(ngx_event_t *ev)
{
    ngx_int_t             rc;
    ngx_connection_t     *c;
    ngx_http_request_t   *r;
    ngx_http_faas_run_t  *run;

    run = ngx_queue_data(ev, ngx_http_faas_run_t, deadline);
    r = run->request;
    c = r->connection;

    ngx_http_set_log_request(c->log, r);

    ngx_log_error(NGX_LOG_INFO, c->log, 0,
                  "faas: deadline of command \"%V\" passed",
                  &run->command->name);

    if (run->ticket) {
        run->ctx->envelope = NULL;

        rc = ngx_http_faas_run_failed(run, NGX_HTTP_SERVICE_UNAVAILABLE,
                                      "no_capacity",
                                      "there is no room for another request");

    } else {
        run->ctx->timedout = 1;

        rc = ngx_http_faas_run_failed(run, NGX_HTTP_GATEWAY_TIME_OUT,
                                      "timeout",
                                      "the command did not end in time");
    }

    ngx_http_faas_run_finalize(run, rc);
    ngx_http_run_posted_requests(c);
}


static void
ngx_http_faas_command_release(void *data)
{
    ngx_http_faas_ticket_t  *ticket = data;

    ngx_http_faas_command_t  *command;

    command = ticket->data;

    ngx_http_faas_crew_leave(command->zone, ticket);
}


static void
ngx_http_faas_command_cleanup(void *data)
{
    ngx_http_faas_run_t  *run = data;

    ngx_http_faas_run_end(run);
}
