#include "base/rng.h"

#include <math.h>

#include "base/check.h"

static uint64_t splitmix64(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static uint64_t rotl(uint64_t x, int k)
{
    return (x << k) | (x >> (64 - k));
}

void rng_init(struct rng *r, uint64_t seed)
{
    for (int i = 0; i < 4; i++)
        r->s[i] = splitmix64(&seed);
}

struct rng rng_fork(struct rng *r, uint64_t purpose)
{
    struct rng child;
    rng_init(&child, rng_u64(r) ^ (purpose * 0xd1342543de82ef95u));
    return child;
}

uint64_t rng_u64(struct rng *r)
{
    uint64_t *s = r->s;
    uint64_t result = rotl(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotl(s[3], 45);
    return result;
}

uint64_t rng_below(struct rng *r, uint64_t n)
{
    assert(n > 0);
    // The numbers below 2^64 mod n would make small results likelier; they are drawn again.
    uint64_t reject = -n % n;
    uint64_t x = rng_u64(r);
    while (x < reject)
        x = rng_u64(r);
    return x % n;
}

int64_t rng_between(struct rng *r, int64_t low, int64_t high)
{
    assert(low <= high);
    uint64_t span = (uint64_t)high - (uint64_t)low;
    uint64_t step = span == UINT64_MAX ? rng_u64(r) : rng_below(r, span + 1);
    return (int64_t)((uint64_t)low + step);
}

double rng_double(struct rng *r)
{
    return (double)(rng_u64(r) >> 11) * 0x1.0p-53;
}

double rng_normal(struct rng *r)
{
    double u = 1.0 - rng_double(r);  // (0, 1]: log stays finite
    double v = rng_double(r);
    return sqrt(-2.0 * log(u)) * cos(2.0 * M_PI * v);
}

double rng_exponential(struct rng *r, double mean)
{
    return -mean * log(1.0 - rng_double(r));
}

// Knuth's product of uniforms; its work grows with the mean, so large means are summed from parts.
static uint64_t poisson_small(struct rng *r, double mean)
{
    double limit = exp(-mean);
    double product = rng_double(r);
    uint64_t n = 0;
    while (product > limit) {
        n++;
        product *= rng_double(r);
    }
    return n;
}

uint64_t rng_poisson(struct rng *r, double mean)
{
    assert(mean <= 1e6);
    if (!(mean > 0))
        return 0;
    if (mean > 1000) {
        // The normal approximation is off by less than 1 % of a deviation here.
        double x = floor(mean + sqrt(mean) * rng_normal(r) + 0.5);
        return x > 0 ? (uint64_t)x : 0;
    }
    uint64_t n = 0;
    for (; mean > 30; mean -= 30)
        n += poisson_small(r, 30);
    return n + poisson_small(r, mean);
}
