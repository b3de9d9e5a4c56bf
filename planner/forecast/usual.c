#include "planner/forecast/usual.h"

#include <string.h>

enum { AHEAD_STEPS = 3 };
#define DAY_MS ((int64_t)USUAL_DAY_STEPS * USUAL_STEP_MS)

void usual_note(struct usual *u, int64_t at_ms, double tasks)
{
    int64_t step = at_ms / USUAL_STEP_MS;
    if (step + USUAL_STEPS <= u->step)
        return;
    if (step - u->step >= USUAL_STEPS)
        memset(u->tasks, 0, sizeof u->tasks);
    for (int64_t k = u->step + 1; k <= step && step - u->step < USUAL_STEPS; k++)
        u->tasks[k % USUAL_STEPS] = 0;
    u->step = step > u->step ? step : u->step;
    if (!(tasks >= 0) || tasks >= INT32_MAX - 1)
        return;
    int32_t *at = &u->tasks[step % USUAL_STEPS];
    *at = *at > (int32_t)tasks + 1 ? *at : (int32_t)tasks + 1;
}

void usual_see(struct usual *u, const struct snapshot *s)
{
    int64_t tasks = 0;
    if (s->sources[SOURCE_SERVICES].state != SOURCE_OK)
        return;
    for (size_t k = 0; k < s->service_count; k++)
        tasks += s->services[k].on_ec2 && s->services[k].kind == SERVICE_REPLICA ? s->services[k].desired : 0;
    usual_note(u, s->now_ms, (double)tasks);
}

static int32_t tasks_at(const struct usual *u, int64_t step)
{
    return step <= u->step && step > u->step - USUAL_STEPS && step >= 0 ? u->tasks[step % USUAL_STEPS] : 0;
}

// The median of the days before that step, the upper of two; 0 unknown.
static int32_t usual_at(const struct usual *u, int64_t step)
{
    int32_t v[USUAL_DAYS];
    int n = 0;
    for (int64_t then = step - USUAL_DAY_STEPS; then > u->step - USUAL_STEPS; then -= USUAL_DAY_STEPS) {
        int32_t x = tasks_at(u, then);
        int at = n;
        if (then * USUAL_STEP_MS < u->clock.at_s * 1000 && step * USUAL_STEP_MS >= u->clock.at_s * 1000) {
            int32_t other = tasks_at(u, then + u->clock.by_s * 1000 / USUAL_STEP_MS);
            x = other > x ? other : x;
        }
        if (x == 0)
            continue;
        for (n++; at > 0 && v[at - 1] > x; at--)
            v[at] = v[at - 1];
        v[at] = x;
    }
    return n > 0 ? v[n / 2] - 1 : 0;
}

void usual_tell(const struct usual *u, struct snapshot *s)
{
    for (size_t k = 0; k < s->occasion_count; k++) {
        struct occasion *o = &s->occasions[k];
        int64_t from_ms = o->start_ms > s->now_ms ? o->start_ms : s->now_ms;
        for (int64_t a = 0; from_ms - s->now_ms <= DAY_MS && a < AHEAD_STEPS; a++) {
            int32_t usual = usual_at(u, from_ms / USUAL_STEP_MS + a);
            o->usual_tasks = usual > o->usual_tasks ? usual : o->usual_tasks;
        }
    }
}
