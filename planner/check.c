#include "planner/check.h"

#include <assert.h>
#include <string.h>

#include "planner/alert.h"
#include "planner/explain.h"

// ---- the snapshot's own rules ---------------------------------------------------------------------------------------------
#define SOURCE_LOST_MS (5 * 60 * 1000)  // before a source that is not read is told
#define MEMBERS_COMPARE_MS (5 * 60 * 1000)  // two looks further apart are not held against each other
#define TROUBLE_HOLD_MS (15 * 60 * 1000)  // D8: after it is over
#define MEMBERS_HOLD_MS (15 * 60 * 1000)    // D8: what comes back settles first

static bool in_range(int index, size_t count)
{
    return index >= -1 && index < (int)count;
}

static int check_services(const struct snapshot *s, struct err *err)
{
    for (size_t k = 0; k < s->service_count; k++) {
        const struct service *x = &s->services[k];
        if (!in_range(x->primary, x->deployment_count))
            return err_set(err, ERR_INVALID, "service %s: primary %d of %zu deployments", x->name, x->primary, x->deployment_count);
        if (x->desired < 0 || x->running < 0 || x->pending < 0)
            return err_set(err, ERR_INVALID, "service %s: a negative count", x->name);
        for (size_t n = 0; n < x->deployment_count; n++)
            if (!in_range(x->deployments[n].shape, s->shape_count))
                return err_set(err, ERR_INVALID, "service %s: shape %d of %zu", x->name, x->deployments[n].shape, s->shape_count);
    }
    return 0;
}

static int check_instances(const struct snapshot *s, struct err *err)
{
    for (size_t i = 0; i < s->instance_count; i++) {
        const struct instance *x = &s->instances[i];
        if (!in_range(x->fleet, s->fleet_count))
            return err_set(err, ERR_INVALID, "instance %s: fleet %d of %zu", x->id, x->fleet, s->fleet_count);
        if (x->weight_milli <= 0)
            return err_set(err, ERR_INVALID, "instance %s: weight %lld", x->id, (long long)x->weight_milli);
        if (i > 0 && strcmp(s->instances[i - 1].id, x->id) >= 0)
            return err_set(err, ERR_INVALID, "instance %s: not in order of id", x->id);
        for (size_t k = 0; k < x->holding_count; k++) {
            const struct holding *h = &x->holdings[k];
            if (!in_range(h->service, s->service_count) || !in_range(h->shape, s->shape_count))
                return err_set(err, ERR_INVALID, "instance %s: a task of service %d, shape %d", x->id, h->service, h->shape);
            if (h->running < 0 || h->pending < 0 || h->stopping < 0)
                return err_set(err, ERR_INVALID, "instance %s: a negative count of tasks", x->id);
        }
    }
    return 0;
}

int check_snapshot(const struct snapshot *s, struct err *err)
{
    for (size_t k = 0; k < s->fleet_count; k++)
        for (size_t n = 0; n < s->fleets[k].pool_count; n++) {
            if (!in_range(s->fleets[k].pools[n].type, s->type_count))
                return err_set(err, ERR_INVALID, "fleet %s: type %d of %zu", s->fleets[k].id, s->fleets[k].pools[n].type,
                               s->type_count);
            if (s->fleets[k].pools[n].weight_milli <= 0)
                return err_set(err, ERR_INVALID, "fleet %s: weight %lld", s->fleets[k].id,
                               (long long)s->fleets[k].pools[n].weight_milli);
        }
    int r = check_services(s, err);
    return r ? r : check_instances(s, err);
}

// ---- what the facts are good for ------------------------------------------------------------------------------------------
// What a source is needed for. Definitions never change and types are learned for days: their age says nothing.
static const struct source_rule {
    bool ages, for_orders;
} source_rules[SOURCE_COUNT] = {
    [SOURCE_CONTAINER_INSTANCES] = {true, true}, [SOURCE_SERVICES] = {true, true},
    [SOURCE_TASKS] = {true, false},              [SOURCE_TASK_DEFINITIONS] = {false, false},
    [SOURCE_EC2_INSTANCES] = {true, true},       [SOURCE_FLEETS] = {true, true},
    [SOURCE_INSTANCE_TYPES] = {false, false},
};

static const char *source_name(enum source_kind k)
{
    static const char *const names[SOURCE_COUNT] = {
        [SOURCE_CONTAINER_INSTANCES] = "container instances", [SOURCE_SERVICES] = "services",
        [SOURCE_TASKS] = "tasks",                             [SOURCE_TASK_DEFINITIONS] = "task definitions",
        [SOURCE_EC2_INSTANCES] = "EC2 instances",             [SOURCE_FLEETS] = "fleets",
        [SOURCE_INSTANCE_TYPES] = "instance types",
    };
    assert(k < SOURCE_COUNT);
    return names[k];
}

static const char *source_trouble(struct work *w, enum source_kind k)
{
    const struct source *x = &w->s->sources[k];
    const char *detail = x->detail && x->detail[0] ? explain_text(w, " (%s)", x->detail) : "";
    if (x->state == SOURCE_UNKNOWN)
        return explain_text(w, "%s unknown%s", source_name(k), detail);
    if (x->state == SOURCE_PARTIAL)
        return explain_text(w, "%s known in part%s", source_name(k), detail);
    int64_t age_ms = w->s->now_ms - x->read_ms;
    if (source_rules[k].ages && age_ms > w->p->max_age_ms)
        return explain_text(w, "%s read %s ago, limit %s", source_name(k), explain_duration(w, age_ms),
                            explain_duration(w, w->p->max_age_ms));
    return NULL;
}

bool check_tasks(const struct work *w, int instance)
{
    const struct instance *x = &w->s->instances[instance];
    int32_t running = 0;
    if (!x->tasks_known)
        return false;
    for (size_t k = 0; k < x->holding_count; k++) {
        if (!work_shape_known(w, x->holdings[k].shape))
            return false;
        running += x->holdings[k].running + x->holdings[k].pending;
    }
    // ECS's own counts lag by a moment; more tasks there than in the lists means that the lists miss some.
    return x->ecs_running + x->ecs_pending <= running;
}

// A removal reads what is registered, not what the type has; so the types are needed only where that is missing.
static bool sizes_registered(const struct work *w)
{
    for (size_t i = 0; i < w->s->instance_count; i++) {
        const struct instance *x = &w->s->instances[i];
        bool counts = x->ecs == ECS_ACTIVE || x->ecs == ECS_DRAINING;
        if (counts && w->inst[i].role != ROLE_GONE && res_is_zero(x->registered))
            return false;
    }
    return true;
}

// L8: unready instances say that something larger is wrong than what one of them shows.
static const char *mass_trouble(struct work *w)
{
    int unready = 0, all = 0;
    for (size_t i = 0; i < w->s->instance_count; i++) {
        enum role r = w->inst[i].role;
        bool dead_box = r == ROLE_UNREACHABLE || r == ROLE_LATE;
        if (r == ROLE_GONE || r == ROLE_OTHER || r == ROLE_COMING)
            continue;
        all++;
        unready += dead_box;
    }
    if (unready >= 3 && unready * 5 > all)
        return explain_text(w, "%d of %d instances unready, limit 20 %%", unready, all);
    return NULL;
}

// The first of the zones that are down; each is marked.
static const char *zone_trouble(struct work *w)
{
    const char *first = NULL;
    w->zone_down = arena_array(w->a, bool, (size_t)w->zone_count + 1);
    for (int z = 0; z < w->zone_count; z++) {
        int unready = 0, all = 0;
        for (size_t i = 0; i < w->s->instance_count; i++) {
            enum role r = w->inst[i].role;
            if (w->inst[i].zone != z || r == ROLE_GONE || r == ROLE_OTHER || r == ROLE_COMING)
                continue;
            all++;
            unready += r == ROLE_UNREACHABLE || r == ROLE_LATE;
        }
        w->zone_down[z] = unready >= 3 && unready * 5 > all;
        if (w->zone_down[z] && !first)
            first = explain_text(w, "%d of %d instances unready in %s, limit 20 %%", unready, all, w->zones[z]);
    }
    return first;
}

// D8: what was down comes back in parts, and tasks and groups move meanwhile. scale_in_start_hold reads it.
static void stamp_trouble(struct work *w, bool trouble)
{
    const struct memo_stamp *was = work_old_stamp(w, STAMP_TROUBLE, w->s->cluster);
    if (trouble)
        work_stamp_set(w, (struct memo_stamp){STAMP_TROUBLE, w->s->cluster, w->s->now_ms, w->s->now_ms + TROUBLE_HOLD_MS, 0, 0});
    else if (was && was->since_ms <= w->s->now_ms && was->until_ms > w->s->now_ms)
        work_stamp_set(w, *was);
}

// Drains of ours whose end EC2 shows now, and did not then.
static int64_t ended_by_us(const struct work *w, int64_t since_ms)
{
    int64_t n = 0;
    for (size_t k = 0; k < w->memo->drain_count; k++) {
        const struct memo_drain *d = &w->memo->drains[k];
        n += d->state == DRAIN_GONE && d->state_since_ms > since_ms && work_find(w, d->instance) >= 0;
    }
    return n;
}

// L8, the other half: members of the cluster that are gone since the last look, and EC2 does not say that they ended. Either the
// list is wrong, or something took them that we do not see; both are no time to remove. What EC2 ended long ago it shows no more, so that the number of
// those need not grow: our own ends are counted by their drains. What was seen last is STAMP_MEMBERS: `count`
// registered, `amount` ended by EC2's word, and until when a drop holds removal. A look of long ago says nothing of today.
static const char *members_lost(struct work *w)
{
    int32_t registered = 0;
    int64_t ended = 0;
    for (size_t i = 0; i < w->s->instance_count; i++) {
        const struct instance *x = &w->s->instances[i];
        bool ends = x->ec2 == EC2_SHUTTING_DOWN || x->ec2 == EC2_TERMINATED;
        ended += ends;
        registered += !ends && x->ecs != ECS_UNREGISTERED && x->ecs != ECS_INACTIVE;
    }
    const struct memo_stamp *was = work_old_stamp(w, STAMP_MEMBERS, w->s->cluster);
    bool whole = w->s->sources[SOURCE_CONTAINER_INSTANCES].state == SOURCE_OK && w->s->sources[SOURCE_EC2_INSTANCES].state == SOURCE_OK;
    struct memo_stamp now = !whole && was ? *was : (struct memo_stamp){.kind = STAMP_MEMBERS, .key = w->s->cluster, .since_ms = w->s->now_ms, .count = registered, .amount = ended};
    if (!whole && !was)
        return NULL;
    if (whole && was && w->s->now_ms - was->since_ms <= MEMBERS_COMPARE_MS) {
        int64_t lost = was->count - registered - i64_max(ended_by_us(w, was->since_ms), ended - was->amount);
        bool drop = lost >= 3 && lost * 5 > was->count;
        now.until_ms = drop ? w->s->now_ms + MEMBERS_HOLD_MS : was->until_ms;
    }
    work_stamp_set(w, now);
    return now.until_ms > w->s->now_ms
               ? explain_text(w, "more than 20 %% of the members left between two looks and EC2 did not end them; held until %s",
                              explain_time(w, now.until_ms))
               : NULL;
}

// A7: what the policy names and AWS does not know, or which fleet a tag means, is unknown: no time to remove.
static const char *fleet_unfound(struct work *w)
{
    for (size_t f = 0; f < w->s->fleet_count; f++) {
        const struct fleet *x = &w->s->fleets[f];
        if (!x->found && policy_fleet_find(w->p, fleet_name(x)))
            return x->unfound && x->unfound[0] ? x->unfound : explain_text(w, "AWS does not know the fleet %s of the policy", x->id);
    }
    return NULL;
}

// Services that run and a cluster without a single instance cannot both be true.
static const char *contradiction(struct work *w)
{
    int64_t running = 0;
    size_t registered = 0;
    for (size_t k = 0; k < w->s->service_count; k++)
        running += w->s->services[k].on_ec2 && w->s->services[k].kind == SERVICE_REPLICA ? w->s->services[k].running : 0;
    for (size_t i = 0; i < w->s->instance_count; i++)
        registered += w->s->instances[i].ecs != ECS_UNREGISTERED;
    if (running > 0 && registered == 0)
        return explain_text(w, "%" PRId64 " tasks run and no container instance is listed", running);
    return NULL;
}

void check_facts(struct work *w)
{
    for (int k = 0; k < SOURCE_COUNT; k++) {
        const char *trouble = source_trouble(w, (enum source_kind)k);
        if (!trouble)
            continue;
        alert_raise_after(w, ALERT_SOURCE_LOST, explain_text(w, "%s %s", w->s->cluster, source_kind_name((enum source_kind)k)),
                          SOURCE_LOST_MS, trouble, NULL);
        bool unusable = w->s->sources[k].state == SOURCE_UNKNOWN && source_rules[k].for_orders;
        bool removable = k == SOURCE_INSTANCE_TYPES && sizes_registered(w);
        if (!w->no_removal && !removable)
            w->no_removal = trouble;
        if (unusable && !w->no_order)
            w->no_order = trouble;
        explain_verdict(w, (struct verdict){.kind = CANDIDATE_CLUSTER,
                                            .code = VERDICT_UNKNOWN,
                                            .target = explain_text(w, "%s %s", w->s->cluster, source_kind_name((enum source_kind)k)),
                                            .fact = trouble,
                                            .verdict = unusable    ? "scale-in and orders are held"
                                                       : removable ? "scale-in goes on by registered sizes, orders by sizes known so far"
                                                                   : "scale-in is held, scale-out goes on"});
    }
    const char *odd = contradiction(w);
    w->mass_trouble = mass_trouble(w);
    const char *lost = members_lost(w), *zone = zone_trouble(w);
    stamp_trouble(w, w->mass_trouble || zone);
    const char *mass = w->mass_trouble ? w->mass_trouble : zone ? zone : lost;
    if (mass)
        alert_raise(w, ALERT_MASS_TROUBLE, w->s->cluster, mass, NULL);
    const char *trouble = odd ? odd : mass ? mass : fleet_unfound(w);
    if (!w->no_removal && trouble) {
        w->no_removal = trouble;
        explain_verdict(w, (struct verdict){.kind = CANDIDATE_CLUSTER,
                                            .code = VERDICT_HOLD,
                                            .target = w->s->cluster,
                                            .fact = trouble,
                                            .verdict = "scale-in is held"});
    }
    assert(!w->no_order || w->no_removal);
}
