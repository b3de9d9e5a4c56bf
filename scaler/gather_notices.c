// Notices of a region: what AWS takes back, or may soon, by the queue's events and by the poll of spot requests; and the snapshot of
// a cluster that has only these new.
#include "scaler/gather_notices.h"

#include "base/check.h"
#include "base/parse.h"
#include "scaler/execute_fleet.h"
#include "scaler/gather_internal.h"

#define KEPT_MS 600000        // a notice that was told by an event; the instance is gone long before
#define SAME_MS 150000        // no notice is longer before its end (120 s): a later one is of another life under the same id
#define RISK_KEPT_MS 7200000  // a warning that nothing came of
#define EXTRA_MS 2000         // clocks of AWS and EC2 agree about so well

// ---- what is known --------------------------------------------------------------------------------------------------------

static struct spot_notice *find(struct region *r, const char *instance)
{
    for (size_t i = 0; i < r->notice_count; i++)
        if (strcmp(r->notices[i].instance, instance) == 0)
            return &r->notices[i];
    return NULL;
}

static void forget_old(struct region *r, int64_t now_ms)
{
    size_t kept = 0;
    for (size_t i = 0; i < r->notice_count; i++)
    {
        const struct spot_notice *x = &r->notices[i];
        bool risk = x->at_ms == 0 && (now_ms - x->heard_ms < RISK_KEPT_MS || now_ms < x->event_ms + KEPT_MS);
        if (x->polled || risk || now_ms - x->heard_ms < KEPT_MS)
            r->notices[kept++] = *x;
    }
    r->notice_count = kept;
}

// Room for one more: when all is taken, the place of the oldest that only the poll told of, which tells of it again. NULL: there is none.
static struct spot_notice *new_place(struct region *r, const struct notice_fact *n)
{
    struct spot_notice *oldest = NULL;
    if (r->notice_count == NOTICES_MAX)
        forget_old(r, n->heard_ms);
    if (r->notice_count < NOTICES_MAX)
        return &r->notices[r->notice_count++];
    for (size_t i = 0; i < r->notice_count; i++)
        if (!r->notices[i].told && (oldest == NULL || r->notices[i].at_ms < oldest->at_ms))
            oldest = &r->notices[i];
    return oldest && n->polled && oldest->at_ms >= n->at_ms ? NULL : oldest;
}

bool region_notice_add(struct region *r, const char *instance, const struct notice_fact *n)
{
    struct spot_notice *x = find(r, instance);
    if (strlen(instance) >= sizeof x->instance)
        return false;
    if (x == NULL) {
        x = new_place(r, n);
        if (x == NULL)
            return false;
        *x = (struct spot_notice){.heard_ms = n->heard_ms};
        snprintf(x->instance, sizeof x->instance, "%s", instance);
    }
    x->told |= !n->polled;
    bool first = n->risk ? x->risk_ms == 0 || (n->event_ms > 0 && n->event_ms != x->event_ms) : x->at_ms == 0 || n->at_ms > x->at_ms + SAME_MS;
    x->polled |= n->polled;
    x->heard_ms = n->heard_ms;
    if (n->risk && n->event_ms > 0)
        x->event_ms = n->event_ms;
    if (n->risk)
        x->only_event = n->event_ms > 0 && (x->only_event || x->risk_ms == 0);
    if (n->risk)
        x->risk_ms = x->risk_ms == 0 ? n->at_ms : x->risk_ms;
    else if (first || n->at_ms < x->at_ms)  // of two that tell of the same, the earlier is right
        x->at_ms = n->at_ms;
    return first;
}

// A notice of before the launch was about another life under the same id (safety.md D4).
static int64_t of_this_life(int64_t at_ms, int64_t launched_ms)
{
    return at_ms > 0 && at_ms + EXTRA_MS >= launched_ms ? at_ms : 0;
}

static const struct spot_notice *found(const struct region *r, const char *instance)
{
    for (size_t i = 0; i < r->notice_count; i++)
        if (strcmp(r->notices[i].instance, instance) == 0)
            return &r->notices[i];
    return NULL;
}

bool region_notice_known(const struct region *r, const char *instance)
{
    return found(r, instance) != NULL;
}

int64_t region_notice_ms(const struct region *r, const char *instance, int64_t launched_ms)
{
    const struct spot_notice *x = found(r, instance);
    return x ? of_this_life(x->at_ms, launched_ms) : 0;
}

int64_t region_risk_ms(const struct region *r, const char *instance, int64_t launched_ms)
{
    const struct spot_notice *x = found(r, instance);
    return x ? of_this_life(x->risk_ms, launched_ms) : 0;
}

int64_t region_event_ms(const struct region *r, const char *instance, int64_t launched_ms)
{
    const struct spot_notice *x = found(r, instance);
    return x && of_this_life(x->risk_ms, launched_ms) ? x->event_ms : 0;
}

size_t region_notices_polled(struct region *r, const struct ec2_spot_requests *told, int64_t now_ms, const char **ret_new, size_t max)
{
    size_t n = 0;
    for (size_t i = 0; i < r->notice_count; i++)
        r->notices[i].polled = false;
    for (size_t i = 0; i < told->count; i++) {
        const struct ec2_spot_request *x = &told->items[i];
        struct notice_fact fact = {.at_ms = x->status_ms > 0 && x->status_ms <= now_ms ? x->status_ms : now_ms, .heard_ms = now_ms, .polled = true};
        const struct spot_notice *known = x->instance[0] ? find(r, x->instance) : NULL;
        if (known && known->at_ms && (x->status_ms <= 0 || fact.at_ms <= known->at_ms + SAME_MS))
            fact.at_ms = known->at_ms;
        if (!known && now_ms - fact.at_ms > KEPT_MS)
            continue;  // the whole region's requests are told of, for as long as EC2 remembers them
        if (x->instance[0] && region_notice_add(r, x->instance, &fact) && n < max)
            ret_new[n++] = x->instance;
    }
    forget_old(r, now_ms);
    return n;
}

// ---- events of EC2 --------------------------------------------------------------------------------------------------------

static bool has_instance(const struct facts *f, const char *instance)
{
    for (size_t i = 0; f && i < f->ec2_count; i++)
        if (strcmp(f->ec2[i].id, instance) == 0)
            return true;
    return false;
}

static bool of_a_cluster(const struct look *l, const char *instance)
{
    bool found = has_instance(l->new, instance);
    for (const struct gather *g = l->region->gathers; g && !found; g = g->next)
        found = has_instance(g->facts[g->turn], instance);
    return found;
}

static void call_off(struct spot_notice *x)
{
    x->event_ms = 0;
    x->risk_ms = x->only_event ? 0 : x->risk_ms;
    x->only_event = false;
}

void look_events_take(struct look *l)
{
    struct region *r = l->region;
    int64_t now_ms = l->new->at_ms;
    const char **before = arena_array(l->a, const char *, r->notice_count);
    size_t count = 0;
    for (size_t i = 0; i < r->notice_count; i++) {
        if (r->notices[i].scheduled)
            before[count++] = arena_strdup(l->a, r->notices[i].instance);
        r->notices[i].scheduled = false;
    }
    for (size_t i = 0; i < l->scheduled.count; i++) {
        const struct ec2_scheduled_event *e = &l->scheduled.items[i];
        struct spot_notice *x = find(r, e->instance);
        int64_t starts_ms = e->starts_ms > 0 ? e->starts_ms : now_ms;  // no time told: at any
        if (!of_a_cluster(l, e->instance) || (x && x->scheduled && x->event_ms <= starts_ms))
            continue;
        region_notice_add(r, e->instance, &(struct notice_fact){.at_ms = now_ms, .heard_ms = now_ms, .event_ms = starts_ms, .risk = true});
        x = find(r, e->instance);
        if (x)
            x->scheduled = true;
    }
    for (size_t i = 0; i < count; i++) {
        struct spot_notice *x = find(r, before[i]);
        if (x && !x->scheduled)
            call_off(x);
    }
}

// ---- the poll of spot requests --------------------------------------------------------------------------------------------

void region_notices_ask(struct region *r, int64_t now_ms)
{
    struct slow_read *s = &r->slow[SLOW_NOTICES];
    if (r->polling || now_ms < s->next_ms || now_ms < r->polled_ms + NOTICES_EVERY_MS)
        return;
    arena_reset(&r->poll_arena);
    r->polling = true;
    r->polled_ms = now_ms;
    ec2_describe_interrupted((struct aws_with){.aws = r->aws, .arena = &r->poll_arena, .urgent = true, .lane = AWS_LANE_WAIT}, &r->poll);
}

bool region_notices_take(struct region *r, int64_t now_ms, const char **ret_new, size_t max, size_t *ret_count)
{
    *ret_count = 0;
    if (!r->polling || r->poll.call.state == AWS_CALL_OPEN)
        return false;
    r->polling = false;
    bool good = region_slow_settle(r, SLOW_NOTICES, &r->poll.call, NOTICES_EVERY_MS, now_ms);
    if (good)
        *ret_count = region_notices_polled(r, &r->poll, now_ms, ret_new, max);
    return good;
}

int64_t region_notices_due_ms(const struct region *r)
{
    int64_t due_ms = r->polled_ms + NOTICES_EVERY_MS;
    return r->polling ? INT64_MAX : due_ms > r->slow[SLOW_NOTICES].next_ms ? due_ms : r->slow[SLOW_NOTICES].next_ms;
}

// ---- the last look with what came since -----------------------------------------------------------------------------------

static bool written_since(const struct gather *g, enum action_kind kind, const char *target, int64_t since_ms)
{
    for (size_t i = 0; i < g->write_count; i++)
        if (g->writes[i].kind == kind && g->writes[i].at_ms >= since_ms && strcmp(g->writes[i].target, target) == 0)
            return true;
    return false;
}

// DRAIN or UNDRAIN, whichever was written last since then; ACTION_COUNT: neither.
static enum action_kind drain_written_since(const struct gather *g, const char *instance, int64_t since_ms)
{
    for (size_t i = g->write_count; i-- > 0 && g->writes[i].at_ms >= since_ms;)
        if ((g->writes[i].kind == ACTION_DRAIN || g->writes[i].kind == ACTION_UNDRAIN) && strcmp(g->writes[i].target, instance) == 0)
            return g->writes[i].kind;
    return ACTION_COUNT;
}

// A look tells what held at its begin: what was written while it went on may be missing in it, as after it.
static int64_t begin_of(const struct snapshot *last)
{
    static const enum source_kind of_instances[] = {SOURCE_CONTAINER_INSTANCES, SOURCE_EC2_INSTANCES, SOURCE_FLEETS};
    int64_t begun_ms = last->now_ms;
    for (size_t k = 0; k < ARRAY_LEN(of_instances); k++)
        begun_ms = last->sources[of_instances[k]].read_ms < begun_ms ? last->sources[of_instances[k]].read_ms : begun_ms;
    return begun_ms;
}

static void update_instance(const struct gather *g, struct instance *i, int64_t since_ms)
{
    const struct region *r = g->region;
    int64_t notice_ms = region_notice_ms(r, i->id, i->launched_ms), risk_ms = region_risk_ms(r, i->id, i->launched_ms);
    i->notice_ms = notice_ms ? notice_ms : i->notice_ms;
    i->rebalance_ms = risk_ms ? risk_ms : i->rebalance_ms;
    i->event_ms = risk_ms ? region_event_ms(r, i->id, i->launched_ms) : i->event_ms;
    enum action_kind written = drain_written_since(g, i->id, since_ms);
    if (written == ACTION_DRAIN && i->ecs == ECS_ACTIVE)
        i->ecs = ECS_DRAINING;
    else if (written == ACTION_UNDRAIN && i->ecs == ECS_DRAINING)
        i->ecs = ECS_ACTIVE;
    if (written_since(g, ACTION_TERMINATE, i->id, since_ms) && i->ec2 == EC2_RUNNING)
        i->ec2 = EC2_SHUTTING_DOWN;
    const char *mark = gather_written_mark(g, i->id, clock_wall_ms(g->clock));
    if (mark)
        i->mark = mark;
}

// A fleet whose target we changed takes no other before it is active again, which only a look at it tells.
static void update_fleets(struct gather *g, const struct snapshot *last, int64_t since_ms, bool fresh, enum aws_lane lane, struct arena *a, struct snapshot *s)
{
    struct ec2_spot_fleets *told = arena_array(a, struct ec2_spot_fleets, s->fleet_count);
    struct aws_with w = {.aws = g->region->aws, .arena = a, .urgent = true, .lane = lane};
    s->fleets = arena_array(a, struct fleet, s->fleet_count);
    memcpy(s->fleets, last->fleets, s->fleet_count * sizeof *s->fleets);
    for (size_t f = 0; f < s->fleet_count; f++) {
        bool changed = written_since(g, ACTION_SET_TARGET, s->fleets[f].id, since_ms);
        if (changed && s->fleets[f].state == FLEET_ACTIVE)
            s->fleets[f].state = FLEET_MODIFYING;
        if (fresh && s->fleets[f].state == FLEET_MODIFYING)
            fleet_read(w, &s->fleets[f], &told[f]);
    }
    aws_run_lane(g->region->clients, lane, clock_wall_ms(g->clock) + NOTICE_READ_MS);
    for (size_t f = 0; f < s->fleet_count; f++)
        if (told[f].count == 1 && strcmp(told[f].items[0].id, s->fleets[f].id) == 0) {
            s->fleets[f].state = gather_fleet_state(told[f].items[0].state);
            s->fleets[f].target = told[f].items[0].target;
            s->fleets[f].fulfilled_milli = told[f].items[0].fulfilled_milli;
        }
}

void gather_notice_snapshot(struct gather *g, const struct snapshot *last, bool fresh_fleets, enum aws_lane lane, struct arena *a, struct snapshot *ret)
{
    char age[32];
    int64_t since_ms = begin_of(last);
    *ret = *last;
    update_fleets(g, last, since_ms, fresh_fleets, lane, a, ret);
    ret->now_ms = clock_wall_ms(g->clock);
    ret->instances = arena_array(a, struct instance, last->instance_count);
    memcpy(ret->instances, last->instances, last->instance_count * sizeof *ret->instances);
    for (size_t i = 0; i < ret->instance_count; i++)
        update_instance(g, &ret->instances[i], since_ms);
    // Nothing is removed by what was seen before: a source that is known in part says so.
    struct source *s = &ret->sources[SOURCE_SERVICES];
    if (s->state == SOURCE_OK)
        *s = (struct source){SOURCE_PARTIAL, s->read_ms, arena_printf(a, "planned for a notice, by the look of %s ago",
                                                                      format_duration(ret->now_ms - last->now_ms, age))};
}
