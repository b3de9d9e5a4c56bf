// Tasks: what is where. Listed when something changed, described only when new, unfinished or vanished.
#include "base/check.h"
#include "scaler/gather_internal.h"

enum { PROTECTION_TASKS_MAX = 2000 };

// ---- when to list ---------------------------------------------------------------------------------------------------------

bool look_tasks_due(const struct look *l)
{
    if (l->old == NULL || l->lists || l->old->tasks_wanted || l->old->sources[SOURCE_TASKS].state != SOURCE_OK ||
        l->new->sources[SOURCE_CONTAINER_INSTANCES].state != SOURCE_OK || l->old->container_count != l->new->container_count)
        return true;
    struct strmap map;
    strmap_init(&map, l->a, l->old->container_count);
    for (size_t i = 0; i < l->old->container_count; i++)
        strmap_put(&map, l->old->containers[i].arn, (int)i);
    for (size_t i = 0; i < l->new->container_count; i++) {
        const struct fact_container *c = &l->new->containers[i];
        int was = strmap_get(&map, c->arn);
        const struct fact_container *o = was >= 0 ? &l->old->containers[was] : NULL;
        if (o == NULL || o->version != c->version || o->running != c->running || o->pending != c->pending)
            return true;
    }
    return false;
}

static bool marked(const struct look *l, const char *ec2_id)
{
    const char *written = gather_written_mark(l->g, ec2_id, l->new->at_ms);
    if (written)
        return written[0] != '\0';
    for (size_t i = 0; l->old && i < l->old->ec2_count; i++)
        if (strcmp(l->old->ec2[i].id, ec2_id) == 0)
            return l->old->ec2[i].mark[0] != '\0';
    return l->old == NULL;  // first look: whose drain it is shows later in this look
}

static bool watched(const struct look *l, const struct fact_container *c)
{
    return c->state == ECS_DRAINING && marked(l, c->ec2_id);
}

void look_boxes_ask(struct look *l)
{
    size_t count = 0;
    for (size_t i = 0; i < l->new->container_count; i++)
        count += watched(l, &l->new->containers[i]);
    l->boxes = arena_array(l->a, struct box_lists, count);  // large ones: no more than are filled
    for (size_t i = 0; i < l->new->container_count; i++) {
        const struct fact_container *c = &l->new->containers[i];
        if (!watched(l, c))
            continue;
        struct box_lists *b = &l->boxes[l->box_count++];
        b->container = c->arn;
        ecs_list_tasks(l->with, l->g->cluster,
                       &(struct ecs_task_filter){.container_instance = c->arn, .desired_status = "RUNNING"}, &b->running);
        ecs_list_tasks(l->with, l->g->cluster,
                       &(struct ecs_task_filter){.container_instance = c->arn, .desired_status = "STOPPED"}, &b->stopped);
    }
}

// ---- what to describe -----------------------------------------------------------------------------------------------------

struct sorting {
    struct look *l;
    struct strmap old, running, listed, wanted, told;  // by ARN: index in the old facts; listed as running; in any list; to describe; index in the answer
    const char **ask;
    size_t ask_count, ask_cap;
    struct ecs_tasks answer;
    bool lists_complete;
    int64_t oldest_ms;
    const char *trouble;
};

static const struct fact_task *old_task(const struct sorting *s, const char *arn)
{
    int i = strmap_get(&s->old, arn);
    return i >= 0 ? &s->l->old->tasks[i] : NULL;
}

static void note_listed(struct sorting *s, const struct ecs_arns *list)
{
    for (size_t i = 0; i < list->count; i++)
        strmap_put(&s->listed, list->items[i], 1);
}

static void want(struct sorting *s, const char *arn)
{
    if (strmap_get(&s->wanted, arn) >= 0)
        return;
    strmap_put(&s->wanted, arn, (int)s->ask_count);
    s->ask = arena_grow(s->l->a, s->ask, s->ask_count, &s->ask_cap, sizeof *s->ask);
    s->ask[s->ask_count++] = arena_strdup(s->l->a, arn);
}

static void note_call(struct sorting *s, const struct aws_call *c)
{
    if (c->state == AWS_CALL_NONE)
        return;
    if (c->state != AWS_CALL_COMPLETE) {
        s->lists_complete = false;
        s->trouble = arena_strdup(s->l->a, c->err.msg);
    } else if (c->answered_ms < s->oldest_ms) {
        s->oldest_ms = c->answered_ms;
    }
}

static void sort_lists(struct sorting *s)
{
    struct look *l = s->l;
    size_t old_count = l->old ? l->old->task_count : 0;
    strmap_init(&s->old, l->a, old_count);
    strmap_init(&s->running, l->a, l->task_list.count + old_count);
    strmap_init(&s->listed, l->a, l->task_list.count + 64);
    strmap_init(&s->wanted, l->a, 64);
    note_listed(s, &l->task_list);
    for (size_t i = 0; i < old_count; i++)
        strmap_put(&s->old, l->old->tasks[i].arn, (int)i);
    if (l->tasks_listed)
        note_call(s, &l->task_list.call);
    for (size_t i = 0; i < l->task_list.count; i++) {
        const char *arn = l->task_list.items[i];
        const struct fact_task *o = old_task(s, arn);
        strmap_put(&s->running, arn, 1);
        if (o == NULL || !o->running || o->stopping)
            want(s, arn);
    }
    for (size_t i = 0; i < old_count; i++) {
        const struct fact_task *o = &l->old->tasks[i];
        bool vanished = l->tasks_listed && strmap_get(&s->running, o->arn) < 0;
        if (!o->stopped && (vanished || o->stopping || !o->running))
            want(s, o->arn);
    }
}

// A box is emptied under our eyes: each of its tasks is looked at until it is seen STOPPED.
static void sort_boxes(struct sorting *s)
{
    for (size_t b = 0; b < s->l->box_count; b++) {
        const struct box_lists *box = &s->l->boxes[b];
        note_call(s, &box->running.call);
        note_call(s, &box->stopped.call);
        note_listed(s, &box->running);
        note_listed(s, &box->stopped);
        for (size_t i = 0; i < box->running.count; i++)
            want(s, box->running.items[i]);
        for (size_t i = 0; i < box->stopped.count; i++) {
            const struct fact_task *o = old_task(s, box->stopped.items[i]);
            if (o == NULL || !o->stopped)
                want(s, box->stopped.items[i]);
        }
    }
}

// ---- facts ----------------------------------------------------------------------------------------------------------------

static struct fact_task task_fact(const struct ecs_task *t, const struct fact_task *old, int64_t now_ms)
{
    struct fact_task fact = {
        .arn = t->arn, .definition = t->task_definition, .container = t->container_instance, .group = t->group,
        .running = strcmp(t->last_status, "RUNNING") == 0, .stopping = strcmp(t->desired_status, "STOPPED") == 0,
        .stopped = strcmp(t->last_status, "STOPPED") == 0, .protected_until_ms = old ? old->protected_until_ms : 0, .told = t,
    };
    if (fact.running)
        fact.started_ms = t->started_ms > 0 ? t->started_ms : old && old->started_ms > 0 ? old->started_ms : now_ms;
    return fact;
}

// There are many tasks, and they name the same few things: what lives as long as the facts do is pointed to, not copied.
static struct fact_task task_copy(const struct look *l, const struct strmap *containers, const struct fact_task *old)
{
    struct fact_task t = *old;
    const struct ecs_task_definition *d = region_definition(l->region, old->definition);
    int at = strmap_get(containers, old->container);
    t.arn = arena_strdup(l->a, old->arn);
    t.definition = d && strcmp(d->arn, old->definition) == 0 ? d->arn : arena_strdup(l->a, old->definition);
    t.container = at >= 0 ? l->new->containers[at].arn : arena_strdup(l->a, old->container);
    t.group = arena_strdup(l->a, old->group);
    t.told = NULL;
    return t;
}

// Stopped tasks are of use only while their box is watched: so that they are not described in each look.
static bool worth_keeping(const struct look *l, const struct fact_task *t)
{
    if (!t->stopped)
        return true;
    for (size_t b = 0; b < l->box_count; b++)
        if (strcmp(l->boxes[b].container, t->container) == 0)
            return true;
    return false;
}

// Gone: ECS does not know it any more. One that the same look lists, as lists and descriptions may be of different ages, is not.
static bool missing(const struct sorting *s, const char *arn)
{
    const struct ecs_failures *f = &s->answer.failures;
    for (size_t i = 0; i < f->count; i++)
        if (strcmp(f->items[i].arn, arn) == 0)
            return strcmp(f->items[i].reason, "MISSING") == 0 && strmap_get(&s->listed, arn) < 0;
    return false;
}

static void note_contradictions(struct sorting *s)
{
    const struct ecs_failures *f = &s->answer.failures;
    for (size_t i = 0; i < f->count && s->lists_complete; i++) {
        if (strcmp(f->items[i].reason, "MISSING") != 0 || strmap_get(&s->listed, f->items[i].arn) < 0)
            continue;
        s->lists_complete = false;
        s->trouble = arena_printf(s->l->a, "ListTasks lists %s, DescribeTasks says MISSING", f->items[i].arn);
    }
}

static int by_arn(const void *x, const void *y)
{
    return strcmp(((const struct fact_task *)x)->arn, ((const struct fact_task *)y)->arn);
}

static void take_tasks(struct sorting *s)
{
    struct look *l = s->l;
    struct facts *f = l->new;
    size_t old_count = l->old ? l->old->task_count : 0;
    struct strmap containers;
    strmap_init(&s->told, l->a, s->answer.count);
    strmap_init(&containers, l->a, f->container_count);
    for (size_t i = 0; i < f->container_count; i++)
        strmap_put(&containers, f->containers[i].arn, (int)i);
    f->tasks = arena_array(l->a, struct fact_task, s->answer.count + old_count);
    for (size_t i = 0; i < s->answer.count; i++) {
        const struct ecs_task *t = &s->answer.items[i];
        strmap_put(&s->told, t->arn, (int)i);
        struct fact_task fact = task_fact(t, old_task(s, t->arn), f->at_ms);
        if (worth_keeping(l, &fact))
            f->tasks[f->task_count++] = fact;
    }
    for (size_t i = 0; i < old_count; i++) {
        const struct fact_task *o = &l->old->tasks[i];
        if (strmap_get(&s->told, o->arn) < 0 && !missing(s, o->arn) && worth_keeping(l, o))
            f->tasks[f->task_count++] = task_copy(l, &containers, o);
    }
    qsort(f->tasks, f->task_count, sizeof *f->tasks, by_arn);
}

void look_tasks(struct look *l)
{
    struct facts *f = l->new;
    struct sorting s = {.l = l, .lists_complete = true, .oldest_ms = INT64_MAX, .trouble = ""};
    sort_lists(&s);
    sort_boxes(&s);
    if (s.ask_count > 0) {
        ecs_describe_tasks(l->with, l->g->cluster, s.ask, s.ask_count, &s.answer);
        aws_run(l->region->clients, l->until_ms);
        note_call(&s, &s.answer.call);
        note_contradictions(&s);
    }
    take_tasks(&s);
    // Not listed because no container instance changed: the facts hold as of their describe.
    if (!l->tasks_listed && f->sources[SOURCE_CONTAINER_INSTANCES].read_ms < s.oldest_ms)
        s.oldest_ms = f->sources[SOURCE_CONTAINER_INSTANCES].read_ms;
    int64_t kept_ms = l->old ? l->old->sources[SOURCE_TASKS].read_ms : 0;
    bool any = l->task_list.call.state == AWS_CALL_COMPLETE || !l->tasks_listed;
    source_set(f, SOURCE_TASKS, s.lists_complete ? SOURCE_OK : any ? SOURCE_PARTIAL : SOURCE_UNKNOWN,
               s.lists_complete && s.oldest_ms != INT64_MAX ? s.oldest_ms : kept_ms, s.trouble);
    f->tasks_listed_ms = l->tasks_listed && s.lists_complete ? f->at_ms : l->old ? l->old->tasks_listed_ms : 0;
}

// ---- protection and overrides ---------------------------------------------------------------------------------------------

static bool in_box(const struct look *l, const struct fact_task *t)
{
    for (size_t b = 0; b < l->box_count; b++)
        if (strcmp(l->boxes[b].container, t->container) == 0)
            return true;
    return false;
}

// All service tasks in list looks, those of draining instances in each. (Before each DRAINING the executor asks again.)
void look_protections(struct look *l)
{
    struct facts *f = l->new;
    const char **arns = arena_array(l->a, const char *, f->task_count);
    struct fact_task **asked = arena_array(l->a, struct fact_task *, f->task_count);
    struct strmap map;
    size_t count = 0;
    strmap_init(&map, l->a, 64);
    for (size_t i = 0; i < f->task_count; i++) {
        struct fact_task *t = &f->tasks[i];
        bool candidate = strncmp(t->group, "service:", 8) == 0 && !t->stopping && !t->stopped;
        if (!candidate || !(in_box(l, t) || (l->lists && count < PROTECTION_TASKS_MAX)))
            continue;
        strmap_put(&map, t->arn, (int)count);
        asked[count] = t;
        arns[count++] = t->arn;
    }
    if (count == 0)
        return;
    struct ecs_protections answer;
    ecs_get_task_protection(l->with, l->g->cluster, arns, count, &answer);
    aws_run(l->region->clients, l->until_ms);
    if (answer.call.state == AWS_CALL_COMPLETE)
        for (size_t i = 0; i < count; i++)
            asked[i]->protected_until_ms = 0;
    else if (f->sources[SOURCE_TASKS].state == SOURCE_OK)
        source_set(f, SOURCE_TASKS, SOURCE_PARTIAL, f->sources[SOURCE_TASKS].read_ms, arena_strdup(l->a, answer.call.err.msg));
    for (size_t i = 0; i < answer.count; i++) {
        int at = strmap_get(&map, answer.items[i].task_arn);
        if (at >= 0 && answer.items[i].enabled)
            asked[at]->protected_until_ms = answer.items[i].expires_ms ? answer.items[i].expires_ms : INT64_MAX;
    }
}

void look_task_needs(struct look *l)
{
    for (size_t i = 0; i < l->new->task_count; i++) {
        struct fact_task *t = &l->new->tasks[i];
        if (t->told == NULL)
            continue;
        const struct ecs_task_definition *d = region_definition(l->region, t->definition);
        if (d == NULL)
            continue;
        t->need = ecs_task_need(d, t->told);
        t->own_need = !res_eq(t->need, d->need);
    }
}
