// masu plan: what would be done now, and why. From a snapshot file, or looked at in AWS; nothing is ever changed.
#include <unistd.h>

#include "base/check.h"
#include "base/json.h"
#include "planner/model/model_json.h"
#include "planner/planner.h"
#include "scaler/cmds.h"
#include "scaler/control.h"
#include "scaler/gather.h"
#include "scaler/journal_cli.h"
#include "scaler/options.h"
#include "scaler/past.h"
#include "scaler/plan_text.h"
#include "scaler/usage.h"

enum { ARENA_MAX_BYTES = 1 << 30, OUTPUT_MAX_BYTES = 256 << 20, LOOK_LIMIT_MS = 60000, USAGE_WAIT_MS = 12000 };

struct plan_command {
    const char *policy_path, *cluster, *snapshot_path, *state_path;
    bool json;
    struct arena arena;
    struct policy policy;
    struct buf out;
    json_t *plans;
    struct state_reader *state;  // NULL: none
    size_t actions, planned;
};

static int load_policy(struct plan_command *c, struct err *err)
{
    struct buf report;
    buf_init(&report, 1 << 20);
    int rc = policy_load_file(c->policy_path, &c->arena, &c->policy, &report, err);
    if (report.len > 0)
        fputs(buf_str(&report), stderr);
    buf_release(&report);
    return rc;
}

static const struct policy_cluster *find_cluster(const struct plan_command *c, const char *name, struct err *err)
{
    const char *names[256];
    size_t count = 0;
    for (size_t i = 0; i < c->policy.cluster_count; i++) {
        if (strcmp(c->policy.clusters[i].name, name) == 0)
            return &c->policy.clusters[i];
        if (count < ARRAY_LEN(names))
            names[count++] = c->policy.clusters[i].name;
    }
    const char *near = options_nearest(name, names, count);
    err_set(err, ERR_INVALID, "%s names no cluster \"%s\" -> %s%s%s", c->policy_path, name, near ? "did you mean \"" : "see its clusters[].name",
            near ? near : "", near ? "\"?" : "");
    return NULL;
}

static int plan_one(struct plan_command *c, const struct snapshot *s, const struct memo *memo, const struct policy_cluster *p, struct err *err)
{
    struct planner_result result;
    int rc = planner_run(&(struct planner_input){.snapshot = s, .memo = memo, .policy = p}, &c->arena, &result, err);
    if (rc != 0)
        return err_wrap(err, "%s", s->cluster);
    c->actions += result.plan.action_count;
    if (c->json) {
        json_array_append_new(c->plans, plan_to_json(&result.plan, s));
    } else {
        if (c->planned > 0)
            buf_add_char(&c->out, '\n');
        const char *no_colour = getenv("NO_COLOR");
        struct plan_text_options o = {.colour = isatty(STDOUT_FILENO) && (no_colour == NULL || no_colour[0] == '\0'),
                                      .policy_path = c->policy_path, .policy_hash = c->policy.hash};
        plan_text(&result.plan, s, &o, &c->out);
    }
    c->planned++;
    return 0;
}

static int plan_file(struct plan_command *c, struct err *err)
{
    struct snapshot s;
    struct memo memo;
    int rc = snapshot_read_file(c->snapshot_path, &c->arena, &s, &memo, err);
    if (rc != 0)
        return rc;
    const struct policy_cluster *p = find_cluster(c, c->cluster ? c->cluster : s.cluster, err);
    if (p == NULL)
        return err->kind;
    return plan_one(c, &s, memo.now_ms != 0 || memo.drain_count > 0 ? &memo : NULL, p, err);
}

// What is known beside the look: use, history, what people hold back.
static void add_facts(struct plan_command *c, struct usage *u, struct past *past, const struct policy_cluster *p, struct snapshot *s)
{
    struct zones zones;
    zones_init(&zones);
    struct control frozen = control_of_freeze(p, &zones, s->now_ms, &c->arena), tagged = control_take_tags(s, &c->arena);
    s->control = (struct control){.who = "", .why = ""};
    s->policy_hash = c->policy.hash;  // so that a change of the policy is held as the daemon would
    s->confirmed = c->policy.confirm;
    usage_tell(u, p, &c->arena, s);
    past_tell(past, p, &c->arena, s);
    control_join(&s->control, &tagged);
    control_join(&s->control, &frozen);
    zones_release(&zones);
    const char *lacks = past_lacks(past, p, s, c->state_path, &c->arena);
    if (lacks)
        fprintf(stderr, "masu plan: %s\n", lacks);
}

static int plan_cluster(struct plan_command *c, struct aws_clients *clients, const struct clock *clock, const struct policy_cluster *p,
                        struct err *err)
{
    struct region *region = NULL;
    int rc = region_new(clients, p->account, p->region, &region, err);
    if (rc != 0)
        return rc;
    struct gather *g = gather_new(region, clock, p->name);
    struct snapshot s;
    struct past past = {0};
    struct usage *u = usage_new(&(struct usage_options){.clients = clients, .transport = aws_transport(region_aws(region)), .account = p->account});
    usage_wait(u, p, clock_wall_ms(clock) + USAGE_WAIT_MS);
    rc = region_identify(region, clock_wall_ms(clock) + LOOK_LIMIT_MS, err);
    if (rc == 0) {
        past_open(&past, c->state, region_account(region), region_name(region), p->name, clock_wall_ms(clock), &c->arena);
        past_teach(&past, g, &c->arena);
        rc = gather_look(g, p, LOOK_LIMIT_MS, &c->arena, &s, err);
    }
    if (rc == 0)
        add_facts(c, u, &past, p, &s);
    usage_free(u);
    if (rc == 0)
        rc = plan_one(c, &s, past.memo, p, err);
    past_release(&past);
    gather_free(g);
    region_free(region);
    return rc;
}

static int plan_aws(struct plan_command *c, struct err *err)
{
    struct clock clock;
    struct transport *transport;
    clock_init_steady(&clock);
    const struct policy_cluster *only = c->cluster ? find_cluster(c, c->cluster, err) : NULL;
    if (c->cluster && only == NULL)
        return err->kind;
    int rc = transport_curl_new(&clock, &transport, err);
    if (rc != 0)
        return rc;
    struct aws_clients *clients = aws_clients_new(&(struct aws_options){.transport = transport, .seed = (uint64_t)clock_wall_ms(&clock)});
    for (size_t i = 0; rc == 0 && i < c->policy.cluster_count; i++)
        if (only == NULL || only == &c->policy.clusters[i])
            rc = plan_cluster(c, clients, &clock, &c->policy.clusters[i], err);
    aws_clients_free(clients);
    transport->ops->free(transport);
    return rc;
}

// One cluster: its plan. Several: all their actions and verdicts, and each plan.
static void write_json(struct plan_command *c)
{
    if (json_array_size(c->plans) == 1) {
        json_write_pretty(json_array_get(c->plans, 0), &c->out);
        buf_add_char(&c->out, '\n');
        return;
    }
    json_t *all = json_pack("{s:[], s:[], s:O}", "actions", "verdicts", "plans", c->plans);
    for (size_t i = 0; i < json_array_size(c->plans); i++) {
        json_array_extend(json_object_get(all, "actions"), json_object_get(json_array_get(c->plans, i), "actions"));
        json_array_extend(json_object_get(all, "verdicts"), json_object_get(json_array_get(c->plans, i), "verdicts"));
    }
    json_write_pretty(all, &c->out);
    buf_add_char(&c->out, '\n');
    json_decref(all);
}

static int run(struct plan_command *c)
{
    struct err err = {0};
    arena_init(&c->arena, ARENA_MAX_BYTES);
    buf_init(&c->out, OUTPUT_MAX_BYTES);
    c->plans = json_array();
    int rc = load_policy(c, &err);
    bool told = rc != 0 && err.kind == ERR_INVALID;  // the loader's report says it all
    if (rc == 0 && c->state_path)
        rc = journal_open(c->state_path, &c->state, &err);
    if (rc == 0)
        rc = c->snapshot_path ? plan_file(c, &err) : plan_aws(c, &err);
    if (rc == 0 && c->json)
        write_json(c);
    else if (rc == 0)
        buf_printf(&c->out, "Nothing was changed. To act: masu run --policy %s\n", c->policy_path);
    if (rc == 0)
        fputs(buf_str(&c->out), stdout);
    else if (!told)
        fprintf(stderr, "masu plan: %s\n", err.msg);
    int code = rc != 0 ? EXIT_FAILED : c->actions > 0 ? EXIT_CHANGES : EXIT_DONE;
    state_reader_free(c->state);
    json_decref(c->plans);
    buf_release(&c->out);
    arena_release(&c->arena);
    return code;
}

int cmd_plan(int argc, char **argv)
{
    struct plan_command c = {.json = false};
    const struct option options[] = {
        {.name = "policy", .kind = OPTION_STRING, .ret = &c.policy_path, .value = "F", .help = "the policy file (required)"},
        {.name = "cluster", .kind = OPTION_STRING, .ret = &c.cluster, .value = "NAME", .help = "only this cluster of the policy"},
        {.name = "snapshot", .kind = OPTION_STRING, .ret = &c.snapshot_path, .value = "F", .help = "plan from this file; no AWS is needed"},
        {.name = "state", .kind = OPTION_STRING, .ret = &c.state_path, .value = "F", .help = "the file of masu run --state: its memo, forecast and measured use; only read"},
        {.name = "format", .kind = OPTION_FORMAT, .ret = &c.json, .value = "text|json", .help = "json: one object with actions[] and verdicts[]"},
    };
    const struct options_spec spec = {
        .command = "plan", .summary = "Shows what would be done now, and why. Changes nothing.", .options = options,
        .option_count = ARRAY_LEN(options), .epilogue = "Exit 0: nothing to do, 2: there are changes, 1: failed, 64: wrong usage.",
    };
    enum options_outcome outcome = options_parse(&spec, argc, argv, NULL);
    if (outcome != OPTIONS_GO)
        return outcome == OPTIONS_HELPED ? EXIT_DONE : EXIT_USAGE;
    if (c.policy_path == NULL) {
        fprintf(stderr, "masu plan: --policy F is missing -> masu plan --help\n");
        return EXIT_USAGE;
    }
    if (c.snapshot_path && c.state_path) {
        fprintf(stderr, "masu plan: --snapshot F holds memo and forecast itself: leave out --state -> masu plan --help\n");
        return EXIT_USAGE;
    }
    return run(&c);
}
