// Types and fleets of a look: what AWS would tell of them.
#include <string.h>

#include "planner/sim/fold_internal.h"
#include "planner/sim/group_internal.h"
#include "planner/sim/instant.h"

// ---- types and fleets -------------------------------------------------------------------------------------------------------

void fold_look_types(struct look *l)
{
    l->s->type_count = l->w->type_count;
    l->s->types = arena_array(l->a, struct instance_type, l->w->type_count + 1);
    for (size_t t = 0; t < l->w->type_count; t++) {
        const struct world_type *x = &l->w->types[t];
        int64_t sum = 0, zones = 0;
        for (size_t p = 0; p < l->w->pool_count; p++) {
            sum += l->w->pools[p].type == (int)t ? l->w->pools[p].spot_usd_micro : 0;
            zones += l->w->pools[p].type == (int)t;
        }
        struct res nominal = res_make((int64_t)x->vcpus * 1024, x->memory_mib);
        nominal.v[RES_GPU] = x->gpus;
        nominal.v[RES_ENI] = x->max_enis - 1;
        l->s->types[t] = (struct instance_type){.name = x->name, .arch = x->arch, .nominal = nominal,
                                                .registered = machine_registers(x, &l->w->templates[0]),
                                                .spot_usd_micro = zones > 0 ? sum / zones : 0, .on_demand_usd_micro = x->on_demand_usd_micro};
    }
}

// When the pool last refused its fleet, of those who tell: an order's answer, the history of a fleet, an event of a group.
static int64_t refused_ms(const struct look *l, const struct fold_fleet *x, int pool)
{
    for (int k = 0; k < x->refusal_count; k++)
        if (x->refusals[k].pool == pool)
            return x->refusals[k].at_ms;
    if (x->kind == FLEET_GROUP) {
        for (size_t n = l->w->news_count; n-- > 0;)
            if (l->w->news[n].kind == WNEWS_LAUNCH_FAILED && l->w->news[n].fleet == x->fleet && l->w->news[n].pool == pool)
                return l->w->news[n].at_ms;
        return 0;
    }
    const struct world_fleet *f = x->fleet >= 0 ? &l->w->fleets[x->fleet] : NULL;
    for (int k = 0; f && k < WORLD_FLEET_EVENTS && f->events[k].at_ms > 0; k++)
        if (f->events[k].pool == pool)
            return f->events[k].at_ms;
    return 0;
}

static void add_pool(struct look *l, const struct fold_fleet *x, const struct world_override *o, int subnet, struct fleet *to)
{
    int zone = l->w->subnets[subnet].zone, pool = fleet_pool(l->w, o->type, zone);
    const struct attribute_set *set = fold_pool_set(l, pool, -1);
    to->pools[to->pool_count++] = (struct fleet_pool){
        .type = o->type, .type_name = l->w->types[o->type].name, .zone = l->w->zones[zone], .weight_milli = o->weight_milli,
        .subnet = l->w->subnets[subnet].id, .subnet_full = fleet_addresses_left(l->w, zone) <= 0,
        .launch_template = fold_template_name(l, x->fleet >= 0 ? l->w->fleets[x->fleet].template : x->template), .attributes = set,
        .attributes_known = set != NULL, .spot_usd_micro = l->w->pools[pool].spot_usd_micro, .refused_ms = refused_ms(l, x, pool)};
}

static void look_pools(struct look *l, const struct fold_fleet *x, struct fleet *to)
{
    const struct world_fleet *f = &l->w->fleets[x->fleet];
    to->pools = arena_array(l->a, struct fleet_pool, (size_t)(f->override_count * l->w->zone_count) + 1);
    for (int o = 0; o < f->override_count; o++)
        for (int z = 0; z < l->w->zone_count; z++)
            if (f->overrides[o].zone < 0 || f->overrides[o].zone == z)
                add_pool(l, x, &f->overrides[o], z, to);  // a subnet a zone
}

static int subnet_of(const struct world *w, struct slice id)
{
    for (int s = 0; s < w->subnet_count; s++)
        if (slice_eq_str(id, w->subnets[s].id))
            return s;
    return -1;
}

// Each type in each subnet.
static void look_instant_pools(struct look *l, const struct fold_fleet *x, struct fleet *to)
{
    const struct policy_instant *p = &x->policy->instant;
    to->pools = arena_array(l->a, struct fleet_pool, p->type_count * p->subnet_count + 1);
    for (size_t t = 0; t < p->type_count; t++)
        for (size_t s = 0; s < p->subnet_count; s++) {
            struct world_override o = {.type = world_type_index(l->w, p->types[t].text), .weight_milli = 1000};
            int subnet = subnet_of(l->w, slice_of(p->subnets[s].text));
            if (o.type >= 0 && subnet >= 0)
                add_pool(l, x, &o, subnet, to);
        }
}

const char *fold_template_name(struct look *l, int template)
{
    return arena_printf(l->a, "%s:%d", l->w->templates[template].id, l->w->templates[template].version);
}

static enum fleet_state fleet_state(const struct world_fleet *f, int64_t at_ms)
{
    static const enum fleet_state STATES[] = {
        [WF_SUBMITTED] = FLEET_SUBMITTED, [WF_ACTIVE] = FLEET_ACTIVE, [WF_MODIFYING] = FLEET_MODIFYING,
        [WF_CANCELLED_RUNNING] = FLEET_CANCELLED_RUNNING, [WF_CANCELLED_TERMINATING] = FLEET_CANCELLED_TERMINATING,
        [WF_CANCELLED] = FLEET_CANCELLED};
    return STATES[world_seen(&f->state, at_ms)];
}

static const char *tag(const struct world_tag *tags, int n, const char *key)
{
    const char *value = world_tag_value(tags, n, key);
    return value ? value : "";
}

static void look_history(struct look *l, const struct fold_fleet *x, struct fleet *to)
{
    const struct world_fleet *f = &l->w->fleets[x->fleet];
    for (int e = WORLD_FLEET_EVENTS - 1; e >= 0 && x->kind != FLEET_GROUP; e--) {
        if (f->events[e].at_ms == 0)
            continue;
        to->last_error = f->events[e].sub_type;
        to->last_error_ms = f->events[e].at_ms;
        to->capacity_error_ms = f->events[e].pool < 0 ? f->events[e].at_ms : to->capacity_error_ms;
    }
    for (size_t n = 0; n < l->w->news_count && x->kind == FLEET_GROUP; n++) {
        const struct world_news *e = &l->w->news[n];
        if (e->kind != WNEWS_LAUNCH_FAILED || e->fleet != x->fleet)
            continue;
        to->last_error = e->word;
        to->last_error_ms = e->at_ms;
        to->capacity_error_ms = e->pool < 0 ? e->at_ms : to->capacity_error_ms;
    }
}

static void look_group(struct look *l, const struct fold_fleet *x, struct fleet *to)
{
    const struct world_group *g = world_group_of(l->w, x->fleet);
    to->min_size = g->min;
    to->on_demand_base = g->mixed ? g->on_demand_base : 0;
    to->on_demand_percent = g->mixed ? g->on_demand_percent : 0;
    to->max_size = g->max;
    to->no_launch = g->suspended >> WP_LAUNCH & 1;
    to->no_terminate = g->suspended >> WP_TERMINATE & 1;
    to->rebalances = !(g->suspended >> WP_AZ_REBALANCE & 1);
    to->refreshing = g->refresh == WR_PENDING || g->refresh == WR_IN_PROGRESS;
    to->replaces = g->capacity_rebalance ? "group" : "";
    to->foreign_scaling = g->policy_count > 0;
    to->foreign = g->policy_count > 0 ? g->policies[0].name : "";
    for (size_t p = 0; p < l->w->provider_count; p++)
        if (l->w->providers[p].group == x->fleet + 1) {
            to->provider = l->w->providers[p].name;
            to->foreign_scaling |= l->w->providers[p].managed;
        }
    for (size_t h = 0; h < x->policy->hook_count; h++)
        for (int k = 0; k < g->hook_count; k++)
            if (!g->hooks[k].launching && !strcmp(g->hooks[k].name, x->policy->hooks[h].name)) {
                to->hook = g->hooks[k].name;
                to->hook_heartbeat_ms = g->hooks[k].heartbeat_ms;
                to->hook_limit_ms = g->hooks[k].heartbeat_ms * 100 < 172800000 ? g->hooks[k].heartbeat_ms * 100 : 172800000;
            }
}

static struct fleet look_fleet(struct look *l, const struct fold_fleet *x)
{
    static const char *const ACTIVITIES[] = {[WA_PENDING_FULFILLMENT] = "pending_fulfillment", [WA_FULFILLED] = "fulfilled",
                                             [WA_PENDING_TERMINATION] = "pending_termination", [WA_ERROR] = "error"};
    static const char *const REPLACES[] = {[WREB_OFF] = "", [WREB_LAUNCH] = "launch", [WREB_LAUNCH_BEFORE_TERMINATE] = "launch-before-terminate"};
    const struct world_fleet *f = &l->w->fleets[x->fleet];
    int64_t at_ms = fold_seen(&l->sight, SOURCE_FLEETS, (uint64_t)x->fleet);
    struct fleet to = {.id = f->id, .name = "", .unfound = "", .kind = x->kind, .state = fleet_state(f, at_ms), .found = true,
                       .maintain = f->maintain || x->kind == FLEET_GROUP, .activity = ACTIVITIES[f->activity], .replaces = REPLACES[f->rebalance],
                       .replace_delay_ms = f->rebalance_delay_ms, .target = world_seen(&f->target, at_ms), .on_demand_target = world_seen(&f->on_demand, at_ms),
                       .fulfilled_milli = f->fulfilled_milli, .provider = "", .hook = "", .allocation = "", .valid_until_ms = f->valid_until_ms,
                       .ends_with_expiration = f->ends_with_expiration, .owner = tag(f->tags, f->tag_count, "masu:owner"), .foreign = "",
                       .control = tag(f->tags, f->tag_count, "masu:mode"), .denied = "", .last_error = ""};
    look_history(l, x, &to);
    if (x->kind == FLEET_GROUP)
        look_group(l, x, &to);
    look_pools(l, x, &to);
    return to;
}

// Its members are counted, and a member with another's tag makes it read-only.
static struct fleet look_instant(struct look *l, const struct fold_fleet *x)
{
    struct fleet to = {.id = x->id, .name = x->policy->instant.name, .unfound = "", .kind = FLEET_INSTANT, .state = FLEET_ACTIVE, .found = true,
                       .activity = "", .replaces = "", .provider = "", .hook = "", .allocation = "price-capacity-optimized", .owner = "",
                       .foreign = "", .control = "", .denied = "", .last_error = x->last_error, .last_error_ms = x->last_error_ms,
                       .capacity_error_ms = x->capacity_error_ms};
    for (size_t n = 0; n < l->w->instance_count; n++) {
        const struct world_instance *i = &l->w->instances[n];
        if (!i->used || i->state.now > WL_RUNNING || strcmp(tag(i->tags, i->tag_count, WORLD_INSTANT_TAG), x->id))
            continue;
        const char *owner = tag(i->tags, i->tag_count, "masu:owner");
        to.fulfilled_milli += 1000;
        if (*owner && (!*to.owner || strcmp(owner, to.owner) < 0))
            to.owner = owner;
    }
    look_instant_pools(l, x, &to);
    return to;
}

void fold_look_fleets(struct look *l)
{
    size_t count = l->c->policy->fleet_count;
    l->s->fleets = arena_array(l->a, struct fleet, count + 1);
    l->s->fleet_count = count;
    for (size_t k = 0; k < count; k++) {
        const struct fold_fleet *x = &l->c->fleets[k];
        l->s->fleets[k] = x->kind == FLEET_INSTANT ? look_instant(l, x) : look_fleet(l, x);
    }
}

int fold_fleet_of(const struct look *l, const struct world_instance *i)
{
    const char *of = tag(i->tags, i->tag_count, WORLD_INSTANT_TAG);
    for (size_t k = 0; k < l->c->policy->fleet_count; k++) {
        const struct fold_fleet *x = &l->c->fleets[k];
        if (x->kind == FLEET_INSTANT ? !strcmp(of, x->id) : i->fleet >= 0 && i->fleet == x->fleet)
            return (int)k;
    }
    return -1;
}

// ---- which they are ---------------------------------------------------------------------------------------------------------

// The newest version of the template, by its id or its name.
static int find_template(const struct world *w, const char *name)
{
    int found = -1;
    for (size_t t = 0; t < w->template_count; t++)
        if ((!strcmp(w->templates[t].id, name) || !strcmp(w->templates[t].name, name)) && (found < 0 || w->templates[t].version > w->templates[found].version))
            found = (int)t;
    return found;
}

int fold_find_fleets(struct fold_cluster *c, struct err *err)
{
    c->fleets = arena_array(&c->kept, struct fold_fleet, c->policy->fleet_count + 1);
    for (size_t k = 0; k < c->policy->fleet_count; k++) {
        const struct policy_fleet *p = &c->policy->fleets[k];
        const char *name = policy_fleet_name(p);
        struct fold_fleet *x = &c->fleets[k];
        *x = (struct fold_fleet){.policy = p, .kind = policy_fleet_kind(p), .fleet = -1, .id = name, .last_error = ""};
        if (x->kind == FLEET_INSTANT) {
            x->id = arena_printf(&c->kept, "%s/%s", c->policy->name, name);
            x->template = find_template(c->w, p->instant.launch_template);
            if (x->template < 0)
                return err_set(err, ERR_INVALID, "fold: no launch template %s in the world", p->instant.launch_template);
            continue;
        }
        x->fleet = world_find_fleet(c->w, name);
        if (x->fleet < 0)
            return err_set(err, ERR_INVALID, "fold: no fleet %s in the world", name);
        const struct world_fleet *f = &c->w->fleets[x->fleet];
        x->kind = f->group >= 0 ? FLEET_GROUP : f->ec2_fleet ? FLEET_EC2_FLEET : FLEET_SPOT_FLEET;
    }
    return 0;
}
