"""Public addresses from pyproject.toml, and the links from a page to its notebook and its source."""

import shutil
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.environment import BuildEnvironment

from tools.fingerprint import cache_folder
from tools.sheets import is_sheet
from tools.sphinx_ext.sheets import write_solutions


@dataclass(frozen=True)
class Addresses:
    """Where the repository and the published pages are."""

    repository: str
    branch: str
    pages: str

    def colab(self, path: str) -> str:
        """Return the address that opens a notebook of the repository in Colab."""
        owner_and_name = self.repository.removeprefix("https://github.com/")
        return f"https://colab.research.google.com/github/{owner_and_name}/blob/{self.branch}/{path}"

    def file(self, path: str) -> str:
        """Return the address at which the repository shows a file."""
        return f"{self.repository}/blob/{self.branch}/{path}"


def read_addresses(root: Path) -> Addresses:
    """Read the public addresses from pyproject.toml, the one place that holds them."""
    pyproject = root / "pyproject.toml"
    if not pyproject.is_file():
        return Addresses("", "main", "")
    settings = tomllib.loads(pyproject.read_text(encoding="utf-8"))
    urls = settings.get("project", {}).get("urls", {})
    branch = settings.get("tool", {}).get("cnncourse", {}).get("branch", "main")
    return Addresses(
        urls.get("Repository", "").rstrip("/"), branch, urls.get("Documentation", "").rstrip("/")
    )


def configure(app: Sphinx, config: Config) -> None:
    """Set what depends on the addresses, and the folder of executed chapters."""
    root = Path(app.srcdir)
    addresses = read_addresses(root)
    config.html_baseurl = f"{addresses.pages}/" if addresses.pages else ""
    options = config.html_theme_options
    options.pop("launch_buttons", None)  # our own links stand in the page's header
    if addresses.repository:
        options["repository_url"] = addresses.repository
        options["repository_branch"] = addresses.branch
    else:
        options.pop("repository_url", None)
    if not config.nb_execution_cache_path:
        config.nb_execution_cache_path = str(cache_folder(root))


def add_links(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Give the templates the links to Colab, to the notebook (copied into the site) and to the source."""
    root = Path(app.srcdir)
    addresses = read_addresses(root)
    context["course_repository"] = addresses.repository
    context["course_links"] = links = []
    if doctree is None or pagename not in app.env.all_docs:
        return
    sibling = Path(app.env.doc2path(pagename)).with_suffix(".ipynb")
    if "kernelspec" in app.env.metadata[pagename] and sibling.is_file():
        target = Path(app.outdir, "_sources", f"{pagename}.ipynb")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(sibling, target)
        if addresses.repository:
            links.append(
                {
                    "text": "Colab",
                    "label": "Open this chapter in Colab",
                    "icon": "fa-solid fa-play",
                    "url": addresses.colab(f"{pagename}.ipynb"),
                }
            )
        links.append(
            {
                "text": "Notebook",
                "label": "Download this chapter as a Notebook",
                "icon": "fa-solid fa-download",
                "url": f"{context['pathto']('_sources', 1)}/{pagename}.ipynb",
                "download": sibling.name,
            }
        )
        if is_sheet(sibling):
            solved = target.with_name(f"{target.stem}-solved.ipynb")
            write_solutions(sibling.with_suffix(".md"), solved)
            links.append(
                {
                    "text": "Solutions",
                    "label": "Download the Solutions as a notebook",
                    "icon": "fa-solid fa-lightbulb",
                    "url": f"{context['pathto']('_sources', 1)}/{pagename}-solved.ipynb",
                    "download": solved.name,
                }
            )
    if addresses.repository:
        links.append(
            {
                "text": "Source",
                "label": "Source of this page",
                "icon": "fa-brands fa-github",
                "url": addresses.file(Path(app.env.doc2path(pagename, base=False)).as_posix()),
            }
        )


def with_new_notebook(
    app: Sphinx, env: BuildEnvironment, added: set[str], changed: set[str], removed: set[str]
) -> list[str]:
    """Return the pages whose notebook has been written anew since they were made."""
    outdated = []
    for name in env.found_docs:
        sibling = Path(app.srcdir, f"{name}.ipynb")
        copied = Path(app.outdir, "_sources", f"{name}.ipynb")
        if sibling.is_file() and not (copied.is_file() and copied.read_bytes() == sibling.read_bytes()):
            outdated.append(name)
    return outdated


def setup(app: Sphinx) -> None:
    """Connect to Sphinx: before others read the configuration, and after the theme has set its links."""
    app.connect("config-inited", configure, priority=100)
    app.connect("env-get-outdated", with_new_notebook)
    app.connect("html-page-context", add_links, priority=600)
