"""``cnncourse classify``: a classifier of your own from folders of photos."""

import argparse
import shlex
import sys
from pathlib import Path
from typing import Any


def add_commands(commands: Any) -> None:
    """Add ``classify`` with its action."""
    classify = commands.add_parser("classify", help="make a classifier of your own photos")
    actions = classify.add_subparsers(title="actions", metavar="ACTION", required=True)
    make = actions.add_parser(
        "make",
        help="from a folder with a folder of photos for each class to a classifier in one file",
        description="Make a classifier from FOLDER, which holds a folder of photos for each class, such as "
        "cat/ and dog/ (below train/ and test/, if you divided them). Twenty photos a class are a good "
        "start. A report NAME.html beside the file shows accuracy, mistakes and what is odd about photos.",
    )
    make.set_defaults(call=_make)
    make.add_argument("folder", metavar="FOLDER", help="the folder that holds the class folders")
    make.add_argument(
        "--out", metavar="FILE", help="the classifier's file (default: the folder's name and .safetensors)"
    )
    make.add_argument(
        "--model",
        default="efficientnet_lite0",
        metavar="NAME",
        help="the network whose features are used, by name or file (default: efficientnet_lite0)",
    )
    make.add_argument("--seed", type=int, default=0, metavar="N", help="decides how photos are divided")
    make.add_argument(
        "--together",
        metavar="PATTERN",
        help="photos in whose names this regular expression finds the same text, such as a date, are not "
        "divided: judge by photos of other days",
    )


def _make(options: argparse.Namespace) -> int:
    from cnncourse import classify
    from cnncourse.data.sources import plain_name

    out = Path(options.out or f"{plain_name(Path(options.folder).expanduser())}.safetensors")
    made = classify.make(options.folder, out, options.model, options.seed, together=options.together)
    for text in made.findings.warnings:
        print(f"warning: {text}", file=sys.stderr)
    print(made)
    file = shlex.quote(str(out))
    print(f"saved in {file}, report in {shlex.quote(str(out.with_suffix('.html')))}, {made.seconds:.0f} s")
    print(f"to ask it: cnncourse predict PHOTO --model {file}")
    return 0
