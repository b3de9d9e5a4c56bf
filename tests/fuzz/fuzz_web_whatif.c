// Body of POST /api/v1/simulate: an ask within its bounds, of which a command line comes, or words.
#include <assert.h>
#include <string.h>

#include "web/whatif.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct whatif_ask a;
    struct err err = {0};
    char room[WHATIF_ARGS][WHATIF_TEXT + 32];
    const char *args[WHATIF_ARGS];
    if (whatif_parse((struct slice){(const char *)data, size}, &a, &err) != 0) {
        assert(err.kind == ERR_INVALID && err.msg[0]);
        return 0;
    }
    assert(a.cluster[0] && a.days >= 1 && a.days <= WHATIF_DAYS_MAX && a.seeds >= 1 && a.seeds <= WHATIF_SEEDS_MAX);
    for (int change = 0; change < 2; change++) {
        int n = whatif_args(&a, change, "state.db", room, args);
        assert(n > 4 && n < WHATIF_ARGS && args[n] == NULL);
        for (int i = 0; i < n; i++)  // no value can be taken for an option
            assert(args[i][0] && (args[i][0] != '-' || !strncmp(args[i], "--", 2)));
    }
    return 0;
}
