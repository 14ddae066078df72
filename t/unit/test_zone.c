
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * The shared zone: admission, leases, the life of instances.  (being written)
 */


#include "ngx_http_faas.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "ngx_http_faas_lease.h"


int ngx_http_faas_test_zone(void);

static void ngx_http_faas_test_zone_begin(void **state);


int
ngx_http_faas_test_zone(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(ngx_http_faas_test_zone_begin)
    };

    return cmocka_run_group_tests_name("zone", tests, NULL, NULL);
}


static void
ngx_http_faas_test_zone_begin(void **state)
{
    assert_non_null(ngx_cycle->log);
}
