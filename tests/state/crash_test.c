#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/state/box.h"

// ---- crashes and bad disks ------------------------------------------------------------------------------------------------
// A child writes an intent and is killed before its outcome.
static void write_intent_and_die(struct box *b)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct state *s = box_open(b, b->path, NULL);
        int64_t done = 0, open = 0, tick = box_begin(s, box_cluster(s), FACTS_NOW_MS);
        const struct state_intent i = box_intent(b, tick);
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
    struct state *s = box_open(b, b->path, &opened);
    assert_true(opened.after_crash);
    assert_false(opened.moved_aside);
    assert_int_equal(opened.crashes_60min, 1);
    struct state_act *acts;
    size_t count;
    assert_int_equal(state_query_open_intents(state_reader_of(s), &b->arena, &acts, &count, NULL), 0);
    assert_int_equal(count, 1);
    assert_string_equal(acts[0].client_token, "tok-1");
    assert_false(acts[0].finished);
    struct state_tick_whole t = box_whole(b, s, acts[0].tick);
    assert_false(t.tick.recorded);
    assert_int_equal(t.tick.act_count, 2);
    assert_true(t.tick.acts[0].finished);
    assert_true(box_begin(s, box_cluster(s), FACTS_NOW_MS) > t.tick.id);
    state_close(s);
}

static void crashes_within_the_hour_are_counted_and_a_clean_end_is_none(void **state)
{
    struct box *b = *state;
    struct state_opened opened;
    for (int i = 0; i < 3; i++)
        state_abandon(box_open(b, b->path, &opened));
    struct state *s = box_open(b, b->path, &opened);
    assert_true(opened.after_crash);
    assert_int_equal(opened.crashes_60min, 3);
    state_close(s);
    clock_advance_to(&b->clock, FACTS_NOW_MS + 3600000);
    s = box_open(b, b->path, &opened);
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
    struct state *s = box_open(b, b->path, &opened);
    assert_true(opened.moved_aside);
    assert_true(opened.fresh);
    assert_non_null(strstr(opened.moved_to, ".corrupt-20260115T140434Z"));
    assert_true(opened.why[0] != '\0');
    assert_int_equal(access(opened.moved_to, F_OK), 0);
    box_quiet_tick(b, s, box_cluster(s), FACTS_NOW_MS);
    state_close(s);
}

static void damaged_pages_are_found_at_the_next_start(void **state)
{
    struct box *b = *state;
    struct state *s = box_open(b, b->path, NULL);
    for (int i = 0; i < 50; i++)
        box_quiet_tick(b, s, box_cluster(s), FACTS_NOW_MS + i * 30000);
    state_close(s);
    struct stat st;
    assert_int_equal(stat(b->path, &st), 0);
    for (long at = 8192; at + 300 < st.st_size; at += 4096)
        write_file(b->path, "garbage garbage garbage garbage garbage garbage garbage garbage garbage garbage garbage", (size_t)at);
    struct state_opened opened;
    s = box_open(b, b->path, &opened);
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
    struct state *s = box_open(b, b->path, NULL), *second = NULL;
    struct err err = {0};
    const struct state_options o = {.path = b->path, .clock = &b->clock};
    assert_int_equal(state_open(&o, &second, NULL, &err), ERR_CONFLICT);
    assert_null(second);
    state_close(s);
}

static void a_full_disk_is_an_io_error_and_writing_goes_on_when_there_is_room_again(void **state)
{
    struct box *b = *state;
    struct state *s = box_open(b, b->path, NULL);
    int64_t c = box_cluster(s), intent = 0, pages = 0;
    int64_t tick = box_begin(s, c, FACTS_NOW_MS);
    assert_int_equal(db_pragma_int(&s->db, "PRAGMA page_count", &pages, NULL), 0);
    char limit[64];
    snprintf(limit, sizeof(limit), "PRAGMA max_page_count=%lld", (long long)pages);
    assert_int_equal(db_exec(&s->db, limit, NULL), 0);
    struct state_intent i = box_intent(b, tick);
    i.params = arena_printf(&b->arena, "{\"x\":\"%08000d\"}", 1);
    struct err err = {0};
    assert_int_equal(state_intent(s, &i, &intent, &err), ERR_IO);
    assert_int_equal(intent, 0);
    assert_int_equal(db_exec(&s->db, "PRAGMA max_page_count=1000000", NULL), 0);
    assert_int_equal(state_intent(s, &i, &intent, NULL), 0);
    assert_true(intent > 0);
    box_record(b, s, tick, &b->facts.plan);
    state_close(s);
}

// As a full disk: the process may write no file beyond a size (SIGXFSZ ignored, so that write fails with EFBIG).
static void a_write_that_the_system_refuses_is_an_io_error(void **state)
{
    struct box *b = *state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct state *s = box_open(b, b->path, NULL);
        int64_t c = box_cluster(s);
        struct err err = {0};
        const struct rlimit tight = {.rlim_cur = 1 << 20, .rlim_max = RLIM_INFINITY};
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &tight);
        int rc = 0;
        for (int i = 0; rc == 0 && i < 20000; i++) {
            int64_t tick = box_begin(s, c, FACTS_NOW_MS + i * 3600000LL);
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
    struct state *s = box_open(b, b->path, &opened);
    assert_false(opened.moved_aside);
    assert_true(box_count_ticks(s) > 0);
    state_close(s);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, box_setup, box_teardown)
    const struct CMUnitTest tests[] = {
        T(a_kill_between_intent_and_outcome_leaves_the_intent_open),
        T(crashes_within_the_hour_are_counted_and_a_clean_end_is_none),
        T(a_file_that_is_no_database_is_moved_aside_and_history_begins_anew),
        T(damaged_pages_are_found_at_the_next_start),
        T(a_directory_that_cannot_be_written_is_an_io_error),
        T(a_read_only_directory_is_an_io_error),
        T(a_second_writer_is_refused),
        T(a_full_disk_is_an_io_error_and_writing_goes_on_when_there_is_room_again),
        T(a_write_that_the_system_refuses_is_an_io_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
