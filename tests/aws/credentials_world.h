// What tests of credentials need: a provider on a scripted transport, a folder for files, an environment as a list.
#pragma once

#include "scaler/aws/credentials.h"
#include "tests/aws/files.h"
#include "tests/aws/fixture.h"

struct world {
    struct scripted s;
    struct arena arena;
    char folder[64];
    struct aws_env env;
    struct aws_skew skew;
    struct credentials_provider *p;
};

static inline void begin(struct world *w)
{
    scripted_init(&w->s, T0_MS);
    arena_init(&w->arena, 0);
    snprintf(w->folder, sizeof w->folder, "/tmp/masu-credentials-XXXXXX");
    assert_non_null(mkdtemp(w->folder));
    w->p = NULL;
    w->skew = (struct aws_skew){0};
}

static inline const char *write_file(struct world *w, const char *name, const char *text)
{
    const char *path = arena_printf(&w->arena, "%s/%s", w->folder, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
    return path;
}

static inline void end(struct world *w)
{
    credentials_provider_free(w->p);
    DIR *dir = opendir(w->folder);
    for (const struct dirent *d; (d = readdir(dir));)
        unlink(arena_printf(&w->arena, "%s/%s", w->folder, d->d_name));
    closedir(dir);
    rmdir(w->folder);
    scripted_release(&w->s);
    arena_release(&w->arena);
}

// Polls, running the transport while a fetch is under way.
static inline enum credentials_state poll_to_end(struct world *w, const struct credentials **ret, struct err *err)
{
    if (!w->p)
        w->p = credentials_provider_new(&(struct credentials_options){&w->env, &w->s.base, &w->skew, "eu-west-1", 7});
    enum credentials_state state;
    while ((state = credentials_provider_poll(w->p, ret, err)) == CREDENTIALS_PENDING)
        w->s.base.ops->wait(&w->s.base, w->s.clock.virtual_ms + 1000);
    return state;
}

#define SET_ENV(w, ...)                                                                        \
    (w)->env = (struct aws_env){(const struct aws_env_pair[]){__VA_ARGS__},                      \
                                sizeof((const struct aws_env_pair[]){__VA_ARGS__}) / sizeof(struct aws_env_pair)}
