
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * A zone for tests, with worker processes that are only played: this process
 * takes the number and the pid of each in turn, and the pids belong to
 * children that sleep, so that they can die.
 */


#ifndef _NGX_HTTP_FAAS_UNIT_ZONE_H_INCLUDED_
#define _NGX_HTTP_FAAS_UNIT_ZONE_H_INCLUDED_


#include "ngx_http_faas_lease.h"
#include "ngx_http_faas_turn.h"


#define NGX_HTTP_FAAS_UNIT_WORKERS  3
#define NGX_HTTP_FAAS_UNIT_KIND     7      /* of the runtime of all files */


typedef struct {
    ngx_http_faas_zone_t     zone;       /* first: a view is a zone */
    ngx_pid_t                pid;
    ngx_uint_t               slot;
} ngx_http_faas_unit_worker_t;


typedef struct {
    ngx_pool_t              *pool;
    ngx_log_t                log;        /* keeps silent */
    ngx_cycle_t              cycle;
    ngx_core_conf_t          ccf;
    ngx_conf_t               cf;
    ngx_shm_zone_t          *shm_zone;
    ngx_uint_t               pfree;      /* pages, when nothing is in it */
    ngx_http_faas_zone_t     zone;       /* of the master */
    ngx_http_faas_unit_worker_t
                             workers[NGX_HTTP_FAAS_UNIT_WORKERS];
} ngx_http_faas_unit_zone_t;


/* a master's cycle, the zone not yet added */
ngx_http_faas_unit_zone_t *ngx_http_faas_unit_zone_cycle(void);

/*
 * The zone in memory that children share, and its workers; it is settled,
 * starts two at a time, and keeps the old version when the new one fails.
 */
ngx_http_faas_unit_zone_t *ngx_http_faas_unit_zone_create(size_t size);

/* maps the added zone and lets it initialize itself, as nginx does */
ngx_int_t ngx_http_faas_unit_zone_map(ngx_http_faas_unit_zone_t *t);

/* nothing may be left in it but empty instances */
void ngx_http_faas_unit_zone_destroy(ngx_http_faas_unit_zone_t *t);

/* for all workers: how many starts at a time, and faas_on_error */
void ngx_http_faas_unit_zone_set(ngx_http_faas_unit_zone_t *t,
    ngx_uint_t starts, ngx_uint_t keep);

/* this process is that worker from now on */
ngx_http_faas_zone_t *ngx_http_faas_unit_zone_as(
    ngx_http_faas_unit_zone_t *t, ngx_uint_t n);

/* the worker is killed, and gone; or another takes its place */
void ngx_http_faas_unit_zone_kill(ngx_http_faas_unit_zone_t *t,
    ngx_uint_t n);
void ngx_http_faas_unit_zone_respawn(ngx_http_faas_unit_zone_t *t,
    ngx_uint_t n);

/* whether its bell has rung since the last look */
ngx_uint_t ngx_http_faas_unit_zone_rung(ngx_http_faas_unit_zone_t *t,
    ngx_uint_t n);

/* a wanted file: the revision is twenty such characters, 0: not read */
ngx_http_faas_want_t *ngx_http_faas_unit_zone_want(char *name,
    ngx_uint_t identity, u_char revision);

/* it is on its way into the instance, which takes so many requests */
ngx_int_t ngx_http_faas_unit_zone_loading(ngx_http_faas_zone_t *zone,
    ngx_http_faas_instance_t *inst, ngx_http_faas_want_t *want,
    ngx_uint_t concurrency);

/* these lock: a function made, found, or NULL, or let go of */
ngx_http_faas_function_t *ngx_http_faas_unit_zone_get(
    ngx_http_faas_zone_t *zone, char *name);
ngx_http_faas_function_t *ngx_http_faas_unit_zone_find(
    ngx_http_faas_zone_t *zone, char *name);
void ngx_http_faas_unit_zone_release(ngx_http_faas_zone_t *zone,
    ngx_http_faas_function_t *fn);

/* these, too: an instance taken for it, or NULL; dead and removed */
ngx_http_faas_instance_t *ngx_http_faas_unit_zone_take(
    ngx_http_faas_zone_t *zone, ngx_http_faas_function_t *fn);
void ngx_http_faas_unit_zone_remove(ngx_http_faas_zone_t *zone,
    ngx_http_faas_instance_t *inst);

/* what has to be true between any two calls, and fails the test if not */
void ngx_http_faas_unit_zone_check(ngx_http_faas_unit_zone_t *t);

/* the same for any process: what is not true, or NULL */
char *ngx_http_faas_unit_zone_broken(ngx_http_faas_zone_t *zone);


#endif /* _NGX_HTTP_FAAS_UNIT_ZONE_H_INCLUDED_ */
