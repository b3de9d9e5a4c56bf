#include "web/file.h"

#include <jansson.h>

#include "base/json.h"
#include "base/parse.h"
#include "web/asset.h"
#include "web/routes.h"

#define TEMPLATE "report.html"
#define MARK "{\"data\":null}"
#define EXPLAINED_MAX 12
#define EXPLAINED_FIRST 3
#define PAGES_MAX 20
#define DAY_MS INT64_C(86400000)

struct parameter {
    const char *key, *value;
};

// A question to the API, and the name by which the page finds its answer in the file.
struct question {
    const char *parts[4];  // behind api, v1
    struct parameter query[6];
    bool hidden[6];        // not in the name: the page does not choose it
};

struct writer {
    const struct web_file_options *o;
    struct web_history *history;
    struct arena arena;
    struct buf data;       // "name": answer, …
    struct buf last;       // the newest answer alone
    const char *explained[EXPLAINED_MAX];
    size_t room_bytes;  // that what is optional may fill now
};

static const char *query_value(const struct web_request *r, const char *key)
{
    const struct question *q = r->arg;
    for (size_t i = 0; i < ARRAY_LEN(q->query); i++)
        if (q->query[i].key && q->query[i].value && strcmp(q->query[i].key, key) == 0)
            return q->query[i].value;
    return NULL;
}

static bool ask(struct writer *w, const struct question *q)
{
    struct web_response answer = {.status = 500, .type = WEB_PROBLEM};
    struct clock real;
    clock_init_real(&real);
    struct web_request r = {.query = query_value, .arg = q, .view = w->o->view, .history = w->history, .now_ms = w->o->now_ms,
                            .real_ms = clock_mono_ms(&real), .arena = &w->arena, .name = ""};
    r.parts[r.part_count++] = SLICE_LIT("api");
    r.parts[r.part_count++] = SLICE_LIT("v1");
    for (size_t i = 0; i < ARRAY_LEN(q->parts) && q->parts[i]; i++)
        r.parts[r.part_count++] = slice_of(q->parts[i]);
    buf_init(&answer.body, WEB_BODY_MAX);
    web_route(&r, &answer);
    bool good = answer.status == 200 && answer.type == WEB_JSON;
    buf_clear(&w->last);
    if (good)
        buf_add_slice(&w->last, buf_slice(&answer.body));
    buf_release(&answer.body);
    return good;
}

// In a script element only < could end it, and in JSON it stands in strings only.
static void add_escaped(struct buf *out, struct slice json)
{
    for (size_t i = 0; i < json.len; i++)
        if (json.ptr[i] == '<')
            buf_add_str(out, "\\u003c");
        else
            buf_add_char(out, json.ptr[i]);
}

static void add_name(struct writer *w, const struct question *q)
{
    struct buf name, quoted;
    buf_init(&name, 4096);
    buf_init(&quoted, 16384);
    for (size_t i = 0; i < ARRAY_LEN(q->parts) && q->parts[i]; i++)
        buf_printf(&name, "/%s", q->parts[i]);
    char sep = '?';
    for (size_t i = 0; i < ARRAY_LEN(q->query); i++)
        if (q->query[i].key && q->query[i].value && !q->hidden[i]) {
            buf_printf(&name, "%c%s=%s", sep, q->query[i].key, q->query[i].value);
            sep = '&';
        }
    json_t *text = json_string(buf_str(&name));
    json_write(text, &quoted);
    add_escaped(&w->data, buf_slice(&quoted));
    json_decref(text);
    buf_release(&quoted);
    buf_release(&name);
}

// Asks and keeps the answer; an optional one only while there is room.
static bool keep(struct writer *w, bool optional, struct question q)
{
    if (optional && w->data.len > w->room_bytes)
        return false;
    if (!ask(w, &q) || (optional && w->data.len + w->last.len > w->room_bytes))
        return false;
    buf_add_str(&w->data, w->data.len ? ",\n" : "");
    add_name(w, &q);
    buf_add_char(&w->data, ':');
    add_escaped(&w->data, buf_slice(&w->last));
    return true;
}

// ---- what the page asks for -----------------------------------------------------------------------------------------------
// Where names are equal the page says which is meant.
static bool ambiguous(const struct view *v, const struct view_cluster *c)
{
    int n = 0;
    for (size_t i = 0; i < v->cluster_count; i++)
        n += strcmp(v->clusters[i]->name, c->name) == 0;
    return n > 1;
}

static struct question about(struct writer *w, const struct view_cluster *c, const char *part)
{
    bool named = ambiguous(w->o->view, c);
    return (struct question){.parts = {"clusters", c->name, part}, .query = {{"account", named ? c->account : NULL}, {"region", named ? c->region : NULL}}};
}

// Of one cluster, NULL of all on one grid.
static void keep_series(struct writer *w, const struct view_cluster *c, const char *step, int64_t back_ms)
{
    char from[32], to[32];
    struct question q = c ? about(w, c, "series") : (struct question){.parts = {"series"}};
    q.query[2] = (struct parameter){"step", step};
    q.query[3] = (struct parameter){"from", format_iso8601(w->o->now_ms - back_ms, false, from)};
    q.query[4] = (struct parameter){"to", format_iso8601(w->o->now_ms + 60000, false, to)};
    q.hidden[3] = q.hidden[4] = true;
    keep(w, true, q);
}

static struct question ticks_of(struct writer *w, const struct view_cluster *c, const char *acting)
{
    bool named = c && ambiguous(w->o->view, c);
    struct question q = {.parts = {"ticks"}, .query = {{"account", named ? c->account : NULL}, {"acting", acting}, {"cluster", c ? c->name : NULL}, {"region", named ? c->region : NULL}, {"limit", "100"}}};
    q.hidden[4] = true;
    return q;
}

// The newest acting ticks, whose answer is the last one.
static int list_acting(struct writer *w)
{
    json_t *doc = NULL, *tick;
    size_t i;
    int n = 0;
    if (json_parse(buf_slice(&w->last), "ticks", &doc, NULL) == 0)
        json_array_foreach(json_object_get(doc, "ticks"), i, tick) {
            if (n < EXPLAINED_MAX)
                w->explained[n++] = arena_printf(&w->arena, "%lld", (long long)json_integer_value(json_object_get(tick, "tick")));
        }
    json_decref(doc);
    return n;
}

// The newest explanations of a cluster are wanted more than long ranges (half of the room is theirs), the older ones
// less: its list goes with the newest.
static void keep_ticks(struct writer *w, const struct view_cluster *c, bool newest)
{
    struct question list = ticks_of(w, c, "true");
    if (newest ? !keep(w, true, list) : !ask(w, &list))
        return;
    int n = list_acting(w);
    for (int i = newest ? 0 : EXPLAINED_FIRST; i < (newest && n > EXPLAINED_FIRST ? EXPLAINED_FIRST : n); i++) {
        struct question q = about(w, c, "ticks");
        q.parts[3] = w->explained[i];
        keep(w, true, q);
    }
}

static void keep_services(struct writer *w)
{
    const char *after = NULL;
    for (int i = 0; i < PAGES_MAX; i++) {
        json_t *doc = NULL;
        struct question q = {.parts = {"services"}, .query = {{"after", after}, {"limit", "1000"}}, .hidden = {false, true}};
        if (!keep(w, false, q) || json_parse(buf_slice(&w->last), "services", &doc, NULL) != 0)
            return;
        const char *next = json_string_value(json_object_get(doc, "after"));
        after = next ? arena_strdup(&w->arena, next) : NULL;
        json_decref(doc);
        if (!after)
            return;
    }
}

static void keep_limits(struct writer *w, const struct view_cluster *c)
{
    bool named = ambiguous(w->o->view, c);
    keep(w, true, (struct question){.parts = {"limits"}, .query = {{"account", named ? c->account : NULL}, {"cluster", c->name}, {"region", named ? c->region : NULL}}});
}

static void keep_all(struct writer *w)
{
    const struct view *v = w->o->view;
    w->room_bytes = w->o->data_max_bytes;
    static const struct {
        const char *step;
        int64_t back_ms;
    } ranges[] = {{"5m", DAY_MS}, {"1m", DAY_MS / 24}, {"2m", DAY_MS / 4}, {"30m", 7 * DAY_MS}, {"2h", 28 * DAY_MS}, {"1d", 395 * DAY_MS}};  // as the page has them, the small ones first
    keep(w, false, (struct question){.parts = {"clusters"}});
    keep(w, false, (struct question){.parts = {"alerts"}});
    char since[32];
    keep(w, false, (struct question){.parts = {"calendar"}, .query = {{"from", format_iso8601(w->o->now_ms - 28 * DAY_MS, false, since)}}, .hidden = {true}});
    keep_services(w);
    for (size_t i = 0; i < v->cluster_count; i++)
        keep(w, false, about(w, v->clusters[i], NULL));
    keep(w, true, ticks_of(w, NULL, "true"));
    keep_series(w, NULL, "15m", DAY_MS);
    for (size_t i = 0; i < v->cluster_count; i++)
        keep_limits(w, v->clusters[i]);
    w->room_bytes = w->data.len + w->o->data_max_bytes / 2;
    for (size_t i = 0; i < v->cluster_count; i++)
        keep_ticks(w, v->clusters[i], true);
    w->room_bytes = w->o->data_max_bytes;
    static const char *const parts[] = {"instances", "pools", "forecast"};
    for (size_t k = 0; k < ARRAY_LEN(ranges) + ARRAY_LEN(parts); k++)
        for (size_t i = 0; i < v->cluster_count; i++)
            if (k == 0)
                keep_series(w, v->clusters[i], ranges[k].step, ranges[k].back_ms);
            else if (k < 1 + ARRAY_LEN(parts))
                keep(w, true, about(w, v->clusters[i], parts[k - 1]));
            else
                keep_series(w, v->clusters[i], ranges[k - ARRAY_LEN(parts)].step, ranges[k - ARRAY_LEN(parts)].back_ms);
    for (size_t i = 0; i < v->cluster_count; i++)
        keep(w, true, ticks_of(w, v->clusters[i], NULL));
    for (size_t i = 0; i < v->cluster_count; i++)
        keep_ticks(w, v->clusters[i], false);
}

// ---- the file -------------------------------------------------------------------------------------------------------------
static struct slice template_text(void)
{
    for (size_t i = 0; i < web_asset_count; i++)
        if (strcmp(web_assets[i].path, TEMPLATE) == 0)
            return (struct slice){(const char *)web_assets[i].data, web_assets[i].len};
    assert(!"the build has no " TEMPLATE);
    return (struct slice){0};
}

static size_t mark_at(struct slice text)
{
    for (size_t i = 0; i + strlen(MARK) <= text.len; i++)
        if (memcmp(text.ptr + i, MARK, strlen(MARK)) == 0)
            return i;
    assert(!"the template has no place for the data");
    return 0;
}

static void writer_init(struct writer *w, const struct web_file_options *o)
{
    *w = (struct writer){.o = o, .history = web_history_new(o->state_path)};
    arena_init(&w->arena, 0);
    buf_init(&w->data, WEB_BODY_MAX);
    buf_init(&w->last, WEB_BODY_MAX);
}

static void writer_release(struct writer *w)
{
    buf_release(&w->data);
    buf_release(&w->last);
    arena_release(&w->arena);
    web_history_free(w->history);
}

int web_file_write(const struct web_file_options *o, struct buf *out, struct err *err)
{
    struct writer w;
    char now[32];
    writer_init(&w, o);
    keep_all(&w);
    struct slice text = template_text();
    size_t at = mark_at(text);
    buf_add_slice(out, (struct slice){text.ptr, at});
    buf_printf(out, "{\"now\":\"%s\",\"answers\":{\n", format_iso8601(o->now_ms, false, now));
    buf_add_slice(out, buf_slice(&w.data));
    buf_add_str(out, "}}");
    buf_add_slice(out, (struct slice){text.ptr + at + strlen(MARK), text.len - at - strlen(MARK)});
    bool failed = buf_failed(out) || buf_failed(&w.data);
    writer_release(&w);
    return failed ? err_set(err, ERR_LIMIT, "the report is larger than a file of it may be") : 0;
}

int web_file_answer(const struct web_file_options *o, const char *route, struct buf *out, struct err *err)
{
    struct writer w;
    writer_init(&w, o);
    bool good = ask(&w, &(struct question){.parts = {route}, .query = {{"limit", "1000"}}});
    if (good)
        buf_add_slice(out, buf_slice(&w.last));
    writer_release(&w);
    return good ? 0 : err_set(err, ERR_NOT_FOUND, "%s: no answer", route);
}
