"""The order in which chapters are executed: by the seconds that are known, or else by size."""

from pathlib import Path

from tools.execute_book import chapters
from tools.longest_first import SECONDS, longest_first

ROOT = Path(__file__).resolve().parent.parent.parent


def test_long_chapters_come_first_and_unknown_ones_by_size(tmp_path: Path) -> None:
    sizes = {"short": 2_000, "claims": 10, "long": 2_000_000, "why-cnns": 10}
    for name, size in sizes.items():
        (tmp_path / f"{name}.md").write_text("a" * size)
    order = ["long", "why-cnns", "claims", "short"]
    assert SECONDS["why-cnns"] > SECONDS["claims"]
    for suffix in (".md", ".ipynb"):
        files = [(tmp_path / name).with_suffix(suffix) for name in sizes]
        assert [path.stem for path in longest_first(files)] == order


def test_each_chapter_that_was_measured_is_there() -> None:
    assert set(SECONDS) <= {path.stem for path in chapters(ROOT)}
