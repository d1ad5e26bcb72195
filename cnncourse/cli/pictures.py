"""Pictures in files."""

import io
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from cnncourse._files import write_whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def save_picture(figure: "Figure", name: str, stream: TextIO | None = None) -> None:
    """Save `figure` in the file `name`, as PNG if it has no ending, whole or not at all; print its place."""
    path = Path(name) if Path(name).suffix else Path(f"{name}.png")
    content = io.BytesIO()
    figure.savefig(content, dpi=160, format=path.suffix[1:].lower())
    write_whole(path, content.getvalue())
    print(f"saved in {shlex.quote(str(path))}", file=stream)
