"""Masks and boxes of shapes10, scenes, the generated series and the bundled sentences."""

import numpy as np
import pytest

from cnncourse.data.languages import ALPHABET, decode, encode, load_languages, read_sentences
from cnncourse.data.scenes import boxes_of, draw_scene, draw_scenes
from cnncourse.data.series import SHORTEST, STATES, _places, draw_machines
from cnncourse.data.shapes10 import FIGURES, draw_shapes10, draw_shapes10_masks


@pytest.fixture(scope="module")
def drawn():
    return draw_shapes10_masks(n=500)


def test_masks_come_with_the_same_images(drawn):
    images, masks = drawn
    assert images.fingerprint() == draw_shapes10(n=500).fingerprint()
    assert masks.shape == (500, 32, 32) and masks.dtype == bool


def test_the_images_are_those_drawn_before_there_were_masks():
    assert draw_shapes10("train").fingerprint().startswith("3f0a3824f961048a")
    assert draw_shapes10("test").fingerprint().startswith("a5d725f5f0d2040c")


def test_masks_lie_on_the_figures(drawn):
    """Colors are more even inside a mask than inside the same mask beside the figure."""
    images, masks = drawn
    gray = images.images.mean(axis=1)

    def spread(which: np.ndarray) -> np.ndarray:
        return np.array([plane[mask].std() for plane, mask in zip(gray, which, strict=True)])

    assert np.mean(spread(masks) < gray.std(axis=(1, 2))) > 0.95
    for shift in ((0, 9), (9, 0), (0, -9)):
        assert np.mean(spread(masks) < spread(np.roll(masks, shift, axis=(1, 2)))) > 0.75


def test_a_bar_is_smaller_than_a_disc(drawn):
    images, masks = drawn
    area = {name: masks[images.labels == label].sum(axis=(1, 2)).mean() for label, name in enumerate(FIGURES)}
    assert max(area["bar"], area["cross"]) < area["disc"] < area["square"]


def test_boxes_hold_the_masks_and_nothing_to_spare(drawn):
    masks = drawn[1]
    for mask, (left, top, right, bottom) in zip(masks, boxes_of(masks), strict=True):
        inside = np.zeros_like(mask)
        inside[top:bottom, left:right] = True
        assert not (mask & ~inside).any()
        assert mask[top].any() and mask[bottom - 1].any()
        assert mask[:, left].any() and mask[:, right - 1].any()


def test_boxes_of_bad_masks():
    with pytest.raises(ValueError, match=r"masks\[1\] has no pixel"):
        boxes_of(np.stack([np.ones((4, 4), bool), np.zeros((4, 4), bool)]))
    with pytest.raises(ValueError, match=r"masks must be \(N, H, W\), got shape \(4, 4\)"):
        boxes_of(np.ones((4, 4), bool))


def test_scenes_have_masks_that_do_not_overlap():
    scene = draw_scene(5, side=80, seed=2)
    assert scene.image.shape == (3, 80, 80) and scene.image.dtype == np.uint8
    assert scene.masks.shape == (5, 80, 80) and scene.masks.sum(axis=0).max() == 1
    assert np.array_equal(scene.image, draw_scene(5, side=80, seed=2).image)
    assert not np.array_equal(scene.image, draw_scene(5, side=80, seed=3).image)
    with pytest.raises(ValueError, match="side must be at least 32, got 31"):
        draw_scene(side=31)


def test_many_scenes_are_like_one_and_repeatable():
    scenes = draw_scenes(40, most=3, seed=5)
    assert {len(scene.masks) for scene in scenes} == {1, 2, 3}
    assert len({name for scene in scenes for name in scene.labels.tolist()}) == 10
    for scene, again in zip(scenes, draw_scenes(40, most=3, seed=5), strict=True):
        assert scene.image.shape == (3, 64, 64) and scene.masks.sum(axis=0).max() <= 1
        assert len(scene.labels) == len(scene.masks)
        assert np.array_equal(scene.image, again.image)
        outside = ~scene.masks.any(axis=0)
        assert scene.image[:, outside].std(axis=1).max() < 10  # plain where there is no figure
    assert not np.array_equal(scenes[0].image, draw_scenes(1, most=3, seed=6)[0].image)
    with pytest.raises(ValueError, match="most must be at least 1, got 0"):
        draw_scenes(3, most=0)


def test_series_are_scaled_and_repeatable():
    machines = draw_machines("test", n=40)
    assert machines.values.shape == (40, 1, 256) and machines.values.dtype == np.float32
    assert np.abs(machines.values.mean(axis=-1)).max() < 1e-6
    assert np.allclose(machines.values.std(axis=-1), 1, atol=1e-5)
    assert np.bincount(machines.labels).tolist() == [10] * 4
    assert np.array_equal(machines.values, draw_machines("test", n=40).values)
    assert not np.array_equal(machines.values, draw_machines("train", n=40).values)
    with pytest.raises(ValueError, match=r"split is unknown: 'tset'\. Did you mean 'test'"):
        draw_machines("tset")


def test_no_histogram_tells_knocking_from_rattling():
    machines = draw_machines("train", n=2000)
    values = {state: machines.values[machines.labels == label] for label, state in enumerate(STATES)}
    fourth = {state: (each**4).mean() for state, each in values.items()}
    assert fourth["knocking"] > 1.2 * fourth["even"]
    assert fourth["knocking"] == pytest.approx(fourth["rattling"], rel=0.05)


def test_knocks_are_even_or_uneven_and_never_closer_than_a_short_window():
    rng = np.random.default_rng(0)
    for _ in range(200):
        even, uneven = (np.diff(_places(state, rng)) for state in ("knocking", "rattling"))
        assert np.ptp(even) < 1e-9 and 30 <= even[0] <= 42
        assert uneven.min() >= SHORTEST
        assert 5 <= len(uneven) <= 7
    assert np.ptp(uneven) > 3


def test_sentences_are_parallel_and_spelled_in_the_alphabet():
    sentences = read_sentences()
    assert {len(lines) for lines in sentences.values()} == {48}
    for lines in sentences.values():
        assert len(set(lines)) == 48
        assert set(decode(encode(" ".join(lines)))) <= set(ALPHABET)


def test_encode_drops_accents_and_keeps_words_apart():
    assert decode(encode("Große Sœur, ¿qué?\n l'été")) == "grosse soeur que l ete"
    assert encode("").shape == (0,)


def test_scraps():
    train, test = load_languages("train", length=16, step=4), load_languages("test", length=16, step=4)
    assert train.codes.shape[1] == 16 and train.codes.max() == 26
    assert train.classes == ("English", "French", "German", "Spanish")
    assert np.bincount(train.labels).min() > 400
    texts = {decode(scrap) for scrap in train.codes}
    assert np.mean([decode(scrap) in texts for scrap in test.codes]) < 0.01
    with pytest.raises(ValueError, match="length must be at most 400 characters, got 500"):
        load_languages(length=500)
    with pytest.raises(ValueError, match="step must be at least 1, got 0"):
        load_languages(step=0)
