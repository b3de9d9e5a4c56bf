#include "planner/quota.h"

#include "planner/alert.h"
#include "planner/explain.h"

#define STOP_PERCENT 95
#define NEAR_PERCENT 80

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
    return explain_text(w, "%" PRId64 " of %" PRId64 " vCPUs of the %s quota %s are used", q->used_vcpus, q->limit_vcpus, c->name, c->code);
}

int64_t quota_vcpus_left(const struct work *w, const char *type, bool spot)
{
    const struct quota *q = quota_of(w, quota_class_of(type, spot));
    return q ? i64_max(0, q->limit_vcpus * STOP_PERCENT / 100 - q->used_vcpus) : INT64_MAX;
}

int64_t quota_room(struct work *w, int fleet, bool on_demand, const char **ret_why)
{
    const struct fleet *f = &w->s->fleets[fleet];
    int64_t most = -1;
    for (size_t k = 0; k < f->pool_count; k++) {
        const struct instance_type *t = f->pools[k].type < 0 ? NULL : &w->s->types[f->pools[k].type];
        const struct quota *q = quota_of(w, quota_class_of(f->pools[k].type_name, !on_demand));
        int64_t vcpus = t ? (t->nominal.v[RES_CPU] + 1023) / 1024 : 0;
        if (!q || vcpus <= 0)
            return INT64_MAX;  // the fleet may launch what no known quota limits
        int64_t room = i64_max(0, q->limit_vcpus * STOP_PERCENT / 100 - q->used_vcpus) / vcpus;
        if (room > most && ret_why)
            *ret_why = explain_text(w, "%s, orders stop at %d %%", fact(w, q), STOP_PERCENT);
        most = i64_max(most, room);
    }
    return most < 0 ? INT64_MAX : most;
}

void quota_alert(struct work *w)
{
    for (size_t k = 0; k < w->s->quota_count; k++) {
        const struct quota *q = &w->s->quotas[k];
        if (q->limit_vcpus > 0 && q->used_vcpus * 100 >= q->limit_vcpus * NEAR_PERCENT)
            alert_raise(w, ALERT_QUOTA_NEAR, quota_classes[q->class_].code, fact(w, q), NULL);
    }
}
