"""Files that are whole or not there."""

import os
from pathlib import Path


def write_whole(path: str | Path, content: bytes) -> None:
    """Write `content` to `path` so that the file is always the old one or the new one, never a part.

    Raises
    ------
    OSError
        If it cannot be written (a full disk, no permission); the old file stays.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_whole(Path(folder, "a.txt"), b"whole")
    ...     print([file.name for file in Path(folder).iterdir()])
    ['a.txt']
    """
    path = Path(path)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(content)
        part.replace(path)
    except OSError as error:
        raise OSError(
            error.errno, f"could not save {path.name!r}, what was there before is kept: {error.strerror}"
        ) from error
    finally:
        part.unlink(missing_ok=True)
