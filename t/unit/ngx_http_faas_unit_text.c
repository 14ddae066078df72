
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Texts, and the pool that they are in.
 */


#include "ngx_http_faas.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "ngx_http_faas_unit_text.h"


int
ngx_http_faas_unit_text_setup(void **state)
{
    *state = ngx_create_pool(4096, ngx_cycle->log);

    return *state ? 0 : -1;
}


int
ngx_http_faas_unit_text_teardown(void **state)
{
    ngx_destroy_pool(*state);

    return 0;
}


ngx_str_t *
ngx_http_faas_unit_text_bytes(ngx_pool_t *pool, char *text, size_t len)
{
    ngx_str_t  *s;

    s = ngx_palloc(pool, sizeof(ngx_str_t));
    assert_non_null(s);

    s->len = len;
    s->data = ngx_pnalloc(pool, len);
    assert_non_null(s->data);

    ngx_memcpy(s->data, text, len);

    return s;
}


ngx_str_t *
ngx_http_faas_unit_text_str(ngx_pool_t *pool, char *text)
{
    return ngx_http_faas_unit_text_bytes(pool, text, ngx_strlen(text));
}


ngx_str_t *
ngx_http_faas_unit_text_copy(ngx_str_t *s)
{
    static ngx_str_t  copy;

    if (copy.data) {
        ngx_free(copy.data);
    }

    copy.len = s->len;
    copy.data = ngx_alloc(s->len, ngx_cycle->log);
    assert_non_null(copy.data);

    ngx_memcpy(copy.data, s->data, s->len);

    return &copy;
}


void
ngx_http_faas_unit_text_equal(ngx_str_t *a, ngx_str_t *b)
{
    assert_int_equal(a->len, b->len);
    assert_memory_equal(a->data, b->data, b->len);
}


void
ngx_http_faas_unit_text_is(ngx_str_t *value, char *text)
{
    assert_int_equal(value->len, ngx_strlen(text));

    if (value->len) {
        assert_memory_equal(value->data, text, value->len);
    }
}
