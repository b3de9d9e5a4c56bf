// XML answers: whatever the bytes, each EC2 decoder either takes them or says why not.
#include "scaler/aws/aws_error.h"
#include "scaler/aws/credentials_sources.h"
#include "scaler/aws/ec2.h"
#include "scaler/aws/ec2_types.h"
#include "scaler/aws/ec2_decode.h"
#include "scaler/aws/ec2_fleets.h"
#include "scaler/aws/ec2_templates.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

union result {
    struct aws_call call;
    struct ec2_instances instances;
    struct ec2_spot_fleets fleets;
    struct ec2_fleet_members members;
    struct ec2_types types;
    struct ec2_prices prices;
    struct ec2_state_changes changes;
    struct ec2_fleet_events events;
    struct ec2_subnets subnets;
    struct ec2_spot_requests requests;
    struct ec2_scheduled_events scheduled;
    struct ec2_offerings offerings;
    struct ec2_scores scores;
    struct ec2_launch_answer launched;
    struct ec2_templates templates;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int (*const decoders[])(struct aws_job *, const struct xml_node *, struct err *) = {
        ec2_decode_instances, ec2_decode_fleets, ec2_decode_ec2_fleets, ec2_decode_members, ec2_decode_types,
        ec2_decode_prices, ec2_decode_state_changes, ec2_decode_return,
        ec2_decode_history, ec2_decode_subnets, ec2_decode_spot_requests, ec2_decode_scheduled, ec2_decode_offerings, ec2_decode_scores, ec2_decode_launch, ec2_decode_templates};
    struct slice text = {(const char *)data, size};
    struct arena a;
    arena_init(&a, 0);
    struct err err = {0};
    const struct xml_node *root = NULL;
    if (xml_parse(text, &a, &root, &err) == 0) {
        assert(root != NULL);
        for (size_t i = 0; i < ARRAY_LEN(decoders); i++) {
            union result ret = {0};
            struct aws_job job = {.with = {.arena = &a}, .call = &ret.call, .ret = &ret, .asked = 1};
            int rc = decoders[i](&job, root, &err);
            assert(rc == 0 || rc == (int)err.kind);
        }
    }
    static const struct credentials_role roles[] = {{.arn = "r"}, {.arn = "r", .token_file = "f"}};
    struct credentials_keys keys;
    for (size_t i = 0; i < ARRAY_LEN(roles); i++)
        if (credentials_role_decode(&roles[i], text, &a, &keys, &err) == 0)
            assert(*keys.access_key_id && *keys.secret && *keys.session_token && keys.expires_ms);
    struct transport_response r = {.status = 400, .body = text};
    struct aws_error e;
    aws_error_decode(&r, &e);
    assert(e.kind != ERR_OK);
    arena_release(&a);
    return 0;
}
