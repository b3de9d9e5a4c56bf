// Faults of the wire, by order (sandbox.h) or by the weather: what one call meets. Not for other folders.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "scaler/sandbox/sandbox.h"

struct call;

struct fault {
    char operation[64];
    enum sandbox_fault_kind kind;
    int countdown, repeat;
};

// NULL: none is due.
const struct fault *fault_for(struct sandbox *s, const char *operation, int64_t world_ms);
bool fault_before(struct call *c, const struct fault *f);  // true: it is answered, or never will be
void fault_after(struct call *c, const struct fault *f);
bool answer_stale(struct call *c);                         // the answer that an equal read had before; false: none kept
void keep_answer(struct call *c);
