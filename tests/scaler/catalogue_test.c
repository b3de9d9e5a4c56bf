// Fleets that say what their types must have: the snapshot has a pool for each type that is meant, in the zones that sell it.
#include "tests/scaler/gather_bed.h"

static struct world *world_of_one_type(void)
{
    struct world *w = calm_world();
    struct world_override o[] = {{world_type_index(w, "m5.xlarge"), 0, 1000}, {world_type_index(w, "m5.xlarge"), 1, 1000}};
    int f = world_add_fleet(w, &(struct world_fleet_spec){.cluster = 0, .target = 1, .overrides = o, .override_count = 2,
                                                          .allocation = WALLOC_LOWEST_PRICE});
    add_host(w, f, 0);
    later(w, 3600000);
    return w;
}

static void ask_by_attributes(struct bed *b, const char *requirements)
{
    bed_say(b, "DescribeSpotFleetRequests", "<instanceType>m5.xlarge</instanceType>", requirements);
}

static bool has_pool(const struct fleet *f, const char *type, const char *zone)
{
    for (size_t k = 0; k < f->pool_count; k++)
        if (strcmp(f->pools[k].type_name, type) == 0 && strcmp(f->pools[k].zone, zone) == 0)
            return true;
    return false;
}

static void a_fleet_that_asks_by_attributes_has_a_pool_for_each_type_it_means_where_it_is_sold(void **state)
{
    (void)state;
    struct bed b;
    bed_open(&b, world_of_one_type());
    ask_by_attributes(&b, "<instanceRequirements><vCpuCount><min>4</min><max>4</max></vCpuCount><memoryMiB><min>1024</min></memoryMiB>"
                          "<excludedInstanceTypeSet><item>c*</item></excludedInstanceTypeSet></instanceRequirements>");
    bed_look(&b);
    const struct fleet *f = &b.s.fleets[0];
    struct world_view v = world_view(b.world);
    size_t meant = 0;
    for (int p = 0; p < v.pool_count; p++) {
        const struct world_type *t = &v.types[v.pools[p].type];
        bool in = t->vcpus == 4 && t->name[0] != 'c' && t->name[0] != 't' && strcmp(t->arch, "x86_64") == 0 && v.pools[p].zone < 2;
        assert_int_equal(has_pool(f, t->name, v.zones[v.pools[p].zone]), in);
        meant += in;
    }
    assert_true(meant > 2);
    assert_int_equal(f->pool_count, meant);
    for (size_t k = 0; k < f->pool_count; k++)
        assert_true(f->pools[k].type >= 0 && b.s.types[f->pools[k].type].nominal.v[RES_CPU] == 4096);
    bed_close(&b);
}

static void the_catalogue_is_read_once_a_day_and_only_where_a_fleet_needs_it(void **state)
{
    (void)state;
    struct bed b;
    bed_open(&b, world_of_one_type());
    for (int i = 0; i < 3; i++)
        bed_look_later(&b, 30000);
    assert_int_equal(bed_calls(&b, "ec2:DescribeInstanceTypeOfferings"), 0);
    ask_by_attributes(&b, "<instanceRequirements><vCpuCount><min>4</min></vCpuCount></instanceRequirements>");
    for (int i = 0; i < 5; i++)
        bed_look_later(&b, 30000);
    assert_int_equal(bed_calls(&b, "ec2:DescribeInstanceTypeOfferings"), 1);
    size_t pools = b.s.fleets[0].pool_count;
    bed_look_later(&b, 86400000);
    assert_int_equal(bed_calls(&b, "ec2:DescribeInstanceTypeOfferings"), 2);
    assert_int_equal(b.s.fleets[0].pool_count, pools);
    bed_close(&b);
}

// What it launches is unknown then, not nothing: its pools stay, without a type.
static void attributes_that_no_type_has_leave_the_pools_unknown(void **state)
{
    (void)state;
    struct bed b;
    bed_open(&b, world_of_one_type());
    ask_by_attributes(&b, "<instanceRequirements><vCpuCount><min>900</min></vCpuCount></instanceRequirements>");
    bed_look(&b);
    assert_int_equal(b.s.fleets[0].pool_count, 2);
    assert_int_equal(b.s.fleets[0].pools[0].type, -1);
    bed_close(&b);
}

static void without_the_permission_the_pools_stay_unknown_and_it_is_said_once(void **state)
{
    (void)state;
    struct bed b;
    bed_open(&b, world_of_one_type());
    struct err err = {0};
    assert_int_equal(sandbox_add_fault(b.sandbox, &(struct sandbox_fault){"ec2:DescribeInstanceTypeOfferings", SANDBOX_FAULT_DENIED, 0, -1}, &err), 0);
    ask_by_attributes(&b, "<instanceRequirements><vCpuCount><min>4</min></vCpuCount></instanceRequirements>");
    bed_look(&b);
    const char *note = gather_note(b.gather);
    assert_non_null(note);
    assert_non_null(strstr(note, "which types the requirements of fleets mean is unknown"));
    assert_null(gather_note(b.gather));
    assert_int_equal(b.s.fleets[0].pools[0].type, -1);
    for (int i = 0; i < 4; i++)
        bed_look_later(&b, 30000);
    assert_null(gather_note(b.gather));
    assert_true(bed_calls(&b, "ec2:DescribeInstanceTypeOfferings") < 4);
    bed_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fleet_that_asks_by_attributes_has_a_pool_for_each_type_it_means_where_it_is_sold),
        cmocka_unit_test(the_catalogue_is_read_once_a_day_and_only_where_a_fleet_needs_it),
        cmocka_unit_test(attributes_that_no_type_has_leave_the_pools_unknown),
        cmocka_unit_test(without_the_permission_the_pools_stay_unknown_and_it_is_said_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
