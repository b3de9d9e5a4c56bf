// What most tests of the client need: a scripted transport, a fixed environment, one client, an arena.
#pragma once

#include "scaler/aws/aws.h"
#include "tests/aws/scripted_transport.h"

#define T0_MS 1770000000000  // 2026-02-02T02:40:00Z
#define DEADLINE_MS (T0_MS + 3600 * 1000)

struct fixture {
    struct scripted s;
    struct aws_env env;
    struct aws_clients *clients;
    struct aws *aws;
    struct arena arena;
    struct aws_with with;
};

static const struct aws_env_pair fixture_env[] = {
    {"AWS_ACCESS_KEY_ID", "AKIAMASUTESTS0000001"},
    {"AWS_SECRET_ACCESS_KEY", "not-a-secret"},
    {"AWS_REGION", "eu-west-1"},
};

static inline void fixture_begin_env(struct fixture *f, const struct aws_env_pair *pairs, size_t count)
{
    scripted_init(&f->s, T0_MS);
    arena_init(&f->arena, 0);
    f->env = (struct aws_env){pairs, count};
    f->clients = aws_clients_new(&(struct aws_options){.transport = &f->s.base, .env = &f->env, .seed = 7});
    struct err err = {0};
    int rc = aws_clients_get(f->clients, "", "eu-west-1", &f->aws, &err);
    assert(rc == 0);
    f->with = (struct aws_with){.aws = f->aws, .arena = &f->arena};
}

static inline void fixture_begin(struct fixture *f)
{
    fixture_begin_env(f, fixture_env, ARRAY_LEN(fixture_env));
}

static inline void fixture_end(struct fixture *f)
{
    aws_clients_free(f->clients);
    scripted_release(&f->s);
    arena_release(&f->arena);
}
