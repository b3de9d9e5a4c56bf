// What a cluster is expected to need, and how good such forecasts were.
#include "web/jsonw.h"
#include "web/routes.h"

static const struct {
    const char *name;
    size_t at;
} quantiles[] = {
    {"q05", offsetof(struct outlook_curve, q05)}, {"q25", offsetof(struct outlook_curve, q25)}, {"q50", offsetof(struct outlook_curve, q50)},
    {"q75", offsetof(struct outlook_curve, q75)}, {"q90", offsetof(struct outlook_curve, q90)}, {"q95", offsetof(struct outlook_curve, q95)},
};

static void write_curves(struct jsonw *j, const struct view_outlook *o)
{
    jsonw_object(j, "columns");
    jsonw_array(j, "at_s");
    for (int k = 0; k < OUTLOOK_STEPS; k++)
        jsonw_int(j, NULL, (o->made_ms + k * OUTLOOK_STEP_MS) / 1000);
    jsonw_end(j);
    for (int of = 0; of < OUTLOOK_OF_COUNT; of++)
        for (size_t q = 0; q < ARRAY_LEN(quantiles); q++) {
            char name[64];
            const int64_t *v = (const int64_t *)((const char *)&o->of[of] + quantiles[q].at);
            snprintf(name, sizeof(name), "%s_%s", outlook_of_name((enum outlook_of)of), quantiles[q].name);
            if (!o->of[of].known) {
                jsonw_null(j, name);
                continue;
            }
            jsonw_array(j, name);
            for (int k = 0; k < OUTLOOK_STEPS; k++)
                jsonw_int(j, NULL, v[k]);
            jsonw_end(j);
        }
    jsonw_end(j);
}

static void write_errors(struct jsonw *j, const struct view_outlook *o)
{
    jsonw_array(j, "errors");
    for (int of = 0; of < OUTLOOK_OF_COUNT; of++)
        for (int lead = 0; lead < OUTLOOK_LEADS; lead++) {
            const struct outlook_error *e = &o->of[of].error[lead];
            if (e->samples == 0)
                continue;
            jsonw_object(j, NULL);
            jsonw_str(j, "of", outlook_of_name((enum outlook_of)of));
            jsonw_str(j, "ahead", outlook_lead_name(lead));
            jsonw_int(j, "samples", e->samples);
            jsonw_num(j, "mase", e->mase);
            jsonw_num(j, "pinball50", e->pinball50);
            jsonw_num(j, "pinball90", e->pinball90);
            jsonw_num(j, "cover90", e->cover90);
            jsonw_end(j);
        }
    jsonw_end(j);
}

static void write_levels(struct jsonw *j, const struct view_outlook *o)
{
    if (o->levels_judged == 0) {
        jsonw_null(j, "levels");
        return;
    }
    jsonw_object(j, "levels");
    jsonw_int(j, "judged", o->levels_judged);
    jsonw_num(j, "cover", o->levels_cover);
    jsonw_end(j);
}

void web_forecast(struct web_request *r, struct web_response *w)
{
    const struct view_cluster *c = web_find_cluster(r, w);
    struct jsonw j;
    if (!c)
        return;
    size_t index = 0;
    while (r->view->clusters[index] != c)
        index++;
    const struct view_outlook *o = &r->view->outlooks->clusters[index];
    web_json_begin(r, w, &j);
    jsonw_str(&j, "cluster", c->name);
    jsonw_time(&j, "made", o->made_ms);
    jsonw_str(&j, "why_none", o->made_ms ? o->why : "the history was not looked at yet");
    jsonw_int(&j, "step_s", OUTLOOK_STEP_MS / 1000);
    jsonw_int(&j, "count", o->made_ms ? OUTLOOK_STEPS : 0);
    jsonw_object(&j, "basis");
    for (int of = 0; of < OUTLOOK_OF_COUNT; of++)
        jsonw_str(&j, outlook_of_name((enum outlook_of)of), o->of[of].basis);
    jsonw_end(&j);
    if (o->made_ms)
        write_curves(&j, o);
    else
        jsonw_null(&j, "columns");
    write_errors(&j, o);
    write_levels(&j, o);
    jsonw_end(&j);
}
