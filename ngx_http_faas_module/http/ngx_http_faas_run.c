
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Owns a command's run: the request's body goes to its standard input, and
 * its output is the answer.  What fits into faas_buffer_size waits for the
 * exit, which decides what it is; what does not streams.
 */


#include "ngx_http_faas_run.h"
#include "ngx_http_faas_command_env.h"
#include "ngx_http_faas_envelope.h"
#include "ngx_http_faas_run_io.h"
#include "ngx_http_faas_utf8.h"


#define NGX_HTTP_FAAS_RUN_LOG  1024             /* of stderr */


static ngx_int_t ngx_http_faas_run_body(ngx_http_faas_run_t *run);
static ngx_int_t ngx_http_faas_run_spawn(ngx_http_faas_run_t *run);
static void ngx_http_faas_run_exit_handler(ngx_http_faas_child_t *child);
static ngx_int_t ngx_http_faas_run_finish(ngx_http_faas_run_t *run);
static ngx_int_t ngx_http_faas_run_success(ngx_http_faas_run_t *run);
static ngx_int_t ngx_http_faas_run_failure(ngx_http_faas_run_t *run);
static ngx_int_t ngx_http_faas_run_sent(ngx_int_t rc);
static void ngx_http_faas_run_log(ngx_http_faas_run_t *run);
static void ngx_http_faas_run_reason(ngx_http_faas_run_t *run,
    ngx_str_t *reason);
static ngx_int_t ngx_http_faas_run_text(ngx_http_faas_run_t *run,
    ngx_uint_t status, ngx_chain_t *out, off_t length);


ngx_int_t
ngx_http_faas_run(ngx_http_faas_run_t *run)
{
    ngx_int_t                 rc;
    ngx_http_request_t       *r;

    r = run->request;

    rc = ngx_http_faas_run_spawn(run);

    if (run->child == NULL) {
        return rc;
    }

    run->reading = r->reading_body;

    if (ngx_http_faas_run_body(run) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_faas_run_io_start(run);
}


/* a body that is whole stays so: others may want it, too */

static ngx_int_t
ngx_http_faas_run_body(ngx_http_faas_run_t *run)
{
    ngx_buf_t           *b;
    ngx_chain_t         *cl, *in, **last;
    ngx_http_request_t  *r;

    r = run->request;

    if (r->request_body == NULL) {
        return NGX_OK;
    }

    if (run->reading) {
        run->ctx->consumed = 1;
        run->body = r->request_body->bufs;
        r->request_body->bufs = NULL;
        return NGX_OK;
    }

    last = &run->body;

    for (in = r->request_body->bufs; in; in = in->next) {

        b = ngx_calloc_buf(r->pool);
        if (b == NULL) {
            return NGX_ERROR;
        }

        cl = ngx_alloc_chain_link(r->pool);
        if (cl == NULL) {
            return NGX_ERROR;
        }

        *b = *in->buf;

        cl->buf = b;
        cl->next = NULL;

        *last = cl;
        last = &cl->next;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_faas_run_spawn(ngx_http_faas_run_t *run)
{
    off_t                        length;
    ngx_err_t                    err;
    ngx_uint_t                   denied;
    ngx_chain_t                 *cl;
    ngx_http_request_t          *r;
    ngx_http_faas_child_t       *child;
    ngx_http_faas_child_task_t   task;

    r = run->request;
    length = 0;

    if (r->reading_body) {
        length = r->headers_in.content_length_n;

    } else if (r->request_body) {
        for (cl = r->request_body->bufs; cl; cl = cl->next) {
            length += ngx_buf_size(cl->buf);
        }
    }

    task = run->command->task;

    task.env = ngx_http_faas_command_environment(r, run->command, length);
    if (task.env == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    child = ngx_http_faas_child_spawn(run->command->children, &task,
                                      r->connection->log, &err, &denied);

    if (child == NULL) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, err,
                      "faas: command \"%V\" could not be %s",
                      &run->command->name,
                      denied ? "executed" : "started");

        return ngx_http_faas_run_failed(run, NGX_HTTP_INTERNAL_SERVER_ERROR,
                                        "exec_failed",
                                        "the command could not be executed");
    }

    run->child = child;
    run->in = child->in;
    run->out = child->out;
    run->err = child->err;

    child->handler = ngx_http_faas_run_exit_handler;
    child->data = run;

    return NGX_OK;
}


static void
ngx_http_faas_run_exit_handler(ngx_http_faas_child_t *child)
{
    ngx_http_faas_run_t  *run = child->data;

    run->child = NULL;
    run->exited = 1;
    run->status = child->status;

    ngx_http_faas_run_io_exited(run);
}


/* after each event; NGX_AGAIN: there will be another one */

ngx_int_t
ngx_http_faas_run_progress(ngx_http_faas_run_t *run)
{
    ngx_int_t  rc;

    rc = ngx_http_faas_run_io_read(run);

    if (run->received > run->command->output) {
        return ngx_http_faas_run_failed(run, NGX_HTTP_INTERNAL_SERVER_ERROR,
                                        "output_too_large",
                                        "the command wrote more than it may");
    }

    if (rc != NGX_OK) {
        return (rc == NGX_DONE) ? NGX_OK : rc;
    }

    if (!run->exited || run->out) {
        return NGX_AGAIN;
    }

    return ngx_http_faas_run_finish(run);
}


static ngx_int_t
ngx_http_faas_run_finish(ngx_http_faas_run_t *run)
{
    ngx_str_t                reason;
    ngx_http_request_t      *r;

    r = run->request;

    if (run->status == 0) {

        if (run->text && run->text->pos != run->text->last) {
            ngx_http_faas_run_log(run);
        }

        return ngx_http_faas_run_success(run);
    }

    ngx_http_faas_run_reason(run, &reason);

    ngx_log_error(NGX_LOG_INFO, r->connection->log, 0, "faas: %V", &reason);

    if (run->sent) {

        /* it cannot be taken back, but must not look whole */

        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "faas: answer of command \"%V\" was cut off",
                      &run->command->name);
        return NGX_ERROR;
    }

    return ngx_http_faas_run_failure(run);
}


static ngx_int_t
ngx_http_faas_run_success(ngx_http_faas_run_t *run)
{
    ngx_buf_t           *b;
    ngx_chain_t          out;
    ngx_http_request_t  *r;

    r = run->request;

    if (!run->sent) {
        run->ctx->served = 1;
        ngx_http_faas_envelope_stop(run->ctx);

        if (ngx_http_faas_run_io_take(run) != NGX_OK) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        return ngx_http_faas_run_text(run, NGX_HTTP_OK, run->ready,
                                      run->received);
    }

    b = ngx_calloc_buf(r->pool);
    if (b == NULL) {
        return NGX_ERROR;
    }

    b->last_buf = (r == r->main);
    b->sync = (r != r->main);
    b->last_in_chain = 1;

    out.buf = b;
    out.next = NULL;

    return ngx_http_faas_run_sent(ngx_http_output_filter(r, &out));
}


static ngx_int_t
ngx_http_faas_run_failure(ngx_http_faas_run_t *run)
{
    size_t               len;
    u_char              *p;
    ngx_str_t            status, reason, message;
    ngx_buf_t           *b;
    ngx_chain_t          out;
    ngx_http_request_t  *r;

    r = run->request;
    b = run->text;
    len = b ? b->last - b->pos : 0;

    if (run->ctx->envelope) {
        ngx_http_faas_run_reason(run, &reason);

        p = ngx_pnalloc(r->pool, reason.len + 2 + len);
        if (p == NULL) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        message.data = p;
        p = ngx_cpymem(p, reason.data, reason.len);

        if (len) {
            *p++ = ':';
            *p++ = ' ';
            p = ngx_cpymem(p, b->pos, len);
        }

        message.len = p - message.data;
        ngx_str_set(&status, "failed");

        return ngx_http_faas_run_sent(
                   ngx_http_faas_envelope_refuse(r, run->ctx, &status,
                                                 &message));
    }

    if (len == 0) {
        return ngx_http_faas_run_text(run, NGX_HTTP_INTERNAL_SERVER_ERROR,
                                      NULL, 0);
    }

    out.buf = b;
    out.next = NULL;

    return ngx_http_faas_run_text(run, NGX_HTTP_INTERNAL_SERVER_ERROR, &out,
                                  len);
}


static void
ngx_http_faas_run_log(ngx_http_faas_run_t *run)
{
    u_char  *last;

    last = ngx_min(run->text->last,
                   run->text->pos + NGX_HTTP_FAAS_RUN_LOG);

    while (last > run->text->pos && (last[-1] == LF || last[-1] == CR)) {
        last--;
    }

    /* a line of the log is ours */

    ngx_http_faas_utf8_line(run->text->pos, last);

    ngx_log_error(NGX_LOG_ERR, run->request->connection->log, 0,
                  "faas: command \"%V\" wrote to stderr: \"%*s\"",
                  &run->command->name,
                  (size_t) (last - run->text->pos), run->text->pos);
}


/* in the pool; without memory a shorter one */

static void
ngx_http_faas_run_reason(ngx_http_faas_run_t *run, ngx_str_t *reason)
{
    u_char  *p;

    p = ngx_pnalloc(run->request->pool,
                    sizeof("the command was ended by signal ")
                    + NGX_INT_T_LEN);
    if (p == NULL) {
        ngx_str_set(reason, "the command failed");
        return;
    }

    reason->data = p;

    if (WIFEXITED(run->status)) {
        p = ngx_sprintf(p, "the command exited with code %d",
                        WEXITSTATUS(run->status));
    } else {
        p = ngx_sprintf(p, "the command was ended by signal %d",
                        WTERMSIG(run->status));
    }

    reason->len = p - reason->data;
}


static ngx_int_t
ngx_http_faas_run_text(ngx_http_faas_run_t *run, ngx_uint_t status,
    ngx_chain_t *out, off_t length)
{
    ngx_int_t            rc;
    ngx_buf_t           *b;
    ngx_chain_t         *cl, empty;
    ngx_http_request_t  *r;

    r = run->request;

    rc = ngx_http_faas_run_header(run, status, length);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return ngx_http_faas_run_sent(rc);
    }

    if (out == NULL) {
        b = ngx_calloc_buf(r->pool);
        if (b == NULL) {
            return NGX_ERROR;
        }

        b->sync = (r != r->main);

        empty.buf = b;
        empty.next = NULL;
        out = &empty;
    }

    for (cl = out; cl->next; cl = cl->next) { /* void */ }

    cl->buf->last_buf = (r == r->main);
    cl->buf->last_in_chain = 1;

    return ngx_http_faas_run_sent(ngx_http_output_filter(r, out));
}


/* what the client has not taken yet is nginx's from now on */

static ngx_int_t
ngx_http_faas_run_sent(ngx_int_t rc)
{
    return (rc == NGX_AGAIN) ? NGX_OK : rc;
}


ngx_int_t
ngx_http_faas_run_header(ngx_http_faas_run_t *run, ngx_uint_t status,
    off_t length)
{
    ngx_http_request_t  *r;

    r = run->request;
    run->sent = 1;

    /* a condition of the client's is not to undo what was done */
    r->disable_not_modified = 1;

    r->headers_out.status = status;
    r->headers_out.content_length_n = length;
    r->headers_out.content_type = run->command->content_type;

    if (status != NGX_HTTP_OK) {
        ngx_str_set(&r->headers_out.content_type, "text/plain");
    }

    r->headers_out.content_type_len = r->headers_out.content_type.len;
    r->headers_out.content_type_lowcase = NULL;

    return ngx_http_send_header(r);
}


ngx_uint_t
ngx_http_faas_run_unheard(ngx_http_faas_run_t *run)
{
    ngx_http_request_t        *r;
    ngx_http_faas_loc_conf_t  *flcf;

    r = run->request;
    flcf = ngx_http_faas_get_loc_conf(r);

    if (flcf->abort != NGX_HTTP_FAAS_ABORT_FINISH || r != r->main) {
        return 0;
    }

    if (r->connection->write->timer_set) {
        ngx_del_timer(r->connection->write);
    }

    run->unheard = 1;

    return 1;
}


ngx_int_t
ngx_http_faas_run_failed(ngx_http_faas_run_t *run, ngx_uint_t status,
    char *code, char *message)
{
    ngx_str_t             s, text;
    ngx_http_faas_ctx_t  *ctx;

    ctx = run->ctx;

    if (run->sent) {
        return NGX_ERROR;
    }

    text.data = (u_char *) message;
    text.len = ngx_strlen(message);

    if (ctx->envelope) {
        if (ctx->timedout) {
            ngx_str_set(&s, "timeout");

        } else {
            ngx_str_set(&s, "failed");
        }

        return ngx_http_faas_run_sent(
                   ngx_http_faas_envelope_refuse(run->request, ctx, &s,
                                                 &text));
    }

    ctx->code.data = (u_char *) code;
    ctx->code.len = ngx_strlen(code);
    ctx->message = text;

    return status;
}


void
ngx_http_faas_run_finalize(ngx_http_faas_run_t *run, ngx_int_t rc)
{
    ngx_http_request_t  *r;

    r = run->request;

    ngx_http_faas_run_end(run);

    /* an answer that has begun is cut off, and has no page at its end */

    if (rc >= NGX_HTTP_SPECIAL_RESPONSE
        && run->sent && (r->header_sent || run->ctx->envelope))
    {
        rc = NGX_ERROR;
    }

    ngx_http_finalize_request(r, rc);
}


void
ngx_http_faas_run_end(ngx_http_faas_run_t *run)
{
    if (run->deadline.timer_set) {
        ngx_del_timer(&run->deadline);
    }

    if (run->queue.next) {
        ngx_queue_remove(&run->queue);
        run->queue.next = NULL;
    }

    if (run->ticket) {
        ngx_http_faas_crew_leave(run->command->zone, run->ticket);
        run->ticket = NULL;
    }

    ngx_http_faas_child_shut(&run->in);
    ngx_http_faas_child_shut(&run->out);
    ngx_http_faas_child_shut(&run->err);

    if (run->child) {
        run->child->handler = NULL;
        ngx_http_faas_child_stop(run->child);
        run->child = NULL;
    }
}
