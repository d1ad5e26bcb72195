"""``cnncourse predict``: what is in your photos."""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cnncourse.cli.pictures import save_picture

if TYPE_CHECKING:
    from cnncourse.models import Trained
    from cnncourse.predict import Prediction

MOST_EXPLAINED = 12


def add_commands(commands: Any) -> None:
    """Add ``predict``."""
    predict = commands.add_parser(
        "predict",
        help="say what is in your photos",
        description="Say what is in photos: the likeliest classes of each. Of a photo, the largest centered "
        "square is looked at. A file that cannot be read stops none of the others; the exit status is 1.",
    )
    predict.add_argument("path", nargs="+", metavar="PATH", help="a photo, or a folder of photos")
    predict.add_argument(
        "--model",
        default="efficientnet_lite0",
        metavar="NAME_OR_FILE",
        help="a trained network, or the .safetensors file of one of yours (default: efficientnet_lite0, "
        "which knows the 1,000 classes of ImageNet)",
    )
    predict.add_argument("--top", type=int, default=5, metavar="N", help="classes a photo (default: 5)")
    predict.add_argument("--json", action="store_true", help="print one list, an object a photo")
    predict.add_argument(
        "--explain", metavar="FILE", help="draw where the network looked (Grad-CAM) into a picture"
    )
    predict.set_defaults(call=_predict)


def _predict(options: argparse.Namespace) -> int:
    from cnncourse.models import load_trained
    from cnncourse.predict import predict_files

    if options.explain:
        _check_output(options.explain, options.path)
    trained = load_trained(options.model)
    predictions = []
    for prediction in predict_files(options.path, trained, options.top):
        predictions.append(prediction)
        if not options.json:
            stream = sys.stderr if prediction.error else sys.stdout
            print(_line(prediction), file=stream, flush=True)
    if options.json:
        print(json.dumps([prediction.as_dict() for prediction in predictions], indent=2))
    bad = sum(bool(prediction.error) for prediction in predictions)
    if bad and len(predictions) > 1:
        print(f"cnncourse: {bad} of {len(predictions)} photos could not be read", file=sys.stderr)
    if options.explain and bad < len(predictions):
        _explain(trained, [prediction for prediction in predictions if not prediction.error], options.explain)
    return 1 if bad else 0


def _line(prediction: "Prediction") -> str:
    """Return a photo's line: its classes with their probabilities, or what is wrong with it."""
    if prediction.error:
        return f"cnncourse: {prediction.error}"
    both = zip(prediction.classes, prediction.probabilities, strict=True)
    answer = ", ".join(f"{name} {_percent(probability)}" for name, probability in both)
    if prediction.unsure:
        answer = f"not sure, it wavers between {prediction.choices:.0f} classes; {answer}"
    return f"{prediction.path}: {answer}"


def _percent(probability: float) -> str:
    return "<1%" if probability < 0.005 else f"{probability:.0%}"


def _check_output(output: str, paths: list[str]) -> None:
    """Raise if the drawing would take the place of a photo, or there is no folder for it."""
    if any(Path(output).resolve() == Path(path).resolve() for path in paths):
        raise ValueError(f"--explain would overwrite the photo {output!r}; give it a file of its own")
    if not Path(output).resolve().parent.is_dir():
        raise FileNotFoundError(f"there is no folder for --explain {output!r}; make it first")


def _explain(trained: "Trained", predictions: "list[Prediction]", output: str) -> None:
    """Draw the photos, each beside what spoke for its likeliest class."""
    import matplotlib

    matplotlib.use("agg")
    import numpy as np

    from cnncourse import explain, plots
    from cnncourse.predict import read_photo

    if len(predictions) > MOST_EXPLAINED:
        print(f"cnncourse: --explain draws the first {MOST_EXPLAINED} photos", file=sys.stderr)
    shown = predictions[:MOST_EXPLAINED]
    images = np.stack([read_photo(prediction.path, trained) for prediction in shown])  # (N, C, H, W)
    targets = [trained.classes.index(prediction.classes[0]) for prediction in shown]
    maps = explain.grad_cam(trained, images, targets)  # (N, H, W)
    titles = [f"{each.classes[0]} {_percent(each.probabilities[0])}" for each in shown]
    axes = np.ravel(plots.overlay(images, maps, titles))
    save_picture(axes[0].figure, output, sys.stderr)
