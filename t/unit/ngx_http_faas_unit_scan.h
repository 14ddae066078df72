
/*
 * Copyright (C) the ngx_http_faas_module authors
 */


#ifndef _NGX_HTTP_FAAS_UNIT_SCAN_H_INCLUDED_
#define _NGX_HTTP_FAAS_UNIT_SCAN_H_INCLUDED_


#include "ngx_http_faas_json_scan.h"
#include "ngx_http_faas_unit_text.h"


/* the verdicts that are not the offset of a bad byte */
#define NGX_HTTP_FAAS_UNIT_GOOD     -1
#define NGX_HTTP_FAAS_UNIT_CUT      -2

#define ngx_http_faas_unit_good(s)                                            \
    { ngx_http_faas_unit_text(s), NGX_HTTP_FAAS_UNIT_GOOD }
#define ngx_http_faas_unit_cut(s)                                             \
    { ngx_http_faas_unit_text(s), NGX_HTTP_FAAS_UNIT_CUT }
#define ngx_http_faas_unit_bad(s, offset)                                     \
    { ngx_http_faas_unit_text(s), offset }
#define ngx_http_faas_unit_end                                                \
    { ngx_null_string, 0 }


typedef struct {
    ngx_str_t    text;
    ngx_int_t    verdict;
} ngx_http_faas_unit_scan_case_t;


ngx_int_t ngx_http_faas_unit_scan_piece(ngx_http_faas_json_scan_t *scan,
    u_char *p, size_t len);

/* a first piece, and then others of the size of the step */
ngx_int_t ngx_http_faas_unit_scan_verdict(u_char *p, size_t len, size_t first,
    size_t step);

void ngx_http_faas_unit_scan_table(ngx_http_faas_unit_scan_case_t *tc);


#endif /* _NGX_HTTP_FAAS_UNIT_SCAN_H_INCLUDED_ */
