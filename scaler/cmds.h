// The subcommands of masu: one file and one function each, all listed in the table of main.c.
//
// A command gets its own arguments (argv[0] is its name), parses them with scaler/options.h, prints to stdout what was
// asked for and to stderr what went wrong, and returns the exit code.
#pragma once

enum exit_code {
    EXIT_DONE = 0,     // done; plan: nothing to do
    EXIT_FAILED = 1,   // failed; demo: an invariant was violated
    EXIT_CHANGES = 2,  // plan: there are changes
    EXIT_USAGE = 64,   // wrong usage
};

int cmd_run(int argc, char **argv);
int cmd_plan(int argc, char **argv);
int cmd_replay(int argc, char **argv);
int cmd_explain(int argc, char **argv);
int cmd_report(int argc, char **argv);
int cmd_check_policy(int argc, char **argv);
int cmd_demo(int argc, char **argv);
int cmd_backfill(int argc, char **argv);
int cmd_forecast(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_health(int argc, char **argv);
int cmd_pause(int argc, char **argv);
int cmd_resume(int argc, char **argv);
int cmd_iam_policy(int argc, char **argv);
int cmd_sandbox(int argc, char **argv);
int cmd_simulate(int argc, char **argv);
