// What masu explain and the web API say of a tick and of one candidate.
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/json.h"
#include "state/explain.h"
#include "tests/state/box.h"

#define FIRST "i-0aaa000000000001"
#define SECOND "i-0bbb000000000002"

static json_t *explain(struct box *b, struct state *s, int64_t tick, const char *candidate)
{
    struct err err = {0};
    json_t *doc = NULL;
    const struct state_question q = {.tick = tick, .candidate = candidate};
    if (state_explain(state_reader_of(s), &q, &b->arena, &doc, &err) != 0)
        fail_msg("%s", err.msg);
    return doc;
}

static int refused(struct box *b, struct state *s, const struct state_question *q, const char *words)
{
    struct err err = {0};
    json_t *doc = NULL;
    int rc = state_explain(state_reader_of(s), q, &b->arena, &doc, &err);
    assert_null(doc);
    if (!strstr(err.msg, words))
        fail_msg("\"%s\" does not say \"%s\"", err.msg, words);
    return rc;
}

static int64_t acting_tick(struct box *b, struct state *s, enum outcome_kind outcome, const struct err *of_call)
{
    int64_t tick = box_begin(s, box_cluster(s), FACTS_NOW_MS), intent = 0;
    const struct state_intent i = box_intent(b, tick);
    assert_int_equal(state_intent(s, &i, &intent, NULL), 0);
    clock_advance_to(&b->clock, clock_wall_ms(&b->clock) + 131);
    assert_int_equal(state_outcome(s, intent, outcome, of_call, NULL), 0);
    box_record(b, s, tick, &b->facts.plan);
    return tick;
}

static const json_t *at(const json_t *doc, const char *key, size_t i)
{
    const json_t *item = json_array_get(json_object_get(doc, key), i);
    assert_non_null(item);
    return item;
}

static void a_tick_tells_facts_actions_with_outcomes_verdicts_and_caps(void **state)
{
    struct box *b = *state;
    struct state *s = box_open(b, ":memory:", NULL);
    const struct err busy = {.kind = ERR_CONFLICT, .http_status = 400, .msg = "fleet is modifying"};
    json_t *doc = explain(b, s, acting_tick(b, s, OUTCOME_FAILED, &busy), NULL);
    const json_t *facts = json_object_get(doc, "facts"), *action = at(doc, "actions", 0), *capped = at(doc, "capped", 0);
    assert_string_equal(json_str(doc, "cluster"), "east");
    assert_string_equal(json_str(doc, "at"), "2026-01-15T14:04:34Z");
    assert_string_equal(json_str(doc, "mode"), "act");
    assert_string_equal(json_str(doc, "masu"), MASU_VERSION);
    assert_int_equal(json_int(facts, "instances", 0), 4);
    assert_int_equal(json_int(facts, "tasks", 0), 5);
    const json_t *tasks = at(facts, "sources", SOURCE_TASKS);
    assert_string_equal(json_str(tasks, "source"), "tasks");
    assert_string_equal(json_str(tasks, "state"), "partial");
    assert_int_equal(json_int(tasks, "age_ms", 0), 240000);
    assert_string_equal(json_str(tasks, "detail"), "ListTasks: 503");
    assert_int_equal(json_int(json_object_get(doc, "summary"), "instances", 0), 4);
    assert_string_equal(json_str(action, "outcome"), "failed");
    assert_string_equal(json_str(action, "outcome_detail"), "fleet is modifying");
    assert_string_equal(json_str(action, "finished"), "2026-01-15T14:04:34.131Z");
    assert_string_equal(json_str(action, "reason"), "1 task of web fits on 0 of 3 instances -> launch");
    assert_int_equal(json_array_size(json_object_get(doc, "verdicts")), 3);
    assert_int_equal(json_array_size(json_object_get(doc, "capped")), 1);
    assert_int_equal(json_int(capped, "wanted", 0), 40);
    assert_int_equal(json_int(capped, "allowed", 0), 24);
    assert_string_equal(json_str(at(doc, "drains", 0), "instance"), SECOND);
    assert_null(json_object_get(doc, "candidate"));
    json_decref(doc);
    state_close(s);
}

static void an_action_without_intent_is_skipped_and_a_tick_cut_short_tells_its_intents(void **state)
{
    struct box *b = *state;
    struct state *s = box_open(b, ":memory:", NULL);
    int64_t tick = box_begin(s, box_cluster(s), FACTS_NOW_MS), intent = 0;
    box_record(b, s, tick, &b->facts.plan);
    json_t *doc = explain(b, s, 0, NULL);
    assert_int_equal(json_int(doc, "tick", 0), tick);
    assert_string_equal(json_str(at(doc, "actions", 0), "outcome"), "skipped");
    json_decref(doc);
    tick = box_begin(s, box_cluster(s), FACTS_NOW_MS);
    const struct state_intent i = box_intent(b, tick);
    assert_int_equal(state_intent(s, &i, &intent, NULL), 0);
    doc = explain(b, s, tick, NULL);
    assert_true(json_is_false(json_object_get(doc, "recorded")));
    assert_true(json_is_null(json_object_get(doc, "facts")));
    assert_true(json_is_null(json_object_get(at(doc, "actions", 0), "outcome")));
    assert_string_equal(json_str(at(doc, "actions", 0), "kind"), "set_target");
    json_decref(doc);
    state_close(s);
}

static void a_tick_that_is_not_there_is_told_apart(void **state)
{
    struct box *b = *state;
    struct state *s = box_open(b, ":memory:", NULL);
    int64_t c = box_cluster(s), other = 0;
    assert_int_equal(refused(b, s, &(struct state_question){0}, "no tick yet"), ERR_NOT_FOUND);
    assert_int_equal(state_cluster(s, "123456789012", "eu-west-1", "west", &other, NULL), 0);
    for (int i = 0; i < 3; i++)
        box_quiet_tick(b, s, i == 1 ? other : c, FACTS_NOW_MS);
    assert_int_equal(db_exec(&s->db, "DELETE FROM ticks WHERE id = 1", NULL), 0);
    assert_int_equal(refused(b, s, &(struct state_question){.tick = 1}, "not kept any more; the oldest is 2"), ERR_NOT_FOUND);
    assert_int_equal(refused(b, s, &(struct state_question){.tick = 9}, "no tick 9 yet; the newest is 3"), ERR_NOT_FOUND);
    assert_int_equal(refused(b, s, &(struct state_question){.cluster = c, .tick = 2}, "oldest of this cluster is 3"), ERR_NOT_FOUND);
    assert_int_equal(db_exec(&s->db, "UPDATE bodies SET body = x'0000000000'", NULL), 0);
    assert_int_equal(refused(b, s, &(struct state_question){.tick = 3}, "tick 3"), ERR_CORRUPT);
    state_close(s);
}

static void a_candidate_is_found_by_the_beginning_of_its_name(void **state)
{
    struct box *b = *state;
    struct state *s = box_open(b, ":memory:", NULL);
    box_quiet_tick(b, s, box_cluster(s), FACTS_NOW_MS);
    static const struct { const char *asked, *kind, *id; } cases[] = {
        {FIRST, "instance", FIRST}, {"i-0b", "instance", SECOND}, {"sfr-0000", "fleet", NULL}, {"worker", "service", "worker"},
        {"worker:3", "shape", "worker:3"}, {"web:", "shape", "web:7"}, {"log", NULL, NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        if (!cases[i].kind) {
            assert_int_equal(refused(b, s, &(struct state_question){.candidate = cases[i].asked}, "begin with \"log\": logs, logs:1"), ERR_INVALID);
            continue;
        }
        json_t *doc = explain(b, s, 0, cases[i].asked);
        const json_t *c = json_object_get(doc, "candidate");
        assert_string_equal(json_str(c, "kind"), cases[i].kind);
        assert_string_equal(json_str(c, "id"), cases[i].id ? cases[i].id : b->facts.fleets[0].id);
        assert_true(json_is_object(json_object_get(c, "facts")));
        json_decref(doc);
    }
    assert_int_equal(refused(b, s, &(struct state_question){.candidate = "i-9"}, "no instance, fleet, service or shape \"i-9\""), ERR_NOT_FOUND);
    state_close(s);
}

static void an_instance_tells_its_tasks_their_services_its_drain_and_what_was_done(void **state)
{
    struct box *b = *state;
    struct state *s = box_open(b, ":memory:", NULL);
    b->facts.actions[0].target = SECOND;
    acting_tick(b, s, OUTCOME_OK, NULL);
    json_t *doc = explain(b, s, 0, SECOND);
    const json_t *c = json_object_get(doc, "candidate");
    assert_string_equal(json_str(at(c, "verdicts", 0), "reason"), "1 protected task -> wait");
    assert_string_equal(json_str(at(json_object_get(c, "facts"), "tasks", 0), "service"), "worker");
    assert_string_equal(json_str(at(c, "services", 0), "name"), "worker");
    assert_int_equal(json_array_size(json_object_get(c, "services")), 1);
    assert_string_equal(json_str(json_object_get(c, "drain"), "state"), "draining");
    assert_string_equal(json_str(at(c, "actions", 0), "outcome"), "ok");
    assert_string_equal(json_str(at(c, "acts", 0), "outcome"), "ok");
    json_decref(doc);
    doc = explain(b, s, 0, "worker");
    assert_string_equal(json_str(at(json_object_get(doc, "candidate"), "holds", 0), "instance"), SECOND);
    json_decref(doc);
    state_close(s);
}

static void verdicts_over_time_are_told_where_they_changed(void **state)
{
    struct box *b = *state;
    struct state *s = box_open(b, ":memory:", NULL);
    static const struct { const char *fact, *verdict; } said[] = {
        {"here for 4 min", "no candidate yet"}, {"here for 5 min", "no candidate yet"}, {"2 drains", "hold"}, {"2 drains", "hold"},
        {"3 drains", "hold"}, {"no tasks", "drain"},
    };
    int64_t c = box_cluster(s);
    for (size_t i = 0; i < ARRAY_LEN(said); i++) {
        b->facts.verdicts[0].fact = said[i].fact;
        b->facts.verdicts[0].verdict = said[i].verdict;
        box_quiet_tick(b, s, c, FACTS_NOW_MS + (int64_t)i * 30000);
    }
    json_t *doc = explain(b, s, 0, FIRST);
    const json_t *told = json_object_get(doc, "candidate"), *hold = at(told, "history", 1);
    assert_int_equal(json_array_size(json_object_get(told, "history")), 3);
    assert_string_equal(json_str(hold, "since"), "2026-01-15T14:05:34Z");
    assert_string_equal(json_str(hold, "until"), "2026-01-15T14:06:34Z");
    assert_int_equal(json_int(hold, "ticks", 0), 3);
    assert_string_equal(json_str(hold, "reason"), "3 drains -> hold");
    assert_string_equal(json_str(told, "looked_back_to"), "2026-01-15T14:04:34Z");
    json_decref(doc);
    doc = explain(b, s, 3, FIRST);  // of an earlier moment: what came later is not known
    assert_int_equal(json_array_size(json_object_get(json_object_get(doc, "candidate"), "history")), 2);
    json_decref(doc);
    state_close(s);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, box_setup, box_teardown)
    const struct CMUnitTest tests[] = {
        T(a_tick_tells_facts_actions_with_outcomes_verdicts_and_caps),
        T(an_action_without_intent_is_skipped_and_a_tick_cut_short_tells_its_intents),
        T(a_tick_that_is_not_there_is_told_apart),
        T(a_candidate_is_found_by_the_beginning_of_its_name),
        T(an_instance_tells_its_tasks_their_services_its_drain_and_what_was_done),
        T(verdicts_over_time_are_told_where_they_changed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
