// Seeded random numbers (xoshiro256**, Blackman and Vigna 2018, seeded by splitmix64): one struct rng a purpose, passed in.
// The same seed gives the same numbers on every machine. Not for secrets.
#pragma once

#include <stdint.h>

struct rng {
    uint64_t s[4];
};

void rng_init(struct rng *r, uint64_t seed);
struct rng rng_fork(struct rng *r, uint64_t purpose);  // an independent stream
uint64_t rng_u64(struct rng *r);
uint64_t rng_below(struct rng *r, uint64_t n);                        // 0 … n-1, unbiased; n > 0
int64_t rng_between(struct rng *r, int64_t low, int64_t high);        // both included; low <= high
double rng_double(struct rng *r);                                     // [0, 1)
double rng_normal(struct rng *r);                                     // mean 0, deviation 1
double rng_exponential(struct rng *r, double mean);
uint64_t rng_poisson(struct rng *r, double mean);                     // mean <= 1e6
