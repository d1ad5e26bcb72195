"""``python -m cnncourse`` and the command ``cnncourse``."""

import sys

from cnncourse.cli import run


def main() -> int:
    """Run the command line; return its exit status."""
    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
