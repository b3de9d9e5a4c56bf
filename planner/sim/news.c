// What EventBridge would tell of the world, kept for an hour: the sandbox puts it into queues.
#include "planner/sim/world_internal.h"

static struct world_news *add(struct world *w)
{
    size_t old = 0;
    while (old < w->news_count && w->news[old].at_ms < w->now_ms - WORLD_KEPT_MS)
        old++;
    if (old > w->news_count / 2) {  // moved seldom: there are many
        memmove(w->news, w->news + old, (w->news_count - old) * sizeof *w->news);
        w->news_count -= old;
    }
    w->news = arena_grow(&w->arena, w->news, w->news_count, &w->news_cap, sizeof *w->news);
    struct world_news *x = &w->news[w->news_count++];
    *x = (struct world_news){.seq = w->next_news++, .at_ms = w->now_ms, .fleet = -1, .pool = -1, .word = ""};
    return x;
}

void news_instance(struct world *w, enum world_news_kind kind, int instance)
{
    const struct world_instance *i = &w->instances[instance];
    bool of_fleet = kind == WNEWS_LAUNCHED || kind == WNEWS_TERMINATION_NOTIFIED;
    if (of_fleet && (i->fleet < 0 || w->fleets[i->fleet].group >= 0))
        return;
    struct world_news *x = add(w);
    x->kind = kind;
    x->fleet = i->fleet;
    x->pool = i->pool;
    x->state = (enum world_lifecycle)i->state.now;
    world_copy(x->instance_id, sizeof x->instance_id, i->id);
}

void news_fleet(struct world *w, int fleet, const char *word)
{
    struct world_news *x = add(w);
    x->kind = WNEWS_FLEET;
    x->fleet = fleet;
    x->word = word;
}

void news_trouble(struct world *w, int fleet, enum world_news_kind kind, const char *word, int pool)
{
    struct world_news *x = add(w);
    x->kind = kind;
    x->fleet = fleet;
    x->pool = pool;
    x->word = word;
}

// AWS tries again after a while, and tells of that.
void news_launch_failed(struct world *w, int fleet, const char *message, int pool)
{
    enum { TOLD_AGAIN_MS = 60000 };
    struct world_group *g = &w->groups[w->fleets[fleet].group];
    if (g->told_ms > 0 && w->now_ms - g->told_ms < TOLD_AGAIN_MS)
        return;
    g->told_ms = w->now_ms;
    news_trouble(w, fleet, WNEWS_LAUNCH_FAILED, message, pool);
}

void news_hook(struct world *w, int instance, enum world_news_kind kind, const char *hook)
{
    news_instance(w, kind, instance);
    w->news[w->news_count - 1].word = hook;
}
