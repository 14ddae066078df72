
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * A command: what it is told of its request, and what becomes of its output.
 * An exit code, flags and the size of a step, then the URI, headers, a line
 * on the standard error, and the output.
 */


#include "ngx_http_faas_fuzz.h"
#include "ngx_http_faas_command_env.h"
#include "ngx_http_faas_envelope.h"
#include "ngx_http_faas_request.h"
#include "ngx_http_faas_run_io.h"


static void ngx_http_faas_fuzz_command_env(ngx_http_request_t *r,
    ngx_http_faas_command_t *command);
static ngx_int_t ngx_http_faas_fuzz_command_run(ngx_http_request_t *r,
    ngx_http_faas_run_t *run);
static void ngx_http_faas_fuzz_command_result(ngx_http_request_t *r,
    ngx_http_faas_run_t *run, ngx_str_t *output, ngx_str_t *text);

ssize_t __wrap_ngx_http_faas_child_read(ngx_connection_t *c, u_char *buf,
    size_t size);
void __wrap_ngx_http_faas_child_shut(ngx_connection_t **c);


static ngx_str_t   ngx_http_faas_fuzz_command_output;
static size_t      ngx_http_faas_fuzz_command_step;
static ngx_uint_t  ngx_http_faas_fuzz_command_turn;


void
ngx_http_faas_fuzz_command_target(ngx_pool_t *pool,
    ngx_http_faas_fuzz_input_t *in)
{
    ngx_int_t             rc;
    ngx_str_t             name, uri, text, output;
    ngx_uint_t            code, flags;
    ngx_http_request_t   *r;
    ngx_http_faas_ctx_t  *ctx;
    ngx_http_faas_run_t  *run;

    code = ngx_http_faas_fuzz_byte(in);
    flags = ngx_http_faas_fuzz_byte(in);

    ngx_http_faas_fuzz_command_step = 1 + ngx_http_faas_fuzz_byte(in);

    r = ngx_http_faas_fuzz_request(pool);

    ngx_http_faas_fuzz_line(pool, in, &uri);

    if (ngx_http_faas_fuzz_uri(r, &uri) != NGX_OK) {
        return;
    }

    ngx_http_faas_fuzz_headers(pool, in, &r->headers_in.headers);
    ngx_http_faas_fuzz_line(pool, in, &text);
    ngx_http_faas_fuzz_bytes(pool, in, in->last - in->pos, &output);

    run = ngx_pcalloc(pool, sizeof(ngx_http_faas_run_t));
    ctx = ngx_http_faas_request_ctx(r);

    ngx_http_faas_fuzz_check(run && ctx);

    ngx_str_set(&name, "cat");
    ctx->command = ngx_http_faas_command_find(r, &name);
    ngx_http_faas_fuzz_check(ctx->command);

    ngx_http_faas_fuzz_command_env(r, ctx->command);

    if (flags & 1) {
        ngx_http_faas_fuzz_check(ngx_http_faas_envelope_create(ctx, &name)
                                 == NGX_OK);
    }

    run->request = r;
    run->ctx = ctx;
    run->command = ctx->command;
    run->rest = -1;
    run->last = &run->ready;
    run->text = ngx_create_temp_buf(pool, text.len);
    run->status = (flags & 2) ? code << 8 : 0;

    ngx_http_faas_fuzz_check(run->text);

    run->text->last = ngx_cpymem(run->text->pos, text.data, text.len);

    ngx_http_faas_fuzz_command_output = output;
    ngx_http_faas_fuzz_connect(pool, (flags & 4) ? flags : 0);

    rc = ngx_http_faas_fuzz_command_run(r, run);

    while (rc != NGX_ERROR && ngx_http_faas_fuzz_client.busy) {
        rc = ngx_http_output_filter(r, NULL);
        ngx_http_faas_fuzz_take();
    }

    if (r->connection->write->timer_set) {
        ngx_del_timer(r->connection->write);
    }

    if (rc == NGX_ERROR) {

        /* an answer that began, and is not what it looked like */

        ngx_http_faas_fuzz_check(output.len > 64);
        return;
    }

    ngx_http_faas_fuzz_command_result(r, run, &output, &text);
}


/* as a program sees it: each once, and none that is private */

static void
ngx_http_faas_fuzz_command_env(ngx_http_request_t *r,
    ngx_http_faas_command_t *command)
{
    char        **env, *p;
    ngx_uint_t    i, j;

    static char  *none[] = {
        "HTTP_PROXY=", "HTTP_AUTHORIZATION=", "LD_"
    };

    env = ngx_http_faas_command_environment(r, command, 0);

    ngx_http_faas_fuzz_check(env);

    for (i = 0; env[i]; i++) {
        p = strchr(env[i], '=');

        ngx_http_faas_fuzz_check(p && p > env[i]);
        ngx_http_faas_fuzz_check(strspn(env[i], "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                        "0123456789_")
                                 == (size_t) (p - env[i]));

        for (j = 0; j < i; j++) {
            ngx_http_faas_fuzz_check(strncmp(env[i], env[j], p - env[i] + 1));
        }

        for (j = 0; j < 3; j++) {
            ngx_http_faas_fuzz_check(strncmp(env[i], none[j],
                                             strlen(none[j])));
        }

        if (strncmp(env[i], "QUERY_STRING=", sizeof("QUERY_STRING=") - 1)
            == 0)
        {
            ngx_http_faas_fuzz_check(strcmp(p + 1, "none") == 0);
        }
    }

    ngx_http_faas_fuzz_check(i < 300);
}


static ngx_int_t
ngx_http_faas_fuzz_command_run(ngx_http_request_t *r,
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
ngx_http_faas_fuzz_command_result(ngx_http_request_t *r,
    ngx_http_faas_run_t *run, ngx_str_t *output, ngx_str_t *text)
{
    ngx_str_t                     value;
    ngx_http_faas_fuzz_client_t  *client;

    client = &ngx_http_faas_fuzz_client;

    ngx_http_faas_fuzz_check(client->header && client->last);

    if (run->ctx->envelope == NULL && client->status != NGX_HTTP_OK) {
        ngx_http_faas_fuzz_check(ngx_http_faas_fuzz_same(&client->body,
                                                         text));
        return;
    }

    if (run->ctx->envelope == NULL && run->status == 0) {
        ngx_http_faas_fuzz_check(ngx_http_faas_fuzz_same(&client->body,
                                                         output));
        return;
    }

    ngx_http_faas_fuzz_check(client->status == NGX_HTTP_OK);
    ngx_http_faas_fuzz_check(ngx_http_faas_fuzz_json(&client->body));

    value = ngx_http_faas_fuzz_json_member(r->pool, &client->body,
                                           run->status ? "error_message"
                                                       : "http_headers");
    ngx_http_faas_fuzz_check(value.len > 2);
}


/* every other time there is nothing */

ssize_t
__wrap_ngx_http_faas_child_read(ngx_connection_t *c, u_char *buf, size_t size)
{
    size_t      n;
    ngx_str_t  *s;

    ngx_http_faas_fuzz_check(size);

    if (++ngx_http_faas_fuzz_command_turn % 2) {
        c->read->ready = 0;
        return NGX_AGAIN;
    }

    s = &ngx_http_faas_fuzz_command_output;
    n = ngx_min(ngx_min(size, ngx_http_faas_fuzz_command_step), s->len);

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
