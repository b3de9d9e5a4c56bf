// Clusters of given sizes, the virtual AWS in front of them, the daemon's loop against that on a virtual clock, and each request
// that it sends written down. For measuring what a look costs: in calls (economy_test.c) and in our own CPU (bench_look.c).
#pragma once

#include "base/arena.h"
#include "planner/sim/world.h"
#include "scaler/loop.h"
#include "scaler/sandbox/sandbox.h"

struct crowd_size {
    int instances, services, tasks;  // tasks of each service; ten services share a task definition
};

struct crowd_call {
    int64_t at_ms;       // world time
    char operation[64];  // "ecs:ListTasks"
    char cluster[24];    // "" of none
};

struct crowd_options {
    const struct crowd_size *sizes;
    size_t count;
    bool dry_run;
    bool hasty;          // drains without the usual holds; else none
    bool journal;        // an in-memory one, unless there is a path; else none
    const char *journal_path;
    struct view_box *box;  // made here, of the caller's memory, and published to; NULL: none
    int64_t warm_ms;     // how long the world runs before the daemon starts: tasks are placed
};

struct crowd_answer;
struct crowd {
    struct arena arena;
    struct clock clock;
    struct world *world;
    struct sandbox *sandbox;
    struct transport wire;      // what the daemon sees
    struct transport *inner;    // the virtual AWS
    struct policy policy;
    struct state *state;
    struct loop *loop;
    int *services;              // all, by index in the world
    size_t service_count;
    struct crowd_call *calls;
    size_t call_count, call_cap;
    // answers from memory: those of the virtual AWS are kept, and given again to the same request
    bool keep, replay;
    struct crowd_answer *answers[4096];
    size_t missed;              // requests in replay that had not been seen before
    struct crowd_waiting *waiting, *waiting_last;
    uint64_t next_id;
};

void crowd_open(const struct crowd_options *o, struct crowd *ret);  // failure ends the program: it is a test's
void crowd_close(struct crowd *c);
// How often the operation (a shell-style glob) was called in [from_ms, to_ms).
size_t crowd_count(const struct crowd *c, const char *operation, int64_t from_ms, int64_t to_ms);
