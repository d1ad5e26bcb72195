"""Drawings of receptive fields: which cells are filled and joined, which frames stand where."""

import matplotlib as mpl

mpl.use("agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle

from cnncourse import plots
from cnncourse.plots import receptive_field as drawing
from cnncourse.receptive_field import Field


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


LAYERS = {"conv 3": [3, 1, 1], "conv 3 ": [3, 1, 1], "pool 2": [2, 2], "conv": [3, 1, 1]}


def test_the_filled_cells_are_the_recursions_field():
    levels = drawing._levels(24, LAYERS, 5)
    field = Field()
    for layer in LAYERS.values():
        field = field.through(*(*layer, *(1, 1, 0, 1)[len(layer) :]))
    assert (min(levels[0].seen), max(levels[0].seen) + 1) == field.window(5)
    assert len(levels[0].seen) == field.size
    assert levels[-1].seen == {5}
    first, end = field.window(5)
    assert levels[-1].places[5] == (first + end - 1) / 2  # below the middle of what it sees


def test_dilation_leaves_cells_out_and_padding_is_dashed():
    levels = drawing._levels(9, {"dilated": [3, 1, 0, 2]}, 1)
    assert levels[0].seen == {1, 3, 5}
    ax = plots.receptive_field.field_cone(9, {"conv": [3, 1, 1]}, 0)
    dotted = [patch for patch in ax.patches if patch.get_linestyle() == ":"]
    assert len(dotted) == 1 and dotted[0].get_x() < -1
    assert len(ax.lines) == 3


def test_a_cone_is_legible_and_names_its_rows():
    ax = plots.receptive_field.field_cone(24, LAYERS, 5)
    texts = [text.get_text() for text in ax.texts]
    assert texts[0::2] == ["pixels", *LAYERS] and texts[1] == "10 seen" and texts[-1] == "1"
    assert ax.figure.get_figwidth() <= 6.4
    assert all(10 <= text.get_fontsize() <= 12 for text in ax.texts)
    filled = {
        to_hex(p.get_facecolor()).upper() for p in ax.patches if isinstance(p, Rectangle) and p.get_fill()
    }
    assert {plots.INPUT, plots.KERNEL, plots.OUTPUT, "#FFFFFF"} == filled


def test_frames_stand_where_they_are_told():
    ax = plots.receptive_field.field_frames(
        np.zeros((3, 8, 8)), {"small": (1, 2, 3, 4), "large": (-2, -1, 12, 9)}, title="t"
    )
    boxes = [p for p in ax.patches if p.get_label() in ("small", "large")]
    assert [(p.get_y(), p.get_x(), p.get_height(), p.get_width()) for p in boxes] == [
        (1, 2, 3, 4),
        (-2, -1, 12, 9),
    ]
    assert ax.get_xlim()[0] < -1 and ax.get_ylim()[0] > 10
    assert len({(p.get_edgecolor(), str(p.get_linestyle())) for p in boxes}) == 2
    assert (
        plots.receptive_field.field_frames(np.zeros((8, 8)), {"a": (0, 0, 1, 1)}, legend=False).get_legend()
        is None
    )


def test_middles_stand_where_they_are_told():
    left, right = plots.receptive_field.field_centers(np.zeros((8, 8)), {"a": [1.5, 5.5], "b": [0, 2, 4]})
    assert left.collections[0].get_offsets().tolist() == [[1.5, 1.5], [5.5, 1.5], [1.5, 5.5], [5.5, 5.5]]
    assert len(right.collections[0].get_offsets()) == 9 and right.get_title() == "b"
    assert left.get_xlim() == (-0.5, 7.5)  # the middle of pixel 0 is at 0


def test_light_falls_as_the_root_of_a_share():
    image = np.full((3, 2, 2), 0.8)
    axes = plots.receptive_field.spotlights(image, {"share": [[4, 1], [0, 1]]})
    lit = axes[1].images[0].get_array()
    assert np.allclose(lit[..., 0], 0.8 * np.array([[1, 0.5], [0, 0.5]])) and lit.shape == (2, 2, 3)
    again = plots.receptive_field.spotlights(np.full((2, 2), 204, np.uint8), {"share": [[4, 1], [0, 1]]})
    assert np.allclose(again[1].images[0].get_array(), lit[..., 0])


@pytest.mark.parametrize(
    ("share", "message"),
    [
        (np.ones((2, 3)), r"shares\['a'\] has shape \(2, 3\), but the image \(2, 2\)"),
        (-np.eye(2), r"shares\['a'\] must not be negative, and not be zero everywhere"),
        (np.zeros((2, 2)), r"shares\['a'\] must not be negative, and not be zero everywhere"),
    ],
)
def test_what_cannot_light_is_named(share, message):
    with pytest.raises(ValueError, match=message):
        plots.receptive_field.spotlights(np.ones((2, 2)), {"a": share})


def test_messages():
    with pytest.raises(ValueError, match="index must be from 0 to 5, the cells of the last layer, got 6"):
        plots.receptive_field.field_cone(8, {"conv": [3]}, 6)
    with pytest.raises(ValueError, match="window of 'conv 9' has 9 cells, its input 4"):
        plots.receptive_field.field_cone(4, {"conv 9": [9]}, index=0)
    with pytest.raises(ValueError, match="frames holds 1 to 7 fields, got 0"):
        plots.receptive_field.field_frames(np.zeros((8, 8)), {})
