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
BEFORE_REGEX = "(,=:[!&|?{};>"


def squeeze(js):
    """Without the spaces between its signs: not in strings, templates and regular expressions, where they mean something."""
    out, i, inside = "", 0, []  # inside: of each template that is open, how many braces are open in its expression; None: in its text
    while i < len(js):
        c, last = js[i], out[-1:]
        if inside and inside[-1] is None:
            if c == "`":
                inside.pop()
            elif js.startswith("${", i):
                inside[-1], c = 0, "${"
            elif c == "\\":
                c = js[i:i + 2]
        elif c in "'\"" or (c == "/" and (last in BEFORE_REGEX or out.endswith("return"))):
            found = TEXT.match(js, i)
            c = found[0] if found else c
        elif c == "`":
            inside.append(None)
        elif inside and c in "{}":
            inside[-1] = None if c == "}" and inside[-1] == 0 else inside[-1] + (1 if c == "{" else -1)
        elif c == " ":
            after = js[i + 1:i + 2]
            word = re.match(r"[\w$]", last) and re.match(r"[\w$]", after)
            out += " " if word or (last in "+-" and after in "+-") else ""
            i += 1
            continue
        out += c
        i += len(c)
    return out


def strip(name, text):
    text = re.sub(r"/\*\*.*?\*/ ?", "", text, flags=re.S)
    text = re.sub(r"^\s*//.*\n", "", text, flags=re.M)
    over = next((line for line in text.splitlines() if line.count("`") % 2), None)
    if over:
        sys.exit("bundle: %s.js: a template of more than one line: %s" % (name, over))
    return squeeze(re.sub(r"^\s+", "", text, flags=re.M))


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


def module(name, text):
    exports = [m[1] for m in EXPORT.findall(text)]
    text = IMPORT.sub(lambda m: "const { %s } = m_%s;" % (m[1].replace(" as ", ": "), m[2]), text)
    text = EXPORT.sub(r"\1 \2", text)
    left = re.search(r"^(import|export)\b.*", text, re.M)
    if left:
        sys.exit("bundle: %s.js: not understood: %s" % (name, left[0]))
    return "const m_%s = (() => {\n%sreturn { %s };\n})();\n" % (name, strip(name, text), ", ".join(exports))


def bundle(folder, entry="app"):
    """The script that `entry`.js and all it imports make."""
    done = {}
    order(folder, entry, done, [])
    return '"use strict";\n' + "".join(module(n, t) for n, t in done.items())


if __name__ == "__main__":
    with open(os.path.join(sys.argv[1], "app.css"), encoding="utf-8") as css:
        sys.stdout.write(style(css.read()) if sys.argv[2:] == ["style"] else bundle(sys.argv[1]))
