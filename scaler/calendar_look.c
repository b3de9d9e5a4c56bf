#include "scaler/calendar_look.h"

#include <stdio.h>
#include <string.h>

static void recall(struct calendar_keeper *k, struct state_reader *past, int64_t cluster, int64_t now_ms)
{
    struct arena a;
    struct err err = {0};
    int64_t from_ms = now_ms / USUAL_STEP_MS * USUAL_STEP_MS - USUAL_STEPS * USUAL_STEP_MS;
    arena_init(&a, 0);
    double *tasks = arena_array(&a, double, USUAL_STEPS);
    if (state_query_wanted(past, cluster, SERIES_DESIRED_TASKS, from_ms, USUAL_STEP_MS, USUAL_STEPS, tasks, &err) == 0)
        for (int i = 0; i < USUAL_STEPS; i++)
            if (!calendar_multiplies(k->calendar, from_ms + i * USUAL_STEP_MS))
                usual_note(&k->usual, from_ms + i * USUAL_STEP_MS, tasks[i]);
    arena_release(&a);
}

void calendar_release(struct calendar_keeper *k)
{
    arena_release(&k->arena);
    k->calendar = NULL;
    k->zone = NULL;
    k->loaded = k->recalled = false;
}

static void load(struct calendar_keeper *k, const struct policy_cluster *p, const char *hash)
{
    struct err err;
    arena_release(&k->arena);
    arena_init(&k->arena, 0);
    snprintf(k->hash, sizeof k->hash, "%s", hash);
    k->calendar = p->calendar.count > 0 ? calendar_load(&p->calendar, &k->arena) : NULL;
    k->loaded = true;
    if (zone_load(p->time_zone, &k->arena, &k->zone, &err) != 0)
        k->zone = NULL;  // the check of the policy has refused it
}

void calendar_look(struct calendar_keeper *k, const struct policy_cluster *p, const char *hash, struct state_reader *past, int64_t cluster, struct arena *a, struct snapshot *s)
{
    if (!k->loaded || strncmp(k->hash, hash, sizeof k->hash - 1) != 0)
        load(k, p, hash);
    k->clock = k->zone ? zone_last_change(k->zone, s->now_ms / 1000, OUTLOOK_CLOCK_S) : (struct zone_change){0};
    if (p->calendar.count == 0)
        return;
    if (!k->recalled && past && cluster > 0)
        recall(k, past, cluster, s->now_ms);
    k->recalled = true;
    if (!calendar_multiplies(k->calendar, s->now_ms) && !snapshot_overflows(s))
        usual_see(&k->usual, s);
    calendar_tell(k->calendar, a, s);
    k->usual.clock = k->clock;
    usual_tell(&k->usual, s);
}
