#include "scaler/alerts.h"

#include "base/check.h"

#define REMIND_MS 3600000
#define CLEAR_MS 60000

struct entry {
    int cluster;
    enum alerts_source source;
    struct alert alert;        // its texts in `text`
    char *text;
    char *name;                // of the cluster
    int64_t told_ms, absent_ms;  // absent_ms 0: holds
    bool seen;
};

struct alerts {
    struct alerts_options o;
    struct entry *entries;
    size_t count, cap;
    struct view_alert *list;
    size_t list_count;
    bool changed;
};

struct alerts *alerts_new(const struct alerts_options *o)
{
    struct alerts *b = calloc(1, sizeof *b);
    assert(b);
    b->o = *o;
    return b;
}

static void entry_release(struct entry *e)
{
    free(e->text);
    free(e->name);
}

void alerts_free(struct alerts *b)
{
    if (b == NULL)
        return;
    for (size_t i = 0; i < b->count; i++)
        entry_release(&b->entries[i]);
    free(b->entries);
    free(b->list);
    free(b);
}

// ---- one entry ------------------------------------------------------------------------------------------------------------

static const char *place(char **at, const char *s)
{
    size_t size = strlen(s) + 1;
    char *to = memcpy(*at, s, size);
    *at += size;
    return to;
}

static bool same_text(const struct alert *a, const struct alert *b)
{
    return strcmp(a->what, b->what) == 0 && strcmp(a->remedy, b->remedy) == 0;
}

// The entry's own copy; since_ms of 0 keeps what it had.
static void entry_keep(struct entry *e, const struct alert *a, int64_t now_ms)
{
    int64_t since_ms = a->since_ms ? a->since_ms : e->text ? e->alert.since_ms : now_ms;
    if (e->text == NULL || !same_text(&e->alert, a)) {
        char *text = malloc(strlen(a->id) + strlen(a->target) + strlen(a->what) + strlen(a->remedy) + 4), *at = text;
        assert(text);
        struct alert copy = *a;
        copy.id = place(&at, a->id);
        copy.target = place(&at, a->target);
        copy.what = place(&at, a->what);
        copy.remedy = place(&at, a->remedy);
        free(e->text);
        e->text = text;
        e->alert = copy;
    }
    e->alert.severity = a->severity;
    e->alert.since_ms = since_ms;
}

static struct entry *find(struct alerts *b, int cluster, enum alerts_source source, const struct alert *a)
{
    for (size_t i = 0; i < b->count; i++) {
        struct entry *e = &b->entries[i];
        if (e->cluster == cluster && e->source == source && strcmp(e->alert.id, a->id) == 0 && strcmp(e->alert.target, a->target) == 0)
            return e;
    }
    return NULL;
}

static struct entry *add(struct alerts *b, int cluster, const char *name, enum alerts_source source)
{
    if (b->count == b->cap) {
        b->cap = b->cap ? b->cap * 2 : 16;
        b->entries = realloc(b->entries, b->cap * sizeof *b->entries);
        assert(b->entries);
    }
    struct entry *e = &b->entries[b->count++];
    *e = (struct entry){.cluster = cluster, .source = source, .name = strdup(name)};
    assert(e->name);
    return e;
}

// ---- telling --------------------------------------------------------------------------------------------------------------

struct news {
    const struct alert *alerts[ALERTS_MAX * 2 + 2];
    size_t count;
};

static void tell(struct alerts *b, const char *name, enum alerts_news kind, const struct news *n, int64_t now_ms)
{
    static const char *const words[] = {[ALERTS_RAISED] = "alert", [ALERTS_REMINDED] = "alert_holds", [ALERTS_CLEARED] = "alert_cleared"};
    static const enum log_level levels[] = {[ALERT_INFO] = LOG_INFO, [ALERT_WARNING] = LOG_WARN, [ALERT_CRITICAL] = LOG_ERROR};
    if (n->count == 0)
        return;
    for (size_t i = 0; b->o.log && i < n->count; i++) {
        const struct alert *a = n->alerts[i];
        log_event(b->o.log, kind == ALERTS_CLEARED ? LOG_INFO : levels[a->severity], words[kind], a->what, LOG_S("cluster", name),
                  LOG_S("id", a->id), LOG_S("target", a->target), LOG_S("severity", alert_severity_name(a->severity)),
                  LOG_I("minutes", (now_ms - a->since_ms) / 60000), LOG_S("remedy", a->remedy));
    }
    if (b->o.notify)
        b->o.notify(b->o.notify_arg, &(struct alerts_event){kind, name, n->alerts, n->count, now_ms});
}

static void note(struct news *n, const struct entry *e)
{
    assert(n->count < ARRAY_LEN(n->alerts));
    n->alerts[n->count++] = &e->alert;
}

// ---- what holds now -------------------------------------------------------------------------------------------------------

static int worse(const void *a, const void *b)
{
    const struct alert *x = *(const struct alert *const *)a, *y = *(const struct alert *const *)b;
    if (x->severity != y->severity)
        return x->severity > y->severity ? -1 : 1;
    return x < y ? -1 : x > y;  // else the order given
}

// At most ALERTS_MAX of the list, the worst; the rest is one alert.
static size_t choose(const struct alert *list, size_t count, const struct alert **chosen, struct alert *rest, char text[96])
{
    const struct alert **all = calloc(count + 1, sizeof *all);
    assert(all);
    for (size_t i = 0; i < count; i++)
        all[i] = &list[i];
    size_t n = count;
    if (count > ALERTS_MAX) {
        qsort(all, count, sizeof(const struct alert *), worse);
        n = ALERTS_MAX;
        snprintf(text, 96, "%zu more alerts hold than the %d that are told one by one", count - n, ALERTS_MAX);
        *rest = (struct alert){.id = "alerts-many", .target = "", .severity = all[n]->severity, .what = text,
                               .remedy = "look at what many of them have in common: one cause has many faces"};
        all[n++] = rest;
    }
    memcpy(chosen, all, n * sizeof *all);
    free(all);
    return n;
}

static void drop_gone(struct alerts *b)
{
    size_t kept = 0;
    for (size_t i = 0; i < b->count; i++) {
        if (b->entries[i].text)
            b->entries[kept++] = b->entries[i];
        else
            entry_release(&b->entries[i]);
    }
    b->count = kept;
}

// Absent for long enough: told, and gone. The texts live until they are told.
static void clear_absent(struct alerts *b, int cluster, const char *name, enum alerts_source source, int64_t now_ms)
{
    struct news cleared = {.count = 0};
    for (size_t i = 0; i < b->count; i++) {
        struct entry *e = &b->entries[i];
        if (e->cluster != cluster || e->source != source || e->seen)
            continue;
        b->changed |= e->absent_ms == 0;
        if (e->absent_ms == 0)
            e->absent_ms = now_ms;
        if (now_ms - e->absent_ms >= CLEAR_MS && cleared.count < ALERTS_MAX)
            note(&cleared, e);
    }
    tell(b, name, ALERTS_CLEARED, &cleared, now_ms);
    for (size_t i = 0; i < b->count; i++)
        for (size_t k = 0; k < cleared.count; k++)
            if (cleared.alerts[k] == &b->entries[i].alert) {
                free(b->entries[i].text);
                b->entries[i].text = NULL;
            }
    drop_gone(b);
}

void alerts_set(struct alerts *b, int cluster, const char *name, enum alerts_source source, const struct alert *list, size_t count,
                int64_t now_ms)
{
    const struct alert *chosen[ALERTS_MAX + 1];
    struct alert rest;
    char text[96];
    size_t n = choose(list, count, chosen, &rest, text);
    for (size_t i = 0; i < b->count; i++)
        b->entries[i].seen = false;
    // Two passes: adding may move the entries, and the news point at them.
    for (size_t i = 0; i < n; i++)
        if (find(b, cluster, source, chosen[i]) == NULL)
            entry_keep(add(b, cluster, name, source), chosen[i], now_ms);
    struct news raised = {.count = 0}, reminded = {.count = 0};
    for (size_t i = 0; i < n; i++) {
        struct entry *e = find(b, cluster, source, chosen[i]);
        if (e->seen)
            continue;  // said twice
        bool raise = e->told_ms == 0 || chosen[i]->severity > e->alert.severity;
        b->changed |= raise || e->absent_ms != 0 || chosen[i]->severity != e->alert.severity || !same_text(&e->alert, chosen[i]) ||
                      (chosen[i]->since_ms && chosen[i]->since_ms != e->alert.since_ms);
        entry_keep(e, chosen[i], now_ms);
        e->seen = true;
        e->absent_ms = 0;
        if (raise || now_ms - e->told_ms >= REMIND_MS) {
            note(raise ? &raised : &reminded, e);
            e->told_ms = now_ms;
        }
    }
    tell(b, name, ALERTS_RAISED, &raised, now_ms);
    tell(b, name, ALERTS_REMINDED, &reminded, now_ms);
    clear_absent(b, cluster, name, source, now_ms);
}

static int by_rank(const void *a, const void *b)
{
    const struct view_alert *x = a, *y = b;
    if (x->alert.severity != y->alert.severity)
        return x->alert.severity > y->alert.severity ? -1 : 1;
    if (x->alert.since_ms != y->alert.since_ms)
        return x->alert.since_ms < y->alert.since_ms ? -1 : 1;
    if (x->cluster != y->cluster)
        return x->cluster < y->cluster ? -1 : 1;
    int id = strcmp(x->alert.id, y->alert.id);
    return id ? id : strcmp(x->alert.target, y->alert.target);
}

const struct view_alert *alerts_list(struct alerts *b, size_t *ret_count, bool *ret_changed)
{
    *ret_changed = b->changed;
    if (b->changed) {
        free(b->list);
        b->list = calloc(b->count + 1, sizeof *b->list);
        assert(b->list);
        b->list_count = 0;
        for (size_t i = 0; i < b->count; i++)
            if (b->entries[i].absent_ms == 0)
                b->list[b->list_count++] = (struct view_alert){b->entries[i].cluster, b->entries[i].alert};
        qsort(b->list, b->list_count, sizeof *b->list, by_rank);
        b->changed = false;
    }
    *ret_count = b->list_count;
    return b->list;
}
