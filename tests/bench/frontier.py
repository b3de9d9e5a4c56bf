"""The frontier of masu and of other rules on recorded demand: cost over the clairvoyant bound against the share of task-seconds that wait.

Each rule's knob is swept over five points, masu's over six, on the same worlds: 200 tasks on average, three types of four vCPU, spot at 35 % of the on-demand
price always (how much to have is compared, not which pool AWS chose), interruptions and shortages by chance; a decision each 30 s, as the daemon's
default is; the first 14 days, of which the first 3 (a fifth of shorter ones) only teach. Of several seeds the means. A rule's own frontier is what no other point of its beats in both;
between points it is linear, beyond its last one it costs what that one costs, and before its first it cannot go.

Of several rules the one that is cheapest at a waiting is the best there, by its own frontier: no line goes from a point of one to a point of another.

`gap closed` at equal waiting = (theirs - masu) / (theirs - clairvoyant), at 0.1, 0.5, 1.5 and 3 % of waiting where all reach, their median; then
the median over the traces on which the other one leaves more than 5 % room. At one waiting alone (JUDGED) room is that waiting's, and `dearer` is
what masu costs more than the best other rule on the traces that leave less: the worst of them. Where masu cannot wait so little it counts as NEVER;
traces on which the others cannot are left out. `wait`: masu's waiting over theirs at the cost of each of their
points that masu can spend, their median.

masu stands there twice: with the policy's defaults, whose limits of pace (safety first) no other rule has, and as policies/examples/brisk.json, where they are
as loose as the policy lets them be. What keeps tasks alive holds in both.

Why masu loses where it does is told by the instances beyond those needed, of which all cost is made that the bound has not: booting (ordered ahead, or
again and again), draining (by small steps), empty (kept for what may come, or too young to go: L2, L3), loose (the rest: tasks that few moves at a time
have not brought together yet, L4 to L6, or that may not be moved).
"""
import concurrent.futures
import hashlib
import json
import os
import pathlib
import statistics
import subprocess
import sys

import frontier_draw
from frontier_draw import frontier

NAMED = ["cloudcluster-28-cpu", "cloudcluster-02-cpu", "cloudcluster-20-cpu", "azure-v1-vm-arrivals-5min", "worldcup98-requests-1min-jun22-jul05",
         "nab-twitter-volume-goog", "nab-elb-request-count-8c0756", "nab-nyc-taxi"]
OURS = ["masu", "masu-brisk"]
RULES = [*OURS, "ecs-managed-scaling", "reservation-threshold", "reactive", "reactive-headroom", "yesterday", "safety-stock", "all-on-demand", "clairvoyant"]
SIMPLE = ["reservation-threshold", "reactive", "reactive-headroom", "yesterday", "safety-stock", "all-on-demand"]
LEVELS = (0.001, 0.005, 0.015, 0.03)
JUDGED = (0.005, 0.015)  # against the best other rule
ROOM = 0.05
PERIOD = "30s"            # between two decisions
NEVER = 12.0             # times the bound: what "not reached" counts as


def cost_at(points, waiting):
    """None: it cannot wait so little."""
    line = frontier(points)
    if not line or waiting < line[0][0]:
        return None
    for (x0, c0), (x1, c1) in zip(line, line[1:]):
        if waiting <= x1:
            return c0 + (c1 - c0) * (waiting - x0) / (x1 - x0)
    return line[-1][1]


def waiting_at(points, cost):
    """None: it cannot cost so little."""
    line = frontier(points)[::-1]  # from cheap to dear
    if not line or cost < line[0][1]:
        return None
    for (x0, c0), (x1, c1) in zip(line, line[1:]):
        if cost <= c1:
            return x0 + (x1 - x0) * (cost - c0) / (c1 - c0)
    return line[-1][0]


def least_at(others, waiting):
    """The cost of the rule of these that is cheapest at that waiting: with hindsight the best there. None: none can wait so little."""
    return min((c for c in (cost_at(points, waiting) for points in others) if c is not None), default=None)


def gap_closed(others, ours, clairvoyant):
    """None: nowhere do all reach."""
    gaps = []
    for level in LEVELS:
        their, our, least = least_at(others, level), cost_at(ours, level), cost_at(clairvoyant, level)
        if None not in (their, our, least) and their > least:
            gaps.append((their - our) / (their - least))
    return statistics.median(gaps) if gaps else None


def at_level(others, ours, clairvoyant, level):
    """(room, gap closed, dearer) at one waiting, None: the others or the clairvoyant cannot wait so little."""
    their, our, least = least_at(others, level), cost_at(ours, level), cost_at(clairvoyant, level)
    if their is None or least is None:
        return None
    our = NEVER if our is None else our
    return their / least - 1, (their - our) / (their - least) if their > least else 0.0, our / their - 1


def room(others, clairvoyant):
    rooms = [least_at(others, level) / cost_at(clairvoyant, level) - 1 for level in LEVELS if least_at(others, level) and cost_at(clairvoyant, level)]
    return statistics.median(rooms) if rooms else 0


def wait_ratio(theirs, ours):
    ratios = []
    for waiting, cost in frontier(theirs):
        our = waiting_at(ours, cost)
        if our is not None and waiting > 0:
            ratios.append(our / waiting)
    return statistics.median(ratios) if ratios else None


def losses(rules):
    """Where another rule that knows no future is cheaper at equal waiting: [(waiting, rule, its cost, masu's, None: masu cannot wait so little)]."""
    lost = []
    for level in LEVELS:
        ours = cost_at(rules["masu"], level)
        others = [(cost_at(rules[r], level), r) for r in rules if r not in (*OURS, "clairvoyant")]
        best = min((o for o in others if o[0] is not None), default=None)
        if best and (ours is None or best[0] < ours):
            lost.append((level, best[1], best[0], ours))
    return lost


SPARE = ("booting", "draining", "empty", "loose")


def spare_of(runs):
    """Instances beyond those needed, of each kind, means over the runs."""
    mean = lambda f: statistics.fmean(f(r) for r in runs)
    parts = [mean(lambda r, k=k: r[f"{k}_mean"]) for k in SPARE[:3]]
    return [*parts, mean(lambda r: r["instances_mean"] * (1 - r["utilisation"])) - sum(parts)]


def spare_at(points, spare, waiting):
    """What is spare where cost_at() is; it is not asked where that is None."""
    of, line = dict(zip(points, spare)), frontier(points)
    for a, b in zip(line, line[1:]):
        if waiting <= b[0]:
            share = (waiting - a[0]) / (b[0] - a[0])
            return [x + (y - x) * share for x, y in zip(of[a], of[b])]
    return of[line[-1]]


def why(lost, rules, spare):
    """Of one of losses(): {rule: what is spare, of each kind} of masu and of the other."""
    level, rule, _, ours = lost
    return {r: spare_at(rules[r], spare[r], level) for r in ((rule,) if ours is None else ("masu", rule))}


def told(parts):
    return f"{sum(parts):.1f} instances (" + ", ".join(f"{x:.1f} {k}" for x, k in zip(parts, SPARE)) + ")"


PATH = pathlib.Path("tests/bench/frontier.json")
EXAMPLE = "production-spot"  # the example policy as it is, nothing swept


class Frontier:
    def __init__(self, binary, full):
        self.binary, self.full, self.seeds = binary, full, 2
        folder = pathlib.Path(os.environ.get("MASU_SHARED", "../shared")) / "data" / "demand"
        self.traces = sorted(folder.glob("*.csv")) if full else [p for p in (folder / f"{n}.csv" for n in NAMED) if p.is_file()]
        self.points, self.spare, self.example = None, {}, {}

    def simulate(self, trace, *arguments):
        command = [self.binary, "simulate", "--trace", str(trace), "--seeds", str(self.seeds), "--spot-price", "35", "--period", PERIOD, "--format", "json",
                   *arguments]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
        if not done.stdout:
            sys.exit(f"bench: {' '.join(command)}: exit {done.returncode}\n{done.stderr}")
        return json.loads(done.stdout)["runs"]

    def mean(self, runs):
        """One point of a knob: means over its seeds, and what is spare there."""
        share = statistics.fmean(r["task_seconds_waited"] / max(1, r["task_seconds"]) for r in runs)
        return share, statistics.fmean(r["cost_usd_micro"] / r["bound_usd_micro"] for r in runs), spare_of(runs)

    def sweep(self, job):
        trace, rule = job
        if rule == EXAMPLE:
            return [self.mean(self.simulate(trace, "--policy", f"policies/examples/{EXAMPLE}.json", "--against", "masu"))]
        settings = ["--policy", "policies/examples/brisk.json"] if rule == "masu-brisk" else []
        more = ["--against", "masu", *settings] if rule in OURS else ["--no-masu", "--against", rule]
        runs = self.simulate(trace, "--sweep", *more)
        violations = sum(r["violation_count"] for r in runs)
        if violations:
            sys.stderr.write(f"bench: {trace.stem}: {rule}: {violations} violations: {[r['violations'][:2] for r in runs if r['violations']][:2]}\n")
        return [self.mean(runs[i:i + self.seeds]) for i in range(0, len(runs), self.seeds)]

    def measure(self):
        if self.points is not None:
            return
        if not self.traces:
            sys.exit("bench: no recorded demand here: MASU_SHARED names no folder with data/demand")
        swept = self.go_on()
        jobs = [(t, r) for t in self.traces for r in [*OURS, EXAMPLE, *RULES[len(OURS):]] if r not in swept.setdefault(t.stem, {})]
        jobs.sort(key=lambda job: (job[0].stem not in NAMED, job[1] not in OURS))  # the longest first
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            waiting = {pool.submit(self.sweep, job): job for job in jobs}
            for n, done in enumerate(concurrent.futures.as_completed(waiting), 1):
                trace, rule = waiting[done]
                swept[trace.stem][rule] = done.result()
                self.keep_part(swept)
                sys.stderr.write(f"bench: {n} of {len(jobs)}: {trace.stem}, {rule}\n")
        self.example = {t.stem: swept[t.stem][EXAMPLE][0] for t in self.traces}
        self.points = {t.stem: {r: [p[:2] for p in swept[t.stem][r]] for r in RULES} for t in self.traces}
        self.spare = {t.stem: {r: [p[2] for p in swept[t.stem][r]] for r in RULES} for t in self.traces}
        for name, rules in self.points.items():
            self.tell(name, rules)
        if self.full:
            self.keep()

    def figures(self, name, rules):
        gap = lambda others: gap_closed(others, rules["masu"], rules["clairvoyant"])
        simple, ecs = [rules[r] for r in SIMPLE], [rules["ecs-managed-scaling"]]
        return {"gap_closed_ecs_managed": gap(ecs), "gap_closed_best_baseline": gap(simple),
                "room_ecs_managed": room(ecs, rules["clairvoyant"]), "wait_vs_ecs_managed": wait_ratio(rules["ecs-managed-scaling"], rules["masu"]),
                "best_baseline_at": {ours: [(level, at_level(simple, rules[ours], rules["clairvoyant"], level)) for level in JUDGED]
                                     for ours in OURS},
                "lost": [(*lost, why(lost, rules, self.spare[name])) for lost in losses(rules)]}

    def world(self):
        """What a part was measured with: only of the same its sweeps count."""
        return {"seeds": self.seeds, "binary": hashlib.sha256(pathlib.Path(self.binary).read_bytes()).hexdigest()}

    def keep_part(self, swept, path=PATH):
        """What is measured so far, beside the file of the whole: the next run of the same binary, for which all would be the same to the byte, goes on
        from there, be this one broken off or of the named traces alone. A whole that is kept takes it away."""
        part = path.with_suffix(".part.json")
        new = part.with_suffix(".new")
        new.write_text(json.dumps(self.world() | {"swept": {name: rules for name, rules in swept.items() if rules}}, indent=1) + "\n")
        new.replace(part)

    def go_on(self, path=PATH):
        part = path.with_suffix(".part.json")
        old = json.loads(part.read_text()) if part.is_file() else {}
        swept = old["swept"] if {k: old.get(k) for k in self.world()} == self.world() else {}
        return {name: {rule: [tuple(p) for p in points] for rule, points in rules.items()} for name, rules in swept.items()}

    def keep(self, path=PATH):
        """The points of every rule on every trace, to draw them and to look into them. Nothing where nothing was swept; what a `--full` run left is not
        replaced by a smaller one."""
        if self.points is None or (not self.full and path.is_file() and json.loads(path.read_text())["full"]):
            return
        rounded = lambda x: ([rounded(y) for y in x] if isinstance(x, (list, tuple)) else {k: rounded(y) for k, y in x.items()} if isinstance(x, dict)
                             else round(x, 5) if isinstance(x, float) else x)
        traces = [f" {json.dumps(name)}: {{\n" + "".join(f"  {json.dumps(k)}: {json.dumps(rounded(v))},\n" for k, v in self.figures(name, rules).items())
                  + '  "points": {\n' + ",\n".join(f"   {json.dumps(r)}: {json.dumps(rounded(p))}" for r, p in rules.items()) + "}}"
                  for name, rules in self.points.items()]
        path.write_text(f'{{"full": {json.dumps(self.full)}, "seeds": {self.seeds}, "point": ["share of task-seconds that waited", "cost over the bound"],\n'
                        f' "lost": ["waiting", "cheaper there", "its cost", "masu\'s", "instances beyond the need: {", ".join(SPARE)}"],\n'
                        '"traces": {\n' + ",\n".join(traces) + "\n}}\n")
        if self.full:
            path.with_suffix(".part.json").unlink(missing_ok=True)
        frontier_draw.draw(self.points, path.with_suffix(""))

    def tell(self, name, rules):
        sys.stderr.write(f"{name}: gap closed {gap_closed([rules['ecs-managed-scaling']], rules['masu'], rules['clairvoyant'])} against ECS, "
                         f"{gap_closed([rules[r] for r in SIMPLE], rules['masu'], rules['clairvoyant'])} against the best other rule; cost over the bound at "
                         + " / ".join(f"{100 * level:g}" for level in LEVELS) + " % waiting\n")
        for lost in losses(rules):
            level, rule, their, our = lost
            spare = why(lost, rules, self.spare[name])
            sys.stderr.write(f"  lost at {100 * level:g} % waiting: {rule} costs {their:.2f}, masu " + ("does not wait so little" if our is None else f"{our:.2f}")
                             + "; beyond the need " + ", ".join(f"{r} has {told(parts)}" for r, parts in spare.items()) + "\n")
        for rule, points in rules.items():
            costs = [cost_at(points, level) for level in LEVELS]
            sys.stderr.write(f"  {rule:<22} " + " ".join("    –" if c is None else f"{c:5.2f}" for c in costs) + "   points "
                             + " ".join(f"{100 * w:.2f}%:{c:.2f}" for w, c in points) + "\n")

    def gap(self, others, ours="masu"):
        self.measure()
        gaps = []
        for rules in self.points.values():
            theirs = [rules[r] for r in others]
            closed = gap_closed(theirs, rules[ours], rules["clairvoyant"])
            if closed is not None and room(theirs, rules["clairvoyant"]) > ROOM:
                gaps.append(closed)
        return statistics.median(gaps) if gaps else float("nan")

    def judged(self, level, ours):
        self.measure()
        found = [at_level([p[r] for r in SIMPLE], p[ours], p["clairvoyant"], level) for p in self.points.values()]
        return [f for f in found if f is not None]

    def gap_at(self, level, ours="masu"):
        """Median gap closed against the best other rule at that waiting, over the traces with room there."""
        gaps = [gap for space, gap, _ in self.judged(level, ours) if space > ROOM]
        return statistics.median(gaps) if gaps else float("nan")

    def dearer(self, ours="masu"):
        """How much more masu costs than the best other rule where that leaves no room; the worst trace at either waiting."""
        more = [dear for level in JUDGED for space, _, dear in self.judged(level, ours) if space <= ROOM]
        return max(more) if more else float("nan")

    def wait(self):
        self.measure()
        ratios = [r for r in (wait_ratio(p["ecs-managed-scaling"], p["masu"]) for p in self.points.values()) if r is not None]
        return statistics.median(ratios) if ratios else float("nan")

    def of_example(self, at):
        """Of the example policy: (waiting, cost over the bound), medians over the traces."""
        self.measure()
        return statistics.median(p[at] for p in self.example.values())
