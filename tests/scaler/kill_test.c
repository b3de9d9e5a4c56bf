// I1: the daemon is a process of its own and is killed hard at random moments of a scale-in, again and again, with and without its
// disk; a separate virtual AWS goes on.
//
// The parent holds the world, its invariants and the socket. V27 is left out: the victim's journal is not ours to see.
// MASU_KILLS says how often (5; `./dev test --full` asks for 50). World time is wall time many times over: where the machine lets a
// living daemon ask nothing for so long that its deadlines pass, the run shows the machine's haste and is made again, slower.
#include "tests/cm.h"

#include <spawn.h>

#include "base/json.h"
#include "base/parse.h"
#include "base/rng.h"
#include "scaler/rig.h"
#include "scaler/sandbox/listener.h"
#include "tests/scaler/hasty.h"

enum { LIVES = 5, SPEED = 100, SPEED_MIN = 25, CHANGES_MAX = 4096, OPERATIONS_MAX = 64 };
enum { DEADLINE_MS = 300000, SILENCE_MS = 40000 };  // of a hasty daemon: of its drains; four of its periods

static const char *victim_path;

struct site {
    struct rig rig;
    struct listener *listener;
    int speed;
    int64_t calls, heard_ms, silence_ms;  // asked of AWS so far; the last of it, and the longest pause of a living daemon; world time
    char folder[64], policy[128], state[128];
};

static void write_policy(struct site *s)
{
    struct buf out;
    buf_init(&out, 1 << 20);
    for (size_t i = 0; i < s->rig.policy.cluster_count; i++)
        s->rig.policy.clusters[i].start_hold_ms = 1800000;  // the file knows bounds; the victim is hasty by itself
    json_t *j = policy_to_json(&s->rig.policy);
    json_write(j, &out);
    json_decref(j);
    FILE *f = fopen(s->policy, "w");
    assert_non_null(f);
    fputs(buf_str(&out), f);
    fclose(f);
    buf_release(&out);
}

static void site_open(int speed, struct site *s)
{
    struct err err = {0};
    *s = (struct site){.speed = speed};
    if (rig_open(&(struct rig_options){.seed = 5, .speed = speed, .daemon_elsewhere = true, .settings = hasty}, &s->rig, &err) != 0)
        fail_msg("%s", err.msg);
    if (listener_start(s->rig.sandbox, "127.0.0.1", 0, &s->listener, &err) != 0)
        fail_msg("%s", err.msg);
    snprintf(s->folder, sizeof s->folder, "/tmp/masu-kill-XXXXXX");
    assert_non_null(mkdtemp(s->folder));
    snprintf(s->policy, sizeof s->policy, "%s/policy.json", s->folder);
    snprintf(s->state, sizeof s->state, "%s/state.db", s->folder);
    write_policy(s);
}

static void forget_disk(struct site *s)
{
    static const char *const TAILS[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < ARRAY_LEN(TAILS); i++) {
        char path[160];
        snprintf(path, sizeof path, "%s%s", s->state, TAILS[i]);
        unlink(path);
    }
}

static void site_close(struct site *s)
{
    listener_stop(s->listener);
    rig_close(&s->rig);
    forget_disk(s);
    unlink(s->policy);
    rmdir(s->folder);
}

static int64_t now_ms(struct site *s)
{
    return clock_wall_ms(&s->rig.clock);
}

static pid_t start_victim(struct site *s)
{
    char endpoint[64], virtual_ms[32], real_ms[32], speed[16], key[96], secret[96];
    snprintf(endpoint, sizeof endpoint, "AWS_ENDPOINT_URL=http://127.0.0.1:%d", listener_port(s->listener));
    snprintf(key, sizeof key, "AWS_ACCESS_KEY_ID=%s", SANDBOX_KEY_ID);
    snprintf(secret, sizeof secret, "AWS_SECRET_ACCESS_KEY=%s", SANDBOX_SECRET);
    snprintf(virtual_ms, sizeof virtual_ms, "%" PRId64, s->rig.clock.base_virtual_ms);
    snprintf(real_ms, sizeof real_ms, "%" PRId64, s->rig.clock.base_real_ms);
    snprintf(speed, sizeof speed, "%d", s->speed);
    char *argv[] = {(char *)victim_path, s->policy, s->state, virtual_ms, real_ms, speed, NULL};
    char *env[] = {endpoint, key, secret, "AWS_REGION=us-east-1", "ASAN_OPTIONS=detect_leaks=0", NULL};
    pid_t pid;
    assert_int_equal(posix_spawn(&pid, victim_path, NULL, NULL, argv, env), 0);
    s->heard_ms = now_ms(s);
    return pid;
}

static void listen_for_it(struct site *s)
{
    struct sandbox_call_count counts[OPERATIONS_MAX];
    int64_t calls = 0;
    for (size_t i = 0, n = sandbox_calls(s->rig.sandbox, counts, OPERATIONS_MAX); i < n; i++)
        calls += counts[i].calls;
    int64_t now = now_ms(s);
    if (now - s->heard_ms > s->silence_ms)
        s->silence_ms = now - s->heard_ms;
    if (calls != s->calls)
        s->heard_ms = now;
    s->calls = calls;
}

static void let_pass(struct site *s, int64_t world_ms)
{
    int64_t until_ms = now_ms(s) + world_ms;
    while (now_ms(s) < until_ms) {
        sandbox_sync(s->rig.sandbox);
        listen_for_it(s);
        usleep(20000);
    }
}

static int64_t count_drains(struct site *s)
{
    struct rig_figures f;
    rig_figures(&s->rig, &f);
    return f.sum.drains_begun;
}

// Until it begins a drain, at most eight minutes; then some steps of that drain go by, or none.
static void let_drain(struct site *s, struct rng *rng)
{
    int64_t had = count_drains(s);
    for (int waited_ms = 0; waited_ms < 480000 && count_drains(s) == had; waited_ms += 1000)
        let_pass(s, 1000);
    let_pass(s, rng_between(rng, 0, 90000));
}

static void end_victim(pid_t pid, int signal_number)
{
    int status;
    kill(pid, signal_number);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (signal_number == SIGTERM) {
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    }
}

static void check_world(struct site *s)
{
    struct rig_figures f;
    rig_figures(&s->rig, &f);
    const struct invariants *inv = s->rig.invariants[0];
    size_t n;
    const struct violation *list = invariants_list(inv, &n);
    int64_t journal = invariants_count_of(inv, V27);
    for (size_t i = 0; i < n; i++)
        if (list[i].id != V27)
            print_error("V%d %s\n", (int)list[i].id, list[i].text);
    assert_int_equal(invariants_count(inv) - journal, 0);
    assert_int_equal(f.sum.tasks_killed, 0);
    print_message("%" PRId64 " drains begun, %" PRId64 " finished, %" PRId64 " undone\n", f.sum.drains_begun, f.sum.drains_finished, f.sum.drains_undone);
    assert_true(f.sum.drains_begun > 0 && f.sum.drains_finished > 0);
}

// Instances that ours ended; none is ended twice, and none that was not drained before (the world's invariants see to the order).
static int count_ended(struct site *s)
{
    static struct sandbox_change changes[CHANGES_MAX];
    size_t count = sandbox_changes(s->rig.sandbox, changes, CHANGES_MAX);
    int ended = 0;
    assert_true(count < CHANGES_MAX);  // else the oldest are forgotten
    for (size_t i = 0; i < count; i++) {
        if (strcmp(changes[i].operation, "ec2:TerminateInstances") != 0 || changes[i].error[0])
            continue;
        ended++;
        for (size_t k = i + 1; k < count; k++)
            assert_false(strcmp(changes[k].operation, "ec2:TerminateInstances") == 0 && strcmp(changes[k].target, changes[i].target) == 0);
    }
    return ended;
}

// Each drain that is older than its deadline has ended: its instance is gone, or is ACTIVE without our mark.
static void check_drains(struct site *s)
{
    sandbox_lock(s->rig.sandbox);
    struct world_view v = world_view(s->rig.worlds[0]);
    for (int n = 0; n < v.instance_count; n++) {
        const struct world_instance *i = &v.instances[n];
        bool open = i->used && i->state.now <= WL_RUNNING && i->notice_ms == 0 && world_tag_value(i->tags, i->tag_count, "masu:drain");
        if (open && v.now_ms - i->status.changed_ms > DEADLINE_MS + 2 * 60000)
            fail_msg("%s bears our mark for %" PRId64 " s", i->id, (v.now_ms - i->status.changed_ms) / 1000);
    }
    sandbox_unlock(s->rig.sandbox);
}

static int lives(void)
{
    const char *asked = getenv("MASU_KILLS");
    int64_t n = LIVES;
    if (asked && !parse_i64(slice_of(asked), &n))
        fail_msg("MASU_KILLS is no number: %s", asked);
    return (int)n;
}

// Killed in the middle of a drain, again and again; its last life is long enough to end what was begun.
static void live_and_die(int speed, struct site *s)
{
    struct rng rng;
    rng_init(&rng, 17);
    site_open(speed, s);
    for (int life = 0; life < lives(); life++) {
        pid_t pid = start_victim(s);
        let_drain(s, &rng);
        end_victim(pid, SIGKILL);
        if (life % 3 == 2)
            forget_disk(s);
    }
    pid_t pid = start_victim(s);
    let_pass(s, 20 * 60000);
    end_victim(pid, SIGTERM);
}

static void i1_killed_hard_at_any_moment_with_and_without_its_disk_it_goes_on_where_it_was(void **state)
{
    (void)state;
    struct site s;
    live_and_die(SPEED, &s);
    while (s.silence_ms > SILENCE_MS && s.speed / 2 >= SPEED_MIN) {
        print_message("at %d times the speed it asked nothing for %" PRId64 " s of its time: again at half of it\n", s.speed, s.silence_ms / 1000);
        int speed = s.speed / 2;
        site_close(&s);
        live_and_die(speed, &s);
    }
    print_message("at %d times the speed, never silent for more than %" PRId64 " s\n", s.speed, s.silence_ms / 1000);
    check_drains(&s);
    check_world(&s);
    assert_true(count_ended(&s) > 0);
    site_close(&s);
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 64;
    victim_path = argv[1];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(i1_killed_hard_at_any_moment_with_and_without_its_disk_it_goes_on_where_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
