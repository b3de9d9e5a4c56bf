// The fleets of the policy, by id or by tag: which they are in this look, and what AWS says of them.
//
// A fleet that the policy names by id is one row of the look from the beginning. One that it names by a tag becomes as many rows as
// there are: the one active fleet that carries the tag, and those that carried it before a deploy and still have members.
#include "base/check.h"
#include "scaler/gather_internal.h"
#include "scaler/gather_zones.h"

// ---- ask ------------------------------------------------------------------------------------------------------------------

static void describe(enum fleet_api api, struct aws_with w, const char *const *ids, size_t count, struct ec2_spot_fleets *ret)
{
    if (api == API_EC2_FLEET)
        ec2_describe_ec2_fleets(w, ids, count, ret);
    else
        ec2_describe_spot_fleets(w, ids, count, ret);
}

static bool has_api(enum fleet_kind k)
{
    return k == FLEET_SPOT_FLEET || k == FLEET_EC2_FLEET;
}

static enum fleet_api api_of(enum fleet_kind k)
{
    return k == FLEET_EC2_FLEET ? API_EC2_FLEET : API_SPOT_FLEET;
}

// Every fleet of the region's clusters, so that one describe serves all that look within the next seconds: the bucket of
// DescribeSpotFleetRequests refills by 3 a second, which forty clusters with a call each would drain.
static void note_id(struct region *r, enum fleet_kind kind, const char *id)
{
    struct region_fleets *f = &r->fleets[api_of(kind)];
    for (size_t k = 0; k < f->id_count; k++)
        if (strcmp(f->ids[k], id) == 0)
            return;
    f->ids = arena_grow(&r->kept, f->ids, f->id_count, &f->id_cap, sizeof *f->ids);
    f->ids[f->id_count++] = arena_strdup(&r->kept, id);
    f->stale = true;
}

static void ask_api(struct look *l, enum fleet_api api)
{
    struct region_fleets *f = &l->region->fleets[api];
    const struct ec2_spot_fleets *newest = &f->answers[f->turn];
    if (l->new->at_ms < f->alone_until_ms && !f->all)
        return;  // each is asked for alone
    if (!f->stale && newest->call.state == AWS_CALL_COMPLETE && l->new->at_ms - newest->call.answered_ms < FLEETS_SHARED_MS) {
        l->fleets[api] = *newest;
        return;
    }
    struct aws_with with = l->with;
    with.arena = &f->arenas[f->turn ^ 1];
    arena_reset(with.arena);
    describe(api, with, f->ids, f->all ? 0 : f->id_count, &f->answers[f->turn ^ 1]);
    l->fleets_asked[api] = true;
}

static struct look_fleet *add_row(struct look *l, const struct policy_fleet *p, const char *id, enum fleet_kind kind)
{
    struct look_fleet *x = &l->rows[l->row_count++];
    assert(l->row_count <= l->policy->fleet_count * FLEETS_OF_TAG_MAX);
    *x = (struct look_fleet){.policy = p, .id = arena_strdup(l->a, id), .kind = kind, .unfound = ""};
    return x;
}

static void ask_alone(struct look *l, enum fleet_api api)
{
    for (size_t i = 0; i < l->row_count; i++)
        if (has_api(l->rows[i].kind) && api_of(l->rows[i].kind) == api)
            describe(api, l->with, &l->rows[i].id, 1, &l->rows[i].alone);
    l->fleets_alone[api] = true;
}

void look_fleets_ask(struct look *l)
{
    bool used[API_FLEET_COUNT] = {false};
    l->rows = arena_array(l->a, struct look_fleet, l->policy->fleet_count * FLEETS_OF_TAG_MAX + 1);
    for (size_t i = 0; i < l->policy->fleet_count; i++) {
        const struct policy_fleet *p = &l->policy->fleets[i];
        enum fleet_kind kind = policy_fleet_kind(p);
        bool by_tag = kind == FLEET_KIND_COUNT;
        for (int api = 0; api < API_FLEET_COUNT; api++) {
            used[api] |= by_tag || (has_api(kind) && api_of(kind) == (enum fleet_api)api);
            l->region->fleets[api].stale |= by_tag && !l->region->fleets[api].all;
            l->region->fleets[api].all |= by_tag;
        }
        if (by_tag)
            continue;
        if (kind == FLEET_GROUP) {
            look_group_ask(l, add_row(l, p, p->group, kind));
            continue;
        }
        if (kind == FLEET_INSTANT) {
            look_instant_ask(l, add_row(l, p, look_instant_id(l, p), kind));
            continue;
        }
        note_id(l->region, kind, p->id);
        look_members_ask(l, add_row(l, p, p->id, kind));
    }
    for (int api = 0; api < API_FLEET_COUNT; api++) {
        if (!used[api])
            continue;
        ask_api(l, (enum fleet_api)api);
        if (!l->fleets_asked[api] && l->fleets[api].call.state == AWS_CALL_NONE)
            ask_alone(l, (enum fleet_api)api);
    }
}

void look_fleets_share(struct look *l)
{
    for (int api = 0; api < API_FLEET_COUNT; api++) {
        struct region_fleets *f = &l->region->fleets[api];
        if (!l->fleets_asked[api])
            continue;
        l->fleets[api] = f->answers[f->turn ^ 1];
        if (l->fleets[api].call.state == AWS_CALL_COMPLETE) {
            f->turn ^= 1;
            f->stale = false;
        } else if (l->fleets[api].call.err.kind == ERR_NOT_FOUND) {
            f->alone_until_ms = l->new->at_ms + RETRY_MS;
        }
    }
}

// One unknown id fails the whole call: then each fleet is asked for alone.
bool look_fleets_retry(struct look *l)
{
    bool asked = false;
    for (int api = 0; api < API_FLEET_COUNT; api++) {
        const struct aws_call *c = &l->fleets[api].call;
        if (c->state != AWS_CALL_FAILED || c->err.kind != ERR_NOT_FOUND)
            continue;
        ask_alone(l, (enum fleet_api)api);
        asked = true;
    }
    return asked;
}

// ---- which they are -------------------------------------------------------------------------------------------------------

enum fleet_state gather_fleet_state(const char *text)
{
    static const struct { const char *text; enum fleet_state state; } EC2_FLEET[] = {
        {"deleted", FLEET_CANCELLED}, {"deleted_running", FLEET_CANCELLED_RUNNING}, {"deleted_terminating", FLEET_CANCELLED_TERMINATING},
    };
    for (int s = FLEET_SUBMITTED; s < FLEET_STATE_COUNT; s++)
        if (strcmp(text, fleet_state_name((enum fleet_state)s)) == 0)
            return (enum fleet_state)s;
    for (size_t i = 0; i < ARRAY_LEN(EC2_FLEET); i++)
        if (strcmp(text, EC2_FLEET[i].text) == 0)
            return EC2_FLEET[i].state;
    return FLEET_STATE_UNKNOWN;
}

static const struct ec2_spot_fleet *told_in(const struct ec2_spot_fleets *in, const char *id)
{
    for (size_t i = 0; i < in->count; i++)
        if (strcmp(in->items[i].id, id) == 0)
            return &in->items[i];
    return NULL;
}

static const struct fact_fleet *old_fleet(const struct look *l, const char *id)
{
    for (size_t i = 0; l->old && i < l->old->fleet_count; i++)
        if (strcmp(l->old->fleets[i].id, id) == 0)
            return &l->old->fleets[i];
    return NULL;
}

static void ask_members(struct look *l, struct look_fleet *x)
{
    note_id(l->region, x->kind, x->id);
    look_members_ask(l, x);
}

static bool carries(const struct ec2_spot_fleet *f, const char *tag)
{
    const char *equals = strchr(tag, '=');
    size_t n = equals ? (size_t)(equals - tag) : 0;
    for (size_t i = 0; equals && i < f->tags.count; i++)
        if (strlen(f->tags.items[i].key) == n && strncmp(f->tags.items[i].key, tag, n) == 0 && strcmp(f->tags.items[i].value, equals + 1) == 0)
            return true;
    return false;
}

// As it was, where AWS does not say now: an answer that failed is no answer that there is none.
static void keep_rows(struct look *l, const struct policy_fleet *p)
{
    size_t before = l->row_count;
    for (size_t i = 0; l->old && i < l->old->fleet_count && l->row_count - before < FLEETS_OF_TAG_MAX; i++) {
        const struct fact_fleet *f = &l->old->fleets[i];
        if (strcmp(f->name, p->tag) != 0)
            continue;
        struct look_fleet *x = add_row(l, p, f->id, f->kind);
        x->kept = f;
        if (f->found)
            ask_members(l, x);
    }
    if (l->row_count == before)
        add_row(l, p, p->tag, FLEET_SPOT_FLEET)->unfound = "which fleet carries it is not known yet";
}

// The one that is active, and those that still have members; when it is not one, what there is, in words.
static void resolve_tag(struct look *l, const struct policy_fleet *p)
{
    const char *active = "";
    size_t before = l->row_count++, count = 0;  // the active one's place is before the old ones'
    for (int api = 0; api < API_FLEET_COUNT; api++)
        for (size_t i = 0; i < l->fleets[api].count; i++) {
            const struct ec2_spot_fleet *f = &l->fleets[api].items[i];
            enum fleet_state state = gather_fleet_state(f->state);
            enum fleet_kind kind = api == API_EC2_FLEET ? FLEET_EC2_FLEET : FLEET_SPOT_FLEET;
            if (!carries(f, p->tag) || state == FLEET_CANCELLED || state == FLEET_FAILED)
                continue;
            if (state != FLEET_CANCELLED_RUNNING && state != FLEET_CANCELLED_TERMINATING) {
                active = arena_printf(l->a, "%s%s%s", active, count++ > 0 ? ", " : "", f->id);
                l->rows[before] = (struct look_fleet){.policy = p, .id = arena_strdup(l->a, f->id), .kind = kind, .told = f, .unfound = ""};
            } else if (l->row_count - before < FLEETS_OF_TAG_MAX) {
                struct look_fleet *x = add_row(l, p, f->id, kind);
                x->told = f;
                ask_members(l, x);
            }
        }
    if (count == 1) {
        ask_members(l, &l->rows[before]);
        return;
    }
    l->rows[before] = (struct look_fleet){
        .policy = p, .id = arena_strdup(l->a, p->tag), .kind = FLEET_SPOT_FLEET,
        .unfound = count == 0 ? arena_printf(l->a, "no active fleet carries the tag %s", p->tag)
                              : arena_printf(l->a, "%zu active fleets carry the tag %s: %s", count, p->tag, active)};
}

static bool asked_alone(const struct look *l, const struct look_fleet *x)
{
    return !has_api(x->kind) || l->fleets_alone[api_of(x->kind)];
}

// A fleet that wants capacity and has no member by tag is asked for its list: not every emulator of EC2 tags members.
static bool ask_list(struct look *l, struct look_fleet *x)
{
    if (!x->told || x->members.call.state != AWS_CALL_COMPLETE || x->members.count > 0 || (x->told->target == 0 && x->told->fulfilled_milli == 0))
        return false;
    if (x->kind == FLEET_EC2_FLEET)
        ec2_describe_ec2_fleet_members(l->with, x->id, &x->listed);
    else
        ec2_describe_spot_fleet_instances(l->with, x->id, &x->listed);
    return true;
}

bool look_fleets_resolve(struct look *l)
{
    bool asked = false, whole = true;
    for (size_t i = 0; i < l->row_count; i++) {
        struct look_fleet *x = &l->rows[i];
        x->told = told_in(asked_alone(l, x) ? &x->alone : &l->fleets[api_of(x->kind)], x->id);
        x->kept = old_fleet(l, x->id);
        asked |= x->kind == FLEET_GROUP ? look_group_more(l, x) : ask_list(l, x);
    }
    for (int api = 0; api < API_FLEET_COUNT; api++)
        whole &= l->fleets[api].call.state == AWS_CALL_COMPLETE;
    for (size_t i = 0; i < l->policy->fleet_count; i++) {
        const struct policy_fleet *p = &l->policy->fleets[i];
        if (policy_fleet_kind(p) != FLEET_KIND_COUNT)
            continue;
        asked = true;
        if (whole)
            resolve_tag(l, p);
        else
            keep_rows(l, p);
    }
    return asked;
}

// ---- take -----------------------------------------------------------------------------------------------------------------

static struct fact_fleet fleet_fact(const struct ec2_spot_fleet *s)
{
    return (struct fact_fleet){
        .id = s->id, .activity = s->activity, .allocation = s->allocation, .owner = aws_tag_get(&s->tags, "masu:owner"),
        .control = aws_tag_get(&s->tags, "masu:mode"), .last_error = "", .name = "", .unfound = "", .rebalance = s->rebalance,
        .state = gather_fleet_state(s->state), .found = true, .maintain = strcmp(s->type, "maintain") == 0,
        .ends_with_expiration = s->terminate_with_expiration, .rebalance_delay_ms = s->rebalance_delay_s * 1000,
        .target = s->target, .on_demand_target = s->on_demand_target,
        .fulfilled_milli = s->fulfilled_milli, .valid_until_ms = s->valid_until_ms,
        .overrides = s->overrides, .override_count = s->override_count,
    };
}

static struct fact_fleet fleet_copy(struct arena *a, const struct fact_fleet *old)
{
    struct fact_fleet f = *old;
    f.id = arena_strdup(a, old->id);
    f.name = arena_strdup(a, old->name);
    f.unfound = arena_strdup(a, old->unfound);
    f.activity = arena_strdup(a, old->activity);
    f.allocation = arena_strdup(a, old->allocation);
    f.rebalance = arena_strdup(a, old->rebalance);
    f.owner = arena_strdup(a, old->owner);
    f.control = arena_strdup(a, old->control);
    f.last_error = arena_strdup(a, old->last_error);
    f.group.scaler = arena_strdup(a, old->group.scaler);
    f.group.hook = arena_strdup(a, old->group.hook);
    struct ec2_fleet_override *overrides = arena_array(a, struct ec2_fleet_override, old->override_count);
    for (size_t i = 0; i < old->override_count; i++) {
        overrides[i] = old->overrides[i];
        overrides[i].type = arena_strdup(a, old->overrides[i].type);
        overrides[i].subnet = arena_strdup(a, old->overrides[i].subnet);
        overrides[i].zone = arena_strdup(a, old->overrides[i].zone);
        overrides[i].launch_template = arena_strdup(a, old->overrides[i].launch_template);
        if (old->overrides[i].rules)
            overrides[i].rules = type_rules_copy(a, old->overrides[i].rules);
    }
    f.overrides = overrides;
    return f;
}

static void keep_history(struct fact_fleet *f, const struct fact_fleet *old)
{
    f->last_error = old->last_error;
    f->last_error_ms = old->last_error_ms;
    memcpy(f->refusals, old->refusals, sizeof f->refusals);
    f->refusal_count = old->refusal_count;
    f->capacity_error_ms = old->capacity_error_ms;
    f->history_ms = old->history_ms;
    f->trouble_since_ms = old->trouble_since_ms;
}

// Does AWS say that it does not know the fleet (rather than not answering)?
static bool unknown_to_aws(const struct look *l, const struct look_fleet *x)
{
    if (x->unfound[0])
        return true;
    const struct aws_call *c = asked_alone(l, x) ? &x->alone.call : &l->fleets[api_of(x->kind)].call;
    return c->state == AWS_CALL_COMPLETE || (asked_alone(l, x) && c->err.kind == ERR_NOT_FOUND);
}

static struct fact_fleet take_row(struct look *l, struct look_fleet *x)
{
    const char *name = policy_fleet_name(x->policy);
    if (x->kind == FLEET_INSTANT)
        return look_instant_fact(l, x);
    if (!x->told && !unknown_to_aws(l, x) && x->kept)
        return fleet_copy(l->a, x->kept);
    if (!x->told)
        return (struct fact_fleet){.id = arena_strdup(l->a, x->id), .name = arena_strdup(l->a, name), .kind = x->kind, .activity = "",
                                   .allocation = "", .owner = "", .control = "", .last_error = "", .rebalance = "", .unfound = x->unfound,
                                   .group = {.scaler = "", .hook = ""}};
    struct fact_fleet told = fleet_fact(x->told);
    const struct fact_fleet *old = old_fleet(l, x->id);
    told.name = name;
    told.kind = x->kind;
    told.group = look_group_fact(l, x);
    if (old)
        keep_history(&told, old);
    const char *claimed = gather_written_owner(l->g, x->id, l->new->at_ms);
    if (told.owner[0] == '\0' && claimed)
        told.owner = claimed;
    return fleet_copy(l->a, &told);  // the answer may be the region's, which lives shorter
}

static void worse(const struct aws_call **worst, const struct aws_call *c)
{
    bool told = c->state == AWS_CALL_COMPLETE || c->err.kind == ERR_NOT_FOUND;
    if (c->state != AWS_CALL_NONE && (*worst == NULL || !told || ((*worst)->state == AWS_CALL_COMPLETE && c->answered_ms < (*worst)->answered_ms)))
        *worst = c;
}

void look_fleets_take(struct look *l)
{
    struct facts *f = l->new;
    const struct aws_call *worst = NULL;
    f->fleet_count = l->row_count;
    f->fleets = arena_array(l->a, struct fact_fleet, f->fleet_count);
    for (size_t i = 0; i < f->fleet_count; i++) {
        f->fleets[i] = take_row(l, &l->rows[i]);
        if (l->rows[i].alone.call.err.kind != ERR_NOT_FOUND)
            worse(&worst, &l->rows[i].alone.call);
    }
    for (int api = 0; api < API_FLEET_COUNT; api++)
        if (!l->fleets_alone[api])
            worse(&worst, &l->fleets[api].call);
    if (worst)
        source_from_call(l, SOURCE_FLEETS, worst);
    else
        source_set(f, SOURCE_FLEETS, SOURCE_OK, f->at_ms, "");  // that AWS knows none of them is an answer, too
}
