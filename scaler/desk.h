// The desk: where people and the daemon meet. It takes what people switch, keeps it in the state, and says what is allowed in each
// cluster; it gathers what people should know from plans and shell, and passes it on to log, page and webhook.
//
// Owned and used by the loop's thread; what comes from other threads comes through the inbox. Until the fleets' tags of a cluster
// were read once, and while the switches cannot be read, the cluster is paused (safety.md H2).
#pragma once

#include "base/log.h"
#include "scaler/alerts.h"
#include "scaler/gather.h"
#include "scaler/tick.h"
#include "state/state.h"
#include "web/inbox.h"

struct desk_options {
    const struct clock *clock;        // world time
    struct state *state;              // NULL: switches are not kept
    const struct state_opened *opened;  // NULL: as if fresh
    struct inbox *inbox;              // NULL: none
    struct view_box *box;             // NULL: nobody is shown anything
    const struct logger *log;         // NULL: silent
    const struct policy *policy;
    int64_t started_ms;
    void (*notify)(void *arg, const struct alerts_event *e);  // of the webhook; NULL none
    void *notify_arg;
};

struct desk;
struct desk *desk_new(const struct desk_options *o);
void desk_free(struct desk *d);       // NULL-safe
void desk_policy(struct desk *d, const struct policy *p);           // the one in force from now on; same clusters
// The database was found broken and set aside in mid-run: it is told, and what people switched is kept in the new one.
void desk_state_set_aside(struct desk *d, const char *why);
void desk_policy_refused(struct desk *d, const char *why);          // "" : the newest was good

// Takes the inbox, and what is given (NULL none), as from a signal. True when a cluster's tick is due at once: desk_due.
bool desk_take(struct desk *d, const struct inbox_switch *given);
bool desk_due(struct desk *d, size_t cluster);                      // once

// After a look: what is allowed, into snapshot.control, with the local times that budgets ask for.
void desk_control(struct desk *d, size_t cluster, struct arena *a, struct snapshot *s);

// After a tick: what is to be told.
struct desk_tick {
    size_t cluster;
    const struct tick_frame *frame;
    struct aws *aws;
    const char *journal_error;        // why it cannot be written, "" fine
    int64_t add_only_until_ms;
    const char *webhook_error;        // "" none
    const struct limits_near *limits; // NULL none
};
void desk_ticked(struct desk *d, const struct desk_tick *t);
