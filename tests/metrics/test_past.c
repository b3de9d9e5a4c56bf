// A cluster's past from a Prometheus: its sums, and what of it is each service's.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "scaler/backfill_prometheus.h"
#include "tests/aws/fixture.h"

#define FROM_MS (T0_MS / PROMETHEUS_PAST_STEP_MS * PROMETHEUS_PAST_STEP_MS)
enum { STEPS = 3 };

struct bed {
    struct fixture f;
    struct policy_cluster p;
    struct snapshot s;
    struct shape shapes[3];
    struct deployment newest[3];
    struct service services[4];
    struct prometheus_past past;
    struct past_line *lines;
    size_t count;
};

// web has a family of its own, api and api-canary share one, and nothing is told of the daemon's.
static void begin(struct bed *b)
{
    static const char *const names[] = {"web", "api", "api-canary", "log"};
    memset(b, 0, sizeof *b);
    fixture_begin(&b->f);
    policy_cluster_defaults(&b->p);
    b->p.name = "shop";
    b->p.account = "";
    b->p.usage.url = "http://prometheus:9090";
    b->p.usage.label = "family";
    b->p.usage.largest_query = "";
    b->shapes[0] = (struct shape){.name = "web:7"};
    b->shapes[1] = (struct shape){.name = "api:1"};
    b->shapes[2] = (struct shape){.name = "log:1"};
    for (int k = 0; k < 3; k++)
        b->newest[k] = (struct deployment){.id = "d", .shape = k, .primary = true};
    for (int k = 0; k < 4; k++)
        b->services[k] = (struct service){.name = names[k], .on_ec2 = true, .kind = k == 3 ? SERVICE_DAEMON : SERVICE_REPLICA,
                                          .deployments = &b->newest[k == 0 ? 0 : k == 3 ? 2 : 1], .deployment_count = 1};
    b->s = (struct snapshot){.shapes = b->shapes, .shape_count = 3, .services = b->services, .service_count = 4};
    prometheus_past_of(&b->past, &b->p, &b->s, &b->f.arena);
}

static void end(struct bed *b)
{
    fixture_end(&b->f);
}

// Of each family, a value a step; NULL: none.
static void add_answer(struct bed *b, const char *const families[][1 + STEPS], size_t count)
{
    struct buf text;
    buf_init(&text, 1 << 16);
    buf_add_str(&text, "{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":[");
    for (size_t i = 0; i < count; i++) {
        buf_printf(&text, "%s{\"metric\":{\"family\":\"%s\"},\"values\":[", i ? "," : "", families[i][0]);
        bool any = false;
        for (int k = 0; k < STEPS; k++)
            if (families[i][1 + k]) {
                buf_printf(&text, "%s[%lld,\"%s\"]", any ? "," : "", (long long)(FROM_MS / 1000 + k * 300), families[i][1 + k]);
                any = true;
            }
        buf_add_str(&text, "]}");
    }
    buf_add_str(&text, "]}}");
    scripted_add_body(&b->f.s, arena_strdup(&b->f.arena, buf_str(&text)));
    buf_release(&text);
}

static int read_past(struct bed *b, struct err *err)
{
    return prometheus_past_read(&b->past, b->f.clients, &b->f.s.base, FROM_MS, FROM_MS + STEPS * PROMETHEUS_PAST_STEP_MS, &b->f.arena, &b->lines, &b->count, err);
}

static const struct past_line *line(const struct bed *b, enum series series, const char *subject)
{
    for (size_t i = 0; i < b->count; i++)
        if (b->lines[i].series == series && strcmp(b->lines[i].subject, subject) == 0)
            return &b->lines[i];
    return NULL;
}

static void is(const struct bed *b, enum series series, const char *subject, const int64_t want[STEPS])
{
    const struct past_line *l = line(b, series, subject);
    size_t n = 0;
    assert_non_null(l);
    for (int k = 0; k < STEPS; k++)
        if (want[k] > 0) {
            assert_true(n < l->count);
            assert_int_equal(l->points[n].at_ms, FROM_MS + k * PROMETHEUS_PAST_STEP_MS);
            assert_int_equal(l->points[n++].value, want[k]);
        }
    assert_int_equal(l->count, n);
}

static void a_family_of_one_service_tells_of_it_and_all_count_for_the_cluster(void **state)
{
    (void)state;
    struct bed b;
    struct err err = {0};
    begin(&b);
    static const char *const cores[][1 + STEPS] = {{"web", "0.5", NULL, "1"}, {"api", "1.5", "2", "NaN"}, {"log", "0.25", NULL, NULL}, {"other", "0.25", NULL, NULL}};
    static const char *const bytes[][1 + STEPS] = {{"web", "1048576000", NULL, NULL}};
    static const char *const tasks[][1 + STEPS] = {{"web", "4", "5", "6"}, {"api", "2", "2", "2"}};
    static const char *const shares[][1 + STEPS] = {{"web", "2048", "2560", "3072"}};
    static const char *const given[][1 + STEPS] = {{"web", "4294967296", "0", NULL}};
    static const char *const turned_away[][1 + STEPS] = {{"web", "0", "12", "0"}, {"api", "0", "3", NULL}};
    b.p.usage.overflow_query = "turned_away";
    add_answer(&b, cores, 4);
    add_answer(&b, bytes, 1);
    add_answer(&b, tasks, 2);
    add_answer(&b, shares, 1);
    add_answer(&b, given, 1);
    add_answer(&b, turned_away, 2);
    assert_int_equal(read_past(&b, &err), 0);
    is(&b, SERIES_USED_CPU_UNITS, "", (const int64_t[]){2560, 2048, 0});
    is(&b, SERIES_SERVICE_USED_CPU_UNITS, "web", (const int64_t[]){512, 0, 1024});
    assert_null(line(&b, SERIES_SERVICE_USED_CPU_UNITS, "api"));
    assert_null(line(&b, SERIES_SERVICE_USED_CPU_UNITS, "log"));
    is(&b, SERIES_SERVICE_USED_MEMORY_MIB, "web", (const int64_t[]){1000, 0, 0});
    is(&b, SERIES_RUNNING_TASKS, "", (const int64_t[]){6, 7, 8});
    is(&b, SERIES_DESIRED_TASKS, "", (const int64_t[]){6, 7, 8});
    is(&b, SERIES_SERVICE_RUNNING, "web", (const int64_t[]){4, 5, 6});
    is(&b, SERIES_SERVICE_RESERVED_CPU_UNITS, "web", (const int64_t[]){2048, 2560, 3072});
    is(&b, SERIES_NEED_MEMORY_MIB, "", (const int64_t[]){4096, 0, 0});
    is(&b, SERIES_SERVICE_RESERVED_MEMORY_MIB, "web", (const int64_t[]){4096, 0, 0});
    is(&b, SERIES_OVERFLOW, "", (const int64_t[]){0, 1, 0});
    assert_null(line(&b, SERIES_SERVICE_LARGEST_MEMORY_MIB, "web"));  // not asked
    assert_non_null(strstr(b.f.s.requests[4].body, "query=sum%20by%20%28family%29%20%28%28container_spec_memory_reservation_limit_bytes"));
    end(&b);
}

static void without_a_look_the_cluster_alone_is_told(void **state)
{
    (void)state;
    struct bed b;
    struct err err = {0};
    static const char *const any[][1 + STEPS] = {{"web", "1", "1", "1"}, {"api", "2", "2", "2"}};
    begin(&b);
    prometheus_past_of(&b.past, &b.p, NULL, &b.f.arena);
    for (int k = 0; k < 5; k++)
        add_answer(&b, any, 2);
    assert_int_equal(read_past(&b, &err), 0);
    assert_int_equal(b.count, 6);
    is(&b, SERIES_RUNNING_TASKS, "", (const int64_t[]){3, 3, 3});
    scripted_add_body(&b.f.s, "{\"status\":\"error\",\"errorType\":\"bad_data\",\"error\":\"no such label\"}");
    assert_int_equal(read_past(&b, &err), ERR_INVALID);
    assert_non_null(strstr(err.msg, "used_cpu_units"));
    end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_family_of_one_service_tells_of_it_and_all_count_for_the_cluster),
        cmocka_unit_test(without_a_look_the_cluster_alone_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
