#include "policies/policy_check.h"

#include <string.h>

#include "base/zone.h"
#include "policies/window.h"

static const char *short_name(const char *cluster)
{
    const char *slash = strrchr(cluster, '/');
    return slash ? slash + 1 : cluster;
}

// "Key=Value", as EC2 takes them: what is before the first "=" is the key.
static bool is_tag(const char *text)
{
    const char *equals = strchr(text, '=');
    return equals && equals > text && equals - text <= 128 && equals[1] != '\0' && strlen(equals + 1) <= 256 &&
           strncmp(text, "aws:", 4) != 0;
}

// What goes into tags and file-like names: a word.
#define SCORES_EVERY_MS 900000
#define REQUESTS_EVERY_MS 300000
#define WORD "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."

static bool is_word(const char *text, size_t max)
{
    size_t n = strspn(text, WORD);
    return n > 0 && n <= max && text[n] == '\0';
}

static void check_words_once(const struct policy_word *v, size_t count, const char *prefix, const char *path, struct policy_report *r)
{
    for (size_t k = 0; k < count; k++) {
        const char *at = arena_printf(r->arena, "%s[%zu]", path, k);
        bool again = false;
        for (size_t b = 0; b < k; b++)
            again = again || strcmp(v[k].text, v[b].text) == 0;
        if (again)
            policy_report_add(r, false, AT_VALUE, at, arena_printf(r->arena, "\"%s\" is there twice", v[k].text), "once each");
        if (*v[k].text && (!is_word(v[k].text, 60) || strncmp(v[k].text, prefix, strlen(prefix)) != 0))
            policy_report_add(r, false, AT_VALUE, at, *prefix ? "is no id of a subnet" : "is no instance type",
                              *prefix ? "\"subnet-…\"" : "such as \"c5.large\"");
    }
}

static bool is_version(const char *text)
{
    return strcmp(text, "$Default") == 0 || strcmp(text, "$Latest") == 0 || (*text && strspn(text, "0123456789") == strlen(text) && strlen(text) < 10);
}

static void check_instant(const struct policy_fleet *f, const char *path, struct policy_report *r)
{
    const struct policy_instant *x = &f->instant;
    const char *at = arena_printf(r->arena, "%s.instant", path);
    if (!*x->name)
        return;
    if (*f->id || *f->tag || *f->group)
        policy_report_add(r, false, AT_VALUE, at, arena_printf(r->arena, "%s is there too", *f->id ? "id" : *f->tag ? "tag" : "group"), "one of the two");
    if (!is_word(x->name, 60) || strncmp(x->name, "sfr-", 4) == 0 || strncmp(x->name, "fleet-", 6) == 0)
        policy_report_add(r, false, AT_VALUE, arena_printf(r->arena, "%s.name", at), "is no name for it", "a word of letters, digits, - _ and .");
    if (*x->launch_template && strspn(x->launch_template, WORD "()/") != strlen(x->launch_template))
        policy_report_add(r, false, AT_VALUE, arena_printf(r->arena, "%s.launch_template", at), "is neither id nor name of a launch template",
                          "\"lt-…\", or letters, digits and ( ) . / _ -");
    if (!is_version(x->version))
        policy_report_add(r, false, AT_VALUE, arena_printf(r->arena, "%s.version", at), "is no version of a launch template",
                          "a number, \"$Default\" or \"$Latest\"");
    if (f->min > 0)
        policy_report_add(r, false, AT_VALUE, arena_printf(r->arena, "%s.min", path), "instances launched one order at a time have no min",
                          "leave it out; headroom keeps capacity where nothing waits");
    if (x->type_count == 0 && f->requirements.vcpus_min == 0)
        policy_report_add(r, false, AT_VALUE, at, "names no types", "add \"types\": [\"c5.large\", …], or \"requirements\" beside it");
    check_words_once(x->types, x->type_count, "", arena_printf(r->arena, "%s.types", at), r);
    check_words_once(x->subnets, x->subnet_count, "subnet-", arena_printf(r->arena, "%s.subnets", at), r);
}

static void check_patterns(const struct policy_word *v, size_t count, const char *path, struct policy_report *r)
{
    for (size_t k = 0; k < count; k++)
        if (v[k].text && *v[k].text && strspn(v[k].text, "abcdefghijklmnopqrstuvwxyz0123456789-.*") != strlen(v[k].text))
            policy_report_add(r, false, AT_VALUE, arena_printf(r->arena, "%s[%zu]", path, k), "is no pattern of instance types",
                              "small letters, digits, - and ., * for any of them: \"c5*.large\"");
}

static void check_requirements(const struct policy_fleet *f, const char *path, struct policy_report *r)
{
    const struct policy_requirements *x = &f->requirements;
    const char *at = arena_printf(r->arena, "%s.requirements", path);
    if (x->vcpus_max > 0 && x->vcpus_max < x->vcpus_min)
        policy_report_add(r, false, AT_VALUE, arena_printf(r->arena, "%s.vcpus_max", at), "is below vcpus_min",
                          arena_printf(r->arena, "at least %" PRId64 ", or 0 for no bound", x->vcpus_min));
    if (x->memory_mib_max > 0 && x->memory_mib_max < x->memory_mib_min)
        policy_report_add(r, false, AT_VALUE, arena_printf(r->arena, "%s.memory_mib_max", at), "is below memory_mib_min",
                          arena_printf(r->arena, "at least %" PRId64 ", or 0 for no bound", x->memory_mib_min));
    check_patterns(x->allow, x->allow_count, arena_printf(r->arena, "%s.allow", at), r);
    check_patterns(x->exclude, x->exclude_count, arena_printf(r->arena, "%s.exclude", at), r);
}

static void check_fleet_name(const struct policy_fleet *f, const char *path, struct policy_report *r)
{
    if (!*f->id && !*f->tag && !*f->group && !*f->instant.name)
        policy_report_add(r, false, AT_VALUE, path, "has neither id nor group nor tag nor instant",
                          "add \"id\": \"sfr-…\" or \"fleet-…\", \"group\": \"NAME\", \"tag\": \"Key=Value\", or \"instant\"");
    check_instant(f, path, r);
    if (*f->group && (*f->id || *f->tag))
        policy_report_add(r, false, AT_VALUE, arena_printf(r->arena, "%s.group", path), *f->id ? "id is there too" : "tag is there too",
                          "one of the two");
    if (f->hook_count > 0 && !*f->group)
        policy_report_add(r, true, AT_VALUE, arena_printf(r->arena, "%s.hooks", path), "only an Auto Scaling group has lifecycle hooks", "name the group");
    if (f->hook_count > 1)
        policy_report_add(r, false, AT_VALUE, arena_printf(r->arena, "%s.hooks", path), "names more than one hook, masu answers one",
                          "only the hook of termination that waits for the drain; no other can be completed by masu");
    if (*f->id && *f->tag)
        policy_report_add(r, false, AT_VALUE, arena_printf(r->arena, "%s.tag", path), "id is there too",
                          "one of the two: an id is one fleet for ever, a tag whichever carries it");
    if (*f->id && strncmp(f->id, "sfr-", 4) != 0 && strncmp(f->id, "fleet-", 6) != 0)
        policy_report_add(r, true, AT_VALUE, arena_printf(r->arena, "%s.id", path), "is no id of a Spot Fleet request or an EC2 Fleet",
                          "\"sfr-…\" or \"fleet-…\"");
    if (*f->tag && !is_tag(f->tag))
        policy_report_add(r, false, AT_VALUE, arena_printf(r->arena, "%s.tag", path), "is no tag of yours",
                          "\"Key=Value\", such as \"Fleet=web-spot\"");
}

static void check_fleet(const struct policy *p, size_t cluster, size_t fleet, struct policy_report *r)
{
    const struct policy_fleet *f = &p->clusters[cluster].fleets[fleet];
    const char *path = arena_printf(r->arena, "clusters[%zu].fleets[%zu]", cluster, fleet);
    if (f->max >= 0 && f->min > f->max)
        policy_report_add(r, false, AT_VALUE, arena_printf(r->arena, "%s.min", path), "is above max",
                          arena_printf(r->arena, "at most %" PRId64 ", or raise max", f->max));
    if (f->max >= 0 && f->min == f->max)
        policy_report_add(r, true, AT_VALUE, path, "min is max", "masu never resizes this fleet");
    check_fleet_name(f, path, r);
    check_requirements(f, path, r);
}

static void check_words(const struct policy_fleet *f, const char *path, struct policy_report *r)
{
    if (*f->arch && strcmp(f->arch, "x86_64") != 0 && strcmp(f->arch, "arm64") != 0)
        policy_report_add(r, false, AT_VALUE, arena_printf(r->arena, "%s.arch", path), "unknown architecture",
                          "\"x86_64\" or \"arm64\"");
    for (size_t k = 0; k < f->attribute_count; k++)
        for (size_t b = 0; b < k; b++)
            if (*f->attributes[k].name && strcmp(f->attributes[k].name, f->attributes[b].name) == 0)
                policy_report_add(r, false, AT_VALUE, arena_printf(r->arena, "%s.attributes[%zu].name", path, k),
                                  arena_printf(r->arena, "\"%s\" is there twice", f->attributes[k].name), "one value each");
}

static void check_zone(const char *name, const char *path, struct policy_report *r)
{
    const struct zone *zone;
    struct err err = {0};
    if (!*name)
        policy_report_add(r, false, AT_VALUE, path, "is empty", "such as \"Asia/Tokyo\"");
    else if (zone_load(name, r->arena, &zone, &err) != 0)
        policy_report_add(r, false, AT_VALUE, path, arena_strdup(r->arena, err.msg), "a name of the IANA time zones, such as \"Asia/Tokyo\"");
}

void policy_check_window(const struct policy_window *w, const char *path, struct policy_report *r)
{
    unsigned days;
    int32_t minute;
    if (!window_days(w->days, &days))
        policy_report_add(r, false, AT_VALUE, arena_printf(r->arena, "%s.days", path), "no days of the week",
                          "such as \"mon-fri\", \"sat,sun\" or \"\" for every day");
    const char *const times[] = {w->from, w->to}, *const names[] = {"from", "to"};
    for (size_t k = 0; k < ARRAY_LEN(times); k++)
        if (*times[k] && !window_minute(times[k], &minute))
            policy_report_add(r, false, AT_VALUE, arena_printf(r->arena, "%s.%s", path, names[k]), "no time of day",
                              "\"HH:MM\", such as \"09:30\"");
    if (!*w->from != !*w->to)
        policy_report_add(r, false, AT_VALUE, arena_printf(r->arena, "%s.%s", path, *w->from ? "to" : "from"), "is required",
                          arena_printf(r->arena, "`from` and `to` go together; leave both out for the whole day"));
    check_zone(w->zone, arena_printf(r->arena, "%s.zone", path), r);
}

struct name_entry {
    const char *name;
    int index;
};

struct fleet_place {
    size_t cluster, fleet;
};

static int by_id(const void *a, const void *b)
{
    const struct name_entry *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    return order ? order : (x->index > y->index) - (x->index < y->index);
}

static const char *word_of(const struct policy_fleet *f)
{
    return *f->id ? "id" : *f->group ? "group" : *f->instant.name ? "instant.name" : "tag";
}

// Two clusters that resize one fleet would undo each other's work.
static void check_fleets_twice(const struct policy *p, struct policy_report *r)
{
    size_t total = 0, n = 0;
    for (size_t c = 0; c < p->cluster_count; c++)
        total += p->clusters[c].fleet_count;
    struct fleet_place *places = arena_array(r->arena, struct fleet_place, total);
    struct name_entry *ids = arena_array(r->arena, struct name_entry, total);
    for (size_t c = 0; c < p->cluster_count; c++)
        for (size_t f = 0; f < p->clusters[c].fleet_count; f++, n++) {
            places[n] = (struct fleet_place){c, f};
            const struct policy_fleet *x = &p->clusters[c].fleets[f];
            const char *name = policy_fleet_name(x);
            if (*x->instant.name)  // of each cluster for itself, as its tag is
                name = arena_printf(r->arena, "%s/%s", short_name(p->clusters[c].name), name);
            ids[n] = (struct name_entry){name, (int)n};
        }
    if (total > 1)
        qsort(ids, total, sizeof *ids, by_id);
    for (size_t i = 1; i < total; i++) {
        const struct fleet_place *first = &places[ids[i - 1].index], *again = &places[ids[i].index];
        if (*ids[i].name && strcmp(ids[i - 1].name, ids[i].name) == 0)
            policy_report_add(
                r, false, AT_VALUE, arena_printf(r->arena, "clusters[%zu].fleets[%zu].%s", again->cluster, again->fleet,
                             word_of(&p->clusters[again->cluster].fleets[again->fleet])),
                arena_printf(r->arena, "\"%s\" is also clusters[%zu].fleets[%zu]", ids[i].name, first->cluster, first->fleet),
                "a fleet belongs to one cluster, once");
    }
}

// It goes into ARNs, logs and terminals: what ECS does not take as a name is none.
static void check_name(const struct policy_cluster *c, size_t i, struct policy_report *r)
{
    const char *name = short_name(c->name);
    size_t n = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");
    bool arn = name == c->name || strncmp(c->name, "arn:", 4) == 0;
    if (*c->name && (name[n] != '\0' || n == 0 || n > 255 || !arn))
        policy_report_add(r, false, AT_VALUE, arena_printf(r->arena, "clusters[%zu].name", i), "is no name of an ECS cluster",
                          "up to 255 letters, digits, - and _, or the cluster's ARN");
}

static void check_usage(const struct policy_usage *u, const char *path, struct policy_report *r)
{
    const char *at = arena_printf(r->arena, "%s.prometheus", path);
    const char *page = arena_printf(r->arena, "%s.cadvisor.path", path);
    bool basic = *u->user || *u->password_env || *u->password_file, bearer = *u->bearer_env || *u->bearer_file;
    if (u->cadvisor_path[0] != '/' || u->cadvisor_path[strcspn(u->cadvisor_path, " \t\r\n#\"<>\\")] != '\0')
        policy_report_add(r, false, AT_VALUE, page, "is no path", "\"/metrics\"");
    if (!*u->url)
        return;
    if (u->cadvisor_port > 0)
        policy_report_add(r, false, AT_VALUE, arena_printf(r->arena, "%s.cadvisor", path), "is a second source of use", "prometheus or cadvisor, one of the two");
    if (strncmp(u->url, "http://", 7) != 0 && strncmp(u->url, "https://", 8) != 0)
        policy_report_add(r, false, AT_VALUE, arena_printf(r->arena, "%s.url", at), "is no URL", "\"http://prometheus:9090\"");
    if (basic + bearer + (*u->sigv4_region != '\0') > 1)
        policy_report_add(r, false, AT_VALUE, at, "has several ways to authorise", "one of user, bearer and sigv4_region");
    if ((*u->password_env && *u->password_file) || (*u->bearer_env && *u->bearer_file))
        policy_report_add(r, false, AT_VALUE, at, "has a secret twice", "the environment variable or the file, one of the two");
    if (basic && !*u->user)
        policy_report_add(r, false, AT_VALUE, at, "has a password and no user", "add \"user\"");
    const char *const queries[] = {u->cpu_query, u->memory_query, u->tasks_query, u->fresh_query, u->label};
    for (size_t k = 0; k < sizeof queries / sizeof queries[0]; k++)
        if (!*queries[k])
            policy_report_add(r, false, AT_VALUE, at, "has an empty query or label", "leave it out for the default");
}

static void check_cluster(const struct policy *p, size_t i, struct policy_report *r)
{
    const struct policy_cluster *c = &p->clusters[i];
    check_name(c, i, r);
    for (size_t k = 0; *c->name && k < i; k++) {
        const struct policy_cluster *other = &p->clusters[k];
        if (strcmp(short_name(c->name), short_name(other->name)) == 0 && strcmp(c->region, other->region) == 0 &&
            strcmp(c->account, other->account) == 0)
            policy_report_add(r, false, AT_VALUE, arena_printf(r->arena, "clusters[%zu].name", i),
                              arena_printf(r->arena, "\"%s\" is also clusters[%zu]", short_name(c->name), k),
                              "one entry a cluster, with all its fleets");
    }
    if (c->max_age_ms < 2 * c->period_ms)
        policy_report_add(r, true, AT_VALUE, arena_printf(r->arena, "clusters[%zu].max_age_s", i),
                          "is under two periods: one late look makes facts unknown and stops scale-in",
                          arena_printf(r->arena, "at least %" PRId64 " s", 2 * c->period_ms / 1000));
    if (c->placement_scores_ms > 0 && c->placement_scores_ms < SCORES_EVERY_MS)
        policy_report_add(r, false, AT_VALUE, arena_printf(r->arena, "clusters[%zu].scale_out.placement_scores_s", i),
                          "is too often: AWS limits these questions by the day", "900 or more; 0: never");
    if (c->requests_ms > 0 && c->requests_ms < REQUESTS_EVERY_MS)
        policy_report_add(r, false, AT_VALUE, arena_printf(r->arena, "clusters[%zu].requests.every_s", i),
                          "is too often: they come by five minutes, and each question costs", "300 or more; 0: never");
    check_usage(&c->usage, arena_printf(r->arena, "clusters[%zu].usage", i), r);
    for (size_t k = 0; k < c->headroom_task_count; k++)
        for (size_t b = 0; b < k; b++)
            if (*c->headroom_tasks[k].service && strcmp(c->headroom_tasks[k].service, c->headroom_tasks[b].service) == 0)
                policy_report_add(r, false, AT_VALUE, arena_printf(r->arena, "clusters[%zu].headroom.tasks[%zu].service", i, k),
                                  arena_printf(r->arena, "\"%s\" is there twice", c->headroom_tasks[k].service),
                                  "one entry a service");
    for (size_t k = 0; k < c->fleet_count; k++) {
        check_fleet(p, i, k, r);
        check_words(&c->fleets[k], arena_printf(r->arena, "clusters[%zu].fleets[%zu]", i, k), r);
    }
    check_zone(c->time_zone, arena_printf(r->arena, "clusters[%zu].scale_out.time_zone", i), r);
    policy_check_calendar(&c->calendar, arena_printf(r->arena, "clusters[%zu].calendar", i), r);
    for (size_t k = 0; k < c->freeze_count; k++)
        policy_check_window(&c->freeze[k].window, arena_printf(r->arena, "clusters[%zu].freeze[%zu]", i, k), r);
    for (size_t k = 0; k < c->budget_count; k++)
        policy_check_window(&c->budgets[k].window, arena_printf(r->arena, "clusters[%zu].scale_in.budgets[%zu]", i, k), r);
}

// ".../ACCOUNT/NAME", as SQS makes them.
static void check_queue(const struct policy *p, size_t i, struct policy_report *r)
{
    const struct policy_queue *q = &p->queues[i];
    const char *path = arena_printf(r->arena, "events[%zu].queue_url", i), *name = strrchr(q->url, '/');
    bool url = strncmp(q->url, "https://", 8) == 0 || strncmp(q->url, "http://", 7) == 0;
    size_t digits = name && name - q->url > 13 ? strspn(name - 12, "0123456789") : 0;
    if (*q->url && (!url || !name || name[1] == '\0' || digits != 12 || name[-13] != '/'))
        policy_report_add(r, false, AT_VALUE, path, "is no URL of a queue", "\"https://sqs.REGION.amazonaws.com/ACCOUNT/NAME\"");
    if (name && strlen(name) > 5 && strcmp(name + strlen(name) - 5, ".fifo") == 0)
        policy_report_add(r, false, AT_VALUE, path, "is a FIFO queue", "a standard queue: EventBridge's order is none, and a stuck group would hold notices");
    for (size_t k = 0; *q->url && k < i; k++)
        if (strcmp(q->url, p->queues[k].url) == 0)
            policy_report_add(r, false, AT_VALUE, path, arena_printf(r->arena, "is also events[%zu]", k), "each queue once");
}

void policy_check(const struct policy *p, struct policy_report *report)
{
    for (size_t i = 0; i < p->queue_count; i++)
        check_queue(p, i, report);
    for (size_t i = 0; i < p->cluster_count; i++)
        check_cluster(p, i, report);
    check_fleets_twice(p, report);
    if (*p->alerts.webhook_url && *p->alerts.webhook_url_env)
        policy_report_add(report, false, AT_VALUE, "alerts.webhook_url_env", "webhook_url is there too", "one of the two");
    if (*p->alerts.webhook_url && strncmp(p->alerts.webhook_url, "http://", 7) != 0 &&
        strncmp(p->alerts.webhook_url, "https://", 8) != 0)
        policy_report_add(report, false, AT_VALUE, "alerts.webhook_url", "no URL", "\"https://…\"");
    for (size_t i = 0; i < p->alerts.webhook_header_count; i++) {
        const struct policy_header *h = &p->alerts.webhook_headers[i];
        if (!*h->value_env == !*h->value_file)
            policy_report_add(report, false, AT_VALUE, arena_printf(report->arena, "alerts.webhook_headers[%zu]", i),
                              *h->value_env ? "value_env and value_file are both there" : "has no value", "value_env or value_file, one of the two");
    }
    if (!*p->owner)
        policy_report_add(report, false, AT_VALUE, "owner", "is empty", "a word of your own, or leave it out for \"masu\"");
}
