#include "planner/model/model_json.h"

#include "base/json.h"
#include "planner/model/memo_json.h"
#include "planner/model/snapshot_json.h"

enum { SNAPSHOT_FILE_BYTES_MAX = 64 * 1024 * 1024 };

static int read_parts(const json_t *j, struct json_reader *r, struct snapshot *ret, struct memo *ret_memo)
{
    struct memo memo = {.version = MEMO_VERSION};
    struct json_path bare = {.key = "", .index = -1};
    struct json_path snapshot_at = {.key = "snapshot", .index = -1}, memo_at = {.key = "memo", .index = -1};
    const json_t *inner = json_object_get(j, "snapshot"), *inner_memo = json_object_get(j, "memo");
    if (inner_memo && !json_is_null(inner_memo) && memo_from_json_at(inner_memo, &memo_at, r, &memo))
        return ERR_INVALID;
    if (snapshot_from_json_at(inner ? inner : j, inner ? &snapshot_at : &bare, r, ret))
        return ERR_INVALID;
    *ret_memo = memo;
    return 0;
}

// "file:line:col: " before the message. A path that is not there (a required key) is looked for at its nearest parent.
static int place_error(const char *path, struct slice text, struct json_reader *r)
{
    struct json_place place = {.line = 1, .column = 1};
    while (!json_place_find(text, r->bad_path, &place) && *r->bad_path) {
        size_t len = strlen(r->bad_path);
        while (len > 0 && r->bad_path[len - 1] != '.' && r->bad_path[len - 1] != '[')
            len--;
        r->bad_path[len > 0 ? len - 1 : 0] = '\0';
    }
    err_wrap(r->err, "%s:%d:%d", path, place.line, place.column);
    return ERR_INVALID;
}

int snapshot_read_file(const char *path, struct arena *a, struct snapshot *ret, struct memo *ret_memo, struct err *err)
{
    struct slice text = {0};
    json_t *j = NULL;
    int rc = json_read_file(path, SNAPSHOT_FILE_BYTES_MAX, a, &text, &j, err);
    if (rc)
        return rc;
    struct json_reader r = {.arena = a, .err = err};
    rc = read_parts(j, &r, ret, ret_memo) ? place_error(path, text, &r) : 0;
    json_decref(j);
    return rc;
}
