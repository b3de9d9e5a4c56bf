// What the need of a cluster is expected to be in the next day, and how good such forecasts were: one of the plain parts of the view.
//
// By five minutes, as quantiles, made from the cluster's own recorded need. The errors are those of forecasts that were stored when they
// were made and compared with what came, over the last seven days, by how far ahead they looked.
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { OUTLOOK_STEPS = 288, OUTLOOK_LEADS = 5 };
#define OUTLOOK_STEP_MS INT64_C(300000)

enum outlook_of { OUTLOOK_CPU_UNITS, OUTLOOK_MEMORY_MIB, OUTLOOK_OF_COUNT };

// In units of the mean change over a day of the same time (seasonal naive), so that 1 is no better than "as yesterday". samples 0: unknown.
struct outlook_error {
    int64_t samples;
    double mase;                  // mean |came − median|
    double pinball50, pinball90;  // mean pinball loss of both quantiles
    double cover90;               // share of what came that was at or below the 0.9 quantile; 0.9 is right
};

struct outlook_curve {
    bool known;
    const char *basis;  // constant text: "level", "time of day", "day of the week"
    int64_t q05[OUTLOOK_STEPS], q25[OUTLOOK_STEPS], q50[OUTLOOK_STEPS], q75[OUTLOOK_STEPS], q90[OUTLOOK_STEPS], q95[OUTLOOK_STEPS];
    struct outlook_error error[OUTLOOK_LEADS];
};

struct view_outlook {
    int64_t made_ms;    // and the start of the first step; 0: none was tried yet
    char why[160];      // why there is none, for people; "" where both are known
    struct outlook_curve of[OUTLOOK_OF_COUNT];
    int64_t levels_judged;  // moments of the last days at which the need could be held against what sizing had asked for a boot before; 0: none
    double levels_cover;    // the share of them that it was enough for
};

const char *outlook_of_name(enum outlook_of of);   // "need_cpu_units", "need_memory_mib"
const char *outlook_lead_name(int lead);           // "5m", "15m", "1h", "6h", "24h"
int outlook_lead_steps(int lead);                  // 1, 3, 12, 72, 288
// The step that holds a time, 0 before the first one, OUTLOOK_STEPS past the last one and where none was made.
int64_t outlook_step_at(const struct view_outlook *o, int64_t now_ms);
// When what is forecast with 0.9 first exceeds the capacity, of any resource whose forecast is known: from now_ms on. 0: not within the forecast.
int64_t outlook_enough_until(const struct view_outlook *o, int64_t now_ms, const int64_t capacity[OUTLOOK_OF_COUNT]);

struct view_outlooks {         // of all clusters, shared between views
    atomic_int refs;           // private
    struct view_outlook *clusters;  // by index in the policy
};

struct view_box;
void view_box_publish_outlook(struct view_box *b, size_t cluster, const struct view_outlook *o);  // copied
