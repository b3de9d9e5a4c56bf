// Credentials and region, in botocore's order as far as this build goes: environment, shared credentials file, shared config
// file, ECS container endpoint. (Roles of a profile, web identity, credential processes and IMDS: a profile that asks for one is
// ERR_AUTH by name, never a reason to go on to the next source.)
//
// A source yields credentials and nothing else. One that is configured but fails is an error. Temporary credentials are
// refreshed from 15 minutes before they expire, one fetch at a time; the old ones serve while they are valid. Expiry is
// compared in wire time. The provider wipes its copies; secrets never appear in a message.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "scaler/aws/env.h"
#include "scaler/aws/transport.h"

struct credentials {
    const char *access_key_id, *secret, *session_token;  // session_token NULL: none
    int64_t expires_ms;   // wire time; 0 = never
    uint64_t generation;  // grows with each refresh
    const char *source;   // "environment", "profile NAME", "container endpoint": for doctor and logs
};

enum credentials_state {
    CREDENTIALS_READY,    // *ret is usable (a refresh may be under way)
    CREDENTIALS_PENDING,  // the first fetch is under way: look again after transport wait
    CREDENTIALS_FAILED,   // err says which source and why: ERR_AUTH, ERR_IO, ERR_TRANSIENT
};

struct credentials_provider;

// Chooses the source by env; reads nothing yet. Both must outlive the provider.
struct credentials_provider *credentials_provider_new(const struct aws_env *env, struct transport *transport);
void credentials_provider_free(struct credentials_provider *p);  // NULL-safe; cancels a fetch
// *ret is valid until the next poll. Starts a fetch where one is due; a failed one is tried again 5 s later at the earliest.
enum credentials_state credentials_provider_poll(struct credentials_provider *p, const struct credentials **ret,
                                                 struct err *err);
// What the last fetch gave, good or not any more; NULL: nothing yet. Fetches nothing.
const struct credentials *credentials_provider_present(const struct credentials_provider *p);
// AWS refused this generation as expired: the next poll fetches anew. No effect when a newer one is there already.
// False: the source cannot give others (static keys), so there is no use in trying again.
bool credentials_provider_expire(struct credentials_provider *p, uint64_t generation);

// AWS_REGION, AWS_DEFAULT_REGION, the profile's region. ERR_INVALID: none, or not the form of a region.
int aws_region_resolve(const struct aws_env *env, char ret[64], struct err *err);
// Is it a name such as "eu-west-1"? (It becomes part of host names.)
bool aws_region_valid(const char *region);

// For tests: may the container endpoint be asked at this full URI? https anywhere; http for loopback, localhost and the
// metadata addresses, compared as parsed addresses.
bool credentials_container_uri_allowed(const char *uri);
