#include "scaler/api_rows.h"

size_t api_rows(struct aws_clients *clients, struct view_api_call ret[API_ROWS_MAX])
{
    size_t count = 0;
    struct aws *a;
    for (size_t i = 0; (a = aws_clients_at(clients, i)) != NULL; i++) {
        size_t n;
        const struct aws_stat *stats = aws_stats(a, &n);
        for (size_t s = 0; s < n && count < API_ROWS_MAX; s++) {
            const struct aws_stat *t = &stats[s];
            ret[count++] = (struct view_api_call){.service = aws_service_name(t->service), .operation = t->operation,
                                                  .ok = (int64_t)(t->calls - t->failures - t->throttles < t->calls ? t->calls - t->failures - t->throttles : 0),
                                                  .failed = (int64_t)t->failures, .throttled = (int64_t)t->throttles};
        }
    }
    return count;
}
