"""A folder with a network and the page that shows it: open its index.html, no server is needed."""

import base64
import io
import json
import re
from dataclasses import dataclass
from html import escape
from importlib import resources
from pathlib import Path
from string import Template

import numpy as np
import torch
from PIL import Image

from cnncourse._files import write_whole
from cnncourse.data import DataError, available, load, load_photo
from cnncourse.data.pictures import scale
from cnncourse.models import Trained, count_parameters
from cnncourse.models.resolution import scale_to
from cnncourse.web.network import for_web

ENGINE = ("engine/simd.js", "engine/engine.js")
EXPLORER = tuple(
    f"explorer/{name}.js" for name in ("arithmetic", "evidence", "maps", "pictures", "reading", "explore")
)
STYLES = ("explorer/page.css", "explorer/explorer.css")
PHOTOS = ("cat", "coffee", "rocket", "astronaut", "clock")
MOST_SAMPLES = 10


@dataclass(frozen=True)
class Written:
    """What was written.

    Parameters
    ----------
    page : Path
        The page.
    script : Path
        The network: one classic script that adds it to ``cnncourse.networks``.
    size : int
        The script's bytes.
    steps : int
        Operations of the network, the image counted.
    """

    page: Path
    script: Path
    size: int
    steps: int


def to_web(trained: Trained, folder: str | Path, name: str | None = None, precision: str = "int8") -> Written:
    """Write a trained network into a folder, with a page that shows each of its maps for an image.

    The page needs no server and no network connection: it runs the network where it is opened.

    Parameters
    ----------
    trained : Trained
        The network.
    folder : str or Path
        Made if it is missing; files of an earlier call are replaced, others stay.
    name : str, optional
        What the page and the script are called; by default the architecture.
    precision : {"int8", "mixed", "float32"}
        How weights are stored: 8 bits and a scale for each filter, a quarter of the size, or 32.

    Returns
    -------
    Written

    Raises
    ------
    ValueError
        If the engine has no operation for a layer, named in the message, or images have neither one nor three
        channels.
    RuntimeError
        If the translated network gives other numbers.
    OSError
        If the folder cannot be written.
    """
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"{str(folder)!r} is a file; name a folder")
    network = for_web(trained, precision)
    if trained.channels not in (1, 3):
        raise ValueError(
            f"images in a page have 1 or 3 channels, {trained.architecture} takes {trained.channels}"
        )
    name = name or trained.architecture
    script = f"network-{re.sub(r'[^A-Za-z0-9_-]', '_', name)}.js"
    source = resources.files("cnncourse.web")
    own = (*ENGINE, *EXPLORER, "explorer/page.js", *STYLES)
    files = {Path(each).name: (source / each).read_text(encoding="utf-8") for each in own}
    files[script] = network.script(name)
    files["samples.js"] = f"globalThis.cnncourse.samples = {json.dumps(_samples(trained))};\n"
    scripts = [*(Path(each).name for each in (*ENGINE, *EXPLORER)), script, "samples.js", "page.js"]
    page = Template((source / "explorer/explorer.html").read_text(encoding="utf-8"))
    files["index.html"] = page.substitute(
        title=escape(name), name=escape(name), about=escape(_about(trained)),
        scripts="\n".join(f'<script defer src="{each}"></script>' for each in scripts),
    )  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    for file, text in files.items():
        write_whole(folder / file, text.encode())
    return Written(folder / "index.html", folder / script, len(files[script]), len(network.steps))


def _about(trained: Trained) -> str:
    """Return a line on the network."""
    height, width = trained.resolution or trained.size
    kind = "gray" if trained.channels == 1 else "color"
    data = trained.record.get("dataset", {}).get("name")
    learned = f", trained on {data}" if data else ""
    return (
        f"{trained.architecture}{learned}: {count_parameters(trained.model):,} parameters, "
        f"{len(trained.classes):,} classes, {kind} images of {height} × {width} pixels."
    )


def _samples(trained: Trained) -> list[dict[str, str]]:
    """Return images to begin with: one a class of its own data set where that is here, else photographs."""
    images, names = own_images(trained)
    if not images:
        height, width = trained.size
        size = height if height == width else (height, width)
        pictures = [load_photo(name, size, gray=trained.channels == 1) for name in PHOTOS]
        images = [picture.reshape(trained.channels, height, width) for picture in pictures]
        names = list(PHOTOS)
    resolution = trained.resolution or trained.size
    scaled = scale_to(torch.from_numpy(np.stack(images)).float(), resolution)  # (N, C, H, W)
    pixels = (scaled.clamp(0, 1) * 255).round().byte().numpy()
    return [{"name": name, "image": data_uri(each)} for name, each in zip(names, pixels, strict=True)]


def own_images(trained: Trained) -> tuple[list[np.ndarray], list[str]]:
    """Return a test image of each of the first classes, 0 to 1, and their names; or none."""
    here = {status.name for status in available() if status.state != "absent"}
    data = trained.record.get("dataset", {}).get("name")
    if data not in here:
        return [], []
    try:
        images = load(data, "test")
    except (DataError, OSError):
        return [], []
    if images.classes != trained.classes or images.shape[0] != trained.channels:
        return [], []
    first = [int(np.flatnonzero(images.labels == label)[0]) for label in range(len(images.classes))]
    chosen = first[:MOST_SAMPLES]
    pictures = [scale(images.images[i], trained.size) for i in chosen]
    return pictures, [images.classes[int(images.labels[i])] for i in chosen]


def data_uri(pixels: np.ndarray, kind: str | None = None) -> str:
    """Return an image (C, H, W) as a page takes it inside itself: a PNG, or a JPEG where it is large."""
    image = Image.fromarray(
        pixels[0] if len(pixels) == 1 else np.ascontiguousarray(pixels.transpose(1, 2, 0))
    )
    kind = kind or ("PNG" if pixels[0].size <= 64 * 64 else "JPEG")
    content = io.BytesIO()
    image.save(content, kind, **({"quality": 96} if kind == "JPEG" else {}))
    return f"data:image/{kind.lower()};base64,{base64.b64encode(content.getvalue()).decode()}"
