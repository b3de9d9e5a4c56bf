// The token buckets against the shared facts, where they are there, and as they are felt.
#include "tests/sandbox/rig.h"

#include "base/json.h"
#include "tests/aws/files.h"

static json_t *limits(struct arena *a)
{
    const char *path = file_shared(a, "aws/limits.json");
    json_t *root = NULL;
    struct err err = {0};
    if (path != NULL)
        assert_int_equal(json_parse(file_read(a, path), "limits.json", &root, &err), 0);
    return root;
}

static bool same(const json_t *documented, const struct sandbox_bucket *b)
{
    return b->burst == json_number_value(json_object_get(documented, "burst")) && b->refill_s == json_number_value(json_object_get(documented, "refill"));
}

static void every_ecs_operation_is_in_its_documented_bucket(const json_t *root)
{
    const char *name;
    json_t *bucket;
    int seen = 0;
    json_object_foreach(json_object_get(json_object_get(root, "ecs"), "buckets"), name, bucket) {
        const json_t *ops = json_object_get(bucket, "ops");
        int shared = -1;
        for (size_t i = 0; i < json_array_size(ops); i++) {
            char op[80];
            struct sandbox_bucket b;
            snprintf(op, sizeof op, "ecs:%s", json_string_value(json_array_get(ops, i)));
            if (!sandbox_bucket_of(op, &b))
                continue;
            seen++;
            if (!same(bucket, &b))
                print_message("%s: %g/%g, documented in %s\n", op, b.burst, b.refill_s, name);
            assert_true(same(bucket, &b));
            assert_true(shared < 0 || shared == b.id);
            shared = b.id;
        }
    }
    assert_true(seen >= 14);
}

// An EC2 operation is listed by itself, or is of a category by what it does.
static const json_t *ec2_size(const json_t *ec2, const char *op)
{
    const json_t *own = json_object_get(json_object_get(ec2, "own"), op), *categories = json_object_get(ec2, "categories");
    const char *category = json_string_value(json_object_get(json_object_get(ec2, "byCategory"), op));
    if (own != NULL)
        return own;
    if (category == NULL)
        category = strncmp(op, "Describe", 8) == 0 || strncmp(op, "Get", 3) == 0 ? "nonMutating" : "mutating";
    return json_object_get(categories, category);
}

static void every_ec2_operation_has_its_documented_bucket(const json_t *root)
{
    static const char *const OPS[] = {
        "DescribeInstances", "DescribeInstanceStatus", "DescribeSpotInstanceRequests", "TerminateInstances", "CreateTags", "DeleteTags",
        "DescribeSpotFleetRequests", "DescribeSpotFleetInstances", "DescribeSpotFleetRequestHistory", "ModifySpotFleetRequest",
        "DescribeInstanceTypes", "DescribeInstanceTypeOfferings", "DescribeSpotPriceHistory", "DescribeAvailabilityZones", "DescribeRegions",
        "DescribeSubnets", "DescribeLaunchTemplateVersions",
    };
    int ids[ARRAY_LEN(OPS)] = {0};
    for (size_t i = 0; i < ARRAY_LEN(OPS); i++) {
        char op[80];
        struct sandbox_bucket b;
        snprintf(op, sizeof op, "ec2:%s", OPS[i]);
        assert_true(sandbox_bucket_of(op, &b));
        const json_t *size = ec2_size(json_object_get(root, "ec2"), OPS[i]);
        if (!same(size, &b))
            print_message("%s: %g/%g\n", op, b.burst, b.refill_s);
        assert_true(same(size, &b));
        for (size_t k = 0; k < i; k++)
            assert_int_not_equal(ids[k], b.id);  // EC2: one each
        ids[i] = b.id;
    }
}

static void buckets_are_as_documented(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 0);
    json_t *root = limits(&a);
    if (root == NULL) {
        arena_release(&a);
        skip();
    }
    every_ecs_operation_is_in_its_documented_bucket(root);
    every_ec2_operation_has_its_documented_bucket(root);
    json_decref(root);
    arena_release(&a);
}

static int until_refused(struct rig *r)
{
    for (int n = 0;; n++) {
        struct rig_answer a = rig_ecs(r, "ListClusters", "{}", NULL);
        bool refused = a.status != 200;
        if (refused)
            assert_string_equal(a.code, "ThrottlingException");
        rig_done(&a);
        if (refused)
            return n;
    }
}

static void a_bucket_gives_its_burst_and_then_its_refill(void **state)
{
    (void)state;
    struct rig r;
    struct sandbox_bucket b;
    rig_start(&r, &(struct sandbox_options){0});
    assert_true(sandbox_bucket_of("ecs:ListClusters", &b));
    assert_false(sandbox_bucket_of("ecs:MakeCoffee", &b));
    assert_int_equal(until_refused(&r), (int)b.burst);
    rig_pass(&r, 1500);
    assert_int_equal(until_refused(&r), (int)(b.refill_s * 1.5));
    rig_stop(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buckets_are_as_documented),
        cmocka_unit_test(a_bucket_gives_its_burst_and_then_its_refill),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
