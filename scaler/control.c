#include "scaler/control.h"

#include <string.h>

#include "policies/window.h"

#define DAY_S 86400

void zones_init(struct zones *z)
{
    *z = (struct zones){.count = 0};
    arena_init(&z->arena, 0);
}

void zones_release(struct zones *z)
{
    arena_release(&z->arena);
}

const struct zone *zones_get(struct zones *z, const char *name)
{
    const struct zone *zone = NULL;
    for (size_t i = 0; i < z->count; i++)
        if (strcmp(z->names[i], name) == 0)
            return z->zones[i];
    if (z->count == ZONES_MAX || zone_load(name, &z->arena, &zone, NULL) != 0)
        return NULL;
    z->names[z->count] = arena_strdup(&z->arena, name);
    z->zones[z->count++] = zone;
    return zone;
}

void control_join(struct control *c, const struct control *other)
{
    if (other->mode > c->mode)
        *c = *other;
}

// ---- tags -----------------------------------------------------------------------------------------------------------------

enum control_mode control_of_tag(const char *value, const char **ret_why)
{
    struct slice rest = slice_trim(slice_of(value));
    struct slice word = slice_cut(&rest, ' ');
    const char *why = value + strspn(value, " ") + word.len;
    *ret_why = why + strspn(why, " ");
    if (word.len > 0 && word.ptr[word.len - 1] == ':')
        word.len--;
    if (word.len == 0)
        return CONTROL_RUN;
    for (int m = CONTROL_RUN; m < CONTROL_COUNT; m++)
        if (slice_eq_nocase(word, slice_of(control_mode_name((enum control_mode)m))))
            return (enum control_mode)m;
    *ret_why = value;
    return CONTROL_PAUSE;
}

struct control control_of_fleets(const struct snapshot *s, struct arena *a)
{
    struct control c = {.mode = CONTROL_RUN, .who = "", .why = ""};
    for (size_t i = 0; i < s->fleet_count; i++) {
        const struct fleet *f = &s->fleets[i];
        const char *why;
        struct control one = {.mode = control_of_tag(f->control, &why)};
        if (one.mode <= c.mode)
            continue;
        one.who = arena_printf(a, "tag masu:mode of %s", f->id);
        one.why = arena_strdup(a, why);
        c = one;
    }
    return c;
}

struct control control_take_tags(struct snapshot *s, struct arena *a)
{
    struct control c = control_of_fleets(s, a);
    for (size_t i = 0; i < s->fleet_count; i++) {
        const char *why;
        enum control_mode m = control_of_tag(s->fleets[i].control, &why);
        s->fleets[i].control = m == CONTROL_RUN ? "" : control_mode_name(m);
    }
    return c;
}

// ---- freeze windows -------------------------------------------------------------------------------------------------------

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

bool window_span(const struct policy_window *w, const struct zone *z, int64_t now_ms, int64_t *ret_from_ms, int64_t *ret_to_ms)
{
    unsigned days;
    int32_t from = 0, to = WINDOW_DAY_MINUTES;
    *ret_from_ms = *ret_to_ms = 0;
    if (z == NULL)
        return true;
    if (!window_days(w->days, &days) || (*w->from && !window_minute(w->from, &from)) || (*w->to && !window_minute(w->to, &to)))
        return false;
    int64_t now_s = floor_div(now_ms, 1000), today = floor_div(now_s + zone_offset_s(z, now_s), DAY_S);
    for (int64_t day = today - 1; day <= today + 1; day++) {
        int weekday = (int)((day % 7 + 10) % 7);  // 1970-01-01 was a Thursday; 0 is Monday
        int64_t from_s = zone_unix_s(z, day * DAY_S + from * 60), to_s = zone_unix_s(z, (day + (to <= from)) * DAY_S + to * 60);
        if ((days & 1u << weekday) == 0 || now_s < from_s || now_s >= to_s)
            continue;
        *ret_from_ms = from_s * 1000;
        *ret_to_ms = to_s * 1000;
        return true;
    }
    return false;
}

int32_t minute_of_week(const struct zone *z, int64_t now_ms)
{
    int64_t now_s = floor_div(now_ms, 1000), minute = floor_div(now_s + zone_offset_s(z, now_s), 60) + 3 * WINDOW_DAY_MINUTES;
    return (int32_t)(minute - floor_div(minute, WINDOW_WEEK_MINUTES) * WINDOW_WEEK_MINUTES);
}

struct control control_of_freeze(const struct policy_cluster *p, struct zones *z, int64_t now_ms, struct arena *a)
{
    static const enum control_mode modes[FREEZE_MODE_COUNT] = {
        [FREEZE_ADD_ONLY] = CONTROL_ADD_ONLY, [FREEZE_PAUSE] = CONTROL_PAUSE, [FREEZE_FREEZE] = CONTROL_FREEZE};
    struct control c = {.mode = CONTROL_RUN, .who = "", .why = ""};
    for (size_t i = 0; i < p->freeze_count; i++) {
        const struct policy_freeze *f = &p->freeze[i];
        const struct zone *zone = zones_get(z, f->window.zone);
        struct control one = {.mode = modes[f->mode], .why = arena_strdup(a, f->reason)};
        if (!window_span(&f->window, zone, now_ms, &one.since_ms, &one.until_ms))
            continue;
        one.who = zone ? arena_printf(a, "freeze window %zu of the policy", i + 1)
                       : arena_printf(a, "freeze window %zu of the policy, whose zone %s cannot be read", i + 1, f->window.zone);
        control_join(&c, &one);
    }
    return c;
}
