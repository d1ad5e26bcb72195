"""Checkpoints: a whole training that goes on as if never stopped, in one file."""

import io
from pathlib import Path
from typing import Any

import torch

from cnncourse._files import write_whole
from cnncourse.training.state import State

FORMAT = 1


def save_checkpoint(state: State, path: str | Path, about: dict[str, Any]) -> None:
    """Write `state` to `path`, whole or not at all.

    Parameters
    ----------
    state : State
        A training between two epochs.
    path : str or Path
        The file; an older checkpoint there stays until the new one is whole.
    about : dict
        What the training is of (network, recipe, data), as numbers, strings, lists and dicts;
        `load_checkpoint` compares it.

    Raises
    ------
    OSError
        If the file cannot be written, because the disk is full for example.
    """
    buffer = io.BytesIO()
    torch.save({"format": FORMAT, "about": about, "state": state.state_dict()}, buffer)
    write_whole(path, buffer.getvalue())


def load_checkpoint(state: State, path: str | Path, about: dict[str, Any]) -> None:
    """Read the checkpoint `path` into `state`; nothing but tensors and plain values is ever loaded.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is truncated, of another format, or of another training than `about` tells.
    """
    values = _read(path)
    if not isinstance(values, dict) or not {"format", "about", "state"} <= set(values):
        raise ValueError(f"{str(path)!r} is no checkpoint of a training")
    if values["format"] != FORMAT:
        raise ValueError(
            f"{str(path)!r} is a checkpoint of format {values['format']!r}; "
            f"this version reads format {FORMAT}"
        )
    if difference := describe_difference(values["about"], about):
        raise ValueError(
            f"{str(path)!r} is a checkpoint of another training: {difference}; "
            "go on with the same, or start a new run"
        )
    try:
        state.load_state_dict(values["state"])
    except (RuntimeError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(
            f"{str(path)!r} does not fit this version's network or optimizer: {error}"
        ) from error


def describe_difference(found: Any, wanted: Any, name: str = "") -> str:
    """Return in words what of a training `found` is different in the one `wanted`; "" if nothing is."""
    if found == wanted:
        return ""
    if isinstance(found, dict) and isinstance(wanted, dict):
        parts = (
            describe_difference(found.get(key), wanted.get(key), f"{name} {key}".strip())
            for key in {**found, **wanted}
        )
        return "; ".join(filter(None, parts))
    return f"{name} was {found!r} and is {wanted!r} now"


def _read(path: str | Path) -> Any:
    """Return what torch saved at `path`, unpickling nothing but tensors and plain values.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is truncated or something else.
    """
    try:
        content = Path(path).read_bytes()
    except FileNotFoundError:
        raise FileNotFoundError(f"there is no checkpoint {str(path)!r}") from None
    try:
        return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except Exception as error:  # of many kinds, by where the damage is
        first_line = (str(error).splitlines() or [type(error).__name__])[0]
        raise ValueError(
            f"{str(path)!r} is truncated, altered or no checkpoint; train again or take it from a copy "
            f"({first_line})"
        ) from error
