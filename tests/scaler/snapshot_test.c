// The snapshot as the real gather joins it from the virtual AWS's answers: what each fact becomes, and what is asked how often.
#include "tests/cm.h"

#include "planner/sim/orders.h"
#include "scaler/gather_region.h"
#include "tests/scaler/gather_bed.h"

#define MINUTE_MS INT64_C(60000)

static struct world *world_of_hosts(int hosts)
{
    struct world *w = calm_world();
    int f = add_fleet(w, hosts, "m5.xlarge", 1);
    for (int i = 0; i < hosts; i++)
        add_host(w, f, i % 2);
    return w;
}

// ---- attributes -------------------------------------------------------------------------------------------------------------
static void instances_of_one_place_and_template_share_one_sorted_set_of_attributes(void **state)
{
    (void)state;
    struct bed b;
    bed_open(&b, world_of_hosts(6));
    const struct snapshot *s = bed_look(&b);
    assert_ptr_equal(bed_instance(&b, 0)->attributes, bed_instance(&b, 2)->attributes);
    assert_ptr_equal(bed_instance(&b, 0)->attributes, bed_instance(&b, 4)->attributes);
    assert_ptr_equal(bed_instance(&b, 1)->attributes, bed_instance(&b, 5)->attributes);
    assert_ptr_not_equal(bed_instance(&b, 0)->attributes, bed_instance(&b, 1)->attributes);
    assert_true(s->attribute_set_count <= 3);  // two zones, and the pool of any zone
    for (size_t i = 0; i < s->attribute_set_count; i++)
        for (size_t k = 1; k < s->attribute_sets[i].count; k++)
            assert_true(strcmp(s->attribute_sets[i].v[k - 1].name, s->attribute_sets[i].v[k].name) < 0);
    const struct attribute_set *set = bed_instance(&b, 1)->attributes;
    assert_string_equal(bed_attribute(set, "ecs.instance-type"), "m5.xlarge");
    assert_string_equal(bed_attribute(set, "ecs.availability-zone"), "us-east-1b");
    assert_string_equal(bed_attribute(set, "ecs.subnet-id"), world_view(b.world).subnets[1].id);
    assert_string_equal(bed_attribute(set, "ecs.cpu-architecture"), "x86_64");
    assert_string_equal(bed_attribute(set, "no.such"), "(none)");
    bed_close(&b);
}

static void the_id_of_a_trunk_does_not_part_those_that_have_one(void **state)
{
    (void)state;
    struct world *w = calm_world();
    int t = world_add_template(w, &(struct world_template){.id = "lt-trunk", .ami = "ami-1", .agent_version = "1.90.0", .trunking = true});
    struct world_override o = {world_type_index(w, "m5.xlarge"), 0, 1000};
    int f = world_add_fleet(w, &(struct world_fleet_spec){.cluster = 0, .target = 2, .overrides = &o, .override_count = 1, .template = t});
    add_host(w, f, 0);
    add_host(w, f, 0);
    struct bed b;
    bed_open(&b, w);
    bed_look(&b);
    assert_string_not_equal(host(w, 0).trunk_id, host(w, 1).trunk_id);
    assert_ptr_equal(bed_instance(&b, 0)->attributes, bed_instance(&b, 1)->attributes);
    assert_string_equal(bed_attribute(bed_instance(&b, 0)->attributes, "ecs.awsvpc-trunk-id"), "");
    assert_int_equal(bed_instance(&b, 0)->registered.v[RES_ENI], 20);  // as AWS lists for m5.xlarge with a trunk
    bed_close(&b);
}

static const struct world_attribute blue[] = {{"stack", "blue"}};

// One pool in zone 0 and one in zone 1, from a template that gives an attribute of its own.
static struct world *world_of_blue(int hosts)
{
    struct world *w = calm_world();
    struct world_template t = {.id = "lt-blue", .ami = "ami-1", .agent_version = "1.90.0", .version = 3, .attributes = {blue[0]}, .attribute_count = 1};
    struct world_override o[] = {{world_type_index(w, "m5.xlarge"), 0, 1000}, {world_type_index(w, "c5.xlarge"), 1, 1000}};
    int f = world_add_fleet(w, &(struct world_fleet_spec){.cluster = 0, .target = hosts, .overrides = o, .override_count = 2,
                                                          .template = world_add_template(w, &t)});
    for (int i = 0; i < hosts; i++)
        add_host(w, f, 0);
    return w;
}

static void what_a_member_taught_of_its_pool_outlives_it(void **state)
{
    (void)state;
    struct bed b;
    bed_open(&b, world_of_blue(1));
    const struct fleet_pool *p = bed_look(&b)->fleets[0].pools;
    assert_int_equal(b.s.fleets[0].pool_count, 2);
    assert_string_equal(bed_attribute(p[0].attributes, "stack"), "blue");
    bed_look_later(&b, MINUTE_MS);
    assert_int_equal(world_modify_spot_fleet(b.world, WORLD_PERSON, 0, 0, -1, WX_DEFAULT), WORLD_OK);
    for (int i = 0; i < 100; i++)
        bed_look_later(&b, MINUTE_MS);
    assert_int_equal(b.s.instance_count, 0);
    p = b.s.fleets[0].pools;
    assert_true(p[0].attributes_known);
    assert_string_equal(bed_attribute(p[0].attributes, "stack"), "blue");
    assert_string_equal(bed_attribute(p[0].attributes, "ecs.ami-id"), "ami-1");
    // The other pool has the template, but another place and type.
    assert_false(p[1].attributes_known);
    assert_string_equal(bed_attribute(p[1].attributes, "stack"), "blue");
    assert_string_equal(bed_attribute(p[1].attributes, "ecs.instance-type"), "c5.xlarge");
    assert_string_equal(bed_attribute(p[1].attributes, "ecs.availability-zone"), "us-east-1b");
    assert_string_equal(bed_attribute(p[1].attributes, "ecs.ami-id"), "(none)");
    bed_close(&b);
}

static void a_pool_learns_from_the_member_that_registered_last(void **state)
{
    (void)state;
    struct world *w = world_of_blue(12);
    int newest = 0, between = -1;
    for (int i = 1; i < 12; i++)
        newest = host(w, i).registered_ms > host(w, newest).registered_ms ? i : newest;
    for (int i = newest + 1; i < 12; i++)
        between = host(w, i).registered_ms > host(w, 0).registered_ms ? i : between;
    assert_true(newest > 0 && between > newest);  // told after the newest, older than it, younger than the first
    world_put_attribute(w, WORLD_PERSON, between, "stack", "green");
    struct bed b;
    bed_open(&b, w);
    assert_string_equal(bed_attribute(bed_look(&b)->fleets[0].pools[0].attributes, "stack"), "blue");
    bed_close(&b);
}

static void what_boots_is_expected_to_have_what_its_pool_has(void **state)
{
    (void)state;
    struct world *w = world_of_blue(1);
    later(w, MINUTE_MS);
    assert_int_equal(world_modify_spot_fleet(w, WORLD_PERSON, 0, 3, -1, WX_NO_TERMINATION), WORLD_OK);
    struct bed b;
    bed_open(&b, w);
    int coming = 0;
    for (int i = 0; i < 6; i++) {
        bed_look_later(&b, MINUTE_MS / 4);
        for (size_t k = 0; k < b.s.instance_count; k++) {
            const struct instance *n = &b.s.instances[k];
            if (n->ecs != ECS_UNREGISTERED)
                continue;
            coming++;
            bool known = strcmp(n->type, "m5.xlarge") == 0;  // of the pool that has a registered member
            assert_string_equal(bed_attribute(n->attributes, "stack"), known ? "blue" : "(none)");
            assert_int_equal(n->attributes != NULL, known);
        }
    }
    assert_true(coming > 0);
    bed_close(&b);
}

static void what_the_policy_declares_stands_where_nobody_taught(void **state)
{
    (void)state;
    struct bed b;
    bed_open(&b, world_of_blue(0));
    struct policy_attribute declared[] = {{"tier", "web"}, {"stack", "green"}};
    b.fleets[0].attributes = declared;
    b.fleets[0].attribute_count = 2;
    b.fleets[0].arch = "arm64";
    const struct fleet_pool *p = bed_look(&b)->fleets[0].pools;
    for (int i = 0; i < 2; i++) {
        assert_false(p[i].attributes_known);
        assert_string_equal(bed_attribute(p[i].attributes, "tier"), "web");
        assert_string_equal(bed_attribute(p[i].attributes, "stack"), "green");
        assert_string_equal(bed_attribute(p[i].attributes, "ecs.cpu-architecture"), "arm64");
        assert_string_equal(bed_attribute(p[i].attributes, "ecs.instance-type"), p[i].type_name);
    }
    bed_close(&b);
}

static void what_a_member_taught_wins_over_the_policy(void **state)
{
    (void)state;
    struct bed b;
    bed_open(&b, world_of_blue(1));
    struct policy_attribute declared[] = {{"tier", "web"}, {"stack", "green"}};
    b.fleets[0].attributes = declared;
    b.fleets[0].attribute_count = 2;
    const struct fleet_pool *p = bed_look(&b)->fleets[0].pools;
    assert_string_equal(bed_attribute(p[0].attributes, "stack"), "blue");
    assert_string_equal(bed_attribute(p[0].attributes, "tier"), "web");
    bed_close(&b);
}

// ---- shapes and ports -------------------------------------------------------------------------------------------------------
static bool has_port(struct port_set set, uint32_t number, bool udp)
{
    uint32_t one = port_make(number, udp);
    return port_sets_meet(set, (struct port_set){&one, 1});
}

static void host_ports_are_in_use_where_a_task_holds_them(void **state)
{
    (void)state;
    struct world *w = world_of_hosts(2);
    struct world_taskdef d = {.family = "dns", .need = res_make(128, 128), .start_ms = 1000, .ports = {{53, 53, true}, {8080, 80, false}}, .port_count = 2};
    world_add_service(w, &(struct world_service_spec){.name = "dns", .taskdef = world_add_taskdef(w, &d), .desired = 1, .min_percent = 100, .max_percent = 200});
    later(w, 5 * MINUTE_MS);
    struct bed b;
    bed_open(&b, w);
    bed_look(&b);
    struct port_set need = bed_shape(&b, "dns")->ports;
    assert_int_equal(need.count, 2);
    assert_true(has_port(need, 53, true) && has_port(need, 8080, false));
    int with = tasks_on(w, 0, 0) ? 0 : 1;
    assert_true(has_port(bed_instance(&b, with)->ports, 53, true));
    assert_true(has_port(bed_instance(&b, with)->ports, 8080, false));
    assert_false(has_port(bed_instance(&b, with)->ports, 53, false));
    for (int i = 0; i < 2; i++) {
        struct port_set in_use = bed_instance(&b, i)->ports;
        assert_true(has_port(in_use, 22, false) && has_port(in_use, 51678, false));
        assert_int_equal(port_sets_meet(in_use, need), i == with);
        for (size_t k = 1; k < in_use.count; k++)
            assert_true(in_use.v[k - 1] < in_use.v[k]);
    }
    bed_close(&b);
}

static void rules_of_service_and_definition_are_the_shapes(void **state)
{
    (void)state;
    struct world *w = world_of_hosts(2);
    static const struct world_attribute requires[] = {{"ecs.capability.task-eni", ""}, {"stack", "blue"}};
    struct world_taskdef d = {.family = "web", .need = res_make(128, 128), .network = WN_AWSVPC, .requires = requires, .require_count = 2,
                              .member_of = {"attribute:ecs.os-type == linux"}, .member_of_count = 1};
    d.need.v[RES_ENI] = 1;
    struct world_rules rules = {.member_of = {"attribute:ecs.instance-type =~ m5.*"}, .member_of_count = 1, .distinct_instance = true,
                                .subnets = {2, 0}, .subnet_count = 2, .strategies = {{WS_SPREAD_ATTRIBUTE, "rack"}}, .strategy_count = 1};
    world_add_service(w, &(struct world_service_spec){.name = "web", .taskdef = world_add_taskdef(w, &d), .desired = 1, .min_percent = 100,
                                                      .max_percent = 200, .rules = &rules});
    struct bed b;
    bed_open(&b, w);
    bed_look(&b);
    const struct shape *s = bed_shape(&b, "web");
    assert_int_equal(s->member_of_count, 2);
    assert_string_equal(s->member_of[0], "attribute:ecs.instance-type =~ m5.*");
    assert_string_equal(s->member_of[1], "attribute:ecs.os-type == linux");
    bool blue_required = false, eni_required = false;
    for (size_t i = 0; i < s->required_count; i++) {
        blue_required |= strcmp(s->required[i].name, "stack") == 0 && strcmp(s->required[i].value, "blue") == 0;
        eni_required |= strcmp(s->required[i].name, "ecs.capability.task-eni") == 0 && s->required[i].value[0] == '\0';
    }
    assert_true(blue_required && eni_required);
    assert_true(s->distinct_instance);
    assert_int_equal(s->zone_count, 2);
    assert_string_equal(s->zones[0], "us-east-1a");
    assert_string_equal(s->zones[1], "us-east-1c");
    assert_string_equal(s->vpc, world_view(w).subnets[0].vpc);
    assert_int_equal(s->need.v[RES_ENI], 1);
    assert_string_equal(s->strategies[0].field, "attribute:rack");
    assert_string_equal(s->unmodelled, "");
    bed_close(&b);
}

static void tasks_whose_overrides_differ_only_in_gpus_are_of_different_shapes(void **state)
{
    (void)state;
    struct world *w = calm_world();
    world_add_type(w, &(struct world_type){.name = "g9.xlarge", .arch = "x86_64", .vcpus = 8, .memory_mib = 32768, .max_enis = 4, .gpus = 4,
                                           .on_demand_usd_micro = 1000000});
    struct world_override o = {world_type_index(w, "g9.xlarge"), 0, 1000};
    world_add_fleet(w, &(struct world_fleet_spec){.cluster = 0, .target = 1, .overrides = &o, .override_count = 1});
    int h = world_add_instance(w, 0, 0, o.type, 0);
    static const struct world_container a = {.name = "a", .cpu_units = 128, .memory_mib = 128, .essential = true};
    struct world_taskdef d = {.family = "train", .containers = &a, .container_count = 1};
    int def = world_add_taskdef(w, &d), task, closest;
    enum world_place why;
    for (int gpus = 1; gpus <= 2; gpus++) {
        struct world_container_override c = {.name = "a", .cpu_units = WORLD_LEFT_OUT, .memory_mib = WORLD_LEFT_OUT, .soft_mib = WORLD_LEFT_OUT, .gpus = gpus};
        struct world_task_override own = {WORLD_LEFT_OUT, WORLD_LEFT_OUT, &c, 1};
        assert_int_equal(world_run(w, WORLD_PERSON, &(struct world_run){.cluster = 0, .taskdef = def, .instance = -1, .provider = -1, .override = &own},
                                   &task, &why, &closest), WORLD_OK);
    }
    struct bed b;
    bed_open(&b, w);
    bed_look(&b);
    const struct instance *i = bed_instance(&b, h);
    int64_t gpus = 0;
    for (size_t k = 0; k < i->holding_count; k++)
        gpus += b.s.shapes[i->holdings[k].shape].need.v[RES_GPU] * (i->holdings[k].running + i->holdings[k].pending);
    assert_int_equal(i->registered.v[RES_GPU], 4);
    assert_int_equal(i->remaining.v[RES_GPU], 1);
    assert_int_equal(gpus, 3);
    assert_int_equal(i->holding_count, 2);
    assert_string_not_equal(b.s.shapes[i->holdings[0].shape].name, b.s.shapes[i->holdings[1].shape].name);
    bed_close(&b);
}

// ---- whose business a service is --------------------------------------------------------------------------------------------
static void add_on_provider(struct world *w, const char *name, int provider)
{
    struct world_rules rules = {.shares = {{provider, 1, 2}}, .share_count = 1};
    world_add_service(w, &(struct world_service_spec){.name = name, .taskdef = a_def(w, name, 128, 128), .desired = 1, .min_percent = 100,
                                                      .max_percent = 200, .rules = &rules});
}

static void a_service_of_a_provider_is_ours_where_fleets_of_ours_have_its_instances(void **state)
{
    (void)state;
    struct world *w = world_of_hosts(2);
    int ours = world_add_provider(w, "ours", false), managed = world_add_provider(w, "managed", true);
    int none = world_add_provider(w, "none", false), theirs = world_add_provider(w, "theirs", false);
    add_on_provider(w, "a", ours);
    add_on_provider(w, "b", managed);
    add_on_provider(w, "c", none);
    add_on_provider(w, "d", theirs);
    add_service(w, (struct a_service){.name = "e", .cpu_units = 128, .memory_mib = 128, .desired = 1, .min_percent = 100, .max_percent = 200});
    world_set_provider(w, 0, ours);
    world_set_provider(w, 1, managed);
    int other = add_fleet(w, 1, "m5.xlarge", 1);  // a Spot Fleet that the policy does not name
    world_set_provider(w, add_host(w, other, 0), theirs);
    struct bed b;
    bed_open(&b, w);
    bed_look(&b);
    static const struct {
        const char *name, *not_ours;
    } cases[] = {{"a", ""}, {"b", "provider managed has managed scaling"}, {"c", "provider none has no instance of our fleets"},
                 {"d", "provider theirs has no instance of our fleets"}, {"e", ""}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_string_equal(bed_service(&b, cases[i].name)->not_ours, cases[i].not_ours);
        assert_int_equal(bed_service(&b, cases[i].name)->on_ec2, cases[i].not_ours[0] == '\0');
    }
    assert_int_equal(bed_service(&b, "a")->provider_count, 1);
    assert_string_equal(bed_service(&b, "a")->providers[0].provider, "ours");
    assert_int_equal(bed_service(&b, "a")->providers[0].base, 1);
    assert_int_equal(bed_service(&b, "a")->providers[0].weight, 2);
    assert_int_equal(bed_service(&b, "e")->provider_count, 0);
    assert_string_equal(bed_instance(&b, 0)->provider, "ours");
    bed_close(&b);
}

static void other_launch_types_are_told_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *operation, *from, *to, *not_ours;
    } cases[] = {
        {"DescribeServices", "\"launchType\":\"EC2\"", "\"launchType\":\"FARGATE\"", "Fargate"},
        {"DescribeServices", "\"launchType\":\"EC2\"", "\"launchType\":\"EXTERNAL\"", "launch type EXTERNAL"},
        {"DescribeServices", "\"launchType\":\"EC2\"", "\"capacityProviderStrategy\":[{\"capacityProvider\":\"FARGATE_SPOT\",\"weight\":1,\"base\":0}]",
         "Fargate"},
        {"DescribeServices", "\"launchType\":\"EC2\"", "\"capacityProviderStrategy\":[{\"capacityProvider\":\"gone\",\"weight\":1,\"base\":0}]",
         "provider gone has no instance of our fleets"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct world *w = world_of_hosts(1);
        add_service(w, (struct a_service){.name = "web", .cpu_units = 128, .memory_mib = 128, .desired = 1, .min_percent = 100, .max_percent = 200});
        struct bed b;
        bed_open(&b, w);
        bed_say(&b, cases[i].operation, cases[i].from, cases[i].to);
        bed_look(&b);
        assert_true(b.replaced > 0);
        assert_string_equal(bed_service(&b, "web")->not_ours, cases[i].not_ours);
        assert_false(bed_service(&b, "web")->on_ec2);
        bed_close(&b);
    }
}

static void instances_that_ecs_manages_are_told_by_name(void **state)
{
    (void)state;
    struct world *w = world_of_hosts(1);
    int cp = world_add_provider(w, "mi", false);
    add_on_provider(w, "web", cp);
    world_set_provider(w, 0, cp);
    struct bed b;
    bed_open(&b, w);
    bed_say(&b, "DescribeCapacityProviders", "\"status\":\"ACTIVE\"", "\"status\":\"ACTIVE\",\"type\":\"MANAGED_INSTANCES\"");
    bed_look(&b);
    assert_string_equal(bed_service(&b, "web")->not_ours, "provider mi has instances managed by ECS");
    bed_close(&b);
}

// ---- fleets -----------------------------------------------------------------------------------------------------------------
static void a_pool_whose_subnet_has_no_address_left_is_full_until_it_has_some(void **state)
{
    (void)state;
    struct bed b;
    bed_open(&b, world_of_blue(1));
    const char *a = world_view(b.world).subnets[0].id, *c = world_view(b.world).subnets[2].id;
    // As a fleet in two subnets is described.
    bed_say(&b, "DescribeSpotFleetRequests", "<availabilityZone>us-east-1a</availabilityZone>",
            arena_printf(&b.arena, "<subnetId>%s, %s</subnetId>", a, c));
    const struct fleet *f = bed_look(&b)->fleets;
    assert_int_equal(f->pool_count, 3);
    assert_string_equal(f->pools[0].subnet, a);
    assert_string_equal(f->pools[0].zone, "us-east-1a");
    assert_string_equal(f->pools[1].subnet, c);
    assert_string_equal(f->pools[1].zone, "us-east-1c");
    assert_string_equal(bed_attribute(f->pools[1].attributes, "ecs.vpc-id"), world_view(b.world).subnets[2].vpc);
    assert_false(f->pools[0].subnet_full || f->pools[1].subnet_full);
    assert_int_equal(world_set_addresses(b.world, 2, 0), WORLD_OK);
    f = bed_look_later(&b, 11 * MINUTE_MS)->fleets;
    assert_false(f->pools[0].subnet_full);
    assert_true(f->pools[1].subnet_full);
    assert_int_equal(bed_calls(&b, "ec2:DescribeSubnets"), 2);
    assert_int_equal(world_set_addresses(b.world, 2, 100), WORLD_OK);
    f = bed_look_later(&b, 2 * MINUTE_MS)->fleets;  // a full one is asked for sooner
    assert_false(f->pools[1].subnet_full);
    assert_int_equal(bed_calls(&b, "ec2:DescribeSubnets"), 3);
    bed_close(&b);
}

static void instances_and_pools_tell_their_launch_template(void **state)
{
    (void)state;
    struct bed b;
    bed_open(&b, world_of_blue(2));
    bed_say(&b, "DescribeSpotFleetRequests", "<version>3</version>", "<version>$Latest</version>");
    bed_look(&b);
    assert_string_equal(bed_instance(&b, 0)->launch_template, "lt-blue:3");
    assert_string_equal(b.s.fleets[0].pools[0].launch_template, "lt-blue:3");  // what $Latest was for the newest member
    b.word_count = 0;
    bed_look_later(&b, MINUTE_MS);
    assert_string_equal(b.s.fleets[0].pools[1].launch_template, "lt-blue:3");
    bed_close(&b);
}

static void the_tags_of_a_fleet_say_who_owns_it_and_what_a_person_wants(void **state)
{
    (void)state;
    struct bed b;
    bed_open(&b, world_of_hosts(1));
    assert_string_equal(bed_look(&b)->fleets[0].owner, "");
    assert_string_equal(b.s.fleets[0].control, "");
    world_tag_fleet(b.world, WORLD_PERSON, 0, "masu:owner", "team-a");
    world_tag_fleet(b.world, WORLD_PERSON, 0, "masu:mode", "add-only");
    bed_look_later(&b, MINUTE_MS);
    assert_string_equal(b.s.fleets[0].owner, "team-a");
    assert_string_equal(b.s.fleets[0].control, "add-only");
    world_untag_fleet(b.world, WORLD_PERSON, 0, "masu:mode");
    assert_string_equal(bed_look_later(&b, MINUTE_MS)->fleets[0].control, "");
    bed_close(&b);
}

static void on_scaling(void *good, const struct aws_response *r)
{
    if (r->err.kind != ERR_OK)
        print_message("%s\n", r->err.msg);
    *(bool *)good = r->err.kind == ERR_OK;
}

static void ask_scaling(struct bed *b, const char *operation, const char *more)
{
    struct buf body;
    buf_init(&body, 4096);
    buf_printf(&body, "{\"ServiceNamespace\":\"ec2\",\"ScalableDimension\":\"ec2:spot-fleet-request:TargetCapacity\",\"ResourceId\":\"spot-fleet-request/%s\"%s}",
               b->fleets[0].id, more);
    bool good = false;
    aws_submit(region_aws(b->region), &(struct aws_request){.service = AWS_APPLICATION_AUTOSCALING, .operation = operation,
                                                            .body = {buf_str(&body), body.len}, .mutating = true}, on_scaling, &good);
    aws_run(b->clients, clock_wall_ms(&b->clock) + MINUTE_MS);
    buf_release(&body);
    assert_true(good);
}

static void h4_another_scaler_of_a_fleet_is_told_with_words(void **state)
{
    (void)state;
    struct bed b;
    bed_open(&b, world_of_hosts(1));
    assert_false(bed_look(&b)->fleets[0].foreign_scaling);
    assert_string_equal(b.s.fleets[0].foreign, "");
    ask_scaling(&b, "RegisterScalableTarget", ",\"MinCapacity\":2,\"MaxCapacity\":9");
    bed_look_later(&b, 61 * MINUTE_MS);  // asked for each hour
    assert_true(b.s.fleets[0].foreign_scaling);
    assert_string_equal(b.s.fleets[0].foreign, "Application Auto Scaling, a scalable target of 2 to 9");
    ask_scaling(&b, "PutScalingPolicy",
                ",\"PolicyName\":\"cpu70\",\"PolicyType\":\"TargetTrackingScaling\",\"TargetTrackingScalingPolicyConfiguration\":{\"TargetValue\":70}");
    bed_look_later(&b, 61 * MINUTE_MS);
    assert_string_equal(b.s.fleets[0].foreign, "Application Auto Scaling, policy cpu70 (TargetTrackingScaling)");
    ask_scaling(&b, "DeregisterScalableTarget", "");
    bed_look_later(&b, 61 * MINUTE_MS);
    assert_false(b.s.fleets[0].foreign_scaling);
    bed_close(&b);
}

static void j4_a_denied_write_is_told_of_the_fleet_until_one_succeeds(void **state)
{
    (void)state;
    struct bed b;
    struct err err = {0};
    bed_open(&b, world_of_hosts(1));
    bed_look(&b);
    struct aws_executor e = {.region = b.region, .gather = b.gather, .cluster = "main", .clock = &b.clock};
    struct executor x = executor_aws(&e);
    struct action a = {.kind = ACTION_SET_TARGET, .target = b.fleets[0].id, .instance = -1, .fleet = 0, .capacity = 2, .target_before = 1, .after = -1};
    assert_int_equal(sandbox_add_fault(b.sandbox, &(struct sandbox_fault){"ec2:ModifySpotFleetRequest", SANDBOX_FAULT_DENIED, 0, 1}, &err), 0);
    assert_int_equal(x.apply(x.arg, &b.s, &a, &err), ERR_DENIED);
    assert_string_equal(bed_look_later(&b, MINUTE_MS)->fleets[0].denied, "ec2:ModifySpotFleetRequest");
    assert_string_equal(bed_look_later(&b, 60 * MINUTE_MS)->fleets[0].denied, "ec2:ModifySpotFleetRequest");
    assert_int_equal(x.apply(x.arg, &b.s, &a, &err), 0);
    bed_look_later(&b, MINUTE_MS);
    assert_string_equal(b.s.fleets[0].denied, "");
    assert_int_equal(b.s.fleets[0].target, 2);
    bed_close(&b);
}

// ---- instances --------------------------------------------------------------------------------------------------------------
static void what_was_registered_once_is_known_to_have_been(void **state)
{
    (void)state;
    struct world *w = world_of_hosts(2);
    struct bed b;
    bed_open(&b, w);
    bed_look(&b);
    assert_true(bed_instance(&b, 0)->ever_registered);
    assert_int_equal(world_deregister(w, WORLD_PERSON, 0, 0, true), WORLD_OK);
    for (int i = 0; i < 6; i++)
        bed_look_later(&b, MINUTE_MS);
    assert_int_equal(bed_instance(&b, 0)->ecs, ECS_UNREGISTERED);
    assert_true(bed_instance(&b, 0)->ever_registered);
    bed_close(&b);
}

static void what_never_registered_is_known_to_have_not(void **state)
{
    (void)state;
    struct world *w = world_of_hosts(1);
    world_break_registration(w, 0, -1, true);
    later(w, MINUTE_MS);
    assert_int_equal(world_modify_spot_fleet(w, WORLD_PERSON, 0, 2, -1, WX_NO_TERMINATION), WORLD_OK);
    struct bed b;
    bed_open(&b, w);
    for (int i = 0; i < 10; i++)
        bed_look_later(&b, MINUTE_MS);
    assert_int_equal(b.s.instance_count, 2);
    assert_int_equal(bed_instance(&b, 1)->ecs, ECS_UNREGISTERED);
    assert_int_equal(bed_instance(&b, 1)->ec2, EC2_RUNNING);
    assert_false(bed_instance(&b, 1)->ever_registered);
    assert_string_equal(bed_instance(&b, 1)->elsewhere, "");
    bed_close(&b);
}

static void e3_a_member_that_registered_in_another_cluster_is_told_with_its_name(void **state)
{
    (void)state;
    struct world *w = world_of_hosts(1);
    struct err err = {0};
    struct snapshot theirs;
    int other = world_add_cluster(w, "other");
    int lost = world_add_instance(w, other, 0, world_type_index(w, "m5.xlarge"), 0);
    struct bed b;
    bed_open(&b, w);
    struct gather *g = gather_new(b.region, &b.clock, "other");
    struct policy_fleet fleet_of_other = {.id = "sfr-00000000-0000-4000-8000-000000000000", .max = 1, .arch = ""};
    struct policy_cluster p = b.policy;
    p.name = "other";
    p.fleets = &fleet_of_other;
    assert_string_equal((bed_look(&b), bed_instance(&b, lost))->elsewhere, "");  // the other one was not looked at yet
    assert_int_equal(gather_look(g, &p, 20000, &b.arena, &theirs, &err), 0);
    bed_look_later(&b, MINUTE_MS);
    assert_string_equal(bed_instance(&b, lost)->elsewhere, "other");
    assert_int_equal(bed_instance(&b, lost)->ecs, ECS_UNREGISTERED);
    assert_int_equal(bed_instance(&b, lost)->fleet, 0);
    assert_string_equal(bed_instance(&b, 0)->elsewhere, "");
    gather_free(g);
    bed_look_later(&b, MINUTE_MS);
    assert_string_equal(bed_instance(&b, lost)->elsewhere, "");  // nobody watches the other one any more
    bed_close(&b);
}

static void c11_a_volume_that_came_after_the_launch_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *attached, *status;
        bool told;
    } cases[] = {{"2026-01-12T00:00:00Z", "attached", true}, {"2026-01-12T00:00:00Z", "detached", false}, {"2020-01-01T00:00:00Z", "attached", false}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct bed b;
        bed_open(&b, world_of_hosts(1));
        bed_say(&b, "DescribeInstances", "<amiLaunchIndex>",
                arena_printf(&b.arena, "<blockDeviceMapping><item><deviceName>/dev/xvdf</deviceName><ebs><volumeId>vol-1</volumeId><status>%s</status>"
                                       "<attachTime>%s</attachTime></ebs></item></blockDeviceMapping><amiLaunchIndex>", cases[i].status, cases[i].attached));
        bed_look(&b);
        assert_true(b.replaced > 0);
        assert_int_equal(bed_instance(&b, 0)->volume_attached, cases[i].told);
        bed_close(&b);
    }
}

// ---- what is asked how often ------------------------------------------------------------------------------------------------
static void what_seldom_changes_is_not_asked_in_every_look(void **state)
{
    (void)state;
    struct world *w = world_of_blue(2);
    int cp = world_add_provider(w, "cp", false);
    add_on_provider(w, "web", cp);
    world_set_provider(w, 0, cp);
    struct bed b;
    bed_open(&b, w);
    bed_say(&b, "DescribeSpotFleetRequests", "<availabilityZone>us-east-1a</availabilityZone>",
            arena_printf(&b.arena, "<subnetId>%s</subnetId>", world_view(w).subnets[0].id));
    static const struct {
        const char *operation;
        int64_t in_9_minutes, in_59_minutes;
    } cases[] = {{"ec2:DescribeSubnets", 1, 6}, {"ecs:DescribeCapacityProviders", 1, 6}, {"application-autoscaling:DescribeScalableTargets", 1, 1},
                 {"ec2:DescribeInstanceTypes", 1, 1}, {"ec2:DescribeSpotPriceHistory", 1, 1}, {"ecs:DescribeTaskDefinition", 1, 1},
                 {"sts:GetCallerIdentity", 1, 1}, {"application-autoscaling:DescribeScalingPolicies", 0, 0}};
    for (int i = 0; i < 60; i++) {
        bed_look_later(&b, MINUTE_MS);
        if (i != 9 && i != 59)
            continue;
        for (size_t k = 0; k < ARRAY_LEN(cases); k++) {
            int64_t most = i == 9 ? cases[k].in_9_minutes : cases[k].in_59_minutes, calls = bed_calls(&b, cases[k].operation);
            if (calls > most || (most > 0 && calls == 0))
                fail_msg("%s: %d calls in %d looks", cases[k].operation, (int)calls, i + 1);
        }
    }
    bed_close(&b);
}

static void what_aws_refuses_to_tell_is_planned_without_and_said_once(void **state)
{
    (void)state;
    static const struct {
        const char *operation, *words;
    } cases[] = {{"ec2:DescribeSubnets", "whether subnets have addresses left is unknown, planned without -> DescribeSubnets"},
                 {"ecs:DescribeCapacityProviders", "who scales the instances of capacity providers is unknown, planned without -> DescribeCapacityProviders"},
                 {"application-autoscaling:DescribeScalableTargets", "whether somebody else scales the fleets is unknown, planned without -> DescribeScalableTargets"}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err err = {0};
        struct world *w = world_of_blue(1);
        int cp = world_add_provider(w, "cp", false);
        add_on_provider(w, "web", cp);
        world_set_provider(w, 0, cp);
        struct bed b;
        bed_open(&b, w);
        bed_say(&b, "DescribeSpotFleetRequests", "<availabilityZone>us-east-1a</availabilityZone>",
                arena_printf(&b.arena, "<subnetId>%s</subnetId>", world_view(w).subnets[0].id));
        assert_int_equal(sandbox_add_fault(b.sandbox, &(struct sandbox_fault){cases[i].operation, SANDBOX_FAULT_DENIED, 0, -1}, &err), 0);
        bed_look(&b);  // every source is OK all the same
        const char *note = gather_note(b.gather);
        assert_non_null(note);
        assert_int_equal(strncmp(note, cases[i].words, strlen(cases[i].words)), 0);
        assert_null(gather_note(b.gather));
        for (int k = 0; k < 25; k++)
            bed_look_later(&b, MINUTE_MS);
        assert_null(gather_note(b.gather));
        assert_true(bed_calls(&b, cases[i].operation) >= 2 && bed_calls(&b, cases[i].operation) <= 3);  // each ten minutes
        bool on_ec2 = strcmp(cases[i].operation, "ecs:DescribeCapacityProviders") != 0;
        assert_string_equal(bed_service(&b, "web")->not_ours, on_ec2 ? "" : "who scales provider cp is unknown");
        sandbox_clear_faults(b.sandbox);
        bed_look_later(&b, 11 * MINUTE_MS);
        assert_string_equal(bed_service(&b, "web")->not_ours, "");
        bed_close(&b);
    }
}

static void clusters_of_a_region_share_what_is_asked_of_the_account(void **state)
{
    (void)state;
    struct err err = {0};
    struct snapshot theirs;
    struct world *w = world_of_hosts(1);
    world_add_cluster(w, "other");
    struct bed b;
    bed_open(&b, w);
    struct gather *g = gather_new(b.region, &b.clock, "other");
    struct policy_cluster p = b.policy;
    p.name = "other";
    bed_look(&b);
    assert_int_equal(gather_look(g, &p, 20000, &b.arena, &theirs, &err), 0);
    static const char *const once[] = {"sts:GetCallerIdentity", "ec2:DescribeSpotFleetRequests", "ec2:DescribeInstanceTypes",
                                       "ec2:DescribeSpotPriceHistory", "application-autoscaling:DescribeScalableTargets"};
    for (size_t i = 0; i < ARRAY_LEN(once); i++)
        if (bed_calls(&b, once[i]) != 1)
            fail_msg("%s: %d calls", once[i], (int)bed_calls(&b, once[i]));
    assert_int_equal(theirs.fleets[0].target, b.s.fleets[0].target);
    assert_int_equal(theirs.types[0].spot_usd_micro, b.s.types[0].spot_usd_micro);
    gather_free(g);
    bed_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(instances_of_one_place_and_template_share_one_sorted_set_of_attributes),
        cmocka_unit_test(the_id_of_a_trunk_does_not_part_those_that_have_one),
        cmocka_unit_test(what_a_member_taught_of_its_pool_outlives_it),
        cmocka_unit_test(a_pool_learns_from_the_member_that_registered_last),
        cmocka_unit_test(what_boots_is_expected_to_have_what_its_pool_has),
        cmocka_unit_test(what_the_policy_declares_stands_where_nobody_taught),
        cmocka_unit_test(what_a_member_taught_wins_over_the_policy),
        cmocka_unit_test(host_ports_are_in_use_where_a_task_holds_them),
        cmocka_unit_test(rules_of_service_and_definition_are_the_shapes),
        cmocka_unit_test(tasks_whose_overrides_differ_only_in_gpus_are_of_different_shapes),
        cmocka_unit_test(a_service_of_a_provider_is_ours_where_fleets_of_ours_have_its_instances),
        cmocka_unit_test(other_launch_types_are_told_by_name),
        cmocka_unit_test(instances_that_ecs_manages_are_told_by_name),
        cmocka_unit_test(a_pool_whose_subnet_has_no_address_left_is_full_until_it_has_some),
        cmocka_unit_test(instances_and_pools_tell_their_launch_template),
        cmocka_unit_test(the_tags_of_a_fleet_say_who_owns_it_and_what_a_person_wants),
        cmocka_unit_test(h4_another_scaler_of_a_fleet_is_told_with_words),
        cmocka_unit_test(j4_a_denied_write_is_told_of_the_fleet_until_one_succeeds),
        cmocka_unit_test(what_was_registered_once_is_known_to_have_been),
        cmocka_unit_test(what_never_registered_is_known_to_have_not),
        cmocka_unit_test(e3_a_member_that_registered_in_another_cluster_is_told_with_its_name),
        cmocka_unit_test(c11_a_volume_that_came_after_the_launch_is_told),
        cmocka_unit_test(what_seldom_changes_is_not_asked_in_every_look),
        cmocka_unit_test(what_aws_refuses_to_tell_is_planned_without_and_said_once),
        cmocka_unit_test(clusters_of_a_region_share_what_is_asked_of_the_account),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
