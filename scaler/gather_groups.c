// Auto Scaling groups of the policy: their own numbers, members and what they do by themselves (safety.md group B).
//
// A look reads the group and its instances; what seldom changes is kept for two minutes, and what of it guards a drain (an instance
// refresh) is asked again right before DRAINING (RECHECK_GROUP). What cannot be read counts as the reason that holds removal: a refresh that may run, a policy that may scale it.
#include "base/check.h"
#include "scaler/gather_join.h"
#include "scaler/gather_zones.h"

#define SLOW_MS 120000

static struct group_slow *slow_of(struct gather *g, const char *group)
{
    for (size_t i = 0; i < g->group_count; i++)
        if (strcmp(g->groups[i]->group, group) == 0)
            return g->groups[i];
    if (g->group_count == GROUPS_MAX)
        return NULL;
    struct group_slow *s = g->groups[g->group_count++] = calloc(1, sizeof *s);
    assert(s);
    arena_init(&s->arena, 0);
    snprintf(s->group, sizeof s->group, "%s", group);
    return s;
}

void gather_forget_groups(struct gather *g)
{
    for (size_t i = 0; i < g->group_count; i++) {
        arena_release(&g->groups[i]->arena);
        free(g->groups[i]);
    }
    g->group_count = 0;
}

static bool is_known(const struct aws_call *c)
{
    return c->state == AWS_CALL_COMPLETE;
}

// What could not be read is asked for in each look.
static bool slow_due(const struct group_slow *s, const struct policy_fleet *p, int64_t now_ms)
{
    return now_ms - s->asked_ms >= SLOW_MS || now_ms < s->asked_ms || !is_known(&s->refreshes.call) || !is_known(&s->policies.call) ||
           (p->hook_count > 0 && !is_known(&s->hooks.call));
}

void look_group_ask(struct look *l, struct look_fleet *x)
{
    struct group_slow *s = x->slow = slow_of(l->g, x->id);
    struct aws_with with = l->with;
    asg_describe_as_fleets(l->with, &x->id, 1, &x->alone);
    look_members_ask(l, x);
    if (s == NULL)
        return;
    s->renewed = slow_due(s, x->policy, l->new->at_ms);
    if (!s->renewed)
        return;
    arena_reset(&s->arena);
    with.arena = &s->arena;
    s->asked_ms = l->new->at_ms;
    s->warm = (struct asg_members){.count = 0};
    s->hooks = (struct asg_hooks){.count = 0};
    asg_describe_refreshes(with, x->id, &s->refreshes);
    asg_describe_policies(with, x->id, &s->policies);
    if (x->policy->hook_count > 0)
        asg_describe_hooks(with, x->id, &s->hooks);
}

static bool is_listed(const struct asg_instance *v, size_t count, const char *id)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(v[i].id, id) == 0)
            return true;
    return false;
}

// An instance of the group that neither list knows may be one of its warm pool.
static bool has_unlisted(const struct look_fleet *x)
{
    const struct asg_group *g = x->told->group;
    for (size_t i = 0; i < x->members.count; i++)
        if (!is_listed(g->instances, g->instance_count, x->members.items[i].id) && !is_listed(x->slow->warm.items, x->slow->warm.count, x->members.items[i].id))
            return true;
    return false;
}

bool look_group_more(struct look *l, struct look_fleet *x)
{
    if (!x->told || !x->told->group->has_warm_pool || !x->slow || (is_known(&x->slow->warm.call) && !x->slow->renewed && !has_unlisted(x)))
        return false;
    struct aws_with with = l->with;
    with.arena = &x->slow->arena;
    asg_describe_warm_pool(with, x->id, &x->slow->warm);
    return true;
}

// ---- take -----------------------------------------------------------------------------------------------------------------
static const char *scaler_of(struct look *l, const struct look_fleet *x)
{
    const struct asg_policies *p = x->slow ? &x->slow->policies : NULL;
    for (size_t i = 0; p && i < p->count; i++)
        if (p->items[i].enabled)
            return arena_printf(l->a, "%s policy %s", p->items[i].type, p->items[i].name);
    return p && is_known(&p->call) ? "" : "whether a policy scales it could not be read";
}

static void find_hook(struct look *l, const struct look_fleet *x, struct fact_group *g)
{
    for (size_t i = 0; x->slow && x->policy->hook_count > 0 && i < x->slow->hooks.count; i++) {
        const struct asg_hook *h = &x->slow->hooks.items[i];
        if (h->launching || strcmp(h->name, x->policy->hooks[0].name) != 0)  // the policy has one at most
            continue;
        g->hook = arena_strdup(l->a, h->name);
        g->heartbeat_ms = h->heartbeat_ms;
        g->limit_ms = h->global_ms;
    }
}

struct fact_group look_group_fact(struct look *l, const struct look_fleet *x)
{
    struct fact_group g = {.scaler = "", .hook = ""};
    if (x->kind != FLEET_GROUP)
        return g;
    const struct asg_group *told = x->told->group;
    g.min = told->min;
    g.max = told->max;
    g.on_demand_base = told->mixed ? told->on_demand_base : 0;
    g.on_demand_percent = told->mixed ? told->on_demand_percent : 0;
    g.no_launch = asg_suspended(told, "Launch");
    g.no_terminate = asg_suspended(told, "Terminate");
    g.rebalances = !asg_suspended(told, "AZRebalance");
    g.refreshing = !x->slow || !is_known(&x->slow->refreshes.call);
    for (size_t i = 0; x->slow && i < x->slow->refreshes.count; i++)
        g.refreshing = g.refreshing || asg_refresh_runs(x->slow->refreshes.items[i].status);
    g.scaler = scaler_of(l, x);
    find_hook(l, x, &g);
    return g;
}

const char *look_group_member(const struct look *l, const char *instance, const char **ret_group, bool *ret_protected)
{
    for (size_t r = 0; r < l->row_count; r++) {
        const struct look_fleet *x = &l->rows[r];
        const struct asg_group *g = x->told ? x->told->group : NULL;
        size_t warm = x->slow && g ? x->slow->warm.count : 0;
        for (size_t i = 0; g && i < g->instance_count + warm; i++) {
            const struct asg_instance *m = i < g->instance_count ? &g->instances[i] : &x->slow->warm.items[i - g->instance_count];
            if (strcmp(m->id, instance) != 0)
                continue;
            *ret_group = x->id;
            *ret_protected = m->protected_from_scale_in;
            return arena_strdup(l->a, m->lifecycle);
        }
    }
    return "";
}

// ---- capacity providers ------------------------------------------------------------------------------------------------------
static void managed(struct fleet *f, const char *words)
{
    if (f->foreign_scaling)
        return;
    f->foreign_scaling = true;
    f->foreign = words;
}

void join_group_providers(struct join *j)
{
    const struct region *r = j->l->region;
    for (size_t f = 0; f < j->s->fleet_count; f++) {
        struct fleet *x = &j->s->fleets[f];
        x->provider = "";
        for (size_t i = 0; x->kind == FLEET_GROUP && i < r->provider_count; i++) {
            if (!r->providers[i].known || strcmp(r->providers[i].group, x->id) != 0)
                continue;
            x->provider = arena_strdup(j->a, r->providers[i].name);
            if (r->providers[i].managed_scaling)
                managed(x, arena_printf(j->a, "capacity provider %s with managed scaling", x->provider));
        }
    }
    for (size_t i = 0; i < j->s->instance_count; i++) {
        const struct instance *x = &j->s->instances[i];
        if (x->fleet >= 0 && x->provider[0] && j->s->fleets[x->fleet].kind == FLEET_GROUP && region_provider(r, x->provider) == NULL)
            managed(&j->s->fleets[x->fleet], arena_printf(j->a, "whether capacity provider %s scales it could not be read", x->provider));
    }
}
