
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * The engine for what has no request to hang a subrequest on: libcurl's
 * multi interface on nginx's event loop, level-triggered, for libcurl does
 * not drain its sockets.  The descriptors are libcurl's: on removal only the
 * connection of nginx goes.  One multi handle a worker, made after the fork.
 */


#include "ngx_http_faas_curl.h"


typedef struct {
    ngx_queue_t                      queue;
    CURL                            *easy;
    struct curl_slist               *headers;
    ngx_http_faas_call_t            *call;
    ngx_http_faas_engine_t          *engine;
    ngx_str_t                        body;
    size_t                           size;      /* allocated */
    unsigned                         overflow:1;
    unsigned                         starved:1; /* nobody hears its socket */
} ngx_http_faas_curl_t;


static ngx_int_t ngx_http_faas_curl_init(ngx_cycle_t *cycle,
    ngx_http_faas_engine_t *engine);
static ngx_int_t ngx_http_faas_curl_setup(ngx_http_faas_curl_t *h);
static ngx_int_t ngx_http_faas_curl_options(ngx_http_faas_curl_t *h,
    char *url, char *method);
static void ngx_http_faas_curl_cleanup(ngx_http_faas_curl_t *h);
static int ngx_http_faas_curl_socket(CURL *easy, curl_socket_t s, int what,
    void *data, void *socketp);
static ngx_connection_t *ngx_http_faas_curl_connection(
    ngx_http_faas_engine_t *engine, CURL *easy, curl_socket_t s);
static void ngx_http_faas_curl_watch(ngx_event_t *ev, ngx_int_t event,
    ngx_uint_t on);
static void ngx_http_faas_curl_event_handler(ngx_event_t *ev);
static int ngx_http_faas_curl_arm(CURLM *multi, long msec, void *data);
static void ngx_http_faas_curl_timer_handler(ngx_event_t *ev);
static void ngx_http_faas_curl_drain(ngx_http_faas_engine_t *engine);
static void ngx_http_faas_curl_starved(ngx_http_faas_engine_t *engine);
static void ngx_http_faas_curl_finish(ngx_http_faas_curl_t *h,
    CURLcode result);
static size_t ngx_http_faas_curl_write(char *p, size_t size, size_t n,
    void *data);
static size_t ngx_http_faas_curl_header(char *p, size_t size, size_t n,
    void *data);


void
ngx_http_faas_curl_init_process(ngx_cycle_t *cycle,
    ngx_http_faas_engine_t *engine)
{
    if (ngx_http_faas_curl_init(cycle, engine) != NGX_OK) {
        return;
    }

    if (curl_multi_setopt(engine->multi, CURLMOPT_SOCKETFUNCTION,
                          ngx_http_faas_curl_socket)
        != CURLM_OK
        || curl_multi_setopt(engine->multi, CURLMOPT_SOCKETDATA, engine)
           != CURLM_OK
        || curl_multi_setopt(engine->multi, CURLMOPT_TIMERFUNCTION,
                             ngx_http_faas_curl_arm)
           != CURLM_OK
        || curl_multi_setopt(engine->multi, CURLMOPT_TIMERDATA, engine)
           != CURLM_OK)
    {
        ngx_log_error(NGX_LOG_ALERT, cycle->log, 0,
                      "faas: curl_multi_setopt() failed");

        (void) curl_multi_cleanup(engine->multi);
        engine->multi = NULL;
    }
}


ngx_int_t
ngx_http_faas_curl_init_master(ngx_cycle_t *cycle,
    ngx_http_faas_engine_t *engine, ngx_msec_t time)
{
    ngx_time_update();
    engine->until = ngx_current_msec + time;

    return ngx_http_faas_curl_init(cycle, engine);
}


static ngx_int_t
ngx_http_faas_curl_init(ngx_cycle_t *cycle, ngx_http_faas_engine_t *engine)
{
    ngx_queue_init(&engine->calls);

    engine->timer.handler = ngx_http_faas_curl_timer_handler;
    engine->timer.data = engine;
    engine->timer.log = cycle->log;

    /* nginx owns OpenSSL, and the engine is a unix socket */

    if (curl_global_init(CURL_GLOBAL_ALL & ~CURL_GLOBAL_SSL) != CURLE_OK) {
        ngx_log_error(NGX_LOG_ALERT, cycle->log, 0,
                      "faas: curl_global_init() failed");
        return NGX_ERROR;
    }

    engine->multi = curl_multi_init();

    if (engine->multi == NULL) {
        ngx_log_error(NGX_LOG_ALERT, cycle->log, 0,
                      "faas: curl_multi_init() failed");
        return NGX_ERROR;
    }

    return NGX_OK;
}


void
ngx_http_faas_curl_run(ngx_http_faas_engine_t *engine)
{
    int             running;
    ngx_msec_int_t  left;

    while (!ngx_queue_empty(&engine->calls)) {

        ngx_time_update();
        left = (ngx_msec_int_t) (engine->until - ngx_current_msec);

        if (left <= 0
            || curl_multi_perform(engine->multi, &running) != CURLM_OK)
        {
            return;
        }

        ngx_http_faas_curl_drain(engine);

        if (!ngx_queue_empty(&engine->calls)
            && curl_multi_wait(engine->multi, NULL, 0,
                               (int) ngx_min(left, 1000), NULL)
               != CURLM_OK)
        {
            return;
        }
    }
}


void
ngx_http_faas_curl_exit_process(ngx_http_faas_engine_t *engine)
{
    ngx_queue_t           *q;
    ngx_http_faas_call_t  *call;
    ngx_http_faas_curl_t  *h;

    if (engine->multi == NULL) {
        return;
    }

    while (!ngx_queue_empty(&engine->calls)) {
        q = ngx_queue_head(&engine->calls);
        h = ngx_queue_data(q, ngx_http_faas_curl_t, queue);
        call = h->call;

        ngx_http_faas_curl_cleanup(h);

        if (call->detached) {
            ngx_destroy_pool(call->pool);
        }
    }

    (void) curl_multi_cleanup(engine->multi);
    engine->multi = NULL;

    if (engine->timer.timer_set) {
        ngx_del_timer(&engine->timer);
    }

    curl_global_cleanup();
}


ngx_int_t
ngx_http_faas_curl(ngx_http_faas_engine_t *engine,
    ngx_http_faas_call_t *call)
{
    ngx_http_faas_curl_t  *h;

    if (engine->multi == NULL) {
        return NGX_ERROR;
    }

    h = ngx_pcalloc(call->pool, sizeof(ngx_http_faas_curl_t));
    if (h == NULL) {
        return NGX_ERROR;
    }

    h->call = call;
    h->engine = engine;

    call->status = 0;
    call->interrupted = 0;
    call->transport = h;

    ngx_queue_insert_tail(&engine->calls, &h->queue);

    h->easy = curl_easy_init();

    if (h->easy == NULL || ngx_http_faas_curl_setup(h) != NGX_OK) {
        ngx_log_error(NGX_LOG_ERR, call->log, 0,
                      "faas: could not set up a call to the engine");
        ngx_http_faas_curl_cleanup(h);
        return NGX_ERROR;
    }

    return NGX_OK;
}


void
ngx_http_faas_curl_cancel(ngx_http_faas_call_t *call)
{
    if (call->transport) {
        ngx_http_faas_curl_cleanup(call->transport);
    }
}


static ngx_int_t
ngx_http_faas_curl_setup(ngx_http_faas_curl_t *h)
{
    u_char                          *p;
    ngx_str_t                        url, method;
    ngx_http_faas_docker_request_t  *req;

    req = &h->call->request;

    url.len = sizeof("http://docker") + req->path.len;

    url.data = ngx_pnalloc(h->call->pool, url.len);
    if (url.data == NULL) {
        return NGX_ERROR;
    }

    p = ngx_cpymem(url.data, "http://docker", sizeof("http://docker") - 1);
    p = ngx_cpymem(p, req->path.data, req->path.len);
    *p = '\0';

    method.data = ngx_pnalloc(h->call->pool, req->method.len + 1);
    if (method.data == NULL) {
        return NGX_ERROR;
    }

    p = ngx_cpymem(method.data, req->method.data, req->method.len);
    *p = '\0';

    /* no "Expect: 100-continue", and the engine wants JSON to be called so */

    h->headers = curl_slist_append(NULL, "Expect:");
    if (h->headers == NULL) {
        return NGX_ERROR;
    }

    if (curl_slist_append(h->headers, "Content-Type: application/json")
        == NULL)
    {
        return NGX_ERROR;
    }

    return ngx_http_faas_curl_options(h, (char *) url.data,
                                      (char *) method.data);
}


static ngx_int_t
ngx_http_faas_curl_options(ngx_http_faas_curl_t *h, char *url, char *method)
{
    ngx_uint_t                       rc;
    ngx_http_faas_call_t            *call;
    ngx_http_faas_docker_request_t  *req;

    call = h->call;
    req = &call->request;

    rc = curl_easy_setopt(h->easy, CURLOPT_URL, url);
    rc |= curl_easy_setopt(h->easy, CURLOPT_UNIX_SOCKET_PATH,
                           (char *) h->engine->path.data);
    rc |= curl_easy_setopt(h->easy, CURLOPT_PROXY, "");
    rc |= curl_easy_setopt(h->easy, CURLOPT_NOSIGNAL, 1L);
    rc |= curl_easy_setopt(h->easy, CURLOPT_TIMEOUT_MS,
                           (long) call->timeout);
    rc |= curl_easy_setopt(h->easy, CURLOPT_CONNECTTIMEOUT_MS, 1000L);
    rc |= curl_easy_setopt(h->easy, CURLOPT_HTTPHEADER, h->headers);
    rc |= curl_easy_setopt(h->easy, CURLOPT_PRIVATE, h);
    rc |= curl_easy_setopt(h->easy, CURLOPT_WRITEFUNCTION,
                           ngx_http_faas_curl_write);
    rc |= curl_easy_setopt(h->easy, CURLOPT_WRITEDATA, h);
    rc |= curl_easy_setopt(h->easy, CURLOPT_HEADERFUNCTION,
                           ngx_http_faas_curl_header);
    rc |= curl_easy_setopt(h->easy, CURLOPT_HEADERDATA, h);

    if (req->method.len == 4 && ngx_strncmp(req->method.data, "POST", 4) == 0)
    {
        rc |= curl_easy_setopt(h->easy, CURLOPT_POST, 1L);
        rc |= curl_easy_setopt(h->easy, CURLOPT_POSTFIELDSIZE,
                               (long) req->body.len);
        rc |= curl_easy_setopt(h->easy, CURLOPT_POSTFIELDS,
                               req->body.len ? (char *) req->body.data : "");

    } else if (req->method.len != 3
               || ngx_strncmp(req->method.data, "GET", 3) != 0)
    {
        rc |= curl_easy_setopt(h->easy, CURLOPT_CUSTOMREQUEST, method);
    }

    if (rc != CURLE_OK) {
        return NGX_ERROR;
    }

    if (curl_multi_add_handle(h->engine->multi, h->easy) != CURLM_OK) {
        return NGX_ERROR;
    }

    return NGX_OK;
}


static void
ngx_http_faas_curl_cleanup(ngx_http_faas_curl_t *h)
{
    ngx_queue_remove(&h->queue);
    h->call->transport = NULL;

    if (h->easy) {
        (void) curl_multi_remove_handle(h->engine->multi, h->easy);
        curl_easy_cleanup(h->easy);
    }

    curl_slist_free_all(h->headers);
}


/* tells which events libcurl wants of a socket */

static int
ngx_http_faas_curl_socket(CURL *easy, curl_socket_t s, int what, void *data,
    void *socketp)
{
    ngx_http_faas_engine_t  *engine = data;

    ngx_connection_t  *c;

    c = socketp;

    if (what == CURL_POLL_REMOVE) {

        if (c) {
            ngx_http_faas_curl_watch(c->read, NGX_READ_EVENT, 0);
            ngx_http_faas_curl_watch(c->write, NGX_WRITE_EVENT, 0);

            if (c->read->posted) {
                ngx_delete_posted_event(c->read);
            }

            if (c->write->posted) {
                ngx_delete_posted_event(c->write);
            }

            ngx_free_connection(c);
            c->fd = (ngx_socket_t) -1;

            (void) curl_multi_assign(engine->multi, s, NULL);
        }

        return 0;
    }

    if (c == NULL) {
        c = ngx_http_faas_curl_connection(engine, easy, s);

        if (c == NULL) {
            return 0;
        }
    }

    ngx_http_faas_curl_watch(c->read, NGX_READ_EVENT, what & CURL_POLL_IN);
    ngx_http_faas_curl_watch(c->write, NGX_WRITE_EVENT,
                             what & CURL_POLL_OUT);

    return 0;
}


/*
 * Without one it is this call only that fails, a moment later: a callback that
 * fails makes libcurl refuse all others until the last of them has ended.
 */

static ngx_connection_t *
ngx_http_faas_curl_connection(ngx_http_faas_engine_t *engine, CURL *easy,
    curl_socket_t s)
{
    char                  *private;
    ngx_connection_t      *c;
    ngx_http_faas_curl_t  *h;

    c = ngx_get_connection(s, ngx_cycle->log);
    if (c == NULL) {
        goto starved;
    }

    if (curl_multi_assign(engine->multi, s, c) != CURLM_OK) {
        ngx_free_connection(c);
        c->fd = (ngx_socket_t) -1;
        goto starved;
    }

    c->data = engine;
    c->log = ngx_cycle->log;
    c->read->log = c->log;
    c->write->log = c->log;
    c->read->handler = ngx_http_faas_curl_event_handler;
    c->write->handler = ngx_http_faas_curl_event_handler;

    return c;

starved:

    private = NULL;

    if (curl_easy_getinfo(easy, CURLINFO_PRIVATE, &private) == CURLE_OK
        && private)
    {
        h = (ngx_http_faas_curl_t *) private;
        h->starved = 1;
        engine->starved = 1;
    }

    return NULL;
}


static void
ngx_http_faas_curl_watch(ngx_event_t *ev, ngx_int_t event, ngx_uint_t on)
{
    if (on && !ev->active) {
        (void) ngx_add_event(ev, event, NGX_LEVEL_EVENT);

    } else if (!on && ev->active) {
        (void) ngx_del_event(ev, event, 0);
    }
}


static void
ngx_http_faas_curl_event_handler(ngx_event_t *ev)
{
    int                      running;
    ngx_connection_t        *c;
    ngx_http_faas_engine_t  *engine;

    c = ev->data;
    engine = c->data;
    ev->ready = 0;

    /* at a forced shutdown c->close is set: libcurl sees it as any event */

    (void) curl_multi_socket_action(engine->multi, c->fd,
                                    ev->write ? CURL_CSELECT_OUT
                                              : CURL_CSELECT_IN,
                                    &running);

    ngx_http_faas_curl_drain(engine);
}


static int
ngx_http_faas_curl_arm(CURLM *multi, long msec, void *data)
{
    ngx_http_faas_engine_t  *engine = data;

    if (engine->timer.timer_set) {
        ngx_del_timer(&engine->timer);
    }

    if (msec >= 0) {
        ngx_add_timer(&engine->timer, (ngx_msec_t) msec);
    }

    return 0;
}


static void
ngx_http_faas_curl_timer_handler(ngx_event_t *ev)
{
    int                      running;
    ngx_http_faas_engine_t  *engine;

    engine = ngx_queue_data(ev, ngx_http_faas_engine_t, timer);

    (void) curl_multi_socket_action(engine->multi, CURL_SOCKET_TIMEOUT, 0,
                                    &running);

    ngx_http_faas_curl_drain(engine);
}


static void
ngx_http_faas_curl_drain(ngx_http_faas_engine_t *engine)
{
    int                    left;
    char                  *private;
    CURLMsg               *msg;
    CURLcode               result;
    ngx_http_faas_curl_t  *h;

    while (engine->multi
           && (msg = curl_multi_info_read(engine->multi, &left)) != NULL)
    {
        if (msg->msg != CURLMSG_DONE) {
            continue;
        }

        /* the message does not outlive the handle */

        result = msg->data.result;
        private = NULL;

        if (curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &private)
            != CURLE_OK
            || private == NULL)
        {
            continue;
        }

        h = (ngx_http_faas_curl_t *) private;

        ngx_http_faas_curl_finish(h, result);
    }

    if (engine->starved) {
        ngx_http_faas_curl_starved(engine);
    }
}


/* who is told may make other calls: begin anew after each */

static void
ngx_http_faas_curl_starved(ngx_http_faas_engine_t *engine)
{
    ngx_queue_t           *q;
    ngx_http_faas_curl_t  *h;

    engine->starved = 0;

    q = ngx_queue_head(&engine->calls);

    while (q != ngx_queue_sentinel(&engine->calls)) {

        h = ngx_queue_data(q, ngx_http_faas_curl_t, queue);
        q = ngx_queue_next(q);

        if (h->starved) {
            ngx_http_faas_curl_finish(h, CURLE_OUT_OF_MEMORY);
            q = ngx_queue_head(&engine->calls);
        }
    }
}


static void
ngx_http_faas_curl_finish(ngx_http_faas_curl_t *h, CURLcode result)
{
    long                   status;
    ngx_uint_t             level;
    ngx_http_faas_call_t  *call;

    call = h->call;
    level = call->quiet ? NGX_LOG_INFO : NGX_LOG_ERR;
    status = 0;

    if (result != CURLE_OK) {
        ngx_log_error(level, call->log, 0,
                      "faas: engine call \"%V %V\" failed: %s",
                      &call->request.method, &call->request.path,
                      h->overflow ? "the answer is too big"
                                  : curl_easy_strerror(result));

    } else if (curl_easy_getinfo(h->easy, CURLINFO_RESPONSE_CODE, &status)
               != CURLE_OK)
    {
        status = 0;
    }

    call->refused = (result == CURLE_COULDNT_CONNECT);
    call->timedout = (result == CURLE_OPERATION_TIMEDOUT);
    call->status = (ngx_uint_t) status;
    call->body = h->body;

    ngx_http_faas_curl_cleanup(h);

    call->handler(call);
}


static size_t
ngx_http_faas_curl_write(char *p, size_t size, size_t n, void *data)
{
    ngx_http_faas_curl_t  *h = data;

    u_char  *larger;
    size_t   len;

    n *= size;

    if (h->call->stream) {
        h->call->stream(h->call, (u_char *) p, n);
        return n;
    }

    len = h->body.len + n;

    if (len > NGX_HTTP_FAAS_CALL_LIMIT) {
        h->overflow = 1;
        return 0;
    }

    if (len > h->size) {
        h->size = ngx_max(len, 2 * h->size);

        larger = ngx_pnalloc(h->call->pool, h->size);
        if (larger == NULL) {
            return 0;
        }

        if (h->body.len) {
            ngx_memcpy(larger, h->body.data, h->body.len);
        }

        h->body.data = larger;
    }

    ngx_memcpy(h->body.data + h->body.len, p, n);
    h->body.len = len;

    return n;
}


static size_t
ngx_http_faas_curl_header(char *p, size_t size, size_t n, void *data)
{
    ngx_http_faas_curl_t  *h = data;

    u_char  *last, *start;

    n *= size;

    start = (u_char *) p;
    last = start + n;

    if (n > sizeof("Api-Version:") - 1
        && ngx_strncasecmp(start, (u_char *) "Api-Version:",
                           sizeof("Api-Version:") - 1)
           == 0)
    {
        start += sizeof("Api-Version:") - 1;

        while (start < last && (*start == ' ' || *start == '\t')) {
            start++;
        }

        while (last > start && (last[-1] == CR || last[-1] == LF
                                || last[-1] == ' '))
        {
            last--;
        }

        h->call->api.data = ngx_pnalloc(h->call->pool, last - start);
        if (h->call->api.data == NULL) {
            return 0;
        }

        h->call->api.len = last - start;
        ngx_memcpy(h->call->api.data, start, h->call->api.len);
    }

    return n;
}
