
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * The layout of the shared zone, and what all its users need: the mapping
 * and the lock.  Everything below *_sh_t, *_function_t, *_instance_t,
 * *_lease_t and *_worker_t lives in the zone and may be reached only under
 * its lock; pointers in it are good in every worker of one master.
 */


#ifndef _NGX_HTTP_FAAS_ZONE_H_INCLUDED_
#define _NGX_HTTP_FAAS_ZONE_H_INCLUDED_


#include "ngx_http_faas.h"


/* changes with every change of a structure below */
#define NGX_HTTP_FAAS_LAYOUT  0x6661000e


typedef struct ngx_http_faas_function_s  ngx_http_faas_function_t;
typedef struct ngx_http_faas_instance_s  ngx_http_faas_instance_t;
typedef struct ngx_http_faas_worker_s    ngx_http_faas_worker_t;
typedef struct ngx_http_faas_lease_s     ngx_http_faas_lease_t;


/*
 * EMPTY -> CREATING ------------> LOADING -> READY -> DRAINING -> DEAD
 *   ^       |    ^                   any living state -> DEAD      |
 *   |       v    | claimed                                         v
 *   |       SPARE                                               REMOVING
 *   +------------- the engine confirmed the removal ---------------+
 *
 * CREATING: a process, the owner, brings a loader up, or to its function.
 * SPARE: a loader that stands ready, and has no function yet.
 * FOREIGN: not ours, another zone of that name uses the address; then EMPTY.
 */

typedef enum {
    NGX_HTTP_FAAS_EMPTY = 0,
    NGX_HTTP_FAAS_CREATING,
    NGX_HTTP_FAAS_SPARE,
    NGX_HTTP_FAAS_LOADING,
    NGX_HTTP_FAAS_READY,
    NGX_HTTP_FAAS_DRAINING,
    NGX_HTTP_FAAS_DEAD,
    NGX_HTTP_FAAS_REMOVING,
    NGX_HTTP_FAAS_FOREIGN
} ngx_http_faas_instance_state_e;


typedef enum {
    NGX_HTTP_FAAS_LEASE_WAITING = 0,    /* in function->waiting */
    NGX_HTTP_FAAS_LEASE_HELD,           /* in instance->leases */
    NGX_HTTP_FAAS_LEASE_LOST,           /* the instance died under it */
    NGX_HTTP_FAAS_LEASE_RETRY,          /* ask for admission again */
    NGX_HTTP_FAAS_LEASE_FAILED          /* lease->report says why */
} ngx_http_faas_lease_state_e;


/* what went wrong with a start, shared by all who waited for it */

typedef struct {
    ngx_uint_t                       refs;
    ngx_uint_t                       status;  /* HTTP; 0: the function's */
    size_t                           len;
    u_char                           data[1];
} ngx_http_faas_report_t;


/* how many serve a function, and how many may wait for it */

typedef struct {
    ngx_uint_t                       concurrency;   /* of an instance */
    ngx_uint_t                       max_instances;
    ngx_uint_t                       min_instances; /* stay when idle */
    ngx_uint_t                       queue;         /* requests */
    ngx_msec_t                       queue_timeout;
    ngx_msec_t                       idle;          /* 0: never too long */
    ngx_msec_t                       timeout;       /* of a call; 0: none */
} ngx_http_faas_scale_t;


/* what a request is told of the instance that it holds a slot on */

typedef struct {
    ngx_uint_t                       slot;
    ngx_uint_t                       concurrency;
    u_char                           id[NGX_HTTP_FAAS_ID_LEN];
} ngx_http_faas_seat_t;


/* a function as somebody found it in the directory */

typedef struct {
    ngx_str_t                        name;
    ngx_http_faas_identity_t         identity;
    ngx_http_faas_identity_t         sidecar;   /* zeroes: it has none */
    uint32_t                         kind;      /* of its runtime */
    uint32_t                         policy;    /* of the configuration */
    ngx_http_faas_scale_t            scale;     /* read, or that in force */
    u_char                          *revision;  /* NULL: not read yet */
    ngx_uint_t                       version;   /* before it was read */
    unsigned                         racy:1;
    unsigned                         looked:1;  /* "sidecar" is set */
    ngx_http_faas_seat_t             seat;      /* once there is one */
} ngx_http_faas_want_t;


struct ngx_http_faas_function_s {
    ngx_rbtree_node_t                node;
    ngx_queue_t                      all;       /* sh->all */
    ngx_queue_t                      instances;
    ngx_queue_t                      waiting;   /* leases, first come first */
    ngx_uint_t                       nwaiting;
    ngx_http_faas_scale_t            scale;
    ngx_http_faas_identity_t         identity;
    ngx_http_faas_identity_t         sidecar;
    ngx_msec_t                       looked;    /* for the sidecar */
    ngx_uint_t                       version;   /* counts its revisions */
    ngx_uint_t                       failed;    /* the one not to start */
    uint32_t                         kind;
    uint32_t                         policy;
    u_char                           revision[NGX_HTTP_FAAS_REVISION_LEN];
    unsigned                         pinned:1;  /* somebody sees to it now */
    unsigned                         known:1;   /* identity and revision */
    unsigned                         racy:1;    /* young file: look again */
    u_short                          len;
    u_char                           name[1];
};


struct ngx_http_faas_instance_s {
    ngx_queue_t                      queue;     /* the list of its state */
    ngx_queue_t                      turn;      /* sh->turns */
    ngx_queue_t                      leases;
    ngx_http_faas_function_t        *function;  /* NULL: spare, or dead */
    ngx_pid_t                        owner;     /* drives it now, or 0 */
    ngx_msec_t                       since;     /* in this state */
    ngx_msec_t                       used;      /* the last time */
    ngx_msec_t                       idle;      /* to live unused; 0: on */
    ngx_uint_t                       slot;      /* also its address */
    ngx_uint_t                       generation;
    ngx_uint_t                       version;   /* of the function */
    ngx_uint_t                       concurrency;
    ngx_uint_t                       active;    /* leases held */
    ngx_uint_t                       state;
    uint32_t                         epoch;     /* of the zone it began in */
    uint32_t                         kind;      /* of its runtime */
    u_char                           revision[NGX_HTTP_FAAS_REVISION_LEN];
    u_char                           token[NGX_HTTP_FAAS_TOKEN_LEN];
    u_char                           id[NGX_HTTP_FAAS_ID_LEN];
    unsigned                         identified:1;  /* "id" is known */
    unsigned                         warm:1;    /* it was a spare */
    unsigned                         turning:1; /* in sh->turns */
    unsigned                         starting:1;    /* in sh->starting */
    unsigned                         gone:1;    /* its process has ended */
    unsigned                         vain:1;    /* its removal has failed */
};


struct ngx_http_faas_lease_s {
    ngx_queue_t                      queue;     /* function, or instance */
    ngx_queue_t                      all;       /* worker->leases */
    ngx_queue_t                      wake;      /* worker->wakes */
    ngx_http_faas_function_t        *function;  /* while waiting */
    ngx_http_faas_instance_t        *instance;  /* while held */
    ngx_http_faas_worker_t          *worker;
    ngx_http_faas_report_t          *report;
    void                            *data;      /* of the worker's own */
    ngx_uint_t                       version;   /* this one or a later one */
    ngx_http_faas_lease_t           *next;      /* worker->free */
    ngx_uint_t                       nfree;     /* this and those after it */
    unsigned                         state:4;
    unsigned                         notified:1;
};


struct ngx_http_faas_worker_s {
    ngx_queue_t                      queue;
    ngx_queue_t                      leases;
    ngx_queue_t                      wakes;
    ngx_http_faas_lease_t           *free;      /* for its next requests */
    ngx_pid_t                        pid;
    uint32_t                         slot;      /* its eventfd */
};


typedef struct {
    ngx_uint_t                       layout;
    ngx_pid_t                        holder;    /* of the lock, or 0 */
    ngx_rbtree_t                     functions;
    ngx_rbtree_node_t                sentinel;
    ngx_queue_t                      all;       /* functions, unordered */
    ngx_queue_t                      workers;
    ngx_queue_t                      empty;     /* longest empty first */
    ngx_queue_t                      dead;      /* DEAD and REMOVING */
    ngx_queue_t                      spares;    /* or on the way to it */
    ngx_queue_t                      turns;     /* who waits to be started */
    ngx_queue_t                      crews;     /* of commands */
    ngx_uint_t                       starting;  /* by the engine, now */

    uint32_t                         epoch;     /* of this zone, random */
    uint32_t                         foreign;   /* another one, alive, or 0 */

    ngx_pid_t                        keeper;
    ngx_msec_t                       keeper_beat;
    ngx_msec_t                       claimed;   /* when a spare was last */
    ngx_uint_t                       topup;     /* spares may be missing */

    ngx_uint_t                       engine_ready;
    ngx_uint_t                       settled;   /* adoption was tried */
    ngx_uint_t                       swept;     /* the engine's list, seen */
    ngx_msec_t                       resweep;   /* and again then, or 0 */
    ngx_msec_t                       patience;  /* no engine before this */
    ngx_uint_t                       lost;      /* and so it was logged */
    ngx_msec_t                       stalled;   /* no start before this */
    ngx_uint_t                       warned;    /* of the open host */
    u_char                           events[24];    /* "SEC.NANO", so far */
    in_addr_t                        network;   /* host byte order */
    u_char                           api[8];    /* version, "1.41" */

    ngx_uint_t                       ninstances;
    ngx_http_faas_instance_t        *instances;
} ngx_http_faas_sh_t;


/* one a cycle: the process's own view */

typedef struct {
    ngx_http_faas_sh_t              *sh;
    ngx_slab_pool_t                 *shpool;
    ngx_http_faas_worker_t          *worker;    /* this process */
    ngx_str_t                        name;
    uint32_t                         owner;     /* of prefix and name */
    ngx_uint_t                       starts;    /* at a time */
    int                              beacon;    /* see the epoch unit */
    ngx_array_t                     *efds;      /* int, one a worker slot */
    uint64_t                         rings[NGX_MAX_PROCESSES / 64];
    ngx_pid_t                        killed;    /* to be told of, or 0 */
    unsigned                         ringing:1; /* some bit of rings is set */
    unsigned                         keep:1;    /* faas_on_error */
} ngx_http_faas_zone_t;


/*
 * Adds to a list that nothing else tells of.  Whoever is killed, all of it is
 * there for the repair, which goes by "prev"; the compiler may not set the
 * head's before the item's.
 */

#define ngx_http_faas_zone_append(list, item)                                \
    (item)->prev = (list)->prev;                                             \
    ngx_memory_barrier();                                                    \
    ngx_queue_insert_tail(list, item)


/*
 * Reserves the shared zone of the given size for "zone", which must live as
 * long as the cycle; "tag" is the module.  NGX_CONF_OK or NGX_CONF_ERROR,
 * logged.
 */
char *ngx_http_faas_zone_add(ngx_conf_t *cf, ngx_http_faas_zone_t *zone,
    size_t size, void *tag);

/* locks, and repairs the zone if the last who did was killed meanwhile */
void ngx_http_faas_zone_lock(ngx_http_faas_zone_t *zone);

/*
 * Under the lock: zeroed memory of the zone, that of the leases which workers
 * keep if there is no other, or NULL.
 */
void *ngx_http_faas_zone_alloc(ngx_http_faas_zone_t *zone, size_t size);

/* marks the bell of a worker slot, to be rung once the lock is gone */
void ngx_http_faas_zone_ring(ngx_http_faas_zone_t *zone, ngx_uint_t slot);

/* unlocks, then rings the marked bells */
void ngx_http_faas_zone_unlock(ngx_http_faas_zone_t *zone);


#endif /* _NGX_HTTP_FAAS_ZONE_H_INCLUDED_ */
