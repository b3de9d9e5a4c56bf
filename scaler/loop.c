#include "scaler/loop.h"

#include "base/check.h"
#include "planner/drain.h"
#include "policies/policy_change.h"
#include "scaler/api_rows.h"
#include "scaler/cell.h"
#include "scaler/desk.h"
#include "scaler/ears.h"
#include "scaler/foresight.h"
#include "scaler/webhook.h"

enum { CLUSTERS_MAX = 256, REPORT_MAX_BYTES = 1 << 20, POLICY_MAX_BYTES = 64 << 20, CRASHES_MAX = 3 };
#define CRASH_HOLD_MS 3600000
#define POLICY_HOLD_MS 600000
#define URGENT_GAP_MS 5000
#define USAGE_WAIT_MS 12000  // of one tick alone

struct loop {
    struct loop_options o;
    struct clock *clock;
    struct cell_shared shared;
    struct aws_clients *clients;
    struct region *regions[CLUSTERS_MAX];
    size_t region_count;
    struct cell *cells;
    size_t cell_count;
    struct arena policies[2];        // reloaded ones alternate; the first is the caller's
    struct policy reloaded[2];
    unsigned policy_turn;
    const struct policy *policy;
    int64_t ticks, started_ms, add_only_until_ms;
    volatile sig_atomic_t stop, reload, pause, resume, in_change, cut;
    struct desk *desk;
    struct webhook *webhook;
    struct ears ears;
    struct foresight *foresight;
    bool hurried;                    // by an event: another cluster may be due
    const char *shell_mode, *shell_reason;
    bool state_ok;
    int64_t set_aside_ms;            // when the database of before was found broken; 0 never
    bool renewing;                   // it was set aside, and the new one could not be begun yet
    char journal_said[sizeof ((struct err *)0)->msg];  // newest failure that was logged, "" fine
};

// ---- life -----------------------------------------------------------------------------------------------------------------

static int find_region(struct loop *l, const struct policy_cluster *c, struct region **ret, struct err *err)
{
    struct region *r;
    struct aws *aws;
    int rc = aws_clients_get(l->clients, c->account, c->region, &aws, err);
    if (rc != 0)
        return rc;
    for (size_t i = 0; i < l->region_count; i++)
        if (region_aws(l->regions[i]) == aws) {
            *ret = l->regions[i];
            return 0;
        }
    rc = region_new(l->clients, c->account, c->region, &r, err);
    if (rc == 0)
        *ret = l->regions[l->region_count++] = r;
    return rc;
}

// The clusters of a region are spread over the period, so that no bucket of its API sees them at once.
static void stagger(struct loop *l, int64_t now_ms)
{
    for (size_t r = 0; r < l->region_count; r++) {
        int64_t count = 0, index = 0;
        for (size_t i = 0; i < l->cell_count; i++)
            count += l->cells[i].region == l->regions[r];
        for (size_t i = 0; i < l->cell_count; i++)
            if (l->cells[i].region == l->regions[r])
                l->cells[i].next_ms = now_ms + l->cells[i].policy->period_ms * index++ / count;
    }
}

static void begin_cells(struct loop *l)
{
    for (size_t i = 0; i < l->cell_count; i++) {
        struct cell *c = &l->cells[i];
        if (l->o.decorate)
            l->o.decorate(l->o.decorate_arg, i, &c->tick.ops);
    }
    stagger(l, l->started_ms);
}

static void share(struct loop *l)
{
    l->shared = (struct cell_shared){.state = l->o.state, .box = l->o.box, .log = l->o.log, .intents = l->o.intents ? l->o.intents : stdout,
                                     .policy_hash = l->policy->hash, .owner = l->policy->owner,
                                     .confirmed = l->policy->confirm, .desk = l->desk, .env = l->o.env, .dry_run = l->o.dry_run, .stop = &l->stop,
                                     .in_change = &l->in_change, .cut = &l->cut};
}

static void wake(void *arg)
{
    struct loop *l = arg;
    l->o.transport->ops->wake(l->o.transport);
}

static void hurry(struct loop *l, struct cell *c);
static void hurry_by_event(void *arg, struct cell *c)
{
    struct loop *l = arg;
    l->hurried = true;
    hurry(l, c);
}

int loop_new(const struct loop_options *o, struct loop **ret, struct err *err)
{
    if (o->policy->cluster_count > CLUSTERS_MAX)
        return err_set(err, ERR_LIMIT, "the policy names %zu clusters, at most %d are possible", o->policy->cluster_count, CLUSTERS_MAX);
    struct loop *l = calloc(1, sizeof *l);
    assert(l);
    l->o = *o;
    l->clock = o->transport->clock;
    l->policy = o->policy;
    l->state_ok = true;
    l->started_ms = clock_wall_ms(l->clock);
    arena_init(&l->policies[0], POLICY_MAX_BYTES);
    arena_init(&l->policies[1], POLICY_MAX_BYTES);
    l->webhook = webhook_new(&(struct webhook_options){.transport = o->transport, .env = o->env, .log = o->log, .seed = o->seed});
    webhook_policy(l->webhook, &o->policy->alerts);
    l->desk = desk_new(&(struct desk_options){.clock = l->clock, .state = o->state, .opened = o->opened, .inbox = o->inbox, .box = o->box,
                                              .log = o->log, .policy = o->policy, .started_ms = l->started_ms, .notify = webhook_notify,
                                              .notify_arg = l->webhook});
    share(l);
    l->clients = aws_clients_new(&(struct aws_options){.transport = o->transport, .env = o->env, .seed = o->seed, .stop = &l->cut});
    l->cells = calloc(o->policy->cluster_count, sizeof *l->cells);
    assert(l->cells);
    for (size_t i = 0; i < o->policy->cluster_count; i++) {
        struct region *r;
        if (find_region(l, &o->policy->clusters[i], &r, err) != 0) {
            loop_free(l);
            return err_wrap(err, "%s", o->policy->clusters[i].name);
        }
        cell_init(&l->cells[i], &l->shared, i, &o->policy->clusters[i], r, l->clock);
        l->cell_count++;
    }
    if (o->opened && o->opened->crashes_60min >= CRASHES_MAX)
        l->add_only_until_ms = l->started_ms + CRASH_HOLD_MS;
    l->set_aside_ms = o->opened && o->opened->moved_aside ? l->started_ms : 0;
    begin_cells(l);
    l->foresight = foresight_new(&(struct foresight_options){.state = o->state, .box = o->box, .log = o->log, .cluster_count = l->cell_count});
    if (o->inbox)
        inbox_on_put(o->inbox, wake, l);
    ears_init(&l->ears, &(struct ears_options){.clients = l->clients, .clock = l->clock, .log = o->log, .cells = l->cells, .cell_count = l->cell_count,
                                               .regions = l->regions, .region_count = &l->region_count, .dry_run = o->dry_run, .arg = l,
                                               .hurry = hurry_by_event});
    ears_policy(&l->ears, l->policy);
    *ret = l;
    return 0;
}

void loop_free(struct loop *l)
{
    if (l == NULL)
        return;
    if (l->o.inbox)
        inbox_on_put(l->o.inbox, NULL, NULL);
    ears_release(&l->ears);
    foresight_free(l->foresight);
    for (size_t i = 0; i < l->cell_count; i++)
        cell_release(&l->cells[i]);
    for (size_t i = 0; i < l->region_count; i++)
        region_free(l->regions[i]);
    aws_clients_free(l->clients);
    desk_free(l->desk);
    webhook_free(l->webhook);
    arena_release(&l->policies[0]);
    arena_release(&l->policies[1]);
    free(l->cells);
    free(l);
}

// ---- stop, reload ---------------------------------------------------------------------------------------------------------

void loop_stop(struct loop *l)
{
    l->stop = 1;
    if (!l->in_change)
        l->cut = 1;
    wake(l);
}

void loop_reload(struct loop *l)
{
    l->reload = 1;
    wake(l);
}

void loop_pause(struct loop *l)
{
    l->pause = 1;
    wake(l);
}

void loop_resume(struct loop *l)
{
    l->resume = 1;
    wake(l);
}

bool loop_stopped(const struct loop *l)
{
    return l->stop != 0;
}

static void log_policy(const struct loop *l, enum log_level level, const char *message, const char *detail)
{
    if (l->o.log)
        log_event(l->o.log, level, "policy", message, LOG_S("path", l->o.policy_path), LOG_S("hash", l->policy->hash),
                  LOG_S("detail", detail));
}

// A change holds new drains for ten minutes (safety.md L14).
static void adopt(struct loop *l, struct policy *p)
{
    int64_t now_ms = clock_wall_ms(l->clock);
    bool changed = strcmp(p->hash, l->policy->hash) != 0;
    l->policy = p;
    desk_policy(l->desk, p);
    webhook_policy(l->webhook, &p->alerts);
    ears_policy(&l->ears, p);
    l->shared.policy_hash = p->hash;
    l->shared.owner = p->owner;
    l->shared.confirmed = p->confirm;
    for (size_t i = 0; i < l->cell_count; i++) {
        l->cells[i].policy = l->cells[i].tick.policy = &p->clusters[i];
        if (changed)
            l->cells[i].hold_drains_until_ms = now_ms + POLICY_HOLD_MS;
    }
    log_policy(l, LOG_INFO, changed ? "changed -> no new drain for 10 minutes" : "unchanged", "");
}

// False where the old one is kept: said with what the new one changes and how it comes into force.
static bool take_over(struct loop *l, struct policy *p)
{
    struct buf why;
    buf_init(&why, REPORT_MAX_BYTES);
    enum policy_change change = policy_change_of(l->policy, p, &why);
    switch (change) {
    case POLICY_CHANGE_FREE:
        adopt(l, p);
        break;
    case POLICY_CHANGE_CLUSTERS:
        log_policy(l, LOG_ERROR, "names other clusters -> the old one is kept; restart to change clusters", buf_str(&why));
        desk_policy_refused(l->desk, arena_printf(&l->policies[l->policy_turn ^ 1], "it %s: restart to change clusters", buf_str(&why)));
        break;
    case POLICY_CHANGE_CONFIRM:
        buf_printf(&why, "; if that is meant, write \"confirm\": \"%s\" into it", p->hash);
        log_policy(l, LOG_ERROR, "waits for confirmation -> the old one is kept", buf_str(&why));
        desk_policy_refused(l->desk, arena_printf(&l->policies[l->policy_turn ^ 1], "it %s", buf_str(&why)));
        break;
    }
    buf_release(&why);
    return change == POLICY_CHANGE_FREE;
}

static void reload(struct loop *l)
{
    l->reload = 0;
    if (l->o.policy_path == NULL)
        return;
    unsigned turn = l->policy_turn ^ 1;
    struct buf report;
    struct err err = {0};
    arena_reset(&l->policies[turn]);
    buf_init(&report, REPORT_MAX_BYTES);
    struct policy *p = &l->reloaded[turn];
    if (policy_load_file(l->o.policy_path, &l->policies[turn], p, &report, &err) != 0) {
        log_policy(l, LOG_ERROR, "cannot be used -> the old one is kept", report.len ? buf_str(&report) : err.msg);
        desk_policy_refused(l->desk, report.len ? buf_str(&report) : err.msg);
    } else if (take_over(l, p)) {
        l->policy_turn = turn;
    }
    buf_release(&report);
}

// ---- what the page shows of the daemon itself -----------------------------------------------------------------------------

static void publish_daemon(struct loop *l)
{
    if (l->o.box == NULL)
        return;
    struct view_api_call rows[API_ROWS_MAX];
    struct view_daemon d = {.version = MASU_VERSION, .started_ms = l->started_ms, .dry_run = l->o.dry_run,
                            .speed = l->o.speed > 0 ? l->o.speed : 1.0, .state_ok = l->state_ok,
                            .state_detail = l->state_ok ? "" : "the journal cannot be written", .shell_mode = l->shell_mode,
                            .shell_mode_reason = l->shell_reason, .api_calls = rows, .api_call_count = api_rows(l->clients, rows)};
    if (l->ears.events)
        d.events = *events_counts(l->ears.events);
    view_box_publish_daemon(l->o.box, &d);
    view_box_beat(l->o.box);
}

// ---- running --------------------------------------------------------------------------------------------------------------

// Without the memo that was set aside, drains are not gone on with before the hold after a start (L1) is over.
static bool after_set_aside(const struct loop *l, const struct cell *c)
{
    return l->set_aside_ms != 0 && clock_wall_ms(l->clock) < l->set_aside_ms + c->policy->start_hold_ms;
}

static void weaken(struct loop *l, struct cell *c)
{
    int64_t now_ms = clock_wall_ms(l->clock);
    c->tick.add_only = now_ms < l->add_only_until_ms || after_set_aside(l, c);
    c->tick.hold_drains = now_ms < c->hold_drains_until_ms;
}

// A database that is found broken is set aside and begun anew; one that could not be begun is tried again at each tick.
static void renew_journal(struct loop *l, const struct err *why)
{
    struct state_opened opened;
    struct err err = *why;
    l->renewing = state_renew(l->o.state, &opened, &err) != 0;
    if (l->o.log)
        log_event(l->o.log, LOG_WARN, "state", l->renewing ? "is corrupt and cannot be begun anew" : "was corrupt and moved aside",
                  LOG_S("why", why->msg), LOG_S("moved_to", l->renewing ? "" : opened.moved_to), LOG_S("detail", l->renewing ? err.msg : ""),
                  LOG_S("consequence", "add only until the hold after a start is over"));
    l->set_aside_ms = clock_wall_ms(l->clock);
    foresight_forget(l->foresight);
    if (l->renewing)
        return;
    desk_state_set_aside(l->desk, why->msg);
    for (size_t i = 0; i < l->cell_count; i++) {  // their ids are of the old one; the memo in memory goes on
        l->cells[i].state_id = 0;
        l->cells[i].restored = false;
    }
}

// Said once for each reason, not at each tick.
static void tell_journal(struct loop *l, const struct tick *t)
{
    const char *said = t->journal_broken ? t->journal_err.msg : "";
    if (strcmp(said, l->journal_said) != 0 && l->o.log) {
        if (said[0])
            log_event(l->o.log, LOG_ERROR, "journal", said, LOG_S("consequence", "add only: nothing is removed, intents go to stdout"));
        else
            log_event(l->o.log, LOG_INFO, "journal", "can be written again", LOG_S("before", l->journal_said));
    }
    snprintf(l->journal_said, sizeof l->journal_said, "%s", said);
    if (t->journal_broken && l->o.state && (t->journal_err.kind == ERR_CORRUPT || l->renewing))
        renew_journal(l, &t->journal_err);
}

static int tick_cell(struct loop *l, struct cell *c, struct err *err)
{
    struct tick_frame *f;
    aws_follow_clock(l->clients);
    weaken(l, c);
    int rc = tick_run(&c->tick, &f, err);
    c->frame = f;
    l->ticks++;
    l->state_ok = !c->tick.journal_broken;
    l->shell_mode = c->tick.add_only || c->tick.journal_broken ? "add-only" : "act";
    l->shell_reason = c->tick.journal_broken ? "the journal cannot be written"
                      : after_set_aside(l, c) ? "the database was corrupt and set aside"
                      : c->tick.add_only ? "3 unclean starts within 60 minutes" : "";
    tell_journal(l, &c->tick);
    if (f->has_snapshot) {
        foresight_sized(l->foresight, c->index, &f->snapshot.outlook);
        foresight_ticked(l->foresight, c->index, c->state_id, f->snapshot.now_ms, c->calendar.clock);
    }
    publish_daemon(l);
    desk_ticked(l->desk, &(struct desk_tick){.cluster = c->index, .frame = f, .aws = region_aws(c->region), .journal_error = c->tick.journal_broken ? c->tick.journal_err.msg : "",
                                             .add_only_until_ms = l->add_only_until_ms, .webhook_error = webhook_error(l->webhook), .limits = foresight_limits(l->foresight, c->index)});
    return rc;
}

static int64_t due_ms(const struct cell *c)
{
    return c->urgent_ms && c->urgent_ms < c->next_ms ? c->urgent_ms : c->next_ms;
}

static struct cell *earliest(struct loop *l)
{
    struct cell *best = &l->cells[0];
    for (size_t i = 1; i < l->cell_count; i++)
        if (due_ms(&l->cells[i]) < due_ms(best))
            best = &l->cells[i];
    return best;
}

// At once, but for who has just ticked: a flood of switches must not become a flood of looks.
static void hurry(struct loop *l, struct cell *c)
{
    int64_t now_ms = clock_wall_ms(l->clock), gap_ms = c->frame ? c->frame->begun_ms + URGENT_GAP_MS : 0, at_ms = gap_ms > now_ms ? gap_ms : now_ms;
    if (c->urgent_ms == 0 || at_ms < c->urgent_ms)
        c->urgent_ms = at_ms;
}

// What signals and people asked for. True when another cluster may be due.
static bool hear(struct loop *l)
{
    if (l->reload)
        reload(l);
    bool resume = l->resume && !l->pause, due = false;
    struct inbox_switch s = {.resume = resume, .mode = resume ? CONTROL_RUN : CONTROL_PAUSE, .why = "sent by a person on this machine"};
    snprintf(s.who, sizeof s.who, "signal %s", resume ? "SIGUSR2" : "SIGUSR1");
    bool given = l->pause || l->resume;
    l->pause = l->resume = 0;
    desk_take(l->desk, given ? &s : NULL);
    for (size_t i = 0; i < l->cell_count; i++)
        if (desk_due(l->desk, i)) {
            hurry(l, &l->cells[i]);
            due = true;
        }
    return due;
}

// False when told to stop before the time has come, or when what is due has changed.
static bool wait_until(struct loop *l, int64_t until_ms)
{
    bool due = hear(l);
    while (!due && !l->stop && clock_wall_ms(l->clock) < until_ms) {
        int64_t now_ms = clock_wall_ms(l->clock), next_ms = until_ms;
        webhook_turn(l->webhook);
        ears_turn(&l->ears);
        int64_t others[] = {webhook_due_ms(l->webhook), ears_due_ms(&l->ears), aws_turn(l->clients)};
        for (size_t i = 0; i < ARRAY_LEN(others); i++)
            next_ms = others[i] < next_ms ? others[i] : next_ms;
        due = l->hurried;
        bool worked = !due && !l->renewing && foresight_turn(l->foresight);  // there is time for it; what the wire brings comes between
        if (!due)
            l->o.transport->ops->wait(l->o.transport, next_ms > now_ms && !worked ? next_ms : now_ms);
        if (l->o.box)
            view_box_beat(l->o.box);
        due = hear(l) || due;
    }
    l->hurried = false;
    return !due && !l->stop;
}

// After a tick. One whose drain takes its next step with a look has one more before its turn.
static void schedule(struct loop *l, struct cell *c, bool failed)
{
    int64_t now_ms = clock_wall_ms(l->clock), period_ms = c->policy->period_ms, again_ms = failed ? 0 : drain_look_again_ms(&c->tick.memo);
    bool extra = c->urgent_ms != 0 && c->next_ms > now_ms;  // one more than its turn: it keeps that
    c->urgent_ms = again_ms > 0 ? now_ms + again_ms : 0;
    c->next_ms += extra ? 0 : period_ms;
    if (c->next_ms < now_ms)  // behind: drop what was missed, keep the place among the others
        c->next_ms += (now_ms - c->next_ms + period_ms - 1) / period_ms * period_ms;
}

int64_t loop_run(struct loop *l, int64_t end_ms)
{
    int64_t before = l->ticks;
    l->ears.open = true;
    while (!l->stop) {
        struct cell *c = earliest(l);
        bool over = end_ms != 0 && due_ms(c) >= end_ms;
        if (!wait_until(l, over ? end_ms : due_ms(c)))
            continue;  // a stop, or another cluster is due
        if (over)
            break;
        struct err err = {0};
        schedule(l, c, tick_cell(l, c, &err) != 0);
        ears_ticked(&l->ears, c);
        ears_turn(&l->ears);
    }
    l->ears.open = false;
    return l->ticks - before;
}

int loop_once(struct loop *l, struct err *err)
{
    int rc = 0;
    for (size_t i = 0; i < l->cell_count && !l->stop; i++) {
        struct err one = {0};
        usage_wait(l->cells[i].usage, l->cells[i].policy, clock_wall_ms(l->clock) + USAGE_WAIT_MS);
        if (tick_cell(l, &l->cells[i], &one) != 0)
            rc = err_set(err, one.kind, "%s: %s", l->cells[i].policy->name, one.msg);
    }
    return rc;
}

struct aws_clients *loop_clients(struct loop *l)
{
    return l->clients;
}

size_t loop_cluster_count(const struct loop *l)
{
    return l->cell_count;
}

const struct tick_frame *loop_frame(const struct loop *l, size_t cluster)
{
    return l->cells[cluster].frame;
}

int64_t loop_ticks(const struct loop *l)
{
    return l->ticks;
}
