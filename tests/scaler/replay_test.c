// Every plan of a day is made again from the daemon's own journal, to the byte; and what was changed in it is noticed.
#include "tests/cm.h"

#include <sqlite3.h>
#include <unistd.h>

#include "scaler/replay.h"
#include "scaler/rig.h"

struct journal {
    char dir[64], path[96];
    int64_t ticks;
};

static const int64_t day_ms = 86400000;

// A tick a minute, as a whole day of them is to be planned twice in a test.
static void each_minute(struct policy_cluster *c)
{
    c->period_ms = 60000;
}

// A restart in the middle, so that a memo is read back, too.
static void live(struct journal *j, int64_t span_ms)
{
    struct rig r;
    struct err err = {0};
    snprintf(j->dir, sizeof j->dir, "/tmp/masu-replay-XXXXXX");
    assert_non_null(mkdtemp(j->dir));
    snprintf(j->path, sizeof j->path, "%s/state.db", j->dir);
    if (rig_open(&(struct rig_options){.seed = 7, .state_path = j->path, .settings = each_minute}, &r, &err) != 0)
        fail_msg("%s", err.msg);
    j->ticks = loop_run(r.loop, r.start_ms + span_ms / 2);
    assert_int_equal(rig_restart(&r, true, &err), 0);
    j->ticks += loop_run(r.loop, r.start_ms + span_ms);
    rig_close(&r);
}

static void forget(struct journal *j)
{
    char command[96];
    snprintf(command, sizeof command, "rm -rf %s", j->dir);
    assert_int_equal(system(command), 0);
}

static struct state_reader *open_journal(const struct journal *j)
{
    struct state_reader *r = NULL;
    struct err err = {0};
    if (state_reader_open(j->path, &r, &err) != 0)
        fail_msg("%s", err.msg);
    state_reader_set_deadline(r, 0);
    return r;
}

static void replay_cluster(struct state_reader *r, int64_t cluster, int64_t counts[REPLAY_OUTCOMES], int64_t *actions)
{
    struct state_walk *w = NULL;
    struct arena a;
    bool found = true;
    arena_init(&a, 0);
    assert_int_equal(state_walk_new(r, cluster, &w, NULL), 0);
    for (int64_t at = 1; found;) {
        struct state_tick_whole t;
        struct replay result;
        struct err err = {0};
        arena_reset(&a);
        if (state_walk_next(w, at, INT64_MAX, &a, &t, &found, &err) != 0)
            fail_msg("%s", err.msg);
        if (!found)
            break;
        replay_tick(r, &t, &a, &result);
        if (result.outcome == REPLAY_DIFFERENT || result.outcome == REPLAY_UNREADABLE)
            print_message("tick %lld: %s %s: journal %s, now %s %s\n", (long long)t.tick.id, result.part, result.path, result.journal,
                          result.now, result.why);
        counts[result.outcome]++;
        *actions += t.tick.actions;
        at = t.tick.id + 1;
    }
    state_walk_free(w);
    arena_release(&a);
}

static void every_tick_of_a_day_is_planned_again_to_the_byte(void **state)
{
    (void)state;
    struct journal j;
    int64_t counts[REPLAY_OUTCOMES] = {0}, actions = 0;
    live(&j, day_ms);
    struct state_reader *r = open_journal(&j);
    for (int64_t cluster = 1; cluster <= 2; cluster++)
        replay_cluster(r, cluster, counts, &actions);
    state_reader_free(r);
    print_message("%lld ticks, %lld actions: %lld identical\n", (long long)j.ticks, (long long)actions, (long long)counts[REPLAY_IDENTICAL]);
    assert_int_equal(counts[REPLAY_DIFFERENT], 0);
    assert_int_equal(counts[REPLAY_UNREADABLE], 0);
    assert_true(counts[REPLAY_IDENTICAL] + counts[REPLAY_NO_PLAN] >= j.ticks);  // answers to notices are ticks of their own
    assert_true(counts[REPLAY_NO_PLAN] * 100 <= j.ticks);
    assert_true(j.ticks >= 2850 && actions > 100);
    forget(&j);
}

// ---- what was changed -----------------------------------------------------------------------------------------------------

static void run_sql(const struct journal *j, const char *sql)
{
    sqlite3 *db = NULL;
    char *said = NULL;
    assert_int_equal(sqlite3_open(j->path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, &said) != SQLITE_OK)
        fail_msg("%s", said);
    assert_true(sqlite3_changes(db) > 0);
    sqlite3_close(db);
}

static int read_one(struct state_reader *r, int64_t tick, struct arena *a, struct state_tick_whole *t)
{
    return state_query_tick(r, tick, a, t, NULL);
}

static enum replay_outcome replay_one(const struct journal *j, int64_t tick, struct arena *a, struct replay *ret)
{
    struct state_tick_whole t;
    struct state_reader *r = open_journal(j);
    int rc = read_one(r, tick, a, &t);
    *ret = (struct replay){.outcome = REPLAY_UNREADABLE};
    if (rc == 0)
        replay_tick(r, &t, a, ret);
    state_reader_free(r);
    return ret->outcome;
}

static struct slice with(struct slice text, const char *old, const char *new, struct arena *a)
{
    char *copy = arena_strndup(a, text.ptr, text.len), *at = strstr(copy, old);
    assert_non_null(at);
    assert_int_equal(strlen(old), strlen(new));
    memcpy(at, new, strlen(new));
    return (struct slice){copy, text.len};
}

static void what_was_changed_in_the_journal_is_noticed(void **state)
{
    (void)state;
    struct journal j;
    struct arena a;
    struct replay result;
    struct state_tick_whole t;
    arena_init(&a, 0);
    live(&j, 2 * 3600000);
    assert_int_equal(replay_one(&j, 100, &a, &result), REPLAY_IDENTICAL);

    struct state_reader *r = open_journal(&j);
    assert_int_equal(read_one(r, 100, &a, &t), 0);
    struct state_tick_whole changed = t;
    changed.plan_json = with(t.plan_json, "\"mode\":\"act\"", "\"mode\":\"acT\"", &a);
    replay_tick(r, &changed, &a, &result);
    assert_int_equal(result.outcome, REPLAY_DIFFERENT);
    assert_string_equal(result.part, "plan");
    assert_string_equal(result.path, "mode");
    assert_string_equal(result.journal, "\"acT\"");
    assert_string_equal(result.now, "\"act\"");
    changed = t;
    changed.snapshot_json = with(t.snapshot_json, "\"region\":\"us-east-1\"", "\"region\":12345678901", &a);
    replay_tick(r, &changed, &a, &result);
    assert_int_equal(result.outcome, REPLAY_UNREADABLE);
    assert_non_null(strstr(result.why, "region"));
    changed = t;
    changed.memo_json = with(t.memo_json, "\"version\":", "\"versioM\":", &a);
    replay_tick(r, &changed, &a, &result);
    assert_string_equal(result.part, "memo");
    assert_string_equal(result.path, "versioM");
    state_reader_free(r);

    run_sql(&j, "UPDATE bodies SET body = CAST(substr(body, 1, 40) || 'x' || substr(body, 42) AS BLOB) WHERE tick = 60");
    assert_int_equal(replay_one(&j, 60, &a, &result), REPLAY_UNREADABLE);
    arena_release(&a);
    forget(&j);
}

static void another_policy_and_another_version_are_noticed(void **state)
{
    (void)state;
    struct journal j;
    struct arena a;
    struct replay result;
    arena_init(&a, 0);
    live(&j, 2 * 3600000);
    // The two clusters' policies differ in name and fleets: each tick gets the other's.
    run_sql(&j, "UPDATE ticks SET planned_policy = (SELECT hash FROM policies WHERE hash <> ticks.planned_policy LIMIT 1) WHERE id = 50");
    assert_int_equal(replay_one(&j, 50, &a, &result), REPLAY_DIFFERENT);
    assert_non_null(strstr(result.cause, "was changed"));
    run_sql(&j, "UPDATE ticks SET masu = '0.0.1' WHERE id = 50");
    assert_int_equal(replay_one(&j, 50, &a, &result), REPLAY_DIFFERENT);
    assert_non_null(strstr(result.cause, "planned by masu 0.0.1, this is masu " MASU_VERSION));
    run_sql(&j, "UPDATE policies SET hash = 'x' || substr(hash, 2)");
    run_sql(&j, "UPDATE ticks SET planned_policy = 'x' || substr(planned_policy, 2) WHERE id = 51");
    assert_int_equal(replay_one(&j, 51, &a, &result), REPLAY_UNREADABLE);
    assert_non_null(strstr(result.why, "its text was changed"));
    run_sql(&j, "DELETE FROM policies");
    assert_int_equal(replay_one(&j, 52, &a, &result), REPLAY_UNREADABLE);
    assert_non_null(strstr(result.why, "no policy"));
    arena_release(&a);
    forget(&j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_tick_of_a_day_is_planned_again_to_the_byte),
        cmocka_unit_test(what_was_changed_in_the_journal_is_noticed),
        cmocka_unit_test(another_policy_and_another_version_are_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
