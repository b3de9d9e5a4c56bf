"""deploy/: the files agree with the binary, with each other, and with what AWS accepts.

usage: deploy_test.py MASU SOURCE_ROOT     (Debian's python3, for its botocore)
"""
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys

MASU, ROOT = str(pathlib.Path(sys.argv[1]).resolve()), pathlib.Path(sys.argv[2])
DEPLOY = ROOT / "deploy"
failures = []


def check(name, holds, detail=""):
    print(("ok   " if holds else "FAIL ") + name + ("" if holds else f": {detail}"))
    if not holds:
        failures.append(name)


def masu(*arguments):
    return subprocess.run([MASU, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False,
                          env={"PATH": os.environ["PATH"], "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "")})


def accepts(command):
    """Does the binary take these words? --help behind them is reached only then."""
    return masu(*command, "--help").returncode == 0


def instructions(text):
    joined = re.sub(r"\\\n", " ", "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#")))
    return [tuple(line.split(None, 1)) for line in joined.splitlines() if line.strip()]


def installed(command):
    return {w for part in re.split(r"&&", command) if "apt-get install" in part for w in shlex.split(part.split("install", 1)[1]) if not w.startswith("-")}


def iam():
    for name, flags in (("act", ()), ("read-only", ("--read-only",))):
        printed = masu("iam-policy", "--policy", str(DEPLOY / "policy.json"), *flags)
        check(f"iam/{name}.json is what the binary prints: masu iam-policy --policy deploy/policy.json {' '.join(flags)} > deploy/iam/{name}.json",
              printed.returncode == 0 and printed.stdout == (DEPLOY / f"iam/{name}.json").read_text(), printed.stderr)
    trust = json.loads((DEPLOY / "iam/trust.json").read_text())["Statement"]
    account = json.loads((DEPLOY / "policy.json").read_text())["clusters"][0]["account"]
    check("only tasks of the own account may take the role", len(trust) == 1 and trust[0]["Principal"] == {"Service": "ecs-tasks.amazonaws.com"}
          and trust[0]["Condition"]["StringEquals"]["aws:SourceAccount"] == account, trust)
    done = masu("check-policy", str(DEPLOY / "policy.json"))
    check("the example policy is fine, without a warning", done.returncode == 0 and "0 warnings" in done.stdout, done.stdout)


def dockerfile():
    steps = instructions((DEPLOY / "Dockerfile").read_text())
    words = [w for w, _ in steps]
    starts = [i for i, w in enumerate(words) if w == "FROM"]
    check("it has two stages, both of Debian's slim image", len(starts) == 2 and all(steps[i][1].startswith("debian:bookworm-slim") for i in starts))
    build, final = steps[:starts[1]], steps[starts[1]:]
    needed = re.search(r"build_packages=\(([^)]*)\)", (ROOT / "dev").read_text())[1].split()
    built = set().union(*(installed(c) for w, c in build if w == "RUN"))
    check("the build stage installs what ./dev build does", built == set(needed), built ^ set(needed))
    check("nothing is fetched but Debian's packages", not re.search(r"(^|\s)(curl|wget|git|npm|pip3?|ADD)\s|https?://", " ".join(f"{w} {c}" for w, c in steps), re.M))
    last = {w: c for w, c in final}
    check("it does not run as root", re.fullmatch(r"[1-9]\d*:[1-9]\d*", last["USER"]), last["USER"])
    check("the user comes before the entry", [w for w, _ in final].index("USER") < [w for w, _ in final].index("ENTRYPOINT"))
    check("its command is one that the binary takes", json.loads(last["ENTRYPOINT"]) == ["masu"] and accepts(json.loads(last["CMD"])), last["CMD"])
    check("its health check is one that the binary takes", accepts(json.loads(last["HEALTHCHECK"].split("CMD", 1)[1])[1:]))
    libraries(set().union(*(installed(c) for w, c in final if w == "RUN")))
    kept = {line[1:].split("/")[0] for line in (DEPLOY / "Dockerfile.dockerignore").read_text().split() if line.startswith("!")}
    read = {m.split("/")[0] for m in re.findall(r"subdir\('([^']+)'\)", (ROOT / "meson.build").read_text())} - {"tests"}
    check("the context holds every folder of the build", read | {"meson.build", "meson_options.txt"} <= kept, read - kept)


def libraries(packages):
    """Every library that the binary is linked with is in a package of the final image."""
    linked = subprocess.run(["ldd", MASU], stdout=subprocess.PIPE, text=True, check=True).stdout
    direct = re.findall(r"NEEDED.*\[(.*?)\]", subprocess.run(["readelf", "-d", MASU], stdout=subprocess.PIPE, text=True, check=True).stdout)
    of = {}
    for soname in direct:
        if re.match(r"lib(asan|ubsan|tsan|c|m)\.so|ld-", soname):
            continue
        path = os.path.realpath(re.search(rf"^\s*{re.escape(soname)} => (\S+)", linked, re.M)[1])
        found = subprocess.run(["dpkg", "-S", *{path, path.replace("/usr/lib", "/lib", 1)}], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False).stdout
        of[soname] = found.split(":")[0]
    check("the libraries of the binary are known to dpkg", of and all(of.values()), of)
    check("the final image installs each of them", set(of.values()) <= packages, set(of.values()) - packages)
    check("and certificates and time zones, which no linker names", {"ca-certificates", "tzdata"} <= packages)


def task_definition():
    task = json.loads((DEPLOY / "task-definition.json").read_text())
    container, docker = task["containerDefinitions"][0], dict(instructions((DEPLOY / "Dockerfile").read_text()))
    check("it is the smallest task", (task["cpu"], task["memory"], task["networkMode"]) == ("256", "512", "awsvpc"))
    check("its command is one that the binary takes", accepts(container["command"]), container["command"])
    check("its health check is the binary's own", container["healthCheck"]["command"][:2] == ["CMD", "masu"] and accepts(container["healthCheck"]["command"][2:]))
    check("it runs as the image's user, on a root that is not written", container["user"] == docker["USER"] and container["readonlyRootFilesystem"])
    log = container["logConfiguration"]["options"]
    check("the log does not block", log["mode"] == "non-blocking", log)
    check("it is given longer than the 10 s that masu takes to stop", 10 < container["stopTimeout"] <= 120)
    check("the state lies on the image's volume", container["mountPoints"][0]["containerPath"] == docker["VOLUME"]
          and container["command"][container["command"].index("--state") + 1].startswith(docker["VOLUME"] + "/"))
    try:
        import botocore.session
        import botocore.validate
    except ImportError:
        print("skip AWS's model of RegisterTaskDefinition: no botocore")
        return
    shape = botocore.session.get_session().get_service_model("ecs").operation_model("RegisterTaskDefinition").input_shape
    unknown = [k for k in task if k not in shape.members] + [k for k in container if k not in shape.members["containerDefinitions"].member.members]
    report = botocore.validate.ParamValidator().validate(task, shape).generate_report()
    check("AWS's model takes the task definition", not report and not unknown, f"{report} {unknown}")


iam()
dockerfile()
task_definition()
print(f"{len(failures)} failed")
sys.exit(1 if failures else 0)
