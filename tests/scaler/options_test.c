// The command line: values land where they belong, mistakes are told and never guessed.
#include "tests/cm.h"

#include "scaler/options.h"

struct given {
    bool flag, json;
    const char *file;
    int64_t count, span_ms;
    double speed;
    struct option_address at;
};

static enum options_outcome parse(struct given *g, int argc, char **argv, const char **argument)
{
    const struct option options[] = {
        {.name = "flag", .kind = OPTION_FLAG, .ret = &g->flag, .help = "a flag"},
        {.name = "file", .kind = OPTION_STRING, .ret = &g->file, .value = "F", .help = "a file"},
        {.name = "count", .kind = OPTION_INT, .ret = &g->count, .value = "N", .help = "a number", .min = 1, .max = 9},
        {.name = "for", .kind = OPTION_DURATION, .ret = &g->span_ms, .value = "D", .help = "a time"},
        {.name = "speed", .kind = OPTION_NUMBER, .ret = &g->speed, .value = "X", .help = "a factor", .min = 1, .max = 100},
        {.name = "listen", .kind = OPTION_ADDRESS, .ret = &g->at, .value = "H:P", .help = "an address"},
        {.name = "format", .kind = OPTION_FORMAT, .ret = &g->json, .value = "text|json", .help = "a form"},
    };
    const struct options_spec spec = {.command = "try", .summary = "Tries.", .argument = "FILE", .options = options, .option_count = 7};
    return options_parse(&spec, argc, argv, argument);
}

#define ARGS(...) (char *[]){"try", __VA_ARGS__, NULL}
#define COUNT(...) ((int)(sizeof((char *[]){"try", __VA_ARGS__}) / sizeof(char *)))
#define PARSE(g, argument, ...) parse((g), COUNT(__VA_ARGS__), ARGS(__VA_ARGS__), (argument))

static void each_kind_is_read_in_both_spellings(void **state)
{
    (void)state;
    struct given g = {0};
    const char *argument = NULL;
    assert_int_equal(PARSE(&g, &argument, "--flag", "--file", "a.json", "--count=3", "--for", "90s", "--speed=2.5", "--listen", "[::1]:80",
                           "--format", "json", "rest"),
                     OPTIONS_GO);
    assert_true(g.flag && g.json);
    assert_string_equal(g.file, "a.json");
    assert_int_equal(g.count, 3);
    assert_int_equal(g.span_ms, 90000);
    assert_true(g.speed > 2.4 && g.speed < 2.6);
    assert_string_equal(g.at.host, "::1");
    assert_int_equal(g.at.port, 80);
    assert_string_equal(argument, "rest");
}

static void a_wrong_value_is_refused_and_the_default_stays(void **state)
{
    (void)state;
    struct given g = {.count = 5};
    assert_int_equal(PARSE(&g, NULL, "--count", "10"), OPTIONS_WRONG);
    assert_int_equal(PARSE(&g, NULL, "--count", "3x"), OPTIONS_WRONG);
    assert_int_equal(PARSE(&g, NULL, "--for", "90"), OPTIONS_WRONG);
    assert_int_equal(PARSE(&g, NULL, "--speed", "0"), OPTIONS_WRONG);
    assert_int_equal(PARSE(&g, NULL, "--speed", "nan"), OPTIONS_WRONG);
    assert_int_equal(PARSE(&g, NULL, "--listen", "localhost"), OPTIONS_WRONG);
    assert_int_equal(PARSE(&g, NULL, "--listen", "a:70000"), OPTIONS_WRONG);
    assert_int_equal(PARSE(&g, NULL, "--format", "xml"), OPTIONS_WRONG);
    assert_int_equal(PARSE(&g, NULL, "--file", ""), OPTIONS_WRONG);
    assert_int_equal(PARSE(&g, NULL, "--flag=yes"), OPTIONS_WRONG);
    assert_int_equal(g.count, 5);
    assert_false(g.flag || g.json);
}

static void unknown_options_missing_values_and_extra_arguments_are_refused(void **state)
{
    (void)state;
    struct given g = {0};
    const char *argument = NULL;
    assert_int_equal(PARSE(&g, &argument, "--fiel", "x"), OPTIONS_WRONG);
    assert_int_equal(PARSE(&g, &argument, "--file"), OPTIONS_WRONG);
    assert_int_equal(PARSE(&g, &argument, "-f"), OPTIONS_WRONG);
    assert_int_equal(PARSE(&g, &argument, "one", "two"), OPTIONS_WRONG);
    assert_int_equal(PARSE(&g, &argument, "--", "--flag"), OPTIONS_GO);
    assert_string_equal(argument, "--flag");
    assert_false(g.flag);
}

static void the_nearest_name_is_found_only_when_one_is_near(void **state)
{
    (void)state;
    const char *const names[] = {"policy", "state", "listen"};
    assert_string_equal(options_nearest("polcy", names, 3), "policy");
    assert_string_equal(options_nearest("lsten", names, 3), "listen");
    assert_null(options_nearest("quux", names, 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_is_read_in_both_spellings),
        cmocka_unit_test(a_wrong_value_is_refused_and_the_default_stays),
        cmocka_unit_test(unknown_options_missing_values_and_extra_arguments_are_refused),
        cmocka_unit_test(the_nearest_name_is_found_only_when_one_is_near),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
