// What gather keeps of types: how many tasks with an address of their own an instance holds.
#include "tests/cm.h"

#include "scaler/gather_region.h"

static int64_t slots(const char *name, int64_t vcpus, int64_t interfaces, bool trunk)
{
    struct cached_type t = {.type = {.name = name, .vcpus = vcpus, .max_network_interfaces = interfaces}, .known = true};
    return region_eni_slots(&t, trunk);
}

// Type, vCPUs, branch interfaces with a trunk as AWS lists them (April 2023).
static void e7_a_trunk_never_promises_more_than_the_type_holds(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int64_t vcpus, listed;
    } types[] = {
        {"c5.large", 2, 10},      {"c5.2xlarge", 8, 40},   {"c5.12xlarge", 48, 60}, {"c5.18xlarge", 72, 120}, {"m5.8xlarge", 32, 60},
        {"m5.12xlarge", 48, 60},  {"m5.16xlarge", 64, 120}, {"c6i.8xlarge", 32, 90}, {"c6i.12xlarge", 48, 120}, {"c6g.medium", 1, 4},
        {"g4ad.xlarge", 4, 12},   {"g4ad.16xlarge", 64, 12}, {"g5.xlarge", 4, 6},    {"g5.2xlarge", 8, 19},    {"g5.4xlarge", 16, 40},
        {"g5.12xlarge", 48, 120}, {"i4i.xlarge", 4, 8},    {"i4i.4xlarge", 16, 58}, {"i4i.32xlarge", 128, 498}, {"x2iedn.xlarge", 4, 13},
        {"u-6tb1.56xlarge", 224, 12}, {"trn1.2xlarge", 8, 19}, {"x2iedn.2xlarge", 8, 29},
    };
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        int64_t n = slots(types[i].name, types[i].vcpus, 4, true);
        if (n <= 0 || n > types[i].listed)
            fail_msg("%s: %d slots, AWS lists %d", types[i].name, (int)n, (int)types[i].listed);
    }
    assert_int_equal(slots("c5.2xlarge", 8, 4, true), 40);
}

static void e7_without_a_trunk_one_interface_is_the_instances_own(void **state)
{
    (void)state;
    assert_int_equal(slots("c5.large", 2, 3, false), 2);
    assert_int_equal(slots("c5.large", 2, 0, false), 0);
    assert_int_equal(region_eni_slots(NULL, true), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(e7_a_trunk_never_promises_more_than_the_type_holds),
        cmocka_unit_test(e7_without_a_trunk_one_interface_is_the_instances_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
