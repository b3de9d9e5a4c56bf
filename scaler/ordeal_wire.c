#include "scaler/ordeal_wire.h"

#include "base/check.h"
#include "scaler/rig.h"
#include "scaler/sandbox/inproc.h"

#define MINUTE_MS 60000
enum { TURN_MS = 5000, CALLS_MAX = 256, EACH_MINUTE = 6, OPERATIONS_MAX = 9, NOTICE_MS = 30000 };

struct wire {
    struct rig rig;
    struct faults faults;
    int64_t start_ms, ticks;       // ticks: of lives that ended
    int64_t off_ms;                // of the wall clock of the daemons' machine
    bool two;
};

// ---- faults of calls ------------------------------------------------------------------------------------------------------------

static const char *const OPERATIONS[FAULT_PARTS][OPERATIONS_MAX + 1] = {
    {"ecs:DescribeContainerInstances", "ecs:ListContainerInstances", NULL},
    {"ecs:DescribeServices", "ecs:ListServices", NULL},
    {"ecs:DescribeTasks", "ecs:ListTasks", NULL},
    {"ec2:DescribeInstances", NULL},
    {"ec2:DescribeSpotFleetRequests", "ec2:DescribeFleets", "autoscaling:DescribeAutoScalingGroups", NULL},
    {"ecs:UpdateContainerInstancesState", "ec2:ModifySpotFleetRequest", "ec2:ModifyFleet", "ec2:TerminateInstances", "ec2:CreateTags", "ec2:DeleteTags",
     "ec2:CreateFleet", "autoscaling:SetDesiredCapacity", "autoscaling:TerminateInstanceInAutoScalingGroup", NULL},
};

static void add(struct wire *w, const char *operation, enum sandbox_fault_kind kind, int countdown, int repeat)
{
    struct err full;
    (void)sandbox_add_fault(w->rig.sandbox, &(struct sandbox_fault){operation, kind, countdown, repeat}, &full);  // 64 at once are enough
}

static void add_part(struct wire *w, int part, enum sandbox_fault_kind kind, int countdown, int repeat)
{
    for (int k = 0; OPERATIONS[part][k]; k++)
        add(w, OPERATIONS[part][k], kind, countdown, repeat);
}

// Some calls of the minute, with others between.
static void add_some(struct wire *w, const char *operation, enum sandbox_fault_kind kind, enum sandbox_fault_kind other)
{
    for (int k = 0; k < EACH_MINUTE; k++)
        add(w, operation, k % 2 ? other : kind, 2 * k, 1);
}

static void arm(struct wire *w, const struct fault *f)
{
    switch (f->kind) {
    case FAULT_THROTTLE:
        add_part(w, f->target, SANDBOX_FAULT_THROTTLE, 0, -1);
        return;
    case FAULT_ERRORS:
        add_some(w, "e*:*", SANDBOX_FAULT_500, SANDBOX_FAULT_503);
        return;
    case FAULT_LOST:
        add_part(w, FAULT_WRITES, SANDBOX_FAULT_TIMEOUT_AFTER, (int)(f->chance % 2), 1);
        return;
    case FAULT_TRUNCATED:
        add_some(w, "e*:*", SANDBOX_FAULT_TRUNCATED, SANDBOX_FAULT_GARBAGE);
        return;
    case FAULT_PARTIAL:
        add_part(w, f->target, f->target < 3 ? SANDBOX_FAULT_PARTIAL : SANDBOX_FAULT_EMPTY_PAGE, 0, -1);
        return;
    case FAULT_STALE:
        sandbox_set_read_lag(w->rig.sandbox, f->amount_ms);
        return;
    case FAULT_DEAF:
        sandbox_set_events(w->rig.sandbox, &(struct sandbox_event_options){.delay_min_ms = 100, .delay_max_ms = 700, .drop_permille = 1000});
        return;
    case FAULT_TWICE:
        sandbox_set_events(w->rig.sandbox, &(struct sandbox_event_options){.delay_min_ms = 100, .delay_max_ms = 20000, .double_permille = 1000});
        return;
    case FAULT_TWO:
        w->two = true;
        return;
    case FAULT_CLOCK:
        w->off_ms += f->amount_ms;
        return;
    case FAULT_RESTART:
    case FAULT_FRESH_DISK:
    case FAULT_DROUGHT:
    case FAULT_KIND_COUNT:
        break;
    }
}

static int64_t since_ms(const struct wire *w)
{
    return clock_wall_ms(&w->rig.clock) - w->start_ms;
}

// What holds in the minute that begins, anew each time.
static void arm_all(struct wire *w)
{
    sandbox_clear_faults(w->rig.sandbox);
    sandbox_set_read_lag(w->rig.sandbox, 0);
    sandbox_set_events(w->rig.sandbox, &(struct sandbox_event_options){.delay_min_ms = 100, .delay_max_ms = 700});
    w->two = false;
    w->off_ms = 0;
    for (size_t i = 0; i < w->faults.count; i++) {
        const struct fault *f = &w->faults.v[i];
        if (since_ms(w) < f->at_ms || since_ms(w) >= f->at_ms + f->for_ms)
            continue;
        arm(w, f);
        if (f->kind <= FAULT_PARTIAL)
            invariants_hindered(w->rig.invariants[0]);
    }
}

// ---- faults of the daemon and the market ------------------------------------------------------------------------------------------

static void dry(struct wire *w, const struct fault *f)
{
    sandbox_lock(w->rig.sandbox);
    struct world_view v = world_view(w->rig.worlds[0]);
    for (int p = 0; p < v.pool_count; p++)
        if (f->target < 0 || v.pools[p].zone == f->target)
            world_set_shortage(w->rig.worlds[0], p, v.now_ms + f->for_ms);
    sandbox_unlock(w->rig.sandbox);
}

static int begin(struct wire *w, int64_t from_ms, int64_t to_ms, struct err *err)
{
    int rc = 0;
    for (size_t i = 0; i < w->faults.count && rc == 0; i++) {
        const struct fault *f = &w->faults.v[i];
        if (f->at_ms <= from_ms || f->at_ms > to_ms)
            continue;
        bool ends = f->kind == FAULT_RESTART || f->kind == FAULT_FRESH_DISK;
        w->ticks += ends ? loop_ticks(w->rig.loop) : 0;
        if (ends)
            rc = rig_restart(&w->rig, f->kind == FAULT_RESTART, err);
        if (f->kind == FAULT_DROUGHT)
            dry(w, f);
    }
    return rc;
}

// One daemon, or two in turns.
static int run_to(struct wire *w, int64_t to_ms, struct err *err)
{
    int rc = rig_second(&w->rig, w->two, err);
    inproc_step_clock(w->rig.transport, w->off_ms);
    if (w->rig.second.transport)
        inproc_step_clock(w->rig.second.transport, w->off_ms);
    for (int64_t now_ms = clock_wall_ms(&w->rig.clock); w->two && rc == 0 && now_ms < to_ms; now_ms = clock_wall_ms(&w->rig.clock)) {
        int64_t turn_ms = now_ms + TURN_MS < to_ms ? now_ms + TURN_MS : to_ms;
        loop_run(now_ms / TURN_MS % 2 ? w->rig.second.loop : w->rig.loop, turn_ms);
    }
    if (rc == 0)
        loop_run(w->rig.loop, to_ms);
    return rc;
}

static void settings(struct policy_cluster *c)
{
    c->headroom_task_count = 0;
}

static int64_t failed_calls(struct wire *w)
{
    struct sandbox_call_count calls[CALLS_MAX];
    size_t n = sandbox_calls(w->rig.sandbox, calls, CALLS_MAX);
    int64_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += calls[i].errors + calls[i].throttled;
    return sum;
}

int ordeal_wire_run(const struct ordeal *o, struct ordeal_result *ret, struct err *err)
{
    struct arena a;
    struct world_options options;
    struct wire w = {.two = false};
    struct sandbox_options sandbox = {.seed = o->seed};
    arena_init(&a, 0);
    ordeal_world(o, &options);
    w.start_ms = options.start_ms;
    w.faults = ordeal_faults(o, &a);
    FILE *intents = fopen("/dev/null", "w");
    struct rig_options r = {.seed = o->seed, .world = &options, .sandbox = &sandbox, .settings = settings, .events = true, .notice_ms = NOTICE_MS, .intents = intents};
    int rc = intents ? rig_open(&r, &w.rig, err) : err_set(err, ERR_IO, "/dev/null cannot be opened");
    bool opened = rc == 0;
    for (int64_t at_ms = 0; rc == 0 && at_ms < o->for_ms;) {
        int64_t to_ms = at_ms + MINUTE_MS < o->for_ms ? at_ms + MINUTE_MS : o->for_ms;
        arm_all(&w);
        rc = run_to(&w, w.start_ms + to_ms, err);
        if (rc == 0)
            rc = begin(&w, at_ms, to_ms, err);
        at_ms = to_ms;
    }
    if (rc == 0) {
        struct rig_figures f;
        rig_finish(&w.rig);
        rig_figures(&w.rig, &f);
        *ret = (struct ordeal_result){.ticks = w.ticks + f.ticks, .faults_met = failed_calls(&w), .launches = world_view(w.rig.worlds[0]).counters->launches,
                                      .drains = f.sum.drains_begun, .interruptions = f.sum.interruptions, .tasks_killed = f.sum.tasks_killed};
        ordeal_judge(w.rig.invariants[0], w.start_ms, ret);
    }
    if (opened)
        rig_close(&w.rig);
    if (intents)
        fclose(intents);
    arena_release(&a);
    return rc;
}
