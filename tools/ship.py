"""Put the network of a run into the package, in 16 bits, and say what it is worth there.

    python -m tools.ship runs/resnet20 resnet20

The file is measured again on the test split, as it is read from the package.
"""

import argparse
import dataclasses
from pathlib import Path

from cnncourse import data
from cnncourse.experiments import load_model, load_run
from cnncourse.models import load_trained
from cnncourse.models.load import shipped_folder
from cnncourse.training import evaluate

LICENSE = "MIT"  # as the package's


def ship(run: Path, name: str) -> tuple[Path, dict[str, float]]:
    """Write the network of the folder `run` as `name`; return its file, and what is measured anew."""
    record, folder = load_run(run)
    path = shipped_folder() / f"{name}.safetensors"
    dataclasses.replace(load_model(folder), license=LICENSE).save(path, half=True)
    test_set = data.load(record.dataset["name"], "test", record.dataset.get("size"))
    return path, evaluate(load_trained(name), test_set)


def main() -> None:
    """Read the command line and do it."""
    parser = argparse.ArgumentParser(prog="python -m tools.ship", description=__doc__)
    parser.add_argument("run", type=Path, help="the run's folder")
    parser.add_argument("name", help="of the network in the package")
    options = parser.parse_args()
    path, found = ship(options.run, options.name)
    print(f"{path.name}: {path.stat().st_size / 1e6:.2f} MB, test accuracy {found['accuracy']:.2%}")


if __name__ == "__main__":
    main()
