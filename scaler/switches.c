#include "scaler/switches.h"

#include "base/json.h"

static struct switch_entry *find(struct switches *s, const char *cluster)
{
    for (size_t i = 0; i < s->count; i++)
        if (strcmp(s->entries[i].cluster, cluster) == 0)
            return &s->entries[i];
    return NULL;
}

static void drop(struct switches *s, struct switch_entry *e)
{
    size_t at = (size_t)(e - s->entries);
    s->count--;
    memmove(e, e + 1, (s->count - at) * sizeof *e);
}

static bool over(const struct switch_entry *e, int64_t now_ms)
{
    return e->until_ms != 0 && e->until_ms <= now_ms;
}

static int put(struct switches *s, const struct inbox_switch *change, int64_t now_ms, struct err *err)
{
    struct switch_entry *e = find(s, change->cluster);
    if (e == NULL && s->count == SWITCHES_MAX)
        return err_set(err, ERR_LIMIT, "%d switches are kept at most", SWITCHES_MAX);
    if (e == NULL)
        e = &s->entries[s->count++];
    *e = (struct switch_entry){.mode = change->mode, .since_ms = now_ms, .until_ms = change->until_ms};
    snprintf(e->cluster, sizeof e->cluster, "%s", change->cluster);
    snprintf(e->who, sizeof e->who, "%s", change->who);
    snprintf(e->why, sizeof e->why, "%s", change->why);
    return 0;
}

static void drop_exempt(struct switches *s)
{
    for (size_t i = s->count; i-- > 0;)
        if (s->entries[i].mode == CONTROL_RUN)
            drop(s, &s->entries[i]);
}

int switches_apply(struct switches *s, const struct inbox_switch *change, int64_t now_ms, struct err *err)
{
    bool all = change->cluster[0] == '\0';
    switches_expire(s, now_ms);
    if (all && change->resume) {
        s->count = 0;
        return 0;
    }
    if (all)
        drop_exempt(s);
    if (!change->resume || find(s, ""))
        return put(s, change, now_ms, err);  // to resume under a switch for all is to be exempt
    struct switch_entry *own = find(s, change->cluster);
    if (own)
        drop(s, own);
    return 0;
}

bool switches_expire(struct switches *s, int64_t now_ms)
{
    size_t before = s->count;
    for (size_t i = s->count; i-- > 0;)
        if (over(&s->entries[i], now_ms))
            drop(s, &s->entries[i]);
    if (find(s, "") == NULL)
        drop_exempt(s);
    return s->count != before;
}

struct control switches_control(const struct switches *s, const char *cluster, int64_t now_ms)
{
    const struct switch_entry *all = NULL, *own = NULL;
    struct control c = {.mode = CONTROL_RUN, .who = "", .why = ""};
    for (size_t i = 0; i < s->count; i++) {
        const struct switch_entry *e = &s->entries[i];
        if (over(e, now_ms))
            continue;
        if (e->cluster[0] == '\0')
            all = e;
        else if (strcmp(e->cluster, cluster) == 0)
            own = e;
    }
    if (own && own->mode == CONTROL_RUN)
        return c;
    const struct switch_entry *e = own && (all == NULL || own->mode >= all->mode) ? own : all;
    if (e)
        c = (struct control){e->mode, e->who, e->why, e->since_ms, e->until_ms};
    return c;
}

// ---- kept -----------------------------------------------------------------------------------------------------------------

void switches_write(const struct switches *s, struct buf *out)
{
    json_t *list = json_array();
    for (size_t i = 0; i < s->count; i++) {
        const struct switch_entry *e = &s->entries[i];
        json_array_append_new(list, json_pack("{s:o, s:s, s:o, s:o, s:I, s:I}", "cluster", json_text(e->cluster), "mode",
                                              control_mode_name(e->mode), "who", json_text(e->who), "why", json_text(e->why), "since_ms",
                                              (json_int_t)e->since_ms, "until_ms", (json_int_t)e->until_ms));
    }
    json_write(list, out);
    json_decref(list);
}

static bool read_text(const json_t *obj, const char *key, char *ret, size_t size)
{
    const char *text = json_str(obj, key);
    return text && strlen(text) < size && snprintf(ret, size, "%s", text) >= 0;
}

static bool read_mode(const json_t *obj, enum control_mode *ret)
{
    const char *name = json_str(obj, "mode");
    for (int m = CONTROL_RUN; name && m < CONTROL_COUNT; m++)
        if (strcmp(name, control_mode_name((enum control_mode)m)) == 0) {
            *ret = (enum control_mode)m;
            return true;
        }
    return false;
}

int switches_read(struct slice text, struct switches *ret, struct err *err)
{
    json_t *list = NULL;
    int rc = json_parse(text, "switches", &list, err);
    if (rc != 0)
        return rc;
    size_t n = json_array_size(list);
    bool ok = json_is_array(list) && n <= SWITCHES_MAX;
    ret->count = 0;
    for (size_t i = 0; ok && i < n; i++) {
        struct switch_entry *e = &ret->entries[ret->count++];
        const json_t *obj = json_array_get(list, i);
        *e = (struct switch_entry){.since_ms = json_int(obj, "since_ms", 0), .until_ms = json_int(obj, "until_ms", 0)};
        ok = read_mode(obj, &e->mode) && read_text(obj, "cluster", e->cluster, sizeof e->cluster) &&
             read_text(obj, "who", e->who, sizeof e->who) && read_text(obj, "why", e->why, sizeof e->why);
    }
    json_decref(list);
    if (!ok) {
        ret->count = 0;
        return err_set(err, ERR_CORRUPT, "what people switched cannot be read");
    }
    return 0;
}
