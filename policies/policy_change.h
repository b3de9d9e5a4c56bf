// What a new policy changes that a running daemon does not take over by itself (safety.md H1, L14).
//
// Other clusters need a restart: every part of the daemon knows a cluster by its place in the policy. A dropped fleet waits for a
// person: what masu no longer names it no longer drains, and a fleet left out by mistake looks like one that is not needed.
#pragma once

#include "base/buf.h"
#include "policies/policy.h"

enum policy_change {
    POLICY_CHANGE_FREE,      // none of these
    POLICY_CHANGE_CLUSTERS,  // other clusters, or in another order
    POLICY_CHANGE_CONFIRM,   // a fleet is dropped, and the new policy's `confirm` is not its own hash
};

// Adds to *out, for people, what is dropped and added.
enum policy_change policy_change_of(const struct policy *old, const struct policy *new, struct buf *out);
