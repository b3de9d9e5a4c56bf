// EC2 instances of the fleets and of the cluster.
#include "base/check.h"
#include "scaler/gather_internal.h"
#include "scaler/gather_zones.h"

// ---- ask ------------------------------------------------------------------------------------------------------------------

// The fleet that lists an instance without the tag, "" where none does.
static const char *listing_fleet(const struct look *l, const char *id)
{
    for (size_t i = 0; i < l->row_count; i++)
        for (size_t j = 0; j < l->rows[i].listed.count; j++)
            if (strcmp(l->rows[i].listed.items[j].instance_id, id) == 0)
                return l->rows[i].id;
    return "";
}

static void stray(struct strmap *known, const char *id, const char **ids, size_t *count)
{
    if (strmap_get(known, id) >= 0)
        return;
    strmap_put(known, id, 1);
    ids[(*count)++] = id;
}

void look_strays_ask(struct look *l)
{
    struct strmap known;
    size_t most = l->new->container_count, count = 0;
    for (size_t i = 0; i < l->row_count; i++)
        most += l->rows[i].members.count + l->rows[i].listed.count + (l->rows[i].slow ? l->rows[i].slow->warm.count : 0);
    strmap_init(&known, l->a, most);
    for (size_t i = 0; i < l->row_count; i++)
        for (size_t j = 0; j < l->rows[i].members.count; j++)
            strmap_put(&known, l->rows[i].members.items[j].id, 1);
    const char **ids = arena_array(l->a, const char *, most);
    for (size_t i = 0; i < l->row_count; i++)
        for (size_t j = 0; j < l->rows[i].listed.count; j++)
            stray(&known, l->rows[i].listed.items[j].instance_id, ids, &count);
    for (size_t i = 0; i < l->new->container_count; i++)
        if (!look_zone_silent(l, l->new->containers[i].zone))  // one instance there would fail the call for all
            stray(&known, l->new->containers[i].ec2_id, ids, &count);
    struct aws_with with = l->with;
    with.part = true;
    if (count > 0)
        ec2_describe_instances_by_id(with, ids, count, &l->strays);
}

// ---- instances ------------------------------------------------------------------------------------------------------------

static enum ec2_state ec2_state_of(int32_t code)
{
    static const struct { int32_t code; enum ec2_state state; } STATES[] = {
        {0, EC2_PENDING}, {16, EC2_RUNNING}, {32, EC2_SHUTTING_DOWN}, {48, EC2_TERMINATED}, {64, EC2_STOPPING}, {80, EC2_STOPPED},
    };
    for (size_t i = 0; i < ARRAY_LEN(STATES); i++)
        if (STATES[i].code == code)
            return STATES[i].state;
    return EC2_UNKNOWN;
}

static const struct fact_ec2 *old_ec2(const struct look *l, const struct strmap *map, const char *id)
{
    int i = strmap_get(map, id);
    return i >= 0 ? &l->old->ec2[i] : NULL;
}

static const char *template_of(struct arena *a, const struct aws_tags *tags)
{
    const char *id = aws_tag_get(tags, "aws:ec2launchtemplate:id"), *version = aws_tag_get(tags, "aws:ec2launchtemplate:version");
    return id[0] && version[0] ? arena_printf(a, "%s:%s", id, version) : "";
}

static const char *fleet_tag_of(const struct aws_tags *tags)
{
    const char *of_ec2_fleet = aws_tag_get(tags, EC2_FLEET_TAG);
    return of_ec2_fleet[0] ? of_ec2_fleet : aws_tag_get(tags, EC2_SPOT_FLEET_TAG);
}

// A7: a fleet that is cancelled with its instances, or ends with them soon, takes all of them: as good as a notice for each.
static bool fleet_ends(const struct look *l, const char *fleet)
{
    for (size_t i = 0; i < l->new->fleet_count; i++) {
        const struct fact_fleet *f = &l->new->fleets[i];
        if (strcmp(f->id, fleet) != 0)
            continue;
        bool soon = f->ends_with_expiration && f->valid_until_ms > 0 && f->valid_until_ms - l->new->at_ms <= FLEET_ENDS_MS;
        return f->found && (f->state == FLEET_CANCELLED_TERMINATING || soon);
    }
    return false;
}

static struct fact_ec2 ec2_fact(struct look *l, const struct ec2_instance *i, const struct fact_ec2 *old)
{
    int64_t now_ms = l->new->at_ms;
    struct fact_ec2 e = {
        .id = i->id, .type = i->type, .zone = i->zone, .subnet = i->subnet, .arch = i->arch, .address = i->address,
        .fleet = fleet_tag_of(&i->tags), .mark = aws_tag_get(&i->tags, "masu:drain"),
        .state = ec2_state_of(i->state_code), .spot = strcmp(i->lifecycle, "spot") == 0,
        .forbidden = aws_tag_get(&i->tags, "masu:keep")[0] != '\0', .launched_ms = i->launched_ms,
        .interrupted = strcmp(i->state_reason, "Server.SpotInstanceTermination") == 0, .launch_template = template_of(l->a, &i->tags),
        .volume_attached = i->volume_attached, .ever_registered = old && old->ever_registered,
        .vanished_ms = old && old->ever_registered ? old->vanished_ms ? old->vanished_ms : now_ms : 0,
    };
    const char *group = NULL;
    e.member = look_group_member(l, i->id, &group, &e.scale_in_protected);
    const char *instant = look_instant_of(l, &i->tags);
    if (instant)
        e.fleet = instant;
    if (e.fleet[0] == '\0')
        e.fleet = group ? group : listing_fleet(l, i->id);
    e.interrupted |= fleet_ends(l, e.fleet);
    const char *written = gather_written_mark(l->g, i->id, now_ms);
    if (written)
        e.mark = arena_strdup(l->a, written);
    if (gather_written(l->g, ACTION_TERMINATE, i->id, now_ms) && (e.state == EC2_RUNNING || e.state == EC2_PENDING))
        e.state = EC2_SHUTTING_DOWN;
    if (e.interrupted)
        e.interrupted_since_ms = old && old->interrupted_since_ms ? old->interrupted_since_ms : now_ms;
    return e;
}

static struct fact_ec2 ec2_copy(struct arena *a, const struct fact_ec2 *old)
{
    struct fact_ec2 e = *old;
    e.id = arena_strdup(a, old->id);
    e.type = arena_strdup(a, old->type);
    e.zone = arena_strdup(a, old->zone);
    e.subnet = arena_strdup(a, old->subnet);
    e.arch = arena_strdup(a, old->arch);
    e.fleet = arena_strdup(a, old->fleet);
    e.mark = arena_strdup(a, old->mark);
    e.launch_template = arena_strdup(a, old->launch_template);
    e.member = arena_strdup(a, old->member);
    e.address = arena_strdup(a, old->address);
    return e;
}

static void take_answer(struct look *l, const struct ec2_instances *answer, const struct strmap *old_map, struct strmap *seen)
{
    struct facts *f = l->new;
    for (size_t i = 0; i < answer->count; i++) {
        if (strmap_get(seen, answer->items[i].id) >= 0)
            continue;
        strmap_put(seen, answer->items[i].id, (int)f->ec2_count);
        f->ec2[f->ec2_count++] = ec2_fact(l, &answer->items[i], old_ec2(l, old_map, answer->items[i].id));
    }
}

// The calls of this look as one source: the worst state, the oldest answer.
static bool source_from_members(struct look *l)
{
    struct facts *f = l->new;
    int64_t kept_ms = l->old ? l->old->sources[SOURCE_EC2_INSTANCES].read_ms : 0, oldest_ms = INT64_MAX;
    size_t asked = 0, answered = 0, some = 0;
    const char *detail = "";
    size_t fleets = l->row_count;
    for (size_t i = 0; i <= 2 * fleets; i++) {
        const struct aws_call *c = i == 2 * fleets ? &l->strays.call : i % 2 ? &l->rows[i / 2].listed.call : &l->rows[i / 2].members.call;
        if (c->state == AWS_CALL_NONE)
            continue;
        asked++;
        answered += c->state == AWS_CALL_COMPLETE;
        some += c->state == AWS_CALL_COMPLETE || c->state == AWS_CALL_PARTIAL;
        if (c->state != AWS_CALL_COMPLETE)
            detail = arena_strdup(l->a, c->err.msg);
        else if (c->answered_ms < oldest_ms)
            oldest_ms = c->answered_ms;
    }
    bool all = answered == asked;
    source_set(f, SOURCE_EC2_INSTANCES, all ? SOURCE_OK : some > 0 ? SOURCE_PARTIAL : SOURCE_UNKNOWN,
               all && asked > 0 ? oldest_ms : kept_ms, detail);
    return all;
}

size_t gather_hosts(const struct gather *g, struct arena *a, struct gather_host **ret)
{
    const struct facts *f = g->facts[g->turn];
    struct strmap busy;
    size_t count = 0;
    strmap_init(&busy, a, f ? f->container_count : 0);
    for (size_t i = 0; f && i < f->container_count; i++)
        if (f->containers[i].running > 0)
            strmap_put(&busy, f->containers[i].ec2_id, 1);
    *ret = arena_array(a, struct gather_host, f ? f->ec2_count + 1 : 1);
    for (size_t i = 0; f && i < f->ec2_count; i++)
        if (f->ec2[i].state == EC2_RUNNING && f->ec2[i].address[0] && strmap_get(&busy, f->ec2[i].id) >= 0)
            (*ret)[count++] = (struct gather_host){f->ec2[i].id, f->ec2[i].address};
    return count;
}

void look_ec2_take(struct look *l)
{
    struct facts *f = l->new;
    size_t old_count = l->old ? l->old->ec2_count : 0, most = old_count + l->strays.count + l->g->instants.count;
    for (size_t i = 0; i < l->row_count; i++)
        most += l->rows[i].members.count;
    struct strmap old_map, seen;
    strmap_init(&old_map, l->a, old_count);
    strmap_init(&seen, l->a, most);
    for (size_t i = 0; i < old_count; i++)
        strmap_put(&old_map, l->old->ec2[i].id, (int)i);
    f->ec2 = arena_array(l->a, struct fact_ec2, most);
    for (size_t i = 0; i < l->row_count; i++)
        take_answer(l, &l->rows[i].members, &old_map, &seen);
    take_answer(l, &l->strays, &old_map, &seen);
    if (!source_from_members(l))
        for (size_t i = 0; i < old_count; i++)
            if (strmap_get(&seen, l->old->ec2[i].id) < 0 && !look_zone_told(l, l->old->ec2[i].fleet, l->old->ec2[i].zone))
                f->ec2[f->ec2_count++] = ec2_copy(l->a, &l->old->ec2[i]);
    look_instants_take(l, &seen);
    for (size_t i = 0; i < f->container_count; i++) {
        int at = strmap_get(&seen, f->containers[i].ec2_id);
        if (at < 0)
            continue;
        gather_learn(l->g, &f->containers[i], &f->ec2[at]);
        gather_learn_pool(l->g, &f->containers[i], &f->ec2[at]);
        f->ec2[at].ever_registered = true;
        f->ec2[at].vanished_ms = 0;
    }
}
