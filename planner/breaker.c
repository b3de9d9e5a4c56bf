#include "planner/breaker.h"

#include <assert.h>
#include <string.h>

#include "planner/alert.h"
#include "planner/explain.h"

#define LAUNCHES 4  // L12: of which …
#define FAILED 2    // … so many never registered
#define OPEN_MS (5 * 60 * 1000LL)
#define OPEN_MAX_MS (30 * 60 * 1000LL)
#define DOUBLINGS_MAX 10
#define MENDED_KEPT_MS (24 * 60 * 60 * 1000LL)

struct launch {
    const char *id;
    int64_t at_ms;
    bool failed;
};

// Launches of one template version in one zone, newest first.
struct line {
    const char *template, *zone, *key;
    struct launch v[LAUNCHES];
    int n;
    int64_t open_since_ms, until_ms;  // 0: closed
    int64_t mended_ms;                // failures of launches up to then count no more: a later one closed it
    int32_t times;
};

struct breaker_lines {
    struct line *v;
    size_t count, cap;
};

// ---- outcomes -------------------------------------------------------------------------------------------------------------
static struct line *line_of(struct work *w, const char *template, const char *zone)
{
    struct breaker_lines *b = w->lines;
    for (size_t k = 0; k < b->count; k++)
        if (strcmp(b->v[k].template, template) == 0 && strcmp(b->v[k].zone, zone) == 0)
            return &b->v[k];
    b->v = arena_grow(w->a, b->v, b->count, &b->cap, sizeof *b->v);
    b->v[b->count] = (struct line){.template = template, .zone = zone, .key = explain_text(w, "%s %s", template, zone)};
    return &b->v[b->count++];
}

static bool newer(const struct launch *a, const struct launch *b)
{
    return a->at_ms != b->at_ms ? a->at_ms > b->at_ms : strcmp(a->id, b->id) > 0;
}

static void add_launch(struct line *l, struct launch x)
{
    int at = 0;
    for (int k = 0; k < l->n; k++)
        if (strcmp(l->v[k].id, x.id) == 0) {
            l->v[k].failed = x.failed;
            return;
        }
    while (at < l->n && newer(&l->v[at], &x))
        at++;
    if (at == LAUNCHES)
        return;
    for (int k = l->n < LAUNCHES ? l->n : LAUNCHES - 1; k > at; k--)
        l->v[k] = l->v[k - 1];
    l->v[at] = x;
    l->n += l->n < LAUNCHES;
}

// Cuts the last word off a key: "lt-1:3 eu-west-1a i-001" gives "i-001".
static const char *cut_word(struct work *w, const char **key)
{
    const char *space = strrchr(*key, ' ');
    if (!space)
        return "";
    *key = arena_strndup(w->a, *key, (size_t)(space - *key));
    return space + 1;
}

static void recall(struct work *w)
{
    for (size_t k = 0; w->old && k < w->old->stamp_count; k++) {
        const struct memo_stamp *x = &w->old->stamps[k];
        const char *key = x->key;
        if ((x->kind != STAMP_LAUNCH && x->kind != STAMP_BREAKER) || x->since_ms > w->s->now_ms)
            continue;
        const char *id = x->kind == STAMP_LAUNCH ? cut_word(w, &key) : "";
        const char *zone = cut_word(w, &key);
        struct line *l = line_of(w, key, zone);
        if (x->kind == STAMP_BREAKER && x->count == 0) {
            l->mended_ms = x->since_ms;
        } else if (x->kind == STAMP_LAUNCH) {
            add_launch(l, (struct launch){id, x->since_ms, x->count > 0});
        } else {
            l->open_since_ms = x->since_ms;
            l->until_ms = i64_min(x->until_ms, w->s->now_ms + OPEN_MAX_MS);
            l->times = x->count;
        }
    }
}

static bool unregistered(const struct instance *x)
{
    return x->ecs == ECS_UNREGISTERED || x->ecs == ECS_REGISTERING || x->ecs == ECS_REGISTRATION_FAILED;
}

static void look_at_launches(struct work *w)
{
    const struct source *s = w->s->sources;
    if (s[SOURCE_CONTAINER_INSTANCES].state != SOURCE_OK || s[SOURCE_EC2_INSTANCES].state != SOURCE_OK)
        return;
    for (size_t i = 0; i < w->s->instance_count; i++) {
        const struct instance *x = &w->s->instances[i];
        bool good = x->ever_registered || !unregistered(x);
        bool failed = !good && w->inst[i].role == ROLE_LATE && x->elsewhere[0] == '\0' && x->notice_ms == 0;
        if (x->fleet < 0 || x->zone[0] == '\0' || x->launched_ms <= 0 || (!good && !failed))
            continue;
        const char *template = x->launch_template[0] ? x->launch_template : w->s->fleets[x->fleet].id;
        struct line *l = line_of(w, template, x->zone);
        if (!failed || x->launched_ms > l->mended_ms)
            add_launch(l, (struct launch){x->id, x->launched_ms, failed});
    }
}

// ---- open and closed ------------------------------------------------------------------------------------------------------
static void open_line(struct work *w, struct line *l)
{
    int64_t for_ms = i64_min(OPEN_MS << (l->times < DOUBLINGS_MAX ? l->times : DOUBLINGS_MAX), OPEN_MAX_MS);
    l->times++;
    l->open_since_ms = w->s->now_ms;
    l->until_ms = w->s->now_ms + for_ms;
}

static void close_line(struct line *l)
{
    int n = 0;
    for (int k = 0; k < l->n; k++) {
        l->mended_ms = i64_max(l->mended_ms, l->v[k].at_ms);
        if (!l->v[k].failed)
            l->v[n++] = l->v[k];
    }
    l->n = n;
    l->open_since_ms = l->until_ms = 0;
    l->times = 0;
}

static int count_failed(const struct line *l)
{
    int n = 0;
    for (int k = 0; k < l->n; k++)
        n += l->v[k].failed;
    return n;
}

static void move_line(struct work *w, struct line *l)
{
    int failed = count_failed(l);
    bool well = false, probe_failed = false;
    for (int k = 0; k < l->n; k++) {
        well = well || (!l->v[k].failed && l->v[k].at_ms > l->open_since_ms);
        probe_failed = probe_failed || (l->v[k].failed && l->v[k].at_ms >= l->until_ms);
    }
    if (l->open_since_ms == 0 && failed >= FAILED)
        open_line(w, l);
    else if (l->open_since_ms > 0 && (well || failed < FAILED))
        close_line(l);
    else if (l->open_since_ms > 0 && w->s->now_ms >= l->until_ms && probe_failed)
        open_line(w, l);
}

static void remember(struct work *w, const struct line *l)
{
    for (int k = 0; k < l->n; k++)
        work_stamp_set(w, (struct memo_stamp){.kind = STAMP_LAUNCH,
                                              .key = explain_text(w, "%s %s", l->key, l->v[k].id),
                                              .since_ms = i64_min(l->v[k].at_ms, w->s->now_ms),
                                              .count = l->v[k].failed});
    if (l->open_since_ms == 0 && l->mended_ms > 0 && w->s->now_ms - l->mended_ms < MENDED_KEPT_MS)
        work_stamp_set(w, (struct memo_stamp){.kind = STAMP_BREAKER, .key = l->key, .since_ms = l->mended_ms});
    if (l->open_since_ms == 0)
        return;
    work_stamp_set(w, (struct memo_stamp){STAMP_BREAKER, l->key, l->open_since_ms, l->until_ms, l->times, 0});
    alert_raise(w, ALERT_BREAKER_OPEN, l->key,
                explain_text(w, "Of the last %d launches of %s in %s %d never registered within %s; a probe is due at %s", l->n,
                             l->template, l->zone, count_failed(l), explain_duration(w, w->p->boot_limit_ms),
                             explain_time(w, l->until_ms)),
                NULL);
}

// ---- a fleet --------------------------------------------------------------------------------------------------------------
// "lt-1:$Latest" of a pool may be any version.
static bool same_template(const char *pool, const char *fleet, const char *line)
{
    const char *colon = strchr(pool, ':');
    if (pool[0] == '\0' || strcmp(line, fleet) == 0)
        return strcmp(line, fleet) == 0;
    if (colon && colon[1] == '$')
        return strncmp(pool, line, (size_t)(colon - pool) + 1) == 0;
    return strcmp(pool, line) == 0;
}

struct state {
    int open;            // lines that may be launched into
    bool all;            // every pool is open
    bool due;            // some probe is
    int64_t since_ms, until_ms;
    const struct line *worst;
};

static struct state state_of(const struct work *w, int fleet)
{
    const struct fleet *f = &w->s->fleets[fleet];
    struct state s = {.all = f->pool_count > 0, .until_ms = INT64_MAX};
    for (size_t k = 0; k < w->lines->count; k++) {
        const struct line *l = &w->lines->v[k];
        bool meets = strcmp(l->template, f->id) == 0;
        for (size_t p = 0; p < f->pool_count && !meets; p++)
            meets = same_template(f->pools[p].launch_template, f->id, l->template) &&
                    (f->pools[p].zone[0] == '\0' || strcmp(f->pools[p].zone, l->zone) == 0);
        if (!meets || l->open_since_ms == 0)
            continue;
        s.open++;
        s.due = s.due || w->s->now_ms >= l->until_ms;
        s.since_ms = s.since_ms == 0 ? l->open_since_ms : i64_min(s.since_ms, l->open_since_ms);
        if (l->until_ms < s.until_ms) {
            s.until_ms = l->until_ms;
            s.worst = l;
        }
    }
    for (size_t p = 0; p < f->pool_count && s.open > 0; p++) {
        bool well = f->pools[p].zone[0] == '\0' && s.open < w->zone_count;  // AWS chooses among more zones than are open
        bool open = false;
        for (size_t k = 0; k < w->lines->count && !well; k++) {
            const struct line *l = &w->lines->v[k];
            open = open || (l->open_since_ms > 0 && same_template(f->pools[p].launch_template, f->id, l->template) &&
                            (f->pools[p].zone[0] == '\0' || strcmp(f->pools[p].zone, l->zone) == 0));
        }
        s.all = s.all && open && !well;
    }
    s.all = s.all && s.open > 0;
    return s;
}

// Launches since the breaker opened that registered, after the newest one that did not.
static int proven(const struct work *w, int fleet, int64_t since_ms)
{
    int n = 0;
    int64_t failed_ms = since_ms;
    for (size_t k = 0; k < w->lines->count; k++)
        for (int v = 0; v < w->lines->v[k].n; v++)
            if (w->lines->v[k].v[v].failed)
                failed_ms = i64_max(failed_ms, w->lines->v[k].v[v].at_ms);
    for (size_t i = 0; i < w->s->instance_count; i++) {
        const struct instance *x = &w->s->instances[i];
        n += x->fleet == fleet && x->ecs == ECS_ACTIVE && x->launched_ms > failed_ms;
    }
    return n;
}

int64_t breaker_room(const struct work *w, int fleet)
{
    struct state s = state_of(w, fleet);
    if (s.open == 0)
        return INT64_MAX;
    if (s.all)
        return s.due ? 1 : 0;
    int n = proven(w, fleet, s.since_ms);
    return (int64_t)1 << (n < DOUBLINGS_MAX ? n : DOUBLINGS_MAX);
}

bool breaker_open(const struct work *w, int fleet)
{
    struct state s = state_of(w, fleet);
    return s.open > 0 && (!s.due || w->fleet[fleet].coming > 0);
}

const char *breaker_why(struct work *w, int fleet)
{
    struct state s = state_of(w, fleet);
    if (s.open == 0)
        return NULL;
    if (s.all)
        return explain_text(w, "nothing launched from %s registers, %s", s.worst->template,
                            s.due ? "one probe at a time" : explain_text(w, "a probe is due at %s", explain_time(w, s.until_ms)));
    return explain_text(w, "launches of %s in %s do not register, and AWS may choose that zone: %" PRId64 " at a time",
                        s.worst->template, s.worst->zone, breaker_room(w, fleet));
}

void breaker_observe(struct work *w)
{
    w->lines = arena_new(w->a, struct breaker_lines);
    recall(w);
    look_at_launches(w);
    for (size_t k = 0; k < w->lines->count; k++) {
        move_line(w, &w->lines->v[k]);
        remember(w, &w->lines->v[k]);
    }
    for (size_t f = 0; f < w->s->fleet_count; f++) {
        struct state s = state_of(w, (int)f);
        if (s.all && !w->fleet[f].closed)
            alert_raise(w, ALERT_BREAKER_ALL, w->s->fleets[f].id, breaker_why(w, (int)f), NULL);
    }
}
