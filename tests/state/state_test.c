#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "state/internal.h"
#include "tests/state/facts.h"

struct box {
    char dir[128], path[160];
    struct clock clock;
    struct arena arena;
    struct facts facts;
};

static int setup(void **state)
{
    struct box *b = calloc(1, sizeof(*b));
    snprintf(b->dir, sizeof(b->dir), "/tmp/masu-state-test-XXXXXX");
    assert_non_null(mkdtemp(b->dir));
    snprintf(b->path, sizeof(b->path), "%s/state.db", b->dir);
    clock_init_virtual(&b->clock, FACTS_NOW_MS);
    arena_init(&b->arena, 0);
    facts_fill(&b->facts, FACTS_NOW_MS);
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    struct box *b = *state;
    char command[200];
    snprintf(command, sizeof(command), "rm -rf %s", b->dir);
    assert_int_equal(system(command), 0);
    arena_release(&b->arena);
    free(b);
    return 0;
}

static struct state *open_at(struct box *b, const char *path, struct state_opened *ret)
{
    struct err err = {0};
    struct state *s = NULL;
    const struct state_options o = {.path = path, .clock = &b->clock};
    if (state_open(&o, &s, ret, &err) != 0)
        fail_msg("%s", err.msg);
    return s;
}

static int64_t east(struct state *s)
{
    int64_t id = 0;
    assert_int_equal(state_cluster(s, "123456789012", "eu-west-1", "east", &id, NULL), 0);
    return id;
}

static int64_t begin(struct state *s, int64_t cluster, int64_t at_ms)
{
    int64_t tick = 0;
    const struct state_tick_start t = {.cluster = cluster, .at_ms = at_ms, .policy_hash = "0123456789abcdef", .mode = "act"};
    assert_int_equal(state_tick_begin(s, &t, &tick, NULL), 0);
    return tick;
}

static void record(struct box *b, struct state *s, int64_t tick, const struct plan *plan)
{
    struct err err = {0};
    const struct state_tick_end e = {.tick = tick, .duration_ms = 9, .ok = (int32_t)plan->action_count,
                                     .snapshot = &b->facts.snapshot, .plan = plan, .memo = &b->facts.memo};
    if (state_tick_record(s, &e, &err) != 0)
        fail_msg("%s", err.msg);
}

static int64_t quiet_tick(struct box *b, struct state *s, int64_t cluster, int64_t at_ms)
{
    int64_t tick = begin(s, cluster, at_ms);
    record(b, s, tick, &b->facts.quiet_plan);
    return tick;
}

static struct state_intent intent_of(struct box *b, int64_t tick)
{
    const struct action *a = &b->facts.actions[0];
    return (struct state_intent){.tick = tick, .action = 0, .kind = a->kind, .target = a->target, .params = "{\"TargetCapacity\":24}",
                                 .client_token = "tok-1", .fact = a->fact, .verdict = a->verdict};
}

static struct state_tick_whole whole(struct box *b, struct state *s, int64_t tick)
{
    struct state_tick_whole t = {0};
    struct err err = {0};
    if (state_query_tick(state_reader_of(s), tick, &b->arena, &t, &err) != 0)
        fail_msg("%s", err.msg);
    return t;
}

// ---- journal --------------------------------------------------------------------------------------------------------------
static void a_tick_comes_back_with_summary_acts_and_bodies(void **state)
{
    struct box *b = *state;
    struct state *s = open_at(b, b->path, NULL);
    int64_t tick = begin(s, east(s), FACTS_NOW_MS), intent = 0;
    const struct state_intent i = intent_of(b, tick);
    assert_int_equal(state_intent(s, &i, &intent, NULL), 0);
    const struct err busy = {.kind = ERR_CONFLICT, .http_status = 400, .msg = "fleet is modifying"};
    assert_int_equal(state_outcome(s, intent, OUTCOME_FAILED, &busy, NULL), 0);
    record(b, s, tick, &b->facts.plan);
    struct state_tick_whole t = whole(b, s, tick);
    assert_true(t.tick.recorded);
    assert_true(t.tick.planned);
    assert_string_equal(t.tick.cluster_name, "east");
    assert_int_equal(t.tick.actions, 1);
    assert_int_equal(t.tick.summary.instances, 4);
    assert_int_equal(t.tick.summary.hourly.micro, 442000);
    assert_true(res_eq(t.tick.summary.need, b->facts.plan.summary.need));
    assert_int_equal(t.tick.act_count, 1);
    assert_string_equal(t.tick.acts[0].kind, "set_target");
    assert_string_equal(t.tick.acts[0].outcome, "failed");
    assert_string_equal(t.tick.acts[0].err_kind, "conflict");
    assert_int_equal(t.tick.acts[0].http_status, 400);
    assert_string_equal(t.tick.acts[0].message, "fleet is modifying");
    assert_true(t.snapshot_json.len > 0 && t.snapshot_json.ptr[0] == '{');
    assert_true(t.plan_json.len > 0 && t.plan_json.ptr[0] == '{');
    state_close(s);
}

static void bodies_are_stored_hourly_and_at_every_action_only(void **state)
{
    struct box *b = *state;
    struct state *s = open_at(b, ":memory:", NULL);
    int64_t c = east(s);
    int64_t first = quiet_tick(b, s, c, FACTS_NOW_MS), second = quiet_tick(b, s, c, FACTS_NOW_MS + 30000);
    int64_t acting = begin(s, c, FACTS_NOW_MS + 60000);
    record(b, s, acting, &b->facts.plan);
    int64_t later = quiet_tick(b, s, c, FACTS_NOW_MS + 60000 + 3600000);
    assert_true(whole(b, s, first).snapshot_json.len > 0);
    assert_true(whole(b, s, second).snapshot_json.len == 0);
    assert_true(whole(b, s, acting).plan_json.len > 0);
    assert_true(whole(b, s, later).snapshot_json.len > 0);
    state_close(s);
}

static void a_failed_tick_keeps_its_error_and_has_no_summary(void **state)
{
    struct box *b = *state;
    struct state *s = open_at(b, ":memory:", NULL);
    int64_t tick = begin(s, east(s), FACTS_NOW_MS);
    const struct state_tick_end e = {.tick = tick, .duration_ms = 2000, .error = "ListClusters: timed out"};
    assert_int_equal(state_tick_record(s, &e, NULL), 0);
    struct state_tick_whole t = whole(b, s, tick);
    assert_string_equal(t.tick.error, "ListClusters: timed out");
    assert_false(t.tick.planned);
    assert_true(t.tick.recorded);
    state_close(s);
}

static void an_intent_has_exactly_one_outcome(void **state)
{
    struct box *b = *state;
    struct state *s = open_at(b, ":memory:", NULL);
    int64_t tick = begin(s, east(s), FACTS_NOW_MS), intent = 0;
    const struct state_intent i = intent_of(b, tick);
    struct err err = {0};
    assert_int_equal(state_intent(s, &i, &intent, NULL), 0);
    assert_int_equal(state_outcome(s, intent, OUTCOME_OK, NULL, NULL), 0);
    assert_int_equal(state_outcome(s, intent, OUTCOME_OK, NULL, &err), ERR_INVALID);
    assert_int_equal(state_outcome(s, intent + 77, OUTCOME_OK, NULL, &err), ERR_INVALID);
    state_close(s);
}

static void an_intent_of_a_tick_that_was_not_begun_is_refused(void **state)
{
    struct box *b = *state;
    struct state *s = open_at(b, ":memory:", NULL);
    const struct state_intent i = intent_of(b, 4711);
    int64_t intent = 0;
    struct err err = {0};
    assert_int_equal(state_intent(s, &i, &intent, &err), ERR_INVALID);
    assert_int_equal(intent, 0);
    state_close(s);
}

static void pages_follow_each_other_without_gap_or_repetition(void **state)
{
    struct box *b = *state;
    struct state *s = open_at(b, ":memory:", NULL);
    int64_t c = east(s), other = 0;
    assert_int_equal(state_cluster(s, "123456789012", "eu-west-1", "west", &other, NULL), 0);
    for (int i = 0; i < 25; i++) {
        quiet_tick(b, s, c, FACTS_NOW_MS + i * 30000);
        quiet_tick(b, s, other, FACTS_NOW_MS + i * 30000);
    }
    struct state_ticks_query q = {.cluster = c, .limit = 10};
    struct state_tick *ticks;
    size_t count, seen = 0;
    bool more = true;
    int64_t last = INT64_MAX;
    while (more) {
        assert_int_equal(state_query_ticks(state_reader_of(s), &q, &b->arena, &ticks, &count, &more, NULL), 0);
        assert_true(count > 0);
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(ticks[i].cluster, c);
            assert_true(ticks[i].id < last);
            last = ticks[i].id;
        }
        seen += count;
        q.before = last;
    }
    assert_int_equal(seen, 25);
    state_close(s);
}

static void only_acting_ticks_can_be_asked_for(void **state)
{
    struct box *b = *state;
    struct state *s = open_at(b, ":memory:", NULL);
    int64_t c = east(s);
    quiet_tick(b, s, c, FACTS_NOW_MS);
    int64_t acting = begin(s, c, FACTS_NOW_MS + 30000);
    record(b, s, acting, &b->facts.plan);
    quiet_tick(b, s, c, FACTS_NOW_MS + 60000);
    const struct state_ticks_query q = {.cluster = c, .limit = 10, .acting_only = true};
    struct state_tick *ticks;
    size_t count;
    bool more;
    assert_int_equal(state_query_ticks(state_reader_of(s), &q, &b->arena, &ticks, &count, &more, NULL), 0);
    assert_int_equal(count, 1);
    assert_int_equal(ticks[0].id, acting);
    assert_false(more);
    state_close(s);
}

// ---- memo, samples, odds and ends -----------------------------------------------------------------------------------------
static void the_memo_comes_back_after_a_restart(void **state)
{
    struct box *b = *state;
    struct memo m;
    bool found = true;
    struct state *s = open_at(b, b->path, NULL);
    assert_int_equal(state_memo_load(s, east(s), &b->arena, &m, &found, NULL), 0);
    assert_false(found);
    quiet_tick(b, s, east(s), FACTS_NOW_MS);
    state_close(s);
    s = open_at(b, b->path, NULL);
    assert_int_equal(state_memo_load(s, east(s), &b->arena, &m, &found, NULL), 0);
    assert_true(found);
    assert_int_equal(m.drain_count, 1);
    assert_string_equal(m.drains[0].instance, "i-0bbb000000000002");
    assert_int_equal(m.drains[0].state, DRAIN_DRAINING);
    assert_int_equal(m.drains[0].deadline_ms, b->facts.drains[0].deadline_ms);
    assert_int_equal(m.drains_finished, 3);
    state_close(s);
}

static void add_sample(struct state *s, int64_t c, int64_t at_ms, enum series series, int64_t value)
{
    const struct state_sample v = {series, value};
    assert_int_equal(state_samples_add(s, c, at_ms, &v, 1, NULL), 0);
}

static void a_bucket_shows_least_capacity_most_demand_and_mean_cost(void **state)
{
    struct box *b = *state;
    struct state *s = open_at(b, ":memory:", NULL);
    const int64_t t0 = FACTS_NOW_MS - FACTS_NOW_MS % 3600000;
    int64_t c = east(s);
    static const int64_t values[] = {10, 30, 20};
    for (int i = 0; i < 3; i++) {
        add_sample(s, c, t0 + i * 40000, SERIES_CAPACITY_CPU_UNITS, values[i]);
        add_sample(s, c, t0 + i * 40000, SERIES_NEED_CPU_UNITS, values[i]);
        add_sample(s, c, t0 + i * 40000, SERIES_COST_USD_MICRO_PER_HOUR, values[i]);
    }
    struct state_series r;
    assert_int_equal(state_query_series(state_reader_of(s), c, t0, t0 + 600000, 300000, &b->arena, &r, NULL), 0);
    assert_int_equal(r.step_ms, 300000);
    assert_int_equal(r.count, 2);
    assert_int_equal(r.values[SERIES_CAPACITY_CPU_UNITS][0], 10);
    assert_int_equal(r.values[SERIES_NEED_CPU_UNITS][0], 30);
    assert_int_equal(r.values[SERIES_COST_USD_MICRO_PER_HOUR][0], 20);
    assert_true(r.values[SERIES_NEED_CPU_UNITS][1] == STATE_NO_VALUE);
    assert_true(r.values[SERIES_INSTANCES][0] == STATE_NO_VALUE);
    state_close(s);
}

static void a_series_never_has_more_points_than_the_limit(void **state)
{
    struct box *b = *state;
    struct state *s = open_at(b, ":memory:", NULL);
    static const int64_t spans_ms[] = {0, 60000, 1499 * 60000LL, 1500 * 60000LL, 1501 * 60000LL, 35 * 86400000LL, 400 * 86400000LL};
    for (size_t i = 0; i < ARRAY_LEN(spans_ms); i++) {
        struct state_series r;
        const int64_t from = FACTS_NOW_MS - spans_ms[i];
        assert_int_equal(state_query_series(state_reader_of(s), 1, from, FACTS_NOW_MS, 60000, &b->arena, &r, NULL), 0);
        assert_true(r.count <= STATE_POINTS_MAX);
        assert_true(r.from_ms <= from);
        assert_true(r.from_ms + (int64_t)r.count * r.step_ms >= FACTS_NOW_MS);
    }
    struct state_series r;
    assert_int_equal(state_query_series(state_reader_of(s), 1, 2000, 1000, 60000, &b->arena, &r, NULL), ERR_INVALID);
    state_close(s);
}

static void key_values_are_set_replaced_and_removed(void **state)
{
    struct box *b = *state;
    struct state *s = open_at(b, ":memory:", NULL);
    const char *v = "";
    assert_int_equal(state_kv_get(s, "paused", &b->arena, &v, NULL), 0);
    assert_null(v);
    assert_int_equal(state_kv_set(s, "paused", "yes", NULL), 0);
    assert_int_equal(state_kv_set(s, "paused", "no", NULL), 0);
    assert_int_equal(state_kv_get(s, "paused", &b->arena, &v, NULL), 0);
    assert_string_equal(v, "no");
    assert_int_equal(state_kv_set(s, "paused", NULL, NULL), 0);
    assert_int_equal(state_kv_get(s, "paused", &b->arena, &v, NULL), 0);
    assert_null(v);
    state_close(s);
}

static int64_t count_ticks(struct state *s)
{
    int64_t n = 0;
    assert_int_equal(db_pragma_int(&s->db, "SELECT count(*) FROM ticks", &n, NULL), 0);
    return n;
}

static void pruning_removes_what_is_older_than_the_limit_and_all_that_hangs_on_it(void **state)
{
    struct box *b = *state;
    struct state *s = open_at(b, ":memory:", NULL);
    int64_t c = east(s), intent = 0, n = 0;
    int64_t old = begin(s, c, FACTS_NOW_MS - 36 * 86400000LL);
    const struct state_intent i = intent_of(b, old);
    assert_int_equal(state_intent(s, &i, &intent, NULL), 0);
    assert_int_equal(state_outcome(s, intent, OUTCOME_OK, NULL, NULL), 0);
    record(b, s, old, &b->facts.plan);
    int64_t fresh = quiet_tick(b, s, c, FACTS_NOW_MS);
    bool more = true;
    assert_int_equal(state_prune(s, &more, NULL), 0);
    assert_false(more);
    assert_int_equal(count_ticks(s), 1);
    assert_int_equal(whole(b, s, fresh).tick.id, fresh);
    assert_int_equal(db_pragma_int(&s->db, "SELECT (SELECT count(*) FROM intents) + (SELECT count(*) FROM outcomes)", &n, NULL), 0);
    assert_int_equal(n, 0);
    assert_int_equal(db_pragma_int(&s->db, "SELECT count(DISTINCT minute) FROM samples", &n, NULL), 0);
    assert_int_equal(n, 1);
    state_close(s);
}

static void pruning_by_size_takes_the_oldest_and_shrinks_the_file(void **state)
{
    struct box *b = *state;
    struct state *s = NULL;
    const struct state_options o = {.path = b->path, .clock = &b->clock, .keep_mib = 1, .no_sync = true};
    assert_int_equal(state_open(&o, &s, NULL, NULL), 0);
    int64_t c = east(s), first = 0, last = 0, used = 0;
    for (int i = 0; i < 3000; i++) {
        clock_advance_to(&b->clock, FACTS_NOW_MS + i * 60000LL);
        last = quiet_tick(b, s, c, FACTS_NOW_MS + i * 60000LL);
        first = first ? first : last;
    }
    bool more = true;
    for (int i = 0; more && i < 100; i++)
        assert_int_equal(state_prune(s, &more, NULL), 0);
    assert_false(more);
    assert_int_equal(db_pragma_int(&s->db, "SELECT (SELECT page_count FROM pragma_page_count) * 4096", &used, NULL), 0);
    assert_true(used < 3 << 20);
    struct state_tick_whole t;
    assert_int_equal(state_query_tick(state_reader_of(s), first, &b->arena, &t, NULL), ERR_NOT_FOUND);
    assert_int_equal(whole(b, s, last).tick.id, last);
    state_close(s);
}

// ---- crashes and bad disks ------------------------------------------------------------------------------------------------
// A child writes an intent and is killed before its outcome.
static void write_intent_and_die(struct box *b)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct state *s = open_at(b, b->path, NULL);
        int64_t done = 0, open = 0, tick = begin(s, east(s), FACTS_NOW_MS);
        const struct state_intent i = intent_of(b, tick);
        if (state_intent(s, &i, &done, NULL) == 0 && state_outcome(s, done, OUTCOME_OK, NULL, NULL) == 0 &&
            state_intent(s, &i, &open, NULL) == 0)
            raise(SIGKILL);
        _exit(1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGKILL);
}

static void a_kill_between_intent_and_outcome_leaves_the_intent_open(void **state)
{
    struct box *b = *state;
    write_intent_and_die(b);
    struct state_opened opened;
    struct state *s = open_at(b, b->path, &opened);
    assert_true(opened.after_crash);
    assert_false(opened.moved_aside);
    assert_int_equal(opened.crashes_60min, 1);
    struct state_act *acts;
    size_t count;
    assert_int_equal(state_query_open_intents(state_reader_of(s), &b->arena, &acts, &count, NULL), 0);
    assert_int_equal(count, 1);
    assert_string_equal(acts[0].client_token, "tok-1");
    assert_false(acts[0].finished);
    struct state_tick_whole t = whole(b, s, acts[0].tick);
    assert_false(t.tick.recorded);
    assert_int_equal(t.tick.act_count, 2);
    assert_true(t.tick.acts[0].finished);
    assert_true(begin(s, east(s), FACTS_NOW_MS) > t.tick.id);
    state_close(s);
}

static void crashes_within_the_hour_are_counted_and_a_clean_end_is_none(void **state)
{
    struct box *b = *state;
    struct state_opened opened;
    for (int i = 0; i < 3; i++)
        state_abandon(open_at(b, b->path, &opened));
    struct state *s = open_at(b, b->path, &opened);
    assert_true(opened.after_crash);
    assert_int_equal(opened.crashes_60min, 3);
    state_close(s);
    clock_advance_to(&b->clock, FACTS_NOW_MS + 3600000);
    s = open_at(b, b->path, &opened);
    assert_false(opened.after_crash);
    assert_int_equal(opened.crashes_60min, 0);
    state_close(s);
}

static void write_file(const char *path, const char *text, size_t at)
{
    FILE *f = fopen(path, at ? "r+" : "w");
    assert_non_null(f);
    assert_int_equal(fseek(f, (long)at, SEEK_SET), 0);
    assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
    assert_int_equal(fclose(f), 0);
}

static void a_file_that_is_no_database_is_moved_aside_and_history_begins_anew(void **state)
{
    struct box *b = *state;
    write_file(b->path, "this is not a database, and long enough to be asked about its header: "
                        "0123456789012345678901234567890123456789", 0);
    struct state_opened opened;
    struct state *s = open_at(b, b->path, &opened);
    assert_true(opened.moved_aside);
    assert_true(opened.fresh);
    assert_non_null(strstr(opened.moved_to, ".corrupt-20260115T140434Z"));
    assert_true(opened.why[0] != '\0');
    assert_int_equal(access(opened.moved_to, F_OK), 0);
    quiet_tick(b, s, east(s), FACTS_NOW_MS);
    state_close(s);
}

static void damaged_pages_are_found_at_the_next_start(void **state)
{
    struct box *b = *state;
    struct state *s = open_at(b, b->path, NULL);
    for (int i = 0; i < 50; i++)
        quiet_tick(b, s, east(s), FACTS_NOW_MS + i * 30000);
    state_close(s);
    struct stat st;
    assert_int_equal(stat(b->path, &st), 0);
    for (long at = 8192; at + 300 < st.st_size; at += 4096)
        write_file(b->path, "garbage garbage garbage garbage garbage garbage garbage garbage garbage garbage garbage", (size_t)at);
    struct state_opened opened;
    s = open_at(b, b->path, &opened);
    assert_true(opened.moved_aside);
    assert_true(opened.fresh);
    state_close(s);
}

static void a_directory_that_cannot_be_written_is_an_io_error(void **state)
{
    struct box *b = *state;
    struct state *s = NULL;
    struct err err = {0};
    const struct state_options o = {.path = "/proc/masu/state.db", .clock = &b->clock};
    assert_int_equal(state_open(&o, &s, NULL, &err), ERR_IO);
    assert_null(s);
    assert_non_null(strstr(err.msg, "/proc/masu/state.db"));
}

// In a child, because root may write anywhere and has to become somebody else first.
static void a_read_only_directory_is_an_io_error(void **state)
{
    struct box *b = *state;
    assert_int_equal(chmod(b->dir, 0555), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct state *s = NULL;
        struct err err = {0};
        const struct state_options o = {.path = b->path, .clock = &b->clock};
        if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
            _exit(2);
        _exit(state_open(&o, &s, NULL, &err) == ERR_IO ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(chmod(b->dir, 0700), 0);
}

static void a_second_writer_is_refused(void **state)
{
    struct box *b = *state;
    struct state *s = open_at(b, b->path, NULL), *second = NULL;
    struct err err = {0};
    const struct state_options o = {.path = b->path, .clock = &b->clock};
    assert_int_equal(state_open(&o, &second, NULL, &err), ERR_CONFLICT);
    assert_null(second);
    state_close(s);
}

static void a_full_disk_is_an_io_error_and_writing_goes_on_when_there_is_room_again(void **state)
{
    struct box *b = *state;
    struct state *s = open_at(b, b->path, NULL);
    int64_t c = east(s), intent = 0, pages = 0;
    int64_t tick = begin(s, c, FACTS_NOW_MS);
    assert_int_equal(db_pragma_int(&s->db, "PRAGMA page_count", &pages, NULL), 0);
    char limit[64];
    snprintf(limit, sizeof(limit), "PRAGMA max_page_count=%lld", (long long)pages);
    assert_int_equal(db_exec(&s->db, limit, NULL), 0);
    struct state_intent i = intent_of(b, tick);
    i.params = arena_printf(&b->arena, "{\"x\":\"%08000d\"}", 1);
    struct err err = {0};
    assert_int_equal(state_intent(s, &i, &intent, &err), ERR_IO);
    assert_int_equal(intent, 0);
    assert_int_equal(db_exec(&s->db, "PRAGMA max_page_count=1000000", NULL), 0);
    assert_int_equal(state_intent(s, &i, &intent, NULL), 0);
    assert_true(intent > 0);
    record(b, s, tick, &b->facts.plan);
    state_close(s);
}

// As a full disk: the process may write no file beyond a size (SIGXFSZ ignored, so that write fails with EFBIG).
static void a_write_that_the_system_refuses_is_an_io_error(void **state)
{
    struct box *b = *state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct state *s = open_at(b, b->path, NULL);
        int64_t c = east(s);
        struct err err = {0};
        const struct rlimit tight = {.rlim_cur = 1 << 20, .rlim_max = RLIM_INFINITY};
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &tight);
        int rc = 0;
        for (int i = 0; rc == 0 && i < 20000; i++) {
            int64_t tick = begin(s, c, FACTS_NOW_MS + i * 3600000LL);
            const struct state_tick_end e = {.tick = tick, .snapshot = &b->facts.snapshot, .plan = &b->facts.plan,
                                             .memo = &b->facts.memo};
            rc = state_tick_record(s, &e, &err);
        }
        _exit(rc == ERR_IO ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    struct state_opened opened;
    struct state *s = open_at(b, b->path, &opened);
    assert_false(opened.moved_aside);
    assert_true(count_ticks(s) > 0);
    state_close(s);
}

// ---- readers --------------------------------------------------------------------------------------------------------------
static void a_reader_sees_what_the_writer_committed_and_cannot_write(void **state)
{
    struct box *b = *state;
    struct state *s = open_at(b, b->path, NULL);
    struct state_reader *r = NULL;
    struct err err = {0};
    assert_int_equal(state_reader_open(state_path(s), &r, NULL), 0);
    int64_t tick = quiet_tick(b, s, east(s), FACTS_NOW_MS);
    struct state_tick_whole t;
    assert_int_equal(state_query_tick(r, tick, &b->arena, &t, NULL), 0);
    assert_int_equal(t.tick.id, tick);
    assert_int_equal(db_exec(r->db, "DELETE FROM ticks", &err), ERR_IO);
    assert_int_equal(state_query_tick(r, tick + 1, &b->arena, &t, &err), ERR_NOT_FOUND);
    state_reader_free(r);
    state_close(s);
}

static void a_query_past_its_deadline_ends(void **state)
{
    struct box *b = *state;
    struct state *s = open_at(b, b->path, NULL);
    struct state_reader *r = NULL;
    struct err err = {0};
    assert_int_equal(state_reader_open(state_path(s), &r, NULL), 0);
    state_reader_set_deadline(r, 20);
    db_start_deadline(r->db);
    assert_int_equal(db_exec(r->db, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n", &err),
                     ERR_LIMIT);
    state_reader_free(r);
    state_close(s);
}

static void memory_has_no_reader_and_temp_leaves_nothing_behind(void **state)
{
    struct box *b = *state;
    struct state_reader *r = NULL;
    struct err err = {0};
    struct state *s = open_at(b, ":memory:", NULL);
    assert_int_equal(state_reader_open(state_path(s), &r, &err), ERR_NOT_FOUND);
    state_close(s);
    s = open_at(b, ":temp:", NULL);
    char dir[512], path[512];
    snprintf(path, sizeof(path), "%s", state_path(s));
    snprintf(dir, sizeof(dir), "%s", s->temp_dir);
    assert_int_equal(access(path, F_OK), 0);
    state_close(s);
    assert_int_not_equal(access(dir, F_OK), 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(a_tick_comes_back_with_summary_acts_and_bodies),
        T(bodies_are_stored_hourly_and_at_every_action_only),
        T(a_failed_tick_keeps_its_error_and_has_no_summary),
        T(an_intent_has_exactly_one_outcome),
        T(an_intent_of_a_tick_that_was_not_begun_is_refused),
        T(pages_follow_each_other_without_gap_or_repetition),
        T(only_acting_ticks_can_be_asked_for),
        T(the_memo_comes_back_after_a_restart),
        T(a_bucket_shows_least_capacity_most_demand_and_mean_cost),
        T(a_series_never_has_more_points_than_the_limit),
        T(key_values_are_set_replaced_and_removed),
        T(pruning_removes_what_is_older_than_the_limit_and_all_that_hangs_on_it),
        T(pruning_by_size_takes_the_oldest_and_shrinks_the_file),
        T(a_kill_between_intent_and_outcome_leaves_the_intent_open),
        T(crashes_within_the_hour_are_counted_and_a_clean_end_is_none),
        T(a_file_that_is_no_database_is_moved_aside_and_history_begins_anew),
        T(damaged_pages_are_found_at_the_next_start),
        T(a_directory_that_cannot_be_written_is_an_io_error),
        T(a_read_only_directory_is_an_io_error),
        T(a_second_writer_is_refused),
        T(a_full_disk_is_an_io_error_and_writing_goes_on_when_there_is_room_again),
        T(a_write_that_the_system_refuses_is_an_io_error),
        T(a_reader_sees_what_the_writer_committed_and_cannot_write),
        T(a_query_past_its_deadline_ends),
        T(memory_has_no_reader_and_temp_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
