#include "planner/quota.h"

#include <string.h>

#include "planner/alert.h"
#include "planner/explain.h"

#define STOP_PERCENT 95
#define NEAR_PERCENT 80
#define HOLD_MS (15 * 60 * 1000LL)      // L23: after a refusal
#define HOLD_MAX_MS (60 * 60 * 1000LL)  // when orders after it are refused as well
#define QUIET_MS (30 * 60 * 1000LL)     // after which the count of refusals halves
#define DOUBLINGS_MAX 10

static const struct quota *quota_of(const struct work *w, int class_)
{
    for (size_t k = 0; class_ >= 0 && k < w->s->quota_count; k++)
        if ((int)w->s->quotas[k].class_ == class_ && w->s->quotas[k].limit_vcpus > 0)
            return &w->s->quotas[k];
    return NULL;
}

static const char *fact(struct work *w, const struct quota *q)
{
    const struct quota_class *c = &quota_classes[q->class_];
    return explain_text(w, "%" PRId64 " of %" PRId64 " vCPUs of the %s quota %s are used by these clusters", q->used_vcpus, q->limit_vcpus, c->name, c->code);
}

// ---- refusals --------------------------------------------------------------------------------------------------------------
static int32_t decayed(const struct memo_stamp *x, int64_t at_ms)
{
    int64_t quiet = (at_ms - i64_max(x->since_ms, x->until_ms)) / QUIET_MS;
    return quiet <= 0 ? x->count : quiet > DOUBLINGS_MAX ? 0 : x->count >> quiet;
}

static int64_t hold_ms(int32_t count)
{
    return i64_min(HOLD_MS << (count - 1 < DOUBLINGS_MAX ? count - 1 : DOUBLINGS_MAX), HOLD_MAX_MS);
}

// What else is refused in the same time was ordered before: the hold begins anew, and grows no longer.
static void refused(struct work *w, const char *code, int64_t at_ms)
{
    const struct memo_stamp *was = work_stamp(w, STAMP_QUOTA, code);
    if (at_ms <= 0 || at_ms > w->s->now_ms || w->s->now_ms - at_ms > HOLD_MAX_MS || (was && at_ms <= was->since_ms))
        return;
    int32_t count = was == NULL ? 1 : at_ms < was->until_ms ? was->count : decayed(was, at_ms) + 1;
    count = count > DOUBLINGS_MAX ? DOUBLINGS_MAX : count;
    work_stamp_set(w, (struct memo_stamp){STAMP_QUOTA, code, at_ms, at_ms + hold_ms(count), count, 0});
}

void quota_observe(struct work *w)
{
    for (size_t k = 0; w->old && k < w->old->stamp_count; k++) {
        const struct memo_stamp *x = &w->old->stamps[k];
        if (x->kind == STAMP_QUOTA && x->since_ms <= w->s->now_ms && x->count > 0 && x->until_ms - x->since_ms <= HOLD_MAX_MS && decayed(x, w->s->now_ms) > 0)
            work_stamp_set(w, *x);
    }
    for (size_t k = 0; k < w->s->quota_count; k++)
        refused(w, quota_classes[w->s->quotas[k].class_].code, w->s->quotas[k].refused_ms);
}

static const struct memo_stamp *held(const struct work *w, int class_)
{
    for (size_t k = 0; class_ >= 0 && k < w->memo->stamp_count; k++) {
        const struct memo_stamp *x = &w->memo->stamps[k];
        if (x->kind == STAMP_QUOTA && strcmp(x->key, quota_classes[class_].code) == 0 && x->until_ms > w->s->now_ms)
            return x;
    }
    return NULL;
}

static const char *held_fact(struct work *w, int class_, const struct memo_stamp *x)
{
    return explain_text(w, "AWS refused a launch by the %s quota %s %s, no order of it until %s", quota_classes[class_].name, quota_classes[class_].code,
                        explain_time(w, x->since_ms), explain_time(w, x->until_ms));
}

// ---- room ------------------------------------------------------------------------------------------------------------------
int64_t quota_vcpus_left(const struct work *w, const char *type, bool spot)
{
    int class_ = quota_class_of(type, spot);
    const struct quota *q = quota_of(w, class_);
    if (held(w, class_))
        return 0;
    return q ? i64_max(0, q->limit_vcpus * STOP_PERCENT / 100 - q->used_vcpus) : INT64_MAX;
}

int64_t quota_room(struct work *w, int fleet, bool on_demand, const char **ret_why)
{
    const struct fleet *f = &w->s->fleets[fleet];
    int64_t most = -1;
    for (size_t k = 0; k < f->pool_count; k++) {
        const struct instance_type *t = f->pools[k].type < 0 ? NULL : &w->s->types[f->pools[k].type];
        int class_ = quota_class_of(f->pools[k].type_name, !on_demand);
        const struct quota *q = quota_of(w, class_);
        const struct memo_stamp *hold = held(w, class_);
        int64_t vcpus = t ? (t->nominal.v[RES_CPU] + 1023) / 1024 : 0;
        if (hold) {
            if (most < 0 && ret_why)
                *ret_why = held_fact(w, class_, hold);
            most = i64_max(most, 0);
            continue;
        }
        if (!q || vcpus <= 0)
            return INT64_MAX;  // the fleet may launch what no known quota limits
        int64_t room = i64_max(0, q->limit_vcpus * STOP_PERCENT / 100 - q->used_vcpus) / vcpus;
        if (room > most && ret_why)
            *ret_why = explain_text(w, "%s, orders stop at %d %%", fact(w, q), STOP_PERCENT);
        most = i64_max(most, room);
    }
    return most < 0 ? INT64_MAX : most;
}

int64_t quota_most(struct work *w, int fleet, const char **ret_why)
{
    const struct work_fleet *y = &w->fleet[fleet];
    const struct fleet *f = &w->s->fleets[fleet];
    int64_t room = quota_room(w, fleet, f->on_demand_target > 0 && f->target <= f->on_demand_target, ret_why);
    return room >= INT64_MAX / 1000 ? INT64_MAX : (y->live_milli + room * i64_max(y->weight_min_milli, 1)) / 1000;
}

static bool of_one_class(const struct work *w, int a, int b)
{
    const struct fleet *x = &w->s->fleets[a], *y = &w->s->fleets[b];
    for (size_t k = 0; k < x->pool_count; k++)
        for (size_t n = 0; n < y->pool_count; n++)
            if (quota_class_of(x->pools[k].type_name, true) >= 0 &&
                quota_class_of(x->pools[k].type_name, true) == quota_class_of(y->pools[n].type_name, true))
                return true;
    return false;
}

int64_t quota_bound(struct work *w, int fleet, int64_t bound, const bool *asked)
{
    const struct work_fleet *y = &w->fleet[fleet];
    int64_t most = i64_min(bound, quota_most(w, fleet, NULL));
    for (size_t g = 0; g < w->s->fleet_count; g++)  // what one of the class was not given the other is not given either
        if ((int)g != fleet && asked[g] && quota_most(w, (int)g, NULL) < w->fleet[g].policy->max && of_one_class(w, fleet, (int)g))
            most = y->target;
    return i64_max(most, y->target);
}

void quota_alert(struct work *w)
{
    for (int k = 0; k < QUOTA_CLASS_COUNT; k++) {
        const struct memo_stamp *hold = held(w, k);
        if (hold)
            alert_raise(w, ALERT_QUOTA_REFUSED, quota_classes[k].code, held_fact(w, k, hold), NULL);
    }
    for (size_t k = 0; k < w->s->quota_count; k++) {
        const struct quota *q = &w->s->quotas[k];
        if (q->limit_vcpus > 0 && q->used_vcpus * 100 >= q->limit_vcpus * NEAR_PERCENT)
            alert_raise(w, ALERT_QUOTA_NEAR, quota_classes[q->class_].code, fact(w, q), NULL);
    }
}
