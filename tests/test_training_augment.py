"""Augmentation in the engine: recipes that name transforms, batches that apply them, soft labels."""

import dataclasses
import json

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from cnncourse import augmentation
from cnncourse.augmentation import ColorJitter, Erasing, Mixup
from cnncourse.data import ImageSet
from cnncourse.training import Batches, Recipe, fit

MANY = (ColorJitter(0.4, 0.3), Erasing(0.5), Mixup(0.4))


def make_set(count=20, classes=2, size=8):
    images = np.random.default_rng(0).integers(0, 256, (count, 3, size, size), dtype=np.uint8)
    return ImageSet(images, np.arange(count) % classes, tuple("abcdefghij"[:classes]), "noise", "train")


def make_model(outputs=2, seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Flatten(), nn.Linear(192, outputs))


class TestRecipe:
    def test_toml_and_json_there_and_back(self):
        recipe = Recipe(augment=MANY)
        assert Recipe.from_toml(recipe.to_toml()) == recipe
        assert Recipe.from_dict(json.loads(json.dumps(recipe.to_dict()))) == recipe
        assert recipe.replace(epochs=1).augment == MANY
        hash(recipe)

    def test_tables_are_read_in_their_order(self):
        text = 'augment = [{name = "erasing", area = [0.1, 0.2]}, {name = "mixup"}]'
        assert Recipe.from_toml(text).augment == (Erasing(area=(0.1, 0.2)), Mixup())
        assert Recipe(augment=[{"name": "mixup"}]) == Recipe(augment=(Mixup(),))

    def test_without_any_a_recipe_is_written_as_it_always_was(self):
        assert "augment" not in Recipe().to_dict() and "augment" not in Recipe().to_toml()
        assert Recipe.from_dict(Recipe().to_dict()).augment == ()

    def test_messages(self):
        with pytest.raises(
            TypeError, match=r'augment must be a list of tables such as {name = "mixup"}, got \'m'
        ):
            Recipe(augment="mixup")
        with pytest.raises(ValueError, match="augment has an unknown transform: 'cut'"):
            Recipe(augment=[{"name": "cut"}])


class TestBatches:
    def test_transforms_draw_after_order_crops_and_flips(self):
        """Made again with NumPy: what a record's numbers hang on is the order of what is drawn."""
        image_set = make_set(20)
        batches = Batches(image_set, 8, crop=1, flip=True, seed=3, mean=(0,), std=(1,), augment=MANY)
        list(batches)
        random = np.random.default_rng([3, 1])  # of the second epoch
        order = random.permutation(20)
        padded = np.pad(image_set.images, ((0, 0), (0, 0), (1, 1), (1, 1)))
        for start, (x, y) in zip((0, 8, 16), batches, strict=True):
            chosen = order[start : start + 8]
            i, j = random.integers(0, 3, (2, len(chosen)))
            mirrored = random.random(len(chosen)) < 0.5
            images = np.stack(
                [padded[n, :, a : a + 8, b : b + 8] for n, a, b in zip(chosen, i, j, strict=True)]
            )
            images[mirrored] = images[mirrored, ..., ::-1]
            images, labels = augmentation.apply(
                MANY, images.astype(np.float32) / 255, image_set.labels[chosen], 2, random
            )
            np.testing.assert_allclose(x.numpy(), images, atol=1e-5)
            np.testing.assert_allclose(y.numpy(), labels, atol=1e-6)
            assert y.dtype == torch.float32

    @pytest.mark.parametrize("name", augmentation.TRANSFORMS)
    def test_each_is_read_by_its_name(self, name):
        recipe = Recipe.from_toml(f'augment = [{{name = "{name}"}}]')
        plain, changed = (
            next(iter(Batches(make_set(), 20, augment=augment)))[0] for augment in ((), recipe.augment)
        )
        assert changed.dtype == torch.float32 and changed.shape == plain.shape
        assert torch.equal(changed, plain) == (name == "color_jitter")  # which draws nothing unless told so

    def test_pixels_are_scaled_after_it(self):
        plain, scaled = (
            next(iter(Batches(make_set(), 20, mean=mean, std=std, augment=MANY)))[0]
            for mean, std in (((0,), (1,)), ((0.4, 0.5, 0.6), (0.1, 0.2, 0.3)))
        )
        expected = (plain - torch.tensor([0.4, 0.5, 0.6])[:, None, None]) / torch.tensor([0.1, 0.2, 0.3])[
            :, None, None
        ]
        torch.testing.assert_close(scaled, expected, atol=1e-5, rtol=1e-5)

    def test_labels_stay_classes_where_nothing_is_mixed(self):
        _, labels = next(iter(Batches(make_set(), 20, augment=MANY[:2])))
        assert labels.dtype == torch.int64 and labels.shape == (20,)

    def test_parts_of_a_batch_are_the_batch(self):
        whole, *parts = (
            list(Batches(make_set(), 8, crop=1, flip=True, augment=MANY, part=part))
            for part in ((0, 1), (0, 2), (1, 2))
        )
        for (x, y), *shares in zip(whole, *parts, strict=True):
            for k, (some, labels) in enumerate(shares):
                assert torch.equal(x[k::2], some) and torch.equal(y[k::2], labels)


@dataclasses.dataclass(frozen=True)
class Fixed(augmentation.Transform):
    """Every image with 30% of the next one."""

    name = "fixed"
    mixes = True

    def __call__(self, images, labels, random):
        partners, weights = np.roll(np.arange(len(images)), -1), np.full(len(images), 0.7)
        return augmentation.mix(images, partners, weights), augmentation.mix(labels, partners, weights)


class TestLoss:
    @pytest.mark.parametrize("outputs", [2, 5])  # a network may have more outputs than there are classes
    @pytest.mark.parametrize("smoothing", [0.0, 0.2])
    def test_it_is_the_weighted_sum_over_both_labels(self, outputs, smoothing):
        image_set = make_set(37)
        recipe = Recipe(
            epochs=1, batch_size=37, optimizer="sgd", learning_rate=1e-9, augment=(Fixed(),),
            label_smoothing=smoothing,
        )  # fmt: skip
        model = make_model(outputs, seed=3)  # right more often by one label than by the other
        images, _ = next(iter(Batches(image_set, 37, augment=(Fixed(),))))
        order = np.random.default_rng([0, 0]).permutation(37)
        labels = torch.from_numpy(image_set.labels[order])
        with torch.no_grad():
            logits = model(images)
        first, second = (
            F.cross_entropy(logits, some, label_smoothing=smoothing) for some in (labels, labels.roll(-1))
        )
        (row,) = fit(model, image_set, recipe)
        assert row["train_loss"] == pytest.approx((0.7 * first + 0.3 * second).item(), rel=1e-5)
        right = (logits.argmax(dim=1) == labels).sum().item()  # the heavier label of each
        assert right != (logits.argmax(dim=1) == labels.roll(-1)).sum().item()
        assert row["train_accuracy"] == right / 37

    def test_training_with_it_learns(self):
        image_set = make_set(40)
        image_set.images[1::2] //= 4
        history = fit(
            make_model(), image_set, Recipe(epochs=10, batch_size=10, learning_rate=0.01, augment=MANY)
        )
        assert history[-1]["train_loss"] < history[0]["train_loss"]
        assert history[-1]["train_accuracy"] > 0.8
