// EC2 instances: descriptions, status, spot requests, termination and tags.
#include "scaler/sandbox/ec2.h"

#include <string.h>

#include "base/parse.h"

static const char *const status_filters[] = {"availability-zone", "event.code", "instance-state-name", NULL};
static const char *const instance_filters[] = {"instance-id", "instance-state-name", "instance-type", "availability-zone", "instance-lifecycle",
                                               "spot-instance-request-id", "tag-key", "tag:", NULL};

static bool has_tag_key(struct call *c, const struct ec2_filter *f, int instance)
{
    const struct world_instance *in = &c->view.instances[instance];
    for (int i = 0; i < in->tag_count; i++)
        if (play_ec2_filter_matches(f, in->tags[i].key))
            return true;
    return false;
}

static bool instance_passes(struct call *c, const struct ec2_filters *filters, int instance)
{
    const struct world_instance *in = &c->view.instances[instance];
    const struct world_pool *pool = &c->view.pools[in->pool];
    for (size_t i = 0; i < filters->count; i++) {
        const struct ec2_filter *f = &filters->items[i];
        const char *value = NULL;
        if (strcmp(f->name, "tag-key") == 0) {
            if (!has_tag_key(c, f, instance))
                return false;
            continue;
        }
        if (strncmp(f->name, "tag:", 4) == 0)
            value = play_ec2_instance_tag(c, instance, f->name + 4);
        else if (strcmp(f->name, "instance-id") == 0)
            value = in->id;
        else if (strcmp(f->name, "instance-state-name") == 0)
            value = play_ec2_state_text(world_seen(&in->state, c->seen_ms));
        else if (strcmp(f->name, "instance-type") == 0)
            value = c->view.types[pool->type].name;
        else if (strcmp(f->name, "availability-zone") == 0)
            value = c->view.zones[pool->zone];
        else if (strcmp(f->name, "instance-lifecycle") == 0)
            value = in->spot ? "spot" : NULL;
        else if (strcmp(f->name, "event.code") == 0)
            value = in->event;
        else if (strcmp(f->name, "spot-instance-request-id") == 0)
            value = in->spot ? play_ec2_spot_request_id(c, instance) : NULL;
        if (!play_ec2_filter_matches(f, value))
            return false;
    }
    return true;
}

// ---- DescribeInstances ----------------------------------------------------------------------------------------------------
static void write_state(struct call *c, const char *name, int64_t lifecycle)
{
    xo_open(c->out, name);
    xo_int(c->out, "code", play_ec2_state_code(lifecycle));
    xo_text(c->out, "name", play_ec2_state_text(lifecycle));
    xo_close(c->out, name);
}

static void write_placement(struct call *c, int zone)
{
    xo_open(c->out, "placement");
    xo_text(c->out, "availabilityZoneId", play_ec2_zone_id(c, zone));
    xo_text(c->out, "availabilityZone", c->view.zones[zone]);
    xo_text(c->out, "groupName", "");
    xo_text(c->out, "tenancy", "default");
    xo_close(c->out, "placement");
}

static void write_end(struct call *c, const struct world_instance *in)
{
    if (world_seen(&in->state, c->seen_ms) < WL_SHUTTING_DOWN || in->end == WEND_NONE) {
        xo_text(c->out, "reason", "");
        return;
    }
    bool by_aws = in->end == WEND_INTERRUPTED || in->end == WEND_FLEET_EXCESS || in->end == WEND_FLEET_CANCELLED;
    char when[32];
    xo_text(c->out, "reason", by_aws ? "Server.SpotInstanceTermination"
                                     : arena_printf(c->arena, "User initiated (%s)", format_iso8601(in->ended_ms - in->ended_ms % 1000, false, when)));
    xo_open(c->out, "stateReason");
    xo_text(c->out, "code", by_aws ? "Server.SpotInstanceTermination" : "Client.UserInitiatedShutdown");
    xo_text(c->out, "message", by_aws ? "Server.SpotInstanceTermination: Spot instance termination" : "Client.UserInitiatedShutdown: User initiated shutdown");
    xo_close(c->out, "stateReason");
}

const char *play_ec2_address(const struct world_view *v, const struct world_instance *in, struct arena *a)
{
    unsigned host = (unsigned)(in->serial % 60000);
    return arena_printf(a, "10.%d.%u.%u", v->pools[in->pool].zone, host / 250, host % 250 + 4);
}

static const char *dns_name(const char *address, struct arena *a)
{
    char *name = arena_printf(a, "ip-%s.ec2.internal", address);
    for (size_t i = 0; i < 3 + strlen(address); i++)
        if (name[i] == '.')
            name[i] = '-';
    return name;
}

static void write_instance(struct call *c, int instance)
{
    const struct world_instance *in = &c->view.instances[instance];
    const struct world_pool *pool = &c->view.pools[in->pool];
    const struct world_type *type = &c->view.types[pool->type];
    const char *address = play_ec2_address(&c->view, in, c->arena);
    struct buf *o = c->out;
    xo_open(o, "item");
    xo_text(o, "instanceId", in->id);
    xo_text(o, "imageId", c->view.templates[in->template].ami);
    write_state(c, "instanceState", world_seen(&in->state, c->seen_ms));
    xo_text(o, "privateDnsName", dns_name(address, c->arena));
    xo_text(o, "dnsName", "");
    write_end(c, in);
    xo_int(o, "amiLaunchIndex", 0);
    xo_text(o, "instanceType", type->name);
    xo_time(o, "launchTime", in->launched_ms);
    write_placement(c, pool->zone);
    xo_open(o, "monitoring");
    xo_text(o, "state", "disabled");
    xo_close(o, "monitoring");
    xo_text(o, "subnetId", c->view.subnets[in->subnet].id);
    xo_text(o, "vpcId", c->view.subnets[in->subnet].vpc);
    xo_text(o, "privateIpAddress", address);
    xo_text(o, "architecture", type->arch);
    if (in->spot) {
        xo_text(o, "instanceLifecycle", "spot");
        xo_text(o, "spotInstanceRequestId", play_ec2_spot_request_id(c, instance));
    }
    xo_open(o, "tagSet");
    play_ec2_write_tags(c, in->tags, in->tag_count);
    xo_close(o, "tagSet");
    xo_text(o, "hypervisor", "xen");
    xo_bool(o, "ebsOptimized", false);
    xo_text(o, "platformDetails", "Linux/UNIX");
    xo_close(o, "item");
}

static void write_reservation(struct call *c, int instance)
{
    const struct world_instance *in = &c->view.instances[instance];
    xo_open(c->out, "item");
    xo_text(c->out, "reservationId", arena_printf(c->arena, "r-%s", in->id + 2));
    xo_text(c->out, "ownerId", c->region->account);
    xo_open(c->out, "groupSet");
    xo_close(c->out, "groupSet");
    xo_open(c->out, "instancesSet");
    write_instance(c, instance);
    xo_close(c->out, "instancesSet");
    xo_close(c->out, "item");
}

// Calls without filter, ids or paging draw on a smaller bucket of their own.
static bool take_read(struct call *c, enum bucket filtered, enum bucket unfiltered, bool is_filtered)
{
    if (throttle_take(c, is_filtered ? filtered : unfiltered, 1))
        return true;
    call_fail(c, 503, "RequestLimitExceeded", "Request limit exceeded.");
    return false;
}

// Reads what DescribeInstances and DescribeInstanceStatus share: ids, or filters and a page. *ret_ids is NULL without ids.
static bool read_selection(struct call *c, const char *const *names, size_t max_ids, int64_t max_results, struct ec2_filters *filters, struct page *page, int **ret_ids,
                           size_t *ret_id_count)
{
    int *ids = NULL;
    size_t id_count = 0;
    if (!play_ec2_filters(c, names, filters) || !play_ec2_page(c, max_results, 5, 1000, page) || !play_ec2_instance_ids(c, max_ids, &ids, &id_count))
        return false;
    if (id_count > 0 && form_get(&c->form, "MaxResults").ptr != NULL) {
        call_fail(c, 400, "InvalidParameterCombination", "The parameter instancesSet cannot be used with the parameter maxResults");
        return false;
    }
    *ret_ids = id_count > 0 ? ids : NULL;
    *ret_id_count = id_count;
    return true;
}

static bool among(const int *ids, size_t count, int instance)
{
    for (size_t i = 0; i < count; i++)
        if (ids[i] == instance)
            return true;
    return ids == NULL;
}

static bool spans_impaired(struct call *c, const struct ec2_filters *filters, const int *ids, size_t id_count)
{
    for (int i = 0; i < c->view.instance_count && c->region->impaired_zone[0]; i++)
        if (strcmp(c->view.zones[c->view.pools[c->view.instances[i].pool].zone], c->region->impaired_zone) == 0 && play_ec2_visible(c, i) &&
            among(ids, id_count, i) && instance_passes(c, filters, i))
            return true;
    return false;
}

void play_ec2_describe_instances(struct call *c)
{
    struct ec2_filters filters;
    struct page page;
    int *ids = NULL;
    size_t id_count = 0;
    bool narrowed = form_get(&c->form, "Filter.1.Name").ptr != NULL || form_get(&c->form, "InstanceId.1").ptr != NULL ||
                    form_get(&c->form, "MaxResults").ptr != NULL;
    if (!take_read(c, BUCKET_EC2_INSTANCES, BUCKET_EC2_INSTANCES_UNFILTERED, narrowed) ||
        !read_selection(c, instance_filters, 1000, 1000, &filters, &page, &ids, &id_count) || play_ec2_dry_run(c))
        return;
    if (ids != NULL || form_get(&c->form, "MaxResults").ptr == NULL)
        page.limit = INT64_MAX;
    if (spans_impaired(c, &filters, ids, id_count)) {
        call_fail(c, 500, "InternalError", "An internal error has occurred");
        return;
    }
    call_begin_xml(c);
    xo_open(c->out, "reservationSet");
    for (int i = 0; i < c->view.instance_count; i++)
        if (play_ec2_visible(c, i) && among(ids, id_count, i) && instance_passes(c, &filters, i) && page_take(&page, i))
            write_reservation(c, i);
    xo_close(c->out, "reservationSet");
    play_ec2_write_token(c, &page);
    call_end_xml(c);
}

// ---- DescribeInstanceStatus -----------------------------------------------------------------------------------------------
static void write_summary(struct call *c, const char *name)
{
    xo_open(c->out, name);
    xo_text(c->out, "status", "ok");
    xo_open(c->out, "details");
    xo_open(c->out, "item");
    xo_text(c->out, "name", "reachability");
    xo_text(c->out, "status", "passed");
    xo_close(c->out, "item");
    xo_close(c->out, "details");
    xo_close(c->out, name);
}

static void write_events(struct call *c, const struct world_instance *in)
{
    if (in->event == NULL)
        return;
    xo_open(c->out, "eventsSet");
    xo_open(c->out, "item");
    xo_text(c->out, "instanceEventId", arena_printf(c->arena, "instance-event-%s", in->id + 2));
    xo_text(c->out, "code", in->event);
    xo_text(c->out, "description", arena_printf(c->arena, "%sThe instance is running on degraded hardware",
                                                in->event_ms <= c->seen_ms ? "[Completed] " : ""));
    xo_time(c->out, "notBefore", in->event_ms);
    xo_close(c->out, "item");
    xo_close(c->out, "eventsSet");
}

void play_ec2_describe_instance_status(struct call *c)
{
    struct ec2_filters filters;
    struct page page;
    int *ids = NULL;
    size_t id_count = 0;
    bool all = false;
    bool narrowed = form_get(&c->form, "InstanceId.1").ptr != NULL || form_get(&c->form, "MaxResults").ptr != NULL;
    if (!take_read(c, BUCKET_EC2_STATUS, BUCKET_EC2_STATUS_UNFILTERED, narrowed) ||
        !read_selection(c, status_filters, 100, 100, &filters, &page, &ids, &id_count) || !play_ec2_bool(c, "IncludeAllInstances", &all) || play_ec2_dry_run(c))
        return;
    call_begin_xml(c);
    xo_open(c->out, "instanceStatusSet");
    for (int i = 0; i < c->view.instance_count; i++) {
        const struct world_instance *in = &c->view.instances[i];
        if (!play_ec2_visible(c, i) || !among(ids, id_count, i) || !instance_passes(c, &filters, i))
            continue;
        int64_t state = world_seen(&in->state, c->seen_ms);
        if ((!all && state != WL_RUNNING) || !page_take(&page, i))
            continue;
        xo_open(c->out, "item");
        xo_text(c->out, "instanceId", in->id);
        xo_text(c->out, "availabilityZone", c->view.zones[c->view.pools[in->pool].zone]);
        write_state(c, "instanceState", state);
        write_summary(c, "systemStatus");
        write_summary(c, "instanceStatus");
        write_events(c, in);
        xo_close(c->out, "item");
    }
    xo_close(c->out, "instanceStatusSet");
    play_ec2_write_token(c, &page);
    call_end_xml(c);
}

// ---- TerminateInstances ---------------------------------------------------------------------------------------------------
void play_ec2_terminate_instances(struct call *c)
{
    size_t named = 0;
    struct slice *first = form_list(&c->form, "InstanceId", c->arena, &named);
    if (named == 0) {
        call_missing(c, "InstanceId");
        return;
    }
    call_note(c, arena_strndup(c->arena, first[0].ptr, first[0].len), "count=%zu", named);
    int *ids = NULL;
    size_t count = 0;
    if (!play_ec2_instance_ids(c, 1000, &ids, &count) || play_ec2_dry_run(c))
        return;
    if (!throttle_take(c, BUCKET_EC2_TERMINATE_RESOURCES, (double)count)) {
        call_fail(c, 503, "RequestLimitExceeded", "Request limit exceeded.");
        return;
    }
    int64_t *before = arena_array(c->arena, int64_t, count);
    for (size_t i = 0; i < count; i++)
        before[i] = c->view.instances[ids[i]].state.now;
    if (world_terminate(c->world, c->key->actor, ids, (int)count) != WORLD_OK) {
        call_fail(c, 400, "OperationNotPermitted", "The instances may not be terminated.");
        return;
    }
    c->view = world_view(c->world);
    call_begin_xml(c);
    xo_open(c->out, "instancesSet");
    for (size_t i = 0; i < count; i++) {
        xo_open(c->out, "item");
        xo_text(c->out, "instanceId", c->view.instances[ids[i]].id);
        write_state(c, "currentState", c->view.instances[ids[i]].state.now);
        write_state(c, "previousState", before[i]);
        xo_close(c->out, "item");
    }
    xo_close(c->out, "instancesSet");
    call_end_xml(c);
}
