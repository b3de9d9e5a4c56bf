// Web and loop together, as fast as both can: one thread publishes ticks and writes the journal, others read every route.
// The suite `tsan` builds this with the thread sanitizer; elsewhere it shows that no answer is torn.
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <curl/curl.h>
#include <pthread.h>

#include "base/json.h"
#include "tests/web/http.h"
#include "tests/web/site.h"

#define READERS 4
#define TOKEN "a token of this test"
#define ROUNDS 25

static struct site site;
static atomic_bool done;
static atomic_int failures, answers, accepted, taken;

static const char *const paths[] = {
    "", "healthz", "readyz", "metrics", "openapi.json", "api/v1/clusters", "api/v1/clusters/east", "api/v1/clusters/west",
    "api/v1/clusters/east/instances", "api/v1/clusters/east/series?step=1m", "api/v1/clusters/east/history?kind=service&subject=worker", "api/v1/ticks?limit=20", "api/v1/ticks/1", "api/v1/alerts", "api/v1/clusters/east/alerts",
};

// Instances and decisions of one answer are of one tick: the tick's number is in each place that the loop sets.
static bool is_whole(const char *path, const struct http_got *got)
{
    if (strcmp(path, "api/v1/clusters/east") != 0)
        return true;
    json_t *j = NULL;
    if (json_parse(buf_slice(&got->body), path, &j, NULL) != 0)
        return false;
    json_t *cluster = json_object_get(j, "cluster");
    int64_t tick = json_int(cluster, "tick", -1);
    json_t *newest = json_array_get(json_object_get(cluster, "decisions"), 0);
    json_t *drains = json_object_get(cluster, "drains_total");
    bool whole = tick > 0 && json_int(newest, "tick", -2) == tick && json_int(drains, "begun", -3) == tick;
    json_decref(j);
    return whole;
}

static void *read_all(void *arg)
{
    (void)arg;
    for (int round = 0; round < ROUNDS; round++)
        for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
            struct http_got got;
            http_get(web_server_url(site.server), paths[i], NULL, &got);
            if ((got.status != 200 && got.status != 503 && got.status != 404) || !is_whole(paths[i], &got))
                atomic_fetch_add(&failures, 1);
            atomic_fetch_add(&answers, 1);
            http_release(&got);
        }
    return NULL;
}

// People who switch while ticks run: each answer is an answer, and each switch that was accepted is taken once.
static void *post_all(void *arg)
{
    (void)arg;
    for (int i = 0; i < ROUNDS * 4; i++) {
        static const char *const bodies[] = {"{\"mode\": \"pause\", \"why\": \"x\", \"cluster\": \"east\"}", "{}", "{\"mode\": 7}"};
        const struct http_ask ask = {.method = "POST", .body = bodies[i % 3], .headers = {i % 5 ? "Authorization: Bearer " TOKEN : "X: y",
                                                                                            "Content-Type: application/json"}};
        struct http_got got;
        http_get(web_server_url(site.server), i % 2 ? "api/v1/pause" : "api/v1/resume", &ask, &got);
        if (got.status == 202)
            atomic_fetch_add(&accepted, 1);
        else if (got.status != 400 && got.status != 401 && got.status != 503)
            atomic_fetch_add(&failures, 1);
        http_release(&got);
    }
    return NULL;
}

static void one_tick(int64_t cluster, int64_t at_ms)
{
    int64_t tick = 0;
    const struct state_tick_start start = {.cluster = cluster, .at_ms = at_ms, .policy_hash = "0", .mode = "act"};
    assert_int_equal(state_tick_begin(site.state, &start, &tick, NULL), 0);
    site.facts.memo.drains_begun = tick;
    const struct state_tick_end end = {.tick = tick, .snapshot = &site.facts.snapshot, .plan = &site.facts.plan, .memo = &site.facts.memo};
    assert_int_equal(state_tick_record(site.state, &end, NULL), 0);
    const struct view_act act = view_act_of(&site.facts.actions[0], VIEW_OK, NULL);
    const struct view_tick t = {.snapshot = &site.facts.snapshot, .plan = &site.facts.plan, .memo = &site.facts.memo, .acts = &act,
                                .act_count = 1, .tick = tick, .policy_hash = "0"};
    view_box_publish(&site.box, 0, &site.facts.policy_clusters[0], &t);
    if (tick % 5 == 0)
        view_box_publish_failed(&site.box, 1, tick, at_ms, "ListTasks: 503");
    const struct view_daemon daemon = {.version = "1", .speed = 1, .state_ok = true, .started_ms = FACTS_NOW_MS};
    view_box_publish_daemon(&site.box, &daemon);
    struct inbox_switch s;
    while (inbox_take(&site.inbox, &s)) {
        const struct control controls[2] = {{s.mode, s.who, s.why, at_ms, s.until_ms}, {CONTROL_RUN, "", "", 0, 0}};
        view_box_publish_notes(&site.box, NULL, 0, controls);
        atomic_fetch_add(&taken, 1);
    }
    view_box_beat(&site.box);
}

static void *publish_all(void *arg)
{
    int64_t cluster = *(int64_t *)arg, at_ms = FACTS_NOW_MS;
    while (!atomic_load(&done))
        one_tick(cluster, at_ms += 1000);
    return NULL;
}

static void no_answer_is_torn_while_the_loop_publishes(void **state)
{
    (void)state;
    pthread_t loop, readers[READERS], posters[2];
    int64_t cluster = 0;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    site_start(&site, &(struct site_options){.token = TOKEN});
    assert_int_equal(state_cluster(site.state, "123456789012", "eu-west-1", "east", &cluster, NULL), 0);
    one_tick(cluster, FACTS_NOW_MS);
    assert_int_equal(pthread_create(&loop, NULL, publish_all, &cluster), 0);
    for (int i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&readers[i], NULL, read_all, NULL), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&posters[i], NULL, post_all, NULL), 0);
    for (int i = 0; i < READERS; i++)
        pthread_join(readers[i], NULL);
    for (int i = 0; i < 2; i++)
        pthread_join(posters[i], NULL);
    atomic_store(&done, true);
    pthread_join(loop, NULL);
    one_tick(cluster, FACTS_NOW_MS + 86400000);
    assert_true(atomic_load(&accepted) > 0);
    assert_int_equal(atomic_load(&taken), atomic_load(&accepted));
    assert_int_equal(atomic_load(&failures), 0);
    assert_int_equal(atomic_load(&answers), READERS * ROUNDS * (int)ARRAY_LEN(paths));
    site_stop(&site);
    curl_global_cleanup();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(no_answer_is_torn_while_the_loop_publishes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
