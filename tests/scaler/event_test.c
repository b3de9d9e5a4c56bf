// Messages of the queue: each kind, each wrapping, each sample (our own and those of the shared facts) cut at every byte, and values from an enemy.
#include "tests/cm.h"

#include <dirent.h>

#include "base/json.h"
#include "tests/scaler/event_samples.h"

enum { FILE_MAX_BYTES = 1 << 20 };

struct bed {
    struct arena arena;
    struct event e;
    struct err err;
};

static int parse(struct bed *b, const char *text)
{
    b->err = (struct err){0};
    return event_parse(slice_of(text), &b->arena, &b->e, &b->err);
}

static const char *event_of(struct bed *b, const char *source, const char *type, const char *detail)
{
    return arena_printf(&b->arena, "{\"version\":\"0\",\"id\":\"one\",\"detail-type\":\"%s\",\"source\":\"%s\",\"account\":\"111122223333\","
                        "\"time\":\"2026-01-15T12:34:56Z\",\"region\":\"us-east-1\",\"resources\":[],\"detail\":%s}", type, source, detail);
}

static void a_notice_names_its_instance_and_its_time(void **state)
{
    (void)state;
    struct bed b = {0};
    arena_init(&b.arena, 0);
    const char *text = event_of(&b, "aws.ec2", "EC2 Spot Instance Interruption Warning", "{\"instance-id\":\"i-0a\",\"instance-action\":\"hibernate\"}");
    assert_int_equal(parse(&b, text), 0);
    assert_int_equal(b.e.kind, EVENT_INTERRUPTION);
    assert_int_equal(b.e.instance_count, 1);
    assert_string_equal(b.e.instances[0], "i-0a");
    assert_string_equal(b.e.word, "hibernate");
    assert_string_equal(b.e.id, "one");
    assert_int_equal(b.e.at_ms, 1768480496000);
    assert_int_equal(parse(&b, event_of(&b, "aws.ec2", "EC2 Spot Instance Interruption Warning", "{\"instance-id\":\"r-0a\"}")), ERR_CORRUPT);
    assert_int_equal(parse(&b, event_of(&b, "aws.ec2", "EC2 Spot Instance Interruption Warning", "7")), ERR_CORRUPT);
    arena_release(&b.arena);
}

static void another_source_with_the_same_words_is_no_notice(void **state)
{
    (void)state;
    struct bed b = {0};
    arena_init(&b.arena, 0);
    assert_int_equal(parse(&b, event_of(&b, "my.app", "EC2 Spot Instance Interruption Warning", "{\"instance-id\":\"i-0a\"}")), 0);
    assert_int_equal(b.e.kind, EVENT_OTHER);
    assert_int_equal(b.e.instance_count, 0);
    assert_int_equal(parse(&b, event_of(&b, "aws.ec2", "EC2 New Kind Of Event", "{}")), 0);
    assert_int_equal(b.e.kind, EVENT_OTHER);
    arena_release(&b.arena);
}

static void an_envelope_of_sns_is_opened_once(void **state)
{
    (void)state;
    struct bed b = {0};
    arena_init(&b.arena, 0);
    struct buf inner, outer;
    buf_init(&inner, 1 << 16);
    buf_init(&outer, 1 << 16);
    json_add_string(&inner, slice_of(event_of(&b, "aws.ec2", "EC2 Instance Rebalance Recommendation", "{\"instance-id\":\"i-0a\"}")));
    buf_printf(&outer, "{\"Type\":\"Notification\",\"TopicArn\":\"arn:x\",\"Message\":%s}", buf_str(&inner));
    assert_int_equal(parse(&b, buf_str(&outer)), 0);
    assert_int_equal(b.e.kind, EVENT_REBALANCE);
    buf_clear(&inner);
    json_add_string(&inner, buf_slice(&outer));
    assert_int_equal(parse(&b, arena_printf(&b.arena, "{\"Type\":\"Notification\",\"Message\":%s}", buf_str(&inner))), ERR_CORRUPT);
    assert_int_equal(parse(&b, "{\"Type\":\"SubscriptionConfirmation\",\"Message\":\"You have chosen to subscribe\"}"), ERR_CORRUPT);
    buf_release(&inner);
    buf_release(&outer);
    arena_release(&b.arena);
}

static void health_names_instances_by_id_or_arn_once_each(void **state)
{
    (void)state;
    struct bed b = {0};
    arena_init(&b.arena, 0);
    const char *detail = "{\"eventTypeCode\":\"AWS_EC2_INSTANCE_STOP_SCHEDULED\",\"eventTypeCategory\":\"scheduledChange\",\"startTime\":"
                         "\"Thu, 29 Jan 2026 12:00:00 GMT\",\"affectedEntities\":[{\"entityValue\":\"arn:aws:ec2:us-east-1:1:instance/i-0a\"},"
                         "{\"entityValue\":\"i-0b\"},{\"entityValue\":\"i-0a\"},{\"entityValue\":\"vol-0c\"},{}]}";
    assert_int_equal(parse(&b, event_of(&b, "aws.health", "AWS Health Event", detail)), 0);
    assert_int_equal(b.e.kind, EVENT_HEALTH);
    assert_int_equal(b.e.instance_count, 2);
    assert_string_equal(b.e.instances[1], "i-0b");
    assert_int_equal(b.e.starts_ms, 1769688000000);
    arena_release(&b.arena);
}

// ---- the shared samples -----------------------------------------------------------------------------------------------------
static const struct {
    const char *begins;  // of the file's name
    enum event_kind kind;
} SAMPLES[] = {
    {"spot-interruption", EVENT_INTERRUPTION}, {"rebalance", EVENT_REBALANCE}, {"instance-state", EVENT_INSTANCE_STATE},
    {"spot-fleet-state", EVENT_FLEET_STATE}, {"spot-fleet-instance", EVENT_FLEET_INSTANCE}, {"spot-fleet-spot-request", EVENT_FLEET_REQUEST},
    {"spot-fleet-information", EVENT_FLEET_INFO}, {"spot-fleet-error", EVENT_FLEET_ERROR}, {"ec2-fleet-state", EVENT_FLEET_STATE},
    {"ec2-fleet-instance", EVENT_FLEET_INSTANCE}, {"ec2-fleet-spot-request", EVENT_FLEET_REQUEST}, {"ec2-fleet-information", EVENT_FLEET_INFO},
    {"ec2-fleet-error", EVENT_FLEET_ERROR}, {"asg-launch", EVENT_HOOK_LAUNCH}, {"asg-terminate", EVENT_HOOK_TERMINATE},
    {"aws-health", EVENT_HEALTH}, {"ecs-task", EVENT_TASK}, {"ecs-container", EVENT_CONTAINER_INSTANCE}, {"ecs-service", EVENT_SERVICE},
    {"sqs-body-asg-hook-direct", EVENT_HOOK_TERMINATE}, {"sqs-body-asg-hook-test", EVENT_HOOK_TEST}, {"sqs-body-sns", EVENT_INTERRUPTION},
};

static enum event_kind kind_of_sample(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(SAMPLES); i++)
        if (strncmp(SAMPLES[i].begins, name, strlen(SAMPLES[i].begins)) == 0)
            return SAMPLES[i].kind;
    fail_msg("%s: a sample of an unknown kind", name);
    return EVENT_OTHER;
}

static char *read_sample(struct bed *b, const char *folder, const char *name)
{
    FILE *f = fopen(arena_printf(&b->arena, "%s/%s", folder, name), "rb");
    char *text = arena_alloc(&b->arena, FILE_MAX_BYTES, 1);
    assert_non_null(f);
    size_t n = fread(text, 1, FILE_MAX_BYTES - 1, f);
    fclose(f);
    text[n] = '\0';
    return text;
}

// It is refused, or what it names is well-formed.
static void parse_hostile(struct bed *b, const char *text)
{
    if (parse(b, text) != 0) {
        assert_int_equal(b->err.kind, ERR_CORRUPT);
        return;
    }
    assert_true(b->e.kind < EVENT_KIND_COUNT && b->e.at_ms >= 0);
    for (size_t i = 0; i < b->e.instance_count; i++)
        assert_true(strncmp(b->e.instances[i], "i-", 2) == 0 && strlen(b->e.instances[i]) < 48 && strpbrk(b->e.instances[i], " '\n\x01") == NULL);
    assert_true(strlen(b->e.why) <= 1024 && strpbrk(b->e.why, "\n\x01") == NULL);
}

// A value of another type or size in the place of each in turn.
static void with_hostile_values(struct bed *b, json_t *root, json_t *at)
{
    const char *key;
    json_t *value;
    void *next;
    json_object_foreach_safe(at, next, key, value)
    {
        char *name = arena_strdup(&b->arena, key);
        json_t *hostile[] = {json_null(), json_integer(INT64_MAX), json_string(""), json_string("i-'; --\n\x01"), json_array(), json_object(), json_true(),
                             json_string(arena_printf(&b->arena, "i-%04000d", 7))};
        json_incref(value);
        for (size_t i = 0; i < ARRAY_LEN(hostile); i++) {
            json_object_set_new(at, name, hostile[i]);
            char *text = json_dumps(root, 0);
            parse_hostile(b, text);
            free(text);
        }
        json_object_set_new(at, name, value);
        for (size_t i = 0; i < json_array_size(value); i++)
            with_hostile_values(b, root, json_array_get(value, i));
        with_hostile_values(b, root, value);
    }
}

static void try_sample(struct bed *b, const char *folder, const char *name)
{
    char *text = read_sample(b, folder, name);
    enum event_kind kind = kind_of_sample(name);
    if (parse(b, text) != 0)
        fail_msg("%s: %s", name, b->err.msg);
    assert_int_equal(b->e.kind, kind);
    assert_true(b->e.at_ms > 0);
    size_t len = strlen(text), end = len;
    while (end > 0 && text[end - 1] != '}')
        end--;
    for (size_t cut = 0; cut < end; cut++)  // whatever is missing, it is not taken for whole
        assert_int_equal(event_parse((struct slice){text, cut}, &b->arena, &b->e, &b->err), ERR_CORRUPT);
    assert_int_equal(parse(b, arena_printf(&b->arena, "%s%s", text, text)), ERR_CORRUPT);
    assert_int_equal(parse(b, arena_printf(&b->arena, "{\"a\":[{}],\"detailed\":1,%s", text + 1)), 0);  // unknown members
    assert_int_equal(b->e.kind, kind);
    json_t *root = json_loads(text, 0, NULL);
    with_hostile_values(b, root, root);
    json_decref(root);
}

static void each_shared_sample_is_understood_and_survives_what_is_done_to_it(void **state)
{
    (void)state;
    const char *shared = getenv("MASU_SHARED");
    struct bed b = {0};
    int count = 0;
    arena_init(&b.arena, 0);
    const char *folder = arena_printf(&b.arena, "%s/aws/events", shared ? shared : ".");
    DIR *dir = opendir(folder);
    if (dir == NULL) {
        arena_release(&b.arena);
        skip();
        return;
    }
    for (struct dirent *d; (d = readdir(dir)) != NULL;)
        if (strstr(d->d_name, ".json")) {
            struct bed one = {0};
            arena_init(&one.arena, 0);
            try_sample(&one, folder, d->d_name);
            arena_release(&one.arena);
            count++;
        }
    closedir(dir);
    assert_true(count >= 33);
    arena_release(&b.arena);
}

// ---- our own samples, of each kind -------------------------------------------------------------------------------------------
static const struct sample_names NAMES = {
    .instance = "i-00c0ffee00c0ffee0", .spot_fleet = "sfr-0a0a0a0a-1b1b-4c4c-8d8d-2e2e2e2e2e2e", .ec2_fleet = "fleet-0a0a0a0a-1b1b-4c4c-8d8d-2e2e2e2e2e2f",
    .group = "tea-asg", .hook = "slow-goodbye", .cluster = "tea", .service = "kettle", .type = "m6i.large", .zone = "us-east-1b",
    .starts = "Mon, 02 Mar 2026 08:00:00 GMT", .at_ms = 1770000000000};

static void same_event(const struct event *x, const struct event *y)
{
    const char *const a[] = {x->id, x->type, x->source, x->account, x->region, x->fleet, x->group, x->hook, x->token, x->destination, x->zone, x->cluster, x->service, x->word, x->why};
    const char *const b[] = {y->id, y->type, y->source, y->account, y->region, y->fleet, y->group, y->hook, y->token, y->destination, y->zone, y->cluster, y->service, y->word, y->why};
    assert_int_equal(x->kind, y->kind);
    for (size_t i = 0; i < ARRAY_LEN(a); i++)
        assert_string_equal(a[i], b[i]);
    assert_int_equal(x->at_ms, y->at_ms);
    assert_int_equal(x->starts_ms, y->starts_ms);
    assert_int_equal(x->version, y->version);
    assert_int_equal(x->instance_count, y->instance_count);
    for (size_t i = 0; i < x->instance_count; i++)
        assert_string_equal(x->instances[i], y->instances[i]);
}

static void names_what_the_sample_names(const struct event_sample *s, const struct event *e)
{
    assert_int_equal(e->kind, s->kind);
    if (s->word)
        assert_string_equal(e->word, s->word);
    if (e->kind != EVENT_OTHER)
        assert_int_equal(e->at_ms, NAMES.at_ms);
    for (size_t i = 0; i < e->instance_count; i++)
        assert_string_equal(e->instances[i], NAMES.instance);
    assert_true(e->instance_count == 1 || e->kind == EVENT_HEALTH || e->kind < EVENT_INTERRUPTION || e->kind > EVENT_INSTANCE_STATE);
    assert_true(!e->fleet[0] || strcmp(e->fleet, NAMES.spot_fleet) == 0 || strcmp(e->fleet, NAMES.ec2_fleet) == 0);
    assert_int_equal(e->fleet[0] != '\0', e->kind >= EVENT_FLEET_STATE && e->kind <= EVENT_FLEET_ERROR);
    assert_true(!e->group[0] || strcmp(e->group, NAMES.group) == 0);
    assert_true(!e->hook[0] || strcmp(e->hook, NAMES.hook) == 0);
    assert_true(!e->cluster[0] || strcmp(e->cluster, NAMES.cluster) == 0);
    assert_true(!e->service[0] || strcmp(e->service, NAMES.service) == 0);
    assert_string_equal(e->zone, e->kind == EVENT_LAUNCH_FAILED ? NAMES.zone : "");
    assert_int_equal(e->starts_ms, e->kind == EVENT_HEALTH ? 1772438400000 : 0);
}

// Members in the opposite order, at every depth; with_unknown: and one more of each type that nobody knows.
static json_t *turned_round(json_t *value, bool with_unknown)
{
    const char *keys[64];
    size_t n = 0;
    const char *key;
    json_t *member, *out;
    if (json_is_array(value)) {
        out = json_array();
        for (size_t i = 0; i < json_array_size(value); i++)
            json_array_append_new(out, turned_round(json_array_get(value, i), with_unknown));
        return out;
    }
    if (!json_is_object(value))
        return json_incref(value);
    json_object_foreach(value, key, member)
        keys[n++] = key;
    out = json_object();
    if (with_unknown) {
        json_object_set_new(out, "zzName", json_string("i-0not0this0one00"));
        json_object_set_new(out, "zzList", json_pack("[{s:i},[],n,f]", "instance-id", 7, 0.5));
    }
    while (n-- > 0)
        json_object_set_new(out, keys[n], turned_round(json_object_get(value, keys[n]), with_unknown));
    return out;
}

static void turned_round_it_is_the_same(struct bed *b, const char *text, const struct event *was)
{
    json_t *root = json_loads(text, 0, NULL);
    for (int unknown = 0; unknown < 2; unknown++) {
        json_t *turned = turned_round(root, unknown);
        char *again = json_dumps(turned, 0);
        if (parse(b, again) != 0)
            fail_msg("%s: %s", again, b->err.msg);
        same_event(&b->e, was);
        free(again);
        json_decref(turned);
    }
    json_decref(root);
}

static void each_kind_whole_wrapped_turned_round_cut_doubled_and_hostile(void **state)
{
    (void)state;
    struct arena a;
    struct event_sample samples[EVENT_SAMPLES_MAX];
    bool kinds[EVENT_KIND_COUNT] = {false};
    arena_init(&a, 0);
    size_t count = event_samples(&a, &NAMES, samples);
    for (size_t k = 0; k < count; k++) {
        struct bed b = {0};
        arena_init(&b.arena, 0);
        const char *text = samples[k].text;
        if (parse(&b, text) != 0)
            fail_msg("%s: %s", text, b.err.msg);
        struct event was = b.e;
        kinds[was.kind] = true;
        names_what_the_sample_names(&samples[k], &was);
        assert_int_equal(parse(&b, event_in_sns(&b.arena, text)), 0);
        same_event(&b.e, &was);
        turned_round_it_is_the_same(&b, text, &was);
        for (size_t cut = 0; cut < strlen(text); cut++)
            assert_int_equal(event_parse((struct slice){text, cut}, &b.arena, &b.e, &b.err), ERR_CORRUPT);
        assert_int_equal(parse(&b, arena_printf(&b.arena, "%s%s", text, text)), ERR_CORRUPT);
        json_t *root = json_loads(text, 0, NULL);
        with_hostile_values(&b, root, root);
        json_decref(root);
        arena_release(&b.arena);
    }
    for (int k = 0; k < EVENT_KIND_COUNT; k++)
        if (!kinds[k])
            fail_msg("no sample of \"%s\"", event_kind_name((enum event_kind)k));
    arena_release(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_notice_names_its_instance_and_its_time),
        cmocka_unit_test(another_source_with_the_same_words_is_no_notice),
        cmocka_unit_test(an_envelope_of_sns_is_opened_once),
        cmocka_unit_test(health_names_instances_by_id_or_arn_once_each),
        cmocka_unit_test(each_kind_whole_wrapped_turned_round_cut_doubled_and_hostile),
        cmocka_unit_test(each_shared_sample_is_understood_and_survives_what_is_done_to_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
