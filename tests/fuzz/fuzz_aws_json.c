// JSON answers: whatever the bytes, each ECS decoder and the container endpoint's either takes them or says why not.
#include "base/json.h"
#include "scaler/aws/autoscaling_app.h"
#include "scaler/aws/autoscaling_app_decode.h"
#include "scaler/aws/aws_error.h"
#include "scaler/aws/credentials_sources.h"
#include "scaler/aws/ecs_decode.h"
#include "scaler/aws/ecs_definition.h"
#include "scaler/aws/ecs_providers.h"
#include "scaler/aws/quotas.h"
#include "scaler/aws/quotas_decode.h"
#include "scaler/aws/sqs.h"
#include "scaler/aws/sqs_decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

union result {
    struct aws_call call;
    struct ecs_arns arns;
    struct ecs_clusters clusters;
    struct ecs_container_instances instances;
    struct ecs_services services;
    struct ecs_tasks tasks;
    struct ecs_protections protections;
    struct ecs_providers providers;
    struct appscaling_targets targets;
    struct appscaling_policies policies;
    struct quota_answer quota;
    struct sqs_messages messages;
    struct sqs_deleted deleted;
    struct sqs_queue_attributes attributes;
};

static const struct aws_operation any = {.name = "Any"};

static void decode_all(const json_t *root, struct arena *a)
{
    int (*const decoders[])(struct aws_job *, const json_t *, struct err *) = {
        ecs_decode_cluster_arns, ecs_decode_instance_arns, ecs_decode_service_arns, ecs_decode_task_arns, ecs_decode_clusters,
        ecs_decode_instances, ecs_decode_instances_changed, ecs_decode_services, ecs_decode_tasks, ecs_decode_protections,
        ecs_decode_deregistered, ecs_decode_providers, appscaling_decode_targets, appscaling_decode_policies, quotas_decode,
        sqs_decode_messages, sqs_decode_deleted, sqs_decode_attributes};
    struct err err = {0};
    for (size_t i = 0; i < ARRAY_LEN(decoders); i++) {
        union result ret = {0};
        struct aws_job job = {.with = {.arena = a}, .op = &any, .call = &ret.call, .ret = &ret, .asked = 1};
        int rc = decoders[i](&job, root, &err);
        assert(rc == 0 || rc == (int)err.kind);
    }
    struct ecs_task_definition d = {0};
    struct aws_job job = {.with = {.arena = a}, .op = &any, .call = &d.call, .ret = &d, .asked = 1};
    if (ecs_decode_definition(&job, root, &err) == 0)
        for (size_t k = 0; k < RES_COUNT; k++)
            assert(d.need.v[k] >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = {(const char *)data, size};
    struct arena a;
    arena_init(&a, 0);
    struct err err = {0};
    json_t *root = NULL;
    if (json_parse(text, "fuzz", &root, &err) == 0) {
        decode_all(root, &a);
        json_decref(root);
    }
    struct credentials_keys keys;
    if (credentials_container_decode(text, &a, &keys, &err) == 0) {
        assert(keys.access_key_id != NULL);
        assert(keys.secret != NULL);
    }
    const char *word = NULL;
    if (credentials_instance_decode(text, &a, &keys, &err) == 0)
        assert(keys.access_key_id != NULL && keys.secret != NULL);
    if (credentials_instance_line(text, &a, &word, &err) == 0)
        assert(*word && !strpbrk(word, " \r\n?#"));
    char region[64];
    if (aws_region_of_task(text, region, &err) == 0)
        assert(aws_region_valid(region));
    struct transport_response r = {.status = 500, .body = text};
    struct aws_error e;
    aws_error_decode(&r, &e);
    assert(e.kind != ERR_OK);
    arena_release(&a);
    return 0;
}
