// Alerts: what people should know or do, once for each condition and target, as long as the condition holds.
//
// Each kind stands in one table with its id (a constant that operators match on), its severity and what remedies it. Since when it
// holds is kept in the memo (STAMP_ALERT, "id target"), so an alert outlives ticks and restarts; a condition that must last before
// it is told has the same stamp from its beginning. Sentences have a fact with its numbers; no alert decides anything.
#pragma once

#include "planner/work.h"

enum alert_kind {
    ALERT_DEMAND_INCURABLE,     // "service shape": capacity cannot help, or no pool holds one
    ALERT_DEMAND_UNPLACED,      // service: fits, and ECS has not placed it for 5 min (F2)
    ALERT_DEMAND_STALLED,       // … for 20 min (L11)
    ALERT_DEMAND_RUNAWAY,       // shape: orders had no effect (L11)
    ALERT_DEMAND_CAPPED,        // service: the fleets are at their max
    ALERT_FLEET_HELD,           // fleet: a limit has held its order for 10 min
    ALERT_FLEET_MODIFYING,      // fleet: for 10 min (A5)
    ALERT_FLEET_MOVED,          // fleet: its target was moved by another (A6)
    ALERT_FLEET_ERROR,          // fleet: AWS reports an error
    ALERT_FLEET_UNFULFILLED,    // fleet: what was ordered does not come (A10)
    ALERT_FLEET_EXPIRES,        // fleet: ValidUntil is near (A7)
    ALERT_FLEET_HASTY,          // fleet: it ends members at risk before they can be drained (A9)
    ALERT_FLEET_GONE,           // fleet: AWS does not know it, or it is cancelled (A7)
    ALERT_FLEET_OWNER,          // fleet: another owner's (L28)
    ALERT_FLEET_FOREIGN,        // fleet: another controller scales it (H4)
    ALERT_FLEET_DENIED,         // fleet: a call of ours was denied (J4)
    ALERT_FLEET_LOOP,           // fleet: raised and lowered in turn (L24)
    ALERT_BREAKER_OPEN,         // "launch template zone": instances do not register (L12)
    ALERT_BREAKER_ALL,          // fleet: all its pools
    ALERT_FLEET_MISMATCH,       // fleet: too many members that the cluster does not know (E2)
    ALERT_INSTANCE_UNREGISTERED, // instance: kept for inspection, with its cost (E1)
    ALERT_INSTANCE_AWAY,        // instance: its agent is disconnected for 10 min (E4)
    ALERT_DRAIN_STUCK,          // instance: its drain is past its deadline
    ALERT_MASS_TROUBLE,         // cluster (L8, E5)
    ALERT_SOURCE_LOST,          // "cluster source": unknown or old for 5 min
    ALERT_OVERFLOW,             // "cluster overflow": circuit breakers between services are open (G7)
    ALERT_SERVICE_UNMOVABLE,    // service: can neither start nor stop a task (C1)
    ALERT_SERVICE_ALONE,        // service: an interruption would stop it before its replacement runs (D2)
    ALERT_POOL_SHARE,           // service: more of it in one pool than the policy allows
    ALERT_ZONES_UNEVEN,         // fleet: its members lie unevenly over the zones that it could launch in
    ALERT_SERVICE_MANAGED,      // service: another autoscaler's provider places it (F3)
    ALERT_DEPLOYMENT_STUCK,     // service: in deployment for 60 min (C4)
    ALERT_TASK_LONG,            // instance: a standalone task of 24 h (C6)
    ALERT_COST_NEAR, ALERT_COST_OVER,  // cluster (L15)
    ALERT_CALENDAR_UNMET,       // entry of the calendar: it asks for more than can be
    ALERT_QUOTA_NEAR,           // quota code: the account's vCPUs are nearly used (L23)
    ALERT_QUOTA_REFUSED,        // quota code: AWS refused a launch because of it (L23)
    ALERT_POLICY_CONFIRM,       // cluster: a policy waits for a person (L14)
    ALERT_MODE,                 // cluster or fleet: less is allowed than the policy says
    ALERT_MODE_UNANSWERED,      // … and interrupted instances are not answered because of it
    ALERT_KIND_COUNT
};

const char *alert_id(enum alert_kind k);

// `remedy` NULL: the table's. Texts are the arena's or constant. The first of a kind and target counts.
void alert_raise(struct work *w, enum alert_kind k, const char *target, const char *what, const char *remedy);
// Raised once the condition has held for `for_ms`; called in each tick in which it holds.
void alert_raise_after(struct work *w, enum alert_kind k, const char *target, int64_t for_ms, const char *what, const char *remedy);
// As a condition that is known to hold since then.
void alert_raise_since(struct work *w, enum alert_kind k, const char *target, int64_t since_ms, const char *what, const char *remedy);
// Since when the condition holds as far as the memo knows; now when it is new.
int64_t alert_since(const struct work *w, enum alert_kind k, const char *target);
// Keeps the time of a condition without telling of it: something worse is told.
void alert_keep(struct work *w, enum alert_kind k, const char *target);
// By id and target.
void alert_sort(struct work *w);
