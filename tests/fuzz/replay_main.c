// Runs a fuzz target over the files of its corpus: each file whole, cut short at many places, and with single bytes changed.
// What libFuzzer does with coverage and luck, this does the same way every time, so that it can be a test.
#include "base/check.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FILE_BYTES_MAX = 1024 * 1024, CUTS = 32, CHANGES = 64 };

static int runs;

// A copy of the exact size each time, so that the sanitizer sees a read beyond the end.
static void run(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    if (!copy)
        abort();
    if (size)
        memcpy(copy, data, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
    runs++;
}

static void run_variations(uint8_t *data, size_t size)
{
    static const uint8_t instead[] = {0, '"', '\\', '{', '}', '[', ']', '9', '-', 0xff, '<', '&', ' '};
    run(data, size);
    for (size_t i = 0; size > 0 && i < CUTS; i++)
        run(data, size * i / CUTS);
    for (size_t i = 0; size > 0 && i < CHANGES; i++) {
        size_t at = (i * 2654435761u) % size;
        uint8_t old = data[at];
        data[at] = instead[i % sizeof instead];
        run(data, size);
        data[at] = old;
    }
}

static bool run_file(const char *folder, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "rb");
    if (!f)
        return false;
    uint8_t *data = malloc(FILE_BYTES_MAX);
    size_t size = data ? fread(data, 1, FILE_BYTES_MAX, f) : 0;
    fclose(f);
    if (data)
        run_variations(data, size);
    free(data);
    return true;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s CORPUS_FOLDER\n", argv[0]);
        return 64;
    }
    DIR *dir = opendir(argv[1]);
    if (!dir) {
        fprintf(stderr, "%s: cannot be opened\n", argv[1]);
        return 1;
    }
    int files = 0;
    for (struct dirent *e = readdir(dir); e; e = readdir(dir))
        if (e->d_name[0] != '.')
            files += run_file(argv[1], e->d_name);
    closedir(dir);
    printf("%d files, %d runs\n", files, runs);
    return files > 0 ? 0 : 1;
}
