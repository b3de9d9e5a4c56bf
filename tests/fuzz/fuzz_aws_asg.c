// XML answers of Auto Scaling: whatever the bytes, each decoder either takes them or says why not.
#include "scaler/aws/autoscaling.h"
#include "scaler/aws/autoscaling_decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

union result {
    struct aws_call call;
    struct asg_groups groups;
    struct asg_members members;
    struct asg_refreshes refreshes;
    struct asg_policies policies;
    struct asg_hooks hooks;
    struct asg_activities activities;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int (*const decoders[])(struct aws_job *, const struct xml_node *, struct err *) = {
        asg_decode_groups, asg_decode_warm_pool, asg_decode_refreshes, asg_decode_policies, asg_decode_hooks, asg_decode_activities, asg_decode_done};
    struct arena a;
    arena_init(&a, 0);
    struct err err = {0};
    const struct xml_node *root = NULL;
    if (xml_parse((struct slice){(const char *)data, size}, &a, &root, &err) == 0) {
        for (size_t i = 0; i < ARRAY_LEN(decoders); i++) {
            union result ret = {0};
            struct aws_job job = {.with = {.arena = &a}, .call = &ret.call, .ret = &ret};
            int rc = decoders[i](&job, root, &err);
            assert(rc == 0 || rc == (int)err.kind);
            for (size_t k = 0; i == 0 && k < ret.groups.count; k++) {
                assert(*ret.groups.items[k].name && ret.groups.items[k].desired >= 0);
                asg_suspended(&ret.groups.items[k], "Launch");
            }
            for (size_t k = 0; i == 2 && k < ret.refreshes.count; k++)
                asg_refresh_runs(ret.refreshes.items[k].status);
        }
    }
    arena_release(&a);
    return 0;
}
