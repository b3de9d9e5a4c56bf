#include <inttypes.h>

#include "base/json.h"
#include "planner/model/model_json.h"
#include "state/history_internal.h"
#include "state/pack.h"

#define RECORDS_BETWEEN_PRUNES 64

static const char *const outcome_names[OUTCOME_COUNT] = {"ok", "failed", "skipped", "dry_run"};

const char *outcome_kind_name(enum outcome_kind k)
{
    return outcome_names[k];
}

// ---- ticks that were begun ------------------------------------------------------------------------------------------------
static struct open_tick *find_open(struct state *s, int64_t tick)
{
    for (int i = 0; i < s->open_ticks; i++)
        if (s->ticks[i].id == tick)
            return &s->ticks[i];
    return NULL;
}

int state_tick_begin(struct state *s, const struct state_tick_start *t, int64_t *ret_tick, struct err *err)
{
    struct open_tick *o = NULL;
    // A tick of this cluster that was never recorded makes room: a cluster has one tick at a time.
    for (int i = 0; i < s->open_ticks; i++)
        if (s->ticks[i].start.cluster == t->cluster)
            o = &s->ticks[i];
    if (!o) {
        if (s->open_ticks == STATE_OPEN_TICKS_MAX)
            return err_set(err, ERR_LIMIT, "more than %d clusters tick at once", STATE_OPEN_TICKS_MAX);
        o = &s->ticks[s->open_ticks++];
    }
    *o = (struct open_tick){.id = s->next_tick++, .start = *t};
    snprintf(o->policy_hash, sizeof(o->policy_hash), "%s", t->policy_hash);
    snprintf(o->mode, sizeof(o->mode), "%s", t->mode);
    *ret_tick = o->id;
    return 0;
}

// Writes the row of a tick, once. Marked as written by the caller after the commit.
static int write_tick_row(struct state *s, const struct open_tick *o, struct err *err)
{
    if (o->written)
        return 0;
    static const char sql[] = "INSERT INTO ticks (id, cluster, at_ms, policy_hash, mode, dry_run, masu)"
                              " VALUES (:id, :cluster, :at_ms, :policy_hash, :mode, :dry_run, :masu)";
    sqlite3_stmt *st = NULL;
    int rc = db_prepare(&s->db, sql, &st, err);
    if (rc)
        return rc;
    db_bind_int(st, ":id", o->id);
    db_bind_int(st, ":cluster", o->start.cluster);
    db_bind_int(st, ":at_ms", o->start.at_ms);
    db_bind_text(st, ":policy_hash", o->policy_hash);
    db_bind_text(st, ":mode", o->mode);
    db_bind_int(st, ":dry_run", o->start.dry_run);
    db_bind_text(st, ":masu", MASU_VERSION);
    rc = db_run(&s->db, st, err);
    db_done(st);
    return rc;
}

// ---- intents and outcomes -------------------------------------------------------------------------------------------------
static int write_intent(struct state *s, const struct state_intent *i, int64_t *ret_intent, struct err *err)
{
    static const char sql[] =
        "INSERT INTO intents (tick, action, kind, target, params, client_token, fact, verdict, created_ms)"
        " VALUES (:tick, :action, :kind, :target, :params, :client_token, :fact, :verdict, :created_ms)";
    sqlite3_stmt *st = NULL;
    int rc = db_prepare(&s->db, sql, &st, err);
    if (rc)
        return rc;
    db_bind_int(st, ":tick", i->tick);
    db_bind_int(st, ":action", i->action);
    db_bind_text(st, ":kind", action_kind_name(i->kind));
    db_bind_text(st, ":target", i->target);
    db_bind_text(st, ":params", i->params ? i->params : "");
    db_bind_text(st, ":client_token", i->client_token ? i->client_token : "");
    db_bind_text(st, ":fact", i->fact ? i->fact : "");
    db_bind_text(st, ":verdict", i->verdict ? i->verdict : "");
    db_bind_int(st, ":created_ms", clock_wall_ms(s->clock));
    rc = db_run(&s->db, st, err);
    db_done(st);
    if (rc == 0)
        *ret_intent = sqlite3_last_insert_rowid(s->db.h);
    return rc;
}

int state_intent(struct state *s, const struct state_intent *i, int64_t *ret_intent, struct err *err)
{
    struct open_tick *o = find_open(s, i->tick);
    if (!o)
        return err_set(err, ERR_INVALID, "an intent of tick %lld, which was not begun", (long long)i->tick);
    int rc = db_begin(&s->db, true, err);
    if (rc) {
        err_wrap(err, "intent");
        return rc;
    }
    int64_t id = 0;
    rc = write_tick_row(s, o, err);
    if (rc == 0)
        rc = write_intent(s, i, &id, err);
    rc = db_end(&s->db, rc, err);
    if (rc) {
        err_wrap(err, "intent");
        return rc;
    }
    o->written = true;
    *ret_intent = id;
    return 0;
}

int state_outcome(struct state *s, int64_t intent, enum outcome_kind kind, const struct err *err_of_call, struct err *err)
{
    static const char sql[] = "INSERT INTO outcomes (intent, outcome, err_kind, http_status, message, finished_ms)"
                              " VALUES (:intent, :outcome, :err_kind, :http_status, :message, :finished_ms)";
    static const struct err fine = {0};
    if (!err_of_call)
        err_of_call = &fine;
    int rc = db_begin(&s->db, false, err);
    if (rc) {
        err_wrap(err, "outcome");
        return rc;
    }
    sqlite3_stmt *st = NULL;
    rc = db_prepare(&s->db, sql, &st, err);
    if (rc == 0) {
        db_bind_int(st, ":intent", intent);
        db_bind_text(st, ":outcome", outcome_names[kind]);
        db_bind_text(st, ":err_kind", err_kind_name(err_of_call->kind));
        db_bind_int(st, ":http_status", err_of_call->http_status);
        db_bind_text(st, ":message", err_of_call->msg);
        db_bind_int(st, ":finished_ms", clock_wall_ms(s->clock));
        rc = db_run(&s->db, st, err);
        db_done(st);
    }
    rc = db_end(&s->db, rc, err);
    if (rc)
        err_wrap(err, "outcome of intent %lld", (long long)intent);
    return rc;
}

// ---- memo -----------------------------------------------------------------------------------------------------------------
static int write_memo(struct state *s, int64_t cluster, const struct memo *m, struct err *err)
{
    static const char sql[] = "INSERT INTO memos (cluster, saved_ms, body) VALUES (:cluster, :saved_ms, :body)"
                              " ON CONFLICT DO UPDATE SET saved_ms = excluded.saved_ms, body = excluded.body";
    __attribute__((cleanup(buf_release))) struct buf body;
    buf_init(&body, STATE_BODY_MAX);
    json_t *j = memo_to_json(m);
    int rc = pack_json(j, &body, err);
    json_decref(j);
    sqlite3_stmt *st = NULL;
    if (rc == 0)
        rc = db_prepare(&s->db, sql, &st, err);
    if (rc)
        return rc;
    db_bind_int(st, ":cluster", cluster);
    db_bind_int(st, ":saved_ms", clock_wall_ms(s->clock));
    db_bind_blob(st, ":body", buf_slice(&body));
    rc = db_run(&s->db, st, err);
    db_done(st);
    return rc;
}

int state_memo_save(struct state *s, int64_t cluster, const struct memo *m, struct err *err)
{
    int rc = db_begin(&s->db, false, err);
    if (rc)
        return rc;
    rc = write_memo(s, cluster, m, err);
    return db_end(&s->db, rc, err);
}

static int parse_memo(struct slice packed, struct arena *a, struct memo *ret, bool *ret_found, struct err *err)
{
    struct slice text;
    json_t *j = NULL;
    int rc = unpack_json(packed, a, &text, err);
    if (rc == 0)
        rc = json_parse(text, "memo", &j, err);
    if (rc)
        return rc;
    // One of another version is set aside: the planner begins anew from AWS's facts.
    if (json_int(j, "version", MEMO_VERSION) == MEMO_VERSION) {
        rc = memo_from_json(j, a, ret, err);
        *ret_found = rc == 0;
    }
    json_decref(j);
    return rc;
}

int state_query_memo(struct state_reader *r, int64_t cluster, struct arena *a, struct memo *ret, bool *ret_found, struct err *err)
{
    *ret_found = false;
    sqlite3_stmt *st = NULL;
    bool row = false;
    db_start_deadline(r->db);
    int rc = db_prepare(r->db, "SELECT body FROM memos WHERE cluster = :cluster", &st, err);
    if (rc)
        return rc;
    db_bind_int(st, ":cluster", cluster);
    rc = db_step(r->db, st, &row, err);
    if (rc == 0 && row)
        rc = parse_memo(db_blob(st, "body"), a, ret, ret_found, err);
    db_done(st);
    if (rc)
        err_wrap(err, "memo of cluster %lld", (long long)cluster);
    return rc;
}

// ---- the record of a tick -------------------------------------------------------------------------------------------------
void state_policy_hash(struct slice json, char ret[17])
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < json.len; i++)
        h = (h ^ (unsigned char)json.ptr[i]) * UINT64_C(0x100000001b3);
    snprintf(ret, 17, "%016" PRIx64, h);
}

// Its time is renewed once an hour only: a row that is written in each tick would cost more than all deltas.
static int write_policy(struct state *s, const struct open_tick *o, struct slice json, const char *hash, struct err *err)
{
    static const char sql[] = "INSERT INTO policies (hash, last_ms, body) VALUES (:hash, :last_ms, :body) ON CONFLICT DO UPDATE SET"
                              " last_ms = excluded.last_ms WHERE excluded.last_ms - last_ms >= 3600000";
    _cleanup_(buf_release) struct buf packed;
    sqlite3_stmt *st = NULL;
    buf_init(&packed, STATE_BODY_MAX);
    int rc = pack_bytes(json, 6, &packed, err);
    if (rc == 0)
        rc = db_prepare(&s->db, sql, &st, err);
    if (rc)
        return rc;
    db_bind_text(st, ":hash", hash);
    db_bind_int(st, ":last_ms", o->start.at_ms);
    db_bind_blob(st, ":body", buf_slice(&packed));
    rc = db_run(&s->db, st, err);
    db_done(st);
    return rc;
}

static void bind_summary(sqlite3_stmt *st, const struct plan_summary *p)
{
    db_bind_int(st, ":instances", p->instances);
    db_bind_int(st, ":active", p->active);
    db_bind_int(st, ":draining", p->draining);
    db_bind_int(st, ":coming", p->coming);
    db_bind_int(st, ":interrupted", p->interrupted);
    db_bind_int(st, ":waiting_tasks", p->waiting_tasks);
    db_bind_int(st, ":capacity_cpu_units", p->capacity.v[RES_CPU]);
    db_bind_int(st, ":capacity_memory_mib", p->capacity.v[RES_MEMORY]);
    db_bind_int(st, ":reserved_cpu_units", p->reserved.v[RES_CPU]);
    db_bind_int(st, ":reserved_memory_mib", p->reserved.v[RES_MEMORY]);
    db_bind_int(st, ":need_cpu_units", p->need.v[RES_CPU]);
    db_bind_int(st, ":need_memory_mib", p->need.v[RES_MEMORY]);
    db_bind_int(st, ":cost_usd_micro_per_hour", p->hourly.micro);
}

static int write_end(struct state *s, const struct state_tick_end *t, const char *planned_policy, struct err *err)
{
    static const char sql[] =
        "UPDATE ticks SET recorded = 1, duration_ms = :duration_ms, error = :error, planned = :planned, actions = :actions,"
        " ok = :ok, failed = :failed, skipped = :skipped, instances = :instances, active = :active, draining = :draining,"
        " coming = :coming, interrupted = :interrupted, waiting_tasks = :waiting_tasks,"
        " capacity_cpu_units = :capacity_cpu_units, capacity_memory_mib = :capacity_memory_mib,"
        " reserved_cpu_units = :reserved_cpu_units, reserved_memory_mib = :reserved_memory_mib,"
        " need_cpu_units = :need_cpu_units, need_memory_mib = :need_memory_mib,"
        " cost_usd_micro_per_hour = :cost_usd_micro_per_hour, planned_policy = :planned_policy WHERE id = :tick";
    sqlite3_stmt *st = NULL;
    int rc = db_prepare(&s->db, sql, &st, err);
    if (rc)
        return rc;
    if (t->plan)
        bind_summary(st, &t->plan->summary);
    db_bind_int(st, ":tick", t->tick);
    db_bind_int(st, ":duration_ms", t->duration_ms);
    db_bind_text(st, ":error", t->error ? t->error : "");
    db_bind_int(st, ":planned", t->plan != NULL);
    db_bind_int(st, ":actions", t->plan ? (int64_t)t->plan->action_count : 0);
    db_bind_int(st, ":ok", t->ok);
    db_bind_int(st, ":failed", t->failed);
    db_bind_int(st, ":skipped", t->skipped);
    db_bind_text(st, ":planned_policy", planned_policy);
    rc = db_run(&s->db, st, err);
    db_done(st);
    return rc;
}

static struct look_before *look_before(struct state *s, int64_t cluster)
{
    for (int i = 0; i < s->look_count; i++)
        if (s->looks[i].cluster == cluster)
            return &s->looks[i];
    if (s->look_count == STATE_OPEN_TICKS_MAX)
        s->look_count = 0;
    s->looks[s->look_count] = (struct look_before){.cluster = cluster};
    return &s->looks[s->look_count++];
}

static int write_samples(struct state *s, const struct open_tick *o, const struct state_tick_end *t, struct err *err)
{
    struct arena a;
    struct state_sample *v;
    struct look_before *before = look_before(s, o->start.cluster);
    arena_init(&a, 0);
    size_t count = state_samples_of_tick(t->snapshot, t->plan, before->at_ms, &a, &v);
    int rc = history_write_look(s, o->start.cluster, o->start.at_ms, v, count, err);
    arena_release(&a);
    if (rc == 0)
        before->at_ms = t->snapshot ? t->snapshot->now_ms : 0;
    return rc;
}

static int write_record(struct state *s, const struct open_tick *o, const struct state_tick_end *t, struct err *err)
{
    char planned_policy[17] = "";
    if (t->policy.len)
        state_policy_hash(t->policy, planned_policy);
    int rc = write_tick_row(s, o, err);
    if (rc == 0)
        rc = write_end(s, t, planned_policy, err);
    if (rc == 0 && t->policy.len)
        rc = write_policy(s, o, t->policy, planned_policy, err);
    if (rc == 0)
        rc = body_write(s, o, t, err);
    if (rc == 0 && t->memo)
        rc = write_memo(s, o->start.cluster, t->memo, err);
    if (rc == 0 && t->plan)
        rc = write_samples(s, o, t, err);
    return rc;
}

int state_tick_record(struct state *s, const struct state_tick_end *t, struct err *err)
{
    struct open_tick *o = find_open(s, t->tick);
    if (!o)
        return err_set(err, ERR_INVALID, "the end of tick %lld, which was not begun", (long long)t->tick);
    int rc = db_begin(&s->db, false, err);
    if (rc == 0) {
        rc = write_record(s, o, t, err);
        rc = db_end(&s->db, rc, err);
    }
    body_settle(s, o->start.cluster, rc == 0);
    if (rc) {
        tracks_forget(s);  // ids that were rolled back
        err_wrap(err, "tick %lld", (long long)t->tick);
        return rc;  // the tick stays open: the shell may try again
    }
    int64_t cluster = o->start.cluster;
    *o = s->ticks[--s->open_ticks];
    rc = history_fold_some(s, cluster, err);
    if (rc || --s->records_until_prune >= 0)
        return rc;
    bool more = false;
    rc = state_prune(s, &more, err);
    s->records_until_prune = more ? 1 : RECORDS_BETWEEN_PRUNES;
    return rc;
}
