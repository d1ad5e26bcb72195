"""``cnncourse data``: list, fetch, verify and show data sets."""

import argparse
from typing import Any

from cnncourse.cli.pictures import save_picture


def add_commands(commands: Any) -> None:
    """Add ``data`` with its actions."""
    data = commands.add_parser("data", help="list, fetch, verify and show data sets")
    actions = data.add_subparsers(title="actions", metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="the data sets, and which are on this machine")
    listing.set_defaults(call=_list)
    fetch = actions.add_parser("fetch", help="download a data set into the cache")
    fetch.set_defaults(call=_fetch)
    verify = actions.add_parser("verify", help="compare a data set with its known fingerprints")
    verify.set_defaults(call=_verify)
    show = actions.add_parser("show", help="describe a data set and save a picture of some of its images")
    show.add_argument("--split", default="train", metavar="SPLIT", help="train or test (default: train)")
    show.add_argument("--output", metavar="FILE", help="the picture's file (default: NAME-SPLIT.png)")
    show.add_argument("--seed", type=int, default=0, metavar="N", help="draws the images")
    show.set_defaults(call=_show)
    for action in (fetch, verify, show):
        action.add_argument(
            "name", metavar="NAME", help="the data set" + ("" if action is fetch else " or a path")
        )


def _list(options: argparse.Namespace) -> int:
    from cnncourse import data

    for status in data.available():
        print(f"{status.name:<10} {status.state:<10} {status.detail}")
    return 0


def _fetch(options: argparse.Namespace) -> int:
    from cnncourse import data
    from cnncourse._progress import wants_progress

    folder = data.fetch(options.name, progress=wants_progress())
    print(f"{options.name} is in {folder}")
    return 0


def _verify(options: argparse.Namespace) -> int:
    from cnncourse import data

    checks = data.verify(options.name)
    for check in checks:
        verdict = "as recorded" if check.ok else f"NOT the recorded {check.expected}"
        verdict = verdict if check.expected else "nothing recorded to compare it with"
        print(
            f"{options.name} {check.split}: {check.images} images, fingerprint {check.fingerprint}, {verdict}"
        )
    return 0 if all(check.ok for check in checks) else 1


def _show(options: argparse.Namespace) -> int:
    from cnncourse import data

    image_set = data.load(options.name, options.split)
    chosen = image_set.take(min(len(image_set), 24), seed=options.seed)
    mean, std = image_set.statistics()
    print(image_set)
    for name, count in image_set.class_counts().items():
        print(f"  {name:<12} {count}")
    print(f"  mean {mean.round(4).tolist()}, standard deviation {std.round(4).tolist()}, pixels on 0 to 1")
    _save_images(chosen, options.output or f"{image_set.name}-{image_set.split}.png")
    return 0


def _save_images(image_set: Any, output: str) -> None:
    """Save the images with their classes as a picture."""
    import matplotlib
    import numpy as np

    matplotlib.use("agg")
    from cnncourse import plots

    titles = [image_set.classes[label] for label in image_set.labels]
    axes = plots.image_grid(image_set, titles=titles, columns=6)
    save_picture(np.ravel(axes)[0].figure, output)
