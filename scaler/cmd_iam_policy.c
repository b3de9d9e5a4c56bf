// masu iam-policy: the least IAM policy that this build needs, from the table of its operations.
#include <stdlib.h>

#include "base/check.h"
#include "base/json.h"
#include "scaler/aws/credentials.h"
#include "scaler/cmds.h"
#include "scaler/options.h"
#include "scaler/permissions.h"

enum { ARENA_MAX_BYTES = 64 << 20, OUTPUT_MAX_BYTES = 1 << 20, MANAGED_POLICY_CHARACTERS = 6144 };

// IAM counts all but white space.
static size_t iam_length(const json_t *document)
{
    struct buf b;
    buf_init(&b, OUTPUT_MAX_BYTES);
    json_write(document, &b);
    size_t length = b.len;
    buf_release(&b);
    return length;
}

static void print_document(const struct policy *p, bool read_only)
{
    const char *region = getenv("AWS_REGION");
    if (region == NULL || !aws_region_valid(region))
        region = getenv("AWS_DEFAULT_REGION");
    json_t *document = permissions_document(p, read_only, region && aws_region_valid(region) ? region : NULL);
    struct buf b;
    buf_init(&b, OUTPUT_MAX_BYTES);
    json_write_pretty(document, &b);
    puts(buf_str(&b));
    buf_release(&b);
    size_t length = iam_length(document);
    if (length > MANAGED_POLICY_CHARACTERS)
        fprintf(stderr, "masu iam-policy: %zu characters, a managed policy may have %d -> one policy file for each half of the clusters, "
                "and attach both\n", length, MANAGED_POLICY_CHARACTERS);
    json_decref(document);
}

static void print_table(bool read_only)
{
    for (size_t i = 0; i < permission_count; i++) {
        const struct permission *m = &permissions[i];
        if (m->write && read_only)
            continue;
        printf("%-6s %-34s %s%s\n", m->write ? "change" : "read", m->action, m->why, m->scope == SCOPE_ALWAYS ? " (needs no permission)" : "");
    }
}

static int run(const char *policy_path, bool read_only, bool json)
{
    struct arena arena;
    struct policy policy;
    struct buf report;
    struct err err = {0};
    int rc = 0;
    arena_init(&arena, ARENA_MAX_BYTES);
    buf_init(&report, OUTPUT_MAX_BYTES);
    if (policy_path)
        rc = policy_load_file(policy_path, &arena, &policy, &report, &err);
    if (rc != 0)
        fprintf(stderr, "%s%s", report.len ? buf_str(&report) : err.msg, report.len ? "" : "\n");
    else if (json)
        print_document(policy_path ? &policy : NULL, read_only);
    else
        print_table(read_only);
    buf_release(&report);
    arena_release(&arena);
    return rc == 0 ? EXIT_DONE : EXIT_FAILED;
}

int cmd_iam_policy(int argc, char **argv)
{
    const char *policy_path = NULL;
    bool json = true, read_only = false;
    const struct option options[] = {
        {.name = "policy", .kind = OPTION_STRING, .ret = &policy_path, .value = "F", .help = "narrow it to the clusters and fleets of this policy"},
        {.name = "read-only", .kind = OPTION_FLAG, .ret = &read_only, .help = "only what plan, doctor and run --dry-run need"},
        {.name = "format", .kind = OPTION_FORMAT, .ret = &json, .value = "text|json", .help = "json: the IAM policy (default); text: what each action is for"},
    };
    const struct options_spec spec = {
        .command = "iam-policy", .summary = "Prints the least IAM policy that masu needs.", .options = options, .option_count = ARRAY_LEN(options),
        .epilogue = "Clusters without an account or a region in the policy get * there (or AWS_REGION).\n"
                    "masu iam-policy --policy P > policy.json; aws iam put-role-policy --policy-document file://policy.json …",
    };
    enum options_outcome outcome = options_parse(&spec, argc, argv, NULL);
    if (outcome != OPTIONS_GO)
        return outcome == OPTIONS_HELPED ? EXIT_DONE : EXIT_USAGE;
    return run(policy_path, read_only, json);
}
