#include "planner/model/model_json.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "tests/cm.h"
#include "tests/model/random_snapshot.h"

static const char by_hand[] = "{\"at\": \"2026-01-15T12:00:00Z\", \"cluster\": \"web\", \"region\": \"us-east-1\", \"account\": \"1\",\n"
                              " \"types\": [{\"name\": \"c5.large\", \"arch\": \"x86_64\", \"nominal\": {\"cpu_units\": 2048, "
                              "\"memory_mib\": 4096}}],\n"
                              " \"fleets\": [{\"id\": \"sfr-1\", \"pools\": [{\"type\": \"c5.large\", \"weight_milli\": 2000}]}],\n"
                              " \"services\": [{\"name\": \"api\", \"desired\": 4, \"task\": {\"cpu_units\": 512, "
                              "\"memory_mib\": 1024, \"strategies\": [{\"kind\": \"spread\"}]}},\n"
                              "  {\"name\": \"log\", \"kind\": \"DAEMON\", \"desired\": 1, \"running\": 1, \"task\": "
                              "{\"cpu_units\": 64, \"memory_mib\": 128}}],\n"
                              " \"instances\": [{\"id\": \"i-1\", \"type\": \"c5.large\", \"zone\": \"us-east-1a\", \"fleet\": "
                              "\"sfr-1\", \"tasks\": [{\"service\": \"api\", \"running\": 2}, {\"service\": \"log\"}]},\n"
                              "  {\"id\": \"i-2\", \"ecs\": \"UNREGISTERED\", \"ec2\": \"pending\", \"fleet\": \"sfr-1\"}]}\n";

static int read_text(const char *text, struct arena *a, struct snapshot *s, struct err *e)
{
    json_t *j = NULL;
    assert_int_equal(json_parse(slice_of(text), "test", &j, NULL), 0);
    int rc = snapshot_from_json(j, a, s, e);
    json_decref(j);
    return rc;
}

static void a_snapshot_written_by_hand_fills_the_rest_itself(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 0);
    struct snapshot s;
    struct err e = {0};
    if (read_text(by_hand, &a, &s, &e))
        fail_msg("%s", e.msg);
    for (int k = 0; k < SOURCE_COUNT; k++) {
        assert_int_equal(s.sources[k].state, SOURCE_OK);
        assert_int_equal(s.sources[k].read_ms, s.now_ms);
    }
    assert_true(s.now_ms - s.started_ms >= 3600 * 1000);
    assert_int_equal(s.shape_count, 2);
    assert_string_equal(s.shapes[0].name, "api:1");
    assert_true(res_eq(s.shapes[0].need, res_make(512, 1024)));
    assert_string_equal(s.shapes[0].strategies[0].field, "instanceId");
    const struct service *api = &s.services[0];
    assert_int_equal(api->running, 2);
    assert_int_equal(api->min_percent, 100);
    assert_int_equal(api->max_percent, 200);
    assert_int_equal(api->primary, 0);
    assert_int_equal(api->deployment_count, 1);
    assert_int_equal(api->deployments[0].desired, 4);
    assert_int_equal(api->deployments[0].running, 2);
    assert_int_equal(api->deployments[0].shape, 0);
    assert_int_equal(s.services[1].min_percent, 0);
    const struct instance *in = &s.instances[0];
    assert_true(res_eq(in->registered, res_make(2048, 4096 * 94 / 100 - 256)));
    assert_true(res_eq(in->remaining, res_make(2048 - 1024 - 64, 4096 * 94 / 100 - 256 - 2048 - 128)));
    assert_int_equal(in->weight_milli, 2000);
    assert_true(in->agent_connected);
    assert_true(in->tasks_known);
    assert_int_equal(in->ecs_running, 3);
    assert_string_equal(in->arn, "arn:aws:ecs:us-east-1:1:container-instance/web/i-1");
    assert_string_equal(in->arch, "x86_64");
    assert_false(s.instances[1].agent_connected);
    assert_string_equal(s.instances[1].arn, "");
    assert_int_equal(s.fleets[0].target, 3);
    assert_int_equal(s.fleets[0].pools[0].type, 0);
    arena_release(&a);
}

// Each line breaks the hand-written snapshot in one place: the text replaced, what replaces it, what the error says.
static void a_mistake_names_its_key_path(void **state)
{
    (void)state;
    static const struct {
        const char *old, *new, *message;
    } cases[] = {
        {"\"at\": \"2026-01-15T12:00:00Z\", ", "", "at: is required"},
        {"2026-01-15T12:00:00Z", "yesterday", "at: expected a time"},
        {"\"fleet\": \"sfr-1\", \"tasks\"", "\"fleet\": \"sfr-2\", \"tasks\"", "instances[0].fleet: there is no fleet \"sfr-2\""},
        {"{\"service\": \"log\"}", "{\"service\": \"lag\"}", "instances[0].tasks[1].service: there is no service \"lag\""},
        {"{\"service\": \"log\"}", "{\"running\": 1}", "instances[0].tasks[1]: a standalone task needs a shape"},
        {"\"desired\": 4", "\"desired\": \"4\"", "services[0].desired: a string, expected a whole number"},
        {"\"desired\": 4", "\"desired\": -4", "services[0].desired: -4, expected 0 to"},
        {"\"desired\": 4", "\"desired\": 4000000000", "services[0].desired: 4000000000, expected 0 to"},
        {"\"cpu_units\": 512", "\"cpu_units\": 0.5", "services[0].task.cpu_units: a number with a fraction"},
        {"\"id\": \"i-2\"", "\"id\": \"i-1\"", "instances[1].id: \"i-1\" is there twice"},
        {"\"name\": \"log\"", "\"name\": \"api\"", "services[1].name: \"api\" is there twice"},
        {"UNREGISTERED", "GONE", "instances[1].ecs: \"GONE\", expected one of UNREGISTERED, REGISTERING"},
        {"\"ecs\": \"UNREGISTERED\", ", "", "instances[1].registered: neither given nor known"},
        {"\"kind\": \"spread\"", "\"kind\": \"stack\"", "services[0].task.strategies[0].kind: \"stack\", expected one of spread"},
        {"\"task\": {\"cpu_units\": 64, \"memory_mib\": 128}", "\"task\": {}", "services[1].task: needs cpu_units or memory_mib"},
        {"\"fleets\"", "\"fleets\": {}, \"old\"", "fleets: an object, expected an array"},
        {"\"running\": 2", "\"running\": 1000001", "instances[0].tasks[0].running: 1000001, expected 0 to 1000000"},
    };
    struct arena a;
    arena_init(&a, 0);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf b;
        buf_init(&b, 10000);
        const char *at = strstr(by_hand, cases[i].old);
        assert_non_null(at);
        buf_add(&b, by_hand, (size_t)(at - by_hand));
        buf_add_str(&b, cases[i].new);
        buf_add_str(&b, at + strlen(cases[i].old));
        struct snapshot s;
        struct err e = {0};
        assert_int_equal(read_text(buf_str(&b), &a, &s, &e), ERR_INVALID);
        if (strncmp(e.msg, cases[i].message, strlen(cases[i].message)) != 0)
            fail_msg("case %zu: \"%s\" does not begin with \"%s\"", i, e.msg, cases[i].message);
        buf_release(&b);
    }
    arena_release(&a);
}

static void unknown_keys_are_tolerated(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 0);
    struct snapshot s;
    assert_int_equal(read_text("{\"$schema\":\"x\",\"at\":\"2026-01-15T12:00:00Z\",\"cluster\":\"c\",\"later\":{\"x\":1}}", &a, &s, NULL), 0);
    assert_int_equal(s.instance_count, 0);
    arena_release(&a);
}

static void writing_then_reading_gives_an_equal_snapshot(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 500; seed++) {
        struct arena a;
        arena_init(&a, 0);
        struct rng r;
        rng_init(&r, seed);
        struct snapshot s = random_snapshot(&r, &a), back;
        struct memo m = random_memo(&r, &a), memo_back;
        struct err e = {0};
        json_t *j = snapshot_to_json(&s), *k = memo_to_json(&m);
        if (snapshot_from_json(j, &a, &back, &e) || memo_from_json(k, &a, &memo_back, &e))
            fail_msg("seed %d: %s", (int)seed, e.msg);
        json_decref(j);
        json_decref(k);
        const char *differs = snapshot_difference(&s, &back);
        differs = differs ? differs : memo_difference(&m, &memo_back);
        if (differs)
            fail_msg("seed %d: %s differs", (int)seed, differs);
        arena_release(&a);
    }
}

static void the_comparison_sees_a_difference(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 0);
    struct snapshot s, t;
    assert_int_equal(read_text(by_hand, &a, &s, NULL), 0);
    assert_int_equal(read_text(by_hand, &a, &t, NULL), 0);
    assert_null(snapshot_difference(&s, &t));
    t.instances[0].holdings[0].running++;
    assert_string_equal(snapshot_difference(&s, &t), "running");
    arena_release(&a);
}

static void another_version_of_the_memo_is_refused(void **state)
{
    (void)state;
    struct arena a;
    arena_init(&a, 0);
    json_t *j = json_pack("{s:i}", "version", MEMO_VERSION + 1);
    struct memo m;
    struct err e = {0};
    assert_int_equal(memo_from_json(j, &a, &m, &e), ERR_INVALID);
    assert_non_null(strstr(e.msg, "version: 2, this build reads 1"));
    json_decref(j);
    arena_release(&a);
}

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static void a_file_holds_a_snapshot_with_or_without_a_memo(void **state)
{
    (void)state;
    char path[] = "/tmp/masu-snapshot-XXXXXX";
    close(mkstemp(path));
    struct arena a;
    arena_init(&a, 0);
    struct snapshot s;
    struct memo m;
    struct err e = {0};
    write_file(path, by_hand);
    assert_int_equal(snapshot_read_file(path, &a, &s, &m, &e), 0);
    assert_int_equal(m.version, MEMO_VERSION);
    assert_int_equal(m.drain_count, 0);
    write_file(path, "{\"snapshot\": {\"at\": \"2026-01-15T12:00:00Z\", \"cluster\": \"c\"},\n"
                     " \"memo\": {\"version\": 1, \"drains\": [{\"instance\": \"i-1\", \"state\": \"draining\"}]}}");
    assert_int_equal(snapshot_read_file(path, &a, &s, &m, &e), 0);
    assert_int_equal(m.drain_count, 1);
    assert_int_equal(m.drains[0].state, DRAIN_DRAINING);
    write_file(path, "{\"snapshot\": {\"at\": \"2026-01-15T12:00:00Z\",\n  \"cluster\": 7}}");
    assert_int_equal(snapshot_read_file(path, &a, &s, &m, &e), ERR_INVALID);
    char want[200];
    snprintf(want, sizeof want, "%s:2:14: snapshot.cluster: a whole number, expected a string", path);
    assert_string_equal(e.msg, want);
    write_file(path, "{\"cluster\": \"c\"}");
    assert_int_equal(snapshot_read_file(path, &a, &s, &m, &e), ERR_INVALID);
    snprintf(want, sizeof want, "%s:1:1: at: is required", path);
    assert_string_equal(e.msg, want);
    unlink(path);
    assert_int_equal(snapshot_read_file(path, &a, &s, &m, &e), ERR_IO);
    arena_release(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_snapshot_written_by_hand_fills_the_rest_itself),
        cmocka_unit_test(a_mistake_names_its_key_path),
        cmocka_unit_test(unknown_keys_are_tolerated),
        cmocka_unit_test(writing_then_reading_gives_an_equal_snapshot),
        cmocka_unit_test(the_comparison_sees_a_difference),
        cmocka_unit_test(another_version_of_the_memo_is_refused),
        cmocka_unit_test(a_file_holds_a_snapshot_with_or_without_a_memo),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
