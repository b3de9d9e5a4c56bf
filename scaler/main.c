// The command line: one table of subcommands.
#include "base/check.h"
#include "scaler/cmds.h"
#include "scaler/options.h"

struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
};

static const struct command COMMANDS[] = {
    {"demo", cmd_demo, "a virtual AWS, the daemon and its report in one process; no account is touched"},
    {"plan", cmd_plan, "show what would be done, and why; changes nothing"},
    {"run", cmd_run, "the daemon: look, think, act, record"},
    {"report", cmd_report, "the capacity report from the journal, as one file to mail or print"},
    {"explain", cmd_explain, "why and why not: one tick of the journal, or one candidate in it"},
    {"replay", cmd_replay, "plan again from the journal, and compare to the byte"},
    {"forecast", cmd_forecast, "what a series of demand will be, as quantiles; or how good that would have been"},
    {"backfill", cmd_backfill, "fill the history of before masu from a Prometheus"},
    {"simulate", cmd_simulate, "what a demand would cost under masu and other rules, and what if"},
    {"check-policy", cmd_check_policy, "check a policy file and say exactly what is wrong with it"},
    {"doctor", cmd_doctor, "is everything in place? each line with a remedy; changes nothing"},
    {"pause", cmd_pause, "hold a running masu back: pause, freeze or add-only"},
    {"resume", cmd_resume, "let it go on"},
    {"health", cmd_health, "ask a running masu whether it is alive"},
    {"iam-policy", cmd_iam_policy, "print the least IAM policy that masu needs"},
    {"sandbox", cmd_sandbox, "serve a virtual AWS account on loopback"},
};

static int print_usage(FILE *to, int code)
{
    fprintf(to, "usage: masu COMMAND [options]\nMeasures the capacity that an ECS cluster needs, and keeps it there.\n\n");
    for (size_t i = 0; i < ARRAY_LEN(COMMANDS); i++)
        fprintf(to, "  %-14s %s\n", COMMANDS[i].name, COMMANDS[i].help);
    fprintf(to, "\nmasu COMMAND --help tells the options; masu --version the version. New here? masu demo\n");
    return code;
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return print_usage(stderr, EXIT_USAGE);
    if (strcmp(argv[1], "--version") == 0) {
        puts("masu " MASU_VERSION);
        return EXIT_DONE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0)
        return print_usage(stdout, EXIT_DONE);
    const char *names[ARRAY_LEN(COMMANDS)];
    for (size_t i = 0; i < ARRAY_LEN(COMMANDS); i++) {
        if (strcmp(argv[1], COMMANDS[i].name) == 0)
            return COMMANDS[i].run(argc - 1, argv + 1);
        names[i] = COMMANDS[i].name;
    }
    const char *near = options_nearest(argv[1], names, ARRAY_LEN(names));
    fprintf(stderr, "masu: %s: unknown command -> %s%s%s\n", argv[1], near ? "did you mean masu " : "masu --help lists them",
            near ? near : "", near ? "?" : "");
    return EXIT_USAGE;
}
