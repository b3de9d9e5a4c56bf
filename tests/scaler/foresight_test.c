// Forecasts in the daemon: made from the history a piece at a time, kept in it, scored against what came, honest where it is short.
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <math.h>

#include "scaler/foresight.h"

#define STEP_MS OUTLOOK_STEP_MS
#define NOW_MS (INT64_C(1768485874000) / STEP_MS * STEP_MS)
enum { DAY = OUTLOOK_STEPS };

struct bed {
    struct clock clock;
    struct state *state;
    struct view_box box;
    struct policy_cluster clusters[2];
    struct policy policy;
    struct foresight *foresight;
    int64_t id;
};

static int setup(void **state)
{
    struct bed *b = calloc(1, sizeof *b);
    static const struct view_daemon daemon = {.version = "1", .speed = 1};
    clock_init_virtual(&b->clock, NOW_MS + 90000);
    assert_int_equal(state_open(&(struct state_options){.path = ":memory:", .clock = &b->clock, .no_sync = true}, &b->state, NULL, NULL), 0);
    assert_int_equal(state_cluster(b->state, "1", "r", "east", &b->id, NULL), 0);
    b->clusters[0] = (struct policy_cluster){.name = "east", .period_ms = 30000};
    b->clusters[1] = (struct policy_cluster){.name = "west", .period_ms = 30000};
    b->policy = (struct policy){.hash = "0", .clusters = b->clusters, .cluster_count = 2};
    view_box_init(&b->box, &b->policy, &daemon);
    b->foresight = foresight_new(&(struct foresight_options){.state = b->state, .box = &b->box, .cluster_count = 2});
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    struct bed *b = *state;
    foresight_free(b->foresight);
    view_box_release(&b->box);
    state_close(b->state);
    free(b);
    return 0;
}

// A day's wave with a little unrest, by steps before (negative) or after NOW.
static int64_t wave(int64_t step)
{
    return 40000 + (int64_t)(16000 * sin((double)step / DAY * 2 * M_PI)) + (step * 7919 % 13 + 13) % 13 * 100;
}

static void fill(struct bed *b, enum series series, int steps)
{
    struct history_point *v = calloc((size_t)steps, sizeof *v);
    for (int i = 0; i < steps; i++)
        v[i] = (struct history_point){NOW_MS + (i - steps) * STEP_MS, wave(i - steps)};
    assert_int_equal(state_history_fill(b->state, b->id, series, NULL, STEP_MS, v, (size_t)steps, NULL), 0);
    free(v);
}

static int turns(struct bed *b)
{
    int n = 0;
    while (foresight_turn(b->foresight))
        n++;
    return n;
}

static void a_day_ahead_is_forecast_in_pieces_hourly_and_kept(void **state)
{
    struct bed *b = *state;
    fill(b, SERIES_NEED_CPU_UNITS, 8 * DAY);
    assert_false(foresight_turn(b->foresight));  // no tick yet
    foresight_ticked(b->foresight, 0, b->id, NOW_MS + 60000, (struct zone_change){0});
    assert_int_equal(turns(b), 5);  // CPU, memory, right sizes, limits, keep
    const struct view_outlook *o = foresight_outlook(b->foresight, 0);
    const struct outlook_curve *cpu = &o->of[OUTLOOK_CPU_UNITS];
    assert_true(cpu->known);
    assert_true(o->made_ms == NOW_MS);
    assert_string_equal(cpu->basis, "time of day");
    for (int k = 0; k < DAY; k++) {
        assert_true(llabs(cpu->q50[k] - wave(k)) < 4000);
        assert_true(cpu->q05[k] <= cpu->q25[k] && cpu->q25[k] <= cpu->q50[k]);
        assert_true(cpu->q50[k] <= cpu->q75[k] && cpu->q75[k] <= cpu->q90[k] && cpu->q90[k] <= cpu->q95[k]);
    }
    assert_false(o->of[OUTLOOK_MEMORY_MIB].known);
    assert_non_null(strstr(o->why, "need_memory_mib: 0 known values"));
    double kept[1];
    assert_int_equal(state_history_values(b->state, b->id, SERIES_FORECAST_NEED_CPU_UNITS_Q90, "6h", NOW_MS + 71 * STEP_MS, STEP_MS, 1, kept, NULL), 0);
    assert_true(kept[0] == (double)cpu->q90[71]);
    foresight_ticked(b->foresight, 0, b->id, NOW_MS + 3500000, (struct zone_change){0});
    assert_false(foresight_turn(b->foresight));
    struct view *v = view_acquire(&b->box);
    assert_memory_equal(&v->outlooks->clusters[0], o, sizeof *o);
    assert_true(v->outlooks->clusters[1].made_ms == 0);
    static struct view_outlook again;
    foresight_of(state_reader_of(b->state), b->id, NOW_MS + 60000, (struct zone_change){0}, &again);  // as a report does
    assert_true(again.made_ms == NOW_MS);
    assert_memory_equal(again.of[OUTLOOK_CPU_UNITS].q90, cpu->q90, sizeof cpu->q90);
    assert_string_equal(again.why, o->why);
    view_release(v);
}

// Each of the last three days three hours long: half of the need was hidden.
enum { OUTAGE = 36, OUTAGE_AT = 100 };

static void fill_outages(struct bed *b, enum series series, bool need)
{
    for (int day = 1; day <= 3; day++) {
        struct history_point v[OUTAGE];
        for (int i = 0; i < OUTAGE; i++) {
            int64_t step = i + OUTAGE_AT - day * DAY;
            v[i] = (struct history_point){NOW_MS + step * STEP_MS, need ? wave(step) / 2 : 1};
        }
        assert_int_equal(state_history_fill(b->state, b->id, series, NULL, STEP_MS, v, OUTAGE, NULL), 0);
    }
}

// What is forecast for that time of day over what is usual then.
static double forecast_of_outage(struct bed *b, int64_t hours)
{
    double sum = 0;
    foresight_ticked(b->foresight, 0, b->id, NOW_MS + hours * 3600000, (struct zone_change){0});
    turns(b);
    const struct outlook_curve *cpu = &foresight_outlook(b->foresight, 0)->of[OUTLOOK_CPU_UNITS];
    assert_true(cpu->known);
    for (int k = OUTAGE_AT; k < OUTAGE_AT + OUTAGE; k++)
        sum += (double)cpu->q50[k - hours * 12] / (double)wave(k) / OUTAGE;
    return sum;
}

static void g7_an_outage_is_masked_from_what_the_forecast_learns(void **state)
{
    struct bed *b = *state;
    fill_outages(b, SERIES_NEED_CPU_UNITS, true);
    fill(b, SERIES_NEED_CPU_UNITS, 8 * DAY);  // what is known stays
    assert_true(forecast_of_outage(b, 0) < 0.75);
    fill_outages(b, SERIES_OVERFLOW, false);
    double masked = forecast_of_outage(b, 1);
    assert_true(masked > 0.9 && masked < 1.1);
}

static void a_short_history_gives_none_and_says_why_until_it_is_long_enough(void **state)
{
    struct bed *b = *state;
    fill(b, SERIES_NEED_CPU_UNITS, 100);
    foresight_ticked(b->foresight, 1, b->id, NOW_MS, (struct zone_change){0});
    assert_int_equal(turns(b), 5);
    const struct view_outlook *o = foresight_outlook(b->foresight, 1);
    assert_false(o->of[OUTLOOK_CPU_UNITS].known);
    assert_true(strlen(o->why) > 20);
    assert_true(o->made_ms == NOW_MS);
    fill(b, SERIES_NEED_CPU_UNITS, DAY + DAY / 2);
    fill(b, SERIES_NEED_MEMORY_MIB, DAY + DAY / 2);
    foresight_ticked(b->foresight, 1, b->id, NOW_MS + 3600000, (struct zone_change){0});
    assert_int_equal(turns(b), 5);
    assert_true(o->of[OUTLOOK_CPU_UNITS].known);
    assert_string_equal(o->of[OUTLOOK_CPU_UNITS].basis, "level");  // less than two days: nothing is said of the time of day
    assert_string_equal(o->why, "");
}

static void what_was_forecast_is_scored_by_how_far_ahead(void **state)
{
    struct bed *b = *state;
    fill(b, SERIES_NEED_CPU_UNITS, 9 * DAY);
    for (int step = -6 * DAY; step < 0; step += 12) {  // at this lead always 1,000 too low, and its 0.9 quantile 500 too high
        const struct state_sample v[] = {{SERIES_FORECAST_NEED_CPU_UNITS_Q50, wave(step) - 1000, "1h"}, {SERIES_FORECAST_NEED_CPU_UNITS_Q90, wave(step) + 500, "1h"}};
        assert_int_equal(state_samples_add(b->state, b->id, NOW_MS + step * STEP_MS, v, 2, NULL), 0);
    }
    double change = 0;
    for (int step = -7 * DAY; step < 0; step++)
        change += (double)llabs(wave(step) - wave(step - DAY)) / (7 * DAY);
    foresight_ticked(b->foresight, 0, b->id, NOW_MS, (struct zone_change){0});
    turns(b);
    const struct outlook_error *e = foresight_outlook(b->foresight, 0)->of[OUTLOOK_CPU_UNITS].error;
    assert_int_equal(e[2].samples, 6 * 24);
    assert_true(fabs(e[2].mase - 1000 / change) < 1e-6);
    assert_true(fabs(e[2].pinball50 - 500 / change) < 1e-6);
    assert_true(fabs(e[2].pinball90 - 50 / change) < 1e-6);
    assert_true(e[2].cover90 == 1);
    assert_int_equal(e[1].samples, 0);
    assert_int_equal(foresight_outlook(b->foresight, 0)->of[OUTLOOK_MEMORY_MIB].error[2].samples, 0);
}

static void only_what_is_known_is_scored_and_a_constant_series_has_no_scale(void **state)
{
    (void)state;
    const double came[] = {1, NAN, 3, 4, 5, 6}, q50[] = {4, 4, NAN}, q90[] = {5, 4, 9};
    struct outlook_error e = foresight_score(came, q50, q90, 3, 3);
    assert_int_equal(e.samples, 2);
    assert_true(fabs(e.mase - 0.5 / 3) < 1e-12);  // errors 0 and 1; changes over a day 3 and 3
    assert_true(fabs(e.cover90 - 0.5) < 1e-12);
    const double same[] = {2, 2, 2, 2};
    assert_int_equal(foresight_score(same, q50, q90, 2, 2).samples, 0);
}

static void the_right_size_of_each_service_is_made_in_turn_and_shown(void **state)
{
    struct bed *b = *state;
    static const enum series series[] = {SERIES_SERVICE_USED_CPU_UNITS, SERIES_SERVICE_USED_MEMORY_MIB, SERIES_SERVICE_RUNNING};
    static const int64_t value[] = {200, 300, 2};
    enum { STEPS = 10 * DAY };
    struct history_point *v = calloc(STEPS, sizeof *v);
    for (size_t i = 0; i < ARRAY_LEN(series); i++) {
        for (int k = 0; k < STEPS; k++)
            v[k] = (struct history_point){NOW_MS + (k - STEPS) * STEP_MS, value[i]};
        assert_int_equal(state_history_fill(b->state, b->id, series[i], "web", STEP_MS, v, STEPS, NULL), 0);
    }
    free(v);
    struct shape shape = {.name = "web:1", .known = true, .need = {{[RES_CPU] = 512, [RES_MEMORY] = 1024}}, .arch = "", .unmodelled = "", .vpc = ""};
    struct deployment d = {.id = "d", .primary = true};
    struct service x[] = {{.name = "web", .arn = "", .on_ec2 = true, .not_ours = "", .deployments = &d, .deployment_count = 1, .last_event = ""},
                          {.name = "api", .arn = "", .on_ec2 = true, .not_ours = "", .primary = -1, .last_event = ""}};
    const struct snapshot s = {.account = "1", .region = "r", .cluster = "east", .now_ms = NOW_MS, .services = x, .service_count = 2, .shapes = &shape, .shape_count = 1};
    const struct plan plan = {0};
    const struct memo memo = {0};
    view_box_publish(&b->box, 0, &b->clusters[0], &(struct view_tick){.snapshot = &s, .plan = &plan, .memo = &memo, .tick = 1, .policy_hash = "0"});
    foresight_ticked(b->foresight, 0, b->id, NOW_MS, (struct zone_change){0});
    assert_int_equal(turns(b), 6);  // two services
    struct view *view = view_acquire(&b->box);
    const struct view_size *web = view_sizes_find(view->sizes[0], "web"), *api = view_sizes_find(view->sizes[0], "api");
    assert_int_equal(web->size.samples, STEPS - 36);  // to three hours ago
    assert_int_equal(web->size.cpu.p95, 100);
    assert_int_equal(web->size.cpu.suggested, 128);
    assert_true(web->size.memory.mean_only);
    assert_int_equal(api->size.samples, 0);
    assert_null(view_sizes_find(view->sizes[0], "none"));
    assert_null(view->sizes[1]);
    view_release(view);
}

static void g5_a_day_ahead_is_the_larger_of_both_phases_for_seven_days(void **state)
{
    struct bed *b = *state;
    enum { STEPS = 9 * DAY, HOUR = DAY / 24 };
    static struct history_point v[STEPS];
    const struct zone_change clock = {.at_s = (NOW_MS - 2 * DAY * STEP_MS) / 1000, .by_s = 3600};
    for (int i = 0; i < STEPS; i++) {  // a step up at noon by a clock that went forward two days ago
        int local = i + (i >= STEPS - 2 * DAY ? HOUR : 0);
        v[i] = (struct history_point){NOW_MS + (i - STEPS) * STEP_MS, local % DAY < DAY / 2 ? 10000 : 20000};
    }
    assert_int_equal(state_history_fill(b->state, b->id, SERIES_NEED_CPU_UNITS, NULL, STEP_MS, v, STEPS, NULL), 0);
    for (int told = 0; told < 2; told++) {
        foresight_ticked(b->foresight, 0, b->id, NOW_MS + told * INT64_C(3600000), told ? clock : (struct zone_change){0});
        turns(b);
        const struct outlook_curve *cpu = &foresight_outlook(b->foresight, 0)->of[OUTLOOK_CPU_UNITS];
        int at = DAY / 2 - HOUR / 2 - told * HOUR;  // half an hour after noon by the local clock, before it by UTC
        assert_true(cpu->known);
        assert_true(told ? cpu->q50[at] > 19000 : cpu->q50[at] < 15000);
    }
}

// Daily peaks for sixty days, that grow by so much a day to `last`.
static void fill_used(struct bed *b, const char *subject, double last, double a_day)
{
    enum { HOURS = 60 * 24 };
    struct history_point *v = calloc(HOURS, sizeof *v);
    for (int k = 0; k < HOURS; k++)
        v[k] = (struct history_point){(NOW_MS / 86400000 - 60) * 86400000 + k * INT64_C(3600000), (int64_t)(last - a_day * (59 - k / 24))};
    assert_int_equal(state_history_fill(b->state, b->id, SERIES_LIMIT_USED, subject, 3600000, v, HOURS, NULL), 0);
    free(v);
}

static void fill_target(struct bed *b, const struct fleet *f, double last, double a_day)
{
    struct arena a;
    arena_init(&a, 0);
    fill_used(b, history_limit_fleet(&a, f), last, a_day);
    arena_release(&a);
}

static void limits_that_come_near_are_told_soonest_first(void **state)
{
    struct bed *b = *state;
    static const struct {
        const char *id;
        double last, a_day;
        int64_t max;
    } of[] = {{"sfr-later", 80, 1, 97}, {"sfr-far", 30, 0.25, 97}, {"sfr-soon", 90, 1, 97}, {"sfr-flat", 90, 0, 97}, {"sfr-reached", 97, 1, 97}};
    enum { FLEETS = ARRAY_LEN(of) };
    struct fleet fleets[FLEETS] = {0};
    struct policy_fleet bounds[FLEETS] = {0};
    for (int i = 0; i < FLEETS; i++) {
        fleets[i] = (struct fleet){.id = of[i].id, .name = "", .found = true, .unfound = "", .activity = "", .foreign = "", .owner = "", .denied = "", .target = (int64_t)of[i].last};
        bounds[i] = (struct policy_fleet){.id = of[i].id, .tag = "", .group = "", .max = of[i].max};
        fill_target(b, &fleets[i], of[i].last, of[i].a_day);
    }
    b->clusters[0].fleets = bounds;
    b->clusters[0].fleet_count = FLEETS;
    const struct snapshot s = {.account = "1", .region = "r", .cluster = "east", .now_ms = NOW_MS, .fleets = fleets, .fleet_count = FLEETS};
    const struct plan plan = {0};
    const struct memo memo = {0};
    view_box_publish(&b->box, 0, &b->clusters[0], &(struct view_tick){.snapshot = &s, .plan = &plan, .memo = &memo, .tick = 1, .policy_hash = "0"});
    assert_int_equal(foresight_limits(b->foresight, 0)->count, 0);
    foresight_ticked(b->foresight, 0, b->id, NOW_MS, (struct zone_change){0});
    turns(b);
    const struct limits_near *n = foresight_limits(b->foresight, 0);
    assert_int_equal(n->count, 2);
    assert_string_equal(n->v[0].name, "sfr-soon");
    assert_string_equal(n->v[1].name, "sfr-later");
    assert_true(n->v[0].peak == 90 && n->v[0].most == 97 && fabs(n->v[0].a_day - 1) < 0.05);
    assert_int_equal(n->v[0].reached_ms, (NOW_MS / 86400000 - 1 + 7) * 86400000);
    struct alert list[SHELL_ALERTS_MAX];
    struct arena a;
    arena_init(&a, 0);
    size_t count = reach_alerts(&(struct reach_facts){.now_ms = NOW_MS, .cluster = "east", .credentials_left_ms = INT64_MAX, .limits = n}, &a, list);
    assert_int_equal(count, 2);
    assert_string_equal(list[0].id, "limit-ahead");
    assert_string_equal(list[0].target, "sfr-soon");
    assert_string_equal(list[0].what, "Peaks of 90 grow by 1 a day: the max of 97 is reached by 2026-01-21 with a chance of 10 %.");
    arena_release(&a);
}

static void capacity_is_enough_until_the_forecast_of_any_resource_exceeds_it(void **state)
{
    (void)state;
    static struct view_outlook o;
    const int64_t capacity[OUTLOOK_OF_COUNT] = {100, 1000};
    assert_true(outlook_enough_until(&o, NOW_MS, capacity) == 0);  // none was made
    o.made_ms = NOW_MS;
    o.of[OUTLOOK_CPU_UNITS].known = true;
    for (int k = 0; k < DAY; k++) {
        o.of[OUTLOOK_CPU_UNITS].q90[k] = k < 5 || k > 20 ? 101 : 100;
        o.of[OUTLOOK_MEMORY_MIB].q90[k] = k > 9 ? 1001 : 0;
    }
    assert_true(outlook_enough_until(&o, NOW_MS + 1000, capacity) == NOW_MS + 1000);  // it is not now
    assert_true(outlook_enough_until(&o, NOW_MS + 5 * STEP_MS, capacity) == NOW_MS + 21 * STEP_MS);
    o.of[OUTLOOK_MEMORY_MIB].known = true;
    assert_true(outlook_enough_until(&o, NOW_MS + 5 * STEP_MS, capacity) == NOW_MS + 10 * STEP_MS);
    assert_true(outlook_enough_until(&o, NOW_MS + DAY * STEP_MS, capacity) == 0);  // the forecast is too old
}

static void a_subnet_that_fills_up_is_told_with_its_day(void **state)
{
    struct bed *b = *state;
    struct subnet subnets[] = {{"subnet-1", 251, 41}, {"subnet-2", 251, 41}};
    struct alert list[SHELL_ALERTS_MAX];
    struct arena a;
    fill_used(b, "subnet subnet-1", 210, 5);
    fill_used(b, "subnet subnet-2", 210, 0);
    const struct snapshot s = {.account = "1", .region = "r", .cluster = "east", .now_ms = NOW_MS, .subnets = subnets, .subnet_count = 2};
    const struct plan plan = {0};
    const struct memo memo = {0};
    view_box_publish(&b->box, 0, &b->clusters[0], &(struct view_tick){.snapshot = &s, .plan = &plan, .memo = &memo, .tick = 1, .policy_hash = "0"});
    foresight_ticked(b->foresight, 0, b->id, NOW_MS, (struct zone_change){0});
    turns(b);
    const struct limits_near *n = foresight_limits(b->foresight, 0);
    assert_int_equal(n->count, 1);
    assert_int_equal(n->v[0].kind, VIEW_LIMIT_SUBNET);
    arena_init(&a, 0);
    assert_int_equal(reach_alerts(&(struct reach_facts){.now_ms = NOW_MS, .cluster = "east", .credentials_left_ms = INT64_MAX, .limits = n}, &a, list), 1);
    assert_string_equal(list[0].target, "subnet-1");
    assert_non_null(strstr(list[0].what, "Peaks of 210 grow by 5 a day: the subnet's last address of 251 is reached by 2026-01-"));
    arena_release(&a);
}

static void what_sizing_asked_for_is_judged_a_boot_later(void **state)
{
    struct bed *b = *state;
    const struct view_outlook *o = foresight_outlook(b->foresight, 0);
    for (int i = 0; i < 104; i++) {  // five instances are asked for; from the fifth tick on each tenth tick wants more
        struct outlook x = {.at_ms = NOW_MS + i * 30000, .need_milli = i >= 4 && i % 10 == 4 ? 5001 : 5000, .up = 5, .boot_ms = 120000};
        foresight_sized(b->foresight, 0, &x);
    }
    foresight_sized(b->foresight, 0, &(struct outlook){.need_milli = 9000});  // no forecast
    foresight_sized(b->foresight, 0, &(struct outlook){.at_ms = NOW_MS + 103 * 30000 + 600000, .need_milli = 9000, .up = 9, .boot_ms = 120000});  // a gap
    foresight_ticked(b->foresight, 0, b->id, NOW_MS + 7200000, (struct zone_change){0});
    turns(b);
    assert_int_equal(o->levels_judged, 100);
    assert_true(fabs(o->levels_cover - 0.9) < 1e-9);
    foresight_sized(b->foresight, 0, &(struct outlook){.at_ms = NOW_MS + 8 * DAY * STEP_MS, .need_milli = 1, .boot_ms = 120000});
    foresight_ticked(b->foresight, 0, b->id, NOW_MS + 8 * DAY * STEP_MS, (struct zone_change){0});
    turns(b);
    assert_int_equal(o->levels_judged, 0);  // seven days are over
}

static void ids_that_were_forgotten_are_not_asked_for(void **state)
{
    struct bed *b = *state;
    foresight_ticked(b->foresight, 0, b->id, NOW_MS, (struct zone_change){0});
    foresight_forget(b->foresight);
    assert_false(foresight_turn(b->foresight));
    foresight_ticked(b->foresight, 0, 0, NOW_MS + 60000, (struct zone_change){0});
    assert_false(foresight_turn(b->foresight));
    foresight_ticked(b->foresight, 0, b->id, NOW_MS, (struct zone_change){0});
    assert_true(foresight_turn(b->foresight));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(a_day_ahead_is_forecast_in_pieces_hourly_and_kept),
        T(g7_an_outage_is_masked_from_what_the_forecast_learns),
        T(a_short_history_gives_none_and_says_why_until_it_is_long_enough),
        T(what_was_forecast_is_scored_by_how_far_ahead),
        T(only_what_is_known_is_scored_and_a_constant_series_has_no_scale),
        T(the_right_size_of_each_service_is_made_in_turn_and_shown),
        T(g5_a_day_ahead_is_the_larger_of_both_phases_for_seven_days),
        T(limits_that_come_near_are_told_soonest_first),
        T(capacity_is_enough_until_the_forecast_of_any_resource_exceeds_it),
        T(a_subnet_that_fills_up_is_told_with_its_day),
        T(what_sizing_asked_for_is_judged_a_boot_later),
        T(ids_that_were_forgotten_are_not_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
