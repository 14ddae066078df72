
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * "faas_runtime": what it takes, and what two runtimes have in common.
 */


#include "ngx_http_faas.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <cjson/cJSON.h>
#include <stdlib.h>

#include "ngx_http_faas_runtime.h"


int ngx_http_faas_test_runtime(void);

static void ngx_http_faas_test_runtime_defaults(void **state);
static void ngx_http_faas_test_runtime_idle(void **state);
static void ngx_http_faas_test_runtime_parameters(void **state);
static void ngx_http_faas_test_runtime_invalid(void **state);
static void ngx_http_faas_test_runtime_several(void **state);
static void ngx_http_faas_test_runtime_kind(void **state);
static void ngx_http_faas_test_runtime_kind_same(void **state);
static void ngx_http_faas_test_runtime_pause(void **state);
static void ngx_http_faas_test_runtime_loaders(void **state);
static void ngx_http_faas_test_runtime_seccomp(void **state);
static ngx_uint_t ngx_http_faas_test_runtime_allowed(cJSON *profile,
    char *name);
static char *ngx_http_faas_test_runtime_profile(char *path, char *bytes,
    size_t len);
static void ngx_http_faas_test_runtime_rename(void **state);

static int ngx_http_faas_test_runtime_setup(void **state);
static int ngx_http_faas_test_runtime_teardown(void **state);
static ngx_array_t *ngx_http_faas_test_runtime_array(ngx_pool_t *pool);
static char *ngx_http_faas_test_runtime_add(ngx_pool_t *pool,
    ngx_array_t *runtimes, char *line);
static ngx_http_faas_runtime_t *ngx_http_faas_test_runtime_good(
    ngx_pool_t *pool, char *line);
static ngx_uint_t ngx_http_faas_test_runtime_refused(ngx_pool_t *pool,
    char *line);
static void ngx_http_faas_test_runtime_text(ngx_pool_t *pool, char **parts,
    char *file, ngx_str_t *text);
static void ngx_http_faas_test_runtime_equal(ngx_pool_t *pool, char **parts,
    char *file, ngx_str_t *text);


int
ngx_http_faas_test_runtime(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(ngx_http_faas_test_runtime_defaults),
        cmocka_unit_test(ngx_http_faas_test_runtime_idle),
        cmocka_unit_test(ngx_http_faas_test_runtime_parameters),
        cmocka_unit_test(ngx_http_faas_test_runtime_invalid),
        cmocka_unit_test(ngx_http_faas_test_runtime_several),
        cmocka_unit_test(ngx_http_faas_test_runtime_kind),
        cmocka_unit_test(ngx_http_faas_test_runtime_kind_same),
        cmocka_unit_test(ngx_http_faas_test_runtime_pause),
        cmocka_unit_test(ngx_http_faas_test_runtime_loaders),
        cmocka_unit_test(ngx_http_faas_test_runtime_seccomp),
        cmocka_unit_test(ngx_http_faas_test_runtime_rename)
    };

    return cmocka_run_group_tests_name("runtime", tests,
                                       ngx_http_faas_test_runtime_setup,
                                       ngx_http_faas_test_runtime_teardown);
}


static int
ngx_http_faas_test_runtime_setup(void **state)
{
    *state = ngx_create_pool(16384, ngx_cycle->log);

    return *state ? 0 : -1;
}


static int
ngx_http_faas_test_runtime_teardown(void **state)
{
    ngx_destroy_pool(*state);

    return 0;
}


static ngx_array_t *
ngx_http_faas_test_runtime_array(ngx_pool_t *pool)
{
    ngx_array_t  *runtimes;

    runtimes = ngx_array_create(pool, 2, sizeof(ngx_http_faas_runtime_t));
    assert_non_null(runtimes);

    return runtimes;
}


/* "faas_runtime LINE;" */

static char *
ngx_http_faas_test_runtime_add(ngx_pool_t *pool, ngx_array_t *runtimes,
    char *line)
{
    char        *p;
    ngx_log_t    log;
    ngx_str_t   *s;
    ngx_conf_t   cf;

    ngx_memzero(&log, sizeof(ngx_log_t));
    ngx_memzero(&cf, sizeof(ngx_conf_t));

    cf.log = &log;
    cf.pool = pool;
    cf.cycle = (ngx_cycle_t *) ngx_cycle;
    cf.args = ngx_array_create(pool, 4, sizeof(ngx_str_t));
    assert_non_null(cf.args);

    s = ngx_array_push(cf.args);
    assert_non_null(s);
    ngx_str_set(s, "faas_runtime");

    for ( ;; ) {
        for (p = line; *p && *p != ' '; p++) { /* void */ }

        s = ngx_array_push(cf.args);
        assert_non_null(s);

        /* terminated, as the parser of nginx has it */

        s->len = p - line;
        s->data = ngx_pnalloc(pool, s->len + 1);
        assert_non_null(s->data);
        *ngx_cpymem(s->data, line, s->len) = '\0';

        if (*p == '\0') {
            break;
        }

        line = p + 1;
    }

    return ngx_http_faas_runtime_add(&cf, runtimes);
}


/* it has to be right */

static ngx_http_faas_runtime_t *
ngx_http_faas_test_runtime_good(ngx_pool_t *pool, char *line)
{
    ngx_array_t  *runtimes;

    runtimes = ngx_http_faas_test_runtime_array(pool);
    assert_ptr_equal(ngx_http_faas_test_runtime_add(pool, runtimes, line),
                     NGX_CONF_OK);
    assert_int_equal(runtimes->nelts, 1);

    return runtimes->elts;
}


static ngx_uint_t
ngx_http_faas_test_runtime_refused(ngx_pool_t *pool, char *line)
{
    char  *rv;

    rv = ngx_http_faas_test_runtime_add(pool,
                                        ngx_http_faas_test_runtime_array(
                                                                        pool),
                                        line);

    return rv == NGX_CONF_ERROR;
}


static void
ngx_http_faas_test_runtime_defaults(void **state)
{
    ngx_array_t              *runtimes;
    ngx_http_faas_runtime_t  *rt, *named;

    runtimes = ngx_http_faas_test_runtime_array(*state);
    assert_int_equal(ngx_http_faas_runtime_defaults(NULL, runtimes), NGX_OK);
    assert_int_equal(runtimes->nelts, 2);
    rt = runtimes->elts;

    assert_int_equal(rt[0].scale.concurrency, 1);
    assert_int_equal(rt[1].scale.concurrency, 64);
    assert_int_equal(rt[0].scale.idle, 600000);
    assert_int_equal(rt[1].scale.idle, 600000);
    assert_int_equal(rt[0].prewarm, 2);
    assert_int_equal(rt[1].prewarm, 1);
    assert_int_equal(rt[0].start, 3000);
    assert_int_equal(rt[0].failures, 0);
    assert_int_not_equal(rt[0].kind, rt[1].kind);

    /* the same as the bare names */

    named = ngx_http_faas_test_runtime_good(*state, "python");
    assert_memory_equal(named, &rt[0], sizeof(ngx_http_faas_runtime_t));
    named = ngx_http_faas_test_runtime_good(*state, "deno");
    assert_memory_equal(named, &rt[1], sizeof(ngx_http_faas_runtime_t));
}


static void
ngx_http_faas_test_runtime_idle(void **state)
{
    ngx_uint_t  i;

    static struct {
        char        *line;
        ngx_msec_t   idle;
    } good[] = {
        { "python idle=10m", 600000 },
        { "python idle=1", 1000 },
        { "python idle=1s", 1000 },
        { "python idle=1ms", 1 },
        { "python idle=90s", 90000 },
        { "python idle=1m30s", 90000 },
        { "python idle=2h", 7200000 },
        { "python idle=7d", 604800000 },
        { "python idle=off", 0 },
        { "python idle=5s idle=off", 0 },
        { "deno prewarm=3 idle=20s pids=50", 20000 }
    };

    static char  *bad[] = {
        "python idle=", "python idle=0", "python idle=0s", "python idle=-1",
        "python idle=on", "python idle=OFF", "python idle=offf",
        "python idle=of", "python idle=5x", "python idle=s",
        "python idle=1.5",
        "python idle=99999999999999999999", "python idle",
        "python idle=9223372036854775807d", "python Idle=5s"
    };

    for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_int_equal(ngx_http_faas_test_runtime_good(*state,
                                                         good[i].line)->scale.idle,
                         good[i].idle);
    }

    for (i = 0; i < sizeof(bad) / sizeof(char *); i++) {
        assert_true(ngx_http_faas_test_runtime_refused(*state, bad[i]));
    }
}


/* each to its limits */

static void
ngx_http_faas_test_runtime_parameters(void **state)
{
    ngx_http_faas_runtime_t  *rt;

    rt = ngx_http_faas_test_runtime_good(*state,
                       "python ext=.p image=x concurrency=65535 prewarm=256 "
                       "pids=32768 memory=8m tmpfs=64k "
                       "cpus=0.01 start_timeout=1ms");
    assert_int_equal(rt->ext.len, 2);
    assert_int_equal(rt->image.len, 1);
    assert_int_equal(rt->scale.concurrency, 65535);
    assert_int_equal(rt->prewarm, 256);
    assert_int_equal(rt->pids, 32768);
    assert_int_equal(rt->memory, 8 * 1024 * 1024);
    assert_int_equal(rt->tmpfs, 64 * 1024);
    assert_int_equal(rt->nano_cpus, 10000000);
    assert_int_equal(rt->start, 1);

    rt = ngx_http_faas_test_runtime_good(*state,
                       "deno ext=.tsx1234 image=a/b:c@d concurrency=1 "
                       "prewarm=0 pids=8 memory=2g tmpfs=1g "
                       "cpus=1024 start_timeout=1m");
    assert_int_equal(rt->ext.len, 8);
    assert_memory_equal(rt->image.data, "a/b:c@d", 7);
    assert_int_equal(rt->scale.concurrency, 1);
    assert_int_equal(rt->prewarm, 0);
    assert_int_equal(rt->pids, 8);
    assert_int_equal(rt->memory, (off_t) 2 * 1024 * 1024 * 1024);
    assert_int_equal(rt->nano_cpus, (int64_t) 1024 * 1000000000);
    assert_int_equal(rt->start, 60000);

    assert_int_equal(ngx_http_faas_test_runtime_good(*state,

                                                "python cpus=0.5")->nano_cpus,
                     500000000);
    assert_int_equal(ngx_http_faas_test_runtime_good(*state,

                                               "python cpus=1.25")->nano_cpus,
                     1250000000);
    assert_int_equal(ngx_http_faas_test_runtime_good(*state,

                                                  "python cpus=2")->nano_cpus,
                     2000000000);
}


static void
ngx_http_faas_test_runtime_invalid(void **state)
{
    ngx_uint_t  i;

    static char  *bad[] = {
        "ruby", "", "pytho", "pythonn", "Python",
        "python x", "python =", "python x=1", "python idle5s",
        "python ext=", "python ext=.", "python ext=py",
        "python ext=.12345678",
        "python ext=.p/y", "python ext=..", "python ext=.p_y",
        "python image=",
        "python concurrency=", "python concurrency=0",
        "python concurrency=-1",
        "python concurrency=65536", "python concurrency=1x",
        "python prewarm=", "python prewarm=-1", "python prewarm=257",
        "python prewarm=off", "python prewarm=99999999999999999999",
        "python pids=7", "python pids=32769", "python pids=",
        "python memory=", "python memory=8191k", "python memory=x",
        "python memory=-1m", "python memory=99999999999999999999g",
        "python tmpfs=65535", "python tmpfs=",
        "python cpus=", "python cpus=0", "python cpus=0.001",
        "python cpus=-1", "python cpus=1024.01", "python cpus=x",
        "python cpus=99999999999999999999",
        "python start_timeout=", "python start_timeout=0",
        "python start_timeout=x", "python start_timeout=-1"
    };

    for (i = 0; i < sizeof(bad) / sizeof(char *); i++) {
        assert_true(ngx_http_faas_test_runtime_refused(*state, bad[i]));
    }
}


/* one of each, and no extension twice */

static void
ngx_http_faas_test_runtime_several(void **state)
{
    char         *rv;
    ngx_array_t  *runtimes;

    runtimes = ngx_http_faas_test_runtime_array(*state);
    assert_ptr_equal(ngx_http_faas_test_runtime_add(*state, runtimes,
                                                    "python"),
                     NGX_CONF_OK);

    rv = ngx_http_faas_test_runtime_add(*state, runtimes,
                                        "python image=other");
    assert_ptr_not_equal(rv, NGX_CONF_OK);
    assert_ptr_not_equal(rv, NGX_CONF_ERROR);
    assert_string_equal(rv, "is duplicate");

    assert_ptr_equal(ngx_http_faas_test_runtime_add(*state, runtimes,
                                                    "deno ext=.py"),
                     NGX_CONF_ERROR);

    runtimes = ngx_http_faas_test_runtime_array(*state);
    assert_ptr_equal(ngx_http_faas_test_runtime_add(*state, runtimes,
                                                    "deno ext=.py"),
                     NGX_CONF_OK);
    assert_ptr_equal(ngx_http_faas_test_runtime_add(*state, runtimes,
                                                    "python ext=.ts"),
                     NGX_CONF_OK);
    assert_int_equal(runtimes->nelts, 2);
}


/* all that a container cannot change any more makes another kind */

static void
ngx_http_faas_test_runtime_kind(void **state)
{
    uint32_t    kinds[20];
    ngx_uint_t  i, j, n;

    static char  *lines[] = {
        "python",
        "deno",
        "python image=faas-python:2",
        "python image=faas-pytho",
        "python memory=129m",
        "python memory=134217729",
        "python memory=5g",
        "python tmpfs=65m",
        "python tmpfs=128m memory=64m",
        "python cpus=0.99",
        "python cpus=2",
        "python pids=65",
        "python concurrency=2",
        "python concurrency=64",
        "python concurrency=2 pids=65"
    };

    n = sizeof(lines) / sizeof(char *);

    for (i = 0; i < n; i++) {
        kinds[i] = ngx_http_faas_test_runtime_good(*state, lines[i])->kind;

        for (j = 0; j < i; j++) {
            assert_int_not_equal(kinds[i], kinds[j]);
        }
    }
}


/* a reload that changes the rest keeps the containers */

static void
ngx_http_faas_test_runtime_kind_same(void **state)
{
    uint32_t    kind;
    ngx_uint_t  i;

    static char  *lines[] = {
        "python ext=.py",
        "python ext=.foo",
        "python prewarm=7",
        "python start_timeout=9s",
        "python idle=off",
        "python idle=1s prewarm=0",
        "python image=faas-python memory=128m tmpfs=64m "
        "cpus=1 pids=64 concurrency=1",
        "python memory=131072k cpus=1.00"
    };

    kind = ngx_http_faas_test_runtime_good(*state, "python")->kind;

    for (i = 0; i < sizeof(lines) / sizeof(char *); i++) {
        assert_int_equal(ngx_http_faas_test_runtime_good(*state,
                                                         lines[i])->kind,
                         kind);
    }
}


/* a spare that fails is tried later each time, but never much too late */

static void
ngx_http_faas_test_runtime_pause(void **state)
{
    ngx_uint_t                i;
    ngx_msec_t                wait;
    ngx_http_faas_runtime_t  *rt;

    rt = ngx_http_faas_test_runtime_good(*state, "python");
    ngx_current_msec = 1000;
    wait = 0;

    for (i = 0; i < 100; i++) {
        ngx_http_faas_runtime_pause(rt);

        assert_true(rt->patience - ngx_current_msec >= wait);
        wait = rt->patience - ngx_current_msec;

        assert_in_range(wait, 1000, 15 * 60 * 1000);

        if (i == 0) {
            assert_in_range(wait, 1000, 10000);
        }
    }

    assert_in_range(wait, 5 * 60 * 1000, 15 * 60 * 1000);

    ngx_current_msec = 0;
}


/* the command of a container has the whole loader, and ends with a zero */

static void
ngx_http_faas_test_runtime_loaders(void **state)
{
    ngx_str_t    *arg, url, source;
    ngx_uint_t    i;
    ngx_array_t  *argv;

    argv = ngx_http_faas_runtime_entrypoint(*state,
                                            ngx_http_faas_test_runtime_good(
                                                                       *state,

                                                                   "python"));
    assert_non_null(argv);
    arg = argv->elts;

    assert_int_equal(argv->nelts, 4);
    assert_string_equal(arg[0].data, "python3");
    assert_string_equal(arg[2].data, "-c");
    assert_true(arg[3].len > 1000);
    assert_int_equal(arg[3].len, ngx_strlen(arg[3].data));

    argv = ngx_http_faas_runtime_entrypoint(*state,
                                            ngx_http_faas_test_runtime_good(
                                                                       *state,

                                                                     "deno"));
    assert_non_null(argv);
    arg = argv->elts;

    for (i = 0; i < argv->nelts; i++) {
        assert_int_equal(arg[i].len, ngx_strlen(arg[i].data));
    }

    assert_string_equal(arg[0].data, "deno");
    assert_string_equal(arg[i - 1].data, "/tmp/function.ts");

    url = arg[i - 2];
    assert_memory_equal(url.data, "data:application/javascript;base64,", 35);
    url.data += 35;
    url.len -= 35;

    source.data = ngx_pnalloc(*state, ngx_base64_decoded_length(url.len));
    assert_non_null(source.data);
    assert_int_equal(ngx_decode_base64(&source, &url), NGX_OK);
    assert_true(source.len > 1000);
}


/* nothing is allowed but by its name, and what no function needs is not */

static void
ngx_http_faas_test_runtime_seccomp(void **state)
{
    char                     *line, path[sizeof("/tmp/faas-unit.XXXXXX")];
    char                      args[64];
    cJSON                    *profile, *rule;
    ngx_uint_t                i;
    ngx_http_faas_runtime_t  *python, *deno, *other;

    static char  *needed[] = {
        "openat", "read", "write", "close", "mmap", "mprotect", "futex",
        "clone", "execve", "wait4", "socket", "accept4", "epoll_wait",
        "epoll_pwait", "getrandom", "rt_sigreturn", "exit_group", "prctl",
        "pkey_alloc", "sched_getaffinity"
    };

    static char  *denied[] = {
        "io_uring_setup", "io_uring_enter", "io_uring_register", "ptrace",
        "process_vm_readv", "process_vm_writev", "process_madvise",
        "process_mrelease", "pidfd_getfd", "kcmp", "keyctl", "add_key",
        "request_key", "userfaultfd", "bpf", "perf_event_open", "unshare",
        "setns", "mount", "umount", "umount2", "pivot_root", "chroot",
        "fsopen", "fsmount", "move_mount", "open_tree", "mount_setattr",
        "swapon", "swapoff", "reboot", "kexec_load", "kexec_file_load",
        "init_module", "finit_module", "delete_module", "iopl", "ioperm",
        "acct", "quotactl", "syslog", "settimeofday", "clock_settime",
        "clock_adjtime", "adjtimex", "sethostname", "setdomainname",
        "name_to_handle_at", "open_by_handle_at", "fanotify_init",
        "fanotify_mark", "lookup_dcookie", "modify_ldt", "personality",
        "vmsplice", "remap_file_pages", "mbind", "set_mempolicy",
        "move_pages", "migrate_pages", "vhangup", "uselib", "nfsservctl",
        "clone3"
    };

    static char  *wrong[] = { "", "{}", "[]", "x", "{\"defaultAction\":1}" };

    python = ngx_http_faas_test_runtime_good(*state, "python");
    deno = ngx_http_faas_test_runtime_good(*state, "deno");

    assert_int_equal(python->seccomp.len, deno->seccomp.len);
    assert_memory_equal(python->seccomp.data, deno->seccomp.data,
                        deno->seccomp.len);

    profile = cJSON_ParseWithLength((char *) python->seccomp.data,
                                    python->seccomp.len);
    assert_non_null(profile);

    assert_string_equal(
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(profile,
                                                          "defaultAction")),
        "SCMP_ACT_ERRNO");

    cJSON_ArrayForEach(rule, cJSON_GetObjectItemCaseSensitive(profile,
                                                              "syscalls"))
    {
        line = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(rule,
                                                                  "action"));
        assert_non_null(line);

        assert_true(strcmp(line, "SCMP_ACT_ALLOW") == 0
                    || strcmp(line, "SCMP_ACT_ERRNO") == 0);
    }

    for (i = 0; i < sizeof(needed) / sizeof(char *); i++) {
        assert_true(ngx_http_faas_test_runtime_allowed(profile, needed[i]));
    }

    for (i = 0; i < sizeof(denied) / sizeof(char *); i++) {
        assert_false(ngx_http_faas_test_runtime_allowed(profile, denied[i]));
    }

    cJSON_Delete(profile);

    /* the engine's own */

    other = ngx_http_faas_test_runtime_good(*state, "python seccomp=engine");
    assert_int_equal(other->seccomp.len, 0);
    assert_int_not_equal(other->kind, python->kind);

    /* a file's */

    line = ngx_http_faas_test_runtime_profile(path,
                                              "{\"defaultAction\":\"X\"}\n",
                                              22);

    (void) snprintf(args, sizeof(args), "python seccomp=%s", line);
    other = ngx_http_faas_test_runtime_good(*state, args);

    assert_int_equal(other->seccomp.len, 22);
    assert_memory_equal(other->seccomp.data, "{\"defaultAction\":\"X\"}\n",
                        22);
    assert_int_not_equal(other->kind, python->kind);
    (void) unlink(path);

    assert_true(ngx_http_faas_test_runtime_refused(*state, args));
    assert_true(ngx_http_faas_test_runtime_refused(*state,
                                                   "python seccomp="));
    assert_true(ngx_http_faas_test_runtime_refused(*state,
                                                   "python seccomp=/tmp"));

    for (i = 0; i < sizeof(wrong) / sizeof(char *); i++) {
        line = ngx_http_faas_test_runtime_profile(path, wrong[i],
                                                  strlen(wrong[i]));

        (void) snprintf(args, sizeof(args), "python seccomp=%s", line);
        assert_true(ngx_http_faas_test_runtime_refused(*state, args));
        (void) unlink(path);
    }

    line = ngx_http_faas_test_runtime_profile(path,
                                              "{\"defaultAction\":\"X\"}\0",
                                              22);

    (void) snprintf(args, sizeof(args), "python seccomp=%s", line);
    assert_true(ngx_http_faas_test_runtime_refused(*state, args));
    (void) unlink(path);
}


static ngx_uint_t
ngx_http_faas_test_runtime_allowed(cJSON *profile, char *name)
{
    char   *action;
    cJSON  *rule, *item;

    cJSON_ArrayForEach(rule, cJSON_GetObjectItemCaseSensitive(profile,
                                                              "syscalls"))
    {
        action = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(rule,
                                                                  "action"));

        cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(rule,
                                                                  "names"))
        {
            if (strcmp(cJSON_GetStringValue(item), name) == 0
                && strcmp(action, "SCMP_ACT_ALLOW") == 0)
            {
                return 1;
            }
        }
    }

    return 0;
}


static char *
ngx_http_faas_test_runtime_profile(char *path, char *bytes, size_t len)
{
    int  fd;

    strcpy(path, "/tmp/faas-unit.XXXXXX");

    fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, len), len);
    assert_int_equal(close(fd), 0);

    return path;
}


/* a traceback speaks of the function's own file, however often */

static void
ngx_http_faas_test_runtime_rename(void **state)
{
    size_t       len;
    u_char      *data;
    ngx_str_t    text, file;
    ngx_uint_t   i, j;

    static char  *files[] = {
        "greet.ts", "x", "", "longer-than-the-url-of-the-loader-is.ts"
    };

    static char  *texts[][3] = {
        { "", "", "" },
        { "no file", "", "" },
        { "file:///tmp/function.t", "", "" },
        { "file:///tmp/function.tS file:///tmp/functio", "", "" },
        { "", "", "END" },
        { "at ", ":1:5", "END" },
        { "at file:///tmp/", ":1:5\n    at f (", "END" },
        { "file:///tmp/function.", "file://", "END" }
    };

    for (i = 0; i < 4; i++) {
        file.data = (u_char *) files[i];
        file.len = ngx_strlen(files[i]);

        for (j = 0; j < 8; j++) {
            ngx_http_faas_test_runtime_text(*state, texts[j],
                                            "file:///tmp/function.ts", &text);

            /* in memory that ends where the text does */

            len = text.len;
            data = malloc(len + (len == 0));
            assert_non_null(data);
            ngx_memcpy(data, text.data, len);
            text.data = data;

            assert_int_equal(ngx_http_faas_runtime_rename(*state, &file,
                                                          &text),
                             NGX_OK);

            ngx_http_faas_test_runtime_equal(*state, texts[j], files[i],
                                             &text);
            free(data);
        }
    }
}


/* the first two parts, with the file after each if the third says so */

static void
ngx_http_faas_test_runtime_text(ngx_pool_t *pool, char **parts, char *file,
    ngx_str_t *text)
{
    u_char  *p;
    char    *name;

    name = parts[2][0] ? file : "";

    p = ngx_pnalloc(pool, 1024);
    assert_non_null(p);

    text->data = p;
    p = ngx_sprintf(p, "%s%s%s%s", parts[0], name, parts[1], name);
    text->len = p - text->data;
}


static void
ngx_http_faas_test_runtime_equal(ngx_pool_t *pool, char **parts, char *file,
    ngx_str_t *text)
{
    ngx_str_t  expected;

    ngx_http_faas_test_runtime_text(pool, parts, file, &expected);

    assert_int_equal(text->len, expected.len);
    assert_memory_equal(text->data, expected.data, expected.len);
}
