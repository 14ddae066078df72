
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Scans a text in pieces of every size.
 */


#include "ngx_http_faas.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "ngx_http_faas_unit_scan.h"


ngx_int_t
ngx_http_faas_unit_scan_piece(ngx_http_faas_json_scan_t *scan, u_char *p,
    size_t len)
{
    u_char     *piece;
    ngx_int_t   rc;

    piece = ngx_alloc(len, ngx_cycle->log);
    assert_non_null(piece);

    ngx_memcpy(piece, p, len);

    rc = ngx_http_faas_json_scan(scan, piece, piece + len);

    ngx_memset(piece, '?', len);
    ngx_free(piece);

    return rc;
}


ngx_int_t
ngx_http_faas_unit_scan_verdict(u_char *p, size_t len, size_t first,
    size_t step)
{
    size_t                     n, done;
    ngx_http_faas_json_scan_t  scan;

    ngx_http_faas_json_scan_init(&scan);

    n = first;

    for (done = 0; done < len; done += n, n = step) {
        n = ngx_min(n, len - done);

        if (ngx_http_faas_unit_scan_piece(&scan, p + done, n) != NGX_OK) {
            assert_int_equal(ngx_http_faas_json_scan_end(&scan), NGX_ERROR);
            return (ngx_int_t) scan.offset;
        }
    }

    assert_int_equal(scan.offset, len);

    return (ngx_http_faas_json_scan_end(&scan) == NGX_OK)
           ? NGX_HTTP_FAAS_UNIT_GOOD : NGX_HTTP_FAAS_UNIT_CUT;
}


void
ngx_http_faas_unit_scan_table(ngx_http_faas_unit_scan_case_t *tc)
{
    size_t      len, cut;
    u_char     *p;
    ngx_int_t   verdict;

    for ( /* void */ ; tc->text.data; tc++) {
        p = tc->text.data;
        len = tc->text.len;

        verdict = ngx_http_faas_unit_scan_verdict(p, len, len, len);

        if (verdict != tc->verdict) {
            fail_msg("'%.*s' gives %i, not %i", (int) len, p, (int) verdict,
                     (int) tc->verdict);
        }

        for (cut = 0; cut < len; cut++) {
            verdict = ngx_http_faas_unit_scan_verdict(p, len, cut, len);
            assert_int_equal(verdict, tc->verdict);
        }

        verdict = ngx_http_faas_unit_scan_verdict(p, len, 1, 1);
        assert_int_equal(verdict, tc->verdict);
    }
}
