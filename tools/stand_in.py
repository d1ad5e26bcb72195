"""Pages whose cells take CIFAR-10 where it is, and the drawn stand-in where it isn't, say so."""

import re

CALL = "default_name("  # of cnncourse.data: what such a page asks for
NOTE = """```{{note}}
CIFAR-10 wasn't on the machine that made this copy. The cells ran on {name}, drawings that come with
the course, and the text was written for CIFAR-10's photographs: some of its sentences don't fit.
{{doc}}`/book/reference/setup` tells how to bring the photographs in.
```

"""
IN_A_NOTEBOOK = (
    " *Where CIFAR-10 is missing, the cells take the drawings of shapes10, as in this copy; the text was "
    "written for CIFAR-10's photographs, and some of its sentences don't fit. To bring them in, run "
    '`data.fetch("cifar10")` and start again.*'
)


def with_note(source: str, name: str) -> str:
    """Return a page with a note before its first section or cell, if its cells ran on the stand-in `name`."""
    if CALL not in source or name in ("", "cifar10"):
        return source
    section = re.search(r"^((\([\w-]+\)=\n)?## |```\{code-cell\})", source, re.MULTILINE)
    place = section.start() if section else len(source)
    return source[:place] + NOTE.format(name=name) + source[place:]
