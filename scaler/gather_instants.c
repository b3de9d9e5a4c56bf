#include "scaler/gather_instants.h"

#include "base/check.h"
#include "scaler/gather_internal.h"
#include "scaler/gather_trouble.h"
#include "scaler/gather_zones.h"

static const char *short_name(const char *cluster)
{
    const char *slash = strrchr(cluster, '/');
    return slash ? slash + 1 : cluster;
}

void look_instant_ask(struct look *l, struct look_fleet *x)
{
    look_members_ask(l, x);
}

const char *look_instant_id(struct look *l, const struct policy_fleet *p)
{
    return arena_printf(l->a, "%s/%s", short_name(l->g->cluster), p->instant.name);
}

const char *look_instant_of(const struct look *l, const struct aws_tags *tags)
{
    const char *tag = aws_tag_get(tags, GATHER_FLEET_TAG);
    for (size_t i = 0; tag[0] && i < l->row_count; i++)
        if (l->rows[i].kind == FLEET_INSTANT && strcmp(l->rows[i].id, tag) == 0)
            return l->rows[i].id;
    return NULL;
}

static struct own_orders *orders_of(struct gather *g, const char *fleet)
{
    for (size_t i = 0; i < g->instants.order_count; i++)
        if (strcmp(g->instants.orders[i].fleet, fleet) == 0)
            return &g->instants.orders[i];
    if (g->instants.order_count == INSTANTS_MAX)
        return NULL;
    struct own_orders *o = &g->instants.orders[g->instants.order_count++];
    snprintf(o->fleet, sizeof o->fleet, "%s", fleet);
    return o;
}

// A member that carries another owner's tag makes the whole read-only (L28).
static const char *owner_of(struct look *l, const struct look_fleet *x)
{
    const char *owner = "";
    for (size_t i = 0; i < x->members.count; i++) {
        const char *of = aws_tag_get(&x->members.items[i].tags, "masu:owner");
        if (of[0] && (owner[0] == '\0' || strcmp(of, owner) < 0))
            owner = of;
    }
    return arena_strdup(l->a, owner);
}

// Each type in each subnet.
static void add_overrides(struct look *l, const struct policy_instant *p, struct fact_fleet *f)
{
    struct ec2_fleet_override *v = arena_array(l->a, struct ec2_fleet_override, p->type_count * p->subnet_count + 1);
    const char *template = arena_printf(l->a, "%s:%s", p->launch_template, p->version);
    for (size_t t = 0; t < p->type_count; t++)
        for (size_t s = 0; s < p->subnet_count; s++)
            v[f->override_count++] = (struct ec2_fleet_override){
                .type = arena_strdup(l->a, p->types[t].text), .subnet = arena_strdup(l->a, p->subnets[s].text), .zone = "",
                .launch_template = strncmp(template, "lt-", 3) == 0 ? template : "", .weight_milli = 1000};
    f->overrides = v;
}

struct fact_fleet look_instant_fact(struct look *l, const struct look_fleet *x)
{
    struct fact_fleet f = {.id = x->id, .name = x->policy->instant.name, .kind = FLEET_INSTANT, .activity = "", .allocation = "price-capacity-optimized",
                           .owner = owner_of(l, x), .control = "", .last_error = "", .rebalance = "", .unfound = "", .state = FLEET_ACTIVE, .found = true,
                           .group = {.scaler = "", .hook = ""}};
    const struct own_orders *o = orders_of(l->g, x->id);
    f.fulfilled_milli = (int64_t)x->members.count * 1000;
    if (x->kept && x->members.call.state != AWS_CALL_COMPLETE) {  // who is not told of counts yet
        if (x->kept->fulfilled_milli > f.fulfilled_milli)
            f.fulfilled_milli = x->kept->fulfilled_milli;
        f.owner = f.owner[0] ? f.owner : arena_strdup(l->a, x->kept->owner);
    }
    add_overrides(l, &x->policy->instant, &f);
    if (!o)
        return f;
    f.last_error = arena_strdup(l->a, o->last_error);
    f.last_error_ms = o->last_error_ms;
    f.capacity_error_ms = o->capacity_error_ms;
    f.refusal_count = o->refusal_count;
    memcpy(f.refusals, o->refusals, sizeof f.refusals);
    return f;
}

// ---- what orders of ours became ---------------------------------------------------------------------------------------------
void gather_launched(struct gather *g, const char *fleet, const struct gather_launch *x)
{
    int64_t now_ms = clock_wall_ms(g->clock);
    size_t kept = 0;
    for (size_t i = 0; i < g->instants.count; i++)
        if (now_ms - g->instants.v[i].at_ms < WRITE_OVERLAY_MS && strcmp(g->instants.v[i].instance, x->instance) != 0)
            g->instants.v[kept++] = g->instants.v[i];
    g->instants.count = kept;
    g->instants.v = arena_grow(&g->kept, g->instants.v, g->instants.count, &g->instants.cap, sizeof *g->instants.v);
    struct own_launch *o = &g->instants.v[g->instants.count++];
    *o = (struct own_launch){.spot = x->spot, .at_ms = now_ms};
    snprintf(o->fleet, sizeof o->fleet, "%s", fleet);
    snprintf(o->instance, sizeof o->instance, "%s", x->instance);
    snprintf(o->type, sizeof o->type, "%s", x->type);
    snprintf(o->subnet, sizeof o->subnet, "%s", x->subnet);
    snprintf(o->zone, sizeof o->zone, "%s", x->zone);
    snprintf(o->launch_template, sizeof o->launch_template, "%s", x->launch_template);
}

void gather_refused(struct gather *g, const char *fleet, const struct gather_refusal *x)
{
    struct own_orders *o = orders_of(g, fleet);
    int64_t now_ms = clock_wall_ms(g->clock);
    bool quota = strcmp(x->code, "VcpuLimitExceeded") == 0 || strcmp(x->code, "MaxSpotInstanceCountExceeded") == 0;
    if (quota)
        region_quota_refused(g->region, x->type, x->spot, now_ms);
    if (!o)
        return;
    snprintf(o->last_error, sizeof o->last_error, "%s", x->code);
    o->last_error_ms = now_ms;
    if (x->nothing_came && !quota)
        o->capacity_error_ms = now_ms;
    if (quota || !x->type[0] || !x->zone[0])
        return;
    size_t k = 0, oldest = 0;
    for (; k < o->refusal_count && (strcmp(o->refusals[k].type, x->type) != 0 || strcmp(o->refusals[k].zone, x->zone) != 0); k++)
        oldest = o->refusals[k].at_ms < o->refusals[oldest].at_ms ? k : oldest;
    k = k == FACT_REFUSALS_MAX ? oldest : k;
    o->refusal_count += k == o->refusal_count;
    o->refusals[k].at_ms = now_ms;
    snprintf(o->refusals[k].type, sizeof o->refusals[k].type, "%s", x->type);
    snprintf(o->refusals[k].zone, sizeof o->refusals[k].zone, "%s", x->zone);
}

// Launched, and not shown by a look yet.
void look_instants_take(struct look *l, const struct strmap *seen)
{
    struct facts *f = l->new;
    for (size_t i = 0; i < l->g->instants.count; i++) {
        const struct own_launch *o = &l->g->instants.v[i];
        bool row = false;
        for (size_t r = 0; r < l->row_count; r++)
            row = row || (l->rows[r].kind == FLEET_INSTANT && strcmp(l->rows[r].id, o->fleet) == 0);
        if (!row || f->at_ms - o->at_ms >= WRITE_OVERLAY_MS || strmap_get(seen, o->instance) >= 0)
            continue;
        bool ended = gather_written(l->g, ACTION_TERMINATE, o->instance, f->at_ms);
        const struct cached_type *type = region_type(l->region, o->type);
        f->ec2[f->ec2_count++] = (struct fact_ec2){
            .id = arena_strdup(l->a, o->instance), .type = arena_strdup(l->a, o->type), .zone = arena_strdup(l->a, o->zone),
            .subnet = arena_strdup(l->a, o->subnet), .arch = arena_strdup(l->a, type ? type->type.arch : ""), .fleet = arena_strdup(l->a, o->fleet), .mark = "", .address = "",
            .launch_template = arena_strdup(l->a, o->launch_template), .member = "", .state = ended ? EC2_SHUTTING_DOWN : EC2_PENDING, .spot = o->spot, .launched_ms = o->at_ms};
    }
}
