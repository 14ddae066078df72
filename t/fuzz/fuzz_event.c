
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * The stream of the engine's events, after the size of a step and how long the
 * first line is before it; with an instance that some of them may be about.
 */


#include "ngx_http_faas_fuzz.h"
#include "ngx_http_faas_curl.h"
#include "ngx_http_faas_events.h"
#include "ngx_http_faas_instance.h"


#define NGX_HTTP_FAAS_FUZZ_EVENT_LINE  32768

#define NGX_HTTP_FAAS_FUZZ_EVENT_ID                                          \
    "5ee428013e525a74de7401b4367f981825f84826384f92d96a78f87ee53a6b0b"


static void ngx_http_faas_fuzz_event_feed(ngx_http_faas_pool_t *fp,
    ngx_str_t *text, size_t step, size_t more);
static void ngx_http_faas_fuzz_event_time(ngx_http_faas_sh_t *sh);

ngx_int_t __wrap_ngx_http_faas_curl(ngx_http_faas_engine_t *engine,
    ngx_http_faas_call_t *call);
void __wrap_ngx_http_faas_curl_cancel(ngx_http_faas_call_t *call);


void
ngx_http_faas_fuzz_event_target(ngx_pool_t *pool,
    ngx_http_faas_fuzz_input_t *in)
{
    size_t                      step, more;
    ngx_str_t                   text, id, token;
    ngx_http_faas_pool_t       *fp;
    ngx_http_faas_zone_t       *zone;
    ngx_http_faas_instance_t   *inst;
    ngx_http_faas_main_conf_t  *fmcf;

    fmcf = ngx_http_cycle_get_module_main_conf(ngx_cycle,
                                               ngx_http_faas_module);
    fp = &fmcf->pool;
    zone = &fp->zone;

    ngx_str_set(&id, NGX_HTTP_FAAS_FUZZ_EVENT_ID);
    ngx_str_set(&token, "0123456789abcdef0123456789abcdef");

    step = 1 + ngx_http_faas_fuzz_byte(in);
    more = ngx_http_faas_fuzz_byte(in);

    ngx_http_faas_fuzz_bytes(pool, in, in->last - in->pos, &text);

    /* the first that is empty is the one of slot 7 */

    inst = &zone->sh->instances[7];
    ngx_queue_remove(&inst->queue);
    ngx_queue_insert_head(&zone->sh->empty, &inst->queue);

    ngx_http_faas_zone_lock(zone);
    inst = ngx_http_faas_instance_take(zone, NULL, 0);
    ngx_http_faas_zone_unlock(zone);

    ngx_http_faas_fuzz_check(inst && inst->slot == 7);

    ngx_http_faas_instance_identify(zone, inst, &id);
    ngx_http_faas_fuzz_check(ngx_http_faas_instance_booted(zone, inst, &token)
                             == NGX_OK);

    ngx_http_faas_fuzz_event_feed(fp, &text, step, more);

    if (inst->state == NGX_HTTP_FAAS_DEAD) {

        /* nobody but the engine, by its id, may end it */

        ngx_http_faas_fuzz_check(memmem(text.data, text.len, id.data, id.len)
                                 || memchr(text.data, '\\', text.len));

    } else {
        ngx_http_faas_fuzz_check(inst->state == NGX_HTTP_FAAS_SPARE);

        ngx_http_faas_zone_lock(zone);
        ngx_http_faas_instance_set(zone, inst, NGX_HTTP_FAAS_DEAD);
        ngx_http_faas_zone_unlock(zone);
    }

    ngx_http_faas_fuzz_check(ngx_http_faas_instance_claim(zone) == inst);
    ngx_http_faas_instance_removed(zone, inst, 1);
}


static void
ngx_http_faas_fuzz_event_feed(ngx_http_faas_pool_t *fp, ngx_str_t *text,
    size_t step, size_t more)
{
    size_t               n;
    u_char              *p, *last, *copy;
    ngx_http_faas_sh_t  *sh;

    sh = fp->zone.sh;

    ngx_cpystrn(sh->api, (u_char *) "1.41", sizeof(sh->api));
    ngx_memzero(sh->events, sizeof(sh->events));

    ngx_http_faas_events_open(fp);
    ngx_http_faas_fuzz_check(fp->events);

    /* blanks, about as many as a line may have */

    if (more) {
        more += NGX_HTTP_FAAS_FUZZ_EVENT_LINE - 64;

        copy = ngx_alloc(more, ngx_cycle->log);
        ngx_http_faas_fuzz_check(copy);

        memset(copy, ' ', more);

        fp->events->stream(fp->events, copy, more);

        ngx_free(copy);
    }

    last = text->data + text->len;

    for (p = text->data; p < last; p += n) {
        n = ngx_min(step, (size_t) (last - p));

        copy = ngx_alloc(n, ngx_cycle->log);
        ngx_http_faas_fuzz_check(copy);

        memcpy(copy, p, n);

        fp->events->stream(fp->events, copy, n);

        ngx_free(copy);
    }

    ngx_http_faas_events_close(fp);
    ngx_http_faas_fuzz_check(fp->events == NULL);

    ngx_http_faas_fuzz_event_time(sh);
}


/* how far the stream was read: it goes into a URI */

static void
ngx_http_faas_fuzz_event_time(ngx_http_faas_sh_t *sh)
{
    size_t  len;

    len = strnlen((char *) sh->events, sizeof(sh->events));

    ngx_http_faas_fuzz_check(len < sizeof(sh->events));
    ngx_http_faas_fuzz_check(strspn((char *) sh->events, "0123456789.")
                             == len);
    ngx_http_faas_fuzz_check(len == 0 || (len > 10 && sh->events[len - 10]
                                                      == '.'));
}


ngx_int_t
__wrap_ngx_http_faas_curl(ngx_http_faas_engine_t *engine,
    ngx_http_faas_call_t *call)
{
    return NGX_OK;
}


void
__wrap_ngx_http_faas_curl_cancel(ngx_http_faas_call_t *call)
{
}
