
/*
 * Copyright (C) the ngx_http_faas_module authors
 */


#ifndef _NGX_HTTP_FAAS_DOCUMENT_H_INCLUDED_
#define _NGX_HTTP_FAAS_DOCUMENT_H_INCLUDED_


#include "ngx_http_faas_http.h"
#include "ngx_http_faas_json.h"


/* a member that the document may have; an array of these ends empty */

typedef struct {
    ngx_str_t                        name;
    ngx_http_faas_json_member_t     *value;     /* NULL: it has not */
} ngx_http_faas_document_field_t;


typedef struct {
    ngx_str_t                        text;
    ngx_array_t                     *members;

    /* what else it may have, or NULL; these are in "others", json_member_t */
    ngx_uint_t                     (*other)(ngx_str_t *name);
    ngx_array_t                     *others;
} ngx_http_faas_document_t;


/*
 * Takes the body, read before, as a JSON object of these members and no
 * other, but those that doc->other() knows, which is to be set; an empty body
 * is an empty object.  NGX_DECLINED: so it is; else it
 * has been answered, and that is the result for ngx_http_finalize_request().
 */
ngx_int_t ngx_http_faas_document(ngx_http_request_t *r,
    ngx_http_faas_document_field_t *fields, ngx_http_faas_document_t *doc);

/*
 * The decoded string of a field, or of one that is missing an empty one with
 * data NULL.  NGX_DECLINED or answered, as above.
 */
ngx_int_t ngx_http_faas_document_string(ngx_http_request_t *r,
    ngx_http_faas_document_field_t *field, ngx_str_t *value);


#endif /* _NGX_HTTP_FAAS_DOCUMENT_H_INCLUDED_ */
