
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * The Docker Engine API as bytes: builds requests, judges and parses replies.
 * Pure: no I/O.  What the engine said is never trusted: every parser is
 * bounded, copies what it keeps into the pool and returns NGX_ERROR for
 * anything it does not understand.
 */


#ifndef _NGX_HTTP_FAAS_DOCKER_H_INCLUDED_
#define _NGX_HTTP_FAAS_DOCKER_H_INCLUDED_


#include "ngx_http_faas.h"


#define NGX_HTTP_FAAS_DOCKER_STDOUT          0x01
#define NGX_HTTP_FAAS_DOCKER_STDERR          0x02

#define NGX_HTTP_FAAS_DOCKER_LABEL_OWNER     "faas.owner"
#define NGX_HTTP_FAAS_DOCKER_LABEL_EPOCH     "faas.epoch"
#define NGX_HTTP_FAAS_DOCKER_LABEL_SLOT      "faas.slot"
#define NGX_HTTP_FAAS_DOCKER_LABEL_FUNCTION  "faas.function"
#define NGX_HTTP_FAAS_DOCKER_LABEL_REVISION  "faas.revision"
#define NGX_HTTP_FAAS_DOCKER_LABEL_RUNTIME   "faas.runtime"
#define NGX_HTTP_FAAS_DOCKER_LABEL_KIND      "faas.kind"
#define NGX_HTTP_FAAS_DOCKER_LABEL_PREFIX    "faas.prefix"


typedef enum {
    NGX_HTTP_FAAS_DOCKER_PING = 0,
    NGX_HTTP_FAAS_DOCKER_NETWORK_CREATE,
    NGX_HTTP_FAAS_DOCKER_NETWORK_INSPECT,
    NGX_HTTP_FAAS_DOCKER_CREATE,
    NGX_HTTP_FAAS_DOCKER_START,
    NGX_HTTP_FAAS_DOCKER_REMOVE,
    NGX_HTTP_FAAS_DOCKER_INSPECT,
    NGX_HTTP_FAAS_DOCKER_LOGS,
    NGX_HTTP_FAAS_DOCKER_LIST,
    NGX_HTTP_FAAS_DOCKER_RENAME,
    NGX_HTTP_FAAS_DOCKER_UPDATE,
    NGX_HTTP_FAAS_DOCKER_EVENTS,
    NGX_HTTP_FAAS_DOCKER_NETWORK_REMOVE
} ngx_http_faas_docker_call_e;


typedef enum {
    NGX_HTTP_FAAS_DOCKER_OK = 0,     /* done; of remove: it is gone */
    NGX_HTTP_FAAS_DOCKER_GONE,       /* no such container, or on its way out */
    NGX_HTTP_FAAS_DOCKER_CONFLICT,   /* the name is taken; in use */
    NGX_HTTP_FAAS_DOCKER_NO_IMAGE,
    NGX_HTTP_FAAS_DOCKER_NO_NETWORK,
    NGX_HTTP_FAAS_DOCKER_ADDRESS,    /* address in use, subnet overlaps */
    NGX_HTTP_FAAS_DOCKER_VERSION,    /* API version too new or too old */
    NGX_HTTP_FAAS_DOCKER_INVALID,    /* asking again will not help */
    NGX_HTTP_FAAS_DOCKER_ENGINE      /* broken, or not understood */
} ngx_http_faas_docker_outcome_e;


typedef enum {
    NGX_HTTP_FAAS_DOCKER_DIE = 0,
    NGX_HTTP_FAAS_DOCKER_OOM,        /* a process of it, not always all */
    NGX_HTTP_FAAS_DOCKER_PAUSE,
    NGX_HTTP_FAAS_DOCKER_DESTROY,
    NGX_HTTP_FAAS_DOCKER_OTHER
} ngx_http_faas_docker_action_e;


typedef struct {
    ngx_str_t       method;
    ngx_str_t       path;            /* escaped, with arguments, no host */
    ngx_str_t       body;            /* JSON or empty */
} ngx_http_faas_docker_request_t;


/*
 * The builders return NGX_ERROR for a string with a zero byte inside, and
 * for what would make a container less confined: no entrypoint, no network,
 * or a limit that is not above 0.
 */

typedef struct {
    ngx_str_t       name;            /* [a-z0-9-] */
    ngx_str_t       image;
    ngx_str_t       seccomp;         /* a profile, or empty: the engine's */
    ngx_array_t    *entrypoint;      /* ngx_str_t: ours, not the image's */
    ngx_array_t    *env;             /* ngx_str_t "K=V", may be NULL */
    ngx_array_t    *labels;          /* ngx_keyval_t, may be NULL */
    ngx_str_t       network;
    ngx_str_t       address;         /* IPv4 text, or empty: any */
    off_t           memory;          /* bytes */
    off_t           tmpfs;           /* bytes of /tmp */
    int64_t         nano_cpus;
    ngx_int_t       pids;
    ngx_int_t       nofile;
} ngx_http_faas_docker_spec_t;


/* what can be changed while it runs: all of them, and each above 0 */

typedef struct {
    off_t           memory;          /* bytes */
    int64_t         nano_cpus;
    ngx_int_t       pids;
} ngx_http_faas_docker_limits_t;


typedef struct {
    ngx_str_t       name;
    ngx_str_t       bridge;          /* host interface, or empty */
    ngx_str_t       subnet;          /* CIDR, or empty: the engine's choice */
    ngx_str_t       gateway;         /* IPv4 text, or empty */
    ngx_array_t    *labels;          /* ngx_keyval_t, may be NULL */
} ngx_http_faas_docker_network_spec_t;


typedef struct {
    ngx_str_t       id;
    ngx_str_t       subnet;          /* of the first IPv4 pool, or empty */
    ngx_str_t       gateway;
    ngx_str_t       owner;           /* label faas.owner, or empty */

    unsigned        internal:1;
    unsigned        isolated:1;      /* no traffic between containers */
} ngx_http_faas_docker_network_t;


typedef struct {
    ngx_str_t       id;              /* 64 hex digits, or empty */
    ngx_str_t       owner;           /* labels, or empty */
    ngx_str_t       epoch;
    ngx_str_t       status;          /* "created", "running", "exited"... */
    ngx_str_t       error;
    ngx_str_t       address;         /* or empty */
    ngx_int_t       pid;             /* 0: none */
    ngx_int_t       exit_code;
    time_t          started;         /* 0: never */
    ngx_msec_t      started_msec;    /* its fraction, 0..999 */

    unsigned        running:1;
    unsigned        oom_killed:1;
} ngx_http_faas_docker_state_t;


typedef struct {
    ngx_str_t       id;              /* 64 hex digits, always */
    ngx_str_t       name;            /* without the leading slash */
    ngx_str_t       state;           /* "created", "running", "exited"... */
    ngx_str_t       address;         /* or empty, as all of these */
    ngx_str_t       owner;
    ngx_str_t       epoch;
    ngx_str_t       runtime;
    ngx_str_t       kind;
    ngx_str_t       prefix;
    ngx_int_t       slot;            /* NGX_ERROR: no label or no number */
} ngx_http_faas_docker_container_t;


typedef struct {
    ngx_str_t       id;              /* 64 hex digits, always */
    ngx_str_t       time;            /* "SEC.NNNNNNNNN", exact: a "since" */
    ngx_int_t       exit_code;       /* of a die; NGX_ERROR: none */
    ngx_int_t       slot;            /* NGX_ERROR: no label or no number */

    ngx_http_faas_docker_action_e  action;
} ngx_http_faas_docker_event_t;


/*
 * Builders.  "version" is what ngx_http_faas_docker_version() chose; "id" is
 * a container's id or name and must be [a-zA-Z0-9][a-zA-Z0-9_.-]*.
 */

ngx_int_t ngx_http_faas_docker_ping(ngx_pool_t *pool,
    ngx_http_faas_docker_request_t *req);
ngx_int_t ngx_http_faas_docker_network_create(ngx_pool_t *pool,
    ngx_str_t *version, ngx_http_faas_docker_network_spec_t *spec,
    ngx_http_faas_docker_request_t *req);
ngx_int_t ngx_http_faas_docker_network_inspect(ngx_pool_t *pool,
    ngx_str_t *version, ngx_str_t *name, ngx_http_faas_docker_request_t *req);
ngx_int_t ngx_http_faas_docker_network_remove(ngx_pool_t *pool,
    ngx_str_t *version, ngx_str_t *name, ngx_http_faas_docker_request_t *req);
ngx_int_t ngx_http_faas_docker_create(ngx_pool_t *pool, ngx_str_t *version,
    ngx_http_faas_docker_spec_t *spec, ngx_http_faas_docker_request_t *req);
ngx_int_t ngx_http_faas_docker_start(ngx_pool_t *pool, ngx_str_t *version,
    ngx_str_t *id, ngx_http_faas_docker_request_t *req);
ngx_int_t ngx_http_faas_docker_remove(ngx_pool_t *pool, ngx_str_t *version,
    ngx_str_t *id, ngx_http_faas_docker_request_t *req);
ngx_int_t ngx_http_faas_docker_inspect(ngx_pool_t *pool, ngx_str_t *version,
    ngx_str_t *id, ngx_http_faas_docker_request_t *req);

/* "name" is checked as an id is */
ngx_int_t ngx_http_faas_docker_rename(ngx_pool_t *pool, ngx_str_t *version,
    ngx_str_t *id, ngx_str_t *name, ngx_http_faas_docker_request_t *req);

ngx_int_t ngx_http_faas_docker_update(ngx_pool_t *pool, ngx_str_t *version,
    ngx_str_t *id, ngx_http_faas_docker_limits_t *limits,
    ngx_http_faas_docker_request_t *req);

/* "streams": NGX_HTTP_FAAS_DOCKER_STDOUT|STDERR; "since" 0: from the start */
ngx_int_t ngx_http_faas_docker_logs(ngx_pool_t *pool, ngx_str_t *version,
    ngx_str_t *id, ngx_uint_t streams, ngx_uint_t tail, time_t since,
    ngx_msec_t since_msec, ngx_http_faas_docker_request_t *req);

/*
 * "labels": ngx_str_t "K" or "K=V", all of which a container must have.  The
 * newest "limit" ones, 0 being all, of those created before that with the id
 * "before", which may be NULL or empty.
 */
ngx_int_t ngx_http_faas_docker_list(ngx_pool_t *pool, ngx_str_t *version,
    ngx_array_t *labels, ngx_uint_t limit, ngx_str_t *before,
    ngx_http_faas_docker_request_t *req);

/*
 * Die, oom, pause and destroy of containers, "labels" as above; a stream, a
 * line each, that does not end.  "since" is "SEC" or "SEC.NNNNNNNNN": first
 * what the engine still knows from then on, that very time included; it may
 * be NULL or empty.
 */
ngx_int_t ngx_http_faas_docker_events(ngx_pool_t *pool, ngx_str_t *version,
    ngx_array_t *labels, ngx_str_t *since,
    ngx_http_faas_docker_request_t *req);

/* the bytes of an HTTP/1.1 request, one a connection */
ngx_int_t ngx_http_faas_docker_serialize(ngx_pool_t *pool,
    ngx_http_faas_docker_request_t *req, ngx_str_t *out);


/* what a complete reply means; "body" may be anything */
ngx_http_faas_docker_outcome_e ngx_http_faas_docker_outcome(
    ngx_http_faas_docker_call_e call, ngx_uint_t status, ngx_str_t *body);

/* for the log: static strings */
ngx_str_t *ngx_http_faas_docker_outcome_name(
    ngx_http_faas_docker_outcome_e outcome);

/* the engine's own words on one line, at most 512 bytes, for the log */
ngx_int_t ngx_http_faas_docker_message(ngx_pool_t *pool, ngx_str_t *body,
    ngx_str_t *message);

/*
 * The API version to speak, a static string: "max" is the Api-Version header
 * of a ping, "min" the oldest the engine speaks, or empty when not known.
 * NGX_DECLINED when there is none in common, NGX_ERROR when not a version.
 */
ngx_int_t ngx_http_faas_docker_version(ngx_str_t *max, ngx_str_t *min,
    ngx_str_t *version);


/* parsers of the body of a reply whose outcome is OK */

ngx_int_t ngx_http_faas_docker_parse_create(ngx_pool_t *pool,
    ngx_str_t *body, ngx_str_t *id);
ngx_int_t ngx_http_faas_docker_parse_network(ngx_pool_t *pool,
    ngx_str_t *body, ngx_http_faas_docker_network_t *network);
ngx_int_t ngx_http_faas_docker_parse_inspect(ngx_pool_t *pool,
    ngx_str_t *body, ngx_http_faas_docker_state_t *state);

/* "containers": made here, of ngx_http_faas_docker_container_t */
ngx_int_t ngx_http_faas_docker_parse_list(ngx_pool_t *pool,
    ngx_str_t *body, ngx_array_t **containers);

/* the text of both streams in their order, its last "max" bytes */
ngx_int_t ngx_http_faas_docker_parse_logs(ngx_pool_t *pool,
    ngx_str_t *body, size_t max, ngx_str_t *text);

/* one line of the stream of events, with or without its end */
ngx_int_t ngx_http_faas_docker_parse_event(ngx_pool_t *pool,
    ngx_str_t *line, ngx_http_faas_docker_event_t *event);


#endif /* _NGX_HTTP_FAAS_DOCKER_H_INCLUDED_ */
