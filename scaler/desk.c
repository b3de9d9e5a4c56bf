#include "scaler/desk.h"

#include "base/check.h"
#include "scaler/control.h"
#include "scaler/shell_alerts.h"
#include "scaler/switches.h"

#define STATE_KEY "switches"

enum { TEXT_MAX = SWITCH_WHO_MAX + SWITCH_WHY_MAX, STORED_MAX_BYTES = 1 << 20, TICK_ALERTS_MAX_BYTES = 1 << 20 };

struct held {                         // a control with its own texts
    struct control c;
    char who[TEXT_MAX], why[TEXT_MAX];
};

struct desk_cluster {
    char name[SWITCH_CLUSTER_MAX];    // short
    struct held tag, now;
    bool looked, tags_read, due;
    int32_t failed_ticks;
    int64_t failing_since_ms;
};

struct desk {
    struct desk_options o;
    struct zones zones;
    struct switches switches;
    bool switches_known;
    char control_error[256], policy_error[1024], restored_aside[256];
    struct alerts *alerts;
    struct desk_cluster *clusters;
    size_t count;
};

static void hold(struct held *h, const struct control *c)
{
    h->c = *c;
    snprintf(h->who, sizeof h->who, "%s", c->who);
    snprintf(h->why, sizeof h->why, "%s", c->why);
    h->c.who = h->who;
    h->c.why = h->why;
}

static bool same(const struct control *a, const struct control *b)
{
    return a->mode == b->mode && a->since_ms == b->since_ms && a->until_ms == b->until_ms && strcmp(a->who, b->who) == 0 &&
           strcmp(a->why, b->why) == 0;
}

// ---- switches -------------------------------------------------------------------------------------------------------------

static void load_switches(struct desk *d)
{
    struct arena a;
    const char *text = NULL;
    struct err err = {0};
    if (d->switches_known)
        return;
    arena_init(&a, STORED_MAX_BYTES);
    int rc = d->o.state ? state_kv_get(d->o.state, STATE_KEY, &a, &text, &err) : 0;
    if (rc == 0 && text)
        rc = switches_read(slice_of(text), &d->switches, &err);
    d->switches_known = rc == 0;
    snprintf(d->control_error, sizeof d->control_error, "%.255s", rc == 0 ? "" : err.msg);
    arena_release(&a);
}

static void keep_switches(struct desk *d)
{
    struct buf b;
    struct err err = {0};
    if (d->o.state == NULL)
        return;
    buf_init(&b, STORED_MAX_BYTES);
    switches_write(&d->switches, &b);
    if (state_kv_set(d->o.state, STATE_KEY, buf_str(&b), &err) != 0 && d->o.log)
        log_event(d->o.log, LOG_ERROR, "control", "the switch holds, but cannot be kept over a restart", LOG_S("detail", err.msg));
    buf_release(&b);
}

// ---- what is allowed ------------------------------------------------------------------------------------------------------

static struct control joined(struct desk *d, size_t i, struct arena *a)
{
    struct desk_cluster *k = &d->clusters[i];
    int64_t now_ms = clock_wall_ms(d->o.clock);
    struct control c = switches_control(&d->switches, k->name, now_ms);
    struct control frozen = control_of_freeze(&d->o.policy->clusters[i], &d->zones, now_ms, a);
    const struct control unknown = {.mode = CONTROL_PAUSE, .who = "masu", .why = "what people switched cannot be read", .since_ms = d->o.started_ms};
    const struct control unread = {.mode = CONTROL_PAUSE, .who = "masu", .why = "the fleets and their tag masu:mode have not been read yet",
                                   .since_ms = d->o.started_ms};
    control_join(&c, &k->tag.c);
    control_join(&c, &frozen);
    if (!d->switches_known)
        control_join(&c, &unknown);
    if (k->looked && !k->tags_read)
        control_join(&c, &unread);
    return c;
}

static void tell(struct desk *d, const struct desk_cluster *k, const struct control *was)
{
    const struct control *c = &k->now.c;
    if (d->o.log && (c->mode != CONTROL_RUN || was->mode != CONTROL_RUN))
        log_event(d->o.log, c->mode == CONTROL_RUN ? LOG_INFO : LOG_WARN, "control", control_mode_name(c->mode), LOG_S("cluster", k->name),
                  LOG_S("before", control_mode_name(was->mode)), LOG_S("who", c->who), LOG_S("why", c->why));
}

// True when it changed.
static bool renew(struct desk *d, size_t i)
{
    struct desk_cluster *k = &d->clusters[i];
    struct arena a;
    arena_init(&a, STORED_MAX_BYTES);
    struct control c = joined(d, i, &a);
    bool changed = !same(&c, &k->now.c);
    if (changed) {
        struct held was = k->now;
        was.c.who = was.who;
        was.c.why = was.why;
        hold(&k->now, &c);
        tell(d, k, &was.c);
    }
    arena_release(&a);
    return changed;
}

static void publish(struct desk *d, bool controls_changed)
{
    size_t n;
    bool changed;
    const struct view_alert *list = alerts_list(d->alerts, &n, &changed);
    if (d->o.box == NULL || (!changed && !controls_changed))
        return;
    struct control *controls = calloc(d->count + 1, sizeof *controls);
    assert(controls);
    for (size_t i = 0; i < d->count; i++)
        controls[i] = d->clusters[i].now.c;
    view_box_publish_notes(d->o.box, list, n, controls);
    free(controls);
}

bool desk_take(struct desk *d, const struct inbox_switch *given)
{
    struct inbox_switch s;
    struct err err = {0};
    bool any = false, changed = false;
    load_switches(d);
    for (const struct inbox_switch *next = given; next || (d->o.inbox && inbox_take(d->o.inbox, &s)); next = NULL) {
        if (switches_apply(&d->switches, next ? next : &s, clock_wall_ms(d->o.clock), &err) != 0 && d->o.log)
            log_event(d->o.log, LOG_ERROR, "control", err.msg, LOG_S("cluster", next ? next->cluster : s.cluster));
        any = true;
    }
    if (!any)
        return false;
    keep_switches(d);
    for (size_t i = 0; i < d->count; i++)
        if (renew(d, i))
            changed = d->clusters[i].due = true;
    publish(d, changed);
    return changed;
}

bool desk_due(struct desk *d, size_t cluster)
{
    bool due = d->clusters[cluster].due;
    d->clusters[cluster].due = false;
    return due;
}

// The tags as last read: a look that fails to read them takes nothing back.
static void read_tags(struct desk *d, size_t i, struct arena *a, struct snapshot *s)
{
    struct desk_cluster *k = &d->clusters[i];
    struct control c = control_take_tags(s, a);
    if (s->sources[SOURCE_FLEETS].state != SOURCE_OK)
        return;
    bool goes_on = k->tags_read && c.mode == k->tag.c.mode;
    c.since_ms = c.mode == CONTROL_RUN ? 0 : goes_on ? k->tag.c.since_ms : s->now_ms;
    hold(&k->tag, &c);
    k->tags_read = true;
}

static void tell_times(struct desk *d, size_t i, struct arena *a, struct snapshot *s)
{
    const struct policy_cluster *p = &d->o.policy->clusters[i];
    s->local_times = arena_array(a, struct local_time, p->budget_count);
    s->local_time_count = 0;
    for (size_t b = 0; b < p->budget_count; b++) {
        const char *name = p->budgets[b].window.zone;
        bool known = false;
        for (size_t k = 0; k < s->local_time_count; k++)
            known |= strcmp(s->local_times[k].zone, name) == 0;
        if (known || name[0] == '\0')
            continue;
        const struct zone *z = zones_get(&d->zones, name);
        s->local_times[s->local_time_count++] = (struct local_time){name, z ? minute_of_week(z, s->now_ms) : -1};
    }
}

void desk_control(struct desk *d, size_t cluster, struct arena *a, struct snapshot *s)
{
    load_switches(d);
    if (switches_expire(&d->switches, clock_wall_ms(d->o.clock)))
        keep_switches(d);
    read_tags(d, cluster, a, s);
    d->clusters[cluster].looked = true;
    if (renew(d, cluster))
        publish(d, true);
    s->control = d->clusters[cluster].now.c;
    s->control.who = arena_strdup(a, s->control.who);
    s->control.why = arena_strdup(a, s->control.why);
    tell_times(d, cluster, a, s);
}

// ---- what is told ---------------------------------------------------------------------------------------------------------

static void tell_daemon(struct desk *d, const struct desk_tick *t, struct arena *a, int64_t now_ms)
{
    struct alert list[SHELL_ALERTS_MAX];
    const struct shell_facts f = {
        .now_ms = now_ms, .started_ms = d->o.started_ms, .journal_error = t->journal_error,
        .restored_aside = d->restored_aside, .add_only_until_ms = t->add_only_until_ms, .policy_error = d->policy_error,
        .policy_path = d->o.policy->path, .webhook_error = t->webhook_error, .control_error = d->control_error,
    };
    alerts_set(d->alerts, -1, "", ALERTS_SHELL, list, shell_alerts(&f, a, list), now_ms);
}

static void tell_reach(struct desk *d, const struct desk_tick *t, struct arena *a, int64_t now_ms)
{
    struct desk_cluster *k = &d->clusters[t->cluster];
    struct alert list[SHELL_ALERTS_MAX];
    struct aws_health health = aws_health(t->aws);
    k->failed_ticks = t->frame->error[0] ? k->failed_ticks + 1 : 0;
    if (k->failed_ticks == 1)
        k->failing_since_ms = t->frame->begun_ms;
    const char *breaker = "";
    for (int s = 0; s < AWS_SERVICE_COUNT; s++) {
        const char *why = aws_refused(t->aws, (enum aws_service)s);
        if (why)
            breaker = arena_printf(a, "%s%s%s fails (%s)", breaker, breaker[0] ? ", " : "", aws_service_name((enum aws_service)s), why);
    }
    const struct reach_facts f = {
        .now_ms = now_ms, .cluster = k->name, .tick_error = t->frame->error, .failing_since_ms = k->failing_since_ms, .failed_ticks = k->failed_ticks,
        .credentials_left_ms = health.expires_ms ? health.expires_ms - health.now_ms : INT64_MAX, .credentials_source = health.source,
        .clock_off_ms = health.clock_measured ? health.clock_off_ms : 0, .breaker = breaker,
        .limits = t->limits,
    };
    alerts_set(d->alerts, (int)t->cluster, k->name, ALERTS_SHELL, list, reach_alerts(&f, a, list), now_ms);
}

void desk_ticked(struct desk *d, const struct desk_tick *t)
{
    int64_t now_ms = clock_wall_ms(d->o.clock);
    struct arena a;
    arena_init(&a, TICK_ALERTS_MAX_BYTES);
    const struct plan *plan = &t->frame->result.plan;
    if (t->frame->has_plan)  // without a plan what it said before is all that is known
        alerts_set(d->alerts, (int)t->cluster, d->clusters[t->cluster].name, ALERTS_PLAN, plan->alerts, plan->alert_count, now_ms);
    tell_reach(d, t, &a, now_ms);
    tell_daemon(d, t, &a, now_ms);
    arena_release(&a);
    publish(d, false);
}

// ---- life -----------------------------------------------------------------------------------------------------------------

struct desk *desk_new(const struct desk_options *o)
{
    struct desk *d = calloc(1, sizeof *d);
    assert(d);
    d->o = *o;
    zones_init(&d->zones);
    d->alerts = alerts_new(&(struct alerts_options){.log = o->log, .notify = o->notify, .notify_arg = o->notify_arg});
    d->count = o->policy->cluster_count;
    d->clusters = calloc(d->count + 1, sizeof *d->clusters);
    assert(d->clusters);
    const struct control none = {.mode = CONTROL_RUN, .who = "", .why = ""};
    for (size_t i = 0; i < d->count; i++) {
        const char *name = o->policy->clusters[i].name, *slash = strrchr(name, '/');  // of an ARN
        snprintf(d->clusters[i].name, sizeof d->clusters[i].name, "%s", slash ? slash + 1 : name);
        hold(&d->clusters[i].tag, &none);
        hold(&d->clusters[i].now, &none);
    }
    if (o->opened && o->opened->moved_aside)
        snprintf(d->restored_aside, sizeof d->restored_aside, "%s", o->opened->why);
    load_switches(d);
    for (size_t i = 0; i < d->count; i++)
        renew(d, i);
    publish(d, true);
    return d;
}

void desk_free(struct desk *d)
{
    if (d == NULL)
        return;
    alerts_free(d->alerts);
    zones_release(&d->zones);
    free(d->clusters);
    free(d);
}

void desk_policy(struct desk *d, const struct policy *p)
{
    assert(p->cluster_count == d->count);
    d->o.policy = p;
    d->policy_error[0] = '\0';
}

void desk_state_set_aside(struct desk *d, const char *why)
{
    snprintf(d->restored_aside, sizeof d->restored_aside, "%s", why);
    if (d->switches_known)
        keep_switches(d);
}

void desk_policy_refused(struct desk *d, const char *why)
{
    snprintf(d->policy_error, sizeof d->policy_error, "%s", why);
}
