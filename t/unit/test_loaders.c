
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * What each runtime brings along: its loader and its filter of system calls.
 */


#include "ngx_http_faas.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <cjson/cJSON.h>
#include <stdlib.h>

#include "ngx_http_faas_unit_runtime.h"


int ngx_http_faas_test_loaders(void);

static void ngx_http_faas_test_loaders_loaders(void **state);
static void ngx_http_faas_test_loaders_seccomp(void **state);
static void ngx_http_faas_test_loaders_seccomp_other(void **state);
static ngx_uint_t ngx_http_faas_test_loaders_allowed(cJSON *profile,
    char *name);
static char *ngx_http_faas_test_loaders_profile(char *path, char *bytes,
    size_t len);
static void ngx_http_faas_test_loaders_rename(void **state);
static void ngx_http_faas_test_loaders_text(ngx_pool_t *pool, char **parts,
    char *file, ngx_str_t *text);
static void ngx_http_faas_test_loaders_equal(ngx_pool_t *pool, char **parts,
    char *file, ngx_str_t *text);


int
ngx_http_faas_test_loaders(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(ngx_http_faas_test_loaders_loaders),
        cmocka_unit_test(ngx_http_faas_test_loaders_seccomp),
        cmocka_unit_test(ngx_http_faas_test_loaders_seccomp_other),
        cmocka_unit_test(ngx_http_faas_test_loaders_rename)
    };

    return cmocka_run_group_tests_name("loaders", tests,
                                       ngx_http_faas_unit_text_setup,
                                       ngx_http_faas_unit_text_teardown);
}


/* the command of a container has the whole loader, and ends with a zero */

static void
ngx_http_faas_test_loaders_loaders(void **state)
{
    ngx_str_t    *arg, url, source;
    ngx_uint_t    i;
    ngx_array_t  *argv;

    argv = ngx_http_faas_runtime_entrypoint(*state,
                                            ngx_http_faas_unit_runtime_good(
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
                                            ngx_http_faas_unit_runtime_good(
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
ngx_http_faas_test_loaders_seccomp(void **state)
{
    char                     *action;
    cJSON                    *profile, *rule;
    ngx_uint_t                i;
    ngx_http_faas_runtime_t  *python, *deno;

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

    python = ngx_http_faas_unit_runtime_good(*state, "python");
    deno = ngx_http_faas_unit_runtime_good(*state, "deno");

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
        action = cJSON_GetStringValue(
                            cJSON_GetObjectItemCaseSensitive(rule, "action"));
        assert_non_null(action);

        assert_true(strcmp(action, "SCMP_ACT_ALLOW") == 0
                    || strcmp(action, "SCMP_ACT_ERRNO") == 0);
    }

    for (i = 0; i < sizeof(needed) / sizeof(char *); i++) {
        assert_true(ngx_http_faas_test_loaders_allowed(profile, needed[i]));
    }

    for (i = 0; i < sizeof(denied) / sizeof(char *); i++) {
        assert_false(ngx_http_faas_test_loaders_allowed(profile, denied[i]));
    }

    cJSON_Delete(profile);
}


static void
ngx_http_faas_test_loaders_seccomp_other(void **state)
{
    char                     *line, path[sizeof("/tmp/faas-unit.XXXXXX")];
    char                      args[64];
    ngx_uint_t                i;
    ngx_http_faas_runtime_t  *python, *other;

    static char  *wrong[] = { "", "{}", "[]", "x", "{\"defaultAction\":1}" };

    python = ngx_http_faas_unit_runtime_good(*state, "python");

    /* the engine's own */

    other = ngx_http_faas_unit_runtime_good(*state, "python seccomp=engine");
    assert_int_equal(other->seccomp.len, 0);
    assert_int_not_equal(other->kind, python->kind);

    /* a file's */

    line = ngx_http_faas_test_loaders_profile(path,
                                              "{\"defaultAction\":\"X\"}\n",
                                              22);

    (void) snprintf(args, sizeof(args), "python seccomp=%s", line);
    other = ngx_http_faas_unit_runtime_good(*state, args);

    assert_int_equal(other->seccomp.len, 22);
    assert_memory_equal(other->seccomp.data, "{\"defaultAction\":\"X\"}\n",
                        22);
    assert_int_not_equal(other->kind, python->kind);
    (void) unlink(path);

    assert_true(ngx_http_faas_unit_runtime_refused(*state, args));
    assert_true(ngx_http_faas_unit_runtime_refused(*state,
                                                   "python seccomp="));
    assert_true(ngx_http_faas_unit_runtime_refused(*state,
                                                   "python seccomp=/tmp"));

    for (i = 0; i < sizeof(wrong) / sizeof(char *); i++) {
        line = ngx_http_faas_test_loaders_profile(path, wrong[i],
                                                  strlen(wrong[i]));

        (void) snprintf(args, sizeof(args), "python seccomp=%s", line);
        assert_true(ngx_http_faas_unit_runtime_refused(*state, args));
        (void) unlink(path);
    }

    line = ngx_http_faas_test_loaders_profile(path,
                                              "{\"defaultAction\":\"X\"}\0",
                                              22);

    (void) snprintf(args, sizeof(args), "python seccomp=%s", line);
    assert_true(ngx_http_faas_unit_runtime_refused(*state, args));
    (void) unlink(path);
}


static ngx_uint_t
ngx_http_faas_test_loaders_allowed(cJSON *profile, char *name)
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
ngx_http_faas_test_loaders_profile(char *path, char *bytes, size_t len)
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
ngx_http_faas_test_loaders_rename(void **state)
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
            ngx_http_faas_test_loaders_text(*state, texts[j],
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

            ngx_http_faas_test_loaders_equal(*state, texts[j], files[i],
                                             &text);
            free(data);
        }
    }
}


/* the first two parts, with the file after each if the third says so */

static void
ngx_http_faas_test_loaders_text(ngx_pool_t *pool, char **parts, char *file,
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
ngx_http_faas_test_loaders_equal(ngx_pool_t *pool, char **parts, char *file,
    ngx_str_t *text)
{
    ngx_str_t  expected;

    ngx_http_faas_test_loaders_text(pool, parts, file, &expected);

    assert_int_equal(text->len, expected.len);
    assert_memory_equal(text->data, expected.data, expected.len);
}
