// The cluster query language: what each operator holds of one instance, and what is refused in which words.
#include "planner/sim/query.h"

#include <string.h>

#include "planner/sim/pattern.h"
#include "tests/cm.h"

static const char *attribute(void *arg, const char *name)
{
    (void)arg;
    static const char *const all[][2] = {{"ecs.instance-type", "c5.2xlarge"}, {"ecs.availability-zone", "us-east-1a"}, {"rack", "12"},
                                         {"stack", "prod"}, {"marked", ""}, {"odd", "a b"}};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        if (!strcmp(all[i][0], name))
            return all[i][1];
    return NULL;
}

static const char *group(void *arg, int n)
{
    (void)arg;
    static const char *const groups[] = {"service:web", "family:job", "service:web"};
    return n < (int)ARRAY_LEN(groups) ? groups[n] : NULL;
}

static bool holds(const char *text)
{
    struct arena a;
    arena_init(&a, 0);
    const struct world_query *q = NULL;
    struct err err = {0};
    struct world_query_facts f = {.agent_connected = true, .agent_version = "1.98.0", .ec2_instance_id = "i-0123456789abcdef0",
                                  .registered_ms = 1768478400500, .running_tasks = 3, .attribute = attribute, .group = group};
    if (world_query_parse(text, &a, &q, &err) != 0)
        fail_msg("%s: %s", text, err.msg);
    bool yes = world_query_holds(q, &f);
    arena_release(&a);
    return yes;
}

static void each_operator_holds_where_it_should_and_not_elsewhere(void **state)
{
    (void)state;
    static const char *const yes[] = {
        "attribute:ecs.instance-type == c5.2xlarge", "attribute:ecs.instance-type equals c5.2xlarge", "attribute:ecs.instance-type==c5.2xlarge",
        "attribute:ecs.instance-type != m5.large", "attribute:ecs.instance-type not_equals m5.large", "attribute:stack exists",
        "attribute:marked exists", "attribute:nothing !exists", "attribute:nothing not_exists",
        "attribute:ecs.availability-zone in [us-east-1a, us-east-1b]", "attribute:ecs.availability-zone in ['us-east-1a',\"x\"]",
        "attribute:ecs.availability-zone !in [us-east-1c]", "attribute:ecs.availability-zone not_in [us-east-1c,us-east-1d]",
        "attribute:ecs.instance-type =~ c5.*", "attribute:ecs.instance-type matches c[3-5]\\.[0-9]*xlarge",
        "attribute:ecs.instance-type !~ m5.*", "attribute:ecs.instance-type not_matches c5", "attribute:rack > 9", "attribute:rack >= 12",
        "attribute:rack < 100", "attribute:rack less_than_equal 12", "attribute:stack > abc", "attribute:odd == 'a b'",
        "agentConnected == true", "agentConnected != false", "agentConnected in [true]", "agentVersion >= 1.9.0", "agentVersion < 1.100",
        "agentVersion == 1.98", "agentVersion greater_than 1.97.5", "ec2InstanceId in [i-1, i-0123456789abcdef0]", "ec2InstanceId =~ i-0.*",
        "registeredAt >= 2026-01-15", "registeredAt == 2026-01-15T12:00:00Z", "registeredAt < '2026-01-15T13:00:01+01:00'",
        "registeredAt > 2026-01-15T11:59:59", "runningTasksCount == 3", "runningTasksCount > 2", "runningTasksCount <= 3",
        "task:group == service:web", "task:group == family:job", "task:group != service:api", "task:group =~ service:.*", "task:group exists",
    };
    static const char *const no[] = {
        "attribute:ecs.instance-type == c5", "attribute:ecs.instance-type != c5.2xlarge", "attribute:stack !exists", "attribute:nothing exists",
        "attribute:nothing == x", "attribute:nothing in [x]", "attribute:nothing =~ .*", "attribute:nothing > 1", "attribute:rack > 100",
        "attribute:ecs.availability-zone in [us-east-1c]", "attribute:ecs.availability-zone !in [us-east-1a]", "attribute:ecs.instance-type =~ c5",
        "attribute:ecs.instance-type !~ c5.*", "attribute:rack < 9", "agentConnected == false", "agentVersion > 1.98", "agentVersion < 1.9.9",
        "ec2InstanceId == i-0", "registeredAt > 2026-01-15T12:00:00Z", "registeredAt < 2026-01-15", "runningTasksCount != 3",
        "task:group == service:api", "task:group != service:web", "task:group !exists",
    };
    for (size_t i = 0; i < ARRAY_LEN(yes); i++)
        if (!holds(yes[i]))
            fail_msg("should hold: %s", yes[i]);
    for (size_t i = 0; i < ARRAY_LEN(no); i++)
        if (holds(no[i]))
            fail_msg("should not hold: %s", no[i]);
}

static void a_subject_that_is_not_there_fulfils_the_negations_alone(void **state)
{
    (void)state;
    assert_true(holds("attribute:nothing != x"));
    assert_true(holds("attribute:nothing !in [x]"));
    assert_true(holds("attribute:nothing !~ .*"));
    assert_true(holds("attribute:marked == ''"));
}

static void not_binds_before_and_before_or_and_parentheses_before_all(void **state)
{
    (void)state;
    assert_true(holds("runningTasksCount == 3 || runningTasksCount == 4 && agentConnected == false"));
    assert_false(holds("(runningTasksCount == 3 or runningTasksCount == 4) and agentConnected == false"));
    assert_true(holds("!runningTasksCount == 4 && agentConnected == true"));
    assert_false(holds("not (runningTasksCount == 4 || agentConnected == true)"));
    assert_true(holds("!(!(agentConnected == true))"));
    assert_true(holds("agentConnected == false and runningTasksCount == 3 or attribute:stack == prod"));
    assert_false(holds("agentConnected == false and (runningTasksCount == 3 or attribute:stack == prod)"));
}

static void what_is_no_expression_is_refused_with_the_place(void **state)
{
    (void)state;
    static const struct {
        const char *text, *words;
    } cases[] = {
        {"", "at its end: expected agentConnected"}, {"attribute:x", "at its end: expected an operator"}, {"attribute: == x", "character 1"},
        {"attribute:x = y", "expected an operator"}, {"attribute:x ==", "expected a value"}, {"color == red", "character 1 (\"color == red\")"},
        {"attribute:x in a", "expected a list"}, {"attribute:x in [a", ", or ]"}, {"attribute:x in []", "expected a value"},
        {"(attribute:x exists", "expected &&, || or )"}, {"attribute:x exists)", "character 19"}, {"attribute:x == 'a", "closing quote"},
        {"attribute:x exists attribute:y exists", "expected &&, || or the end"}, {"attribute:x == y &&", "at its end"},
        {"agentConnected > true", "an operator that this subject has"}, {"agentVersion =~ 1.*", "an operator that this subject has"},
        {"runningTasksCount in [1]", "an operator that this subject has"}, {"runningTasksCount == some", "a whole number"},
        {"registeredAt > yesterday", "a date as"}, {"ec2InstanceId exists", "an operator that this subject has"},
        {"attribute:x == f(y)", "no parenthesis within"}, {"attribute:x =~ '(ab'", "a group without its )"}, {"attribute:x =~ '(?=a)'", "not played"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena a;
        arena_init(&a, 0);
        const struct world_query *q = NULL;
        struct err err = {0};
        assert_int_equal(world_query_parse(cases[i].text, &a, &q, &err), ERR_INVALID);
        if (!strstr(err.msg, cases[i].words))
            fail_msg("%s: \"%s\" lacks \"%s\"", cases[i].text, err.msg, cases[i].words);
        arena_release(&a);
    }
}

static void depth_and_length_have_a_limit(void **state)
{
    (void)state;
    char text[WORLD_QUERY_MAX + 10];
    memset(text, '(', sizeof text);
    text[1500] = '\0';
    struct arena a;
    arena_init(&a, 0);
    const struct world_query *q = NULL;
    struct err err = {0};
    assert_int_equal(world_query_parse(text, &a, &q, &err), ERR_INVALID);
    assert_non_null(strstr(err.msg, "fewer parentheses"));
    memset(text, 'x', sizeof text);
    text[WORLD_QUERY_MAX + 1] = '\0';
    assert_int_equal(world_query_parse(text, &a, &q, &err), ERR_INVALID);
    assert_non_null(strstr(err.msg, "longer than"));
    arena_release(&a);
}

static void patterns_match_the_whole_value_as_java_does(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *value;
        bool matches;
    } cases[] = {
        {"abc", "abc", true}, {"abc", "abcd", false}, {"a.c", "abc", true}, {"a*", "", true}, {"a+", "", false}, {"(ab)+", "abab", true},
        {"(?:ab|cd)*x", "abcdx", true}, {"a|b|c", "b", true}, {"a|b|c", "d", false}, {"[a-c]{2,3}", "abc", true}, {"[a-c]{2,3}", "abca", false},
        {"[^0-9]", "x", true}, {"[^0-9]", "5", false}, {"\\d{3}", "123", true}, {"\\w+\\.\\w+", "c5.large", true}, {"\\.", "x", false},
        {"^abc$", "abc", true}, {"x{0}", "", true}, {"a{2,}", "aaaa", true}, {"a{2,}", "a", false}, {"[]a]", "]", true}, {"a?b", "b", true},
        {"a*?b", "aab", true}, {"(a*)*", "aaaa", true}, {"(a|aa)+c", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", false}, {"[\\d-]+", "1-2", true},
        {"", "", true}, {"", "x", false}, {"(|a)b", "ab", true}, {".", "\n", false},
    };
    struct arena a;
    arena_init(&a, 0);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct world_pattern *p = NULL;
        struct err err = {0};
        assert_int_equal(world_pattern_compile(slice_of(cases[i].pattern), &a, &p, &err), 0);
        if (world_pattern_matches(p, cases[i].value) != cases[i].matches)
            fail_msg("%s on \"%s\"", cases[i].pattern, cases[i].value);
    }
    static const char *const bad[] = {"*a", "a{2", "a{3,2}", "[a", "a)", "(a", "\\", "[b-a]", "(?<n>a)", "a++", "\\b", "(a{999}){999}", "[a[b]]", "[a&&b]"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        const struct world_pattern *p = NULL;
        struct err err = {0};
        if (world_pattern_compile(slice_of(bad[i]), &a, &p, &err) != ERR_INVALID)
            fail_msg("%s is taken", bad[i]);
    }
    arena_release(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_operator_holds_where_it_should_and_not_elsewhere),
        cmocka_unit_test(a_subject_that_is_not_there_fulfils_the_negations_alone),
        cmocka_unit_test(not_binds_before_and_before_or_and_parentheses_before_all),
        cmocka_unit_test(what_is_no_expression_is_refused_with_the_place),
        cmocka_unit_test(depth_and_length_have_a_limit),
        cmocka_unit_test(patterns_match_the_whole_value_as_java_does),
    };
    return cmocka_run_group_tests_name("query", tests, NULL, NULL);
}
