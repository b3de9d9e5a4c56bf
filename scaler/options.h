// Options of the command line: a table of what a command knows, strict parsing, exact errors, help from the same table.
//
// Long options only, "--name value" or "--name=value"; "--" ends them. Values go straight into the variable that the row
// names, strings are not copied. Every mistake is told on stderr with the nearest known option or the expected form.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum option_kind {
    OPTION_FLAG,      // bool, no value
    OPTION_STRING,    // const char *
    OPTION_INT,       // int64_t within min … max
    OPTION_NUMBER,    // double within min … max, more than 0
    OPTION_PERCENT,   // double within min … max, which may be 0
    OPTION_DURATION,  // int64_t milliseconds within min … max, given as 90s, 15m, 24h, 7d
    OPTION_FORMAT,    // bool: false for text, true for json
    OPTION_ADDRESS,   // struct option_address: H:P
};

struct option_address {
    char host[64];  // "127.0.0.1", "::1"
    int port;       // 0 lets the system choose
};

struct option {
    const char *name;   // without the dashes
    enum option_kind kind;
    void *ret;          // where the value goes; holds the default beforehand
    const char *value;  // "F", "D", "N": for the help
    const char *help;   // one line
    int64_t min, max;   // both 0: no bounds
};

struct options_spec {
    const char *command;        // "plan"
    const char *summary;        // first line of the help
    const char *argument;       // name of the one positional argument, NULL: none
    bool argument_required;
    const struct option *options;
    size_t option_count;
    const char *epilogue;       // more help, NULL: none
};

enum options_outcome { OPTIONS_GO, OPTIONS_HELPED, OPTIONS_WRONG };

// OPTIONS_GO: run. OPTIONS_HELPED: help was printed, exit 0. OPTIONS_WRONG: told on stderr, exit 64.
// *ret_argument (may be NULL where the spec names none) points into argv, NULL if not given.
enum options_outcome options_parse(const struct options_spec *spec, int argc, char **argv, const char **ret_argument);

// The name of the list nearest to `word` by edit distance, NULL when none is near. For options, commands and clusters.
const char *options_nearest(const char *word, const char *const *names, size_t count);

bool option_address_parse(const char *text, struct option_address *ret);
