// Auto Scaling groups of the policy: their own numbers, members and what they do by themselves (safety.md group B).
//
// What cannot be read counts as the reason that holds removal: a refresh that may run, a policy that may scale it.
#include "base/check.h"
#include "scaler/gather_join.h"

#define GROUP_TAG "aws:autoscaling:groupName"

void look_group_ask(struct look *l, struct look_fleet *x)
{
    asg_describe_as_fleets(l->with, &x->id, 1, &x->alone);
    ec2_describe_tagged_instances(l->with, GROUP_TAG, x->id, &x->members);
    asg_describe_refreshes(l->with, x->id, &x->refreshes);
    asg_describe_policies(l->with, x->id, &x->policies);
    if (x->policy->hook_count > 0)
        asg_describe_hooks(l->with, x->id, &x->hooks);
}

bool look_group_more(struct look *l, struct look_fleet *x)
{
    if (!x->told || !x->told->group->has_warm_pool)
        return false;
    asg_describe_warm_pool(l->with, x->id, &x->warm);
    return true;
}

// ---- take -----------------------------------------------------------------------------------------------------------------
static const char *scaler_of(struct look *l, const struct look_fleet *x)
{
    for (size_t i = 0; i < x->policies.count; i++)
        if (x->policies.items[i].enabled)
            return arena_printf(l->a, "%s policy %s", x->policies.items[i].type, x->policies.items[i].name);
    return x->policies.call.state == AWS_CALL_COMPLETE ? "" : "whether a policy scales it could not be read";
}

static void find_hook(const struct look_fleet *x, struct fact_group *g)
{
    for (size_t p = 0; p < x->policy->hook_count; p++)
        for (size_t i = 0; i < x->hooks.count; i++) {
            const struct asg_hook *h = &x->hooks.items[i];
            if (h->launching || strcmp(h->name, x->policy->hooks[p].name) != 0)
                continue;
            g->hook = h->name;
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
    g.no_launch = asg_suspended(told, "Launch");
    g.no_terminate = asg_suspended(told, "Terminate");
    g.rebalances = !asg_suspended(told, "AZRebalance");
    g.refreshing = x->refreshes.call.state != AWS_CALL_COMPLETE;
    for (size_t i = 0; i < x->refreshes.count; i++)
        g.refreshing = g.refreshing || asg_refresh_runs(x->refreshes.items[i].status);
    g.scaler = scaler_of(l, x);
    find_hook(x, &g);
    return g;
}

const char *look_group_member(const struct look *l, const char *instance, const char **ret_group, bool *ret_protected)
{
    for (size_t r = 0; r < l->row_count; r++) {
        const struct look_fleet *x = &l->rows[r];
        const struct asg_group *g = x->told ? x->told->group : NULL;
        for (size_t i = 0; g && i < g->instance_count + x->warm.count; i++) {
            const struct asg_instance *m = i < g->instance_count ? &g->instances[i] : &x->warm.items[i - g->instance_count];
            if (strcmp(m->id, instance) != 0)
                continue;
            *ret_group = x->id;
            *ret_protected = m->protected_from_scale_in;
            return m->lifecycle;
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
