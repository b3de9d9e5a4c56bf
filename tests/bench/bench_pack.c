// Packing quality. usage: bench_pack EFFORT <PROBLEMS
//
// Problems, all numbers: TYPES ITEMS, then per type CPU MEMORY GPU PRICE and per item CPU MEMORY GPU (any three resources do). Prints a
// JSON list of {"bins", "price", "plain", "bound", "unpacked", "seconds"}: plain is the price without the improvement, bound the LP's; of
// one type both bounds are in bins of price 1, and it is the better one. Seconds of processor time, of the improved packing.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/parse.h"
#include "base/text.h"
#include "planner/vector_pack.h"

static double cpu_s(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static int64_t number(void)
{
    long long x;
    if (scanf("%lld", &x) != 1 || x < 0) {
        fputs("bench_pack: the problem ends early, or has what is no number\n", stderr);
        exit(2);
    }
    return x;
}

static struct res read_res(void)
{
    struct res x = {0};
    for (int k = 0; k < 3; k++)
        x.v[k] = number();
    return x;
}

static void solve(size_t type_count, size_t n, int64_t effort)
{
    struct arena a;
    arena_init(&a, 0);
    struct vector_type *types = arena_array(&a, struct vector_type, type_count);
    struct res *items = arena_array(&a, struct res, n + 1), total = {0};
    for (size_t j = 0; j < type_count; j++) {
        types[j].room = read_res();
        types[j].price = number();
    }
    for (size_t i = 0; i < n; i++) {
        items[i] = read_res();
        total = res_add(total, items[i]);
    }
    double from = cpu_s();
    struct vector_packing p = vector_pack(&a, types, type_count, items, n, effort);
    double seconds = cpu_s() - from, bound = vector_bound(&a, types, type_count, total, NULL);
    if (type_count == 1)
        bound = fmax(bound, (double)(vector_bound_equal(&a, types[0].room, items, n) * types[0].price));
    printf("{\"bins\": %zu, \"price\": %lld, \"plain\": %lld, \"bound\": %.3f, \"unpacked\": %zu, \"seconds\": %.6f}", p.bin_count, (long long)p.price,
           (long long)vector_pack(&a, types, type_count, items, n, 0).price, bound, p.unpacked_count, seconds);
    arena_release(&a);
}

int main(int argc, char **argv)
{
    int64_t effort;
    if (argc != 2 || !parse_i64(slice_of(argv[1]), &effort)) {
        fputs("usage: bench_pack EFFORT <PROBLEMS\n", stderr);
        return 2;
    }
    long long types;
    for (const char *sep = "["; scanf("%lld", &types) == 1; sep = ", ") {
        fputs(sep, stdout);
        solve((size_t)types, (size_t)number(), effort);
    }
    puts("]");
    return 0;
}
