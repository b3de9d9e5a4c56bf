// Prints random mixes as linear programmes in CPLEX format, and our bound of each: for glpk_test.py.
//
// usage: sim-bound-glpk SEED STEPS TYPES: the bound on stderr, the programme on stdout.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/parse.h"
#include "base/rng.h"
#include "planner/sim/bound.h"

enum { R = BOUND_RESOURCES };

static double boot_cost(const struct bound_mix *b, size_t t, size_t i)
{
    double least = INFINITY;
    for (size_t k = t + 1; k-- > 0 && (double)(t - k) < b->boot_steps + 1;)
        least = fmin(least, b->price[k * b->type_count + i]);
    return least * b->boot_steps;
}

static void print_programme(const struct bound_mix *b)
{
    printf("Minimize\n cost:");
    for (size_t t = 0; t < b->count; t++)
        for (size_t i = 0; i < b->type_count; i++) {
            printf("\n + %.12g x%zu_%zu", b->price[t * b->type_count + i], i, t);
            if (t > 0 || !b->free_start)
                printf(" + %.12g u%zu_%zu", boot_cost(b, t, i), i, t);
        }
    printf("\nSubject To\n");
    for (size_t t = 0; t < b->count; t++) {
        for (int r = 0; r < R; r++) {
            for (size_t i = 0; i < b->type_count; i++)
                printf(" + %.12g x%zu_%zu", b->capacity[i * R + (size_t)r], i, t);
            printf(" >= %.12g\n", b->demand[t * R + (size_t)r]);
        }
        for (size_t i = 0; i < b->type_count; i++) {
            if (t > 0)
                printf(" x%zu_%zu - x%zu_%zu - u%zu_%zu <= 0\n", i, t, i, t - 1, i, t);
            else if (!b->free_start)
                printf(" x%zu_0 - u%zu_0 <= 0\n", i, i);
        }
    }
    printf("End\n");
}

int main(int argc, char **argv)
{
    struct rng r;
    struct arena a;
    int64_t number[3] = {0};
    if (argc != 4)
        return 64;
    for (int k = 0; k < 3; k++)
        if (!parse_i64(slice_of(argv[k + 1]), &number[k]))
            return 64;
    size_t n = (size_t)number[1], types = (size_t)number[2];
    rng_init(&r, (uint64_t)number[0]);
    arena_init(&a, 0);
    double *demand = arena_array(&a, double, n * R), *price = arena_array(&a, double, n * types), *capacity = arena_array(&a, double, types * R);
    double level = 20, base[BOUND_TYPES_MAX], ratio = 2;
    for (size_t i = 0; i < types; i++) {
        capacity[i * R] = (double)(int)(1 << rng_below(&r, 3)) * 2;
        capacity[i * R + 1] = capacity[i * R] * (2 + 2 * (double)rng_below(&r, 4));
        base[i] = capacity[i * R] * 0.7 + capacity[i * R + 1] * 0.1 + 0.5 * rng_double(&r);
    }
    for (size_t t = 0; t < n; t++) {
        level = fmax(1, level + 2 * rng_normal(&r) + (rng_below(&r, 40) == 0 ? 20 : 0) - (level > 30 ? 1 : 0));
        ratio = fmin(fmax(ratio + 0.1 * rng_normal(&r), 1), 6);
        demand[t * R] = level;
        demand[t * R + 1] = level * ratio;
        for (size_t i = 0; i < types; i++)
            price[t * types + i] = t % 10 ? price[(t - 1) * types + i] : base[i] * (0.8 + 0.4 * rng_double(&r));
    }
    struct bound_mix b = {.count = n, .type_count = types, .demand = demand, .capacity = capacity, .price = price, .boot_steps = 0.4 + 3 * rng_double(&r),
                          .free_start = rng_below(&r, 2)};
    int rounds;
    print_programme(&b);
    fprintf(stderr, "%.12g", bound_mix(&b, 5000, &a, &rounds));
    arena_release(&a);
    return 0;
}
