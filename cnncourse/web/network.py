"""A trained network as steps, its weights in 8 bits or 32, and the script that holds both."""

import base64
import copy
import dataclasses
import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from cnncourse._checks import check_choice
from cnncourse._trace import trace
from cnncourse.data import load_photo
from cnncourse.data.photos import PHOTOS
from cnncourse.models import Trained
from cnncourse.web.graph import Step, named_apart, simplify
from cnncourse.web.operations import UnknownLayerError, step_of
from cnncourse.web.running import OPERATIONS, run_steps

FORMAT = "cnncourse web 1"
PRECISIONS = ("int8", "mixed", "float32")
LARGE = 400_000  # weights: in "mixed", smaller layers keep 16 bits
TOLERANCE = 1e-4  # of the largest logit: far more than rounding, far less than any mistake
MOST_NAMED = 3  # layers of a refusal


@dataclass(frozen=True)
class WebNetwork:
    """A network as the engine runs it.

    Parameters
    ----------
    trained : Trained
        What it was made from, which knows classes and normalization.
    steps : tuple of Step
        Its operations; the first is the image, the last gives the logits.
    precision : {"int8", "mixed", "float32"}
        How its weights are stored. They are as rounded as the engine will see them.
    """

    trained: Trained
    steps: tuple[Step, ...]
    precision: str = "int8"

    def activations(self, images: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return what each step gives, by its name.

        Parameters
        ----------
        images : Tensor of shape (N, C, H, W)
            As `cnncourse.models.Trained.prepare` returns them.
        """
        values = run_steps(self.steps, images)
        return {step.name: value for step, value in zip(self.steps, values, strict=True)}

    def logits(self, images: torch.Tensor) -> torch.Tensor:
        """Return the logits of prepared images, as the engine finds them."""
        return run_steps(self.steps, images)[-1]

    def describe(self) -> dict[str, Any]:
        """Return all that the engine needs, as JSON has it: steps, weights, classes, normalization."""
        trained = self.trained
        content = bytearray()
        steps = [_written(step, self.precision, content) for step in self.steps]
        about = {key: getattr(trained, key) for key in ("architecture", "classes", "channels", "license")}
        about |= {key: list(getattr(trained, key)) for key in ("mean", "std")}
        about |= {"size": list(self.steps[0].shape[1:]), "temperature": trained.temperature}
        return {
            "format": FORMAT, **about, "precision": self.precision, "steps": steps,
            "data": base64.b64encode(content).decode(),
        }  # fmt: skip

    def script(self, name: str) -> str:
        """Return a classic script that adds the network to ``cnncourse.networks``."""
        key, value = json.dumps(name), json.dumps(self.describe(), separators=(",", ":"))
        return f"globalThis.cnncourse ??= {{}};\n(globalThis.cnncourse.networks ??= {{}})[{key}] = {value};\n"


def for_web(trained: Trained, precision: str = "int8") -> WebNetwork:
    """Return a trained network as the engine runs it, if it can.

    Batch normalization is worked into the convolutions before it. In 8 bits, each filter is a whole number
    from -127 to 127 times a scale of its own; biases keep 32 bits. Deep networks of thin layers lose too much
    by that: "mixed" keeps 16 bits in all layers but the largest, and subtracts from each bias what rounding
    adds on average to what the layer gives for some photographs.

    Parameters
    ----------
    trained : Trained
        The network; it stays as it is.
    precision : {"int8", "mixed", "float32"}
        How weights are stored.

    Returns
    -------
    WebNetwork

    Raises
    ------
    ValueError
        If the engine has no operation for some of its layers; the message names them.
    RuntimeError
        If the steps do not give the network's own numbers, as for a layer that has been changed.

    Examples
    --------
    >>> from cnncourse.models import load_trained
    >>> [step.op for step in for_web(load_trained("lenet5")).steps][:5]
    ['input', 'conv', 'relu', 'max_pool', 'conv']
    """
    check_choice("precision", precision, PRECISIONS)
    if not isinstance(trained, Trained):
        raise TypeError(f"trained must be a models.Trained, got {type(trained).__name__}")
    twin = dataclasses.replace(trained, model=copy.deepcopy(trained.model).cpu().float().eval())
    shape = (twin.channels, *(twin.resolution or twin.size))
    steps = simplify(_translate(twin, shape))
    _compare(steps, twin)
    rounded = [_rounded(step, precision) for step in steps]
    if precision == "mixed":
        rounded = _mended(rounded, steps, twin)
    steps = rounded
    return WebNetwork(trained, tuple(steps), precision)


def _translate(trained: Trained, shape: tuple[int, int, int]) -> list[Step]:
    """Return the network's operations as steps, as they are."""
    nodes = trace(trained.model, shape)
    steps: list[Step] = [Step("image", "input", (), shape)]
    place_of = [0]  # for each node, the step that gives its value
    wrong = []
    for node in nodes[1:]:
        shapes = [nodes[i].shape for i in node.inputs]
        inputs = tuple(place_of[i] for i in node.inputs)
        try:
            step = step_of(node._replace(inputs=inputs), shapes)
        except UnknownLayerError as error:
            wrong.append(f"{node.name} ({node.operation}) {error}")
            step = None
        if step is not None:
            steps.append(step)
        place_of.append(inputs[0] if step is None else len(steps) - 1)
    if wrong:
        more = f"; and {len(wrong) - MOST_NAMED} more" if len(wrong) > MOST_NAMED else ""
        raise ValueError(
            f"{trained.architecture} cannot run in a page: {'; '.join(wrong[:MOST_NAMED])}{more}"
        )
    names = named_apart(step.name for step in steps)
    return [dataclasses.replace(step, name=name) for step, name in zip(steps, names, strict=True)]


def _compare(steps: list[Step], trained: Trained) -> None:
    """Raise unless the steps give the network's logits on a few images."""
    pixels = np.random.default_rng(0).random((2, trained.channels, *trained.size))
    images = trained.prepare(pixels)  # (2, C, H, W)
    with torch.inference_mode():
        expected = trained.model(images)
    difference = float((run_steps(steps, images)[-1] - expected).abs().max())
    if not difference <= TOLERANCE * max(1.0, float(expected.abs().max())):
        raise RuntimeError(
            f"{trained.architecture} cannot run in a page: its steps give other numbers than the network, up "
            f"to {difference:.3g} apart; one of its layers does something else than its class says"
        )


def _bits(step: Step, precision: str) -> int:
    """Return the bits of a step's weights."""
    if precision == "float32" or step.op not in ("conv", "dense"):
        return 32
    return 16 if precision == "mixed" and step.weights["weight"].size < LARGE else 8


def _scales(weight: np.ndarray, bits: int) -> np.ndarray:
    """Return the size of one step of so many bits for each filter, in the shape of the weights."""
    largest = np.abs(weight.reshape(len(weight), -1)).max(axis=1)  # (C_out,)
    steps = np.where(largest > 0, largest / (2 ** (bits - 1) - 1), 1).astype(np.float32)
    return steps.reshape(-1, *[1] * (weight.ndim - 1))


def _rounded(step: Step, precision: str) -> Step:
    """Return a step with its filters rounded to whole numbers of a scale."""
    bits = _bits(step, precision)
    if bits == 32:
        return step
    weight = step.weights["weight"]
    scales = _scales(weight, bits)
    return dataclasses.replace(
        step, weights={**step.weights, "weight": (np.rint(weight / scales) * scales).astype(np.float32)}
    )


def _mended(rounded: list[Step], exact: list[Step], trained: Trained) -> list[Step]:
    """Return the rounded steps without what rounding adds on average, for photographs."""
    errors = {
        place: dataclasses.replace(
            step,
            weights={
                "weight": step.weights["weight"] - exact[place].weights["weight"],
                "bias": np.zeros_like(step.weights["bias"]),
            },
        )
        for place, step in enumerate(rounded)
        if step.op in ("conv", "dense")
    }
    added = {place: np.zeros(step.shape[0]) for place, step in errors.items()}
    for name in PHOTOS:  # one at a time, for the memory of all activations
        photo = load_photo(name, trained.size, gray=trained.channels == 1)
        photo = np.broadcast_to(photo, (trained.channels, *trained.size))
        values = run_steps(exact, trained.prepare(photo[None]))
        with torch.inference_mode():
            for place, step in errors.items():
                error = OPERATIONS[step.op](step, [values[i] for i in step.inputs])  # (1, C_out, ...)
                added[place] += (
                    error.flatten(2).mean(dim=(0, 2)).numpy() if error.ndim > 2 else error[0].numpy()
                )
    mended = list(rounded)
    for place, total in added.items():
        weights = rounded[place].weights
        bias = (weights["bias"] - total / len(PHOTOS)).astype(np.float32)
        mended[place] = dataclasses.replace(rounded[place], weights={**weights, "bias": bias})
    return mended


def _written(step: Step, precision: str, content: bytearray) -> dict[str, Any]:
    """Return a step as JSON has it; its weights go to the end of `content`."""
    about: dict[str, Any] = {
        "name": step.name, "op": step.op, "inputs": step.inputs, "shape": step.shape, **step.numbers
    }  # fmt: skip
    if step.folded:
        about["folded"] = step.folded
    bits = _bits(step, precision)
    for key, weight in step.weights.items():
        place: dict[str, Any] = {"shape": weight.shape}
        if bits < 32 and key == "weight":
            scales = _scales(weight, bits)
            whole = np.rint(weight / scales).astype("<i2" if bits == 16 else np.int8)
            place |= {"at": _append(content, whole.tobytes()), "scales": _append(content, _bytes(scales))}
            place |= {"bits": 16} if bits == 16 else {}
        else:
            place["at"] = _append(content, _bytes(weight))
        about[key] = place
    return about


def _bytes(numbers: np.ndarray) -> bytes:
    return np.ascontiguousarray(numbers, "<f4").tobytes()


def _append(content: bytearray, part: bytes) -> int:
    """Add bytes at a multiple of four; return where they begin."""
    content.extend(b"\0" * (-len(content) % 4))
    content.extend(part)
    return len(content) - len(part)
