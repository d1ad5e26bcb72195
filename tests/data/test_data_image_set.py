from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnncourse import data
from cnncourse.data import ImageSet
from cnncourse.data.image_set import in_canonical_order
from cnncourse.data.scenes import draw_scene
from cnncourse.data.series import draw_machines
from cnncourse.data.shapes10 import draw_shapes10


def make(n: int = 30, classes: int = 3, channels: int = 3) -> ImageSet:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (n, channels, 4, 5), dtype=np.uint8)
    return ImageSet(images, np.arange(n) % classes, tuple("abcdef"[:classes]), "toy")


def test_indexing_gives_image_and_label() -> None:
    s = make()
    image, label = s[4]
    assert image.shape == (3, 4, 5)
    assert label == 1
    assert np.array_equal(image, s.images[4])
    assert len(list(s)) == len(s) == 30


@pytest.mark.parametrize(
    "draw",
    [
        lambda seed: make().take(3, seed=seed),
        lambda seed: make().take(3, per_class=True, seed=seed),
        lambda seed: make().partition((0.5,), seed=seed),
        lambda seed: draw_shapes10(n=10, seed=seed),
        lambda seed: draw_scene(seed=seed),
        lambda seed: draw_machines(n=4, seed=seed),
    ],
)
def test_a_seed_is_not_negative(draw: Callable[[int], object]) -> None:
    draw(0)
    with pytest.raises(ValueError, match=r"^seed must be at least 0, got -1$"):
        draw(-1)


def test_it_is_frozen() -> None:
    with pytest.raises(AttributeError):
        make().name = "other"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("images", "labels", "classes", "error", "message"),
    [
        (np.zeros((2, 3, 4, 4)), [0, 1], "ab", TypeError, "images must be uint8"),
        (np.zeros((2, 4, 4), np.uint8), [0, 1], "ab", ValueError, r"shape \(N, C, H, W\)"),
        (np.zeros((2, 2, 4, 4), np.uint8), [0, 1], "ab", ValueError, "C 1 or 3"),
        (np.zeros((2, 1, 4, 4), np.uint8), [0.0, 1.0], "ab", TypeError, "labels must be whole"),
        (np.zeros((2, 1, 4, 4), np.uint8), [0], "ab", ValueError, r"shape \(2,\)"),
        (np.zeros((2, 1, 4, 4), np.uint8), [0, 2], "ab", ValueError, "from 0 to 1 for 2 classes"),
        (np.zeros((2, 1, 4, 4), np.uint8), [0, -1], "ab", ValueError, "got -1 to 0"),
        (np.zeros((2, 1, 4, 4), np.uint8), [0, 1], "aa", ValueError, "different strings"),
    ],
)
def test_what_does_not_fit_is_refused(images, labels, classes, error, message) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(error, match=message):
        ImageSet(images, np.array(labels), tuple(classes))


def test_statistics_are_those_of_numpy() -> None:
    s = make(n=2500)  # more than one chunk
    mean, std = s.statistics()
    pixels = s.images / 255
    np.testing.assert_allclose(mean, pixels.mean(axis=(0, 2, 3)), atol=1e-12)
    np.testing.assert_allclose(std, pixels.std(axis=(0, 2, 3)), atol=1e-12)


def test_statistics_of_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match=r"at least one image"):
        make().subset([]).statistics()


def test_subset_takes_indices_or_a_mask() -> None:
    s = make()
    assert np.array_equal(s.subset([5, 2]).images, s.images[[5, 2]])
    assert np.array_equal(s.subset(s.labels == 1).labels, np.ones(10))
    with pytest.raises(TypeError, match=r"whole numbers or a mask"):
        s.subset([0.5])
    with pytest.raises(TypeError, match=r"use subset"):
        s[0:3]  # type: ignore[index]


def test_take_is_the_same_for_a_seed_and_another_for_another() -> None:
    s = make()
    assert s.take(10, seed=1).fingerprint() == s.take(10, seed=1).fingerprint()
    assert s.take(10, seed=1).fingerprint() != s.take(10, seed=2).fingerprint()
    assert s.take(4, per_class=True).class_counts() == {"a": 4, "b": 4, "c": 4}


def test_take_cannot_take_more_than_there_is() -> None:
    with pytest.raises(ValueError, match=r"at most 30"):
        make().take(31)
    with pytest.raises(ValueError, match=r"at most 10, the images of class 'a'"):
        make().take(11, per_class=True)
    with pytest.raises(ValueError, match=r"at least 0"):
        make().take(-1)


@given(
    fractions=st.lists(st.floats(0.05, 0.3), min_size=1, max_size=3),
    stratified=st.booleans(),
    seed=st.integers(0, 5),
)
def test_parts_share_nothing_and_have_their_sizes(fractions, stratified, seed) -> None:  # type: ignore[no-untyped-def]
    images = np.arange(90, dtype=np.uint8).reshape(90, 1, 1, 1)
    s = ImageSet(images, np.arange(90) % 3, ("a", "b", "c"))
    parts = s.partition(fractions, stratified=stratified, seed=seed)
    seen = np.concatenate([part.images.ravel() for part in parts])
    assert len(set(seen.tolist())) == len(seen)
    for fraction, part in zip(fractions, parts, strict=True):
        assert abs(len(part) - 90 * fraction) <= (3 if stratified else 1)
        if stratified:
            assert np.ptp(list(part.class_counts().values())) <= 1


def test_whole_partition_loses_nothing() -> None:
    parts = make(n=31).partition((0.5, 0.3, 0.2))
    assert sum(map(len, parts)) == 31


@pytest.mark.parametrize("fractions", [(0.8, 0.3), (0.0, 1.0), (-0.1,), ()])
def test_wrong_fractions_are_refused(fractions: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match=r"fractions must be positive and sum to at most 1"):
        make().partition(fractions)


def test_fingerprint_sees_pixels_labels_classes_and_shape() -> None:
    s = make()
    changed = s.images.copy()
    changed[3, 0, 0, 0] ^= 1
    others = [
        ImageSet(changed, s.labels, s.classes),
        ImageSet(s.images, (s.labels + 1) % 3, s.classes),
        ImageSet(s.images, s.labels, ("a", "b", "z")),
        ImageSet(s.images.reshape(30, 3, 5, 4), s.labels, s.classes),
    ]
    assert len({each.fingerprint() for each in [s, *others]}) == 5
    assert ImageSet(s.images, s.labels, s.classes, "other name").fingerprint() == s.fingerprint()


def test_canonical_order_does_not_depend_on_the_order_before() -> None:
    s = make()
    shuffled = s.subset(np.random.default_rng(1).permutation(30))
    first = s.subset(in_canonical_order(s.images, s.labels))
    second = shuffled.subset(in_canonical_order(shuffled.images, shuffled.labels))
    assert first.fingerprint() == second.fingerprint()


def test_digits_are_split_by_class_and_never_change() -> None:
    train, test = data.load("digits"), data.load("digits", "test")
    assert len(train) + len(test) == 1797
    assert train.shape == (1, 8, 8)
    assert train.images.max() == 255
    assert all(34 <= count <= 36 for count in test.class_counts().values())
    assert all(check.ok and check.expected for check in data.verify("digits"))
