
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Loaded before the runtime of ASan: fails the n-th allocation that a worker
 * makes once it is armed.  Where that is asked and told is a file that all
 * map, its path in FAAS_TORTURE.  The calls of slab functions come here by
 * --wrap of the module's linker, those of malloc() and its kind by LD_PRELOAD.
 */


#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>


#define NGX_PROCESS_WORKER  3

#define TORTURE_MALLOC      1
#define TORTURE_SLAB        2


/* see 900-alloc.pl, which reads and writes it */

typedef struct {
    uint32_t    kind;         /* 0 while not armed */
    uint32_t    n;
    uint32_t    count;
} torture_t;


void *__interceptor_malloc(size_t size);
void *__interceptor_calloc(size_t n, size_t size);
void *__interceptor_realloc(void *p, size_t size);
int __interceptor_posix_memalign(void **p, size_t align, size_t size);

void *ngx_slab_alloc_locked(void *pool, size_t size) __attribute__((weak));
void *ngx_slab_calloc_locked(void *pool, size_t size) __attribute__((weak));
void *ngx_slab_calloc(void *pool, size_t size) __attribute__((weak));

void *__wrap_ngx_slab_alloc_locked(void *pool, size_t size);
void *__wrap_ngx_slab_calloc_locked(void *pool, size_t size);
void *__wrap_ngx_slab_calloc(void *pool, size_t size);

extern uintptr_t  ngx_process __attribute__((weak));

static volatile torture_t  *torture;


__attribute__((constructor)) static void
torture_init(void)
{
    int          fd;
    void        *p;
    const char  *path;

    path = getenv("FAAS_TORTURE");
    if (path == NULL) {
        return;
    }

    fd = open(path, O_RDWR);
    if (fd == -1) {
        abort();
    }

    p = mmap(NULL, sizeof(torture_t), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
             0);

    close(fd);

    if (p == MAP_FAILED) {
        abort();
    }

    torture = p;
}


static int
torture_fails(uint32_t kind)
{
    if (torture == NULL || torture->kind != kind || &ngx_process == NULL
        || ngx_process != NGX_PROCESS_WORKER)
    {
        return 0;
    }

    if (++torture->count != torture->n) {
        return 0;
    }

    errno = ENOMEM;

    return 1;
}


void *
malloc(size_t size)
{
    return torture_fails(TORTURE_MALLOC) ? NULL : __interceptor_malloc(size);
}


void *
calloc(size_t n, size_t size)
{
    return torture_fails(TORTURE_MALLOC) ? NULL
                                         : __interceptor_calloc(n, size);
}


void *
realloc(void *p, size_t size)
{
    return torture_fails(TORTURE_MALLOC) ? NULL
                                         : __interceptor_realloc(p, size);
}


int
posix_memalign(void **p, size_t align, size_t size)
{
    return torture_fails(TORTURE_MALLOC)
           ? ENOMEM : __interceptor_posix_memalign(p, align, size);
}


void *
__wrap_ngx_slab_alloc_locked(void *pool, size_t size)
{
    return torture_fails(TORTURE_SLAB) ? NULL
                                       : ngx_slab_alloc_locked(pool, size);
}


void *
__wrap_ngx_slab_calloc_locked(void *pool, size_t size)
{
    return torture_fails(TORTURE_SLAB) ? NULL
                                       : ngx_slab_calloc_locked(pool, size);
}


void *
__wrap_ngx_slab_calloc(void *pool, size_t size)
{
    return torture_fails(TORTURE_SLAB) ? NULL : ngx_slab_calloc(pool, size);
}
