"""Figures of the book: arrays in, axes out, one visual language.

Every function takes arrays (NumPy, torch or nested lists), draws in the book's style without
changing Matplotlib's settings, and returns the axes that it drew on. Where one Axes is drawn,
``ax=`` takes one of yours. Colors keep their meaning all through the book: `INPUT` is blue,
`KERNEL` orange, `OUTPUT` green; nothing is said by color alone.

What several chapters draw is here, `plots.lines`; what one chapter alone draws is in a module of its
name, `plots.pooling.pool_windows`.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cnncourse.plots import activations as activations
    from cnncourse.plots import augmentation as augmentation
    from cnncourse.plots import cifar10 as cifar10
    from cnncourse.plots import convolution as convolution
    from cnncourse.plots import fast_convolution as fast_convolution
    from cnncourse.plots import googlenet as googlenet
    from cnncourse.plots import images as images
    from cnncourse.plots import learning as learning
    from cnncourse.plots import lenet as lenet
    from cnncourse.plots import modern as modern
    from cnncourse.plots import other_tasks as other_tasks
    from cnncourse.plots import pooling as pooling
    from cnncourse.plots import receptive_field as receptive_field
    from cnncourse.plots import resnet as resnet
    from cnncourse.plots import training as training
    from cnncourse.plots import transfer_learning as transfer_learning
    from cnncourse.plots._alike import duplicates as duplicates
    from cnncourse.plots._alike import retrieved as retrieved
    from cnncourse.plots._budgets import budgets as budgets
    from cnncourse.plots._charts import curves as curves
    from cnncourse.plots._charts import lines as lines
    from cnncourse.plots._charts import scatter as scatter
    from cnncourse.plots._counts import bars as bars
    from cnncourse.plots._counts import histogram as histogram
    from cnncourse.plots._curve_panels import curve_panels as curve_panels
    from cnncourse.plots._diagrams import architecture as architecture
    from cnncourse.plots._diagrams import block_diagram as block_diagram
    from cnncourse.plots._error_curves import error_curves as error_curves
    from cnncourse.plots._grids import kernels as kernels
    from cnncourse.plots._grids import matrix as matrix
    from cnncourse.plots._grids import pixel_grid as pixel_grid
    from cnncourse.plots._network_strip import network_strip as network_strip
    from cnncourse.plots._number_grids import number_grids as number_grids
    from cnncourse.plots._number_grids import window_rows as window_rows
    from cnncourse.plots._overlay import overlay as overlay
    from cnncourse.plots._pictures import channels as channels
    from cnncourse.plots._pictures import feature_maps as feature_maps
    from cnncourse.plots._pictures import image_grid as image_grid
    from cnncourse.plots._reliability import reliability as reliability
    from cnncourse.plots._signals import signals as signals
    from cnncourse.plots._style import INPUT as INPUT
    from cnncourse.plots._style import KERNEL as KERNEL
    from cnncourse.plots._style import OUTPUT as OUTPUT
    from cnncourse.plots._style import PALETTE as PALETTE
    from cnncourse.plots._style import figure as figure
    from cnncourse.plots._style import style as style

# Where each name is found that more than one chapter uses.
_EXPORTS = {
    "INPUT": "_style",
    "KERNEL": "_style",
    "OUTPUT": "_style",
    "PALETTE": "_style",
    "figure": "_style",
    "style": "_style",
    "pixel_grid": "_grids",
    "kernels": "_grids",
    "matrix": "_grids",
    "network_strip": "_network_strip",
    "number_grids": "_number_grids",
    "window_rows": "_number_grids",
    "overlay": "_overlay",
    "image_grid": "_pictures",
    "channels": "_pictures",
    "feature_maps": "_pictures",
    "lines": "_charts",
    "scatter": "_charts",
    "curves": "_charts",
    "error_curves": "_error_curves",
    "reliability": "_reliability",
    "retrieved": "_alike",
    "duplicates": "_alike",
    "budgets": "_budgets",
    "bars": "_counts",
    "histogram": "_counts",
    "curve_panels": "_curve_panels",
    "signals": "_signals",
    "architecture": "_diagrams",
    "block_diagram": "_diagrams",
}
_CHAPTERS = (
    "activations",
    "augmentation",
    "cifar10",
    "convolution",
    "fast_convolution",
    "googlenet",
    "images",
    "learning",
    "lenet",
    "modern",
    "other_tasks",
    "pooling",
    "receptive_field",
    "resnet",
    "training",
    "transfer_learning",
)


def __getattr__(name: str) -> Any:
    if name in _CHAPTERS:
        return importlib.import_module(f"{__name__}.{name}")
    if name not in _EXPORTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_EXPORTS[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_EXPORTS, *_CHAPTERS})
