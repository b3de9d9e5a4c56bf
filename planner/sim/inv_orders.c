// V22, V29: orders of every kind of fleet answer a need that they can serve, once. V30: where nothing registers, little is launched.
//
// All is counted in the lightest members that a fleet may launch: what is coming, and what the tasks without a place may take of them at worst.
#include <string.h>

#include "planner/sim/instant.h"
#include "planner/sim/invariants_internal.h"

#define PROBE_MS (5 * 60000)

// ---- what is coming --------------------------------------------------------------------------------------------------------
static bool counts(const struct world_instance *i)
{
    return i->used && i->state.now <= WL_RUNNING && (i->member.state.now == WM_NONE || world_member_counts(i->member.state.now));
}

static bool boots(const struct world_instance *i)
{
    return counts(i) && i->notice_ms == 0 && (i->status.now == WE_NONE || i->status.now == WE_REGISTERING);
}

static bool is_open(const struct world_view *v, int fleet, int cluster)
{
    return v->fleets[fleet].cluster == cluster && v->fleets[fleet].state.now <= WF_MODIFYING && !v->fleets[fleet].instant;
}

int64_t inv_lightest_milli(const struct world_fleet *f)
{
    int64_t least = INT64_MAX;
    for (int o = 0; o < f->override_count; o++)
        least = f->overrides[o].weight_milli < least ? f->overrides[o].weight_milli : least;
    return least < INT64_MAX && least > 0 ? least : 1000;
}

static int64_t largest_members(const struct world_fleet *f)
{
    int64_t most = 0;
    for (int o = 0; o < f->override_count; o++)
        most = f->overrides[o].weight_milli > most ? f->overrides[o].weight_milli : most;
    return most > 0 ? (most + inv_lightest_milli(f) - 1) / inv_lightest_milli(f) : 1;
}

// What boots in the fleet, and what the target would still ask for.
static int64_t coming(const struct world_view *v, int fleet, int64_t target)
{
    const struct world_fleet *f = &v->fleets[fleet];
    int64_t stay_milli = 0, booting = 0;
    for (int n = 0; n < v->instance_count; n++) {
        if (v->instances[n].fleet != fleet || !counts(&v->instances[n]))
            continue;
        stay_milli += v->instances[n].weight_milli;
        booting += boots(&v->instances[n]);
    }
    int64_t open_milli = target * 1000 - stay_milli;
    return booting + (open_milli > 0 ? (open_milli + inv_lightest_milli(f) - 1) / inv_lightest_milli(f) : 0);
}

// Of instant fleets nothing is open: what boots of the tag, NULL of any.
static int64_t instant_coming(const struct world_view *v, int cluster, const char *tag)
{
    int64_t booting = 0;
    for (int n = 0; n < v->instance_count; n++) {
        const struct world_instance *i = &v->instances[n];
        const char *of = boots(i) && i->cluster == cluster ? world_tag_value(i->tags, i->tag_count, WORLD_INSTANT_TAG) : NULL;
        booting += of && (!tag || strcmp(of, tag) == 0);
    }
    return booting;
}

// ---- what may come beside the need -----------------------------------------------------------------------------------------
// What an entry that holds, or begins within the hour, may ask for beside the tasks wanted now. In permyriad; the most that services ever
// wanted stands for what is usual.
static int64_t calendar_permyriad(struct invariants *inv, int cluster, const struct planner_input *in)
{
    const struct snapshot *s = in->snapshot;
    int64_t tasks = 0, most = 0, cpu = 0, memory = 0;
    for (size_t k = 0; k < s->service_count; k++) {
        const struct service *x = &s->services[k];
        int shape = x->on_ec2 && x->kind == SERVICE_REPLICA && x->primary >= 0 ? x->deployments[x->primary].shape : -1;
        tasks += shape >= 0 ? x->desired : 0;
        cpu += shape >= 0 ? x->desired * s->shapes[shape].need.v[RES_CPU] : 0;
        memory += shape >= 0 ? x->desired * s->shapes[shape].need.v[RES_MEMORY] : 0;
    }
    inv->most_tasks[cluster] = tasks > inv->most_tasks[cluster] ? tasks : inv->most_tasks[cluster];
    for (size_t k = 0; k < s->occasion_count; k++)
        for (size_t e = 0; e < in->policy->calendar.count && tasks > 0; e++) {
            const struct occasion *o = &s->occasions[k];
            const struct policy_event *x = &in->policy->calendar.events[e];
            if (strcmp(x->name, o->name) != 0 || o->end_ms <= s->now_ms || o->start_ms - s->now_ms > 3600000)
                continue;
            // An instance of the floor is at most as large as all that is registered.
            int64_t times = x->times_milli * inv->most_tasks[cluster] * 10 / tasks - 10000, by_cpu = x->least_vcpus * 1024 * 10000 / (cpu + 1) - 10000,
                    by_memory = x->least_memory_gib * 1024 * 10000 / (memory + 1) - 10000, by_count = x->least_instances * 10000;
            most = times > most ? times : most;
            most = by_cpu > most ? by_cpu : most;
            most = by_memory > most ? by_memory : most;
            most = by_count > most ? by_count : most;
        }
    return most;
}

// ---- orders of consolidation -------------------------------------------------------------------------------------------------
static struct inv_swap *swap_of(struct invariants *inv, int cluster, const char *fleet)
{
    for (int k = 0; k < inv->swap_count; k++)
        if (inv->swaps[k].cluster == cluster && !strcmp(inv->swaps[k].fleet, fleet))
            return &inv->swaps[k];
    if (inv->swap_count == INV_BOUNDS)
        return NULL;
    struct inv_swap *x = &inv->swaps[inv->swap_count++];
    *x = (struct inv_swap){.cluster = cluster};
    snprintf(x->fleet, sizeof x->fleet, "%s", fleet);
    return x;
}

static int64_t launched_now(const struct plan *p, const char *fleet)
{
    int64_t sum = 0;
    for (size_t k = 0; k < p->action_count; k++)
        sum += p->actions[k].kind == ACTION_LAUNCH && !strcmp(p->actions[k].target, fleet) ? p->actions[k].capacity : 0;
    return sum;
}

// What comes for it now; `target` as a call would have it, or -1.
static int64_t swap_coming(const struct world_view *v, const struct inv_swap *x, int fleet, int64_t target)
{
    return fleet < 0 ? instant_coming(v, x->cluster, x->fleet) : coming(v, fleet, target >= 0 ? target : v->fleets[fleet].wanted);
}

// An order of consolidation is known from the memo; it is under way until nothing comes to its fleet any more, whoever remembers it.
static void note_swaps(struct invariants *inv, const struct world_view *v, int cluster, const struct planner_result *r, int64_t now_ms)
{
    for (int k = 0; k < inv->swap_count; k++) {
        struct inv_swap *x = &inv->swaps[k];
        if (x->cluster == cluster && v->now_ms - x->noted_ms > INV_SENT_MS && swap_coming(v, x, world_find_fleet(inv->w, x->fleet), -1) == 0)
            x->size = 0;
    }
    for (size_t k = 0; k < r->memo.stamp_count; k++) {
        const struct memo_stamp *s = &r->memo.stamps[k];
        if (s->kind != STAMP_REPLACE || s->count != 1)
            continue;
        struct inv_swap *x = swap_of(inv, cluster, s->key);
        if (!x || (s->since_ms != now_ms && x->size > 0))
            continue;
        int fleet = world_find_fleet(inv->w, s->key);
        int64_t size = fleet >= 0 ? coming(v, fleet, s->amount) : launched_now(&r->plan, s->key);
        x->size = size > x->size ? size : x->size;
        x->noted_ms = v->now_ms;
    }
}

static int64_t swaps_under_way(struct invariants *inv, const struct world_view *v, int cluster, const struct world_call *c)
{
    int64_t sum = 0;
    for (int k = 0; k < inv->swap_count; k++) {
        const struct inv_swap *x = &inv->swaps[k];
        if (x->cluster != cluster || x->size == 0)
            continue;
        int fleet = world_find_fleet(inv->w, x->fleet);
        bool asked = fleet < 0 && c->create && !strcmp(inv_launch_tag(c, WORLD_INSTANT_TAG), x->fleet);
        int64_t now = swap_coming(v, x, fleet, fleet >= 0 && fleet == c->fleet ? c->target : -1) + (asked ? c->target : 0);
        sum += now < x->size ? now : x->size;
    }
    return sum;
}

void inv_note_orders(struct invariants *inv, const struct planner_input *in, const struct planner_result *r)
{
    const struct snapshot *s = in->snapshot;
    int cluster = world_find_cluster(inv->w, s->cluster);
    const struct outlook *x = &s->outlook;
    if (cluster < 0 || cluster >= INV_CLUSTERS)
        return;
    int64_t more_milli = x->at_ms > 0 && x->need_milli > 0 ? (int64_t)x->up * 1000 - x->need_milli : 0;
    int64_t outlook = more_milli > 0 ? more_milli * 10000 / x->need_milli : 0, calendar = calendar_permyriad(inv, cluster, in), most = 10000;
    // V12: whatever a forecast says, it adds at most L13.
    if (x->most_28d_milli > 0 && x->most_28d_milli * 6 < x->need_milli * 10)
        most = x->most_28d_milli > x->need_milli ? x->most_28d_milli * 12000 / x->need_milli - 10000 : 2000;
    outlook = outlook > most ? most : outlook;
    inv->ahead_permyriad[cluster] = calendar > outlook ? calendar : outlook;
    struct world_view v = world_view(inv->w);
    note_swaps(inv, &v, cluster, r, s->now_ms);
}

// ---- what the need may take ------------------------------------------------------------------------------------------------
// What an instance of the type has for tasks: as one that is there, else a little less than EC2 says.
static struct res room_of(const struct world_view *v, int cluster, int type)
{
    struct res room = res_make((int64_t)v->types[type].vcpus * 1024, (int64_t)v->types[type].memory_mib * 7 / 8);
    for (int n = 0; n < v->instance_count; n++) {
        const struct world_instance *i = &v->instances[n];
        if (i->used && i->cluster == cluster && i->status.now == WE_ACTIVE && v->pools[i->pool].type == type) {
            room = i->registered;
            break;
        }
    }
    for (int s = 0; s < v->service_count; s++)
        if (v->services[s].cluster == cluster && v->services[s].daemon)
            room = res_sub(room, v->taskdefs[v->services[s].deployments[0].taskdef].need);
    return room;
}

// How many of the service fit on the type together; 1 where rules, ports or interfaces may keep them apart.
static int64_t together(const struct world_view *v, const struct world_service *s, int type)
{
    const struct world_taskdef *d = &v->taskdefs[s->deployments[0].taskdef];
    bool apart = s->rules.distinct_instance || s->rules.member_of_count > 0 || d->member_of_count > 0 || d->port_count > 0 || d->need.v[RES_ENI] > 0 || d->need.v[RES_GPU] > 0;
    struct res room = room_of(v, s->cluster, type);
    int64_t by_cpu = d->need.v[RES_CPU] > 0 ? room.v[RES_CPU] / d->need.v[RES_CPU] : INT64_MAX,
            by_memory = d->need.v[RES_MEMORY] > 0 ? room.v[RES_MEMORY] / d->need.v[RES_MEMORY] : INT64_MAX, least = by_cpu < by_memory ? by_cpu : by_memory;
    return apart || least < 1 ? 1 : least;
}

// EC2's own size: what does not fit into that is placed by nobody.
static bool may_ever_hold(const struct world_type *t, const struct res *need)
{
    return need->v[RES_CPU] <= (int64_t)t->vcpus * 1024 && need->v[RES_MEMORY] <= t->memory_mib && need->v[RES_GPU] <= t->gpus;
}

static bool has_a_home(const struct world_view *v, const struct world_service *s, const struct world_call *c)
{
    const struct res *need = &v->taskdefs[s->deployments[0].taskdef].need;
    bool home = false;
    for (int k = 0; c->create && k < c->create->override_count; k++)
        home |= may_ever_hold(&v->types[c->create->overrides[k].type], need);
    for (int f = 0; f < v->fleet_count && !home; f++)
        for (int k = 0; v->fleets[f].cluster == s->cluster && k < v->fleets[f].override_count; k++)
            home |= may_ever_hold(&v->types[v->fleets[f].overrides[k].type], need);
    return home;
}

static int64_t worst_share(const struct world_view *v, const struct world_service *s, const struct world_override *o, int count, int64_t least_milli)
{
    int64_t worst = 0;
    for (int k = 0; k < count; k++) {
        int64_t share = o[k].weight_milli * 1000 / (together(v, s, o[k].type) * least_milli);
        worst = share > worst ? share : worst;
    }
    return worst;
}

// Of the lightest members, in thousandths, what a task of the service takes at worst.
static int64_t share_milli(const struct world_view *v, const struct world_service *s, const struct world_call *c)
{
    int64_t worst = c->create ? worst_share(v, s, c->create->overrides, c->create->override_count, 1000) : 0;
    for (int f = 0; f < v->fleet_count; f++) {
        int64_t share = v->fleets[f].cluster == s->cluster && v->fleets[f].state.now <= WF_MODIFYING
                            ? worst_share(v, s, v->fleets[f].overrides, v->fleets[f].override_count, inv_lightest_milli(&v->fleets[f])) : 0;
        worst = share > worst ? share : worst;
    }
    return worst > 0 ? worst : 1000;
}

// V29: of it in *ret_homeless for tasks that nothing may ever hold.
static int64_t needed(struct invariants *inv, const struct world_view *v, int cluster, const struct world_call *c, int64_t largest, int64_t *ret_homeless)
{
    *ret_homeless = 0;
    int64_t sum = inv_missing_alone(v, cluster) * largest;
    for (int s = 0; s < v->service_count; s++) {
        int64_t most = 0;
        if (v->services[s].cluster != cluster || v->services[s].daemon)
            continue;
        for (int k = 0; inv_moments_stale(inv, v->now_ms, k) >= 0; k++) {
            int64_t then = inv_missing_of(v, s, inv_moments_stale(inv, v->now_ms, k));
            most = then > most ? then : most;
        }
        int64_t take = most > 0 ? (most * share_milli(v, &v->services[s], c) + 999) / 1000 : 0;
        *ret_homeless += has_a_home(v, &v->services[s], c) ? 0 : take;
        sum += take;
    }
    return sum;
}

// ---- the judgement ---------------------------------------------------------------------------------------------------------
static int64_t in_lightest(const struct world_view *v, const struct world_instance *i)
{
    int64_t lightest = i->fleet < 0 ? i->weight_milli : inv_lightest_milli(&v->fleets[i->fleet]);
    return (i->weight_milli + lightest - 1) / lightest;
}

// ACTIVE ones, each in the lightest of its fleet.
static int64_t active_members(const struct world_view *v, int cluster)
{
    int64_t sum = 0;
    for (int n = 0; n < v->instance_count; n++) {
        const struct world_instance *i = &v->instances[n];
        if (i->used && i->cluster == cluster && i->status.now == WE_ACTIVE)
            sum += in_lightest(v, i);
    }
    return sum;
}

// What is about to be taken may be replaced as it is, whatever its tasks would take.
static int64_t doomed_members(const struct world_view *v, int cluster)
{
    int64_t sum = 0;
    for (int n = 0; n < v->instance_count; n++) {
        const struct world_instance *i = &v->instances[n];
        if (i->cluster == cluster && i->notice_ms > 0 && counts(i))
            sum += in_lightest(v, i);
    }
    return sum;
}

void inv_judge_orders(struct invariants *inv, const struct world_view *v, const struct world_call *c)
{
    int cluster = c->create ? c->cluster : v->fleets[c->fleet].cluster;
    int64_t all = instant_coming(v, cluster, NULL) + (c->create ? c->target : 0), members = 0, largest = 1;
    bool instant = c->create != NULL;
    for (int k = 0; k < v->fleet_count; k++) {
        instant |= v->fleets[k].cluster == cluster && v->fleets[k].instant;
        if (!is_open(v, k, cluster))
            continue;
        int64_t most = largest_members(&v->fleets[k]);
        largest = most > largest ? most : largest;
        members += most;
        all += coming(v, k, !c->create && k == c->fleet ? c->target : v->fleets[k].wanted);
    }
    members += instant;
    int64_t permyriad = inv->o.headroom_permyriad, ahead = cluster < INV_CLUSTERS ? inv->ahead_permyriad[cluster] : 0;
    permyriad = ahead > permyriad ? ahead : permyriad;
    int64_t homeless, need = needed(inv, v, cluster, c, largest, &homeless), doomed = doomed_members(v, cluster);
    int64_t housed = need - homeless > doomed ? need - homeless : doomed;
    need = doomed > need ? doomed : need;
    // Headroom is whole instances at worst, and a share of all that is wanted.
    int64_t extra = (active_members(v, cluster) + need) * permyriad / 10000 + (permyriad > 0) * largest + inv->o.headroom_tasks * largest +
                    swaps_under_way(inv, v, cluster, c) + inv->o.spare_instances;
    if (all <= need + members + extra && all > housed + members + extra)
        inv_tell(inv, V29, "order of %s: %" PRId64 " instances would be coming, %" PRId64 " of them for tasks that none of them can hold",
                 c->create ? inv_launch_tag(c, WORLD_INSTANT_TAG) : v->fleets[c->fleet].id, all, all - (housed + members + extra));
    if (all > need + members + extra)
        inv_tell(inv, V22, "order of %s: %" PRId64 " instances would be coming, %" PRId64 " at most for the tasks without a place and %" PRId64 " more",
                 c->create ? inv_launch_tag(c, WORLD_INSTANT_TAG) : v->fleets[c->fleet].id, all, need, members + extra);
}

// ---- V30 -------------------------------------------------------------------------------------------------------------------
// Of a template that registers nowhere: what was launched since is at most the first order, four more, and a probe in five minutes.
void inv_unregistered_slow(struct invariants *inv, const struct world_view *v)
{
    for (int t = 0; t < v->template_count && t < INV_TEMPLATES; t++) {
        struct inv_template *x = &inv->templates[t];
        bool nowhere = v->zone_count > 0 && (v->templates[t].never_registers & ((1u << v->zone_count) - 1)) == (1u << v->zone_count) - 1;
        if (!nowhere)
            *x = (struct inv_template){.since_ms = v->now_ms};
        for (int n = 0; n < v->instance_count && nowhere; n++) {
            const struct world_instance *i = &v->instances[n];
            if (!i->used || i->template != t || i->fleet < 0 || i->launched_ms <= x->since_ms || i->serial <= x->newest || v->fleets[i->fleet].modified_by != WORLD_OURS)
                continue;
            x->first_ms = x->first_ms > 0 ? x->first_ms : i->launched_ms;
            *(i->launched_ms - x->first_ms < INV_SENT_MS ? &x->first : &x->later) += 1;
        }
        for (int n = 0; n < v->instance_count && nowhere; n++)
            x->newest = v->instances[n].used && v->instances[n].serial > x->newest ? v->instances[n].serial : x->newest;
        if (x->later <= 4 + (v->now_ms - x->first_ms) / PROBE_MS || x->told)
            continue;
        x->told = true;
        inv_tell(inv, V30, "%" PRId64 " instances of %s were launched after the first %" PRId64 ", and none registers", x->later, v->templates[t].id, x->first);
    }
}
