
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * What becomes of a command's output: its exit code, flags and the size of a
 * step, then a line on the standard error, and the output.
 */


#include "ngx_http_faas_fuzz.h"
#include "ngx_http_faas_envelope.h"
#include "ngx_http_faas_request.h"
#include "ngx_http_faas_run_io.h"


#define NGX_HTTP_FAAS_FUZZ_OUTPUT_INVOKED  1    /* flags */
#define NGX_HTTP_FAAS_FUZZ_OUTPUT_FAILS    2
#define NGX_HTTP_FAAS_FUZZ_OUTPUT_SLOW     4


static ngx_int_t ngx_http_faas_fuzz_output_run(ngx_http_request_t *r,
    ngx_http_faas_run_t *run);
static void ngx_http_faas_fuzz_output_answer(ngx_pool_t *pool,
    ngx_http_faas_run_t *run, ngx_str_t *output, ngx_str_t *text);

ssize_t __wrap_ngx_http_faas_child_read(ngx_connection_t *c, u_char *buf,
    size_t size);
void __wrap_ngx_http_faas_child_shut(ngx_connection_t **c);


static ngx_str_t   ngx_http_faas_fuzz_output_rest;
static size_t      ngx_http_faas_fuzz_output_step;
static ngx_uint_t  ngx_http_faas_fuzz_output_turn;


void
ngx_http_faas_fuzz_output_target(ngx_pool_t *pool,
    ngx_http_faas_fuzz_input_t *in)
{
    ngx_int_t             rc;
    ngx_str_t             name, text, output;
    ngx_uint_t            code, flags;
    ngx_http_request_t   *r;
    ngx_http_faas_ctx_t  *ctx;
    ngx_http_faas_run_t  *run;

    code = ngx_http_faas_fuzz_byte(in);
    flags = ngx_http_faas_fuzz_byte(in);

    ngx_http_faas_fuzz_output_step = 1 + ngx_http_faas_fuzz_byte(in);
    ngx_http_faas_fuzz_output_turn = 0;

    ngx_http_faas_fuzz_line(pool, in, &text);
    ngx_http_faas_fuzz_bytes(pool, in, in->last - in->pos, &output);

    r = ngx_http_faas_fuzz_request(pool);
    run = ngx_pcalloc(pool, sizeof(ngx_http_faas_run_t));
    ctx = ngx_http_faas_request_ctx(r);

    ngx_http_faas_fuzz_check(run && ctx);

    ngx_str_set(&name, "cat");
    ctx->command = ngx_http_faas_command_find(r, &name);
    ngx_http_faas_fuzz_check(ctx->command);

    if (flags & NGX_HTTP_FAAS_FUZZ_OUTPUT_INVOKED) {
        ngx_http_faas_fuzz_check(ngx_http_faas_envelope_create(ctx, &name)
                                 == NGX_OK);
    }

    run->request = r;
    run->ctx = ctx;
    run->command = ctx->command;
    run->rest = -1;
    run->last = &run->ready;
    run->text = ngx_create_temp_buf(pool, text.len);
    run->status = (flags & NGX_HTTP_FAAS_FUZZ_OUTPUT_FAILS) ? code << 8 : 0;

    ngx_http_faas_fuzz_check(run->text);

    run->text->last = ngx_cpymem(run->text->pos, text.data, text.len);

    ngx_http_faas_fuzz_output_rest = output;
    ngx_http_faas_fuzz_connect(pool, (flags & NGX_HTTP_FAAS_FUZZ_OUTPUT_SLOW)
                                     ? flags : 0);

    rc = ngx_http_faas_fuzz_output_run(r, run);

    /* as ngx_http_writer() does */

    while (rc != NGX_ERROR
           && (ngx_http_faas_fuzz_client.busy || r->connection->buffered))
    {
        rc = ngx_http_output_filter(r, NULL);
        ngx_http_faas_fuzz_take();
    }

    if (r->connection->write->timer_set) {
        ngx_del_timer(r->connection->write);
    }

    if (rc == NGX_ERROR) {

        /* it began, and is not what it looked like, or has failed since */

        ngx_http_faas_fuzz_check(output.len > 64);
        return;
    }

    ngx_http_faas_fuzz_output_answer(pool, run, &output, &text);
}


static ngx_int_t
ngx_http_faas_fuzz_output_run(ngx_http_request_t *r,
    ngx_http_faas_run_t *run)
{
    ngx_int_t    rc;
    ngx_event_t  *rev;

    run->out = ngx_pcalloc(r->pool, sizeof(ngx_connection_t));
    rev = ngx_pcalloc(r->pool, sizeof(ngx_event_t));

    ngx_http_faas_fuzz_check(run->out && rev);

    run->out->read = rev;
    rev->log = r->connection->log;

    /* each event of the pipe or of the client, and then the exit */

    do {
        rev->ready = 1;
        rc = ngx_http_faas_run_progress(run);

        if (rev->posted) {
            ngx_delete_posted_event(rev);
        }

        ngx_http_faas_fuzz_take();

    } while (rc == NGX_AGAIN && run->out);

    if (rc == NGX_AGAIN) {
        run->exited = 1;
        rc = ngx_http_faas_run_progress(run);
    }

    return rc;
}


static void
ngx_http_faas_fuzz_output_answer(ngx_pool_t *pool, ngx_http_faas_run_t *run,
    ngx_str_t *output, ngx_str_t *text)
{
    ngx_str_t                     value;
    ngx_uint_t                    invoked;
    ngx_http_faas_fuzz_client_t  *client;

    client = &ngx_http_faas_fuzz_client;

    ngx_http_faas_fuzz_check(client->header && client->last);

    /* a refusal took the envelope along */

    invoked = run->ctx->envelope
              || (run->status && client->status == NGX_HTTP_OK);

    if (!invoked) {
        ngx_http_faas_fuzz_check(client->status == (run->status ? 500 : 200));
        ngx_http_faas_fuzz_check(ngx_http_faas_fuzz_same(&client->body,
                                               run->status ? text : output));
        return;
    }

    ngx_http_faas_fuzz_answered(run->request, NGX_OK);

    if (run->status == 0) {
        ngx_http_faas_fuzz_result_output(pool, &client->body, output);
        return;
    }

    value = ngx_http_faas_fuzz_json_member(pool, &client->body,
                                           "error_message");
    value = ngx_http_faas_fuzz_json_text(pool, &value);

    if (ngx_http_faas_fuzz_utf8(text)) {
        ngx_http_faas_fuzz_check(text->len == 0
                                 || memmem(value.data, value.len, text->data,
                                           text->len));
    }
}


/* every other time there is nothing */

ssize_t
__wrap_ngx_http_faas_child_read(ngx_connection_t *c, u_char *buf, size_t size)
{
    size_t      n;
    ngx_str_t  *s;

    ngx_http_faas_fuzz_check(size);

    if (++ngx_http_faas_fuzz_output_turn % 2) {
        c->read->ready = 0;
        return NGX_AGAIN;
    }

    s = &ngx_http_faas_fuzz_output_rest;
    n = ngx_min(ngx_min(size, ngx_http_faas_fuzz_output_step), s->len);

    memcpy(buf, s->data, n);
    s->data += n;
    s->len -= n;

    return n;
}


void
__wrap_ngx_http_faas_child_shut(ngx_connection_t **c)
{
    *c = NULL;
}
