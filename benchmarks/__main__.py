"""``python -m benchmarks [NAME ...]``: speed, as ratios in one run; status 1 where an aim is missed."""

import argparse
import importlib
import platform
import sys

NAMES = ("start", "convolution", "batches", "augmentation", "training", "grading", "web")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure speed, as ratios.")
    parser.add_argument("names", nargs="*", choices=[*NAMES, []], metavar="NAME", help=", ".join(NAMES))
    names = parser.parse_args().names or NAMES
    import torch

    from cnncourse.experiments.record import hardware_name

    print(f"{hardware_name(torch.device('cpu'))}, {torch.get_num_threads()} threads")
    print(f"Python {platform.python_version()}, torch {torch.__version__}")
    reached = [importlib.import_module(f"benchmarks.{name}").measure() for name in names]
    return 0 if all(reached) else 1


if __name__ == "__main__":
    sys.exit(main())
