
/*
 * Copyright (C) the ngx_http_faas_module authors
 */


#ifndef _NGX_HTTP_FAAS_SUBREQUEST_H_INCLUDED_
#define _NGX_HTTP_FAAS_SUBREQUEST_H_INCLUDED_


#include "ngx_http_faas_call.h"


/*
 * Sends the call as a background subrequest of "r", a main request.  The
 * handler runs inside the subrequest's finalization, or, with
 * call->interrupted, when "r" goes away: it may start further calls, and
 * must not finalize any request.  After it "r" runs its phases again.
 */
ngx_int_t ngx_http_faas_subrequest(ngx_http_request_t *r,
    ngx_http_faas_engine_t *engine, ngx_http_faas_call_t *call);

/*
 * Takes the call away from the request that carries it, so that the request
 * can end.  The handler runs before this returns, with call->interrupted.
 */
void ngx_http_faas_subrequest_interrupt(ngx_http_faas_call_t *call);


#endif /* _NGX_HTTP_FAAS_SUBREQUEST_H_INCLUDED_ */
