#include "scaler/outlook_past.h"

#define STEP_MS INT64_C(300000)
enum { STEPS = OUTLOOK_MOST_DAYS * 288 };

static void recall(struct outlook_keeper *k, struct state_reader *past, int64_t cluster, const struct snapshot *s)
{
    struct arena a;
    struct err err = {0};
    int64_t end_ms = s->now_ms / STEP_MS * STEP_MS;
    arena_init(&a, 0);
    double *tasks = arena_array(&a, double, STEPS);
    if (state_query_wanted(past, cluster, SERIES_DESIRED_TASKS, end_ms - STEPS * STEP_MS, STEP_MS, STEPS, tasks, &err) == 0)
        outlook_recall(k, s, tasks, STEPS, STEP_MS, end_ms);
    arena_release(&a);
}

void outlook_look(struct outlook_keeper *k, const struct policy_cluster *p, struct state_reader *past, int64_t cluster, struct snapshot *s)
{
    if (p->waiting_costs_milli == 0)
        return;
    if (!k->bank && past && cluster > 0)
        recall(k, past, cluster, s);
    s->outlook = outlook_see(k, s, p->waiting_costs_milli);
}
