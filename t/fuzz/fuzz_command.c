
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * What a command is told of its request, from a URI and headers: each variable
 * once, none that is private, and those of the configuration as they are.
 */


#include "ngx_http_faas_fuzz.h"
#include "ngx_http_faas_command_env.h"


void
ngx_http_faas_fuzz_command_target(ngx_pool_t *pool,
    ngx_http_faas_fuzz_input_t *in)
{
    char                    **env, *p;
    ngx_str_t                 line, name;
    ngx_uint_t                i, j;
    ngx_http_request_t       *r;
    ngx_http_faas_command_t  *command;

    static char  *none[] = {
        "HTTP_PROXY=", "HTTP_AUTHORIZATION=", "LD_"
    };

    r = ngx_http_faas_fuzz_request(pool);

    ngx_http_faas_fuzz_line(pool, in, &line);

    if (ngx_http_faas_fuzz_uri(r, &line) != NGX_OK) {
        return;
    }

    ngx_http_faas_fuzz_headers(pool, in, &r->headers_in.headers);

    ngx_str_set(&name, "cat");
    command = ngx_http_faas_command_find(r, &name);
    ngx_http_faas_fuzz_check(command);

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
