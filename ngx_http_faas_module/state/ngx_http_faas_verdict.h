
/*
 * Copyright (C) the ngx_http_faas_module authors
 */


#ifndef _NGX_HTTP_FAAS_VERDICT_H_INCLUDED_
#define _NGX_HTTP_FAAS_VERDICT_H_INCLUDED_


#include "ngx_http_faas_lease.h"


/* all of these lock */

/* the instance serves: lets in whoever waits */
void ngx_http_faas_verdict_ready(ngx_http_faas_zone_t *zone,
    ngx_http_faas_instance_t *inst);

/*
 * The start failed: tells all who waited for it, or lets them in on the
 * instances of an earlier version, where faas_on_error says so and there are
 * such; then 1 is returned.  "status" is an HTTP one, or 0 when the function
 * is to blame.  The instance is claimed for removal.
 */
ngx_uint_t ngx_http_faas_verdict_fail(ngx_http_faas_zone_t *zone,
    ngx_http_faas_instance_t *inst, ngx_uint_t status, ngx_str_t *text);

/*
 * The start failed, and nobody is to blame: who waited is to ask again.  The
 * instance is claimed for removal.
 */
void ngx_http_faas_verdict_abandon(ngx_http_faas_zone_t *zone,
    ngx_http_faas_instance_t *inst);

/* the source is gone: so are the instances, once they are idle */
void ngx_http_faas_verdict_forget(ngx_http_faas_zone_t *zone,
    ngx_str_t *name);


#endif /* _NGX_HTTP_FAAS_VERDICT_H_INCLUDED_ */
