"""What widgets are given to show and to count with: a wall, digits and a layer that reads them, networks."""

import json
from base64 import b64encode
from typing import Any

import numpy as np

WALL = (
    "brick",
    256,
    slice(48, 192),
)  # a photograph, its size, rows and columns: 120 to show, 12 more on each side
DIGIT_SIDE, DIGITS = 16, 20
PHOTO = "cat"
NETWORKS = {  # name, what readers call it, side of its images, and of the photograph that is drawn for it
    "three_conv": ("the three convolutions of this chapter", 32, 32),
    "lenet5": ("LeNet-5", 32, 32),
    "speednet": ("SpeedNet", 32, 32),
    "resnet20": ("ResNet-20", 32, 32),
    "vgg16": ("VGG-16", 224, 112),
    "resnet50": ("ResNet-50", 224, 112),
}
KINDS = {  # how an operation is called; others keep their names
    "conv": "convolution", "maxpool": "max pooling", "max_pool": "max pooling", "avgpool": "average pooling",
    "add": "sum of the branches", "getitem": "shortcut", "adaptiveavgpool": "average over the map",
    "amax": "maximum over the map", "flatten": "dense layer",
}  # fmt: skip


def script(**given: Any) -> str:
    """Return a classic script that hands data to the widgets."""
    made = json.dumps(given, separators=(",", ":"))
    return f"globalThis.cnncourse = Object.assign(globalThis.cnncourse || {{}}, {made});\n"


def _bytes(values: np.ndarray) -> str:
    return b64encode(values.round().astype(np.uint8).tobytes()).decode()


def wall() -> str:
    """Return a patch of a wall, gray, a byte a pixel."""
    from cnncourse.data import load_photo

    name, size, shown = WALL
    patch = 255 * load_photo(name, size=size, gray=True)[shown, shown]
    return script(wall={"shape": patch.shape, "bytes": _bytes(patch)})


def dense_layer() -> dict[str, Any]:
    """Return test digits, and weights and biases of a dense layer that reads them, by least squares."""
    from cnncourse import data, images

    train, test = (data.load("digits", split, size=DIGIT_SIDE) for split in ("train", "test"))
    pixels = np.asarray(train.images, dtype=float).reshape(len(train), -1) / 255  # (N, K)
    x = np.hstack([pixels, np.ones((len(pixels), 1))])
    right = np.eye(10)[train.labels]  # (N, 10)
    weights = np.linalg.solve(x.T @ x + 10 * np.eye(x.shape[1]), x.T @ right)  # (K + 1, 10)
    order = images.shuffle_pixels(np.arange(DIGIT_SIDE**2).reshape(DIGIT_SIDE, DIGIT_SIDE), seed=0)
    return {
        "side": DIGIT_SIDE,
        "images": np.asarray(test.images[:DIGITS]).reshape(DIGITS, -1).tolist(),
        "labels": np.asarray(test.labels[:DIGITS]).tolist(),
        "weights": weights[:-1].T.round(4).tolist(),
        "bias": weights[-1].round(4).tolist(),
        "order": order.ravel().tolist(),
    }


def digits() -> str:
    """Return digits and a dense layer as a script."""
    return script(dense=dense_layer())


def layers_of(name: str) -> list[dict[str, Any]]:
    """Return what changes the field along one axis, in order: kernels, branches, and what each reads.

    The first entry is the image. A kernel is what the package's own rules did to the field, so each operation
    that they follow has one: an index that keeps every second place is a kernel of one with stride 2.
    """
    import torch

    from cnncourse._trace import is_own, trace
    from cnncourse.models import create_model
    from cnncourse.receptive_field.recursion import fields_of

    side = NETWORKS[name][1]
    with torch.device("meta"):
        model = create_model(name)
    nodes = trace(model, (3, side, side), is_own)
    fields = fields_of(nodes, 3)
    if [tuple(field)[:3] for field in fields_of(nodes, 2)] != [tuple(field)[:3] for field in fields]:
        raise ValueError(f"{name}: rows and columns differ")
    layers: list[dict[str, Any]] = [{"name": "image", "kind": "image", "outputs": side}]
    place = [0]  # which layer stands for each node
    for i, node in list(enumerate(nodes))[1:]:
        field, outputs = fields[i], fields[i].outputs(node.shape)
        sources = list(dict.fromkeys(place[at] for at in node.inputs))
        before = fields[node.inputs[0]]
        if len(sources) == 1 and tuple(field)[:3] == tuple(before)[:3]:
            place.append(sources[0])
            continue
        operation = node.operation.lower()
        kind = next((word for start, word in KINDS.items() if operation.startswith(start)), node.operation)
        layer = {"name": node.name, "kind": kind, "from": sources, "outputs": outputs}
        if len(sources) == 1 and field.jump == 0:
            layer["all"] = True
        elif len(sources) == 1:
            layer |= kernel_between(node, before, field)
        place.append(len(layers))
        layers.append(layer)
    return layers


def kernel_between(node: Any, before: Any, after: Any) -> dict[str, int]:
    """Return kernel size, stride, padding and dilation that lead from one field to the next."""
    from cnncourse._trace import option

    dilation = option(node, "dilation", 5, 1) if "conv" in node.operation.lower() else 1
    dilation = dilation if isinstance(dilation, int) else dilation[-1]
    made = {
        "kernel": (after.size - before.size) // (before.jump * dilation) + 1,
        "stride": after.jump // before.jump,
        "padding": (before.start - after.start) // before.jump,
        "dilation": dilation,
    }
    if before.through(*made.values()) != after:
        raise ValueError(f"{node.name} is no kernel: {before} becomes {after}")
    return made


def layers() -> str:
    """Return networks as their layers' kernels, and the photograph that they see."""
    from cnncourse.data import load_photo

    photos = {
        side: _bytes(255 * load_photo(PHOTO, size=side).transpose(1, 2, 0))
        for side in sorted({drawn for *_, drawn in NETWORKS.values()})
    }
    shown = {
        name: {"title": title, "side": side, "photo": drawn, "layers": layers_of(name)}
        for name, (title, side, drawn) in NETWORKS.items()
    }
    return script(layers={"photos": photos, "networks": shown})
