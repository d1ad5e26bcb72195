"""What a page shows of a cell's code: every awkward kind of cell."""

import ast
import textwrap
from pathlib import Path

import pytest

from tools.execute_book import chapters, read_chapter
from tools.sphinx_ext.cell_code import CodeError, split_code

ROOT = Path(__file__).resolve().parent.parent.parent


def code(text: str) -> str:
    return textwrap.dedent(text).strip("\n")


CELLS = {  # source, what is shown, what is checked
    "nothing to take out": ("a = 1\nprint(a)", "a = 1\nprint(a)", ""),
    "assertions at the end": ("a = 1\n\nassert a\nassert a == 1", "a = 1", "assert a\nassert a == 1"),
    "assertions only": ("assert a\nassert b", "", "assert a\nassert b"),
    "an assertion before what is drawn": (
        "a = 1\nassert a\nplt.show()",
        "a = 1\nassert a\nplt.show()",
        "",
    ),
    "glue only": ("glue('a', 1)\nglue('b', 2)", "", ""),
    "glue in the middle": ("a = 1\nglue('a', a)\nb = 2", "a = 1\nb = 2", ""),
    "glue as an attribute": ("a = 1\nnotebook.glue('a', a)", "a = 1", ""),
    "two glues on a line": ("a = 1\nglue('a', 1); glue('b', 2)", "a = 1", ""),
    "glue with a semicolon": ("a = 1\nglue('a', 1);", "a = 1", ""),
    "glue and assertions in turn": (
        "a = 1\nassert a\nglue('a', a)\nassert a > 0\nglue('b', a)",
        "a = 1",
        "assert a\nassert a > 0",
    ),
    "an expression that only names glue": ("sticks = {'glue': glue}", "sticks = {'glue': glue}", ""),
    "glue in a string": ("print('glue(')", "print('glue(')", ""),
    "many lines": (
        """
        total = sum(values)
        glue(
            "total",
            total,  # of all
        )
        print(total)
        assert np.allclose(
            total,
            6,
        ), (
            "they add up"
        )
        """,
        "total = sum(values)\nprint(total)",
        'assert np.allclose(\n    total,\n    6,\n), (\n    "they add up"\n)',
    ),
    "many lines by backslash": (
        "a = 1\nassert a == 1 \\\n    and a > 0\nglue('a', \\\n     a)",
        "a = 1",
        "assert a == 1 \\\n    and a > 0",
    ),
    "letters of two bytes": (
        "é = 'ü'\nglue('ä', é)  # ö\nassert é == 'ü', 'ß'",
        "é = 'ü'",
        "assert é == 'ü', 'ß'",
    ),
    "a text with blank lines": (
        'text = """one\n\n\nassert two\n"""\nglue("t", text)\n\nprint(text)',
        'text = """one\n\n\nassert two\n"""\n\nprint(text)',
        "",
    ),
    "blank lines do not meet": ("a = 1\n\nglue('a', a)\n\nb = 2", "a = 1\n\nb = 2", ""),
    "blank lines elsewhere stay": ("glue('a', 1)\na = 1\n\n\nb = 2", "a = 1\n\n\nb = 2", ""),
    "blank lines between assertions": (
        "a = 1\n\nassert a\n\nassert a == 1\nglue('a', 1)\n\nassert a < 2",
        "a = 1",
        "assert a\n\nassert a == 1\n\nassert a < 2",
    ),
    # comments
    "a comment above goes with its line": (
        "a = 1\n# for the text\n# below\nglue('a', a)\n# so it is\nassert a",
        "a = 1",
        "# so it is\nassert a",
    ),
    "a comment behind goes with its line": (
        "a = 1  # one\nassert a  # not zero",
        "a = 1  # one",
        "assert a  # not zero",
    ),
    "a comment that stands alone goes with what follows": (
        "a = 1\n\n# checks\n\nassert a",
        "a = 1",
        "# checks\n\nassert a",
    ),
    "a comment below stays with the line above": (
        "a = 1\n# one, as you see\n\nassert a",
        "a = 1\n# one, as you see",
        "assert a",
    ),
    "two lines of comment below": (
        "a = 1\n# one,\n# as you see\n\nassert a",
        "a = 1\n# one,\n# as you see",
        "assert a",
    ),
    "a comment at the end of what is shown": ("a = 1\n# (N, C)", "a = 1\n# (N, C)", ""),
    "a comment at the end of what is checked": ("a = 1\nassert a\n# done", "a = 1", "assert a\n# done"),
    "comments only": ("# nothing\n# to do", "# nothing\n# to do", ""),
    "a comment above what is shown": ("glue('a', 1)\n# two\nb = 2", "# two\nb = 2", ""),
    # blocks
    "glue in a loop beside others": (
        "for n in names:\n    print(n)\n    # for the text\n    glue(n, 1)\nprint('end')",
        "for n in names:\n    print(n)\nprint('end')",
        "",
    ),
    "a loop of glue only": ("for n in names:\n    glue(n, 1)\nprint(names)", "print(names)", ""),
    "a loop of glue on one line": ("for n in names: glue(n, 1)\nprint(names)", "print(names)", ""),
    "loops in loops of glue": (
        "for a in x:\n    for b in a:\n        glue(a, b)\n        glue(b, a)\nprint(x)",
        "print(x)",
        "",
    ),
    "a loop of assertions at the end": (
        "a = 1\nfor n in names:\n    assert n\n    glue(n, n)\n    assert n > 0",
        "a = 1",
        "for n in names:\n    assert n\n    assert n > 0",
    ),
    "with, if and else of assertions": (
        "a = 1\nwith torch.no_grad():\n    assert a\nif a:\n    assert b\nelse:\n    assert c",
        "a = 1",
        "with torch.no_grad():\n    assert a\nif a:\n    assert b\nelse:\n    assert c",
    ),
    "a loop that does more than check": (
        "for n in names:\n    x = f(n)\n    assert x\n",
        "for n in names:\n    x = f(n)\n    assert x",
        "",
    ),
    "a loop of assertions before others": (
        "for n in names:\n    assert n\nprint(n)",
        "for n in names:\n    assert n\nprint(n)",
        "",
    ),
    "try and except": (
        "try:\n    f()\nexcept ValueError as error:\n    print(error)\n    glue('e', str(error))",
        "try:\n    f()\nexcept ValueError as error:\n    print(error)",
        "",
    ),
    "glue in a function": (
        "def f(x):\n    glue('x', x)\n    return x",
        "def f(x):\n    return x",
        "",
    ),
    "an assertion in a function": (
        "def f(x):\n    assert x\n    return x",
        "def f(x):\n    assert x\n    return x",
        "",
    ),
    # what is no plain Python
    "a magic command": ("%matplotlib inline\nassert a", "%matplotlib inline\nassert a", ""),
    "nothing": ("", "", ""),
}


@pytest.mark.parametrize("name", CELLS)
def test_a_cell_is_split(name: str) -> None:
    source, shown, checks = CELLS[name]
    parts = split_code(code(source))
    assert (parts.shown, parts.checks) == (code(shown), checks)


REFUSED = {
    "x = glue('a', 1)": "line 1 of the cell: glue is part of an expression",
    "print(1)\n[glue(n, 1) for n in names]": "line 2 of the cell: glue is part of an expression",
    "a = 1; glue('a', a)": r"line 1 of the cell: 'a = 1' stands on one line",
    "glue('a', 1); a = 1": r"line 1 of the cell: .*'a = 1' stands on one line",
    "glue('äääää', 1); a": "line 1 of the cell: .*a' stands on one line",
    "a = 1; assert a": r"line 1 of the cell: 'a = 1' stands on one line",
    "a = [\n  1]; assert a": r"line 2 of the cell: '1\]' stands on one line",
    "assert a; glue('a', a)": r"line 1 of the cell: .* give it a line of its own",
    "if a:\n    glue('a', 1)\nelse:\n    b = 1": "line 2 of the cell: glue is all that stands",
    "if a:\n    b = 1\nelif c:\n    glue('a', 1)": "line 3 of the cell: glue is all that stands",
    "def f():\n    glue('a', 1)": "line 2 of the cell: glue is all that stands",
    "%time\nglue('a', 1)": "glue stands in a cell that is not plain Python",
}


@pytest.mark.parametrize("source", REFUSED)
def test_what_cannot_be_split_is_refused(source: str) -> None:
    with pytest.raises(CodeError, match=REFUSED[source]):
        split_code(source)


@pytest.mark.parametrize(
    ("source", "statements", "imports"),
    [
        ("import a\nfrom b import c\nx = 1", 3, 2),
        ("import a\nglue('a', 1)\nassert a", 1, 1),
        ("x = 1\nfor n in x:\n    import a", 2, 0),
    ],
)
def test_imports_are_counted_among_what_is_shown(source: str, statements: int, imports: int) -> None:
    parts = split_code(source)
    assert (parts.statements, parts.imports) == (statements, imports)


def test_each_cell_of_the_book_is_split_without_loss() -> None:
    count = 0
    for path in chapters(ROOT):
        for cell in read_chapter(path, ["amsmath", "colon_fence", "deflist", "dollarmath"]).cells:
            if cell.cell_type != "code":
                continue
            parts = split_code(cell.source)
            taken = [
                line for part in (parts.shown, parts.checks) for line in part.split("\n") if line.strip()
            ]
            lines = [line for line in cell.source.split("\n") if line.strip()]
            missing = "\n".join(line for line in lines if line not in taken)
            assert set(taken) <= set(lines)
            assert missing == "" or "glue" in missing, f"{path.name}: {missing}"
            assert "glue(" not in parts.shown + parts.checks
            ast.parse(parts.shown)
            ast.parse(parts.checks)
            count += bool(parts.checks)
    assert count > 100
