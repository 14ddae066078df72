
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Floor 0: the types and limits that every unit shares.  No functions.
 */


#ifndef _NGX_HTTP_FAAS_H_INCLUDED_
#define _NGX_HTTP_FAAS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


#define NGX_HTTP_FAAS_NAME_LEN        64      /* characters, not bytes */
#define NGX_HTTP_FAAS_NAME_SIZE       256     /* bytes: 64 of 4 each */
#define NGX_HTTP_FAAS_ID_LEN          64      /* of a container, hex */
#define NGX_HTTP_FAAS_TOKEN_LEN       32      /* hex */
#define NGX_HTTP_FAAS_REVISION_LEN    20      /* SHA-1 of the source */
#define NGX_HTTP_FAAS_JSON_DEPTH      1000

#define NGX_HTTP_FAAS_PORT            8080    /* $PORT of the contract */
#define NGX_HTTP_FAAS_CONTROL_PORT    8081

#define NGX_HTTP_FAAS_SOURCE_SIZE     (4 * 1024 * 1024)


/* since 1.23.0 headers of one name are linked */

#if (nginx_version >= 1023000)
#define ngx_http_faas_header_last(h)  (h)->next = NULL
#else
#define ngx_http_faas_header_last(h)
#endif


/* which file a source was read from; equal identities mean equal bytes */

typedef struct {
    ngx_file_uniq_t                  uniq;
    off_t                            size;
    time_t                           sec;       /* of the last change */
    long                             nsec;
} ngx_http_faas_identity_t;


#endif /* _NGX_HTTP_FAAS_H_INCLUDED_ */
