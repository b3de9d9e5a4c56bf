#include "scaler/calendar_look.h"

#include <stdio.h>
#include <string.h>

#include "state/history.h"

static void recall(struct calendar_keeper *k, struct state *state, int64_t cluster, int64_t now_ms)
{
    struct arena a;
    struct err err = {0};
    int64_t from_ms = now_ms / USUAL_STEP_MS * USUAL_STEP_MS - USUAL_STEPS * USUAL_STEP_MS;
    arena_init(&a, 0);
    double *tasks = arena_array(&a, double, USUAL_STEPS);
    if (state_history_values(state, cluster, SERIES_DESIRED_TASKS, "", from_ms, USUAL_STEP_MS, USUAL_STEPS, tasks, &err) == 0)
        for (int i = 0; i < USUAL_STEPS; i++)
            if (!calendar_multiplies(k->calendar, from_ms + i * USUAL_STEP_MS))
                usual_note(&k->usual, from_ms + i * USUAL_STEP_MS, tasks[i]);
    arena_release(&a);
}

void calendar_release(struct calendar_keeper *k)
{
    arena_release(&k->arena);
    k->calendar = NULL;
}

void calendar_look(struct calendar_keeper *k, const struct policy_cluster *p, const char *hash, struct state *state, int64_t cluster, struct arena *a, struct snapshot *s)
{
    if (p->calendar.count == 0)
        return;
    bool first = !k->calendar;
    if (first || strncmp(k->hash, hash, sizeof k->hash - 1) != 0) {
        arena_release(&k->arena);
        arena_init(&k->arena, 0);
        snprintf(k->hash, sizeof k->hash, "%s", hash);
        k->calendar = calendar_load(&p->calendar, &k->arena);
        if (first && state && cluster > 0)
            recall(k, state, cluster, s->now_ms);
    }
    if (!calendar_multiplies(k->calendar, s->now_ms))
        usual_see(&k->usual, s);
    calendar_tell(k->calendar, a, s);
    usual_tell(&k->usual, s);
}
