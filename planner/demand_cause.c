#include <assert.h>
#include <string.h>

#include "planner/demand.h"
#include "planner/explain.h"
#include "planner/pools.h"

const char *demand_reason_name(enum demand_reason r)
{
    static const char *const names[DEMAND_REASON_COUNT] = {
        [DEMAND_CRASH_LOOP] = "crash-loop", [DEMAND_AGENT] = "agent",           [DEMAND_DEFINITION] = "definition",
        [DEMAND_UNMODELLED] = "unmodelled", [DEMAND_PROVIDER] = "provider",     [DEMAND_ARCH] = "architecture",
        [DEMAND_ATTRIBUTE] = "attribute",   [DEMAND_CONSTRAINT] = "constraint", [DEMAND_ZONE] = "zone",
        [DEMAND_PORT] = "port",             [DEMAND_GPU] = "gpu",               [DEMAND_ENI] = "eni",
        [DEMAND_TOO_LARGE] = "too-large",   [DEMAND_ADDRESS] = "address",       [DEMAND_CLOSED] = "closed",
        [DEMAND_SIZE_UNKNOWN] = "size",     [DEMAND_PROBE] = "probe",           [DEMAND_RUNAWAY] = "runaway", [DEMAND_TURN] = "turn",
    };
    return r >= 0 && r < DEMAND_REASON_COUNT ? names[r] : "unknown";
}

// ---- the service itself ---------------------------------------------------------------------------------------------------
static bool service_cause(struct work *w, int service, struct demand_cause *ret)
{
    const struct service *s = &w->s->services[service];
    int shape = w->svc[service].shape;
    if (s->crash_looping)
        *ret = (struct demand_cause){DEMAND_CRASH_LOOP, "its tasks start and fail", "mend the task first"};
    else if (shape < 0)
        *ret = (struct demand_cause){DEMAND_DEFINITION, "it has no PRIMARY deployment with a known task definition",
                                     "give it a deployment"};
    else if (!work_shape_known(w, shape))
        *ret = (struct demand_cause){DEMAND_DEFINITION, "its task definition could not be read", "see that it is there and may be read"};
    else if (kinds_unmodelled(w, shape)[0])
        *ret = (struct demand_cause){DEMAND_UNMODELLED,
                                     explain_text(w, "placement rule not understood: %s", kinds_unmodelled(w, shape)),
                                     "write the rule in a form that is understood, or scale for it by hand"};
    else if (s->desired > s->running + s->pending && strstr(s->last_event, "error \"AGENT\""))
        *ret = (struct demand_cause){DEMAND_AGENT, "the agent of the instance that would take it answers with an error (AGENT)",
                                     "look at the ECS agent of the instance that the service's event names"};
    else
        return false;
    return true;
}

bool demand_incurable(struct work *w, int service, const char **ret_why)
{
    struct demand_cause cause;
    if (!service_cause(w, service, &cause))
        return false;
    *ret_why = cause.fact;
    return true;
}

// ---- the nearest pool -----------------------------------------------------------------------------------------------------
// What one pool lacks; of all pools the one that lacks what comes last in the enum speaks, then the one that lacks least of it.
struct shortfall {
    enum demand_reason reason;
    double over;  // need / room, of the component
    enum res_kind component;
    const char *what;
    size_t fleet;
    const char *type;
    struct res room;
};

static enum demand_reason of_bar(enum kind_bar bar)
{
    static const enum demand_reason reasons[] = {[BAR_ARCH] = DEMAND_ARCH, [BAR_ATTRIBUTE] = DEMAND_ATTRIBUTE,
                                                 [BAR_CONSTRAINT] = DEMAND_CONSTRAINT, [BAR_ZONE] = DEMAND_ZONE};
    assert(bar != BAR_NONE);
    return reasons[bar];
}

static struct shortfall pool_shortfall(struct work *w, int shape, size_t f, size_t k)
{
    const struct fleet_pool *x = &w->s->fleets[f].pools[k];
    const struct res need = work_shape(w, shape)->need;
    struct shortfall r = {.fleet = f, .type = x->type_name, .what = "", .room = w->fresh[x->type]};
    static const struct {
        enum res_kind component;
        enum demand_reason reason;
    } order[] = {{RES_GPU, DEMAND_GPU}, {RES_ENI, DEMAND_ENI}, {RES_CPU, DEMAND_TOO_LARGE}, {RES_MEMORY, DEMAND_TOO_LARGE}};
    enum kind_bar bar = kinds_bar(w, shape, f, k, &r.what);
    if (bar != BAR_NONE) {
        r.reason = of_bar(bar);
        return r;
    }
    r.reason = w->fleet[f].closed ? DEMAND_CLOSED : x->subnet_full ? DEMAND_ADDRESS : DEMAND_RUNAWAY;
    if (r.room.v[RES_GPU] > 0 && need.v[RES_GPU] == 0 && !pools_share_gpus(w, f))
        r.reason = DEMAND_GPU;
    if (w->facts[shape].ports_clash)
        r.reason = DEMAND_PORT;
    for (size_t n = 0; n < ARRAY_LEN(order); n++) {
        enum res_kind c = order[n].component;
        if (need.v[c] <= r.room.v[c] || need.v[c] <= 0)
            continue;
        double over = r.room.v[c] > 0 ? (double)need.v[c] / (double)r.room.v[c] : 1e9;
        if (r.over > 0 && (order[n].reason != DEMAND_TOO_LARGE || over <= r.over))
            continue;
        r.reason = order[n].reason;
        r.component = c;
        r.over = over;
    }
    return r;
}

static bool nearest(struct work *w, int shape, struct shortfall *ret)
{
    bool any = false;
    for (size_t f = 0; f < w->s->fleet_count; f++)
        for (size_t k = 0; k < w->s->fleets[f].pool_count; k++) {
            int type = w->s->fleets[f].pools[k].type;
            if (type < 0 || res_is_zero(w->fresh[type]))
                continue;
            struct shortfall x = pool_shortfall(w, shape, f, k);
            if (!any || x.reason > ret->reason || (x.reason == ret->reason && x.over < ret->over))
                *ret = x;
            any = true;
        }
    return any;
}

static const char *amount(struct work *w, enum res_kind c, struct res r)
{
    if (c == RES_CPU)
        return explain_text(w, "%g vCPU", (double)r.v[RES_CPU] / 1024);
    return r.v[RES_MEMORY] < 1024 ? explain_text(w, "%" PRId64 " MiB", r.v[RES_MEMORY])
                                  : explain_text(w, "%.1f GiB", (double)r.v[RES_MEMORY] / 1024);
}

static void tell_room(struct work *w, const struct shape *x, const struct shortfall *s, struct demand_cause *ret)
{
    const char *fleet = w->s->fleets[s->fleet].id;
    if (s->reason == DEMAND_GPU && x->need.v[RES_GPU] == 0) {
        ret->fact = explain_text(w, "reserves no GPU, %s of %s has %" PRId64, s->type, fleet, s->room.v[RES_GPU]);
        ret->remedy = "add a type without GPUs to a fleet, or let tasks share them: fleets[].gpus_shared";
    } else if (s->reason == DEMAND_GPU) {
        ret->fact = explain_text(w, "needs %" PRId64 " GPU, %s of %s has %" PRId64, x->need.v[RES_GPU], s->type, fleet,
                                 s->room.v[RES_GPU]);
        ret->remedy = "add a type with enough GPUs to a fleet";
    } else if (s->reason == DEMAND_ENI) {
        ret->fact = explain_text(w, "needs %" PRId64 " network interface, %s of %s has %" PRId64 " for tasks", x->need.v[RES_ENI],
                                 s->type, fleet, s->room.v[RES_ENI]);
        ret->remedy = "turn awsvpcTrunking on, or add a type with more network interfaces";
    } else {
        ret->fact = explain_text(w, "needs %s, the largest type of %s, %s, has %s for tasks", amount(w, s->component, x->need), fleet,
                                 s->type, amount(w, s->component, s->room));
        ret->remedy = s->component == RES_CPU ? "use a larger type or less CPU" : "use a larger type or less memory";
    }
}

static void tell_pool(struct work *w, const struct shape *x, const struct shortfall *s, struct demand_cause *ret)
{
    const char *fleet = w->s->fleets[s->fleet].id;
    ret->reason = s->reason;
    switch (s->reason) {
    case DEMAND_ARCH:
        ret->fact = explain_text(w, "no pool of architecture %s", s->what);
        ret->remedy = explain_text(w, "add a type of architecture %s to a fleet", s->what);
        return;
    case DEMAND_ATTRIBUTE:
        ret->fact = explain_text(w, "requires attribute %s, which no instance that a fleet launches has", s->what);
        ret->remedy = "register the attribute on a fleet's instances, or take it from the task";
        return;
    case DEMAND_CONSTRAINT:
        ret->fact = explain_text(w, "memberOf %s holds for no instance that a fleet launches", s->what);
        ret->remedy = "add a type for which it holds to a fleet, or change the constraint";
        return;
    case DEMAND_ZONE:
        ret->fact = explain_text(w, "runs in %s only, where no fleet has a pool", s->what);
        ret->remedy = explain_text(w, "add a subnet of %s to a fleet", s->what);
        return;
    case DEMAND_PORT:
        ret->fact = "takes a host port that the agent or a daemon takes on every instance";
        ret->remedy = "use another host port";
        return;
    case DEMAND_ADDRESS:
        ret->fact = explain_text(w, "%s of %s holds one, its subnet has no free address", s->type, fleet);
        ret->remedy = "free addresses, or add a subnet to the fleet";
        return;
    case DEMAND_CLOSED:
        ret->fact = explain_text(w, "%s of %s holds one, %s", s->type, fleet, w->fleet[s->fleet].closed);
        ret->remedy = "name a fleet that can grow";
        return;
    case DEMAND_GPU:
    case DEMAND_ENI:
    case DEMAND_TOO_LARGE:
        tell_room(w, x, s, ret);
        return;
    case DEMAND_CRASH_LOOP:
    case DEMAND_AGENT:
    case DEMAND_DEFINITION:
    case DEMAND_UNMODELLED:
    case DEMAND_PROVIDER:
    case DEMAND_SIZE_UNKNOWN:
    case DEMAND_PROBE:
    case DEMAND_RUNAWAY:
    case DEMAND_TURN:
    case DEMAND_REASON_COUNT:
        break;
    }
    ret->fact = explain_text(w, "%s of %s holds one, it cannot grow", s->type, fleet);
    ret->remedy = "name a fleet that can grow";
}

// A pool of a fleet that can grow whose size nobody knows yet: it might hold the task.
static const char *unknown_size(struct work *w, const struct shape *x)
{
    for (size_t k = 0; k < w->s->fleet_count; k++)
        for (size_t n = 0; n < w->s->fleets[k].pool_count && !w->fleet[k].closed; n++)
            if (work_pool_in_doubt(w, &w->s->fleets[k].pools[n], x))
                return explain_text(w, "the size of type %s in %s is not known yet", w->s->fleets[k].pools[n].type_name,
                                    w->s->fleets[k].id);
    return NULL;
}

bool demand_cause(struct work *w, const struct item *it, struct demand_cause *ret)
{
    struct shortfall s = {0};
    if (it->service >= 0 && service_cause(w, it->service, ret))
        return true;
    if (w->no_order || it->shape < 0)
        return false;
    if (it->provider != PROVIDER_ANY && !pools_for(w, it->shape, it->provider).sure && !it->probing) {
        ret->reason = DEMAND_PROVIDER;
        ret->fact = explain_text(w, "runs on instances of capacity provider %s only, which no fleet here launches", it->provider_name);
        ret->remedy = "scale that provider's group, or give the service launch type EC2";
        return true;
    }
    if (it->held > 0) {
        ret->reason = it->in_turn ? DEMAND_TURN : it->probing ? DEMAND_PROBE : work_shape(w, it->shape)->zone_count > 0 ? DEMAND_ZONE : DEMAND_RUNAWAY;
        ret->fact = it->hold;
        ret->remedy = it->remedy;
        return true;
    }
    const char *doubt = w->pools[it->shape].sure ? NULL : unknown_size(w, work_shape(w, it->shape));
    if (doubt) {
        *ret = (struct demand_cause){DEMAND_SIZE_UNKNOWN, explain_text(w, "no pool of known size holds one; %s", doubt),
                                     "known once EC2 describes the type or an instance of it registers"};
        return true;
    }
    if (!nearest(w, it->shape, &s)) {
        *ret = (struct demand_cause){DEMAND_CLOSED, "no fleet has a pool of known size", "name a fleet that can grow"};
        return true;
    }
    tell_pool(w, work_shape(w, it->shape), &s, ret);
    return true;
}
