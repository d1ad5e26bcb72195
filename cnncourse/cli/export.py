"""``cnncourse export``: a trained network as an ONNX file."""

import argparse
from typing import Any


def add_commands(commands: Any) -> None:
    """Add ``export``."""
    export = commands.add_parser(
        "export",
        help="write a trained network as an ONNX file",
        description="Write a trained network as an ONNX file, for programs without Python. It is written "
        'only if ONNX Runtime finds the same numbers. It needs: pip install "cnncourse[export]"',
    )
    export.add_argument(
        "network", metavar="NAME_OR_FILE", help="one that comes with the package, or a .safetensors file"
    )
    export.add_argument("output", metavar="OUT.onnx", help="the file to write")
    export.set_defaults(call=_export)


def _export(options: argparse.Namespace) -> int:
    from cnncourse.export import check_output, to_onnx
    from cnncourse.models import load_trained

    check_output(options.output)  # before anything heavy
    trained = load_trained(options.network)
    made = to_onnx(trained, options.output)
    shape = ", ".join(map(str, made.shape))
    print(
        f"{trained.architecture} is in {made.path}: {made.size / 1e6:.1f} MB, ONNX opset {made.opset}\n"
        f"it takes images (N, {shape}), normalized, and gives {len(trained.classes)} logits each; "
        "classes, mean and std are in its metadata\n"
        f"ONNX Runtime and torch agree to {made.difference:.1g}"
    )
    return 0
