"""Create .venv with the versions of requirements.lock, and say clearly what is missing where that fails."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
OLDEST = (3, 11)


def run(arguments: "list[object]", problem: str) -> None:  # quoted: an old Python shall get as far as main
    """Run a command, and stop with `problem` where it fails."""
    if subprocess.call([str(argument) for argument in arguments], cwd=str(ROOT)) != 0:
        sys.exit("\nSet-up stopped: " + problem)


def main() -> None:
    """Make the environment, or bring the present one up to the lock."""
    if sys.version_info < OLDEST:
        have = ".".join(str(part) for part in sys.version_info[:2])
        sys.exit(
            f"cnncourse needs Python {OLDEST[0]}.{OLDEST[1]} or newer, and {sys.executable} is {have}. "
            "Name another: make PYTHON=/path/to/python"
        )
    if not PYTHON.exists():
        run(
            [sys.executable, "-m", "venv", VENV],
            "Python could not create a virtual environment; on Debian and Ubuntu: apt install python3-venv",
        )
    registry = "a package could not be installed; is the package registry reachable, and 8 GB of disk free?"
    run([PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "uv>=0.5"], registry)
    uv = [PYTHON, "-m", "uv", "pip"]
    # compiled once here: where Python may not write beside its modules, each start would compile torch anew
    install = [*uv, "install", "--quiet", "--python", PYTHON, "--compile-bytecode"]
    run([*install, "-r", "requirements.lock"], registry)
    run([*uv, "install", "--quiet", "--python", PYTHON, "--no-deps", "--editable", "."], registry)
    (VENV / "ready").touch()


if __name__ == "__main__":
    main()
