// Spot placement scores: how likely a zone, or the region, gives the capacity asked for, from what its market still has.
#include "scaler/sandbox/ec2.h"

#include <string.h>

enum { QUESTIONS_MAX = 20, TYPES_FEW = 3, SCORE_MAX = 10 };
#define DAY_MS 86400000

// AWS says only that new questions are limited in 24 h, not how many; the same one again is not new. The oldest makes room.
static bool may_ask(struct call *c, uint64_t question)
{
    struct region *r = c->region;
    int kept = 0;
    for (int i = 0; i < r->question_count; i++) {
        if (r->questions[i].what == question)
            return true;
        if (c->now_ms - r->questions[i].at_ms < DAY_MS)
            r->questions[kept++] = r->questions[i];
    }
    r->question_count = kept;
    if (kept == QUESTIONS_MAX)
        return false;
    r->questions[r->question_count++] = (struct placement_question){question, c->now_ms};
    return true;
}

static uint64_t mix(uint64_t h, struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        h = (h ^ (unsigned char)s.ptr[i]) * 0x100000001b3;
    return (h ^ 0xff) * 0x100000001b3;
}

// What the market of the zone, or of all (-1), would still give of the types.
static int64_t stock(const struct call *c, const struct slice *types, size_t count, int zone)
{
    int64_t sum = 0;
    for (int i = 0; i < c->view.pool_count; i++) {
        const struct world_pool *p = &c->view.pools[i];
        for (size_t k = 0; k < count && (zone < 0 || p->zone == zone); k++)
            if (slice_eq_str(types[k], c->view.types[p->type].name))
                sum += p->depth > 0 ? p->depth : 0;
    }
    return sum;
}

static void write_score(struct call *c, const char *zone_id, int64_t have, int64_t target, size_t types)
{
    int64_t score = have >= target ? SCORE_MAX : 1 + (SCORE_MAX - 1) * have / target;
    score = types < TYPES_FEW && score > TYPES_FEW ? TYPES_FEW : score;
    xo_open(c->out, "item");
    xo_text(c->out, "region", c->region->name);
    if (zone_id)
        xo_text(c->out, "availabilityZoneId", zone_id);
    xo_int(c->out, "score", score);
    xo_close(c->out, "item");
}

void play_ec2_get_spot_placement_scores(struct call *c)
{
    struct page page;
    size_t type_count = 0, region_count = 0;
    struct slice *types = form_list(&c->form, "InstanceType", c->arena, &type_count);
    struct slice *regions = form_list(&c->form, "RegionName", c->arena, &region_count);
    int64_t target = 0;
    bool present = false, by_zone = false, here = region_count == 0;
    uint64_t question = 0xcbf29ce484222325;
    if (!play_ec2_int(c, "TargetCapacity", 1, 2000000000, &target, &present) || !play_ec2_bool(c, "SingleAvailabilityZone", &by_zone) ||
        !play_ec2_page(c, 1000, 10, 1000, &page))
        return;
    if (!present || type_count == 0) {
        call_fail(c, 400, "MissingParameter", "The request must contain the parameter %s", present ? "InstanceTypes" : "TargetCapacity");
        return;
    }
    if (play_ec2_dry_run(c))
        return;
    for (size_t i = 0; i < region_count; i++)
        here = here || slice_eq_str(regions[i], c->region->name);
    for (size_t i = 0; i < type_count; i++)
        question = mix(question, types[i]);
    question = mix(mix(question, form_get(&c->form, "TargetCapacity")), form_get(&c->form, "TargetCapacityUnitType"));
    if (!may_ask(c, question)) {
        call_fail(c, 400, "MaxConfigLimitExceededException", "You have exceeded your maximum allowed Spot placement configurations");
        return;
    }
    call_begin_xml(c);
    xo_open(c->out, "spotPlacementScoreSet");
    for (int z = 0; here && z < (by_zone ? c->view.zone_count : 1); z++)
        if (page_take(&page, z))
            write_score(c, by_zone ? play_ec2_zone_id(c, z) : NULL, stock(c, types, type_count, by_zone ? z : -1), target, type_count);
    xo_close(c->out, "spotPlacementScoreSet");
    play_ec2_write_token(c, &page);
    call_end_xml(c);
}
