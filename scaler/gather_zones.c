#include "scaler/gather_zones.h"

#include "base/check.h"
#include "scaler/gather_internal.h"

struct zone_list {
    const char *names[ZONES_MAX];
    bool silent[ZONES_MAX];  // a call about it failed in this look
    size_t count;
    struct err err;          // of the first that did
};

static const char *member_tag(const struct look_fleet *x)
{
    if (x->kind == FLEET_GROUP)
        return GATHER_GROUP_TAG;
    if (x->kind == FLEET_INSTANT)
        return GATHER_FLEET_TAG;
    return ec2_is_ec2_fleet(x->id) ? EC2_FLEET_TAG : EC2_SPOT_FLEET_TAG;
}

static struct aws_with of_part(const struct look *l, bool once)
{
    struct aws_with with = l->with;
    with.part = true;
    with.once = once;
    return with;
}

void look_members_ask(struct look *l, struct look_fleet *x)
{
    x->by_zone = l->g->by_zone;
    if (!x->by_zone)
        ec2_describe_tagged_instances(of_part(l, false), member_tag(x), x->id, &x->members);
}

static void add_zone(struct zone_list *z, const char *name)
{
    for (size_t i = 0; i < z->count; i++)
        if (strcmp(z->names[i], name) == 0)
            return;
    if (name[0] != '\0' && z->count < ZONES_MAX)
        z->names[z->count++] = name;
}

// Every zone that a member was in, or may have been launched in since.
static struct zone_list *zones_of(struct look *l)
{
    struct zone_list *z = arena_new(l->a, struct zone_list);
    for (size_t i = 0; l->old && i < l->old->ec2_count; i++)
        add_zone(z, l->old->ec2[i].zone);
    for (size_t i = 0; i < l->new->container_count; i++)
        add_zone(z, l->new->containers[i].zone);
    for (size_t i = 0; i < l->region->subnet_count; i++)
        if (l->region->subnets[i].known)
            add_zone(z, l->region->subnets[i].zone);
    return z;
}

static bool failed(const struct aws_call *c)
{
    return (c->state == AWS_CALL_FAILED || c->state == AWS_CALL_PARTIAL) && c->err.kind == ERR_TRANSIENT;
}

static void ask_zones(struct look *l, const struct look_fleet *x, struct ec2_instances *told)
{
    for (size_t z = 0; z < l->zones->count; z++)
        if (!l->zones->silent[z])
            ec2_describe_tagged_instances_in(of_part(l, true), member_tag(x), x->id, l->zones->names[z], &told[z]);
}

// The zones' answers as the fleet's; true: a zone answered.
static bool merge(struct look *l, struct look_fleet *x, const struct ec2_instances *told)
{
    struct ec2_instances *m = &x->members;
    size_t most = 1;
    bool any = false;
    for (size_t z = 0; z < l->zones->count; z++) {
        const struct aws_call *c = &told[z].call;
        most += told[z].count;
        any |= c->state == AWS_CALL_COMPLETE;
        l->zones->silent[z] |= c->state != AWS_CALL_COMPLETE;
        if (c->err.kind && !l->zones->err.kind)
            l->zones->err = c->err;
    }
    if (!any && m->call.state != AWS_CALL_NONE)
        return false;
    *m = (struct ec2_instances){.items = arena_array(l->a, struct ec2_instance, most), .cap = most};
    for (size_t z = 0; z < l->zones->count; z++) {
        if (told[z].count > 0)
            memcpy(m->items + m->count, told[z].items, told[z].count * sizeof *m->items);
        m->count += told[z].count;
    }
    m->call.state = any ? AWS_CALL_PARTIAL : AWS_CALL_FAILED;
    m->call.err = l->zones->err;
    return any;
}

// Where all zones answer, one call for all of them may do so again, and it alone tells that there is nothing elsewhere.
static bool ask_whole(struct look *l)
{
    struct ec2_instances *whole = arena_array(l->a, struct ec2_instances, l->row_count);
    bool all = true;
    for (size_t i = 0; i < l->row_count; i++)
        if (l->rows[i].by_zone)
            ec2_describe_tagged_instances(of_part(l, true), member_tag(&l->rows[i]), l->rows[i].id, &whole[i]);
    aws_run(l->region->clients, l->until_ms);
    for (size_t i = 0; i < l->row_count; i++) {
        if (!l->rows[i].by_zone)
            continue;
        if (whole[i].call.state == AWS_CALL_COMPLETE)
            l->rows[i].members = whole[i];
        else
            l->rows[i].members.call.err = whole[i].call.err;
        all &= whole[i].call.state == AWS_CALL_COMPLETE;
    }
    return all;
}

void look_zones(struct look *l)
{
    size_t first = l->row_count;
    for (size_t i = l->row_count; i-- > 0;) {
        l->rows[i].by_zone |= failed(&l->rows[i].members.call);
        first = l->rows[i].by_zone ? i : first;
    }
    if (first == l->row_count)
        return;
    l->zones = zones_of(l);
    struct ec2_instances *told = arena_array(l->a, struct ec2_instances, l->row_count * ZONES_MAX);
    ask_zones(l, &l->rows[first], &told[first * ZONES_MAX]);
    aws_run(l->region->clients, l->until_ms);
    bool any = merge(l, &l->rows[first], &told[first * ZONES_MAX]), silent = false;
    for (size_t i = first + 1; i < l->row_count && any; i++)  // where EC2 does not answer at all, one fleet found out
        if (l->rows[i].by_zone)
            ask_zones(l, &l->rows[i], &told[i * ZONES_MAX]);
    aws_run(l->region->clients, l->until_ms);
    for (size_t i = first + 1; i < l->row_count; i++)
        if (l->rows[i].by_zone)
            merge(l, &l->rows[i], &told[i * ZONES_MAX]);
    for (size_t k = 0; k < l->zones->count; k++)
        silent |= l->zones->silent[k];
    l->g->by_zone = any && (silent || !ask_whole(l));
}

bool look_zone_told(const struct look *l, const char *fleet, const char *zone)
{
    const struct look_fleet *x = NULL;
    bool asked = false;
    for (size_t i = 0; i < l->row_count && !x; i++)
        x = strcmp(l->rows[i].id, fleet) == 0 ? &l->rows[i] : NULL;
    for (size_t k = 0; l->zones && k < l->zones->count; k++)
        asked |= !l->zones->silent[k] && strcmp(l->zones->names[k], zone) == 0;
    return asked && x && x->by_zone && x->members.call.state == AWS_CALL_PARTIAL;
}

bool look_zone_silent(const struct look *l, const char *zone)
{
    for (size_t k = 0; l->zones && k < l->zones->count; k++)
        if (l->zones->silent[k] && strcmp(l->zones->names[k], zone) == 0)
            return true;
    return false;
}
