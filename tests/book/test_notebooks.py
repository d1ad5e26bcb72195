"""From chapters to notebooks: each construct, what stops the generator, drift, and stable bytes."""

import shutil
from pathlib import Path

import nbformat
import pytest

from tools.notebooks import __main__ as command
from tools.notebooks.cells import glued_values, install_cell, make_notebook
from tools.notebooks.drift import check
from tools.notebooks.formulas import display, environment
from tools.notebooks.references import Book, read_book
from tools.notebooks.run import clean, code_cells, execute, shorten
from tools.notebooks.source import SourceError
from tools.notebooks.write import AnyValue, finish, read_stored, run_chapter, write

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = "https://cnncourse.github.io/cnncourse/book"
FRONT = """---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---

"""
FIRST_LINE = FRONT.count("\n") + 1
TOC = """format: jb-book
root: book/index
parts:
  - caption: Foundations
    numbered: true
    chapters:
      - file: book/foundations/first
      - file: book/foundations/second
  - caption: Reference
    chapters:
      - file: book/reference/glossary
"""
SECOND = """(second)=
# The second page

(shapes)=
## Shapes of `x`: $H$

```{figure} ../_static/cat.png
:alt: A cat.
:name: cat

The cat.
```

```{math}
:label: area
A = H W
```
"""
GLOSSARY = """# Glossary

```{glossary}
feature map
  What a filter gives.

ReLU
  Keeps what is positive.
```
"""
REFERENCES = r"""
@article{lecun1998, author = {LeCun, Yann and Bottou, L{\'e}on and Bengio, Yoshua}, title = {A}, year = 1998,
 doi = {10.1109/5.726791}}
@book{ab2016, author = {Ada Alpha and Jan van der Berg}, title = {B}, year = 2016, url = {https://example.org/b}}
@techreport{itu, institution = {{ITU}}, title = {C}, year = 2011}
"""


def make_book(root: Path, text: str) -> Book:
    """Write a small book below `root` whose first chapter holds `text`, and read it."""
    for name in ("foundations", "reference", "_static"):
        (root / "book" / name).mkdir(parents=True, exist_ok=True)
    for name in ("pyproject.toml", "_config.yml"):
        shutil.copyfile(ROOT / name, root / name)
    (root / "_toc.yml").write_text(TOC)
    (root / "book/_static/cat.png").write_bytes(b"")
    (root / "book/index.md").write_text("# Course\n")
    (root / "book/references.bib").write_text(REFERENCES)
    (root / "book/reference/glossary.md").write_text(GLOSSARY)
    (root / "book/foundations/second.md").write_text(SECOND)
    (root / "book/foundations/first.md").write_text(FRONT + text)
    return read_book(root)


def first(book: Book):
    return book.chapters["book/foundations/first"]


@pytest.fixture
def notebook_of(tmp_path):
    def make(text, glued=None):
        book = make_book(tmp_path, text)
        return make_notebook(book, first(book), ["numpy"], glued or {})

    return make


@pytest.fixture
def markdown_of(notebook_of):
    """Return a function: the Markdown of a chapter that holds a text, without title and preface."""

    def convert(text, glued=None):
        cells = notebook_of(f"# First\n\n{text}\n", glued).cells
        sources = [cell.source for cell in cells if cell.cell_type == "markdown"]
        sources[0] = "\n".join(sources[0].split("\n")[4:])
        return "\n\n".join(source for source in sources if source).strip()

    return convert


ROLES = [
    ("{ref}`second`", f"[The second page]({PAGES}/foundations/second.html#second)"),
    ("{ref}`shapes`", f"[Shapes of x: $H$]({PAGES}/foundations/second.html#shapes)"),
    ("{ref}`sizes <shapes>`", f"[sizes]({PAGES}/foundations/second.html#shapes)"),
    ("{numref}`cat`", f"[Figure 2.1]({PAGES}/foundations/second.html#cat)"),
    ("{numref}`Picture %s <cat>`", f"[Picture 2.1]({PAGES}/foundations/second.html#cat)"),
    ("{eq}`area`", f"[(2.1)]({PAGES}/foundations/second.html#equation-area)"),
    ("{doc}`second`", f"[The second page]({PAGES}/foundations/second.html)"),
    ("{doc}`words <../reference/glossary>`", f"[words]({PAGES}/reference/glossary.html)"),
    ("{doc}`/book/reference/glossary`", f"[Glossary]({PAGES}/reference/glossary.html)"),
    ("{term}`feature map`", f"[feature map]({PAGES}/reference/glossary.html#term-feature-map)"),
    ("{term}`maps <feature map>`", f"[maps]({PAGES}/reference/glossary.html#term-feature-map)"),
    ("{term}`ReLU`", f"[ReLU]({PAGES}/reference/glossary.html#term-ReLU)"),
    ("{cite:p}`lecun1998`", "([LeCun et al., 1998](https://doi.org/10.1109/5.726791))"),
    ("{cite:t}`ab2016`", "[Alpha and van der Berg (2016)](https://example.org/b)"),
    (
        "{cite:p}`ab2016, itu`",
        "([Alpha and van der Berg, 2016](https://example.org/b); "
        f"[ITU, 2011]({PAGES}/reference/references.html))",
    ),
    ("{math}`a_b * c`", "$a_b * c$"),
    ("[text](second.md)", f"[text]({PAGES}/foundations/second.html)"),
    ("[](#shapes)", f"[Shapes of x: $H$]({PAGES}/foundations/second.html#shapes)"),
    ("[paper](https://example.org/a_b)", "[paper](https://example.org/a_b)"),
    (
        "![A cat](../_static/cat.png)",
        f"![A cat]({'https://raw.githubusercontent.com/cnncourse/cnncourse'}/main/book/_static/cat.png)",
    ),
    ("It costs \\$5.", "It costs \\$5."),
    ("Even *here*, `code` and $x_1$.", "Even *here*, `code` and $x_1$."),
    ("---", "---"),
    ("% a comment\n\ntext", "text"),
    (
        "$$\na = b\n$$ (mine)\n\n{eq}`mine`",
        f"$$\na = b \\tag{{1.1}}\n$$\n\n[(1.1)]({PAGES}/foundations/first.html#equation-mine)",
    ),
]


@pytest.mark.parametrize(("source", "expected"), ROLES, ids=[source for source, _ in ROLES])
def test_inline_constructs(markdown_of, source, expected):
    assert markdown_of(source) == expected


def test_glued_values_take_their_format(markdown_of):
    glued = {"share": "0.7324", "count": "1792", "name": "a_b", "ratio": "12"}
    formats = ["share:.1%", "count:,", "count", "name", "ratio:.1f"]
    text = " ".join(f"{{glue:text}}`{name}`" for name in formats)
    assert markdown_of(text, glued) == "73.2% 1,792 1792 a\\_b 12.0"


BLOCKS = {
    "quiz": (
        ":::{quiz}\nHow *many*?\n\n[ ] 1\n: None\n  of it.\n\n[x] $a<b$\n: All.\n\n[ ] 3\n: No.\n:::",
        "How *many*?\n\n<details>\n<summary>1</summary>\n\n**Not quite.** None\nof it.\n\n</details>\n\n"
        "<details>\n<summary>$a\\lt b$</summary>\n\n**Right.** All.\n\n</details>\n\n"
        "<details>\n<summary>3</summary>\n\n**Not quite.** No.\n\n</details>",
    ),
    "admonition": (
        ":::{admonition} Try it: $x$\n:class: tip\nIs it?\n\n$$\na = b\n$$\n:::",
        "> **Try it: $x$**\n>\n> Is it?\n>\n> $$a = b$$",
    ),
    "note": ("```{note}\nMind *this*.\n```", "> **Note**\n>\n> Mind *this*."),
    "note on one line": ("```{note} Mind this.\n```", "> **Note**\n>\n> Mind this."),
    "folded admonition": (
        "```{admonition} More\n:class: dropdown\nText.\n```",
        "<details>\n<summary>More</summary>\n\nText.\n\n</details>",
    ),
    "dropdown": (
        "```{dropdown} The *answer* if $a<b$\n- one\n- two\n```",
        "<details>\n<summary>The <em>answer</em> if $a\\lt b$</summary>\n\n- one\n- two\n\n</details>",
    ),
    "dropdown in admonition": (
        "::::{admonition} Try it\nWhat?\n\n```{dropdown} Answer\n{ref}`second`, of course.\n```\n::::",
        "> **Try it**\n>\n> What?\n>\n> <details>\n> <summary>Answer</summary>\n>\n"
        f"> [The second page]({PAGES}/foundations/second.html#second), of course.\n>\n> </details>",
    ),
    "figure": (
        "```{figure} ../_static/cat.png\n:alt: A cat, asleep.\n:name: own\n\n"
        "A {term}`ReLU` cat.\n```\n\n{numref}`own`",
        "![A cat, asleep.](https://raw.githubusercontent.com/cnncourse/cnncourse/main/book/_static/cat.png)\n\n"
        f"**Figure 1.1.** A [ReLU]({PAGES}/reference/glossary.html#term-ReLU) cat.\n\n"
        f"[Figure 1.1]({PAGES}/foundations/first.html#own)",
    ),
    "math": (
        "```{math}\n:label: e\na &= b \\\\\nc &= d\n```",
        "$$\n\\begin{split}\na &= b \\\\\nc &= d\n\\end{split} \\tag{1.1}\n$$",
    ),
    "math without label": ("```{math}\na = b\n```", "$$\na = b\n$$"),
    "amsmath": ("\\begin{align}\na &= b\n\\end{align}", "$$\n\\begin{aligned}\na &= b\n\\end{aligned}\n$$"),
    "math in a list": ("- one\n\n  $$\n  a\n  = b\n  $$", "- one\n\n  $$a = b$$"),
    "code-block": (
        "```{code-block} python\n:caption: Not run\nprint(1)\n```",
        "**Listing 1.1.** Not run\n\n```python\nprint(1)\n```",
    ),
    "plain code": ("```sh\nmake book\n```", "```sh\nmake book\n```"),
    "code that shows a directive": ("````md\n```{note}\n```\n````", "````md\n```{note}\n```\n````"),
    "list-table": (
        "```{list-table} Sizes\n:header-rows: 1\n\n* - name\n  - $|x|$\n* - a | {ref}`second`\n  -\n```",
        "**Table 1.1.** Sizes\n\n| name | $\\vert x\\vert $ |\n| --- | --- |\n"
        f"| a \\| [The second page]({PAGES}/foundations/second.html#second) |  |",
    ),
    "table": ("| a | b |\n|:--|--:|\n| `x` | *y* |", "| a | b |\n| :-- | --: |\n| `x` | *y* |"),
    "table with a title": (
        "```{table} Sizes\n| a |\n|---|\n| 1 |\n```",
        "**Table 1.1.** Sizes\n\n| a |\n| --- |\n| 1 |",
    ),
    "fold": (
        "## Part\n\n(deep)=\n```{fold} Digging deeper: *why* $x$\n```\n\n"
        "Text, {ref}`deep`.\n\n```{fold-end}\n```\n\nAfter.",
        "## Part\n\n### Digging deeper: *why* $x$\n\n"
        f"Text, [Digging deeper: why $x$]({PAGES}/foundations/first.html#deep).\n\nAfter.",
    ),
    "widget": (
        ":::{widget} convolution\n:title: Your *own* kernel\n\nIts place. See {ref}`second`.\n:::",
        f"> **[Your *own* kernel]({PAGES}/foundations/first.html#widget-convolution)** (on the page)\n>\n"
        f"> Its place. See [The second page]({PAGES}/foundations/second.html#second).",
    ),
    "definition list": ("term\n: what it *is*", "**term**\n\nwhat it *is*"),
    "quotation": ("> $$\n> a\n> $$", "> $$a$$"),
}


@pytest.mark.parametrize("name", BLOCKS)
def test_block_constructs(markdown_of, name):
    source, expected = BLOCKS[name]
    assert markdown_of(source) == expected


STOPS = {
    "a quiz without a right answer": (
        ":::{quiz}\nA?\n\n[ ] 1\n: a\n:::",
        4,
        "1, 0 of them right|3 to 5 options",
    ),
    "unknown directive": ("text\n\n```{sidebar} S\nx\n```", 5, r"unknown directive \{sidebar\}"),
    "nested unknown directive": (":::{note}\nx\n\n```{tabs}\n```\n:::", 6, r"unknown directive \{tabs\}"),
    "code cell inside a block": (
        ":::{note}\n```{code-cell}\n1\n```\n:::",
        4,
        "code-cell.* inside another block",
    ),
    "unknown role": ("one\ntwo {kbd}`x`", 4, r"unknown role \{kbd\}"),
    "unknown role in a nested block": (
        ":::{note}\none\n\ntwo *a\n{abbr}`x`*\n:::",
        7,
        r"unknown role \{abbr\}",
    ),
    "unknown role in a caption": (
        "```{code-cell}\n---\nmystnb:\n  figure:\n    caption: A {sub}`x`\n---\n1\n```",
        3,
        r"unknown role \{sub\}",
    ),
    "unknown label": ("{ref}`nowhere`", 3, "no page of the book holds the label 'nowhere'"),
    "unknown equation": ("{eq}`nowhere`", 3, "the label 'nowhere'"),
    "label without a title": ("(bare)=\ntext\n\n{ref}`bare`", 6, "stands before no heading"),
    "number of a section": ("{numref}`shapes`", 3, "'shapes' has no number"),
    "unknown term": ("{term}`nothing`", 3, "the glossary has no term 'nothing'"),
    "unknown source": ("{cite:p}`nobody2000`", 3, "references.bib has no entry 'nobody2000'"),
    "unknown page": ("{doc}`third`", 3, "no page 'third'"),
    "unknown value": ("{glue:text}`nothing:.1f`", 3, "no cell of this chapter glues 'nothing'"),
    "link to nowhere": ("[a](third.md)", 3, "'third.md' leads nowhere"),
    "anchor to nowhere": ("[a](#nothing)", 3, "'#nothing' leads nowhere"),
    "missing picture": ("![a](dog.png)", 3, "no picture book/foundations/dog.png"),
    "picture without alt": ("```{figure} ../_static/cat.png\nCaption\n```", 3, "needs an :alt:"),
    "HTML": ("<div>x</div>", 3, "html block is a syntax"),
    "footnote": ("a[^1]\n\n[^1]: b", 3, "footnote.* is a syntax"),
    "block of colons": (":::warning\nx\n:::", 3, "needs a directive's name in braces"),
    "options that are no YAML": ("```{note}\n---\na: [\n---\nx\n```", 3, "options of {note} are no YAML"),
    "unknown option of a cell": (
        "```{code-cell}\n:linenos: true\n1\n```",
        3,
        "options of a code cell: linenos",
    ),
    "unknown tag of a cell": ("```{code-cell}\n:tags: [odd]\n1\n```", 3, "tags of a code cell: odd"),
    "fold without an end": ("```{fold} A\n```\n\ntext", 3, "the fold has no end; put {fold-end}"),
    "fold without a beginning": ("text\n\n```{fold-end}\n```", 5, "{fold-end} ends no fold; begin one"),
    "fold in a fold": (
        "```{fold} A\n```\n\n```{fold} B\n```\n\n```{fold-end}\n```",
        6,
        "a fold begins inside another one",
    ),
    "heading in a fold": ("```{fold} A\n```\n\n## B\n\n```{fold-end}\n```", 3, "open at the next heading"),
    "fold in a block": (
        ":::{note}\n```{fold} A\n```\nx\n\n```{fold-end}\n```\n:::",
        4,
        "in the running text, not inside another block",
    ),
    "fold in a list": ("- ```{fold} A\n  ```\n", 3, "in the running text, not inside another block"),
    "fold without a title": ("```{fold}\n```\n\nx\n\n```{fold-end}\n```", 3, "a fold needs a title"),
    "widget without a title": ("```{widget} pooling\nx\n```", 3, "a widget needs a :title:"),
    "widget without content": ("```{widget} pooling\n:title: T\n```", 3, "a widget needs content"),
    "uneven list-table": ("```{list-table}\n* - a\n  - b\n* - c\n```", 3, "differ in length"),
    "list-table of paragraphs": ("```{list-table}\na\n```", 3, "needs a list of rows"),
}


@pytest.mark.parametrize("name", STOPS)
def test_stops_with_file_and_line(markdown_of, name):
    source, line, message = STOPS[name]
    where = f"^book/foundations/first.md:{FIRST_LINE - 1 + line}: "
    with pytest.raises(SourceError, match=f"{where}.*{message}"):
        markdown_of(source)


def test_all_that_roles_lack_is_told_at_once(markdown_of):
    with pytest.raises(SourceError) as caught:
        markdown_of("{term}`nothing`\n\n{ref}`nowhere`")
    assert [line.partition(" ")[0] for line in str(caught.value).splitlines()] == [
        f"book/foundations/first.md:{FIRST_LINE + 2}:",
        f"book/foundations/first.md:{FIRST_LINE + 4}:",
    ]


def test_every_role_and_directive_of_the_contract_is_known(markdown_of):
    """Nothing of MyST is left in what becomes of a chapter with all constructs."""
    text = "\n\n".join([source for source, _ in ROLES] + [source for source, _ in BLOCKS.values()])
    converted = markdown_of(text.replace("````md\n```{note}\n```\n````", ""))
    assert not any(sign in converted for sign in ("{ref}", "{cite", "{eq}", "```{", ":::", ")=\n", "{glue"))


def test_a_fold_holds_cells_and_its_title_begins_one(notebook_of):
    notebook = notebook_of(
        "# First\n\nBefore.\n\n```{fold} Deeper\n```\n\n"
        "```{code-cell}\nx = 1\n```\n\n```{fold-end}\n```\n\nAfter.\n"
    )
    sources = [cell.source for cell in notebook.cells]
    assert sources[2:] == ["## Deeper", "x = 1", "After."]


CELLS = """(first)=
# First

Before.

```{code-cell} ipython3
x = 1
```

Between.

(part)=
## Part

```{code-cell} ipython3
---
tags: [nbval-ignore-output, hide-input]
mystnb:
  image:
    alt: "A *wave*."
  figure:
    caption: The wave {math}`w`.
    name: wave
---
print(x)
```

+++

After.
"""


def test_cells(notebook_of):
    notebook = notebook_of(CELLS)
    nbformat.validate(notebook)
    kinds = "".join(cell.cell_type[0] for cell in notebook.cells)
    assert kinds == "mccmmcmm"
    title, install, imports, between, part, drawing, caption, after = notebook.cells
    assert title.source.startswith("# First\n\n*This notebook is the chapter [First](")
    assert title.source.endswith("\n\nBefore.")
    assert install.source == install_cell(["numpy"])
    assert (imports.source, between.source, part.source) == ("x = 1", "Between.", "## Part")
    assert drawing.source == "print(x)"
    assert drawing.metadata == {"tags": ["nbval-ignore-output"]}
    assert caption.source.startswith("**Figure 1.1.** The wave $w$.\n\n<details>")
    assert "A \\*wave\\*." in caption.source
    assert after.source == "After."
    assert [cell.id for cell in notebook.cells] == [f"cell-00{i}" for i in range(1, 9)]
    assert notebook.metadata == {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}
    }


def test_a_notebook_says_on_which_images_it_ran(notebook_of):
    cell = "# First\n\n```{code-cell}\ndata.load(%s)\n```\n"
    asked, other = (notebook_of(cell % name) for name in ("data.default_name()", "'digits'"))
    assert "the cells take the drawings of shapes10, as in this copy" in asked.cells[0].source
    assert "shapes10" not in other.cells[0].source


def test_install_cell_leaves_torch_alone():
    source = install_cell(["torch>=2.5", "torchvision>=0.20", "pillow>=10.1", "numpy>=1.26"])
    compile(source, "cell", "exec")
    assert '"PIL": "pillow"' in source and '"numpy": "numpy"' in source
    assert '"torch' not in source
    assert "--upgrade" not in source and '"--no-deps", "cnncourse"' in source


def test_a_chapter_that_needs_an_extra_installs_it(tmp_path):
    """Outside the question whether the package is there: it may be there without the extra."""
    extras = {"pretrained": ["some-weights>=1"], "book": ["sphinx"]}
    cell = "# First\n\nIt loads efficientnet_lite0.\n\n```{code-cell}\n%s\n```\n"
    sources = []
    for code in ("load_trained('efficientnet_lite0')", "predict_files([path])", "load_trained('a')"):
        book = make_book(tmp_path, cell % code)
        sources.append(make_notebook(book, first(book), ["numpy"], {}, extras).cells[1].source)
    by_name, by_function, without = sources
    assert by_name == by_function == install_cell(["numpy"], ["some-weights>=1"])
    assert without == install_cell(["numpy"])
    compile(by_name, "cell", "exec")
    more = by_name.removeprefix(without)
    assert '\nif find_spec("some_weights") is None:\n' in more and '"--quiet", "some-weights"]' in more


def test_a_chapter_begins_with_its_title(notebook_of):
    with pytest.raises(SourceError, match="begins with its title"):
        notebook_of("Text.\n\n```{code-cell}\n1\n```\n")


def test_pages_without_code_have_no_notebook(tmp_path):
    book = make_book(tmp_path, "# First\n\nProse.\n")
    assert [chapter.path for chapter in book.chapters.values() if chapter.is_notebook] == []


def test_display_aligns_several_equations():
    assert display("a = b\n\nc = d") == "$$\n\\begin{aligned}\na = b \\\\\nc = d\n\\end{aligned}\n$$"
    assert display("\\begin{pmatrix} a \\\\ b \\end{pmatrix}", one_line=True) == (
        "$$\\begin{pmatrix} a \\\\ b \\end{pmatrix}$$"
    )
    assert environment("\\begin{gather*}\na\n\\end{gather*}") == "\\begin{gathered}\na\n\\end{gathered}"


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        ("0.30000000000000004", "0.3"),
        ("1792", "1792"),
        ("-3", "-3"),
        ("two", "two"),
        ("nan", "nan"),
        ("1e-07", "1e-07"),
    ],
)
def test_glued_floats_are_stored_with_ten_digits(value, stored):
    assert shorten(value) == stored


RUN = """# First

```{code-cell} ipython3
import time
import matplotlib.pyplot as plt
import numpy as np
from cnncourse.notebook import glue
```

```{code-cell} ipython3
plt.plot([1, 2])
plt.show()
```

```{code-cell} ipython3
---
tags: [nbval-ignore-output]
---
glue("seconds", time.perf_counter())
print(time.perf_counter())
```

```{code-cell} ipython3
glue("mean", 1 / 3)
print(1)
print(2)
np.arange(3)
```

```{code-cell} ipython3
---
tags: [raises-exception]
---
int("x")
```

The mean is {glue:text}`mean:.2f`, after {glue:text}`seconds:.6f` seconds.
"""


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """Return a small book and its notebook, run."""
    book = make_book(tmp_path_factory.mktemp("ran"), RUN)
    return book, run_chapter(book, first(book))


@pytest.fixture
def stored(ran, tmp_path):
    """Return a small book of its own with the notebook of `ran`, stored."""
    book = make_book(tmp_path, RUN)
    write(book, first(book), nbformat.from_dict(ran[1]))
    return book


def path_of(book: Book) -> Path:
    return book.root / "book/foundations/first.ipynb"


def test_what_is_printed_in_pieces_is_one_output(tmp_path):
    source = "for word in 'abc':\n    print(word, flush=True)"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    execute(notebook, tmp_path, "first.md", [])
    (output,) = notebook.cells[0].outputs
    assert output.text == "a\nb\nc\n"


def test_outputs_are_text_alone(ran):
    book, notebook = ran
    made = finish(book, first(book), nbformat.from_dict(notebook))
    nbformat.validate(made)
    cells = code_cells(made)
    assert [cell.execution_count for cell in cells] == [1, 2, 3, 4, 5, 6]
    assert cells[2].outputs == [
        {
            "output_type": "display_data",
            "metadata": {},
            "data": {"text/plain": "<Figure size 640x480 with 1 Axes>"},
        }
    ]
    assert [list(output.data) for output in cells[3].outputs] == [["application/papermill.record/text/plain"]]
    assert [output.output_type for output in cells[4].outputs] == ["display_data", "stream", "execute_result"]
    assert cells[4].outputs[1].text == "1\n2\n"
    assert cells[5].outputs[0].traceback == ["ValueError: invalid literal for int() with base 10: 'x'"]
    assert glued_values(made)["mean"] == "0.3333333333"
    assert made.cells[-1].source.startswith("The mean is 0.33, after ")


def test_stored_notebook_agrees_and_its_bytes_are_stable(stored):
    assert check(stored, [first(stored)]) == []
    before = path_of(stored).read_bytes()
    again = finish(stored, first(stored), read_stored(stored, first(stored)))
    assert not write(stored, first(stored), again)
    assert path_of(stored).read_bytes() == before


def test_running_again_changes_no_byte(stored):
    """The measured time keeps its value as long as no code has changed."""
    before = path_of(stored).read_bytes()
    assert not write(stored, first(stored), run_chapter(stored, first(stored)))
    assert path_of(stored).read_bytes() == before


CHANGES = {
    "prose": lambda text: text.replace("The mean is", "Its mean is"),
    "code": lambda text: text.replace("1 / 3", "1 / 4"),
    "a tag": lambda text: text.replace("nbval-ignore-output", "hide-input"),
    "a format": lambda text: text.replace("mean:.2f", "mean:.3f"),
    "a new cell": lambda text: text + "\n```{code-cell}\n1\n```\n",
    "a cell less": lambda text: text.replace(
        "```{code-cell} ipython3\nplt.plot([1, 2])\nplt.show()\n```\n", ""
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_drift_is_seen(stored, name):
    source = stored.root / "book/foundations/first.md"
    changed = CHANGES[name](source.read_text())
    assert changed != source.read_text()
    source.write_text(changed)
    book = read_book(stored.root)
    (problem,) = check(book, [first(book)])
    assert "first.ipynb does not agree with book/foundations/first.md: " in problem


def test_text_alone_is_written_without_a_run(stored, monkeypatch):
    monkeypatch.setattr(command, "ROOT", stored.root)
    source = stored.root / "book/foundations/first.md"
    source.write_text(source.read_text().replace("The mean is", "Its mean is"))
    outputs = [cell.outputs for cell in code_cells(read_stored(stored, first(stored)))]
    assert command.main(["--text"]) == 0
    assert command.main(["--check"]) == 0
    after = read_stored(stored, first(stored))
    assert after.cells[-1].source.startswith("Its mean is 0.33")
    assert [cell.outputs for cell in code_cells(after)] == outputs


def test_changed_code_asks_for_a_run(stored, monkeypatch, capsys):
    monkeypatch.setattr(command, "ROOT", stored.root)
    source = stored.root / "book/foundations/first.md"
    source.write_text(source.read_text().replace("1 / 3", "1 / 4"))
    assert command.main(["--text"]) == 1
    assert "its code has changed, not only its text" in capsys.readouterr().err
    path_of(stored).unlink()
    assert command.main(["--text"]) == 1
    assert "there is no notebook yet" in capsys.readouterr().err
    assert not path_of(stored).exists()


def test_a_notebook_is_shown_with_its_pictures(ran, stored, monkeypatch, tmp_path):
    monkeypatch.setattr(command, "ROOT", stored.root)
    status = command.write_all(
        stored, [first(stored)], lambda book, chapter: nbformat.from_dict(ran[1]), tmp_path / "shown"
    )
    page = (tmp_path / "shown/book/foundations/first.html").read_text(encoding="utf-8")
    assert status == 0 and "data:image/png;base64" in page and "The mean is 0.33" in page


def edit(book, change):
    notebook = nbformat.read(path_of(book), as_version=4)
    change(notebook)
    nbformat.write(notebook, path_of(book))


EDITS = {
    "was not run": lambda notebook: notebook.cells[1].update(execution_count=None),
    "holds a picture": lambda notebook: notebook.cells[3].outputs[0].data.update({"image/png": "AAAA"}),
    "holds outputs that change": lambda notebook: notebook.cells[4].outputs.append(
        nbformat.v4.new_output("stream", text="x")
    ),
    "its metadata": lambda notebook: notebook.metadata.update(colab={}),
    "no cell of this chapter glues 'mean'": lambda notebook: notebook.cells[5].outputs.clear(),
    "cell cell-002 should begin": lambda notebook: notebook.cells[1].update(source="pip install"),
}


@pytest.mark.parametrize("message", EDITS)
def test_an_edited_notebook_is_seen(stored, message):
    edit(stored, EDITS[message])
    problems = check(stored, [first(stored)])
    assert any(message in problem for problem in problems)


def test_other_bytes_missing_files_and_orphans_are_seen(stored):
    path_of(stored).write_text(path_of(stored).read_text() + "\n")
    assert check(stored, [first(stored)]) == [
        "book/foundations/first.ipynb was written by another program: its bytes differ"
    ]
    path_of(stored).rename(stored.root / "book/orphan.ipynb")
    missing, orphan = check(stored, [first(stored)])
    assert missing == "book/foundations/first.ipynb is missing or unreadable"
    assert orphan.startswith("book/orphan.ipynb belongs to no chapter")
    path_of(stored).write_text("{")
    assert check(stored, [first(stored)], everything=False) == [missing]


def test_command_line(stored, monkeypatch, capsys):
    monkeypatch.setattr(command, "ROOT", stored.root)
    assert command.main(["--check"]) == 0
    edit(stored, EDITS["was not run"])
    assert command.main(["--check", "first"]) == 1
    assert "make notebooks" in capsys.readouterr().err
    with pytest.raises(SystemExit, match=r"third is no chapter with code cells .* known: first"):
        command.main(["--check", "third"])


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("raise ValueError('wrong')", "the cell raised ValueError: wrong"),
        ("import warnings\nwarnings.warn('odd')", "the cell warns"),
        ("print(object())", "the output holds at 0x"),
        ("import os\nos._exit(1)", "the cell did not finish"),
    ],
    ids=["raises", "warns", "address", "dies"],
)
def test_a_bad_cell_stops_with_its_line(tmp_path, code, message):
    book = make_book(tmp_path, f"# First\n\n```{{code-cell}}\n1\n```\n\n```{{code-cell}}\n{code}\n```\n")
    line = FIRST_LINE + 6
    with pytest.raises(SourceError, match=f"^book/foundations/first.md:{line}: {message}"):
        write(book, first(book), run_chapter(book, first(book)))
    assert not path_of(book).exists()


def test_values_before_the_first_run():
    assert "anything" in AnyValue() and AnyValue()["anything"] == "0"


def test_clean_keeps_an_empty_output_away():
    output = nbformat.v4.new_output("display_data", {"image/png": "AAAA"})
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1", outputs=[output])])
    clean(notebook, "x.md", [])
    assert notebook.cells[0].outputs == []
