// masu sandbox: the default virtual world as an AWS account on loopback, until SIGINT or SIGTERM.
#include "scaler/cmds.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/clock.h"
#include "planner/sim/world.h"
#include "scaler/options.h"
#include "scaler/record.h"
#include "scaler/sandbox/listener.h"
#include "scaler/sandbox/sandbox.h"

#define WARM_UP_MS ((int64_t)3600 * 1000)  // the world is this old when the first client comes: services run, prices moved

struct sandbox_command {
    struct option_address listen;
    double speed;
    int64_t seed;
    const char *trace_file, *market_file;
    bool groups;
    struct arena arena;
    struct workload_trace trace;
    struct market_trace market;
    struct clock clock;
    struct world *world;
    struct sandbox *sandbox;
    struct listener *listener;
    bool ec2_fleet;
};

static int start(struct sandbox_command *c, struct err *err)
{
    struct clock real;
    struct world_options o;
    struct slice text;
    clock_init_real(&real);
    int64_t now_ms = clock_wall_ms(&real);
    world_options_default(&o);
    o.start_ms = now_ms - WARM_UP_MS;
    o.groups = c->groups;
    o.fleet_mix = c->ec2_fleet ? WMIX_BOTH : WMIX_SPOT;
    int r = 0;
    if (c->trace_file != NULL) {
        if ((r = record_read(c->trace_file, &c->arena, &text, err)) != 0 ||
            (r = workload_trace_parse(text, c->trace_file, &c->arena, &c->trace, err)) != 0)
            return r;
        o.trace = &c->trace;
    }
    if (c->market_file != NULL) {
        if ((r = record_read(c->market_file, &c->arena, &text, err)) != 0 ||
            (r = market_trace_parse(text, c->market_file, &c->arena, &c->market, err)) != 0)
            return r;
        o.market = &c->market;
    }
    struct sandbox_options options = {.seed = (uint64_t)c->seed, .metrics = true, .insights = true};
    clock_init_accelerated(&c->clock, now_ms, c->speed);
    if ((r = world_default((uint64_t)c->seed, &o, &c->world, err)) != 0 || (r = sandbox_new(&c->clock, &options, &c->sandbox, err)) != 0 ||
        (r = sandbox_add_region(c->sandbox, NULL, NULL, c->world, err)) != 0)
        return r;
    sandbox_sync(c->sandbox);
    return listener_start(c->sandbox, c->listen.host, c->listen.port, &c->listener, err);
}

static void print_exports(const struct sandbox_command *c)
{
    bool v6 = strchr(c->listen.host, ':') != NULL;
    printf("# A virtual AWS account: clusters on %s, seed %lld, %g times real speed. Stop it with Ctrl-C.\n",
           c->groups ? "Auto Scaling groups" : "Spot Fleets", (long long)c->seed, c->speed);
    printf("export AWS_ENDPOINT_URL=http://%s%s%s:%d\n", v6 ? "[" : "", c->listen.host, v6 ? "]" : "", listener_port(c->listener));
    printf("export AWS_ACCESS_KEY_ID=%s\nexport AWS_SECRET_ACCESS_KEY=%s\nexport AWS_REGION=%s\n", SANDBOX_KEY_ID, SANDBOX_SECRET,
           world_view(c->world).region);
    printf("# awscli before 2.13 does not know AWS_ENDPOINT_URL: aws --endpoint-url $AWS_ENDPOINT_URL ecs list-clusters\n");
    printf("# Events of instances and fleets come into the queue $AWS_ENDPOINT_URL/%s/" SQS_EVENTS_QUEUE "\n", world_view(c->world).account);
    fflush(stdout);
}

// The world moves in small steps even when nobody asks, so that no client waits for a long catch-up.
static void run(struct sandbox_command *c, const sigset_t *stop)
{
    struct timespec step = {.tv_sec = 0, .tv_nsec = 500000000};
    while (sigtimedwait(stop, NULL, &step) < 0)
        sandbox_sync(c->sandbox);
}

int cmd_sandbox(int argc, char **argv)
{
    struct sandbox_command c = {.listen = {"127.0.0.1", 4566}, .speed = 1, .seed = 7};
    const struct option options[] = {
        {"listen", OPTION_ADDRESS, &c.listen, "H:P", "where to listen (127.0.0.1:4566; port 0: any free one)", 0, 0},
        {"speed", OPTION_NUMBER, &c.speed, "X", "seconds of the world in a real one (1)", 0, 100000},
        {"seed", OPTION_INT, &c.seed, "N", "chance of the world (7)", 0, INT64_MAX},
        {"groups", OPTION_FLAG, &c.groups, NULL, "its fleets are Auto Scaling groups", 0, 0},
        {"ec2-fleet", OPTION_FLAG, &c.ec2_fleet, NULL, "the second cluster runs on an EC2 Fleet in place of a Spot Fleet", 0, 0},
        {"trace", OPTION_STRING, &c.trace_file, "F", "CSV of times and values that drives the services", 0, 0},
        {"market", OPTION_STRING, &c.market_file, "F", "CSV of pools and what was available, or its price: the spot market", 0, 0},
    };
    const struct options_spec spec = {
        .command = "sandbox",
        .summary = "serve a virtual AWS account (ECS, EC2, Auto Scaling, SQS, STS) on loopback",
        .options = options,
        .option_count = ARRAY_LEN(options),
        .epilogue = "Prints the endpoint and keys to export, then runs until SIGINT or SIGTERM.",
    };
    enum options_outcome outcome = options_parse(&spec, argc, argv, NULL);
    if (outcome != OPTIONS_GO)
        return outcome == OPTIONS_HELPED ? EXIT_DONE : EXIT_USAGE;
    sigset_t stop;
    sigemptyset(&stop);
    sigaddset(&stop, SIGINT);
    sigaddset(&stop, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &stop, NULL);  // before the listener's thread exists, which inherits it
    arena_init(&c.arena, (size_t)512 << 20);
    struct err err = {0};
    int result = start(&c, &err);
    if (result == 0) {
        print_exports(&c);
        run(&c, &stop);
    } else {
        fprintf(stderr, "masu sandbox: %s\n", err.msg);
    }
    listener_stop(c.listener);
    sandbox_free(c.sandbox);
    world_free(c.world);
    arena_release(&c.arena);
    return result == 0 ? EXIT_DONE : EXIT_FAILED;
}
