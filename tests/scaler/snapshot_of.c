// Writes what the daemon saw and remembered when something happened: {"snapshot": …, "memo": …}, for goldens of `masu plan`.
//
// usage: snapshot_of SEED CLUSTER-INDEX KIND   (KIND: the name of an action; the first tick of the cluster whose plan has it)
#include "base/json.h"
#include "base/parse.h"
#include "planner/model/model_json.h"
#include "scaler/rig.h"

static struct tick_ops inner;
static const char *wanted;
static size_t wanted_cluster, next_cluster;
static struct loop *running;

static bool has(const struct plan *p)
{
    for (size_t i = 0; i < p->action_count; i++)
        if (strcmp(action_kind_name(p->actions[i].kind), wanted) == 0)
            return true;
    return false;
}

static int watch_plan(void *arg, struct tick_frame *f, const struct planner_input *in, struct planner_result *ret, struct err *err)
{
    int rc = inner.plan(inner.arg, f, in, ret, err);
    (void)arg;
    if (rc != 0 || loop_stopped(running) || !has(&ret->plan))
        return rc;
    json_t *o = json_object();
    json_object_set_new(o, "snapshot", snapshot_to_json(in->snapshot));
    if (in->memo)
        json_object_set_new(o, "memo", memo_to_json(in->memo));
    struct buf b;
    buf_init(&b, 64 << 20);
    json_write_pretty(o, &b);
    json_decref(o);
    puts(buf_str(&b));
    buf_release(&b);
    loop_stop(running);
    return rc;
}

static void plant(void *arg, struct tick_ops *ops)
{
    (void)arg;
    if (next_cluster++ != wanted_cluster)
        return;
    inner = *ops;
    ops->plan = watch_plan;
}

int main(int argc, char **argv)
{
    uint64_t seed, cluster;
    struct rig r;
    struct err err = {0};
    if (argc != 4 || !parse_u64(slice_of(argv[1]), &seed) || !parse_u64(slice_of(argv[2]), &cluster))
        return 64;
    wanted_cluster = cluster;
    wanted = argv[3];
    if (rig_open(&(struct rig_options){.seed = seed, .plant_outer = plant}, &r, &err) != 0) {
        fprintf(stderr, "%s\n", err.msg);
        return 1;
    }
    running = r.loop;
    loop_run(r.loop, r.start_ms + 86400000);
    rig_close(&r);
    return 0;
}
