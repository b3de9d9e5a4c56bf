#include "planner/sim/instant.h"

#include <string.h>

#include "planner/sim/group_internal.h"

static bool has_error(const struct world_fleet *f, int override, bool spot)
{
    for (int k = 0; k < f->launch.refusal_count; k++)
        if (f->launch.refusals[k].override == override && f->launch.refusals[k].spot == spot)
            return true;
    return false;
}

static void refuse(struct world *w, struct world_fleet *f, int override, bool spot, const char *code, const char *message)
{
    if (f->launch.refusal_count < WORLD_OVERRIDES)
        f->launch.refusals[f->launch.refusal_count++] = (struct world_refusal){override, spot, code, message};
    w->counters.launch_failures++;
}

// The override that its strategy likes best of those that were not refused; -1: none is left.
static int best_override(const struct world *w, int fleet, bool spot)
{
    const struct world_fleet *f = &w->fleets[fleet];
    int best = -1;
    double best_score = 0;
    for (int o = 0; o < f->override_count; o++) {
        int pool = fleet_pool(w, f->overrides[o].type, f->overrides[o].zone);
        if (has_error(f, o, spot) || pool < 0)
            continue;
        double score = fleet_pool_score(w, fleet, pool, f->overrides[o].weight_milli, spot);
        if (best < 0 || score < best_score) {
            best = o;
            best_score = score;
        }
    }
    return best;
}

// On-demand has its own stock, and that never ends here.
static bool launch_one(struct world *w, int fleet, bool spot)
{
    struct world_fleet *f = &w->fleets[fleet];
    int o;
    while ((o = best_override(w, fleet, spot)) >= 0) {
        int pool = fleet_pool(w, f->overrides[o].type, f->overrides[o].zone);
        if (fleet_addresses_left(w, f->overrides[o].zone) <= 0) {
            refuse(w, f, o, spot, "InsufficientFreeAddressesInSubnet", "There are not enough free addresses in the subnet to satisfy the requested number of instances.");
            continue;
        }
        if (spot && (w->pools[pool].depth <= 0 || w->pools[pool].shortage_until_ms > w->now_ms)) {
            refuse(w, f, o, spot, "InsufficientInstanceCapacity", "There is no Spot capacity available that matches your request.");
            continue;
        }
        w->pools[pool].depth -= spot;
        machine_create(w, fleet, pool, f->overrides[o].weight_milli, spot, false);
        return true;
    }
    return false;
}

static void refuse_unknown_pools(struct world *w, int fleet)
{
    struct world_fleet *f = &w->fleets[fleet];
    for (int o = 0; o < f->override_count; o++)
        if (fleet_pool(w, f->overrides[o].type, f->overrides[o].zone) < 0)
            refuse(w, f, o, f->wanted_on_demand < f->wanted, "UnfulfillableCapacity",
                   "Unable to fulfill capacity due to your request configuration. Please adjust your request and try again.");
}

static void launch(struct world *w, int fleet, int64_t weight_milli, bool spot)
{
    int64_t before_milli;
    do {
        before_milli = 0;
        for (size_t n = 0; n < w->instance_count; n++)
            before_milli += w->instances[n].used && w->instances[n].fleet == fleet && w->instances[n].spot == spot ? w->instances[n].weight_milli : 0;
    } while (before_milli < weight_milli && launch_one(w, fleet, spot));
}

static enum world_answer create(struct world *w, const struct world_create *c, int *ret_fleet)
{
    if (c->template < 0 || (size_t)c->template >= w->template_count || c->override_count < 1 || c->override_count > WORLD_OVERRIDES)
        return WORLD_INVALID;
    if (c->target < 1 || c->on_demand < 0 || c->on_demand > c->target || c->launch_tag_count > WORLD_LAUNCH_TAGS || c->tag_count > WORLD_TAGS)
        return WORLD_INVALID;
    struct world_fleet_spec spec = {.cluster = w->templates[c->template].cluster, .template = c->template, .target = c->target, .on_demand = c->on_demand,
                                    .allocation = c->allocation, .overrides = c->overrides, .override_count = c->override_count,
                                    .request_type = true, .ec2_fleet = true, .instant = true};
    int n = world_add_fleet(w, &spec);
    struct world_fleet *f = &w->fleets[n];
    f->state = (struct world_lagged){WF_ACTIVE, WF_ACTIVE, w->now_ms};
    world_copy(f->launch.token, sizeof f->launch.token, c->token);
    f->launch.asked = c->asked;
    for (int k = 0; k < c->tag_count; k++)
        f->tags[f->tag_count++] = c->tags[k];
    for (int k = 0; k < c->launch_tag_count; k++)
        f->launch.tags[f->launch.tag_count++] = c->launch_tags[k];
    refuse_unknown_pools(w, n);
    launch(w, n, c->on_demand * 1000, false);
    launch(w, n, (c->target - c->on_demand) * 1000, true);
    fleet_recount(w, n);
    *ret_fleet = n;
    return WORLD_OK;
}

enum world_answer world_create_fleet(struct world *w, enum world_actor by, const struct world_create *c, int *ret_fleet)
{
    struct world_call call = world_call_of(WOP_CREATE_FLEET, by);
    call.cluster = c->template >= 0 && (size_t)c->template < w->template_count ? w->templates[c->template].cluster : -1;
    call.target = c->target;
    call.on_demand = c->on_demand;
    call.create = c;
    world_tell_before(w, &call);
    enum world_answer answer = create(w, c, ret_fleet);
    call.fleet = answer == WORLD_OK ? *ret_fleet : -1;
    return world_tell_after(w, &call, answer);
}
