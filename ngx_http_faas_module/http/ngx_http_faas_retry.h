
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * A proxied request that has to wait for its peer.
 */


#ifndef _NGX_HTTP_FAAS_RETRY_H_INCLUDED_
#define _NGX_HTTP_FAAS_RETRY_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


/*
 * For peer.get: gives the upstream a connection to nobody, on which it waits
 * for as long as its connect timeout says.  NGX_AGAIN or NGX_ERROR.
 */
ngx_int_t ngx_http_faas_retry_hold(ngx_peer_connection_t *pc);

/*
 * The peer is known: connects to pc->sockaddr in place of that connection,
 * within "timeout" milliseconds.  Runs no handler.
 */
void ngx_http_faas_retry_connect(ngx_http_request_t *r, ngx_msec_t timeout);

/* there will be no peer, or it is gone: ends the connecting */
void ngx_http_faas_retry_fail(ngx_http_request_t *r);


#endif /* _NGX_HTTP_FAAS_RETRY_H_INCLUDED_ */
