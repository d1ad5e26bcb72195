"""Rows of classes, and accuracy against images: axes, artists, messages."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from cnncourse import plots


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def test_class_rows_puts_each_picture_in_the_row_of_its_class():
    batch = np.arange(1, 5, dtype=np.uint8).repeat(3 * 4 * 4).reshape(4, 3, 4, 4)
    ax = plots.transfer_learning.class_rows(batch, [2, 0, 2, 1], ["a", "b", "c"])
    sheet = np.asarray(ax.images[0].get_array()) * 255
    assert sheet.shape == (3 * 6 - 2, 2 * 6 - 2, 3)
    corners = sheet[::6, ::6, 0].round().astype(int)
    assert corners.tolist() == [[2, 255], [4, 255], [1, 3]]
    assert [text.get_text() for text in ax.get_yticklabels()] == ["a", "b", "c"]
    assert ax.get_yticks().tolist() == [1.5, 7.5, 13.5]


def test_class_rows_draws_gray_pictures_and_classes_without_one():
    ax = plots.transfer_learning.class_rows(np.full((1, 1, 4, 4), 0.5), [1], ["none", "one"])
    sheet = np.asarray(ax.images[0].get_array())
    assert (sheet[:4] == 1).all() and (sheet[6:] == 0.5).all()


def test_class_rows_messages():
    with pytest.raises(ValueError, match="batch"):
        plots.transfer_learning.class_rows(np.zeros((0, 3, 4, 4)), [], ["a"])
    with pytest.raises(ValueError, match="labels"):
        plots.transfer_learning.class_rows(np.zeros((2, 3, 4, 4)), [0], ["a"])


def test_by_images_draws_means_bands_and_points():
    rows = {"features": {10: [0.6, 0.8], 500: [0.9, 0.92]}, "scratch": {50: 0.3}}
    ax = plots.transfer_learning.by_images(rows, {"live": (10, 0.5)})
    features, scratch = ax.lines
    np.testing.assert_allclose(features.get_xydata(), [[10, 0.7], [500, 0.91]])
    np.testing.assert_allclose(scratch.get_xydata(), [[50, 0.3]])
    assert ax.get_xscale() == "log" and ax.get_xticks().tolist() == [10, 50, 500]
    edges = ax.collections[0].get_paths()[0].vertices[:, 1]
    assert edges.min() == pytest.approx(0.6) and edges.max() == pytest.approx(0.92)
    assert ax.collections[-1].get_offsets().tolist() == [[10, 0.5]]
    assert {text.get_text() for text in ax.texts} == {"features", "scratch", "live"}
    assert ax.yaxis.get_major_formatter()(0.5) == "50%"


def test_by_images_writes_the_name_of_a_shorter_line_above_its_end():
    ax = plots.transfer_learning.by_images({"long": {10: 0.6, 500: 0.9}, "short": {10: 0.7, 50: [0.7, 0.9]}})
    places = {text.get_text(): text for text in ax.texts}
    assert places["short"].xy == (50, 0.9) and places["short"].get_ha() == "center"
    assert places["long"].get_ha() == "left"


def test_by_images_without_lines_draws_the_points():
    ax = plots.transfer_learning.by_images({}, {"live": (10, 0.5), "pixels": (10, 0.2)})
    assert not ax.lines and len(ax.collections) == 2 and ax.get_xlim()[1] > 15
    assert {text.get_ha() for text in ax.texts} == {"left"}


def test_by_images_writes_the_name_of_the_last_point_to_its_left():
    ax = plots.transfer_learning.by_images({}, {"few": (10, 0.5), "all": (5000, 0.9)})
    assert [text.get_ha() for text in ax.texts] == ["left", "right"]
    assert ax.get_ylim() == (0, 1)


def test_by_images_needs_something():
    with pytest.raises(ValueError, match="rows and live"):
        plots.transfer_learning.by_images({})
