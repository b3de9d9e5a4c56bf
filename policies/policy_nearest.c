#include "policies/policy_keys.h"

#include <string.h>

enum { COMPARED_MAX = 64 };

static int min3(int a, int b, int c)
{
    int least = a < b ? a : b;
    return least < c ? least : c;
}

int policy_edit_distance(const char *a, const char *b)
{
    int an = (int)strnlen(a, COMPARED_MAX), bn = (int)strnlen(b, COMPARED_MAX);
    int row[3][COMPARED_MAX + 1];  // of the dynamic programme: two letters ago, one ago, now
    for (int j = 0; j <= bn; j++)
        row[0][j] = row[1][j] = row[2][j] = j;
    for (int i = 1; i <= an; i++) {
        int *before = row[(i + 1) % 3], *last = row[(i + 2) % 3], *now = row[i % 3];
        now[0] = i;
        for (int j = 1; j <= bn; j++) {
            now[j] = min3(last[j] + 1, now[j - 1] + 1, last[j - 1] + (a[i - 1] != b[j - 1]));
            bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (swapped && before[j - 2] + 1 < now[j])
                now[j] = before[j - 2] + 1;
        }
    }
    return row[an % 3][bn];
}

// A third of the letters may be wrong; "quantil" is near "quantile", "x" is near nothing.
static bool is_near(const char *name, const char *key, int distance)
{
    size_t longest = strlen(name) > strlen(key) ? strlen(name) : strlen(key);
    bool begins = strlen(name) >= 4 && strncmp(key, name, strlen(name)) == 0;
    return begins || distance * 3 <= (int)longest;
}

const struct policy_key *policy_key_nearest(const char *parent, const char *name)
{
    const struct policy_key *best = NULL;
    int best_distance = COMPARED_MAX + 1;
    for (size_t i = 0; i < policy_key_count; i++) {
        const struct policy_key *k = &policy_keys[i];
        int distance = policy_edit_distance(name, k->name);
        if (strcmp(k->parent, parent) == 0 && distance < best_distance && is_near(name, k->name, distance)) {
            best = k;
            best_distance = distance;
        }
    }
    return best;
}

const struct policy_key *policy_key_elsewhere(const char *parent, const char *name)
{
    for (int allowed = 0; allowed <= 1; allowed++)
        for (size_t i = 0; i < policy_key_count; i++)
            if (strcmp(policy_keys[i].parent, parent) != 0 && policy_edit_distance(name, policy_keys[i].name) <= allowed)
                return &policy_keys[i];
    return NULL;
}
