"""`cnncourse check`: exercises in a file of one's own."""

import pytest
from answers_typed import notebook

from cnncourse.cli import run

SIZE = "def output_size(n, k, s, p):\n    return (n + 2 * p - k) // s"
RIGHT = f"{SIZE} + 1\n"


def check(path, text: str, *more: str) -> int:
    path.write_text(text)
    return run(["check", str(path), *more])


def test_what_is_right_and_what_is_not_yet(tmp_path, capsys):
    assert check(tmp_path / "mine.py", f"import numpy as np\n{RIGHT}") == 0
    assert "output_size: right on all" in capsys.readouterr().out
    assert check(tmp_path / "mine.py", SIZE) == 1
    out = capsys.readouterr().out
    assert out.startswith("output_size: not yet.") and "hint" not in out and "size = " in out
    assert check(tmp_path / "mine.py", SIZE, "--hint", "1") == 1
    assert "hint 1: " in (out := capsys.readouterr().out) and "hint 2" not in out


def test_by_hand_shows_an_input_and_not_the_mistake(tmp_path, capsys):
    assert check(tmp_path / "mine.py", SIZE, "--by-hand", "--seed", "3") == 1
    out = capsys.readouterr().out
    assert out.startswith("output_size: do this by hand, and compare.\nsize = ")
    assert "hint" not in out and "not yet" not in out


def test_a_notebook_with_two_exercises(tmp_path, capsys):
    softmax = "import numpy as np\ndef softmax(z):\n    e = np.exp(z)\n    return e / nothing"
    text = notebook(RIGHT, softmax, "print(1 / 0)")
    assert check(tmp_path / "mine.ipynb", text) == 1
    out = capsys.readouterr().out
    assert "output_size: right" in out and "softmax: not yet." in out and "return e / nothing" in out
    assert check(tmp_path / "mine.ipynb", text, "output_size") == 0
    assert "softmax" not in capsys.readouterr().out


def test_a_question_with_numbers(tmp_path, capsys):
    assert check(tmp_path / "mine.md", "# Mine\n\n```python\nbytes_that_wrap = [1, 2]\n```\n") == 1
    assert "bytes_that_wrap: not yet." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "more", "words"),
    [
        (SIZE, ["conv2d"], "there is no conv2d"),
        (SIZE, ["conv2"], "conv2d"),
        ("x = 1", [], "answers no exercise"),
        (f"import nothing_here\n{RIGHT}", [], "import nothing_here raised ModuleNotFoundError"),
    ],
)
def test_what_cannot_be_checked_is_said(tmp_path, capsys, text, more, words):
    assert check(tmp_path / "mine.py", text, *more) == 1
    assert words in capsys.readouterr().err


def test_a_file_that_is_not_there(tmp_path, capsys):
    assert run(["check", str(tmp_path / "mine.py")]) == 1
    assert "is not there" in capsys.readouterr().err
