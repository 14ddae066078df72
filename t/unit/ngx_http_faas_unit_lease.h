
/*
 * Copyright (C) the ngx_http_faas_module authors
 */


#ifndef _NGX_HTTP_FAAS_UNIT_LEASE_H_INCLUDED_
#define _NGX_HTTP_FAAS_UNIT_LEASE_H_INCLUDED_


#include "ngx_http_faas_unit_zone.h"
#include "ngx_http_faas_verdict.h"


#define NGX_HTTP_FAAS_UNIT_SIZE  (64 * 4096)


#define ngx_http_faas_unit_state(lease, s)                                   \
    assert_int_equal((lease)->state, NGX_HTTP_FAAS_LEASE_##s)

#define ngx_http_faas_unit_inst(inst, s)                                     \
    assert_int_equal((inst)->state, NGX_HTTP_FAAS_##s)


typedef struct {
    ngx_http_faas_unit_zone_t   *t;
    ngx_http_faas_instance_t    *inst;   /* to be started */
    ngx_http_faas_lease_t       *lease;  /* the last one acquired */
    ngx_uint_t                   rung[NGX_HTTP_FAAS_UNIT_WORKERS];
} ngx_http_faas_unit_lease_t;


void ngx_http_faas_unit_lease_begin(ngx_http_faas_unit_lease_t *tl);

/* the same, "greet" serves revision A, one request of worker 0 is on it */
ngx_http_faas_instance_t *ngx_http_faas_unit_lease_begin_old(
    ngx_http_faas_unit_lease_t *tl, ngx_uint_t concurrency);

/* worker "n" asks for a slot, for the file with that revision */
ngx_int_t ngx_http_faas_unit_lease_ask(ngx_http_faas_unit_lease_t *tl,
    ngx_uint_t n, char *name, u_char revision);

/* the same for that file, which was read just now, if it was */
ngx_int_t ngx_http_faas_unit_lease_acquire(ngx_http_faas_unit_lease_t *tl,
    ngx_uint_t n, ngx_http_faas_want_t *want);

/* the same for revision A of "greet", with that result and a lease */
ngx_http_faas_lease_t *ngx_http_faas_unit_lease_ok(
    ngx_http_faas_unit_lease_t *tl, ngx_uint_t n, ngx_int_t rc);

/* this process is the one that drives the instance */
ngx_http_faas_zone_t *ngx_http_faas_unit_lease_owner(
    ngx_http_faas_unit_lease_t *tl, ngx_http_faas_instance_t *inst);

/* the owner of a start asks for his turn */
ngx_int_t ngx_http_faas_unit_lease_turn(ngx_http_faas_unit_lease_t *tl,
    ngx_http_faas_instance_t *inst);

/* the owner of a start goes one step, the last one, or all of them */
void ngx_http_faas_unit_lease_loading(ngx_http_faas_unit_lease_t *tl,
    ngx_http_faas_instance_t *inst, u_char revision, ngx_uint_t concurrency);
void ngx_http_faas_unit_lease_verdict(ngx_http_faas_unit_lease_t *tl,
    ngx_http_faas_instance_t *inst);
void ngx_http_faas_unit_lease_ready(ngx_http_faas_unit_lease_t *tl,
    ngx_http_faas_instance_t *inst, u_char revision, ngx_uint_t concurrency);

/* it fails, with "SyntaxError" for a text; whether the old one serves on */
ngx_uint_t ngx_http_faas_unit_lease_fail(ngx_http_faas_unit_lease_t *tl,
    ngx_http_faas_instance_t *inst, ngx_uint_t status);

/* the owner of a removal has it confirmed */
void ngx_http_faas_unit_lease_removed(ngx_http_faas_unit_lease_t *tl,
    ngx_http_faas_instance_t *inst);

/* worker "n" begins with a spare; its owner has it booted with such a token */
ngx_http_faas_instance_t *ngx_http_faas_unit_lease_begin_spare(
    ngx_http_faas_unit_lease_t *tl, ngx_uint_t n, uint32_t kind);
void ngx_http_faas_unit_lease_booted(ngx_http_faas_unit_lease_t *tl,
    ngx_http_faas_instance_t *inst, u_char token);

/* its container's id is 64 such characters */
void ngx_http_faas_unit_lease_identify(ngx_http_faas_unit_lease_t *tl,
    ngx_http_faas_instance_t *inst, u_char id);

void ngx_http_faas_unit_lease_release(ngx_http_faas_unit_lease_t *tl,
    ngx_uint_t n, ngx_http_faas_lease_t *lease);

/* the bell of worker "n" has rung, and this is its next lease with news */
void ngx_http_faas_unit_lease_news(ngx_http_faas_unit_lease_t *tl,
    ngx_uint_t n, ngx_http_faas_lease_t *lease);

/* no worker has any */
void ngx_http_faas_unit_lease_no_news(ngx_http_faas_unit_lease_t *tl);

/* another function takes all slots that are left */
void ngx_http_faas_unit_lease_fill(ngx_http_faas_unit_lease_t *tl);

/* how many functions the zone knows */
ngx_uint_t ngx_http_faas_unit_lease_functions(ngx_http_faas_unit_lease_t *tl);

/* the function is deleted, and its idle instances are removed */
void ngx_http_faas_unit_lease_drop(ngx_http_faas_unit_lease_t *tl,
    char *name);

/* everything ends in good order; then nothing may be left */
void ngx_http_faas_unit_lease_end(ngx_http_faas_unit_lease_t *tl);


#endif /* _NGX_HTTP_FAAS_UNIT_LEASE_H_INCLUDED_ */
