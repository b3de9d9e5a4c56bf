// Spot Fleet requests, and what they write like EC2 Fleets.
#include "scaler/sandbox/ec2.h"

#include <string.h>
#include <strings.h>

#include "scaler/sandbox/requirements.h"

static const char *const state_names[] = {
    [WF_SUBMITTED] = "submitted", [WF_ACTIVE] = "active", [WF_MODIFYING] = "modifying", [WF_CANCELLED_RUNNING] = "cancelled_running",
    [WF_CANCELLED_TERMINATING] = "cancelled_terminating", [WF_CANCELLED] = "cancelled"};
static const char *const activity_names[] = {[WA_PENDING_FULFILLMENT] = "pending_fulfillment", [WA_FULFILLED] = "fulfilled",
                                             [WA_PENDING_TERMINATION] = "pending_termination", [WA_ERROR] = "error"};
static const char *const allocation_names[] = {
    [WALLOC_LOWEST_PRICE] = "lowestPrice", [WALLOC_DIVERSIFIED] = "diversified", [WALLOC_CAPACITY_OPTIMIZED] = "capacityOptimized",
    [WALLOC_PRICE_CAPACITY_OPTIMIZED] = "priceCapacityOptimized"};

bool play_ec2_is_spot_fleet(const struct call *c, int fleet)
{
    return !c->view.fleets[fleet].ec2_fleet && c->view.fleets[fleet].group < 0;
}

const char *play_ec2_activity(int activity)
{
    return activity_names[activity];
}

void play_ec2_write_overrides(struct call *c, const struct world_fleet *f)
{
    struct buf *o = c->out;
    xo_open(o, "launchTemplateConfigs");
    xo_open(o, "item");
    xo_open(o, "launchTemplateSpecification");
    xo_text(o, "launchTemplateId", c->view.templates[f->template].id);
    xo_int(o, "version", c->view.templates[f->template].version);
    xo_close(o, "launchTemplateSpecification");
    xo_open(o, "overrides");
    if (f->by_attributes)
        requirements_write(o, REQUIREMENTS_OF_EC2, &f->needs);
    for (int i = 0; !f->by_attributes && i < f->override_count; i++) {
        xo_open(o, "item");
        xo_text(o, "instanceType", c->view.types[f->overrides[i].type].name);
        if (f->overrides[i].zone >= 0)
            xo_text(o, "availabilityZone", c->view.zones[f->overrides[i].zone]);
        xo_milli(o, "weightedCapacity", f->overrides[i].weight_milli);
        xo_close(o, "item");
    }
    xo_close(o, "overrides");
    xo_close(o, "item");
    xo_close(o, "launchTemplateConfigs");
}

int64_t play_ec2_on_demand_milli(const struct call *c, int fleet)
{
    int64_t milli = 0;
    for (int i = 0; i < c->view.instance_count; i++) {
        const struct world_instance *in = &c->view.instances[i];
        if (in->used && in->fleet == fleet && !in->spot && in->state.now <= WL_RUNNING)
            milli += in->weight_milli;
    }
    return milli;
}

void play_ec2_write_rebalance(struct call *c, const struct world_fleet *f, const char *element)
{
    if (f->rebalance == WREB_OFF)
        return;
    xo_open(c->out, element);
    xo_open(c->out, "capacityRebalance");
    xo_text(c->out, "replacementStrategy", f->rebalance == WREB_LAUNCH ? "launch" : "launch-before-terminate");
    if (f->rebalance == WREB_LAUNCH_BEFORE_TERMINATE)
        xo_int(c->out, "terminationDelay", f->rebalance_delay_ms / 1000);
    xo_close(c->out, "capacityRebalance");
    xo_close(c->out, element);
}

static void write_fleet(struct call *c, int fleet)
{
    const struct world_fleet *f = &c->view.fleets[fleet];
    struct buf *o = c->out;
    xo_open(o, "item");
    xo_text(o, "spotFleetRequestId", f->id);
    xo_text(o, "spotFleetRequestState", state_names[world_seen(&f->state, c->seen_ms)]);
    if (f->activity != WA_PENDING_FULFILLMENT || f->open_milli > 0 || f->fulfilled_milli < f->target.now * 1000)
        xo_text(o, "activityStatus", activity_names[f->activity]);
    xo_time(o, "createTime", f->created_ms);
    xo_open(o, "spotFleetRequestConfig");
    xo_text(o, "allocationStrategy", allocation_names[f->allocation]);
    xo_text(o, "onDemandAllocationStrategy", "lowestPrice");
    xo_text(o, "excessCapacityTerminationPolicy", f->excess == WX_NO_TERMINATION ? "noTermination" : "default");
    xo_milli(o, "fulfilledCapacity", f->fulfilled_milli);
    xo_milli(o, "onDemandFulfilledCapacity", play_ec2_on_demand_milli(c, fleet));
    xo_text(o, "iamFleetRole", arena_printf(c->arena, "arn:aws:iam::%s:role/aws-ec2-spot-fleet-tagging-role", c->region->account));
    play_ec2_write_overrides(c, f);
    play_ec2_write_rebalance(c, f, "spotMaintenanceStrategies");
    xo_int(o, "targetCapacity", world_seen(&f->target, c->seen_ms));
    xo_int(o, "onDemandTargetCapacity", world_seen(&f->on_demand, c->seen_ms));
    xo_bool(o, "terminateInstancesWithExpiration", f->ends_with_expiration);
    xo_text(o, "type", f->maintain ? "maintain" : "request");
    xo_time(o, "validFrom", f->created_ms);
    if (f->valid_until_ms > 0)
        xo_time(o, "validUntil", f->valid_until_ms);
    xo_bool(o, "replaceUnhealthyInstances", false);
    xo_text(o, "instanceInterruptionBehavior", "terminate");
    xo_close(o, "spotFleetRequestConfig");
    xo_open(o, "tagSet");
    play_ec2_write_tags(c, f->tags, f->tag_count);
    xo_close(o, "tagSet");
    xo_close(o, "item");
}

void play_ec2_describe_spot_fleet_requests(struct call *c)
{
    struct page page;
    size_t count = 0;
    struct slice *ids = form_list(&c->form, "SpotFleetRequestId", c->arena, &count);
    bool *wanted = arena_array(c->arena, bool, (size_t)c->view.fleet_count + 1);
    if (!play_ec2_page(c, 1000, 1, 1000, &page))
        return;
    for (size_t i = 0; i < count; i++) {
        const char *id = arena_strndup(c->arena, ids[i].ptr, ids[i].len);
        int fleet = world_find_fleet(c->world, id);
        if (fleet < 0 || !play_ec2_is_spot_fleet(c, fleet)) {
            call_fail(c, 400, slice_starts(ids[i], "sfr-") ? "InvalidSpotFleetRequestId.NotFound" : "InvalidSpotFleetRequestId.Malformed",
                      "The spot fleet request ID '%.80s' does not exist", id);
            return;
        }
        wanted[fleet] = true;
    }
    if (play_ec2_dry_run(c))
        return;
    call_begin_xml(c);
    xo_open(c->out, "spotFleetRequestConfigSet");
    for (int i = 0; i < c->view.fleet_count; i++)
        if (play_ec2_is_spot_fleet(c, i) && (count == 0 || wanted[i]) && c->view.fleets[i].created_ms <= c->seen_ms && page_take(&page, i))
            write_fleet(c, i);
    xo_close(c->out, "spotFleetRequestConfigSet");
    play_ec2_write_token(c, &page);
    call_end_xml(c);
}

void play_ec2_write_members(struct call *c, int fleet, const struct ec2_filter *type, struct page *page)
{
    xo_open(c->out, "activeInstanceSet");
    for (int i = 0; i < c->view.instance_count; i++) {
        const struct world_instance *in = &c->view.instances[i];
        const char *name = c->view.types[c->view.pools[in->pool].type].name;
        if (!play_ec2_visible(c, i) || in->fleet != fleet || world_seen(&in->state, c->seen_ms) > WL_RUNNING ||
            (type != NULL && !play_ec2_filter_matches(type, name)) || !page_take(page, i))
            continue;
        xo_open(c->out, "item");
        xo_text(c->out, "instanceId", in->id);
        xo_text(c->out, "instanceType", name);
        if (in->spot)
            xo_text(c->out, "spotInstanceRequestId", play_ec2_spot_request_id(c, i));
        xo_text(c->out, "instanceHealth", "healthy");
        xo_close(c->out, "item");
    }
    xo_close(c->out, "activeInstanceSet");
}

void play_ec2_describe_spot_fleet_instances(struct call *c)
{
    struct page page;
    int fleet = -1;
    if (!play_ec2_page(c, 1000, 1, 1000, &page) || !play_ec2_fleet(c, &fleet) || play_ec2_dry_run(c))
        return;
    call_begin_xml(c);
    xo_text(c->out, "spotFleetRequestId", c->view.fleets[fleet].id);
    play_ec2_write_members(c, fleet, NULL, &page);
    play_ec2_write_token(c, &page);
    call_end_xml(c);
}

// ---- history: told from the members that are still known, which covers more than the hour that ended ones stay visible, and from
// what the fleet itself has gone through.
struct record {
    int64_t at_ms;
    const char *type, *sub_type;
    int instance;                  // -1: of the fleet
    int pool;                      // of a fleet's record, -1: of all
};

static int record_order(const void *a, const void *b)
{
    const struct record *x = a, *y = b;
    return x->at_ms != y->at_ms ? (x->at_ms > y->at_ms) - (x->at_ms < y->at_ms) : x->instance - y->instance;
}

static size_t add_records(const struct call *c, const struct record *found, size_t n, int64_t from_ms, const char *type, struct record *all, size_t count)
{
    for (size_t k = 0; k < n; k++)
        if (found[k].at_ms > 0 && found[k].at_ms >= from_ms && found[k].at_ms <= c->seen_ms && (type == NULL || strcmp(type, found[k].type) == 0))
            all[count++] = found[k];
    return count;
}

static struct record *collect_records(struct call *c, const struct ec2_history_words *w, int fleet, int64_t from_ms, size_t *ret_count)
{
    struct record *records = arena_array(c->arena, struct record, (size_t)c->view.instance_count * 3 + 3 + WORLD_FLEET_EVENTS);
    const struct world_fleet *f = &c->view.fleets[fleet];
    const char *type = form_str(&c->form, "EventType", c->arena);
    struct record of_fleet[] = {{f->created_ms, w->of_fleet, "submitted", -1, -1},
                                {f->stuck != NULL ? f->stuck_ms : 0, w->error, f->stuck, -1, -1},
                                {f->state.now >= WF_CANCELLED_RUNNING ? f->state.changed_ms : 0, w->of_fleet, w->states[f->state.now], -1, -1}};
    size_t count = add_records(c, of_fleet, ARRAY_LEN(of_fleet), from_ms, type, records, 0);
    for (int i = 0; i < WORLD_FLEET_EVENTS && f->events[i].at_ms > 0; i++) {
        const char *kind = f->ec2_fleet ? w->error : f->events[i].type;  // EC2 Fleet has no "information"
        struct record r = {f->events[i].at_ms, kind, f->events[i].sub_type, -1, f->events[i].pool};
        count = add_records(c, &r, 1, from_ms, type, records, count);
    }
    for (int i = 0; i < c->view.instance_count; i++) {
        const struct world_instance *in = &c->view.instances[i];
        struct record found[] = {{in->launched_ms, w->of_instance, "launched", i, -1}, {in->notice_ms, w->of_instance, w->notified, i, -1},
                                 {in->terminated_ms, w->of_instance, "terminated", i, -1}};
        if (in->used && in->fleet == fleet)
            count = add_records(c, found, ARRAY_LEN(found), from_ms, type, records, count);
    }
    qsort(records, count, sizeof *records, record_order);
    *ret_count = count;
    return records;
}

// What EC2 says of a launch specification that it will not try for a while (wording seen in public reports).
static const char *refusal_text(struct call *c, const struct record *r)
{
    static const char *const why = "There is no Spot capacity available that matches your request. (Service: AmazonEC2; Status Code: 500; "
                                   "Error Code: InsufficientInstanceCapacity)";
    if (r->pool < 0)
        return arena_printf(c->arena, "Several attempts to launch instances have failed. Error message: %s", why);
    const struct world_pool *p = &c->view.pools[r->pool];
    return arena_printf(c->arena, "Repeated errors have occurred processing the launch specification \"%s, %s, Linux/UNIX, %s\". "
                                  "It will not be retried for at least 13 minutes. Error message: %s",
                        c->view.types[p->type].name, c->view.templates[0].ami, c->view.zones[p->zone], why);
}

static void write_record(struct call *c, const struct record *r)
{
    xo_open(c->out, "item");
    xo_time(c->out, "timestamp", r->at_ms);
    xo_text(c->out, "eventType", r->type);
    xo_open(c->out, "eventInformation");
    if (r->instance >= 0) {
        const struct world_pool *pool = &c->view.pools[c->view.instances[r->instance].pool];
        xo_text(c->out, "instanceId", c->view.instances[r->instance].id);
        xo_text(c->out, "eventDescription", arena_printf(c->arena, "{\"instanceType\":\"%s\",\"availabilityZone\":\"%s\"}",
                                                         c->view.types[pool->type].name, c->view.zones[pool->zone]));
    }
    if (r->instance < 0 && strcmp(r->type, "fleetRequestChange") != 0 && strstr(r->sub_type, "Blacklisted") != NULL)
        xo_text(c->out, "eventDescription", refusal_text(c, r));
    xo_text(c->out, "eventSubType", r->sub_type);
    xo_close(c->out, "eventInformation");
    xo_close(c->out, "item");
}

void play_ec2_write_history(struct call *c, const struct ec2_history_words *w, int fleet, int64_t from_ms, struct page *page)
{
    size_t count = 0;
    struct record *records = collect_records(c, w, fleet, from_ms, &count);
    xo_open(c->out, "historyRecordSet");
    for (size_t i = 0; i < count; i++)
        if (page_take(page, (int64_t)i))
            write_record(c, &records[i]);
    xo_close(c->out, "historyRecordSet");
}

void play_ec2_describe_spot_fleet_request_history(struct call *c)
{
    static const struct ec2_history_words words = {.of_fleet = "fleetRequestChange", .of_instance = "instanceChange", .error = "error",
                                                   .notified = "termination_notified", .states = state_names};
    struct page page;
    int fleet = -1;
    int64_t from_ms = 0;
    bool has_from = false;
    if (!play_ec2_page(c, 1000, 1, 1000, &page) || !play_ec2_fleet(c, &fleet) || !play_ec2_time(c, "StartTime", &from_ms, &has_from))
        return;
    if (!has_from) {
        call_missing(c, "startTime");
        return;
    }
    if (play_ec2_dry_run(c))
        return;
    call_begin_xml(c);
    xo_text(c->out, "spotFleetRequestId", c->view.fleets[fleet].id);
    xo_time(c->out, "startTime", from_ms);
    xo_time(c->out, "lastEvaluatedTime", c->seen_ms);
    play_ec2_write_history(c, &words, fleet, from_ms, &page);
    play_ec2_write_token(c, &page);
    call_end_xml(c);
}

// ---- ModifySpotFleetRequest -----------------------------------------------------------------------------------------------
static bool read_excess(struct call *c, int *ret)
{
    struct slice v = form_get(&c->form, "ExcessCapacityTerminationPolicy");
    *ret = -1;
    if (v.ptr == NULL)
        return true;
    // Tools in the field send "NoTermination", and EC2 takes it.
    if (slice_eq_nocase(v, SLICE_LIT("noTermination")))
        *ret = WX_NO_TERMINATION;
    else if (slice_eq_nocase(v, SLICE_LIT("default")))
        *ret = WX_DEFAULT;
    else
        call_fail(c, 400, "InvalidParameterValue", "Invalid value '%.*s' for ExcessCapacityTerminationPolicy", (int)(v.len < 40 ? v.len : 40), v.ptr);
    return *ret >= 0;
}

static const char *note_int(struct call *c, const char *name)
{
    const char *v = form_str(&c->form, name, c->arena);
    return v != NULL ? arena_printf(c->arena, "%s=%s ", name, v) : "";
}

void play_ec2_answer_modify(struct call *c, enum world_answer answer, const char *id, const char *unknown)
{
    switch (answer) {
    case WORLD_OK:
        call_begin_xml(c);
        xo_bool(c->out, "return", true);
        call_end_xml(c);
        break;
    case WORLD_FLEET_NOT_MODIFIABLE:
    case WORLD_BAD_STATE:
        call_fail(c, 400, "FleetNotInModifiableState", "Fleet Request: %s is not in a modifiable state.", id);
        break;
    case WORLD_NOT_FOUND:
        call_fail(c, 400, unknown, "The fleet ID '%s' does not exist", id);
        break;
    case WORLD_INVALID:
    case WORLD_LIMIT:
    case WORLD_BUSY:
    case WORLD_NOT_SERVICE_TASK:
    case WORLD_NO_ROOM:
    case WORLD_ANSWER_COUNT:
        call_fail(c, 400, "InvalidParameterValue", "The requested capacity is not valid for %s.", id);
        break;
    }
}

void play_ec2_modify_spot_fleet_request(struct call *c)
{
    int fleet = -1, excess = -1;
    int64_t target = -1, on_demand = -1;
    const char *id = form_str(&c->form, "SpotFleetRequestId", c->arena), *policy = form_str(&c->form, "ExcessCapacityTerminationPolicy", c->arena);
    call_note(c, id != NULL ? id : "", "%s%s%s%s", note_int(c, "TargetCapacity"), note_int(c, "OnDemandTargetCapacity"),
              policy != NULL ? "ExcessCapacityTerminationPolicy=" : "", policy != NULL ? policy : "");
    if (!play_ec2_fleet(c, &fleet) || !play_ec2_int(c, "TargetCapacity", 0, 10000, &target, NULL) ||
        !play_ec2_int(c, "OnDemandTargetCapacity", 0, 10000, &on_demand, NULL) || !read_excess(c, &excess))
        return;
    if (target < 0 && on_demand < 0 && excess < 0) {
        call_fail(c, 400, "MissingParameter", "The request must contain a parameter to modify");
        return;
    }
    play_ec2_answer_modify(c, world_modify_spot_fleet(c->world, c->key->actor, fleet, target, on_demand, excess), id, "InvalidSpotFleetRequestId.NotFound");
}
