// What one look costs us: 40 clusters, 500 services, 2,000 instances, 10,000 tasks in one region.
//
// usage: bench_look [RUNS]; prints one JSON object. The virtual AWS answers the first looks; from then on its answers come from
// memory, byte for byte, so that what is counted is the CPU of this process for one tick of each cluster: building, hashing and
// signing requests, the copies of a transport, decoding, gathering, planning, guard, and the journal (SQLite in memory). Not
// counted: TLS and sockets, the disk, the page. Calls are counted over ten looks in a row, lists among them.
#include <malloc.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/resource.h>

#include "base/check.h"
#include "base/parse.h"
#include "tests/scaler/crowd.h"

enum { CLUSTERS = 40, INSTANCES = 2000, SERVICES = 500, TASKS = 20, RUNS_MAX = 1000 };
#define PERIOD_MS INT64_C(30000)

static int by_value(const void *x, const void *y)
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

static double heap_mib(void)
{
    struct mallinfo2 m = mallinfo2();
    return (double)(m.uordblks + m.hblkhd - (size_t)sqlite3_memory_used()) / 1048576;  // the journal lies on disk in life
}

static void look(struct crowd *c)
{
    int64_t begun_ms = clock_wall_ms(&c->clock);
    struct err err = {0};
    if (loop_once(c->loop, &err) != 0) {
        fprintf(stderr, "bench_look: %s\n", err.msg);
        exit(1);
    }
    if (begun_ms + PERIOD_MS > clock_wall_ms(&c->clock))
        clock_advance_to(&c->clock, begun_ms + PERIOD_MS);
}

static double calls_a_look(struct crowd *c, int64_t from_ms, int64_t to_ms)
{
    size_t calls = crowd_count(c, "*", from_ms, to_ms);
    static const char *const kinds[] = {"ecs:Describe*", "ec2:Describe*", "ecs:List*", "ecs:Get*"};
    double looks = (double)(to_ms - from_ms) / (double)PERIOD_MS;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        fprintf(stderr, "  %-16s %7.1f a look\n", kinds[i], (double)crowd_count(c, kinds[i], from_ms, to_ms) / looks);
    return (double)calls / looks;
}

int main(int argc, char **argv)
{
    static struct crowd c;
    static struct crowd_size sizes[CLUSTERS];
    static double ms[RUNS_MAX];
    int64_t runs = 10;
    if (argc > 2 || (argc > 1 && (!parse_i64(slice_of(argv[1]), &runs) || runs < 1 || runs > RUNS_MAX))) {
        fprintf(stderr, "usage: bench_look [RUNS]\n");
        return 64;
    }
    for (int i = 0; i < CLUSTERS; i++)
        sizes[i] = (struct crowd_size){INSTANCES / CLUSTERS, SERVICES / CLUSTERS + (i % 2), TASKS};
    crowd_open(&(struct crowd_options){.sizes = sizes, .count = CLUSTERS, .dry_run = true, .journal = true, .warm_ms = 30 * 60000}, &c);
    int64_t start_ms = clock_wall_ms(&c.clock);
    double heap = heap_mib();  // the virtual AWS, mostly: what is added by the looks is ours
    // As in life, for the calls: the clusters staggered over the period.
    loop_run(c.loop, start_ms + 20 * PERIOD_MS);
    double calls = calls_a_look(&c, start_ms + 10 * PERIOD_MS, start_ms + 20 * PERIOD_MS);
    heap = heap_mib() - heap;
    c.keep = true;
    for (int i = 0; i < 10; i++)
        look(&c);
    c.keep = false;
    c.replay = true;
    for (int64_t r = 0; r < runs; r++) {
        double begin = cpu_ms();
        look(&c);
        ms[r] = cpu_ms() - begin;
    }
    double sum = 0;
    for (int64_t r = 0; r < runs; r++)
        sum += ms[r];
    qsort(ms, (size_t)runs, sizeof *ms, by_value);
    fprintf(stderr, "look: least %.1f ms, median %.1f ms, most %.1f ms; %zu answers not from memory; %.1f MiB kept between looks\n", ms[0],
            ms[runs / 2], ms[runs - 1], c.missed, heap);
    printf("{\"look_ms\": %.3f, \"slowest_ms\": %.3f, \"calls\": %.2f, \"missed\": %zu, \"kept_mib\": %.2f}\n", sum / (double)runs,
           ms[runs - 1], calls, c.missed, heap);
    crowd_close(&c);
    return 0;
}
