#include "scaler/plan_text.h"

#include "base/arena.h"
#include "base/check.h"
#include "base/parse.h"

enum { ROWS_ARENA_MAX_BYTES = 64 << 20, TARGET_COLUMNS_MAX = 36, MIDDLE_COLUMNS_MAX = 20 };

struct row {
    char sign;
    const char *target, *middle, *delta, *fact, *verdict;
};

struct rows {
    struct arena arena;
    const struct plan *p;
    const struct snapshot *s;
    struct row *v;
    size_t count, cap;
};

// "sfr-7f2a90c1-…" is known by its beginning.
static const char *short_id(struct rows *r, const char *target)
{
    return strncmp(target, "sfr-", 4) == 0 && strlen(target) > 12 ? arena_strndup(&r->arena, target, 12) : target;
}

static void add(struct rows *r, struct row row)
{
    row.target = short_id(r, row.target);
    r->v = arena_grow(&r->arena, r->v, r->count, &r->cap, sizeof *r->v);
    r->v[r->count++] = row;
}

// ---- actions --------------------------------------------------------------------------------------------------------------

static const char *instance_middle(struct rows *r, int instance)
{
    if (instance < 0)
        return "";
    const struct instance *i = &r->s->instances[instance];
    size_t len = strlen(i->zone);
    return arena_printf(&r->arena, "%s %s", i->type, len > 2 ? i->zone + len - 2 : i->zone);
}

static const char *delta_text(struct rows *r, struct usd delta)
{
    char usd[32];
    if (delta.micro == 0)
        return "";
    return arena_printf(&r->arena, "%c%s/h", delta.micro > 0 ? '+' : '-', format_usd(delta.micro > 0 ? delta.micro : -delta.micro, usd));
}

static char action_sign(const struct action *a, const struct snapshot *s)
{
    switch (a->kind) {
    case ACTION_SET_TARGET:
        return a->capacity > a->target_before ? '+' : '~';
    case ACTION_LAUNCH:
        return '+';
    case ACTION_DRAIN:
        return a->instance >= 0 && s->instances[a->instance].notice_ms > 0 ? '!' : '-';
    case ACTION_TERMINATE:
    case ACTION_END_MEMBER:
    case ACTION_DEREGISTER:
        return '-';
    case ACTION_HEARTBEAT:
    case ACTION_COMPLETE:
    case ACTION_MARK:
    case ACTION_UNMARK:
    case ACTION_UNDRAIN:
    case ACTION_CLAIM:
    case ACTION_COUNT:
        return '~';
    }
    return '~';
}

// The mark before a drain and its removal after an undo go without saying.
static bool goes_with_another(const struct plan *p, size_t index)
{
    const struct action *a = &p->actions[index];
    enum action_kind other = a->kind == ACTION_MARK ? ACTION_DRAIN : a->kind == ACTION_UNMARK ? ACTION_UNDRAIN : ACTION_COUNT;
    for (size_t i = 0; other != ACTION_COUNT && i < p->action_count; i++)
        if (p->actions[i].kind == other && strcmp(p->actions[i].target, a->target) == 0)
            return true;
    return false;
}

static void add_actions(struct rows *r)
{
    for (size_t i = 0; i < r->p->action_count; i++) {
        const struct action *a = &r->p->actions[i];
        if (goes_with_another(r->p, i))
            continue;
        const char *middle = a->kind == ACTION_LAUNCH ? arena_printf(&r->arena, "%" PRId64 " more", a->capacity)
                             : a->kind == ACTION_SET_TARGET
                                 ? arena_printf(&r->arena, "%" PRId64 " to %" PRId64, a->target_before, a->capacity)
                                 : instance_middle(r, a->instance);
        add(r, (struct row){action_sign(a, r->s), a->target, middle, delta_text(r, a->hourly_delta), a->fact, a->verdict});
    }
}

// ---- verdicts -------------------------------------------------------------------------------------------------------------

static bool told_by_an_action(const struct rows *r, const struct verdict *v)
{
    for (size_t i = 0; i < r->p->action_count; i++)
        if (strcmp(r->p->actions[i].target, v->target) == 0 && strcmp(r->p->actions[i].verdict, v->verdict) == 0)
            return true;
    return false;
}

static char verdict_sign(enum verdict_code code)
{
    switch (code) {
    case VERDICT_NEVER_FITS:
    case VERDICT_UNKNOWN:
        return '!';
    case VERDICT_LAUNCH:
        return '+';
    case VERDICT_DRAIN:
    case VERDICT_END:
        return '-';
    case VERDICT_LOWER:
    case VERDICT_UNDO:
        return '~';
    case VERDICT_GO_ON:
    case VERDICT_KEEP:
    case VERDICT_HOLD:
    case VERDICT_FITS:
    case VERDICT_WAIT:
    case VERDICT_FOREIGN:
    case VERDICT_CAPPED:
    case VERDICT_COUNT:
        return '=';
    }
    return '=';
}

static bool alike(const struct verdict *a, const struct verdict *b)
{
    return a->kind == b->kind && a->code == b->code && strcmp(a->fact, b->fact) == 0 && strcmp(a->verdict, b->verdict) == 0;
}

static const char *candidate_plural(enum candidate_kind kind)
{
    switch (kind) {
    case CANDIDATE_INSTANCE:
        return "instances";
    case CANDIDATE_FLEET:
        return "fleets";
    case CANDIDATE_SHAPE:
        return "services";
    case CANDIDATE_CLUSTER:
        return "clusters";
    case CANDIDATE_POOL:
        return "pools";
    case CANDIDATE_KIND_COUNT:
        break;
    }
    return "";
}

static int instance_index(const struct snapshot *s, const struct verdict *v)
{
    for (size_t i = 0; v->kind == CANDIDATE_INSTANCE && i < s->instance_count; i++)
        if (strcmp(s->instances[i].id, v->target) == 0)
            return (int)i;
    return -1;
}

// Equal verdicts are one row with their number.
static void add_verdicts(struct rows *r)
{
    const struct plan *p = r->p;
    bool *done = arena_array(&r->arena, bool, p->verdict_count);
    for (size_t i = 0; i < p->verdict_count; i++) {
        const struct verdict *v = &p->verdicts[i];
        if (done[i] || told_by_an_action(r, v))
            continue;
        size_t same = 0;
        for (size_t j = i; j < p->verdict_count; j++)
            if (!done[j] && alike(v, &p->verdicts[j]) && !told_by_an_action(r, &p->verdicts[j])) {
                done[j] = true;
                same++;
            }
        const char *target = same > 1 ? arena_printf(&r->arena, "%zu %s", same, candidate_plural(v->kind)) : v->target;
        add(r, (struct row){verdict_sign(v->code), target, same > 1 ? "" : instance_middle(r, instance_index(r->s, v)), "", v->fact, v->verdict});
    }
}

// ---- printing -------------------------------------------------------------------------------------------------------------

static const char *colour_of(char sign)
{
    static const struct { char sign; const char *code; } COLOURS[] = {
        {'!', "\033[31m"}, {'+', "\033[32m"}, {'-', "\033[33m"}, {'~', "\033[36m"}, {'=', "\033[2m"},
    };
    for (size_t i = 0; i < ARRAY_LEN(COLOURS); i++)
        if (COLOURS[i].sign == sign)
            return COLOURS[i].code;
    return "";
}

static size_t widest(const struct rows *r, size_t offset, size_t most)
{
    size_t width = 0;
    for (size_t i = 0; i < r->count; i++) {
        size_t len = strlen(*(const char *const *)((const char *)&r->v[i] + offset));
        if (len <= most && len > width)
            width = len;
    }
    return width;
}

static void print_rows(const struct rows *r, bool colour, struct buf *out)
{
    int target = (int)widest(r, offsetof(struct row, target), TARGET_COLUMNS_MAX);
    int middle = (int)widest(r, offsetof(struct row, middle), MIDDLE_COLUMNS_MAX);
    int delta = (int)widest(r, offsetof(struct row, delta), MIDDLE_COLUMNS_MAX);
    static const char ORDER[] = "!+-~=";
    for (size_t o = 0; ORDER[o]; o++)
        for (size_t i = 0; i < r->count; i++) {
            const struct row *w = &r->v[i];
            if (w->sign != ORDER[o])
                continue;
            buf_printf(out, "%s%c%s %-*s  ", colour ? colour_of(w->sign) : "", w->sign, colour ? "\033[0m" : "", target, w->target);
            if (middle > 0)
                buf_printf(out, "%-*s  ", middle, w->middle);
            if (delta > 0)
                buf_printf(out, "%-*s  ", delta, w->delta);
            buf_printf(out, colour ? "%s \033[2m->\033[0m \033[1m%s\033[0m\n" : "%s -> %s\n", w->fact, w->verdict);
        }
}

static void print_amount(struct buf *out, struct res r)
{
    buf_printf(out, "%.1f vCPU %.0f GiB", (double)r.v[RES_CPU] / 1024.0, (double)r.v[RES_MEMORY] / 1024.0);
    if (r.v[RES_GPU] > 0)
        buf_printf(out, " %" PRId64 " GPU", r.v[RES_GPU]);
}

// Who holds masu back, where anybody does.
static void print_control(const struct control *c, struct buf *out)
{
    char at[32];
    if (c->mode == CONTROL_RUN)
        return;
    buf_printf(out, "control %s by %s", control_mode_name(c->mode), c->who);
    if (c->since_ms)
        buf_printf(out, ", since %s", format_iso8601(c->since_ms, false, at));
    if (c->until_ms)
        buf_printf(out, ", until %s", format_iso8601(c->until_ms, false, at));
    buf_printf(out, "%s%s\n", c->why[0] ? ": " : "", c->why);
}

static void print_facts(const struct snapshot *s, struct buf *out)
{
    int64_t tasks = 0, oldest_ms = s->now_ms;
    for (size_t i = 0; i < s->instance_count; i++)
        for (size_t h = 0; h < s->instances[i].holding_count; h++)
            tasks += s->instances[i].holdings[h].running + s->instances[i].holdings[h].pending;
    for (int k = 0; k < SOURCE_COUNT; k++)
        if (s->sources[k].read_ms > 0 && s->sources[k].read_ms < oldest_ms)
            oldest_ms = s->sources[k].read_ms;
    char age[32];
    buf_printf(out, "facts   %zu instances, %zu services, %" PRId64 " tasks, %zu Spot Fleet%s; oldest %s", s->instance_count, s->service_count,
               tasks, s->fleet_count, s->fleet_count == 1 ? "" : "s", format_duration(s->now_ms - oldest_ms, age));
    const char *before = ", missing: ";
    for (int k = 0; k < SOURCE_COUNT; k++) {
        if (s->sources[k].state == SOURCE_OK)
            continue;
        buf_printf(out, "%s%s", before, source_kind_name((enum source_kind)k));
        before = ", ";
    }
    buf_add_str(out, before[2] == 'm' ? ", none missing\n" : "\n");
}

static void print_need(const struct plan *p, struct buf *out)
{
    char usd[32];
    buf_add_str(out, "need    ");
    print_amount(out, p->summary.need);
    buf_add_str(out, " now; capacity ");
    print_amount(out, p->summary.capacity);
    buf_add_str(out, ", reserved ");
    print_amount(out, p->summary.reserved);
    if (p->summary.hourly.micro > 0)
        buf_printf(out, "; %s/h", format_usd(p->summary.hourly.micro, usd));
    buf_add_char(out, '\n');
}

static void print_count(struct buf *out, const char **before, int count, const char *word)
{
    if (count == 0)
        return;
    buf_printf(out, "%s%d %s%s", *before, count, word, count == 1 ? "" : "s");
    *before = ", ";
}

static void print_sum(const struct plan *p, struct buf *out)
{
    int capped = 0, kinds[ACTION_COUNT] = {0}, raised = 0;
    for (size_t i = 0; i < p->verdict_count; i++)
        capped += p->verdicts[i].code == VERDICT_CAPPED;
    for (size_t i = 0; i < p->action_count; i++) {
        kinds[p->actions[i].kind]++;
        raised += p->actions[i].kind == ACTION_LAUNCH;
        raised += p->actions[i].kind == ACTION_SET_TARGET && p->actions[i].capacity > p->actions[i].target_before;
    }
    if (capped > 0)
        buf_printf(out, "guard   %d number%s capped\n", capped, capped == 1 ? "" : "s");
    else
        buf_add_str(out, "guard   nothing capped\n");
    const char *before = "plan    ";
    print_count(out, &before, raised, "launch");
    print_count(out, &before, kinds[ACTION_SET_TARGET] + kinds[ACTION_LAUNCH] - raised, "lowered target");
    print_count(out, &before, kinds[ACTION_DRAIN], "drain");
    print_count(out, &before, kinds[ACTION_UNDRAIN], "undo");
    print_count(out, &before, kinds[ACTION_TERMINATE] + kinds[ACTION_END_MEMBER], "end");
    buf_add_str(out, p->action_count == 0 ? "plan    nothing to do\n" : "\n");
}

void plan_text(const struct plan *p, const struct snapshot *s, const struct plan_text_options *o, struct buf *out)
{
    struct rows r = {.p = p, .s = s};
    arena_init(&r.arena, ROWS_ARENA_MAX_BYTES);
    add_actions(&r);
    add_verdicts(&r);
    char at[32];
    buf_printf(out, "%s   %s   policy %s %.7s   %s   %s\n", p->cluster, s->region, o->policy_path, o->policy_hash,
               format_iso8601(p->now_ms, false, at), p->mode);
    print_control(&s->control, out);
    print_facts(s, out);
    print_need(p, out);
    buf_add_char(out, '\n');
    print_rows(&r, o->colour, out);
    if (r.count > 0)
        buf_add_char(out, '\n');
    print_sum(p, out);
    arena_release(&r.arena);
}
