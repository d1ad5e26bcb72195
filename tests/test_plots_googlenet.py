"""The figure of the chapter on GoogLeNet: an image, and maps of evidence as wide as the image."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest

from cnncourse import plots


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def test_maps_lie_below_the_image_place_for_place():
    image, maps = np.eye(24, 72), {"4": np.full((6, 18), 2.0), "0": np.full((6, 18), -3.0)}
    ax = plots.googlenet.evidence(image, maps)
    assert [text.get_text() for text in ax.texts] == ["image", "4", "0"]
    left, right, bottom, top = zip(*(drawn.get_extent() for drawn in ax.images), strict=True)
    assert len(set(left)) == len(set(right)) == 1  # equally wide: a place in the image is above its evidence
    assert top[0] < bottom[0] < top[1] < bottom[1] < top[2] < bottom[2]
    assert (right[0] - left[0]) / (bottom[0] - top[0]) == pytest.approx(3)
    assert right[0] <= ax.get_xlim()[1]
    assert bottom[2] <= ax.get_ylim()[0]
    assert np.array_equal(ax.images[2].get_array(), maps["0"])


def test_all_maps_have_one_scale_with_zero_in_its_middle():
    images = plots.googlenet.evidence(np.eye(4), {"a": [[2.0]], "b": [[-3.0]]}).images
    assert images[0].get_clim() == (0, 1)
    assert images[1].get_clim() == images[2].get_clim() == (-3, 3)
    assert images[1].get_cmap().name == "signed"


def test_messages():
    with pytest.raises(ValueError, match=r"maps .*at least one, as \{class: plane\}"):
        plots.googlenet.evidence(np.eye(4), {})
    with pytest.raises(ValueError, match=r"maps\['a'\] must be one plane \(H, W\), got shape \(2, 3, 3\)"):
        plots.googlenet.evidence(np.eye(4), {"a": np.zeros((2, 3, 3))})
