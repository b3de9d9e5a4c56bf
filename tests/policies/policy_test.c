#include "policies/policy.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "policies/policy_keys.h"
#include "tests/cm.h"

#ifndef POLICIES_DIR
#error "the folder of the policies is given by the build"
#endif

struct fixture {
    struct arena arena;
    struct buf report;
    struct policy policy;
    struct err err;
    int rc;
};

static struct fixture load(const char *text)
{
    struct fixture f = {0};
    arena_init(&f.arena, 64 << 20);
    buf_init(&f.report, 1 << 20);
    f.rc = policy_load_text(slice_of(text), "p.json", &f.arena, &f.policy, &f.report, &f.err);
    return f;
}

static void release(struct fixture *f)
{
    arena_release(&f->arena);
    buf_release(&f->report);
}

static void five_lines_run_a_cluster_with_safe_defaults(void **state)
{
    (void)state;
    struct fixture f = load("{\"clusters\":[{\"name\":\"web\",\"fleets\":[{\"id\":\"sfr-1\",\"max\":40}]}]}");
    assert_int_equal(f.rc, 0);
    assert_string_equal(buf_str(&f.report), "");
    assert_int_equal(f.policy.cluster_count, 1);
    const struct policy_cluster *c = &f.policy.clusters[0];
    assert_string_equal(c->name, "web");
    assert_string_equal(c->region, "");
    assert_int_equal(c->fleet_count, 1);
    assert_int_equal(c->fleets[0].min, 0);
    assert_int_equal(c->fleets[0].max, 40);
    assert_int_equal(c->mode, MODE_ACT);
    assert_int_equal(c->period_ms, 30000);
    assert_int_equal(c->max_age_ms, 120000);
    assert_int_equal(c->headroom_percent, 10);
    assert_int_equal(c->headroom_task_count, 0);
    assert_int_equal(c->step_instances, 50);
    assert_int_equal(c->boot_limit_ms, 600000);
    assert_true(c->scale_in);
    assert_int_equal(c->start_hold_ms, 1800000);
    assert_int_equal(c->unneeded_ms, 60000);
    assert_int_equal(c->min_age_ms, 300000);
    assert_int_equal(c->drain_percent, 10);
    assert_int_equal(c->service_percent, 10);
    assert_int_equal(c->settle_ms, 60000);
    assert_int_equal(c->shrink_percent, 50);
    assert_int_equal(c->drain_deadline_ms, 900000);
    assert_int_equal(c->on_deadline, ON_DEADLINE_UNDO);
    assert_int_equal(c->exclude_ms, 21600000);
    assert_int_equal(c->demand_hold_ms, 1200000);
    assert_int_equal(c->max_usd_micro, 0);
    assert_int_equal(c->freeze_count, 0);
    assert_int_equal(c->budget_count, 0);
    assert_int_equal(c->surge_services, 3);
    assert_string_equal(c->fleets[0].arch, "");
    assert_int_equal(c->fleets[0].attribute_count, 0);
    assert_string_equal(f.policy.owner, "masu");
    assert_string_equal(f.policy.confirm, "");
    assert_string_equal(f.policy.alerts.webhook_url, "");
    assert_int_equal(f.policy.alerts.webhook_level, ALERT_LEVEL_WARNING);
    release(&f);
}

static void protections_are_taken(void **state)
{
    (void)state;
    struct fixture f = load(
        "{\"owner\":\"blue\",\"confirm\":\"0123456789abcdef\","
        "\"alerts\":{\"webhook_url\":\"https://hooks.example/x\",\"webhook_level\":\"critical\","
        "\"webhook_headers\":[{\"name\":\"Authorization\",\"value_env\":\"HOOK\"}]},"
        "\"clusters\":[{\"name\":\"web\",\"max_usd_per_hour\":12.34,"
        "\"freeze\":[{\"days\":\"fri-mon\",\"from\":\"22:00\",\"to\":\"06:00\",\"zone\":\"Asia/Tokyo\",\"mode\":\"add-only\","
        "\"reason\":\"sale\"},{}],"
        "\"fleets\":[{\"id\":\"sfr-1\",\"max\":2,\"arch\":\"arm64\",\"attributes\":[{\"name\":\"stack\",\"value\":\"a\"},"
        "{\"name\":\"bare\"}],\"subnets\":[{\"id\":\"subnet-1\",\"zone\":\"eu-west-1a\"}]}],"
        "\"scale_out\":{\"surge_services\":9},"
        "\"scale_in\":{\"budgets\":[{\"reason\":\"tasks\",\"percent\":5,\"instances\":0,\"from\":\"09:00\",\"to\":\"17:00\"}]}}]}");
    if (f.rc)
        fail_msg("%s", buf_str(&f.report));
    const struct policy_cluster *c = &f.policy.clusters[0];
    assert_string_equal(f.policy.owner, "blue");
    assert_string_equal(f.policy.confirm, "0123456789abcdef");
    assert_string_equal(f.policy.alerts.webhook_url, "https://hooks.example/x");
    assert_int_equal(f.policy.alerts.webhook_level, ALERT_LEVEL_CRITICAL);
    assert_string_equal(f.policy.alerts.webhook_headers[0].value_env, "HOOK");
    assert_int_equal(c->max_usd_micro, 12340000);
    assert_int_equal(c->freeze_count, 2);
    assert_string_equal(c->freeze[0].window.days, "fri-mon");
    assert_string_equal(c->freeze[0].window.zone, "Asia/Tokyo");
    assert_int_equal(c->freeze[0].mode, FREEZE_ADD_ONLY);
    assert_string_equal(c->freeze[1].window.zone, "UTC");
    assert_int_equal(c->freeze[1].mode, FREEZE_PAUSE);
    assert_string_equal(c->fleets[0].arch, "arm64");
    assert_string_equal(c->fleets[0].attributes[1].name, "bare");
    assert_string_equal(c->fleets[0].attributes[1].value, "");
    assert_string_equal(c->fleets[0].subnets[0].zone, "eu-west-1a");
    assert_int_equal(c->surge_services, 9);
    assert_int_equal(c->budgets[0].reason, BUDGET_TASKS);
    assert_int_equal(c->budgets[0].percent, 5);
    assert_int_equal(c->budgets[0].instances, 0);
    assert_string_equal(c->budgets[0].window.to, "17:00");
    release(&f);
}

// A confirmation confirms the policy that it stands in: its hash is that of the policy without it.
static void a_confirmation_does_not_change_the_hash(void **state)
{
    (void)state;
    struct fixture a = load("{\"clusters\":[{\"name\":\"web\",\"fleets\":[{\"id\":\"sfr-1\",\"max\":40}]}]}");
    struct fixture b = load("{\"confirm\":\"x\",\"clusters\":[{\"name\":\"web\",\"fleets\":[{\"id\":\"sfr-1\",\"max\":40}]}]}");
    struct fixture c = load("{\"owner\":\"x\",\"clusters\":[{\"name\":\"web\",\"fleets\":[{\"id\":\"sfr-1\",\"max\":40}]}]}");
    assert_string_equal(a.policy.hash, b.policy.hash);
    assert_string_not_equal(a.policy.hash, c.policy.hash);
    release(&a);
    release(&b);
    release(&c);
}

static void money_is_a_number_of_dollars(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t micro;  // -1: refused
    } cases[] = {{"0", 0}, {"3", 3000000}, {"0.0000014", 1}, {"0.25", 250000}, {"100000", 100000000000}, {"100000.1", -1},
                 {"-1", -1}, {"\"3\"", -1}, {"true", -1}};
    for (size_t k = 0; k < ARRAY_LEN(cases); k++) {
        char text[200];
        snprintf(text, sizeof text,
                 "{\"clusters\":[{\"name\":\"w\",\"fleets\":[{\"id\":\"sfr-1\",\"max\":4}],\"max_usd_per_hour\":%s}]}", cases[k].text);
        struct fixture f = load(text);
        assert_int_equal(f.rc, cases[k].micro < 0 ? ERR_INVALID : 0);
        if (f.rc == 0)
            assert_int_equal(f.policy.clusters[0].max_usd_micro, cases[k].micro);
        release(&f);
    }
}

static void every_value_is_taken(void **state)
{
    (void)state;
    struct fixture f = load("{\"$schema\":\"x\",\"clusters\":[{\"name\":\"web\",\"region\":\"eu-west-1\",\"account\":\"1\","
                            "\"fleets\":[{\"id\":\"sfr-1\",\"min\":1,\"max\":2},{\"id\":\"sfr-2\",\"max\":0,\"min\":0}],"
                            "\"mode\":\"observe\",\"period_s\":5,\"max_age_s\":10,"
                            "\"headroom\":{\"percent\":0,\"tasks\":[{\"service\":\"a\",\"tasks\":3}]},"
                            "\"scale_out\":{\"step_instances\":1,\"boot_limit_s\":60},"
                            "\"scale_in\":{\"enabled\":false,\"start_hold_s\":300,\"unneeded_s\":0,\"min_age_s\":1,"
                            "\"drain_percent\":2,\"service_percent\":3,\"settle_s\":4,\"shrink_percent\":5,"
                            "\"drain_deadline_s\":60,\"on_deadline\":\"wait\",\"exclude_s\":7,\"demand_hold_s\":900}}]}");
    assert_int_equal(f.rc, 0);
    const struct policy_cluster *c = &f.policy.clusters[0];
    assert_string_equal(c->region, "eu-west-1");
    assert_int_equal(c->mode, MODE_OBSERVE);
    assert_int_equal(c->fleets[0].min, 1);
    assert_string_equal(c->fleets[1].id, "sfr-2");
    assert_string_equal(c->headroom_tasks[0].service, "a");
    assert_int_equal(c->headroom_tasks[0].tasks, 3);
    assert_int_equal(c->headroom_percent, 0);
    assert_false(c->scale_in);
    assert_int_equal(c->settle_ms, 4000);
    assert_int_equal(c->on_deadline, ON_DEADLINE_WAIT);
    assert_int_equal(c->demand_hold_ms, 900000);
    // fleets[1] is fixed at 0, max_age is just two periods.
    assert_int_equal(f.policy.warning_count, 1);
    assert_string_equal(f.policy.warnings[0].text, "clusters[0].fleets[1]: min is max -> masu never resizes this fleet");
    release(&f);
}

// What is wrong, and the report, to the letter.
static void each_mistake_shows_its_line_a_caret_and_the_remedy(void **state)
{
    (void)state;
    struct fixture f = load("{\n"
                            "  \"clusters\": [\n"
                            "    {\"name\": \"web\", \"period\": 10,\n"
                            "     \"fleets\": [{\"id\": \"sfr-1\", \"max\": \"40\"}, {\"id\": \"sfr-1\", \"min\": 9, \"max\": 3}, {}],\n"
                            "     \"mode\": \"add_only\", \"percent\": 5,\n"
                            "     \"headroom\": {\"percent\": 400, \"xyzzy\": 1}}\n"
                            "  ]\n"
                            "}\n");
    assert_int_equal(f.rc, ERR_INVALID);
    assert_string_equal(
        buf_str(&f.report),
        "p.json:3:21: error: clusters[0].period: unknown key\n"
        "  3 |     {\"name\": \"web\", \"period\": 10,\n"
        "    |                     ^^^^^^^^ -> did you mean \"period_s\" (5 to 300 s, default 30)?\n"
        "p.json:4:40: error: clusters[0].fleets[0].max: string, expected a whole number\n"
        "  4 |      \"fleets\": [{\"id\": \"sfr-1\", \"max\": \"40\"}, {\"id\": \"sfr-1\", \"min\": 9, \"max\": 3}, {}],\n"
        "    |                                        ^^^^ -> 0 to 100,000 units, without quotes\n"
        "p.json:4:54: error: clusters[0].fleets[1].id: \"sfr-1\" is also clusters[0].fleets[0]\n"
        "  4 |      \"fleets\": [{\"id\": \"sfr-1\", \"max\": \"40\"}, {\"id\": \"sfr-1\", \"min\": 9, \"max\": 3}, {}],\n"
        "    |                                                      ^^^^^^^ -> a fleet belongs to one cluster, once\n"
        "p.json:4:70: error: clusters[0].fleets[1].min: is above max\n"
        "  4 |      \"fleets\": [{\"id\": \"sfr-1\", \"max\": \"40\"}, {\"id\": \"sfr-1\", \"min\": 9, \"max\": 3}, {}],\n"
        "    |                                                                      ^ -> at most 3, or raise max\n"
        "p.json:4:84: error: clusters[0].fleets[2].max: is required\n"
        "  4 |      \"fleets\": [{\"id\": \"sfr-1\", \"max\": \"40\"}, {\"id\": \"sfr-1\", \"min\": 9, \"max\": 3}, {}],\n"
        "    |                                                                                    ^ -> add \"max\": 40\n"
        "p.json:4:84: error: clusters[0].fleets[2]: has neither id nor group nor tag nor instant\n"
        "  4 |      \"fleets\": [{\"id\": \"sfr-1\", \"max\": \"40\"}, {\"id\": \"sfr-1\", \"min\": 9, \"max\": 3}, {}],\n"
        "    |                                                                                    ^ -> add \"id\": \"sfr-\u2026\" or \"fleet-\u2026\", \"group\": \"NAME\", \"tag\": \"Key=Value\", or \"instant\"\n"
        "p.json:5:14: error: clusters[0].mode: unknown word\n"
        "  5 |      \"mode\": \"add_only\", \"percent\": 5,\n"
        "    |              ^^^^^^^^^^ -> did you mean \"add-only\"?\n"
        "p.json:5:26: error: clusters[0].percent: unknown key\n"
        "  5 |      \"mode\": \"add_only\", \"percent\": 5,\n"
        "    |                          ^^^^^^^^^ -> \"percent\" belongs in clusters[].headroom\n"
        "p.json:6:30: error: clusters[0].headroom.percent: out of bounds\n"
        "  6 |      \"headroom\": {\"percent\": 400, \"xyzzy\": 1}}\n"
        "    |                              ^^^ -> 0 to 100 %, default 10\n"
        "p.json:6:35: error: clusters[0].headroom.xyzzy: unknown key\n"
        "  6 |      \"headroom\": {\"percent\": 400, \"xyzzy\": 1}}\n"
        "    |                                   ^^^^^^^ -> known keys here: percent, tasks\n"
        "10 errors\n");
    assert_string_equal(f.err.msg, "p.json: 10 errors in the policy; first: clusters[0].period: unknown key -> did you mean "
                                   "\"period_s\" (5 to 300 s, default 30)?");
    release(&f);
}

static void mistakes_are_refused_with_these_words(void **state)
{
    (void)state;
    static const struct {
        const char *text, *words;
    } cases[] = {
        {"", "p.json:1:1: error: not JSON: "},
        {"[]", "p.json:1:1: error: array, expected an object"},
        {"{}", "p.json:1:1: error: clusters: is required"},
        {"{\"clusters\": []}", "p.json:1:14: error: clusters: is empty"},
        {"{\"clusters\": {}}", "clusters: object, expected an array"},
        {"{\"clusters\": [7]}", "clusters[0]: number, expected an object"},
        {"{\"clusters\": [{\"fleets\": [{\"id\": \"sfr-1\", \"max\": 1}]}]}", "clusters[0].name: is required"},
        {"{\"clusters\": [{\"name\": \"a\"}]}", "clusters[0].fleets: is required"},
        {"{\"clusters\": [{\"name\": null, \"fleets\": []}]}", "clusters[0].name: null, expected a string"},
        {"{\"clusters\": [{\"name\": \"\", \"fleets\": []}]}", "clusters[0].name: is empty"},
        {"{\"clusters\": [{\"name\": \"a\", \"name\": \"b\"}]}", "duplicate object key"},
        {"{\"clusters\": [{\"name\": \"a\", \"fleets\": [{\"id\": \"sfr-1\", \"max\": 1}]}, "
         "{\"name\": \"arn:aws:ecs:eu-west-1:1:cluster/a\", \"fleets\": [{\"id\": \"sfr-2\", \"max\": 1}]}]}",
         "clusters[1].name: \"a\" is also clusters[0]"},
        {"{\"clusters\": [{\"name\": \"a\", \"fleets\": [{\"id\": \"sfr-1\", \"max\": 1}]}, "
         "{\"name\": \"b\", \"fleets\": [{\"id\": \"sfr-1\", \"max\": 1}]}]}",
         "clusters[1].fleets[0].id: \"sfr-1\" is also clusters[0].fleets[0]"},
        {"{\"clusters\": [{\"name\": \"a\", \"fleets\": [{\"id\": \"sfr-1\", \"tag\": \"A=b\", \"max\": 1}]}]}",
         "clusters[0].fleets[0].tag: id is there too"},
        {"{\"clusters\": [{\"name\": \"a\", \"fleets\": [{\"group\": \"g\", \"max\": 1, \"hooks\": [{\"name\": \"a\"}, {\"name\": \"b\"}]}]}]}",
         "clusters[0].fleets[0].hooks: names more than one hook, masu answers one"},
        {"{\"clusters\": [{\"name\": \"a\", \"fleets\": [{\"tag\": \"Fleet\", \"max\": 1}]}]}", "clusters[0].fleets[0].tag: is no tag of yours"},
        {"{\"clusters\": [{\"name\": \"a\", \"fleets\": [{\"tag\": \"aws:ec2:fleet-id=fleet-1\", \"max\": 1}]}]}", "tag: is no tag of yours"},
        {"{\"clusters\": [{\"name\": \"a\", \"fleets\": [{\"tag\": \"A=b\", \"max\": 1}, {\"tag\": \"A=b\", \"max\": 1}]}]}",
         "clusters[0].fleets[1].tag: \"A=b\" is also clusters[0].fleets[0]"},
        {"{\"clusters\": [{\"name\": \"a\", \"fleets\": [{\"id\": \"fleet-1\", \"role\": \"burts\", \"max\": 1}]}]}", "did you mean \"burst\"?"},
        {"{\"clusters\": [{\"name\": \"a\", \"fleets\": [{\"id\": \"sfr-1\", \"max\": 1.5}]}]}", "number with a fraction, expected a whole number"},
        {"{\"clusters\": [{\"name\": \"a\", \"fleets\": [{\"id\": \"sfr-1\", \"max\": -1}]}]}", "max: out of bounds"},
        {"{\"clusters\": [{\"name\": \"a\", \"scale_in\": true}]}", "scale_in: true, expected an object"},
        {"{\"clusters\": [{\"name\": \"a\", \"headroom\": {\"tasks\": [{\"service\": \"w\", \"tasks\": 1}, "
         "{\"service\": \"w\", \"tasks\": 2}]}}]}",
         "headroom.tasks[1].service: \"w\" is there twice"},
        {"{\"clusters\": [{\"name\": \"a\", \"freeze\": [{\"days\": \"mon-fun\"}]}]}", "freeze[0].days: no days of the week"},
        {"{\"clusters\": [{\"name\": \"a\", \"freeze\": [{\"from\": \"9:00\"}]}]}", "freeze[0].from: no time of day"},
        {"{\"clusters\": [{\"name\": \"a\", \"freeze\": [{\"from\": \"09:00\"}]}]}", "freeze[0].to: is required"},
        {"{\"clusters\": [{\"name\": \"a\", \"scale_in\": {\"budgets\": [{\"zone\": \"\"}]}}]}", "budgets[0].zone: is empty"},
        {"{\"clusters\": [{\"name\": \"a\", \"scale_out\": {\"time_zone\": \"Europe/Berlim\"}}]}", "scale_out.time_zone: no time zone is called Europe/Berlim"},
        {"{\"clusters\": [{\"name\": \"a\", \"freeze\": [{\"zone\": \"Europe/Berlim\"}]}]}", "freeze[0].zone: no time zone is called Europe/Berlim"},
        {"{\"clusters\": [{\"name\": \"a\", \"fleets\": [{\"id\": \"sfr-1\", \"max\": 1, \"arch\": \"amd64\"}]}]}",
         "fleets[0].arch: unknown architecture"},
        {"{\"clusters\": [{\"name\": \"a\", \"usage\": {\"prometheus\": {\"url\": \"http://p:9090\"}, \"cadvisor\": {\"port\": 8080}}}]}",
         "clusters[0].usage.cadvisor: is a second source of use"},
        {"{\"clusters\": [{\"name\": \"a\", \"usage\": {\"cadvisor\": {\"port\": 8080, \"path\": \"metrics\"}}}]}", "cadvisor.path: is no path"},
        {"{\"clusters\": [{\"name\": \"a\", \"usage\": {\"cadvisor\": {\"port\": 8080, \"path\": \"/a b\"}}}]}", "cadvisor.path: is no path"},
        {"{\"clusters\": [{\"name\": \"a\", \"requests\": {\"every_s\": 60}}]}", "requests.every_s: is too often"},
        {"{\"clusters\": [{\"name\": \"a\", \"usage\": {\"cadvisor\": {\"port\": 65536}}}]}", "cadvisor.port: out of bounds"},
        {"{\"owner\": \"\"}", "owner: is empty"},
        {"{\"alerts\": {\"webhook_url\": \"ftp://x\"}}", "alerts.webhook_url: no URL"},
        {"{\"alerts\": {\"webhook_headers\": [{\"name\": \"X\"}]}}", "alerts.webhook_headers[0]: has no value"},
        {"{\"alerts\": {\"webhook_headers\": [{\"name\": \"X\", \"value_env\": \"A\", \"value_file\": \"B\"}]}}", "both there"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fixture f = load(cases[i].text);
        assert_int_equal(f.rc, ERR_INVALID);
        if (!strstr(buf_str(&f.report), cases[i].words))
            fail_msg("case %zu: no \"%s\" in\n%s", i, cases[i].words, buf_str(&f.report));
        release(&f);
    }
}

static void a_name_cannot_move_the_terminals_cursor(void **state)
{
    (void)state;
    struct fixture f = load("{\"clusters\": [], \"\\u001b[2J\": 1}");
    assert_int_equal(f.rc, ERR_INVALID);
    assert_null(strchr(buf_str(&f.report), '\033'));
    release(&f);
}

static void a_file_of_nothing_but_mistakes_ends_soon(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 1 << 20);
    buf_add_str(&b, "{\"clusters\": [{");
    for (int i = 0; i < 20000; i++)
        buf_printf(&b, "%s\"mistake%d\": %d", i ? ", " : "", i, i);
    buf_add_str(&b, "}]}");
    struct fixture f = load(buf_str(&b));
    assert_int_equal(f.rc, ERR_INVALID);
    assert_non_null(strstr(buf_str(&f.report), "there may be more: reading stopped at 100\n100 errors\n"));
    assert_true(f.report.len < 100 * 600);  // one line of 400 KiB is shown in part
    release(&f);
    buf_release(&b);
}

static void the_hash_is_that_of_the_effective_policy(void **state)
{
    (void)state;
    struct fixture a = load("{\"clusters\":[{\"name\":\"web\",\"fleets\":[{\"id\":\"sfr-1\",\"max\":40}]}]}");
    struct fixture b = load("{\"clusters\": [ {\"fleets\":[{\"max\":40,\"min\":0,\"id\":\"sfr-1\"}], \"name\":\"web\",\"period_s\":30}]}");
    struct fixture c = load("{\"clusters\":[{\"name\":\"web\",\"fleets\":[{\"id\":\"sfr-1\",\"max\":41}]}]}");
    assert_string_equal(a.policy.hash, b.policy.hash);
    assert_string_not_equal(a.policy.hash, c.policy.hash);
    assert_int_equal(strlen(a.policy.hash), 16);
    release(&a);
    release(&b);
    release(&c);
}

static void the_effective_policy_loads_again_as_itself(void **state)
{
    (void)state;
    struct fixture a = load("{\"clusters\":[{\"name\":\"web\",\"mode\":\"add-only\",\"fleets\":[{\"id\":\"sfr-1\",\"max\":40}],"
                            "\"headroom\":{\"tasks\":[{\"service\":\"x\",\"tasks\":2}]}}]}");
    assert_int_equal(a.rc, 0);
    struct buf text;
    buf_init(&text, 1 << 20);
    json_t *j = policy_to_json(&a.policy);
    json_write(j, &text);
    json_decref(j);
    struct fixture b = load(buf_str(&text));
    assert_int_equal(b.rc, 0);
    assert_string_equal(a.policy.hash, b.policy.hash);
    release(&a);
    release(&b);
    buf_release(&text);
}

#define INSTANT_OF(inner, more) "{\"clusters\":[{\"name\":\"web\",\"fleets\":[{\"instant\":{" inner "},\"max\":4" more "}]}]}"
#define INSTANT_WHOLE "\"name\":\"spare\",\"launch_template\":\"lt-1\",\"subnets\":[\"subnet-a\",\"subnet-b\"],\"types\":[\"c5.large\",\"m5.xlarge\"]"

static void an_instant_fleet_is_named_by_its_word(void **state)
{
    (void)state;
    struct fixture a = load(INSTANT_OF(INSTANT_WHOLE, ",\"role\":\"burst\""));
    if (a.rc)
        fail_msg("%s", buf_str(&a.report));
    const struct policy_fleet *f = &a.policy.clusters[0].fleets[0];
    assert_string_equal(policy_fleet_name(f), "spare");
    assert_int_equal(policy_fleet_kind(f), FLEET_INSTANT);
    assert_string_equal(f->instant.version, "$Default");
    assert_int_equal(f->instant.subnet_count, 2);
    assert_string_equal(f->instant.subnets[1].text, "subnet-b");
    assert_int_equal(f->instant.type_count, 2);
    assert_string_equal(f->instant.types[1].text, "m5.xlarge");
    assert_int_equal(f->role, FLEET_ROLE_BURST);
    struct buf text;
    buf_init(&text, 1 << 20);
    json_t *j = policy_to_json(&a.policy);
    json_write(j, &text);
    json_decref(j);
    struct fixture b = load(buf_str(&text));
    assert_string_equal(a.policy.hash, b.policy.hash);
    release(&a);
    release(&b);
    buf_release(&text);
}

static void mistakes_of_an_instant_fleet_are_refused_with_these_words(void **state)
{
    (void)state;
    static const struct {
        const char *text, *words;
    } cases[] = {
        {INSTANT_OF("", ""), "fleets[0].instant.name: is required"},
        {INSTANT_OF("\"name\":\"spare\"", ""), "fleets[0].instant.launch_template: is required"},
        {INSTANT_OF("\"name\":\"spare\",\"launch_template\":\"lt-1\",\"subnets\":[]", ""), "instant.subnets: is empty"},
        {INSTANT_OF("\"name\":\"spare\",\"launch_template\":\"lt-1\",\"subnets\":[\"subnet-a\"]", ""), "instant: names no types"},
        {INSTANT_OF("\"name\":\"spare\",\"launch_template\":\"lt-1\",\"subnets\":[7]", ""), "instant.subnets[0]: number, expected a string"},
        {INSTANT_OF("\"name\":\"spare\",\"launch_template\":\"lt-1\",\"subnets\":[\"sub a\"]", ""), "instant.subnets[0]: is no id of a subnet"},
        {INSTANT_OF("\"name\":\"spare\",\"launch_template\":\"lt-1\",\"subnets\":[\"subnet-a\",\"subnet-a\"]", ""), "\"subnet-a\" is there twice"},
        {INSTANT_OF("\"name\":\"a/b\",\"launch_template\":\"lt-1\",\"subnets\":[\"subnet-a\"]", ""), "instant.name: is no name for it"},
        {INSTANT_OF("\"name\":\"fleet-1\",\"launch_template\":\"lt-1\",\"subnets\":[\"subnet-a\"]", ""), "instant.name: is no name for it"},
        {INSTANT_OF("\"name\":\"a\",\"launch_template\":\"l t\",\"subnets\":[\"subnet-a\"]", ""), "launch_template: is neither id nor name"},
        {INSTANT_OF(INSTANT_WHOLE ",\"version\":\"new\"", ""), "instant.version: is no version of a launch template"},
        {INSTANT_OF(INSTANT_WHOLE ",\"\":1", ""), "unknown key"},
        {INSTANT_OF(INSTANT_WHOLE, ",\"min\":1"), "fleets[0].min: instances launched one order at a time have no min"},
        {INSTANT_OF(INSTANT_WHOLE, "},{\"max\":1,\"instant\":{" INSTANT_WHOLE "}"), "\"web/spare\" is also clusters[0].fleets[0]"},
        {INSTANT_OF(INSTANT_WHOLE, ",\"id\":\"sfr-1\""), "fleets[0].instant: id is there too"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fixture f = load(cases[i].text);
        assert_int_equal(f.rc, ERR_INVALID);
        if (!strstr(buf_str(&f.report), cases[i].words))
            fail_msg("%s\nlacks: %s\nhas: %s", cases[i].text, cases[i].words, buf_str(&f.report));
        release(&f);
    }
}

#define NEEDS_OF(inner) "{\"clusters\":[{\"name\":\"web\",\"fleets\":[{\"id\":\"sfr-1\",\"max\":4,\"arch\":\"arm64\",\"requirements\":{" inner "}}]}]}"

static void requirements_say_which_types_are_meant(void **state)
{
    (void)state;
    struct fixture a = load(NEEDS_OF("\"vcpus_min\":2,\"vcpus_max\":8,\"memory_mib_min\":4096,\"exclude\":[\"c6g*.*\"]"));
    if (a.rc)
        fail_msg("%s", buf_str(&a.report));
    struct type_rules r = policy_type_rules(&a.policy.clusters[0].fleets[0].requirements, "arm64", &a.arena);
    struct type_facts t = {.name = "m7g.large", .arch = "arm64", .vcpus = 2, .memory_mib = 8192, .current = true};
    assert_null(type_rules_miss(&r, &t));
    const struct {
        struct type_facts t;
        const char *miss;
    } cases[] = {
        {{.name = "c6gn.large", .arch = "arm64", .vcpus = 2, .memory_mib = 4096, .current = true}, "excluded by name"},
        {{.name = "m7i.large", .arch = "x86_64", .vcpus = 2, .memory_mib = 8192, .current = true}, "another architecture"},
        {{.name = "a1.large", .arch = "arm64", .vcpus = 2, .memory_mib = 4096}, "previous generation"},
        {{.name = "t4g.large", .arch = "arm64", .vcpus = 2, .memory_mib = 8192, .current = true, .burstable = true}, "burstable"},
        {{.name = "g5g.xlarge", .arch = "arm64", .vcpus = 4, .memory_mib = 8192, .gpus = 1, .current = true}, "has GPUs"},
        {{.name = "m7g.metal", .arch = "arm64", .vcpus = 8, .memory_mib = 8192, .current = true, .bare_metal = true}, "bare metal"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_string_equal(type_rules_miss(&r, &cases[i].t), cases[i].miss);
    struct buf text;
    buf_init(&text, 1 << 20);
    json_t *j = policy_to_json(&a.policy);
    json_write(j, &text);
    json_decref(j);
    struct fixture b = load(buf_str(&text));
    assert_string_equal(a.policy.hash, b.policy.hash);
    assert_int_equal(b.policy.clusters[0].fleets[0].requirements.exclude_count, 1);
    release(&a);
    release(&b);
    buf_release(&text);
}

static void placement_scores_are_off_unless_asked_for_and_never_asked_often(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        int64_t ms;
    } cases[] = {{"0", 0}, {"900", 900000}, {"3600", 3600000}, {"86400", 86400000}, {"1", -1}, {"899", -1}, {"86401", -1}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char text[256];
        snprintf(text, sizeof text, "{\"clusters\":[{\"name\":\"c\",\"fleets\":[{\"id\":\"sfr-1\",\"max\":9}],\"scale_out\":{\"placement_scores_s\":%s}}]}",
                 cases[i].value);
        struct fixture f = load(text);
        assert_int_equal(f.rc, cases[i].ms < 0 ? ERR_INVALID : 0);
        if (cases[i].ms >= 0)
            assert_int_equal(f.policy.clusters[0].placement_scores_ms, cases[i].ms);
        else
            assert_non_null(strstr(buf_str(&f.report), "clusters[0].scale_out.placement_scores_s"));
        release(&f);
    }
}

static void mistakes_of_requirements_are_refused_with_these_words(void **state)
{
    (void)state;
    static const struct {
        const char *text, *words;
    } cases[] = {
        {NEEDS_OF(""), "requirements.vcpus_min: is required"},
        {NEEDS_OF("\"vcpus_min\":0"), "requirements.vcpus_min: out of bounds"},
        {NEEDS_OF("\"vcpus_min\":4,\"vcpus_max\":2"), "requirements.vcpus_max: is below vcpus_min"},
        {NEEDS_OF("\"vcpus_min\":4,\"memory_mib_min\":2,\"memory_mib_max\":1"), "requirements.memory_mib_max: is below memory_mib_min"},
        {NEEDS_OF("\"vcpus_min\":4,\"exclude\":[\"C5.*\"]"), "requirements.exclude[0]: is no pattern of instance types"},
        {NEEDS_OF("\"vcpus_min\":4,\"allow\":[\"c5 large\"]"), "requirements.allow[0]: is no pattern of instance types"},
        {NEEDS_OF("\"vcpus_min\":4,\"gpus\":\"sum\""), "requirements.gpus: unknown word"},
        {NEEDS_OF("\"vcpus_min\":4,\"arch\":\"arm64\""), "\"arch\" belongs in clusters[].fleets[]"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fixture f = load(cases[i].text);
        assert_int_equal(f.rc, ERR_INVALID);
        if (!strstr(buf_str(&f.report), cases[i].words))
            fail_msg("%s\nlacks: %s\nhas: %s", cases[i].text, cases[i].words, buf_str(&f.report));
        release(&f);
    }
}

static void the_examples_load_without_a_warning(void **state)
{
    (void)state;
    static const char *const names[] = {"minimal", "production-spot", "brisk"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct arena a;
        struct buf report;
        struct policy p;
        struct err e = {0};
        arena_init(&a, 0);
        buf_init(&report, 1 << 20);
        char path[1000];
        snprintf(path, sizeof path, "%s/examples/%s.json", POLICIES_DIR, names[i]);
        if (policy_load_file(path, &a, &p, &report, &e) || report.len > 0)
            fail_msg("%s: %s", e.msg, buf_str(&report));
        assert_string_equal(p.path, path);
        arena_release(&a);
        buf_release(&report);
    }
}

static void a_file_that_is_not_there_is_an_io_error(void **state)
{
    (void)state;
    struct fixture f = load("{}");
    assert_int_equal(policy_load_file("/nonexistent/p.json", &f.arena, &f.policy, &f.report, &f.err), ERR_IO);
    release(&f);
}

static void the_schema_in_the_tree_is_what_the_table_says(void **state)
{
    (void)state;
    struct buf want;
    buf_init(&want, 1 << 20);
    policy_write_schema(&want);
    struct arena a;
    arena_init(&a, 0);
    struct slice have = {0};
    json_t *j = NULL;
    assert_int_equal(json_read_file(POLICIES_DIR "/policy.schema.json", 1 << 20, &a, &have, &j, NULL), 0);
    json_decref(j);
    if (!slice_eq(have, buf_slice(&want)))
        fail_msg("policies/policy.schema.json is stale: masu check-policy --schema > policies/policy.schema.json");
    arena_release(&a);
    buf_release(&want);
}

static void the_reference_names_every_key(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 1 << 20);
    policy_write_reference(&b);
    for (size_t i = 0; i < policy_key_count; i++) {
        char path[128];
        assert_non_null(strstr(buf_str(&b), policy_key_inner(&policy_keys[i], path)));
        assert_true(strlen(policy_keys[i].help) > 10);
        if (policy_keys[i].kind == KEY_INTEGER && !policy_keys[i].required)
            assert_in_range(policy_keys[i].fallback, policy_keys[i].min, policy_keys[i].max);
    }
    assert_non_null(strstr(buf_str(&b), "300 to 86,400 s, default 1,800\n"));
    buf_release(&b);
}

static void near_keys_are_found(void **state)
{
    (void)state;
    assert_int_equal(policy_edit_distance("quantil", "quantile"), 1);
    assert_int_equal(policy_edit_distance("perdio", "period"), 2);
    assert_int_equal(policy_edit_distance("ab", "ba"), 1);
    assert_int_equal(policy_edit_distance("", "abc"), 3);
    assert_int_equal(policy_edit_distance("same", "same"), 0);
    assert_string_equal(policy_key_nearest("clusters[]", "hedroom")->name, "headroom");
    assert_string_equal(policy_key_nearest("clusters[].scale_in", "start_hold")->name, "start_hold_s");
    assert_null(policy_key_nearest("clusters[]", "q"));
    assert_string_equal(policy_key_elsewhere("clusters[]", "drain_percent")->parent, "clusters[].scale_in");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(five_lines_run_a_cluster_with_safe_defaults),
        cmocka_unit_test(every_value_is_taken),
        cmocka_unit_test(protections_are_taken),
        cmocka_unit_test(a_confirmation_does_not_change_the_hash),
        cmocka_unit_test(money_is_a_number_of_dollars),
        cmocka_unit_test(each_mistake_shows_its_line_a_caret_and_the_remedy),
        cmocka_unit_test(mistakes_are_refused_with_these_words),
        cmocka_unit_test(a_name_cannot_move_the_terminals_cursor),
        cmocka_unit_test(a_file_of_nothing_but_mistakes_ends_soon),
        cmocka_unit_test(the_hash_is_that_of_the_effective_policy),
        cmocka_unit_test(the_effective_policy_loads_again_as_itself),
        cmocka_unit_test(an_instant_fleet_is_named_by_its_word),
        cmocka_unit_test(requirements_say_which_types_are_meant),
        cmocka_unit_test(placement_scores_are_off_unless_asked_for_and_never_asked_often),
        cmocka_unit_test(mistakes_of_requirements_are_refused_with_these_words),
        cmocka_unit_test(mistakes_of_an_instant_fleet_are_refused_with_these_words),
        cmocka_unit_test(the_examples_load_without_a_warning),
        cmocka_unit_test(a_file_that_is_not_there_is_an_io_error),
        cmocka_unit_test(the_schema_in_the_tree_is_what_the_table_says),
        cmocka_unit_test(the_reference_names_every_key),
        cmocka_unit_test(near_keys_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
