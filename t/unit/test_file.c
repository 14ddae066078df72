
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Files of the functions directory.  (being written)
 */


#include "ngx_http_faas.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "ngx_http_faas_file.h"


int ngx_http_faas_test_file(void);

static void ngx_http_faas_test_file_begin(void **state);


int
ngx_http_faas_test_file(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(ngx_http_faas_test_file_begin)
    };

    return cmocka_run_group_tests_name("file", tests, NULL, NULL);
}


static void
ngx_http_faas_test_file_begin(void **state)
{
    assert_non_null(ngx_cycle->log);
}
