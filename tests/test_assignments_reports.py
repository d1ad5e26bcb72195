"""After grading: points go into a platform's table, and those who wrote the same are named."""

import csv

import pytest
from answers_typed import RIGHT, notebook

from cnncourse.assignments import Assignment, Grade, Mark, fill_gradebook, find_alike, make_assignment
from cnncourse.assignments.alike import plain_tokens
from cnncourse.assignments.grade import write_grades
from cnncourse.cli import run

CONV, SIZE = RIGHT["conv2d"], RIGHT["output_size"]
DISGUISED = '''
def conv2d(images, kernels, offset: "numbers", step, border) -> "maps":
    """My own work."""
    images = np.pad(images, ((0, 0), (0, 0), (border, border), (border, border)))
    a, b = kernels.shape[2:]  # size
    height, width = ((images.shape[2] - a) // step + 1,
                     (images.shape[3] - b) // step + 1)

    out = np.zeros((len(images), len(kernels), height, width))
    for image, kernel, row, column in np.ndindex(*out.shape):
        part = images[image, :, row * step:row * step + a, column * step:column * step + b]
        out[image, kernel, row, column] = (part * kernels[kernel]).sum() + offset[kernel]
    return out
'''
OTHER = """
def conv2d(x, weight, bias, stride, padding):
    x = np.pad(x, ((0, 0), (0, 0), (padding,) * 2, (padding,) * 2))
    windows = np.lib.stride_tricks.sliding_window_view(x, weight.shape[2:], axis=(2, 3))
    windows = windows[:, :, ::stride, ::stride]
    return np.einsum("nchwij,ocij->nohw", windows, weight) + bias[:, None, None]
"""


@pytest.fixture
def course(tmp_path):
    make_assignment(["convolution"], tmp_path, seed=7)
    return tmp_path


def hand_in(course, student: str, *codes: str) -> None:
    place = course / "submitted" / student / "convolution"
    place.mkdir(parents=True)
    (place / "convolution.ipynb").write_text(notebook(*codes))


class TestAlike:
    def test_other_names_layout_and_comments_do_not_hide_it(self, course):
        hand_in(course, "ada", CONV, SIZE)
        hand_in(course, "ben", DISGUISED, SIZE)
        hand_in(course, "cem", OTHER, SIZE)
        (pair,) = find_alike(course)
        assert (pair.first, pair.second, pair.exercises) == ("ada", "ben", ("conv2d",))

    def test_a_line_more_does_not_hide_it(self, course):
        hand_in(course, "ada", CONV)
        hand_in(course, "ben", DISGUISED.replace("    return out", "    unused = 3\n    return out"))
        assert len(find_alike(course)) == 1

    def test_what_many_wrote_is_the_usual_way(self, course):
        for student in ("ada", "ben", "cem", "dua"):
            hand_in(course, student, CONV)
        assert find_alike(course) == []

    def test_a_constant_more_or_less_is_seen(self):
        assert plain_tokens((CONV,), "conv2d") == plain_tokens((DISGUISED,), "conv2d")
        assert plain_tokens((CONV,), "conv2d") != plain_tokens((CONV.replace("+ 1", "+ 2"),), "conv2d")
        assert plain_tokens((CONV,), "pool") == ()

    def test_nothing_damaged_stops_it(self, course):
        (course / "submitted" / "eli").mkdir()
        hand_in(course, "fay", "def conv2d(:")
        assert find_alike(course) == []

    def test_the_report_names_them(self, course, capsys):
        hand_in(course, "ada", CONV)
        hand_in(course, "ben", DISGUISED)
        graded(course, "ada", "ben")
        assert run(["assignment", "report", str(course)]) == 0
        assert "talk with both\nada, ben: conv2d" in capsys.readouterr().out


def graded(course, *students: str) -> Assignment:
    """Give each student five points more than the one before."""
    assignment = Assignment.load(course)
    grades = []
    for number, student in enumerate(students):
        marks = [
            Mark(name, 5 * number if place == 0 else 0, most, "right", "Right.")
            for place, (name, most) in enumerate(assignment.points.items())
        ]
        grades.append(Grade(student, tuple(marks)))
    write_grades(course, assignment, grades)
    return assignment


def read(path) -> list[list[str]]:
    with path.open(newline="") as file:
        return list(csv.reader(file))


CANVAS = """\ufeffStudent,ID,SIS Login ID,Section,convolution (81),Current Score
    Points Possible,,,,{most},(read only)
"Lovelace, Ada",11,ada@school.edu,A,,50
"Test, Student",99,,A,,
"Ben, Big",12,BEN,A,,60
"""
MOODLE = """First name,Last name,ID number,Email address,Quiz: week 1 (Real)
Ada,Lovelace,ada,a.l@school.edu,3
Ben,Big,,ben@school.edu,4
"""


class TestGradebook:
    def fill(self, course, text: str, capsys=None):
        (course / "exported.csv").write_text(text)
        notes = fill_gradebook(course, course / "exported.csv", course / "filled.csv")
        return read(course / "filled.csv"), notes

    def test_canvas_gets_its_column_filled(self, course):
        graded(course, "ada", "ben")
        rows, _ = self.fill(course, CANVAS.format(most=36))
        assert [row[4] for row in rows] == ["convolution (81)", "36", "0", "", "5"]
        assert rows[0][0] == "Student" and rows[1][5] == "(read only)" and rows[2][0] == "Lovelace, Ada"

    def test_moodle_gets_a_new_column(self, course):
        graded(course, "ada", "ben")
        rows, _ = self.fill(course, MOODLE)
        assert [row[-1] for row in rows] == ["convolution", "0", "5"] and rows[1][4] == "3"

    def test_moodles_own_column_is_found(self, course):
        graded(course, "ada", "ben")
        rows, _ = self.fill(course, MOODLE.replace("Quiz: week 1 (Real)", "Assignment: convolution (Real)"))
        assert [row[-1] for row in rows[1:]] == ["0", "5"] and len(rows[0]) == 5

    def test_points_of_a_person_are_added_and_kept(self, course):
        assignment = graded(course, "ada", "=ben")
        path, name = course / "grades.csv", list(assignment.by_hand)[-1]
        rows = read(path)
        rows[1][rows[0].index(name)] = "2,5"
        with path.open("w", newline="") as file:
            csv.writer(file).writerows(rows)
        graded(course, "ada", "=ben")
        assert read(path)[1][rows[0].index(name)] == "2,5"
        filled, notes = self.fill(course, MOODLE.replace("ben@", "=ben@"))
        assert [row[-1] for row in filled[1:]] == ["2.5", "5"]
        assert notes[0].startswith("ada: no points yet for") and name not in notes[0] and name in notes[1]

    def test_canvas_is_told_how_many_points_there_are(self, course):
        assignment = graded(course, "ada", "ben")
        rows, _ = self.fill(course, CANVAS.format(most="").replace("convolution (81)", "other (1)"))
        most = sum(assignment.points.values()) + sum(assignment.by_hand.values())
        assert [row[-1] for row in rows[:3]] == ["convolution", str(most), "0"]

    def test_who_has_no_row_is_said(self, course, capsys):
        graded(course, "ada", "zoe")
        (course / "exported.csv").write_text(MOODLE)
        words = ["assignment", "gradebook", str(course), str(course / "exported.csv"), "--out"]
        assert run([*words, str(course / "filled.csv")]) == 0
        out = capsys.readouterr().out
        assert "zoe has no row, and 5 points" in out and "import " in out

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("a,b\n1,2\n", "no column says who a student is"),
            ("", "no column says who"),
            (MOODLE + "Adam,Two,ada,x@y,1\n", "ada fits two rows, 2 and 4"),
            ("Student,convolution (1),convolution (2)\nada,,\n", "2 columns are called convolution"),
        ],
    )
    def test_tables_that_cannot_be_filled(self, course, text, words):
        graded(course, "ada")
        (course / "exported.csv").write_text(text)
        with pytest.raises(ValueError, match=words):
            fill_gradebook(course, course / "exported.csv", course / "filled.csv")
        assert not (course / "filled.csv").exists()

    def test_points_that_are_no_number(self, course):
        assignment = graded(course, "ada")
        path = course / "grades.csv"
        rows = read(path)
        rows[1][rows[0].index(next(iter(assignment.by_hand)))] = "good"
        with path.open("w", newline="") as file:
            csv.writer(file).writerows(rows)
        with pytest.raises(ValueError, match="points are a number, got 'good'"):
            self.fill(course, MOODLE)

    def test_another_encoding_is_named(self, course):
        graded(course, "ada")
        (course / "exported.csv").write_bytes("Student\nZo\xeb\n".encode("latin-1"))
        with pytest.raises(ValueError, match="CSV UTF-8"):
            fill_gradebook(course, course / "exported.csv", course / "filled.csv")

    def test_without_grades(self, course):
        with pytest.raises(FileNotFoundError, match="grade first"):
            self.fill(course, MOODLE)
