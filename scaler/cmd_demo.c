// masu demo: world, virtual AWS, daemon and report in one process; or headless, on a virtual clock, as fast as it can.
#include <locale.h>
#include <langinfo.h>
#include <unistd.h>

#include "base/check.h"
#include "base/parse.h"
#include "scaler/cmds.h"
#include "scaler/demo.h"
#include "scaler/demo_history.h"
#include "scaler/options.h"
#include "scaler/sandbox/listener.h"
#include "scaler/token.h"
#include "web/server.h"

enum { SUMMARY_MAX_BYTES = 4 << 20, BAR_CELLS = 20 };
#define DAY_MS 86400000
#define AWS_PORT 4566

struct demo {
    bool headless, json, faults, groups, ec2_fleet, instant;
    int64_t for_ms, seed, trace_mean, history_ms;
    double speed;
    const char *trace, *market, *policy, *state;
    struct option_address listen;
    bool listen_given;
    const char *token;
    struct inbox inbox;
    struct rig rig;
    struct listener *aws;
    struct web_server *web;
    bool live;          // a line that moves: stdout is a terminal
    bool utf8;
};

static int64_t real_ms(void)
{
    struct clock real;
    clock_init_real(&real);
    return clock_mono_ms(&real);
}

// "FILE" or "FILE:SERVICE"; the colon of a service is the last one, and no path separator follows it.
static void split_trace(struct arena *a, const char *given, const char **ret_path, const char **ret_service)
{
    const char *colon = given ? strrchr(given, ':') : NULL;
    bool service = colon && colon[1] && strchr(colon, '/') == NULL && access(given, R_OK) != 0;
    *ret_path = service ? arena_strndup(a, given, (size_t)(colon - given)) : given;
    *ret_service = service ? colon + 1 : NULL;
}

static int finish(struct demo *d, const struct demo_run *run)
{
    rig_finish(&d->rig);
    struct buf out;
    buf_init(&out, SUMMARY_MAX_BYTES);
    if (d->json)
        demo_summary_json(&d->rig, run, &out);
    else
        demo_summary_text(&d->rig, run, &out);
    fputs(buf_str(&out), stdout);
    fflush(stdout);
    buf_release(&out);
    struct rig_figures f;
    rig_figures(&d->rig, &f);
    return f.violations > 0 || f.sum.tasks_killed > 0 ? EXIT_FAILED : EXIT_DONE;
}

static int run_headless(struct demo *d)
{
    int64_t begun_ms = real_ms();
    loop_signals(d->rig.loop);
    loop_run(d->rig.loop, d->rig.start_ms + d->for_ms);
    loop_signals(NULL);
    struct demo_run run = {.seed = (uint64_t)d->seed, .virtual_ms = clock_wall_ms(&d->rig.clock) - d->rig.start_ms, .real_ms = real_ms() - begun_ms};
    return finish(d, &run);
}

// ---- interactive ----------------------------------------------------------------------------------------------------------

static int open_faces(struct demo *d, struct err *err)
{
    char listen[96];
    snprintf(listen, sizeof listen, strchr(d->listen.host, ':') ? "[%s]:%d" : "%s:%d", d->listen.host, d->listen.port);
    struct web_options o = {.listen = listen, .box = &d->rig.box, .clock = &d->rig.clock, .state_path = state_path(d->rig.state),
                            .inbox = &d->inbox, .token = d->token, .program = "/proc/self/exe", .whatif_open = true};
    if (web_server_start(&o, &d->web, err) != 0) {
        o.listen = "127.0.0.1:0";  // the usual port is taken: any free one will do, unless one was asked for
        if (d->listen_given || web_server_start(&o, &d->web, err) != 0)
            return err->kind;
    }
    if (listener_start(d->rig.sandbox, "127.0.0.1", AWS_PORT, &d->aws, err) == 0)
        return 0;
    return listener_start(d->rig.sandbox, "127.0.0.1", 0, &d->aws, err);
}

static void print_header(struct demo *d)
{
    struct world_view v = world_view(d->rig.worlds[0]);
    int instances = 0;
    for (int i = 0; i < v.instance_count; i++)
        instances += v.instances[i].used && v.instances[i].state.now <= WL_RUNNING;
    char day[32];
    printf("masu %s demo: a virtual AWS, the daemon and its report in one process. No account is touched.\n", MASU_VERSION);
    printf("  report  %s\n", web_server_url(d->web));
    printf("  aws     http://127.0.0.1:%d/   awscli works: AWS_ENDPOINT_URL=http://127.0.0.1:%d AWS_REGION=%s \\\n", listener_port(d->aws),
           listener_port(d->aws), SANDBOX_REGION);
    printf("          AWS_ACCESS_KEY_ID=%s AWS_SECRET_ACCESS_KEY=%s aws ecs list-clusters\n", SANDBOX_PERSON_KEY_ID, SANDBOX_PERSON_SECRET);
    printf("  world   %d clusters, %d services, %d instances, seed %" PRId64 "; a day in %s; Ctrl-C stops\n", v.cluster_count, v.service_count,
           instances, d->seed, format_duration((int64_t)((double)DAY_MS / d->speed), day));
    fflush(stdout);
}

static void add_bar(struct demo *d, struct buf *line, double share)
{
    int full = (int)(share * BAR_CELLS + 0.5);
    for (int i = 0; i < BAR_CELLS; i++)
        buf_add_str(line, d->utf8 ? (i < full ? "█" : "░") : (i < full ? "#" : "."));
}

static void print_line(struct demo *d)
{
    int64_t now_ms = clock_wall_ms(&d->rig.clock);
    struct plan_summary sum = {.instances = 0};
    const struct action *newest = NULL;
    for (size_t i = 0; i < loop_cluster_count(d->rig.loop); i++) {
        const struct tick_frame *f = loop_frame(d->rig.loop, i);
        if (f == NULL || !f->has_plan)
            continue;
        const struct plan *p = &f->result.plan;
        sum.active += p->summary.active;
        sum.instances += p->summary.instances;
        sum.waiting_tasks += p->summary.waiting_tasks;
        sum.capacity = res_add(sum.capacity, p->summary.capacity);
        sum.reserved = res_add(sum.reserved, p->summary.reserved);
        sum.hourly = usd_add(sum.hourly, p->summary.hourly);
        for (size_t k = 0; k < p->action_count; k++)
            newest = &p->actions[k];
    }
    struct buf line;
    buf_init(&line, 4096);
    char at[32], usd[32];
    double share = (double)(now_ms - d->rig.start_ms) / (double)d->for_ms;
    buf_printf(&line, "%.5s ", format_iso8601(now_ms, false, at) + 11);
    add_bar(d, &line, share > 1 ? 1 : share);
    buf_printf(&line, " %3.0f %%  %d instances  %.0f %% reserved  %d waiting  %s/h", share > 1 ? 100 : share * 100, sum.instances,
               100 * res_share(sum.reserved, sum.capacity), sum.waiting_tasks, format_usd(sum.hourly.micro, usd));
    if (newest)
        buf_printf(&line, "  %s %.24s", newest->verdict, newest->target);
    if (d->live)
        printf("\r\033[K%s", buf_str(&line));
    else
        printf("%s\n", buf_str(&line));
    fflush(stdout);
    buf_release(&line);
}

static int run_interactive(struct demo *d, struct err *err)
{
    if (open_faces(d, err) != 0)
        return EXIT_FAILED;
    print_header(d);
    d->live = isatty(STDOUT_FILENO) != 0;
    d->utf8 = setlocale(LC_CTYPE, "") && strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    int64_t begun_ms = real_ms(), end_ms = d->rig.start_ms + d->for_ms;
    int64_t step_ms = (int64_t)(d->speed * (d->live ? 500 : 10000));  // a line twice a second, or each ten seconds
    loop_signals(d->rig.loop);
    for (int64_t now_ms = clock_wall_ms(&d->rig.clock); now_ms < end_ms && !loop_stopped(d->rig.loop); now_ms = clock_wall_ms(&d->rig.clock)) {
        int64_t until_ms = now_ms + step_ms;
        loop_run(d->rig.loop, until_ms < end_ms ? until_ms : end_ms);
        print_line(d);
    }
    if (d->live)
        puts("");
    puts("");
    struct demo_run run = {.seed = (uint64_t)d->seed, .virtual_ms = clock_wall_ms(&d->rig.clock) - d->rig.start_ms, .real_ms = real_ms() - begun_ms};
    int code = finish(d, &run);
    loop_signals(NULL);
    return code;
}

static void print_progress(void *arg, int done, int all)
{
    const struct demo *d = arg;
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r\033[Khistory of %d of %d services", done, all);
    if (done == all)
        fprintf(stderr, isatty(STDERR_FILENO) ? "\r\033[K" : "masu demo: %d days of history before the first tick\n", (int)(d->history_ms / DAY_MS));
}

// ---- the command ----------------------------------------------------------------------------------------------------------

// For the page: its hosts' cAdvisor tells what tasks use, so that it has waste and right sizes, and EC2 how likely each zone gives capacity.
static void talkative(struct policy_cluster *c)
{
    c->usage.cadvisor_port = 8080;
    c->placement_scores_ms = 900000;
}

static int run(struct demo *d)
{
    struct err err = {0};
    struct arena a;
    arena_init(&a, 1 << 20);
    struct sandbox_options weather = {.seed = (uint64_t)d->seed, .weather = true};
    struct rig_options o = {.seed = (uint64_t)d->seed, .speed = d->headless ? 0 : d->speed, .trace_mean = d->trace_mean, .policy_path = d->policy, .state_path = d->state, .market_path = d->market,
                            .sandbox = d->faults ? &weather : NULL, .inbox = &d->inbox, .events = true,
                            .settings = d->headless || d->policy ? NULL : talkative};
    struct world_options world;
    world_options_default(&world);
    world.groups = d->groups;
    world.fleet_mix = d->instant ? WMIX_INSTANT : d->ec2_fleet ? WMIX_EC2 : WMIX_SPOT;
    o.world = &world;
    inbox_init(&d->inbox);
    split_trace(&a, d->trace, &o.trace_path, &o.trace_service);
    if (token_load(NULL, "MASU_API_TOKEN", &a, &d->token, &err) != 0 || rig_open(&o, &d->rig, &err) != 0) {
        fprintf(stderr, "masu demo: %s\n", err.msg);
        inbox_release(&d->inbox);
        arena_release(&a);
        return EXIT_FAILED;
    }
    struct demo_history_options past = {.span_ms = d->history_ms, .progress = print_progress, .arg = d};
    int code = EXIT_FAILED;
    if (d->history_ms == 0 || demo_history_fill(&d->rig, &past, &err) == 0)
        code = d->headless ? run_headless(d) : run_interactive(d, &err);
    if (err.kind != ERR_OK)
        fprintf(stderr, "masu demo: %s\n", err.msg);
    web_server_stop(d->web);
    listener_stop(d->aws);
    rig_close(&d->rig);
    inbox_release(&d->inbox);
    arena_release(&a);
    return code;
}

int cmd_demo(int argc, char **argv)
{
    struct demo d = {.for_ms = DAY_MS, .seed = 7, .trace_mean = 100, .speed = 720, .listen = {.host = "127.0.0.1", .port = 8080}};
    struct option_address listen = {.port = -1};
    const struct option options[] = {
        {.name = "headless", .kind = OPTION_FLAG, .ret = &d.headless, .help = "no page, no waiting: a virtual clock, then the summary"},
        {.name = "for", .kind = OPTION_DURATION, .ret = &d.for_ms, .value = "D", .help = "world time to run (24h)", .min = 60000, .max = (int64_t)366 * DAY_MS},
        {.name = "seed", .kind = OPTION_INT, .ret = &d.seed, .value = "N", .help = "of the world; the same seed is the same day (7)", .min = 0, .max = INT64_MAX},
        {.name = "speed", .kind = OPTION_NUMBER, .ret = &d.speed, .value = "X", .help = "world seconds a second (720: a day in 2 min)", .min = 1, .max = 3600},
        {.name = "trace", .kind = OPTION_STRING, .ret = &d.trace, .value = "F[:SERVICE]", .help = "CSV of times and values: the demand"},
        {.name = "trace-mean", .kind = OPTION_INT, .ret = &d.trace_mean, .value = "N", .help = "tasks that the trace's mean stands for (100)", .min = 1, .max = 5000},
        {.name = "history", .kind = OPTION_DURATION, .ret = &d.history_ms, .value = "D", .help = "of generated history before the first tick (none)", .min = 3600000, .max = (int64_t)396 * DAY_MS},
        {.name = "market", .kind = OPTION_STRING, .ret = &d.market, .value = "F", .help = "CSV of pools and what was available, or its price: the spot market"},
        {.name = "groups", .kind = OPTION_FLAG, .ret = &d.groups, .help = "its clusters run on Auto Scaling groups; the first of them rebalances its zones"},
        {.name = "instant", .kind = OPTION_FLAG, .ret = &d.instant, .help = "its clusters run on EC2 Fleets of type instant, of the types that masu chooses"},
        {.name = "ec2-fleet", .kind = OPTION_FLAG, .ret = &d.ec2_fleet, .help = "its clusters run on EC2 Fleets; else on Spot Fleet requests"},
        {.name = "faults", .kind = OPTION_FLAG, .ret = &d.faults, .help = "AWS throttles, fails, loses answers and lags now and then"},
        {.name = "policy", .kind = OPTION_STRING, .ret = &d.policy, .value = "F", .help = "settings in place of the built-in policy"},
        {.name = "state", .kind = OPTION_STRING, .ret = &d.state, .value = "F", .help = "a new file for its journal, for explain, replay, report and simulate --history"},
        {.name = "listen", .kind = OPTION_ADDRESS, .ret = &listen, .value = "H:P", .help = "of the report (127.0.0.1:8080)"},
        {.name = "format", .kind = OPTION_FORMAT, .ret = &d.json, .value = "text|json", .help = "of the summary"},
    };
    const struct options_spec spec = {
        .command = "demo", .summary = "A virtual AWS, the daemon and its report in one process. No account is touched.",
        .options = options, .option_count = ARRAY_LEN(options),
        .epilogue = "Exit 0: the run ended well. 1: it failed, a task was killed or an invariant violated.",
    };
    enum options_outcome outcome = options_parse(&spec, argc, argv, NULL);
    if (outcome != OPTIONS_GO)
        return outcome == OPTIONS_HELPED ? EXIT_DONE : EXIT_USAGE;
    if (d.state && access(d.state, F_OK) == 0) {  // its world's time begins anew
        fprintf(stderr, "masu demo: --state %s: is there already -> name a new file\n", d.state);
        return EXIT_USAGE;
    }
    d.listen_given = listen.port >= 0;
    if (d.listen_given)
        d.listen = listen;
    return run(&d);
}
