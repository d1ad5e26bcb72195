"""Pictures in files."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def save_picture(figure: "Figure", name: str) -> None:
    """Save `figure` in the file `name`, as PNG if it has no ending, and print where it is."""
    path = Path(name) if Path(name).suffix else Path(f"{name}.png")
    figure.savefig(path, dpi=160)
    print(f"saved in {shlex.quote(str(path))}")
