#include "policies/policy_change.h"

static bool same_cluster(const struct policy_cluster *a, const struct policy_cluster *b)
{
    return strcmp(a->name, b->name) == 0 && strcmp(a->region, b->region) == 0 && strcmp(a->account, b->account) == 0;
}

static void add_clusters(const struct policy *have, const struct policy *lack, const char *verb, struct buf *out)
{
    for (size_t i = 0; i < have->cluster_count; i++) {
        bool found = false;
        for (size_t k = 0; k < lack->cluster_count && !found; k++)
            found = same_cluster(&have->clusters[i], &lack->clusters[k]);
        if (!found)
            buf_printf(out, "%s%s \"%s\"", out->len > 0 ? ", " : "", verb, have->clusters[i].name);
    }
}

static bool same_order(const struct policy *a, const struct policy *b)
{
    if (a->cluster_count != b->cluster_count)
        return false;
    for (size_t i = 0; i < a->cluster_count; i++)
        if (!same_cluster(&a->clusters[i], &b->clusters[i]))
            return false;
    return true;
}

static size_t add_dropped_fleets(const struct policy *old, const struct policy *new, struct buf *out)
{
    size_t dropped = 0;
    for (size_t i = 0; i < old->cluster_count; i++)
        for (size_t f = 0; f < old->clusters[i].fleet_count; f++)
            if (!policy_fleet_find(&new->clusters[i], policy_fleet_name(&old->clusters[i].fleets[f])))
                buf_printf(out, "%sdrops %s of \"%s\"", dropped++ > 0 ? ", " : "", policy_fleet_name(&old->clusters[i].fleets[f]),
                           old->clusters[i].name);
    return dropped;
}

enum policy_change policy_change_of(const struct policy *old, const struct policy *new, struct buf *out)
{
    if (!same_order(old, new)) {
        add_clusters(old, new, "drops", out);
        add_clusters(new, old, "adds", out);
        if (out->len == 0)
            buf_add_str(out, "has them in another order");
        return POLICY_CHANGE_CLUSTERS;
    }
    return add_dropped_fleets(old, new, out) > 0 && strcmp(new->confirm, new->hash) != 0 ? POLICY_CHANGE_CONFIRM : POLICY_CHANGE_FREE;
}
