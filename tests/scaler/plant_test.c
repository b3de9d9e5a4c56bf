// Each invariant trips on its planted bug (safety.md section 2), in the whole daemon against the virtual AWS.
//
// A bug wraps one step of the tick. Most sit above the invariants (plant_outer): the plan is judged, then something else is done.
// Bugs of the planner itself sit below (plant). Some bugs break a second promise by their nature: the table names it, and
// anything else that trips fails the test.
#include "tests/cm.h"

#include "planner/drain.h"
#include "scaler/aws/aws.h"
#include "scaler/rig.h"

#define MASK(v) (UINT64_C(1) << (v))
enum { CELLS = 4, MINUTES_MAX = 360 };

struct bug {
    const char *story;
    enum invariant trips;
    uint64_t also;                     // MASK of those that break with it
    uint64_t seed;
    bool inside;                       // below the invariants
    int (*gather)(void *arg, struct tick_frame *f, struct snapshot *ret, struct err *err);
    int (*plan)(void *arg, struct tick_frame *f, const struct planner_input *in, struct planner_result *ret, struct err *err);
    int (*intent)(void *arg, struct tick_frame *f, int action, int64_t *ret_intent, struct err *err);
    int (*apply)(void *arg, struct tick_frame *f, const struct action *a, struct err *err);
};

struct cell_plant {
    struct tick_ops inner;
    struct garden *garden;
    int done;                          // how often the bug has bitten
    int64_t last_intent;
};

struct garden {
    const struct bug *bug;
    struct rig rig;
    struct cell_plant cells[CELLS];
    int used;
};

// ---- steps that pass through ----------------------------------------------------------------------------------------------

#define INNER(arg) (((struct cell_plant *)(arg))->inner)
static int t_gather(void *arg, struct tick_frame *f, struct snapshot *ret, struct err *err)
{
    return INNER(arg).gather(INNER(arg).arg, f, ret, err);
}
static int t_plan(void *arg, struct tick_frame *f, const struct planner_input *in, struct planner_result *ret, struct err *err)
{
    return INNER(arg).plan(INNER(arg).arg, f, in, ret, err);
}
static int t_begin(void *arg, struct tick_frame *f, struct err *err)
{
    return INNER(arg).begin(INNER(arg).arg, f, err);
}
static int t_recheck(void *arg, struct tick_frame *f, const struct action *a, struct err *err)
{
    return INNER(arg).recheck(INNER(arg).arg, f, a, err);
}
static int t_intent(void *arg, struct tick_frame *f, int action, int64_t *ret_intent, struct err *err)
{
    return INNER(arg).intent(INNER(arg).arg, f, action, ret_intent, err);
}
static int t_apply(void *arg, struct tick_frame *f, const struct action *a, struct err *err)
{
    return INNER(arg).apply(INNER(arg).arg, f, a, err);
}
static int t_outcome(void *arg, struct tick_frame *f, int action, int64_t intent, enum outcome_kind kind, const struct err *of_call, struct err *err)
{
    return INNER(arg).outcome(INNER(arg).arg, f, action, intent, kind, of_call, err);
}
static int t_record(void *arg, struct tick_frame *f, struct err *err)
{
    return INNER(arg).record(INNER(arg).arg, f, err);
}
static void t_publish(void *arg, struct tick_frame *f)
{
    INNER(arg).publish(INNER(arg).arg, f);
}

static void plant(void *arg, struct tick_ops *ops)
{
    struct garden *g = arg;
    struct cell_plant *c = &g->cells[g->used++];
    const struct bug *b = g->bug;
    *c = (struct cell_plant){.inner = *ops, .garden = g};
    *ops = (struct tick_ops){.arg = c, .gather = b->gather ? b->gather : t_gather, .plan = b->plan ? b->plan : t_plan, .begin = t_begin,
                             .recheck = t_recheck, .intent = b->intent ? b->intent : t_intent, .apply = b->apply ? b->apply : t_apply,
                             .outcome = t_outcome, .record = t_record, .publish = t_publish};
}

// ---- tools of the gardener ------------------------------------------------------------------------------------------------

// A plan's actions are made by the planner with room of its own; ours need a larger array.
static void make_room(struct tick_frame *f, struct plan *p, size_t more)
{
    struct action *v = arena_array(f->arena, struct action, p->action_count + more);
    if (p->action_count > 0)
        memcpy(v, p->actions, p->action_count * sizeof *v);
    p->actions = v;
    p->action_cap = p->action_count + more;
}

static int push(struct tick_frame *f, struct plan *p, enum action_kind kind, const struct snapshot *s, int instance, int after)
{
    p->actions[p->action_count] = (struct action){.kind = kind, .target = s->instances[instance].id, .instance = instance,
                                                  .fleet = s->instances[instance].fleet, .after = after, .fact = "planted", .verdict = "bug",
                                                  .value = drain_mark_format(f->arena, s->now_ms, "planted")};
    return (int)p->action_count++;
}

static void push_drain(struct tick_frame *f, struct plan *p, const struct snapshot *s, int instance)
{
    make_room(f, p, 2);
    int mark = push(f, p, ACTION_MARK, s, instance, -1);
    push(f, p, ACTION_DRAIN, s, instance, mark);
}

static int tasks_on(const struct snapshot *s, int instance, bool standalone)
{
    int count = 0;
    for (size_t h = 0; h < s->instances[instance].holding_count; h++) {
        const struct holding *x = &s->instances[instance].holdings[h];
        bool daemon = x->service >= 0 && s->services[x->service].kind == SERVICE_DAEMON;
        if (!daemon && (x->service < 0) == standalone)
            count += x->running + x->pending;
    }
    return count;
}

static bool usable(const struct instance *i)
{
    return i->ecs == ECS_ACTIVE && i->ec2 == EC2_RUNNING && i->notice_ms == 0 && i->mark[0] == '\0' && i->fleet >= 0;
}

static int call_inner_plan(struct cell_plant *c, struct tick_frame *f, const struct planner_input *in, struct planner_result *ret, struct err *err)
{
    return c->inner.plan(c->inner.arg, f, in, ret, err);
}

// ---- the bugs -------------------------------------------------------------------------------------------------------------

static int v1_terminate_without_the_last_look(void *arg, struct tick_frame *f, const struct planner_input *in, struct planner_result *ret, struct err *err)
{
    struct cell_plant *c = arg;
    int rc = call_inner_plan(c, f, in, ret, err);
    for (size_t i = 0; rc == 0 && i < in->snapshot->instance_count; i++)
        if (in->snapshot->instances[i].ecs == ECS_DRAINING && in->snapshot->instances[i].mark[0] && tasks_on(in->snapshot, (int)i, false) > 0 && c->done == 0) {
            make_room(f, &ret->plan, 1);
            push(f, &ret->plan, ACTION_TERMINATE, in->snapshot, (int)i, -1);
            c->done++;
        }
    return rc;
}

static int v2_mark_after_draining(void *arg, struct tick_frame *f, const struct planner_input *in, struct planner_result *ret, struct err *err)
{
    int rc = call_inner_plan(arg, f, in, ret, err);
    for (size_t i = 0; rc == 0 && i + 1 < ret->plan.action_count; i++) {
        struct action *a = &ret->plan.actions[i];
        if (a[0].kind != ACTION_MARK || a[1].kind != ACTION_DRAIN)
            continue;
        struct action mark = a[0];
        a[0] = a[1];
        a[0].after = -1;
        a[1] = mark;
    }
    return rc;
}

static void on_raw(void *arg, const struct aws_response *r)
{
    *(enum err_kind *)arg = r->err.kind;
}

static int v3_omit_the_policy(void *arg, struct tick_frame *f, const struct action *a, struct err *err)
{
    struct cell_plant *c = arg;
    if (a->kind != ACTION_SET_TARGET || a->capacity >= a->target_before)
        return c->inner.apply(c->inner.arg, f, a, err);
    char body[256];
    enum err_kind kind = ERR_TRANSIENT;
    snprintf(body, sizeof body, "Action=ModifySpotFleetRequest&Version=2016-11-15&SpotFleetRequestId=%s&TargetCapacity=%" PRId64, a->target, a->capacity);
    struct aws_request r = {.service = AWS_EC2, .operation = "ModifySpotFleetRequest", .body = slice_of(body), .mutating = true};
    struct aws_clients *clients = loop_clients(c->garden->rig.loop);
    aws_submit(aws_clients_at(clients, 0), &r, on_raw, &kind);
    aws_run(clients, clock_wall_ms(&c->garden->rig.clock) + 9000);
    return kind == ERR_OK ? 0 : err_set(err, kind, "refused");
}

static int v4_target_minus_weight(void *arg, struct tick_frame *f, const struct planner_input *in, struct planner_result *ret, struct err *err)
{
    int rc = call_inner_plan(arg, f, in, ret, err);
    for (size_t i = 0; rc == 0 && i < ret->plan.action_count; i++) {
        struct action *a = &ret->plan.actions[i];
        if (a->kind == ACTION_SET_TARGET && a->capacity < a->target_before && a->capacity > 3)
            a->capacity -= 3;
    }
    return rc;
}

static int v5_skip_the_protection_read(void *arg, struct tick_frame *f, const struct planner_input *in, struct planner_result *ret, struct err *err)
{
    struct cell_plant *c = arg;
    int rc = call_inner_plan(c, f, in, ret, err);
    for (size_t i = 0; rc == 0 && i < in->snapshot->instance_count && c->done == 0; i++) {
        bool protected_ = false;
        for (size_t h = 0; h < in->snapshot->instances[i].holding_count; h++)
            protected_ |= in->snapshot->instances[i].holdings[h].protected_ > 0;
        if (usable(&in->snapshot->instances[i]) && (protected_ || tasks_on(in->snapshot, (int)i, true) > 0)) {
            push_drain(f, &ret->plan, in->snapshot, (int)i);
            c->done++;
        }
    }
    return rc;
}

static int v6_count_drains_one_by_one(void *arg, struct tick_frame *f, const struct planner_input *in, struct planner_result *ret, struct err *err)
{
    struct cell_plant *c = arg;
    int rc = call_inner_plan(c, f, in, ret, err);
    if (rc != 0 || c->done++ != 4)
        return rc;
    for (size_t i = 0; i < in->snapshot->instance_count; i++)
        if (usable(&in->snapshot->instances[i]) && tasks_on(in->snapshot, (int)i, true) == 0)
            push_drain(f, &ret->plan, in->snapshot, (int)i);
    return rc;
}

static int v7_pack_on_coming_capacity(void *arg, struct tick_frame *f, const struct planner_input *in, struct planner_result *ret, struct err *err)
{
    struct cell_plant *c = arg;
    int rc = call_inner_plan(c, f, in, ret, err), fullest = -1;
    if (rc != 0 || c->done++ % 20 != 4)
        return rc;
    for (size_t i = 0; i < in->snapshot->instance_count; i++)
        if (usable(&in->snapshot->instances[i]) && tasks_on(in->snapshot, (int)i, true) == 0 &&
            (fullest < 0 || tasks_on(in->snapshot, (int)i, false) > tasks_on(in->snapshot, fullest, false)))
            fullest = (int)i;
    if (fullest >= 0)
        push_drain(f, &ret->plan, in->snapshot, fullest);
    return rc;
}

static int v10_gather_that_fails(void *arg, struct tick_frame *f, struct snapshot *ret, struct err *err)
{
    struct cell_plant *c = arg;
    int rc = c->inner.gather(c->inner.arg, f, ret, err);
    if (rc == 0 && c->done++ > 20)
        ret->sources[SOURCE_SERVICES] = (struct source){.state = SOURCE_UNKNOWN, .read_ms = ret->now_ms, .detail = "planted"};
    return rc;
}

static int v10_treat_an_error_as_empty(void *arg, struct tick_frame *f, const struct planner_input *in, struct planner_result *ret, struct err *err)
{
    struct snapshot blind = *in->snapshot;
    for (int k = 0; k < SOURCE_COUNT; k++)
        blind.sources[k] = (struct source){.state = SOURCE_OK, .read_ms = blind.now_ms, .detail = ""};
    struct planner_input doctored = *in;
    doctored.snapshot = &blind;
    return call_inner_plan(arg, f, &doctored, ret, err);
}

static int v17_decide_by_something_else(void *arg, struct tick_frame *f, const struct planner_input *in, struct planner_result *ret, struct err *err)
{
    static int calls;
    int rc = call_inner_plan(arg, f, in, ret, err);
    if (rc == 0 && ret->plan.verdict_count > 0)
        ret->plan.verdicts[0].fact = arena_printf(f->arena, "call %d", calls++);
    return rc;
}

// A drain is undone where it should end, and the target stays as low as it was made.
static int v23_leave_the_target_low(void *arg, struct tick_frame *f, const struct planner_input *in, struct planner_result *ret, struct err *err)
{
    struct cell_plant *c = arg;
    int rc = call_inner_plan(c, f, in, ret, err);
    if (rc != 0)
        return rc;
    struct plan *p = &ret->plan;
    if (c->done >= 2) {
        p->action_count = 0;
        return 0;
    }
    for (size_t i = 0; i < p->action_count; i++)
        if (p->actions[i].kind == ACTION_TERMINATE) {
            int instance = p->actions[i].instance;
            p->action_count = 0;
            make_room(f, p, 2);
            int undo = push(f, p, ACTION_UNDRAIN, in->snapshot, instance, -1);
            push(f, p, ACTION_UNMARK, in->snapshot, instance, undo);
            c->done++;
            return 0;
        }
    return 0;
}

static int v24_forget_a_drain(void *arg, struct tick_frame *f, const struct planner_input *in, struct planner_result *ret, struct err *err)
{
    struct cell_plant *c = arg;
    int rc = call_inner_plan(c, f, in, ret, err);
    if (rc != 0)
        return rc;
    struct plan *p = &ret->plan;
    for (size_t i = 0; i < ret->memo.drain_count; i++)
        ret->memo.drains[i].reported_ms = 0;
    if (c->done)
        p->action_count = 0;
    for (size_t i = 0; i < p->action_count; i++)
        c->done |= p->actions[i].kind == ACTION_DRAIN;
    return 0;
}

static int v26_skip_in_silence(void *arg, struct tick_frame *f, const struct planner_input *in, struct planner_result *ret, struct err *err)
{
    int rc = call_inner_plan(arg, f, in, ret, err);
    for (size_t i = 0; rc == 0 && i < ret->plan.verdict_count; i++)
        if (ret->plan.verdicts[i].kind == CANDIDATE_INSTANCE) {
            ret->plan.verdicts[i] = ret->plan.verdicts[--ret->plan.verdict_count];
            break;
        }
    return rc;
}

static int v27_no_intent_yet(void *arg, struct tick_frame *f, int action, int64_t *ret_intent, struct err *err)
{
    (void)arg;
    (void)f;
    (void)action;
    (void)err;
    *ret_intent = 0;
    return 0;
}

static int v27_write_after(void *arg, struct tick_frame *f, const struct action *a, struct err *err)
{
    struct cell_plant *c = arg;
    int rc = c->inner.apply(c->inner.arg, f, a, err);
    struct err ignored = {0};
    c->inner.intent(c->inner.arg, f, (int)(a - f->result.plan.actions), &c->last_intent, &ignored);
    return rc;
}

// V18 and V25 are the sim's own tests' business; V8 comes along where many drains begin at once.
static const struct bug BUGS[] = {
    {"terminate without the last look", V1, MASK(V2) | MASK(V3) | MASK(V24), 7, .plan = v1_terminate_without_the_last_look},
    {"mark after DRAINING", V2, 0, 7, .plan = v2_mark_after_draining},
    {"omit the policy", V3, MASK(V1) | MASK(V2) | MASK(V23), 7, .apply = v3_omit_the_policy},
    {"target minus weight", V4, MASK(V23), 7, .plan = v4_target_minus_weight},
    {"skip the protection read", V5, MASK(V7) | MASK(V8) | MASK(V6), 7, .plan = v5_skip_the_protection_read},
    {"count drains one by one", V6, MASK(V5) | MASK(V7) | MASK(V8) | MASK(V24) | MASK(V33), 7, .plan = v6_count_drains_one_by_one},
    {"pack on coming capacity", V7, MASK(V5) | MASK(V6) | MASK(V8) | MASK(V33), 7, .plan = v7_pack_on_coming_capacity},
    {"treat an error as empty", V10, MASK(V17), 7, .inside = true, .plan = v10_treat_an_error_as_empty, .gather = v10_gather_that_fails},
    {"decide by something else", V17, 0, 7, .inside = true, .plan = v17_decide_by_something_else},
    {"leave the target low", V23, MASK(V4), 7, .plan = v23_leave_the_target_low},
    {"forget a drain", V24, 0, 7, .plan = v24_forget_a_drain},
    {"skip in silence", V26, MASK(V17), 7, .inside = true, .plan = v26_skip_in_silence},
    {"write the intent after the call", V27, 0, 7, .intent = v27_no_intent_yet, .apply = v27_write_after},
};

// ---- the test -------------------------------------------------------------------------------------------------------------

static void impatient(struct policy_cluster *c)
{
    c->start_hold_ms = 120000;
    c->unneeded_ms = 0;
    c->min_age_ms = 60000;
}

static void trips_on_its_planted_bug(void **state)
{
    struct garden g = {.bug = *state};
    struct rig_options o = {.seed = g.bug->seed, .settings = impatient, .plant_arg = &g, .intents = fopen("/dev/null", "w")};
    struct err err = {0};
    if (g.bug->inside)
        o.plant = plant;
    else
        o.plant_outer = plant;
    assert_int_equal(rig_open(&o, &g.rig, &err), 0);
    const struct invariants *inv = g.rig.invariants[0];
    for (int minute = 10; minute <= MINUTES_MAX && invariants_count_of(inv, g.bug->trips) == 0; minute += 10)
        loop_run(g.rig.loop, g.rig.start_ms + minute * 60000);
    assert_true(invariants_count_of(inv, g.bug->trips) > 0);
    for (int v = 1; v < V_LIMIT; v++)
        if (v != (int)g.bug->trips && !(g.bug->also & MASK(v)) && invariants_count_of(inv, (enum invariant)v) > 0) {
            size_t n;
            const struct violation *list = invariants_list(inv, &n);
            for (size_t i = 0; i < n; i++)
                print_error("V%d %s\n", (int)list[i].id, list[i].text);
            fail_msg("V%d tripped, too", v);
        }
    rig_close(&g.rig);
    fclose(o.intents);
}

int main(void)
{
    struct CMUnitTest tests[sizeof BUGS / sizeof *BUGS];
    for (size_t i = 0; i < sizeof BUGS / sizeof *BUGS; i++)
        tests[i] = (struct CMUnitTest){.name = BUGS[i].story, .test_func = trips_on_its_planted_bug, .initial_state = (void *)&BUGS[i]};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
