// The page's server for the bench: 40 clusters, 500 services, 2,000 instances, 10,000 tasks, and 90 days of history.
//
// usage: bench_page; prints {"url": …, "cluster": …, "now": …} and then answers lines on its standard input: "look" runs one tick of
// each cluster and prints {"ms": …} of wall time. The virtual AWS answers from memory then, so that a look is the daemon's own work.
// It ends with its input.
#include <math.h>
#include <stdio.h>

#include "base/check.h"
#include "base/parse.h"
#include "planner/sim/world.h"
#include "scaler/view.h"
#include "state/history.h"
#include "tests/scaler/crowd.h"
#include "web/server.h"

enum { CLUSTERS = 40, INSTANCES = 2000, SERVICES = 500, TASKS = 20, DAYS = 90, POINTS_MAX = DAYS * 24 };
#define PERIOD_MS INT64_C(30000)
#define HOUR_MS INT64_C(3600000)
#define DAY_MS (24 * HOUR_MS)

static void must(int rc, const struct err *err)
{
    if (rc == 0)
        return;
    fprintf(stderr, "bench_page: %s\n", err->msg);
    exit(1);
}

static void look(struct crowd *c)
{
    struct err err = {0};
    int64_t begun_ms = clock_wall_ms(&c->clock);
    must(loop_once(c->loop, &err), &err);
    if (begun_ms + PERIOD_MS > clock_wall_ms(&c->clock))
        clock_advance_to(&c->clock, begun_ms + PERIOD_MS);
}

// A working day's wave, an hour a point for the months and five minutes for the last day.
static void fill(struct crowd *c, int64_t cluster, int seed, int64_t end_ms)
{
    static struct history_point points[POINTS_MAX];
    static const struct { int64_t back_ms, step_ms; } parts[] = {{DAY_MS, HOUR_MS / 12}, {DAYS * DAY_MS, HOUR_MS}};
    struct err err = {0};
    for (int s = 0; s < SERIES_COUNT; s++)
        for (size_t k = 0; series_kind((enum series)s) == HISTORY_CLUSTER && k < ARRAY_LEN(parts); k++) {
            size_t n = 0;
            int64_t from_ms = (end_ms - parts[k].back_ms) / parts[k].step_ms * parts[k].step_ms;
            for (int64_t at = from_ms; at < end_ms - PERIOD_MS && n < POINTS_MAX; at += parts[k].step_ms)
                points[n++] = (struct history_point){at, (int64_t)(200000 * (1.5 + sin((double)(at % DAY_MS) / (double)DAY_MS * 2 * M_PI + seed)))};
            must(state_history_fill(c->state, cluster, (enum series)s, "", parts[k].step_ms, points, n, &err), &err);
        }
}

static double wall_ms(const struct clock *real)
{
    return (double)clock_mono_ms(real);
}

int main(void)
{
    static struct crowd c;
    static struct crowd_size sizes[CLUSTERS];
    static struct view_box box;
    static char line[64];
    struct err err = {0};
    struct clock real, shown;
    struct web_server *server = NULL;
    for (int i = 0; i < CLUSTERS; i++)
        sizes[i] = (struct crowd_size){INSTANCES / CLUSTERS, SERVICES / CLUSTERS + (i % 2), TASKS};
    crowd_open(&(struct crowd_options){.sizes = sizes, .count = CLUSTERS, .dry_run = true, .journal = true, .journal_path = ":temp:", .box = &box,
                                       .warm_ms = 30 * 60000}, &c);
    look(&c);
    struct view *v = view_acquire(&box);
    for (size_t i = 0; i < v->cluster_count; i++) {
        int64_t id = 0;
        must(state_cluster(c.state, v->clusters[i]->account, v->clusters[i]->region, v->clusters[i]->name, &id, &err), &err);
        fill(&c, id, (int)i, clock_wall_ms(&c.clock));
    }
    c.keep = true;
    for (int i = 0; i < 10; i++)
        look(&c);
    c.keep = false;
    c.replay = true;
    clock_init_real(&real);
    clock_init_accelerated(&shown, clock_wall_ms(&c.clock), 1);
    must(web_server_start(&(struct web_options){.listen = "127.0.0.1:0", .box = &box, .clock = &shown, .state_path = state_path(c.state)}, &server, &err), &err);
    printf("{\"url\": \"%s\", \"cluster\": \"%s\"}\n", web_server_url(server), v->clusters[0]->name);
    view_release(v);
    fflush(stdout);
    while (fgets(line, sizeof(line), stdin)) {
        double begin = wall_ms(&real);
        look(&c);
        printf("{\"ms\": %.1f}\n", wall_ms(&real) - begin);
        fflush(stdout);
    }
    web_server_stop(server);
    crowd_close(&c);
    view_box_release(&box);
    return 0;
}
