// What ECS reserves for a task: each rule of its scheduler by name, as the client reads it from definitions and tasks.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scaler/aws/ecs_definition.h"
#include "tests/aws/fixture.h"

struct need {
    int64_t cpu, memory, gpu, eni;
};

static void assert_need(struct res r, struct need expected)
{
    assert_int_equal(r.v[RES_CPU], expected.cpu);
    assert_int_equal(r.v[RES_MEMORY], expected.memory);
    assert_int_equal(r.v[RES_GPU], expected.gpu);
    assert_int_equal(r.v[RES_ENI], expected.eni);
}

static struct ecs_task_definition define(struct fixture *f, const char *fields)
{
    struct ecs_task_definition d;
    scripted_add_body(&f->s, arena_printf(&f->arena, "{\"taskDefinition\":{\"taskDefinitionArn\":\"arn:x:task-definition/web:7\",%s}}", fields));
    ecs_describe_task_definition(f->with, "web:7", &d);
    aws_run(f->clients, DEADLINE_MS);
    assert_int_equal(d.call.state, AWS_CALL_COMPLETE);
    return d;
}

struct case_of_definition {
    const char *fields;
    struct need need;
};

static void defined(const struct case_of_definition *cases, size_t count)
{
    struct fixture f;
    fixture_begin(&f);
    for (size_t i = 0; i < count; i++)
        assert_need(define(&f, cases[i].fields).need, cases[i].need);
    fixture_end(&f);
}

// The need of a task with these overrides of a definition.
static struct res overridden(struct fixture *f, const char *definition, const char *overrides)
{
    struct ecs_task_definition d = define(f, definition);
    scripted_add_body(&f->s, arena_printf(&f->arena, "{\"tasks\":[{\"taskArn\":\"t\",\"lastStatus\":\"RUNNING\",\"cpu\":\"7\",\"memory\":\"9\",%s}]}",
                                          overrides));
    const char *arn = "t";
    struct ecs_tasks tasks;
    ecs_describe_tasks(f->with, "rice", &arn, 1, &tasks);
    aws_run(f->clients, DEADLINE_MS);
    assert_int_equal(tasks.call.state, AWS_CALL_COMPLETE);
    return ecs_task_need(&d, &tasks.items[0]);
}

struct case_of_override {
    const char *overrides;
    struct need need;
};

static void replaced(const char *definition, const struct case_of_override *cases, size_t count)
{
    struct fixture f;
    fixture_begin(&f);
    for (size_t i = 0; i < count; i++)
        assert_need(overridden(&f, definition, cases[i].overrides), cases[i].need);
    fixture_end(&f);
}

#define CONTAINER(fields) "{\"name\":\"a\"," fields "}"
#define TWO "\"containerDefinitions\":[{\"name\":\"a\",\"cpu\":100,\"memory\":300},{\"name\":\"b\",\"cpu\":50,\"memory\":900,\"memoryReservation\":200}]"

// ---- CPU and memory ---------------------------------------------------------------------------------------------------------
static void a_tasks_own_cpu_and_memory_win_each_for_itself(void **state)
{
    (void)state;
    static const struct case_of_definition cases[] = {
        {"\"cpu\":\"256\",\"memory\":\"512\"," TWO, {256, 512, 0, 0}},
        {"\"cpu\":\"256\"," TWO, {256, 500, 0, 0}},
        {"\"memory\":\"512\"," TWO, {150, 512, 0, 0}},
        {"\"cpu\":\"64\",\"memory\":\"128\"," TWO, {64, 128, 0, 0}},  // also where it is less than the containers ask
        {"\"cpu\":512,\"memory\":1024," TWO, {512, 1024, 0, 0}},
    };
    defined(cases, ARRAY_LEN(cases));
}

static void without_a_tasks_own_containers_are_summed_and_what_is_absent_is_none(void **state)
{
    (void)state;
    static const struct case_of_definition cases[] = {
        {TWO, {150, 500, 0, 0}},
        {"\"cpu\":\"0\",\"memory\":\"0\"," TWO, {150, 500, 0, 0}},
        {"\"cpu\":null,\"memory\":\"\"," TWO, {150, 500, 0, 0}},
        {"\"containerDefinitions\":[" CONTAINER("\"memory\":128") "]", {0, 128, 0, 0}},
        {"\"containerDefinitions\":[" CONTAINER("\"cpu\":10") "]", {10, 0, 0, 0}},
        {"\"containerDefinitions\":[]", {0, 0, 0, 0}},
    };
    defined(cases, ARRAY_LEN(cases));
}

static void the_soft_memory_limit_is_reserved_before_the_hard_one_container_by_container(void **state)
{
    (void)state;
    static const struct case_of_definition cases[] = {
        {"\"containerDefinitions\":[" CONTAINER("\"memory\":900,\"memoryReservation\":200") "]", {0, 200, 0, 0}},
        {"\"containerDefinitions\":[" CONTAINER("\"memoryReservation\":200") "]", {0, 200, 0, 0}},
        {"\"containerDefinitions\":[" CONTAINER("\"memory\":900,\"memoryReservation\":0") "]", {0, 900, 0, 0}},
        {"\"memory\":\"1000\",\"containerDefinitions\":[" CONTAINER("\"memory\":900,\"memoryReservation\":200") "]", {0, 1000, 0, 0}},
    };
    defined(cases, ARRAY_LEN(cases));
}

static void containers_that_are_not_essential_or_have_exited_count(void **state)
{
    (void)state;
    static const struct case_of_definition cases[] = {
        {"\"containerDefinitions\":[{\"name\":\"init\",\"cpu\":300,\"memory\":400,\"essential\":false},{\"name\":\"a\",\"cpu\":100,\"memory\":200,"
         "\"essential\":true,\"dependsOn\":[{\"containerName\":\"init\",\"condition\":\"SUCCESS\"}]}]", {400, 600, 0, 0}},
    };
    defined(cases, ARRAY_LEN(cases));
}

static void sizes_with_units_are_read(void **state)
{
    (void)state;
    static const struct case_of_definition cases[] = {
        {"\"cpu\":\"1 vCPU\",\"memory\":\"1GB\"," TWO, {1024, 1024, 0, 0}},
        {"\"cpu\":\"0.5 vcpu\",\"memory\":\"0.5 GB\"," TWO, {512, 512, 0, 0}},
        {"\"cpu\":\"0.25vCPU\",\"memory\":\"2gb\"," TWO, {256, 2048, 0, 0}},
        {"\"cpu\":\"1024\",\"memory\":\"3072\"," TWO, {1024, 3072, 0, 0}},
        {"\"cpu\":\"much\",\"memory\":\"-1\"," TWO, {150, 500, 0, 0}},  // no size at all: that of the containers
    };
    defined(cases, ARRAY_LEN(cases));
}

// ---- GPUs and interfaces ----------------------------------------------------------------------------------------------------
static void gpus_of_all_containers_are_summed_and_other_requirements_are_none(void **state)
{
    (void)state;
    static const struct case_of_definition cases[] = {
        {"\"containerDefinitions\":[" CONTAINER("\"resourceRequirements\":[{\"type\":\"GPU\",\"value\":\"2\"}]") ",{\"name\":\"b\",\"essential\":false,"
         "\"resourceRequirements\":[{\"type\":\"GPU\",\"value\":\"1\"}]}]", {0, 0, 3, 0}},
        {"\"containerDefinitions\":[" CONTAINER("\"resourceRequirements\":[{\"type\":\"InferenceAccelerator\",\"value\":\"device_1\"}]") "]",
         {0, 0, 0, 0}},
        {"\"cpu\":\"256\",\"memory\":\"512\",\"containerDefinitions\":[" CONTAINER("\"resourceRequirements\":[{\"type\":\"GPU\",\"value\":\"4\"}]") "]",
         {256, 512, 4, 0}},
    };
    defined(cases, ARRAY_LEN(cases));
}

static void an_awsvpc_task_takes_one_interface_however_many_containers_it_has(void **state)
{
    (void)state;
    static const struct case_of_definition cases[] = {
        {"\"networkMode\":\"awsvpc\"," TWO, {150, 500, 0, 1}},
        {"\"networkMode\":\"bridge\"," TWO, {150, 500, 0, 0}},
        {"\"networkMode\":\"host\"," TWO, {150, 500, 0, 0}},
        {"\"networkMode\":\"none\"," TWO, {150, 500, 0, 0}},
    };
    defined(cases, ARRAY_LEN(cases));
}

// ---- host ports -------------------------------------------------------------------------------------------------------------
static void host_ports_are_those_of_the_network_mode(void **state)
{
    (void)state;
    static const char two[] = "\"containerDefinitions\":[{\"name\":\"a\",\"portMappings\":[{\"containerPort\":80,\"hostPort\":8080},{\"containerPort\":81,"
                              "\"hostPort\":0}]},{\"name\":\"b\",\"essential\":false,\"portMappings\":[{\"containerPort\":82},{\"containerPort\":53,"
                              "\"hostPort\":53,\"protocol\":\"udp\"}]}]";
    static const struct {
        const char *mode;
        size_t count;
        int32_t ports[4];  // UDP ones negative
    } cases[] = {
        {"\"networkMode\":\"bridge\",", 2, {8080, -53}},
        {"", 2, {8080, -53}},  // no mode is bridge
        {"\"networkMode\":\"host\",", 4, {80, 81, 82, -53}},
        {"\"networkMode\":\"awsvpc\",", 0, {0}},
        {"\"networkMode\":\"none\",", 0, {0}},
    };
    struct fixture f;
    fixture_begin(&f);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ecs_task_definition d = define(&f, arena_printf(&f.arena, "%s%s", cases[i].mode, two));
        assert_int_equal(d.port_count, cases[i].count);
        for (size_t p = 0; p < d.port_count; p++)
            assert_int_equal(d.ports[p].udp ? -d.ports[p].port : d.ports[p].port, cases[i].ports[p]);
    }
    fixture_end(&f);
}

// ---- overrides of one task --------------------------------------------------------------------------------------------------
static void what_a_task_tells_of_its_own_size_is_not_an_override(void **state)
{
    (void)state;
    static const struct case_of_override cases[] = {
        {"\"overrides\":{}", {150, 500, 0, 0}},
        {"\"overrides\":{\"containerOverrides\":[{\"name\":\"a\"},{\"name\":\"b\"}],\"inferenceAcceleratorOverrides\":[]}", {150, 500, 0, 0}},
    };
    replaced(TWO, cases, ARRAY_LEN(cases));
}

static void a_containers_overrides_replace_its_numbers_and_nothing_else(void **state)
{
    (void)state;
    static const struct case_of_override cases[] = {
        {"\"overrides\":{\"containerOverrides\":[{\"name\":\"a\",\"cpu\":700}]}", {750, 500, 0, 0}},
        {"\"overrides\":{\"containerOverrides\":[{\"name\":\"a\",\"memory\":400}]}", {150, 600, 0, 0}},
        {"\"overrides\":{\"containerOverrides\":[{\"name\":\"a\",\"memoryReservation\":10}]}", {150, 210, 0, 0}},
        {"\"overrides\":{\"containerOverrides\":[{\"name\":\"b\",\"memory\":5000}]}", {150, 500, 0, 0}},  // its soft limit stands
        {"\"overrides\":{\"containerOverrides\":[{\"name\":\"b\",\"memoryReservation\":333,\"memory\":5000}]}", {150, 633, 0, 0}},
        {"\"overrides\":{\"containerOverrides\":[{\"name\":\"b\",\"cpu\":0}]}", {100, 500, 0, 0}},
        {"\"overrides\":{\"containerOverrides\":[{\"name\":\"of-no-container\",\"cpu\":900}]}", {150, 500, 0, 0}},
    };
    replaced(TWO, cases, ARRAY_LEN(cases));
}

static void a_tasks_overrides_win_over_containers_and_definition(void **state)
{
    (void)state;
    static const struct case_of_override cases[] = {
        {"\"overrides\":{\"cpu\":\"512\"}", {512, 128, 0, 0}},
        {"\"overrides\":{\"memory\":\"2048\"}", {64, 2048, 0, 0}},
        {"\"overrides\":{\"cpu\":\"1 vCPU\",\"memory\":\"1GB\",\"containerOverrides\":[{\"name\":\"a\",\"cpu\":9,\"memory\":9}]}", {1024, 1024, 0, 0}},
        {"\"overrides\":{\"containerOverrides\":[{\"name\":\"a\",\"cpu\":900,\"memory\":900}]}", {64, 128, 0, 0}},  // the task's own stand
    };
    replaced("\"cpu\":\"64\",\"memory\":\"128\"," TWO, cases, ARRAY_LEN(cases));
}

static void gpus_are_replaced_too(void **state)
{
    (void)state;
    static const struct case_of_override cases[] = {
        {"\"overrides\":{\"containerOverrides\":[{\"name\":\"a\",\"resourceRequirements\":[{\"type\":\"GPU\",\"value\":\"3\"}]}]}", {0, 64, 3, 1}},
        {"\"overrides\":{\"containerOverrides\":[{\"name\":\"a\",\"cpu\":5}]}", {5, 64, 1, 1}},
    };
    replaced("\"networkMode\":\"awsvpc\",\"containerDefinitions\":[" CONTAINER("\"memory\":64,\"resourceRequirements\":[{\"type\":\"GPU\",\"value\":\"1\"}]") "]",
             cases, ARRAY_LEN(cases));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tasks_own_cpu_and_memory_win_each_for_itself),
        cmocka_unit_test(without_a_tasks_own_containers_are_summed_and_what_is_absent_is_none),
        cmocka_unit_test(the_soft_memory_limit_is_reserved_before_the_hard_one_container_by_container),
        cmocka_unit_test(containers_that_are_not_essential_or_have_exited_count),
        cmocka_unit_test(sizes_with_units_are_read),
        cmocka_unit_test(gpus_of_all_containers_are_summed_and_other_requirements_are_none),
        cmocka_unit_test(an_awsvpc_task_takes_one_interface_however_many_containers_it_has),
        cmocka_unit_test(host_ports_are_those_of_the_network_mode),
        cmocka_unit_test(what_a_task_tells_of_its_own_size_is_not_an_override),
        cmocka_unit_test(a_containers_overrides_replace_its_numbers_and_nothing_else),
        cmocka_unit_test(a_tasks_overrides_win_over_containers_and_definition),
        cmocka_unit_test(gpus_are_replaced_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
