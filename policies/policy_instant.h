// The part of a policy that says what an instant fleet may launch: EC2 Fleets of type instant, one an order. masu says which types
// in which subnets each time, and nothing replaces what was launched. Strings and arrays are owned by the loader's arena.
#pragma once

#include <stddef.h>

struct policy_word {     // an element of a plain list of strings
    const char *text;
};

struct policy_instant {
    const char *name;             // a word of the operator's; members carry it in the tag masu:fleet. "" = none: not such a fleet
    const char *launch_template;  // "lt-…", or its name
    const char *version;          // "7", "$Default", "$Latest"
    struct policy_word *subnets;  // ids; one a zone is used
    size_t subnet_count;
    struct policy_word *types;    // "c5.large"
    size_t type_count;
};
