// Strict parsing and formatting of numbers and times. The whole input must be consumed; no locale; no silent overflow.
// Each parser returns true and writes its result, or false and leaves it alone.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

bool parse_i64(struct slice s, int64_t *ret);        // decimal, optional '-'
bool parse_u64(struct slice s, uint64_t *ret);
bool parse_double(struct slice s, double *ret);      // decimal with optional exponent; finite only
bool parse_decimal_micro(struct slice s, int64_t *ret);  // "0.0816" -> 81600: exact decimal, millionths, rounded half up
bool parse_duration_ms(struct slice s, int64_t *ret);    // "90s", "15m", "24h", "7d", "500ms"; a unit is required
bool parse_iso8601_ms(struct slice s, int64_t *ret);     // 2026-01-15T12:34:56[.123]Z or ±hh:mm
// 2026-01-15T12:34:56Z, or with .123 when ms is not whole seconds and with_ms. out holds at least 32 bytes; returns out.
char *format_iso8601(int64_t wall_ms, bool with_ms, char out[32]);
char *format_amz_date(int64_t wall_ms, char out[32]);    // 20260115T123456Z
char *format_http_date(int64_t wall_ms, char out[32]);   // Thu, 15 Jan 2026 12:34:56 GMT
bool parse_http_date_ms(struct slice s, int64_t *ret);
// "71 s", "23 min", "1 h 24 min", "2 days": for people.
char *format_duration(int64_t ms, char out[32]);
// Micro-dollars for people, three digits that matter: "$5.23", "$0.184", "$3,720". out holds at least 32 bytes.
char *format_usd(int64_t usd_micro, char out[32]);
