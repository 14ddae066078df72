
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Owns the pipes of a run, and the way from them to the client and back.
 */


#include "ngx_http_faas_run_io.h"

#include <sys/ioctl.h>


#define NGX_HTTP_FAAS_RUN_BUFFERS  3            /* of faas_buffer_size */
#define NGX_HTTP_FAAS_RUN_TEXT     4096         /* of stderr, at first */
#define NGX_HTTP_FAAS_RUN_ROUNDS   16           /* at a time */
#define NGX_HTTP_FAAS_RUN_READS    32


static ngx_http_faas_run_t *ngx_http_faas_run_io_enter(ngx_event_t *ev);
static void ngx_http_faas_run_io_in_handler(ngx_event_t *ev);
static void ngx_http_faas_run_io_out_handler(ngx_event_t *ev);
static void ngx_http_faas_run_io_err_handler(ngx_event_t *ev);
static void ngx_http_faas_run_io_writer(ngx_http_request_t *r);
static void ngx_http_faas_run_io_reader(ngx_http_request_t *r);
static void ngx_http_faas_run_io_go(ngx_http_faas_run_t *run, ngx_int_t rc);
static ngx_int_t ngx_http_faas_run_io_write(ngx_http_faas_run_t *run);
static ngx_int_t ngx_http_faas_run_io_body(ngx_http_faas_run_t *run);
static ngx_int_t ngx_http_faas_run_io_fill(ngx_http_faas_run_t *run);
static ngx_int_t ngx_http_faas_run_io_room(ngx_http_faas_run_t *run);
static ngx_int_t ngx_http_faas_run_io_send(ngx_http_faas_run_t *run);
static ngx_int_t ngx_http_faas_run_io_slow(ngx_http_faas_run_t *run);
static ngx_int_t ngx_http_faas_run_io_errors(ngx_http_faas_run_t *run);
static ngx_int_t ngx_http_faas_run_io_text(ngx_http_faas_run_t *run);


ngx_int_t
ngx_http_faas_run_io_start(ngx_http_faas_run_t *run)
{
    ngx_int_t            rc;
    ngx_http_request_t  *r;

    r = run->request;

    run->in->data = run;
    run->in->write->handler = ngx_http_faas_run_io_in_handler;
    run->in->write->ready = 1;

    run->out->data = run;
    run->out->read->handler = ngx_http_faas_run_io_out_handler;

    run->err->data = run;
    run->err->read->handler = ngx_http_faas_run_io_err_handler;

    if (ngx_handle_read_event(run->out->read, 0) != NGX_OK
        || ngx_handle_read_event(run->err->read, 0) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (run->reading) {
        r->read_event_handler = ngx_http_faas_run_io_reader;
    }

    rc = ngx_http_faas_run_io_write(run);

    return (rc == NGX_OK) ? NGX_AGAIN : rc;
}


static void
ngx_http_faas_run_io_in_handler(ngx_event_t *ev)
{
    ngx_int_t             rc;
    ngx_http_faas_run_t  *run;

    run = ngx_http_faas_run_io_enter(ev);

    rc = run->in->close ? NGX_ERROR : ngx_http_faas_run_io_write(run);

    ngx_http_faas_run_io_go(run, (rc == NGX_OK) ? NGX_AGAIN : rc);
}


static void
ngx_http_faas_run_io_out_handler(ngx_event_t *ev)
{
    ngx_http_faas_run_t  *run;

    run = ngx_http_faas_run_io_enter(ev);

    ngx_http_faas_run_io_go(run, run->out->close
                                 ? NGX_ERROR
                                 : ngx_http_faas_run_progress(run));
}


static void
ngx_http_faas_run_io_err_handler(ngx_event_t *ev)
{
    ngx_int_t             rc;
    ngx_http_faas_run_t  *run;

    run = ngx_http_faas_run_io_enter(ev);

    rc = run->err->close ? NGX_ERROR : ngx_http_faas_run_io_errors(run);

    ngx_http_faas_run_io_go(run, (rc == NGX_OK) ? NGX_AGAIN : rc);
}


void
ngx_http_faas_run_io_exited(ngx_http_faas_run_t *run)
{
    int  n;

    ngx_http_set_log_request(run->request->connection->log, run->request);

    ngx_http_faas_child_shut(&run->in);

    /* what is left takes the client's time */

    if (run->deadline.timer_set) {
        ngx_del_timer(&run->deadline);
    }

    if (run->err) {
        run->err->read->ready = 1;
        (void) ngx_http_faas_run_io_errors(run);
        ngx_http_faas_child_shut(&run->err);
    }

    if (run->out) {

        /* whoever still has it open may go on writing for ever */

        run->rest = (ioctl(run->out->fd, FIONREAD, &n) == 0) ? n : 0;
        run->out->read->ready = 1;
    }

    ngx_http_faas_run_io_go(run, ngx_http_faas_run_progress(run));
}


/* an event that is not the request's own */

static ngx_http_faas_run_t *
ngx_http_faas_run_io_enter(ngx_event_t *ev)
{
    ngx_connection_t     *c;
    ngx_http_faas_run_t  *run;

    c = ev->data;
    run = c->data;

    ngx_http_set_log_request(run->request->connection->log, run->request);

    return run;
}


static void
ngx_http_faas_run_io_go(ngx_http_faas_run_t *run, ngx_int_t rc)
{
    ngx_connection_t  *c;

    c = run->request->connection;

    if (rc != NGX_AGAIN) {
        ngx_http_faas_run_finalize(run, rc);
    }

    ngx_http_run_posted_requests(c);
}


/* the client can take more */

static void
ngx_http_faas_run_io_writer(ngx_http_request_t *r)
{
    ngx_int_t             rc;
    ngx_connection_t     *c;
    ngx_http_faas_ctx_t  *ctx;
    ngx_http_faas_run_t  *run;

    c = r->connection;
    ctx = ngx_http_get_module_ctx(r, ngx_http_faas_module);
    run = ctx->run;

    if (c->write->timedout) {
        ngx_log_error(NGX_LOG_INFO, c->log, NGX_ETIMEDOUT,
                      "client timed out");
        c->timedout = 1;
        ngx_http_faas_run_finalize(run, NGX_HTTP_REQUEST_TIME_OUT);
        return;
    }

    rc = ngx_http_faas_run_progress(run);

    if (rc != NGX_AGAIN) {
        ngx_http_faas_run_finalize(run, rc);
    }
}


/* the client has sent more */

static void
ngx_http_faas_run_io_reader(ngx_http_request_t *r)
{
    ngx_int_t             rc;
    ngx_http_faas_ctx_t  *ctx;
    ngx_http_faas_run_t  *run;

    ctx = ngx_http_get_module_ctx(r, ngx_http_faas_module);
    run = ctx->run;

    rc = ngx_http_faas_run_io_write(run);

    if (rc != NGX_OK) {
        ngx_http_faas_run_finalize(run, rc);
    }
}


/* NGX_OK: as much as there is, or fits; else it is for finalize_request() */

static ngx_int_t
ngx_http_faas_run_io_write(ngx_http_faas_run_t *run)
{
    ngx_int_t     rc;
    ngx_chain_t  *cl;
    ngx_event_t  *rev;

    for ( ;; ) {

        while (run->body) {
            cl = run->body;

            rc = run->in ? ngx_http_faas_child_write(run->in, cl->buf)
                         : NGX_DECLINED;

            if (rc == NGX_AGAIN) {
                rev = run->request->connection->read;

                if (run->reading && rev->timer_set) {
                    ngx_del_timer(rev);     /* it is not the client */
                }

                return (ngx_handle_write_event(run->in->write, 0) == NGX_OK)
                       ? NGX_OK : NGX_HTTP_INTERNAL_SERVER_ERROR;
            }

            if (rc == NGX_ERROR) {
                return NGX_HTTP_INTERNAL_SERVER_ERROR;
            }

            if (rc == NGX_DECLINED) {

                /* it need not read all of it, but nginx has to */

                ngx_http_faas_child_shut(&run->in);
                cl->buf->pos = cl->buf->last;
            }

            run->body = cl->next;
            ngx_free_chain(run->request->pool, cl);
        }

        if (!run->reading) {
            ngx_http_faas_child_shut(&run->in);
            return NGX_OK;
        }

        rc = ngx_http_faas_run_io_body(run);

        if (rc != NGX_OK) {
            return (rc == NGX_AGAIN) ? NGX_OK : rc;
        }
    }
}


/* the next of a body that is not read at once */

static ngx_int_t
ngx_http_faas_run_io_body(ngx_http_faas_run_t *run)
{
    ngx_int_t                  rc;
    ngx_http_request_t        *r;
    ngx_http_faas_loc_conf_t  *flcf;

    r = run->request;

    rc = ngx_http_read_unbuffered_request_body(r);

    if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
        return rc;
    }

    run->body = r->request_body->bufs;
    r->request_body->bufs = NULL;

    if (!r->reading_body) {
        flcf = ngx_http_faas_get_loc_conf(r);

        run->reading = 0;
        r->read_event_handler = (flcf->abort == NGX_HTTP_FAAS_ABORT_FINISH)
                                ? ngx_http_block_reading
                                : ngx_http_test_reading;

        /* it may have gone right after that */

        if (r->connection->read->ready) {
            ngx_post_event(r->connection->read, &ngx_posted_events);
        }
    }

    return (rc == NGX_AGAIN && run->body == NULL) ? NGX_AGAIN : NGX_OK;
}


ngx_int_t
ngx_http_faas_run_io_read(ngx_http_faas_run_t *run)
{
    ngx_int_t            rc, filled;
    ngx_uint_t           n;
    ngx_http_request_t  *r;

    r = run->request;

    for (n = 0; n < NGX_HTTP_FAAS_RUN_ROUNDS; n++) {

        filled = ngx_http_faas_run_io_fill(run);

        if (filled != NGX_OK && filled != NGX_AGAIN) {
            return filled;
        }

        if (!run->streaming) {
            return NGX_OK;
        }

        if (run->unheard) {

            if (run->buf) {
                run->buf->last = run->buf->pos;
            }

            if (filled == NGX_OK) {
                return NGX_OK;
            }

            continue;
        }

        if (!run->sent) {
            r->write_event_handler = ngx_http_faas_run_io_writer;

            rc = ngx_http_faas_run_header(run, NGX_HTTP_OK, -1);

            if (rc == NGX_ERROR || rc > NGX_OK) {
                return rc;
            }

            if (r->header_only) {
                return NGX_DONE;
            }
        }

        if (ngx_http_faas_run_io_send(run) != NGX_OK
            && !ngx_http_faas_run_unheard(run))
        {
            return NGX_ERROR;
        }

        if (filled == NGX_OK || (run->free == NULL && !run->unheard)) {
            return NGX_OK;
        }
    }

    /* others want to be served, too */

    ngx_post_event(run->out->read, &ngx_posted_next_events);

    return NGX_OK;
}


/* NGX_OK: all that there is; NGX_AGAIN: there is no room for more */

static ngx_int_t
ngx_http_faas_run_io_fill(ngx_http_faas_run_t *run)
{
    size_t                     size;
    ssize_t                    n;
    ngx_int_t                  rc;
    ngx_http_faas_loc_conf_t  *flcf;

    while (run->out && run->out->read->ready) {

        if (run->rest == 0) {
            ngx_http_faas_child_shut(&run->out);
            break;
        }

        rc = ngx_http_faas_run_io_room(run);

        if (rc != NGX_OK) {
            return rc;
        }

        size = run->buf->end - run->buf->last;

        if (run->rest > 0) {
            size = (size_t) ngx_min((off_t) size, run->rest);
        }

        n = ngx_http_faas_child_read(run->out, run->buf->last, size);

        if (n == NGX_AGAIN) {
            break;
        }

        if (n == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (n == 0) {
            ngx_http_faas_child_shut(&run->out);
            break;
        }

        run->buf->last += n;
        run->received += n;

        if (run->rest > 0) {
            run->rest -= n;
        }

        if (run->received > run->command->output) {
            ngx_log_error(NGX_LOG_ERR, run->request->connection->log, 0,
                          "faas: command \"%V\" wrote more than %O bytes",
                          &run->command->name, run->command->output);

            return NGX_ERROR;
        }

        flcf = ngx_http_faas_get_loc_conf(run->request);

        if (run->received > (off_t) flcf->buffer_size) {
            run->streaming = 1;
            run->ctx->served = 1;
        }
    }

    return NGX_OK;
}


/* NGX_OK: run->buf has some */

static ngx_int_t
ngx_http_faas_run_io_room(ngx_http_faas_run_t *run)
{
    ngx_chain_t               *cl;
    ngx_http_request_t        *r;
    ngx_http_faas_loc_conf_t  *flcf;

    r = run->request;

    if (run->buf && run->buf->last < run->buf->end) {
        return NGX_OK;
    }

    if (run->buf && run->unheard) {
        return NGX_AGAIN;
    }

    if (run->buf && ngx_http_faas_run_io_take(run) != NGX_OK) {
        return NGX_ERROR;
    }

    if (run->free) {
        cl = run->free;
        run->free = cl->next;
        run->buf = cl->buf;

        ngx_free_chain(r->pool, cl);

        return NGX_OK;
    }

    if (run->nbufs == NGX_HTTP_FAAS_RUN_BUFFERS && !run->unheard) {
        return NGX_AGAIN;
    }

    flcf = ngx_http_faas_get_loc_conf(r);

    run->buf = ngx_create_temp_buf(r->pool, flcf->buffer_size);
    if (run->buf == NULL) {
        return NGX_ERROR;
    }

    run->buf->tag = (ngx_buf_tag_t) &ngx_http_faas_module;
    run->nbufs++;

    return NGX_OK;
}


ngx_int_t
ngx_http_faas_run_io_take(ngx_http_faas_run_t *run)
{
    ngx_chain_t  *cl;

    if (run->buf == NULL || run->buf->pos == run->buf->last) {
        return NGX_OK;
    }

    cl = ngx_alloc_chain_link(run->request->pool);
    if (cl == NULL) {
        return NGX_ERROR;
    }

    cl->buf = run->buf;
    cl->next = NULL;

    *run->last = cl;
    run->last = &cl->next;

    run->buf = NULL;

    return NGX_OK;
}


static ngx_int_t
ngx_http_faas_run_io_send(ngx_http_faas_run_t *run)
{
    ngx_chain_t         *cl;
    ngx_http_request_t  *r;

    r = run->request;

    if (ngx_http_faas_run_io_take(run) != NGX_OK) {
        return NGX_ERROR;
    }

    if (run->ready == NULL && run->busy == NULL && !r->connection->buffered) {
        return NGX_OK;
    }

    for (cl = run->ready; cl; cl = cl->next) {
        cl->buf->flush = 1;
    }

    if (ngx_http_output_filter(r, run->ready) == NGX_ERROR) {
        return NGX_ERROR;
    }

    ngx_chain_update_chains(r->pool, &run->free, &run->busy, &run->ready,
                            (ngx_buf_tag_t) &ngx_http_faas_module);

    run->last = &run->ready;

    return ngx_http_faas_run_io_slow(run);
}


/* what the client has not taken goes on with the next event of its own */

static ngx_int_t
ngx_http_faas_run_io_slow(ngx_http_faas_run_t *run)
{
    ngx_event_t               *wev;
    ngx_connection_t          *c;
    ngx_http_request_t        *r;
    ngx_http_core_loc_conf_t  *clcf;

    r = run->request;
    c = r->connection;
    wev = c->write;

    if (wev->delayed) {
        return NGX_OK;
    }

    if (!c->buffered) {

        if (wev->timer_set) {
            ngx_del_timer(wev);
        }

        return NGX_OK;
    }

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    if (!wev->ready) {
        ngx_add_timer(wev, clcf->send_timeout);
    }

    return ngx_handle_write_event(wev, clcf->send_lowat);
}


/* NGX_OK, or it is for finalize_request() */

static ngx_int_t
ngx_http_faas_run_io_errors(ngx_http_faas_run_t *run)
{
    u_char      skipped[NGX_HTTP_FAAS_RUN_TEXT];
    ssize_t     n;
    ngx_buf_t  *b;
    ngx_uint_t  i;

    for (i = 0; i < NGX_HTTP_FAAS_RUN_READS; i++) {

        if (ngx_http_faas_run_io_text(run) != NGX_OK) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        b = run->text;

        n = (b->last < b->end)
            ? ngx_http_faas_child_read(run->err, b->last, b->end - b->last)
            : ngx_http_faas_child_read(run->err, skipped, sizeof(skipped));

        if (n == NGX_AGAIN) {
            return NGX_OK;
        }

        if (n == NGX_ERROR || n == 0) {
            ngx_http_faas_child_shut(&run->err);
            return NGX_OK;
        }

        if (b->last < b->end) {
            b->last += n;
        }
    }

    ngx_post_event(run->err->read, &ngx_posted_next_events);

    return NGX_OK;
}


/* few write much there */

static ngx_int_t
ngx_http_faas_run_io_text(ngx_http_faas_run_t *run)
{
    ngx_buf_t                 *b;
    ngx_http_faas_loc_conf_t  *flcf;

    flcf = ngx_http_faas_get_loc_conf(run->request);
    b = run->text;

    if (b && (b->last < b->end
              || (size_t) (b->end - b->start) >= flcf->buffer_size))
    {
        return NGX_OK;
    }

    run->text = ngx_create_temp_buf(run->request->pool,
                                    b ? flcf->buffer_size
                                      : NGX_HTTP_FAAS_RUN_TEXT);
    if (run->text == NULL) {
        return NGX_ERROR;
    }

    if (b) {
        run->text->last = ngx_cpymem(run->text->last, b->pos,
                                     b->last - b->pos);
    }

    return NGX_OK;
}
