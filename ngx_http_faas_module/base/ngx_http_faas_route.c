
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * The addresses of this host's interfaces.  Docker looks for overlaps among
 * its own networks only, and a VPN may well use the range that we do.
 */


#include "ngx_http_faas_route.h"

#include <ifaddrs.h>
#include <net/if.h>


ngx_int_t
ngx_http_faas_route_taken(in_addr_t addr, in_addr_t mask, u_char *mine,
    u_char *name)
{
    in_addr_t        a, m;
    ngx_int_t        rc;
    struct ifaddrs  *list, *ifa;

    if (getifaddrs(&list) == -1) {
        return NGX_DECLINED;
    }

    rc = NGX_DECLINED;

    for (ifa = list; ifa; ifa = ifa->ifa_next) {

        if (ifa->ifa_addr == NULL
            || ifa->ifa_netmask == NULL
            || ifa->ifa_addr->sa_family != AF_INET
            || ngx_strcmp(ifa->ifa_name, mine) == 0)
        {
            continue;
        }

        a = ntohl(((struct sockaddr_in *) ifa->ifa_addr)->sin_addr.s_addr);
        m = ntohl(((struct sockaddr_in *) ifa->ifa_netmask)->sin_addr.s_addr);

        m &= mask;

        if ((a & m) == (addr & m)) {
            (void) ngx_cpystrn(name, (u_char *) ifa->ifa_name, IF_NAMESIZE);
            rc = NGX_OK;
            break;
        }
    }

    freeifaddrs(list);

    return rc;
}
