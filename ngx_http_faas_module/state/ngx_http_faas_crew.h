
/*
 * Copyright (C) the ngx_http_faas_module authors
 */


#ifndef _NGX_HTTP_FAAS_CREW_H_INCLUDED_
#define _NGX_HTTP_FAAS_CREW_H_INCLUDED_


#include "ngx_http_faas_zone.h"


#define NGX_HTTP_FAAS_CREW_KEY  16              /* an MD5 */


/*
 * Who runs a command, and who waits for it, in all workers; in the zone, and
 * never freed, so that a process may keep the pointer.
 */

typedef struct {
    ngx_queue_t                      queue;     /* sh->crews */
    ngx_queue_t                      running;
    ngx_queue_t                      waiting;   /* first come, first served */
    ngx_uint_t                       nrunning;
    ngx_uint_t                       nwaiting;
    ngx_msec_t                       reaped;    /* when the dead were last */
    u_char                           key[NGX_HTTP_FAAS_CREW_KEY];
} ngx_http_faas_crew_t;


typedef struct {
    ngx_queue_t                      queue;     /* of its crew */
    ngx_http_faas_crew_t            *crew;
    ngx_pid_t                        pid;
    void                            *data;      /* of the worker's own */
    ngx_uint_t                       running;
} ngx_http_faas_ticket_t;


/* all of these lock */

/* the crew of that key, made at first use; NULL: the zone is full */
ngx_http_faas_crew_t *ngx_http_faas_crew(ngx_http_faas_zone_t *zone,
    u_char *key);

/*
 * NGX_OK: it may run; NGX_AGAIN: there are "max" already, ask again when the
 * worker's bell rings;
 * NGX_BUSY: and "queue" who wait; NGX_ERROR: the zone is full.
 */
ngx_int_t ngx_http_faas_crew_join(ngx_http_faas_zone_t *zone,
    ngx_http_faas_crew_t *crew, ngx_uint_t max, ngx_uint_t queue,
    ngx_http_faas_ticket_t **ticket);

/* NGX_OK, or NGX_AGAIN */
ngx_int_t ngx_http_faas_crew_ask(ngx_http_faas_zone_t *zone,
    ngx_http_faas_ticket_t *ticket, ngx_uint_t max);

/* it has ended, or does not wait any more */
void ngx_http_faas_crew_leave(ngx_http_faas_zone_t *zone,
    ngx_http_faas_ticket_t *ticket);


#endif /* _NGX_HTTP_FAAS_CREW_H_INCLUDED_ */
