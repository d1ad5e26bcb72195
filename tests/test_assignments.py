"""Assignments from end to end: made, handed in right, wrong, damaged and hostile, graded, reported."""

import json
import shutil
import socket
import threading
import time

import nbformat
import numpy as np
import pytest
from answers_typed import RIGHT, notebook

from cnncourse import assignments
from cnncourse.assignments import Assignment, Jail, NoJailError, make_assignment, read_submission
from cnncourse.assignments import jail as jail_module
from cnncourse.assignments.submission import find_file
from cnncourse.assignments.wire import BODY, DEPTH, LateError, WireError, receive, send
from cnncourse.cli import run
from cnncourse.exercises import CHECKERS, load_sheet

FLIPPED = RIGHT["conv2d"].replace("weight[o]", "weight[o, :, ::-1, ::-1]")


def jail_is_possible() -> str:
    """Return why there can be no jail on this machine, or ""."""
    try:
        Jail(90).close()
    except NoJailError as error:
        return str(error)
    return ""


NO_JAIL = jail_is_possible()
needs_jail = pytest.mark.skipif(bool(NO_JAIL), reason=NO_JAIL or "there is a jail")


POINTS = {
    "layer_in_numbers": 3,
    "slide": 4,
    "output_size": 2,
    "conv2d": 6,
    "conv2d_backward": 8,
    "outline": 5,
}


class TestMake:
    def test_the_folder(self, tmp_path, capsys):
        assert run(["assignment", "make", "convolution", "--out", f"{tmp_path}/course", "--seed", "7"]) == 0
        assert "hand out" in capsys.readouterr().out
        made = Assignment.load(tmp_path / "course")
        by_hand = {"how-many-pixels-teach-a-kernel": 5, "design-or-learn": 4}
        assert made == Assignment("convolution", ("convolution",), 7, POINTS, by_hand)
        book = json.loads((tmp_path / "course/release/convolution/convolution.ipynb").read_text())
        sources = ["".join(cell["source"]) for cell in book["cells"]]
        assert sources[0].startswith("# convolution") and "37 points, about 150 minutes" in sources[0]
        assert "plain Python, and each answer" in sources[0] and "cells of your own" in sources[0]
        assert any(source.startswith("def conv2d(x, weight, bias, stride, padding):") for source in sources)
        assert "check_conv2d(conv2d)" in sources and "check_slide(slide)" not in sources
        assert (tmp_path / "course/submitted").is_dir()

    def test_functions_about_models_may_use_torch(self, tmp_path):
        _, release, *_ = make_assignment(["training"], tmp_path, seed=7)
        assert "plain Python, those about models with torch, and" in release.read_text()

    def test_what_only_the_instructor_has(self, tmp_path):
        _, release, source, solved = make_assignment(["convolution"], tmp_path, seed=7)
        sheet = load_sheet("convolution", CHECKERS, 7)
        answers = [block.solution for e in sheet.exercises for block in e.blocks if block.kind == "answer"]
        inside = {path: [cell["source"] for cell in json.loads(path.read_text())["cells"]]
                  for path in (release, source, solved)}  # fmt: skip
        assert all(answer in inside[solved] for answer in answers)
        assert not any(answer in cell for answer in answers for cell in inside[release])
        assert "### BEGIN HIDDEN TESTS" in source.read_text() and "HIDDEN" not in release.read_text()
        assert "seed=7" not in release.read_text()
        for path in (release, source, solved):
            nbformat.validate(nbformat.read(path, as_version=4))

    def test_nbgrader_runs_no_code_of_students(self, tmp_path):
        make_assignment(["convolution"], tmp_path, "hw 1")
        text = (tmp_path / "nbgrader_config.py").read_text()
        compile(text, "nbgrader_config.py", "exec")
        assert "autograde_preprocessors = [FoundPoints, SaveAutoGrades, CheckCellMetadata]" in text
        assert "course_id = 'hw 1'" in text and "[GetGrades, ClearHiddenTests," in text

    def test_seeds_differ_and_nothing_is_overwritten(self, tmp_path):
        make_assignment(["convolution"], tmp_path / "a")
        make_assignment(["convolution"], tmp_path / "b")
        made = [Assignment.load(tmp_path / name) for name in "ab"]
        assert made[0].seed != made[1].seed
        assert made[0].sheets[0].page() != made[1].sheets[0].page()
        with pytest.raises(FileExistsError, match=r"assignment\.toml is there already"):
            make_assignment(["convolution"], tmp_path / "a")
        with pytest.raises(ValueError, match="the seed is from 0"):
            make_assignment(["convolution"], tmp_path / "c", seed=-1)

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("name = 'x'", "not a whole assignment"),
            ("name = 'x'\nchapters = []\nseed = 1\n[points]\nconv2 = 1", "no exercise is called 'conv2'"),
            ("name = 'x'\nchapters = []\nseed = 1\n[points]\nconv2d = -1", "points of conv2d"),
            ("name = 'x'\nchapters = []\nseed = -1\n[points]\nconv2d = 1", "a seed from 0"),
        ],
    )
    def test_a_broken_file_is_named(self, tmp_path, text, words):
        (tmp_path / "assignment.toml").write_text(text)
        with pytest.raises(ValueError, match=words):
            Assignment.load(tmp_path)

    def test_wrong_calls(self, tmp_path, capsys):
        assert run(["assignment", "make", "convolutions", "--out", str(tmp_path)]) == 1
        assert "convolution" in capsys.readouterr().err
        assert run(["assignment", "grade", str(tmp_path)]) == 1
        assert "make one" in capsys.readouterr().err
        assert run(["assignment", "report", str(tmp_path)]) == 1
        assert "grade first" in capsys.readouterr().err


class TestSubmissions:
    def read(self, tmp_path, text, suffix=".ipynb", wanted=("conv2d",)):
        path = tmp_path / f"work{suffix}"
        path.write_text(text)
        return read_submission(path, wanted)

    @pytest.mark.parametrize(
        ("suffix", "text"),
        [
            (".ipynb", notebook(RIGHT["conv2d"], "check_conv2d(conv2d)", "%matplotlib inline\n!ls")),
            (".md", "---\njupytext: 1\n---\n# Mine\n```{code-cell} ipython3\n:tags: [x]\n\n"
             "import numpy as np\n"
             f"{RIGHT['conv2d']}\n```\n```python\ncheck_conv2d(conv2d)\n```\n"),
            (".py", f"import numpy as np\n{RIGHT['conv2d']}\nprint(conv2d)\n"),
        ],
    )  # fmt: skip
    def test_definitions_are_kept_and_work_is_not_run(self, tmp_path, suffix, text):
        found = self.read(tmp_path, text, suffix)
        assert found.names == {"conv2d": "conv2d"} and found.notes == ()
        assert [each.split("(")[0] for each in found.statements] == ["import numpy as np", "def conv2d"]

    def test_a_name_that_is_nearly_right(self, tmp_path):
        found = self.read(tmp_path, notebook(RIGHT["conv2d"].replace("conv2d", "conv2D")))
        assert found.names == {"conv2d": "conv2D"} and "conv2D was taken for it" in found.notes[0]

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("{", "no whole notebook"),
            ('{"cells": 3}', "no whole notebook"),
            ('{"cells": [{"cell_type": "code"}]}', "no whole notebook"),
            (notebook("def conv2d(x:\n  pass"), "code cell 2 is not Python, line 1"),
            (notebook("x = 1"), "there is no conv2d"),
            ("[" * 100_000, "no whole notebook"),
        ],
    )
    def test_damage_is_said(self, tmp_path, text, words):
        found = self.read(tmp_path, text)
        assert any(words in note for note in found.notes) and found.names == {}

    def test_an_answer_is_kept_however_it_is_computed(self, tmp_path):
        text = notebook("y = f(3)", "conv2d = (\n    np.array([1, 2]) * 3\n)", "conv2d[0] = print(1)")
        found = self.read(tmp_path, text)
        assert found.names == {"conv2d": "conv2d"}
        assert found.statements == ("import numpy as np", "conv2d = np.array([1, 2]) * 3")

    def test_what_an_answer_needs_is_kept(self, tmp_path):
        text = notebook(
            "erf = np.vectorize(abs)\nsquare = lambda x: np.multiply(x, x)",
            "def helper(x):\n    return [table[n] for n in x]\ntable, other = make(3), 4",
            "class A:\n    size = count(2)\n    def f(self):\n        return erf(x)",
            "x = train()\nz = train()\nn = train()",
            "def conv2d(x):\n    y = helper(x)\n    z = A()\n    return square(y)",
        )
        found = self.read(tmp_path, text)
        lines = [each.split("\n")[0] for each in found.statements]
        assert lines == [
            "import numpy as np",
            "erf = np.vectorize(abs)",
            "square = lambda x: np.multiply(x, x)",
            "def helper(x):",
            "table, other = (make(3), 4)",
            "class A:",
            "x = train()",
            "def conv2d(x):",
        ]

    def test_what_cannot_run_is_read_all_the_same(self, tmp_path):
        found = self.read(tmp_path, notebook("def conv2d(x):\n    nonlocal y"))
        assert found.names == {"conv2d": "conv2d"} and len(found.statements) == 2

    def test_cells_of_jupytext_may_have_metadata(self, tmp_path):
        text = f'# Mine\n\n```python nbgrader={{"grade": false}}\n{RIGHT["conv2d"]}\n```\n'
        assert self.read(tmp_path, text, ".md").names == {"conv2d": "conv2d"}

    def test_a_wrong_kernel_and_doubled_cells_are_said(self, tmp_path):
        work = json.loads(notebook(RIGHT["conv2d"], RIGHT["conv2d"]))
        work["metadata"] = {"kernelspec": {"name": "ir", "language": "R"}}
        found = self.read(tmp_path, json.dumps(work))
        assert found.names == {"conv2d": "conv2d"} and len(found.notes) == 2
        assert "language is r; the cells were read as Python" in found.notes[0]
        assert "conv2d is there 2 times; the last one counts" in found.notes[1]

    def test_imports_that_are_lost_are_put_back(self, tmp_path):
        work = "def conv2d(x):\n    return np.pad(F(x), 1)"
        found = self.read(tmp_path, work, ".py")
        assert found.statements[0] == "import numpy as np" and len(found.statements) == 2
        assert found.notes == ("np isn't imported any more; import numpy as np was put back",)
        for kept in ("import numpy as np", "from numpy import pad as np", "np = 3"):
            assert self.read(tmp_path, f"{kept}\n{work}", ".py").notes == ()

    def test_text_of_two_bytes_a_letter_is_read(self, tmp_path):
        path = tmp_path / "work.ipynb"
        path.write_bytes(notebook(RIGHT["conv2d"]).encode("utf-16"))
        assert read_submission(path, ["conv2d"]).names == {"conv2d": "conv2d"}

    def test_what_is_no_notebook_is_named(self, tmp_path):
        (tmp_path / "hw.zip").write_bytes(b"PK")
        assert find_file(tmp_path, "hw") == (None, "hw.zip is no notebook; .ipynb, .md and .py are read")

    def test_magics_and_questions(self, tmp_path):
        asked = 'def conv2d(x):\n    """Is it this way?\n    Or so?\n    """\n    return x'
        for cell in (asked, f"%%time\n{asked}", f"%%capture out\n\n{asked}", f"conv2d?\n%time 1\n{asked}"):
            found = self.read(tmp_path, notebook(cell))
            assert found.notes == () and found.statements[-1].startswith("def conv2d")
        assert self.read(tmp_path, notebook(f"%%writefile mine.py\n{asked}")).names == {}

    def test_what_is_nested_too_deep_is_left_out(self, tmp_path):
        found = self.read(tmp_path, notebook("y = " + "-" * 900 + "1", RIGHT["conv2d"]))
        assert found.names == {"conv2d": "conv2d"} and "nested too deep" in found.notes[0]

    def test_numbers_that_are_written_out_need_no_jail(self, tmp_path):
        found = self.read(
            tmp_path, notebook("a = [1, (2.5, -3)]", "b = 1 + 2 * 3", "c = [1]", "c[0] = 2"), wanted="abc"
        )
        assert found.literal("a") == [1, (2.5, -3)]
        for name in "bcd":
            with pytest.raises(ValueError, match=f"{name} is computed"):
                found.literal(name)

    def test_a_huge_file_is_not_read(self, tmp_path, monkeypatch):
        monkeypatch.setattr("cnncourse.assignments.submission.LARGEST", 10)
        assert "was not read" in self.read(tmp_path, notebook(RIGHT["conv2d"])).notes[0]

    def test_the_correlation_of_numpy_is_seen(self, tmp_path):
        found = self.read(tmp_path, notebook("def conv2d(x, *rest):\n    return np.convolve(x, x)"))
        assert found.uses("conv2d") == "convolve"
        assert self.read(tmp_path, notebook(RIGHT["conv2d"])).uses("conv2d") == ""

    @pytest.mark.parametrize(
        ("code", "used"),
        [
            ("def test():\n    assert np.allclose(conv2d(1, 2), np.convolve(1, 2))", ""),
            ("def other(x):\n    return np.correlate(x, x)", ""),
            ("slide = np.convolve", ""),
            ("def helper(x):\n    return np.correlate(x, x)", "correlate"),
            ("helper = np.convolve", "convolve"),
            ("np.slide = np.convolve", "convolve"),
            ("from numpy import convolve as helper", "convolve"),
            ("def helper(x):\n    return further(x)\n\nfurther, one = np.convolve, 1", "convolve"),
        ],
    )
    def test_a_correlation_counts_where_the_exercise_gets_to_it(self, tmp_path, code, used):
        work = "def conv2d(x, *rest):\n    return helper(x)"
        assert self.read(tmp_path, notebook(work, code)).uses("conv2d") == used

    def test_the_file_is_found_by_name_or_alone(self, tmp_path):
        (tmp_path / "a/.ipynb_checkpoints").mkdir(parents=True)
        (tmp_path / "a/.ipynb_checkpoints/hw.ipynb").write_text("")
        assert find_file(tmp_path / "a", "hw") == (None, "nothing was handed in")
        (tmp_path / "a/hw (1).ipynb").write_text("")
        path, note = find_file(tmp_path / "a", "hw")
        assert path.name == "hw (1).ipynb" and "was taken for hw.ipynb" in note
        (tmp_path / "a/hw.ipynb").write_text("")
        assert find_file(tmp_path / "a", "hw") == (tmp_path / "a/hw.ipynb", "")
        (tmp_path / "b").mkdir()
        for name in ("x.py", "y.py"):
            (tmp_path / "b" / name).write_text("")
        assert find_file(tmp_path / "b", "hw") == (None, "none of 2 files is called hw")


class TestWire:
    def through(self, message):
        ours, theirs = socket.socketpair()
        with ours, theirs:
            writer = threading.Thread(target=send, args=(ours, message))
            writer.start()
            found = receive(theirs, time.monotonic() + 5)
            writer.join()
        return found

    @pytest.mark.parametrize(
        "message",
        [
            None,
            True,
            3,
            -2.5,
            float("inf"),
            "text",
            [1, [2.0]],
            (1, (2,)),
            {"a": {"b": [None]}},
            {"array": 1},
        ],
    )
    def test_plain_values(self, message):
        found = self.through(message)
        assert found == message and type(found) is type(message)

    @pytest.mark.parametrize("dtype", ["uint8", "int64", "float32", "float64", "bool"])
    def test_arrays(self, dtype):
        array = np.arange(6).reshape(2, 3).astype(dtype)
        found = self.through((array[:, ::2], np.zeros((0, 3), dtype), array[0, 0]))
        for ours, theirs in zip((array[:, ::2], np.zeros((0, 3), dtype), array[0, 0]), found, strict=True):
            np.testing.assert_array_equal(ours, theirs)
            assert ours.dtype == theirs.dtype and ours.shape == theirs.shape

    @pytest.mark.parametrize(
        "message", [object(), {1: 2}, np.array([object()]), np.array(["a"]), 1j, {"a": set()}]
    )
    def test_what_is_not_plain_is_refused(self, message):
        ours, theirs = socket.socketpair()
        with ours, theirs, pytest.raises(TypeError):
            send(ours, message)

    @pytest.mark.parametrize(
        "raw",
        [
            b"\xff\xff\xff\xff",
            b"\0\0\0\x02{}",
            b"\0\0\0\x04\xff\xff\xff\xff",
            *(
                len(text).to_bytes(4, "big") + text
                for text in (
                    b'{"value": {"array": 0}, "arrays": []}',
                    b'{"value": 1, "arrays": [["|O8", [1]]]}',
                    b'{"value": 1, "arrays": [["<f8", [-1]]]}',
                    b'{"value": 1, "arrays": [["<f8", [1e3]]]}',
                    f'{{"value": 1, "arrays": [["<f8", [{BODY}]]]}}'.encode(),
                    b'{"value": {"pickle": "x"}, "arrays": []}',
                    b'{"value": {"float": "x"}, "arrays": []}',
                    b'{"value": ' + b"[" * (DEPTH + 3) + b"]" * (DEPTH + 3) + b', "arrays": []}',
                    b"[" * 5000,
                )
            ),
        ],
    )
    def test_forged_bytes_are_refused(self, raw):
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.sendall(raw)
            ours.shutdown(socket.SHUT_WR)
            with pytest.raises(WireError):
                receive(theirs, time.monotonic() + 5)

    def test_silence_and_half_a_message_are_late(self):
        ours, theirs = socket.socketpair()
        with ours, theirs:
            for raw in (b"", b"\0\0"):
                ours.sendall(raw)
                with pytest.raises(LateError):
                    receive(theirs, time.monotonic() + 0.05)


def test_without_bubblewrap_nothing_is_run(tmp_path, monkeypatch, capsys):
    make_assignment(["convolution"], tmp_path / "course")
    monkeypatch.setattr(jail_module.shutil, "which", lambda name: None)
    assert run(["assignment", "grade", str(tmp_path / "course")]) == 1
    assert "no bubblewrap" in capsys.readouterr().err and not (tmp_path / "course/grades.csv").exists()


@pytest.fixture(scope="module")
def jail():
    with Jail(91) as warm:
        yield warm


HOSTILE = {  # code, and what a call of f(array) gives
    "an exit": ("import os\ndef f(x): os._exit(0)", "ended"),
    "a loop that ignores signals": (
        "import signal\nfor n in (1, 2, 3, 15): signal.signal(n, signal.SIG_IGN)\ndef f(x):\n    while "
        "True: pass",
        "late",
    ),
    "a crash": ("import ctypes\ndef f(x): ctypes.string_at(0)", "ended"),
    "recursion": ("def f(x): return f(x)", "RecursionError|late"),
    "SystemExit": ("def f(x): raise SystemExit(0)", "SystemExit"),
    "killing all": ("import os\ndef f(x): os.kill(-1, 9)", ""),  # itself excepted
    "forks without end": (
        "import os\ndef f(x):\n    while True:\n        try: os.fork()\n        except OSError: pass",
        "late",
    ),
    "a socket": ("import socket\ndef f(x): socket.create_connection(('1.1.1.1', 80), 2)", "unreachable"),
    "a full disk": ("def f(x): open('/scratch/a', 'wb').write(bytes(1 << 27))", "OSError|late|ended"),
    "writing outside": ("def f(x): open('/tmp/a', 'w')", "FileNotFoundError"),
    "a system's file": ("def f(x): open('/etc/passwd')", "FileNotFoundError|PermissionError"),
    "all memory": ("import numpy as np\ndef f(x): return np.ones(1 << 29).sum()", "MemoryError"),
    "a flood of text": ("def f(x):\n    while True: print('x' * 10000)", "late"),
    "a huge reply": ("import numpy as np\ndef f(x): return np.zeros(20_000_000)", "ndarray|late"),
    "objects": ("def f(x): return [object()]", "list"),
    "forged answers": (
        "import os\nfor n in range(3, 64):\n    try: os.write(n, b'\\0\\0\\0\\2{}')\n    except OSError: "
        "pass\n"
        "def f(x): return x",
        "ended",
    ),
    "looking at others": (
        "import os\ndef f(x):\n    others = [n for n in os.listdir('/proc') if n.isdigit() and int(n) != "
        "os.getpid()]\n"
        "    return [os.listdir(f'/proc/{n}/fd') for n in others]",
        "PermissionError",
    ),
}


@needs_jail
class TestJail:
    def test_calls_and_what_they_raise(self, jail):
        code = (
            "import numpy as np\ndef f(x):\n    x += 1\n    return x.sum(), np.float32(2)\n"
            "def g(x):\n    return nothing\ndef h(x):\n    return len(x.pop())"
        )
        cells = [("exercise f", part) for part in (code, "raise ValueError('mine')")]
        with jail.open(cells) as student:
            assert student.errors == {"exercise f": "ValueError: mine, line 1 of exercise f"}
            outcome = student.call("f", (np.ones(3),), 5)
            assert outcome.value[0] == 6 and outcome.value[1] == 2 and outcome.changed == (0,)
            assert student.call("h", ([2, "M"],), 5).changed == (0,)
            assert "NameError" in student.call("g", (1,), 5).error
            assert "line 6" in student.call("g", (1,), 5).error
            assert "no function k" in student.call("k", (), 5).error

    @pytest.mark.parametrize("name", HOSTILE)
    def test_no_harm_is_done(self, jail, name):
        code, result = HOSTILE[name]
        start = time.monotonic()
        with jail.open([("exercise f", code)]) as student:
            outcome = student.call("f", (np.ones(3),), 1)
        seen = "late" if outcome.late else outcome.error or outcome.kind
        assert any(word in seen for word in result.split("|")), outcome
        with jail.open([("exercise g", "def g(x): return 2 * x")]) as student:
            assert student.call("g", (21,), 10).value == 42
        assert time.monotonic() - start < 30

    def test_nothing_is_left_for_the_next(self, jail):
        leave = (
            "import os, time\nopen('/scratch/left', 'w').write('answer')\n"
            "if os.fork() == 0:\n    os.setsid()\n    time.sleep(1000)\ndef f(): return 1"
        )
        look = (
            "import os\ndef f():\n"
            "    return len(os.listdir('/scratch')), sum(n.isdigit() for n in os.listdir('/proc'))"
        )
        with jail.open([("exercise f", leave)]) as student:
            assert student.call("f", (), 5).value == 1
        with jail.open([("exercise f", look)]) as student:
            assert student.call("f", (), 5).value == (0, 3)  # the jail's first, the warm one, this one

    def test_cells_without_end_are_stopped(self, jail, monkeypatch):
        monkeypatch.setattr(jail_module, "LOAD", 0.5)
        with jail.open([("exercise f", "while True: pass")]) as student:
            assert "longer than 0.5 seconds" in student.call("f", (), 5).error

    def test_a_package_that_is_not_there(self):
        with pytest.raises(NoJailError, match="no package nothing_here"):
            Jail(92, packages=("numpy", "nothing_here"))


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    folder = tmp_path_factory.mktemp("class") / "course"
    _, release, _, solved = make_assignment(["convolution"], folder, seed=7)
    all_right = "\n".join(RIGHT.values())
    loop = "def conv2d(*a):\n    while True: pass"
    flipped = next(m for m in CHECKERS["slide"].mistakes if m.name == "flipped kernel").function
    slide = flipped(**CHECKERS["slide"].numbers(7)).tolist()
    layer = ", ".join(map(str, CHECKERS["layer_in_numbers"].answer(7)))
    students = {
        "ada": solved.read_text().replace("check_conv2d(conv2d)", "1 / 0"),
        "ben": notebook(
            RIGHT["output_size"], FLIPPED, f"slide = {slide}", f"layer_in_numbers = int('1') * [{layer}]"
        ),
        "cem": notebook(
            "def output_size(*a):\n    raise SystemExit", loop, RIGHT["conv2d_backward"], "slide = {}"
        ),
        "dua": "{ damaged",
        "eli": notebook(all_right.replace("def output_size", "def output_sizes"), "slide = nothing"),
        "fay": notebook("from cnncourse.convolution import conv2d", "os.kill(-1, 9)", *RIGHT.values()),
        "gus": notebook(RIGHT["output_size"], "def conv2d(*a):\n    return np.correlate([1], [1])"),
        "ida": release.read_text(),
        "=2+2": notebook(RIGHT["output_size"]),
    }
    for name, text in students.items():
        place = folder / "submitted" / name / "convolution"
        place.mkdir(parents=True)
        (place / "convolution.ipynb").write_text(text)
    (folder / "submitted" / "hal").mkdir()
    assert run(["assignment", "grade", str(folder), "--jobs", "2"]) == 0
    return folder


@pytest.fixture(scope="module")
def grades(course):
    return {grade.student: grade for grade in assignments.load_grades(course)}


@needs_jail
class TestGrade:
    @pytest.mark.parametrize(
        ("student", "points"),
        [
            ("ada", 28),
            ("ben", 3 + 2),
            ("cem", 8),
            ("dua", 0),
            ("eli", 2 + 6 + 8),
            ("fay", 2 + 6 + 8),
            ("gus", 2),
            ("hal", 0),
            ("ida", 0),
        ],
    )
    def test_points(self, grades, student, points):
        assert grades[student].points == points, grades[student]

    def test_the_mistake_is_named(self, grades):
        marks = {mark.exercise: mark for mark in grades["ben"].marks}
        assert marks["conv2d"].kind == "flipped kernel" and "true convolution" in marks["conv2d"].message
        assert marks["slide"].kind == "flipped kernel" and marks["conv2d_backward"].kind == "missing"
        kinds = {name: [mark.kind for mark in grades[name].marks] for name in ("cem", "gus", "ida", "eli")}
        assert kinds["cem"] == ["missing", "type", "error", "time", "right", "missing"]
        assert kinds["gus"][3] == "library" and kinds["eli"][1] == "error"
        planted = CHECKERS["outline"].program.bug(7)
        assert kinds["ida"] == ["missing", "missing", "type", "type", "type", planted.name]

    def test_what_was_damaged_or_missing_is_said(self, grades):
        assert any("no whole notebook" in note for note in grades["dua"].notes)
        assert any("output_sizes was taken for it" in note for note in grades["eli"].notes)
        assert grades["hal"].notes == ("nothing was handed in",)

    def test_the_table(self, course):
        rows = (course / "grades.csv").read_text().splitlines()
        assert rows[0].startswith(
            "student,layer_in_numbers,slide,output_size,conv2d,conv2d_backward,outline,points,of"
        )
        assert rows[0].endswith(",how-many-pixels-teach-a-kernel,design-or-learn")
        assert "ben,3,0,2,0,0,0,5,28,," in rows and "'=2+2,0,0,2,0,0,0,2,28,," in rows and len(rows) == 11

    def test_feedback_shows_no_hidden_input(self, course):
        page = (course / "feedback/ben/convolution.html").read_text()
        assert "design-or-learn: a person grades it, 4 points" in page
        assert "true convolution" in page and "<em>" in page and "http" not in page
        assert "x = [" not in page and "weight = [" not in page

    def test_the_report(self, course, capsys):
        assert run(["assignment", "report", str(course)]) == 0
        out = capsys.readouterr().out
        assert "10 students" in out and "flipped kernel 1" in out and "hal: nothing was handed in" in out

    def test_grading_again_gives_the_same(self, course, grades):
        shutil.rmtree(course / "feedback")
        again = assignments.grade_course(course, jobs=1)
        assert {grade.student: grade for grade in again} == grades


TORCH = "import torch\nfrom torch import nn\nimport torch.nn.functional as F"
BLOCK = """
class Block(nn.Module):
    def __init__(self, in_channels, out_channels, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.shortcut = nn.Sequential()
        if stride > 1 or in_channels != out_channels:
            self.shortcut.append(nn.Conv2d(in_channels, out_channels, 1, stride, bias=False))
            self.shortcut.append(nn.BatchNorm2d(out_channels))

    def forward(self, x):
        out = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(out + self.shortcut(x))

def residual_block(in_channels, out_channels, stride):
    return Block(in_channels, out_channels, stride)
"""


@needs_jail
def test_exercises_with_torch_are_graded(tmp_path):
    Assignment("resnet", ("resnet",), 3, {"residual_block": 10}, {}).save(tmp_path)
    handed_in = {
        "ada": notebook(TORCH, BLOCK),
        "bob": notebook(
            TORCH, BLOCK.replace("F.relu(out + self.shortcut(x))", "F.relu(out) + self.shortcut(x)")
        ),
        "cy": notebook(TORCH, "def residual_block(*given):\n    torch.Tensor.detach = 0\n    return 3"),
        "dee": notebook(TORCH, BLOCK.replace("self.bn2", "self.norm")),
    }
    for student, text in handed_in.items():
        path = tmp_path / "submitted" / student / "resnet" / "resnet.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(text)
    grades = {each.student: each.marks[0] for each in assignments.grade_course(tmp_path, jobs=1)}
    assert [grades[name].points for name in handed_in] == [10, 0, 0, 0]
    assert grades["bob"].kind == "ReLU before the addition"
    assert "a int; an nn.Module is wanted" in grades["cy"].message
    assert "no bn2.weight" in grades["dee"].message
