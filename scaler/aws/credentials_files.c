#include "scaler/aws/credentials_sources.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define FILE_BYTES_MAX (1u << 20)

const char *credentials_profile(const struct aws_env *env)
{
    const char *name = aws_env_get(env, "AWS_PROFILE");
    return name ? name : "default";
}

// "[ profile  name ]" -> "profile name"; false when the line is no section.
static bool section_of(struct slice line, struct slice *ret)
{
    if (line.len < 2 || line.ptr[0] != '[')
        return false;
    const char *end = memchr(line.ptr, ']', line.len);
    if (!end)
        return false;
    *ret = slice_trim((struct slice){line.ptr + 1, (size_t)(end - line.ptr) - 1});
    return true;
}

static bool section_is(struct slice section, const char *wanted)
{
    static const char prefix[] = "profile";
    size_t n = sizeof prefix - 1;
    bool is_profile = slice_starts(section, prefix) && section.len > n && (section.ptr[n] == ' ' || section.ptr[n] == '\t');
    if (is_profile && slice_starts(slice_of(wanted), "profile ")) {
        struct slice name = slice_trim((struct slice){section.ptr + n, section.len - n});
        return slice_eq(name, slice_trim(slice_of(wanted + n)));
    }
    return slice_eq_str(section, wanted);
}

bool credentials_ini_find(struct slice text, const char *section, const char *key, struct arena *a, const char **ret)
{
    bool inside = false, seen = false;
    *ret = NULL;
    while (text.len) {
        struct slice raw = slice_cut(&text, '\n');
        struct slice line = slice_trim(raw), name;
        if (line.len == 0 || line.ptr[0] == '#' || line.ptr[0] == ';')
            continue;
        if (section_of(line, &name)) {
            inside = section_is(name, section);
            seen |= inside;
            continue;
        }
        bool nested = raw.ptr[0] == ' ' || raw.ptr[0] == '\t';  // sub-keys such as those under "s3 ="
        if (!inside || nested)
            continue;
        name = slice_trim(slice_cut(&line, '='));
        if (slice_eq_nocase(name, slice_of(key))) {
            line = slice_trim(line);
            *ret = line.len ? arena_strndup(a, line.ptr, line.len) : NULL;
        }
    }
    return seen;
}

// The file a variable names, else one under $HOME; NULL where there is no home.
static const char *file_of(const struct aws_env *env, const char *variable, const char *under_home, struct arena *a)
{
    const char *path = aws_env_get(env, variable), *home = aws_env_get(env, "HOME");
    if (path && path[0] == '~' && path[1] == '/' && home)
        return arena_printf(a, "%s%s", home, path + 1);
    if (path)
        return path;
    return home ? arena_printf(a, "%s/%s", home, under_home) : NULL;
}

int credentials_read_file(const char *path, size_t max, struct arena *a, struct slice *ret, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_set(err, ERR_IO, "%s: cannot be opened: %s", path, strerror(errno));
    char *data = arena_alloc(a, max + 1, 1);
    size_t len = 0;
    ssize_t n;
    while ((n = read(fd, data + len, max + 1 - len)) > 0)
        len += (size_t)n;
    int failed = n < 0 ? errno : 0;
    close(fd);
    if (failed)
        return err_set(err, ERR_IO, "%s: cannot be read: %s", path, strerror(failed));
    if (len > max)
        return err_set(err, ERR_LIMIT, "%s: larger than %zu bytes", path, max);
    *ret = (struct slice){data, len};
    return 0;
}

// An absent file is an empty one; one that is there and cannot be read is an error.
static int read_optional(const char *path, struct arena *a, struct slice *ret, struct err *err)
{
    *ret = (struct slice){NULL, 0};
    if (!path || (access(path, F_OK) < 0 && (errno == ENOENT || errno == ENOTDIR)))
        return 0;
    return credentials_read_file(path, FILE_BYTES_MAX, a, ret, err);
}

int credentials_files_read(const struct aws_env *env, struct arena *a, struct credentials_files *ret, struct err *err)
{
    int rc = read_optional(file_of(env, "AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials", a), a, &ret->credentials, err);
    return rc ? rc : read_optional(file_of(env, "AWS_CONFIG_FILE", ".aws/config", a), a, &ret->config, err);
}

const char *credentials_file_value(struct slice text, bool config, const char *profile, const char *key, struct arena *a,
                                   bool *ret_there)
{
    const char *value = NULL;
    bool plain = !config || strcmp(profile, "default") == 0;
    bool there = credentials_ini_find(text, plain ? profile : arena_printf(a, "profile %s", profile), key, a, &value);
    if (ret_there)
        *ret_there = there;
    return value;
}

const char *credentials_profile_value(const struct aws_env *env, struct arena *a, const char *key)
{
    struct credentials_files f;
    struct err err;
    if (credentials_files_read(env, a, &f, &err))
        return NULL;
    const char *profile = credentials_profile(env), *value = credentials_file_value(f.config, true, profile, key, a, NULL);
    return value ? value : credentials_file_value(f.credentials, false, profile, key, a, NULL);
}
