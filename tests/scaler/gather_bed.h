// A scripted world behind the virtual AWS, one cluster's gather in front of it, and a wire between them that can replace words of
// an answer: for what the world does not play (Fargate, volumes, subnets in a fleet's request).
#pragma once

#include "scaler/execute.h"
#include "scaler/gather_internal.h"
#include "scaler/sandbox/inproc.h"
#include "tests/sim/fixture.h"

struct bed_words {
    const char *operation, *from, *to;  // in each answer that holds `from`
};

struct bed {
    struct transport wire;
    struct transport *inner;
    struct clock clock;
    struct world *world;
    struct sandbox *sandbox;
    struct aws_clients *clients;
    struct region *region;
    struct gather *gather;
    struct policy_cluster policy;
    struct policy_fleet fleets[1];
    struct arena arena;
    struct bed_words words[4];
    size_t word_count;
    size_t replaced;                    // how often words were
    struct snapshot s;                  // of the last look
};

// Takes a world that is built, with fleet 0 of cluster 0, whose cluster is "main".
void bed_open(struct bed *b, struct world *w);
void bed_close(struct bed *b);
void bed_later(struct bed *b, int64_t ms);
const struct snapshot *bed_look(struct bed *b);  // a source that is not OK fails the test
const struct snapshot *bed_look_later(struct bed *b, int64_t ms);
void bed_say(struct bed *b, const char *operation, const char *from, const char *to);  // from now on

// Of the last look. What is not there fails the test.
const struct instance *bed_instance(const struct bed *b, int n);  // by index in the world
const struct service *bed_service(const struct bed *b, const char *name);
const struct shape *bed_shape(const struct bed *b, const char *service_name);  // of its primary deployment
const char *bed_attribute(const struct attribute_set *set, const char *name);  // "(none)": it has none of that name
int64_t bed_calls(const struct bed *b, const char *operation);                 // "ec2:DescribeSubnets", since the beginning
