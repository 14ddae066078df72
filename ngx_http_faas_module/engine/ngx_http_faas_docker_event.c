
/*
 * Copyright (C) the ngx_http_faas_module authors
 *
 * Parses the stream of events of the Docker Engine API, a line at a time.
 * What is kept is copied into the pool; a line that is not an event of a
 * container, whole and of the right types, is NGX_ERROR.
 */


#include "ngx_http_faas_docker.h"
#include "ngx_http_faas_docker_json.h"


#define NGX_HTTP_FAAS_DOCKER_NANO  1000000000


static ngx_int_t ngx_http_faas_docker_event(ngx_pool_t *pool,
    ngx_str_t *line, cJSON *root, ngx_http_faas_docker_event_t *event);
static ngx_http_faas_docker_action_e ngx_http_faas_docker_event_action(
    char *text);
static ngx_int_t ngx_http_faas_docker_event_number(cJSON *attributes,
    char *name, ngx_int_t *value);
static ngx_int_t ngx_http_faas_docker_event_time(ngx_pool_t *pool,
    ngx_str_t *line, cJSON *root, ngx_str_t *time);


/* in the order of ngx_http_faas_docker_action_e */

static char  *ngx_http_faas_docker_actions[] = {
    "die",
    "oom",
    "pause",
    "destroy"
};


ngx_int_t
ngx_http_faas_docker_parse_event(ngx_pool_t *pool, ngx_str_t *line,
    ngx_http_faas_docker_event_t *event)
{
    cJSON      *root;
    ngx_int_t   rc;

    ngx_memzero(event, sizeof(ngx_http_faas_docker_event_t));

    root = ngx_http_faas_docker_json(line);

    rc = ngx_http_faas_docker_event(pool, line, root, event);

    cJSON_Delete(root);

    return rc;
}


/* "id" and "status" are left alone: not every engine sends them */

static ngx_int_t
ngx_http_faas_docker_event(ngx_pool_t *pool, ngx_str_t *line, cJSON *root,
    ngx_http_faas_docker_event_t *event)
{
    char   *action, *id, *type;
    cJSON  *actor, *attributes;

    type = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(root,
                                                                 "Type"));

    if (type == NULL || ngx_strcmp(type, "container") != 0) {
        return NGX_ERROR;
    }

    action = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(root,
                                                                   "Action"));
    if (action == NULL) {
        return NGX_ERROR;
    }

    event->action = ngx_http_faas_docker_event_action(action);

    actor = cJSON_GetObjectItemCaseSensitive(root, "Actor");

    id = ngx_http_faas_docker_json_id(actor, "ID");
    if (id == NULL) {
        return NGX_ERROR;
    }

    if (ngx_http_faas_docker_json_copy(pool, id, &event->id) != NGX_OK) {
        return NGX_ERROR;
    }

    attributes = cJSON_GetObjectItemCaseSensitive(actor, "Attributes");

    if (!cJSON_IsObject(attributes)) {
        return NGX_ERROR;
    }

    if (ngx_http_faas_docker_event_number(attributes, "exitCode",
                                          &event->exit_code)
        != NGX_OK
        || ngx_http_faas_docker_event_number(attributes,
                                             NGX_HTTP_FAAS_DOCKER_LABEL_SLOT,
                                             &event->slot)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_faas_docker_event_time(pool, line, root, &event->time);
}


/* "exec_create: sh" and such are others, as is what is not asked for */

static ngx_http_faas_docker_action_e
ngx_http_faas_docker_event_action(char *text)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_HTTP_FAAS_DOCKER_OTHER; i++) {

        if (ngx_strcmp(text, ngx_http_faas_docker_actions[i]) == 0) {
            break;
        }
    }

    return (ngx_http_faas_docker_action_e) i;
}


/*
 * An attribute is always a string.  A label of an image goes before what the
 * engine says under that name: a text that is no number is none, and the
 * event is good all the same.
 */

static ngx_int_t
ngx_http_faas_docker_event_number(cJSON *attributes, char *name,
    ngx_int_t *value)
{
    char   *text;
    cJSON  *item;

    *value = NGX_ERROR;

    item = cJSON_GetObjectItemCaseSensitive(attributes, name);
    if (item == NULL) {
        return NGX_OK;
    }

    text = cJSON_GetStringValue(item);
    if (text == NULL) {
        return NGX_ERROR;
    }

    *value = ngx_atoi((u_char *) text, ngx_strlen(text));

    return NGX_OK;
}


/*
 * cJSON has a double, in steps of 256 ns by now: rounded up, a replay from
 * there on would lose an event.  So the digits are those of the line.  A name
 * with its quotes and the colon is never inside of a string, and a number
 * that is deeper in the tree is told by the double.
 */

static ngx_int_t
ngx_http_faas_docker_event_time(ngx_pool_t *pool, ngx_str_t *line,
    cJSON *root, ngx_str_t *time)
{
    off_t    nano;
    cJSON   *item;
    u_char  *last, *p, *start;

    static char  name[] = "\"timeNano\":";

    item = cJSON_GetObjectItemCaseSensitive(root, "timeNano");

    if (!cJSON_IsNumber(item)) {
        return NGX_ERROR;
    }

    p = line->data;
    last = line->data + line->len;

    do {
        p = ngx_strnstr(p, name, last - p);
        if (p == NULL) {
            return NGX_ERROR;
        }

        p += sizeof(name) - 1;
        start = p;

        while (p < last && *p >= '0' && *p <= '9') {
            p++;
        }

        nano = ngx_atoof(start, p - start);

    } while (nano <= 0 || (double) nano != item->valuedouble);

    time->data = ngx_pnalloc(pool, NGX_OFF_T_LEN + sizeof(".000000000"));
    if (time->data == NULL) {
        return NGX_ERROR;
    }

    time->len = ngx_sprintf(time->data, "%O.%09O",
                            nano / NGX_HTTP_FAAS_DOCKER_NANO,
                            nano % NGX_HTTP_FAAS_DOCKER_NANO)
                - time->data;

    return NGX_OK;
}
