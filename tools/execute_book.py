"""Execute the chapters two at a time into the cache that the book's build reads."""

import os
import shutil
import time
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import nbformat
import yaml
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn, JupyterCacheAbstract
from myst_nb.core.read import is_myst_markdown_notebook, read_myst_markdown_notebook
from myst_parser.config.main import MdParserConfig

from tools.contents import pages
from tools.fingerprint import CACHE, FIGURES, MATPLOTLIBRC
from tools.longest_first import longest_first
from tools.notebooks.run import ENVIRONMENT, run_cells
from tools.sheets import page_text

KEPT_CACHES = 3  # executed chapters are kept for as many states of the package


@dataclass(frozen=True)
class Failure:
    """A cell that raised, with all that is needed to find it."""

    chapter: str
    cell: int
    line: int
    source: str
    error: str

    def __str__(self) -> str:
        """Name the chapter, the cell and its line, and show the cell and the error."""
        source = "\n".join(f"    {line}" for line in self.source.splitlines())
        error = "\n".join(f"    {line}" for line in self.error.splitlines())
        return (
            f"{self.chapter}: code cell {self.cell} (line {self.line}) failed\n\n{source}\n\n{error}\n\n"
            f"{self.chapter}: code cell {self.cell} (line {self.line}): {self.error.splitlines()[-1]}"
        )


@dataclass(frozen=True)
class Executed:
    """The chapters with the outputs of their cells, and the cells that failed."""

    notebooks: dict[Path, nbformat.NotebookNode]
    failures: list[Failure]


def chapters(root: Path) -> list[Path]:
    """Return those pages of the book that are notebooks."""
    return [path for path in pages(root) if path.is_file() and is_myst_markdown_notebook(page_text(path))]


def read_chapter(path: Path, extensions: list[str]) -> nbformat.NotebookNode:
    """Read a chapter as the build reads it, so that the build finds it in the cache."""
    notebook: nbformat.NotebookNode = read_myst_markdown_notebook(
        page_text(path),
        config=MdParserConfig(enable_extensions=set(extensions)),
        add_source_map=True,
        path=path,
    )
    return notebook


def from_cache(cache: JupyterCacheAbstract, notebook: nbformat.NotebookNode) -> nbformat.NotebookNode | None:
    """Return the executed chapter, if the cache holds its cells with the same options (captions, tags)."""
    try:
        record = cache.match_cache_notebook(notebook)
    except KeyError:
        return None
    executed: nbformat.NotebookNode = cache.get_cache_bundle(record.pk).nb
    return executed


def kernel_environment(present: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the environment of the kernels: that of the notebooks, but with the data that is there."""
    ours = {name: value for name, value in ENVIRONMENT.items() if name != "CNNCOURSE_DATA"}
    return {**present, **ours, "MATPLOTLIBRC": str(MATPLOTLIBRC)}


def execute(path: Path, name: str, notebook: nbformat.NotebookNode, timeout: int) -> Failure | None:
    """Run a chapter's cells in its own folder, in place; return the cell that failed, or None."""
    stop = run_cells(notebook, path.parent, kernel_environment(), timeout, FIGURES)
    if stop is None:
        return None
    index = [i for i, cell in enumerate(notebook.cells) if cell.cell_type == "code"][stop.number]
    return Failure(
        chapter=name,
        cell=stop.number + 1,
        line=notebook.metadata["source_map"][index] + 1,
        source=notebook.cells[index].source,
        error=stop.message.strip(),
    )


def keep_recent_caches(root: Path, present: Path) -> None:
    """Remove all but the latest caches of executed chapters."""
    present.mkdir(parents=True, exist_ok=True)
    (present / "used").touch()
    caches = sorted(
        (folder for folder in (root / CACHE).iterdir() if (folder / "used").is_file()),
        key=lambda folder: (folder / "used").stat().st_mtime,
    )
    for folder in caches[:-KEPT_CACHES]:
        shutil.rmtree(folder)


def execute_chapters(
    root: Path, folder: Path, jobs: int = 2, only: Collection[Path] | None = None
) -> Executed:
    """Execute the chapters, or `only` some, that the cache in `folder` does not hold yet."""
    keep_recent_caches(root, folder)
    config = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    extensions, timeout = config["parse"]["myst_enable_extensions"], config["execute"]["timeout"]
    cache = get_cache(str(folder))
    chosen = [path for path in chapters(root) if only is None or path in only]
    notebooks = {path: read_chapter(path, extensions) for path in chosen}
    done = {path: nb for path in chosen if (nb := from_cache(cache, notebooks[path])) is not None}
    due = longest_first(path for path in chosen if path not in done)

    def run(path: Path) -> tuple[Path, Failure | None, float]:
        name = path.relative_to(root).as_posix()
        start = time.perf_counter()
        failure = execute(path, name, notebooks[path], timeout)
        seconds = time.perf_counter() - start
        print(f"{'failed' if failure else 'executed'} {name} in {seconds:.0f} s", flush=True)
        return path, failure, seconds

    failures = []
    with ThreadPoolExecutor(max(1, jobs)) as pool:
        for path, failure, seconds in pool.map(run, due):
            if failure:
                failures.append(failure)
            else:
                bundle = CacheBundleIn(notebooks[path], str(path), data={"execution_seconds": seconds})
                cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)
                done[path] = notebooks[path]
    return Executed(done, failures)
