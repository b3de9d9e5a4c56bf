// Query strings and form bodies as the sandbox reads them.
#include "scaler/sandbox/form.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct form f;
    struct err err = {0};
    arena_init(&a, 0);
    if (form_parse((struct slice){(const char *)data, size}, &a, &f, &err) == 0) {
        assert(f.count <= FORM_PARAMS_MAX);
        for (size_t i = 0; i < f.count; i++) {
            const char *name = arena_strndup(&a, f.params[i].name.ptr, f.params[i].name.len);
            // A name with a NUL in it cannot be asked for; any other is found with its own value.
            if (strlen(name) == f.params[i].name.len)
                assert(slice_eq(form_get(&f, name), f.params[i].value));
            form_name_fits(f.params[i].name, "Filter.N.Value.N");
        }
        size_t count = 0;
        form_list(&f, "InstanceId", &a, &count);
        assert(count <= f.count);
    } else {
        assert(err.msg[0] != '\0');
    }
    arena_release(&a);
    return 0;
}
