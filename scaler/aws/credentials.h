// Credentials and region, in botocore's order: environment; the role of the profile (source_profile, chained or itself, or
// credential_source); web identity (environment before profile); the profile's keys; the container endpoint; instance metadata
// version 2. What a profile asks for and is not done here (single sign-on, a credential process, a code of mfa_serial) is
// ERR_AUTH by name, and a source that is configured but fails is an error: neither is a reason to go on to the next source.
//
// A source yields credentials and nothing else. Files, tokens and environment are read anew at each fetch. Temporary ones are
// renewed from 15 minutes before they expire (half their life where that is less), one fetch at a time, while the old ones
// serve; from 10 minutes a call waits for the first renewal, unless it is urgent; where renewal fails the old ones serve while
// they are valid. Expired ones of instance metadata serve on and are tried anew after 2 to 10 minutes: AWS has the last word. A
// role assumed by a role lives an hour at most. Expiry is compared in AWS's time. The provider wipes its copies; secrets never
// appear in a message.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "scaler/aws/env.h"
#include "scaler/aws/skew.h"
#include "scaler/aws/transport.h"

struct credentials {
    const char *access_key_id, *secret, *session_token;  // session_token NULL: none
    int64_t expires_ms;   // AWS's time; 0 = never
    uint64_t generation;  // grows with each refresh
    const char *source;   // "environment", "profile NAME[, role ARN]", "container endpoint", …: for doctor and logs
};

enum credentials_state {
    CREDENTIALS_READY,    // *ret is usable (a refresh may be under way)
    CREDENTIALS_PENDING,  // a fetch is under way: look again after transport wait. *ret: the old ones while valid, or NULL
    CREDENTIALS_FAILED,   // err says which source and why: ERR_AUTH, ERR_IO, ERR_TRANSIENT
};

struct credentials_provider;

struct credentials_options {
    const struct aws_env *env;    // borrowed, as all here
    struct transport *transport;
    struct aws_skew *skew;        // shared with the clients
    const char *region;           // of the STS that is asked for roles; copied
    uint64_t seed;                // of the jitter
};
// Reads nothing yet.
struct credentials_provider *credentials_provider_new(const struct credentials_options *o);
void credentials_provider_free(struct credentials_provider *p);  // NULL-safe; cancels a fetch
// *ret is valid until the next poll. Starts a fetch where one is due; a failed one is tried again 5 s later at the earliest, up
// to 60 s while the old ones are valid.
enum credentials_state credentials_provider_poll(struct credentials_provider *p, const struct credentials **ret,
                                                 struct err *err);
// What the last fetch gave, good or not any more; NULL: nothing yet. Fetches nothing.
const struct credentials *credentials_provider_present(const struct credentials_provider *p);
// AWS refused this generation as expired: the next poll fetches anew. No effect when a newer one is there already.
// False: the source cannot give others (static keys), so there is no use in trying again.
bool credentials_provider_expire(struct credentials_provider *p, uint64_t generation);

struct aws_region {
    char name[64];
    const char *source;  // "AWS_REGION", "AWS_DEFAULT_REGION", "profile", "task metadata", "instance metadata"
};
// AWS_REGION, AWS_DEFAULT_REGION, the profile's region. ERR_INVALID: none, or not the form of a region.
int aws_region_resolve(const struct aws_env *env, struct aws_region *ret, struct err *err);
// The same, then the task's metadata (ECS_CONTAINER_METADATA_URI_V4), then the instance's: waits in the transport, 2 s a try, so
// at the start only. ERR_INVALID: none of them knows one; ERR_TRANSIENT, ERR_CORRUPT: the task's metadata failed.
int aws_region_discover(const struct aws_env *env, struct transport *t, struct aws_region *ret, struct err *err);
// Is it a name such as "eu-west-1"? (It becomes part of host names.)
bool aws_region_valid(const char *region);

// For tests: may the container endpoint be asked at this full URI? https anywhere; http for loopback, localhost and the
// metadata addresses, compared as parsed addresses.
bool credentials_container_uri_allowed(const char *uri);
