
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Random steps of a worker: requests, starts, spares, removals, edits, events.
 */


#ifndef _NGX_HTTP_FAAS_UNIT_STORM_H_INCLUDED_
#define _NGX_HTTP_FAAS_UNIT_STORM_H_INCLUDED_


#include "ngx_http_faas_unit_lease.h"


#define NGX_HTTP_FAAS_UNIT_STORM_FUNCTIONS  5
#define NGX_HTTP_FAAS_UNIT_STORM_JOBS       64


/* a request, a start or a removal that is under way */

typedef struct {
    ngx_http_faas_lease_t           *lease;
    ngx_http_faas_instance_t        *inst;
    ngx_uint_t                       worker;
    ngx_uint_t                       fn;     /* FUNCTIONS: a spare's */
    ngx_uint_t                       sequence;
    ngx_uint_t                       state;  /* of the start, or the lease */
    u_char                           revision;
} ngx_http_faas_unit_storm_job_t;


typedef struct {
    ngx_uint_t                       n;
    ngx_http_faas_unit_storm_job_t   jobs[NGX_HTTP_FAAS_UNIT_STORM_JOBS];
} ngx_http_faas_unit_storm_list_t;


typedef struct {
    ngx_http_faas_unit_zone_t       *t;
    ngx_http_faas_zone_t            *zone;
    ngx_uint_t                       worker; /* that does this step */
    ngx_uint_t                       alone;  /* nobody else changes it */
    ngx_uint_t                       sequence;
    u_char                          *files;  /* revisions, in the memory */
    ngx_http_faas_unit_storm_list_t  requests;
    ngx_http_faas_unit_storm_list_t  starts;
    ngx_http_faas_unit_storm_list_t  removals;
} ngx_http_faas_unit_storm_t;


extern char  *ngx_http_faas_unit_storm_names[];


/* any one step; what was wrong with it, or NULL */
char *ngx_http_faas_unit_storm_step(ngx_http_faas_unit_storm_t *storm);

/* what the last step did to those who waited; what was wrong with that */
char *ngx_http_faas_unit_storm_look(ngx_http_faas_unit_storm_t *storm);

/* worker "n" has died: its work is nobody's any more, until it is reaped */
void ngx_http_faas_unit_storm_drop(ngx_http_faas_unit_storm_t *storm,
    ngx_uint_t n);

/* less than "n" */
ngx_uint_t ngx_http_faas_unit_storm_random(ngx_uint_t n);

/* the steps that are the engine's and the keeper's */
char *ngx_http_faas_unit_storm_start(ngx_http_faas_unit_storm_t *storm);
char *ngx_http_faas_unit_storm_spare(ngx_http_faas_unit_storm_t *storm);
char *ngx_http_faas_unit_storm_claim(ngx_http_faas_unit_storm_t *storm);
char *ngx_http_faas_unit_storm_remove(ngx_http_faas_unit_storm_t *storm);
char *ngx_http_faas_unit_storm_lost(ngx_http_faas_unit_storm_t *storm);
char *ngx_http_faas_unit_storm_reserve(ngx_http_faas_unit_storm_t *storm);
char *ngx_http_faas_unit_storm_missing(ngx_http_faas_unit_storm_t *storm);
char *ngx_http_faas_unit_storm_adopt(ngx_http_faas_unit_storm_t *storm);
char *ngx_http_faas_unit_storm_trim(ngx_http_faas_unit_storm_t *storm);

/* a job on the list, any one of this worker's or NULL, one off the list */
ngx_http_faas_unit_storm_job_t *ngx_http_faas_unit_storm_add(
    ngx_http_faas_unit_storm_list_t *list, ngx_uint_t worker);
ngx_http_faas_unit_storm_job_t *ngx_http_faas_unit_storm_pick(
    ngx_http_faas_unit_storm_t *storm,
    ngx_http_faas_unit_storm_list_t *list);
void ngx_http_faas_unit_storm_delete(ngx_http_faas_unit_storm_list_t *list,
    ngx_http_faas_unit_storm_job_t *job);


#endif /* _NGX_HTTP_FAAS_UNIT_STORM_H_INCLUDED_ */
