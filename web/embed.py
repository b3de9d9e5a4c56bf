#!/usr/bin/env python3
"""Turns files into a C array of struct web_asset (web/asset.h): content, content type, ETag and a gzip form.

usage: embed.py OUT.c DEPFILE NAME=PATH... DIR...
A NAME=PATH is one file under that name; of a DIR every file (recursively) under its path in it, its modules as one script (bundle.py).
"""
import base64
import gzip
import hashlib
import os
import sys

from bundle import bundle, style

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".txt": "text/plain; charset=utf-8",
    ".woff2": "font/woff2",
}
SKIP_DIRS = {"node_modules", "__pycache__"}


def collect(args):
    files, watched = {}, []
    for arg in args:
        name, sep, path = arg.partition("=")
        if sep:
            files[name] = path
            continue
        for folder, dirs, names in os.walk(arg):
            dirs[:] = sorted(d for d in dirs if d not in SKIP_DIRS and not d.startswith("."))
            watched.append(folder)
            for n in sorted(names):
                if os.path.splitext(n)[1] in TYPES:
                    full = os.path.join(folder, n)
                    files[os.path.relpath(full, arg)] = full
    return files, watched


def read(path):
    with open(path, "rb") as f:
        return f.read()


def array(name, data):
    rows = [",".join(str(b) for b in data[i:i + 32]) for i in range(0, len(data), 32)]
    return "static const unsigned char %s[] = {\n%s};\n" % (name, ",\n".join(rows) or "0")


def named(text):
    """How a policy names a script or style that stands in the page itself."""
    if b"</script" in text or b"</style" in text or b"<!--" in text:
        sys.exit("embed: a text would end its own element")
    return "'sha256-%s'" % base64.b64encode(hashlib.sha256(text).digest()).decode()


def with_style(html, style):
    """The page with its style in it: what is painted first waits for nothing else."""
    link = b'<link rel="stylesheet" href="/assets/app.css">'
    if html.count(link) != 1:
        sys.exit("embed: index.html has no link to app.css")
    return html.replace(link, b"<style>" + style + b"</style>")


def one_file(script, style):
    """The page as one file, with a place for its data: nothing is loaded, script and style are named by their hashes."""
    hashes = [named(text) for text in (script, style)]
    policy = "default-src 'none'; script-src %s; style-src %s; img-src data:; base-uri 'none'; form-action 'none'" % tuple(hashes)
    head = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="%s">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>masu</title>
<link rel="icon" href="data:,">
<style>""" % policy
    body = """</style>
</head>
<body>
<a class="skip" href="#main">Skip to the report</a>
<header id="top"></header>
<section id="banner" aria-label="Notices"></section>
<main id="main" tabindex="-1"><noscript><h1>masu</h1><p>The report needs JavaScript.</p></noscript></main>
<ol id="notes" aria-label="Addresses of links"></ol>
<footer id="foot"></footer>
<p id="live" class="unseen" role="status" aria-live="polite"></p>
<dialog id="keys" aria-labelledby="keys-title"></dialog>
<script type="application/json" id="masu-data">{"data":null}</script>
<script>"""
    return head.encode() + style + body.encode() + script + b"</script>\n</body>\n</html>\n"


def main():
    out, depfile, args = sys.argv[1], sys.argv[2], sys.argv[3:]
    files, watched = collect(args)
    scripts = {name: path for name, path in files.items() if name.endswith(".js")}
    content = {name: read(path) for name, path in files.items() if name not in scripts}
    if scripts:
        content["app.js"] = bundle(os.path.dirname(scripts["app.js"])).encode()
        css = style(content.pop("app.css").decode()).encode()
        content["index.html"] = with_style(content["index.html"], css)
        content["report.html"] = one_file(content["app.js"], css)
    text = ['#include "web/asset.h"\n', 'const char web_style_source[] = "%s";\n' % (named(css) if scripts else "'self'")]
    table = []
    for i, name in enumerate(sorted(content)):
        data = content[name]
        packed = gzip.compress(data, 9, mtime=0)
        text.append(array("d%d" % i, data))
        small = len(packed) < len(data) * 9 // 10
        if small:
            text.append(array("g%d" % i, packed))
        etag = hashlib.sha256(data).hexdigest()[:16]
        kind = TYPES[os.path.splitext(name)[1]]
        table.append('    {"%s", "%s", "\\"%s\\"", d%d, %d, %s, %d},' % (
            name, kind, etag, i, len(data), "g%d" % i if small else "NULL", len(packed) if small else 0))
    text.append("const struct web_asset web_assets[] = {\n%s\n};\n" % "\n".join(table))
    text.append("const size_t web_asset_count = %d;\n" % len(table))
    with open(out, "w") as f:
        f.write("\n".join(text))
    with open(depfile, "w") as f:
        deps = [p.replace(" ", "\\ ") for p in list(files.values()) + watched]
        f.write("%s: %s\n" % (out, " ".join(deps)))


if __name__ == "__main__":
    main()
