// What-ifs of the planning page: masu simulate over the recorded past as a child process, one at a time.
//
// The child has the lowest priority, and ends when it uses more memory or time than it may. Its progress is read while it runs; what it prints
// is kept until the next one begins. First the past as it was ("today") runs, then the change that was asked for, with the same seeds.
// All calls may come from any thread.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"

enum { WHATIF_TEXT = 200, WHATIF_ARGS = 40, WHATIF_DAYS_MAX = 28, WHATIF_SEEDS_MAX = 5 };

// What is asked; 0, "" and a headroom below 0 is: as it is.
struct whatif_ask {
    char cluster[WHATIF_TEXT], lose_zone[WHATIF_TEXT], lose_pool[WHATIF_TEXT], types[WHATIF_TEXT], scale[WHATIF_TEXT], add_service[WHATIF_TEXT];
    int64_t days, seeds;           // 7, 1
    double headroom_percent, waiting_costs;
    bool everybody;                // all other rules too, for the frontier
};

// {"cluster": …, "days": …, "seeds": …, "lose_zone": "us-east-1a", "lose_pool": "TYPE/ZONE", "types": "m5.xlarge,…", "scale": "all=1.3",
// "add_service": "NAME=CPUxMIBxTASKS", "headroom_percent": …, "waiting_costs": …, "everybody": true}. An unknown key, a wrong type or a value out
// of bounds is ERR_INVALID with words.
int whatif_parse(struct slice body, struct whatif_ask *ret, struct err *err);
bool whatif_changes(const struct whatif_ask *a);  // else only today is run
// The words of the command line after "simulate"; text lives in `room`. Returns how many; the last is NULL.
int whatif_args(const struct whatif_ask *a, bool change, const char *state_path, char room[WHATIF_ARGS][WHATIF_TEXT + 32], const char *ret[WHATIF_ARGS]);

enum whatif_state { WHATIF_NONE, WHATIF_RUNNING, WHATIF_DONE, WHATIF_FAILED, WHATIF_CANCELLED };
const char *whatif_state_name(enum whatif_state s);  // "none", "running", …

struct whatif;
// program: of masu; both are copied. NULL or "" for one of them: nothing can be asked.
struct whatif *whatif_new(const char *program, const char *state_path, const struct clock *clock);
void whatif_free(struct whatif *w);  // ends a child that runs; NULL-safe
// ERR_CONFLICT: one runs; ERR_INVALID: there is no journal; ERR_IO.
int whatif_start(struct whatif *w, const struct whatif_ask *a, int64_t *ret_id, struct err *err);
bool whatif_cancel(struct whatif *w);  // false: none runs

struct whatif_view {
    int64_t id;                    // 0: none was asked for
    enum whatif_state state;
    struct whatif_ask ask;
    int32_t progress_permille;
    int64_t started_ms, finished_ms;
    char error[400];
    struct slice today, change;    // JSON of masu simulate; empty where there is none. The caller's arena
};
struct arena;
void whatif_look(struct whatif *w, struct arena *a, struct whatif_view *ret);
