#include "planner/sim/world_internal.h"

enum { SAMPLE_MS = 60000, HOUR_MS = 3600000 };

static void add_services(const struct world *w, struct world_now *n)
{
    for (size_t i = 0; i < w->service_count; i++) {
        const struct world_service *s = &w->services[i];
        if (s->daemon)
            continue;
        int32_t placed = s->running + s->pending - s->unplaced;
        n->demanded += s->desired;
        n->waiting += s->desired > placed ? s->desired - placed : 0;
    }
}

static bool empty(const struct world *w, const struct world_instance *i)
{
    for (int t = i->first_task; t >= 0; t = w->tasks[t].next_of_instance)
        if (w->tasks[t].service < 0 || !w->services[w->tasks[t].service].daemon)
            return false;
    return true;
}

static void add_spare(const struct world *w, const struct world_instance *i, struct world_spare *to)
{
    if (i->status.now == WE_NONE || i->status.now == WE_REGISTERING)
        to->booting++;
    else if (i->status.now == WE_DRAINING)
        to->draining++;
    else if (i->status.now == WE_ACTIVE && empty(w, i))
        to->empty++;
}

static void add_instances(const struct world *w, struct world_now *n)
{
    for (size_t k = 0; k < w->instance_count; k++) {
        const struct world_instance *i = &w->instances[k];
        if (!i->used || (i->state.now != WL_PENDING && i->state.now != WL_RUNNING))
            continue;
        const struct world_pool *p = &w->pools[i->pool];
        n->instances++;
        add_spare(w, i, &n->spare);
        n->cost_usd_micro_hour += i->spot ? p->spot_usd_micro : w->types[p->type].on_demand_usd_micro;
    }
}

static void refresh(struct world *w)
{
    double need = w->is.need;
    w->is = (struct world_now){.need = need};
    add_services(w, &w->is);
    add_instances(w, &w->is);
    w->is.batch_waiting = (int64_t)w->batch_count;
    w->is.demanded += w->standalone + w->is.batch_waiting;
    w->is.waiting += w->is.batch_waiting;
    w->dirty = false;
}

void account_to(struct world *w, int64_t at_ms)
{
    int64_t dt = at_ms - w->accounted_ms;
    if (dt <= 0)
        return;
    if (w->dirty)
        refresh(w);
    waits_now(&w->waits, &w->arena, w->is.waiting, w->accounted_ms);
    const struct world_now *n = &w->is;
    double d = (double)dt;
    w->demanded_ms += n->demanded * dt;
    w->waited_ms += n->waiting * dt;
    w->batch_waited_ms += n->batch_waiting * dt;
    w->instance_ms += (double)n->instances * d;
    w->need_ms += n->need * d;
    w->spare_ms.booting += n->spare.booting * d;
    w->spare_ms.draining += n->spare.draining * d;
    w->spare_ms.empty += n->spare.empty * d;
    w->cost_area += n->cost_usd_micro_hour * dt;
    w->min_instances = w->min_instances < 0 || n->instances < w->min_instances ? n->instances : w->min_instances;
    w->max_instances = n->instances > w->max_instances ? n->instances : w->max_instances;
    w->open_point.instances += (double)n->instances * d;
    w->open_point.need += n->need * d;
    w->open_point.demanded += (double)n->demanded * d;
    w->open_point.waiting += (double)n->waiting * d;
    w->open_cost += n->cost_usd_micro_hour * dt;
    w->open_hour.task_seconds += n->demanded * dt;
    w->open_hour.task_seconds_waited += n->waiting * dt;
    w->accounted_ms = at_ms;
}

// What an instance of the cluster's fleets has for tasks, on average: those there are, else those the overrides allow.
static int mean_capacity(const struct world *w, int cluster, double ret[RES_COUNT])
{
    int n = 0;
    for (int k = 0; k < RES_COUNT; k++)
        ret[k] = 0;
    for (size_t m = 0; m < w->instance_count; m++) {
        const struct world_instance *i = &w->instances[m];
        if (!i->used || i->cluster != cluster || i->fleet < 0 || i->status.now != WE_ACTIVE)
            continue;
        n++;
        for (int k = 0; k < RES_COUNT; k++)
            ret[k] += (double)i->registered.v[k];
    }
    for (size_t f = 0; n == 0 && f < w->fleet_count; f++) {
        for (int o = 0; w->fleets[f].cluster == cluster && o < w->fleets[f].override_count; o++) {
            struct res r = machine_registers(&w->types[w->fleets[f].overrides[o].type], &w->templates[w->fleets[f].template]);
            n++;
            for (int k = 0; k < RES_COUNT; k++)
                ret[k] += (double)r.v[k];
        }
    }
    for (int k = 0; k < RES_COUNT && n > 0; k++)
        ret[k] /= n;
    return n;
}

static double cluster_need(const struct world *w, int cluster)
{
    struct res want = {{0}}, daemons = {{0}};
    for (size_t n = 0; n < w->service_count; n++) {
        const struct world_service *s = &w->services[n];
        if (s->cluster != cluster)
            continue;
        struct res one = w->taskdefs[world_service_taskdef(s)].need;
        if (s->daemon)
            daemons = res_add(daemons, one);
        else
            want = res_add(want, res_scale(one, s->desired));
    }
    for (size_t i = 0; i < w->instance_count; i++) {
        if (!w->instances[i].used || w->instances[i].cluster != cluster)
            continue;
        for (int t = w->instances[i].first_task; t >= 0; t = w->tasks[t].next_of_instance)
            if (w->tasks[t].service < 0 && task_wanted(&w->tasks[t]))
                want = res_add(want, w->tasks[t].need);
    }
    for (size_t b = 0; b < w->batch_count; b++)
        if (w->batch[b].cluster == cluster)
            want = res_add(want, w->taskdefs[w->batch[b].taskdef].need);
    double mean[RES_COUNT], most = 0;
    if (mean_capacity(w, cluster, mean) == 0)
        return 0;
    const struct world_cluster *c = &w->clusters[cluster];
    for (int k = 0; k < RES_COUNT; k++) {
        double need = (double)want.v[k] * (1 + (double)c->headroom_permyriad / 10000) + (double)c->headroom.v[k];
        double room = mean[k] - (double)daemons.v[k];
        if (need > 0 && room > 0 && need / room > most)
            most = need / room;
    }
    int64_t whole = (int64_t)most;
    return (double)(whole + ((double)whole < most));
}

static void close_point(struct world *w)
{
    struct world_point p = w->open_point;
    p.instances /= WORLD_SERIES_MS;
    p.need /= WORLD_SERIES_MS;
    p.demanded /= WORLD_SERIES_MS;
    p.waiting /= WORLD_SERIES_MS;
    p.cost_usd_micro = w->open_cost / HOUR_MS;
    w->open_cost -= p.cost_usd_micro * HOUR_MS;  // what is less than a micro-dollar goes on to the next
    w->series = arena_grow(&w->arena, w->series, w->series_count, &w->series_cap, sizeof *w->series);
    w->series[w->series_count++] = p;
    w->open_point = (struct world_point){.at_ms = w->now_ms};
}

static void close_hour(struct world *w)
{
    struct world_hour h = w->open_hour;
    h.task_seconds /= 1000;
    h.task_seconds_waited /= 1000;
    w->hours = arena_grow(&w->arena, w->hours, w->hour_count, &w->hour_cap, sizeof *w->hours);
    w->hours[w->hour_count++] = h;
    w->open_hour = (struct world_hour){.at_ms = w->now_ms};
}

void account_series_step(struct world *w)
{
    int64_t since_ms = w->now_ms - w->o.start_ms;
    if (since_ms > 0 && since_ms % WORLD_SERIES_MS == 0)
        close_point(w);
    if (since_ms > 0 && since_ms % HOUR_MS == 0)
        close_hour(w);
    w->is.need = 0;
    for (size_t c = 0; c < w->cluster_count; c++)
        w->is.need += cluster_need(w, (int)c);
    queue_push(w, w->now_ms + SAMPLE_MS, WEV_SERIES, 0, 0, 0);
}

static void lowest_two_hours(const struct world *w, struct world_summary *s)
{
    enum { TWO_HOURS = 2 * HOUR_MS / WORLD_SERIES_MS, FIRST = HOUR_MS / WORLD_SERIES_MS };
    double best = -1;
    for (size_t from = FIRST; from + TWO_HOURS <= w->series_count; from++) {
        double instances = 0, need = 0;
        for (size_t i = from; i < from + TWO_HOURS; i++) {
            instances += w->series[i].instances / TWO_HOURS;
            need += w->series[i].need / TWO_HOURS;
        }
        if (best < 0 || instances < best) {
            best = instances;
            s->lowest2h_instances = instances;
            s->lowest2h_need = need;
        }
    }
}

void world_summary(const struct world *w, struct world_summary *ret)
{
    int64_t ms = w->accounted_ms - w->o.start_ms;
    *ret = (struct world_summary){.virtual_ms = ms, .task_seconds = w->demanded_ms / 1000, .task_seconds_waited = w->waited_ms / 1000,
                                  .batch_seconds_waited = w->batch_waited_ms / 1000, .instance_hours = w->instance_ms / HOUR_MS,
                                  .cost_usd_micro = w->cost_area / HOUR_MS, .instances_max = w->max_instances,
                                  .instances_min = w->min_instances < 0 ? 0 : w->min_instances,
                                  .tasks_killed = w->counters.tasks_killed, .interruptions = w->counters.interruptions,
                                  .interrupted_tasks = w->counters.interrupted_tasks,
                                  .interrupted_tasks_in_time = w->counters.interrupted_tasks_in_time,
                                  .drains_begun = w->counters.drains_begun, .drains_finished = w->counters.drains_finished,
                                  .drains_undone = w->counters.drains_undone, .counters = w->counters, .series = w->series,
                                  .series_count = w->series_count, .hours = w->hours, .hour_count = w->hour_count};
    if (ms > 0) {
        ret->instances_mean = w->instance_ms / (double)ms;
        ret->need_mean = w->need_ms / (double)ms;
        ret->spare_mean = (struct world_spare){w->spare_ms.booting / (double)ms, w->spare_ms.draining / (double)ms, w->spare_ms.empty / (double)ms};
    }
    lowest_two_hours(w, ret);
}

void world_set_headroom(struct world *w, int cluster, int64_t permyriad, struct res whole)
{
    assert(cluster >= 0 && (size_t)cluster < w->cluster_count);
    w->clusters[cluster].headroom_permyriad = permyriad;
    w->clusters[cluster].headroom = whole;
}
