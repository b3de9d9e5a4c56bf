// A fixed piece of work, the same on every machine: what the times of a bench are divided by before they are compared with those of another run.
//
// usage: bench_calibrate; prints one JSON object: CPU milliseconds of the work, the median of nine. The work is a bit of what masu does: it
// sorts 200,000 numbers, sums them in floating point, and follows a chain through 8 MiB. `check` must never change, or old baselines are void.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/check.h"
#include "base/rng.h"

enum { NUMBERS = 200000, CHAIN = 1 << 21, STEPS = 400000, RUNS = 9 };

static uint64_t numbers[NUMBERS];
static uint32_t chain[CHAIN];

static int by_value(const void *x, const void *y)
{
    uint64_t a = *(const uint64_t *)x, b = *(const uint64_t *)y;
    return (a > b) - (a < b);
}

static int by_time(const void *x, const void *y)
{
    double a = *(const double *)x, b = *(const double *)y;
    return (a > b) - (a < b);
}

static double cpu_ms(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000 + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1000;
}

static uint64_t work(void)
{
    struct rng r;
    double sum = 0;
    uint32_t at = 0;
    rng_init(&r, 1);
    for (int i = 0; i < NUMBERS; i++)
        numbers[i] = rng_u64(&r);
    qsort(numbers, NUMBERS, sizeof numbers[0], by_value);
    for (int i = 0; i < NUMBERS; i++)
        sum += (double)(numbers[i] >> 40) / (double)(i + 1);
    for (int i = 0; i < STEPS; i++)
        at = chain[at];
    return (uint64_t)sum ^ at;
}

int main(void)
{
    double ms[RUNS];
    uint64_t check = 0;
    // one cycle through all: each step goes to where no cache expects it
    for (uint32_t i = 0, at = 0; i < CHAIN; i++, at = (at + UINT32_C(1299709)) % CHAIN)
        chain[at] = (at + UINT32_C(1299709)) % CHAIN;
    for (int k = 0; k < RUNS; k++) {
        double begin_ms = cpu_ms();
        check = work();
        ms[k] = cpu_ms() - begin_ms;
    }
    qsort(ms, RUNS, sizeof ms[0], by_time);
    printf("{\"ms\": %.4f, \"check\": %" PRIu64 "}\n", ms[RUNS / 2], check);
    return 0;
}
