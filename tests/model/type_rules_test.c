// Which instance types a description means.
#include "tests/cm.h"

#include "base/check.h"
#include "planner/model/type_rules.h"

static const struct type_facts C5_LARGE = {"c5.large", "x86_64", 2, 4096, 0, true, false, false};
static const struct type_facts T2_MICRO = {"t2.micro", "x86_64", 1, 1024, 0, false, true, false};
static const struct type_facts G4DN_METAL = {"g4dn.metal", "x86_64", 96, 393216, 8, true, false, true};

static void any_means_every_type(void **state)
{
    (void)state;
    struct type_rules r = type_rules_any();
    assert_null(type_rules_miss(&r, &C5_LARGE));
    assert_null(type_rules_miss(&r, &T2_MICRO));
    assert_null(type_rules_miss(&r, &G4DN_METAL));
}

static void each_rule_tells_what_a_type_lacks_or_has_too_much(void **state)
{
    (void)state;
    static const char *const c_only[] = {"c*.large", "r5.*"}, *const no_c5[] = {"m4.*", "c5*"};
    const struct {
        struct type_rules r;
        const struct type_facts *t;
        const char *miss;
    } CASES[] = {
        {{.gpus_max = -1, .arch = "", .vcpus_min = 2, .current = TRAIT_INCLUDED, .previous = TRAIT_INCLUDED}, &C5_LARGE, NULL},
        {{.gpus_max = -1, .arch = "", .vcpus_min = 3}, &C5_LARGE, "fewer vCPUs"},
        {{.gpus_max = -1, .arch = "", .vcpus_max = 1}, &C5_LARGE, "more vCPUs"},
        {{.gpus_max = -1, .arch = "", .memory_min_mib = 4097}, &C5_LARGE, "less memory"},
        {{.gpus_max = -1, .arch = "", .memory_max_mib = 4095}, &C5_LARGE, "more memory"},
        {{.gpus_max = -1, .arch = "arm64"}, &C5_LARGE, "another architecture"},
        {{.gpus_max = -1, .arch = "", .gpus_min = 1}, &C5_LARGE, "no GPU"},
        {{.gpus_max = 0, .arch = ""}, &G4DN_METAL, "has GPUs"},
        {{.gpus_max = 4, .arch = ""}, &G4DN_METAL, "more GPUs"},
        {{.gpus_max = -1, .arch = "", .current = TRAIT_INCLUDED, .bare_metal = TRAIT_EXCLUDED}, &G4DN_METAL, "bare metal"},
        {{.gpus_max = -1, .arch = "", .previous = TRAIT_INCLUDED, .burstable = TRAIT_EXCLUDED}, &T2_MICRO, "burstable"},
        {{.gpus_max = -1, .arch = "", .current = TRAIT_INCLUDED, .previous = TRAIT_EXCLUDED}, &T2_MICRO, "previous generation"},
        {{.gpus_max = -1, .arch = "", .current = TRAIT_EXCLUDED, .previous = TRAIT_INCLUDED}, &C5_LARGE, "current generation"},
        {{.gpus_max = -1, .arch = "", .current = TRAIT_INCLUDED, .burstable = TRAIT_REQUIRED}, &C5_LARGE, "not burstable"},
        {{.gpus_max = -1, .arch = "", .current = TRAIT_INCLUDED, .bare_metal = TRAIT_REQUIRED}, &C5_LARGE, "not bare metal"},
        {{.gpus_max = -1, .arch = "", .current = TRAIT_INCLUDED, .only = c_only, .only_count = 2}, &C5_LARGE, NULL},
        {{.gpus_max = -1, .arch = "", .only = c_only, .only_count = 2}, &T2_MICRO, "not among the allowed names"},
        {{.gpus_max = -1, .arch = "", .except = no_c5, .except_count = 2}, &C5_LARGE, "excluded by name"},
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        const char *miss = type_rules_miss(&CASES[i].r, CASES[i].t);
        if (CASES[i].miss == NULL)
            assert_null(miss);
        else
            assert_string_equal(miss ? miss : "none", CASES[i].miss);
    }
}

static void a_star_stands_for_any_letters(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *name;
        bool match;
    } CASES[] = {
        {"c5.large", "c5.large", true}, {"c5.large", "c5.largex", false}, {"c5.*", "c5.large", true}, {"c5.*", "c5a.large", false},
        {"c5*", "c5a.large", true},     {"*", "", true},                  {"", "", true},             {"", "c", false},
        {"*.metal*", "m5.metal-24xl", true}, {"*.metal*", "m5.large", false}, {"t*.*o", "t2.nano", true}, {"t*.*o", "t2.micro", true},
        {"t*.*o", "t2.small", false},   {"**a*b**", "xaab", true},        {"a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaa", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++)
        assert_int_equal(type_pattern_match(CASES[i].pattern, CASES[i].name), CASES[i].match);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_means_every_type),
        cmocka_unit_test(each_rule_tells_what_a_type_lacks_or_has_too_much),
        cmocka_unit_test(a_star_stands_for_any_letters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
