
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Decides what an answer is, and sees that it stays so while it streams.
 */


#include "ngx_http_faas_kind.h"


void
ngx_http_faas_kind_decide(ngx_http_faas_kind_t *kind, u_char *p,
    u_char *last, ngx_uint_t whole)
{
    ngx_http_faas_json_scan_init(&kind->scan);

    kind->json = (p < last
                  && ngx_http_faas_json_scan(&kind->scan, p, last) == NGX_OK
                  && (!whole
                      || ngx_http_faas_json_scan_end(&kind->scan) == NGX_OK));

    ngx_memzero(&kind->utf8, sizeof(ngx_http_faas_utf8_t));

    kind->text = (!kind->json
                  && ngx_http_faas_utf8_check(&kind->utf8, p, last) == NGX_OK
                  && (!whole
                      || ngx_http_faas_utf8_end(&kind->utf8) == NGX_OK));

    /* they begin again with the first byte that is passed on */

    ngx_http_faas_json_scan_init(&kind->scan);
    ngx_memzero(&kind->utf8, sizeof(ngx_http_faas_utf8_t));
}


ngx_int_t
ngx_http_faas_kind_check(ngx_http_faas_kind_t *kind, u_char *p, u_char *last,
    ngx_log_t *log)
{
    if (kind->json
        && ngx_http_faas_json_scan(&kind->scan, p, last) != NGX_OK)
    {
        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "faas: the function's JSON is broken at byte %uz, "
                      "past \"faas_buffer_size\"", kind->scan.offset);
        return NGX_ERROR;
    }

    if (kind->text
        && ngx_http_faas_utf8_check(&kind->utf8, p, last) != NGX_OK)
    {
        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "faas: the function's text is not UTF-8 past "
                      "\"faas_buffer_size\"");
        return NGX_ERROR;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_faas_kind_end(ngx_http_faas_kind_t *kind, ngx_log_t *log)
{
    if (kind->json && ngx_http_faas_json_scan_end(&kind->scan) != NGX_OK) {
        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "faas: the function's JSON is not complete");
        return NGX_ERROR;
    }

    if (kind->text && ngx_http_faas_utf8_end(&kind->utf8) != NGX_OK) {
        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "faas: the function's text ends within a character");
        return NGX_ERROR;
    }

    return NGX_OK;
}
