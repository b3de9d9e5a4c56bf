"""One SVG a rule of what frontier.py measured: cost over the clairvoyant bound against the share of task-seconds that wait, a line a trace.

usage: frontier_draw.py [frontier.json [FOLDER]]; draw() is what frontier.py calls when it keeps its points.
"""
import json
import math
import pathlib
import sys

WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 720, 420, 60, 50, 190, 50
LEAST, MOST = 1e-5, 0.3  # of the waiting axis, which is logarithmic: what waits less stands at its left end
COLOURS = ["#0b6fa4", "#c4500c", "#2f7d32", "#8e44ad", "#8a6d00", "#b0305c", "#3d5a80", "#5b5b5b"]


def escaped(text):
    return text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")


def frontier(points):
    kept, best = [], float("inf")
    for waiting, cost in sorted(points):
        if cost < best:
            best = cost
            kept.append((waiting, cost))
    return kept


def across(waiting):
    share = math.log(min(max(waiting, LEAST), MOST) / LEAST) / math.log(MOST / LEAST)
    return LEFT + share * (WIDTH - LEFT - RIGHT)


def picture(rule, traces, top):
    """`traces`: name -> points; `top`: the dearest cost of any rule, so that pictures can be laid beside each other."""
    down = lambda cost: HEIGHT - BOTTOM - (min(cost, top) - 1) / max(top - 1, 1e-9) * (HEIGHT - TOP - BOTTOM)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="11">',
           f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>', f'<text x="{LEFT}" y="22" font-size="15">{escaped(rule)}</text>',
           f'<text x="{LEFT}" y="38" fill="#555">cost over the clairvoyant bound, by the share of task-seconds that wait; lower and further left is better</text>']
    for waiting in (1e-5, 1e-4, 1e-3, 1e-2, 1e-1):
        x = across(waiting)
        out.append(f'<line x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{HEIGHT - BOTTOM}" stroke="#ddd"/>'
                   f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{"≤ " if waiting == LEAST else ""}{100 * waiting:g} %</text>')
    for k in range(5):
        cost = 1 + (top - 1) * k / 4
        out.append(f'<line x1="{LEFT}" y1="{down(cost):.1f}" x2="{WIDTH - RIGHT}" y2="{down(cost):.1f}" stroke="#ddd"/>'
                   f'<text x="{LEFT - 6}" y="{down(cost) + 4:.1f}" text-anchor="end">{cost:.2f}</text>')
    for n, (name, points) in enumerate(traces.items()):
        colour, line = COLOURS[n % len(COLOURS)], frontier(points)
        spots = " ".join(f"{across(w):.1f},{down(c):.1f}" for w, c in line)
        out.append(f'<polyline points="{spots}" fill="none" stroke="{colour}" stroke-width="1.5"><title>{escaped(name)}</title></polyline>')
        out.extend(f'<circle cx="{across(w):.1f}" cy="{down(c):.1f}" r="2.5" fill="{colour}"/>' for w, c in points)
        if n < 24:
            out.append(f'<text x="{WIDTH - RIGHT + 12}" y="{TOP + 10 + 14 * n}" fill="{colour}">{escaped(name[:28])}</text>')
    return "\n".join(out) + "\n</svg>\n"


def draw(traces, folder):
    """`traces`: name -> rule -> points (waiting, cost over the bound). Writes FOLDER/RULE.svg for each rule; returns the paths."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    top = max((c for rules in traces.values() for points in rules.values() for _, c in points), default=2)
    written = []
    for rule in dict.fromkeys(r for rules in traces.values() for r in rules):
        written.append(folder / f"{rule}.svg")
        written[-1].write_text(picture(rule, {name: rules[rule] for name, rules in traces.items() if rule in rules}, top))
    return written


if __name__ == "__main__":
    source = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "tests/bench/frontier.json")
    measured = {name: trace["points"] for name, trace in json.loads(source.read_text())["traces"].items()}
    for path in draw(measured, sys.argv[2] if len(sys.argv) > 2 else source.with_suffix("")):
        print(path)
