
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Linked into an nginx with ASan: what is lost is looked for in workers only.
 * Other processes of nginx end without a look at what they have: the one that
 * becomes a daemon, "-t", "-s".  Modules stay loaded to the very end: their
 * variables are where what was allocated is found.
 */


#include <stdint.h>


#define NGX_PROCESS_WORKER  3


/* weak, for programs that configure tries */
extern uintptr_t  ngx_process __attribute__((weak));

int __lsan_is_turned_off(void);
int dlclose(void *handle);


int
__lsan_is_turned_off(void)
{
    return &ngx_process == 0 || ngx_process != NGX_PROCESS_WORKER;
}


int
dlclose(void *handle)
{
    (void) handle;

    return 0;
}
