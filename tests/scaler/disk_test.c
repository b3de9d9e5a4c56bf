// A database that breaks under the running daemon: set aside, begun anew, nobody hurt, nothing removed before the hold is over.
#include "tests/cm.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scaler/rig.h"
#include "state/internal.h"

static void break_pages(struct rig *r, const char *path)
{
    struct stat st;
    assert_int_equal(db_exec(&r->state->db, "PRAGMA wal_checkpoint(TRUNCATE); PRAGMA shrink_memory", NULL), 0);
    FILE *f = fopen(path, "r+");
    assert_non_null(f);
    assert_int_equal(fstat(fileno(f), &st), 0);
    for (long at = 4096; at + 300 < st.st_size; at += 4096) {
        char garbage[200];
        memset(garbage, 'x', sizeof garbage);
        assert_int_equal(fseek(f, at, SEEK_SET), 0);
        assert_int_equal(fwrite(garbage, 1, sizeof garbage, f), sizeof garbage);
    }
    assert_int_equal(fclose(f), 0);
}

static int files_set_aside(const char *dir)
{
    int n = 0;
    DIR *d = opendir(dir);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d)) != NULL;)
        n += strstr(e->d_name, "state.db.corrupt-") == e->d_name;
    closedir(d);
    return n;
}

static int64_t count(struct rig *r, const char *sql)
{
    int64_t n = -1;
    assert_int_equal(db_pragma_int(&r->state->db, sql, &n, NULL), 0);
    return n;
}

static void i5_pages_that_break_in_mid_run_are_set_aside_and_nothing_is_removed_until_the_hold_is_over(void **state)
{
    (void)state;
    char dir[] = "/tmp/masu-disk-XXXXXX", path[64], command[64];
    struct rig r;
    struct err err = {0};
    struct rig_figures f;
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/state.db", dir);
    FILE *intents = tmpfile();
    assert_int_equal(rig_open(&(struct rig_options){.seed = 7, .state_path = path, .intents = intents}, &r, &err), 0);
    loop_run(r.loop, r.start_ms + 3600000);
    int64_t ticks = count(&r, "SELECT count(*) FROM ticks");
    break_pages(&r, path);
    loop_run(r.loop, r.start_ms + 3600000 + 300000);
    assert_true(files_set_aside(dir) >= 1);
    assert_true(count(&r, "SELECT count(*) FROM ticks") < ticks);
    assert_true(count(&r, "SELECT count(*) FROM ticks WHERE recorded AND planned AND mode = 'add-only'") > 0);
    assert_string_equal(loop_frame(r.loop, 0)->result.plan.mode, "add-only");
    loop_run(r.loop, r.start_ms + 3 * 3600000);
    assert_string_equal(loop_frame(r.loop, 0)->result.plan.mode, "act");
    // The hold after a start is half an hour: until then only what adds or takes a mark back.
    assert_int_equal(count(&r, "SELECT count(*) FROM intents JOIN ticks ON ticks.id = tick WHERE mode = 'add-only' AND kind IN ('drain', 'terminate')"), 0);
    assert_true(count(&r, "SELECT count(*) FROM bodies") > 100);
    rig_finish(&r);
    rig_figures(&r, &f);
    assert_int_equal(f.violations, 0);
    assert_int_equal(f.sum.tasks_killed, 0);
    rig_close(&r);
    fclose(intents);
    snprintf(command, sizeof command, "rm -rf %s", dir);
    assert_int_equal(system(command), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(i5_pages_that_break_in_mid_run_are_set_aside_and_nothing_is_removed_until_the_hold_is_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
