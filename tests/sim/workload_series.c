// Prints the workload models: alone the table as JSON, with KIND SEED DAYS a generated series, a value each five minutes (workload_fit.py reads both).
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/parse.h"
#include "planner/sim/workload_model.h"

#define STEP_MS INT64_C(300000)
#define FIRST_MS INT64_C(1767571200000)  // a Monday, 00:00 UTC

static void print_table(void)
{
    for (size_t k = 0; k < WORKLOAD_MODEL_COUNT; k++) {
        const struct workload_model *m = workload_model(k);
        printf("%s\"%s\": {\"daily\": %g, \"weekend\": %g, \"habit_1h\": %g, \"habit_5min\": %g, \"noise_5min\": %g, \"noise_1h\": %g, \"noise_6h\": %g, \"noise_1d\": %g, "
               "\"noise_4d\": %g, \"bursts_per_day\": %g, \"burst_height\": %g, \"burst_minutes\": %g}",
               k ? ",\n " : "{", m->name, m->daily, m->weekend, m->habit[0], m->habit[1], m->noise[0], m->noise[1], m->noise[2], m->noise[3], m->noise[4],
               m->bursts_per_day, m->burst_height, m->burst_minutes);
    }
    printf("}\n");
}

int main(int argc, char **argv)
{
    int64_t seed = 0, days = 0;
    if (argc == 1) {
        print_table();
        return 0;
    }
    if (argc != 4 || !parse_i64(slice_of(argv[2]), &seed) || !parse_i64(slice_of(argv[3]), &days))
        return 64;
    for (size_t k = 0; k < WORKLOAD_MODEL_COUNT; k++)
        for (int64_t i = 0; strcmp(workload_model(k)->name, argv[1]) == 0 && i < days * 288; i++)
            printf("%.6f\n", workload_model_at(workload_model(k), (uint64_t)seed, FIRST_MS + i * STEP_MS));
    return 0;
}
