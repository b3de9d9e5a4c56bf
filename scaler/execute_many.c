// Many actions that do not wait for each other: the answer to a notice, where every second counts. Drains and undone drains go ten a
// call, all calls at once, and the others on the wire meanwhile.
#include "scaler/execute_many.h"

#include "base/check.h"
#include "scaler/aws/ecs.h"

enum { BATCH_MAX = 10, ANSWERS_MAX_BYTES = 64 << 20 };

struct batch {
    enum action_kind kind;
    size_t members[BATCH_MAX];           // indices of the actions
    const char *arns[BATCH_MAX];
    size_t count;
    struct ecs_container_instances answer;
};

static bool in_batches(const struct action *a)
{
    return a->kind == ACTION_DRAIN || a->kind == ACTION_UNDRAIN;
}

static struct batch *make_batches(struct arena *arena, const struct snapshot *s, const struct action *const *actions, size_t count, size_t size,
                                  const struct err *errs, size_t *ret_count)
{
    struct batch *all = arena_array(arena, struct batch, count + 1);
    size_t n = 0;
    for (int kind = 0; kind < ACTION_COUNT; kind++) {
        struct batch *open = NULL;
        for (size_t i = 0; i < count; i++) {
            if (actions[i]->kind != (enum action_kind)kind || !in_batches(actions[i]) || (errs && errs[i].kind == ERR_OK))
                continue;
            if (open == NULL || open->count == size) {
                open = &all[n++];
                open->kind = actions[i]->kind;
            }
            assert(actions[i]->instance >= 0);
            open->members[open->count] = i;
            open->arns[open->count++] = s->instances[actions[i]->instance].arn;
        }
    }
    *ret_count = n;
    return all;
}

static void send(const struct aws_with *w, const char *cluster, struct batch *all, size_t count)
{
    for (size_t b = 0; b < count; b++)
        ecs_set_instance_state(*w, cluster, all[b].arns, all[b].count, all[b].kind == ACTION_DRAIN ? "DRAINING" : "ACTIVE", &all[b].answer);
}

static const char *reason_of(const struct batch *b, const char *arn)
{
    for (size_t i = 0; i < b->answer.failures.count; i++)
        if (strcmp(b->answer.failures.items[i].arn, arn) == 0)
            return b->answer.failures.items[i].reason;
    return b->answer.call.err.msg;
}

// Each member by what the answer says of it; a call that failed as a whole says the same of all.
static void judge(const struct batch *b, struct err *errs)
{
    const struct aws_call *c = &b->answer.call;
    for (size_t k = 0; k < b->count; k++) {
        struct err *e = &errs[b->members[k]];
        bool done = c->state == AWS_CALL_COMPLETE;
        for (size_t i = 0; i < b->answer.count && !done; i++)
            done = c->state == AWS_CALL_PARTIAL && strcmp(b->answer.items[i].arn, b->arns[k]) == 0;
        *e = (struct err){0};
        if (!done)
            err_set(e, c->err.kind ? c->err.kind : ERR_TRANSIENT, "%s%s", reason_of(b, b->arns[k]),
                    c->timed_out ? " (its effect is unknown: the next look tells)" : "");
    }
}

// One that is not registered yet, or not any more, must not keep the others from being drained (safety.md D3).
static bool worth_splitting(const struct batch *b)
{
    const struct aws_call *c = &b->answer.call;
    return b->count > 1 && c->state == AWS_CALL_FAILED && (c->err.kind == ERR_INVALID || c->err.kind == ERR_NOT_FOUND || c->err.kind == ERR_CONFLICT);
}

void execute_many(const struct executor_many *m, const struct snapshot *s, const struct action *const *actions, size_t count, struct err *errs)
{
    struct arena arena;
    size_t n = 0, again = 0;
    arena_init(&arena, ANSWERS_MAX_BYTES);
    struct aws_with w = m->with;
    w.arena = &arena;
    struct batch *all = make_batches(&arena, s, actions, count, BATCH_MAX, NULL, &n);
    send(&w, m->cluster, all, n);
    for (size_t i = 0; i < count; i++)
        if (!in_batches(actions[i])) {
            errs[i] = (struct err){0};
            m->one(m->arg, s, actions[i], &errs[i]);
        }
    m->run(m->arg);
    bool split = false;
    for (size_t b = 0; b < n; b++) {
        judge(&all[b], errs);
        split = split || worth_splitting(&all[b]);
    }
    if (split) {
        struct batch *single = make_batches(&arena, s, actions, count, 1, errs, &again);
        send(&w, m->cluster, single, again);
        m->run(m->arg);
        for (size_t b = 0; b < again; b++)
            judge(&single[b], errs);
    }
    for (size_t i = 0; i < count; i++)
        if (in_batches(actions[i]))
            m->told(m->arg, s, actions[i], errs[i].kind);
    arena_release(&arena);
}
