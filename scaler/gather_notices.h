// What AWS takes back, or may soon: told by events of the queue and by the poll of spot requests (safety.md D4, D5, L26), and a
// cluster's last look with that added, for a plan that cannot wait for the next one.
#pragma once

#include "scaler/aws/ec2.h"
#include "scaler/gather.h"

#define NOTICES_EVERY_MS 15000  // L26
#define NOTICE_READ_MS 3000
#define EVENTS_EVERY_MS 300000   // EC2 tells of its events hours before, mostly weeks

struct notice_fact {
    int64_t at_ms, heard_ms;    // of the event; when it reached us
    int64_t event_ms;           // of a scheduled event: when it stops the instance, 0 none
    bool risk;                  // only a warning: rebalance recommendation, scheduled event
    bool polled;                // by the spot requests
};
// True: it is news. Notices are kept by instance, whether we know it or not; where NOTICES_MAX are kept, one that only the poll told of
// makes room, and where there is none of these the new one is not kept.
bool region_notice_add(struct region *r, const char *instance, const struct notice_fact *n);
bool region_notice_known(const struct region *r, const char *instance);
// Of an instance launched then (0 unknown); 0 there is none, or it was about an earlier life of the id.
int64_t region_notice_ms(const struct region *r, const char *instance, int64_t launched_ms);
int64_t region_risk_ms(const struct region *r, const char *instance, int64_t launched_ms);
int64_t region_event_ms(const struct region *r, const char *instance, int64_t launched_ms);
// What the spot requests tell replaces what they told before, but for what is older than ten minutes and was not known; the ids that are news into ret_new (strings of `told`).
size_t region_notices_polled(struct region *r, const struct ec2_spot_requests *told, int64_t now_ms, const char **ret_new, size_t max);
// The same of events of EC2: what was told before and is not now was called off, or is over. Only of instances that a cluster here has.
struct look;
void look_events_take(struct look *l);

// The poll, one call a region every 15 s beside all else: asks when it is due; takes the answer (false: none yet, or it failed).
void region_notices_ask(struct region *r, int64_t now_ms);
bool region_notices_take(struct region *r, int64_t now_ms, const char **ret_new, size_t max, size_t *ret_count);
int64_t region_notices_due_ms(const struct region *r);

// The snapshot of the last look, with notices and our own writes since. Services count as known in part, so nothing is removed by
// it. fresh_fleets: fleets that we changed are looked at again first (up to 3 s, in the lane of notices).
void gather_notice_snapshot(struct gather *g, const struct snapshot *last, bool fresh_fleets, enum aws_lane lane, struct arena *a, struct snapshot *ret);
