
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * A zone with something in every state and list, two workers that live, and a
 * third one that is dead; and what that may have been at when it was killed.
 */


#ifndef _NGX_HTTP_FAAS_UNIT_REPAIR_H_INCLUDED_
#define _NGX_HTTP_FAAS_UNIT_REPAIR_H_INCLUDED_


#include "ngx_http_faas_crew.h"
#include "ngx_http_faas_unit_lease.h"


#define NGX_HTTP_FAAS_UNIT_REPAIR_SIZE  (12 * 4096)

/* kind of the spare that stands ready */
#define NGX_HTTP_FAAS_UNIT_REPAIR_RARE  8

#define NGX_HTTP_FAAS_UNIT_LIVING       2   /* workers 0 and 1 */


typedef struct {
    ngx_http_faas_unit_lease_t   tl;
    ngx_http_faas_zone_t        *zone;      /* of the victim */
    ngx_pid_t                    pid;
    ngx_pid_t                    stranger;  /* dead, too; not in the zone */

    /* its leases */
    ngx_http_faas_lease_t       *held;      /* others wait */
    ngx_http_faas_lease_t       *single;
    ngx_http_faas_lease_t       *waiting;
    ngx_http_faas_lease_t       *last;      /* nobody else waits */
    ngx_http_faas_lease_t       *failed;    /* with a report of its own */

    ngx_http_faas_instance_t    *greet;     /* READY, in use */
    ngx_http_faas_instance_t    *quick;     /* READY */
    ngx_http_faas_instance_t    *slow;      /* CREATING */
    ngx_http_faas_instance_t    *load;      /* LOADING, the first version */
    ngx_http_faas_instance_t    *twin;      /* LOADING, the second one */
    ngx_http_faas_instance_t    *spare;     /* CREATING */
    ngx_http_faas_instance_t    *away;      /* REMOVING */

    ngx_http_faas_crew_t        *crews[2];
    ngx_http_faas_ticket_t      *tickets[2][3];
    ngx_http_faas_ticket_t      *ticket;
} ngx_http_faas_unit_repair_t;


typedef struct {
    char                        *name;
    void                       (*run)(ngx_http_faas_unit_repair_t *tr);
} ngx_http_faas_unit_repair_op_t;


extern ngx_http_faas_unit_repair_op_t  ngx_http_faas_unit_repair_ops[];


void ngx_http_faas_unit_repair_begin(ngx_http_faas_unit_repair_t *tr);

/* locks and unlocks, after whoever has died with the lock held */
void ngx_http_faas_unit_repair_lock(ngx_http_faas_unit_repair_t *tr);


#endif /* _NGX_HTTP_FAAS_UNIT_REPAIR_H_INCLUDED_ */
