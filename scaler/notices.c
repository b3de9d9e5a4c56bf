#include "scaler/notices.h"

#include "base/check.h"
#include "scaler/gather_notices.h"
#include "scaler/gather_trouble.h"

enum { NEWS_MAX = 512 };
#define LIFE_MS 300000           // L25: an older notice is recorded and changes nothing
#define YOUNG_MS 60000           // an instance that nobody knows may just have been launched
#define ORDER_SOON_MS 500        // while a fleet takes no order it is looked at again after this,
#define ORDER_SOON_TRIES 8       // so many times,
#define ORDER_AGAIN_MS 2000      // and then after this
#define LOOK_AGAIN_MS 10000      // while one that was noticed is not drained yet
#define FLOOD_MS 500             // so long the rest of a flood is waited for before the first answer
#define BURST_GAP_MS 1500        // notices so close to each other are one burst: what it takes is ordered
#define BURST_MASS 5             // so many of them, and there will be more
#define BURST_MAX_MS 12500       // once at its beginning and once at its end, but not later than this

// ---- who it is about ------------------------------------------------------------------------------------------------------

static const struct instance *find(const struct cell *c, const char *id)
{
    size_t from = 0, to = c->looked ? c->looked->snapshot.instance_count : 0;
    while (from < to) {
        size_t mid = from + (to - from) / 2;
        int order = strcmp(c->looked->snapshot.instances[mid].id, id);
        if (order == 0)
            return &c->looked->snapshot.instances[mid];
        *(order < 0 ? &from : &to) = order < 0 ? mid + 1 : mid;
    }
    return NULL;
}

static bool looked(const struct cell *c)
{
    return c->looked != NULL;
}

static void say(const struct notices *n, enum log_level level, const struct cell *c, const char *what, const struct events_heard *h, const char *instance)
{
    if (n->log)
        log_event(n->log, level, "notice", what, LOG_S("cluster", c ? c->policy->name : ""), LOG_S("instance", instance),
                  LOG_S("event", event_kind_name(h->event->kind)), LOG_I("age_ms", h->now_ms - h->at_ms), LOG_S("id", h->event->id));
}

static void begin_answer(struct cell *c, int64_t now_ms)
{
    if (now_ms - c->burst_last_ms > BURST_GAP_MS) {
        c->burst_ms = now_ms;
        c->burst_ordered = false;
        c->burst_count = 0;
    }
    c->burst_count++;
    c->burst_last_ms = now_ms;
    c->noticed = true;
    if (c->tick.executing)
        c->tick.interrupted = true;
}

// ---- events ---------------------------------------------------------------------------------------------------------------

// An instance that AWS takes back, or may soon. True: a cluster of ours has to answer.
static bool tell_instance(struct notices *n, struct events_heard *h, const char *id, bool risk, bool *ret_known)
{
    bool news = region_notice_add(h->region, id, &(struct notice_fact){.at_ms = h->at_ms, .heard_ms = h->now_ms, .risk = risk, .event_ms = risk ? h->event->starts_ms : 0}), waits = false;
    for (size_t i = 0; i < n->cell_count; i++) {
        struct cell *c = &n->cells[i];
        const struct instance *x = c->region == h->region ? find(c, id) : NULL;
        if (x == NULL)
            continue;
        *ret_known = true;
        if (!region_notice_known(h->region, id)) {
            say(n, LOG_WARN, c, "too many notices are kept -> heard again later", h, id);
            continue;
        }
        bool past = x->launched_ms > 0 && region_notice_ms(h->region, id, x->launched_ms) == 0 && region_risk_ms(h->region, id, x->launched_ms) == 0;
        h->result = past ? EVENT_RESULT_STALE : EVENT_RESULT_KNOWN;
        if (past || (!news && !c->noticed)) {
            say(n, LOG_INFO, c, past ? "is of before the instance's launch -> nothing is done" : "is known -> nothing new", h, id);
            continue;
        }
        if (news)
            say(n, LOG_INFO, c, risk ? "capacity at risk -> planned in the next look" : "AWS takes it back -> drained and replaced now", h, id);
        if (risk)
            n->hurry(n->arg, c);
        else
            begin_answer(c, h->now_ms);
        h->cells[c->index / 64] |= UINT64_C(1) << c->index % 64;
        waits = true;
    }
    return waits;
}

static enum events_verdict hear_instances(struct notices *n, struct events_heard *h, bool risk)
{
    bool waits = false, known = false, kept = true;
    for (size_t i = 0; i < h->event->instance_count; i++) {
        waits = tell_instance(n, h, h->event->instances[i], risk, &known) || waits;
        kept = kept && region_notice_known(h->region, h->event->instances[i]);
    }
    if (!waits && !kept)
        return EVENTS_LEAVE;  // no room for it: it comes again
    if (waits || known)
        return waits ? EVENTS_WAIT : EVENTS_DONE;
    if (h->queue->shared || h->now_ms - h->at_ms < YOUNG_MS)
        return EVENTS_LEAVE;
    h->result = EVENT_RESULT_UNKNOWN;
    say(n, LOG_WARN, NULL, "of an instance that no cluster of ours has -> deleted; is this queue shared?", h,
        h->event->instance_count > 0 ? h->event->instances[0] : "");
    return EVENTS_DONE;
}

static bool has_fleet(const struct cell *c, const char *fleet)
{
    for (size_t f = 0; looked(c) && f < c->looked->snapshot.fleet_count; f++)
        if (strcmp(c->looked->snapshot.fleets[f].id, fleet) == 0)
            return true;
    return false;
}

static void hurry_those_with(struct notices *n, struct events_heard *h)
{
    for (size_t i = 0; i < n->cell_count; i++) {
        struct cell *c = &n->cells[i];
        const char *name = strrchr(c->policy->name, '/') ? strrchr(c->policy->name, '/') + 1 : c->policy->name;
        bool about = (h->event->cluster[0] && strcmp(name, h->event->cluster) == 0) || (h->event->fleet[0] && has_fleet(c, h->event->fleet)) ||
                     (h->event->group[0] && has_fleet(c, h->event->group));
        for (size_t k = 0; k < h->event->instance_count && !about; k++)
            about = find(c, h->event->instances[k]) != NULL;
        if (c->region != h->region || !about)
            continue;
        n->hurry(n->arg, c);
        h->result = EVENT_RESULT_ACTED;
    }
}

// An error of a fleet or group: a fact for the next look, which is wanted now. It is deleted when that look's plan is in the journal.
static enum events_verdict hear_trouble(struct notices *n, struct events_heard *h)
{
    const struct event *e = h->event;
    struct fleet_trouble x = {.at_ms = h->at_ms};
    bool waits = false;
    snprintf(x.fleet, sizeof x.fleet, "%s", e->fleet[0] ? e->fleet : e->group);
    snprintf(x.code, sizeof x.code, "%s", e->word);
    snprintf(x.words, sizeof x.words, "%s", e->why);
    snprintf(x.zone, sizeof x.zone, "%s", e->zone);
    bool news = region_trouble_add(h->region, &x);
    h->result = news ? EVENT_RESULT_UNKNOWN : EVENT_RESULT_KNOWN;
    for (size_t i = 0; i < n->cell_count && news; i++) {
        struct cell *c = &n->cells[i];
        if (c->region != h->region || !has_fleet(c, x.fleet))
            continue;
        say(n, LOG_INFO, c, "a fleet's trouble -> planned in the next look", h, x.fleet);
        n->hurry(n->arg, c);
        h->cells[c->index / 64] |= UINT64_C(1) << c->index % 64;
        waits = true;
    }
    return waits ? EVENTS_WAIT : EVENTS_DONE;
}

// A fleet that took no order may take it now.
static void order_now(struct notices *n, struct events_heard *h)
{
    for (size_t i = 0; i < n->cell_count; i++) {
        struct cell *c = &n->cells[i];
        if (c->order_due_ms && has_fleet(c, h->event->fleet)) {
            c->order_due_ms = h->now_ms;
            h->result = EVENT_RESULT_ACTED;
        }
    }
}

static bool is_one_of(const char *word, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(word, list[i]) == 0)
            return true;
    return false;
}

// What AWS Health announces that ends or stops what runs on an instance, for good or for a while.
static bool stops_instances(const char *code)
{
    static const char *const WORDS[] = {"RETIREMENT", "STOP", "REBOOT", "POWER_MAINTENANCE", "SYSTEM_MAINTENANCE"};
    for (size_t k = 0; k < ARRAY_LEN(WORDS); k++)
        if (strstr(code, WORDS[k]))
            return true;
    return false;
}

enum events_verdict notices_hear(void *arg, struct events_heard *h)
{
    static const char *const ENDS[] = {"stopping", "stopped", "shutting-down", "terminated"};
    struct notices *n = arg;
    const struct event *e = h->event;
    if (e->kind == EVENT_FLEET_INSTANCE && strcmp(e->word, "termination_notified") != 0)
        return EVENTS_DONE;
    switch (e->kind) {
    case EVENT_FLEET_INSTANCE:
    case EVENT_INTERRUPTION:
    case EVENT_REBALANCE:
        if (h->now_ms - h->at_ms <= LIFE_MS)
            return hear_instances(n, h, e->kind == EVENT_REBALANCE);
        h->result = EVENT_RESULT_STALE;
        say(n, LOG_INFO, NULL, "is older than 300 s -> nothing is done", h, e->instance_count > 0 ? e->instances[0] : "");
        break;
    case EVENT_HEALTH:
        if (strcmp(e->why, "scheduledChange") == 0 && stops_instances(e->word) && e->instance_count > 0)
            return hear_instances(n, h, true);
        break;
    case EVENT_INSTANCE_STATE:
        if (is_one_of(e->word, ENDS, ARRAY_LEN(ENDS)))
            hurry_those_with(n, h);
        break;
    case EVENT_FLEET_STATE:
        if (strcmp(e->word, "modify_succeeded") == 0 || strcmp(e->word, "active") == 0)
            order_now(n, h);
        break;
    case EVENT_SERVICE:
        if (strcmp(e->word, "SERVICE_TASK_PLACEMENT_FAILURE") == 0)
            hurry_those_with(n, h);
        break;
    case EVENT_CONTAINER_INSTANCE:
        if (strcmp(e->word, "ACTIVE") == 0 && e->instance_count > 0 && region_notice_ms(h->region, e->instances[0], 0) > 0)
            hurry_those_with(n, h);  // D3: it booted when its notice came
        break;
    case EVENT_FLEET_ERROR:
    case EVENT_FLEET_INFO:
    case EVENT_LAUNCH_FAILED:
        return hear_trouble(n, h);
    case EVENT_FLEET_REQUEST:
        if (strcmp(e->word, "disabled") == 0 || strcmp(e->word, "cancelled") == 0)
            hurry_those_with(n, h);
        break;
    case EVENT_HOOK_TERMINATE:
        hurry_those_with(n, h);
        break;
    case EVENT_OTHER:
    case EVENT_HOOK_LAUNCH:
    case EVENT_HOOK_TEST:
    case EVENT_TASK:
    case EVENT_DEPLOYMENT:
    case EVENT_KIND_COUNT:
        break;
    }
    return EVENTS_DONE;
}

// Who only looks on, or is frozen, leaves the messages to whoever acts (V34).
bool notices_may_receive(void *arg, struct region *r)
{
    const struct notices *n = arg;
    for (size_t i = 0; i < n->cell_count && !n->dry_run; i++) {
        const struct cell *c = &n->cells[i];
        if (c->region == r && looked(c) && c->policy->mode != MODE_OBSERVE && c->looked->snapshot.control.mode != CONTROL_FREEZE)
            return true;
    }
    return false;
}

// ---- the poll -------------------------------------------------------------------------------------------------------------

static void polled(struct notices *n, struct region *r, const char *const *ids, size_t count, int64_t now_ms)
{
    for (size_t k = 0; k < count; k++)
        for (size_t i = 0; i < n->cell_count; i++) {
            struct cell *c = &n->cells[i];
            const struct instance *x = c->region == r ? find(c, ids[k]) : NULL;
            if (x && x->notice_ms == 0 && region_notice_ms(r, ids[k], x->launched_ms) > 0)
                begin_answer(c, now_ms);
        }
}

void notices_poll(struct notices *n, struct region *const *regions, size_t count)
{
    const char *ids[NEWS_MAX];
    size_t news = 0;
    for (size_t i = 0; i < count; i++) {
        int64_t now_ms = clock_wall_ms(n->clock);
        if (region_notices_take(regions[i], now_ms, ids, NEWS_MAX, &news))
            polled(n, regions[i], ids, news, now_ms);
        if (region_account(regions[i])[0])
            region_notices_ask(regions[i], now_ms);
    }
}

// ---- answers --------------------------------------------------------------------------------------------------------------

// The first answer to a burst of notices orders at once. The fleet takes no other order for some seconds then, so the next one is for all
// that the burst takes; where it is a wave from the beginning the first one, too: a small order amidst it would hold up the rest.
static void time_orders(struct cell *c, int64_t now_ms)
{
    bool begun = c->burst_ordered || c->burst_count >= BURST_MASS;
    bool goes_on = begun && now_ms - c->burst_last_ms < BURST_GAP_MS && now_ms - c->burst_ms < BURST_MAX_MS;
    c->tick.hold_orders_until_ms = goes_on ? c->burst_last_ms + BURST_GAP_MS : 0;
}

// The end of the burst, or the fleet's: each change of it takes AWS some seconds, which nobody tells beforehand.
static int64_t order_again_ms(struct cell *c, int64_t now_ms)
{
    if (now_ms < c->tick.hold_orders_until_ms)
        return c->tick.hold_orders_until_ms;
    return now_ms + (c->order_tries++ < ORDER_SOON_TRIES ? ORDER_SOON_MS : ORDER_AGAIN_MS);
}

static bool ordered(const struct tick_frame *f)
{
    for (size_t i = 0; i < f->result.plan.action_count; i++)
        if ((f->result.plan.actions[i].kind == ACTION_SET_TARGET || f->result.plan.actions[i].kind == ACTION_LAUNCH) && f->acts[i].known && f->acts[i].outcome == OUTCOME_OK)
            return true;
    return false;
}

void notices_ticked(struct cell *c, const struct tick_frame *f, int64_t now_ms)
{
    int64_t due_ms;
    bool waits = cell_drain_waits(f, now_ms, &due_ms);
    c->look_due_ms = waits ? now_ms + LOOK_AGAIN_MS : 0;
    if (due_ms > 0 && (c->order_due_ms == 0 || due_ms < c->order_due_ms))
        c->order_due_ms = due_ms;
}

static void answer(struct notices *n, struct cell *c)
{
    struct err err = {0};
    int64_t now_ms = clock_wall_ms(n->clock);
    bool again = !c->noticed;  // no new notice, but an order that waited
    c->order_tries = again ? c->order_tries : 0;
    c->noticed = false;
    c->order_due_ms = 0;
    time_orders(c, now_ms);
    c->answering = true;
    int rc = cell_answer_notice(c, again, &err);
    c->answering = false;
    const struct tick_frame *f = &c->tick.notice_frame;
    now_ms = clock_wall_ms(n->clock);
    if (rc == 0 && ordered(f))
        c->burst_ordered = true;
    if (rc == 0 && !c->tick.journal_broken && n->events)
        events_answered(n->events, c->index, f->begun_ms);
    if (rc != 0 || cell_order_waits(c, f, now_ms))
        c->order_due_ms = order_again_ms(c, now_ms);
    notices_ticked(c, f, now_ms);
}

static bool waits(const struct notices *n, const struct cell *c, int64_t now_ms)
{
    bool gathers = n->events && events_flood(n->events) && now_ms - c->burst_ms < FLOOD_MS;
    return looked(c) && ((c->noticed && !gathers) || (c->order_due_ms && now_ms >= c->order_due_ms));
}

bool notices_answer(struct notices *n)
{
    bool any = false;
    if (n->answering > NOTICES_NESTED_MAX)
        return false;
    n->answering++;
    for (size_t i = 0; i < n->cell_count; i++) {
        struct cell *c = &n->cells[i];
        int64_t now_ms = clock_wall_ms(n->clock);
        if (c->look_due_ms && now_ms >= c->look_due_ms) {
            c->look_due_ms = 0;
            n->hurry(n->arg, c);
        }
        if (c->answering || c->tick.executing || !waits(n, c, now_ms))
            continue;
        answer(n, c);
        any = true;
    }
    n->answering--;
    return any;
}

int64_t notices_due_ms(const struct notices *n)
{
    int64_t due_ms = INT64_MAX;
    for (size_t i = 0; i < n->cell_count; i++) {
        const struct cell *c = &n->cells[i];
        int64_t at_ms = c->noticed && looked(c) ? c->burst_ms + FLOOD_MS : c->order_due_ms ? c->order_due_ms : INT64_MAX;
        at_ms = c->look_due_ms && c->look_due_ms < at_ms ? c->look_due_ms : at_ms;
        due_ms = at_ms < due_ms ? at_ms : due_ms;
    }
    return due_ms;
}
