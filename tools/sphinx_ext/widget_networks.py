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


def network(name: str) -> str:
    """Return a known trained network as `cnncourse export web` writes it."""
    from cnncourse.models import load_trained
    from cnncourse.web import for_web

    return for_web(load_trained(name)).script(name)


def small_images() -> str:
    """Return photographs of 32x32 and, where CIFAR-10 is, a test image of each class."""
    from cnncourse.data import load_photo
    from cnncourse.models import load_trained
    from cnncourse.web.page import data_uri, own_images

    shown = [(name, _bytes(load_photo(name, size=32))) for name in PHOTOS]
    images, names = own_images(load_trained("resnet20"))
    shown += [(f"{name}, of CIFAR-10", _bytes(image)) for name, image in zip(names, images, strict=True)]
    return _samples("small", [{"name": name, "image": data_uri(pixels)} for name, pixels in shown])


def _bytes(pixels: Any) -> np.ndarray:
    """Return colors from 0 to 1 as whole numbers."""
    return (np.asarray(pixels) * 255).round().clip(0, 255).astype(np.uint8)


def _samples(name: str, images: list[dict[str, str]]) -> str:
    """Return a script that adds images to ``cnncourse.samples``."""
    key, value = json.dumps(name), json.dumps(images)
    return f"globalThis.cnncourse ??= {{}};\n(globalThis.cnncourse.samples ??= {{}})[{key}] = {value};\n"
