// What is asked of a what-if: from the body of a POST, and as words of the command line.
#include <string.h>

#include "base/json.h"
#include "web/whatif.h"

struct text_key {
    const char *name, *option;
    size_t offset;
    const char *chars;   // besides letters and digits
};

static const struct text_key texts[] = {
    {"cluster", "--cluster", offsetof(struct whatif_ask, cluster), "-_"},
    {"lose_zone", "--lose-zone", offsetof(struct whatif_ask, lose_zone), "-,@"},
    {"lose_pool", "--lose-pool", offsetof(struct whatif_ask, lose_pool), "-,@./"},
    {"types", "--types", offsetof(struct whatif_ask, types), "-,.:"},
    {"scale", "--scale", offsetof(struct whatif_ask, scale), "-_,.="},
    {"add_service", "--add-service", offsetof(struct whatif_ask, add_service), "-_,="},
};

struct number_key {
    const char *name;
    double least, most;
    bool whole;
};
static const struct number_key numbers[] = {
    {"days", 1, WHATIF_DAYS_MAX, true}, {"seeds", 1, WHATIF_SEEDS_MAX, true}, {"headroom_percent", 0, 100, false}, {"waiting_costs", 0.001, 1000, false},
};

static int read_text(const struct text_key *k, const json_t *v, struct whatif_ask *ret, struct err *err)
{
    const char *s = json_string_value(v);
    if (!s || strlen(s) != json_string_length(v) || strlen(s) >= WHATIF_TEXT)
        return err_set(err, ERR_INVALID, "%s: text of at most %d bytes is expected", k->name, WHATIF_TEXT - 1);
    for (const char *p = s; *p; p++)
        if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", *p) && !strchr(k->chars, *p))
            return err_set(err, ERR_INVALID, "%s: letters, digits and %s are expected", k->name, k->chars);
    if (*s == '-')
        return err_set(err, ERR_INVALID, "%s: begins with -", k->name);
    memcpy((char *)ret + k->offset, s, strlen(s) + 1);
    return 0;
}

static int read_number(const struct number_key *k, const json_t *v, double *ret, struct err *err)
{
    *ret = json_number_value(v);
    if (!json_is_number(v) || (k->whole && !json_is_integer(v)) || !(*ret >= k->least && *ret <= k->most))
        return err_set(err, ERR_INVALID, "%s: a %snumber from %g to %g is expected", k->name, k->whole ? "whole " : "", k->least, k->most);
    return 0;
}

static int read_key(const char *name, const json_t *v, struct whatif_ask *ret, struct err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (!strcmp(texts[i].name, name))
            return read_text(&texts[i], v, ret, err);
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        double x = 0;
        if (strcmp(numbers[i].name, name))
            continue;
        int rc = read_number(&numbers[i], v, &x, err);
        ret->days = i == 0 ? (int64_t)x : ret->days;
        ret->seeds = i == 1 ? (int64_t)x : ret->seeds;
        ret->headroom_percent = i == 2 ? x : ret->headroom_percent;
        ret->waiting_costs = i == 3 ? x : ret->waiting_costs;
        return rc;
    }
    if (!strcmp(name, "everybody") && json_is_boolean(v)) {
        ret->everybody = json_is_true(v);
        return 0;
    }
    return err_set(err, ERR_INVALID, "%.60s: no such key; there are cluster, days, seeds, scale, headroom_percent, waiting_costs, lose_zone, lose_pool, types, "
                   "add_service, and everybody, which is true or false", name);
}

int whatif_parse(struct slice body, struct whatif_ask *ret, struct err *err)
{
    struct whatif_ask a = {.days = 7, .seeds = 1, .headroom_percent = -1};
    json_t *obj = NULL;
    const char *name;
    json_t *v;
    if (json_parse(body, "body", &obj, err) != 0)
        return err ? err->kind = ERR_INVALID : ERR_INVALID;
    int rc = json_is_object(obj) ? 0 : err_set(err, ERR_INVALID, "an object is expected");
    json_object_foreach(obj, name, v)
        rc = rc ? rc : read_key(name, v, &a, err);
    json_decref(obj);
    if (rc == 0 && !*a.cluster)
        rc = err_set(err, ERR_INVALID, "cluster: whose past is simulated?");
    if (rc == 0)
        *ret = a;
    return rc;
}

bool whatif_changes(const struct whatif_ask *a)
{
    return *a->lose_zone || *a->lose_pool || *a->types || *a->scale || *a->add_service || a->headroom_percent >= 0 || a->waiting_costs > 0;
}

struct words {
    char (*room)[WHATIF_TEXT + 32];
    const char **ret;
    int n;
};

static void add(struct words *w, const char *fmt, ...) _printf_(2, 3);
static void add(struct words *w, const char *fmt, ...)
{
    va_list ap;
    assert(w->n < WHATIF_ARGS - 1);
    va_start(ap, fmt);
    vsnprintf(w->room[w->n], sizeof w->room[w->n], fmt, ap);
    va_end(ap);
    w->ret[w->n] = w->room[w->n];
    w->n++;
}

int whatif_args(const struct whatif_ask *a, bool change, const char *state_path, char room[WHATIF_ARGS][WHATIF_TEXT + 32], const char *ret[WHATIF_ARGS])
{
    struct words w = {room, ret, 0};
    add(&w, "simulate");
    add(&w, "--history");
    w.ret[w.n++] = state_path;  // may be longer than a room
    add(&w, "--from");
    add(&w, "%" PRId64 "d", a->days);
    add(&w, "--seeds");
    add(&w, "%" PRId64, a->seeds);
    add(&w, "--against");
    add(&w, "%s", a->everybody ? "all" : "clairvoyant");
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        const char *s = (const char *)a + texts[i].offset;
        if (*s && (i == 0 || change)) {
            add(&w, "%s", texts[i].option);
            add(&w, "%s", s);
        }
    }
    if (change && a->headroom_percent >= 0) {
        add(&w, "--headroom");
        add(&w, "%.6g", a->headroom_percent);
    }
    if (change && a->waiting_costs > 0) {
        add(&w, "--waiting-costs");
        add(&w, "%.6g", a->waiting_costs);
    }
    add(&w, "--format");
    add(&w, "json");
    add(&w, "--progress");
    ret[w.n] = NULL;
    return w.n;
}
