"""Runs: from a network's name to a record and weights on the disk, on sets of a few tiny images."""

import errno
import json
import math

import numpy as np
import pytest
import torch
from bright import make_set
from PIL import Image

from cnncourse import data, experiments, training
from cnncourse._files import write_whole
from cnncourse.experiments import RunRecord, Setup
from cnncourse.models import count_multiply_adds, count_parameters, create_model, load_trained
from cnncourse.training import DivergedError, Recipe


def make_record(**changes):
    values = {
        "name": "run-1",
        "command": "cnncourse train conv_bn_gap --data digits",
        "recipe": Recipe().to_dict(),
        "dataset": {"name": "digits"},
        "seed": 0,
        "environment": {},
        "model": {"name": "conv_bn_gap"},
    }
    return RunRecord(**(values | changes))


class TestRecord:
    def test_there_and_back(self, tmp_path):
        record = make_record(history=[{"epoch": 1, "train_loss": 0.1 + 0.2}], status="completed")
        record.save(tmp_path / "record.json")
        assert RunRecord.load(tmp_path / "record.json") == record
        assert json.loads((tmp_path / "record.json").read_text())["format"] == 1

    def test_what_is_no_number_becomes_null(self, tmp_path):
        record = make_record(
            history=[{"epoch": 1, "train_loss": math.nan}], result={"x": math.inf}, status="diverged"
        )
        record.save(tmp_path / "record.json")
        loaded = RunRecord.load(tmp_path / "record.json")
        assert loaded.history == [{"epoch": 1, "train_loss": None}] and loaded.result == {"x": None}

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ('{"format": 2}', r"is a run record of format 2; cnncourse \S+ reads format 1"),
            (
                '{"format": 1, "nme": "x"}',
                "damaged run record: run record key is unknown: 'nme'. Did you mean 'name'",
            ),
            ('{"format": 1, "name": "x"}', "run record has no 'command'; it needs name, command"),
            ('{"format": 1', "no run record, or a damaged one"),
            ("[1]", "is no run record: it has no 'format'"),
        ],
    )
    def test_messages(self, tmp_path, text, message):
        (tmp_path / "record.json").write_text(text)
        with pytest.raises(ValueError, match=message):
            RunRecord.load(tmp_path / "record.json")

    def test_unknown_status(self):
        with pytest.raises(ValueError, match=r"status is unknown: 'complete'. Did you mean 'completed'"):
            make_record(status="complete")

    def test_a_full_disk_keeps_what_was_there(self, tmp_path, monkeypatch):
        path = tmp_path / "record.json"
        make_record().save(path)
        before = path.read_bytes()

        def full(part, content):
            with part.open("wb") as file:
                file.write(content[:10])
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr("pathlib.Path.write_bytes", full)
        with pytest.raises(OSError, match=r"could not save 'record.json', what was .* kept: No space left"):
            make_record(status="completed").save(path)
        assert path.read_bytes() == before
        assert [file.name for file in tmp_path.iterdir()] == ["record.json"]

    def test_no_such_folder(self, tmp_path):
        with pytest.raises(OSError, match=r"could not save 'a.txt'"):
            write_whole(tmp_path / "none" / "a.txt", b"")


def load_bright(name, split="train", size=None):
    return make_set(40, size=32, seed=0 if split == "train" else 1)


@pytest.fixture
def bright(monkeypatch):
    """A data set of which `load` knows the name, and `data.NAMES` too."""
    monkeypatch.setattr(data, "load", load_bright)
    monkeypatch.setattr(data, "NAMES", (*data.NAMES, "bright"))


FAST = Recipe(epochs=2, batch_size=20)


def train_bright(folder, recipe=FAST, model="conv_bn_gap", validation=0.1, **options):
    return experiments.train(Setup(model, "bright", recipe, validation=validation), runs=folder, **options)


class TestSetup:
    def test_the_very_images_are_kept_for_validation(self):
        """The same ones in every run of this course, or its records could not be compared."""
        train_set, validation_set = Setup("conv_bn_gap", "digits", FAST).split(data.load("digits"))
        assert (len(train_set), len(validation_set)) == (1297, 145)
        assert train_set.fingerprint()[:16] == "73a178d68078ea0d"
        assert validation_set.fingerprint()[:16] == "6e2d83bef18c002b"

    def test_messages(self):
        with pytest.raises(ValueError, match="validation must be at least 0 and below 1, got 1"):
            Setup("conv_bn_gap", "digits", FAST, validation=1)
        with pytest.raises(ValueError, match=r"validation must be at least 0 and below 1, got -0\.1"):
            Setup("conv_bn_gap", "digits", FAST, validation=-0.1)
        with pytest.raises(TypeError, match="validation must be a number, got True"):
            Setup("conv_bn_gap", "digits", FAST, validation=True)


class TestTrain:
    def test_train_then_evaluate(self, tmp_path, bright):
        rows = []
        record, folder = train_bright(tmp_path, report=rows.append)
        assert record == RunRecord.load(folder / "record.json")
        assert record.status == "completed"
        assert record.name == folder.name == "conv_bn_gap-bright-1"
        assert record.command == "cnncourse train conv_bn_gap --data bright"
        assert record.dataset == {
            "name": "bright",
            "train": 36,
            "validation": 4,
            "test": None,
            "fingerprint": make_set(40, size=32).fingerprint(),
            "test_fingerprint": None,
            "validation_share": 0.1,
        }
        twin = create_model("conv_bn_gap", num_classes=2)
        counts = {
            "parameters": count_parameters(twin),
            "multiply_adds": count_multiply_adds(twin, (3, 32, 32)),
        }
        assert record.model == {"name": "conv_bn_gap", "options": {}} | counts
        assert record.result["test_accuracy"] is None and record.result["train_seconds"] > 0
        assert len(rows) == 2 and rows == record.history
        assert str(tmp_path) not in (folder / "record.json").read_text()

        made = experiments.load_model(folder).record
        assert made["last_epoch"] == rows[-1] and made["result"] == record.result

        found = experiments.evaluate_run(record.name, tmp_path)
        assert found.kept and found.record == RunRecord.load(folder / "record.json")
        assert found.record.result["test_accuracy"] == found.accuracy
        assert found.record.result["evaluation_seconds"] == found.seconds > 0
        assert found.record.dataset["test"] == 40
        assert found.record.dataset["test_fingerprint"] == make_set(40, size=32, seed=1).fingerprint()

    def test_the_file_of_weights_says_all_about_them(self, tmp_path, bright):
        recipe = FAST.replace(mean=(0.4, 0.5, 0.6), std=(0.2, 0.3, 0.2))
        record, folder = train_bright(tmp_path, recipe, model="double_conv_gap", test=True)
        assert sorted(path.name for path in folder.iterdir()) == ["record.json", "weights.safetensors"]
        trained = load_trained(folder / "weights.safetensors")
        assert (trained.architecture, trained.classes) == ("double_conv_gap", ("a", "b"))
        assert (trained.channels, trained.size, trained.resolution) == (3, (32, 32), (32, 32))
        assert (trained.mean, trained.std) == ((0.4, 0.5, 0.6), (0.2, 0.3, 0.2))
        made = trained.record
        assert made["dataset"] == record.dataset and made["recipe"] == record.recipe
        assert made["result"] == record.result and made["last_epoch"] == record.history[-1]
        assert made["name"] == record.name and made["model"] == record.model
        assert record.result["test_accuracy"] is not None
        assert str(tmp_path).encode() not in (folder / "weights.safetensors").read_bytes()[:9999]

    def test_normalization_comes_from_the_weights_file(self, tmp_path, bright):
        _, folder = train_bright(tmp_path, Recipe(epochs=4, batch_size=5, mean=(0.3,), std=(0.1,)))
        model = experiments.load_model(folder).model
        test_set = load_bright("bright", "test")
        right = training.evaluate(model, test_set, mean=(0.3,), std=(0.1,))
        assert right != training.evaluate(model, test_set, mean=(0.5,), std=(0.5,))
        found = experiments.evaluate_run(folder)
        assert (found.loss, found.accuracy) == (right["loss"], right["accuracy"])

    def test_mirror_images_are_for_those_that_learned_from_them(self, tmp_path, bright, monkeypatch):
        def evaluate(*_, views=1, **__):
            return {"loss": 1.0, "accuracy": 0.75 if views == 2 else 0.5}

        monkeypatch.setattr(experiments.evaluation, "evaluate", evaluate)
        for flip, mirrored in ((False, None), (True, 0.75)):
            record, folder = train_bright(tmp_path, FAST.replace(flip=flip), test=True)
            assert (record.result["test_accuracy"], record.result["test_accuracy_tta"]) == (0.5, mirrored)
            assert experiments.evaluate_run(folder).accuracy_tta == mirrored

    def test_the_averaged_weights_are_saved(self, tmp_path, bright):
        stopped, folder = train_bright(tmp_path, FAST.replace(averaging=0.9), report=press)
        assert stopped.status == "interrupted"
        checkpoint = torch.load(folder / "checkpoint.pt", weights_only=True)["state"]
        saved = experiments.load_model(folder).model.state_dict()
        name = next(iter(saved))
        assert torch.equal(saved[name], checkpoint["averaged"][f"module.{name}"])
        assert not torch.equal(saved[name], checkpoint["model"][name])

    def test_the_test_split_is_read_only_on_request(self, tmp_path, monkeypatch):
        splits = []

        def load(name, split="train", size=None):
            splits.append(split)
            return make_set(40, size=32)

        monkeypatch.setattr(data, "load", load)
        train_bright(tmp_path)
        assert splits == ["train"]
        record, _ = train_bright(tmp_path, test=True)
        assert splits == ["train", "train", "test"]
        assert record.result["test_accuracy"] is not None

    def test_runs_do_not_overwrite_each_other(self, tmp_path, bright):
        names = [train_bright(tmp_path)[1].name for _ in range(2)]
        assert names == ["conv_bn_gap-bright-1", "conv_bn_gap-bright-2"]
        train_bright(tmp_path, name="mine")
        with pytest.raises(FileExistsError, match=r"there is a run 'mine' .*another name, or resume it"):
            train_bright(tmp_path, name="mine")
        for name in ("../mine", "", ".."):
            with pytest.raises(ValueError, match="name must be a plain name"):
                train_bright(tmp_path, name=name)

    def test_the_same_seed_gives_the_same_run(self, tmp_path, bright):
        folders = [train_bright(tmp_path)[1] for _ in range(2)]
        first, second = (experiments.load_model(folder).model.state_dict() for folder in folders)
        assert all(torch.equal(first[name], second[name]) for name in first)

    def test_initial_weights_are_those_of_the_recipe_s_seed(self, tmp_path, bright):
        _, folder = train_bright(tmp_path, FAST.replace(seed=3, optimizer="sgd", learning_rate=1e-12))
        trained, start = experiments.load_model(folder).model, create_model("conv_bn_gap", 2, seed=3)
        for now, before in zip(trained.parameters(), start.parameters(), strict=True):
            torch.testing.assert_close(now, before)

    def test_interrupted_keeps_whole_epochs(self, tmp_path, bright):
        record, folder = train_bright(tmp_path, report=press)
        assert record.status == "interrupted" and len(record.history) == 1
        assert RunRecord.load(folder / "record.json").status == "interrupted"
        experiments.evaluate_run(folder)

    def test_diverged_is_recorded(self, tmp_path, bright):
        recipe = Recipe(epochs=9, optimizer="sgd", learning_rate=1e30)
        with pytest.raises(DivergedError):
            train_bright(tmp_path, recipe, model="small_conv")
        record, _ = experiments.load_run("small_conv-bright-1", tmp_path)
        assert record.status == "diverged"

    def test_a_start_that_fails_leaves_no_run(self, tmp_path, bright, monkeypatch):
        with pytest.raises(ValueError, match="mean has 2 numbers"):
            train_bright(tmp_path, FAST.replace(mean=(0.5, 0.5)), name="mine")
        with monkeypatch.context() as patch:
            patch.setattr(training.loop, "train_epoch", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
            record, folder = train_bright(tmp_path, name="mine")
        assert record.status == "interrupted" and not folder.exists()
        train_bright(tmp_path, name="mine")

    def test_without_validation(self, tmp_path, bright):
        record, _ = train_bright(tmp_path, validation=0)
        assert (record.dataset["train"], record.dataset["validation"]) == (40, None)
        assert record.dataset["validation_share"] == 0
        assert record.history[0]["validation_accuracy"] is None

    def test_messages(self, tmp_path, bright):
        with pytest.raises(ValueError, match="model is unknown: 'conv_gap'"):
            train_bright(tmp_path, model="conv_gap")
        for share, message in ((0.001, "40 to learn from and 0;"), (0.999, "0 to learn from and 40;")):
            with pytest.raises(ValueError, match=f"the 40 images of 'bright' into {message} choose another"):
                train_bright(tmp_path, validation=share)
        assert list(tmp_path.iterdir()) == []

    def test_a_full_disk_is_said(self, tmp_path, bright, monkeypatch):
        def full(part, content):
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr("pathlib.Path.write_bytes", full)
        with pytest.raises(OSError, match="No space left on device"):
            train_bright(tmp_path)


def press(row):
    """End a training after its first epoch, as Ctrl-C would."""
    raise KeyboardInterrupt


class TestLoadModel:
    def test_no_such_run(self, tmp_path, bright):
        with pytest.raises(FileNotFoundError, match=r"no run 'x' with a record.json; '.*' holds no run"):
            experiments.load_model("x", tmp_path)
        train_bright(tmp_path)
        with pytest.raises(FileNotFoundError, match=r"runs in '.*': conv_bn_gap-bright-1"):
            experiments.load_model("conv_bn_gap-bright-2", tmp_path)

    def test_damaged(self, tmp_path, bright):
        _, folder = train_bright(tmp_path)
        weights = folder / "weights.safetensors"
        weights.write_bytes(weights.read_bytes()[:5000])
        with pytest.raises(ValueError, match=r"weights.safetensors' is truncated"):
            experiments.evaluate_run(folder)

    def test_of_another_run(self, tmp_path, bright):
        (_, first), (_, second) = train_bright(tmp_path), train_bright(tmp_path, FAST.replace(seed=1))
        (second / "weights.safetensors").replace(first / "weights.safetensors")
        message = r"weights of another run than the record.json beside it: recipe seed was 0 and is 1 now"
        with pytest.raises(ValueError, match=message):
            experiments.evaluate_run(first)

    def test_missing(self, tmp_path, bright):
        record, folder = train_bright(tmp_path)
        (folder / "weights.safetensors").unlink()
        with pytest.raises(FileNotFoundError, match=r"no weights.safetensors: the file was moved or deleted"):
            experiments.load_model(folder)
        (folder / "weights.pt").touch()
        message = r"its weights.pt is of an older version and says nothing of classes; train it again"
        with pytest.raises(FileNotFoundError, match=message):
            experiments.load_model(folder)
        (folder / "weights.pt").unlink()
        record.history = []
        record.save(folder / "record.json")
        with pytest.raises(FileNotFoundError, match=r"no weights.safetensors: it has no whole epoch"):
            experiments.load_model(folder)


def write_pets(folder, classes, count=8, size=32, splits=("train", "test"), start=0):
    """Write pictures of one color, darker from class to class."""
    for place, split in enumerate(splits):
        for label, name in enumerate(classes):
            (folder / split / name).mkdir(parents=True, exist_ok=True)
            for number in range(count):
                color = (start + 20 * number + place, 90 * label, 9)
                Image.new("RGB", (size, size), color).save(folder / split / name / f"{number}.png")


@pytest.fixture
def pets(tmp_path, monkeypatch):
    """A run ``r``, trained on ``a/pets`` with cats and dogs, in the working folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CNNCOURSE_CACHE", str(tmp_path / "cache"))
    write_pets(tmp_path / "a" / "pets", ("cat", "dog"))
    experiments.train(Setup("conv_bn_gap", "a/pets", Recipe(epochs=2, batch_size=4)), name="r", test=True)
    return tmp_path


class TestWhichImages:
    def test_other_classes_are_refused(self, pets):
        before = (pets / "runs" / "r" / "record.json").read_bytes()
        write_pets(pets / "b" / "pets", ("ant", "cat"))
        message = r"'pets' has images of ant, which the network does not know; its classes: cat, dog"
        with pytest.raises(ValueError, match=message):
            experiments.evaluate_run("r", data_name="b/pets")
        assert (pets / "runs" / "r" / "record.json").read_bytes() == before

    def test_classes_are_matched_by_name(self, pets):
        own = data.load("a/pets", "test")
        swapped = {"classes": np.array(["dog", "cow", "cat"]), "test_labels": np.array([2, 0])[own.labels]}
        np.savez(pets / "b.npz", test_images=own.images, **swapped)
        found = experiments.evaluate_run("r", data_name="b.npz")
        whole = experiments.evaluate_run("r", data_name="a/pets")
        assert found.accuracy == whole.accuracy and found.loss == pytest.approx(whole.loss, rel=1e-6)
        assert whole.kept and not found.kept

    def test_a_result_is_kept_for_the_run_s_own_images_alone(self, pets):
        record = RunRecord.load("runs/r/record.json")
        assert record.dataset["test_fingerprint"] == data.load("a/pets", "test").fingerprint()
        write_pets(pets / "b" / "pets", ("cat", "dog"), start=90)
        found = experiments.evaluate_run("r", data_name="b/pets")
        assert not found.kept
        assert RunRecord.load("runs/r/record.json") == record
        (pets / "a" / "pets").rename(pets / "moved")
        assert experiments.evaluate_run("r", data_name="moved").kept

    def test_without_a_result_the_training_images_tell(self, pets):
        record = RunRecord.load("runs/r/record.json")
        record.dataset["test_fingerprint"] = None
        record.save("runs/r/record.json")
        write_pets(pets / "b" / "pets", ("cat", "dog"), start=90)
        write_pets(pets / "c" / "pets", ("cat", "dog"), splits=("test",))
        assert not experiments.evaluate_run("r", data_name="b/pets").kept
        assert not experiments.evaluate_run("r", data_name="c/pets").kept
        assert experiments.evaluate_run("r", data_name="a/pets").kept

    def test_where_images_of_one_s_own_are_must_be_said(self, pets):
        with pytest.raises(
            FileNotFoundError, match=r"'r' was trained on .* 'pets', .* not here; .*--data PATH"
        ):
            experiments.evaluate_run("r")
        write_pets(pets / "pets", ("cat", "dog"), start=90)
        with pytest.raises(ValueError, match=r"'pets' here is another data set than the one of the run 'r'"):
            experiments.evaluate_run("r")
        assert experiments.evaluate_run("r", data_name="pets").kept is False

    def test_images_of_another_size(self, pets):
        write_pets(pets / "b" / "pets", ("cat", "dog"), size=40)
        message = r"'r' was trained on images of shape \(3, 32, 32\), those of 'pets' have \(3, 40, 40\)"
        with pytest.raises(ValueError, match=message):
            experiments.evaluate_run("r", data_name="b/pets")
