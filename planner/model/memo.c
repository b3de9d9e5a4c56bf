#include "planner/model/memo.h"

#include <string.h>

#include "base/arena.h"
#include "planner/model/plan.h"

void memo_copy(struct arena *a, const struct memo *m, struct memo *ret)
{
    *ret = *m;
    ret->policy_hash = arena_strdup(a, m->policy_hash ? m->policy_hash : "");
    ret->drain_cap = m->drain_count;
    ret->drains = arena_array(a, struct memo_drain, m->drain_count);
    for (size_t i = 0; i < m->drain_count; i++) {
        ret->drains[i] = m->drains[i];
        ret->drains[i].instance = arena_strdup(a, m->drains[i].instance);
        ret->drains[i].reason = arena_strdup(a, m->drains[i].reason);
    }
    ret->stamp_cap = m->stamp_count;
    ret->stamps = arena_array(a, struct memo_stamp, m->stamp_count);
    for (size_t i = 0; i < m->stamp_count; i++) {
        ret->stamps[i] = m->stamps[i];
        ret->stamps[i].key = arena_strdup(a, m->stamps[i].key);
    }
    ret->target_cap = m->target_count;
    ret->targets = arena_array(a, struct memo_target, m->target_count);
    for (size_t i = 0; i < m->target_count; i++) {
        ret->targets[i] = m->targets[i];
        ret->targets[i].fleet = arena_strdup(a, m->targets[i].fleet);
    }
    ret->launch_cap = m->launch_count;
    ret->launches = arena_array(a, struct memo_launch, m->launch_count);
    for (size_t i = 0; i < m->launch_count; i++) {
        ret->launches[i] = m->launches[i];
        ret->launches[i].token = arena_strdup(a, m->launches[i].token);
        ret->launches[i].fleet = arena_strdup(a, m->launches[i].fleet);
        ret->launches[i].value = arena_strdup(a, m->launches[i].value);
    }
}

static void forget_target(struct memo *m, const char *fleet)
{
    size_t kept = 0;
    for (size_t k = 0; k < m->target_count; k++)
        if (strcmp(m->targets[k].fleet, fleet) != 0)
            m->targets[kept++] = m->targets[k];
    m->target_count = kept;
}

static void forget_drain(struct memo *m, const char *instance)
{
    size_t kept = 0;
    for (size_t k = 0; k < m->drain_count; k++) {
        const struct memo_drain *d = &m->drains[k];
        if (strcmp(d->instance, instance) != 0 || d->state != DRAIN_CHOSEN || d->since_ms != m->now_ms)
            m->drains[kept++] = *d;
        else
            m->drains_begun--;
    }
    m->drain_count = kept;
}

static void forget_launch(struct memo *m, const char *token)
{
    size_t kept = 0;
    for (size_t k = 0; k < m->launch_count; k++)
        if (strcmp(m->launches[k].token, token) != 0)
            m->launches[kept++] = m->launches[k];
    m->launch_count = kept;
}

void memo_answered(struct memo *m, const struct action *a)
{
    for (size_t k = 0; k < m->launch_count; k++)
        if (a->kind == ACTION_LAUNCH && strcmp(m->launches[k].token, a->token) == 0)
            m->launches[k].answered = true;
}

static void not_ahead(int64_t *at_ms, int64_t now_ms)
{
    *at_ms = *at_ms > now_ms ? now_ms : *at_ms;
}

const struct memo *memo_at(struct arena *a, const struct memo *m, int64_t now_ms)
{
    if (m->now_ms <= now_ms)
        return m;
    struct memo *ret = arena_new(a, struct memo);
    memo_copy(a, m, ret);
    ret->now_ms = now_ms;
    for (size_t i = 0; i < ret->drain_count; i++) {
        struct memo_drain *x = &ret->drains[i];
        if (x->since_ms > now_ms)
            x->deadline_ms -= x->since_ms - now_ms;
        not_ahead(&x->since_ms, now_ms);
        not_ahead(&x->state_since_ms, now_ms);
        not_ahead(&x->read_back_ms, now_ms);
        not_ahead(&x->empty_first_ms, now_ms);
        not_ahead(&x->reported_ms, now_ms);
    }
    for (size_t i = 0; i < ret->stamp_count; i++) {
        struct memo_stamp *x = &ret->stamps[i];
        if (x->since_ms > now_ms && x->until_ms > x->since_ms)
            x->until_ms -= x->since_ms - now_ms;
        not_ahead(&x->since_ms, now_ms);
    }
    for (size_t i = 0; i < ret->target_count; i++)
        not_ahead(&ret->targets[i].sent_ms, now_ms);
    for (size_t i = 0; i < ret->launch_count; i++)
        not_ahead(&ret->launches[i].sent_ms, now_ms);
    not_ahead(&ret->policy_since_ms, now_ms);
    return ret;
}

void memo_forget(struct memo *m, const struct action *a)
{
    if (a->kind == ACTION_SET_TARGET)
        forget_target(m, a->target);
    else if (a->kind == ACTION_DRAIN)
        forget_drain(m, a->target);
    else if (a->kind == ACTION_LAUNCH)
        forget_launch(m, a->token);
}
