// What is kept between looks: task definitions (a revision never changes), instance types and prices, what types registered,
// how long instances boot, and our own writes of the last two minutes.
#include "base/check.h"
#include "scaler/gather_internal.h"

// ---- task definitions -----------------------------------------------------------------------------------------------------

static struct kept_definition *kept_definition(const struct region *r, const char *arn)
{
    int i = strmap_get(&r->definition_map, arn);
    return i >= 0 ? r->definitions[i] : NULL;
}

const struct ecs_task_definition *region_definition(const struct region *r, const char *arn)
{
    const struct kept_definition *k = kept_definition(r, arn);
    return k && k->d.call.state == AWS_CALL_COMPLETE ? &k->d : NULL;
}

struct missing_definitions {
    struct kept_definition *asked[DEFINITIONS_A_LOOK];
    const char *arns[DEFINITIONS_A_LOOK];
    size_t count;
    const char *trouble;    // why one is still missing, "" when none is
};

static struct kept_definition *keep_definition(struct region *r, const char *arn)
{
    if (r->definition_count >= DEFINITIONS_MAX)
        return NULL;
    r->definitions = arena_grow(&r->kept, r->definitions, r->definition_count, &r->definition_cap, sizeof *r->definitions);
    struct kept_definition *k = r->definitions[r->definition_count] = arena_new(&r->kept, struct kept_definition);
    strmap_put(&r->definition_map, arena_strdup(&r->kept, arn), (int)r->definition_count++);
    return k;
}

static void miss(struct look *l, struct missing_definitions *m, const char *arn)
{
    if (arn[0] == '\0' || region_definition(l->region, arn))
        return;
    struct kept_definition *k = kept_definition(l->region, arn);
    int64_t now_ms = l->new->at_ms;
    if (k && k->asked_ms == now_ms)
        return;  // in this very look
    bool unknown_to_aws = k && (k->d.call.err.kind == ERR_NOT_FOUND || k->d.call.err.kind == ERR_INVALID);
    if (unknown_to_aws && now_ms - k->asked_ms < RETRY_MS) {
        m->trouble = arena_strdup(l->a, k->d.call.err.msg);
        return;
    }
    if (m->count == DEFINITIONS_A_LOOK || (k == NULL && (k = keep_definition(l->region, arn)) == NULL)) {
        m->trouble = "more task definitions than fit into one look";
        return;
    }
    k->asked_ms = now_ms;
    m->arns[m->count] = arn;
    m->asked[m->count++] = k;
}

// Answers go into the arena that is kept for ever; a failed one leaves a few bytes there.
void region_definitions_read(struct look *l)
{
    struct region *r = l->region;
    struct facts *f = l->new;
    struct missing_definitions m = {.trouble = ""};
    for (size_t i = 0; i < f->service_count; i++)
        for (size_t d = 0; d < f->services[i].deployment_count; d++)
            miss(l, &m, f->services[i].deployments[d].definition);
    for (size_t i = 0; i < f->task_count; i++)
        miss(l, &m, f->tasks[i].definition);
    struct aws_with with = l->with;
    with.arena = &r->kept;
    for (size_t i = 0; i < m.count; i++)
        ecs_describe_task_definition(with, m.arns[i], &m.asked[i]->d);
    if (m.count > 0)
        aws_run(r->clients, l->until_ms);
    for (size_t i = 0; i < m.count; i++)
        if (m.asked[i]->d.call.state != AWS_CALL_COMPLETE)
            m.trouble = arena_strdup(l->a, m.asked[i]->d.call.err.msg);
    source_set(f, SOURCE_TASK_DEFINITIONS, m.trouble[0] ? SOURCE_PARTIAL : SOURCE_OK, f->at_ms, m.trouble);
}

// ---- instance types -------------------------------------------------------------------------------------------------------

const struct cached_type *region_type(const struct region *r, const char *name)
{
    int i = strmap_get(&r->type_map, name);
    return i >= 0 && r->types[i].known ? &r->types[i] : NULL;
}

// Branch network interfaces of a trunked instance, by what most families have for their size, and those that have fewer (ECS
// documentation, April 2023). Some types hold more; too few is the safe side.
static int64_t trunk_slots(const char *type, int64_t vcpus)
{
    static const struct { const char *prefix; int64_t slots; } FEWER[] = {
        {"g4ad.", 12}, {"mac", 12}, {"u-", 12}, {"g5.xlarge", 6}, {"g5.2xlarge", 19}, {"g5.4xlarge", 40}, {"i4i.xlarge", 8},
        {"i4i.2xlarge", 28}, {"i4i.4xlarge", 58}, {"trn1.2xlarge", 19}, {"x2iedn.xlarge", 13}, {"x2iedn.2xlarge", 29},
    };
    static const struct { int64_t vcpus, slots; } FLOORS[] = {{64, 120}, {16, 60}, {8, 40}, {4, 20}, {2, 10}, {1, 4}};
    for (size_t i = 0; i < ARRAY_LEN(FEWER); i++)
        if (strncmp(type, FEWER[i].prefix, strlen(FEWER[i].prefix)) == 0)
            return FEWER[i].slots;
    for (size_t i = 0; i < ARRAY_LEN(FLOORS); i++)
        if (vcpus >= FLOORS[i].vcpus)
            return FLOORS[i].slots;
    return 0;
}

int64_t region_eni_slots(const struct cached_type *t, bool trunk)
{
    if (t == NULL)
        return 2;  // what the smallest common types have
    return trunk ? trunk_slots(t->type.name, t->type.vcpus) : t->type.max_network_interfaces > 0 ? t->type.max_network_interfaces - 1 : 0;
}

static void name_type(struct region *r, const char *name)
{
    if (name[0] == '\0' || strmap_get(&r->type_map, name) >= 0 || r->type_count == TYPES_MAX)
        return;
    strmap_put(&r->type_map, arena_strdup(&r->kept, name), (int)r->type_count);
    r->types[r->type_count++] = (struct cached_type){.type.name = arena_strdup(&r->kept, name)};
}

static void name_types(struct region *r, const struct facts *f)
{
    for (size_t i = 0; i < f->fleet_count; i++)
        for (size_t o = 0; o < f->fleets[i].override_count; o++)
            name_type(r, f->fleets[i].overrides[o].type);
    for (size_t i = 0; i < f->ec2_count; i++)
        name_type(r, f->ec2[i].type);
}

static void take_types(struct region *r, const struct ec2_types *answer, int64_t now_ms)
{
    for (size_t i = 0; i < answer->count; i++) {
        int at = strmap_get(&r->type_map, answer->items[i].name);
        if (at < 0)
            continue;
        struct cached_type *t = &r->types[at];
        const char *name = t->type.name, *arch = t->known ? t->type.arch : arena_strdup(&r->kept, answer->items[i].arch);
        t->type = answer->items[i];
        t->type.name = name;
        t->type.arch = arch;
        t->read_ms = now_ms;
        t->known = true;
    }
}

int64_t region_spot_price(const struct cached_type *t, const char *zone)
{
    for (size_t i = 0; t && zone[0] && i < t->price_count; i++)
        if (strcmp(t->prices[i].zone, zone) == 0)
            return t->prices[i].usd_micro;
    return t ? t->spot_usd_micro : 0;
}

static void take_price(struct cached_type *t, const struct ec2_price *p)
{
    size_t k = 0;
    while (k < t->price_count && strcmp(t->prices[k].zone, p->zone) != 0)
        k++;
    if (k == ZONES_MAX)
        return;
    t->price_count += k == t->price_count;
    t->prices[k].usd_micro = p->usd_micro;
    snprintf(t->prices[k].zone, sizeof t->prices[k].zone, "%s", p->zone);
}

// The newest price in each zone, and their mean: what a type costs where AWS may choose the zone.
static void take_prices(struct region *r, const struct ec2_prices *answer)
{
    for (size_t t = 0; t < r->type_count; t++) {
        int64_t sum = 0, zones = 0;
        for (size_t i = 0; i < answer->count; i++) {
            const struct ec2_price *p = &answer->items[i];
            bool newest = strcmp(p->type, r->types[t].type.name) == 0;
            for (size_t j = 0; newest && j < answer->count; j++)
                newest = !(strcmp(answer->items[j].type, p->type) == 0 && strcmp(answer->items[j].zone, p->zone) == 0 &&
                           (answer->items[j].since_ms > p->since_ms || (answer->items[j].since_ms == p->since_ms && j < i)));
            if (newest)
                take_price(&r->types[t], p);
            sum += newest ? p->usd_micro : 0;
            zones += newest;
        }
        if (zones > 0) {
            r->types[t].spot_usd_micro = sum / zones;
        }
    }
}

// New names are asked for at once; what failed, and what AWS does not know, every ten minutes.
static bool types_due(const struct region *r, int64_t now_ms)
{
    if (r->type_count > r->types_asked)
        return true;
    for (size_t i = 0; i < r->type_count; i++)
        if ((!r->types[i].known && now_ms - r->types_asked_ms > RETRY_MS) || (r->types[i].known && now_ms - r->types[i].read_ms > TYPE_LIFE_MS))
            return true;
    return false;
}

static bool prices_due(const struct region *r, bool new_types, int64_t now_ms)
{
    return r->type_count > 0 && (new_types || now_ms - r->prices_asked_ms > PRICE_LIFE_MS);
}

void region_types_read(struct look *l)
{
    struct region *r = l->region;
    int64_t now_ms = l->new->at_ms;
    name_types(r, l->new);
    const char *names[TYPES_MAX];
    for (size_t i = 0; i < r->type_count; i++)
        names[i] = r->types[i].type.name;
    struct ec2_types types = {.count = 0};
    struct ec2_prices prices = {.count = 0};
    bool ask_types = types_due(r, now_ms), ask_prices = prices_due(r, r->type_count > r->types_asked, now_ms);
    if (ask_types)
        ec2_describe_types(l->with, names, r->type_count, &types);
    if (ask_prices)
        ec2_describe_spot_prices(l->with, names, r->type_count, now_ms, &prices);
    if (ask_types || ask_prices)
        aws_run(r->clients, l->until_ms);
    if (ask_types) {
        take_types(r, &types, now_ms);
        bool final = types.call.state == AWS_CALL_COMPLETE || types.call.err.kind == ERR_INVALID || types.call.err.kind == ERR_NOT_FOUND;
        r->types_asked = final ? r->type_count : r->types_asked;
        r->types_asked_ms = now_ms;
    }
    if (ask_prices) {
        take_prices(r, &prices);
        r->prices_asked_ms = prices.call.state == AWS_CALL_COMPLETE ? now_ms : now_ms - PRICE_LIFE_MS + RETRY_MS;
    }
    int64_t oldest_ms = now_ms;
    bool all = true;
    for (size_t i = 0; i < r->type_count; i++) {
        all = all && r->types[i].known;
        if (r->types[i].known && r->types[i].read_ms < oldest_ms)
            oldest_ms = r->types[i].read_ms;
    }
    // Types do not age as other facts do: what is known for a day is as good as new.
    source_set(l->new, SOURCE_INSTANCE_TYPES, all ? SOURCE_OK : SOURCE_PARTIAL, all ? now_ms : oldest_ms,
               all ? "" : arena_strdup(l->a, types.call.err.msg));
}

// ---- learned --------------------------------------------------------------------------------------------------------------

const struct learned_type *gather_learned(const struct gather *g, const char *type)
{
    for (size_t i = 0; i < g->learned_count; i++)
        if (strcmp(g->learned[i].type, type) == 0)
            return &g->learned[i];
    return NULL;
}

static void learn_size(struct gather *g, struct learned_type x)
{
    const struct learned_type *known = gather_learned(g, x.type);
    if (known ? known->registered_ms >= x.registered_ms : g->learned_count == TYPES_MAX)
        return;
    struct learned_type *to = known ? &g->learned[known - g->learned] : &g->learned[g->learned_count++];
    bool same = known && memcmp(&known->registered, &x.registered, sizeof x.registered) == 0 && known->trunk == x.trunk;
    g->learned_changes += !same;
    x.type = known ? known->type : arena_strdup(&g->kept, x.type);
    *to = x;
}

const struct learned_type *gather_learned_types(const struct gather *g, size_t *ret_count, int64_t *ret_changes)
{
    *ret_count = g->learned_count;
    *ret_changes = g->learned_changes;
    return g->learned;
}

void gather_teach(struct gather *g, const struct learned_type *v, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (v[i].type[0] && v[i].registered_ms <= clock_wall_ms(g->clock))
            learn_size(g, v[i]);
}

void gather_learn(struct gather *g, const struct fact_container *c, const struct fact_ec2 *e)
{
    const char *type = c->type[0] ? c->type : e->type;
    if (type[0] && (c->state == ECS_ACTIVE || c->state == ECS_DRAINING) && !res_is_zero(c->registered))
        learn_size(g, (struct learned_type){type, c->registered, c->trunk, c->registered_ms});
    int64_t boot_ms = c->registered_ms - e->launched_ms;
    if (c->state == ECS_ACTIVE && e->launched_ms > 0 && boot_ms > 0 && boot_ms < 3600000 && !e->ever_registered) {
        size_t at = g->boot_count++ % BOOTS_MAX;
        g->boots[at].ms = boot_ms;
        snprintf(g->boots[at].type, sizeof g->boots[at].type, "%s", type);
    }
}

static int by_value(const void *x, const void *y)
{
    int64_t a = *(const int64_t *)x, b = *(const int64_t *)y;
    return (a > b) - (a < b);
}

// Of the newest boots, those of a type (NULL: all); 0 where there are too few.
static int64_t boot_of(const struct gather *g, const char *type, int percent, size_t least)
{
    int64_t sorted[BOOTS_MAX];
    size_t n = 0;
    for (size_t i = 0; i < g->boot_count && i < BOOTS_MAX; i++)
        if (!type || strcmp(g->boots[i].type, type) == 0)
            sorted[n++] = g->boots[i].ms;
    if (n < least)
        return 0;
    qsort(sorted, n, sizeof *sorted, by_value);
    return sorted[(n * (size_t)percent + 99) / 100 - 1];
}

// Capacity is there when the slowest has booted; the zone of a pool makes no boot longer, its type and image do.
int64_t gather_boot_ms(const struct gather *g, int percent)
{
    int64_t most = boot_of(g, NULL, percent, BOOTS_LEAST);
    for (size_t i = 0; i < g->boot_count && i < BOOTS_MAX && most > 0; i++) {
        int64_t own = boot_of(g, g->boots[i].type, percent, BOOTS_LEAST);
        most = own > most ? own : most;
    }
    return most;
}

// ---- denied writes (safety.md J4) -----------------------------------------------------------------------------------------

void gather_denied(struct gather *g, const char *fleet, const char *api_action, bool denied)
{
    size_t kept = 0;
    for (size_t i = 0; i < g->denied_count; i++)
        if (strcmp(g->denied[i].fleet, fleet) != 0 || strcmp(g->denied[i].api_action, api_action) != 0)
            g->denied[kept++] = g->denied[i];
    g->denied_count = kept;
    if (!denied || kept == DENIED_MAX)
        return;
    struct denied_write *d = &g->denied[g->denied_count++];
    snprintf(d->fleet, sizeof d->fleet, "%s", fleet);
    d->api_action = api_action;
}

const char *gather_denied_action(const struct gather *g, const char *fleet)
{
    for (size_t i = g->denied_count; i-- > 0;)
        if (strcmp(g->denied[i].fleet, fleet) == 0)
            return g->denied[i].api_action;
    return "";
}

// ---- own writes -----------------------------------------------------------------------------------------------------------

void gather_wrote(struct gather *g, enum action_kind kind, const char *target, const char *value)
{
    int64_t now_ms = clock_wall_ms(g->clock);
    size_t kept = 0;
    for (size_t i = 0; i < g->write_count; i++)
        if (now_ms - g->writes[i].at_ms < WRITE_OVERLAY_MS)
            g->writes[kept++] = g->writes[i];
    if (kept == WRITES_MAX) {
        memmove(g->writes, g->writes + 1, (WRITES_MAX - 1) * sizeof *g->writes);
        kept--;
    }
    struct own_write *w = &g->writes[kept];
    *w = (struct own_write){.kind = kind, .at_ms = now_ms};
    snprintf(w->target, sizeof w->target, "%s", target);
    snprintf(w->value, sizeof w->value, "%s", value ? value : "");
    g->write_count = kept + 1;
    for (int api = 0; api < API_FLEET_COUNT; api++)
        g->region->fleets[api].stale |= kind == ACTION_SET_TARGET || kind == ACTION_CLAIM;
}

const char *gather_written_mark(const struct gather *g, const char *instance, int64_t now_ms)
{
    for (size_t i = g->write_count; i-- > 0;) {
        const struct own_write *w = &g->writes[i];
        bool mark = w->kind == ACTION_MARK || w->kind == ACTION_UNMARK;
        if (mark && now_ms - w->at_ms < WRITE_OVERLAY_MS && strcmp(w->target, instance) == 0)
            return w->kind == ACTION_MARK ? w->value : "";
    }
    return NULL;
}

const char *gather_written_owner(const struct gather *g, const char *fleet, int64_t now_ms)
{
    for (size_t i = g->write_count; i-- > 0;)
        if (g->writes[i].kind == ACTION_CLAIM && now_ms - g->writes[i].at_ms < WRITE_OVERLAY_MS && strcmp(g->writes[i].target, fleet) == 0)
            return g->writes[i].value;
    return NULL;
}

bool gather_written(const struct gather *g, enum action_kind kind, const char *target, int64_t now_ms)
{
    for (size_t i = 0; i < g->write_count; i++)
        if (g->writes[i].kind == kind && now_ms - g->writes[i].at_ms < WRITE_OVERLAY_MS && strcmp(g->writes[i].target, target) == 0)
            return true;
    return false;
}
