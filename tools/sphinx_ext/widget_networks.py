"""The scripts of widgets that hold trained networks and the images to try them on."""

import json
from typing import Any

import numpy as np

PHOTOS = (
    "cat",
    "rocket",
    "coffee",
    "astronaut",
)  # of a CIFAR-10 network: one that it has a word for, three not


LARGE_PHOTOS = {  # a JPEG of the clock is no bubble, and of the rocket no missile
    "cat": "JPEG", "coffee": "JPEG", "camera": "PNG", "clock": "PNG", "rocket": "PNG",
}  # fmt: skip


def network(name: str, precision: str = "int8") -> str:
    """Return a known trained network as `cnncourse export web` writes it."""
    from cnncourse.models import load_trained
    from cnncourse.web import for_web

    return for_web(load_trained(name), precision).script(name)


def small_images() -> str:
    """Return photographs of 32x32 and, where CIFAR-10 is, a test image of each class."""
    from cnncourse.data import load_photo
    from cnncourse.models import load_trained
    from cnncourse.web.page import data_uri, own_images

    shown = [(name, _bytes(load_photo(name, size=32))) for name in PHOTOS]
    images, names = own_images(load_trained("resnet20"))
    shown += [(f"{name}, of CIFAR-10", _bytes(image)) for name, image in zip(names, images, strict=True)]
    return _samples("small", [{"name": name, "image": data_uri(pixels)} for name, pixels in shown])


def large_images() -> str:
    """Return photographs as EfficientNet-Lite0 takes them."""
    from cnncourse.data import load_photo
    from cnncourse.web.page import data_uri

    shown = []
    for name, kind in LARGE_PHOTOS.items():
        pixels = _bytes(load_photo(name, size=224))
        gray = bool((pixels == pixels[:1]).all())
        shown.append({"name": name, "image": data_uri(pixels[:1] if gray else pixels, kind)})
    return _samples("large", shown)


def _bytes(pixels: Any) -> np.ndarray:
    """Return colors from 0 to 1 as whole numbers."""
    return (np.asarray(pixels) * 255).round().clip(0, 255).astype(np.uint8)


def _samples(name: str, images: list[dict[str, str]]) -> str:
    """Return a script that adds images to ``cnncourse.samples``."""
    key, value = json.dumps(name), json.dumps(images)
    return f"globalThis.cnncourse ??= {{}};\n(globalThis.cnncourse.samples ??= {{}})[{key}] = {value};\n"
