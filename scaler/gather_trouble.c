// Why a fleet gets nothing: its history where it is not fulfilled (a group's activities), and errors of fleets and groups that events tell at once. Both become
// refusals of pools, of a whole fleet, or of a quota; what is told twice counts once, by its time.
#include "scaler/gather_trouble.h"

#include "base/check.h"
#include "scaler/gather_internal.h"

#define HISTORY_AFTER_MS 30000  // it lags by as much

static bool in_trouble(const struct fact_fleet *f)
{
    return f->found && f->state == FLEET_ACTIVE && (f->fulfilled_milli < f->target * 1000 || strcmp(f->activity, "error") == 0);
}

void look_trouble_ask(struct look *l)
{
    int64_t now_ms = l->new->at_ms;
    for (size_t i = 0; i < l->new->fleet_count; i++) {
        struct fact_fleet *f = &l->new->fleets[i];
        f->trouble_since_ms = !in_trouble(f) ? 0 : f->trouble_since_ms ? f->trouble_since_ms : now_ms;
        if (f->kind == FLEET_INSTANT || f->trouble_since_ms == 0 || now_ms - f->trouble_since_ms < HISTORY_AFTER_MS || now_ms - f->history_ms < HISTORY_AFTER_MS)
            continue;
        f->history_ms = now_ms;
        int64_t since_ms = f->last_error_ms > now_ms - HISTORY_MS ? f->last_error_ms : now_ms - HISTORY_MS;
        if (f->kind == FLEET_GROUP)
            asg_describe_activities(l->with, f->id, &l->rows[i].activities);
        else if (f->kind == FLEET_EC2_FLEET)
            ec2_describe_ec2_fleet_history(l->with, f->id, since_ms, &l->rows[i].history);
        else
            ec2_describe_fleet_history(l->with, f->id, since_ms, &l->rows[i].history);
    }
}

// Of the fleet's pools the one whose type the text names; NULL: none of them.
static const struct ec2_fleet_override *named_pool(const struct fact_fleet *f, const char *text)
{
    const struct ec2_fleet_override *best = NULL;
    for (size_t i = 0; i < f->override_count; i++) {
        const char *type = f->overrides[i].type, *at = type[0] ? strstr(text, type) : NULL;
        if (at && !(strchr("abcdefghijklmnopqrstuvwxyz0123456789-.", at[strlen(type)]) && at[strlen(type)]))
            best = best && strlen(best->type) > strlen(type) ? best : &f->overrides[i];
    }
    return best;
}

// The first word that looks like a zone: region, letter. Those after it are where AWS would have capacity instead.
static void named_zone(const char *text, char zone[32])
{
    zone[0] = '\0';
    for (const char *p = text; zone[0] == '\0' && (p = strchr(p, '-')); p++) {
        const char *from = p, *to = p;
        while (from > text && ((from[-1] >= 'a' && from[-1] <= 'z') || (from[-1] >= '0' && from[-1] <= '9') || from[-1] == '-'))
            from--;
        while ((*to >= 'a' && *to <= 'z') || (*to >= '0' && *to <= '9') || *to == '-')
            to++;
        size_t n = (size_t)(to - from);
        bool is_zone = n >= 9 && n < 32 && to[-1] >= 'a' && to[-1] <= 'h' && to[-2] >= '0' && to[-2] <= '9' && memchr(from + 3, '-', n - 3);
        if (is_zone && from[2] == '-')
            snprintf(zone, 32, "%.*s", (int)n, from);
    }
}

// What AWS says of a fleet or group, in its history or in an event; strings borrowed.
struct told {
    const char *kind, *code, *words, *zone;  // kind "error", "information", …
    int64_t at_ms;
};

static bool says(const struct told *t, const char *word)
{
    return strstr(t->code, word) != NULL || strstr(t->words, word) != NULL;
}

static void refuse_pool(struct fact_fleet *f, const char *type, const char *zone, int64_t at_ms)
{
    size_t k = 0, oldest = 0;
    for (; k < f->refusal_count && (strcmp(f->refusals[k].type, type) != 0 || strcmp(f->refusals[k].zone, zone) != 0); k++)
        oldest = f->refusals[k].at_ms < f->refusals[oldest].at_ms ? k : oldest;
    k = k == FACT_REFUSALS_MAX ? oldest : k;
    if (k < f->refusal_count && f->refusals[k].at_ms >= at_ms && strcmp(f->refusals[k].type, type) == 0)
        return;
    f->refusal_count += k == f->refusal_count;
    f->refusals[k].at_ms = at_ms;
    snprintf(f->refusals[k].type, sizeof f->refusals[k].type, "%s", type);
    snprintf(f->refusals[k].zone, sizeof f->refusals[k].zone, "%s", zone);
}

// Out of stock: of one pool, which the text names, of all in a zone, or of all that the fleet has.
static void take_refusal(struct fact_fleet *f, const struct told *t)
{
    static const char *const ALL[] = {"allLaunchSpecsTemporarilyBlacklisted", "fleetProgressHalted"};
    static const char *const ONE[] = {"launchSpecTemporarilyBlacklisted", "launchSpecUnusable", "InsufficientInstanceCapacity", "UnfulfillableCapacity",
                                      "do not have sufficient"};
    bool all = false, one = false;
    for (size_t k = 0; k < ARRAY_LEN(ALL); k++)
        all = all || strcmp(t->code, ALL[k]) == 0;
    for (size_t k = 0; k < ARRAY_LEN(ONE); k++)
        one = one || says(t, ONE[k]);
    if (!all && !one)
        return;
    char zone[32];
    const struct ec2_fleet_override *pool = all ? NULL : named_pool(f, t->words);
    named_zone(t->words, zone);
    if (t->zone[0])
        snprintf(zone, sizeof zone, "%s", t->zone);
    bool group = f->kind == FLEET_GROUP;
    if (pool)
        refuse_pool(f, pool->type, zone, t->at_ms);
    else if (group && zone[0])
        for (size_t k = 0; k < f->override_count; k++)
            refuse_pool(f, f->overrides[k].type, zone, t->at_ms);
    else if (all || group)
        f->capacity_error_ms = t->at_ms > f->capacity_error_ms ? t->at_ms : f->capacity_error_ms;
}

// L23: a launch that the account's quota refused, of the type that the text names, else of all that the fleet may launch.
static void take_quota(struct region *r, const struct fact_fleet *f, const struct told *t)
{
    bool spot = says(t, "MaxSpotInstanceCountExceeded") || says(t, "spotInstanceCountLimitExceeded");
    if (!spot && !says(t, "VcpuLimitExceeded") && !says(t, "vCPU capacity than your current vCPU limit"))
        return;
    const struct ec2_fleet_override *pool = named_pool(f, t->words);
    for (size_t k = 0; k < f->override_count; k++)
        if (pool == NULL || strcmp(pool->type, f->overrides[k].type) == 0)
            region_quota_refused(r, f->overrides[k].type, spot || f->on_demand_target == 0, t->at_ms);
}

static void take_told(struct look *l, struct fact_fleet *f, const struct told *t)
{
    bool tells = strcmp(t->kind, "error") == 0 || strcmp(t->kind, "information") == 0 || strcmp(t->kind, "service-error") == 0;
    take_refusal(f, t);
    take_quota(l->region, f, t);
    if (!tells || t->at_ms < f->last_error_ms)
        return;
    f->last_error_ms = t->at_ms;
    f->last_error = arena_printf(l->a, "%s%s%.160s", t->code, t->words[0] ? ": " : "", t->words);
}

void look_trouble_take(struct look *l)
{
    const struct region *r = l->region;
    size_t heard = r->trouble_count < TROUBLES_MAX ? r->trouble_count : TROUBLES_MAX;
    for (size_t i = 0; i < l->new->fleet_count; i++) {
        struct fact_fleet *f = &l->new->fleets[i];
        for (size_t k = 0; k < l->rows[i].history.count; k++) {
            const struct ec2_fleet_event *e = &l->rows[i].history.items[k];
            take_told(l, f, &(struct told){e->kind, e->sub_kind, e->description, "", e->at_ms});
        }
        for (size_t k = l->rows[i].activities.count; k-- > 0;) {  // told newest first
            const struct asg_activity *x = &l->rows[i].activities.items[k];
            if (strcmp(x->status, "Failed") == 0 && l->new->at_ms - x->started_ms <= HISTORY_MS)
                take_told(l, f, &(struct told){"error", x->status, x->message, "", x->started_ms});
        }
        for (size_t k = 0; k < heard; k++) {
            const struct fleet_trouble *x = &r->troubles[k];
            if (strcmp(x->fleet, f->id) == 0 && l->new->at_ms - x->at_ms <= HISTORY_MS)
                take_told(l, f, &(struct told){"error", x->code, x->words, x->zone, x->at_ms});
        }
    }
}

// ---- what events tell between looks ----------------------------------------------------------------------------------------

bool region_trouble_add(struct region *r, const struct fleet_trouble *x)
{
    size_t heard = r->trouble_count < TROUBLES_MAX ? r->trouble_count : TROUBLES_MAX;
    for (size_t k = 0; k < heard; k++) {
        const struct fleet_trouble *y = &r->troubles[k];
        if (x->at_ms == y->at_ms && strcmp(x->fleet, y->fleet) == 0 && strcmp(x->code, y->code) == 0 && strcmp(x->words, y->words) == 0)
            return false;
    }
    r->troubles[r->trouble_count++ % TROUBLES_MAX] = *x;
    return true;
}

void region_quota_refused(struct region *r, const char *type, bool spot, int64_t at_ms)
{
    int k = quota_class_of(type, spot);
    if (k >= 0 && at_ms > r->quotas[k].refused_ms)
        r->quotas[k].refused_ms = at_ms;
}
