// masu simulate: what a demand would cost under masu and under what others do, and what if. No AWS needed.
#include <stdio.h>
#include <unistd.h>

#include "base/check.h"
#include "base/parse.h"
#include "scaler/cmds.h"
#include "scaler/journal_cli.h"
#include "scaler/options.h"
#include "scaler/recorded.h"
#include "scaler/scenario.h"
#include "scaler/simulate.h"
#include "scaler/simulate_faults.h"
#include "scaler/whatif.h"

enum { OUT_MAX_BYTES = 64 << 20, BAR_CELLS = 20 };
#define DAY_MS INT64_C(86400000)
#define MINUTE_MS INT64_C(60000)

struct simulate_command {
    const char *scenario, *trace, *policy, *against, *plot;
    const char *history, *cluster, *from, *to;
    const char *lose_zone, *lose_pool, *scale, *add_service, *types;
    bool progress, json, sweep, schema, no_masu, faults_on;
    int64_t seeds, seed, tasks, for_ms, warmup_ms, period_ms, price_percent, from_ms, to_ms;
    double headroom, quantile, waiting_costs;
    int told_permille;
    struct arena arena;
    struct policy file;
    struct simulate s;
    struct simulate_faults faults;
};

// ---- what is asked ----------------------------------------------------------------------------------------------------------

static int choose(struct simulate_command *c, struct err *err)
{
    const char *names[RULE_COUNT];
    for (int k = 0; k < RULE_COUNT; k++)
        names[k] = rule_info((enum rule_kind)k)->name;
    for (struct slice rest = slice_of(c->against); rest.len > 0;) {
        struct slice word = slice_trim(slice_cut(&rest, ','));
        char *name = arena_strndup(&c->arena, word.ptr, word.len);
        enum rule_kind kind;
        if (word.len > 0 && rule_find(name, &kind)) {
            c->s.chosen[kind] = true;
        } else if (slice_eq_str(word, "all")) {
            for (int k = 0; k < RULE_COUNT; k++)
                c->s.chosen[k] = true;
        } else if (word.len > 0) {
            const char *near = options_nearest(name, names, RULE_COUNT);
            char *all = arena_strdup(&c->arena, "all");
            for (int k = 0; k < RULE_COUNT; k++)
                all = arena_printf(&c->arena, "%s, %s", all, names[k]);
            return err_set(err, ERR_INVALID, "--against %s: %s%s%s", name, near ? "did you mean " : "expected a list of ", near ? near : all, near ? "?" : "");
        }
    }
    c->s.chosen[RULE_MASU] = !c->no_masu;
    return 0;
}

static int read_policy(struct simulate_command *c, struct err *err)
{
    struct buf report;
    if (!c->policy)
        return 0;
    buf_init(&report, 1 << 20);
    int rc = policy_load_file(c->policy, &c->arena, &c->file, &report, err);
    if (rc != 0 && report.len > 0)
        fputs(buf_str(&report), stderr);
    buf_release(&report);
    if (rc)
        return rc;
    c->s.scene.policy = &c->file.clusters[0];
    return 0;
}

static int read_time(const char *name, const char *text, int64_t *ret, struct err *err)
{
    *ret = 0;
    if (!text || parse_iso8601_ms(slice_of(text), ret))
        return 0;
    if (!parse_duration_ms(slice_of(text), ret) || *ret <= 0)
        return err_set(err, ERR_INVALID, "--%s %s: expected a time as 2026-01-12T00:00:00Z, or how long before the newest tick, as 14d", name, text);
    *ret = -*ret;
    return 0;
}

// Words that do not go together, and times.
static int read_words(struct simulate_command *c, struct err *err)
{
    if (!c->scenario && !c->trace && !c->history)
        return err_set(err, ERR_INVALID, "--scenario F, --trace F or --history F is missing");
    if (c->history && (c->scenario || c->trace))
        return err_set(err, ERR_INVALID, "--history brings its own demand: leave out --scenario and --trace");
    if (!c->history && (c->cluster || c->from || c->to))
        return err_set(err, ERR_INVALID, "--cluster, --from and --to are of --history F");
    int rc = read_time("from", c->from, &c->from_ms, err);
    rc = rc ? rc : read_time("to", c->to, &c->to_ms, err);
    return rc ? rc : choose(c, err);
}

static int read_history(struct simulate_command *c, struct err *err)
{
    const struct recorded_query q = {.cluster = c->cluster, .from_ms = c->from_ms, .to_ms = c->to_ms, .own_policy = c->policy != NULL};
    struct state_reader *r = NULL;
    struct recorded recorded;
    int rc = journal_open(c->history, &r, err);
    if (rc)
        return rc;
    rc = recorded_scene(r, &q, &c->arena, &c->s.scene, &recorded, err);
    c->s.left_out = recorded.left_out;
    c->s.left_out_count = recorded.left_out_count;
    state_reader_free(r);
    return rc ? err_wrap(err, "%s", c->history) : 0;
}

static int read_scene(struct simulate_command *c, struct err *err)
{
    struct scene *s = &c->s.scene;
    int64_t length_ms = 0;
    int rc = 0;
    scene_default(s, c->tasks);
    if (c->history)
        rc = read_history(c, err);
    if (rc == 0 && c->scenario)
        rc = scenario_read(c->scenario, &c->arena, s, err);
    if (rc == 0 && c->trace) {
        rc = scenario_trace(c->trace, &c->arena, s, &length_ms, err);
        if (rc)
            return rc;
        const char *slash = strrchr(c->trace, '/');
        s->name = slash ? slash + 1 : c->trace;
        s->for_ms = length_ms < 14 * DAY_MS ? length_ms / s->period_ms * s->period_ms : 14 * DAY_MS;
    }
    if (rc == 0 && c->for_ms > 0)
        s->for_ms = c->for_ms;
    if (rc == 0 && c->warmup_ms >= 0)
        s->warmup_ms = c->warmup_ms;
    else if (rc == 0 && (c->trace || c->history || (c->for_ms > 0 && s->warmup_ms >= s->for_ms)))
        s->warmup_ms = s->for_ms / 5 < 3 * DAY_MS ? s->for_ms / 5 / MINUTE_MS * MINUTE_MS : 3 * DAY_MS;
    if (rc == 0 && c->period_ms > 0)
        s->period_ms = c->period_ms;
    if (rc == 0 && c->price_percent > 0)
        s->price_percent = c->price_percent;
    return rc;
}

static int read_whatifs(struct simulate_command *c, struct err *err)
{
    struct scene *s = &c->s.scene;
    int rc = c->scale ? whatif_scale(s, c->scale, err) : 0;
    if (rc == 0 && c->add_service)
        rc = whatif_add_service(s, c->add_service, &c->arena, err);
    if (rc == 0 && c->types)
        rc = whatif_types(s, c->types, &c->arena, err);
    if (rc == 0 && c->lose_zone)
        rc = whatif_lose_zone(s, c->lose_zone, &c->arena, err);
    if (rc == 0 && c->lose_pool)
        rc = whatif_lose_pool(s, c->lose_pool, &c->arena, err);
    if (c->headroom >= 0) {
        struct policy_cluster *own = arena_new(&c->arena, struct policy_cluster);
        policy_cluster_defaults(own);
        if (s->policy)
            *own = *s->policy;
        own->headroom_percent = (int64_t)(c->headroom + 0.5);
        s->policy = own;
        s->headroom_given = true;
        c->s.knob[RULE_HEADROOM] = c->s.knob[RULE_YESTERDAY] = c->s.knob[RULE_ON_DEMAND] = c->headroom;
    }
    if (c->waiting_costs > 0)
        c->s.knob[RULE_MASU] = c->waiting_costs;
    if (c->quantile > 0)
        c->s.knob[RULE_SAFETY] = 100 * c->quantile;
    return rc;
}

// Files: what is wrong in them is no wrong usage.
static int read_files(struct simulate_command *c, struct err *err)
{
    policy_defaults(&c->file);
    c->s.seeds = c->seeds;
    c->s.first_seed = (uint64_t)c->seed;
    c->s.sweep = c->sweep || c->plot;
    int rc = read_scene(c, err);
    return rc ? rc : read_policy(c, err);
}

// ---- what is shown ----------------------------------------------------------------------------------------------------------

static void show_progress(void *arg, size_t at, size_t of, const char *rule, double share)
{
    (void)arg;
    double all = ((double)at + share) / (double)of;
    char bar[BAR_CELLS + 1];
    for (int i = 0; i < BAR_CELLS; i++)
        bar[i] = i < (int)(all * BAR_CELLS + 0.5) ? '#' : '.';
    bar[BAR_CELLS] = 0;
    fprintf(stderr, "\r\033[K%s %3.0f %%  run %zu of %zu, %s", bar, 100 * all, at + 1, of, rule);
    fflush(stderr);
}

static void tell_progress(void *arg, size_t at, size_t of, const char *rule, double share)
{
    struct simulate_command *c = arg;
    int permille = (int)(1000 * ((double)at + share) / (double)of);
    (void)rule;
    if (permille <= c->told_permille)
        return;
    c->told_permille = permille;
    fprintf(stderr, "progress %d\n", permille);
}

static int write_plot(struct simulate_command *c, struct err *err)
{
    struct buf svg;
    buf_init(&svg, OUT_MAX_BYTES);
    simulate_plot(&c->s, &c->arena, &svg);
    FILE *f = fopen(c->plot, "wb");
    bool written = f && fwrite(buf_str(&svg), 1, svg.len, f) == svg.len;
    written = f && fclose(f) == 0 && written;
    buf_release(&svg);
    return written ? 0 : err_set(err, ERR_IO, "%s: cannot be written", c->plot);
}

static int run(struct simulate_command *c, struct err *err)
{
    bool live = isatty(STDERR_FILENO) != 0;
    c->s.progress = c->progress ? tell_progress : live ? show_progress : NULL;
    c->s.arg = c;
    int rc = simulate_all(&c->s, &c->arena, err);
    if (live && !c->progress)
        fputs("\r\033[K", stderr);
    if (rc)
        return rc;
    struct buf out;
    buf_init(&out, OUT_MAX_BYTES);
    if (c->json)
        simulate_json(&c->s, &c->arena, &out);
    else
        simulate_text(&c->s, &c->arena, &out);
    fputs(buf_str(&out), stdout);
    buf_release(&out);
    return c->plot ? write_plot(c, err) : 0;
}

static int print_schema(void)
{
    struct buf out;
    buf_init(&out, OUT_MAX_BYTES);
    scenario_write_schema(&out);
    fputs(buf_str(&out), stdout);
    buf_release(&out);
    return EXIT_DONE;
}

static bool any_violation(const struct simulate *s)
{
    int64_t n = 0;
    for (size_t k = 0; k < s->run_count; k++)
        n += s->runs[k].r.violation_count + s->runs[k].r.tasks_killed;
    return n > 0;
}

// ---- the command ------------------------------------------------------------------------------------------------------------

static int simulate(struct simulate_command *c)
{
    struct err err = {0};
    arena_init(&c->arena, 0);
    simulate_defaults(&c->s);
    int usage = read_words(c, &err), rc = usage ? 0 : read_files(c, &err);
    if (rc == 0 && usage == 0)
        usage = read_whatifs(c, &err);
    if (rc == 0 && usage == 0)
        rc = scenario_check(&c->s.scene, &err);
    if (rc == 0 && usage == 0)
        rc = run(c, &err);
    if (rc || usage)
        fprintf(stderr, "masu simulate: %s%s\n", err.msg, usage ? " -> masu simulate --help" : "");
    bool failed = rc || any_violation(&c->s);
    arena_release(&c->arena);
    return usage ? EXIT_USAGE : failed ? EXIT_FAILED : EXIT_DONE;
}

static void show_seeds(void *arg, int64_t done, int64_t of)
{
    (void)arg;
    fprintf(stderr, "\r\033[K%s%" PRId64 " of %" PRId64 " seeds", done == of ? "\r\033[K" : "", done, of);
    fflush(stderr);
}

static int run_faults(struct simulate_command *c)
{
    struct err err = {0};
    struct buf out;
    bool usage = c->scenario || c->trace || c->history || c->no_masu || c->sweep;
    c->faults.seed = c->seed;
    c->faults.seeds = c->seeds > 0 ? c->seeds : 1;
    c->faults.for_ms = c->for_ms;
    c->faults.progress = isatty(STDERR_FILENO) != 0 && c->faults.seeds > 1 ? show_seeds : NULL;
    buf_init(&out, OUT_MAX_BYTES);
    int rc = usage ? err_set(&err, ERR_INVALID, "--faults has a world of its own: no --scenario, --trace, --history, --no-masu or --sweep") : 0;
    rc = rc ? rc : simulate_faults(&c->faults, c->json, &out, &err);
    fputs(buf_str(&out), stdout);
    buf_release(&out);
    if (rc)
        fprintf(stderr, "masu simulate: %s\n", err.msg);
    return rc == ERR_INVALID ? EXIT_USAGE : rc || c->faults.broken > 0 ? EXIT_FAILED : EXIT_DONE;
}

int cmd_simulate(int argc, char **argv)
{
    struct simulate_command c = {.against = "ecs-managed-scaling,reactive-headroom,clairvoyant", .seed = 1, .tasks = 200, .warmup_ms = -1, .headroom = -1};
    const struct option options[] = {
        {.name = "scenario", .kind = OPTION_STRING, .ret = &c.scenario, .value = "F", .help = "JSON: services, types, market, losses (docs/scenario.schema.json)"},
        {.name = "trace", .kind = OPTION_STRING, .ret = &c.trace, .value = "F", .help = "CSV of times and values: the demand; at most its first 14 days"},
        {.name = "history", .kind = OPTION_STRING, .ret = &c.history, .value = "F", .help = "the journal of masu run --state: recorded demand, prices and notices"},
        {.name = "cluster", .kind = OPTION_STRING, .ret = &c.cluster, .value = "NAME", .help = "which cluster of the history"},
        {.name = "from", .kind = OPTION_STRING, .ret = &c.from, .value = "T", .help = "of the history: a time, or how long before the newest tick (7d)"},
        {.name = "to", .kind = OPTION_STRING, .ret = &c.to, .value = "T", .help = "of the history (the newest tick)"},
        {.name = "tasks", .kind = OPTION_INT, .ret = &c.tasks, .value = "N", .help = "that the trace's mean stands for, without a scenario (200)", .min = 8, .max = 20000},
        {.name = "policy", .kind = OPTION_STRING, .ret = &c.policy, .value = "F", .help = "masu's settings: of its first cluster, but for name, fleets and sources of use"},
        {.name = "against", .kind = OPTION_STRING, .ret = &c.against, .value = "LIST", .help = "rules to compare masu with: all, or names"},
        {.name = "no-masu", .kind = OPTION_FLAG, .ret = &c.no_masu, .help = "only those"},
        {.name = "seeds", .kind = OPTION_INT, .ret = &c.seeds, .value = "N", .help = "worlds for each rule (3); with --faults, days (1)", .min = 1, .max = 1000},
        {.name = "seed", .kind = OPTION_INT, .ret = &c.seed, .value = "N", .help = "the first of them (1)", .min = 0, .max = INT64_MAX - 1000},
        {.name = "sweep", .kind = OPTION_FLAG, .ret = &c.sweep, .help = "the knob of each rule at five points, of masu at six"},
        {.name = "plot", .kind = OPTION_STRING, .ret = &c.plot, .value = "F", .help = "SVG of cost over the bound against waiting, of a sweep"},
        {.name = "for", .kind = OPTION_DURATION, .ret = &c.for_ms, .value = "D", .help = "time to simulate, in place of the scenario's or the trace's", .min = 60000, .max = 366 * DAY_MS},
        {.name = "warmup", .kind = OPTION_DURATION, .ret = &c.warmup_ms, .value = "D", .help = "not counted: rules only learn (a fifth, at most 3 days)", .min = 0, .max = 366 * DAY_MS},
        {.name = "period", .kind = OPTION_DURATION, .ret = &c.period_ms, .value = "D", .help = "between two decisions (60s)", .min = 10000, .max = 3600000},
        {.name = "spot-price", .kind = OPTION_INT, .ret = &c.price_percent, .value = "P", .help = "always so many per cent of the on-demand price, not the market's", .min = 1, .max = 100},
        {.name = "lose-zone", .kind = OPTION_STRING, .ret = &c.lose_zone, .value = "Z[@F-T]", .help = "what if a zone is lost, as us-east-1a@24h-36h"},
        {.name = "lose-pool", .kind = OPTION_STRING, .ret = &c.lose_pool, .value = "T/Z[@F-T]", .help = "what if a pool is lost, as c5.xlarge/us-east-1a"},
        {.name = "scale", .kind = OPTION_STRING, .ret = &c.scale, .value = "S=X", .help = "what if a service wants X times as many tasks, as web=2, or all=1.2"},
        {.name = "add-service", .kind = OPTION_STRING, .ret = &c.add_service, .value = "S=CxMxN", .help = "what if there is one more: CPU units, MiB, tasks"},
        {.name = "types", .kind = OPTION_STRING, .ret = &c.types, .value = "LIST", .help = "what if the fleet has other types, as m5.xlarge,m5.2xlarge:2"},
        {.name = "headroom", .kind = OPTION_PERCENT, .ret = &c.headroom, .value = "P", .help = "per cent, of masu and the rules that keep some", .min = 0, .max = 100},
        {.name = "quantile", .kind = OPTION_NUMBER, .ret = &c.quantile, .value = "Q", .help = "of the safety stock, 0 to 1 (0.9)", .min = 0, .max = 1},
        {.name = "waiting-costs", .kind = OPTION_NUMBER, .ret = &c.waiting_costs, .value = "X", .help = "masu's scale_out.waiting_costs, such as 10 or 0.5", .max = 1000},
        {.name = "progress", .kind = OPTION_FLAG, .ret = &c.progress, .help = "lines of \"progress PERMILLE\" on stderr, for programs"},
        {.name = "faults", .kind = OPTION_FLAG, .ret = &c.faults_on, .help = "in place of rules: masu through a day of faults made from each seed, all invariants watching"},
        {.name = "on-wire", .kind = OPTION_FLAG, .ret = &c.faults.on_wire, .help = "of --faults: the whole daemon against the virtual AWS, bytes and all"},
        {.name = "fleet", .kind = OPTION_STRING, .ret = &c.faults.fleet, .value = "KIND", .help = "of --faults: spot-fleet, ec2-fleet, auto-scaling or instant (by the seed)"},
        {.name = "only", .kind = OPTION_STRING, .ret = &c.faults.only, .value = "LIST", .help = "of --faults: only these items of the schedule, as 3,7, or none"},
        {.name = "shrink", .kind = OPTION_FLAG, .ret = &c.faults.shrink, .help = "of --faults: what broke, with as few faults and as short as it still breaks"},
        {.name = "schema", .kind = OPTION_FLAG, .ret = &c.schema, .help = "print the JSON Schema of scenarios"},
        {.name = "format", .kind = OPTION_FORMAT, .ret = &c.json, .value = "text|json", .help = "of the result"},
    };
    const struct options_spec spec = {
        .command = "simulate", .summary = "The planner of the daemon and other rules over the same virtual worlds: cost, waiting, and the least possible.",
        .options = options, .option_count = ARRAY_LEN(options),
        .epilogue = "Exit 0: done, 1: a file cannot be read, or masu violated an invariant or killed a task, 64: wrong usage.",
    };
    enum options_outcome outcome = options_parse(&spec, argc, argv, NULL);
    if (outcome != OPTIONS_GO)
        return outcome == OPTIONS_HELPED ? EXIT_DONE : EXIT_USAGE;
    if (c.schema)
        return print_schema();
    if (c.faults_on)
        return run_faults(&c);
    c.seeds = c.seeds > 0 ? c.seeds : 3;
    return simulate(&c);
}
