#include "web/jsonw.h"
#include "web/routes.h"

static void write_memory(struct jsonw *j, const struct view_cluster *c, const struct memo_stamp *s)
{
    static const struct {
        enum pool_trouble trouble;
        const char *word;
    } WORDS[] = {{POOL_INTERRUPTED, "interrupted"}, {POOL_REFUSED, "out_of_stock"}, {POOL_SLOW, "slow"}, {POOL_WARNED, "warned"}, {POOL_IMPAIRED, "zone_down"}};
    if (!s) {
        jsonw_null(j, "memory");
        return;
    }
    jsonw_object(j, "memory");
    jsonw_array(j, "why");
    for (size_t k = 0; k < ARRAY_LEN(WORDS); k++)
        if (s->amount & WORDS[k].trouble)
            jsonw_str(j, NULL, WORDS[k].word);
    jsonw_end(j);
    jsonw_int(j, "failures", s->count);
    jsonw_time(j, "last", s->since_ms);
    jsonw_time(j, "avoided_until", s->until_ms > c->at_ms ? s->until_ms : 0);
    jsonw_end(j);
}

static void write_pool(struct jsonw *j, const struct view_cluster *c, const struct view_pool *x)
{
    jsonw_object(j, NULL);
    jsonw_str(j, "fleet", c->snapshot->fleets[x->fleet].id);
    jsonw_str(j, "type", x->type);
    jsonw_str(j, "zone", x->zone);
    jsonw_int(j, "weight_milli", x->weight_milli);
    jsonw_int_or_null(j, "spot_usd_micro_per_hour", x->spot_usd_micro);
    jsonw_int_or_null(j, "on_demand_usd_micro_per_hour", x->on_demand_usd_micro);
    jsonw_res_or_null(j, "nominal", x->nominal);
    jsonw_res_or_null(j, "capacity", x->capacity);
    if (res_is_zero(x->capacity))
        jsonw_null(j, "eni_slots");
    else
        jsonw_int(j, "eni_slots", x->capacity.v[RES_ENI]);
    jsonw_bool(j, "measured", x->measured);
    jsonw_int(j, "spot_instances", x->spot_instances);
    jsonw_int(j, "on_demand_instances", x->on_demand_instances);
    jsonw_int(j, "subnets", x->subnets);
    jsonw_int(j, "full_subnets", x->full_subnets);
    if (x->score) {
        jsonw_object(j, "placement_score");
        jsonw_int(j, "score", x->score->count);
        jsonw_time(j, "at", x->score->since_ms);
        jsonw_end(j);
    } else {
        jsonw_null(j, "placement_score");
    }
    write_memory(j, c, x->failed);
    jsonw_end(j);
}

void web_pools(struct web_request *r, struct web_response *w)
{
    const struct view_cluster *c = web_find_cluster(r, w);
    if (!c)
        return;
    struct jsonw j;
    web_json_begin(r, w, &j);
    jsonw_str(&j, "cluster", c->name);
    jsonw_int_or_null(&j, "tick", c->tick);
    jsonw_time(&j, "at", c->at_ms);
    jsonw_array(&j, "pools");
    for (size_t i = 0; c->ticked && i < c->pool_count; i++)
        write_pool(&j, c, &c->pools[i]);
    jsonw_end(&j);
    jsonw_end(&j);
}
