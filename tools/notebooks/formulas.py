"""Formulas as notebooks show them: in dollars, with the page's numbers."""

ALIGNED = {"align": "aligned", "gather": "gathered", "alignat": "alignedat"}


def display(formula: str, number: str = "", one_line: bool = False) -> str:
    r"""Return a displayed formula.

    As on the page, lines that end in ``\\`` are set one below the other, and parts between blank lines
    are aligned.

    Parameters
    ----------
    formula : str
        LaTeX, without dollars.
    number : str
        The equation's number on the page, if it has one.
    one_line : bool
        Whether it stands in a quotation or a list: notebooks take formulas out before they read
        the Markdown around them, and would keep the quotation's signs in it.

    Examples
    --------
    >>> display("a = b", "3.1", one_line=True)
    '$$a = b \\tag{3.1}$$'
    """
    parts = [part.strip() for part in formula.strip().split("\n\n") if part.strip()]
    parts = [f"\\begin{{split}}\n{part}\n\\end{{split}}" if needs_split(part) else part for part in parts]
    text = parts[0] if len(parts) == 1 else "\\begin{aligned}\n" + " \\\\\n".join(parts) + "\n\\end{aligned}"
    if number:
        text += f" \\tag{{{number}}}"
    if one_line:
        return f"$${' '.join(text.split())}$$"
    return f"$$\n{text}\n$$"


def needs_split(part: str) -> bool:
    r"""Tell whether a formula has several lines: a ``\\`` outside of every environment, as in a matrix.

    Examples
    --------
    >>> needs_split(r"a \\ b"), needs_split(r"\begin{pmatrix} a \\ b \end{pmatrix}")
    (True, False)
    """
    depth = 0
    for piece in (
        part.replace("\\\\", "\n\\\\").replace("\\begin", "\n\\begin").replace("\\end", "\n\\end").split("\n")
    ):
        if piece.startswith("\\begin"):
            depth += 1
        elif piece.startswith("\\end"):
            depth -= 1
        elif piece.startswith("\\\\") and depth == 0:
            return True
    return False


def environment(content: str) -> str:
    r"""Return the formula of an environment that stands outside of dollars, for use within dollars.

    Examples
    --------
    >>> environment(r"\begin{equation}a = b\end{equation}")
    'a = b'
    """
    name = content.strip().removeprefix("\\begin{").partition("}")[0]
    plain = name.removesuffix("*")
    inner = content.strip().removeprefix(f"\\begin{{{name}}}").removesuffix(f"\\end{{{name}}}").strip()
    if plain == "equation":
        return inner
    inside = ALIGNED.get(plain, plain)
    return f"\\begin{{{inside}}}\n{inner}\n\\end{{{inside}}}"
