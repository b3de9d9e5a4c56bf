#include "scaler/simulate_faults.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/parse.h"
#include "planner/sim/shrink.h"
#include "scaler/ordeal_wire.h"

#define DAY_MS 86400000
enum { SHRINK_RUNS = 400, SHRINK_WIRE_RUNS = 60, TOLD_MAX = 5 };

// ---- what is asked ------------------------------------------------------------------------------------------------------------

static int by_index(const void *x, const void *y)
{
    const size_t *a = x, *b = y;
    return (*a > *b) - (*a < *b);
}

static int read_only(const char *text, struct ordeal *o, struct arena *a, struct err *err)
{
    struct slice rest = slice_of(text);
    size_t count = faults_make(o->seed, o->for_ms, a).count, *v = arena_array(a, size_t, rest.len + 1);
    o->only = v;
    o->only_count = 0;
    if (slice_eq(rest, SLICE_LIT("none")))
        return 0;
    while (rest.len > 0) {
        struct slice word = slice_cut(&rest, ',');
        uint64_t n;
        if (!parse_u64(word, &n) || n < 1 || n > count)
            return err_set(err, ERR_INVALID, "--only %s: seed %" PRIu64 " has faults 1 to %zu in that time", text, o->seed, count);
        v[o->only_count++] = (size_t)n - 1;
    }
    qsort(v, o->only_count, sizeof *v, by_index);
    return 0;
}

static int ask(const struct simulate_faults *s, int64_t n, struct arena *a, struct ordeal *ret, struct err *err)
{
    *ret = ordeal_of((uint64_t)(s->seed + n), s->for_ms > 0 ? s->for_ms : DAY_MS);
    if (s->fleet && !ordeal_fleets_find(s->fleet, &ret->fleets))
        return err_set(err, ERR_INVALID, "--fleet %s: expected spot-fleet, ec2-fleet, auto-scaling or instant", s->fleet);
    return s->only ? read_only(s->only, ret, a, err) : 0;
}

static int run(void *arg, const struct ordeal *o, struct ordeal_result *ret, struct err *err)
{
    const struct simulate_faults *s = arg;
    return s->on_wire ? ordeal_wire_run(o, ret, err) : ordeal_run(o, ret, err);
}

// ---- what is told -------------------------------------------------------------------------------------------------------------

struct told {
    struct ordeal o, least;
    bool shrunk;
    struct ordeal_result r;
    int64_t start_ms;
};

static const char *command_of(const struct simulate_faults *s, const struct ordeal *o, struct arena *a)
{
    struct buf b;
    buf_init(&b, 4096);
    ordeal_command(o, s->on_wire, &b);
    const char *text = arena_strdup(a, buf_str(&b));
    buf_release(&b);
    return text;
}

static void list_schedule(const struct ordeal *o, const char *indent, struct arena *a, struct buf *out)
{
    struct faults f = ordeal_faults(o, a);
    for (size_t k = 0; k < f.count; k++) {
        buf_printf(out, "%s%3zu  ", indent, (o->only ? o->only[k] : k) + 1);
        fault_print(&f.v[k], out);
        buf_add_char(out, '\n');
    }
}

static void tell_text(const struct simulate_faults *s, const struct told *t, struct arena *a, struct buf *out)
{
    char at[32];
    if (s->seeds == 1 || t->r.violation_count > 0) {
        buf_printf(out, "seed %" PRIu64 " on %s, %s: %" PRId64 " ticks met %" PRId64 " faults; %" PRId64 " launched, %" PRId64 " drained, %" PRId64
                        " interrupted, %" PRId64 " tasks killed, %" PRId64 " violations\n",
                   t->o.seed, ordeal_fleets_name(t->o.fleets), format_duration(t->o.for_ms, at), t->r.ticks, t->r.faults_met, t->r.launches,
                   t->r.drains, t->r.interruptions, t->r.tasks_killed, t->r.violation_count);
        list_schedule(&t->o, "  ", a, out);
    }
    for (int64_t k = 0; k < t->r.violation_count && k < TOLD_MAX; k++)
        buf_printf(out, "! V%-2d  %s  %s\n", (int)t->r.violations[k].id, format_duration(t->r.violations[k].at_ms - t->start_ms, at), t->r.violations[k].text);
    if (t->r.violation_count > 0 || t->r.tasks_killed > 0)
        buf_printf(out, "  again: %s\n", command_of(s, &t->o, a));
    if (t->shrunk) {
        buf_printf(out, "  least: %s\n", command_of(s, &t->least, a));
        list_schedule(&t->least, "         ", a, out);
    }
}

static json_t *schedule_json(const struct ordeal *o, struct arena *a)
{
    struct faults f = ordeal_faults(o, a);
    json_t *list = json_array();
    struct buf b;
    buf_init(&b, 1024);
    for (size_t k = 0; k < f.count; k++) {
        buf_clear(&b);
        fault_print(&f.v[k], &b);
        json_array_append_new(list, json_pack("{s:I, s:s, s:I, s:I, s:s}", "item", (json_int_t)((o->only ? o->only[k] : k) + 1), "kind",
                                              fault_kind_name(f.v[k].kind), "at_s", (json_int_t)(f.v[k].at_ms / 1000), "for_s",
                                              (json_int_t)(f.v[k].for_ms / 1000), "text", buf_str(&b)));
    }
    buf_release(&b);
    return list;
}

static void tell_json(const struct simulate_faults *s, const struct told *t, struct arena *a, json_t *runs)
{
    json_t *violations = json_array(), *o;
    for (int64_t k = 0; k < t->r.violation_count && k < ORDEAL_VIOLATIONS_MAX; k++)
        json_array_append_new(violations, json_pack("{s:o, s:I, s:s}", "id", json_sprintf("V%d", (int)t->r.violations[k].id), "at_s",
                                                    (json_int_t)((t->r.violations[k].at_ms - t->start_ms) / 1000), "text", t->r.violations[k].text));
    o = json_pack("{s:I, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:s, s:o}", "seed", (json_int_t)t->o.seed, "fleet", ordeal_fleets_name(t->o.fleets),
                  "for_s", (json_int_t)(t->o.for_ms / 1000), "ticks", (json_int_t)t->r.ticks, "faults_met", (json_int_t)t->r.faults_met, "launches",
                  (json_int_t)t->r.launches, "drains", (json_int_t)t->r.drains, "interruptions", (json_int_t)t->r.interruptions, "tasks_killed",
                  (json_int_t)t->r.tasks_killed, "violation_count", (json_int_t)t->r.violation_count, "violations", violations, "again",
                  command_of(s, &t->o, a), "schedule", schedule_json(&t->o, a));
    if (t->shrunk)
        json_object_set_new(o, "least", json_pack("{s:s, s:o}", "again", command_of(s, &t->least, a), "schedule", schedule_json(&t->least, a)));
    json_array_append_new(runs, o);
}

// ---- the whole ----------------------------------------------------------------------------------------------------------------

static int one(struct simulate_faults *s, int64_t n, struct arena *a, struct told *t, struct err *err)
{
    struct world_options w;
    int rc = ask(s, n, a, &t->o, err);
    if (rc == 0)
        rc = run(s, &t->o, &t->r, err);
    if (rc)
        return rc;
    ordeal_world(&t->o, &w);
    t->start_ms = w.start_ms;
    s->broken += t->r.violation_count > 0 || t->r.tasks_killed > 0;
    if (!s->shrink || t->r.violation_count == 0)
        return 0;
    struct shrink x = {.run = run, .arg = s};
    t->shrunk = true;
    return shrink_ordeal(&x, &t->o, t->r.violations[0].id, s->on_wire ? SHRINK_WIRE_RUNS : SHRINK_RUNS, a, &t->least, err);
}

int simulate_faults(struct simulate_faults *s, bool json, struct buf *out, struct err *err)
{
    json_t *runs = json_array();
    int64_t met = 0, ticks = 0;
    int rc = 0;
    for (int64_t n = 0; n < s->seeds && rc == 0; n++) {
        struct told t = {.shrunk = false};
        struct arena a;
        arena_init(&a, 0);
        rc = one(s, n, &a, &t, err);
        if (rc == 0 && json)
            tell_json(s, &t, &a, runs);
        else if (rc == 0)
            tell_text(s, &t, &a, out);
        else if (t.o.for_ms > 0 && rc != ERR_INVALID)
            err_wrap(err, "%s", command_of(s, &t.o, &a));
        met += t.r.faults_met;
        ticks += t.r.ticks;
        arena_release(&a);
        if (s->progress)
            s->progress(s->arg, n + 1, s->seeds);
    }
    if (rc == 0 && json) {
        json_t *root = json_pack("{s:O}", "runs", runs);
        json_write_pretty(root, out);
        buf_add_char(out, '\n');
        json_decref(root);
    } else if (rc == 0 && s->seeds > 1) {
        buf_printf(out, "%" PRId64 " seeds: %" PRId64 " ticks met %" PRId64 " faults, %" PRId64 " seeds broke an invariant\n", s->seeds, ticks, met, s->broken);
    }
    json_decref(runs);
    return rc;
}
