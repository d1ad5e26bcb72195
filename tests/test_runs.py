"""Runs: listed, shown, drawn and compared, and what is said when a record cannot be read."""

import json

import pytest

from cnncourse._tables import table
from cnncourse.cli import run
from cnncourse.cli.runs import _text
from cnncourse.experiments import RunRecord, compare_runs, list_runs, read_record, read_records


def row(epoch, **changes):
    values = {"train_loss": 2 / epoch, "train_accuracy": 0.3 + epoch / 10, "validation_loss": 2.1 / epoch}
    values |= {"validation_accuracy": 0.25 + epoch / 10, "learning_rate": 0.001, "gradient_norm": 1.0}
    return {"epoch": epoch} | values | {"images_per_second": 1234.5, "seconds": 2.0} | changes


def words(line):
    """Return a line of a table with one space between its columns."""
    return " ".join(line.split())


def make(folder, name="first", epochs=3, started="2026-01-02T03:04:05+00:00", **changes):
    """Write a run and return its record."""
    values = {
        "command": f"cnncourse train small_conv --name {name}",
        "recipe": {"epochs": 3, "optimizer": "adam", "learning_rate": 0.001, "milestones": [], "seed": 0},
        "dataset": {"name": "digits", "train": 90, "validation": 10, "test": None, "fingerprint": "ab" * 32},
        "environment": {"torch": "2.9", "threads": 2},
        "model": {"name": "small_conv", "options": {}, "parameters": 320_938, "multiply_adds": 4_000_000},
        "history": [row(epoch) for epoch in range(1, epochs + 1)],
        "result": {"test_accuracy": None, "test_accuracy_tta": None, "train_seconds": 2.0 * epochs},
        "status": "completed",
    }
    record = RunRecord(name=name, seed=0, started=started, **(values | changes))
    (folder / name).mkdir(parents=True)
    record.save(folder / name / "record.json")
    return record


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """Two runs in the folder ``runs`` of the working folder, named against their order in time."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "runs"
    make(folder, "second", started="2026-01-03T00:00:00+00:00", result={"test_accuracy": 0.5123})
    recipe = {"epochs": 4, "optimizer": "sgd", "learning_rate": 0.1, "milestones": [0.5], "seed": 0}
    make(folder, "first", recipe=recipe, status="interrupted")
    return folder


def change(folder, **changes):
    """Change values of a record's file."""
    path = folder / "record.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_runs_are_listed_in_the_order_of_their_start(runs, capsys):
    assert [found.name for found in list_runs()] == ["first", "second"]
    assert run(["runs", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert words(lines[0]) == "run network data epochs validation test seconds status"
    assert words(lines[1]) == "first small_conv digits 3/4 55.00% - 6.0 interrupted"
    assert words(lines[2]) == "second small_conv digits 3/3 55.00% 51.23% - completed"
    assert lines[0].index("status") == lines[1].index("interrupted") == lines[2].index("completed")


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (lambda path: path.write_text(path.read_text()[:200]), "is no run record, or a damaged one"),
        (lambda path: path.write_text("[]"), "it has no 'format'"),
        (lambda path: change(path.parent, format=7), "is a run record of format 7; cnncourse"),
        (lambda path: change(path.parent, mine=1), "run record key is unknown: 'mine'"),
        (lambda path: change(path.parent, history=[1]), "its history is no list of epochs"),
        (lambda path: change(path.parent, history={}), "damaged run record: history must be a list, got {}"),
        (lambda path: change(path.parent, model={}), "damaged run record: model has no name, got {}"),
        (
            lambda path: change(path.parent, recipe=None),
            "damaged run record: recipe must be a table, got None",
        ),
        (lambda path: change(path.parent, status="done"), "status is unknown: 'done'"),
        (lambda path: change(path.parent, started=5), "damaged run record: started must be a string, got 5"),
        (lambda path: path.write_bytes(b"\xff\xfe\x00"), "is no run record, or a damaged one"),
    ],
)
def test_a_record_that_cannot_be_read_is_told_and_the_others_are_listed(runs, capsys, break_it, message):
    break_it(runs / "second" / "record.json")
    with pytest.raises(ValueError, match=message):
        read_record("second")
    assert run(["runs", "list"]) == 1
    out = capsys.readouterr().out.splitlines()
    assert out[1].startswith("first ") and out[2].startswith("second: ")
    assert run(["runs", "compare", "first", "second"]) == 1
    assert run(["runs", "show", "second"]) == 1
    assert run(["runs", "plot", "second"]) == 1


def test_no_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run(["runs", "list"]) == 1
    assert "there is no run in 'runs'; train one: cnncourse train three_conv" in capsys.readouterr().err
    make(tmp_path / "other", "mine")
    assert run(["runs", "show", "none", "--runs", "other"]) == 1
    assert "there is no run 'none'" in (error := capsys.readouterr().err) and "mine" in error


def test_a_run_is_shown_with_its_epochs(runs, capsys):
    assert run(["runs", "show", "first"]) == 0
    out = capsys.readouterr().out
    assert "first: interrupted\ncnncourse train small_conv --name first\n" in out
    assert "recipe       epochs               4\n             optimizer            sgd\n" in out
    assert "parameters           320,938" in out and "milestones           0.5" in out
    header, *rows = out.splitlines()[-4:]
    assert header.split("  ")[0] == "epoch" and "validation accuracy" in header
    assert words(rows[2]) == "3 0.6667 60.00% 0.7 55.00% 0.001 1 1,234 2.0"


def test_a_folder_or_a_record_may_be_named_by_its_path(runs):
    record = runs / "first" / "record.json"
    assert read_record("first") == read_record(runs / "first") == read_record(record)


def test_measured_layers_are_shown(runs, capsys):
    norms = [{"layer": "conv1", "norm": 0.25}, {"layer": "layer1.0", "norm": 0.5}]
    make(runs, "measured", epochs=0, result={"gradient_norms": norms})
    assert run(["runs", "show", "measured"]) == 0
    assert "layer     norm\nconv1     0.25\nlayer1.0  0.5\n" in capsys.readouterr().out
    assert run(["runs", "plot", "measured"]) == 1
    error = capsys.readouterr().err
    assert "the history of measured has no 'train_accuracy'; there is nothing in common to draw" in error


def test_a_picture_is_where_it_is_said_to_be(runs, capsys):
    assert run(["runs", "plot", "first", "--output", "curve"]) == 0
    assert capsys.readouterr().out == "saved in curve.png\n" and (runs.parent / "curve.png").is_file()
    assert run(["runs", "plot", "first", "--output", "a.picture"]) == 1
    assert "Format 'picture' is not supported" in capsys.readouterr().err


def test_curves_are_saved_as_a_picture(runs, monkeypatch, capsys):
    from cnncourse import plots

    drawn = []
    curves = plots.curves
    monkeypatch.setattr(plots, "curves", lambda *args, **options: drawn.append(curves(*args, **options)))
    assert run(["runs", "plot", "first"]) == 0
    assert run(["runs", "plot", "first", "second", "--output", "a b.png"]) == 0
    assert run(["runs", "plot", "first", "second", "--metric", "train_loss"]) == 0
    assert capsys.readouterr().out == "saved in first.png\nsaved in 'a b.png'\nsaved in runs.png\n"
    for name in ("first.png", "a b.png", "runs.png"):
        assert (runs.parent / name).read_bytes().startswith(b"\x89PNG")
    labels = [[line.get_label() for line in ax.lines] for ax in drawn]
    assert labels == [["train", "validation"], ["first", "second"], ["first", "second"]]
    assert drawn[1].get_ylabel() == "validation accuracy" and drawn[2].get_ylabel() == "train loss"
    assert list(drawn[1].lines[0].get_ydata()) == pytest.approx([0.35, 0.45, 0.55])


def test_a_metric_that_a_run_lacks(runs, capsys):
    unseen = {"validation_loss": None, "validation_accuracy": None}
    make(runs, "blind", history=[row(epoch, **unseen) for epoch in (1, 2)])
    assert run(["runs", "plot", "first", "blind"]) == 1
    error = capsys.readouterr().err
    assert (
        "the history of blind has no 'validation_accuracy'; to draw there is train_loss, train_acc" in error
    )
    assert run(["runs", "plot", "first", "--metric", "loss"]) == 1
    assert "the history of first has no 'loss'" in capsys.readouterr().err
    assert run(["runs", "plot", "blind"]) == 0  # alone, it shows what it has


def test_only_what_differs_is_compared(runs, capsys):
    assert run(["runs", "compare", "first", "second"]) == 0
    lines = capsys.readouterr().out.splitlines()
    settings, results = lines[1 : lines.index("")], lines[lines.index("") + 1 :]
    assert lines[0].split() == ["first", "second"]
    told = [line.split() for line in settings]
    assert told == [["epochs", "4", "3"], ["optimizer", "sgd", "adam"], ["learning", "rate", "0.1", "0.001"],
                    ["milestones", "0.5", "-"]]  # fmt: skip
    assert [line.split()[0] for line in results][:2] == ["status", "epochs"]
    assert "test accuracy                  -     51.23%" in results


def test_options_data_and_versions_are_compared_too(runs):
    model = {"name": "small_conv", "options": {"dropout": 0.5}, "parameters": 1, "multiply_adds": 1}
    make(runs, "other", model=model, environment={"torch": "2.10", "threads": 2})
    found = compare_runs(read_records(["second", "other"]))
    assert found.names == ("second", "other")
    assert found.settings == {"option dropout": (None, 0.5), "torch": ("2.9", "2.10")}
    assert found.results["parameters"] == (320_938, 1)


def test_runs_made_alike_and_runs_with_nothing_to_compare(runs, capsys):
    make(runs, "third")
    assert run(["runs", "compare", "second", "third"]) == 0
    assert "nothing differs in how they were made" in capsys.readouterr().out
    make(runs, "shapes", dataset={"name": "shapes10"})
    for chosen, message in (
        (["second", "shapes"], "nothing to compare: second on digits (abababab), shapes on shapes10"),
        (["second"], "compare needs at least two runs"),
        (["second", "second"], "the run 'second' is given twice"),
    ):
        assert run(["runs", "compare", *chosen]) == 1
        assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("train_seconds", 999.46, "999.5"), ("train_seconds", 1234.6, "1,235"), ("seed", 1234, "1,234"),
        ("images_per_second", 150.04, "150.0"), ("test_accuracy", 0.51234, "51.23%"), ("loss", 150.04, "150"),
        ("flip", True, "true"), ("milestones", [0.5, 0.75], "0.5, 0.75"), ("options", {}, "-"),
    ],
)  # fmt: skip
def test_values_as_tables_show_them(key, value, text):
    assert _text(key, value) == text


def test_columns_are_aligned():
    assert table([("a", "bb"), ("ccc", "1")], right=[1]) == "a    bb\nccc   1"


def test_sets_of_one_name_are_told_apart_and_equal_ones_are_one(runs, capsys):
    make(runs, "mine", dataset={"name": "pets", "fingerprint": "ab" * 32})
    make(runs, "other", dataset={"name": "pets", "fingerprint": "cd" * 32})
    make(runs, "moved", dataset={"name": "animals", "fingerprint": "ab" * 32})
    assert run(["runs", "compare", "mine", "other"]) == 1
    message = "nothing to compare: mine on pets (abababab), other on pets (cdcdcdcd)"
    assert message in capsys.readouterr().err
    assert run(["runs", "compare", "mine", "moved"]) == 0


def test_a_key_that_is_newer_than_a_record_has_its_default(runs):
    recipe = {"epochs": 3, "optimizer": "adam", "learning_rate": 0.001, "milestones": [], "seed": 0}
    make(runs, "newer", recipe=recipe | {"label_smoothing": 0.0, "crop": 2})
    found = compare_runs(read_records(["second", "newer"]))
    assert found.settings == {"crop": (0, 2)}
