// Resource vectors, what a type registers, the words of the enums, and the plan's JSON.
#include "planner/model/plan.h"

#include <string.h>

#include "base/json.h"
#include "planner/model/model_json.h"
#include "planner/model/names.h"
#include "tests/cm.h"

static void a_need_of_nothing_fits_even_where_room_is_negative(void **state)
{
    (void)state;
    assert_true(res_fits(res_make(512, 0), res_make(512, -100)));
    assert_false(res_fits(res_make(513, 0), res_make(512, 0)));
    assert_int_equal(res_times(res_make(512, 1024), res_make(2048, 3000)), 2);
    assert_int_equal(res_times(res_make(512, 1024), res_make(2048, -1)), 0);
    assert_int_equal(res_times(res_make(0, 0), res_make(0, 0)), INT32_MAX);
    assert_true(res_share(res_make(512, 1024), res_make(1024, 4096)) == 0.5);
}

static void a_type_registers_what_was_seen_else_less_than_its_memory(void **state)
{
    (void)state;
    struct instance_type t = {.name = "c5.large", .arch = "", .nominal = res_make(2048, 4096)};
    assert_true(res_eq(instance_type_capacity(&t), res_make(2048, 3594)));
    t.registered = res_make(2048, 3700);
    assert_true(res_eq(instance_type_capacity(&t), t.registered));
    assert_true(res_is_zero(instance_type_capacity(&(struct instance_type){.name = "x"})));
    assert_int_equal(instance_type_capacity(&(struct instance_type){.nominal = res_make(1024, 100)}).v[RES_MEMORY], 0);
}

static void every_enum_value_has_its_own_word(void **state)
{
    (void)state;
    static const struct {
        const char *const *names;
        int count;
    } lists[] = {
        {source_kind_names, SOURCE_COUNT},     {source_state_names, SOURCE_OK + 1}, {place_kind_names, PLACE_RANDOM + 1},
        {ecs_state_names, ECS_STATE_COUNT},    {ec2_state_names, EC2_STATE_COUNT},  {fleet_state_names, FLEET_STATE_COUNT},
        {drain_state_names, DRAIN_STATE_COUNT}, {memo_stamp_kind_names, STAMP_COUNT}, {action_kind_names, ACTION_COUNT},
        {verdict_code_names, VERDICT_COUNT},   {candidate_kind_names, CANDIDATE_CLUSTER + 1},
    };
    for (size_t l = 0; l < ARRAY_LEN(lists); l++)
        for (int i = 0; i < lists[l].count; i++) {
            assert_non_null(lists[l].names[i]);
            assert_int_equal(name_to_value(lists[l].names, lists[l].count, lists[l].names[i]), i);
        }
    assert_string_equal(ecs_state_name(ECS_DRAINING), "DRAINING");
    assert_string_equal(ec2_state_name(EC2_SHUTTING_DOWN), "shutting-down");
    assert_string_equal(verdict_code_name(VERDICT_COUNT), "unknown");
    assert_string_equal(action_kind_name((enum action_kind)-1), "unknown");
}

static void a_plan_is_one_object_whose_reasons_are_fact_and_verdict(void **state)
{
    (void)state;
    struct instance instances[] = {{.id = "i-1"}};
    struct fleet fleets[] = {{.id = "sfr-1"}};
    struct service services[] = {{.name = "api"}};
    struct shape shapes[] = {{.name = "api:1"}};
    struct snapshot s = {.instances = instances, .instance_count = 1, .fleets = fleets, .fleet_count = 1,
                         .services = services, .service_count = 1, .shapes = shapes, .shape_count = 1};
    struct action actions[] = {
        {.kind = ACTION_SET_TARGET, .target = "sfr-1", .instance = -1, .fleet = 0, .capacity = 5, .target_before = 4, .after = -1,
         .recheck = RECHECK_FLEET_ACTIVE, .fact = "2 tasks fit on 0", .verdict = "launch", .hourly_delta = {184000}},
        {.kind = ACTION_TERMINATE, .target = "i-1", .instance = 0, .fleet = 0, .target_before = 5, .after = 0,
         .recheck = RECHECK_EMPTY | RECHECK_DRAINING, .fact = "empty", .verdict = "end"},
    };
    struct verdict verdicts[] = {
        {.kind = CANDIDATE_FLEET, .code = VERDICT_CAPPED, .target = "sfr-1", .fact = "max 5", .verdict = "5 of 9", .wanted = 9, .allowed = 5}};
    struct demand demands[] = {{.service = 0, .shape = 0, .missing = 2, .ordered = 2, .since_ms = 1000}};
    struct alert alerts[] = {{"demand-incurable", "api", ALERT_WARNING, 2000, "api is too large", "give it less memory"}};
    struct plan p = {.now_ms = INT64_C(1768480496000), .cluster = "web", .mode = "act",
                     .actions = actions, .action_count = 2, .verdicts = verdicts, .verdict_count = 1,
                     .demands = demands, .demand_count = 1, .alerts = alerts, .alert_count = 1, .summary = {.instances = 1, .hourly = {184000}}};
    json_t *j = plan_to_json(&p, &s);
    struct buf b;
    buf_init(&b, 10000);
    json_write(j, &b);
    json_decref(j);
    assert_string_equal(
        buf_str(&b),
        "{\"cluster\":\"web\",\"mode\":\"act\",\"at\":\"2026-01-15T12:34:56Z\",\"summary\":{\"instances\":1,\"active\":0,"
        "\"draining\":0,\"coming\":0,\"interrupted\":0,\"waiting_tasks\":0,\"capacity\":{\"cpu_units\":0,\"memory_mib\":0},"
        "\"reserved\":{\"cpu_units\":0,\"memory_mib\":0},\"need\":{\"cpu_units\":0,\"memory_mib\":0},\"hourly_usd_micro\":184000},"
        "\"actions\":[{\"kind\":\"set_target\",\"target\":\"sfr-1\",\"fleet\":\"sfr-1\",\"capacity\":5,\"before\":4,"
        "\"recheck\":[\"fleet_active\"],\"after\":null,\"reason\":\"2 tasks fit on 0 -> launch\",\"fact\":\"2 tasks fit on 0\","
        "\"verdict\":\"launch\",\"hourly_delta_usd_micro\":184000},"
        "{\"kind\":\"terminate\",\"target\":\"i-1\",\"instance\":\"i-1\",\"fleet\":\"sfr-1\",\"before\":5,"
        "\"recheck\":[\"empty\",\"draining\"],\"after\":0,\"reason\":\"empty -> end\",\"fact\":\"empty\",\"verdict\":\"end\","
        "\"hourly_delta_usd_micro\":0}],"
        "\"verdicts\":[{\"kind\":\"fleet\",\"target\":\"sfr-1\",\"code\":\"capped\",\"reason\":\"max 5 -> 5 of 9\","
        "\"fact\":\"max 5\",\"verdict\":\"5 of 9\",\"wanted\":9,\"allowed\":5}],"
        "\"demands\":[{\"service\":\"api\",\"shape\":\"api:1\",\"missing\":2,\"leaving\":0,\"headroom\":0,\"fits\":0,\"waits\":0,"
        "\"ordered\":2,\"never\":0,\"since\":\"1970-01-01T00:00:01Z\"}],"
        "\"alerts\":[{\"id\":\"demand-incurable\",\"severity\":\"warning\",\"target\":\"api\",\"since\":\"1970-01-01T00:00:02Z\","
        "\"what\":\"api is too large\",\"remedy\":\"give it less memory\"}]}");
    buf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_need_of_nothing_fits_even_where_room_is_negative),
        cmocka_unit_test(a_type_registers_what_was_seen_else_less_than_its_memory),
        cmocka_unit_test(every_enum_value_has_its_own_word),
        cmocka_unit_test(a_plan_is_one_object_whose_reasons_are_fact_and_verdict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
