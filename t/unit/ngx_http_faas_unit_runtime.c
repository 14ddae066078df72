
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * "faas_runtime" as the configuration has it.
 */


#include "ngx_http_faas.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "ngx_http_faas_unit_runtime.h"


ngx_array_t *
ngx_http_faas_unit_runtime_array(ngx_pool_t *pool)
{
    ngx_array_t  *runtimes;

    runtimes = ngx_array_create(pool, 2, sizeof(ngx_http_faas_runtime_t));
    assert_non_null(runtimes);

    return runtimes;
}


char *
ngx_http_faas_unit_runtime_add(ngx_pool_t *pool, ngx_array_t *runtimes,
    char *line)
{
    char        *p;
    ngx_log_t    log;
    ngx_str_t   *s;
    ngx_conf_t   cf;

    ngx_memzero(&log, sizeof(ngx_log_t));
    ngx_memzero(&cf, sizeof(ngx_conf_t));

    cf.log = &log;
    cf.pool = pool;
    cf.cycle = (ngx_cycle_t *) ngx_cycle;
    cf.args = ngx_array_create(pool, 4, sizeof(ngx_str_t));
    assert_non_null(cf.args);

    s = ngx_array_push(cf.args);
    assert_non_null(s);
    ngx_str_set(s, "faas_runtime");

    for ( ;; ) {
        for (p = line; *p && *p != ' '; p++) { /* void */ }

        s = ngx_array_push(cf.args);
        assert_non_null(s);

        /* terminated, as the parser of nginx has it */

        s->len = p - line;
        s->data = ngx_pnalloc(pool, s->len + 1);
        assert_non_null(s->data);
        *ngx_cpymem(s->data, line, s->len) = '\0';

        if (*p == '\0') {
            break;
        }

        line = p + 1;
    }

    return ngx_http_faas_runtime_add(&cf, runtimes);
}


ngx_http_faas_runtime_t *
ngx_http_faas_unit_runtime_good(ngx_pool_t *pool, char *line)
{
    ngx_array_t  *runtimes;

    runtimes = ngx_http_faas_unit_runtime_array(pool);
    assert_ptr_equal(ngx_http_faas_unit_runtime_add(pool, runtimes, line),
                     NGX_CONF_OK);
    assert_int_equal(runtimes->nelts, 1);

    return runtimes->elts;
}


ngx_uint_t
ngx_http_faas_unit_runtime_refused(ngx_pool_t *pool, char *line)
{
    char  *rv;

    rv = ngx_http_faas_unit_runtime_add(pool,
                                        ngx_http_faas_unit_runtime_array(
                                                                        pool),
                                        line);

    return rv == NGX_CONF_ERROR;
}
