// The catalogue of a region: every type that it sells, and in which zones. Read once a day, and only where a fleet's types are told
// by what they must have: then each such override stands for one of each type that it means, where its zone sells it.
#include "base/check.h"
#include "scaler/gather_internal.h"

enum { MEANT_MAX = 400 };  // types of one override; the smallest are taken

// ---- read -----------------------------------------------------------------------------------------------------------------

static int zone_bit(struct catalogue *c, const char *zone)
{
    for (int z = 0; z < c->zone_count; z++)
        if (strcmp(c->zones[z], zone) == 0)
            return z;
    if (c->zone_count == OFFERED_ZONES_MAX || zone[0] == '\0')
        return -1;
    snprintf(c->zones[c->zone_count], sizeof c->zones[0], "%s", zone);
    return c->zone_count++;
}

static int by_name(const void *x, const void *y)
{
    return strcmp(((const struct sold_type *)x)->facts.name, ((const struct sold_type *)y)->facts.name);
}

static struct sold_type *sold(struct catalogue *c, const char *name)
{
    const struct sold_type key = {.facts.name = name};
    return c->count > 0 ? bsearch(&key, c->types, c->count, sizeof key, by_name) : NULL;
}

static void take(struct region *r, const struct ec2_types *types, const struct ec2_offerings *offered)
{
    struct catalogue *c = &r->catalogue;
    struct arena *a = &c->arena;
    arena_reset(a);
    c->types = arena_array(a, struct sold_type, types->count);
    c->count = 0;
    c->zone_count = 0;
    for (size_t i = 0; i < types->count; i++) {
        const struct ec2_type *t = &types->items[i];
        if (t->name[0] == '\0' || !t->spot)
            continue;
        c->types[c->count++].facts = (struct type_facts){
            .name = arena_strdup(a, t->name), .arch = arena_strdup(a, t->arch), .vcpus = t->vcpus, .memory_mib = t->memory_mib, .gpus = t->gpus,
            .current = t->current, .burstable = t->burstable, .bare_metal = t->bare_metal};
    }
    if (c->count > 0)
        qsort(c->types, c->count, sizeof *c->types, by_name);
    for (size_t i = 0; i < offered->count; i++) {
        struct sold_type *t = sold(c, offered->items[i].type);
        int z = t ? zone_bit(c, offered->items[i].zone) : -1;
        if (z >= 0)
            t->zones |= 1u << z;
    }
}

// The worse of the two answers.
static const struct aws_call *worse(const struct aws_call *x, const struct aws_call *y)
{
    return x->state == AWS_CALL_COMPLETE ? y : x;
}

static void read_when_due(struct look *l)
{
    struct region *r = l->region;
    if (!look_slow_due(l, SLOW_CATALOGUE, 1))
        return;
    struct ec2_types types;
    struct ec2_offerings offered;
    struct aws_with with = l->with;
    with.arena = &r->scratch;
    arena_reset(&r->scratch);
    ec2_describe_all_types(with, &types);
    ec2_describe_offerings(with, &offered);
    aws_run(r->clients, l->until_ms);
    if (look_slow_settle(l, SLOW_CATALOGUE, worse(&types.call, &offered.call), TYPE_LIFE_MS))
        take(r, &types, &offered);
}

// ---- what is meant --------------------------------------------------------------------------------------------------------

// By its policy, else as all its members are.
static const char *arch_of(const struct look_fleet *x)
{
    if (x->policy->arch && x->policy->arch[0])
        return x->policy->arch;
    for (size_t i = 0; i < x->members.count; i++)
        if (strcmp(x->members.items[i].arch, x->members.items[0].arch) != 0)
            return "";
    return x->members.count > 0 ? x->members.items[0].arch : "";
}

static bool offered_in(const struct catalogue *c, const struct sold_type *t, const char *zone)
{
    bool told = false;
    for (int z = 0; z < c->zone_count; z++) {
        if (strcmp(c->zones[z], zone) == 0)
            return t->zones >> z & 1;
        told = told || zone[0];
    }
    return !told && t->zones != 0;
}

// The zones of an override over several subnets; where one is not known yet, any.
static bool sold_where(const struct look *l, const struct sold_type *t, const struct ec2_fleet_override *o)
{
    if (o->zone[0])
        return offered_in(&l->region->catalogue, t, o->zone);
    struct slice rest = slice_of(o->subnet);
    while (rest.len > 0) {
        struct slice id = slice_trim(slice_cut(&rest, ','));
        const struct cached_subnet *s = region_subnet(l->region, arena_strndup(l->a, id.ptr, id.len));
        if (offered_in(&l->region->catalogue, t, s ? s->zone : ""))
            return true;
    }
    return o->subnet[0] == '\0' && t->zones != 0;
}

static int smallest_first(const void *x, const void *y)
{
    const struct type_facts *a = *(const struct type_facts *const *)x, *b = *(const struct type_facts *const *)y;
    int order = (a->vcpus > b->vcpus) - (a->vcpus < b->vcpus);
    order = order != 0 ? order : (a->memory_mib > b->memory_mib) - (a->memory_mib < b->memory_mib);
    return order != 0 ? order : strcmp(a->name, b->name);
}

static size_t meant(const struct look *l, const struct ec2_fleet_override *o, const struct type_rules *rules, const struct type_facts ***ret)
{
    const struct catalogue *c = &l->region->catalogue;
    const struct type_facts **v = arena_array(l->a, const struct type_facts *, c->count);
    size_t n = 0;
    for (size_t i = 0; i < c->count; i++)
        if (!type_rules_miss(rules, &c->types[i].facts) && sold_where(l, &c->types[i], o))
            v[n++] = &c->types[i].facts;
    if (n > 0)
        qsort(v, n, sizeof *v, smallest_first);
    *ret = v;
    return n < MEANT_MAX ? n : MEANT_MAX;
}

// Of an instant fleet without types: one override a subnet, for each type that its requirements mean.
static void seed(struct look *l, const struct policy_fleet *p, struct fact_fleet *f)
{
    struct ec2_fleet_override *v = arena_array(l->a, struct ec2_fleet_override, p->instant.subnet_count);
    bool by_id = strncmp(p->instant.launch_template, "lt-", 3) == 0;
    for (size_t s = 0; s < p->instant.subnet_count; s++)
        v[s] = (struct ec2_fleet_override){
            .type = "", .subnet = arena_strdup(l->a, p->instant.subnets[s].text), .zone = "", .weight_milli = 1000,
            .launch_template = by_id ? arena_printf(l->a, "%s:%s", p->instant.launch_template, p->instant.version) : ""};
    f->overrides = v;
    f->override_count = p->instant.subnet_count;
}

// An override that means no known type stays: what it launches is unknown, not nothing.
static void expand(struct look *l, const struct look_fleet *x, struct fact_fleet *f)
{
    struct ec2_fleet_override *v = NULL;
    size_t count = 0, cap = 0;
    for (size_t i = 0; i < f->override_count; i++) {
        const struct ec2_fleet_override *o = &f->overrides[i];
        bool by_policy = f->kind == FLEET_INSTANT && o->type[0] == '\0';
        struct type_rules rules = o->rules ? *o->rules : policy_type_rules(&x->policy->requirements, "", l->a);
        const struct type_facts **types = NULL;
        rules.arch = arch_of(x);
        size_t n = o->rules || by_policy ? meant(l, o, &rules, &types) : 0;
        for (size_t k = 0; k < (n > 0 ? n : 1); k++) {
            v = arena_grow(l->a, v, count, &cap, sizeof *v);
            v[count] = *o;
            if (n > 0) {
                v[count].type = arena_strdup(l->a, types[k]->name);
                v[count].rules = NULL;
            }
            count++;
        }
    }
    f->overrides = v;
    f->override_count = count;
}

// Of the types that an instant fleet names, those that its requirements allow, as far as they are known.
static void keep_allowed(struct look *l, const struct look_fleet *x, struct fact_fleet *f)
{
    struct type_rules rules = policy_type_rules(&x->policy->requirements, x->policy->arch, l->a);
    struct ec2_fleet_override *v = arena_array(l->a, struct ec2_fleet_override, f->override_count);
    size_t kept = 0;
    for (size_t i = 0; i < f->override_count; i++) {
        const struct cached_type *t = region_type(l->region, f->overrides[i].type);
        const struct type_facts facts = t ? region_type_facts(t) : (struct type_facts){0};
        if (!t || !type_rules_miss(&rules, &facts))
            v[kept++] = f->overrides[i];
    }
    f->overrides = v;
    f->override_count = kept;
}

struct type_facts region_type_facts(const struct cached_type *t)
{
    return (struct type_facts){.name = t->type.name, .arch = t->type.arch, .vcpus = t->type.vcpus, .memory_mib = t->type.memory_mib,
                               .gpus = t->type.gpus, .current = t->type.current, .burstable = t->type.burstable, .bare_metal = t->type.bare_metal};
}

void look_catalogue(struct look *l)
{
    bool wanted = false;
    for (size_t i = 0; i < l->new->fleet_count; i++) {
        struct fact_fleet *f = &l->new->fleets[i];
        const struct policy_fleet *p = l->rows[i].policy;
        bool instant = f->kind == FLEET_INSTANT && p->requirements.vcpus_min > 0;
        if (instant && f->override_count > 0)
            keep_allowed(l, &l->rows[i], f);
        else if (instant)
            seed(l, p, f);
        for (size_t k = 0; k < f->override_count; k++)
            wanted = wanted || f->overrides[k].rules || (instant && f->overrides[k].type[0] == '\0');
    }
    if (!wanted)
        return;
    read_when_due(l);
    for (size_t i = 0; i < l->new->fleet_count && l->region->catalogue.count > 0; i++)
        expand(l, &l->rows[i], &l->new->fleets[i]);
}
