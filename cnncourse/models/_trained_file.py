"""The file of a trained network: weights as safetensors, and what belongs to them as JSON in its metadata."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as parse
from safetensors.torch import save as serialize
from torch import nn

from cnncourse._files import write_whole

FORMAT = 1
SUFFIX = ".safetensors"
KEYS = {
    "architecture": str, "options": dict, "classes": list, "channels": int, "size": list, "mean": list,
    "std": list, "resolution": list, "license": str, "record": dict,
}  # fmt: skip
OPTIONAL = {"temperature": (int, float)}
_ABOUT, _DIGEST = "cnncourse", "sha256"  # the key of the metadata, and of the checksum in its JSON
_PICKLES = (b"PK\x03\x04", b"\x80")


def write_file(path: str | Path, tensors: Mapping[str, torch.Tensor], about: Mapping[str, Any]) -> None:
    """Write `tensors` and `about` to `path`, whole or not at all.

    Raises
    ------
    ValueError
        If the name does not end in ``.safetensors``.
    TypeError
        If `about` holds what JSON cannot.
    OSError
        If the file cannot be written; what was there before is kept.
    """
    if Path(path).suffix != SUFFIX:
        raise ValueError(f"the file of a trained network ends in {SUFFIX}, got {str(path)!r}")
    about = {"format": FORMAT, **about}
    # own memory for each: safetensors refuses weights that two layers share
    copies = {
        name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
        for name, tensor in tensors.items()
    }
    text = _text({**about, _DIGEST: _digest(_text(about), copies)})
    write_whole(path, serialize(copies, {_ABOUT: text}))  # one key: safetensors shuffles several


def read_file(path: str | Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Return the tensors in `path`, and what the file says about them; no code in a file is ever run.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is truncated, altered, of another format, or something else.
    """
    try:
        content = Path(path).read_bytes()
    except FileNotFoundError:
        raise FileNotFoundError(f"there is no trained network {str(path)!r}") from None
    except IsADirectoryError:
        raise ValueError(f"{str(path)!r} is a folder; give the {SUFFIX} file in it") from None
    damage = f"{str(path)!r} is truncated, altered or no {SUFFIX} file; train again or take it from a copy"
    # a header's length may begin with the same byte, but its text follows eight bytes later
    if content.startswith(_PICKLES) and content[8:9] != b"{":
        raise ValueError(
            f"{str(path)!r} is a pickle, which can run code when it is read; "
            f"cnncourse reads {SUFFIX} files alone: train again"
        )
    try:
        tensors = parse(content)
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    except (SafetensorError, ValueError, OverflowError) as error:
        raise ValueError(f"{damage} ({error})") from None
    metadata = header.get("__metadata__") or {}
    if _ABOUT not in metadata:
        raise ValueError(
            f"{str(path)!r} holds weights and nothing about them: no classes, no mean; "
            "write it with Trained(...).save"
        )
    try:
        about = json.loads(metadata[_ABOUT])
    except ValueError as error:
        raise ValueError(f"{damage} ({error})") from None
    if not isinstance(about, dict) or (found := about.get("format")) is None:
        raise ValueError(f"{damage} (its metadata has no format)")
    if found != FORMAT:
        raise ValueError(
            f"{str(path)!r} is a trained network of format {found!r}; this version reads format {FORMAT}"
        )
    if about.pop(_DIGEST, None) != _digest(_text(about), tensors):
        raise ValueError(f"{damage} (its checksum is not that of its content)")
    del about["format"]
    return tensors, about


def _text(about: Mapping[str, Any]) -> str:
    return json.dumps(about, allow_nan=False)


def _digest(text: str, tensors: Mapping[str, torch.Tensor]) -> str:
    """Return the SHA-256 of the text and of all tensors, with their names, shapes and number formats."""
    digest = hashlib.sha256(text.encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"\n{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def as_half(weights: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return the weights with every floating-point tensor as float16.

    Raises
    ------
    ValueError
        If a number is too large for float16.
    """
    halves = {name: each.half() if each.is_floating_point() else each for name, each in weights.items()}
    for name, half in halves.items():
        if not half.isfinite().all():
            largest = weights[name].abs().max().item()
            raise ValueError(f"{name} goes up to {largest:g}, float16 to 65504; save it with half=False")
    return halves


def restored(weights: Mapping[str, torch.Tensor], model: nn.Module) -> dict[str, torch.Tensor]:
    """Return the weights with what was stored as float16 in the number format that `model` has."""
    wanted = model.state_dict()
    return {
        name: each.to(wanted[name].dtype) if each.dtype == torch.float16 and name in wanted else each
        for name, each in weights.items()
    }


def check_weights(weights: Mapping[str, torch.Tensor], model: nn.Module, architecture: str) -> None:
    """Raise unless `weights` are a ``state_dict`` of `model`, which was made as `architecture`."""
    wanted = model.state_dict()
    for name in [*wanted, *weights]:
        found, needed = (_describe(tensors.get(name)) for tensors in (weights, wanted))
        if found != needed:
            raise ValueError(
                f"the weights are of another network, or for other classes or channels: {name} is {found}, "
                f"{architecture} of this file needs {needed}"
            )


def _describe(tensor: torch.Tensor | None) -> str:
    """Return a tensor's number format and shape in words."""
    return "absent" if tensor is None else f"{str(tensor.dtype).removeprefix('torch.')} {tuple(tensor.shape)}"
