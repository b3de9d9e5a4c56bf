// A failure story of safety.md on the wire: a small scripted world, the virtual AWS before it, the whole daemon against that, and all
// invariants on. A test orders what goes wrong (planner/sim/orders.h), lets time pass, and asks what became of it.
//
// The world: one cluster "main", one Spot Fleet of m5.xlarge (4 vCPU) over three zones, the service "web" of 0.5 vCPU tasks with two
// tasks of headroom. Nothing happens by chance. The daemon is impatient: no start hold but two minutes.
#pragma once

#include "tests/cm.h"

#include "base/buf.h"
#include "planner/sim/orders.h"
#include "scaler/rig.h"
#include "tests/sim/fixture.h"

#define MINUTE_MS ((int64_t)60000)
enum { STORY_CHANGES = 4096, WEB_HOSTS = 4, WEB_DESIRED = 20 };

struct story {
    struct rig rig;
    FILE *intents;
    char *text;
    size_t text_len;
    int fleet, web;
};

static inline int story_world(const struct world_options *o, struct world **ret, struct err *err)
{
    struct world *w = NULL;
    int rc = world_empty(7, o, &w, err);
    if (rc)
        return rc;
    world_add_cluster(w, "main");
    int fleet_index = add_fleet(w, WEB_HOSTS, "m5.xlarge", 1);
    for (int i = 0; i < WEB_HOSTS; i++)
        add_host(w, fleet_index, i % 3);
    add_service(w, (struct a_service){"web", 512, 1024, WEB_DESIRED, 100, 200, WS_SPREAD_ZONE, 0, 0});
    *ret = w;
    return 0;
}

static inline void impatient(struct policy_cluster *c)
{
    c->start_hold_ms = 120000;
    c->unneeded_ms = 0;
    c->min_age_ms = 60000;
}

static inline void story_open(struct story *s, struct rig_options o)
{
    static struct world_options calm;
    struct err err = {0};
    calm = calm_options();
    *s = (struct story){.text = NULL};
    s->intents = open_memstream(&s->text, &s->text_len);
    o.seed = o.seed ? o.seed : 7;
    o.intents = s->intents;
    o.world = o.world ? o.world : &calm;
    o.build = o.build ? o.build : story_world;
    o.settings = o.settings ? o.settings : impatient;
    if (rig_open(&o, &s->rig, &err) != 0)
        fail_msg("%s", err.msg);
}

static inline void story_close(struct story *s)
{
    rig_close(&s->rig);
    fclose(s->intents);
    free(s->text);
}

// The world, brought to the present: orders may be given.
static inline struct world *world_of(struct story *s)
{
    sandbox_sync(s->rig.sandbox);
    return s->rig.worlds[0];
}

static inline struct world_view see(struct story *s)
{
    return world_view(world_of(s));
}

static inline void pass(struct story *s, int64_t minutes)
{
    loop_run(s->rig.loop, clock_wall_ms(&s->rig.clock) + minutes * MINUTE_MS);
}

static inline void want(struct story *s, int32_t desired)
{
    assert_int_equal(world_set_desired(world_of(s), WORLD_PERSON, s->web, desired), WORLD_OK);
}

static inline int running(struct story *s, int service_index)
{
    struct world_view v = see(s);
    int n = 0;
    for (int t = v.services[service_index].first_task; t >= 0; t = v.tasks[t].next_of_service)
        n += v.tasks[t].used && v.tasks[t].last.now == WT_RUNNING && v.tasks[t].desired.now == WD_RUNNING;
    return n;
}

static inline int64_t target_of(struct story *s)
{
    return see(s).fleets[s->fleet].wanted;
}

static inline int live(struct story *s)
{
    struct world_view v = see(s);
    int n = 0;
    for (int i = 0; i < v.instance_count; i++)
        n += v.instances[i].used && v.instances[i].fleet == s->fleet && v.instances[i].state.now <= WL_RUNNING;
    return n;
}

// An instance that is ACTIVE and in the fleet.
static inline int an_active(struct story *s)
{
    struct world_view v = see(s);
    for (int i = 0; i < v.instance_count; i++)
        if (v.instances[i].used && v.instances[i].fleet == s->fleet && v.instances[i].state.now == WL_RUNNING &&
            v.instances[i].status.now == WE_ACTIVE && v.instances[i].notice_ms == 0)
            return i;
    fail_msg("no ACTIVE instance");
    return -1;
}

// Changes by ours of that operation that were applied since then.
static inline int applied_since(struct story *s, const char *operation, int64_t since_ms)
{
    static struct sandbox_change changes[STORY_CHANGES];
    size_t count = sandbox_changes(s->rig.sandbox, changes, STORY_CHANGES);
    int n = 0;
    for (size_t i = 0; i < count; i++)
        n += changes[i].actor == WORLD_OURS && changes[i].world_ms >= since_ms && changes[i].error[0] == '\0' &&
             (!operation || strcmp(changes[i].operation, operation) == 0);
    return n;
}

static inline int64_t now_ms(struct story *s)
{
    return clock_wall_ms(&s->rig.clock);
}

static inline const struct plan *plan_of(struct story *s)
{
    return &loop_frame(s->rig.loop, 0)->result.plan;
}

// The alert of that id in the newest plan; target NULL: any. NULL: there is none.
static inline const struct alert *alert_of(struct story *s, const char *id, const char *target)
{
    const struct plan *p = plan_of(s);
    for (size_t k = 0; k < p->alert_count; k++)
        if (strcmp(p->alerts[k].id, id) == 0 && (!target || strcmp(p->alerts[k].target, target) == 0))
            return &p->alerts[k];
    return NULL;
}

static inline void expect_alert(struct story *s, enum alert_kind kind, const char *target)
{
    const struct plan *p = plan_of(s);
    const struct alert *a = alert_of(s, alert_id(kind), target);
    for (size_t k = 0; !a && k < p->alert_count; k++)
        print_error("alert %s %s: %s\n", p->alerts[k].id, p->alerts[k].target, p->alerts[k].what);
    if (!a)
        fail_msg("no alert %s", alert_id(kind));
    assert_true(a->what[0] != '\0');
    assert_true(a->remedy[0] != '\0');
}

static inline void fault(struct story *s, const char *operation, enum sandbox_fault_kind kind, int countdown, int repeat)
{
    struct err err = {0};
    assert_int_equal(sandbox_add_fault(s->rig.sandbox, &(struct sandbox_fault){operation, kind, countdown, repeat}, &err), 0);
}

static inline void nothing_broke(struct story *s)
{
    struct rig_figures f;
    rig_finish(&s->rig);
    rig_figures(&s->rig, &f);
    size_t n;
    const struct violation *list = invariants_list(s->rig.invariants[0], &n);
    for (size_t i = 0; i < n; i++)
        print_error("V%d %s\n", (int)list[i].id, list[i].text);
    assert_int_equal(f.violations, 0);
    assert_int_equal(f.sum.tasks_killed, 0);
}
