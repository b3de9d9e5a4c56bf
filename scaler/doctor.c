#include "scaler/doctor.h"

#include "base/check.h"
#include "base/json.h"

static const char *const STATES[] = {[DOCTOR_OK] = "ok", [DOCTOR_WARN] = "warn", [DOCTOR_FAIL] = "fail"};

void doctor_add(struct doctor *d, struct doctor_check c)
{
    assert(c.id && c.target && c.what);
    if (c.remedy == NULL)
        c.remedy = "";
    assert((c.state == DOCTOR_OK) == (c.remedy[0] == '\0'));  // whoever finds fault says what to do
    d->checks = arena_grow(d->arena, d->checks, d->check_count, &d->check_cap, sizeof *d->checks);
    d->checks[d->check_count++] = c;
}

size_t doctor_count(const struct doctor *d, enum doctor_state state)
{
    size_t n = 0;
    for (size_t i = 0; i < d->check_count; i++)
        n += d->checks[i].state == state;
    return n;
}

// ---- text -----------------------------------------------------------------------------------------------------------------

// Names come from outside: control bytes would act on a terminal.
static void add_clean(struct buf *out, const char *s)
{
    for (; *s; s++)
        buf_add_char(out, (unsigned char)*s < 0x20 || *s == 0x7f ? '?' : *s);
}

static size_t widest(const struct doctor *d, bool target, size_t most)
{
    size_t width = 0;
    for (size_t i = 0; i < d->check_count; i++) {
        size_t n = strlen(target ? d->checks[i].target : d->checks[i].id);
        if (n > width && n <= most)
            width = n;
    }
    return width;
}

static void add_padded(struct buf *out, const char *s, size_t width)
{
    add_clean(out, s);
    for (size_t n = strlen(s); n < width; n++)
        buf_add_char(out, ' ');
    buf_add_str(out, "  ");
}

void doctor_write_text(const struct doctor *d, bool colour, struct buf *out)
{
    static const char *const WORDS[] = {"ok  ", "warn", "FAIL"};
    static const char *const COLOURS[] = {"\033[32m", "\033[33m", "\033[1;31m"};
    size_t id_width = widest(d, false, 24), target_width = widest(d, true, 44);
    for (size_t i = 0; i < d->check_count; i++) {
        const struct doctor_check *c = &d->checks[i];
        buf_printf(out, "%s%s%s  ", colour ? COLOURS[c->state] : "", WORDS[c->state], colour ? "\033[0m" : "");
        add_padded(out, c->id, id_width);
        add_padded(out, c->target, target_width);
        add_clean(out, c->what);
        if (c->remedy[0]) {
            buf_add_str(out, " -> ");
            add_clean(out, c->remedy);
        }
        buf_add_char(out, '\n');
    }
    size_t warn = doctor_count(d, DOCTOR_WARN), fail = doctor_count(d, DOCTOR_FAIL);
    buf_printf(out, "\n%zu ok, %zu warning%s, %zu failure%s\n", doctor_count(d, DOCTOR_OK), warn, warn == 1 ? "" : "s", fail, fail == 1 ? "" : "s");
}

// ---- JSON -----------------------------------------------------------------------------------------------------------------

void doctor_write_json(const struct doctor *d, struct buf *out)
{
    json_t *checks = json_array();
    for (size_t i = 0; i < d->check_count; i++) {
        const struct doctor_check *c = &d->checks[i];
        json_t *one = json_object();
        json_object_set_new(one, "id", json_text(c->id));
        json_object_set_new(one, "state", json_text(STATES[c->state]));
        json_object_set_new(one, "target", json_text(c->target));
        json_object_set_new(one, "what", json_text(c->what));
        json_object_set_new(one, "remedy", json_text(c->remedy));
        json_array_append_new(checks, one);
    }
    json_t *all = json_object();
    json_object_set_new(all, "checks", checks);
    for (int s = DOCTOR_OK; s <= DOCTOR_FAIL; s++)
        json_object_set_new(all, STATES[s], json_integer((json_int_t)doctor_count(d, (enum doctor_state)s)));
    json_write_pretty(all, out);
    buf_add_char(out, '\n');
    json_decref(all);
}
