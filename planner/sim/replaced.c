// Whether what an interruption took was made good in time: see summary.h for what is counted. It looks, and changes only counts.
#include "planner/sim/world_internal.h"

enum { SERVICES_MAX = 64 };  // on one instance

void replaced_note(struct world *w, int n)
{
    struct world_held held[SERVICES_MAX];
    int count = 0;
    for (int t = w->instances[n].first_task; t >= 0; t = w->tasks[t].next_of_instance) {
        const struct world_task *x = &w->tasks[t];
        if (!task_wanted(x) || x->service < 0 || task_daemon(w, x))
            continue;
        int k = 0;
        while (k < count && held[k].service != x->service)
            k++;
        if (k == SERVICES_MAX)
            continue;
        if (k == count)
            held[count++] = (struct world_held){x->service, 0};
        held[k].count++;
    }
    struct world_held *kept = arena_array(&w->arena, struct world_held, (size_t)count + 1);
    for (int k = 0; k < count; k++)
        kept[k] = held[k];
    w->instances[n].held = kept;
    w->instances[n].held_count = count;
}

// Tasks of the service that have a place which no notice takes away.
static int32_t placed(const struct world *w, int service)
{
    int32_t sum = 0;
    for (int t = w->services[service].first_task; t >= 0; t = w->tasks[t].next_of_service) {
        const struct world_task *x = &w->tasks[t];
        sum += task_wanted(x) && x->instance >= 0 && w->instances[x->instance].notice_ms == 0 && w->instances[x->instance].end == WEND_NONE;
    }
    return sum;
}

static int find_room(const struct world *w, const struct world_ask *ask)
{
    for (size_t n = 0; n < w->instance_count; n++)
        if (w->instances[n].used && w->instances[n].notice_ms == 0 && world_place_of(w, ask, (int)n) == WPLACE_OK)
            return (int)n;
    return -1;
}

// How many of the service's tasks fit; their room is taken, and noted in `taken` by instance so that it can be given back.
static int32_t take_room(struct world *w, int service, int32_t count, struct res *taken)
{
    struct world_ask ask;
    int32_t fits = 0;
    world_ask_service(w, service, &ask);
    for (int n; fits < count && (n = find_room(w, &ask)) >= 0; fits++) {
        w->instances[n].remaining = res_sub(w->instances[n].remaining, ask.need);
        taken[n] = res_add(taken[n], ask.need);
    }
    return fits;
}

void replaced_judge(struct world *w, int n)
{
    struct world_instance *i = &w->instances[n];
    if (i->held_count == 0)
        return;
    arena_reset(&w->placing_room);
    struct res *taken = arena_array(&w->placing_room, struct res, w->instance_count);
    for (int k = 0; k < i->held_count; k++) {
        struct world_service *s = &w->services[i->held[k].service];
        int32_t missing = s->desired - placed(w, i->held[k].service), count = i->held[k].count;
        missing = missing > 0 ? missing : 0;
        s->late = s->late < missing ? s->late : missing;  // the others have come since
        int32_t lacks = missing - s->late < count ? missing - s->late : count;
        int32_t late = lacks - take_room(w, i->held[k].service, lacks, taken);
        s->late += late;
        w->counters.interrupted_tasks += count;
        w->counters.interrupted_tasks_in_time += count - late;
    }
    for (size_t k = 0; k < w->instance_count; k++)
        w->instances[k].remaining = res_add(w->instances[k].remaining, taken[k]);
    i->held_count = 0;
}
