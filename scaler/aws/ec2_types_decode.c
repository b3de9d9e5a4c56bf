// Answers about instance types: sizes, prices, where they are sold, and which a fleet asks for by attributes.
#include "scaler/aws/ec2_decode.h"

#include "base/parse.h"
#include "scaler/aws/ec2_types.h"

#define GPUS_MAX 10000  // of one kind in an instance: beyond is nonsense

int ec2_decode_offerings(struct aws_job *job, const struct xml_node *root, struct err *err)
{
    (void)err;
    struct ec2_offerings *ret = job->ret;
    struct arena *a = job->with.arena;
    for (const struct xml_node *i = xml_first(root, "instanceTypeOfferingSet", "item"); i; i = xml_next(i)) {
        ret->items = arena_grow(a, ret->items, ret->count, &ret->cap, sizeof *ret->items);
        ret->items[ret->count++] = (struct ec2_offering){xml_text_in(i, "instanceType", a), xml_text_in(i, "location", a)};
    }
    ec2_take_token(job, root);
    return 0;
}

int ec2_decode_scores(struct aws_job *job, const struct xml_node *root, struct err *err)
{
    (void)err;
    struct ec2_scores *ret = job->ret;
    struct arena *a = job->with.arena;
    for (const struct xml_node *i = xml_first(root, "spotPlacementScoreSet", "item"); i; i = xml_next(i)) {
        int64_t score = xml_int(i, "score", 0);
        if (score < 1 || score > 10)
            continue;
        ret->items = arena_grow(a, ret->items, ret->count, &ret->cap, sizeof *ret->items);
        ret->items[ret->count++] = (struct ec2_score){xml_text_in(i, "region", a), xml_text_in(i, "availabilityZoneId", a), (int32_t)score};
    }
    ec2_take_token(job, root);
    return 0;
}

static enum trait_rule trait_of(const struct xml_node *n, const char *path)
{
    const char *word = xml_text(n, path);
    return strcmp(word, "included") == 0 ? TRAIT_INCLUDED : strcmp(word, "required") == 0 ? TRAIT_REQUIRED : TRAIT_EXCLUDED;
}

static const char *const *patterns_of(const struct xml_node *n, const char *set, size_t *ret_count, struct arena *a)
{
    const struct xml_node *first = xml_first(n, set, "item");
    const char **v = arena_array(a, const char *, xml_count(first));
    *ret_count = 0;
    for (const struct xml_node *i = first; i; i = xml_next(i))
        v[(*ret_count)++] = xml_text_in(i, "", a);
    return v;
}

// What is not read here (disks, bandwidth, makers, price protection) only makes the real choice narrower.
const struct type_rules *ec2_type_rules_of(const struct xml_node *override, struct arena *a)
{
    const struct xml_node *n = xml_at(override, "instanceRequirements");
    if (!n)
        return NULL;
    struct type_rules r = type_rules_any();
    r.vcpus_min = xml_int(n, "vCpuCount/min", 0);
    r.vcpus_max = xml_int(n, "vCpuCount/max", 0);
    r.memory_min_mib = xml_int(n, "memoryMiB/min", 0);
    r.memory_max_mib = xml_int(n, "memoryMiB/max", 0);
    r.gpus_max = xml_int(n, "acceleratorCount/max", -1);
    r.burstable = trait_of(n, "burstablePerformance");
    r.bare_metal = trait_of(n, "bareMetal");
    bool current = false, previous = false;
    for (const struct xml_node *i = xml_first(n, "instanceGenerationSet", "item"); i; i = xml_next(i)) {
        current |= strcmp(i->text, "current") == 0;
        previous |= strcmp(i->text, "previous") == 0;
    }
    if (current != previous) {
        r.current = current ? TRAIT_INCLUDED : TRAIT_EXCLUDED;
        r.previous = previous ? TRAIT_INCLUDED : TRAIT_EXCLUDED;
    }
    r.only = patterns_of(n, "allowedInstanceTypeSet", &r.only_count, a);
    r.except = patterns_of(n, "excludedInstanceTypeSet", &r.except_count, a);
    struct type_rules *kept = arena_new(a, struct type_rules);
    *kept = r;
    return kept;
}

static const char *arch_of(const struct xml_node *type)
{
    const struct xml_node *first = xml_first(type, "processorInfo/supportedArchitectures", "item");
    for (const struct xml_node *i = first; i; i = xml_next(i)) {
        if (strcmp(i->text, "x86_64") == 0)
            return "x86_64";
        if (strcmp(i->text, "arm64") == 0)
            return "arm64";
    }
    return "";
}

static bool sells_spot(const struct xml_node *type)
{
    for (const struct xml_node *i = xml_first(type, "supportedUsageClasses", "item"); i; i = xml_next(i))
        if (strcmp(i->text, "spot") == 0)
            return true;
    return false;
}

int ec2_decode_types(struct aws_job *job, const struct xml_node *root, struct err *err)
{
    (void)err;
    struct ec2_types *ret = job->ret;
    struct arena *a = job->with.arena;
    for (const struct xml_node *n = xml_first(root, "instanceTypeSet", "item"); n; n = xml_next(n)) {
        struct ec2_type t = {
            .name = xml_text_in(n, "instanceType", a),
            .arch = arch_of(n),
            .vcpus = xml_int(n, "vCpuInfo/defaultVCpus", 0),
            .memory_mib = xml_int(n, "memoryInfo/sizeInMiB", 0),
            .max_network_interfaces = xml_int(n, "networkInfo/maximumNetworkInterfaces", 0),
            .spot = sells_spot(n),
            .bare_metal = xml_flag(n, "bareMetal", false),
            .current = xml_flag(n, "currentGeneration", true),
            .burstable = xml_flag(n, "burstablePerformanceSupported", false),
        };
        for (const struct xml_node *g = xml_first(n, "gpuInfo/gpus", "item"); g; g = xml_next(g)) {
            int64_t gpus = xml_int(g, "count", 0);
            t.gpus += gpus > 0 && gpus < GPUS_MAX ? gpus : 0;
        }
        ret->items = arena_grow(a, ret->items, ret->count, &ret->cap, sizeof *ret->items);
        ret->items[ret->count++] = t;
    }
    ec2_take_token(job, root);
    return 0;
}

int ec2_decode_prices(struct aws_job *job, const struct xml_node *root, struct err *err)
{
    struct ec2_prices *ret = job->ret;
    struct arena *a = job->with.arena;
    size_t before = ret->count;
    for (const struct xml_node *n = xml_first(root, "spotPriceHistorySet", "item"); n; n = xml_next(n)) {
        struct ec2_price p = {
            .type = xml_text_in(n, "instanceType", a),
            .zone = xml_text_in(n, "availabilityZone", a),
            .product = xml_text_in(n, "productDescription", a),
            .since_ms = xml_time_ms(n, "timestamp"),
        };
        if (!parse_decimal_micro(slice_trim(slice_of(xml_text(n, "spotPrice"))), &p.usd_micro)) {
            ret->count = before;
            return err_set(err, ERR_CORRUPT, "a price that is no number");
        }
        ret->items = arena_grow(a, ret->items, ret->count, &ret->cap, sizeof *ret->items);
        ret->items[ret->count++] = p;
    }
    ec2_take_token(job, root);
    return 0;
}
