// Executors: an action of the plan becomes exactly one API call. They hold no decisions.
//
// The AWS executor reads again what the action depends on (action.recheck) right before it, and then makes the call. The dry-run
// executor makes no call of either kind. ModifySpotFleetRequest always carries noTermination (scaler/aws/ec2.h).
#pragma once

#include "planner/model/plan.h"
#include "planner/model/snapshot.h"
#include "scaler/gather.h"

struct executor {
    void *arg;
    bool dry_run;
    // 0: the facts still hold. ERR_CONFLICT: they do not, msg says which; other errors: they could not be read.
    int (*recheck)(void *arg, const struct snapshot *s, const struct action *a, struct err *err);
    int (*apply)(void *arg, const struct snapshot *s, const struct action *a, struct err *err);
    // The same for many that do not wait for each other, all on the wire at once, drains ten a call; errs[i].kind is the outcome of
    // actions[i]. NULL: one after the other.
    void (*apply_many)(void *arg, const struct snapshot *s, const struct action *const *actions, size_t count, struct err *errs);
};

struct aws_executor {
    struct region *region;
    struct gather *gather;         // told of every write; may be NULL
    const char *cluster;
    const struct clock *clock;
    int64_t limit_ms;              // world time for one re-check or call; 0 = 9 s
    enum aws_lane lane;            // AWS_LANE_NOTICE: of the answer to a notice, while looks wait
};
struct executor executor_aws(struct aws_executor *e);  // *e outlives the executor
struct executor executor_dry_run(void);
