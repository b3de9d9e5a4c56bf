// Spot placement scores: how likely each zone gives what a fleet may order at once, by AWS's own word. Asked only where the policy
// says how often. AWS limits how many different questions an account asks in 24 h, so a question is made of what seldom changes: the
// fleet's types, and the largest step of the policy. Fleets that would ask the same share the answer. What was told
// before a restart is in the memo (planner/pool_memory.h), and counts as asked.
#include "base/check.h"
#include "scaler/gather_internal.h"

enum { TYPES_FEW = 3, TYPES_ASKED_MAX = 100 };  // of fewer the score is always low

static int by_string(const void *x, const void *y)
{
    return strcmp(*(const char *const *)x, *(const char *const *)y);
}

// Sorted, each once.
static size_t types_of(const struct look *l, const struct fact_fleet *f, const char ***ret)
{
    const char **v = arena_array(l->a, const char *, f->override_count + 1);
    size_t n = 0, kept = 0;
    for (size_t i = 0; i < f->override_count; i++)
        if (f->overrides[i].type[0])
            v[n++] = f->overrides[i].type;
    if (n > 0)
        qsort(v, n, sizeof *v, by_string);
    for (size_t i = 0; i < n; i++)
        if (kept == 0 || strcmp(v[kept - 1], v[i]) != 0)
            v[kept++] = v[i];
    *ret = v;
    return kept < TYPES_ASKED_MAX ? kept : TYPES_ASKED_MAX;
}

static uint64_t hash_of(const char *const *types, size_t count, int64_t target)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325) ^ (uint64_t)target;
    for (size_t i = 0; i < count; i++)
        for (const char *p = types[i];; p++) {
            h = (h ^ (unsigned char)*p) * UINT64_C(0x100000001b3);
            if (*p == '\0')
                break;
        }
    return h;
}

// The oldest makes room once nobody can have asked it for a day.
static struct score_question *question_of(struct region *r, uint64_t what, int64_t now_ms)
{
    struct score_question *oldest = &r->questions[0];
    for (size_t i = 0; i < r->question_count; i++) {
        if (r->questions[i].what == what)
            return &r->questions[i];
        oldest = r->questions[i].asked_ms < oldest->asked_ms ? &r->questions[i] : oldest;
    }
    bool room = r->question_count < SCORE_QUESTIONS_MAX;
    if (!room && now_ms - oldest->asked_ms < 2 * (int64_t)TYPE_LIFE_MS)
        return NULL;
    struct score_question *q = room ? &r->questions[r->question_count++] : oldest;
    *q = (struct score_question){.what = what};
    return q;
}

static bool asks(const struct fact_fleet *f)
{
    return f->found && (f->on_demand_target == 0 || f->on_demand_target < f->target);
}

void look_scores_ask(struct look *l)
{
    struct region *r = l->region;
    int64_t every_ms = l->policy->placement_scores_ms, now_ms = l->new->at_ms;
    for (size_t i = 0; i < l->new->fleet_count && every_ms > 0; i++) {
        const char **types;
        size_t count = asks(&l->new->fleets[i]) ? types_of(l, &l->new->fleets[i], &types) : 0;
        if (count < TYPES_FEW)
            continue;
        int64_t step = l->policy->step_instances, most = l->rows[i].policy->max, target = most > 0 && most < step ? most : step;
        struct score_question *q = question_of(r, hash_of(types, count, target), now_ms);
        if (q == NULL)
            continue;
        l->rows[i].question = (int)(q - r->questions) + 1;
        int64_t last_ms = q->asked_ms > l->g->scores_told_ms ? q->asked_ms : l->g->scores_told_ms;
        if (last_ms > 0 && now_ms - last_ms < every_ms)
            continue;
        q->asked_ms = now_ms;
        l->rows[i].scores = arena_new(l->a, struct ec2_scores);
        ec2_placement_scores(l->with, r->name, types, count, target, l->rows[i].scores);
    }
}

static const char *zone_of(const struct region *r, const char *zone_id)
{
    for (size_t i = 0; i < r->subnet_count; i++)
        if (r->subnets[i].known && strcmp(r->subnets[i].zone_id, zone_id) == 0)
            return r->subnets[i].zone;
    return "";
}

void look_scores_take(struct look *l)
{
    struct region *r = l->region;
    for (size_t i = 0; i < l->new->fleet_count; i++) {
        const struct ec2_scores *told = l->rows[i].scores;
        if (told == NULL || !region_slow_settle(r, SLOW_SCORES, &told->call, 0, l->new->at_ms))
            continue;
        assert(l->rows[i].question > 0);
        struct score_question *q = &r->questions[l->rows[i].question - 1];
        q->told_ms = told->call.answered_ms;
        q->zone_count = 0;
        for (size_t k = 0; k < told->count && q->zone_count < ZONES_MAX; k++) {
            const char *zone = told->items[k].zone_id[0] ? zone_of(r, told->items[k].zone_id) : "";
            if (zone[0] == '\0')
                continue;  // none of our subnets is there
            struct zone_score *z = &q->zones[q->zone_count++];
            z->score = told->items[k].score;
            snprintf(z->zone, sizeof z->zone, "%s", zone);
        }
    }
}

void look_score_of(const struct look *l, size_t fleet, struct fleet_pool *pool)
{
    int at = l->rows[fleet].question;
    const struct score_question *q = at > 0 ? &l->region->questions[at - 1] : NULL;
    for (size_t k = 0; q && k < q->zone_count; k++)
        if (strcmp(q->zones[k].zone, pool->zone) == 0) {
            pool->score = q->zones[k].score;
            pool->scored_ms = q->told_ms;
        }
}

void gather_recall(struct gather *g, const struct memo *m)
{
    for (size_t k = 0; k < m->stamp_count; k++)
        if (m->stamps[k].kind == STAMP_SCORE && m->stamps[k].since_ms > g->scores_told_ms)
            g->scores_told_ms = m->stamps[k].since_ms;
}
