"""ResNet-50 with torchvision's weights, from the network or from a file."""

import pickle
from pathlib import Path
from typing import Any
from urllib.error import URLError

import torch

from cnncourse._progress import wants_progress
from cnncourse.models import Trained, create_model

URL = "https://download.pytorch.org/models/resnet50-11ad3fa6.pth"
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet, as torchvision gives them


def load_resnet50(path: str | Path | None = None, progress: bool | None = None) -> Trained:
    """Return ResNet-50 as torchvision trained it on ImageNet: 25,557,032 parameters, 1,000 classes.

    Parameters
    ----------
    path : str or Path, optional
        A file of its weights, as ``torch.save(model.state_dict(), path)`` writes it. By default torchvision's
        ``IMAGENET1K_V2``: 98 MB, downloaded once into torch's own cache and checked by its hash.
    progress : bool, optional
        Whether to show a bar; by default, where it would be seen.

    Returns
    -------
    Trained
        On the CPU, in evaluation mode, for images of 224x224.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    OSError
        If the weights cannot be downloaded; the message says what to do.
    ValueError
        If the file is damaged, or holds something else.

    Examples
    --------
    >>> load_resnet50("resnet50.pth")
    Traceback (most recent call last):
    ...
    FileNotFoundError: there is no file of weights 'resnet50.pth'
    """
    weights = _download(progress) if path is None else _read(Path(path))
    classes = _imagenet_classes()
    model = create_model("resnet50", len(classes), seed=0).eval()
    try:
        model.load_state_dict(weights)
    except (RuntimeError, TypeError, AttributeError) as error:
        where = URL if path is None else str(path)
        told = (str(error).splitlines() or [""])[-1].strip()
        raise ValueError(f"{where!r} does not hold the weights of a ResNet-50: {told}") from None
    return Trained(
        model, "resnet50", classes, channels=3, size=(224, 224), mean=MEAN, std=STD, license="BSD-3-Clause",
        record={"source": {"url": URL} if path is None else {"file": Path(path).name}},
    )  # fmt: skip


def _download(progress: bool | None) -> Any:
    """Return the weights, from torch's cache if they are there."""
    shown = wants_progress() if progress is None else progress
    way = (
        f"connect this machine, or bring {URL} here by other means and give its path: "
        "load_resnet50(path). EfficientNet-Lite0 needs no download"
    )
    try:
        return torch.hub.load_state_dict_from_url(
            URL, map_location="cpu", progress=shown, check_hash=True, weights_only=True
        )
    except URLError as error:
        raise OSError(
            f"the weights of ResNet-50 (98 MB) could not be downloaded ({error.reason}); {way}"
        ) from None
    except OSError as error:
        reason = error.strerror or str(error) or type(error).__name__
        raise OSError(f"the weights of ResNet-50 (98 MB) could not be downloaded ({reason}); {way}") from None
    except (RuntimeError, pickle.UnpicklingError, EOFError) as error:
        kept = Path(torch.hub.get_dir()) / "checkpoints" / Path(URL).name
        raise OSError(
            f"the weights of ResNet-50 came damaged ({str(error).splitlines()[0]}); delete {str(kept)!r} if "
            f"it is there, and try again; or {way}"
        ) from None


def _read(path: Path) -> Any:
    """Return the weights in a file; nothing but tensors is ever loaded."""
    if not path.is_file():
        raise FileNotFoundError(f"there is no file of weights {str(path)!r}")
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # of many kinds, by where the damage is
        told = (str(error).splitlines() or [type(error).__name__])[0]
        raise ValueError(f"{str(path)!r} is truncated, altered or no file of weights ({told})") from None


def _imagenet_classes() -> tuple[str, ...]:
    from torchvision.models import ResNet50_Weights  # seconds, and only this needs it

    return tuple(ResNet50_Weights.IMAGENET1K_V2.meta["categories"])
