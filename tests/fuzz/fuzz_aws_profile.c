// Shared credentials and config files.
#include "scaler/aws/credentials_sources.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const sections[] = {"default", "profile ops", "ops"}, *const keys[] = {"aws_access_key_id", "region", "role_arn"};
    struct slice text = {(const char *)data, size};
    struct arena a;
    arena_init(&a, 0);
    for (size_t s = 0; s < ARRAY_LEN(sections); s++)
        for (size_t k = 0; k < ARRAY_LEN(keys); k++) {
            const char *value = NULL;
            bool there = credentials_ini_find(text, sections[s], keys[k], &a, &value);
            assert(there || value == NULL);
            assert(value == NULL || (*value && !strchr(value, '\n')));
        }
    arena_release(&a);
    return 0;
}
