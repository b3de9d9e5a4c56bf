#include "scaler/token.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"

enum { TOKEN_MIN = 16, TOKEN_MAX = 512 };

static int check(struct slice s, const char *from, struct arena *a, const char **ret, struct err *err)
{
    if (s.len < TOKEN_MIN || s.len > TOKEN_MAX)
        return err_set(err, ERR_INVALID, "the token of %s has %zu bytes, %d to %d are expected", from, s.len, TOKEN_MIN, TOKEN_MAX);
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.ptr[i] <= ' ' || s.ptr[i] == 0x7f)
            return err_set(err, ERR_INVALID, "the token of %s has blanks inside", from);
    *ret = arena_strndup(a, s.ptr, s.len);
    return 0;
}

int token_load(const char *path, const char *variable, struct arena *a, const char **ret, struct err *err)
{
    char line[TOKEN_MAX + 64];
    if (path == NULL) {
        const char *value = getenv(variable);
        *ret = "";
        return value && value[0] ? check(slice_trim(slice_of(value)), variable, a, ret, err) : 0;
    }
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
    bool any = fgets(line, sizeof line, f) != NULL;
    fclose(f);
    return check(slice_trim(slice_of(any ? line : "")), path, a, ret, err);
}
