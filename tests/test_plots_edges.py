"""What every drawing does with nothing to draw: an error that names the argument, and no empty figure."""

import matplotlib as mpl

mpl.use("agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from torch import nn

from cnncourse import plots


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


PICTURE = np.zeros((1, 8, 8))
EMPTY = {
    "lines": (lambda: plots.lines([1], {}), "series is empty: give at least one line"),
    "scatter": (lambda: plots.scatter({}), "points is empty"),
    "bars": (lambda: plots.bars({}), "values is empty: give at least one bar"),
    "bars of groups": (lambda: plots.bars({"a": {}}), r"values\['a'\] is empty: give at least one bar"),
    "bars with whiskers": (lambda: plots.bars({"a": 1}, errors={}), "errors is empty"),
    "signals": (lambda: plots.signals([0, 1], {}), "series is empty: give at least one signal"),
    "kernels": (lambda: plots.kernels({}), "weights is empty"),
    "kernels in a list": (lambda: plots.kernels([]), "weights is empty"),
    "feature_maps": (lambda: plots.feature_maps({}), "maps is empty"),
    "feature_maps in a list": (lambda: plots.feature_maps([]), "maps is empty"),
    "image_grid": (lambda: plots.image_grid({}), "image_grid draws 1 to 100 pictures, got 0"),
    "number_grids": (lambda: plots.number_grids({}), "planes is empty"),
    "window_rows": (lambda: plots.window_rows(3, {}), "layouts is empty"),
    "error_curves": (lambda: plots.error_curves({}), "errors is empty"),
    "curves": (lambda: plots.curves({}), "metric 'validation_accuracy' is in none of the histories"),
    "activation_curves": (lambda: plots.activations.activation_curves([1], {}), "curves is empty"),
    "layer_histograms": (lambda: plots.activations.layer_histograms({}), "values is empty"),
    "layers of layer_histograms": (
        lambda: plots.activations.layer_histograms({"a": {}}),
        r"values\['a'\] is empty: give at least one layer",
    ),
    "families": (lambda: plots.modern.families({}), "members must hold 1 to 7 families, got 0"),
    "u_shape": (lambda: plots.other_tasks.u_shape(nn.Identity(), (1, 2, 2), [], "", []), "down is empty"),
    "padding_frames": (lambda: plots.convolution.padding_frames(np.eye(4), 1, ()), "modes is empty"),
    "gray_swatches": (lambda: plots.images.gray_swatches({}), "colors is empty"),
    "memory": (lambda: plots.images.memory({}), "layouts is empty"),
    "sampling": (lambda: plots.images.sampling({}, 2), "rows is empty"),
    "neighbor_pairs": (lambda: plots.images.neighbor_pairs(np.eye(4), []), "distances is empty"),
    "answer_tables": (lambda: plots.learning.answer_tables([PICTURE], {}, ["a"]), "tables must be 1 to 3"),
    "pictures of answer_tables": (
        lambda: plots.learning.answer_tables([], {"a": np.ones((1, 1))}, ["a"]),
        "images is empty",
    ),
    "classes of answer_tables": (
        lambda: plots.learning.answer_tables([PICTURE], {"a": np.ones((1, 1))}, []),
        "classes is empty",
    ),
    "backward_pass": (lambda: plots.learning.backward_pass([]), "steps is empty"),
    "valley_paths": (lambda: plots.learning.valley_paths((1, 1), {}), "paths is empty"),
    "channel_boxes": (lambda: plots.training.channel_boxes({}), "groups is empty"),
    "seed_dots": (lambda: plots.training.seed_dots({}), "groups is empty"),
    "curve_panels": (lambda: plots.curve_panels({}, [1]), "curves is empty"),
    "layer_maps": (lambda: plots.lenet.layer_maps({}), "layers is empty"),
    "field_cone": (lambda: plots.receptive_field.field_cone(8, {}, 0), "layers is empty"),
    "field_frames": (lambda: plots.receptive_field.field_frames(PICTURE, {}), "frames holds 1 to 7"),
    "field_centers": (lambda: plots.receptive_field.field_centers(PICTURE, {}), "grids is empty"),
    "spotlights": (lambda: plots.receptive_field.spotlights(PICTURE, {}), "shares is empty"),
    "block_diagrams": (lambda: plots.resnet.block_diagrams({}, (1, 2, 2)), "blocks is empty"),
    "error_panels": (lambda: plots.resnet.error_panels({}), "panels is empty"),
    "lines of error_panels": (lambda: plots.resnet.error_panels({"a": {}}), r"panels\['a'\] is empty"),
    "layer_norms": (lambda: plots.resnet.layer_norms({}), "panels is empty"),
    "networks of layer_norms": (lambda: plots.resnet.layer_norms({"a": {}}), r"panels\['a'\] is empty"),
    "loss_slices": (lambda: plots.resnet.loss_slices({}, [0, 1]), "surfaces is empty"),
    "confusion": (lambda: plots.cifar10.confusion([], []), "counts is empty"),
    "mistakes": (lambda: plots.cifar10.mistakes(np.zeros((0, 3, 8, 8)), [], [], "ab"), "images is empty"),
    "ladder": (lambda: plots.cifar10.ladder({}), "steps is empty: give at least one idea"),
    "reliability": (lambda: plots.reliability({}), "groups is empty: give at least one network"),
    "duplicates": (lambda: plots.duplicates(PICTURE[:0], PICTURE[:0]), "first is empty"),
    "sources": (lambda: plots.augmentation.sources([], (2, 2), 0), "points is empty"),
    "mixed": (lambda: plots.augmentation.mixed([], [], []), "batch is empty: give at least one picture"),
    "changes": (lambda: plots.augmentation.changes({}), "curves is empty: give at least one change"),
    "answers": (lambda: plots.other_tasks.answers(np.zeros((0, 3, 8, 8))), "batch is empty"),
    "class_rows": (lambda: plots.transfer_learning.class_rows(PICTURE[:0], [], ["a"]), "batch is empty"),
    "by_images": (lambda: plots.transfer_learning.by_images({}), "rows and live is empty"),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", EMPTY)
def test_nothing_to_draw_is_named(name):
    call, message = EMPTY[name]
    with pytest.raises(ValueError, match=message):
        call()
    assert plt.get_fignums() == [], "a refused call leaves no empty figure behind"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: plots.signals([0, 1], {"a": [1, 2, 3]}), r"series\['a'\] has 3 values, but time has 2"),
        (
            lambda: plots.bars({"a": 0.0}, log=True),
            "values must hold one above 0 to be drawn on a logarithmic",
        ),
        (
            lambda: plots.bars({"a": 1, "b": 2}, errors={"b": 0, "a": 0}),
            r"errors must name the bars of values, \['a', 'b'\], in their order, got \['b', 'a'\]",
        ),
        (lambda: plots.resnet.layer_norms({"a": {"x": [0, 0]}}), "a network without a value above 0"),
        (lambda: plots.modern.patches(PICTURE, 0), "size must be at least 1, got 0"),
    ],
)
def test_what_cannot_be_drawn_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
    assert plt.get_fignums() == []
