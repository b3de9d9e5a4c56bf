// What the region sells: instance types, offerings, spot prices, zones and subnets.
#include "scaler/sandbox/ec2.h"

#include <string.h>

const char *play_ec2_zone_id(struct call *c, int zone)
{
    return arena_printf(c->arena, "use1-az%d", zone + 1);
}

static int find_type(const struct call *c, struct slice name)
{
    for (int i = 0; i < c->view.type_count; i++)
        if (slice_eq_str(name, c->view.types[i].name))
            return i;
    return -1;
}

// "InstanceType.N" as a set; false: an unknown one was answered.
static bool read_types(struct call *c, bool **ret_wanted, size_t *ret_count)
{
    size_t count = 0;
    struct slice *names = form_list(&c->form, "InstanceType", c->arena, &count);
    bool *wanted = arena_array(c->arena, bool, (size_t)c->view.type_count + 1);
    if (count > 100) {
        call_fail(c, 400, "InvalidParameterValue", "More than 100 instance types");
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        int type = find_type(c, names[i]);
        if (type < 0) {
            call_fail(c, 400, "InvalidInstanceType", "The following supplied instance types do not exist: [%.*s]",
                      (int)(names[i].len < 60 ? names[i].len : 60), names[i].ptr);
            return false;
        }
        wanted[type] = true;
    }
    *ret_wanted = wanted;
    *ret_count = count;
    return true;
}

static void write_item_list(struct call *c, const char *name, const char *a, const char *b)
{
    xo_open(c->out, name);
    xo_text(c->out, "item", a);
    xo_text(c->out, "item", b);
    xo_close(c->out, name);
}

static void write_type(struct call *c, const struct world_type *t)
{
    struct buf *o = c->out;
    bool arm = strcmp(t->arch, "arm64") == 0;
    xo_open(o, "item");
    xo_text(o, "instanceType", t->name);
    xo_bool(o, "currentGeneration", true);
    write_item_list(c, "supportedUsageClasses", "on-demand", "spot");
    xo_bool(o, "bareMetal", false);
    xo_text(o, "hypervisor", "nitro");
    xo_open(o, "processorInfo");
    write_item_list(c, "supportedArchitectures", t->arch, NULL);
    xo_close(o, "processorInfo");
    xo_open(o, "vCpuInfo");
    xo_int(o, "defaultVCpus", t->vcpus);
    xo_int(o, "defaultCores", arm ? t->vcpus : t->vcpus / 2);
    xo_int(o, "defaultThreadsPerCore", arm ? 1 : 2);
    xo_close(o, "vCpuInfo");
    xo_open(o, "memoryInfo");
    xo_int(o, "sizeInMiB", t->memory_mib);
    xo_close(o, "memoryInfo");
    xo_bool(o, "instanceStorageSupported", false);
    xo_open(o, "networkInfo");
    xo_int(o, "maximumNetworkInterfaces", t->max_enis);
    xo_int(o, "ipv4AddressesPerInterface", 10);
    xo_close(o, "networkInfo");
    if (t->gpus > 0) {
        xo_open(o, "gpuInfo");
        xo_open(o, "gpus");
        xo_open(o, "item");
        xo_int(o, "count", t->gpus);
        xo_close(o, "item");
        xo_close(o, "gpus");
        xo_close(o, "gpuInfo");
    }
    xo_bool(o, "burstablePerformanceSupported", t->name[0] == 't');
    xo_close(o, "item");
}

void play_ec2_describe_instance_types(struct call *c)
{
    static const char *const known[] = {"instance-type", "current-generation", "processor-info.supported-architecture", NULL};
    struct ec2_filters filters;
    struct page page;
    bool *wanted = NULL;
    size_t count = 0;
    if (!play_ec2_filters(c, known, &filters) || !play_ec2_page(c, 100, 5, 100, &page) || !read_types(c, &wanted, &count))
        return;
    if (count > 0 && form_get(&c->form, "MaxResults").ptr != NULL) {
        call_fail(c, 400, "InvalidParameterCombination", "The parameter InstanceTypes cannot be used with the parameter MaxResults");
        return;
    }
    if (play_ec2_dry_run(c))
        return;
    call_begin_xml(c);
    xo_open(c->out, "instanceTypeSet");
    for (int i = 0; i < c->view.type_count; i++) {
        const struct world_type *t = &c->view.types[i];
        bool passes = count == 0 || wanted[i];
        for (size_t k = 0; k < filters.count && passes; k++) {
            const char *name = filters.items[k].name;
            passes = play_ec2_filter_matches(&filters.items[k], strcmp(name, "instance-type") == 0 ? t->name
                                                           : strcmp(name, "current-generation") == 0 ? "true" : t->arch);
        }
        if (passes && page_take(&page, i))
            write_type(c, t);
    }
    xo_close(c->out, "instanceTypeSet");
    play_ec2_write_token(c, &page);
    call_end_xml(c);
}

void play_ec2_describe_instance_type_offerings(struct call *c)
{
    static const char *const known[] = {"instance-type", "location", NULL};
    struct ec2_filters filters;
    struct page page;
    const char *kind = form_str(&c->form, "LocationType", c->arena);
    if (!play_ec2_filters(c, known, &filters) || !play_ec2_page(c, 1000, 5, 1000, &page))
        return;
    if (kind == NULL || strcmp(kind, "availability-zone") != 0) {
        call_fail(c, 400, "InvalidParameterValue", "This sandbox knows offerings by availability-zone only");
        return;
    }
    if (play_ec2_dry_run(c))
        return;
    call_begin_xml(c);
    xo_open(c->out, "instanceTypeOfferingSet");
    for (int i = 0; i < c->view.pool_count; i++) {
        const char *type = c->view.types[c->view.pools[i].type].name, *zone = c->view.zones[c->view.pools[i].zone];
        bool passes = true;
        for (size_t k = 0; k < filters.count; k++)
            passes = passes && play_ec2_filter_matches(&filters.items[k], strcmp(filters.items[k].name, "location") == 0 ? zone : type);
        if (!passes || !page_take(&page, i))
            continue;
        xo_open(c->out, "item");
        xo_text(c->out, "instanceType", type);
        xo_text(c->out, "locationType", kind);
        xo_text(c->out, "location", zone);
        xo_close(c->out, "item");
    }
    xo_close(c->out, "instanceTypeOfferingSet");
    play_ec2_write_token(c, &page);
    call_end_xml(c);
}

static bool linux_asked(struct call *c)
{
    size_t count = 0;
    struct slice *products = form_list(&c->form, "ProductDescription", c->arena, &count);
    for (size_t i = 0; i < count; i++)
        if (slice_eq_str(products[i], "Linux/UNIX") || slice_eq_str(products[i], "Linux/UNIX (Amazon VPC)"))
            return true;
    return count == 0;
}

// The present price of each pool; the world keeps no older ones. The last change before StartTime is part of every answer.
void play_ec2_describe_spot_price_history(struct call *c)
{
    static const char *const known[] = {"availability-zone", "instance-type", "product-description", NULL};
    struct ec2_filters filters;
    struct page page;
    bool *wanted = NULL;
    size_t count = 0;
    int64_t from_ms = 0, to_ms = INT64_MAX;
    const char *zone = form_str(&c->form, "AvailabilityZone", c->arena);
    if (!play_ec2_filters(c, known, &filters) || !play_ec2_page(c, 1000, 1, 1000, &page) || !read_types(c, &wanted, &count) ||
        !play_ec2_time(c, "StartTime", &from_ms, NULL) || !play_ec2_time(c, "EndTime", &to_ms, NULL) || play_ec2_dry_run(c))
        return;
    bool asked = linux_asked(c);
    call_begin_xml(c);
    xo_open(c->out, "spotPriceHistorySet");
    for (int i = 0; asked && i < c->view.pool_count; i++) {
        const struct world_pool *p = &c->view.pools[i];
        const char *type = c->view.types[p->type].name, *where = c->view.zones[p->zone];
        bool passes = (count == 0 || wanted[p->type]) && (zone == NULL || strcmp(zone, where) == 0) && p->price_changed_ms <= to_ms;
        for (size_t k = 0; k < filters.count && passes; k++) {
            const char *name = filters.items[k].name;
            passes = play_ec2_filter_matches(&filters.items[k], strcmp(name, "instance-type") == 0 ? type
                                                           : strcmp(name, "availability-zone") == 0 ? where : "Linux/UNIX");
        }
        if (!passes || !page_take(&page, i))
            continue;
        xo_open(c->out, "item");
        xo_text(c->out, "instanceType", type);
        xo_text(c->out, "productDescription", "Linux/UNIX");
        xo_text(c->out, "spotPrice", arena_printf(c->arena, "%lld.%06lld", (long long)(p->spot_usd_micro / 1000000), (long long)(p->spot_usd_micro % 1000000)));
        xo_time(c->out, "timestamp", p->price_changed_ms);
        xo_text(c->out, "availabilityZone", where);
        xo_close(c->out, "item");
    }
    xo_close(c->out, "spotPriceHistorySet");
    const char *token = page_token(c, &page);
    xo_text(c->out, "nextToken", token != NULL ? token : "");  // this operation ends with an empty one
    call_end_xml(c);
}

void play_ec2_describe_availability_zones(struct call *c)
{
    size_t count = 0;
    struct slice *names = form_list(&c->form, "ZoneName", c->arena, &count);
    if (play_ec2_dry_run(c))
        return;
    call_begin_xml(c);
    xo_open(c->out, "availabilityZoneInfo");
    for (int i = 0; i < c->view.zone_count; i++) {
        bool passes = count == 0;
        for (size_t k = 0; k < count; k++)
            passes = passes || slice_eq_str(names[k], c->view.zones[i]);
        if (!passes)
            continue;
        xo_open(c->out, "item");
        xo_text(c->out, "zoneName", c->view.zones[i]);
        xo_text(c->out, "zoneState", "available");
        xo_text(c->out, "regionName", c->region->name);
        xo_text(c->out, "zoneId", play_ec2_zone_id(c, i));
        xo_text(c->out, "zoneType", "availability-zone");
        xo_text(c->out, "optInStatus", "opt-in-not-required");
        xo_close(c->out, "item");
    }
    xo_close(c->out, "availabilityZoneInfo");
    call_end_xml(c);
}

void play_ec2_describe_regions(struct call *c)
{
    if (play_ec2_dry_run(c))
        return;
    call_begin_xml(c);
    xo_open(c->out, "regionInfo");
    for (int i = 0; i < c->s->region_count; i++) {
        const struct region *r = &c->s->regions[i];
        if (strcmp(r->account, c->region->account) != 0)
            continue;
        xo_open(c->out, "item");
        xo_text(c->out, "regionName", r->name);
        xo_text(c->out, "regionEndpoint", arena_printf(c->arena, "ec2.%s.amazonaws.com", r->name));
        xo_text(c->out, "optInStatus", "opt-in-not-required");
        xo_close(c->out, "item");
    }
    xo_close(c->out, "regionInfo");
    call_end_xml(c);
}

// One subnet a zone.
static bool subnet_exists(const struct call *c, struct slice id)
{
    for (int i = 0; i < c->view.subnet_count; i++)
        if (slice_eq_str(id, c->view.subnets[i].id))
            return true;
    return false;
}

static bool subnet_passes(struct call *c, const struct ec2_filters *filters, const struct slice *ids, size_t count, const struct world_subnet *s)
{
    bool passes = count == 0;
    for (size_t k = 0; k < count; k++)
        passes = passes || slice_eq_str(ids[k], s->id);
    for (size_t k = 0; k < filters->count && passes; k++) {
        const char *name = filters->items[k].name;
        passes = play_ec2_filter_matches(&filters->items[k], strcmp(name, "subnet-id") == 0 ? s->id : strcmp(name, "vpc-id") == 0 ? s->vpc
                                                                                                                : c->view.zones[s->zone]);
    }
    return passes;
}

void play_ec2_describe_subnets(struct call *c)
{
    static const char *const known[] = {"availability-zone", "subnet-id", "vpc-id", NULL};
    struct ec2_filters filters;
    struct page page;
    size_t count = 0;
    struct slice *ids = form_list(&c->form, "SubnetId", c->arena, &count);
    if (!play_ec2_filters(c, known, &filters) || !play_ec2_page(c, 1000, 5, 1000, &page) || play_ec2_dry_run(c))
        return;
    for (size_t k = 0; k < count; k++) {
        if (subnet_exists(c, ids[k]))
            continue;
        call_fail(c, 400, "InvalidSubnetID.NotFound", "The subnet ID '%.*s' does not exist", (int)(ids[k].len < 60 ? ids[k].len : 60), ids[k].ptr);
        return;
    }
    call_begin_xml(c);
    xo_open(c->out, "subnetSet");
    for (int i = 0; i < c->view.subnet_count; i++) {
        const struct world_subnet *s = &c->view.subnets[i];
        if (!subnet_passes(c, &filters, ids, count, s) || !page_take(&page, i))
            continue;
        int32_t left = world_free_addresses(c->world, i);
        xo_open(c->out, "item");
        xo_text(c->out, "subnetId", s->id);
        xo_text(c->out, "state", "available");
        xo_text(c->out, "vpcId", s->vpc);
        xo_text(c->out, "cidrBlock", arena_printf(c->arena, "10.%d.0.0/19", i));
        xo_int(c->out, "availableIpAddressCount", left > 0 ? left : 0);
        xo_text(c->out, "availabilityZone", c->view.zones[s->zone]);
        xo_text(c->out, "availabilityZoneId", play_ec2_zone_id(c, s->zone));
        xo_bool(c->out, "defaultForAz", false);
        xo_close(c->out, "item");
    }
    xo_close(c->out, "subnetSet");
    play_ec2_write_token(c, &page);
    call_end_xml(c);
}
