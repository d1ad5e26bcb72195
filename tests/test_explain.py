"""Mistakes, confidence, features, what excites and what is alike, on networks of a few weights."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from cnncourse import explain, images, models
from cnncourse.data import ImageSet
from cnncourse.explain import likeness
from cnncourse.learning import cross_entropy, softmax


def random_answers(count=200, classes=4, seed=0):
    """Return probabilities (count, classes), and labels that were drawn from them: a calibrated network."""
    random = np.random.default_rng(seed)
    p = softmax(2 * random.normal(size=(count, classes)))
    labels = np.array([random.choice(classes, p=row) for row in p])
    return p, labels


def tiny(resolution=None):
    """A network of one convolution and one dense layer for gray images of 8x8."""
    network = models.create_model("conv_bn_gap", num_classes=3, in_channels=1, seed=0)
    return models.Trained(network, "conv_bn_gap", ("a", "b", "c"), 1, (8, 8), 0.4, 0.3, resolution=resolution)


def noise(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


class TestMistakes:
    def test_counts_are_those_of_a_loop(self):
        p, labels = random_answers()
        counts = np.zeros((4, 4), int)
        for label, answer in zip(labels, p.argmax(axis=1), strict=True):
            counts[label, answer] += 1
        found = explain.confusion_matrix(labels.astype(np.uint8), p.argmax(axis=1), 4)
        assert found.tolist() == counts.tolist()
        assert found.dtype == np.int64

    def test_many_classes_do_not_overflow_small_labels(self):
        found = explain.confusion_matrix(np.array([99], np.uint8), np.array([98], np.uint8), 100)
        assert np.argwhere(found).tolist() == [[99, 98]]

    @pytest.mark.parametrize(
        ("labels", "predicted", "message"),
        [
            ([0, 4], [0, 0], "labels must be from 0 to 3 for 4 classes, got 0 to 4"),
            ([0, 1], [0, -1], "predicted must be from 0 to 3 for 4 classes, got -1 to 0"),
            ([0, 1], [0], r"predicted must have shape \(2,\), one a picture, got \(1,\)"),
            ([0, 1], np.eye(4)[:2], r"predicted must be one answer a picture.*use .argmax\(axis=1\)"),
        ],
    )
    def test_what_cannot_be_counted_is_named(self, labels, predicted, message):
        with pytest.raises(ValueError, match=message):
            explain.confusion_matrix(labels, predicted, 4)

    def test_worst_mistakes_are_wrong_and_the_surest_come_first(self):
        p, labels = random_answers()
        found = explain.worst_mistakes(p, labels, 10)
        wrong = np.flatnonzero(p.argmax(axis=1) != labels)
        assert set(found) <= set(wrong)
        assert len(found) == 10
        assert np.all(np.diff(p[found].max(axis=1)) <= 0)
        assert p[found].max(axis=1).min() >= np.sort(p[wrong].max(axis=1))[-10]
        assert len(explain.worst_mistakes(p, labels, 10_000)) == len(wrong)
        assert len(explain.worst_mistakes(p, p.argmax(axis=1), 3)) == 0

    @pytest.mark.parametrize(
        ("p", "message"),
        [
            ([[3.0, -1.0]], "probabilities must be at least 0 and sum to 1.*softmax makes them of logits"),
            ([[0.5, 0.4]], "sums from 0.9 to 0.9"),
            ([[np.nan, 1.0]], "sums from nan"),
            (np.empty((0, 2)), "at least one picture and one class"),
        ],
    )
    def test_what_is_no_probability_is_named(self, p, message):
        for judge in (explain.suspicious_labels, explain.calibration):
            with pytest.raises(ValueError, match=message):
                judge(p, np.zeros(len(p), int))

    def test_labels_that_were_swapped_are_found(self):
        random = np.random.default_rng(0)
        labels = np.arange(300) % 3
        p = softmax(4 * np.eye(3)[labels] + random.normal(size=(300, 3)))
        swapped = random.choice(300, 10, replace=False)
        given_labels = labels.copy()
        given_labels[swapped] = (labels[swapped] + 1) % 3
        found = explain.suspicious_labels(p, given_labels)
        assert set(swapped) <= set(found[:12])
        own = p[np.arange(300), given_labels][found]
        assert np.all(np.diff(own) >= 0)

    def test_an_unsure_network_accuses_no_label(self):
        p = np.repeat([[0.9, 0.05, 0.05], [0.4, 0.36, 0.24], [0.4, 0.34, 0.26]], 2, axis=0)
        labels = [0, 0, 1, 1, 2, 2]
        assert explain.suspicious_labels(p, labels).tolist() == []
        assert explain.worst_mistakes(p, labels, 9).tolist() == [2, 3, 4, 5]  # it is wrong all the same

    def test_the_interval_is_where_wilsons_equation_holds(self):
        for right, total in ((940, 1000), (1, 10), (5, 10)):
            for end in explain.accuracy_interval(right, total):
                assert abs(right / total - end) == pytest.approx(
                    1.959964 * math.sqrt(end * (1 - end) / total)
                )
        assert explain.accuracy_interval(0, 5)[0] == 0
        assert explain.accuracy_interval(5, 5)[1] == 1
        wide, narrow = (np.diff(explain.accuracy_interval(9, 10, level)) for level in (0.99, 0.5))
        assert wide > narrow

    def test_the_interval_holds_the_truth_as_often_as_it_says(self):
        random = np.random.default_rng(0)
        truth = random.uniform(0.5, 1, size=3000)
        right = random.binomial(40, truth)
        low, high = np.array([explain.accuracy_interval(int(each), 40) for each in right]).T
        assert ((low <= truth) & (truth <= high)).mean() == pytest.approx(0.95, abs=0.01)

    def test_more_right_answers_than_images_are_refused(self):
        with pytest.raises(ValueError, match="correct must be at most total, 10, got 11"):
            explain.accuracy_interval(11, 10)
        with pytest.raises(TypeError, match=r"correct must be a whole number, got 0.94"):
            explain.accuracy_interval(0.94, 10)
        with pytest.raises(ValueError, match="confidence must be above 0 and below 1, got 95"):
            explain.accuracy_interval(9, 10, confidence=95)


class TestConfidence:
    def test_groups_are_those_of_a_loop(self):
        p, labels = random_answers()
        found = explain.calibration(p, labels, bins=5)
        sure, right = p.max(axis=1), p.argmax(axis=1) == labels
        error = 0.0
        for index in range(5):
            inside = (sure > index / 5) & (sure <= (index + 1) / 5)
            assert found.counts[index] == inside.sum()
            if inside.any():
                assert found.confidence[index] == pytest.approx(sure[inside].mean())
                assert found.accuracy[index] == pytest.approx(right[inside].mean())
                error += inside.mean() * abs(sure[inside].mean() - right[inside].mean())
            else:
                assert np.isnan([found.confidence[index], found.accuracy[index]]).all()
        assert found.counts.sum() == 200
        assert found.expected_error == pytest.approx(error)

    def test_a_confidence_on_an_edge_belongs_below_it(self):
        found = explain.calibration([[0.5, 0.5], [1.0, 0.0]], [0, 0], bins=2)
        assert found.counts.tolist() == [1, 1]

    def test_overconfidence_is_measured(self):
        p, labels = random_answers(count=2000)
        honest = explain.calibration(p, labels).expected_error
        boastful = explain.calibration(softmax(3 * np.log(p)), labels).expected_error
        assert honest < 0.05 < 0.15 < boastful

    @pytest.mark.parametrize("factor", [0.2, 1.0, 3.0, 40.0])
    def test_the_temperature_undoes_a_factor(self, factor):
        p, labels = random_answers(count=500)
        plain = explain.temperature(np.log(p), labels)
        assert explain.temperature(factor * np.log(p), labels) == pytest.approx(factor * plain, rel=1e-6)
        assert plain == pytest.approx(1, abs=0.2)  # labels were drawn from these probabilities

    def test_no_other_temperature_is_better(self):
        p, labels = random_answers()
        logits = 2.5 * np.log(p)
        best = explain.temperature(logits, labels)
        loss = cross_entropy(logits / best, labels)
        for other in (0.8, 0.99, 1.01, 1.3):
            assert cross_entropy(logits / (best * other), labels) > loss

    @pytest.mark.parametrize(
        ("logits", "labels", "message"),
        [
            ([[2.0, 0.0], [0.0, 1.0]], [0, 1], "logits are right about every label"),
            ([[2.0, 0.0], [0.0, 1.0]], [1, 0], "logits favor the wrong classes"),
            ([[-np.inf, 0.0]], [1], r"logits must be finite.*np.maximum\(probabilities, 1e-30\)"),
            (np.empty((0, 2)), np.empty(0, int), "of at least one picture"),
        ],
    )
    def test_where_no_temperature_is_best_it_says_why(self, logits, labels, message):
        with pytest.raises(ValueError, match=message):
            explain.temperature(logits, labels)


class TestNeighbors:
    @given(st.integers(1, 6), st.integers(0, 1000))
    def test_neighbors_are_those_of_torch(self, k, seed):
        random = np.random.default_rng(seed)
        queries, known = random.normal(size=(3, 5)), random.normal(size=(6, 5))
        cosine = F.cosine_similarity(torch.tensor(queries)[:, None], torch.tensor(known)[None], dim=2)
        values, indices = cosine.topk(k)
        found, similarities = explain.nearest_neighbors(queries, known, k)
        assert found.tolist() == indices.tolist()
        assert similarities == pytest.approx(values.numpy(), abs=1e-5)

    def test_blocks_change_nothing(self, monkeypatch):
        random = np.random.default_rng(0)
        vectors = random.normal(size=(23, 4))
        whole = explain.nearest_neighbors(vectors, vectors, 3)
        monkeypatch.setattr(likeness, "BLOCK", 50)
        parts = explain.nearest_neighbors(vectors, vectors, 3)
        assert whole[0].tolist() == parts[0].tolist()
        assert whole[0][:, 0].tolist() == list(range(23))  # each is nearest to itself

    def test_a_vector_of_zeros_is_like_nothing(self):
        _, similarities = explain.nearest_neighbors([[0.0, 0.0]], np.eye(2), 2)
        assert similarities.tolist() == [[0, 0]]

    @pytest.mark.parametrize(
        ("queries", "k", "message"),
        [
            (np.eye(3), 1, "vectors of one length, got 3 and 2; take both from the same layer"),
            (np.eye(2), 3, "k must be at most 2, the number of features, got 3"),
            ([[np.nan, 1]], 1, "queries must be finite"),
        ],
    )
    def test_what_cannot_be_compared_is_named(self, queries, k, message):
        with pytest.raises(ValueError, match=message):
            explain.nearest_neighbors(queries, np.eye(2), k)


class TestNearDuplicates:
    def test_changed_copies_are_found_and_nothing_else(self):
        train, test = noise(30, 3, 32, 32), noise(20, 3, 32, 32, seed=1)
        smooth = images.low_pass(train[:4].astype(float), 0.6)
        test[3], test[9], test[11], test[17] = train[5], 255 - train[6], train[7] // 3 + 100, smooth[2]
        found = explain.near_duplicates(train, test, threshold=0.3)
        assert set(zip(found.train.tolist(), found.test.tolist(), strict=True)) == {(5, 3), (7, 11), (2, 17)}
        assert found.distances[0] == 0  # the copy
        assert np.all(np.diff(found.distances) >= 0)

    def test_the_distance_is_what_is_left_of_the_correlation(self):
        train, test = noise(6, 1, 16, 16), noise(5, 1, 16, 16, seed=1)
        found = explain.near_duplicates(train, test, threshold=1.99)
        assert len(found.train) == 30
        for one, other, distance in zip(*found, strict=True):
            small = [images.resize(each, 8, "area").ravel() for each in (train[one], test[other])]
            assert distance == pytest.approx(math.sqrt(2 - 2 * np.corrcoef(*small)[0, 1]), abs=1e-4)

    def test_the_threshold_is_met_to_the_digit(self):
        train, test = noise(6, 1, 16, 16), noise(5, 1, 16, 16, seed=1)
        distances = explain.near_duplicates(train, test, threshold=1.99).distances
        assert len(explain.near_duplicates(train, test, float(distances[10])).train) == 11
        assert len(explain.near_duplicates(train, test, float(distances[10]) - 1e-6).train) == 10

    def test_blocks_change_nothing_and_image_sets_are_taken(self, monkeypatch):
        train = ImageSet(noise(12, 3, 8, 8), np.zeros(12, int), ("a",), "noise", "train")
        test = ImageSet(noise(9, 3, 8, 8, seed=1), np.zeros(9, int), ("a",), "noise", "test")
        whole = explain.near_duplicates(train, test, 1.3)
        monkeypatch.setattr(likeness, "BLOCK", 30)
        parts = explain.near_duplicates(train, test, 1.3)
        assert 0 < len(whole.train) < 12 * 9
        assert [each.tolist() for each in whole] == [each.tolist() for each in parts]

    def test_images_of_one_color_are_in_no_pair(self):
        flat = np.full((3, 3, 8, 8), 200, np.uint8)
        assert len(explain.near_duplicates(flat, flat, 1.9).train) == 0
        assert len(explain.near_duplicates(flat / 255, np.zeros((2, 3, 8, 8)), 1.9).train) == 0

    def test_no_image_gives_no_pair(self):
        assert len(explain.near_duplicates(noise(3, 1, 8, 8), noise(0, 1, 8, 8), 0.5).test) == 0

    def test_too_many_pairs_and_wrong_images_are_refused(self, monkeypatch):
        monkeypatch.setattr(likeness, "MOST_PAIRS", 50)
        with pytest.raises(ValueError, match=r"threshold 1.9 finds more than 50 pairs; use a smaller one"):
            explain.near_duplicates(noise(10, 1, 8, 8), noise(10, 1, 8, 8, seed=1), 1.9)
        with pytest.raises(ValueError, match="equally many channels, got 3 and 1"):
            explain.near_duplicates(noise(2, 3, 8, 8), noise(2, 1, 8, 8), 0.1)
        with pytest.raises(ValueError, match=r"test must be images \(N, C, H, W\).*\(3, 8, 8\)"):
            explain.near_duplicates(noise(2, 3, 8, 8), noise(3, 8, 8), 0.1)
        with pytest.raises(ValueError, match="threshold must be above 0 and below 2, got 2"):
            explain.near_duplicates(noise(2, 3, 8, 8), noise(2, 3, 8, 8), 2)


class TestFeatures:
    def test_by_default_they_are_what_the_last_dense_layer_gets(self):
        trained, batch = tiny(), noise(5, 1, 8, 8)
        found = explain.features(trained, batch, batch_size=2)
        dense = [module for module in trained.model.modules() if isinstance(module, nn.Linear)][-1]
        logits = torch.from_numpy(found) @ dense.weight.T + dense.bias
        assert logits.softmax(dim=1).detach().numpy() == pytest.approx(trained.predict(batch), abs=1e-5)
        assert found.shape == (5, dense.in_features)

    def test_of_several_dense_layers_the_last_counts(self):
        network = nn.Sequential(nn.Flatten(), nn.Linear(64, 5), nn.ReLU(), nn.Linear(5, 2))
        trained = models.Trained(network, "two dense layers", ("a", "b"), 1, (8, 8), mean=0.5, std=0.5)
        assert explain.features(trained, noise(3, 1, 8, 8)).shape == (3, 5)

    def test_of_feature_maps_they_are_the_means(self):
        trained, batch = tiny(), noise(4, 1, 8, 8)
        name, first = next((n, m) for n, m in trained.model.named_modules() if isinstance(m, nn.Conv2d))
        with torch.inference_mode():
            maps = first(trained.prepare(batch))
        found = explain.features(trained, batch, name)
        assert found == pytest.approx(maps.mean(dim=(2, 3)).numpy(), abs=1e-5)

    def test_modes_are_kept(self):
        trained = tiny()
        trained.model.train()
        explain.features(trained, noise(2, 1, 8, 8))
        assert all(module.training for module in trained.model.modules())

    def test_what_has_no_features_is_named(self):
        trained = tiny()
        with pytest.raises(ValueError, match=r"layer is unknown: 'sixth'. .*Known: "):
            explain.features(trained, noise(2, 1, 8, 8), "sixth")
        with pytest.raises(TypeError, match=r"trained must be a models.Trained, got Linear"):
            explain.features(nn.Linear(1, 1), noise(2, 1, 8, 8))
        with pytest.raises(ValueError, match="images holds no image"):
            explain.features(trained, noise(0, 1, 8, 8))


class Pair(nn.Module):
    """One filter that likes bright pixels and one that likes dark ones, and a layer that never runs."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 3, bias=False)
        self.relu = nn.ReLU()
        self.idle = nn.Linear(2, 2)
        with torch.no_grad():
            self.conv.weight[0], self.conv.weight[1] = 1, -1

    def forward(self, x):
        return self.relu(self.conv(x)).mean(dim=(2, 3))


def climb(network, layer, channels, seed=0, shape=(1, 8, 8), **settings):
    generator = torch.Generator().manual_seed(seed)
    return explain.activation_maximization(network, layer, channels, generator, shape, **settings)


class TestActivationMaximization:
    def test_each_channel_gets_what_it_likes(self):
        bright, dark = climb(Pair(), "conv", [0, 1])
        assert bright.min() > 0.9
        assert dark.max() < 0.1

    def test_a_seed_gives_the_same_image_and_another_seed_another(self):
        one, again, other = (climb(Pair(), "conv", 0, seed, steps=3) for seed in (0, 0, 1))
        assert np.array_equal(one, again)
        assert not np.allclose(one, other)

    def test_images_rise_at_the_layer_of_a_trained_network(self):
        trained = tiny(resolution=(12, 12))
        name = next(n for n, m in trained.model.named_modules() if isinstance(m, nn.Conv2d))
        found = climb(trained, name, [0, 3], shape=None, steps=30)
        assert found.shape == (2, 1, 8, 8)
        assert 0 <= found.min() < found.max() <= 1
        gray = explain.features(trained, np.full((1, 1, 8, 8), 0.5), name)[0]
        raised = explain.features(trained, found, name)
        assert raised[0, 0] > gray[0]
        assert raised[1, 3] > gray[3]

    def test_a_filter_of_stripes_gets_stripes(self):
        network = nn.Sequential(nn.Conv2d(1, 1, (2, 1), bias=False))
        network[0].weight = nn.Parameter(torch.tensor([[[[1.0], [-1.0]]]]))  # its plain mean sees the borders
        (image,) = climb(network, "0", 0, jitter=0)
        assert np.abs(np.diff(image[0, 1:-1], axis=0)).mean() > 0.3

    def test_total_variation_makes_images_smoother(self):
        network = nn.Sequential(nn.Conv2d(1, 1, 2, bias=False))
        network[0].weight = nn.Parameter(torch.tensor([[[[1.0, -1.0], [-1.0, 1.0]]]]))
        rough, smooth = (climb(network, "0", 0, steps=40, total_variation=weight) for weight in (0, 30))
        assert np.abs(np.diff(smooth, axis=3)).mean() < 0.5 * np.abs(np.diff(rough, axis=3)).mean()

    def test_jitter_spreads_what_one_place_likes(self):
        network = nn.Sequential(nn.Flatten(), nn.Linear(64, 1, bias=False))
        nn.init.zeros_(network[1].weight)
        with torch.no_grad():
            network[1].weight[0, 27] = 1
        begun, still, moved = (
            climb(network, "1", 0, steps=steps, jitter=jitter, total_variation=0)
            for steps, jitter in ((1, 0), (60, 0), (60, 2))
        )
        assert (still - begun > 0.01).sum() == 1
        assert (moved - begun > 0.01).sum() > 10

    def test_the_network_is_left_as_it_was(self):
        network = Pair()
        before = {name: value.clone() for name, value in network.state_dict().items()}
        climb(network, "conv", 0, steps=2)
        assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
        assert all(parameter.grad is None for parameter in network.parameters())
        assert network.training

    @pytest.mark.parametrize(
        ("layer", "channels", "message"),
        [
            ("relu", 1, r"channels \[1\] of layer 'relu' have no gradient.*the layer before its ReLU"),
            ("conv", [0, 2], "channels must be below 2, which layer 'conv' has, got 2"),
            ("idle", 0, "layer 'idle' gives no tensor when an image passes"),
            ("convv", 0, "layer is unknown: 'convv'. Did you mean 'conv'"),
            ("conv", [], r"channels is empty: give at least one"),
        ],
    )
    def test_what_cannot_be_excited_is_named(self, layer, channels, message):
        with pytest.raises(ValueError, match=message):
            climb(Pair(), layer, channels, steps=1)

    def test_a_shape_is_needed_where_it_is_not_known(self):
        with pytest.raises(TypeError, match=r"a bare module needs image_shape, \(C, H, W\)"):
            climb(Pair(), "conv", 0, shape=None)
        with pytest.raises(TypeError, match="leave out image_shape"):
            climb(tiny(), "conv", 0)
