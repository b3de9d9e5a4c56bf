// Where tests find files: the source tree (MASU_SOURCE_ROOT, set by meson) and, where it is there, the folder of shared facts
// beside it (MASU_SHARED, or ../shared).
#pragma once

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"

static inline const char *file_path(struct arena *a, const char *name)
{
    const char *root = getenv("MASU_SOURCE_ROOT");
    return arena_printf(a, "%s/%s", root ? root : ".", name);
}

// NULL where the folder is not there.
static inline const char *file_shared(struct arena *a, const char *name)
{
    const char *set = getenv("MASU_SHARED");
    const char *folder = set && *set ? set : file_path(a, "../shared");
    const char *path = arena_printf(a, "%s/%s", folder, name);
    return access(path, R_OK) == 0 ? path : NULL;
}

// Whole file; ptr NULL where it cannot be read.
static inline struct slice file_read(struct arena *a, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0) {
        if (fd >= 0)
            close(fd);
        return (struct slice){NULL, 0};
    }
    char *data = arena_alloc(a, (size_t)st.st_size + 1, 1);
    ssize_t n = read(fd, data, (size_t)st.st_size);
    close(fd);
    return (struct slice){data, n < 0 ? 0 : (size_t)n};
}
