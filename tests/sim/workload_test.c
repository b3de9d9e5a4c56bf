#include <math.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "planner/sim/workload.h"
#include "tests/cm.h"

static int parse(const char *text, struct arena *a, struct workload_trace *ret, struct err *err)
{
    return workload_trace_parse(slice_of(text), "t.csv", a, ret, err);
}

static void a_trace_is_scaled_to_its_mean_and_linear_between_rows(void **state)
{
    (void)state;
    struct arena a;
    struct workload_trace t;
    struct err err;
    arena_init(&a, 0);
    assert_int_equal(parse("timestamp,value\n1000,10\n1300,30\n1600,10\n1900,30\n", &a, &t, &err), 0);
    assert_int_equal(t.step_s, 300);
    assert_float_equal(t.mean, (20 * 900 + 30 * 300) / 1200.0, 1e-9);
    assert_float_equal(workload_trace_at(&t, 0, t.mean), 10, 1e-9);
    assert_float_equal(workload_trace_at(&t, 150000, t.mean), 20, 1e-9);
    assert_float_equal(workload_trace_at(&t, 300000, 2 * t.mean), 60, 1e-9);
    arena_release(&a);
}

static void a_trace_loops_after_its_last_step(void **state)
{
    (void)state;
    struct arena a;
    struct workload_trace t;
    struct err err;
    arena_init(&a, 0);
    assert_int_equal(parse("timestamp,value\r\n0,1\r\n60,2\r\n120,3\r\n", &a, &t, &err), 0);
    assert_float_equal(workload_trace_at(&t, 179000, t.mean), 3, 1e-9);
    assert_float_equal(workload_trace_at(&t, 180000, t.mean), 1, 1e-9);
    assert_float_equal(workload_trace_at(&t, 180000 * 1000 + 60000, t.mean), 2, 1e-9);
    arena_release(&a);
}

static void missing_rows_carry_the_last_value_forward(void **state)
{
    (void)state;
    struct arena a;
    struct workload_trace t;
    struct err err;
    arena_init(&a, 0);
    assert_int_equal(parse("timestamp,value\n0,5\n60,5\n120,5\n1200,50\n1260,50\n", &a, &t, &err), 0);
    assert_float_equal(workload_trace_at(&t, 1100000, t.mean), 5, 1e-9);
    assert_float_equal(workload_trace_at(&t, 1200000, t.mean), 50, 1e-9);
    arena_release(&a);
}

static void a_spike_is_capped_at_twenty_times_the_mean(void **state)
{
    (void)state;
    struct arena a;
    struct workload_trace t;
    struct err err;
    struct buf b;
    arena_init(&a, 0);
    buf_init(&b, 1 << 20);
    buf_add_str(&b, "timestamp,value\n");
    for (int i = 0; i < 1000; i++)
        buf_printf(&b, "%d,%d\n", i * 60, i == 500 ? 100000 : 1);
    assert_int_equal(workload_trace_parse(buf_slice(&b), "t.csv", &a, &t, &err), 0);
    assert_float_equal(workload_trace_at(&t, 500 * 60000, 100), 2000, 1e-9);
    buf_release(&b);
    arena_release(&a);
}

static void the_profile_is_a_function_of_seed_and_time_alone(void **state)
{
    (void)state;
    double day = 0, weekend = 0;
    const int64_t monday_ms = 1768176000000;
    for (int64_t m = 0; m < 1440; m++) {
        double x = workload_profile_at(5, monday_ms + m * 60000);
        assert_true(x > 0.1);
        assert_true(x < 5);
        day += x / 1440;
        weekend += workload_profile_at(5, monday_ms + 5 * 86400000LL + m * 60000) / 1440;
        assert_true(x == workload_profile_at(5, monday_ms + m * 60000));
    }
    assert_true(fabs(day - 1.05) < 0.2);
    assert_true(weekend < 0.8 * day);
    assert_true(workload_profile_at(5, monday_ms) != workload_profile_at(6, monday_ms));
}

static char *read_all(const char *path, size_t *ret_len)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    fseek(f, 0, SEEK_END);
    *ret_len = (size_t)ftell(f);
    rewind(f);
    char *text = malloc(*ret_len + 1);
    assert_int_equal(fread(text, 1, *ret_len, f), *ret_len);
    fclose(f);
    return text;
}

static void scales(const char *path)
{
    struct arena a;
    struct workload_trace t;
    struct err err;
    size_t len;
    char *text = read_all(path, &len);
    arena_init(&a, 0);
    if (workload_trace_parse((struct slice){text, len}, path, &a, &t, &err) < 0)
        fail_msg("%s", err.msg);
    double sum = 0, most = 0;
    const int64_t samples = 20000, length_ms = (t.at_s[t.count - 1] - t.at_s[0] + t.step_s) * 1000;
    for (int64_t i = 0; i < samples; i++) {
        double x = workload_trace_at(&t, length_ms / samples * i, 100);
        sum += x / (double)samples;
        most = x > most ? x : most;
    }
    assert_true(most <= 2000);
    if (most < 2000)  // where nothing was cut off
        assert_true(fabs(sum - 100) < 3);
    free(text);
    arena_release(&a);
}

static void real_series_are_read_and_scaled_where_they_are_there(void **state)
{
    (void)state;
    const char *shared = getenv("MASU_SHARED"), *root = getenv("MASU_SOURCE_ROOT");
    char folder[512], path[1024];
    if (shared)
        snprintf(folder, sizeof folder, "%s/data/demand", shared);
    else
        snprintf(folder, sizeof folder, "%s/../shared/data/demand", root ? root : ".");
    DIR *d = opendir(folder);
    if (!d)
        skip();
    int read = 0;
    for (struct dirent *e; (e = readdir(d));) {
        size_t n = strlen(e->d_name);
        if (n < 4 || strcmp(e->d_name + n - 4, ".csv"))
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        scales(path);
        read++;
    }
    closedir(d);
    assert_true(read > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_trace_is_scaled_to_its_mean_and_linear_between_rows),
        cmocka_unit_test(a_trace_loops_after_its_last_step),
        cmocka_unit_test(missing_rows_carry_the_last_value_forward),
        cmocka_unit_test(a_spike_is_capped_at_twenty_times_the_mean),
        cmocka_unit_test(real_series_are_read_and_scaled_where_they_are_there),
        cmocka_unit_test(the_profile_is_a_function_of_seed_and_time_alone),
    };
    return cmocka_run_group_tests_name("workload", tests, NULL, NULL);
}
