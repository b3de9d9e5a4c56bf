#include "scaler/whatif.h"

#include <math.h>
#include <string.h>

#include "base/parse.h"
#include "scaler/options.h"

// The next word of a comma-separated list; false: there is none.
static bool next_word(struct slice *rest, struct slice *ret)
{
    while (rest->len > 0) {
        *ret = slice_trim(slice_cut(rest, ','));
        if (ret->len > 0)
            return true;
    }
    return false;
}

static char *kept(struct arena *a, struct slice s)
{
    return arena_strndup(a, s.ptr, s.len);
}

// ---- losses -----------------------------------------------------------------------------------------------------------------

static int read_times(struct slice times, const struct scene *s, struct scene_loss *l)
{
    l->from_ms = s->warmup_ms;
    l->to_ms = s->for_ms;
    if (times.len == 0)
        return 0;
    struct slice from = slice_cut(&times, '-');
    if (!parse_duration_ms(from, &l->from_ms) || (times.len > 0 && !parse_duration_ms(times, &l->to_ms)))
        return ERR_INVALID;
    return l->to_ms > l->from_ms ? 0 : ERR_INVALID;
}

static int lose(struct scene *s, const char *list, bool pool, struct arena *a, struct err *err)
{
    struct slice rest = slice_of(list), word;
    while (next_word(&rest, &word)) {
        struct slice times = word, where = slice_cut(&times, '@'), type = {"", 0};
        bool slash = memchr(where.ptr, '/', where.len) != NULL;
        struct scene_loss l;
        if (slash)
            type = slice_cut(&where, '/');
        if (slash != pool || where.len == 0 || read_times(times, s, &l) != 0)
            return err_set(err, ERR_INVALID, "%.*s: expected %s, and behind it @FROM or @FROM-TO, as @24h-36h", (int)word.len, word.ptr,
                           pool ? "TYPE/ZONE" : "a zone");
        if (s->loss_count == SCENE_LOSSES_MAX)
            return err_set(err, ERR_INVALID, "at most %d losses", SCENE_LOSSES_MAX);
        l.zone = scene_zone(s, kept(a, where));
        l.type = kept(a, type);
        s->losses[s->loss_count++] = l;
    }
    return 0;
}

int whatif_lose_zone(struct scene *s, const char *list, struct arena *a, struct err *err)
{
    return lose(s, list, false, a, err);
}

int whatif_lose_pool(struct scene *s, const char *list, struct arena *a, struct err *err)
{
    return lose(s, list, true, a, err);
}

// ---- services and types -----------------------------------------------------------------------------------------------------

static struct scene_service *find_service(struct scene *s, struct slice name)
{
    for (size_t i = 0; i < s->service_count; i++)
        if (slice_eq_str(name, s->services[i].name))
            return &s->services[i];
    return NULL;
}

static void scale_service(struct scene_service *v, double times)
{
    v->tasks = (int64_t)floor((double)v->tasks * times + 0.5);
    v->tasks = v->tasks < 1 ? 1 : v->tasks;
    v->factor *= times;
}

int whatif_scale(struct scene *s, const char *list, struct err *err)
{
    struct slice rest = slice_of(list), word;
    while (next_word(&rest, &word)) {
        struct slice by = word, name = slice_cut(&by, '=');
        struct scene_service *v = find_service(s, name);
        double times;
        bool all = !v && slice_eq_str(name, "all");
        if (!v && !all) {
            const char *names[SCENE_SERVICES_MAX], *near;
            char text[WORLD_ID] = "";
            for (size_t i = 0; i < s->service_count; i++)
                names[i] = s->services[i].name;
            memcpy(text, name.ptr, name.len < sizeof text ? name.len : sizeof text - 1);
            near = options_nearest(text, names, s->service_count);
            return err_set(err, ERR_INVALID, "%.*s: no such service%s%s", (int)name.len, name.ptr, near ? ": did you mean " : "", near ? near : "");
        }
        double most = 0;
        for (size_t i = 0; i < s->service_count; i++)
            most = all || v == &s->services[i] ? fmax(most, (double)s->services[i].tasks) : most;
        if (!parse_double(by, &times) || times < 0 || times * most > 5000)
            return err_set(err, ERR_INVALID, "%.*s: expected SERVICE=TIMES, as web=2, and at most 5000 tasks", (int)word.len, word.ptr);
        for (size_t i = 0; i < s->service_count; i++)
            if (all || v == &s->services[i])
                scale_service(&s->services[i], times);
    }
    return 0;
}

int whatif_add_service(struct scene *s, const char *list, struct arena *a, struct err *err)
{
    struct slice rest = slice_of(list), word;
    while (next_word(&rest, &word)) {
        struct slice size = word, name = slice_cut(&size, '='), tasks = size, cpu = slice_cut(&tasks, 'x'), memory = slice_cut(&tasks, 'x');
        struct scene_service v = {.follow = SCENE_TRACE, .min_percent = 100, .max_percent = 200, .strategies = {WS_SPREAD_ZONE, WS_BINPACK_CPU},
                                  .strategy_count = 2};
        bool read = parse_i64(cpu, &v.cpu_units) && parse_i64(memory, &v.memory_mib) && parse_i64(tasks, &v.tasks);
        if (!read || name.len == 0 || name.len >= WORLD_ID || v.cpu_units < 0 || v.memory_mib < 1 || v.tasks < 1 || v.tasks > 5000)
            return err_set(err, ERR_INVALID, "%.*s: expected NAME=CPUxMIBxTASKS, as new=512x896x20", (int)word.len, word.ptr);
        if (find_service(s, name) || s->service_count == SCENE_SERVICES_MAX)
            return err_set(err, ERR_INVALID, "%.*s: there is one of that name already, or there are too many", (int)name.len, name.ptr);
        v.name = kept(a, name);
        s->services[s->service_count++] = v;
    }
    return 0;
}

int whatif_types(struct scene *s, const char *list, struct arena *a, struct err *err)
{
    struct slice rest = slice_of(list), word;
    s->type_count = 0;
    while (next_word(&rest, &word)) {
        struct slice weight = word, name = slice_cut(&weight, ':');
        struct scene_type t = {.weight = 1};
        if (name.len == 0 || (weight.len > 0 && (!parse_i64(weight, &t.weight) || t.weight < 1 || t.weight > 999)))
            return err_set(err, ERR_INVALID, "%.*s: expected TYPE or TYPE:WEIGHT, as m5.2xlarge:2", (int)word.len, word.ptr);
        if (s->type_count == WORLD_OVERRIDES)
            return err_set(err, ERR_INVALID, "at most %d types", WORLD_OVERRIDES);
        t.name = kept(a, name);
        s->types[s->type_count++] = t;
    }
    return s->type_count > 0 ? 0 : err_set(err, ERR_INVALID, "expected types, as m5.xlarge,m5.2xlarge:2");
}
