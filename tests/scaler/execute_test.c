// The AWS executor: what is read again right before ghosts, orphans and claims, and the one call that follows.
#include "tests/cm.h"

#include "scaler/execute.h"
#include "scaler/gather_internal.h"
#include "tests/aws/fixture.h"

#define FLEET "<DescribeSpotFleetRequestsResponse><spotFleetRequestConfigSet><item><spotFleetRequestId>sfr-1</spotFleetRequestId>" \
              "<spotFleetRequestState>active</spotFleetRequestState><spotFleetRequestConfig><targetCapacity>1</targetCapacity>"    \
              "</spotFleetRequestConfig>%s</item></spotFleetRequestConfigSet></DescribeSpotFleetRequestsResponse>"
#define OWNER(name) "<tagSet><item><key>masu:owner</key><value>" name "</value></item></tagSet>"
#define INSTANCE(code, name) "<DescribeInstancesResponse><reservationSet><item><instancesSet><item><instanceId>i-1</instanceId><instanceState>" \
                             "<code>" code "</code><name>" name "</name></instanceState></item></instancesSet></item></reservationSet>"         \
                             "</DescribeInstancesResponse>"

struct bed {
    struct fixture f;
    struct region *region;
    struct aws_executor aws;
    struct executor executor;
    struct instance instance;
    struct fleet fleet;
    struct snapshot s;
};

static void bed_open(struct bed *b)
{
    struct err err = {0};
    *b = (struct bed){.instance = {.id = "i-1", .arn = "arn:ci"}, .fleet = {.id = "sfr-1"}};
    fixture_begin(&b->f);
    assert_int_equal(region_new(b->f.clients, "", "eu-west-1", &b->region, &err), 0);
    b->aws = (struct aws_executor){.region = b->region, .cluster = "rice", .clock = &b->f.s.clock};
    b->executor = executor_aws(&b->aws);
    b->s = (struct snapshot){.owner = "masu", .instances = &b->instance, .instance_count = 1, .fleets = &b->fleet, .fleet_count = 1};
}

static void bed_close(struct bed *b)
{
    region_free(b->region);
    fixture_end(&b->f);
}

static struct action action_of(enum action_kind kind, unsigned recheck)
{
    bool claim = kind == ACTION_CLAIM;
    return (struct action){.kind = kind, .target = claim ? "sfr-1" : "i-1", .instance = claim ? -1 : 0, .fleet = 0, .value = "masu",
                           .recheck = recheck, .after = -1};
}

// The re-check of one action against one answer.
static int rechecked(enum action_kind kind, unsigned recheck, int status, const char *body)
{
    struct bed b;
    struct err err = {0};
    bed_open(&b);
    scripted_add(&b.f.s, (struct scripted_reply){.status = status, .body = body});
    struct action a = action_of(kind, recheck);
    int rc = b.executor.recheck(b.executor.arg, &b.s, &a, &err);
    assert_int_equal(b.f.s.request_count, 1);
    bed_close(&b);
    return rc;
}

static void e2_an_orphan_is_ended_only_where_ecs_asked_by_id_knows_none(void **state)
{
    (void)state;
    assert_int_equal(rechecked(ACTION_TERMINATE, RECHECK_UNREGISTERED, 200, "{\"containerInstanceArns\":[]}"), 0);
    assert_int_equal(rechecked(ACTION_TERMINATE, RECHECK_UNREGISTERED, 200, "{\"containerInstanceArns\":[\"arn:ci\"]}"), ERR_CONFLICT);
    assert_int_equal(rechecked(ACTION_TERMINATE, RECHECK_UNREGISTERED, 400, "{\"__type\":\"AccessDeniedException\"}"), ERR_DENIED);
    assert_int_equal(rechecked(ACTION_TERMINATE, RECHECK_UNREGISTERED, 200, "{\"contai"), ERR_CORRUPT);
}

static void e6_a_ghost_is_deregistered_only_where_ec2_has_ended_it(void **state)
{
    (void)state;
    assert_int_equal(rechecked(ACTION_DEREGISTER, RECHECK_ENDED, 200, INSTANCE("48", "terminated")), 0);
    assert_int_equal(rechecked(ACTION_DEREGISTER, RECHECK_ENDED, 200, "<DescribeInstancesResponse/>"), 0);  // forgotten an hour after
    assert_int_equal(rechecked(ACTION_DEREGISTER, RECHECK_ENDED, 200, INSTANCE("80", "stopped")), ERR_CONFLICT);
    assert_int_equal(rechecked(ACTION_DEREGISTER, RECHECK_ENDED, 200, INSTANCE("16", "running")), ERR_CONFLICT);
    assert_int_equal(rechecked(ACTION_DEREGISTER, RECHECK_ENDED, 403,
                               "<Response><Errors><Error><Code>UnauthorizedOperation</Code></Error></Errors></Response>"), ERR_DENIED);
}

static void h4_a_fleet_is_claimed_only_where_it_is_nobodys(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 0);
    assert_int_equal(rechecked(ACTION_CLAIM, RECHECK_OWNER, 200, arena_printf(&a, FLEET, "")), 0);
    assert_int_equal(rechecked(ACTION_CLAIM, RECHECK_OWNER, 200, arena_printf(&a, FLEET, OWNER("masu"))), 0);
    assert_int_equal(rechecked(ACTION_CLAIM, RECHECK_OWNER, 200, arena_printf(&a, FLEET, OWNER("other"))), ERR_CONFLICT);
    assert_int_equal(rechecked(ACTION_CLAIM, RECHECK_OWNER, 200, "<DescribeSpotFleetRequestsResponse/>"), ERR_CONFLICT);
    arena_release(&a);
}

// The re-check of a raise to ten against one answer about the group.
static int raised(int status, const char *body)
{
    struct bed b;
    struct err err = {0};
    bed_open(&b);
    b.fleet = (struct fleet){.id = "web-asg", .kind = FLEET_GROUP, .target = 7};
    scripted_add(&b.f.s, (struct scripted_reply){.status = status, .body = body});
    struct action a = {.kind = ACTION_SET_TARGET, .target = "web-asg", .instance = -1, .fleet = 0, .capacity = 10, .target_before = 7, .recheck = RECHECK_RAISE, .after = -1};
    int rc = b.executor.recheck(b.executor.arg, &b.s, &a, &err);
    assert_int_equal(b.f.s.request_count, 1);
    bed_close(&b);
    return rc;
}

static void a1_a_raise_of_a_group_that_would_lower_it_by_now_is_left(void **state)
{
    (void)state;
#define GROUP(desired) "<DescribeAutoScalingGroupsResponse><DescribeAutoScalingGroupsResult><AutoScalingGroups><member><AutoScalingGroupName>web-asg" \
                       "</AutoScalingGroupName><MinSize>0</MinSize><MaxSize>99</MaxSize><DesiredCapacity>" desired "</DesiredCapacity></member>"      \
                       "</AutoScalingGroups></DescribeAutoScalingGroupsResult></DescribeAutoScalingGroupsResponse>"
    assert_int_equal(raised(200, GROUP("7")), 0);
    assert_int_equal(raised(200, GROUP("9")), 0);  // another raised it, too
    assert_int_equal(raised(200, GROUP("11")), ERR_CONFLICT);
    assert_int_equal(raised(403, "<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>"), 0);  // unknown holds no scale-out
}

static void h4_a_claim_is_read_back(void **state)
{
    (void)state;
    static const struct {
        const char *shown;
        int rc;
    } cases[] = {{OWNER("masu"), 0}, {"", 0}, {OWNER("other"), ERR_CONFLICT}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct bed b;
        struct err err = {0};
        bed_open(&b);
        scripted_add_body(&b.f.s, "<CreateTagsResponse><return>true</return></CreateTagsResponse>");
        scripted_add_body(&b.f.s, arena_printf(&b.f.arena, FLEET, cases[i].shown));
        struct action a = action_of(ACTION_CLAIM, RECHECK_OWNER);
        assert_int_equal(b.executor.apply(b.executor.arg, &b.s, &a, &err), cases[i].rc);
        assert_string_equal(b.f.s.requests[0].body, "Action=CreateTags&Version=2016-11-15&ResourceId.1=sfr-1&Tag.1.Key=masu%3Aowner&Tag.1.Value=masu");
        assert_int_equal(b.f.s.request_count, 2);
        bed_close(&b);
    }
}

static void h4_a_server_without_tags_has_no_owners(void **state)
{
    (void)state;
    static const struct {
        const char *code;
        int rc;
    } cases[] = {{"InvalidAction", 0}, {"UnauthorizedOperation", ERR_DENIED}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct bed b;
        struct err err = {0};
        bed_open(&b);
        scripted_add_error(&b.f.s, 400, arena_printf(&b.f.arena, "<Response><Errors><Error><Code>%s</Code></Error></Errors></Response>", cases[i].code));
        struct action a = action_of(ACTION_CLAIM, RECHECK_OWNER);
        assert_int_equal(b.executor.apply(b.executor.arg, &b.s, &a, &err), cases[i].rc);
        assert_int_equal(b.f.s.request_count, 1);
        bed_close(&b);
    }
}

static void j4_a_denied_write_is_remembered_until_it_succeeds(void **state)
{
    (void)state;
    struct bed b;
    struct err err = {0};
    bed_open(&b);
    b.aws.gather = gather_new(b.region, &b.f.s.clock, "rice");
    scripted_add_error(&b.f.s, 403, "<Response><Errors><Error><Code>UnauthorizedOperation</Code></Error></Errors></Response>");
    scripted_add_error(&b.f.s, 400, "<Response><Errors><Error><Code>IncorrectInstanceState</Code></Error></Errors></Response>");
    scripted_add_body(&b.f.s, "<TerminateInstancesResponse><instancesSet/></TerminateInstancesResponse>");
    struct action a = action_of(ACTION_TERMINATE, RECHECK_NONE);
    static const struct {
        int rc;
        const char *denied;
    } steps[] = {{ERR_DENIED, "ec2:TerminateInstances"}, {ERR_CONFLICT, "ec2:TerminateInstances"}, {0, ""}};
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        assert_int_equal(b.executor.apply(b.executor.arg, &b.s, &a, &err), steps[i].rc);
        assert_string_equal(gather_denied_action(b.aws.gather, "sfr-1"), steps[i].denied);
    }
    gather_free(b.aws.gather);
    bed_close(&b);
}

#define FREE(arn) "{\"taskArn\":\"" arn "\",\"protectionEnabled\":false}"
#define TASK(arn, of) "{\"taskArn\":\"" arn "\",\"group\":\"" of "\",\"lastStatus\":\"RUNNING\",\"desiredStatus\":\"RUNNING\"}"

// The re-check of a drain of an instance that had one task of web and a daemon's, where ECS now tells of these.
static int drained(const char *arns, const char *tasks, const char *protections)
{
    struct bed b;
    struct err err = {0};
    bed_open(&b);
    struct service services[] = {{.name = "web"}, {.name = "agent", .kind = SERVICE_DAEMON}};
    struct holding holdings[] = {{.service = 0, .running = 1, .stopping = 1}, {.service = 1, .running = 1}};
    b.s.services = services;
    b.s.service_count = ARRAY_LEN(services);
    b.instance.holdings = holdings;
    b.instance.holding_count = ARRAY_LEN(holdings);
    scripted_add_body(&b.f.s, arena_printf(&b.f.arena, "{\"taskArns\":[%s]}", arns));
    scripted_add_body(&b.f.s, arena_printf(&b.f.arena, "{\"tasks\":[%s],\"failures\":[]}", tasks));
    scripted_add_body(&b.f.s, arena_printf(&b.f.arena, "{\"protectedTasks\":[%s],\"failures\":[]}", protections));
    struct action a = action_of(ACTION_DRAIN, RECHECK_PROTECTION | RECHECK_TASKS);
    int rc = b.executor.recheck(b.executor.arg, &b.s, &a, &err);
    if (rc && !strstr(err.msg, "when it was planned -> not drained"))
        fail_msg("%s", err.msg);
    bed_close(&b);
    return rc;
}

static void v8_an_instance_that_took_a_task_since_it_was_looked_at_is_not_drained(void **state)
{
    (void)state;
    assert_int_equal(drained("\"a\"", TASK("a", "service:web"), FREE("a")), 0);
    assert_int_equal(drained("\"a\",\"b\"", TASK("a", "service:web") "," TASK("b", "service:agent"), FREE("a") "," FREE("b")), 0);
    static const char *const more[] = {TASK("b", "service:web"), TASK("b", "family:job"), TASK("b", "service:new")};
    struct arena a;
    arena_init(&a, 0);
    for (size_t k = 0; k < ARRAY_LEN(more); k++)
        assert_int_equal(drained("\"a\",\"b\"", arena_printf(&a, TASK("a", "service:web") ",%s", more[k]), FREE("a") "," FREE("b")), ERR_CONFLICT);
    arena_release(&a);
}

static void e6_deregistering_is_one_call_by_arn(void **state)
{
    (void)state;
    struct bed b;
    struct err err = {0};
    bed_open(&b);
    scripted_add_body(&b.f.s, "{\"containerInstance\":{\"containerInstanceArn\":\"arn:ci\"}}");
    struct action a = action_of(ACTION_DEREGISTER, RECHECK_ENDED);
    assert_int_equal(b.executor.apply(b.executor.arg, &b.s, &a, &err), 0);
    assert_int_equal(b.f.s.request_count, 1);
    assert_string_equal(b.f.s.requests[0].body, "{\"cluster\":\"rice\",\"containerInstance\":\"arn:ci\",\"force\":true}");
    bed_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(e2_an_orphan_is_ended_only_where_ecs_asked_by_id_knows_none),
        cmocka_unit_test(e6_a_ghost_is_deregistered_only_where_ec2_has_ended_it),
        cmocka_unit_test(h4_a_fleet_is_claimed_only_where_it_is_nobodys),
        cmocka_unit_test(a1_a_raise_of_a_group_that_would_lower_it_by_now_is_left),
        cmocka_unit_test(h4_a_claim_is_read_back),
        cmocka_unit_test(h4_a_server_without_tags_has_no_owners),
        cmocka_unit_test(j4_a_denied_write_is_remembered_until_it_succeeds),
        cmocka_unit_test(v8_an_instance_that_took_a_task_since_it_was_looked_at_is_not_drained),
        cmocka_unit_test(e6_deregistering_is_one_call_by_arn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
