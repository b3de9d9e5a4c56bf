#include "base/json.h"

#include <stdio.h>
#include <string.h>

#include "tests/cm.h"

static const char doc[] = "{\n"
                          "  \"clusters\": [\n"
                          "    {\"name\": \"web, \\\"a\\\" ]\", \"fleets\": [ ]},\n"
                          "    {\"name\": \"api\",\n"
                          "     \"a.b\": {\"x\": -1.5e3},\n"
                          "     \"caf\\u00e9\": [[1, 2], [3]]\n"
                          "    }\n"
                          "  ]\n"
                          "}\n";

static void check_place(const char *path, int line, int column, const char *text)
{
    struct json_place p;
    assert_true(json_place_find(SLICE_LIT(doc), path, &p));
    assert_int_equal(p.line, line);
    assert_int_equal(p.column, column);
    assert_true(slice_eq_str((struct slice){doc + p.offset, p.len}, text));
}

static void places_are_found_by_path(void **state)
{
    (void)state;
    check_place("clusters[0].name", 3, 14, "\"web, \\\"a\\\" ]\"");
    check_place("clusters[0].fleets", 3, 40, "[ ]");
    check_place("clusters[1].name", 4, 14, "\"api\"");
    check_place("clusters[1].a.b.x", 5, 19, "-1.5e3");
    check_place("clusters[1].caf\xc3\xa9[0][1]", 6, 24, "2");
    check_place("clusters[1].caf\xc3\xa9[1]", 6, 28, "[3]");
    struct json_place p;
    assert_true(json_place_find(SLICE_LIT(doc), "", &p));
    assert_int_equal(p.line, 1);
    assert_int_equal(p.len, strlen(doc) - 1);
    assert_int_equal(p.key_line, 0);
}

static void a_member_has_the_place_of_its_key(void **state)
{
    (void)state;
    struct json_place p;
    assert_true(json_place_find(SLICE_LIT(doc), "clusters[1].a.b", &p));
    assert_int_equal(p.key_line, 5);
    assert_int_equal(p.key_column, 6);
    assert_int_equal(p.key_len, 5);
    assert_true(json_place_find(SLICE_LIT(doc), "clusters[1]", &p));
    assert_int_equal(p.key_line, 0);
    assert_int_equal(p.key_len, 0);
}

static void paths_that_are_not_there_are_not_found(void **state)
{
    (void)state;
    static const char *const paths[] = {"x", "clusters[2]", "clusters.name", "clusters[0].nam", "clusters[0].names", "clusters[-1]",
                                        "clusters[x]", "clusters[0", "[0]", "clusters[0].fleets[0]"};
    struct json_place p;
    for (size_t i = 0; i < ARRAY_LEN(paths); i++)
        assert_false(json_place_find(SLICE_LIT(doc), paths[i], &p));
}

static void broken_text_finds_nothing_and_reads_nothing_beyond(void **state)
{
    (void)state;
    size_t len = strlen(doc);
    for (size_t n = 0; n < len; n++) {
        char *copy = malloc(n + 1);  // of the exact size, so that the sanitizer sees a step too far
        assert_non_null(copy);
        memcpy(copy, doc, n);
        struct json_place p;
        json_place_find((struct slice){copy, n}, "clusters[1].caf\xc3\xa9[1]", &p);
        free(copy);
    }
    struct json_place p;
    assert_false(json_place_find(SLICE_LIT("{\"a\": \"unclosed"), "a", &p));
    assert_false(json_place_find(SLICE_LIT("{\"\\ud800x\": 1}"), "x", &p));
    assert_false(json_place_find((struct slice){NULL, 0}, "", &p));
}

static void a_syntax_error_names_line_and_column(void **state)
{
    (void)state;
    struct err e = {0};
    json_t *j = NULL;
    assert_int_equal(json_parse(SLICE_LIT("{\n  \"a\": 1,,\n}"), "p.json", &j, &e), ERR_CORRUPT);
    assert_non_null(strstr(e.msg, "p.json:2:10: not JSON"));
    assert_int_equal(json_parse(SLICE_LIT("{\"a\":1,\"a\":2}"), "p.json", &j, &e), ERR_CORRUPT);
    assert_int_equal(json_parse(SLICE_LIT(""), "p.json", &j, &e), ERR_CORRUPT);
    assert_null(j);
}

static void getters_treat_null_and_wrong_types_as_absent(void **state)
{
    (void)state;
    json_t *j = NULL;
    assert_int_equal(json_parse(SLICE_LIT("{\"s\":\"x\",\"i\":7,\"r\":2.9,\"b\":true,\"n\":null,\"big\":1e300}"), "t", &j, NULL), 0);
    assert_string_equal(json_str(j, "s"), "x");
    assert_null(json_str(j, "i"));
    assert_int_equal(json_int(j, "i", -1), 7);
    assert_int_equal(json_int(j, "r", -1), 2);
    assert_int_equal(json_int(j, "n", -1), -1);
    assert_int_equal(json_int(j, "s", -1), -1);
    assert_int_equal(json_int(j, "big", -1), -1);
    assert_true(json_num(j, "r", 0) == 2.9);
    assert_true(json_flag(j, "b", false));
    assert_true(json_flag(j, "i", true));
    assert_null(json_str(NULL, "s"));
    struct arena a;
    arena_init(&a, 0);
    assert_string_equal(json_str_arena(j, "s", &a), "x");
    assert_null(json_str_arena(j, "none", &a));
    arena_release(&a);
    json_decref(j);
}

static void writing_is_compact_and_in_order(void **state)
{
    (void)state;
    json_t *j = json_pack("{s:i, s:[b,n], s:s}", "z", 1, "a", 1, "m", "x");
    struct buf b;
    buf_init(&b, 1000);
    json_write(j, &b);
    assert_string_equal(buf_str(&b), "{\"z\":1,\"a\":[true,null],\"m\":\"x\"}");
    buf_release(&b);
    json_decref(j);
}

static void strings_are_escaped_and_repaired(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 1000);
    json_add_string(&b, SLICE_LIT("q\" b\\ n\n \x01 \xe6\x9e\xa1 \xff \xc0\x80 \xed\xa0\x80"));
    assert_string_equal(buf_str(&b),
                        "\"q\\\" b\\\\ n\\n \\u0001 \xe6\x9e\xa1 \xef\xbf\xbd \xef\xbf\xbd\xef\xbf\xbd "
                        "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
    buf_release(&b);
    json_t *j = json_text("a\xff");
    assert_string_equal(json_string_value(j), "a\xef\xbf\xbd");
    json_decref(j);
    assert_true(json_is_null(json_text(NULL)));
}

static void files_have_a_size_limit(void **state)
{
    (void)state;
    char path[] = "/tmp/masu-json-test-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "{\"a\": 1}", 8), 8);
    close(fd);
    struct arena a;
    arena_init(&a, 0);
    struct slice text = {0};
    json_t *j = NULL;
    struct err e = {0};
    assert_int_equal(json_read_file(path, 8, &a, &text, &j, &e), 0);
    assert_int_equal(json_int(j, "a", 0), 1);
    assert_true(slice_eq_str(text, "{\"a\": 1}"));
    json_decref(j);
    assert_int_equal(json_read_file(path, 7, &a, &text, &j, &e), ERR_LIMIT);
    unlink(path);
    assert_int_equal(json_read_file(path, 7, &a, &text, &j, &e), ERR_IO);
    assert_int_equal(json_read_file("/", 7, &a, &text, &j, &e), ERR_IO);
    arena_release(&a);
}

static const char *shortened(const char *text, struct buf *b)
{
    buf_clear(b);
    return json_shorten(slice_of(text), "events", 2, b) ? buf_str(b) : "(does not end)";
}

static void long_lists_are_cut_and_nothing_else_changes(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 1000);
    assert_string_equal(shortened("{\"events\": [1, [2, 3], {\"a\": [4]}, 5], \"b\": 6}", &b), "{\"events\": [1, [2, 3]], \"b\": 6}");
    assert_string_equal(shortened("[{\"events\":[1,2,3]},{\"events\":[4]},{\"events\":[]}]", &b),
                        "[{\"events\":[1,2]},{\"events\":[4]},{\"events\":[]}]");
    assert_string_equal(shortened("{\"events\": [\"]\\\"\", \"a,b\", \"c\"]}", &b), "{\"events\": [\"]\\\"\", \"a,b\"]}");
    assert_string_equal(shortened("{\"events\": {\"c\": [1, 2, 3]}, \"x\": \"events\"}", &b),
                        "{\"events\": {\"c\": [1, 2, 3]}, \"x\": \"events\"}");
    assert_string_equal(shortened("{\"events\": [1, 2, 3", &b), "(does not end)");
    assert_string_equal(shortened("{\"events", &b), "(does not end)");
    assert_string_equal(shortened("", &b), "");
    buf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places_are_found_by_path),
        cmocka_unit_test(a_member_has_the_place_of_its_key),
        cmocka_unit_test(paths_that_are_not_there_are_not_found),
        cmocka_unit_test(broken_text_finds_nothing_and_reads_nothing_beyond),
        cmocka_unit_test(a_syntax_error_names_line_and_column),
        cmocka_unit_test(getters_treat_null_and_wrong_types_as_absent),
        cmocka_unit_test(writing_is_compact_and_in_order),
        cmocka_unit_test(strings_are_escaped_and_repaired),
        cmocka_unit_test(files_have_a_size_limit),
        cmocka_unit_test(long_lists_are_cut_and_nothing_else_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
