#include "scaler/record.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int record_read(const char *path, struct arena *a, struct slice *ret, struct err *err)
{
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        return err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
    struct buf text;
    buf_init(&text, RECORD_MAX_BYTES);
    char block[65536];
    size_t n;
    while ((n = fread(block, 1, sizeof block, f)) > 0)
        buf_add(&text, block, n);
    int rc = ferror(f) ? err_set(err, ERR_IO, "%s: %s", path, strerror(errno))
             : buf_failed(&text) ? err_set(err, ERR_LIMIT, "%s: larger than %zu MiB", path, RECORD_MAX_BYTES >> 20) : 0;
    fclose(f);
    if (rc == 0)
        *ret = (struct slice){arena_strndup(a, buf_str(&text), text.len), text.len};
    buf_release(&text);
    return rc;
}
