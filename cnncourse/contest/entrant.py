"""The program in which an entry runs: it trains when told to, and answers for images that it is handed.

Its arguments are the working folder, the file and the seed. It speaks through the streams it was started
with, a line of JSON and then bytes; what the entry prints goes elsewhere.
"""

import importlib.util
import json
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch

from cnncourse.contest.fence import fence

IMAGES, LABELS = "images.npy", "labels.npy"
FIRST = 500  # training images that are answered for before the clock stops
Predict = Callable[[torch.Tensor], Any]


def main() -> None:
    """Run the entry that the arguments name."""
    given, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)  # what the entry prints
    threading.Thread(target=_leave_with_parent, args=(os.getppid(),), daemon=True).start()
    work, file, seed = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    try:
        _serve(given, answers, work, file, seed)
    except BaseException as error:  # whatever the entry does, it is told
        send(answers, {"problem": describe_error(error, file)})


def _serve(given: IO[bytes], answers: IO[bytes], work: Path, file: Path, seed: int) -> None:
    images, labels = (torch.from_numpy(np.load(work / name)) for name in (IMAGES, LABELS))
    torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1).step()  # the first one imports for seconds
    fence(work, file.parent)
    train = load(file)
    send(answers, {"state": "ready"})
    given.readline()  # the clock starts
    predict = as_function(train(images, labels, seed))
    first = answer(predict, images[:FIRST])
    send(answers, {"state": "trained", "shape": first.shape}, first)
    while line := given.readline():
        shape = json.loads(line)["shape"]
        content = bytearray(given.read(int(np.prod(shape))))
        logits = answer(predict, torch.frombuffer(content, dtype=torch.uint8).reshape(shape))
        send(answers, {"state": "logits", "shape": logits.shape}, logits)


def load(file: Path) -> Callable[..., Any]:
    """Return the function ``train`` of an entry."""
    sys.path.insert(0, str(file.parent))
    spec = importlib.util.spec_from_file_location("entry", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["entry"] = module  # for its dataclasses and pickles
    spec.loader.exec_module(module)
    return module.train  # type: ignore[no-any-return]


def as_function(returned: Any) -> Predict:
    """Return what ``train`` has returned, as a function of images; a module in evaluation mode."""
    if isinstance(returned, torch.nn.Module):
        return returned.eval()
    if callable(returned):
        return returned  # type: ignore[no-any-return]
    raise TypeError(
        f"train must return a network or a function from images to logits, got {type(returned).__name__}"
    )


def answer(predict: Predict, images: torch.Tensor) -> np.ndarray:
    """Return the logits (N, 10) as float32 for uint8 images (N, 3, 32, 32).

    Raises
    ------
    TypeError, ValueError
        If they are of another kind or shape, or not finite.
    """
    with torch.no_grad():
        logits = predict(images)
    if isinstance(logits, torch.Tensor):
        logits = logits.detach().cpu()
        logits = logits.float().numpy() if logits.is_floating_point() else logits.numpy()
    if not isinstance(logits, np.ndarray):
        raise TypeError(f"logits must be a tensor or an array, got {type(logits).__name__}")
    if logits.dtype.kind != "f":
        raise TypeError(
            f"logits must be floating-point numbers, one for each class, got {logits.dtype}; "
            "return the network's outputs, not the classes"
        )
    check_logits(logits, len(images))
    return np.ascontiguousarray(logits, dtype="<f4")


def check_logits(logits: np.ndarray, count: int) -> None:
    """Raise unless there are ten finite numbers for each image."""
    if logits.shape != (count, 10):
        raise ValueError(f"logits for {count} images must have shape ({count}, 10), got {logits.shape}")
    if not np.isfinite(logits).all():
        raise ValueError("logits hold numbers that are not finite; did the training diverge?")


def send(answers: IO[bytes], message: dict[str, Any], logits: np.ndarray | None = None) -> None:
    """Write a line of JSON, and the logits after it."""
    answers.write(json.dumps(message).encode() + b"\n" + (b"" if logits is None else logits.tobytes()))
    answers.flush()


def describe_error(error: BaseException, file: Path) -> str:
    """Return the error in one line, with the line of the entry in which it arose."""
    lines = [
        frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(file)
    ]
    where = f", line {lines[-1]} of {file.name}" if lines else ""
    words = " ".join(str(error).split()) or "no message"
    return f"{type(error).__name__}: {words}{where}"


def _leave_with_parent(parent: int) -> None:
    """End this program when the one that started it is gone."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)
