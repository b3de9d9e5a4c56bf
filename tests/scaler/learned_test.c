// What instance types register with is learned once and outlives a restart, through the whole daemon.
#include "scaler/rig.h"
#include "state/learned.h"
#include "tests/sim/fixture.h"

// One host, of the first of the fleet's two types.
static int two_types(const struct world_options *o, struct world **ret, struct err *err)
{
    if (world_empty(7, o, ret, err) != 0)
        return err->kind;
    world_add_cluster(*ret, "main");
    struct world_override v[] = {{world_type_index(*ret, "m5.xlarge"), 0, 1000}, {world_type_index(*ret, "c5.2xlarge"), 1, 1000}};
    int f = world_add_fleet(*ret, &(struct world_fleet_spec){.cluster = 0, .target = 1, .overrides = v, .override_count = 2,
                                                             .allocation = WALLOC_LOWEST_PRICE});
    add_host(*ret, f, 0);
    return 0;
}

static const struct snapshot *run(struct rig *r, int64_t ms)
{
    loop_run(r->loop, clock_wall_ms(&r->clock) + ms);
    const struct tick_frame *f = loop_frame(r->loop, 0);
    assert_non_null(f);
    assert_true(f->has_snapshot);
    return &f->snapshot;
}

static const struct instance_type *type_named(const struct snapshot *s, const char *name)
{
    for (size_t t = 0; t < s->type_count; t++)
        if (strcmp(s->types[t].name, name) == 0)
            return &s->types[t];
    fail_msg("no type %s", name);
    return NULL;
}

static size_t load(struct rig *r, const struct snapshot *s, int64_t *ret_cluster, struct learned_type **ret)
{
    struct err err = {0};
    size_t count = 0;
    assert_int_equal(state_cluster(r->state, s->account, s->region, s->cluster, ret_cluster, &err), 0);
    assert_int_equal(state_learned_load(state_reader_of(r->state), *ret_cluster, &r->arena, ret, &count, &err), 0);
    return count;
}

static void a_type_without_an_instance_is_as_large_as_it_registered_in_an_earlier_life(void **state)
{
    (void)state;
    struct rig r;
    struct err err = {0};
    if (rig_open(&(struct rig_options){.seed = 7, .build = two_types}, &r, &err) != 0)
        fail_msg("%s", err.msg);
    const struct snapshot *s = run(&r, 180000);
    struct learned_type *learned;
    int64_t cluster;
    size_t had = load(&r, s, &cluster, &learned), seen = 0;
    struct learned_type unseen = {.type = "", .registered = res_make(4096, 12345), .registered_ms = s->now_ms - 86400000};
    for (size_t t = 0; t < s->type_count; t++) {
        seen += !res_is_zero(s->types[t].registered);
        if (res_is_zero(s->types[t].registered))
            unseen.type = arena_strdup(&r.arena, s->types[t].name);
    }
    assert_true(had > 0);
    assert_int_equal(had, seen);
    for (size_t k = 0; k < had; k++)  // slots are EC2's to say
        assert_int_equal(learned[k].registered.v[RES_MEMORY], type_named(s, learned[k].type)->registered.v[RES_MEMORY]);
    assert_true(unseen.type[0]);
    assert_int_equal(state_learned_save(r.state, cluster, &unseen, 1, &err), 0);
    assert_int_equal(rig_restart(&r, true, &err), 0);
    s = run(&r, 30000);
    assert_int_equal(type_named(s, unseen.type)->registered.v[RES_MEMORY], 12345);
    assert_int_equal(instance_type_capacity(type_named(s, unseen.type)).v[RES_MEMORY], 12345);
    assert_int_equal(load(&r, s, &cluster, &learned), had + 1);
    assert_int_equal(rig_restart(&r, false, &err), 0);
    assert_true(res_is_zero(type_named(run(&r, 30000), unseen.type)->registered));
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_type_without_an_instance_is_as_large_as_it_registered_in_an_earlier_life),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
