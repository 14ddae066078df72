
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * The frame that a loader gets, from lines with the name, a variable and the
 * source: one line of strict JSON with all of it, and the source as it is.
 */


#include "ngx_http_faas_fuzz.h"
#include "ngx_http_faas_link.h"
#include "ngx_http_faas_utf8.h"


static void ngx_http_faas_fuzz_frame_string(ngx_pool_t *pool,
    ngx_http_faas_fuzz_input_t *in, ngx_str_t *s);
static void ngx_http_faas_fuzz_frame_has(ngx_pool_t *pool, ngx_str_t *object,
    char *name, ngx_str_t *value);


void
ngx_http_faas_fuzz_frame_target(ngx_pool_t *pool,
    ngx_http_faas_fuzz_input_t *in)
{
    u_char        *lf;
    ngx_str_t      token, name, value, source, frame, head, got;
    ngx_array_t   *vars;
    ngx_keyval_t  *kv;

    ngx_str_set(&token, "0123456789abcdef0123456789abcdef");

    ngx_http_faas_fuzz_frame_string(pool, in, &name);
    ngx_http_faas_fuzz_frame_string(pool, in, &value);
    ngx_http_faas_fuzz_bytes(pool, in, in->last - in->pos, &source);

    vars = ngx_array_create(pool, 1, sizeof(ngx_keyval_t));
    ngx_http_faas_fuzz_check(vars);

    kv = ngx_array_push(vars);
    ngx_http_faas_fuzz_check(kv);

    kv->key = name;
    kv->value = value;

    ngx_http_faas_fuzz_check(ngx_http_faas_link_frame(pool, &token, &name,
                                                      vars, &source, &frame)
                             == NGX_OK);

    lf = memchr(frame.data, LF, frame.len);
    ngx_http_faas_fuzz_check(lf);

    head.data = frame.data;
    head.len = lf - frame.data;

    ngx_http_faas_fuzz_check(ngx_http_faas_fuzz_json(&head));

    ngx_http_faas_fuzz_frame_has(pool, &head, "token", &token);
    ngx_http_faas_fuzz_frame_has(pool, &head, "name", &name);

    got = ngx_http_faas_fuzz_json_member(pool, &head, "env");
    ngx_http_faas_fuzz_frame_has(pool, &got, (char *) name.data, &value);

    got = ngx_http_faas_fuzz_json_member(pool, &head, "size");
    ngx_http_faas_fuzz_check(ngx_atoi(got.data, got.len)
                             == (ngx_int_t) source.len);

    got.data = lf + 1;
    got.len = frame.data + frame.len - got.data;
    ngx_http_faas_fuzz_check(ngx_http_faas_fuzz_same(&got, &source));
}


/* as the module has them: UTF-8, and with a NUL at the end only */

static void
ngx_http_faas_fuzz_frame_string(ngx_pool_t *pool,
    ngx_http_faas_fuzz_input_t *in, ngx_str_t *s)
{
    ngx_str_t  line;

    ngx_http_faas_fuzz_line(pool, in, &line);

    ngx_http_faas_fuzz_check(ngx_http_faas_utf8_sanitize(pool, &line)
                             == NGX_OK);
    ngx_http_faas_fuzz_check(ngx_http_faas_fuzz_utf8(&line));

    s->len = strnlen((char *) line.data, line.len);
    s->data = ngx_pnalloc(pool, s->len + 1);

    ngx_http_faas_fuzz_check(s->data);

    memcpy(s->data, line.data, s->len);
    s->data[s->len] = '\0';
}


static void
ngx_http_faas_fuzz_frame_has(ngx_pool_t *pool, ngx_str_t *object, char *name,
    ngx_str_t *value)
{
    ngx_str_t  got;

    got = ngx_http_faas_fuzz_json_member(pool, object, name);
    got = ngx_http_faas_fuzz_json_text(pool, &got);

    ngx_http_faas_fuzz_check(ngx_http_faas_fuzz_same(&got, value));
}
