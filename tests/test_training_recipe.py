"""Recipes: read, written, and refused where keys exclude each other."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnncourse.training import Recipe


class TestRecipe:
    @given(
        st.builds(
            Recipe,
            epochs=st.integers(1, 1000),
            batch_size=st.integers(1, 4096),
            optimizer=st.sampled_from(["adam", "adamw", "sgd"]),
            learning_rate=st.floats(1e-12, 1e6),
            weight_decay=st.floats(0, 10),
            schedule=st.sampled_from(["constant", "linear", "cosine"]),
            warmup=st.floats(0, 0.99),
            crop=st.integers(0, 16),
            flip=st.booleans(),
            mean=st.lists(st.floats(0, 1), min_size=1, max_size=3).map(tuple),
            std=st.lists(st.floats(0.01, 1), min_size=1, max_size=3).map(tuple),
            seed=st.integers(0, 2**31),
        )
    )
    def test_toml_there_and_back(self, recipe):
        assert Recipe.from_toml(recipe.to_toml()) == recipe

    def test_json_there_and_back(self):
        recipe = Recipe(optimizer="sgd", momentum=0.9, mean=(0.4, 0.5, 0.6))
        assert Recipe.from_dict(json.loads(json.dumps(recipe.to_dict()))) == recipe

    @pytest.mark.parametrize(
        ("changes", "error", "message"),
        [
            ({"epochs": 0}, ValueError, "epochs must be at least 1, got 0"),
            ({"epochs": 1.5}, TypeError, r"epochs must be a whole number, got 1\.5"),
            ({"batch_size": True}, TypeError, "batch_size must be a whole number"),
            ({"optimizer": "adan"}, ValueError, "optimizer is unknown: 'adan'. Did you mean 'adam'"),
            ({"schedule": "cosin"}, ValueError, "Did you mean 'cosine'"),
            ({"learning_rate": 0}, ValueError, r"learning_rate must be above 0 and below 3.4e\+38, got 0"),
            ({"learning_rate": math.nan}, ValueError, r"above 0 and below 3.4e\+38, got nan"),
            ({"learning_rate": math.inf}, ValueError, r"above 0 and below 3.4e\+38, got inf"),
            ({"learning_rate": "fast"}, TypeError, "learning_rate must be a number, got 'fast'"),
            ({"momentum": 1.0, "optimizer": "sgd"}, ValueError, "momentum must be at least 0 and below 1"),
            ({"momentum": 0.9}, ValueError, "momentum 0.9 has no effect with optimizer 'adam'"),
            ({"weight_decay": -1}, ValueError, "weight_decay must be at least 0"),
            ({"warmup": 1.0}, ValueError, "warmup must be at least 0 and below 1"),
            ({"crop": -1}, ValueError, "crop must be at least 0"),
            ({"flip": 1}, TypeError, "flip must be true or false"),
            ({"mean": ()}, ValueError, "mean must hold one number, or one for each channel"),
            ({"std": (0.0,)}, ValueError, "std must be above 0"),
            ({"seed": -1}, ValueError, "seed must be at least 0"),
            ({"seed": 2**63}, ValueError, "seed must be at least 0 and below 9.22337e"),
            ({"weight_decay": 1e300}, ValueError, r"weight_decay must be at least 0 and below 3.4e\+38"),
            ({"epoch": 3}, ValueError, "recipe key is unknown: 'epoch'. Did you mean 'epochs'"),
        ],
    )
    def test_messages(self, changes, error, message):
        with pytest.raises(error, match=message):
            Recipe().replace(**changes)

    def test_files(self, tmp_path):
        path = tmp_path / "mine.toml"
        path.write_text("epochs = 3\nflip = true\n")
        assert Recipe.load(path) == Recipe(epochs=3, flip=True)
        path.write_text("epochs = \n")
        with pytest.raises(ValueError, match=r"recipe '.*mine.toml': "):
            Recipe.load(path)
        with pytest.raises(FileNotFoundError, match="there is no recipe file"):
            Recipe.load(tmp_path / "none.toml")

    @pytest.mark.parametrize("mark", ["", "\ufeff"])
    def test_a_byte_order_mark_is_no_part_of_the_recipe(self, tmp_path, mark):
        path = tmp_path / "mine.toml"
        path.write_text(f"{mark}epochs = 3\n", encoding="utf-8")
        assert Recipe.load(path).epochs == 3

    def test_every_shipped_recipe_is_for_a_model_or_for_a_speedrun(self):
        from cnncourse.models import MODELS
        from cnncourse.training.presets import load_recipe, preset_names
        from cnncourse.training.toml_values import recipe_folder

        names = [path.stem for path in recipe_folder().iterdir()]
        assert {"three_conv", "cpu94"} <= set(names)
        for name in names:
            assert isinstance(load_recipe(name), Recipe) == (name in MODELS) == (name not in preset_names())
        assert Recipe.for_model("conv_bn_gap") == Recipe()


class TestRecipeKeysTogether:
    @pytest.mark.parametrize(
        ("values", "message"),
        [
            ({"nesterov": True}, "nesterov needs a momentum"),
            ({"momentum": 0.9}, "momentum 0.9 has no effect with optimizer 'adam'"),
            ({"milestones": [0.5]}, "milestones have no effect with schedule 'constant'"),
            ({"schedule": "step"}, r"needs milestones, such as \[0.5, 0.75\]"),
            ({"schedule": "step", "milestones": [0.7, 0.5]}, r"milestones must rise, got \[0.7, 0.5\]"),
            ({"schedule": "step", "milestones": [1.5]}, "milestones must be above 0 and below 1, got 1.5"),
            ({"schedule": "one_cycle", "warmup": 0.1}, "has its own warm-up; leave warmup out"),
            ({"label_smoothing": 1.0}, "label_smoothing must be at least 0 and below 1"),
            ({"averaging": -0.1}, "averaging must be at least 0 and below 1"),
            ({"dtype": "bfloat"}, "dtype is unknown: 'bfloat'. Did you mean 'bfloat16'"),
        ],
    )
    def test_what_excludes_is_refused(self, values, message):
        with pytest.raises(ValueError, match=message):
            Recipe(**values)

    def test_a_number_is_no_switch(self):
        with pytest.raises(TypeError, match="channels_last must be true or false, got 1"):
            Recipe(channels_last=1)
