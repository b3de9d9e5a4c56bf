// V16, V18, V19, V22 of orders that launch at once (EC2 Fleets of type instant): whose the instances are, and how many there may be.
#include <string.h>

#include "planner/sim/instant.h"
#include "planner/sim/invariants_internal.h"

#define OWNER_TAG "masu:owner"

const char *inv_launch_tag(const struct world_call *c, const char *key)
{
    const char *value = world_tag_value(c->create->launch_tags, c->create->launch_tag_count, key);
    return value ? value : "";
}

struct count {
    int64_t live, doomed, booting, active;
};

static struct count count_members(const struct world_view *v, const char *tag, int cluster)
{
    struct count x = {0};
    for (int n = 0; n < v->instance_count; n++) {
        const struct world_instance *i = &v->instances[n];
        if (!i->used || i->state.now > WL_RUNNING)
            continue;
        x.active += i->cluster == cluster && i->status.now == WE_ACTIVE;
        const char *of = world_tag_value(i->tags, i->tag_count, WORLD_INSTANT_TAG);
        if (!of || strcmp(of, tag) != 0)
            continue;
        x.live++;
        x.doomed += i->notice_ms > 0 || inv_drained_by_ours(i);  // what we end counts no more, as in a fleet whose target was lowered
        x.booting += i->status.now == WE_NONE;
    }
    return x;
}

void inv_before_launch(struct invariants *inv, const struct world_view *v, const struct world_call *c)
{
    const char *tag = inv_launch_tag(c, WORLD_INSTANT_TAG), *owner = inv_launch_tag(c, OWNER_TAG);
    if (!tag[0] || strcmp(owner, inv->o.owner) != 0)
        inv_tell(inv, V16, "launch of %" PRId64 ": the instances carry %s \"%s\", %s \"%s\": nobody would find them again", c->target, WORLD_INSTANT_TAG, tag,
                 OWNER_TAG, owner);
    inv_judge_need(inv, v, c);
    struct count x = count_members(v, tag, c->cluster);
    int64_t limit = x.active > inv->o.step_instances ? x.active : inv->o.step_instances;
    if (x.booting + c->target > limit + x.doomed)
        inv_tell(inv, V19, "launch of %" PRId64 " for %s: %" PRId64 " would be coming, limit %" PRId64, c->target, tag, x.booting + c->target, limit);
    for (int k = 0; k < inv->bound_count; k++)
        if (!strcmp(inv->bounds[k].tag, tag) && x.live + c->target > inv->bounds[k].max + x.doomed)
            inv_tell(inv, V18, "launch of %" PRId64 " for %s: %" PRId64 " there, max %" PRId64, c->target, tag, x.live, inv->bounds[k].max);
}
