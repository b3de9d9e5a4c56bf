// The circuit breaker of one service in one region: where nothing answers, calls fail at once instead of each waiting for its
// own timeouts.
//
//   closed --5 failures in a row--> open --5 s, doubled up to 60 s--> one probe --good--> closed
//                                     ^                                   |
//                                     +--------------- bad ---------------+
//
// A failure is a lost or refused connection, a timeout or a 5xx. Attempts that were under way together count once: a dropped
// connection that took sixteen calls with it is one failure. Urgent calls pass always. World time.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct aws_breaker {
    int failures;          // in a row
    uint32_t round;        // grows with each counted failure
    int64_t open_until_ms, pause_ms;
    bool open, probing;
    char why[200];         // the last failure
};

bool aws_breaker_refuses(const struct aws_breaker *b, bool urgent, int64_t now_ms);
// A call that is not refused is sent. *ret_round and *ret_probe are for what it comes to, below.
void aws_breaker_sent(struct aws_breaker *b, bool urgent, uint32_t *ret_round, bool *ret_probe);
void aws_breaker_good(struct aws_breaker *b);  // something answered, whatever it said
void aws_breaker_bad(struct aws_breaker *b, uint32_t round, bool probe, int64_t now_ms, const char *why);
void aws_breaker_void(struct aws_breaker *b, bool probe);  // the attempt was given up before it could tell
