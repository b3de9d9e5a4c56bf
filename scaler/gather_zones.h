// The members of fleets, and which of them are known where a zone fails (safety.md D8).
//
// A call that spans an impaired zone may fail as a whole. Then each fleet's members are asked for zone by zone, in this look and in
// those that follow, until every zone answers and one call for all of them does, too. What a zone tells is known; as long as zones
// are asked alone the fleet's answer is partial, so that nothing is removed by it, and orders go on. Part of gather_internal.h.
#pragma once

#include <stdbool.h>

struct look;
struct look_fleet;
void look_members_ask(struct look *l, struct look_fleet *x);  // all at once; while zones are asked alone: nothing yet
void look_zones(struct look *l);                              // asks zone by zone, and waits, where the above failed or asked nothing
bool look_zone_told(const struct look *l, const char *fleet, const char *zone);  // its members there: who is not among them is gone
bool look_zone_silent(const struct look *l, const char *zone);  // it did not answer in this look
