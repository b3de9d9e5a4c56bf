#!/usr/bin/env python3
"""House rules as a test: tidy.py ROOT checks every C file, tidy.py --self-test shows that each rule can fail.

A finding is one line, "file:line: rule: message". What a rule lets pass, and why, stands in the tables at the top.
"""
import os
import re
import sys

# ---- layers: what a folder may include (ARCHITECTURE.md). "folder" is all of it, "folder/file.h" that header alone -----------
LAYERS = {
    "base": {"base"},
    "planner/model": {"base", "planner/model"},
    "policies": {"base", "planner/model", "policies"},
    "planner": {"base", "planner/model", "policies", "planner", "planner/forecast"},
    "planner/forecast": {"base", "planner/model", "policies", "planner/forecast"},
    "planner/sim": {"base", "planner/model", "policies", "planner", "planner/forecast", "planner/sim"},
    "scaler/aws": {"base", "planner/model", "scaler/aws"},
    "scaler/metrics": {"base", "planner/model", "scaler/aws", "scaler/metrics"},
    "state": {"base", "planner/model", "state"},
    "web": {"base", "planner/model", "policies", "state", "web", "scaler/view.h", "scaler/view_events.h", "scaler/view_outlook.h", "scaler/view_pools.h", "scaler/view_services.h", "scaler/view_sizes.h", "scaler/view_limits.h",
            "planner/rightsize.h", "planner/limit_ahead.h"},  # pure arithmetic of what history says
    # The sandbox shares the signer's arithmetic and the seam, never the decoders: an error in one is not mirrored in the other.
    "scaler/sandbox": {"base", "planner/model", "planner/sim", "scaler/sandbox", "scaler/aws/digest.h", "scaler/aws/sigv4.h", "scaler/aws/transport.h"},
    "scaler": None,  # everything
    "tests": None,
}
# A header that a lower layer may use must itself stay within that layer's means.
LENT = {"scaler/view.h": "web", "scaler/view_pools.h": "web", "scaler/view_services.h": "web", "scaler/view_sizes.h": "web", "scaler/view_limits.h": "web", "scaler/view_outlook.h": "web", "scaler/view_events.h": "web", "scaler/aws/digest.h": "scaler/sandbox", "scaler/aws/sigv4.h": "scaler/sandbox", "scaler/aws/transport.h": "scaler/sandbox"}

# Libraries: header prefix -> where it may be included (folder or file prefix).
LIBRARIES = {
    "jansson.h": ("base/json", "planner/model/", "planner/sim/", "policies/", "scaler/", "web/", "state/"),
    "curl/": ("scaler/aws/",),
    "openssl/": ("scaler/aws/",),
    "expat.h": ("scaler/aws/",),
    "sqlite3.h": ("state/",),
    "zlib.h": ("state/", "web/"),
    "microhttpd.h": ("web/", "scaler/sandbox/"),
    "pthread.h": ("web/", "scaler/"),
}

# ---- words -------------------------------------------------------------------------------------------------------------------
# function -> (what to use, where it is right)
BANNED = {
    "clock_gettime": ("ask a struct clock", ("base/clock.c",)),
    "gettimeofday": ("ask a struct clock", ()),
    "time": ("ask a struct clock", ()),
    "clock": ("ask a struct clock", ()),
    "localtime_r": ("base/parse.h", ()),
    "gmtime_r": ("base/parse.h", ()),
    "mktime": ("base/parse.h", ()),
    "timegm": ("base/parse.h", ()),
    "strftime": ("base/parse.h", ()),
    "strptime": ("base/parse.h", ()),
    "strtod": ("parse_double", ("base/parse.c", "tests/")),
    "sscanf": ("base/parse.h", ("tests/",)),
    "sleep": ("wait in the transport", ("tests/",)),
    "usleep": ("wait in the transport", ("tests/",)),
    "nanosleep": ("wait in the transport", ("tests/",)),
    "system": ("nothing: no shell", ("tests/",)),
    "popen": ("nothing: no shell", ()),
    "alloca": ("an arena", ()),
    "setlocale": ("setlocale(LC_CTYPE, …): numbers are read and written without a locale", ()),
    "strerror_l": ("strerror", ()),
}
# The planner is a pure function: none of these in planner/, but for the JSON files of the model.
IMPURE_CALLS = (
    "printf", "fprintf", "vprintf", "puts", "fputs", "putchar", "fopen", "fwrite", "fread", "fclose", "open", "read", "write",
    "close", "getenv", "secure_getenv", "malloc", "calloc", "realloc", "free", "perror", "isatty", "getpid", "socket", "mmap",
    "log_write", "log_event", "clock_wall_ms", "clock_mono_ms", "clock_init_real", "clock_init_accelerated",
)
IMPURE_INCLUDES = ("base/log.h", "base/json.h", "jansson.h", "unistd.h", "fcntl.h", "pthread.h", "errno.h", "planner/model/model_json.h")

# ---- caps --------------------------------------------------------------------------------------------------------------------
MAX_FUNCTION, MAX_C, MAX_H, MAX_TEST = 70, 500, 200, 700
# file -> (lines, why it is better whole)
LONGER = {
    "planner/model/snapshot.h": (290, "the vocabulary that all parts share, read as one page"),
    "planner/sim/world_state.h": (230, "the whole truth of the virtual world, read as one page"),
    "tests/aws/test_against_sandbox.c": (820, "one test sends every operation of the client, whose parts stand together"),
}

# ---- reading C without a compiler ----------------------------------------------------------------------------------------------
TOKEN = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)
CALL = re.compile(r'(?<![\w.>])([A-Za-z_]\w*)[ \t]*\(')
GLOBAL = re.compile(r'^(?!typedef|extern|struct \w+ \{|struct \w+;|enum|union|return|goto|#|\}|static_assert|_Static_assert)'
                    r'((?:static |_Thread_local |volatile )*)([A-Za-z_][\w ]*?[ *]+)(\w+)((?:\[[^\]]*\])*)[ \t]*(=|;)', re.M)
STATIC_LOCAL = re.compile(r'^[ \t]+static (?!const\b|inline\b|_Static_assert)([^;{=(]*)[;=]', re.M)


def blank(text, keep_strings):
    """The text with comments (and strings) turned to spaces, so that places stay."""
    def replace(m):
        s = m.group(0)
        if keep_strings and s[0] in "\"'":
            return s
        return re.sub(r'[^\n]', ' ', s) if s[0] == "/" else s[0] + " " * (len(s) - 2) + s[-1]
    return TOKEN.sub(replace, text)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def folder_of(path):
    best = ""
    for folder in LAYERS:
        if path.startswith(folder + "/") and len(folder) > len(best):
            best = folder
    return best


class File:
    def __init__(self, path, text, exists):
        self.path, self.text, self.exists = path, text, exists
        self.code = blank(text, keep_strings=False)
        self.lines = text.split("\n")
        no_comments = blank(text, keep_strings=True)
        self.includes = [(line_of(text, m.start()), m.group(1), m.group(2)) for m in INCLUDE.finditer(no_comments)]
        self.folder = folder_of(path)
        self.is_test = path.startswith("tests/")
        self.is_header = path.endswith(".h")


# ---- rules: each yields (line, message) ----------------------------------------------------------------------------------------
def allowed(folder, header):
    may = LAYERS[folder]
    return may is None or header in may or folder_of(header) in may


def rule_layer(f):
    if not f.folder:
        yield 1, "is in no folder that the layers know"
        return
    for line, quote, header in f.includes:
        if quote == '"' and not allowed(f.folder, header):
            yield line, f"{f.folder}/ may not include {header}"
        lender = LENT.get(f.path)
        if quote == '"' and lender and header not in LENT and not allowed(lender, header):
            yield line, f"{f.path} is lent to {lender}/, which may not include {header}"


def rule_library(f):
    for line, quote, header in f.includes:
        for prefix, where in LIBRARIES.items():
            if quote == "<" and header.startswith(prefix) and not f.is_test and not f.path.startswith(where):
                yield line, f"<{header}> belongs in {', '.join(where)}"


def rule_include(f):
    for line, quote, header in f.includes:
        if quote == '"' and not f.exists(header):
            yield line, f'"{header}" is no file from the top of the tree'


def rule_own_header(f):
    own = f.path[:-2] + ".h"
    if not f.is_header and f.exists(own) and (not f.includes or f.includes[0][2] != own):
        yield (f.includes[0][0] if f.includes else 1), f'includes "{own}" first'


def rule_header(f):
    if not f.is_header:
        return
    if not f.text.startswith(("//", "/*")):
        yield 1, "opens with a comment that says what the module is for"
    if "#pragma once" not in f.code:
        yield 1, "has #pragma once"


def is_pure(f):
    return f.path.startswith("planner/") and not re.match(r"planner/(model|sim)/[^/]*json", f.path)


def rule_pure(f):
    if not is_pure(f):
        return
    for line, _, header in f.includes:
        if header in IMPURE_INCLUDES:
            yield line, f"the planner is pure: no {header}"
    for m in CALL.finditer(f.code):
        if m.group(1) in IMPURE_CALLS and not (f.path.startswith("planner/sim/") and m.group(1) in ("malloc", "calloc", "realloc", "free")):
            yield line_of(f.code, m.start()), f"the planner is pure: no {m.group(1)}()"
    for m in re.finditer(r"\b(stdout|stderr|stdin|errno)\b", f.code):
        yield line_of(f.code, m.start()), f"the planner is pure: no {m.group(1)}"


def is_const_object(declaration, pointers):
    """Whether the object itself is const: "const T x" or "… *const x"."""
    if "*" in pointers or "*" in declaration:
        return bool(re.search(r"\*\s*const\s*$", declaration.rstrip()))
    return bool(re.search(r"\bconst\b", declaration))


def rule_global(f):
    if not f.path.startswith(("planner/", "policies/", "base/")) or f.is_header:
        return
    for m in GLOBAL.finditer(f.code):
        if not is_const_object(m.group(2), ""):
            yield line_of(f.code, m.start()), f"{m.group(3)} is a variable of the whole program: pass it, or make it const"
    for m in STATIC_LOCAL.finditer(f.code):
        if not is_const_object(re.sub(r"\w+\s*(\[[^\]]*\]\s*)*$", "", m.group(1)), ""):
            yield line_of(f.code, m.start()), "a static variable remembers between calls: pass it, or make it const"


def rule_banned(f):
    for m in CALL.finditer(f.code):
        name = m.group(1)
        if name not in BANNED:
            continue
        if f.code.startswith("(LC_CTYPE,", m.end() - 1):
            continue
        instead, right = BANNED[name]
        before = f.code[f.code.rfind("\n", 0, m.start()) + 1:m.start()]
        declared = re.search(r"[\w*]\s*\*?\s*$", before) and not re.search(r"\b(return|else|do|case)\s*$", before)
        if not f.path.startswith(right or ("\0",)) and not declared:
            yield line_of(f.code, m.start()), f"{name}(): use {instead}"


def rule_size(f):
    limit, _ = LONGER.get(f.path, (MAX_H if f.is_header else MAX_TEST if f.is_test else MAX_C, ""))
    count = f.text.count("\n")
    if count > limit:
        yield limit + 1, f"{count} lines, at most {limit}: split it, or say why in LONGER"


def rule_function(f):
    begin = None
    for i, line in enumerate(f.code.split("\n"), 1):
        if line.startswith("{") or (line.rstrip().endswith(") {") and not line[:1].isspace()):
            begin = i
        elif line.startswith("}") and begin:
            if i - begin + 1 > MAX_FUNCTION + 2:
                yield begin, f"a function of {i - begin - 1} lines, at most {MAX_FUNCTION}"
            begin = None


def rule_typedef(f):
    for m in re.finditer(r"\btypedef\s+(struct|union|enum)\b", f.code):
        yield line_of(f.code, m.start()), f"typedef of a {m.group(1)}: write {m.group(1)} NAME"


def rule_assert(f):
    for m in re.finditer(r"(//+|/\*)[ \t]*(assert\w*|expect_\w+)[ \t]*\([^\n]*\);", f.text):
        yield line_of(f.text, m.start()), "an assertion that is commented out"
    for m in re.finditer(r"\bNDEBUG\b", f.code):
        if f.path != "base/check.h":
            yield line_of(f.code, m.start()), "assertions stay on: no NDEBUG"


def rule_macro(f):
    if f.is_test:
        return
    for m in re.finditer(r"^[ \t]*#[ \t]*define\b((?:[^\n]*\\\n)*[^\n]*)", f.code, re.M):
        body = m.group(1)
        jump = re.search(r"\b(return|goto|break|continue)\b", body)
        if jump:
            yield line_of(f.code, m.start()), f"a macro that hides a {jump.group(1)}"
        if re.match(r"\s+[A-Za-z_]\w*\s+[\w.]+\s*(<<|>>|[-+*/|])\s*\w+\s*$", body):
            yield line_of(f.code, m.start()), "a constant of several terms wants parentheses, or an enum"


def rule_unfinished(f):
    for m in re.finditer(r"\b(TODO|FIXME|XXX|HACK)\b", f.text):
        yield line_of(f.text, m.start()), f"{m.group(1)}: finish it or file it"


RULES = {name[5:]: rule for name, rule in list(globals().items()) if name.startswith("rule_")}


def check(path, text, exists):
    f = File(path, text, exists)
    return sorted((line, name, message) for name, rule in RULES.items() for line, message in rule(f))


# ---- the tree ------------------------------------------------------------------------------------------------------------------
def files_of(root):
    for top in sorted({folder.split("/")[0] for folder in LAYERS}):
        for folder, folders, names in os.walk(os.path.join(root, top)):
            folders[:] = sorted(d for d in folders if d not in ("node_modules", "build") and not d.startswith("."))
            for name in sorted(names):
                if name.endswith((".c", ".h")):
                    yield os.path.relpath(os.path.join(folder, name), root)


def main(root):
    findings, count = 0, 0
    paths = set(files_of(root))
    for path in sorted(paths):
        count += 1
        with open(os.path.join(root, path), encoding="utf-8") as f:
            text = f.read()
        for line, rule, message in check(path, text, paths.__contains__):
            print(f"{path}:{line}: {rule}: {message}")
            findings += 1
    for path in LONGER:
        if path not in paths:
            print(f"tests/tidy.py:1: size: {path} of LONGER is not there any more")
            findings += 1
    print(f"{count} files, {findings} findings")
    return 1 if findings or count < 10 else 0


# ---- each rule can fail, and does not where it should not --------------------------------------------------------------------------
BAD = [  # rule, path, text
    ("layer", "base/a.c", '#include "planner/planner.h"\n'),
    ("layer", "planner/a.c", '#include "planner/sim/world.h"\n'),
    ("layer", "planner/model/a.c", '#include "policies/policy.h"\n'),
    ("layer", "state/a.c", '#include "scaler/aws/ecs.h"\n'),
    ("layer", "web/a.c", '#include "scaler/loop.h"\n'),
    ("layer", "scaler/sandbox/a.c", '#include "scaler/aws/ecs.h"\n'),
    ("layer", "scaler/sandbox/a.c", '#include "planner/planner.h"\n'),
    ("layer", "scaler/view.h", '// A view.\n#pragma once\n#include "scaler/loop.h"\n'),
    ("layer", "other/a.c", "int a;\n"),
    ("library", "planner/a.c", "#include <sqlite3.h>\n"),
    ("library", "state/a.c", "#include <curl/curl.h>\n"),
    ("include", "base/a.c", '#include "base/missing.h"\n'),
    ("own_header", "base/b.c", '#include "base/err.h"\n#include "base/b.h"\n'),
    ("header", "base/b.h", "#pragma once\n"),
    ("header", "base/b.h", "// What it is for.\nint b(void);\n"),
    ("pure", "planner/a.c", '#include "base/log.h"\n'),
    ("pure", "planner/a.c", "void f(void)\n{\n    printf(\"x\");\n}\n"),
    ("pure", "planner/sim/a.c", "int f(void)\n{\n    return getenv(\"X\") != 0;\n}\n"),
    ("pure", "planner/model/a.c", "void *f(void)\n{\n    return malloc(3);\n}\n"),
    ("pure", "planner/a.c", "void f(void)\n{\n    g(stderr);\n}\n"),
    ("global", "planner/a.c", "static int count;\n"),
    ("global", "planner/a.c", "int count = 3;\n"),
    ("global", "planner/a.c", "static const char *names[] = {\"a\"};\n"),
    ("global", "planner/a.c", "static struct x table[3];\n"),
    ("global", "planner/a.c", "void f(void)\n{\n    static int calls;\n    calls++;\n}\n"),
    ("banned", "scaler/a.c", "long f(void)\n{\n    return time(NULL);\n}\n"),
    ("banned", "scaler/a.c", "void f(struct timespec *t)\n{\n    clock_gettime(CLOCK_REALTIME, t);\n}\n"),
    ("banned", "scaler/a.c", "void f(void)\n{\n    usleep(1);\n}\n"),
    ("banned", "scaler/a.c", "void f(void)\n{\n    setlocale(LC_ALL, 0);\n}\n"),
    ("banned", "state/a.c", "void f(void)\n{\n    system(\"ls\");\n}\n"),
    ("size", "base/a.c", "\n" * 501),
    ("size", "base/a.h", "// x\n#pragma once\n" + "\n" * 200),
    ("function", "base/a.c", "int f(void)\n{\n" + "    g();\n" * 71 + "}\n"),
    ("function", "base/a.c", "int f(void) {\n" + "    g();\n" * 72 + "}\n"),
    ("typedef", "base/a.c", "typedef struct a a_t;\n"),
    ("assert", "tests/a.c", "// assert_true(x);\n"),
    ("assert", "scaler/a.c", "#define NDEBUG 1\n"),
    ("macro", "base/a.h", "// x\n#pragma once\n#define TRY(x) \\\n    if (x) \\\n        return 1\n"),
    ("macro", "base/a.h", "// x\n#pragma once\n#define A 60 * 5\n"),
    ("unfinished", "base/a.c", "// TODO later\n"),
]
GOOD = [
    ("planner/a.c", '#include "planner/model/res.h"\n#include <math.h>\n'),
    ("planner/sim/a.c", "struct x *f(void)\n{\n    return malloc(sizeof(struct x));\n}\n"),
    ("scaler/a.c", '#include "web/server.h"\n'),
    ("web/a.c", '#include "scaler/view.h"\n'),
    ("scaler/sandbox/a.c", '#include "scaler/aws/sigv4.h"\n'),
    ("base/clock.c", "void f(struct timespec *t)\n{\n    clock_gettime(CLOCK_REALTIME, t);\n}\n"),
    ("base/b.c", '#include "base/b.h"\n\n#include <string.h>\n'),
    ("base/b.h", "// What it is for.\n#pragma once\n\nint b(void);\nint64_t time_to(int x);\n"),
    ("planner/a.c", "static const char *const names[] = {\"a\"};\nstatic const int n = 3;\nstatic int f(void);\nstatic int f(void)\n{\n"
                    "    static const int x[2] = {1, 2};\n    static const char *const w[] = {\"printf(\"};\n    return x[0]; // time(\n}\n"),
    ("planner/a.c", "const struct x y = {1};\nstruct z {\n    int a;\n};\nenum { A = 1, B };\n"),
    ("planner/a.c", "void f(struct x *t)\n{\n    t->time(t);\n    g(t->clock);\n    snprintf(t->s, 3, \"time(\");\n}\n"),
    ("base/a.c", "int f(void)\n{\n" + "    g();\n" * 70 + "}\n"),
    ("base/a.h", "// x\n#pragma once\n#define A (60 * 5)\n#define LOG(x) f(x)\n"),
    ("scaler/a.c", "void f(void)\n{\n    setlocale(LC_CTYPE, 0);\n}\n"),
    ("tests/a.c", "// asserts stay on here\nvoid f(void)\n{\n    usleep(5);\n}\n"),
]
PRETENDED = {"base/b.h", "base/err.h", "base/log.h", "planner/planner.h", "planner/sim/world.h", "policies/policy.h", "scaler/aws/ecs.h",
             "scaler/loop.h", "scaler/view.h", "scaler/aws/sigv4.h", "planner/model/res.h", "web/server.h", "scaler/aws/transport.h"}


def self_test():
    failures = 0
    for rule, path, text in BAD:
        rules = {r for _, r, _ in check(path, text, PRETENDED.__contains__)}
        if rules != {rule}:
            print(f"self-test: {path!r} {text[:60]!r} should break {rule}, breaks {sorted(rules)}")
            failures += 1
    for path, text in GOOD:
        found = check(path, text, PRETENDED.__contains__)
        if found:
            print(f"self-test: {path!r} {text[:60]!r} is fine, but: {found}")
            failures += 1
    untested = set(RULES) - {rule for rule, _, _ in BAD}
    if untested:
        print(f"self-test: no bad example of {sorted(untested)}")
    print(f"{len(RULES)} rules, {len(BAD)} bad and {len(GOOD)} good examples, {failures} failures")
    return 1 if failures or untested else 0


if __name__ == "__main__":
    sys.exit(self_test() if sys.argv[1:] == ["--self-test"] else main(sys.argv[1]))
