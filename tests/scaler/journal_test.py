"""`masu explain` and `masu replay` beside a running daemon and after its death, and what `masu run` does on a bad disk.

usage: journal_test.py MASU
"""
import base64
import hashlib
import json
import os
import pathlib
import re
import resource
import shutil
import sqlite3
import subprocess
import sys
import tempfile

from daemon import MASU, Daemon, check, failures, start_sandbox, write_policy


def masu(env, *arguments):
    return subprocess.run([MASU, *arguments], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False, timeout=60)


def refused(name, env, words, *arguments, code=1):
    done = masu(env, *arguments)
    check(name, done.returncode == code and words in done.stderr and not done.stdout and done.stderr.count("\n") == 1, done)


def ticked(daemon, cluster="main", n=1):
    return daemon.wait_for("tick", lambda e: e["cluster"] == cluster and e["tick"] >= n, seconds=60)


# ---- explain and replay -------------------------------------------------------------------------------------------------------
def explain_says(env, state, when):
    done = masu(env, "explain", "latest", "--cluster", "main", "--state", state, "--format", "json")
    check(f"explain latest works {when}", done.returncode == 0, done.stderr)
    doc = json.loads(done.stdout)
    check(f"its facts, verdicts and sources are there {when}", doc["cluster"] == "main" and doc["facts"]["instances"] > 0 and doc["verdicts"]
          and all(s["state"] == "ok" for s in doc["facts"]["sources"]), doc)
    one = next(v["target"] for v in doc["verdicts"] if v["kind"] == "instance")
    text = masu(env, "explain", str(doc["tick"]), "--state", state).stdout
    check(f"as text it has one row a candidate and no colour {when}", "\033" not in text and f"{one}" in text and text.startswith(f"tick {doc['tick']}   main"),
          text)
    done = masu(env, "explain", str(doc["tick"]), "--candidate", one[:12], "--state", state)
    check(f"the beginning of an id finds the candidate {when}", one in done.stdout and "since" in done.stdout and "facts" in done.stdout, done)
    done = masu(env, "replay", "all", "--state", state, "--format", "json")
    sum_ = json.loads(done.stdout)
    check(f"every tick replays to the byte {when}", done.returncode == 0 and sum_["identical"] >= 2 and sum_["different"] == sum_["unreadable"] == 0, sum_)
    done = masu(env, "replay", str(doc["tick"]), "--state", state)
    check(f"one tick replays {when}", done.returncode == 0 and "identical to the byte" in done.stdout, done)


def report_is_one_file(folder, env, state):
    out = folder / "report.html"
    done = masu(env, "report", "--state", state, "--out", str(out))
    check("report names each cluster and the file, after the daemon's death", done.returncode == 0 and "main " in done.stdout and "jobs " in done.stdout
          and f"written: {out}" in done.stdout, done)
    text = out.read_text()
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1]
    for tag, directive in (("script", "script-src"), ("style", "style-src")):
        body = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.S)
        digest = base64.b64encode(hashlib.sha256(body[0].encode()).digest()).decode()
        check(f"its {tag} is the one that its CSP names", len(body) == 1 and f"{directive} 'sha256-{digest}'" in policy, policy)
    check("it loads nothing and is under 1 MiB", "default-src 'none'" in policy and "unsafe" not in policy and not re.search(r'(src|href)="(?!data:,|#main)', text)
          and len(text) < 1 << 20, policy)
    data = json.loads(re.search(r'id="masu-data">(.*?)</script>', text, re.S)[1])["answers"]
    check("its answers are those of the API", {"/clusters", "/services", "/clusters/main", "/clusters/main/instances"} <= set(data), sorted(data))
    doc = json.loads(masu(env, "report", "--state", state, "--format", "json").stdout)
    check("the summary as JSON is the API's", [c["name"] for c in doc["estate"]["clusters"]] == ["main", "jobs"] and doc["out"] is None
          and doc["services"]["services"], doc)
    tick = json.loads(masu(env, "explain", "latest", "--cluster", "main", "--state", state, "--format", "json").stdout)
    main = data["/clusters/main"]["cluster"]
    check("its newest tick is the journal's", main["tick"] == tick["tick"] and main["instances"]["total"] == tick["facts"]["instances"], main["tick"])
    refused("without a journal report says what to do", env, "masu report: ", "report", "--state", str(folder / "none.db"))
    refused("a file that cannot be written is told", env, "masu report: ", "report", "--state", state, "--out", str(folder / "none" / "r.html"))


def journal_is_read(folder, env):
    state = str(folder / "state.db")
    d = Daemon(folder, env, "--state", state)
    check("the daemon ticks", ticked(d, "main", 3) and ticked(d, "jobs", 2), d.log.read_text()[-2000:])
    explain_says(env, state, "while the daemon runs")
    other = Daemon(folder, env, "--state", state, "--once")
    check("a second daemon on the same file is refused", other.p.wait(timeout=60) == 1 and "another masu uses it" in other.log.read_text(),
          other.log.read_text()[-500:])
    other.out.close()
    d.p.kill()
    d.stop()
    explain_says(env, state, "after it was killed")
    report_is_one_file(folder, env, state)
    refused("a tick that is not there yet is told", env, "there is no tick 99999 yet; the newest is", "explain", "99999", "--state", state)
    refused("a cluster that is not there is told with the nearest", env, 'did you mean "main"?', "explain", "latest", "--cluster", "maim", "--state", state)
    refused("a candidate that is not there is told", env, "knows no instance, fleet, service or shape", "explain", "latest", "--candidate", "i-zzz", "--state", state)
    refused("the beginning of several is told", env, "begin with \"i-0\"", "explain", "latest", "--cluster", "main", "--candidate", "i-0", "--state", state)
    refused("a word that is no tick is wrong usage", env, "masu explain --help", "explain", "yesterday", "--state", state, code=64)
    refused("a range that is none is wrong usage", env, "masu replay --help", "replay", "7..3", "--state", state, code=64)
    refused("a range without ticks is told", env, "no tick 90000..90001", "replay", "90000..90001", "--state", state)
    db = sqlite3.connect(state)
    db.execute("UPDATE ticks SET masu = '0.0.1', planned_policy = (SELECT hash FROM policies WHERE hash <> ticks.planned_policy) WHERE id = 1")
    db.commit()
    db.close()
    done = masu(env, "replay", "1", "--state", state)
    check("another policy and version are named where a plan differs", done.returncode == 1 and "planned by masu 0.0.1" in done.stdout
          and "differs at" in done.stdout, done)


def no_journal(folder, env):
    refused("no file: it says which is meant", env, "--state F, the file that masu run --state F writes", "explain", "latest", "--state", str(folder / "none.db"))
    (folder / "text.db").write_text("no database, and long enough that its head can be looked at by whoever wants to " * 4)
    refused("no database", env, "is no journal of masu", "explain", "latest", "--state", str(folder / "text.db"))
    sqlite3.connect(folder / "empty.db").close()
    (folder / "empty.db").touch()
    refused("an empty file", env, "holds no journal", "replay", "all", "--state", str(folder / "empty.db"))
    refused("a directory", env, "is not a file", "explain", "latest", "--state", str(folder))


# ---- bad disks ----------------------------------------------------------------------------------------------------------------
def once(folder, env, state, **popen):
    d = Daemon(folder, env, "--once", "--state", str(state), **popen)
    code = d.p.wait(timeout=90)
    d.out.close()
    return d, code


def mode_of(env, state):
    return json.loads(masu(env, "explain", "latest", "--state", str(state), "--format", "json").stdout)["mode"]


def corrupt_files(folder, env):
    def head(path):
        with open(path, "r+b") as f:
            f.write(b"no database")

    def pages(path):
        size = path.stat().st_size
        with open(path, "r+b") as f:
            for at in range(4096, size - 300, 4096):
                f.seek(at)
                f.write(b"garbage " * 12)

    def short(path):
        os.truncate(path, path.stat().st_size // 2 + 100)
    for name, damage in (("a corrupt head", head), ("corrupt pages", pages), ("a truncated file", short)):
        for old in folder.glob("bad.db*"):
            old.unlink()
        state = folder / "bad.db"
        d, code = once(folder, env, state)
        check(f"{name}: a good file first", code == 0 and mode_of(env, state) == "act", d.log.read_text()[-800:])
        damage(state)
        d, code = once(folder, env, state)
        said = d.events("state")[0]
        kept = list(folder.glob("bad.db.corrupt-*"))
        check(f"i5 {name} is moved aside, said, and begun anew", code == 0 and said["message"] == "was corrupt and moved aside" and said["why"]
              and said["moved_to"] in [str(k) for k in kept], said)
        check(f"i5 {name}: only adding until the hold after a start is over", mode_of(env, state) == "add-only", mode_of(env, state))
        check(f"i5 {name}: an alert tells of it", any(e.get("id") == "state-set-aside" for e in d.events("alert")), d.log.read_text()[-2500:])


def wrong_files(folder, env):
    d, code = once(folder, env, folder)
    check("a directory is refused in words", code == 1 and "is a directory" in d.log.read_text(), d.log.read_text()[-500:])
    state = folder / "newer.db"
    db = sqlite3.connect(state)
    db.execute("PRAGMA user_version = 99")
    db.commit()
    db.close()
    before = state.read_bytes()
    d, code = once(folder, env, state)
    check("a newer schema is refused in words", code == 1 and "use the newer masu" in d.log.read_text(), d.log.read_text()[-500:])
    check("and its file is left as it is", state.read_bytes() == before and not list(folder.glob("newer.db.corrupt*")))


def read_only_folder(folder, env):
    if os.geteuid() != 0:
        check("(only root can become somebody who may not write)", True)
        return
    with tempfile.TemporaryDirectory() as name:
        place = pathlib.Path(name)
        place.chmod(0o755)
        shutil.copy(MASU, place / "masu")
        shutil.copy(folder / "policy.json", place / "policy.json")
        for p in ("masu", "policy.json"):
            (place / p).chmod(0o755)
        done = subprocess.run([place / "masu", "run", "--once", "--policy", place / "policy.json", "--state", place / "state.db"], env=env, user=65534,
                              group=65534, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=90)
        check("i5 a read-only folder makes it add-only, not dead", done.returncode == 0 and "nothing is removed" in done.stdout
              and "Permission denied" in done.stdout and not (place / "state.db").exists(), done.stdout[-800:])


def full_disk(folder, env):
    state = folder / "full.db"
    d = Daemon(folder, env, "--state", str(state))
    check("with room it ticks", ticked(d, "main", 1), d.log.read_text()[-800:])
    # No file of the process may grow any more: what a full disk is to it. Its log is longer than nothing, so it keeps a little.
    resource.prlimit(d.p.pid, resource.RLIMIT_FSIZE, (d.log.stat().st_size + 30000, resource.RLIM_INFINITY))
    full = d.wait_for("journal", lambda e: "add only" in e.get("consequence", ""), seconds=60)
    check("i5 a disk that is full in mid-run is told with its consequence", full, d.log.read_text()[-1500:])
    alert = d.wait_for("alert", lambda e: e.get("id") == "journal-broken")
    check("i5 and raises an alert", alert, d.log.read_text()[-1500:])
    resource.prlimit(d.p.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    check("with room again it is written again, without a restart", d.wait_for("journal", lambda e: e["message"] == "can be written again", seconds=60),
          d.log.read_text()[-1500:])
    code, _ = d.stop()
    check("it lives through it all and ends well", code == 0, code)
    done = masu(env, "replay", "all", "--state", str(state))
    check("and its journal is whole", done.returncode == 0 and " 0 unreadable" in done.stdout, done)


def main():
    sandbox, env = start_sandbox()
    try:
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            write_policy(folder / "policy.json", period_s=5)
            journal_is_read(folder, env)
            no_journal(folder, env)
            corrupt_files(folder, env)
            wrong_files(folder, env)
            read_only_folder(folder, env)
            full_disk(folder, env)
    finally:
        sandbox.terminate()
        sandbox.wait(timeout=20)
    print(f"{len(failures)} failed")
    return 1 if failures else 0


sys.exit(main())
