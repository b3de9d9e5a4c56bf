// Prints one sample of every request that we can send, as JSON lines {"service","operation","body"}: tests/aws/botocore_check.py
// holds them against the service models of botocore.
#include <unistd.h>

#include "base/json.h"
#include "scaler/aws/autoscaling.h"
#include "scaler/aws/autoscaling_app.h"
#include "scaler/aws/cloudwatch.h"
#include "scaler/aws/quotas.h"
#include "scaler/aws/credentials_sources.h"
#include "scaler/aws/budget.h"
#include "scaler/aws/ec2_fleets.h"
#include "scaler/aws/ec2_templates.h"
#include "scaler/aws/ec2_types.h"
#include "scaler/aws/ecs_definition.h"
#include "scaler/aws/ecs_providers.h"
#include "scaler/aws/sqs.h"
#include "scaler/aws/sts.h"
#include "tests/aws/fixture.h"

static void begin_ecs(struct aws_with w, const char *const *arns)
{
    static struct ecs_arns lists[7];
    static struct ecs_providers providers;
    static struct aws_call deregistered;
    static struct ecs_clusters clusters;
    static struct ecs_container_instances instances, changed[2];
    static struct ecs_services services;
    static struct ecs_tasks tasks;
    static struct ecs_protections protections;
    static struct ecs_task_definition definition;
    ecs_list_clusters(w, &lists[0]);
    ecs_describe_clusters(w, arns, 2, &clusters);
    ecs_list_container_instances(w, "rice", &lists[1]);
    ecs_describe_container_instances(w, "rice", arns, 2, &instances);
    ecs_set_instance_state(w, "rice", arns, 2, "DRAINING", &changed[0]);
    ecs_set_instance_state(w, "rice", arns, 1, "ACTIVE", &changed[1]);
    ecs_list_services(w, "rice", &lists[2]);
    ecs_describe_services(w, "rice", arns, 2, &services);
    ecs_list_tasks(w, "rice", &(struct ecs_task_filter){.container_instance = "ci", .service = "web", .family = "web",
                                                        .launch_type = "EC2", .desired_status = "STOPPED"}, &lists[3]);
    ecs_list_tasks(w, "rice", &(struct ecs_task_filter){.started_by = "me"}, &lists[4]);
    ecs_list_tasks(w, "rice", &(struct ecs_task_filter){.desired_status = "RUNNING"}, &lists[5]);
    ecs_describe_tasks(w, "rice", arns, 2, &tasks);
    ecs_get_task_protection(w, "rice", arns, 2, &protections);
    ecs_describe_task_definition(w, "web:7", &definition);
    ecs_find_container_instances(w, "rice", "ec2InstanceId == i-1", &lists[6]);
    ecs_deregister_container_instance(w, "rice", arns[0], &deregistered);
    ecs_describe_providers(w, arns, 2, &providers);
}

static void begin_ec2(struct aws_with w, const char *const *ids)
{
    static struct ec2_instances by_id, of_fleet;
    static struct ec2_state_changes ended, tried;
    static struct ec2_spot_fleets fleets;
    static struct ec2_fleet_members members;
    static struct ec2_types types;
    static struct ec2_prices prices;
    static struct ec2_fleet_events events;
    static struct ec2_subnets subnets;
    static struct ec2_spot_requests requests;
    static struct ec2_scheduled_events scheduled;
    static struct ec2_types all_types;
    static struct ec2_offerings offerings;
    static struct ec2_scores scores;
    static struct aws_call calls[6];
    static struct ec2_spot_fleets ec2_fleets, all;
    static struct ec2_fleet_members ec2_members;
    static struct ec2_fleet_events ec2_events;
    static const char *const type_names[] = {"m5.large", "c5.large"};
    const struct aws_tag tags[] = {{"masu:drain", "2026-02-02T02:40:00Z"}, {"k", ""}}, key = {"masu:drain", NULL};
    ec2_describe_instances_by_id(w, ids, 2, &by_id);
    ec2_describe_fleet_instances(w, "sfr-1", &of_fleet);
    ec2_terminate_instances(w, ids, 2, false, &ended);
    ec2_terminate_instances(w, ids, 1, true, &tried);
    ec2_create_tags(w, ids, 2, tags, 2, &calls[0]);
    ec2_delete_tags(w, ids, 2, &key, 1, &calls[1]);
    ec2_describe_spot_fleets(w, ids, 2, &fleets);
    ec2_describe_spot_fleet_instances(w, "sfr-1", &members);
    ec2_describe_fleet_history(w, "sfr-1", T0_MS, &events);
    ec2_describe_subnets(w, ids, 2, &subnets);
    ec2_describe_interrupted(w, &requests);
    ec2_describe_scheduled(w, &scheduled);
    ec2_modify_spot_fleet(w, &(struct ec2_fleet_target){"sfr-1", 7, 2, false}, &calls[2]);
    ec2_modify_spot_fleet(w, &(struct ec2_fleet_target){"sfr-1", 0, 0, false}, &calls[3]);
    ec2_describe_ec2_fleets(w, ids, 2, &ec2_fleets);
    ec2_describe_ec2_fleets(w, NULL, 0, &all);
    ec2_describe_ec2_fleet_members(w, "fleet-1", &ec2_members);
    ec2_describe_ec2_fleet_history(w, "fleet-1", T0_MS, &ec2_events);
    ec2_modify_ec2_fleet(w, &(struct ec2_fleet_target){.fleet_id = "fleet-1", .target = 7, .on_demand = 2}, &calls[4]);
    static const struct ec2_launch_pool pools[] = {{"c5.large", "subnet-1"}, {"m5.large", "subnet-2"}};
    static const struct aws_tag launch_tags[] = {{"masu:fleet", "web/spare"}, {"masu:owner", "me"}};
    static struct ec2_launch_answer launched[2];
    for (int k = 0; k < 2; k++)
        ec2_create_fleet(w, &(struct ec2_launch){.token = "t", .launch_template = k ? "spare" : "lt-1", .version = k ? "7" : "$Default", .count = 3, .on_demand = k,
                                                 .pools = pools, .pool_count = 2, .tags = launch_tags, .tag_count = 2}, &launched[k]);
    static struct ec2_launch_answer permitted;
    static struct ec2_templates templates[2];
    ec2_create_fleet(w, &(struct ec2_launch){.dry_run = true, .launch_template = "lt-1", .version = "7", .count = 1, .pools = pools, .pool_count = 1}, &permitted);
    ec2_describe_template(w, "lt-1", "7", &templates[0]);
    ec2_describe_template(w, "spare", "$Latest", &templates[1]);
    ec2_modify_spot_fleet(w, &(struct ec2_fleet_target){.fleet_id = "sfr-1", .target = 7, .split = true}, &calls[5]);
    ec2_describe_types(w, type_names, 2, &types);
    ec2_describe_all_types(w, &all_types);
    ec2_describe_offerings(w, &offerings);
    ec2_placement_scores(w, "eu-west-1", type_names, 2, 40, &scores);
    ec2_describe_spot_prices(w, type_names, 2, T0_MS, &prices);
}

// Roles are assumed by the credentials, not by a typed operation.
static void begin_roles(struct fixture *f)
{
    static const struct credentials_role assumed = {.arn = "arn:aws:iam::111122223333:role/masu", .session_name = "masu", .external_id = "a b+c",
                                                    .duration_s = 3600};
    static char path[] = "/tmp/masu-dump-XXXXXX";
    int fd = mkstemp(path);
    assert(fd >= 0);
    ssize_t n = write(fd, "header.payload.mark", 19);
    assert(n == 19);
    struct credentials_role identity = assumed;
    identity.token_file = path;
    identity.external_id = NULL;
    const struct credentials_role *roles[] = {&assumed, &identity};
    for (size_t i = 0; i < ARRAY_LEN(roles); i++) {
        struct slice body;
        struct err err = {0};
        int rc = credentials_role_body(roles[i], &f->arena, &body, &err);
        assert(rc == 0);
        f->s.requests[f->s.request_count++] = (struct scripted_request){"https://sts.eu-west-1.amazonaws.com/", "POST", body.ptr, "", 0, false};
    }
    close(fd);
    unlink(path);
}

static void begin_scaling(struct aws_with w)
{
    static const char *const fleets[] = {"spot-fleet-request/sfr-1", "spot-fleet-request/sfr-2"};
    static struct appscaling_targets targets;
    static struct appscaling_policies policies;
    appscaling_describe_targets(w, fleets, 2, &targets);
    appscaling_describe_policies(w, fleets[0], &policies);
    static struct quota_answer quotas[2];
    quotas_get(w, "L-34B43A08", &quotas[0]);
    quotas_get_default(w, "L-34B43A08", &quotas[1]);
}

static void begin_metrics(struct aws_with w)
{
    static const struct cloudwatch_metric metrics[] = {
        {"AWS/ECS", "CPUReservation", {{"ClusterName", "shop"}}, "Average"},
        {"AWS/ECS", "MemoryUtilization", {{"ClusterName", "shop"}, {"ServiceName", "web & co"}}, "Maximum"},
        {"AWS/ApplicationELB", "RequestCountPerTarget", {{"TargetGroup", "targetgroup/shop/50dc6c495c0c9188"}}, "Sum"},
    };
    static struct cloudwatch_data data;
    cloudwatch_get_metric_data(w, &(struct cloudwatch_ask){metrics, ARRAY_LEN(metrics), T0_MS - 86400000, T0_MS, 300}, &data);
}

static void begin_queue(struct aws_with w)
{
    static const char *const handles[] = {"AQEB1==", "AQEB2=="}, *const url = "https://sqs.eu-west-1.amazonaws.com/111122223333/events";
    static struct sqs_messages messages[2];
    static struct sqs_deleted deleted;
    static struct sqs_queue_attributes attributes;
    sqs_receive(w, url, 20, 20, &messages[0]);
    sqs_receive(w, url, 0, 20, &messages[1]);
    sqs_delete(w, url, handles, 2, &deleted);
    sqs_get_attributes(w, url, &attributes);
}

static void begin_groups(struct aws_with w, const char *const *ids)
{
    static struct asg_groups groups;
    static struct asg_members warm;
    static struct asg_refreshes refreshes;
    static struct asg_policies policies;
    static struct asg_hooks hooks;
    static struct asg_activities activities;
    static struct aws_call calls[5];
    asg_describe_groups(w, ids, 2, &groups);
    asg_describe_warm_pool(w, "g", &warm);
    asg_describe_refreshes(w, "g", &refreshes);
    asg_describe_policies(w, "g", &policies);
    asg_describe_hooks(w, "g", &hooks);
    asg_describe_activities(w, "g", &activities);
    asg_set_desired(w, "g", 7, &calls[0]);
    asg_terminate(w, "i-1", true, &calls[1]);
    asg_complete(w, "g", "drain", "i-1", &calls[2]);
    asg_heartbeat(w, "g", "drain", "i-1", &calls[3]);
    asg_tag(w, "g", &(struct aws_tag){"masu:owner", "me"}, &calls[4]);
}

// The operation of a request: from its target header, or the body's Action.
static struct slice operation_of(const struct scripted_request *r)
{
    const char *target = strstr(r->headers, "X-Amz-Target: ");
    struct slice s = slice_of(target ? strchr(target, '.') + 1 : strstr(r->body, "Action=") + strlen("Action="));
    return slice_cut(&s, target ? '\n' : '&');
}

// Is the operation counted in a bucket of its own, or in that for whatever was forgotten? (Roles have no budget.)
static bool budgeted(struct slice service, struct slice operation)
{
    for (int s = 0; s < AWS_SERVICE_COUNT; s++) {
        char name[128];
        snprintf(name, sizeof name, "%.*s", (int)operation.len, operation.ptr);
        if (slice_eq_str(service, aws_service_name((enum aws_service)s)))
            return aws_budget_known((enum aws_service)s, name) || slice_starts(operation, "AssumeRole");
    }
    return false;
}

int main(void)
{
    static struct fixture f;
    static const char *const ids[] = {"one", "two"};
    fixture_begin(&f);
    f.s.repeat_last = true;
    // Every list answers with a token once, so that the second page's request is seen too: here for one JSON and one XML list.
    scripted_add_body(&f.s, "{\"clusterArns\":[],\"nextToken\":\"t\"}");
    scripted_add_body(&f.s, "{}");
    static struct ecs_arns paged;
    static struct ec2_instances paged_instances;
    static struct sts_identity identity;
    ecs_list_clusters(f.with, &paged);
    aws_run(f.clients, DEADLINE_MS);
    f.s.reply_count = f.s.request_count;
    scripted_add_body(&f.s, "<DescribeInstancesResponse><nextToken>t</nextToken></DescribeInstancesResponse>");
    scripted_add_error(&f.s, 400, "");
    ec2_describe_fleet_instances(f.with, "sfr-1", &paged_instances);
    aws_run(f.clients, DEADLINE_MS);
    begin_ecs(f.with, ids);
    begin_ec2(f.with, ids);
    begin_scaling(f.with);
    begin_queue(f.with);
    begin_metrics(f.with);
    begin_groups(f.with, ids);
    sts_get_caller_identity(f.with, &identity);
    aws_run(f.clients, DEADLINE_MS);
    begin_roles(&f);
    struct buf line;
    buf_init(&line, 1u << 20);
    for (size_t i = 0; i < f.s.request_count; i++) {
        struct slice host = slice_of(f.s.requests[i].url + strlen("https://"));
        buf_clear(&line);
        buf_add_str(&line, "{\"service\":");
        json_add_string(&line, slice_cut(&host, '.'));
        buf_add_str(&line, ",\"operation\":");
        json_add_string(&line, operation_of(&f.s.requests[i]));
        struct slice operation = operation_of(&f.s.requests[i]);
        host = slice_of(f.s.requests[i].url + strlen("https://"));
        buf_printf(&line, ",\"budgeted\":%s", budgeted(slice_cut(&host, '.'), operation) ? "true" : "false");
        buf_add_str(&line, ",\"body\":");
        json_add_string(&line, slice_of(f.s.requests[i].body));
        printf("%s}\n", buf_str(&line));
    }
    buf_release(&line);
    fixture_end(&f);
    return 0;
}
