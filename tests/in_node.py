"""What the scripts of the book's widgets compute, asked of Node."""

import json
import subprocess
from pathlib import Path

import pytest
from find_node import find_node

WIDGETS = Path(__file__).parent.parent / "book" / "widgets"
NODE = find_node()
REPLACE = "(_, it) => ArrayBuffer.isView(it) ? Array.from(it) : it"
in_the_book = [
    pytest.mark.skipif(not WIDGETS.is_dir(), reason="the book is not here"),
    pytest.mark.skipif(
        NODE is None, reason="widgets were NOT tested: there is no Node; install node or playwright"
    ),
]


def in_node(script, expression, **given):
    """Return what an expression on a widget's script and on given values is in Node."""
    program = "\n".join(
        [
            f"require({json.dumps(str(WIDGETS / script))});",
            *(f"const {name} = {json.dumps(value)};" for name, value in given.items()),
            "Object.assign(globalThis, globalThis.cnncourse);",
            f"console.log(JSON.stringify({expression}, {REPLACE}));",
        ]
    )
    done = subprocess.run([NODE, "-"], input=program, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
