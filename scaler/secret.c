#include "scaler/secret.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

int secret_read(const struct aws_env *env, const char *variable, const char *file, char ret[SECRET_MAX], struct err *err)
{
    if (*variable) {
        const char *value = aws_env_get(env, variable);
        if (value == NULL)
            return err_set(err, ERR_IO, "the environment has no %.100s", variable);
        if (strlen(value) >= SECRET_MAX)
            return err_set(err, ERR_LIMIT, "%.100s is too long", variable);
        snprintf(ret, SECRET_MAX, "%s", value);
        return 0;
    }
    FILE *f = fopen(file, "re");
    if (f == NULL)
        return err_set(err, ERR_IO, "%.150s: %s", file, strerror(errno));
    bool read = fgets(ret, SECRET_MAX, f) != NULL;
    fclose(f);
    size_t len = read ? strcspn(ret, "\r\n") : 0;
    if (len == 0)
        return err_set(err, ERR_IO, "%.150s: is empty", file);
    if (len == SECRET_MAX - 1)
        return err_set(err, ERR_LIMIT, "%.150s: its first line is too long", file);
    ret[len] = '\0';
    return 0;
}
