
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * The processor's trap flag has a SIGTRAP come after each instruction.
 */


#include "ngx_http_faas_unit_step.h"

#include <ucontext.h>


#define NGX_HTTP_FAAS_UNIT_STEP_TF  0x100


#if defined(__x86_64__)

static void ngx_http_faas_unit_step_handler(int signo, siginfo_t *info,
    void *context);
static ngx_uint_t ngx_http_faas_unit_step_slab(uintptr_t pc, uintptr_t *sp);


static ngx_http_faas_unit_step_t  *ngx_http_faas_unit_stepping;

/* where a call of the slab returns to, and the stack has room again, or 0 */

static uintptr_t                   ngx_http_faas_unit_step_pc;
static uintptr_t                  *ngx_http_faas_unit_step_sp;


ngx_int_t
ngx_http_faas_unit_step(ngx_http_faas_unit_step_t *step)
{
    struct sigaction  sa, old;

    step->steps = 0;
    step->slab = 0;

    ngx_memzero(&sa, sizeof(struct sigaction));

    sa.sa_sigaction = ngx_http_faas_unit_step_handler;
    sa.sa_flags = SA_SIGINFO;
    sigemptyset(&sa.sa_mask);

    if (sigaction(SIGTRAP, &sa, &old) == -1) {
        return NGX_ERROR;
    }

    ngx_http_faas_unit_step_pc = 0;
    ngx_http_faas_unit_stepping = step;

    (void) raise(SIGTRAP);

    step->run(step->data);

    /* the next trap is the last */

    ngx_http_faas_unit_stepping = NULL;
    ngx_memory_barrier();

    (void) sigaction(SIGTRAP, &old, NULL);

    return (step->steps > 1) ? NGX_OK : NGX_DECLINED;
}


static void
ngx_http_faas_unit_step_handler(int signo, siginfo_t *info, void *context)
{
    greg_t                     *regs;
    ucontext_t                 *uc;
    ngx_http_faas_unit_step_t  *step;

    uc = context;
    regs = uc->uc_mcontext.gregs;
    step = ngx_http_faas_unit_stepping;

    if (step == NULL) {
        regs[REG_EFL] &= ~NGX_HTTP_FAAS_UNIT_STEP_TF;
        return;
    }

    regs[REG_EFL] |= NGX_HTTP_FAAS_UNIT_STEP_TF;
    step->steps++;

    if (ngx_http_faas_unit_step_slab(regs[REG_RIP],
                                     (uintptr_t *) regs[REG_RSP]))
    {
        step->slab++;
        return;
    }

    step->look(step->data);
}


static ngx_uint_t
ngx_http_faas_unit_step_slab(uintptr_t pc, uintptr_t *sp)
{
    if (ngx_http_faas_unit_step_pc) {

        if (pc != ngx_http_faas_unit_step_pc
            || sp != ngx_http_faas_unit_step_sp)
        {
            return 1;
        }

        ngx_http_faas_unit_step_pc = 0;
        return 0;
    }

    if (pc != (uintptr_t) ngx_slab_alloc_locked
        && pc != (uintptr_t) ngx_slab_calloc_locked
        && pc != (uintptr_t) ngx_slab_free_locked)
    {
        return 0;
    }

    /* nothing is done yet: the first instruction may be looked at */

    ngx_http_faas_unit_step_pc = *sp;
    ngx_http_faas_unit_step_sp = sp + 1;

    return 0;
}

#else

ngx_int_t
ngx_http_faas_unit_step(ngx_http_faas_unit_step_t *step)
{
    return NGX_DECLINED;
}

#endif
