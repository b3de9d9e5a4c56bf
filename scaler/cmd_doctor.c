// masu doctor: is everything in place for the daemon to work here? Asks, and changes nothing.
#include <unistd.h>

#include "base/check.h"
#include "scaler/cmds.h"
#include "scaler/doctor.h"

enum { ARENA_MAX_BYTES = 1 << 30, OUTPUT_MAX_BYTES = 16 << 20 };

struct doctor_command {
    const char *policy_path, *state_path;
    struct option_address listen;
    bool json;
};

// The report of the loader goes to stderr, its first line becomes the check.
static bool check_policy(struct doctor *d, struct policy *policy)
{
    struct buf report;
    struct err err = {0};
    buf_init(&report, 1 << 20);
    bool valid = policy_load_file(d->policy_path, d->arena, policy, &report, &err) == 0;
    if (report.len > 0)
        fputs(buf_str(&report), stderr);
    buf_release(&report);
    if (!valid) {
        doctor_add(d, (struct doctor_check){"policy", DOCTOR_FAIL, d->policy_path, arena_strdup(d->arena, err.msg),
                                            arena_printf(d->arena, "masu check-policy %s says it to the column", d->policy_path)});
        return false;
    }
    for (size_t i = 0; i < policy->warning_count; i++)
        doctor_add(d, (struct doctor_check){"policy", DOCTOR_WARN, d->policy_path, policy->warnings[i].text,
                                            arena_printf(d->arena, "masu check-policy %s", d->policy_path)});
    doctor_add(d, (struct doctor_check){"policy", DOCTOR_OK, d->policy_path, arena_printf(d->arena, "can be used: %zu cluster%s", policy->cluster_count, policy->cluster_count == 1 ? "" : "s"), NULL});
    d->policy = policy;
    return true;
}

static void print(const struct doctor *d, bool json)
{
    struct buf out;
    const char *no_colour = getenv("NO_COLOR");
    buf_init(&out, OUTPUT_MAX_BYTES);
    if (json)
        doctor_write_json(d, &out);
    else
        doctor_write_text(d, isatty(STDOUT_FILENO) && (no_colour == NULL || no_colour[0] == '\0'), &out);
    fputs(buf_str(&out), stdout);
    buf_release(&out);
}

static int run(const struct doctor_command *c)
{
    struct arena arena;
    struct clock clock;
    struct policy policy;
    struct err err = {0};
    arena_init(&arena, ARENA_MAX_BYTES);
    clock_init_steady(&clock);
    struct doctor d = {.arena = &arena, .policy_path = c->policy_path};
    if (transport_curl_new(&clock, &d.transport, &err) != 0) {
        fprintf(stderr, "masu doctor: %s\n", err.msg);
        arena_release(&arena);
        return EXIT_FAILED;
    }
    d.clients = aws_clients_new(&(struct aws_options){.transport = d.transport, .seed = (uint64_t)clock_wall_ms(&clock)});
    bool valid = check_policy(&d, &policy);
    doctor_check_state(&d, c->state_path);
    doctor_check_listen(&d, &c->listen);
    if (valid)
        doctor_check_aws(&d);
    print(&d, c->json);
    int code = doctor_count(&d, DOCTOR_FAIL) > 0 ? EXIT_FAILED : EXIT_DONE;
    aws_clients_free(d.clients);
    d.transport->ops->free(d.transport);
    arena_release(&arena);
    return code;
}

int cmd_doctor(int argc, char **argv)
{
    struct doctor_command c = {.listen = {.host = "127.0.0.1", .port = 8080}};
    const struct option options[] = {
        {.name = "policy", .kind = OPTION_STRING, .ret = &c.policy_path, .value = "F", .help = "the policy file (required)"},
        {.name = "state", .kind = OPTION_STRING, .ret = &c.state_path, .value = "F", .help = "where masu run would keep its state: can it?"},
        {.name = "listen", .kind = OPTION_ADDRESS, .ret = &c.listen, .value = "H:P", .help = "where masu run would listen (127.0.0.1:8080)"},
        {.name = "format", .kind = OPTION_FORMAT, .ret = &c.json, .value = "text|json", .help = "json: {\"checks\": [{id, state, target, what, remedy}], …}"},
    };
    const struct options_spec spec = {
        .command = "doctor", .summary = "Is everything in place for masu to work here? Asks, changes nothing, and says what to do.",
        .options = options, .option_count = ARRAY_LEN(options),
        .epilogue = "Exit 0: nothing fails, 1: something does, 64: wrong usage.",
    };
    enum options_outcome outcome = options_parse(&spec, argc, argv, NULL);
    if (outcome != OPTIONS_GO)
        return outcome == OPTIONS_HELPED ? EXIT_DONE : EXIT_USAGE;
    if (c.policy_path == NULL) {
        fprintf(stderr, "masu doctor: --policy F is missing -> masu doctor --help\n");
        return EXIT_USAGE;
    }
    return run(&c);
}
