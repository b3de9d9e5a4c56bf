// What people send and the next tick reads as facts. The web's threads put, the loop takes; a full inbox refuses.
//
// A switch says what masu may do in a cluster, or in all, until it is taken back (safety.md section 4). It is acted on by nobody
// before the loop has it.
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "planner/model/snapshot.h"

enum { INBOX_MAX = 32, SWITCH_CLUSTER_MAX = 256, SWITCH_WHO_MAX = 200, SWITCH_WHY_MAX = 400 };

struct inbox_switch {
    bool resume;                       // takes back; mode is CONTROL_RUN then
    enum control_mode mode;
    char cluster[SWITCH_CLUSTER_MAX];  // short name, "" all
    char who[SWITCH_WHO_MAX], why[SWITCH_WHY_MAX];
    int64_t until_ms;                  // 0: until it is taken back
};

struct inbox {
    pthread_mutex_t lock;
    struct inbox_switch items[INBOX_MAX];
    size_t count;
    void (*wake)(void *arg);           // called after each put, from the putting thread; NULL none
    void *wake_arg;
};

void inbox_init(struct inbox *b);
void inbox_release(struct inbox *b);   // NULL-safe
void inbox_on_put(struct inbox *b, void (*wake)(void *arg), void *arg);
bool inbox_put(struct inbox *b, const struct inbox_switch *s);        // false: full
bool inbox_take(struct inbox *b, struct inbox_switch *ret);           // the oldest; false: empty
