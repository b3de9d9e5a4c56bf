#include "planner/kinds.h"

#include <assert.h>
#include <string.h>

#include "planner/work.h"

// ---- rules ----------------------------------------------------------------------------------------------------------------
static uint64_t rule_hash(const struct shape *x)
{
    uint64_t h = intern_hash(intern_hash(INTERN_SEED, x->arch), x->vpc);
    for (size_t k = 0; k < x->required_count; k++)
        h = intern_hash(intern_hash(h, x->required[k].name), x->required[k].value);
    for (size_t k = 0; k < x->member_of_count; k++)
        h = intern_hash(h, x->member_of[k]);
    for (size_t k = 0; k < x->zone_count; k++)
        h = intern_hash(h, x->zones[k]);
    return intern_mix(intern_mix(intern_mix(h, x->required_count), x->member_of_count), x->zone_count);
}

static bool same_words(const char *const *a, size_t n, const char *const *b, size_t m)
{
    if (n != m)
        return false;
    for (size_t k = 0; k < n; k++)
        if (strcmp(a[k], b[k]) != 0)
            return false;
    return true;
}

static bool same_rule(const struct shape *a, const struct shape *b)
{
    if (a->required_count != b->required_count || strcmp(a->arch, b->arch) != 0 || strcmp(a->vpc, b->vpc) != 0)
        return false;
    for (size_t k = 0; k < a->required_count; k++)
        if (strcmp(a->required[k].name, b->required[k].name) != 0 || strcmp(a->required[k].value, b->required[k].value) != 0)
            return false;
    return same_words(a->member_of, a->member_of_count, b->member_of, b->member_of_count) &&
           same_words(a->zones, a->zone_count, b->zones, b->zone_count);
}

static void parse_queries(struct work *w, struct kind_rule *r)
{
    r->queries = arena_array(w->a, const struct query *, r->x->member_of_count + 1);
    for (size_t k = 0; k < r->x->member_of_count; k++) {
        struct err err = {0};
        if (query_parse(w->a, r->x->member_of[k], &r->queries[k], &err)) {
            r->broken = arena_printf(w->a, "memberOf %s, %s", r->x->member_of[k], err.msg);
            return;
        }
        r->asks = r->asks || !query_is_static(r->queries[k]);
        r->query_count++;
    }
}

static void find_rules(struct work *w, struct kinds *s)
{
    struct intern t = {0};
    s->rule_of = arena_array(w->a, int, w->s->shape_count + 1);
    for (size_t k = 0; k < w->s->shape_count; k++) {
        const struct shape *x = &w->s->shapes[k];
        uint64_t h = rule_hash(x);
        size_t at = intern_start(h);
        int n;
        while ((n = intern_next(&t, h, &at)) >= 0 && !same_rule(s->rules[n].x, x))
            continue;
        if (n < 0) {
            n = (int)s->rule_count;
            s->rules = arena_grow(w->a, s->rules, s->rule_count, &s->rule_cap, sizeof *s->rules);
            s->rules[s->rule_count++] = (struct kind_rule){.x = x};
            intern_put(&t, w->a, h, n);
            parse_queries(w, &s->rules[n]);
        }
        s->rule_of[k] = n;
    }
}

// ---- fields ---------------------------------------------------------------------------------------------------------------
static const char zone_field[] = "ecs.availability-zone";

static int field_index(struct work *w, struct kinds *s, const char *name)
{
    for (size_t k = 0; k < s->field_count; k++)
        if (strcmp(s->fields[k], name) == 0)
            return (int)k;
    s->fields = arena_grow(w->a, s->fields, s->field_count, &s->field_cap, sizeof *s->fields);
    s->fields[s->field_count] = name;
    return (int)s->field_count++;
}

// "instanceId" and "host" are the instance; an attribute may be written with and without its prefix.
static int field_of(struct work *w, struct kinds *s, const struct place_strategy *x)
{
    static const char prefix[] = "attribute:";
    if (x->kind != PLACE_SPREAD)
        return FIELD_NONE;
    if (strcmp(x->field, "instanceId") == 0 || strcmp(x->field, "host") == 0)
        return FIELD_INSTANCE;
    bool prefixed = strncmp(x->field, prefix, strlen(prefix)) == 0;
    return field_index(w, s, prefixed ? x->field + strlen(prefix) : x->field);
}

static void find_fields(struct work *w, struct kinds *s)
{
    static const struct place_strategy fallback = {PLACE_SPREAD, "attribute:ecs.availability-zone"};
    s->field_of = arena_array(w->a, int, w->s->shape_count * PLACE_MAX + 1);
    field_index(w, s, zone_field);
    for (size_t k = 0; k < w->s->shape_count; k++) {
        const struct shape *x = &w->s->shapes[k];
        assert(x->strategy_count <= PLACE_MAX);
        for (int n = 0; n < x->strategy_count || n == 0; n++)
            s->field_of[k * PLACE_MAX + (size_t)n] = field_of(w, s, x->strategy_count > 0 ? &x->strategies[n] : &fallback);
    }
    s->group_count = arena_array(w->a, int, s->field_count + 1);
}

// ---- what a rule says of a class ------------------------------------------------------------------------------------------
static struct query_facts class_facts(const struct kind_class *c)
{
    return (struct query_facts){.attributes = c->attributes, .attributes_partial = c->partial, .zone = c->zone, .type = c->type,
                                .arch = c->arch, .agent_version = "", .ec2_instance_id = "", .agent_connected = -1,
                                .running_tasks = -1, .groups_partial = true};
}

// What a pool's next instance will be like beside its attributes: connected, new, with the daemons that the cluster has.
static struct query_facts fresh_facts(struct work *w, const struct kind_class *c)
{
    struct query_facts f = class_facts(c);
    const char **groups = arena_array(w->a, const char *, w->daemon_count + 1);
    for (size_t k = 0; k < w->daemon_count; k++)
        groups[k] = arena_printf(w->a, "service:%s", w->s->services[w->daemons[k]].name);
    f.agent_connected = 1;
    f.ec2_instance_id = "i-";
    f.registered_ms = w->s->now_ms;
    f.running_tasks = (int32_t)w->daemon_count;
    f.groups = groups;
    f.group_count = w->daemon_count;
    f.groups_partial = false;
    return f;
}

static enum fit weaker(enum fit a, enum fit b)
{
    if (a == FIT_NO || b == FIT_NO)
        return FIT_NO;
    if (a == FIT_MAYBE || b == FIT_MAYBE)
        return FIT_MAYBE;
    return a == FIT_ASK || b == FIT_ASK ? FIT_ASK : FIT_YES;
}

static enum fit fit_zone(const struct shape *x, const struct kind_class *c, const struct query_facts *f)
{
    enum fit r = x->zone_count == 0 ? FIT_YES : c->zone[0] ? FIT_NO : FIT_MAYBE;
    for (size_t k = 0; k < x->zone_count && r == FIT_NO; k++)
        r = strcmp(x->zones[k], c->zone) == 0 ? FIT_YES : FIT_NO;
    bool known;
    const char *vpc = x->vpc[0] ? query_attribute(f, "ecs.vpc-id", &known) : NULL;
    return vpc && strcmp(vpc, x->vpc) != 0 ? FIT_NO : r;
}

static enum fit fit_required(const struct attribute *need, const struct query_facts *f)
{
    bool known;
    const char *has = query_attribute(f, need->name, &known);
    if (!has)
        return known ? FIT_NO : FIT_MAYBE;
    return need->value[0] == '\0' || strcmp(need->value, has) == 0 ? FIT_YES : FIT_NO;
}

static enum fit fit_class(struct work *w, const struct kind_rule *r, const struct kind_class *c)
{
    const struct shape *x = r->x;
    if (r->broken || !work_arch_fits(x->arch, c->arch))
        return FIT_NO;
    struct query_facts f = c->fresh && r->asks ? fresh_facts(w, c) : class_facts(c);
    enum fit fit = fit_zone(x, c, &f);
    for (size_t k = 0; k < x->required_count && fit != FIT_NO; k++)
        fit = weaker(fit, fit_required(&x->required[k], &f));
    for (size_t k = 0; k < r->query_count && fit != FIT_NO; k++) {
        enum query_answer answer = query_ask(r->queries[k], w->a, &f);
        bool ask = !c->fresh && !query_is_static(r->queries[k]);
        fit = weaker(fit, answer == QUERY_YES ? FIT_YES : answer == QUERY_NO ? FIT_NO : ask ? FIT_ASK : FIT_MAYBE);
    }
    return fit;
}

// ---- classes and kinds ----------------------------------------------------------------------------------------------------
static uint64_t class_hash(const struct kind_class *c)
{
    uint64_t h = intern_hash(intern_hash(INTERN_SEED, c->zone), c->type);
    h = intern_hash(intern_hash(h, c->arch), c->provider);
    return intern_mix(intern_mix(h, (uint64_t)(uintptr_t)c->attributes), (uint64_t)c->partial | (uint64_t)c->gpu << 1 | (uint64_t)c->fresh << 2);
}

static bool same_class(const struct kind_class *a, const struct kind_class *b)
{
    return a->attributes == b->attributes && a->partial == b->partial && a->gpu == b->gpu && a->fresh == b->fresh &&
           strcmp(a->zone, b->zone) == 0 && strcmp(a->type, b->type) == 0 && strcmp(a->arch, b->arch) == 0 &&
           strcmp(a->provider, b->provider) == 0;
}

static int class_index(struct work *w, struct kinds *s, struct intern *t, struct kind_class c)
{
    int n;
    c.hash = class_hash(&c);
    size_t at = intern_start(c.hash);
    while ((n = intern_next(t, c.hash, &at)) >= 0)
        if (same_class(&s->classes[n], &c))
            return n;
    unsigned char *fits = arena_array(w->a, unsigned char, s->rule_count + 1);
    for (size_t k = 0; k < s->rule_count; k++)
        fits[k] = (unsigned char)fit_class(w, &s->rules[k], &c);
    c.fits = fits;
    c.kind = -1;
    s->classes = arena_grow(w->a, s->classes, s->class_count, &s->class_cap, sizeof *s->classes);
    s->classes[s->class_count] = c;
    intern_put(t, w->a, c.hash, (int)s->class_count);
    return (int)s->class_count++;
}

// The pool that an instance which boots was launched from: its attributes are what is known of it until it registers.
static const struct fleet_pool *pool_of(const struct work *w, const struct instance *x)
{
    if (x->fleet < 0)
        return NULL;
    const struct fleet *f = &w->s->fleets[x->fleet];
    for (size_t k = 0; k < f->pool_count; k++)
        if (strcmp(f->pools[k].type_name, x->type) == 0 && (f->pools[k].zone[0] == '\0' || strcmp(f->pools[k].zone, x->zone) == 0))
            return &f->pools[k];
    return NULL;
}

static const char *provider_of_fleet(const struct fleet *f)
{
    return f->provider ? f->provider : "";
}

static struct kind_class instance_class(const struct work *w, int i)
{
    const struct instance *x = &w->s->instances[i];
    bool coming = x->fleet >= 0 && x->provider[0] == '\0' && (x->ecs == ECS_UNREGISTERED || x->ecs == ECS_REGISTERING);
    struct kind_class c = {.attributes = x->attributes, .zone = x->zone, .type = x->type, .arch = x->arch,
                           .provider = coming ? provider_of_fleet(&w->s->fleets[x->fleet]) : x->provider,
                           .gpu = x->registered.v[RES_GPU] > 0};
    if (x->ecs == ECS_UNREGISTERED || x->ecs == ECS_REGISTERING) {
        const struct fleet_pool *pool = pool_of(w, x);
        c.partial = !pool || !pool->attributes_known;
        c.gpu = w->inst[i].type >= 0 && instance_type_capacity(&w->s->types[w->inst[i].type]).v[RES_GPU] > 0;
    }
    return c;
}

static struct kind_class pool_class(const struct work *w, const struct fleet *f, const struct fleet_pool *x)
{
    const struct instance_type *t = x->type < 0 ? NULL : &w->s->types[x->type];
    return (struct kind_class){.attributes = x->attributes, .partial = !x->attributes_known, .fresh = true, .zone = x->zone,
                               .type = x->type_name, .arch = t ? t->arch : "", .provider = provider_of_fleet(f),
                               .gpu = t && instance_type_capacity(t).v[RES_GPU] > 0};
}

int kinds_provider(const struct work *w, const char *name)
{
    for (int k = 0; k < w->kinds.provider_count; k++)
        if (strcmp(w->kinds.providers[k], name) == 0)
            return k;
    return -1;
}

static int provider_index(struct work *w, const char *name)
{
    int known = name[0] ? kinds_provider(w, name) : -1;
    if (known >= 0 || name[0] == '\0')
        return known;
    w->kinds.providers[w->kinds.provider_count] = name;
    return w->kinds.provider_count++;
}

// Groups are told apart by value; those that have none, or of which it is not known, are group 0.
struct group_values {
    struct intern t;
    struct {
        int field, group;
        const char *value;
    } *v;
    size_t n, cap;
};

static int group_index(struct work *w, struct kinds *s, struct group_values *g, int field, const char *value)
{
    uint64_t h = intern_hash(intern_mix(INTERN_SEED, (uint64_t)field), value);
    size_t at = intern_start(h);
    int n;
    while ((n = intern_next(&g->t, h, &at)) >= 0)
        if (g->v[n].field == field && strcmp(g->v[n].value, value) == 0)
            return g->v[n].group;
    g->v = arena_grow(w->a, g->v, g->n, &g->cap, sizeof *g->v);
    g->v[g->n].field = field;
    g->v[g->n].value = value;
    g->v[g->n].group = s->group_count[field]++;
    intern_put(&g->t, w->a, h, (int)g->n);
    return g->v[g->n++].group;
}

static int kind_index(struct work *w, struct kinds *s, struct intern *t, struct group_values *g, const struct kind_class *c)
{
    int *groups = arena_array(w->a, int, s->field_count + 1);
    int provider = provider_index(w, c->provider), n;
    struct query_facts f = class_facts(c);
    uint64_t h = intern_mix(intern_mix(INTERN_SEED, (uint64_t)(provider + 1)), c->gpu);
    for (size_t k = 0; k < s->field_count; k++) {
        bool known;
        const char *value = query_attribute(&f, s->fields[k], &known);
        groups[k] = value ? group_index(w, s, g, (int)k, value) : 0;
        h = intern_mix(h, (uint64_t)groups[k]);
    }
    for (size_t k = 0; k < s->rule_count; k++)
        h = intern_mix(h, c->fits[k]);
    size_t at = intern_start(h);
    while ((n = intern_next(t, h, &at)) >= 0) {
        const struct kind *x = &s->v[n];
        if (x->provider == provider && x->gpu == c->gpu && memcmp(x->fits, c->fits, s->rule_count) == 0 &&
            memcmp(x->groups, groups, s->field_count * sizeof *groups) == 0)
            return n;
    }
    s->v = arena_grow(w->a, s->v, s->count, &s->cap, sizeof *s->v);
    s->v[s->count] = (struct kind){.fits = c->fits, .provider = provider, .gpu = c->gpu, .groups = groups};
    intern_put(t, w->a, h, (int)s->count);
    return (int)s->count++;
}

static void list_bins(struct work *w, struct kinds *s)
{
    size_t n = w->s->instance_count, first = 0;
    s->bins = arena_array(w->a, int, n + 1);
    s->pos_of = arena_array(w->a, int, n + 1);
    for (size_t i = 0; i < n; i++)
        s->v[s->kind_of[i]].count++;
    for (size_t k = 0; k < s->count; k++) {
        s->v[k].first = first;
        first += s->v[k].count;
        s->v[k].count = 0;
    }
    for (size_t i = 0; i < n; i++) {
        struct kind *k = &s->v[s->kind_of[i]];
        s->pos_of[i] = (int)k->count;
        s->bins[k->first + k->count++] = (int)i;
    }
    assert(first == n);
}

void kinds_init(struct work *w)
{
    struct kinds *s = &w->kinds;
    struct intern classes = {0}, kinds = {0};
    struct group_values groups = {0};
    size_t n = w->s->instance_count;
    find_rules(w, s);
    find_fields(w, s);
    for (size_t k = 0; k < s->field_count; k++)
        s->group_count[k] = 1;
    s->kind_of = arena_array(w->a, int, n + 1);
    s->class_cap = 8;
    for (size_t f = 0; f < w->s->fleet_count; f++)
        s->class_cap += 2 * w->s->fleets[f].pool_count;  // its members and its next ones
    s->classes = arena_array(w->a, struct kind_class, s->class_cap);
    s->providers = arena_array(w->a, const char *, n + w->s->fleet_count + 1);
    s->fleet_provider = arena_array(w->a, int, w->s->fleet_count + 1);
    for (size_t i = 0; i < n; i++) {
        int c = class_index(w, s, &classes, instance_class(w, (int)i));
        if (s->classes[c].kind < 0)
            s->classes[c].kind = kind_index(w, s, &kinds, &groups, &s->classes[c]);
        s->kind_of[i] = s->classes[c].kind;
    }
    list_bins(w, s);
    s->pool_class = arena_array(w->a, int *, w->s->fleet_count + 1);
    for (size_t f = 0; f < w->s->fleet_count; f++) {
        const struct fleet *x = &w->s->fleets[f];
        s->pool_class[f] = arena_array(w->a, int, x->pool_count + 1);
        s->fleet_provider[f] = provider_index(w, provider_of_fleet(x));
        for (size_t k = 0; k < x->pool_count; k++)
            s->pool_class[f][k] = class_index(w, s, &classes, pool_class(w, x, &x->pools[k]));
    }
}

// ---- questions ------------------------------------------------------------------------------------------------------------
enum fit kinds_fit(const struct work *w, int shape, int kind)
{
    assert(shape >= 0 && shape < (int)w->s->shape_count);
    return (enum fit)w->kinds.v[kind].fits[w->kinds.rule_of[shape]];
}

enum fit kinds_fit_pool(const struct work *w, int shape, size_t fleet, size_t pool)
{
    assert(shape >= 0 && shape < (int)w->s->shape_count);
    return (enum fit)w->kinds.classes[w->kinds.pool_class[fleet][pool]].fits[w->kinds.rule_of[shape]];
}

const char *kinds_unmodelled(const struct work *w, int shape)
{
    const char *broken = w->kinds.rules[w->kinds.rule_of[shape]].broken;
    const char *told = w->s->shapes[shape].unmodelled;
    return told[0] ? told : broken ? broken : "";
}

bool kinds_ask(struct work *w, int shape, int instance, const char *const *planned, size_t planned_count)
{
    const struct kind_rule *r = &w->kinds.rules[w->kinds.rule_of[shape]];
    const struct instance *x = &w->s->instances[instance];
    struct kind_class c = instance_class(w, instance);
    struct query_facts f = class_facts(&c);
    const char **groups = arena_array(w->a, const char *, x->holding_count + planned_count + 1);
    f.groups_partial = false;
    f.running_tasks = x->ecs_running;
    for (size_t k = 0; k < x->holding_count; k++) {
        const struct holding *h = &x->holdings[k];
        if (h->running + h->pending == 0)
            continue;
        if (h->service >= 0)
            groups[f.group_count++] = arena_printf(w->a, "service:%s", w->s->services[h->service].name);
        f.groups_partial = f.groups_partial || h->service < 0;  // a standalone task's group may be anything
    }
    for (size_t k = 0; k < planned_count; k++)
        groups[f.group_count++] = planned[k];
    f.groups = groups;
    f.agent_connected = x->agent_connected;
    f.ec2_instance_id = x->id;
    f.registered_ms = x->registered_ms;
    f.agent_version = x->agent_version;
    for (size_t k = 0; k < r->query_count; k++)
        if (query_ask(r->queries[k], w->a, &f) != QUERY_YES)
            return false;
    return true;
}

enum kind_bar kinds_bar(struct work *w, int shape, size_t fleet, size_t pool, const char **ret_what)
{
    const struct kind_rule *r = &w->kinds.rules[w->kinds.rule_of[shape]];
    const struct kind_class *c = &w->kinds.classes[w->kinds.pool_class[fleet][pool]];
    const struct shape *x = r->x;
    struct query_facts f = r->asks ? fresh_facts(w, c) : class_facts(c);
    *ret_what = x->arch;
    if (!work_arch_fits(x->arch, c->arch))
        return BAR_ARCH;
    for (size_t k = 0; k < x->required_count; k++) {
        const struct attribute *need = &x->required[k];
        *ret_what = need->value[0] ? arena_printf(w->a, "%s=%s", need->name, need->value) : need->name;
        if (fit_required(need, &f) == FIT_NO)
            return BAR_ATTRIBUTE;
    }
    for (size_t k = 0; k < r->query_count; k++) {
        *ret_what = x->member_of[k];
        if (query_ask(r->queries[k], w->a, &f) == QUERY_NO)
            return BAR_CONSTRAINT;
    }
    *ret_what = x->zone_count > 0 ? x->zones[0] : x->vpc;
    for (size_t k = 1; k < x->zone_count; k++)
        *ret_what = arena_printf(w->a, "%s or %s", *ret_what, x->zones[k]);
    return fit_zone(x, c, &f) == FIT_NO ? BAR_ZONE : BAR_NONE;
}
