// The words of whole plans, as people read them. MASU_UPDATE_GOLDEN=1 writes the files anew; review them as a diff.
#include "tests/planner/build.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

static const char *golden_dir;
static struct build b;

static void write_plan(struct buf *out, const struct plan *p)
{
    buf_printf(out, "cluster %s, %s: %d instances, %d active, %d draining, %d coming, %d interrupted, %d tasks wait\n", p->cluster,
               p->mode, p->summary.instances, p->summary.active, p->summary.draining, p->summary.coming, p->summary.interrupted,
               p->summary.waiting_tasks);
    for (size_t k = 0; k < p->action_count; k++) {
        const struct action *x = &p->actions[k];
        buf_printf(out, "%zu %s %s", k, action_kind_name(x->kind), x->target);
        if (x->kind == ACTION_SET_TARGET)
            buf_printf(out, " %" PRId64, x->capacity);
        if (x->after >= 0)
            buf_printf(out, " after %d", x->after);
        buf_printf(out, "\n  %s -> %s\n", x->fact, x->verdict);
    }
    for (size_t k = 0; k < p->verdict_count; k++) {
        const struct verdict *v = &p->verdicts[k];
        buf_printf(out, "= %s %s, %s\n  %s -> %s\n", candidate_kind_name(v->kind), v->target, verdict_code_name(v->code), v->fact,
                   v->verdict);
    }
}

static void check_golden(const char *name, const struct plan *p)
{
    char path[512], want[65536];
    struct buf out;
    buf_init(&out, sizeof want - 1);
    write_plan(&out, p);
    snprintf(path, sizeof path, "%s/%s.txt", golden_dir, name);
    if (getenv("MASU_UPDATE_GOLDEN")) {
        FILE *f = fopen(path, "w");
        assert_non_null(f);
        assert_int_equal(fwrite(out.data, 1, out.len, f), out.len);
        fclose(f);
    }
    FILE *f = fopen(path, "r");
    if (!f)
        fail_msg("%s is not there: MASU_UPDATE_GOLDEN=1 writes it", path);
    size_t n = fread(want, 1, sizeof want - 1, f);
    want[n] = '\0';
    fclose(f);
    assert_string_equal(buf_str(&out), want);
    buf_release(&out);
}

static int type, fleet, web, api;

static int setup(void **state)
{
    (void)state;
    build_init(&b);
    type = build_type(&b, "m5.xlarge", 4096, 15700);
    int large = build_type(&b, "r5.2xlarge", 8192, 63000);
    fleet = build_fleet(&b, "sfr-7f2a90c1", 0);
    build_pool(&b, fleet, type, 4000);
    build_pool(&b, fleet, large, 8000);
    b.s.types[type].spot_usd_micro = 71000;
    b.s.types[large].spot_usd_micro = 184000;
    web = build_service(&b, "web", build_shape(&b, "web:41", 512, 1024), 0);
    api = build_service(&b, "api", build_shape(&b, "api:7", 1024, 3072), 0);
    for (int k = 0; k < 5; k++) {
        int i = build_instance(&b, fleet, type);
        build_hold(&b, i, web, 2);
        build_hold(&b, i, api, k < 3 ? 2 : 1);
    }
    b.s.services[web].desired = 10;
    b.s.services[api].desired = 8;
    b.s.fleets[fleet].target = 20;
    b.p.fleets[0].max = 60;
    b.p.headroom_percent = 10;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    build_release(&b);
    return 0;
}

static void a_busy_minute(void **state)
{
    (void)state;
    b.s.services[web].desired = 18;
    build_noticed(&b, 2);
    b.s.instances[3].agent_connected = false;
    b.s.instances[3].disconnected_since_ms = T0 - 8 * MINUTE;
    build_hold_shape(&b, 4, -1, 0, 1);
    build_service(&b, "giant", build_shape(&b, "giant:1", 2048, 200000), 2);
    int broken = build_service(&b, "broken", build_shape(&b, "broken:3", 256, 512), 4);
    b.s.services[broken].crash_looping = true;
    check_golden("busy-minute", build_plan(&b));
}

static void a_quiet_night(void **state)
{
    (void)state;
    for (int k = 0; k < 5; k++) {
        b.s.instances[k].holdings[0].running = 1;
        b.s.instances[k].holdings[1].running = k < 3;
        b.s.instances[k].ecs_running = 1 + (k < 3);
        b.s.instances[k].remaining = b.s.instances[k].registered;
    }
    b.s.services[web].desired = b.s.services[web].running = 5;
    b.s.services[api].desired = b.s.services[api].running = 3;
    b.s.instances[0].forbidden = true;
    b.s.instances[1].holdings[1].protected_ = 1;
    check_golden("quiet-night", build_ticks(&b, 3));
}

static void facts_that_are_old(void **state)
{
    (void)state;
    b.s.sources[SOURCE_TASKS] = (struct source){.state = SOURCE_PARTIAL, .read_ms = T0, .detail = "DescribeTasks: 3 of 18 failed"};
    build_age(&b, SOURCE_SERVICES, 4 * MINUTE);
    build_drained(&b, 4);
    check_golden("old-facts", build_plan(&b));
}

static void a_dry_run(void **state)
{
    (void)state;
    b.s.services[web].desired = 40;
    b.p.fleets[0].max = 24;
    b.p.mode = MODE_OBSERVE;
    check_golden("dry-run", build_plan(&b));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {TEST(a_busy_minute), TEST(a_quiet_night), TEST(facts_that_are_old), TEST(a_dry_run)};
    golden_dir = argc > 1 ? argv[1] : "tests/planner/golden";
    return cmocka_run_group_tests(tests, NULL, NULL);
}
