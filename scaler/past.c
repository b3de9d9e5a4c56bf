#include "scaler/past.h"

#include <string.h>

#include "base/check.h"
#include "scaler/cell.h"
#include "scaler/outlook_past.h"
#include "scaler/replay.h"

enum { TICKS_BACK = 20, DEAREST_DAYS = 14 };
#define DAY_MS INT64_C(86400000)

// ---- what is there --------------------------------------------------------------------------------------------------------

static int64_t find_cluster(struct state_reader *r, const char *account, const char *region, const char *name, struct arena *a)
{
    struct state_cluster_row *rows;
    size_t count;
    struct err err;
    const char *slash = strrchr(name, '/');
    if (state_query_clusters(r, a, &rows, &count, &err) != 0)
        return 0;
    for (size_t i = 0; i < count; i++)
        if (!strcmp(rows[i].account, account) && !strcmp(rows[i].region, region) && !strcmp(rows[i].name, slash ? slash + 1 : name))
            return rows[i].id;
    return 0;
}

static const struct snapshot *read_newest(const struct past *p, struct arena *a)
{
    const struct state_ticks_query q = {.cluster = p->cluster, .limit = TICKS_BACK};
    struct snapshot *s = arena_new(a, struct snapshot);
    struct state_tick_whole whole;
    struct state_tick *ticks;
    size_t count;
    bool more;
    struct err err;
    if (state_query_ticks(p->reader, &q, a, &ticks, &count, &more, &err) != 0)
        return NULL;
    for (size_t i = 0; i < count; i++)
        if (ticks[i].has_body && ticks[i].planned)
            return state_query_tick(p->reader, ticks[i].id, a, &whole, &err) == 0 && replay_read_snapshot(&whole, a, s, &err) == 0 ? s : NULL;
    return NULL;
}

void past_open(struct past *p, struct state_reader *r, const char *account, const char *region, const char *name, int64_t now_ms, struct arena *a)
{
    struct memo *memo = arena_new(a, struct memo);
    struct err err;
    bool found = false;
    *p = (struct past){.reader = r, .cluster = r ? find_cluster(r, account, region, name, a) : 0};
    if (p->cluster == 0)
        return;
    if (state_query_memo(r, p->cluster, a, memo, &found, &err) == 0 && found) {
        cell_age_memo(memo, now_ms);
        p->memo = memo;
    }
    p->newest = read_newest(p, a);
}

void past_release(struct past *p)
{
    calendar_release(&p->calendar);
    outlook_release(&p->outlook);
}

void past_teach(const struct past *p, struct gather *g, struct arena *a)
{
    struct learned_type *v;
    size_t count;
    struct err err;
    if (p->memo)
        gather_recall(g, p->memo);
    if (p->cluster && state_learned_load(p->reader, p->cluster, a, &v, &count, &err) == 0)
        gather_teach(g, v, count);
}

// ---- what is told ---------------------------------------------------------------------------------------------------------

// Pages of cAdvisor tell of use after minutes only, which nobody who looks once has.
static void tell_use(const struct past *p, const struct policy_cluster *policy, struct snapshot *s)
{
    const struct snapshot *n = p->newest;
    if (n == NULL || !policy_usage_named(&policy->usage) || policy_usage_queried(&policy->usage) || n->usage.state != SOURCE_OK ||
        s->now_ms - n->usage.read_ms > policy_usage_age_ms(&policy->usage))
        return;
    s->usage = n->usage;
    for (size_t k = 0; k < s->shape_count; k++)
        for (size_t i = 0; i < n->shape_count; i++) {
            struct shape *to = &s->shapes[k];
            const struct shape *x = &n->shapes[i];
            if (strcmp(to->name, x->name) != 0 || x->used_at_ms == 0)
                continue;
            to->used_p95 = x->used_p95;
            to->used_now = x->used_now;
            to->used_largest_mib = x->used_largest_mib;
            to->used_at_ms = x->used_at_ms;
        }
}

static void tell_daemon(const struct past *p, const struct policy_cluster *policy, struct snapshot *s)
{
    const struct snapshot *n = p->newest;
    if (n == NULL || n->now_ms > s->now_ms || s->now_ms - n->now_ms > 3 * policy->period_ms)
        return;
    s->started_ms = n->started_ms;
    s->complete_looks += n->complete_looks;
    s->control = n->control;
}

void past_tell(struct past *p, const struct policy_cluster *policy, struct arena *a, struct snapshot *s)
{
    struct err err;
    int64_t from_ms = s->now_ms - DEAREST_DAYS * DAY_MS, dearest = 0;
    struct state_reader *r = p->cluster ? p->reader : NULL;
    if (r && state_query_highest_hour(r, p->cluster, SERIES_COST_USD_MICRO_PER_HOUR, from_ms, s->now_ms, &dearest, &err) == 0)
        s->dearest_usd_micro = dearest;
    tell_use(p, policy, s);
    tell_daemon(p, policy, s);
    calendar_look(&p->calendar, policy, "", r, p->cluster, a, s);
    p->outlook.clock = p->calendar.clock;
    outlook_look(&p->outlook, policy, r, p->cluster, s);
}

const char *past_lacks(const struct past *p, const struct policy_cluster *policy, const struct snapshot *s, const char *path, struct arena *a)
{
    bool forecast = policy->waiting_costs_milli > 0 && s->outlook.at_ms == 0;
    bool use = policy_usage_named(&policy->usage) && !policy_usage_queried(&policy->usage) && s->usage.state != SOURCE_OK;
    const char *what = forecast && use ? "forecast and measured use" : forecast ? "forecast" : "measured use";
    if (path && p->cluster == 0)
        return arena_printf(a, "%s does not know %s -> planned without memo and history", path, policy->name);
    if (!forecast && !use)
        return NULL;
    if (path == NULL)
        return arena_printf(a, "%s is planned without %s -> --state F, the file that masu run --state F writes, tells it", policy->name, what);
    return arena_printf(a, "%s is planned without %s: %s has too little of it up to now -> masu run adds to it, masu backfill fills the past", policy->name, what, path);
}
