#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "state/migrations.h"

// The golden schema of this build: state_schema_test PATH, or with MASU_UPDATE_GOLDEN=1 it is written anew.
static const char *golden_path;

static void open_memory(struct db *d)
{
    assert_int_equal(db_open(d, ":memory:", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL), 0);
}

static void dump_schema(struct db *d, struct buf *out)
{
    sqlite3_stmt *st = NULL;
    bool row = false;
    int64_t version = 0;
    assert_int_equal(db_pragma_int(d, "PRAGMA user_version", &version, NULL), 0);
    buf_printf(out, "-- version %lld\n", (long long)version);
    assert_int_equal(db_prepare(d, "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type, name", &st, NULL), 0);
    while (db_step(d, st, &row, NULL) == 0 && row)
        buf_printf(out, "%s;\n", (const char *)sqlite3_column_text(st, 0));
    db_done(st);
}

static void read_golden(struct buf *out)
{
    char block[4096];
    size_t n;
    FILE *f = fopen(golden_path, "r");
    assert_non_null(f);
    while ((n = fread(block, 1, sizeof(block), f)) > 0)
        buf_add(out, block, n);
    fclose(f);
}

static void write_golden(struct buf *text)
{
    FILE *f = fopen(golden_path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(text->data, 1, text->len, f), text->len);
    assert_int_equal(fclose(f), 0);
}

static void all_steps_from_version_0_give_the_golden_schema(void **state)
{
    (void)state;
    struct db d;
    struct buf got, want;
    int before = -1;
    buf_init(&got, 1 << 20);
    buf_init(&want, 1 << 20);
    open_memory(&d);
    assert_int_equal(state_migrate(&d, state_schema_version(), &before, NULL), 0);
    assert_int_equal(before, 0);
    dump_schema(&d, &got);
    if (getenv("MASU_UPDATE_GOLDEN"))
        write_golden(&got);
    read_golden(&want);
    assert_string_equal(buf_str(&got), buf_str(&want));
    buf_release(&got);
    buf_release(&want);
    db_close(&d);
}

static void stopping_at_any_version_and_going_on_gives_the_same_schema(void **state)
{
    (void)state;
    struct buf want;
    buf_init(&want, 1 << 20);
    read_golden(&want);
    for (int stop = 0; stop <= state_schema_version(); stop++) {
        struct db d;
        struct buf got;
        int before = -1;
        buf_init(&got, 1 << 20);
        open_memory(&d);
        assert_int_equal(state_migrate(&d, stop, &before, NULL), 0);
        assert_int_equal(state_migrate(&d, state_schema_version(), &before, NULL), 0);
        assert_int_equal(before, stop);
        dump_schema(&d, &got);
        assert_string_equal(buf_str(&got), buf_str(&want));
        buf_release(&got);
        db_close(&d);
    }
    buf_release(&want);
}

static void a_newer_schema_is_refused_and_left_alone(void **state)
{
    (void)state;
    struct db d;
    struct err err = {0};
    int before = -1;
    int64_t version = 0;
    open_memory(&d);
    assert_int_equal(db_exec(&d, "PRAGMA user_version=999", NULL), 0);
    assert_int_equal(state_migrate(&d, state_schema_version(), &before, &err), ERR_INVALID);
    assert_non_null(strstr(err.msg, "999"));
    assert_int_equal(db_pragma_int(&d, "PRAGMA user_version", &version, NULL), 0);
    assert_int_equal(version, 999);
    db_close(&d);
}

static void run_sql(struct db *d, const char *sql)
{
    struct err err = {0};
    if (db_exec(d, sql, &err) != 0)
        fail_msg("%s", err.msg);
}

static void step_2_keeps_ticks_and_acts_and_lets_the_old_bodies_go(void **state)
{
    (void)state;
    struct db d;
    int before = -1;
    int64_t n = 0;
    open_memory(&d);
    assert_int_equal(state_migrate(&d, 1, &before, NULL), 0);
    run_sql(&d, "PRAGMA foreign_keys=ON; INSERT INTO clusters (account, region, name) VALUES ('1', 'r', 'east');"
                "INSERT INTO ticks (id, cluster, at_ms, policy_hash, mode, dry_run) VALUES (7, 1, 1000, 'abc', 'act', 0);"
                "INSERT INTO tick_bodies (tick, cluster, at_ms, snapshot) VALUES (7, 1, 1000, x'00');"
                "INSERT INTO intents (tick, action, kind, target, params, client_token, fact, verdict, created_ms)"
                " VALUES (7, 0, 'drain', 'i-1', '', '', 'f', 'v', 1000)");
    assert_int_equal(state_migrate(&d, state_schema_version(), &before, NULL), 0);
    assert_int_equal(before, 1);
    assert_int_equal(db_pragma_int(&d, "SELECT count(*) FROM ticks JOIN intents ON tick = ticks.id WHERE masu = '' AND planned_policy = ''",
                                   &n, NULL), 0);
    assert_int_equal(n, 1);
    assert_int_equal(db_pragma_int(&d, "SELECT count(*) FROM bodies", &n, NULL), 0);
    assert_int_equal(n, 0);
    db_close(&d);
}

static void step_3_adds_what_types_register_to_what_is_there(void **state)
{
    (void)state;
    struct db d;
    int before = -1;
    int64_t n = 0;
    open_memory(&d);
    assert_int_equal(state_migrate(&d, 2, &before, NULL), 0);
    run_sql(&d, "PRAGMA foreign_keys=ON; INSERT INTO clusters (account, region, name) VALUES ('1', 'r', 'east');"
                "INSERT INTO memos (cluster, saved_ms, body) VALUES (1, 7, x'00')");
    assert_int_equal(state_migrate(&d, 3, &before, NULL), 0);
    run_sql(&d, "INSERT INTO learned_types VALUES (1, 'm5.large', 2048, 7680, 0, 0, 5)");
    assert_int_equal(db_pragma_int(&d, "SELECT count(*) FROM memos JOIN learned_types USING (cluster)", &n, NULL), 0);
    assert_int_equal(n, 1);
    db_close(&d);
}

static void step_5_adds_warnings_and_keeps_the_memo(void **state)
{
    (void)state;
    struct db d;
    int before = -1;
    int64_t n = 0;
    open_memory(&d);
    assert_int_equal(state_migrate(&d, 4, &before, NULL), 0);
    run_sql(&d, "PRAGMA foreign_keys=ON; INSERT INTO clusters (account, region, name) VALUES ('1', 'r', 'east');"
                "INSERT INTO memos (cluster, saved_ms, body) VALUES (1, 1000, x'00')");
    assert_int_equal(state_migrate(&d, state_schema_version(), &before, NULL), 0);
    assert_int_equal(before, 4);
    run_sql(&d, "INSERT INTO warnings (cluster, instance, risk_ms, event_ms) VALUES (1, 'i-1', 5, 0)");
    assert_int_equal(db_pragma_int(&d, "SELECT count(*) FROM memos JOIN warnings USING (cluster)", &n, NULL), 0);
    assert_int_equal(n, 1);
    db_close(&d);
}

int main(int argc, char **argv)
{
    assert(argc == 2);
    golden_path = argv[1];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_steps_from_version_0_give_the_golden_schema),
        cmocka_unit_test(stopping_at_any_version_and_going_on_gives_the_same_schema),
        cmocka_unit_test(step_3_adds_what_types_register_to_what_is_there),
        cmocka_unit_test(step_2_keeps_ticks_and_acts_and_lets_the_old_bodies_go),
        cmocka_unit_test(step_5_adds_warnings_and_keeps_the_memo),
        cmocka_unit_test(a_newer_schema_is_refused_and_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
