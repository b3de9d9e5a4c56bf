// CreateFleet, of type instant: what can be launched is, and the answer names instances and refusals.
//
// The same ClientToken with the same request is answered with the same fleet, and launches nothing.
#include "scaler/sandbox/ec2.h"

#include <string.h>

#include "base/parse.h"
#include "planner/sim/instant.h"

#define SPEC "TargetCapacitySpecification."
enum { CONFIGS_MAX = 50, TAG_SPECS_MAX = 3, TOKEN_MAX = 64 };

struct asked {
    struct world_create create;
    struct world_override overrides[WORLD_OVERRIDES];
    struct world_tag tags[WORLD_TAGS], launch_tags[WORLD_LAUNCH_TAGS];
};

static const char *of_template(struct call *c, int config, const char *member)
{
    return form_str(&c->form, arena_printf(c->arena, "LaunchTemplateConfigs.%d.LaunchTemplateSpecification.%s", config, member), c->arena);
}

// ---- the request ------------------------------------------------------------------------------------------------------------
static bool fail(struct call *c, const char *code, const char *what, const char *value)
{
    call_fail(c, 400, code, "%s '%.80s'", what, value);
    return false;
}

static bool find_template(struct call *c, int config, int *ret)
{
    const char *id = of_template(c, config, "LaunchTemplateId"), *name = of_template(c, config, "LaunchTemplateName");
    if ((id == NULL) == (name == NULL)) {
        call_missing(c, "LaunchTemplateSpecification");
        return false;
    }
    return play_ec2_find_template(c, id, name, of_template(c, config, "Version"), ret);
}

static int zone_of_subnet(const struct call *c, const char *subnet)
{
    for (int s = 0; s < c->view.subnet_count; s++)
        if (strcmp(c->view.subnets[s].id, subnet) == 0)
            return c->view.subnets[s].zone;
    return -1;
}

static int zone_named(const struct call *c, const char *zone)
{
    for (int z = 0; z < c->view.zone_count; z++)
        if (strcmp(c->view.zones[z], zone) == 0)
            return z;
    return -1;
}

static bool read_override(struct call *c, const char *prefix, struct world_override *ret)
{
    const char *type = form_str(&c->form, arena_printf(c->arena, "%s.InstanceType", prefix), c->arena);
    const char *subnet = form_str(&c->form, arena_printf(c->arena, "%s.SubnetId", prefix), c->arena);
    const char *zone = form_str(&c->form, arena_printf(c->arena, "%s.AvailabilityZone", prefix), c->arena);
    const char *weight = form_str(&c->form, arena_printf(c->arena, "%s.WeightedCapacity", prefix), c->arena);
    int64_t micro = 1000000;
    if (type == NULL) {
        call_missing(c, "InstanceType");
        return false;
    }
    *ret = (struct world_override){.type = world_type_index(c->world, type), .zone = -1};
    if (ret->type < 0)
        return fail(c, "InvalidParameterValue", "Invalid instance type", type);
    if (subnet && (ret->zone = zone_of_subnet(c, subnet)) < 0)
        return fail(c, "InvalidSubnetID.NotFound", "The subnet ID does not exist:", subnet);
    if (zone && (ret->zone = zone_named(c, zone)) < 0)
        return fail(c, "InvalidParameterValue", "Invalid availability zone", zone);
    if (weight && (!parse_decimal_micro(slice_of(weight), &micro) || micro < 1000))
        return fail(c, "InvalidParameterValue", "Invalid WeightedCapacity", weight);
    ret->weight_milli = micro / 1000;
    return true;
}

// An override without a subnet or zone is one in each zone.
static bool add_override(struct call *c, struct asked *a, struct world_override o)
{
    for (int z = 0; z < c->view.zone_count; z++) {
        if (o.zone >= 0 && o.zone != z)
            continue;
        if (a->create.override_count == WORLD_OVERRIDES)
            return fail(c, "InvalidFleetConfiguration", "Too many pools; this sandbox plays", arena_printf(c->arena, "%d", WORLD_OVERRIDES));
        a->overrides[a->create.override_count] = o;
        a->overrides[a->create.override_count++].zone = z;
    }
    return true;
}

static bool read_configs(struct call *c, struct asked *a)
{
    int template = -1;
    for (int n = 1; n <= CONFIGS_MAX; n++) {
        if (!of_template(c, n, "LaunchTemplateId") && !of_template(c, n, "LaunchTemplateName"))
            break;
        if (!find_template(c, n, &template))
            return false;
        if (n > 1 && template != a->create.template)
            return fail(c, "InvalidFleetConfiguration", "This sandbox plays one launch template a fleet, not also", c->view.templates[template].id);
        a->create.template = template;
        for (int k = 1;; k++) {
            const char *prefix = arena_printf(c->arena, "LaunchTemplateConfigs.%d.Overrides.%d", n, k);
            struct world_override o;
            if (!form_get(&c->form, arena_printf(c->arena, "%s.InstanceType", prefix)).ptr && !form_get(&c->form, arena_printf(c->arena, "%s.SubnetId", prefix)).ptr)
                break;
            if (!read_override(c, prefix, &o) || !add_override(c, a, o))
                return false;
        }
    }
    if (template < 0 || a->create.override_count == 0)
        call_missing(c, template < 0 ? "LaunchTemplateConfigs" : "Overrides");
    return !call_failed(c);
}

static bool read_target(struct call *c, struct asked *a)
{
    int64_t total = -1, on_demand = -1, spot = -1;
    const char *type = form_str(&c->form, SPEC "DefaultTargetCapacityType", c->arena);
    if (!play_ec2_int(c, SPEC "TotalTargetCapacity", 1, 10000, &total, NULL) || !play_ec2_int(c, SPEC "OnDemandTargetCapacity", 0, 10000, &on_demand, NULL) ||
        !play_ec2_int(c, SPEC "SpotTargetCapacity", 0, 10000, &spot, NULL))
        return false;
    if (total < 0) {
        call_missing(c, SPEC "TotalTargetCapacity");
        return false;
    }
    bool rest_on_demand = type == NULL || strcmp(type, "on-demand") == 0;  // the default is on-demand
    int64_t named = (on_demand > 0 ? on_demand : 0) + (spot > 0 ? spot : 0);
    if (named > total)
        return fail(c, "InvalidParameterValue", "The on-demand and spot capacity exceed the total target capacity", "");
    a->create.target = total;
    a->create.on_demand = (on_demand > 0 ? on_demand : 0) + (rest_on_demand ? total - named : 0);
    return true;
}

static bool read_strategy(struct call *c, struct asked *a)
{
    static const char *const words[] = {
        [WALLOC_LOWEST_PRICE] = "lowest-price", [WALLOC_DIVERSIFIED] = "diversified", [WALLOC_CAPACITY_OPTIMIZED] = "capacity-optimized",
        [WALLOC_PRICE_CAPACITY_OPTIMIZED] = "price-capacity-optimized"};
    const char *word = form_str(&c->form, "SpotOptions.AllocationStrategy", c->arena);
    a->create.allocation = WALLOC_LOWEST_PRICE;
    for (size_t k = 0; word && k < ARRAY_LEN(words); k++)
        if (strcmp(word, words[k]) == 0) {
            a->create.allocation = (enum world_allocation)k;
            return true;
        }
    return word == NULL || fail(c, "InvalidParameterValue", "Invalid AllocationStrategy", word);
}

static bool read_tags(struct call *c, int spec, struct world_tag *tags, int most, int *ret_count)
{
    for (int k = 1;; k++) {
        const char *key = form_str(&c->form, arena_printf(c->arena, "TagSpecification.%d.Tag.%d.Key", spec, k), c->arena);
        const char *value = form_str(&c->form, arena_printf(c->arena, "TagSpecification.%d.Tag.%d.Value", spec, k), c->arena);
        if (key == NULL)
            return true;
        if (*ret_count == most || *key == '\0' || strncmp(key, "aws:", 4) == 0 || strlen(key) >= sizeof tags->key ||
            (value && strlen(value) >= sizeof tags->value))
            return fail(c, "InvalidParameterValue", "Invalid tag", key);
        struct world_tag *t = &tags[(*ret_count)++];
        snprintf(t->key, sizeof t->key, "%s", key);
        snprintf(t->value, sizeof t->value, "%s", value ? value : "");
    }
}

static bool read_tag_specs(struct call *c, struct asked *a)
{
    for (int n = 1; n <= TAG_SPECS_MAX; n++) {
        const char *type = form_str(&c->form, arena_printf(c->arena, "TagSpecification.%d.ResourceType", n), c->arena);
        if (type == NULL)
            break;
        bool fleet = strcmp(type, "fleet") == 0;
        if (!fleet && strcmp(type, "instance") != 0)
            return fail(c, "InvalidParameterValue", "Invalid ResourceType of a fleet of type instant", type);
        if (!read_tags(c, n, fleet ? a->tags : a->launch_tags, fleet ? WORLD_TAGS : WORLD_LAUNCH_TAGS, fleet ? &a->create.tag_count : &a->create.launch_tag_count))
            return false;
    }
    return true;
}

// Of all parameters but the token: they are sorted by name.
static uint64_t digest(const struct call *c)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < c->form.count; i++) {
        const struct form_param *p = &c->form.params[i];
        if (slice_eq(p->name, SLICE_LIT("ClientToken")))
            continue;
        for (size_t k = 0; k < p->name.len; k++)
            h = (h ^ (unsigned char)p->name.ptr[k]) * UINT64_C(0x100000001b3);
        h = (h ^ '=') * UINT64_C(0x100000001b3);
        for (size_t k = 0; k < p->value.len; k++)
            h = (h ^ (unsigned char)p->value.ptr[k]) * UINT64_C(0x100000001b3);
        h = (h ^ '&') * UINT64_C(0x100000001b3);
    }
    return h;
}

// ---- the answer -------------------------------------------------------------------------------------------------------------
static void write_pool(struct call *c, const struct world_fleet *f, int override, bool spot)
{
    const struct world_override *x = &f->overrides[override];
    struct buf *o = c->out;
    xo_open(o, "launchTemplateAndOverrides");
    xo_open(o, "launchTemplateSpecification");
    xo_text(o, "launchTemplateId", c->view.templates[f->template].id);
    xo_int(o, "version", c->view.templates[f->template].version);
    xo_close(o, "launchTemplateSpecification");
    xo_open(o, "overrides");
    xo_text(o, "instanceType", c->view.types[x->type].name);
    for (int s = 0; s < c->view.subnet_count; s++)
        if (c->view.subnets[s].zone == x->zone)
            xo_text(o, "subnetId", c->view.subnets[s].id);
    xo_milli(o, "weightedCapacity", x->weight_milli);
    xo_close(o, "overrides");
    xo_close(o, "launchTemplateAndOverrides");
    xo_text(o, "lifecycle", spot ? "spot" : "on-demand");
}

static bool of_override(const struct call *c, int instance, int fleet, int override, bool spot)
{
    const struct world_instance *i = &c->view.instances[instance];
    const struct world_override *x = &c->view.fleets[fleet].overrides[override];
    return i->used && i->fleet == fleet && i->spot == spot && c->view.pools[i->pool].type == x->type && c->view.pools[i->pool].zone == x->zone;
}

static void write_launched(struct call *c, int fleet, int override, bool spot)
{
    struct buf *o = c->out;
    bool any = false;
    for (int n = 0; n < c->view.instance_count; n++) {
        if (!of_override(c, n, fleet, override, spot))
            continue;
        if (!any) {
            xo_open(o, "item");
            write_pool(c, &c->view.fleets[fleet], override, spot);
            xo_open(o, "instanceIds");
        }
        any = true;
        xo_text(o, "item", c->view.instances[n].id);
    }
    if (!any)
        return;
    xo_close(o, "instanceIds");
    xo_text(o, "instanceType", c->view.types[c->view.fleets[fleet].overrides[override].type].name);
    xo_close(o, "item");
}

void play_ec2_write_launch(struct call *c, int fleet)
{
    const struct world_fleet *f = &c->view.fleets[fleet];
    struct buf *o = c->out;
    xo_open(o, "errorSet");
    for (int k = 0; k < f->launch.refusal_count; k++) {
        xo_open(o, "item");
        write_pool(c, f, f->launch.refusals[k].override, f->launch.refusals[k].spot);
        xo_text(o, "errorCode", f->launch.refusals[k].code);
        xo_text(o, "errorMessage", f->launch.refusals[k].message);
        xo_close(o, "item");
    }
    xo_close(o, "errorSet");
    xo_open(o, "fleetInstanceSet");
    for (int k = 0; k < f->override_count; k++)
        for (int spot = 0; spot < 2; spot++)
            write_launched(c, fleet, k, spot);
    xo_close(o, "fleetInstanceSet");
}

static void answer(struct call *c, int fleet)
{
    c->view = world_view(c->world);
    call_begin_xml(c);
    xo_text(c->out, "fleetId", c->view.fleets[fleet].id);
    play_ec2_write_launch(c, fleet);
    call_end_xml(c);
}

// The fleet that the token made; -1: none.
static int made_by(const struct call *c, const char *token)
{
    for (int f = 0; *token && f < c->view.fleet_count; f++)
        if (strcmp(c->view.fleets[f].launch.token, token) == 0)
            return f;
    return -1;
}

void play_ec2_create_fleet(struct call *c)
{
    struct asked *a = arena_new(c->arena, struct asked);
    const char *type = form_str(&c->form, "Type", c->arena), *token = form_str(&c->form, "ClientToken", c->arena);
    a->create = (struct world_create){.overrides = a->overrides, .tags = a->tags, .launch_tags = a->launch_tags, .token = token ? token : "", .asked = digest(c)};
    if (type == NULL || strcmp(type, "instant") != 0) {
        fail(c, "InvalidParameterValue", "This sandbox creates fleets of type instant, not", type ? type : "maintain");
        return;
    }
    if (strlen(a->create.token) > TOKEN_MAX) {
        fail(c, "InvalidParameterValue", "ClientToken is too long", a->create.token);
        return;
    }
    if (!read_configs(c, a) || !read_target(c, a) || !read_strategy(c, a) || !read_tag_specs(c, a))
        return;
    call_note(c, a->create.launch_tag_count > 0 ? a->launch_tags[0].value : "", "TotalTargetCapacity=%lld OnDemand=%lld pools=%d ClientToken=%s",
              (long long)a->create.target, (long long)a->create.on_demand, a->create.override_count, a->create.token);
    int fleet = made_by(c, a->create.token);
    if (fleet >= 0 && c->view.fleets[fleet].launch.asked != a->create.asked) {
        fail(c, "IdempotentParameterMismatch", "The request parameters do not match those of the request that used the client token", a->create.token);
        return;
    }
    if (play_ec2_dry_run(c))
        return;
    if (fleet < 0 && world_create_fleet(c->world, c->key->actor, &a->create, &fleet) != WORLD_OK) {
        fail(c, "InvalidFleetConfiguration", "The fleet cannot be created", "");
        return;
    }
    answer(c, fleet);
}
