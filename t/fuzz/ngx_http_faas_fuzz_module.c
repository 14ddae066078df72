
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Runs libFuzzer inside of nginx, as soon as the configuration is read:
 * FAAS_FUZZ names the target and FAAS_FUZZ_ARGS has the arguments, with
 * blanks between them.  Its filter, behind the module's own, is the client.
 */


#include "ngx_http_faas_fuzz.h"

#include <sanitizer/allocator_interface.h>


#define NGX_HTTP_FAAS_FUZZ_ARGS  512


/* of libFuzzer */

int LLVMFuzzerRunDriver(int *argc, char ***argv,
    int (*callback)(const uint8_t *data, size_t size));


static ngx_int_t ngx_http_faas_fuzz_init_module(ngx_cycle_t *cycle);
static int ngx_http_faas_fuzz_input(const uint8_t *data, size_t size);
static void ngx_http_faas_fuzz_run(const uint8_t *data, size_t size);
static void ngx_http_faas_fuzz_log(ngx_log_t *log, ngx_uint_t level,
    u_char *buf, size_t len);
static ngx_int_t ngx_http_faas_fuzz_filter_init(ngx_conf_t *cf);
static ngx_int_t ngx_http_faas_fuzz_filter_header(ngx_http_request_t *r);
static ngx_int_t ngx_http_faas_fuzz_filter_body(ngx_http_request_t *r,
    ngx_chain_t *in);


#define ngx_http_faas_fuzz_target(name)                                      \
    void ngx_http_faas_fuzz_##name##_target(ngx_pool_t *pool,                \
        ngx_http_faas_fuzz_input_t *in);

#include "ngx_http_faas_fuzz_targets.h"

#undef ngx_http_faas_fuzz_target
#define ngx_http_faas_fuzz_target(name)                                      \
    { #name, ngx_http_faas_fuzz_##name##_target },


static ngx_http_faas_fuzz_target_t  ngx_http_faas_fuzz_targets[] = {
#include "ngx_http_faas_fuzz_targets.h"
    { NULL, NULL }
};


static ngx_http_module_t  ngx_http_faas_fuzz_module_ctx = {
    NULL,                                  /* preconfiguration */
    ngx_http_faas_fuzz_filter_init,        /* postconfiguration */

    NULL,                                  /* create main configuration */
    NULL,                                  /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    NULL,                                  /* create location configuration */
    NULL                                   /* merge location configuration */
};


ngx_module_t  ngx_http_faas_fuzz_module = {
    NGX_MODULE_V1,
    &ngx_http_faas_fuzz_module_ctx,        /* module context */
    NULL,                                  /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    ngx_http_faas_fuzz_init_module,        /* init module */
    NULL,                                  /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    NULL,                                  /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


/* as auto/module would write them: this one is right behind the module's */

extern ngx_module_t  ngx_http_faas_filter_module;

ngx_module_t  *ngx_modules[] = {
    &ngx_http_faas_fuzz_module,
    &ngx_http_faas_module,
    &ngx_http_faas_filter_module,
    NULL
};


char  *ngx_module_names[] = {
    "ngx_http_faas_fuzz_module",
    "ngx_http_faas_module",
    "ngx_http_faas_filter_module",
    NULL
};


char  *ngx_module_order[] = {
    "ngx_http_faas_fuzz_module",
    "ngx_http_faas_filter_module",
    "ngx_http_copy_filter_module",
    NULL
};


static ngx_http_faas_fuzz_target_t  *ngx_http_faas_fuzz_now;


static ngx_int_t
ngx_http_faas_fuzz_init_module(ngx_cycle_t *cycle)
{
    int     argc;
    char   *name, *args, **argv, *list[NGX_HTTP_FAAS_FUZZ_ARGS + 1];

    name = getenv("FAAS_FUZZ");
    args = getenv("FAAS_FUZZ_ARGS");

    if (name == NULL || args == NULL) {
        return NGX_OK;
    }

    for (ngx_http_faas_fuzz_now = ngx_http_faas_fuzz_targets;
         ngx_http_faas_fuzz_now->name;
         ngx_http_faas_fuzz_now++)
    {
        if (ngx_strcmp(name, ngx_http_faas_fuzz_now->name) == 0) {
            break;
        }
    }

    if (ngx_http_faas_fuzz_now->name == NULL) {
        return NGX_ERROR;
    }

    /* libFuzzer starts itself anew to merge, by the first argument */

    args = strdup(args);
    argc = 0;

    for (name = strtok(args, " ");
         name && argc < NGX_HTTP_FAAS_FUZZ_ARGS;
         name = strtok(NULL, " "))
    {
        list[argc++] = name;
    }

    list[argc] = NULL;
    argv = list;

    unsetenv("LD_PRELOAD");

    ngx_cycle = cycle;
    ngx_use_stderr = 0;

    cycle->log->log_level = NGX_LOG_INFO;
    cycle->log->writer = ngx_http_faas_fuzz_log;

    if (ngx_event_timer_init(cycle->log) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_queue_init(&ngx_posted_events);

    exit(LLVMFuzzerRunDriver(&argc, &argv, ngx_http_faas_fuzz_input));
}


/* what stays allocated after the first time, and each time, is a leak */

static int
ngx_http_faas_fuzz_input(const uint8_t *data, size_t size)
{
    size_t      before, after;
    ngx_uint_t  i;

    for (i = 0; i < 4; i++) {
        before = __sanitizer_get_current_allocated_bytes();
        ngx_http_faas_fuzz_run(data, size);
        after = __sanitizer_get_current_allocated_bytes();

        if (after <= before) {
            return 0;
        }
    }

    ngx_http_faas_fuzz_failed(__FILE__, __LINE__, "memory leaks");

    return 0;
}


static void
ngx_http_faas_fuzz_run(const uint8_t *data, size_t size)
{
    ngx_pool_t                  *pool;
    ngx_http_faas_fuzz_input_t   in;

    pool = ngx_http_faas_fuzz_pool();

    in.pos = (u_char *) data;
    in.last = in.pos + size;

    ngx_http_faas_fuzz_now->run(pool, &in);

    ngx_destroy_pool(pool);

    ngx_http_faas_fuzz_check(ngx_queue_empty(&ngx_posted_events));
    ngx_http_faas_fuzz_check(ngx_event_no_timers_left() == NGX_OK);
}


/* what would alarm an administrator alarms the fuzzer */

static void
ngx_http_faas_fuzz_log(ngx_log_t *log, ngx_uint_t level, u_char *buf,
    size_t len)
{
    if (level <= NGX_LOG_CRIT) {
        fprintf(stderr, "%.*s", (int) len, (char *) buf);
        ngx_http_faas_fuzz_failed(__FILE__, __LINE__, "it was logged");
    }
}


void
ngx_http_faas_fuzz_failed(char *file, ngx_uint_t line, char *text)
{
    fprintf(stderr, "%s:%u: failed: %s\n", file, (unsigned) line, text);
    abort();
}


static ngx_int_t
ngx_http_faas_fuzz_filter_init(ngx_conf_t *cf)
{
    ngx_http_top_header_filter = ngx_http_faas_fuzz_filter_header;
    ngx_http_top_body_filter = ngx_http_faas_fuzz_filter_body;

    return NGX_OK;
}


static ngx_int_t
ngx_http_faas_fuzz_filter_header(ngx_http_request_t *r)
{
    ngx_http_faas_fuzz_check(!ngx_http_faas_fuzz_client.header);
    ngx_http_faas_fuzz_check(r->headers_out.status >= 200);

    ngx_http_faas_fuzz_client.header = 1;
    ngx_http_faas_fuzz_client.status = r->headers_out.status;
    ngx_http_faas_fuzz_client.length = r->headers_out.content_length_n;

    return NGX_OK;
}


static ngx_int_t
ngx_http_faas_fuzz_filter_body(ngx_http_request_t *r, ngx_chain_t *in)
{
    ngx_http_faas_fuzz_client_t  *client;

    client = &ngx_http_faas_fuzz_client;

    ngx_http_faas_fuzz_check(client->header);

    if (ngx_chain_add_copy(r->pool, &client->busy, in) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_http_faas_fuzz_take();

    if (client->busy) {
        r->connection->buffered |= NGX_HTTP_WRITE_BUFFERED;
        return NGX_AGAIN;
    }

    r->connection->buffered &= ~NGX_HTTP_WRITE_BUFFERED;

    return NGX_OK;
}
