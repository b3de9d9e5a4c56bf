// What-ifs of masu simulate as words of the command line, put into a scene. Lists are separated by commas.
//
// Each returns 0 or ERR_INVALID with a message that names the word and what is expected. Strings of the scene live in the arena.
#pragma once

#include "planner/sim/scene.h"

// "us-east-1a", "us-east-1a@24h" or "us-east-1a@24h-36h": since the beginning; without times from the end of the warm-up to the end of all.
int whatif_lose_zone(struct scene *s, const char *list, struct arena *a, struct err *err);
// "c5.xlarge/us-east-1a", with times as above.
int whatif_lose_pool(struct scene *s, const char *list, struct arena *a, struct err *err);
// "web=2,api=0.5": so many times the tasks; "all=1.2": of every service.
int whatif_scale(struct scene *s, const char *list, struct err *err);
// "NAME=CPUxMIBxTASKS": one more service that follows the trace.
int whatif_add_service(struct scene *s, const char *list, struct arena *a, struct err *err);
// "m5.xlarge,m5.2xlarge:2": what the fleet may launch, with weights.
int whatif_types(struct scene *s, const char *list, struct arena *a, struct err *err);
