// Exposition text, and what a host's pages say that its tasks use: sums by hand, both cgroup versions, dropped labels, counters that begin anew.
#include "tests/cm.h"

#include <math.h>
#include <string.h>

#include "base/buf.h"
#include "scaler/metrics/cadvisor.h"
#include "scaler/metrics/exposition.h"

#define T0_MS INT64_C(1770000000000)
#define GIB 1073741824.0

// ---- the text -------------------------------------------------------------------------------------------------------------
static int read_all(struct slice text, struct exposition_sample *ret, size_t max, struct err *err)
{
    struct exposition e;
    struct exposition_sample s;
    size_t n = 0;
    int rc;
    exposition_begin(&e, text);
    while ((rc = exposition_next(&e, &s, err)) == 1)
        if (n < max)
            ret[n++] = s;
    return rc ? rc : (int)e.samples;
}

static void samples_are_read_as_the_format_says(void **state)
{
    (void)state;
    static const char page[] = "# HELP a What \\ it is.\n# TYPE a counter\n\n  a 1\na{} 2\n\ta{x=\"1\"}  3e+02 1770000000000\n"
                               "a { x = \"q\\\"u\\\\o\\nte\" , y=\"}, \", } NaN\na:b_c{l=\"\"} +Inf -5\nd -inf\ne +7.25\r\n#\nf{x=\"日本\"} 0\n";
    struct exposition_sample s[8];
    struct err err = {0};
    struct arena a;
    arena_init(&a, 0);
    assert_int_equal(read_all(slice_of(page), s, 8, &err), 8);
    assert_true(s[0].value == 1 && !s[0].timed && s[0].labels.len == 0);
    assert_true(s[2].value == 300 && s[2].timed && s[2].at_ms == T0_MS);
    assert_true(isnan(s[3].value));
    assert_string_equal(exposition_label(&s[3], "x", &a), "q\"u\\o\nte");
    assert_string_equal(exposition_label(&s[3], "y", &a), "}, ");
    assert_null(exposition_label(&s[3], "z", &a));
    assert_true(slice_eq_str(s[4].name, "a:b_c") && isinf(s[4].value) && s[4].at_ms == -5);
    assert_string_equal(exposition_label(&s[4], "l", &a), "");
    assert_true(isinf(s[5].value) && s[5].value < 0);
    assert_true(s[6].value == 7.25);
    assert_string_equal(exposition_label(&s[7], "x", &a), "日本");
    assert_int_equal(read_all(slice_of(""), s, 0, &err), 0);
    arena_release(&a);
}

static void what_is_no_such_text_is_an_error_with_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *page, *words;
    } rows[] = {
        {"a 1\nb 2", "line 2: has no end"},       {"a 1\n<html>\n", "line 2: is no sample"},  {"a\n", "line 1: its value"},
        {"a one\n", "its value is no number"},     {"a 0x10\n", "its value is no number"},    {"a 1e999\n", "its value is no number"},
        {"a{x=\"1\" 2\n", "is not well formed"},   {"a{x=\"1 2\n", "is not well formed"},     {"a{x=1} 2\n", "is not well formed"},
        {"a{x=\"\\q\"} 2\n", "is not well formed"}, {"a{x=\"1\"y=\"2\"} 2\n", "is not well formed"}, {"a{,} 2\n", "is not well formed"},
        {"a{x=\"1\",\n", "have no end"},           {"a 1 2 3\n", "is no time"},               {"a 1 soon\n", "is no time"},
        {"a{1=\"1\"} 2\n", "is not well formed"},  {"{x=\"1\"} 2\n", "is no sample"},         {"a{x=\"\\", "has no end"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct err err = {0};
        int rc = read_all(slice_of(rows[i].page), NULL, 0, &err);
        if (rc != ERR_CORRUPT || !strstr(err.msg, rows[i].words))
            fail_msg("row %zu: %d %s", i, rc, err.msg);
    }
}

static void huge_lines_and_ten_million_samples_are_limits(void **state)
{
    (void)state;
    struct buf b;
    struct err err = {0};
    buf_init(&b, 64 << 20);
    buf_add_str(&b, "# ");
    for (int i = 0; i < EXPOSITION_LINE_MAX; i++)
        buf_add_char(&b, 'c');
    buf_add_str(&b, "\na 1\n");
    assert_int_equal(read_all(buf_slice(&b), NULL, 0, &err), 1);  // a comment may be
    buf_clear(&b);
    buf_add_str(&b, "a{x=\"");
    for (int i = 0; i < EXPOSITION_LINE_MAX; i++)
        buf_add_char(&b, 'c');
    buf_add_str(&b, "\"} 1\n");
    assert_int_equal(read_all(buf_slice(&b), NULL, 0, &err), ERR_LIMIT);
    assert_non_null(strstr(err.msg, "longer"));
    buf_clear(&b);
    for (int i = 0; i < 10000000; i++)
        buf_add(&b, "a 1\n", 4);
    assert_int_equal(read_all(buf_slice(&b), NULL, 0, &err), ERR_LIMIT);
    assert_non_null(strstr(err.msg, "samples"));
    buf_clear(&b);
    buf_add_str(&b, "a{");
    for (int i = 0; i <= EXPOSITION_LABELS_MAX; i++)
        buf_add_str(&b, "x=\"\",");
    buf_add_str(&b, "} 1\n");
    assert_int_equal(read_all(buf_slice(&b), NULL, 0, &err), ERR_LIMIT);
    assert_non_null(strstr(err.msg, "labels"));
    buf_release(&b);
}

// ---- a host ---------------------------------------------------------------------------------------------------------------
struct bed {
    struct cadvisor_host *h;
    struct buf text;
    struct arena a;
    struct cadvisor_use use;
    struct err err;
    int64_t at_ms;
};

static void begin(struct bed *b)
{
    memset(b, 0, sizeof *b);
    b->h = cadvisor_host_new();
    buf_init(&b->text, 1 << 20);
    arena_init(&b->a, 0);
    b->at_ms = T0_MS;
}

static void end(struct bed *b)
{
    cadvisor_host_free(b->h);
    buf_release(&b->text);
    arena_release(&b->a);
}

#define OF(family, name) "container_label_com_amazonaws_ecs_cluster=\"shop\",container_label_com_amazonaws_ecs_container_name=\"" name "\"," \
                         "container_label_com_amazonaws_ecs_task_definition_family=\"" family "\""
#define ARN(task) ",container_label_com_amazonaws_ecs_task_arn=\"arn:aws:ecs:us-east-1:111122223333:task/shop/" task "\""
#define V1(task, box) "id=\"/ecs/" task "/" box "\","
#define V2(task, box) "id=\"/ecstasks.slice/ecstasks-" task ".slice/docker-" box ".scope\","

static void add(struct bed *b, const char *labels, double seconds, double bytes)
{
    buf_printf(&b->text, "container_cpu_usage_seconds_total{%s,cpu=\"total\"} %.17g\n", labels, seconds);
    buf_printf(&b->text, "container_memory_working_set_bytes{%s} %.17g\n", labels, bytes);
}

static int page(struct bed *b, int64_t later_ms)
{
    b->at_ms += later_ms;
    b->use = (struct cadvisor_use){0};
    int rc = cadvisor_read(b->h, &(struct cadvisor_page){buf_slice(&b->text), "shop", b->at_ms, 120000}, &b->a, &b->use, &b->err);
    buf_clear(&b->text);
    return rc;
}

static const struct cadvisor_family *family(const struct bed *b, const char *name)
{
    for (size_t i = 0; i < b->use.count; i++)
        if (strcmp(b->use.families[i].family, name) == 0)
            return &b->use.families[i];
    return NULL;
}

static void expect(const struct bed *b, const char *name, double cores, double gib, double tasks)
{
    const struct cadvisor_family *f = family(b, name);
    assert_non_null(f);
    if (!(fabs(f->cores - cores) <= 1e-9) || !(fabs(f->bytes - gib * GIB) <= 1) || f->tasks != tasks)
        fail_msg("%s: %g cores, %g GiB, %g tasks", name, f->cores, f->bytes / GIB, f->tasks);
}

// Two tasks of web with a sidecar each, one of api; the root and a task's own group beside them, with all they use once more.
static void add_host(struct bed *b, bool v2, double s)
{
    buf_printf(&b->text, "# TYPE container_cpu_usage_seconds_total counter\ncontainer_cpu_usage_seconds_total{id=\"/\",cpu=\"total\"} %g\n", 1e6 * s);
    buf_printf(&b->text, "container_cpu_usage_seconds_total{id=\"%s\",cpu=\"total\"} %g\n", v2 ? "/ecstasks.slice/ecstasks-t1.slice" : "/ecs/t1", 99 * s);
    buf_printf(&b->text, "container_memory_working_set_bytes{id=\"%s\"} 9e9\n", v2 ? "/ecstasks.slice/ecstasks-t1.slice" : "/ecs/t1");
    add(b, v2 ? V2("t1", "a") OF("web", "app") : V1("t1", "a") OF("web", "app"), 100 + 0.50 * s, 1 * GIB);
    add(b, v2 ? V2("t1", "b") OF("web", "envoy") : V1("t1", "b") OF("web", "envoy"), 7 + 0.10 * s, 0.25 * GIB);
    add(b, v2 ? V2("t2", "c") OF("web", "app") : V1("t2", "c") OF("web", "app"), 900 + 0.30 * s, 1.5 * GIB);
    add(b, v2 ? V2("t2", "d") OF("web", "envoy") : V1("t2", "d") OF("web", "envoy"), 0.10 * s, 0.25 * GIB);
    add(b, v2 ? V2("t3", "e") OF("api", "app") : V1("t3", "e") OF("api", "app"), 2 * s, 3 * GIB);
}

static void both_cgroup_versions_sum_to_what_a_hand_sums(void **state)
{
    (void)state;
    for (int v2 = 0; v2 < 2; v2++) {
        struct bed b;
        begin(&b);
        add_host(&b, v2, 0);
        assert_int_equal(page(&b, 0), 0);
        assert_int_equal(b.use.containers, 5);
        assert_int_equal(b.use.count, 0);  // no rate yet, and no zero
        add_host(&b, v2, 60);
        assert_int_equal(page(&b, 60000), 0);
        assert_int_equal(b.use.measured, 5);
        expect(&b, "web", 1.0, 3.0, 2);
        assert_true(family(&b, "web")->largest_bytes == 1.75 * GIB);  // with its sidecar
        expect(&b, "api", 2.0, 3.0, 1);
        end(&b);
    }
}

static void without_the_tasks_arn_and_cgroup_names_tell_how_many_tasks_there_are(void **state)
{
    (void)state;
    static const char *const rows[][4] = {
        {"id=\"/docker/a\"," OF("web", "app"), "id=\"/docker/b\"," OF("web", "envoy"), "id=\"/docker/c\"," OF("web", "app"), "id=\"/docker/d\"," OF("web", "envoy")},
        {"id=\"/system.slice/docker-a.scope\"," OF("web", "app") ARN("t1"), "id=\"/system.slice/docker-b.scope\"," OF("web", "envoy") ARN("t1"),
         "id=\"/system.slice/docker-c.scope\"," OF("web", "app") ARN("t2"), "id=\"/system.slice/docker-d.scope\"," OF("web", "envoy") ARN("t2")},
    };
    for (size_t i = 0; i < 2; i++) {
        struct bed b;
        begin(&b);
        for (int k = 0; k < 2; k++) {
            for (int c = 0; c < 4; c++)
                add(&b, rows[i][c], 6 * k, GIB);
            assert_int_equal(page(&b, 60000), 0);
        }
        expect(&b, "web", 0.4, 4, 2);
        assert_true(family(&b, "web")->largest_bytes == (i == 1 ? 2 * GIB : 0));  // which containers are one task is not known
        end(&b);
    }
}

static void a_task_of_which_one_container_is_not_measured_is_not_measured(void **state)
{
    (void)state;
    static const struct {
        const char *name, *instead;  // of the sidecar's counter in the second page
    } rows[] = {
        {"went back", "container_cpu_usage_seconds_total{%s} 1\n"},
        {"is gone", "# %s\n"},
        {"no number", "container_cpu_usage_seconds_total{%s} NaN\n"},
        {"negative", "container_cpu_usage_seconds_total{%s} -4\n"},
        {"twice", "container_cpu_usage_seconds_total{%s} 80\ncontainer_cpu_usage_seconds_total{%s} 80\n"},
        {"old", "container_cpu_usage_seconds_total{%s} 80 1769999000000\n"},
        {"total and by processor", "container_cpu_usage_seconds_total{%s} 80\ncontainer_cpu_usage_seconds_total{%s,cpu=\"cpu00\"} 80\n"},
    };
    static const char sidecar[] = V2("t1", "b") OF("web", "envoy");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct bed b;
        begin(&b);
        add(&b, V2("t1", "a") OF("web", "app"), 10, GIB);
        add(&b, sidecar, 50, GIB);
        add(&b, V2("t2", "c") OF("web", "app"), 10, GIB);
        page(&b, 0);
        add(&b, V2("t1", "a") OF("web", "app"), 40, GIB);
        add(&b, V2("t2", "c") OF("web", "app"), 40, GIB);
        for (const char *p = rows[i].instead; *p; p++) {
            if (p[0] == '%')
                buf_add_str(&b.text, sidecar);
            else if (p == rows[i].instead || p[-1] != '%')
                buf_add_char(&b.text, *p);
        }
        buf_printf(&b.text, "container_memory_working_set_bytes{%s} 1\n", sidecar);
        assert_int_equal(page(&b, 60000), 0);
        if (family(&b, "web") == NULL || family(&b, "web")->tasks != 1)
            fail_msg("%s: %g tasks", rows[i].name, family(&b, "web") ? family(&b, "web")->tasks : 0);
        expect(&b, "web", 0.5, 1, 1);
        end(&b);
    }
}

static void a_counter_that_began_anew_is_measured_again_from_the_next_page_on(void **state)
{
    (void)state;
    struct bed b;
    static const double seconds[] = {500, 530, 3, 33};
    begin(&b);
    for (int k = 0; k < 4; k++) {
        add(&b, V1("t1", "a") OF("web", "app"), seconds[k], GIB);
        assert_int_equal(page(&b, 60000), 0);
        if (k % 2)
            expect(&b, "web", 0.5, 1, 1);
        else
            assert_null(family(&b, "web"));
    }
    end(&b);
}

static void times_of_samples_count_and_what_is_told_twice_is_no_news(void **state)
{
    (void)state;
    struct bed b;
    begin(&b);
    for (int k = 0; k < 4; k++) {  // housekeeping was late: the third page shows the second's samples once more
        int64_t at_ms = T0_MS + (k < 2 ? k : k - 1) * 60000 - 10000;
        buf_printf(&b.text, "container_cpu_usage_seconds_total{%s,cpu=\"cpu00\"} %lld %lld\n", V1("t1", "a") OF("web", "app"),
                   (long long)(at_ms - T0_MS) / 2000 + 100, (long long)at_ms);
        buf_printf(&b.text, "container_cpu_usage_seconds_total{%s,cpu=\"cpu01\"} 5 %lld\n", V1("t1", "a") OF("web", "app"), (long long)at_ms);
        buf_printf(&b.text, "container_memory_working_set_bytes{%s} 1073741824 %lld\n", V1("t1", "a") OF("web", "app"), (long long)at_ms);
        assert_int_equal(page(&b, k == 3 ? 90000 : k == 0 ? 0 : 45000), 0);
        if (k > 0)
            expect(&b, "web", 0.5, 1, 1);
    }
    end(&b);
}

static void containers_of_other_clusters_and_pages_without_labels_are_none(void **state)
{
    (void)state;
    struct bed b;
    begin(&b);
    buf_add_str(&b.text, "container_cpu_usage_seconds_total{id=\"/docker/a\"} 1\ncontainer_memory_working_set_bytes{id=\"/docker/a\"} 1\n");
    assert_int_equal(page(&b, 0), ERR_NOT_FOUND);
    assert_non_null(strstr(b.err.msg, "store the labels"));
    buf_add_str(&b.text, "container_memory_working_set_bytes{id=\"/ecs/t/a\",container_label_com_amazonaws_ecs_cluster=\"bakery\","
                         "container_label_com_amazonaws_ecs_task_definition_family=\"web\"} 1\n");
    assert_int_equal(page(&b, 0), ERR_NOT_FOUND);
    for (int k = 0; k < 2; k++) {  // the cluster as an ARN, or its label dropped
        add(&b, "id=\"/ecs/t/a\",container_label_com_amazonaws_ecs_cluster=\"arn:aws:ecs:us-east-1:1:cluster/shop\","
                "container_label_com_amazonaws_ecs_task_definition_family=\"web\"", 30 * k, GIB);
        add(&b, "id=\"/ecs/u/b\",container_label_com_amazonaws_ecs_task_definition_family=\"web\"", 30 * k, GIB);
        assert_int_equal(page(&b, 60000), 0);
    }
    expect(&b, "web", 1, 2, 2);
    buf_add_str(&b.text, "cut");
    assert_int_equal(page(&b, 60000), ERR_CORRUPT);
    end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_are_read_as_the_format_says),
        cmocka_unit_test(what_is_no_such_text_is_an_error_with_its_line),
        cmocka_unit_test(huge_lines_and_ten_million_samples_are_limits),
        cmocka_unit_test(both_cgroup_versions_sum_to_what_a_hand_sums),
        cmocka_unit_test(without_the_tasks_arn_and_cgroup_names_tell_how_many_tasks_there_are),
        cmocka_unit_test(a_task_of_which_one_container_is_not_measured_is_not_measured),
        cmocka_unit_test(a_counter_that_began_anew_is_measured_again_from_the_next_page_on),
        cmocka_unit_test(times_of_samples_count_and_what_is_told_twice_is_no_news),
        cmocka_unit_test(containers_of_other_clusters_and_pages_without_labels_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
