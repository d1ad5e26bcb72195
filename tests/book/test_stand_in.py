"""Pages that were made without CIFAR-10 say so, and the others don't."""

import pytest

from tools.stand_in import with_note

PAGE = "# Depth\n\nHow deep?\n\n(first)=\n## First\n\n```{code-cell}\ndata.load(data.default_name())\n```\n"


def test_the_note_stands_before_the_first_section():
    text = with_note(PAGE, "shapes10")
    before, after = text.split("```{note}")
    assert before == "# Depth\n\nHow deep?\n\n" and "ran on shapes10" in after
    assert after.index("photographs in.\n```\n\n(first)=\n## First") > 0


def test_a_cell_before_the_sections_comes_after_it():
    cell = "```{code-cell}\nimport torch\n```\n\n"
    before, after = with_note(PAGE.replace("(first)=", f"{cell}(first)="), "shapes10").split("```{note}")
    assert before == "# Depth\n\nHow deep?\n\n" and after.index("photographs in.\n```\n\n```{code-cell}") > 0


def test_a_page_without_sections_ends_with_it():
    text = with_note("# Depth\n\ndata.default_name()\n", "shapes10")
    assert text.startswith("# Depth\n\ndata.default_name()\n```{note}\n")


@pytest.mark.parametrize(
    ("page", "name"), [(PAGE, "cifar10"), ("# Depth\n\n## First\n\ndata.load('digits')\n", "shapes10")]
)
def test_other_pages_stay_as_they_are(page, name):
    assert with_note(page, name) == page
