
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Wraps a function's answer in a RunResult.  The answer is collected until it
 * is whole, or outgrows the buffer: then what it is, JSON, text or bytes, is
 * decided by its beginning, and it streams.  An answer that later turns out
 * to be something else is cut off, never passed on as if it were whole.
 *
 *   IDLE -> COLLECTING -> SENDING -> DONE
 *              -> WAITING (for the reason of a failure) -> SENDING
 */


#include "ngx_http_faas_envelope.h"
#include "ngx_http_faas_filter.h"
#include "ngx_http_faas_kind.h"
#include "ngx_http_faas_output.h"
#include "ngx_http_faas_request.h"
#include "ngx_http_faas_result.h"


/* in c->buffered: there is more to come, as ngx_http_image_filter does it */
#define NGX_HTTP_FAAS_BUFFERED  0x08

/* what the JSON after the output has, with a name of the usual length */
#define NGX_HTTP_FAAS_ENVELOPE_FOOT  192


typedef enum {
    NGX_HTTP_FAAS_ENVELOPE_IDLE = 0,
    NGX_HTTP_FAAS_ENVELOPE_COLLECTING,
    NGX_HTTP_FAAS_ENVELOPE_WAITING,
    NGX_HTTP_FAAS_ENVELOPE_SENDING,
    NGX_HTTP_FAAS_ENVELOPE_DONE
} ngx_http_faas_envelope_state_e;


struct ngx_http_faas_envelope_s {
    ngx_http_faas_result_t           result;
    ngx_uint_t                       state;
    ngx_http_faas_remove_t          *report;    /* awaited */

    ngx_str_t                        head;      /* JSON before the output */
    ngx_str_t                        foot;      /* and after it */
    off_t                            length;    /* of the answer, or -1 */
    ngx_buf_t                       *collected;
    ngx_chain_t                     *in;        /* not yet taken */

    ngx_uint_t                       mode;      /* of its encoding */
    ngx_http_faas_kind_t             kind;
    ngx_http_faas_output_t           output;

    unsigned                         whole:1;   /* collected, all of it */
    unsigned                         last:1;    /* its last buffer is seen */
    unsigned                         footed:1;
    unsigned                         header_sent:1;
};


static ngx_int_t ngx_http_faas_envelope_collect(ngx_http_request_t *r,
    ngx_http_faas_ctx_t *ctx);
static ngx_int_t ngx_http_faas_envelope_append(ngx_http_request_t *r,
    ngx_http_faas_envelope_t *env, ngx_buf_t *b);
static ngx_int_t ngx_http_faas_envelope_begin(ngx_http_request_t *r,
    ngx_http_faas_envelope_t *env);
static void ngx_http_faas_envelope_decide(ngx_http_faas_envelope_t *env);
static ngx_int_t ngx_http_faas_envelope_fail(ngx_http_request_t *r,
    ngx_http_faas_ctx_t *ctx);
static ngx_int_t ngx_http_faas_envelope_send(ngx_http_request_t *r,
    ngx_http_faas_envelope_t *env);
static ngx_int_t ngx_http_faas_envelope_send_header(ngx_http_request_t *r,
    ngx_http_faas_envelope_t *env);
static ngx_int_t ngx_http_faas_envelope_fill(ngx_http_request_t *r,
    ngx_http_faas_envelope_t *env);
static ngx_int_t ngx_http_faas_envelope_pour(ngx_http_request_t *r,
    ngx_http_faas_envelope_t *env);
static ngx_int_t ngx_http_faas_envelope_foot(ngx_http_request_t *r,
    ngx_http_faas_envelope_t *env);
static void ngx_http_faas_envelope_drop(ngx_http_request_t *r,
    ngx_http_faas_envelope_t *env);
static void ngx_http_faas_envelope_report(void *data, ngx_uint_t running,
    ngx_str_t *text);


ngx_int_t
ngx_http_faas_envelope_create(ngx_http_faas_ctx_t *ctx, ngx_str_t *function)
{
    ngx_http_faas_envelope_t  *env;

    env = ngx_pcalloc(ctx->request->pool, sizeof(ngx_http_faas_envelope_t));
    if (env == NULL) {
        return NGX_ERROR;
    }

    if (ngx_http_faas_result_init(&env->result, ctx->request, function)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    ctx->envelope = env;

    return NGX_OK;
}


ngx_int_t
ngx_http_faas_envelope_refuse(ngx_http_request_t *r, ngx_http_faas_ctx_t *ctx,
    ngx_str_t *status, ngx_str_t *message)
{
    ngx_str_t                  body;
    ngx_http_faas_envelope_t  *env;

    env = ctx->envelope;

    ngx_http_faas_envelope_cleanup(ctx);
    ctx->envelope = NULL;

    if (ngx_http_faas_result_failure(&env->result, status, message, &body)
        != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_faas_reply_json(r, NGX_HTTP_OK, &body);
}


void
ngx_http_faas_envelope_stop(ngx_http_faas_ctx_t *ctx)
{
    if (ctx->envelope) {
        ctx->envelope->result.end = ngx_current_msec;
    }
}


void
ngx_http_faas_envelope_condemn(ngx_http_faas_ctx_t *ctx)
{
    ngx_http_faas_envelope_t  *env;

    env = ctx->envelope;

    if (env == NULL || env->state > NGX_HTTP_FAAS_ENVELOPE_COLLECTING) {
        (void) ngx_http_faas_admission_condemn(&ctx->adm, NULL, NULL);
        return;
    }

    ngx_http_faas_envelope_cleanup(ctx);

    env->report = ngx_http_faas_admission_condemn(&ctx->adm,
                                               ngx_http_faas_envelope_report,
                                               ctx);
}


void
ngx_http_faas_envelope_cleanup(ngx_http_faas_ctx_t *ctx)
{
    if (ctx->envelope && ctx->envelope->report) {
        ngx_http_faas_remove_forget(ctx->envelope->report);
        ctx->envelope->report = NULL;
    }
}


static void
ngx_http_faas_envelope_report(void *data, ngx_uint_t running,
    ngx_str_t *text)
{
    ngx_http_faas_ctx_t  *ctx = data;

    u_char                    *p;
    ngx_http_faas_envelope_t  *env;

    env = ctx->envelope;
    env->report = NULL;

    p = ngx_pnalloc(ctx->request->pool, text->len + 64);

    if (p) {
        env->result.message.data = p;
        p = ngx_sprintf(p, "the function gave no valid answer: %V", text);
        env->result.message.len = p - env->result.message.data;
    }

    if (env->state == NGX_HTTP_FAAS_ENVELOPE_WAITING) {
        ngx_http_faas_request_resume(ctx->request);
    }
}


/* holds the header back: whether it is a success shows only at the end */

ngx_int_t
ngx_http_faas_envelope_header(ngx_http_request_t *r, ngx_http_faas_ctx_t *ctx)
{
    ngx_int_t                  rc;
    ngx_http_faas_envelope_t  *env;

    env = ctx->envelope;

    if (env->state == NGX_HTTP_FAAS_ENVELOPE_DONE) {
        return ngx_http_faas_filter_next_header(r);
    }

    /* what nginx says itself is no answer of the function */

    if (ctx->command) {
        rc = ngx_http_faas_result_command(&env->result, r);

        if (rc != NGX_OK) {
            return rc;
        }

    } else if (r->upstream == NULL || r->upstream->headers_in.status_n == 0) {
        ctx->failed = 1;
    }

    if (!ctx->failed && !ctx->command
        && ngx_http_faas_result_answer(&env->result, r->upstream) != NGX_OK)
    {
        return NGX_ERROR;
    }

    env->length = r->headers_out.content_length_n;

    ngx_http_clean_header(r);

    r->header_only = 0;
    r->filter_need_in_memory = 1;
    env->state = NGX_HTTP_FAAS_ENVELOPE_COLLECTING;

    return NGX_OK;
}


ngx_int_t
ngx_http_faas_envelope_body(ngx_http_request_t *r, ngx_http_faas_ctx_t *ctx,
    ngx_chain_t *in)
{
    ngx_int_t                  rc;
    ngx_http_faas_envelope_t  *env;

    env = ctx->envelope;

    if (env->state == NGX_HTTP_FAAS_ENVELOPE_DONE
        || env->state == NGX_HTTP_FAAS_ENVELOPE_IDLE)
    {
        return ngx_http_faas_filter_next_body(r, in);
    }

    if (in && ngx_chain_add_copy(r->pool, &env->in, in) != NGX_OK) {
        return NGX_ERROR;
    }

    if (env->state == NGX_HTTP_FAAS_ENVELOPE_COLLECTING) {
        rc = ngx_http_faas_envelope_collect(r, ctx);

        if (rc != NGX_OK) {
            return (rc == NGX_AGAIN) ? NGX_OK : rc;
        }
    }

    if (env->state == NGX_HTTP_FAAS_ENVELOPE_WAITING) {

        if (env->report) {
            r->connection->buffered |= NGX_HTTP_FAAS_BUFFERED;
            return NGX_AGAIN;
        }

        if (ngx_http_faas_envelope_fail(r, ctx) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return ngx_http_faas_envelope_send(r, env);
}


/* NGX_AGAIN: there is more to come before anything can be said */

static ngx_int_t
ngx_http_faas_envelope_collect(ngx_http_request_t *r,
    ngx_http_faas_ctx_t *ctx)
{
    ngx_buf_t                 *b;
    ngx_int_t                  rc;
    ngx_chain_t               *cl;
    ngx_http_faas_envelope_t  *env;

    env = ctx->envelope;

    if (ctx->failed) {
        ngx_http_faas_envelope_drop(r, env);
        env->state = NGX_HTTP_FAAS_ENVELOPE_WAITING;
        return NGX_OK;
    }

    while (env->in) {
        cl = env->in;
        b = cl->buf;

        if (!ngx_buf_special(b)) {
            rc = ngx_http_faas_envelope_append(r, env, b);

            if (rc == NGX_ERROR) {
                return NGX_ERROR;
            }

            if (rc == NGX_DECLINED) {
                return ngx_http_faas_envelope_begin(r, env);
            }
        }

        env->last = b->last_buf;
        env->in = cl->next;
        ngx_free_chain(r->pool, cl);

        if (env->last) {
            env->whole = 1;
            return ngx_http_faas_envelope_begin(r, env);
        }
    }

    return NGX_AGAIN;
}


/* NGX_DECLINED: it does not fit */

static ngx_int_t
ngx_http_faas_envelope_append(ngx_http_request_t *r,
    ngx_http_faas_envelope_t *env, ngx_buf_t *b)
{
    size_t                     n, size;
    ngx_http_faas_loc_conf_t  *flcf;

    n = b->last - b->pos;

    if (env->collected == NULL) {
        flcf = ngx_http_faas_get_loc_conf(r);
        size = flcf->buffer_size;

        if (env->length >= (off_t) n && env->length < (off_t) size) {
            size = (size_t) env->length;
        }

        env->collected = ngx_create_temp_buf(r->pool, size);
        if (env->collected == NULL) {
            return NGX_ERROR;
        }
    }

    if ((size_t) (env->collected->end - env->collected->last) < n) {
        return NGX_DECLINED;
    }

    env->collected->last = ngx_cpymem(env->collected->last, b->pos, n);
    b->pos = b->last;

    return NGX_OK;
}


/* a success, as far as it can be known */

static ngx_int_t
ngx_http_faas_envelope_begin(ngx_http_request_t *r,
    ngx_http_faas_envelope_t *env)
{
    ngx_http_faas_envelope_decide(env);

    env->result.base64 = (env->mode == NGX_HTTP_FAAS_OUTPUT_BASE64);

    if (ngx_http_faas_result_head(&env->result, !env->kind.json, &env->head)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    env->state = NGX_HTTP_FAAS_ENVELOPE_SENDING;

    return NGX_OK;
}


static void
ngx_http_faas_envelope_decide(ngx_http_faas_envelope_t *env)
{
    ngx_buf_t  *b;

    b = env->collected;

    /* one buffer alone may be larger than all that we collect */

    if ((b == NULL || b->pos == b->last) && env->in) {
        b = env->in->buf;
    }

    ngx_http_faas_kind_decide(&env->kind, b ? b->pos : NULL,
                              b ? b->last : NULL, env->whole);

    env->mode = env->kind.json ? NGX_HTTP_FAAS_OUTPUT_RAW
                : env->kind.text ? NGX_HTTP_FAAS_OUTPUT_STRING
                                 : NGX_HTTP_FAAS_OUTPUT_BASE64;
}


static ngx_int_t
ngx_http_faas_envelope_fail(ngx_http_request_t *r, ngx_http_faas_ctx_t *ctx)
{
    ngx_str_t                  status, message;
    ngx_http_faas_envelope_t  *env;

    env = ctx->envelope;

    if (ctx->timedout) {
        ngx_str_set(&status, "timeout");
        ngx_str_set(&message, "the function did not answer in time");

    } else if (env->result.message.len) {
        ngx_str_set(&status, "failed");
        message = env->result.message;

    } else {
        ngx_str_set(&status, "failed");
        ngx_str_set(&message, "the function gave no valid answer");
    }

    if (ngx_http_faas_result_failure(&env->result, &status, &message,
                                     &env->head)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    env->collected = NULL;
    env->last = 1;
    env->footed = 1;
    env->state = NGX_HTTP_FAAS_ENVELOPE_SENDING;

    r->connection->buffered &= ~NGX_HTTP_FAAS_BUFFERED;

    return NGX_OK;
}


static ngx_int_t
ngx_http_faas_envelope_send(ngx_http_request_t *r,
    ngx_http_faas_envelope_t *env)
{
    ngx_int_t  rc;

    if (!env->header_sent) {
        rc = ngx_http_faas_envelope_send_header(r, env);

        if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
            env->state = NGX_HTTP_FAAS_ENVELOPE_DONE;
            return rc;
        }
    }

    r->connection->buffered &= ~NGX_HTTP_FAAS_BUFFERED;

    for ( ;; ) {

        if (env->output.full) {

            rc = ngx_http_faas_output_flush(r, &env->output);

            if (rc == NGX_AGAIN) {
                r->connection->buffered |= NGX_HTTP_FAAS_BUFFERED;
            }

            if (rc != NGX_OK) {
                return rc;
            }
        }

        rc = ngx_http_faas_envelope_fill(r, env);

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (rc == NGX_OK) {
            break;
        }
    }

    if (env->last && env->footed) {
        (void) ngx_http_faas_output_mark(r, &env->output, 1);
        env->state = NGX_HTTP_FAAS_ENVELOPE_DONE;
    }

    rc = ngx_http_faas_output_flush(r, &env->output);

    return (rc == NGX_ERROR) ? NGX_ERROR : NGX_OK;
}


/* what is known to its end is written before, so that it has a length */

static ngx_int_t
ngx_http_faas_envelope_send_header(ngx_http_request_t *r,
    ngx_http_faas_envelope_t *env)
{
    size_t     n;
    off_t      length;
    ngx_int_t  rc;

    length = -1;

    if (env->last) {
        n = env->collected ? env->collected->last - env->collected->pos : 0;

        /* base64 takes 4/3, and text does not have many escapes */

        env->output.size = env->head.len + n + n / 2
                           + NGX_HTTP_FAAS_ENVELOPE_FOOT;

        rc = ngx_http_faas_envelope_fill(r, env);

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (rc == NGX_OK) {
            length = ngx_http_faas_output_size(&env->output);
        }
    }

    env->header_sent = 1;

    if (ngx_http_faas_reply_headers(r, NGX_HTTP_OK, length) != NGX_OK) {
        return NGX_ERROR;
    }

    r->err_status = 0;

    return ngx_http_faas_filter_next_header(r);
}


/* NGX_OK: all that there is; NGX_AGAIN: the buffers are full */

static ngx_int_t
ngx_http_faas_envelope_fill(ngx_http_request_t *r,
    ngx_http_faas_envelope_t *env)
{
    u_char     *p;
    ngx_int_t   rc;

    p = env->head.data;

    rc = ngx_http_faas_output_write(r, &env->output,
                                    NGX_HTTP_FAAS_OUTPUT_RAW, &p,
                                    p + env->head.len);

    env->head.len -= p - env->head.data;
    env->head.data = p;

    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_http_faas_envelope_pour(r, env);

    if (rc != NGX_OK || !env->last) {
        return rc;
    }

    if (!env->footed) {
        rc = ngx_http_faas_envelope_foot(r, env);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    p = env->foot.data;

    rc = ngx_http_faas_output_write(r, &env->output,
                                    NGX_HTTP_FAAS_OUTPUT_RAW, &p,
                                    p + env->foot.len);

    env->foot.len -= p - env->foot.data;
    env->foot.data = p;

    return rc;
}


/* the function's bytes: first those collected, then those that stream */

static ngx_int_t
ngx_http_faas_envelope_pour(ngx_http_request_t *r,
    ngx_http_faas_envelope_t *env)
{
    u_char       *start;
    ngx_int_t     rc;
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    for ( ;; ) {

        cl = NULL;
        b = env->collected;

        if (b == NULL || b->pos == b->last) {
            cl = env->in;

            if (cl == NULL) {
                return NGX_OK;
            }

            b = cl->buf;
        }

        if (!ngx_buf_special(b)) {
            start = b->pos;

            rc = ngx_http_faas_output_write(r, &env->output, env->mode,
                                            &b->pos, b->last);

            if (ngx_http_faas_kind_check(&env->kind, start, b->pos,
                                         r->connection->log)
                != NGX_OK)
            {
                return NGX_ERROR;
            }

            if (rc != NGX_OK) {
                return rc;
            }
        }

        if (cl) {

            if (b->flush) {
                (void) ngx_http_faas_output_mark(r, &env->output, 0);
            }

            env->last |= b->last_buf;
            env->in = cl->next;
            ngx_free_chain(r->pool, cl);
        }
    }
}


static ngx_int_t
ngx_http_faas_envelope_foot(ngx_http_request_t *r,
    ngx_http_faas_envelope_t *env)
{
    ngx_int_t  rc;

    if (ngx_http_faas_kind_end(&env->kind, r->connection->log) != NGX_OK) {
        return NGX_ERROR;
    }

    rc = ngx_http_faas_output_close(r, &env->output);

    if (rc != NGX_OK) {
        return rc;
    }

    env->footed = 1;

    return ngx_http_faas_result_foot(&env->result, !env->kind.json, &env->foot);
}


static void
ngx_http_faas_envelope_drop(ngx_http_request_t *r,
    ngx_http_faas_envelope_t *env)
{
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    while (env->in) {
        cl = env->in;
        b = cl->buf;

        b->pos = b->last;
        b->file_pos = b->file_last;

        env->in = cl->next;
        ngx_free_chain(r->pool, cl);
    }
}
