"""The linear head: its minimum, its weight decay, folds without leakage, cross-validation."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from cnncourse import transfer
from cnncourse.transfer import linear


def clouds(count=60, dimensions=8, classes=3, distance=1.5, seed=0):
    """Features of classes that overlap a little."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % classes
    middles = np.random.default_rng(99).normal(size=(classes, dimensions)) * distance
    return random.normal(size=(count, dimensions)) + middles[labels], labels


def objective(head, x, y):
    """What `fit_head` says that it makes small, on the scale that it says."""
    center = x.mean(axis=0) if head.bias is not None else 0
    length = np.sqrt(np.square(x - center).sum(axis=1).mean())
    logits = torch.from_numpy(head.logits(x))
    weights = head.weight.astype(float) * length
    return F.cross_entropy(logits, torch.from_numpy(y)).item() + head.decay / 2 * np.square(weights).sum()


class TestFit:
    @pytest.mark.parametrize("shape", [(60, 8), (20, 50)])
    @pytest.mark.parametrize("bias", [True, False])
    @pytest.mark.parametrize("decay", [1e-3, 0.1])
    def test_no_neighbor_is_better(self, shape, bias, decay):
        x, y = clouds(*shape)
        head = transfer.fit_head(x + 3, y, decay=decay, bias=bias)
        best, random = objective(head, x + 3, y), np.random.default_rng(1)
        for size in (1e-2, 1e-1):
            for _ in range(20):
                step = size * random.normal(size=head.weight.shape) * np.abs(head.weight).mean()
                shift = None if head.bias is None else head.bias + size * random.normal(size=head.bias.shape)
                other = transfer.LinearHead((head.weight + step).astype(np.float32), shift, decay)
                assert objective(other, x + 3, y) > best

    def test_fewer_images_than_features_are_the_same_problem(self):
        x, y = clouds(20, 50)
        one = transfer.fit_head(x, y, decay=1e-2)
        space = linear._Space.of(x, True)
        assert space.turn.shape == (50, 19)  # the centered images span a plane of one dimension less
        np.testing.assert_allclose(space.turn.T @ space.turn, np.eye(19), atol=1e-9)
        plain = linear._Space(space.center, space.length, None)
        z = plain.reduce(x)
        w = linear._minimize(z, torch.from_numpy(y), torch.zeros(51, 3, dtype=torch.float64), 1e-2, True)
        weight, bias = plain.restore(w, True)
        np.testing.assert_allclose(one.weight, weight, atol=1e-4)
        np.testing.assert_allclose(one.logits(x), x @ weight.T + bias, atol=1e-3)

    def test_units_do_not_matter(self):
        x, y = clouds()
        one, other = (transfer.fit_head(factor * x + shift, y) for factor, shift in ((1, 0), (1000, 7)))
        assert one.decay == other.decay
        np.testing.assert_allclose(one.logits(x), other.logits(1000 * x + 7), atol=1e-2)

    def test_noise_asks_for_more_decay(self):
        x, y = clouds(distance=3)
        noise = np.random.default_rng(5).normal(size=x.shape)
        assert transfer.fit_head(noise, y).decay > transfer.fit_head(x, y).decay

    def test_features_that_are_constant(self):
        x, y = clouds()
        head = transfer.fit_head(np.concatenate([x, np.ones((60, 5))], axis=1), y)
        assert (head.logits(np.concatenate([x, np.ones((60, 5))], axis=1)).argmax(axis=1) == y).mean() > 0.8
        flat = transfer.fit_head(np.zeros((60, 5)), y)
        np.testing.assert_allclose(flat.logits(np.zeros((1, 5))), 0, atol=1e-5)

    def test_one_image_of_a_class(self):
        x, y = clouds(4, 5, classes=2)
        head = transfer.fit_head(x[:3], y[:3])
        assert head.decay == linear.USUAL and (head.logits(x[:3]).argmax(axis=1) == y[:3]).all()

    @pytest.mark.parametrize(
        ("features", "labels", "classes", "error", "message"),
        [
            (
                np.ones((3, 2)),
                [0, 1, 3],
                5,
                ValueError,
                "of 5 classes 2, 4 have no image among 3; give at least one",
            ),
            (np.ones((3, 2)), [0, 1, 1], 3, ValueError, "of 3 classes 2 has no image among 3"),
            (np.ones((3, 2)), [0, 0, 0], None, ValueError, "classes must be at least 2, got 1"),
            (np.ones((3, 2)), [0, 1], 2, ValueError, r"labels must have shape \(3,\)"),
            (np.ones((3, 2)), [0.0, 1.0, 1.0], 2, TypeError, "labels must be whole numbers"),
            (np.full((3, 2), np.nan), [0, 1, 1], 2, ValueError, "features must be finite numbers"),
            (np.ones((0, 2)), [], 2, ValueError, "features must be finite numbers of at least one image"),
            (np.ones(3), [0, 1, 1], 2, ValueError, r"features must have 2 axes \(N, D\)"),
        ],
    )
    def test_messages(self, features, labels, classes, error, message):
        with pytest.raises(error, match=message):
            transfer.fit_head(features, labels, classes)

    def test_a_decay_below_zero(self):
        with pytest.raises(ValueError, match="decay must be at least 0"):
            transfer.fit_head(*clouds(), decay=-1.0)


class TestCrossValidation:
    def test_labels_that_say_nothing_are_not_learned(self):
        """A head that saw the images it is asked about would be right about nearly all of them."""
        x = np.random.default_rng(0).normal(size=(90, 200))
        y = np.random.default_rng(1).integers(0, 3, 90)
        assert (transfer.fit_head(x, y, decay=1e-6).logits(x).argmax(axis=1) == y).mean() == 1
        assert (transfer.cross_validate(x, y).argmax(axis=1) == y).mean() < 0.5

    def test_copies_in_one_group_do_not_help(self):
        x = np.repeat(np.random.default_rng(0).normal(size=(45, 200)), 2, axis=0)
        y = np.repeat(np.random.default_rng(1).integers(0, 3, 45), 2)
        groups = np.repeat(np.arange(45), 2)
        assert (transfer.cross_validate(x, y).argmax(axis=1) == y).mean() > 0.6  # half of them leak
        assert (transfer.cross_validate(x, y, groups=groups).argmax(axis=1) == y).mean() < 0.5

    def test_the_fold_that_is_asked_is_in_nothing_that_is_learned(self, monkeypatch):
        x, y = clouds(40, 5, 2)
        parts, asked = transfer.make_folds(y, 4), []
        fit = linear._fit_path

        def watch(z, labels, *rest):
            asked.append(len(labels))
            return fit(z, labels, *rest)

        monkeypatch.setattr(linear, "_fit_path", watch)
        transfer.cross_validate(x, y, folds=4)
        sizes = np.bincount(parts)
        assert max(asked) == len(y) - sizes.min() and asked.count(max(asked)) <= 4

    @pytest.mark.parametrize("folds", [2, 3, 100])
    def test_any_number_of_folds(self, folds):
        x, y = clouds(9, 5, 3, distance=4)
        logits = transfer.cross_validate(x, y, folds=folds)
        assert (
            logits.shape == (9, 3) and np.isfinite(logits).all() and (logits.argmax(axis=1) == y).mean() > 0.7
        )

    def test_without_bias(self):
        x, y = clouds(distance=4)
        assert (transfer.cross_validate(x, y, bias=False).argmax(axis=1) == y).mean() > 0.7

    def test_a_class_of_one(self):
        with pytest.raises(ValueError, match="class 1 has one group of images alone"):
            transfer.cross_validate(np.ones((3, 2)), [0, 0, 1])


class TestFolds:
    @given(
        st.lists(st.tuples(st.integers(0, 3), st.integers(0, 8)), min_size=4, max_size=60),
        st.integers(2, 6),
        st.integers(0, 5),
    )
    def test_groups_stay_together(self, pairs, folds, seed):
        labels, groups = np.array(pairs).T
        groups = groups * 4 + labels  # each of one class
        for label in np.unique(labels):
            if len(np.unique(groups[labels == label])) == 1:
                return
        found = transfer.make_folds(labels, folds, groups, seed)
        assert found.min() >= 0 and found.max() < folds
        for group in np.unique(groups):
            assert len(np.unique(found[groups == group])) == 1
        for label in np.unique(labels):  # asked about a class, the rest has seen it
            assert len(np.unique(found[labels == label])) > 1

    def test_they_are_even(self):
        labels = np.arange(100) % 4
        found = transfer.make_folds(labels, 5, seed=3)
        table = np.array([np.bincount(labels[found == fold], minlength=4) for fold in range(5)])
        assert (table == 5).all()

    def test_the_seed_decides(self):
        labels = np.arange(40) % 4
        one, same, other = (transfer.make_folds(labels, 5, seed=seed) for seed in (0, 0, 1))
        assert (one == same).all() and (one != other).any()

    def test_messages(self):
        with pytest.raises(ValueError, match=r"labels must be whole numbers \(N,\), and groups as many"):
            transfer.make_folds([0, 1, 1, 0], 2, [0, 1])
        with pytest.raises(ValueError, match="folds must be at least 2, got 1"):
            transfer.make_folds([0, 1, 1, 0], 1)
        with pytest.raises(ValueError, match="class 0 has one group of images alone"):
            transfer.make_folds([0, 0, 1, 1], 2, [7, 7, 8, 9])
