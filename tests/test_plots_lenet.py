"""Figures of the chapter on LeNet: maps in order, scales, names, crosses."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest

from cnncourse import plots
from cnncourse.models.lenet import C3_TABLE


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def test_every_map_is_drawn_once_from_top_to_bottom():
    rng = np.random.default_rng(0)
    layers = {"c1": rng.random((6, 28, 28)), "c3": rng.random((16, 10, 10))}
    ax = plots.lenet.layer_maps(layers)
    drawn = [image.get_array() for image in ax.images]
    assert all(np.array_equal(a, b) for a, b in zip(drawn, [*layers["c1"], *layers["c3"]], strict=True))
    tops = [image.get_extent()[3] for image in ax.images]
    assert tops[0] == tops[5] < tops[6] == tops[13] < tops[14]  # sixteen maps are two rows of eight
    assert ax.get_ylim()[0] > max(image.get_extent()[2] for image in ax.images) > ax.get_ylim()[1]
    bottoms = [image.get_extent()[2] for image in ax.images]
    assert all(bottom > top for bottom, top in zip(bottoms, tops, strict=True))  # upright: row 0 is on top
    assert bottoms[0] < tops[6]  # no layer covers another,
    assert bottoms[6] < tops[14]  # and no row of maps


def test_each_layer_has_one_scale_signed_where_it_must_be():
    positive, mixed = np.array([[[0.0, 1]], [[2, 4]]]), np.array([[[-1.0, 3]]])
    images = plots.lenet.layer_maps({"relu": positive, "logits": mixed}).images
    assert images[0].get_clim() == images[1].get_clim() == (0, 4)
    assert images[0].get_cmap().name == "gray"
    assert images[2].get_clim() == (-3, 3)
    assert images[2].get_cmap().name == "signed"


def test_numbers_of_a_dense_layer_are_cells_with_names():
    ax = plots.lenet.layer_maps(
        {"picture": np.eye(4)[None], "scores": np.arange(10)}, names=list("0123456789")
    )
    cells = ax.patches[1:]  # the first frames the picture
    assert len(cells) == 10
    brightness = [sum(cell.get_facecolor()[:3]) for cell in cells]
    assert brightness == sorted(brightness)
    assert [text.get_text() for text in ax.texts][2:] == list("0123456789")
    assert all(cell.get_x() + cell.get_width() <= ax.get_xlim()[1] for cell in cells)


def test_crosses_of_the_table():
    connected = np.array([[channel in row for channel in range(6)] for row in C3_TABLE])
    ax = plots.lenet.connection_table(connected, "S2", "C3")
    crosses = {(round(text.get_position()[0]), round(text.get_position()[1])) for text in ax.texts}
    assert crosses == {(out, channel) for out, row in enumerate(C3_TABLE) for channel in row}
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("C3", "S2")


def test_messages():
    with pytest.raises(ValueError, match="layers is empty"):
        plots.lenet.layer_maps({})
    with pytest.raises(
        ValueError, match=r"layers\['x'\] must have shape \(C, H, W\) or \(n,\), got \(2, 2\)"
    ):
        plots.lenet.layer_maps({"x": np.eye(2)})
    with pytest.raises(ValueError, match=r"names has 2 names, but the last layer has shape \(3,\)"):
        plots.lenet.layer_maps({"x": [1, 2, 3]}, names=["a", "b"])
    with pytest.raises(ValueError, match=r"connected must have shape \(C_out, C_in\), got \(3,\)"):
        plots.lenet.connection_table([True, False, True])
