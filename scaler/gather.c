#include "scaler/gather.h"

#include "base/check.h"
#include "scaler/gather_internal.h"
#include "scaler/gather_zones.h"

enum { FACTS_ARENA_MAX_BYTES = 1 << 30, NAME_MAX_BYTES = 4 << 20 };

// ---- region ---------------------------------------------------------------------------------------------------------------

int region_new(struct aws_clients *clients, const char *account, const char *region, struct region **ret, struct err *err)
{
    struct aws *aws;
    int rc = aws_clients_get(clients, account, region, &aws, err);
    if (rc != 0)
        return rc;
    struct region *r = calloc(1, sizeof *r);
    assert(r);
    r->clients = clients;
    r->aws = aws;
    arena_init(&r->kept, FACTS_ARENA_MAX_BYTES);
    arena_init(&r->scratch, FACTS_ARENA_MAX_BYTES);
    for (int api = 0; api < API_FLEET_COUNT; api++)
        for (int turn = 0; turn < 2; turn++)
            arena_init(&r->fleets[api].arenas[turn], FACTS_ARENA_MAX_BYTES);
    arena_init(&r->poll_arena, FACTS_ARENA_MAX_BYTES);
    arena_init(&r->catalogue.arena, FACTS_ARENA_MAX_BYTES);
    strmap_init(&r->definition_map, &r->kept, 256);
    strmap_init(&r->type_map, &r->kept, 64);
    strmap_init(&r->subnet_map, &r->kept, 64);
    strmap_init(&r->provider_map, &r->kept, 16);
    r->subnets = arena_array(&r->kept, struct cached_subnet, SUBNETS_MAX);
    r->providers = arena_array(&r->kept, struct cached_provider, PROVIDERS_MAX);
    r->types = arena_array(&r->kept, struct cached_type, TYPES_MAX);
    snprintf(r->name, sizeof r->name, "%s", aws_region(aws));
    snprintf(r->account_wanted, sizeof r->account_wanted, "%s", account);
    *ret = r;
    return 0;
}

void region_free(struct region *r)
{
    if (r == NULL)
        return;
    arena_release(&r->kept);
    arena_release(&r->scratch);
    for (int api = 0; api < API_FLEET_COUNT; api++)
        for (int turn = 0; turn < 2; turn++)
            arena_release(&r->fleets[api].arenas[turn]);
    if (r->polling)
        aws_cancel(r->clients, AWS_LANE_WAIT);
    arena_release(&r->poll_arena);
    arena_release(&r->catalogue.arena);
    free(r);
}

struct aws *region_aws(struct region *r)
{
    return r->aws;
}

struct aws_clients *region_clients(struct region *r)
{
    return r->clients;
}

const char *region_account(const struct region *r)
{
    return r->account;
}

const char *region_name(const struct region *r)
{
    return r->name;
}

// Another server of the protocols may have no STS. AWS itself never says so of GetCallerIdentity.
static bool has_no_sts(const struct aws_call *c)
{
    static const char *const codes[] = {"InvalidAction", "UnknownOperationException", "NotImplemented"};
    for (size_t i = 0; i < ARRAY_LEN(codes); i++)
        if (strcmp(c->code, codes[i]) == 0)
            return true;
    return false;
}

int region_identify(struct region *r, int64_t until_ms, struct err *err)
{
    if (r->account[0])
        return 0;
    struct sts_identity who;
    arena_reset(&r->scratch);
    sts_get_caller_identity((struct aws_with){.aws = r->aws, .arena = &r->scratch}, &who);
    aws_run(r->clients, until_ms);
    if (has_no_sts(&who.call)) {
        snprintf(r->account, sizeof r->account, "%s", r->account_wanted[0] ? r->account_wanted : "000000000000");
        return 0;
    }
    if (who.call.state != AWS_CALL_COMPLETE)
        return err_set(err, who.call.err.kind ? who.call.err.kind : ERR_TRANSIENT, "%s", who.call.err.msg);
    if (r->account_wanted[0] && strcmp(r->account_wanted, who.account) != 0)
        return err_set(err, ERR_INVALID, "the credentials are of account %s, the policy names %s -> nothing is done there",
                       who.account, r->account_wanted);
    snprintf(r->account, sizeof r->account, "%s", who.account);
    return 0;
}

// ---- one cluster ----------------------------------------------------------------------------------------------------------

struct gather *gather_new(struct region *r, const struct clock *clock, const char *cluster)
{
    struct gather *g = calloc(1, sizeof *g);
    assert(g);
    g->region = r;
    g->next = r->gathers;
    r->gathers = g;
    g->clock = clock;
    snprintf(g->cluster, sizeof g->cluster, "%s", cluster);
    arena_init(&g->arenas[0], FACTS_ARENA_MAX_BYTES);
    arena_init(&g->arenas[1], FACTS_ARENA_MAX_BYTES);
    arena_init(&g->kept, NAME_MAX_BYTES);
    return g;
}

void gather_free(struct gather *g)
{
    if (g == NULL)
        return;
    struct gather **at = &g->region->gathers;
    while (*at != g)
        at = &(*at)->next;
    *at = g->next;
    gather_forget_pools(g);
    gather_forget_groups(g);
    arena_release(&g->arenas[0]);
    arena_release(&g->arenas[1]);
    arena_release(&g->kept);
    free(g);
}

void source_set(struct facts *f, enum source_kind k, enum source_state state, int64_t read_ms, const char *detail)
{
    f->sources[k] = (struct source){.state = state, .read_ms = read_ms, .detail = detail};
}

void source_from_call(struct look *l, enum source_kind k, const struct aws_call *c)
{
    int64_t kept_ms = l->old ? l->old->sources[k].read_ms : 0;
    const char *words = arena_strdup(l->a, c->err.msg);
    switch (c->state) {
    case AWS_CALL_COMPLETE:
        source_set(l->new, k, SOURCE_OK, c->answered_ms, "");
        return;
    case AWS_CALL_PARTIAL:
        source_set(l->new, k, SOURCE_PARTIAL, kept_ms, words);
        return;
    case AWS_CALL_NONE:
        source_set(l->new, k, SOURCE_UNKNOWN, kept_ms, "not asked: what it depends on is unknown");
        return;
    case AWS_CALL_OPEN:
    case AWS_CALL_FAILED:
        source_set(l->new, k, SOURCE_UNKNOWN, kept_ms, words);
        return;
    }
    assert(!"call state");
}

// One of the period, not one that comes between for a drain's next step, or a clock that was set back.
static bool of_the_period(const struct look *l)
{
    int64_t since_ms = l->new->at_ms - l->g->counted_ms;
    return since_ms < 0 || since_ms >= l->policy->period_ms * 3 / 4;
}

static bool lists_due(const struct look *l)
{
    return l->old == NULL || (l->g->looks % LIST_EVERY_LOOKS == 0 && of_the_period(l)) || l->old->lists_wanted;
}

static void run(struct look *l)
{
    aws_run(l->region->clients, l->until_ms);
}

// Demand is asked for before capacity, so that a lag between them shows too much need rather than too little.
static void look_phases(struct look *l)
{
    if (l->lists)
        ecs_list_services(l->with, l->g->cluster, &l->service_list);
    if (l->lists || l->old->containers_wanted)
        ecs_list_container_instances(l->with, l->g->cluster, &l->container_list);
    run(l);
    look_services_ask(l);
    look_containers_ask(l);
    look_fleets_ask(l);
    run(l);
    look_services_take(l);
    look_containers_take(l);
    look_fleets_share(l);
    if (look_fleets_retry(l))
        run(l);
    if (look_fleets_resolve(l))
        run(l);
    look_zones(l);
    look_strays_ask(l);
    l->tasks_listed = look_tasks_due(l);
    if (l->tasks_listed)
        ecs_list_tasks(l->with, l->g->cluster, &(struct ecs_task_filter){.desired_status = "RUNNING"}, &l->task_list);
    look_boxes_ask(l);
    run(l);
    look_fleets_take(l);
    look_catalogue(l);
    look_ec2_take(l);
    look_tasks(l);
    look_protections(l);
    region_definitions_read(l);
    look_task_needs(l);
    look_account_ask(l);
    region_types_read(l);
    run(l);
    look_account_take(l);
}

static int64_t listed_ms(const struct look *l)
{
    if (l->container_list.call.state == AWS_CALL_COMPLETE && l->service_list.call.state == AWS_CALL_COMPLETE)
        return l->new->at_ms;
    return l->old ? l->old->listed_ms : 0;
}

// Something boots, or runs and was shown by ECS before and now is not, as where an answer lacked it: the next look lists the container instances again.
// What never registers, or stays away, is left to the lists' own turn.
static bool containers_wanted(const struct facts *f, int64_t boot_limit_ms)
{
    for (size_t i = 0; i < f->ec2_count; i++) {
        const struct fact_ec2 *e = &f->ec2[i];
        bool member = e->fleet[0] != '\0' && (e->state == EC2_PENDING || e->state == EC2_RUNNING);
        int64_t since_ms = e->ever_registered ? e->vanished_ms : e->launched_ms;
        if (member && since_ms > 0 && f->at_ms - since_ms < boot_limit_ms)
            return true;
    }
    return false;
}

static bool complete(const struct facts *f)
{
    for (int k = 0; k < SOURCE_COUNT; k++)
        if (f->sources[k].state != SOURCE_OK)
            return false;
    return true;
}

int gather_look(struct gather *g, const struct policy_cluster *policy, int64_t limit_ms, struct arena *a, struct snapshot *ret,
                struct err *err)
{
    int64_t begun_ms = clock_wall_ms(g->clock);
    int rc = region_identify(g->region, begun_ms + limit_ms, err);
    if (rc != 0)
        return rc;
    if (g->started_ms == 0)
        g->started_ms = begun_ms;
    unsigned turn = g->turn ^ 1;
    arena_reset(&g->arenas[turn]);
    struct look l = {.g = g, .region = g->region, .policy = policy, .a = &g->arenas[turn], .old = g->facts[g->turn],
                     .until_ms = begun_ms + limit_ms};
    l.new = g->facts[turn] = arena_new(l.a, struct facts);
    l.with = (struct aws_with){.aws = g->region->aws, .arena = l.a};
    l.new->at_ms = begun_ms;
    for (int k = 0; k < SOURCE_COUNT; k++)
        source_set(l.new, (enum source_kind)k, SOURCE_UNKNOWN, 0, "not read yet");
    l.lists = lists_due(&l);
    look_phases(&l);
    l.new->containers_wanted = containers_wanted(l.new, policy->boot_limit_ms);
    l.new->listed_ms = listed_ms(&l);
    g->complete_looks += complete(l.new);
    g->turn = turn;
    if (of_the_period(&l)) {
        g->looks++;
        g->counted_ms = begun_ms;
    }
    snapshot_from_facts(&l, a, ret);
    gather_quotas(&l, a, ret);
    arena_release(&g->arenas[turn ^ 1]);  // what is kept between looks is one look's
    g->facts[turn ^ 1] = NULL;
    return 0;
}
