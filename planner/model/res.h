// Typed quantities that must not mix: resource vectors and money.
//
// A vector's fields are read and written through the functions here and the RES_* index. Units: CPU units (1,024 = 1 vCPU),
// MiB, whole GPUs, ENI slots (tasks in awsvpc mode). Money is integer micro-dollars.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum res_kind { RES_CPU, RES_MEMORY, RES_GPU, RES_ENI, RES_COUNT };

struct res {
    int64_t v[RES_COUNT];
};

static inline struct res res_make(int64_t cpu_units, int64_t memory_mib)
{
    return (struct res){{cpu_units, memory_mib, 0, 0}};
}
static inline struct res res_add(struct res a, struct res b)
{
    for (int k = 0; k < RES_COUNT; k++)
        a.v[k] += b.v[k];
    return a;
}
static inline struct res res_sub(struct res a, struct res b)  // may go negative: an overcommitted host
{
    for (int k = 0; k < RES_COUNT; k++)
        a.v[k] -= b.v[k];
    return a;
}
static inline struct res res_scale(struct res a, int64_t n)
{
    for (int k = 0; k < RES_COUNT; k++)
        a.v[k] *= n;
    return a;
}
static inline struct res res_max(struct res a, struct res b)  // by component
{
    for (int k = 0; k < RES_COUNT; k++)
        a.v[k] = a.v[k] > b.v[k] ? a.v[k] : b.v[k];
    return a;
}
static inline struct res res_min(struct res a, struct res b)  // by component
{
    for (int k = 0; k < RES_COUNT; k++)
        a.v[k] = a.v[k] < b.v[k] ? a.v[k] : b.v[k];
    return a;
}
// need <= room in every component that need uses (> 0)
static inline bool res_fits(struct res need, struct res room)
{
    bool fits = true;
    for (int k = 0; k < RES_COUNT; k++)
        fits &= (need.v[k] <= 0) | (need.v[k] <= room.v[k]);
    return fits;
}
static inline bool res_is_zero(struct res a)
{
    int64_t any = 0;
    for (int k = 0; k < RES_COUNT; k++)
        any |= a.v[k];
    return any == 0;
}
bool res_eq(struct res a, struct res b);
int64_t res_times(struct res need, struct res room);  // how many needs fit into room; INT32_MAX when need is zero
double res_share(struct res part, struct res whole);  // the largest part/whole over components where whole > 0
const char *res_kind_name(enum res_kind k);           // "cpu", "memory", "gpu", "eni"

struct usd {
    int64_t micro;
};
static inline struct usd usd_add(struct usd a, struct usd b)
{
    return (struct usd){a.micro + b.micro};
}
