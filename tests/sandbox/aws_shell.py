"""Debian's awscli, one command a line: a JSON list of arguments in, [exit code, output, errors] out.

It takes longer to start than to ask; and it brings a botocore of its own, which is why it is a process of its own.
"""
import contextlib
import io
import json
import sys

import awscli.clidriver

for line in sys.stdin:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = awscli.clidriver.create_clidriver().main(json.loads(line))
    print(json.dumps([code, out.getvalue(), err.getvalue()]), flush=True)
