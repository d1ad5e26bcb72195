"""What a chapter needs from its notebook: numbers that the prose can quote."""

from typing import Any

PREFIX = "application/papermill.record/"


def glue(name: str, value: Any) -> None:
    """Store `value` under `name`, so that the prose of the page can show it.

    In a notebook the value is attached to the cell's output without being shown;
    the book puts it where ``{glue:text}`` names it. Outside a notebook nothing happens.

    Parameters
    ----------
    name : str
        The name that the prose uses.
    value : int, float, str or NumPy scalar
        Numbers can be given a format where they are shown.

    Examples
    --------
    >>> glue("parameters", 1792)
    """
    try:
        from IPython import get_ipython
        from IPython.display import display
    except ImportError:
        return
    if get_ipython() is None:
        return
    plain = value.item() if hasattr(value, "item") else value
    record = {f"{PREFIX}text/plain": plain if isinstance(plain, str) else repr(plain)}
    display(record, metadata={"scrapbook": {"name": name, "mime_prefix": PREFIX}}, raw=True)  # type: ignore[no-untyped-call]
