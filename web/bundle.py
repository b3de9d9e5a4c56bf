"""The page's modules as one script: fewer requests, no waterfall, and one text whose hash a self-contained file can name in its CSP.

Knows the little that web/assets uses: `import { a, b } from "./x.js";` on a line of its own, and `export` before a function, const or
class. Each module becomes a function that returns what it exports; they stand in the order of their imports, so a cycle is an error.
Comments, indentation and spaces that nothing needs are left out, of the style too: they are most of the bytes.
"""
import os
import re
import sys

IMPORT = re.compile(r'^import \{ ([^}]*) \} from "\./([a-z]+)\.js";$', re.M)
EXPORT = re.compile(r"^export (async function|function|const|class) (\w+)", re.M)


TEXT = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|/(?![/*])(?:[^/\\\n\[]|\\.|\[(?:[^\]\\]|\\.)*\])+/[a-z]*""")
WORD = re.compile(r"[A-Za-z_$][\w$]*")
OPERATOR = re.compile(r"=>|\+\+|--|\?\.(?!\d)|\.\.\.|\d[\w.]*")
BEFORE_REGEX = tuple("(,=:[!&|?{};>") + ("=>", "return")


def tokens(js):
    """A script as texts, in order: words, strings, regular expressions, the texts of templates, signs; without the spaces between them."""
    out, i, inside = [], 0, []  # inside: of each template that is open, how many braces are open in its expression; None: in its text
    while i < len(js):
        c, last = js[i], out[-1] if out else ""
        if inside and inside[-1] is None:
            c = re.compile(r"(?:[^`\\$]|\\.|\$(?!\{))+|`|\$\{", re.S).match(js, i)[0]
            if c == "`":
                inside.pop()
            elif c == "${":
                inside[-1] = 0
            else:
                i += len(c)
                out.append("`" + c)  # told from code by its first sign
                continue
        elif c in "'\"" or (c == "/" and last in BEFORE_REGEX and js[i + 1] != "/"):
            found = TEXT.match(js, i)
            c = found[0] if found else c
        elif c == "`":
            inside.append(None)
        elif js.startswith("//", i):
            i = js.index("\n", i)
            continue
        elif c in " \n":
            i += 1
            continue
        else:
            found = WORD.match(js, i) or OPERATOR.match(js, i)
            c = found[0] if found else c
            if inside and c in "{}":
                inside[-1] = None if c == "}" and inside[-1] == 0 else inside[-1] + (1 if c == "{" else -1)
        i += len(c)
        out.append(c)
    return out


def join(list_):
    """The tokens as a script again, with a space only where two would else be one."""
    out, last = [], ""
    for t in list_:
        if len(t) > 1 and t[0] == "`":
            out.append(t[1:])
        else:
            apart = re.match(r"[\w$]", last[-1:]) and re.match(r"[\w$]", t) or last[-1:] in ("+", "-") and t[0] in "+-"
            out.append((" " if apart else "") + t)
        last = "" if t[0] == "`" else t
    return "".join(out)


def squeeze(js):
    """Without the spaces between its signs: not in strings, templates and regular expressions, where they mean something."""
    return join(tokens(js))


def strip(name, text):
    text = re.sub(r"/\*\*.*?\*/ ?", "", text, flags=re.S)
    over = next((line for line in text.splitlines() if line.count("`") % 2), None)
    if over:
        sys.exit("bundle: %s.js: a template of more than one line: %s" % (name, over))
    return tokens(re.sub(r"^\s+", "", text, flags=re.M))


KEYWORDS = set("async await break case catch class const continue delete do else extends finally for function if in instanceof let new of return static "
               "super switch this throw try typeof void while yield null true false undefined constructor".split())
OPENS_OBJECT = set("( , = [ : ? return && || ?? const let ... & |".split())


class Module:
    """Where the words of a module stand: which are names of variables, which of those it declares, and which outermost."""

    def __init__(self, toks):
        self.toks, self.variable, self.short, self.declared, self.outer = toks, [False] * len(toks), set(), set(), set()
        kinds, spots = [], []  # of each open bracket its kind, and where it stands
        for i, t in enumerate(toks):
            prev, after = toks[i - 1] if i else ";", toks[i + 1] if i + 1 < len(toks) else ";"
            kind = kinds[-1] if kinds else "block"
            if t in ("{", "${", "(", "["):
                head = toks[max(0, i - 4):i]
                kinds.append("class" if t == "{" and "class" in head and "{" not in head else "object" if t == "{" and prev in OPENS_OBJECT else "block" if t == "{" else t)
                spots.append(i)
            elif t in ("}", ")", "]"):
                kinds.pop()
                begin = spots.pop()
                before = toks[begin - 1] if begin else ";"
                if t == ")" and (after == "=>" or before == "catch" or toks[begin - 2:begin - 1] == ["function"]) or t != ")" and before in ("const", "let"):
                    self.declare(begin, i)
            elif WORD.fullmatch(t) and t not in KEYWORDS:
                key = kind == "object" and prev in "{," and after in (":", "(") or kind == "class" and prev in ("{", "}", ";", "async", "static", "get") and after in ("(", "=", ";")
                if prev in (".", "?.") or key:
                    continue
                self.variable[i] = True
                if kind == "object" and prev in "{," and after in ("}", ",", "="):
                    self.short.add(i)
                if prev in ("const", "let", "function", "class") or after == "=>":
                    self.declared.add(t)
                if prev in ("const", "let", "function", "class") and not kinds:
                    self.outer.add(t)

    def declare(self, begin, end):
        self.declared.update(t for t, v in zip(self.toks[begin:end], self.variable[begin:end]) if v)


def names():
    """Short names, one letter first."""
    letters = "etnarisoclduhmpfgybwvkxjqzABCDEFGHIJKLMNOPQRSTUVWXYZ_$"
    for one in letters:
        yield one
    for one in letters:
        for two in letters + "0123456789":
            if one + two not in KEYWORDS:
                yield one + two


def style(text):
    """The style sheet as it is served."""
    text = re.sub(r"^\s+", "", re.sub(r"/\*.*?\*/", "", text, flags=re.S), flags=re.M)
    return re.sub(r'("[^"\n]*")|\s*([{};,])\s*|(:) ', lambda m: m[1] or m[2] or m[3], text)


def order(folder, name, done, open_):
    if name in done:
        return
    if name in open_:
        sys.exit("bundle: modules import each other: " + " -> ".join(open_[open_.index(name):] + [name]))
    with open(os.path.join(folder, name + ".js"), encoding="utf-8") as f:
        text = f.read()
    for _, wanted in IMPORT.findall(text):
        order(folder, wanted, done, open_ + [name])
    done[name] = text


def read_module(name, text):
    """Its tokens with their words told apart, its imports as [(module, name there, name here)]."""
    imports = [(m[2], *(part.split(" as ") * 2)[:2]) for m in IMPORT.finditer(text) for part in m[1].split(", ")]
    left = re.search(r"^(import|export)\b.*", EXPORT.sub(r"\1 \2", IMPORT.sub("", text)), re.M)
    if left:
        sys.exit("bundle: %s.js: not understood: %s" % (name, left[0]))
    return Module(strip(name, EXPORT.sub(r"\1 \2", IMPORT.sub("", text)))), imports


def bundle(folder, entry="app"):
    """The script that `entry`.js and all it imports make: in one scope, each variable under a name of few letters.

    A word is renamed where it names a variable and its module declares or imports it; never a property, a key or a string. Different
    words get different names, so what a name means does not change; outermost names that two modules share are told apart.
    """
    done = {}
    order(folder, entry, done, [])
    modules = {name: read_module(name, text) for name, text in done.items()}
    uses, meant = {}, {}
    for name, (m, imports) in modules.items():
        of = {w: (name, w) for w in m.declared}
        of.update({here: meant[there][w] for there, w, here in imports})
        meant[name] = of
        for i, t in enumerate(m.toks):
            if m.variable[i] and t in of:
                uses[of[t]] = uses.get(of[t], 0) + 1
    here = {name: {t for i, t in enumerate(m.toks) if m.variable[i] and t not in meant[name]} for name, (m, _) in modules.items()}  # names in use
    short, outer = {}, set().union(*here.values())
    for key in sorted(uses, key=lambda k: (-uses[k], k)):
        where = [name for name in modules if key in meant[name].values()]
        alone = key[1] not in modules[key[0]][0].outer
        short[key] = next(n for n in names() if not any(n in here[name] for name in where) and (alone or n not in outer))
        for name in where:
            here[name].add(short[key])
        if not alone:
            outer.add(short[key])
    out = []
    for name, (m, _) in modules.items():
        for i, t in enumerate(m.toks):
            new = short[meant[name][t]] if m.variable[i] and t in meant[name] else t
            out += [t, ":", new] if i in m.short and new != t else [new]
        out.append("\n")
    return '"use strict";\n(() => {\n' + join(out) + "})();\n"


if __name__ == "__main__":
    with open(os.path.join(sys.argv[1], "app.css"), encoding="utf-8") as css:
        sys.stdout.write(style(css.read()) if sys.argv[2:] == ["style"] else bundle(sys.argv[1]))
