// AWS Signature Version 4, header signing, in three stages that can be tested alone: canonical request, string to sign,
// signature. Pure functions of their arguments: no clock, no credentials store, no I/O.
//
// The client signs with it, and the sandbox checks signatures with the same arithmetic (it passes the headers that the
// request names in SignedHeaders). Paths and queries are given as on the wire. Nothing here is ever logged.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "scaler/aws/transport.h"

#define SIGV4_HEX_MAX 65  // 64 hex digits and NUL

// How the path becomes canonical. Every service but S3: both true.
struct sigv4_options {
    bool normalize_path;  // resolve "." and "..", merge slashes
    bool encode_path;     // percent-encode the path as given (so an encoded one is encoded twice)
};
extern const struct sigv4_options sigv4_default;  // all services but S3
extern const struct sigv4_options sigv4_s3;

struct sigv4_request {
    struct slice method;
    struct slice path;     // as on the wire, without query; empty = "/"
    struct slice query;    // as on the wire, without '?'
    const struct http_header *headers;  // those that sigv4_never_signed() names are left out, all others are signed
    size_t header_count;                // <= 64
    struct slice body;
    const char *payload_hash;  // hex, or "UNSIGNED-PAYLOAD"; NULL: the hash of body
};

struct sigv4_scope {
    const char *amz_date;  // "20260115T123456Z": 16 characters
    const char *region, *service;
};

// connection, user-agent, expect … : names that proxies and clients change.
bool sigv4_never_signed(struct slice name);
void sigv4_sha256_hex(struct slice data, char out[SIGV4_HEX_MAX]);

// Stage 1. Writes the canonical request, and to *signed_names "host;x-amz-date". ERR_LIMIT: too many headers or parameters.
int sigv4_canonical_request(const struct sigv4_request *r, const struct sigv4_options *o, struct buf *out,
                            struct buf *signed_names, struct err *err);
// Stage 2.
void sigv4_string_to_sign(struct slice canonical_request, const struct sigv4_scope *s, struct buf *out);

// The signing key depends on secret, date, region and service only: one is kept. Zero-initialise; release wipes it.
struct sigv4_key_cache {
    char tag[SIGV4_HEX_MAX];  // hash of what the key was made of
    unsigned char key[32];
    bool valid;
};
void sigv4_key_cache_release(struct sigv4_key_cache *c);
// cache may be NULL.
void sigv4_signing_key(const char *secret, const struct sigv4_scope *s, struct sigv4_key_cache *cache, unsigned char key[32]);
// Stage 3.
void sigv4_signature(const unsigned char key[32], struct slice string_to_sign, char out[SIGV4_HEX_MAX]);

// All three: the value of the Authorization header. r->headers must hold host and x-amz-date already.
int sigv4_authorization(const struct sigv4_request *r, const struct sigv4_options *o, const struct sigv4_scope *s,
                        const char *access_key_id, const char *secret, struct sigv4_key_cache *cache, struct buf *out,
                        struct err *err);
// Compares in constant time, for the checking side.
bool sigv4_equal(const char *a, const char *b);
