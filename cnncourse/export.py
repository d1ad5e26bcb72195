"""Export: a trained network as an ONNX file, which other programs run without Python and torch.

Examples
--------
>>> to_onnx(None, "network.pb")
Traceback (most recent call last):
...
ValueError: an ONNX file ends in .onnx, got 'network.pb'
"""

import copy
import dataclasses
import importlib.util
import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch

from cnncourse._files import write_whole
from cnncourse.models import Trained

__all__ = ["Exported", "to_onnx"]

SUFFIX = ".onnx"
OPSET = 18  # the version of ONNX's operations that torch translates to without a conversion
NEEDED = ("onnx", "onnxscript", "onnxruntime")
TOLERANCE = 1e-3  # of the largest logit: far more than rounding, far less than any mistake


@dataclasses.dataclass(frozen=True)
class Exported:
    """What was written, and how well it agrees.

    Parameters
    ----------
    path : Path
        The file.
    size : int
        Its bytes.
    shape : tuple of int
        (C, H, W) of the images that it takes.
    opset : int
        The version of ONNX's operations that it needs.
    difference : float
        The largest difference between the logits of ONNX Runtime and those of torch, on a few images.
    """

    path: Path
    size: int
    shape: tuple[int, int, int]
    opset: int
    difference: float


def to_onnx(trained: Trained, path: str | Path) -> Exported:
    """Write a trained network as an ONNX file, and only if ONNX Runtime finds the same logits with it.

    The file takes ``images``, float32 (N, C, H, W) for any N, at the network's resolution and normalized, and
    gives ``logits`` (N, classes). What these numbers mean is in its metadata, each as JSON: ``classes``,
    ``mean`` and ``std`` (a pixel from 0 to 1 becomes ``(pixel - mean) / std``), ``channels``, ``resolution``
    (height, width) and ``temperature`` (by which logits are divided before the softmax); and as text
    ``architecture``, ``license`` and ``format``.

    Parameters
    ----------
    trained : Trained
        The network; it stays as it is.
    path : str or Path
        Where to write it, ``NAME.onnx``.

    Returns
    -------
    Exported

    Raises
    ------
    ValueError
        If the name has another ending.
    ModuleNotFoundError
        If a package is missing that writes or runs such files; the message says how to install them.
    RuntimeError
        If the network cannot be translated, or its translation gives other numbers.
    OSError
        If the file cannot be written; what was there before is kept.

    References
    ----------
    Open Neural Network Exchange, https://onnx.ai; ONNX Runtime, https://onnxruntime.ai.
    """
    path = check_output(path)
    if not isinstance(trained, Trained):
        raise TypeError(f"trained must be a models.Trained, got {type(trained).__name__}")
    twin = dataclasses.replace(trained, model=copy.deepcopy(trained.model).cpu().float().eval())
    shape = (twin.channels, *(twin.resolution or twin.size))
    proto = _translate(twin, shape)
    content = proto.SerializeToString()
    difference = _difference(content, twin)
    write_whole(path, content)
    return Exported(path, len(content), shape, proto.opset_import[0].version, difference)


def check_output(path: str | Path) -> Path:
    """Return where an ONNX file is to be written, if it can be: before the work that goes into it.

    Raises
    ------
    ValueError, OSError, ModuleNotFoundError
        If the name has another ending, there is no such folder, it is one, or a package is missing.
    """
    path = Path(path)
    if path.suffix != SUFFIX:
        raise ValueError(f"an ONNX file ends in {SUFFIX}, got {str(path)!r}")
    if not path.absolute().parent.is_dir():
        raise FileNotFoundError(
            f"there is no folder {str(path.parent)!r} to write {path.name!r} into; make it"
        )
    if path.is_dir():
        raise IsADirectoryError(f"{str(path)!r} is a folder; name a file in it")
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise ModuleNotFoundError(
            f'ONNX files need {", ".join(missing)}, which is not installed: pip install "cnncourse[export]"'
        )
    return path


def _translate(trained: Trained, shape: tuple[int, int, int]) -> Any:
    """Return the network as an ONNX model, with what belongs to it in the metadata."""
    import onnx

    batch = torch.export.Dim("batch")
    example = torch.zeros(2, *shape)  # a batch of one would be taken for a fixed one
    try:
        with warnings.catch_warnings(), torch.inference_mode(False), torch.no_grad():
            warnings.simplefilter("ignore")  # of the translation's own parts
            program = torch.onnx.export(
                trained.model, (example,), input_names=["images"], output_names=["logits"],
                dynamic_shapes=({0: batch},), opset_version=OPSET, dynamo=True, verbose=False,
            )  # fmt: skip
    except torch.onnx.OnnxExporterError as error:
        told = str(error).strip().partition("\n")[0]
        raise RuntimeError(f"{trained.architecture} cannot be translated to ONNX: {told}") from error
    assert program is not None
    proto = program.model_proto
    about: dict[str, Any] = {key: getattr(trained, key) for key in ("classes", "mean", "std", "channels")}
    texts = {key: json.dumps(value, ensure_ascii=False) for key, value in about.items()}
    texts |= {"resolution": json.dumps(shape[1:]), "format": "cnncourse 1"}
    texts["temperature"] = json.dumps(trained.temperature)
    texts |= {"architecture": trained.architecture, "license": trained.license}
    onnx.helper.set_model_props(proto, texts)
    onnx.checker.check_model(proto)
    return proto


def _difference(content: bytes, trained: Trained) -> float:
    """Return how far the file's logits are from torch's on batches of one and of three images.

    Raises
    ------
    RuntimeError
        If it is more than rounding.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors alone
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    pixels = np.random.default_rng(0).random((3, trained.channels, *trained.size))
    images = trained.prepare(pixels)  # (3, C, H, W)
    with torch.inference_mode():
        expected = trained.model(images).numpy()  # (3, classes)
    found = [session.run(["logits"], {"images": some.numpy()})[0] for some in (images[:1], images)]
    expected = np.concatenate([expected[:1], expected])
    difference = float(np.abs(np.concatenate(found) - expected).max())
    if not difference <= TOLERANCE * max(1.0, float(np.abs(expected).max())):
        raise RuntimeError(
            f"the ONNX file of {trained.architecture} gives other numbers than torch, up to {difference:.3g} "
            "apart, so it was not written; try another version of torch or onnxruntime"
        )
    return difference
