"""Figures of the book: arrays in, axes out, one visual language.

Every function takes arrays (NumPy, torch or nested lists), draws in the book's style without
changing Matplotlib's settings, and returns the axes that it drew on. Where one Axes is drawn,
``ax=`` takes one of yours. Colors keep their meaning all through the book: `INPUT` is blue,
`KERNEL` orange, `OUTPUT` green; nothing is said by color alone.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cnncourse.plots._charts import curves as curves
    from cnncourse.plots._charts import lines as lines
    from cnncourse.plots._charts import scatter as scatter
    from cnncourse.plots._counts import bars as bars
    from cnncourse.plots._counts import histogram as histogram
    from cnncourse.plots._grids import kernels as kernels
    from cnncourse.plots._grids import matrix as matrix
    from cnncourse.plots._grids import pixel_grid as pixel_grid
    from cnncourse.plots._pictures import channels as channels
    from cnncourse.plots._pictures import feature_maps as feature_maps
    from cnncourse.plots._pictures import images as images
    from cnncourse.plots._style import INPUT as INPUT
    from cnncourse.plots._style import KERNEL as KERNEL
    from cnncourse.plots._style import OUTPUT as OUTPUT
    from cnncourse.plots._style import PALETTE as PALETTE
    from cnncourse.plots._style import figure as figure
    from cnncourse.plots._style import style as style
    from cnncourse.plots.activations import *  # noqa: F403
    from cnncourse.plots.beyond import *  # noqa: F403
    from cnncourse.plots.convolution import *  # noqa: F403
    from cnncourse.plots.diagrams import *  # noqa: F403
    from cnncourse.plots.learning import *  # noqa: F403
    from cnncourse.plots.lenet import *  # noqa: F403
    from cnncourse.plots.pixels import *  # noqa: F403
    from cnncourse.plots.pooling import *  # noqa: F403
    from cnncourse.plots.receptive_field import *  # noqa: F403
    from cnncourse.plots.resnet import *  # noqa: F403
    from cnncourse.plots.tasks import *  # noqa: F403

# Where each name is found; what one chapter alone draws stands in a submodule of its own.
_EXPORTS = {
    "INPUT": "_style",
    "KERNEL": "_style",
    "OUTPUT": "_style",
    "PALETTE": "_style",
    "figure": "_style",
    "style": "_style",
    "pixel_grid": "_grids",
    "images": "_pictures",
    "channels": "_pictures",
    "kernels": "_grids",
    "feature_maps": "_pictures",
    "matrix": "_grids",
    "lines": "_charts",
    "bars": "_counts",
    "histogram": "_counts",
    "scatter": "_charts",
    "curves": "_charts",
    "activation_curves": "activations",
    "error_curves": "activations",
    "layer_histograms": "activations",
    "architecture": "diagrams",
    "block_diagram": "diagrams",
    "block_matrix": "convolution",
    "conv_blocks": "convolution",
    "conv_step": "convolution",
    "grids": "convolution",
    "padding_frames": "convolution",
    "signals": "convolution",
    "stops": "convolution",
    "field_cone": "receptive_field",
    "field_frames": "receptive_field",
    "number_grids": "pooling",
    "pool_windows": "pooling",
    "sampled_signals": "pooling",
    "window_rows": "pooling",
    "answer_tables": "learning",
    "backward_pass": "learning",
    "channel_boxes": "learning",
    "curve_panels": "learning",
    "seed_dots": "learning",
    "valley_paths": "learning",
    "connection_table": "lenet",
    "layer_maps": "lenet",
    "gamma": "pixels",
    "gray_swatches": "pixels",
    "memory": "pixels",
    "neighbor_pairs": "pixels",
    "sampling": "pixels",
    "zoom": "pixels",
    "block_diagrams": "resnet",
    "layer_norms": "resnet",
    "loss_slices": "resnet",
    "answers": "tasks",
    "families": "beyond",
    "patches": "beyond",
    "retrieved": "tasks",
    "scene": "tasks",
    "u_shape": "beyond",
}


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_EXPORTS[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_EXPORTS})
