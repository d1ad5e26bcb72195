"""Export: the file gives the same numbers, says what they mean, and is whole or not there."""

import json
import subprocess
import sys

import numpy as np
import pytest
import torch

from cnncourse import export, models
from cnncourse.cli import run
from cnncourse.learning import softmax
from cnncourse.models.load import shipped_folder


def tiny(architecture="conv_bn_gap", resolution=None):
    network = models.create_model(architecture, num_classes=3, in_channels=1, seed=0)
    size = (32, 32)
    return models.Trained(
        network, architecture, ("a", "ä", "c"), 1, size, 0.4, 0.3, resolution=resolution, license="MIT"
    )


@pytest.fixture(scope="module")
def runtime():
    for name in export.NEEDED:
        pytest.importorskip(name)
    return pytest.importorskip("onnxruntime")


def load(runtime, path):
    return runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


@pytest.fixture(scope="module")
def exported(runtime, tmp_path_factory):
    """LeNet-5 as it comes with the package, in training mode, and what was made of it."""
    trained = models.load_trained("lenet5")
    trained.model.train()
    before = {name: value.clone() for name, value in trained.model.state_dict().items()}
    made = export.to_onnx(trained, tmp_path_factory.mktemp("onnx") / "out.onnx")
    assert trained.model.training
    assert all(torch.equal(value, before[name]) for name, value in trained.model.state_dict().items())
    return trained, made


class TestToOnnx:
    def test_a_network_gives_its_predictions_from_what_its_file_says(self, runtime, exported):
        trained, made = exported
        assert made.size == made.path.stat().st_size
        assert made.difference < 1e-4
        session = load(runtime, made.path)
        about = session.get_modelmeta().custom_metadata_map
        keys = ("classes", "mean", "std", "resolution", "temperature")
        classes, mean, std, size, temperature = (json.loads(about[key]) for key in keys)
        assert tuple(classes) == trained.classes
        assert (*size,) == made.shape[1:] == (32, 32)
        assert (about["architecture"], about["license"]) == ("lenet5", trained.license)
        images = np.random.default_rng(0).random((5, 1, *size), dtype=np.float32)
        scaled = (images - np.float32(mean).reshape(-1, 1, 1)) / np.float32(std).reshape(-1, 1, 1)
        (logits,) = session.run(None, {"images": scaled.astype(np.float32)})
        assert softmax(logits / temperature) == pytest.approx(trained.predict(images), abs=1e-4)

    def test_any_number_of_images_passes(self, runtime, exported):
        _, made = exported
        session = load(runtime, made.path)
        (given,), (result,) = session.get_inputs(), session.get_outputs()
        assert (given.name, given.shape[1:], given.type) == ("images", [1, 32, 32], "tensor(float)")
        assert (result.name, result.shape[1:]) == ("logits", [10])
        assert isinstance(given.shape[0], str)
        for count in (1, 2, 7):
            x = np.zeros((count, 1, 32, 32), np.float32)
            assert session.run(None, {"images": x})[0].shape == (count, 10)

    @pytest.mark.parametrize("architecture", ["speednet", "mobilenet_cifar"])
    def test_networks_that_are_built_otherwise_pass_too(self, runtime, tmp_path, architecture):
        made = export.to_onnx(tiny(architecture, resolution=(24, 20)), tmp_path / "out.onnx")
        assert made.shape == (1, 24, 20)
        assert load(runtime, made.path).get_inputs()[0].shape[1:] == [1, 24, 20]

    def test_a_translation_with_other_numbers_is_not_written(self, exported, tmp_path, monkeypatch):
        onnx = pytest.importorskip("onnx")
        trained, made = exported
        wrong = onnx.load(made.path)
        largest = max(wrong.graph.initializer, key=lambda each: len(each.raw_data))
        largest.raw_data = (1.1 * np.frombuffer(largest.raw_data, np.float32)).astype(np.float32).tobytes()
        monkeypatch.setattr(export, "_translate", lambda trained, shape: wrong)
        (tmp_path / "out.onnx").write_bytes(b"before")
        with pytest.raises(RuntimeError, match=r"lenet5 gives other numbers than torch, up to .* apart, so"):
            export.to_onnx(trained, tmp_path / "out.onnx")
        assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("out.onnx", b"before")]

    def test_what_cannot_be_translated_is_named(self, runtime, tmp_path, monkeypatch):
        def fail(*_, **__):
            raise torch.onnx.OnnxExporterError("no such operation\nand a long story")

        monkeypatch.setattr(torch.onnx, "export", fail)
        with pytest.raises(
            RuntimeError, match=r"conv_bn_gap cannot be translated to ONNX: no such operation$"
        ):
            export.to_onnx(tiny(), tmp_path / "out.onnx")
        assert not list(tmp_path.iterdir())

    def test_names_and_folders_are_checked_before_anything_is_done(self, tmp_path):
        with pytest.raises(ValueError, match=r"an ONNX file ends in .onnx, got 'out.pb'"):
            export.to_onnx(None, "out.pb")
        with pytest.raises(FileNotFoundError, match=r"there is no folder '.*gone' to write 'out.onnx' into"):
            export.to_onnx(None, tmp_path / "gone" / "out.onnx")

    def test_without_the_extra_one_sentence_says_what_to_type(self, tmp_path, monkeypatch, capsys):
        find = export.importlib.util.find_spec
        monkeypatch.setattr(
            export.importlib.util, "find_spec", lambda name: None if name.startswith("onnx") else find(name)
        )
        with pytest.raises(ModuleNotFoundError, match=r'onnxruntime, .*: pip install "cnncourse\[export\]"'):
            export.to_onnx(tiny(), tmp_path / "out.onnx")
        assert run(["export", "speednet", str(tmp_path / "out.onnx")]) == 1
        told = capsys.readouterr().err.strip()
        assert (
            told.startswith("cnncourse: ONNX files need onnx, onnxscript, onnxruntime") and "\n" not in told
        )
        assert not list(tmp_path.iterdir())

    def test_something_else_is_no_trained_network(self, runtime, tmp_path):
        with pytest.raises(TypeError, match=r"trained must be a models.Trained, got Linear"):
            export.to_onnx(torch.nn.Linear(1, 1), tmp_path / "out.onnx")


class TestCommandLine:
    def test_a_file_of_one_s_own_is_taken_and_it_says_what_it_wrote(self, runtime, tmp_path, capsys):
        out = tmp_path / "mine.onnx"
        tiny().save(tmp_path / "mine.safetensors")
        assert run(["export", str(tmp_path / "mine.safetensors"), str(out)]) == 0
        told = capsys.readouterr()
        assert f"conv_bn_gap is in {out}: 0." in told.out
        assert "images (N, 1, 32, 32), normalized, and gives 3 logits each" in told.out
        assert "ONNX Runtime and torch agree to" in told.out
        assert len(told.out.splitlines()) == 3 and told.err == ""  # without the translation's own words
        about = load(runtime, out).get_modelmeta().custom_metadata_map
        assert [json.loads(about[key]) for key in ("classes", "mean", "std")] == [
            ["a", "ä", "c"],
            [0.4],
            [0.3],
        ]

    @pytest.mark.parametrize("share", [0.0, 0.999])
    def test_weights_that_are_cut_short_leave_nothing(self, runtime, tmp_path, monkeypatch, capsys, share):
        whole = (shipped_folder() / "speednet.safetensors").read_bytes()
        folder = tmp_path / "shipped"
        folder.mkdir()
        (folder / "speednet.safetensors").write_bytes(whole[: int(share * len(whole))])
        monkeypatch.setattr(models.load, "shipped_folder", lambda: folder)
        assert run(["export", "speednet", str(tmp_path / "out.onnx")]) == 1
        assert "is truncated, altered or no .safetensors file" in capsys.readouterr().err
        assert [path.name for path in tmp_path.iterdir()] == ["shipped"]

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["spednet", "out.onnx"], "trained network is unknown: 'spednet'. Did you mean 'speednet'"),
            (["gone.safetensors", "out.onnx"], "there is no trained network 'gone.safetensors'"),
            (["speednet", "out"], "an ONNX file ends in .onnx, got 'out'"),
            (["speednet", "folder.onnx"], "'folder.onnx' is a folder; name a file in it"),
        ],
    )
    def test_mistakes_are_named(self, runtime, tmp_path, monkeypatch, capsys, arguments, message):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "folder.onnx").mkdir()
        assert run(["export", *arguments]) == 1
        assert message in capsys.readouterr().err
        assert [path.name for path in tmp_path.iterdir()] == ["folder.onnx"]


def test_nothing_of_onnx_is_loaded_before_it_is_needed():
    code = "import sys, cnncourse.export; print([name for name in sys.modules if name.startswith('onnx')])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
