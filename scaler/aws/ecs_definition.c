// Task definitions: what ECS reserves for a task, and what of it would be lost or slow to stop.
#include "scaler/aws/ecs_definition.h"

#include "base/json.h"
#include "scaler/aws/ecs_decode.h"

#define STOP_TIMEOUT_DEFAULT_S 30
#define STOP_TIMEOUT_MAX_S 86400

// Host paths of the system: mounting them keeps no data there.
static const char *const system_paths[] = {"/proc", "/sys", "/dev", "/run", "/var/run", "/etc"};

static bool is_system_path(const char *path)
{
    if (strstr(path, ".."))
        return false;  // may lead anywhere
    for (size_t i = 0; i < ARRAY_LEN(system_paths); i++) {
        size_t n = strlen(system_paths[i]);
        if (strncmp(path, system_paths[i], n) == 0 && (path[n] == '/' || path[n] == '\0'))
            return true;
    }
    return false;
}

// A host volume without a path dies with its task; one with a path, or a docker volume that tasks share, outlives it.
static bool outlives_task(const json_t *volume)
{
    const char *path = json_str(json_object_get(volume, "host"), "sourcePath");
    const char *scope = json_str(json_object_get(volume, "dockerVolumeConfiguration"), "scope");
    if (path && *path && !is_system_path(path))
        return true;
    return scope && strcmp(scope, "shared") == 0;
}

static void take_volumes(struct ecs_task_definition *d, const json_t *list, struct arena *a)
{
    for (size_t i = 0; i < json_array_size(list) && !d->local_data; i++) {
        const json_t *v = json_array_get(list, i);
        if (!outlives_task(v))
            continue;
        d->local_data = true;
        d->local_data_volume = ecs_text(v, "name", a);
    }
}

static int64_t or_zero(int64_t v)
{
    return v < 0 ? 0 : v;
}

static void take_ports(struct ecs_task_definition *d, size_t *cap, const json_t *container, struct arena *a)
{
    const json_t *list = json_object_get(container, "portMappings");
    bool host = strcmp(d->network_mode, "host") == 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *m = json_array_get(list, i);
        const char *protocol = json_str(m, "protocol");
        int32_t port = ecs_i32(m, host ? "containerPort" : "hostPort", 0);
        if (port <= 0 || port > 65535)
            continue;
        d->ports = arena_grow(a, d->ports, d->port_count, cap, sizeof *d->ports);
        d->ports[d->port_count++] = (struct ecs_port){port, protocol && strcmp(protocol, "udp") == 0};
    }
}

static void take_containers(struct ecs_task_definition *d, const json_t *list, struct arena *a)
{
    size_t port_cap = 0;
    int64_t stop_s = 0;
    bool own_address = strcmp(d->network_mode, "awsvpc") == 0 || strcmp(d->network_mode, "none") == 0;
    d->container_count = json_array_size(list);
    d->containers = arena_array(a, struct ecs_container_def, d->container_count);
    for (size_t i = 0; i < d->container_count; i++) {
        const json_t *c = json_array_get(list, i);
        d->containers[i] = (struct ecs_container_def){
            ecs_text(c, "name", a), or_zero(ecs_cpu_units(c, "cpu")), or_zero(ecs_memory_mib(c, "memory")),
            or_zero(ecs_memory_mib(c, "memoryReservation")), or_zero(ecs_gpus(c))};
        int64_t s = json_int(c, "stopTimeout", STOP_TIMEOUT_DEFAULT_S);
        stop_s = s > stop_s ? s : stop_s;
        if (!own_address)
            take_ports(d, &port_cap, c, a);
    }
    if (stop_s == 0)
        stop_s = STOP_TIMEOUT_DEFAULT_S;
    d->stop_timeout_ms = (stop_s > STOP_TIMEOUT_MAX_S ? STOP_TIMEOUT_MAX_S : stop_s) * 1000;
}

static const struct ecs_container_override *override_of(const struct ecs_task *t, const char *container)
{
    for (size_t i = 0; t && i < t->override_count; i++)
        if (strcmp(t->overrides[i].name, container) == 0)
            return &t->overrides[i];
    return NULL;
}

static int64_t pick(int64_t override, int64_t defined)
{
    return override >= 0 ? override : defined;
}

// Task-level values win when they are set; else containers are summed, the soft memory limit before the hard one.
struct res ecs_task_need(const struct ecs_task_definition *d, const struct ecs_task *t)
{
    int64_t cpu = 0, memory = 0, gpus = 0;
    for (size_t i = 0; i < d->container_count; i++) {
        const struct ecs_container_def *c = &d->containers[i];
        const struct ecs_container_override none = {"", -1, -1, -1, -1}, *o = override_of(t, c->name);
        if (!o)
            o = &none;
        int64_t soft = pick(o->soft_memory_mib, c->soft_memory_mib);
        cpu += pick(o->cpu_units, c->cpu_units);
        memory += soft > 0 ? soft : pick(o->memory_mib, c->memory_mib);
        gpus += pick(o->gpus, c->gpus);
    }
    int64_t task_cpu = pick(t ? t->override_cpu_units : -1, d->cpu_units);
    int64_t task_memory = pick(t ? t->override_memory_mib : -1, d->memory_mib);
    struct res need = res_make(task_cpu > 0 ? task_cpu : cpu, task_memory > 0 ? task_memory : memory);
    need.v[RES_GPU] = gpus;
    need.v[RES_ENI] = strcmp(d->network_mode, "awsvpc") == 0;
    return need;
}

static const char *arch_of(const json_t *platform)
{
    static const struct {
        const char *told, *arch;
    } names[] = {{"X86_64", "x86_64"}, {"ARM64", "arm64"}};
    const char *told = json_str(platform, "cpuArchitecture");
    for (size_t i = 0; told && i < ARRAY_LEN(names); i++)
        if (strcmp(told, names[i].told) == 0)
            return names[i].arch;
    return "";
}

int ecs_decode_definition(struct aws_job *job, const json_t *root, struct err *err)
{
    struct ecs_task_definition *d = job->ret;
    struct arena *a = job->with.arena;
    const json_t *o = json_object_get(root, "taskDefinition");
    if (!json_is_array(json_object_get(o, "containerDefinitions")) || !json_str(o, "taskDefinitionArn"))
        return err_set(err, ERR_CORRUPT, "the answer has no task definition with ARN and containers");
    const json_t *platform = json_object_get(o, "runtimePlatform");
    d->arn = ecs_text(o, "taskDefinitionArn", a);
    d->family = ecs_text(o, "family", a);
    d->status = ecs_text(o, "status", a);
    d->network_mode = ecs_text(o, "networkMode", a);
    d->revision = ecs_i32(o, "revision", 0);
    d->cpu_units = or_zero(ecs_cpu_units(o, "cpu"));
    d->memory_mib = or_zero(ecs_memory_mib(o, "memory"));
    d->arch = arch_of(platform);
    d->os_family = ecs_text(platform, "operatingSystemFamily", a);
    d->constraints = ecs_placements(json_object_get(o, "placementConstraints"), "expression", a, &d->constraint_count);
    d->required_attributes = ecs_attributes(json_object_get(o, "requiresAttributes"), a, &d->required_attribute_count);
    take_containers(d, json_object_get(o, "containerDefinitions"), a);
    take_volumes(d, json_object_get(o, "volumes"), a);
    d->need = ecs_task_need(d, NULL);
    return 0;
}

static const struct aws_operation describe = {AWS_ECS, "DescribeTaskDefinition", false, false, ecs_decode_definition, NULL, NULL};

void ecs_describe_task_definition(struct aws_with w, const char *arn, struct ecs_task_definition *ret)
{
    *ret = (struct ecs_task_definition){.arn = "", .family = "", .status = "", .network_mode = "", .arch = "", .os_family = "",
                                        .local_data_volume = ""};
    aws_call_begin(&ret->call);
    _cleanup_(buf_release) struct buf b;
    buf_init(&b, AWS_REQUEST_MAX);
    buf_add_char(&b, '{');
    aws_json_str(&b, "taskDefinition", arn);
    aws_job_submit(&(struct aws_job){.with = w, .op = &describe, .call = &ret->call, .ret = ret, .asked = 1}, &b);
    aws_call_settle(&ret->call);
}
