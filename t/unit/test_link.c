
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * The loader frame and verdict.  (being written)
 */


#include "ngx_http_faas.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "ngx_http_faas_link.h"


int ngx_http_faas_test_link(void);

static void ngx_http_faas_test_link_begin(void **state);


int
ngx_http_faas_test_link(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(ngx_http_faas_test_link_begin)
    };

    return cmocka_run_group_tests_name("link", tests, NULL, NULL);
}


static void
ngx_http_faas_test_link_begin(void **state)
{
    assert_non_null(ngx_cycle->log);
}
