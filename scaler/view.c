#include "scaler/view.h"

#include <string.h>

#include "scaler/view_copy.h"
#include "scaler/view_facts.h"

static const char *const outcome_names[VIEW_OUTCOME_COUNT] = {"unknown", "ok", "failed", "skipped", "dry_run"};

const char *view_outcome_name(enum view_outcome o)
{
    return outcome_names[o];
}

struct view_act view_act_of(const struct action *a, enum view_outcome outcome, const char *detail)
{
    return (struct view_act){
        .kind = a->kind,
        .target = a->target,
        .fact = a->fact,
        .verdict = a->verdict,
        .capacity = a->capacity,
        .capacity_before = a->target_before,
        .hourly_delta_usd_micro = a->hourly_delta.micro,
        .outcome = outcome,
        .outcome_detail = detail ? detail : "",
    };
}

// ---- one cluster ----------------------------------------------------------------------------------------------------------
static struct view_cluster *cluster_new(void)
{
    struct view_cluster *c = calloc(1, sizeof(*c));
    assert(c);  // as the arena: a machine without memory
    atomic_init(&c->refs, 1);
    arena_init(&c->arena, 0);
    return c;
}

static void cluster_release(struct view_cluster *c)
{
    if (atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1)
        return;
    arena_release(&c->arena);
    free(c);
}

static struct view_cluster *cluster_retain(struct view_cluster *c)
{
    atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
    return c;
}

static struct view_decision copy_decision(const struct view_decision *d, struct arena *a)
{
    struct view_decision c = *d;
    c.error = arena_strdup(a, d->error);
    c.acts = arena_array(a, struct view_act, d->act_count);
    for (size_t i = 0; i < d->act_count; i++) {
        c.acts[i] = d->acts[i];
        c.acts[i].target = arena_strdup(a, d->acts[i].target ? d->acts[i].target : "");
        c.acts[i].fact = arena_strdup(a, d->acts[i].fact ? d->acts[i].fact : "");
        c.acts[i].verdict = arena_strdup(a, d->acts[i].verdict ? d->acts[i].verdict : "");
        c.acts[i].outcome_detail = arena_strdup(a, d->acts[i].outcome_detail ? d->acts[i].outcome_detail : "");
    }
    return c;
}

// The decisions of prev with `next` (NULL none) before them.
static void copy_decisions(struct view_cluster *c, const struct view_cluster *prev, const struct view_decision *next)
{
    c->decisions = arena_array(&c->arena, struct view_decision, VIEW_DECISIONS_MAX);
    if (next)
        c->decisions[c->decision_count++] = copy_decision(next, &c->arena);
    for (size_t i = 0; i < prev->decision_count && c->decision_count < VIEW_DECISIONS_MAX; i++)
        c->decisions[c->decision_count++] = copy_decision(&prev->decisions[i], &c->arena);
}

static void copy_identity(struct view_cluster *c, const struct view_cluster *prev)
{
    c->name = arena_strdup(&c->arena, prev->name);
    c->account = arena_strdup(&c->arena, prev->account);
    c->region = arena_strdup(&c->arena, prev->region);
    c->mode = arena_strdup(&c->arena, prev->mode);
    c->policy_hash = arena_strdup(&c->arena, prev->policy_hash);
    c->error = "";
    c->period_ms = prev->period_ms;
    c->dry_run = prev->dry_run;
    c->counts = prev->counts;
    c->done_real_ms = prev->done_real_ms;
}

static void set_facts(struct view_cluster *c, const struct policy_cluster *policy, const struct view_tick *t)
{
    struct arena *a = &c->arena;
    c->ticked = true;
    c->snapshot = view_copy_snapshot(t->snapshot, a);
    c->plan = view_copy_plan(t->plan, a);
    c->memo = view_copy_memo(t->memo, a);
    c->account = c->snapshot->account;
    c->region = c->snapshot->region;
    c->mode = c->plan->mode;
    c->policy_hash = arena_strdup(a, t->policy_hash);
    c->tick = t->tick;
    c->at_ms = c->snapshot->now_ms;
    c->duration_ms = t->duration_ms;
    c->period_ms = policy->period_ms;
    c->dry_run = t->dry_run;
    view_facts_fill(c, policy);
}

static struct view_cluster *build(struct view_box *b, const struct view_cluster *prev, const struct policy_cluster *policy,
                                  const struct view_tick *t)
{
    struct view_cluster *c = cluster_new();
    copy_identity(c, prev);
    set_facts(c, policy, t);
    c->done_real_ms = clock_mono_ms(&b->real);
    const struct view_decision decision = {
        .tick = t->tick,
        .at_ms = c->at_ms,
        .dry_run = t->dry_run,
        .error = "",
        .acts = (struct view_act *)t->acts,
        .act_count = t->act_count,
    };
    copy_decisions(c, prev, t->act_count ? &decision : NULL);
    c->counts.ticks_ok++;
    c->counts.tick_duration_ms_sum += t->duration_ms;
    for (size_t i = 0; i < t->act_count; i++)
        c->counts.actions[t->acts[i].kind][t->acts[i].outcome]++;
    return c;
}

static struct view_cluster *build_failed(const struct view_cluster *prev, int64_t tick, int64_t at_ms, const char *error)
{
    struct view_cluster *c = cluster_new();
    copy_identity(c, prev);
    if (prev->ticked) {
        // The same facts in an arena of its own: a failed tick is rare, and one owner is simpler than two.
        const struct policy_cluster policy = {
            .fleets = (struct policy_fleet *)prev->bounds,
            .fleet_count = prev->snapshot->fleet_count,
            .calendar = prev->calendar,
            .period_ms = prev->period_ms,
            .max_age_ms = prev->max_age_ms,
        };
        const struct view_tick t = {
            .snapshot = prev->snapshot,
            .plan = prev->plan,
            .memo = prev->memo,
            .tick = prev->tick,
            .duration_ms = prev->duration_ms,
            .dry_run = prev->dry_run,
            .policy_hash = prev->policy_hash,
        };
        set_facts(c, &policy, &t);
    }
    c->failed = true;
    c->error = arena_strdup(&c->arena, error);
    c->error_ms = at_ms;
    const struct view_decision decision = {.tick = tick, .at_ms = at_ms, .dry_run = prev->dry_run, .error = error};
    copy_decisions(c, prev, &decision);
    c->counts.ticks_failed++;
    return c;
}

// ---- notes ----------------------------------------------------------------------------------------------------------------
static const char *text(struct arena *a, const char *s)
{
    return arena_strdup(a, s ? s : "");
}

static struct view_notes *notes_new(const struct view_alert *alerts, size_t count, const struct control *controls, size_t clusters)
{
    struct view_notes *n = calloc(1, sizeof(*n));
    assert(n);
    atomic_init(&n->refs, 1);
    arena_init(&n->arena, 0);
    n->alerts = arena_array(&n->arena, struct view_alert, count);
    n->alert_count = count;
    for (size_t i = 0; i < count; i++) {
        struct alert *a = &n->alerts[i].alert;
        n->alerts[i] = alerts[i];
        a->id = text(&n->arena, a->id);
        a->target = text(&n->arena, a->target);
        a->what = text(&n->arena, a->what);
        a->remedy = text(&n->arena, a->remedy);
    }
    n->controls = arena_array(&n->arena, struct control, clusters);
    for (size_t i = 0; i < clusters; i++) {
        n->controls[i] = controls ? controls[i] : (struct control){.mode = CONTROL_RUN};
        n->controls[i].who = text(&n->arena, n->controls[i].who);
        n->controls[i].why = text(&n->arena, n->controls[i].why);
    }
    return n;
}

static struct view_notes *notes_retain(struct view_notes *n)
{
    atomic_fetch_add_explicit(&n->refs, 1, memory_order_relaxed);
    return n;
}

static void notes_release(struct view_notes *n)
{
    if (atomic_fetch_sub_explicit(&n->refs, 1, memory_order_acq_rel) != 1)
        return;
    arena_release(&n->arena);
    free(n);
}

static struct view_outlooks *outlooks_new(const struct view_outlooks *before, size_t clusters)
{
    struct view_outlooks *o = calloc(1, sizeof *o);
    assert(o);
    atomic_init(&o->refs, 1);
    o->clusters = calloc(clusters + 1, sizeof *o->clusters);
    assert(o->clusters);
    if (before)
        memcpy(o->clusters, before->clusters, clusters * sizeof *o->clusters);
    return o;
}

static struct view_outlooks *outlooks_retain(struct view_outlooks *o)
{
    atomic_fetch_add_explicit(&o->refs, 1, memory_order_relaxed);
    return o;
}

static void outlooks_release(struct view_outlooks *o)
{
    if (!o || atomic_fetch_sub_explicit(&o->refs, 1, memory_order_acq_rel) != 1)
        return;
    free(o->clusters);
    free(o);
}

// ---- the view and its box -------------------------------------------------------------------------------------------------
static void copy_daemon(struct view *v, const struct view_daemon *d)
{
    struct arena *a = &v->arena;
    v->daemon = *d;
    v->daemon.version = arena_strdup(a, d->version ? d->version : "");
    v->daemon.state_detail = arena_strdup(a, d->state_detail ? d->state_detail : "");
    v->daemon.shell_mode = arena_strdup(a, d->shell_mode ? d->shell_mode : "act");
    v->daemon.shell_mode_reason = arena_strdup(a, d->shell_mode_reason ? d->shell_mode_reason : "");
    struct view_api_call *calls = arena_array(a, struct view_api_call, d->api_call_count);
    for (size_t i = 0; i < d->api_call_count; i++) {
        calls[i] = d->api_calls[i];
        calls[i].service = arena_strdup(a, d->api_calls[i].service);
        calls[i].operation = arena_strdup(a, d->api_calls[i].operation);
    }
    v->daemon.api_calls = calls;
}

static struct view *view_new(const struct view_daemon *d, size_t cluster_count)
{
    struct view *v = calloc(1, sizeof(*v));
    assert(v);
    atomic_init(&v->refs, 1);
    arena_init(&v->arena, 0);
    copy_daemon(v, d);
    v->clusters = arena_array(&v->arena, struct view_cluster *, cluster_count);
    v->sizes = arena_array(&v->arena, struct view_sizes *, cluster_count);
    v->cluster_count = cluster_count;
    return v;
}

struct view *view_acquire(struct view_box *b)
{
    pthread_mutex_lock(&b->lock);
    struct view *v = b->current;
    atomic_fetch_add_explicit(&v->refs, 1, memory_order_relaxed);
    pthread_mutex_unlock(&b->lock);
    return v;
}

void view_release(struct view *v)
{
    if (!v || atomic_fetch_sub_explicit(&v->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < v->cluster_count; i++)
        cluster_release(v->clusters[i]);
    notes_release(v->notes);
    outlooks_release(v->outlooks);
    for (size_t i = 0; i < v->cluster_count; i++)
        view_sizes_release(v->sizes[i]);
    arena_release(&v->arena);
    free(v);
}

// What a new view has that the present one has not; NULL: as it is. What is here is taken.
struct change {
    const struct view_daemon *daemon;
    struct view_cluster *cluster;
    struct view_sizes *sizes;
    size_t index;                // of the cluster
    struct view_notes *notes;
    struct view_outlooks *outlooks;
};

static void swap(struct view_box *b, const struct change *change)
{
    struct view *old = b->current;  // only the loop's thread replaces it
    struct view *v = view_new(change->daemon ? change->daemon : &old->daemon, old->cluster_count);
    v->notes = change->notes ? change->notes : notes_retain(old->notes);
    v->outlooks = change->outlooks ? change->outlooks : outlooks_retain(old->outlooks);
    for (size_t i = 0; i < old->cluster_count; i++)
        v->sizes[i] = change->sizes && i == change->index ? change->sizes : view_sizes_retain(old->sizes[i]);
    for (size_t i = 0; i < old->cluster_count; i++)
        v->clusters[i] = change->cluster && i == change->index ? change->cluster : cluster_retain(old->clusters[i]);
    pthread_mutex_lock(&b->lock);
    b->current = v;
    pthread_mutex_unlock(&b->lock);
    view_release(old);
}

void view_box_init(struct view_box *b, const struct policy *p, const struct view_daemon *d)
{
    *b = (struct view_box){0};
    pthread_mutex_init(&b->lock, NULL);
    clock_init_real(&b->real);
    b->current = view_new(d, p->cluster_count);
    b->current->notes = notes_new(NULL, 0, NULL, p->cluster_count);
    b->current->outlooks = outlooks_new(NULL, p->cluster_count);
    for (size_t i = 0; i < p->cluster_count; i++) {
        struct view_cluster *c = b->current->clusters[i] = cluster_new();
        const char *slash = strrchr(p->clusters[i].name, '/');  // of an ARN
        c->name = arena_strdup(&c->arena, slash ? slash + 1 : p->clusters[i].name);
        c->account = arena_strdup(&c->arena, p->clusters[i].account ? p->clusters[i].account : "");
        c->region = arena_strdup(&c->arena, p->clusters[i].region ? p->clusters[i].region : "");
        c->mode = policy_mode_name(p->clusters[i].mode);
        c->policy_hash = arena_strdup(&c->arena, p->hash);
        c->error = "";
        c->period_ms = p->clusters[i].period_ms;
        c->dry_run = d->dry_run;
    }
    view_box_beat(b);
}

void view_box_release(struct view_box *b)
{
    if (!b || !b->current)
        return;
    view_release(TAKE_PTR(b->current));
    pthread_mutex_destroy(&b->lock);
}

void view_box_publish(struct view_box *b, size_t cluster, const struct policy_cluster *policy, const struct view_tick *t)
{
    assert(cluster < b->current->cluster_count);
    swap(b, &(struct change){.cluster = build(b, b->current->clusters[cluster], policy, t), .index = cluster});
}

void view_box_publish_failed(struct view_box *b, size_t cluster, int64_t tick, int64_t at_ms, const char *error)
{
    assert(cluster < b->current->cluster_count);
    swap(b, &(struct change){.cluster = build_failed(b->current->clusters[cluster], tick, at_ms, error), .index = cluster});
}

void view_box_publish_daemon(struct view_box *b, const struct view_daemon *d)
{
    swap(b, &(struct change){.daemon = d});
}

void view_box_publish_notes(struct view_box *b, const struct view_alert *alerts, size_t count, const struct control *controls)
{
    swap(b, &(struct change){.notes = notes_new(alerts, count, controls, b->current->cluster_count)});
}

void view_box_publish_outlook(struct view_box *b, size_t cluster, const struct view_outlook *o)
{
    struct view_outlooks *next = outlooks_new(b->current->outlooks, b->current->cluster_count);
    assert(cluster < b->current->cluster_count);
    next->clusters[cluster] = *o;
    swap(b, &(struct change){.outlooks = next});
}

void view_box_publish_sizes(struct view_box *b, size_t cluster, struct view_sizes *s)
{
    assert(cluster < b->current->cluster_count);
    swap(b, &(struct change){.sizes = s, .index = cluster});
}

void view_box_beat(struct view_box *b)
{
    atomic_store(&b->beat_real_ms, clock_mono_ms(&b->real));
}

int64_t view_box_beat_age_ms(struct view_box *b)
{
    return clock_mono_ms(&b->real) - atomic_load(&b->beat_real_ms);
}
