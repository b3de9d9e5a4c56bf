#include "policies/policy.h"

#include <string.h>

// sqs.REGION.amazonaws.com, REGION.queue.amazonaws.com, and the same of other partitions.
const char *policy_queue_region(const struct policy_queue *q, char ret[64])
{
    struct slice host = slice_of(strstr(q->url, "://") ? strstr(q->url, "://") + 3 : q->url), rest;
    host = slice_cut(&host, '/');
    rest = host;
    struct slice first = slice_cut(&rest, '.'), second = slice_cut(&rest, '.');
    struct slice region = slice_eq_str(first, "sqs") ? second : slice_eq_str(second, "queue") ? first : (struct slice){NULL, 0};
    if (*q->region)
        region = slice_of(q->region);
    snprintf(ret, 64, "%.*s", (int)region.len, region.ptr ? region.ptr : "");
    return ret;
}
