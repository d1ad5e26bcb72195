"""The recipe of a speedrun as TOML: what it may say, the presets, and mixing it up with the engine's."""

import json
import math

import numpy as np
import pytest
import torch

from cnncourse.data import ImageSet
from cnncourse.training import Recipe
from cnncourse.training import speedrun as speedrun_module
from cnncourse.training.presets import load_recipe, preset_names, recipe_from_dict
from cnncourse.training.resident import MEAN, STD, normalization
from cnncourse.training.speed_recipe import SpeedRecipe
from cnncourse.training.speedrun import speedrun

TINY = SpeedRecipe(epochs=1, batch_size=10, widths=(4, 4, 4), sizes=((0.5, 9), (1.0, 12)))


def make_set(count=20, size=32, name="bright", channels=3):
    images = np.random.default_rng(0).integers(0, 256, (count, channels, size, size)).astype(np.uint8)
    return ImageSet(images, np.arange(count) % 2, ("a", "b"), name, "train")


class TestValues:
    def test_toml_and_json_there_and_back(self):
        recipe = TINY.replace(label_smoothing=0.2, seed=3)
        assert SpeedRecipe.from_toml(recipe.to_toml()) == recipe
        assert SpeedRecipe.from_dict(json.loads(json.dumps(recipe.to_dict()))) == recipe
        assert recipe.to_toml().startswith('network = "speednet"\nepochs = 1.0\n')
        assert "sizes = [[0.5, 9], [1.0, 12]]" in recipe.to_toml()

    def test_what_is_missing_takes_its_default(self):
        recipe = SpeedRecipe.from_toml('network = "speednet"\nepochs = 2')
        assert recipe == SpeedRecipe(epochs=2.0)
        assert SpeedRecipe.defaults() | {"epochs": 2.0} | {"network": "speednet"} == recipe.to_dict()

    @pytest.mark.parametrize(
        ("changes", "error", "message"),
        [
            ({"epoch": 3}, ValueError, r"recipe key is unknown: 'epoch'. Did you mean 'epochs'\?"),
            ({"epochs": 0}, ValueError, "epochs must be above 0, got 0"),
            ({"epochs": math.nan}, ValueError, "epochs must be above 0, got nan"),
            ({"epochs": math.inf}, ValueError, "epochs must be above 0, got inf"),
            ({"epochs": "two"}, TypeError, "epochs must be a number, got 'two'"),
            ({"batch_size": 1}, ValueError, "batch_size must be at least 2, got 1"),
            ({"batch_size": 2.5}, TypeError, r"batch_size must be a whole number, got 2\.5"),
            ({"widths": [8, 8]}, ValueError, r"widths must be the feature maps of each group.* got \[8, 8\]"),
            ({"filter_rate": 0}, ValueError, "filter_rate must be above 0, got 0"),
            ({"bias_rate": -0.1}, ValueError, r"bias_rate must be above 0, got -0\.1"),
            ({"head_rate": math.nan}, ValueError, "head_rate must be above 0, got nan"),
            ({"label_smoothing": 1}, ValueError, "label_smoothing must be at least 0 and below 1, got 1"),
            ({"dtype": "float16"}, ValueError, "dtype .*float16"),
            ({"crop": 32}, ValueError, "crop must be at least 0 and below 32, got 32"),
            ({"seed": -1}, ValueError, "seed must be at least 0, got -1"),
            ({"seed": 2**63}, ValueError, "seed must be at least 0 and below 9.22337e"),
            ({"sizes": []}, ValueError, r"sizes must be pairs \[share of the steps, pixels a side\]"),
            ({"sizes": 24}, ValueError, "sizes must be pairs .*, got 24"),
            ({"sizes": [0.5, 16]}, ValueError, r"sizes must be pairs .* got \[0\.5, 16\]"),
            ({"sizes": [[0.5, 16]]}, ValueError, r"shares in sizes must rise to 1\.0, got \[0\.5\]"),
            ({"sizes": [[0.5, 16], [0.4, 20], [1, 24]]}, ValueError, r"must rise to 1\.0, got \[0\.5, 0\.4"),
            ({"sizes": [[0.5, 16], [0.5, 20], [1, 24]]}, ValueError, r"must rise to 1\.0, got \[0\.5, 0\.5"),
            ({"sizes": [[1.5, 16]]}, ValueError, "shares above 0 and at most 1"),
            ({"sizes": [[math.nan, 16], [1, 24]]}, ValueError, "shares above 0 and at most 1"),
            ({"sizes": [[1, 8]]}, ValueError, "sizes must hold 9 to 32 pixels a side, got 8"),
            ({"sizes": [[1, 33]]}, ValueError, "sizes must hold 9 to 32 pixels a side, got 33"),
            ({"sizes": [[1, 16.5]]}, TypeError, r"sizes must be a whole number, got 16\.5"),
        ],
    )  # fmt: skip
    def test_messages(self, changes, error, message):
        with pytest.raises(error, match=message):
            TINY.replace(**changes)

    def test_the_epochs_must_be_given(self):
        with pytest.raises(ValueError, match="recipe has no 'epochs'; it must be given"):
            SpeedRecipe.from_toml('network = "speednet"')

    def test_a_size_lasts_until_its_share_of_the_steps(self):
        sizes = [TINY.size_at(share) for share in (0, 0.49, 0.5, 0.99)]
        assert sizes == [9, 9, 12, 12]

    def test_a_size_that_is_shorter_than_a_step_is_passed_over(self, monkeypatch):
        made = []
        make = speedrun_module.resident
        monkeypatch.setattr(
            speedrun_module,
            "resident",
            lambda images, size, *rest: made.append(size) or make(images, size, *rest),
        )
        speedrun(make_set(), TINY.replace(sizes=[[0.4, 9], [0.45, 10], [1.0, 12]]))  # of two steps
        assert made == [9, 9, 12]  # to whiten, then to learn from


class TestFiles:
    def test_presets_are_known_by_name_and_read_from_files(self, tmp_path):
        for name in preset_names():
            assert SpeedRecipe.load(name) == load_recipe(name)
        text = SpeedRecipe.load("cpu74").to_toml()
        (tmp_path / "mine.toml").write_text(f"\ufeff{text}", encoding="utf-8")
        assert load_recipe(tmp_path / "mine.toml") == SpeedRecipe.load("cpu74")
        with pytest.raises(ValueError, match=r"recipe is unknown: 'cpu7'. Did you mean 'cpu74'\?"):
            load_recipe("cpu7")
        with pytest.raises(FileNotFoundError, match=r"there is no recipe file 'cpu7\.toml'"):
            load_recipe("cpu7.toml")

    def test_a_file_without_an_ending_and_a_folder_named_like_a_preset(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "mine").write_text("epochs = 3")
        (tmp_path / "cpu74").mkdir()
        assert load_recipe("mine") == Recipe(epochs=3)
        assert load_recipe("cpu74") == SpeedRecipe.load("cpu74")

    @pytest.mark.parametrize(
        ("kind", "text", "message"),
        [
            (Recipe, 'network = "speednet"\nepochs = 2', "names a network, 'speednet': .* is given alone:"),
            (Recipe, 'network = "resnet20"\nepochs = 2', "names a network, 'resnet20': one for any netw"),
            (SpeedRecipe, "epochs = 2", 'without a network, and not one .* network = "speednet"'),
            (SpeedRecipe, 'network = "vgg11"\nepochs = 2', "a recipe for 'vgg11', and not one that"),
            (SpeedRecipe, 'network = "speednet"\nepochs = ', "Invalid value"),
        ],
    )  # fmt: skip
    def test_the_kinds_are_not_mixed_up(self, tmp_path, kind, text, message):
        (tmp_path / "mine.toml").write_text(text)
        with pytest.raises(ValueError, match=r"recipe '.*mine\.toml': .*" + message):
            kind.load(tmp_path / "mine.toml")

    def test_a_key_of_the_other_kind_is_unknown(self):
        with pytest.raises(ValueError, match="recipe key is unknown: 'optimizer'"):
            recipe_from_dict({"network": "speednet", "epochs": 2, "optimizer": "adam"})
        with pytest.raises(ValueError, match="recipe key is unknown: 'widths'"):
            recipe_from_dict({"epochs": 2, "widths": [8, 8, 8]})
        assert recipe_from_dict({"epochs": 2}) == Recipe(epochs=2)


class TestImages:
    @pytest.mark.parametrize(
        ("images", "changes", "message"),
        [
            (make_set(size=28), {}, r"images of 32x32 pixels, those of 'bright' have 28x28; .*size=\(32"),
            (make_set(9), {}, "batch_size 10 is larger than the 9 training images of 'bright'"),
            (make_set(), {"epochs": 0.1}, r"epochs 0\.1 are no whole step of 10 images"),
        ],
    )  # fmt: skip
    def test_those_that_do_not_fit_are_refused(self, images, changes, message):
        with pytest.raises(ValueError, match=message):
            speedrun(images, TINY.replace(**changes))

    def test_other_sets_than_cifar10_are_normalized_by_their_own_statistics(self):
        images = make_set()
        mean, std = normalization(images)
        assert mean == tuple(images.statistics()[0]) and std == tuple(images.statistics()[1])
        assert normalization(make_set(name="cifar10")) == (MEAN, STD)

    def test_gray_images_and_a_channel_that_is_the_same_everywhere(self):
        for images in (make_set(channels=1), make_set(channels=1, name="cifar10")):
            model, _ = speedrun(images, TINY)
            assert model.stem.in_channels == 1
        flat = make_set()
        flat.images[:, 1] = 7
        model, _ = speedrun(flat, TINY)
        assert all(torch.isfinite(p).all() for p in model.parameters())
