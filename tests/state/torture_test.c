// Fails the Nth write, sync or truncation of the disk, for N = 1 … until nothing fails any more, and looks at what is left: every
// call either did what it says or returned ERR_IO, and an intent that was promised is there after the next start.
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <unistd.h>

#include "state/internal.h"
#include "tests/state/facts.h"

// ---- a disk that fails when told ------------------------------------------------------------------------------------------
static struct {
    int countdown;   // operations that still succeed; < 0: all do
    bool failed;
    bool for_good;   // all after the first fail too
} disk = {.countdown = -1};

static bool disk_fails(void)
{
    if (disk.failed && disk.for_good)
        return true;
    if (disk.countdown < 0 || disk.countdown-- > 0)
        return false;
    disk.countdown = -1;
    disk.failed = true;
    return true;
}

// SQLite's own methods, with ours in place of three of them. All files of the unix VFS share few method tables; one copy each.
static struct {
    const sqlite3_io_methods *real;
    sqlite3_io_methods ours;
} tables[8];
static int table_count;
static sqlite3_vfs faulty, *unix_vfs;

static const sqlite3_io_methods *real_methods(sqlite3_file *f)
{
    for (int i = 0; i < table_count; i++)
        if (f->pMethods == &tables[i].ours)
            return tables[i].real;
    fail();
    return NULL;
}

static int faulty_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
    return disk_fails() ? SQLITE_FULL : real_methods(f)->xWrite(f, p, n, at);
}

// Without the real sync: power is not lost here, and thousands of them take a minute.
static int faulty_sync(sqlite3_file *f, int flags)
{
    (void)f;
    (void)flags;
    return disk_fails() ? SQLITE_IOERR_FSYNC : SQLITE_OK;
}

static int faulty_truncate(sqlite3_file *f, sqlite3_int64 size)
{
    return disk_fails() ? SQLITE_IOERR_TRUNCATE : real_methods(f)->xTruncate(f, size);
}

static int faulty_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *f, int flags, int *ret_flags)
{
    (void)vfs;
    int rc = unix_vfs->xOpen(unix_vfs, name, f, flags, ret_flags);
    if (rc != SQLITE_OK || !f->pMethods)
        return rc;
    for (int i = 0; i < table_count; i++)
        if (tables[i].real == f->pMethods) {
            f->pMethods = &tables[i].ours;
            return rc;
        }
    assert_true(table_count < (int)ARRAY_LEN(tables));
    tables[table_count].real = f->pMethods;
    tables[table_count].ours = *f->pMethods;
    tables[table_count].ours.xWrite = faulty_write;
    tables[table_count].ours.xSync = faulty_sync;
    tables[table_count].ours.xTruncate = faulty_truncate;
    f->pMethods = &tables[table_count++].ours;
    return rc;
}

static int install(void **state)
{
    (void)state;
    unix_vfs = sqlite3_vfs_find(NULL);
    faulty = *unix_vfs;
    faulty.zName = "faulty";
    faulty.xOpen = faulty_open;
    return sqlite3_vfs_register(&faulty, 1);
}

// ---- what is done on it ---------------------------------------------------------------------------------------------------
struct promise {
    int64_t intents;   // that state_intent said are stored
    int64_t outcomes, ticks;
};

static bool fine(int rc)
{
    assert_true(rc == 0 || rc == ERR_IO);  // a failing disk is never called anything else
    return rc == 0;
}

static void two_ticks(struct state *s, struct facts *f, struct promise *p)
{
    int64_t cluster = 0;
    if (!fine(state_cluster(s, "1", "r", "east", &cluster, NULL)))
        return;
    for (int i = 0; i < 2; i++) {
        int64_t tick = 0, intent = 0;
        const struct state_tick_start start = {.cluster = cluster, .at_ms = FACTS_NOW_MS + i * 30000, .policy_hash = "0", .mode = "act"};
        assert_int_equal(state_tick_begin(s, &start, &tick, NULL), 0);
        const struct state_intent x = {.tick = tick, .kind = ACTION_SET_TARGET, .target = "sfr-1", .fact = "f", .verdict = "v"};
        if (fine(state_intent(s, &x, &intent, NULL))) {
            p->intents++;
            p->outcomes += fine(state_outcome(s, intent, OUTCOME_OK, NULL, NULL));
        }
        const struct state_tick_end end = {.tick = tick, .snapshot = &f->snapshot, .plan = &f->plan, .memo = &f->memo};
        p->ticks += fine(state_tick_record(s, &end, NULL));
    }
}

static int64_t count(struct state *s, const char *sql)
{
    int64_t n = -1;
    assert_int_equal(db_pragma_int(&s->db, sql, &n, NULL), 0);
    return n;
}

static void look_at_what_is_left(const struct state_options *o, const struct promise *p)
{
    struct state *s = NULL;
    struct state_opened opened;
    struct err err = {0};
    if (state_open(o, &s, &opened, &err) != 0)
        fail_msg("%s", err.msg);
    assert_false(opened.moved_aside);
    assert_int_equal(count(s, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'"), 0);
    assert_int_equal(count(s, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
    assert_true(count(s, "SELECT count(*) FROM intents") >= p->intents);
    assert_true(count(s, "SELECT count(*) FROM outcomes") >= p->outcomes);
    assert_true(count(s, "SELECT count(*) FROM ticks WHERE recorded") >= p->ticks);
    assert_int_equal(count(s, "SELECT count(*) FROM ticks WHERE recorded AND id NOT IN (SELECT tick FROM bodies)"), 0);
    struct arena a;
    arena_init(&a, 0);
    for (int64_t tick = count(s, "SELECT coalesce(max(id), 0) FROM ticks"); tick > 0; tick--) {
        struct state_tick_whole t;
        if (state_query_tick(state_reader_of(s), tick, &a, &t, &err) != 0)
            fail_msg("tick %lld: %s", (long long)tick, err.msg);
    }
    arena_release(&a);
    state_close(s);
}

// True when the disk did not fail any more.
static bool one_round(int n, bool for_good, struct facts *f, struct clock *clock)
{
    char dir[] = "/tmp/masu-torture-XXXXXX", path[64], command[64];
    struct promise p = {0};
    struct state *s = NULL;
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/state.db", dir);
    const struct state_options o = {.path = path, .clock = clock};
    disk.countdown = n;
    disk.failed = false;
    disk.for_good = for_good;
    if (fine(state_open(&o, &s, NULL, NULL)))
        two_ticks(s, f, &p);
    state_abandon(s);
    bool failed = disk.failed;
    disk.countdown = -1;
    disk.failed = false;
    look_at_what_is_left(&o, &p);
    snprintf(command, sizeof(command), "rm -rf %s", dir);
    assert_int_equal(system(command), 0);
    if (!failed)
        assert_int_equal(p.intents + p.outcomes + p.ticks, 6);
    return !failed;
}

static void run_all(bool for_good)
{
    static struct facts f;
    struct clock clock;
    int n = 0;
    facts_fill(&f, FACTS_NOW_MS);
    clock_init_virtual(&clock, FACTS_NOW_MS);
    while (!one_round(n, for_good, &f, &clock))
        assert_true(++n < 2000);
    assert_true(n > 20);  // the disk was really used
}

static void a_disk_that_fails_once_breaks_no_promise(void **state)
{
    (void)state;
    run_all(false);
}

static void a_disk_that_fails_for_good_breaks_no_promise(void **state)
{
    (void)state;
    run_all(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_disk_that_fails_once_breaks_no_promise),
        cmocka_unit_test(a_disk_that_fails_for_good_breaks_no_promise),
    };
    return cmocka_run_group_tests(tests, install, NULL);
}
