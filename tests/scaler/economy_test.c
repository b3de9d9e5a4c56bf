// What a look costs in calls, by operation, over clusters of several sizes: the real loop against the virtual AWS.
#include "tests/cm.h"

#include "tests/scaler/crowd.h"

#define MINUTE_MS INT64_C(60000)
#define PERIOD_MS INT64_C(30000)

static size_t per(int count, int page)
{
    return (size_t)((count + page - 1) / page);
}

// ⌈instances/100⌉ + ⌈services/10⌉ over the clusters
static size_t describes_due(const struct crowd_size *sizes, size_t count)
{
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        n += per(sizes[i].instances, 100) + per(sizes[i].services, 10);
    return n;
}

static size_t list_pages(const struct crowd_size *sizes, size_t count)
{
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        n += (sizes[i].instances ? per(sizes[i].instances, 100) : 1) + (sizes[i].services ? per(sizes[i].services, 100) : 1);
    return n;
}

static void tell(const struct crowd *c, int64_t from_ms, int64_t to_ms, double looks)
{
    static char seen[64][64];
    size_t count = 0;
    for (size_t i = 0; i < c->call_count; i++) {
        bool known = c->calls[i].at_ms < from_ms || c->calls[i].at_ms >= to_ms;
        for (size_t k = 0; k < count && !known; k++)
            known = strcmp(seen[k], c->calls[i].operation) == 0;
        if (!known && count < ARRAY_LEN(seen))
            memcpy(seen[count++], c->calls[i].operation, sizeof seen[0]);
    }
    for (size_t k = 0; k < count; k++)
        print_message("  %-36s %7.2f a look\n", seen[k], (double)crowd_count(c, seen[k], from_ms, to_ms) / looks);
}

// In any 60 s no bucket above a quarter of its refill, in any second not above a quarter of its burst.
static void within_a_quarter(const struct crowd *c)
{
    static const int64_t spans_ms[] = {60000, 1000};
    enum { BUCKETS = 64 };
    struct sandbox_bucket *of = calloc(c->call_count, sizeof *of);
    assert_non_null(of);
    for (size_t i = 0; i < c->call_count; i++)
        if (!sandbox_bucket_of(c->calls[i].operation, &of[i]))
            of[i].id = -1;
    for (size_t s = 0; s < ARRAY_LEN(spans_ms); s++) {
        size_t first = 0, used[BUCKETS] = {0};
        for (size_t i = 0; i < c->call_count; i++) {
            for (; c->calls[first].at_ms <= c->calls[i].at_ms - spans_ms[s]; first++)
                used[of[first].id + 1]--;
            assert_true(of[i].id + 1 < BUCKETS);
            used[of[i].id + 1]++;
            double most = s == 0 ? of[i].refill_s * 60 / 4 : of[i].burst / 4;
            if (of[i].id >= 0 && (double)used[of[i].id + 1] > most)
                fail_msg("%s: %zu calls of its bucket in %lld s", c->calls[i].operation, used[of[i].id + 1], (long long)spans_ms[s] / 1000);
        }
    }
    free(of);
}

static size_t refused_calls(struct crowd *c)
{
    struct sandbox_call_count counts[128];
    size_t n = sandbox_calls(c->sandbox, counts, ARRAY_LEN(counts)), refused = 0;
    for (size_t i = 0; i < n; i++)
        refused += (size_t)counts[i].throttled;
    return refused;
}

struct sizes {
    const char *name;
    struct crowd_size of[48];
    size_t count;
};

static void a_quiet_look_costs_its_describes_and_little_else(void **state)
{
    const struct sizes *s = *state;
    struct crowd c;
    crowd_open(&(struct crowd_options){.sizes = s->of, .count = s->count, .journal = true, .warm_ms = 12 * MINUTE_MS}, &c);
    int64_t from_ms = clock_wall_ms(&c.clock) + 5 * PERIOD_MS, to_ms = from_ms + 5 * PERIOD_MS;  // 5 looks, one of them with lists
    loop_run(c.loop, to_ms);
    double looks = (double)(to_ms - from_ms) / PERIOD_MS;
    double due = (double)describes_due(s->of, s->count) * looks;
    print_message("%s: %.0f describes due a look\n", s->name, due / looks);
    tell(&c, from_ms, to_ms, looks);
    size_t ecs = crowd_count(&c, "ecs:Describe*", from_ms, to_ms);
    size_t lists = crowd_count(&c, "ecs:ListServices", from_ms, to_ms) + crowd_count(&c, "ecs:ListContainerInstances", from_ms, to_ms);
    assert_true((double)ecs <= 1.1 * due);
    assert_true(lists <= list_pages(s->of, s->count));
    assert_int_equal(crowd_count(&c, "ecs:DescribeTasks", from_ms, to_ms), 0);           // nothing new
    assert_int_equal(crowd_count(&c, "ecs:DescribeTaskDefinition", from_ms, to_ms), 0);  // known for ever
    assert_int_equal(refused_calls(&c), 0);
    within_a_quarter(&c);
    crowd_close(&c);
}

static void set_desired(struct crowd *c, int percent)
{
    sandbox_sync(c->sandbox);
    sandbox_lock(c->sandbox);
    for (size_t i = 0; i < c->service_count; i++)
        world_set_desired(c->world, WORLD_PERSON, c->services[i], world_view(c->world).services[c->services[i]].desired * percent / 100);
    sandbox_unlock(c->sandbox);
}

static void count_instances(struct crowd *c, struct crowd_size *most)
{
    int now[8] = {0};
    sandbox_lock(c->sandbox);
    struct world_view v = world_view(c->world);
    for (int i = 0; i < v.instance_count; i++)
        if (v.instances[i].used && v.instances[i].status.now != WE_NONE && v.instances[i].status.now != WE_INACTIVE)
            now[v.instances[i].cluster]++;
    sandbox_unlock(c->sandbox);
    for (int k = 0; k < v.cluster_count; k++)
        most[k].instances = now[k] > most[k].instances ? now[k] : most[k].instances;
}

static void l22_budgets_hold_while_instances_boot_and_drain(void **state)
{
    (void)state;
    struct crowd_size sizes[] = {{60, 20, 8}, {101, 12, 20}, {5, 5, 2}};
    struct crowd c;
    crowd_open(&(struct crowd_options){.sizes = sizes, .count = ARRAY_LEN(sizes), .journal = true, .hasty = true, .warm_ms = 10 * MINUTE_MS}, &c);
    int64_t from_ms = clock_wall_ms(&c.clock) + 5 * MINUTE_MS;
    static const int percents[] = {100, 900, 20};  // as it is, then instances boot, then they are drained
    for (size_t p = 0; p < ARRAY_LEN(percents); p++) {
        set_desired(&c, percents[p]);
        for (int i = 0; i < 10; i++) {
            loop_run(c.loop, clock_wall_ms(&c.clock) + MINUTE_MS);
            count_instances(&c, sizes);
        }
    }
    int64_t to_ms = clock_wall_ms(&c.clock);
    double looks = (double)(to_ms - from_ms) / PERIOD_MS;
    const struct world_counters *n = world_view(c.world).counters;
    print_message("%lld launches, %lld drains finished\n", (long long)n->launches, (long long)n->drains_finished);
    tell(&c, from_ms, to_ms, looks);
    assert_true(n->launches >= 10 && n->drains_finished >= 20);
    // What a drain and a termination depend on is read again right before: one describe each, beside the looks.
    double due = (double)describes_due(sizes, ARRAY_LEN(sizes)) * (looks + 1);
    double again = (double)(crowd_count(&c, "ecs:UpdateContainerInstancesState", from_ms, to_ms) + crowd_count(&c, "ec2:TerminateInstances", from_ms, to_ms));
    assert_true((double)(crowd_count(&c, "ecs:DescribeContainerInstances", from_ms, to_ms) + crowd_count(&c, "ecs:DescribeServices", from_ms, to_ms)) <=
                1.1 * due + again);
    assert_true((double)crowd_count(&c, "ecs:ListServices", from_ms, to_ms) <= 3 * (looks / 5 + 1));
    assert_int_equal(refused_calls(&c), 0);
    within_a_quarter(&c);
    crowd_close(&c);
}

int main(void)
{
    static const struct sizes all[] = {
        {"nothing", {{0, 0, 0}}, 1},
        {"one of each", {{1, 1, 1}}, 1},
        {"a page", {{100, 10, 5}}, 1},
        {"a page and one", {{101, 11, 5}}, 1},
        {"several", {{0, 3, 1}, {1, 0, 0}, {100, 25, 4}, {101, 100, 1}, {30, 7, 3}}, 5},
        {"one large", {{2000, 500, 6}}, 1},
    };
    struct CMUnitTest tests[ARRAY_LEN(all) + 1];
    tests[ARRAY_LEN(all)] = (struct CMUnitTest)cmocka_unit_test(l22_budgets_hold_while_instances_boot_and_drain);
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        tests[i] = (struct CMUnitTest){all[i].name, a_quiet_look_costs_its_describes_and_little_else, NULL, NULL, (void *)(uintptr_t)&all[i]};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
