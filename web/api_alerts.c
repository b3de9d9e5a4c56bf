#include "web/jsonw.h"
#include "web/routes.h"

static void write_alert(struct jsonw *j, const struct web_request *r, const struct view_alert *v)
{
    const struct view_cluster *c = v->cluster >= 0 ? r->view->clusters[v->cluster] : NULL;
    jsonw_object(j, NULL);
    jsonw_str(j, "id", v->alert.id);
    jsonw_str(j, "severity", alert_severity_name(v->alert.severity));
    jsonw_str(j, "cluster", c ? c->name : NULL);
    jsonw_str(j, "account", c ? c->account : NULL);
    jsonw_str(j, "region", c ? c->region : NULL);
    jsonw_str(j, "target", v->alert.target);
    jsonw_time(j, "since", v->alert.since_ms);
    jsonw_str(j, "what", v->alert.what);
    jsonw_str(j, "remedy", v->alert.remedy);
    jsonw_end(j);
}

void web_write_alerts(struct jsonw *j, const struct web_request *r, const struct view_cluster *of)
{
    const struct view_notes *n = r->view->notes;
    jsonw_array(j, "alerts");
    for (size_t i = 0; i < n->alert_count; i++)
        if (of == NULL || (n->alerts[i].cluster >= 0 && r->view->clusters[n->alerts[i].cluster] == of))
            write_alert(j, r, &n->alerts[i]);
    jsonw_end(j);
}

static size_t index_of(const struct web_request *r, const struct view_cluster *c)
{
    size_t i = 0;
    while (r->view->clusters[i] != c)
        i++;
    return i;
}

void web_write_alert_count(struct jsonw *j, const struct web_request *r, int cluster)
{
    const struct view_notes *n = r->view->notes;
    int64_t count = 0;
    enum alert_severity worst = ALERT_INFO;
    for (size_t i = 0; i < n->alert_count; i++)
        if (n->alerts[i].cluster == cluster) {
            worst = n->alerts[i].alert.severity > worst ? n->alerts[i].alert.severity : worst;
            count++;
        }
    jsonw_object(j, "alert_count");
    jsonw_int(j, "total", count);
    jsonw_str(j, "worst", count ? alert_severity_name(worst) : NULL);
    jsonw_end(j);
}

void web_write_control(struct jsonw *j, const struct control *c)
{
    if (c->mode == CONTROL_RUN) {
        jsonw_null(j, "control");
        return;
    }
    jsonw_object(j, "control");
    jsonw_str(j, "mode", control_mode_name(c->mode));
    jsonw_str(j, "who", c->who);
    jsonw_str(j, "why", c->why);
    jsonw_time(j, "since", c->since_ms);
    jsonw_time(j, "until", c->until_ms);
    jsonw_end(j);
}

void web_write_notes(struct jsonw *j, const struct web_request *r, const struct view_cluster *c)
{
    size_t i = index_of(r, c);
    web_write_control(j, &r->view->notes->controls[i]);
    web_write_alert_count(j, r, (int)i);
}

void web_alerts(struct web_request *r, struct web_response *w)
{
    struct jsonw j;
    web_json_begin(r, w, &j);
    web_write_alerts(&j, r, NULL);
    jsonw_end(&j);
}

void web_cluster_alerts(struct web_request *r, struct web_response *w)
{
    const struct view_cluster *c = web_find_cluster(r, w);
    if (!c)
        return;
    struct jsonw j;
    web_json_begin(r, w, &j);
    jsonw_str(&j, "cluster", c->name);
    web_write_control(&j, &r->view->notes->controls[index_of(r, c)]);
    web_write_alerts(&j, r, c);
    jsonw_end(&j);
}
