"""``cnncourse export``: a trained network as an ONNX file, or as a page that runs it."""

import argparse
from pathlib import Path
from typing import Any


def add_commands(commands: Any) -> None:
    """Add ``export``."""
    export = commands.add_parser(
        "export",
        help="write a trained network as an ONNX file, or as a page that runs it",
        usage="cnncourse export [-h] NAME_OR_FILE OUT.onnx\n"
        "       cnncourse export [-h] web NAME_OR_FILE --out FOLDER [--float]",
        description="Write a trained network, one that comes with the package or a .safetensors file, for "
        "programs without Python. An ONNX file is written only if ONNX Runtime finds the same numbers, and "
        'needs: pip install "cnncourse[export]". A page (web) runs the network in a browser, without a '
        "server, and shows each of its maps for an image of yours.",
    )
    export.add_argument("what", metavar="NAME_OR_FILE", help="the network; or: web, and then the network")
    export.add_argument("output", metavar="OUT.onnx", help="the file to write; after web: the network")
    export.add_argument("--out", metavar="FOLDER", help="of web: where the page goes")
    export.add_argument("--float", action="store_true", help="of web: weights in 32 bits rather than 8")
    export.set_defaults(call=_export)


def _export(options: argparse.Namespace) -> int:
    if options.what == "web":
        return _to_web(options.output, options.out, "float32" if options.float else "int8")
    if options.out is not None or options.float:
        raise ValueError("--out and --float belong to a page: cnncourse export web NAME_OR_FILE --out FOLDER")
    return _to_onnx(options.what, options.output)


def _to_web(network: str, folder: str | None, precision: str) -> int:
    if folder is None:
        raise ValueError(f"a page needs a folder: cnncourse export web {network} --out FOLDER")
    from cnncourse.models import load_trained
    from cnncourse.web import to_web

    made = to_web(load_trained(network), folder, Path(network).stem, precision)
    print(
        f"open {made.page} in a browser: it runs the network where it is opened, without a server\n"
        f"the network is {made.script.name}: {made.size / 1e6:.1f} MB, {made.steps} steps"
    )
    return 0


def _to_onnx(network: str, output: str) -> int:
    from cnncourse.export import check_output, to_onnx
    from cnncourse.models import load_trained

    check_output(output)  # before anything heavy
    trained = load_trained(network)
    made = to_onnx(trained, output)
    shape = ", ".join(map(str, made.shape))
    print(
        f"{trained.architecture} is in {made.path}: {made.size / 1e6:.1f} MB, ONNX opset {made.opset}\n"
        f"it takes images (N, {shape}), normalized, and gives {len(trained.classes)} logits each; "
        "classes, mean, std and temperature are in its metadata\n"
        f"ONNX Runtime and torch agree to {made.difference:.1g}"
    )
    return 0
