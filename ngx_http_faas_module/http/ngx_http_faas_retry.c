
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * nginx's upstream wants to know its peer at once.  Here one that has to be
 * started first looks like one that is slow to accept: the upstream gets a
 * connection that never becomes writable, and a true one in its place later.
 */


#include "ngx_http_faas_retry.h"


ngx_int_t
ngx_http_faas_retry_hold(ngx_peer_connection_t *pc)
{
    ngx_socket_t       s;
    ngx_connection_t  *c;

    s = ngx_socket(AF_UNIX, SOCK_DGRAM, 0);

    if (s == (ngx_socket_t) -1) {
        ngx_log_error(NGX_LOG_ALERT, pc->log, ngx_socket_errno,
                      ngx_socket_n " failed");
        return NGX_ERROR;
    }

    c = ngx_get_connection(s, pc->log);

    if (c == NULL) {

        if (ngx_close_socket(s) == -1) {
            ngx_log_error(NGX_LOG_ALERT, pc->log, ngx_socket_errno,
                          ngx_close_socket_n " failed");
        }

        return NGX_ERROR;
    }

    /* of a socket that nobody knows there is nothing to read */

    if (ngx_nonblocking(s) == -1) {
        ngx_log_error(NGX_LOG_ALERT, pc->log, ngx_socket_errno,
                      ngx_nonblocking_n " failed");
        ngx_close_connection(c);
        return NGX_ERROR;
    }

    c->recv = ngx_recv;
    c->send = ngx_send;
    c->recv_chain = ngx_recv_chain;
    c->send_chain = ngx_send_chain;

    c->log_error = pc->log_error;
    c->read->log = pc->log;
    c->write->log = pc->log;
    c->number = ngx_atomic_fetch_add(ngx_connection_counter, 1);

    pc->connection = c;

    return NGX_AGAIN;
}


void
ngx_http_faas_retry_connect(ngx_http_request_t *r, ngx_msec_t timeout)
{
    ngx_int_t               rc;
    ngx_connection_t       *c, *held;
    ngx_http_upstream_t    *u;
    ngx_peer_connection_t   pc;

    u = r->upstream;
    held = u->peer.connection;

    pc = u->peer;
    pc.get = ngx_event_get_peer;
    pc.connection = NULL;

    rc = ngx_event_connect_peer(&pc);

    c = pc.connection;

    if (c == NULL) {
        ngx_http_faas_retry_fail(r);
        return;
    }

    /* what ngx_http_upstream_connect() did to the one that was held */

    c->requests++;
    c->data = held->data;
    c->read->handler = held->read->handler;
    c->write->handler = held->write->handler;
    c->sendfile &= r->connection->sendfile;
    u->output.sendfile = c->sendfile;

    if (r->connection->tcp_nopush == NGX_TCP_NOPUSH_DISABLED) {
        c->tcp_nopush = NGX_TCP_NOPUSH_DISABLED;
    }

    c->pool = held->pool;
    held->pool = NULL;

    c->log = r->connection->log;
    c->read->log = c->log;
    c->write->log = c->log;

    u->peer.connection = c;
    u->writer.connection = c;

    ngx_close_connection(held);

    if (rc == NGX_AGAIN) {
        ngx_add_timer(c->write, timeout);

    } else {
        ngx_post_event(c->write, &ngx_posted_events);
    }
}


/* to the upstream it is a peer that did not accept in time */

void
ngx_http_faas_retry_fail(ngx_http_request_t *r)
{
    ngx_connection_t  *c;

    c = r->upstream->peer.connection;

    c->write->timedout = 1;
    ngx_post_event(c->write, &ngx_posted_events);
}
