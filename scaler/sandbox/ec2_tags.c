// Tags of instances and Spot Fleet requests, and the spot requests behind spot instances.
#include "scaler/sandbox/ec2.h"

#include <string.h>

enum { TAGGED_MAX = 1000, TAGS_MAX = 50 };

struct tagging {
    int *instances, *fleets;      // per resource: the one that is not -1
    size_t resource_count;
    const char *keys[TAGS_MAX], *values[TAGS_MAX];  // value NULL: not given
    size_t tag_count;
};

static bool find_resource(struct call *c, struct slice id, struct tagging *t)
{
    const char *name = arena_strndup(c->arena, id.ptr, id.len);
    int instance = -1, fleet = -1;
    if (slice_starts(id, "i-")) {
        instance = world_find_instance(c->world, name);
        if (instance < 0 || !play_ec2_visible(c, instance)) {
            call_fail(c, 400, play_ec2_well_formed(id, "i-") ? "InvalidInstanceID.NotFound" : "InvalidID", "The instance ID '%.80s' does not exist", name);
            return false;
        }
    } else if ((fleet = world_find_fleet(c->world, name)) < 0 || c->view.fleets[fleet].group >= 0) {
        bool known = slice_starts(id, "sfr-") || slice_starts(id, "fleet-");
        call_fail(c, 400, !known ? "InvalidID" : slice_starts(id, "sfr-") ? "InvalidSpotFleetRequestId.NotFound" : "InvalidFleetId.NotFound", "The ID '%.80s' is not valid", name);
        return false;
    }
    t->instances[t->resource_count] = instance;
    t->fleets[t->resource_count++] = fleet;
    return true;
}

static bool read_tags(struct call *c, struct tagging *t)
{
    for (int n = 1; n <= TAGS_MAX + 1; n++) {
        const char *key = form_str(&c->form, arena_printf(c->arena, "Tag.%d.Key", n), c->arena);
        if (key == NULL)
            break;
        bool wrong = t->tag_count == TAGS_MAX || *key == '\0' || strlen(key) > 127;
        if (wrong || strncmp(key, "aws:", 4) == 0) {
            call_fail(c, 400, wrong ? "InvalidParameterValue" : "InvalidParameterValue", "%s",
                      wrong ? "A tag key is empty or too long, or there are too many." : "Tag keys starting with 'aws:' are reserved for internal use");
            return false;
        }
        t->keys[t->tag_count] = key;
        t->values[t->tag_count++] = form_str(&c->form, arena_printf(c->arena, "Tag.%d.Value", n), c->arena);
    }
    return true;
}

static bool read_tagging(struct call *c, struct tagging *t)
{
    size_t count = 0;
    struct slice *ids = form_list(&c->form, "ResourceId", c->arena, &count);
    *t = (struct tagging){.instances = arena_array(c->arena, int, count + 1), .fleets = arena_array(c->arena, int, count + 1)};
    if (count == 0 || count > TAGGED_MAX) {
        call_missing(c, "resourceIdSet");
        return false;
    }
    if (!read_tags(c, t))
        return false;
    call_note(c, arena_strndup(c->arena, ids[0].ptr, ids[0].len), "%s=%s resources=%zu tags=%zu", t->tag_count > 0 ? t->keys[0] : "",
              t->tag_count > 0 && t->values[0] != NULL ? t->values[0] : "", count, t->tag_count);
    for (size_t i = 0; i < count; i++)
        if (!find_resource(c, ids[i], t))
            return false;
    return true;
}

static void write_return(struct call *c)
{
    call_begin_xml(c);
    xo_bool(c->out, "return", true);
    call_end_xml(c);
}

void play_ec2_create_tags(struct call *c)
{
    struct tagging t;
    if (!read_tagging(c, &t))
        return;
    if (t.tag_count == 0) {
        call_missing(c, "tagSet");
        return;
    }
    if (play_ec2_dry_run(c))
        return;
    for (size_t i = 0; i < t.resource_count; i++) {
        for (size_t k = 0; k < t.tag_count; k++) {
            const char *value = t.values[k] != NULL ? t.values[k] : "";
            enum world_answer a = t.instances[i] >= 0 ? world_tag(c->world, c->key->actor, t.instances[i], t.keys[k], value)
                                                      : world_tag_fleet(c->world, c->key->actor, t.fleets[i], t.keys[k], value);
            if (a != WORLD_OK) {
                call_fail(c, 400, a == WORLD_LIMIT ? "TagLimitExceeded" : "InvalidParameterValue", "The tag cannot be set.");
                return;
            }
        }
    }
    write_return(c);
}

void play_ec2_delete_tags(struct call *c)
{
    struct tagging t;
    if (!read_tagging(c, &t) || play_ec2_dry_run(c))
        return;
    for (size_t i = 0; i < t.resource_count; i++) {
        for (size_t k = 0; k < t.tag_count; k++) {
            const char *now = t.instances[i] >= 0
                                  ? world_tag_value(c->view.instances[t.instances[i]].tags, c->view.instances[t.instances[i]].tag_count, t.keys[k])
                                  : world_tag_value(c->view.fleets[t.fleets[i]].tags, c->view.fleets[t.fleets[i]].tag_count, t.keys[k]);
            if (now == NULL || (t.values[k] != NULL && strcmp(now, t.values[k]) != 0))
                continue;  // not there, or another value than the one to delete
            enum world_answer a = t.instances[i] >= 0 ? world_untag(c->world, c->key->actor, t.instances[i], t.keys[k])
                                                      : world_untag_fleet(c->world, c->key->actor, t.fleets[i], t.keys[k]);
            if (a != WORLD_OK) {
                call_fail(c, 400, "InvalidParameterValue", "The tag cannot be deleted.");
                return;
            }
        }
    }
    write_return(c);
}

// ---- DescribeTags ----------------------------------------------------------------------------------------------------------
struct tagged {
    const char *id, *type;
    const struct world_tag *tags;
    int count;
};

static void write_tags_of(struct call *c, const struct tagged *r, const struct ec2_filters *filters, struct page *page, int64_t slot)
{
    for (int i = 0; i < r->count; i++) {
        bool wanted = true;
        for (size_t k = 0; k < filters->count && wanted; k++) {
            const char *name = filters->items[k].name;
            const char *value = strcmp(name, "resource-id") == 0 ? r->id : strcmp(name, "resource-type") == 0 ? r->type
                                : strcmp(name, "key") == 0 ? r->tags[i].key : strcmp(name, "value") == 0 ? r->tags[i].value
                                : strcmp(name + 4, r->tags[i].key) == 0 ? r->tags[i].value : NULL;  // "tag:KEY"
            wanted = play_ec2_filter_matches(&filters->items[k], value);
        }
        if (!wanted || !page_take(page, slot * WORLD_TAGS + i))
            continue;
        xo_open(c->out, "item");
        xo_text(c->out, "resourceId", r->id);
        xo_text(c->out, "resourceType", r->type);
        xo_text(c->out, "key", r->tags[i].key);
        xo_text(c->out, "value", r->tags[i].value);
        xo_close(c->out, "item");
    }
}

void play_ec2_describe_tags(struct call *c)
{
    static const char *const known[] = {"resource-id", "resource-type", "key", "value", "tag:", NULL};
    struct ec2_filters filters;
    struct page page;
    if (!play_ec2_filters(c, known, &filters) || !play_ec2_page(c, 1000, 5, 1000, &page) || play_ec2_dry_run(c))
        return;
    call_begin_xml(c);
    xo_open(c->out, "tagSet");
    for (int i = 0; i < c->view.fleet_count; i++) {
        const struct world_fleet *f = &c->view.fleets[i];
        write_tags_of(c, &(struct tagged){f->id, f->ec2_fleet ? "fleet" : "spot-fleet-request", f->tags, f->tag_count}, &filters, &page, i);
    }
    for (int i = 0; i < c->view.instance_count; i++) {
        const struct world_instance *in = &c->view.instances[i];
        if (play_ec2_visible(c, i))
            write_tags_of(c, &(struct tagged){in->id, "instance", in->tags, in->tag_count}, &filters, &page, c->view.fleet_count + i);
    }
    xo_close(c->out, "tagSet");
    play_ec2_write_token(c, &page);
    call_end_xml(c);
}

// ---- DescribeSpotInstanceRequests -----------------------------------------------------------------------------------------
static const char *request_status(const struct call *c, const struct world_instance *in)
{
    if (in->notice_ms > 0 && in->notice_ms <= c->seen_ms)
        return "instance-terminated-no-capacity";
    if (world_seen(&in->state, c->seen_ms) >= WL_SHUTTING_DOWN && in->end != WEND_NONE)
        return in->end == WEND_BY_ID ? "instance-terminated-by-user" : "instance-terminated-by-service";
    return "fulfilled";
}

void play_ec2_describe_spot_instance_requests(struct call *c)
{
    static const char *const known[] = {"state", "status-code", "instance-id", "spot-instance-request-id", NULL};
    struct ec2_filters filters;
    struct page page;
    size_t id_count = 0;
    struct slice *ids = form_list(&c->form, "SpotInstanceRequestId", c->arena, &id_count);
    if (!play_ec2_filters(c, known, &filters) || !play_ec2_page(c, 1000, 5, 1000, &page) || play_ec2_dry_run(c))
        return;
    call_begin_xml(c);
    xo_open(c->out, "spotInstanceRequestSet");
    for (int i = 0; i < c->view.instance_count; i++) {
        const struct world_instance *in = &c->view.instances[i];
        if (!play_ec2_visible(c, i) || !in->spot)
            continue;
        const char *status = request_status(c, in), *state = strcmp(status, "fulfilled") == 0 ? "active" : "closed";
        const char *id = play_ec2_spot_request_id(c, i);
        bool wanted = id_count == 0;
        for (size_t k = 0; k < id_count; k++)
            wanted = wanted || slice_eq_str(ids[k], id);
        for (size_t k = 0; k < filters.count && wanted; k++) {
            const char *name = filters.items[k].name;
            wanted = play_ec2_filter_matches(&filters.items[k], strcmp(name, "state") == 0 ? state : strcmp(name, "status-code") == 0 ? status
                                                           : strcmp(name, "instance-id") == 0 ? in->id : id);
        }
        if (!wanted || !page_take(&page, i))
            continue;
        if (strcmp(status, "instance-terminated-no-capacity") == 0)
            call_told_notice(c, in->id);
        xo_open(c->out, "item");
        xo_text(c->out, "spotInstanceRequestId", id);
        xo_text(c->out, "state", state);
        xo_open(c->out, "status");
        xo_text(c->out, "code", status);
        xo_time(c->out, "updateTime", in->notice_ms > 0 && in->notice_ms <= c->seen_ms ? in->notice_ms : in->launched_ms);
        xo_text(c->out, "message", "");
        xo_close(c->out, "status");
        xo_text(c->out, "instanceId", in->id);
        xo_time(c->out, "createTime", in->created_ms);
        xo_text(c->out, "launchedAvailabilityZone", c->view.zones[c->view.pools[in->pool].zone]);
        xo_text(c->out, "type", "one-time");
        xo_close(c->out, "item");
    }
    xo_close(c->out, "spotInstanceRequestSet");
    play_ec2_write_token(c, &page);
    call_end_xml(c);
}
