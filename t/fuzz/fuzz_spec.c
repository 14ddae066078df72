
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * A function as a client posts it: the source is decoded as a second JSON
 * parser does it, and what is refused is refused in JSON.
 */


#include "ngx_http_faas_fuzz.h"
#include "ngx_http_faas_spec.h"


void
ngx_http_faas_fuzz_spec_target(ngx_pool_t *pool,
    ngx_http_faas_fuzz_input_t *in)
{
    ngx_int_t              rc;
    ngx_str_t              text, source;
    ngx_http_request_t    *r;
    ngx_http_faas_spec_t   spec;

    ngx_http_faas_fuzz_bytes(pool, in, in->last - in->pos, &text);

    r = ngx_http_faas_fuzz_request(pool);

    ngx_http_faas_fuzz_connect(pool, 0);
    ngx_http_faas_fuzz_body(r, &text, 0);

    rc = ngx_http_faas_spec(r, NULL, &spec);

    if (rc == NGX_DECLINED) {
        ngx_http_faas_fuzz_check(ngx_http_faas_name_check(&spec.name)
                                 == NGX_OK);
        ngx_http_faas_fuzz_check(spec.sidecar.len == 0
                                 || ngx_http_faas_fuzz_json(&spec.sidecar));

        source = ngx_http_faas_fuzz_json_member(pool, &text, "source_code");
        source = ngx_http_faas_fuzz_json_text(pool, &source);

        ngx_http_faas_fuzz_check(ngx_http_faas_fuzz_same(&source,
                                                         &spec.source));

        if (spec.runtime == NULL) {
            return;
        }

        rc = ngx_http_faas_spec_settings(r, &spec);
    }

    if (rc != NGX_DECLINED) {
        ngx_http_faas_fuzz_answered(r, rc);
    }
}
