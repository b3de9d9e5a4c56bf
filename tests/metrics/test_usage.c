// The keeper of use: what it asks, what counts, and that everything else is unknown.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "scaler/usage.h"
#include "tests/aws/fixture.h"

struct bed {
    struct fixture f;
    struct policy_cluster p;
    struct usage *u;
    struct snapshot s;
    struct shape shapes[2];
    struct instance host;
    struct holding held[2];
};

static void begin(struct bed *b)
{
    memset(b, 0, sizeof *b);
    fixture_begin(&b->f);
    policy_cluster_defaults(&b->p);
    b->p.name = "arn:aws:ecs:eu-west-1:111122223333:cluster/shop";
    b->p.usage.url = "http://prometheus:9090";
    b->p.usage.largest_query = "";
    b->u = usage_new(&(struct usage_options){.clients = b->f.clients, .transport = &b->f.s.base, .env = &b->f.env, .account = ""});
    b->shapes[0] = (struct shape){.name = "web:7", .known = true};
    b->shapes[1] = (struct shape){.name = "web:8", .known = true};
    b->held[0] = (struct holding){.service = -1, .shape = 0, .running = 2};
    b->held[1] = (struct holding){.service = -1, .shape = 1, .running = 2};
    b->host = (struct instance){.id = "i-1", .holdings = b->held, .holding_count = 2};
    b->s = (struct snapshot){.shapes = b->shapes, .shape_count = 2, .instances = &b->host, .instance_count = 1};
}

static void end(struct bed *b)
{
    usage_free(b->u);
    fixture_end(&b->f);
}

// An instant answer of each query, in their order; `fresh` seconds before now.
static void add_present(struct bed *b, double cores, double mib, int tasks, int age_s)
{
    int64_t now_s = clock_wall_ms(&b->f.s.clock) / 1000;
    const double values[] = {cores, mib * 1048576, tasks, (double)(now_s - age_s)};
    for (int k = 0; k < 4; k++)
        scripted_add_body(&b->f.s, arena_printf(&b->f.arena, "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[{\"metric\":{"
                                                             "\"container_label_com_amazonaws_ecs_task_definition_family\":\"web\"},\"value\":[%lld,\"%.17g\"]}]}}",
                                                (long long)now_s, values[k]));
}

static void add_past(struct bed *b, int minutes)
{
    int64_t now_s = clock_wall_ms(&b->f.s.clock) / 1000;
    for (int query = 0; query < 4; query++) {
        struct buf text;
        buf_init(&text, 1 << 16);
        buf_add_str(&text, "{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":[{\"metric\":{"
                           "\"container_label_com_amazonaws_ecs_task_definition_family\":\"web\"},\"values\":[");
        for (int k = minutes - 1; k >= 0; k--) {
            const double values[] = {0.4, 400 * 1048576.0, 4, (double)(now_s - 60 * k - 10)};
            buf_printf(&text, "[%lld,\"%.17g\"]%s", (long long)(now_s - 60 * k), values[query], k ? "," : "");
        }
        buf_add_str(&text, "]}]}}");
        scripted_add_body(&b->f.s, arena_strdup(&b->f.arena, buf_str(&text)));
        buf_release(&text);
    }
}

static const struct source *round_of(struct bed *b)
{
    int64_t due_ms = usage_due_ms(b->u, &b->p);
    if (due_ms > clock_wall_ms(&b->f.s.clock))
        clock_advance_to(&b->f.s.clock, due_ms);
    usage_wait(b->u, &b->p, clock_wall_ms(&b->f.s.clock) + 30000);
    b->s.now_ms = clock_wall_ms(&b->f.s.clock);
    for (int k = 0; k < 2; k++)
        b->shapes[k].used_at_ms = 0;
    usage_tell(b->u, &b->p, &b->f.arena, &b->s);
    return &b->s.usage;
}

static void the_first_round_asks_for_the_hour_before(void **state)
{
    (void)state;
    struct bed b;
    begin(&b);
    add_past(&b, 30);
    assert_int_equal(round_of(&b)->state, SOURCE_OK);
    assert_string_equal(b.s.usage.detail, "");
    for (int k = 0; k < 2; k++) {  // both revisions, a task each of four
        assert_int_equal(b.shapes[k].used_p95.v[RES_CPU], 103);
        assert_int_equal(b.shapes[k].used_p95.v[RES_MEMORY], 100);
        assert_true(b.shapes[k].used_at_ms > 0);
    }
    assert_int_equal(b.f.s.request_count, 4);
    assert_string_equal(b.f.s.requests[0].url, "http://prometheus:9090/api/v1/query_range");
    assert_non_null(strstr(b.f.s.requests[0].body, "cluster%3D~%22%28.%2A%2F%29%3Fshop%22"));
    assert_null(strstr(b.f.s.requests[2].body, "%24label"));
    add_present(&b, 0.8, 400, 4, 20);
    assert_int_equal(round_of(&b)->state, SOURCE_OK);
    assert_string_equal(b.f.s.requests[4].url, "http://prometheus:9090/api/v1/query");
    assert_int_equal(b.shapes[0].used_now.v[RES_CPU], 205);
    end(&b);
}

static void g1_each_way_to_fail_is_unknown_and_the_next_good_round_is_known(void **state)
{
    (void)state;
    static const struct {
        const char *body, *words;
        int status;
    } rows[] = {
        {"{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[]}}", "answers nothing", 200},
        {"{\"status\":\"success\",\"warnings\":[\"shard 2 is away\"],\"data\":{\"resultType\":\"vector\",\"result\":[]}}", "in part: shard 2 is away", 200},
        {"{\"status\":\"success\",\"data\":{\"resultType\":\"scalar\",\"result\":[1,\"1\"]}}", "answers no series", 200},
        {"{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[{\"metric\":{},\"value\":[1770003660,\"1\"]}]}}", "no label", 200},
        {"{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[{\"metric\":{},\"value\":[1760000000,\"1\"]}]}}", "another time", 200},
        {"gone", "HTTP 503: gone", 503},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct bed b;
        begin(&b);
        b.p.usage.every_ms = 3600000;
        add_past(&b, 60);
        assert_int_equal(round_of(&b)->state, SOURCE_OK);
        for (int k = 0; k < 4; k++)
            scripted_add(&b.f.s, (struct scripted_reply){.kind = SCRIPTED_ANSWER, .status = rows[i].status, .body = rows[i].body});
        b.p.usage.every_ms = 30000;
        clock_advance_to(&b.f.s.clock, T0_MS + 3660000);
        const struct source *s = round_of(&b);
        if (s->state != SOURCE_UNKNOWN || !strstr(s->detail, rows[i].words) || b.shapes[0].used_at_ms)
            fail_msg("row %zu: %d %s", i, (int)s->state, s->detail);
        add_present(&b, 0.4, 400, 4, 10);
        assert_int_equal(round_of(&b)->state, SOURCE_OK);
        end(&b);
    }
}

static void g1_old_samples_that_look_new_are_too_old(void **state)
{
    (void)state;
    struct bed b;
    begin(&b);
    add_past(&b, 30);
    round_of(&b);
    for (int k = 0; k < 3; k++) {
        add_present(&b, 0.4, 400, 4, 200);
        round_of(&b);
    }
    assert_int_equal(b.s.usage.state, SOURCE_UNKNOWN);
    assert_non_null(strstr(b.s.usage.detail, "all samples are too old"));
    assert_int_equal(b.shapes[0].used_at_ms, 0);
    end(&b);
}

static void g2_two_series_where_one_is_meant_and_half_the_tasks_are_unknown(void **state)
{
    (void)state;
    struct bed b;
    begin(&b);
    add_past(&b, 30);
    round_of(&b);
    add_present(&b, 0.4, 400, 1, 10);  // one of four
    assert_int_equal(round_of(&b)->state, SOURCE_OK);
    assert_int_equal(b.shapes[0].used_at_ms, 0);
    int64_t now_s = clock_wall_ms(&b.f.s.clock) / 1000 + 60;
    const char *twice = arena_printf(&b.f.arena, "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[%s,%s]}}",
                                     "{\"metric\":{\"container_label_com_amazonaws_ecs_task_definition_family\":\"web\",\"job\":\"a\"},\"value\":[T,\"4\"]}",
                                     "{\"metric\":{\"container_label_com_amazonaws_ecs_task_definition_family\":\"web\",\"job\":\"b\"},\"value\":[T,\"4\"]}");
    struct buf text;
    buf_init(&text, 4096);
    for (const char *p = twice; *p; p++) {
        if (*p == 'T')
            buf_printf(&text, "%lld", (long long)now_s);
        else
            buf_add_char(&text, *p);
    }
    for (int round = 0; round < 3; round++) {
        for (int k = 0; k < 4; k++)
            scripted_add_body(&b.f.s, arena_strdup(&b.f.arena, buf_str(&text)));
        round_of(&b);
    }
    buf_release(&text);
    assert_int_equal(b.shapes[0].used_at_ms, 0);
    end(&b);
}

static void the_largest_task_is_asked_besides_and_missed_by_nobody(void **state)
{
    (void)state;
    struct bed b;
    begin(&b);
    b.p.usage.largest_query = "max by ($label) (mine)";
    add_past(&b, 30);
    scripted_add_body(&b.f.s, "{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":[]}}");
    assert_int_equal(round_of(&b)->state, SOURCE_OK);
    assert_string_equal(b.s.usage.detail, "");
    assert_true(b.shapes[0].used_at_ms > 0);
    assert_int_equal(b.shapes[0].used_largest_mib, 0);
    assert_non_null(strstr(b.f.s.requests[4].body, "query=max%20by%20%28container_label_com_amazonaws_ecs_task_definition_family%29%20%28mine%29"));
    static const struct {
        double mib;  // of the largest of four tasks of 100; < 0: an answer that fails
        int64_t told;
    } rows[] = {{180, 180}, {-1, 0}, {95, 100}, {50, 0}, {NAN, 0}, {430, 430}, {500, 0}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t now_s = usage_due_ms(b.u, &b.p) / 1000;
        clock_advance_to(&b.f.s.clock, usage_due_ms(b.u, &b.p));
        add_present(&b, 0.4, 400, 4, 10);
        if (rows[i].mib < 0)
            scripted_add_error(&b.f.s, 503, "gone");
        else
            scripted_add_body(&b.f.s, arena_printf(&b.f.arena, "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[{\"metric\":{"
                              "\"container_label_com_amazonaws_ecs_task_definition_family\":\"web\"},\"value\":[%lld,\"%.17g\"]}]}}", (long long)now_s, rows[i].mib * 1048576));
        assert_int_equal(round_of(&b)->state, SOURCE_OK);
        if (b.shapes[0].used_largest_mib != rows[i].told || b.shapes[0].used_at_ms == 0)
            fail_msg("row %zu: %lld", i, (long long)b.shapes[0].used_largest_mib);
    }
    end(&b);
}

static const char *overflow_body(struct bed *b, const char *result)
{
    return arena_printf(&b->f.arena, "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[%s]}}", result);
}

static const char *overflow_of(struct bed *b, const char *label, const char *whose, const char *value)
{
    long long now_s = usage_due_ms(b->u, &b->p) / 1000;
    return arena_printf(&b->f.arena, "{\"metric\":{\"__name__\":\"x\",\"%s\":\"%s\"},\"value\":[%lld,\"%s\"]}", label, whose, now_s, value);
}

// What it says counts, whatever becomes of the use; and the other way round.
static void g7_circuit_breakers_are_asked_for_beside_the_use(void **state)
{
    (void)state;
    struct bed b;
    begin(&b);
    b.p.usage.overflow_query = "sum by (envoy_cluster_name) (mine{c=\"$cluster\"})";
    usage_tell(b.u, &b.p, &b.f.arena, &b.s);
    assert_int_equal(b.s.overflow.state, SOURCE_UNKNOWN);
    assert_string_equal(b.s.overflow.detail, "not read yet");
    add_past(&b, 30);
    scripted_add_body(&b.f.s, overflow_body(&b, arena_printf(&b.f.arena, "%s,%s", overflow_of(&b, "envoy_cluster_name", "main-web", "0"), overflow_of(&b, "envoy_cluster_name", "main-api", "0.5"))));
    assert_int_equal(round_of(&b)->state, SOURCE_OK);
    assert_string_equal(b.f.s.requests[4].url, "http://prometheus:9090/api/v1/query");  // of the present, the first time too
    assert_non_null(strstr(b.f.s.requests[4].body, "mine%7Bc%3D%22shop%22%7D"));
    assert_int_equal(b.s.overflow.state, SOURCE_OK);
    assert_int_equal(b.s.overflow.read_ms, b.s.usage.read_ms);
    assert_string_equal(b.s.overflowing, "main-api");
    for (int k = 0; k < 4; k++)
        scripted_add_error(&b.f.s, 503, "gone");
    const char *label = "container_label_com_amazonaws_ecs_task_definition_family";
    scripted_add_body(&b.f.s, overflow_body(&b, arena_printf(&b.f.arena, "%s,%s,%s,%s,%s", overflow_of(&b, label, "a", "1"), overflow_of(&b, label, "b", "2"),
                                                             overflow_of(&b, label, "c", "1"), overflow_of(&b, label, "d", "1"), overflow_of(&b, label, "e", "1"))));
    round_of(&b);
    assert_non_null(strstr(b.s.usage.detail, "gone"));
    assert_string_equal(b.s.overflowing, "a, b, c and more");
    end(&b);
}

static void g7_breakers_that_cannot_be_told_are_unknown(void **state)
{
    (void)state;
    struct bed b;
    begin(&b);
    b.p.usage.overflow_query = "mine";
    add_past(&b, 30);
    scripted_add_body(&b.f.s, overflow_body(&b, overflow_of(&b, "f", "web", "0")));
    round_of(&b);
    static const struct {
        const char *value, *words;
    } rows[] = {{NULL, "overflow_query: answers nothing"}, {"NaN", "not finite"}, {"-1", "negative"}, {"+Inf", "not finite"}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        for (int round = 0; round < 3; round++) {
            clock_advance_to(&b.f.s.clock, usage_due_ms(b.u, &b.p));
            const char *one = overflow_of(&b, "f", "web", rows[i].value ? rows[i].value : "");
            add_present(&b, 0.4, 400, 4, 10);
            scripted_add_body(&b.f.s, overflow_body(&b, round == 2 && i + 1 < ARRAY_LEN(rows) ? overflow_of(&b, "f", "web", "1") : rows[i].value ? one : ""));
            assert_int_equal(round_of(&b)->state, SOURCE_OK);
            if (round < 2)
                assert_non_null(strstr(b.s.overflow.detail, rows[i].words));
            else if (i + 1 < ARRAY_LEN(rows))
                assert_string_equal(b.s.overflowing, "web");
        }
    assert_int_equal(b.s.overflow.state, SOURCE_UNKNOWN);  // for three minutes
    assert_string_equal(b.s.overflowing, "");
    b.p.usage.overflow_query = "";
    b.s.overflow = (struct source){0};
    usage_tell(b.u, &b.p, &b.f.arena, &b.s);
    assert_int_equal(b.s.overflow.read_ms, 0);
    end(&b);
}

static void without_a_past_it_begins_with_the_present(void **state)
{
    (void)state;
    struct bed b;
    begin(&b);
    for (int k = 0; k < 4; k++)
        scripted_add(&b.f.s, (struct scripted_reply){.kind = SCRIPTED_LIMIT});
    assert_int_equal(round_of(&b)->state, SOURCE_UNKNOWN);
    for (int k = 0; k < 5; k++) {
        assert_int_equal(b.shapes[0].used_at_ms, 0);
        add_present(&b, 0.4, 400, 4, 10);
        assert_int_equal(round_of(&b)->state, SOURCE_OK);
    }
    assert_true(b.shapes[0].used_at_ms > 0);
    end(&b);
}

static void a_secret_comes_from_its_file_at_each_round(void **state)
{
    (void)state;
    struct bed b;
    char path[] = "/tmp/masu-usage-XXXXXX";
    begin(&b);
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    b.p.usage.bearer_file = path;
    assert_int_equal(round_of(&b)->state, SOURCE_UNKNOWN);
    assert_non_null(strstr(b.s.usage.detail, "is empty"));
    FILE *f = fdopen(fd, "w");
    fputs("first line\nsecond\n", f);
    fclose(f);
    add_past(&b, 30);
    assert_int_equal(round_of(&b)->state, SOURCE_OK);
    assert_non_null(strstr(b.f.s.requests[0].headers, "Authorization: Bearer first line\n"));
    remove(path);
    end(&b);
}

static void what_is_open_at_the_end_is_cancelled(void **state)
{
    (void)state;
    struct bed b;
    begin(&b);
    for (int k = 0; k < 4; k++)
        scripted_add(&b.f.s, (struct scripted_reply){.kind = SCRIPTED_HANG});
    usage_turn(b.u, &b.p);
    assert_true(usage_due_ms(b.u, &b.p) == INT64_MAX);
    b.p.usage.url = "";
    usage_turn(b.u, &b.p);
    end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_round_asks_for_the_hour_before),
        cmocka_unit_test(g1_each_way_to_fail_is_unknown_and_the_next_good_round_is_known),
        cmocka_unit_test(g1_old_samples_that_look_new_are_too_old),
        cmocka_unit_test(g2_two_series_where_one_is_meant_and_half_the_tasks_are_unknown),
        cmocka_unit_test(the_largest_task_is_asked_besides_and_missed_by_nobody),
        cmocka_unit_test(g7_circuit_breakers_are_asked_for_beside_the_use),
        cmocka_unit_test(g7_breakers_that_cannot_be_told_are_unknown),
        cmocka_unit_test(without_a_past_it_begins_with_the_present),
        cmocka_unit_test(a_secret_comes_from_its_file_at_each_round),
        cmocka_unit_test(what_is_open_at_the_end_is_cancelled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
