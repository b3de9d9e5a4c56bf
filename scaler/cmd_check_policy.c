// masu check-policy: the loader's own report, a summary, and on request the effective policy, its schema and its keys.
#include "base/arena.h"
#include "base/json.h"
#include "policies/policy.h"
#include "scaler/cmds.h"
#include "scaler/options.h"

enum { OUTPUT_MAX_BYTES = 4 << 20 };

static int print_buf(struct buf *out)
{
    fputs(buf_str(out), stdout);
    buf_release(out);
    return EXIT_DONE;
}

static void print_json(const struct policy *policy, bool valid, struct buf *report)
{
    json_t *lines = json_array();
    struct slice rest = slice_of(buf_str(report));
    while (rest.len > 0) {
        struct slice line = slice_cut(&rest, '\n');
        json_array_append_new(lines, json_stringn(line.ptr, line.len));
    }
    json_t *root = json_object();
    json_object_set_new(root, "valid", json_boolean(valid));
    json_object_set_new(root, "report", lines);
    json_object_set_new(root, "policy", valid ? policy_to_json(policy) : json_null());
    struct buf out;
    buf_init(&out, OUTPUT_MAX_BYTES);
    json_write_pretty(root, &out);
    json_decref(root);
    puts(buf_str(&out));
    buf_release(&out);
}

static size_t fleets_in(const struct policy *p)
{
    size_t count = 0;
    for (size_t i = 0; i < p->cluster_count; i++)
        count += p->clusters[i].fleet_count;
    return count;
}

static int check(const char *path, bool json)
{
    struct arena arena;
    arena_init(&arena, OUTPUT_MAX_BYTES * 4);
    struct buf report;
    buf_init(&report, OUTPUT_MAX_BYTES);
    struct policy policy = {0};
    struct err err = {0};
    bool valid = policy_load_file(path, &arena, &policy, &report, &err) == 0;
    if (json) {
        print_json(&policy, valid, &report);
    } else {
        fputs(buf_str(&report), stdout);
        if (valid)
            printf("%s: fine, policy %.7s: %zu cluster%s, %zu fleet%s, %zu warning%s\n", path, policy.hash, policy.cluster_count,
                   policy.cluster_count == 1 ? "" : "s", fleets_in(&policy), fleets_in(&policy) == 1 ? "" : "s",
                   policy.warning_count, policy.warning_count == 1 ? "" : "s");
        else if (report.len == 0)
            printf("%s\n", err.msg);
    }
    buf_release(&report);
    arena_release(&arena);
    return valid ? EXIT_DONE : EXIT_FAILED;
}

int cmd_check_policy(int argc, char **argv)
{
    bool json = false, schema = false, keys = false;
    const struct option options[] = {
        {.name = "format", .kind = OPTION_FORMAT, .ret = &json, .value = "text|json", .help = "json: the report and every effective value"},
        {.name = "schema", .kind = OPTION_FLAG, .ret = &schema, .help = "print the JSON Schema of a policy"},
        {.name = "keys", .kind = OPTION_FLAG, .ret = &keys, .help = "print every key with its default, bounds and meaning"},
    };
    const struct options_spec spec = {
        .command = "check-policy", .summary = "Checks a policy file. Exit 0: fine, 1: a running daemon would keep its old policy.",
        .argument = "FILE", .options = options, .option_count = ARRAY_LEN(options),
    };
    const char *path = NULL;
    enum options_outcome outcome = options_parse(&spec, argc, argv, &path);
    if (outcome != OPTIONS_GO)
        return outcome == OPTIONS_HELPED ? EXIT_DONE : EXIT_USAGE;
    struct buf out;
    if (schema || keys) {
        buf_init(&out, OUTPUT_MAX_BYTES);
        if (schema)
            policy_write_schema(&out);
        else
            policy_write_reference(&out);
        return print_buf(&out);
    }
    if (path == NULL) {
        fprintf(stderr, "masu check-policy: FILE is missing -> masu check-policy --help\n");
        return EXIT_USAGE;
    }
    return check(path, json);
}
