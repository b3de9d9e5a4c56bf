#include "planner/forecast/outlook.h"

#include <math.h>

#include "base/check.h"
#include "planner/forecast/level.h"
#include "planner/model/trouble.h"
#include "planner/model/wanted.h"

enum { STEP_S = 30, PER = 8, BOOT_DEFAULT_S = 120, DAY_MS = 86400000, HOUR_MS = 3600000, SEEN_MS = 600000 };

// What stands for what is not measured: decision.md, section 3.
static const double return_waits = 0.3;

static bool facts_hold(const struct snapshot *s)
{
    return s->sources[SOURCE_SERVICES].state == SOURCE_OK && s->sources[SOURCE_TASK_DEFINITIONS].state == SOURCE_OK;
}

static struct res mean_instance(const struct snapshot *s)
{
    struct res sum = {0};
    int64_t n = 0;
    for (size_t i = 0; i < s->instance_count; i++)
        if (s->instances[i].ecs == ECS_ACTIVE && s->instances[i].registered.v[RES_CPU] > 0) {
            sum = res_add(sum, s->instances[i].registered);
            n++;
        }
    for (int k = 0; k < RES_COUNT; k++)
        sum.v[k] = n > 0 ? sum.v[k] / n : 0;
    return sum;
}

static double count_units(struct res need, struct res unit)
{
    double most = 0;
    for (int k = RES_CPU; k <= RES_MEMORY; k++)
        if (unit.v[k] > 0)
            most = fmax(most, (double)need.v[k] / (double)unit.v[k]);
    return most * PER;
}

// What was wanted at the time. Of a day before the newest, as clocks step back, the newest is told.
static void note_most(struct outlook_keeper *k, int64_t at_ms, double demand)
{
    enum { ALL = OUTLOOK_MOST_DAYS + 1 };
    int64_t day = at_ms / DAY_MS;
    if (day - k->most_day >= ALL)
        k->most_day = day - ALL;
    while (k->most_day < day)
        k->most[++k->most_day % ALL] = 0;
    k->most[k->most_day % ALL] = fmax(k->most[k->most_day % ALL], demand);
}

static double most_of(const struct outlook_keeper *k)
{
    double most = 0;
    for (size_t i = 0; i < OUTLOOK_MOST_DAYS + 1; i++)
        most = fmax(most, k->most[i]);
    return most;
}

static int64_t milli(double demand)
{
    return (int64_t)lround(1000 * demand / PER);
}

static int64_t boot_of(const struct snapshot *s)
{
    return (s->boot_p90_ms / 1000 + STEP_S - 1) / STEP_S * STEP_S;
}

static void begin(struct outlook_keeper *k, const struct snapshot *s)
{
    struct zone_change clock = k->clock;
    outlook_release(k);
    k->clock = clock;
    arena_init(&k->arena, 0);
    k->unit = mean_instance(s);
    k->boot_s = s->boot_p90_ms > 0 ? boot_of(s) : BOOT_DEFAULT_S;
    k->bank = bank_new(&k->arena, STEP_S, k->boot_s);
    k->pushed_ms = s->now_ms - STEP_S * 1000;
    k->calm_ms = s->now_ms;
}

void outlook_release(struct outlook_keeper *k)
{
    if (k->bank)
        arena_release(&k->arena);
    *k = (struct outlook_keeper){0};
}

// At most once an hour, and before a push: a bank takes a fit to be ready, and a fit its time.
static void follow_boot(struct outlook_keeper *k, const struct snapshot *s)
{
    struct arena a;
    if (boot_of(s) <= 0 || boot_of(s) == k->boot_s || (k->boot_changed_ms > 0 && s->now_ms - k->boot_changed_ms < HOUR_MS))
        return;
    arena_init(&a, 0);
    k->bank = bank_again(&a, k->bank, boot_of(s));
    arena_release(&k->arena);
    k->arena = a;
    k->boot_s = boot_of(s);
    k->boot_changed_ms = s->now_ms;
}

static int64_t tasks_wanted(const struct snapshot *s)
{
    int64_t sum = 0;
    for (size_t k = 0; k < s->service_count; k++)
        sum += s->services[k].on_ec2 && s->services[k].kind == SERVICE_REPLICA ? s->services[k].desired : 0;
    return sum;
}

// After the last gap that is longer; count: nothing is known.
static size_t begins_at(const double *tasks, size_t count, size_t gap)
{
    size_t from = count, unknown = gap + 1;
    for (size_t i = 0; i < count; i++) {
        if (!isnan(tasks[i]) && unknown > gap)
            from = i;
        unknown = isnan(tasks[i]) ? unknown + 1 : 0;
    }
    return from;
}

void outlook_recall(struct outlook_keeper *k, const struct snapshot *s, const double *tasks, size_t count, int64_t step_ms, int64_t end_ms)
{
    int64_t now = tasks_wanted(s);
    assert(!k->bank && step_ms % (STEP_S * 1000) == 0);
    for (; count > 0 && isnan(tasks[count - 1]); count--)
        end_ms -= step_ms;
    size_t from = begins_at(tasks, count, (size_t)(DAY_MS / step_ms));
    if (!facts_hold(s) || now == 0 || from == count || mean_instance(s).v[RES_CPU] == 0 || end_ms > s->now_ms || s->now_ms - end_ms > DAY_MS)
        return;
    begin(k, s);
    double each = count_units(snapshot_wanted(s), k->unit) / (double)now, last = tasks[from];
    for (size_t i = from; i < count; i++) {
        double next = isnan(tasks[i]) ? last : tasks[i];
        int64_t steps = step_ms / (STEP_S * 1000);
        for (int64_t j = 1; j <= steps; j++)  // tasks come and go between two values, not with them
            bank_learn(k->bank, each * (last + (next - last) * (double)j / (double)steps));
        last = next;
        k->known_ms += isnan(tasks[i]) ? 0 : step_ms;
    }
    for (size_t i = 0; i < count; i++)
        if (!isnan(tasks[i]))
            note_most(k, end_ms - (int64_t)(count - i) * step_ms, each * tasks[i]);
    k->demand = each * last;
    k->pushed_ms = end_ms;
}

static bool is_frozen(const struct outlook_keeper *k, const struct snapshot *s)
{
    return k->bank && s->now_ms - k->calm_ms <= FORECAST_FREEZES_MS;
}

struct outlook outlook_see(struct outlook_keeper *k, const struct snapshot *s, int64_t waiting_costs_milli)
{
    struct outlook none = {0};
    assert(waiting_costs_milli > 0);
    if (!facts_hold(s))
        return is_frozen(k, s) ? k->last : none;
    if (!k->bank || s->now_ms - k->pushed_ms > DAY_MS) {
        if (mean_instance(s).v[RES_CPU] == 0)
            return none;
        begin(k, s);
    }
    double demand = count_units(snapshot_wanted(s), k->unit);
    demand = snapshot_overflows(s) ? fmax(demand, k->demand) : demand;  // what is asked less then is still wanted (G7)
    bool seen = s->now_ms - k->pushed_ms <= SEEN_MS;
    note_most(k, s->now_ms, demand);
    if (k->pushed_ms + STEP_S * 1000 <= s->now_ms)
        follow_boot(k, s);
    int64_t next_s = k->pushed_ms / 1000 + STEP_S, ago_s = next_s - k->clock.at_s;
    bank_clock(k->bank, ago_s > 0 ? (size_t)(ago_s / STEP_S) : 0, k->clock.by_s);
    while (k->pushed_ms + STEP_S * 1000 <= s->now_ms) {
        k->pushed_ms += STEP_S * 1000;
        bool newest = k->pushed_ms + STEP_S * 1000 > s->now_ms;
        k->demand = newest || k->demand == 0 ? demand : k->demand;
        bank_push(k->bank, k->demand);
        k->known_ms += seen || newest ? STEP_S * 1000 : 0;
    }
    bool troubled = snapshot_troubled(s);
    k->calm_ms = troubled ? k->calm_ms : s->now_ms;
    if (troubled && is_frozen(k, s)) {
        k->last.need_milli = milli(k->demand);
        return k->last;
    }
    k->last = none;
    if (!bank_ready(k->bank) || k->known_ms < DAY_MS || s->now_ms - k->pushed_ms > STEP_S * 1000)
        return none;
    struct level_rule rule = {.lambda = (double)waiting_costs_milli / 1000, .phi = return_waits, .per_instance = PER, .boot_s = (double)k->boot_s,
                              .most = (int)fmin(4 * ceil(k->demand / PER) + 64, 1e6)};
    struct level_memory memory = {0};
    struct level_answer a = level_decide(&rule, k->bank, k->demand, &memory);
    k->last = (struct outlook){.at_ms = s->now_ms, .need_milli = milli(k->demand), .up = a.up, .keep = a.keep, .boot_ms = k->boot_s * 1000,
                               .most_28d_milli = milli(most_of(k))};
    return k->last;
}
