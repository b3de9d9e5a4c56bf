// What a scenario can order of the world beside the calls of masu: faults of the machine room, and what people and deploy tools do.
// The calls of world.h (drains, targets, desired counts, deployments, tasks, protection, interruption, rebalance hints, shortages)
// are orders too when a person gives them. Faults of the wire (throttling, timeouts, denied actions, partial answers, empty pages,
// stale reads) belong to the sandbox.
//
//   boots and never registers      world_break_registration, by launch template version and zone; world_view().templates to look
//   registration fails (no ENI)    world_fail_registration
//   registers less memory          world_lose_memory
//   agents disconnect              world_set_agent (one), world_set_agents (a zone or all)
//   ghosts, stopped instances      world_make_ghost, world_stop_instance, world_start_instance
//   fleets that never fulfil       world_stick_fleet; cancelled: world_cancel_fleet; expire: world_expire_fleet; renewed: world_renew_fleet
//   subnets without addresses      world_set_addresses
//   tasks that do not stay         world_taskdef.fails_to_start or crashes: with world_update_service a deployment that is stuck
//   stops that take long           world_taskdef.stops_in_ms and stop_timeout_ms (120 s)
//   back-off of ECS to 15 min      world_set_backoff
//   a person on a drain            world_run with an instance (StartTask), world_set_container_instance_state
#pragma once

#include "planner/sim/world.h"

// ---- the machine room ------------------------------------------------------------------------------------------------------
// Instances of the template that would register from now on in the zone (-1: all) never do; off: new ones do again.
enum world_answer world_break_registration(struct world *w, int template, int zone, bool on);
enum world_answer world_fail_registration(struct world *w, int template, bool on);         // they become REGISTRATION_FAILED
enum world_answer world_lose_memory(struct world *w, int template, int64_t mib);           // they register so much less
int world_set_agents(struct world *w, int cluster, int zone, bool connected);              // zone -1: all; returns how many
// EC2 terminates it, and ECS is not told: the container instance stays ACTIVE and disconnected, its tasks as they were.
enum world_answer world_make_ghost(struct world *w, int instance);
enum world_answer world_stop_instance(struct world *w, int instance);   // EC2 stopped: nothing is deregistered
enum world_answer world_start_instance(struct world *w, int instance);  // the same id runs and connects again
enum world_answer world_set_addresses(struct world *w, int subnet, int32_t addresses);

// EC2 will do this to it then, and ends it with what runs there ("instance-retirement", static text). NULL: it is called off.
enum world_answer world_schedule_event(struct world *w, int instance, const char *code, int64_t at_ms);

// As world_interrupt, then: a wave of notices goes on while masu looks.
enum world_answer world_interrupt_at(struct world *w, int instance, int64_t at_ms);

// ---- fleets ----------------------------------------------------------------------------------------------------------------
// Launches nothing; sub_type is the error in its history ("allLaunchSpecsTemporarilyBlacklisted", "spotInstanceCountLimitExceeded",
// "iamFleetRoleInvalid", …; static text). NULL: it works again.
enum world_answer world_stick_fleet(struct world *w, int fleet, const char *sub_type);
// capacityRebalance, which AWS fixes at creation; delay: of launch-before-terminate.
enum world_answer world_rebalance_fleet(struct world *w, int fleet, enum world_rebalance how, int64_t delay_ms);
enum world_answer world_expire_fleet(struct world *w, int fleet, int64_t at_ms, bool terminate);  // ValidUntil
// As a deploy tool does: a new request with the same configuration and tags, the old one cancelled (with its instances, or running).
// Returns the new fleet, -1: there is no such one.
int world_renew_fleet(struct world *w, enum world_actor by, int fleet, bool terminate);

// ---- ECS -------------------------------------------------------------------------------------------------------------------
enum world_answer world_put_attribute(struct world *w, enum world_actor by, int instance, const char *name, const char *value);
enum world_answer world_delete_attribute(struct world *w, enum world_actor by, int instance, const char *name);
// Without force WORLD_BAD_STATE while tasks are on it. What runs there is lost to ECS; the EC2 instance goes on.
enum world_answer world_deregister(struct world *w, enum world_actor by, int cluster, int instance, bool force);
struct world_service_change {         // WORLD_LEFT_OUT and NULL: as it is
    int taskdef;
    const struct world_rules *rules;
    int32_t min_percent, max_percent;
};
// A new task definition or new rules begin a deployment; per cents alone do not. WORLD_LIMIT: too many deployments at once.
enum world_answer world_update_service(struct world *w, enum world_actor by, int service, const struct world_service_change *change);
enum world_answer world_deregister_taskdef(struct world *w, int taskdef);  // INACTIVE
void world_set_backoff(struct world *w, int64_t first_ms, int64_t cap_ms);  // of services that find no place
