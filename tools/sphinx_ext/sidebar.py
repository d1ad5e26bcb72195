"""The contents at the left: what opens the pages below a page has a name."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from bs4 import BeautifulSoup
from docutils import nodes
from markupsafe import Markup
from sphinx.application import Sphinx


def name_toggles(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Let the theme's function for the contents name its toggles, which are arrows alone."""
    make: Callable[..., Any] | None = context.get("generate_toctree_html")
    if make is None:
        return

    @wraps(make)
    def named(*arguments: Any, **options: Any) -> Markup:
        return Markup(with_names(str(make(*arguments, **options))))

    context["generate_toctree_html"] = named


def with_names(contents: str) -> str:
    """Return contents whose toggles say what they open.

    Examples
    --------
    >>> with_names('<li><a href="p">Pooling</a><details><summary></summary></details></li>')
    '<li><a href="p">Pooling</a><details><summary aria-label="Pages below Pooling"></summary></details></li>'
    """
    soup = BeautifulSoup(contents, "html.parser")
    for summary in soup.select("li > details > summary"):
        entry = summary.find_parent("li")
        link = entry.find("a", recursive=False) if entry else None
        if link:
            summary["aria-label"] = f"Pages below {link.get_text(' ', strip=True)}"
    return str(soup)


def setup(app: Sphinx) -> None:
    """Connect to Sphinx, after the theme has set its function."""
    app.connect("html-page-context", name_toggles, priority=700)
