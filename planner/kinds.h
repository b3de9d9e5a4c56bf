// Kinds: what placement cannot tell apart, so that a question is asked once for many. Private to planner/.
//
// A *rule* is what a shape demands of an instance beside room: architecture, required attributes, memberOf, zones, VPC. Shapes that
// demand the same share one. A *field* is an attribute that some shape is spread over; the instances that have the same value of
// it are a *group* (those without it are one too). A *kind* is all instances for which every rule has the same answer, that are in
// the same group of every field, of one capacity provider, and with GPUs or without. There are few kinds, whatever the size of
// the cluster. Answers are found once for each rule and each distinct description of an instance (a class).
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "planner/intern.h"
#include "planner/query.h"

struct work;
struct shape;

enum fit {
    FIT_NO,
    FIT_YES,
    FIT_MAYBE,  // facts are missing: no room is counted on it; a pool of which only this is known is probed (F5)
    FIT_ASK,    // it depends on the single instance: kinds_ask
};

struct kind_rule {
    const struct shape *x;         // the first of the shapes that demand this
    const struct query **queries;  // its memberOf
    size_t query_count;
    bool asks;                     // one of them speaks of more than attributes
    const char *broken;            // why it cannot be evaluated, NULL when it can
};

struct kind {
    const unsigned char *fits;  // enum fit, by rule
    int provider;               // index into providers, -1 none
    bool gpu;
    const int *groups;          // by field
    size_t first, count;        // its instances, in kinds.bins
};

// One description of instances, as far as rules see it.
struct kind_class {
    const struct attribute_set *attributes;
    bool partial, gpu, fresh;   // fresh: a pool's next instance
    const char *zone, *type, *arch, *provider;
    uint64_t hash;
    const unsigned char *fits;
    int kind;
};

struct kinds {
    struct kind_rule *rules;
    size_t rule_count, rule_cap;
    int *rule_of;               // by shape
    const char **fields;        // attribute names
    size_t field_count, field_cap;
    int *field_of;              // by shape × PLACE_MAX: a field, FIELD_INSTANCE, or FIELD_NONE
    int *group_count;           // by field
    struct kind *v;
    size_t count, cap;
    int *kind_of;               // by instance
    int *pos_of;                // by instance: its place among its kind's
    int *bins;                  // instances by kind, then index
    struct kind_class *classes;
    size_t class_count, class_cap;
    int **pool_class;           // by fleet and pool
    const char **providers;
    int provider_count;
    int *fleet_provider;        // by fleet: whose instances it launches, -1 none
};

#define FIELD_INSTANCE (-1)
#define FIELD_NONE (-2)

void kinds_init(struct work *w);
// Whether an instance of the kind may hold tasks of the shape, room and ports aside.
enum fit kinds_fit(const struct work *w, int shape, int kind);
// The same for the next instance of a pool; never FIT_ASK.
enum fit kinds_fit_pool(const struct work *w, int shape, size_t fleet, size_t pool);
// What keeps a pool's next instance from holding the shape, rules only: the first that does, with what it asks for people.
enum kind_bar { BAR_NONE, BAR_ARCH, BAR_ATTRIBUTE, BAR_CONSTRAINT, BAR_ZONE };
enum kind_bar kinds_bar(struct work *w, int shape, size_t fleet, size_t pool, const char **ret_what);
// FIT_ASK: the answer for one instance, with the groups of the tasks planned on it (may be NULL).
bool kinds_ask(struct work *w, int shape, int instance, const char *const *planned, size_t planned_count);
// Why the shape's rules cannot be evaluated (snapshot's or ours); "" when they can.
const char *kinds_unmodelled(const struct work *w, int shape);
int kinds_provider(const struct work *w, const char *name);  // -1: no instance has it, and no fleet launches such
