
/*
 * Copyright (C) the ngx_http_faas_module authors
 */


#include "ngx_http_faas_epoch.h"

#include <sys/un.h>


static socklen_t ngx_http_faas_epoch_name(struct sockaddr_un *sun,
    ngx_http_faas_zone_t *zone, uint32_t epoch);


void
ngx_http_faas_epoch_init_module(ngx_cycle_t *cycle,
    ngx_http_faas_zone_t *zone, ngx_http_faas_zone_t *old)
{
    int                 s;
    socklen_t           len;
    struct sockaddr_un  sun;

    if (old && old->beacon > 0) {

        if (old->sh == zone->sh) {
            zone->beacon = old->beacon;
            return;
        }

        /* the old workers have copies of their own */

        if (close(old->beacon) == -1) {
            ngx_log_error(NGX_LOG_ALERT, cycle->log, ngx_errno,
                          "faas: close() of a zone's socket failed");
        }

        old->beacon = -1;
    }

    if (zone->sh == NULL) {
        return;
    }

    /* without it others may take our containers for strays: not fatal */

    s = socket(AF_UNIX, SOCK_DGRAM|SOCK_CLOEXEC, 0);

    if (s == -1) {
        ngx_log_error(NGX_LOG_ERR, cycle->log, ngx_errno,
                      "faas: socket() of zone \"%V\" failed", &zone->name);
        return;
    }

    len = ngx_http_faas_epoch_name(&sun, zone, zone->sh->epoch);

    if (bind(s, (struct sockaddr *) &sun, len) == -1) {
        ngx_log_error(NGX_LOG_ERR, cycle->log, ngx_errno,
                      "faas: bind() of zone \"%V\" failed", &zone->name);

        (void) close(s);
        return;
    }

    zone->beacon = s;
}


static socklen_t
ngx_http_faas_epoch_name(struct sockaddr_un *sun, ngx_http_faas_zone_t *zone,
    uint32_t epoch)
{
    u_char  *p;

    ngx_memzero(sun, sizeof(struct sockaddr_un));

    sun->sun_family = AF_UNIX;

    p = (u_char *) &sun->sun_path[1];
    p = ngx_sprintf(p, "faas-%08xD-%08xD", zone->owner, epoch);

    return p - (u_char *) sun;
}


ngx_uint_t
ngx_http_faas_epoch_alive(ngx_http_faas_zone_t *zone, uint32_t epoch)
{
    int                 s;
    socklen_t           len;
    ngx_uint_t          alive;
    struct sockaddr_un  sun;

    s = socket(AF_UNIX, SOCK_DGRAM|SOCK_CLOEXEC, 0);

    if (s == -1) {
        return 1;
    }

    len = ngx_http_faas_epoch_name(&sun, zone, epoch);

    /* asks nobody and waits for nobody: it is a datagram socket */

    alive = (connect(s, (struct sockaddr *) &sun, len) == 0
             || ngx_errno != NGX_ECONNREFUSED);

    (void) close(s);

    return alive;
}
