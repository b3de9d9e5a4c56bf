#include <assert.h>
#include <string.h>

#include "base/parse.h"
#include "planner/drain.h"

const char *drain_mark_format(struct arena *a, int64_t at_ms, const char *reason)
{
    char at[32];
    assert(!strchr(reason, ';'));
    return arena_printf(a, "owner=%s;at=%s;reason=%s", DRAIN_MARK_OWNER, format_iso8601(at_ms, false, at), reason);
}

bool drain_mark_parse(struct arena *a, const char *value, struct drain_mark *ret)
{
    struct slice rest = slice_of(value);
    *ret = (struct drain_mark){.reason = ""};
    while (rest.len > 0) {
        struct slice part = slice_trim(slice_cut(&rest, ';'));
        struct slice key = slice_cut(&part, '=');
        if (slice_eq_str(key, "owner"))
            ret->ours = slice_eq_str(part, DRAIN_MARK_OWNER);
        else if (slice_eq_str(key, "at"))
            (void)parse_iso8601_ms(part, &ret->at_ms);
        else if (slice_eq_str(key, "reason"))
            ret->reason = arena_strndup(a, part.ptr ? part.ptr : "", part.len);
    }
    return ret->ours;
}
