
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * What the fuzz targets share: their input, requests that no client sent, and
 * a client that takes what it is given.  A target exports
 *
 *     void ngx_http_faas_fuzz_NAME_target(ngx_pool_t *pool,
 *         ngx_http_faas_fuzz_input_t *in);
 *
 * in fuzz_NAME.c, and is found by its name.
 */


#ifndef _NGX_HTTP_FAAS_FUZZ_H_INCLUDED_
#define _NGX_HTTP_FAAS_FUZZ_H_INCLUDED_


#include "ngx_http_faas_http.h"


/* the bytes that are left of an input */

typedef struct {
    u_char                          *pos;
    u_char                          *last;
} ngx_http_faas_fuzz_input_t;


typedef struct {
    char                            *name;
    void                           (*run)(ngx_pool_t *pool,
                                        ngx_http_faas_fuzz_input_t *in);
} ngx_http_faas_fuzz_target_t;


/* what the client has got; "room" is what it takes at a time, 0 being all */

typedef struct {
    ngx_str_t                        body;
    ngx_pool_t                      *pool;
    ngx_chain_t                     *busy;
    size_t                           size;
    size_t                           room;
    off_t                            length;    /* as the header has it */
    ngx_uint_t                       status;
    unsigned                         header:1;
    unsigned                         last:1;
} ngx_http_faas_fuzz_client_t;


extern ngx_http_faas_fuzz_client_t  ngx_http_faas_fuzz_client;


#define ngx_http_faas_fuzz_check(cond)                                       \
    if (!(cond)) {                                                           \
        ngx_http_faas_fuzz_failed(__FILE__, __LINE__, #cond);                \
    }


/* ends the fuzzer, which keeps the input */
void ngx_http_faas_fuzz_failed(char *file, ngx_uint_t line, char *text);

/* a pool whose blocks are malloc()'s, so that ASan knows their ends */
ngx_pool_t *ngx_http_faas_fuzz_pool(void);

/* the next byte, or 0 at the end */
ngx_uint_t ngx_http_faas_fuzz_byte(ngx_http_faas_fuzz_input_t *in);

/* so many of the next bytes, or up to the end; an exact copy in the pool */
void ngx_http_faas_fuzz_bytes(ngx_pool_t *pool,
    ngx_http_faas_fuzz_input_t *in, size_t n, ngx_str_t *s);

/* the bytes up to a line feed, which is taken but not given */
void ngx_http_faas_fuzz_line(ngx_pool_t *pool,
    ngx_http_faas_fuzz_input_t *in, ngx_str_t *s);

/* whether they have the same bytes */
ngx_uint_t ngx_http_faas_fuzz_same(ngx_str_t *a, ngx_str_t *b);

/* a request of the only location, without a body, in the pool */
ngx_http_request_t *ngx_http_faas_fuzz_request(ngx_pool_t *pool);

/* its body, in so many pieces */
void ngx_http_faas_fuzz_body(ngx_http_request_t *r, ngx_str_t *body,
    ngx_uint_t pieces);

/*
 * Takes a URI, as a client wrote it, through the parsers of nginx: r->uri,
 * r->args and r->unparsed_uri.  NGX_ERROR: nginx would answer 400.
 */
ngx_int_t ngx_http_faas_fuzz_uri(ngx_http_request_t *r, ngx_str_t *uri);

/* a header from each line, "NAME: VALUE", up to an empty one */
void ngx_http_faas_fuzz_headers(ngx_pool_t *pool,
    ngx_http_faas_fuzz_input_t *in, ngx_list_t *headers);

/* adds a header to the list */
void ngx_http_faas_fuzz_header(ngx_list_t *headers, ngx_str_t *key,
    ngx_str_t *value);

/* a client for the next answer */
void ngx_http_faas_fuzz_connect(ngx_pool_t *pool, size_t room);

/* takes more of what waits for it */
void ngx_http_faas_fuzz_take(void);

/* what it got is strict JSON */
void ngx_http_faas_fuzz_answered(ngx_http_request_t *r, ngx_int_t rc);

/* a RunResult of a success has its members in order, and just this output */
void ngx_http_faas_fuzz_result_output(ngx_pool_t *pool, ngx_str_t *json,
    ngx_str_t *output);

/* and each header of the function, but for those of the hop */
void ngx_http_faas_fuzz_result_headers(ngx_pool_t *pool, ngx_str_t *json,
    ngx_http_upstream_t *u);


/*
 * JSON, read without a line of the module's code: RFC 8259 in strict UTF-8,
 * nested no deeper than the module allows.
 */

/* behind the value that begins here, or NULL */
u_char *ngx_http_faas_fuzz_json_value(u_char *p, u_char *last,
    ngx_uint_t depth);

/* whether that is one whole value, with white space around it or not */
ngx_uint_t ngx_http_faas_fuzz_json(ngx_str_t *text);

/*
 * The next member of a valid object: *p is where it begins, or the object
 * itself at first.  The key is decoded; NGX_DONE: there is none.
 */
ngx_int_t ngx_http_faas_fuzz_json_next(ngx_pool_t *pool, u_char **p,
    ngx_str_t *key, ngx_str_t *value);

/* the value of a member of a valid object; fails if it is not there */
ngx_str_t ngx_http_faas_fuzz_json_member(ngx_pool_t *pool, ngx_str_t *object,
    char *name);

/* the bytes of a valid string; lone surrogates become what they may */
ngx_str_t ngx_http_faas_fuzz_json_text(ngx_pool_t *pool, ngx_str_t *raw);

/* whether it is UTF-8 */
ngx_uint_t ngx_http_faas_fuzz_utf8(ngx_str_t *s);


#endif /* _NGX_HTTP_FAAS_FUZZ_H_INCLUDED_ */
