// The account's vCPU quotas of the classes that our fleets launch, hourly, and what of them the clusters of the region use.
#include "base/check.h"
#include "scaler/gather_internal.h"

#define QUOTAS_LIFE_MS 3600000

static bool asks_on_demand(const struct policy_cluster *c, const struct fact_fleet *f)
{
    const struct policy_fleet *p = policy_fleet_find(c, f->name);
    // What finds no spot is asked for on demand, where the policy does not forbid it.
    return c->on_demand_ms > 0 || c->on_demand_base + c->on_demand_percent > 0 || (p && p->on_demand_base + p->on_demand_percent > 0);
}

// Spot, on-demand or both, as the fleet's target says, or the policy.
static void want_classes(struct region *r, const struct policy_cluster *c, const struct fact_fleet *f)
{
    bool asks = asks_on_demand(c, f);
    for (size_t o = 0; o < f->override_count; o++)
        for (int spot = 0; spot < 2; spot++) {
            bool launches = spot ? f->on_demand_target == 0 || f->target > f->on_demand_target : asks || f->on_demand_target > 0;
            int k = launches ? quota_class_of(f->overrides[o].type, spot) : QUOTA_UNKNOWN;
            if (k >= 0)
                r->quotas[k].wanted = true;
        }
}

void look_quotas_ask(struct look *l)
{
    struct region *r = l->region;
    size_t wanted = 0;
    for (size_t i = 0; i < l->new->fleet_count; i++)
        want_classes(r, l->policy, &l->new->fleets[i]);
    for (int k = 0; k < QUOTA_CLASS_COUNT; k++)
        wanted += r->quotas[k].wanted;
    if (!look_slow_due(l, SLOW_QUOTAS, wanted))
        return;
    for (int k = 0; k < QUOTA_CLASS_COUNT; k++)
        if (r->quotas[k].wanted)
            (r->quotas[k].only_default ? quotas_get_default : quotas_get)(l->with, quota_classes[k].code, &l->quotas[k]);
}

void look_quotas_take(struct look *l)
{
    const struct aws_call *worst = NULL;
    bool again = false;
    for (int k = 0; k < QUOTA_CLASS_COUNT; k++) {
        struct region_quota *q = &l->region->quotas[k];
        const struct quota_answer *told = &l->quotas[k];
        if (told->code == NULL)
            continue;
        if (told->call.state == AWS_CALL_COMPLETE) {
            q->limit_vcpus = (int64_t)told->value;
        } else if (told->call.err.kind == ERR_NOT_FOUND && !q->only_default) {
            q->only_default = again = true;
            continue;
        }
        if (worst == NULL || told->call.state != AWS_CALL_COMPLETE)
            worst = &told->call;
    }
    if (worst)
        look_slow_settle(l, SLOW_QUOTAS, worst, QUOTAS_LIFE_MS);
    if (again)
        l->region->slow[SLOW_QUOTAS].next_ms = 0;  // the default is asked for in the next look
}

static int64_t vcpus_of(const struct snapshot *s, const char *type)
{
    for (size_t t = 0; t < s->type_count; t++)
        if (strcmp(s->types[t].name, type) == 0)
            return (s->types[t].nominal.v[RES_CPU] + 1023) / 1024;
    return 0;
}

static void add(struct gather *g, const char *type, bool spot, int64_t vcpus)
{
    int k = quota_class_of(type, spot);
    if (k >= 0)
        g->vcpus[k] += vcpus;
}

// What runs counts, and what is ordered and not yet launched; of that the first pool stands for all.
static void count_vcpus(struct gather *g, const struct snapshot *s)
{
    memset(g->vcpus, 0, sizeof g->vcpus);
    for (size_t i = 0; i < s->instance_count; i++)
        if (s->instances[i].ec2 == EC2_PENDING || s->instances[i].ec2 == EC2_RUNNING)
            add(g, s->instances[i].type, s->instances[i].spot, vcpus_of(s, s->instances[i].type));
    for (size_t f = 0; f < s->fleet_count; f++) {
        const struct fleet *x = &s->fleets[f];
        int64_t open_milli = x->target * 1000 - x->fulfilled_milli;
        if (x->pool_count > 0 && open_milli > 0 && x->pools[0].weight_milli > 0)
            add(g, x->pools[0].type_name, x->on_demand_target == 0, open_milli / x->pools[0].weight_milli * vcpus_of(s, x->pools[0].type_name));
    }
}

void gather_quotas(struct look *l, struct arena *a, struct snapshot *s)
{
    const struct region *r = l->region;
    count_vcpus(l->g, s);
    s->quotas = arena_array(a, struct quota, QUOTA_CLASS_COUNT);
    s->quota_count = 0;
    for (int k = 0; k < QUOTA_CLASS_COUNT; k++) {
        if (!r->quotas[k].wanted || (r->quotas[k].limit_vcpus == 0 && r->quotas[k].refused_ms == 0))
            continue;
        struct quota *q = &s->quotas[s->quota_count++];
        *q = (struct quota){.class_ = (enum quota_kind)k, .limit_vcpus = r->quotas[k].limit_vcpus, .refused_ms = r->quotas[k].refused_ms};
        for (const struct gather *g = r->gathers; g; g = g->next)
            q->used_vcpus += g->vcpus[k];
    }
}
