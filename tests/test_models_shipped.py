"""The trained networks that come with the package: each is worth what its record says."""

import pytest

from cnncourse import data
from cnncourse.models import load_trained
from cnncourse.models.load import shipped_folder, shipped_names
from cnncourse.training import evaluate
from cnncourse.training.presets import recipe_from_dict

LEAST = {"lenet5": 0.96, "resnet20": 0.915, "speednet": 0.94}  # speednet averaged over views


@pytest.mark.parametrize("name", shipped_names())
class TestShipped:
    def test_the_file_says_all_about_it(self, name):
        trained = load_trained(name)
        assert trained.license == "MIT"
        assert len(trained.classes) == 10 and trained.size == (32, 32)
        for part in ("command", "dataset", "recipe", "environment", "result"):
            assert trained.record[part], part
        assert trained.record["dataset"]["fingerprint"]

    def test_the_file_is_worth_what_its_record_says(self, name):
        """Measured on the whole test split, from the file of 16 bits."""
        trained = load_trained(name)
        known, result = trained.record["dataset"], trained.record["result"]
        if known["name"] != "digits" and data.default_name() != known["name"]:
            pytest.skip(f"{known['name']} is not on this machine; cnncourse data fetch {known['name']}")
        test_set = data.load(known["name"], "test", known.get("size"))
        assert test_set.fingerprint() == known["test_fingerprint"]
        views = recipe_from_dict(trained.record["recipe"]).views if name == "speednet" else 1
        key = "test_accuracy" if views == 1 else "test_accuracy_tta"
        accuracy = evaluate(trained, test_set, views=views)["accuracy"]
        assert accuracy == pytest.approx(result[key], abs=0.002)
        assert accuracy >= LEAST[name]


def test_all_are_there_and_they_are_small():
    assert shipped_names() == sorted(LEAST)
    sizes = [path.stat().st_size for path in shipped_folder().iterdir()]
    assert sum(sizes) < 8e6  # the wheel stays under 12 MB
