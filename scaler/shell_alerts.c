#include "scaler/shell_alerts.h"

#include <stdbool.h>

#include "base/check.h"
#include "base/parse.h"

#define RESTORED_TOLD_MS 86400000    // a database set aside is told for a day
#define CREDENTIALS_LEFT_MS 300000   // every source renews earlier than that
#define CREDENTIALS_SOON_MS 60000
#define CLOCK_WARN_MS 5000           // safety.md G6
#define CLOCK_BAD_MS 60000

struct out {
    struct alert *alerts;
    size_t count;
};

static bool given(const char *text)
{
    return text && text[0];
}

static void add(struct out *o, const char *id, const char *target, enum alert_severity severity, int64_t since_ms, const char *what,
                const char *remedy)
{
    assert(o->count < SHELL_ALERTS_MAX);
    o->alerts[o->count++] = (struct alert){id, target, severity, since_ms, what, remedy};
}

size_t shell_alerts(const struct shell_facts *f, struct arena *a, struct alert ret[SHELL_ALERTS_MAX])
{
    struct out o = {.alerts = ret};
    char at[32];
    if (given(f->journal_error))
        add(&o, "journal-broken", "state", ALERT_CRITICAL, 0,
            arena_printf(a, "The journal cannot be written (%s): capacity is only added, nothing is removed.", f->journal_error),
            "Make room on the disk of --state, or make it writable; masu tries again at each tick.");
    if (given(f->control_error))
        add(&o, "control-unreadable", "state", ALERT_CRITICAL, 0,
            arena_printf(a, "It cannot be read what people switched (%s): all clusters are paused.", f->control_error),
            "Repair the file of --state, or set it aside: what the tag masu:mode on the fleets says holds then.");
    if (given(f->restored_aside) && f->now_ms - f->started_ms < RESTORED_TOLD_MS)
        add(&o, "state-set-aside", "state", ALERT_WARNING, f->started_ms,
            arena_printf(a, "The database was not whole (%s) and was set aside: history, memo and switches began anew.", f->restored_aside),
            "Look at the disk. A pause that was switched by the API is gone; the tag masu:mode on a fleet would not be.");
    if (f->now_ms < f->add_only_until_ms)
        add(&o, "crash-loop", "masu", ALERT_CRITICAL, f->started_ms,
            arena_printf(a, "3 unclean ends within 60 minutes: capacity is only added until %s.",
                         format_iso8601(f->add_only_until_ms, false, at)),
            "Look in the log for why it ended; memory that is too small is the usual cause.");
    if (given(f->policy_error))
        add(&o, "policy-refused", f->policy_path ? f->policy_path : "", ALERT_WARNING, 0,
            arena_printf(a, "The new policy was refused, the one of before goes on: %.600s", f->policy_error),
            "masu check-policy says what is wrong; SIGHUP reads it again.");
    if (given(f->webhook_error))
        add(&o, "webhook-failing", "alerts", ALERT_WARNING, 0,
            arena_printf(a, "Alerts do not reach the webhook: %s.", f->webhook_error),
            "Look at alerts.webhook_url, its token and the way there; the page and /metrics have them all.");
    return o.count;
}

static void add_limit(struct out *o, struct arena *a, const struct limit_near *l)
{
    static const struct {
        const char *what, *remedy;
    } of[VIEW_LIMIT_KIND_COUNT] = {
        [VIEW_LIMIT_FLEET] = {"the max", "Raise max in the policy in time, or let the services reserve what they need: /services."},
        [VIEW_LIMIT_QUOTA] = {"the quota", "Ask AWS for a higher quota in time."},
        [VIEW_LIMIT_SUBNET] = {"the subnet's last address", "Give the fleet, or the services, another subnet in that zone in time."},
    };
    char day[32];
    add(o, "limit-ahead", l->name, ALERT_WARNING, 0,
        arena_printf(a, "Peaks of %lld grow by %.3g a day: %s of %lld is reached by %.10s with a chance of 10 %%.", (long long)l->peak, l->a_day, of[l->kind].what,
                     (long long)l->most, format_iso8601(l->reached_ms, false, day)),
        of[l->kind].remedy);
}

size_t reach_alerts(const struct reach_facts *f, struct arena *a, struct alert ret[SHELL_ALERTS_MAX])
{
    struct out o = {.alerts = ret};
    char text[32];
    int64_t off_ms = f->clock_off_ms < 0 ? -f->clock_off_ms : f->clock_off_ms;
    if (given(f->tick_error) && f->failed_ticks > 1)  // one alone is a hiccup
        add(&o, "tick-failing", f->cluster, ALERT_CRITICAL, f->failing_since_ms,
            arena_printf(a, "The last %d ticks ended early, nothing is scaled: %s", f->failed_ticks, f->tick_error),
            "masu doctor looks at credentials, permissions and the way to AWS.");
    if (f->credentials_left_ms < CREDENTIALS_LEFT_MS)
        add(&o, "credentials-expiring", f->cluster, f->credentials_left_ms < CREDENTIALS_SOON_MS ? ALERT_CRITICAL : ALERT_WARNING, 0,
            f->credentials_left_ms > 0
                ? arena_printf(a, "The credentials (%s) end in %s and could not be renewed.", f->credentials_source,
                               format_duration(f->credentials_left_ms / 1000 * 1000, text))
                : arena_printf(a, "The credentials (%s) have ended and could not be renewed.", f->credentials_source),
            "Renew them where they come from; masu doctor names the source that fails.");
    if (off_ms > CLOCK_WARN_MS)
        add(&o, "clock-off", f->cluster, off_ms > CLOCK_BAD_MS ? ALERT_CRITICAL : ALERT_WARNING, 0,
            arena_printf(a, "The clock of this machine is %s %s AWS's.", format_duration(off_ms, text), f->clock_off_ms > 0 ? "behind" : "before"),
            "Let the machine keep time (chrony, or the host's time service).");
    if (given(f->breaker))
        add(&o, "api-breaker", f->cluster, ALERT_WARNING, 0, arena_printf(a, "AWS is not asked for now: %s.", f->breaker),
            "AWS or the way to it fails; masu asks again by itself, and removes nothing until it knows.");
    for (size_t i = 0; f->limits && i < f->limits->count; i++)
        add_limit(&o, a, &f->limits->v[i]);
    return o.count;
}
