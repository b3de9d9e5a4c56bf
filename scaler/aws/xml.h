// XML answers as a small tree in an arena (expat underneath).
//
// The order of elements does not matter to a reader that asks by name; unknown elements are passed over; namespaces are
// ignored. A leaf's text is whole (expat hands it over in pieces), a node with children has none. Document types and with them
// entities are refused, depth and number of nodes are limited.
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#define XML_DEPTH_MAX 32
#define XML_NODES_MAX 500000u

struct xml_node {
    const char *name;
    const char *text;         // never NULL
    struct xml_node *child;   // first
    struct xml_node *next;    // sibling
};

// ERR_CORRUPT: not well-formed, cut short, or with a document type; ERR_LIMIT: depth or nodes.
int xml_parse(struct slice text, struct arena *a, const struct xml_node **ret, struct err *err);

// NULL-safe throughout, so that lookups can be chained. path: "placement/availabilityZone".
const struct xml_node *xml_at(const struct xml_node *n, const char *path);
const char *xml_text(const struct xml_node *n, const char *path);           // "" when absent
const char *xml_text_in(const struct xml_node *n, const char *path, struct arena *a);  // copied
int64_t xml_int(const struct xml_node *n, const char *path, int64_t fallback);
int64_t xml_milli(const struct xml_node *n, const char *path, int64_t fallback);  // "2.5" -> 2500, rounded half up
int64_t xml_time_ms(const struct xml_node *n, const char *path);             // 0 when absent or not a time
bool xml_flag(const struct xml_node *n, const char *path, bool fallback);
// Items of a list: for (i = xml_first(n, "tagSet", "item"); i; i = xml_next(i))
const struct xml_node *xml_first(const struct xml_node *n, const char *path, const char *item);
const struct xml_node *xml_next(const struct xml_node *item);  // the next sibling of the same name
size_t xml_count(const struct xml_node *first);                // first and its xml_next
