// One action of a plan, carried out in the world at once. What an order of an instant fleet was answered is kept for the next look.
#include <string.h>

#include "planner/sim/fold_internal.h"
#include "planner/sim/group.h"
#include "planner/sim/instant.h"
#include "planner/sim/orders.h"

// ---- orders of instant fleets -------------------------------------------------------------------------------------------------

static struct fold_fleet *ordered(struct fold_cluster *c, const char *id)
{
    for (size_t k = 0; k < c->policy->fleet_count; k++)
        if (c->fleets[k].kind == FLEET_INSTANT && !strcmp(c->fleets[k].id, id))
            return &c->fleets[k];
    return NULL;
}

static int zone_of_subnet(const struct world *w, struct slice id)
{
    for (int s = 0; s < w->subnet_count; s++)
        if (slice_eq_str(id, w->subnets[s].id))
            return w->subnets[s].zone;
    return -1;
}

// "lt-0abc:7 c5.large@subnet-1 m5.large@subnet-1": the pools; -1: a word that says nothing.
static int read_pools(struct fold_cluster *c, struct slice rest, struct world_override *ret)
{
    int n = 0;
    char type[24];
    while (rest.len > 0 && n < WORLD_OVERRIDES) {
        struct slice subnet = slice_cut(&rest, ' '), name = slice_cut(&subnet, '@');
        if (name.len >= sizeof type)
            return -1;
        memcpy(type, name.ptr, name.len);
        type[name.len] = '\0';
        ret[n] = (struct world_override){world_type_index(c->w, type), zone_of_subnet(c->w, subnet), 1000};
        if (ret[n].type < 0 || ret[n].zone < 0)
            return -1;
        n++;
    }
    return rest.len > 0 ? -1 : n;
}

static void take_refusal(struct fold_cluster *c, struct fold_fleet *x, int pool, const struct world_refusal *r, bool nothing_came)
{
    int k = 0, oldest = 0;
    x->last_error = r->code;
    x->last_error_ms = fold_now_ms(c);
    if (nothing_came)
        x->capacity_error_ms = fold_now_ms(c);
    for (; k < x->refusal_count && x->refusals[k].pool != pool; k++)
        oldest = x->refusals[k].at_ms < x->refusals[oldest].at_ms ? k : oldest;
    k = k == FOLD_REFUSALS_MAX ? oldest : k;
    x->refusal_count += k == x->refusal_count;
    x->refusals[k].pool = pool;
    x->refusals[k].at_ms = fold_now_ms(c);
}

// The same token is answered with the same fleet, and launches nothing.
static int made_by(const struct world *w, const char *token)
{
    for (size_t f = 0; f < w->fleet_count; f++)
        if (!strcmp(w->fleets[f].launch.token, token))
            return (int)f;
    return -1;
}

static void know(struct fold_cluster *c, int fleet, bool lost)
{
    int kept = 0;
    for (int k = c->lost_count == FOLD_LOST_MAX; k < c->lost_count; k++)
        if (c->lost[k] != fleet)
            c->lost[kept++] = c->lost[k];
    if (lost)
        c->lost[kept++] = fleet;
    c->lost_count = kept;
}

static enum world_answer launch(struct fold_cluster *c, const struct snapshot *s, const struct action *a, bool lost)
{
    struct fold_fleet *x = ordered(c, a->target);
    struct world_override pools[WORLD_OVERRIDES];
    struct slice rest = slice_of(a->value);
    slice_cut(&rest, ' ');  // the template is the fleet's own
    int count = x ? read_pools(c, rest, pools) : -1, fleet = made_by(c->w, a->token), came = 0;
    if (count < 1)
        return WORLD_INVALID;
    struct world_tag tags[2] = {{.key = WORLD_INSTANT_TAG}, {.key = "masu:owner"}};
    world_copy(tags[0].value, sizeof tags[0].value, x->id);
    world_copy(tags[1].value, sizeof tags[1].value, s->owner);
    struct world_create create = {.template = x->template, .overrides = pools, .override_count = count, .target = a->capacity, .on_demand = a->on_demand,
                                  .allocation = WALLOC_PRICE_CAPACITY_OPTIMIZED, .launch_tags = tags, .launch_tag_count = 2, .token = a->token};
    enum world_answer answer = fleet >= 0 ? WORLD_OK : world_create_fleet(c->w, WORLD_OURS, &create, &fleet);
    if (answer != WORLD_OK)
        return answer;
    const struct world_fleet *f = &c->w->fleets[fleet];
    for (size_t n = 0; n < c->w->instance_count; n++)
        came += c->w->instances[n].used && c->w->instances[n].fleet == fleet;
    know(c, fleet, lost);
    for (int k = 0; k < f->launch.refusal_count && !lost; k++) {
        const struct world_override *o = &f->overrides[f->launch.refusals[k].override];
        take_refusal(c, x, fleet_pool(c->w, o->type, o->zone), &f->launch.refusals[k], came == 0);
    }
    return came > 0 ? WORLD_OK : WORLD_NO_ROOM;
}

// ---- all others ---------------------------------------------------------------------------------------------------------------

static enum world_answer set_target(struct world *w, int fleet, const struct action *a)
{
    if (w->fleets[fleet].group >= 0)
        return world_group_desired(w, WORLD_OURS, fleet, a->capacity, false);
    return world_modify_spot_fleet(w, WORLD_OURS, fleet, a->capacity, a->on_demand, WX_NO_TERMINATION);
}

static enum world_answer on_fleet(struct world *w, int fleet, const struct action *a)
{
    if (fleet < 0)
        return WORLD_NOT_FOUND;
    return a->kind == ACTION_CLAIM ? world_tag_fleet(w, WORLD_OURS, fleet, "masu:owner", a->value) : set_target(w, fleet, a);
}

static enum world_answer on_instance(struct fold_cluster *c, int n, const struct action *a)
{
    struct world *w = c->w;
    if (n < 0)
        return WORLD_NOT_FOUND;
    int fleet = w->instances[n].fleet;
    bool of_group = fleet >= 0 && w->fleets[fleet].group >= 0;
    switch (a->kind) {
    case ACTION_MARK:
        return world_tag(w, WORLD_OURS, n, "masu:drain", a->value);
    case ACTION_UNMARK:
        return world_untag(w, WORLD_OURS, n, "masu:drain");
    case ACTION_DRAIN:
        return world_set_container_instance_state(w, WORLD_OURS, c->cluster, n, WE_DRAINING);
    case ACTION_UNDRAIN:
        return world_set_container_instance_state(w, WORLD_OURS, c->cluster, n, WE_ACTIVE);
    case ACTION_TERMINATE:
        return of_group ? world_group_terminate(w, WORLD_OURS, n, false, NULL) : world_terminate(w, WORLD_OURS, &n, 1);
    case ACTION_DEREGISTER:
        return world_deregister(w, WORLD_OURS, c->cluster, n, true);
    case ACTION_END_MEMBER:
        return world_group_terminate(w, WORLD_OURS, n, true, NULL);
    case ACTION_HEARTBEAT:
        return world_group_heartbeat(w, WORLD_OURS, fleet, a->value, n, NULL);
    case ACTION_COMPLETE:
        return world_group_complete(w, WORLD_OURS, fleet, a->value, n, NULL, false);
    case ACTION_SET_TARGET:
    case ACTION_CLAIM:
    case ACTION_LAUNCH:
    case ACTION_COUNT:
        break;
    }
    return WORLD_INVALID;
}

enum world_answer fold_act(struct fold_cluster *c, const struct snapshot *s, const struct action *a, bool lost)
{
    if (a->kind == ACTION_LAUNCH)
        return launch(c, s, a, lost);
    if (a->kind == ACTION_SET_TARGET || a->kind == ACTION_CLAIM)
        return on_fleet(c->w, world_find_fleet(c->w, a->target), a);
    return on_instance(c, world_find_instance(c->w, a->target), a);
}
