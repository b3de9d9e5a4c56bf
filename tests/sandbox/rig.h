// What the sandbox's tests share: a small world behind a sandbox, and a client that only signs and sends bytes.
#pragma once

#include "tests/cm.h"

#include <jansson.h>

#include "base/clock.h"
#include "planner/sim/world.h"
#include "scaler/sandbox/sandbox.h"

#define RIG_START_MS INT64_C(1768478400000)  // 2026-01-15T12:00:00Z

// One cluster "shop" with services web (3 tasks) and log (daemon), and "empty"; one fleet of m5.large and c5.xlarge with four
// registered instances; a minute has passed, so that tasks run.
struct rig {
    struct clock clock;
    struct world *world;
    struct sandbox *sandbox;
    int shop, web, logs, fleet;
};

struct rig_answer {
    int status;
    enum sandbox_delivery delivery;
    char code[64];
    char *body;     // NUL-terminated
    json_t *json;   // NULL where the body is none
};

// How a request differs from a good one.
struct rig_call {
    const char *key_id, *secret, *token;  // NULL: the daemon's
    const char *region;                   // NULL: the sandbox's
    const char *scope_service;            // NULL: the service's
    const char *host;                     // NULL: 127.0.0.1
    int64_t wire_off_ms;                  // the sandbox's wire time is off by so much
    bool unsigned_, tampered;             // no Authorization; a body changed after signing
    const char *extra_name, *extra_value; // a further header, sent but not signed
};

void rig_start(struct rig *r, const struct sandbox_options *options);
void rig_stop(struct rig *r);
void rig_pass(struct rig *r, int64_t ms);
struct rig_answer rig_ecs(struct rig *r, const char *operation, const char *body, const struct rig_call *how);
// Any service that speaks JSON 1.1, by its signing name and the prefix of its target.
struct rig_answer rig_json(struct rig *r, const char *service, const char *prefix, const char *operation, const char *body);
// "Action=DescribeInstances&…"; the version is added.
struct rig_answer rig_query(struct rig *r, const char *service, const char *form, const struct rig_call *how);
struct rig_answer rig_get(struct rig *r, const char *path);
void rig_done(struct rig_answer *a);

// Shorthands that check the status and free nothing: the strings live until the next call of the same function.
json_t *rig_ecs_ok(struct rig *r, const char *operation, const char *body);   // caller decrefs
char *rig_query_ok(struct rig *r, const char *form);                          // EC2; caller frees
void rig_ecs_refused(struct rig *r, const char *operation, const char *body, const char *code);
void rig_query_refused(struct rig *r, const char *form, int status, const char *code);
int rig_count(const char *text, const char *word);
// The text of the first <name> element, in a static buffer; "" if there is none.
const char *rig_xml(const char *body, const char *name);
const char *rig_instance(struct rig *r, int n);      // EC2 id of the n-th instance
const char *rig_container(struct rig *r, int n);     // container instance ARN
int rig_used(struct rig *r, int n);                  // its slot
