"""Boxes and outlines, scenes, what was retrieved, the U: axes, artists, messages."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.colors import to_hex

from cnncourse import plots
from cnncourse.models import UNet


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def test_answers_draws_boxes_at_pixel_edges():
    pictures = np.zeros((2, 3, 8, 8), np.uint8)
    axes = plots.other_tasks.answers(
        pictures, {"true": [[1, 2, 5, 6]] * 2, "predicted": [[0, 0, 4, 4]] * 2}, titles=["a", "b"]
    )
    boxes = axes[0].patches
    assert [box.get_bbox().bounds for box in boxes[1::2]] == [(0.5, 1.5, 4, 4), (-0.5, -0.5, 4, 4)]
    assert boxes[1].get_linestyle() != boxes[3].get_linestyle()
    assert [text.get_text() for text in axes[0].figure.legends[0].get_texts()] == ["true", "predicted"]
    assert axes[1].get_title() == "b"


def test_answers_draws_outlines_and_no_key_for_one_kind():
    mask = np.zeros((1, 8, 8), bool)
    mask[0, 2:5, 2:5] = True
    ax = plots.other_tasks.answers(np.zeros((1, 3, 8, 8)), masks={"outline": mask})
    assert len(ax.collections) == 2 and not ax.figure.legends
    corners = np.concatenate([path.vertices for path in ax.collections[1].get_paths()])
    assert corners.min() == pytest.approx(1.5) and corners.max() == pytest.approx(4.5)


def test_answers_messages():
    pictures = np.zeros((2, 3, 8, 8))
    with pytest.raises(ValueError, match=r"boxes\['true'\] has 1 answers for 2 pictures"):
        plots.other_tasks.answers(pictures, {"true": [[0, 0, 1, 1]]})
    with pytest.raises(ValueError, match="masks holds at most two kinds, got 3"):
        plots.other_tasks.answers(pictures, masks=dict.fromkeys("abc", np.ones((2, 8, 8), bool)))


def test_detections_draws_any_number_of_boxes():
    boxes = [np.array([[1, 2, 5, 6], [0, 0, 4, 4]]), np.zeros((0, 4))]
    axes = plots.other_tasks.detections(
        np.zeros((2, 3, 8, 8), np.uint8), boxes, [["disc", "bar"], None], titles=["some", "none"]
    )
    frames = [frame.get_bbox().bounds for frame in axes[0].patches[1::2]]
    assert frames == [(0.5, 1.5, 4, 4), (-0.5, -0.5, 4, 4)]
    assert not axes[1].patches and not axes[1].texts
    assert [text.get_text() for text in axes[0].texts] == ["disc", "bar"]
    assert axes[1].get_title() == "none"


def test_detections_messages():
    pictures = np.zeros((2, 3, 8, 8))
    with pytest.raises(ValueError, match="got 2 pictures, 1 lists of boxes, 2 of words"):
        plots.other_tasks.detections(pictures, [[]])
    with pytest.raises(ValueError, match="got 1 boxes and 0 words"):
        plots.other_tasks.detections(pictures, [[[0, 0, 1, 1]], []], [[], None])


def test_scene_colors_instances_apart_and_classes_alike():
    masks = np.zeros((3, 8, 8), bool)
    masks[0, :3, :3] = masks[1, :3, 4:] = masks[2, 5:] = True
    axes = plots.other_tasks.scene(np.zeros((3, 8, 8)), masks, [1, 1, 0], ["bar", "disc"])
    words = [[text.get_text() for text in ax.texts] for ax in axes]
    assert words == [[], ["disc", "disc", "bar"], ["disc", "bar"], ["disc 1", "disc 2", "bar 3"]]
    painted = [image.get_array()[..., 3] for image in axes[2].images[1:]]
    assert np.array_equal(painted[0] > 0, masks[0] | masks[1])
    colors = {
        to_hex(image.get_array()[mask][0]) for image, mask in zip(axes[3].images[1:], masks, strict=True)
    }
    assert len(colors) == 3


def test_scene_passes_over_what_is_hidden():
    masks = np.zeros((2, 8, 8), bool)
    masks[0, :3, :3] = True
    axes = plots.other_tasks.scene(np.zeros((3, 8, 8)), masks, [0, 0], ["disc"])
    assert [text.get_text() for text in axes[3].texts] == ["disc 1"]
    with pytest.raises(ValueError, match="at most 7 masks, one label each: got 2, 1"):
        plots.other_tasks.scene(np.zeros((3, 8, 8)), masks, [0], ["disc"])


def test_retrieved_crosses_out_what_is_wrong():
    right = np.array([[True, False], [False, True]])
    axes = plots.retrieved(np.zeros((2, 3, 8, 8)), np.zeros((2, 2, 3, 8, 8)), right, titles=["a", "b"])
    assert axes.shape == (2, 3)
    assert [[bool(ax.lines) for ax in row[1:]] for row in axes] == (~right).tolist()
    assert axes[1, 0].get_ylabel() == "b"
    with pytest.raises(ValueError, match="shapes do not fit"):
        plots.retrieved(np.zeros((2, 3, 8, 8)), np.zeros((2, 2, 3, 8, 8)), right[:1])


def test_u_shape_shows_the_shapes_that_are_measured():
    model = UNet(num_classes=2, width=4).train()
    ax = plots.other_tasks.u_shape(model, (3, 16, 16), ["down1", "down2"], "bottom", ["up2", "up1"])
    words = [text.get_text() for text in ax.texts]
    assert words[:5] == ["4 × 16 × 16", "8 × 8 × 8", "16 × 4 × 4", "8 × 8 × 8", "4 × 16 × 16"]
    assert words[-2:] == ["in: 3 × 16 × 16", "out: 2 × 16 × 16"]
    assert model.training and not any(part._forward_hooks for part in model.modules())
    assert torch.equal(model.down1[1].running_mean, torch.zeros(4))
    with pytest.raises(ValueError, match="multiple of 4"):
        plots.other_tasks.u_shape(model, (3, 15, 16), ["down1", "down2"], "bottom", ["up2", "up1"])
    assert model.training and not any(part._forward_hooks for part in model.modules())
    with pytest.raises(ValueError, match="ways down and up have as many parts, got 1 and 2"):
        plots.other_tasks.u_shape(model, (3, 16, 16), ["down1"], "bottom", ["up2", "up1"])
    with pytest.raises(ValueError, match=r"name of a part is unknown: 'botom'\. Did you mean 'bottom'"):
        plots.other_tasks.u_shape(model, (3, 16, 16), ["down1", "down2"], "botom", ["up2", "up1"])
