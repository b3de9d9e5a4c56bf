// What instances have: their attributes as few shared sets, what a pool's next member will have, and host ports in use.
#include "base/check.h"
#include "base/parse.h"
#include "scaler/gather_join.h"

// ---- learned: what the newest member of a fleet's pool registered with ------------------------------------------------------

struct learned_pool {
    char fleet[64], type[40], zone[64], subnet[64];
    int64_t registered_ms;
    struct ecs_attribute *attributes;  // one block with their strings
    size_t count;
};

static struct ecs_attribute *pack(const struct ecs_attribute *from, size_t count)
{
    size_t bytes = count * sizeof *from;
    for (size_t i = 0; i < count; i++)
        bytes += strlen(from[i].name) + strlen(from[i].value) + 2;
    struct ecs_attribute *to = malloc(bytes);
    assert(to);
    char *text = (char *)(to + count);
    for (size_t i = 0; i < count; i++) {
        to[i].name = text;
        text = stpcpy(text, from[i].name) + 1;
        to[i].value = text;
        text = stpcpy(text, from[i].value) + 1;
    }
    return to;
}

static bool same_list(const struct ecs_attribute *a, size_t a_count, const struct ecs_attribute *b, size_t b_count)
{
    bool same = a_count == b_count;
    for (size_t i = 0; same && i < a_count; i++)
        same = strcmp(a[i].name, b[i].name) == 0 && strcmp(a[i].value, b[i].value) == 0;
    return same;
}

void gather_learn_pool(struct gather *g, const struct fact_container *c, const struct fact_ec2 *e)
{
    if (e->fleet[0] == '\0' || c->attribute_count == 0 || (c->state != ECS_ACTIVE && c->state != ECS_DRAINING))
        return;
    struct learned_pool *to = NULL;
    for (size_t i = 0; i < g->pool_count && !to; i++) {
        struct learned_pool *p = g->pools[i];
        if (strcmp(p->fleet, e->fleet) == 0 && strcmp(p->type, e->type) == 0 && strcmp(p->subnet, e->subnet) == 0 && strcmp(p->zone, e->zone) == 0)
            to = p;
    }
    if (to == NULL && g->pool_count == POOLS_MAX)
        return;
    if (to && to->registered_ms > c->registered_ms)
        return;
    if (to && same_list(to->attributes, to->count, c->attributes, c->attribute_count)) {
        to->registered_ms = c->registered_ms;
        return;
    }
    if (to == NULL) {
        to = g->pools[g->pool_count++] = calloc(1, sizeof *to);
        assert(to);
        snprintf(to->fleet, sizeof to->fleet, "%s", e->fleet);
        snprintf(to->type, sizeof to->type, "%s", e->type);
        snprintf(to->zone, sizeof to->zone, "%s", e->zone);
        snprintf(to->subnet, sizeof to->subnet, "%s", e->subnet);
    }
    free(to->attributes);
    to->attributes = pack(c->attributes, c->attribute_count);
    to->count = c->attribute_count;
    to->registered_ms = c->registered_ms;
}

void gather_forget_pools(struct gather *g)
{
    for (size_t i = 0; i < g->pool_count; i++) {
        free(g->pools[i]->attributes);
        free(g->pools[i]);
    }
    g->pool_count = 0;
}

// The newest member of this very pool; with `pool` NULL, of any pool of the fleet.
static const struct learned_pool *newest(const struct gather *g, const char *fleet, const struct fleet_pool *pool)
{
    const struct learned_pool *best = NULL;
    for (size_t i = 0; i < g->pool_count; i++) {
        const struct learned_pool *p = g->pools[i];
        if (strcmp(p->fleet, fleet) != 0 || (best && best->registered_ms >= p->registered_ms))
            continue;
        bool there = !pool || (strcmp(p->type, pool->type_name) == 0 && (pool->subnet[0] ? strcmp(p->subnet, pool->subnet) == 0
                                                                         : pool->zone[0] ? strcmp(p->zone, pool->zone) == 0 : true));
        best = there ? p : best;
    }
    return best;
}

// ---- sets -----------------------------------------------------------------------------------------------------------------

static int by_name(const void *x, const void *y)
{
    return strcmp(((const struct attribute *)x)->name, ((const struct attribute *)y)->name);
}

void join_attribute_sets(struct join *j)
{
    size_t most = j->f->container_count;
    for (size_t i = 0; i < j->f->fleet_count; i++)
        for (size_t o = 0; o < j->f->fleets[i].override_count; o++) {
            most++;
            for (const char *c = j->f->fleets[i].overrides[o].subnet; *c; c++)
                most += *c == ',';
        }
    j->s->attribute_sets = arena_array(j->a, struct attribute_set, most);  // pointed into: it may not move
    j->set_of = arena_array(j->a, const struct fact_container *, most);
}

static const struct attribute_set *add_set(struct join *j, struct attribute_set set, const struct fact_container *of)
{
    j->set_of[j->s->attribute_set_count] = of;
    struct attribute_set *to = &j->s->attribute_sets[j->s->attribute_set_count++];
    *to = set;
    return to;
}

// ECS tells them in the same order for instances that have the same; where it does not, there is one set more.
const struct attribute_set *join_attributes_of(struct join *j, const struct fact_container *c)
{
    if (c->attribute_count == 0)
        return NULL;
    for (size_t i = 0; i < j->s->attribute_set_count; i++) {
        const struct fact_container *o = j->set_of[i];
        if (o && strcmp(o->type, c->type) == 0 && strcmp(o->subnet, c->subnet) == 0 &&
            same_list(o->attributes, o->attribute_count, c->attributes, c->attribute_count))
            return &j->s->attribute_sets[i];
    }
    struct attribute_set set = {.v = arena_array(j->a, struct attribute, c->attribute_count)};
    for (size_t i = 0; i < c->attribute_count; i++)
        set.v[i] = (struct attribute){c->attributes[i].name, c->attributes[i].value};
    qsort(set.v, c->attribute_count, sizeof *set.v, by_name);
    for (size_t i = 0; i < c->attribute_count; i++)
        if (set.count == 0 || strcmp(set.v[set.count - 1].name, set.v[i].name) != 0)
            set.v[set.count++] = set.v[i];
    return add_set(j, set, c);
}

// ---- pools ----------------------------------------------------------------------------------------------------------------

static void add_unless_there(struct join *j, struct attribute_set *set, size_t *cap, const char *name, const char *value)
{
    for (size_t i = 0; i < set->count; i++)
        if (strcmp(set->v[i].name, name) == 0)
            return;
    set->v = arena_grow(j->a, set->v, set->count, cap, sizeof *set->v);
    set->v[set->count++] = (struct attribute){arena_strdup(j->a, name), arena_strdup(j->a, value)};
}

// What says where and of which type an instance is: not what a member of another pool teaches.
static bool of_the_place(const char *name)
{
    static const char *const NAMES[] = {"ecs.instance-type",    "ecs.availability-zone", "ecs.subnet-id", "ecs.vpc-id",
                                        "ecs.cpu-architecture", "ecs.ami-id",            "ecs.awsvpc-trunk-id"};
    for (size_t i = 0; i < ARRAY_LEN(NAMES); i++)
        if (strcmp(NAMES[i], name) == 0)
            return true;
    return false;
}

static void add_learned(struct join *j, const char *fleet, struct fleet_pool *pool, struct attribute_set *set, size_t *cap)
{
    const struct learned_pool *here = newest(j->l->g, fleet, pool), *near = here ? NULL : newest(j->l->g, fleet, NULL);
    for (size_t i = 0; here && i < here->count; i++)
        add_unless_there(j, set, cap, here->attributes[i].name, here->attributes[i].value);
    for (size_t i = 0; near && i < near->count; i++)
        if (!of_the_place(near->attributes[i].name))
            add_unless_there(j, set, cap, near->attributes[i].name, near->attributes[i].value);
    pool->attributes_known = here != NULL;
}

static void add_standard(struct join *j, const struct policy_fleet *p, const struct fleet_pool *pool, struct attribute_set *set, size_t *cap)
{
    const struct cached_subnet *subnet = region_subnet(j->l->region, pool->subnet);
    const char *arch = p->arch && p->arch[0] ? p->arch : pool->type >= 0 ? j->s->types[pool->type].arch : "";
    const struct attribute standard[] = {
        {"ecs.instance-type", pool->type_name}, {"ecs.availability-zone", pool->zone}, {"ecs.subnet-id", pool->subnet},
        {"ecs.vpc-id", subnet ? subnet->vpc : ""}, {"ecs.cpu-architecture", arch}, {"ecs.os-type", "linux"},
    };
    for (size_t i = 0; i < ARRAY_LEN(standard); i++)
        if (standard[i].value[0])
            add_unless_there(j, set, cap, standard[i].name, standard[i].value);
}

static bool same_set(const struct attribute_set *a, const struct attribute_set *b)
{
    bool same = a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++)
        same = strcmp(a->v[i].name, b->v[i].name) == 0 && strcmp(a->v[i].value, b->v[i].value) == 0;
    return same;
}

void join_pool_attributes(struct join *j, const struct policy_fleet *p, struct fleet_pool *pool)
{
    struct attribute_set set = {.count = 0};
    size_t cap = 0;
    add_learned(j, p->id, pool, &set, &cap);
    for (size_t i = 0; i < p->attribute_count; i++)
        add_unless_there(j, &set, &cap, p->attributes[i].name, p->attributes[i].value);
    add_standard(j, p, pool, &set, &cap);
    qsort(set.v, set.count, sizeof *set.v, by_name);
    for (size_t i = 0; i < j->s->attribute_set_count && !pool->attributes; i++)
        if (same_set(&j->s->attribute_sets[i], &set))
            pool->attributes = &j->s->attribute_sets[i];
    if (!pool->attributes)
        pool->attributes = add_set(j, set, NULL);
}

// ---- ports ----------------------------------------------------------------------------------------------------------------

static int by_port(const void *x, const void *y)
{
    uint32_t a = *(const uint32_t *)x, b = *(const uint32_t *)y;
    return (a > b) - (a < b);
}

static size_t add_ports(uint32_t *to, size_t n, const char *const *told, size_t count, bool udp)
{
    for (size_t i = 0; i < count; i++) {
        int64_t port;
        if (parse_i64(slice_of(told[i]), &port) && port > 0 && port <= 65535)
            to[n++] = port_make((uint32_t)port, udp);
    }
    return n;
}

struct port_set gather_ports(struct arena *a, const struct ecs_resources *r)
{
    uint32_t *v = arena_array(a, uint32_t, r->port_count + r->udp_port_count);
    size_t n = add_ports(v, 0, r->ports, r->port_count, false), kept = 0;
    n = add_ports(v, n, r->udp_ports, r->udp_port_count, true);
    if (n > 0)
        qsort(v, n, sizeof *v, by_port);
    for (size_t i = 0; i < n; i++)
        if (kept == 0 || v[kept - 1] != v[i])
            v[kept++] = v[i];
    return (struct port_set){v, kept};
}
