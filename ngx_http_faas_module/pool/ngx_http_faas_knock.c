
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Whether functions can connect to this host is up to its firewall, whose
 * rules no worker may read.  So a spare, which has no source yet, tries it:
 * if one gets through to this socket, at the gateway of their network, so
 * would a function to any service there.  That is said once.
 */


#include "ngx_http_faas_knock.h"


#define NGX_HTTP_FAAS_KNOCK_MASK     0xfffffc00     /* of the zone's /22 */
#define NGX_HTTP_FAAS_KNOCK_BACKLOG  8


static ngx_int_t ngx_http_faas_knock_listen(ngx_http_faas_pool_t *fp);
static void ngx_http_faas_knock_handler(ngx_event_t *ev);


ngx_int_t
ngx_http_faas_knock(ngx_http_faas_pool_t *fp, u_char *text)
{
    u_char              *p;
    size_t               len;
    socklen_t            socklen;
    struct sockaddr_in   sin;

    if (fp->zone.sh->warned) {
        return NGX_DECLINED;
    }

    if (fp->knock == NULL && ngx_http_faas_knock_listen(fp) != NGX_OK) {
        return NGX_DECLINED;
    }

    socklen = sizeof(struct sockaddr_in);

    if (getsockname(fp->knock->fd, (struct sockaddr *) &sin, &socklen)
        == -1)
    {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, ngx_socket_errno,
                      "faas: getsockname() failed");
        return NGX_DECLINED;
    }

    len = ngx_sock_ntop((struct sockaddr *) &sin, socklen, text,
                        NGX_HTTP_FAAS_KNOCK_LEN - 1, 1);
    p = text + len;
    *p = '\0';

    return len ? NGX_OK : NGX_DECLINED;
}


static ngx_int_t
ngx_http_faas_knock_listen(ngx_http_faas_pool_t *fp)
{
    ngx_socket_t         s;
    ngx_connection_t    *c;
    struct sockaddr_in   sin;

    ngx_memzero(&sin, sizeof(struct sockaddr_in));

    sin.sin_family = AF_INET;
    sin.sin_addr.s_addr = htonl(fp->zone.sh->network + 1);

    s = socket(AF_INET, SOCK_STREAM|SOCK_NONBLOCK|SOCK_CLOEXEC, 0);

    if (s == (ngx_socket_t) -1) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, ngx_socket_errno,
                      "faas: socket() failed");
        return NGX_ERROR;
    }

    /* the gateway may be that of another machine, or not up yet */

    if (bind(s, (struct sockaddr *) &sin, sizeof(struct sockaddr_in)) == -1
        || listen(s, NGX_HTTP_FAAS_KNOCK_BACKLOG) == -1)
    {
        ngx_log_error(NGX_LOG_INFO, ngx_cycle->log, ngx_socket_errno,
                      "faas: cannot listen at the containers' gateway");
        goto failed;
    }

    c = ngx_get_connection(s, ngx_cycle->log);
    if (c == NULL) {
        goto failed;
    }

    c->data = fp;
    c->log = ngx_cycle->log;
    c->read->log = ngx_cycle->log;
    c->read->handler = ngx_http_faas_knock_handler;

    if (ngx_handle_read_event(c->read, 0) != NGX_OK) {
        ngx_close_connection(c);
        return NGX_ERROR;
    }

    fp->knock = c;

    return NGX_OK;

failed:

    if (ngx_close_socket(s) == -1) {
        ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, ngx_socket_errno,
                      "faas: " ngx_close_socket_n " failed");
    }

    return NGX_ERROR;
}


static void
ngx_http_faas_knock_handler(ngx_event_t *ev)
{
    socklen_t              socklen;
    ngx_socket_t           s;
    ngx_connection_t      *c;
    struct sockaddr_in     sin;
    ngx_http_faas_pool_t  *fp;

    c = ev->data;
    fp = c->data;

    for ( ;; ) {
        socklen = sizeof(struct sockaddr_in);

        s = accept(c->fd, (struct sockaddr *) &sin, &socklen);

        if (s == (ngx_socket_t) -1) {
            ev->ready = 0;
            return;
        }

        if (ngx_close_socket(s) == -1) {
            ngx_log_error(NGX_LOG_ALERT, ev->log, ngx_socket_errno,
                          "faas: " ngx_close_socket_n " failed");
        }

        /* anybody on this host may connect, and that says nothing */

        if ((ntohl(sin.sin_addr.s_addr) & NGX_HTTP_FAAS_KNOCK_MASK)
            == fp->zone.sh->network
            && ntohl(sin.sin_addr.s_addr) != fp->zone.sh->network + 1)
        {
            break;
        }
    }

    ngx_http_faas_knock_close(fp);

    if (fp->zone.sh->warned) {
        return;
    }

    fp->zone.sh->warned = 1;

    ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                  "faas: functions can connect to this host, try "
                  "\"iptables -I INPUT -i faas+ -m conntrack --ctstate NEW "
                  "-j DROP\"");
}


void
ngx_http_faas_knock_close(ngx_http_faas_pool_t *fp)
{
    if (fp->knock) {
        ngx_close_connection(fp->knock);
        fp->knock = NULL;
    }
}
