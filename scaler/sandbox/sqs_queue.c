// The queues themselves: messages, their visibility, and where they are kept.
#include "scaler/sandbox/sqs_queue.h"

#include <string.h>

#include "scaler/sandbox/internal.h"

struct sqs_queue *sqs_find(struct region *r, struct slice name)
{
    for (int i = 0; i < r->queue_count; i++)
        if (slice_eq_str(name, r->queues[i].name))
            return &r->queues[i];
    return NULL;
}

struct sqs_queue *sqs_add(struct region *r, struct slice name, int64_t now_ms)
{
    if (r->queue_count == QUEUES_MAX)
        return NULL;
    struct sqs_queue *q = &r->queues[r->queue_count++];
    *q = (struct sqs_queue){.created_ms = now_ms, .visibility_ms = 30000, .next_serial = 1};
    snprintf(q->name, sizeof q->name, "%.*s", (int)name.len, name.ptr);
    return q;
}

static struct sqs_message *all_of(const struct sqs_queue *q)
{
    return q->items ? q->items - q->gone : NULL;
}

void sqs_release(struct region *r)
{
    for (int i = 0; i < r->queue_count; i++) {
        for (size_t m = 0; m < r->queues[i].count; m++)
            free(r->queues[i].items[m].body);
        free(all_of(&r->queues[i]));
    }
    r->queue_count = 0;
}

void sqs_remove(struct sqs_queue *q, struct sqs_message *m)
{
    size_t at = (size_t)(m - q->items);
    assert(at < q->count);
    free(m->body);
    q->count--;
    if (at > q->count / 2) {
        memmove(m, m + 1, (q->count - at) * sizeof *m);
        return;
    }
    memmove(q->items + 1, q->items, at * sizeof *m);  // mostly the oldest go, of many
    q->items++;
    q->gone++;
}

static void make_room(struct sqs_queue *q)
{
    struct sqs_message *all = all_of(q);
    if (q->gone > q->cap / 2) {
        memmove(all, q->items, q->count * sizeof *all);
    } else {
        q->cap = q->cap ? q->cap * 2 : 64;
        all = realloc(all, q->cap * sizeof *all);
        assert(all);
        memmove(all, all + q->gone, q->count * sizeof *all);
    }
    q->items = all;
    q->gone = 0;
}

void sqs_post(struct sandbox *s, struct sqs_queue *q, struct slice body, int64_t now_ms, int64_t visible_ms)
{
    if (q->count == QUEUE_MESSAGES_MAX)
        sqs_remove(q, &q->items[0]);
    if (q->gone + q->count == q->cap)
        make_room(q);
    struct sqs_message *m = &q->items[q->count++];
    *m = (struct sqs_message){.serial = q->next_serial++, .body = malloc(body.len + 1), .len = body.len, .sent_ms = now_ms, .visible_ms = visible_ms};
    assert(m->body);
    memcpy(m->body, body.ptr, body.len);
    m->body[body.len] = '\0';
    s->arrivals++;
}

struct sqs_message *sqs_next_visible(struct sqs_queue *q, int64_t now_ms, size_t *at)
{
    for (size_t i = *at; i < q->count; i++)
        if (q->items[i].visible_ms <= now_ms) {
            *at = i + 1;
            return &q->items[i];
        }
    return NULL;
}

int64_t sqs_next_visible_ms(const struct sqs_queue *q, int64_t now_ms)
{
    int64_t next_ms = INT64_MAX;
    for (size_t i = 0; i < q->count; i++)
        if (q->items[i].visible_ms > now_ms && q->items[i].visible_ms < next_ms)
            next_ms = q->items[i].visible_ms;
    return next_ms;
}

struct sqs_message *sqs_by_serial(struct sqs_queue *q, uint64_t serial)
{
    size_t from = 0, to = q->count;  // serials grow with the index
    while (from < to) {
        size_t mid = from + (to - from) / 2;
        if (q->items[mid].serial < serial)
            from = mid + 1;
        else
            to = mid;
    }
    return from < q->count && q->items[from].serial == serial ? &q->items[from] : NULL;
}
