#!/usr/bin/env python3
"""The bound of a mix against GLPK's optimum of the same linear programme: never above it, and close.

usage: glpk_test.py SIM-BOUND-GLPK; skipped (77) where glpsol is not installed.
"""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

CASES = [(seed, steps, types) for seed, (steps, types) in enumerate([(1, 1), (2, 2), (30, 1), (30, 3), (100, 2), (100, 5), (200, 4), (300, 3)], 1)]


def main():
    if shutil.which("glpsol") is None:
        print("glpsol is not here: skipped")
        return 77
    worst, failed = 1.0, 0
    with tempfile.TemporaryDirectory() as folder:
        programme, solution = pathlib.Path(folder) / "mix.lp", pathlib.Path(folder) / "mix.out"
        for case in CASES:
            done = subprocess.run([sys.argv[1], *map(str, case)], capture_output=True, text=True, check=True)
            programme.write_text(done.stdout)
            bound = float(done.stderr)
            subprocess.run(["glpsol", "--lp", str(programme), "-o", str(solution)], check=True, stdout=subprocess.DEVNULL)
            text = solution.read_text()
            assert re.search(r"Status:\s+OPTIMAL", text), text[:300]
            best = float(re.search(r"Objective:\s+cost = (\S+)", text).group(1))
            ok = best * 0.99 <= bound <= best * (1 + 1e-6)
            worst = min(worst, bound / best)
            failed += not ok
            print(f"{'ok' if ok else 'FAIL'} seed {case[0]}, {case[1]} steps, {case[2]} types: bound {bound:.6g}, optimum {best:.6g}, {bound / best:.5f}")
    print(f"worst {worst:.5f}")
    return 1 if failed else 0


sys.exit(main())
