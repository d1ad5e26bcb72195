"""Build the book: execute the chapters, make the pages, and fail where anything is wrong.

Jupyter Book's own exit status says success even when a cell failed. This one does not.
"""

import argparse
import hashlib
import os
import shutil
import sys
import time
from pathlib import Path

import yaml

from tools.contents import OLD_ADDRESS, moved_pages, pages
from tools.execute_book import execute_chapters
from tools.fingerprint import cache_folder
from tools.quiz import write_quizzes
from tools.slides import write_decks

ROOT = Path(__file__).resolve().parent.parent

ENTRANCE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="0; url={first}">
<link rel="canonical" href="{first}">
<link rel="icon" href="data:,">
<title>{title}</title>
</head>
<body><main><h1>{title}</h1><p><a href="{first}">{words}</a></p></main></body>
</html>
"""


def templates_digest(root: Path) -> str:
    """Return a name for the state of what Sphinx does not watch: extension, templates, styles, scripts."""
    digest = hashlib.sha256()
    for folder in ("tools/sphinx_ext", "book/_templates", "book/_static", "book/widgets", "cnncourse/web"):
        for path in sorted((root / folder).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                digest.update(path.read_bytes())
    for name in ("_toc.yml", "_config.yml", "pyproject.toml"):
        path = root / name
        digest.update(path.read_bytes() if path.is_file() else b"")
    return digest.hexdigest()


def make_pages(root: Path, folder: Path) -> bool:
    """Run Sphinx as Jupyter Book does, with warnings as errors; return whether it succeeded."""
    from jupyter_book.sphinx import build_sphinx

    output = root / "_build" / "html"
    doctrees = root / "_build" / ".doctrees"
    state = root / "_build" / ".pages-state"
    digest = templates_digest(root)
    if not state.is_file() or state.read_text() != digest:
        shutil.rmtree(doctrees, ignore_errors=True)
        shutil.rmtree(output, ignore_errors=True)
    state.unlink(missing_ok=True)
    overrides = {
        "external_toc_path": (root / "_toc.yml").as_posix(),
        "nb_execution_cache_path": str(folder),
        "nitpicky": True,
        "latex_individualpages": False,
    }
    result = build_sphinx(
        root,
        output,
        noconfig=True,
        path_config=root / "_config.yml",
        confoverrides=overrides,
        warningiserror=True,
        keep_going=True,
        quiet=True,
    )
    if (
        result != 0
    ):  # a status or an exception; read all pages anew next time, or the warning would be forgotten
        shutil.rmtree(doctrees, ignore_errors=True)
        return False
    state.write_text(digest)
    return True


def write_entrance(root: Path) -> Path:
    """Write the index.html that leads to the first page."""
    config = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    index = root / "_build" / "html" / "index.html"
    first = pages(root)[0].relative_to(root).with_suffix(".html")
    if first.as_posix() != index.name:
        entrance = ENTRANCE.format(first=first.as_posix(), title=config["title"], words="Open the book")
        index.write_text(entrance, encoding="utf-8")
    return index


def write_old_addresses(root: Path) -> None:
    """Write a page at each address that a page once had, which leads to where it is now."""
    site = root / "_build" / "html"
    for old, new in moved_pages(root).items():
        place = site / f"{old}.html"
        place.parent.mkdir(parents=True, exist_ok=True)
        there = os.path.relpath(site / f"{new}.html", place.parent)
        page = ENTRANCE.format(first=Path(there).as_posix(), title="This page has moved", words="Go there")
        place.write_text(page.replace("<!DOCTYPE html>\n", OLD_ADDRESS), encoding="utf-8")


def wrong_moves(root: Path) -> list[str]:
    """Return what is wrong with the old addresses: one that is a page, or one that leads to none."""
    known = {path.relative_to(root).with_suffix("").as_posix() for path in pages(root)}
    return [
        f"book/moved.yml: {old} leads to {new}: {what}"
        for old, new in moved_pages(root).items()
        for what in [
            *(["the old address is a page of _toc.yml"] if old in known else []),
            *([] if new in known else ["no page of _toc.yml is there"]),
        ]
    ]


def build(root: Path, jobs: int = 2) -> int:
    """Build the book below `root`; return the exit status."""
    start = time.perf_counter()
    missing = [path.relative_to(root).as_posix() for path in pages(root) if not path.is_file()]
    if missing:
        print(
            f"The book was not built: _toc.yml names pages that do not exist: {', '.join(missing)}",
            file=sys.stderr,
        )
        return 1
    if wrong := wrong_moves(root):
        print("The book was not built:", *wrong, sep="\n", file=sys.stderr)
        return 1
    try:
        folder = cache_folder(root)
    except (OSError, ValueError) as error:
        print(f"The book was not built: {error}", file=sys.stderr)
        return 1
    executed = execute_chapters(root, folder, jobs)
    if executed.failures:
        print(*executed.failures, sep="\n\n", file=sys.stderr)
        print(f"\nThe book was not built: {len(executed.failures)} of its chapters failed.", file=sys.stderr)
        return 1
    if not make_pages(root, folder):
        print("\nThe book was not built: the warnings above are errors.", file=sys.stderr)
        return 1
    index = write_entrance(root)
    write_old_addresses(root)
    write_quizzes(root, index.parent / "quiz")
    write_decks(root)
    print(
        f"{index.relative_to(root)} is ready, {time.perf_counter() - start:.0f} s; show it with: make serve"
    )
    return 0


def main(arguments: list[str] | None = None) -> int:
    """Read the command line and build."""
    parser = argparse.ArgumentParser(prog="python -m tools.build_book", description=__doc__)
    parser.add_argument("--root", type=Path, default=ROOT, help="folder that holds _config.yml and _toc.yml")
    parser.add_argument("--jobs", type=int, default=2, help="chapters executed at a time (default: 2)")
    options = parser.parse_args(arguments)
    return build(options.root.resolve(), options.jobs)


if __name__ == "__main__":
    sys.exit(main())
