// Inside of the forecast bank: history, columns, and the tables of errors.
#pragma once

#include "planner/forecast/bank.h"
#include "planner/forecast/regress.h"

enum {
    BANK_BASE = 14, BANK_PAST = 4, BANK_COLUMNS = BANK_BASE + BANK_PAST, BANK_SPREADS = 9, BANK_ROWS_MAX = 3000, BANK_FIT_DAYS = 7, BANK_KEPT_DAYS = 15,
    BANK_TABLE_DAYS = 3, BANK_PAST_DAYS = 7, BANK_REGIMES = 3, BANK_QUANTILES = 23,
};

enum bank_phase { PHASE_UTC, PHASE_LOCAL };  // by which clock a past day has the same time

struct bank_target {
    size_t from, to;                       // steps ahead, both included: the target is the most of them, less demand now
    double coef[REGRESS_STRIDE], spread[REGRESS_STRIDE];
    enum bank_phase phase;                 // of the last fit
    double *issued_m, *issued_s, *error, *error_s;  // rings of a table's days: what was forecast, and how it came out
    size_t errors;                         // that ever came out
    double regime_s[BANK_REGIMES - 1];     // scales that part the regimes
    double table[BANK_REGIMES][BANK_QUANTILES];
    double m, s, local_m, local_s;         // of now; while the clock parts past days from it, also with them by the local clock
};

struct bank {
    size_t day;                            // steps
    double *value, *sum, *change;          // history; prefix sums of it and of |steps|; room for BANK_KEPT_DAYS
    size_t count, pushed;                  // values there, and ever
    bool fitted;
    size_t first_at, fitted_at, tabled_at; // `pushed` at the first fit, the last, the last table
    size_t clock_at;                       // `pushed` at the first value after the clock changed
    int64_t clock_by;                      // steps that it went forward, within half a day; 0: it did not
    double unit;                           // mean demand of the last fit
    struct bank_target target[BANK_TARGETS];
    double *row, *weight;                  // scratch of a fit
};

// The columns of a target at a position of the history, in units of demand; past: [0] its mean, [1] its maximum over past days.
void bank_base(const struct bank *b, size_t at, double *ret);
bool bank_past(const struct bank *b, const struct bank_target *t, size_t at, enum bank_phase phase, double *ret);
void bank_spread(const struct bank *b, size_t at, const double *past, double *ret);
double bank_outcome(const struct bank *b, const struct bank_target *t, size_t at);

void bank_table_add(struct bank_target *t, size_t room, double error, double scale);
void bank_table_make(struct bank_target *t, size_t room, double *scratch);
double bank_table_survivor(const struct bank_target *t, double m, double s, double above);
