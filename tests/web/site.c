#include "tests/web/site.h"

#include "base/check.h"

static int64_t journal_tick(struct site *s, int64_t cluster, int64_t at_ms, const struct plan *plan)
{
    const struct action *a = &s->facts.actions[0];
    const struct state_tick_start start = {.cluster = cluster, .at_ms = at_ms, .policy_hash = s->facts.policy.hash, .mode = "act"};
    int64_t tick = 0, intent = 0;
    int rc = state_tick_begin(s->state, &start, &tick, NULL);
    if (rc == 0 && plan->action_count) {
        const struct state_intent i = {.tick = tick, .kind = a->kind, .target = a->target, .params = "{\"TargetCapacity\":24}",
                                       .client_token = "tok", .fact = a->fact, .verdict = a->verdict};
        rc = state_intent(s->state, &i, &intent, NULL);
        if (rc == 0)
            rc = state_outcome(s->state, intent, OUTCOME_OK, NULL, NULL);
    }
    const struct state_tick_end end = {.tick = tick, .duration_ms = 7, .ok = (int32_t)plan->action_count,
                                       .snapshot = &s->facts.snapshot, .plan = plan, .memo = &s->facts.memo,
                                       .memo_before = &s->facts.memo};
    if (rc == 0)
        rc = state_tick_record(s->state, &end, NULL);
    assert(rc == 0);
    return tick;
}

// Half an hour of ticks a minute, the sixth last with an action, and one that failed.
static void fill_journal(struct site *s)
{
    int64_t cluster = 0, failed = 0;
    int rc = state_cluster(s->state, s->facts.snapshot.account, s->facts.snapshot.region, "east", &cluster, NULL);
    assert(rc == 0);
    for (int i = 30; i > 0; i--) {
        int64_t tick = journal_tick(s, cluster, FACTS_NOW_MS - i * 60000, i == 6 ? &s->facts.plan : &s->facts.quiet_plan);
        if (i == 6)
            s->acting_tick = tick;
    }
    const struct state_tick_start start = {.cluster = cluster, .at_ms = FACTS_NOW_MS - 10000, .policy_hash = "0", .mode = "act"};
    rc = state_tick_begin(s->state, &start, &failed, NULL);
    const struct state_tick_end end = {.tick = failed, .duration_ms = 2000, .error = "DescribeServices: timed out"};
    if (rc == 0)
        rc = state_tick_record(s->state, &end, NULL);
    assert(rc == 0);
}

// The fleet grows for sixty days by a quarter a day, to 14 of its 24.
static void fill_growth(struct site *s)
{
    enum { HOUR_MS = 3600000, DAYS = 60 };
    static struct history_point v[DAYS * 24];
    struct arena a;
    int64_t cluster = 0, from_ms = (FACTS_NOW_MS / (24 * (int64_t)HOUR_MS) - DAYS) * 24 * HOUR_MS;
    arena_init(&a, 0);
    int rc = state_cluster(s->state, s->facts.snapshot.account, s->facts.snapshot.region, "east", &cluster, NULL);
    for (int k = 0; k < DAYS * 24; k++)
        v[k] = (struct history_point){from_ms + k * (int64_t)HOUR_MS, k / 24 / 4};
    if (rc == 0)
        rc = state_history_fill(s->state, cluster, SERIES_LIMIT_USED, history_limit_fleet(&a, &s->facts.snapshot.fleets[0]), HOUR_MS, v, ARRAY_LEN(v), NULL);
    assert(rc == 0);
    arena_release(&a);
}

// Two weeks of what the worker's tasks used, in steps of five minutes; nobody measured the others.
static void fill_use(struct site *s)
{
    enum { STEP_MS = 300000, STEPS = 14 * 288 };
    static struct history_point v[STEPS];
    static const struct {
        enum series series;
        int64_t value;
    } rows[] = {{SERIES_SERVICE_USED_CPU_UNITS, 100}, {SERIES_SERVICE_USED_MEMORY_MIB, 300}, {SERIES_SERVICE_RESERVED_CPU_UNITS, 512},
                {SERIES_SERVICE_RESERVED_MEMORY_MIB, 1024}, {SERIES_SERVICE_RUNNING, 1},
                {SERIES_SERVICE_REQUESTS_PER_MINUTE, 90}};
    int64_t cluster = 0;
    int rc = state_cluster(s->state, s->facts.snapshot.account, s->facts.snapshot.region, "east", &cluster, NULL);
    for (size_t i = 0; rc == 0 && i < ARRAY_LEN(rows); i++) {
        for (int k = 0; k < STEPS; k++)
            v[k] = (struct history_point){FACTS_NOW_MS / STEP_MS * STEP_MS + (k - STEPS) * (int64_t)STEP_MS, rows[i].value};
        rc = state_history_fill(s->state, cluster, rows[i].series, "worker", STEP_MS, v, STEPS, NULL);
    }
    assert(rc == 0);
    struct view_sizes *sizes = view_sizes_new(s->box.current->clusters[0], FACTS_NOW_MS);
    for (size_t i = 0; i < sizes->count; i++)
        view_sizes_fill(sizes, i, state_reader_of(s->state), cluster);
    view_box_publish_sizes(&s->box, 0, sizes);
}

void site_publish(struct site *s, int64_t tick)
{
    const struct view_act act = view_act_of(&s->facts.actions[0], VIEW_OK, NULL);
    const struct view_tick t = {.snapshot = &s->facts.snapshot, .plan = &s->facts.plan, .memo = &s->facts.memo, .acts = &act,
                                .act_count = 1, .tick = tick, .duration_ms = 9, .policy_hash = s->facts.policy.hash};
    view_box_publish(&s->box, 0, &s->facts.policy_clusters[0], &t);
}

// The first cluster is paused; it and the daemon have alerts, two of a kind among them.
static void publish_notes(struct site *s)
{
    static const struct view_alert alerts[] = {
        {0, {"demand-incurable", "web\"<b>\\&'", ALERT_CRITICAL, FACTS_NOW_MS - 900000, "3 tasks fit on no type of the fleets.", "Make them smaller."}},
        {-1, {"journal-broken", "state", ALERT_CRITICAL, FACTS_NOW_MS - 60000, "The journal cannot be written.", "Make room."}},
        {0, {"fleet-foreign", "sfr-1", ALERT_WARNING, FACTS_NOW_MS - 7200000, "Another scales it.", "Let one of them go."}},
        {0, {"fleet-foreign", "sfr-2", ALERT_WARNING, FACTS_NOW_MS - 60000, "Another scales it.", "Let one of them go."}},
    };
    const struct control controls[2] = {{CONTROL_PAUSE, "API from 10.0.0.7", "incident 4711", FACTS_NOW_MS - 600000, FACTS_NOW_MS + 3600000},
                                        {CONTROL_RUN, "", "", 0, 0}};
    view_box_publish_notes(&s->box, alerts, ARRAY_LEN(alerts), controls);
}

static void publish_outlook(struct site *s)
{
    static struct view_outlook o;
    o = (struct view_outlook){.made_ms = FACTS_NOW_MS / OUTLOOK_STEP_MS * OUTLOOK_STEP_MS, .why = "need_memory_mib: 20 known values: a forecast takes a day of them (288)"};
    struct outlook_curve *cpu = &o.of[OUTLOOK_CPU_UNITS];
    cpu->known = true;
    cpu->basis = "time of day";
    cpu->error[2] = (struct outlook_error){.samples = 168, .mase = 0.5, .pinball50 = 0.25, .pinball90 = 0.125, .cover90 = 0.875};
    for (int k = 0; k < OUTLOOK_STEPS; k++) {
        cpu->q05[k] = 4000 + k;
        cpu->q25[k] = 4500 + k;
        cpu->q50[k] = 5000 + k;
        cpu->q75[k] = 5500 + k;
        cpu->q90[k] = k < 200 ? 6000 + k : 600000;  // more than there is
        cpu->q95[k] = cpu->q90[k] + 500;
    }
    o.levels_judged = 200;
    o.levels_cover = 0.925;
    view_box_publish_outlook(&s->box, 0, &o);
}

void site_start(struct site *s, const struct site_options *o)
{
    static const struct view_api_call calls[] = {{"ecs", "DescribeServices", 120, 2, 1}, {"ec2", "ModifySpotFleetRequest", 3, 0, 0}};
    const struct view_daemon daemon = {.version = MASU_VERSION, .started_ms = FACTS_NOW_MS - 5400000, .speed = 1, .state_ok = true,
                                       .api_calls = calls, .api_call_count = ARRAY_LEN(calls),
                                       .events = {.kind_count = 2, .kind_names = {"other", "interruption"}, .received = {1, 5}, .queue_errors = 2,
                                                  .results = {[EVENT_RESULT_IDLE] = 1, [EVENT_RESULT_ACTED] = 4, [EVENT_RESULT_STALE] = 1},
                                                  .age = {.counts = {[6] = 5, [EVENT_BUCKETS] = 1}, .sum_ms = 403100}}};
    struct err err = {0};
    *s = (struct site){0};
    facts_fill(&s->facts, FACTS_NOW_MS);
    clock_init_accelerated(&s->clock, FACTS_NOW_MS + 16000, 1);
    view_box_init(&s->box, &s->facts.policy, &daemon);
    if (!o->no_tick)
        site_publish(s, 48213);
    publish_notes(s);
    publish_outlook(s);
    inbox_init(&s->inbox);
    if (!o->no_history) {
        const struct state_options so = {.path = ":temp:", .clock = &s->clock, .no_sync = true};
        int rc = state_open(&so, &s->state, NULL, &err);
        assert(rc == 0);
        fill_journal(s);
        if (!o->no_tick)
            fill_use(s);
        fill_growth(s);
    }
    static const char *const hosts[] = {"masu.example"};
    const struct web_options wo = {.listen = o->listen ? o->listen : "127.0.0.1:0", .hosts = hosts, .host_count = 1, .box = &s->box,
                                   .clock = &s->clock, .state_path = s->state ? state_path(s->state) : "", .inbox = &s->inbox, .token = o->token,
                                   .program = o->program, .whatif_open = o->program != NULL};
    int rc = web_server_start(&wo, &s->server, &err);
    if (rc)
        fprintf(stderr, "%s\n", err.msg);
    assert(rc == 0);
}

void site_stop(struct site *s)
{
    web_server_stop(s->server);
    view_box_release(&s->box);
    inbox_release(&s->inbox);
    state_close(s->state);
}
