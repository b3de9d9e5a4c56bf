// What the account around the clusters says and seldom changes: subnets, capacity providers, and who else scales our fleets.
//
// Each is one slow read of the region. What AWS refuses or does not know stays unknown: planning goes on without it, it is said
// once, and asked for again later.
#include <stdarg.h>

#include "base/check.h"
#include "scaler/gather_internal.h"
#include "scaler/gather_notices.h"
#include "scaler/gather_trouble.h"

#define SLOW_LIFE_MS 600000
#define SCALERS_LIFE_MS 3600000
#define FULL_LIFE_MS 60000       // a subnet without addresses may have some again soon
#define TROUBLE_MS 60000

// ---- notes ----------------------------------------------------------------------------------------------------------------

static void note(struct region *r, const char *fmt, ...) _printf_(2, 3);
static void note(struct region *r, const char *fmt, ...)
{
    if (r->note_count == ARRAY_LEN(r->notes))
        return;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(r->notes[r->note_count++], sizeof r->notes[0], fmt, ap);
    va_end(ap);
}

const char *gather_note(struct gather *g)
{
    struct region *r = g->region;
    if (r->notes_taken < r->note_count)
        return r->notes[r->notes_taken++];
    r->notes_taken = r->note_count = 0;
    return NULL;
}

bool region_slow_settle(struct region *r, enum slow_kind k, const struct aws_call *c, int64_t life_ms, int64_t now_ms)
{
    static const char *const UNKNOWN[SLOW_COUNT] = {
        [SLOW_SUBNETS] = "whether subnets have addresses left", [SLOW_PROVIDERS] = "who scales the instances of capacity providers",
        [SLOW_SCALERS] = "whether somebody else scales the fleets",
        [SLOW_QUOTAS] = "how many vCPUs the account may run",
        [SLOW_CATALOGUE] = "which types the requirements of fleets mean",
        [SLOW_SCORES] = "which zones are likely to have spot capacity",
        [SLOW_EVENTS] = "which instances EC2 will retire, stop or reboot",
        [SLOW_NOTICES] = "which instances AWS takes back, before it does",
    };
    struct slow_read *s = &r->slow[k];
    s->asked = false;
    if (c->state == AWS_CALL_COMPLETE) {
        s->next_ms = now_ms + life_ms;
        s->told = false;
        return true;
    }
    bool passes = c->err.kind == ERR_TRANSIENT || c->err.kind == ERR_THROTTLED;
    s->next_ms = now_ms + (passes ? TROUBLE_MS : RETRY_MS);
    if (!passes && !s->told) {
        note(r, "%s is unknown, planned without -> %s", UNKNOWN[k], c->err.msg);
        s->told = true;
    }
    return false;
}

bool look_slow_settle(struct look *l, enum slow_kind k, const struct aws_call *c, int64_t life_ms)
{
    return region_slow_settle(l->region, k, c, life_ms, l->new->at_ms);
}

// New names are asked for at once, unless the operation is refused.
bool look_slow_due(struct look *l, enum slow_kind k, size_t count)
{
    struct slow_read *s = &l->region->slow[k];
    bool fresh = count > s->count && !s->told;
    s->asked = count > 0 && (fresh || l->new->at_ms >= s->next_ms);
    s->count = count;
    return s->asked;
}

// ---- subnets --------------------------------------------------------------------------------------------------------------

const struct cached_subnet *region_subnet(const struct region *r, const char *id)
{
    int i = strmap_get(&r->subnet_map, id);
    return i >= 0 && r->subnets[i].known ? &r->subnets[i] : NULL;
}

static void name_subnet(struct region *r, struct slice id)
{
    if (id.len == 0 || r->subnet_count == SUBNETS_MAX)
        return;
    char text[64];
    snprintf(text, sizeof text, "%.*s", (int)id.len, id.ptr);
    if (strmap_get(&r->subnet_map, text) >= 0)
        return;
    struct cached_subnet *s = &r->subnets[r->subnet_count];
    *s = (struct cached_subnet){.id = arena_strdup(&r->kept, text)};
    strmap_put(&r->subnet_map, s->id, (int)r->subnet_count++);
}

static void ask_subnets(struct look *l)
{
    struct region *r = l->region;
    const struct facts *f = l->new;
    for (size_t i = 0; i < f->fleet_count; i++)
        for (size_t o = 0; o < f->fleets[i].override_count; o++) {
            struct slice rest = slice_of(f->fleets[i].overrides[o].subnet);
            while (rest.len > 0)
                name_subnet(r, slice_trim(slice_cut(&rest, ',')));
        }
    for (size_t i = 0; i < f->service_count; i++)
        for (size_t s = 0; s < f->services[i].subnet_count; s++)
            name_subnet(r, slice_of(f->services[i].subnets[s]));
    for (size_t i = 0; i < f->ec2_count && l->policy->placement_scores_ms > 0; i++)  // they tell which zone an id means
        name_subnet(r, slice_of(f->ec2[i].subnet));
    if (!look_slow_due(l, SLOW_SUBNETS, r->subnet_count))
        return;
    const char **ids = arena_array(l->a, const char *, r->subnet_count);
    for (size_t i = 0; i < r->subnet_count; i++)
        ids[i] = r->subnets[i].id;
    ec2_describe_subnets(l->with, ids, r->subnet_count, &l->subnets);
}

static void take_subnets(struct look *l)
{
    struct region *r = l->region;
    bool full = false;
    for (size_t i = 0; i < l->subnets.count; i++) {
        const struct ec2_subnet *told = &l->subnets.items[i];
        int at = strmap_get(&r->subnet_map, told->id);
        if (at < 0)
            continue;
        struct cached_subnet *s = &r->subnets[at];
        s->known = true;
        s->free_addresses = told->free_addresses;
        s->addresses = told->addresses;
        full |= told->free_addresses == 0;
        snprintf(s->zone, sizeof s->zone, "%s", told->zone);
        snprintf(s->zone_id, sizeof s->zone_id, "%s", told->zone_id);
        snprintf(s->vpc, sizeof s->vpc, "%s", told->vpc);
    }
    look_slow_settle(l, SLOW_SUBNETS, &l->subnets.call, full ? FULL_LIFE_MS : SLOW_LIFE_MS);
}

// ---- capacity providers ---------------------------------------------------------------------------------------------------

const struct cached_provider *region_provider(const struct region *r, const char *name)
{
    int i = strmap_get(&r->provider_map, name);
    return i >= 0 && r->providers[i].known ? &r->providers[i] : NULL;
}

static void name_provider(struct region *r, const char *name)
{
    if (name[0] == '\0' || strncmp(name, "FARGATE", 7) == 0 || r->provider_count == PROVIDERS_MAX || strmap_get(&r->provider_map, name) >= 0)
        return;
    struct cached_provider *p = &r->providers[r->provider_count];
    *p = (struct cached_provider){.name = arena_strdup(&r->kept, name)};
    strmap_put(&r->provider_map, p->name, (int)r->provider_count++);
}

static void ask_providers(struct look *l)
{
    struct region *r = l->region;
    for (size_t i = 0; i < l->new->service_count; i++)
        for (size_t p = 0; p < l->new->services[i].provider_count; p++)
            name_provider(r, l->new->services[i].providers[p].provider);
    for (size_t i = 0; i < l->new->container_count; i++)  // which may scale a group of ours for tasks of no service
        name_provider(r, l->new->containers[i].provider);
    if (!look_slow_due(l, SLOW_PROVIDERS, r->provider_count))
        return;
    const char **names = arena_array(l->a, const char *, r->provider_count);
    for (size_t i = 0; i < r->provider_count; i++)
        names[i] = r->providers[i].name;
    ecs_describe_providers(l->with, names, r->provider_count, &l->providers);
}

static void take_providers(struct look *l)
{
    struct region *r = l->region;
    for (size_t i = 0; i < l->providers.count; i++) {
        const struct ecs_provider *told = &l->providers.items[i];
        int at = strmap_get(&r->provider_map, told->name);
        if (at < 0)
            continue;
        r->providers[at].known = true;
        r->providers[at].managed_scaling = told->managed_scaling;
        const char *group = strrchr(told->group, '/');  // arn:…:autoScalingGroup:UUID:autoScalingGroupName/NAME
        snprintf(r->providers[at].group, sizeof r->providers[at].group, "%s", group ? group + 1 : "");
        r->providers[at].managed_instances = strcmp(told->type, "MANAGED_INSTANCES") == 0;
    }
    look_slow_settle(l, SLOW_PROVIDERS, &l->providers.call, SLOW_LIFE_MS);
}

// ---- other scalers --------------------------------------------------------------------------------------------------------

const char *region_scaler_of(const struct region *r, const char *fleet)
{
    for (size_t i = 0; i < r->scaler_count; i++)
        if (strcmp(r->scalers[i].fleet, fleet) == 0)
            return r->scalers[i].words;
    return "";
}

static const char *fleet_of(const char *resource)
{
    static const char PREFIX[] = "spot-fleet-request/";
    return strncmp(resource, PREFIX, sizeof PREFIX - 1) == 0 ? resource + sizeof PREFIX - 1 : resource;
}

// Hourly, and before the first write: the first look is before it.
static void ask_scalers(struct look *l)
{
    struct region *r = l->region;
    const struct region_fleets *f = &r->fleets[API_SPOT_FLEET];  // Application Auto Scaling knows no EC2 Fleets
    if (!look_slow_due(l, SLOW_SCALERS, f->id_count))
        return;
    const char **resources = arena_array(l->a, const char *, f->id_count);
    for (size_t i = 0; i < f->id_count; i++)
        resources[i] = arena_printf(l->a, "spot-fleet-request/%s", f->ids[i]);
    appscaling_describe_targets(l->with, resources, f->id_count, &l->scalable);
}

// Which policy it is that scales, for people: asked only where there is one.
static void name_policies(struct look *l)
{
    struct region *r = l->region;
    struct appscaling_policies *answers = arena_array(l->a, struct appscaling_policies, r->scaler_count);
    for (size_t i = 0; i < r->scaler_count; i++)
        appscaling_describe_policies(l->with, arena_printf(l->a, "spot-fleet-request/%s", r->scalers[i].fleet), &answers[i]);
    aws_run(r->clients, l->until_ms);
    for (size_t i = 0; i < r->scaler_count; i++)
        if (answers[i].count > 0)
            snprintf(r->scalers[i].words, sizeof r->scalers[i].words, "Application Auto Scaling, policy %s (%s)", answers[i].items[0].name,
                     answers[i].items[0].type);
}

static void take_scalers(struct look *l)
{
    struct region *r = l->region;
    if (!look_slow_settle(l, SLOW_SCALERS, &l->scalable.call, SCALERS_LIFE_MS))
        return;
    r->scaler_count = 0;
    for (size_t i = 0; i < l->scalable.count && r->scaler_count < SCALERS_MAX; i++) {
        const struct appscaling_target *t = &l->scalable.items[i];
        if (t->suspended)
            continue;
        struct fleet_scaler *s = &r->scalers[r->scaler_count++];
        snprintf(s->fleet, sizeof s->fleet, "%s", fleet_of(t->resource));
        snprintf(s->words, sizeof s->words, "Application Auto Scaling, a scalable target of %" PRId64 " to %" PRId64, t->min, t->max);
    }
    if (r->scaler_count > 0)
        name_policies(l);
}

// ---- one look -------------------------------------------------------------------------------------------------------------

void look_account_ask(struct look *l)
{
    ask_subnets(l);
    ask_providers(l);
    ask_scalers(l);
    look_trouble_ask(l);
    look_quotas_ask(l);
    look_scores_ask(l);
    // The second source of notices, which needs no queue (safety.md D5): polled beside the looks, and by a look where that is late.
    if (!l->region->polling && look_slow_due(l, SLOW_NOTICES, 1))
        ec2_describe_interrupted(l->with, &l->interrupted);
    if (look_slow_due(l, SLOW_EVENTS, 1))
        ec2_describe_scheduled(l->with, &l->scheduled);
}

void look_account_take(struct look *l)
{
    if (l->region->slow[SLOW_SUBNETS].asked)
        take_subnets(l);
    if (l->region->slow[SLOW_PROVIDERS].asked)
        take_providers(l);
    if (l->region->slow[SLOW_SCALERS].asked)
        take_scalers(l);
    look_scores_take(l);
    look_trouble_take(l);
    if (l->region->slow[SLOW_QUOTAS].asked)
        look_quotas_take(l);
    if (l->region->slow[SLOW_NOTICES].asked && look_slow_settle(l, SLOW_NOTICES, &l->interrupted.call, NOTICES_EVERY_MS))
        region_notices_polled(l->region, &l->interrupted, l->new->at_ms, NULL, 0);
    if (l->region->slow[SLOW_EVENTS].asked && look_slow_settle(l, SLOW_EVENTS, &l->scheduled.call, EVENTS_EVERY_MS))
        look_events_take(l);
}
