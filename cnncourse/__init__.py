"""Convolutional neural networks, taught by hand and tested against torch.

Names come in when they are first used, so that ``import cnncourse`` stays quick: it loads
neither NumPy nor torch nor matplotlib.

Examples
--------
>>> import cnncourse
>>> cnncourse.output_size(32, kernel_size=3, stride=2)
15
"""

import importlib
from typing import Any

__version__ = "0.1.0"

# Where each public name lives; the modules are the book's chapters.
_HOMES = {
    "Batches": "training",
    "ImageSet": "data",
    "Recipe": "training",
    "RunRecord": "experiments",
    "avg_pool2d": "pooling",
    "batch_norm": "normalization",
    "conv1d": "convolution",
    "conv2d": "convolution",
    "conv2d_backward": "convolution",
    "create_model": "models",
    "cross_entropy": "learning",
    "evaluate": "training",
    "fit": "training",
    "load": "data",
    "load_photo": "data",
    "load_records": "experiments",
    "load_trained": "models",
    "max_pool2d": "pooling",
    "output_size": "convolution",
    "predict_files": "predict",
    "read_image": "data",
    "relu": "activations",
    "softmax": "learning",
    "summary": "models",
    "train": "experiments",
}
_MODULES = (
    "activations",
    "assignments",
    "augmentation",
    "classify",
    "convolution",
    "data",
    "exercises",
    "experiments",
    "explain",
    "export",
    "images",
    "learning",
    "models",
    "normalization",
    "plots",
    "pooling",
    "predict",
    "receptive_field",
    "training",
    "transfer",
    "web",
)

__all__ = sorted([*_HOMES, *_MODULES, "__version__"])


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    if name in _HOMES:
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
