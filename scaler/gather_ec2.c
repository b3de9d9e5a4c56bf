// EC2 instances of the fleets and of the cluster, and the Spot Fleets themselves.
#include "base/check.h"
#include "scaler/gather_internal.h"

// ---- ask ------------------------------------------------------------------------------------------------------------------

static const char **fleet_ids(struct look *l)
{
    const char **ids = arena_array(l->a, const char *, l->policy->fleet_count);
    for (size_t i = 0; i < l->policy->fleet_count; i++)
        ids[i] = arena_strdup(l->a, policy_fleet_name(&l->policy->fleets[i]));
    return ids;
}

// Every fleet of the region's clusters, so that one describe serves all that look within the next seconds: the bucket of
// DescribeSpotFleetRequests refills by 3 a second, which forty clusters with a call each would drain.
static void note_fleet_ids(struct region *r, const char *const *ids, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bool known = false;
        for (size_t k = 0; k < r->fleet_id_count && !known; k++)
            known = strcmp(r->fleet_ids[k], ids[i]) == 0;
        if (known)
            continue;
        r->fleet_ids = arena_grow(&r->kept, r->fleet_ids, r->fleet_id_count, &r->fleet_id_cap, sizeof *r->fleet_ids);
        r->fleet_ids[r->fleet_id_count++] = arena_strdup(&r->kept, ids[i]);
        r->fleets_stale = true;
    }
}

static void ask_fleets(struct look *l, const char *const *ids, size_t count)
{
    struct region *r = l->region;
    const struct ec2_spot_fleets *newest = &r->fleet_answers[r->fleet_turn];
    note_fleet_ids(r, ids, count);
    if (l->new->at_ms < r->fleets_alone_until_ms) {
        ec2_describe_spot_fleets(l->with, ids, count, &l->fleets[0]);
        return;
    }
    if (!r->fleets_stale && newest->call.state == AWS_CALL_COMPLETE && l->new->at_ms - newest->call.answered_ms < FLEETS_SHARED_MS) {
        l->fleets[0] = *newest;
        return;
    }
    struct aws_with with = l->with;
    with.arena = &r->fleet_arenas[r->fleet_turn ^ 1];
    arena_reset(with.arena);
    ec2_describe_spot_fleets(with, r->fleet_ids, r->fleet_id_count, &r->fleet_answers[r->fleet_turn ^ 1]);
    l->fleets_asked_for_all = true;
}

void look_fleets_share(struct look *l)
{
    struct region *r = l->region;
    if (!l->fleets_asked_for_all)
        return;
    const struct ec2_spot_fleets *answer = &r->fleet_answers[r->fleet_turn ^ 1];
    l->fleets[0] = *answer;
    if (answer->call.state == AWS_CALL_COMPLETE) {
        r->fleet_turn ^= 1;
        r->fleets_stale = false;
    } else if (answer->call.err.kind == ERR_NOT_FOUND) {
        r->fleets_alone_until_ms = l->new->at_ms + RETRY_MS;
    }
}

void look_ec2_ask(struct look *l)
{
    size_t count = l->policy->fleet_count;
    const char **ids = fleet_ids(l);
    l->fleets = arena_array(l->a, struct ec2_spot_fleets, count + 1);
    l->fleet_members = arena_array(l->a, struct ec2_instances, count);
    l->fleet_call_count = 1;
    ask_fleets(l, ids, count);
    for (size_t i = 0; i < count; i++)
        ec2_describe_fleet_instances(l->with, ids[i], &l->fleet_members[i]);
}

// One unknown id fails the whole call: then each fleet is asked for alone.
bool look_fleets_retry(struct look *l)
{
    const struct aws_call *c = &l->fleets[0].call;
    if (c->state != AWS_CALL_FAILED || c->err.kind != ERR_NOT_FOUND)
        return false;
    const char **ids = fleet_ids(l);
    for (size_t i = 0; i < l->policy->fleet_count; i++)
        ec2_describe_spot_fleets(l->with, &ids[i], 1, &l->fleets[1 + i]);
    l->fleet_call_count = 1 + l->policy->fleet_count;
    return true;
}

static const struct ec2_spot_fleet *answered_fleet(const struct look *l, const char *id)
{
    for (size_t i = 0; i < l->fleet_call_count; i++)
        for (size_t j = 0; j < l->fleets[i].count; j++)
            if (strcmp(l->fleets[i].items[j].id, id) == 0)
                return &l->fleets[i].items[j];
    return NULL;
}

// A fleet that wants capacity and has no member by tag is asked for its list: not every emulator of EC2 tags members.
bool look_listed_ask(struct look *l)
{
    size_t count = l->policy->fleet_count;
    bool asked = false;
    l->listed = arena_array(l->a, struct ec2_fleet_members, count);
    for (size_t i = 0; i < count; i++) {
        const struct ec2_spot_fleet *s = answered_fleet(l, policy_fleet_name(&l->policy->fleets[i]));
        const struct ec2_instances *tagged = &l->fleet_members[i];
        if (!s || tagged->call.state != AWS_CALL_COMPLETE || tagged->count > 0 || (s->target == 0 && s->fulfilled_milli == 0))
            continue;
        ec2_describe_spot_fleet_instances(l->with, s->id, &l->listed[i]);
        asked = true;
    }
    return asked;
}

// The fleet that lists an instance without the tag, "" where none does.
static const char *listing_fleet(const struct look *l, const char *id)
{
    for (size_t i = 0; i < l->policy->fleet_count; i++)
        for (size_t j = 0; j < l->listed[i].count; j++)
            if (strcmp(l->listed[i].items[j].instance_id, id) == 0)
                return policy_fleet_name(&l->policy->fleets[i]);
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
    for (size_t i = 0; i < l->policy->fleet_count; i++)
        most += l->fleet_members[i].count + l->listed[i].count;
    strmap_init(&known, l->a, most);
    for (size_t i = 0; i < l->policy->fleet_count; i++)
        for (size_t j = 0; j < l->fleet_members[i].count; j++)
            strmap_put(&known, l->fleet_members[i].items[j].id, 1);
    const char **ids = arena_array(l->a, const char *, most);
    for (size_t i = 0; i < l->policy->fleet_count; i++)
        for (size_t j = 0; j < l->listed[i].count; j++)
            stray(&known, l->listed[i].items[j].instance_id, ids, &count);
    for (size_t i = 0; i < l->new->container_count; i++)
        stray(&known, l->new->containers[i].ec2_id, ids, &count);
    if (count > 0)
        ec2_describe_instances_by_id(l->with, ids, count, &l->strays);
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

static struct fact_ec2 ec2_fact(struct look *l, const struct ec2_instance *i, const struct fact_ec2 *old)
{
    int64_t now_ms = l->new->at_ms;
    struct fact_ec2 e = {
        .id = i->id, .type = i->type, .zone = i->zone, .subnet = i->subnet, .arch = i->arch,
        .fleet = aws_tag_get(&i->tags, "aws:ec2spot:fleet-request-id"), .mark = aws_tag_get(&i->tags, "masu:drain"),
        .state = ec2_state_of(i->state_code), .spot = strcmp(i->lifecycle, "spot") == 0,
        .forbidden = aws_tag_get(&i->tags, "masu:keep")[0] != '\0', .launched_ms = i->launched_ms,
        .interrupted = strcmp(i->state_reason, "Server.SpotInstanceTermination") == 0, .launch_template = template_of(l->a, &i->tags),
        .volume_attached = i->volume_attached, .ever_registered = old && old->ever_registered,
    };
    if (e.fleet[0] == '\0')
        e.fleet = listing_fleet(l, i->id);
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
    size_t asked = 0, answered = 0;
    const char *detail = "";
    size_t fleets = l->policy->fleet_count;
    for (size_t i = 0; i <= 2 * fleets; i++) {
        const struct aws_call *c = i < fleets ? &l->fleet_members[i].call : i < 2 * fleets ? &l->listed[i - fleets].call : &l->strays.call;
        if (c->state == AWS_CALL_NONE)
            continue;
        asked++;
        answered += c->state == AWS_CALL_COMPLETE;
        if (c->state != AWS_CALL_COMPLETE)
            detail = arena_strdup(l->a, c->err.msg);
        else if (c->answered_ms < oldest_ms)
            oldest_ms = c->answered_ms;
    }
    bool all = answered == asked;
    source_set(f, SOURCE_EC2_INSTANCES, all ? SOURCE_OK : answered > 0 ? SOURCE_PARTIAL : SOURCE_UNKNOWN,
               all && asked > 0 ? oldest_ms : kept_ms, detail);
    return all;
}

void look_ec2_take(struct look *l)
{
    struct facts *f = l->new;
    size_t old_count = l->old ? l->old->ec2_count : 0, most = old_count + l->strays.count;
    for (size_t i = 0; i < l->policy->fleet_count; i++)
        most += l->fleet_members[i].count;
    struct strmap old_map, seen;
    strmap_init(&old_map, l->a, old_count);
    strmap_init(&seen, l->a, most);
    for (size_t i = 0; i < old_count; i++)
        strmap_put(&old_map, l->old->ec2[i].id, (int)i);
    f->ec2 = arena_array(l->a, struct fact_ec2, most);
    for (size_t i = 0; i < l->policy->fleet_count; i++)
        take_answer(l, &l->fleet_members[i], &old_map, &seen);
    take_answer(l, &l->strays, &old_map, &seen);
    if (!source_from_members(l))
        for (size_t i = 0; i < old_count; i++)
            if (strmap_get(&seen, l->old->ec2[i].id) < 0)
                f->ec2[f->ec2_count++] = ec2_copy(l->a, &l->old->ec2[i]);
    for (size_t i = 0; i < f->container_count; i++) {
        int at = strmap_get(&seen, f->containers[i].ec2_id);
        if (at < 0)
            continue;
        gather_learn(l->g, &f->containers[i], &f->ec2[at]);
        gather_learn_pool(l->g, &f->containers[i], &f->ec2[at]);
        f->ec2[at].ever_registered = true;
    }
}

// ---- fleets ---------------------------------------------------------------------------------------------------------------

static enum fleet_state fleet_state_of(const char *text)
{
    for (int s = FLEET_SUBMITTED; s < FLEET_STATE_COUNT; s++)
        if (strcmp(text, fleet_state_name((enum fleet_state)s)) == 0)
            return (enum fleet_state)s;
    return FLEET_STATE_UNKNOWN;
}

static struct fact_fleet fleet_fact(const struct ec2_spot_fleet *s)
{
    return (struct fact_fleet){
        .id = s->id, .activity = s->activity, .allocation = s->allocation, .owner = aws_tag_get(&s->tags, "masu:owner"),
        .control = aws_tag_get(&s->tags, "masu:mode"), .last_error = "",
        .state = fleet_state_of(s->state), .found = true, .maintain = strcmp(s->type, "maintain") == 0,
        .target = s->target, .on_demand_target = s->on_demand_target,
        .fulfilled_milli = s->fulfilled_milli, .valid_until_ms = s->valid_until_ms,
        .overrides = s->overrides, .override_count = s->override_count,
    };
}

static struct fact_fleet fleet_copy(struct arena *a, const struct fact_fleet *old)
{
    struct fact_fleet f = *old;
    f.id = arena_strdup(a, old->id);
    f.activity = arena_strdup(a, old->activity);
    f.allocation = arena_strdup(a, old->allocation);
    f.owner = arena_strdup(a, old->owner);
    f.control = arena_strdup(a, old->control);
    f.last_error = arena_strdup(a, old->last_error);
    struct ec2_fleet_override *overrides = arena_array(a, struct ec2_fleet_override, old->override_count);
    for (size_t i = 0; i < old->override_count; i++) {
        overrides[i] = old->overrides[i];
        overrides[i].type = arena_strdup(a, old->overrides[i].type);
        overrides[i].subnet = arena_strdup(a, old->overrides[i].subnet);
        overrides[i].zone = arena_strdup(a, old->overrides[i].zone);
        overrides[i].launch_template = arena_strdup(a, old->overrides[i].launch_template);
    }
    f.overrides = overrides;
    return f;
}

// Does AWS say that it does not know the fleet (rather than not answering)?
static bool fleet_denied(const struct look *l, size_t index)
{
    const struct aws_call *c = l->fleet_call_count > 1 ? &l->fleets[1 + index].call : &l->fleets[0].call;
    return c->state == AWS_CALL_COMPLETE || (l->fleet_call_count > 1 && c->err.kind == ERR_NOT_FOUND);
}

static const struct fact_fleet *old_fleet(const struct look *l, const char *id)
{
    for (size_t i = 0; l->old && i < l->old->fleet_count; i++)
        if (strcmp(l->old->fleets[i].id, id) == 0)
            return &l->old->fleets[i];
    return NULL;
}

static void keep_history(struct fact_fleet *f, const struct fact_fleet *old)
{
    f->last_error = old->last_error;
    f->last_error_ms = old->last_error_ms;
    f->history_ms = old->history_ms;
    f->trouble_since_ms = old->trouble_since_ms;
}

void look_fleets_take(struct look *l)
{
    struct facts *f = l->new;
    f->fleet_count = l->policy->fleet_count;
    f->fleets = arena_array(l->a, struct fact_fleet, f->fleet_count);
    bool alone = l->fleet_call_count > 1;
    const struct aws_call *worst = alone ? NULL : &l->fleets[0].call;
    for (size_t i = 0; i < f->fleet_count; i++) {
        const char *id = policy_fleet_name(&l->policy->fleets[i]);
        const struct ec2_spot_fleet *s = answered_fleet(l, id);
        const struct fact_fleet *old = old_fleet(l, id);
        struct fact_fleet told = s ? fleet_fact(s) : (struct fact_fleet){.id = ""};
        if (s && old)
            keep_history(&told, old);
        const char *claimed = gather_written_owner(l->g, id, f->at_ms);
        if (s && told.owner[0] == '\0' && claimed)
            told.owner = claimed;
        if (s)
            f->fleets[i] = fleet_copy(l->a, &told);  // the answer may be the region's, which lives shorter
        else if (!fleet_denied(l, i) && old)
            f->fleets[i] = fleet_copy(l->a, old);
        else
            f->fleets[i] = (struct fact_fleet){.id = arena_strdup(l->a, id), .activity = "", .allocation = "", .owner = "",
                                               .control = "", .last_error = ""};
        const struct aws_call *c = alone ? &l->fleets[1 + i].call : NULL;
        if (c && c->err.kind != ERR_NOT_FOUND && (worst == NULL || c->state != AWS_CALL_COMPLETE))
            worst = c;
    }
    if (worst)
        source_from_call(l, SOURCE_FLEETS, worst);
    else
        source_set(f, SOURCE_FLEETS, SOURCE_OK, f->at_ms, "");  // that AWS knows none of them is an answer, too
}
