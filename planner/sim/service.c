// The service scheduler: what a service starts and stops, under minimumHealthyPercent (rounded up) and maximumPercent (rounded
// down). A drain and a deployment are the same to it: tasks on draining instances and tasks of old deployments are to be
// replaced; first started where the maximum has room, stopped where the minimum is kept.
#include <string.h>

#include "planner/sim/world_internal.h"

struct world_deployment *service_primary(struct world_service *s)
{
    assert(s->deployment_count > 0);
    for (int d = 0; d < s->deployment_count; d++)
        if (s->deployments[d].primary)
            return &s->deployments[d];
    assert(!"a service has a primary deployment");
    return NULL;
}

void service_wake(struct world *w, int service, int64_t at_ms)
{
    if (at_ms <= w->now_ms) {
        if (w->services[service].queued)
            return;
        w->services[service].queued = true;
        at_ms = w->now_ms;
    }
    queue_push(w, at_ms, WEV_SERVICE, service, 0, 0);
}

void service_wake_cluster(struct world *w, int cluster, bool daemons_only)
{
    for (size_t s = 0; s < w->service_count; s++)
        if (w->services[s].cluster == cluster && (w->services[s].daemon || !daemons_only))
            service_wake(w, (int)s, w->now_ms);
}

void service_event(struct world *w, int service, const char *fmt, ...)
{
    struct world_service *s = &w->services[service];
    int keep = s->event_count < WORLD_EVENTS ? s->event_count : WORLD_EVENTS - 1;
    memmove(&s->events[1], &s->events[0], (size_t)keep * sizeof s->events[0]);
    s->event_count = keep + 1;
    struct world_event *e = &s->events[0];
    world_new_id(w, "", 32, e->id, sizeof e->id);
    e->at_ms = w->now_ms;
    int used = snprintf(e->text, sizeof e->text, "(service %s) ", s->name);
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(e->text + used, sizeof e->text - (size_t)used, fmt, ap);
    va_end(ap);
}

struct tally {
    int kept, kept_running, total, healthy, replaced, pending_on_leaving;
};

static bool on_leaving(const struct world *w, const struct world_task *t)
{
    return t->instance >= 0 && w->instances[t->instance].status.now != WE_ACTIVE;
}

static bool of_primary(const struct world *w, const struct world_task *t)
{
    struct world_service *s = &w->services[t->service];
    return s->deployment_count == 1 || !strcmp(service_primary(s)->id, t->deployment);
}

static bool healthy(const struct world *w, const struct world_task *t)
{
    return t->last.now == WT_RUNNING && t->healthy_ms <= w->now_ms;
}

static bool may_stop(const struct world *w, const struct world_task *t)
{
    if (t->protected_until_ms <= w->now_ms)
        return true;
    return on_leaving(w, t) && !w->o.drain_waits_for_protection;
}

static struct tally tally(const struct world *w, int service)
{
    struct tally c = {0};
    for (int n = w->services[service].first_task; n >= 0; n = w->tasks[n].next_of_service) {
        const struct world_task *t = &w->tasks[n];
        if (!task_wanted(t))
            continue;
        bool leaves = on_leaving(w, t);
        c.total++;
        c.healthy += healthy(w, t);
        c.pending_on_leaving += leaves && t->last.now < WT_RUNNING;
        if (leaves || !of_primary(w, t)) {
            c.replaced++;
        } else {
            c.kept++;
            c.kept_running += t->last.now == WT_RUNNING;
        }
    }
    return c;
}

static void stop_pending_on_leaving(struct world *w, int service)
{
    for (int n = w->services[service].first_task; n >= 0; n = w->tasks[n].next_of_service)
        if (w->tasks[n].last.now < WT_RUNNING && task_wanted(&w->tasks[n]) && on_leaving(w, &w->tasks[n]))
            task_stop(w, n, WORLD_ECS, "ServiceSchedulerInitiated", "Task stopped: container instance is draining");
}

// Which of too many goes: not yet running first, then in the zone with the most tasks of the service, then on the instance
// with the most.
static int surplus_victim(struct world *w, int service)
{
    int best = -1;
    int64_t best_score = -1, zones[ARRAY_LEN(w->zones)] = {0};
    arena_reset(&w->placing_room);
    int64_t *hosts = arena_array(&w->placing_room, int64_t, w->instance_count + 1);
    for (int n = w->services[service].first_task; n >= 0; n = w->tasks[n].next_of_service) {
        const struct world_task *t = &w->tasks[n];
        if (!task_wanted(t) || t->instance < 0)
            continue;
        hosts[t->instance]++;
        zones[w->pools[w->instances[t->instance].pool].zone]++;
    }
    for (int n = w->services[service].first_task; n >= 0; n = w->tasks[n].next_of_service) {
        const struct world_task *t = &w->tasks[n];
        if (!task_wanted(t) || on_leaving(w, t) || !of_primary(w, t) || t->protected_until_ms > w->now_ms)
            continue;
        bool placed = t->instance >= 0;
        int64_t score = (t->last.now < WT_RUNNING ? 1000000000 : 0) +
                        (placed ? zones[w->pools[w->instances[t->instance].pool].zone] * 10000 + hosts[t->instance] : 0);
        if (score > best_score) {
            best_score = score;
            best = n;
        }
    }
    return best;
}

static void stop_surplus(struct world *w, int service, int surplus)
{
    for (; surplus > 0; surplus--) {
        int n = surplus_victim(w, service);
        if (n < 0)
            return;
        task_stop(w, n, WORLD_ECS, "ServiceSchedulerInitiated", "Scaling activity initiated by deployment");
    }
}

static void stop_replaced(struct world *w, int service, struct tally *c, int minimum)
{
    for (int n = w->services[service].first_task; n >= 0; n = w->tasks[n].next_of_service) {
        const struct world_task *t = &w->tasks[n];
        if (!task_wanted(t) || !may_stop(w, t) || (!on_leaving(w, t) && of_primary(w, t)))
            continue;
        bool counts = healthy(w, t);
        if (counts && c->healthy - 1 < minimum)
            continue;
        c->healthy -= counts;
        c->total--;
        c->replaced--;
        w->counters.tasks_moved += on_leaving(w, t) && w->instances[t->instance].notice_ms == 0;
        task_stop(w, n, WORLD_ECS, "ServiceSchedulerInitiated",
                  on_leaving(w, t) ? "Task stopped: container instance is draining" : "Scaling activity initiated by deployment");
    }
}

// ECS leaves out what it has just said; a reader of events alone takes the silence for an end.
static bool just_said(const struct world *w, const struct world_service *s, const char *text)
{
    enum { QUIET_MS = 6 * 3600000 };
    return s->event_count > 0 && s->events[0].at_ms > w->now_ms - QUIET_MS && strstr(s->events[0].text, text);
}

static void tell_no_place(struct world *w, int service, const struct world_ask *ask)
{
    enum world_place why = WPLACE_NOT_ACTIVE;
    int closest = world_closest(w, ask, &why);
    char text[WORLD_TEXT - WORLD_ID - 16];
    const char *ci = closest >= 0 ? w->instances[closest].ci_id : "";
    const char *trouble = why == WPLACE_CPU      ? "has insufficient CPU units available."
                          : why == WPLACE_MEMORY ? "has insufficient memory available."
                          : why == WPLACE_PORTS  ? "is already using a port required by your task."
                          : why == WPLACE_ATTRIBUTE ? "is missing an attribute required by your task." : NULL;
    if (closest < 0)
        snprintf(text, sizeof text, "Reason: No Container Instances were found in your %s.", ask->provider >= 0 ? "capacity provider" : "cluster");
    else if (trouble)
        snprintf(text, sizeof text, "The closest matching (container-instance %s) %s", ci, trouble);
    else
        snprintf(text, sizeof text, "The closest matching (container-instance %s) encountered error \"%s\".", ci, world_place_reason(why));
    w->counters.placements_failed++;
    if (!just_said(w, &w->services[service], text))
        service_event(w, service, "was unable to place a task because no container instance met all of its requirements. %s", text);
}

void service_failed(struct world *w, int task)
{
    enum { PATIENCE = 3, FIRST_MS = 10000, CAP_MS = 900000 };
    const struct world_task *t = &w->tasks[task];
    if (t->service < 0)
        return;
    struct world_service *s = &w->services[t->service];
    for (int d = 0; d < s->deployment_count; d++)
        s->deployments[d].failed += !strcmp(s->deployments[d].id, t->deployment);
    if (++s->failures < PATIENCE)
        return;
    int doublings = s->failures - PATIENCE < 10 ? s->failures - PATIENCE : 10;
    int64_t pause_ms = (int64_t)FIRST_MS << doublings;
    s->restart_ms = w->now_ms + (pause_ms < CAP_MS ? pause_ms : CAP_MS);
    if (!just_said(w, s, "is unable to consistently start"))
        service_event(w, t->service, "is unable to consistently start tasks successfully.");
    service_wake(w, t->service, s->restart_ms);
}

// Of a managed provider: at most 500 in a cluster wait for a place.
static bool may_wait(const struct world *w, const struct world_ask *ask)
{
    enum { MOST = 500 };
    int waiting = 0;
    if (ask->provider < 0 || !w->providers[ask->provider].managed)
        return false;
    for (size_t n = 0; n < w->task_count; n++)
        waiting += task_wanted(&w->tasks[n]) && w->tasks[n].instance < 0 && w->tasks[n].cluster == ask->cluster;
    return waiting < MOST;
}

// Starts up to n tasks; the first that finds no place ends the attempt and lengthens the pause before the next.
static void start_tasks(struct world *w, int service, int n)
{
    struct world_service *s = &w->services[service];
    if (n <= 0 || w->now_ms < s->retry_ms || w->now_ms < s->restart_ms)
        return;
    for (; n > 0; n--) {
        struct world_ask ask;
        world_ask_service(w, service, &ask);
        int host = placement_choose(w, &ask);
        if (host < 0 && !may_wait(w, &ask)) {
            s->pause_ms = s->pause_ms ? s->pause_ms * 2 : w->o.retry_first_ms;
            if (s->pause_ms > w->o.retry_cap_ms)
                s->pause_ms = w->o.retry_cap_ms;
            s->retry_ms = w->now_ms + s->pause_ms;
            tell_no_place(w, service, &ask);
            service_wake(w, service, s->retry_ms);
            return;
        }
        task_create(w, &ask, host, NULL);
        s->pause_ms = 0;
    }
}

static void finish_deployment(struct world *w, int service, const struct tally *c)
{
    struct world_service *s = &w->services[service];
    bool full = c->kept_running == s->desired && c->kept == s->desired;
    if (full && !service_primary(s)->completed) {
        int old = 0;
        for (int n = s->first_task; n >= 0; n = w->tasks[n].next_of_service)
            old += task_wanted(&w->tasks[n]) && !of_primary(w, &w->tasks[n]);
        if (old == 0) {
            struct world_deployment *p = service_primary(s);
            p->completed = true;
            p->updated_ms = w->now_ms;
            s->deployments[0] = *p;
            s->deployment_count = 1;
            service_event(w, service, "(deployment %s) deployment completed.", s->deployments[0].id);
        }
    }
    bool steady = full && c->replaced == 0 && s->deployment_count == 1;
    if (steady && !s->steady)
        service_event(w, service, "has reached a steady state.");
    s->steady = steady;
}

static void replica_step(struct world *w, int service)
{
    struct world_service *s = &w->services[service];
    int minimum = (int)(((int64_t)s->desired * s->min_percent + 99) / 100);
    int maximum = (int)((int64_t)s->desired * s->max_percent / 100);
    service_primary(s)->desired = s->desired;
    struct tally c = tally(w, service);
    if (c.pending_on_leaving > 0) {
        stop_pending_on_leaving(w, service);
        c = tally(w, service);
    }
    if (c.kept > s->desired) {
        stop_surplus(w, service, c.kept - s->desired);
        c = tally(w, service);
    }
    if (c.replaced > 0)
        stop_replaced(w, service, &c, minimum);
    int wanted = s->desired - c.kept, room = maximum - c.total, start = wanted < room ? wanted : room;
    if (start > 0) {
        start_tasks(w, service, start);
        c = tally(w, service);
    }
    s = &w->services[service];
    s->missing = s->desired > c.total ? s->desired - c.total : 0;
    finish_deployment(w, service, &c);
}

static void daemon_step(struct world *w, int service)
{
    struct world_service *s = &w->services[service];
    struct world_ask ask;
    int32_t desired = 0, old = 0;
    bool blocked = false, throttled = w->now_ms < s->restart_ms;
    world_ask_service(w, service, &ask);
    for (size_t i = 0; i < w->instance_count; i++) {
        const struct world_instance *in = &w->instances[i];
        if (!in->used || in->cluster != s->cluster || in->status.now != WE_ACTIVE || !world_admits(w, &ask, (int)i))
            continue;
        desired++;
        bool has = false;
        for (int n = in->first_task; n >= 0; n = w->tasks[n].next_of_instance) {
            if (w->tasks[n].service != service || !task_wanted(&w->tasks[n]))
                continue;
            if (of_primary(w, &w->tasks[n])) {
                has = true;
            } else {
                old++;
                task_stop(w, n, WORLD_ECS, "ServiceSchedulerInitiated", "Scaling activity initiated by deployment");
            }
        }
        if (!has && !throttled && world_place_of(w, &ask, (int)i) == WPLACE_OK)
            task_create(w, &ask, (int)i, NULL);
        else if (!has)
            blocked = true;
    }
    if (blocked && w->now_ms >= s->retry_ms) {
        s->retry_ms = w->now_ms + w->o.retry_cap_ms;
        service_wake(w, service, s->retry_ms);
    }
    s->desired = desired;
    struct world_deployment *p = service_primary(s);
    p->desired = desired;
    if (!p->completed && old == 0) {
        p->completed = true;
        p->updated_ms = w->now_ms;
        s->deployments[0] = *p;
        s->deployment_count = 1;
    }
    w->dirty = true;
}

void service_step(struct world *w, int service)
{
    w->services[service].queued = false;
    w->dirty = true;
    if (w->services[service].daemon)
        daemon_step(w, service);
    else
        replica_step(w, service);
}
