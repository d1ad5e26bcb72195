"""Sheets of exercises: read with a seed's numbers, and no notebook for students holds a solution."""

import json
import re

import nbformat
import pytest

from cnncourse.exercises import CHECKERS, PENCILS, TASKS, load_sheet, notebook, sheet_files
from cnncourse.exercises.sheet import BEGIN, END, STUB, read_sheet

CHAPTERS = sorted(sheet_files())
SEEDS = (0, 7, 2**32 - 1)
HEAD = "---\nkernelspec:\n  name: python3\n---\n\n"
FRONT = f"{HEAD}# Exercises\n\nAhead.\n\n```{{code-cell}}\nimport numpy as np\n```\n\n"
FOLD = "```{fold} Solution\n```\n\nBecause.\n\n```{fold-end}\n```\n"
CODE = f"""```{{code-cell}} ipython3
def softmax(logits):
    {BEGIN}
    return secret
    {END}
```
"""
EXERCISE = f"## One\n\n*Code: `softmax` 3 points, 10 minutes.*\n\nWrite it.\n\n{CODE}\n{FOLD}"


def read(text, seed=0):
    return read_sheet(FRONT + text, CHECKERS, seed)


def sources(sheet, kind):
    return [cell["source"] for cell in notebook([sheet], CHECKERS, kind)["cells"]]


@pytest.mark.parametrize("chapter", CHAPTERS)
class TestSheets:
    def test_each_has_what_a_sheet_has(self, chapter):
        sheet = load_sheet(chapter, CHECKERS)
        assert 4 <= len(sheet.exercises) <= 6 and len(sheet.names) >= 3
        assert all(points > 0 for points in sheet.points.values())
        assert all(exercise.minutes > 0 for exercise in sheet.exercises)
        assert {"Recall", "By hand", "Code", "Debug", "Experiment", "Open"} >= {
            e.kind for e in sheet.exercises
        }
        for exercise in sheet.exercises:
            if exercise.by_hand:  # the rubric: points for each part, which sum to those of the exercise
                text = " ".join(block.text for block in exercise.blocks if not block.hidden)
                rubric = [int(number) for number in re.findall(r"\((\d+) points?\)", text)]
                assert sum(rubric) == sum(exercise.points.values()) and len(rubric) >= 3

    def test_problems_have_answers(self, chapter):
        problems = load_sheet(chapter, CHECKERS).problems
        asked = "\n".join(block.text for block in problems if block.kind == "text" and not block.hidden)
        numbers = [
            int(number)
            for number in re.findall(r"^\*\*(\d+)\.\*\* \*(?:Paper|Code|Experiment|Open)", asked, re.M)
        ]
        assert numbers == list(range(1, len(numbers) + 1)) and 6 <= len(numbers) <= 8
        assert [block.text for block in problems if block.kind == "fold"] == [f"Answer {n}" for n in numbers]

    @pytest.mark.parametrize("seed", SEEDS)
    @pytest.mark.parametrize("kind", ["student", "release"])
    def test_no_solution_is_in_what_students_get(self, chapter, seed, kind):
        sheet = load_sheet(chapter, CHECKERS, seed)
        made = notebook([sheet], CHECKERS, kind)
        nbformat.validate(nbformat.from_dict(made))
        text, code = json.dumps(made, ensure_ascii=False), "\n".join(cell["source"] for cell in made["cells"])
        assert BEGIN not in text and "HIDDEN" not in text and (str(seed) not in text or seed < 100)
        hidden = [block for e in sheet.exercises for block in e.blocks if block.hidden]
        hidden += [block for block in sheet.problems if block.hidden]
        for line in (line.strip() for block in hidden for line in block.text.split("\n")):
            assert len(line) < 25 or line not in code, line
        for block in (block for e in sheet.exercises for block in e.blocks if block.kind == "answer"):
            assert block.solution not in code and f"{block.name}" in code
            checker = CHECKERS[block.name]
            if block.name in TASKS and checker.program:
                assert checker.program.bug(seed).right not in block.stub
                assert checker.program.planted(checker.program.bug(seed)).strip() in code
            else:
                assert STUB in block.stub
            if kind == "release" and block.name in PENCILS:
                assert f"check_{block.name}({block.name})" not in code

    def test_the_solutions_are_right(self, chapter):
        for seed in SEEDS:
            space = {}
            sheet = load_sheet(chapter, CHECKERS, seed)
            exec(sheet.setup, space)
            for block in (block for e in sheet.exercises for block in e.blocks if block.kind == "answer"):
                exec(block.solution, space)
                report = CHECKERS[block.name](space[block.name], seed=seed)
                assert report.passed, report

    def test_another_seed_asks_something_else(self, chapter):
        pages = {load_sheet(chapter, CHECKERS, seed).page() for seed in SEEDS}
        assert len(pages) == len(SEEDS)
        assert load_sheet(chapter, CHECKERS, 7).page() in pages

    def test_source_and_release_bear_the_same_marks_of_nbgrader(self, chapter):
        sheet = load_sheet(chapter, CHECKERS, 7)
        source, release = (notebook([sheet], CHECKERS, kind)["cells"] for kind in ("source", "release"))
        assert [cell["metadata"] for cell in source] == [cell["metadata"] for cell in release]
        marks = [cell["metadata"]["nbgrader"] for cell in source if cell["metadata"]]
        names = [mark["grade_id"] for mark in marks]
        assert len(set(names)) == len(names)
        assert sum(mark.get("points", 0) for mark in marks) == sum(sheet.points.values())
        text = "\n".join(cell["source"] for cell in source)
        assert text.count(BEGIN) == text.count("### BEGIN HIDDEN TESTS") == len(sheet.names)
        assert f"check_{sheet.names[0]}({sheet.names[0]}, seed=7).passed" in text


class TestReading:
    def test_a_page(self):
        page = read(EXERCISE + "## Problems\n\n**1.** *Paper.* Why?\n").page()
        assert page.startswith(HEAD) and "One exercises, 3 points" in page
        assert "import numpy as np\nfrom cnncourse.exercises import (\n    check_softmax,\n)" in page
        assert f"    {STUB}\n```" in page and "    return secret\n\n\ncheck_softmax(softmax)" in page
        assert (
            page.index(STUB) < page.index("{fold} Solution") < page.index("secret") < page.index("Because.")
        )

    def test_notebooks(self):
        sheet = read(EXERCISE + "## Problems\n\n**1.** *Paper.* Why?\n\n" + FOLD)
        student, solved, release = (sources(sheet, kind) for kind in ("student", "solutions", "release"))
        assert not any("secret" in cell or "Because" in cell for cell in (*student, *release))
        assert any("secret" in cell for cell in solved) and solved.count("Because.") == 2
        assert "**1.** *Paper.* Why?" in student and "**1.** *Paper.* Why?" not in release

    def test_a_fence_may_hold_what_looks_like_a_heading(self):
        sheet = read(EXERCISE.replace("Write it.", "```python\n## no heading\n```"))
        assert len(sheet.exercises) == 1

    def test_numbers_are_filled_in_and_answers_in_solutions_alone(self):
        text = "## S\n\n*By hand: `slide` 4 points, 10 minutes.*\n\n${{ kernel }}$\n\n{{ slide }}\n\n" + FOLD
        page = read(text.replace("Because.", "{{ slide }} {{ slide[0] }}"), 3).page()
        assert r"\begin{bmatrix}" in page and "{{" not in page and "slide = (\n    ...  # yours\n)" in page
        with pytest.raises(ValueError, match=r"\{\{ slide \}\} in 'S': only image, kernel is known here"):
            read(text.replace("{{ kernel }}", "{{ slide }}"))

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (("*Code: `softmax` 3 points, 10 minutes.*", "*Code*"), "'One' begins with a line such as"),
            (("3 points", "three points"), "begins with a line such as"),
            (("`softmax`", "`softmaxx`"), "softmaxx"),
            ((FOLD, ""), "no solution at its end"),
            (("```{fold-end}\n```", ""), r"has no \{fold-end\}"),
            ((CODE, ""), r"has cells for \[\], and points for \['softmax'\]"),
            (("Write it.", "```python"), "is not|has no|points for"),
        ],
    )
    def test_what_is_not_in_order_is_named(self, change, words):
        with pytest.raises(ValueError, match=words):
            read(EXERCISE.replace(*change))

    def test_a_role_that_notebooks_do_not_know(self):
        sheet = read(EXERCISE.replace("Write it.", "See {numref}`figure`."))
        with pytest.raises(ValueError, match=r"\{numref\}`figure` in the sheet"):
            notebook([sheet], CHECKERS, "student")
        sheet = read(EXERCISE.replace("Write it.", "(here)=\nSee {doc}`the page </book/a>`, {term}`kernel`."))
        text = "\n".join(sources(sheet, "student"))
        assert "/book/a.html), kernel." in text and "(here)=" not in text

    def test_an_unknown_chapter(self):
        with pytest.raises(ValueError, match="convolutions"):
            load_sheet("convolutions", CHECKERS)
