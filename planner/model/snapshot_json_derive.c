#include "planner/model/snapshot_json.h"

#include "base/check.h"

static int64_t capped_sum(int64_t a, int64_t b, int64_t max)
{
    assert(a >= 0 && a <= max);
    assert(b >= 0 && b <= max);
    return a + b < max ? a + b : max;
}

// Counts that a service does not name are those of its tasks on the instances.
static void derive_services(struct snapshot *s, const json_t *obj, struct arena *a)
{
    int32_t *running = arena_array(a, int32_t, s->service_count);
    int32_t *pending = arena_array(a, int32_t, s->service_count);
    for (size_t i = 0; i < s->instance_count; i++)
        for (size_t k = 0; k < s->instances[i].holding_count; k++) {
            const struct holding *h = &s->instances[i].holdings[k];
            if (h->service < 0)
                continue;
            running[h->service] = (int32_t)capped_sum(running[h->service], h->running, JSON_COUNT_MAX);
            pending[h->service] = (int32_t)capped_sum(pending[h->service], h->pending, JSON_COUNT_MAX);
        }
    const json_t *items = json_object_get(obj, "services");
    for (size_t i = 0; i < s->service_count; i++) {
        struct service *service = &s->services[i];
        const json_t *item = json_array_get(items, i);
        if (!json_given(item, "running"))
            service->running = running[i];
        if (!json_given(item, "pending"))
            service->pending = pending[i];
        if (service->primary < 0)
            continue;
        struct deployment *d = &service->deployments[service->primary];
        const json_t *primary = json_array_get(json_object_get(item, "deployments"), (size_t)service->primary);
        if (!json_given(primary, "running"))
            d->running = service->running;
        if (!json_given(primary, "pending"))
            d->pending = service->pending;
    }
}

// A fleet that names neither holds just what its instances weigh.
static void derive_fleets(struct snapshot *s, const json_t *obj, struct arena *a)
{
    int64_t *weight = arena_array(a, int64_t, s->fleet_count);
    for (size_t i = 0; i < s->instance_count; i++) {
        const struct instance *in = &s->instances[i];
        if (in->fleet >= 0 && (in->ec2 == EC2_PENDING || in->ec2 == EC2_RUNNING))
            weight[in->fleet] = capped_sum(weight[in->fleet], in->weight_milli, JSON_NUMBER_MAX);
    }
    const json_t *items = json_object_get(obj, "fleets");
    for (size_t i = 0; i < s->fleet_count; i++) {
        const json_t *item = json_array_get(items, i);
        if (!json_given(item, "fulfilled_milli"))
            s->fleets[i].fulfilled_milli = weight[i];
        if (!json_given(item, "target"))
            s->fleets[i].target = weight[i] / 1000;
    }
}

void snapshot_derive_counts(struct snapshot *s, const json_t *obj, struct arena *a)
{
    derive_services(s, obj, a);
    derive_fleets(s, obj, a);
}
