
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Runs unit tests inside of nginx: "faas_unit NAME;" runs that group as soon
 * as it is read, and exits with the number of failures.  TAP is on stdout.
 */


#include "ngx_http_faas.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>


typedef struct {
    char    *name;
    int    (*run)(void);
} ngx_http_faas_unit_group_t;


static char *ngx_http_faas_unit(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


#include "ngx_http_faas_unit_groups.h"


static ngx_command_t  ngx_http_faas_unit_commands[] = {

    { ngx_string("faas_unit"),
      NGX_MAIN_CONF|NGX_DIRECT_CONF|NGX_CONF_TAKE1,
      ngx_http_faas_unit,
      0,
      0,
      NULL },

      ngx_null_command
};


static ngx_core_module_t  ngx_http_faas_unit_module_ctx = {
    ngx_string("faas_unit"),
    NULL,
    NULL
};


ngx_module_t  ngx_http_faas_unit_module = {
    NGX_MODULE_V1,
    &ngx_http_faas_unit_module_ctx,        /* module context */
    ngx_http_faas_unit_commands,           /* module directives */
    NGX_CORE_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    NULL,                                  /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    NULL,                                  /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static char *
ngx_http_faas_unit(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    int                          rc;
    ngx_str_t                   *value;
    ngx_http_faas_unit_group_t  *group;

    value = cf->args->elts;

    for (group = ngx_http_faas_unit_groups; group->name; group++) {

        if (ngx_strcmp(value[1].data, group->name) != 0) {
            continue;
        }

        cmocka_set_message_output(CM_OUTPUT_TAP);

        rc = group->run();

        exit(ngx_min((unsigned) rc, 100));
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "there is no group \"%V\" of unit tests", &value[1]);

    return NGX_CONF_ERROR;
}
