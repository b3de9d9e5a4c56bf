// The cluster query language: what ECS documents holds, what is not understood is said with its column.
#include "tests/cm.h"

#include <string.h>

#include "planner/query.h"
#include "planner/regex.h"

static struct arena arena;
static struct attribute pairs[] = {{"ecs.ami-id", "ami-1"}, {"ecs.instance-type", "t2.small"}, {"rack", "7"}, {"ssd", ""}, {"stack", "prod"}};
static const struct attribute_set set = {pairs, ARRAY_LEN(pairs)};
static const char *const groups[] = {"service:web", "family:batch"};

static struct query_facts an_instance(void)
{
    return (struct query_facts){.attributes = &set,
                                .zone = "us-east-1a",
                                .type = "t2.small",
                                .arch = "x86_64",
                                .agent_version = "1.68.2",
                                .ec2_instance_id = "i-0abc",
                                .agent_connected = 1,
                                .registered_ms = 1529360908000,  // 2018-06-18T22:28:28Z
                                .running_tasks = 4,
                                .groups = groups,
                                .group_count = 2};
}

static struct query_facts unknown_instance(void)
{
    return (struct query_facts){.zone = "", .type = "", .arch = "", .agent_version = "", .ec2_instance_id = "", .agent_connected = -1,
                                .running_tasks = -1, .groups_partial = true};
}

static const struct query *parsed(const char *text)
{
    struct err err = {0};
    const struct query *q = NULL;
    if (query_parse(&arena, text, &q, &err))
        fail_msg("%s: %s", text, err.msg);
    return q;
}

static void answers_as_documented(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum query_answer expected;
    } rows[] = {
        {"attribute:ecs.instance-type == t2.small", QUERY_YES},
        {"attribute:ecs.instance-type==t2.small", QUERY_YES},
        {"attribute:ecs.instance-type equals t2.micro", QUERY_NO},
        {"attribute:ecs.instance-type =~ t2.*", QUERY_YES},
        {"attribute:ecs.instance-type =~ t2", QUERY_NO},  // the whole value must match
        {"attribute:ecs.instance-type !~ g[34].*", QUERY_YES},
        {"attribute:ecs.instance-type not_matches (t2|t3).small", QUERY_NO},
        {"attribute:ecs.availability-zone in [us-east-1a, us-east-1b]", QUERY_YES},
        {"attribute:ecs.availability-zone !in [us-east-1a,us-east-1b]", QUERY_NO},
        {"attribute:ecs.cpu-architecture == arm64", QUERY_NO},
        {"attribute:ssd exists", QUERY_YES},
        {"attribute:ssd !exists", QUERY_NO},
        {"attribute:gpu exists", QUERY_NO},
        {"attribute:gpu not_exists", QUERY_YES},
        {"attribute:gpu == 1", QUERY_NO},
        {"attribute:gpu != 1", QUERY_YES},
        {"attribute:gpu > 1", QUERY_NO},
        {"attribute:rack > 10", QUERY_NO},
        {"attribute:rack < 10", QUERY_YES},
        {"attribute:rack >= 7 and attribute:rack <= 7", QUERY_YES},
        {"attribute:stack > dev", QUERY_YES},
        {"agentConnected == true", QUERY_YES},
        {"agentVersion > 1.9.0", QUERY_YES},
        {"agentVersion less_than 1.68.2", QUERY_NO},
        {"agentVersion >= 1.68", QUERY_YES},
        {"ec2InstanceId in [i-0abc, i-0def]", QUERY_YES},
        {"ec2InstanceId in ['i-0abc', \"i-0def\"]", QUERY_YES},
        {"ec2InstanceId == 'i-0def'", QUERY_NO},
        {"ec2InstanceId =~ 'i-0a.*' && agentConnected == true", QUERY_YES},
        {"ec2InstanceId =~ i-0d.*", QUERY_NO},
        {"registeredAt <= 2018-06-18T22:28:28+00:00", QUERY_YES},
        {"registeredAt > 2018-06-18", QUERY_YES},
        {"registeredAt > 2018-06-18T22:28:28", QUERY_NO},
        {"runningTasksCount < 10", QUERY_YES},
        {"runningTasksCount == 0", QUERY_NO},
        {"task:group == service:web", QUERY_YES},
        {"task:group == service:api", QUERY_NO},
        {"task:group != service:api", QUERY_YES},
        {"not(task:group == service:web)", QUERY_NO},
        {"task:group =~ family:.*", QUERY_YES},
        {"attribute:ssd exists and attribute:gpu exists or agentConnected == true", QUERY_YES},
        {"attribute:ssd exists && (attribute:gpu exists || agentConnected == false)", QUERY_NO},
        {"!attribute:gpu exists&&!(attribute:rack == 8)", QUERY_YES},
        {"(attribute:ecs.instance-type =~ (t2|m5)\\.[a-z]+)", QUERY_YES},
    };
    for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
        struct query_facts f = an_instance();
        if (query_ask(parsed(rows[k].text), &arena, &f) != rows[k].expected)
            fail_msg("%s: expected %d", rows[k].text, rows[k].expected);
    }
}

static void what_is_not_known_is_neither_yes_nor_no(void **state)
{
    (void)state;
    static const char *const unknown[] = {
        "attribute:x exists", "attribute:x !exists", "agentConnected == true", "agentVersion > 1.0.0", "ec2InstanceId != i-1",
        "registeredAt > 2018-06-18", "runningTasksCount < 10", "task:group != service:web", "!(attribute:x == 1)",
        "attribute:x == 1 && agentConnected == true",
    };
    struct query_facts f = unknown_instance();
    for (size_t k = 0; k < ARRAY_LEN(unknown); k++)
        if (query_ask(parsed(unknown[k]), &arena, &f) != QUERY_UNKNOWN)
            fail_msg("%s is not known", unknown[k]);
    f = an_instance();
    f.attributes_partial = f.groups_partial = true;
    assert_int_equal(query_ask(parsed("attribute:gpu !exists"), &arena, &f), QUERY_UNKNOWN);
    assert_int_equal(query_ask(parsed("attribute:stack == prod"), &arena, &f), QUERY_YES);
    assert_int_equal(query_ask(parsed("task:group == service:api"), &arena, &f), QUERY_UNKNOWN);
    // One side may settle it.
    assert_int_equal(query_ask(parsed("attribute:gpu exists && attribute:stack == dev"), &arena, &f), QUERY_NO);
    assert_int_equal(query_ask(parsed("attribute:gpu exists || attribute:stack == prod"), &arena, &f), QUERY_YES);
}

static void what_is_not_understood_is_said_with_its_column(void **state)
{
    (void)state;
    static const struct {
        const char *text, *expected;
    } rows[] = {
        {"", "column 1: expected attribute:NAME"},
        {"attribute:a ==", "column 15: expected a value"},
        {"attribute:a = 1", "column 13: expected an operator"},
        {"attribute:a in us-east-1a", "column 16: expected [ and a list"},
        {"attribute:a in [x y]", "column 19: expected , or ]"},
        {"(attribute:a exists", "column 20: expected ), && or ||"},
        {"attribute:a exists attribute:b exists", "column 20: expected && or ||, or the end"},
        {"attribute:a == \"b", "column 16: expected a closing quote"},
        {"attribute:a == 'b'c", "column 19: expected a space"},
        {"attribute:a == b'c", "column 17: a quote in a value"},
        {"hostname == x", "column 1: expected attribute:NAME"},
        {"runningTasksCount exists", "column 19: this operator is not for this subject"},
        {"runningTasksCount > many", "column 21: expected a whole number"},
        {"registeredAt > yesterday", "column 16: expected a date"},
        {"attribute:a =~ (?=b)", "column 17: groups that look around"},
        {"attribute:a =~ a++", "column 18: this quantifier"},
        {"attribute:a =~ \\bx", "column 17: this escape"},
        {"attribute:a =~ x{3", "column 19: these braces"},
        {"attribute:a exists &&", "column 22: expected attribute:NAME"},
    };
    for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
        struct err err = {0};
        const struct query *q;
        assert_int_not_equal(query_parse(&arena, rows[k].text, &q, &err), 0);
        if (strncmp(err.msg, rows[k].expected, strlen(rows[k].expected)) != 0)
            fail_msg("%s: expected \"%s…\", got \"%s\"", rows[k].text, rows[k].expected, err.msg);
    }
}

static void limits_hold(void **state)
{
    (void)state;
    struct err err = {0};
    const struct query *q;
    char *text = arena_alloc(&arena, 4000, 1);
    memset(text, '(', 2100);
    assert_int_not_equal(query_parse(&arena, text, &q, &err), 0);
    assert_string_equal(err.msg, "column 2001: longer than 2000 characters");
    text[1000] = '\0';
    assert_int_not_equal(query_parse(&arena, text, &q, &err), 0);
    assert_non_null(strstr(err.msg, "nested too deep"));
    const char *why;
    size_t at;
    assert_null(regex_compile(&arena, slice_of("((a{200}){200}){200}"), &why, &at));
    assert_string_equal(why, "the pattern is too large");
}

static void patterns_match_whole_texts_in_linear_time(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *text;
        bool matches;
    } rows[] = {
        {"a*b", "aaab", true}, {"a*b", "aaa", false}, {"a+?b", "ab", true}, {"a{2,3}", "aaaa", false}, {"a{2,}", "aaaa", true},
        {"^x|y$", "y", true}, {"[^a-c]+", "xyz", true}, {"[^a-c]+", "xbz", false}, {"[\\d.-]+", "1.2-3", true},
        {"[a\\]]+", "a]", true}, {"(?:ab)?c", "abc", true}, {"\\.x", ".x", true}, {"\\.x", "ax", false}, {"", "", true},
        {"a||b", "", true}, {"\\$", "$", true}, {".*\\$", "a$", true}, {"[a-]+", "a-a", true}, {"a.c", "a\nc", false},
    };
    for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
        const char *why = "";
        size_t at;
        const struct regex *r = regex_compile(&arena, slice_of(rows[k].pattern), &why, &at);
        if (!r || regex_matches(r, &arena, rows[k].text) != rows[k].matches)
            fail_msg("%s on \"%s\": expected %d %s", rows[k].pattern, rows[k].text, rows[k].matches, why);
    }
    // A matcher that tries one way after another would not come back from this.
    const char *why;
    size_t at;
    char *text = arena_alloc(&arena, 5001, 1);
    memset(text, 'a', 5000);
    assert_false(regex_matches(regex_compile(&arena, slice_of("((a*)*)*b"), &why, &at), &arena, text));
}

static void only_attributes_are_the_same_for_all_of_a_class(void **state)
{
    (void)state;
    assert_true(query_is_static(parsed("attribute:a exists && !(attribute:b == 1)")));
    assert_false(query_is_static(parsed("attribute:a exists && task:group == service:web")));
    assert_false(query_is_static(parsed("ec2InstanceId != i-1")));
}

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 0);
    return 0;
}
static int teardown(void **state)
{
    (void)state;
    arena_release(&arena);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(answers_as_documented),
        TEST(what_is_not_known_is_neither_yes_nor_no),
        TEST(what_is_not_understood_is_said_with_its_column),
        TEST(limits_hold),
        TEST(patterns_match_whole_texts_in_linear_time),
        TEST(only_attributes_are_the_same_for_all_of_a_class),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
