// V7's packer (inv_pack.c) against every way there is, on clusters so small that all can be tried: it must find a place exactly where
// there is one. Written from the rule and not from the packer: tasks of the victim, rooms of the others, nothing else.
#include "base/rng.h"
#include "planner/sim/invariants_internal.h"
#include "tests/sim/fixture.h"

enum { WORLDS = 400, HOSTS_MAX = 5, ITEMS = 10 };

struct puzzle {
    struct res rooms[HOSTS_MAX], needs[ITEMS];
    int bins, items;
};

static bool any_way(struct puzzle *p, int at)
{
    if (at == p->items)
        return true;
    for (int b = 0; b < p->bins; b++) {
        if (!res_fits(p->needs[at], p->rooms[b]))
            continue;
        struct res was = p->rooms[b];
        p->rooms[b] = res_sub(was, p->needs[at]);
        bool found = any_way(p, at + 1);
        p->rooms[b] = was;
        if (found)
            return true;
    }
    return false;
}

// The largest first, each to the first that has room: where this fails and there is a way, the search is needed.
static bool first_fit(const struct puzzle *asked)
{
    struct puzzle p = *asked;
    for (int done = 0; done < p.items; done++) {
        int largest = done, b = 0;
        for (int k = done; k < p.items; k++)
            largest = p.needs[k].v[RES_CPU] > p.needs[largest].v[RES_CPU] ? k : largest;
        struct res need = p.needs[largest];
        p.needs[largest] = p.needs[done];
        while (b < p.bins && !res_fits(need, p.rooms[b]))
            b++;
        if (b == p.bins)
            return false;
        p.rooms[b] = res_sub(p.rooms[b], need);
    }
    return true;
}

static struct puzzle puzzle_of(const struct world *w, int victim)
{
    struct world_view v = world_view(w);
    struct puzzle p = {.bins = 0};
    for (int i = 0; i < v.instance_count; i++)
        if (i != victim)
            p.rooms[p.bins++] = v.instances[i].registered;
    for (int t = 0; t < v.task_count; t++) {
        const struct world_task *x = &v.tasks[t];
        if (!x->used || x->instance < 0 || x->last.now == WT_STOPPED)
            continue;
        if (x->instance == victim && p.items < ITEMS)
            p.needs[p.items++] = x->need;
        else if (x->instance != victim)
            p.rooms[x->instance - (x->instance > victim)] = res_sub(p.rooms[x->instance - (x->instance > victim)], x->need);
    }
    return p;
}

// Hosts of four vCPU, some full of small tasks and some with a few large ones.
static struct world *random_world(struct rng *rng)
{
    struct world *w = calm_world();
    int hosts = 3 + (int)rng_below(rng, HOSTS_MAX - 2), f = add_fleet(w, hosts, "m5.xlarge", 1);
    for (int k = 0; k < hosts; k++)
        add_host(w, f, k % 3);
    int services = 3 + (int)rng_below(rng, 4);
    for (int k = 0; k < services; k++) {
        char name[16];
        snprintf(name, sizeof name, "s%d", k);
        add_service(w, (struct a_service){name, 128 * (2 + (int64_t)rng_below(rng, 14)), 512 * (1 + (int64_t)rng_below(rng, 6)), 1 + (int32_t)rng_below(rng, 4), 100, 200,
                                          WS_SPREAD_INSTANCE, 0, 0});
    }
    later(w, 5 * 60000);
    return w;
}

static void v7_the_packer_finds_a_place_exactly_where_there_is_one(void **state)
{
    (void)state;
    struct rng rng;
    int possible = 0, impossible = 0, knots = 0;
    rng_init(&rng, 3);
    for (int k = 0; k < WORLDS; k++) {
        struct world *w = random_world(&rng);
        struct world_view v = world_view(w);
        struct arena a;
        char why[256];
        arena_init(&a, 0);
        for (int victim = 0; victim < v.instance_count; victim++) {
            struct puzzle p = puzzle_of(w, victim);
            if (p.items == 0 || p.items == ITEMS)
                continue;
            bool expected = any_way(&p, 0), told = pack_possible(w, &v, victim, v.now_ms, 0, &a, why, sizeof why);
            if (told != expected)
                fail_msg("world %d, victim %d with %d tasks: told %d, there is %s way (%s)", k, victim, p.items, told, expected ? "a" : "no", why);
            possible += expected;
            impossible += !expected;
            knots += expected && !first_fit(&p);
        }
        arena_release(&a);
        world_free(w);
    }
    print_message("%d possible, %d of them not by first fit, %d impossible\n", possible, knots, impossible);
    assert_true(possible > 50 && impossible > 50 && knots > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(v7_the_packer_finds_a_place_exactly_where_there_is_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
