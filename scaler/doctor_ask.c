// What masu doctor asks AWS, in three rounds: each of the operations that masu sends is asked at least once for whatever it can be
// denied for. Where there is nothing to ask about, a made-up name serves: AWS checks the permission before it looks.
#include "base/check.h"
#include "scaler/aws/ec2_fleets.h"
#include "scaler/aws/ec2_types.h"
#include "scaler/doctor.h"

enum { ROUND_MS = 60000, HISTORY_MS = 3600000, NAMES_MAX = 64 };

#define NOBODY "00000000000000000000000000000000"
#define NO_TYPE "m5.large"
#define NO_SUBNET "subnet-00000000000000000"

static struct aws_with with(const struct doctor *d, const struct doctor_region *r)
{
    return (struct aws_with){.aws = r->aws, .arena = d->arena};
}

static void run(const struct doctor *d)
{
    aws_run(d->clients, clock_wall_ms(d->transport->clock) + ROUND_MS);
}

static const char *or_nobody(const char *const *items, size_t count)
{
    return count > 0 ? items[0] : NOBODY;
}

static size_t fleet_count(const struct doctor_region *r)
{
    size_t n = 0;
    for (size_t i = 0; i < r->cluster_count; i++)
        n += r->clusters[i].policy->fleet_count;
    return n;
}

// ---- first round: what is there -------------------------------------------------------------------------------------------

static void ask_members(struct aws_with w, struct doctor_fleet *f)
{
    ec2_describe_fleet_instances(w, f->id, &f->members);
    if (ec2_is_ec2_fleet(f->id))
        ec2_describe_ec2_fleet_members(w, f->id, &f->listed);
    else
        ec2_describe_spot_fleet_instances(w, f->id, &f->listed);
}

static void ask_group(struct aws_with w, struct doctor_fleet *f)
{
    asg_describe_groups(w, &f->id, 1, &f->group);
    asg_describe_hooks(w, f->id, &f->hooks);
    asg_describe_refreshes(w, f->id, &f->refreshes);
    asg_describe_policies(w, f->id, &f->group_policies);
    asg_describe_warm_pool(w, f->id, &f->warm);
    asg_describe_activities(w, f->id, &f->activities);
}

static void describe_fleets(struct doctor *d, struct doctor_region *r)
{
    const char **ids = arena_array(d->arena, const char *, fleet_count(r)), **ec2_ids = arena_array(d->arena, const char *, fleet_count(r));
    size_t count = 0, ec2_count = 0;
    bool by_tag = false;
    for (size_t i = 0; i < r->cluster_count; i++)
        for (size_t f = 0; f < r->clusters[i].policy->fleet_count; f++) {
            const struct doctor_fleet *x = &r->clusters[i].fleets[f];
            enum fleet_kind kind = policy_fleet_kind(x->policy);
            by_tag |= kind == FLEET_KIND_COUNT;
            if (kind == FLEET_EC2_FLEET)
                ec2_ids[ec2_count++] = x->id;
            else if (kind == FLEET_SPOT_FLEET)
                ids[count++] = x->id;
        }
    if (count > 0 || by_tag)
        ec2_describe_spot_fleets(with(d, r), ids, by_tag ? 0 : count, &r->fleets);
    if (ec2_count > 0 || by_tag)
        ec2_describe_ec2_fleets(with(d, r), ec2_ids, by_tag ? 0 : ec2_count, &r->ec2_fleets);
}

static void ask_lists(struct doctor *d, struct doctor_region *r)
{
    struct aws_with w = with(d, r);
    sts_get_caller_identity(w, &r->identity);
    ecs_list_clusters(w, &r->all_clusters);
    for (size_t i = 0; i < r->cluster_count; i++) {
        struct doctor_cluster *c = &r->clusters[i];
        ecs_describe_clusters(w, &c->policy->name, 1, &c->described);
        ecs_list_container_instances(w, c->policy->name, &c->instance_arns);
        ecs_list_services(w, c->policy->name, &c->service_arns);
        for (size_t f = 0; f < c->policy->fleet_count; f++) {
            c->fleets[f].id = policy_fleet_name(c->fleets[f].policy);
            enum fleet_kind kind = policy_fleet_kind(c->fleets[f].policy);
            if (kind == FLEET_SPOT_FLEET || kind == FLEET_EC2_FLEET)
                ask_members(w, &c->fleets[f]);
            else if (kind == FLEET_GROUP)
                ask_group(w, &c->fleets[f]);
            else if (kind == FLEET_INSTANT)
                doctor_ask_instant(w, c, &c->fleets[f]);
        }
    }
    describe_fleets(d, r);
    for (size_t i = 0; i < r->queue_count; i++)
        sqs_get_attributes(w, r->queues[i].policy->url, &r->queues[i].told);
}

// Who else may have a hand on the fleets, and why one gets nothing.
static void ask_scalers(struct doctor *d, struct doctor_region *r)
{
    struct aws_with w = with(d, r);
    const char **resources = arena_array(d->arena, const char *, fleet_count(r));
    size_t count = 0;
    for (size_t i = 0; i < r->cluster_count; i++)
        for (size_t f = 0; f < r->clusters[i].policy->fleet_count; f++) {
            struct doctor_fleet *fleet = &r->clusters[i].fleets[f];
            int64_t since_ms = clock_wall_ms(d->transport->clock) - HISTORY_MS;
            if (policy_fleet_kind(fleet->policy) == FLEET_GROUP || policy_fleet_kind(fleet->policy) == FLEET_INSTANT)
                continue;
            if (ec2_is_ec2_fleet(fleet->id)) {
                ec2_describe_ec2_fleet_history(w, fleet->id, since_ms, &fleet->events);
                continue;
            }
            resources[count] = arena_printf(d->arena, "spot-fleet-request/%s", fleet->id);
            appscaling_describe_policies(w, resources[count++], &fleet->policies);
            ec2_describe_fleet_history(w, fleet->id, since_ms, &fleet->events);
        }
    if (count > 0)
        appscaling_describe_targets(w, resources, count, &r->targets);
}

// Unknown ids fail the common call: each is asked for alone then.
static void ask_fleets_alone(struct doctor *d, struct doctor_region *r)
{
    for (size_t i = 0; i < r->cluster_count; i++)
        for (size_t f = 0; f < r->clusters[i].policy->fleet_count; f++) {
            struct doctor_fleet *x = &r->clusters[i].fleets[f];
            bool ec2 = policy_fleet_kind(x->policy) == FLEET_EC2_FLEET, spot = policy_fleet_kind(x->policy) == FLEET_SPOT_FLEET;
            enum err_kind kind = (ec2 ? &r->ec2_fleets : &r->fleets)->call.err.kind;
            if ((!ec2 && !spot) || (kind != ERR_NOT_FOUND && kind != ERR_INVALID))
                continue;
            if (ec2)
                ec2_describe_ec2_fleets(with(d, r), &x->id, 1, &x->alone);
            else
                ec2_describe_spot_fleets(with(d, r), &x->id, 1, &x->alone);
        }
}

static size_t find_active(const struct ec2_spot_fleets *in, const char *tag, const struct ec2_spot_fleet **ret)
{
    char key[130];
    const char *equals = strchr(tag, '=');
    size_t count = 0;
    assert(equals);
    snprintf(key, sizeof key, "%.*s", (int)(equals - tag), tag);
    for (size_t i = 0; i < in->count; i++) {
        const char *state = in->items[i].state;
        bool live = strcmp(state, "active") == 0 || strcmp(state, "modifying") == 0 || strcmp(state, "submitted") == 0;
        if (live && strcmp(aws_tag_get(&in->items[i].tags, key), equals + 1) == 0) {
            *ret = &in->items[i];
            count++;
        }
    }
    return count;
}

// Those that the policy names by a tag have an id from here on.
static void resolve_tags(struct doctor *d, struct doctor_region *r)
{
    for (size_t i = 0; i < r->cluster_count; i++)
        for (size_t f = 0; f < r->clusters[i].policy->fleet_count; f++) {
            struct doctor_fleet *x = &r->clusters[i].fleets[f];
            const struct ec2_spot_fleet *found = NULL;
            if (policy_fleet_kind(x->policy) != FLEET_KIND_COUNT)
                continue;
            x->tagged = find_active(&r->fleets, x->policy->tag, &found) + find_active(&r->ec2_fleets, x->policy->tag, &found);
            if (x->tagged != 1)
                continue;
            x->id = found->id;
            x->told = found;
            ask_members(with(d, r), x);
        }
}

static const struct ec2_spot_fleet *find_fleet(const struct ec2_spot_fleets *in, const char *id)
{
    for (size_t i = 0; i < in->count; i++)
        if (strcmp(in->items[i].id, id) == 0)
            return &in->items[i];
    return NULL;
}

static void find_fleets(struct doctor_region *r)
{
    for (size_t i = 0; i < r->cluster_count; i++)
        for (size_t f = 0; f < r->clusters[i].policy->fleet_count; f++) {
            struct doctor_fleet *fleet = &r->clusters[i].fleets[f];
            fleet->told = find_fleet(&fleet->alone, fleet->id);
            if (fleet->told == NULL)
                fleet->told = find_fleet(ec2_is_ec2_fleet(fleet->id) ? &r->ec2_fleets : &r->fleets, fleet->id);
        }
}

// ---- second round: what they are ------------------------------------------------------------------------------------------

static const char *running_member(const struct doctor_fleet *f)
{
    for (size_t i = 0; i < f->members.count; i++)
        if (f->members.items[i].state_code == 0 || f->members.items[i].state_code == 16)
            return f->members.items[i].id;
    return NULL;
}

// What EC2 lets one ask without doing it.
static void try_changes(struct aws_with w, struct doctor_fleet *f, const char *member)
{
    const char *tagged[] = {member, f->id};
    size_t count = policy_fleet_kind(f->policy) == FLEET_INSTANT ? 1 : 2;  // no fleet of EC2 stands for it
    ec2_terminate_instances(w, &member, 1, true, &f->end);
    ec2_try_tags(w, tagged, count, &(struct aws_tag){.key = "masu:doctor", .value = "1"}, false, &f->tag);
    ec2_try_tags(w, tagged, 1, &(struct aws_tag){.key = "masu:doctor"}, true, &f->untag);
}

static void ask_details(struct doctor *d, struct doctor_region *r)
{
    struct aws_with w = with(d, r);
    const char *nobody = NOBODY, *type = NO_TYPE;
    for (size_t i = 0; i < r->cluster_count; i++) {
        struct doctor_cluster *c = &r->clusters[i];
        size_t instances = c->instance_arns.count, services = c->service_arns.count;
        struct ecs_task_filter of_one = {.container_instance = instances > 0 ? c->instance_arns.items[0] : NULL,
                                         .family = instances > 0 ? NULL : "masu-doctor"};
        ecs_describe_container_instances(w, c->policy->name, instances > 0 ? c->instance_arns.items : &nobody, instances > 0 ? instances : 1, &c->instances);
        ecs_describe_services(w, c->policy->name, services > 0 ? c->service_arns.items : &nobody, services > 0 ? services : 1, &c->services);
        ecs_list_tasks(w, c->policy->name, &of_one, &c->task_arns);
        for (size_t f = 0; f < c->policy->fleet_count; f++) {
            const char *member = running_member(&c->fleets[f]);
            if (member)
                try_changes(w, &c->fleets[f], member);
            if (c->fleets[f].members.count > 0)
                type = c->fleets[f].members.items[0].type;
        }
    }
    ec2_describe_types(w, &type, 1, &r->types);
    ec2_describe_spot_prices(w, &type, 1, clock_wall_ms(d->transport->clock), &r->prices);
}

// ---- third round: what the second named -----------------------------------------------------------------------------------

static void add_name(const char **names, size_t *count, const char *name)
{
    for (size_t i = 0; i < *count; i++)
        if (strcmp(names[i], name) == 0)
            return;
    if (*name && *count < NAMES_MAX)
        names[(*count)++] = name;
}

static void ask_providers(struct doctor *d, struct doctor_region *r)
{
    const char *names[NAMES_MAX];
    size_t count = 0;
    for (size_t i = 0; i < r->cluster_count; i++) {
        const struct doctor_cluster *c = &r->clusters[i];
        for (size_t k = 0; k < c->instances.count; k++)
            add_name(names, &count, c->instances.items[k].capacity_provider);
        for (size_t k = 0; k < c->services.count; k++)
            for (size_t n = 0; n < c->services.items[k].provider_count; n++)
                add_name(names, &count, c->services.items[k].providers[n].provider);
    }
    if (count == 0)
        names[count++] = "FARGATE";
    ecs_describe_providers(with(d, r), names, count, &r->providers);
}

// An override names its subnets in one string, with commas.
static void add_subnets(struct doctor *d, const struct doctor_fleet *f, const char **names, size_t *count)
{
    const struct ec2_spot_fleet *t = f->told;
    for (size_t k = 0; k < f->policy->instant.subnet_count; k++)
        add_name(names, count, f->policy->instant.subnets[k].text);
    for (size_t k = 0; t && k < t->override_count; k++) {
        struct slice rest = slice_of(t->overrides[k].subnet);
        while (rest.len > 0) {
            struct slice one = slice_trim(slice_cut(&rest, ','));
            add_name(names, count, arena_strndup(d->arena, one.ptr, one.len));
        }
    }
}

static void ask_subnets(struct doctor *d, struct doctor_region *r)
{
    const char *names[NAMES_MAX];
    size_t count = 0;
    for (size_t i = 0; i < r->cluster_count; i++)
        for (size_t f = 0; f < r->clusters[i].policy->fleet_count; f++)
            add_subnets(d, &r->clusters[i].fleets[f], names, &count);
    if (count == 0)
        names[count++] = NO_SUBNET;
    ec2_describe_subnets(with(d, r), names, count, &r->subnets);
    ec2_describe_interrupted(with(d, r), &r->interrupted);
    ec2_describe_scheduled(with(d, r), &r->scheduled);
    quotas_get(with(d, r), quota_classes[QUOTA_STANDARD_SPOT].code, &r->quota);
    quotas_get_default(with(d, r), quota_classes[QUOTA_STANDARD_SPOT].code, &r->default_quota);
}

static void ask_metrics(struct doctor *d, struct doctor_region *r)
{
    int64_t now_ms = clock_wall_ms(d->transport->clock) / 60000 * 60000;
    const char *name = r->cluster_count > 0 ? r->clusters[0].policy->name : "", *slash = strrchr(name, '/');
    const struct cloudwatch_metric metric = {"AWS/ECS", "CPUReservation", {{"ClusterName", slash ? slash + 1 : name}}, "Average"};
    cloudwatch_get_metric_data(with(d, r), &(struct cloudwatch_ask){&metric, 1, now_ms - 600000, now_ms, 60}, &r->metrics);
}

// Of fleets whose policy says what a type must have.
static void ask_launched(struct doctor *d, struct doctor_region *r)
{
    const char *names[NAMES_MAX];
    size_t count = 0;
    for (size_t i = 0; i < r->cluster_count; i++)
        for (size_t f = 0; f < r->clusters[i].policy->fleet_count; f++) {
            const struct doctor_fleet *x = &r->clusters[i].fleets[f];
            for (size_t k = 0; x->told && x->policy->requirements.vcpus_min > 0 && k < x->told->override_count; k++)
                add_name(names, &count, x->told->overrides[k].type);
        }
    if (count > 0)
        ec2_describe_types(with(d, r), names, count, &r->launched);
    ec2_describe_offerings(with(d, r), &r->offered);
    static const char *const COMMON[] = {"m5.large", "c5.large", "r5.large"};  // always the same question: AWS limits new ones
    ec2_placement_scores(with(d, r), r->region, COMMON, ARRAY_LEN(COMMON), 1, &r->scores);
}

static void ask_tasks(struct doctor *d, struct doctor_region *r)
{
    struct aws_with w = with(d, r);
    for (size_t i = 0; i < r->cluster_count; i++) {
        struct doctor_cluster *c = &r->clusters[i];
        const char *task = or_nobody(c->task_arns.items, c->task_arns.count);
        ecs_describe_tasks(w, c->policy->name, &task, 1, &c->tasks);
        ecs_get_task_protection(w, c->policy->name, &task, 1, &c->protections);
        ecs_describe_task_definition(w, c->services.count > 0 ? c->services.items[0].task_definition : "masu-doctor:1", &c->definition);
    }
    ask_providers(d, r);
    ask_subnets(d, r);
    ask_metrics(d, r);
    ask_launched(d, r);
}

// ---- all ------------------------------------------------------------------------------------------------------------------

static bool silent(const struct aws_call *c)
{
    return c->state == AWS_CALL_FAILED && c->err.kind == ERR_TRANSIENT && c->err.http_status == 0;
}

bool doctor_ask(struct doctor *d, struct doctor_region *r)
{
    ask_lists(d, r);
    run(d);
    if (silent(&r->identity.call) && silent(&r->all_clusters.call) && (r->fleets.call.state == AWS_CALL_NONE || silent(&r->fleets.call)))
        return false;
    ask_fleets_alone(d, r);
    resolve_tags(d, r);
    ask_details(d, r);
    ask_scalers(d, r);
    run(d);
    find_fleets(r);
    ask_tasks(d, r);
    run(d);
    return true;
}
