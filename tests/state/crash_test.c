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

static void a_kill_between_intent_and_outcome_is_closed_as_unknown_at_the_next_start(void **state)
{
    struct box *b = *state;
    write_intent_and_die(b);
    struct state_opened opened;
    struct state *s = box_open(b, b->path, &opened);
    assert_true(opened.after_crash);
    assert_false(opened.moved_aside);
    assert_int_equal(opened.crashes_60min, 1);
    assert_int_equal(opened.closed_intents, 1);
    struct state_tick_whole t = box_whole(b, s, 1);
    assert_false(t.tick.recorded);
    assert_int_equal(t.tick.act_count, 2);
    assert_string_equal(t.tick.acts[0].outcome, "ok");
    assert_true(t.tick.acts[1].finished);
    assert_string_equal(t.tick.acts[1].outcome, "unknown");
    assert_non_null(strstr(t.tick.acts[1].message, "the daemon ended"));
    assert_true(box_begin(s, box_cluster(s), FACTS_NOW_MS) > t.tick.id);
    state_close(s);
    s = box_open(b, b->path, &opened);
    assert_int_equal(opened.closed_intents, 0);
    state_close(s);
}

// Which orders a start reads back: by what is known of their effect, each token once.
struct order {
    const char *token, *params;
    int outcome;               // enum outcome_kind, -1 none
    enum err_kind kind;
};

static void put_order(struct box *b, struct state *s, int64_t tick, const struct order *o)
{
    struct state_intent i = box_intent(b, tick);
    struct err why = {.kind = o->kind};
    int64_t id = 0;
    i.kind = ACTION_LAUNCH;
    i.target = "east/burst";
    i.client_token = o->token;
    i.params = o->params ? o->params : "{\"count\":3,\"on_demand\":1,\"content\":\"lt-1:7 c5.large@subnet-a\"}";
    assert_int_equal(state_intent(s, &i, &id, NULL), 0);
    if (o->outcome >= 0)
        assert_int_equal(state_outcome(s, id, (enum outcome_kind)o->outcome, o->kind ? &why : NULL, NULL), 0);
}

static void a11_orders_whose_effect_may_be_there_are_read_back(void **state)
{
    struct box *b = *state;
    static const struct order old = {"too-old", NULL, OUTCOME_OK, ERR_OK}, orders[] = {
        {"done", NULL, OUTCOME_OK, ERR_OK},
        {"refused", NULL, OUTCOME_FAILED, ERR_CAPACITY},
        {"skipped", NULL, OUTCOME_SKIPPED, ERR_CONFLICT},
        {"lost", NULL, OUTCOME_FAILED, ERR_TRANSIENT},
        {"asked-again", NULL, OUTCOME_FAILED, ERR_TRANSIENT},
        {"asked-again", NULL, OUTCOME_OK, ERR_OK},
        {"refused-then", NULL, OUTCOME_FAILED, ERR_THROTTLED},
        {"refused-then", NULL, OUTCOME_FAILED, ERR_CAPACITY},
        {"empty", "{\"count\":0,\"content\":\"\"}", OUTCOME_OK, ERR_OK},
        {"open", NULL, -1, ERR_OK},
    };
    static const struct { const char *token; bool answered; } expected[] = {{"done", true}, {"lost", false}, {"asked-again", true}, {"open", false}};
    struct state *s = box_open(b, b->path, NULL);
    int64_t cluster = box_cluster(s), other = 0, tick = box_begin(s, cluster, FACTS_NOW_MS);
    put_order(b, s, tick, &old);
    clock_advance_to(&b->clock, FACTS_NOW_MS + 150000);
    for (size_t i = 0; i < ARRAY_LEN(orders); i++)
        put_order(b, s, tick, &orders[i]);
    state_abandon(s);
    s = box_open(b, b->path, NULL);  // the open one is closed as unknown
    struct memo_launch *v = NULL;
    size_t n = 0;
    assert_int_equal(state_launches_load(s, cluster, FACTS_NOW_MS + 30000, &b->arena, &v, &n, NULL), 0);
    assert_int_equal(n, ARRAY_LEN(expected));
    for (size_t i = 0; i < n; i++) {
        assert_string_equal(v[i].token, expected[i].token);
        assert_int_equal(v[i].answered, expected[i].answered);
        assert_string_equal(v[i].fleet, "east/burst");
        assert_string_equal(v[i].value, "lt-1:7 c5.large@subnet-a");
        assert_int_equal(v[i].capacity, 3);
        assert_int_equal(v[i].on_demand, 1);
        assert_int_equal(v[i].sent_ms, FACTS_NOW_MS + 150000);
    }
    assert_int_equal(state_cluster(s, "123456789012", "eu-west-1", "west", &other, NULL), 0);
    assert_int_equal(state_launches_load(s, other, 0, &b->arena, &v, &n, NULL), 0);
    assert_int_equal(n, 0);
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

// A file with fifty ticks in it, ended cleanly, so that all is in the main file.
static void fill(struct box *b)
{
    struct state *s = box_open(b, b->path, NULL);
    for (int i = 0; i < 50; i++)
        box_quiet_tick(b, s, box_cluster(s), FACTS_NOW_MS + i * 30000);
    state_close(s);
}

static void damaged_pages_are_found_at_the_next_start(void **state)
{
    struct box *b = *state;
    struct state *s = NULL;
    struct stat st;
    fill(b);
    assert_int_equal(stat(b->path, &st), 0);
    for (long at = 8192; at + 300 < st.st_size; at += 4096)
        write_file(b->path, "garbage garbage garbage garbage garbage garbage garbage garbage garbage garbage garbage", (size_t)at);
    struct state_opened opened;
    s = box_open(b, b->path, &opened);
    assert_true(opened.moved_aside);
    assert_true(opened.fresh);
    state_close(s);
}

static void cut_short_or_with_a_broken_head_it_is_moved_aside(void **state)
{
    struct box *b = *state;
    static const off_t lengths[] = {20, 600, 4096, 40000};
    for (size_t i = 0; i <= ARRAY_LEN(lengths); i++) {
        struct state_opened opened;
        fill(b);
        if (i < ARRAY_LEN(lengths))
            assert_int_equal(truncate(b->path, lengths[i]), 0);
        else
            write_file(b->path, "masu was here", 3);
        struct state *s = box_open(b, b->path, &opened);
        if (!opened.moved_aside)
            fail_msg("%d bytes were taken for whole", (int)lengths[i]);
        assert_true(opened.why[0] != '\0');
        assert_int_equal(access(opened.moved_to, F_OK), 0);
        box_quiet_tick(b, s, box_cluster(s), FACTS_NOW_MS);
        state_close(s);
        clock_advance_to(&b->clock, clock_wall_ms(&b->clock) + 1000);  // the name of the next has another second
        assert_int_equal(unlink(b->path), 0);
    }
}

static void a_directory_in_its_place_is_refused_in_words(void **state)
{
    struct box *b = *state;
    struct state *s = NULL;
    struct err err = {0};
    const struct state_options o = {.path = b->dir, .clock = &b->clock};
    assert_int_equal(state_open(&o, &s, NULL, &err), ERR_INVALID);
    assert_null(s);
    assert_non_null(strstr(err.msg, "is a directory"));
}

static void a_newer_schema_is_refused_and_the_file_left_as_it_is(void **state)
{
    struct box *b = *state;
    struct state *s = box_open(b, b->path, NULL);
    assert_int_equal(db_exec(&s->db, "PRAGMA user_version=99", NULL), 0);
    state_close(s);
    struct err err = {0};
    struct state_opened opened;
    const struct state_options o = {.path = b->path, .clock = &b->clock};
    assert_int_equal(state_open(&o, &s, &opened, &err), ERR_INVALID);
    assert_non_null(strstr(err.msg, "use the newer masu"));
    struct state_reader *r = NULL;
    assert_int_equal(state_reader_open(b->path, &r, &err), ERR_INVALID);
    assert_non_null(strstr(err.msg, "schema 99"));
}

static void pages_that_break_in_mid_run_are_found_and_the_state_begins_anew(void **state)
{
    struct box *b = *state;
    struct state *s = box_open(b, b->path, NULL);
    struct err err = {0};
    struct stat st;
    int64_t c = box_cluster(s);
    for (int i = 0; i < 50; i++)
        box_quiet_tick(b, s, c, FACTS_NOW_MS + i * 30000);
    assert_int_equal(db_exec(&s->db, "PRAGMA wal_checkpoint(TRUNCATE); PRAGMA shrink_memory", NULL), 0);
    assert_int_equal(stat(b->path, &st), 0);
    for (long at = 4096; at + 300 < st.st_size; at += 4096)
        write_file(b->path, "garbage garbage garbage garbage garbage garbage garbage garbage garbage garbage garbage", (size_t)at);
    int rc = 0;
    for (int i = 0; rc == 0 && i < 10; i++) {
        const struct state_tick_end e = {.tick = box_begin(s, c, FACTS_NOW_MS + i), .snapshot = &b->facts.snapshot, .plan = &b->facts.plan,
                                         .memo = &b->facts.memo};
        rc = state_tick_record(s, &e, &err);
    }
    assert_int_equal(rc, ERR_CORRUPT);
    struct state_opened opened;
    assert_int_equal(state_renew(s, &opened, &err), 0);
    assert_true(opened.moved_aside && opened.fresh);
    assert_int_equal(access(opened.moved_to, F_OK), 0);
    assert_true(opened.why[0] != '\0');
    int64_t tick = box_quiet_tick(b, s, box_cluster(s), FACTS_NOW_MS);
    assert_true(box_whole(b, s, tick).tick.has_body);
    const struct state_options second = {.path = b->path, .clock = &b->clock};
    struct state *other = NULL;
    assert_int_equal(state_open(&second, &other, NULL, &err), ERR_CONFLICT);  // the lock was kept
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

// As somebody who may only read: what a clean end left is read, what a crash left says what to do.
static void a_journal_in_a_read_only_directory_can_be_read(void **state)
{
    struct box *b = *state;
    for (int crashed = 0; crashed < 2; crashed++) {
        struct state *s = box_open(b, b->path, NULL);
        box_quiet_tick(b, s, box_cluster(s), FACTS_NOW_MS);
        char copy[200], command[600];
        snprintf(copy, sizeof(copy), "%s/copy%d", b->dir, crashed);
        if (!crashed)
            state_close(s);
        snprintf(command, sizeof(command), "mkdir %s && cp %s/state.db* %s && rm -f %s/*-shm && chmod -R a+rX,a-w %s && chmod a+rx %s", copy, b->dir,
                 copy, copy, copy, b->dir);
        assert_int_equal(system(command), 0);
        if (crashed)
            state_close(s);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            struct state_reader *r = NULL;
            struct state_span span = {0};
            struct err err = {0};
            char path[256];
            snprintf(path, sizeof(path), "%s/state.db", copy);
            if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
                _exit(2);
            int rc = state_reader_open(path, &r, &err);
            if (crashed)
                _exit(rc == ERR_IO && strstr(err.msg, "copy both") ? 0 : 1);
            _exit(rc == 0 && state_query_span(r, 0, &span, &err) == 0 && span.last > 0 ? 0 : 1);
        }
        int status = 0;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
        snprintf(command, sizeof(command), "chmod -R u+w %s", copy);
        assert_int_equal(system(command), 0);
    }
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
    i.params = arena_printf(&b->arena, "{\"x\":\"%064000d\"}", 1);
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
        T(a_kill_between_intent_and_outcome_is_closed_as_unknown_at_the_next_start),
        T(a11_orders_whose_effect_may_be_there_are_read_back),
        T(crashes_within_the_hour_are_counted_and_a_clean_end_is_none),
        T(a_file_that_is_no_database_is_moved_aside_and_history_begins_anew),
        T(damaged_pages_are_found_at_the_next_start),
        T(cut_short_or_with_a_broken_head_it_is_moved_aside),
        T(a_directory_in_its_place_is_refused_in_words),
        T(a_newer_schema_is_refused_and_the_file_left_as_it_is),
        T(pages_that_break_in_mid_run_are_found_and_the_state_begins_anew),
        T(a_directory_that_cannot_be_written_is_an_io_error),
        T(a_read_only_directory_is_an_io_error),
        T(a_journal_in_a_read_only_directory_can_be_read),
        T(a_second_writer_is_refused),
        T(a_full_disk_is_an_io_error_and_writing_goes_on_when_there_is_room_again),
        T(a_write_that_the_system_refuses_is_an_io_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
