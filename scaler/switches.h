// What people switched by the API or a signal, cluster by cluster, until it is taken back or its time is over.
//
// A switch for all holds in each cluster beside the cluster's own; the stricter counts. Resuming one cluster under a switch for all
// exempts it until all are switched anew or resumed. Kept as one JSON text in the state.
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "web/inbox.h"

enum { SWITCHES_MAX = 300 };

struct switch_entry {
    char cluster[SWITCH_CLUSTER_MAX];  // "" all
    enum control_mode mode;            // CONTROL_RUN: exempt from the switch for all
    char who[SWITCH_WHO_MAX], why[SWITCH_WHY_MAX];
    int64_t since_ms, until_ms;        // until 0: until it is taken back
};

struct switches {
    struct switch_entry entries[SWITCHES_MAX];
    size_t count;
};

// ERR_LIMIT: more clusters than can be kept.
int switches_apply(struct switches *s, const struct inbox_switch *change, int64_t now_ms, struct err *err);
// Drops what is over; true when something was.
bool switches_expire(struct switches *s, int64_t now_ms);
// What holds in a cluster; who and why point into s.
struct control switches_control(const struct switches *s, const char *cluster, int64_t now_ms);
void switches_write(const struct switches *s, struct buf *out);
int switches_read(struct slice text, struct switches *ret, struct err *err);  // ERR_CORRUPT
