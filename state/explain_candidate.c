#include "state/explain_candidate.h"

#include "base/json.h"
#include "base/parse.h"
#include "state/explain.h"

// How far back verdicts are compared: ticks, and bytes of plans to be read.
enum { LOOK_BACK_TICKS = STATE_PAGE_MAX, LOOK_BACK_BYTES = 128 << 20, AMBIGUOUS_SHOWN = 6 };

static void set(json_t *obj, const char *key, json_t *value)
{
    json_object_set_new(obj, key, value);
}

// ---- which one is meant ---------------------------------------------------------------------------------------------------
// Where the names of candidates are.
static const struct name_source {
    const char *kind, *table, *key;
    bool of_memo;
} name_sources[] = {
    {"instance", "instances", "id", false}, {"fleet", "fleets", "id", false},          {"service", "services", "name", false},
    {"shape", "shapes", "name", false},     {"instance", "drains", "instance", true},
};

struct found {
    const char *kind, *id;
    const json_t *facts;  // of the snapshot, NULL none
    struct buf matches;   // distinct names that begin with what was asked
    int count;
};

static void consider(struct found *f, const char *asked, const struct name_source *s, const json_t *item)
{
    const char *id = json_str(item, s->key);
    if (!id || strncmp(id, asked, strlen(asked)) != 0 || (f->id && strcmp(f->id, id) == 0))
        return;
    f->count++;
    if (f->count <= AMBIGUOUS_SHOWN)
        buf_printf(&f->matches, "%s%s", f->count > 1 ? ", " : "", id);
    f->kind = s->kind;
    f->id = id;
    f->facts = s->of_memo ? NULL : item;
}

static bool is_exactly(struct found *f, const char *asked, const struct name_source *s, const json_t *item)
{
    const char *id = json_str(item, s->key);
    if (!id || strcmp(id, asked) != 0)
        return false;
    *f = (struct found){.kind = s->kind, .id = id, .facts = s->of_memo ? NULL : item, .matches = f->matches, .count = 1};
    return true;
}

static bool find_name(struct found *f, const struct explain_parts *p, const char *asked)
{
    for (size_t s = 0; s < ARRAY_LEN(name_sources); s++) {
        size_t i;
        json_t *item;
        json_array_foreach(json_object_get(name_sources[s].of_memo ? p->memo : p->snapshot, name_sources[s].table), i, item) {
            if (is_exactly(f, asked, &name_sources[s], item))
                return true;
            consider(f, asked, &name_sources[s], item);
        }
    }
    return f->count == 1;
}

static int find_candidate(struct found *f, const struct explain_parts *p, const struct state_tick *t, const char *asked, struct err *err)
{
    if (!p->snapshot)
        return err_set(err, ERR_NOT_FOUND, "tick %lld has no facts in the journal%s%s -> name another tick", (long long)t->id,
                       t->error[0] ? ", its look failed: " : "", t->error);
    if (find_name(f, p, asked))
        return 0;
    if (f->count > 1)
        return err_set(err, ERR_INVALID, "%d candidates of tick %lld begin with \"%s\": %s%s", f->count, (long long)t->id, asked,
                       buf_str(&f->matches), f->count > AMBIGUOUS_SHOWN ? ", …" : "");
    return err_set(err, ERR_NOT_FOUND, "tick %lld knows no instance, fleet, service or shape \"%s\"", (long long)t->id, asked);
}

// ---- what it is -----------------------------------------------------------------------------------------------------------
// The target of a verdict is an id, or several names with spaces between ("video video:7 headroom").
static bool names(const char *target, const char *id)
{
    struct slice rest = slice_of(target);
    while (rest.len)
        if (slice_eq_str(slice_cut(&rest, ' '), id))
            return true;
    return false;
}

static json_t *items_about(const json_t *array, const char *key, const char *id)
{
    json_t *all = json_array(), *item;
    size_t i;
    json_array_foreach(array, i, item) {
        const char *target = json_str(item, key);
        if (target && names(target, id))
            json_array_append(all, item);
    }
    return all;
}

static bool holds(const json_t *instance, const char *id)
{
    size_t i;
    json_t *task;
    json_array_foreach(json_object_get(instance, "tasks"), i, task) {
        const char *service = json_str(task, "service"), *shape = json_str(task, "shape");
        if ((service && strcmp(service, id) == 0) || (shape && strcmp(shape, id) == 0))
            return true;
    }
    return false;
}

// The services whose tasks an instance holds: their rules decide whether it can go.
static json_t *services_on(const json_t *snapshot, const json_t *instance)
{
    json_t *all = json_array(), *service;
    size_t i;
    json_array_foreach(json_object_get(snapshot, "services"), i, service) {
        const char *name = json_str(service, "name");
        if (name && holds(instance, name))
            json_array_append(all, service);
    }
    return all;
}

// The instances that hold tasks of a service or shape: ids and those tasks.
static json_t *holders_of(const json_t *snapshot, const char *id)
{
    json_t *all = json_array(), *instance, *task;
    size_t i, k;
    json_array_foreach(json_object_get(snapshot, "instances"), i, instance) {
        if (!holds(instance, id))
            continue;
        json_t *tasks = json_array(), *row = json_object();
        json_array_foreach(json_object_get(instance, "tasks"), k, task) {
            const char *service = json_str(task, "service"), *shape = json_str(task, "shape");
            if ((service && strcmp(service, id) == 0) || (shape && strcmp(shape, id) == 0))
                json_array_append(tasks, task);
        }
        set(row, "instance", json_text(json_str(instance, "id")));
        set(row, "tasks", tasks);
        json_array_append_new(all, row);
    }
    return all;
}

static json_t *first_or_null(json_t *array)
{
    json_t *first = json_array_size(array) ? json_incref(json_array_get(array, 0)) : json_null();
    json_decref(array);
    return first;
}

// ---- over time ------------------------------------------------------------------------------------------------------------
struct history {
    const char *id;
    json_t *runs;      // oldest first
    json_t *run;       // the last of them, borrowed; NULL none
    char *key;         // what it said, malloced
    int64_t oldest_ms; // first tick that was looked at
};

// Code and verdict of all that is said about it: facts hold numbers that change without a change of mind.
static char *key_of(const json_t *verdicts)
{
    struct buf b;
    size_t i;
    json_t *v;
    buf_init(&b, 1 << 16);
    json_array_foreach(verdicts, i, v)
        buf_printf(&b, "%s|%s\n", json_str(v, "code"), json_str(v, "verdict"));
    if (!buf_failed(&b))
        return b.data;
    buf_release(&b);
    return NULL;
}

static json_t *words_of(const json_t *verdicts)
{
    struct buf b;
    size_t i;
    json_t *v;
    buf_init(&b, 1 << 16);
    json_array_foreach(verdicts, i, v)
        buf_printf(&b, "%s%s", i ? "; " : "", json_str(v, "reason"));
    json_t *text = json_text(buf_str(&b));
    buf_release(&b);
    return text;
}

static void see(struct history *h, const struct state_tick *t, const json_t *verdicts)
{
    char at[32];
    char *key = key_of(verdicts);
    format_iso8601(t->at_ms, true, at);
    if (!h->run || !key || !h->key || strcmp(key, h->key) != 0) {
        h->run = json_object();
        json_array_append_new(h->runs, h->run);
        set(h->run, "tick", json_integer(t->id));
        set(h->run, "since", json_string(at));
        set(h->run, "ticks", json_integer(0));
    }
    json_t *first = json_array_get(verdicts, 0);
    set(h->run, "ticks", json_integer(json_int(h->run, "ticks", 0) + 1));
    set(h->run, "until", json_string(at));
    set(h->run, "code", first ? json_text(json_str(first, "code")) : json_null());
    set(h->run, "reason", first ? words_of(verdicts) : json_string("not judged"));
    free(h->key);
    h->key = key;
}

static int see_tick(struct history *h, const struct state_tick_whole *t, struct err *err)
{
    json_t *plan = NULL;
    if (t->plan_json.len == 0)
        return 0;
    int rc = json_parse(t->plan_json, "plan", &plan, err);
    if (rc)
        return rc;
    json_t *verdicts = items_about(json_object_get(plan, "verdicts"), "target", h->id);
    if (json_array_size(verdicts) || h->run)
        see(h, &t->tick, verdicts);
    json_decref(verdicts);
    json_decref(plan);
    return 0;
}

static int walk(struct state_reader *r, struct history *h, int64_t cluster, int64_t from, int64_t to, struct err *err)
{
    struct state_walk *w = NULL;
    struct arena a;
    bool found = true;
    arena_init(&a, 0);
    int rc = state_walk_new(r, cluster, &w, err);
    while (rc == 0 && from <= to && found) {
        struct state_tick_whole t;
        struct err broken = {0};
        arena_reset(&a);
        rc = state_walk_next(w, from, to, &a, &t, &found, &broken);
        if (rc == 0 && found)
            rc = see_tick(h, &t, &broken);
        if (rc == ERR_CORRUPT && t.tick.id)
            rc = 0;  // a gap in the history of a candidate is no reason to say nothing of it
        if (rc)
            rc = err_set(err, rc, "%s", broken.msg);
        h->oldest_ms = h->oldest_ms == 0 && found ? t.tick.at_ms : h->oldest_ms;
        from = t.tick.id + 1;
    }
    state_walk_free(w);
    arena_release(&a);
    return rc;
}

static void add_acts(json_t *all, const struct state_tick *t, const char *id)
{
    char at[32];
    for (size_t i = 0; i < t->act_count; i++) {
        const struct state_act *act = &t->acts[i];
        if (strcmp(act->target, id) != 0)
            continue;
        json_t *row = json_object();
        set(row, "tick", json_integer(t->id));
        set(row, "at", json_string(format_iso8601(act->created_ms, true, at)));
        set(row, "kind", json_text(act->kind));
        set(row, "reason", json_sprintf("%s -> %s", act->fact, act->verdict));
        set(row, "outcome", act->finished ? json_text(act->outcome) : json_null());
        set(row, "outcome_detail", json_text(act->finished ? act->message : "its answer is not known yet"));
        json_array_append_new(all, row);
    }
}

// Its verdicts and the intents about it, over the ticks before this one.
static int look_back(struct state_reader *r, const struct state_tick *t, size_t plan_bytes, const char *id, json_t *doc, struct arena *a,
                     struct err *err)
{
    struct state_ticks_query q = {.cluster = t->cluster, .before = t->id + 1, .limit = LOOK_BACK_TICKS};
    struct state_tick *ticks;
    size_t count = 0;
    bool more = false;
    if (plan_bytes > (size_t)LOOK_BACK_BYTES / LOOK_BACK_TICKS)
        q.limit = (int)((size_t)LOOK_BACK_BYTES / plan_bytes) + 1;
    int rc = state_query_ticks(r, &q, a, &ticks, &count, &more, err);
    if (rc || count == 0)
        return rc;
    struct history h = {.id = id, .runs = json_array()};
    json_t *acts = json_array();
    rc = walk(r, &h, t->cluster, ticks[count - 1].id, t->id, err);
    for (size_t i = count; i-- > 0;)
        add_acts(acts, &ticks[i], id);
    char at[32];
    set(doc, "history", h.runs);
    set(doc, "looked_back_to", h.oldest_ms ? json_string(format_iso8601(h.oldest_ms, true, at)) : json_null());
    set(doc, "acts", acts);
    free(h.key);
    return rc;
}

int explain_candidate(struct state_reader *r, const struct state_tick *t, const struct explain_parts *p, const char *asked,
                      const json_t *actions, struct arena *a, json_t **ret, struct err *err)
{
    struct found f = {0};
    buf_init(&f.matches, 4096);
    int rc = find_candidate(&f, p, t, asked, err);
    buf_release(&f.matches);
    if (rc)
        return rc;
    json_t *doc = json_object();
    bool instance = strcmp(f.kind, "instance") == 0, fleet = strcmp(f.kind, "fleet") == 0;
    set(doc, "id", json_text(f.id));
    set(doc, "kind", json_string(f.kind));
    set(doc, "verdicts", items_about(json_object_get(p->plan, "verdicts"), "target", f.id));
    set(doc, "facts", f.facts ? json_incref((json_t *)(uintptr_t)f.facts) : json_null());
    set(doc, "services", instance && f.facts ? services_on(p->snapshot, f.facts) : json_array());
    set(doc, "holds", instance || fleet ? json_array() : holders_of(p->snapshot, f.id));
    set(doc, "actions", items_about(actions, "target", f.id));
    set(doc, "drain", first_or_null(items_about(json_object_get(p->memo, "drains"), "instance", f.id)));
    set(doc, "stamps", items_about(json_object_get(p->memo, "stamps"), "key", f.id));
    char *plan = json_dumps(p->plan, JSON_COMPACT);
    rc = look_back(r, t, plan ? strlen(plan) : 0, f.id, doc, a, err);
    free(plan);
    if (rc == 0)
        *ret = doc;
    else
        json_decref(doc);
    return rc;
}
